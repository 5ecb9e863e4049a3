"""A tiny HTTP server whose answers a test scripts: for broken transport, which the sandbox does not do."""

from __future__ import annotations

import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

RESET = "reset"
HEAD = '<tsResponse xmlns="http://tableau.com/api">'
SITE, ME = "5f0c0a4e-0000-4000-8000-000000000001", "5f0c0a4e-0000-4000-8000-000000000002"


@dataclass
class Asked:
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes


@dataclass
class Answer:
    status: int = 200
    body: str = ""
    headers: dict[str, str] = field(default_factory=dict)


Script = Callable[[Asked], "Answer | str | None"]


@dataclass
class Small:
    url: str
    asked: list[Asked]
    tokens: int = 0

    def count(self, method, end):
        return sum(1 for a in self.asked if a.method == method and a.path.endswith(end))


def xml(inner: str, status: int = 200, **headers: str) -> Answer:
    return Answer(status, f"{HEAD}{inner}</tsResponse>", {name.replace("_", "-"): v for name, v in headers.items()})


def error(code: str, detail: str = "because", **headers: str) -> Answer:
    inner = f'<error code="{code}"><summary>Refused</summary><detail>{detail}</detail></error>'
    return xml(inner, int(code[:3]), **headers)


def users(ids, total, page=1):
    listed = "".join(f'<user id="{i}" name="{i}" siteRole="Viewer"/>' for i in ids)
    pagination = f'<pagination pageNumber="{page}" pageSize="1000" totalAvailable="{total}"/>'
    return xml(f"{pagination}<users>{listed}</users>")


@contextmanager
def serving(script: Script | None = None, *, base: str = "", tls: ssl.SSLContext | None = None) -> Iterator[Small]:
    """Sign-in, sign-out and version are answered as Tableau does, unless `script` answers them itself."""
    small = Small("", [])

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do(self):
            target = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            asked = Asked(self.command, target.path, dict(parse_qsl(target.query)), dict(self.headers), body)
            small.asked.append(asked)
            answer = script(asked) if script is not None else None
            if answer is None:
                answer = self.usual(asked)
            if isinstance(answer, str):
                # A reset, not an orderly end: the client must see a broken connection.
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.close_connection = True
                self.connection.close()
                return
            data = answer.body.encode()
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def usual(self, asked):
            if asked.path.endswith("/serverinfo"):
                return xml("<serverInfo><restApiVersion>3.27</restApiVersion></serverInfo>")
            if asked.path.endswith("/auth/signin"):
                small.tokens += 1
                return xml(
                    f'<credentials token="token-{small.tokens}"><site id="{SITE}" contentUrl="small"/>'
                    f'<user id="{ME}"/></credentials>'
                )
            if asked.path.endswith("/auth/signout"):
                return Answer(204)
            return error("404003")

        do_GET = do_POST = do_PUT = do_DELETE = do  # noqa: N815

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.handle_error = lambda *args: None  # a refused handshake is the point of some tests
    scheme = "http"
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
        scheme = "https"
    host = "localhost" if tls is not None else "127.0.0.1"
    small.url = f"{scheme}://{host}:{server.server_address[1]}{base}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield small
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
