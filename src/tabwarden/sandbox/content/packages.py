"""Reading what people publish: sheets and connections of a .twb or .tds, plain or packaged.

Only what the sandbox shows of a file is read: names of sheets and dashboards in the order of their tabs, connections,
the published data sources it stands on, whether it brings an extract. A file that cannot be read is published all the
same, as one sheet. Sizes are bounded, so that a packed bomb is one of the files that cannot be read.
"""

from __future__ import annotations

import io
import lzma
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple
from xml.etree.ElementTree import Element as XmlElement
from xml.etree.ElementTree import ParseError

from tabwarden.model.site import Content
from tabwarden.sandbox.http.wire import xml_tree
from tabwarden.sandbox.state.server_state import stable_id
from tabwarden.sandbox.state.sites import State

LARGEST_DOCUMENT = 32 * 1024 * 1024
MOST_SHEETS = 500
ONE_SHEET = ("Sheet 1",)
_DOCUMENTS = (".twb", ".tds")
_EXTRACTS = (".hyper", ".tde")
_PUBLISHED = "sqlproxy"
_UNREADABLE = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    NotImplementedError,  # a compression this Python does not know
    RuntimeError,  # a password
    OSError,
    EOFError,
    ValueError,
)


class Link(NamedTuple):
    """A connection as the file tells it; of a published data source `database` is its content URL or name."""

    type: str
    server: str
    port: str
    database: str
    user_name: str


class Package(NamedTuple):
    """What a published file holds."""

    sheets: tuple[str, ...] = ONE_SHEET
    links: tuple[Link, ...] = ()
    sources: tuple[str, ...] = ()
    has_extracts: bool = False


def opened(file_name: str, content: bytes) -> Package:
    """What is in a file of that name."""
    extension = file_name.rpartition(".")[2].casefold()
    if extension in ("hyper", "tde"):
        return Package(has_extracts=True)
    document, has_extracts = _document(content) if content[:2] == b"PK" else (content, False)
    root = _root(document)
    if root is None:
        return Package(has_extracts=has_extracts)
    links = tuple(dict.fromkeys(_links(root)))
    return Package(
        _sheets(root) or ONE_SHEET,
        tuple(link for link in links if link.type != _PUBLISHED),
        tuple(dict.fromkeys(link.database for link in links if link.type == _PUBLISHED and link.database)),
        has_extracts,
    )


def queries_in(content: bytes) -> tuple[str, ...]:
    """The custom SQL of a published file, each text once."""
    root = _root(_document(content)[0] if content[:2] == b"PK" else content)
    relations = root.iter("relation") if root is not None else ()
    texts = ((relation.text or "").strip() for relation in relations if relation.get("type") == "text")
    return tuple(dict.fromkeys(text for text in texts if text))


def dashboards_in(content: bytes) -> dict[str, tuple[str, ...]]:
    """The dashboards of a published workbook by name, each with the names of the sheets on it."""
    root = _root(_document(content)[0] if content[:2] == b"PK" else content)
    if root is None:
        return {}
    sheets = {sheet.get("name") for sheet in root.iterfind("worksheets/worksheet")}
    return {
        name: tuple(dict.fromkeys(zone for z in dashboard.iter("zone") if (zone := z.get("name")) in sheets and zone))
        for dashboard in root.iterfind("dashboards/dashboard")
        if (name := dashboard.get("name"))
    }


def _document(content: bytes) -> tuple[bytes, bool]:
    """The first .twb or .tds of a package, and whether an extract lies beside it."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as package:
            names = package.infolist()
            has_extracts = any(name.filename.casefold().endswith(_EXTRACTS) for name in names)
            inner = next((name for name in names if name.filename.casefold().endswith(_DOCUMENTS)), None)
            if inner is None:
                return b"", has_extracts
            with package.open(inner) as document:
                text = document.read(LARGEST_DOCUMENT + 1)
    except _UNREADABLE:
        return b"", False
    return (text if len(text) <= LARGEST_DOCUMENT else b""), has_extracts


def _root(document: bytes) -> XmlElement | None:
    if not document.strip() or len(document) > LARGEST_DOCUMENT:
        return None
    try:
        root = xml_tree(document)
    except (ParseError, ValueError, LookupError):
        return None
    return root if root.tag in ("workbook", "datasource") else None


def _sheets(root: XmlElement) -> tuple[str, ...]:
    """Worksheets, dashboards and stories in the order of their tabs, without hidden ones."""
    listed = [*root.iterfind("worksheets/worksheet"), *root.iterfind("dashboards/dashboard")]
    known = [name for item in listed if (name := item.get("name"))]
    windows = [(w.get("name") or "", w.get("hidden") == "true") for w in root.iterfind("windows/window")]
    hidden = {name for name, is_hidden in windows if is_hidden}
    tabs = [name for name, _hidden in windows if name in set(known)]
    return tuple(name for name in dict.fromkeys((*tabs, *known)) if name not in hidden)[:MOST_SHEETS]


def _links(root: XmlElement) -> Iterator[Link]:
    """Connections; a federated one stands for those it names."""
    for source in (root, *root.iterfind("datasources/datasource")):
        location = source.find("repository-location")
        for connection in source.iterfind("connection"):
            named = [
                inner
                for named_connection in connection.iterfind("named-connections/named-connection")
                for inner in named_connection
            ]
            for one in named if connection.get("class") == "federated" else [connection]:
                yield _link(one, location)


def _link(connection: XmlElement, location: XmlElement | None) -> Link:
    kind = connection.get("class") or ""
    database = connection.get("dbname") or connection.get("filename") or ""
    if kind == _PUBLISHED and location is not None:
        database = location.get("id") or database
    return Link(
        kind, connection.get("server") or "", connection.get("port") or "", database, connection.get("username") or ""
    )


def node_id(kind: str, luid: str) -> str:
    """The id of a node, which is never the LUID of the content behind it."""
    return stable_id("metadata", kind, luid)


class Query(NamedTuple):
    """Custom SQL in the published file of a content: the text, and its number there."""

    content: Content
    number: int
    text: str

    @property
    def id(self) -> str:
        return node_id("query", f"{self.content.id}/{self.number}")


class Files:
    """The published files, each workbook's read once for its dashboards."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._dashboards: dict[str, Mapping[str, tuple[str, ...]]] = {}

    def queries(self, contents: Iterable[Content]) -> Iterator[Query]:
        """The custom SQL in the files of these, in the order of each file."""
        for content in contents:
            file = self._file_of(content.id)
            texts = queries_in(file) if file is not None else ()
            yield from (Query(content, number, text) for number, text in enumerate(texts))

    def dashboards(self, workbook: str) -> Mapping[str, tuple[str, ...]]:
        """The dashboards of a workbook by name, each with the names of the sheets on it."""
        if workbook not in self._dashboards:
            file = self._file_of(workbook)
            self._dashboards[workbook] = dashboards_in(file) if file is not None else {}
        return self._dashboards[workbook]

    def is_dashboard(self, view: Content) -> bool:
        """Whether a view is a dashboard."""
        return view.name in self.dashboards(view.parent or "")

    def _file_of(self, content: str) -> bytes | None:
        current = self._state.details(content).current
        return self._state.blobs.read(current.blob) if current is not None else None
