"""Records: the rows of one source of people, each with every field the settings name.

A bad row never stops the others; it is put in quarantine as in roster.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple

from tabwarden.model.names import same
from tabwarden.want.cells import BadCell, Finder, has_odd_margin, known_by, oddly_written, shown, text_of, user_name
from tabwarden.want.roster import Person, Quarantined, Roster

ACTIVE, LEFT = "active", "left"
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

    @property
    def names(self) -> tuple[str, ...]:
        """All columns that are wanted."""
        return tuple(filter(None, (*self.fields.values(), self.groups, *(column for _, column in self.keys))))


@dataclass(frozen=True, slots=True)
class StatusWords:
    """What the status column says: words (with `*` and `?`) that mean somebody left, and those that mean the contrary.

    Without `active` every other word means active. `all_left`: whoever is in this source has left.
    """

    left: tuple[str, ...] = ()
    active: tuple[str, ...] = ()
    all_left: bool = False


class Record(NamedTuple):
    """One usable row: `fields` holds those that say something; `says` is ACTIVE or LEFT, by word or by being there.

    `keys` are pairs of kind and value; `row` counts data rows from 1; `source` is the name in the settings.
    """

    source: str
    row: int
    keys: tuple[tuple[str, str], ...]
    fields: Mapping[str, str]
    groups: tuple[str, ...] = ()
    says: str = ACTIVE


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
) -> Records:
    """The usable rows as records, the rest in quarantine. SourceError when a column is missing or fits several."""
    reading = _Reading(columns, words, name, source)
    usable: list[Record] = []
    quarantined: list[Quarantined] = []
    count = 0
    for count, row in enumerate(rows, start=1):
        try:
            usable.append(reading.record(row, count))
        except BadCell as bad:
            quarantined.append(Quarantined(count, bad.value, bad.reason))
    if count:
        reading.finder.require_all()
    remarks = oddly_written(reading.oddly, source)
    return Records(name, source, tuple(usable), tuple(quarantined), count, as_of, remarks)


class _Reading:
    """The columns of one source, found once, and its rows taken one after the other."""

    def __init__(self, columns: RecordColumns, words: StatusWords, name: str, source: str) -> None:
        self.columns, self.words, self.name = columns, words, name
        wanted = (
            *(columns.fields.get(field_name, "") for field_name in FIELDS),
            columns.groups,
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
            for (kind, _), column in zip(self.columns.keys, columns[len(FIELDS) + 1 :], strict=True)
            if (value := known_by(_told(row, column), column))
        )
        name = self._name(row, columns[0], is_needed=not keys and EMAIL not in fields)
        if name:
            fields[NAME] = name
            if has_odd_margin(row.get(columns[0] or "")):
                self.oddly.append(number)
        groups = self._groups(row, columns[len(FIELDS)])
        return Record(self.name, number, keys, fields, groups, self._says(fields.get(STATUS, "")))

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

    def _says(self, status: str) -> str:
        if self.words.all_left:
            return LEFT
        if status and any(fits(word, status) for word in self.words.left):
            return LEFT
        if status and self.words.active and not any(fits(word, status) for word in self.words.active):
            raise BadCell(shown(status), "is a status that is neither in `active` nor in `left`; add it to one of them")
        return ACTIVE


def role_of(text: str) -> str:
    """The site role a cell names, in any letter case. Raises BadCell for others, administrators among them."""
    role_known = next((role for role in ROLES if same(role) == same(text)), None)
    if role_known is None:
        raise BadCell(shown(text), f"is no site role that may be given; it is one of {', '.join(ROLES)}")
    return role_known


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
