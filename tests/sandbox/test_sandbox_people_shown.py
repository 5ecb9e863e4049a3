"""What people learn of each other: who is there, site roles, who may own what. Not who may call which endpoint."""

from __future__ import annotations

from dataclasses import replace

import pytest
from everybody import ADMINS, LICENSED, NEWEST, SIGNED_IN, WORLD, living
from sandbox_client import NS, error

from tabwarden.sandbox.state.personality import personality

LISTED = replace(personality("server", NEWEST), lists_users=True)


@pytest.fixture(scope="module")
def house():
    with living(plays=LISTED) as found:
        yield found


# -- people ---------------------------------------------------------------------------------------------------


def people(raw, path="{s}/users"):
    return {u.get("name"): u for u in raw.xml(f"{path}?fields=_all_").iterfind(".//t:user", NS)}


def test_others_roles_are_for_administrators_and_ones_own_for_oneself(house):
    names = {u.name for u in house.site.users.values()}
    for name in SIGNED_IN:
        found = people(house.raws[name])
        assert set(found) == (names if name != "una" else {"una"})
        told = {other for other, user in found.items() if user.get("siteRole") is not None}
        assert told == (names if name in ADMINS else {name})
        for other in set(found) - {name}:
            held = house.site.find_user(other)
            text = house.raws[name].get(f"{{s}}/users/{held.id}").text
            assert (held.site_role in text) == (name in ADMINS)


def test_members_of_a_group_show_like_people(house):
    group = house.site.find_group("G").id
    for name in LICENSED:
        found = people(house.raws[name], f"{{s}}/groups/{group}/users")
        assert set(found) == {"xena"}
        assert (found["xena"].get("siteRole") is not None) == (name in (*ADMINS, "xena"))
    assert error(house.raws["una"].get(f"{{s}}/groups/{group}/users")) == (403, "403004")


def test_where_visibility_is_limited_one_sees_oneself():
    text = WORLD.replace("    users:\n", "    settings: {user_visibility: LIMITED}\n    users:\n", 1)
    with living(text, plays=LISTED) as house:
        names = {u.name for u in house.site.users.values()}
        # Creators and administrators see everybody; Explorers and Viewers change no tag and open no permissions.
        seeing = {u.name for u in house.site.users.values() if u.site_role == "Creator" or u.name in ADMINS}
        assert seeing > {*ADMINS}
        for name in SIGNED_IN:
            found = people(house.raws[name])
            assert set(found) == (names if name in seeing else {name})
            other = house.raws[name].get(f"{{s}}/users/{house.ids['user']}")
            assert other.status_code == 200 if name in seeing else error(other) == (403, "403133")
            for path in ("{s}/groups", f"{{s}}/groups/{house.ids['group']}/users", "{s}/groupsets"):
                answer = house.raws[name].get(path)
                assert answer.status_code == 200 if name in seeing else error(answer) == (403, "403004")
            for path in ("projects", "workbooks", "views", "datasources", "flows"):
                for owner in house.raws[name].xml(f"{{s}}/{path}?fields=_all_").iterfind(".//t:owner", NS):
                    mine = owner.get("id") == house.raws[name].user
                    assert (owner.get("name") is not None) == (mine or name in seeing)
            by_owner = house.raws[name].get("{s}/workbooks?filter=ownerName:eq:olaf")
            assert by_owner.status_code == 200 if name in seeing else error(by_owner) == (400, "400065")
        tag = '<tsRequest><tags><tag label="north"/></tags></tsRequest>'
        for name in ("xena", "vic", "lea", "carl", "sam"):
            put = house.raws[name].call("PUT", f"{{s}}/workbooks/{house.ids['workbook']}/tags", tag)
            assert put.status_code == 200 if name in seeing else error(put) == (403, "403004"), name
        for name in ("lea", "olaf", "sam"):
            shown = house.raws[name].get(f"{{s}}/workbooks/{house.ids['workbook']}/permissions")
            assert shown.status_code == 200 if name in seeing else error(shown) == (403, "403004"), name


# -- owners ---------------------------------------------------------------------------------------------------


def test_nobody_becomes_an_owner_who_cannot_be_one(house):
    """A project's owner must publish, content's owner needs a licence; by whatever way it would come about."""
    ada, site = house.raws["ada"], house.site
    viewer, una, olaf = (site.find_user(name).id for name in ("vic", "una", "olaf"))
    project, workbook = house.ids["project"], house.ids["workbook"]
    attempts = [
        ("POST", "projects", f'<project name="New"><owner id="{viewer}"/></project>'),
        ("POST", "projects", f'<project name="New"><owner id="{una}"/></project>'),
        ("PUT", f"projects/{project}", f'<project><owner id="{viewer}"/></project>'),
        ("PUT", f"workbooks/{workbook}", f'<workbook><owner id="{una}"/></workbook>'),
        ("DELETE", f"users/{olaf}?mapAssetsTo={viewer}", None),
        ("DELETE", f"users/{olaf}?mapAssetsTo={una}", None),
    ]
    for method, path, body in attempts:
        answer = ada.call(method, f"{{s}}/{path}", body and f"<tsRequest>{body}</tsRequest>")
        assert error(answer)[0] == 403, path
        assert house.site is site, path


def test_what_a_leaver_owns_is_told_to_administrators(house):
    before, olaf = house.site, house.site.find_user("olaf")
    try:
        ada = house.raws["ada"]
        assert ada.call("DELETE", f"{{s}}/users/{olaf.id}").status_code == 409
        assert house.site.users[olaf.id].site_role == "Unlicensed"
        path = f"{{s}}/users/{olaf.id}/workbooks"
        assert len(ada.xml(path)[1]) == 0
        assert [w.get("name") for w in ada.xml(f"{path}?ownedBy=true")[1]] == ["W"]
    finally:
        house.before = house.box.state.put(before)


def test_a_project_counts_only_what_one_may_view(house):
    def counts(name):
        (found,) = [p for p in house.raws[name].xml("{s}/projects?fields=_all_")[1] if p.get("name") == "P"]
        return found.find("t:contentsCounts", NS).attrib

    everything = {"projectCount": "0", "workbookCount": "1", "viewCount": "1", "datasourceCount": "1"}
    assert counts("ada") == counts("vic") == everything
    before = house.site
    hidden = [c for c in before.contents.values() if c.kind in ("workbook", "datasource")]
    try:
        site = before
        for content in hidden:
            rules = frozenset(r for r in content.rules if r.grantee.id != before.find_user("vic").id)
            site = site.with_contents(
                type(content)(**{n: getattr(content, n) for n in content.__slots__} | {"rules": rules})
            )
        house.box.state.put(site)
        assert counts("ada") == everything
        assert counts("vic") == everything | {"workbookCount": "0", "datasourceCount": "0"}
    finally:
        house.before = house.box.state.put(before)


# -- group sets ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("plays", "fills"), [("server", {"ada"}), ("cloud", {"ada", "sam"})])
def test_group_sets_are_filled_by_server_administrators_and_on_cloud_by_site_administrators(plays, fills):
    with living(plays=replace(personality(plays, NEWEST), password_sign_in=True)) as house:
        other = house.site.find_group("H").id
        (group_set,) = house.site.group_sets
        for name in ADMINS:
            answer = house.raws[name].call("PUT", f"{{s}}/groupsets/{group_set}/groups/{other}")
            assert answer.status_code == 204 if name in fills else error(answer) == (403, "403004")
            assert (other in house.site.group_sets[group_set].groups) == (name in fills or "ada" in fills)
