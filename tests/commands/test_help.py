"""`tabwarden help`: the packaged pages, found by words and readable in a terminal."""

from __future__ import annotations

import pytest

from support import command_line
from tabwarden.report.pages import folder, pages, shown, topic
from tabwarden.report.table import Table, Text, words_of


@pytest.mark.parametrize(
    ("words", "code", "begins", "holds"),
    [
        ("", 0, "Tutorial\n", "first-hour"),
        ("decisions", 0, "Decisions\n", "0015-one-http-stack"),
        ("how to", 0, "How-to\n", "install"),
        ("undo", 0, "Undo\n", "    $ tabwarden apply undo.json"),
        ("first hour", 0, "The first hour\n", "Second thoughts"),
        ("how-to/read", 0, "Read a site\n", "The whole site"),
        ("settings store", 0, "store\n", "`store.url`"),
        ("safety accepting a stop", 0, "Accepting a stop", "--accept"),
        ("why", 0, "Usage: tabwarden why", "CAPABILITY"),
        ("plan undo", 0, "Usage: tabwarden plan undo", "--last"),
        ("plan", 0, "Usage: tabwarden plan COMMAND", "plan groups"),
        ("read", 0, "Read a site\n", "tabwarden read"),
        ("0009", 1, "", "there is no page `0009`; `tabwarden help` lists them all"),
        (
            "safty",
            1,
            "",
            "there is no page `safty`; nearest is `safety` or `web-safety`; `tabwarden help` lists them all",
        ),
        ("sandbox", 1, "", "name one of them: `reference/sandbox` and `explanation/sandbox`"),
        ("settings shop", 1, "", "page `settings` has no heading `shop`; its headings are `How values are written`, "),
    ],
)
def test_words_find_a_page(words: str, code: int, begins: str, holds: str) -> None:
    ended = command_line.run("help", *words.split())
    assert ended.exit_code == code
    assert ended.stdout.startswith(begins)
    assert holds in ended.output


def test_every_page_is_shown_whole_without_markup() -> None:
    known = pages()
    assert {page.file for page in known} == {*folder().glob("*/*.md")}
    for page in known:
        parts = list(shown(page))
        assert Text(page.title, "bold") in parts[:2], page.file
        words = [part.words for part in parts if isinstance(part, Text) and not part.words.startswith("    ")]
        words += [words_of(cell) for part in parts if isinstance(part, Table) for row in part.rows for cell in row]
        for text in words:
            outside = text.split("`")[::2]
            assert not any(mark in piece for piece in outside for mark in ("](", "**", "|---")), (page.file, text)
        blocks = page.file.read_text(encoding="utf-8")
        code = sum(isinstance(part, Text) and part.style == "dim command" for part in parts)
        assert code == sum(len(block.splitlines()) - 1 for block in blocks.split("```")[1::2]), page.file


def test_a_topic_names_one_page() -> None:
    known = pages()
    assert len({topic(page, known) for page in known}) == len(known)


def test_a_part_ends_where_the_next_begins() -> None:
    text = command_line.run("help", "safety", "held").stdout.splitlines()
    assert text[0] == "Held"
    assert "A plan that is no longer true" not in text
