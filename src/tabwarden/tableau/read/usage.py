"""Use of a site over REST: from Admin Insights by the VizQL Data Service, else how often each view was opened.

Admin Insights has a row a person, event and content (`TS Events`, of 90 days) and the last sign-in of each
(`TS Users`); REST itself sums up the views of all people.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from tabwarden.model.errors import IncompleteRead, TableauError
from tabwarden.model.names import same
from tabwarden.model.site import Content
from tabwarden.model.usage import SIGN_IN, VIEW, SiteUsage, Usage, summed, what_of
from tabwarden.tableau.http.connection import Connection
from tabwarden.tableau.http.lists import Listing, whole
from tabwarden.tableau.http.reader import HttpReader, reading
from tabwarden.tableau.http.wire import Request
from tabwarden.tableau.read.content import KINDS, list_on
from tabwarden.tableau.read.people import users_on

ADMIN_INSIGHTS, EVENTS, USERS = "Admin Insights", "TS Events", "TS Users"
NO_INSIGHTS = "who opened a view, and every other event: no Admin Insights here"
_QUERY = "/vizql-data-service/query-datasource"
_EVENT_FIELDS = ("Event Name", "Event Date", "Actor User Name", "Item LUID")
_TIMES = "Number of Events"


def read_usage(connection: Connection, today: str) -> SiteUsage:
    """The use of the site that is signed in to; `today` (ISO) is the day of sums. Errors as of a read."""

    async def everything(reader: HttpReader) -> SiteUsage:
        projects = {c.id for c in await list_on(reader, KINDS["project"]) if same(c.name) == same(ADMIN_INSIGHTS)}
        sources = [c for c in await list_on(reader, KINDS["datasource"]) if c.parent in projects]
        ours = {name: next((c for c in sources if c.name == name), None) for name in (EVENTS, USERS)}
        if ours[EVENTS] is None:
            rows = await _counted(reader, today)
            return SiteUsage(connection.site_id, tuple(rows), (NO_INSIGHTS,))
        users = {same(user.name): user.id for user in await users_on(reader)}
        rows = summed(_events(await _queried(connection, ours[EVENTS], (*_EVENT_FIELDS, _TIMES)), users), EVENTS)
        if ours[USERS] is not None:
            signed_in = await _queried(connection, ours[USERS], ("User LUID", "Last Login Date"))
            rows += summed(
                (
                    (str(line["Last Login Date"]), SIGN_IN, str(line["User LUID"]), "", 1)
                    for line in signed_in
                    if line["Last Login Date"]
                ),
                USERS,
            )
        return SiteUsage(connection.site_id, tuple(rows), ())

    return reading(connection, everything)


async def _counted(reader: HttpReader, today: str) -> list[Usage]:
    """How often each view was opened, by whomever."""

    def row(element: Any) -> Usage:
        usage = element.find("usage")
        times = int(usage.get("totalViewCount", "0")) if usage is not None else 0
        return Usage(today, VIEW, "", element.get("id", ""), times, "", "REST")

    listed = await whole(reader, Listing("views", "view", row, {"includeUsageStatistics": "true"}))
    return [usage for usage in listed if usage.times]


async def _queried(connection: Connection, source: Content | None, fields: tuple[str, ...]) -> list[Mapping[str, Any]]:
    """The rows of an Admin Insights source; TableauError for a refusal, IncompleteRead for what is no answer."""
    assert source is not None
    captions = [{"fieldCaption": field} | ({"function": "SUM"} if field == _TIMES else {}) for field in fields]
    body = {"datasource": {"datasourceLuid": source.id}, "query": {"fields": captions}}
    request = Request("POST", _QUERY, json.dumps(body).encode(), "application/json", "v1")
    answer = await connection.send(request)
    try:
        plain = json.loads(answer.body)
        if answer.status == 200:
            return list(plain["data"])
        reason = f"{plain['errorCode']}: {plain['message']}"
    except (ValueError, KeyError, TypeError):
        raise IncompleteRead(
            f"the VizQL Data Service answered `{source.name}` with {answer.status} and no JSON that is known; try again"
        ) from None
    raise TableauError(
        f"the VizQL Data Service refused `{ADMIN_INSIGHTS}/{source.name}` ({reason}); it needs API Access on it",
        answer.status,
    )


def _events(lines: list[Mapping[str, Any]], users: Mapping[str, str]) -> Iterator[tuple[str, str, str, str, int]]:
    for line in lines:
        what = what_of(str(line["Event Name"]))
        user = users.get(same(str(line["Actor User Name"])), "")
        if what is not None and user:
            times = int(line.get(f"SUM({_TIMES})", line.get(_TIMES, 1)))
            yield str(line["Event Date"]), what, user, str(line["Item LUID"] or ""), times
