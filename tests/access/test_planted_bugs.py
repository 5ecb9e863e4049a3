"""Planted bugs: each is seen by small random Sites alone, and by the table alone."""

from __future__ import annotations

import pytest
from evaluator_suites import Fast, parts, random_suite, table_suite
from patched_modules import Patch, engine_with, planted, reference_with, source_with

from tabwarden.access.reference import may
from tabwarden.engine.convert import columns_of
from tabwarden.engine.engine import Engine

FAST = Fast(columns_of, Engine)
SITES, PARTS = 40, 21
IN_REFERENCE = [pytest.param(bug, id=bug.name) for bug in planted("reference")]
IN_ENGINE = [pytest.param(bug, id=bug.name) for bug in planted("engine")]


@pytest.mark.parametrize("bug", IN_REFERENCE)
def test_random_sites_see_a_bug_in_the_reference(bug: Patch) -> None:
    assert random_suite(reference_with(bug), FAST, 0, SITES) is not None


@pytest.mark.parametrize("bug", IN_REFERENCE)
def test_the_table_sees_a_bug_in_the_reference(bug: Patch) -> None:
    assert table_suite(reference_with(bug), None, parts(PARTS)) is not None


@pytest.mark.parametrize("bug", IN_ENGINE)
def test_random_sites_see_a_bug_in_the_engine(bug: Patch) -> None:
    assert random_suite(may, engine_with(bug), 0, SITES) is not None


@pytest.mark.parametrize("bug", IN_ENGINE)
def test_the_table_sees_a_bug_in_the_engine(bug: Patch) -> None:
    assert table_suite(None, engine_with(bug), parts(PARTS)) is not None


def test_without_a_bug_nothing_is_seen() -> None:
    whole = {
        "name": "nothing",
        "old": "from __future__ import annotations",
        "new": "from __future__ import annotations",
    }
    reference = reference_with(Patch(file="access/reference.py", **whole))
    engine = engine_with(Patch(file="engine/engine.py", **whole))
    assert reference is not may
    assert engine.engine is not Engine
    assert random_suite(reference, engine, 0, 6) is None
    assert table_suite(reference, engine, parts(2)) is None


def test_a_bug_whose_text_is_gone_is_told() -> None:
    with pytest.raises(ValueError, match="found 0 times"):
        source_with(Patch("gone", "access/reference.py", "no_such_name", "pass"))
    with pytest.raises(ValueError, match="must be found once"):
        source_with(Patch("twice", "access/reference.py", "DENIED", "ALLOWED"))
    with pytest.raises(ValueError, match="there is no `gone`"):
        source_with(Patch("gone", "access/reference.py", "DENIED", "ALLOWED", "gone"))
