"""Templates, and how what they show is written.

Nothing in a name acts: Jinja2 escapes what is markup, and `visible` shows what would be invisible or reorder.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.filters import do_mark_safe

from tabwarden.model.capability import ui_name
from tabwarden.model.errors import UnknownName
from tabwarden.model.names import visible
from tabwarden.report.table import (
    CONTENT,
    GRANTEE,
    GROUP,
    LINT,
    NUMBER,
    PERSON,
    TIME,
    WORDS,
    Cell,
    Column,
    Many,
    Table,
    flat,
    words_of,
)
from tabwarden.run.history import time_of
from tabwarden.web.rights import AUDITOR, OWN

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
    environment.filters.update(cell=words_of, ago=ago, dialog=ui_name, coded=_coded)
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
        if column.kind == WORDS and not column.of and "`" in words:
            return coded(words, chosen_names(visit) if visit is not None else ())
        return _written(words[:16].replace("T", " ")) if column.kind == TIME else name_of(visit, column.of, words)
    names = [name_of(visit, column.of, name) for name in cell.names]
    count = len(names) if len(names) <= MANY else cell.shown
    shown, others = _written(cell.before) + ", ".join(names[:count]), names[count:]
    more = f"<details><summary>and {len(others)} more</summary>{', '.join(others)}</details>"
    return shown + more if others else shown


def _written(words: str) -> str:
    return html.escape(visible(words))


def coded(words: str, chosen: Iterable[str] = ()) -> str:
    """A sentence as HTML, with what the house has put between back-ticks as code.

    `chosen` are names with back-ticks that people chose: theirs are letters like others. Where the rest are not in
    pairs around words, whose they are cannot be told, and all of them are shown as they are.
    """
    names = "|".join(map(re.escape, sorted(chosen, key=len, reverse=True)))
    ticks = [match.start() for match in re.finditer(f"{names}|`" if names else "`", words) if not match[0][1:]]
    ticks = [] if "`" in chosen else ticks
    spans = list(zip(ticks[::2], ticks[1::2], strict=False))
    if len(ticks) % 2 or not all(_is_span(words, *span) for span in spans):
        return _written(words)
    pieces, end = list[str](), 0
    for opens, closes in spans:
        pieces += _written(words[end:opens]), "<code>", _written(words[opens + 1 : closes]), "</code>"
        end = closes + 1
    return "".join([*pieces, _written(words[end:])])


def _is_span(words: str, opens: int, closes: int) -> bool:
    """Whether these back-ticks stand around words and at nothing else."""
    inside, around = words[opens + 1 : closes], words[:opens][-1:] + words[closes + 1 :][:1]
    return inside.strip() == inside != "" and not any(letter.isalnum() or letter == "`" for letter in around)


def chosen_names(visit: Any) -> frozenset[str]:
    """Names with back-ticks that a sentence may tell to whose visit it is: his own words, and those of the site.

    Of what is hidden from him none is among them: else how a sentence looks would tell that it is there.
    """
    words = [*visit.form.values(), *visit.request.query_params.values(), *map(str, visit.request.path_params.values())]
    typed = frozenset(one for value in words for one in (value, *value.split()) if "`" in one)
    try:
        served, whole = visit.site, visit.rights != {OWN}
    except UnknownName:
        return typed
    ticked: frozenset[str] = served.ticked
    if not ticked or whole or visit.user is None:
        return ticked | typed if whole else typed
    site = served.own(visit.user.id, served.questions()).site
    named = lambda: {one.name for table in (site.users, site.groups, site.contents) for one in table.values()}  # noqa: E731
    seen: set[str] = served.kept(("names", visit.user.id), named, len)
    return ticked & {site.name, visit.user.full_name, *seen} | typed


@pass_context
def _coded(context: Any, words: str) -> str:
    visit = context.get("visit")
    return do_mark_safe(coded(words, chosen_names(visit) if visit is not None and "`" in words else ()))


def cut(table: Table, number: int, rows: int = ROWS) -> tuple[Sequence[Any], int]:
    """The rows of one page of a table (from 1), and how many pages there are."""
    pages = max(1, -(-len(table.rows) // rows))
    first = (min(max(number, 1), pages) - 1) * rows
    return table.rows[first : first + rows], pages
