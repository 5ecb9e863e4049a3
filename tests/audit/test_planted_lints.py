"""Planted bugs of lints; each is found by a case, by the plain reading of a lint, or by the few lines below."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from dense_sites import UNREAD_SHARES, dense_site
from patched_modules import Patch, in_place, planted
from test_findings import CASES, findings, of_case, site_of, subjects
from test_findings_by_hand import BY_HAND

from tabwarden.audit import baseline, score
from tabwarden.audit.finding import LINTS
from tabwarden.audit.lint import findings_of


@contextmanager
def with_bug(bug: Patch) -> Iterator[None]:
    """The function with the bug, in the table of lints too."""
    right = dict(LINTS)
    try:
        with in_place(bug):
            yield
    finally:
        LINTS.update(right)


def first_wrong() -> str | None:
    """The first thing that is not as it must be."""
    sales = {"rules": [{"user": "ann", "template": "View"}]}
    site = site_of({"projects": {"Sales": sales, "Sales/Below": sales, "HR": sales, "Empty": {}}})
    result = findings(site, "rules-for-persons")
    inside = findings_of(result.audited, only=("rules-for-persons",), scope=site.find_content("Sales").id)
    if subjects(inside) != ["Sales", "Sales/Below"]:
        return "scope"
    if baseline.judged(result, [baseline.PutBy("rules-for-persons", "", "2020-01-01", "r")], "2026-11-29").put_by:
        return "baseline"
    if {one.points for one in score.scores(result)} != {85, 100}:
        return "points"
    if not findings(site.with_contents(replace(site.find_content("Sales"), rules=None)), "rules-for-persons").unjudged:
        return "unknown"
    wrong = (case["lint"] for case in CASES if sorted(set(subjects(of_case(case)))) != sorted(case["finds"]))
    return next(wrong, None) or next(_unlike(), None)


def _unlike() -> Iterator[str]:
    for seed in range(40):
        site = dense_site(seed, unread=UNREAD_SHARES[seed % len(UNREAD_SHARES)])
        result = findings(site, *BY_HAND)
        ids = result.audited.columns.ids("content")
        for name, by_hand in BY_HAND.items():
            mine = [finding for finding in result.findings if finding.lint.id == name]
            if {ids[number] for finding in mine for number in finding.subjects.tolist()} != by_hand(site):
                yield name


@pytest.mark.parametrize("bug", [pytest.param(bug, id=bug.name) for bug in planted("lints")])
def test_a_planted_bug_is_found(bug: Patch) -> None:
    with with_bug(bug):
        assert first_wrong() is not None


def test_without_a_bug_nothing_is_found() -> None:
    assert first_wrong() is None
