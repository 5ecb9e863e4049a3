"""A roster: the people a source names, cleaned row by row.

A bad row never stops the others: it is put in quarantine with its number, what stands in it and what to do.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
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
from tabwarden.want.days import ALWAYS, NOT_YET, OVER, TIMELESS, WITHIN, Calendar, Stay


@dataclass(frozen=True, slots=True)
class Columns:
    """Which column holds what. An empty string means: this list has no such column."""

    name: str = "Email Address"
    full_name: str = ""
    email: str = ""
    auth_setting: str = ""
    starts: str = ""
    ends: str = ""


class Person(NamedTuple):
    """Who should exist. `name` is the Tableau user name, trimmed and NFC; `row` counts data rows from 1.

    `said` is what sentences tell instead of row and source. `stay` is where the present is between her days.
    """

    name: str
    full_name: str
    email: str
    auth_setting: str
    row: int
    source: str
    said: str = ""
    stay: Stay = ALWAYS


def named_only(name: str) -> Person:
    """Somebody of whom no list says more than the name."""
    return Person(name, "", "", "", 0, "")


class Quarantined(NamedTuple):
    """A row that is not used. `value` is written so that invisible characters can be seen.

    `leaver` marks a row that says that somebody left, `is_twin` one that repeats a row which is used.
    """

    row: int
    value: str
    reason: str
    leaver: bool = False
    is_twin: bool = False


@dataclass(frozen=True, slots=True)
class Roster:
    """What one source says.

    `count` is the rows seen, good and bad; `as_of` an ISO time in UTC, or None; `remarks` are on cells that were taken
    otherwise than they stand there. `waiting` are people whose day has not come, `over` joiners whose last day has
    passed.
    """

    source: str
    people: tuple[Person, ...] = ()
    quarantined: tuple[Quarantined, ...] = ()
    count: int = 0
    as_of: str | None = None
    remarks: tuple[str, ...] = ()
    waiting: tuple[Person, ...] = ()
    over: tuple[Person, ...] = ()

    @property
    def in_brief(self) -> Roster:
        """The same without its people, but for the first: what is asked of a list beside whom it names."""
        people, waiting, over = self.people[:1], self.waiting[:1], self.over[:1]
        return replace(self, people=people, quarantined=(), waiting=waiting, over=over)

    @property
    def names_anybody(self) -> bool:
        """Whether any row is a person, now or another day."""
        return bool(self.people or self.waiting or self.over)


def clean(
    rows: Iterable[Mapping[str, object]],
    columns: Columns,
    source: str,
    *,
    as_of: str | None = None,
    require_email: bool = False,
    calendar: Calendar = TIMELESS,
    leaving: bool = False,
) -> Roster:
    """The people of `rows`, the rest in quarantine, by what the present is to their days. `leaving`: who leaves.

    Of several rows of equal names the one that is within its days is kept, else one that is over, and of equal ones the
    first: any row by which somebody is active keeps her.

    Names are equal when their casefolded NFC forms are: that is how Tableau compares them.
    Raises SourceError when a column is missing or a column name fits several columns.
    """
    reading = _Reading(columns, source, require_email, calendar, leaving)
    count = 0
    for count, row in enumerate(rows, start=1):
        reading.row(row, count)
    if count:
        reading.finder.require_all()
    return reading.roster(count, as_of)


_RANK = {WITHIN: 0, OVER: 1, NOT_YET: 2}


class _Reading:
    """The columns of one list, and its rows taken one after the other."""

    def __init__(self, columns: Columns, source: str, require_email: bool, calendar: Calendar, leaving: bool) -> None:
        self.source, self.require_email, self.calendar = source, require_email, calendar
        self.leaving = leaving and bool(columns.ends)
        wanted = (columns.name, columns.full_name, columns.email, columns.auth_setting, columns.starts, columns.ends)
        self.finder = Finder(wanted, source)
        self.by_name: dict[str, Person] = {}
        self.quarantined: list[Quarantined] = []
        self.oddly: list[int] = []

    def row(self, row: Mapping[str, object], number: int) -> None:
        """One row more; a bad one never stops the others."""
        columns = self.finder.keys(tuple(row))
        try:
            person = self._person(row, columns, number)
        except BadCell as bad:
            self.quarantined.append(Quarantined(number, bad.value, bad.reason))
            return
        key = same(person.name)
        twin = self.by_name.setdefault(key, person)
        if twin is not person:
            if _RANK[person.stay.word] < _RANK[twin.stay.word]:
                self.by_name[key], person, twin = person, twin, person
            self.quarantined.append(_twin(person, twin))
        value = row.get(columns[0] or "")
        if value is not person.name and has_odd_margin(value):
            self.oddly.append(number)

    def _person(self, row: Mapping[str, object], columns: tuple[str | None, ...], number: int) -> Person:
        name_of, full_name_of, email_of, auth_setting_of, starts, ends = columns
        name = user_name(row.get(name_of) if name_of else None, self.require_email, name_of)
        stay = self.calendar.stay(row, starts, ends) if starts or ends else ALWAYS
        if self.leaving and not stay.has_end:
            stay = stay._replace(word=OVER)  # who is in a list of leavers without a last day leaves now
        full_name = text_of(row, full_name_of) if full_name_of else ""
        auth = text_of(row, auth_setting_of) if auth_setting_of else ""
        email = known_by(row, email_of) if email_of else ""
        return Person(name, full_name, email, auth, number, self.source, "", stay)

    def roster(self, count: int, as_of: str | None) -> Roster:
        """What all rows say."""
        people = sorted(self.by_name.values(), key=lambda person: person.row)
        remarks = oddly_written(self.oddly, self.source)
        by_word: dict[str, list[Person]] = {WITHIN: [], OVER: [], NOT_YET: []}
        for person in people:
            by_word[person.stay.word].append(person)
        present, over, later = map(tuple, by_word.values())
        if self.leaving:
            present, over, later = over, (), (*present, *later)
        return Roster(self.source, present, tuple(sorted(self.quarantined)), count, as_of, remarks, later, over)


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


def _twin(person: Person, twin: Person) -> Quarantined:
    """A row beside another of the same name, which is used."""
    reason = f"is a duplicate of row {twin.row}, which is used; delete one of them"
    if twin.name != person.name:
        reason = f"is `{shown(twin.name)}` of row {twin.row} in other letter case, which is used; delete one of them"
    return Quarantined(person.row, shown(person.name), reason, is_twin=True)
