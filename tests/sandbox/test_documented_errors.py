"""Every documented refusal of every endpoint we play, provoked over HTTP: status and code are those of the document.

`documented_errors.tsv` holds the facts of the error table of the REST reference (about API 3.10), with the rows that
recorded answers correct; it knows nothing of the sandbox. A row that cannot be provoked from outside says why (`left`).
"""

from __future__ import annotations

import csv
from collections import defaultdict
from functools import partial
from pathlib import Path

import pytest
from error_stage import MAIN, NOBODY, QUIET, multipart, staged
from sandbox_client import error
from workbook_files import FLOW, SOURCE, TWBX

from tabwarden.sandbox.http import error_table
from tabwarden.sandbox.http.endpoints import TABLE
from tabwarden.sandbox.http.errors import CODES, Code

FACTS = Path(__file__).parent / "documented_errors.tsv"
ROWS = list(csv.DictReader(FACTS.read_text(encoding="utf-8").splitlines(), delimiter="\t"))
PROVOKED = [row for row in ROWS if not row["left"]]
GOVERNING = "403003 403005 403009 403020 403025 403027 403030 403035 403036 403039 403096 404009 400009 400042".split()
# What the address names unless a recipe says otherwise, and the kind of each plural.
PATHS = {"workbook": "P/W", "view": "P/W/V", "datasource": "P/D", "flow": "P/F", "project": "P", "database": "P/B"}
KIND = {"workbooks": "workbook", "views": "view", "datasources": "datasource", "flows": "flow", "projects": "project"}
BROKEN = "<tsRequest><"


@pytest.fixture(scope="module")
def stage():
    with staged() as stage:
        yield stage


@pytest.fixture(scope="module")
def bare():
    """A server without a directory."""
    with staged(directory=False) as stage:
        yield stage


class Ask:
    """The request of a row, as somebody who may would send it; a recipe spoils one thing and sends it."""

    def __init__(self, stage, row):
        self.stage, self.row, self.site = stage, row, MAIN
        self.method, self.path = row["method"], row["path"]
        self.kind = KIND.get(self.path.split("/")[0].split("?")[0], "database")
        self.ids = {"connection": "c", "tag": "t", "revision": "1", "upload": stage.upload, "job": stage.job} | {
            "capability": "Read", "mode": "Allow", "grantees": "users", "grantee": stage.user("eve"),
            "user": stage.user("eve"), "group": stage.group("Team")
        }  # fmt: skip
        if "/groups/{grantee}" in self.path:
            self.ids["grantee"] = stage.group("Team")
        self.ids |= {"schedule": stage.schedule, "task": stage.task}
        self.ids |= {"subscription": stage.subscription, "dataalert": stage.alert}
        self.type = {"workbook": "twb", "datasource": "tds", "flow": "tfl"}.get(self.kind)
        self.more = {}

    def at(self, kind, path, site=MAIN):
        """Ask for other content."""
        self.ids[kind] = self.stage.id(path, site)
        return self

    def rules(self, capability="Read", mode="Allow", grantee=None, about=""):
        """A body of one rule."""
        grantee = grantee or f'<user id="{self.stage.user("eve")}"/>'
        return (
            f"<tsRequest><permissions>{about}<granteeCapabilities>{grantee}<capabilities>"
            f'<capability name="{capability}" mode="{mode}"/></capabilities></granteeCapabilities></permissions>'
            "</tsRequest>"
        )

    def body(self):
        """What somebody who may would send."""
        if "permissions" in self.path:
            return self.rules()
        if self.path.endswith("/tags"):
            return '<tsRequest><tags><tag label="t"/></tags></tsRequest>'
        if "/connections/" in self.path:
            return '<tsRequest><connection serverAddress="x"/></tsRequest>'
        if self.path.startswith("groups"):
            return '<tsRequest><group name="Noted"/></tsRequest>'
        return f'<tsRequest><{self.kind} name="Other"/></tsRequest>' if self.path.split("/")[0] in KIND else ""

    def send(self, who="ada", body=None, query="", version=None):
        """The answer."""
        path = self.path.partition("?")[0]
        for name, path_of in PATHS.items():
            self.ids.setdefault(name, self.stage.id(path_of, self.site))
        for name, value in self.ids.items():
            path = path.replace(f"{{{name}}}", value)
        first = self.row["path"].split("/")[0]
        of_site = first not in ("auth", "sites") and self.row["path"] not in ("schedules", "schedules/{schedule}")
        path = "{s}" if path == "." else f"{{s}}/{path}" if of_site else path
        raw = self.stage.raw(who, self.site)
        wanted = self.body() if body is None and self.method != "GET" else body
        return raw.call(self.method, path + query, wanted, version=version, **self.more)

    def publish(
        self, *, who="pat", query="", name="New", file=True, project=None, inner="", extension=None, content=None
    ):
        """The answer to publishing a file."""
        project = project or self.stage.id("P", self.site)
        payload = f'<tsRequest><{self.kind} name="{name}"><project id="{project}"/>{inner}</{self.kind}></tsRequest>'
        usual = {"workbook": ("twbx", TWBX), "datasource": ("tds", SOURCE), "flow": ("tflx", FLOW)}[self.kind]
        part = f"tableau_{self.kind}", f"x.{extension or usual[0]}", usual[1] if content is None else content
        body, headers = multipart(("request_payload", "", payload.encode()), *([part] if file else []))
        self.more = {"headers": headers}
        return self.send(who, body, query)


PLURAL_OF = {"workbooks": "workbook", "datasources": "datasource", "flows": "flow"}


def task_of(ask, kind, content=None):
    """The body that puts content on a schedule."""
    spec = "flowRun" if kind == "flow" else "extractRefresh"
    content = content or ask.stage.id(PATHS[kind])
    return f'<tsRequest><task><{spec}><{kind} id="{content}"/></{spec}></task></tsRequest>'


# -- the recipes, by the condition of a row; `Ask` is what they spoil --------------------------------------------


def denied(ask):
    """By a Viewer whom no rule names."""
    if ask.row["document"].startswith("publish"):
        return ask.publish(who="eve")
    if ask.row["document"] == "queryDataSourceConnections":
        return ask.send("vic")
    if ask.path.startswith("users/"):
        ask.site, ask.ids["user"] = QUIET, ask.stage.box.site(QUIET).find_user("pat").id
    if ask.path.startswith("schedules/"):
        return ask.send("vic", task_of(ask, PLURAL_OF[ask.path.rpartition("/")[2]]))
    if ask.path.startswith("tasks/"):
        ask.ids["task"] = ask.stage.flow_task
    if ask.path.startswith("jobs/"):
        return ask.send("vic", "")
    if ask.path == "subscriptions":
        return subscribed(ask, who="eve")
    if ask.path.startswith("fileUploads"):
        ask.more = {"headers": multipart()[1]}
        return ask.send("vic", multipart(("tableau_file", "f", b"x"))[0])
    if "default-permissions/tables" in ask.path and ask.method == "PUT":
        ask.at("database", "Q/B")
    return ask.send("vic")


def malformed(ask):
    if ask.row["document"] in ("publishWorkbook", "publishFlow", "publishDataSource", "appendToFileUpload"):
        return ask.send(body=BROKEN)
    if ask.path == "sites":
        return ask.send(body="<tsRequest><site/></tsRequest>")
    return ask.send(body=BROKEN)


def unknown(what, ask):
    """An id that nothing has: in the address, else in the body."""
    if ask.row["document"] == "signIn":
        site = '<site contentUrl="errors"/>'
        user = f'<user id="{NOBODY}"/>'
        return ask.send(
            body=f'<tsRequest><credentials name="ada" password="ada">{site}{user}</credentials></tsRequest>'
        )
    if ask.row["document"].startswith("publish"):
        if what == "datasource":
            return ask.publish(query="?append=true")
        if what == "upload":
            return ask.publish(query=f"?uploadSessionId={NOBODY}&{ask.kind}Type={ask.type}", file=False)
        return ask.publish(project=NOBODY)
    if ask.path == "subscriptions":
        return subscribed(ask, **{what: NOBODY})
    if ask.path.startswith("subscriptions/") and what == "schedule":
        return ask.send(body=f'<tsRequest><subscription><schedule id="{NOBODY}"/></subscription></tsRequest>')
    if ask.path.startswith("dataAlerts/") and what == "user" and ask.method != "DELETE":
        owner, user = f'<dataAlert><owner id="{NOBODY}"/></dataAlert>', f'<user id="{NOBODY}"/>'
        return ask.send(body=f"<tsRequest>{owner if ask.method == 'PUT' else user}</tsRequest>")
    if ask.path == "favorites/{user}" and what != "user":
        return marked(ask, what, NOBODY)
    if what == "upload":
        ask.ids["upload"] = NOBODY
        return ask.send(body="")
    if what == "schedule" and ask.path.count("/") == 2 and ask.method == "PUT":
        ask.ids["schedule"] = NOBODY
        return ask.send(body=task_of(ask, PLURAL_OF[ask.path.rpartition("/")[2]]))
    if ask.path.startswith("schedules/{schedule}/") and what != "schedule":
        return ask.send(body=task_of(ask, what, NOBODY))
    if f"{{{what}}}" in ask.path:
        ask.ids[what] = "99" if what == "revision" else NOBODY
        return ask.send()
    if "{grantee}" in ask.path:
        ask.ids |= {"grantees": f"{what}s", "grantee": NOBODY}
        return ask.send()
    if "permissions" in ask.path:
        return ask.send(body=ask.rules(grantee=f'<{what} id="{NOBODY}"/>'))
    what = "owner" if what == "user" else what
    return ask.send(body=f'<tsRequest><{ask.kind}><{what} id="{NOBODY}"/></{ask.kind}></tsRequest>')


def listed(query, ask):
    return ask.send(query=query)


def capability_of_another_kind(ask):
    wrong = "Connect" if ask.path.startswith("projects/{project}/permissions") else "ProjectLeader"
    if ask.row["document"] == "addProjectPermissions":
        return ask.send(body=ask.rules("ProjectLeader", "Deny"))
    ask.ids["capability"] = wrong
    return ask.send(body=None if "{capability}" in ask.path else ask.rules(wrong))


def unknown_capability(ask):
    ask.ids["mode"] = "Perhaps"
    return ask.send(body=None if "{capability}" in ask.path else ask.rules("Levitate"))


def no_rule(ask):
    ask.ids["mode"] = "Deny"
    return ask.send()


def another_id(ask):
    if "permissions" in ask.path:
        return ask.send(body=ask.rules(about=f'<project id="{NOBODY}"/>'))
    if ask.path.endswith("/tags"):
        return ask.send(body=f'<tsRequest><tags><tag label="t"/></tags><{ask.kind} id="{NOBODY}"/></tsRequest>')
    return ask.send(body=f'<tsRequest><project id="{NOBODY}" description="x"/></tsRequest>')


def name_taken(ask):
    document = ask.row["document"]
    if document == "createSite":
        return ask.send(body='<tsRequest><site name="errors" contentUrl="new"/></tsRequest>')
    if document.endswith("Schedule"):
        daily = '<frequencyDetails start="06:00:00"/></schedule></tsRequest>'
        return ask.send(body=f'<tsRequest><schedule name="{ask.stage.taken}" type="Extract" frequency="Daily">{daily}')
    if document.startswith("publish"):
        return ask.publish(name={"workbook": "W", "datasource": "D", "flow": "F"}[ask.kind])
    taken = {"datasource": "E", "flow": "G", "project": "Q"}[ask.kind]
    return ask.send(body=f'<tsRequest><{ask.kind} name="{taken}"/></tsRequest>')


def place_denied(ask):
    body = f'<tsRequest><{ask.kind}><project id="{ask.stage.id("Q")}"/></{ask.kind}></tsRequest>'
    return ask.send("pat", body)


def owner_denied(ask):
    body = f'<tsRequest><{ask.kind}><owner id="{ask.stage.user("eve")}"/></{ask.kind}></tsRequest>'
    return ask.send("eve", body)


def history_off(ask):
    ask.site = QUIET
    return ask.send("pat")


def current_revision(ask):
    return ask.send("pat" if ask.kind == "datasource" else "ada") if ask.kind == "workbook" else _newest(ask)


def _newest(ask):
    ask.ids["revision"] = "2"
    return ask.send("pat")


def no_room(ask):
    """The quiet site holds more than its quota."""
    ask.site = QUIET
    if ask.row["document"].startswith("publish"):
        return ask.publish()
    return ask.send(
        body='<tsRequest><project name="Samples"/></tsRequest>' if ask.method == "POST" else "",
        query="?publishSamples=true",
    )


def locked(ask):
    return ask.at("database", "L/B").send() if "tables" in ask.path else ask.at("view", "L/W/LV").send()


def tabs_shown(ask):
    return ask.at("view", "P/T/TV").send()


def default_kept(ask):
    return ask.at("project", "Default").send(body='<tsRequest><project name="Other"/></tsRequest>')


def tags_refused(ask):
    return ask.send(body=f'<tsRequest><tags><tag label="{"x" * 300}"/></tags></tsRequest>')


def file_based(ask):
    return ask.at(ask.kind, "P/X" if ask.kind == "workbook" else "P/E").send(body="")


def default_site_kept(ask):
    ask.site = ""
    if "key=name" in ask.path:
        ask.method, ask.path = "DELETE", "."
        raw = ask.stage.raw("ada", "")
        return raw.call("DELETE", "sites/Default?key=name")
    return ask.send()


def payload_of(text, ask):
    body, ask.more["headers"] = multipart(("request_payload", "", text), ("tableau_file", "f", b"x"))
    return ask.send(body=body)


def malformed_payload(ask):
    if ask.row["document"] == "appendToFileUpload":
        return payload_of(b"<tsRequest><x/></tsRequest>", ask)
    broken = b"<tsRequest/>" if ask.row["code"] != "400000" else b"<tsRequest><"
    return payload_of(broken, ask)


def missing_file(ask):
    if ask.row["document"] == "appendToFileUpload":
        body, ask.more["headers"] = multipart(("request_payload", "", b""))
        return ask.send(body=body)
    return ask.publish(file=False)


def too_large(ask):
    begun = ask.stage.raw("pat").call("POST", "{s}/fileUploads", json=True).json()
    ask.ids["upload"] = begun["fileUpload"]["uploadSessionId"]
    body, ask.more["headers"] = multipart(("tableau_file", "f", bytes(64 * 2**20 + 1)))
    return ask.send("pat", body)


def site_of(words, ask):
    return ask.send(body=f'<tsRequest><site name="New" contentUrl="new" {words}/></tsRequest>')


def group_of(inner, ask, name="Noted", words=""):
    imported = ask.method == "PUT"
    ask.ids["group"] = ask.stage.group("Staff" if imported else "Team")
    return ask.send(body=f'<tsRequest><group name="{name}" {words}>{inner}</group></tsRequest>')


def imported(ask, domain="corp.example", name="Staff", source="ActiveDirectory"):
    return group_of(f'<import source="{source}" domainName="{domain}" siteRole="Viewer"/>', ask, name)


def no_such_directory_group(ask):
    if ask.method == "POST":
        return imported(ask, name="Nobodies")
    ask.ids["group"] = gone = ask.stage.group("Gone")
    assert gone
    body = '<group name="Gone"><import source="ActiveDirectory" domainName="corp.example" siteRole="Viewer"/></group>'
    return ask.send(body=f"<tsRequest>{body}</tsRequest>")


def invalid_role(ask):
    ask.ids["group"] = ask.stage.group("Team")
    return ask.send(body='<tsRequest><group name="Team2" minimumSiteRole="Emperor"/></tsRequest>')


def group_exists(ask):
    ask.ids["group"] = ask.stage.group("Other")
    return ask.send(body='<tsRequest><group name="team"/></tsRequest>')


def user_of(words, ask, who="eve", **more):
    ask.ids["user"] = ask.stage.user(who)
    return ask.send(body=f"<tsRequest><user {words}/></tsRequest>", **more)


def no_seat(ask):
    ask.site = QUIET
    ask.ids["user"] = ask.stage.box.site(QUIET).find_user("eve").id
    return ask.send(body='<tsRequest><user siteRole="Creator"/></tsRequest>')


def owns_content(ask):
    ask.ids["user"] = ask.stage.user("olga")
    return ask.send(body="")


def already_member(ask):
    return ask.send(body=f'<tsRequest><user id="{ask.stage.user("eve")}"/></tsRequest>')


def other_schedule(ask):
    if ask.path.startswith("subscriptions"):
        return subscribed(ask, schedule=ask.stage.schedule)
    ask.ids["schedule"] = ask.stage.flow_schedule
    return ask.send()


def other_task(ask):
    ask.ids["task"] = ask.stage.task if "runFlow" in ask.path else ask.stage.flow_task
    return ask.send(body="")


def subscribed(ask, *, who="ada", subject="S", kind="View", **ids):
    """To a view, or the workbook named, for pat."""
    if "workbook" in ids:
        kind = "Workbook"
    content = ids.get("workbook") or ids.get("view") or ask.stage.id("P/W/V")
    user, schedule = ids.get("user") or ask.stage.user("pat"), ids.get("schedule") or ask.stage.mail_schedule
    return ask.send(
        who,
        f'<tsRequest><subscription subject="{subject}"><content id="{content}" type="{kind}"/>'
        f'<schedule id="{schedule}"/><user id="{user}"/></subscription></tsRequest>',
    )


def marked(ask, kind, content, label="L"):
    return ask.send(body=f'<tsRequest><favorite label="{label}"><{kind} id="{content}"/></favorite></tsRequest>')


def added_kind(ask):
    """What `addViewToFavorites` adds."""
    return ask.row["document"].removeprefix("add").removesuffix("ToFavorites").lower()


def label_taken(ask):
    kind, ask.ids["user"] = added_kind(ask), ask.stage.user("olga")
    first, second = {"workbook": ("P/W", "P/X"), "datasource": ("P/D", "P/E"), "view": ("P/W/V", "P/W/V2")}[kind]
    assert marked(ask, kind, ask.stage.id(first)).status_code == 200
    return marked(ask, kind, ask.stage.id(second))


def not_owner(ask):
    """By eve, to whom the data alert comes too: she may see it."""
    ask.ids["user"] = pat = ask.stage.user("pat")
    inner = f'<user id="{pat}"/>' if ask.method == "POST" else '<dataAlert subject="Low"/>'
    return ask.send("eve", f"<tsRequest>{inner}</tsRequest>")


RECIPES = defaultdict(lambda: None) | {
    "bad_page": partial(listed, "?pageNumber=0"),
    "bad_page_size": partial(listed, "?pageSize=none"),
    "large_page": partial(listed, "?pageSize=1001"),
    "bad_usage": partial(listed, "?includeUsageStatistics=perhaps"),
    "bad_embed": lambda ask: ask.publish(inner='<connectionCredentials name="x" password="y" embed="perhaps"/>'),
    "bad_overwrite": lambda ask: ask.publish(query="?overwrite=perhaps"),
    "bad_append": lambda ask: ask.publish(query="?append=perhaps"),
    "incompatible_modes": lambda ask: ask.publish(query="?overwrite=true&append=true"),
    "wrong_extension": lambda ask: ask.publish(extension="exe"),
    "wrong_type": lambda ask: ask.publish(query=f"?uploadSessionId={NOBODY}&{ask.kind}Type=exe", file=False),
    "two_files": lambda ask: ask.publish(query=f"?uploadSessionId={NOBODY}&{ask.kind}Type={ask.type}"),
    "not_published": lambda ask: ask.publish(content=b""),
    "nameless": lambda ask: ask.publish(name=""),
    "young_lock": lambda ask: ask.send(
        body='<tsRequest><project name="N" contentPermissions="LockedToProjectWithoutNested"/></tsRequest>',
        version="3.7",
    ),
    "other_kind_named": lambda ask: ask.send(body=ask.rules(about=f'<workbook id="{NOBODY}"/>')),
    "same_site": partial(lambda ask: ask.send(body='<tsRequest><site contentUrl="errors"/></tsRequest>')),
    "url_taken": lambda ask: ask.send(body='<tsRequest><site name="Newer" contentUrl="errors"/></tsRequest>'),
    "storage_quota": partial(site_of, 'storageQuota="-1"'),
    "user_quota": partial(site_of, 'userQuota="0"'),
    "invalid_admin_mode": partial(site_of, 'adminMode=""'),
    "quota_and_seats": partial(site_of, 'userQuota="5" tierViewerCapacity="3"'),
    "quota_and_mode": partial(site_of, 'userQuota="5" adminMode="ContentOnly"'),
    "malformed_import": partial(imported, source="OpenLDAP"),
    "no_domain": partial(imported, domain="nowhere.example"),
    "renamed_import": partial(imported, name="Renamed"),
    "no_directory": imported,
    "not_in_directory": partial(user_of, r'name="corp.example\nobody" siteRole="Viewer"'),
    "user_exists": partial(user_of, 'name="eve" siteRole="Viewer"', version="3.10"),
    "guest_not_addable": partial(user_of, 'name="guest" siteRole="Guest"'),
    "invalid_site_role": partial(user_of, 'name="new" siteRole="Emperor"'),
    "invalid_email": partial(user_of, 'email="nowhere"'),
    "self": partial(user_of, 'siteRole="Viewer"', who="ada"),
    "guest_kept": partial(user_of, 'siteRole="Viewer"', who="guest"),
    "bad_intervals": lambda ask: ask.send(
        body='<tsRequest><schedule name="N" type="Extract" frequency="Monthly"/></tsRequest>'
    ),
    "bad_priority": lambda ask: ask.send(body='<tsRequest><schedule priority="1000"/></tsRequest>'),
    "other_schedule": other_schedule,
    "other_task": other_task,
    "no_subject": partial(subscribed, subject=""),
    "wrong_target": partial(subscribed, kind="Flow"),
    "no_address": lambda ask: subscribed(ask, user=ask.stage.user("eve")),
    "recipient_denied": lambda ask: subscribed(ask, user=ask.stage.user("vic")),
    "no_label": lambda ask: marked(ask, added_kind(ask), ask.stage.id(PATHS[added_kind(ask)]), " "),
    "not_marked": lambda ask: ask.send(),
    "job_done": lambda ask: ask.send(body=""),
    **{f"unknown_{what}": partial(unknown, what) for what in (*PATHS, "user", "group", "job", "revision", "upload")},
    **{f"unknown_{what}": partial(unknown, what) for what in ("connection", "tag", "schedule", "task", "subscription")},
    "unknown_dataAlert": partial(unknown, "dataalert"),
    **{
        one.__name__: one
        for one in (
            denied, malformed, capability_of_another_kind, unknown_capability, no_rule, another_id, name_taken,
            place_denied, owner_denied, history_off, current_revision, no_room, locked, tabs_shown, default_kept,
            file_based, default_site_kept, malformed_payload, missing_file, too_large, no_such_directory_group,
            invalid_role, group_exists, no_seat, owns_content, already_member, tags_refused, label_taken, not_owner,
        )
    },
}  # fmt: skip


def is_at_odds(row):
    """Whether the document gives a status that is not how the code begins."""
    return row["status"] != row["code"][:3]


@pytest.mark.parametrize("row", PROVOKED, ids=lambda row: f"{row['document']}-{row['code']}-{row['condition']}")
def test_a_documented_refusal(row, stage, request):
    stage = request.getfixturevalue("bare") if row["condition"] == "no_directory" else stage
    answer = RECIPES[row["condition"]](Ask(stage, row))
    assert error(answer, at_odds=is_at_odds(row)) == (int(row["status"]), row["code"]), answer.text


@pytest.mark.parametrize("code", GOVERNING)
def test_a_wrong_code_in_the_table_is_seen(code, stage, monkeypatch):
    """A planted bug: the table answers 403022 in its place."""
    wrong = tuple(
        (methods, paths, tuple((reason, "403022" if told == code else told, mark) for reason, told, mark in reasons))
        for methods, paths, reasons in error_table.PARSED
    )
    row = next(row for row in PROVOKED if row["code"] == code)
    monkeypatch.setattr(error_table, "PARSED", wrong)
    monkeypatch.setitem(CODES, "403022", Code("403022", 403, "Forbidden", "B", "planted"))
    error_table.lines_of.cache_clear()
    try:
        assert error(RECIPES[row["condition"]](Ask(stage, row))) == (403, "403022")
    finally:
        error_table.lines_of.cache_clear()


def test_a_wrong_status_in_the_table_is_seen(stage, monkeypatch):
    """A planted bug: the table knows no status but the first digits of the code."""
    plain = tuple(
        (methods, paths, tuple((reason, code.partition("/")[0], mark) for reason, code, mark in reasons))
        for methods, paths, reasons in error_table.PARSED
    )
    monkeypatch.setattr(error_table, "PARSED", plain)
    error_table.lines_of.cache_clear()
    try:
        for row in filter(is_at_odds, PROVOKED):
            assert error(RECIPES[row["condition"]](Ask(stage, row))) == (int(row["code"][:3]), row["code"])
    finally:
        error_table.lines_of.cache_clear()


def test_every_governing_code_is_provoked_and_the_rest_says_why():
    assert {row["code"] for row in PROVOKED} >= set(GOVERNING)
    assert len(PROVOKED) >= 300
    assert {row["code"] for row in PROVOKED} <= CODES.keys()


def test_the_facts_speak_of_endpoints_there_are():
    names = {endpoint.name.replace("sites/{site}/", "").replace("sites/{site}", ".") for endpoint in TABLE}
    for row in ROWS:
        path = row["path"].partition("?")[0].replace("/groups/{grantee}", "/{grantees}/{grantee}")
        path = path.replace("/users/{grantee}", "/{grantees}/{grantee}")
        assert f"{row['method']} {path}" in names, row
