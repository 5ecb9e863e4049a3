"""Reference and engine against a second opinion in bit arithmetic, over every combination of the table."""

from __future__ import annotations

from dataclasses import replace

import bit_oracle as oracle
import pytest
from evaluator_suites import Fast, table_suite, whole_table

from tabwarden.access.reference import may
from tabwarden.engine.convert import columns_of
from tabwarden.engine.engine import Engine
from tabwarden.model.open_points import MODELS, OpenPoints
from tabwarden.model.site import Grantee, Rule


@pytest.mark.parametrize("model", MODELS)
def test_the_reference_answers_every_line_as_the_arithmetic_says(model: str) -> None:
    assert table_suite(may, None, whole_table(), [model]) is None


@pytest.mark.parametrize("model", MODELS)
def test_the_engine_answers_every_line_as_the_arithmetic_says(model: str) -> None:
    assert table_suite(None, Fast(columns_of, Engine), whole_table(), [model]) is None


def test_the_table_is_not_one_sided() -> None:
    found = [oracle.expected(row, seed, model) for seed, rows in whole_table() for row in rows for model in MODELS]
    assert len(found) * 4 > 400_000
    assert len({allowed for allowed, _ in found}) >= 10
    assert len({unknown for _, unknown in found}) >= 10
    for bit in oracle.CAPABILITIES:
        assert 0.15 < sum(1 for allowed, _ in found if allowed & bit) / len(found) < 0.85
        assert sum(1 for _, unknown in found if unknown & bit) / len(found) > 0.02


def test_every_capability_meets_every_mixture_of_rules_on_every_list() -> None:
    for name in oracle.LISTS:
        for bit in oracle.CAPABILITIES:
            met = {tuple(bool(plane & bit) for plane in oracle.PLANES[name, seed]) for seed in oracle.SEEDS}
            assert len(met) == 64


def test_the_connectors_reading_of_group_sets_is_a_switch() -> None:
    row = oracle.Row("Creator", "none", "open", "workbook", "nothing")
    site, content = oracle.site_of(0, (row,)), oracle.content_of(row)
    spoken = frozenset({Rule(Grantee("group", "g"), "Read", "Allow"), Rule(Grantee("groupSet", "t"), "Read", "Deny")})
    site = site.with_contents(replace(site.contents[content], rules=spoken))
    assert may(site, oracle.user_of(row), "Read", content).because == "group_allow"
    strict = OpenPoints(group_set_deny_is_final=True)
    assert may(site, oracle.user_of(row), "Read", content, open_points=strict).because == "groupset_deny"
