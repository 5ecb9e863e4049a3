"""Every element and attribute that Tableau was seen to answer is in the sandbox's answers, or why not.

`shapes.tsv` has one line for each kind of answer: the request, the API version it was recorded at (none: the newest),
which test answers of tableauserverclient have it or how often a real server was recorded with it, and its shape.
`shapes_left.tsv` has what is left out with all that is in it, and why; without a path the request is not played.
"""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import count

import pytest
from answer_shapes import LEFT, excused, name_of, recorded, shape_of
from full_world import full_sandbox, publication
from workbook_files import FLOW, TDSX, TWBX

from tabwarden.sandbox.http.endpoints import TABLE
from tabwarden.sandbox.state.personality import CLOUD, personality
from tabwarden.sandbox.state.server_state import FIRST_SCHEDULES

VIRTUAL = "sites/{site}/virtualConnections/{virtualconnection}"
FILES = {"workbook": (TWBX, "twbx"), "datasource": (TDSX, "tdsx"), "flow": (FLOW, "tflx")}
RULES = (
    '<permissions><granteeCapabilities><user id="{user}"/><capabilities><capability name="Read" mode="Allow"/>'
    '</capabilities></granteeCapabilities><granteeCapabilities><group id="{group}"/><capabilities>'
    '<capability name="Read" mode="Allow"/></capabilities></granteeCapabilities></permissions>'
)
TAGS = '<tags><tag label="green"/></tags>'
CHANGED = '<connection serverAddress="db2" serverPort="99" userName="u" authenticationType="x" embedPassword="true"/>'
SEVERAL = "<connectionLUIDs><connectionLUID>{connection}</connectionLUID></connectionLUIDs>" + CHANGED
USERS_FILE = '--e\r\nContent-Disposition: name="tableau_user_import"\r\n\r\nnew{n},,,Viewer,None,no\r\n--e--'
CHUNK = '--e\r\nContent-Disposition: name="tableau_file"; filename="a"\r\n\r\nabc\r\n--e--'
IMPORT = '<import source="ActiveDirectory" domainName="corp.example" siteRole="Viewer" grantLicenseMode="onSync"/>'
MONTHLY = (
    '<schedule frequency="Monthly"><frequencyDetails start="08:00:00"><intervals><interval monthDay="3"/></intervals>'
    "</frequencyDetails></schedule>"
)


def timed(frequency, number, end="", intervals="", work="Extract"):
    """A schedule for a request that makes or changes one."""
    return (
        f'<schedule name="S{number} {{n}}" type="{work}" priority="50" executionOrder="Parallel"'
        f' frequency="{frequency}"><frequencyDetails start="08:00:00" {end}><intervals>{intervals}</intervals>'
        "</frequencyDetails></schedule>"
    )


def fresh_at(frequency, intervals):
    """A workbook whose data is to be fresh at a time."""
    at = f'<freshAtSchedule time="00:00:00" frequency="{frequency}" timezone="Etc/UTC">{intervals}</freshAtSchedule>'
    return f'<workbook><dataFreshnessPolicy option="FreshAt">{at}</dataFreshnessPolicy></workbook>'


def on_schedule(work, kind):
    return f'<task><{work}><{kind} id="{{{kind}}}"/></{work}></task>'


SUBSCRIBED = (
    '<subscription subject="Mail"><content id="{view}" type="View"/><schedule id="{mail schedule}"/>'
    '<user id="{user}"/></subscription>'
)
HOOKED = (
    '<webhook name="Hook"><webhook-source><webhook-source-event-datasource-created/></webhook-source>'
    '<webhook-destination><webhook-destination-http method="POST" url="https://h"/></webhook-destination></webhook>'
)
FRESH_EVERY = (
    '<workbook><dataFreshnessPolicy option="FreshEvery"><freshEverySchedule frequency="Hours" value="1"/>'
    "</dataFreshnessPolicy></workbook>"
)
# What is sent where a request needs more than its address, one request for each.
BODIES = {
    "POST auth/signin": ['<credentials name="ada" password="ada"><site contentUrl="sandbox"/></credentials>'],
    "POST sites": [
        '<site name="N {n}" contentUrl="n{n}" tierCreatorCapacity="1" tierExplorerCapacity="1" tierViewerCapacity="1"/>'
    ],
    "PUT sites/{site}": ['<site userQuota="4"/>'],
    "PUT sites/{site}/databases/{database}": ['<database description="x"/>'],
    "PUT sites/{site}/tables/{table}": ['<table description="x"/>'],
    "PUT sites/{site}/datasources/{datasource}": ["<datasource/>"],
    "PUT sites/{site}/datasources/{datasource}/connections": [SEVERAL],
    "PUT sites/{site}/datasources/{datasource}/connections/{connection}": [CHANGED],
    "PUT sites/{site}/workbooks/{workbook}/connections": [SEVERAL],
    "PUT sites/{site}/workbooks/{workbook}/connections/{connection}": [CHANGED],
    "PUT sites/{site}/fileUploads/{upload}": [CHUNK],
    "PUT sites/{site}/flows/{flow}": ["<flow/>"],
    "PUT sites/{site}/workbooks/{workbook}": [
        "<workbook/>",
        FRESH_EVERY,
        fresh_at("Day", ""),
        fresh_at("Week", '<intervals><interval weekDay="Monday"/></intervals>'),
        fresh_at("Month", '<intervals><interval monthDay="LastDay"/></intervals>'),
        '<workbook><dataAccelerationConfig accelerationEnabled="true" accelerateNow="false"/></workbook>',
    ],
    "PUT sites/{site}/projects/{project}": ["<project/>"],
    "PUT sites/{site}/virtualConnections/{virtualconnection}": ["<virtualConnection/>"],
    "PUT sites/{site}/groups/{group}": ['<group name="Sales" minimumSiteRole="Viewer"/>'],
    "POST sites/{site}/groups": [
        '<group name="G {n}" minimumSiteRole="Viewer"/>',
        '<group name="Staff">' + IMPORT + "</group>",
    ],
    "POST sites/{site}/groups 3.1": ['<group name="G {n}"/>'],
    "POST sites/{site}/groups?asJob=true": ['<group name="Empty">' + IMPORT + "</group>"],
    "PUT sites/{site}/groups/{group}?asJob=True": ['<group name="Interns">' + IMPORT + "</group>"],
    "POST sites/{site}/groups/{group}/users 3.1": ['<user id="{fresh}"/>'],
    "POST sites/{site}/groups/{group}/users": ['<user id="{fresh}"/>', '<users><user id="{fresh}"/></users>'],
    "POST sites/{site}/groupsets": ['<groupSet name="Set of {n}"/>'],
    "PUT sites/{site}/groupsets/{groupset}": ['<groupSet name="Set again"/>'],
    "POST sites/{site}/projects": ['<project name="P {n}" parentProjectId="{project}"/>'],
    "POST sites/{site}/users": ['<user name="new {n}" siteRole="Viewer" authSetting="SAML"/>'],
    "PUT sites/{site}/users/{user}": ['<user fullName="x" email="a@b"/>'],
    "POST sites/{site}/users/import": [USERS_FILE],
    "POST schedules": [
        timed("Hourly", "1", 'end="09:00:00"', '<interval hours="1"/>'),
        timed("Monthly", "2", "", '<interval monthDay="3"/>'),
        timed("Weekly", "3", "", '<interval weekDay="Monday"/>'),
        timed("Daily", "4"),
    ],
    "PUT schedules/{schedule}": [timed("Weekly", "5", "", '<interval weekDay="Monday"/>')],
    "PUT sites/{site}/customviews/{customview}": ['<customView name="x"/>'],
    "PATCH sites/{site}/datasources/{datasource}/data": ['<actions action="insert"/>'],
    "PUT sites/{site}/schedules/{schedule}/datasources": [on_schedule("extractRefresh", "datasource")],
    "PUT sites/{site}/schedules/{schedule}/workbooks": [on_schedule("extractRefresh", "workbook")],
    "PUT sites/{site}/schedules/{schedule}/flows": [on_schedule("runFlow", "flow")],
    "POST sites/{site}/tasks/extractRefreshes": [
        '<extractRefresh><workbook id="{workbook}"/></extractRefresh>' + MONTHLY
    ],
    "POST sites/{site}/tasks/flows": ['<runFlow><flow id="{flow}"/></runFlow>' + MONTHLY],
}
BODIES |= {
    "POST sites/{site}/subscriptions": [SUBSCRIBED],
    "PUT sites/{site}/dataAlerts/{dataalert}": ['<dataAlert subject="Higher"/>'],
    "POST sites/{site}/dataAlerts/{dataalert}/users": ['<user id="{user}"/>'],
    "PUT sites/{site}/favorites/{user}": [
        f'<favorite label="{kind} {{n}}"><{kind} id="{{{kind}}}"/></favorite>'
        for kind in ("workbook", "view", "datasource", "project")
    ],
    "POST sites/{site}/webhooks": [HOOKED],
}
RULED = [e.name for e in TABLE if e.method == "PUT" and "permissions" in e.path]
BODIES |= {name: [RULES] for name in RULED}
BODIES |= {e.name: [TAGS] for e in TABLE if e.method == "PUT" and e.path.endswith("/tags")}
# Things of a path that are asked for one after the other: what they answer together is the shape.
SEVERAL_OF = {"job": ("job", "refresh job", "data job"), "schedule": ("schedule", "hourly", "monthly", "daily")}
# Where a path means another thing than usual.
INSTEAD = {
    "PUT sites/{site}/groups/{group}?asJob=True": {"group": "imported"},
    "PUT sites/{site}/schedules/{schedule}/flows": {"schedule": "flow schedule"},
    "PUT sites/{site}/projects/{project}": {"project": "nested"},
}
ON_CLOUD = {"POST sites/{site}/tasks/extractRefreshes", "POST sites/{site}/tasks/flows"}
# Test answers of an older Tableau, by the version that still answered so.
OLDER = {"datasource_get_by_id": "3.21"}

PLAYED = {endpoint.name for endpoint in TABLE}
ANSWERS = list(recorded())


IN_PART = [a for a in ANSWERS if name_of(a.request) in PLAYED and excused(a)]
WHOLE = [a for a in ANSWERS if name_of(a.request) in PLAYED and not excused(a)]
ABSENT = [a for a in ANSWERS if name_of(a.request) not in PLAYED]


class Asker:
    """Asks what a sandbox answers to a request at a version, each once."""

    def __init__(self, raw, ids):
        self.raw, self.ids, self.known, self.numbers = raw, ids, {}, count()

    def shape(self, request, version):
        if (request, version) not in self.known:
            self.known[request, version] = frozenset(self._all(request, version or self.raw.version))
        return self.known[request, version]

    def _all(self, request, version):
        """All that the answers tell, one for each body and each thing that the path may name."""
        method, path = name_of(request).split(" ")
        varied = next((name for name in SEVERAL_OF if method == "GET" and f"{{{name}}}" in path), None)
        for body in BODIES.get(f"{request} {version}") or BODIES.get(request) or BODIES.get(name_of(request), ("",)):
            for other in SEVERAL_OF.get(varied, ("",)):
                ids = self._ids(path, INSTEAD.get(request, {})) | ({varied: self.ids[other]} if varied else {})
                yield from self._one(method, path, request.partition("?")[2], body, ids, version)

    def _one(self, method, path, query, body, ids, version):
        place = {"key=name": "sites/Sandbox", "key=contentUrl": "sites"}.get(query) or filled(path, ids)
        content, headers = f"<tsRequest>{filled(body, ids)}</tsRequest>", {"RequestID": ids["n"]}
        kind = path.rpartition("/")[2][:-1]
        if method == "POST" and path == f"sites/{{site}}/{kind}s" and kind in FILES:
            content, headers = publication(kind, f"New {ids['n']}", ids["project"], *FILES[kind])
        elif body.startswith("--e"):
            content, headers = filled(body, ids), {"Content-Type": "multipart/mixed; boundary=e"}
        sent = content if method != "GET" else None
        answer = self.raw.call(method, f"{place}?{query}", sent, version=version, headers=headers)
        assert answer.status_code < 300, answer.text
        return shape_of(answer.text)

    def _ids(self, path, instead):
        """The ids for a path and its body: what lies in something is of that, what is new is made."""
        ids = {**self.ids, "n": str(next(self.numbers)), **{name: self.ids[other] for name, other in instead.items()}}
        kind = path.split("/")[2] if path.count("/") > 1 else ""
        if kind == "fileUploads":
            ids["upload"] = told(self.raw.call("POST", "{s}/fileUploads").text, "uploadSessionId")
        elif "connections" in path:
            ids["connection"] = told(
                self.raw.get(f"{{s}}/{kind}/{ids[kind[:-1].lower()]}/connections").text, "connection id"
            )
        elif path.endswith("/groups/{group}/users"):
            new = f'<tsRequest><user name="member {ids["n"]}" siteRole="Viewer"/></tsRequest>'
            ids["fresh"] = told(self.raw.call("POST", "{s}/users", new).text, " id")
        return ids


def told(text, name):
    return re.findall(rf'{name}="([^"]+)"', text)[-1]


def filled(words, ids):
    return re.sub(r"\{([\w ]+)\}", lambda match: ids[match[1]], words)


@pytest.fixture(scope="module")
def server():
    with full_sandbox() as (raw, ids):
        yield Asker(raw, with_more(raw, ids))


@pytest.fixture(scope="module")
def cloud():
    with full_sandbox(plays=replace(personality(), kind=CLOUD)) as (raw, ids):
        yield Asker(raw, ids)


def with_more(raw, ids):
    """Jobs of several kinds, schedules of several frequencies, a group of the directory."""
    for name, path in (("refresh job", "workbooks/{workbook}/refresh"), ("run", "flows/{flow}/run")):
        ids[name] = told(raw.call("POST", f"{{s}}/{filled(path, ids)}", "<tsRequest/>").text, "job id")
    change = '<tsRequest><actions action="insert"/></tsRequest>'
    path = f"{{s}}/datasources/{ids['datasource']}/data"
    ids["data job"] = told(raw.call("PATCH", path, change, headers={"RequestID": "1"}).text, "job id")
    for name, body in (
        ("hourly", timed("Hourly", "h", 'end="09:00:00"', '<interval minutes="30"/><interval weekDay="Monday"/>')),
        ("daily", timed("Daily", "d", 'end="09:00:00"', '<interval hours="1"/><interval weekDay="Monday"/>')),
        ("flow schedule", timed("Daily", "f", work="Flow")),
        ("monthly", timed("Monthly", "m", "", '<interval monthDay="First"/><interval weekDay="Monday"/>')),
    ):
        answer = raw.call("POST", "schedules", f"<tsRequest>{filled(body, {'n': ''})}</tsRequest>")
        ids[name] = told(answer.text, "schedule id")
    imported = raw.call("POST", "{s}/groups", f'<tsRequest><group name="Interns">{IMPORT}</group></tsRequest>')
    ids["mail schedule"] = FIRST_SCHEDULES[3].id
    ids["nested"] = raw.box.site("sandbox").find_content("Ops/Sub").id
    ids["imported"] = told(imported.text, "group id")
    return ids


@pytest.mark.parametrize("answer", WHOLE, ids=lambda answer: answer.name)
def test_an_answer_is_whole(request, answer):
    assert answer.shape <= played(request, answer)


@pytest.mark.parametrize("answer", IN_PART, ids=lambda answer: answer.name)
def test_what_an_answer_lacks_has_a_reason(request, answer):
    assert answer.shape - played(request, answer) == excused(answer)


def played(request, answer):
    """The shape of what the sandbox answers to the same request."""
    asker = request.getfixturevalue("cloud" if answer.request in ON_CLOUD else "server")
    version = OLDER.get(answer.name, answer.version)
    if "error" in answer.shape:
        return shape_of(asker.raw.get("{s}/users/nobody", version=version or None).text)
    return asker.shape(answer.request, version)


def test_what_is_not_played_has_a_reason():
    assert {name_of(answer.request) for answer in ABSENT} == {one.request for one in LEFT if not one.path}
