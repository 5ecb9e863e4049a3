"""The VizQL Data Service over the sandbox's own tables: those of Admin Insights, and rows made up for all others.

A data source in a project `Admin Insights` that is called like one of Tableau's answers with the use, the people, the
content, the groups or the jobs of its site; every other one with the columns that the Metadata API tells of it. Fields
are those of Tableau's pages on Admin Insights [D].
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tabwarden.access.reference import may
from tabwarden.model.roles import licence_of
from tabwarden.model.site import Content, Site
from tabwarden.model.usage import CONNECT, STANDING, event_name
from tabwarden.sandbox.http.call import Call, Reply
from tabwarden.sandbox.http.errors import Refusal
from tabwarden.sandbox.metadata.api import as_json
from tabwarden.sandbox.metadata.vizql_query import Line, UnknownField, run
from tabwarden.sandbox.state.activity import number_of
from tabwarden.sandbox.state.server_state import iso

PATH, NAME, SINCE = "/api/v1/vizql-data-service/", "vizql-data-service", "3.25"
MODEL_SINCE = "3.27"
PRETENDED = "Extract"
ADMIN_INSIGHTS = "Admin Insights"


def is_asked(path: str) -> bool:
    """Whether a path belongs to this service."""
    return path.lower().startswith(PATH)


def answer(call: Call) -> Reply:
    """Answer `read-metadata`, `query-datasource` or `get-datasource-model`."""
    request = call.request
    if not call.personality.speaks(SINCE) or request.method != "POST":
        return _failed(404, "404950", "there is no such endpoint")
    try:
        call.acting = call.sessions.of(request.headers.get("x-tableau-auth"))
        call.acting.demand_scope("tableau:viz_data_service:read")
    except Refusal:
        return _failed(401, "401001", "sign in first")
    call.state.activity.by(call.acting.user, call.acting.initiator)
    try:
        body = json.loads(call.raw_body)
        source = call.site.contents.get(body["datasource"]["datasourceLuid"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return _failed(400, "400803", "the body is no JSON object with `datasource.datasourceLuid`")
    points = call.state.open_points
    if source is None or not may(call.site, call.me.id, "VizqlDataApiAccess", source.id, open_points=points).allowed:
        return _failed(403, "403800", "no such data source, or no API Access on it")
    table = _table(call.site, source)
    method = request.path.lower().rstrip("/").removeprefix(PATH)
    if method == "read-metadata":
        return as_json({"data": list(map(_described, FIELDS[table])), "extraData": {"parameters": []}})
    if method == "get-datasource-model" and call.personality.speaks(MODEL_SINCE):
        model = [{"logicalTableId": table, "caption": table}]
        return as_json({"logicalTables": model, "logicalTableRelationships": []})
    if method != "query-datasource":
        return _failed(404, "404950", "there is no such endpoint")
    try:
        data = _answered(list(_LINES[table](call)), table, body)
        call.state.happened(call.site, call.me.id, CONNECT, source.id)
        return as_json({"data": data})
    except UnknownField as problem:
        return _failed(404, "404934", str(problem))
    except (KeyError, TypeError, ValueError, AttributeError) as problem:
        return _failed(400, "400803", f"the query asks for what is not there: {problem}")


def _answered(lines: list[Line], table: str, body: Mapping[str, Any]) -> list[Any]:
    """The rows of a query, as objects or as arrays."""
    options = body.get("options") or {}
    rows = run(lines, body["query"], FIELDS[table], disaggregate=bool(options.get("disaggregate")))
    if options.get("returnFormat") == "ARRAYS":
        return [list(row.values()) for row in rows]
    return list(rows)


def _described(field: str) -> Mapping[str, str]:
    """A field as `read-metadata` tells it."""
    type_ = _TYPES.get(field, "STRING")
    measure = field in _MEASURES
    return {
        "fieldName": field,
        "fieldCaption": field,
        "dataType": type_,
        "fieldRole": "MEASURE" if measure else "DIMENSION",
        "defaultAggregation": "SUM" if measure else "COUNT",
        "columnClass": "COLUMN",
        "logicalTableId": "",
    }


def refused(_call: Call, refusal: Refusal) -> Reply:
    """A refusal of the REST API's table, as this service words it."""
    return _failed(refusal.code.status, refusal.code.code, refusal.detail)._replace(headers=refusal.headers)


def _failed(status: int, code: str, message: str) -> Reply:
    return as_json({"errorCode": code, "message": message}, status)


def _table(site: Site, source: Content) -> str:
    project = site.contents.get(source.parent or "")
    ours = source.kind == "datasource" and project is not None and project.name == ADMIN_INSIGHTS
    return source.name if ours and source.name in FIELDS else PRETENDED


def _pretended(_call: Call) -> Iterator[Line]:
    """A dozen rows: those of every data source that is none of Admin Insights."""
    for number in range(1, 13):
        yield {"id": number, "name": "ABC"[number % 3], "amount": number * 2.5 if number % 6 else None}


def _events(call: Call) -> Iterator[Line]:
    """What people did, one event a line, as `TS Events` has it."""
    site = call.site
    for row in call.state.usage.get(site.id, ()):
        user, content = site.users.get(row.user), site.contents.get(row.content)
        if row.what in STANDING or user is None:
            continue
        kind, project = (
            content.kind if content is not None else "",
            site.contents.get(site.project_of(row.content) or ""),
        )
        name = event_name(row.what, kind)
        event = {
            "Event Name": name,
            "Event Type": name.partition(" ")[0],
            "Event Date": row.last or f"{row.day}T00:00:00Z",
            "Actor User Id": number_of(user.id),
            "Actor User Name": user.name,
            "Actor Site Role": user.site_role,
            "Item Type": kind.title(),
            "Item Name": content.name if content is not None else None,
            "Item Id": number_of(row.content) if row.content else None,
            "Item LUID": row.content or None,
            "Item Owner Id": number_of(content.owner) if content is not None else None,
            "Project Name": project.name if project is not None else None,
            "Number of Events": 1,
            "Site LUID": site.id,
        }
        for number in range(row.times):
            yield {**event, "Event Id": number_of("/".join((row.day, row.what, row.user, row.content, str(number))))}


def _users(call: Call) -> Iterator[Line]:
    """The people of the site, as `TS Users` has them."""
    for user in call.site.users.values():
        yield {
            "User ID": number_of(user.id),
            "User LUID": user.id,
            "User Name": user.name,
            "User Email": user.email,
            "User Friendly Name": user.full_name or user.name,
            "User Site Role": user.site_role,
            "User License Type": licence_of(user.site_role),
            "Last Login Date": user.last_login,
            "Site LUID": call.site.id,
        }


def _content(call: Call) -> Iterator[Line]:
    """The content of the site, as `Site Content` has it."""
    site = call.site
    uses: dict[str, str] = {}
    for row in call.state.usage.get(site.id, ()):
        uses[row.content] = max(uses.get(row.content, ""), row.last)
    for content in site.contents.values():
        details, project = call.state.details(content.id), site.contents.get(site.project_of(content.id) or "")
        yield {
            "Item ID": number_of(content.id),
            "Item LUID": content.id,
            "Item Type": content.kind.title(),
            "Item Name": content.name,
            "Item Parent Project Name": project.name if project is not None else None,
            "Created At": content.created or None,
            "Updated At": content.updated or None,
            "Last Accessed At": uses.get(content.id) or None,
            "Size (bytes)": sum(revision.size for revision in details.revisions),
            "Owner Email": site.users[content.owner].email if content.owner in site.users else None,
            "Data Source Is Certified": details.certified,
            "Tags": ",".join(sorted(details.tags)) or None,
        }


def _groups(call: Call) -> Iterator[Line]:
    """Who is in which group, as `Groups` has it; a group without members has one row."""
    site = call.site
    for group in site.groups.values():
        for member in sorted(site.members(group.id)) or [""]:
            user = site.users.get(member)
            yield {
                "Group LUID": group.id,
                "Group Name": group.name,
                "Group Minimum Site Role": group.minimum_site_role,
                "User LUID": member or None,
                "User Email": user.email if user is not None else None,
            }


def _jobs(call: Call) -> Iterator[Line]:
    """The jobs of the site, as `Job Performance` has them."""
    for job in call.state.jobs.values():
        content = call.site.contents.get(job.about)
        if job.site == call.site.id:
            yield {
                "Job ID": number_of(job.id),
                "Job LUID": job.id,
                "Job Type": job.kind,
                "Job Result": {None: "In progress", 0: "Succeeded", 1: "Failed"}.get(job.finish_code, "Canceled"),
                "Item LUID": job.about or None,
                "Item Name": content.name if content is not None else None,
                "Created At": iso(job.created),
                "Completed At": iso(job.completed) if job.completed is not None else None,
                "Job Duration": None if job.completed is None else int(job.completed - job.created),
            }


_LINES: Mapping[str, Callable[[Call], Iterator[Line]]] = {
    PRETENDED: _pretended,
    "TS Events": _events,
    "TS Users": _users,
    "Site Content": _content,
    "Groups": _groups,
    "Job Performance": _jobs,
}
_MEASURES = ("Number of Events", "Size (bytes)", "Job Duration", "amount")
_TYPES: Mapping[str, str] = {
    **dict.fromkeys(
        (*_MEASURES, "Event Id", "Actor User Id", "Item Id", "Item Owner Id", "User ID", "Item ID", "Job ID", "id"),
        "INTEGER",
    ),
    **dict.fromkeys(("Event Date", "Last Login Date", "Created At", "Updated At", "Completed At"), "DATETIME"),
    "amount": "REAL",
    "Last Accessed At": "DATETIME",
    "Data Source Is Certified": "BOOLEAN",
}
FIELDS: Mapping[str, tuple[str, ...]] = {
    name: tuple(field.strip() for field in fields.split(","))
    for name, fields in {
        PRETENDED: "id, name, amount",
        "TS Events": "Event Id, Event Name, Event Type, Event Date, Actor User Id, Actor User Name, Actor Site Role,"
        " Item Type, Item Name, Item Id, Item LUID, Item Owner Id, Project Name, Number of Events, Site LUID",
        "TS Users": "User ID, User LUID, User Name, User Email, User Friendly Name, User Site Role, User License Type,"
        " Last Login Date, Site LUID",
        "Site Content": "Item ID, Item LUID, Item Type, Item Name, Item Parent Project Name, Created At, Updated At,"
        " Last Accessed At, Size (bytes), Owner Email, Data Source Is Certified, Tags",
        "Groups": "Group LUID, Group Name, Group Minimum Site Role, User LUID, User Email",
        "Job Performance": "Job ID, Job LUID, Job Type, Job Result, Item LUID, Item Name, Created At, Completed At,"
        " Job Duration",
    }.items()
}
