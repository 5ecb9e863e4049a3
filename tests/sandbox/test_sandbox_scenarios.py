"""What experts of Tableau try next: one short test a scenario, through its own client where that can ask it.

The scenarios everybody thinks of first are in the files of their subject; here are their neighbours.
"""

from __future__ import annotations

import socket
import threading
import uuid

import jwt
import pytest
from everybody import living
from sandbox_client import TSC, Raw, by_name, error, everything, rule, tsc
from watchdog import patience

from tabwarden.sandbox.http.server import running
from tabwarden.sandbox.state.personality import personality, played

Refused = TSC.ServerResponseError
NEVER = ("metrics", "labels", "virtualconnections/none/revisions")


def at(box, path):
    return box.site("sandbox").find_content(path)


def user_id(box, name):
    return box.site("sandbox").find_user(name).id


def group_id(box, name):
    return box.site("sandbox").find_group(name).id


def refused(deed, code):
    """The deed is refused by Tableau's client with a code that begins so."""
    with pytest.raises(Refused) as refusal:
        deed()
    assert refusal.value.code.startswith(code), refusal.value


def rules_body(grantee, *capabilities, kind="group"):
    listed = "".join(f'<capability name="{name}" mode="{mode}"/>' for name, mode in capabilities)
    return (
        f'<tsRequest><permissions><granteeCapabilities><{kind} id="{grantee}"/><capabilities>{listed}</capabilities>'
        "</granteeCapabilities></permissions></tsRequest>"
    )


# -- signing in and sessions ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("left", "signs_in"), [(1, True), (-1, False)])
def test_a_jwt_ends_on_the_second(box, clock, left, signs_in):
    claims = {"iss": "5ab9a1f0-0c4e-4a9d-8f0b-000000000001", "aud": "tableau", "sub": "eve", "exp": clock.now + left}
    headers = {"kid": "5ab9a1f0-0c4e-4a9d-8f0b-000000000002"}
    words = jwt.encode(claims, "sandbox-connected-app-secret-of-32-bytes", "HS256", headers)
    body = f'<tsRequest><credentials jwt="{words}"><site contentUrl="sandbox"/></credentials></tsRequest>'
    answer = Raw(box).call("POST", "auth/signin", body)
    assert (answer.status_code == 200) is signs_in
    assert signs_in or error(answer) == (401, "401001")


def test_an_access_token_leaves_sessions_by_password_alone(box, server):
    TSC.Server(box.url).auth.sign_in(TSC.PersonalAccessTokenAuth("tok", "sec", "sandbox"))
    assert server.users.get()[1].total_available == 8


def test_a_session_survives_a_switch_that_was_refused(raw):
    answer = raw.call("POST", "auth/switchSite", '<tsRequest><site contentUrl="nowhere"/></tsRequest>')
    assert error(answer) == (401, "401003")
    assert raw.get("{s}/users").status_code == 200


def test_an_administrator_ends_a_session_by_its_id(box, raw):
    eve = Raw(box).sign_in("eve")
    session = eve.session
    assert session != eve.token
    assert error(eve.call("DELETE", f"sessions/{session}")) == (403, "403004")
    assert raw.call("DELETE", f"sessions/{session}").status_code == 204
    assert error(eve.get("{s}/users")) == (401, "401002")
    assert error(raw.call("DELETE", f"sessions/{session}")) == (404, "404003")


def test_a_site_has_no_identity_provider(server):
    assert server.sites.list_auth_configurations() == []


def test_a_site_is_found_by_its_name(server):
    assert server.sites.get_by_name("Sandbox").content_url == "sandbox"


# -- people ---------------------------------------------------------------------------------------------------


def test_the_last_sign_in_is_told_once_there_was_one(box, server):
    assert server.users.get_by_id(user_id(box, "vic")).last_login is None
    with tsc(box, "vic"):
        pass
    assert server.users.get_by_id(user_id(box, "vic")).last_login is not None


@pytest.mark.parametrize(
    ("heir", "code"), [("nobody", "404002"), ("carl", "40"), ("una", "40")], ids=["unknown", "himself", "unlicensed"]
)
def test_an_owner_stays_as_he_is_when_his_heir_cannot_inherit(box, server, heir, code):
    carl = user_id(box, "carl")
    wanted = str(uuid.uuid4()) if heir == "nobody" else user_id(box, heir)
    refused(lambda: server.users.remove(carl, map_assets_to=wanted), code)
    assert server.users.get_by_id(carl).site_role == "Creator"


def test_views_go_with_their_workbook_to_an_heir(box, server):
    carl, cleo = user_id(box, "carl"), user_id(box, "cleo")
    server.users.remove(carl, map_assets_to=cleo)
    assert {v.owner_id for v in everything(server.views)} == {cleo}
    refused(lambda: server.users.remove(carl), "404002")


def test_pages_of_any_size_come_in_the_same_order(server):
    whole = [u.id for u in everything(server.users)]
    assert [u.id for u in everything(server.users, request_opts=TSC.RequestOptions(pagesize=3))] == whole


@pytest.mark.parametrize(
    "query",
    ["name%3Aeq%3Aeve", "name:in:%5Beve%5D", "name:cieq:EVE", "name:eq:eve,siteRole:in:[ExplorerCanPublish,Viewer]"],
)
def test_filters_however_they_are_encoded(raw, query):
    assert [u.get("name") for u in raw.xml(f"{{s}}/users?filter={query}")[1]] == ["eve"]


def test_people_of_a_file_one_by_one(server, tmp_path):
    file = tmp_path / "people.csv"
    file.write_text("kim,secret,Kim K,Viewer,None,no,kim@corp.example\nlee,,,Explorer,None,yes,\n", encoding="utf-8")
    with pytest.warns(DeprecationWarning, match="create_from_file|bulk_add"):
        added, failed = server.users.create_from_file(str(file))
    assert ([u.name for u in added], failed) == (["kim", "lee"], [])


# -- groups ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("body", ["<user/>", '<user id=""/>', '<user name="eve"/>'])
def test_a_member_without_an_id_is_400000(box, raw, body):
    path = f"{{s}}/groups/{group_id(box, 'Sales')}/users"
    assert error(raw.call("POST", path, f"<tsRequest>{body}</tsRequest>")) == (400, "400000")


def test_a_grant_needs_a_role(box, raw):
    body = '<tsRequest><group name="Sales" grantLicenseMode="onLogin"/></tsRequest>'
    status, _code = error(raw.call("PUT", f"{{s}}/groups/{group_id(box, 'Sales')}", body))
    assert status == 400
    assert box.site("sandbox").find_group("Sales").minimum_site_role is None


def test_groups_like_a_pattern(raw):
    assert [g.get("name") for g in raw.xml("{s}/groups?filter=name:like:S*")[1]] == ["Sales"]


# -- projects and their lock ----------------------------------------------------------------------------------


def test_a_project_is_found_by_its_path(box, server):
    assert server.projects.get_by_path("Ops/Sub").id == at(box, "Ops/Sub").id
    assert server.projects.get_by_path("Ops/Nowhere") is None


def test_below_a_lock_without_nested_projects_rules_are_free_and_below_a_whole_one_not(box, server, raw):
    single = by_name(everything(server.projects), "Sandbox")
    single.content_permissions = "LockedToProjectWithoutNested"
    server.projects.update(single)
    sales = group_id(box, "Sales")
    for parent, status in (("Sandbox", 200), ("Vault", 403)):
        made = server.projects.create(TSC.ProjectItem("Below", parent_id=at(box, parent).id))
        answer = raw.call("PUT", f"{{s}}/projects/{made.id}/permissions", rules_body(sales, ("Read", "Deny")))
        assert answer.status_code == status


def test_a_lock_drops_own_rules_and_its_defaults_rule_at_once(box, server, raw):
    vic = box.site("sandbox").find_user("vic")
    ops, w1 = by_name(everything(server.projects), "Ops"), by_name(everything(server.workbooks), "W1")

    def ruled():
        server.workbooks.populate_permissions(w1)
        return any(r.grantee.id == vic.id for r in w1.permissions)

    server.workbooks.update_permissions(w1, [rule(TSC.UserItem.as_reference(vic.id), Read="Allow")])
    assert ruled()
    ops.content_permissions = "LockedToProject"
    server.projects.update(ops)
    assert not ruled()
    path = f"{{s}}/projects/{ops.id}/default-permissions/workbooks"
    assert raw.call("PUT", path, rules_body(vic.id, ("Read", "Allow"), kind="user")).status_code == 200
    assert ruled()


def test_a_project_tree_goes_with_its_root(box, server):
    root = server.projects.create(TSC.ProjectItem("Root"))
    below = server.projects.create(TSC.ProjectItem("Below", parent_id=root.id))
    book = by_name(everything(server.workbooks), "W1")
    book.project_id = below.id
    server.workbooks.update(book)
    server.projects.delete(root.id)
    refused(lambda: server.workbooks.get_by_id(book.id), "404006")
    refused(lambda: server.projects.get_by_id(below.id), "404005")
    assert {"Root", "Below", "W1", "V1"}.isdisjoint(c.name for c in box.site("sandbox").contents.values())


# -- permissions ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "capabilities",
    [[("ViewComments", "Allow"), ("Fly", "Allow")], [("AddComment", "Allow"), ("AddComment", "Deny")]],
    ids=["one unknown", "both modes"],
)
def test_a_request_with_one_mistake_adds_nothing(box, raw, capabilities):
    before = at(box, "Ops/W2").rules
    path = f"{{s}}/workbooks/{at(box, 'Ops/W2').id}/permissions"
    answer = raw.call("PUT", path, rules_body(group_id(box, "Sales"), *capabilities))
    assert error(answer)[0] in (400, 404)
    assert at(box, "Ops/W2").rules == before


def test_leading_from_above_is_read_only(box, raw):
    path = f"{{s}}/projects/{at(box, 'Ops').id}/permissions"
    answer = raw.call("PUT", path, rules_body(group_id(box, "Sales"), ("InheritedProjectLeader", "Allow")))
    assert error(answer) == (400, "400009")


def test_a_user_is_no_group(box, raw):
    path = f"{{s}}/workbooks/{at(box, 'Ops/W2').id}/permissions"
    assert error(raw.call("PUT", path, rules_body(user_id(box, "eve"), ("Read", "Allow")))) == (404, "404012")


def test_whoever_may_set_permissions_gives_them_on(box, raw):
    path = f"{{s}}/workbooks/{at(box, 'Ops/W2').id}/permissions"
    granted = rules_body(user_id(box, "cleo"), ("ChangePermissions", "Allow"), kind="user")
    cleo, more = Raw(box).sign_in("cleo"), rules_body(user_id(box, "una"), ("Read", "Allow"), kind="user")
    assert error(cleo.call("PUT", path, more)) == (403, "403004")
    assert raw.call("PUT", path, granted).status_code == 200
    assert cleo.call("PUT", path, more).status_code == 200


# -- content --------------------------------------------------------------------------------------------------


def test_a_workbook_outlives_its_data_source(box, server):
    server.datasources.delete(at(box, "Vault/D2").id)
    book = server.workbooks.get_by_id(at(box, "Vault/W3").id)
    server.workbooks.populate_connections(book)
    assert all(connection.datasource_name != "D2" for connection in book.connections)


def test_certification_is_kept_and_told(box, server, raw):
    source = by_name(everything(server.datasources), "D1")
    source.certified, source.certification_note = True, "checked by finance"
    server.datasources.update(source)
    again = server.datasources.get_by_id(source.id)
    assert (again.certified, again.certification_note) == (True, "checked by finance")
    found = raw.xml("{s}/datasources?filter=isCertified:eq:true")[1]
    assert [d.get("name") for d in found] == ["D1"]
    told = server.metadata.query("{publishedDatasources{name isCertified}}")["data"]["publishedDatasources"]
    assert {(d["name"], d["isCertified"]) for d in told} == {("D1", True), ("D2", False)}


def test_owners_certify_only_where_they_lead(box, raw):
    paths = {p: f"{{s}}/datasources/{at(box, p).id}" for p in ("Ops/D1", "Vault/D2")}
    body = '<tsRequest><datasource isCertified="true"/></tsRequest>'
    assert Raw(box).sign_in("eve").call("PUT", paths["Ops/D1"], body).status_code == 200
    assert error(Raw(box).sign_in("cleo").call("PUT", paths["Vault/D2"], body)) == (403, "403032")
    same = '<tsRequest><datasource isCertified="false"/></tsRequest>'
    assert Raw(box).sign_in("cleo").call("PUT", paths["Vault/D2"], same).status_code == 200
    assert 'isCertified="true"' in raw.get(paths["Ops/D1"]).text


@pytest.mark.parametrize("kind", ["databases", "tables", "virtual_connections"])
def test_tags_of_what_no_file_is_published_for(kind):
    with living() as house, tsc(house.box, "ada", site="house") as server:
        endpoint = getattr(server, kind)
        (item,), _pages = endpoint.get()
        assert endpoint.add_tags(item, ["a", "b"]) == {"a", "b"}
        endpoint.delete_tags(item, ["a"])
        assert house.box.state.details(item.id).tags == {"b"}


@pytest.mark.parametrize("name", ["a/b", '<x> & "y"', "ü€𝄞", "../x", "x" * 200, " inner  spaces "])
def test_names_come_back_as_they_went(server, name):
    made = server.projects.create(TSC.ProjectItem(name))
    (found,) = [p.name for p in everything(server.projects) if p.id == made.id]
    assert found == name.strip() or found == name


# -- jobs -----------------------------------------------------------------------------------------------------


def test_a_job_is_complete_only_when_it_ran_and_never_when_it_was_cancelled(clock):
    body = (
        '<tsRequest><group name="{}"><import source="ActiveDirectory" domainName="corp.example" siteRole="Viewer"'
        ' grantLicenseMode="onSync"/></group></tsRequest>'
    )
    with running("w0", clock=clock, plays=played(personality("server"), ["job_seconds=30"])) as box:
        raw = Raw(box).sign_in()
        runs, stopped = (
            raw.call("POST", "{s}/groups?asJob=true", body.format(name), json=True).json()["job"]["id"]
            for name in ("Staff", "Interns")
        )
        waiting = raw.get(f"{{s}}/jobs/{runs}", json=True).json()["job"]
        assert not {"completedAt", "finishCode"} & waiting.keys()
        raw.call("PUT", f"{{s}}/jobs/{stopped}")
        clock.now += 31
        done = raw.get(f"{{s}}/jobs/{runs}", json=True).json()["job"]
        assert (done["progress"], done["finishCode"]) == ("100", "0")
        assert {"Staff", "Interns"} & {g.name for g in box.site("sandbox").groups.values()} == {"Staff"}
        (found,) = raw.xml("{s}/jobs?filter=status:eq:Cancelled")[1]
        assert found.get("id") == stopped


# -- on the line ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("json", [False, True], ids=["xml", "json"])
@pytest.mark.parametrize("path", NEVER)
def test_what_is_not_played_is_a_404_of_tableau(raw, path, json):
    status, code = error(raw.get(f"{{s}}/{path}", json=json))
    assert (status, code[:3]) == (404, "404")


def test_a_connection_lives_on_after_nonsense(box):
    body = b"<x" * 1000
    with socket.create_connection(("127.0.0.1", box.port), timeout=patience(20)) as line:
        line.sendall(b"POST /api/3.27/auth/signin HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        line.sendall(b"GET /api/3.27/serverinfo HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        answered = b"".join(iter(lambda: line.recv(65536), b""))
    assert answered.count(b"HTTP/1.1 ") == 2
    assert b"restApiVersion" in answered


def test_of_eight_who_add_the_same_name_one_succeeds(box):
    answers = []

    def add():
        raw = Raw(box).sign_in()
        body = '<tsRequest><user name="twin" siteRole="Viewer"/></tsRequest>'
        answers.append(raw.call("POST", "{s}/users", body).status_code)

    threads = [threading.Thread(target=add) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [201] + [409] * 7
