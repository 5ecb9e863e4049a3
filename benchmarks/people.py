"""What merging several sources costs: people in three sources, matched, compared with the last run, mapped and wanted.

    python benchmarks/people.py [--people 10000] [--limit 2.0]

HR has everybody with key, department and status; the directory everybody by name and e-mail with source groups that
are nested; the projects half of them by e-mail. One in fifty moved since the last run, one in a hundred left. Exit
code 1 when merging and comparing together take longer than the limit.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from typing import Any

from drawn import Console, Table
from tabwarden.model.site import ALL_USERS, Group, Site, User
from tabwarden.plan.order import diff
from tabwarden.want.people.joiners_and_leavers import Known, known_after, standings
from tabwarden.want.people.mapping import Condition, GroupMapping, MappedGroups
from tabwarden.want.people.merged import Precedence, SourceRank, merge
from tabwarden.want.people.nested import Nesting
from tabwarden.want.people.records import RecordColumns, Records, StatusWords, records
from tabwarden.want.people.wanted_people import PeoplePolicy, want_people
from tabwarden.want.provision import Policy, Tasks

DEPARTMENTS, TEAMS = 40, 300
HR = RecordColumns(
    (("employee", "id"),),
    {"name": "login", "full_name": "name", "email": "mail", "department": "department", "status": "status"},
)
AD = RecordColumns((("guid", "guid"),), {"name": "login", "email": "mail", "title": "title"}, "groups")
PROJECTS = RecordColumns((), {"email": "mail", "department": "department", "title": "task"}, "groups")
Rows = list[dict[str, object]]


def hr(people: int, day: int) -> Rows:
    return [
        {
            "id": f"E{n:06}",
            "login": f"p{n:06}",
            "name": f"Person {n}",
            "mail": f"P{n:06}@corp.example",
            "department": f"Department {(n + (day if n % 50 == 0 else 0)) % DEPARTMENTS}",
            "status": "terminated" if day and n % 100 == 7 else "active",
        }
        for n in range(people)
    ]


def directory(people: int) -> Rows:
    return [
        {
            "guid": f"{n * 2654435761 % 2**32:08x}",
            "login": f"P{n:06}",
            "mail": f"p{n:06}@corp.example",
            "title": "Head" if n % 20 == 0 else "Clerk",
            "groups": f"CORP\\Team-{n % TEAMS};CORP\\Floor-{n % 12};CORP\\Everybody",
        }
        for n in range(people)
    ]


def projects(people: int) -> Rows:
    return [
        {"mail": f"p{n:06}@corp.example", "department": "Projects", "task": "Lead", "groups": f"Project-{n % 90}"}
        for n in range(0, people, 2)
    ]


def mapping() -> GroupMapping:
    entries = [MappedGroups((Condition("department", (f"department {n}",)),), (f"D{n}",)) for n in range(DEPARTMENTS)]
    entries += [
        MappedGroups((Condition("group", (f"corp\\area-{n}*",)),), (f"Area {n}",), "Explorer") for n in range(10)
    ]
    entries.append(MappedGroups((Condition("title", ("*head*",)), Condition("source", ("hr",))), ("Heads",), "Creator"))
    nesting = [(f"CORP\\Team-{n}", f"CORP\\Area-{n % 10}") for n in range(TEAMS)]
    return GroupMapping(entries, Nesting([*nesting, *((f"CORP\\Area-{n}", "CORP\\Everybody") for n in range(10))]))


def site(people: int) -> Site:
    users = {f"u{n}": User(f"u{n}", f"p{n:06}", "Viewer") for n in range(people)}
    groups = {"all": Group("all", ALL_USERS, everyone=True)}
    for n in range(DEPARTMENTS):
        members = frozenset(f"u{m}" for m in range(n, people, DEPARTMENTS))
        groups[f"g{n}"] = Group(f"g{n}", f"D{n}", members=members)
    return Site(users=users, groups=groups)


class Clock:
    """Processor seconds of the steps, in order: nothing here waits, and a busy machine does not count."""

    def __init__(self) -> None:
        self.steps: list[tuple[str, float, str]] = []

    def step(self, name: str, does: Callable[[], Any], told: Callable[[Any], str]) -> Any:
        start = time.process_time()
        result = does()
        self.steps.append((name, time.process_time() - start, told(result)))
        return result


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=10_000)
    parser.add_argument("--limit", type=float, default=2.0, help="seconds")
    asked = parser.parse_args()
    number, clock = asked.people, Clock()
    precedence = Precedence((SourceRank("hr", 1, True), SourceRank("ad", 2), SourceRank("projects", 3)))
    words, now = StatusWords(("terminated",)), site(number)

    def told(day: int) -> list[Records]:
        sources = (("hr", hr(number, day), HR), ("ad", directory(number), AD), ("projects", projects(number), PROJECTS))
        return [records(rows, columns, words, name=name, source=name) for name, rows, columns in sources]

    before = standings(merge(told(0), precedence), Known(), precedence)
    known = known_after(before, (), "then")
    lists = (("hr", hr(number, 1), HR), ("ad", directory(number), AD), ("projects", projects(number), PROJECTS))
    sources = clock.step(
        "rows to records",
        lambda: [records(rows, columns, words, name=name, source=name) for name, rows, columns in lists],
        lambda r: f"{sum(len(each.records) for each in r)} rows",
    )
    merged = clock.step("merge", lambda: merge(sources, precedence), lambda m: f"{len(m.people)} people")
    found = clock.step("compare with the last run", lambda: standings(merged, known, precedence), _words)
    judged = sum(seconds for _, seconds, _ in clock.steps[1:])
    policy = PeoplePolicy(mapping())
    wanted = clock.step(
        "want", lambda: want_people(now, found, policy, Tasks(), Policy()).wanted, lambda w: f"{len(w.held)} held"
    )
    clock.step("changes", lambda: diff(now, wanted.site, wanted.why), lambda c: f"{len(c)} changes")
    table = Table(title=f"{number} people, three sources", title_justify="left")
    for column in ("step", "seconds", "told"):
        table.add_column(column)
    for name, seconds, words_told in clock.steps:
        table.add_row(name, f"{seconds:.2f}", words_told)
    table.add_row("merge and compare", f"{judged:.2f}", f"limit {asked.limit:g}")
    Console(highlight=False).print(table)
    return 0 if judged <= asked.limit else 1


def _words(found: Any) -> str:
    counts = {word: sum(1 for one in found.people if one.word == word) for word in ("mover", "rehire", "leaver")}
    return ", ".join(f"{number} {word}s" for word, number in counts.items())


if __name__ == "__main__":
    sys.exit(main())
