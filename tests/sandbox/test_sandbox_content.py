"""Workbooks, views, data sources, flows through Tableau's own client: lists, changes, deletions."""

from __future__ import annotations

import pytest
from sandbox_client import TSC, Raw, by_name, error, everything, tsc

Refused = TSC.ServerResponseError


def at(box, path):
    return box.site("sandbox").find_content(path)


def workbook(server, name):
    return by_name(everything(server.workbooks), name)


def test_lists_tell_owner_project_and_tabs(server, box):
    w2 = workbook(server, "W2")
    assert (w2.project_name, w2.show_tabs, w2.owner_id) == ("Ops", False, box.site("sandbox").find_user("carl").id)
    assert {d.name for d in everything(server.datasources)} == {"D1", "D2"}
    assert len(everything(server.views)) == 8
    assert everything(server.flows) == []


def test_one_workbook_brings_its_views(server):
    w1 = server.workbooks.get_by_id(workbook(server, "W1").id)
    assert [v.name for v in w1.views] == ["V1", "V2", "V3"]
    server.workbooks.populate_views(w1)
    assert [v.content_url for v in w1.views] == ["W1/sheets/V1", "W1/sheets/V2", "W1/sheets/V3"]


def test_views_tell_their_workbook_and_usage(server, box):
    (v4,) = server.views.filter(name="V4")
    assert v4.workbook_id == at(box, "Ops/W2").id
    found, _pages = server.views.get(usage=True)
    assert {v.total_views for v in found} == {0}
    assert server.views.get_by_id(v4.id).project_id == at(box, "Ops").id


@pytest.mark.parametrize(
    ("path", "query", "names"),
    [
        ("workbooks", "projectName:eq:Ops", "W1 W2"),
        ("workbooks", "ownerName:eq:cleo", "W3"),
        ("workbooks", "displayTabs:eq:false", "W2"),
        ("workbooks", "contentUrl:eq:W1", "W1"),
        ("workbooks", "name:eq:W1,projectName:eq:Vault", ""),
        ("views", "contentUrl:eq:W2/sheets/V5", "V5"),
        ("views", "workbookName:eq:W3", "V8"),
        ("datasources", "ownerEmail:eq:cleo@corp.example", "D2"),
        ("datasources", "type:eq:hyper,name:has:1", "D1"),
    ],
)
def test_filters(raw, path, query, names):
    assert sorted(i.get("name") for i in raw.xml(f"{{s}}/{path}?filter={query}")[1]) == names.split()


def test_owner_fields(raw):
    found = raw.xml("{s}/workbooks?fields=name,owner.name,project.name&sort=name:desc")[1]
    first = found[0]
    assert first.attrib == {"name": "W3"}
    assert [child.get("name") for child in first] == ["Vault", "cleo"]


def test_connections_tell_what_is_embedded(server):
    flags = {}
    for name in ("W1", "W3", "W2"):
        item = workbook(server, name)
        server.workbooks.populate_connections(item)
        flags[name] = [(c.datasource_name, c.embed_password) for c in item.connections]
    assert flags == {"W1": [("D1", False)], "W3": [("D2", True)], "W2": []}


def test_another_owner_takes_the_views_along(server, box):
    w1, cleo = workbook(server, "W1"), box.site("sandbox").find_user("cleo").id
    w1.owner_id = cleo
    server.workbooks.update(w1)
    assert {at(box, p).owner for p in ("Ops/W1", "Ops/W1/V1", "Ops/W1/V3")} == {cleo}


def test_content_goes_to_nobody_unlicensed(server, box):
    w1 = workbook(server, "W1")
    w1.owner_id = box.site("sandbox").find_user("una").id
    with pytest.raises(Refused) as refused:
        server.workbooks.update(w1)
    assert refused.value.code.startswith("403")


def test_moving_into_the_vault_adopts_its_defaults(server, box):
    w2 = workbook(server, "W2")
    w2.project_id = at(box, "Vault").id
    server.workbooks.update(w2)
    moved = at(box, "Vault/W2")
    assert moved.rules == at(box, "Vault").defaults["workbook"]


def test_moving_to_a_free_project_keeps_the_rules(server, box):
    w2, before = workbook(server, "W2"), at(box, "Ops/W2").rules
    w2.project_id = at(box, "Sandbox").id
    server.workbooks.update(w2)
    assert at(box, "Sandbox/W2").rules == before


def test_showing_tabs_overwrites_the_rules_of_views(server, box):
    w2 = workbook(server, "W2")
    assert at(box, "Ops/W2/V6").rules != at(box, "Ops/W2").rules
    w2.show_tabs = True
    server.workbooks.update(w2)
    assert at(box, "Ops/W2").tabs
    assert at(box, "Ops/W2/V6").rules == at(box, "Ops/W2").rules


def test_hiding_tabs_leaves_views_what_they_had(server, box):
    w1 = workbook(server, "W1")
    w1.show_tabs = False
    server.workbooks.update(w1)
    assert not at(box, "Ops/W1").tabs
    assert at(box, "Ops/W1/V1").rules == at(box, "Ops/W1").rules


def test_rename_and_what_clients_send_along(server, box, clock):
    clock.now += 1000
    w1 = server.workbooks.get_by_id(workbook(server, "W1").id)
    w1.name, w1.description = "W1 new", "words"
    w1.data_acceleration_config = {"acceleration_enabled": True, "accelerate_now": False}
    server.workbooks.update(w1)
    held = at(box, "Ops/W1 new")
    assert (held.description, held.updated, len(box.site("sandbox").children(held.id))) == (
        "words",
        "2025-10-09T09:10:00Z",
        3,
    )
    d1 = by_name(everything(server.datasources), "D1")
    before = at(box, "Ops/D1")
    server.datasources.update(d1)
    assert at(box, "Ops/D1") == before


def test_a_name_that_is_taken_in_the_project(server):
    w1 = workbook(server, "W1")
    w1.name = "w2"
    with pytest.raises(Refused) as refused:
        server.workbooks.update(w1)
    assert refused.value.code.startswith("409")


def test_deleting(server, box):
    server.datasources.delete(at(box, "Ops/D1").id)
    assert at(box, "Ops/W1")
    v4 = at(box, "Ops/W2/V4").id
    server.views.delete(v4)
    assert v4 not in box.site("sandbox").contents
    w2 = at(box, "Ops/W2").id
    server.workbooks.delete(w2)
    assert w2 not in box.site("sandbox").contents
    with pytest.raises(Refused) as refused:
        server.workbooks.delete(w2)
    assert refused.value.code.startswith("404")


def test_who_may_change_what(box):
    site = box.site("sandbox")
    w1, ops, sandbox = (at(box, p).id for p in ("Ops/W1", "Ops", "Sandbox"))
    rename = '<tsRequest><workbook name="X"/></tsRequest>'
    for name in ("vic", "egon", "cleo"):
        raw = Raw(box).sign_in(name)
        assert error(raw.call("PUT", f"{{s}}/workbooks/{w1}", rename))[0] in (403, 404), name
        assert error(raw.call("DELETE", f"{{s}}/workbooks/{w1}"))[0] in (403, 404), name
        assert error(raw.call("DELETE", f"{{s}}/projects/{ops}"))[0] in (403, 404), name
    for name, path in (("una", None), ("vic", "Ops/W1")):
        if path:
            take = f'<tsRequest><workbook><owner id="{site.find_user(name).id}"/></workbook></tsRequest>'
            raw = Raw(box).sign_in(name)
            assert error(raw.call("PUT", f"{{s}}/workbooks/{w1}", take))[0] in (403, 404)
    assert {c.id: c.name for c in box.site("sandbox").contents.values()} == {
        c.id: c.name for c in site.contents.values()
    }
    with tsc(box, "carl") as server:
        mine = workbook(server, "W1")
        mine.project_id = sandbox
        server.workbooks.update(mine)
        assert at(box, "Sandbox/W1").owner == server.user_id
        server.workbooks.delete(mine.id)


def test_sites(server, box, raw):
    held = box.site("sandbox")
    assert [s.content_url for s in everything(server.sites)] == ["sandbox"]
    found = server.sites.get_by_id(held.id)
    assert (found.name, found.admin_mode, found.user_visibility_mode) == ("Sandbox", "ContentAndUsers", "FULL")
    assert raw.get("sites/Sandbox?key=name").status_code == 200
    assert raw.get("sites/sandbox?key=contentUrl").status_code == 200
    assert error(raw.get("sites/elsewhere?key=name")) == (404, "404000")
    assert error(raw.get("sites/00000000-0000-0000-0000-000000000000")) == (404, "404000")
