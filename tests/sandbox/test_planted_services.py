"""Bugs planted in schedules and in the VizQL Data Service: a small suite passes as it is, and fails with each."""

from __future__ import annotations

import pytest
from patched_modules import Patch, in_place, planted
from test_sandbox_schedules import DUE, NOON
from test_sandbox_vizql import BY_SQL, rows_of, table

from tabwarden.sandbox.handlers import schedules

__all__ = ["table"]


def suite(base) -> None:
    for timing, due in DUE:
        assert schedules.next_run(timing, NOON) == due
    for fields, filters, sql in BY_SQL:
        rows, wanted = rows_of(base, fields, filters, sql)
        assert rows == wanted, sql


def test_it_holds(table):
    suite(table)


@pytest.mark.parametrize("bug", [pytest.param(bug, id=bug.name) for bug in planted("services")])
def test_a_planted_bug_is_seen(bug: Patch, table):
    with in_place(bug), pytest.raises((AssertionError, TypeError)):
        suite(table)
