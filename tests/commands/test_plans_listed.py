"""Plans by number: listed with when, who and what became of each, shown again, applied on a yes, undone by name."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from getpass import getuser
from pathlib import Path

import pytest
from provisioning import Bench, bench

from support import command_line
from tabwarden.run.plans import INDEX, PLANS

SAYS = "2 people join, 2 get a role at their next sign-in"
STAMP = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d UTC")


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Bench]:
    with bench(tmp_path) as bench_:
        bench_.joiners("new@a.example", "more@a.example")
        yield bench_


def tabwarden(desk: Bench, *words: object, typed: str | None = None) -> command_line.Ended:
    return command_line.run(*words, "--settings", desk.folder / "settings.yaml", env=desk.environment, typed=typed)


def listed(desk: Bench, *words: str) -> list[dict[str, object]]:
    plans: list[dict[str, object]] = json.loads(tabwarden(desk, "plan", "list", "--json", *words).stdout)
    return plans


def test_from_a_plan_to_its_undo_by_number(desk: Bench) -> None:
    _ = desk.settings_path
    assert "no plan was made yet" in tabwarden(desk, "plan", "list").stdout
    assert "plan 1 (" in tabwarden(desk, "plan", "provision").stdout
    (first,) = listed(desk)
    assert (first["number"], first["by"], first["state"], first["says"]) == (1, getuser(), "waiting", SAYS)
    shown = tabwarden(desk, "plan", "show", "1").stdout
    assert STAMP.search(shown)
    assert all(words in shown for words in (f"by {getuser()}: waits", "join the site", "new@a.example"))
    assert tabwarden(desk, "plan", "show", str(first["plan"])[:6]).stdout == shown
    assert tabwarden(desk, "apply", "1").exit_code == 0
    assert f"applied {str(listed(desk)[0]['begun'])[:10]}" in tabwarden(desk, "plan", "list").stdout
    assert "no plan waits" in tabwarden(desk, "plan", "list", "--waiting").stdout

    undo = tabwarden(desk, "plan", "undo", "1", "-o", desk.folder / "undo.txt")
    beside = [line.split(" (")[0] for line in undo.stderr.splitlines()]
    assert beside[:2] == [f"written to {desk.folder / 'undo.txt'}", "plan 2"]
    assert beside[2].startswith("next: tabwarden apply 2")
    undo = tabwarden(desk, "plan", "show", "2")
    assert re.search(rf"undo of `provision` of {STAMP.pattern} by {getuser()} for site People", undo.stdout)
    assert "it takes back `provision`" in undo.stdout
    assert str(first["plan"]) not in undo.stdout
    assert [plan["number"] for plan in listed(desk)] == [2, 1]
    assert tabwarden(desk, "apply", "#2").exit_code == 0
    assert desk.role("new@a.example") is None


def test_a_plan_elsewhere_has_a_number_too_until_its_file_is_gone(desk: Bench, tmp_path: Path) -> None:
    _ = desk.settings_path
    assert tabwarden(desk, "plan", "provision", "--out", tmp_path / "mine.json").exit_code == 2
    assert [plan["file"] for plan in listed(desk)] == [str(tmp_path / "mine.json")]
    (tmp_path / "mine.json").unlink()
    assert listed(desk)[0]["state"] == "gone"
    assert "cannot be read" in tabwarden(desk, "apply", "1").stderr


def test_a_stop_is_told_in_the_list_and_a_number_of_no_plan_is_an_error(desk: Bench) -> None:
    desk.stops = {"licences_lost": {"count": 0, "percent": 0}}
    desk.leavers("vic@a.example")
    _ = desk.settings_path
    tabwarden(desk, "plan", "provision")
    assert listed(desk)[0]["accept"] == ["licences-lost=1"]
    assert "waits for --accept licences-lost=1" in " ".join(tabwarden(desk, "plan", "list").stdout.split())
    desk.leavers("ada")
    _ = desk.settings_path
    tabwarden(desk, "plan", "provision")
    assert listed(desk)[0]["state"] == "stopped"
    for words in ("7", "abcd"):
        assert "`tabwarden plan list` has them" in tabwarden(desk, "plan", "show", words).stderr


@pytest.mark.parametrize(("answer", "code"), [("yes\n", 0), ("no\n", 1), ("\n", 1)])
def test_at_a_terminal_apply_asks(desk: Bench, answer: str, code: int) -> None:
    _ = desk.settings_path
    tabwarden(desk, "plan", "provision")
    ended = tabwarden(desk, "apply", "1", typed=answer)
    assert (ended.exit_code, f"{SAYS} (`provision`, made" in ended.stderr) == (code, True)
    assert (desk.role("new@a.example") is None) == bool(code)
    if code:
        assert "nothing was written: answer `yes`, or add `--yes`" in ended.stderr
        assert tabwarden(desk, "apply", "1", "--yes").exit_code == 0


def test_a_damaged_list_is_told_and_hides_no_plan(desk: Bench) -> None:
    _ = desk.settings_path
    tabwarden(desk, "plan", "provision")
    store = desk.folder / ".tabwarden"
    index = store / PLANS / INDEX
    index.write_bytes(index.read_bytes() + b'{"id": "torn')
    assert len(listed(desk)) == 1, "what a dying process has torn is no line"
    tabwarden(desk, "plan", "provision")
    assert [plan["number"] for plan in listed(desk)] == [2, 1], "and no later line is part of it"
    index.write_bytes(index.read_bytes().replace(b'"changes": ', b'"changes": 1'))
    ended = tabwarden(desk, "plan", "list")
    assert (ended.exit_code, "line 1 of" in ended.stderr, "move it away" in ended.stderr) == (1, True, True)
