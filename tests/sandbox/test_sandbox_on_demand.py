"""People whom no snapshot holds: groups that let them in are kept, read and remarked; a token's claims are honoured."""

from __future__ import annotations

import json
import time
import urllib.request
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jwt
import pytest
from reading_folder import Desk

from tabwarden.sandbox.http.server import Sandbox, running
from tabwarden.sandbox.worlds.file import read_text
from tabwarden.sandbox.worlds.finding import world_of

KEY, KEY_ID, CLIENT = "the-secret-of-an-app-with-32-bytes!", "0f0f0f0f-0000-4000-8000-000000000002", "door"
WORLD = f"""
world: gate
apps: [{{name: door, client_id: {CLIENT}, secret_id: {KEY_ID}, secret: {KEY}}}]
tokens: [{{name: tok, secret: sec, user: root}}]
sites:
  - name: Gate
    content_url: gate
    users: {{root: {{role: ServerAdministrator}}, ida: {{role: Viewer}}}}
    groups: {{Guests: {{on_demand: true}}, Staff: {{}}, Barred: {{on_demand: true}}}}
    group_sets: {{Both: {{groups: [Guests, Staff]}}}}
    projects: {{Hall: {{owner: root}}}}
    content:
      Hall/Open:
        kind: workbook
        owner: root
        rules: [{{group: Guests, allow: [Read, Write]}}, {{group: Barred, deny: [Read]}}]
      Hall/Inner: {{kind: workbook, owner: root, rules: [{{group: Staff, allow: [Read]}}]}}
      Hall/Set: {{kind: workbook, owner: root, rules: [{{group_set: Both, allow: [Read]}}]}}
      Hall/All: {{kind: workbook, owner: root, rules: [{{group: All Users, allow: [Read]}}]}}
"""
ODA, GROUPS = "https://tableau.com/oda", "https://tableau.com/groups"


@pytest.fixture
def box() -> Iterator[Sandbox]:
    with running(world_of(read_text(WORLD, "gate"))) as sandbox:
        yield sandbox


def call(box: Sandbox, method: str, path: str, body: Any = None, token: str = "") -> tuple[int, Any]:
    headers = {"Accept": "application/json", "Content-Type": "application/json", "X-Tableau-Auth": token}
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{box.url}/api/3.27{path}", data, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, json.loads(answer.read() or b"null")
    except urllib.error.HTTPError as refused:
        return refused.code, json.loads(refused.read())


def signed_in(box: Sandbox, name: str, **claims: Any) -> tuple[str, str] | None:
    now = int(time.time())
    plain = {"iss": CLIENT, "sub": name, "aud": "tableau", "jti": str(uuid.uuid4()), "exp": now + 300}
    token = jwt.encode({"scp": ["tableau:*"], **plain, **claims}, KEY, "HS256", {"kid": KEY_ID, "iss": CLIENT})
    status, told = call(box, "POST", "/auth/signin", {"credentials": {"jwt": token, "site": {"contentUrl": "gate"}}})
    return (told["credentials"]["site"]["id"], told["credentials"]["token"]) if status == 200 else None


def sees(box: Sandbox, name: str, **claims: Any) -> list[str] | None:
    session = signed_in(box, name, **claims)
    if session is None:
        return None
    _, told = call(box, "GET", f"/sites/{session[0]}/workbooks", token=session[1])
    return sorted(one["name"] for one in told["workbooks"].get("workbook", []))


@pytest.mark.parametrize(
    ("name", "claims", "workbooks"),
    [
        ("ida", {}, ["All"]),
        ("ida", {GROUPS: ["Guests"]}, ["All", "Open"]),
        ("ida", {GROUPS: ["Guests", "Staff"]}, ["All", "Inner", "Open", "Set"]),
        ("ida", {GROUPS: "Staff"}, ["All", "Inner"]),
        ("ida", {GROUPS: ["Guests", "Barred"]}, ["All"]),
        ("ida", {GROUPS: ["Nobody"]}, ["All"]),
        ("ida", {ODA: "true", GROUPS: ["Staff"]}, ["All", "Inner"]),
        ("zoe@example.com", {ODA: "true", GROUPS: ["Guests"]}, ["Open"]),
        ("zoe@example.com", {ODA: True, GROUPS: ["Guests", "Staff"]}, ["Open"]),
        ("zoe@example.com", {ODA: "true", GROUPS: ["Staff"]}, None),
        ("zoe@example.com", {ODA: "true"}, None),
        ("zoe@example.com", {GROUPS: ["Guests"]}, None),
        ("zoe@example.com", {ODA: "false", GROUPS: ["Guests"]}, None),
    ],
)
def test_a_token_s_claims_hold_for_its_session_alone(
    box: Sandbox, name: str, claims: dict[str, Any], workbooks: list[str] | None
) -> None:
    before = box.site("gate")
    assert sees(box, name, **claims) == workbooks
    after = box.site("gate")
    assert (after.groups, after.users.keys()) == (before.groups, before.users.keys())
    assert sees(box, "ida") == ["All"]


def test_what_such_a_session_writes_does_not_keep_what_its_token_said(box: Sandbox) -> None:
    session = signed_in(box, "root", **{GROUPS: ["Staff"]})
    assert session is not None
    site, token = session
    ids = {group.name: group.id for group in box.site("gate").groups.values()}
    ida = next(user.id for user in box.site("gate").users.values() if user.name == "ida")
    path = f"/sites/{site}/groups/{ids['Staff']}/users"
    assert call(box, "POST", path, {"user": {"id": ida}}, token)[0] == 200
    assert box.site("gate").groups[ids["Staff"]].members == {ida}
    assert box.site("gate").all_users is not None


def test_rest_keeps_and_tells_on_demand_access(box: Sandbox) -> None:
    session = signed_in(box, "root")
    assert session is not None
    site, token = session
    groups = f"/sites/{site}/groups"
    _, made = call(box, "POST", groups, {"group": {"name": "Web", "ephemeralUsersEnabled": "true"}}, token)
    one = f"{groups}/{made['group']['id']}"
    _, listed = call(box, "GET", groups, token=token)
    assert {g["name"] for g in listed["groups"]["group"] if g["ephemeralUsersEnabled"] == "true"} == {
        "Guests",
        "Barred",
        "Web",
    }
    assert call(box, "PUT", one, {"group": {"name": "Web2"}}, token)[1]["group"]["ephemeralUsersEnabled"] == "true"
    off = {"group": {"name": "Web2", "ephemeralUsersEnabled": "false"}}
    assert call(box, "PUT", one, off, token)[1]["group"]["ephemeralUsersEnabled"] == "false"
    assert call(box, "PUT", one, {"group": {"name": "W", "ephemeralUsersEnabled": "perhaps"}}, token)[0] == 400
    assert call(box, "DELETE", f"{groups}/{next(iter(box.site('gate').on_demand))}", token=token)[0] == 204
    assert len(box.site("gate").on_demand) == 1


def test_a_read_keeps_them_and_who_why_and_rules_remark_them(box: Sandbox, tmp_path: Path) -> None:
    desk = Desk(tmp_path, box.url, "gate")
    desk.settings("pat: {name: tok, secret: sec}")
    assert desk.run("read").code == 0
    (site,) = desk.snapshots()
    assert {site.groups[group].name for group in site.on_demand} == {"Guests", "Barred"}
    line = "so may whoever an application lets in on demand through group `Guests`"
    row = "group Guests lets people in on demand"
    for words, there in (
        (("who", "View", "Hall/Open"), line),
        (("why", "ida", "View", "Hall/Open"), line),
        (("rules", "Hall/Open"), row),
    ):
        assert there in " ".join(desk.run(*words).out.split()), words
    for words in (("who", "View", "Hall/Inner"), ("who", "View", "Hall/All"), ("who", "View", "Hall/Set")):
        assert "on demand" not in desk.run(*words).out
    assert "on demand" not in desk.run("who", "Overwrite", "Hall/Open").out, "a Viewer may not"
    who = json.loads(desk.run("who", "View", "Hall/Open", "--json").out)
    assert [group["name"] for group in who["on_demand"]] == ["Guests"]
    assert who["remarks"][0].startswith(line)
    assert json.loads(desk.run("why", "ida", "View", "Hall/Open", "--json").out)["remarks"][0].startswith(line)
    rows = json.loads(desk.run("rules", "Hall/Open", "--json").out)["rows"]
    assert {row["grantee"]["name"]: row["on_demand"] for row in rows} == {"group Barred": True, "group Guests": True}
