"""The way out for a command's answer, one for all: its options, and the forms it is handed on in."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

from tabwarden.commands._output import emit, json_text, pen, progress_bar, say, screen
from tabwarden.commands._parsing import Option, UsageError

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from tabwarden.commands._output import Progress
    from tabwarden.model.site import Site
    from tabwarden.report.table import Drawable, Table, Text

JSON, CSV, XLSX, MD, HTML = FORMS = ("json", "csv", "xlsx", "md", "html")
OUTPUT = "The answer"


class Collected:
    """The answer of one site out of many, which is given with those of the others; `label` is what the site is called,
    `log` the log of all of them.
    """

    def __init__(self, label: str, log: Path | None = None) -> None:
        self.label, self.log = label, log
        self.parts: list[Text | Table] = []
        self.document: Any = None
        self.errors = self.warnings = 0

    def take(self, parts: Iterable[Drawable], document: Callable[[], Any] | None) -> None:
        """The parts with their rows made, for what those were made of stays in this process; or the document."""
        from tabwarden.report.table import Table, flat

        if document is not None:
            self.document = document()
            return
        for part in flat(list(parts)):
            if isinstance(part, Table):
                part.rows = [tuple(row) for row in part.rows]
            self.parts.append(part)


COLLECTED: ContextVar[Collected | None] = ContextVar("collected", default=None)


class Output(NamedTuple):
    """The options of every answer, and the way out for it: in which form, where to, and how much of it.

    A command takes `output: Output = PLAIN`, makes its answer of what `report.table` describes, and ends in
    `output.give(parts, document)`; nothing else is needed for a terminal, a pipe, CSV, Excel, Markdown, HTML and JSON.
    """

    json: Annotated[
        bool, Option("--json", about="For machines: one JSON document; with --fields its rows.", under=OUTPUT)
    ] = False
    csv: Annotated[bool, Option("--csv", about="As CSV: one table, see --part.", under=OUTPUT)] = False
    xlsx: Annotated[bool, Option("--xlsx", about="For Excel, a sheet a table; with -o.", under=OUTPUT)] = False
    md: Annotated[bool, Option("--md", about="As Markdown.", under=OUTPUT)] = False
    html: Annotated[bool, Option("--html", about="As one page of HTML.", under=OUTPUT)] = False
    save: Annotated[
        Path | None,
        Option("-o", "--save", value="FILE", about="Into a file, whose ending tells the form.", under=OUTPUT),
    ] = None
    fields: Annotated[
        str | None, Option("--fields", value="NAME,...", about="These columns alone, by name.", under=OUTPUT)
    ] = None
    part: Annotated[str | None, Option("--part", value="NAME", about="This table alone.", under=OUTPUT)] = None
    limit: Annotated[
        int | None,
        Option(
            "--limit", value="N", about="Rows of a table; 0: all, as anywhere but in a terminal.", least=0, under=OUTPUT
        ),
    ] = None
    no_pager: Annotated[bool, Option("--no-pager", about="Not through a pager, however long.", under=OUTPUT)] = False
    quiet: Annotated[bool, Option("-q", "--quiet", about="No headings, notes and progress.", under=OUTPUT)] = False
    verbose: Annotated[bool, Option("-v", "--verbose", about="Tell more of what is done.", under=OUTPUT)] = False

    @property
    def form(self) -> str:
        """One of FORMS, or '' for people."""
        chosen = next((form for form in FORMS if getattr(self, form)), "")
        ending = self.save.suffix.casefold().lstrip(".") if self.save is not None else ""
        return chosen or {"htm": HTML, "markdown": MD}.get(ending, ending if ending in FORMS else "")

    def check(self) -> None:
        """UsageError where the options contradict each other: before anything is done."""
        chosen = [f"`--{form}`" for form in FORMS if getattr(self, form)]
        if len(chosen) > 1:
            raise UsageError(f"{' and '.join(chosen)} exclude each other; an answer is given in one form")
        if self.save is not None and not self.form and self.save.suffix not in ("", ".txt", ".tsv"):
            known = ", ".join(f".{form}" for form in FORMS)
            raise UsageError(f"`{self.save}` ends in no form of an answer; known are {known}, .tsv and .txt")
        if self.form == XLSX and self.save is None and sys.stdout.isatty():
            raise UsageError("a workbook is nothing for a terminal; say with `-o FILE.xlsx` where to write it")
        if self.form == JSON and self.limit is not None and not (self.fields or self.part):
            raise UsageError("`--limit` counts rows and `--json` prints a document; name the columns with `--fields`")

    def give(
        self,
        parts: Iterable[Drawable],
        document: Callable[[], Any] | None = None,
        *,
        of: Site | None = None,
        connections: bool = False,
        page: Callable[[Sequence[str]], Iterable[str]] | None = None,
    ) -> None:
        """The answer in the form that is asked for.

        `parts` may be a generator, which runs only where it is needed; `document` makes the JSON document, without one
        it is the rows. `of` is the Site that was asked, of which what is handed on tells when it was read, and what was
        not (`connections` only where the answer hangs on them, as abilities do); `page` makes of that the lines of HTML
        where the answer has a page of its own.
        """
        whole = self.form == JSON and not self.fields and not self.part and document is not None
        if (collected := COLLECTED.get()) is not None:
            collected.take(parts, document if whole else None)
            return
        if whole and document is not None:
            self._lines([json_text(document())])
            return
        for line in _head(of, connections=True)[:-1] if self.verbose else ():
            self.detail(line)
        if self.form == HTML and page is not None and not self.fields and not self.part:
            self._lines(page(_head(of, connections=connections)))
            return
        chosen = self._chosen(list(parts))
        if self.form == JSON:
            table = self._one(chosen)
            self._lines([json_text(_rows_json(table, self.limit))])
            self._count([table])
        elif self.form == XLSX:
            self._workbook(chosen, _head(of, connections=connections))
        elif self.form == "" and self.save is None and screen():
            self._draw(chosen)
            self._count(chosen, drawn=True)
        else:
            chosen = [self._one(chosen)] if self.form == CSV else chosen
            self._lines(self._text(chosen, _head(of, connections=connections)))
            self._count(chosen, drawn=self.form in (MD, HTML))

    def _chosen(self, parts: list[Drawable]) -> list[Drawable]:
        """All of it, or the table and the columns that are named; UsageError where they are not there. Of somebody who
        wants it quiet the rows: no sentence that is a heading of a table.
        """
        from tabwarden.report.table import Table, flat

        listed = list(flat(parts))
        tables = [part for part in listed if isinstance(part, Table)]
        if self.part is None and self.fields is None:
            heads = self.quiet and any(not table.plain for table in tables)
            return [part for part in listed if isinstance(part, Table) or not (heads and "bold" in part.style)]
        if self.part is not None:
            names = ", ".join(f"`{table.name}`" for table in tables) or "none"
            tables = [table for table in tables if table.name == self.part]
            if not tables:
                raise UsageError(f"`--part {self.part}` is no table of this answer; there are: {names}")
        if self.fields is None:
            return [tables[0]]
        wanted = [field.strip() for field in self.fields.split(",")]
        for table in tables:
            if set(wanted) <= set(table.fields):
                return [table.of(wanted)]
        there = "; ".join(f"{table.name}: {', '.join(table.fields)}" for table in tables)
        raise UsageError(f"`--fields {self.fields}` are not columns of one table here; there are: {there or 'none'}")

    def _one(self, parts: list[Drawable]) -> Table:
        """The table of an answer for a form that holds one; of what is not in it a note tells."""
        from tabwarden.report.table import Column, Table, flat

        listed = list(flat(parts))
        tables = sorted((part for part in listed if isinstance(part, Table)), key=lambda table: table.aside)
        if not tables:
            rows = [[part.words] for part in listed if not isinstance(part, Table)]
            return Table(Column("Answer"), rows=rows)
        if len(tables) > 1:
            others = ", ".join(f"`{table.name}` ({len(table.rows):,})" for table in tables[1:])
            self.note(f"only `{tables[0].name}` is given, not {others}; `--part NAME` gives another, `--xlsx` all")
        return tables[0]

    def _count(self, parts: Sequence[Drawable], *, drawn: bool = False) -> None:
        """What the rows themselves do not tell: how many `--limit` left out unless that is `drawn`; that there are
        none, where no sentence says so.
        """
        from tabwarden.report.table import Table, flat
        from tabwarden.report.text import left_out

        listed = [] if self.quiet else list(flat(parts))
        tables = [part for part in listed if isinstance(part, Table)]
        for table in tables if not drawn else ():
            rows = table.cut(self.limit, watched=False)
            if len(rows) < len(table.rows):
                say(f"{left_out(table, rows)} in `{table.name}`; `--limit 0` gives all")
        if tables == listed and tables and not any(table.rows for table in tables):
            say(f"there are no rows in `{tables[0].name}`")

    def _text(self, parts: list[Drawable], head: Sequence[str]) -> Iterator[str]:
        from tabwarden.report import text

        if self.form == CSV:
            return text.csv_lines(self._one(parts), self.limit)
        if self.form == MD:
            return text.markdown(parts, head, self.limit)
        if self.form == HTML:
            return text.page(parts, head, self.limit)
        return text.tabbed(parts, self.limit, bare=self.quiet)

    def _lines(self, lines: Iterable[str]) -> None:
        if self.save is None:
            emit(lines)
            return
        mark = "\ufeff" if self.form == CSV else ""  # without it Excel takes the letters for others
        self._write((mark + "\n".join([*lines, ""])).encode("utf-8", "backslashreplace"))

    def _workbook(self, parts: list[Drawable], head: Sequence[str]) -> None:
        from io import BytesIO

        from tabwarden.report import workbook

        file = BytesIO()
        workbook.write(file, parts, head, self.limit)
        if self.save is None:
            sys.stdout.flush()
            sys.stdout.buffer.write(file.getvalue())
        else:
            self._write(file.getvalue())

    def _write(self, content: bytes) -> None:
        from tabwarden.safe_files import write_whole

        assert self.save is not None
        write_whole(self.save, content)
        self.note(f"written to {self.save}")

    def _draw(self, parts: list[Drawable]) -> None:
        from tabwarden.report.screen import drawn

        emit(drawn(parts, pen(sys.stdout, limit=self.limit, bare=self.quiet)), paged=not self.no_pager)

    def progress(self, words: str) -> AbstractContextManager[Progress]:
        """How far something long is; see progress_bar."""
        return progress_bar(words, hidden=self.quiet or self.form == JSON)

    def note(self, words: str) -> None:
        """A line beside the answer, on standard error; not where machines read or nobody wants it."""
        if not self.quiet and self.form != JSON:
            say(words)

    def detail(self, words: str) -> None:
        """A note that is told only with --verbose."""
        if self.verbose:
            self.note(words)

    def warn_partial(self, site: Site, *, connections: bool = False) -> None:
        """A Site that is not whole says so before it answers, unless what it lacks has no bearing on the answer."""
        lacking = _lacking(site, connections=connections)
        if lacking:
            self.note(f"not read: {'; '.join(lacking)}; what depends on it is unknown")


PLAIN = Output()


def _rows_json(table: Table, limit: int | None) -> list[dict[str, Any]]:
    from tabwarden.report.table import value_of

    rows = table.cut(limit, watched=False)
    return [dict(zip(table.fields, map(value_of, row), strict=True)) for row in rows]


def _head(site: Site | None, *, connections: bool) -> list[str]:
    """What somebody who gets an answer without the terminal it was asked in wants to know of it."""
    from datetime import UTC, datetime

    from tabwarden import __version__

    written = f"made by Tabwarden {__version__} on {datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
    if site is None:
        return [written]
    of = [f"of the site {site.name}, as read {site.taken.when or 'at a time that was not told'}"]
    lacking = _lacking(site, connections=connections)
    return [*of, *([f"not read: {'; '.join(lacking)}"] if lacking else []), written]


def _lacking(site: Site, *, connections: bool) -> Sequence[str]:
    from tabwarden.model.scope import of_rules

    return site.partial if connections else of_rules(site.partial)
