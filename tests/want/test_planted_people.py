"""Planted bugs in several sources: precedence, overrides, movers, who vanished. Each is found by the suite."""

from __future__ import annotations

import pytest
from patched_modules import Patch, fresh, planted, source_with
from people_bug_suite import MODULES, first_wrong

BUGS = [pytest.param(bug, id=bug.name) for bug in planted("people")]


@pytest.mark.parametrize("bug", BUGS)
def test_a_planted_bug_is_found(bug: Patch) -> None:
    name = bug.file.removesuffix(".py").replace("/", ".")
    with fresh(MODULES, {name: source_with(bug)}) as load:
        assert first_wrong(load) is not None


def test_without_a_bug_nothing_is_found() -> None:
    with fresh(MODULES, {}) as load:
        assert first_wrong(load) is None
