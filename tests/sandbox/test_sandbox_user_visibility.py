"""User Visibility Limited over REST: what the page "Manage Site User Visibility" takes from people ([V]).

The situation of the same name, asked by each person's own session, on a site that lists users to everybody.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from sandbox_client import Raw

from tabwarden.sandbox.http.server import Sandbox, running
from tabwarden.sandbox.state.personality import personality
from tabwarden.sandbox.worlds.file import read_text
from tabwarden.sandbox.worlds.finding import world_of

WORLD = """
world: lim
sites:
  - name: Lim
    content_url: lim
    settings: {user_visibility: LIMITED}
    users:
      vi: {role: Viewer}
      ex: {role: Explorer}
      ep: {role: ExplorerCanPublish}
      cr: {role: Creator}
      adm: {role: SiteAdministratorExplorer}
      own: {role: ExplorerCanPublish}
    projects: {P: {owner: adm, rules: [{group: All Users, allow: [Read, Write]}]}}
    content:
      P/W:
        kind: workbook
        owner: own
        rules: [{group: All Users, allow: [Read, AddComment, ViewComments, ShareView, Filter]}]
        views: [{name: A}]
"""
TAG = '<tsRequest><tags><tag label="{}"/></tags></tsRequest>'
RULE = (
    '<tsRequest><permissions><granteeCapabilities><user id="{}"/><capabilities><capability name="Read" mode="Allow"/>'
    "</capabilities></granteeCapabilities></permissions></tsRequest>"
)


@pytest.fixture(scope="module")
def box() -> Iterator[Sandbox]:
    with running(world_of(read_text(WORLD, "lim")), plays=replace(personality(), lists_users=True)) as sandbox:
        yield sandbox


@pytest.mark.parametrize(("name", "shown"), [("vi", 1), ("ex", 1), ("ep", 1), ("cr", 6), ("adm", 6)])
def test_who_sees_whom(box: Sandbox, name: str, shown: int) -> None:
    raw = Raw(box).sign_in(name, site="lim")
    listed = [one.get("name") for one in raw.xml("{s}/users").iter("{http://tableau.com/api}user")]
    assert (len(listed), name in listed) == (shown, True)
    other = box.site("lim").find_user("own").id
    assert (raw.get(f"{{s}}/users/{other}").status_code == 200) is (shown > 1)
    assert (raw.get("{s}/groups").status_code == 200) is (shown > 1)


@pytest.mark.parametrize(("name", "may"), [("ex", False), ("cr", True)])
def test_who_tags(box: Sandbox, name: str, may: bool) -> None:
    workbook = box.site("lim").find_content("P/W").id
    answer = Raw(box).sign_in(name, site="lim").call("PUT", f"{{s}}/workbooks/{workbook}/tags", TAG.format("mine"))
    assert (answer.status_code == 200) is may


def test_an_owner_below_creator_sets_no_permissions(box: Sandbox) -> None:
    site = box.site("lim")
    at, vi = f"{{s}}/workbooks/{site.find_content('P/W').id}/permissions", site.find_user("vi").id
    assert Raw(box).sign_in("own", site="lim").call("PUT", at, RULE.format(vi)).status_code == 403
    assert Raw(box).sign_in("adm", site="lim").call("PUT", at, RULE.format(vi)).status_code == 200
