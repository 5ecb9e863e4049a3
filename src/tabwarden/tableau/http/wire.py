"""Tableau's XML as plain elements: requests written, answers read. Not the sending."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, NoReturn
from xml.etree.ElementTree import Element, SubElement, TreeBuilder, tostring
from xml.parsers.expat import ExpatError, ParserCreate

from urllib3.filepost import encode_multipart_formdata


class Part(NamedTuple):
    """A file sent along with a request: its name, its bytes."""

    filename: str
    data: bytes


def element(tag: str, *children: Element, **attributes: str | None) -> Element:
    """A new element; attributes that are None are left out."""
    made = Element(tag, {name: value for name, value in attributes.items() if value is not None})
    made.extend(children)
    return made


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
    fields: list[tuple[str, tuple[str, bytes, str]]] = []
    if content is not None:
        fields.append(("request_payload", ("", request_body(content), "text/xml")))
    fields += [(name, (part.filename, part.data, "text/csv")) for name, part in parts.items()]
    data, content_type = encode_multipart_formdata(fields)
    return data, content_type.replace("multipart/form-data", "multipart/mixed", 1)


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
        for found in root.iter():
            found.tag = found.tag.rpartition(":")[2]
    return root


def _not_wanted(*_what: Any) -> NoReturn:
    raise ValueError("a document type")


class Told(NamedTuple):
    """An error as the server tells it: six digits or '', and its text."""

    code: str
    text: str


def told(answer: Element | None) -> Told:
    """The error within an answer; empty where there is none."""
    error = answer.find("error") if answer is not None else None
    if error is None:
        return Told("", "")
    words = [(error.findtext(name) or "").strip().rstrip(".") for name in ("summary", "detail")]
    return Told(error.get("code", ""), ": ".join(word for word in words if word))


def flag(value: str | None, *, missing: bool = False) -> bool:
    """A yes or no as Tableau writes it; `missing` where it is not told."""
    return missing if value is None else value.strip().lower() == "true"


def with_ids(tag: str, ids: Iterable[str], within: str) -> Element:
    """`<within><tag id=.../>...</within>`."""
    outer = Element(within)
    for one in ids:
        SubElement(outer, tag, {"id": one})
    return outer
