"""Lists as Tableau's client asks them: every field it names, every filter and sort it documents, in what they answer.

What the client offers is read from the client itself, so a newer one that offers more fails here.
"""

from __future__ import annotations

import re

import pytest
from sandbox_client import NS, TSC, Raw, by_name, everything

from tabwarden.sandbox.http.server import running

Options = TSC.RequestOptions
# The list that tells each group of fields the client names; what a list cannot tell of w0 stands in `UNTOLD`.
LISTS = {
    "Datasource": "datasources",
    "Group": "groups",
    "Job": "jobs",
    "Project": "projects",
    "User": "users",
    "View": "views",
    "Workbook": "workbooks",
    "Owner": "workbooks",
    "ContentsCounts": "projects",
}
# No connection in w0 names a server, no job has a subtitle, and of an unread user there is no last sign-in.
UNTOLD = {"datasource.serverName", "datasource.databaseName", "job.subtitle"}
# Fields that an element of their own carries.
CHILDREN = {"domainName": "domain", "tag": "tags"}
FIELDS = [
    (path, field)
    for group, path in LISTS.items()
    for name, field in sorted(vars(getattr(Options.SelectFields, group)).items())
    if not name.startswith("_") and field not in UNTOLD
]


@pytest.fixture(scope="module")
def box():
    with running("w0") as sandbox:
        raw = Raw(sandbox)
        for name in sorted(user.name for user in sandbox.site("sandbox").users.values() if user.name != "una"):
            raw.sign_in(name)
        yield sandbox


@pytest.fixture(scope="module")
def raw(box):
    signed_in = Raw(box).sign_in()
    body = b'--e\r\nContent-Disposition: name="tableau_user_delete"\r\n\r\nnobody\r\n--e--'
    signed_in.call("POST", "{s}/users/delete", body, headers={"Content-Type": "multipart/mixed; boundary=e"})
    return signed_in


@pytest.mark.parametrize(("path", "field"), FIELDS, ids=[field for _path, field in FIELDS])
def test_a_field_the_client_names_is_told_and_nothing_unasked(raw, path, field):
    _pages, found = raw.xml(f"{{s}}/{path}?fields={field}")
    last = field.rpartition(".")[2]
    told = {name for item in found for part in item.iter() for name in (*part.attrib, part.tag.partition("}")[2])}
    assert CHILDREN.get(last, last) in told
    unasked = {"name", "description", "contentUrl", "siteRole", "jobType"} - {last}
    assert not any(set(item.attrib) & unasked for item in found)


def documented(endpoint):
    """Field and operator of every filter that a method of the client documents."""
    words = re.findall(r"^\s+(\w+)=\.\.\.$", endpoint.filter.__doc__ or "", re.MULTILINE)
    for word in words:
        snake, _two, operator = word.partition("__")
        first, *others = snake.split("_")
        yield first + "".join(part.title() for part in others), operator or "eq"


# A copy of the groups' documentation in the client; and a field it builds that "Filtering and Sorting" calls updatedAt.
COPIED = {"group_sets"}
NOT_REST = {("flows", "updated")}
KINDS = ("datasources", "flows", "groups", "jobs", "projects", "users", "views", "workbooks")
FILTERS = [
    (kind, field, operator)
    for kind in KINDS
    for field, operator in documented(getattr(TSC.Server("http://127.0.0.1"), kind))
    if (kind, field) not in NOT_REST
]


def value_for(field, operator):
    """Something a field can be compared with."""
    if field.endswith(("At", "Login")):
        value = "2020-01-01T00:00:00Z"
    elif field.startswith(("is", "has")) or field in ("displayTabs", "topLevelProject"):
        value = "false"
    elif re.search("Total|Count|sheetNumber|size|priority|progress|WorkbookType", field):
        value = "0"
    else:
        value = "Sales"
    return f"[{value}]" if operator == "in" else value


@pytest.mark.parametrize(("kind", "field", "operator"), FILTERS, ids=["-".join(f) for f in FILTERS])
def test_a_filter_the_client_documents_is_known_and_sorts(raw, kind, field, operator):
    answer = raw.get(f"{{s}}/{kind}?filter={field}:{operator}:{value_for(field, operator)}&sort={field}:desc")
    assert answer.status_code == 200, answer.text


def test_the_client_documents_what_it_did():
    assert len(FILTERS) > 200
    assert {kind for kind, _field, _operator in FILTERS} == set(KINDS)


@pytest.mark.parametrize(
    ("path", "query", "names"),
    [
        ("views", "sheetNumber:eq:0", "V1 V4 V8"),
        ("views", "title:in:[V1,V5]", "V1 V5"),
        ("views", "sheetType:eq:view,workbookName:eq:W1", "V1 V2 V3"),
        ("workbooks", "hasAlerts:eq:true", ""),
        ("workbooks", "favoritesTotal:gte:0,sheetCount:gt:3", "W2"),
        ("datasources", "isPublished:eq:true,hasAlert:eq:false", "D1 D2"),
        ("datasources", "hasEmbeddedPassword:eq:true", ""),
    ],
)
def test_what_filters_find(raw, path, query, names):
    assert sorted(item.get("name") for item in raw.xml(f"{{s}}/{path}?filter={query}")[1]) == names.split()


def test_owners_mail_and_role_are_told_to_administrators_only(box, raw):
    query = "{s}/workbooks?fields=name,owner.email,owner.siteRole,owner.name"
    (ours,) = [w for w in raw.xml(query)[1] if w.get("name") == "W3"]
    assert ours.find("t:owner", NS).attrib.keys() == {"id", "name", "email", "siteRole"}
    (theirs,) = [w for w in Raw(box).sign_in("eve").xml(query)[1] if w.get("name") == "W3"]
    assert theirs.find("t:owner", NS).attrib.keys() == {"id", "name"}


def test_fields_of_a_views_workbook(raw):
    found = raw.xml("{s}/views?fields=name,workbook.name&filter=name:eq:V4")[1][0]
    assert found.find("t:workbook", NS).get("name") == "W2"
    unasked = raw.xml("{s}/views?filter=name:eq:V4")[1][0]
    assert set(unasked.find("t:workbook", NS).attrib) == {"id"}


def test_only_the_fields_that_a_query_set_of_the_client_asks(box):
    server = TSC.Server(box.url, use_server_version=True)
    with server.auth.sign_in(TSC.TableauAuth("ada", "ada", "sandbox")):
        names = Options.SelectFields.Workbook
        found = list(server.workbooks.all().only_fields(names.ID, names.Name, names.SheetCount))
        assert {(w.name, w.sheet_count, w.show_tabs) for w in found} == {
            ("W1", 3, False),
            ("W2", 4, False),
            ("W3", 1, False),
        }
        assert by_name(everything(server.workbooks), "W1").show_tabs is True
