"""A directory behind the sandbox: whom an import finds, who signs in, what domains are called.

Rules: "User Management in Active Directory Deployments"; beside each test its section.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
from sandbox_client import TSC, Raw, error, tsc

from tabwarden.model.errors import TabwardenError, WorldError
from tabwarden.sandbox.directories.directory import pretend_directory
from tabwarden.sandbox.http.server import running
from tabwarden.sandbox.state.personality import personality
from tabwarden.sandbox.worlds.file import WorldText, read_text
from tabwarden.sandbox.worlds.finding import world_of

WEST = "west.na.corp.example"


def add(raw, name, role="Viewer"):
    return raw.call("POST", "{s}/users", json=True, body={"user": {"name": name, "siteRole": role}})


def added(raw, name):
    answer = add(raw, name)
    assert answer.status_code == 201, answer.text
    return answer.json()["user"]


def stays_out(box, name, password):
    with pytest.raises(TSC.FailedSignInError) as refused:
        TSC.Server(box.url).auth.sign_in(TSC.TableauAuth(name, password, "sandbox"))
    return refused.value.code == "401001"


def names(box, domain):
    return sorted(u.name for u in box.site("sandbox").users.values() if u.domain == domain)


# -- adding users individually ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("CORP\\jsmith", "jsmith"),
        ("corp.example\\JSMITH", "jsmith"),
        # Found by UPN prefix, imported by sAMAccountName: not longer than 20 characters.
        ("CORP\\john.smith", "jsmith"),
        # With an @ it is the UPN prefix, whatever was found.
        ("john.smith@corp.example", "john.smith"),
        ("jsmith@corp.example", "john.smith"),
        ("CORP\\john.smith@corp.example", "john.smith"),
        # Longer than 20: the UPN prefix.
        ("CORP\\bartholomew.wellington", "bartholomew.wellington"),
        ("CORP\\bwellington", "bwellington"),
    ],
)
def test_the_name_that_an_import_makes(raw, box, given, name):
    user = added(raw, given)
    assert user["name"] == name
    assert names(box, "corp.example") == [name]


@pytest.mark.parametrize(("length", "by_upn"), [(19, False), (20, False), (21, True)])
def test_longer_than_20_characters_is_by_upn(clock, length, by_upn):
    account = "a" * length
    text = f"""
world: long
directory: {{domains: {{corp.example: {{users: {{{account}: {{upn: person@corp.example}}}}}}}}}}
sites: [{{name: S, content_url: sandbox, users: {{ada: {{role: ServerAdministrator}}}}}}]
"""
    with running(world_of(read_text(text, "long")), clock=clock) as box:
        assert added(Raw(box).sign_in(), f"CORP\\{account}")["name"] == ("person" if by_upn else account)


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ("CORP\\nobody", "404002"),
        ("nobody@corp.example", "404002"),
        ("CORP\\max", "404002"),
        ("ELSEWHERE\\mia", "404016"),
        ("partner.example\\paul", "404016"),
        ("paul@partner.example", "404016"),
    ],
)
def test_who_cannot_be_imported_is_refused_and_not_created(raw, box, given, code):
    before = box.site("sandbox")
    assert error(add(raw, given)) == (404, code)
    assert box.site("sandbox") is before


def test_two_people_behind_one_upn_prefix_are_refused_with_both_names(clock):
    text = """
world: twins
directory:
  domains:
    corp.example:
      users: {anna1: {upn: anna@one.example}, anna2: {upn: anna@two.example}}
sites: [{name: S, content_url: sandbox, users: {ada: {role: ServerAdministrator}}}]
"""
    with running(world_of(read_text(text, "twins")), clock=clock) as box:
        raw = Raw(box).sign_in()
        answer = add(raw, "CORP\\anna")
        assert error(answer) == (404, "404002")
        assert "anna1" in answer.text
        assert "anna2" in answer.text
        assert added(raw, "anna@two.example")["name"] == "anna"


def test_profile_and_password_of_a_person_of_the_directory_are_not_changed_here(raw, box):
    mia = added(raw, "CORP\\mia")
    changed = {"user": {"fullName": "X", "email": "x@y.z", "password": "other"}}
    assert raw.call("PUT", f"{{s}}/users/{mia['id']}", changed, json=True).status_code == 200
    held = box.site("sandbox").users[mia["id"]]
    assert (held.full_name, held.email) == ("Mia Miller", "mia@corp.example")
    assert stays_out(box, "CORP\\mia", "other")


def test_a_name_with_an_at_that_no_domain_has_is_a_local_one(raw):
    assert added(raw, "someone@mail.example")["domain"]["name"] == "local"


# -- several domains, nicknames -----------------------------------------------------------------------------------


def test_the_first_user_of_another_domain_needs_its_full_name(raw):
    answer = add(raw, "SEATTLE\\wanda")
    assert error(answer) == (404, "404016")
    assert WEST in answer.text
    assert added(raw, f"{WEST}\\wanda")["domain"]["name"] == WEST


def test_a_nickname_serves_only_when_it_is_the_netbios_name(raw):
    added(raw, f"{WEST}\\wanda")
    for nickname in ("SEATTLE", "west"):
        assert error(add(raw, f"{nickname}\\jsmith")) == (404, "404016")
    (domain,) = [d for d in raw.get("domains", json=True).json()["domainList"]["domain"] if d["name"] == WEST]
    assert domain["shortName"] == "west"
    changed = raw.call("PUT", "domains", {"domain": {**domain, "shortName": "SEATTLE"}}, json=True)
    assert changed.json()["domain"]["shortName"] == "SEATTLE"
    assert added(raw, "SEATTLE\\jsmith")["domain"]["name"] == WEST


def test_nicknames_are_for_server_administrators_and_belong_to_one_domain(raw, box):
    added(raw, f"{WEST}\\wanda")
    body = '<tsRequest><domain name="{}" shortName="{}"/></tsRequest>'
    assert error(Raw(box).sign_in("sam").call("PUT", "domains", body.format(WEST, "W"))) == (403, "403004")
    for fqdn, nickname, status in (
        (WEST, "corp", 400),
        (WEST, "local", 400),
        (WEST, "", 400),
        ("nix.example", "n", 404),
    ):
        assert raw.call("PUT", "domains", body.format(fqdn, nickname)).status_code == status
    renamed = f'<tsRequest><domain id="{domain_id(raw, WEST)}" name="east.example" shortName="e"/></tsRequest>'
    assert error(raw.call("PUT", "domains", renamed)) == (400, "400003")


def domain_id(raw, fqdn):
    return next(d["id"] for d in raw.get("domains", json=True).json()["domainList"]["domain"] if d["name"] == fqdn)


def test_one_display_name_in_two_domains_is_two_users(raw, server):
    ids = {added(raw, "CORP\\jsmith")["id"], added(raw, f"{WEST}\\jsmith")["id"]}
    found = [u for u in TSC.Pager(server.users) if u.fullname == "John Smith"]
    assert {u.id for u in found} == ids
    assert {u.domain_name for u in found} == {"corp.example", WEST}


# -- signing in ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("written", ["mia", "CORP\\mia", "corp\\MIA", "corp.example\\mia", "mia@corp.example"])
def test_forms_of_signing_in(raw, box, written):
    mia = added(raw, "CORP\\mia")
    with tsc(box, written, "mia") as server:
        assert server.user_id == mia["id"]


def test_a_upn_signs_in_whichever_name_was_imported(raw, box):
    jsmith = added(raw, "CORP\\jsmith")
    for written in ("john.smith@corp.example", "jsmith@corp.example", "jsmith"):
        assert Raw(box).sign_in(written, "jsmith").user == jsmith["id"]
    assert raw.call("DELETE", f"{{s}}/users/{jsmith['id']}").status_code == 204
    by_upn = added(raw, "john.smith@corp.example")
    for written in ("john.smith@corp.example", "jsmith@corp.example", "CORP\\john.smith", "john.smith"):
        assert Raw(box).sign_in(written, "jsmith").user == by_upn["id"]
    assert stays_out(box, "CORP\\jsmith", "jsmith"), "the name in the identity store is another"


def test_seattle_signs_in_by_its_full_name_until_the_nickname_is_set(raw, box):
    jsmith = added(raw, f"{WEST}\\jsmith")
    assert Raw(box).sign_in(f"{WEST}\\jsmith", "jsmith").user == jsmith["id"]
    assert stays_out(box, "SEATTLE\\jsmith", "jsmith")
    assert stays_out(box, "west\\jsmith", "jsmith")
    raw.call("PUT", "domains", f'<tsRequest><domain name="{WEST}" shortName="SEATTLE"/></tsRequest>')
    assert Raw(box).sign_in("SEATTLE\\jsmith", "jsmith").user == jsmith["id"]
    assert stays_out(box, "west\\jsmith", "jsmith")


def test_a_plain_name_is_the_servers_domain_first(raw, box):
    west = added(raw, f"{WEST}\\jsmith")
    assert Raw(box).sign_in("jsmith").user == west["id"], "the only one of that name"
    corp = added(raw, "CORP\\jsmith")
    assert Raw(box).sign_in("jsmith").user == corp["id"]


@pytest.mark.parametrize(
    ("name", "password"), [("CORP\\mia", "wrong"), ("CORP\\mia", ""), ("CORP\\noa", "noa"), ("CORP\\nobody", "nobody")]
)
def test_who_stays_out(raw, box, name, password):
    """A wrong or empty password; in the directory and not on the server; nowhere."""
    added(raw, "CORP\\mia")
    assert stays_out(box, name, password)


def test_who_is_disabled_or_deleted_in_the_directory_stays_out(raw, box):
    added(raw, "CORP\\mia")
    plain = box.state.pretended
    for change in ({"enabled": False}, None):
        users = {k: v for k, v in plain["domains"]["corp.example"]["users"].items() if k != "mia" or change}
        if change:
            users["mia"] = {**users["mia"], **change}
        domain = {**plain["domains"]["corp.example"], "users": users, "groups": {}}
        box.state.put_directory({"domains": {"corp.example": domain}})
        assert stays_out(box, "CORP\\mia", "mia")
    box.state.put_directory(plain)
    assert Raw(box).sign_in("CORP\\mia", "mia").user


def test_unlicensed_people_of_the_directory_stay_out(raw, box):
    assert add(raw, "CORP\\mia", "Unlicensed").status_code == 201
    assert stays_out(box, "CORP\\mia", "mia")


def test_groups_are_filtered_by_the_nickname_of_their_domain(raw):
    body = f'<group name="Westerners"><import source="ActiveDirectory" domainName="{WEST}"/></group>'
    assert raw.call("POST", "{s}/groups", f"<tsRequest>{body}</tsRequest>").status_code == 201

    def found(nickname):
        groups = raw.get(f"{{s}}/groups?filter=domainNickname:eq:{nickname}", json=True).json()["groups"]
        return [group["name"] for group in groups.get("group", ())]

    assert (found("west"), found("SEATTLE")) == (["Westerners"], [])
    raw.call("PUT", "domains", f'<tsRequest><domain name="{WEST}" shortName="SEATTLE"/></tsRequest>')
    assert (found("west"), found("SEATTLE")) == ([], ["Westerners"])


def test_cloud_has_no_directory(clock):
    plays = replace(personality("cloud"), password_sign_in=True)
    with running("w0", clock=clock, plays=plays) as box:
        raw = Raw(box).sign_in("ada")
        user = added(raw, "somebody@corp.example")
        assert (user["name"], user["domain"]["name"]) == ("somebody@corp.example", "local")


# -- a server that is joined to it --------------------------------------------------------------------------------


def test_on_a_joined_server_a_plain_name_means_its_domain(clock):
    with running("w0", clock=clock) as box:
        box.state.put_directory({**box.state.pretended, "joined": True})
        raw = Raw(box).sign_in()
        assert added(raw, "noa")["domain"]["name"] == "corp.example"
        assert error(add(raw, "somebody")) == (404, "404002")
        assert error(add(raw, "someone@mail.example")) == (404, "404002")
        assert added(raw, "local\\robot")["domain"]["name"] == "local"


# -- state and files ----------------------------------------------------------------------------------------------


def test_domains_nicknames_and_the_directory_survive_a_restart(tmp_path, clock):
    kept = tmp_path / "state"
    with running("w0", clock=clock, state=kept) as box:
        raw = Raw(box).sign_in()
        added(raw, f"{WEST}\\wanda")
        raw.call("PUT", "domains", f'<tsRequest><domain name="{WEST}" shortName="SEATTLE"/></tsRequest>')
    with running("w0", clock=clock, state=kept) as box:
        raw = Raw(box).sign_in()
        assert added(raw, "SEATTLE\\jsmith")["domain"]["name"] == WEST
        assert Raw(box).sign_in("SEATTLE\\wanda", "wanda").user


def test_the_directory_is_replaced_over_the_sandboxs_own_page(raw, box):
    page = f"{box.url}/sandbox/directory"
    token = {"X-Tableau-Auth": raw.token}
    assert raw.http.get(page).status_code == 403
    assert raw.http.get(page, headers={"X-Tableau-Auth": Raw(box).sign_in("sam").token}).status_code == 403
    plain = raw.http.get(page, headers=token).json()
    plain["domains"]["corp.example"]["users"]["zoe"] = {"display_name": "Zoe Zoo"}
    assert raw.http.put(page, json=plain, headers=token).status_code == 200
    assert added(raw, "CORP\\zoe")["fullName"] == "Zoe Zoo"
    plain["domains"]["corp.example"]["groups"]["Odd"] = {"members": ["ghost"]}
    refused = raw.http.put(page, json=plain, headers=token)
    assert refused.status_code == 400
    assert "ghost" in refused.text
    assert raw.http.put(page, data="[", headers=token).status_code == 400
    assert "Odd" not in box.state.pretended["domains"]["corp.example"]["groups"]


@pytest.mark.parametrize(
    ("directory", "told"),
    [
        ({"domains": {"a.b": {"users": {"x": {}}, "groups": {"X": {}}}}}, "a user and a group are called `x`"),
        ({"domains": {"a.b": {"groups": {"g": {"members": ["h"]}}}}}, "nothing is called `h`"),
        ({"domains": {"a.b": {"groups": {"g": {"members": ["c.d\\h"]}}}}}, "nothing is called `c.d\\h`"),
        ({"domains": {"a.b": {}, "a.c": {}}}, "one NetBIOS name"),
    ],
)
def test_mistakes_of_a_directory_are_told(directory, told):
    with pytest.raises(WorldError) as refused:
        pretend_directory(directory)
    assert told in str(refused.value)


def test_the_directory_is_saved_with_the_world(raw, box):
    from tabwarden.sandbox.worlds.save import text_of

    added(raw, f"{WEST}\\wanda")
    again = world_of(WorldText.model_validate(text_of(box.state.world()).model_dump()))
    assert again.directory == box.state.pretended
    assert again.nicknames == {"corp.example": "CORP", WEST: "west"}


# -- a directory of one's own, and one that is half dead ----------------------------------------------------------


class HalfDead:
    """A directory that does not answer one kind of question, and notes what it was asked."""

    def __init__(self, inner, dead=""):
        self.inner, self.dead, self.asked = inner, dead, []

    def __getattr__(self, name):
        self.asked.append(name)
        if name == self.dead:
            raise TabwardenError("timed out")
        return getattr(self.inner, name)


def test_a_directory_may_be_handed_in(clock, box):
    own = HalfDead(pretend_directory(box.state.pretended))
    with running("acme", clock=clock, directory=own) as acme:
        raw = Raw(acme).sign_in("admin", site="acme")
        assert added(raw, "CORP\\mia")["fullName"] == "Mia Miller"
    assert {"domains", "find_people"} <= set(own.asked)


@pytest.mark.parametrize("dead", ["domains", "find_people", "authenticate"])
def test_a_directory_that_does_not_answer_lets_nobody_in_or_on(clock, dead):
    with running("w0", clock=clock) as whole:
        directory = HalfDead(pretend_directory(whole.state.pretended))
    with running("w0", clock=clock, directory=directory) as box:
        raw = Raw(box).sign_in()
        added(raw, "CORP\\mia")
        before = box.site("sandbox")
        directory.dead = dead
        assert stays_out(box, "CORP\\mia", "mia")
        if dead != "authenticate":
            answer = add(raw, "CORP\\noa")
            assert error(answer) == (400, "400104")
            assert "timed out" in answer.text
        assert box.site("sandbox") is before
        assert Raw(box).sign_in("ada").user, "who is local does not depend on it"
