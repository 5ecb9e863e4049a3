"""Which snapshots a history holds, and what is known of each."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict
from hashlib import blake2b
from pathlib import Path
from typing import Any, NamedTuple
from zlib import crc32

from tabwarden.model.errors import IncompleteRead, UnknownName
from tabwarden.model.site import Site, Taken
from tabwarden.model.site_settings import SiteSettings
from tabwarden.places import browser_address
from tabwarden.store.schema import HISTORY

FILE, VERSIONS = HISTORY.file, HISTORY.versions
RELEASE = HISTORY.release  # a history of this version is used as it is
SNAPSHOTS = (
    "select n.number, n.site, n.taken, n.about, n.users, n.contents, n.rules, n.digest, "
    "s.address, s.content_url, s.id, s.scope from snapshot n join site s on n.site = s.number"
)


class Snapshot(NamedTuple):
    """A snapshot in the history. `site` numbers its chain: snapshots of one chain can be compared.

    `scope` is '' where the whole site was read, else what was, or as whom; `partial` names what was left unread;
    `mark` changes with everything that is in it.
    """

    number: int
    site: int
    taken: str
    reader: str
    reader_role: str
    where: str
    content_url: str
    site_id: str
    name: str
    scope: str
    partial: tuple[str, ...]
    users: int
    contents: int
    rules: int
    mark: str = ""

    @property
    def limited(self) -> bool:
        """Whether something of the site is not in it: what that is, is unknown, never nothing."""
        return bool(self.partial) or bool(self.scope)

    @property
    def address(self) -> str:
        """Its site as a browser shows it, which names it whatever else there is."""
        return browser_address(self.where, self.content_url)

    @property
    def words(self) -> str:
        """`snapshot 12 of 2026-11-21T18:24:00Z`."""
        return f"snapshot {self.number} of {self.taken or 'an unknown time'}"


def damaged(what: str) -> IncompleteRead:
    """The error of a history that is not as it was written."""
    return IncompleteRead(
        f"the history is damaged: {what}; `tabwarden store check` tells which snapshots are whole, "
        "a backup or a new read brings the others back"
    )


def snapshot_of_row(row: tuple[object, ...]) -> Snapshot:
    """From a row of `SNAPSHOTS`; IncompleteRead for one that was not written so."""
    try:
        return _of_row(row)
    except (ValueError, TypeError, AttributeError):
        raise damaged(f"what it knows of snapshot {row[0]} is not as it was written") from None


def with_check(digest: str, row: Iterable[object]) -> str:
    """A snapshot's digest, and behind it a check of what its row tells before anything is opened."""
    return f"{digest}-{crc32(repr(tuple(map(str, row))).encode('utf-8', 'surrogatepass')):08x}"


def without_check(digest: str) -> str:
    """The digest alone; the first snapshots have no check."""
    return "-".join(digest.split("-")[:3])


# How many snapshots there are, and whether anything is known of any.
COUNTED = "select (select count(*) from snapshot), (select count(*) from (select 1 from version limit 1) v)"


def every_one(rows: Sequence[tuple[object, ...]], counted: tuple[int, int]) -> Iterator[Snapshot]:
    """From rows of `SNAPSHOTS` and what `COUNTED` says; IncompleteRead where some of them are not found."""
    if len(rows) != counted[0] or (counted[1] and not rows):
        raise damaged(f"{len(rows)} snapshots are found, and it holds more")
    return map(snapshot_of_row, rows)


def _of_row(row: tuple[object, ...]) -> Snapshot:
    number, site, taken, about_json, users, contents, rules, digest, address, content_url, site_id, scope = row
    alone = without_check(str(digest))
    if digest not in (alone, with_check(alone, (*row[:7], *row[8:]))):
        raise ValueError("it is not as it was written")
    about = json.loads(str(about_json))  # not by its type: what reads types takes longer than a question
    taken_by = about.get("taken", {})
    mark = blake2b(repr(tuple(row)).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
    return Snapshot(
        int(str(number)),
        int(str(site)),
        str(taken),
        taken_by.get("by", ""),
        taken_by.get("by_role", ""),
        str(address),
        str(content_url),
        str(site_id),
        about.get("name", Site.name),
        str(scope),
        tuple(about.get("partial", ())),
        int(str(users)),
        int(str(contents)),
        int(str(rules)),
        mark,
    )


class Listing:
    """Snapshots in the order of their numbers."""

    def __init__(self, snapshots: Iterable[Snapshot]) -> None:
        self._by_number = {snapshot.number: snapshot for snapshot in snapshots}

    def snapshots(self) -> tuple[Snapshot, ...]:
        """All of them."""
        return tuple(self._by_number.values())

    def snapshot(self, number: int) -> Snapshot:
        """The snapshot of that number; UnknownName where there is none."""
        if number not in self._by_number:
            raise UnknownName(f"there is no snapshot {number} in the history; `tabwarden history` lists them")
        return self._by_number[number]


def listed(store: Path | str) -> Listing | None:
    """Every snapshot of the history in a folder, by number; None where that takes opening the history.

    That is a database by URL, one of another release, and one that cannot be read just now.
    """
    path = Path(store) / FILE
    if "://" in str(store) or not path.is_file():
        return None
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=5)) as connection:
            return Listing(_rows(connection))
    except (sqlite3.Error, ValueError, KeyError, TypeError):
        return None


def _rows(connection: sqlite3.Connection) -> Iterator[Snapshot]:
    release = connection.execute(f"select version_num from {VERSIONS}").fetchone()
    if release != (RELEASE,):
        raise ValueError("another release")
    rows = connection.execute(f"{SNAPSHOTS} order by n.number").fetchall()
    yield from every_one(rows, connection.execute(COUNTED).fetchone())


# -- what is kept of a Site beside its people and content, as JSON: the head of columns in every form ---------------


def about_of(site: Site, vocabulary: Mapping[str, object]) -> dict[str, Any]:
    """What is kept of a Site beside its people and content, and the words that its columns stand for."""
    return {
        "site": {"id": site.id, "name": site.name, "content_url": site.content_url},
        "settings": asdict(site.settings),
        "switches": None if site.switches is None else dict(site.switches),
        "licences": None if site.licences is None else dict(site.licences),
        "nicknames": None if site.nicknames is None else dict(site.nicknames),
        "on_demand": sorted(site.on_demand),
        "taken": asdict(site.taken),
        "partial": list(site.partial),
        "vocabulary": vocabulary,
    }


def bare_site(about: Mapping[str, Any]) -> Site:
    """The Site without people and content; KeyError or TypeError for what `about_of` did not write."""
    return Site(
        **about["site"],
        settings=SiteSettings(**about["settings"]),
        switches=about.get("switches"),
        licences=about["licences"],
        nicknames=about.get("nicknames"),
        on_demand=frozenset(about.get("on_demand", ())),
        taken=Taken(**about["taken"]),
        partial=tuple(about["partial"]),
    )
