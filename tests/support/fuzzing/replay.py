"""A server in front of the sandbox that remembers every answer, and gives them again with something wrong in them."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from random import Random

from fuzzing.chance import BITS, nonsense
from fuzzing.inputs import Edit

STATUSES = (200, 201, 204, 302, 400, 401, 403, 404, 409, 418, 500, 503, 599)
HEADERS = (
    b"Date: Thu, 01 Jan 1970 00:00:00 GMT", b"Date: Fri, 31 Dec 9999 23:59:59 GMT", b"Date: soon",
    b"Retry-After: 31536000", b"Retry-After: -1", b"Retry-After: soon", b"Content-Encoding: gzip",
    b"Content-Encoding: zz",
    b"Content-Type: text/html", b"Content-Type: application/json", b"Location: http://127.0.0.1:9/",
    b"Transfer-Encoding: chunked", b"Set-Cookie: a=b", b"X: \xff\xfe", b"Content-Length: 3", b"Connection: close",
)  # fmt: skip


class Listening:
    """A port of loopback where `_talk` answers each who comes."""

    scheme = "http"

    def __init__(self) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"{self.scheme}://127.0.0.1:{self._listening.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """No more."""
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            threading.Thread(target=self._talk, args=(client,), daemon=True).start()

    def _talk(self, client: socket.socket) -> None:
        raise NotImplementedError


class Replay(Listening):
    """The server: live it passes requests on; replayed it gives what it remembers, as `changed` says otherwise."""

    def __init__(self, port: int) -> None:
        self.behind = port
        self.known: dict[str, bytes] = {}
        self.changed: dict[str, bytes] = {}
        self.live = True
        self.signed_in: list[str] = []
        super().__init__()

    def _talk(self, client: socket.socket) -> None:
        with client, suppress(OSError), client.makefile("rb") as incoming, socket.socket() as behind:
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            answers = None
            while request := _message(incoming, b""):
                method, path = request.split(b" ", 2)[:2]
                key = f"{method.decode('latin-1')} {path.decode('latin-1')}"
                if not self.live:
                    answer = self.changed.get(key) or self.known.get(key, GONE)
                    client.sendall(answer)
                    if answer is self.changed.get(key):
                        return  # a length that is wrong must not be waited for
                    continue
                if answers is None:
                    behind.connect(("127.0.0.1", self.behind))
                    answers = behind.makefile("rb")
                behind.sendall(request)
                answer = _message(answers, method)
                if not answer:
                    return
                self.known[key] = answer
                client.sendall(answer)


GONE = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"


def _message(incoming, method: bytes) -> bytes:
    """One request or answer whose body has a stated length, or comes in chunks."""
    head = b""
    while line := incoming.readline():
        head += line
        if line == b"\r\n":
            break
    else:
        return b""
    lowered = head.lower()
    if b"transfer-encoding: chunked" in lowered:
        body = b""
        while line := incoming.readline():
            size = int(line.split(b";")[0], 16)
            part = incoming.read(size + 2)
            body += part[:-2]
            if not size:
                break
        lines = [one for one in head.split(b"\r\n") if b"transfer-encoding" not in one.lower()]
        return b"\r\n".join([*lines[:-2], b"Content-Length: %d" % len(body), b"", b""]) + body
    _, found, after = lowered.partition(b"content-length: ")
    size = int(after.split(b"\r\n")[0]) if found else 0
    return head + (incoming.read(size) if size and method != b"HEAD" else b"")


@contextmanager
def replaying(port: int) -> Iterator[Replay]:
    """The server in front of that port."""
    server = Replay(port)
    try:
        yield server
    finally:
        server.close()


def changed_answers(random: Random, known: dict[str, bytes]) -> tuple[Edit, ...]:
    """One or two of the answers with something wrong: status, header, body, or its shape."""
    keys = sorted(known)
    return tuple((key, "write", _wrong(random, known[key])) for key in random.sample(keys, random.choice((1, 1, 1, 2))))


def _wrong(random: Random, answer: bytes) -> bytes:
    head, _, body = answer.partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    match random.randrange(10):
        case 0:
            lines[0] = b"HTTP/1.1 %d Odd" % random.choice(STATUSES)
        case 1:
            lines.insert(1, random.choice(HEADERS))
        case 2:
            return nonsense(random, answer)
        case 3:
            lines[0] = b"HTTP/1.1 %d Odd" % random.choice(STATUSES)
            body = random.choice((b"<html><body>Bad gateway</body></html>", b"{}", b"null", b"", BIG_ERROR))
        case 4 | 5:
            body = nonsense(random, body)
        case _:
            body = _elements_wrong(random, body)
    lines = [one for one in lines if not one.lower().startswith(b"content-length")]
    return b"\r\n".join([*lines, b"Content-Length: %d" % len(body), b"", b""]) + body


BIG_ERROR = (
    b'<tsResponse xmlns="http://tableau.com/api"><error code="404002"><summary>\x1b[31m</summary>'
    b"<detail>[/nope] &lt;b&gt;</detail></error></tsResponse>"
)


def _elements_wrong(random: Random, body: bytes) -> bytes:
    """Elements and attributes of the XML taken away, doubled, or with other values."""
    pieces = body.replace(b"<", b"\0<").split(b"\0")
    at = random.randrange(len(pieces))
    attributes = pieces[at].split(b'"')
    match random.randrange(5):
        case 0:
            del pieces[at]
        case 1:
            pieces.insert(at, pieces[at])
        case 2 if len(attributes) > 2:
            place = random.randrange(1, len(attributes) - 1, 2)
            attributes[place] = random.choice((*BITS, b"", b"0", b"999999999999", b"-1", b"x", b"true"))
            pieces[at] = b'"'.join(attributes)
        case 3 if len(attributes) > 2:
            place = random.randrange(0, len(attributes) - 2, 2)
            pieces[at] = b'"'.join([*attributes[:place], *attributes[place + 2 :]])
        case _:
            other = random.randrange(len(pieces))
            pieces[at], pieces[other] = pieces[other], pieces[at]
    return b"".join(pieces)


def keys_of(answers: Sequence[Edit]) -> dict[str, bytes]:
    """What is changed by key."""
    return {key: content for key, _, content in answers}
