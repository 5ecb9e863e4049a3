"""What a mirror costs: a site of 1,000,000 items to JSON Lines, Parquet and DuckDB, then again after 300 changes.

    python benchmarks/mirror.py [--size L] [--people 1000] [--json FILE]

The site is that of `engine.py` (60 % locked, owners, leaders, users named by rules); the catalog has so many of its
people. Times are seconds of this process's processors, which is what a nightly run takes from others. The mirror of
some of the content is compared with the engine's single checks. Not the engine's own mirror: that is in `engine.py`.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import NamedTuple, TypeVar

from sites import SIZES, site
from tabwarden import sinks
from tabwarden.access.reference import may
from tabwarden.engine.convert import site_of
from tabwarden.mirror.match import Matches, match
from tabwarden.mirror.tables import Tables, Wish, mirrored, rows_for
from tabwarden.model.site import Grantee, Rule, Site, Taken
from tabwarden.sinks import jsonl, parquet, sql
from tabwarden.want.roster import Person

CHANGES, CHECKED = 300, 2_000
SOURCE = "perf"
Found = TypeVar("Found")


def main() -> int:
    """Print a line a measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", choices=SIZES, default="L")
    parser.add_argument("--people", type=int, default=1_000)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    print(f"{asked.size}: {SIZES[asked.size]}, a catalog of {asked.people:,} people")
    found = {}
    for line in measured(asked.size, asked.people):
        found[line.name] = line._asdict()
        print(f"{line.name:<42} {line.seconds:>8.2f} s   {line.remark}", flush=True)
    print(f"{'peak memory of the run':<42} {peak_gigabytes():>8.2f} GB")
    if asked.json:
        asked.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    return 0


class Line(NamedTuple):
    """One measure: what was done, seconds of processor time, what came of it."""

    name: str
    seconds: float
    remark: str


def measured(size: str, people: int) -> Iterator[Line]:
    """Every measure, as it is taken."""
    before = taken(site_of(site(size)), "2026-11-20T02:00:00Z")
    after = taken(changed(before), "2026-11-21T02:00:00Z")
    catalog = drawn(before, people)
    seconds, matches = timed(lambda: match(catalog, before))
    yield Line("match the catalog's people", seconds, f"{len(matches.matched):,} matched")
    seconds, tables = timed(lambda: made(before, matches))
    yield Line("make the tables", seconds, told(tables))
    check(before, matches, tables)
    seconds, later = timed(lambda: made(after, matches))
    yield Line("make them again after 300 changes", seconds, told(later))
    with tempfile.TemporaryDirectory() as folder:
        for name, options in places(Path(folder)).items():
            for what, wanted in (("", tables), (" after 300 changes", later), (" when nothing differs", later)):
                seconds, written = timed(lambda o=options, w=wanted: sinks.publish(o, SOURCE, w))
                added, removed = sum(written.added.values()), sum(written.removed.values())
                yield Line(f"{name}: publish{what}", seconds, f"+{added:,} -{removed:,} rows")


def places(folder: Path) -> dict[str, object]:
    """The sinks, by name."""
    return {
        "JSON Lines": jsonl.Options(str(folder / "jsonl")),
        "Parquet": parquet.Options(str(folder / "parquet")),
        "DuckDB": sql.Options("duckdb", {"database": str(folder / "catalog.duckdb")}),
    }


def taken(held: Site, when: str) -> Site:
    """The Site as read at a time."""
    return replace(held, taken=Taken("https://tableau.example.com", when, "reader", "ServerAdministrator"))


def changed(held: Site) -> Site:
    """The Site a day later: on so many items one user more may View."""
    dice, users = Random(7), sorted(held.users)
    books = sorted(c.id for c in held.contents.values() if c.kind == "workbook")
    more = []
    for each in dice.sample(books, min(CHANGES, len(books))):
        content = held.contents[each]
        rule = Rule(Grantee("user", dice.choice(users)), "Read", "Allow")
        more.append(replace(content, rules=(content.rules or frozenset()) | {rule}))
    return held.with_contents(*more)


def drawn(held: Site, people: int) -> list[Person]:
    """So many of the site's users as people of a catalog."""
    names = sorted(user.name for user in held.users.values())
    chosen = Random(1).sample(names, min(people, len(names)))
    return [Person(name, "", "", "", number, "catalog") for number, name in enumerate(sorted(chosen))]


def made(held: Site, matches: Matches) -> Tables:
    """The tables of a mirror, compressed."""
    return mirrored(held, matches, Wish(SOURCE)).tables


def check(held: Site, matches: Matches, tables: Tables) -> None:
    """Some people and items against the reference: a benchmark of wrong answers is worth nothing."""
    dice, contents = Random(3), sorted(c.id for c in held.contents.values() if c.kind != "flow")
    for one in dice.sample(matches.matched, 5):
        shown = {row[2] for row in rows_for(tables, one.person)}
        for content in dice.sample(contents, min(CHECKED // 5, len(contents))):
            assert (content in shown) == may(held, one.user, "Read", content).allowed, (one, content)


def told(tables: Tables) -> str:
    """How many rows of each table."""
    return ", ".join(f"{len(rows):,} {table}" for table, rows in tables.items())


def timed(work: Callable[[], Found]) -> tuple[float, Found]:
    """Seconds of processor time, and what came of it."""
    start = time.process_time()
    found = work()
    return time.process_time() - start, found


def peak_gigabytes() -> float:
    """The most memory this process had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9


if __name__ == "__main__":
    sys.exit(main())
