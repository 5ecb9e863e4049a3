"""The small run of the benchmark: its sites, its check against the reference, and a table when the peers are there."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parent.parent / "benchmarks"
sys.path.insert(0, str(ROOT))

from agree import Different, same, verify  # noqa: E402
from measure import Judge, alone, in_turn, or_bandwidth  # noqa: E402
from peers import Naive  # noqa: E402
from sites import SIZES, changed, site  # noqa: E402
from tabwarden.access.engine import Engine  # noqa: E402

PEERS = ("casbin", "cedarpy", "duckdb", "polars")


@pytest.mark.parametrize("wild", [False, True])
def test_every_way_of_answering_equals_the_reference(wild: bool) -> None:
    engine = Engine(site("tiny", wild=wild))
    verify(engine, np.arange(0, 60, 7), np.arange(3, 400, 23))


def test_a_wrong_answer_ends_the_run() -> None:
    """A bit flipped in one rule list is seen, so no figure would be printed."""
    columns = site("tiny")
    engine = Engine(columns)
    engine.mirror("Read").rows[:] ^= np.uint64(1)
    held = columns.rules
    engine.parts.rules.allow  # noqa: B018
    engine.parts.rules.__dict__["allow"] = np.where(held.grantee % 3 == 0, 0, held.allow).astype(np.uint32)
    with pytest.raises(Different, match="the engine and the reference differ on"):
        verify(engine, np.arange(0, 60, 7), np.arange(3, 400, 23))
    with pytest.raises(Different, match="`what` answers differently"):
        same("what", [1, 2], [1, 3])


def test_sites_are_the_same_every_time_and_of_the_shape_told() -> None:
    one, other = site("S"), site("S")
    for table in ("users", "groups", "group_sets", "contents", "defaults", "rules"):
        for left, right in zip(getattr(one, table), getattr(other, table), strict=True):
            assert np.array_equal(left, right), table
    engine = Engine(one)
    sizes, parts = one.sizes, engine.parts
    assert (sizes["users"], sizes["contents"]) == (SIZES["S"].users, SIZES["S"].items + SIZES["S"].projects)
    assert 4_000 < sizes["memberships"] < 5_200
    assert 0.3 < (parts.sources.level == 2).mean() < 0.7, "about half of it lies under a lock"
    assert len(np.unique(parts.classes.rules)) > 300
    assert parts.people.n_sets
    assert len(parts.powers.leaders.project)
    assert {"view", "flow"} <= {one.vocabulary.kinds[k] for k in np.unique(one.contents.kind)}
    pieces = list(engine.compared_with(changed(one))[1])
    assert sum(piece.facts() for piece in pieces) > 1_000


def test_naive_dictionaries_agree_with_the_engine() -> None:
    engine = Engine(site("tiny"))
    naive = Naive(engine)
    users, items = np.divmod(np.arange(0, engine.parts.n_users * engine.parts.n_contents, 41), engine.parts.n_contents)
    for capability in ("Read", "WebAuthoring", "ChangePermissions"):
        told = [naive.check(u, capability, x)[0] for u, x in zip(users.tolist(), items.tolist(), strict=True)]
        assert np.array_equal(engine.check_many(users, capability, items) == 1, told), capability


def test_times_are_taken_by_turns_and_judged() -> None:
    asked: list[str] = []
    times = in_turn(lambda: asked.append("ours"), lambda: asked.append("theirs"), 3)
    assert asked == ["ours", "theirs"] * 3
    assert min(times) > 0
    assert alone(lambda: sum(range(1000))) > 0
    assert or_bandwidth(1) > 1e8
    judge = Judge(11.9e9, judged=True)
    assert judge.line("q", "M", "p", (1.0, 20.0), 10, anchor=15.0).verdict == "held"
    assert judge.line("q", "M", "p", (1.0, 5.0), 10, anchor=15.0).verdict == "MISSED"
    assert judge.line("q", "M", "p", (1.0, 40.0), 10, anchor=15.0).verdict == "void: the peer was slow"
    assert judge.limit("q", "L", "seconds", 5.0, 4.0).verdict == "MISSED"
    assert Judge(11.9e9, judged=False).line("q", "M", "p", (1.0, 5.0), 10).verdict == ""


@pytest.mark.slow
def test_the_small_run_prints_a_table() -> None:
    """Whole where the peers are installed; without them it says which is missing and prints no figure."""
    command = [sys.executable, str(ROOT / "engine.py"), "--quick"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    missing = [name for name in PEERS if importlib.util.find_spec(name) is None]
    if missing:
        assert done.returncode == 1
        assert f"install the dependency group `bench`: {', '.join(missing)}" in done.stdout
    else:
        assert done.returncode == 0, done.stdout + done.stderr
        assert "a sample of every answer equals the reference's" in done.stdout
        for question in ("one check with its full reason", "whole View mirror", "diff, all capabilities", "worst case"):
            assert question in done.stdout
