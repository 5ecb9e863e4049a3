"""What somebody mistypes who follows the pages on policy, invariants, findings and undo: each tells what is near it."""

from __future__ import annotations

from pathlib import Path

import pytest
from command_line import run
from small_site import group, project, site, workbook

from tabwarden.store import snapshot

WORDS = (
    ("lint --scope HR/*", "no content `HR/*` on site `Site`; near it: `HR`"),
    ("lint opne-to-all", "near it: `open-to-all`"),
    ("lint --since yestrday", "near it: `yesterday`"),
    ("whatif|lok HR", "near it:\n  lock PROJECT [without nested], as in `lock Finance`\n"),
    ("whatif|describe HR as led", 'near it:\n  describe CONTENT as "TEXT", as in'),
)
INVARIANTS = (
    ("only: grup Staff, may: View", "no group, user or group set `grup Staff` on site `Site`; near it: `group`"),
    ("only: owner, may: View", "near it: `owners`"),
    ("only: role Viewr, may: View", "no site role is called `Viewr`; there are Unlicensed, "),
    ("only: owners, may: ability:mvoe", "no capability or ability is called `ability:mvoe`; near it: `move`"),
    ("only: owners, may: Veiw", "near it: `View`"),
    ("only: owners, may: View, on: HRR/*", "nothing fits `HRR/*`; near it: `HR`; an invariant of nothing"),
)


@pytest.fixture
def snapshots(tmp_path: Path) -> Path:
    place = site(project("HR", None), workbook("Pay", "HR"), users=["ann:Viewer"], groups=[group("Staff", "ann")])
    snapshot.save(place, tmp_path / "snapshots")
    return tmp_path / "snapshots"


@pytest.mark.parametrize(("words", "told"), WORDS)
def test_a_wrong_word_is_told_with_what_is_near_it(words: str, told: str, snapshots: Path) -> None:
    ended = run(*(words.split("|") if "|" in words else words.split()), "--snapshots", snapshots)
    assert (ended.exit_code, ended.stdout) == (1, "")
    assert told in ended.stderr


@pytest.mark.parametrize(("words", "told"), INVARIANTS)
def test_a_wrong_word_of_an_invariant_is_told_with_its_line(words: str, told: str, snapshots: Path) -> None:
    file = snapshots.parent / "invariants.yaml"
    file.write_text(f"invariants:\n- {{name: x, {words}}}\n")
    ended = run("check", file, "--snapshots", snapshots)
    assert ended.exit_code == 1
    assert ended.stderr.startswith(f"tabwarden: {file}:2: ")
    assert told in ended.stderr


@pytest.mark.parametrize(("command", "near"), [("apply lst", "; near it: `last`"), ("plan show lst", "")])
def test_a_plan_that_is_nearly_the_last_one(command: str, near: str, tmp_path: Path) -> None:
    settings = tmp_path / "settings.yaml"
    settings.write_text("tableau: {server: http://127.0.0.1:9, site: x, auth: {pat: {name: n, secret: s}}}\n")
    ended = run(*command.split(), "--settings", settings)
    assert ended.exit_code == 1
    assert "`lst` is no plan's file, and no number or id of a plan in" in ended.stderr
    assert f"{near}; `tabwarden plan list` has them" in ended.stderr
