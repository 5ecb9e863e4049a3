"""Worlds: w0 as the tests need it, acme with its numbers and mistakes, files with mistakes, saving and loading."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from sandbox_client import TSC, tsc

from tabwarden.access.reference import may
from tabwarden.model.errors import WorldError
from tabwarden.model.roles import is_licensed
from tabwarden.model.seats import free_seats
from tabwarden.sandbox.http.server import running
from tabwarden.sandbox.worlds import file as world_file
from tabwarden.sandbox.worlds.acme import ADMIN, TOKEN_NAME, TOKEN_SECRET
from tabwarden.sandbox.worlds.finding import PACKAGED, find_text, find_world, world_of
from tabwarden.sandbox.worlds.save import text_of


@pytest.fixture(scope="module")
def acme():
    return find_world("acme")


@pytest.fixture(scope="module")
def main(acme):
    return acme.sites[0]


def test_w0_is_what_the_scenarios_speak_of():
    site = find_world("w0").sites[0]
    assert site.content_url == "sandbox"
    roles = {u.name: u.site_role for u in site.users.values()}
    assert roles == {
        "ada": "ServerAdministrator",
        "sam": "SiteAdministratorCreator",
        "carl": "Creator",
        "cleo": "Creator",
        "eve": "ExplorerCanPublish",
        "egon": "ExplorerCanPublish",
        "vic": "Viewer",
        "una": "Unlicensed",
    }
    members = {g.name: {site.users[u].name for u in g.members} for g in site.groups.values() if not g.everyone}
    assert members == {"Sales": {"eve", "vic"}, "Finance": {"cleo"}, "GLOL-Viewers": set()}
    granting = site.find_group("GLOL-Viewers")
    assert (granting.minimum_site_role, granting.grant_on) == ("Viewer", "onLogin")
    assert {site.path(c.id) for c in site.contents.values() if c.kind == "project"} == {
        "Default",
        "Ops",
        "Ops/Sub",
        "Vault",
        "Sandbox",
    }
    assert site.find_content("Vault").mode == "LockedToProject"
    shape = {c.name: (c.tabs, len(site.children(c.id))) for c in site.contents.values() if c.kind == "workbook"}
    assert shape == {"W1": (True, 3), "W2": (False, 4), "W3": (True, 1)}
    leaders = [r.grantee.id for r in site.find_content("Ops").rules if r.capability == "ProjectLeader"]
    assert leaders == [site.find_group("Sales").id]


def test_every_password_is_the_user_name():
    for name in ("w0", "acme"):
        assert all(account.password == account.name for account in find_world(name).accounts)


@pytest.mark.parametrize("seed", [0, 1, 99])
def test_acme_has_its_size_whatever_the_seed(seed):
    world = find_world("acme", seed=seed)
    assert len(world.sites) == 3
    assert len(world.accounts) == 481
    assert sum(len(s.groups) for s in world.sites) == 60
    assert sum(len(s.contents) for s in world.sites) == 1200
    for site in world.sites[:2]:
        assert {t: free_seats(site, t) for t in site.licences} == {"Creator": 6, "Explorer": 15, "Viewer": 25}
    assert world.sites[2].licences is None


def test_acme_follows_its_seed(acme):
    assert find_world("acme") == acme
    assert find_world("acme", seed=1) != acme
    # The same in another process, where the hashes of words are others.
    script = (
        "import hashlib; from tabwarden.sandbox.worlds.finding import find_text;"
        "print(hashlib.sha256(find_text('acme').model_dump_json().encode()).hexdigest())"
    )
    other = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert other.strip() == hashlib.sha256(find_text("acme").model_dump_json().encode()).hexdigest()


def test_the_mistakes_of_acme_are_there(main):
    everyone = main.all_users.id
    salaries = main.find_content("HR/Salaries/Salary Bands")
    assert any(r.grantee.id == everyone and r.capability == "Read" and r.mode == "Allow" for r in salaries.rules)
    outsider = next(
        u for u in main.users.values() if u.site_role == "Viewer" and u.id not in main.members(main.find_group("HR").id)
    )
    assert may(main, outsider.id, "Read", salaries.id).allowed
    leavers = main.members(main.find_group("Leavers 2024").id)
    assert len(leavers) == 15
    assert all(is_licensed(main.users[u].site_role) for u in leavers)
    assert all(main.users[u].last_login < "2025" for u in leavers)
    leaders = [
        main.users[r.grantee.id].site_role
        for r in main.find_content("Marketing/Drafts").rules
        if r.capability == "ProjectLeader" and r.grantee.kind == "user"
    ]
    assert leaders == ["Viewer"]
    shut = main.find_content("Sales/Drafts/Pipeline for Everyone")
    assert not shut.tabs
    assert not any(main.contents[v].rules for v in main.children(shut.id))
    orphans = [c for c in main.contents.values() if c.owner and main.users[c.owner].site_role == "Unlicensed"]
    assert sum(c.kind == "workbook" for c in orphans) >= 6
    denied = main.find_content("Legal/Drafts/Contracts under Review")
    assert any(r.grantee.id == everyone and r.mode == "Deny" for r in denied.rules)
    granting = main.find_group("Tableau Viewers")
    assert (granting.minimum_site_role, granting.grant_on) == ("Viewer", "onLogin")


def test_acme_has_every_role_and_somebody_everywhere(main, acme):
    roles = Counter(u.site_role for u in main.users.values())
    assert {"ServerAdministrator", "Creator", "ExplorerCanPublish", "Explorer", "Viewer", "Unlicensed"} <= set(roles)
    assert all(ADMIN in {u.name for u in site.users.values()} for site in acme.sites)
    assert acme.sites[1].settings.admin_mode == "ContentOnly"
    assert acme.sites[2].settings.user_visibility == "LIMITED"


def test_the_documented_token_opens_acme(acme):
    with running(acme) as box:
        server = TSC.Server(box.url, use_server_version=True)
        server.auth.sign_in(TSC.PersonalAccessTokenAuth(TOKEN_NAME, TOKEN_SECRET, "acme"))
        assert server.users.get()[1].total_available == 401
        assert len(list(TSC.Pager(server.sites))) == 3
        assert len(list(TSC.Pager(server.views))) > 500


def test_somebody_of_acme_sees_exactly_what_the_evaluator_says(acme):
    with running(acme) as box:
        site = box.site("acme")
        person = next(u for u in site.users.values() if u.site_role == "Explorer")
        with tsc(box, person.name, site="acme") as server:
            listed = {w.id for w in TSC.Pager(server.workbooks)}
        workbooks = [c.id for c in site.contents.values() if c.kind == "workbook"]
        assert listed == {w for w in workbooks if may(site, person.id, "Read", w).allowed}
        assert 0 < len(listed) < len(workbooks)


@pytest.mark.parametrize("name", [*PACKAGED, "acme"])
def test_a_saved_world_loads_as_the_same(name, tmp_path):
    world = find_world(name)
    path = tmp_path / "world.yaml"
    path.write_text(world_file.to_yaml(text_of(world)), encoding="utf-8")
    assert find_world(str(path)) == world


def test_a_changed_world_saves_what_was_changed(tmp_path):
    with running("w0") as box, tsc(box) as server:
        server.users.update(server.users.add(TSC.UserItem("o'neil/ü", "Viewer")), password="other")
        made = server.projects.create(TSC.ProjectItem("A/B % C"))
        server.projects.create(TSC.ProjectItem("in", parent_id=made.id))
        server.group_sets.create(TSC.GroupSetItem("Both"))
        before = box.state.world()
    path = tmp_path / "world.yaml"
    path.write_text(world_file.to_yaml(text_of(before)), encoding="utf-8")
    assert find_world(str(path)) == before


MISTAKES = """
world: wrong
sites:
  - name: S
    content_url: s
    users:
      a: {role: Boss}
    groups:
      G: {members: [nobody]}
    projects:
      P: {owner: nobody, rules: [{group: none, template: View}, {allow: [Read]}]}
      Q/R: {owner: a}
    content:
      P/W: {kind: workbook, owner: a, rules: [{user: a, allow: [SaveAs], template: Grand}], uses: [{datasource: P/D}]}
"""


def test_every_name_that_means_nothing_is_told_at_once():
    with pytest.raises(WorldError) as refused:
        world_of(world_file.read_text(MISTAKES, "wrong.yaml"))
    text = str(refused.value)
    for words in ("Boss", "nobody", "none", "needs one of", "no project `Q`", "SaveAs", "Grand", "P/D"):
        assert words in text, words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("world: [", "not YAML"),
        ("- a", "not a mapping"),
        ("world: x", "sites"),
        ("world: x\nsites: []", "sites"),
        ("world: x\nsites: [{name: S, content_url: s, users: {}, colour: red}]", "sites.0.colour"),
        ("world: x\nsites: [{name: S, content_url: s, users: {a: {role: Viewer, domain: [1]}}}]", "users.a.domain"),
    ],
)
def test_files_that_are_no_world(text, words):
    with pytest.raises(WorldError, match=r"`w.yaml`") as refused:
        world_file.read_text(text, "w.yaml")
    assert words in str(refused.value)


def test_two_sites_at_one_address():
    text = "world: x\nsites: [{name: A, content_url: s, users: {}}, {name: B, content_url: S, users: {}}]"
    with pytest.raises(WorldError, match="two sites"):
        world_of(world_file.read_text(text, "x"))


def test_an_unknown_world_lists_the_known_ones():
    with pytest.raises(WorldError, match="w0, company, empty, casual-users, william, erin, "):
        find_text("nowhere")


WORLD = """\
world: small
tokens: [{name: t, secret: s, user: ada}]
sites:
- name: A
  content_url: a
  licences: {Viewer: 1}
  users:
    ada: {role: ServerAdministrator}
    ann: {role: Viewer}
  groups: {Staff: {members: [ann]}}
  projects: {P: {owner: ada}}
"""
MISTAKEN = {
    "one user twice": (
        "    ann: {role: Viewer}",
        "    ann: {role: Viewer}\n    ann: {role: Creator}",
        "`ann` stands twice",
    ),
    "in another case": (
        "    ann: {role: Viewer}",
        "    ann: {role: Viewer}\n    Ann: {role: Creator}",
        "`Ann` stands twice",
    ),
    "more people than seats": ("Viewer: 1", "Viewer: 0", "licences.Viewer: 0 seats for 1 people"),
    "no such tier": ("Viewer: 1", "Viewers: 1", "licences.Viewers: 1 seats; write"),
    "fewer than none": ("Viewer: 1", "Creator: -1", "licences.Creator: -1 seats; write"),
    "a member twice": ("[ann]", "[ann, ann]", "groups.Staff.members: `ann` stands twice"),
    "a member who is nobody": ("[ann]", "[anna]", "nothing is called `anna`"),
    "a token of nobody": ("user: ada", "user: adam", "tokens.t: no user `adam`"),
    "a token twice": ("user: ada}", "user: ada}, {name: t, secret: x, user: ADA}", "tokens: `t` stands twice"),
    "a role of a group": ("members: [ann]", "minimum_site_role: Boss", "no site role `Boss`"),
    "a path with nothing in it": (
        "{P: {owner: ada}}",
        "{P: {owner: ada}, P//Q: {owner: ada}}",
        "a part of the path is empty",
    ),
    "a name that is empty": ("ann: {role: Viewer}", "'': {role: Viewer}", "users: a name is empty"),
    "an id twice": (
        "{role: ServerAdministrator}",
        "{role: ServerAdministrator, id: x}\n    joe: {role: Guest, id: x}",
        "`x` stands twice",
    ),
    "two domains": ("ann: {role: Viewer}", "'corp\\ann': {role: Viewer}", "its domain is `local`"),
    "a word of the library": ("{role: Viewer}", "{role: [1]}", "sites.0.users.ann.role: must be text"),
    "a key nobody knows": (
        "content_url: a",
        "content_url: a\n  colour: red",
        "sites.0.colour: is no key that is known here",
    ),
}


@pytest.mark.parametrize("case", MISTAKEN)
def test_a_world_that_no_server_could_hold_is_told(case: str, tmp_path: Path) -> None:
    old, new, told = MISTAKEN[case]
    path = tmp_path / "w.yaml"
    path.write_text(WORLD, encoding="utf-8")
    assert len(find_world(str(path)).sites) == 1
    path.write_text(WORLD.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(WorldError) as caught:
        find_world(str(path))
    assert told in str(caught.value)
