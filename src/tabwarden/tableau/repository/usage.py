"""Use of a site from the repository: its own counters of views, its events, and what people have there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from tabwarden.model.usage import ALERT, CUSTOM_VIEW, SUBSCRIPTION, TASK, TOKEN, VIEW, SiteUsage, Usage, summed, what_of
from tabwarden.tableau.repository.connecting import RepositoryOptions, opened
from tabwarden.tableau.repository.read import site_row
from tabwarden.tableau.repository.selects import STATEMENTS, Fact, Join, Select, moment

_TARGETS = {
    "view": "views",
    "workbook": "workbooks",
    "datasource": "datasources",
    "flow": "flows",
    "project": "projects",
}


def _luid(name: str, table: str) -> Fact:
    return Fact(name, (f"{table}.luid",))


def _of_person(table: str, column: str, last: str, *more: Join, what: str, where: tuple[str, ...] = ()) -> Select:
    """What people have: whose it is, on which content, and when it was last of use."""
    contents = tuple(_luid(join.table, join.table) for join in more)
    facts = (Fact("user", ("users.luid",), needed=True), Fact("last", (moment(f"{table}.{last}"),)), *contents)
    people = Join("join", "users", f"users.id = {table}.{column}")
    return Select(table, facts, "users.site_id = {site}", (people, *more), where=where, unknown=f"{what}s")


def _target(table: str, type_: str, number: str, *kinds: str) -> tuple[Join, ...]:
    """The content that a row names by type and number."""
    return tuple(
        Join(
            "left join", _TARGETS[kind], f"lower({table}.{type_}) = '{kind}' and {_TARGETS[kind]}.id = {table}.{number}"
        )
        for kind in kinds
    )


_STANDING: Mapping[str, Select] = {
    SUBSCRIPTION: _of_person(
        "subscriptions",
        "user_id",
        "last_sent",
        *_target("subscriptions", "target_type", "target_id", "view", "workbook"),
        what=SUBSCRIPTION,
    ),
    ALERT: _of_person(
        "data_alerts",
        "creator_id",
        "last_edited",
        Join("left join", "views", "views.id = data_alerts.view_id"),
        what=ALERT,
    ),
    CUSTOM_VIEW: _of_person(
        "customized_views",
        "creator_id",
        "accessed_at",
        Join("left join", "views", "views.id = customized_views.view_id"),
        what=CUSTOM_VIEW,
    ),
    TASK: _of_person(
        "tasks",
        "creator_id",
        "last_success_completed_at",
        *_target("tasks", "obj_type", "obj_id", "workbook", "datasource"),
        what=TASK,
        where=("tasks.site_id = {site}", "tasks.active is not false"),
    ),
    # A token is of the server: everybody's of whom this site knows.
    TOKEN: Select(
        "refresh_tokens",
        (Fact("user", ("users.luid",), needed=True), Fact("last", (moment("refresh_tokens.last_used_at"),))),
        "users.site_id = {site}",
        (Join("join", "users", "users.system_user_id = refresh_tokens.system_user_id"),),
        unknown="tokens",
    ),
}
_TYPE_OF_EVENT = "historical_event_types.type_id = historical_events.historical_event_type_id"
_HIST = {
    "view": "hist_views",
    "workbook": "hist_workbooks",
    "datasource": "hist_datasources",
    "project": "hist_projects",
}
_COUNTED, _EVENTS, SOURCE = "views", "events", "historical_events"
SELECTS: Mapping[str, tuple[Select, ...]] = {
    "sites": STATEMENTS["sites"],
    _COUNTED: (
        Select(
            "views_stats",
            (
                Fact("at", (moment("views_stats.time"),), needed=True),
                Fact("user", ("users.luid",), needed=True),
                Fact("content", ("views.luid",), needed=True),
                Fact("count", ("views_stats.nviews",), needed=True),
            ),
            "users.site_id = {site}",
            (
                Join("join", "users", "users.id = views_stats.user_id"),
                Join("join", "views", "views.id = views_stats.view_id"),
            ),
            unknown="who opened which view (`views_stats`)",
        ),
    ),
    _EVENTS: (
        Select(
            "historical_events",
            (
                Fact("name", ("historical_event_types.name",), needed=True),
                Fact("at", (moment("historical_events.created_at"),), needed=True),
                Fact("user", ("users.luid",), needed=True),
                *(_luid(kind, _TARGETS[kind]) for kind in _HIST),
            ),
            "users.site_id = {site}",
            (
                Join("join", "historical_event_types", _TYPE_OF_EVENT),
                Join("join", "hist_users", "hist_users.id = historical_events.hist_actor_user_id"),
                Join("join", "users", "users.id = hist_users.user_id"),
                *(
                    join
                    for kind, hist in _HIST.items()
                    for join in (
                        Join("left join", hist, f"{hist}.id = historical_events.hist_{kind}_id"),
                        Join("left join", _TARGETS[kind], f"{_TARGETS[kind]}.id = {hist}.{kind}_id"),
                    )
                ),
            ),
            where=("historical_events.is_failure is not true",),
            unknown="events (`historical_events`)",
        ),
    ),
    **{what: (select,) for what, select in _STANDING.items()},
}


def read_usage(options: RepositoryOptions, site: str, today: str) -> SiteUsage:
    """The use of the site with that content URL; what people have is of `today` (ISO). Errors as of a read."""
    with opened(options, SELECTS) as repository:
        row = site_row(repository, site)
        number = row[0]
        rows: list[Usage] = []
        counted = ((at, VIEW, user, view, int(count)) for at, user, view, count in repository.rows(_COUNTED, number))
        rows += summed(counted, "views_stats")
        events = list(repository.rows(_EVENTS, number))
        rows += summed(_events(events), SOURCE)
        for what in _STANDING:
            rows += _standing(what, repository.rows(what, number), today)
        unread = [words for statement in repository.statements.values() for words in statement.unknown]
        unread = [words for words in unread if not words.startswith("the site's own settings")]
        return SiteUsage(row[1], tuple(rows), tuple(unread), tuple(_changes(row[1], events)))


def _changes(site_id: str, rows: Iterable[list[str]]) -> Iterator[Mapping[str, str]]:
    """What was done to content, as the activity log tells it."""
    for name, at, user, *contents in rows:
        content = next((content for content in contents if content), "")
        if content and what_of(name) is None:
            words = {"eventTime": at, "eventType": name.strip().casefold().replace(" ", "_"), "siteLuid": site_id}
            yield {**words, "actorUserLuid": user, "contentLuid": content, "source": SOURCE}


def _events(rows: Iterable[list[str]]) -> Iterator[tuple[str, str, str, str, int]]:
    for name, at, user, *contents in rows:
        what = what_of(name)
        if what is not None:
            yield at, what, user, next((content for content in contents if content), ""), 1


def _standing(what: str, rows: Iterator[list[str]], today: str) -> list[Usage]:
    table = _STANDING[what].table
    had: dict[tuple[str, str], tuple[int, str]] = {}
    for user, last, *contents in rows:
        key = user, next((content for content in contents if content), "")
        count, latest = had.get(key, (0, ""))
        had[key] = count + 1, max(latest, last)
    return [Usage(today, what, user, content, count, last, table) for (user, content), (count, last) in had.items()]
