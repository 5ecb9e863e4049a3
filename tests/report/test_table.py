"""Tables as they are drawn: everything is in them, whatever it is, and no line is wider than it may be."""

from __future__ import annotations

import io
import sys

import pytest

from tabwarden.commands._output import progress_bar, show
from tabwarden.report.table import ASCII, Group, Pen, Table, Text, drawn

STYLED = Table("Name", "Why", title=Text("Held", "bold red"))
STYLED.add_row(Text("ann", "green"), "a rule, and another one")
STYLED.caption = "and 3 more"


def test_a_table_as_it_is_printed() -> None:
    assert list(drawn(STYLED, Pen(80))) == [
        "Held",
        "┏━━━━━━┳━━━━━━━━━━━━━━━━━━━━━━━━━┓",
        "┃ Name ┃ Why                     ┃",
        "┡━━━━━━╇━━━━━━━━━━━━━━━━━━━━━━━━━┩",
        "│ ann  │ a rule, and another one │",
        "└──────┴─────────────────────────┘",
        "and 3 more",
    ]
    assert "\n".join(drawn(STYLED, Pen(24, styles=True, box=ASCII))).splitlines()[4:7] == [
        "| \x1b[32mann\x1b[0m  | a rule, and   |",
        "|      | another one   |",
        "+------+---------------+",
    ]
    plain = Table(plain=True)
    plain.add_row(Text("lost", "dim"), "Allow View")
    plain.add_row("decides", "")
    assert list(drawn(Group(("why", plain)), Pen(80))) == ["why", "lost     Allow View", "decides"]


@pytest.mark.parametrize(
    ("words", "lines"),
    [
        ("", [""]),
        ("two words", ["two", "words"]),
        ("Geschäftsführer", ["Geschä", "ftsfüh", "rer"]),
        ("財務部門の予算", ["財務部", "門の予", "算"]),
        ("e\u0301e\u0301e\u0301e\u0301e\u0301e\u0301e\u0301", ["e\u0301" * 6, "e\u0301"]),
        ("\u1112\u1161\u11ab" * 4, ["\u1112\u1161\u11ab" * 3, "\u1112\u1161\u11ab"]),
        ("務" * 3000, ["務" * 3] * 1000),  # in no time
        ("a\x1b[31mb", ["a\\x1b[", "31mb"]),
    ],
)
def test_what_is_too_wide_is_folded(words: str, lines: list[str]) -> None:
    table = Table("Column")
    table.add_row(words)
    cells = [line.strip("│ ") for line in drawn(table, Pen(10)) if line.startswith("│")]
    assert cells == lines


def test_columns_share_what_room_there_is() -> None:
    table = Table("A", "B", "C", centred=[2])
    table.add_row("short", "a path / that is / longer than / the others", "yes")
    lines = list(drawn(table, Pen(40)))
    assert {len(line) for line in lines} == {40}
    assert all("yes" not in line or "│ yes │" in line for line in lines)
    assert len(set(map(len, drawn(table, Pen(3))))) == 1, "narrower than any table"


def test_where_strokes_cannot_be_written_they_are_ascii(monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.TextIOWrapper(io.BytesIO(), encoding="latin-1")
    monkeypatch.setattr(sys, "stdout", out)
    show("plain", STYLED, style="bold")
    out.seek(0)
    assert out.read().splitlines()[1:3] == ["Held", "+------+-------------------------+"]


@pytest.mark.parametrize(("value", "is_styled"), [(None, True), ("", True), ("0", False)])
def test_no_color_counts_when_it_is_not_empty(
    monkeypatch: pytest.MonkeyPatch, value: str | None, is_styled: bool
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    if value is not None:
        monkeypatch.setenv("NO_COLOR", value)
    out = io.StringIO()
    monkeypatch.setattr(out, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stdout", out)
    show("plain", style="bold")
    assert ("\x1b[1m" in out.getvalue()) is is_styled


def test_progress_is_told_to_a_terminal_and_taken_away(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    for hidden, told in ((False, "reading [###############               ] 5 of 10"), (True, "")):
        terminal = Terminal()
        monkeypatch.setattr(sys, "stderr", terminal)
        with progress_bar("reading", hidden=hidden) as progress:
            progress(5, 10)
        assert told in terminal.getvalue()
        assert terminal.getvalue().rpartition("\r")[2] == ""
