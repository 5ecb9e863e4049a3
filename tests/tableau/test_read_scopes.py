"""A connected app whose scopes leave something out: that is not read and the scope is named, the read goes on."""

from __future__ import annotations

from pathlib import Path

import pytest
from reading_folder import Desk

from tabwarden.access.answer import ALLOWED, DENIED, UNKNOWN
from tabwarden.access.question import Asked
from tabwarden.sandbox.faults.script import Fault
from tabwarden.sandbox.http.server import running
from tabwarden.sandbox.worlds.build import build_site
from tabwarden.sandbox.worlds.file import read_text
from tabwarden.sandbox.worlds.finding import world_of

APP = {"client_id": "11111111-2222-4333-8444-000000000001", "secret_id": "11111111-2222-4333-8444-000000000002"}
SECRET = "a-secret-of-a-connected-app-of-32-bytes"
WORLD = f"""
world: shop
apps: [{{name: door, client_id: {APP["client_id"]}, secret_id: {APP["secret_id"]}, secret: {SECRET}}}]
sites:
  - name: Shop
    content_url: shop
    users:
      {{root: {{role: ServerAdministrator}}, ida: {{role: Viewer}}, kim: {{role: Explorer}}, lee: {{role: Viewer}}}}
    groups: {{Night: {{members: [ida]}}, Day: {{members: [ida, lee]}}}}
    group_sets: {{Both: {{groups: [Night, Day]}}}}
    projects: {{Till: {{owner: root, rules: [{{group: Day, allow: [Read]}}]}}}}
    content:
      Till/Sums:
        kind: workbook
        owner: root
        rules: [{{group_set: Both, allow: [Read]}}, {{user: kim, allow: [Read]}}]
        views: [{{name: A}}]
        uses: [{{datasource: Till/Rows, auth: prompt}}]
      Till/Rows: {{kind: datasource, owner: root, rules: [{{group: Day, allow: [Read, Connect]}}]}}
"""
AUTH = ", ".join([*(f"{name}: {value}" for name, value in APP.items()), f"username: root, secret_value: {SECRET}"])
LACKS = "the connected app lacks the scope `tableau:{}:read`"
VIEW = ("Read", "Till/Sums")
# What is refused, what the snapshot says of it, and then what ida, kim and lee may.
READS = {
    "GET groupsets": (["group sets ({groupsets})"], VIEW, (UNKNOWN, ALLOWED, UNKNOWN)),
    "GET groups": (["groups and who is in them ({groups})"], ("Read", "Till/Rows"), (UNKNOWN, UNKNOWN, UNKNOWN)),
    "GET groups/*/users": (["members of 2 groups ({groups})"], VIEW, (UNKNOWN, ALLOWED, UNKNOWN)),
    "GET workbooks/*/permissions": (["rules of workbook `Till/Sums` ({permissions})"], VIEW, (UNKNOWN,) * 3),
    "GET datasources": (["datasources ({content})"], ("see_data", "Till/Sums"), (UNKNOWN, UNKNOWN, DENIED)),
    "GET views": (["views ({content})"], VIEW, (ALLOWED, ALLOWED, DENIED)),
    "GET databases": (["databases ({content})"], VIEW, (ALLOWED, ALLOWED, DENIED)),
}
REQUIRED = {"GET users": "users", "GET projects": "content"}


def told(words: str) -> str:
    return words.format(**{name: LACKS.format(name) for name in ("groupsets", "groups", "permissions", "content")})


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path, "", "shop")


def read(desk: Desk, at: str) -> tuple[int, str, int]:
    with running(world_of(read_text(WORLD, "shop"))) as sandbox:
        desk.settings(f"jwt: {{{AUTH}}}", url=sandbox.url)
        sandbox.strike([Fault(fault="expired-token", at=at)])
        ran = desk.run("read", "--connections")
        sign_ins = sum(entry.endpoint == "POST auth/signin" for entry in sandbox.log.entries)
    return ran.code, ran.err, sign_ins


@pytest.mark.parametrize("at", READS)
def test_what_the_scopes_leave_out_is_not_read_and_the_scope_is_named(desk: Desk, at: str) -> None:
    partial, (what, path), verdicts = READS[at]
    code, _, sign_ins = read(desk, at)
    assert (code, sign_ins <= 6) == (0, True)
    (site,) = desk.snapshots()
    assert list(site.partial) == [told(words) for words in partial]
    names = {user.name: user.id for user in site.users.values()}
    content = site.find_content(path).id
    asked = (Asked(names[name], what, content, ability=what == "see_data") for name in ("ida", "kim", "lee"))
    assert tuple(question.of(site).verdict for question in asked) == verdicts


@pytest.mark.parametrize("at", REQUIRED)
def test_without_people_or_projects_there_is_no_read_and_the_scope_is_named(desk: Desk, at: str) -> None:
    code, words, _ = read(desk, at)
    assert code == 1
    assert f"the connected app's token may not `{at}`: it lacks the scope `tableau:{REQUIRED[at]}:read`" in words
    assert desk.snapshots() == []


def test_a_session_that_ended_once_is_renewed_as_ever(desk: Desk) -> None:
    with running(world_of(read_text(WORLD, "shop"))) as sandbox:
        desk.settings(f"jwt: {{{AUTH}}}", url=sandbox.url)
        sandbox.strike([Fault(fault="expired-token", every=7)])
        assert desk.run("read", "--connections").code == 0
    (site,) = desk.snapshots()
    assert site.partial == ()
    assert len(site.groups) == len(build_site(read_text(WORLD, "shop").sites[0]).groups)
