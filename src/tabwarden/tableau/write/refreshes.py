"""Extract refresh tasks: read, put on schedules of the server or made with a frequency of their own (Cloud), deleted.

Sources: "Extract and Encryption Methods" and "Jobs, Tasks, and Schedules Methods" of the public REST documentation.
A new task comes before an old one goes; what came twice, because an answer was lost, goes again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple
from xml.etree.ElementTree import Element

from tabwarden.effects.ops.refreshes import SetRefresh
from tabwarden.model.errors import TableauError
from tabwarden.model.refreshes import INCREMENTAL, Frequency, Refreshes, frequency_meant
from tabwarden.model.site import Site
from tabwarden.tableau.http.connection import Connection
from tabwarden.tableau.http.wire import element
from tabwarden.tableau.read.takes import is_cloud
from tabwarden.tableau.write.results import ALREADY, DONE, FAILED, Ids, Result, create, sends

TASKS, SCHEDULES = "tasks/extractRefreshes", "/schedules"
TASKS_SINCE, CLOUD_SINCE = "3.6", "3.20"  # since when tasks are deleted, and made on Cloud


class _Task(NamedTuple):
    """One task: its id, what it refreshes, and its schedule or frequency in words."""

    id: str
    content: str
    when: str


def with_refreshes(site: Site, connection: Connection) -> Site:
    """The Site with the schedules its extracts are refreshed on."""
    of = defaultdict[str, set[str]](set)
    for task in _tasks(connection):
        of[task.content].add(task.when)
    listed = None if is_cloud(connection) else connection.pages(SCHEDULES, "schedule")
    schedules = None if listed is None else {one.get("name", ""): one.get("type", "") for one in listed}
    return replace(site, refreshes=Refreshes({c: tuple(sorted(when)) for c, when in of.items()}, schedules))


def _tasks(connection: Connection) -> Iterator[_Task]:
    """All that are told, in a list without pages."""
    answer = connection.call("GET", TASKS, version_required=TASKS_SINCE)
    for task in answer.iter("extractRefresh") if answer is not None else ():
        target = next((one for tag in ("workbook", "datasource") if (one := task.find(tag)) is not None), None)
        if target is not None:
            yield _Task(task.get("id", ""), target.get("id", ""), _when(task))


def _when(task: Element) -> str:
    schedule, incremental = task.find("schedule"), task.get("type", "").startswith("Increment")
    if schedule is None:
        schedule = element("schedule")
    if schedule.get("name"):
        return f"{schedule.get('name')}{INCREMENTAL if incremental else ''}"
    details = schedule.find("frequencyDetails")
    start, end = (details.get(name, "") if details is not None else "" for name in ("start", "end"))
    intervals = tuple(pair for one in schedule.iter("interval") for pair in one.attrib.items())
    return Frequency(schedule.get("frequency", ""), start, end, intervals, incremental).words


@sends(SetRefresh)
def set_refresh(connection: Connection, change: SetRefresh, ids: Ids) -> Result:
    """Make the tasks that lack and delete those that are too many; those of others stay."""
    content = ids.need(change.content)
    tasks = [task for task in _tasks(connection) if task.content == content]
    missing = [when for when in change.to if all(task.when != when for task in tasks)]
    for when in missing:
        if (trouble := _added(connection, change.content.kind, content, when)) is not None:
            return Result(0, FAILED, "", trouble)
    if missing:
        tasks = [task for task in _tasks(connection) if task.content == content]
    wanted = {task.when: task.id for task in reversed(tasks) if task.when in change.to}
    gone = [task.id for task in tasks if wanted.get(task.when) != task.id]
    for task in gone:
        try:
            connection.call("DELETE", f"{TASKS}/{task}")
        except TableauError as error:
            if error.status != 404:
                raise
    return Result(0, DONE if missing or gone else ALREADY)


def _added(connection: Connection, kind: str, content: str, when: str) -> str | None:
    """Why it could not be put there; None once it is."""
    target = element(kind, id=content)
    frequency = frequency_meant(when) if is_cloud(connection) else None
    listed = connection.pages(SCHEDULES, "schedule") if frequency is None else []
    schedule = next((one.get("id", "") for one in listed if one.get("name") == when), None)
    if schedule is not None:
        body = element("task", element("extractRefresh", target))
        connection.call("PUT", f"schedules/{schedule}/{kind}s", body=body)
        return None
    if frequency is None:
        return f"there is no schedule `{when}` any more; plan again"
    intervals = [element("interval", **{name: value}) for name, value in frequency.intervals]
    inner = [element("intervals", *intervals)] if intervals else []
    details = element("frequencyDetails", *inner, start=frequency.start, end=frequency.end or None)
    way = "IncrementalRefresh" if frequency.incremental else "FullRefresh"
    task = element("extractRefresh", target, type=way)
    body = element("tsRequest", task, element("schedule", details, frequency=frequency.frequency))
    create(
        lambda: connection.call("POST", TASKS, body=body, version_required=CLOUD_SINCE),
        lambda: next((one for one in _tasks(connection) if (one.content, one.when) == (content, when)), None),
    )
    return None
