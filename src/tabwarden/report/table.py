"""The one description of what a command answers: sentences, tables of described columns, and groups of them.

A command makes its answer of these and hands it to `Output.give`; `report.screen` draws it for a terminal,
`report.text` writes it as tab-separated text, CSV, Markdown and HTML, `report.workbook` as a workbook of Excel. So a
table says what it holds, and never how it looks:

    table = Table(Column("User", NAME), "Site role", Column("May View", NUMBER), name="people")
    table.add_row(user.name, ui_role(user.site_role), 12)
    output.give(["3 of 5 people", table], lambda: {...})

Words are data: nothing in them is markup. All rows stand in the table, and how many are shown is the output's matter.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from copy import copy
from typing import Any, Generic, NamedTuple, TypeVar, overload

# The kinds of a column. NAME identifies (a user, a path, a file): it is folded after `/`, `@`, `.`, and never cut.
# NUMBER (an int) and TIME (ISO 8601) are never folded; MARK is a word of a few, such as yes; WORDS are sentences.
WORDS, NAME, NUMBER, TIME, MARK = "words", "name", "number", "time", "mark"
PERSON, GROUP, CONTENT, GRANTEE, LINT = "person", "group", "content", "grantee", "lint"
SHOWN = 200  # rows of a table that a terminal shows where nobody says another number
FEW = 5
_NO_FIELD = re.compile(r"\W+")


class Text(NamedTuple):
    """Words in one style: nothing, or words of `screen.STYLES`; `command` is a line to be copied, never folded."""

    words: str
    style: str = ""


class Many(NamedTuple):
    """Several names in one cell: a terminal shows the first few and how many more, everything else has all."""

    names: Sequence[str]
    before: str = ""
    shown: int = FEW

    def listed(self, names: Sequence[str]) -> str:
        """`ann, bob and 3 more`: the first names, as they are given, and how many are not among them."""
        more = len(self.names) - len(names)
        return f"{', '.join(names)} and {more:,} more" if more > 0 else ", ".join(names)

    @property
    def whole(self) -> str:
        return self.before + ", ".join(self.names)


Cell = str | int | None | Text | Many
Row = Sequence[Cell]
T = TypeVar("T")


class Column(NamedTuple):
    """A heading, the kind of what stands below it, and the name by which `--fields` calls it.

    `of` is what its names are names of (PERSON, GROUP, CONTENT, LINT, or GRANTEE, as `group A`): a page leads there.
    """

    heading: str
    kind: str = WORDS
    called: str = ""
    of: str = ""

    @property
    def head(self) -> str:
        """What stands above it where somebody sees the table alone: the heading, else its name."""
        return self.heading or self.called.replace("_", " ").capitalize()

    @property
    def field(self) -> str:
        """`site_role`: the heading in small letters unless it is called otherwise."""
        return self.called or _NO_FIELD.sub("_", self.heading.casefold()).strip("_")


class Rows(Sequence[Row], Generic[T]):
    """A row for each thing, made when it is looked at: of a hundred thousand only those that are shown."""

    def __init__(self, things: Sequence[T], make: Callable[[T], Row]) -> None:
        self._things, self._make = things, make

    def __len__(self) -> int:
        return len(self._things)

    @overload
    def __getitem__(self, place: int) -> Row: ...
    @overload
    def __getitem__(self, place: slice) -> Rows[T]: ...
    def __getitem__(self, place: int | slice) -> Row | Rows[T]:
        if isinstance(place, slice):
            return Rows(self._things[place], self._make)
        return self._make(self._things[place])

    def __iter__(self) -> Iterator[Row]:
        return map(self._make, self._things)


class Table:
    """Columns and rows. A string is a column of WORDS.

    `name` is one word by which `--part` and a sheet call it; `title` stands above it. `rows` may be given as a whole,
    lazily as Rows; `shown` is how many rows a terminal shows unless it is told otherwise, and `first` which, where
    those are not the first ones. A `plain` table shows no headings. A `grid` has alike columns beside the first one: a
    narrow terminal shows some of them at a time. One that is `aside` sums up others, which CSV gives before it.
    """

    def __init__(
        self,
        *columns: str | Column,
        name: str = "answer",
        title: str | Text = "",
        rows: Sequence[Row] | None = None,
        plain: bool = False,
        grid: bool = False,
        shown: int = SHOWN,
        first: Sequence[int] | None = None,
        aside: bool = False,
    ) -> None:
        self.columns = tuple(Column(column) if isinstance(column, str) else column for column in columns)
        self.name, self.plain, self.grid, self.shown, self.first = name, plain, grid, shown, first
        self.aside = aside
        self.title = title if isinstance(title, Text) else Text(title, "bold")
        self.rows: Sequence[Row] = [] if rows is None else rows

    def add_row(self, *cells: Cell) -> None:
        assert isinstance(self.rows, list)
        self.rows.append(cells)

    @property
    def fields(self) -> tuple[str, ...]:
        return tuple(column.field for column in self.columns)

    def beside(self, column: Column, cells: Sequence[Cell]) -> Table:
        """The same with one more column at the end, a cell a row."""
        table = copy(self)
        table.columns = (*self.columns, column)
        table.rows = Rows(range(len(self.rows)), lambda row: (*self.rows[row], cells[row]))
        return table

    def of(self, fields: Sequence[str]) -> Table:
        """The same with these columns alone, in this order."""
        places = [self.fields.index(field) for field in fields]
        rows = Rows(self.rows, lambda row: [row[place] for place in places])
        columns = [self.columns[place] for place in places]
        return Table(
            *columns, name=self.name, title=self.title, rows=rows, plain=self.plain, shown=self.shown, first=self.first
        )

    def cut(self, limit: int | None, *, watched: bool) -> Sequence[Row]:
        """The rows that are given: `limit` of them (0: all); without one all, or as many as a terminal shows."""
        if limit is None and watched and self.first is not None:
            return [self.rows[place] for place in self.first]
        most = (self.shown if watched else 0) if limit is None else limit
        return self.rows[:most] if 0 < most < len(self.rows) else self.rows


class Group(NamedTuple):
    """Several of them, one below the other."""

    parts: Sequence[Drawable]


Drawable = str | Text | Table | Group


def flat(parts: Iterator[Drawable] | Sequence[Drawable]) -> Iterator[Text | Table]:
    """Sentences and tables in their order."""
    for part in parts:
        if isinstance(part, Group):
            yield from flat(part.parts)
        else:
            yield Text(part) if isinstance(part, str) else part


def words_of(cell: Cell) -> str:
    """A cell in full, as words; nothing in it is made visible yet."""
    if isinstance(cell, str):
        return cell
    if isinstance(cell, Text):
        return cell.words
    if isinstance(cell, Many):
        return cell.whole
    return "" if cell is None else str(cell)


def value_of(cell: Cell) -> Any:
    """A cell as JSON has it: words, a number, null, or a list of names."""
    if isinstance(cell, Many):
        return list(cell.names)
    return cell.words if isinstance(cell, Text) else cell
