"""Schedules of the server: listed, read, made, changed, deleted, and tasks put on them.

Sources: "Jobs, Tasks, and Schedules Methods" of the public REST documentation; the REST error table. Tableau Cloud has
none: there each task has a timing of its own (`handlers.tasks`). Times of day are those of UTC, and nothing starts by
itself when one comes.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, time, timedelta

from tabwarden.model.usage import TASK
from tabwarden.sandbox.content import visibility
from tabwarden.sandbox.http import listing
from tabwarden.sandbox.http.call import NO_CONTENT, Call, Reply, ok
from tabwarden.sandbox.http.errors import Refusal, unknown
from tabwarden.sandbox.http.listing import ORDERED, TIME, Listing, column
from tabwarden.sandbox.http.wire import Element, element
from tabwarden.sandbox.state.personality import CLOUD
from tabwarden.sandbox.state.server_state import Schedule, Task, Timing, iso

KINDS = ("Extract", "Flow", "Subscription")
STATES, ORDERS = ("Active", "Suspended"), ("Parallel", "Serial")
DAYS = tuple(calendar.day_name)
LAST_DAY = "LastDay"
_CLOCK = re.compile(r"([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?")
# Of each frequency: what an interval of it may say, and the values it takes.
_HOURS, _MINUTES = ("1", "2", "4", "6", "8", "12", "24"), ("15", "30", "60")
_INTERVALS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "Hourly": {"hours": _HOURS, "minutes": _MINUTES, "weekDay": DAYS},
    "Daily": {"hours": _HOURS, "minutes": _MINUTES, "weekDay": DAYS},
    "Weekly": {"weekDay": DAYS},
    "Monthly": {
        "monthDay": (*map(str, range(1, 32)), LAST_DAY, "First", "Second", "Third", "Fourth", "Fifth"),
        "weekDay": DAYS,
    },
}
_NEEDS_INTERVALS = ("Hourly", "Weekly", "Monthly")


# -- timing ---------------------------------------------------------------------------------------------------


def timing_of(schedule: Element, before: Timing | None = None) -> Timing:
    """The timing that a `<schedule>` of a request tells; what is left out stays as before.

    409004 where an interval does not fit the frequency, 400008 for a word that is none.
    """
    frequency = schedule.get("frequency") or (before.frequency if before is not None else "")
    if frequency not in _INTERVALS:
        raise Refusal("bad_value", f"`frequency` is {', '.join(_INTERVALS)}, not `{frequency}`")
    details = schedule.find("frequencyDetails")
    if details is None:
        if before is not None and before.frequency == frequency:
            return before
        raise Refusal("bad_intervals", "a schedule needs `frequencyDetails` with a `start`")
    start, end = details.get("start") or (before.start if before is not None else ""), details.get("end") or ""
    for name, words in (("start", start), ("end", end or "00:00")):
        if not _CLOCK.fullmatch(words):
            raise Refusal("bad_value", f"`{name}` is a time of day such as 06:30:00, not `{words}`")
    intervals = tuple(_intervals(details, frequency))
    if not intervals and frequency in _NEEDS_INTERVALS:
        raise Refusal("bad_intervals", f"a schedule that is {frequency} needs `intervals`")
    return Timing(frequency, _seconds(start), _seconds(end) if end else "", intervals)


def _seconds(words: str) -> str:
    return words if words.count(":") == 2 else f"{words}:00"


def _intervals(details: Element, frequency: str) -> Iterator[tuple[str, str]]:
    for one in (details.find("intervals") or Element("intervals")).all("interval"):
        for name, value in one.attributes.items():
            if value not in _INTERVALS[frequency].get(name, ()):
                raise Refusal(
                    "bad_intervals", f"an interval of a schedule that is {frequency} has no `{name}` `{value}`"
                )
            yield name, str(value)


def timing_shape(timing: Timing) -> Element:
    """How an answer tells a timing."""
    intervals = [element("interval", {name: value}) for name, value in timing.intervals]
    inner = element("intervals", {}, *intervals) if intervals else None
    return element("frequencyDetails", {"start": timing.start, "end": timing.end or None}, inner)


def next_run(timing: Timing, now: float) -> str:
    """When it comes due next after a moment of the clock, in seconds."""
    moment = datetime.fromtimestamp(now, UTC)
    for ahead in range(400):
        day = (moment + timedelta(days=ahead)).date()
        if not _falls_on(timing, day.day, day.weekday(), calendar.monthrange(day.year, day.month)[1]):
            continue
        for due in (datetime.combine(day, clock, UTC) for clock in _clocks(timing)):
            if due > moment:
                return iso(due.timestamp())
    return ""


def _falls_on(timing: Timing, day: int, weekday: int, last: int) -> bool:
    """Whether it comes due on a day of a month, of which `last` is the last."""
    weekdays = {value for name, value in timing.intervals if name == "weekDay"}
    monthdays = {value for name, value in timing.intervals if name == "monthDay"}
    if weekdays and DAYS[weekday] not in weekdays:
        return False
    which = ("First", "Second", "Third", "Fourth", "Fifth")[(day - 1) // 7]
    return not monthdays or str(day) in monthdays or which in monthdays or (day == last and LAST_DAY in monthdays)


def _clocks(timing: Timing) -> Iterator[time]:
    """The times of a day at which it comes due."""
    steps = [int(value) * (60 if name == "hours" else 1) for name, value in timing.intervals if name in _UNITS]
    first = time.fromisoformat(timing.start)
    begin, step = first.hour * 60 + first.minute, min(steps, default=24 * 60)
    end = time.fromisoformat(timing.end) if timing.end else None
    until = end.hour * 60 + end.minute if end is not None and end > first else 24 * 60 - 1
    yield from (time(minute // 60, minute % 60, first.second) for minute in range(begin, until + 1, step))


_UNITS = ("hours", "minutes")


# -- schedules ------------------------------------------------------------------------------------------------


def shape(call: Call, schedule: Schedule, *, whole: bool = False) -> Element:
    """One schedule; `whole` with its frequency in detail, as a single one is told."""
    return element(
        "schedule",
        {
            "id": schedule.id,
            "name": schedule.name,
            "state": schedule.state,
            "priority": schedule.priority,
            "createdAt": schedule.created,
            "updatedAt": schedule.updated,
            "type": schedule.kind,
            "frequency": schedule.timing.frequency,
            "nextRunAt": next_run(schedule.timing, call.state.clock()),
            "executionOrder": schedule.order if whole else None,
        },
        timing_shape(schedule.timing) if whole else None,
    )


_NAMES = "id name state priority createdAt updatedAt type frequency nextRunAt"
SCHEDULES = Listing[Schedule](
    "schedules",
    {
        "name": column(lambda _s, one: one.name),
        "type": column(lambda _s, one: one.kind),
        "state": column(lambda _s, one: one.state),
        "updatedAt": column(lambda _s, one: one.updated, ORDERED, TIME),
    },
    frozenset(_NAMES.split()),
    shape,
)


def schedules(call: Call) -> Reply:
    """The server's schedules; Tableau Cloud has none."""
    _demand_server(call)
    return ok(*listing.answer(call, SCHEDULES, call.state.schedules.values()))


def schedule(call: Call) -> Reply:
    """One schedule with its frequency in detail."""
    return ok(shape(call, one(call), whole=True))


def one(call: Call, schedule_id: str | None = None) -> Schedule:
    """The schedule of the path or of that id; 404023 where there is none."""
    _demand_server(call)
    wanted = call.parameters["schedule"] if schedule_id is None else schedule_id
    if wanted not in call.state.schedules:
        raise unknown("schedule", wanted)
    return call.state.schedules[wanted]


def _demand_server(call: Call) -> None:
    if call.personality.kind == CLOUD:
        raise Refusal("denied", "Tableau Cloud has no schedules of its own; a task has its frequency")


def create(call: Call) -> Reply:
    """Create a schedule."""
    _demand_server(call)
    body = call.body("schedule")
    name, kind = body.get("name") or "", body.get("type") or ""
    if not name or kind not in KINDS:
        raise Refusal("malformed", f"a schedule needs a `name`, and a `type` of {', '.join(KINDS)}")
    now = call.state.now()
    new_schedule = Schedule(call.state.new_id(call.site, "schedule"), "", kind, timing_of(body), created=now)
    stored = _kept(call, new_schedule, body)
    return ok(shape(call, stored, whole=True), status=201)


def update(call: Call) -> Reply:
    """Change a schedule: name, state, priority, order, frequency."""
    before, body = one(call), call.body("schedule")
    changes = body.get("frequency") is not None or body.find("frequencyDetails") is not None
    timing = timing_of(body, before.timing) if changes else before.timing
    return ok(shape(call, _kept(call, before._replace(timing=timing), body), whole=True))


def _kept(call: Call, schedule: Schedule, body: Element) -> Schedule:
    """The schedule with what the body says, kept; 409021 for a name that another has."""
    name = body.get("name") or schedule.name
    if any(other.name == name and other.id != schedule.id for other in call.state.schedules.values()):
        raise Refusal("name_taken", f"there is a schedule `{name}` already")
    priority = body.get("priority") or str(schedule.priority)
    if not (priority.isascii() and priority.isdigit() and 1 <= int(priority[:4]) <= 100):
        raise Refusal("bad_value", f"`priority` is a number from 1 to 100, not `{priority}`")
    state, order = body.get("state") or schedule.state, body.get("executionOrder") or schedule.order
    for field, word, words in (("state", state, STATES), ("executionOrder", order, ORDERS)):
        if word not in words:
            raise Refusal("bad_value", f"`{field}` is {' or '.join(words)}, not `{word}`")
    schedule = schedule._replace(name=name, priority=int(priority), state=state, order=order, updated=call.state.now())
    call.state.keep("schedule", schedule)
    return schedule


def delete(call: Call) -> Reply:
    """Delete a schedule with the tasks on it."""
    gone = one(call)
    for task in [task for task in call.state.tasks.values() if task.schedule == gone.id]:
        drop_task(call, task)
    call.state.forget("schedule", gone.id)
    return NO_CONTENT


# -- tasks on them --------------------------------------------------------------------------------------------


def extracts(call: Call) -> Reply:
    """The extract refresh tasks of the site on a schedule; 400047 for one of another kind."""
    schedule = one(call)
    if schedule.kind != "Extract":
        raise Refusal("other_schedule", f"schedule `{schedule.name}` is for {schedule.kind} tasks")
    tasks = [t for t in call.state.tasks.values() if (t.site, t.schedule) == (call.site.id, schedule.id)]
    page, pagination = listing.paged(call, tasks)
    return ok(pagination, element("extracts", {}, *(_extract(call, task, schedule) for task in page)))


def _extract(call: Call, task: Task, schedule: Schedule) -> Element:
    target = call.site.contents[task.about]
    inner = element(target.kind, {"id": target.id})
    return element("extract", {"id": task.id, "priority": schedule.priority, "type": "FullRefresh"}, inner)


def add(call: Call, kind: str) -> Reply:
    """Put the refreshing of an extract, or the running of a flow, on a schedule; told is the new task."""
    task_element = call.body("task")
    spec = next((child for child in task_element.children if child.find(kind) is not None), None)
    target = visibility.shown(call, kind, spec.inner(kind) or "" if spec is not None else "")
    visibility.demand(call, "change_refresh_schedule", target)
    wanted = call.parameters["schedule"]
    if call.personality.kind == CLOUD or wanted not in call.state.schedules:
        raise Refusal("unknown_schedule", f"schedule `{wanted}` could not be found")
    schedule = call.state.schedules[wanted]
    if schedule.kind != ("Flow" if kind == "flow" else "Extract"):
        raise Refusal("other_schedule", f"schedule `{schedule.name}` is for {schedule.kind} tasks")
    of = "flowRun" if kind == "flow" else "extractRefresh"
    way = "RunFlowTask" if kind == "flow" else "RefreshExtractTask"
    task = Task(call.state.new_id(call.site, "task"), call.site.id, of, target.id, call.me.id, schedule.id, way=way)
    return ok(element("task", {}, task_shape(call, put_task(call, task))))


def put_task(call: Call, task: Task) -> Task:
    """A new task as stored, which its maker has from now on."""
    stored = task._replace(created=call.state.now())
    call.state.keep("task", stored)
    call.state.has(task.site, task.by, TASK, task.about, 1)
    return stored


def drop_task(call: Call, task: Task) -> None:
    """Forget a task."""
    call.state.forget("task", task.id)
    call.state.has(task.site, task.by, TASK, task.about, -1)


def own_shape(call: Call, timing: Timing | None, created: str) -> Element:
    """The frequency that something has of its own."""
    timing = timing or Timing("Daily", "00:00:00")
    attributes = {
        "createdAt": created or None,
        "updatedAt": created or None,
        "frequency": timing.frequency,
        "nextRunAt": next_run(timing, call.state.clock()),
    }
    return element("schedule", attributes, timing_shape(timing))


def task_shape(call: Call, task: Task) -> Element:
    """One task with its target, and its schedule or its own frequency."""
    schedule = call.state.schedules.get(task.schedule)
    when = shape(call, schedule) if schedule is not None else own_shape(call, task.timing, task.created)
    target = call.site.contents[task.about]
    named = {"name": target.name} if task.kind == "flowRun" else {}
    return element(
        task.kind,
        {
            "id": task.id,
            "priority": schedule.priority if schedule is not None else 50,
            "consecutiveFailedCount": 0,
            "type": task.way,
        },
        when,
        element("lastRunAt", text=task.last_run) if task.last_run else None,
        element(target.kind, {"id": target.id, **named}),
    )
