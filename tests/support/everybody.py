"""A house of everybody who could matter: one person a site role, an owner, a leader, a stranger. Not a test."""

from __future__ import annotations

import re
from contextlib import contextmanager

from sandbox_client import Raw

from tabwarden.sandbox.content.shapes import PLURALS, singular
from tabwarden.sandbox.http import endpoints
from tabwarden.sandbox.http.server import running
from tabwarden.sandbox.state.personality import PRODUCT_OF_API, as_pair, personality
from tabwarden.sandbox.state.server_state import FIRST_SCHEDULES, CustomView, Job, Schedule, Task, Timing
from tabwarden.sandbox.state.things import DataAlert, LinkedTask, Subscription, Webhook
from tabwarden.sandbox.worlds import file as world_file
from tabwarden.sandbox.worlds.finding import world_of

NEWEST = max(PRODUCT_OF_API, key=as_pair)
WORLD = """
world: everybody
sites:
  - name: House
    content_url: house
    users:
      ada: {role: ServerAdministrator}
      sam: {role: SiteAdministratorCreator}
      olaf: {role: Creator}
      lea: {role: ExplorerCanPublish}
      carl: {role: Creator}
      xena: {role: Explorer}
      vic: {role: Viewer}
      out: {role: Creator}
      una: {role: Unlicensed}
      tom: {role: Viewer}
    groups:
      G: {members: [xena]}
      H: {}
    group_sets:
      S: {groups: [G]}
    projects:
      Top: {owner: ada, rules: [], defaults: {}}
      Top/P:
        owner: olaf
        rules:
          - {user: lea, leader: true}
          - {user: una, leader: true}
          - {user: tom, allow: [Read]}
          - {user: vic, template: View}
          - {user: xena, template: View}
          - {user: carl, template: Publish}
        defaults: {DEFAULTS}
    content:
      # The workbook asks everybody for his own access to this; xena sees the workbook but not its data.
      Top/P/D:
        kind: datasource
        owner: olaf
        rules:
          - {user: tom, allow: [Read]}
          - {user: vic, template: View}
          - {user: xena, allow: [Read]}
          - {user: carl, template: Publish}
      Top/P/F:
        kind: flow
        owner: olaf
        rules: &everybody
          - {user: tom, allow: [Read]}
          - {user: vic, template: View}
          - {user: xena, template: View}
          - {user: carl, template: Publish}
      Top/P/C: {kind: virtualconnection, owner: olaf, rules: *everybody}
      Top/P/B:
        kind: database
        owner: olaf
        rules: *everybody
        defaults: {table: [{user: tom, allow: [Read]}]}
      Top/P/B/T: {kind: table, owner: olaf, rules: *everybody}
      L: {kind: collection, owner: olaf, rules: [{user: tom, allow: [Read]}, {user: vic, allow: [Read]}]}
      Top/P/W:
        kind: workbook
        owner: olaf
        tabs: false
        uses: [{datasource: Top/P/D, auth: prompt}]
        rules: *everybody
        views: [{name: V}]
"""
DEFAULTS = ", ".join(f"{kind}: [{{user: tom, allow: [Read]}}]" for kind, *_versions in endpoints.DEFAULT_KINDS)
WORLD = WORLD.replace("DEFAULTS", DEFAULTS)
SIGNED_IN = ("ada", "sam", "olaf", "lea", "carl", "xena", "vic", "out", "una")
LICENSED, ADMINS = SIGNED_IN[:-1], ("ada", "sam")
PUBLISHERS = ("ada", "sam", "olaf", "lea", "carl", "out")


@contextmanager
def living(text=WORLD, **more):
    """The house in a sandbox of its own."""
    plays = {"plays": personality("server", NEWEST)}
    with running(world_of(world_file.read_text(text, "everybody")), **plays | more) as box:
        yield House(box)


class House:
    """The world with a session for everybody, an id for every part of a path, and the way back to how it was."""

    def __init__(self, box):
        self.box = box
        self.raws = {name: Raw(box, version=NEWEST).sign_in(name, site="house") for name in LICENSED}
        site = self.site
        self.raws["una"] = self._as_una(site)
        job = self.raws["ada"].call(
            "POST",
            "{s}/users/delete",
            b'--e\r\nContent-Disposition: name="tableau_user_delete"\r\n\r\nnobody\r\n--e--',
            headers={"Content-Type": "multipart/mixed; boundary=e"},
            json=True,
        )
        self.ids = {
            "site": site.id,
            **{c.kind: c.id for c in site.contents.values() if c.name != "Top"},
            "user": site.find_user("tom").id,
            "group": site.find_group("G").id,
            "groupset": next(iter(site.group_sets)),
            "grantees": "users",
            "grantee": site.find_user("tom").id,
            "capability": "Read",
            "mode": "Allow",
            "job": job.json()["job"]["id"],
        }
        olaf, workbook, flow = site.find_user("olaf").id, self.ids["workbook"], self.ids["flow"]
        flows = Schedule("5" * 36, "Flows", "Flow", Timing("Daily", "06:00:00"))
        self.box.state.keep("schedule", flows)
        self.ids |= {"schedule": FIRST_SCHEDULES[0].id, "schedule of flow": flows.id}
        for spec, about in (("extractRefresh", workbook), ("flowRun", flow)):
            task = Task(spec.ljust(36, "0"), site.id, spec, about, olaf, FIRST_SCHEDULES[0].id)
            self.box.state.keep("task", task)
            self.ids[f"task of {spec}"] = task.id
        mine = CustomView("c" * 36, site.id, "Mine", self.ids["view"], olaf)
        self.box.state.keep("customView", mine)
        self.ids["customview"] = mine.id
        mail = Subscription("6" * 36, site.id, olaf, self.ids["view"], "Mail", FIRST_SCHEDULES[3].id)
        alert = DataAlert("7" * 36, site.id, self.ids["view"], olaf, "High")
        hook = Webhook("8" * 36, site.id, "Hook", "workbook-created", "https://h", olaf)
        chain = LinkedTask("9" * 36, site.id, FIRST_SCHEDULES[0].id, (self.ids["task of flowRun"],))
        for what, thing in (("subscription", mail), ("dataAlert", alert), ("webhook", hook), ("linkedTask", chain)):
            self.box.state.keep(what, thing)
            self.ids[what.lower()] = thing.id
        run = Job("0" * 36, site.id, "RunFlow", olaf, 0.0, 0.0, finish_code=0, completed=1.0, about=flow)
        self.box.state.put_job(run)
        self.ids["flowrun"] = run.id
        tables = ("tasks", "schedules", "custom_views", "subscriptions", "alerts", "webhooks", "linked_tasks")
        self.things = {name: dict(getattr(self.box.state, name)) for name in tables}
        self.before = self.site

    @property
    def site(self):
        return self.box.site("house")

    def _task(self, kind, spec):
        return f'<tsRequest><task><{spec}><{kind} id="{self.ids[kind]}"/></{spec}></task></tsRequest>'

    def _as_una(self, site):
        """A session that outlived a licence, as a server administrator opens one for somebody without."""
        raw, una = Raw(self.box, version=NEWEST), site.find_user("una").id
        body = '<tsRequest><credentials name="ada" password="ada"><site contentUrl="house"/>'
        answer = raw.call("POST", "auth/signin", f'{body}<user id="{una}"/></credentials></tsRequest>', json=True)
        raw.token, raw.site, raw.user = answer.json()["credentials"]["token"], site.id, una
        return raw

    def ask(self, name, endpoint):
        """The answer to this person; what was changed is put back."""
        kind = endpoint.path.rpartition("/")[2][:-1]
        spec = "flowRun" if re.search("/(runFlow|flows)/", endpoint.path) else "extractRefresh"
        ids = self.ids | {
            "schedule": self.ids.get(f"schedule of {kind}", self.ids["schedule"]),
            "task": self.ids[f"task of {spec}"],
        }
        path = re.sub(r"\{(\w+)\}", lambda m: ids.get(m[1], "99"), endpoint.path)
        version = "3.21" if endpoint.until else NEWEST
        raw = self.raws[name] if name else Raw(self.box)
        answer = raw.call(endpoint.method, path, self._body(endpoint), version=version)
        for thing, before in self.things.items():
            setattr(self.box.state, thing, dict(before))
        return answer

    def _body(self, endpoint):
        if endpoint.method not in ("PUT", "POST"):
            return None
        path = endpoint.path.removeprefix("sites/{site}/")
        tom = self.ids["user"]
        if path.startswith("schedules/{schedule}/"):
            kind = path.rpartition("/")[2][:-1]
            return self._task(kind, "flowRun" if kind == "flow" else "extractRefresh")
        if "permissions" in path:
            capabilities = '<capabilities><capability name="Read" mode="Allow"/></capabilities>'
            body = f'<granteeCapabilities><group id="{self.ids["group"]}"/>{capabilities}</granteeCapabilities>'
            return f"<tsRequest><permissions>{body}</permissions></tsRequest>"
        if path == "groups/{group}/users":
            return f'<tsRequest><user id="{tom}"/></tsRequest>'
        if path.endswith("/tags"):
            return '<tsRequest><tags><tag label="t"/></tags></tsRequest>'
        named = re.fullmatch(r"(\w+)(/\{\w+\})?", path)
        kind = next((k for k, plural in PLURALS.items() if named and named[1] == plural), "")
        thing = f'<{singular(kind)} name="Another" description="Another"/>' if kind else ""
        return f"<tsRequest>{thing}</tsRequest>"
