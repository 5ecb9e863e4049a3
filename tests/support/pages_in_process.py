"""The pages in this process, over Sites that no server ever had, asked by a client of others. Not a test."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from html import unescape
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote, unquote

import httpx
from starlette.routing import Mount, Route

from tabwarden.model.site import Site
from tabwarden.settings import Settings
from tabwarden.store.snapshots import Snapshot
from tabwarden.web.app import application
from tabwarden.web.served import ServedSite

SERVER = "http://127.0.0.1:1"
ITEM = re.compile(r'class="name"><a href="/catalog/item/([^"?]+)[^"]*" class="kind-(\w+)">')

Given = TypeVar("Given")


def done(work: Coroutine[Any, Any, Given]) -> Given:
    """What some asking gives, in a thread of its own: where a browser is driven, another loop runs in this one."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


@dataclass
class Served:
    """The application over one Site after the other, asked in this process by a client of others."""

    app: Any

    def show(self, *sites: Site, number: int = 1) -> None:
        """Serve these sites and no other, the first as the settings' own; `number` is that of its snapshot."""
        house = self.app.state.house
        house.served.sites = {
            site.content_url: ServedSite(
                _snapshot(number, site),
                site,
                str(house.settings.store.folder),
                url=site.content_url,
                settings=None if site.content_url else house.settings,
            )
            for number, site in enumerate(sites, number)
        }

    def client(self, name: str, *rights: str) -> httpx.AsyncClient:
        """The client of somebody who is signed in."""
        token = self.app.state.house.sessions.begin({"name": name, "rights": list(rights)}, datetime.now(UTC))
        transport = httpx.ASGITransport(app=self.app)
        return httpx.AsyncClient(transport=transport, base_url="http://localhost", cookies={"tabwarden": token})


def routes_of(app: Any, part: str) -> list[tuple[str, str]]:
    """Every method and path of the application, with `part` in the place of each part of a path."""
    return list(_routes(app.routes, "", part))


def _routes(routes: Any, above: str, part: str) -> Iterator[tuple[str, str]]:
    for route in routes:
        if isinstance(route, Route):
            path = re.sub(r"\{(\w+)(:\w+)?\}", lambda match: "1" if match[2] == ":int" else part, route.path)
            yield from ((method, above + path) for method in sorted((route.methods or set()) - {"HEAD"}))
        elif isinstance(route, Mount) and route.name != "static":
            yield from _routes(route.routes, route.path, part)


def _snapshot(number: int, site: Site) -> Snapshot:
    who = site.taken.by, site.taken.by_role
    of = SERVER, site.content_url, site.id, site.name
    sizes = len(site.users), len(site.contents), 0
    return Snapshot(number, number, "2026-01-01T00:00:00Z", *who, *of, "", (), *sizes, mark=str(number))


def served_in(store: Path) -> Served:
    """The application with an empty store in that folder."""
    tableau = {"server": SERVER, "site": "", "auth": {"pat": {"name": "t", "secret": "s"}}}
    store.mkdir(exist_ok=True)
    return Served(application(Settings.model_validate({"tableau": tableau, "store": {"folder": store}})))


async def read_whole(client: httpx.AsyncClient) -> dict[str, str]:
    """The text of every page of somebody's catalog by its address, from the top down."""
    texts: dict[str, str] = {}
    waiting = ["/catalog"]
    while waiting:
        path = waiting.pop()
        answer = await client.get(path)
        assert answer.status_code == 200, path
        assert "etag" not in answer.headers
        assert answer.headers["cache-control"] == "no-store"
        texts[path] = answer.text
        below = {f"/catalog/item/{quote(unescape(unquote(item)), safe='')}" for item, _ in ITEM.findall(answer.text)}
        waiting += [one for one in below if one not in texts and one not in waiting]
    return texts
