"""Downloads, placeholders, revisions, connections, tags and extracts with Tableau's own client, and who may."""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace

import openpyxl
import pytest
from sandbox_client import TSC, Raw, by_name, error, everything, tsc
from test_sandbox_publishing import NEW, OVER, at, publish, publish_source
from workbook_files import FLOW, TDSX, TWBX, packed, workbook

from tabwarden.sandbox.http.server import running
from tabwarden.sandbox.state.personality import personality
from tabwarden.sandbox.state.server_state import MOST_REVISIONS

Refused = TSC.ServerResponseError
# What may be asked of a view and of a workbook, and the type of the answer.
OF_VIEW = {
    "image": "image/png",
    "pdf": "application/pdf",
    "data": "text/csv",
    "crosstab/excel": "application/vnd.openx",
}
OF_WORKBOOK = {"pdf": "application/pdf", "powerpoint": "application/vnd.openx", "previewImage": "image/png"}


def code(answer):
    return answer.status_code if answer.status_code == 200 else error(answer)[0]


# -- the file itself ------------------------------------------------------------------------------------------


def test_what_was_published_comes_back(box, tmp_path):
    with tsc(box, "carl") as server:
        book, source = publish(server, box, "Ops"), publish_source(server, box, "Ops")
        flow = server.flows.publish(TSC.FlowItem(at(box, "Ops").id, "Flow"), io.BytesIO(FLOW), NEW)
        for endpoint, item, content, extension in (
            (server.workbooks, book, TWBX, "twbx"),
            (server.datasources, source, TDSX, "tdsx"),
            (server.flows, flow, FLOW, "tflx"),
        ):
            place = endpoint.download(item.id, str(tmp_path / item.name))
            assert place.endswith(f"{item.name}.{extension}")
            assert (tmp_path / f"{item.name}.{extension}").read_bytes() == content


def test_what_came_with_the_world_opens_and_can_be_published_again(box, tmp_path):
    with tsc(box, "carl") as server:
        place = server.workbooks.download(at(box, "Ops/W1").id, str(tmp_path))
        assert place.endswith("W1.twbx")
        again = server.workbooks.publish(TSC.WorkbookItem(at(box, "Sandbox").id), place, NEW)
        assert [v.name for v in again.views] == ["V1", "V2", "V3"]
        assert at(box, "Sandbox/W1").uses == at(box, "Ops/W1").uses


def test_a_name_that_no_header_can_carry(box, tmp_path):
    name = 'Zürich "A"; b/\u4e2d'
    with tsc(box, "carl") as server:
        made = publish(server, box, "Ops", name)
        out = io.BytesIO()
        server.workbooks.download(made.id, out)
        assert out.getvalue() == TWBX
        assert server.workbooks.download(made.id, str(tmp_path)).endswith(".twbx")
    answer = Raw(box).sign_in().get(f"{{s}}/workbooks/{made.id}/content")
    assert "filename*=UTF-8''Z%C3%BCrich" in answer.headers["Content-Disposition"]


def test_who_downloads(box):
    ids = {name: at(box, f"{path}").id for name, path in (("W1", "Ops/W1"), ("W3", "Vault/W3"), ("D1", "Ops/D1"))}
    expected = {
        "ada": {"W1": 200, "W3": 200, "D1": 200},
        "carl": {"W1": 200, "W3": 403, "D1": 200},
        "cleo": {"W1": 403, "W3": 200, "D1": 403},
        "eve": {"W1": 200, "W3": 403, "D1": 200},
        "egon": {"W1": 403, "W3": 403, "D1": 403},
        "vic": {"W1": 403, "W3": 403, "D1": 403},
    }
    found = {}
    for who in expected:
        raw = Raw(box).sign_in(who)
        plural = {"W": "workbooks", "D": "datasources"}
        found[who] = {n: code(raw.get(f"{{s}}/{plural[n[0]]}/{i}/content")) for n, i in ids.items()}
    assert found == expected


# -- what Tableau would render --------------------------------------------------------------------------------


def test_placeholders_are_files_of_their_type(box):
    with tsc(box, "carl") as server:
        book = publish(server, box, "Ops")
        server.workbooks.populate_views(book)
        view = book.views[0]
        server.views.populate_image(view, TSC.ImageRequestOptions(imageresolution="high", maxage=1))
        server.views.populate_pdf(view, TSC.PDFRequestOptions(page_type="a4", orientation="landscape"))
        options = TSC.CSVRequestOptions(maxage=1)
        options.vf("Region", "West, or so")
        server.views.populate_csv(view, options)
        server.views.populate_excel(view)
        server.views.populate_preview_image(view)
        server.workbooks.populate_pdf(book)
        server.workbooks.populate_powerpoint(book)
        server.workbooks.populate_preview_image(book)
        assert {view.image[:8], view.preview_image[:8], book.preview_image[:8]} == {b"\x89PNG\r\n\x1a\n"}
        assert view.pdf.startswith(b"%PDF")
        assert book.pdf.count(b"/Type/Page/") == 3
        assert b"".join(view.csv).decode().splitlines() == ["Workbook,View,Region", 'Book,Board,"West, or so"']
        sheet = openpyxl.load_workbook(io.BytesIO(b"".join(view.excel))).active
        assert list(sheet.values) == [("Workbook", "View"), ("Book", "Board")]
        assert "ppt/presentation.xml" in zipfile.ZipFile(io.BytesIO(book.powerpoint)).namelist()


@pytest.mark.parametrize(
    ("who", "path", "granted"),
    [
        ("carl", "Ops/W2/V4", "image pdf data crosstab/excel"),
        ("cleo", "Ops/W2/V4", "image pdf data crosstab/excel"),
        ("cleo", "Ops/W2/V5", None),
        ("egon", "Ops/W2/V4", ""),
        ("egon", "Ops/W2/V6", "image pdf data crosstab/excel"),
        ("egon", "Ops/W2/V7", None),
        # Explore on the workbook, but no access to the data source behind it.
        ("egon", "Ops/W1/V1", ""),
        ("vic", "Vault/W3/V8", ""),
        ("una", "Ops/W2/V4", None),
    ],
)
def test_who_gets_which_rendering(box, who, path, granted):
    """`granted` None: the view is hidden from that person."""
    with_grant = "vic" if who == "una" else who
    if who == "una":
        with tsc(box) as server:
            vic = by_name(everything(server.users), "vic")
            vic.site_role = "Unlicensed"
            raw = Raw(box).sign_in(with_grant)
            server.users.update(vic)
    else:
        raw = Raw(box).sign_in(with_grant)
    view = at(box, path).id
    answers = {what: raw.get(f"{{s}}/views/{view}/{what}") for what in OF_VIEW}
    if granted is None:
        assert {code(a) for a in answers.values()} == {403}
        return
    assert " ".join(what for what, a in answers.items() if code(a) == 200) == granted
    for what, kind in OF_VIEW.items():
        if answers[what].status_code == 200:
            assert answers[what].headers["Content-Type"].startswith(kind)
            assert answers[what].headers["Content-Disposition"].startswith("attachment; filename=")
        else:
            assert error(answers[what])[0] == 403


def test_a_denied_export_of_data_leaves_the_image(box):
    with tsc(box) as server:
        finance = by_name(everything(server.groups), "Finance")
        view = server.views.get_by_id(at(box, "Ops/W2/V4").id)
        server.views.delete_permission(view, TSC.PermissionsRule(finance, {"ExportData": "Allow"}))
        server.views.update_permissions(view, [TSC.PermissionsRule(finance, {"ExportData": "Deny"})])
    raw = Raw(box).sign_in("cleo")
    answers = {what: code(raw.get(f"{{s}}/views/{view.id}/{what}")) for what in OF_VIEW}
    assert answers == {"image": 200, "pdf": 200, "data": 403, "crosstab/excel": 403}


def test_files_say_what_they_are_and_errors_stay_errors(box):
    raw = Raw(box).sign_in("carl")
    for what, kind in OF_WORKBOOK.items():
        answer = raw.get(f"{{s}}/workbooks/{at(box, 'Ops/W1').id}/{what}", headers={"Accept": "application/json"})
        assert answer.headers["Content-Type"].startswith(kind)
    assert error(raw.get("{s}/workbooks/none/pdf", json=True)) == (404, "404006")
    wrong = f"{{s}}/workbooks/{at(box, 'Ops/W1').id}/views/{at(box, 'Ops/W2/V4').id}/previewImage"
    assert error(raw.get(wrong))[0] == 404


# -- revisions ------------------------------------------------------------------------------------------------


def test_revisions(box, tmp_path):
    older, newer = packed("b.twb", workbook("Old")), packed("b.twb", workbook("New"))
    with tsc(box, "carl") as server:
        book = publish(server, box, "Ops", content=older)
        publish(server, box, "Ops", mode=OVER, content=newer)
        server.workbooks.populate_revisions(book)
        assert [(r.revision_number, r.current, r.user_name) for r in book.revisions] == [
            ("2", True, "carl"),
            ("1", False, "carl"),
        ]
        server.workbooks.download_revision(book.id, "1", str(tmp_path / "old"))
        assert (tmp_path / "old.twbx").read_bytes() == older
        with pytest.raises(Refused) as refused:
            server.workbooks.delete_revision(book.id, "2")
        assert refused.value.code.startswith("403")
        server.workbooks.delete_revision(book.id, "1")
        with pytest.raises(Refused) as refused:
            server.workbooks.download_revision(book.id, "1", str(tmp_path))
        assert refused.value.code.startswith("404")
        publish(server, box, "Ops", mode=OVER, content=older)
        server.workbooks.populate_revisions(book)
        assert [r.revision_number for r in book.revisions] == ["3", "2"]
    for who, status in (("cleo", 403), ("vic", 403), ("egon", 403), ("eve", 200), ("sam", 200)):
        assert code(Raw(box).sign_in(who).get(f"{{s}}/workbooks/{book.id}/revisions")) == status, who


def test_what_came_with_the_world_is_the_first_revision(box):
    w2 = at(box, "Ops/W2")
    with tsc(box, "carl") as server:
        item = server.workbooks.get_by_id(w2.id)
        server.workbooks.populate_revisions(item)
        assert [(r.revision_number, r.current) for r in item.revisions] == [("1", True)]
        publish(server, box, "Ops", "W2", mode=OVER)
        server.workbooks.populate_revisions(item)
        assert [r.revision_number for r in item.revisions] == ["2", "1"]
        out = io.BytesIO()
        server.workbooks.download_revision(w2.id, "1", out)
        assert zipfile.is_zipfile(out)


def test_the_oldest_revisions_go(box):
    with tsc(box, "carl") as server:
        source = publish_source(server, box, "Ops")
        for number in range(MOST_REVISIONS + 4):
            publish_source(server, box, "Ops", mode=OVER, content=packed(f"{number}.tds", b"<datasource/>"))
        server.datasources.populate_revisions(source)
        assert [r.revision_number for r in source.revisions] == [str(n) for n in range(MOST_REVISIONS + 5, 5, -1)]


# -- connections, tags, extracts ------------------------------------------------------------------------------


def test_connections_are_changed(box):
    with tsc(box, "carl") as server:
        book = publish(server, box, "Ops", content=workbook("S", sources=["D1"]))
        server.workbooks.populate_connections(book)
        by_type = {c.connection_type: c for c in book.connections}
        assert set(by_type) == {"sqlproxy", "postgres"}
        external = by_type["postgres"]
        external.server_address, external.username, external.password = "other.example", "writer", "secret"
        external.embed_password = True
        changed = server.workbooks.update_connection(book, external)
        assert (changed.server_address, changed.username, changed.embed_password) == ("other.example", "writer", True)
        together = server.workbooks.update_connections(book, [c.id for c in book.connections], embed_password=True)
        assert len(together) == 2
        server.workbooks.populate_connections(book)
        assert [c.embed_password for c in book.connections] == [True, True]
        with pytest.raises(Refused) as refused:
            server.workbooks.update_connections(book, ["none"], embed_password=False)
        assert refused.value.code.startswith("404")
    assert [use.auth for use in at(box, "Ops/Book").uses] == ["embed"]
    with tsc(box, "cleo") as server, pytest.raises(Refused) as refused:
        server.workbooks.update_connection(book, external)
    assert refused.value.code.startswith("403")


def test_tags(box):
    with tsc(box, "carl") as server:
        w1 = server.workbooks.get_by_id(at(box, "Ops/W1").id)
        w1.tags = {"north", "two words", "a,b"}
        server.workbooks.update(w1)
        assert server.workbooks.get_by_id(w1.id).tags == {"north", "two words", "a,b"}
        assert [w.name for w in server.workbooks.filter(tags="two words")] == ["W1"]
        w1.tags = {"north"}
        server.workbooks.update(w1)
        assert server.workbooks.get_by_id(w1.id).tags == {"north"}
        assert server.views.add_tags(at(box, "Ops/W1/V1").id, "south") == {"south"}
        server.views.delete_tags(at(box, "Ops/W1/V1").id, "south")
        assert server.datasources.add_tags(at(box, "Ops/D1").id, ["x", "y"]) == {"x", "y"}
    raw, path = Raw(box).sign_in("cleo"), f"{{s}}/workbooks/{at(box, 'Ops/W1').id}/tags"
    unquoted = '<tsRequest><tags><tag label="one two,three"/></tags></tsRequest>'
    added = raw.call("PUT", path, unquoted, json=False)
    assert added.status_code == 200
    assert box.state.details(at(box, "Ops/W1").id).tags == {"north", "one", "two", "three"}
    for label in ("", " ", "x" * 300, "a&#10;b", "&quot;a&#10;b"):
        body = f'<tsRequest><tags><tag label="{label}"/></tags></tsRequest>'
        assert raw.call("PUT", path, body).status_code in (200, 400)
    stranger = Raw(box).sign_in("egon")
    assert error(stranger.call("PUT", f"{{s}}/workbooks/{at(box, 'Vault/W3').id}/tags", unquoted))[0] == 403


def test_extracts_as_jobs(box):
    with tsc(box) as server:
        book, d1 = publish(server, box, "Ops"), at(box, "Ops/D1").id
        assert server.workbooks.get_by_id(book.id).has_extracts
        server.datasources.create_extract(d1, encrypt=True)
        source = server.datasources.get_by_id(d1)
        assert (source.has_extracts, source.encrypt_extracts) == (True, True)
        server.sites.decrypt_extracts(server.site_id)
        assert not server.datasources.get_by_id(d1).encrypt_extracts
        server.sites.encrypt_extracts(server.site_id)
        assert server.workbooks.get_by_id(book.id).encrypt_extracts
        server.workbooks.delete_extract(server.workbooks.get_by_id(book.id))
        assert not server.workbooks.get_by_id(book.id).has_extracts
        job = server.jobs.wait_for_job(server.datasources.refresh(d1))
        assert (job.type, job.datasource_id, job.finish_code) == ("RefreshExtract", d1, 0)
        flow = server.flows.publish(TSC.FlowItem(at(box, "Ops").id, "Flow"), io.BytesIO(FLOW), NEW)
        assert server.flows.refresh(flow).type == "RunFlow"
    for who, path, status in (("cleo", "Ops/W2", 403), ("egon", "Vault/W3", 403), ("carl", "Ops/W2", 202)):
        asked = f"{{s}}/workbooks/{at(box, path).id}/refresh"
        assert Raw(box).sign_in(who).call("POST", asked, "<tsRequest/>").status_code == status


def test_a_refresh_that_waits_is_a_conflict(clock):
    with running("w0", clock=clock, plays=replace(personality(), job_seconds=30)) as box, tsc(box) as server:
        d1 = at(box, "Ops/D1").id
        assert server.datasources.refresh(d1) is not None
        assert server.datasources.refresh(d1) is None  # 409093, which the client takes for an answer
        clock.now += 31
        assert server.datasources.refresh(d1) is not None
