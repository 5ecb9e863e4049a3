"""The Metadata API over HTTP: GraphQL in JSON beside the REST API, its limits and its way of saying no.

Errors are JSON, whatever was asked for: 401 has
the shape of the service behind it, a wrong query is 200 with `errors`, more than 20,000 nodes get what fits and a
warning, NODE_LIMIT_EXCEEDED.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from tabwarden.sandbox.http.call import Call, File, Reply
from tabwarden.sandbox.http.errors import Refusal
from tabwarden.sandbox.metadata.graph import Graph
from tabwarden.sandbox.metadata.schema import graphql, schema
from tabwarden.sandbox.metadata.tables import Node
from tabwarden.sandbox.state.server_state import iso

PATH, CONTROL = "/api/metadata/graphql", "/api/metadata/v1/control/"
NAME = "metadata/graphql"  # how logs, counts and faults call it
SINCE = "3.5"
NODE_LIMIT = 20_000
MOST_TOKENS = 20_000
JSON = "application/json"


def is_asked(path: str) -> bool:
    """Whether a path belongs to the Metadata API."""
    plain = path.rstrip("/").lower()
    return plain == PATH or plain.startswith(CONTROL)


def answer(call: Call) -> Reply:
    """Answer a request of the Metadata API; whatever is wrong with it becomes JSON."""
    request = call.request
    if not call.personality.speaks(SINCE):
        return _status(call, 404, "Not Found")
    try:
        call.acting = call.sessions.of(request.headers.get("x-tableau-auth"))
        call.acting.demand_scope("tableau:content:read")
    except Refusal:
        return _status(call, 401, "Unauthorized", "/relationship-service-war/graphql")
    call.state.activity.by(call.acting.user, call.acting.initiator)
    if request.path.lower().startswith(CONTROL):
        return as_json({"status": "COMPLETED"})
    if request.method != "POST":
        return _status(call, 405, "Method Not Allowed")
    try:
        return as_json(_run(call, *_asked(call.raw_body)))
    except ValueError as problem:
        return _status(call, 400, f"Bad Request: {problem}")
    except Refusal as refusal:
        return _status(call, 500, refusal.detail)


def refused(call: Call, refusal: Refusal) -> Reply:
    """A refusal of the REST API's table, as this API words it."""
    return _status(call, refusal.code.status, refusal.code.summary)._replace(headers=refusal.headers)


def _status(call: Call, status: int, error: str, path: str | None = None) -> Reply:
    moment, path = iso(call.state.clock()), call.request.path if path is None else path
    return as_json({"timestamp": moment, "status": status, "error": error, "path": path}, status)


def as_json(value: object, status: int = 200) -> Reply:
    """An answer that is JSON."""
    return Reply(status, file=File(json.dumps(value).encode(), JSON))


def _asked(body: bytes) -> tuple[str, Mapping[str, Any], str | None]:
    """Query, variables and operation of a body; ValueError for one that is none."""
    try:
        plain = json.loads(body)
    except (ValueError, RecursionError):
        raise ValueError("the body is not JSON") from None
    if not isinstance(plain, dict) or not isinstance(plain.get("query"), str):
        raise ValueError("the body is not an object with a `query`")
    variables, operation = plain.get("variables"), plain.get("operationName")
    variables = {} if variables is None else variables
    if not isinstance(variables, dict) or not (operation is None or isinstance(operation, str)):
        raise ValueError("`variables` is an object and `operationName` a text")
    return plain["query"], variables, operation


# -- running a query ----------------------------------------------------------------------------------------------


def _run(call: Call, query: str, variables: Mapping[str, Any], operation: str | None) -> dict[str, Any]:
    library, types = graphql(), schema()
    try:
        document = library.parse(query, max_tokens=MOST_TOKENS)
        problems = library.validate(types, document)
    except library.GraphQLError as problem:
        return {"errors": [_error(problem)]}
    except RecursionError:
        return {"errors": [{"message": "the query is nested too deeply"}]}
    if problems:
        return {"errors": [_error(problem) for problem in problems]}
    resolver = Resolver(Graph(call))
    try:
        result = library.execute_sync(
            types,
            document,
            variable_values=dict(variables),
            operation_name=operation,
            field_resolver=resolver.resolve,
            type_resolver=_type_of,
        )
    except RecursionError:
        return {"errors": [{"message": "the query is nested too deeply"}]}
    errors = [_error(e) for e in result.errors or ()]
    if resolver.too_many:
        errors.append(_too_many())
    return {**({"errors": errors} if errors else {}), "data": result.data}


def _error(problem: Any) -> dict[str, Any]:
    problem_json: dict[str, Any] = dict(problem.formatted)
    problem_json.setdefault("extensions", {"severity": "ERROR"})
    return problem_json


def _too_many() -> dict[str, Any]:
    return {
        "message": f"Showing partial results. The request exceeded the {NODE_LIMIT} node limit.",
        "extensions": {"severity": "WARNING", "code": "NODE_LIMIT_EXCEEDED", "properties": {"nodeLimit": NODE_LIMIT}},
    }


def _type_of(value: Any, _info: Any, _abstract: Any) -> str:
    return str(value["__typename"])


class Resolver:
    """What a field of a query gives: a node's value, a list within the limit, or a connection with its cursor."""

    def __init__(self, graph: Graph) -> None:
        self._roots = graph.roots()
        self._left = NODE_LIMIT
        self.too_many = False

    def resolve(self, source: Any, info: Any, **arguments: Any) -> Any:
        name = info.field_name
        root = name.removesuffix("Connection")
        value = self._roots[root] if source is None else source.get(root)
        if callable(value):
            value = value()
        if value is None and graphql().is_list_type(info.return_type):
            value = []
        if name == "nodes" or not isinstance(value, (list, map, Iterator)):
            return value if root == name else self._connection([], arguments)
        nodes = _filtered(value, arguments.get("filter") or {})
        return self._connection(list(nodes), arguments) if root != name else self._counted(nodes)

    def _counted(self, nodes: Iterable[Node]) -> list[Node]:
        """As many nodes as the limit still allows."""
        listed_nodes = list(nodes)
        if self.too_many:
            return []
        if len(listed_nodes) > self._left:
            self.too_many = True
            listed_nodes = listed_nodes[: self._left]
        self._left -= len(listed_nodes)
        return listed_nodes

    def _connection(self, nodes: Sequence[Node], arguments: Mapping[str, Any]) -> Node:
        """A page: `first` nodes behind the one whose cursor is `after`, or from `offset`."""
        start, first = _start(nodes, arguments), arguments.get("first")
        if first is not None and first < 0:
            raise ValueError("`first` is 0 or more")
        end = len(nodes) if first is None else min(len(nodes), start + first)
        page = self._counted(nodes[start:end])
        more = start + len(page) < len(nodes) and bool(page)
        return {
            "nodes": page,
            "totalCount": len(nodes),
            "pageInfo": {"hasNextPage": more, "endCursor": _cursor(page[-1]) if page else None},
        }


def _cursor(node: Node) -> str:
    return base64.b64encode(json.dumps({"id": node["id"]}).encode()).decode()


def _start(nodes: Sequence[Node], arguments: Mapping[str, Any]) -> int:
    offset, after = arguments.get("offset") or 0, arguments.get("after")
    if offset < 0:
        raise ValueError("`offset` is 0 or more")
    if not after:
        return int(offset)
    try:
        wanted = json.loads(base64.b64decode(after, validate=True))["id"]
    except (binascii.Error, ValueError, KeyError, TypeError):
        raise ValueError("`after` is not a cursor of this query") from None
    place = next((number for number, node in enumerate(nodes) if node["id"] == wanted), None)
    if place is None:
        raise ValueError("what `after` points to is not there any more; start again")
    return place + 1 + int(offset)


def _filtered(nodes: Iterable[Node], arguments: Mapping[str, Any]) -> Iterator[Node]:
    """The nodes that meet every condition: `name: "x"`, `nameWithin: ["x", "y"]`; None is no condition."""
    tests = [
        (name.removesuffix("Within"), frozenset(value) if isinstance(value, list) else frozenset({value}))
        for name, value in arguments.items()
        if value is not None
    ]
    return (node for node in nodes if all(node.get(name) in wanted for name, wanted in tests))
