"""A store that was damaged is found: whatever byte of it is flipped, cut or taken away, nothing false is answered."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from command_line import run
from small_site import group, project, site, workbook

from tabwarden.model.errors import TabwardenError
from tabwarden.model.site import Site, Taken
from tabwarden.plan.plan import Plan, SiteIdentity
from tabwarden.run.plans import keep_in, kept_plans
from tabwarden.store import beside
from tabwarden.store.history import History
from tabwarden.store.journal import Journal, newest, path_of

WHEN = "2026-11-0{}T02:00:00Z"
ASKED = ("why", "u1", "View", "w1")


def days() -> list[Site]:
    people = [f"u{number}:Viewer" for number in range(5)]
    contents = [project("p", None, "group:g +Read"), workbook("w1", "p", "group:g +Read", description="x" * 900)]
    taken = Taken("https://tableau.example.com", WHEN.format(1), "adm", "ServerAdministrator")
    first = site(*contents, users=people, groups=[group("g", "u1", "u2")], taken=taken)
    later = replace(first, taken=replace(taken, when=WHEN.format(2)))
    return [first, later.with_groups(group("g", "u1"))]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole")
    with History(folder) as history:
        for one in days():
            beside.keep(folder, history.keep(one), one)
        with history.database.reading() as connection:
            connection.rows("pragma wal_checkpoint(truncate)")
    return folder


@pytest.fixture
def store(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "store"))


def forge(store: Path, statement: str) -> None:
    with sqlite3.connect(store / "history.db") as database:
        database.execute("pragma foreign_keys = off")
        assert database.execute(statement).rowcount
    database.close()


def test_a_whole_store_is_whole(store: Path) -> None:
    told = run("store", "check", "--store", store)
    assert (told.exit_code, told.stdout.splitlines()[-1], "damaged" in told.output) == (0, "all 6 whole", False)


@pytest.mark.parametrize(
    "statement",
    [
        "update body set data = cast(replace(data, 'Viewer', 'Server') as blob) where instr(data, 'Viewer')",
        "update body set data = zeroblob(3)",
        "delete from body",
        "update version set body = (select max(hash) from body where hash <> version.body) where thing = 2",
        "delete from version where thing = 3",
        "update version set until = null",
        "update thing set id = 'other' where id = 'u1'",
        "update word set mode = 'Deny'",
        "update snapshot set about = replace(about, 'ServerAdministrator', 'Viewer')",
    ],
)
def test_what_was_forged_is_found(store: Path, statement: str) -> None:
    forge(store, statement)
    shutil.rmtree(store / "columns")
    told = run("store", "check", "--store", store)
    assert (told.exit_code, "the history is damaged" in told.stdout) == (1, True)
    asked = run(*ASKED, "--store", store)
    assert (asked.exit_code, asked.stdout) == (1, ""), asked
    assert "`tabwarden store check`" in asked.stderr


@pytest.mark.parametrize("seed", range(30))
def test_no_flipped_byte_is_answered_from(store: Path, seed: int) -> None:
    random = Random(seed)
    right = run(*ASKED, "--json", "--store", store)
    path = random.choice([store / "history.db", *sorted((store / "columns").iterdir())])
    content = bytearray(path.read_bytes())
    for _ in range(random.choice((1, 50))):
        content[random.randrange(len(content))] ^= 1 << random.randrange(8)
    path.write_bytes(content[: random.choice((len(content), random.randrange(len(content))))])
    told = run(*ASKED, "--json", "--store", store)
    assert told.exit_code == 1 or told.stdout == right.stdout
    assert run("store", "check", "--store", store).exit_code in (0, 1)


def test_damaged_columns_are_made_anew(store: Path) -> None:
    (path,) = (store / "columns").glob("2.columns")
    content = bytearray(path.read_bytes())
    content[-9] ^= 1
    path.write_bytes(content)
    assert "makes them anew" in run("store", "check", "--store", store).stdout
    mended = run("store", "check", "--repair", "--store", store)
    assert (mended.exit_code, "were damaged and made anew" in mended.stdout) == (0, True)
    assert run("store", "check", "--store", store).exit_code == 0


@pytest.mark.parametrize("content", [b"", b"not a database at all, but a text that somebody has put there"])
def test_a_damaged_history_is_never_no_snapshot(store: Path, content: bytes) -> None:
    (store / "history.db").write_bytes(content)
    for words in (ASKED, ("history",), ("store", "check")):
        told = run(*words, "--store", store)
        assert (told.exit_code, "there is no snapshot" in told.output) == (1, False), told


def test_the_plan_before_the_last_is_not_taken_for_the_last_and_an_emptied_journal_is_no_waiting_plan(
    tmp_path: Path,
) -> None:
    plan = Plan("change", SiteIdentity("https://t.example.com", "", "s", "S"), "2026-11-29T18:00:00.000Z")
    keep_in(tmp_path, plan)
    assert [one.record.plan for one in kept_plans(tmp_path)] == [""]
    with Journal(tmp_path, plan):
        assert [one.record.plan for one in kept_plans(tmp_path)] == [plan.id]
    path_of(tmp_path, plan.id).write_bytes(b"")
    for reading in (kept_plans, newest):
        with pytest.raises(TabwardenError, match="not known which plan was applied last"):
            reading(tmp_path)


def test_a_database_of_something_else_is_no_history_that_was_never_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path(".tabwarden").mkdir()
    with closing(sqlite3.connect(".tabwarden/history.db")) as database:
        database.execute("create table snapshots (name text)")
        database.commit()
    told = run("status")
    assert "not known, for the history cannot be read" in told.output
    assert "holds other tables" in told.output
    assert "never" not in told.output
    assert json.loads(run("status", "--json").output)["sites"] is None
    assert run("history", "--store", ".tabwarden").exit_code == 1
    with closing(sqlite3.connect(".tabwarden/history.db")) as database:
        assert database.execute("select name from sqlite_master").fetchall() == [("snapshots",)]
