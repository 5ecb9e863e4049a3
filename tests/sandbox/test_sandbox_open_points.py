"""A sandbox whose Tableau settles the open points of the permission model otherwise."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import pytest
from sandbox_client import NS, TSC, Raw, error, tsc

from tabwarden.model.open_points import OpenPoints
from tabwarden.sandbox.http.server import running
from tabwarden.sandbox.state.personality import personality
from tabwarden.sandbox.worlds import file as world_file
from tabwarden.sandbox.worlds.finding import world_of
from tabwarden.tableau.read.people import settings_of

WORLD = """
world: points
sites:
  - name: House
    content_url: house
    users:
      ada: {role: ServerAdministrator}
      bob: {role: Creator}
      lea: {role: Creator}
      vic: {role: Viewer}
    groups:
      G: {members: [vic]}
      H: {members: [vic]}
    group_sets:
      S: {groups: [G, H]}
    projects:
      P:
        owner: ada
        rules: [{user: lea, leader: true}, {group: G, allow: [Read]}]
      Q:
        owner: ada
        rules: []
        defaults: {workbook: []}
    content:
      P/W:
        kind: workbook
        owner: bob
        rules: [{group: G, allow: [Read]}, {group_set: S, deny: [Read]}]
"""


def played(**open_points: object):
    plays = replace(personality(), open_points=OpenPoints(**open_points))
    return running(world_of(world_file.read_text(WORLD, "points")), plays=plays)


def works_of(box, name):
    raw = Raw(box).sign_in(name, site="house")
    return [item.get("name") for item in raw.xml("{s}/workbooks").iter("{http://tableau.com/api}workbook")]


@pytest.mark.parametrize(("final", "seen"), [(False, ["W"]), (True, [])])
def test_whether_a_group_sets_deny_is_final(final, seen):
    with played(group_set_deny_is_final=final) as box:
        assert works_of(box, "vic") == seen


def workbook(box):
    return next(c for c in box.site("house").contents.values() if c.kind == "workbook")


@pytest.mark.parametrize(("may", "status"), [(True, 200), (False, 403)])
def test_whether_a_leader_changes_the_owner(may, status):
    with played(leader_changes_owner=may) as box:
        raw = Raw(box).sign_in("lea", site="house")
        lea = box.site("house").find_user("lea").id
        body = f'<tsRequest><workbook><owner id="{lea}"/></workbook></tsRequest>'
        answered = raw.call("PUT", f"{{s}}/workbooks/{workbook(box).id}", body)
        assert answered.status_code == status, answered.text
        assert (box.site("house").contents[workbook(box).id].owner == lea) is may


@pytest.mark.parametrize(("keeps", "rules"), [(True, 2), (False, 0)])
def test_whether_a_moved_item_keeps_its_rules(keeps, rules):
    with played(moved_item_keeps_rules=keeps) as box:
        raw = Raw(box).sign_in("ada", site="house")
        target = box.site("house").find_content("Q").id
        moved = workbook(box).id
        body = f'<tsRequest><workbook><project id="{target}"/></workbook></tsRequest>'
        assert raw.call("PUT", f"{{s}}/workbooks/{moved}", body).status_code == 200
        assert len(box.site("house").contents[moved].rules) == rules


def test_the_code_of_removing_an_owner():
    with played(owner_removal_code="409099") as box:
        raw = Raw(box).sign_in("ada", site="house")
        bob = box.site("house").find_user("bob").id
        answered = raw.call("DELETE", f"{{s}}/users/{bob}")
        assert answered.status_code == 409
        assert error(answered) == (409, "409099")


@pytest.mark.parametrize("on", [True, False])
def test_whether_the_site_has_subscriptions_is_told_and_read(on):
    text = WORLD.replace("    users:\n", f"    settings: {{subscriptions: {str(on).lower()}}}\n    users:\n", 1)
    with running(world_of(world_file.read_text(text, "points"))) as box, tsc(box, "ada", site="house") as server:
        assert server.sites.get_by_id(server.site_id).disable_subscriptions is not on
        told = Raw(box).sign_in("ada", site="house").xml("{s}").find("t:site", NS)
        assert settings_of(told.attrib).subscriptions is on


def test_the_command_takes_switches(tmp_path):
    (tmp_path / "world.yaml").write_text(WORLD)
    (tmp_path / "points.yaml").write_text("group_set_deny_is_final: true\n")
    command = [sys.executable, "-m", "tabwarden", "sandbox", "--port", "0", "--world", str(tmp_path / "world.yaml")]
    switched = [*command, "--open-point", str(tmp_path / "points.yaml"), "--open-point", "save_needs_publish=on"]
    with subprocess.Popen(switched, stdout=subprocess.PIPE, text=True) as box:
        try:
            server = TSC.Server(box.stdout.readline().removeprefix("listening on ").strip())
            server.auth.sign_in(TSC.TableauAuth("vic", "vic", "house"))
            assert server.workbooks.get()[1].total_available == 0
        finally:
            box.terminate()
    wrong = subprocess.run([*command, "--open-point", "telepathy=on"], capture_output=True, text=True, check=False)
    assert wrong.returncode == 1
    assert wrong.stderr.startswith("tabwarden: no open point is written `telepathy=on`")
