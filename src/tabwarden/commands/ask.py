"""`tabwarden who` and `what`: questions to a snapshot. Nothing is written and no server is asked."""

from __future__ import annotations

from collections import Counter
from typing import Annotated

import typer
from rich.table import Table

from tabwarden.access.answer import ALLOWED, UNKNOWN, Answer
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
from tabwarden.model.site import Content, Site
from tabwarden.model.switches import Switches
from tabwarden.report.answers import (
    answer_json,
    checker_grid,
    people_table,
)
from tabwarden.run.ask import Where, all_sites, open_site, overview, what_may, who_may
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
    held = open_site(Where(snapshots, snapshot, site, model, store))
    content_held, named, answers = who_may(held, asked, content, model=model, switches=read_switches(switch or ()))
    counts = Counter(a.verdict for a in answers)
    shown = [a for a in answers if everybody or a.verdict in (ALLOWED, UNKNOWN)]
    if as_json:
        print_json({"counts": dict(counts), "people": [answer_json(held, a) for a in shown]})
        return
    out = console()
    print_warning(held)
    name = ui_name(named, content_held.kind)
    path = held.path(content_held.id)
    out.print(f"{counts[ALLOWED]} of {len(answers)} people may `{name}` {path}", style="bold", markup=False)
    out.print(people_table(held, shown))


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
    where, switches = Where(snapshots, snapshot, site, model, store), read_switches(switch or ())
    if all_of_them:
        _on_all_sites(where, user, as_json)
    elif content is not None:
        _on_one(open_site(where), user, content, model, switches, as_json)
    else:
        _on_everything(open_site(where), user, model, switches, as_json)


def _on_one(site: Site, user: str, content: str, model: str, switches: Switches, as_json: bool) -> None:
    person, held, answers = what_may(site, user, content, model=model, switches=switches)
    if as_json:
        print_json([answer_json(site, a) for a in answers])
        return
    out = console()
    print_warning(site)
    kind = KIND_NAMES.get(held.kind, held.kind)
    name = site.called(person.id)
    out.print(f"{name}, {ui_role(person.site_role)}, on the {kind} {site.path(held.id)}", style="bold", markup=False)
    out.print(checker_grid(site, answers))


def _template(held: Content, answers: list[Answer]) -> str:
    return template_of(held.kind, frozenset(a.asked for a in answers if a.allowed), frozenset())


def _on_everything(site: Site, user: str, model: str, switches: Switches, as_json: bool) -> None:
    person = site.find_user(user)
    rows = list(overview(site, person, model=model, switches=switches))
    if as_json:
        listed = [
            {
                "id": held.id,
                "kind": held.kind,
                "path": site.path(held.id),
                "allowed": [a.asked for a in answers if a.allowed],
                "as_template": _template(held, answers),
            }
            for held, answers in rows
        ]
        told = {"user": person.name, "domain": person.domain, "site_role": person.site_role}
        print_json({**told, "contents": listed})
        return
    table = Table("Content", "Kind", "As template", "May")
    for held, answers in rows:
        names = ", ".join(ui_name(a.asked, held.kind) for a in answers if a.allowed)
        table.add_row(site.path(held.id), KIND_NAMES.get(held.kind, held.kind), _template(held, answers), names)
    out = console()
    print_warning(site)
    name = site.called(person.id)
    out.print(f"{name}, {ui_role(person.site_role)}, may View {len(rows)} things", style="bold", markup=False)
    out.print(table)


def _on_all_sites(where: Where, user: str, as_json: bool) -> None:
    """The same person has a role of her own on each site; nothing is shared between them (blog, introduction)."""
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
    table = Table("Site", "User", "Site role", "Licence", "May View")
    for site, person, seen in rows:
        licence = licence_of(person.site_role) or "none"
        table.add_row(site.name, site.called(person.id), ui_role(person.site_role), licence, str(seen))
    console().print(table)
