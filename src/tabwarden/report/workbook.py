"""An answer as a workbook of Excel: what it says on the first sheet, and a sheet for each of its tables.

Every cell is a number, a time or text; none is a formula or a link, and text that Excel would make a formula of when
somebody edits it keeps its mark of text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import IO, TYPE_CHECKING, Any

from tabwarden.model.names import visible
from tabwarden.report.table import NUMBER, TIME, WORDS, Cell, Column, Drawable, Row, Table, Text, flat, words_of
from tabwarden.report.text import FORMULA, left_out

if TYPE_CHECKING:
    from xlsxwriter import Workbook

MOST_LETTERS, MOST_ROWS = 32_767, 1_048_575  # of a cell and, below the headings, of a sheet, in Excel
WIDEST, LOOKED_AT = 60, 500  # columns of letters, rows that tell how wide a column is
SHEET = "Summary"
_NO_SHEET = re.compile(r"[\[\]:*?/\\']")


def write(file: IO[bytes], parts: Iterable[Drawable], head: Sequence[str], limit: int | None) -> None:
    """The workbook into a binary file; `head` tells where it is from."""
    from xlsxwriter import Workbook

    listed = list(flat(list(parts)))
    with Workbook(file, {"constant_memory": True, "strings_to_urls": False, "strings_to_formulas": False}) as workbook:
        _Sheets(workbook).write(listed, head, limit)


class _Sheets:
    def __init__(self, workbook: Workbook) -> None:
        self.workbook = workbook
        self._formats: dict[tuple[str, str, bool], Any] = {}
        self._names: set[str] = set()

    def write(self, parts: Sequence[Text | Table], head: Sequence[str], limit: int | None) -> None:
        """What is said, then each table that has rows."""
        front = self.workbook.add_worksheet(self._name(SHEET))
        front.set_column(0, 0, 110, self._format("wrapped"))
        front.hide_gridlines(2)
        tables = [part for part in parts if isinstance(part, Table)]
        said = [(visible(part.words), part.style) for part in parts if isinstance(part, Text)]
        lines: list[tuple[str, str]] = [*said, ("", "")]
        names = []
        for table in tables:
            rows = table.cut(limit, watched=False)
            more = f", {left_out(table, rows)}" if len(rows) < len(table.rows) else ""
            for start in range(0, max(len(rows), 1), MOST_ROWS):
                names.append((table, self._name(table.name), rows[start : start + MOST_ROWS] if start else rows))
                words = f": {visible(table.title.words)}" if table.title.words else ""
                lines.append((f"Sheet {names[-1][1]}{words}, {len(rows):,} rows{more}", ""))
        lines += [("", ""), *((visible(line), "dim") for line in head)]
        for place, (words, style) in enumerate(lines):
            self._text(front, (place, 0), words, "wrapped", style)
        for table, name, rows in names:
            self._table(self.workbook.add_worksheet(name), table, rows[:MOST_ROWS])

    def _table(self, sheet: Any, table: Table, rows: Sequence[Row]) -> None:
        sheet.freeze_panes(1, 0)
        for place, column in enumerate(table.columns):
            sheet.set_column(place, place, _width(column, place, rows))
            sheet.write_string(0, place, visible(column.head), self._format("head"))
        for number, row in enumerate(rows, 1):
            for place, (column, cell) in enumerate(zip(table.columns, row, strict=True)):
                self._cell(sheet, number, place, column, cell)
        if rows:
            sheet.autofilter(0, 0, len(rows), len(table.columns) - 1)

    def _cell(self, sheet: Any, row: int, place: int, column: Column, cell: Cell) -> None:
        style = cell.style if isinstance(cell, Text) else ""
        if isinstance(cell, int):
            sheet.write_number(row, place, cell, self._format("number"))
            return
        words = visible(words_of(cell))
        when = _time(words) if column.kind == TIME else None
        if when is not None:
            sheet.write_datetime(row, place, when, self._format("time"))
        elif words:
            self._text(sheet, (row, place), words, "wrapped" if column.kind == WORDS else "", style)

    def _text(self, sheet: Any, at: tuple[int, int], words: str, kind: str, style: str) -> None:
        if len(words) > MOST_LETTERS:
            more = " ... and more than a cell of Excel holds; `--csv` has all of it"
            words = words[: MOST_LETTERS - len(more)] + more
        sheet.write_string(*at, words, self._format(kind, style, quoted=bool(FORMULA.match(words))))

    def _format(self, kind: str, style: str = "", *, quoted: bool = False) -> Any:
        key = (kind, style, quoted)
        if key not in self._formats:
            look: dict[str, Any] = {"valign": "top", "quote_prefix": quoted, "bold": "bold" in style}
            colours = [colour for word, colour in _COLOURS.items() if word in style]
            look |= {"font_color": colours[0]} if colours else {}
            self._formats[key] = self.workbook.add_format(look | _LOOKS.get(kind, {}))
        return self._formats[key]

    def _name(self, wanted: str) -> str:
        """A name that Excel takes and no other sheet has."""
        bare = _NO_SHEET.sub(" ", visible(wanted)).strip()[:27] or SHEET
        name, number = bare, 1
        while name.casefold() in self._names:
            number += 1
            name = f"{bare} {number}"
        self._names.add(name.casefold())
        return name


_COLOURS = {"green": "#116329", "red": "#A40E26", "yellow": "#7D4E00", "dim": "#57606A"}
_LOOKS: dict[str, dict[str, Any]] = {
    "head": {"bold": True, "bg_color": "#E8EEF4", "bottom": 1},
    "number": {"num_format": "#,##0"},
    "time": {"num_format": "yyyy-mm-dd hh:mm"},
    "wrapped": {"text_wrap": True},
}


def _width(column: Column, place: int, rows: Sequence[Row]) -> float:
    words = (words_of(rows[number][place]) for number in range(min(len(rows), LOOKED_AT)))
    widest = max((len(one) for one in words), default=0)
    return min(max(widest, len(column.head) + 3, 8 if column.kind == NUMBER else 6) + 1, WIDEST)


def _time(words: str) -> datetime | None:
    """A time as Excel has it, in UTC; None where the words are none."""
    try:
        when = datetime.fromisoformat(words)
    except ValueError:
        return None
    return when.astimezone(UTC).replace(tzinfo=None) if when.tzinfo else when
