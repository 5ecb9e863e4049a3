"""Every release whose tables are told: the sandbox fills them in a real PostgreSQL, the reader gives what REST gives.

And the table of releases itself: nothing is asked for, or written, that no release has.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import pytest
from test_repository_read import differences, in_common, over_rest
from workgroups import Workgroup, workgroup

from tabwarden.access.reference import may
from tabwarden.model.governing import LOCKED_TO_DATABASE
from tabwarden.model.site import LOCKED, LOCKED_WITHOUT_NESTED, Content, Grantee, GroupSet, Rule, Site, Use
from tabwarden.sandbox.repository import tables as written
from tabwarden.sandbox.state.server_state import World
from tabwarden.sandbox.worlds.finding import find_world
from tabwarden.tableau.repository.connecting import PROBE, tables
from tabwarden.tableau.repository.read import read_repository
from tabwarden.tableau.repository.selects import STATEMENTS
from tabwarden.workgroup import RELEASES, schema
from tabwarden.workgroup import tables as documented

SINCE: Mapping[str, str] = {
    "nested": "2020.1",
    "grant": "2020.2",
    "visibility": "2019.4",
    "sets": "2024.2",
    "placed": "2020.3",
}
VIEWS = "views in workbooks that are no live content"
KINDS_SINCE = {"virtualconnection": "2020.1", "collection": "2020.3", "lens": "2021.1"}
CREATED = "2025-01-01T08:00:00Z"
UNREAD = ("metric", "lens", "datarole", "collection")


def luid(name: str) -> str:
    return str(uuid5(NAMESPACE_URL, name))


@cache
def world_of(nested: bool, grant: bool, visibility: bool, sets: bool, placed: bool, connections: bool) -> World:
    """A small world that has one of each kind of fact which the release can hold."""
    world = find_world("w0")
    (site,) = world.sites
    group = next(g for g in site.groups.values() if not g.everyone)
    owner = site.find_user("carl").id
    top = next(c for c in site.contents.values() if c.kind == "project" and c.mode != LOCKED)
    unlocked = site.find_content("Ops").id
    book = next(c for c in site.contents.values() if c.kind == "workbook")
    read = frozenset({Rule(Grantee("group", group.id), "Read", "Allow")})
    new = [
        Content(
            luid("lake"), "database", "Lake", top.id if placed else None, owner, rules=read, mode=LOCKED_TO_DATABASE
        ),
        Content(luid("facts"), "table", "facts", luid("lake"), owner, rules=read),
        Content(luid("source"), "datasource", "Source", top.id, owner, rules=read),
        *(
            Content(luid(kind), kind, kind, None if kind == "collection" else unlocked, owner, rules=read)
            for kind in UNREAD
        ),
    ]
    new[0] = replace(new[0], defaults={"table": frozenset({Rule(Grantee("user", owner), "Read", "Deny")})})
    new.append(replace(book, uses=(Use(luid("source"), "embed"),)))
    new.append(replace(top, mode=LOCKED_WITHOUT_NESTED if nested else top.mode))
    if connections:
        new.append(Content(luid("vc"), "virtualconnection", "VC", top.id, owner, rules=read))
    site = site.with_contents(*(replace(content, created=CREATED, updated=CREATED) for content in new))
    if grant:
        site = site.with_groups(replace(group, minimum_site_role="Explorer", grant_on="onLogin"))
    else:
        site = site.with_groups(*(replace(g, minimum_site_role=None, grant_on=None) for g in site.groups.values()))
    if sets:
        both = GroupSet(luid("set"), "Both", frozenset({group.id}))
        site = site.with_group_sets(both)
        denies = Rule(Grantee("groupSet", both.id), "Read", "Deny")
        site = site.with_contents(replace(site.contents[luid("lens")], rules=read | {denies}))
    settings = replace(site.settings, admin_mode="ContentOnly", web_authoring=False, data_alerts=False)
    settings = replace(settings, user_visibility="LIMITED" if visibility else "FULL")
    site = replace(site, settings=settings, licences={"Creator": 9, "Explorer": 20, "Viewer": 40})
    return replace(world, sites=(site,))


@cache
def rest_of(**has: bool) -> Site:
    return over_rest(world_of(**has), "sandbox")


@pytest.mark.parametrize("release", RELEASES)
def test_every_release_tells_the_site_that_rest_tells(postgres: Any, release: str) -> None:
    has = {name: release >= since for name, since in SINCE.items()} | {"connections": release >= "2020.1"}
    world = world_of(**has)
    with workgroup(postgres.admin, world, release=release) as made:
        assert told_by(made) == {table: set(columns) for table, columns in schema(release).items()}
        read = read_repository(made.options, "sandbox")
        assert differences(in_common(read), in_common(rest_of(**has))) == []
        there = {kind for kind in UNREAD if release >= KINDS_SINCE.get(kind, "")}
        (site,) = world.sites
        for kind in UNREAD:
            now = read.contents.get(luid(kind))
            assert (now is not None) == (kind in there)
            if now is not None:
                was = site.contents[luid(kind)]
                assert (now.name, now.parent, now.owner, now.rules) == (was.name, was.parent, was.owner, was.rules)
        explain = ["the site's own settings (Explain Data)"] if release < "2021.3" else []
        grants = ["when groups grant a site role"] if release < "2020.2" else []
        assert list(read.partial) == [
            *explain,
            "how people sign in",
            "tags of content",
            *grants,
            "descriptions of workbooks",
        ]
        assert read.apart == {}


def told_by(made: Workgroup) -> dict[str, set[str]]:
    """The tables of a database with their columns, as PostgreSQL itself tells."""
    import psycopg

    with psycopg.connect(**made.admin) as connection:
        rows = connection.execute(
            "select table_name, column_name from information_schema.columns where table_schema = 'public'"
        ).fetchall()
    found: dict[str, set[str]] = {}
    for table, column in rows:
        found.setdefault(table, set()).add(column)
    return found


def test_nothing_is_asked_for_that_no_release_has() -> None:
    words = [
        text
        for selects in STATEMENTS.values()
        for select in selects
        for text in (
            *(way for fact in select.facts for way in fact.ways),
            select.within,
            *select.where,
            *select.apart.values(),
            *(join.on for join in select.joins),
        )
    ]
    named = {match[0] for text in words for match in re.finditer(r"\b([a-z_]+)\.([a-z_]+)\b", text)}
    there = {f"{table}.{column}" for table, columns in documented().items() for column in columns}
    assert named
    assert named - there == set()
    assert set(tables()) <= set(documented())
    assert set(written.TABLE_OF_KIND.values()) <= set(documented())
    assert "%s" in PROBE
    # Each way counts in some release: none is hidden behind one that is always there before it.
    for selects in STATEMENTS.values():
        for select in selects:
            for fact in select.facts:
                firsts = [
                    next((way for way in fact.ways if asked(way) <= columns_of(release)), None) for release in RELEASES
                ]
                if len(fact.ways) > 1 and fact.name not in ("owner", "minimum"):
                    assert set(fact.ways) <= set(firsts), (select.table, fact.name)


def asked(way: str) -> set[str]:
    return {match[0] for match in re.finditer(r"\b([a-z_]+)\.([a-z_]+)\b", way)}


@cache
def columns_of(release: str) -> frozenset[str]:
    return frozenset(f"{table}.{column}" for table, columns in schema(release).items() for column in columns)


# What is no live content, in the order in which it becomes so, and what is counted from then on.
APART: tuple[tuple[str, dict[str, int]], ...] = (
    ("update workbooks set is_private = true where name = 'W2'", {"workbooks private drafts": 1, VIEWS: 4}),
    (
        "update workbooks set is_private = false, parent_workbook_id = 1 where name = 'W2'",
        {"workbooks private drafts of a workbook": 1, VIEWS: 4},
    ),
    ("update workbooks set parent_workbook_id = null", {}),
    (
        "update workbooks set is_deleted = true where name = 'W1'",
        {"workbooks in the recycle bin": 1, VIEWS: 3},
    ),
    ("update workbooks set is_deleted = false", {}),
    ("update views set state = 'disabled' where name = 'V4'", {"views disabled": 1}),
    ("update views set is_deleted = true where name = 'V4'", {"views in the recycle bin": 1}),
    ("update views set state = 'active', is_deleted = false", {}),
    ("update flows set is_deleted = true", {"flows in the recycle bin": 1}),
    ("update flows set is_deleted = false, hidden = true", {"flows hidden": 1}),
    ("update flows set hidden = false, state = 'archived'", {"flows archived": 1}),
    ("update flows set state = 'active'", {}),
    ("update datasources set state = 'archived' where name = 'Source'", {"data sources archived": 1}),
    ("update datasources set state = 'active'", {}),
    ("update published_connections set activated = false", {"virtual connections never activated": 1}),
    ("update published_connections set activated = true", {}),
    (
        "update database_assets set is_tombstoned = true",
        {"databases grouped into another": 1, "tables in databases that are no live content": 1},
    ),
    ("update database_assets set is_tombstoned = false", {}),
    ("update table_assets set duplicate_id = 7", {"tables doubles of another": 1}),
    ("update table_assets set duplicate_id = null", {}),
    (
        "insert into archived_content_metadata select 1, id, 'Workbook', '', 1, site_id from workbooks where id = 3",
        {"workbooks archived": 1, VIEWS: 1},
    ),
    ("delete from archived_content_metadata", {}),
    (
        "update projects set state = 'pending_delete' where name = 'Vault'",
        {
            "projects inactive": 1,
            "data sources in projects that are no live content": 1,
            "workbooks in projects that are no live content": 1,
            VIEWS: 1,
        },
    ),
)


def test_what_is_no_live_content_is_counted_and_is_nobodys(postgres: Any) -> None:
    world = world_of(nested=False, grant=True, visibility=True, sets=True, placed=True, connections=True)
    (site,) = world.sites
    flow = Content(luid("flow"), "flow", "Flow", site.find_content("Ops").id, site.find_user("carl").id)
    with workgroup(postgres.admin, replace(world, sites=(site.with_contents(flow),))) as made:
        whole = read_repository(made.options, "sandbox")
        for statement, apart in APART:
            made.run(statement)
            read = read_repository(made.options, "sandbox")
            assert read.apart == apart, statement
            assert len(read.contents) == len(whole.contents) - sum(apart.values()), statement
            assert set(read.contents) < set(whole.contents) or not apart


def test_default_rules_of_databases_and_projects_are_told_apart_by_their_container(postgres: Any) -> None:
    world = world_of(nested=False, grant=True, visibility=True, sets=True, placed=True, connections=True)
    with workgroup(postgres.admin, world) as made:
        # A project has the number of the database; without the kind of container one would have the other's rules.
        made.run("update permissions_templates set container_type = null where container_type = 'Project'")
        read = read_repository(made.options, "sandbox")
    (site,) = world.sites
    lake = site.contents[luid("lake")]
    assert read.contents[lake.id].defaults == lake.defaults
    assert read.contents[luid("facts")].rules == lake.defaults["table"]
    projects = [c for c in site.contents.values() if c.kind == "project"]
    assert all("table" not in c.defaults or not read.contents[c.id].defaults["table"] for c in projects)


def test_where_the_roles_of_2026_name_anybody_nobody_is_denied_for_a_rule(postgres: Any) -> None:
    world = find_world("w0")
    with workgroup(postgres.admin, world) as made:
        before = read_repository(made.options, "sandbox")
        made.run("insert into permission_roles values (1), (2)")
        named = read_repository(made.options, "sandbox")
        made.run("insert into role_grantees values (1)")
        now = read_repository(made.options, "sandbox")
    assert named.contents == before.contents
    assert named.partial[-1] == "roles beside the rules (2 rows in `permission_roles`), which name nobody"
    assert now.partial[-1].startswith(
        "roles beside the rules (1 rows in `role_grantees`, 2 rows in `permission_roles`)"
    )
    vic = now.find_user("vic").id
    carl = now.find_user("carl").id
    assert {may(before, carl, "Read", c).verdict for c in now.contents} >= {"denied"}
    assert {may(now, vic, "Read", c).verdict for c in now.contents} == {"unknown"}
    admin = now.find_user("ada").id
    assert {may(now, admin, "Read", c).verdict for c in now.contents} == {"allowed"}
