"""How long many invariants take on a whole site: `python benchmarks/invariants.py [--size L] [--count 1000]`.

One in three of each: a project's contents seen by one group and its owners alone, workbooks of a project that a role
may not overwrite, and no Allow for a group on a project. Prints processor time and the memory that was needed.
"""

from __future__ import annotations

import argparse
import resource
import time

import sites
from tabwarden.engine.convert import site_of
from tabwarden.model.site import ALLOW, Site
from tabwarden.plan.invariants import Invariants
from tabwarden.want.invariants import NO_RULE, NOBODY, ONLY, Act, Invariant, Selection


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", choices=tuple(sites.SIZES), default="M")
    parser.add_argument("--count", type=int, default=1000)
    given = parser.parse_args()
    columns = sites.site(given.size)
    site = site_of(columns)
    object.__setattr__(site, "columns_beside", lambda: columns)  # as the history opens it
    asked = invariants(site, given.count)
    started = time.process_time()
    judged = Invariants(site, asked, "2026-11-29").judge()
    seconds = time.process_time() - started
    broken, pairs = sum(one.broken for one in judged), sum(one.number for one in judged)
    mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"{given.size}: {len(judged):,} invariants in {seconds:.1f} s of processor time, {mib:,} MiB")
    print(f"{broken:,} broken by {pairs:,} pairs of a person and a content")


def invariants(site: Site, count: int) -> list[Invariant]:
    """So many, each about one project."""
    projects = [site.path(c.id) for c in site.contents.values() if c.kind == "project"]
    groups = [group.name for group in site.groups.values() if not group.everyone]
    made = []
    for number in range(count):
        inside = (f"{projects[number % len(projects)]}/*",)
        group = f"group {groups[number % len(groups)]}"
        forms = (
            (ONLY, (group, "owners"), Act(("View",), Selection(inside))),
            (NOBODY, ("role Viewer",), Act(("Overwrite",), Selection(inside, kind="workbook"))),
            (NO_RULE, (group,), Act((), Selection(inside))),
        )
        form, people, act = forms[number % 3]
        mode = ALLOW if form == NO_RULE else ""
        made.append(Invariant(str(number), f"invariants.yaml:{number}", form, people, (act,), mode))
    return made


if __name__ == "__main__":
    main()
