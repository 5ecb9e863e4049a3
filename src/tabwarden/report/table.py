"""Lines, tables and groups of them as reports make them, and how they are drawn for a terminal, a pipe or a file.

Words are data here: nothing in them is markup, and what would act in a terminal is drawn as an escape. A cell that is
too wide is folded, at spaces where there are some: nothing is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple
from unicodedata import category, east_asian_width

from tabwarden.model.names import visible

# Left, between columns, right: above, beside the headings, below them, beside the rows, at the end.
HEAVY = ("┏━┳┓", "┃ ┃┃", "┡━╇┩", "│ ││", "└─┴┘")
ASCII = ("+-++", "| ||", "+-++", "| ||", "+-++")
STYLES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33"}
_PIECES = re.compile(r"(?<= )(?=[^ ])")


class Text(NamedTuple):
    """Words in one style: nothing, or words of STYLES."""

    words: str
    style: str = ""


class Pen(NamedTuple):
    """What is drawn on: its width, whether it shows styles, and the strokes it can show."""

    width: int
    styles: bool = False
    box: Sequence[str] = HEAVY

    def ink(self, words: str, style: str) -> str:
        """The words in their style."""
        codes = ";".join(STYLES[word] for word in style.split()) if self.styles else ""
        return f"\x1b[{codes}m{words}\x1b[0m" if codes else words


class Table:
    """Columns by their headings and rows of cells; a `plain` one has neither headings nor strokes.

    `title` stands above it and `caption` below; `centred` are the columns whose words stand in the middle.
    """

    def __init__(
        self, *headings: str, title: Text | None = None, plain: bool = False, centred: Iterable[int] = ()
    ) -> None:
        self.headings, self.title, self.plain = headings, title, plain
        self.caption, self.centred = "", frozenset(centred)
        self.rows: list[tuple[Text, ...]] = []

    def add_row(self, *cells: str | Text) -> None:
        """One more, below."""
        self.rows.append(tuple(Text(cell) if isinstance(cell, str) else cell for cell in cells))


class Group(NamedTuple):
    """Several of them, one below the other."""

    parts: Sequence[Drawable]


Drawable = str | Text | Table | Group


def drawn(part: Drawable, pen: Pen) -> Iterator[str]:
    """Its lines. Words that are no cell stay whole: a terminal folds them, a pipe gets them uncut."""
    if isinstance(part, str):
        yield visible(part)
    elif isinstance(part, Text):
        yield pen.ink(visible(part.words), part.style)
    elif isinstance(part, Group):
        for one in part.parts:
            yield from drawn(one, pen)
    else:
        yield from _Drawing(part, pen).lines()


class _Drawing:
    """One table on its way to lines."""

    def __init__(self, table: Table, pen: Pen) -> None:
        self.table, self.pen = table, pen
        self.rows = [tuple(Text(visible(cell.words), cell.style) for cell in row) for row in table.rows]
        self.headings = tuple(Text(visible(heading), "bold") for heading in table.headings)
        columns = list(zip(*(self.headings and [self.headings]), *self.rows, strict=True))
        natural = [max(_wide(cell.words) for cell in column) for column in columns]
        strokes = 2 * (len(natural) - 1) if table.plain else 3 * len(natural) + 1
        self.widths = _fitting(natural, pen.width - strokes)

    def lines(self) -> Iterator[str]:
        table, (top, head, middle, side, bottom) = self.table, self.pen.box
        if table.title is not None:
            yield self.pen.ink(visible(table.title.words), table.title.style)
        if not table.plain:
            yield self._stroke(top)
            yield from self._row(self.headings, f"{head[0]} ", f" {head[2]} ", f" {head[3]}")
            yield self._stroke(middle)
        edges = ("", "  ", "") if table.plain else (f"{side[0]} ", f" {side[2]} ", f" {side[3]}")
        for row in self.rows:
            yield from self._row(row, *edges)
        if not table.plain:
            yield self._stroke(bottom)
        if table.caption:
            yield self.pen.ink(table.caption, "dim")

    def _stroke(self, box: str) -> str:
        return box[0] + box[2].join(box[1] * (width + 2) for width in self.widths) + box[3]

    def _row(self, cells: Sequence[Text], left: str, between: str, right: str) -> Iterator[str]:
        columns = [
            [words] if len(words) <= width and words.isascii() else _folded(words, width)
            for (words, _), width in zip(cells, self.widths, strict=True)
        ]
        for place in range(max(map(len, columns))):
            lines = (column[place] if place < len(column) else "" for column in columns)
            line = left + between.join(self._cell(n, line, cells[n].style) for n, line in enumerate(lines)) + right
            yield line if right else line.rstrip()

    def _cell(self, column: int, words: str, style: str) -> str:
        spaces = self.widths[column] - (len(words) if words.isascii() else _wide(words))
        before = spaces // 2 if column in self.table.centred else 0
        inked = self.pen.ink(words, style) if style and words else words
        return " " * before + inked + " " * (spaces - before)


def _fitting(widths: Sequence[int], room: int) -> list[int]:
    """The widest columns are narrowed until all have room, as far as that is possible."""
    widths = list(widths)
    while (excess := sum(widths) - room) > 0 and (widest := max(widths)) > 1:
        those = [place for place, width in enumerate(widths) if width == widest]
        step = widest - max((width for width in widths if width < widest), default=1)
        narrower, more = divmod(min(excess, step * len(those)), len(those))
        for number, place in enumerate(those):
            widths[place] -= narrower + (number < more)
    return widths


def _folded(words: str, width: int) -> list[str]:
    """Lines no wider than `width`."""
    lines, line = [], ""
    for piece in _PIECES.split(words):
        if line and _wide((line + piece).rstrip()) > width:
            lines.append(line.rstrip())
            line = ""
        line += piece
        while (end := _fits(line, width)) < len(line.rstrip()):
            lines.append(line[:end])
            line = line[end:]
    return [*lines, line.rstrip()]


def _fits(words: str, width: int) -> int:
    """How many of the first letters are no wider than `width`; one at least."""
    for place, letter in enumerate(words):
        width -= _columns(letter)
        if width < 0:
            return max(place, 1)
    return len(words)


def _wide(words: str) -> int:
    """How many columns of a terminal the words take."""
    return len(words) if words.isascii() else sum(map(_columns, words))


def _columns(letter: str) -> int:
    """Marks stand on the letter before them, and so does what joins a Hangul letter."""
    if category(letter) in ("Mn", "Me") or "\u1160" <= letter <= "\u11ff":
        return 0
    return 2 if east_asian_width(letter) in "WF" else 1
