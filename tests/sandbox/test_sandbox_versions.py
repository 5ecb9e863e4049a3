"""API versions, routing, what is refused before any handler runs, the request log, and the coverage page."""

from __future__ import annotations

import json
import socket

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sandbox_client import TSC, Raw, error
from watchdog import patience

from tabwarden.model.errors import UnknownName
from tabwarden.sandbox.http import errors
from tabwarden.sandbox.http.endpoints import TABLE
from tabwarden.sandbox.http.server import running
from tabwarden.sandbox.state.personality import PRODUCT_OF_API, personality


@pytest.mark.parametrize("version", sorted(PRODUCT_OF_API))
def test_every_version_signs_in_and_lists(clock, version):
    with running("w0", clock=clock, plays=personality("server", version)) as box:
        server = TSC.Server(box.url, use_server_version=True)
        with server.auth.sign_in(TSC.TableauAuth("ada", "ada", "sandbox")):
            assert server.version == version
            assert server.users.get()[1].total_available == 8


def test_a_version_above_the_servers_is_unknown(clock):
    with running("w0", clock=clock, plays=personality("server", "3.11")) as box:
        raw = Raw(box, version="3.11").sign_in()
        assert raw.get("{s}/users").status_code == 200
        assert error(raw.get("{s}/users", version="3.12")) == (404, "404003")
        assert raw.get("serverinfo", version="3.12").status_code == 200


def test_a_client_of_3_18_gets_no_attribute_that_it_breaks_at(clock):
    """tableau_utilities 2.2.15 lists data sources of API 3.18 into a class that knows no `size`."""
    with running("w0", clock=clock) as box:
        raw = Raw(box).sign_in()
        for version, shown in (("3.18", False), ("3.27", True)):
            listed = raw.get("{s}/datasources", version=version, json=True).json()["datasources"]["datasource"]
            assert [("size" in one) for one in listed] == [shown] * len(listed)


@pytest.mark.parametrize(
    ("setting", "since", "before", "value"),
    [
        ("flowsEnabled", "3.4", "3.1", "false"),
        ("extractEncryptionMode", "3.11", "3.4", "disabled"),
        ("catalogingEnabled", "3.11", "3.4", "false"),
        ("metricsContentTypeEnabled", "3.11", "3.4", "false"),
        ("editingFlowsEnabled", "3.11", "3.4", "false"),
    ],
)
def test_a_site_has_no_settings_of_what_came_later(raw, setting, since, before, value):
    signed_in = raw.sign_in()
    for version, known in ((before, False), (since, True)):
        answer = signed_in.get("{s}", version=version, json=True).json()["site"]
        assert (setting in answer) == known
        changed = signed_in.call("PUT", "{s}", f"<tsRequest><site {setting}='{value}'/></tsRequest>", version=version)
        assert (changed.status_code == 200) == known, changed.text


def test_what_came_later_is_unknown_before(clock):
    with running("w0", clock=clock) as box:
        raw = Raw(box).sign_in()
        assert raw.get("{s}/groupsets", version="3.22").status_code == 200
        assert error(raw.get("{s}/groupsets", version="3.21")) == (404, "404003")
        assert raw.get("{s}/users", version="-").status_code == 200
        assert raw.get("{s}/users", version="exp").status_code == 200


@pytest.mark.parametrize("version", ["3", "x.y", "3.x", "", "3.27.1"])
def test_versions_that_are_none(raw, version):
    assert raw.http.get(f"{raw.box.url}/api/{version}/serverinfo", timeout=patience(10)).status_code == 404


def test_personalities_by_name():
    assert personality("cloud", "3.24").product_version == "2024.3.0"
    for wrong in (("desktop", None), ("server", "9.9")):
        with pytest.raises(UnknownName, match="`"):
            personality(*wrong)


def test_a_wrong_method_is_405000_and_an_unknown_path_404003(raw):
    assert error(raw.call("PATCH", "{s}/users")) == (405, "405000")
    assert error(raw.call("DELETE", "{s}/users")) == (405, "405000")
    for path in ("{s}/nonsense", "{s}/users/a/b/c/d/e", "nonsense", "{s}/users//groups"):
        assert error(raw.get(path)) == (404, "404003"), path
    for path in ("/", "/api", "/api/", "/api/3.27", "/api/3.27/", "/elsewhere"):
        assert raw.http.get(raw.box.url + path, timeout=patience(10)).status_code == 404, path


def test_an_address_that_ends_in_a_slash(box):
    server = TSC.Server(f"{box.url}/", use_server_version=True)
    with server.auth.sign_in(TSC.TableauAuth("ada", "ada", "sandbox")):
        assert server.version == "3.27"
        assert server.users.get()[1].total_available == 8
        assert server.metadata.query("{ workbooks { name } }")["data"]["workbooks"]
    assert {entry.endpoint for entry in box.log.entries} >= {"GET serverinfo", "POST auth/signin"}


def test_the_last_path_part_may_hold_anything(raw):
    for part in ("%2e%2e", "a%2Fb", "%00", "ü", "'", "%", "x" * 3000):
        assert error(raw.get(f"{{s}}/users/{part}"))[0] == 404


PATHS = st.sampled_from([e.path for e in TABLE])
BODIES = st.one_of(
    st.binary(max_size=60),
    st.sampled_from(
        [
            b"<tsRequest><user/></tsRequest>",
            b"<tsRequest><group/></tsRequest>",
            b"<tsRequest><project/></tsRequest>",
            b"<tsRequest><workbook showTabs='?'/></tsRequest>",
            b"<tsRequest><permissions><granteeCapabilities/></permissions></tsRequest>",
            b'{"user":{"name":1,"siteRole":null}}',
            b'{"project":[{"name":"x"},{"name":"y"}]}',
            b'{"permissions":{"granteeCapabilities":[{}]}}',
        ]
    ),
)


@pytest.fixture(scope="module")
def sturdy():
    with running("w0") as box:
        yield Raw(box).sign_in()


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    method=st.sampled_from(["GET", "POST", "PUT", "DELETE"]),
    path=PATHS,
    body=BODIES,
    kind=st.sampled_from(["", "text/xml", "application/json", "multipart/mixed; boundary=e", "multipart/mixed"]),
    query=st.sampled_from(["", "?pageSize=a", "?filter=:::", "?filter=name:in:[", "?sort=,", "?fields=.,", "?key=x"]),
)
def test_whatever_comes_the_answer_has_tableaus_shape(sturdy, method, path, body, kind, query):
    site = sturdy.box.site("sandbox")
    ids = {c.kind: c.id for c in site.contents.values()}
    ids |= {"site": sturdy.site, "user": site.find_user("vic").id, "group": site.find_group("Sales").id}
    for name, value in ids.items():
        path = path.replace(f"{{{name}}}", value)
    if "signout" in path or (method == "DELETE" and "/permissions" not in path) or "switch" in path:
        return
    answer = sturdy.call(method, path + query, body, headers={"Content-Type": kind})
    assert answer.status_code < 500, answer.text
    if answer.status_code >= 400:
        error(answer)


def test_a_body_that_is_too_large_is_refused_before_it_is_read(box):
    with socket.create_connection(("127.0.0.1", box.port), timeout=patience(10)) as line:
        line.sendall(b"POST /api/3.27/auth/signin HTTP/1.1\r\nHost: x\r\nContent-Length: 200000000\r\n\r\n<tsRequest")
        assert b" 413 " in line.recv(200)


# -- the log --------------------------------------------------------------------------------------------------


def test_every_request_is_logged_with_endpoint_status_and_user(box, raw):
    box.log.clear()
    raw.get("{s}/users")
    raw.get("{s}/users/nobody")
    raw.get("nonsense")
    raw.call("POST", "{s}/groups", '<tsRequest><group name="X"/></tsRequest>')
    found = [(e.method, e.endpoint, e.status, e.user, e.site) for e in box.log.entries]
    assert found == [
        ("GET", "GET sites/{site}/users", 200, "ada", "sandbox"),
        ("GET", "GET sites/{site}/users/{user}", 404, "ada", "sandbox"),
        ("GET", "", 404, "", ""),
        ("POST", "POST sites/{site}/groups", 201, "ada", "sandbox"),
    ]
    assert box.log.counts()["GET sites/{site}/users"] == 1
    assert [e.endpoint for e in box.log.writes()] == ["POST sites/{site}/groups"]
    counts = raw.http.get(f"{box.url}/sandbox/counts", timeout=patience(10)).json()
    assert counts["POST sites/{site}/groups"] == 1
    assert raw.http.get(f"{box.url}/sandbox/log", timeout=patience(10)).status_code == 403
    log = raw.http.get(f"{box.url}/sandbox/log", headers={"X-Tableau-Auth": raw.token}, timeout=patience(10)).json()
    assert [e["status"] for e in log] == [200, 404, 404, 201]
    cleo = Raw(box).sign_in("cleo").token
    assert (
        raw.http.get(f"{box.url}/sandbox/log", headers={"X-Tableau-Auth": cleo}, timeout=patience(10)).status_code
        == 403
    )


def test_no_repr_no_log_and_no_refusal_tells_a_secret(tmp_path):
    log = tmp_path / "log.jsonl"
    with running("w0", log_to=log) as box:
        body = '<tsRequest><credentials name="ada" password="hidden-word"><site contentUrl="sandbox"/></credentials>'
        refused = Raw(box).call("POST", "auth/signin", body + "</tsRequest>")
        raw = Raw(box).sign_in()
        raw.get("{s}/users")
        state = box.state
        shown = repr([state.accounts, state.tokens, state.apps, box.sessions.of(raw.token)])
    assert refused.status_code == 401
    assert "hidden-word" not in refused.text + log.read_text()
    assert raw.token not in log.read_text() + shown
    assert "password" not in shown
    assert "sandbox-connected-app-secret" not in shown
    assert [json.loads(line)["status"] for line in log.read_text().splitlines()] == [401, 200, 200]


# -- the tables -----------------------------------------------------------------------------------------------


def test_codes_begin_with_their_status_and_are_marked():
    for code in errors.CODES.values():
        assert code.code.startswith(str(code.status))
        assert code.mark in "VDB"
        assert code.source


def test_reasons_have_codes_and_words():
    for name, reason in errors.REASONS.items():
        assert reason.code in errors.CODES, name
        assert "refused:" not in errors.because(name).detail or name == "unlicensed"


def test_the_table_has_no_two_lines_alike_and_says_what_each_does():
    assert len({e.name for e in TABLE}) == len(TABLE)
    assert all(e.does for e in TABLE)
