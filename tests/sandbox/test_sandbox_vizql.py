"""The VizQL Data Service: its queries are held against SQL on the same rows, its tables against the site."""

from __future__ import annotations

from dataclasses import replace

import duckdb
import pytest
from sandbox_client import Raw

from tabwarden.access.reference import may
from tabwarden.model.site import Content, Grantee, Rule
from tabwarden.sandbox.http.server import running
from tabwarden.sandbox.metadata import vizql_query
from tabwarden.sandbox.worlds.finding import find_world

LINES = [
    {"who": who, "where": where, "n": n, "day": day}
    for who, where, n, day in [
        ("ann", "Ulm", 3, "2025-01-31T23:30:00Z"),
        ("ann", "Ulm", 4, "2025-02-01T00:00:00Z"),
        ("bob", "Bonn", None, "2025-05-17T12:00:00Z"),
        ("bob", "Ulm", 7, "2024-12-31T08:00:00Z"),
        ("cid", None, 1, None),
        ("dan", "Bonn", 9, "2025-10-05T09:00:00Z"),
        ("Anna", "Essen", 2.5, "2025-10-06T09:00:00Z"),
    ]
]
CAPTIONS = ("who", "where", "n", "day")


def field(caption, function=None, **more):
    return {"fieldCaption": caption, **({"function": function} if function else {}), **more}


def keeps(kind, caption, **more):
    return {"filterType": kind, "field": {"fieldCaption": caption}, **more}


BY_SQL = [
    ([field("who")], [], "select distinct who from t"),
    ([field("where"), field("n", "SUM")], [], 'select "where", sum(n) from t group by 1'),
    ([field("where"), field("n", "AVG")], [], 'select "where", avg(n) from t group by 1'),
    ([field("where"), field("n", "MEDIAN")], [], 'select "where", median(n) from t group by 1'),
    ([field("where"), field("n", "STDEV")], [], 'select "where", stddev_samp(n) from t group by 1'),
    ([field("where"), field("n", "VAR")], [], 'select "where", var_samp(n) from t group by 1'),
    ([field("n", "COUNT")], [], "select count(n) from t"),
    (
        [field("where", "COUNTD"), field("n", "MIN"), field("n", "MAX")],
        [],
        'select count(distinct "where"), min(n), max(n) from t',
    ),
    (
        [field("day", "YEAR"), field("n", "COUNT")],
        [],
        "select year(cast(day as timestamp)), count(n) from t group by 1",
    ),
    ([field("day", "QUARTER")], [], "select distinct quarter(cast(day as timestamp)) from t"),
    ([field("day", "MONTH")], [], "select distinct month(cast(day as timestamp)) from t"),
    ([field("day", "DAY")], [], "select distinct day(cast(day as timestamp)) from t"),
    ([field("day", "WEEK")], [], "select distinct weekofyear(cast(day as timestamp)) from t"),
    *(
        (
            [field("day", f"TRUNC_{part}")],
            [],
            f"select distinct strftime(date_trunc('{part}', cast(day as timestamp)), '%Y-%m-%d') from t",
        )
        for part in ("YEAR", "QUARTER", "MONTH", "DAY")
    ),
    (
        [field("who")],
        [keeps("SET", "where", values=["Ulm", "Essen"])],
        "select distinct who from t where \"where\" in ('Ulm', 'Essen')",
    ),
    (
        [field("who")],
        [keeps("SET", "where", values=["Ulm"], exclude=True)],
        "select distinct who from t where \"where\" is distinct from 'Ulm'",
    ),
    ([field("who")], [keeps("MATCH", "who", startsWith="an")], "select distinct who from t where who ilike 'an%'"),
    (
        [field("who")],
        [keeps("MATCH", "who", contains="n", endsWith="n")],
        "select distinct who from t where who ilike '%n' and who ilike '%n%'",
    ),
    (
        [field("n")],
        [keeps("QUANTITATIVE_NUMERICAL", "n", quantitativeFilterType="RANGE", min=3, max=7)],
        "select n from t where n between 3 and 7",
    ),
    (
        [field("n")],
        [keeps("QUANTITATIVE_NUMERICAL", "n", quantitativeFilterType="MIN", min=4, includeNulls=True)],
        "select n from t where n >= 4 or n is null",
    ),
    (
        [field("who")],
        [keeps("QUANTITATIVE_NUMERICAL", "n", quantitativeFilterType="ONLY_NULL")],
        "select who from t where n is null",
    ),
    (
        [field("who"), field("n")],
        [keeps("QUANTITATIVE_DATE", "day", quantitativeFilterType="RANGE", minDate="2025-01-01", maxDate="2025-02-01")],
        "select distinct who, n from t where cast(day as date) between '2025-01-01' and '2025-02-01'",
    ),
    (
        [field("where")],
        [keeps("TOP", "where", howMany=2, fieldToMeasure=field("n", "SUM"))],
        'select "where" from t group by 1 order by sum(n) desc nulls last limit 2',
    ),
    (
        [field("who"), field("where")],
        [keeps("SET", "who", values=["ann", "bob"]), keeps("SET", "where", values=["Ulm"])],
        "select distinct who, \"where\" from t where who in ('ann', 'bob') and \"where\" = 'Ulm'",
    ),
]


@pytest.fixture(scope="module")
def table():
    with duckdb.connect() as base:
        base.execute('create table t (who text, "where" text, n double, day text)')
        base.executemany("insert into t values (?, ?, ?, ?)", [tuple(line.values()) for line in LINES])
        yield base


@pytest.mark.parametrize(("fields", "filters", "sql"), BY_SQL)
def test_a_query_gives_what_sql_gives(table, fields, filters, sql):
    rows, wanted = rows_of(table, fields, filters, sql)
    assert rows == wanted


def rows_of(table, fields, filters, sql):
    """The rows of a query and those of the same in SQL, in one order, as far as floats tell."""
    rows = [tuple(row.values()) for row in vizql_query.run(LINES, {"fields": fields, "filters": filters}, CAPTIONS)]
    return sorted(map(plain, rows)), sorted(map(plain, table.execute(sql).fetchall()))


def plain(row):
    return repr([round(float(value), 9) if isinstance(value, (int, float)) else value for value in row])


def test_order_rounding_and_names():
    fields = [
        field("who", sortPriority=2),
        field("n", "SUM", fieldAlias="sum", sortPriority=1, sortDirection="DESC", maxDecimalPlaces=0),
    ]
    rows = vizql_query.run(LINES, {"fields": fields}, CAPTIONS)
    assert [(row["who"], row["sum"]) for row in rows] == [
        ("dan", 9),
        ("ann", 7),
        ("bob", 7),
        ("Anna", 2.0),
        ("cid", 1),
    ]
    assert len(vizql_query.run(LINES, {"fields": [field("who")]}, CAPTIONS, disaggregate=True)) == len(LINES)


@pytest.mark.parametrize(
    "query",
    [
        {"fields": []},
        {"fields": [field("who"), field("who")]},
        {"fields": [field("n", "GUESS")]},
        {"fields": [field("n", calculation="[n] * 2")]},
        {"fields": [field("who", sortDirection="UP")]},
        {"fields": [field("who")], "filters": [keeps("WISH", "who")]},
        {"fields": [field("who")], "filters": [keeps("QUANTITATIVE_DATE", "day", quantitativeFilterType="SOME")]},
    ],
)
def test_what_is_no_query(query):
    with pytest.raises(ValueError, match="`"):
        vizql_query.run(LINES, query, CAPTIONS)


@pytest.fixture(scope="module")
def box():

    world = find_world("w0")
    (site,) = world.sites
    ada = site.find_user("ada").id
    project = Content("a" * 36, "project", "Admin Insights", None, ada)
    api = frozenset({Rule(Grantee("user", ada), "VizqlDataApiAccess", "Allow")})
    tables = ("Site Content", "Groups", "Job Performance", "TS Users")
    sources = [Content(f"{n}" * 36, "datasource", name, project.id, ada, rules=api) for n, name in enumerate(tables)]
    own = Content("b" * 36, "datasource", "Own", site.find_content("Ops").id, ada, rules=api)

    with running(
        replace(world, sites=(site.with_contents(project, *sources, own),)), clock=lambda: 1_760_616_000.0
    ) as box:
        yield box


def asked(box, what, source, query=None, name="ada", **options):
    content = next(c for c in box.site("sandbox").contents.values() if c.name == source)
    raw = Raw(box).sign_in(name)
    body = {"datasource": {"datasourceLuid": content.id}, "query": query, "options": options}
    return raw.http.post(
        f"{box.url}/api/v1/vizql-data-service/{what}", json=body, headers={"X-Tableau-Auth": raw.token}, timeout=20
    )


def test_what_is_described_can_be_queried(box):
    for source in ("Own", "Site Content", "Groups", "Job Performance", "TS Users"):
        fields = [one["fieldCaption"] for one in asked(box, "read-metadata", source).json()["data"]]
        query = {"fields": [field(caption) for caption in fields]}
        asked(box, "query-datasource", source, query)  # which is itself the last use that the next one tells
        rows = asked(box, "query-datasource", source, query).json()["data"]
        assert rows or source == "Job Performance", source
        assert all(list(row) == fields for row in rows)
        arrays = asked(box, "query-datasource", source, query, returnFormat="ARRAYS").json()["data"]
        assert arrays == [list(row.values()) for row in rows]


def test_a_source_has_the_columns_that_the_metadata_api_tells(box):
    raw = Raw(box).sign_in()
    fields = "fields { name ... on ColumnField { dataType } }"
    query = f'{{ publishedDatasources(filter: {{name: "Own"}}) {{ {fields} }} }}'
    answer = raw.http.post(
        f"{box.url}/api/metadata/graphql",
        json={"query": query},
        headers={"X-Tableau-Auth": raw.token},
        timeout=20,
    ).json()
    told = {(one["name"], one["dataType"]) for one in answer["data"]["publishedDatasources"][0]["fields"]}
    described = asked(box, "read-metadata", "Own").json()["data"]
    assert {(one["fieldCaption"], one["dataType"]) for one in described} == told
    assert asked(box, "get-datasource-model", "Own").json()["logicalTables"]


def test_admin_insights_tell_the_site(box):
    site = box.site("sandbox")
    rows = asked(box, "query-datasource", "Site Content", {"fields": [field("Item LUID"), field("Item Name")]}).json()
    assert {(row["Item LUID"], row["Item Name"]) for row in rows["data"]} == {
        (content.id, content.name) for content in site.contents.values()
    }
    rows = asked(
        box, "query-datasource", "Groups", {"fields": [field("Group Name"), field("User LUID", "COUNTD")]}
    ).json()
    assert {row["Group Name"]: row["COUNTD(User LUID)"] for row in rows["data"]} == {
        group.name: len(site.members(group.id)) for group in site.groups.values()
    }


def test_who_lacks_api_access_gets_nothing(box):
    site = box.site("sandbox")
    own = next(c.id for c in site.contents.values() if c.name == "Own")
    accounts = [user for user in site.users.values() if user.site_role != "Unlicensed"]
    for user in accounts:
        answer = asked(box, "read-metadata", "Own", name=user.name)
        assert (answer.status_code == 200) == may(site, user.id, "VizqlDataApiAccess", own).allowed, user.name
    answer = next(
        a for user in accounts if (a := asked(box, "read-metadata", "Own", name=user.name)).status_code != 200
    )
    assert (answer.status_code, answer.json()["errorCode"]) == (403, "403800")
    strange = asked(box, "query-datasource", "Own", {"fields": [field("nothing")]})
    assert (strange.status_code, strange.json()["errorCode"]) == (404, "404934")
    assert asked(box, "burn", "Own").json()["errorCode"] == "404950"
