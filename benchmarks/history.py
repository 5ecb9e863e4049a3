"""What the history costs: a snapshot of 1,000,000 rules, the next one with 300 changes, the difference of the two.

    python benchmarks/history.py [--rules 1000000] [--json FILE]

30,000 things and 3,000 grantees, every rule list random and unlike the others: the worst case for keeping lists once.
Exit code 1 where a limit is broken. Not the questions that are put to a snapshot (`engine.py`).
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

from tabwarden.change.compared import facts
from tabwarden.model.capability import capabilities_of
from tabwarden.model.site import ALL_USERS, Content, Grantee, Group, Rule, Rules, Site, Taken, User
from tabwarden.store.history import History

THINGS, USERS, GROUPS, CHANGES = 30_000, 2_500, 500, 300
# Seconds and MB of 10^6 bytes, at 1,000,000 rules.
LIMITS = {"first s": 5.0, "first MB": 45.0, "next s": 1.5, "next MB": 0.5, "diff ms": 50.0}


def main() -> int:
    """Print a table, one line a measure, with its limit."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rules", type=int, default=1_000_000)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    found = measured(asked.rules)
    for name, value in found.items():
        limit = f"   limit {LIMITS[name]:g}" if name in LIMITS else ""
        print(f"{name:<12} {value:>10.2f}{limit}")
    if asked.json:
        asked.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    broken = [name for name, limit in LIMITS.items() if found[name] > limit]
    print(f"over the limit: {', '.join(broken)}" if broken else "all within the limits")
    return 1 if broken else 0


def measured(rules: int) -> dict[str, float]:
    """Every measure by its name."""
    random = Random(7)
    site = random_site(random, rules)
    later = changed(random, site)
    with tempfile.TemporaryDirectory() as folder, History(folder) as history:
        store = Path(folder)
        first = timed(lambda: history.keep(site))
        size = megabytes(history, store)
        following = timed(lambda: history.keep(later))
        grown = megabytes(history, store) - size
        # The first question of a connection also builds its statements; people ask more than one.
        diffs = [timed(lambda: difference(history)) for _ in range(5)]
        opening = timed(lambda: history.open(2))
        number = difference(history)
    found = {"rules": float(sum(len(c.rules or ()) for c in site.contents.values()))}
    found |= {"first s": first, "first MB": size, "next s": following, "next MB": grown}
    return found | {"diff ms": sorted(diffs)[2] * 1000, "diff facts": float(number), "open s": opening}


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


def timed(work: Callable[[], Any]) -> float:
    """Seconds of processor time: what else the machine does is left out."""
    start = time.process_time()
    work()
    return time.process_time() - start


def megabytes(history: History, store: Path) -> float:
    """What is on disk once the log has been put in its place."""
    with history.database.reading() as connection:
        connection.exec_driver_sql("commit")
        connection.exec_driver_sql("pragma wal_checkpoint(truncate)").fetchall()
        connection.exec_driver_sql("begin")
    return sum(path.stat().st_size for path in store.iterdir()) / 1e6


if __name__ == "__main__":
    sys.exit(main())
