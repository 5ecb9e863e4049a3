"""What a mirror costs: a site of 1,000,000 items to JSON Lines, Parquet and DuckDB, then again after one group changed.

    python benchmarks/mirror.py [--size L] [--people 1000] [--json FILE]

The site is that of `engine.py` (60 % locked, owners, leaders, users named by rules), its columns kept as files; the
catalog has so many of its people. Each line is one process, from opening the columns to the mirror on the disk: its
processor time and its peak memory. The mirror of some of the content is compared with the reference first.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from random import Random
from typing import NamedTuple

import numpy as np

from sites import SIZES, site
from tabwarden import sinks
from tabwarden.engine.columns import Columns
from tabwarden.engine.engine import Engine
from tabwarden.mirror.build import Mirrored, MirrorRequest, mirrored
from tabwarden.mirror.match import match
from tabwarden.mirror.tables import rows_for
from tabwarden.model.site import Taken
from tabwarden.section import Connect
from tabwarden.sinks.jsonl import JsonLinesSink
from tabwarden.sinks.parquet import ParquetSink
from tabwarden.sinks.sql import SqlSink
from tabwarden.store.columns import open_columns, save_columns
from tabwarden.want.roster import Person

CHECKED = 2_000
SOURCE = "perf"


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
    parser.add_argument("--json", type=Path)
    wanted = parser.parse_args()
    print(f"{wanted.size}: {SIZES[wanted.size]}, a catalog of {wanted.people:,} people\n")
    print("| what | seconds | memory | rows |\n| --- | --: | --: | --- |")
    measures = {}
    for measure in measured(wanted.size, wanted.people):
        measures[measure.name] = measure._asdict()
        print(f"| {measure.name} | {measure.seconds:.2f} | {measure.gigabytes:.2f} GB | {measure.remark} |", flush=True)
    if wanted.json:
        wanted.json.write_text(json.dumps(measures, indent=1) + "\n", encoding="utf-8")
    return 0


def measured(size: str, people: int) -> Iterator[Measure]:
    """Every measure, as it is taken."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        before = taken(site(size), "2026-11-20T02:00:00Z")
        save_columns(before, folder / "before")
        save_columns(taken(changed(before), "2026-11-21T02:00:00Z"), folder / "after")
        yield in_a_process("make the tables", tables_made, folder, people)
        yield in_a_process("check some of them", tables_checked, folder, people)
        for sink, where in places(folder).items():
            for what, columns in (
                ("", "before"),
                (" after one group changed", "after"),
                (", nothing differs", "after"),
            ):
                yield in_a_process(f"{sink}: make and publish{what}", published, folder, people, where, columns)


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


def made(folder: Path, people: int) -> Mirrored:
    """The mirror of the columns in a folder."""
    columns = open_columns(folder)
    return mirrored(columns, match(drawn(columns, people), columns), MirrorRequest(SOURCE))


def tables_made(folder: Path, people: int) -> str:
    """The tables of a mirror."""
    mirror = made(folder / "before", people)
    return ", ".join(f"{len(table):,} {name}" for name, table in mirror.tables.items())


def tables_checked(folder: Path, people: int) -> str:
    """A benchmark of wrong answers is worth nothing."""
    check(open_columns(folder / "before"), made(folder / "before", people))
    return f"{CHECKED:,} answers"


def published(folder: Path, people: int, sink: sinks.Sink, columns: str) -> str:
    """A mirror made and published."""
    written = sinks.publish(sink, SOURCE, made(folder / columns, people).tables)
    return f"+{sum(written.added.values()):,} -{sum(written.removed.values()):,} rows"


def places(folder: Path) -> dict[str, sinks.Sink]:
    """The sinks, by name."""
    return {
        "JSON Lines": JsonLinesSink(type="jsonl", folder=folder / "jsonl"),
        "Parquet": ParquetSink(type="parquet", folder=folder / "parquet"),
        "DuckDB": SqlSink(type="sql", driver="duckdb", connect=Connect({"database": str(folder / "catalog.duckdb")})),
    }


def taken(columns: Columns, when: str) -> Columns:
    """The site as read at a time."""
    reader = Taken("https://tableau.example.com", when, "reader", "ServerAdministrator")
    return replace(columns, about=replace(columns.about, taken=reader))


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
