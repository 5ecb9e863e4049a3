"""Extract refresh tasks and flow tasks of the session's site: listed, read, run now, deleted; on Cloud also made.

Sources: "Extract and Encryption Methods" and "Flow Methods" of the public REST documentation. Administrators see every
task, others those of content that they own.
"""

from __future__ import annotations

from collections.abc import Mapping

from tabwarden.sandbox.content import visibility
from tabwarden.sandbox.handlers.schedules import drop_task, put_task, task_shape, timing_of
from tabwarden.sandbox.http.call import NO_CONTENT, Call, Reply, ok
from tabwarden.sandbox.http.errors import Refusal, unknown
from tabwarden.sandbox.http.wire import Element, element
from tabwarden.sandbox.people import jobs as work
from tabwarden.sandbox.people import shapes
from tabwarden.sandbox.state.personality import CLOUD
from tabwarden.sandbox.state.server_state import Task

EXTRACT, FLOW = "extractRefresh", "flowRun"
WAYS = ("FullRefresh", "IncrementalRefresh")
# Of each kind: what it refreshes or runs, the work of its job, and how a request calls it.
_TARGETS: Mapping[str, tuple[str, ...]] = {EXTRACT: ("workbook", "datasource"), FLOW: ("flow",)}
_WORK: Mapping[str, str] = {EXTRACT: work.REFRESH, FLOW: work.RUN_FLOW}
_REQUESTS: Mapping[str, tuple[str, ...]] = {EXTRACT: (EXTRACT,), FLOW: ("runFlow", FLOW)}


def tasks(call: Call, kind: str) -> Reply:
    """The site's tasks of that kind; to others than administrators those of their own content. Never in pages."""
    tasks_here = [task for task in call.state.tasks.values() if task.site == call.site.id and task.kind == kind]
    shown = [task for task in tasks_here if _is_shown(call, task)]
    return ok(element("tasks", {}, *(element("task", {}, task_shape(call, task)) for task in shown)))


def _is_shown(call: Call, task: Task) -> bool:
    return call.is_admin or call.site.contents[task.about].owner == call.me.id


def task(call: Call, kind: str) -> Reply:
    """One task."""
    return ok(element("task", {}, task_shape(call, _one(call, kind))))


def _one(call: Call, kind: str) -> Task:
    """The task of the path; 404026 where there is none, 403004 for somebody else's."""
    one = call.state.tasks.get(call.parameters["task"])
    if one is None or one.site != call.site.id:
        raise unknown("task", call.parameters["task"])
    if one.kind != kind:
        raise Refusal("other_task", f"the task is no {kind}")
    if not _is_shown(call, one):
        raise Refusal("denied", "the task is about content of somebody else")
    return one


def run_now(call: Call, kind: str) -> Reply:
    """Run a task now, as a job."""
    one = _one(call, kind)
    job = work.start(call, _WORK[kind], about=one.about)
    call.state.keep("task", one._replace(last_run=call.state.now()))
    return ok(shapes.job(call, job))


def delete(call: Call, kind: str) -> Reply:
    """Delete a task; the content stays."""
    drop_task(call, _one(call, kind))
    return NO_CONTENT


def create(call: Call, kind: str) -> Reply:
    """Create a task with a frequency of its own, on Tableau Cloud alone."""
    if call.personality.kind != CLOUD:
        raise Refusal("405000", "tasks with a frequency of their own are made on Tableau Cloud; here add to a schedule")
    body = _spec(call, kind)
    spec = next(((k, body.inner(k)) for k in _TARGETS[kind] if body.find(k) is not None), None)
    if spec is None:
        raise Refusal("400000", f"the request names no {' or '.join(_TARGETS[kind])}")
    target = visibility.shown(call, spec[0], spec[1] or "")
    visibility.demand(call, "change_refresh_schedule", target)
    new_id = call.state.new_id(call.site, "task")
    new_task = Task(new_id, call.site.id, kind, target.id, call.me.id, timing=timing_of(call.body("schedule")))
    new_task = new_task._replace(way=_way(body, kind, WAYS[0]))
    return ok(*_told(call, put_task(call, new_task)), status=201)


def update(call: Call, kind: str) -> Reply:
    """Change the frequency of a task, or whether it refreshes in full, on Tableau Cloud alone."""
    before = _one(call, kind)
    if call.personality.kind != CLOUD:
        raise Refusal("405000", "tasks with a frequency of their own are of Tableau Cloud; here change the schedule")
    body, schedule = _spec(call, kind), call.tree.find("schedule")
    timing = timing_of(schedule, before.timing) if schedule is not None else before.timing
    changed = before._replace(timing=timing, way=_way(body, kind, before.way))
    call.state.keep("task", changed)
    return ok(*_told(call, changed))


def _spec(call: Call, kind: str) -> Element:
    """The element of the request that tells the task."""
    return next((one for name in _REQUESTS[kind] if (one := call.tree.find(name)) is not None), None) or call.body(kind)


def _way(body: Element, kind: str, usual: str) -> str:
    if kind == FLOW:
        return "RunFlowTask"
    way = body.get("type") or usual
    if way not in WAYS:
        raise Refusal("400008", f"`type` is {' or '.join(WAYS)}, not `{way}`")
    return way


def _told(call: Call, task: Task) -> tuple[Element, ...]:
    """A task as its making tells it: the schedule beside it."""
    whole = task_shape(call, task)
    if task.kind == FLOW:
        steps = element("flowOutputSteps", {}, element("flowOutputStep", {"id": task.about, "name": "Output"}))
        spec = element("flowRunSpec", {"flowId": task.about}, steps, element("flowParameterSpecs"))
        return (element("task", {}, whole._replace(children=(*whole.children, spec))),)
    schedule, target = whole.find("schedule"), whole.children[-1]
    own = element(_REQUESTS[task.kind][0], {"id": task.id, "type": task.way}, target)
    return (own,) if schedule is None else (own, schedule)
