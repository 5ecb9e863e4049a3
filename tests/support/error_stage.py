"""A sandbox on which every documented refusal can be provoked: people who may not, content that is locked or full."""

from __future__ import annotations

from contextlib import contextmanager

from sandbox_client import Raw
from workbook_files import SOURCE, TWBX

from tabwarden.sandbox.http.server import running
from tabwarden.sandbox.worlds.file import read_text
from tabwarden.sandbox.worlds.finding import world_of

SITE = """
  - name: {name}
    content_url: {url}
    licences: {{Creator: 3, Explorer: 5, Viewer: 5}}
    settings: {{revision_history: {history}, user_visibility: {visible}}}
    users:
      ada: {{role: ServerAdministrator}}
      pat: {{role: Creator, email: pat@corp.example}}
      eve: {{role: ExplorerCanPublish}}
      vic: {{role: Viewer}}
      guest: {{role: Guest}}
      olga: {{role: Creator}}
      mia: {{role: Unlicensed, domain: corp.example}}
    groups:
      Team: {{members: [eve]}}
      Other: {{}}
      Staff: {{domain: corp.example, members: [mia]}}
      Gone: {{domain: corp.example}}
    projects:
      Default: {{owner: ada, rules: []}}
      P: {{owner: pat, rules: [{{user: eve, template: View}}]}}
      Q: {{owner: olga, rules: []}}
      L: {{owner: ada, mode: LockedToProject, rules: []}}
    content:
      P/W: {{kind: workbook, owner: pat, tabs: false, views: [{{name: V}}, {{name: V2}}],
            rules: [{{user: eve, template: Publish}}], connections: [{{kind: postgres, server: db.example}}]}}
      P/T: {{kind: workbook, owner: pat, tabs: true, views: [{{name: TV}}], rules: [{{user: eve, allow: [Read]}}]}}
      P/X: {{kind: workbook, owner: pat, views: [{{name: XV}}], connections: [{{kind: textscan}}]}}
      P/D: {{kind: datasource, owner: pat, rules: [{{user: eve, template: Publish}}],
            connections: [{{kind: postgres, server: db.example}}]}}
      P/E: {{kind: datasource, owner: pat, connections: [{{kind: textscan}}]}}
      P/F: {{kind: flow, owner: pat, rules: [{{user: eve, template: Publish}}]}}
      P/G: {{kind: flow, owner: pat}}
      P/B: {{kind: database, owner: pat, mode: LockedToDatabase, rules: [{{user: eve, allow: [Read]}}]}}
      Q/B: {{kind: database, owner: pat}}
      L/B: {{kind: database, owner: pat}}
      L/W: {{kind: workbook, owner: ada, tabs: false, views: [{{name: LV}}], rules: [{{user: eve, allow: [Read]}}]}}
"""
WORLD = """
world: errors
directory:
  domains:
    corp.example: {{netbios: CORP, users: {{mia: {{}}, noa: {{}}}}, groups: {{Staff: {{members: [mia]}}}}}}
sites:{sites}
"""
MAIN, QUIET = "errors", "quiet"
NOBODY = "00000000-0000-4000-8000-000000000000"


def _world(*, directory):
    sites = "".join(
        SITE.format(name=name, url=url, history=history, visible="FULL" if history == "true" else "LIMITED")
        for name, url, history in (("Errors", MAIN, "true"), ("Quiet", QUIET, "false"), ("Default", "''", "true"))
    )
    text = WORLD.format(sites=sites)
    if not directory:
        text = (
            text.replace(text[text.index("directory:") : text.index("sites:")], "")
            .replace(", domain: corp.example", "")
            .replace("domain: corp.example, ", "")
        )
    return world_of(read_text(text, "errors"))


def multipart(*parts):
    """Body and content type of name, file name (or none) and bytes."""
    body = b""
    for name, file, content in parts:
        shown = f'; filename="{file}"' if file else ""
        head = f'--e\r\nContent-Disposition: name="{name}"{shown}\r\nContent-Type: text/xml\r\n\r\n'
        body += head.encode() + content + b"\r\n"
    return body + b"--e--", {"Content-Type": "multipart/mixed; boundary=e"}


class Stage:
    """One sandbox, the sessions of its people by site, and the ids of what lies on a site by its path."""

    def __init__(self, box):
        self.box = box
        self._sessions = {}
        ada = self.raw("ada", QUIET)
        payload = f'<tsRequest><workbook name="Big"><project id="{self.id("P", QUIET)}"/></workbook></tsRequest>'
        self.big = multipart(
            ("request_payload", "", payload.encode()),
            ("tableau_workbook", "big.twbx", TWBX + b" " * 1_100_000),
        )
        assert ada.call("POST", "{s}/workbooks", self.big[0], headers=self.big[1]).status_code == 201
        assert ada.call("PUT", "{s}", '<tsRequest><site storageQuota="1"/></tsRequest>').status_code == 200
        self._published()
        queued = self.raw("pat").call("POST", f"{{s}}/workbooks/{self.id('P/W')}/refresh", "", json=True)
        self.job = queued.json()["job"]["id"]
        begun = self.raw("ada").call("POST", "{s}/fileUploads", json=True).json()
        self.upload = begun["fileUpload"]["uploadSessionId"]

        self._scheduled()
        self._mailed()

    def _mailed(self):
        """A subscription and a data alert of pat; the alert comes to eve too."""
        of_mail = next(one.id for one in self.box.state.schedules.values() if one.kind == "Subscription")
        self.mail_schedule, view, pat = of_mail, self.id("P/W/V"), self.raw("pat")
        body = (
            f'<subscription subject="Mail"><content id="{view}" type="View"/><schedule id="{of_mail}"/>'
            f'<user id="{pat.user}"/></subscription>'
        )
        self.subscription = self._made(pat, "subscriptions", body)
        body = f'<dataAlertCreateAlert subject="High" frequency="Daily" visibility="private" viewId="{view}"/>'
        self.alert = self._made(pat, "dataAlerts", body)
        body = f'<tsRequest><user id="{self.user("eve")}"/></tsRequest>'
        answer = pat.call("POST", f"{{s}}/dataAlerts/{self.alert}/users", body)
        assert answer.status_code == 200, answer.text

    def _made(self, raw, path, body):
        """The id of what a request makes."""
        answer = raw.call("POST", f"{{s}}/{path}", f"<tsRequest>{body}</tsRequest>", json=True)
        assert answer.status_code == 201, answer.text
        ((_name, one),) = answer.json().items()
        return one["id"]

    def _scheduled(self):
        """Schedules of both kinds, and a task on each."""
        body = (
            '<tsRequest><schedule name="Flows" type="Flow" frequency="Daily"><frequencyDetails start="06:00:00"/>'
            "</schedule></tsRequest>"
        )
        assert self.raw("ada").call("POST", "schedules", body).status_code == 201
        schedules = list(self.box.state.schedules.values())
        extract, flow = (next(one for one in schedules if one.kind == kind) for kind in ("Extract", "Flow"))
        self.schedule, self.flow_schedule = extract.id, flow.id
        self.taken = next(one.name for one in schedules if one.id != extract.id)
        for schedule, spec, kind, path in (
            (extract, "extractRefresh", "workbook", "P/W"),
            (flow, "flowRun", "flow", "P/F"),
        ):
            body = f'<tsRequest><task><{spec}><{kind} id="{self.id(path)}"/></{spec}></task></tsRequest>'
            answer = self.raw("ada").call("PUT", f"{{s}}/schedules/{schedule.id}/{kind}s", body)
            assert answer.status_code == 200, answer.text
        tasks = {task.kind: task.id for task in self.box.state.tasks.values()}
        self.task, self.flow_task = tasks["extractRefresh"], tasks["flowRun"]

    def _published(self):
        """A data source with two revisions on the main site."""
        payload = f'<tsRequest><datasource name="D"><project id="{self.id("P")}"/></datasource></tsRequest>'
        body, headers = multipart(("request_payload", "", payload.encode()), ("tableau_datasource", "d.tds", SOURCE))
        answer = self.raw("pat").call("POST", "{s}/datasources?overwrite=true", body, headers=headers)
        assert answer.status_code == 201, answer.text

    def raw(self, who, site=MAIN):
        """The session of somebody on a site."""
        if (who, site) not in self._sessions:
            self._sessions[who, site] = Raw(self.box).sign_in(who, site=site)
        return self._sessions[who, site]

    def id(self, path, site=MAIN):
        """The id of content by its path."""
        return self.box.site(site).find_content(path).id

    def user(self, name):
        """The id of somebody of the main site."""
        return self.box.site(MAIN).find_user(name).id

    def group(self, name):
        """The id of a group of the main site."""
        return self.box.site(MAIN).find_group(name).id


@contextmanager
def staged(*, directory=True):
    """A stage of its own."""
    with running(_world(directory=directory)) as box:
        yield Stage(box)
