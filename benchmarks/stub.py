"""A Tableau that answers after 50 ms and knows nothing else, in a process of its own. It judges nothing.

    python benchmarks/stub.py --items N [--latency 0.05]
    python benchmarks/stub.py --perf-l SHARE [--latency 0]

Prints its address. Either N workbooks in one open project, each with the same two kilobytes of permissions; or the
site perf-L (a million items, or that share of everything), with lists, members and rules that differ.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Callable, Iterator
from functools import cached_property, partial
from random import Random
from typing import NamedTuple, Protocol

from aiohttp import web

from tabwarden.model.capability import TEMPLATES

SCHEMA = "http://www.w3.org/2001/XMLSchema-instance"
HEAD = f'<?xml version="1.0" encoding="UTF-8"?><tsResponse xmlns="http://tableau.com/api" xmlns:xsi="{SCHEMA}">'
SITE = "5f0c0a4e-0000-4000-8000-00000000000a"
TIMES = 'createdAt="2026-01-01T00:00:00Z" updatedAt="2026-01-01T00:00:00Z"'
KINDS = {"projects": "project", "workbooks": "workbook", "datasources": "datasource", "flows": "flow"}
ADMIN = 0


def made(kind: str, number: int) -> str:
    """The id of a thing."""
    return f"5f0c0a4e-0000-4000-{8000 + ord(kind[0])}-{number:012}"


def number_of(made_id: str) -> int:
    """What `made` counted."""
    return int(made_id.rpartition("-")[2])


class Row(NamedTuple):
    """What one group or user is given."""

    who: str
    number: int
    capabilities: tuple[str, ...]


def permissions(rows: list[Row]) -> str:
    """An answer about rules."""
    parts = []
    for who, number, names in rows:
        listed = "".join(f'<capability name="{name}" mode="Allow"/>' for name in names)
        inner = f'<{who} id="{made(who, number)}"/><capabilities>{listed}</capabilities>'
        parts.append(f"<granteeCapabilities>{inner}</granteeCapabilities>")
    owner = f'<workbook id="{made("workbook", 0)}" name="Book"><owner id="{made("user", ADMIN)}"/></workbook>'
    return f"<permissions>{owner}{''.join(parts)}</permissions>"


class Shape(Protocol):
    """A site: how many things of a list there are, one of them in words, and the rules of a thing."""

    def count(self, kind: str) -> int: ...

    def one(self, kind: str, number: int) -> str: ...

    def rules(self, path: list[str]) -> str: ...

    def members(self, group: int) -> range: ...


class Plain:
    """Workbooks in one open project, all with the same rules."""

    def __init__(self, items: int) -> None:
        self.counts = {"users": 1, "projects": 1, "workbooks": items}
        names = tuple(TEMPLATES["workbook"]["Explore"])
        self.told = permissions([Row("group", number, names) for number in range(3)])

    def count(self, kind: str) -> int:
        return self.counts.get(kind, 0)

    def one(self, kind: str, number: int) -> str:
        return thing(kind, number, project=0)

    def rules(self, _path: list[str]) -> str:
        return self.told

    def members(self, _group: int) -> range:
        return range(0)


class PerfL:
    """The counts and shares of the benchmarks' site L: 60 % of the items in locked projects, half of the workbooks
    with tabs; 70 % of the others copy their project's default, 20 % with one edit, 10 % have rules of their own."""

    def __init__(self, share: float) -> None:
        items = int(1_000_000 * share)
        self.counts = {
            "users": int(100_000 * share),
            "groups": int(10_000 * share),
            "projects": int(10_000 * share),
            "workbooks": items // 4,
            "views": items * 55 // 100,
            "datasources": items * 13 // 100,
            "flows": items * 7 // 100,
        }

    def count(self, kind: str) -> int:
        return self.counts.get(kind, 0)

    def one(self, kind: str, number: int) -> str:
        books = self.counts["workbooks"]
        match kind:
            case "groups":
                size = len(self.members(number))
                domain = '<domain name="local"/>'
                return f'<group id="{made("group", number)}" name="Group {number}" userCount="{size}">{domain}</group>'
            case "views":
                book = number % books
                inner = f'<workbook id="{made("workbook", book)}"/>{place(book % self.counts["projects"])}'
                inner += f'<owner id="{made("user", book % self.counts["users"])}"/>'
                return f'<view id="{made("view", number)}" name="Sheet {number}" {TIMES}>{inner}</view>'
        owner, tabs = number % self.counts["users"], number // self.counts["projects"] % 2 == 0
        return thing(kind, number, project=number % self.counts["projects"], owner=owner, tabs=tabs)

    @cached_property
    def sizes(self) -> list[int]:
        """Members of each group: 20 groups a user, falling as Zipf 0.7."""
        weights = [(number + 1) ** -0.7 for number in range(self.counts["groups"])]
        each = 20.2 * self.counts["users"] / sum(weights)
        return [min(self.counts["users"], max(1, int(weight * each))) for weight in weights]

    def members(self, group: int) -> range:
        begin = group * 7919 % self.counts["users"]
        return range(begin, begin + self.sizes[group])

    def rules(self, path: list[str]) -> str:
        kind = path[-1] if "default-permissions" in path else path[-3]
        number = number_of(path[path.index("permissions") - 1] if path[-1] == "permissions" else path[-3])
        if kind == "projects":
            return permissions(list(self.rows("project", f"project {number}")))
        name = kind.removesuffix("s") if kind != "views" else "view"
        if path[-1] != "permissions":
            return permissions(list(self.rows(name, f"{name} {number}")))
        shape, inherited = number * 7 % 10, f"{name} {number % self.counts['projects']}"
        own = list(self.rows(name, f"own {name} {number}"))
        if shape == 9:
            return permissions(own)
        rows = {(row.who, row.number): row for row in self.rows(name, inherited)}
        if shape >= 7:
            rows[own[0].who, own[0].number] = own[0]
        return permissions(list(rows.values()))

    def rows(self, kind: str, seed: str) -> Iterator[Row]:
        """One to four rules, two on average: templates for groups, seldom for people."""
        draw = Random(seed)
        templates = [tuple(names) for names in TEMPLATES[kind].values() if names] or [("Read",)]
        for _ in range(draw.choice((1, 1, 2, 2, 2, 3, 4))):
            who = "user" if draw.random() < 0.08 else "group"
            yield Row(who, int(self.counts[who + "s"] * draw.random() ** 2), draw.choice(templates))


def thing(kind: str, number: int, *, project: int, owner: int = ADMIN, tabs: bool = True) -> str:
    """A user, a project or something in a project, as a list tells it."""
    if kind == "users":
        role = "ServerAdministrator" if number == ADMIN else "Explorer"
        names = f'name="user{number}" fullName="User {number}" email="user{number}@example.com"'
        return f'<user id="{made("user", number)}" {names} siteRole="{role}"><domain name="local"/></user>'
    by = f'<owner id="{made("user", owner)}"/>'
    if kind == "projects":
        mode = "LockedToProject" if number % 10 in (1, 2, 3, 5, 7, 9) else "ManagedByOwner"
        told = f'name="Project {number}" contentPermissions="{mode}" {TIMES}'
        return f'<project id="{made("project", number)}" {told}>{by}</project>'
    element = KINDS[kind]
    more = f'showTabs="{str(tabs).lower()}" ' if kind == "workbooks" else ""
    told = f'id="{made(element, number)}" name="{element} {number}" {more}{TIMES}'
    return f"<{element} {told}>{place(project)}{by}</{element}>"


def place(project: int) -> str:
    """In which project something lies."""
    return f'<project id="{made("project", project)}"/>'


def listing(plural: str, numbers: range, one: Callable[[int], str], page: int) -> str:
    """One page of a list, of a thousand."""
    here = numbers[(page - 1) * 1000 : page * 1000]
    pagination = f'<pagination pageNumber="{page}" pageSize="1000" totalAvailable="{len(numbers)}"/>'
    return f"{pagination}<{plural}>{''.join(map(one, here))}</{plural}>"


class Stub:
    """What is answered to what."""

    def __init__(self, shape: Shape, latency: float) -> None:
        self.shape, self.latency = shape, latency

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Any request, after the latency."""
        if request.method == "POST":
            await request.read()
        await asyncio.sleep(self.latency)
        return web.Response(body=(HEAD + self.told(request) + "</tsResponse>").encode(), content_type="text/xml")

    def told(self, request: web.BaseRequest) -> str:
        """The answer without its envelope."""
        path = request.path.strip("/").split("/")
        if path[-1] == "permissions" or "default-permissions" in path:
            return self.shape.rules(path)
        page, last = int(request.query.get("pageNumber", "1")), path[-1]
        match path[-1].lower():
            case "serverinfo":
                product = '<productVersion build="1">2025.3.0</productVersion><restApiVersion>3.27</restApiVersion>'
                return f"<serverInfo>{product}</serverInfo>"
            case "signin":
                user = f'<user id="{made("user", ADMIN)}"/>'
                return f'<credentials token="t"><site id="{SITE}" contentUrl=""/>{user}</credentials>'
            case "users" if path[-3] == "groups":
                numbers, users = self.shape.members(number_of(path[-2])), self.shape.count("users")
                return listing(last, numbers, lambda n: f'<user id="{made("user", n % users)}" name="user"/>', page)
        if last == SITE:
            return f'<site id="{SITE}" name="Stub" contentUrl=""/>'
        if path[-2] == "users":
            return self.shape.one("users", ADMIN)
        return listing(last, range(self.shape.count(last)), partial(self.shape.one, last), page)


async def serve(shape: Shape, latency: float) -> None:
    """Answer until the process is ended."""
    runner = web.ServerRunner(web.Server(Stub(shape, latency).handle))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, backlog=512).start()
    print(f"http://127.0.0.1:{runner.addresses[0][1]}", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--items", type=int, default=4000)
    parser.add_argument("--latency", type=float, default=0.05)
    parser.add_argument("--perf-l", type=float, default=0.0)
    asked = parser.parse_args()
    asyncio.run(serve(PerfL(asked.perf_l) if asked.perf_l else Plain(asked.items), asked.latency))
