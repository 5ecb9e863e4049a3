"""A Site from the repository beside the same Site over REST, on a real PostgreSQL that the sandbox has filled."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import psycopg
import pytest
from dense_worlds import ADMIN, dense_world
from people_world import GROUP, people_world
from workgroups import PASSWORD, SERVER, workgroup

from tabwarden.model.capability import CAPABILITIES, READ_ONLY
from tabwarden.model.errors import UnknownName
from tabwarden.model.site import Content, Grantee, Rule, Rules, Site
from tabwarden.sandbox.http.server import running
from tabwarden.sandbox.state.personality import personality
from tabwarden.sandbox.state.server_state import Account, World
from tabwarden.sandbox.worlds.finding import find_world
from tabwarden.tableau.http.connection import connect
from tabwarden.tableau.http.session import Password, SignIn
from tabwarden.tableau.read.site import read_site
from tabwarden.tableau.repository.connecting import PROBE, Columns, opened, statements, tables
from tabwarden.tableau.repository.contents import read_contents
from tabwarden.tableau.repository.people import read_people
from tabwarden.tableau.repository.read import read_all, read_repository
from tabwarden.workgroup import SECRETS

WORLDS = ("w0", "acme", "empty", "casual-users", "william", "erin")
IN_BOTH = ("project", "workbook", "view", "datasource", "flow", "virtualconnection", "database", "table")


def over_rest(world: World, content_url: str, **more: Any) -> Site:
    """The site as the sandbox tells an administrator, connections included."""
    with running(world, **more) as sandbox:
        admin = next(u for u in sandbox.site(content_url).users.values() if u.site_role == ADMIN)
        account = next(a for a in world.accounts if a.name == admin.name)
        options = SignIn(sandbox.url, content_url, Password(account.name, account.password))
        with connect(options) as connection:
            return read_site(connection)


def in_common(site: Site) -> Site:
    """A Site without what one of the two does not tell: `test_what_only_rest_tells` and the one below it say what."""
    users = {
        # Who signs in to read over REST is seen to have been there.
        i: replace(u, auth_setting=None, last_login=None if u.site_role == ADMIN else u.last_login)
        for i, u in site.users.items()
    }
    # Over REST default rules for other kinds are asked where there is content of the kind.
    kinds = {"workbook", "datasource", "flow", *(c.kind for c in site.contents.values() if c.kind in IN_BOTH)}
    contents = {i: comparable(c, kinds) for i, c in site.contents.items() if c.kind in IN_BOTH}
    told: dict[str, Any] = {"taken": None, "partial": (), "nicknames": None}
    return replace(site, users=users, contents=contents, **told)


def comparable(content: Content, kinds: set[str]) -> Content:
    """Without the rules that Tableau computes for its answers and keeps nowhere, and default rules of other kinds."""
    told = {kind: kept(rules) for kind, rules in content.defaults.items() if kind in kinds}
    # Of databases and tables REST tells no moments.
    untold: dict[str, Any] = {"created": "", "updated": ""} if content.kind in ("database", "table") else {}
    untold |= {"description": ""} if content.kind == "workbook" else {}
    # Nor does the repository tell tags, whether a virtual connection is certified, and what feeds a flow.
    untold |= (
        {"certification_note": ""}
        | {"tags": frozenset()}
        | ({"certified": False} if content.kind == "virtualconnection" else {})
    )
    untold |= {"connections": ()} if content.kind == "flow" else {}
    return replace(content, rules=kept(content.rules), defaults=told, **untold)


def kept(rules: Rules | None) -> Rules | None:
    return None if rules is None else frozenset(rule for rule in rules if rule.capability not in READ_ONLY)


def differences(one: Site, other: Site) -> list[str]:
    """What differs, a line each: easier to read than two Sites."""
    found = []
    for part in ("users", "groups", "group_sets", "contents"):
        mine, theirs = getattr(one, part), getattr(other, part)
        ids = sorted({*mine, *theirs})
        found += [f"{part}: {mine.get(i)}\n  but {theirs.get(i)}" for i in ids if mine.get(i) != theirs.get(i)]
    return found or ([] if one == other else ["the site itself"])


@pytest.mark.parametrize("name", WORLDS)
def test_the_repository_and_rest_tell_the_same_site(postgres: Any, name: str) -> None:
    world = find_world(name)
    with workgroup(postgres.admin, world) as made:
        several = {site.content_url: site for site in read_all(made.options)}
        for site in world.sites:
            read = read_repository(made.options, site.content_url)
            rest = over_rest(world, site.content_url)
            assert differences(in_common(read), in_common(rest)) == []
            assert differences(in_common(read), in_common(several[site.content_url])) == []
            assert read.taken.where == SERVER
            assert read.taken.by == f"repository {made.options.address}"
    assert list(several) == [site.content_url for site in world.sites]


# -- sites of chance ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("first", [0, 8, 16])
def test_many_random_sites_are_the_same_either_way(postgres: Any, first: int) -> None:
    world = dense_world(first)
    rules = 0
    with workgroup(postgres.admin, world) as made:
        for site, read in zip(world.sites, read_all(made.options), strict=True):
            rest = over_rest(world, site.content_url)
            assert differences(in_common(internal(read)), in_common(internal(rest))) == []
            rules += sum(len(c.rules or ()) for c in read.contents.values())
    assert rules > 2000


def internal(site: Site) -> Site:
    """Capabilities that no release names, which the repository writes in its own way, by their letters alone."""

    def plain(rules: Rules | None) -> Rules | None:
        return rules and frozenset(
            r if r.capability in CAPABILITIES else r._replace(capability=r.capability.replace("_", "").casefold())
            for r in rules
        )

    return replace(
        site,
        contents={
            i: replace(c, rules=plain(c.rules), defaults={kind: plain(d) for kind, d in c.defaults.items()})
            for i, c in site.contents.items()
        },
    )


# -- what only one of the two tells ---------------------------------------------------------------------------


def test_what_only_rest_tells(postgres: Any) -> None:
    (site,) = people_world(seats={"Creator": 5, "Explorer": 5, "Viewer": 9}, admin_mode="ContentOnly").sites
    site = replace(site, settings=replace(site.settings, user_visibility="LIMITED"))
    project = next(c for c in site.contents.values() if c.kind == "project")
    database = Content(str(uuid5(NAMESPACE_URL, "lake")), "database", "Lake", project.id, project.owner)
    nested = Content(str(uuid5(NAMESPACE_URL, "nested")), "project", "Nested", project.id, project.owner)
    leads = frozenset({Rule(Grantee("group", GROUP), "ProjectLeader", "Allow")})
    site = site.with_contents(database, nested, replace(project, rules=leads))
    world = replace(people_world(), sites=(site,))
    with workgroup(postgres.admin, world) as made:
        read = read_repository(made.options, site.content_url)
    rest = over_rest(world, site.content_url, plays=replace(personality("server"), shows_inherited_leaders=True))
    # How people sign in, what leaders inherit.
    assert read.licences == rest.licences == site.licences
    assert read.settings == rest.settings
    assert (read.settings.admin_mode, read.settings.user_visibility) == ("ContentOnly", "LIMITED")
    assert {u.auth_setting for u in read.users.values()} == {None}
    assert {u.auth_setting for u in rest.users.values()} == {"ServerDefault"}
    assert database.id in rest.contents
    assert database.id in read.contents
    assert [r.capability for r in rest.contents[nested.id].rules or ()] == ["InheritedProjectLeader"]
    assert read.contents[nested.id].rules == frozenset()
    assert read.partial == ("how people sign in", "tags of content", "descriptions of workbooks")
    assert rest.partial == ()


def test_what_only_the_repository_tells(postgres: Any) -> None:
    world = replace(find_world("w0"), nicknames={"corp.example": "CORP"})
    (site,) = world.sites
    vic = site.find_user("vic")
    site = site.with_users(replace(vic, domain="corp.example"))
    kept_rules = frozenset({Rule(Grantee("user", vic.id), "Read", "Allow")})
    vault = next(c for c in site.contents.values() if c.name == "Vault")
    site = site.with_contents(replace(vault, defaults={**vault.defaults, "metric": kept_rules}))
    world = replace(world, sites=(site,), accounts=(*world.accounts, Account("vic", "vic", "corp.example")))
    with workgroup(postgres.admin, world) as made:
        read = read_repository(made.options, site.content_url)
    rest = over_rest(world, site.content_url, plays=personality("server", "3.0"))
    # Rules of views before 3.2, default rules of kinds nobody uses, nicknames, and the read changes no last sign-in.
    assert {c.rules for c in rest.contents.values() if c.kind == "view" and not rest.contents[c.parent].tabs} == {None}
    assert None not in {c.rules for c in read.contents.values()}
    assert read.contents[vault.id].defaults["metric"] == kept_rules
    assert "metric" not in rest.contents[vault.id].defaults
    assert read.nicknames == {"corp.example": "CORP"}
    assert {u.last_login for u in read.users.values()} == {u.last_login for u in site.users.values()}
    assert {u.last_login for u in rest.users.values()} != {u.last_login for u in site.users.values()}


# -- how it is read -------------------------------------------------------------------------------------------

ODD = ("tab\there", "line\nend\r", "back\\slash \\N \\n", "\\N", "Zoë’s “Überblick” 数", "", "'; drop table users; --")


def test_names_come_as_they_are(postgres: Any) -> None:
    world = find_world("w0")
    (site,) = world.sites
    names = dict(zip([c.id for c in site.contents.values() if c.kind == "view"], ODD, strict=False))
    site = site.with_contents(*(replace(site.contents[i], name=name) for i, name in names.items()))
    with workgroup(postgres.admin, replace(world, sites=(site,))) as made:
        read = read_repository(made.options, "sandbox")
    assert len(names) == len(ODD)
    assert {i: read.contents[i].name for i in names} == names


def test_everything_is_of_one_moment_and_nothing_can_be_written(postgres: Any) -> None:
    world = find_world("w0")
    with workgroup(postgres.admin, world) as made:
        before = read_repository(made.options, "sandbox")
        sites = read_all(made.options)
        with opened(made.options) as repository:
            people = read_people(repository, "1")
            # Somebody changes everything while we read.
            made.run(*(f"delete from {table}" for table in ("next_gen_permissions", "projects_contents", "views")))
            made.run("update workbooks set display_tabs = not display_tabs")
            contents = read_contents(repository, "1", people)
            told = repository.connection.execute("select current_setting('transaction_read_only')").fetchone()
        assert told == ("on",)
        assert set(contents.contents) == set(before.contents)
        assert facts(next(sites)) != facts(before)
        sites.close()


def facts(site: Site) -> Site:
    return replace(site, taken=None)  # type: ignore[arg-type]


def test_no_secret_is_ever_asked_for(postgres: Any) -> None:
    with workgroup(postgres.admin, find_world("w0")) as made:
        with psycopg.connect(**made.admin) as connection:
            rows = connection.execute(PROBE, (tables(),)).fetchall()
        asked = statements(Columns.of((*row[:3], True) for row in rows), "readonly")
        named = {column for statement in asked.values() for column in re.findall(r"[a-z_]+\.([a-z_]+)", statement.sql)}
        assert not named & {*SECRETS, "auth_user_id", "nonce"}
        assert not any("*" in statement.sql for statement in asked.values())
        assert len(asked) == 14
        # The role of these tests may read no secret: asking for one, or for everything, fails.
        as_reader = {**made.admin, "user": "readonly", "password": PASSWORD}
        with psycopg.connect(**as_reader, autocommit=True) as connection:
            for column in ("hashed_password", "salt", "keychain", "*"):
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    connection.execute(f"select {column} from system_users".encode())
        assert read_repository(made.options, "sandbox").users


def test_a_suspended_site_is_said_and_not_among_all(postgres: Any, caplog: pytest.LogCaptureFixture) -> None:
    with workgroup(postgres.admin, find_world("acme")) as made:
        made.run("update sites set status = 'suspended' where url_namespace = 'acme-lab'")
        with caplog.at_level("WARNING"):
            assert [site.content_url for site in read_all(made.options)] == ["acme", "acme-europe"]
        assert "site `acme-lab` is suspended and is left out" in caplog.text
        read = read_repository(made.options, "ACME-lab")
        assert read.partial[0] == "whether anybody may sign in: the site is `suspended`"
        with pytest.raises(UnknownName, match=r"no site `nowhere` in the repository.*has `acme`, `acme-e"):
            read_repository(made.options, "nowhere")
