"""Templates, and how what they show is written.

Nothing in a name acts: Jinja2 escapes what is markup, and `shown` makes visible what would be invisible or reorder.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from tabwarden.model.names import visible
from tabwarden.report.table import CONTENT, GRANTEE, GROUP, LINT, NUMBER, PERSON, Many, Table, flat, words_of
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
    environment.filters.update(cell=words_of, ago=ago)
    environment.globals.update(leads=leads, names_of=names_of)
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


def names_of(cell: Any) -> tuple[Sequence[str], str, int]:
    """The names in a cell, what stands before them, and how many more there are than are shown."""
    if isinstance(cell, Many):
        shown = cell.names if len(cell.names) <= MANY else cell.names[: cell.shown]
        return shown, cell.before, len(cell.names) - len(shown)
    return (words_of(cell),), "", 0


def cut(table: Table, number: int, rows: int = ROWS) -> tuple[Sequence[Any], int]:
    """The rows of one page of a table (from 1), and how many pages there are."""
    pages = max(1, -(-len(table.rows) // rows))
    first = (min(max(number, 1), pages) - 1) * rows
    return table.rows[first : first + rows], pages
