"""The small run of the benchmark: its sites, its check against the reference, and a table when the peers are there."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from paths import ROOT
from watchdog import patience

BENCHMARKS = ROOT / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))

from agree import Different, same, verify  # noqa: E402
from facts import facts_of  # noqa: E402
from later import changed  # noqa: E402
from measure import Judge, Line, Oring, alone, each_in_turn, in_turn, memory_of, or_bandwidth  # noqa: E402
from peers import Naive  # noqa: E402
from report import BEGIN, END, markdown, write  # noqa: E402
from sites import SIZES, site  # noqa: E402
from tabwarden.engine import mirror_rows  # noqa: E402
from tabwarden.engine.engine import Engine  # noqa: E402

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
    assert judge.limit("q", "L", "s", 5.0, 4.0).verdict == "MISSED"
    assert judge.floor("q", "L", (3.0, 1.0), 4).verdict == "held"
    assert judge.floor("q", "L", (5.0, 1.0), 4).verdict == "MISSED"
    assert Judge(11.9e9, judged=False).line("q", "M", "p", (1.0, 5.0), 10).verdict == ""
    turns = each_in_turn(["a", "b"], asked.append, lambda _: None)
    assert asked[6:] == ["a", "b"] * 10, "nine rounds of all of them, then one by one"
    assert min(turns) > 0


def test_bytes_are_counted() -> None:
    assert 8_000_000 <= memory_of(lambda: np.ones(1_000_000)) < 8_100_000
    touch = Oring(24 * ((1 << 17) * 2 + 5), megabytes=1)
    assert (touch.times, touch.rest) == (2, 5)
    touch()


def test_the_figures_take_the_place_between_the_marks(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n", encoding="utf-8")
    line = Line("one", "M", "naive", 2e-6, 1e-6, 0.5, "at least 0.4x", "held", 408, None, "a remark")
    write(page, markdown([line], "python engine.py", "12 GB/s"))
    text = page.read_text(encoding="utf-8")
    assert text.startswith(f"before\n{BEGIN}\n`python engine.py`, Python ")
    assert "| one | M | naive | 2 us | 1 us | 0.5x | at least 0.4x | held | 408 B |  | a remark |" in text
    assert text.endswith(f"{END}\nafter\n")
    assert "old" not in text
    page.write_text("nothing", encoding="utf-8")
    with pytest.raises(ValueError, match="to put the figures between"):
        write(page, "")


# -- the short ways that only large sites go --------------------------------------------------------------------


@pytest.mark.parametrize("capability", ["Read", "WebAuthoring", "ChangePermissions"])
def test_wide_rows_are_made_like_narrow_ones(monkeypatch: pytest.MonkeyPatch, capability: str) -> None:
    engine = Engine(site("S"))
    narrow = engine.mirror(capability)
    monkeypatch.setattr(mirror_rows, "_WIDE", 0)
    wide = engine.mirror(capability, into=np.full((len(narrow.rows) + 3, engine.parts.people.words), 7, np.uint64))
    assert np.array_equal(narrow.rows, wide.rows)
    assert wide.rows.base is not None, "the memory that was given is used"
    assert engine.mirror(capability, into=np.empty((1, 1), np.uint64)).rows.shape == narrow.rows.shape


def test_peers_are_given_each_source_or_each_list_once() -> None:
    engine = Engine(site("tiny"))
    sources, lists = facts_of(engine), facts_of(engine, given_our_lists=True)
    assert sources.item_source.max() > lists.item_source.max()
    assert len(sources.entry_source) > len(lists.entry_source)
    assert len(np.unique(sources.entry_source * 10**6 + sources.entry_code)) == len(sources.entry_source)


@pytest.mark.slow
def test_the_small_run_prints_a_table() -> None:
    """Whole where the peers are installed; without them it says which is missing and prints no figure."""
    command = [sys.executable, str(BENCHMARKS / "engine.py"), "--quick"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=patience(120), check=False)
    missing = [name for name in PEERS if importlib.util.find_spec(name) is None]
    if missing:
        assert done.returncode == 1
        assert f"install the dependency group `bench`: {', '.join(missing)}" in done.stdout
    else:
        assert done.returncode == 0, done.stdout + done.stderr
        assert "a sample of every answer equals the reference's" in done.stdout
        for question in ("one check with its full reason", "whole View mirror", "diff, all capabilities", "worst case"):
            assert question in done.stdout
