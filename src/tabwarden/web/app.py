"""The application that `tabwarden serve` runs: every family of pages, the files beside them, what guards them all."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tabwarden.settings import Settings, load
from tabwarden.store.web.sessions import Sessions
from tabwarden.store.web.state import opened
from tabwarden.web import rights
from tabwarden.web.api import api
from tabwarden.web.pages import checker, home, signing_in
from tabwarden.web.rendering import FOLDER
from tabwarden.web.served import Served
from tabwarden.web.visit import MOST_OF_A_FORM, House

SETTINGS = "TABWARDEN_SERVE"  # the settings file, handed to each worker
FAMILIES = (home, checker, signing_in)
# OWASP, "HTTP Headers Cheat Sheet"; nothing is loaded from elsewhere, and no page runs a script of its own text.
HEADERS = {
    "content-security-policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
    "cache-control": "no-store",
}


class Guard:
    """Headers on every answer, and a bound on every body that is sent."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        length = dict(scope["headers"]).get(b"content-length", b"0")
        if not length.isdigit() or int(length) > MOST_OF_A_FORM:
            await PlainTextResponse("the body is too large", 413)(scope, receive, _with_headers(send))
            return
        await self.app(scope, _bounded(receive), _with_headers(send))


def _with_headers(send: Send) -> Send:
    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            own = {name for name, _ in message["headers"]}
            more = ((name.encode(), value.encode()) for name, value in HEADERS.items())
            message["headers"] = [*message["headers"], *(pair for pair in more if pair[0] not in own)]
        await send(message)

    return sent


def _bounded(receive: Receive) -> Receive:
    """A body that says nothing of its length ends all the same."""
    taken = 0

    async def received() -> Message:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        return message if taken <= MOST_OF_A_FORM else {"type": "http.disconnect"}

    return received


def application(settings: Settings | None = None) -> Starlette:
    """The whole of it, by these settings or those that `tabwarden serve` handed on."""
    file = Path(os.environ[SETTINGS]) if os.environ.get(SETTINGS) else None
    settings = settings or load(file, os.environ)
    served = Served(settings)
    rights.check(settings.web.rights, {url: one.site for url, one in served.sites.items()})
    database = opened(served.store)
    sessions = Sessions(database, timedelta(seconds=settings.web.idle), timedelta(seconds=settings.web.longest))

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        served.watch()
        yield
        served.end()
        database.close()

    hosts = [settings.web.url.partition("://")[2].partition(":")[0]] if settings.web.url else []
    middleware = [
        Middleware(TrustedHostMiddleware, allowed_hosts=[*hosts, settings.web.host, "localhost", "127.0.0.1"]),
        Middleware(Guard),
    ]
    json = api()
    app = Starlette(
        routes=[Mount("/api/v1", json), *_routes()],
        middleware=middleware,
        lifespan=lifespan,
        exception_handlers={404: _nothing},
    )
    json.state.house = app.state.house = House(settings, file, served, database, sessions)
    return app


def _routes() -> list[BaseRoute]:
    """Every page of every family, and the files."""
    pages = [route for family in FAMILIES for route in vars(family).values() if isinstance(route, Route)]
    return [*pages, Mount("/static", StaticFiles(directory=FOLDER / "static"), name="static")]


async def _nothing(request: Request, error: Exception) -> Response:
    del request, error
    return PlainTextResponse("there is no such page", 404)
