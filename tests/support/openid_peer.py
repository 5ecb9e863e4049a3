"""An OpenID provider that others wrote, and one that lies. Not a test.

`peer` runs npm's oidc-provider (tests/web/peers/provider.mjs); `liar` speaks as a provider does and hands out whatever
ID token it is told to, so that forged ones can be tried.
"""

from __future__ import annotations

import base64
import json
import re
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey
from paths import ROOT

MODULES = ROOT / ".venv" / "node"
SECRET = "a secret: of+the/pages"


@dataclass
class Peer:
    """A provider that runs: its issuer, and a client that trusts its certificate."""

    issuer: str
    verify: Any = True

    def control(self, path: str) -> None:
        """Turn its key or its clock."""
        assert httpx.post(f"{self.issuer}/control/{path}", verify=self.verify).status_code == 200


@contextmanager
def peer(url: str, folder: Path | None = None, **more: Any) -> Iterator[Peer]:
    """oidc-provider for pages at `url`; over TLS with `cert` and `key` (files) of a certificate for localhost."""
    node = shutil.which("node")
    if node is None or not (MODULES / "node_modules" / "oidc-provider").is_dir():
        pytest.skip("no OpenID provider is installed; `script/peers` does it where npm is")
    process = subprocess.Popen(
        [node, str(ROOT / "tests/web/peers/provider.mjs"), json.dumps({"url": url, "modules": str(MODULES), **more})],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=folder,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield Peer(process.stdout.readline().strip())
    finally:
        process.stdin.close()
        process.wait()
        process.stdout.close()


def walked(client: httpx.Client, start: str, name: str, until: str) -> str:
    """The address that begins with `until`, to which the provider's own forms lead from `start` for somebody."""
    answer, at = client.get(start), start
    for _ in range(12):
        if answer.is_redirect:
            at = urljoin(at, answer.headers["location"])
            if at.startswith(until):
                return at
            answer = client.get(at)
            continue
        action = re.search(r'action="([^"]+)"', answer.text)
        prompt = re.search(r'name="prompt" value="(\w+)"', answer.text)
        assert action, answer.text[:2000]
        assert prompt, answer.text[:2000]
        at = urljoin(at, action[1])
        answer = client.post(at, data={"prompt": prompt[1], "login": name, "password": "any"})
    raise AssertionError(f"the provider leads nowhere: {answer.text[:500]}")


def encoded(value: Mapping[str, Any]) -> str:
    """A part of a token."""
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


@dataclass
class Liar:
    """A provider that hands out `token(claims)`, whatever that makes of the claims that would be true."""

    port: int = 0
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "one", "use": "sig"}))
    token: Callable[[dict[str, Any]], str] | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    userinfo: Mapping[str, Any] = field(default_factory=dict)
    client: str = "pages"
    nonce: str = ""
    requests: list[str] = field(default_factory=list)
    moved: Mapping[str, str] = field(default_factory=dict)  # paths, and where each is said to be now

    @property
    def issuer(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def claims(self) -> dict[str, Any]:
        """Those of an ID token that is true."""
        now = int(time.time())
        person = {"sub": "ann", "preferred_username": "ann"}
        return {"iss": self.issuer, "aud": self.client, "exp": now + 60, "iat": now, "nonce": self.nonce, **person}

    def signed(self, claims: Mapping[str, Any], **header: Any) -> str:
        """A token that is signed as it should be."""
        return jwt.encode({"alg": "RS256", "kid": "one", **header}, dict(claims), self.key)

    def back(self, location: str, url: str, **more: str) -> str:
        """Where it sends a browser that came with an address of the pages."""
        words = parse_qs(urlsplit(location).query)
        self.nonce = words["nonce"][0]
        return f"{url}/sign-in/openid/back?" + urlencode({"code": "one", "state": words["state"][0], **more})

    def answer(self, path: str) -> Any:
        """What it answers at a path."""
        if path == "/.well-known/openid-configuration":
            names = ("authorization_endpoint", "token_endpoint", "jwks_uri", "userinfo_endpoint")
            return {"issuer": self.issuer, **{name: f"{self.issuer}/{name}" for name in names}, **self.metadata}
        if path == "/jwks_uri":
            return KeySet([self.key]).as_dict(private=False)
        if path == "/token_endpoint":
            token = (self.token or self.signed)(self.claims())
            return {"access_token": "access", "token_type": "Bearer", "id_token": token}
        return self.userinfo


@contextmanager
def liar() -> Iterator[Liar]:
    """It answers in a thread."""
    one = Liar()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            one.requests.append(self.path)
            self.rfile.read(int(self.headers.get("content-length", 0)))
            body = one.answer(urlsplit(self.path).path)
            content = body if isinstance(body, bytes) else json.dumps(body).encode()
            moved = one.moved.get(urlsplit(self.path).path)
            self.send_response(307 if moved else 200)
            if moved:
                self.send_header("location", moved)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_POST = do_GET  # noqa: N815  (the name that http.server calls)

        def log_message(self, *words: Any) -> None:
            """Nothing is told."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        one.port = server.server_address[1]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield one
        server.shutdown()
