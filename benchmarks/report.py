"""The table of a run, for people: on the terminal and in a page of the documentation. Not what is measured."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from pathlib import Path

from drawn import Console, Table
from measure import Line

BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"
HEADINGS = ("question", "site", "peer", "ours", "peer's", "ratio", "asked", "verdict", "memory", "byte limit", "remark")
_TO_THE_RIGHT = {"ours", "peer's", "ratio", "memory", "byte limit"}


def clock(seconds: float) -> str:
    """Seconds as people read them."""
    for unit, factor in (("s", 1.0), ("ms", 1e3), ("us", 1e6)):
        if seconds * factor >= 1 or unit == "us":
            return f"{seconds * factor:.3g} {unit}"
    return ""


def size(count: float) -> str:
    """Bytes as people read them."""
    for unit, factor in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3), ("B", 1.0)):
        if count >= factor:
            return f"{count / factor:.3g} {unit}"
    return "0 B"


def cells(line: Line) -> tuple[str, ...]:
    """A line as texts, one a heading."""
    ratio = "" if line.ratio is None else f"{line.ratio:,.3g}x" if line.ratio < 1000 else f"{line.ratio:,.0f}x"
    return (
        line.question,
        line.site,
        line.peer,
        clock(line.ours) if line.unit == "s" else f"{line.ours:.3g} {line.unit}",
        "" if line.theirs is None else clock(line.theirs),
        ratio,
        line.bar,
        line.verdict,
        "" if line.memory is None else size(line.memory),
        "" if line.limit is None else clock(line.limit),
        line.note,
    )


def show(found: Sequence[Line], console: Console) -> None:
    """The table on the terminal."""
    table = Table(title="Tabwarden's engine beside its peers")
    for name in HEADINGS:
        table.add_column(name, justify="right" if name in _TO_THE_RIGHT else "left")
    for line in found:
        table.add_row(*cells(line))
    console.print(table)


def markdown(found: Sequence[Line], command: str, remark: str) -> str:
    """The table as a block of a page."""
    rows = [HEADINGS, tuple("--:" if name in _TO_THE_RIGHT else "---" for name in HEADINGS), *map(cells, found)]
    table = "\n".join("| " + " | ".join(row) + " |" for row in rows)
    python = f"Python {platform.python_version()}"
    return f"`{command}`, {python}: {remark}.\n\n{table}\n"


def write(path: Path, block: str, name: str = "figures") -> None:
    """Put a block between the marks of that name in a page; ValueError where they are missing."""
    begin, end = (mark.replace("figures", name) for mark in (BEGIN, END))
    text = path.read_text(encoding="utf-8")
    if text.count(begin) != 1 or text.count(end) != 1:
        raise ValueError(f"`{path}` has no lines `{begin}` and `{end}` to put the figures between")
    before, rest = text.split(begin)
    path.write_text(f"{before}{begin}\n{block}{end}{rest.split(end)[1]}", encoding="utf-8")
