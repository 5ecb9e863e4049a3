"""Histories of the sites S, M and L, so that what is typed can be measured: `tabwarden why u3 View c770 --store ...`.

    python benchmarks/histories.py FOLDER [S M L]

makes FOLDER/S, FOLDER/M and FOLDER/L, each a store as `tabwarden read` leaves it. S and M have two snapshots; in the
later one a few people have left a group and a project was locked. L has one: it takes two minutes and 3 GB to keep.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from time import process_time

import sites
from tabwarden.engine.convert import site_of
from tabwarden.model.site import CUSTOMIZABLE, LOCKED, Site, Taken
from tabwarden.store import beside
from tabwarden.store.history import History

TAKEN = Taken("https://tableau.example.com", "2026-11-21T18:00:00Z", "admin", "ServerAdministrator")
GROUP, LEAVERS = "g5", 3


def make(folder: Path, size: str) -> None:
    """The history of one size; a store that is there already stays as it is."""
    if (folder / size).exists():
        return
    site = replace(site_of(sites.site(size)), taken=TAKEN)
    keep(folder / size, site)
    if size != "L":
        keep(folder / size, later(site))


def later(site: Site) -> Site:
    """A day later: some have left a group, and one customizable project is locked."""
    group = site.groups[GROUP]
    smaller = replace(group, members=frozenset(sorted(group.members or ())[LEAVERS:]))
    project = next(c for c in site.contents.values() if c.kind == "project" and c.mode == CUSTOMIZABLE)
    site = site.with_groups(smaller).with_contents(replace(project, mode=LOCKED))
    return replace(site, taken=replace(TAKEN, when="2026-11-22T18:00:00Z"))


def keep(store: Path, site: Site) -> None:
    with History(store) as history:
        beside.keep(store, history.keep(site), site)


def main(words: Sequence[str]) -> None:
    for size in words[1:] or ("S", "M", "L"):
        start = process_time()
        make(Path(words[0]), size)
        print(f"{size}: {process_time() - start:.1f} s of processor time", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
