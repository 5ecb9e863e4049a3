"""Templates, and how what they show is written.

Nothing in a name acts: Jinja2 escapes what is markup, and `shown` makes visible what would be invisible or reorder.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from tabwarden.model.capability import ui_name
from tabwarden.model.names import visible
from tabwarden.report.table import (
    CONTENT,
    GRANTEE,
    GROUP,
    LINT,
    NUMBER,
    PERSON,
    TIME,
    Cell,
    Column,
    Many,
    Table,
    flat,
    words_of,
)
from tabwarden.run.history import time_of
from tabwarden.web.rights import AUDITOR

FOLDER = Path(__file__).parent
ROWS = 100  # of a table on one page
MANY = 12  # names of a cell that are all shown


@cache
def templates() -> Environment:
    """The templates: one base, one file a page."""
    environment = Environment(
        loader=FileSystemLoader(FOLDER / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda value: visible(value) if type(value) is str else value,
    )
    environment.globals.update(flat=lambda parts: list(flat(parts)), is_table=lambda part: isinstance(part, Table))
    environment.filters.update(cell=words_of, ago=ago, dialog=ui_name)
    environment.globals.update(name_of=name_of, cell_of=cell_of)
    environment.globals["NUMBER"] = NUMBER
    return environment


def ago(when: str, now: datetime | None = None) -> str:
    """`3 hours ago`, of a time in ISO."""
    if not when:
        return "at an unknown time"
    seconds = ((now or datetime.now(UTC)) - time_of(when)).total_seconds()
    for unit, long in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds >= 2 * long:
            return f"{seconds // long:.0f} {unit}s ago"
    return "just now"


# Where a name leads: the page, and what it calls the name.
PLACES = {
    PERSON: ("/check/what", "user"),
    GROUP: ("/check/group", "group"),
    CONTENT: ("/check/content", "content"),
    LINT: ("/findings", "lint"),
}
_OWN_PLACES = {CONTENT: ("/check", "content")}


def leads(visit: Any, of: str, name: str) -> str:
    """The address of what a name of a table is the name of; empty where it leads nowhere for whose `Visit` it is."""
    if of == GRANTEE:
        of, _, name = name.partition(" ")
        of = {"user": PERSON}.get(of, of)
    place = (PLACES if AUDITOR in visit.rights else _OWN_PLACES).get(of)
    return visit.link(place[0], **{place[1]: name}) if place and name else ""


def name_of(visit: Any, of: str, name: str) -> str:
    """A name as HTML, which leads to its page where it has one for whose `Visit` it is; None: nobody's."""
    to = leads(visit, of, name) if of and visit is not None else ""
    return f'<a href="{html.escape(to)}">{_written(name)}</a>' if to else _written(name)


def cell_of(visit: Any, cell: Cell, column: Column) -> str:
    """A cell as HTML: of many names the first ones, and the others behind them to be opened."""
    if not isinstance(cell, Many):
        words = words_of(cell)
        return _written(words[:16].replace("T", " ")) if column.kind == TIME else name_of(visit, column.of, words)
    names = [name_of(visit, column.of, name) for name in cell.names]
    count = len(names) if len(names) <= MANY else cell.shown
    shown, others = _written(cell.before) + ", ".join(names[:count]), names[count:]
    more = f"<details><summary>and {len(others)} more</summary>{', '.join(others)}</details>"
    return shown + more if others else shown


def _written(words: str) -> str:
    return html.escape(visible(words))


def cut(table: Table, number: int, rows: int = ROWS) -> tuple[Sequence[Any], int]:
    """The rows of one page of a table (from 1), and how many pages there are."""
    pages = max(1, -(-len(table.rows) // rows))
    first = (min(max(number, 1), pages) - 1) * rows
    return table.rows[first : first + rows], pages
