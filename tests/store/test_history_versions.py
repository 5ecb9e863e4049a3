"""Histories of every release so far open in this one, on SQLite and PostgreSQL; any Site comes back as it was.

`histories/` holds one history a migration, row by row as that release wrote it. A new migration gets a new file, by
`python tests/store/test_history_versions.py`; the old ones are never written again.
"""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from paths import TESTS
from test_history import days, taken
from test_snapshot import sites as any_site

from tabwarden.model.errors import TabwardenError, UnknownName
from tabwarden.model.site import Content, Grantee, Group, GroupSet, Rule, Site, Taken, User
from tabwarden.store.database import POSTGRES, SQLITE, Connection, Database
from tabwarden.store.history import History
from tabwarden.store.schema import COLUMNS, MIGRATIONS, statements
from tabwarden.store.snapshots import FILE, RELEASE, VERSIONS

HISTORIES = TESTS / "histories"
REVISIONS = list(MIGRATIONS)
BYTES = {("body", "hash"), ("body", "data"), ("version", "body")}


def frozen() -> list[Site]:
    """What is in every file of `histories/`: a lock, an unread list, a new member, a leaver, a long description."""
    mine, all_of = Grantee("user", "ann"), Grantee("group", "g")
    rules = frozenset({Rule(all_of, "Read", "Allow"), Rule(mine, "NotYetNamed", "Deny")})
    first = Site(
        "luid",
        "Acme",
        "acme",
        {u: User(u, f"{u}@corp", "Viewer", "corp", f"Frau {u} Ä", "", None, None) for u in ("ann", "bob")},
        {"g": Group("g", "G", members=frozenset({"ann"}), minimum_site_role="Viewer", grant_on="onLogin")},
        {"s": GroupSet("s", "S", frozenset({"g"}))},
        {
            "p": Content("p", "project", "P", None, "ann", defaults={"workbook": rules, "flow": None}),
            "w": Content("w", "workbook", "W", "p", "bob", rules=rules, tabs=False, description="long " * 200),
        },
        licences={"Creator": 3},
        taken=replace(taken(1), when="2026-01-01T03:00:00Z"),
        partial=("connections of workbooks",),
    )
    second = first.with_groups(Group("g", "G", members=frozenset({"ann", "bob"})))
    second = second.with_contents(replace(first.contents["p"], mode="LockedToProject"))
    second = replace(second.without_contents(["w"]), taken=replace(first.taken, when="2026-01-02T03:00:00Z"))
    third = replace(second, users={"ann": second.users["ann"]}, contents={**first.contents})
    return [first, second, replace(third, taken=replace(first.taken, when="2026-01-03T03:00:00Z"))]


def rows_of(connection: Connection) -> dict[str, list[list[Any]]]:
    """Every row, bytes as hexadecimal words."""
    found = {}
    for name, columns in COLUMNS.items():
        rows = connection.rows(f"select {', '.join(columns)} from {name} order by {', '.join(columns[:3])}")
        found[name] = [[value.hex() if isinstance(value, bytes) else value for value in row] for row in rows]
    return found


def as_written(connection: Connection, revision: str) -> None:
    """Make the tables of that release and fill them as it did."""
    for release in REVISIONS[: REVISIONS.index(revision) + 1]:
        for statement in statements(release, SQLITE if connection.is_sqlite else POSTGRES):
            connection.run(statement)
    connection.run(f"create table {VERSIONS} (version_num varchar(32) not null primary key)")
    connection.run(f"insert into {VERSIONS} values (?)", revision)
    for name, rows in json.loads((HISTORIES / f"{revision}.json").read_text(encoding="utf-8")).items():
        binary = [(name, column) in BYTES for column in COLUMNS[name]]
        connection.insert(
            name, [[bytes.fromhex(v) if b else v for v, b in zip(row, binary, strict=True)] for row in rows]
        )


def test_there_is_a_history_of_every_release() -> None:
    assert REVISIONS[-1] == RELEASE
    assert {path.stem for path in HISTORIES.glob("*.json")} == set(REVISIONS)


@pytest.mark.parametrize("revision", REVISIONS)
def test_a_history_of_every_release_opens_in_this_one(any_store: str, revision: str) -> None:
    bare = Database(any_store)
    with bare.writing() as connection:
        for table in (*reversed(COLUMNS), VERSIONS):
            connection.run(f"drop table {table}")
    with bare.writing() as connection:
        as_written(connection, revision)
    bare.close()
    with History(any_store, create=False) as history:
        assert [history.open(kept.number) for kept in history.snapshots()] == frozen()
        after = replace(frozen()[0], taken=taken(20))
        kept = history.keep(after)
        assert history.open(kept.number) == after
        with history.database.reading() as connection:
            assert connection.value(f"select version_num from {VERSIONS}") == RELEASE


def test_whatever_is_kept_comes_back(tmp_path: Path) -> None:
    """Any text in any field, whatever refers to nobody; the second as a difference to the first."""
    with History(tmp_path) as history:

        @settings(max_examples=40, deadline=None)
        @given(any_site, any_site)
        def each(first: Site, second: Site) -> None:
            where = replace(first.taken, where=f"server {len(history.snapshots())}")
            first, second = replace(first, taken=where), replace(second, taken=where)
            second = replace(second, id=first.id, content_url=first.content_url)
            numbers = [history.keep(site).number for site in (first, second)]
            assert [history.open(number) for number in numbers] == [first, second]

        each()


def test_a_question_makes_no_history(any_store: str, tmp_path: Path) -> None:
    """Where nothing was kept, nothing is made: no file, no table."""
    with pytest.raises(UnknownName, match="take one with `tabwarden read`"):
        History(any_store, create=False)
    assert not (tmp_path / FILE).exists()
    if "://" in any_store:
        bare = Database(any_store)  # as an administrator makes it
        bare.close()


def test_many_who_open_a_new_history_at_once_all_can(any_store: str) -> None:
    problems: list[Exception] = []
    sites = [replace(site, content_url=f"s{n}", id=f"s{n}") for n, site in enumerate(days(6))]

    def keep(site: Site) -> None:
        try:
            with History(any_store) as history:
                history.keep(site)
        except Exception as error:
            problems.append(error)

    threads = [threading.Thread(target=keep, args=(site,)) for site in sites]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    with History(any_store) as history:
        assert len(history.snapshots()) == len(sites)


def test_who_walks_the_history_sees_one_moment_of_it_while_others_keep_and_let_go(any_store: str) -> None:
    from tabwarden.store.retention import forget

    sites = days(6, seed=5)
    with History(any_store) as history, History(any_store) as other:
        numbers = [history.keep(site).number for site in sites]
        seen = []
        for _, site in history.walk(numbers[0], numbers[-1]):
            seen.append(site)
            if len(seen) == 2:
                forget(other, numbers[1:4])
                other.keep(replace(sites[0], taken=taken(25)))
        assert seen == sites
        assert len(history.snapshots()) == 4


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(TabwardenError, match="cannot be written: not a directory; nothing of it was changed"):
        History(tmp_path / "file" / "store")
    (tmp_path / FILE).write_text("this is no database, whatever its name says" * 100)
    with pytest.raises(
        TabwardenError,
        match=r"cannot be used: it is damaged; put it back from a backup, or .*; nothing of it was changed",
    ):
        History(tmp_path)


def test_a_folder_may_be_called_anything(tmp_path: Path) -> None:
    site = replace(frozen()[0], taken=Taken("w", "2026-01-01T00:00:00Z"))
    with History(tmp_path / "what? 100% #1") as history:
        assert history.open(history.keep(site).number) == site
    assert (tmp_path / "what? 100% #1" / FILE).is_file()


def main() -> None:
    """Write the file of the newest migration."""
    with TemporaryDirectory() as folder, History(folder) as history:
        for site in frozen():
            history.keep(site)
        with history.database.reading() as connection:
            told = json.dumps(rows_of(connection), indent=0, ensure_ascii=False)
    (HISTORIES / f"{RELEASE}.json").write_text(told + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
