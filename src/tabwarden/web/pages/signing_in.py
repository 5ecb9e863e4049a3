"""Signing in and out: at an OpenID provider, with Tableau's own password or token, or by a one-time link.

Whoever is not signed in yet has no session, so what guards a form is: its hidden word is made of a cookie's.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, unquote

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from tabwarden.model.errors import TableauError, TabwardenError
from tabwarden.model.roles import is_licensed
from tabwarden.run.context import who_signs_in
from tabwarden.store.web import audit as trail
from tabwarden.store.web.attempts import SPAN
from tabwarden.store.web.sessions import hash_of
from tabwarden.tableau.http.session import Password, Pat
from tabwarden.web.house import House
from tabwarden.web.rendering import templates
from tabwarden.web.rights import openid_groups
from tabwarden.web.threads import run_waiting
from tabwarden.web.visit import Visit, page

NAMED = 255  # characters of a name or a secret that somebody types
LINK, OPENID, OPENID_BACK, TABLEAU = "/sign-in/link", "/sign-in/openid", "/sign-in/openid/back", "/sign-in/tableau"
ATTEMPT, FORM = "tabwarden-openid", "tabwarden-form"  # cookies of somebody who is not signed in yet
ATTEMPT_FOR, FORM_FOR = 600, 3600  # seconds


def own_path(words: str) -> str:
    """A path of these pages that somebody is led to, and `/` for anything else."""
    is_own = words.startswith("/") and not words.startswith(("//", "/\\")) and words.isprintable()
    return words if is_own else "/"


def _open(path: str, *methods: str) -> Callable[[Callable[[Request, House, Mapping[str, str]], Response]], Route]:
    """Make a route of a page for whoever is not signed in."""

    def route(handler: Callable[[Request, House, Mapping[str, str]], Response]) -> Route:
        async def endpoint(request: Request) -> Response:
            form = await request.form() if request.method == "POST" else {}
            words = {name: value for name, value in form.items() if isinstance(value, str)}
            return await run_waiting(handler, request, request.app.state.house, words)

        return Route(path, endpoint, methods=list(methods), name=handler.__name__)

    return route


# -- the page ----------------------------------------------------------------------------------------------


@_open("/sign-in", "GET")
def sign_in(request: Request, house: House, form: Mapping[str, str]) -> Response:
    """The ways there are to sign in here."""
    del form
    return sign_in_page(request, house)


def sign_in_page(request: Request, house: House, words: str = "", status: int = 200) -> Response:
    """The page of signing in, with words of why it is shown."""
    web, guard = house.settings.web, request.cookies.get(house.cookie(FORM), "") or secrets.token_urlsafe(32)
    values = {
        "title": "Sign in",
        "words": words,
        "next": own_path(request.query_params.get("next", "")),
        "openid": house.openid.called if house.openid else "",
        "tableau": web.tableau,
        "sites": {url: one.site.name for url, one in house.served.sites.items()},
        "usual": house.settings.tableau.site,
        "csrf": hash_of(FORM + guard),
    }
    response = HTMLResponse(templates().get_template("sign_in.html").render(values), status)
    if web.tableau:
        set_cookie(response, house, FORM, guard, FORM_FOR)
    return response


# -- by a link ---------------------------------------------------------------------------------------------


@_open(LINK, "GET")
def link(request: Request, house: House, form: Mapping[str, str]) -> Response:
    """Sign in whom a one-time link is for."""
    del form
    now = datetime.now(UTC)
    number = house.attempts.begin(_address(request), now)
    if not number:
        return _too_many(request, house)
    with house.database.writing():  # a link is used if somebody was signed in by it
        person = house.sessions.used_link(request.query_params.get("token", ""), now)
        if person is not None:
            return _begun(request, house, person, number, "/")
    words = "this link was used or has ended; `tabwarden serve` prints a new one"
    return _failed(request, house, "", "link", words)


# -- at an OpenID provider ---------------------------------------------------------------------------------


@_open(OPENID, "GET")
def to_provider(request: Request, house: House, form: Mapping[str, str]) -> Response:
    """To the provider, with what has to come back."""
    del form
    if house.openid is None:
        return sign_in_page(request, house, "there is no provider to sign in at", 404)
    from tabwarden.web.openid import Attempt

    attempt = Attempt()
    try:
        response = RedirectResponse(house.openid.begin(attempt), status_code=303)
    except TabwardenError as error:
        return sign_in_page(request, house, str(error), 503)
    following = own_path(request.query_params.get("next", ""))
    set_cookie(response, house, ATTEMPT, f"{attempt.token}.{quote(following, safe='')}", ATTEMPT_FOR)
    return response


@_open(OPENID_BACK, "GET")
def from_provider(request: Request, house: House, form: Mapping[str, str]) -> Response:
    """Back from the provider: signed in whom it brings, once what it says was verified."""
    del form
    token, _, following = request.cookies.get(house.cookie(ATTEMPT), "").partition(".")
    if house.openid is None or not token:
        return sign_in_page(request, house, "nobody of this browser is on the way of signing in; begin anew", 403)
    from tabwarden.web.openid import Attempt

    number = house.attempts.begin(_address(request), datetime.now(UTC))
    if not number:
        return _too_many(request, house)
    try:
        someone = house.openid.finish(Attempt(token), request.query_params)
    except TabwardenError as error:
        response = _failed(request, house, "", "openid", str(error))
    else:
        groups = sorted(someone.groups & openid_groups(house.settings.web.rights))
        person = {"name": someone.name, "via": "openid", "subject": someone.subject, "groups": groups}
        response = _begun(request, house, person, number, own_path(unquote(following)), someone.id_token)
    _forget(response, house, ATTEMPT)
    return response


# -- with Tableau's own password or token ------------------------------------------------------------------


@_open(TABLEAU, "POST")
def by_tableau(request: Request, house: House, form: Mapping[str, str]) -> Response:
    """Signed in whom Tableau itself signs in; what was typed is handed on and kept nowhere."""
    if not house.settings.web.tableau:
        return sign_in_page(request, house, "nobody signs in with Tableau's password here", 404)
    guard = request.cookies.get(house.cookie(FORM), "")
    if not guard or not secrets.compare_digest(form.get("csrf", "").encode(), hash_of(FORM + guard).encode()):
        return sign_in_page(request, house, "this form is of another browser; fill it in once more", 403)
    name, secret, site = form.get("name", "").strip(), form.get("secret", ""), form.get("site", "")
    if not 0 < len(name) <= NAMED or not 0 < len(secret) <= NAMED or site not in {*house.served.sites}:
        return sign_in_page(request, house, "a name, a password or token, and a site of these are needed", 400)
    way = Pat(name, secret) if form.get("kind") == "token" else Password(name, secret)
    number = house.attempts.begin(_address(request), datetime.now(UTC), person=name)
    if not number:
        return _too_many(request, house)
    is_known = house.served.sites[site].user_of(name) is not None  # a password that was typed as a name is not kept
    try:
        reader = who_signs_in(house.settings, site, way)
    except TableauError as error:
        words = "Tableau signs nobody in with these" if error.status == 401 else str(error)
        return _failed(request, house, name if is_known else "", "tableau", words, 403 if error.status == 401 else 503)
    if not reader.name or not is_licensed(reader.site_role):
        return _failed(request, house, reader.name, "tableau", "whoever has no licence on the site signs in nowhere")
    person = {"name": reader.name, "via": "tableau", "site_role": reader.site_role}
    return _begun(request, house, person, number, own_path(form.get("next", "")))


# -- what every way ends in --------------------------------------------------------------------------------


def _begun(
    request: Request, house: House, person: Mapping[str, Any], number: str, path: str, id_token: str = ""
) -> Response:
    """Signed in: a session with a token of its own, whatever cookie there was before, and the page that was wanted.

    It is written whole or not at all.
    """
    now, name, address = datetime.now(UTC), str(person["name"]), _address(request)
    agent = request.headers.get("user-agent", "")
    with house.database.writing():
        house.attempts.succeeded(number, name)
        house.sessions.end(request.cookies.get(house.cookie(), ""))
        house.tokens.learn(person)
        trail.note(house.database, now, person=name, address=address, act="signed in", about=f"by {person['via']}")
        token = house.sessions.begin(person, now, address=address, agent=agent, id_token=id_token)
    response = RedirectResponse(path, status_code=303)
    set_cookie(response, house, "tabwarden", token, house.settings.web.longest)
    _forget(response, house, FORM)
    return response


def _failed(request: Request, house: House, name: str, way: str, words: str, status: int = 403) -> Response:
    """Nobody got in, which is written down."""
    trail.note(
        house.database,
        datetime.now(UTC),
        person=name,
        address=_address(request),
        act="was not signed in",
        about=f"by {way}",
        outcome=words,
    )
    return sign_in_page(request, house, words, status)


def _too_many(request: Request, house: House) -> Response:
    """Guessing ends here for a while."""
    response = sign_in_page(request, house, "too many sign-ins failed; try again in 15 minutes", 429)
    response.headers["retry-after"] = str(int(SPAN.total_seconds()))
    return response


def _address(request: Request) -> str:
    return request.client.host if request.client else ""


def set_cookie(response: Response, house: House, name: str, value: str, seconds: int) -> None:
    """A cookie for this server alone, out of reach of scripts, over TLS where the address has it."""
    response.set_cookie(
        house.cookie(name), value, max_age=seconds, httponly=True, samesite="lax", secure=house.is_secure
    )


def _forget(response: Response, house: House, name: str) -> None:
    response.delete_cookie(house.cookie(name), httponly=True, samesite="lax", secure=house.is_secure)


@page("/sign-out", methods=("POST",), while_looking=True)
def sign_out(visit: Visit) -> Response:
    """The session ends here and at once, and at the OpenID provider where it has an address for that."""
    house, session = visit.house, visit.session
    with visit.doing("signed out", ""):
        house.sessions.end(visit.request.cookies[house.cookie()])
    there = house.openid.logout(session.id_token) if house.openid and session.id_token else ""
    if there:
        # Not by a redirect: what a form leads to has to be of these pages, by their own policy.
        values = {"title": "Signed out", "there": there, "called": house.openid.called if house.openid else ""}
        response: Response = HTMLResponse(templates().get_template("signed_out.html").render(values))
        response.headers["refresh"] = f"0; url={there}"
    else:
        response = RedirectResponse("/sign-in", status_code=303)
    _forget(response, house, "tabwarden")
    response.headers["clear-site-data"] = '"cache", "storage"'
    return response
