"""The audit trail: who looked at whom and who changed what, from where, chained by hashes so that none can be changed.

A row's hash is that of the row before and of all its own words: whoever changes or deletes a row breaks every one
after it, and whoever cuts the end off is found by the number and hash that were noted elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from hashlib import sha256
from typing import NamedTuple

import msgspec

from tabwarden.store.database import Connection, Database

COLUMNS = "number, at, person, address, act, about, outcome, hash"
FIRST = "0" * 64
SOME = 10_000  # rows that are read at a time


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


class Wanted(NamedTuple):
    """Which rows: of a person, of an act, before a number; everything where nothing is said."""

    person: str = ""
    act: str = ""
    before: int = 0

    @property
    def where(self) -> tuple[str, list[str | int]]:
        """The condition and its values."""
        parts: dict[str, str | int] = {
            "lower(person) = lower(?)": self.person,
            "act = ?": self.act,
            "number < ?": self.before,
        }
        wanted = {condition: value for condition, value in parts.items() if value}
        return " and ".join(wanted) or "1 = 1", list(wanted.values())


EVERY = Wanted()


def newest(database: Database, most: int, wanted: Wanted = EVERY) -> list[Act]:
    """So many of the newest rows, the newest first."""
    where, values = wanted.where
    statement = f"select {COLUMNS} from web_audit where {where} order by number desc limit {most:d}"
    with database.reading() as connection:
        return [Act(*row) for row in connection.rows(statement, *values)]


def acts(database: Database) -> Iterator[Act]:
    """Every row in its order, some at a time."""
    number = -1
    while True:
        with database.reading() as connection:
            rows = connection.rows(
                f"select {COLUMNS} from web_audit where number > ? order by number limit {SOME}", number
            )
        yield from (Act(*row) for row in rows)
        if not rows:
            return
        number = rows[-1][0]


class Verified(NamedTuple):
    """How many rows follow each other as they were written, the hash of the last, and what is wrong after it."""

    rows: int
    hash: str
    problem: str


def verified(database: Database, anchors: Mapping[int, str] | None = None) -> Verified:
    """The whole trail from its first row; `anchors` are hashes by number that were noted elsewhere."""
    number, before, left = 0, FIRST, dict(anchors or {})
    for act in acts(database):
        if act.number != number + 1:
            return Verified(number, before, f"row {number + 1} is missing: after it stands row {act.number}")
        if act.hash != _hash(before, act):
            return Verified(number, before, f"row {act.number} is not as it was written, or the one before was changed")
        number, before = act.number, act.hash
        if left.pop(number, before) != before:
            return Verified(
                number - 1, before, f"row {number} is another one than was noted: all of it was written anew"
            )
    if left:
        return Verified(number, before, f"row {min(left)} was noted and is not there: the end was cut off")
    return Verified(number, before, "")
