"""A small stand-in of OpenMetadata's server: it takes in what their ingestion sends and tells it back. Not a catalogue.

Their server needs Java, a database and a search engine; the ingestion only needs its answers. Every entity is kept by
collection and fully qualified name; whoever is looked for by e-mail is a user. Nothing is checked or searched.
"""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

Entity = dict[str, Any]
API = "/api/v1/"
VERSION = "2.0.6"
SPACE = uuid.UUID("6d3a4c52-6a0e-4f0c-9a49-0e9a5a3b7a10")
# What their Tableau connector tries before it reads; all of it must pass here.
STEPS = (
    "ServerInfo",
    "ValidateApiVersion",
    "ValidateSiteUrl",
    "GetWorkbooks",
    "GetViews",
    "GetOwners",
    "GetDataModels",
    "GetSourceTables",
)
# Collections whose requests name others: field of the request, and the collection it leads to.
LEADS_TO = {"service": "services/dashboardServices", "charts": "charts", "dataModels": "dashboard/datamodels"}
KINDS = {
    "services/dashboardServices": "dashboardService",
    "charts": "chart",
    "dashboards": "dashboard",
    "dashboard/datamodels": "dashboardDataModel",
    "classifications": "classification",
    "tags": "tag",
    "users": "user",
}


class Reply(NamedTuple):
    """Status and body of an answer."""

    status: int
    body: Any


def quoted(name: str) -> str:
    """A name as part of a fully qualified one: in quotes when it has a dot."""
    return f'"{name}"' if "." in name else name


class Received:
    """Everything that arrived: entities by collection and full name, lineage, and requests that are not played."""

    def __init__(self) -> None:
        self.entities: dict[str, dict[str, Entity]] = {}
        self.lineage: list[Entity] = []
        self.unknown: list[str] = []
        self._lock = threading.Lock()

    def of(self, collection: str) -> list[Entity]:
        """The entities of a collection, in the order of their arrival."""
        return list(self.entities.get(collection, {}).values())

    def answer(self, method: str, target: str, body: Any) -> Reply:
        """Answer one request; everything under a lock, for the ingestion sends from several threads."""
        parts = urlsplit(target)
        path = parts.path.removeprefix(API).strip("/")
        with self._lock:
            reply = self._read(path, parse_qs(parts.query)) if method == "GET" else self._write(method, path, body)
            if reply is None:
                self.unknown.append(f"{method} {parts.path}")
                reply = Reply(404, {"code": 404, "message": f"{parts.path} is not played"})
        return reply

    # -- reading ----------------------------------------------------------------------------------------------

    def _read(self, path: str, asked: Mapping[str, list[str]]) -> Reply | None:
        if path == "system/version":
            return Reply(200, {"version": VERSION, "revision": "0", "timestamp": 0})
        if path == "search/query":
            return Reply(200, self._search(asked.get("q", [""])[0]))
        if path == "search/fieldQuery":
            return Reply(200, {"hits": {"hits": []}})
        collection, _, name = path.partition("/name/")
        if name:
            return self._named(collection, unquote(name))
        if path.startswith("lineage/"):
            return Reply(404, {"code": 404, "message": "no such edge"})
        if path in KINDS:
            return Reply(200, {"data": self.of(path), "paging": {"total": len(self.of(path))}})
        return None

    def _search(self, query: str) -> Entity:
        """Users by e-mail; whoever is looked for is there."""
        field, _, email = query.partition(":")
        if field != "email.keyword":
            return {"hits": {"hits": []}}
        name = email.lower()
        self._keep("users", {"name": name, "email": email}, quoted(name))
        return {"hits": {"hits": [{"_source": {"fullyQualifiedName": quoted(name)}}]}}

    def _named(self, collection: str, name: str) -> Reply:
        if collection == "services/testConnectionDefinitions":
            steps = [{"name": step, "description": step, "mandatory": True} for step in STEPS]
            return Reply(200, {"name": "Tableau", "fullyQualifiedName": name, "steps": steps})
        held = self.entities.get(collection, {}).get(name)
        if held is None:
            return Reply(404, {"code": 404, "message": f"{collection} instance for {name} not found"})
        return Reply(200, held)

    # -- writing ----------------------------------------------------------------------------------------------

    def _write(self, method: str, path: str, body: Any) -> Reply | None:
        if path == "lineage" and method == "PUT":
            self.lineage.append(body)
            return Reply(200, body)
        if path.startswith("usage/"):
            return Reply(200, {})
        collection, _, action = path.rpartition("/") if path.endswith(("/bulk", "/deleteStale")) else (path, "", "")
        if collection not in KINDS:
            return None
        if action == "deleteStale" and method == "DELETE":
            return Reply(200, _done(self._forget(collection, frozenset(body["seenFqns"]))))
        if method not in ("PUT", "POST"):
            return None
        if not action:
            return Reply(201, self._create(collection, body))
        return Reply(200, _done([self._create(collection, entity)["fullyQualifiedName"] for entity in body]))

    def _forget(self, collection: str, seen: frozenset[str]) -> list[str]:
        """Let go what a run did not tell any more."""
        gone = [name for name in self.entities.get(collection, {}) if name not in seen]
        for name in gone:
            del self.entities[collection][name]
        return gone

    def _create(self, collection: str, request: Entity) -> Entity:
        name = _full_name(collection, request)
        linked = {field: self._linked(field, request[field]) for field in LEADS_TO if field in request}
        columns = {"columns": [_column(name, c) for c in request["columns"]]} if "columns" in request else {}
        return self._keep(collection, {**request, **linked, **columns}, name)

    def _keep(self, collection: str, entity: Entity, name: str) -> Entity:
        identified = {**entity, "id": _id(collection, name), "fullyQualifiedName": name}
        self.entities.setdefault(collection, {})[name] = identified
        return identified

    def _linked(self, field: str, named: Any) -> Any:
        """Names of other entities as references to them."""
        collection = LEADS_TO[field]
        names = [named] if isinstance(named, str) else named
        references = [{"id": _id(collection, n), "type": KINDS[collection], "fullyQualifiedName": n} for n in names]
        return references[0] if isinstance(named, str) else references


def _done(names: Sequence[str]) -> Entity:
    """The result of an operation on many entities."""
    told = {"status": "success", "numberOfRowsProcessed": len(names), "numberOfRowsPassed": len(names)}
    made = [{"request": name, "status": 200} for name in names]
    return {**told, "numberOfRowsFailed": 0, "successRequest": made, "failedRequest": []}


def _full_name(collection: str, request: Entity) -> str:
    """The fully qualified name; data models stand apart from the charts of their service."""
    holder = request.get("service") or request.get("classification")
    between = ".model" if collection == "dashboard/datamodels" else ""
    return f"{holder}{between}.{quoted(request['name'])}" if holder else quoted(request["name"])


def _id(collection: str, name: str) -> str:
    return str(uuid.uuid5(SPACE, f"{collection} {name}"))


def _column(holder: str, column: Entity) -> Entity:
    name = f"{holder}.{quoted(column['name'])}"
    below = [_column(name, child) for child in column.get("children") or ()]
    return {**column, "fullyQualifiedName": name, "children": below}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    received: Received

    def _answer(self) -> None:
        sent = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        reply = self.received.answer(self.command, self.path, json.loads(sent) if sent else None)
        body = json.dumps(reply.body).encode()
        self.send_response(reply.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_PUT = do_POST = do_PATCH = do_DELETE = _answer  # noqa: N815

    def log_message(self, *_words: Any) -> None:
        """Nothing: what was not understood is kept instead."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True


@contextmanager
def receiving() -> Iterator[tuple[str, Received]]:
    """The address of a running receiver, and what it received."""
    received = Received()
    handler = type("Handler", (_Handler,), {"received": received})
    with _Server(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/api", received
        finally:
            server.shutdown()
            thread.join()
