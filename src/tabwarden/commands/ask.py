"""`tabwarden who` and `what`: questions to a snapshot. Nothing is written and no server is asked."""

from __future__ import annotations

from collections import Counter
from functools import cache
from typing import Annotated, Any, NamedTuple

import typer
from rich.table import Table

from tabwarden.access.answer import ALLOWED, UNKNOWN
from tabwarden.commands.asking import (
    Model,
    SiteUrl,
    SnapshotFolder,
    SnapshotWords,
    StoreWords,
    SwitchWords,
    print_warning,
)
from tabwarden.commands.common import AsJson, console, fail_cleanly, print_json
from tabwarden.model.capability import KIND_NAMES, template_of, ui_name
from tabwarden.model.errors import UnknownName
from tabwarden.model.roles import licence_of, ui_role
from tabwarden.model.site import Content, Site, User
from tabwarden.questions import Questions
from tabwarden.report.answers import (
    answer_json,
    checker_grid,
    people_table,
)
from tabwarden.run.ask import Where, all_sites, open_questions
from tabwarden.run.switches import read_switches


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("who", help="Who may exercise a capability on a content.")(who_command)
    app.command("what", help="What a person may do: on one content, on everything, or on all sites.")(what_command)


@fail_cleanly
def who_command(
    asked: Annotated[str, typer.Argument(metavar="CAPABILITY", help="Any name of it: Read, View, Download File, ...")],
    content: Annotated[str, typer.Argument(help="Path, as in `Finance/Budget`, or id.")],
    everybody: Annotated[bool, typer.Option("--all", help="List those who may not as well.")] = False,
    snapshot: SnapshotWords = None,
    snapshots: SnapshotFolder = None,
    store: StoreWords = None,
    site: SiteUrl = None,
    model: Model = "current",
    switch: SwitchWords = None,
    as_json: AsJson = False,
) -> None:
    """The people who may, each with what decided; unknown ones are listed as unknown."""
    questions = open_questions(Where(snapshots, snapshot, site, store), model, read_switches(switch or ()))
    held, on = questions.site, questions.site.find_content(content)
    named = questions.capability(asked, on)
    people = questions.who(named, on.id)
    counts: Counter[str] = Counter()
    for some in people:
        counts[some.answer.verdict] += len(some.users)
    told = (some for some in people if everybody or some.answer.verdict in (ALLOWED, UNKNOWN))
    shown = sorted((a for some in told for a in some.answers()), key=lambda a: _by_name(held.users[a.user]))
    if as_json:
        print_json({"counts": dict(counts), "people": [answer_json(held, a) for a in shown]})
        return
    out = console()
    print_warning(held)
    name, path = ui_name(named, on.kind), held.path(on.id)
    out.print(f"{counts[ALLOWED]} of {len(held.users)} people may `{name}` {path}", style="bold", markup=False)
    out.print(people_table(held, shown))


def _by_name(user: User) -> tuple[str, str]:
    return user.name.casefold(), user.domain


@fail_cleanly
def what_command(
    user: Annotated[str, typer.Argument(help="User name, `domain\\name` or id.")],
    content: Annotated[str | None, typer.Argument(help="Path or id; without it everything she may View.")] = None,
    all_of_them: Annotated[bool, typer.Option("--all-sites", help="Her role and reach on every site kept.")] = False,
    snapshot: SnapshotWords = None,
    snapshots: SnapshotFolder = None,
    store: StoreWords = None,
    site: SiteUrl = None,
    model: Model = "current",
    switch: SwitchWords = None,
    as_json: AsJson = False,
) -> None:
    """The permission checker's grid for one content, or a list."""
    where, switches = Where(snapshots, snapshot, site, store), read_switches(switch or ())
    if all_of_them:
        asked = [Questions(one, model=model, open_points=switches) for one in all_sites(where)]
        _on_all_sites(where, asked, user, content, as_json)
    elif content is not None:
        _on_one(open_questions(where, model, switches), user, content, as_json)
    else:
        _on_everything(open_questions(where, model, switches), user, as_json)


def _on_one(questions: Questions, user: str, content: str, as_json: bool) -> None:
    site = questions.site
    person, held = site.find_user(user), site.find_content(content)
    answers = questions.on(person.id, held.id)
    if as_json:
        print_json([answer_json(site, a) for a in answers])
        return
    out = console()
    print_warning(site)
    kind = KIND_NAMES.get(held.kind, held.kind)
    name = site.called(person.id)
    out.print(f"{name}, {ui_role(person.site_role)}, on the {kind} {site.path(held.id)}", style="bold", markup=False)
    out.print(checker_grid(site, answers))


def _template(kind: str, allowed: tuple[str, ...]) -> str:
    return template_of(kind, frozenset(allowed), frozenset())


def _on_everything(questions: Questions, user: str, as_json: bool) -> None:
    site, person = questions.site, questions.site.find_user(user)
    rows = questions.reach(person.id)
    template = cache(_template)
    if as_json:
        listed = [
            {
                "id": one.content,
                "kind": one.kind,
                "path": one.path,
                "allowed": list(one.allowed),
                "as_template": template(one.kind, one.allowed),
            }
            for one in rows
        ]
        told = {"user": person.name, "domain": person.domain, "site_role": person.site_role}
        print_json({**told, "contents": listed})
        return
    table = Table("Content", "Kind", "As template", "May")
    for one in rows:
        names = ", ".join(ui_name(capability, one.kind) for capability in one.allowed)
        table.add_row(one.path, KIND_NAMES.get(one.kind, one.kind), template(one.kind, one.allowed), names)
    out = console()
    print_warning(site)
    name = site.called(person.id)
    out.print(f"{name}, {ui_role(person.site_role)}, may View {len(rows)} things", style="bold", markup=False)
    out.print(table)


class _OnSite(NamedTuple):
    """A person on one site; `content` is what was asked about there, None where that is not on this site."""

    site: Site
    person: User
    views: int
    content: Content | None
    allowed: tuple[str, ...]


def _on_all_sites(where: Where, asked: list[Questions], user: str, content: str | None, as_json: bool) -> None:
    """The same person has a role of her own on each site; nothing is shared between them (blog, introduction)."""
    rows = [_on_site(one, person, content) for one in asked for person in one.site.users_named(user)]
    place = f"`{where.folder}`" if where.folder else "the history"
    if not rows:
        raise UnknownName(f"no user `{user}` on any site in {place}")
    if content is not None and not any(row.content for row in rows):
        raise UnknownName(f"no content `{content}` on any site in {place} that has the user `{user}`")
    if as_json:
        print_json([_on_site_json(row, content) for row in rows])
        return
    table = Table("Site", "User", "Site role", "Licence", "May View", *(["On it"] if content is not None else []))
    for row in rows:
        site, role = row.site, row.person.site_role
        cells = (site.name, site.called(row.person.id), ui_role(role), licence_of(role) or "none", str(row.views))
        table.add_row(*cells, *([_there(row)] if content is not None else []))
    console().print(table)


def _on_site(questions: Questions, user: str, words: str | None) -> _OnSite:
    site = questions.site
    try:
        content = site.find_content(words) if words is not None else None
    except UnknownName:
        content = None
    allowed = tuple(a.asked for a in questions.on(user, content.id) if a.allowed) if content is not None else ()
    return _OnSite(site, site.users[user], questions.views(user), content, allowed)


def _on_site_json(row: _OnSite, words: str | None) -> dict[str, Any]:
    person, content = row.person, row.content
    told: dict[str, Any] = {
        "site": row.site.content_url,
        "user": person.name,
        "domain": person.domain,
        "site_role": person.site_role,
        "licence": licence_of(person.site_role),
        "views": row.views,
    }
    if words is not None:
        told["content"] = content and {
            "id": content.id,
            "kind": content.kind,
            "path": row.site.path(content.id),
            "allowed": list(row.allowed),
            "as_template": _template(content.kind, row.allowed),
        }
    return told


def _there(row: _OnSite) -> str:
    if row.content is None:
        return "not on this site"
    names = ", ".join(ui_name(capability, row.content.kind) for capability in row.allowed)
    return f"{_template(row.content.kind, row.allowed)}: {names or 'nothing'}"
