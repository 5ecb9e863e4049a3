"""What the models differ on: people as a table and JSON, and one question under each of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tabwarden.access.answer import Answer
from tabwarden.compare.models import Exceptional
from tabwarden.model.open_points import DENY_FIRST
from tabwarden.model.roles import ui_role
from tabwarden.model.site import Site
from tabwarden.report.answers import answer_json, decider, mark
from tabwarden.report.table import CONTENT, MARK, NAME, PERSON, Column, Many, Table, Text


def exceptions_table(site: Site, exceptions: Iterable[Exceptional], against: str) -> Table:
    """One line a person, reason and counter-reason, with the contents it is so on."""
    lines: dict[tuple[str, str, str, str], list[str]] = {}
    marks = {}
    for one in exceptions:
        for user in one.users:
            key = (user, one.current.because, decider(site, one.current), decider(site, one.other))
            lines.setdefault(key, []).append(site.path(one.content))
            marks[key] = (mark(one.current), mark(one.other))
    table = Table(
        Column("User", NAME, of=PERSON),
        "Site role",
        Column("current", MARK),
        "because",
        Column(against, MARK, "other"),
        Column("because", called="other_because"),
        Column("On", NAME, of=CONTENT),
        name="people",
    )
    for (user, because, now, other), contents in sorted(lines.items(), key=lambda line: (line[0][1], line[0])):
        user_there = site.users[user]
        now_mark, other_mark = marks[user, because, now, other]
        table.add_row(
            Text(user_there.name),
            ui_role(user_there.site_role),
            now_mark,
            Text(now),
            other_mark,
            Text(other),
            Many(sorted(contents)),
        )
    return table


def exceptions_json(site: Site, exceptions: Iterable[Exceptional]) -> list[dict[str, Any]]:
    """Everybody with both Answers."""
    return [
        {
            "content": {
                "id": one.content,
                "kind": site.contents[one.content].kind,
                "path": site.path(one.content),
            },
            "people": [{"id": u, "name": site.users[u].name, "domain": site.users[u].domain} for u in one.users],
            "current": answer_json(site, one.current),
            "other": answer_json(site, one.other),
        }
        for one in exceptions
    ]


def exceptions_heading(exceptions: list[Exceptional], capability: str, against: str) -> str:
    """`5 people have View on 12 things only as owner, as leader, by a rule in person ...`."""
    gained = [one for one in exceptions if one.current.allowed]
    people = {u for one in gained for u in one.users}
    things = {one.content for one in gained}
    by = "" if against != DENY_FIRST else "as owner, as leader, by a rule in person or "
    words = f"{len(people)} people have {capability} on {len(things)} things only {by}by what {against} does not know"
    missed = {u for one in exceptions if not one.current.allowed for u in one.users}
    return words + (f"; {len(missed)} would have more under {against}" if missed else "")


def models_table(site: Site, answers: Iterable[Answer]) -> Table:
    """The same question under each model: verdict and what decided it."""
    table = Table(Column("Model", MARK), Column("May", MARK), "Decided by", Column("Reason", NAME), name="models")
    for answer in answers:
        table.add_row(answer.model, mark(answer), decider(site, answer), answer.because)
    return table
