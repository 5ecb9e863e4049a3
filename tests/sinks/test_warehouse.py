"""Facts in real databases: views and row policies, pair by pair against the engine, on DuckDB, PostgreSQL, Snowflake's
connector; what BigQuery and Databricks are given is read back by sqlglot and run on DuckDB."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pytest
import snowflake.connector as snowflake_driver
import sqlglot
from mirror_disclosure import SOURCE, rows_in, sql_sink
from paths import ROOT
from small_site import group, project, site, workbook
from test_sinks_sql import AFTER, BEFORE, catalog, write_and_fail
from test_sinks_sql import mirror as any_mirror

from plugins.databases import Postgres, Snowflake
from support import command_line
from tabwarden import sinks
from tabwarden.engine.columns import Columns
from tabwarden.engine.convert import columns_of
from tabwarden.engine.engine import Engine
from tabwarden.mirror.build import MirrorRequest, mirrored
from tabwarden.mirror.match import match, tableau_people
from tabwarden.mirror.rows import COMPRESSED, FACTS, FLAT, KINDS, OF_FACTS
from tabwarden.mirror.tables import Tables
from tabwarden.mirror.visible import may_enter
from tabwarden.model.errors import SinkError
from tabwarden.model.site import Site
from tabwarden.sandbox.worlds.acme import acme
from tabwarden.sandbox.worlds.finding import world_of
from tabwarden.settings.mirror import Mirror
from tabwarden.sinks._views import script, views
from tabwarden.sinks.sql import SqlSink

sys.path.insert(0, str(ROOT / "benchmarks"))
from mirror import drawn
from sites import site as of_size

_ = catalog  # the fixture of an empty schema
Pairs = set[tuple[str, str]]  # a person and the id of what she may View
SERVED = 40  # people of the catalog of M


def pairs_of(columns: Columns, people: dict[str, str]) -> Pairs:
    """Whom the engine lets View what is mirrored, of these people (name -> user id); all of them enter the site."""
    engine, kinds = Engine(columns), columns.vocabulary.kinds
    ids, kind = columns.ids("content"), columns.contents.kind.tolist()
    mirrored_kinds = {kinds.index(one) for one in KINDS if one in kinds}
    roles = columns.vocabulary.roles
    pairs = set()
    for person, user in people.items():
        number = columns.number_of("user", user)
        if may_enter(roles[columns.users.role[number]]):
            seen = engine.what_ids(number, "View").tolist()
            pairs |= {(person, columns.about.id)} | {(person, ids[one]) for one in seen if kind[one] in mirrored_kinds}
    return pairs


class Case:
    """A site as facts, and the pairs there must be."""

    def __init__(self, columns: Columns, served: int = 0) -> None:
        found = match(drawn(columns, served), columns) if served else tableau_people(columns)
        self.tables = mirrored(columns, found, MirrorRequest(SOURCE, FACTS)).tables
        self.pairs = pairs_of(columns, {one.person: one.user for one in found.matched})
        self.people = sorted({person for person, _ in self.pairs})


@pytest.fixture(scope="module")
def of_acme() -> Case:
    site: Site = next(one for one in world_of(acme()).sites if one.content_url == "acme")
    return Case(columns_of(site))


@pytest.fixture(scope="module")
def of_m() -> Case:
    return Case(of_size("M"), SERVED)


def facts(held: Site) -> Tables:
    return any_mirror(held, FACTS)


VISIBLE = "SELECT person, id FROM {}tabwarden_visible"


def check_duckdb(path: Path, case: Case) -> None:
    sink = sql_sink("duckdb", {"database": str(path)})
    sinks.publish(sink, SOURCE, case.tables)
    with duckdb.connect(str(path)) as database:
        rows = database.execute(VISIBLE.format("")).fetchall()
        assert len(rows) == len(case.pairs)
        assert set(rows) == case.pairs
    again = sinks.publish(sink, SOURCE, case.tables)
    assert (again.added, again.removed) == ({}, {})


@pytest.mark.parametrize("name", ["of_acme", "of_m"])
def test_duckdb_shows_each_pair_of_the_engine_and_no_other(
    name: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    check_duckdb(tmp_path / "w.duckdb", request.getfixturevalue(name))


@pytest.mark.parametrize("name", ["of_acme", "of_m"])
def test_postgres_shows_each_pair_and_its_row_security_to_each_person_what_is_theirs(
    name: str, postgres: Postgres, catalog: psycopg.Connection[Any], request: pytest.FixtureRequest
) -> None:
    """The script as it is printed, then facts into its tables; people of the catalog sign in as roles."""
    case: Case = request.getfixturevalue(name)
    sink = sql_sink("postgres", postgres.admin, schema="catalog", create=False)
    for statement in script(sink, "postgres"):
        catalog.execute(statement)
    sinks.publish(sink, SOURCE, case.tables)
    assert set(catalog.execute(VISIBLE.format("")).fetchall()) == case.pairs
    strangers = ["somebody else", "TABWARDEN_nobody"]
    chosen = [*case.people[:: max(len(case.people) // 12, 1)], *strangers]
    everybody = ", ".join(f'"{person}"' for person in chosen)
    catalog.execute("CREATE ROLE catalog_people")
    try:
        catalog.execute("GRANT USAGE ON SCHEMA catalog TO catalog_people")
        granted = ", ".join(f"tabwarden_{table}" for table in (*OF_FACTS, "mine"))
        catalog.execute(f"GRANT SELECT ON {granted} TO catalog_people")
        for person in chosen:
            catalog.execute(f'CREATE ROLE "{person}" IN ROLE catalog_people')
        for person in chosen:
            catalog.execute(f'SET ROLE "{person}"')
            theirs = {one for name, one in case.pairs if name == person}
            assert {one for (one,) in catalog.execute("SELECT id FROM tabwarden_items").fetchall()} == theirs
            assert {one for (one,) in catalog.execute("SELECT id FROM tabwarden_mine").fetchall()} == theirs
            assert catalog.execute(f"SELECT count(*) FROM tabwarden_members WHERE person <> '{person}'").fetchone() == (
                0,
            )
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                catalog.execute("SELECT * FROM tabwarden_visible")
            catalog.execute("RESET ROLE")
    finally:
        catalog.execute("RESET ROLE")
        catalog.execute(f"DROP OWNED BY catalog_people; DROP ROLE IF EXISTS {everybody}, catalog_people")


def test_snowflakes_connector_shows_each_pair_and_the_condition_of_the_policy_too(
    snowflake: Snowflake, of_acme: Case
) -> None:
    """Views as the sink makes them; the policy's condition as a query, since this server has no policies."""
    plain = {key: value for key, value in snowflake.connect.items() if key not in ("database", "schema")}
    connect = {**plain, "password": "x", "database": "CATALOG", "schema": "FACTS"}
    with snowflake_driver.connect(**plain, password="x") as connection:
        connection.cursor().execute("CREATE DATABASE IF NOT EXISTS CATALOG")
        connection.cursor().execute("CREATE SCHEMA IF NOT EXISTS CATALOG.FACTS")
    sink = sql_sink("snowflake", connect, schema="CATALOG.FACTS")
    sinks.publish(sink, SOURCE, of_acme.tables)
    assert rows_in(sink.held(SOURCE)) == rows_in(of_acme.tables)
    (policy,) = [one for one in script(sink, "snowflake") if one.startswith("CREATE ROW ACCESS POLICY")]
    condition = policy.partition("->")[2].partition("OR EXISTS")
    condition_of_people = (condition[1] + condition[2]).removeprefix("OR ")
    asked = "SELECT id FROM CATALOG.FACTS.TABWARDEN_ITEMS AS i WHERE " + condition_of_people.replace(
        "row_source", "i.source"
    ).replace("row_class", "i.class")
    with snowflake_driver.connect(**connect) as connection:
        cursor = connection.cursor()
        assert set(cursor.execute(VISIBLE.format("CATALOG.FACTS.")).fetchall()) == of_acme.pairs
        for person in of_acme.people[::60]:
            name = person.upper().replace("'", "''")
            theirs = cursor.execute(asked.replace("CURRENT_USER()", f"'{name}'")).fetchall()
            assert {one for (one,) in theirs} == {one for who, one in of_acme.pairs if who == person}


@pytest.mark.parametrize("dialect", ["snowflake", "bigquery", "databricks", "sqlite"])
def test_what_other_warehouses_are_given_says_the_same_when_it_is_read_back(
    dialect: str, tmp_path: Path, of_acme: Case
) -> None:
    """Their own words, translated to DuckDB's: a wrong join would show; a word they do not know would not."""
    path = tmp_path / "w.duckdb"
    sinks.publish(sql_sink("duckdb", {"database": str(path)}), SOURCE, of_acme.tables)
    made = dict(zip(("visible", "mine"), (text for _, text in views(sql_sink(dialect), dialect)), strict=False))
    person = of_acme.people[7]
    with duckdb.connect(str(path)) as database:
        database.execute("DROP VIEW tabwarden_visible")
        for view, statement in made.items():
            text = sqlglot.transpile(statement.replace("SECURE ", ""), read=dialect, write="duckdb")[0]
            for word in ("CURRENT_USER()", "SESSION_USER()", "CURRENT_USER", "SESSION_USER"):
                text = text.replace(word, f"'{person.upper()}'")
            database.execute(text)
            rows = database.execute(f"SELECT {'person, ' * (view == 'visible')}id FROM tabwarden_{view}").fetchall()
            if view == "visible":
                assert set(rows) == of_acme.pairs
            else:
                assert {one for (one,) in rows} == {one for who, one in of_acme.pairs if who == person}


# -- all or nothing -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("driver", ["duckdb", "sqlite", "postgres"])
def test_facts_change_at_once_and_other_forms_take_them_away(
    driver: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    if driver == "postgres":
        request.getfixturevalue("catalog")
        sink = sql_sink(driver, request.getfixturevalue("postgres").admin, schema="catalog")
    else:
        sink = sql_sink(driver, {"database": str(tmp_path / "catalog")})
    for held, form in ((BEFORE, FACTS), (AFTER, FACTS), (AFTER, COMPRESSED), (BEFORE, FACTS), (BEFORE, FLAT)):
        sinks.publish(sink, SOURCE, any_mirror(held, form))
        assert rows_in(sink.held(SOURCE)) == rows_in(any_mirror(held, form))
    sinks.publish(sink, SOURCE, facts(BEFORE))
    told = sinks.publish(sink, SOURCE, facts(AFTER))
    assert (dict(told.added)["members"], dict(told.removed)["members"]) == (1, 1), "jane for john in the group"
    with pytest.raises(SinkError, match="the disk is full"):
        write_and_fail(sink, facts(AFTER), facts(BEFORE))
    assert rows_in(sink.held(SOURCE)) == rows_in(facts(AFTER))


def test_other_forms_make_no_tables_of_facts(tmp_path: Path) -> None:
    path = str(tmp_path / "w.duckdb")
    sinks.publish(sql_sink("duckdb", {"database": path}), SOURCE, any_mirror(BEFORE))
    with duckdb.connect(path) as database:
        tables = {name for (name,) in database.execute("SELECT table_name FROM information_schema.tables").fetchall()}
    assert tables == {f"tabwarden_{name}" for name in ("sources", "people", "viewers", "content", "access")}


def test_a_planted_bug_in_a_view_is_caught(tmp_path: Path) -> None:
    """A view that forgets whom a class excepts, a class off by one, too wide a join, and stale memberships."""
    path = tmp_path / "w.duckdb"
    names = [f"user{number}" for number in range(20)]
    rules = ("group:All Users +Read", "group:Out -Read")
    books = [project("p"), workbook("open", "p", *rules), workbook("theirs", "p", "group:Out +Read")]
    held = site(*books, users=[f"{name}:Viewer" for name in names], groups=[group("Out", *names[:3])])
    case = Case(columns_of(held))
    sinks.publish(sql_sink("duckdb", {"database": str(path)}), SOURCE, case.tables)
    (text,) = (statement for _, statement in views(sql_sink("duckdb"), "duckdb"))
    bugs = [
        text.replace("MAX(c.excepted) = 0", "MIN(c.excepted) = 0"),
        text.replace("c.class,\n    m.person\n  FROM", "c.class + 1 AS class,\n    m.person\n  FROM"),
        text.replace("s.class = i.class", "s.class >= i.class"),
    ]
    with duckdb.connect(str(path)) as database:
        for bug in (*bugs, text):
            assert (bug in bugs) == (bug != text)
            database.execute("DROP VIEW tabwarden_visible")
            database.execute(bug)
            assert (set(database.execute(VISIBLE.format("")).fetchall()) == case.pairs) == (bug == text), bug
        database.execute("DELETE FROM tabwarden_members WHERE circle = (SELECT max(circle) FROM tabwarden_members)")
        assert set(database.execute(VISIBLE.format("")).fetchall()) != case.pairs


# -- settings and the command -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sink", "told"),
    [
        ({"type": "openfga", "folder": "out"}, "sink 1 (`openfga`) is made of sets of people"),
        ({"type": "datahub", "folder": "out"}, "sink 1 (`datahub`) is made of sets of people"),
        ({"type": "sql", "driver": "oracle"}, "no views for driver `oracle` of sink 1"),
        ({"type": "sql", "driver": "module:some_driver"}, "no views for driver `module:some_driver` of sink 1"),
    ],
)
def test_a_sink_that_cannot_take_facts_is_refused(sink: dict[str, str], told: str) -> None:
    with pytest.raises(ValueError, match="has `form: facts`") as refused:
        Mirror.model_validate({"form": FACTS, "sinks": [sink]})
    assert told in str(refused.value)
    Mirror.model_validate({"form": COMPRESSED, "sinks": [sink]})


SETTINGS = """\
tableau: {server: "https://tableau.example.com", site: a, auth: {pat: {name: tok, secret: env:PAT}}}
mirror:
  form: facts
  sinks:
    - {type: sql, driver: snowflake, schema: GOVERNANCE.MIRROR, connect: {user: LOADER, password: "env:PAT"}}
"""


@pytest.fixture
def at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PAT", "hush-hush")
    (tmp_path / "settings.yaml").write_text(SETTINGS)
    return tmp_path


def test_the_sql_for_people_who_deploy_by_hand(at_home: Path) -> None:
    done = command_line.run("mirror", "--show-sql", "snowflake")
    assert done.exit_code == 0
    assert 'CREATE SECURE VIEW "GOVERNANCE"."MIRROR"."TABWARDEN_MINE" AS' in done.output
    assert "LOWER(CURRENT_USER()) = LOWER('LOADER')" in done.output, "who publishes must see all there is"
    assert "hush" not in done.output
    assert not (at_home / ".tabwarden").exists()
    other = command_line.run("mirror", "--show-sql", "bigquery")
    assert "SESSION_USER()" in other.output
    assert "CURRENT_USER" not in other.output
    assert "is no dialect" in command_line.run("mirror", "--show-sql", "mysql").stderr


def test_a_quote_in_a_name_ends_no_text() -> None:
    sink = SqlSink(type="sql", driver="snowflake", connect={"user": "o'hara; DROP TABLE x"}, schema='"S""x".B')
    (policy,) = [one for one in script(sink, "snowflake") if one.startswith("CREATE ROW ACCESS POLICY")]
    assert "LOWER('o\\'hara; DROP TABLE x')" in policy
    assert len(sqlglot.parse(policy.partition("->")[2], dialect="snowflake")) == 1


def test_a_schema_that_is_none_is_told(at_home: Path) -> None:
    (at_home / "settings.yaml").write_text(SETTINGS.replace("GOVERNANCE.MIRROR", "a.b.c.d"))
    done = command_line.run("mirror", "--show-sql", "snowflake")
    assert done.exit_code == 1
    assert "must be a table name" in done.stderr
