"""What the Metadata API can be asked: its types and connections as far as catalogues ask them.

Field names are those that the Tableau connectors of DataHub and OpenMetadata query; the rest of Tableau's schema is
not played, and asking for it is a validation error. graphql-core, of the extra `metadata`, reads and runs queries.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from functools import cache
from types import ModuleType
from typing import Any

from tabwarden.sandbox.http.errors import Refusal

MISSING = "the Metadata API needs `graphql-core`; run: pip install 'tabwarden[metadata]'"

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
        raise Refusal("500000", MISSING) from None


@cache
def schema() -> Any:
    """The schema, built once."""
    return graphql().build_schema(sdl())
