"""One request to a page: who asks, which site, which right it takes; and the page that answers.

A page is a function that takes a `Visit` and gives a response, under a `@page`, which is the one place where a session,
a right and the token of a form are demanded, and where what is to be audited is written down before it is shown:

    @page("/who/{content:path}", AUDITOR, audit="looked")
    def who(visit: Visit) -> Response:
        return visit.show("who.html", title="Who may", answered=...)
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar
from urllib.parse import quote, quote_plus, urlencode

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from tabwarden.commands._unforeseen import sentence_for_others
from tabwarden.mirror.match import Match, Unmatched
from tabwarden.model.errors import TabwardenError, UnknownName
from tabwarden.places import about
from tabwarden.run.catalog import with_change
from tabwarden.run.plans import keep_in
from tabwarden.settings.mirror import Mirror
from tabwarden.store.web import audit as trail
from tabwarden.store.web.sessions import Session
from tabwarden.store.web.sources import source_change
from tabwarden.web import rights
from tabwarden.web.catalogs import Source
from tabwarden.web.house import House
from tabwarden.web.looking import Looking, looking_of, refusal
from tabwarden.web.rendering import templates
from tabwarden.web.served import ServedSite
from tabwarden.web.threads import once, run_in_threadpool

if TYPE_CHECKING:
    from tabwarden.model.site import User
    from tabwarden.plan.plan import Plan
    from tabwarden.settings import Settings

Answer = TypeVar("Answer")
CHANGING = ("POST", "PUT", "PATCH", "DELETE")


@dataclass
class Visit:
    """One request of somebody who is signed in; `form` holds what a form sent.

    Whoever looks as somebody else is that person here, with the right `own` alone: `name`, `user`, `site`, `rights`.
    `scope` are the rights that a token of the API is good for; None: it is no token.
    """

    request: Request
    house: House
    session: Session
    form: Mapping[str, str]
    scope: frozenset[str] | None = None

    @property
    def signed_in(self) -> str:
        """The user name of whoever is signed in, as whomever he looks."""
        return str(self.session.person["name"])

    @once
    def looking(self) -> Looking | None:
        """As whom he looks; None where as himself."""
        return looking_of(self.session.person)

    @property
    def name(self) -> str:
        """The user name of whose pages these are."""
        return self.looking.name if self.looking else self.signed_in

    @property
    def address(self) -> str:
        """From where the request came."""
        return self.request.client.host if self.request.client else ""

    @once
    def site(self) -> ServedSite:
        """The site that is asked about: `site` of the address, else the usual one; one for the whole request."""
        wanted = self.request.query_params.get("site") or self.form.get("site") or None
        if self.looking is None:
            return self.house.served.site() if wanted is None else self._site_named(wanted)
        if wanted not in (None, self.looking.site):
            raise UnknownName(f"while you look as {self.name} you see one site alone")
        return self.house.served.site(self.looking.site)

    @property
    def settings(self) -> Settings:
        """What the settings say of the site that is asked about; what they say of all where they are about others."""
        return self.site.settings or self.house.settings

    def _site_named(self, url: str) -> ServedSite:
        """The site of that content URL; one that he has nothing to do with is answered as one there is not."""
        served = self.house.served.sites.get(url)
        if served is None or not self.has_to_do_with(served):
            raise UnknownName(f"no site `{url}` is served, or none that you are on")
        return served

    def has_to_do_with(self, served: ServedSite) -> bool:
        """Whether he is on a site, has a right there, or everybody sees it."""
        person = {"name": self.name} if self.looking else self.session.person
        return (
            isinstance(self.match_on(served), Match)
            or rights.rights_of(self.house.settings.web.rights, person, served.site) != {rights.OWN}
            or not self.source_of(served).enforced
        )

    @property
    def sites(self) -> list[ServedSite]:
        """Those he has to do with, and the one that is asked about."""
        every = self.house.served.sites.values()
        return [one for one in every if one is self.site or (not self.looking and self.has_to_do_with(one))]

    def has_everywhere(self, right: str) -> bool:
        """Whether he has a right on each site that is served: for what tells of all of them."""
        return right in self.rights and all(right in self.rights_on(one) for one in self.house.served.sites.values())

    def of_site(self, handler: Callable[[], Answer]) -> Answer:
        """What `handler` gives where commands that it asks load the settings of the site that is visited."""
        if not self.house.served.sites or self.site.settings is self.house.settings:
            return handler()
        with about(self.site.meant):
            return handler()

    def match_on(self, served: ServedSite) -> Match | Unmatched:
        """The Tableau user that he is as a catalog person, or why he is none."""
        return served.people.who(self.name, served.questions().engine.columns)

    def source_of(self, served: ServedSite) -> Source:
        """What counts for a site as a source of the catalog."""
        change = source_change(self.house.database, served.snapshot.where, served.snapshot.content_url)
        return Source(with_change(served.settings.mirror if served.settings else Mirror(), change), change)

    @once
    def source(self) -> Source:
        """What counts for the site that is asked about."""
        return self.source_of(self.site)

    @once
    def rights(self) -> frozenset[str]:
        """What he may do here."""
        if self.looking:
            return frozenset() if self.refusal() else frozenset({rights.OWN})
        return self.rights_on(self.site if self.house.served.sites else None)

    def rights_on(self, served: ServedSite | None) -> frozenset[str]:
        """What whoever is signed in may do on a site, by a token no more than it is good for."""
        site = served.site if served is not None else None
        every = rights.rights_of(self.house.settings.web.rights, self.session.person, site)
        return every if self.scope is None else every & {rights.OWN, *self.scope}

    @once
    def user(self) -> User | None:
        """Who he is on that site; None where nobody of it has his name."""
        return self.site.user_of(self.name)

    def refusal(self) -> str:
        """Why he looks as that person no more; empty where he may, or looks as himself."""
        if self.looking is None:
            return ""
        site = self.house.served.site(self.looking.site)
        looker = site.user_of(self.signed_in)
        return refusal(self.house.settings.web.rights, self.session.person, site.site, looker, self.user)

    def word(self, name: str, usual: str = "") -> str:
        """A word of the address' query, or of the form."""
        return self.form.get(name) or self.request.query_params.get(name) or usual

    def part(self, name: str) -> str:
        """A part of the address' path."""
        return str(self.request.path_params[name])

    def link(self, path: str, /, **query: str) -> str:
        """An address on these pages that keeps the site; a path's parts are quoted by whoever makes it."""
        words = self._of_site + "&".join(f"{name}={quote_plus(str(value))}" for name, value in query.items() if value)
        return f"{path}?{words.removesuffix('&')}" if words else path

    @once
    def _of_site(self) -> str:
        site = self.request.query_params.get("site")
        return f"site={quote_plus(site)}&" if site else ""

    def audit(self, act: str, about: str, outcome: str = "") -> None:
        """Write down what he does, before it is shown or done."""
        trail.note(
            self.house.database,
            datetime.now(UTC),
            person=self.signed_in,
            address=self.address,
            act=act,
            about=f"as {self.name}: {about}" if self.looking else about,
            outcome=outcome,
        )

    @contextmanager
    def doing(self, act: str, about: str, outcome: str = "") -> Iterator[None]:
        """What is written down, and then done in the database of the pages: both or neither, whenever it is killed."""
        with self.house.database.writing():
            self.audit(act, about, outcome)
            yield

    def keep(self, plan: Plan, by: str = "") -> int:
        """Keep a plan in the store, as made by whoever is signed in or on whose request it is; its number."""
        number, _ = keep_in(self.house.settings.store.folder, plan, by=by or self.signed_in)
        return number

    def show(self, template: str, **values: Any) -> Response:
        """A page made of a template; whose, of which site and how fresh it is, stands on each."""
        return _html(self, template, 200, values)

    def of_other(self, served: ServedSite) -> str:
        """The address of the page, or of what it belongs to, of another site."""
        path = self.request.url.path
        above = (one for one, *_ in rights.NAVIGATION if path == one or path.startswith(f"{one}/"))
        return f"{next(above, '/')}?{urlencode({'site': served.url})}"

    def go(self, path: str, /, **query: str) -> Response:
        """To another of these pages, after something was done."""
        return RedirectResponse(self.link(path, **query), status_code=303)


Handler = Callable[[Visit], Response]


def page(
    path: str,
    right: str = rights.OWN,
    *,
    methods: tuple[str, ...] = ("GET",),
    audit: str = "",
    while_looking: bool = False,
) -> Callable[[Handler], Route]:
    """Make a route of a page. `audit` names what is done where each visit is written down.

    What changes something is refused to whoever looks as somebody else, unless it ends that (`while_looking`).
    """

    def route(handler: Handler) -> Route:
        async def endpoint(request: Request) -> Response:
            return await _answer(request, handler, Demand(right, audit, while_looking))

        return Route(path, endpoint, methods=list(methods), name=handler.__name__)

    return route


class Demand(NamedTuple):
    """What a page asks of whoever visits it."""

    right: str
    audit: str
    while_looking: bool


async def _answer(request: Request, handler: Handler, demand: Demand) -> Response:
    """The page, or why there is none."""
    if request.method not in CHANGING:
        return await run_in_threadpool(_looked_at, request, handler, demand)
    visit = await visit_of(request)
    if visit is None:
        return _to_sign_in(request)
    csrf = visit.form.get("csrf", "")
    if not hmac.compare_digest(csrf.encode(), visit.session.csrf.encode()):
        words = "this form is of another session; open the page again and send it once more"
        await run_in_threadpool(visit.audit, "refused", request.url.path, words)
        return error_page(visit, 403, words)
    return await run_in_threadpool(_given, visit, handler, demand)


def _looked_at(request: Request, handler: Handler, demand: Demand) -> Response:
    """A page that changes nothing, all of it in one thread."""
    visit = _by_session(request) if "authorization" not in request.headers else None
    return _given(visit, handler, demand) if visit is not None else _to_sign_in(request)


async def visit_of(request: Request, *, tokens: bool = False) -> Visit | None:
    """The request of somebody who is signed in, with what a form sent; None of nobody.

    Where `tokens` are taken, whoever sends one is whose it is, whatever cookies come with it. Pages take none: what
    guards their forms is the session.
    """
    if "authorization" in request.headers:
        return await run_in_threadpool(by_token, request, request.app.state.house) if tokens else None
    visit: Visit | None = await run_in_threadpool(_by_session, request)
    if visit is not None and request.method in CHANGING:
        visit.form = {name: value for name, value in (await request.form()).items() if isinstance(value, str)}
    return visit


def _by_session(request: Request) -> Visit | None:
    """The visit of whoever's session the cookie is of. Asks the store."""
    house: House = request.app.state.house
    token = request.cookies.get(house.cookie(), "")
    session = house.sessions.of(token, datetime.now(UTC)) if token else None
    return Visit(request, house, session, {}) if session is not None else None


def by_token(request: Request, house: House) -> Visit | None:
    """The visit of whoever sends a token of the API (`Authorization: Bearer ...`); None where it is none, or ended.

    It has no form and no session of its own: `rights` are those of the token that he still has. Asks the store.
    """
    scheme, _, words = request.headers.get("authorization", "").partition(" ")
    token = house.tokens.of(words.strip(), datetime.now(UTC)) if scheme.casefold() == "bearer" else None
    if token is None:
        return None
    session = Session(token.hash, token.person, "", token.begun, token.seen)
    return Visit(request, house, session, {}, token.rights)


def _given(visit: Visit, handler: Handler, demand: Demand) -> Response:
    """What the page gives; an error is a page with the sentence that the command line tells."""
    try:
        words = _refused(visit, demand)
        if words:
            visit.audit("refused", _asked_for(visit.request), words)
            return error_page(visit, 403, words)
        if demand.audit or visit.looking:
            visit.audit(demand.audit or "looked", _asked_for(visit.request))
        return handler(visit) if demand.while_looking else visit.of_site(lambda: handler(visit))
    except UnknownName as error:
        return error_page(visit, 404, *error.lines)
    except TabwardenError as error:
        return error_page(visit, 400, *error.lines)
    except Exception as error:  # no traceback reaches a person
        return error_page(visit, 500, sentence_for_others(error))


def _refused(visit: Visit, demand: Demand) -> str:
    """Why somebody does not get the page; empty where he does."""
    if visit.looking:
        if demand.while_looking:  # what ends it is never refused
            return ""
        if visit.request.method in CHANGING:
            return f"you look as {visit.name} and change nothing; look as yourself again to do this"
        if words := visit.refusal():
            return f"you may not look as {visit.name} any more: {words}"
    if demand.right not in visit.rights:
        return f"this page needs the right `{demand.right}`, which you do not have"
    if visit.request.url.path in rights.OF_EVERY_SITE and not visit.has_everywhere(demand.right):
        return f"this page tells of every site and needs the right `{demand.right}` on each, which you do not have"
    return ""


def _to_sign_in(request: Request) -> Response:
    """To the page of signing in, which leads back to what was asked for where that was only looking."""
    back = _asked_for(request)
    following = f"?next={quote(back, safe='')}" if request.method == "GET" and back != "/" else ""
    if "hx-request" in request.headers:  # a part of a page was asked for, and the whole of it has to go there
        return Response(headers={"hx-redirect": "/sign-in"})
    return RedirectResponse(f"/sign-in{following}", status_code=303)


def _asked_for(request: Request) -> str:
    """The path and the query of an address."""
    return request.url.path + (f"?{request.url.query}" if request.url.query else "")


def _html(visit: Visit, template: str, status: int, values: Mapping[str, Any]) -> Response:
    """A page of a template, with what every page tells."""
    try:
        served, own = visit.site if visit.house.served.sites else None, visit.rights
    except UnknownName:  # that the address names a site there is not, is what the page tells
        served, own = None, frozenset({rights.OWN})
    whole = {
        "visit": visit,
        "served": served,
        "csrf": visit.session.csrf,
        "navigation": [
            (path, words)
            for path, words, right in rights.NAVIGATION
            if right in own and (path not in rights.OF_EVERY_SITE or visit.has_everywhere(right))
        ],
        "mirrored": visit.source.enforced if served else True,
        "sites": visit.sites if served else [],
        "problem": visit.house.served.problem,
        **values,
    }
    return HTMLResponse(templates().get_template(template).render(whole), status)


def error_page(visit: Visit, status: int, *lines: str) -> Response:
    """A page that tells why there is none."""
    title = {404: "Not here", 403: "Not allowed"}.get(status, "Not done")
    return _html(visit, "error.html", status, {"title": title, "lines": lines})
