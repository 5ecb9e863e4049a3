"""Who sees what of w0: a table written by hand from the world file, asked of the server as each person."""

from __future__ import annotations

import pytest
from sandbox_client import Raw

EVERYTHING = {
    "projects": "Default Ops Sub Vault Sandbox",
    "workbooks": "W1 W2 W3",
    "views": "V1 V2 V3 V4 V5 V6 V7 V8",
    "datasources": "D1 D2",
}
LED = {
    "projects": "Default Ops Sub Vault Sandbox",
    "workbooks": "W1 W2 W3",
    "views": "V1 V2 V3 V4 V5 V6 V7 V8",
    "datasources": "D1",
}
SEEN = {
    "ada": EVERYTHING,
    "sam": EVERYTHING,
    "carl": {
        "projects": "Default Ops Sub Sandbox",
        "workbooks": "W1 W2",
        "views": "V1 V2 V3 V4 V5 V6 V7",
        "datasources": "D1",
    },
    "cleo": {
        "projects": "Default Ops Sub Vault Sandbox",
        "workbooks": "W1 W2 W3",
        "views": "V1 V2 V3 V4 V8",
        "datasources": "D1 D2",
    },
    "eve": LED,
    "vic": LED,
    "egon": {
        "projects": "Default Sub Sandbox",
        "workbooks": "W1 W2",
        "views": "V1 V2 V3 V4 V6",
        "datasources": "",
    },
}
KINDS = {"projects": "project", "workbooks": "workbook", "views": "view", "datasources": "datasource"}


@pytest.mark.parametrize("name", SEEN)
@pytest.mark.parametrize("plural", KINDS)
def test_listed_and_opened_are_what_the_rules_say(box, name, plural):
    raw = Raw(box).sign_in(name)
    seen = set(SEEN[name][plural].split())
    listed = raw.xml(f"{{s}}/{plural}?pageSize=1000")
    assert {item.get("name") for item in listed[1]} == seen
    assert listed[0].get("totalAvailable") == str(len(seen))
    for content in box.site("sandbox").contents.values():
        if content.kind == KINDS[plural]:
            method = "PUT" if plural == "projects" else "GET"
            body = "<tsRequest><project/></tsRequest>" if plural == "projects" else None
            answer = raw.call(method, f"{{s}}/{plural}/{content.id}", body)
            assert answer.status_code == (200 if content.name in seen else 403), content.name
            if answer.status_code != 200:
                assert content.name not in answer.text


@pytest.mark.parametrize("name", SEEN)
def test_a_workbook_shows_only_the_views_that_open(box, name):
    raw = Raw(box).sign_in(name)
    seen = set(SEEN[name]["views"].split())
    for workbook in SEEN[name]["workbooks"].split():
        held = next(c for c in box.site("sandbox").contents.values() if c.name == workbook)
        mine = {box.site("sandbox").contents[v].name for v in box.site("sandbox").children(held.id)} & seen
        for path in (f"workbooks/{held.id}/views", f"workbooks/{held.id}"):
            found = raw.xml(f"{{s}}/{path}").iter("{http://tableau.com/api}view")
            assert {v.get("name") for v in found} == mine


def test_filters_do_not_reach_what_one_does_not_see(box):
    raw = Raw(box).sign_in("egon")
    assert len(raw.xml("{s}/workbooks?filter=name:eq:W3")[1]) == 0
    assert len(raw.xml("{s}/views?filter=name:in:[V5,V7,V8]")[1]) == 0
    # A project's name is told, and found, by those who may View the project.
    assert len(raw.xml("{s}/workbooks?filter=projectName:eq:Ops")[1]) == 0
    assert len(Raw(box).sign_in("cleo").xml("{s}/workbooks?filter=projectName:eq:Ops")[1]) == 2


def test_project_names_show_to_those_who_may_view_the_project(box):
    raw = Raw(box).sign_in("egon")
    (w1,) = raw.xml("{s}/workbooks?filter=name:eq:W1")[1]
    project = w1.find("{http://tableau.com/api}project")
    assert project.get("id") == box.site("sandbox").find_content("Ops").id
    assert project.get("name") is None


def test_writeable_is_the_answer_to_may_publish(box):
    found = {p.get("name"): p.get("writeable") for p in Raw(box).sign_in("cleo").xml("{s}/projects")[1]}
    assert found == {"Default": "false", "Ops": "false", "Sub": "false", "Vault": "true", "Sandbox": "true"}


def test_a_change_is_seen_at_the_next_request(box):
    egon, ada = Raw(box).sign_in("egon"), Raw(box).sign_in("ada")
    finance = box.site("sandbox").find_group("Finance").id
    assert {w.get("name") for w in egon.xml("{s}/workbooks")[1]} == {"W1", "W2"}
    joined = ada.call("POST", f"{{s}}/groups/{finance}/users", f'<tsRequest><user id="{egon.user}"/></tsRequest>')
    assert joined.status_code == 200
    assert {w.get("name") for w in egon.xml("{s}/workbooks")[1]} == {"W1", "W2", "W3"}


def test_somebody_who_loses_the_licence_sees_nothing_at_once(box):
    cleo, ada = Raw(box).sign_in("cleo"), Raw(box).sign_in("ada")
    body = '<tsRequest><user siteRole="Unlicensed"/></tsRequest>'
    assert ada.call("PUT", f"{{s}}/users/{cleo.user}", body).status_code == 200
    assert len(cleo.xml("{s}/workbooks")[1]) == 0
    assert len(cleo.xml("{s}/projects")[1]) == 0
