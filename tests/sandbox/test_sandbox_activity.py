"""The activity log: what happens on a site, in Tableau's words, in memory and as a file of JSON lines."""

from __future__ import annotations

import json

import pytest
from sandbox_client import TSC, Raw, by_name, everything, rule, tsc

from tabwarden.model.errors import WorldError
from tabwarden.sandbox.http.server import running
from tabwarden.sandbox.state.activity import EVENT_TYPES, number_of

SHARED = {
    "actorUserId", "actorUserLuid", "eventOutcome", "eventProcessedTime", "eventTime", "eventType",
    "initiatingUserId", "initiatingUserLuid", "serviceName", "siteLuid",
}  # fmt: skip


@pytest.fixture
def told(server, box):
    """The events since the last look, sign-ins of the fixture left out; each with its shared attributes checked."""
    seen = len(box.activity.entries)

    def since():
        nonlocal seen
        found, seen = box.activity.entries[seen:], len(box.activity.entries)
        for event in found:
            assert set(event) >= SHARED
            assert event["eventType"] in EVENT_TYPES
            assert event["actorUserId"] == number_of(event["actorUserLuid"])
            assert event["siteLuid"] == box.site("sandbox").id
            assert event["serviceName"] == "vizportal"
        return found

    return since


def own(event):
    return {key: value for key, value in event.items() if key not in SHARED}


def kinds(events):
    return [event["eventType"] for event in events]


def test_a_rule_added_turned_and_deleted(server, box, told):
    workbook, sales = by_name(everything(server.workbooks), "W2"), by_name(everything(server.groups), "Sales")
    server.workbooks.update_permissions(workbook, [rule(sales, Read="Allow", Filter="Deny")])
    first, second = told()
    assert kinds([first, second]) == ["create_permissions"] * 2
    assert own(first) == {
        "contentId": number_of(workbook.id),
        "contentLuid": workbook.id,
        "contentName": "W2",
        "contentType": "workbook",
        "granteeType": "group",
        "granteeId": number_of(sales.id),
        "granteeLuid": sales.id,
        "capabilityName": "Filter",
        "permissionType": "Deny",
    }
    assert (second["actorUserLuid"], second["initiatingUserLuid"]) == (server.user_id, server.user_id)
    server.workbooks.delete_permission(workbook, rule(sales, Read="Allow"))
    (gone,) = told()
    assert (gone["eventType"], gone["capabilityName"]) == ("delete_permissions", "Read")
    body = (
        f'<tsRequest><permissions><granteeCapabilities><group id="{sales.id}"/><capabilities>'
        '<capability name="Filter" mode="Allow"/></capabilities></granteeCapabilities></permissions></tsRequest>'
    )
    raw = Raw(box).sign_in()
    told()
    assert raw.call("POST", f"{{s}}/workbooks/{workbook.id}/permissions", body).status_code == 200
    turned = told()
    hers = [e for e in turned if e["granteeLuid"] == sales.id]
    assert [(e["eventType"], e["permissionType"]) for e in hers] == [("update_permissions", "Allow")]
    assert set(kinds(turned)) == {"update_permissions", "delete_permissions"}, "replaced means the others are gone"


def test_default_rules_are_templates(server, told):
    ops, sales = by_name(everything(server.projects), "Ops"), by_name(everything(server.groups), "Sales")
    server.projects.update_workbook_default_permissions(ops, [rule(sales, Read="Allow")])
    (event,) = told()
    assert event["eventType"] == "update_permissions_template"
    assert (event["templateType"], event["permissionOperation"], event["contentName"]) == ("workbook", "create", "Ops")


def test_owner_move_tabs_and_lock(server, told):
    workbook, vault = by_name(everything(server.workbooks), "W2"), by_name(everything(server.projects), "Vault")
    cleo = by_name(everything(server.users), "cleo")
    ops = workbook.project_id
    workbook.owner_id, old = cleo.id, workbook.owner_id
    server.workbooks.update(workbook)
    (owner,) = [e for e in told() if e["eventType"] == "content_owner_change"]
    assert (owner["contentName"], owner["oldOwnerLuid"], owner["newOwnerLuid"]) == ("W2", old, cleo.id)
    workbook.show_tabs = True
    server.workbooks.update(workbook)
    assert "display_sheet_tabs" in kinds(told())
    workbook.project_id = vault.id
    server.workbooks.update(workbook)
    (moved,) = [e for e in told() if e["eventType"] == "move_content"]
    assert (moved["oldProjectLuid"], moved["newProjectLuid"]) == (ops, vault.id)
    project = by_name(everything(server.projects), "Ops")
    project.content_permissions = "LockedToProject"
    server.projects.update(project)
    events = told()
    locks = [e for e in events if e["eventType"] == "project_lock_unlock"]
    assert {e["contentName"] for e in locks} == {"Ops", "Sub"}
    modes = {(e["oldContentPermissions"], e["newContentPermissions"]) for e in locks}
    assert modes == {("ManagedByOwner", "LockedToProject")}
    overwritten = [e for e in events if e["eventType"] == "delete_permissions"]
    assert {"W1"} <= {e["contentName"] for e in overwritten}, "what the lock overwrites is told too"


def test_people_come_change_and_go(server, told):
    added = server.users.add(TSC.UserItem("new", "Viewer"))
    (event,) = told()
    assert own(event) == {
        "userId": number_of(added.id),
        "userLuid": added.id,
        "userOperation": "create",
        "siteRole": "Viewer",
    }
    added.site_role = "Creator"
    server.users.update(added)
    (event,) = told()
    assert (event["eventType"], event["oldSiteRole"], event["newSiteRole"]) == ("update_site_role", "Viewer", "Creator")
    group = by_name(everything(server.groups), "Sales")
    server.groups.add_user(group, added.id)
    server.groups.remove_user(group, added.id)
    events = told()
    assert [(e["eventType"], e["groupOperation"], e["userLuid"]) for e in events] == [
        ("add_delete_user_to_group", "add", added.id),
        ("add_delete_user_to_group", "delete", added.id),
    ]
    server.users.remove(added.id)
    assert [(e["eventType"], e["userOperation"]) for e in told()] == [("create_delete_user", "delete")]


def test_a_refused_removal_tells_what_it_did_all_the_same(server, told):
    with pytest.raises(TSC.ServerResponseError):
        server.users.remove(by_name(everything(server.users), "carl").id)
    (event,) = told()
    assert (event["eventType"], event["newSiteRole"]) == ("update_site_role", "Unlicensed")


def test_a_deleted_workbook_loses_its_permissions(server, told):
    server.workbooks.delete(by_name(everything(server.workbooks), "W2").id)
    assert set(kinds(told())) == {"delete_all_permissions"}


def test_what_is_only_read_or_renamed_is_not_told(server, told):
    everything(server.workbooks)
    project = by_name(everything(server.projects), "Ops")
    server.projects.get_by_id(project.id)
    project.name = "Operations"
    server.projects.update(project)
    assert told() == []


def test_sign_ins_refusals_and_impersonation(box, server, told):
    eve = by_name(everything(server.users), "eve")
    with tsc(box, "eve"):
        (event,) = told()
        assert (event["eventType"], event["eventOutcome"], event["userLuid"]) == ("login", "success", eve.id)
    with pytest.raises(TSC.FailedSignInError):
        TSC.Server(box.url).auth.sign_in(TSC.TableauAuth("eve", "wrong", "sandbox"))
    (event,) = told()
    assert (event["eventType"], event["eventOutcome"], event["actorUserLuid"]) == ("login", "unauthorized", "")
    assert own(event) == {}, "whose name was tried is not told"
    impersonated = TSC.Server(box.url, use_server_version=True)
    with impersonated.auth.sign_in(TSC.TableauAuth("ada", "ada", "sandbox", user_id_to_impersonate=eve.id)):
        (event,) = told()
        assert (event["actorUserLuid"], event["initiatingUserLuid"]) == (eve.id, server.user_id)


def test_jobs_are_their_starters_doing(box, server, told):
    raw = Raw(box).sign_in("sam")
    told()
    body = '<group name="Interns"><import source="ActiveDirectory" domainName="CORP" siteRole="Viewer"/></group>'
    assert raw.call("POST", "{s}/groups?asJob=true", f"<tsRequest>{body}</tsRequest>").status_code == 202
    events = told()
    assert {e["actorUserLuid"] for e in events} == {raw.user}
    assert sorted(kinds(events)) == [
        "add_delete_user_to_group",
        "add_delete_user_to_group",
        "create_delete_group",
        "create_delete_user",
        "create_delete_user",
    ]


def test_the_file_has_every_event_before_the_answer(tmp_path, clock):
    path = tmp_path / "activity.jsonl"
    with running("w0", clock=clock, activity_to=path) as box:
        raw = Raw(box).sign_in()
        raw.call("POST", "{s}/users", '<tsRequest><user name="new" siteRole="Viewer"/></tsRequest>')
        lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        assert lines == box.activity.entries
        assert kinds(lines) == ["login", "create_delete_user"]
        assert lines[1]["eventTime"] == "2025-10-09T08:53:20.000Z"
    with running("w0", clock=clock, activity_to=path) as box:
        Raw(box).sign_in()
        assert len(path.read_text(encoding="utf-8").splitlines()) == 3, "it is only ever added to"


def test_a_file_that_cannot_be_written_is_told(tmp_path, clock):
    with pytest.raises(WorldError, match="activity log"), running("w0", clock=clock, activity_to=tmp_path):
        pass
