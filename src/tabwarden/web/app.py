"""The application that `tabwarden serve` runs: every family of pages, the files beside them, what guards them all."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from tabwarden.model.errors import SettingsError
from tabwarden.settings import Settings, load
from tabwarden.settings.web import Web
from tabwarden.store.web.attempts import Attempts
from tabwarden.store.web.sessions import Sessions
from tabwarden.store.web.state import opened
from tabwarden.store.web.tokens import Tokens
from tabwarden.web import rights
from tabwarden.web.api import api
from tabwarden.web.guards import Forwarded, Guard
from tabwarden.web.house import House
from tabwarden.web.pages import (
    account,
    audit,
    catalog,
    changes,
    checker,
    findings,
    history,
    home,
    maps,
    people,
    plans,
    requests,
    signing_in,
    source,
    suggestions,
    who,
)
from tabwarden.web.refusals import PAGE_WORDS, http_refused
from tabwarden.web.rendering import FOLDER
from tabwarden.web.served import Served
from tabwarden.web.threads import run_in_threadpool
from tabwarden.web.visit import error_page, visit_of

if TYPE_CHECKING:
    from tabwarden.web.openid import Provider

SETTINGS = "TABWARDEN_SERVE"  # the settings file, handed to each worker
SWITCH = 0.002  # seconds after which another thread has its turn: whoever waits may hold the lock of the database
FAMILIES = (
    *(home, catalog, source, checker, suggestions, who, people, changes, maps),
    *(requests, plans, findings, history, account, audit, signing_in),
)


def application(settings: Settings | None = None) -> Starlette:
    """The whole of it, by these settings or those that `tabwarden serve` handed on."""
    settings, file = _given(settings)
    sys.setswitchinterval(SWITCH)
    served = Served(settings, file)
    if multiprocessing.parent_process() is None:  # of several workers whoever starts them has asked
        _check(settings, served)
    house = _house(settings, file, served)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        served.watch()
        _end_with_parent()
        yield
        served.end()
        house.database.close()
        if house.openid is not None:
            house.openid.close()

    web = settings.web
    hosts = [urlsplit(web.url).hostname or ""] if web.url else []
    middleware = [
        Middleware(Forwarded, proxies=web.proxies),
        Middleware(Guard, hosts=(*hosts, web.host, "localhost", "127.0.0.1"), secure=house.is_secure),
    ]
    json = api()
    app = Starlette(
        routes=[Mount("/api/v1", json), *_routes()],
        middleware=middleware,
        lifespan=lifespan,
        exception_handlers={HTTPException: _refused},
    )
    json.state.house = app.state.house = house
    return app


def names_that_fit_nobody() -> list[str]:
    """What is wrong with the names that have rights, by the settings that `tabwarden serve` handed on."""
    settings, file = _given(None)
    try:
        _check(settings, Served(settings, file))
    except SettingsError as error:
        return list(error.problems)
    return []


def _check(settings: Settings, served: Served) -> None:
    rights.check(settings.web.rights, {url: one.site for url, one in served.sites.items()})


def _given(settings: Settings | None) -> tuple[Settings, Path | None]:
    file = Path(os.environ[SETTINGS]) if os.environ.get(SETTINGS) else None
    return settings or load(file, os.environ), file


def _house(settings: Settings, file: Path | None, served: Served) -> House:
    """What every request shares."""
    database, web = opened(served.store), settings.web
    sessions = Sessions(database, timedelta(seconds=web.idle), timedelta(seconds=web.longest))
    return House(
        settings, file, served, database, sessions, Tokens(database), Attempts(database, web.attempts), _provider(web)
    )


def _provider(web: Web) -> Provider | None:
    """The OpenID provider of the settings; what speaks to it is loaded where there is one."""
    if web.openid is None or web.url is None:
        return None
    from tabwarden.web.openid import Provider

    return Provider(web.openid, web.url)


def _end_with_parent() -> None:
    """A worker ends when whoever started it was killed: else it would go on, and its port stay taken."""
    parent = multiprocessing.parent_process()

    def wait() -> None:
        assert parent is not None
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)

    if parent is not None:
        threading.Thread(target=wait, name="tabwarden parent", daemon=True).start()


def _routes() -> list[BaseRoute]:
    """Every page of every family, and the files."""
    pages = [route for family in FAMILIES for route in vars(family).values() if isinstance(route, Route)]
    return [*pages, Mount("/static", StaticFiles(directory=FOLDER / "static"), name="static")]


async def _refused(request: Request, error: Exception) -> Response:
    """What no page answers: to whoever is signed in with the way to those that there are."""
    visit = await visit_of(request) if request.method == "GET" else None
    if visit is None or not isinstance(error, HTTPException):
        return await http_refused(request, error)
    words = PAGE_WORDS.get(error.status_code, error.detail)
    return await run_in_threadpool(error_page, visit, error.status_code, words)
