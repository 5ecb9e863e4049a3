"""A mirror in real databases: PostgreSQL, Snowflake's own connector, DuckDB; joins, policies, transactions, errors."""

from __future__ import annotations

import contextlib
import re
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType
from typing import Any

import duckdb
import psycopg
import pytest
import snowflake.connector as snowflake_driver
from dense_sites import dense_site
from mirror_disclosure import SOURCE, rows_in, sql_sink
from small_site import group, project, site, workbook
from test_docs import DOCS
from watchdog import patience

from plugins.databases import Postgres, Snowflake
from tabwarden import sinks
from tabwarden.engine.convert import columns_of
from tabwarden.mirror.build import MirrorRequest, mirrored
from tabwarden.mirror.match import tableau_people
from tabwarden.mirror.rows import FLAT, FORMS
from tabwarden.mirror.tables import Tables, difference, flat, tables_of
from tabwarden.model.errors import SinkError
from tabwarden.model.site import Site
from tabwarden.sinks.sql import SqlSink

BEFORE = site(
    project("Public", None, "group:All Users +Read"),
    project("Private", None, "group:Partners +Read"),
    workbook("Budget", "Private", "group:Partners +Read"),
    users=["john:Viewer", "jane:Viewer"],
    groups=[group("Partners", "john")],
)
AFTER = BEFORE.with_groups(group("Partners", "jane")).without_contents(["Public"])
JOIN = (
    "SELECT c.name FROM tabwarden_content c JOIN tabwarden_viewers v ON v.source = c.source AND v.viewers = c.viewers "
    "WHERE lower(v.person) = '{person}' AND c.kind = 'project' ORDER BY c.name"
)


def mirror(held: Site, form: str = "compressed") -> Tables:
    columns = columns_of(held)
    return mirrored(columns, tableau_people(columns), MirrorRequest(SOURCE, form)).tables


def published_twice(options: SqlSink) -> None:
    """A mirror, then the next; after each what lies there is it, and no more."""
    for held in (BEFORE, AFTER):
        for form in FORMS:
            sinks.publish(options, SOURCE, mirror(held, form))
            assert rows_in(options.held(SOURCE)) == rows_in(mirror(held, form))
    sinks.publish(options, SOURCE, mirror(BEFORE))
    sinks.publish(options, SOURCE, mirror(AFTER))


@pytest.fixture
def catalog(postgres: Postgres) -> Iterator[psycopg.Connection[Any]]:
    """An empty schema `catalog`, and a connection to it as its owner."""
    with psycopg.connect(**postgres.admin, autocommit=True) as database:
        database.execute("DROP SCHEMA IF EXISTS catalog CASCADE")
        database.execute("CREATE SCHEMA catalog")
        database.execute("SET search_path TO catalog")
        yield database
        database.execute("RESET ROLE")
        database.execute("DROP SCHEMA catalog CASCADE")


def test_postgres(postgres: Postgres, catalog: psycopg.Connection[Any]) -> None:
    published_twice(sql_sink("postgres", postgres.admin, schema="catalog"))
    assert catalog.execute(JOIN.format(person="jane")).fetchall() == [("Private",)]
    assert catalog.execute(JOIN.format(person="john")).fetchall() == []


def test_the_row_policies_of_the_page_show_each_person_what_is_theirs_and_not_who_else_sees_it(
    postgres: Postgres, catalog: psycopg.Connection[Any]
) -> None:
    """Row-level security of PostgreSQL, word for word as docs/how-to/mirror.md has it."""
    page = (DOCS / "how-to" / "mirror.md").read_text(encoding="utf-8")
    (policies,) = [block for block in re.findall(r"^```sql\n(.*?)^```", page, re.M | re.S) if "CREATE POLICY" in block]
    people = ("john", "jane", "catalog_people")
    sinks.publish(sql_sink("postgres", postgres.admin, schema="catalog"), SOURCE, mirror(BEFORE))
    for role in people:
        catalog.execute(f"CREATE ROLE {role}")
    try:
        catalog.execute("GRANT catalog_people TO john, jane")
        catalog.execute("GRANT USAGE ON SCHEMA catalog TO catalog_people")
        catalog.execute(policies)
        seen = {}
        for role in ("john", "jane"):
            catalog.execute(f"SET ROLE {role}")
            seen[role] = {name for (name,) in catalog.execute("SELECT name FROM tabwarden_content").fetchall()}
            assert catalog.execute("SELECT DISTINCT person FROM tabwarden_viewers").fetchall() == [(role,)]
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                catalog.execute("SELECT * FROM tabwarden_people")
            catalog.execute("RESET ROLE")
        assert seen == {"john": {"Site", "Public", "Private", "Budget"}, "jane": {"Site", "Public"}}
        sinks.publish(sql_sink("postgres", postgres.admin, schema="catalog"), SOURCE, mirror(AFTER))
        catalog.execute("SET ROLE jane")
        assert len(catalog.execute("SELECT * FROM tabwarden_content").fetchall()) == 3
    finally:
        catalog.execute("RESET ROLE")
        for role in people:
            catalog.execute(f"DROP OWNED BY {role}; DROP ROLE {role}")


def test_two_mirrors_at_once_come_one_after_the_other(postgres: Postgres, catalog: psycopg.Connection[Any]) -> None:
    options = sql_sink("postgres", postgres.admin, schema="catalog")
    sinks.publish(options, SOURCE, mirror(BEFORE))
    with ThreadPoolExecutor() as pool:
        with options.opened(SOURCE) as place:
            second = pool.submit(sinks.publish, options, SOURCE, mirror(AFTER))
            waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"
            while catalog.execute(waiting).fetchone() == (0,):
                assert not second.done()
            place.write({}, difference(mirror(BEFORE), {}))
        # What the first took away, the second does not take away again: it saw what the first had left.
        assert not second.result(timeout=patience(30)).removed
    assert rows_in(options.held(SOURCE)) == rows_in(mirror(AFTER))
    assert catalog.execute("SELECT count(*) FROM tabwarden_sources").fetchone() == (1,)


def test_snowflake(snowflake: Snowflake) -> None:
    plain = {key: value for key, value in snowflake.connect.items() if key not in ("database", "schema")}
    with snowflake_driver.connect(**plain, password="x") as connection:
        connection.cursor().execute("CREATE DATABASE IF NOT EXISTS CATALOG")
        connection.cursor().execute("CREATE SCHEMA IF NOT EXISTS CATALOG.MIRROR")
    connect = {**plain, "password": "x", "database": "CATALOG", "schema": "MIRROR"}
    published_twice(sql_sink("snowflake", connect, schema="CATALOG.MIRROR"))
    with snowflake_driver.connect(**connect) as connection:
        cursor = connection.cursor()
        assert cursor.execute(JOIN.format(person="jane")).fetchall() == [("Private",)]
        assert cursor.execute(JOIN.format(person="john")).fetchall() == []


@pytest.mark.parametrize("driver", ["duckdb", "sqlite"])
def test_files_of_databases(driver: str, tmp_path: Path) -> None:
    published_twice(sql_sink(driver, {"database": str(tmp_path / "catalog")}, prefix="tw_"))


def test_duckdb_trusts_what_it_keeps_beside_only_while_its_file_is_as_it_was(tmp_path: Path) -> None:
    """Somebody's row is taken away, a lost row comes back, and what is kept may be gone or torn."""
    path = tmp_path / "catalog.duckdb"
    sink = sql_sink("duckdb", {"database": str(path)})
    (beside,) = [tmp_path / f".catalog.duckdb.tabwarden_{SOURCE}.npz"]

    def strange() -> None:
        with duckdb.connect(str(path)) as database:
            database.execute("DELETE FROM tabwarden_viewers WHERE person = 'john'")
            database.execute(f"INSERT INTO tabwarden_viewers VALUES ('{SOURCE}', 'x', 'eve')")

    for trouble in (None, strange, beside.unlink, lambda: beside.write_bytes(b"PK torn"), strange):
        if trouble is not None:
            trouble()
        for held in (BEFORE, AFTER):
            sinks.publish(sink, SOURCE, mirror(held))
            assert rows_in(sink.held(SOURCE)) == rows_in(mirror(held))
            assert beside.stat().st_mode & 0o077 == 0
        again = sinks.publish(sink, SOURCE, mirror(AFTER))
        assert (again.added, again.removed) == ({}, {})


def write_and_fail(options: SqlSink, before: Tables, after: Tables) -> None:
    with options.opened(SOURCE) as place:
        place.write(after, difference(before, after))
        raise OSError("the disk is full")


@pytest.mark.parametrize("driver", ["duckdb", "sqlite", "postgres"])
def test_what_fails_in_the_middle_never_happened(driver: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    if driver == "postgres":
        request.getfixturevalue("catalog")
        options = sql_sink(driver, request.getfixturevalue("postgres").admin, schema="catalog")
    else:
        options = sql_sink(driver, {"database": str(tmp_path / "catalog")})
    other = tables_of({name: [("other", *row[1:]) for row in table] for name, table in mirror(BEFORE).items()})
    sinks.publish(options, "other", other)
    sinks.publish(options, SOURCE, mirror(BEFORE))
    with pytest.raises(SinkError, match="the disk is full"):
        write_and_fail(options, mirror(BEFORE), mirror(AFTER))
    assert rows_in(options.held(SOURCE)) == rows_in(mirror(BEFORE))
    sinks.publish(options, SOURCE, mirror(AFTER))
    assert rows_in(options.held(SOURCE)) == rows_in(mirror(AFTER))
    assert rows_in(options.held("other")) == rows_in(other)


class _Breaking:
    """DuckDB as somebody else's driver whose line breaks after so many statements."""

    def __init__(self, after: int) -> None:
        self.after = after

    def connect(self, **arguments: Any) -> Any:
        return _Line(duckdb.connect(**arguments), self)


class _Line:
    def __init__(self, real: Any, breaking: _Breaking) -> None:
        self.real, self.breaking = real, breaking

    def cursor(self) -> _Line:
        return _Line(self.real.cursor(), self.breaking)

    def execute(self, *words: Any) -> Any:
        if self.breaking.after == 0:
            raise ConnectionError("the line broke")
        self.breaking.after -= 1
        return self.real.execute(*words)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)


@pytest.mark.parametrize("after", range(0, 16, 2))
def test_a_line_that_breaks_leaves_no_more_than_the_old_or_the_new(
    after: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without transactions: each statement counts, and still nobody is shown what neither mirror shows."""
    one, other = dense_site(3, users=8, items=14), dense_site(23, users=8, items=14)
    module = ModuleType("breaking_driver")
    module.connect, module.paramstyle = _Breaking(10_000).connect, "qmark"  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "breaking_driver", module)
    options = sql_sink("module:breaking_driver", {"database": str(tmp_path / "catalog")})
    sinks.publish(options, SOURCE, mirror(one))
    statements = _Breaking(10 + after)
    module.connect = statements.connect  # type: ignore[attr-defined]
    with contextlib.suppress(SinkError):
        sinks.publish(options, SOURCE, mirror(other))
    module.connect = _Breaking(10_000).connect  # type: ignore[attr-defined]
    allowed = flat(mirror(one)) | flat(mirror(other))
    assert not flat(options.held(SOURCE)) - allowed
    sinks.publish(options, SOURCE, mirror(other))
    assert rows_in(options.held(SOURCE)) == rows_in(mirror(other))


def test_a_refused_password_is_not_told(postgres: Postgres) -> None:
    options = sql_sink("postgres", {**postgres.admin, "password": "wrong-hush"})
    with pytest.raises(SinkError, match="does not take the mirror") as told:
        sinks.publish(options, SOURCE, mirror(BEFORE))
    assert "wrong-hush" not in str(told.value)
    assert "wrong-hush" not in repr(options)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (sql_sink("no_such"), "driver `no_such` is not known"),
        (sql_sink("module:no_such_module"), "needs `no_such_module`"),
        (sql_sink("duckdb", {"database": ":memory:"}, schema="nowhere"), "does not take the mirror"),
        (sql_sink("sqlite", {"database": ":memory:"}, schema='a."'), "must be a table name"),
        (sql_sink("sqlite", {"database": ":memory:"}, create=False), "no such table"),
    ],
)
def test_what_cannot_be_published_to_is_told(options: SqlSink, words: str) -> None:
    with pytest.raises(SinkError) as told:
        sinks.publish(options, SOURCE, mirror(BEFORE, FLAT))
    assert words in str(told.value)
