"""What catalogues ask of the Metadata API, in queries of our own over the same fields, against what was published.

`script/connectors` runs the catalogues themselves; this keeps what they need alive in every test run.
"""

from __future__ import annotations

import io

import pytest
from sandbox_client import TSC, by_name, everything, tsc
from workbook_files import packed

from tabwarden.sandbox.http.server import running
from tabwarden.sandbox.worlds.file import read_text
from tabwarden.sandbox.worlds.finding import world_of

WORLD = """
world: catalogued
sites:
  - name: Sandbox
    content_url: sandbox
    users:
      ada: {role: ServerAdministrator}
      dora: {role: Creator, email: dora@x.y}
    projects:
      Data: {owner: ada}
    content:
      Data/Warehouse: {kind: database, owner: dora}
      Data/Warehouse/orders: {kind: table, owner: dora}
      Data/Connected: {kind: virtualconnection, owner: dora}
      Data/Orders: {kind: datasource, owner: dora}
      Data/Report:
        kind: workbook
        owner: dora
        views: [{name: Overview}, {name: Details}]
        uses: [{datasource: Data/Orders}]
"""
SQL = "SELECT region FROM orders"
RELATION = f"<connection class='postgres'><relation type='text' name='q'>{SQL}</relation></connection>"
BOOK = f"""<workbook><datasources><datasource name='own'>{RELATION}</datasource></datasources>
<worksheets><worksheet name='Map'/><worksheet name='Trend'/><worksheet name='Alone'/></worksheets><dashboards>
<dashboard name='Board'><zones><zone name='Map'/><zone><zone name='Trend'/></zone></zones></dashboard></dashboards>
</workbook>"""

OWNED = "projectName owner { email username }"
BOOK_FIELDS = f"luid name id {OWNED}"
TABLE = """fullName name id schema description connectionType database { connectionType name id }
    columnsConnection { totalCount }"""
KINDS_OF_FIELD = """
    ... on GroupField { dataType role }
    ... on ColumnField { defaultFormat aggregation dataType role dataCategory }
    ... on CalculatedField { formula defaultFormat aggregation dataType role }"""
FIELD = f"__typename description name id folderName isHidden {KINDS_OF_FIELD}"
EXTRACTS = "hasExtracts extractLastUpdateTime extractLastIncrementalUpdateTime extractLastRefreshTime"
VIEW = f"createdAt updatedAt luid path name id tags {{ name }} workbook {{ {BOOK_FIELDS} }}"
NAMED = "__typename name id"
BEHIND = """upstreamColumns { remoteType name id table { __typename name id
    ... on VirtualConnectionTable { virtualConnection { luid projectName name id } } } }"""
# Every connection that is walked, with all that is asked of a node.
CONNECTIONS = {
    "workbooks": f"""{BOOK_FIELDS} uri description createdAt updatedAt tags {{ name }} dashboards {{ id }}
        sheets {{ id }} embeddedDatasources {{ id }}""",
    "sheets": f"""{VIEW} containedInDashboards {{ path name }} datasourceFields {{ {FIELD} datasource {{ id name }}
        ... on DatasourceField {{ remoteField {{ {FIELD} }} }} }}""",
    "dashboards": f"{VIEW} sheets {{ name id }}",
    "embeddedDatasources": f"""{NAMED} {EXTRACTS} downstreamSheets {{ id name }} upstreamTables {{ {TABLE} }}
        fields {{ {FIELD} {BEHIND} }} upstreamDatasources {{ id name }} workbook {{ {BOOK_FIELDS} }}""",
    "publishedDatasources": f"""{NAMED} luid {OWNED} {EXTRACTS} uri description tags {{ name }}
        upstreamTables {{ {TABLE} }} fields {{ {FIELD} {BEHIND} }}""",
    "customSQLTables": f"""name id query connectionType database {{ connectionType name id }} tables {{ {TABLE} }}
        columns {{ remoteType description name id referencedByFields {{ datasource {{ {NAMED}
            upstreamTables {{ {TABLE} }} ... on PublishedDatasource {{ luid projectName }}
            ... on EmbeddedDatasource {{ workbook {{ luid projectName name id }} }} }} }} }}""",
    "databaseTables": "isEmbedded id columns { remoteType name }",
    "databaseServers": "id name hostName connectionType extendedConnectionType",
    "fields": "id upstreamFields { name datasource { id } } upstreamColumns { name table { __typename id } }",
    "virtualConnections": """luid name id projectName description connectionType database { connectionType name }
        upstreamDatasources { id name } tables { id name columnsConnection { totalCount }
        columns { id name remoteType isNullable displayName } }""",
}


@pytest.fixture(scope="module")
def admin():
    """ada, after a workbook with a dashboard and custom SQL was published."""
    with running(world_of(read_text(WORLD, "catalogued"))) as box, tsc(box) as server:
        item = TSC.WorkbookItem(by_name(everything(server.projects), "Data").id, "Book")
        server.workbooks.publish(item, io.BytesIO(packed("b.twb", BOOK.encode())), "CreateNew")
        yield server


def walked(server, root, first=1):
    """All nodes of a connection, page by page."""
    query = f"""query ($first: Int, $behind: String) {{ {root}Connection(first: $first, after: $behind) {{
        pageInfo {{ endCursor hasNextPage }} totalCount nodes {{ {CONNECTIONS[root]} }} }} }}"""
    nodes, behind = [], None
    while True:
        answer = server.metadata.query(query, {"first": first, "behind": behind})
        assert "errors" not in answer, answer
        page = answer["data"][f"{root}Connection"]
        nodes += page["nodes"]
        behind = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            assert len(nodes) == page["totalCount"]
            return nodes


@pytest.mark.parametrize("root", CONNECTIONS)
def test_a_connection_is_walked_with_all_that_is_asked_of_it(admin, root):
    nodes = walked(admin, root)
    assert nodes
    assert len({node["id"] for node in nodes}) == len(nodes)
    assert walked(admin, root, first=50) == nodes


def test_workbooks_and_views_are_those_of_rest(admin):
    workbooks = {w.id: w.name for w in everything(admin.workbooks)}
    views = {v.id: v.workbook_id for v in everything(admin.views)}
    assert {w["luid"]: w["name"] for w in walked(admin, "workbooks")} == workbooks
    told = (*walked(admin, "sheets"), *walked(admin, "dashboards"))
    assert {v["luid"]: v["workbook"]["luid"] for v in told} == views


def test_a_dashboard_and_the_sheets_on_it(admin):
    (board,) = walked(admin, "dashboards")
    assert (board["name"], board["path"], board["workbook"]["name"]) == ("Board", "Book/Board", "Book")
    assert [sheet["name"] for sheet in board["sheets"]] == ["Map", "Trend"]
    on = {s["name"]: [b["name"] for b in s["containedInDashboards"]] for s in walked(admin, "sheets")}
    assert on == {"Map": ["Board"], "Trend": ["Board"], "Alone": [], "Overview": [], "Details": []}


def test_custom_sql_is_behind_the_fields_of_its_source(admin):
    (query,) = walked(admin, "customSQLTables")
    assert query["query"] == SQL
    (source,) = [d for d in walked(admin, "embeddedDatasources") if d["workbook"]["name"] == "Book"]
    assert {c["table"]["id"] for f in source["fields"] for c in f["upstreamColumns"]} == {query["id"]}
    back = [f["datasource"] for c in query["columns"] for f in c["referencedByFields"]]
    assert {d["id"] for d in back} == {source["id"]}
    assert {d["workbook"]["name"] for d in back} == {"Book"}


def test_the_data_sources_of_one_workbook_by_offset(admin):
    report = by_name(everything(admin.workbooks), "Report")
    query = f"""{{ workbooks(filter: {{luid: "{report.id}"}}) {{ name luid id
        embeddedDatasourcesConnection(offset: 0, first: 10) {{ totalCount nodes {{ name id
            fields {{ description name id {BEHIND} ... on CalculatedField {{ formula }} }}
            upstreamTables {{ luid {TABLE} columns {{ id name }} referencedByQueries {{ query name id }} }}
            upstreamDatasources {{ description name id tags {{ name }} ... on PublishedDatasource {{ projectName }}
                fields {{ description name id {BEHIND} ... on CalculatedField {{ formula }} }} }} }} }} }} }}"""
    answer = admin.metadata.query(query)
    assert "errors" not in answer, answer
    (found,) = answer["data"]["workbooks"]
    (source,) = found["embeddedDatasourcesConnection"]["nodes"]
    (published,) = source["upstreamDatasources"]
    assert (published["name"], published["projectName"]) == ("Orders", "Data")
    assert [t["name"] for t in source["upstreamTables"]] == ["orders"]


def test_all_custom_sql_with_the_sources_below(admin):
    answer = admin.metadata.query("{ customSQLTables { query id name downstreamDatasources { name id } } }")
    (query,) = answer["data"]["customSQLTables"]
    assert [d["name"] for d in query["downstreamDatasources"]] == ["Book"]
