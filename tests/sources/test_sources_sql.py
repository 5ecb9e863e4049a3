"""Databases as sources: SQLite, DuckDB, and a real PostgreSQL."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pytest
from pydantic import ValidationError

from plugins.databases import PASSWORD, Postgres
from tabwarden.model.errors import SourceError
from tabwarden.sources import Reading
from tabwarden.sources._connect import scrubbed
from tabwarden.sources._drivers import DRIVERS, driver_named, select_all
from tabwarden.sources.sql import SqlSource
from tabwarden.want.roster import Columns, clean

MANY = 20_002
NAMES = ["o'brien@acme.com", "jane+test@acme.com", "r&d@acme.com", "doe,jane@acme.com", "jörg@acme.com"]


def read(driver: str, connect: dict[str, Any], **what: str) -> Reading:
    query = what.pop("as_of", "")
    as_of = {"as_of": {"query": query}} if query else {}
    return SqlSource.model_validate({"type": "sql", "driver": driver, "connect": connect, **what, **as_of}).read()


def refused(driver: str, connect: dict[str, Any], **what: str) -> SourceError:
    with pytest.raises(SourceError) as told:
        read(driver, connect, **what)
    return told.value


# --- SQLite and DuckDB: what needs no server -----------------------------------------------------------------


@pytest.fixture
def people(tmp_path: Path) -> Path:
    path = tmp_path / "people?#.db"
    with sqlite3.connect(path) as connection:
        connection.execute('CREATE TABLE joiners ("Email Address" TEXT, id TEXT)')
        connection.executemany("INSERT INTO joiners VALUES (?, ?)", [(name, "007") for name in NAMES])
        connection.execute('CREATE TABLE "odd; name ""x""" AS SELECT * FROM joiners LIMIT 1')
        connection.execute("CREATE TABLE nobody AS SELECT * FROM joiners LIMIT 0")
        connection.execute("CREATE TABLE broken (number INTEGER, text TEXT)")
        rows = [(number, "{}" if number < 7_000 else "{not json") for number in range(10_000)]
        connection.executemany("INSERT INTO broken VALUES (?, ?)", rows)
    connection.close()
    return path


def test_a_table_and_a_query(people: Path) -> None:
    reading = read("sqlite", {"database": str(people)}, table="joiners")
    assert reading.source == "table `joiners` of sqlite"
    assert reading.rows == [{"Email Address": name, "id": "007"} for name in NAMES]
    query = '/* all */ -- of them\n SELECT id AS "Email Address" FROM joiners ;'
    assert len(read("sqlite", {"database": str(people)}, query=query).rows) == len(NAMES)


def test_rows_come_in_blocks_of_any_size(people: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for block in (1, 2, len(NAMES), 100):
        monkeypatch.setattr(SqlSource, "block", block)
        rows = read("sqlite", {"database": str(people)}, table="joiners").rows
        assert [row["Email Address"] for row in rows] == NAMES


def test_a_table_name_is_an_identifier_whatever_it_holds(people: Path) -> None:
    connect = {"database": str(people)}
    assert len(read("sqlite", connect, table='"odd; name ""x"""').rows) == 1
    error = refused("sqlite", connect, table="joiners; DROP TABLE joiners")
    assert error.stop == "source-unreadable"
    assert "no such table: joiners; DROP TABLE joiners" in str(error)


def test_a_fetch_that_breaks_off_is_partial(people: Path) -> None:
    query = "SELECT number, json_extract(text, '$.a') FROM broken"
    error = refused("sqlite", {"database": str(people)}, query=query)
    assert error.stop == "source-partial"
    assert "broke off after 5000 rows (it refuses what is asked; it says `malformed JSON`)" in str(error)


def test_no_row_is_a_stop_of_its_own(people: Path) -> None:
    error = refused("sqlite", {"database": str(people)}, table="nobody")
    assert error.stop == "source-empty"
    assert "table `nobody` of sqlite holds no row" in str(error)


@pytest.mark.parametrize(
    ("what", "told"),
    [
        ({}, "exactly one of `query` and `table`"),
        ({"query": "SELECT 1", "table": "joiners"}, "exactly one of `query` and `table`"),
        ({"query": "DELETE FROM joiners"}, "does not begin with SELECT"),
        ({"query": "/* SELECT */ DROP TABLE joiners"}, "does not begin with SELECT"),
        ({"query": "WITH x AS (SELECT 1) DELETE FROM joiners"}, "readonly database"),
        ({"query": "SELECT 1; DROP TABLE joiners"}, "one statement at a time"),
        ({"query": "SELECT id, id FROM joiners"}, "several columns named `id`"),
        ({"table": "absent"}, "no such table: absent"),
    ],
)
def test_only_one_reading_statement_is_run(people: Path, what: dict[str, str], told: str) -> None:
    error = refused("sqlite", {"database": str(people)}, **what)
    assert told in str(error)
    assert error.stop == "source-unreadable"
    assert len(read("sqlite", {"database": str(people)}, table="joiners").rows) == len(NAMES)


@pytest.mark.parametrize("table", ["a.b.c.d", "a.", " ", "a. .b", 'a"b', ""])
def test_what_is_no_table_name_is_no_setting(table: str) -> None:
    with pytest.raises(ValidationError):
        read("sqlite", {}, table=table)


def test_a_missing_sqlite_file_is_not_created(tmp_path: Path) -> None:
    path = tmp_path / "absent.db"
    assert "there is no database file" in str(refused("sqlite", {"database": str(path)}, table="joiners"))
    assert "needs `database`" in str(refused("sqlite", {}, table="joiners"))
    assert not path.exists()


def test_duckdb_is_opened_for_reading(tmp_path: Path) -> None:
    path = tmp_path / "people.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE TABLE joiners AS SELECT 'jane' AS \"Email Address\", 1 AS n")
    connect = {"database": str(path)}
    assert read("duckdb", connect, table="main.joiners").rows == [{"Email Address": "jane", "n": 1}]
    query = "WITH x AS (SELECT 1) INSERT INTO joiners SELECT 'joe', 2"
    assert "read-only" in str(refused("duckdb", connect, query=query))


def test_the_database_can_say_how_old_its_list_is(people: Path) -> None:
    def as_of(query: str) -> str | None:
        return read("sqlite", {"database": str(people)}, table="joiners", as_of=query).as_of

    assert as_of("SELECT '2026-11-21 06:00:00+02:00'") == "2026-11-21T04:00:00+00:00"
    assert as_of("SELECT '2026-11-21'") == "2026-11-21T00:00:00+00:00"
    assert as_of("") is None
    for query in ("SELECT 'yesterday'", "SELECT NULL", "SELECT '2026-11-21' WHERE 0", "SELECT id FROM joiners"):
        with pytest.raises(SourceError, match="query `as_of` yields"):
            as_of(query)
    with pytest.raises(SourceError, match="as_of `DROP TABLE joiners` does not begin with SELECT"):
        as_of("DROP TABLE joiners")


# --- drivers and names ---------------------------------------------------------------------------------------


def test_a_driver_outside_the_list_must_be_written_out() -> None:
    reading = read("module:sqlite3", {"database": ":memory:"}, query='SELECT 1 AS "Email Address"')
    assert reading.rows == [{"Email Address": 1}]
    error = refused("sqlite3", {}, table="x")
    assert "driver `sqlite3` is not known" in str(error)
    assert "`driver` is one of adbc_flightsql" in str(error)
    assert "is not known" in str(refused("module:os; import x", {}, table="x"))
    assert "needs the module `absent_driver`" in str(refused("module:absent_driver", {}, table="x"))


@pytest.mark.parametrize("name", ["mssql", "oracle", "trino", "databricks", "redshift", "adbc_snowflake"])
def test_a_driver_that_is_not_installed_names_its_package(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, DRIVERS[name].module, None)
    assert f'-m pip install "{DRIVERS[name].install}"' in str(refused(name, {}, table="x"))


@pytest.mark.parametrize(
    ("driver", "table", "statement"),
    [
        ("snowflake", "hr.joiners", 'SELECT * FROM "HR"."JOINERS"'),
        ("snowflake", 'hr."Joiners.2024"', 'SELECT * FROM "HR"."Joiners.2024"'),
        ("snowflake", "HR.PUBLIC.new joiners", 'SELECT * FROM "HR"."PUBLIC"."new joiners"'),
        ("postgres", "HR.Joiners", 'SELECT * FROM "hr"."joiners"'),
        ("postgres", 'x"; DROP', None),
        ("mysql", "hr.a`b", "SELECT * FROM `hr`.`a``b`"),
        ("bigquery", "my-project.hr.joiners", "SELECT * FROM `my-project`.`hr`.`joiners`"),
        ("mssql", "dbo.a]b", "SELECT * FROM [dbo].[a]]b]"),
        ("sqlite", '"a""b"', 'SELECT * FROM "a""b"'),
    ],
)
def test_every_part_of_a_table_name_is_quoted_as_its_database_does(
    driver: str, table: str, statement: str | None
) -> None:
    if statement is None:
        with pytest.raises(ValueError, match="must be a table name"):
            select_all(table, driver_named(driver))
    else:
        assert select_all(table, driver_named(driver)) == statement


@pytest.mark.parametrize(
    "connect",
    [
        {"user": "ada", "password": "s3cret/word"},
        {"extra": {"deep": ["x", {"key": "s3cret/word"}]}},
        {"uri": "postgresql://ada:s3cret/word@db/x", "password": "s3cret/word"},
        {"conninfo": "host=db password='s3cret/word'"},
        {"dsn": "Server=db;PWD={s3cret/word};"},
        {"token": b"s3cret/word"},
    ],
)
def test_no_secret_of_connect_is_told(connect: dict[str, Any]) -> None:
    for said in ("s3cret/word", "s3cret%2Fword", "at s3cret/word: no"):
        told = scrubbed(RuntimeError(f"user ada said {said}\n today"), connect)
        assert "s3cret" not in told
        assert told.startswith("it refuses what is asked; it says `user ada said ")
    assert "s3cret" not in repr(SqlSource.model_validate({"type": "sql", "driver": "postgres", "connect": connect}))


def test_a_secret_too_short_to_hide_withholds_the_text() -> None:
    assert "no, no" not in scrubbed(RuntimeError("no, no"), {"password": "no"})


# --- PostgreSQL ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def joiners(postgres: Postgres) -> Iterator[dict[str, Any]]:
    """Connect arguments of a PostgreSQL with a schema of our own."""
    with psycopg.connect(**postgres.admin, autocommit=True) as connection:
        connection.execute('DROP SCHEMA IF EXISTS "Tabwarden Test" CASCADE')
        connection.execute('CREATE SCHEMA "Tabwarden Test"')
        connection.execute('SET search_path TO "Tabwarden Test"')
        connection.execute('CREATE TABLE Joiners ("Email Address" text, id char(5), born date)')
        connection.execute(
            "INSERT INTO joiners SELECT 'user' || i || '@acme.com', '007' FROM generate_series(1, %s) i", [MANY]
        )
        connection.execute(
            "INSERT INTO joiners VALUES (NULL), ('\u00a0Jane@acme.com '), ('jane@acme.com'), ('o''brien')"
        )
        yield postgres.admin
        connection.execute('DROP SCHEMA "Tabwarden Test" CASCADE')


def test_postgres_reads_a_table_of_another_schema_whole(joiners: dict[str, Any]) -> None:
    reading = read("postgres", joiners, table='"Tabwarden Test".JOINERS')
    assert len(reading.rows) == MANY + 4
    roster = clean(reading.rows, Columns("EMAIL ADDRESS"), reading.source)
    assert len(roster.people) == MANY + 2
    assert [bad.row for bad in roster.quarantined] == [MANY + 1, MANY + 3]
    assert roster.people[-1].name == "o'brien"


def test_postgres_cannot_be_written_to(joiners: dict[str, Any]) -> None:
    query = 'WITH gone AS (DELETE FROM "Tabwarden Test".joiners RETURNING *) SELECT * FROM gone'
    error = refused("postgres", joiners, query=query)
    assert error.stop == "source-unreadable"
    assert "read-only transaction" in str(error)
    assert len(read("psycopg", joiners, table="Tabwarden Test.joiners").rows) == MANY + 4


def test_postgres_stops(joiners: dict[str, Any]) -> None:
    assert refused("postgres", joiners, table="public.absent").stop == "source-unreadable"
    assert refused("postgres", joiners, query="SELECT 1 WHERE false").stop == "source-empty"


def test_postgres_wrong_password_is_not_told(postgres: Postgres) -> None:
    if "password" not in postgres.admin:
        connect = {"conninfo": postgres.admin["conninfo"], "password": "wrong horse", "user": "tabwarden_nobody"}
    else:
        connect = {**postgres.admin, "password": "wrong horse"}
    error = refused("postgres", connect, table="joiners")
    assert error.stop == "source-unreadable"
    assert "cannot be reached or refuses the sign-in" in str(error)
    assert "wrong horse" not in str(error)
    assert PASSWORD not in str(error)


def test_postgres_that_is_not_there(tmp_path: Path) -> None:
    error = refused("postgres", {"host": str(tmp_path), "password": "hush-hush"}, table="joiners")
    assert error.stop == "source-unreadable"
    assert "hush-hush" not in str(error)
