"""People in bulk: users/import and users/delete as jobs, and the jobs themselves."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sandbox_client import TSC, Raw, error, everything, tsc

from tabwarden.sandbox.http.server import running
from tabwarden.sandbox.people.jobs import role_of
from tabwarden.sandbox.state.personality import personality


def multipart(**parts):
    """Body and headers of a multipart/mixed request."""
    pieces = [
        f'--edge\r\nContent-Disposition: name="{name}"; filename="f.csv"\r\nContent-Type: file\r\n\r\n{text}\r\n'
        for name, text in parts.items()
    ]
    return ("".join(pieces) + "--edge--").encode(), {"Content-Type": "multipart/mixed; boundary=edge"}


def notes(job):
    return {note["type"]: note["value"] for note in job.status_notes or ()}


def test_bulk_add_adds_everybody_when_the_job_is_done(server, box):
    people = [TSC.UserItem(f"b{n}", role) for n, role in enumerate(["Viewer", "Creator", "Explorer", "Unlicensed"])]
    people[0].fullname, people[0].email = "B, Zero", "b0@x.y"
    people[1].auth_setting = "SAML"
    job = server.jobs.wait_for_job(server.users.bulk_add(people))
    assert job.finish_code == 0
    assert notes(job)["CountOfUsersAddedToSite"] == "4"
    site = box.site("sandbox")
    assert [site.find_user(f"b{n}").site_role for n in range(4)] == ["Viewer", "Creator", "Explorer", "Unlicensed"]
    assert (site.find_user("b0").full_name, site.find_user("b0").email) == ("B, Zero", "b0@x.y")
    assert site.find_user("b1").auth_setting == "SAML"


def test_bulk_remove_removes_everybody_when_the_job_is_done(server, box):
    added = [server.users.add(TSC.UserItem(f"b{n}", "Viewer")) for n in range(3)]
    server.users.bulk_remove(added)
    (job,) = [j for j in everything(server.jobs) if j.type == "UserDelete"]
    assert server.jobs.wait_for_job(job.id).finish_code == 0
    assert not [u for u in box.site("sandbox").users.values() if u.name.startswith("b")]


def test_rows_that_fail_are_noted_and_the_others_done(raw, box):
    rows = "new,,,Viewer,None,0,\nada,,,Boss,None,0,\n,,,Viewer,None,0,\nvic,,,Explorer,None,1,v@x.y"
    body, headers = multipart(tableau_user_import=rows, request_payload="<tsRequest/>")
    answer = raw.call("POST", "{s}/users/import", body, headers=headers, json=True)
    assert answer.status_code == 202
    job = raw.get(f"{{s}}/jobs/{answer.json()['job']['id']}", json=True).json()["job"]
    found = [(n["type"], n["value"]) for n in job["statusNotes"]["statusNote"]]
    assert ("CountOfUsersAddedToSite", "1") in found
    assert ("CountOfUsersSiteRoleUpdated", "1") in found
    assert sorted(value for kind, value in found if kind == "errorCode") == ["400003", "400013"]
    site = box.site("sandbox")
    assert site.find_user("vic").site_role == "ExplorerCanPublish"
    assert site.find_user("vic").email == "v@x.y"


def test_one_nameless_user_gives_the_authentication_of_all(raw, box):
    payload = '<tsRequest><user authSetting="SAML"/><user name="two" authSetting="OpenID"/></tsRequest>'
    body, headers = multipart(request_payload=payload, tableau_user_import="one\ntwo\n")
    assert raw.call("POST", "{s}/users/import", body, headers=headers).status_code == 202
    site = box.site("sandbox")
    assert [site.find_user(n).auth_setting for n in ("one", "two")] == ["SAML", "OpenID"]
    assert site.find_user("one").site_role == "Unlicensed"


def test_a_job_takes_its_time_when_asked_to(clock):
    with running("w0", clock=clock, plays=replace(personality(), job_seconds=30)) as box, tsc(box) as server:
        job = server.users.bulk_add([TSC.UserItem("late", "Viewer")])
        assert server.jobs.get_by_id(job.id).completed_at is None
        assert not box.site("sandbox").users_named("late")
        clock.now += 31
        assert server.jobs.get_by_id(job.id).finish_code == 0
        assert box.site("sandbox").users_named("late")


def test_a_job_that_waits_can_be_cancelled(clock):
    with running("w0", clock=clock, plays=replace(personality(), job_seconds=30)) as box, tsc(box) as server:
        job = server.users.bulk_add([TSC.UserItem("late", "Viewer")])
        server.jobs.cancel(job.id)
        clock.now += 31
        assert server.jobs.get_by_id(job.id).finish_code == 2
        assert not box.site("sandbox").users_named("late")


def test_deleting_owners_in_bulk_leaves_them_unlicensed(raw, box):
    body, headers = multipart(tableau_user_delete="carl\nvic\nnobody\nada\n")
    answer = raw.call("POST", "{s}/users/delete", body, headers=headers, json=True)
    job = raw.get(f"{{s}}/jobs/{answer.json()['job']['id']}", json=True).json()["job"]
    codes = [n["value"] for n in job["statusNotes"]["statusNote"] if n["type"] == "errorCode"]
    assert [code[:3] for code in codes] == ["409", "404", "403"]
    site = box.site("sandbox")
    assert site.find_user("carl").site_role == "Unlicensed"
    assert not site.users_named("vic")
    assert site.users_named("ada")


@pytest.mark.parametrize(
    ("licence", "admin", "publisher", "role"),
    [
        ("", "None", "0", "Unlicensed"),
        ("Creator", "", "1", "Unlicensed"),
        ("Creator", "System", "1", "SiteAdministratorCreator"),
        ("Explorer", "System", "1", "SiteAdministratorExplorer"),
        ("Creator", "Site", "1", "SiteAdministratorCreator"),
        ("Explorer", "site", "no", "SiteAdministratorExplorer"),
        ("creator", "none", "yes", "Creator"),
        ("explorer", "none", "true", "ExplorerCanPublish"),
        ("viewer", "none", "1", "Unlicensed"),
        ("creator", "none", "no", "Explorer"),
        ("explorer", "none", "false", "Explorer"),
        ("viewer", "no", "0", "Viewer"),
        ("unlicensed", "none", "0", "Unlicensed"),
    ],
)
def test_three_columns_mean_a_role(licence, admin, publisher, role):
    assert role_of(licence, admin, publisher) == role


@pytest.mark.parametrize(
    ("row", "role"),
    [
        ("Creator,System,true", "SiteAdministratorCreator"),
        ("Creator,Site,true", "SiteAdministratorCreator"),
        ("Explorer,Site,true", "SiteAdministratorExplorer"),
        ("Creator,None,true", "Creator"),
        ("Explorer,None,true", "ExplorerCanPublish"),
        ("Explorer,None,false", "Explorer"),
        ("Viewer,None,false", "Viewer"),
        ("Unlicensed,None,false", "Unlicensed"),
    ],
)
def test_rows_as_a_migration_writes_them(raw, box, row, role):
    """The inverse of the table: one row a site role, the server administrator's being a site administrator here."""
    body, headers = multipart(tableau_user_import=f"moved,,Moved,{row},m@x.y,", request_payload="<tsRequest/>")
    assert raw.call("POST", "{s}/users/import", body, headers=headers).status_code == 202
    assert box.site("sandbox").find_user("moved").site_role == role


@pytest.mark.parametrize(
    ("header", "added"),
    [
        ("", {"one", "two"}),
        ("Username,Password,Display Name,License,Admin Level,Publish,Email,Auth Type\n", {"one", "two"}),
        ("username,password,fullname,license,admin,publisher,email\n", {"one", "two"}),
        # Somebody who only happens to be called so.
        ("username,,Really Called So,Viewer,None,0,\n", {"one", "two", "username"}),
    ],
)
def test_a_header_is_no_person(raw, box, header, added):
    rows = f"{header}one,,One,Viewer,None,0,\ntwo,,Two,Viewer,None,0,"
    body, headers = multipart(tableau_user_import=rows, request_payload="<tsRequest/>")
    before = set(box.site("sandbox").users)
    raw.call("POST", "{s}/users/import", body, headers=headers)
    users = box.site("sandbox").users
    assert {users[u].name for u in set(users) - before} == added
    body, headers = multipart(tableau_user_delete=f"Username\n{chr(10).join(sorted(added))}")
    raw.call("POST", "{s}/users/delete", body, headers=headers)
    assert set(box.site("sandbox").users) == before


def test_quotes_commas_and_line_ends(raw, box):
    rows = '\ufeffo\'neil,,"O\'Neil, ""Shaq""",Viewer,None,0,shaq@x.y\r\n\r\nünal,,Ünal,Viewer,None,0,\r\n'
    body, headers = multipart(tableau_user_import=rows, request_payload="<tsRequest/>")
    assert raw.call("POST", "{s}/users/import", body, headers=headers).status_code == 202
    site = box.site("sandbox")
    assert site.find_user("o'neil").full_name == 'O\'Neil, "Shaq"'
    assert site.find_user("ünal").site_role == "Viewer"


def test_an_unknown_authentication_is_a_note_and_changes_nothing(raw, box):
    payload = '<tsRequest><user name="vic" authSetting="Psychic"/></tsRequest>'
    body, headers = multipart(request_payload=payload, tableau_user_import="vic,,,Viewer,None,0,\nnew,,,Viewer,None,0,")
    answer = raw.call("POST", "{s}/users/import", body, headers=headers, json=True)
    job = raw.get(f"{{s}}/jobs/{answer.json()['job']['id']}", json=True).json()["job"]
    assert [n["value"] for n in job["statusNotes"]["statusNote"] if n["type"] == "errorCode"] == ["400003"]
    assert box.site("sandbox").find_user("vic").auth_setting is None
    assert box.site("sandbox").users_named("new")


def test_people_of_the_directory_come_by_file_as_they_come_typed(raw, box):
    rows = (
        "CORP\\mia,secret,Somebody Else,Viewer,None,0,else@x.y\njohn.smith@corp.example,,,Creator,None,1,\nCORP\\ghost"
    )
    body, headers = multipart(tableau_user_import=rows, request_payload="<tsRequest/>")
    answer = raw.call("POST", "{s}/users/import", body, headers=headers, json=True)
    job = raw.get(f"{{s}}/jobs/{answer.json()['job']['id']}", json=True).json()["job"]
    assert [n["value"] for n in job["statusNotes"]["statusNote"] if n["type"] == "errorCode"] == ["404002"]
    site = box.site("sandbox")
    assert (site.find_user("mia").full_name, site.find_user("mia").email) == ("Mia Miller", "mia@corp.example")
    assert site.find_user("john.smith").site_role == "Creator"
    assert Raw(box).sign_in("CORP\\mia", "mia").user
    body, headers = multipart(tableau_user_delete="CORP\\mia\ncorp.example\\john.smith\n")
    raw.call("POST", "{s}/users/delete", body, headers=headers)
    assert not [u for u in box.site("sandbox").users.values() if u.domain == "corp.example"]


def test_unknown_jobs_and_other_peoples(box, raw):
    assert error(raw.get("{s}/jobs/00000000-0000-0000-0000-000000000000")) == (404, "404018")
    body, headers = multipart(tableau_user_import="new\n", request_payload="<tsRequest/>")
    job = raw.call("POST", "{s}/users/import", body, headers=headers, json=True).json()["job"]["id"]
    assert error(Raw(box).sign_in("cleo").get(f"{{s}}/jobs/{job}")) == (403, "403004")


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", "multipart/mixed; boundary=edge"),
        (b"--edge\r\n", "multipart/mixed; boundary=edge"),
        (b"--edge\r\nno headers\r\n--edge--", "multipart/mixed; boundary=edge"),
        (multipart(other="x")[0], "multipart/mixed; boundary=edge"),
        (multipart(tableau_user_import='a,"b\n')[0], "multipart/mixed; boundary=edge"),
        (multipart(tableau_user_import="x")[0], "text/xml"),
        (multipart(tableau_user_import="x", request_payload="<open")[0], "multipart/mixed; boundary=edge"),
    ],
)
def test_a_bulk_request_that_is_none(raw, box, body, kind):
    before = box.site("sandbox")
    answer = raw.call("POST", "{s}/users/import", body, headers={"Content-Type": kind})
    assert error(answer) == (400, "400000")
    assert box.site("sandbox") is before


def test_the_bulk_calls_come_with_3_15(clock):
    with running("w0", clock=clock, plays=personality("server", "3.14")) as box:
        raw = Raw(box, version="3.14").sign_in()
        body, headers = multipart(tableau_user_import="new\n")
        assert raw.call("POST", "{s}/users/import", body, headers=headers).status_code == 405
    with running("w0", clock=clock, plays=personality("server", "3.15")) as box:
        raw = Raw(box, version="3.15").sign_in()
        assert raw.call("POST", "{s}/users/import", body, headers=headers).status_code == 202
