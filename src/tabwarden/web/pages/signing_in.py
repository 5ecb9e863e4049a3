"""Signing in and out: by a one-time link, which `tabwarden serve` prints."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from tabwarden.store.web import audit as trail
from tabwarden.store.web.attempts import SPAN
from tabwarden.web.rendering import templates
from tabwarden.web.visit import House, Visit, page

NAMED = 200  # characters of a name that somebody types
LINK = "/sign-in/link"


async def sign_in_page(request: Request) -> Response:
    """The ways there are to sign in here."""
    return _sign_in(request)


def _sign_in(request: Request, words: str = "", status: int = 200) -> Response:
    values = {"title": "Sign in", "words": words, "next": own_path(request.query_params.get("next", ""))}
    return HTMLResponse(templates().get_template("sign_in.html").render(values), status)


def own_path(words: str) -> str:
    """A path of these pages that somebody is led to, and `/` for anything else."""
    parts = urlsplit(words)
    is_own = words.startswith("/") and not words.startswith(("//", "/\\")) and not parts.netloc and not parts.scheme
    return words if is_own and words.isprintable() else "/"


async def by_link(request: Request) -> Response:
    """Sign in whom a one-time link is for."""
    return await run_in_threadpool(_by_link, request)


def _by_link(request: Request) -> Response:
    house: House = request.app.state.house
    token, now = request.query_params.get("token", ""), datetime.now(UTC)
    number = house.attempts.begin(_address(request), now)
    if not number:
        return _too_many(request)
    person = house.sessions.used_link(token, now)
    if person is None:
        _failed(request, "", "link")
        return _sign_in(request, "this link was used or has ended; `tabwarden serve` prints a new one", 403)
    return _begun(request, person, number, "/")


def _begun(request: Request, person: Mapping[str, Any], number: str, path: str, id_token: str = "") -> Response:
    """Signed in: a session with a token of its own, whatever cookie there was before, and the page that was wanted."""
    house: House = request.app.state.house
    now, name, address = datetime.now(UTC), str(person["name"]), _address(request)
    house.attempts.succeeded(number, name)
    house.sessions.end(request.cookies.get(house.cookie(), ""))
    house.tokens.learn(person)
    trail.note(house.database, now, person=name, address=address, act="signed in", about=f"by {person['via']}")
    agent = request.headers.get("user-agent", "")
    token = house.sessions.begin(person, now, address=address, agent=agent, id_token=id_token)
    response = RedirectResponse(path, status_code=303)
    set_cookie(response, house, house.cookie(), token, house.settings.web.longest)
    return response


def _failed(request: Request, name: str, way: str, why: str = "") -> None:
    """Write down that somebody did not get in."""
    house: House = request.app.state.house
    trail.note(
        house.database,
        datetime.now(UTC),
        person=name[:NAMED],
        address=_address(request),
        act="was not signed in",
        about=f"by {way}",
        outcome=why,
    )


def _too_many(request: Request) -> Response:
    """Guessing ends here for a while."""
    response = _sign_in(request, "too many sign-ins failed; try again in 15 minutes", 429)
    response.headers["retry-after"] = str(int(SPAN.total_seconds()))
    return response


def _address(request: Request) -> str:
    return request.client.host if request.client else ""


def set_cookie(response: Response, house: House, name: str, value: str, seconds: int) -> None:
    """A cookie for this server alone, out of reach of scripts, over TLS where the address has it."""
    response.set_cookie(name, value, max_age=seconds, httponly=True, samesite="lax", secure=house.is_secure)


sign_in = Route("/sign-in", sign_in_page)
link = Route(LINK, by_link)


@page("/sign-out", methods=("POST",), while_looking=True)
def sign_out(visit: Visit) -> Response:
    """The session ends here and at once."""
    house = visit.house
    visit.audit("signed out", "")
    house.sessions.end(visit.request.cookies[house.cookie()])
    response = RedirectResponse("/sign-in", status_code=303)
    response.delete_cookie(house.cookie(), httponly=True, samesite="lax", secure=house.is_secure)
    response.headers["clear-site-data"] = '"cache", "storage"'
    return response
