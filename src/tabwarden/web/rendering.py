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
from tabwarden.report.table import NUMBER, Table, flat, words_of
from tabwarden.run.history import time_of

FOLDER = Path(__file__).parent
ROWS = 100  # of a table on one page


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


def cut(table: Table, number: int, rows: int = ROWS) -> tuple[Sequence[Any], int]:
    """The rows of one page of a table (from 1), and how many pages there are."""
    pages = max(1, -(-len(table.rows) // rows))
    first = (min(max(number, 1), pages) - 1) * rows
    return table.rows[first : first + rows], pages
