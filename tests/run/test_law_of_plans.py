"""What is planned is accepted and has its effect, a second plan is empty, undo gives back what was: random plans."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from patched_modules import Patch, in_place, planted
from plans_of_chance import OF_POLICIES, Broken, tables, try_plans

PLANS = 500
POLICIES = 200  # of these about half take back; more by `tests/support/plans_of_chance.py --policies`
ENOUGH = 20  # plans within which a planted bug is found from its seed on
BUGS_OF_POLICY = [pytest.param(bug, id=bug.name) for bug in planted("policies")]
BUGS = [pytest.param(bug, id=bug.name) for bug in planted("plans")]


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory):
    memory = Path("/dev/shm")  # a journal is on disk before each write, which thousands of plans need not wait for
    folder = memory if memory.is_dir() and os.access(memory, os.W_OK) else tmp_path_factory.mktemp("plans")
    with tables(folder) as opened:
        yield opened


def test_random_plans_are_accepted_and_taken_back(opened, capsys: pytest.CaptureFixture[str]) -> None:
    tally = try_plans(opened, PLANS)
    with capsys.disabled():
        print(f"\n{tally}")
    assert tally.applied >= PLANS


def test_random_policies_are_accepted_held_and_taken_back(opened, capsys: pytest.CaptureFixture[str]) -> None:
    """Also between two requests nobody may do more than before or afterwards."""
    tally = try_plans(opened, POLICIES, trials=OF_POLICIES)
    with capsys.disabled():
        print(f"\n{tally}")
    assert tally.plans["policy"] >= POLICIES // 3


@pytest.mark.parametrize("bug", BUGS_OF_POLICY)
def test_a_planted_bug_breaks_the_law_of_policies(opened, bug: Patch) -> None:
    with in_place(bug), pytest.raises(Broken):
        try_plans(opened, ENOUGH, seed=bug.seed, trials=OF_POLICIES)


@pytest.mark.parametrize("bug", BUGS)
def test_a_planted_bug_breaks_the_law(opened, bug: Patch) -> None:
    with in_place(bug), pytest.raises(Broken):
        try_plans(opened, ENOUGH, seed=bug.seed)
