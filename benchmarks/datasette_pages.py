"""The catalog's pages beside Datasette, which serves what the same people may see from SQLite, in one run.

    python benchmarks/datasette_pages.py FOLDER --datasette ENVIRONMENT/bin/python [--size M] [--number 200]

FOLDER is made by `benchmarks/histories.py FOLDER M`; ENVIRONMENT holds Datasette (`pip install datasette==0.65.1`).
Datasette gets the best we know: of the people who ask, and nobody else, each row of what they may View, in the order
of the catalog and by what it hangs on, behind an index; two stored queries, top level and search; its permission hook
lets whoever has a name run them, with his own rows alone by `:_actor_id`, and nobody anything else. Both serve HTML of
a hundred rows from one process. Some searches of ours are held against the rows of Datasette's.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import socket
import sqlite3
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from itertools import repeat
from pathlib import Path

import pages
from tabwarden.engine.engine import Engine
from tabwarden.mirror.personal import HIDDEN, Browsable, Personal
from tabwarden.mirror.visible import may_enter
from tabwarden.model.site import Site
from tabwarden.run.history import LAST, open_either

PLUGIN = """
from http.cookies import SimpleCookie
from datasette import hookimpl

@hookimpl
def actor_from_request(datasette, request):
    name = SimpleCookie(request.headers.get("cookie", "")).get("who")
    return {"id": name.value} if name else None

@hookimpl
def permission_allowed(actor, action):
    return actor is not None and action in ("view-instance", "view-database", "view-query")
"""
COLUMNS = "select items.id, items.name, items.kind, items.owner from visible join items using (place)"
QUERIES = {
    "catalog": f"{COLUMNS} where person = :_actor_id and holder = -1 order by visible.place limit 100",
    "search": f"{COLUMNS} where person = :_actor_id and name like '%' || :q || '%' order by place limit 100",
}


def catalogs(site: Site, names: list[str]) -> Iterator[tuple[str, Personal]]:
    """What each of some people sees, by the engine."""
    from tabwarden.engine.convert import columns_of

    columns = columns_of(site)
    engine, browsable = Engine(columns), Browsable.of(columns)
    for name in names:
        user = site.users[site.users_named(name)[0]]
        may_view = engine.what(columns.number("user", user.id)).allowed >> engine.bit("Read") & 1 != 0
        yield name, browsable.seen_by(may_view, enters=may_enter(user.site_role))


def write(file: Path, site: Site, names: list[str]) -> int:
    """The database that Datasette serves; how many rows of somebody who may View something."""
    database, number = sqlite3.connect(file), 0
    database.execute("create table items (place integer primary key, id text, name text, kind text, owner text)")
    database.execute(
        "create table visible (person text, holder integer, place integer, primary key (person, holder, place)) "
        "without rowid"
    )
    for name, personal in catalogs(site, names):
        if not number:
            order = personal.of.order.tolist()
            place_of = {content: place for place, content in enumerate(order)} | {personal.of.site: -1}
            ids = personal.of.columns.ids("content")
            contents = (site.contents[ids[content]] for content in order)
            rows = ((n, c.id, c.name, c.kind, site.called(c.owner)) for n, c in enumerate(contents))
            database.executemany("insert into items values (?, ?, ?, ?, ?)", rows)
        seen = [content for content in order if personal.holder[content] != HIDDEN]
        holders = (place_of[int(personal.holder[content])] for content in seen)
        places = (place_of[content] for content in seen)
        database.executemany("insert into visible values (?, ?, ?)", zip(repeat(name), holders, places, strict=False))
        number += max(1, len(seen))
    database.execute("analyze")
    database.commit()
    database.close()
    return number


@contextmanager
def datasette(python: Path, folder: Path, file: Path) -> Iterator[tuple[int, int]]:
    """The port at which it serves, and its process."""
    (folder / "plugins").mkdir()
    (folder / "plugins" / "rights.py").write_text(PLUGIN, encoding="utf-8")
    queries = "".join(f"      {name}:\n        sql: |-\n          {sql}\n" for name, sql in QUERIES.items())
    (folder / "metadata.yaml").write_text(f"databases:\n  mirror:\n    queries:\n{queries}", encoding="utf-8")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = ["serve", "--immutable", str(file), "--metadata", str(folder / "metadata.yaml"), "--port", str(port)]
    words += ["--plugins-dir", str(folder / "plugins")]
    process = subprocess.Popen(
        [python, "-m", "datasette", *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        pages.until_it_answers(port)
        yield port, process.pid
    finally:
        process.terminate()
        process.wait()


def refused(port: int, cookie: str, path: str) -> bool:
    """Whether somebody is kept from a page."""
    connection = HTTPConnection("127.0.0.1", port)
    connection.request("GET", path, headers={"cookie": cookie})
    return connection.getresponse().status == 403


def timed(port: int, process: int, requests: list[tuple[str, str]]) -> str:
    """How long each path with its cookie takes, one after another."""
    connection = HTTPConnection("127.0.0.1", port)
    connection.connect()
    took, statuses, before = [], set(), pages.processor_time(process)
    for path, cookie in requests:
        start = time.perf_counter()
        connection.request("GET", path, headers={"cookie": cookie})
        answer = connection.getresponse()
        answer.read()
        took.append((time.perf_counter() - start) * 1000)
        statuses.add(answer.status)
    each, took = (pages.processor_time(process) - before) * 1000 / len(requests), sorted(took)
    assert statuses == {200}, statuses
    return (
        f"median {statistics.median(took):.1f} ms, 99 % {took[int(len(took) * 0.99)]:.1f} ms, processor {each:.1f} ms"
    )


def compare(file: Path, site: Site, questions: list[tuple[str, str]]) -> None:
    """SystemExit where what the two find for somebody differs."""
    database, seen = sqlite3.connect(file), dict(catalogs(site, sorted({name for name, _ in questions})))
    for name, words in questions:
        rows = database.execute(QUERIES["search"], {"_actor_id": name, "q": words}).fetchall()
        ids = seen[name].of.columns.ids("content")
        if [row[0] for row in rows] != [ids[content] for content in seen[name].found(words)[:100]]:
            raise SystemExit(f"`{words}` finds other things for {name} here and there")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--datasette", type=Path, required=True, help="the Python of its environment")
    parser.add_argument("--size", default="M")
    parser.add_argument("--number", type=int, default=200, help="pages of each kind")
    words = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder, store, dice = Path(name), Path(name) / "store", random.Random(7)
        shutil.copytree(words.folder / words.size, store)
        site = open_either(LAST, str(store))
        tokens = pages.cookies(store, dice.sample([user.name for user in site.users.values()], 100))
        rows = write(folder / "mirror.db", site, list(tokens))
        questions = [(dice.choice([*tokens]), f"c{dice.randrange(99)}") for _ in range(words.number)]
        compare(folder / "mirror.db", site, questions[:40])
        print(f"{words.size}: {rows:,} rows for {len(tokens)} people; load {os.getloadavg()[0]:.1f}")
        with pages.serving(folder, store, 1) as ours, datasette(words.datasette, folder, folder / "mirror.db") as peer:
            assert refused(peer[0], "", "/mirror/catalog")
            assert refused(peer[0], "who=somebody", "/mirror/visible")
            for kind in QUERIES:
                for turn in ("first", "again"):
                    searched = kind == "search"
                    own = [(f"/catalog/search?q={q}" if searched else "/catalog", n) for n, q in questions]
                    there = [(f"/mirror/{kind}{f'?q={q}' if searched else ''}", n) for n, q in questions]
                    own = [(path, f"tabwarden={tokens[name]}") for path, name in own]
                    there = [(path, f"who={name}") for path, name in there]
                    print(f"{kind}, {turn}: Tabwarden {timed(*ours, own)}")
                    print(f"{kind}, {turn}: Datasette {timed(*peer, there)}", flush=True)


if __name__ == "__main__":
    main()
