"""A terminal shows all of a table, whatever it is and however narrow it is, and nothing in it acts."""

from __future__ import annotations

import io
import sys

import pytest

from tabwarden.commands._answer import Output
from tabwarden.commands._output import progress_bar, say, show
from tabwarden.report.screen import Pen, drawn, folded
from tabwarden.report.table import MARK, NAME, NUMBER, Column, Group, Many, Table, Text

PEOPLE = Table(Column("User", NAME), Column("May", MARK), Column("Seen", NUMBER), "Decided by", name="people")
PEOPLE.title = Text("Held", "bold red")
PEOPLE.add_row("ann@acme.example", Text("yes", "green"), 1234, "Allow to group Finance and to group Controlling")


def test_a_table_as_a_terminal_shows_it() -> None:
    assert list(drawn([PEOPLE, "then"], Pen(90))) == [
        "Held",
        "User              May   Seen  Decided by",
        "────────────────  ───  ─────  ───────────────────────────────────────────────",
        "ann@acme.example  yes  1,234  Allow to group Finance and to group Controlling",
        "",
        "then",
    ]
    assert list(drawn([PEOPLE], Pen(60, styles=True, stroke="-")))[3:] == [
        "ann@acme.example  \x1b[32myes\x1b[0m  1,234  Allow to group Finance and to",
        "                              group Controlling",
    ]
    plain = Table("Step", "Words", plain=True)
    plain.add_row(Text("lost", "dim"), "Allow View")
    plain.add_row("decides", "")
    assert list(drawn([Group(("why", plain))], Pen(80))) == ["why", "lost     Allow View", "decides"]


def test_what_does_not_fit_beside_each_other_stands_one_below_the_other() -> None:
    assert list(drawn([PEOPLE], Pen(30)))[1:] == [
        "ann@acme.example",
        "  May         yes",
        "  Seen        1,234",
        "  Decided by  Allow to group",
        "              Finance and to",
        "              group",
        "              Controlling",
    ]


@pytest.mark.parametrize("width", [20, 40, 80, 120, 200])
def test_no_line_is_wider_than_the_terminal_and_every_name_is_there(width: int) -> None:
    names = [f"Finance/Quarterly Reports/{n}/the.long.name.of.person.{n}@subsidiary.acme.example" for n in range(9)]
    table = Table(Column("On", NAME), "Role", Column("Kind", MARK), Column("Who", NAME), "Why")
    grid = Table("Capability", *(Column(name, NAME) for name in names), grid=True)
    grid.add_row("View", *("yes" for _ in names))
    for name in names:
        table.add_row(name, "Explorer (can publish)", "workbook", Many(names, shown=2), f"Allow to {name}")
    lines = list(drawn([Text("A sentence that is wide", "bold"), table, grid], Pen(width)))
    assert max(map(len, lines)) <= width
    whole = "".join("".join(lines).split())
    for name in names:
        assert "".join(name.split()) in whole or width > 100, name


@pytest.mark.parametrize(
    ("words", "width", "lines"),
    [
        ("", 6, [""]),
        ("two words", 6, ["two", "words"]),
        ("Finance/Budget", 9, ["Finance/", "Budget"]),
        ("new.one@acme.example", 12, ["new.one@", "acme.example"]),
        ("Geschäftsführer", 6, ["Geschä", "ftsfüh", "rer"]),
        ("財務部門の予算", 6, ["財務部", "門の予", "算"]),
        ("e\u0301e\u0301e\u0301e\u0301e\u0301e\u0301e\u0301", 6, ["e\u0301" * 6, "e\u0301"]),
        ("\u1112\u1161\u11ab" * 4, 6, ["\u1112\u1161\u11ab" * 3, "\u1112\u1161\u11ab"]),
        ("務" * 3000, 6, ["務" * 3] * 1000),  # in no time
    ],
)
def test_what_is_too_wide_is_folded(words: str, width: int, lines: list[str]) -> None:
    assert folded(words, width) == lines


def test_nothing_in_a_cell_acts() -> None:
    table = Table("Column")
    table.add_row("a\x1b[31mb\nc")
    assert list(drawn([table], Pen(40)))[-1] == "a\\x1b[31mb\\nc"


def test_rows_that_are_left_out_are_counted() -> None:
    table = Table("N", rows=[(str(number),) for number in range(367)])
    assert list(drawn([table], Pen(80)))[-1] == "and 167 more; `--limit 0` shows all"
    assert len(list(drawn([table], Pen(80, limit=0)))) == 2 + 367
    assert list(drawn([table], Pen(80, limit=3)))[-1] == "and 364 more; `--limit 0` shows all"


class Terminal(io.StringIO):
    encoding = "latin-1"

    def isatty(self) -> bool:
        return True


def test_where_strokes_cannot_be_written_they_are_ascii(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", out := Terminal())
    monkeypatch.setenv("TERM", "dumb")
    show("plain", PEOPLE, style="bold")
    assert out.getvalue().splitlines()[3].startswith("----------------  ---  -----  ---")


@pytest.mark.parametrize(("value", "is_styled"), [(None, True), ("", True), ("0", False)])
def test_no_color_counts_when_it_is_not_empty(
    monkeypatch: pytest.MonkeyPatch, value: str | None, is_styled: bool
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    if value is not None:
        monkeypatch.setenv("NO_COLOR", value)
    monkeypatch.setattr(sys, "stdout", out := Terminal())
    Output(no_pager=True).give([Text("words", "bold")])
    assert ("\x1b[1m" in out.getvalue()) is is_styled


def test_progress_is_told_to_a_terminal_and_taken_away_and_never_shares_a_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for hidden, told in ((False, "reading [###############               ] 5 of 10"), (True, "")):
        monkeypatch.setattr(sys, "stderr", terminal := Terminal())
        with progress_bar("reading", hidden=hidden) as progress:
            progress(5, 10)
            say("a note")
        assert told in terminal.getvalue()
        assert terminal.getvalue().rpartition("\r")[2] == ("" if hidden else "a note\n") or hidden
