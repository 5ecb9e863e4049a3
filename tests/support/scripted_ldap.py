"""An LDAP server that says what a test tells it to, byte by byte, as no good server would. Not a test.

For what Samba never does: pages that end at a limit, references to other servers, ranges as Windows gives them.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Callable, Iterator

Answer = list[bytes]
Script = Callable[[str, int], Answer]
"""From the base of a search and its number (from 0) to the messages that answer it."""

PAGED = b"1.2.840.113556.1.4.319"
_BIND, _SEARCH, _UNBIND = 0x60, 0x63, 0x42


def ber(tag: int, *parts: bytes) -> bytes:
    """One element."""
    body = b"".join(parts)
    if len(body) < 128:
        return bytes((tag, len(body))) + body
    return bytes((tag, 0x84)) + struct.pack(">I", len(body)) + body


def text(value: str | bytes) -> bytes:
    """An octet string."""
    return ber(0x04, value.encode() if isinstance(value, str) else value)


def entry(dn: str, **attributes: list[str | bytes]) -> bytes:
    """An object found; `__` in a name stands for `;range=`, `_` for `-`, and a last `x` for `*`."""
    pairs = []
    for name, values in attributes.items():
        plain = name.replace("__", ";range=").replace("_", "-").replace("x", "*") if "__" in name else name
        pairs.append(ber(0x30, text(plain), ber(0x31, *map(text, values))))
    return ber(0x64, text(dn), ber(0x30, *pairs))


def done(code: int = 0, message: str = "", referral: str = "") -> bytes:
    """The end of a search."""
    more = [ber(0xA3, text(referral))] if referral else []
    return ber(0x65, ber(0x0A, bytes((code,))), text(""), text(message), *more)


def elsewhere(url: str) -> bytes:
    """A reference instead of objects."""
    return ber(0x73, text(url))


def last_page(message: bytes) -> bytes:
    """The end of a search with the word that no page follows; `cookie` bytes say that one does."""
    return message + page_control(b"")


def page_control(cookie: bytes) -> bytes:
    """The control that tells whether more follows."""
    value = ber(0x30, ber(0x02, b"\x00"), text(cookie))
    return ber(0xA0, ber(0x30, text(PAGED), text(value)))


class Scripted:
    """The server; `asked` are the bases of the searches so far."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.asked: list[str] = []
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """Where it is."""
        return f"ldap://127.0.0.1:{self._listening.getsockname()[1]}"

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            with client, contextlib.suppress(OSError), client.makefile("rb") as incoming:
                self._talk(client, incoming)

    def _talk(self, client: socket.socket, incoming) -> None:
        while True:
            try:
                tag, number, rest = _message(incoming)
            except (IndexError, struct.error):
                return
            if tag == _UNBIND:
                return
            if tag == _BIND:
                client.sendall(ber(0x30, number, ber(0x61, ber(0x0A, b"\x00"), text(""), text(""))))
                continue
            assert tag == _SEARCH
            base = _first_text(rest)
            answers = self.script(base, len(self.asked))
            self.asked.append(base)
            for answer in answers:
                client.sendall(ber(0x30, number, answer) if answer[:1] in b"\x64\x65\x73" else answer)

    def close(self) -> None:
        """No more."""
        with contextlib.suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._thread.join(10)


def _length(data: bytes, at: int) -> tuple[int, int]:
    """The length that stands at a place, and where the content begins."""
    first = data[at]
    if first < 128:
        return first, at + 1
    size = first & 0x7F
    return int.from_bytes(data[at + 1 : at + 1 + size], "big"), at + 1 + size


def _message(incoming) -> tuple[int, bytes, bytes]:
    """A request: what kind, its number as it came, and the rest."""
    head = incoming.read(2)
    size = head[1]
    if size >= 128:
        size = int.from_bytes(incoming.read(size & 0x7F), "big")
    body = incoming.read(size)
    number = body[: 2 + body[1]]
    at = len(number)
    tag = body[at]
    _, start = _length(body, at + 1)
    return tag, number, body[start:]


def _first_text(body: bytes) -> str:
    size, start = _length(body, 1)
    return body[start : start + size].decode()


@contextlib.contextmanager
def scripted(script: Script) -> Iterator[Scripted]:
    """A server that follows a script."""
    server = Scripted(script)
    try:
        yield server
    finally:
        server.close()
