"""The answers of many sites as one: what each came to, then tables of one name as one with the site in front."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from tabwarden.commands._output import CHANGES, DONE, ERROR, STOPPED

if TYPE_CHECKING:
    from pathlib import Path

    from tabwarden.report.table import Cell, Table, Text
    from tabwarden.run.sites import OneSite

WORST_FIRST = (ERROR, STOPPED, CHANGES, DONE)


class OfOneSite:
    """What a command came to on one site: its exit code, its answer, or the error; what it said beside."""

    def __init__(self, code: int = DONE, error: Sequence[str] = (), kind: str = "") -> None:
        self.code, self.error, self.kind = code, list(error), kind
        self.parts: list[Text | Table] = []
        self.document: Any = None
        self.said: list[str] = []
        self.errors = self.warnings = 0


def counted(results: Sequence[tuple[OneSite, OfOneSite]]) -> str:
    """`4 sites: 1 error, 1 stopped, 2 done`."""
    words = {ERROR: "with an error", STOPPED: "stopped", CHANGES: "with changes", DONE: "well"}
    codes = [result.code for _, result in results]
    counts = [f"{codes.count(code)} {words[code]}" for code in WORST_FIRST if code in codes]
    return f"{len(results)} {'site' if len(results) == 1 else 'sites'}: {', '.join(counts)}"


def heads_of(result: OfOneSite) -> list[str]:
    """What a site comes to, in a sentence: its headings, else its stops, else its first words."""
    from tabwarden.report.table import Table, words_of

    texts = [part for part in result.parts if not isinstance(part, Table)]
    stops = [part for part in result.parts if isinstance(part, Table) and part.name == "stops"]
    bold = [part.words for part in texts if part.style == "bold"]
    if not bold and stops:
        return [f"stopped by {', '.join(words_of(row[0]) for stop in stops for row in stop.rows)}"]
    return bold or [part.words for part in texts[:1]]


def parts_of_all(results: Sequence[tuple[OneSite, OfOneSite]]) -> Iterator[Text | Table]:
    """What each site came to, then its tables with those of the others, then its other sentences."""
    from tabwarden.report.table import MARK, NAME, Column, Table, Text

    yield Text(counted(results), "bold")
    summary = Table(Column("Site", NAME), Column("Came to", MARK), "What", name="sites", aside=True)
    words = {ERROR: "error", STOPPED: "stopped", CHANGES: "changes", DONE: "well"}
    for site, result in results:
        style = "red" if result.code in (ERROR, STOPPED) else ""
        what = "; ".join(result.error or heads_of(result))
        summary.add_row(site.label, Text(words.get(result.code, str(result.code)), style), what)
    yield summary
    names = dict.fromkeys(part.name for _, result in results for part in result.parts if isinstance(part, Table))
    yield from (_merged(name, results) for name in names)
    for site, result in results:
        heads = heads_of(result)
        for part in result.parts:
            if not isinstance(part, Table) and part.words not in heads:
                yield part._replace(words=f"{site.label}: {part.words}")


def _merged(name: str, results: Sequence[tuple[OneSite, OfOneSite]]) -> Table:
    """The tables of one name as one, the site before each row; a column that some have is empty for the others."""
    from tabwarden.report.table import NAME, Column, Table, Text

    tables = [
        (site, part)
        for site, result in results
        for part in result.parts
        if isinstance(part, Table) and part.name == name
    ]
    columns = {column.field: column for _, table in tables for column in table.columns}
    first, titles = tables[0][1], {table.title.words for _, table in tables}
    of_one = len(titles) > 1 or re.search(r"\d", first.title.words)  # such as `4 changes`
    site_column = Column("Site", NAME, "of_site" if "site" in columns else "")
    title = Text(name.capitalize(), "bold") if of_one else first.title
    merged = Table(
        site_column, *columns.values(), name=name, title=title, shown=first.shown, aside=first.aside, plain=first.plain
    )
    for site, table in tables:
        places = {column: place for place, column in enumerate(table.fields)}
        for row in table.rows:
            cells: list[Cell] = [row[places[column]] if column in places else None for column in columns]
            merged.add_row(site.label, *cells)
    return merged


def as_json(results: Sequence[tuple[OneSite, OfOneSite]], code: int, log: Path | None) -> dict[str, Any]:
    """A document a site, with its address and exit code: the answer as of one site, or the error."""
    sites = []
    for site, result in results:
        row: dict[str, Any] = {"site": site.url, "server": site.server, "exit_code": result.code}
        if result.error:
            row["error"] = {"kind": result.kind, "message": result.error[0], "more": result.error[1:]}
        else:
            row["answer"] = result.document
        sites.append(row)
    return {"sites": sites, "exit_code": code, **({"log": str(log)} if log is not None else {})}
