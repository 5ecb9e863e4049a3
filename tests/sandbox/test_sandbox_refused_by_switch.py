"""What reports and documents say of refusals, each with its switch: foreign sites, hidden places, MFA, revisions."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from sandbox_client import TSC, Raw, error, everything, site_user, tsc
from workbook_files import TWBX

from tabwarden.sandbox.http.server import running
from tabwarden.sandbox.state.personality import personality, played

HIDDEN = """
world: hidden
sites:
  - name: Hidden
    content_url: sandbox
    users: {ada: {role: ServerAdministrator}, vic: {role: Viewer}}
    projects: {P: {owner: ada, rules: []}}
    content:
      P/D: {kind: datasource, owner: ada, rules: [{user: vic, template: View}]}
      P/W:
        kind: workbook
        owner: ada
        tabs: false
        rules: [{user: vic, template: View}]
        views: [{name: First, rules: [{user: vic, deny: [Read]}]}, {name: Second}]
"""


def playing(*words, kind="server"):
    return played(personality(kind), words)


@pytest.mark.parametrize(
    ("word", "answer"),
    [(None, (403, "403004")), ("401", (401, "401002")), ("404", (404, "404000"))],
)
def test_the_path_of_another_site(word, answer):
    """Knowledge base 001498381: 403."""
    plays = playing(f"foreign_site={word}") if word else personality()
    with running("acme", plays=plays) as box:
        raw = Raw(box).sign_in("admin", site="acme")
        other = box.site("acme-lab").id
        assert error(raw.get(f"sites/{other}/users")) == answer
        assert error(raw.get("sites/00000000-0000-0000-0000-000000000000/users")) == (404, "404000")
        assert raw.get("{s}/users").status_code == 200


@pytest.fixture
def hidden(tmp_path):
    path = tmp_path / "hidden.yaml"
    path.write_text(HIDDEN, encoding="utf-8")
    return str(path)


@pytest.mark.parametrize(
    ("path", "plural", "switch"),
    [("P/D", "datasources", "source_by_id"), ("P/W", "workbooks", "workbook_by_id")],
)
def test_what_is_listed_and_not_shown_by_id(hidden, path, plural, switch):
    for plays, answer in ((personality(), (403, "403004")), (playing(f"{switch}=on"), None)):
        with running(hidden, plays=plays) as box:
            raw, item = Raw(box).sign_in("vic"), box.site("sandbox").find_content(path).id
            assert item in raw.get(f"{{s}}/{plural}").text
            shown = raw.get(f"{{s}}/{plural}/{item}")
            assert shown.status_code == 200 if answer is None else error(shown) == answer


def test_a_site_without_history_keeps_the_newest_file_alone():
    with running("w0") as box, tsc(box) as server:
        site = box.state.put(
            replace(box.site("sandbox"), settings=replace(box.site("sandbox").settings, revision_history=False))
        )
        project = site.find_content("Ops").id
        for _ in range(2):
            item = server.workbooks.publish(TSC.WorkbookItem(project, "Book"), io.BytesIO(TWBX), "Overwrite")
        assert [r.number for r in box.state.details(item.id).revisions] == [2]
        assert error(Raw(box).sign_in().get(f"{{s}}/workbooks/{item.id}/revisions")) == (403, "403053")


def test_an_at_sign_of_a_name_is_written_as_a_number():
    """ "CSV Import File Guidelines": an `@` that parts no domain from the name."""
    rows = b"jo\\0x40home,,,Viewer,,,\n"
    body = b'--e\r\nContent-Disposition: name="tableau_user_import"\r\n\r\n' + rows + b"\r\n--e--"
    with running("w0") as box:
        raw = Raw(box).sign_in()
        done = raw.call("POST", "{s}/users/import", body, headers={"Content-Type": "multipart/mixed; boundary=e"})
        assert done.status_code == 202
        assert site_user(box, "jo@home").domain == "local"


def test_cloud_with_mfa_does_not_take_the_servers_default():
    plays = playing("names_need_at=off", "lists_sites=on", kind="cloud")
    for one, status in ((plays, 400), (replace(plays, password_sign_in=True), 201)):
        with running("w0", plays=one) as box:
            server = TSC.Server(box.url, use_server_version=True)
            server.auth.sign_in(TSC.PersonalAccessTokenAuth("tok", "sec", "sandbox"))
            raw = Raw(box, token=server.auth_token, site=server.site_id)
            body = '<tsRequest><user name="new" siteRole="Viewer" authSetting="ServerDefault"/></tsRequest>'
            assert raw.call("POST", "{s}/users", body).status_code == status
            usual = "TableauIDWithMFA" if status == 400 else "ServerDefault"
            assert {user.auth_setting for user in everything(server.users)} == {usual}
