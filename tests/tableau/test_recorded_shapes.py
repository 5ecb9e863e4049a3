"""Answers of our own in the shape of recorded ones (API 3.1, 2020): what is left out, and what else is there.

Each kind that a reader or writer asks for is here once, with an attribute and an element that nobody knows yet.
"""

from __future__ import annotations

import pytest
from small_server import ME, SITE, Answer, error, serving, xml

from tabwarden.effects.ops.groups import CreateGroup, Grants
from tabwarden.effects.ops.memberships import AddToGroup, RemoveFromGroup
from tabwarden.effects.ops.users import AddUser, RemoveUser, SetRole
from tabwarden.effects.ref import Ref
from tabwarden.model.feeds import DataConnection
from tabwarden.model.site import ALLOW, Grantee, Rule
from tabwarden.tableau.http.connection import connect
from tabwarden.tableau.http.session import Pat, SignIn
from tabwarden.tableau.read.site import read_site
from tabwarden.tableau.write.writer import Writer

NEW = 'laterAttribute="x"'
LATER = "<laterElement laterAttribute='x'/>"
ANN, BOB = "a0000000-0000-4000-8000-00000000000a", "b0000000-0000-4000-8000-00000000000b"
TEAM, HOME, BOOK, SHEET, STOCK = (f"{n}0000000-0000-4000-8000-000000000000" for n in "12345")
TIMES = 'createdAt="2020-01-01T00:00:00Z" updatedAt="2020-02-01T00:00:00Z"'
PLACE = f'<project id="{HOME}" name="Home"/><owner id="{ANN}"/><tags/>{LATER}'
RULES = (
    f'<permissions><workbook id="{BOOK}" name="Book"><owner id="{ANN}"/></workbook><granteeCapabilities>'
    f'<group id="{TEAM}"/><capabilities><capability name="Read" mode="Allow"/></capabilities></granteeCapabilities>'
    f"{LATER}</permissions>"
)
VIEW = f'<view id="{SHEET}" name="Sheet" contentUrl="book/sheets/Sheet" {TIMES} {NEW}>'


def listed(plural, *items):
    """A list as servers page it."""
    count = len(items)
    pages = f'<pagination pageNumber="1" pageSize="1000" totalAvailable="{count}"/>'
    return f"{pages}<{plural}>{''.join(items)}</{plural}>{LATER}"


GETS = {
    "": f'<site id="{SITE}" name="Small" contentUrl="small" adminMode="ContentAndUsers" disableSubscriptions="false"'
    ' state="Active" revisionHistoryEnabled="true" revisionLimit="25" subscribeOthersEnabled="false"'
    f' guestAccessEnabled="true" cacheWarmupEnabled="true" commentingEnabled="true" {NEW}/>',
    f"users/{ME}": f'<user id="{ME}" name="me" siteRole="ServerAdministrator" externalAuthUserId=""/>',
    "users": listed(
        "users",
        f'<user id="{ANN}" name="ann" siteRole="Explorer" externalAuthUserId="" {NEW}>{LATER}</user>',
        f'<user id="{BOB}" name="bob" siteRole="Unlicensed" lastLogin="2020-01-01T00:00:00Z" externalAuthUserId=""/>',
        f'<user id="{ME}" name="me" siteRole="ServerAdministrator" externalAuthUserId=""/>',
    ),
    "groups": listed("groups", f'<group id="{TEAM}" name="Team" {NEW}><domain name="local"/>{LATER}</group>'),
    f"groups/{TEAM}/users": listed("users", f'<user id="{ANN}" name="ann" siteRole="Explorer" externalAuthUserId=""/>'),
    "projects": listed(
        "projects",
        f'<project id="{HOME}" name="Home" description="" {TIMES} contentPermissions="ManagedByOwner" {NEW}>'
        f'<owner id="{ANN}"/>{LATER}</project>',
    ),
    "workbooks": listed(
        "workbooks",
        f'<workbook id="{BOOK}" name="Book" contentUrl="book" webpageUrl="http://small/#/workbooks/7" showTabs="false"'
        f' size="1" {TIMES} {NEW}>{PLACE}</workbook>',
    ),
    "views": listed("views", f'{VIEW}<workbook id="{BOOK}"/><owner id="{ANN}"/>{PLACE}</view>'),
    f"workbooks/{BOOK}/views": f"<views>{VIEW}<tags/></view></views>",
    "datasources": listed(
        "datasources",
        f'<datasource id="{STOCK}" name="Stock" contentUrl="stock" type="textscan" {TIMES} isCertified="false" {NEW}>'
        f"{PLACE}</datasource>",
    ),
    f"workbooks/{BOOK}/connections": f'<connections><connection id="c" type="sqlserver" serverAddress="db" userName="u"'
    f' {NEW}><datasource id="elsewhere" name="Book"/></connection></connections>',
    f"datasources/{STOCK}/connections": "<connections/>",
}


def answer(asked):
    """What a server of API 3.1 answers; permissions are alike everywhere."""
    if asked.path.endswith("/serverinfo"):
        return xml("<serverInfo><restApiVersion>3.1</restApiVersion></serverInfo>")
    path = asked.path.partition(f"sites/{SITE}")[2].strip("/")
    if asked.method == "GET" and "permissions" in path:
        return xml(RULES)
    if asked.method == "GET" and f"sites/{SITE}" in asked.path and path in GETS:
        return xml(GETS[path])
    return None


@pytest.fixture
def old():
    with serving(answer) as small, connect(SignIn(small.url, "small", Pat("tok", "0123456789abcdef"))) as connection:
        yield connection


def test_a_site_of_that_shape_is_read_whole(old):
    site = read_site(old)
    assert {user.name: (user.site_role, user.last_login) for user in site.users.values()} == {
        "ann": ("Explorer", None),
        "bob": ("Unlicensed", "2020-01-01T00:00:00Z"),
        "me": ("ServerAdministrator", None),
    }
    assert site.groups[TEAM].members == {ANN}
    assert (site.settings.subscribe_others, site.settings.commenting) == (False, True)
    book = site.contents[BOOK]
    assert (book.parent, book.owner, book.tabs, book.tags) == (HOME, ANN, False, frozenset())
    assert book.rules == {Rule(Grantee("group", TEAM), "Read", ALLOW)}
    assert book.connections == (DataConnection("sqlserver", "db", "u", None),)
    assert (site.contents[SHEET].parent, site.contents[SHEET].updated) == (BOOK, "2020-02-01T00:00:00Z")
    assert (site.contents[STOCK].certified, site.contents[STOCK].connections) == (False, ())
    assert [remark for remark in site.partial if "rules" in remark] == [
        "rules of 1 views: version 3.1 of the API does not tell them, 3.2 and later do"
    ]


def test_a_list_without_pagination_is_all_there_is(old):
    (view,) = old.pages(f"workbooks/{BOOK}/views", "view")
    assert (view.get("id"), view.get("name")) == (SHEET, "Sheet")


ANSWERED = {
    ("POST", "users"): xml(f'<user id="n1" name="new" siteRole="Explorer" externalAuthUserId="" {NEW}/>', 201),
    # The answer to a change of a user has no id, that to a new member is the user.
    ("PUT", f"users/{ANN}"): xml(f'<user name="ann" fullName="Ann" siteRole="Viewer" {NEW}/>'),
    ("POST", f"groups/{TEAM}/users"): xml(f'<user id="{BOB}" name="bob" siteRole="Unlicensed" externalAuthUserId=""/>'),
    ("DELETE", f"groups/{TEAM}/users/{ANN}"): Answer(204),
    ("DELETE", f"users/{BOB}"): Answer(204),
    ("POST", "groups"): xml(f'<group id="n2" name="Fresh" {NEW}/>', 201),
    ("PUT", "groups/n2"): xml('<group id="n2" name="Fresh"/>'),
}
PERSON, OTHER, GROUP = Ref("user", "ann", id=ANN), Ref("user", "bob", id=BOB), Ref("group", "Team", id=TEAM)
CHANGES = [
    (AddUser(Ref("user", "new"), "Explorer"), "n1"),
    (SetRole(PERSON, "Explorer", "Viewer"), None),
    (AddToGroup(OTHER, GROUP), None),
    (RemoveFromGroup(PERSON, GROUP), None),
    (RemoveUser(OTHER, None, "Unlicensed"), None),
    (CreateGroup(Ref("group", "Fresh"), Grants("Viewer", "onLogin")), "n2"),
]


@pytest.mark.parametrize(("change", "new_id"), CHANGES, ids=lambda value: getattr(value, "op", ""))
def test_a_change_answered_in_that_shape_is_done(change, new_id):
    def script(asked):
        path = asked.path.partition(f"sites/{SITE}/")[2]
        return ANSWERED.get((asked.method, path)) or answer(asked)

    with serving(script) as small, connect(SignIn(small.url, "small", Pat("tok", "0123456789abcdef"))) as connection:
        (result,) = Writer(connection, bulk=False).do([change])
    assert (result.status, result.new_id) == ("done", new_id), result.remedy


def test_what_is_gone_already_says_so():
    def script(asked):
        return error("404022") if asked.method == "DELETE" else answer(asked)

    with serving(script) as small, connect(SignIn(small.url, "small", Pat("tok", "0123456789abcdef"))) as connection:
        (result,) = Writer(connection, bulk=False).do([RemoveFromGroup(PERSON, GROUP)])
    assert (result.status, result.code) == ("already", "404022")
