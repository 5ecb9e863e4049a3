"""Use of a site over REST: from Admin Insights by the VizQL Data Service, else how often each view was opened.

Admin Insights has a row a person, event and content (`TS Events`, of 90 days) and the last sign-in of each
(`TS Users`); REST itself sums up the views of all people, and lists what people have.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any
from xml.etree.ElementTree import Element

from tabwarden.model.errors import IncompleteRead, MissingScope, TableauError
from tabwarden.model.names import same
from tabwarden.model.site import Content
from tabwarden.model.usage import (
    ALERT,
    CUSTOM_VIEW,
    SIGN_IN,
    SUBSCRIPTION,
    TASK,
    VIEW,
    SiteUsage,
    Usage,
    summed,
    what_of,
)
from tabwarden.tableau.http.connection import Connection
from tabwarden.tableau.http.lists import Listing, whole
from tabwarden.tableau.http.reader import HttpReader, reading
from tabwarden.tableau.http.wire import Request
from tabwarden.tableau.read.content import KINDS, list_on
from tabwarden.tableau.read.people import NO_SITE, users_on, without

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
        standing, unread = await _standing(reader, today)
        if ours[EVENTS] is None:
            rows = [*await _counted(reader, today), *standing]
            return SiteUsage(connection.site_id, tuple(rows), (NO_INSIGHTS, *unread))
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
        return SiteUsage(connection.site_id, (*rows, *standing), tuple(unread))

    return reading(connection, everything)


async def _counted(reader: HttpReader, today: str) -> list[Usage]:
    """How often each view was opened, by whomever."""

    def row(element: Any) -> Usage:
        usage = element.find("usage")
        times = int(usage.get("totalViewCount", "0")) if usage is not None else 0
        return Usage(today, VIEW, "", element.get("id", ""), times, "", "REST")

    listed = await whole(reader, Listing("views", "view", row, {"includeUsageStatistics": "true"}))
    return [usage for usage in listed if usage.times]


# What people have: where it is listed, what its element is called, since when. Whose a task is, REST does not tell.
_STANDING = (
    (SUBSCRIPTION, "subscriptions", "subscription", "2.3"),
    (ALERT, "dataAlerts", "dataAlert", "3.2"),
    (CUSTOM_VIEW, "customviews", "customView", "3.18"),
    (TASK, "tasks/extractRefreshes", "extractRefresh", "2.6"),
)
NO_TOKENS = "tokens: REST lists none"


async def _standing(reader: HttpReader, today: str) -> tuple[list[Usage], list[str]]:
    """What people have on this day, and in words what of it is not told."""
    counts: dict[tuple[str, str, str], tuple[int, str]] = {}
    unread = [NO_TOKENS]
    for what, path, tag, since in _STANDING:
        if not reader.connection.supports(since):
            unread.append(f"{what}s: the API tells them from {since} on")
            continue
        try:
            if what == TASK:  # a list without pages
                answer = await reader.ask(path)
                elements = [*answer.iter(tag)] if answer is not None else []
            else:
                elements = await whole(reader, Listing(path, tag, lambda element: element))
        except MissingScope as missing:
            unread.append(f"{what}s ({without(missing)})")
            continue
        except TableauError as error:
            if error.status not in (403, 404, 405) or error.code == NO_SITE:
                raise
            unread.append(f"{what}s ({error.status})")
            continue
        for element in elements:
            key = what, _id_of(element, "user", "owner"), _id_of(element, "content", "view", "workbook", "datasource")
            number, last = counts.get(key, (0, ""))
            counts[key] = number + 1, max(last, element.get("lastAccessedAt", ""))
    return [Usage(today, *key, number, last, "REST") for key, (number, last) in sorted(counts.items())], unread


def _id_of(element: Element, *tags: str) -> str:
    """The id of the first of these that is within."""
    return next((one.get("id", "") for tag in tags if (one := element.find(tag)) is not None), "")


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
