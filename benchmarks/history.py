"""What the history costs: a snapshot of 1,000,000 rules, the next one with 300 changes, the difference of the two.

    python benchmarks/history.py [--rules 1000000] [--json FILE]

30,000 things and 3,000 grantees, every rule list random and unlike the others: the worst case for keeping lists once.
Exit code 1 where a limit is broken. Not the questions that are put to a snapshot (`engine.py`).
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from tabwarden.compare.snapshots import facts
from tabwarden.model.capability import capabilities_of
from tabwarden.model.site import ALL_USERS, Content, Grantee, Group, Rule, Rules, Site, Taken, User
from tabwarden.store.history import History

THINGS, USERS, GROUPS, CHANGES = 30_000, 2_500, 500, 300


class Bar(NamedTuple):
    """One measure: what it came to, and the most it may, at 1,000,000 rules; None: only told."""

    name: str
    value: float
    unit: str
    most: float | None = None
    wall: float | None = None

    @property
    def passed(self) -> bool:
        """Whether it is within its limit."""
        return self.most is None or self.value < self.most


def main() -> int:
    """Print a table, one line a measure: PASS or FAIL, what was measured, what is asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rules", type=int, default=1_000_000)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    found = measured(asked.rules)
    for bar in found:
        verdict = "    " if bar.most is None else "PASS" if bar.passed else "FAIL"
        wall = "" if bar.wall is None else f"  ({bar.wall:,.2f} {bar.unit} by the clock)"
        limit = "" if bar.most is None else f"  asked: under {bar.most:g} {bar.unit}"
        print(f"{verdict} {bar.name:<34} {bar.value:>12,.2f} {bar.unit:<5}{limit}{wall}")
    if asked.json:
        asked.json.write_text(json.dumps([bar._asdict() for bar in found], indent=1) + "\n", encoding="utf-8")
    return 0 if all(bar.passed for bar in found) else 1


def measured(rules: int) -> list[Bar]:
    """Every measure, in the order in which a history grows."""
    random = Random(7)
    site = random_site(random, rules)
    later = changed(random, site)
    before = peak()
    with tempfile.TemporaryDirectory() as folder, History(folder) as history:
        store = Path(folder)
        first = timed(lambda: history.keep(site))
        size = megabytes(history, store)
        following = timed(lambda: history.keep(later))
        grown = megabytes(history, store) - size
        # The first question of a connection also builds its statements; people ask more than one.
        diffs = sorted(timed(lambda: difference(history)) for _ in range(9))
        taken = peak() - before
        opening = timed(lambda: history.open(2))
        number = difference(history)
    held = sum(len(content.rules or ()) for content in site.contents.values())
    cpu, clock = diffs[4]
    return [
        Bar("rules", held, "rules"),
        Bar("first snapshot", first[0], "s", 5.0, first[1]),
        Bar("first snapshot on disk", size, "MB", 45.0),
        Bar(f"next snapshot, {CHANGES} changes", following[0], "s", 1.5, following[1]),
        Bar("next snapshot on disk", grown, "MB", 0.5),
        Bar(f"difference of the two, {number} facts", cpu * 1000, "ms", 50.0, clock * 1000),
        Bar("opening one snapshot", opening[0], "s", None, opening[1]),
        Bar("memory of keeping, beyond the site", taken, "MB"),
    ]


def peak() -> float:
    """The most memory this process ever had, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


def difference(history: History) -> int:
    """How many facts differ between the two snapshots."""
    return sum(1 for _ in facts(*history.differing(1, 2)))


def random_site(random: Random, rules: int) -> Site:
    """Every thing with a list of its own."""
    users = {f"u-{n:032x}": User(f"u-{n:032x}", f"user{n}", "Explorer") for n in range(USERS)}
    groups = {f"g-{n:032x}": Group(f"g-{n:032x}", f"group{n}") for n in range(GROUPS)}
    groups[ALL_USERS] = Group(ALL_USERS, ALL_USERS, everyone=True)
    grantees = [*(Grantee("user", u) for u in users), *(Grantee("group", g) for g in groups)]
    kinds = {kind: tuple(capabilities_of(kind)) for kind in ("workbook", "project")}
    owners, contents = list(users), dict[str, Content]()
    for n in range(THINGS):
        kind = "project" if n < THINGS // 100 else "workbook"
        parent = None if kind == "project" else f"c-{random.randrange(THINGS // 100):032x}"
        listed = rule_list(random, grantees, kinds[kind], rules // THINGS)
        contents[f"c-{n:032x}"] = Content(f"c-{n:032x}", kind, f"content {n}", parent, random.choice(owners), listed)
    taken = Taken("https://tableau.example.com", "2026-11-20T02:00:00Z", "reader", "ServerAdministrator")
    return Site(users=users, groups=groups, contents=contents, taken=taken)


def rule_list(random: Random, grantees: list[Grantee], names: tuple[str, ...], size: int) -> Rules:
    """So many rules of random grantees."""
    found: dict[tuple[Grantee, str], str] = {}
    while len(found) < size:
        found[random.choice(grantees), random.choice(names)] = random.choice(("Allow", "Deny"))
    return frozenset(Rule(grantee, name, mode) for (grantee, name), mode in found.items())


def changed(random: Random, site: Site) -> Site:
    """The Site a day later: a rule more or less on so many things."""
    contents = dict(site.contents)
    for each in random.sample([c for c in contents if contents[c].kind == "workbook"], CHANGES):
        rules = contents[each].rules or frozenset()
        gone = random.choice(sorted(rules))
        contents[each] = replace(contents[each], rules=rules - {gone})
    return replace(site, contents=contents, taken=replace(site.taken, when="2026-11-21T02:00:00Z"))


def timed(work: Callable[[], Any]) -> tuple[float, float]:
    """Seconds of processor time, which leaves out what else the machine does, and by the clock."""
    start, began = time.process_time(), time.perf_counter()
    work()
    return time.process_time() - start, time.perf_counter() - began


def megabytes(history: History, store: Path) -> float:
    """What is on disk once the log has been put in its place."""
    with history.database.reading() as connection:
        connection.run("commit")
        connection.rows("pragma wal_checkpoint(truncate)")
        connection.run("begin")
    return sum(path.stat().st_size for path in store.iterdir()) / 1e6


if __name__ == "__main__":
    sys.exit(main())
