"""How long what-if and fixes take, and how much longer the reference would: `python benchmarks/whatif.py [--size M]`.

The company of the sandbox by default, or a site of benchmarks/sites.py. Before a figure is printed the engine's result
is held against the reference's; beyond `acme` the reference would take hours and is left out. Not the engine's own
questions (`engine.py`).
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from typing import TypeVar

import sites
from tabwarden.access.question import Asked
from tabwarden.compare.between_sites import Base
from tabwarden.compare.fix import fixes
from tabwarden.compare.what_if import done
from tabwarden.engine.convert import site_of
from tabwarden.model.governing import managing_project
from tabwarden.model.site import Site
from tabwarden.sandbox.worlds.acme import acme
from tabwarden.sandbox.worlds.build import build_site

_Found = TypeVar("_Found")
ASKED, ENGINE = 10**12, 0  # pairs of people and contents up to which the reference is asked


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", choices=("acme", *sites.SIZES), default="acme")
    size = parser.parse_args().size
    site = build_site(acme(0).sites[0]) if size == "acme" else site_of(sites.site(size))
    print(f"{size}: {len(site.users):,} people, {len(site.contents):,} contents; seconds of processor time")
    for words in changes(site):
        after, _ = done(site, [words])
        engine, found = timed(lambda after=after: Base(site, small=ENGINE).reach(after))  # type: ignore[misc]
        ratio = ""
        if size == "acme":
            slow, asked = timed(lambda after=after: Base(site, small=ASKED).reach(after))  # type: ignore[misc]
            if asked != found:
                raise SystemExit(f"`{words}`: engine and reference differ; no figure is printed")
            ratio = f"  reference {slow:7.2f}  {slow / engine:6.1f} x"
        print(f"{engine:7.2f}{ratio}  {found.count.decisions:>13,} decisions  {words}", flush=True)
    for asked_of in questions(site):
        seconds, ways = timed(lambda asked_of=asked_of: fixes(site, asked_of))  # type: ignore[misc]
        told = [way.decisions for way in ways.ways]
        print(f"{seconds:7.2f}  fix: {'give' if ways.give else 'take'}, other decisions of the ways {told}", flush=True)


def timed(work: Callable[[], _Found]) -> tuple[float, _Found]:
    started = time.process_time()
    found = work()
    return time.process_time() - started, found


def changes(site: Site) -> Iterator[str]:
    """One of each sort, on the first things that fit."""
    projects = [c.id for c in site.contents.values() if c.kind == "project"]
    free = [p for p in projects if managing_project(site, p) is None]
    book = next(c for c in site.contents.values() if c.kind == "workbook" and c.parent in free)
    groups = [g.id for g in site.groups.values() if not g.everyone and g.members]
    user = next(u.id for u in site.users.values() if u.site_role == "Viewer")
    yield f"lock {free[1]}"
    yield f"move {free[1]} to {free[2]}"
    yield f"allow View on {book.id} to group {groups[0]}"
    yield f"add {user} to {next(g for g in groups if user not in site.members(g))}"
    yield f"set {user} to Creator"
    yield f"give {book.id} to {next(u.id for u in site.users.values() if u.site_role == 'Creator')}"
    yield f"make group {groups[1]} leader of {free[1]}"
    yield f"delete group {groups[len(groups) // 2]}"
    yield "switch off commenting"


def questions(site: Site) -> Iterator[Asked]:
    """Some people on some workbooks."""
    books = [c.id for c in site.contents.values() if c.kind == "workbook"]
    people = [u.id for u in site.users.values() if u.site_role != "Unlicensed"]
    for number in range(4):
        user, book = people[number * len(people) // 4], books[number * len(books) // 4]
        yield Asked(user, "Read" if number % 2 else "WebAuthoring", book)


if __name__ == "__main__":
    main()
