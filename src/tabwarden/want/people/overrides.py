"""Overrides from the rows of a source, each about one person, with columns called as the fields.

person,department,site_role,reason
jane@example.com,Finance,Explorer,on loan until spring
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from tabwarden.model.names import same
from tabwarden.want.cells import BadCell, column_of, shown, text_of, told, user_name
from tabwarden.want.people.person import KEY, Override
from tabwarden.want.people.records import ACTIVE, FIELDS, LEFT, NAME, SITE_ROLE, STATUS, role_of
from tabwarden.want.roster import Quarantined

PERSON, GROUPS, REASON = "person", "groups", "reason"
COLUMNS = (PERSON, KEY, *FIELDS, GROUPS, REASON)


class OverrideRows(NamedTuple):
    """The overrides of a source, and its rows that are none."""

    overrides: tuple[Override, ...] = ()
    quarantined: tuple[Quarantined, ...] = ()


def override_rows(rows: Iterable[Mapping[str, object]], source: str, separator: str = ";") -> OverrideRows:
    """One override a row; blank cells leave a field to the sources. A bad row is put in quarantine.

    Without a column `person`, or with one that is no field, every row is: a misspelt heading must not go unseen.
    """
    overrides: list[Override] = []
    quarantined: list[Quarantined] = []
    for number, row in enumerate(rows, start=1):
        try:
            overrides.append(_override(row, number, source, separator))
        except BadCell as bad:
            quarantined.append(Quarantined(number, bad.value, bad.reason))
    return OverrideRows(tuple(overrides), tuple(quarantined))


def _override(row: Mapping[str, object], number: int, source: str, separator: str) -> Override:
    columns = {field: column_of(field, tuple(row), source) for field in COLUMNS}
    others = [column for column in row if column not in columns.values()]
    if others:
        raise BadCell(told(others), f"is no column of overrides; they are {', '.join(COLUMNS)}")
    cells = {field: text_of(row, column) if column else "" for field, column in columns.items()}
    person = cells[PERSON]
    if not person:
        raise BadCell(shown(person), "names nobody; write a user name, an e-mail or `kind:value` of a key in `person`")
    fields = {field: cells[field] for field in FIELDS if cells[field]}
    if NAME in fields:
        fields[NAME] = user_name(fields[NAME], False)
    if SITE_ROLE in fields:
        fields[SITE_ROLE] = role_of(fields[SITE_ROLE])
    if STATUS in fields:
        text = fields[STATUS]
        if same(text) not in (ACTIVE, LEFT):
            raise BadCell(shown(text), f"is no status of an override; write {ACTIVE} or {LEFT}")
        fields[STATUS] = same(text)
    groups = tuple(name for part in cells[GROUPS].split(separator) if (name := part.strip()))
    return Override(person, fields, _keys(cells[KEY]), groups or None, number, source)


def _keys(text: str) -> tuple[tuple[str, str], ...]:
    kind, colon, value = text.partition(":")
    if not text:
        return ()
    return ((kind.strip(), value.strip()),) if colon else ((KEY, text),)
