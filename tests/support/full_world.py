"""w0 with at least two of everything that an answer can list, for tests that ask every endpoint."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from uuid import UUID

from sandbox_client import Raw
from workbook_files import FLOW, TDSX, TWBX

from tabwarden.model.feeds import DataConnection
from tabwarden.model.site import ALLOW, Content, Grantee, GroupSet, Rule, Site, Use
from tabwarden.model.takes import IdentityProvider
from tabwarden.sandbox.http.server import running
from tabwarden.sandbox.state.personality import Personality, personality
from tabwarden.sandbox.state.server_state import FIRST_SCHEDULES, CustomView, Task, Timing
from tabwarden.sandbox.state.things import DataAlert, Favorite, LinkedTask, Subscription, Webhook
from tabwarden.sandbox.worlds.finding import find_world

MARKED = {"tags": frozenset({"blue", "red"}), "certified": True, "certification_note": "as audited"}
MOMENTS = ("2025-01-01T08:00:00Z", "2025-02-01T08:00:00Z")
TIMES = dict(zip(("created", "updated"), MOMENTS, strict=True))
FEEDS = (DataConnection("postgres", "db.example", "reader", True), DataConnection("sqlserver", "ms.example", "", False))


def named(digit: str) -> str:
    """An id of one digit."""
    return str(UUID(digit * 32))


def full_site(site: Site) -> Site:
    """The site of w0 with assets, flows, tags, certification, connections, a group set of two, a nested lock."""
    ops, ada = site.find_content("Ops").id, site.find_user("ada").id
    sales = site.find_group("Sales").id
    grantees = (Grantee("user", ada), Grantee("group", sales), Grantee("groupSet", named("1")))
    rules = frozenset(Rule(grantee, "Read", ALLOW) for grantee in grantees)
    more = [
        Content(
            named(letter),
            kind,
            f"{kind}{letter}",
            place,
            ada,
            rules=rules,
            description="of the test",
            **MARKED,
            **TIMES,
        )
        for kind, letters, place in (
            ("flow", "fe", ops),
            ("virtualconnection", "cd", ops),
            ("database", "b6", ops),
            ("table", "78", named("b")),
        )
        for letter in letters
    ]
    for content in site.contents.values():
        if content.kind in ("workbook", "datasource"):
            own = (content.rules or frozenset()) | rules
            more.append(replace(content, rules=own, connections=FEEDS, description="of the test", **MARKED))
        elif content.kind == "view":
            more.append(replace(content, tags=MARKED["tags"]))
    vault = site.find_content("Vault")
    more.append(
        Content(named("a"), "project", "Below", vault.id, ada, mode=vault.mode, description="locked from above")
    )
    defaults = {**site.contents[ops].defaults, "virtualconnection": rules}
    more.append(replace(site.contents[ops], defaults=defaults))
    more[0], more[2] = (replace(one, connections=FEEDS) for one in (more[0], more[2]))
    more += [Content(named(n), "collection", f"Of {n}", None, ada, rules=rules, **TIMES) for n in "12"]
    groups = frozenset(site.find_group(name).id for name in ("Sales", "Finance"))
    sets = {named(i): GroupSet(named(i), f"Set {i}", groups) for i in "12"}
    told = {"last_login": "2025-11-01T08:00:00Z", "auth_setting": "SAML", "idp_configuration_id": named("3")}
    users = {user.id: replace(user, **told) for user in site.users.values()}
    on_demand = frozenset({site.find_group("GLOL-Viewers").id})
    seats = {"Creator": 99, "Explorer": 99, "Viewer": 99}
    site = replace(site, users=users, group_sets=sets, on_demand=on_demand, licences=seats)
    return site.with_contents(*more)


def published(raw: Raw, kind: str, name: str, project: str, query: str = "overwrite=true") -> str:
    """Publish a small file of that kind; the id of what was made."""
    file, extension = {"workbook": (TWBX, "twbx"), "datasource": (TDSX, "tdsx"), "flow": (FLOW, "tflx")}[kind]
    body, headers = publication(kind, name, project, file, extension)
    answer = raw.call("POST", f"{{s}}/{kind}s?{query}", body, headers=headers)
    assert answer.status_code in (201, 202), answer.text
    return re.search(r'\bid="([^"]+)"', answer.text)[1]


def publication(kind: str, name: str, project: str, file: bytes, extension: str) -> tuple[bytes, dict[str, str]]:
    """Body and headers of a publishing request."""
    payload = f'<tsRequest><{kind} name="{name}"><project id="{project}"/></{kind}></tsRequest>'.encode()
    parts = (
        (b'name="request_payload"', b"text/xml", payload),
        (f'name="tableau_{kind}"; filename="a.{extension}"'.encode(), b"application/octet-stream", file),
    )
    body = b"".join(
        b"--e\r\nContent-Disposition: " + name + b"\r\nContent-Type: " + type_ + b"\r\n\r\n" + content + b"\r\n"
        for name, type_, content in parts
    )
    return body + b"--e--", {"Content-Type": "multipart/mixed; boundary=e"}


@contextmanager
def full_sandbox(plays: Personality | None = None) -> Iterator[tuple[Raw, dict[str, str]]]:
    """The sandbox of that world, ada signed in, and an id of each thing that a path can name."""
    world = find_world("w0")
    site = full_site(world.sites[0])
    providers = {
        site.id: tuple(IdentityProvider(named(i), name, "SAML") for i, name in (("3", "IdP"), ("4", "Salesforce")))
    }
    other = replace(site, id=named("0"), name="Other", content_url="other")
    with running(
        replace(world, sites=(site, other), providers=providers), plays=plays or personality(api_version="3.28")
    ) as box:
        raw = Raw(box).sign_in()
        ids = {"site": raw.site, "user": site.find_user("ada").id, "group": site.find_group("Sales").id}
        ids |= {"groupset": named("1"), "collection": named("1"), "project": site.find_content("Ops").id}
        for _twice in range(2):  # over what is there, for revisions
            ids["workbook"] = published(raw, "workbook", "W1", ids["project"])
            ids["datasource"] = published(raw, "datasource", "D1", ids["project"])
        ids |= {"flow": named("f"), "virtualconnection": named("c"), "database": named("b"), "table": named("7")}
        ids["view"] = box.site("sandbox").children(ids["workbook"])[0]
        body = b'--e\r\nContent-Disposition: name="tableau_user_delete"\r\n\r\nvic\r\nnobody\r\n--e--'
        raw.call("POST", f"{{s}}/workbooks/{ids['workbook']}/refresh", "<tsRequest/>")
        kind = {"Content-Type": "multipart/mixed; boundary=e"}
        job = raw.call("POST", "{s}/users/delete", body, headers=kind, json=True)
        ids["job"] = job.json()["job"]["id"]
        own = Timing("Daily", "08:00:00", "09:00:00", (("hours", "1"), ("weekDay", "Monday")))
        for digit, kind, about, way in (
            ("e", "extractRefresh", "workbook", {}),
            ("9", "extractRefresh", "datasource", {}),
            ("d", "flowRun", "flow", {"way": "RunFlowTask"}),
            ("5", "flowRun", "flow", {"way": "RunFlowTask"}),
        ):
            when = {"schedule": FIRST_SCHEDULES[2].id} if kind == "extractRefresh" else {"timing": own}
            task = Task(named(digit), site.id, kind, ids[about], ids["user"], **when, **way)
            box.state.keep("task", task)
        task = Task(named("4"), site.id, "extractRefresh", ids["workbook"], ids["user"], timing=own)
        box.state.keep("task", task)
        source = Use(ids["datasource"], "embed")
        held = box.site("sandbox").contents[ids["workbook"]]
        box.state.put(box.site("sandbox").with_contents(replace(held, uses=(source,))))
        asides = '<dataAccelerationConfig accelerationEnabled="true"/>'
        box.state.put_details(ids["workbook"], replace(box.state.details(ids["workbook"]), asides=asides))
        marked = replace(box.state.details(ids["view"]), tags=MARKED["tags"])
        box.state.put_details(ids["view"], marked)
        for digit in "12":
            view = CustomView(named(digit), site.id, f"Mine {digit}", ids["view"], ids["user"], True, *TIMES.values())
            box.state.keep("customView", view)
        ids |= {"customview": named("1"), "schedule": FIRST_SCHEDULES[2].id}
        ids |= {"task": named("e"), "task of runFlow": named("d")}
        for digit in "12":
            view, me = ids["view"], ids["user"]
            for what, thing in (
                (
                    "subscription",
                    Subscription(named(digit), site.id, me, view, "Mail", FIRST_SCHEDULES[3].id, message="x"),
                ),
                (
                    "dataAlert",
                    DataAlert(named(digit), site.id, view, me, "High", "Daily", True, "above", "5", *MOMENTS),
                ),
                (
                    "webhook",
                    Webhook(named(digit), site.id, digit, "workbook-created", "https://h", me, "POST", True, *MOMENTS),
                ),
                ("linkedTask", LinkedTask(named(digit), site.id, FIRST_SCHEDULES[3].id, (named("d"), named("5")))),
            ):
                box.state.keep(what, thing)
        for digit, kind in zip("1234", ("workbook", "view", "datasource", "project"), strict=True):
            mark = Favorite(named(digit), site.id, ids["user"], ids[kind], kind, MOMENTS[0])
            box.state.keep("favorite", mark)
        people = frozenset({ids["user"], site.find_user("carl").id})
        box.state.keep("dataAlert", box.state.alerts[named("1")]._replace(recipients=people))
        for _twice in range(2):
            raw.call("POST", f"{{s}}/flows/{ids['flow']}/run", "<tsRequest/>")
        ids["flowrun"] = list(box.state.jobs)[-1]
        ids |= dict.fromkeys(("subscription", "dataalert", "webhook", "linkedtask"), named("1"))
        yield raw, ids
