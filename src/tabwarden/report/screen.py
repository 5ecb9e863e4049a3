"""An answer as lines of a terminal: no line is wider than it, and nothing that identifies is cut.

A table that is too wide has its sentences folded at spaces, then its names after `/`, `@`, `.` and the like; where
even that does not do, each row becomes lines of its own, a heading and its value on each. Nothing acts in a terminal
that is not ours: `visible` makes escapes of it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple
from unicodedata import category, east_asian_width

from tabwarden.model.names import visible
from tabwarden.report.table import (
    MARK,
    NAME,
    NUMBER,
    TIME,
    WORDS,
    Cell,
    Column,
    Drawable,
    Many,
    Table,
    Text,
    flat,
    words_of,
)

STYLES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33"}
GAP = "  "
COMFORT = 24  # a column of sentences is narrower only where there is no other way
TALL = 4  # lines of a row, on average, from which on rows are better read one below the other
LEAST = 20  # no terminal is narrower
JOINED = "\u00a0"  # stands for a space within a name, which is no place to break before others are used up
# Where a line may end: each where the one before does not do, then between any two letters.
_BREAKS = tuple(
    map(re.compile, (r"(?<= )(?=[^ ])", r"(?<=[/\\@])(?=.)", rf"(?<={JOINED})(?=.)", r"(?<=[.,:;_=-])(?=.)"))
)


class Pen(NamedTuple):
    """What is drawn on: its width in columns (None: as wide as it takes), whether it shows styles, the stroke it has,
    and how many rows of a table somebody wants (None: what the table itself says, 0: all); `bare` leaves headings out.
    """

    width: int | None = None
    styles: bool = False
    stroke: str = "─"
    limit: int | None = None
    bare: bool = False

    def ink(self, words: str, style: str) -> str:
        codes = ";".join(STYLES[word] for word in style.split() if word in STYLES) if self.styles and words else ""
        return f"\x1b[{codes}m{words}\x1b[0m" if codes else words


def drawn(parts: Iterable[Drawable], pen: Pen) -> Iterator[str]:
    """Its lines, an empty one between a table and what follows."""
    after_table = False
    for part in flat(list(parts)):
        if after_table:
            yield ""
        after_table = isinstance(part, Table) and not part.plain
        if isinstance(part, Table):
            yield from _table(part, pen)
        else:
            yield from _sentence(part, pen)


def _sentence(text: Text, pen: Pen) -> Iterator[str]:
    words = visible(text.words)
    if pen.width is None or _wide(words) <= pen.width or "command" in text.style:
        yield pen.ink(words, text.style)
        return
    indent = " " * min(len(words) - len(words.lstrip()), 8)
    first, *more = folded(words, pen.width)
    yield pen.ink(first, text.style)
    yield from (pen.ink(indent + line, text.style) for line in folded(" ".join(more), pen.width - len(indent)) if more)


def _table(table: Table, pen: Pen) -> Iterator[str]:
    rows = table.cut(pen.limit, watched=True)
    if not table.rows:
        return
    if table.title.words and not pen.bare:
        yield from _sentence(table.title, pen)
    cells = [[_on_screen(cell, column) for cell, column in zip(row, table.columns, strict=True)] for row in rows]
    yield from _laid_out(table, cells, pen)
    if len(rows) < len(table.rows):
        yield pen.ink(f"and {len(table.rows) - len(rows):,} more; `--limit 0` shows all", "dim")


def _on_screen(cell: Cell, column: Column) -> Text:
    style = cell.style if isinstance(cell, Text) else ""
    if isinstance(cell, int):
        return Text(f"{cell:,}")
    if isinstance(cell, Many):
        names = [visible(name).replace(" ", JOINED) for name in cell.names[: cell.shown]]
        return Text(visible(cell.before) + cell.listed(names))
    words = visible(words_of(cell))
    return Text(words.replace(" ", JOINED) if column.kind == NAME else words, style)


def _laid_out(table: Table, rows: Sequence[Sequence[Text]], pen: Pen) -> Iterator[str]:
    """As columns; a grid some columns at a time; else a row as lines. Where room is short a column with nothing in it
    is left out.
    """
    columns: Sequence[Column] = table.columns
    full = [place for place in range(len(columns)) if any(row[place].words for row in rows)]
    if rows and len(full) < len(columns) and _widths(columns, rows, table, pen) != _natural(columns, rows, table, pen):
        columns, rows = [columns[place] for place in full], [[row[place] for place in full] for row in rows]
    widths = _widths(columns, rows, table, pen)
    if widths is not None:
        yield from _columns_drawn(table, columns, rows, widths, pen)
        return
    if table.grid and len(columns) > 2:
        half = (len(columns) + 1) // 2
        for some in (range(1, half), range(half, len(columns))):
            places = (0, *some)
            part = Table(*(columns[place] for place in places), grid=True)
            yield from _laid_out(part, [[row[place] for place in places] for row in rows], pen)
            yield from ([""] if some[-1] != len(columns) - 1 else ())
        return
    for number, row in enumerate(rows):
        yield from ([""] if number else ())
        yield from _one_below_the_other(columns, row, pen)


def _widths(columns: Sequence[Column], rows: Sequence[Sequence[Text]], table: Table, pen: Pen) -> Sequence[int] | None:
    """How wide each column is drawn; None where they do not fit beside each other, or only as towers."""
    natural = _natural(columns, rows, table, pen)
    if pen.width is None:
        return natural
    room = max(pen.width, LEAST) - len(GAP) * (len(columns) - 1)
    for least_of in (_comfortable, _whole_words, _pieces):
        least = [
            natural[n]
            if column.kind in (NUMBER, TIME, MARK)
            else min(natural[n], max(least_of(column, [row[n].words for row in rows]), _of_heading(column, least_of)))
            for n, column in enumerate(columns)
        ]
        widths = _fitting(natural, least, room)
        if widths is not None:
            break
    if widths is None or table.grid or table.plain:
        return widths
    lines = sum(max(-(-_wide(cell.words) // width) for cell, width in zip(row, widths, strict=True)) for row in rows)
    return widths if lines <= TALL * len(rows) else None


def _natural(columns: Sequence[Column], rows: Sequence[Sequence[Text]], table: Table, pen: Pen) -> Sequence[int]:
    heads = [0 if table.plain or pen.bare else _wide(column.heading) for column in columns]
    return [max(_most(row[n] for row in rows), heads[n]) for n in range(len(columns))]


def _most(cells: Iterable[Text]) -> int:
    return max((_wide(cell.words) for cell in cells), default=0)


def _comfortable(column: Column, words: Sequence[str]) -> int:
    return max(COMFORT, _whole_words(column, words)) if column.kind == WORDS else max(map(_wide, words), default=0)


def _whole_words(_column: Column, words: Sequence[str]) -> int:
    return max((max(map(_wide, one.split(" ")), default=0) for one in words), default=0)


def _pieces(_column: Column, words: Sequence[str]) -> int:
    pieces = (piece for one in words for word in one.split(" ") for piece in _BREAKS[1].split(word))
    return max((_wide(piece.replace(JOINED, " ").rstrip()) for piece in pieces), default=0)


def _of_heading(column: Column, least_of: Callable[[Column, Sequence[str]], int]) -> int:
    return (_pieces if least_of is _pieces else _whole_words)(column, [column.heading])


def _fitting(widths: Sequence[int], least: Sequence[int], room: int) -> list[int] | None:
    """The widest columns are narrowed until all have room, none below its least; None where that is not possible."""
    widths = list(widths)
    while sum(widths) > room:
        can = [place for place, width in enumerate(widths) if width > least[place]]
        if not can:
            return None
        widest = max(can, key=widths.__getitem__)
        next_one = max((width for place, width in enumerate(widths) if place != widest), default=0)
        floor = max(least[widest], min(next_one, widths[widest] - 1))
        widths[widest] -= min(sum(widths) - room, max(widths[widest] - floor, 1))
    return widths


def _columns_drawn(
    table: Table, columns: Sequence[Column], rows: Iterable[Sequence[Text]], widths: Sequence[int], pen: Pen
) -> Iterator[str]:
    to_right = [column.kind == NUMBER for column in columns]
    centred = [table.grid and place > 0 for place in range(len(columns))]
    sides = [
        ("right" if right else "middle" if middle else "") for right, middle in zip(to_right, centred, strict=True)
    ]
    if not table.plain and not pen.bare:
        yield from _row([Text(column.heading, "bold") for column in columns], widths, sides, pen)
        yield pen.ink(GAP.join(pen.stroke * width for width in widths), "dim")
    for row in rows:
        yield from _row(row, widths, sides, pen)


def _row(cells: Sequence[Text], widths: Sequence[int], sides: Sequence[str], pen: Pen) -> Iterator[str]:
    columns = [
        [words] if len(words) <= width and words.isascii() else folded(words, width)
        for (words, _), width in zip(cells, widths, strict=True)
    ]
    for place in range(max(map(len, columns))):
        lines = (column[place] if place < len(column) else "" for column in columns)
        drawn_cells = (
            _cell(line, cells[n].style, widths[n], sides[n], pen) if line else " " * widths[n]
            for n, line in enumerate(lines)
        )
        yield GAP.join(drawn_cells).rstrip()


def _cell(words: str, style: str, width: int, side: str, pen: Pen) -> str:
    spaces = width - _wide(words)
    before = spaces if side == "right" else spaces // 2 if side == "middle" else 0
    return " " * before + pen.ink(words.replace(JOINED, " "), style) + " " * (spaces - before)


def _one_below_the_other(columns: Sequence[Column], row: Sequence[Text], pen: Pen) -> Iterator[str]:
    """The first cell with something in it, and below it every other one by its heading."""
    width = max(pen.width or 0, LEAST)
    filled = [(column, cell) for column, cell in zip(columns, row, strict=True) if cell.words]
    heads = [cell for place, (column, cell) in enumerate(filled) if not place or not column.heading]
    others = [(column, cell) for place, (column, cell) in enumerate(filled) if place and column.heading]
    style = heads[0].style if heads else ""
    head = folded(": ".join(cell.words for cell in heads), width)
    yield from (pen.ink(line.replace(JOINED, " "), f"bold {style}") for line in head)
    most = (width - 2 * len(GAP)) // 2
    left = max((_wide(column.heading) for column, _ in others if _wide(column.heading) <= most), default=0)
    for column, cell in others:
        over = folded(column.heading, width - len(GAP)) if _wide(column.heading) > left else ()
        yield from (GAP + pen.ink(line, "dim") for line in over)
        for number, line in enumerate(folded(cell.words, width - left - 2 * len(GAP))):
            heading = "" if number or over else column.heading
            spaces = " " * (left - _wide(heading))
            yield f"{GAP}{pen.ink(heading, 'dim')}{spaces}{GAP}{pen.ink(line.replace(JOINED, ' '), cell.style)}"


def folded(words: str, width: int) -> list[str]:
    """Lines no wider than `width`: broken at spaces, in a word that is too long after `/`, `@`, `.` and the like, and
    between letters only where nothing else is left.
    """
    lines = [""]
    _fill(lines, words, width, 0)
    return [line.rstrip(f" {JOINED}") for line in lines]


def _fill(lines: list[str], words: str, width: int, level: int) -> None:
    """Put the words at the end of the lines, broken at this level or those below it where they do not fit."""
    if _wide((lines[-1] + words).rstrip(f" {JOINED}")) <= width:
        lines[-1] += words
        return
    pieces = _BREAKS[level].split(words) if level < len(_BREAKS) else [words]
    for piece in pieces:
        bare = _wide(piece.rstrip(f" {JOINED}"))
        if lines[-1] and bare <= width < _wide(lines[-1]) + bare:
            lines.append(piece)
        elif bare <= width:
            lines[-1] += piece
        elif level < len(_BREAKS):
            _fill(lines, piece, width, level + 1)
        else:
            _break(lines, piece, width)


def _break(lines: list[str], words: str, width: int) -> None:
    """Between letters; what was in the line stays."""
    line = lines.pop() + words
    while (end := _fits(line, width)) < len(line.rstrip()):
        lines.append(line[:end])
        line = line[end:]
    lines.append(line)


def _fits(words: str, width: int) -> int:
    """How many of the first letters are no wider than `width`; one at least."""
    for place, letter in enumerate(words):
        width -= _columns_of(letter)
        if width < 0:
            return max(place, 1)
    return len(words)


def _wide(words: str) -> int:
    """How many columns of a terminal the words take."""
    return len(words) if words.isascii() else sum(map(_columns_of, words))


def _columns_of(letter: str) -> int:
    """Marks stand on the letter before them, and so does what joins a Hangul letter."""
    if category(letter) in ("Mn", "Me") or "\u1160" <= letter <= "\u11ff":
        return 0
    return 2 if east_asian_width(letter) in "WF" else 1
