"""A world in a real PostgreSQL as Tableau Server's repository: what public queries ask of it gives the world again."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import psycopg
import pytest
from watchdog import patience

from tabwarden.model.errors import WorldError
from tabwarden.model.roles import ui_role
from tabwarden.model.site import ALLOW, LOCKED, Site
from tabwarden.sandbox.repository.export import export, internal_name
from tabwarden.sandbox.worlds.finding import find_world


@pytest.fixture
def empty_database(postgres: Any, request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of a database of its own, on a server that has the role `readonly` as Tableau's has."""
    name = f"workgroup_{request.node.name.lower()}"[:60]
    with psycopg.connect(**postgres.admin, autocommit=True) as admin:
        admin.execute(f"create database {name}")
        if not admin.execute("select 1 from pg_roles where rolname = 'readonly'").fetchone():
            admin.execute("create role readonly login password 'only to read'")
        info = admin.info
        yield f"postgresql:///{name}?host={quote(info.host)}&user={info.user}&password={quote(info.password)}"
        admin.execute(f"drop database {name} with (force)")


def typed(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tabwarden", "sandbox", *words]
    return subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=patience(60), check=False
    )


def asked(url: str, query: str, *values: Any) -> list[tuple[Any, ...]]:
    with psycopg.connect(url) as connection:
        return connection.execute(query, values).fetchall()


def explicit_rules(site: Site, kind: str) -> set[tuple[str, ...]]:
    """(content, grantee kind, grantee, capability, mode) of a Site's own rules on one kind."""
    return {
        (c.id, r.grantee.kind, r.grantee.id, internal_name(r.capability), r.mode)
        for c in site.contents.values()
        if c.kind == kind
        for r in c.rules or ()
        if r.capability != "InheritedProjectLeader"
    }


_RULES = """
select t.luid::text,
       case n.grantee_type when 'User' then 'user' when 'Group' then 'group' when 'GroupAND' then 'groupSet' end,
       coalesce(u.luid, g.luid, s.luid)::text, c.name, case when n.permission in (1, 3) then 'Allow' else 'Deny' end
from next_gen_permissions n
join {table} t on t.id = n.authorizable_id join capabilities c on c.id = n.capability_id
left join users u on u.id = n.grantee_id and n.grantee_type = 'User'
left join groups g on g.id = n.grantee_id and n.grantee_type = 'Group'
left join groupsets s on s.id = n.grantee_id and n.grantee_type = 'GroupAND'
where n.authorizable_type = %s and t.site_id = (select id from sites where url_namespace = %s)
"""


def test_every_rule_is_found_by_a_query(empty_database: str) -> None:
    world = find_world("acme")
    export(world, empty_database)
    for site in world.sites:
        for kind, table, type_ in (
            ("project", "projects", "Project"),
            ("workbook", "workbooks", "Workbook"),
            ("view", "views", "View"),
            ("datasource", "datasources", "Datasource"),
        ):
            found = asked(empty_database, _RULES.format(table=table), type_, site.content_url)
            assert set(found) == explicit_rules(site, kind), (site.content_url, kind)
            assert len(found) == len(set(found))


def test_people_projects_and_memberships_are_the_worlds(empty_database: str) -> None:
    world = find_world("acme")
    site = world.sites[0]
    export(world, empty_database)
    people = asked(
        empty_database,
        "select u.luid::text, s.name, d.name, r.display_name, s.admin_level from users u "
        "join system_users s on s.id = u.system_user_id "
        "join domains d on d.id = s.domain_id join site_roles r on r.id = u.site_role_id "
        "join sites on sites.id = u.site_id where sites.url_namespace = %s",
        site.content_url,
    )
    assert {row[:3] for row in people} == {(u.id, u.name, u.domain) for u in site.users.values()}
    shown = {u.id: ui_role(u.site_role) for u in site.users.values() if u.site_role != "ServerAdministrator"}
    assert {luid: role for luid, _, _, role, level in people if level == 0} == shown
    members = asked(
        empty_database,
        "select g.luid::text, u.luid::text from group_users m join groups g on g.id = m.group_id "
        "join users u on u.id = m.user_id "
        "join sites on sites.id = g.site_id where sites.url_namespace = %s",
        site.content_url,
    )
    assert set(members) == {(g, user) for g in site.groups for user in site.members(g)}
    locked = asked(
        empty_database,
        "select p.luid::text, m.luid::text, p.nested_projects_permissions_included from projects p "
        "join projects m on m.id = p.controlling_permissions_project_id where p.controlled_permissions_enabled",
    )
    tops = {c.id for s in world.sites for c in s.contents.values() if c.mode == LOCKED and c.parent is None}
    assert {luid for luid, manager, nested in locked if luid == manager and nested} >= tops
    admins = asked(empty_database, "select name from system_users where admin_level = 10")
    assert admins == [("admin",)]


def test_defaults_of_a_project_are_its_templates(empty_database: str) -> None:
    world = find_world("w0")
    (site,) = world.sites
    export(world, empty_database)
    found = asked(
        empty_database,
        "select p.name, t.template_type, c.name, t.permission from permissions_templates t "
        "join projects p on p.id = t.container_id join capabilities c on c.id = t.capability_id",
    )
    types = {"workbook": "Workbook", "datasource": "Datasource", "flow": "Flow"}
    expected = {
        (
            c.name,
            types[kind],
            internal_name(r.capability),
            (1 if r.mode == ALLOW else 2) + 2 * (r.grantee.kind == "user"),
        )
        for c in site.contents.values()
        for kind, rules in c.defaults.items()
        for r in rules or ()
        if kind in types
    }
    assert {row for row in found if row[1] in types.values()} == expected
    assert expected


def test_the_reader_role_may_read_and_nothing_is_replaced(empty_database: str) -> None:
    export(find_world("w0"), empty_database)
    can = "select has_table_privilege('readonly', 'next_gen_permissions', %s)"
    assert asked(empty_database, can, "select") == [(True,)]
    assert asked(empty_database, can, "insert") == [(False,)]
    with pytest.raises(WorldError, match="an export replaces nothing"):
        export(find_world("w0"), empty_database)


def test_from_the_command_line(empty_database: str) -> None:
    done = typed("--world", "acme", "--export-repository", empty_database)
    assert done.returncode == 0, done.stdout
    assert "rows into" in done.stdout
    assert asked(empty_database, "select count(*) from sites") == [(3,)]


def test_a_database_that_is_not_there_is_told_without_its_password() -> None:
    url = "postgresql://somebody:a-secret-word@127.0.0.1:1/workgroup"
    done = typed("--world", "w0", "--export-repository", url)
    assert done.returncode == 1
    assert "did not take the export" in done.stdout
    assert "a-secret-word" not in done.stdout
