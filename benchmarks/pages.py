"""The pages under load: how long each kind takes at the server, how many a second, memory, a new snapshot meanwhile.

    python benchmarks/pages.py FOLDER [--size M] [--seconds 60] [--workers N] [--rate 200]

FOLDER is made by `benchmarks/histories.py FOLDER M`. Each page is asked by other people about other things, one after
another, first of one worker, then as many a second as `--rate` says of several. Bars: catalog, grid, who-can and search
50 ms in the median and 150 ms at the 99th percentile on M; no error at 200 a second; no pause above 250 ms while a new
snapshot comes in.
"""

from __future__ import annotations

import argparse
import asyncio
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
from urllib.parse import quote

import aiohttp

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


@contextmanager
def serving(folder: Path, store: Path, workers: int) -> Iterator[tuple[str, int]]:
    """The pages of a store, and the number of the process that answers, or starts those that do."""
    (folder / "settings.yaml").write_text(SETTINGS.format(store=store, workers=workers), encoding="utf-8")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = ["serve", "--settings", str(folder / "settings.yaml"), "--port", str(port)]
    process = subprocess.Popen([sys.executable, "-m", "tabwarden", *words], stdout=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}"
    try:
        until_it_answers(port)
        yield address, process.pid
    finally:
        process.terminate()
        process.wait()


def until_it_answers(port: int) -> None:
    for _ in range(1200):
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
                connection.sendall(b"GET /sign-in HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n")
                if connection.recv(12):
                    return
        except OSError:
            pass
        time.sleep(0.1)
    raise SystemExit("the pages did not answer")


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
                return self.dice.choice(
                    self.others
                ), f"/catalog/search?q={self.dice.choice('abcdefghij')}{self.dice.randrange(99)}"
            case "grid":
                return self.admin, f"/check?user={somebody}&content={content}"
            case "who":
                return self.admin, f"/check/who?capability=View&content={content}"
            case "what":
                return self.admin, f"/check/what?user={somebody}"
            case _:
                return self.admin, f"/check/why?user={somebody}&content={content}&capability=View"


async def ask(session: aiohttp.ClientSession, asker: Asker, kind: str) -> tuple[float, int]:
    name, path = asker.page(kind)
    start = time.perf_counter()
    async with session.get(
        path, headers={"cookie": f"tabwarden={asker.tokens[name]}"}, allow_redirects=False
    ) as answer:
        await answer.read()
        return time.perf_counter() - start, answer.status


async def one_by_one(address: str, asker: Asker, number: int, process: int) -> None:
    async with aiohttp.ClientSession(address) as session:
        for kind in PAGES:
            took, statuses, before = [], set(), processor_time(process)
            for _ in range(number):
                seconds, status = await ask(session, asker, kind)
                took.append(seconds * 1000)
                statuses.add(status)
            took.sort()
            each = (processor_time(process) - before) * 1000 / number
            print(
                f"{kind:8} median {statistics.median(took):7.1f} ms, 99 % {took[int(len(took) * 0.99)]:7.1f} ms, "
                f"longest {took[-1]:7.1f} ms, {each:5.1f} ms of a processor; statuses {sorted(statuses)}",
                flush=True,
            )


async def load(address: str, asker: Asker, rate: int, seconds: float) -> list[tuple[float, float, int]]:
    """Mixed pages at a rate, whatever they take: when each was asked, how long it took, its status."""
    results: list[tuple[float, float, int]] = []
    connector = aiohttp.TCPConnector(limit=256)
    async with aiohttp.ClientSession(address, connector=connector) as session:

        async def one(at: float) -> None:
            try:
                took, status = await ask(session, asker, asker.dice.choice(PAGES[:4]))
            except aiohttp.ClientError:
                took, status = 0.0, 0
            results.append((at, took, status))

        start, tasks = time.perf_counter(), []
        for number in range(int(rate * seconds)):
            await asyncio.sleep(max(0.0, start + number / rate - time.perf_counter()))
            tasks.append(asyncio.create_task(one(number / rate)))
        await asyncio.gather(*tasks)
        print(f"{len(results)} in {time.perf_counter() - start:.1f} s")
    return results


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


def told(results: list[tuple[float, float, int]]) -> None:
    took = sorted(seconds * 1000 for _, seconds, _ in results)
    failed = sum(1 for _, _, status in results if status not in (200, 404))
    print(
        f"under load: median {statistics.median(took):.1f} ms, 99 % {took[int(len(took) * 0.99)]:.1f} ms, "
        f"longest {took[-1]:.1f} ms; {failed} failed"
    )


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
        with serving(folder, store, 1) as (address, process):
            sizes = f"{len(people):,} people, {len(site.contents):,} contents"
            print(f"{words.size}: {sizes}; one worker, {memory(process)} MB")
            asyncio.run(one_by_one(address, asker, words.number, process))
            print(f"afterwards {memory(process)} MB")
        if not words.seconds:
            return
        with serving(folder, store, words.workers) as (address, process):
            before = memory(process)
            results = asyncio.run(load(address, asker, words.rate, words.seconds))
            told(results)
            print(f"{words.workers} workers: {before} MB before, {memory(process)} MB after")
            later = replace(histories.later(site), taken=replace(site.taken, when="2026-11-23T18:00:00Z"))

            async def meanwhile() -> list[tuple[float, float, int]]:
                task = asyncio.create_task(load(address, asker, max(1, words.rate // 4), 20))
                await asyncio.sleep(3)
                await asyncio.to_thread(histories.keep, store, later)
                return await task

            print("a new snapshot comes in:")
            told(asyncio.run(meanwhile()))


if __name__ == "__main__":
    main()
