"""`tabwarden who` and `what`: questions to a snapshot. Nothing is written and no server is asked."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Annotated

from tabwarden.commands._options import (
    CURRENT,
    AsJson,
    Model,
    OpenPointWords,
    SiteUrl,
    SnapshotFolder,
    SnapshotWords,
    StoreWords,
)
from tabwarden.commands._output import print_json, show, warn_partial
from tabwarden.commands._parsing import Argument, Option

if TYPE_CHECKING:
    from tabwarden.access.answer import Answer
    from tabwarden.model.open_points import OpenPoints
    from tabwarden.model.site import Content, Site
    from tabwarden.run.ask import Where


def who(
    asked: Annotated[str, Argument("Any name of it: Read, View, Download File, ...", name="CAPABILITY")],
    content: Annotated[str, Argument("Path, as in `Finance/Budget`, or id.")],
    everybody: Annotated[bool, Option("--all", told="List those who may not as well.")] = False,
    snapshot: SnapshotWords = None,
    snapshots: SnapshotFolder = None,
    store: StoreWords = None,
    site: SiteUrl = None,
    model: Model = CURRENT,
    open_point: OpenPointWords = None,
    as_json: AsJson = False,
) -> None:
    """The people who may, each with what decided; unknown ones are listed as unknown."""
    from tabwarden.access.answer import ALLOWED, UNKNOWN
    from tabwarden.model.capability import ui_name
    from tabwarden.report.answers import answer_json, people_table
    from tabwarden.run.ask import Where, open_site, who_may
    from tabwarden.run.open_points import read_open_points

    held = open_site(Where(snapshots, snapshot, site, model, store))
    content_held, named, answers = who_may(
        held, asked, content, model=model, open_points=read_open_points(open_point or ())
    )
    counts = Counter(answer.verdict for answer in answers)
    shown = [answer for answer in answers if everybody or answer.verdict in (ALLOWED, UNKNOWN)]
    if as_json:
        print_json({"counts": dict(counts), "people": [answer_json(held, answer) for answer in shown]})
        return
    warn_partial(held)
    name, path = ui_name(named, content_held.kind), held.path(content_held.id)
    show(f"{counts[ALLOWED]} of {len(answers)} people may `{name}` {path}", style="bold")
    show(people_table(held, shown))


def what(
    user: Annotated[str, Argument("User name, `domain\\name` or id.")],
    content: Annotated[str | None, Argument("Path or id; without it everything she may View.")] = None,
    all_of_them: Annotated[bool, Option("--all-sites", told="Her role and reach on every site kept.")] = False,
    snapshot: SnapshotWords = None,
    snapshots: SnapshotFolder = None,
    store: StoreWords = None,
    site: SiteUrl = None,
    model: Model = CURRENT,
    open_point: OpenPointWords = None,
    as_json: AsJson = False,
) -> None:
    """The permission checker's grid for one content, or a list."""
    from tabwarden.run.ask import Where, open_site
    from tabwarden.run.open_points import read_open_points

    where, open_points = Where(snapshots, snapshot, site, model, store), read_open_points(open_point or ())
    if all_of_them:
        _on_all_sites(where, user, as_json)
    elif content is not None:
        _on_one(open_site(where), user, content, model, open_points, as_json)
    else:
        _on_everything(open_site(where), user, model, open_points, as_json)


def _on_one(site: Site, user: str, content: str, model: str, open_points: OpenPoints, as_json: bool) -> None:
    from tabwarden.model.capability import KIND_NAMES
    from tabwarden.model.roles import ui_role
    from tabwarden.report.answers import answer_json, checker_grid
    from tabwarden.run.ask import what_may

    person, held, answers = what_may(site, user, content, model=model, open_points=open_points)
    if as_json:
        print_json([answer_json(site, answer) for answer in answers])
        return
    warn_partial(site)
    kind = KIND_NAMES.get(held.kind, held.kind)
    show(f"{site.called(person.id)}, {ui_role(person.site_role)}, on the {kind} {site.path(held.id)}", style="bold")
    show(checker_grid(site, answers))


def _template(content: Content, answers: list[Answer]) -> str:
    from tabwarden.model.capability import template_of

    return template_of(content.kind, frozenset(a.asked for a in answers if a.allowed), frozenset())


def _on_everything(site: Site, user: str, model: str, open_points: OpenPoints, as_json: bool) -> None:
    from tabwarden.model.capability import KIND_NAMES, ui_name
    from tabwarden.model.roles import ui_role
    from tabwarden.run.ask import overview

    person = site.find_user(user)
    rows = list(overview(site, person, model=model, open_points=open_points))
    if as_json:
        listed = [
            {
                "id": content.id,
                "kind": content.kind,
                "path": site.path(content.id),
                "allowed": [a.asked for a in answers if a.allowed],
                "as_template": _template(content, answers),
            }
            for content, answers in rows
        ]
        who = {"user": person.name, "domain": person.domain, "site_role": person.site_role}
        print_json({**who, "contents": listed})
        return
    from rich.table import Table

    table = Table("Content", "Kind", "As template", "May")
    for content, answers in rows:
        names = ", ".join(ui_name(a.asked, content.kind) for a in answers if a.allowed)
        kind = KIND_NAMES.get(content.kind, content.kind)
        table.add_row(site.path(content.id), kind, _template(content, answers), names)
    warn_partial(site)
    show(f"{site.called(person.id)}, {ui_role(person.site_role)}, may View {len(rows)} things", style="bold")
    show(table)


def _on_all_sites(where: Where, user: str, as_json: bool) -> None:
    """The same person has a role of her own on each site; nothing is shared between them (blog, introduction)."""
    from tabwarden.model.errors import UnknownName
    from tabwarden.model.roles import licence_of, ui_role
    from tabwarden.run.ask import all_sites, overview

    rows = []
    for site in all_sites(where):
        for person in (site.users[u] for u in site.users_named(user)):
            seen = sum(1 for _ in overview(site, person, model=where.model))
            rows.append((site, person, seen))
    if not rows:
        raise UnknownName(f"no user `{user}` on any site in {f'`{where.folder}`' if where.folder else 'the history'}")
    if as_json:
        print_json(
            [
                {
                    "site": site.content_url,
                    "user": person.name,
                    "domain": person.domain,
                    "site_role": person.site_role,
                    "licence": licence_of(person.site_role),
                    "views": seen,
                }
                for site, person, seen in rows
            ]
        )
        return
    from rich.table import Table

    table = Table("Site", "User", "Site role", "Licence", "May View")
    for site, person, seen in rows:
        licence = licence_of(person.site_role) or "none"
        table.add_row(site.name, site.called(person.id), ui_role(person.site_role), licence, str(seen))
    show(table)
