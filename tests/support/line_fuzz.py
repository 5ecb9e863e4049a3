"""Nonsense for the sandbox, grown from a seed: requests of every kind of wrong, and bytes that are no requests.

`python tests/support/line_fuzz.py --seconds 600 --seed 7` runs as long as one likes; the tests run it for a little.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import selectors
import socket
import sys
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from urllib.parse import quote
from xml.etree import ElementTree

from sandbox_client import AT_ODDS, Raw
from watchdog import patience

from tabwarden.sandbox.http.endpoints import TABLE
from tabwarden.sandbox.http.server import running

PATIENCE, QUIET = 80.0, 0.4  # seconds for one step of a connection; without a word after which nothing more comes
Answer = tuple[int, str, bytes]  # status, content type, body
METHODS = ("GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "get", "PURGE")
# Requests that would end the session of the one who asks, or take very long by their nature.
SPARED = ("signout", "switch", "revoke", "serverAdminAccessTokens")
BOMB = (
    b'<?xml version="1.0"?><!DOCTYPE z [<!ENTITY a "aaaaaaaaaa">'
    + b"".join(b'<!ENTITY %c "%s">' % (98 + n, b"&%c;" % (97 + n) * 10) for n in range(9))
    + b"]><tsRequest><user name='&j;'/></tsRequest>"
)
OUTSIDE = b'<!DOCTYPE z [<!ENTITY x SYSTEM "file:///etc/passwd">]><tsRequest><user name="&x;"/></tsRequest>'
XML = b"<tsRequest><%b name='%b' siteRole='%b' contentPermissions='%b' parentProjectId='%b' showTabs='%b'/></tsRequest>"
ELEMENTS = ("user", "group", "project", "workbook", "datasource", "flow", "permissions", "groupSet", "credentials")
ODD = (
    "", " ", "\u00fc", "\u202e", "\U0001f4a3", "a" * 300, "..", "../..", "%2e%2e%2f", "\\", "'", '"', "&", "<", "]]>",
    "null", "true", "-1", "0", "1e999", "99999999999999999999", "Creator", "LockedToProject", "Allow", "x\ty", "a,b",
    "[",
)  # fmt: skip
QUERIES = (
    "pageSize=", "pageSize=0", "pageSize=1001", "pageSize=99999999999999999999", "pageNumber=-1", "pageNumber=\u0663",
    "pageNumber=999999999", "filter=", "filter=:::", "filter=name:eq", "filter=name:in:[", "filter=name:in:x",
    "filter=userCount:gt:--5", "filter=userCount:gt:" + "9" * 5000, "filter=createdAt:gt:0001-01-01T00:00:00%2B23:59",
    "filter=createdAt:gt:9999-12-31T23:59:59-23:59", "filter=lastLogin:lt:yesterday", "filter=name:like:" + "*a" * 200,
    "sort=", "sort=name:up", "sort=,,,", "fields=.", "fields=_all_", "fields=a.b.c", "key=name", "key=zzz", "=&&==;;",
    "%", "%ff%fe", "a[]=1", "mapAssetsTo=nobody", "asJob=maybe", "overwrite=2", "uploadSessionId=..%2f..",
    "x=" + "y" * 7000,
    "resultlevel=all", "ownedBy=perhaps", "includeExtract=?", "publishSamples=1",
)  # fmt: skip
KINDS = (
    "", "text/xml", "application/xml", "application/json", "application/json; charset=utf-16", "text/plain", "json",
    "multipart/mixed", "multipart/mixed; boundary=e", 'multipart/mixed; boundary=""', "multipart/form-data; boundary=e",
    "multipart/mixed; boundary=" + "b" * 5000, "application/x-www-form-urlencoded", "image/png", "\u00fc/\u00fc", ";;;",
)  # fmt: skip
RAW = (
    b"", b"\r\n", b"GET", b"GET /", b"GET / HTTP/1.1\r\n", b"GET / HTTP/9.9\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"\xff" * 100, b"\0" * 5000, b"GET / HTTP/1.1\r\nHost\r\n\r\n",
    b"GET //[ HTTP/1.1\r\nHost: x\r\n\r\n", b"GET http://[ HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /api/3.27/serverinfo HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 20000 + b"\r\n\r\n",
    b"GET /" + b"a" * 20000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /api/3.27/serverinfo HTTP/1.1\r\n" + b"A: b\r\n" * 300 + b"\r\n",
    b"POST /api/3.27/auth/signin HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
    b"POST /api/3.27/auth/signin HTTP/1.1\r\nHost: x\r\nContent-Length: a\r\n\r\n",
    b"POST /api/3.27/auth/signin HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef",
    b"POST /api/3.27/auth/signin HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n",
    b"POST /api/3.27/auth/signin HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n",
    b"POST /api/3.27/auth/signin HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcdef\r\n0\r\n\r\n",
    b"POST /api/3.27/auth/signin HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: rot13\r\n\r\n",
    b"POST /api/3.27/auth/signin HTTP/1.1\r\nHost: x\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc",
    b"POST /api/3.27/auth/signin HTTP/1.1\r\nHost: x\r\nContent-Encoding: br\r\nContent-Length: 3\r\n\r\nabc",
    b"CONNECT other:443 HTTP/1.1\r\nHost: other:443\r\n\r\nabc",
    b"GET /api/3.27/serverinfo HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n\0\1\2",
    b"TRACE / HTTP/1.1\r\nHost: x\r\n\r\n", b"GET /api/3.27/serverinfo HTTP/1.0\r\n\r\n", b"get / http/1.1\r\n\r\n",
    b"GET \xff\xfe HTTP/1.1\r\nHost: \xff\r\n\r\n", b"GET /api/3.27/serverinfo HTTP/1.1\r\nX-\xff: \xff\r\n\r\n",
    b"GET /api/3.27/sites HTTP/1.1\r\nHost: x\r\nX-Tableau-Auth: \xff\xfe\xfd\r\n\r\n",
)  # fmt: skip


QUERIES_OF_METADATA = (
    "{", "{}", "", "query", "{workbooks{name}}", "{workbooks{nothing}}", "{workbooksConnection(first:-1){nodes{name}}}",
    '{workbooksConnection(first:1,after:"???"){nodes{name}}}', "{a:workbooks{name}}" * 50, "{workbooks{" * 3000,
    "query($x:Int!){workbooksConnection(first:$x){totalCount}}", "{__schema{types{name fields{name}}}}", "\u202e",
    "{" * 20_000, "fragment f on Workbook{...f} {workbooks{...f}}", "mutation{x}", "subscription{x}",
    "{workbooks{name @skip(if:1)}}",
)  # fmt: skip


class Fuzz:
    """Nonsense for one sandbox, decided by a seed; `statuses` counts the answers."""

    def __init__(self, raw: Raw, seed: int) -> None:
        self.raw = raw
        self.chance = random.Random(seed)
        self.statuses: Counter[int] = Counter()
        self.port = raw.box.port

    # -- requests that HTTP understands -----------------------------------------------------------------------

    def request(self) -> None:
        """One request with something wrong somewhere; fails unless the answer has Tableau's shape."""
        chance = self.chance
        endpoint = chance.choice(TABLE)
        method = endpoint.method if chance.random() < 0.7 else chance.choice(METHODS)
        path = self._path(endpoint.path)
        if any(word in path for word in SPARED) or (method == "DELETE" and chance.random() < 0.8):
            return
        if method in ("PUT", "DELETE") and endpoint.path == "sites/{site}":
            return
        query = "?" + "&".join(chance.choices(QUERIES, k=chance.randint(1, 3))) if chance.random() < 0.5 else ""
        accept = chance.choice(("", "application/json", "*/*"))
        headers = {"Content-Type": chance.choice(KINDS).encode(), "Accept": accept}
        if chance.random() < 0.1:
            headers["X-Tableau-Auth"] = chance.choice(("", "x", "a" * 4000, "\u00fc")).encode()
        body = self._body()
        said = f"{method} {path}{query[:200]} {headers} {body[:300]!r}"
        answer = self.raw.call(method, path + query, body, headers=headers)
        self.statuses[answer.status_code] += 1
        assert answer.status_code < 500, f"{said}\n{answer.text[:2000]}"
        if answer.status_code >= 400 and method != "HEAD":
            code = code_of(answer.headers["Content-Type"], answer.content)
            assert code // 1000 == answer.status_code or (code, answer.status_code) in AT_ODDS, said

    def metadata(self) -> None:
        """One query of the Metadata API with something wrong; fails unless the answer is JSON without a 5xx."""
        chance = self.chance
        asked = {"query": chance.choice(QUERIES_OF_METADATA), "variables": chance.choice((None, {}, {"x": "y"}, 7))}
        body = chance.choice((json.dumps(asked).encode(), self._body()))
        headers = {"X-Tableau-Auth": chance.choice((self.raw.token, self.raw.token, "x"))}
        url = f"{self.raw.box.url}/api/metadata/graphql"
        answer = self.raw.http.request(
            chance.choice(("POST", "POST", "GET")), url, data=body, headers=headers, timeout=patience(20)
        )
        self.statuses[answer.status_code] += 1
        assert answer.status_code < 500, f"{body[:300]!r}\n{answer.text[:2000]}"
        assert answer.json()

    def _path(self, template: str) -> str:
        site = self.raw.box.site("sandbox")
        known = {"user": list(site.users), "group": list(site.groups), "grantee": list(site.users)}
        known |= {
            "capability": ["Read", "Write"],
            "grantees": ["users", "groups", "groupSets"],
            "mode": ["Allow", "Deny"],
        }

        def filled(found: re.Match[str]) -> str:
            ids = known.get(found[1]) or [c.id for c in site.contents.values() if c.kind == found[1]]
            if found[1] == "site" and self.chance.random() < 0.95:
                return self.raw.site
            if ids and self.chance.random() < 0.75:
                return self.chance.choice(ids)
            return quote(self.chance.choice(ODD), safe="%./") or "-"

        return re.sub(r"\{(\w+)\}", filled, template)

    def _body(self) -> bytes:
        chance = self.chance
        odd = [chance.choice(ODD) for _ in range(5)]
        escaped = [w.replace("&", "&amp;").replace("<", "&lt;").replace("'", "&apos;").encode() for w in odd]
        name = chance.choice(ELEMENTS)
        whole = XML % (name.encode(), *escaped)
        as_json = json.dumps({name: dict(zip(("name", "siteRole", "id", "mode", "x"), odd, strict=True))}).encode()
        deep = chance.choice((50, 5_000, 100_000))
        kinds = (
            b"",
            whole,
            as_json,
            whole[: chance.randint(0, len(whole))],
            as_json[: chance.randint(0, len(as_json))],
            whole.decode().encode("utf-16"),
            as_json.decode().encode("utf-32"),
            whole.decode().encode("cp037", "replace"),
            BOMB,
            OUTSIDE,
            b"<a>" * deep + b"</a>" * deep,
            b'{"a":' * deep + b"1" + b"}" * deep,
            b"[" * deep,
            chance.randbytes(chance.randint(1, 400)),
            b"<tsRequest>" + b"<user name='x'/>" * 3000 + b"</tsRequest>",
            b'{"user":{"name":' + b"9" * 6000 + b"}}",
            b"<tsRequest><permissions><granteeCapabilities><user id='x'/></granteeCapabilities></permissions>",
            b'{"permissions":{"granteeCapabilities":[{"user":{"id":"x"},"capabilities":{"capability":[{}]}}]}}',
            self._multipart(whole),
        )
        return chance.choice(kinds)

    def _multipart(self, payload: bytes) -> bytes:
        chance = self.chance
        names = ("request_payload", *(f"tableau_{n}" for n in ("user_import", "user_delete", "workbook", "file")), "x")
        files = (payload, b"a,b\0c\n", b'"open', b"a" * 140_000, b"\r", "\u00fc".encode("latin-1"), b"PK\3\4")
        body = b""
        for _ in range(chance.randint(0, 3)):
            named = f'name="{chance.choice(names)}"; filename="{chance.choice(ODD)}"'.encode()
            start, blank = chance.choice((b"--e", b"--f", b"e")), chance.choice((b"\r\n", b""))
            body += b"%b\r\nContent-Disposition: %b\r\n%b%b\r\n" % (start, named, blank, chance.choice(files))
        return body + chance.choice((b"--e--", b"--e--\r\n", b"--e", b""))

    # -- bytes ------------------------------------------------------------------------------------------------

    def lines(self, number: int = 25) -> None:
        """Bytes on fresh connections, perhaps two kinds behind each other; fails when an answer is a 5xx or shapeless.

        Whether something hangs shows in the request after it.
        """
        said = [self._bytes() for _ in range(number)]
        for sent, answers in zip(said, exchange(self.port, said), strict=True):
            for status, kind, body in answers:
                self.statuses[status] += 1
                assert status < 500, f"{sent[:300]!r}\n{body[:2000]!r}"
                if status >= 400 and body:
                    assert code_of(kind, body) // 1000 == status, sent[:300]
        assert self.raw.get("serverinfo").status_code == 200

    def _bytes(self) -> bytes:
        sent = b"".join(self.chance.choices(RAW, k=self.chance.choice((1, 1, 2))))
        if self.chance.random() < 0.3 and sent:
            place = self.chance.randrange(len(sent))
            sent = sent[:place] + self.chance.randbytes(1) + sent[place + 1 :]
        return sent


def exchange(port: int, said: Sequence[bytes]) -> list[list[Answer]]:
    """Send each on a connection of its own; the answers until all connections have ended or been quiet for a while."""
    told = dict.fromkeys(range(len(said)), b"")
    with ExitStack() as stack:
        watched = stack.enter_context(selectors.DefaultSelector())
        for number, sent in enumerate(said):
            line = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=PATIENCE))
            watched.register(line, selectors.EVENT_READ, number)
            with suppress(OSError):
                line.sendall(sent)
        while watched.get_map() and (ready := watched.select(QUIET)):
            for key, _events in ready:
                chunk = b""
                with suppress(ConnectionError):
                    chunk = key.fileobj.recv(65536)
                told[key.data] += chunk
                if not chunk:
                    watched.unregister(key.fileobj)
    return [answers_in(words) for words in told.values()]


def answers_in(told: bytes) -> list[Answer]:
    """Status, content type and body of each answer in what a server said."""
    found: list[Answer] = []
    while told:
        head, _blank, rest = told.partition(b"\r\n\r\n")
        match = re.match(rb"HTTP/\d\.\d (\d{3})", head)
        assert match is not None, told[:300]
        length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
        kind = re.search(rb"content-type: ([^\r]+)", head, re.IGNORECASE)
        size = int(length[1]) if length else 0
        found.append((int(match[1]), kind[1].decode() if kind else "", rest[:size]))
        told = rest[size:] if rest[:5] != b"HTTP/" else rest
    return found


def code_of(kind: str, body: bytes) -> int:
    """The six digits of an error in Tableau's shape."""
    if "json" in kind:
        return int(json.loads(body)["error"]["code"])
    assert "xml" in kind, (kind, body[:300])
    error = ElementTree.fromstring(body).find("{http://tableau.com/api}error")
    assert error is not None, body[:300]
    return int(error.get("code", "0"))


def run(raw: Raw, seed: int, seconds: float, most: int = sys.maxsize) -> Counter[int]:
    """Nonsense of both kinds until the time or the number is up; the statuses of the answers."""
    fuzz = Fuzz(raw, seed)
    until = time.monotonic() + seconds
    for number in range(most):
        if time.monotonic() > until:
            break
        if number % 100 == 0:
            fuzz.lines()
        elif number % 10 == 5:
            fuzz.metadata()
        else:
            fuzz.request()
    return fuzz.statuses


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    given = parser.parse_args()
    print(f"seed {given.seed}")
    with running("w0") as box:
        counted = run(Raw(box).sign_in(), given.seed, given.seconds)
    print(", ".join(f"{status}: {number}" for status, number in sorted(counted.items())))
