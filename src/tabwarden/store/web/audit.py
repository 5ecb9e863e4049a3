"""The audit trail: who looked at whom and who changed what, from where, chained by hashes so that none can be changed.

A row's hash is that of the row before and of all its own words: whoever changes or deletes a row breaks every one
after it, and whoever cuts the end off is found by the number and hash that were noted elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from hashlib import sha256
from typing import NamedTuple

import msgspec

from tabwarden.store.database import Connection, Database

COLUMNS = "number, at, person, address, act, about, outcome, hash"
FIRST = "0" * 64


class Act(NamedTuple):
    """One row: when (ISO, UTC), who, from which address, what he did (`looked`, `applied`, ...), about whom or what,
    and how it ended.
    """

    number: int
    at: str
    person: str
    address: str
    act: str
    about: str
    outcome: str
    hash: str


def _hash(before: str, act: Act) -> str:
    return sha256(before.encode() + msgspec.json.encode(act[:-1])).hexdigest()


def _last(connection: Connection) -> tuple[int, str]:
    rows = connection.rows("select number, hash from web_audit order by number desc limit 1")
    return (rows[0][0], rows[0][1]) if rows else (0, FIRST)


def note(
    database: Database, now: datetime, *, person: str, address: str, act: str, about: str, outcome: str = ""
) -> None:
    """Write a row down, before what it tells of is shown or done."""
    with database.writing() as connection:
        number, before = _last(connection)
        row = Act(number + 1, now.isoformat(), person, address, act, about, outcome, "")
        connection.run("insert into web_audit values (?, ?, ?, ?, ?, ?, ?, ?)", *row[:-1], _hash(before, row))


def acts(database: Database, newest: int = 0) -> Iterator[Act]:
    """The rows in their order; with `newest` so many of the newest, those first."""
    order = f"order by number desc limit {newest:d}" if newest else "order by number"
    with database.reading() as connection:
        rows = connection.rows(f"select {COLUMNS} from web_audit {order}")
    return (Act(*row) for row in rows)


def broken(database: Database) -> int | None:
    """The number of the first row that is not as it was written, or does not follow the one before; None: all are."""
    before = FIRST
    for place, act in enumerate(acts(database), 1):
        if act.number != place or act.hash != _hash(before, act):
            return place
        before = act.hash
    return None
