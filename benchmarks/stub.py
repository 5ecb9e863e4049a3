"""A Tableau that answers after 50 ms and knows nothing else, in a process of its own. It judges nothing.

    python benchmarks/stub.py --items N [--latency 0.05] [--locked]

Prints its address. N workbooks in one project, open or locked, each answer their permissions with the same two
kilobytes.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Callable

from aiohttp import web

HEAD = '<?xml version="1.0" encoding="UTF-8"?><tsResponse xmlns="http://tableau.com/api">'
SITE, USER, PROJECT = (
    "5f0c0a4e-0000-4000-8000-00000000000a",
    "5f0c0a4e-0000-4000-8000-00000000000b",
    "5f0c0a4e-0000-4000-8000-00000000000c",
)
CAPABILITIES = ("Read", "Filter", "ViewComments", "AddComment", "ExportImage", "ExportData")


def rules(grantees: int = 4) -> str:
    """A permission answer of about two kilobytes."""
    listed = "".join(f'<capability name="{name}" mode="Allow"/>' for name in CAPABILITIES)
    each = (
        f'<granteeCapabilities><group id="5f0c0a4e-0000-4000-8000-0000000000{n:02}"/>'
        f"<capabilities>{listed}</capabilities></granteeCapabilities>"
        for n in range(grantees)
    )
    return f"<permissions>{''.join(each)}</permissions>"


def listing(plural: str, count: int, one: Callable[[int], str], page: int) -> str:
    """One page of a list, of a thousand."""
    here = range((page - 1) * 1000, min(page * 1000, count))
    pagination = f'<pagination pageNumber="{page}" pageSize="1000" totalAvailable="{count}"/>'
    return f"{pagination}<{plural}>{''.join(map(one, here))}</{plural}>"


class Stub:
    """What is answered to what."""

    def __init__(self, items: int, latency: float, *, locked: bool) -> None:
        self.items, self.latency = items, latency
        self.rules = (HEAD + rules() + "</tsResponse>").encode()
        mode = "LockedToProject" if locked else "ManagedByOwner"
        self.user = f'<user id="{USER}" name="ada" siteRole="ServerAdministrator"/>'
        self.project = f'<project id="{PROJECT}" name="Open" contentPermissions="{mode}"/>'

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Any request, after the latency."""
        if request.method == "POST":
            await request.read()
        await asyncio.sleep(self.latency)
        is_rules = request.path.endswith("/permissions") or "/default-permissions/" in request.path
        body = self.rules if is_rules else (HEAD + self.told(request) + "</tsResponse>").encode()
        return web.Response(body=body, content_type="text/xml")

    def told(self, request: web.BaseRequest) -> str:
        """Everything but rules."""
        last = request.path.rstrip("/").rpartition("/")[2]
        page = int(request.query.get("pageNumber", "1"))
        match last:
            case "serverinfo" | "serverInfo":
                product = '<productVersion build="1">2025.3.0</productVersion><restApiVersion>3.27</restApiVersion>'
                return f"<serverInfo>{product}</serverInfo>"
            case "signin":
                return f'<credentials token="t"><site id="{SITE}" contentUrl=""/><user id="{USER}"/></credentials>'
            case "users":
                return listing("users", 1, lambda _: self.user, page)
            case "projects":
                return listing("projects", 1, lambda _: self.project, page)
            case "workbooks":
                return listing("workbooks", self.items, workbook, page)
        if last == SITE:
            return f'<site id="{SITE}" name="Stub" contentUrl=""/>'
        return self.user if last == USER else listing(last, 0, str, 1)


def workbook(number: int) -> str:
    """A workbook as a list tells it."""
    times = 'createdAt="2026-01-01T00:00:00Z" updatedAt="2026-01-01T00:00:00Z"'
    return (
        f'<workbook id="5f0c0a4e-0000-4000-9000-{number:012}" name="Book {number}" showTabs="true" {times}>'
        f'<project id="{PROJECT}"/><owner id="{USER}"/></workbook>'
    )


async def serve(items: int, latency: float, *, locked: bool) -> None:
    """Answer until the process is ended."""
    runner = web.ServerRunner(web.Server(Stub(items, latency, locked=locked).handle))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, backlog=512).start()
    print(f"http://127.0.0.1:{runner.addresses[0][1]}", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--items", type=int, default=4000)
    parser.add_argument("--latency", type=float, default=0.05)
    parser.add_argument("--locked", action="store_true")
    asked = parser.parse_args()
    asyncio.run(serve(asked.items, asked.latency, locked=asked.locked))
