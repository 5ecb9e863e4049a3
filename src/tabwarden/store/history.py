"""The chain of snapshots of a site in a database: kept, opened, compared. Not what a difference does to people.

A thing whose body is as it was costs nothing: only what differs from the newest snapshot is written. Numbers of
snapshots rise in the order of the reads, over all sites.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain, pairwise
from pathlib import Path
from typing import Any, Self

from sqlalchemy import Connection, and_, bindparam, func, or_, select, union

from tabwarden.model.codec import collected_later, decode, encode
from tabwarden.model.errors import TabwardenError, UnknownName
from tabwarden.model.scope import scope_of
from tabwarden.model.site import Site
from tabwarden.store import schema
from tabwarden.store.database import Database, among, chunks
from tabwarden.store.history_read import Rows, opened
from tabwarden.store.history_write import write
from tabwarden.store.snapshots import Listing, Snapshot, snapshot_of_row

Snap, Version = schema.snapshot, schema.version
_COLUMNS = (*Snap.c, *(schema.site.c[name] for name in ("address", "content_url", "id", "scope")))


def _valid_at(number: Any) -> Any:
    return and_(Version.c.since <= number, or_(Version.c.until.is_(None), Version.c.until > number))


def _with_a_version(when: Any) -> Any:
    of_chain = schema.thing.c.site == bindparam("chain")
    return select(Version.c.thing).join(schema.thing).where(among(when), of_chain)


# Made once, because making one takes longer than running it: things whose version began or ended in some snapshots,
# versions of some things at a snapshot.
CHANGED = union(_with_a_version(Version.c.since), _with_a_version(Version.c.until))
VERSIONS = select(Version.c.thing, Version.c.slot, Version.c.body).where(
    among(Version.c.thing), _valid_at(bindparam("at"))
)


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
            for number in connection.execute(_taken_at(number_of_site, site.taken.when)).scalars().all():
                same = self._kept_one(connection, number)
                if self._open(connection, same) == site:
                    return same
            if newest is not None and site.taken.when < newest.taken:
                raise TabwardenError(
                    f"the read of {site.taken.when or 'an unknown time'} is older than {newest.words}; "
                    "keep snapshots in the order in which they were taken"
                )
            number = 1 + (connection.execute(select(func.max(Snap.c.number))).scalar() or 0)
            rules, digest = write(self.database, connection, number_of_site, number, site)
            about = encode(site.bare).decode()
            row = (number, number_of_site, site.taken.when, about, len(site.users), len(site.contents), rules, digest)
            self.database.insert(connection, Snap, [row])
            return self._kept_one(connection, number)

    def _number_of_site(self, connection: Connection, site: Site, scope: str) -> int:
        table, key = schema.site, (site.taken.where, site.content_url, site.id, scope)
        columns = (table.c.address, table.c.content_url, table.c.id, table.c.scope)
        same = and_(*(column == value for column, value in zip(columns, key, strict=True)))
        found = connection.execute(select(table.c.number).where(same)).scalar()
        if found is not None:
            return int(found)
        number = 1 + (connection.execute(select(func.max(table.c.number))).scalar() or 0)
        self.database.insert(connection, table, [(number, *key)])
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
        asked = select(*_COLUMNS).join(schema.site).order_by(Snap.c.number)
        if number is not None:
            asked = asked.where(Snap.c.number == number)
        yield from (snapshot_of_row(tuple(row)) for row in connection.execute(asked))

    def _kept_one(self, connection: Connection, number: int) -> Snapshot:
        return Listing(self._kept(connection, number)).snapshot(number)

    def _newest(self, connection: Connection, site: int) -> Snapshot | None:
        number = connection.execute(select(func.max(Snap.c.number)).where(Snap.c.site == site)).scalar()
        return None if number is None else self._kept_one(connection, number)

    # -- opening ----------------------------------------------------------------------------------------------

    def open(self, number: int) -> Site:
        """The Site of that snapshot, as it was kept."""
        with self.database.reading() as connection:
            return self._open(connection, self._kept_one(connection, number))

    @collected_later()
    def _open(self, connection: Connection, kept: Snapshot) -> Site:
        version, thing = schema.version, schema.thing
        valid = and_(thing.c.site == kept.site, _valid_at(kept.number))
        at = select(version.c.thing, version.c.slot, version.c.body).join(thing).where(valid)
        rows = Rows(connection)
        rows.all_things(kept.site)
        rows.bodies(select(version.c.body).join(thing).where(valid))
        return opened(self._bare(connection, kept), rows, connection.execute(at).all())

    def _bare(self, connection: Connection, kept: Snapshot) -> Site:
        """The facts of the site itself, without anybody or anything."""
        return decode(connection.execute(select(Snap.c.about).where(Snap.c.number == kept.number)).scalar_one(), Site)

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
        wanted = [[(*place, body) for place, body in held.items() if place[0] in unlike] for held in rows]
        needed = Rows(connection)
        needed.versions(chain(*wanted))
        before_part, after_part = (
            opened(self._bare(connection, kept), needed, held) for kept, held in zip(pair, wanted, strict=True)
        )
        return before_part, after_part

    def _changed_things(self, connection: Connection, site: int, first: int, last: int) -> list[int]:
        """What has a version that began or ended between the two; some of it may be as it was again."""
        between = select(Snap.c.number).where(Snap.c.site == site, Snap.c.number > first, Snap.c.number <= last)
        found: set[int] = set()
        for some in chunks(connection.execute(between).scalars()):
            found.update(connection.execute(CHANGED, {"some": some, "chain": site}).scalars())
        return sorted(found)

    def _versions(self, connection: Connection, things: Sequence[int], number: int) -> Iterator[Any]:
        for some in chunks(things):
            yield from connection.execute(VERSIONS, {"some": some, "at": number})

    def walk(self, first: int, last: int) -> Iterator[tuple[Snapshot, Site]]:
        """Each snapshot of the chain of `first` from it to `last`, in order; each Site is made from the one before.

        All are of one moment of the database, whatever goes meanwhile.
        """
        with self.database.reading() as connection:
            kept = [one for one in self._kept(connection) if first <= one.number <= last]
            of_site = [one for one in kept if one.site == kept[0].site] if kept else []
            if of_site:
                here = self._open(connection, of_site[0])
                yield of_site[0], here
            for earlier, one in pairwise(of_site):
                here = moved_on(here, *self._differing(connection, earlier.number, one.number))
                yield one, here


def moved_on(site: Site, before: Site, after: Site) -> Site:
    """`site` with what differs between two parts of it (as `History.differing` gives them) made as it is in `after`."""
    parts: dict[str, Any] = {}
    for part in ("users", "groups", "group_sets", "contents"):
        gone, come, was = getattr(before, part), getattr(after, part), getattr(site, part)
        still = {each: value for each, value in was.items() if each in come or each not in gone} if gone else was
        parts[part] = {**still, **come} if gone or come else was
    return replace(after, **parts)


def _taken_at(site: int, when: str) -> Any:
    return select(Snap.c.number).where(Snap.c.site == site, Snap.c.taken == when)


def _by_place(rows: Iterator[Any]) -> dict[tuple[int, str], bytes]:
    return {(thing, slot): body for thing, slot, body in rows}
