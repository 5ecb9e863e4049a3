"""Publishing with Tableau's own client: rules a file starts with, who may, over what, in parts, as a job, sheets."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import zipfile
from dataclasses import replace

import pytest
from sandbox_client import TSC, Raw, error, everything, tsc
from workbook_files import FLOW, SOURCE, TDSX, TWBX, packed, workbook

from tabwarden.model.site import Grantee, Rule
from tabwarden.sandbox.content import packages
from tabwarden.sandbox.http.server import running
from tabwarden.sandbox.state.personality import personality

Refused = TSC.ServerResponseError
NEW, OVER = TSC.Server.PublishMode.CreateNew, TSC.Server.PublishMode.Overwrite


def at(box, path):
    return box.site("sandbox").find_content(path)


def publish(server, box, project, name="Book", mode=NEW, content=TWBX, **more):
    options = {key: more.pop(key) for key in ("as_job", "connections") if key in more}
    item = TSC.WorkbookItem(at(box, project).id, name, **more)
    return server.workbooks.publish(item, io.BytesIO(content), mode, **options)


def publish_source(server, box, project, name="Stock", mode=NEW, content=TDSX, **options):
    item = TSC.DatasourceItem(at(box, project).id, name)
    return server.datasources.publish(item, io.BytesIO(content), mode, **options)


def views(box, path):
    site = box.site("sandbox")
    return [site.contents[v].name for v in site.children(at(box, path).id)]


# -- what new content starts with -----------------------------------------------------------------------------


def test_it_starts_with_the_defaults_of_its_project_and_belongs_to_who_published_it(box):
    with tsc(box) as admin:
        finance = next(g for g in everything(admin.groups) if g.name == "Finance")
        rules = [TSC.PermissionsRule(finance, {"Read": "Allow", "ExportData": "Deny"})]
        (ops,) = admin.projects.filter(name="Sandbox")
        admin.projects.populate_workbook_default_permissions(ops)
        for rule in ops.default_workbook_permissions:
            admin.projects.delete_workbook_default_permissions(ops, rule)
        admin.projects.update_workbook_default_permissions(ops, rules)
    with tsc(box, "egon") as server:
        made = publish(server, box, "Sandbox", "W9")
        assert made.owner_id == server.user_id
        server.workbooks.populate_permissions(made)
        (rule,) = made.permissions
        assert (rule.grantee.id, rule.capabilities) == (finance.id, {"Read": "Allow", "ExportData": "Deny"})
        made.description = "mine"
        server.workbooks.update(made)
    assert at(box, "Sandbox/W9").description == "mine"
    grantee = Grantee("group", box.site("sandbox").find_group("Finance").id)
    assert {at(box, f"Sandbox/W9/{v}").rules for v in ("One", "Two")} == {
        frozenset({Rule(grantee, "Read", "Allow"), Rule(grantee, "ExportData", "Deny")})
    }


def test_a_lock_decides_what_it_starts_with(box):
    with tsc(box, "cleo") as server:
        publish(server, box, "Vault")
    assert at(box, "Vault/Book").rules == at(box, "Vault").defaults["workbook"]


def test_without_a_project_it_goes_to_default(box):
    body, kind = multipart(b"<tsRequest><workbook name='Book'/></tsRequest>", "b.twbx", TWBX)
    answer = Raw(box).sign_in().call("POST", "{s}/workbooks", body, headers=kind)
    assert answer.status_code == 201
    assert at(box, "Default/Book").kind == "workbook"


def multipart(payload, file_name, content, part="tableau_workbook"):
    body = (
        b'--e\r\nContent-Disposition: name="request_payload"\r\nContent-Type: text/xml\r\n\r\n'
        + payload
        + b"\r\n--e\r\n"
        b'Content-Disposition: name="' + part.encode() + b'"; filename="' + file_name.encode() + b'"\r\n'
        b"Content-Type: application/octet-stream\r\n\r\n" + content + b"\r\n--e--"
    )
    return body, {"Content-Type": "multipart/mixed; boundary=e"}


def test_in_json(box):
    order = json.dumps({"workbook": {"name": "Book", "showTabs": True, "project": {"id": at(box, "Ops").id}}})
    body, kind = multipart(order.encode(), "b.twbx", TWBX)
    body = body.replace(b"text/xml", b"application/json", 1)
    answer = Raw(box).sign_in("carl").call("POST", "{s}/workbooks", body, headers=kind, json=True)
    made = answer.json()["workbook"]
    assert (answer.status_code, made["showTabs"], made["hasExtracts"]) == (201, "true", True)
    assert [view["name"] for view in made["views"]["view"]] == ["Board", "One", "Two"]


def test_views_are_its_sheets_in_the_order_of_their_tabs(box):
    with tsc(box) as server:
        made = publish(server, box, "Ops", show_tabs=True)
        assert [v.name for v in made.views] == ["Board", "One", "Two"]
        assert [v.content_url for v in made.views] == ["Book/sheets/Board", "Book/sheets/One", "Book/sheets/Two"]
        item = TSC.WorkbookItem(at(box, "Ops").id, "Less")
        item.hidden_views = ["One", "Board"]
        server.workbooks.publish(item, io.BytesIO(TWBX), NEW)
    assert at(box, "Ops/Book").tabs
    assert views(box, "Ops/Less") == ["Two"]
    assert not at(box, "Ops/Less").tabs


def test_a_published_source_behind_it_is_a_fact_of_the_site(box):
    with tsc(box) as server:
        made = publish(server, box, "Ops", content=workbook("S", sources=["D1", "Nowhere"], connection=""))
        server.workbooks.populate_connections(made)
        (found,) = made.connections
        assert (found.connection_type, found.datasource_name, found.embed_password) == ("sqlproxy", "D1", False)
    assert [use.auth for use in at(box, "Ops/Book").uses] == ["prompt"]
    with tsc(box, "egon") as server, pytest.raises(Refused):
        server.workbooks.get_by_id(made.id)


# -- who may, over what ---------------------------------------------------------------------------------------


def test_who_may_publish_where(box):
    expected = {
        ("ada", "Vault"): True,
        ("sam", "Vault"): True,
        ("cleo", "Vault"): True,
        ("carl", "Ops"): True,
        ("eve", "Ops"): True,
        ("egon", "Sandbox"): True,
        ("cleo", "Ops"): False,
        ("egon", "Vault"): False,
        ("vic", "Ops"): False,
        ("vic", "Sandbox"): False,
        ("carl", "Vault"): False,
    }
    found = {}
    for number, (who, where) in enumerate(expected):
        with tsc(box, who) as server:
            try:
                publish(server, box, where, f"Book{number}")
                found[who, where] = True
            except Refused as refused:
                found[who, where] = refused.code[:3] not in ("403", "404")
    assert found == expected


def test_new_data_needs_a_role_that_brings_data(box):
    for publishing in (
        lambda server: publish_source(server, box, "Sandbox"),
        lambda server: server.flows.publish(TSC.FlowItem(at(box, "Sandbox").id, "F"), io.BytesIO(FLOW), NEW),
    ):
        with tsc(box, "egon") as server, pytest.raises(Refused) as refused:
            publishing(server)
        assert refused.value.code.startswith("403")
        with tsc(box, "carl") as server:
            assert publishing(server).owner_id == server.user_id


def test_a_name_that_is_taken(box):
    with tsc(box, "carl") as server:
        first = publish(server, box, "Ops")
        for name in ("Book", "bOOk"):
            with pytest.raises(Refused) as refused:
                publish(server, box, "Ops", name)
            assert refused.value.code == "403007"
        other = publish(server, box, "Sandbox")
    assert (first.content_url, other.content_url) == ("Book", "Book_1")


def test_publishing_over_it_takes_overwrite_and_makes_the_owner(box):
    with tsc(box, "carl") as server:
        made = publish(server, box, "Sandbox")
    with tsc(box, "egon") as server, pytest.raises(Refused) as refused:
        publish(server, box, "Sandbox", mode=OVER)
    assert refused.value.code.startswith("403")
    before = at(box, "Sandbox/Book/One")
    fewer = workbook("One", "Three")
    with tsc(box, "sam") as server:
        again = publish(server, box, "Sandbox", mode=OVER, content=fewer)
        assert (again.id, again.owner_id) == (made.id, server.user_id)
    assert views(box, "Sandbox/Book") == ["One", "Three"]
    after = at(box, "Sandbox/Book/One")
    assert (after.id, after.rules, after.owner) == (before.id, before.rules, at(box, "Sandbox/Book").owner)
    assert at(box, "Sandbox/Book/Three").rules == at(box, "Sandbox/Book").rules


def test_publishing_over_it_with_tabs_overwrites_the_rules_of_views(box):
    with tsc(box, "carl") as server:
        publish(server, box, "Ops", "W2", mode=OVER, content=workbook("V4", "V5", "V6", "V7"), show_tabs=True)
    assert at(box, "Ops/W2").tabs
    assert at(box, "Ops/W2/V6").rules == at(box, "Ops/W2").rules


def test_sources_are_appended_to_and_replaced(box):
    with tsc(box, "carl") as server:
        with pytest.raises(Refused) as refused:
            publish_source(server, box, "Ops", mode="Append")
        assert refused.value.code.startswith("404")
        made = publish_source(server, box, "Ops", content=SOURCE)
        assert not made.has_extracts
        for mode in ("Append", "Overwrite", "Replace"):
            assert publish_source(server, box, "Ops", mode=mode).id == made.id
        server.datasources.populate_revisions(made)
        assert [r.revision_number for r in made.revisions] == ["4", "3", "2", "1"]


def test_credentials_are_told_by_flag_and_never_kept(box):
    link = TSC.ConnectionItem()
    link.server_address = "db.example"
    link.connection_credentials = TSC.ConnectionCredentials("reader", "top-secret", embed=True)
    with tsc(box, "carl") as server:
        made = publish(server, box, "Ops", connections=[link])
        source = publish_source(
            server, box, "Ops", connection_credentials=TSC.ConnectionCredentials("reader", "top-secret", embed=False)
        )
        server.workbooks.populate_connections(made)
        server.datasources.populate_connections(source)
        (first,), (second,) = made.connections, source.connections
        shown = (first.connection_type, first.server_address, first.server_port, first.username, first.database_name)
        assert shown == ("postgres", "db.example", "5432", "reader", "sales")
        assert (first.embed_password, second.embed_password) == (True, False)
    assert "top-secret" not in str(box.state.details(made.id)) + str(box.state.details(source.id))


# -- in parts, as a job ---------------------------------------------------------------------------------------


def test_in_parts(box, tmp_path):
    """The limit above which the client sends parts is a constant of its workbooks and a setting of its data sources."""
    large = packed("b.twb", workbook("Big") + b"<!--" + os.urandom(3_000_000).hex().encode() + b"-->", method=0)
    (tmp_path / "large.twbx").write_bytes(large)
    (tmp_path / "large.tdsx").write_bytes(TDSX)
    script = """
import sys, tableauserverclient as TSC
TSC.server.endpoint.workbooks_endpoint.FILESIZE_LIMIT = 0
url, project, folder = sys.argv[1:]
server = TSC.Server(url, use_server_version=True)
with server.auth.sign_in(TSC.TableauAuth("carl", "carl", "sandbox")):
    made = server.workbooks.publish(TSC.WorkbookItem(project, "Large"), folder + "/large.twbx", "CreateNew")
    server.workbooks.download(made.id, folder + "/back")
    server.datasources.publish(TSC.DatasourceItem(project, "Large"), folder + "/large.tdsx", "CreateNew", as_job=True)
"""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script, box.url, at(box, "Ops").id, str(tmp_path)],
        env={**os.environ, "TSC_FILESIZE_LIMIT_MB": "0", "TSC_CHUNK_SIZE_MB": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "back.twbx").read_bytes() == large
    assert views(box, "Ops/Large".replace("Ops", "workbook:Ops")) == ["Big"]
    counts = box.log.counts()
    assert counts["POST sites/{site}/fileUploads"] == 2
    assert counts["PUT sites/{site}/fileUploads/{upload}"] == -(-len(large) // 2**20) + 1
    assert at(box, "datasource:Ops/Large").kind == "datasource"


def test_uploads_belong_to_who_began_them(box):
    mine, other = Raw(box).sign_in("carl"), Raw(box).sign_in("cleo")
    begun = mine.call("POST", "{s}/fileUploads", json=True).json()["fileUpload"]["uploadSessionId"]
    body, kind = multipart(b"", "f", b"part", part="tableau_file")
    path = "{s}/fileUploads/" + begun
    assert error(other.call("PUT", path, body, headers=kind))[0] == 404
    assert mine.call("PUT", path, body, headers=kind).status_code == 200
    assert error(Raw(box).sign_in("vic").call("POST", "{s}/fileUploads"))[0] == 403
    into = f"<tsRequest><workbook name='B'><project id='{at(box, 'Ops').id}'/></workbook></tsRequest>"
    order, kind = multipart(into.encode(), "", b"", part="none")
    query = "{s}/workbooks?workbookType=twbx&uploadSessionId="
    assert error(mine.call("POST", query + "1:ab-1:0", order, headers=kind))[0] == 404


def test_as_a_job(clock):
    with running("w0", clock=clock, plays=replace(personality(), job_seconds=30)) as box:
        with tsc(box, "carl") as server:
            job = publish(server, box, "Ops", as_job=True)
            assert server.jobs.get_by_id(job.id).completed_at is None
            assert not [c for c in box.site("sandbox").contents.values() if c.name == "Book"]
            clock.now += 31
            done = server.jobs.wait_for_job(job)
            assert (done.type, done.finish_code, done.workbook_id) == ("PublishWorkbook", 0, at(box, "Ops/Book").id)
            again = publish(server, box, "Ops", mode=OVER, as_job=True)
            server.projects.delete(at(box, "Ops").id)
            clock.now += 31
            with pytest.raises(TSC.server.endpoint.exceptions.JobFailedException) as failed:
                server.jobs.wait_for_job(again)
            assert failed.value.job.finish_code == 1
        assert [note.value for note in box.state.jobs[again.id].notes] == ["404005"]


# -- files that are none --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("file_name", "content", "query", "status"),
    [
        ("b.twbx", b"", "", 400),
        ("b.exe", b"x", "", 400),
        ("b.tdsx", b"x", "", 400),
        ("b", b"x", "", 400),
        ("b", b"x", "?workbookType=twbx", 201),
        ("b.twbx", b"no zip", "", 201),
        ("..\\..\\evil.twbx", b"x", "", 201),
        ("b.twbx", b"x", "?overwrite=true&append=true", 400),
    ],
)
def test_what_is_refused_as_a_file(box, file_name, content, query, status):
    body, kind = multipart(b"<tsRequest><workbook name='B'/></tsRequest>", file_name, content)
    answer = Raw(box).sign_in().call("POST", "{s}/workbooks" + query, body, headers=kind)
    assert answer.status_code == status, answer.text
    if status == 201:
        assert views(box, "Default/B") == ["Sheet 1"]
    else:
        error(answer)


@pytest.mark.parametrize(
    "body",
    [
        b"<tsRequest/>",
        b"<tsRequest><datasource name='B'/></tsRequest>",
        b"<tsRequest><workbook/></tsRequest>",
        b"<tsRequest><workbook name=' '/></tsRequest>",
        b"<tsRequest><workbook name='B' showTabs='perhaps'/></tsRequest>",
        b"<tsRequest><workbook name='B'><project id='none'/></workbook></tsRequest>",
    ],
)
def test_what_is_refused_as_an_order(box, body):
    order, kind = multipart(body, "b.twbx", TWBX)
    before = box.site("sandbox")
    assert error(Raw(box).sign_in().call("POST", "{s}/workbooks", order, headers=kind))[0] in (400, 404)
    assert box.site("sandbox").contents == before.contents


def bomb():
    """A package whose document is a thousand times larger than the package."""
    return packed("b.twb", b"<workbook>" + b" " * 40_000_000 + b"</workbook>")


def entities():
    return b"<!DOCTYPE w [<!ENTITY a 'aa'>]><workbook><worksheets><worksheet name='&a;'/></worksheets></workbook>"


@pytest.mark.parametrize(
    "content",
    [b"PK", b"PK\x03\x04" + b"\x00" * 40, TWBX[:-30], bomb(), entities(), b"<workbook>", b"<other/>", b"\xff\xfe"],
    ids=["short", "header", "torn", "bomb", "entities", "open", "other", "bytes"],
)
def test_a_file_that_cannot_be_read_has_one_sheet(content):
    assert packages.opened("b.twbx", content).sheets == ("Sheet 1",)


def test_packages_of_every_compression():
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        assert packages.opened("b.twbx", packed("b.twb", workbook("A"), method=method)).sheets == ("A",)
        damaged = bytearray(packed("b.twb", workbook("A" * 500), method=method))
        damaged[60:90] = b"\x00" * 30
        assert packages.opened("b.twbx", bytes(damaged)).sheets


def test_hidden_sheets_and_federated_connections():
    federated = (
        "<connection class='federated'><named-connections><named-connection>"
        "<connection class='mysql' server='a'/></named-connection></named-connections></connection>"
    )
    document = workbook("A", "B", hidden=["A"], connection=federated)
    found = packages.opened("b.twb", document)
    assert (found.sheets, [link.type for link in found.links], found.has_extracts) == (("B",), ["mysql"], False)
