"""An answer as text to hand on: tab-separated for a pipe, CSV, Markdown, and HTML as one page that needs nothing else.

All values are whole. Nothing in a name acts: where it would end a line or be invisible it is an escape, in CSV a cell
that a spreadsheet would reckon begins with an apostrophe (OWASP, "CSV Injection"), in Markdown and HTML what is markup
is escaped.
"""

from __future__ import annotations

import csv
import html
import re
from collections.abc import Iterable, Iterator, Sequence
from io import StringIO

from tabwarden.model.names import visible
from tabwarden.report.table import MARK, NUMBER, TIME, Cell, Column, Drawable, Table, Text, flat, words_of

# What makes a formula of a cell, in the wide letters of East Asian keyboards too.
FORMULA = re.compile(r"\s*[=+\-@＝＋－＠]")
_PARTS = re.compile(r"[/@\\](?=.)")  # after which a page may break a name
_MARKUP = re.compile(r"([\\`*_\[\]<>|#~&])")
STYLE = """\
:root{color-scheme:light dark;--line:#d0d7de;--head:#f3f5f7;--dim:#57606a;--yes:#116329;--no:#a40e26;--some:#7d4e00}
@media(prefers-color-scheme:dark){
:root{--line:#3d444d;--head:#1c2128;--dim:#9198a1;--yes:#57d364;--no:#ff7b72;--some:#e3b341}}
body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:90rem;padding:0 1rem;overflow-wrap:break-word}
h1{font-size:1.4rem;margin:0}h2{font-size:1.05rem;margin:1.8rem 0 .4rem}
p{margin:.4rem 0}.dim,footer{color:var(--dim)}
section{overflow-x:auto;margin:.6rem 0 1.6rem}
table{border-collapse:collapse;width:100%;font-size:.92rem}
td,th{padding:.3rem .6rem;text-align:left;vertical-align:top}
th{background:var(--head);position:sticky;top:0;white-space:nowrap}td{border-top:1px solid var(--line)}
.number{text-align:right;font-variant-numeric:tabular-nums}.mark,.time{white-space:nowrap}
.green{color:var(--yes)}.red{color:var(--no)}.yellow{color:var(--some)}.bold{font-weight:600}
@media print{th{position:static}body{margin:0;max-width:none}}
"""


def tabbed(parts: Iterable[Drawable], limit: int | None, *, bare: bool = False) -> Iterator[str]:
    """Sentences, and rows of full values with a tab between them; `bare` leaves titles and headings out."""
    after_table = False
    for part in flat(list(parts)):
        if after_table and not bare:
            yield ""
        after_table = isinstance(part, Table) and not part.plain
        if isinstance(part, Text):
            yield visible(part.words)
            continue
        if part.title.words and not bare:
            yield visible(part.title.words)
        if not part.plain and not bare:
            yield "\t".join(visible(column.head) for column in part.columns)
        for row in part.cut(limit, watched=False):
            yield "\t".join([visible(words_of(cell)) for cell in row])


def csv_lines(table: Table, limit: int | None) -> Iterator[str]:
    """The fields and the rows of one table, RFC 4180 with LF, no cell of which a spreadsheet takes for a formula."""
    buffer = StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    heads: list[Sequence[Cell]] = [list(table.fields)]
    for rows in (heads, table.cut(limit, watched=False)):
        for row in rows:
            writer.writerow([cell if isinstance(cell, int) else defused(words_of(cell)) for cell in row])
            yield buffer.getvalue().removesuffix("\n")
            buffer.seek(0)
            buffer.truncate()


def defused(words: str) -> str:
    """With an apostrophe before what a spreadsheet would reckon."""
    words = visible(words)
    return f"'{words}" if FORMULA.match(words) else words


def markdown(parts: Iterable[Drawable], head: Sequence[str], limit: int | None) -> Iterator[str]:
    """Sentences as paragraphs, tables as those of GitHub; `head` tells where it is from."""
    for part in flat(list(parts)):
        if isinstance(part, Text):
            words = _marked(part.words.strip())
            yield from (f"**{words}**" if "bold" in part.style else words, "") if words else ()
            continue
        if part.title.words:
            yield from (f"### {_marked(part.title.words)}", "")
        yield _md_row(column.head if not part.plain else "" for column in part.columns)
        yield "|" + "|".join(" ---: " if column.kind == NUMBER else " --- " for column in part.columns) + "|"
        rows = part.cut(limit, watched=False)
        yield from (_md_row(map(words_of, row)) for row in rows)
        yield from ("", *([f"{left_out(part, rows)}", ""] if len(rows) < len(part.rows) else []))
    yield from (f"*{_marked(line)}*  " for line in head)


def _md_row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(map(_marked, cells)) + " |"


def _marked(words: str) -> str:
    return _MARKUP.sub(r"\\\1", visible(words)).replace(r"\<", "&lt;").replace(r"\&", "&amp;")


def left_out(table: Table, rows: Sequence[object]) -> str:
    """`and 12 more`, where rows were left out because somebody said so."""
    return f"and {len(table.rows) - len(rows):,} more"


def page(parts: Iterable[Drawable], head: Sequence[str], limit: int | None) -> Iterator[str]:
    """One page of HTML without scripts, pictures or links; light and dark, and fit to print."""
    listed = list(flat(list(parts)))
    title = next((part.words for part in listed if isinstance(part, Text)), None)
    title = title or next((part.title.words or part.name for part in listed if isinstance(part, Table)), "Tabwarden")
    yield '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">'
    yield "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
    yield '<meta name="viewport" content="width=device-width">'
    yield f"<title>{safe(title)}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>"
    for number, part in enumerate(listed):
        if isinstance(part, Table):
            yield from html_table(part, limit)
        elif number == 0:
            yield f"<h1>{safe(part.words)}</h1>"
        elif part.words.strip():
            yield f'<p class="{part.style or "words"}">{safe(part.words)}</p>'
    yield "<footer>" + "".join(f"<p>{safe(line)}</p>" for line in head) + "</footer>\n</body>\n</html>"


def html_table(table: Table, limit: int | None) -> Iterator[str]:
    """A table with its title, in a frame of its own that a narrow page scrolls."""
    if table.title.words:
        yield f"<h2>{safe(table.title.words)}</h2>"
    yield "<section><table>"
    if not table.plain:
        heads = (f'<th class="{column.kind}">{safe(column.head)}</th>' for column in table.columns)
        yield f"<thead><tr>{''.join(heads)}</tr></thead>"
    yield "<tbody>"
    rows = table.cut(limit, watched=False)
    for row in rows:
        yield f"<tr>{''.join(map(_html_cell, table.columns, row))}</tr>"
    yield "</tbody>\n</table></section>"
    if len(rows) < len(table.rows):
        yield f'<p class="dim">{left_out(table, rows)}</p>'


def _html_cell(column: Column, cell: Cell) -> str:
    kind = [column.kind] if column.kind in (NUMBER, TIME, MARK) else []
    classes = " ".join([*kind, *([cell.style] if isinstance(cell, Text) and cell.style else [])])
    words = f"{cell:,}" if isinstance(cell, int) else words_of(cell)
    text = _PARTS.sub(r"\g<0><wbr>", safe(words))
    return f'<td class="{classes}">{text}</td>' if classes else f"<td>{text}</td>"


def safe(words: str) -> str:
    """Words as text of a page: nothing in them is markup, or acts."""
    return html.escape(visible(words))
