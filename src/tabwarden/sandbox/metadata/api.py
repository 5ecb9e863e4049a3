"""The Metadata API over HTTP: GraphQL in JSON beside the REST API, its limits and its way of saying no.

Fields are those that the connectors of DataHub and OpenMetadata query. Errors are JSON, whatever was asked for: 401 has
the shape of the service behind it, a wrong query is 200 with `errors`, more than 20,000 nodes get what fits and a
warning, NODE_LIMIT_EXCEEDED.
"""

from __future__ import annotations

import base64
import binascii
import importlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from types import ModuleType
from typing import Any

from tabwarden.extras import install
from tabwarden.sandbox.http.call import Call, File, Reply
from tabwarden.sandbox.http.errors import Refusal
from tabwarden.sandbox.metadata.graph import Graph, Node
from tabwarden.sandbox.state.server_state import iso

# The fields of Query: the name of the list, and the type of its nodes; each also as a connection of that name.
ROOTS: Mapping[str, str] = {
    "workbooks": "Workbook",
    "sheets": "Sheet",
    "dashboards": "Dashboard",
    "publishedDatasources": "PublishedDatasource",
    "embeddedDatasources": "EmbeddedDatasource",
    "fields": "Field",
    "databaseTables": "DatabaseTable",
    "customSQLTables": "CustomSQLTable",
    "databaseServers": "DatabaseServer",
    "virtualConnections": "VirtualConnection",
}
_FILTERED = ("id", "luid", "name", "projectName", "projectLuid", "connectionType")
_ARGUMENTS = "(first: Int, after: String, offset: Int, filter: Filter, permissionMode: PermissionMode)"

_SCALARS = "id: ID! name: String description: String"
_DATED = "luid: String! uri: String createdAt: DateTime updatedAt: DateTime"
_OWNED = "projectName: String projectLuid: String owner: TableauUser"
_PLACED = f"{_OWNED} tags: [Tag!]"
_VIEW = f"{_SCALARS} {_DATED} path: String tags: [Tag!] workbook: Workbook"
_FIELD = f"""{_SCALARS} fullyQualifiedName: String isHidden: Boolean folderName: String datasource: Datasource
    upstreamColumns: [Column!] upstreamFields: [Field!]"""
_TYPED_FIELD = "role: String dataType: String dataCategory: String defaultFormat: String aggregation: String"
_TABLE = f"{_SCALARS} luid: String schema: String fullName: String connectionType: String isEmbedded: Boolean"
_COLUMNS = f"columns: [Column!] columnsConnection{_ARGUMENTS}: ColumnsConnection"
_DATASOURCE = f"""{_SCALARS} hasExtracts: Boolean extractLastRefreshTime: DateTime
    extractLastIncrementalUpdateTime: DateTime extractLastUpdateTime: DateTime fields: [Field!]
    fieldsConnection{_ARGUMENTS}: FieldsConnection upstreamTables: [DatabaseTable!] downstreamSheets: [Sheet!]
    downstreamWorkbooks: [Workbook!] tags: [Tag!]"""
_DATABASE = f"{_SCALARS} luid: String connectionType: String isEmbedded: Boolean"

_TYPES = f"""
scalar DateTime
enum PermissionMode {{ FILTER_RESULTS OBFUSCATE_RESULTS }}
type PageInfo {{ hasNextPage: Boolean! endCursor: String }}
type TableauUser {{ id: ID! luid: String! username: String name: String email: String }}
type Tag {{ id: ID! name: String }}
interface View {{ {_VIEW} }}
type Sheet implements View {{ {_VIEW} containedInDashboards: [Dashboard!] datasourceFields: [Field!]
    sheetFieldInstances: [Field!] upstreamDatasources: [Datasource!] }}
type Dashboard implements View {{ {_VIEW} sheets: [Sheet!] }}
type Workbook {{ {_SCALARS} {_DATED} {_PLACED} sheets: [Sheet!] dashboards: [Dashboard!] views: [View!]
    embeddedDatasources: [EmbeddedDatasource!] upstreamDatasources: [PublishedDatasource!]
    upstreamTables: [DatabaseTable!]
    embeddedDatasourcesConnection{_ARGUMENTS}: EmbeddedDatasourcesConnection }}
interface Datasource {{ {_DATASOURCE} }}
type PublishedDatasource implements Datasource {{ {_DATASOURCE} {_DATED} {_OWNED} isCertified: Boolean
    certifier: TableauUser certificationNote: String }}
type EmbeddedDatasource implements Datasource {{ {_DATASOURCE} createdAt: DateTime updatedAt: DateTime
    workbook: Workbook upstreamDatasources: [PublishedDatasource!] }}
interface Field {{ {_FIELD} }}
type ColumnField implements Field {{ {_FIELD} {_TYPED_FIELD} }}
type CalculatedField implements Field {{ {_FIELD} {_TYPED_FIELD} formula: String }}
type GroupField implements Field {{ {_FIELD} {_TYPED_FIELD} }}
type DatasourceField implements Field {{ {_FIELD} remoteField: Field }}
type Column {{ {_SCALARS} remoteType: String isNullable: Boolean displayName: String table: Table
    referencedByFields: [Field!] }}
interface Table {{ {_SCALARS} columns: [Column!] }}
type DatabaseTable implements Table {{ {_TABLE} {_COLUMNS} {_PLACED} database: Database
    referencedByQueries: [CustomSQLTable!] downstreamDatasources: [Datasource!] }}
type CustomSQLTable implements Table {{ {_SCALARS} {_COLUMNS} query: String connectionType: String isEmbedded: Boolean
    database: Database tables: [DatabaseTable!] downstreamDatasources: [Datasource!]
    downstreamWorkbooks: [Workbook!] }}
type VirtualConnectionTable implements Table {{ {_SCALARS} {_COLUMNS} virtualConnection: VirtualConnection
    upstreamTables: [DatabaseTable!] }}
interface Database {{ {_DATABASE} }}
type DatabaseServer implements Database {{ {_DATABASE} {_PLACED} extendedConnectionType: String hostName: String
    port: Int tables: [DatabaseTable!] }}
type VirtualConnection {{ {_SCALARS} {_DATED} {_PLACED} connectionType: String database: Database
    upstreamDatasources: [Datasource!] tables: [VirtualConnectionTable!] }}
"""


def sdl() -> str:
    """The whole schema in GraphQL's own language."""
    return "\n".join((_TYPES, *_connections(), *_filter(), "type Query {", *_query(), "}"))


def _connections() -> Iterator[str]:
    for root, node in (*ROOTS.items(), ("columns", "Column")):
        name = f"{root[0].upper()}{root[1:]}Connection"
        yield f"type {name} {{ nodes: [{node}!] pageInfo: PageInfo! totalCount: Int! }}"


def _filter() -> Iterator[str]:
    yield "input Filter {"
    for name in _FILTERED:
        yield f"  {name}: String {name}Within: [String!]"
    yield "}"


def _query() -> Iterator[str]:
    for root, node in ROOTS.items():
        yield f"  {root}(filter: Filter, permissionMode: PermissionMode): [{node}!]"
        yield f"  {root}Connection{_ARGUMENTS}: {root[0].upper()}{root[1:]}Connection"


def graphql() -> ModuleType:
    """The library; a refusal that names the extra where it is not installed."""
    try:
        return importlib.import_module("graphql")
    except ImportError:
        raise Refusal("500000", f"the Metadata API needs `graphql-core`; {install('[metadata]')}") from None


@cache
def schema() -> Any:
    """The schema, built once."""
    return graphql().build_schema(sdl())


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
        return _json({"status": "COMPLETED"})
    if request.method != "POST":
        return _status(call, 405, "Method Not Allowed")
    try:
        return _json(_run(call, *_asked(call.raw_body)))
    except ValueError as problem:
        return _status(call, 400, f"Bad Request: {problem}")
    except Refusal as refusal:
        return _status(call, 500, refusal.detail)


def refused(call: Call, refusal: Refusal) -> Reply:
    """A refusal of the REST API's table, as this API words it."""
    return _status(call, refusal.code.status, refusal.code.summary)._replace(headers=refusal.headers)


def _status(call: Call, status: int, error: str, path: str | None = None) -> Reply:
    moment, path = iso(call.state.clock()), call.request.path if path is None else path
    return _json({"timestamp": moment, "status": status, "error": error, "path": path}, status)


def _json(value: object, status: int = 200) -> Reply:
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
        """The value of one field."""
        name = info.field_name
        if source is None:
            root = name.removesuffix("Connection")
            nodes: Iterable[Node] = _filtered(self._roots[root](), arguments.get("filter") or {})
            return self._connection(list(nodes), arguments) if root != name else self._counted(nodes)
        value = source.get(name)
        if name.endswith("Connection") and value is not None:
            value = value(info) if callable(value) else value
            return self._connection(list(_filtered(value, arguments.get("filter") or {})), arguments)
        if callable(value):
            value = value(info)
        if isinstance(value, list) and name != "nodes":
            return self._counted(value)
        return value

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
