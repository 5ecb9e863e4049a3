"""Runs of flows, linked tasks and webhooks. Runs are the jobs of flows; no webhook is ever called.

Sources: "Flow Methods", "Webhooks Methods" and "Jobs, Tasks, and Schedules Methods" of the public REST documentation.
"""

from __future__ import annotations

from dataclasses import replace

from tabwarden.sandbox.content import visibility
from tabwarden.sandbox.content.shapes import person
from tabwarden.sandbox.handlers import schedules
from tabwarden.sandbox.handlers.content import truth
from tabwarden.sandbox.http import listing
from tabwarden.sandbox.http.call import NO_CONTENT, Call, Reply, ok
from tabwarden.sandbox.http.errors import Refusal, unknown
from tabwarden.sandbox.http.listing import ORDERED, TIME, Listing, column
from tabwarden.sandbox.http.wire import Element, element
from tabwarden.sandbox.people import jobs as work
from tabwarden.sandbox.people import shapes
from tabwarden.sandbox.state.server_state import Job, iso
from tabwarden.sandbox.state.things import LinkedTask, Webhook

# -- runs of flows --------------------------------------------------------------------------------------------


def _run(call: Call, job: Job, name: str = "flowRuns") -> Element:
    shape = shapes.job(call, job)
    attributes = {
        "id": job.id,
        "flowId": job.about,
        "status": shapes.status_of(job),
        "startedAt": shape.get("startedAt"),
        "completedAt": shape.get("completedAt"),
        "progress": shape.get("progress"),
        "backgroundJobId": job.id,
    }
    return element(name, attributes)


RUNS = Listing[Job](
    "flowRuns",
    {
        "flowId": column(lambda _s, job: job.about),
        "userId": column(lambda _s, job: job.by),
        "startedAt": column(lambda _s, job: iso(job.created), ORDERED, TIME),
        "completedAt": column(lambda _s, job: iso(job.completed) if job.completed else None, ORDERED, TIME),
    },
    frozenset("id flowId status startedAt completedAt progress backgroundJobId".split()),
    _run,
)


def runs(call: Call) -> Reply:
    """The runs of flows that the asker may View."""
    return ok(*listing.answer(call, RUNS, [job for job in call.state.jobs.values() if _shows(call, job)]))


def _is_run(call: Call, job: Job) -> bool:
    return job.site == call.site.id and job.kind == work.RUN_FLOW


def _shows(call: Call, job: Job) -> bool:
    flow = call.site.contents.get(job.about)
    return _is_run(call, job) and flow is not None and visibility.sees(call, flow)


def run(call: Call) -> Reply:
    """One run of a flow."""
    return ok(_run(call, _run_of(call), "flowRun"))


def _run_of(call: Call) -> Job:
    job = call.state.jobs.get(call.parameters["flowrun"])
    if job is None or not _shows(call, job):
        raise unknown("flowRun", call.parameters["flowrun"])
    return job


def cancel(call: Call) -> Reply:
    """Cancel a run that has not ended: administrators, and whoever began it."""
    job = call.state.jobs.get(call.parameters["flowrun"])
    if job is not None and _is_run(call, job) and not (call.is_admin or job.by == call.me.id):
        raise Refusal("denied", "somebody else began that run")
    job = _run_of(call)
    if job.finish_code is None:
        call.state.put_job(replace(job, finish_code=2, completed=call.state.clock()))
    return ok(_run(call, call.state.jobs[job.id], "flowRun"))


# -- linked tasks ---------------------------------------------------------------------------------------------


def linked(call: Call) -> Reply:
    """The linked tasks of the site, for administrators; to others those whose flows are all theirs."""
    tasks = [one for one in call.state.linked_tasks.values() if one.site == call.site.id and _owns(call, one)]
    page, pagination = listing.paged(call, tasks)
    return ok(pagination, element("linkedTasks", {}, *(_linked(call, one, "linkedTasks") for one in page)))


def _flows(call: Call, one: LinkedTask) -> list[str]:
    return [call.state.tasks[task].about for task in one.tasks if task in call.state.tasks]


def _owns(call: Call, one: LinkedTask) -> bool:
    return call.is_admin or all(call.site.contents[flow].owner == call.me.id for flow in _flows(call, one))


def _linked(call: Call, one: LinkedTask, name: str) -> Element:
    schedule = call.state.schedules.get(one.schedule)
    tasks = [call.state.tasks[task] for task in one.tasks if task in call.state.tasks]
    steps = (
        element(
            "linkedTaskSteps",
            {"id": f"{one.id[:-4]}{number:04x}", "stepNumber": number, "stopDownstreamTasksOnFailure": True},
            element("task", {}, schedules.task_shape(call, task)),
        )
        for number, task in enumerate(tasks, 1)
    )
    return element(
        name,
        {"id": one.id, "numSteps": len(tasks)},
        schedules.shape(call, schedule) if schedule is not None else None,
        element("linkedTaskSteps", {}, *steps),
    )


def linked_task(call: Call) -> Reply:
    """One linked task with its steps."""
    return ok(_linked(call, _linked_of(call), "linkedTask"))


def _linked_of(call: Call) -> LinkedTask:
    one = call.state.linked_tasks.get(call.parameters["linkedtask"])
    if one is None or one.site != call.site.id:
        raise unknown("linkedTask", call.parameters["linkedtask"])
    if not _owns(call, one):
        raise Refusal("denied", "a flow of the linked task is somebody else's")
    return one


def run_linked(call: Call) -> Reply:
    """Run every step of a linked task now, each as a job."""
    one = _linked_of(call)
    begun = [work.start(call, work.RUN_FLOW, about=flow) for flow in _flows(call, one)]
    if not begun:
        raise Refusal("404003", "the linked task has no step any more")
    first = begun[0]
    attributes = {"id": first.id, "linkedTaskId": one.id, "status": "InProgress", "createdAt": iso(first.created)}
    return ok(element("linkedTaskJob", attributes))


# -- webhooks -------------------------------------------------------------------------------------------------

_SOURCE = "webhook-source-event-"
EVENTS = frozenset(
    f"{kind}-{what}"
    for kind, happenings in (
        ("datasource", "created updated deleted refresh-started refresh-succeeded refresh-failed"),
        ("workbook", "created updated deleted refresh-started refresh-succeeded refresh-failed"),
        ("view", "deleted"),
        ("flow", "completed"),
        ("label", "created updated deleted"),
        ("user", "promoted-admin demoted-admin"),
    )
    for what in happenings.split()
)


def _webhook(call: Call, one: Webhook) -> Element:
    target = element("webhook-destination-http", {"method": one.method, "url": one.url})
    return element(
        "webhook",
        {
            "id": one.id,
            "name": one.name,
            "event": "".join(word.title() for word in one.event.split("-")),
            "isEnabled": one.enabled,
            "createdAt": one.created,
            "updatedAt": one.updated,
        },
        element("webhook-source", {}, element(_SOURCE + one.event)),
        element("webhook-destination", {}, target),
        person(call, "owner", one.owner),
    )


def webhooks(call: Call) -> Reply:
    """The webhooks of the site."""
    hooks = [one for one in call.state.webhooks.values() if one.site == call.site.id]
    page, pagination = listing.paged(call, hooks)
    return ok(pagination, element("webhooks", {}, *(_webhook(call, one) for one in page)))


def webhook(call: Call) -> Reply:
    """One webhook."""
    return ok(_webhook(call, _webhook_of(call)))


def _webhook_of(call: Call) -> Webhook:
    one = call.state.webhooks.get(call.parameters["webhook"])
    if one is None or one.site != call.site.id:
        raise unknown("webhook", call.parameters["webhook"])
    return one


def _hooked(call: Call, one: Webhook, body: Element) -> Webhook:
    """The webhook with what the body says, kept; only an address that is encrypted is taken."""
    source, destination = body.find("webhook-source"), body.find("webhook-destination")
    event = source.children[0].name.removeprefix(_SOURCE) if source is not None and source.children else ""
    event = event.removeprefix("webhook-event-") or _dashed(body.get("event") or "") or one.event
    target = destination.find("webhook-destination-http") if destination is not None else None
    url = (target.get("url") if target is not None else None) or one.url
    name, enabled = body.get("name") or one.name, body.get("isEnabled")
    if not name or event not in EVENTS or not url.startswith("https://"):
        raise Refusal("malformed", "a webhook needs a name, an event that there is and an address with https")
    changed = one._replace(
        name=name,
        event=event,
        url=url,
        enabled=one.enabled if enabled is None else truth("isEnabled", enabled),
        updated=call.state.now(),
    )
    call.state.keep("webhook", changed)
    return changed


def _dashed(event: str) -> str:
    """`WorkbookRefreshFailed` as elements write it."""
    return "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in event).lstrip("-")


def hook(call: Call) -> Reply:
    """Make a webhook."""
    now, new_id = call.state.now(), call.state.new_id(call.site, "webhook")
    new = Webhook(new_id, call.site.id, "", "", "", call.me.id, created=now)
    return ok(_webhook(call, _hooked(call, new, call.body("webhook"))), status=201)


def rehook(call: Call) -> Reply:
    """Change name, event or address of a webhook; switch it off."""
    return ok(_webhook(call, _hooked(call, _webhook_of(call), call.body("webhook"))))


def unhook(call: Call) -> Reply:
    """Delete a webhook."""
    call.state.forget("webhook", _webhook_of(call).id)
    return NO_CONTENT


def try_webhook(call: Call) -> Reply:
    """Try a webhook: nothing is sent, and the answer says that all went well."""
    one = _webhook_of(call)
    return ok(element("webhookTestResult", {"id": one.id, "status": "200"}, element("body", text="nothing was sent")))
