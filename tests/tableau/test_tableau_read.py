"""What is read back through the REST API is what the sandbox holds: people alone, everything, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import pytest
from people_world import APP, EVERYONE, GROUP, OTHER, SITE_URL, options, passed_on, people_world, user_id
from small_server import error, serving

from tabwarden.access.abilities.ability import can
from tabwarden.access.reference import may
from tabwarden.engine.convert import columns_of, site_of
from tabwarden.model.capability import capabilities_of
from tabwarden.model.errors import IncompleteRead, TableauError
from tabwarden.model.governing import governing
from tabwarden.model.site import LOCKED, Content, Grantee, Rule, Site
from tabwarden.sandbox.http.server import running
from tabwarden.sandbox.state.personality import personality
from tabwarden.store.history import History
from tabwarden.store.snapshot import load, save
from tabwarden.tableau.http.connection import connect
from tabwarden.tableau.http.pace import estimate
from tabwarden.tableau.http.session import Jwt, Password, Pat, SignIn
from tabwarden.tableau.read.people import read_people
from tabwarden.tableau.read.site import counts, owned_by, read_projects, read_site

LEADS = "InheritedProjectLeader"  # computed by the server, kept on no content


def told(rules):
    """Rules as they are kept."""
    return None if rules is None else frozenset(rule for rule in rules if rule.capability != LEADS)


def same_people(read: Site, held: Site) -> None:
    assert set(read.users) == set(held.users)
    for user in held.users.values():
        assert read.users[user.id] == replace(user, auth_setting=user.auth_setting or "ServerDefault")
    assert set(read.groups) == set(held.groups)
    for group in held.groups.values():
        assert replace(read.groups[group.id], members=None) == replace(group, members=None)
        assert read.members(group.id) == held.members(group.id)


def same_content(read: Site, held: Site) -> None:
    assert set(read.contents) == set(held.contents)
    for content in held.contents.values():
        here = read.contents[content.id]
        for name in ("kind", "name", "parent", "owner", "mode", "tabs", "created", "updated"):
            assert getattr(here, name) == getattr(content, name), (content.kind, content.name, name)
        assert sorted(here.uses) == sorted(content.uses)
        ours, theirs = governing(read, content.id), governing(held, content.id)
        assert (ours.level, ours.holder) == (theirs.level, theirs.holder)
        assert told(ours.rules) == told(theirs.rules), (content.kind, content.name, ours.level)
        for kind in ("workbook", "datasource", "flow") if content.kind == "project" else ():
            assert told(here.defaults.get(kind)) == told(content.defaults.get(kind, frozenset()))


# -- worlds ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("world", "site"), [("w0", "sandbox"), ("acme", "acme")])
def test_a_whole_site_rule_for_rule(world, site, tmp_path):
    with running(world) as sandbox:
        admin = next(u.name for u in sandbox.site(site).users.values() if u.site_role == "ServerAdministrator")
        entered = SignIn(sandbox.url, site, Password(admin, admin))
        steps = []
        with connect(entered) as connection:
            held = sandbox.site(site)
            read = read_site(connection, progress=lambda done, of: steps.append((done, of)))
            expected = estimate(counts(connection))
        same_people(read, held)
        same_content(read, held)
        assert read.group_sets == held.group_sets
        assert read.settings.admin_mode == held.settings.admin_mode
        assert read.licences == held.licences
        assert read.partial == ()
        assert (read.taken.where, read.taken.by, read.taken.by_role) == (sandbox.url, admin, "ServerAdministrator")
        assert read.taken.when.endswith("Z")
        assert steps[-1][0] == steps[-1][1] == len(steps)
        assert expected.least <= len(sandbox.log.entries) <= expected.most + 20
        assert load(save(read, tmp_path)) == read


def test_who_signs_in_by_which_identity_provider(tmp_path):
    world = people_world()
    users = {
        each: replace(user, idp_configuration_id=f"idp-{user.name}") if user.name != "ada" else user
        for each, user in world.sites[0].users.items()
    }
    world = replace(world, sites=(replace(world.sites[0], users=users),))
    with running(world) as sandbox, connect(options(sandbox)) as connection:
        read = read_site(connection)
        same_people(read, sandbox.site(world.sites[0].content_url))
    assert any(user.idp_configuration_id for user in read.users.values())
    assert load(save(read, tmp_path)) == read
    with History(tmp_path) as history:
        assert history.open(history.keep(read).number) == read


def test_every_question_has_the_same_answer_on_what_was_read():
    with running("w0") as sandbox, connect(SignIn(sandbox.url, "sandbox", Pat("tok", "sec"))) as connection:
        read, held = read_site(connection), sandbox.site("sandbox")
    asked = [(u, name, c) for u in held.users for c in held.contents.values() for name in capabilities_of(c.kind)]
    assert len(asked) > 1000
    for user, name, content in asked:
        ours, theirs = may(read, user, name, content.id), may(held, user, name, content.id)
        assert (ours.verdict, ours.because) == (theirs.verdict, theirs.because), (user, name, content.name)


def test_what_a_lock_or_tabs_govern_is_not_asked():
    with running("w0") as sandbox, connect(SignIn(sandbox.url, "sandbox", Pat("tok", "sec"))) as connection:
        read = read_site(connection)
        asked = {entry.path.rsplit("/", 2)[-2] for entry in sandbox.log.entries if entry.path.endswith("/permissions")}
        for content in read.contents.values():
            if content.kind != "project":
                own = governing(sandbox.site("sandbox"), content.id).holder == content.id
                assert (content.id in asked) == own, content.name
                assert content.rules == (governing(read, content.id).rules), content.name


# -- people ---------------------------------------------------------------------------------------------------


def test_people_with_the_members_of_the_groups_named():
    with running(people_world()) as sandbox, connect(options(sandbox)) as connection:
        named = read_people(connection, ["sales", "no such group"])
        assert named.groups[OTHER].members == {user_id("olga@example.com")}
        assert named.groups[GROUP].members is not None, "a group that grants a role is always read"
        assert named.members(EVERYONE) == set(named.users)
        assert named.contents == {}
        assert "projects, content and rules" in named.partial
        none = read_people(connection, [])
        assert none.groups[OTHER].members is None
        assert "members of 1 groups" in none.partial
        same_people(read_people(connection), sandbox.site(SITE_URL))


def test_more_users_than_a_page():
    with running(people_world(more=range(2300))) as sandbox, connect(options(sandbox)) as connection:
        sandbox.log.clear()
        read = read_people(connection, [])
        assert len(read.users) == 2306
        assert len(read.groups[GROUP].members) == 2301
        assert sandbox.log.counts()["GET sites/{site}/users"] == 3
        assert len(sandbox.log.entries) <= 9


def test_seats_and_admin_mode():
    world = people_world(seats={"Creator": 3, "Explorer": 2, "Viewer": 9}, admin_mode="ContentOnly")
    with running(world) as sandbox, connect(options(sandbox)) as connection:
        read = read_people(connection)
        assert read.licences == {"Creator": 3, "Explorer": 2, "Viewer": 9}
        assert read.settings.admin_mode == "ContentOnly"


def test_who_is_no_administrator_reads_a_part_and_says_so():
    with running(people_world()) as sandbox, connect(options(sandbox, auth=Password("cleo", "cleo"))) as connection:
        assert connection.reader == ("cleo", "Creator")
        read = read_projects(connection)
        assert any("`cleo` (Creator) cannot see" in remark for remark in read.partial)


# -- less than everything -------------------------------------------------------------------------------------


def test_projects_alone():
    with running("w0") as sandbox, connect(SignIn(sandbox.url, "sandbox", Pat("tok", "sec"))) as connection:
        sandbox.log.clear()
        read = read_projects(connection)
        held = sandbox.site("sandbox")
        assert {read.path(c) for c in read.contents} == {
            held.path(c.id) for c in held.contents.values() if c.kind == "project"
        }
        assert all(content.rules is None for content in read.contents.values())
        assert len(sandbox.log.entries) <= 3


def test_connections_can_be_left_out():
    with running("w0") as sandbox, connect(SignIn(sandbox.url, "sandbox", Pat("tok", "sec"))) as connection:
        read = read_site(connection, connections=False)
        assert read.partial == ("connections of workbooks",)
        assert not [e for e in sandbox.log.entries if e.path.endswith("/connections")]
        held = sandbox.site("sandbox")
    used = {c.id for c in held.contents.values() if c.uses}
    assert used
    eve = next(u.id for u in held.users.values() if u.name == "eve")
    answers = {can(read, eve, "see_data", book).verdict for book in used if may(read, eve, "Read", book).allowed}
    assert answers == {"unknown"}, "what a workbook uses was not read"
    assert site_of(columns_of(read)).contents == read.contents


def test_what_somebody_owns():
    with running(people_world()) as sandbox, connect(options(sandbox)) as connection:
        held = sandbox.site(SITE_URL)
        olga = user_id("olga@example.com")
        found = owned_by(connection, [olga, user_id("cleo")])
        assert {user: [c.id for c in owned] for user, owned in found.items()} == {
            olga: [c.id for c in held.contents.values() if c.owner == olga]
        }
        sandbox.log.clear()
        assert owned_by(connection, []) == {}
        assert sandbox.log.entries == []


@pytest.mark.parametrize("version", ["3.4", "3.11", "3.17"])
def test_older_servers(version):
    with running("w0", plays=personality("server", version)) as sandbox:
        with connect(SignIn(sandbox.url, "sandbox", Password("ada", "ada"))) as connection:
            assert connection.version == version
            read = read_site(connection)
        same_people(read, sandbox.site("sandbox"))
        assert {c.id for c in read.contents.values() if c.kind == "workbook"}


@pytest.mark.parametrize("code", ["403004", "404006"])
def test_a_thing_the_server_will_not_tell_about_is_unknown(code):
    def script(asked):
        return error(code) if "/workbooks/" in asked.path else passed_on(sandbox, asked)

    with running(people_world()) as sandbox, serving(script) as small:
        with connect(replace(options(sandbox), server=small.url)) as connection:
            read = read_site(connection)
        held = sandbox.site(SITE_URL)
        (workbook,) = [c for c in read.contents.values() if c.kind == "workbook"]
        assert workbook.rules is None
        refused = ("connections", "rules")
        assert read.partial == tuple(f"{what} of workbook `Default/Mine` ({code[:3]})" for what in refused)
        assert all(c.rules is not None for c in read.contents.values() if c.kind == "project")
        assert set(read.contents) == set(held.contents)


def test_any_other_refusal_ends_the_read():
    def script(asked):
        return error("500000") if "/workbooks/" in asked.path else passed_on(sandbox, asked)

    with running(people_world()) as sandbox, serving(script) as small:
        entered = replace(options(sandbox, retries=0), server=small.url)
        with pytest.raises(TableauError, match="trouble of its own"), connect(entered) as connection:
            read_site(connection)


def test_site_roles_kept_from_us_are_told():
    cleo = Password("cleo", "cleo")
    told = pytest.raises(IncompleteRead, match=r"does not tell `cleo` \(Creator\) the site roles")
    listed = replace(personality(), lists_users=True)
    with running(people_world(), plays=listed) as sandbox, connect(options(sandbox, auth=cleo)) as connection, told:
        read_people(connection)


def test_a_list_of_users_that_is_refused_is_no_empty_list():
    cleo, told = Password("cleo", "cleo"), pytest.raises(TableauError, match="administrator")
    with running(people_world()) as sandbox, connect(options(sandbox, auth=cleo)) as connection, told:
        read_people(connection)


# -- sign-in --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "auth",
    [Pat("tok", "sec"), Password("ada", "ada"), Jwt("ada", APP.client_id, APP.secret_id, APP.secret)],
    ids=["token", "password", "connected app"],
)
def test_every_way_to_sign_in(auth):
    with running(people_world()) as sandbox, connect(options(sandbox, auth=auth)) as connection:
        assert connection.reader == ("ada", "ServerAdministrator")
        assert connection.site_id == sandbox.site(SITE_URL).id


@pytest.mark.parametrize(
    ("auth", "site", "words"),
    [
        (Pat("tok", "no"), SITE_URL, "the token `tok` on site `people`"),
        (Password("ada", "no"), SITE_URL, "`ada` on site `people`"),
        (Password("una@example.com", "una@example.com"), SITE_URL, "`una@example.com`"),
        (Jwt("ada", APP.client_id, APP.secret_id, "x" * 40), SITE_URL, "connected app `client-1`"),
        (Pat("tok", "sec"), "nowhere", "on site `nowhere`"),
        (Pat("tok", "sec"), "", "on the default site"),
    ],
)
def test_sign_ins_that_fail_say_who_and_where(auth, site, words):
    with running(people_world()) as sandbox:
        entered = SignIn(sandbox.url, site, auth)
        with pytest.raises(TableauError, match="refused to sign in") as caught, connect(entered):
            pass
        assert words in str(caught.value)
        assert caught.value.status in (401, 404)


def test_a_token_used_by_somebody_else_is_renewed():
    with running(people_world()) as sandbox, connect(options(sandbox)) as first:
        with connect(options(sandbox)):
            pass
        assert len(read_people(first).users) == 6
        assert first.calls["POST auth/signin"] == 2


def test_a_session_that_ran_out_is_renewed():
    now = [1_700_000_000.0]
    ada = Password("ada", "ada")
    with running(people_world(), clock=lambda: now[0]) as sandbox, connect(options(sandbox, auth=ada)) as connection:
        now[0] += 5 * 3600
        assert len(read_people(connection).users) == 6


# -- locks ----------------------------------------------------------------------------------------------------


def test_content_in_a_locked_project_carries_the_rules_that_govern_it():
    world = people_world()
    (site,) = world.sites
    project = next(c for c in site.contents.values() if c.kind == "project")
    kept = frozenset({Rule(Grantee("group", OTHER), "Read", "Allow")})
    locked = replace(project, mode=LOCKED, defaults={"workbook": kept})
    sheet = Content(
        "d0000000-0000-4000-8000-000000000003", "view", "Sheet", "d0000000-0000-4000-8000-000000000002", project.owner
    )
    world = replace(world, sites=(site.with_contents(locked, sheet),))
    with running(world) as sandbox, connect(options(sandbox)) as connection:
        read = read_site(connection)
        assert {c.kind: c.rules for c in read.contents.values() if c.kind != "project"} == {
            "workbook": kept,
            "view": kept,
        }
        assert read.partial == ()
