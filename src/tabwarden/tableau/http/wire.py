"""What travels: requests and answers, their bodies Tableau's XML as plain elements."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, NoReturn
from urllib.parse import quote, urlencode
from uuid import uuid4
from xml.etree.ElementTree import Element, SubElement, TreeBuilder, tostring
from xml.parsers.expat import ExpatError, ParserCreate

BUSY = frozenset({408, 429, 500, 502, 503, 504})


_AN_ID = re.compile(r"[^/\d]*\d[^/]*")


class Request(NamedTuple):
    """What is sent: `target` is path and query after the API version, `/sites/x/users?pageSize=1000`.

    `version` is that of another API than REST; '': the one of the session.
    """

    method: str
    target: str
    body: bytes | None = None
    content_type: str = ""
    version: str = ""

    @property
    def path(self) -> str:
        """The target without its query."""
        return self.target.partition("?")[0]

    @property
    def endpoint(self) -> str:
        """What is asked, the ids (words that have a digit) blanked: `GET sites/{id}/groups/{id}/users`."""
        return f"{self.method} {_AN_ID.sub('{id}', self.path.strip('/'))}"


class Answer(NamedTuple):
    """What came: `location` is None unless the server sends us elsewhere; `is_busy` where it may be otherwise soon."""

    status: int
    body: bytes
    retry_after: str | None = None
    location: str | None = None

    @property
    def is_busy(self) -> bool:
        """Whether this is passing trouble."""
        return self.status in BUSY


class Part(NamedTuple):
    """A file sent along with a request: its name, its bytes."""

    filename: str
    data: bytes


def element(tag: str, *children: Element, **attributes: str | None) -> Element:
    """A new element; attributes that are None are left out."""
    new = Element(tag, {name: value for name, value in attributes.items() if value is not None})
    new.extend(children)
    return new


def request_body(content: Element | None) -> bytes:
    """The bytes of a request whose content is that element, within `tsRequest` unless it is one."""
    if content is not None and content.tag == "tsRequest":
        return bytes(tostring(content, encoding="utf-8"))
    envelope = Element("tsRequest")
    if content is not None:
        envelope.append(content)
    return bytes(tostring(envelope, encoding="utf-8"))


def multipart_body(content: Element | None, parts: Mapping[str, Part]) -> tuple[bytes, str]:
    """The bytes and content type of a request with files: `request_payload` first, then each part by its name."""
    fields = [] if content is None else [("request_payload", "", "text/xml", request_body(content))]
    fields += [(name, part.filename, "text/csv", part.data) for name, part in parts.items()]
    boundary, lines = uuid4().hex, []
    for name, filename, kind, data in fields:
        head = f'Content-Disposition: form-data; name="{name}"; filename="{filename}"\r\nContent-Type: {kind}\r\n'
        lines += [f"--{boundary}".encode(), head.encode(), data]
    return b"\r\n".join([*lines, f"--{boundary}--".encode(), b""]), f"multipart/mixed; boundary={boundary}"


def with_query(path: str, query: Mapping[str, str] | None) -> str:
    """Path and query as they are sent; also the name of the answer in a checkpoint."""
    return f"{path}?{urlencode(query, quote_via=quote)}" if query else path


def parse(data: bytes) -> Element | None:
    """The answer as an element whose tags have lost their prefix; None where it is not XML, or XML with a DTD.

    Expat feeds the tree without a line of Python in between: a whole read parses hundreds of thousands of answers.
    Without a document type there are no entities to expand and nothing outside to fetch.
    """
    builder = TreeBuilder()
    parser = ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.data
    parser.StartDoctypeDeclHandler = _not_wanted
    try:
        parser.Parse(data, True)
        root: Element = builder.close()
    except (ExpatError, ValueError, AssertionError):
        return None
    if ":" in root.tag:
        for item in root.iter():
            item.tag = item.tag.rpartition(":")[2]
    return root


def _not_wanted(*_what: Any) -> NoReturn:
    raise ValueError("a document type")


class ErrorText(NamedTuple):
    """An error as the server tells it: six digits or '', and its text."""

    code: str
    text: str


def error_in(answer: Element | None) -> ErrorText:
    """The error within an answer; empty where there is none."""
    error = answer.find("error") if answer is not None else None
    if error is None:
        return ErrorText("", "")
    words = [(error.findtext(name) or "").strip().rstrip(".") for name in ("summary", "detail")]
    return ErrorText(error.get("code", ""), ": ".join(word for word in words if word))


def flag(value: str | None, *, missing: bool = False) -> bool:
    """A yes or no as Tableau writes it; `missing` where it is not told."""
    return missing if value is None else value.strip().lower() == "true"


def with_ids(tag: str, ids: Iterable[str], within: str) -> Element:
    """`<within><tag id=.../>...</within>`."""
    outer = Element(within)
    for one in ids:
        SubElement(outer, tag, {"id": one})
    return outer
