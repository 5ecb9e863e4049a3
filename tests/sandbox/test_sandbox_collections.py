"""Collections of API 3.28: private ones are their owner's, shared ones also theirs with whom they are shared."""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree import ElementTree

import pytest
from sandbox_client import NS, Raw, error

from tabwarden.access.question import Asked
from tabwarden.questions import Questions
from tabwarden.sandbox.http.server import Sandbox, running
from tabwarden.sandbox.state.personality import personality
from tabwarden.sandbox.worlds.file import read_text
from tabwarden.sandbox.worlds.finding import world_of
from tabwarden.tableau.http.connection import connect
from tabwarden.tableau.http.session import Pat, SignIn
from tabwarden.tableau.read.site import read_site

WORLD = """
world: lists
tokens: [{name: tok, secret: sec, user: ada}]
sites:
  - name: Lists
    content_url: lists
    users:
      ada: {role: ServerAdministrator}
      bob: {role: Viewer}
      vic: {role: Viewer}
      kim: {role: Creator}
    groups: {Staff: {members: [vic]}}
    projects: {P: {owner: ada}}
    content:
      Mine: {kind: collection, owner: bob}
      Ours: {kind: collection, owner: bob, rules: [{group: Staff, allow: [Read]}]}
      P/W: {kind: workbook, owner: kim, views: [{name: A}]}
"""


@pytest.fixture
def box() -> Iterator[Sandbox]:
    with running(world_of(read_text(WORLD, "lists")), plays=personality("server", "3.28")) as sandbox:
        yield sandbox


def signed_in(box: Sandbox, name: str) -> Raw:
    return Raw(box, version="3.28").sign_in(name, site="lists")


def names(box: Sandbox, name: str, query: str = "") -> list[str]:
    listed = signed_in(box, name).xml(f"{{s}}/collections{query}").iterfind(".//t:collection", NS)
    return sorted(one.get("name", "") for one in listed)


def test_a_private_one_is_its_owners_and_a_shared_one_also_theirs_with_whom_it_is_shared(box: Sandbox) -> None:
    shown = {name: names(box, name) for name in ("ada", "bob", "vic", "kim")}
    assert shown == {"ada": ["Mine", "Ours"], "bob": ["Mine", "Ours"], "vic": ["Ours"], "kim": []}
    assert names(box, "bob", "?filter=visibility:eq:private") == ["Mine"]


def test_its_owner_shares_renames_and_deletes_it_and_others_do_not(box: Sandbox) -> None:
    raw, vic = signed_in(box, "bob"), signed_in(box, "vic")
    body = '<tsRequest><collection name="New" description="for all"/></tsRequest>'
    made = ElementTree.fromstring(raw.call("POST", "{s}/collections", body).content).find("t:collection", NS)
    assert (made.get("visibility"), made.find("t:owner", NS).get("id")) == ("private", raw.user)
    at = f"{{s}}/collections/{made.get('id')}"
    rule = (
        f'<tsRequest><permissions><granteeCapabilities><user id="{vic.user}"/><capabilities>'
        '<capability name="{}" mode="Allow"/></capabilities></granteeCapabilities></permissions></tsRequest>'
    )
    assert error(vic.call("GET", at))[0] in (403, 404)
    assert raw.call("PUT", f"{at}/permissions", rule.format("Read")).status_code == 200
    assert error(raw.call("PUT", f"{at}/permissions", rule.format("Write")))[1] == "400009"
    assert vic.xml(at).find("t:collection", NS).get("visibility") == "public"
    for method, more, sent in (
        ("PUT", "", '<tsRequest><collection name="X"/></tsRequest>'),
        ("PUT", "/permissions", rule.format("Read")),
        ("DELETE", "", None),
        ("DELETE", f"/permissions/users/{vic.user}/Read/Allow", None),
    ):
        assert error(vic.call(method, at + more, sent))[0] == 403, (method, more)
    assert raw.call("DELETE", f"{at}/permissions/users/{vic.user}/Read/Allow").status_code == 204
    assert names(box, "vic") == ["Ours"]
    assert raw.call("DELETE", at).status_code == 204
    assert names(box, "bob") == ["Mine", "Ours"]


def test_a_read_over_rest_has_them_and_why_and_who_answer_for_them(box: Sandbox) -> None:
    with connect(SignIn(box.url, "lists", Pat("tok", "sec"))) as connection:
        site = read_site(connection)
    assert {c.name for c in site.contents.values() if c.kind == "collection"} == {"Mine", "Ours"}
    questions = Questions(site)
    told = {name: box.site("lists").find_user(name).id for name in ("ada", "bob", "vic", "kim")}
    for path, may in (("Mine", {"ada", "bob"}), ("Ours", {"ada", "bob", "vic"})):
        content = site.find_content(path).id
        assert {questions.site.users[user].name for user in questions.who_ids("Read", content)} == may
        because = {name: questions.why(Asked(user, "Read", content)).because for name, user in told.items()}
        wanted = {"ada": "admin", "bob": "content_owner", "kim": "default_deny"}
        assert because == wanted | {"vic": "group_allow" if path == "Ours" else "default_deny"}


def test_an_older_server_has_none() -> None:
    with running(world_of(read_text(WORLD, "lists"))) as box:
        assert error(Raw(box).sign_in("ada", site="lists").get("{s}/collections"))[0] == 404
        with connect(SignIn(box.url, "lists", Pat("tok", "sec"))) as connection:
            assert not [c for c in read_site(connection).contents.values() if c.kind == "collection"]
