"""An answer in every form says the same and all of it, and nothing in it acts; read by others than those who write."""

from __future__ import annotations

import csv
import io
import json
import os
import pty
import re
import subprocess
import sys
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest
from openpyxl import load_workbook
from patched_modules import Patch, in_place, planted
from watchdog import patience

from support import command_line
from tabwarden.commands._answer import FORMS, Output
from tabwarden.commands._parsing import UsageError
from tabwarden.model.names import visible
from tabwarden.report.table import MARK, NAME, NUMBER, TIME, Column, Many, Rows, Table, Text
from tabwarden.sandbox.worlds.finding import find_world
from tabwarden.store import snapshot

HOSTILE = [
    '=HYPERLINK("http://evil","x")',
    "+1+cmd|' /C calc'!A0",
    "-2+3",
    "@SUM(A1)",
    "＝1+1",
    "  =1",
    "\t=1",
    "a\tb\nc\r\x1b[31m\u202e",
    "<script>alert(1)</script>",
    "| a | `b` | **c** [d](javascript:1)",
    "'quoted', \"twice\"",
    "財務部門",
    "https://example.org",
]
PEOPLE = Table(
    Column("User", NAME), Column("", MARK, "may"), Column("Owns", NUMBER), Column("Last", TIME), "On", name="people"
)
for name in HOSTILE:
    PEOPLE.add_row(name, Text("yes", "green"), -3, "2026-11-21T06:00:00Z", Many(HOSTILE, shown=2))
STOPS = Table("Stop", name="people", title="=Stops: [more]?", rows=Rows(range(3), lambda n: (f"stop {n}",)))
PARTS = [Text("=5 people & <more>", "bold"), "a note", PEOPLE, STOPS]
SHOWN = [visible(name) for name in HOSTILE]


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., str]:
    def give(**options: object) -> str:
        monkeypatch.setattr(sys, "stdout", out := io.StringIO())
        Output(**options).give(PARTS, lambda: {"all": "of it"})  # type: ignore[arg-type]
        return out.getvalue()

    return give


def test_a_pipe_gets_full_values_between_tabs(given: Callable[..., str]) -> None:
    lines = given().splitlines()
    assert lines[:3] == ["=5 people & <more>", "a note", "User\tMay\tOwns\tLast\tOn"]
    rows = [line.split("\t") for line in lines[3 : 3 + len(HOSTILE)]]
    assert [row[0] for row in rows] == SHOWN
    assert {tuple(row[1:]) for row in rows} == {("yes", "-3", "2026-11-21T06:00:00Z", ", ".join(SHOWN))}
    assert given(quiet=True, limit=2).splitlines()[1:] == ["\t".join(row) for row in rows[:2]] + ["stop 0", "stop 1"]


def test_csv_is_read_back_and_no_cell_is_a_formula(given: Callable[..., str], tmp_path: Path) -> None:
    head, *rows = list(csv.reader(io.StringIO(given(csv=True))))
    assert head == ["user", "may", "owns", "last", "on"]
    assert [row[0].removeprefix("'") for row in rows] == [name.removeprefix("'") for name in SHOWN]
    assert {row[2] for row in rows} == {"-3"}, "a number stays one"
    cells = [cell for row in rows for place, cell in enumerate(row) if place != 2]
    assert not [cell for cell in cells if re.match(r"\s*[=+\-@＝＋－＠]", cell)]
    given(save=tmp_path / "people.csv")
    content = (tmp_path / "people.csv").read_bytes()
    assert (content[:3], content[3:].decode()) == (b"\xef\xbb\xbf", given(csv=True))
    assert oct((tmp_path / "people.csv").stat().st_mode)[-3:] == "600"


def test_a_workbook_has_a_sheet_a_part_and_no_formula(given: Callable[..., str], tmp_path: Path) -> None:
    given(save=tmp_path / "people.xlsx")
    book = load_workbook(tmp_path / "people.xlsx")
    assert book.sheetnames == ["Summary", "people", "people 2"]
    assert [row[0] for row in book["Summary"].values][:2] == ["=5 people & <more>", "a note"]
    head, *rows = book["people"].iter_rows()
    assert [cell.value for cell in head] == ["User", "May", "Owns", "Last", "On"]
    assert all(cell.font.b for cell in head)
    assert (book["people"].freeze_panes, book["people"].auto_filter.ref) == ("A2", f"A1:E{len(HOSTILE) + 1}")
    assert [row[0].value for row in rows] == SHOWN
    assert {row[4].value for row in rows} == {", ".join(SHOWN)}
    assert {tuple(cell.data_type for cell in row) for row in rows} == {("s", "s", "n", "d", "s")}
    assert {str(row[3].value) for row in rows} == {"2026-11-21 06:00:00"}
    every = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
    assert not [cell for cell in every if cell.data_type == "f" or cell.hyperlink]
    marked = {row[0].value for row in rows if row[0].quotePrefix}
    assert marked == {visible(name) for name in HOSTILE if re.match(r"[ =+\-@＝]", name)}


def test_what_a_cell_of_excel_cannot_hold_is_said(tmp_path: Path) -> None:
    table = Table("Who", rows=[("x" * 40_000,)])
    Output(save=tmp_path / "long.xlsx").give([table])
    cell = load_workbook(tmp_path / "long.xlsx")["answer"]["A2"].value
    assert len(cell) == 32_767
    assert cell.endswith("more than a cell of Excel holds; `--csv` has all of it")


class Page(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.cells: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag in ("td", "th"):
            self.cells.append("")

    def handle_data(self, data: str) -> None:
        if self.cells:
            self.cells[-1] += data


def test_a_page_needs_nothing_and_nothing_in_it_acts(given: Callable[..., str]) -> None:
    page = Page(given(html=True))
    known = {"html", "head", "meta", "title", "style", "body", "h1", "h2", "p", "section", "table", "thead", "tbody"}
    assert {tag for tag, _ in page.tags} <= known | {"tr", "th", "td", "wbr", "footer"}
    assert not [attrs for _, attrs in page.tags if {"src", "href", "onload", "onclick"} & attrs.keys()]
    cells = [cell.strip("\n") for cell in page.cells]
    assert cells[:5] == ["User", "May", "Owns", "Last", "On"]
    assert cells[5 : 5 + 5 * len(HOSTILE) : 5] == SHOWN


def test_markdown_has_a_line_a_row_and_no_markup_of_a_name(given: Callable[..., str]) -> None:
    lines = given(md=True).splitlines()
    rows = [re.split(r"(?<!\\)\|", line)[1:-1] for line in lines if line.startswith("| ")]
    assert {len(row) for row in rows} == {5, 1}
    plain = [re.sub(r"\\(.)", r"\1", row[0].strip()).replace("&lt;", "<") for row in rows[2 : 2 + len(HOSTILE)]]
    assert plain == [shown.strip() for shown in SHOWN]
    assert "<script" not in "".join(lines)


def test_json_is_the_document_and_with_fields_the_rows(given: Callable[..., str]) -> None:
    assert json.loads(given(json=True)) == {"all": "of it"}
    told = json.loads(given(json=True, fields="owns, on", limit=1))
    assert told == [{"owns": -3, "on": HOSTILE}]
    assert given(fields="may,owns", limit=1).splitlines() == ["May\tOwns", "yes\t-3"]


def test_a_pipe_gets_all_rows_and_a_limit_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    table = Table("N", rows=Rows(range(367), lambda n: (n,)))
    more = "and 364 more in `answer`; `--limit 0` gives all\n"
    for options, lines, note in (
        ({}, 368, ""),
        ({"limit": 3}, 4, more),
        ({"limit": 0}, 368, ""),
        ({"limit": 3, "csv": True}, 4, more),
        ({"limit": 3, "json": True, "fields": "n"}, 11, more),
        ({"limit": 3, "md": True}, 9, ""),  # which tells it itself
        ({"limit": 3, "quiet": True}, 3, ""),
    ):
        monkeypatch.setattr(sys, "stdout", out := io.StringIO())
        monkeypatch.setattr(sys, "stderr", err := io.StringIO())
        Output(**options).give([table])
        assert (len(out.getvalue().splitlines()), err.getvalue()) == (lines, note), options


@pytest.mark.parametrize("options", [{}, {"csv": True}, {"fields": "n"}, {"screen": True}])
def test_where_there_are_no_rows_it_is_said(options: dict[str, object], monkeypatch: pytest.MonkeyPatch) -> None:
    if options.get("screen"):
        monkeypatch.setenv("TABWARDEN_SCREEN", "1")
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    monkeypatch.setattr(sys, "stderr", err := io.StringIO())
    shown = {name: value for name, value in options.items() if name != "screen"}
    Output(**shown).give([Table("N", name="users")])  # type: ignore[arg-type]
    assert err.getvalue() == "there are no rows in `users`\n"


@pytest.mark.parametrize("bug", [pytest.param(bug, id=bug.name) for bug in planted("answers")])
def test_a_planted_bug_is_found(
    bug: Patch, given: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def every_form() -> None:
        test_a_pipe_gets_full_values_between_tabs(given)
        test_csv_is_read_back_and_no_cell_is_a_formula(given, tmp_path)
        test_a_workbook_has_a_sheet_a_part_and_no_formula(given, tmp_path)
        test_a_page_needs_nothing_and_nothing_in_it_acts(given)
        test_markdown_has_a_line_a_row_and_no_markup_of_a_name(given)
        test_a_pipe_gets_all_rows_and_a_limit_counts(monkeypatch)

    with in_place(bug), pytest.raises(AssertionError):
        every_form()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"csv": True, "md": True}, "`--csv` and `--md` exclude each other"),
        ({"save": Path("answer.docx")}, "`answer.docx` ends in no form of an answer; known are .json, .csv"),
        ({"json": True, "limit": 3}, "name the columns with `--fields`"),
        ({"fields": "user,role"}, "there are: people: user, may, owns, last, on; people: stop"),
        ({"part": "nothing"}, "there are: `people`, `people`"),
    ],
)
def test_options_that_cannot_be_meant_are_refused(options: dict[str, object], says: str) -> None:
    output = Output(**options)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match=re.escape(says)):
        output.check() or output.give(PARTS)  # type: ignore[func-returns-value]


# -- the commands ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("kept")
    site = next(site for site in find_world("w0").sites if site.contents)
    snapshot.save(site, folder, durable=False)
    return folder


def test_every_command_that_answers_gives_every_form(kept: Path, tmp_path: Path) -> None:
    site = snapshot.load(next(kept.iterdir()))
    user = next(u.name for u in site.users.values() if u.site_role == "ServerAdministrator")
    content = next(site.path(c.id) for c in site.contents.values() if c.kind == "workbook")
    asked = [["who", "View", content], ["what", user], ["what", user, content], ["why", user, "View", content]]
    asked += [["rules", content], ["whatif", "delete " + json.dumps(content)], ["list", "users"], ["find", user]]
    for words in asked:
        for form in FORMS:
            file = tmp_path / f"answer.{form}"
            ended = command_line.run(*words, "--snapshots", kept, "-o", file)
            assert (ended.exit_code, ended.stdout) == (0, ""), (words, form, ended.stderr)
            assert ended.stderr.splitlines()[-1:] == ([] if form == "json" else [f"written to {file}"])
            assert file.stat().st_size > 2
            file.unlink()


@pytest.mark.parametrize("words", [("who", "View", "Nowhere"), ("who", "--nonsense"), ("settings", "check")])
def test_errors_of_json_are_json_on_standard_error(
    words: tuple[str, ...], kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    more = ("--snapshots", kept) if words[0] == "who" else ()
    plain, told = command_line.run(*words, *more), command_line.run(*words, *more, "--json")
    assert plain.exit_code == told.exit_code == 1
    if words[0] == "settings":  # its answer are the problems
        assert json.loads(told.stdout)["ok"] is False
        return
    assert told.stdout == ""
    document = json.loads(told.stderr)
    assert document["exit_code"] == 1
    assert plain.stderr.startswith(f"tabwarden: {document['error']['message']}")


# -- a real terminal ------------------------------------------------------------------------------------------


def typed(words: list[str], columns: int, **environment: str) -> str:
    """What a terminal of so many columns and ten lines shows."""
    watcher, terminal = pty.openpty()
    around = {"PATH": os.environ["PATH"], "COLUMNS": str(columns), "LINES": "10", "TERM": "xterm", **environment}
    process = subprocess.Popen(
        [sys.executable, "-m", "tabwarden", *words], stdin=terminal, stdout=terminal, stderr=terminal, env=around
    )
    os.close(terminal)
    shown = b""
    while True:
        try:
            part = os.read(watcher, 1 << 16)
        except OSError:  # the other end is closed
            break
        if not part:
            break
        shown += part
    os.close(watcher)
    assert process.wait(timeout=patience(30)) == 0, shown
    return shown.decode().replace("\r\n", "\n")


def test_a_terminal_is_never_too_narrow_and_what_is_long_goes_through_the_pager(kept: Path) -> None:
    words = ["list", "users", "--snapshots", str(kept)]
    site = snapshot.load(next(kept.iterdir()))
    for columns in (80, 120, 200):
        shown = typed([*words, "--no-pager"], columns)
        assert "\x1b[1m" in shown
        plain = re.sub(r"\x1b\[[0-9;]*m", "", shown)
        assert max(map(len, plain.splitlines())) <= columns
        assert all(user.name in plain for user in site.users.values())
    paged = typed(words, 80, PAGER="sed s/^/>/", NO_COLOR="1")
    assert all(line.startswith(">") for line in paged.splitlines())
    assert "\x1b" not in typed(words, 80, TERM="dumb", PAGER="sed s/^/>/")
    assert typed([*words, "--limit", "1"], 200, PAGER="sed s/^/>/").count(">") == 0, "what fits needs no pager"
