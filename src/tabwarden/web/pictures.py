"""Pictures where people would rather look, as shapes that a template draws as SVG, each with its table.

Nothing hangs on colour: what a shade tells, a number in it and the table tell too. Lengths are of the view box.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from typing import NamedTuple

from tabwarden.report.table import CONTENT, GROUP, NAME, NUMBER, Column, Table
from tabwarden.run.history import time_of

LETTER = 6.6  # of the width of a letter of 12, about
LINE = 16
SHADES = 5


class Shape(NamedTuple):
    """A rectangle: its words stand in it where there is room, `whole` is told to whoever asks, `to` is where it leads.

    `look` is a class of the style sheet.
    """

    x: float
    y: float
    width: float
    height: float
    look: str
    whole: str
    lines: tuple[str, ...] = ()
    to: str = ""


class Label(NamedTuple):
    """Words at a place; `anchor` is start, middle or end, `turn` degrees by which they are turned."""

    x: float
    y: float
    words: str
    anchor: str = "start"
    turn: int = 0


class Picture(NamedTuple):
    """What is drawn, how large, what it is called, and the same as a table."""

    title: str
    width: float
    height: float
    shapes: Sequence[Shape]
    labels: Sequence[Label]
    table: Table


def shade(share: float) -> str:
    """One of SHADES steps, the last for all of them; nobody has a look of its own."""
    return "none" if share <= 0 else f"shade{min(SHADES, 1 + int(share * SHADES))}"


def fitted(words: str, width: float) -> str:
    """The words as far as they fit; empty where hardly any does."""
    letters = int(width / LETTER)
    return words if len(words) <= letters else f"{words[: letters - 1]}…" if letters > 3 else ""


def fitted_path(path: str, width: float) -> str:
    """The end of a path as far as it fits, which tells more of it than the beginning."""
    letters = int(width / LETTER)
    return path if len(path) <= letters else f"…{path[1 - letters :]}"


# -- last use ------------------------------------------------------------------------------------------------------

AGES = (("week", 7), ("month", 30), ("quarter", 91), ("year", 365))


def columns_of_use(times: Iterable[str], now: str) -> Picture:
    """How many did it last within a week, a month and so on, and how many were not seen to; `now` is the snapshot's."""
    counts = dict.fromkeys((*(name for name, _ in AGES), "longer ago", "not seen"), 0)
    days = [(name, (time_of(now) - timedelta(days=days)).date().isoformat()) for name, days in AGES] if now else []
    for time in times:
        counts[_age(time, days)] += 1
    table = Table(Column("Last use", NAME), Column("Number", NUMBER), name="use", rows=list(counts.items()))
    most, width, height = max(1, *counts.values()), 62.0, 90.0
    shapes, labels = [], []
    for place, (name, count) in enumerate(counts.items()):
        tall = round(count / most * (height - 20), 1)
        left = place * width + 8
        look = "none" if name == "not seen" else "bar"
        shapes.append(Shape(left, height - tall, width - 16, max(tall, 1), look, f"{name}: {count:,}"))
        labels.append(Label(left + (width - 16) / 2, height - tall - 4, f"{count:,}", "middle"))
        labels.append(Label(left + (width - 16) / 2, height + 14, name, "middle"))
    return Picture("Last use", width * len(counts), height + 20, shapes, labels, table)


def _age(time: str, days: Sequence[tuple[str, str]]) -> str:
    if not time:
        return "not seen"
    return next((name for name, since in days if time[:10] >= since), "longer ago")


# -- before and after ----------------------------------------------------------------------------------------------


BARS = 12  # contents whose people before and after are drawn


def before_and_after(title: str, rows: Sequence[tuple[str, int, int]], of: str = CONTENT) -> Picture:
    """Two bars a row: how many before (an outline) and after (filled); `of` is what the rows are called after."""
    table = Table(
        Column("On", NAME, of=of),
        Column("Before", NUMBER),
        Column("After", NUMBER),
        name="impact",
        rows=list(rows),
    )
    width, left, most = 640.0, 240.0, max((max(two) for _, *two in rows), default=0) or 1
    shapes, labels = [], []
    for place, (name, *two) in enumerate(rows):
        top = place * 44 + 4.0
        labels.append(Label(left - 8, top + 21, fitted_path(name, left - 16), "end"))
        for number, (count, look, when) in enumerate(zip(two, ("outline", "bar"), ("before", "after"), strict=True)):
            long = round(count / most * (width - left - 110), 1)
            y = top + number * LINE
            shapes.append(Shape(left, y, max(long, 1), LINE - 3, look, f"{name} {when}: {count:,}"))
            labels.append(Label(left + max(long, 1) + 6, y + 11, f"{count:,} {when}"))
    return Picture(title, width, max(len(rows), 1) * 44.0, shapes, labels, table)


# -- a tree map ----------------------------------------------------------------------------------------------------


class Tile(NamedTuple):
    """Something of a size, and which share of all the people may see it."""

    name: str
    size: int
    people: int
    to: str


def tree_map(title: str, tiles: Sequence[Tile], total: int) -> Picture:
    """An area for each by its size, in a shade by the share of people who may see it, largest first."""
    ordered = sorted((tile for tile in tiles if tile.size), key=lambda tile: (-tile.size, tile.name))
    width, height = 960.0, 420.0
    columns = (Column("Project", NAME, of=CONTENT), Column("Contents", NUMBER), Column("People who may View", NUMBER))
    table = Table(*columns, name="map", rows=[(tile.name, tile.size, tile.people) for tile in ordered])
    areas = squarified([tile.size for tile in ordered], (0, 0, width, height))
    shapes = [_tile(tile, area, total) for tile, area in zip(ordered, areas, strict=True)]
    return Picture(title, width, height, shapes, (), table)


Area = tuple[float, float, float, float]


def _tile(tile: Tile, area: Area, total: int) -> Shape:
    x, y, width, height = (round(length, 1) for length in area)
    share = tile.people / total if total else 0
    whole = f"{tile.name}: {tile.size:,} contents, {tile.people:,} of {total:,} people may View it ({share:.0%})"
    lines: tuple[str, ...] = (fitted(tile.name, width - 12), fitted(f"{share:.0%} of people", width - 12))
    room = [line for line in lines if line] if height > 3 * LINE else [line for line in lines[:1] if height > LINE + 6]
    return Shape(x + 1, y + 1, max(width - 2, 1), max(height - 2, 1), shade(share), whole, tuple(room), tile.to)


def squarified(sizes: Sequence[float], area: Area) -> Iterator[Area]:
    """Areas as square as can be for sizes that fall (Bruls, Huizing, van Wijk, "Squarified Treemaps", 2000)."""
    rest, total = list(sizes), float(sum(sizes))
    x, y, width, height = area
    scale = width * height / total if total else 0
    while rest:
        side = min(width, height)
        row = _row([size * scale for size in rest], side)
        thick = sum(row) / side if side else 0
        offset = 0.0
        for part in row:
            long = part / thick if thick else 0
            yield (x, y + offset, thick, long) if width >= height else (x + offset, y, long, thick)
            offset += long
        rest = rest[len(row) :]
        if width >= height:
            x, width = x + thick, width - thick
        else:
            y, height = y + thick, height - thick


def _row(areas: Sequence[float], side: float) -> list[float]:
    """As many of the areas as make a row along the side whose worst one is nearest to a square."""
    row = [areas[0]]
    for area in areas[1:]:
        if _worst([*row, area], side) > _worst(row, side):
            break
        row.append(area)
    return row


def _worst(row: Sequence[float], side: float) -> float:
    whole = sum(row)
    return max(side * side * max(row) / whole**2, whole**2 / (side * side * min(row))) if whole and side else 0.0


# -- a matrix ------------------------------------------------------------------------------------------------------


def matrix(
    title: str, rows: Sequence[tuple[str, int]], columns: Sequence[str], counts: Sequence[Sequence[int]]
) -> Picture:
    """Rows (a group, of how many people) by columns: how many of them may, as a number and a square of that share."""
    table = Table(Column("Group", NAME, of=GROUP), Column("Members", NUMBER), name="matrix")
    table.columns = (*table.columns, *(Column(name, NUMBER, f"column_{n}") for n, name in enumerate(columns, 1)))
    table.rows = [[name, of, *line] for (name, of), line in zip(rows, counts, strict=True)]
    left, top, size = 190.0, 130.0, 52.0
    shapes: list[Shape] = []
    labels = [Label(left + m * size + 16, top - 6, fitted(name, 150), turn=-45) for m, name in enumerate(columns)]
    for n, (name, of) in enumerate(rows):
        y = top + n * 34
        labels.append(Label(left - 8, y + 20, f"{fitted(name, left - 60)} ({of:,})", "end"))
        for m, count in enumerate(counts[n]):
            shapes.append(_square((left + m * size, y), count, of, f"{name} on {columns[m]}"))
            labels.append(Label(left + m * size + 32, y + 20, f"{count:,}"))
    shapes = [shape for shape in shapes if shape.width]
    return Picture(title, left + len(columns) * size + 110, top + len(rows) * 34 + 6, shapes, labels, table)


def _square(at: tuple[float, float], count: int, of: int, whole: str) -> Shape:
    side = round(24 * (count / of) ** 0.5, 1) if of else 0.0
    middle, share = 3 + (26 - side) / 2, count / of if of else 0
    return Shape(at[0] + middle, at[1] + middle, side, side, shade(share), f"{whole}: {count:,} of {of:,}")
