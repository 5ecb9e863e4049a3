"""The journal survives whatever a dying process leaves behind; the lock and the memory of good runs."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tabwarden.effects.ops.users import AddUser
from tabwarden.effects.ref import Ref
from tabwarden.model.errors import TabwardenError
from tabwarden.plan.plan import Plan, SiteIdentity, Waiver
from tabwarden.store.journal import (
    DONE,
    FAILED,
    ChangeResult,
    Journal,
    Record,
    check_last,
    keep_good_run,
    last_good_rows,
    newest,
    only_writer,
    path_of,
    read,
)

SITE = SiteIdentity("https://tableau.example", "sales", "s", "Sales")
OTHER = replace(SITE, content_url="hr")
PLAN = Plan("provision", SITE, "2026-11-21T10:00:00Z", (AddUser(Ref("user", "zoë"), "Unlicensed"),) * 3)


def test_what_was_written_is_read(tmp_path: Path) -> None:
    with Journal(tmp_path, PLAN, (Waiver("licences-lost", 37),)) as journal:
        journal.begin([0, 1])
        journal.end([ChangeResult(0, DONE, new_id="u-1"), ChangeResult(1, FAILED, "409014", "no seat")])
        journal.begin([2])
    found = read(path_of(tmp_path, PLAN.id))
    assert found.ended == {0: ChangeResult(0, DONE, new_id="u-1"), 1: ChangeResult(1, FAILED, "409014", "no seat")}
    assert (found.begun, found.finished, found.waivers) == (frozenset({2}), "", (Waiver("licences-lost", 37),))
    assert (found.plan, found.site) == (PLAN.id, "https://tableau.example#sales")


def test_there_may_be_no_journal(tmp_path: Path) -> None:
    assert read(path_of(tmp_path, PLAN.id)) == Record()
    assert newest(tmp_path) is None


def test_every_torn_end_of_a_journal_is_as_if_it_had_not_been_written(tmp_path: Path) -> None:
    with Journal(tmp_path, PLAN) as journal:
        journal.begin([0])
        journal.end([ChangeResult(0, DONE)])
    path = path_of(tmp_path, PLAN.id)
    whole = path.read_bytes()
    for length in range(1, len(whole) + 1):  # it is made with its first line: one that is empty was emptied
        path.write_bytes(whole[:length])
        lines = whole[:length].count(b"\n")
        assert (bool(read(path).plan), read(path).begun, bool(read(path).ended)) == (
            lines >= 1,
            frozenset({0}) if lines == 2 else frozenset(),
            lines == 3,
        )
        with Journal(tmp_path, PLAN) as journal:
            journal.end([ChangeResult(2, DONE)])
        assert read(path).ended[2] == ChangeResult(2, DONE)


def test_a_line_broken_in_the_middle_is_told(tmp_path: Path) -> None:
    with Journal(tmp_path, PLAN) as journal:
        journal.begin([0])
    path = path_of(tmp_path, PLAN.id)
    path.write_text(path.read_text() + '{"end": [[1\n{"begin": [1]}\n')
    with pytest.raises(TabwardenError, match="damaged in line 3"):
        read(path)


def test_a_journal_of_another_release_is_refused_with_what_to_do(tmp_path: Path) -> None:
    path = path_of(tmp_path, PLAN.id)
    path.parent.mkdir(parents=True)
    path.write_text('{"plan": "0c9a1b2c3d4e", "kind": "provision", "site": "x", "changes": 3, "started": ""}\n')
    with pytest.raises(TabwardenError, match=r"of another release; move the folder `.*journals` away and plan"):
        newest(tmp_path)


def test_the_newest_journal_is_of_the_site_asked_for(tmp_path: Path) -> None:
    later = Plan("provision", OTHER, "2026-11-21T11:00:00Z")
    for plan in (PLAN, later):
        with Journal(tmp_path, plan):
            pass
    found = newest(tmp_path, SITE)
    assert found is not None
    assert found.plan == PLAN.id


def test_a_journal_that_was_begun_last_and_is_gone_is_told(tmp_path: Path) -> None:
    check_last(tmp_path, SITE)
    with Journal(tmp_path, PLAN):
        pass
    check_last(tmp_path)
    path_of(tmp_path, PLAN.id).unlink()
    check_last(tmp_path, OTHER)
    for site in (SITE, None):
        with pytest.raises(TabwardenError, match=f"`{PLAN.id}`, is gone; put it back .* or name a plan"):
            check_last(tmp_path, site)


def test_one_writer_for_a_site_and_another_for_another(tmp_path: Path) -> None:
    with only_writer(tmp_path, SITE):
        with pytest.raises(TabwardenError, match="`sales` is being written to by process"), only_writer(tmp_path, SITE):
            pass
        with only_writer(tmp_path, OTHER):
            pass
    with only_writer(tmp_path, SITE):
        pass


def test_a_lock_file_left_behind_locks_nobody_out(tmp_path: Path) -> None:
    with only_writer(tmp_path, SITE):
        pass
    (left,) = (tmp_path / "locks").iterdir()
    assert left.read_text().startswith(" process ")
    with only_writer(tmp_path, SITE):
        pass


def test_the_lock_goes_with_a_killed_process(tmp_path: Path) -> None:
    code = "import sys; from pathlib import Path; from test_journal import SITE, only_writer\n"
    code += "with only_writer(Path(sys.argv[1]), SITE): print(flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", code, str(tmp_path)]
    with subprocess.Popen(command, cwd=Path(__file__).parent, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        with pytest.raises(TabwardenError, match=f"by process {child.pid} since"), only_writer(tmp_path, SITE):
            pass
        child.kill()
    with only_writer(tmp_path, SITE):
        pass


def test_good_runs_are_remembered_for_each_site_and_list(tmp_path: Path) -> None:
    assert last_good_rows(tmp_path, SITE) == {}
    keep_good_run(tmp_path, SITE, {"joiners": 10, "leavers": 3})
    keep_good_run(tmp_path, OTHER, {"joiners": 99})
    keep_good_run(tmp_path, SITE, {"joiners": 12})
    assert last_good_rows(tmp_path, SITE) == {"joiners": 12, "leavers": 3}
    path = tmp_path / "good-runs.jsonl"
    before = path.read_bytes()
    keep_good_run(tmp_path, SITE, {"joiners": 12})
    assert path.read_bytes() == before
    for cut in (before[:-1], before + b'{"site": "https://tab', b""):  # it is written whole, so none of these is ours
        path.write_bytes(cut)
        with pytest.raises(
            TabwardenError, match=r"line \d of .* is damaged, so it is not known whether a list has shr"
        ):
            last_good_rows(tmp_path, SITE)


@pytest.mark.parametrize(
    "line", [b"}{", b"[]", b'{"site": 1}', b'{"rows": {}}', b"\xff\xfe", b'{"site": "x", "rows": 3}']
)
def test_a_damaged_memory_of_good_runs_is_no_first_run(tmp_path: Path, line: bytes) -> None:
    keep_good_run(tmp_path, SITE, {"joiners": 10})
    path = tmp_path / "good-runs.jsonl"
    key = path.read_bytes().split(b'"')[3]
    path.write_bytes(line.replace(b'"x"', b'"' + key + b'"') + b"\n" + path.read_bytes())
    with pytest.raises(TabwardenError, match=r"line 1 of .* is damaged"):
        last_good_rows(tmp_path, SITE)


def test_what_a_run_leaves_is_for_its_owner_alone(tmp_path: Path) -> None:
    keep_good_run(tmp_path, SITE, {"joiners": 10})
    assert (tmp_path / "good-runs.jsonl").stat().st_mode & 0o077 == 0
