"""How fast a site is read over REST, beside tableauserverclient, and what it costs in requests. Not the engine's speed.

    python benchmarks/reading.py [--quick] [--whole-perf-l] [--write docs/explanation/performance.md]

The server is a stub in its own process that answers each request after 50 ms, so fifty connections can get a thousand
answers a second and no more. In one run: our reader, aiohttp with nothing around it, tableauserverclient with fifty
threads and one by one. Then requests told before and counted after, what locks and tabs save, processor time beside
the sandbox's; a read cut short and gone on with; memory for a large site. Under four minutes; `--quick` shows in half
a minute that everything runs; `--whole-perf-l` reads all of the million items of perf-L, not a tenth (five minutes
more). Exit code 1 when a limit is passed.
"""

from __future__ import annotations

import argparse
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from drawn import Console, Table
from readers import CORE, LATENCY, THREADS, Tsc, bare, checkpoint, options, ours, sandbox, stub
from report import write
from tabwarden.tableau.http.connection import connect
from tabwarden.tableau.http.pace import MOST, Budget
from tabwarden.tableau.read.site import Wishes, read_site

LIMIT = MOST / LATENCY
HEADINGS = ("measured", "found", "asked", "verdict")
REST_M, A_CALL_AN_ITEM, A_CALL_MS, GIB = 8_600, 0.36, 0.8, 2**30


class Line(NamedTuple):
    """A line of the table: what was measured, what must hold, whether it does (None: only shown)."""

    what: str
    found: str
    asked: str = ""
    holds: bool | None = None


class Sizes(NamedTuple):
    """How much of everything: items of the plain stub, how often ours reads them, how many one thread reads; the share
    of perf-L whose reads are timed, the share whose memory is measured; worlds of the sandbox."""

    items: int
    times: int
    one_by_one: int
    timed: float
    held: float
    worlds: tuple[str, ...]


FULL = Sizes(8000, 3, 60, 0.008, 0.1, ("rest-s", "rest-m"))
QUICK = Sizes(4000, 1, 20, 0.001, 0.01, ("rest-s",))


# -- speed ----------------------------------------------------------------------------------------------------


def speed(sizes: Sizes) -> Iterator[Line]:
    """Requests a second, ours and theirs, against the same stub in the same run."""
    with stub("--items", str(sizes.items)) as server:
        runs = [ours(server) for _ in range(sizes.times)]
        plain = bare(server, sizes.items // 2)
        threads, alone = Tsc(server, THREADS).workbooks(sizes.items // 4), Tsc(server, 1).workbooks(sizes.one_by_one)
    run = min(runs, key=lambda one: one.wall)
    share = run.rate / LIMIT
    wall = f"{run.wall:.2f} s for {run.requests:,} requests; the limit is {run.requests / LIMIT:.2f} s"
    yield Line("read: wall", wall)
    yield Line("read: requests a second", f"{run.rate:.0f}, {share:.0%} of {LIMIT:.0f}", "at least 85%", share >= 0.85)
    yield Line("aiohttp with nothing around it", f"{plain.rate:.0f}, {plain.rate / LIMIT:.0%} of {LIMIT:.0f}")
    cpu = min(one.ms for one in runs)
    told = f"{cpu:.2f} ms; aiohttp alone {plain.ms:.2f} ms, the stub {run.server_ms:.2f} ms"
    yield Line("read: processor time a request", told, f"under {A_CALL_MS} ms", cpu < A_CALL_MS)
    times = run.rate / threads.rate
    told = f"{threads.rate:.0f} ({threads.ms:.2f} ms each): ours is {times:.1f} times that"
    if threads.rate * 2 > LIMIT:
        told += f", the limit itself only {LIMIT / threads.rate:.1f} times"
    yield Line(f"tableauserverclient, {THREADS} threads", told, "at least 2 times", times >= 2)
    times = run.rate / alone.rate
    told = f"{alone.rate:.1f}: ours is {times:.0f} times that"
    yield Line("tableauserverclient, one by one", told, "at least 40 times", times >= 40)


def whole_site(sizes: Sizes) -> Iterator[Line]:
    """A whole read of a site with 60 % of its items locked and half of its workbooks tabbed."""
    with stub("--perf-l", str(sizes.timed)) as server:
        run, theirs = ours(server), Tsc(server, THREADS).whole()
    assert run.items == theirs.items
    share = run.requests / run.items
    told = f"{run.requests:,} for {run.items:,}: {share:.3f} (one by one {theirs.requests:,})"
    yield Line("60% locked, half tabbed: requests an item", told, f"at most {A_CALL_AN_ITEM}", share <= A_CALL_AN_ITEM)
    times = theirs.wall / run.wall
    told = f"{run.wall:.1f} s; tableauserverclient, {THREADS} threads {theirs.wall:.1f} s: {times:.1f} times as fast"
    yield Line("60% locked, half tabbed: the whole read", told, "at least 2 times", times >= 2)


# -- cost -----------------------------------------------------------------------------------------------------


class _CutShortError(Exception):
    """The read ends here."""


def _ends_halfway(done: int, of: int) -> None:
    if done * 2 > of:
        raise _CutShortError


def cut_short(items: int) -> Iterator[Line]:
    """Requests of both halves of a read that ends in the middle, beside one that does not."""
    told: list[Budget] = []
    halves: tuple[Callable[[int, int], None] | None, ...] = (_ends_halfway, None)
    sent = 0
    with tempfile.TemporaryDirectory() as folder, stub("--items", str(items), latency=0.01) as server:
        for progress in halves:
            with connect(options(server.url)) as connection, checkpoint(folder) as kept, suppress(_CutShortError):
                read_site(connection, CORE, checkpoint=kept, progress=progress, say=told.append)
            sent += sum(connection.calls.values())
    more = sent / told[0].total - 1
    found = f"{sent:,} requests for {told[0].total:,}, {more:.1%} more"
    yield Line("cut short and gone on with", found, "at most 2%", more <= 0.02)


def world(name: str) -> Iterator[Line]:
    """A world of the sandbox: requests told and counted, by what they are; processor time beside the sandbox's."""
    for wishes, title in ((CORE, name), (Wishes(connections=True), f"{name} with --connections")):
        told: list[Budget] = []
        with sandbox(name) as server:
            theirs, mine = server.cpu, time.process_time()
            with connect(options(server.url, name)) as connection:
                read_site(connection, wishes, say=told.append)
            mine, theirs = time.process_time() - mine, server.cpu - theirs
        sent, budget = sum(connection.calls.values()), told[0]
        exact = f"{sent:,}; told before: {budget.total:,}; saved {budget.saved:,}"
        yield Line(f"{title}: requests", exact, "as told", sent == budget.total)
        if wishes is CORE and name == "rest-m":
            yield Line(f"{title}: requests", f"{sent:,}", f"at most {REST_M:,}", sent <= REST_M)
        each = f"{mine / sent * 1e3:.2f} ms, the sandbox's {theirs / sent * 1e3:.2f} ms"
        yield Line(f"{title}: processor time a request", each, "ours the smaller", mine < theirs)


# -- memory ---------------------------------------------------------------------------------------------------


def large(share: float) -> Iterator[Line]:
    """Memory for perf-L, or that share of it, read in a process of its own; of a share, all of it by proportion."""
    with stub("--perf-l", str(share), latency=0) as server:
        words = [sys.executable, str(Path(__file__)), "--memory", server.url]
        told = subprocess.run(words, capture_output=True, text=True, check=True).stdout.split()
    held, sent, most = (int(word) for word in told[:3])
    found = f"{most / GIB:.2f} GiB, {sent:,} requests, {float(told[3]):.0f} s"
    what = f"memory for {held:,} items"
    if share < FULL.held:  # by proportion the program itself would be counted too many times
        yield Line(what, found)
        return
    if share < 1:
        found += f"; perf-L by proportion at most {most / share / GIB:.2f} GiB"
    yield Line(what, found, "perf-L under 4 GiB", most / share < 4 * GIB)


def memory(url: str) -> None:
    """Read the site; print its items, the requests, the most memory in bytes, and the seconds."""
    began = time.perf_counter()
    with connect(options(url)) as connection, checkpoint() as kept:
        site = read_site(connection, CORE, checkpoint=kept)
    sent = sum(connection.calls.values())
    items = sum(content.kind != "project" for content in site.contents.values())
    print(items, sent, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024, time.perf_counter() - began)


# -- all of it ------------------------------------------------------------------------------------------------


def parts(sizes: Sizes, *, whole_perf_l: bool) -> Iterator[Iterator[Line]]:
    yield speed(sizes)
    yield whole_site(sizes)
    yield cut_short(sizes.items)
    for name in sizes.worlds:
        yield world(name)
    yield large(1.0 if whole_perf_l else sizes.held)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="only show that everything runs")
    parser.add_argument("--whole-perf-l", action="store_true", help="read all of perf-L, not a tenth")
    parser.add_argument("--write", type=Path, help="put the table between the marks of this page")
    parser.add_argument("--memory", default="", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.memory:
        memory(asked.memory)
        return 0
    began, load = time.perf_counter(), os.getloadavg()[0]
    sizes = QUICK if asked.quick else FULL
    rows = [line for part in parts(sizes, whole_perf_l=asked.whole_perf_l) for line in part]
    failed = sum(line.holds is False for line in rows)
    table = Table(*HEADINGS, title=f"Reading over REST, {LATENCY * 1e3:.0f} ms an answer")
    for line in rows:
        table.add_row(*cells(line))
    out = Console(width=160)
    out.print(table)
    out.print(f"{time.perf_counter() - began:.0f} s; {failed or 'none'} of the bars failed")
    if asked.write:
        write(asked.write, markdown(rows, load), "reading")
    return int(failed > 0)


def cells(line: Line) -> tuple[str, str, str, str]:
    """A line as texts, one a heading."""
    return line.what, line.found, line.asked, {None: "", True: "PASS", False: "FAIL"}[line.holds]


def markdown(rows: list[Line], load: float) -> str:
    """The table as a block of a page."""
    listed = [HEADINGS, ("---",) * len(HEADINGS), *map(cells, rows)]
    table = "\n".join("| " + " | ".join(row) + " |" for row in listed)
    machine = f"Python {platform.python_version()}, {os.cpu_count()} processors, load {load:.1f} at its start"
    return f"`python benchmarks/reading.py`, {machine}.\n\n{table}\n"


if __name__ == "__main__":
    sys.exit(main())
