"""The audit trail on the command line: whatever somebody does to the database behind its back is told."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from command_line import run

from tabwarden.store.web import audit
from tabwarden.store.web.state import opened

ACTS = (("ann", "looked", "/check?user=bob"), ("bob", "refused", "/plans"), ("ANN", "applied", "plan 3"))
HOSTILE = "\x1b[31m<b>\u202e"


@pytest.fixture
def store(tmp_path: Path) -> Path:
    database = opened(tmp_path)
    for person, act, about in ACTS:
        audit.note(database, datetime(2026, 1, 1, tzinfo=UTC), person=person, address="::1", act=act, about=about)
    database.close()
    return tmp_path


def changed(store: Path, statement: str) -> None:
    database = opened(store)
    with database.writing() as connection:
        connection.run(statement)
    database.close()


def verify(store: Path, *words: Any) -> Any:
    return run("audit", "verify", "--store", store, *words)


def test_a_trail_that_is_whole_tells_its_last_row(store: Path) -> None:
    ended = verify(store)
    assert ended.exit_code == 0
    assert "all 3 as they were written; the last is 3:" in ended.stdout
    anchor = ended.stdout.partition("the last is ")[2].split()[0]
    assert verify(store, "--anchor", anchor).exit_code == 0


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("update web_audit set person = 'eve' where number = 2", "row 2 is not as it was written"),
        ("update web_audit set outcome = 'refused' where number = 1", "row 1 is not as it was written"),
        ("delete from web_audit where number = 2", "row 2 is missing"),
        ("delete from web_audit where number = 1", "row 1 is missing"),
        ("update web_audit set hash = '0' where number = 3", "row 3 is not as it was written"),
    ],
)
def test_what_was_changed_is_told(store: Path, statement: str, words: str) -> None:
    changed(store, statement)
    ended = verify(store)
    assert ended.exit_code == 2
    assert words in ended.stdout


def test_an_end_that_was_cut_off_and_a_trail_that_was_written_anew_are_told_by_an_anchor(store: Path) -> None:
    anchor = verify(store).stdout.partition("the last is ")[2].split()[0]
    changed(store, "delete from web_audit where number = 3")
    assert verify(store).exit_code == 0
    ended = verify(store, "--anchor", anchor)
    assert ended.exit_code == 2
    assert "row 3 was noted and is not there" in ended.stdout
    database = opened(store)
    audit.note(database, datetime(2026, 1, 1, tzinfo=UTC), person="eve", address="", act="looked", about="/")
    database.close()
    ended = verify(store, "--anchor", anchor)
    assert ended.exit_code == 2
    assert "row 3 is another one than was noted" in ended.stdout


def test_rows_are_listed_by_person_and_by_act(store: Path) -> None:
    listed = run("audit", "list", "--store", store, "--person", "Ann").stdout
    assert "plan 3" in listed
    assert "/check?user=bob" in listed
    assert "/plans" not in listed
    assert "/plans" in run("audit", "list", "--store", store, "--act", "refused").stdout
    newest = run("audit", "list", "--store", store, "--limit", 1).stdout
    assert "plan 3" in newest
    assert "/plans" not in newest


def test_names_do_nothing_in_it(store: Path) -> None:
    database = opened(store)
    audit.note(database, datetime(2026, 1, 1, tzinfo=UTC), person=HOSTILE, address="", act="looked", about=HOSTILE)
    database.close()
    listed = run("audit", "list", "--store", store).stdout
    assert "\x1b" not in listed
    assert "\u202e" not in listed


def test_where_no_pages_were_served_it_says_so(tmp_path: Path) -> None:
    for words in ("list", "verify"):
        ended = run("audit", words, "--store", tmp_path)
        assert ended.exit_code == 1
        assert "no pages were served from this store yet" in ended.stderr
        assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize("anchor", ["", "3", "3:abc", "0:" + "0" * 64, "x:" + "0" * 64])
def test_what_is_no_anchor_is_refused(store: Path, anchor: str) -> None:
    assert "is no anchor" in verify(store, f"--anchor={anchor}").stderr
