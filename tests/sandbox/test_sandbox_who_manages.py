"""Who manages people and who sees them: administrators of both kinds, adminMode, userVisibility."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sandbox_client import TSC, Raw, error, site_user, tsc

from tabwarden.sandbox.http.server import running
from tabwarden.sandbox.state.personality import personality

Refused = TSC.ServerResponseError


def test_site_administrators_manage_people_unless_content_only(box):
    with tsc(box, "sam") as server:
        server.users.add(TSC.UserItem("new", "Viewer"))
    with running("acme") as acme:
        site = acme.site("acme-europe")
        admin = next(u for u in site.users.values() if u.site_role == "SiteAdministratorCreator")
        other = next(u for u in site.users.values() if u.site_role == "Viewer")
        raw = Raw(acme).sign_in(admin.name, site="acme-europe")
        assert raw.get("{s}/users").status_code == 200
        body = '<tsRequest><user name="new" siteRole="Viewer"/></tsRequest>'
        assert error(raw.call("POST", "{s}/users", body)) == (403, "403004")
        update = '<tsRequest><user siteRole="Explorer"/></tsRequest>'
        assert error(raw.call("PUT", f"{{s}}/users/{other.id}", update)) == (403, "403009")
        assert error(raw.call("DELETE", f"{{s}}/users/{other.id}")) == (403, "403004")
        group = next(g for g in site.groups.values() if not g.everyone)
        assert error(raw.call("DELETE", f"{{s}}/groups/{group.id}")) == (403, "403004")
        assert acme.site("acme-europe").users == {**site.users, admin.id: acme.site("acme-europe").users[admin.id]}


def test_a_site_administrator_does_not_touch_a_server_administrator(box):
    raw, ada = Raw(box).sign_in("sam"), site_user(box, "ada")
    for attribute in ('password="mine"', 'siteRole="Viewer"', 'fullName="X"'):
        answer = raw.call("PUT", f"{{s}}/users/{ada.id}", f"<tsRequest><user {attribute}/></tsRequest>")
        assert error(answer) == (403, "403009")
    assert error(raw.call("DELETE", f"{{s}}/users/{ada.id}")) == (403, "403004")
    assert site_user(box, "ada") == ada
    assert Raw(box).sign_in("ada").token


def test_others_manage_nobody(box):
    raw = Raw(box).sign_in("cleo")
    body = '<tsRequest><user name="new" siteRole="Viewer"/></tsRequest>'
    assert error(raw.call("POST", "{s}/users", body)) == (403, "403004")
    assert error(raw.call("DELETE", f"{{s}}/users/{raw.user}")) == (403, "403004")


def test_others_list_users_only_by_an_option(box):
    assert error(Raw(box).sign_in("cleo").get("{s}/users")) == (403, "403004")


LISTED = replace(personality(), lists_users=True)


@pytest.fixture
def listing():
    with running("w0", plays=LISTED) as box:
        yield box


def test_others_see_names_but_no_roles(listing):
    raw = Raw(listing).sign_in("cleo")
    found = {u.get("name"): u for u in raw.xml("{s}/users?fields=_all_")[1]}
    assert found["cleo"].get("siteRole") == "Creator"
    assert found["ada"].get("siteRole") is None
    assert found["ada"].get("email") is None
    assert error(raw.get("{s}/users?filter=siteRole:eq:ServerAdministrator")) == (400, "400065")
    assert error(raw.get("{s}/users?sort=email:asc")) == (400, "400065")
    (granting,) = [g for g in raw.xml("{s}/groups")[1] if g.get("name") == "GLOL-Viewers"]
    assert granting.get("minimumSiteRole") is None


def test_where_people_do_not_show_one_sees_only_oneself():
    with running("acme", plays=LISTED) as acme:
        site = acme.site("acme-lab")
        plain = next(u for u in site.users.values() if u.site_role == "ExplorerCanPublish")
        raw = Raw(acme).sign_in(plain.name, site="acme-lab")
        assert [u.get("name") for u in raw.xml("{s}/users")[1]] == [plain.name]
        assert error(raw.get("{s}/groups")) == (403, "403004")
        other = next(u for u in site.users if u != raw.user)
        assert error(raw.get(f"{{s}}/users/{other}")) == (403, "403133")
        assert raw.get(f"{{s}}/users/{raw.user}", json=True).json()["user"]["siteRole"] == "ExplorerCanPublish"
        for path in ("workbooks", "projects", "views"):
            for owner in raw.xml(f"{{s}}/{path}?fields=_all_").iter("{http://tableau.com/api}owner"):
                assert owner.get("name") is None or owner.get("id") == raw.user


def test_a_site_tells_how_many_seats_are_taken(raw, server, box):
    """Licence pools beside what is taken of them; for administrators only."""
    box.state.put(replace(box.site("sandbox"), licences={"Creator": 5, "Explorer": 6, "Viewer": 7}))
    found = raw.get("{s}?includeUsageStatistics=true", json=True).json()["site"]
    assert [found[f"tier{tier}Capacity"] for tier in ("Creator", "Explorer", "Viewer")] == ["5", "6", "7"]
    assert {k: v for k, v in found["usage"].items() if k != "storage"} == {
        "numUsers": "8",
        "numCreators": "4",
        "numExplorers": "2",
        "numViewers": "1",
    }
    assert server.sites.get_by_id(raw.site).num_users == "8"
    assert "usage" not in Raw(box).sign_in("carl").get("{s}", json=True).json()["site"]
