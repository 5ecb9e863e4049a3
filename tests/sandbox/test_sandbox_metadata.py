"""The Metadata API: the connections that catalogues ask, their pages, what each person sees, how it says no."""

from __future__ import annotations

import io
import json
import re
import zipfile

import pytest
from sandbox_client import TSC, Raw, by_name, everything, tsc
from watchdog import patience

from tabwarden.sandbox.http.errors import Refusal
from tabwarden.sandbox.http.server import running
from tabwarden.sandbox.metadata import api
from tabwarden.sandbox.state.personality import personality
from tabwarden.sandbox.worlds.file import read_text
from tabwarden.sandbox.worlds.finding import world_of

# What the Tableau connectors of DataHub 1.7 and OpenMetadata 2.0 ask, as Type: fields.
ASKED_BY_CATALOGUES = {
    "Workbook": "id name luid uri projectName owner description createdAt updatedAt tags sheets dashboards"
    " embeddedDatasources embeddedDatasourcesConnection",
    "TableauUser": "username email",
    "Sheet": "id name path luid createdAt updatedAt tags containedInDashboards workbook datasourceFields",
    "Dashboard": "id name path luid createdAt updatedAt sheets tags workbook",
    "EmbeddedDatasource": "id name hasExtracts extractLastRefreshTime extractLastIncrementalUpdateTime"
    " extractLastUpdateTime downstreamSheets upstreamTables fields upstreamDatasources workbook",
    "PublishedDatasource": "id name luid hasExtracts extractLastRefreshTime extractLastIncrementalUpdateTime"
    " extractLastUpdateTime upstreamTables fields owner description uri projectName tags",
    "Field": "id name description isHidden folderName datasource upstreamColumns upstreamFields",
    "ColumnField": "dataCategory role dataType defaultFormat aggregation",
    "CalculatedField": "role dataType defaultFormat aggregation formula",
    "GroupField": "role dataType",
    "DatasourceField": "remoteField",
    "Column": "id name remoteType description table referencedByFields isNullable displayName",
    "DatabaseTable": "id luid name fullName schema isEmbedded database columns columnsConnection connectionType"
    " description referencedByQueries",
    "DatabaseServer": "id name connectionType extendedConnectionType hostName",
    "CustomSQLTable": "id name query columns tables connectionType database downstreamDatasources",
    "VirtualConnection": "id name luid projectName description connectionType database upstreamDatasources tables",
    "VirtualConnectionTable": "id name description columns columnsConnection upstreamTables virtualConnection",
    "Query": "workbooks customSQLTables workbooksConnection sheetsConnection dashboardsConnection"
    " publishedDatasourcesConnection embeddedDatasourcesConnection customSQLTablesConnection"
    " databaseTablesConnection databaseServersConnection virtualConnectionsConnection fieldsConnection",
}
FIVE = ("workbooks", "publishedDatasources", "embeddedDatasources", "customSQLTables", "databaseTables")
CATALOG = """
world: catalog
sites:
  - name: Sandbox
    content_url: sandbox
    users:
      ada: {role: ServerAdministrator}
      dora: {role: Creator, email: dora@x.y}
      vic: {role: Viewer}
    projects:
      Data: {owner: ada, rules: [{user: vic, allow: [Read]}]}
      Closed: {owner: ada}
    content:
      Data/Warehouse: {kind: database, owner: dora, rules: [{user: vic, allow: [Read]}]}
      Data/Warehouse/orders: {kind: table, owner: dora, rules: [{user: vic, allow: [Read]}]}
      Data/Warehouse/salaries: {kind: table, owner: dora}
      Data/Orders: {kind: datasource, owner: dora, rules: [{user: vic, allow: [Read]}]}
      Closed/Payroll: {kind: datasource, owner: dora}
      Closed/Report:
        kind: workbook
        owner: dora
        rules: [{user: vic, allow: [Read]}]
        views: [{name: Overview}]
        uses: [{datasource: Data/Orders}, {datasource: Closed/Payroll}]
"""


def ask(server, query, **variables):
    answer = server.metadata.query(query, variables)
    assert "errors" not in answer, answer
    return answer["data"]


def listed(server, root, fields="name"):
    return ask(server, f"{{ {root} {{ {fields} }} }}")[root]


@pytest.fixture
def catalog(clock):
    with running(world_of(read_text(CATALOG, "catalog")), clock=clock) as box:
        yield box


# -- what can be asked --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ASKED_BY_CATALOGUES)
def test_catalogues_find_the_fields_they_ask(name):
    known = api.schema().type_map[name].fields
    assert set(ASKED_BY_CATALOGUES[name].split()) <= set(known)


def test_a_workbook_with_its_people_sheets_and_sources(server, box):
    fields = (
        "luid name projectName owner { username email luid } sheets { luid name path workbook { name } }"
        " embeddedDatasources { name upstreamDatasources { luid name } fields { __typename name } }"
    )
    (w1,) = [w for w in listed(server, "workbooks", fields) if w["name"] == "W1"]
    site = box.site("sandbox")
    held = site.find_content("Ops/W1")
    assert (w1["luid"], w1["projectName"]) == (held.id, "Ops")
    assert w1["owner"] == {"username": "carl", "email": "carl@corp.example", "luid": held.owner}
    assert [(s["name"], s["path"], s["workbook"]["name"]) for s in w1["sheets"]] == [
        ("V1", "W1/V1", "W1"),
        ("V2", "W1/V2", "W1"),
        ("V3", "W1/V3", "W1"),
    ]
    assert {s["luid"] for s in w1["sheets"]} == set(site.children(held.id))
    (source,) = w1["embeddedDatasources"]
    assert source["upstreamDatasources"] == [{"luid": site.find_content("Ops/D1").id, "name": "D1"}]
    assert {f["__typename"] for f in source["fields"]} == {"DatasourceField"}


def test_lineage_from_a_table_to_a_sheet(catalog):
    with tsc(catalog) as server:
        fields = (
            "name database { name } columns { name remoteType table { name } }"
            " downstreamDatasources { name ... on PublishedDatasource { downstreamSheets { name } } }"
        )
        (orders,) = [t for t in listed(server, "databaseTables", fields) if t["name"] == "orders"]
        assert orders["database"] == {"name": "Warehouse"}
        assert [c["name"] for c in orders["columns"]] == ["id", "name", "amount"]
        assert orders["downstreamDatasources"] == [{"name": "Orders", "downstreamSheets": [{"name": "Overview"}]}]
        fields = "name upstreamTables { name } fields { name upstreamColumns { name table { name } } }"
        (source,) = [d for d in listed(server, "publishedDatasources", fields) if d["name"] == "Orders"]
        assert [t["name"] for t in source["upstreamTables"]] == ["orders", "salaries"]
        assert source["fields"][0]["upstreamColumns"] == [
            {"name": "id", "table": {"name": "orders"}},
            {"name": "id", "table": {"name": "salaries"}},
        ]


def test_custom_sql_is_that_of_published_files(server, box, tmp_path):
    relation = "<relation type='text' name='q'>SELECT 1 AS one</relation>"
    document = f"<datasource><connection class='postgres'/>{relation}</datasource>"
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as package:
        package.writestr("s.tds", document)
    path = tmp_path / "Custom.tdsx"
    path.write_bytes(packed.getvalue())
    project = by_name(everything(server.projects), "Ops")
    server.datasources.publish(TSC.DatasourceItem(project.id, "Custom"), path, "CreateNew")
    (query,) = listed(server, "customSQLTables", "name query downstreamDatasources { name __typename }")
    assert query["query"] == "SELECT 1 AS one"
    assert query["downstreamDatasources"] == [{"name": "Custom", "__typename": "PublishedDatasource"}]
    with tsc(box, "egon") as his:
        assert listed(his, "customSQLTables") == []


# -- pages --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("first", [1, 2, 7, 1000])
def test_pages_hold_everything_once(server, first):
    query = (
        "query ($first: Int, $afterToken: String) { sheetsConnection(first: $first, after: $afterToken)"
        " { nodes { luid } totalCount pageInfo { hasNextPage endCursor } } }"
    )
    pages = server.metadata.paginated_query(query, {"first": first})["pages"]
    connections = [page["data"]["sheetsConnection"] for page in pages]
    luids = [node["luid"] for connection in connections for node in connection["nodes"]]
    assert len(luids) == len(set(luids)) == connections[0]["totalCount"] == 8
    assert all(len(connection["nodes"]) <= first for connection in connections)
    assert [c["pageInfo"]["hasNextPage"] for c in connections] == [True] * (len(connections) - 1) + [False]


@pytest.mark.parametrize("root", FIVE)
def test_the_five_connections_page_filter_and_count(catalog, root):
    with tsc(catalog) as server:
        everything_ = listed(server, root, "id name")
        total = ask(server, f"{{ {root}Connection(first: 0) {{ totalCount nodes {{ id }} }} }}")[f"{root}Connection"]
        assert total == {"totalCount": len(everything_), "nodes": []}
        for node in everything_:
            query = f'{{ {root}Connection(filter: {{idWithin: ["{node["id"]}"]}}) {{ nodes {{ name }} totalCount }} }}'
            assert ask(server, query)[f"{root}Connection"] == {"nodes": [{"name": node["name"]}], "totalCount": 1}
        assert ask(server, f'{{ {root}(filter: {{name: "nothing"}}) {{ id }} }}')[root] == []


def test_filters_by_project_and_offset_within_a_workbook(catalog):
    with tsc(catalog) as server:
        query = '{ workbooks(filter: {projectNameWithin: ["Closed", "x"]}) { luid name } }'
        (report,) = ask(server, query)["workbooks"]
        query = f"""{{ workbooks(filter: {{luid: "{report["luid"]}"}}) {{
            embeddedDatasourcesConnection(first: 1, offset: 1) {{ nodes {{ name }} totalCount }} }} }}"""
        (found,) = ask(server, query)["workbooks"]
        assert found["embeddedDatasourcesConnection"] == {"nodes": [{"name": "Payroll"}], "totalCount": 2}


# -- what each person sees ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["ada", "sam", "carl", "cleo", "eve", "egon", "vic"])
def test_everybody_sees_in_it_what_rest_shows(box, name):
    with tsc(box, name) as hers:
        for root, endpoint in (
            ("workbooks", hers.workbooks),
            ("sheets", hers.views),
            ("publishedDatasources", hers.datasources),
        ):
            assert {n["luid"] for n in listed(hers, root, "luid")} == {i.id for i in everything(endpoint)}


def test_lineage_tells_what_is_not_seen_by_its_ids_alone(catalog):
    with tsc(catalog, "vic") as hers:
        assert [t["name"] for t in listed(hers, "databaseTables")] == ["orders"]
        (source,) = listed(hers, "publishedDatasources", "upstreamTables { id luid name fullName columns { name } }")
        shown, hidden = source["upstreamTables"]
        assert (shown["name"], len(shown["columns"])) == ("orders", 3)
        assert hidden["luid"]
        assert (hidden["name"], hidden["fullName"], hidden["columns"]) == (None, None, [])
        (report,) = listed(hers, "workbooks", "projectName embeddedDatasources { name } upstreamDatasources { name }")
        assert report["projectName"] is None, "a project that is not seen has no name"
        assert [d["name"] for d in report["embeddedDatasources"]] == ["Orders", None]
        assert [d["name"] for d in report["upstreamDatasources"]] == ["Orders", None]
        text = json.dumps(hers.metadata.query("{ fields { name fullyQualifiedName datasource { name } } }"))
        assert "Payroll" not in text


def test_names_and_addresses_of_owners_show_as_in_rest(catalog):
    with tsc(catalog, "vic") as hers:
        (report,) = listed(hers, "workbooks", "owner { username email }")
        assert report["owner"] == {"username": "dora", "email": None}


# -- limits and refusals ------------------------------------------------------------------------------------------


def post(raw, body, **headers):
    sent = {"X-Tableau-Auth": raw.token, "Content-Type": "application/json", **headers}
    return raw.http.post(f"{raw.box.url}/api/metadata/graphql", data=body, headers=sent, timeout=patience(20))


@pytest.mark.parametrize("token", ["", "rubbish"])
def test_without_a_token_it_is_401_in_json(box, token):
    answer = post(Raw(box, token=token), json.dumps({"query": "{ workbooks { id } }"}))
    assert answer.status_code == 401
    assert answer.headers["Content-Type"].startswith("application/json")
    assert answer.json()["error"] == "Unauthorized"
    assert answer.json()["path"] == "/relationship-service-war/graphql"


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b'{"query": 1}', b'{"query": "{a}", "variables": []}', b'{"query": "{a}", "operationName": 1}'],
)
def test_bodies_that_are_none(raw, body):
    answer = post(raw, body)
    assert answer.status_code == 400
    assert answer.json()["status"] == 400


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("{ nothing }", "nothing"),
        ("{ workbooks { secret } }", "secret"),
        ("{ workbooks ", "Syntax Error"),
        ("{ workbooksConnection(first: -1) { totalCount } }", "`first`"),
        ('{ workbooksConnection(after: "x") { totalCount } }', "`after`"),
        ("{ workbooksConnection(offset: -1) { totalCount } }", "`offset`"),
        ("fragment A on Workbook { ...A } { workbooks { ...A } }", "cycle|itself"),
        ("{" + "a{" * 3000, "nested|Syntax|deep"),
        ("query ($x: Int!) { workbooks { id } }", "\\$x"),
    ],
)
def test_queries_that_are_wrong_are_200_with_errors(raw, query, told):
    answer = post(raw, json.dumps({"query": query}))
    assert answer.status_code == 200
    assert re.search(told, answer.json()["errors"][0]["message"])


def test_more_nodes_than_the_limit_are_a_warning_with_what_fits(server, monkeypatch):
    monkeypatch.setattr(api, "NODE_LIMIT", 5)
    answer = server.metadata.query("{ sheetsConnection(first: 8) { nodes { id } pageInfo { hasNextPage endCursor } } }")
    (error,) = answer["errors"]
    assert error["extensions"]["code"] == "NODE_LIMIT_EXCEEDED"
    assert error["extensions"]["severity"] == "WARNING"
    assert len(answer["data"]["sheetsConnection"]["nodes"]) == 5


def test_a_query_that_goes_round_in_circles_ends(server):
    inner = "id"
    for _ in range(12):
        inner = f"sheets {{ workbook {{ {inner} }} }}"
    answer = server.metadata.query(f"{{ workbooks {{ {inner} }} }}")
    assert answer["errors"][-1]["extensions"]["code"] == "NODE_LIMIT_EXCEEDED"


def test_other_methods_and_the_status_of_the_store(raw, server):
    assert raw.http.get(f"{raw.box.url}/api/metadata/graphql", headers={"X-Tableau-Auth": raw.token}).status_code == 405
    assert server.metadata.backfill_status() == {"status": "COMPLETED"}
    assert server.metadata.eventing_status() == {"status": "COMPLETED"}


def test_it_came_with_3_5(clock):
    with running("w0", clock=clock, plays=personality("server", "3.4")) as box:
        raw = Raw(box, version="3.4").sign_in()
        assert post(raw, json.dumps({"query": "{ workbooks { id } }"})).status_code == 404


def test_requests_are_counted_and_reading_changes_nothing(box, server):
    before = box.site("sandbox")
    listed(server, "workbooks")
    assert box.log.counts()["POST metadata/graphql"] == 1
    assert box.log.entries[-1].user == "ada"
    assert box.site("sandbox") is before


def test_without_the_library_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "graphql", None)
    with pytest.raises(Refusal, match=r"pip install \"graphql-core"):
        api.graphql()
