"""One request to a page: who asks, which site, which right it takes; and the page that answers.

A page is a function that takes a `Visit` and gives a response, under a `@page`, which is the one place where a session,
a right and the token of a form are demanded, and where what is to be audited is written down before it is shown:

    @page("/who/{content:path}", AUDITOR, audit="looked")
    def who(visit: Visit) -> Response:
        return visit.show("who.html", title="Who may", answered=...)
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from tabwarden.model.errors import TabwardenError, UnknownName
from tabwarden.store.web import audit as trail
from tabwarden.store.web.sessions import Session, Sessions
from tabwarden.web import rights
from tabwarden.web.rendering import templates
from tabwarden.web.served import Served, ServedSite

if TYPE_CHECKING:
    from tabwarden.model.site import User
    from tabwarden.settings import Settings
    from tabwarden.store.database import Database

COOKIE = "tabwarden"
CHANGING = ("POST",)
MOST_OF_A_FORM = 1 << 20
# What stands above every page: where it leads, its words, the right it takes.
NAVIGATION = (
    ("/", "Home", rights.OWN),
    ("/catalog", "Catalog", rights.OWN),
    ("/check", "Check", rights.OWN),
    ("/plans", "Plans", rights.OPERATOR),
    ("/findings", "Findings", rights.AUDITOR),
    ("/history", "History", rights.AUDITOR),
    ("/audit", "Audit trail", rights.ADMINISTRATOR),
)


@dataclass
class House:
    """What every request shares: the settings and their file, the sites that are served, the database of sessions and
    the audit trail.
    """

    settings: Settings
    file: Path | None
    served: Served
    database: Database
    sessions: Sessions


@dataclass
class Visit:
    """One request of somebody who is signed in; `form` holds what a form sent."""

    request: Request
    house: House
    session: Session
    form: Mapping[str, str]

    @property
    def name(self) -> str:
        """The user name of whoever is signed in."""
        return str(self.session.person["name"])

    @cached_property
    def site(self) -> ServedSite:
        """The site that is asked about: `site` of the address, else the usual one; one for the whole request."""
        return self.house.served.site(self.request.query_params.get("site") or self.form.get("site") or None)

    @cached_property
    def rights(self) -> frozenset[str]:
        """What he may do here."""
        sites = self.house.served.sites
        site = self.site.site if sites else None
        return rights.rights_of(self.house.settings.web.rights, self.session.person, site)

    @cached_property
    def user(self) -> User | None:
        """Who he is on that site; None where nobody of it has his name."""
        return self.site.user_of(self.name)

    def word(self, name: str, usual: str = "") -> str:
        """A word of the address' query, or of the form."""
        return self.form.get(name) or self.request.query_params.get(name) or usual

    def part(self, name: str) -> str:
        """A part of the address' path."""
        return str(self.request.path_params[name])

    def link(self, path: str, **query: str) -> str:
        """An address on these pages that keeps the site; a path's parts are quoted by whoever makes it."""
        site = self.request.query_params.get("site")
        words = {**({"site": site} if site else {}), **{name: value for name, value in query.items() if value}}
        return f"{path}?{urlencode(words)}" if words else path

    def audit(self, act: str, about: str, outcome: str = "") -> None:
        """Write down what he does, before it is shown or done."""
        client = self.request.client.host if self.request.client else ""
        trail.note(
            self.house.database,
            datetime.now(UTC),
            person=self.name,
            address=client,
            act=act,
            about=about,
            outcome=outcome,
        )

    def show(self, template: str, **values: Any) -> Response:
        """A page made of a template; whose, of which site and how fresh it is, stands on each."""
        return _html(self, template, 200, values)

    def go(self, path: str, **query: str) -> Response:
        """To another of these pages, after something was done."""
        return RedirectResponse(self.link(path, **query), status_code=303)


Handler = Callable[[Visit], Response]


def page(
    path: str, right: str = rights.OWN, *, methods: tuple[str, ...] = ("GET",), audit: str = ""
) -> Callable[[Handler], Route]:
    """Make a route of a page. `audit` names what is done where each visit is written down."""

    def route(handler: Handler) -> Route:
        async def endpoint(request: Request) -> Response:
            return await _answer(request, handler, right, audit)

        return Route(path, endpoint, methods=list(methods), name=handler.__name__)

    return route


async def _answer(request: Request, handler: Handler, right: str, audit: str) -> Response:
    """The page, or why there is none."""
    visit = await visit_of(request)
    if visit is None:
        return _to_sign_in(request)
    if request.method in CHANGING and not hmac.compare_digest(visit.form.get("csrf", ""), visit.session.csrf):
        return _error(visit, 403, "this form is of another session; open the page again and send it once more")
    return await run_in_threadpool(_given, visit, handler, right, audit)


async def visit_of(request: Request) -> Visit | None:
    """The request of somebody who is signed in, with what a form sent; None of nobody."""
    if "authorization" in request.headers:  # whoever names himself in two ways is nobody
        return None
    house: House = request.app.state.house
    token = request.cookies.get(COOKIE, "")
    session = await run_in_threadpool(house.sessions.of, token, datetime.now(UTC)) if token else None
    if session is None:
        return None
    form: Mapping[str, str] = {}
    if request.method in CHANGING:
        form = {name: value for name, value in (await request.form()).items() if isinstance(value, str)}
    return Visit(request, house, session, form)


def _given(visit: Visit, handler: Handler, right: str, audit: str) -> Response:
    """What the page gives; an error is a page with the sentence that the command line tells."""
    try:
        if right not in visit.rights:
            return _error(visit, 403, f"this page needs the right `{right}`, which you do not have")
        if audit:
            visit.audit(
                audit, visit.request.url.path + (f"?{visit.request.url.query}" if visit.request.url.query else "")
            )
        return handler(visit)
    except UnknownName as error:
        return _error(visit, 404, str(error))
    except TabwardenError as error:
        return _error(visit, 400, str(error))


def _to_sign_in(request: Request) -> Response:
    """To the page of signing in, which leads back to what was asked for where that was only looking."""
    back = _asked_for(request)
    following = f"?next={quote(back, safe='')}" if request.method == "GET" and back != "/" else ""
    return RedirectResponse(f"/sign-in{following}", status_code=303)


def _asked_for(request: Request) -> str:
    """The path and the query of an address."""
    return request.url.path + (f"?{request.url.query}" if request.url.query else "")


def _html(visit: Visit, template: str, status: int, values: Mapping[str, Any]) -> Response:
    """A page of a template, with what every page tells."""
    whole = {
        "visit": visit,
        "served": visit.site if visit.house.served.sites else None,
        "csrf": visit.session.csrf,
        "navigation": [(path, words) for path, words, right in NAVIGATION if right in visit.rights],
        "mirrored": visit.house.settings.mirror.enforce,
        "problem": visit.house.served.problem,
        **values,
    }
    return HTMLResponse(templates().get_template(template).render(whole), status)


def _error(visit: Visit, status: int, words: str) -> Response:
    """A page that tells why there is none."""
    title = "Not here" if status == 404 else "Not done"
    return _html(visit, "error.html", status, {"title": title, "words": words})
