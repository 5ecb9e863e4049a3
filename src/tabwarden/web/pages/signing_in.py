"""Signing in and out: by a one-time link, which `tabwarden serve` prints."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from tabwarden.web.rendering import templates
from tabwarden.web.visit import COOKIE, House, Visit, page

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
    house: House = request.app.state.house
    token, now = request.query_params.get("token", ""), datetime.now(UTC)
    person = await run_in_threadpool(house.sessions.used_link, token, now)
    if person is None:
        return _sign_in(request, "this link was used or has ended; `tabwarden serve` prints a new one", 403)
    session = await run_in_threadpool(house.sessions.begin, person, now)
    response = RedirectResponse("/", status_code=303)
    set_cookie(response, session, house)
    return response


def set_cookie(response: Response, token: str, house: House) -> None:
    """The cookie of a session: for this server alone, out of reach of scripts, over TLS where the address has it."""
    secure = (house.settings.web.url or "").startswith("https://")
    response.set_cookie(COOKIE, token, max_age=house.settings.web.longest, httponly=True, samesite="lax", secure=secure)


sign_in = Route("/sign-in", sign_in_page)
link = Route(LINK, by_link)


@page("/sign-out", methods=("POST",))
def sign_out(visit: Visit) -> Response:
    """The session ends here and at once."""
    visit.house.sessions.end(visit.request.cookies[COOKIE])
    response = RedirectResponse("/sign-in", status_code=303)
    response.delete_cookie(COOKIE)
    return response
