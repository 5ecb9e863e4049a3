"""Records: the rows of one source of people, each with every field the settings name.

A bad row never stops the others; it is put in quarantine as in roster.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple

from tabwarden.model.errors import UnknownName
from tabwarden.model.names import hint, same
from tabwarden.model.roles import is_admin, role_named, ui_role
from tabwarden.want.cells import BadCell, Finder, has_odd_margin, known_by, oddly_written, shown, text_of, user_name
from tabwarden.want.days import ALWAYS, NOT_YET, OVER, TIMELESS, Calendar, Stay
from tabwarden.want.roster import Person, Quarantined, Roster

ACTIVE, LEFT = "active", "left"
LEAVES_LATER = "leaves later"
"""What a row says of somebody in a list of leavers before her last day is over: nothing else yet."""
SAYS = (ACTIVE, LEFT, NOT_YET, LEAVES_LATER)
"""What a row may say of somebody, NOT_YET before her first day; of several rows of one source the first of these."""

NAME, EMAIL, DEPARTMENT, TITLE, MANAGER, STATUS = "name", "email", "department", "title", "manager", "status"
FULL_NAME, SITE_ROLE, AUTH_SETTING = "full_name", "site_role", "auth_setting"
FIELDS = (NAME, FULL_NAME, EMAIL, DEPARTMENT, TITLE, MANAGER, STATUS, SITE_ROLE, AUTH_SETTING)
"""The fields of a person that hold one text. Besides them a person has keys and groups."""

ROLES = ("Unlicensed", "Viewer", "Explorer", "ExplorerCanPublish", "Creator")
"""The site roles that a source, an override or a mapping may give: administrators are made by hand."""

MOST_PATTERNS = 4096


@dataclass(frozen=True, slots=True)
class RecordColumns:
    """Which column holds what; '' wants no column.

    `keys` are columns that name a person for life, each with the kind of key it holds (an employee number, an
    objectGUID): keys of one kind are compared, of two kinds never. `fields` is by field. `separator` parts the
    groups in a cell of text; a list is taken as it is.
    """

    keys: tuple[tuple[str, str], ...] = ()
    fields: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({NAME: "Email Address"}))
    groups: str = ""
    separator: str = ";"
    starts: str = ""
    ends: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        days = (self.starts, self.ends)
        return tuple(filter(None, (*self.fields.values(), self.groups, *(column for _, column in self.keys), *days)))


@dataclass(frozen=True, slots=True)
class StatusWords:
    """What the status column says: words (with `*` and `?`) that mean somebody left, and those that mean the contrary.

    Without `active` every other word, and none, means active. `all_left`: whoever is in this source has left.
    """

    left: tuple[str, ...] = ()
    active: tuple[str, ...] = ()
    all_left: bool = False


class Record(NamedTuple):
    """One usable row: `fields` holds those that say something; `says` is one of SAYS, by word, day or by being there.

    `keys` are pairs of kind and value; `row` counts data rows from 1; `source` is the name in the settings. `turn` is
    the day on which `says` changes, '' where it does not.
    """

    source: str
    row: int
    keys: tuple[tuple[str, str], ...]
    fields: Mapping[str, str]
    groups: tuple[str, ...] = ()
    says: str = ACTIVE
    turn: str = ""


@dataclass(frozen=True, slots=True)
class Records:
    """What one source says. `name` is its name in the settings, `source` what it calls itself in messages."""

    name: str
    source: str
    records: tuple[Record, ...] = ()
    quarantined: tuple[Quarantined, ...] = ()
    count: int = 0
    as_of: str | None = None
    remarks: tuple[str, ...] = ()

    def roster(self) -> Roster:
        """The same as a Roster, by which the stops judge every source."""
        people = tuple(
            Person(r.fields.get(NAME, ""), r.fields.get(FULL_NAME, ""), r.fields.get(EMAIL, ""), "", r.row, self.source)
            for r in self.records
        )
        return Roster(self.source, people, self.quarantined, self.count, self.as_of, self.remarks)


def records(
    rows: Iterable[Mapping[str, object]],
    columns: RecordColumns,
    words: StatusWords = StatusWords(),
    *,
    name: str,
    source: str,
    as_of: str | None = None,
    calendar: Calendar = TIMELESS,
) -> Records:
    """The usable rows as records, the rest in quarantine. SourceError when a column is missing or fits several."""
    reading = _Reading(columns, words, name, source, calendar)
    usable: list[Record] = []
    quarantined: list[Quarantined] = []
    count = 0
    for count, row in enumerate(rows, start=1):
        try:
            usable.append(reading.record(row, count))
        except BadCell as bad:
            quarantined.append(Quarantined(count, bad.value, bad.reason, reading.says_left(row)))
    if count:
        reading.finder.require_all()
    remarks = oddly_written(reading.oddly, source)
    return Records(name, source, tuple(usable), tuple(quarantined), count, as_of, remarks)


def status_words_without_row(source: Records, words: StatusWords) -> Iterator[str]:
    """A sentence for each status word of the settings that fits no row, with what the column holds near it."""
    statuses = {same(value): value for record in source.records if (value := record.fields.get(STATUS, ""))}
    for key, listed in (("left", words.left), ("active", words.active)):
        for word in listed if source.count else ():
            if not any(fits(word, value) for value in statuses.values()):
                near = hint(word, dict.fromkeys(statuses.values(), ""))
                yield f"`{key}` of source `{source.name}`: `{word}` fits no row{near}"


class _Reading:
    """The columns of one source, found once, and its rows taken one after the other."""

    def __init__(self, columns: RecordColumns, words: StatusWords, name: str, source: str, calendar: Calendar) -> None:
        self.columns, self.words, self.name, self.calendar = columns, words, name, calendar
        wanted = (
            *(columns.fields.get(field_name, "") for field_name in FIELDS),
            columns.groups,
            columns.starts,
            columns.ends,
            *(c for _, c in columns.keys),
        )
        self.finder = Finder(wanted, source)
        self.oddly: list[int] = []

    def record(self, row: Mapping[str, object], number: int) -> Record:
        """The record of a row. Raises BadCell."""
        columns = self.finder.keys(tuple(row))
        fields: dict[str, str] = {}
        for name, column in zip(FIELDS, columns, strict=False):
            reading = known_by if name == EMAIL else text_of
            value = reading(_told(row, column), column) if column and name != NAME else ""
            if value:
                fields[name] = value if name != SITE_ROLE else role_of(value)
        keys = tuple(
            (kind, value)
            for (kind, _), column in zip(self.columns.keys, columns[len(FIELDS) + 3 :], strict=True)
            if (value := known_by(_told(row, column), column))
        )
        name = self._name(row, columns[0], is_needed=not keys and EMAIL not in fields)
        if name:
            fields[NAME] = name
            if row.get(columns[0] or "") is not name and has_odd_margin(row.get(columns[0] or "")):
                self.oddly.append(number)
        groups_of, starts, ends = columns[len(FIELDS) : len(FIELDS) + 3]
        stay = self.calendar.stay(row, starts, ends) if starts or ends else ALWAYS
        says = self._says(fields.get(STATUS, ""), stay)
        turn = "" if says == LEFT else stay.turn
        return Record(self.name, number, keys, fields, self._groups(row, groups_of), says, turn)

    def _name(self, row: Mapping[str, object], column: str | None, *, is_needed: bool) -> str:
        value = row.get(column) if column else None
        if not is_needed and (value is None or (isinstance(value, str) and not value.strip())):
            return ""
        if column is None:
            raise BadCell("", "has no key and no e-mail, and this source has no column with user names")
        return user_name(value, False, column)

    def _groups(self, row: Mapping[str, object], column: str | None) -> tuple[str, ...]:
        value = row.get(column) if column else None
        parts = list(value) if isinstance(value, list | tuple | set | frozenset) else None
        if parts is None:
            parts = list(text_of(row, column).split(self.columns.separator)) if value is not None else []
        names = (text_of({str(column): part}, str(column)) for part in parts)
        return tuple(sorted({same(name): name for name in names if name}.values()))

    def says_left(self, row: Mapping[str, object]) -> bool:
        """Whether a row that is not used says all the same that somebody left."""
        column = self.finder.keys(tuple(row))[FIELDS.index(STATUS)]
        status = str(row.get(column) or "").strip() if column else ""
        return self.words.all_left or (bool(status) and any(fits(word, status) for word in self.words.left))

    def _says(self, status: str, stay: Stay) -> str:
        """What the row says now: where it has a last day, that decides and not the word."""
        if stay.word == OVER:
            return LEFT
        if self.words.all_left:
            return LEAVES_LATER if stay.has_end else LEFT
        has_left = bool(status) and any(fits(word, status) for word in self.words.left)
        if has_left and not stay.has_end:
            return LEFT
        if stay.word == NOT_YET:
            return NOT_YET
        if not has_left and self.words.active and not any(fits(word, status) for word in self.words.active):
            reason = "is a status that is neither in `active` nor in `left`; add it to one of them"
            blank = "is a blank status, and `active` lists the words that mean active; write one of them"
            raise BadCell(shown(status), reason if status else blank)
        return ACTIVE


def role_of(text: str) -> str:
    """The site role a cell names, by any name people use. Raises BadCell for others, administrators among them."""
    try:
        role = role_named(text)
    except UnknownName:
        raise BadCell(shown(text), f"is no site role; those that may be given are {', '.join(ROLES)}") from None
    if role not in ROLES:
        given = f"is the site role {ui_role(role)}, which no list gives"
        given += ": administrators are made by hand" if is_admin(role) else ""
        raise BadCell(shown(text), f"{given}; those that may be given are {', '.join(ROLES)}")
    return role


def _told(row: Mapping[str, object], column: str | None) -> Mapping[str, object]:
    """The row, a number or true and false in this column as text: keys and statuses are often stored so."""
    value = row.get(column) if column else None
    if isinstance(value, bool):
        return {str(column): str(value).lower()}
    return {str(column): str(value)} if isinstance(value, int) else row


# -- patterns --------------------------------------------------------------------------------------------------


def fits(pattern: str, text: str) -> bool:
    """Whether a whole text fits a pattern with `*` (anything) and `?` (one character), in any letter case."""
    return _compiled(pattern).fullmatch(same(text)) is not None


@lru_cache(maxsize=MOST_PATTERNS)
def _compiled(pattern: str) -> re.Pattern[str]:
    parts = (".*" if c == "*" else "." if c == "?" else re.escape(c) for c in same(pattern.strip()))
    return re.compile("".join(parts), re.DOTALL)


def rows_of(pairs: Sequence[tuple[str, int]]) -> str:
    """`row 3 of hr and row 9 of crm`."""
    rows = [f"row {row} of {source}" for source, row in pairs]
    return " and ".join([", ".join(rows[:-1]), rows[-1]] if len(rows) > 1 else rows)
