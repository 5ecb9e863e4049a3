"""Which line of a table names its columns: of a CSV file or an Excel sheet, as people have them.

Titles above the heading are passed over where a column that is asked for stands below them; a file without a heading
is said to be one. Not how a file is taken apart (files.py).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import Literal

from tabwarden.model.errors import SourceError
from tabwarden.model.roles import role_from_csv
from tabwarden.sources import Row, empty, refuse_twins, unreadable
from tabwarden.want.cells import Broken, loose, shown, told

Header = int | Literal["yes", "no", "tableau"]
Record = tuple[int, Sequence[object]]
"""A line of the file, counted from 1, with its cells."""

DELIMITERS = ",;\t|"
LOOKED_AT = 20
"""Lines among which the heading is looked for."""

USER_NAME, FULL_NAME, SITE_ROLE, EMAIL, AUTH_SETTING = "Username", "Full name", "Site role", "Email", "Auth setting"
IMPORTED = {"name": USER_NAME, "full_name": FULL_NAME, "email": EMAIL, "auth_setting": AUTH_SETTING}
_IMPORT = 8
"""Most columns of Tableau's own import: name, password, full name, licence, administrator, publisher, mail, sign-in."""

_PERSON = re.compile(r"\s*(?:mailto:)?[^\s@,;]+@[^\s@,;]+\.[^\s@,;]+\s*|\s*\w[\w.-]*\\[\w.-]+\s*")
_NO_NAME = re.compile(r"\s*(?:[\d.,:/ -]+|true|false)\s*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Table:
    """What the settings say of the heading, which columns are wanted, and the words for the file."""

    header: Header
    wanted: Sequence[str]
    source: str
    between: str = ","


def rows_of(records: Iterator[Record], table: Table, remarks: list[str]) -> Iterator[Row]:
    """The rows by column. Remarks tell what was passed over. Raises SourceError where the heading is not clear."""
    if table.header == "tableau":
        return _rows(records, _imported, _IMPORT, table)
    records = _from_the_first(records)
    first = list(islice(records, LOOKED_AT))
    if not first:
        raise empty(table.source)
    whole = chain(first, records)
    if table.header == "no":
        width = len(first[0][1])
        return _rows(whole, _by_position, width, table)
    place = _place(first, table, remarks)
    heading = [_text(cell) for cell in first[place][1]]
    # The names of the columns up to the last that has one; '' for one without.
    while heading and not heading[-1]:
        heading.pop()
    refuse_twins([name for name in heading if name], table.source)
    unnamed = [number for number, name in enumerate(heading, start=1) if not name]
    if unnamed:
        which = ", ".join(map(str, unnamed))
        remarks.append(f"{table.source} has no heading over column {which}, which is not read")
    return _rows(chain(first[place + 1 :], records), _by_name(heading), len(heading), table)


def _from_the_first(records: Iterator[Record]) -> Iterator[Record]:
    """Without blank lines at the beginning."""
    for number, cells in records:
        if any(map(_text, cells)):
            yield number, cells
            break
    yield from records


def _text(cell: object) -> str:
    return "" if cell is None else str(cell).strip()


# -- where the heading is ---------------------------------------------------------------------------------------


def _place(first: Sequence[Record], table: Table, remarks: list[str]) -> int:
    """The place of the heading among the first lines."""
    if isinstance(table.header, int):
        lines = [number for number, _ in first]
        if table.header not in lines:
            raise unreadable(
                f"line {table.header} of {table.source} is no heading; `header` is the line of the heading"
            )
        return lines.index(table.header)
    place = named_in([cells for _, cells in first], table.wanted)
    number, cells = first[place or 0]
    if any(_PERSON.fullmatch(_text(cell)) for cell in cells):
        raise _without_heading(number, cells, table)
    if place is None:
        raise _without_column(first, table)
    for above, title in first[:place]:
        words = [text for cell in title if (text := _text(cell))]
        if any(map(_PERSON.fullmatch, words)) or len(words) >= sum(1 for cell in cells if _text(cell)):
            raise unreadable(
                f"{table.source} has {told(words)} in line {above}, above the heading in line {number}; "
                f"take that line out, or say `header: {number}` if it is a title"
            )
        if words:
            remarks.append(
                f"line {above} of {table.source} ({told(words)}) is taken for a title: the heading is line {number}"
            )
    return place


def named_in(lines: Sequence[Sequence[object]], wanted: Sequence[str]) -> int | None:
    """The first line with most of the wanted columns; None where no line has any."""
    names = {loose(name) for name in wanted if name}
    scores = [len(names & {loose(text) for cell in line if (text := _text(cell))}) for line in lines]
    best = max(scores, default=0)
    return scores.index(best) if best else None


def _without_heading(number: int, cells: Sequence[object], table: Table) -> SourceError:
    """Only the first cell is shown: an import file has a password in the second."""
    begins = next(text for cell in cells if (text := _text(cell)))
    return unreadable(
        f"{table.source} seems to have no heading line: line {number} begins with `{shown(begins)}`; write a heading "
        "above it, or say `header: no` and name columns by position (`column: 1`), or `header: tableau` for the "
        "columns of Tableau's own import"
    )


def _without_column(first: Sequence[Record], table: Table) -> SourceError:
    """No line names a wanted column: perhaps there is no heading, perhaps it is called otherwise."""
    number, cells = next((r for r in first if len([c for c in r[1] if _text(c)]) > 1), first[0])
    if any(_NO_NAME.fullmatch(_text(cell)) for cell in cells if _text(cell)):
        return _without_heading(number, cells, table)
    title = [text for cell in first[0][1] if (text := _text(cell))]
    above = f"; line {first[0][0]} ({told(title)}) seems to be a title" if number != first[0][0] else ""
    missing = ", ".join(f"`{shown(name)}`" for name in table.wanted if name)
    return unreadable(
        f"{table.source} has no column {missing}; found: {told(filter(None, map(_text, cells)))}{above}; name the "
        f"right one in `column` of the settings, or say `header: no` if line {number} is a person already"
    )


# -- rows ---------------------------------------------------------------------------------------------------------

_Making = Callable[[Sequence[object]], Row]


def _rows(records: Iterator[Record], row_of: _Making, width: int, table: Table) -> Iterator[Row]:
    """A row each; one that is too long is Broken, one that is too short ends in nulls, where the roster says so."""
    for _, cells in records:
        if len(cells) > width and any(map(_text, cells[width:])):
            number = max(n for n, cell in enumerate(cells, start=1) if _text(cell))
            have = f"has {number} cells under {width} columns"
            reason = f"{have}; put double quotes around a cell that holds `{table.between}`"
            line = cells if table.header != "tableau" else cells[:1]
            text = table.between.join("" if cell is None else str(cell) for cell in line)
            yield dict.fromkeys(row_of(cells), Broken(text, reason))
        elif len(cells) == 1 < width and (other := _parted_otherwise(str(cells[0]), width, table)):
            reason = f"is parted by `{other}` and the heading by `{table.between}`; write both alike"
            yield dict.fromkeys(row_of(cells), Broken(str(cells[0]), reason))
        else:
            yield row_of(cells)


def _parted_otherwise(line: str, width: int, table: Table) -> str:
    """By what a line has the cells it lacks; '' where it has none of them."""
    if table.header == "tableau":
        return ""
    return next((one for one in DELIMITERS if one != table.between and line.count(one) == width - 1), "")


def _by_name(columns: Sequence[str]) -> _Making:
    width = len(columns)
    if all(columns):

        def making(cells: Sequence[object]) -> Row:
            if len(cells) >= width:
                return dict(zip(columns, cells, strict=False))
            return dict(zip(columns, (*cells, *[None] * (width - len(cells))), strict=True))

        return making
    named = [(place, name) for place, name in enumerate(columns) if name]

    def making_some(cells: Sequence[object]) -> Row:
        return {name: cells[place] if place < len(cells) else None for place, name in named}

    return making_some


def _by_position(cells: Sequence[object]) -> Row:
    return {str(place): cell for place, cell in enumerate(cells, start=1)}


def _imported(cells: Sequence[object]) -> Row:
    """A line of Tableau's own import; the password is read by nobody."""
    name, _, full_name, licence, admin, publisher, mail, auth = (*cells, *[""] * _IMPORT)[:_IMPORT]
    words = [_text(cell) for cell in (licence, admin, publisher)]
    role = role_from_csv(*words) if any(words) else ""
    return {USER_NAME: name, FULL_NAME: full_name, SITE_ROLE: role, EMAIL: mail, AUTH_SETTING: auth}
