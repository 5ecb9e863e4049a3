"""Users through Tableau's own client and more of the kind."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sandbox_client import NS, TSC, Raw, error, everything, named, site_user, tsc

from tabwarden.model.takes import IdentityProvider
from tabwarden.sandbox.http.server import running
from tabwarden.sandbox.worlds.file import read_text
from tabwarden.sandbox.worlds.finding import world_of

Refused = TSC.ServerResponseError


# -- lists ----------------------------------------------------------------------------------------------------


def test_251_more_users_come_in_three_pages(box, server):
    for number in range(251 - 8):
        server.users.add(TSC.UserItem(f"u{number}", "Viewer"))
    box.log.clear()
    found = everything(server.users, request_opts=TSC.RequestOptions(pagesize=100))
    assert len(found) == len({u.id for u in found}) == 251
    assert len(box.log.entries) == 3
    assert server.users.get()[1].total_available == 251


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("pageNumber=2", 400, "400006"),
        ("pageNumber=0", 400, "400006"),
        ("pageNumber=-1", 400, "400006"),
        ("pageNumber=x", 400, "400006"),
        ("pageSize=0", 400, "400007"),
        ("pageSize=x", 400, "400007"),
        ("pageSize=1001", 403, "403014"),
        ("filter=favouriteColour:eq:red", 400, "400065"),
        ("sort=favouriteColour:asc", 400, "400065"),
        ("filter=name", 400, "400000"),
        ("filter=name:gt:a", 400, "400000"),
        ("filter=name:in:a", 400, "400000"),
        ("filter=lastLogin:gt:yesterday", 400, "400000"),
        ("filter=isLocal:eq:maybe", 400, "400000"),
        ("sort=name:up", 400, "400000"),
    ],
)
def test_a_list_that_cannot_be(raw, query, status, code):
    assert error(raw.get(f"{{s}}/users?{query}")) == (status, code)


def test_beyond_the_end_a_query_set_stops(server):
    queried = server.users.all()
    assert len(queried) == 8
    options = TSC.RequestOptions(pagenumber=9)
    with pytest.raises(Refused) as refused:
        server.users.get(options)
    assert refused.value.code == "400006"
    assert sum(1 for _ in queried) == 8


def test_page_sizes_at_the_border(raw):
    assert raw.xml("{s}/users?pageSize=1000")[0].get("totalAvailable") == "8"
    assert len(raw.xml("{s}/users?pageSize=3&pageNumber=3")[1]) == 2


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("name:eq:ada", "ada"),
        ("name:eq:ADA", ""),
        ("name:cieq:ADA", "ada"),
        ("name:in:[ada,vic,nobody]", "ada vic"),
        ("siteRole:eq:Creator", "carl cleo"),
        ("siteRole:in:[Viewer,Unlicensed]", "una vic"),
        ("email:eq:eve@corp.example", "eve"),
        ("friendlyName:eq:Eve Explorer", "eve"),
        ("isLocal:eq:false", ""),
        ("domainName:eq:local,siteRole:eq:Viewer", "vic"),
        ("lastLogin:gt:2025-01-01T00:00:00Z", "ada"),
        ("lastLogin:lt:2025-01-01T00:00:00Z", ""),
    ],
)
def test_filters(raw, query, names):
    found = raw.xml(f"{{s}}/users?filter={query}")[1]
    assert sorted(u.get("name") for u in found) == names.split()


def test_sort_by_role_then_name_backwards(raw):
    found = [u.get("name") for u in raw.xml("{s}/users?sort=siteRole:asc,name:desc")[1]]
    assert found == ["cleo", "carl", "eve", "egon", "ada", "sam", "una", "vic"]


def test_fields(raw):
    default = raw.xml("{s}/users?filter=name:eq:ada")[1][0]
    assert set(default.attrib) == {"id", "name", "siteRole", "lastLogin", "externalAuthUserId"}
    everything_ = raw.xml("{s}/users?filter=name:eq:ada&fields=_all_")[1][0]
    assert {"fullName", "email", "authSetting"} <= set(everything_.attrib)
    assert everything_[0].get("name") == "local"
    two = raw.xml("{s}/users?filter=name:eq:ada&fields=name,domain.name")[1][0]
    assert set(two.attrib) == {"name"}
    assert two[0].get("name") == "local"
    letters = raw.xml("{s}/users?filter=name:eq:ada&fields=_,a,d,e,f,l,t,u,fullName")[1][0]
    assert set(letters.attrib) == set(default.attrib) | {"fullName"}


def test_the_clients_own_fields_call_works(server):
    found = list(server.users.all().filter(name="ada").fields("fullName"))
    assert found[0].fullname == "Ada Lovelace"


# -- one user -------------------------------------------------------------------------------------------------


def test_get_by_id_tells_everything(server, box):
    eve = server.users.get_by_id(site_user(box, "eve").id)
    assert (eve.name, eve.fullname, eve.site_role, eve.domain_name) == (
        "eve",
        "Eve Explorer",
        "ExplorerCanPublish",
        "local",
    )
    assert eve.last_login is None


def test_an_unknown_user_is_404002(server):
    with pytest.raises(Refused) as refused:
        server.users.get_by_id("00000000-0000-0000-0000-000000000000")
    assert refused.value.code == "404002"


def test_trailing_slash(raw):
    assert raw.get(f"{{s}}/users/{raw.user}/").status_code == 200


def test_groups_of_a_user(server, box):
    user = server.users.get_by_id(site_user(box, "vic").id)
    server.users.populate_groups(user)
    assert sorted(g.name for g in user.groups) == ["All Users", "Sales"]


def test_workbooks_of_a_user_are_those_she_may_view(server, box):
    expected = {"cleo": {"W1", "W2", "W3"}, "egon": {"W1", "W2"}, "eve": {"W1", "W2", "W3"}, "una": set()}
    for name, workbooks in expected.items():
        user = server.users.get_by_id(site_user(box, name).id)
        server.users.populate_workbooks(user)
        assert {w.name for w in user.workbooks} == workbooks, name
    carl = server.users.get_by_id(site_user(box, "carl").id)
    server.users.populate_workbooks(carl, owned_only=True)
    assert {w.name for w in carl.workbooks} == {"W1", "W2"}


def test_flows_of_a_user_are_those_she_may_view(clock):
    world = """
world: flowing
sites:
  - name: Sandbox
    content_url: sandbox
    users: {ada: {role: ServerAdministrator}, eve: {role: Explorer}, dan: {role: Creator}}
    projects: {Ops: {owner: ada}}
    content:
      Ops/Seen: {kind: flow, owner: dan, rules: [{user: eve, allow: [Read]}]}
      Ops/Hidden: {kind: flow, owner: ada}
"""
    with running(world_of(read_text(world, "flowing")), clock=clock) as box:
        asks = Raw(box).sign_in()

        def flows(name, more=""):
            path = f"{{s}}/users/{site_user(box, name).id}/flows{more}"
            return {f.get("name") for f in asks.xml(path).iterfind(".//t:flow", NS)}

        assert (flows("ada"), flows("eve")) == ({"Seen", "Hidden"}, {"Seen"})
        assert (flows("dan", "?ownedBy=true"), flows("eve", "?ownedBy=true")) == ({"Seen"}, set())


# -- adding ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "role",
    [
        "Creator",
        "Explorer",
        "ExplorerCanPublish",
        "SiteAdministratorCreator",
        "SiteAdministratorExplorer",
        "Unlicensed",
        "Viewer",
    ],
)
def test_every_settable_role_can_be_added(server, box, role):
    added = server.users.add(TSC.UserItem("new", role))
    assert added.site_role == role
    assert site_user(box, "new").site_role == role


@pytest.mark.parametrize(("role", "code"), [("Boss", "400013"), ("ServerAdministrator", "400013"), ("Guest", "409005")])
def test_roles_that_cannot_be_added(server, box, role, code):
    user = TSC.UserItem("new", "Viewer")
    user._site_role = role
    with pytest.raises(Refused) as refused:
        server.users.add(user)
    assert refused.value.code == code
    assert not box.site("sandbox").users_named("new")


@pytest.mark.parametrize("name", ["ada", "ADA", "Ada"])
def test_adding_who_is_there_is_409017(server, name):
    with pytest.raises(Refused) as refused:
        server.users.add(TSC.UserItem(name, "Viewer"))
    assert refused.value.code == "409017"


def test_a_new_user_signs_in_with_his_name_and_gets_another_password(server, box):
    added = server.users.add(TSC.UserItem("new", "Viewer"))
    assert Raw(box).sign_in("new").user == added.id
    server.users.update(added, password="other")
    assert Raw(box).sign_in("new", "other").user == added.id


def test_names_with_signs_that_need_escaping(server, box):
    for name in ("o'neil", "r&d", "a<b>", 'quo"te', "plus+sign@x.y", "ünal", "semi;colon"):
        added = server.users.add(TSC.UserItem(name, "Viewer"))
        assert server.users.get_by_id(added.id).name == name
        if "&" not in name:
            assert [u.id for u in server.users.filter(name=name)] == [added.id], name


@pytest.mark.parametrize("value", ["r%26d", "Smith,%20Jo", "Smith,Jo"])
def test_a_filter_takes_neither_a_comma_nor_an_ampersand(raw, value):
    assert error(raw.get(f"{{s}}/users?filter=name:eq:{value}")) == (400, "400065")


def test_a_user_of_the_directory_gets_its_domain(raw, box):
    for written in ("CORP\\mia", "noa@corp.example"):
        answer = raw.call("POST", "{s}/users", f'<tsRequest><user name="{written}" siteRole="Viewer"/></tsRequest>')
        assert answer.status_code == 201
    assert {site_user(box, n).domain for n in ("mia", "noa")} == {"corp.example"}
    raw.call("POST", "{s}/users", '<tsRequest><user name="mia" siteRole="Viewer"/></tsRequest>')
    assert len(box.site("sandbox").users_named("mia")) == 2


def test_auth_setting(raw, box):
    answer = raw.call(
        "POST", "{s}/users", '<tsRequest><user name="new" siteRole="Viewer" authSetting="SAML"/></tsRequest>'
    )
    assert answer.status_code == 201
    assert site_user(box, "new").auth_setting == "SAML"
    wrong = '<tsRequest><user name="new2" siteRole="Viewer" authSetting="Magic"/></tsRequest>'
    assert error(raw.call("POST", "{s}/users", wrong)) == (400, "400003")


def test_the_identity_provider_of_a_user(raw, box):
    body = '<tsRequest><user {}idpConfigurationId="{}"/></tsRequest>'
    saml, oidc = IdentityProvider("idp-1", "Okta", "SAML"), IdentityProvider("idp-2", "Google", "OpenID")
    box.state.providers[box.site("sandbox").id] = (saml, oidc)
    told = raw.call("GET", "{s}/site-auth-configurations").text
    assert [word in told for word in ("idp-1", "Okta", "SAML", "Google", "idp-3")] == [True] * 4 + [False]
    made = raw.call("POST", "{s}/users", body.format('name="new" siteRole="Viewer" ', "idp-1"))
    assert made.status_code == 201
    assert (site_user(box, "new").idp_configuration_id, site_user(box, "new").auth_setting) == ("idp-1", "SAML")
    assert error(raw.call("POST", "{s}/users", body.format('name="two" siteRole="Viewer" ', "idp-3"))) == (
        400,
        "400003",
    )
    path = f"{{s}}/users/{site_user(box, 'new').id}"
    assert raw.call("PUT", path, body.format("", "idp-2")).status_code == 200
    assert raw.call("PUT", path, '<tsRequest><user siteRole="Explorer"/></tsRequest>').status_code == 200
    assert site_user(box, "new").idp_configuration_id == "idp-2"
    assert b'idpConfigurationId="idp-2"' in raw.get(path).content
    assert b"idpConfigurationId" not in raw.get(f"{{s}}/users/{site_user(box, 'vic').id}").content


# -- changing -------------------------------------------------------------------------------------------------


def test_update_role_name_and_mail(server, box):
    vic = named(server, "vic")
    vic.site_role, vic.fullname, vic.email = "Explorer", "Victor", "v@x.y"
    server.users.update(vic)
    held = site_user(box, "vic")
    assert (held.site_role, held.full_name, held.email) == ("Explorer", "Victor", "v@x.y")


def test_the_answer_to_an_update_carries_no_id(raw, box):
    vic = site_user(box, "vic").id
    answer = raw.call("PUT", f"{{s}}/users/{vic}", '<tsRequest><user siteRole="Explorer"/></tsRequest>', json=True)
    assert "id" not in answer.json()["user"]
    assert answer.json()["user"]["siteRole"] == "Explorer"


def test_role_boss_is_400013_and_nothing_else_changes(raw, box):
    vic = site_user(box, "vic")
    body = '<tsRequest><user siteRole="Boss" fullName="Changed"/></tsRequest>'
    assert error(raw.call("PUT", f"{{s}}/users/{vic.id}", body)) == (400, "400013")
    assert site_user(box, "vic") == vic


def test_a_server_administrator_keeps_his_role_whatever_is_answered(server, box):
    box.state.put(box.site("sandbox").with_users(replace(site_user(box, "sam"), site_role="ServerAdministrator")))
    sam = named(server, "sam")
    sam.site_role = "Viewer"
    server.users.update(sam)
    assert site_user(box, "sam").site_role == "ServerAdministrator"


def test_a_member_of_a_granting_group_is_not_unlicensed(server, box):
    group = next(g for g in everything(server.groups) if g.name == "GLOL-Viewers")
    vic = named(server, "vic")
    server.groups.add_user(group, vic.id)
    vic.site_role = "Unlicensed"
    with pytest.raises(Refused):
        server.users.update(vic)
    assert site_user(box, "vic").site_role == "Viewer"
    server.groups.remove_user(group, vic.id)
    server.users.update(vic)
    assert site_user(box, "vic").site_role == "Unlicensed"


# -- removing -------------------------------------------------------------------------------------------------


def test_removing_somebody_takes_memberships_and_rules_along(server, box):
    egon = site_user(box, "egon").id
    w1 = box.site("sandbox").find_content("Ops/W1")
    assert any(r.grantee.id == egon for r in w1.rules)
    cleo = site_user(box, "cleo").id
    server.users.remove(egon, map_assets_to=cleo)
    after = box.site("sandbox")
    assert egon not in after.users
    assert all(egon not in after.members(g) for g in after.groups)
    assert not any(r.grantee.id == egon for c in after.contents.values() for r in c.rules)
    assert Raw(box).call("GET", "serverinfo").status_code == 200
    with pytest.raises(TSC.FailedSignInError), tsc(box, "egon"):
        pass


def test_removing_a_user_without_content(server, box):
    server.users.remove(site_user(box, "vic").id)
    after = box.site("sandbox")
    assert not after.users_named("vic")
    assert len(after.members(after.find_group("Sales").id)) == 1


def test_an_owner_stays_unlicensed_and_the_answer_is_409(server, box):
    carl = site_user(box, "carl")
    with pytest.raises(Refused) as refused:
        server.users.remove(carl.id)
    assert refused.value.code.startswith("409")
    after = box.site("sandbox")
    assert after.users[carl.id].site_role == "Unlicensed"
    assert after.find_content("Ops/W1").owner == carl.id


def test_an_owner_leaves_when_his_content_has_an_heir(server, box):
    carl, cleo = site_user(box, "carl"), site_user(box, "cleo")
    server.users.remove(carl.id, map_assets_to=cleo.id)
    after = box.site("sandbox")
    assert carl.id not in after.users
    assert after.find_content("Ops/W1").owner == cleo.id
    assert after.find_content("Ops/W1/V1").owner == cleo.id


def test_nobody_removes_himself(server):
    with pytest.raises(Refused) as refused:
        server.users.remove(server.user_id)
    assert refused.value.code.startswith("403")


def test_the_same_name_added_again_has_another_id(server, box):
    first = server.users.add(TSC.UserItem("new", "Viewer"))
    server.users.remove(first.id)
    second = server.users.add(TSC.UserItem("new", "Viewer"))
    assert first.id != second.id
