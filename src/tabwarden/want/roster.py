"""A roster: the people a source names, cleaned row by row. Not how they are read, nor what becomes of them.

A bad row never stops the others: it is put in quarantine with its number, what stands in it and what to do.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import NamedTuple

from tabwarden.model.errors import SourceError
from tabwarden.model.names import same

ONLY_COLUMN = "(value)"
"""The column of a row that has a bare user name and no column names at all; any mapping of `name` accepts it."""

LONGEST = 255
"""Characters Tableau takes for a user name."""


class Broken(NamedTuple):
    """Stands in a cell whose row could be delimited but not understood; `reason` is told instead of a value."""

    text: str
    reason: str


@dataclass(frozen=True, slots=True)
class Columns:
    """Which column holds what. An empty string means: this list has no such column."""

    name: str = "Email Address"
    full_name: str = ""
    email: str = ""
    auth_setting: str = ""


class Person(NamedTuple):
    """Who should exist. `name` is the Tableau user name, trimmed and NFC; `row` counts data rows from 1."""

    name: str
    full_name: str
    email: str
    auth_setting: str
    row: int
    source: str


class Quarantined(NamedTuple):
    """A row that is not used. `value` is written so that invisible characters can be seen."""

    row: int
    value: str
    reason: str


@dataclass(frozen=True, slots=True)
class Roster:
    """What one source says. `count` is the rows seen, good and bad; `as_of` an ISO time in UTC, or None."""

    source: str
    people: tuple[Person, ...] = ()
    quarantined: tuple[Quarantined, ...] = ()
    count: int = 0
    as_of: str | None = None


class _BadCell(Exception):
    """A cell that cannot be used: what it shows as, and why."""

    def __init__(self, value: str, reason: str) -> None:
        super().__init__(reason)
        self.value = value
        self.reason = reason


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
    found = _Finder(columns, source)
    count = 0
    for count, row in enumerate(rows, start=1):
        try:
            person = _person(row, found, count, source, require_email)
            _refuse_twin(person, first.get(same(person.name)))
        except _BadCell as bad:
            quarantined.append(Quarantined(count, bad.value, bad.reason))
        else:
            first[same(person.name)] = person
            people.append(person)
    if count:
        found.require_all()
    return Roster(source, tuple(people), tuple(quarantined), count, as_of)


def latest(rows: Iterable[Mapping[str, object]], column: str, source: str) -> str:
    """The newest time in a column, as `as_time` tells it: how old the list is by its own word. SourceError if none."""
    listed: dict[str, None] = {}
    times: list[str] = []
    for row in rows:
        listed.update(dict.fromkeys(row))
        key = _column(column, tuple(row), source)
        if key is not None and (time := as_time(row[key])) is not None:
            times.append(time)
    if not times:
        raise SourceError(
            f"{source} has no time in column `{shown(column)}`; found: {_list(listed)}; "
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


def shown(value: object, most: int = 80) -> str:
    """`value` for a message: characters nobody can see are written as escapes, a text longer than `most` is cut."""
    text = value if isinstance(value, str) else repr(value)
    cut = text if len(text) <= most else text[: most - 1] + "…"
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in cut)


def _person(row: Mapping[str, object], found: _Finder, number: int, source: str, require_email: bool) -> Person:
    name_of, full_name_of, email_of, auth_setting_of = found.keys(tuple(row))
    name = _user_name(row.get(name_of) if name_of else None, require_email)
    return Person(
        name,
        _text(row, full_name_of),
        _text(row, email_of),
        _text(row, auth_setting_of),
        number,
        source,
    )


def _user_name(value: object, require_email: bool) -> str:
    """The user name in a cell, trimmed and NFC. Raises _BadCell."""
    text = _as_text(value)
    name = unicodedata.normalize("NFC", _trim(text))
    if not name:
        raise _BadCell(shown(text), "is blank; give the user name or delete the row")
    if (character := _invisible(name)) is not None:
        raise _BadCell(shown(text), f"holds the invisible character {character}; type the name again by hand")
    if any(c.isspace() for c in name):
        raise _BadCell(shown(text), "has white space inside; a row holds one user name, without spaces")
    if name.count("@") > 1:
        raise _BadCell(shown(text), "has more than one @; a row holds one user name")
    if len(name) > LONGEST:
        raise _BadCell(shown(text), f"has {len(name)} characters; Tableau takes at most {LONGEST}")
    if require_email and not _is_email(name):
        raise _BadCell(shown(text), "is not an e-mail address; on this site user names are e-mail addresses")
    return name


def _as_text(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, Broken):
        raise _BadCell(shown(value.text), value.reason)
    if value is None:
        raise _BadCell("", "is empty (null); give the user name or delete the row")
    raise _BadCell(shown(value), f"is of type {type(value).__name__}, not text; store user names as text")


def _text(row: Mapping[str, object], key: str | None) -> str:
    """A cell other than the user name: absent and null are the empty text. Raises _BadCell."""
    value = row.get(key) if key else None
    if value is None:
        return ""
    try:
        text = unicodedata.normalize("NFC", _trim(_as_text(value)))
    except _BadCell as bad:
        raise _BadCell(bad.value, f"(column `{shown(key)}`) {bad.reason}") from None
    if (character := _invisible(text)) is not None:
        raise _BadCell(
            shown(value), f"(column `{shown(key)}`) holds the invisible character {character}; type it again"
        )
    return text


def _trim(text: str) -> str:
    """Without white space (non-breaking too) and invisible format marks at both ends."""
    start, end = 0, len(text)
    while start < end and _is_margin(text[start]):
        start += 1
    while end > start and _is_margin(text[end - 1]):
        end -= 1
    return text[start:end]


def _is_margin(character: str) -> bool:
    return character.isspace() or unicodedata.category(character) == "Cf"


def _invisible(text: str) -> str | None:
    """The first control, format or unassigned character as U+XXXX with its name; None when there is none."""
    if text.isprintable():
        return None
    for character in text:
        if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Cn", "Co"):
            return f"U+{ord(character):04X} {unicodedata.name(character, '')}".rstrip()
    return None


def _is_email(name: str) -> bool:
    local, _, domain = name.partition("@")
    labels = domain.split(".")
    return bool(local) and len(labels) > 1 and all(labels)


def _refuse_twin(person: Person, twin: Person | None) -> None:
    """Raises _BadCell when an earlier row has this name."""
    if twin is None:
        return
    if twin.name == person.name:
        raise _BadCell(shown(person.name), f"is a duplicate of row {twin.row}, which is used; delete one of them")
    raise _BadCell(
        shown(person.name),
        f"is `{shown(twin.name)}` of row {twin.row} in other letter case, which is used; delete one of them",
    )


class _Finder:
    """Finds the wanted columns in rows whose set of columns may differ from row to row (JSON Lines)."""

    def __init__(self, columns: Columns, source: str) -> None:
        self._wanted = (columns.name, columns.full_name, columns.email, columns.auth_setting)
        self._source = source
        self._known: dict[tuple[str, ...], tuple[str | None, ...]] = {}
        self._listed: dict[str, None] = {}

    def keys(self, present: tuple[str, ...]) -> tuple[str | None, ...]:
        """The column of name, full name, e-mail and auth setting among `present`; None where there is none."""
        if present not in self._known:
            self._listed.update(dict.fromkeys(present))
            self._known[present] = tuple(self._match(wanted, present) for wanted in self._wanted)
        return self._known[present]

    def require_all(self) -> None:
        """Raises SourceError naming every wanted column that no row had."""
        missing = [
            wanted
            for place, wanted in enumerate(self._wanted)
            if (wanted or place == 0) and all(found[place] is None for found in self._known.values())
        ]
        if missing:
            names = ", ".join(f"`{shown(name)}`" for name in missing)
            raise SourceError(
                f"{self._source} has no column {names}; found: {_list(self._listed)}; "
                "name the right one in `column` of the settings"
            )

    def _match(self, wanted: str, present: Sequence[str]) -> str | None:
        if present == (ONLY_COLUMN,):
            return ONLY_COLUMN if wanted == self._wanted[0] else None
        return _column(wanted, present, self._source) if wanted else None


def _column(wanted: str, present: Sequence[str], source: str) -> str | None:
    """The column meant: the very name, else the one alike; None when there is none, SourceError when several are."""
    if wanted in present:
        return wanted
    alike = [name for name in present if _loose(name) == _loose(wanted)]
    if len(alike) > 1:
        raise SourceError(
            f"column `{shown(wanted)}` of {source} could be {_list(alike)}; found: {_list(present)}; "
            "write the right one exactly in `column` of the settings"
        )
    return alike[0] if alike else None


def _loose(name: str) -> str:
    """A column name without regard to letter case, white space and invisible marks."""
    return same("".join(c for c in name if not _is_margin(c)))


def _list(names: Iterable[str]) -> str:
    return ", ".join(f"`{shown(name)}`" for name in names) or "no columns"
