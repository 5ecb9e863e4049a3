"""Malformed input of every kind gets a 4xx of Tableau's shape, and never a traceback, a 5xx or a hang."""

from __future__ import annotations

import gzip
import logging
import socket
import time

import pytest
from line_fuzz import BOMB, OUTSIDE, answers_in, code_of, run
from line_fuzz import exchange as exchange_all
from sandbox_client import Raw, error
from watchdog import patience

from tabwarden.sandbox.http import line as wires
from tabwarden.sandbox.http.server import running

SERVERINFO = b"GET /api/3.27/serverinfo HTTP/1.1\r\nHost: x\r\n\r\n"
FUZZ_REQUESTS = 600


@pytest.fixture(autouse=True)
def quiet(caplog):
    """Nothing that a client sends leaves a trace in our log."""
    caplog.set_level(logging.WARNING)
    yield
    assert [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING] == []


@pytest.fixture(scope="module")
def sturdy():
    with running("w0") as box:
        yield box


@pytest.fixture
def raw(sturdy):
    return Raw(sturdy).sign_in()


# -- chance ---------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_nonsense_by_chance(seed, caplog):
    with running("w0") as box:
        statuses = run(Raw(box).sign_in(), seed, patience(60), FUZZ_REQUESTS)
    assert {200, 400, 401, 404, 405} <= set(statuses)
    assert sum(statuses.values()) > 300


# -- bodies ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("json", [False, True], ids=["xml", "json"])
@pytest.mark.parametrize(
    ("body", "kind", "code"),
    [
        (BOMB, "text/xml", "400000"),
        (OUTSIDE, "text/xml", "400000"),
        ("<tsRequest><user name='x'".encode("utf-16"), "text/xml", "400000"),
        (b"<?xml version='1.0' encoding='latin-9000'?><tsRequest/>", "text/xml", "400000"),
        (b"<tsRequest><user name='\xff'/></tsRequest>", "text/xml", "400000"),
        (b"<a>" * 200_000, "text/xml", "400000"),
        (b'{"user":' * 100_000, "application/json", "400000"),
        (b'{"user":{"name":"\\ud800"}}', "application/json", "400000"),
        (b'{"user":{"name":' + b"9" * 5000 + b"}}", "application/json", "400000"),
        (b'{"user":{"name":"' + b"x" * 70_000 + b'"}}', "application/json", "400000"),
        (b"<tsRequest><user name='" + b"x" * 70_000 + b"'/></tsRequest>", "text/xml", "400000"),
        (b"<tsRequest><user name='x'/></tsRequest>", "application/json", "400000"),
        (b'{"user":{"name":"x"}}', "text/xml", "400000"),
        (b"", "text/xml", "400000"),
        (b" " * 17_000_000, "text/xml", "413000"),
    ],
    ids=lambda v: str(v[:18]) if isinstance(v, bytes) else None,
)
def test_bodies(raw, body, kind, code, json):
    answer = raw.call("POST", "{s}/users", body, json=json, headers={"Content-Type": kind})
    assert error(answer) == (int(code[:3]), code)
    assert ("json" in answer.headers["Content-Type"]) == json


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"--e--", "multipart/mixed; boundary=e"),
        (b"--e\r\nno name\r\n\r\nx\r\n--e--", "multipart/mixed; boundary=e"),
        (b'--e\r\nContent-Disposition: name="tableau_user_import"\r\n\r\na,b', "multipart/mixed; boundary=e"),
        (b'--e\r\nContent-Disposition: name="other"\r\n\r\na\r\n--e--', "multipart/mixed; boundary=e"),
        (b'--e\r\nContent-Disposition: name="tableau_user_import"\r\n\r\n\xff\r\n--e--', "multipart/mixed; boundary=e"),
        (b'--e\r\nContent-Disposition: name="tableau_user_import"\r\n\r\n"a\r\n--e--', "multipart/mixed; boundary=e"),
        (b'--e\r\nContent-Disposition: name="tableau_user_import"\r\n\r\na\0\r\n--e--', "multipart/mixed; boundary=e"),
        (b"a,b,c", "multipart/mixed"),
        (b"a,b,c", "text/csv"),
        (b"a,b,c", "multipart/mixed; boundary=\u00fc".encode()),
    ],
)
def test_multipart(raw, body, kind):
    assert error(raw.call("POST", "{s}/users/import", body, headers={"Content-Type": kind})) == (400, "400000")


@pytest.mark.parametrize(
    "query",
    [
        "filter=userCount:gt:--5",
        "filter=userCount:gt:" + "9" * 5000,
        "filter=name:in:[",
        "filter=nothing",
        "sort=name:sideways",
        "pageSize=0",
        "pageNumber=\u0663",
        "pageSize=1e3",
    ],
)
def test_queries(raw, query):
    assert error(raw.get("{s}/groups?" + query))[0] == 400


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00%2B23:59", "9999-12-31T23:59:59-23:59", "25:61", ""])
def test_moments_that_are_none(raw, moment):
    assert error(raw.get(f"{{s}}/users?filter=lastLogin:gt:{moment}")) == (400, "400000")


ODD_PARTS = ["..%2f..%2fetc%2fpasswd", "%2e%2e", "%00", "%ff", "\u00fc", "%F0%9F%92%A3", "a" * 3000]


@pytest.mark.parametrize("part", ODD_PARTS, ids=ascii)
def test_ids_that_are_none(raw, part):
    for path in (f"{{s}}/users/{part}", f"{{s}}/workbooks/{part}/permissions", f"{{s}}/jobs/{part}"):
        assert error(raw.get(path))[0] == 404


@pytest.mark.parametrize("token", ["x" * 8000, "\u00fc", "a b", "\u202e"])
def test_tokens_that_are_none(raw, token):
    assert error(raw.get("{s}/users", headers={"X-Tableau-Auth": token.encode()})) == (401, "401002")


@pytest.mark.parametrize(
    "jwt", ["x", "a.b.c", "\u00fc.\u00fc.\u00fc", "W1tbW1tb" * 4000, "e30.e30.e30", "eyJhbGciOiJub25lIn0.e30."]
)
def test_tokens_of_an_app_that_are_none(raw, jwt):
    body = f'<tsRequest><credentials jwt="{jwt}"><site contentUrl="sandbox"/></credentials></tsRequest>'
    assert error(raw.call("POST", "auth/signin", body)) == (401, "401001")


# -- the line -------------------------------------------------------------------------------------------------


def exchange(box, sent):
    (answers,) = exchange_all(box.port, [sent])
    return answers


@pytest.mark.parametrize(
    "sent",
    [
        b"nonsense\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n",
        b"POST /api/3.27/auth/signin HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
        b"POST /api/3.27/auth/signin HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef",
        b"POST /api/3.27/auth/signin HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n",
        b"POST /api/3.27/auth/signin HTTP/1.1\r\nHost: x\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc",
        b"GET /api/3.27/serverinfo HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 20_000 + b"\r\n\r\n",
        b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    ],
    ids=lambda sent: str(sent[:24]),
)
def test_what_is_no_request_is_refused_in_tableaus_words(sturdy, sent):
    (status, kind, body), *_more = exchange(sturdy, sent)
    assert status == 400
    assert code_of(kind, body) == 400_000


@pytest.mark.parametrize("target", [b"//[", b"http://[", b"*", b"/api/3.27/%", b"/\xff\xfe", b"?", b"/api/3.27/x#y"])
def test_targets_that_are_none(sturdy, target):
    ((status, kind, body),) = exchange(sturdy, b"GET " + target + b" HTTP/1.1\r\nHost: x\r\n\r\n")
    assert status in (400, 401, 404)
    assert code_of(kind, body) // 1000 == status


def test_a_target_with_scheme_and_host(sturdy):
    told = exchange(sturdy, b"GET http://elsewhere/api/3.27/serverinfo?x=http://y HTTP/1.1\r\nHost: x\r\n\r\n")
    assert [status for status, _kind, _body in told] == [200]


def test_pipelined_requests_are_answered_in_order(sturdy):
    wrong, unknown = SERVERINFO.replace(b"GET", b"PATCH"), SERVERINFO.replace(b"serverinfo", b"nothing")
    sent = SERVERINFO + wrong + unknown + SERVERINFO
    assert [status for status, _kind, _body in exchange(sturdy, sent)] == [200, 405, 404, 200]


def test_a_packet_that_ends_in_nonsense_is_refused_whole(sturdy):
    ((status, kind, body),) = exchange(sturdy, SERVERINFO + b"nonsense\r\n\r\n")
    assert (status, code_of(kind, body)) == (400, 400_000)


def test_chunks_are_put_together(sturdy):
    body = b'<tsRequest><credentials name="ada" password="ada"><site contentUrl="sandbox"/></credentials></tsRequest>'
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(p), p) for p in (body[:7], body[7:50], body[50:])) + b"0\r\n\r\n"
    head = b"POST /api/3.27/auth/signin HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert [status for status, _kind, _body in exchange(sturdy, head + chunks)] == [200]


def test_a_length_that_is_too_short_leaves_the_rest_as_nonsense(sturdy):
    sent = b"POST /api/3.27/auth/signin HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\n<tsRequest/>"
    ((status, kind, body),) = exchange(sturdy, sent)
    assert (status, code_of(kind, body)) == (400, 400_000)


def test_a_body_that_stops_coming_is_given_up(sturdy, monkeypatch):
    monkeypatch.setattr(wires, "BODY_SECONDS", 0.2)
    with socket.create_connection(("127.0.0.1", sturdy.port), timeout=patience(10)) as line:
        line.sendall(b"POST /api/3.27/auth/signin HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\n<ts")
        told = b""
        while chunk := line.recv(4096):
            told += chunk
    ((status, kind, body),) = answers_in(told)
    assert (status, code_of(kind, body)) == (408, 408_000)


def test_half_a_request_keeps_nobody_waiting(sturdy, raw):
    lines = [socket.create_connection(("127.0.0.1", sturdy.port), timeout=patience(10)) for _ in range(50)]
    sent = SERVERINFO + b"POST /api/3.27/auth/signin HTTP/1.1\r\nContent-Length: 9\r\n\r\n"
    try:
        for number, line in enumerate(lines):
            line.sendall(sent[: 10 + number * 3])
        began = time.monotonic()
        assert raw.get("{s}/users").status_code == 200
        assert time.monotonic() - began < 10
    finally:
        for line in lines:
            line.close()


def test_a_client_that_waits_to_be_told_is_told(sturdy):
    with socket.create_connection(("127.0.0.1", sturdy.port), timeout=patience(10)) as line:
        head = b"POST /api/3.27/auth/signin HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 12\r\n\r\n"
        line.sendall(head)
        assert line.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        line.sendall(b"<tsRequest/>")
        assert line.recv(4096).startswith(b"HTTP/1.1 400 ")


def test_a_body_that_unpacks_into_too_much(raw):
    packed = gzip.compress(b" " * (wires.LARGEST_BODY + 1))
    answer = raw.call("POST", "auth/signin", packed, headers={"Content-Encoding": "gzip"})
    assert error(answer) == (413, "413000")


def test_a_client_that_hangs_up_in_the_middle(sturdy, raw):
    sent = b"POST /api/3.27/auth/signin HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\n<tsRequest>"
    for cut in (5, 40, 75):
        with socket.create_connection(("127.0.0.1", sturdy.port), timeout=patience(10)) as line:
            line.sendall(sent[:cut])
    assert raw.get("{s}/users").status_code == 200
