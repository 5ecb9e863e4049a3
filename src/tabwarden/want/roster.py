"""A roster: the people a source names, cleaned row by row.

A bad row never stops the others: it is put in quarantine with its number, what stands in it and what to do.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import NamedTuple

from tabwarden.model.errors import SourceError
from tabwarden.model.names import same
from tabwarden.want.cells import ONLY_COLUMN as ONLY_COLUMN
from tabwarden.want.cells import (
    BadCell,
    Finder,
    column_of,
    has_odd_margin,
    known_by,
    oddly_written,
    text_of,
    told,
    user_name,
)
from tabwarden.want.cells import Broken as Broken
from tabwarden.want.cells import shown as shown


@dataclass(frozen=True, slots=True)
class Columns:
    """Which column holds what. An empty string means: this list has no such column."""

    name: str = "Email Address"
    full_name: str = ""
    email: str = ""
    auth_setting: str = ""


class Person(NamedTuple):
    """Who should exist. `name` is the Tableau user name, trimmed and NFC; `row` counts data rows from 1.

    `said` is what sentences tell instead of row and source.
    """

    name: str
    full_name: str
    email: str
    auth_setting: str
    row: int
    source: str
    said: str = ""


class Quarantined(NamedTuple):
    """A row that is not used. `value` is written so that invisible characters can be seen."""

    row: int
    value: str
    reason: str


@dataclass(frozen=True, slots=True)
class Roster:
    """What one source says.

    `count` is the rows seen, good and bad; `as_of` an ISO time in UTC, or None; `remarks` are on cells that were taken
    otherwise than they stand there.
    """

    source: str
    people: tuple[Person, ...] = ()
    quarantined: tuple[Quarantined, ...] = ()
    count: int = 0
    as_of: str | None = None
    remarks: tuple[str, ...] = ()


def clean(
    rows: Iterable[Mapping[str, object]],
    columns: Columns,
    source: str,
    *,
    as_of: str | None = None,
    require_email: bool = False,
) -> Roster:
    """The people of `rows`, the rest in quarantine; the first of several equal names is kept.

    Names are equal when their casefolded NFC forms are: that is how Tableau compares them.
    Raises SourceError when a column is missing or a column name fits several columns.
    """
    people: list[Person] = []
    quarantined: list[Quarantined] = []
    first: dict[str, Person] = {}
    oddly: list[int] = []
    finder = Finder((columns.name, columns.full_name, columns.email, columns.auth_setting), source)
    count = 0
    for count, row in enumerate(rows, start=1):
        try:
            person = _person(row, finder, count, source, require_email)
            _refuse_twin(person, first.get(same(person.name)))
        except BadCell as bad:
            quarantined.append(Quarantined(count, bad.value, bad.reason))
        else:
            first[same(person.name)] = person
            people.append(person)
            if has_odd_margin(row.get(finder.keys(tuple(row))[0] or "")):
                oddly.append(count)
    if count:
        finder.require_all()
    return Roster(source, tuple(people), tuple(quarantined), count, as_of, oddly_written(oddly, source))


def latest(rows: Iterable[Mapping[str, object]], column: str, source: str) -> str:
    """The newest time in a column, as `as_time` tells it: how old the list is by its own word. SourceError if none."""
    listed: dict[str, None] = {}
    times: list[str] = []
    for row in rows:
        listed.update(dict.fromkeys(row))
        key = column_of(column, tuple(row), source)
        if key is not None and (time := as_time(row[key])) is not None:
            times.append(time)
    if not times:
        raise SourceError(
            f"{source} has no time in column `{shown(column)}`; found: {told(listed)}; "
            "check `as_of`, and write times as 2026-11-21T06:00:00Z"
        )
    return max(times)


def as_time(value: object) -> str | None:
    """A time as ISO text in UTC, to the second; without a zone it counts as UTC. None when it is no time."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value.strip())
        except ValueError:
            return None
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day, tzinfo=UTC)
    if not isinstance(value, datetime):
        return None
    aware = value if value.tzinfo is not None else value.replace(tzinfo=UTC)
    return aware.astimezone(UTC).isoformat(timespec="seconds")


def _person(row: Mapping[str, object], finder: Finder, number: int, source: str, require_email: bool) -> Person:
    name_of, full_name_of, email_of, auth_setting_of = finder.keys(tuple(row))
    name = user_name(row.get(name_of) if name_of else None, require_email, name_of)
    return Person(
        name,
        text_of(row, full_name_of),
        known_by(row, email_of),
        text_of(row, auth_setting_of),
        number,
        source,
    )


def _refuse_twin(person: Person, twin: Person | None) -> None:
    """Raises BadCell when an earlier row has this name."""
    if twin is None:
        return
    if twin.name == person.name:
        raise BadCell(shown(person.name), f"is a duplicate of row {twin.row}, which is used; delete one of them")
    raise BadCell(
        shown(person.name),
        f"is `{shown(twin.name)}` of row {twin.row} in other letter case, which is used; delete one of them",
    )
