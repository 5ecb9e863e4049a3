"""A long table on pages: filtered by words, a hundred rows at a time, and whole as CSV. Only what is shown is made."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from typing import NamedTuple

from starlette.responses import Response

from tabwarden.model.names import same
from tabwarden.report.table import Drawable, Row, Table, flat, words_of
from tabwarden.report.text import csv_lines
from tabwarden.web.answers import Answered
from tabwarden.web.rendering import ROWS
from tabwarden.web.visit import Visit

CSV = "csv"


class Sheet(NamedTuple):
    """The rows of one page of a table, of how many pages and rows that fit the words, and of how many at all."""

    table: Table
    page: int
    pages: int
    fitting: int
    of: int


def sheet(visit: Visit, table: Table, *, of: int | None = None) -> Sheet:
    """The page of a table that the address names by `page`, of the rows that hold its `q`.

    They are filtered already where it is told `of` how many.
    """
    words = same(visit.word("q")) if of is None else ""
    rows: Sequence[Row] = [row for row in table.rows if _holds(row, words)] if words else table.rows
    pages = max(1, -(-len(rows) // ROWS))
    named = visit.word("page", "1")
    page = min(max(int(named), 1), pages) if re.fullmatch("[0-9]{1,7}", named) else 1
    shown = copy(table)
    shown.rows = rows[(page - 1) * ROWS : page * ROWS]
    return Sheet(shown, page, pages, len(rows), len(table.rows) if of is None else of)


def _holds(row: Row, words: str) -> bool:
    return words in same("\n".join(map(words_of, row)))


def table_in(answer: Answered) -> Table:
    """The first table of an answer; one without rows where it has none."""
    return next((part for part in flat(list(answer.parts)) if isinstance(part, Table)), Table("Answer"))


class Pieces(NamedTuple):
    """An answer of which the longest table is a sheet: what comes before and after it; `words` keep its filter."""

    before: Sequence[Drawable]
    sheet: Sheet | None
    after: Sequence[Drawable]
    whole: Table
    words: Mapping[str, str]


def pieces(visit: Visit, parts: Iterable[Drawable]) -> Pieces:
    """The pieces of an answer; without tables all of it comes before."""
    parts = list(flat(list(parts)))
    tables = [part for part in parts if isinstance(part, Table)]
    words = {name: value for name, value in visit.request.query_params.items() if name not in ("site", "page", "form")}
    if not tables:
        return Pieces(parts, None, (), Table("Answer"), words)
    whole = max(tables, key=lambda table: len(table.rows))
    place = next(number for number, part in enumerate(parts) if part is whole)
    return Pieces(parts[:place], sheet(visit, whole), parts[place + 1 :], whole, words)


def wants_csv(visit: Visit) -> bool:
    """Whether the address asks for a file."""
    return visit.word("form") == CSV


def as_csv(table: Table) -> Response:
    """All rows as a file, in which nothing is a formula (`report.text`)."""
    text = "\ufeff" + "\n".join([*csv_lines(table, None), ""])
    headers = {"content-disposition": f'attachment; filename="{table.name}.csv"'}
    return Response(text, media_type="text/csv; charset=utf-8", headers=headers)
