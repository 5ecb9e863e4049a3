"""What travels: one neutral element tree, to and from XML and JSON.

Attributes that are `None` are left out when an element is built; numbers become text; booleans stay booleans, so
that JSON can show the few true ones as such (XML always says true or false).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple
from xml.etree.ElementTree import Element as XmlElement
from xml.etree.ElementTree import ParseError, TreeBuilder, XMLParser

from tabwarden.sandbox.http.errors import Refusal

NAMESPACE = "http://tableau.com/api"
DEEPEST = 40
LARGEST, LONGEST = 16 * 1024 * 1024, 64 * 1024  # bytes of a request in XML or JSON, letters of one value
_LISTED = (
    "backgroundJob collection column connection customView dataAlert database datasource extract favorite flow"
    " group groupSet interval project recipient revision schedule site siteAuthConfiguration statusNote"
    " subscription table tag task user view virtualConnection webhook workbook"
)
LIST_OF: Mapping[str, str] = {
    **{f"{name}s": name for name in _LISTED.split()},
    "capabilities": "capability",
    "customViewAsUserDefaultResults": "customViewAsUserDefaultViewResult",
    "domainList": "domain",
    "flowRuns": "flowRuns",
    "groupSet": "group",
    "linkedTaskSteps": "linkedTaskSteps",
    "linkedTasks": "linkedTasks",
    "permissions": "granteeCapabilities",
    "virtualConnectionConnections": "connection",
}
TRUE_BOOLEANS = frozenset({"hasExtracts", "isCertified", "useRemoteQueryAgent"})
_NO_ATTRIBUTES: Mapping[str, str | bool] = {}
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_ESCAPED = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\n": "&#10;", "\r": "&#13;", "\t": "&#9;"}
_TO_ESCAPE = re.compile('[&<>"\n\r\t]|' + _CONTROL.pattern)


class Element(NamedTuple):
    """A named thing with attributes, children and perhaps text; the same tree for XML and JSON."""

    name: str
    attributes: Mapping[str, str | bool] = _NO_ATTRIBUTES
    children: tuple[Element, ...] = ()
    text: str | None = None

    def get(self, attribute: str) -> str | None:
        """The attribute as text, None when it is absent."""
        value = self.attributes.get(attribute)
        if isinstance(value, bool):
            return "true" if value else "false"
        return value

    def find(self, name: str) -> Element | None:
        """The first child of that name."""
        return next((child for child in self.children if child.name == name), None)

    def inner(self, name: str, attribute: str = "id") -> str | None:
        """An attribute of the first child of that name, as in `<project id=.../>`; None where there is none."""
        child = self.find(name)
        return child.get(attribute) if child is not None else None

    def all(self, name: str) -> Iterator[Element]:
        return (child for child in self.children if child.name == name)


Attributes = Mapping[str, str | int | bool | None]


def element(
    name: str,
    attributes: Attributes | None = None,
    *children: Element | None,
    text: str | None = None,
) -> Element:
    """Build an element; `None` attributes and children are left out."""
    texts = {k: v if isinstance(v, (str, bool)) else str(v) for k, v in (attributes or {}).items() if v is not None}
    return Element(name, texts, tuple(child for child in children if child is not None), text)


def to_xml(children: Iterable[Element], version: str) -> bytes:
    """A whole XML answer with Tableau's envelope around `children`."""
    schema = f"https://help.tableau.com/samples/en-us/rest_api/ts-api_{version.replace('.', '_')}.xsd"
    parts = [
        "<?xml version='1.0' encoding='UTF-8'?>",
        f'<tsResponse xmlns="{NAMESPACE}" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"',
        f' xsi:schemaLocation="{NAMESPACE} {schema}">',
    ]
    for child in children:
        _write_xml(child, parts)
    parts.append("</tsResponse>")
    return "".join(parts).encode()


def text_of(elements: Iterable[Element]) -> str:
    """Elements as text to be kept; `elements_of` reads it."""
    parts: list[str] = []
    for one in elements:
        _write_xml(one, parts)
    return "".join(parts)


def elements_of(text: str) -> tuple[Element, ...]:
    """The elements that `text_of` wrote."""
    return from_xml(f"<tsRequest>{text}</tsRequest>".encode()).children


def _write_xml(item: Element, parts: list[str]) -> None:
    parts.append("<" + item.name)
    for name, value in item.attributes.items():
        words = value if isinstance(value, str) else "true" if value else "false"
        parts.append(f' {name}="{_escape(words)}"')
    if not item.children and item.text is None:
        parts.append("/>")
        return
    parts.append(">")
    if item.text is not None:
        parts.append(_escape(item.text))
    for child in item.children:
        _write_xml(child, parts)
    parts.append(f"</{item.name}>")


def _escape(words: str) -> str:
    """Text as XML may carry it; what it may not carry at all becomes U+FFFD."""
    return _TO_ESCAPE.sub(lambda match: _ESCAPED.get(match.group(), "\ufffd"), words)


def to_json(children: Iterable[Element]) -> bytes:
    """A whole JSON answer: an object without the envelope."""
    return json.dumps({child.name: _to_value(child) for child in children}, separators=(",", ":")).encode()


def _to_value(item: Element) -> Any:
    if item.text is not None and not item.attributes:
        return item.text
    value: dict[str, Any] = {
        name: attribute if isinstance(attribute, str) or name in TRUE_BOOLEANS else "true" if attribute else "false"
        for name, attribute in item.attributes.items()
    }
    if item.text is not None:
        value["value"] = item.text
    many = LIST_OF.get(item.name)
    for child in item.children:
        if child.name == many:
            value.setdefault(many, []).append(_to_value(child))
        elif child.name in value:
            raise ValueError(f"JSON has room for one `{child.name}` in `{item.name}`; add it to LIST_OF")
        else:
            value[child.name] = _to_value(child)
    return value


def parse(body: bytes, content_type: str) -> Element:
    """The request as one tree named tsRequest; an empty body is an empty tree; nonsense refuses with 400000.

    Files have parts of their own; what is larger than LARGEST and no file refuses with 413000.
    """
    if len(body) > LARGEST:
        raise Refusal("413000", f"the request is larger than {LARGEST // 1024 // 1024} MB without being a file")
    if not body.strip():
        return Element("tsRequest")
    if "json" in content_type.lower():
        return from_json(body)
    return from_xml(body)


def from_xml(body: bytes) -> Element:
    """Read XML with or without namespace; entities and document types are refused."""
    try:
        root = xml_tree(body)
    except (ParseError, ValueError, LookupError):
        raise Refusal("400000", "the request is no XML that can be read") from None
    tree = _from_node(root, 0)
    if tree.name not in ("tsRequest", "tsResponse"):
        raise Refusal("400000", f"the request starts with `{tree.name}` where `tsRequest` is expected")
    return tree


def xml_tree(data: bytes) -> XmlElement:
    """The XML of somebody we do not trust; ValueError for a document type, so that there are no entities to expand."""
    parser = XMLParser(target=_NoDocumentType())
    parser.feed(data)
    root: XmlElement = parser.close()
    return root


class _NoDocumentType(TreeBuilder):
    def doctype(self, *_declared: str | None) -> None:
        raise ValueError("a document type")


def _from_node(node: XmlElement, depth: int) -> Element:
    if depth > DEEPEST:
        raise Refusal("400000", f"the request is nested deeper than {DEEPEST} elements")
    attributes = {key.rpartition("}")[2]: value for key, value in node.attrib.items()}
    _demand_short(node.text or "", *attributes.values())
    children = tuple(_from_node(child, depth + 1) for child in node)
    text = node.text if node.text and node.text.strip() else None
    return Element(str(node.tag).rpartition("}")[2], attributes, children, text)


def from_json(body: bytes) -> Element:
    """Read JSON: members that are scalars become attributes, objects children, lists repeated children."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        raise Refusal("400000", "the request is not well-formed JSON") from None
    if not isinstance(value, dict):
        raise Refusal("400000", "the request is not a JSON object")
    if set(value) == {"tsRequest"} and isinstance(value["tsRequest"], dict):
        value = value["tsRequest"]
    return _from_value("tsRequest", value, 0)


def _from_value(name: str, value: Mapping[str, Any], depth: int) -> Element:
    if depth > DEEPEST:
        raise Refusal("400000", f"the request is nested deeper than {DEEPEST} objects")
    attributes: dict[str, str | bool] = {}
    children: list[Element] = []
    for key, inner in value.items():
        for one in inner if isinstance(inner, list) else [inner]:
            if isinstance(one, dict):
                children.append(_from_value(key, one, depth + 1))
            elif isinstance(inner, list):
                raise Refusal("400000", f"the list `{key}` holds something that is not an object")
            elif one is not None:
                attributes[key] = _scalar(key, one)
    return Element(name, attributes, tuple(children))


def _scalar(key: str, value: str | float | bool) -> str:
    words = value if isinstance(value, str) else "true" if value is True else "false" if value is False else str(value)
    demand_sendable(key[:40], words)
    _demand_short(words)
    return words


def demand_sendable(name: str, words: str) -> None:
    """400000 for text that no XML may carry, wherever it came from; `name` is where."""
    if _CONTROL.search(words):
        raise Refusal("400000", f"`{name}` holds a character that no Tableau request may carry")


def _demand_short(*words: str) -> None:
    if any(len(one) > LONGEST for one in words):
        raise Refusal("400000", f"a value of the request is longer than {LONGEST} letters")
