"""The wire of a directory: what two real domains answered, given again as it was or with something wrong in it.

`recorded` writes down what Samba says; `Replayed` says it again to whoever asks the same; `wrong_answers` damages it.
"""

from __future__ import annotations

import base64
import json
import socket
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from random import Random
from typing import Any

from paths import TESTS
from scripted_ldap import ber, done, last_page

from fuzzing.chance import BITS, NAMES, nonsense
from fuzzing.inputs import Edit
from fuzzing.replay import Listening

RECORDING = TESTS / "fuzzed" / "recorded-domains.json"
WORDS = (
    ("directory", "read", "--whole", "--out", "read.json"),
    ("directory", "read", "--out", "read.json"),
    ("directory", "show", "--group", "Sales"),
    ("people", "show"),
)
"""The commands that are answered; the second asks for what changed since the first."""
BIND, UNBIND = 0x60, 0x42
ENDS = (0x61, 0x65, 0x78)  # of a sign-in, of a search, of a protected line
Exchange = Mapping[bytes, list[bytes]]
"""By a request its answers; both without the number of the message. Whoever signs in is one request."""


def settings(urls: Mapping[str, str], password: str) -> dict[str, Any]:
    """Settings by which both domains are read over unprotected lines by who sees deletions."""
    domains = [
        {"fqdn": fqdn, "servers": [url], "user": f"Administrator@{fqdn}", "password": password}
        | {"security": "none", "page_size": 30, "timeout": 1}
        for fqdn, url in urls.items()
    ]
    people = {
        "name": "ad",
        "from": {"type": "ldap", "state": "enabled", "filter": "(|(department=Sales)(mail=*))"},
        "columns": {"key": "objectGUID", "name": "account", "full_name": "displayName", "email": "mail"},
    }
    return {
        "directory": {"domains": domains, "attributes": ["department"], "incremental": True},
        "people": {"sources": [people]},
    }


def split(message: bytes) -> tuple[bytes, bytes]:
    """A message as its number (an element) and what follows it."""
    body = message[_begins(message, 0) :]
    size = _begins(body, 0) + _length(body, 0)
    return body[:size], body[size:]


def _length(data: bytes, at: int) -> int:
    first = data[at + 1]
    return first if first < 128 else int.from_bytes(data[at + 2 : at + 2 + (first & 0x7F)], "big")


def _begins(data: bytes, at: int) -> int:
    first = data[at + 1]
    return at + 2 + (first & 0x7F if first >= 128 else 0)


def _message(incoming: Any) -> bytes:
    """One message of a stream, b"" at its end."""
    head = incoming.read(2)
    if len(head) < 2:
        return b""
    if head[1] >= 128:
        head += incoming.read(head[1] & 0x7F)
    return head + incoming.read(_length(head, 0))


class Directory(Listening):
    """A server of LDAP that reads requests and answers each by `_answer`."""

    scheme = "ldap"

    def _talk(self, client: socket.socket) -> None:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with client, suppress(OSError), client.makefile("rb") as incoming:
            while (request := _message(incoming)) and split(request)[1][0] != UNBIND:
                if not self._answer(client, *split(request)):
                    return

    def _answer(self, client: socket.socket, number: bytes, request: bytes) -> bool:
        """Whether the line stays open."""
        raise NotImplementedError


class Recorder(Directory):
    """Between a client and a domain: `exchange` is what was said."""

    def __init__(self, address: str, trusted: ssl.SSLContext) -> None:
        self.exchange: dict[bytes, list[bytes]] = {}
        self._lines: dict[socket.socket, Any] = {}
        self._address, self._trusted = address, trusted
        super().__init__()

    def _answer(self, client: socket.socket, number: bytes, request: bytes) -> bool:
        if client not in self._lines:
            line = socket.create_connection((self._address, 636))
            self._lines[client] = self._trusted.wrap_socket(line, server_hostname=self._address)
        line = self._lines[client]
        line.sendall(ber(0x30, number, request))
        self.exchange[_key(request)] = answers = []
        with line.makefile("rb") as incoming:
            while not answers or answers[-1][0] not in ENDS:
                message = _message(incoming)
                answers.append(split(message)[1])
                client.sendall(message)
        return True

    def close(self) -> None:
        """Hang up."""
        super().close()
        for line in self._lines.values():
            line.close()


def _key(request: bytes) -> bytes:
    return request if request[0] != BIND else bytes((BIND,))


def _ends(answers: bytes, number: bytes) -> bool:
    """Whether the last message of an answer says that it is the last."""
    with suppress(IndexError, ValueError):
        *_, last = _elements(answers)
        own, answer = split(last)
        whole = _begins(last, 0) + _length(last, 0) == len(last) and answers.endswith(last)
        return whole and own == number and answer[0] in ENDS
    return False


class Replayed(Directory):
    """A domain of a recording. `known` is what was answered so far, by request; `changed` says otherwise."""

    def __init__(self, fqdn: str, exchange: Exchange) -> None:
        self.fqdn, self.exchange = fqdn, exchange
        self.known: dict[str, bytes] = {}
        self.changed: Mapping[str, bytes] = {}
        super().__init__()

    def _answer(self, client: socket.socket, number: bytes, request: bytes) -> bool:
        key = f"{self.fqdn} {number.hex()} {_key(request).hex()}"
        changed = self.changed.get(key)
        if changed is not None:
            client.sendall(changed)
            return _ends(changed, number)  # an end that is missing must not be waited for
        parts = self.exchange.get(_key(request), [last_page(done())])
        self.known[key] = b"".join(ber(0x30, number, part) for part in parts)
        client.sendall(self.known[key])
        return True


def save(exchanges: Mapping[str, Exchange], path: Path) -> None:
    """By domain a line an exchange: the request and its answers, in base64."""
    rows = [[fqdn, key, *parts] for fqdn, exchange in exchanges.items() for key, parts in exchange.items()]
    lines = [json.dumps([fqdn, *(base64.b64encode(part).decode() for part in parts)]) for fqdn, *parts in rows]
    path.write_text("[\n" + ",\n".join(lines) + "\n]\n", encoding="utf-8")


def load(path: Path = RECORDING) -> Mapping[str, Exchange]:
    """What was recorded, by domain."""
    exchanges: dict[str, dict[bytes, list[bytes]]] = {}
    for fqdn, *row in json.loads(path.read_text(encoding="utf-8")):
        key, *parts = map(base64.b64decode, row)
        exchanges.setdefault(fqdn, {})[key] = parts
    return exchanges


@contextmanager
def replaying(exchanges: Mapping[str, Exchange]) -> Iterator[Mapping[str, Replayed]]:
    """A server for each domain, that says what was recorded."""
    servers = {fqdn: Replayed(fqdn, exchange) for fqdn, exchange in exchanges.items()}
    try:
        yield servers
    finally:
        for server in servers.values():
            server.close()


# -- with something wrong ------------------------------------------------------------------------------------------


def wrong_answers(random: Random, known: Mapping[str, bytes]) -> tuple[Edit, ...]:
    """One or two of the answers cut, damaged, in another order, or with elements and values that cannot be."""
    keys = sorted(known)
    some = random.sample(keys, random.choice((1, 1, 1, 2)))
    return tuple((key, "write", _wrong(random, known[key])) for key in some)


def cut_answer(random: Random, known: Mapping[str, bytes]) -> tuple[Edit, ...]:
    """One of the answers, broken off before its end."""
    key = random.choice(sorted(known))
    return ((key, "write", known[key][: random.randrange(len(known[key]))]),)


def _wrong(random: Random, answer: bytes) -> bytes:
    if random.random() < 0.1:
        return nonsense(random, answer)
    messages = list(_elements(answer))
    at = random.randrange(len(messages))
    match random.randrange(16):
        case 0:
            random.shuffle(messages)
        case 1:
            messages.insert(at, messages[random.randrange(len(messages))])
        case 2:
            number, _ = split(messages[at])
            messages[at] = ber(0x30, number, random.choice(HOSTILE))
        case 3:
            del messages[at]
        case 4 | 5 | 6:
            messages[at] = _element_wrong(random, messages[at])
        case _:
            at = random.randrange(max(1, len(messages) - 1))  # the end tells little
            number, said = split(messages[at])
            messages[at] = ber(0x30, number, _value_wrong(random, said))
    return b"".join(messages)


VALUES = (*BITS, *(name.encode("utf-8", "surrogatepass") for name in NAMES), b"0", b"-1", b"1e3", b"9" * 30, b"TRUE",
    b"CN=x,DC=corp,DC=example,DC=com", b"<GUID=>;<SID=>;", b"<GUID=1>;<SID=S-1-5-21-x>;CN=x", b"member;range=0-0",
    b"member;range=x", b"S-1-", b"\x01\x05" + bytes(10), b"\x01\xff", bytes(16), bytes(15), "Ⅷ".encode(), "٣".encode(),
    b" 7 ", b"1_0")  # fmt: skip


def _value_wrong(random: Random, element: bytes) -> bytes:
    """The element with the bytes of one text within it exchanged, its form as it must be."""
    tag, body = element[0], element[_begins(element, 0) :]
    parts = list(_elements(body)) if tag & 0x20 else []
    if not parts:
        return ber(tag, nonsense(random, body) if random.random() < 0.4 else random.choice(VALUES))
    # Of an object its attributes more often than its name, of an attribute its values more often than its.
    many = parts[0][0] == 0x30 or random.random() < 0.3
    at = random.randrange(len(parts)) if many else -1
    parts[at] = _value_wrong(random, parts[at])
    return ber(tag, *parts)


HOSTILE = (
    *(done(code, "\x1b[31m[/nope] <b>", "ldap://127.0.0.1:9/\x1b") for code in (1, 2, 3, 4, 7, 10, 11, 49, 53, 80)),
    ber(0x65, ber(0x0A, b"\xff" * 9)),
    ber(0x65),
    ber(0x64, ber(0x04, b"\xff\xfe")),
    ber(0x64, ber(0x04, b"CN=\xe2\x80\xae,DC=x"), ber(0x30)),
    ber(0x73, ber(0x04, b"ldap://\x1b[2J")),
    ber(0x78, ber(0x0A, b"\x00"), ber(0x04), ber(0x04), ber(0x8A, b"1.3.6.1.4.1.1466.20036")),  # it hangs up
    last_page(done())[:-3],
    b"\x30\x84\x7f\xff\xff\xff",
    b"\x30\x80" * 400,
    b"\x04\x89" + b"\xff" * 9,
    b"\x1f\xff\xff\xff\x7f\x00",
)  # fmt: skip


def _elements(data: bytes) -> Iterator[bytes]:
    at = 0
    while at + 1 < len(data):
        end = _begins(data, at) + _length(data, at)
        yield data[at:end]
        at = end


def _element_wrong(random: Random, element: bytes) -> bytes:
    """The element with one within it exchanged, taken away, doubled, of another kind or length."""
    tag, body = element[0], element[_begins(element, 0) :]
    parts = list(_elements(body)) if tag & 0x20 else []
    if parts and random.random() < 0.93:
        at = random.randrange(len(parts))
        match random.randrange(10):
            case 0:
                del parts[at]
            case 1:
                parts.insert(at, parts[at])
            case 2:
                other = random.randrange(len(parts))
                parts[at], parts[other] = parts[other], parts[at]
            case _:
                parts[at] = _element_wrong(random, parts[at])
        return ber(tag, *parts)
    match random.randrange(6):
        case 0:
            return ber(random.choice((0x01, 0x02, 0x04, 0x05, 0x0A, 0x30, 0x31, 0x64, 0x65, 0xA0, tag ^ 0x20)), body)
        case 1:
            return bytes((tag, random.randrange(256))) + body
        case 2:
            return ber(tag, nonsense(random, body))
        case 3:
            return ber(tag, random.choice(NAMES).encode("utf-8", "surrogatepass"))
        case 4:
            return ber(tag, b"\x7f" * random.choice((0, 1, 3, 8, 9, 28)))
        case _:
            return ber(tag, random.choice(VALUES))
