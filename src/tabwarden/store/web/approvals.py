"""Who approved which plan, and who asked for access to what: kept by the pages, for plans know nothing of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from tabwarden.store.database import Database

WAITS, GRANTED, REFUSED = "waits", "granted", "refused"
STATES = (WAITS, GRANTED, REFUSED)


class Approval(NamedTuple):
    """Somebody approved a plan, by its id, at a time (ISO, UTC)."""

    plan: str
    person: str
    at: str


def approve(database: Database, plan: str, person: str, now: datetime) -> None:
    """Written once for each person."""
    with database.writing() as connection:
        connection.run("delete from web_approval where plan = ? and person = ?", plan, person)
        connection.run("insert into web_approval values (?, ?, ?)", plan, person, now.isoformat())


def approvals(database: Database, plan: str) -> list[Approval]:
    """Those of a plan, the first first."""
    with database.reading() as connection:
        rows = connection.rows("select plan, person, at from web_approval where plan = ? order by at", plan)
    return [Approval(*row) for row in rows]


class AccessRequest(NamedTuple):
    """Somebody's request, as he wrote it: which capability on which path, why, until which day ('': for good), when.

    What the path means is looked up when it is decided, so that asking tells nobody whether it is there. `site` is its
    content URL, `plan` the number of the plan that gives it (0: none yet); `state` is one of STATES, `by` and `words`
    who decided so and why.
    """

    number: int
    site: str
    person: str
    capability: str
    path: str
    reason: str
    until: str
    at: str
    plan: int
    state: str
    by: str
    words: str


_COLUMNS = ", ".join(AccessRequest._fields)


def ask(database: Database, request: AccessRequest) -> int:
    """Keep a request; the number it gets."""
    with database.writing() as connection:
        number = (connection.value("select max(number) from web_request") or 0) + 1
        marks = ", ".join("?" * len(request))
        connection.run(f"insert into web_request values ({marks})", number, *request[1:])
    return int(number)


def decide(database: Database, number: int, state: str, *, by: str, words: str = "", plan: int = 0) -> bool:
    """Grant one that waits by a plan, or refuse it; whether it still waited."""
    with database.writing() as connection:
        waits = bool(connection.value("select state from web_request where number = ?", number) == WAITS)
        if waits:
            statement = "update web_request set state = ?, by = ?, words = ?, plan = ? where number = ?"
            connection.run(statement, state, by, words, plan, number)
    return waits


def requests(database: Database, site: str, states: Sequence[str] = STATES) -> list[AccessRequest]:
    """Those of a site in these states, the newest first."""
    marks = ", ".join("?" * len(states))
    with database.reading() as connection:
        rows = connection.rows(
            f"select {_COLUMNS} from web_request where site = ? and state in ({marks}) order by number desc",
            site,
            *states,
        )
    return [AccessRequest(*row) for row in rows]
