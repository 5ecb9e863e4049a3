"""Repositories of other versions: columns under other names are read, what a column does not tell is unknown.

And what no source explains: codes are kept and shown, and never become an allow or a deny.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from dense_worlds import dense_world
from workgroups import Workgroup, workgroup

from tabwarden.access.reference import may
from tabwarden.model.errors import TableauError
from tabwarden.model.site import UNREAD_USE, Grantee, Site
from tabwarden.sandbox.worlds.finding import find_world
from tabwarden.tableau.repository.read import read_all, read_repository

W0, LAB = ("w0", "sandbox"), ("acme", "acme-lab")


@pytest.fixture
def made(postgres: Any, request: pytest.FixtureRequest) -> Iterator[tuple[Workgroup, Site]]:
    """A repository, by default of `w0`, and the Site it tells before anything is changed."""
    world, site = getattr(request, "param", W0)
    with workgroup(postgres.admin, find_world(world)) as found:
        yield found, read_repository(found.options, site)


def after(made: tuple[Workgroup, Site], *statements: str) -> Site:
    """The Site once the administrator did this to the database."""
    made[0].run(*statements)
    return read_repository(made[0].options, made[1].content_url)


def facts(site: Site) -> Site:
    return replace(site, taken=None, partial=())  # type: ignore[arg-type]


def lacks(now: Site, before: Site) -> set[str]:
    return set(now.partial) - set(before.partial)


OTHER_NAMES = {
    "places in the tables themselves": ["drop table projects_contents"],
    "places in a table of their own": [
        *(f"alter table {t} drop column project_id" for t in ("workbooks", "datasources", "flows"))
    ],
    "places that went out of date": ["update workbooks set project_id = (select min(id) from projects)"],
    "rules without a site": ["alter table next_gen_permissions drop column site_id"],
    "minimum site roles by name": ["alter table groups drop column minimum_site_role_id"],
    "no table of site roles": ["drop table site_roles"],
    "web authoring the other way round": ["alter table sites drop column web_editing_enabled"],
    "no lock without nested projects": ["alter table projects drop column nested_projects_permissions_included"],
    "no flows and virtual connections": ["drop table flows", "drop table published_connections"],
    "no group sets": ["drop table groupset_groups", "drop table groupsets"],
    "nothing is deleted": [f"alter table {t} drop column is_deleted" for t in ("workbooks", "views")],
    "no descriptions of connections": ["alter table data_connections drop column dbclass, drop column site_id"],
    "site roles by what is shown": [
        "update site_roles set id = id + 100",
        "update users set site_role_id = site_role_id + 100",
        "update groups set minimum_site_role_id = minimum_site_role_id + 100",
    ],
    "grants in other letters": [
        "update groups set grant_license_mode = 'onLogin' where grant_license_mode is not null"
    ],
    "names of capabilities without a line": ["update capabilities set name = replace(name, '_', '')"],
}


@pytest.mark.parametrize("statements", OTHER_NAMES.values(), ids=OTHER_NAMES)
def test_another_way_to_tell_the_same(made: tuple[Workgroup, Site], statements: list[str]) -> None:
    assert facts(after(made, *statements)) == facts(made[1])


def test_what_is_deleted_lies_nowhere_or_belongs_to_a_workbook_is_left_out(made: tuple[Workgroup, Site]) -> None:
    site = made[1]
    books = [c for c in site.contents.values() if c.kind == "workbook"]
    source = next(c for c in site.contents.values() if c.kind == "datasource")
    gone = {books[0].id, *site.below(books[0].id), books[1].id, *site.below(books[1].id), source.id}
    now = after(
        made,
        f"update workbooks set is_deleted = true where luid = '{books[0].id}'",
        f"delete from projects_contents where content_type = 'workbook' and content_id = "
        f"(select id from workbooks where luid = '{books[1].id}')",
        f"update datasources set parent_workbook_id = 1 where luid = '{source.id}'",
    )
    assert now.contents == {i: c for i, c in site.contents.items() if i not in gone}
    assert lacks(now, site) == {"1 things in personal spaces, which only their owners see"}


# -- what is not told is unknown ------------------------------------------------------------------------------


def test_without_tabs_the_rules_of_sheets_are_unknown(made: tuple[Workgroup, Site]) -> None:
    now = after(made, "alter table workbooks drop column display_tabs")
    assert lacks(now, made[1]) == {"whether workbooks show their sheets as tabs"}
    views = [c for c in now.contents.values() if c.kind == "view"]
    locked = [v for v in views if made[1].contents[now.project_of(v.id) or ""].mode != "ManagedByOwner"]
    assert locked
    assert all((v.rules is None) == (v not in locked) for v in views)
    egon = now.find_user("egon").id
    said = {may(now, egon, "Read", v.id).verdict for v in views if v not in locked}
    assert said == {"unknown"}


def test_without_templates_default_rules_and_what_is_locked_are_unknown(made: tuple[Workgroup, Site]) -> None:
    now = after(made, "drop table permissions_templates")
    assert lacks(now, made[1]) == {"default rules of projects, and with them the rules of what is locked"}
    for content in now.contents.values():
        before = made[1].contents[content.id]
        if content.kind == "project":
            assert set(content.defaults.values()) == {None}
            assert content.rules == before.rules
        elif now.contents[now.project_of(content.id) or ""].mode == "ManagedByOwner":
            assert content.rules == before.rules
        else:
            assert content.rules is None


@pytest.mark.parametrize("made", [LAB], indirect=True)
def test_connections_that_do_not_tell_a_password_or_are_not_there(made: tuple[Workgroup, Site]) -> None:
    used = {c.id: c.uses for c in made[1].contents.values() if c.uses}
    assert {use.auth for uses in used.values() for use in uses} == {"embed", "prompt"}
    # A column that could hold a password is not looked at.
    now = after(made, "alter table data_connections alter column password type varchar using 'a password'")
    assert {c.id: [u.datasource for u in c.uses] for c in now.contents.values() if c.uses} == {
        i: [u.datasource for u in uses] for i, uses in used.items()
    }
    assert {use.auth for c in now.contents.values() for use in c.uses} == {UNREAD_USE.auth}
    assert lacks(now, made[1]) == {"whether connections of workbooks embed a password"}
    now = after(made, "update data_connections set datasource_id = 0")
    assert {c.id for c in now.contents.values() if c.uses == (UNREAD_USE,)} == set(used)
    now = after(made, "drop table data_connections")
    assert {c.uses for c in now.contents.values() if c.kind == "workbook"} == {(UNREAD_USE,)}
    assert lacks(now, made[1]) == {"connections of workbooks"}


def test_groups_that_do_not_tell_what_they_grant(made: tuple[Workgroup, Site]) -> None:
    now = after(
        made,
        "alter table groups drop column grant_license_mode",
        "alter table groups drop column minimum_site_role_id, drop column minimum_site_role",
    )
    assert lacks(now, made[1]) == {"which site roles groups grant", "when groups grant a site role"}
    assert {(g.minimum_site_role, g.grant_on) for g in now.groups.values()} == {(None, None)}


# -- codes that no source explains ----------------------------------------------------------------------------


def test_a_site_role_or_level_that_is_not_known_is_shown_and_decides_nothing(made: tuple[Workgroup, Site]) -> None:
    now = after(
        made,
        "insert into site_roles values (77, 'Overseer', null, 'Overseer')",
        "update users set site_role_id = 77 where system_user_id = (select id from system_users where name = 'vic')",
        "update system_users set admin_level = 7 where name = 'carl'",
    )
    roles = {u.name: u.site_role for u in now.users.values()}
    assert (roles["vic"], roles["carl"]) == ("Overseer", "admin_level 7")
    assert lacks(now, made[1]) == {
        "site roles of 1 users: what `Overseer` is, is not known",
        "site roles of 1 users: what `admin_level 7` is, is not known",
    }
    vic = now.find_user("vic").id
    assert {may(now, vic, "Read", c).verdict for c in now.contents} <= {"unknown", "no"}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ("permission = 5", "permission 5 of a "),
        ("permission = 5 - permission", "permission "),
        ("grantee_type = 'Robot'", "grantee_type Robot"),
    ],
)
def test_rules_with_a_code_that_is_not_known_are_unknown(made: tuple[Workgroup, Site], change: str, code: str) -> None:
    site = made[1]
    book = next(c for c in site.contents.values() if c.kind == "workbook" and c.rules and not c.tabs)
    number = f"(select id from workbooks where luid = '{book.id}')"
    now = after(
        made,
        f"update next_gen_permissions set {change} where authorizable_type = 'Workbook' and authorizable_id = {number}",
    )
    assert now.contents[book.id].rules is None
    assert {i: c for i, c in now.contents.items() if i != book.id} == {
        i: c for i, c in site.contents.items() if i != book.id
    }
    told = lacks(now, site)
    assert told
    assert all(words.startswith(f"rules with the code `{code}") for words in told), told


def test_capabilities_and_types_that_are_not_known_are_shown(made: tuple[Workgroup, Site]) -> None:
    site = made[1]
    project = next(c for c in site.contents.values() if c.kind == "project" and c.rules)
    number = f"(select id from projects where luid = '{project.id}')"
    mine = f"authorizable_type = 'Project' and authorizable_id = {number}"
    now = after(
        made,
        "update capabilities set name = 'teleport' where name = 'read'",
        f"update next_gen_permissions set capability_id = 4711 where {mine} and capability_id <> 1",
        "update next_gen_permissions set authorizable_type = 'Pulse' where authorizable_type = 'Datasource'",
    )
    assert {r.capability for r in now.contents[project.id].rules or ()} <= {"teleport", "capability 4711"}
    assert any(words.startswith("rules on the type `Pulse`, which is not known") for words in now.partial)


def test_rules_of_people_who_are_gone_are_nobodys(made: tuple[Workgroup, Site]) -> None:
    gone = "update next_gen_permissions set grantee_id = grantee_id + 1000"
    now = after(made, gone, "update permissions_templates set grantee_id = 0")
    assert all(not c.rules and not any(c.defaults.values()) for c in now.contents.values())
    assert lacks(now, made[1]) == set()


def test_rules_of_group_sets_that_are_not_told_are_of_nobody_known(postgres: Any) -> None:
    world = dense_world(0, 3)
    with workgroup(postgres.admin, world) as made:
        before = {site.content_url: site for site in read_all(made.options)}
        made.run("drop table groupset_groups, groupsets")
        for now in read_all(made.options):
            was = before[now.content_url]
            sets = {grantee for grantee in spoken_of(now) if grantee.kind == "groupSet"}
            assert len(sets) == len({grantee for grantee in spoken_of(was) if grantee.kind == "groupSet"})
            assert all(grantee.id.startswith("GroupAND ") for grantee in sets)
            # Rules that a lock or tabs outrank may speak of sets too.
            assert "group sets" in now.partial or not sets
            assert now.group_sets == {}
    assert any(site.group_sets for site in before.values())


def spoken_of(site: Site) -> set[Grantee]:
    lists = [c.rules for c in site.contents.values()] + [d for c in site.contents.values() for d in c.defaults.values()]
    return {rule.grantee for rules in lists for rule in rules or ()}


# -- what cannot be missing -----------------------------------------------------------------------------------


NO_PROJECTS = "alter table workbooks drop column project_id"
OPEN_VIEWS = "grant select (id, luid, name, workbook_id, site_id) on views to readonly"


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("drop table next_gen_permissions", "the repository has no table `next_gen_permissions`"),
        ("alter table system_users drop column name", "the repository has no column `system_users.name`"),
        ("alter table users drop column site_id", "the repository has no column `users.site_id`"),
        (f"drop table projects_contents; {NO_PROJECTS}", "in which projects content of the kind workbook lies"),
        ("drop table capabilities", "the repository has no table `capabilities`"),
        (
            "alter table projects drop column controlled_permissions_enabled",
            "has no column `projects.controlled_permis",
        ),
        ("revoke select on workbooks from readonly", "`readonly` may not read the table `workbooks`"),
        ("revoke select (name) on system_users from readonly", "may not read the column `system_users.name`"),
        ("revoke select on group_users from readonly", "may not read the table `group_users`"),
        (f"revoke select on views from readonly; {OPEN_VIEWS}", "may not read the column `views.is_deleted`"),
    ],
)
def test_what_no_read_can_do_without(made: tuple[Workgroup, Site], statement: str, words: str) -> None:
    made[0].run(*statement.split("; "))
    with pytest.raises(TableauError) as told:
        read_repository(made[0].options, "sandbox")
    assert words in str(told.value)
    assert "\n" not in str(told.value)
