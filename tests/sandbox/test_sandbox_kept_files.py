"""Published files, tags and sites survive a restart; what nobody needs any more is removed; bounds hold."""

from __future__ import annotations

import io
import os
import signal
import threading
import time
from dataclasses import replace

import pytest
import requests
from sandbox_client import TSC, Raw, error, everything, tsc
from test_sandbox_publishing import OVER, at, multipart, publish, publish_source
from test_sandbox_state import process
from workbook_files import TWBX, packed, workbook

from tabwarden.model.errors import WorldError
from tabwarden.sandbox.http.errors import Refusal
from tabwarden.sandbox.http.server import running
from tabwarden.sandbox.state import blobs
from tabwarden.sandbox.state.blobs import Blobs
from tabwarden.sandbox.state.personality import personality

# The client warns of a setting that it sends itself.
pytestmark = pytest.mark.filterwarnings("ignore:FlowsEnabled")


def kept(state):
    folder = state.with_name(state.name + ".files")
    return sorted(folder.iterdir()) if folder.is_dir() else []


def test_everything_published_is_there_after_a_restart(tmp_path):
    state = tmp_path / "state"
    with running("w0", state=state) as box, tsc(box, "carl") as server:
        book = publish(server, box, "Ops")
        publish(server, box, "Ops", mode=OVER, content=packed("b.twb", workbook("Other")))
        server.workbooks.add_tags(book.id, ["kept"])
        details, site = box.state.details(book.id), box.site("sandbox")
    for _again in range(2):
        with running("w0", state=state) as box:
            assert box.state.details(book.id) == details
            assert box.site("sandbox") == site
            with tsc(box, "carl") as server:
                out = io.BytesIO()
                server.workbooks.download_revision(book.id, "1", out)
                assert out.getvalue() == TWBX
                site = box.site("sandbox")


def test_files_go_with_their_last_revision(tmp_path):
    state = tmp_path / "state"
    with running("w0", state=state) as box, tsc(box, "carl") as server:
        book = publish(server, box, "Ops")
        twin = publish(server, box, "Ops", "Twin")
        assert len(kept(state)) == 1
        publish(server, box, "Ops", mode=OVER, content=packed("b.twb", workbook("Other")))
        server.workbooks.delete_revision(book.id, "1")
        assert len(kept(state)) == 2
        server.workbooks.delete(twin.id)
        assert len(kept(state)) == 1
        with pytest.raises(TSC.ServerResponseError):
            publish(server, box, "Ops")
        assert len(kept(state)) == 1
        server.projects.delete(at(box, "Ops").id)
        assert kept(state) == []


def test_a_waiting_publication_keeps_its_file(tmp_path, clock):
    state, plays = tmp_path / "state", replace(personality(), job_seconds=30)
    with running("w0", state=state, clock=clock, plays=plays) as box, tsc(box, "carl") as server:
        publish(server, box, "Ops", as_job=True)
        assert len(kept(state)) == 1
    clock.now += 31
    with running("w0", state=state, clock=clock, plays=plays) as box, tsc(box, "carl") as server:
        out = io.BytesIO()
        server.workbooks.download(at(box, "Ops/Book").id, out)
        assert out.getvalue() == TWBX
        assert len(kept(state)) == 1


def test_acknowledged_files_survive_kill_9(tmp_path):
    state, acknowledged = tmp_path / "state", {}
    for turn, pause in enumerate((0.15, 0.3)):
        with process("--world", "w0", "--state", state) as (box, child):
            raw = Raw(box).sign_in("carl")
            project = raw.call("GET", "{s}/projects?filter=name:eq:Ops", json=True).json()["projects"]["project"][0]

            def write(raw=raw, turn=turn, project=project):
                for number in range(1000):
                    name, content = f"n{turn}-{number}", os.urandom(2000)
                    order = f"<tsRequest><workbook name='{name}'><project id='{project['id']}'/></workbook></tsRequest>"
                    body, kind = multipart(order.encode(), "b.twbx", content)
                    try:
                        if raw.call("POST", "{s}/workbooks", body, headers=kind).status_code == 201:
                            acknowledged[name] = content
                    except requests.RequestException:
                        return

            writer = threading.Thread(target=write)
            writer.start()
            time.sleep(pause)
            os.kill(child.pid, signal.SIGKILL)
            writer.join()
    assert len(acknowledged) > 10
    with running("w0", state=state) as box:
        raw, site = Raw(box).sign_in("carl"), box.site("sandbox")
        found = {c.name: c.id for c in site.contents.values() if c.name.startswith("n") and c.kind == "workbook"}
        assert acknowledged.keys() <= found.keys()
        assert len(found) <= len(acknowledged) + 2
        for name, content in acknowledged.items():
            assert raw.get(f"{{s}}/workbooks/{found[name]}/content").content == content
        assert len(kept(state)) == len(found)


def test_a_folder_that_is_gone_is_told(tmp_path):
    state = tmp_path / "state"
    with running("w0", state=state) as box, tsc(box, "carl") as server:
        publish(server, box, "Ops")
    for path in kept(state):
        path.rename(tmp_path / "elsewhere")
    with pytest.raises(WorldError, match=r"lacks 1 published files"), running("w0", state=state):
        pass
    (tmp_path / "elsewhere").rename(kept_folder(state) / path.name)
    (kept_folder(state) / "stray").write_bytes(b"x")
    with running("w0", state=state):
        assert [p.name for p in kept(state)] == [path.name]


def kept_folder(state):
    return state.with_name(state.name + ".files")


def test_there_is_an_end_to_what_is_kept(monkeypatch, box):
    monkeypatch.setattr(blobs, "MOST_BYTES", len(TWBX) + 10)
    with tsc(box, "carl") as server:
        book = publish(server, box, "Ops")
        with pytest.raises(TSC.ServerResponseError) as refused:
            publish_source(server, box, "Ops")
        assert refused.value.code == "413000"
        server.workbooks.delete(book.id)
        assert publish_source(server, box, "Ops").id
    held = Blobs()
    held.use(held.keep(b"x" * 10))
    with pytest.raises(Refusal):
        held.keep(b"y" * (len(TWBX) + 1))


def test_there_is_an_end_to_uploads(monkeypatch, box):
    monkeypatch.setattr(blobs, "MOST_UPLOADED", 100)
    monkeypatch.setattr(blobs, "MOST_SESSIONS", 3)
    raw = Raw(box).sign_in("carl")
    begun = [raw.call("POST", "{s}/fileUploads", json=True).json()["fileUpload"] for _ in range(4)]
    assert {upload["fileSize"] for upload in begun} == {"0"}
    body = b'--e\r\nContent-Disposition: name="tableau_file"; filename="f"\r\n\r\n' + b"x" * 60 + b"\r\n--e--"
    kind = {"Content-Type": "multipart/mixed; boundary=e"}
    answers = [raw.call("PUT", f"{{s}}/fileUploads/{u['uploadSessionId']}", body, headers=kind) for u in begun]
    assert [answer.status_code for answer in answers] == [404, 200, 413, 413]
    assert error(answers[2]) == (413, "413000")


def test_sites_come_and_go(tmp_path):
    state = tmp_path / "state"
    with running("w0", state=state) as box, tsc(box) as server:
        made = server.sites.create(TSC.SiteItem("North", "north", admin_mode="ContentOnly", storage_quota=7))
        assert (made.admin_mode, made.storage_quota) == ("ContentOnly", 7)
        for name, url, code in (
            ("north", "other", "409001"),
            ("Other", "NORTH", "409002"),
            ("Other", "sandbox", "409002"),
        ):
            with pytest.raises(TSC.ServerResponseError) as refused:
                server.sites.create(TSC.SiteItem(name, url))
            assert refused.value.code == code
        server.sites.delete(server.site_id)
        with pytest.raises(TSC.FailedSignInError, match="401001"):
            server.auth.sign_in(TSC.TableauAuth("ada", "ada", "sandbox"))
        server.auth.sign_in(TSC.TableauAuth("ada", "ada", "north"))
        with pytest.raises(TSC.ServerResponseError) as refused:
            server.sites.delete(server.site_id)
        assert refused.value.code[:3] == "403"
    with running("w0", state=state) as box:
        assert [s.content_url for s in box.state.sites] == ["north"]
        assert box.state.site_words[made.id]["storageQuota"] == "7"


def test_a_new_site_is_as_tableau_ships_it(box):
    with tsc(box) as server:
        server.sites.create(TSC.SiteItem("North", "north"))
    with tsc(box, site="north") as server:
        site = box.site("north")
        assert [u.name for u in everything(server.users)] == ["ada"]
        assert [g.name for g in everything(server.groups)] == ["All Users"]
        (default,) = everything(server.projects)
        server.projects.populate_permissions(default)
        (rule,) = default.permissions
        assert (rule.grantee.tag_name, rule.capabilities) == ("group", {"Read": "Allow"})
        assert site.default_project_id == default.id
        server.projects.update(default, samples=True)
        assert {w.name for w in everything(server.workbooks)} == {"Superstore", "Regional", "World Indicators"}
        item = server.sites.get_by_id(site.id)
        assert (item.storage, item.num_users) == ("1", "1")


def test_a_site_that_ends_signs_everybody_out(box):
    with tsc(box) as server:
        server.sites.create(TSC.SiteItem("North", "north"))
    there, here = Raw(box).sign_in(site="north"), Raw(box).sign_in()
    assert error(here.call("DELETE", f"sites/{there.site}")) == (403, "403004")
    assert error(here.call("DELETE", "sites/north?key=contentUrl"))[0] == 404
    also = Raw(box).sign_in(site="north")
    assert there.call("DELETE", "{s}").status_code == 204
    assert {error(raw.get("{s}/users"))[1] for raw in (there, also)} == {"401002"}
    assert here.get("{s}/users").status_code == 200
    assert error(here.call("POST", "sites", '<tsRequest><site contentUrl="x"/></tsRequest>')) == (400, "400000")


def test_who_changes_sites(box):
    for who in ("sam", "carl"):
        raw = Raw(box).sign_in(who)
        for method, path in (("POST", "sites"), ("PUT", "{s}"), ("DELETE", "{s}")):
            body = '<tsRequest><site name="X" contentUrl="x"/></tsRequest>' if method != "DELETE" else None
            assert error(raw.call(method, path, body))[0] == 403, (who, method)
    raw = Raw(box).sign_in()
    for words in (
        'adminMode="Both"',
        'state="Asleep"',
        'userQuota="many"',
        'commentingEnabled="maybe"',
        'contentUrl="?"',
    ):
        assert error(raw.call("PUT", "{s}", f"<tsRequest><site {words}/></tsRequest>"))[0] == 400, words
    suspended = raw.call("PUT", "{s}", '<tsRequest><site state="Suspended" tierCreatorCapacity="9"/></tsRequest>')
    assert suspended.status_code == 200
    assert box.site("sandbox").licences == {"Creator": 9}
    body = '<tsRequest><credentials name="{0}" password="{0}"><site contentUrl="sandbox"/></credentials></tsRequest>'
    assert error(raw.call("POST", "auth/signin", body.format("carl"))) == (401, "401001")
    assert raw.call("POST", "auth/signin", body.format("ada")).status_code == 200
