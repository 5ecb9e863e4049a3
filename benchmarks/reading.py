"""How fast a site is read over REST, beside tableauserverclient, and what it costs in requests. Not the engine's speed.

    python benchmarks/reading.py [--items 8000] [--worlds rest-s,rest-m] [--large 1000000]

The server is a stub in its own process that answers each request after 50 ms, so fifty connections can get a thousand
answers a second and no more. In one run: our reader, tableauserverclient with fifty threads, and one by one. Then our
reader on worlds of the sandbox: requests told before and counted after, what locks and tabs save, processor time
beside the sandbox's; a read cut short and gone on with; memory for a large site. Exit code 1 when a limit is passed.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp
from rich.console import Console
from rich.table import Table

from tabwarden.sandbox.worlds.acme import TOKEN_NAME, TOKEN_SECRET
from tabwarden.tableau.checkpoint import opened
from tabwarden.tableau.client import Connection, Options, Pat, connect
from tabwarden.tableau.pace import MOST
from tabwarden.tableau.read import Budget, Wishes, read_site

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import tableauserverclient as tsc

HERE = Path(__file__).parent
LATENCY, THREADS, SEQUENTIAL, THREADED = 0.05, 50, 60, 1500
CORE, TIMES = Wishes(connections=False), 3
REST_M, A_CALL_AN_ITEM = 8_600, 0.36


class Line(NamedTuple):
    """A line of the table: what was measured, what must hold, whether it does (None: only shown)."""

    what: str
    found: str
    asked: str = ""
    holds: bool | None = None


@contextmanager
def process(*words: str) -> Iterator[tuple[str, int]]:
    """A server in its own process: its address and process id."""
    started = subprocess.Popen([sys.executable, *words], stdout=subprocess.PIPE, text=True)
    try:
        assert started.stdout is not None
        line = next(line for line in started.stdout if "http://" in line)
        yield line[line.index("http://") :].split()[0], started.pid
    finally:
        started.terminate()
        started.wait()


def stub(items: int, *more: str) -> Any:
    """The stub with so many workbooks."""
    return process(str(HERE / "stub.py"), "--items", str(items), "--latency", str(LATENCY), *more)


def options(url: str, site: str = "") -> Options:
    """How the benchmark signs in."""
    return Options(url, site, Pat(TOKEN_NAME, TOKEN_SECRET))


def seconds_of(pid: int) -> float:
    """Processor seconds that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


# -- speed ----------------------------------------------------------------------------------------------------


def ours(url: str) -> float:
    """Requests a second of a whole read, its lists and its slow start included; the best of three."""

    def once() -> float:
        with connect(options(url)) as connection:
            before, began = sum(connection.calls.values()), time.perf_counter()
            read_site(connection, CORE)
            return (sum(connection.calls.values()) - before) / (time.perf_counter() - began)

    return max(once() for _ in range(TIMES))


def bare(url: str, number: int = 4000) -> float:
    """Answers a second of aiohttp with nothing around it, at the same number of connections."""

    async def everything() -> float:
        left = iter(range(number))
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

            async def worker() -> None:
                for one in left:
                    async with session.get(f"{url}/api/3.27/sites/s/workbooks/{one}/permissions") as answer:
                        await answer.read()

            began = time.perf_counter()
            await asyncio.gather(*(worker() for _ in range(MOST)))
            return number / (time.perf_counter() - began)

    return asyncio.run(everything())


def threads(url: str, number: int, items: int) -> float:
    """Rules of so many workbooks a second with tableauserverclient: a client for each thread, one token."""
    mine, signed = threading.local(), client(url)

    def one(workbook: Any) -> None:
        if not hasattr(mine, "server"):
            mine.server = client(url)
            mine.server._set_auth(signed.site_id, signed.user_id, signed.auth_token)
        mine.server.workbooks.populate_permissions(workbook)
        assert workbook.permissions

    signed.auth.sign_in(tsc.PersonalAccessTokenAuth(TOKEN_NAME, TOKEN_SECRET))
    found = list(tsc.Pager(signed.workbooks, tsc.RequestOptions(pagesize=1000)))[:items]
    with ThreadPoolExecutor(number) as pool:
        list(pool.map(one, found[:number]))
        began = time.perf_counter()
        list(pool.map(one, found[number:]))
        return (len(found) - number) / (time.perf_counter() - began)


def client(url: str) -> Any:
    """One of their clients at the stub's version."""
    made = tsc.Server(url)
    made.version = "3.27"
    return made


def speed(items: int) -> Iterator[Line]:
    """Requests a second, ours and theirs, against the same stub in the same run."""
    limit = MOST / LATENCY
    with stub(items) as (url, _pid):
        fast, plain = ours(url), bare(url)
        threaded, alone = threads(url, THREADS, THREADED), threads(url, 1, SEQUENTIAL)
    share = fast / limit
    yield Line("requests a second", f"{fast:.0f}, {share:.0%} of {limit:.0f}", "at least 85%", share >= 0.85)
    yield Line("aiohttp with nothing around it", f"{plain:.0f}, {plain / limit:.0%} of {limit:.0f}")
    told = f"{threaded:.0f}: ours is {fast / threaded:.1f} times that"
    yield Line(f"tableauserverclient, {THREADS} threads", told, "at least 2 times", fast >= 2 * threaded)
    told = f"{alone:.1f}: ours is {fast / alone:.0f} times that"
    yield Line("tableauserverclient, one by one", told, "at least 40 times", fast >= 40 * alone)


def cut_short(items: int) -> Iterator[Line]:
    """Requests of both halves of a read that ends in the middle, beside one that does not."""
    told: list[Budget] = []
    with tempfile.TemporaryDirectory() as folder, stub(items) as (url, _pid):

        def half(connection: Connection, progress: Callable[[int, int], None] | None) -> int:
            kept = opened(Path(folder), {"site": "stub"})
            try:
                read_site(connection, CORE, checkpoint=kept, progress=progress, say=told.append)
            except ZeroDivisionError:
                pass
            finally:
                kept.close()
            return sum(connection.calls.values())

        sent = 0
        for progress in (lambda done, of: 1 // (done * 2 <= of), None):
            with connect(options(url)) as connection:
                half(connection, progress)
            sent += sum(connection.calls.values())
    more = sent / told[0].total - 1
    yield Line("cut short and gone on with", f"{sent:,} requests, {more:.1%} more than one", "at most 2%", more <= 0.02)


# -- cost -----------------------------------------------------------------------------------------------------


def world(name: str) -> Iterator[Line]:
    """A world of the sandbox: requests told and counted, by what they are; processor time beside the sandbox's."""
    for connections in (False, True):
        told: list[Budget] = []
        with process("-m", "tabwarden", "sandbox", "--world", name, "--port", "0") as (url, pid):
            theirs, mine = seconds_of(pid), time.process_time()
            with connect(options(url, name)) as connection:
                site = read_site(connection, Wishes(connections), say=told.append)
            mine, theirs = time.process_time() - mine, seconds_of(pid) - theirs
        sent, budget = sum(connection.calls.values()), told[0]
        title = f"{name} with --connections" if connections else name
        exact = f"told before: {budget.total:,}; saved {budget.saved:,}"
        yield Line(f"{title}: requests", f"{sent:,}; {exact}", "as told", sent == budget.total)
        if connections:
            return
        if name == "rest-m":
            yield Line(f"{title}: requests", f"{sent:,}", f"at most {REST_M:,}", sent <= REST_M)
        items = sum(1 for content in site.contents.values() if content.kind != "project")
        share = sent / items
        yield Line(f"{title}: requests an item", f"{share:.2f}", f"at most {A_CALL_AN_ITEM}", share <= A_CALL_AN_ITEM)
        each = f"{mine / sent * 1e3:.2f} ms, the sandbox's {theirs / sent * 1e3:.2f} ms"
        yield Line(f"{title}: processor time a request", each, "ours the smaller", mine < theirs)


def large(items: int) -> Iterator[Line]:
    """Memory for a site of so many items, all of them in a locked project, in a process of its own."""
    with stub(items, "--locked") as (url, _pid):
        words = [sys.executable, str(Path(__file__)), "--memory", url]
        began = time.perf_counter()
        told = subprocess.run(words, capture_output=True, text=True, check=True).stdout.split()
    held, size = int(told[0]), int(told[1]) * 1024
    found = f"{size / 2**30:.2f} GiB, {time.perf_counter() - began:.0f} s"
    yield Line(f"memory for {held:,} items", found, "under 4 GiB", size < 4 * 2**30)


def memory(url: str) -> None:
    """Read the site and print how many items it holds and the most memory that took, in kilobytes."""
    import resource

    with connect(options(url)) as connection:
        site = read_site(connection, CORE)
    print(len(site.contents), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--items", type=int, default=8000)
    parser.add_argument("--worlds", default="rest-s")
    parser.add_argument("--large", type=int, default=0, help="items of the large site, 0 for none")
    parser.add_argument("--memory", default="", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.memory:
        memory(asked.memory)
        return 0
    parts = [speed(asked.items), cut_short(asked.items), *(world(name) for name in asked.worlds.split(",") if name)]
    if asked.large:
        parts.append(large(asked.large))
    table = Table("measured", "found", "must be", "", title="Reading over REST")
    failed = 0
    for part in parts:
        for line in part:
            failed += line.holds is False
            table.add_row(line.what, line.found, line.asked, {None: "", True: "holds", False: "FAILS"}[line.holds])
    Console(width=140).print(table)
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
