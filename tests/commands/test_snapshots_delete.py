"""`snapshots delete`: a history that a wrong clock has blocked is free again, and a note stays."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from command_line import run
from small_site import project, site

from tabwarden.model.errors import TabwardenError
from tabwarden.model.site import Taken
from tabwarden.store.history import History

TAKEN = Taken("https://tableau.example.com", "", "adm", "ServerAdministrator")


def keep(folder: Path, day: str) -> int:
    with History(folder) as history:
        one = site(project(f"of {day}"), taken=replace(TAKEN, when=f"{day}T02:00:00Z"))
        return history.keep(one).number


def test_a_blocked_history_is_freed(tmp_path: Path) -> None:
    assert [keep(tmp_path, day) for day in ("2026-11-01", "2026-11-02", "2028-11-03")] == [1, 2, 3]
    with pytest.raises(TabwardenError, match="`tabwarden snapshots delete 3` frees the history"):
        keep(tmp_path, "2026-11-03")
    unasked = run("snapshots", "delete", "3", "--store", tmp_path)
    assert (unasked.exit_code, "add `--yes`" in unasked.stderr) == (1, True)
    done = run("snapshots", "delete", "3", "--yes", "--store", tmp_path)
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout.startswith("snapshot 3 of 2028-11-03T02:00:00Z was deleted on 2")
    assert done.stdout.strip() in run("history", "--store", tmp_path).stdout
    assert keep(tmp_path, "2026-11-03") == 3
    with History(tmp_path) as history:
        assert [next(iter(history.open(number).contents)) for number in (1, 2, 3)] == [
            f"of 2026-11-0{day}" for day in (1, 2, 3)
        ]


def test_the_last_whole_one_needs_a_word_more(tmp_path: Path) -> None:
    keep(tmp_path, "2026-11-01")
    refused = run("snapshots", "delete", "1", "--yes", "--store", tmp_path)
    assert (refused.exit_code, "`--the-last`" in refused.stderr) == (1, True)
    assert run("snapshots", "delete", "1", "--yes", "--the-last", "--store", tmp_path).exit_code == 0
    missing = run("snapshots", "delete", "1", "--yes", "--store", tmp_path)
    assert (missing.exit_code, "no snapshot 1" in missing.stderr or "no snapshot" in missing.stderr) == (1, True)
