"""What can be asked of the Metadata API, as GraphQL: the types of Tableau's reference that content and lineage need.

Source: Tableau's Metadata API reference and the queries of its clients. Every list of nodes can be filtered, and is
also there as a connection with pages; both are added here to the plain fields below.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator, Mapping
from functools import cache
from types import ModuleType
from typing import Any

from tabwarden.extras import install
from tabwarden.sandbox.http.errors import Refusal

# The fields of Query: the name of the list, and the type of its nodes; each also as a connection of that name.
ROOTS: Mapping[str, str] = {
    "workbooks": "Workbook",
    "views": "View",
    "sheets": "Sheet",
    "dashboards": "Dashboard",
    "datasources": "Datasource",
    "publishedDatasources": "PublishedDatasource",
    "embeddedDatasources": "EmbeddedDatasource",
    "flows": "Flow",
    "fields": "Field",
    "columnFields": "ColumnField",
    "calculatedFields": "CalculatedField",
    "binFields": "BinField",
    "groupFields": "GroupField",
    "setFields": "SetField",
    "combinedFields": "CombinedField",
    "combinedSetFields": "CombinedSetField",
    "hierarchyFields": "HierarchyField",
    "datasourceFields": "DatasourceField",
    "columns": "Column",
    "tables": "Table",
    "databaseTables": "DatabaseTable",
    "customSQLTables": "CustomSQLTable",
    "virtualConnectionTables": "VirtualConnectionTable",
    "databases": "Database",
    "databaseServers": "DatabaseServer",
    "files": "File",
    "cloudFiles": "CloudFile",
    "webDataConnectors": "WebDataConnector",
    "virtualConnections": "VirtualConnection",
    "tableauUsers": "TableauUser",
    "tableauSites": "TableauSite",
    "tags": "Tag",
}
NONE_HERE = (
    *("calculatedFields", "binFields", "groupFields", "setFields", "combinedFields", "combinedSetFields"),
    *("hierarchyFields", "virtualConnectionTables", "files", "cloudFiles", "webDataConnectors"),
)
"""Lists of what the sandbox has none of."""
_FILTERED = ("id", "luid", "name", "projectName", "projectLuid", "connectionType", "username", "vizportalUrlId")
_PAGED = "(first: Int, after: String, offset: Int, filter: Filter, permissionMode: PermissionMode)"
_LISTED = "(filter: Filter, permissionMode: PermissionMode)"

_SCALARS = "id: ID! name: String description: String"
_DATED = "luid: String! uri: String createdAt: DateTime updatedAt: DateTime"
_OWNED = """projectName: String projectLuid: String projectVizportalUrlId: String owner: TableauUser site: TableauSite
    vizportalUrlId: String"""
_PLACED = f"{_OWNED} tags: [Tag!]"
_UPSTREAM = """upstreamColumns: [Column!] upstreamTables: [DatabaseTable!] upstreamDatabases: [Database!]
    upstreamFields: [Field!]"""
_DOWNSTREAM = "downstreamSheets: [Sheet!] downstreamDashboards: [Dashboard!] downstreamWorkbooks: [Workbook!]"
_OF_DATA = f"{_DOWNSTREAM} downstreamDatasources: [Datasource!]"
_VIEW = f"""{_SCALARS} {_DATED} path: String index: Int tags: [Tag!] workbook: Workbook {_UPSTREAM}
    upstreamDatasources: [Datasource!]"""
_FIELD = f"""{_SCALARS} descriptionInherited: [Inherited!] fullyQualifiedName: String isHidden: Boolean
    folderName: String datasource: Datasource {_UPSTREAM} {_DOWNSTREAM}"""
_TYPED = """role: String dataType: String dataCategory: String defaultFormat: String aggregation: String
    aggregationParam: String semanticRole: String"""
_REFERRING = f"{_FIELD} {_TYPED} fields: [Field!]"
_TABLE = f"""{_SCALARS} luid: String schema: String fullName: String connectionType: String tableType: String
    isEmbedded: Boolean {_OF_DATA}"""
_DATASOURCE = f"""{_SCALARS} hasExtracts: Boolean extractLastRefreshTime: DateTime
    extractLastIncrementalUpdateTime: DateTime extractLastUpdateTime: DateTime containsUnsupportedCustomSql: Boolean
    fields: [Field!] {_UPSTREAM} {_DOWNSTREAM} tags: [Tag!]"""
_DATABASE = f"{_SCALARS} {_PLACED} luid: String connectionType: String isEmbedded: Boolean tables: [DatabaseTable!]"
_ANALYTICS = "Field & AnalyticsField"

_TYPES = f"""
scalar DateTime
enum PermissionMode {{ FILTER_RESULTS OBFUSCATE_RESULTS }}
type PageInfo {{ hasNextPage: Boolean! endCursor: String }}
type TableauUser {{ id: ID! luid: String! username: String name: String email: String }}
type TableauSite {{ id: ID! luid: String! name: String uri: String }}
type Tag {{ id: ID! name: String }}
type Inherited {{ attribute: String value: String }}
interface View {{ {_VIEW} }}
type Sheet implements View {{ {_VIEW} containedInDashboards: [Dashboard!] datasourceFields: [Field!]
    sheetFieldInstances: [Field!] worksheetFields: [Field!] parentEmbeddedDatasources: [EmbeddedDatasource!] }}
type Dashboard implements View {{ {_VIEW} sheets: [Sheet!] }}
type Workbook {{ {_SCALARS} {_DATED} {_PLACED} containsUnsupportedCustomSql: Boolean sheets: [Sheet!]
    dashboards: [Dashboard!] views: [View!] embeddedDatasources: [EmbeddedDatasource!]
    upstreamDatasources: [PublishedDatasource!] {_UPSTREAM} }}
interface Datasource {{ {_DATASOURCE} }}
type PublishedDatasource implements Datasource {{ {_DATASOURCE} {_DATED} {_OWNED} isCertified: Boolean
    certifier: TableauUser certificationNote: String }}
type EmbeddedDatasource implements Datasource {{ {_DATASOURCE} createdAt: DateTime updatedAt: DateTime
    workbook: Workbook upstreamDatasources: [PublishedDatasource!] parentPublishedDatasources: [PublishedDatasource!] }}
type Flow {{ {_SCALARS} {_DATED} {_PLACED} }}
interface Field {{ {_FIELD} }}
interface AnalyticsField {{ id: ID! name: String }}
type ColumnField implements {_ANALYTICS} {{ {_FIELD} {_TYPED} columns: [Column!] }}
type CalculatedField implements {_ANALYTICS} {{ {_REFERRING} formula: String isAutoGenerated: Boolean
    hasUserReference: Boolean }}
type BinField implements {_ANALYTICS} {{ {_REFERRING} formula: String binSize: String }}
type GroupField implements {_ANALYTICS} {{ {_REFERRING} hasOther: Boolean }}
type SetField implements {_ANALYTICS} {{ {_FIELD} }}
type CombinedField implements {_ANALYTICS} {{ {_REFERRING} }}
type CombinedSetField implements {_ANALYTICS} {{ {_FIELD} delimiter: String combinationType: String }}
type HierarchyField implements {_ANALYTICS} {{ {_FIELD} }}
type DatasourceField implements Field {{ {_FIELD} remoteField: Field }}
type Column {{ {_SCALARS} remoteType: String isNullable: Boolean displayName: String table: Table
    referencedByFields: [Field!] downstreamFields: [Field!] {_OF_DATA} }}
interface Table {{ {_SCALARS} columns: [Column!] {_OF_DATA} }}
type DatabaseTable implements Table {{ {_TABLE} {_PLACED} columns: [Column!] database: Database
    referencedByQueries: [CustomSQLTable!] }}
type CustomSQLTable implements Table {{ {_SCALARS} columns: [Column!] query: String connectionType: String
    isEmbedded: Boolean database: Database tables: [DatabaseTable!] {_OF_DATA} }}
type VirtualConnectionTable implements Table {{ {_SCALARS} columns: [Column!] virtualConnection: VirtualConnection
    upstreamTables: [DatabaseTable!] {_OF_DATA} }}
interface Database {{ {_DATABASE} }}
type DatabaseServer implements Database {{ {_DATABASE} extendedConnectionType: String hostName: String
    port: Int }}
type File implements Database {{ {_DATABASE} filePath: String }}
type CloudFile implements Database {{ {_DATABASE} provider: String }}
type WebDataConnector implements Database {{ {_DATABASE} connectorUrl: String }}
type VirtualConnection {{ {_SCALARS} {_DATED} {_PLACED} connectionType: String database: Database
    upstreamDatasources: [Datasource!] tables: [VirtualConnectionTable!] }}
"""
_LIST = re.compile(r"(\w+): \[(\w+)!\]")
_CONNECTIONS = {node: f"{root[0].upper()}{root[1:]}Connection" for root, node in ROOTS.items()}


def _with_connection(listed: re.Match[str]) -> str:
    """A list of nodes with its filter, and beside it its connection."""
    name, node = listed.groups()
    connection = f" {name}Connection{_PAGED}: {_CONNECTIONS[node]}" if node in _CONNECTIONS else ""
    return f"{name}{_LISTED}: [{node}!]{connection}"


def _connections() -> Iterator[str]:
    for node, name in _CONNECTIONS.items():
        yield f"type {name} {{ nodes: [{node}!] pageInfo: PageInfo! totalCount: Int! }}"


def _filter() -> Iterator[str]:
    yield "input Filter {"
    for name in _FILTERED:
        yield f"  {name}: String {name}Within: [String!]"
    yield "}"


def graphql() -> ModuleType:
    """The library; a refusal that names the extra where it is not installed."""
    try:
        return importlib.import_module("graphql")
    except ImportError:
        raise Refusal("500000", f"the Metadata API needs `graphql-core`; {install('[metadata]')}") from None


@cache
def schema() -> Any:
    """The schema, built once."""
    roots = "\n".join(f"  {root}: [{node}!]" for root, node in ROOTS.items())
    types = _LIST.sub(_with_connection, f"{_TYPES} type Query {{\n{roots}\n}}")
    return graphql().build_schema("\n".join((types, *_connections(), *_filter())))
