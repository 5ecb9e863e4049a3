"""Reading multipart/mixed requests: the XML or JSON payload and the files beside it."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping
from typing import NamedTuple

from tabwarden.sandbox.http import wire
from tabwarden.sandbox.http.call import Request
from tabwarden.sandbox.http.errors import Refusal
from tabwarden.sandbox.http.wire import Element

_BOUNDARY = re.compile(r'boundary="?([^";,\s]+)"?', re.IGNORECASE)
_NAME = re.compile(rb'\bname="?([^";\r\n]+)"?', re.IGNORECASE)
_FILE = re.compile(rb'\bfilename="([^"\r\n]*)"', re.IGNORECASE)
_TYPE = re.compile(rb"content-type:\s*([^\r\n;]+)", re.IGNORECASE)


class Part(NamedTuple):
    """One part: its declared content type, its bytes, and the name of its file or ""."""

    content_type: str
    content: bytes
    file_name: str = ""


def parts(request: Request) -> Mapping[str, Part]:
    """The parts by name; 400000 when the body is not what the header says."""
    match = _BOUNDARY.search(request.headers.get("content-type", ""))
    if match is None:
        raise Refusal("400000", "the request is not multipart/mixed with a boundary")
    delimiter = b"--" + match[1].encode()
    pieces = (b"\r\n" + (request.body or b"")).split(b"\r\n" + delimiter)
    if len(pieces) < 3 or not pieces[-1].startswith(b"--"):
        raise Refusal("400000", "the multipart request does not end with its boundary")
    named: dict[str, Part] = {}
    for piece in pieces[1:-1]:
        head, blank, content = piece.partition(b"\r\n\r\n")
        name = _NAME.search(head)
        if not blank or name is None:
            raise Refusal("400000", "a part of the multipart request has no name or no end of its headers")
        type_, file = _TYPE.search(head), _FILE.search(head)
        kind = type_[1].decode("ascii", "replace") if type_ else ""
        named[name[1].decode("ascii", "replace")] = Part(
            kind, content, file[1].decode("utf-8", "replace") if file else ""
        )
    return named


def payload(parts_by_name: Mapping[str, Part]) -> Element:
    """The part request_payload as a tree; empty when there is none."""
    part = parts_by_name.get("request_payload")
    return wire.parse(part.content, part.content_type) if part is not None else Element("tsRequest")


def csv_rows(parts_by_name: Mapping[str, Part], name: str) -> tuple[tuple[str, ...], ...]:
    """The rows of a CSV part without a header, cells trimmed, empty rows left out."""
    part = parts_by_name.get(name)
    if part is None:
        raise Refusal("400000", f"the multipart request has no part `{name}`")
    try:
        text = part.content.decode("utf-8-sig")
        wire.demand_sendable(name, text)
        rows = [tuple(cell.strip() for cell in row) for row in csv.reader(io.StringIO(text), strict=True)]
    except (UnicodeDecodeError, csv.Error) as problem:
        raise Refusal("400000", f"the file in `{name}` is not CSV in UTF-8 ({problem})") from None
    return tuple(row for row in rows if any(row))
