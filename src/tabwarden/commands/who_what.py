"""`tabwarden who` and `what`: questions to a snapshot. Nothing is written and no server is asked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

from tabwarden.commands._options import NEWEST, AsJson, Asking
from tabwarden.commands._output import print_json, show, warn_partial
from tabwarden.commands._parsing import Argument, Option

if TYPE_CHECKING:
    from tabwarden.access.answer import Answer
    from tabwarden.model.site import Content, Site, User
    from tabwarden.questions import Questions


def who(
    capability: Annotated[str, Argument("Any name of it: Read, View, Download File, ...")],
    content: Annotated[str, Argument("Path, as in `Finance/Budget`, or id.")],
    everybody: Annotated[bool, Option("--all", about="List those who may not as well.")] = False,
    asking: Asking = NEWEST,
    as_json: AsJson = False,
) -> None:
    """The people who may, each with what decided; unknown ones are listed as unknown."""
    from tabwarden.access.answer import ALLOWED, UNKNOWN
    from tabwarden.model.capability import ui_name
    from tabwarden.report.answers import answer_json, people_table
    from tabwarden.report.remarks import on_demand_lines

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
    if as_json:
        answers = [answer_json(site, answer) for answer in shown]
        on_demand = [{"id": group.id, "name": group.name} for group in admitted]
        print_json(
            {
                "counts": dict(counts),
                "people": answers,
                "on_demand": on_demand,
                "remarks": list(on_demand_lines(admitted)),
            }
        )
        return
    warn_partial(site)
    name, path = ui_name(named, on.kind), site.path(on.id)
    show(f"{counts[ALLOWED]} of {len(site.users)} people may `{name}` {path}", style="bold")
    show(people_table(site, shown), *on_demand_lines(admitted))


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
    as_json: AsJson = False,
) -> None:
    """The permission checker's grid for one content, or a list."""
    if all_of_them:
        place = f"`{asking.snapshots}`" if asking.snapshots else "the history"
        _on_all_sites(place, asking.everywhere(), user, content, as_json)
    elif content is not None:
        _on_one(asking.questions(), user, content, as_json)
    else:
        _on_everything(asking.questions(), user, as_json)


def _on_one(questions: Questions, user: str, content: str, as_json: bool) -> None:
    from tabwarden.model.capability import KIND_NAMES
    from tabwarden.model.roles import ui_role
    from tabwarden.report.answers import answer_json, checker_grid

    site = questions.site
    person, on = site.find_user(user), site.find_content(content)
    answers = questions.on(person.id, on.id)
    if as_json:
        print_json([answer_json(site, answer) for answer in answers])
        return
    warn_partial(site)
    kind = KIND_NAMES.get(on.kind, on.kind)
    show(f"{site.called(person.id)}, {ui_role(person.site_role)}, on the {kind} {site.path(on.id)}", style="bold")
    show(checker_grid(site, answers))


@cache
def _template(kind: str, allowed: tuple[str, ...]) -> str:
    from tabwarden.model.capability import template_of

    return template_of(kind, frozenset(allowed), frozenset())


def _on_everything(questions: Questions, user: str, as_json: bool) -> None:
    from tabwarden.model.capability import KIND_NAMES
    from tabwarden.model.roles import ui_role

    site, person = questions.site, questions.site.find_user(user)
    rows = questions.reach(person.id)
    if as_json:
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
        who = {"user": person.name, "domain": person.domain, "site_role": person.site_role}
        print_json({**who, "contents": listed})
        return
    from tabwarden.report.table import Table

    table = Table("Content", "Kind", "As template", "May")
    alike = Counter((row.kind, row.path) for row in rows)
    for row in rows:
        kind = KIND_NAMES.get(row.kind, row.kind)
        path = row.path if alike[row.kind, row.path] == 1 else f"{row.path} ({row.content})"
        table.add_row(path, kind, _template(row.kind, row.allowed), _names(row.kind, row.allowed))
    warn_partial(site)
    show(f"{site.called(person.id)}, {ui_role(person.site_role)}, may View {len(rows)} things", style="bold")
    show(table)


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


def _on_all_sites(place: str, sites: list[Questions], user: str, content: str | None, as_json: bool) -> None:
    """The same person has a role of her own on each site; nothing is shared between them (blog, introduction)."""
    from tabwarden.model.errors import UnknownName
    from tabwarden.model.roles import licence_of, ui_role

    rows = [_on_site(questions, person, content) for questions in sites for person in questions.site.users_named(user)]
    if not rows:
        raise UnknownName(f"no user `{user}` on any site in {place}")
    if content is not None and not any(row.content for row in rows):
        raise UnknownName(f"no content `{content}` on any site in {place} that has the user `{user}`")
    if as_json:
        print_json([_on_site_json(row, content) for row in rows])
        return
    from tabwarden.report.table import Table

    table = Table("Site", "User", "Site role", "Licence", "May View", *(["On it"] if content is not None else []))
    for row in rows:
        site, role = row.site, row.person.site_role
        cells = (site.name, site.called(row.person.id), ui_role(role), licence_of(role) or "none", str(row.views))
        table.add_row(*cells, *([_there(row)] if content is not None else []))
    show(table)


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
