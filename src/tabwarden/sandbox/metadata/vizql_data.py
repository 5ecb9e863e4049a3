"""The VizQL Data Service over the sandbox's own tables: `TS Events` and `TS Users` of the project Admin Insights.

A data source of one of these names in a project `Admin Insights` answers with the use of its site; another has no rows
that the sandbox could tell. Fields are those of Tableau's pages on Admin Insights [D]; what is counted is summed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tabwarden.access.reference import may
from tabwarden.model.site import Content, Site
from tabwarden.model.usage import CONNECT, STANDING, event_name
from tabwarden.sandbox.http.call import Call, File, Reply
from tabwarden.sandbox.http.errors import Refusal
from tabwarden.sandbox.state.activity import number_of

PATH, NAME, SINCE = "/api/v1/vizql-data-service/", "vizql-data-service", "3.25"
JSON = "application/json"
ADMIN_INSIGHTS = "Admin Insights"
Line = Mapping[str, Any]


def is_asked(path: str) -> bool:
    """Whether a path belongs to this service."""
    return path.lower().startswith(PATH)


def answer(call: Call) -> Reply:
    """Answer `read-metadata` or `query-datasource`."""
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
        return _failed(403, "403157", "no such data source, or no API Access on it")
    table = _table(call.site, source)
    if request.path.lower().rstrip("/").endswith("read-metadata"):
        return _json(
            {"data": [{"fieldName": f, "fieldCaption": f, "dataType": _type(f)} for f in FIELDS.get(table, ())]}
        )
    try:
        data = list(_queried(list(_LINES[table](call)) if table else [], table, body["query"]))
        call.state.happened(call.site, call.me.id, CONNECT, source.id)
        return _json({"data": data})
    except (KeyError, TypeError, ValueError) as problem:
        return _failed(400, "400803", f"the query asks for what is not there: {problem}")


def refused(_call: Call, refusal: Refusal) -> Reply:
    """A refusal of the REST API's table, as this service words it."""
    return _failed(refusal.code.status, refusal.code.code, refusal.detail)._replace(headers=refusal.headers)


def _failed(status: int, code: str, message: str) -> Reply:
    return _json({"errorCode": code, "message": message}, status)


def _json(value: object, status: int = 200) -> Reply:
    return Reply(status, file=File(json.dumps(value).encode(), JSON))


def _table(site: Site, source: Content) -> str:
    project = site.contents.get(source.parent or "")
    ours = source.kind == "datasource" and project is not None and project.name == ADMIN_INSIGHTS
    return source.name if ours and source.name in FIELDS else ""


def _type(field: str) -> str:
    return {"Number of Events": "INTEGER", "Event Date": "DATETIME", "Last Login Date": "DATETIME"}.get(field, "STRING")


def _events(call: Call) -> Iterator[Line]:
    site = call.site
    for row in call.state.usage.get(site.id, ()):
        user, content = site.users.get(row.user), site.contents.get(row.content)
        if row.what in STANDING or user is None:
            continue
        kind = content.kind if content is not None else ""
        name = event_name(row.what, kind)
        yield {
            "Event Name": name,
            "Event Type": name.partition(" ")[0],
            "Event Date": row.last or f"{row.day}T00:00:00Z",
            "Actor User Id": number_of(user.id),
            "Actor User Name": user.name,
            "Item Type": kind.title(),
            "Item Name": content.name if content is not None else None,
            "Item LUID": row.content or None,
            "Number of Events": row.times,
            "Site LUID": site.id,
        }


def _users(call: Call) -> Iterator[Line]:
    for user in call.site.users.values():
        yield {
            "User Name": user.name,
            "User LUID": user.id,
            "User Email": user.email,
            "User Site Role": user.site_role,
            "Last Login Date": user.last_login,
            "Site LUID": call.site.id,
        }


_LINES: Mapping[str, Callable[[Call], Iterator[Line]]] = {"TS Events": _events, "TS Users": _users}
FIELDS: Mapping[str, tuple[str, ...]] = {
    "TS Events": (
        "Event Name",
        "Event Type",
        "Event Date",
        "Actor User Id",
        "Actor User Name",
        "Item Type",
        "Item Name",
        "Item LUID",
        "Number of Events",
        "Site LUID",
    ),
    "TS Users": ("User Name", "User LUID", "User Email", "User Site Role", "Last Login Date", "Site LUID"),
}


def _queried(lines: list[Line], table: str, query: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The rows of a query: every combination of its dimensions once, its measures summed."""
    fields = [(field["fieldCaption"], field.get("function")) for field in query["fields"]]
    strange = [caption for caption, _ in fields if caption not in FIELDS.get(table, ())]
    if strange:
        raise ValueError(f"no field `{strange[0]}`")
    for one in query.get("filters", ()):
        caption, least = one["field"]["fieldCaption"], one["minDate"]
        if one["filterType"] != "QUANTITATIVE_DATE" or one["quantitativeFilterType"] != "MIN":
            raise ValueError("played are filters from a date on")
        lines = [line for line in lines if (line[caption] or "") >= least]
    sums: dict[tuple[Any, ...], list[int]] = {}
    dimensions = [caption for caption, function in fields if function is None]
    measures = [caption for caption, function in fields if function is not None]
    for line in lines:
        total = sums.setdefault(tuple(line[caption] for caption in dimensions), [0] * len(measures))
        for place, caption in enumerate(measures):
            total[place] += line[caption]
    for key, totals in sums.items():
        sums_by_name = {f"SUM({caption})": total for caption, total in zip(measures, totals, strict=True)}
        yield dict(zip(dimensions, key, strict=True)) | sums_by_name
