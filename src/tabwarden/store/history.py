"""The chain of snapshots of a site in a database: kept, opened, compared.

A thing whose body is as it was costs nothing: only what differs from the newest snapshot is written. Numbers of
snapshots rise in the order of the reads, over all sites.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain, pairwise
from pathlib import Path
from typing import Any, Self

from tabwarden.model.codec import collected_later, decode, encode
from tabwarden.model.errors import TabwardenError, UnknownName
from tabwarden.model.scope import scope_of
from tabwarden.model.site import Site
from tabwarden.store.database import Connection, Database, chunks, marks
from tabwarden.store.history_read import Rows, opened
from tabwarden.store.history_write import write
from tabwarden.store.packing import USER
from tabwarden.store.snapshots import (
    COUNTED,
    SNAPSHOTS,
    Listing,
    Snapshot,
    damaged,
    every_one,
    snapshot_of_row,
    with_check,
    without_check,
)

VALID = "since <= ? and (until is null or until > ?)"
OF_SITE = f"from version v join thing t on v.thing = t.number where t.site = ? and {VALID}"


def _key_of(site: Site, scope: str) -> tuple[str, str, str, str]:
    """What a chain of snapshots is of."""
    return site.taken.where, site.content_url, site.id, scope


class History:
    """The snapshots of a store; a context manager."""

    def __init__(self, store: Path | str, *, create: bool = True) -> None:
        """Open the history of a folder, or of a database by URL; made where there is none, unless not to `create`."""
        self.database = Database(store, create=create)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.database.close()

    # -- keeping ----------------------------------------------------------------------------------------------

    def keep(self, site: Site) -> Snapshot:
        """Keep `site` as the newest snapshot of its chain; one that is kept already, of the same read, is not again.

        A read of some projects, and one by a reader who is no administrator, from whom a server keeps things back
        silently, are chains of their own and never the history of the site: what they leave out is not gone.
        TabwardenError for a read that is older than the newest.
        """
        within = scope_of(site)
        with self.database.writing() as connection:
            number_of_site = self._number_of_site(connection, site, within)
            newest = self._newest(connection, number_of_site)
            taken_then = "select number from snapshot where site = ? and taken = ?"
            for number in connection.column(taken_then, number_of_site, site.taken.when):
                same = self._kept_one(connection, number)
                if self._open(connection, same) == site:
                    return same
            if newest is not None and site.taken.when < newest.taken:
                raise TabwardenError(
                    f"the read of {site.taken.when or 'an unknown time'} is older than {newest.words}; "
                    "keep snapshots in the order in which they were taken. Where the clock was ahead then, "
                    f"`tabwarden snapshots delete {newest.number}` frees the history"
                )
            number = 1 + (connection.value("select max(number) from snapshot") or 0)
            rules, digest = write(connection, number_of_site, number, site)
            about = encode(site.bare).decode()
            row = (number, number_of_site, site.taken.when, about, len(site.users), len(site.contents), rules)
            checked = with_check(digest, (*row, *_key_of(site, within)))
            connection.insert("snapshot", [(*row, checked)])
            return self._kept_one(connection, number)

    def _number_of_site(self, connection: Connection, site: Site, scope: str) -> int:
        key = _key_of(site, scope)
        same = "address = ? and content_url = ? and id = ? and scope = ?"
        number = connection.value(f"select number from site where {same}", *key)
        if number is None:
            number = 1 + (connection.value("select max(number) from site") or 0)
            connection.insert("site", [(number, *key)])
        return int(number)

    # -- finding ----------------------------------------------------------------------------------------------

    def snapshots(self) -> tuple[Snapshot, ...]:
        """Every snapshot in the order of its number."""
        with self.database.reading() as connection:
            return tuple(self._kept(connection))

    def snapshot(self, number: int) -> Snapshot:
        """The snapshot of that number; UnknownName where there is none."""
        with self.database.reading() as connection:
            return self._kept_one(connection, number)

    def _kept(self, connection: Connection, number: int | None = None) -> Iterator[Snapshot]:
        if number is not None:
            return map(snapshot_of_row, connection.rows(f"{SNAPSHOTS} where n.number = ?", number))
        (counted,) = connection.rows(COUNTED)
        return every_one(connection.rows(f"{SNAPSHOTS} order by n.number"), (counted[0], counted[1]))

    def _kept_one(self, connection: Connection, number: int) -> Snapshot:
        return Listing(self._kept(connection, number)).snapshot(number)

    def _newest(self, connection: Connection, site: int) -> Snapshot | None:
        number = connection.value("select max(number) from snapshot where site = ?", site)
        return None if number is None else self._kept_one(connection, number)

    # -- opening ----------------------------------------------------------------------------------------------

    def open(self, number: int) -> Site:
        """The Site of that snapshot, as it was kept."""
        with self.database.reading() as connection:
            return self._open(connection, self._kept_one(connection, number))

    @collected_later()
    def _open(self, connection: Connection, snapshot: Snapshot) -> Site:
        at = (snapshot.site, snapshot.number, snapshot.number)
        rows = Rows(connection)
        rows.all_things(snapshot.site)
        rows.bodies(f"select v.body {OF_SITE}", *at)
        versions = list(connection.rows(f"select v.thing, v.slot, v.body {OF_SITE}", *at))
        bare = self._bare(connection, snapshot)
        digest = without_check(connection.value("select digest from snapshot where number = ?", snapshot.number))
        if "-" in digest and digest != rows.digest(bare, versions, digest):  # the first ones cannot be held against it
            raise damaged(f"{snapshot.words} is not what was read then")
        return opened(bare, rows, versions)

    def people(self, number: int) -> Site:
        """The Site of that snapshot with its users alone; nothing else of it is read."""
        with self.database.reading() as connection:
            snapshot, users = self._kept_one(connection, number), f"{OF_SITE} and t.kind = ?"
            rows, at = Rows(connection), (snapshot.site, number, number, USER)
            rows.bodies(f"select v.body {users}", *at)
            versions = connection.rows(f"select v.thing, v.slot, v.body {users}", *at)
            return opened(self._bare(connection, snapshot), rows, versions)

    def _bare(self, connection: Connection, snapshot: Snapshot) -> Site:
        """The facts of the site itself, without anybody or anything."""
        return decode(connection.value("select about from snapshot where number = ?", snapshot.number), Site)

    def check(self) -> None:
        """Hold the database, and everything that a thing ever was, against their digests; TabwardenError."""
        with self.database.reading() as connection:
            self._hold_together(connection, "integrity_check")
            Rows(connection).bodies("select hash from body")
            lost = "select count(*) from version where body not in (select hash from body)"
            if connection.value(lost):
                raise damaged("what things were is missing")

    @staticmethod
    def _hold_together(connection: Connection, how: str) -> None:
        if connection.is_sqlite and connection.value(f"pragma {how}(1)") != "ok":
            raise damaged("its pages do not hold together")

    # -- comparing --------------------------------------------------------------------------------------------

    def differing(self, before: int, after: int) -> tuple[Site, Site]:
        """The Sites of two snapshots with nothing in them but what differs: enough to tell every fact that does.

        UnknownName where they are of different sites or scopes.
        """
        with self.database.reading() as connection:
            return self._differing(connection, before, after)

    def _differing(self, connection: Connection, before: int, after: int) -> tuple[Site, Site]:
        pair = self._kept_one(connection, before), self._kept_one(connection, after)
        if pair[0].site != pair[1].site:
            raise UnknownName(
                f"{pair[0].words} and {pair[1].words} are of different sites, or of different scopes; give two of one"
            )
        first, last = sorted((before, after))
        things = self._changed_things(connection, pair[0].site, first, last)
        rows = [_by_place(self._versions(connection, things, number)) for number in (before, after)]
        unlike = {place[0] for place in {*rows[0], *rows[1]} if rows[0].get(place) != rows[1].get(place)}
        wanted = [[(*place, body) for place, body in versions.items() if place[0] in unlike] for versions in rows]
        needed = Rows(connection)
        needed.versions(chain(*wanted))
        before_part, after_part = (
            opened(self._bare(connection, snapshot), needed, versions)
            for snapshot, versions in zip(pair, wanted, strict=True)
        )
        return before_part, after_part

    def _changed_things(self, connection: Connection, site: int, first: int, last: int) -> list[int]:
        """What has a version that began or ended between the two; some of it may be as it was again."""
        between = "select number from snapshot where site = ? and number > ? and number <= ?"
        of_site = "select v.thing from version v join thing t on v.thing = t.number where t.site = ?"
        things: set[int] = set()
        for some in chunks(connection.column(between, site, first, last)):
            begun, ended = (f"{of_site} and v.{end} in {marks(some)}" for end in ("since", "until"))
            things.update(connection.column(f"{begun} union {ended}", site, *some, site, *some))
        return sorted(things)

    def _versions(self, connection: Connection, things: Sequence[int], number: int) -> Iterator[Any]:
        for some in chunks(things):
            query = f"select thing, slot, body from version where thing in {marks(some)} and {VALID}"
            yield from connection.rows(query, *some, number, number)

    def walk(self, first: int, last: int) -> Iterator[tuple[Snapshot, Site]]:
        """Each snapshot of the chain of `first` from it to `last`, in order; each Site is made from the one before.

        All are of one moment of the database, whatever goes meanwhile. The last must be what its digest says.
        """
        with self.database.reading() as connection:
            self._hold_together(connection, "quick_check")
            snapshots = [one for one in self._kept(connection) if first <= one.number <= last]
            of_site = [one for one in snapshots if one.site == snapshots[0].site] if snapshots else []
            if of_site:
                site = self._open(connection, of_site[0])
                yield of_site[0], site
            for earlier, one in pairwise(of_site):
                site = moved_on(site, *self._differing(connection, earlier.number, one.number))
                if one is of_site[-1] and site != self._open(connection, one):
                    raise damaged(f"what changed until {one.words} is not what was read then")
                yield one, site


def moved_on(site: Site, before: Site, after: Site) -> Site:
    """`site` with what differs between two parts of it (as `History.differing` gives them) made as it is in `after`."""
    parts: dict[str, Any] = {}
    for part in ("users", "groups", "group_sets", "contents"):
        gone, come, was = getattr(before, part), getattr(after, part), getattr(site, part)
        still = {thing: value for thing, value in was.items() if thing in come or thing not in gone} if gone else was
        parts[part] = {**still, **come} if gone or come else was
    return replace(after, **parts)


def _by_place(rows: Iterator[Any]) -> dict[tuple[int, str], bytes]:
    return {(thing, slot): body for thing, slot, body in rows}
