"""The pages under load: how long each kind takes at the server, how many a second, memory, a new snapshot meanwhile.

    python benchmarks/pages.py FOLDER [--size M] [--number 200] [--seconds 60] [--workers N] [--rate 200]

FOLDER is made by `benchmarks/histories.py FOLDER M`. Each page is asked by other people about other things, one after
another, first of one worker, then as many a second as `--rate` says of several. Bars: catalog, grid, who-can and search
50 ms in the median and 150 ms at the 99th percentile on M; no error at 200 a second; no pause above 250 ms while a new
snapshot comes in. Processor time is told beside each: on a machine that others use, it says more than the clock.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import os
import random
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

import histories
from tabwarden.model.site import Site
from tabwarden.run.history import LAST, open_either
from tabwarden.store.web.sessions import Sessions
from tabwarden.store.web.state import opened

SETTINGS = """\
tableau:
  server: https://tableau.example.com
  auth: {{pat: {{name: tabwarden, secret: none}}}}
store: {{folder: {store}}}
web: {{workers: {workers}}}
"""
PAGES = ("catalog", "search", "grid", "who", "what", "why")
MIXED = PAGES[:4]


class Result(NamedTuple):
    """One page: its kind, when it was due (seconds from the start), how long after that it was there, its status."""

    kind: str
    at: float
    took: float
    status: int


@contextmanager
def serving(folder: Path, store: Path, workers: int) -> Iterator[tuple[int, int]]:
    """The port at which the pages of a store are served, and the process that answers, or starts those that do."""
    (folder / "settings.yaml").write_text(SETTINGS.format(store=store, workers=workers), encoding="utf-8")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = ["serve", "--settings", str(folder / "settings.yaml"), "--port", str(port)]
    process = subprocess.Popen([sys.executable, "-m", "tabwarden", *words], stdout=subprocess.DEVNULL)
    try:
        until_it_answers(port)
        until_all_wait(process.pid)
        yield port, process.pid
    finally:
        process.terminate()
        process.wait()


def until_it_answers(port: int) -> None:
    for _ in range(3000):
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
                connection.sendall(b"GET /sign-in HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n")
                if connection.recv(12):
                    return
        except OSError:
            pass
        time.sleep(0.1)
    raise SystemExit("the pages did not answer")


def until_all_wait(process: int) -> None:
    """Until every worker has its snapshot: the first takes all connections that come before the others are there."""
    before = -1.0
    while processor_time(process) > before + 0.05:
        before = processor_time(process)
        time.sleep(2)


def cookies(store: Path, names: list[str]) -> dict[str, str]:
    """A session of each, with every right of the first."""
    database = opened(store)
    sessions = Sessions(database, timedelta(hours=1), timedelta(hours=2))
    now = datetime.now(UTC)
    tokens = {}
    for place, name in enumerate(names):
        person = {"name": name, "via": "link", "rights": [] if place else ["administrator"]}
        tokens[name] = sessions.begin(person, now)
    database.close()
    return tokens


class Asker:
    """Pages about people and things that chance chooses."""

    def __init__(self, site: Site, tokens: dict[str, str], seed: int) -> None:
        self.dice, self.tokens = random.Random(seed), tokens
        self.people = [user.name for user in site.users.values()]
        books = [content for content in site.contents.values() if content.kind == "workbook"]
        self.contents = [content.id for content in self.dice.sample(books, min(2000, len(books)))]
        self.admin, *self.others = tokens

    def page(self, kind: str) -> tuple[str, str]:
        """Whose session, and the path."""
        somebody, content = self.dice.choice(self.people), quote(self.dice.choice(self.contents))
        match kind:
            case "catalog":
                return self.dice.choice(self.others), "/catalog"
            case "search":
                words = f"{self.dice.choice('abcdefghij')}{self.dice.randrange(99)}"
                return self.dice.choice(self.others), f"/catalog/search?q={words}"
            case "grid":
                return self.admin, f"/check?user={somebody}&content={content}"
            case "who":
                return self.admin, f"/check/who?capability=View&content={content}"
            case "what":
                return self.admin, f"/check/what?user={somebody}"
            case _:
                return self.admin, f"/check/why?user={somebody}&content={content}&capability=View"

    def request(self, kind: str) -> bytes:
        """What goes over the wire."""
        name, path = self.page(kind)
        return f"GET {path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncookie: tabwarden={self.tokens[name]}\r\n\r\n".encode()


class Connection(asyncio.Protocol):
    """One connection that is kept, one request at a time: a load costs the machine as little as it can."""

    waiting: asyncio.Future[int] | None = None
    transport: asyncio.Transport
    taken, wanted, status = b"", 0, 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def ask(self, request: bytes) -> asyncio.Future[int]:
        self.waiting, self.taken, self.wanted = asyncio.get_running_loop().create_future(), b"", 0
        self.transport.write(request)
        return self.waiting

    def data_received(self, data: bytes) -> None:
        if self.wanted:
            self.wanted -= len(data)
        else:
            self.taken += data
            head, end, body = self.taken.partition(b"\r\n\r\n")
            if not end:
                return
            lines = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
            self.status, self.wanted = int(head[9:12]), int(lines[b"content-length"]) - len(body)
        if not self.wanted and self.waiting is not None:
            self.waiting.set_result(self.status)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        if self.waiting is not None and not self.waiting.done():
            self.waiting.set_result(0)


async def connected(port: int, number: int) -> list[Connection]:
    loop = asyncio.get_running_loop()
    return [(await loop.create_connection(Connection, "127.0.0.1", port))[1] for _ in range(number)]


async def load(port: int, asker: Asker, rate: int, seconds: float, kinds: tuple[str, ...] = MIXED) -> list[Result]:
    """Mixed pages at a rate, whatever they take: what waits for a free connection of 128 has been waiting since it was
    due.
    """
    results: list[Result] = []
    free: asyncio.Queue[Connection] = asyncio.Queue()
    for connection in await connected(port, 128):
        free.put_nowait(connection)
    pages = [(kind, asker.request(kind)) for kind in asker.dice.choices(kinds, k=int(rate * seconds))]

    async def one(kind: str, request: bytes, due: float) -> None:
        connection = await free.get()
        status = await connection.ask(request)
        results.append(Result(kind, due - start, time.perf_counter() - due, status))
        free.put_nowait(connection)

    start, tasks, own = time.perf_counter(), [], time.process_time()
    for number, (kind, request) in enumerate(pages):
        due = start + number / rate
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        tasks.append(asyncio.create_task(one(kind, request, due)))
    await asyncio.gather(*tasks)
    took, own = time.perf_counter() - start, time.process_time() - own
    print(f"{len(results)} in {took:.1f} s, {len(results) / took:.0f} a second; whoever asked took {own:.1f} s")
    return results


async def one_by_one(port: int, asker: Asker, number: int, process: int) -> None:
    (connection,) = await connected(port, 1)
    for kind in PAGES:
        took, statuses, before = [], set(), processor_time(process)
        for _ in range(number):
            start = time.perf_counter()
            statuses.add(await connection.ask(asker.request(kind)))
            took.append((time.perf_counter() - start) * 1000)
        took.sort()
        each = (processor_time(process) - before) * 1000 / number
        print(
            f"{kind:8} median {statistics.median(took):7.1f} ms, 99 % {took[int(len(took) * 0.99)]:7.1f} ms, "
            f"longest {took[-1]:7.1f} ms, {each:5.1f} ms of a processor, {memory(process)} MB; {sorted(statuses)}",
            flush=True,
        )


def memory(process: int) -> int:
    """Resident memory of a process and its children, in MB, what they share counted once (PSS)."""
    every = [process, *children(process)]
    total = 0
    for one in every:
        try:
            text = Path(f"/proc/{one}/smaps_rollup").read_text(encoding="ascii")
        except OSError:
            continue
        total += next(int(line.split()[1]) for line in text.splitlines() if line.startswith("Pss:"))
    return total // 1024


def processor_time(process: int) -> float:
    """Seconds of processor that a process and its children have taken."""
    taken = 0
    for one in [process, *children(process)]:
        words = Path(f"/proc/{one}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        taken += int(words[11]) + int(words[12])
    return taken / os.sysconf("SC_CLK_TCK")


def children(process: int) -> list[int]:
    words = Path(f"/proc/{process}/task/{process}/children").read_text(encoding="ascii").split()
    return [number for word in words for number in (int(word), *children(int(word)))]


def under_load(port: int, process: int, asker: Asker, words: argparse.Namespace) -> None:
    """The mixed load, a quarter of the time at a time, so that memory that grows is seen to grow."""
    sizes = [memory(process)]
    for _ in range(4):
        before = processor_time(process)
        results = asyncio.run(load(port, asker, words.rate, words.seconds / 4))
        tell(results, processor_time(process) - before)
        sizes.append(memory(process))
    print(f"{words.workers} workers, load {os.getloadavg()[0]:.1f}: {', '.join(map(str, sizes))} MB, by quarters")


def tell(results: list[Result], processor: float) -> None:
    took = sorted(result.took * 1000 for result in results)
    failed = sum(1 for result in results if result.status not in (200, 404))
    print(
        f"  median {statistics.median(took):.1f} ms, 99 % {took[int(len(took) * 0.99)]:.1f} ms, "
        f"longest {took[-1]:.1f} ms; {failed} failed; {processor * 1000 / len(results):.1f} ms of a processor each",
        flush=True,
    )


def new_snapshot(store: Path) -> None:
    site = open_either(LAST, str(store))
    histories.keep(store, replace(histories.later(site), taken=replace(site.taken, when="2026-11-23T18:00:00Z")))


async def meanwhile(port: int, asker: Asker, rate: int, store: Path) -> list[Result]:
    """Pages while another process keeps a new snapshot, and some seconds after it."""
    keeping = multiprocessing.get_context("spawn").Process(target=new_snapshot, args=(store,))
    keeping.start()
    results = await load(port, asker, rate, 10)
    while keeping.is_alive():
        results += await load(port, asker, rate, 5)
    return results + await load(port, asker, rate, 5)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--size", default="M")
    parser.add_argument("--number", type=int, default=200, help="pages of each kind, one after another")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--rate", type=int, default=200)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 2)
    words = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder, store = Path(name), Path(name) / "store"
        shutil.copytree(words.folder / words.size, store)
        site = open_either(LAST, str(store))
        people = [user.name for user in site.users.values()]
        tokens = cookies(store, random.Random(1).sample(people, min(200, len(people))))
        asker = Asker(site, tokens, 1)
        print(f"{words.size}: {len(people):,} people, {len(site.contents):,} contents; load {os.getloadavg()[0]:.1f}")
        if words.number:
            with serving(folder, store, 1) as (port, process):
                print(f"one worker, {memory(process)} MB")
                asyncio.run(one_by_one(port, asker, words.number, process))
                print(f"afterwards {memory(process)} MB")
        if not words.seconds:
            return
        with serving(folder, store, words.workers) as (port, process):
            under_load(port, process, asker, words)
            before = processor_time(process)
            print("a new snapshot comes in:")
            results = asyncio.run(meanwhile(port, asker, max(1, words.rate // 4), store))
            tell(results, processor_time(process) - before)


if __name__ == "__main__":
    main()
