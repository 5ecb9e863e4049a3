"""`tabwarden who` and `what`: questions to a snapshot. Nothing is written and no server is asked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

from tabwarden.commands._answer import PLAIN, Output
from tabwarden.commands._options import NEWEST, Asking
from tabwarden.commands._parsing import Argument, Option

if TYPE_CHECKING:
    from tabwarden.access.answer import Answer
    from tabwarden.model.site import Content, Site, User
    from tabwarden.questions import Questions, Reachable
    from tabwarden.report.table import Row


def who(
    capability: Annotated[str, Argument("Any name of it: Read, View, Download File, ...")],
    content: Annotated[str, Argument("Path, as in `Finance/Budget`, or id.")],
    everybody: Annotated[bool, Option("--all", about="List those who may not as well.")] = False,
    asking: Asking = NEWEST,
    output: Output = PLAIN,
) -> None:
    """The people who may, each with what decided; unknown ones are listed as unknown."""
    from tabwarden.access.answer import ALLOWED, UNKNOWN
    from tabwarden.model.capability import ui_name
    from tabwarden.report.answers import answer_json, people_table
    from tabwarden.report.remarks import on_demand_lines
    from tabwarden.report.table import Text

    questions = asking.questions()
    site, on = questions.site, questions.site.find_content(content)
    named = questions.capability(capability, on)
    people = questions.who(named, on.id)
    counts: Counter[str] = Counter()
    for some in people:
        counts[some.answer.verdict] += len(some.users)
    listed = [some for some in people if everybody or some.answer.verdict in (ALLOWED, UNKNOWN)]
    shown = sorted((answer for some in listed for answer in some.answers()), key=_by_name(site))
    admitted = questions.admitting(named, on.id)
    output.warn_partial(site)
    words = f"{counts[ALLOWED]} of {len(site.users)} people may `{ui_name(named, on.kind)}` {site.path(on.id)}"
    output.give(
        (Text(words, "bold"), people_table(site, shown), *on_demand_lines(admitted)),
        lambda: {
            "counts": dict(counts),
            "people": [answer_json(site, answer) for answer in shown],
            "on_demand": [{"id": group.id, "name": group.name} for group in admitted],
            "remarks": list(on_demand_lines(admitted)),
        },
        of=site,
    )


def _by_name(site: Site) -> Callable[[Answer], tuple[str, str]]:
    def place(answer: Answer) -> tuple[str, str]:
        user = site.users[answer.user]
        return user.name.casefold(), user.domain

    return place


def what(
    user: Annotated[str, Argument("User name, `domain\\name` or id.")],
    content: Annotated[str | None, Argument("Path or id; without it everything she may View.")] = None,
    all_of_them: Annotated[bool, Option("--all-sites", about="Her role and reach on every site kept.")] = False,
    asking: Asking = NEWEST,
    output: Output = PLAIN,
) -> None:
    """The permission checker's grid for one content, or a list."""
    if all_of_them:
        place = f"`{asking.snapshots}`" if asking.snapshots else "the history"
        _on_all_sites(place, asking.everywhere(), user, content, output)
    elif content is not None:
        _on_one(asking.questions(), user, content, output)
    else:
        _on_everything(asking.questions(), user, output)


def _on_one(questions: Questions, user: str, content: str, output: Output) -> None:
    from tabwarden.model.capability import KIND_NAMES
    from tabwarden.model.roles import ui_role
    from tabwarden.report.answers import answer_json, checker_grid
    from tabwarden.report.table import Text

    site = questions.site
    person, on = site.find_user(user), site.find_content(content)
    answers = questions.on(person.id, on.id)
    output.warn_partial(site)
    kind = KIND_NAMES.get(on.kind, on.kind)
    words = f"{site.called(person.id)}, {ui_role(person.site_role)}, on the {kind} {site.path(on.id)}"
    parts = (Text(words, "bold"), checker_grid(site, answers))
    output.give(parts, lambda: [answer_json(site, answer) for answer in answers], of=site)


@cache
def _template(kind: str, allowed: tuple[str, ...]) -> str:
    from tabwarden.model.capability import template_of

    return template_of(kind, frozenset(allowed), frozenset())


def _on_everything(questions: Questions, user: str, output: Output) -> None:
    from tabwarden.model.capability import KIND_NAMES
    from tabwarden.model.roles import ui_role
    from tabwarden.report.table import MARK, NAME, Column, Rows, Table, Text

    site, person = questions.site, questions.site.find_user(user)
    rows = questions.reach(person.id)
    alike = Counter((row.kind, row.path) for row in rows)

    def cells(row: Reachable) -> Row:
        path = row.path if alike[row.kind, row.path] == 1 else f"{row.path} ({row.content})"
        kind = KIND_NAMES.get(row.kind, row.kind)
        return path, kind, _template(row.kind, row.allowed), _names(row.kind, row.allowed)

    columns = (Column("Content", NAME), Column("Kind", MARK), Column("As template", MARK), "May")
    words = f"{site.called(person.id)}, {ui_role(person.site_role)}, may View {len(rows)} things"
    output.warn_partial(site)
    parts = (Text(words, "bold"), Table(*columns, name="contents", rows=Rows(rows, cells)))
    output.give(parts, lambda: _reach_json(person, rows), of=site)


def _reach_json(person: User, rows: Sequence[Reachable]) -> dict[str, Any]:
    listed = [
        {
            "id": row.content,
            "kind": row.kind,
            "path": row.path,
            "allowed": row.allowed,
            "as_template": _template(row.kind, row.allowed),
        }
        for row in rows
    ]
    return {"user": person.name, "domain": person.domain, "site_role": person.site_role, "contents": listed}


@cache
def _names(kind: str, allowed: tuple[str, ...]) -> str:
    from tabwarden.model.capability import ui_name

    return ", ".join(ui_name(capability, kind) for capability in allowed)


class _OnSite(NamedTuple):
    """A person on one site; `content` is what was asked about there, None where that is not on this site."""

    site: Site
    person: User
    views: int
    content: Content | None
    allowed: tuple[str, ...]


def _on_all_sites(place: str, sites: list[Questions], user: str, content: str | None, output: Output) -> None:
    """The same person has a role of her own on each site; nothing is shared between them (blog, introduction)."""
    from tabwarden.model.errors import UnknownName
    from tabwarden.model.roles import licence_of, ui_role
    from tabwarden.report.table import NAME, NUMBER, Column, Table

    rows = [_on_site(questions, person, content) for questions in sites for person in questions.site.users_named(user)]
    if not rows:
        raise UnknownName(f"no user `{user}` on any site in {place}")
    if content is not None and not any(row.content for row in rows):
        raise UnknownName(f"no content `{content}` on any site in {place} that has the user `{user}`")
    columns = (Column("Site", NAME), Column("User", NAME), "Site role", "Licence", Column("May View", NUMBER))
    table = Table(*columns, *(["On it"] if content is not None else []), name="sites")
    for row in rows:
        site, role = row.site, row.person.site_role
        cells = (site.name, site.called(row.person.id), ui_role(role), licence_of(role) or "none", row.views)
        table.add_row(*cells, *([_there(row)] if content is not None else []))
    output.give([table], lambda: [_on_site_json(row, content) for row in rows])


def _on_site(questions: Questions, user: str, words: str | None) -> _OnSite:
    from tabwarden.model.errors import UnknownName

    site = questions.site
    try:
        content = site.find_content(words) if words is not None else None
    except UnknownName:
        content = None
    allowed = tuple(a.what for a in questions.on(user, content.id) if a.allowed) if content is not None else ()
    return _OnSite(site, site.users[user], questions.views(user), content, allowed)


def _on_site_json(row: _OnSite, words: str | None) -> dict[str, Any]:
    from tabwarden.model.roles import licence_of

    person, content = row.person, row.content
    document: dict[str, Any] = {
        "site": row.site.content_url,
        "user": person.name,
        "domain": person.domain,
        "site_role": person.site_role,
        "licence": licence_of(person.site_role),
        "views": row.views,
    }
    if words is not None:
        document["content"] = content and {
            "id": content.id,
            "kind": content.kind,
            "path": row.site.path(content.id),
            "allowed": row.allowed,
            "as_template": _template(content.kind, row.allowed),
        }
    return document


def _there(row: _OnSite) -> str:
    if row.content is None:
        return "not on this site"
    kind = row.content.kind
    return f"{_template(kind, row.allowed)}: {_names(kind, row.allowed) or 'nothing'}"
