"""What a mirror costs, as it is typed: a site of 1,000,000 items to JSON Lines, Parquet and DuckDB, and again after one
group changed.

    python benchmarks/mirror.py [--size L] [--people 1000] [--form compressed|flat|facts] [--json FILE]

The site is that of `engine.py` (60 % locked, owners, leaders, users named by rules), its columns kept beside a history;
the catalog has so many of its people. Each line is one process, `tabwarden mirror` with its settings: its processor
time and its peak memory. The mirror of some of the content is compared with the reference first. Below stand the bytes
an item in Parquet, column by column, and in DuckDB's file; of facts also what the view `visible` shows five people, who
are compared with the engine, and how long one of them waits.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from pathlib import Path
from random import Random
from typing import NamedTuple

import numpy as np

from sites import SIZES, site
from tabwarden.engine.columns import Columns
from tabwarden.engine.convert import columns_of
from tabwarden.engine.engine import Engine
from tabwarden.mirror.build import Mirrored, MirrorRequest, mirrored
from tabwarden.mirror.match import match
from tabwarden.mirror.rows import COMPRESSED, FACTS, FORMS
from tabwarden.mirror.tables import rows_for
from tabwarden.mirror.visible import may_enter
from tabwarden.model.site import Taken, User
from tabwarden.store import beside
from tabwarden.store.history import History
from tabwarden.want.roster import Person

CHECKED = 2_000
SERVER = "https://tableau.example.com"
SETTINGS = """tableau: {server: %s, site: perf, auth: {pat: {name: p, secret: env:PAT}}}
store: {folder: store}
catalog: {people: {type: file, path: people.csv}}
mirror: {source: perf, form: %s, sinks: [%s]}
"""
SINKS = {
    "JSON Lines": "{type: jsonl, folder: out}",
    "Parquet": "{type: parquet, folder: out}",
    "DuckDB": "{type: sql, driver: duckdb, connect: {database: catalog.duckdb}}",
}


class Measure(NamedTuple):
    """What was done, seconds of processor time and peak memory of its process, what came of it."""

    name: str
    seconds: float
    gigabytes: float
    remark: str


def main() -> int:
    """Print a row of a Markdown table a measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", choices=SIZES, default="L")
    parser.add_argument("--people", type=int, default=1_000)
    parser.add_argument("--form", choices=FORMS, default=COMPRESSED)
    parser.add_argument("--json", type=Path)
    wanted = parser.parse_args()
    print(f"{wanted.size}: {SIZES[wanted.size]}, a catalog of {wanted.people:,} people, {wanted.form}\n")
    print("| what | seconds | memory | rows |\n| --- | --: | --: | --- |")
    measures = {}
    for measure in measured(wanted.size, wanted.people, wanted.form):
        measures[measure.name] = measure._asdict()
        print(f"| {measure.name} | {measure.seconds:.2f} | {measure.gigabytes:.2f} GB | {measure.remark} |", flush=True)
    if wanted.json:
        wanted.json.write_text(json.dumps(measures, indent=1) + "\n", encoding="utf-8")
    return 0


def measured(size: str, people: int, form: str) -> Iterator[Measure]:
    """Every measure, as it is taken."""
    with tempfile.TemporaryDirectory() as name:
        folder, before = Path(name), site(size)
        before = replace(before, about=replace(before.about, content_url="perf"))
        for number, columns in enumerate((before, changed(before)), start=1):
            keep(folder / "store", columns, datetime.now(UTC) - timedelta(minutes=10 - number))
        listed = "".join(f"{person.name}\n" for person in drawn(before, people))
        (folder / "people.csv").write_text(f"Email Address\n{listed}", encoding="utf-8")
        yield in_a_process("check some of them", tables_checked, folder, people, form)
        for sink, setting in SINKS.items():
            (folder / "settings.yaml").write_text(SETTINGS % (SERVER, form, setting), encoding="utf-8")
            shutil.rmtree(folder / "store" / "mirror", ignore_errors=True)
            for what, snapshot in (("", "1"), (" after one group changed", "2"), (", nothing differs", "2")):
                yield typed(f"{sink}: make and publish{what}", folder, snapshot)
            if sink == "Parquet":
                yield from in_parquet(folder / "out" / "perf", SIZES[size].items)
            shutil.rmtree(folder / "out", ignore_errors=True)

        octets = (folder / "catalog.duckdb").stat().st_size
        yield Measure("DuckDB: its file", 0, 0, f"{octets / SIZES[size].items:.1f} bytes an item")
        if form == FACTS:
            yield in_a_process("DuckDB: five people ask the view", view_checked, folder, people)


def in_parquet(folder: Path, items: int) -> Iterator[Measure]:
    """Bytes an item of each table, column by column."""
    from pyarrow import parquet

    for path in sorted(folder.glob("*.parquet")):
        about = parquet.ParquetFile(path).metadata
        sizes: dict[str, int] = {}
        for group in range(about.num_row_groups):
            for number in range(about.num_columns):
                column = about.row_group(group).column(number)
                sizes[column.path_in_schema] = sizes.get(column.path_in_schema, 0) + column.total_compressed_size
        if about.num_rows:
            columns = ", ".join(f"{name} {octets / items:.2f}" for name, octets in sizes.items())
            total = sum(sizes.values()) / items
            yield Measure(
                f"Parquet: {path.stem}, {about.num_rows:,} rows", 0, 0, f"{total:.1f} bytes an item: {columns}"
            )


def view_checked(folder: Path, people: int) -> str:
    """What five people are shown by the view, against the engine."""
    import duckdb

    columns = opened_columns(folder, 2)
    engine, kinds = Engine(columns), columns.vocabulary.kinds
    ids, flow = columns.ids("content"), kinds.index("flow")
    dice, waits, rows = Random(4), [], 0
    found = match(drawn(columns, people), columns)
    with duckdb.connect(str(folder / "catalog.duckdb"), read_only=True) as database:
        for person in dice.sample(found.matched, 5):
            start = time.perf_counter()
            shown = database.execute("SELECT id FROM tabwarden_visible WHERE person = ?", [person.person]).fetchall()
            waits.append(time.perf_counter() - start)
            number = columns.number_of("user", person.user)
            seen = engine.what_ids(number, "View")
            seen = seen[columns.contents.kind[seen] < flow]
            expected = {ids[content] for content in seen.tolist()}
            if may_enter(columns.vocabulary.roles[columns.users.role[number]]):
                expected.add(columns.about.id)
            assert {one for (one,) in shown} == expected, person
            rows += len(shown)
    return f"{rows:,} rows; {min(waits) * 1000:.0f} to {max(waits) * 1000:.0f} ms each"


def opened_columns(folder: Path, snapshot: int) -> Columns:
    """The columns of a snapshot."""
    with History(folder / "store") as history:
        opened = beside.opened(folder / "store", history.snapshot(snapshot))
    assert opened is not None
    return columns_of(opened)


def keep(store: Path, columns: Columns, when: datetime, people: Mapping[str, User] | None = None) -> None:
    """A snapshot whose columns lie beside a history; the history itself is of `people`, of one as nobody asks it."""
    about = replace(columns.about, taken=Taken(SERVER, when.isoformat(), "reader", "ServerAdministrator"))
    with History(store) as history:
        snapshot = history.keep(replace(about, users=people or {"u": User("u", "u", "Viewer")}))
    columns = replace(columns, about=about)
    assert beside.keep(store, snapshot, about.indexed({"columns_beside": lambda: columns}))


def typed(name: str, folder: Path, snapshot: str) -> Measure:
    """`tabwarden mirror` as a process of its own."""
    words = [
        sys.executable,
        "-m",
        "tabwarden",
        "mirror",
        "--settings",
        "settings.yaml",
        "--snapshot",
        snapshot,
        "--json",
    ]
    pid = os.fork()
    if pid == 0:
        os.chdir(folder)
        os.dup2(os.open("told.json", os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), 1)
        os.execve(sys.executable, words, {**os.environ, "PAT": "secret"})
    _, status, used = os.wait4(pid, 0)
    if os.waitstatus_to_exitcode(status):
        raise SystemExit(f"{name}: `{' '.join(words)}` ended with {os.waitstatus_to_exitcode(status)}")
    written = json.loads((folder / "told.json").read_text(encoding="utf-8"))["sinks"][1]
    rows = [sum(written[side].values()) for side in ("added", "removed")]
    return Measure(name, used.ru_utime + used.ru_stime, used.ru_maxrss * 1024 / 1e9, f"+{rows[0]:,} -{rows[1]:,} rows")


def in_a_process(name: str, work: Callable[..., str], *words: object) -> Measure:
    """The measure of some work in a process of its own."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return Measure(name, *pool.submit(timed, work, *words).result())


def timed(work: Callable[..., str], *words: object) -> tuple[float, float, str]:
    """Seconds of processor time, peak memory, and what came of it."""
    start = time.process_time()
    remark = work(*words)
    seconds = time.process_time() - start
    return seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9, remark


def tables_checked(folder: Path, people: int, form: str) -> str:
    """A benchmark of wrong answers is worth nothing."""
    columns = opened_columns(folder, 1)
    check(columns, mirrored(columns, match(drawn(columns, people), columns), MirrorRequest("perf", form)))
    return f"{CHECKED:,} answers"


def changed(columns: Columns) -> Columns:
    """The site a day later: a group of middling size has lost every tenth member."""
    groups = columns.groups
    sizes = np.where(groups.everyone, 0, np.diff(groups.offsets))
    group = int(np.argsort(sizes)[-len(sizes) // 20])
    gone = np.zeros(len(groups.members), bool)
    gone[groups.offsets[group] : groups.offsets[group + 1] : 10] = True
    offsets = groups.offsets - np.concatenate(([0], np.cumsum(gone)))[groups.offsets]
    return replace(columns, groups=groups._replace(offsets=offsets, members=groups.members[~gone]))


def drawn(columns: Columns, people: int) -> list[Person]:
    """So many of the site's users as people of a catalog."""
    count = len(columns.users.role)
    chosen = np.sort(np.asarray(Random(1).sample(range(count), min(people, count))))
    names = columns.names.words.at(columns.names.user_name[chosen]).all()
    return [Person(name, "", "", "", number, "catalog") for number, name in enumerate(names)]


def check(columns: Columns, mirror: Mirrored) -> None:
    """Some people and items against the engine's single checks, which the tests hold against the reference."""
    dice, engine = Random(3), Engine(columns)
    flow = columns.vocabulary.kinds.index("flow")
    contents = np.flatnonzero(columns.contents.kind < flow).tolist()
    for person in dice.sample(mirror.matches.matched, 5):
        shown = {row[2] for row in rows_for(mirror.tables, person.person)}
        for content in dice.sample(contents, min(CHECKED // 5, len(contents))):
            name = columns.id_of("content", content)
            assert (name in shown) == engine.check(person.user, "Read", name).allowed, (person, name)


if __name__ == "__main__":
    sys.exit(main())
