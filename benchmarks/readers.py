"""Readers of the same stub: ours, aiohttp with nothing around it, tableauserverclient. Not what is asked of them."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp

from tabwarden.sandbox.worlds.acme import TOKEN_NAME, TOKEN_SECRET
from tabwarden.tableau.http.connection import connect
from tabwarden.tableau.http.pace import MOST
from tabwarden.tableau.http.session import Pat, SignIn
from tabwarden.tableau.read.checkpoint import Checkpoint, opened
from tabwarden.tableau.read.site import Wishes, read_site

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import tableauserverclient as tsc

HERE = Path(__file__).parent
LATENCY, THREADS = 0.05, 50
CORE = Wishes(connections=False)
DEFAULTS = ("workbook_default", "datasource_default", "flow_default")


class Server(NamedTuple):
    """A server in its own process."""

    url: str
    pid: int

    @property
    def cpu(self) -> float:
        """Processor seconds that it has used."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Run(NamedTuple):
    """Requests that were answered, seconds by the clock, processor seconds of reader and server."""

    requests: int
    wall: float
    cpu: float
    server_cpu: float
    items: int = 0

    @property
    def rate(self) -> float:
        """Requests a second."""
        return self.requests / self.wall

    @property
    def ms(self) -> float:
        """The reader's processor time a request."""
        return self.cpu / self.requests * 1e3

    @property
    def server_ms(self) -> float:
        """The server's processor time a request."""
        return self.server_cpu / self.requests * 1e3


class _Clock:
    def __init__(self, server: Server) -> None:
        self.server = server
        self.start = time.perf_counter(), time.process_time(), server.cpu

    def run(self, requests: int, items: int = 0) -> Run:
        wall, cpu, theirs = self.start
        now = time.perf_counter(), time.process_time()
        return Run(requests, now[0] - wall, now[1] - cpu, self.server.cpu - theirs, items)


@contextmanager
def process(*words: str) -> Iterator[Server]:
    """A server that prints its address."""
    started = subprocess.Popen([sys.executable, *words], stdout=subprocess.PIPE, text=True)
    try:
        assert started.stdout is not None
        line = next(line for line in started.stdout if "http://" in line)
        yield Server(line[line.index("http://") :].split()[0], started.pid)
    finally:
        started.terminate()
        started.wait()


def stub(*words: str, latency: float = LATENCY) -> Any:
    """The stub: `--items N` or `--perf-l SHARE`."""
    return process(str(HERE / "stub.py"), *words, "--latency", str(latency))


def sandbox(world: str) -> Any:
    """A world of the sandbox."""
    return process("-m", "tabwarden", "sandbox", "--world", world, "--port", "0")


def options(url: str, site: str = "") -> SignIn:
    """How the benchmark signs in."""
    return SignIn(url, site, Pat(TOKEN_NAME, TOKEN_SECRET))


@contextmanager
def checkpoint(folder: str | None = None) -> Iterator[Checkpoint]:
    """A checkpoint, which every read by the command has, too."""
    with tempfile.TemporaryDirectory() as made:
        kept = opened(Path(folder or made), {"server": "stub", "site": "stub"})
        try:
            yield kept
        finally:
            kept.close()


def ours(server: Server) -> Run:
    """A whole read with its checkpoint, its lists and its slow start; the sign-in before it is not counted."""
    with connect(options(server.url)) as connection, checkpoint() as kept:
        before, clock = sum(connection.calls.values()), _Clock(server)
        site = read_site(connection, CORE, checkpoint=kept)
        found = clock.run(sum(connection.calls.values()) - before)
    return found._replace(items=sum(content.kind != "project" for content in site.contents.values()))


def bare(server: Server, number: int) -> Run:
    """So many answers by aiohttp with nothing around it, at the same number of connections; nothing is parsed."""

    async def everything() -> Run:
        left = iter(range(number))
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

            async def worker() -> None:
                for one in left:
                    async with session.get(f"{server.url}/api/3.27/sites/s/workbooks/{one}/permissions") as answer:
                        await answer.read()

            clock = _Clock(server)
            await asyncio.gather(*(worker() for _ in range(MOST)))
            return clock.run(number)

    return asyncio.run(everything())


class Tsc:
    """tableauserverclient with so many threads: a client for each, one token among them, a thousand things a page."""

    def __init__(self, server: Server, number: int) -> None:
        self.server, self.number = server, number
        self.mine = threading.local()
        self.signed = self.client()
        self.signed.auth.sign_in(tsc.PersonalAccessTokenAuth(TOKEN_NAME, TOKEN_SECRET))

    def client(self) -> Any:
        """One of their clients at the stub's version."""
        made = tsc.Server(self.server.url)
        made.version = "3.27"
        return made

    def own(self) -> Any:
        """This thread's client."""
        if not hasattr(self.mine, "server"):
            self.mine.server = self.client()
            self.mine.server._set_auth(self.signed.site_id, self.signed.user_id, self.signed.auth_token)
        return self.mine.server

    def everything(self, kind: str) -> list[Any]:
        """A whole list."""
        return list(tsc.Pager(getattr(self.signed, kind), tsc.RequestOptions(pagesize=1000)))

    def rules(self, kind: str, things: Iterable[Any]) -> None:
        """The rules of each."""

        def one(thing: Any) -> None:
            getattr(self.own(), kind).populate_permissions(thing)
            assert thing.permissions is not None

        with ThreadPoolExecutor(self.number) as pool:
            list(pool.map(one, things))

    def workbooks(self, number: int) -> Run:
        """Rules of so many workbooks."""
        things = self.everything("workbooks")[:number]
        clock = _Clock(self.server)
        self.rules("workbooks", things)
        return clock.run(len(things))

    def whole(self) -> Run:
        """All that our core read brings, a request a thing: nobody tells this client what need not be asked."""
        clock = _Clock(self.server)
        listed = {kind: self.everything(kind) for kind in ("projects", "workbooks", "views", "datasources", "flows")}
        groups, users = self.everything("groups"), self.everything("users")
        for kind, things in listed.items():
            self.rules(kind, things)
        with ThreadPoolExecutor(self.number) as pool:
            list(pool.map(self._defaults, listed["projects"]))
            list(pool.map(self._members, groups))
        items = sum(map(len, listed.values())) - len(listed["projects"])
        pages = sum(-(-max(1, len(found)) // 1000) for found in (*listed.values(), groups, users))
        return clock.run(pages + items + (1 + len(DEFAULTS)) * len(listed["projects"]) + len(groups), items)

    def _defaults(self, project: Any) -> None:
        projects = self.own().projects
        for kind in DEFAULTS:
            getattr(projects, f"populate_{kind}_permissions")(project)
            assert getattr(project, f"default_{kind.removesuffix('_default')}_permissions") is not None

    def _members(self, group: Any) -> None:
        self.own().groups.populate_users(group, tsc.RequestOptions(pagesize=1000))
        assert list(group.users) is not None
