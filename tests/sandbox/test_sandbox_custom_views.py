"""Custom views and the changing of rows as Tableau's own client asks for them."""

from __future__ import annotations

import pytest
from sandbox_client import TSC, Raw, error, site_user, tsc

from tabwarden.model.usage import CUSTOM_VIEW
from tabwarden.sandbox.content.shapes import PLURALS
from tabwarden.sandbox.http.server import running
from tabwarden.sandbox.worlds import file as world_file
from tabwarden.sandbox.worlds.finding import world_of

USED = """
world: used
sites:
  - name: Sandbox
    content_url: sandbox
    users: {ada: {role: ServerAdministrator}, bob: {role: Creator}, eve: {role: Viewer}}
    projects:
      P: {owner: ada, rules: [{group: All Users, template: View}]}
    content:
      P/W: {kind: workbook, owner: bob, rules: [{group: All Users, template: View}], views: [{name: V}, {name: U}]}
    usage:
      - {user: bob, what: custom view, content: P/W/V, last: "2025-10-01T08:00:00Z"}
      - {user: bob, what: extract task, content: P/W, last: "2025-10-01T08:00:00Z"}
"""


@pytest.fixture
def box():
    with running(world_of(world_file.read_text(USED, "used"))) as box:
        yield box


def test_what_a_world_tells_of_is_there(box):
    with tsc(box) as server:
        (custom,), _pages = server.custom_views.get()
        assert (custom.view.name, custom.owner.id, custom.shared) == ("V", site_user(box, "bob").id, False)
        (task,), _pages = server.tasks.get()
        assert task.target.type == "workbook"


def test_a_custom_view_is_published_shared_renamed_handed_on_and_deleted(box, tmp_path):
    with tsc(box) as server:
        (workbook,), _pages = server.workbooks.get()
        (first,), _pages = server.custom_views.get()
        server.custom_views.download(first, tmp_path / "custom.json")
        wanted = TSC.CustomViewItem(name="Ours")
        wanted.shared, wanted.workbook = True, workbook
        wanted.owner = server.users.get_by_id(server.user_id)
        made = server.custom_views.publish(wanted, tmp_path / "custom.json")
        assert (made.view.name, made.shared) == ("V", True)
        made._name, made._owner = "Yours", server.users.get_by_id(site_user(box, "bob").id)
        server.custom_views.update(made)
        read = server.custom_views.get_by_id(made.id)
        assert (read.name, read.owner.id) == ("Yours", site_user(box, "bob").id)
        server.custom_views.populate_image(read)
        assert read.image.startswith(b"\x89PNG")
        filtered = server.custom_views.filter(name="Yours")
        assert [one.id for one in filtered] == [made.id]
    (row,) = [row for row in box.state.usage[box.site("sandbox").id] if row.what == CUSTOM_VIEW]
    assert (row.user, row.times) == (site_user(box, "bob").id, 2)
    with tsc(box, "eve") as server:  # what is shared she sees, and may do nothing about
        assert [one.name for one in server.custom_views.get()[0]] == ["Yours"]
        with pytest.raises(TSC.ServerResponseError, match="403004"):
            server.custom_views.delete(made.id)
    with tsc(box, "bob") as server:
        server.custom_views.delete(made.id)
        assert len(server.custom_views.get()[0]) == 1


def test_one_view_is_the_first_for_somebody(box):
    raw, eve = Raw(box).sign_in(), site_user(box, "eve").id
    (first,) = box.state.custom_views
    users = f'<tsRequest><users><user id="{eve}"/><user id="nobody"/></users></tsRequest>'
    told = raw.call("POST", f"{{s}}/customviews/{first}/default/users", users, json=True).json()
    results = told["customViewAsUserDefaultResults"]["customViewAsUserDefaultViewResult"]
    assert [(one["user"]["id"], one["success"]) for one in results] == [(eve, "true"), ("nobody", "false")]
    listed = raw.get(f"{{s}}/customviews/{first}/default/users", json=True).json()
    assert [one["name"] for one in listed["users"]["user"]] == ["eve"]


def test_custom_views_go_with_their_view(box):
    with tsc(box) as server:
        (workbook,), _pages = server.workbooks.get()
        server.workbooks.delete(workbook.id)
        assert server.custom_views.get()[0] == []


def test_rows_are_changed_once_for_one_request():
    with running("w0") as box, tsc(box) as server:
        (datasource, *_), _pages = server.datasources.get()
        actions = [{"action": "insert", "source-table": "a", "target-table": "b"}]
        job = server.datasources.update_hyper_data(datasource, request_id="1", actions=actions)
        assert job.type == "UpdateUploadedFile"
        assert server.datasources.update_hyper_data(datasource, request_id="1", actions=actions).id == job.id
        assert server.datasources.update_hyper_data(datasource, request_id="2", actions=actions).id != job.id
        raw = Raw(box).sign_in()
        path = f"{{s}}/datasources/{datasource.id}/data"
        for body, headers in (({"actions": []}, {"RequestID": "3"}), ({"actions": actions}, {})):
            assert error(raw.call("PATCH", path, body, headers=headers, json=True)) == (400, "400000")
        strange = {"actions": [{"action": "burn"}]}
        assert error(raw.call("PATCH", path, strange, headers={"RequestID": "3"}, json=True)) == (400, "400000")


@pytest.fixture(scope="module")
def searched():
    with running("w0") as box:
        yield box


def search(box, query, name="ada"):
    raw = Raw(box).sign_in(name)
    return raw.call("GET", f"search?{query}", version="-", json=True)


def test_a_search_finds_what_one_may_view(searched):
    site = searched.site("sandbox")
    hits = search(searched, "limit=1000").json()["hits"]
    assert {one["content"]["luid"] for one in hits["items"]} == {
        c.id for c in site.contents.values() if c.kind in PLURALS
    }
    for name in ("eve", "vic"):
        raw = Raw(searched).sign_in(name)
        listed = {one.get("id") for one in raw.xml("{s}/workbooks")[1]}
        hits = search(searched, "filter=type:eq:workbook&limit=1000", name).json()["hits"]
        assert {one["content"]["luid"] for one in hits["items"]} == listed


def test_a_search_has_words_types_pages_and_an_order(searched):
    site = searched.site("sandbox")
    workbook = next(c for c in site.contents.values() if c.kind == "workbook")
    hits = search(searched, f"terms={workbook.name}&filter=type:in:[workbook,flow]").json()["hits"]
    assert workbook.id in {one["content"]["luid"] for one in hits["items"]}
    assert {one["content"]["type"] for one in hits["items"]} == {"workbook"}
    first = search(searched, "limit=2&page=0").json()["hits"]
    second = search(searched, "limit=2&page=1").json()["hits"]
    assert (len(first["items"]), first["total"], second["startIndex"]) == (2, second["total"], 2)
    assert not {one["uri"] for one in first["items"]} & {one["uri"] for one in second["items"]}
    view = next(c for c in site.contents.values() if c.kind == "view")
    Raw(searched).sign_in().get(f"{{s}}/views/{view.id}/image")
    best = search(searched, "order_by=hitsTotal:desc").json()["hits"]["items"][0]["content"]
    assert (best["luid"], best["hitsTotal"]) == (view.id, 1)


@pytest.mark.parametrize("query", ["filter=name:eq:x", "filter=type:is:x", "order_by=name", "limit=many", "page=-1"])
def test_a_search_that_is_none(searched, query):
    assert error(search(searched, query)) == (400, "400000")


def test_a_search_needs_a_session(searched):
    assert error(Raw(searched).call("GET", "search", version="-", json=True)) == (401, "401000")
