"""Groups through Tableau's own client and more of the kind."""

from __future__ import annotations

import pytest
from sandbox_client import TSC, Raw, by_name, error, everything, tsc

from tabwarden.sandbox.http.server import running
from tabwarden.sandbox.state.personality import personality

Refused = TSC.ServerResponseError


def group_named(server, name):
    return by_name(everything(server.groups), name)


def members(box, name):
    site = box.site("sandbox")
    return {site.users[u].name for u in site.members(site.find_group(name).id)}


def ids(box, *names):
    return [box.site("sandbox").find_user(n).id for n in names]


def test_a_local_group_with_a_minimum_role_grants_on_sign_in(server, box, raw):
    group = TSC.GroupItem("Interns")
    group.minimum_site_role = "Viewer"
    made = server.groups.create(group)
    assert made.minimum_site_role == "Viewer"
    assert made.license_mode == "onLogin"
    (shown,) = [g for g in raw.xml("{s}/groups")[1] if g.get("name") == "Interns"]
    assert shown.get("minimumSiteRole") == "Viewer"
    held = box.site("sandbox").find_group("Interns")
    assert (held.minimum_site_role, held.grant_on) == ("Viewer", "onLogin")
    with pytest.raises(Refused) as refused:
        server.groups.create(TSC.GroupItem("interns"))
    assert refused.value.code == "409009"


def test_adding_somebody_twice_is_409011(server, box):
    group, (una,) = group_named(server, "Sales"), ids(box, "una")
    assert server.groups.add_user(group, una).name == "una"
    with pytest.raises(Refused) as refused:
        server.groups.add_user(group, una)
    assert refused.value.code == "409011"
    assert members(box, "Sales") == {"eve", "vic", "una"}


def test_removing_somebody_twice_is_404022(server, box):
    group, (vic,) = group_named(server, "Sales"), ids(box, "vic")
    server.groups.remove_user(group, vic)
    with pytest.raises(Refused) as refused:
        server.groups.remove_user(group, vic)
    assert refused.value.code == "404022"


def test_many_at_once(server, box):
    group, many = group_named(server, "Finance"), ids(box, "eve", "egon", "vic")
    assert {u.name for u in server.groups.add_users(group, many)} == {"eve", "egon", "vic"}
    assert members(box, "Finance") == {"cleo", "eve", "egon", "vic"}
    server.groups.remove_users(group, many)
    assert members(box, "Finance") == {"cleo"}


def test_many_at_once_all_or_none(server, box):
    group = group_named(server, "Finance")
    with pytest.raises(Refused):
        server.groups.add_users(group, ids(box, "eve", "cleo"))
    with pytest.raises(Refused):
        server.groups.remove_users(group, ids(box, "eve", "cleo"))
    with pytest.raises(Refused) as refused:
        server.groups.add_users(group, [*ids(box, "eve"), "00000000-0000-0000-0000-000000000000"])
    assert refused.value.code == "404002"
    assert members(box, "Finance") == {"cleo"}


def test_many_at_once_comes_with_3_21(clock):
    with running("w0", clock=clock, plays=personality("server", "3.17")) as box:
        raw = Raw(box, version="3.17").sign_in()
        finance, (eve,) = box.site("sandbox").find_group("Finance").id, ids(box, "eve")
        body = f'<tsRequest><users><user id="{eve}"/></users></tsRequest>'
        assert raw.call("POST", f"{{s}}/groups/{finance}/users", body).status_code == 400
        assert raw.call("PUT", f"{{s}}/groups/{finance}/users/remove", body).status_code in (404, 405)
        assert members(box, "Finance") == {"cleo"}


def test_members_are_paged(server, box):
    group = group_named(server, "All Users")
    server.groups.populate_users(group, TSC.RequestOptions(pagesize=3))
    assert len(list(group.users)) == 8


def test_rename_and_change_the_grant(server, box):
    group = group_named(server, "GLOL-Viewers")
    group.name, group.minimum_site_role = "GLOL-Explorers", "Explorer"
    server.groups.update(group)
    held = box.site("sandbox").find_group("GLOL-Explorers")
    assert (held.id, held.minimum_site_role, held.grant_on) == (group.id, "Explorer", "onLogin")


def test_a_rename_to_a_taken_name_is_409009(server):
    group = group_named(server, "Sales")
    group.name = "finance"
    with pytest.raises(Refused) as refused:
        server.groups.update(group)
    assert refused.value.code == "409009"


@pytest.mark.parametrize(
    ("attributes", "code"),
    [
        ('name="X" minimumSiteRole="Boss"', "400013"),
        ('name="X" grantLicenseMode="onLogin"', "400003"),
        ('name="X" minimumSiteRole="Viewer" grantLicenseMode="sometimes"', "400003"),
        ('name=" "', "400000"),
        ("", "400000"),
    ],
)
def test_groups_that_cannot_be_made(raw, box, attributes, code):
    assert error(raw.call("POST", "{s}/groups", f"<tsRequest><group {attributes}/></tsRequest>")) == (400, code)
    assert len(box.site("sandbox").groups) == 4


def test_all_users_is_neither_renamed_nor_deleted_nor_filled(server, box):
    everyone = group_named(server, "All Users")
    everyone.name = "Everybody"
    for attempt in (
        lambda: server.groups.delete(everyone.id),
        lambda: server.groups.update(everyone),
        lambda: server.groups.remove_user(everyone, ids(box, "vic")[0]),
        lambda: server.groups.add_user(everyone, ids(box, "vic")[0]),
    ):
        with pytest.raises(Refused) as refused:
            attempt()
        assert refused.value.code.startswith("403")
    assert box.site("sandbox").all_users.name == "All Users"


def test_deleting_a_group_takes_its_rules_along(server, box):
    finance = group_named(server, "Finance")
    server.groups.delete(finance.id)
    after = box.site("sandbox")
    assert finance.id not in after.groups
    for content in after.contents.values():
        assert not any(r.grantee.id == finance.id for r in content.rules)
        assert not any(r.grantee.id == finance.id for rules in content.defaults.values() for r in rules)


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("minimumSiteRole:eq:Viewer", "GLOL-Viewers"),
        ("name:eq:Sales", "Sales"),
        ("name:cieq:sales", "Sales"),
        ("name:in:[Sales,Finance]", "Finance Sales"),
        ("name:like:*ance", "Finance"),
        ("name:like:ale", "Sales"),
        ("userCount:gt:1", "All_Users Sales"),
        ("userCount:eq:0", "GLOL-Viewers"),
        ("isLocal:eq:true,userCount:lte:1", "Finance GLOL-Viewers"),
        ("domainName:eq:corp.example", ""),
    ],
)
def test_filters(raw, query, names):
    found = raw.xml(f"{{s}}/groups?filter={query}")
    assert sorted(g.get("name").replace(" ", "_") for g in found[1]) == names.split()
    assert found[0].get("totalAvailable") == str(len(names.split()))


def test_the_clients_filter_finds_the_granting_group(server):
    options = TSC.RequestOptions()
    options.filter.add(TSC.Filter("minimumSiteRole", TSC.RequestOptions.Operator.Equals, "Viewer"))
    found, pages = server.groups.get(options)
    assert ([g.name for g in found], pages.total_available) == (["GLOL-Viewers"], 1)


def test_group_sets(server, box):
    made = server.group_sets.create(TSC.GroupSetItem("Both"))
    for name in ("Sales", "Finance"):
        server.group_sets.add_group(made, group_named(server, name))
    read = server.group_sets.get_by_id(made.id)
    assert {g.name for g in read.groups} == {"Sales", "Finance"}
    server.group_sets.remove_group(made, group_named(server, "Sales"))
    made.name = "One"
    server.group_sets.update(made)
    assert [(s.name, s.group_count) for s in everything(server.group_sets)] == [("One", 1)]
    with pytest.raises(Refused) as refused:
        server.group_sets.create(TSC.GroupSetItem("one"))
    assert refused.value.code == "409120"
    server.group_sets.delete(made)
    assert not box.site("sandbox").group_sets


def test_unknown_groups_are_404(raw):
    unknown = "00000000-0000-0000-0000-000000000000"
    for method, path in (("GET", f"groups/{unknown}/users"), ("DELETE", f"groups/{unknown}")):
        assert error(raw.call(method, f"{{s}}/{path}"))[0] == 404


def test_only_administrators_change_groups(box):
    with tsc(box, "eve") as server, pytest.raises(Refused) as refused:
        server.groups.create(TSC.GroupItem("Mine"))
    assert refused.value.code.startswith("403")
