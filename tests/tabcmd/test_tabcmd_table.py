"""Every behaviour of the table, each against a fresh sandbox with the unmodified client."""

from __future__ import annotations

import shlex

import pytest
from behaviours import ROWS
from files import FILES


@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
def test_a_behaviour(shell, row):
    for name, content in FILES.items():
        shell.file(name, content)
    for command in row.given:
        before = shell.run(*shlex.split(command))
        assert before.code == 0, before.words
    said = shell.run(*shlex.split(row.command), user=row.user)
    assert said.code == row.code, said.words
    assert row.words.casefold() in said.words.casefold()
    assert row.holds(shell), said.words


def test_the_table_has_no_row_twice():
    assert len({row.name for row in ROWS}) == len(ROWS)
