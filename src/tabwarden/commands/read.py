"""`tabwarden read` and `tabwarden projects`: a site, or its projects alone, into the store. They change no site."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from tabwarden.commands.common import ERROR, AsJson, console, fail_cleanly, leave, print_json, progress_bar
from tabwarden.model.site import Site
from tabwarden.run.projects import Listed, list_projects
from tabwarden.run.read import Listener, Taken, cost, read_and_keep
from tabwarden.run.verify import Verified, verify
from tabwarden.settings import Settings, load
from tabwarden.tableau.read import Budget, Wishes

SettingsPath = Annotated[Path | None, typer.Option("--settings", help="File or folder; default: here.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("read", help="Read the site into a snapshot; nothing is written to Tableau.")(read_command)
    app.command("projects", help="List sites and projects, for choosing what to read; nothing is published.")(
        projects_command
    )


@fail_cleanly
def read_command(
    settings: SettingsPath = None,
    connections: Annotated[
        bool, typer.Option("--connections/--no-connections", help="Also read what workbooks use: one request each.")
    ] = False,
    project: Annotated[
        list[str] | None, typer.Option("--project", help="Only what lies in this project, by path; repeatable.")
    ] = None,
    at_most: Annotated[
        int | None, typer.Option("--at-most", min=1, help="Do not begin above so many requests.")
    ] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Begin anew, even where a read was cut short.")] = False,
    estimate: Annotated[bool, typer.Option("--estimate", help="Only say about how many requests it takes.")] = False,
    verify_people: Annotated[
        int, typer.Option("--verify", min=0, help="Then compare so many people with what the server lists for them.")
    ] = 0,
    as_json: AsJson = False,
) -> None:
    """Says how many requests it takes before the long part begins."""
    found = load(settings, os.environ)
    if estimate:
        typer.echo(f"reading takes {cost(found)}")
        return
    wishes = Wishes(connections, tuple(project or ()), at_most)
    with progress_bar("reading", hidden=as_json) as progress:
        taken = read_and_keep(found, wishes, Listener(_say_cost, _warn, progress), fresh=fresh)
    verified = _verified(found, taken, verify_people) if verify_people else None
    if as_json:
        print_json(_as_json(taken, verified))
    else:
        _tell(taken)
        if verified is not None:
            _tell_verified(verified)
    if verified is not None and verified.differences:
        leave(ERROR)


@fail_cleanly
def projects_command(
    settings: SettingsPath = None,
    asker: Annotated[
        str | None,
        typer.Option("--as", help="Show what this user may see, by the newest snapshot; default: who reads."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Fetches sites and projects, keeps them whole and shows them as far as one may see them."""
    listed = list_projects(load(settings, os.environ), asker)
    if as_json:
        rows = [{"id": c.id, "path": listed.site.path(c.id)} for c in listed.shown]
        print_json({"kept": str(listed.path), "asker": listed.asker, "sites": list(listed.sites), "projects": rows})
        return
    out = console()
    out.print(f"sites: {', '.join(listed.sites) or 'none'}", style="bold", markup=False)
    for content in listed.shown:
        out.print(listed.site.path(content.id), markup=False)
    out.print(_summary(listed), markup=False)


def _summary(listed: Listed) -> str:
    return f"{len(listed.shown)} projects that `{listed.asker}` may see; fetched list {listed.path}; nothing published"


def _say_cost(budget: Budget) -> None:
    typer.echo(f"reading takes {budget}", err=True)


def _warn(words: str) -> None:
    typer.echo(f"warning: {words}", err=True)


def _verified(settings: Settings, taken: Taken, people: int) -> Verified:
    with progress_bar("verifying") as progress:
        return verify(settings, taken.site, people, progress)


def _as_json(taken: Taken, verified: Verified | None) -> dict[str, object]:
    site = taken.site
    found: dict[str, object] = {
        "snapshot": str(taken.path),
        "site": site.name,
        "taken": site.taken.when,
        "users": len(site.users),
        "groups": len(site.groups),
        "contents": _kinds(site),
        "requests": taken.requests,
        "resumed": taken.reused,
        "partial": list(site.partial),
    }
    if verified is not None:
        found["verified"] = {
            "people": list(verified.people),
            "kinds": list(verified.kinds),
            "answers": verified.answers,
            "unknown": verified.unknown,
            "differences": list(verified.differences),
            "not_verified": list(verified.not_verified),
        }
    return found


def _kinds(site: Site) -> dict[str, int]:
    return dict(sorted(Counter(content.kind for content in site.contents.values()).items()))


def _tell(taken: Taken) -> None:
    site, out = taken.site, console()
    content = ", ".join(f"{number} {kind}s" for kind, number in _kinds(site).items())
    told = f"{site.name}: {len(site.users)} users, {len(site.groups)} groups, {content or 'no content'}"
    out.print(told, style="bold", markup=False)
    for left_out in site.partial:
        out.print(f"not read: {left_out}", markup=False)
    resumed = f", {taken.reused} answers from the read that was cut short" if taken.reused else ""
    out.print(f"{taken.requests} requests{resumed}; snapshot {taken.path}", markup=False)


def _tell_verified(verified: Verified) -> None:
    out = console()
    for line in verified.differences:
        out.print(f"differs: {line}", markup=False)
    for line in verified.not_verified:
        out.print(f"not verified: {line}", markup=False)
    told = f"{len(verified.people)} people, {', '.join(verified.kinds) or 'nothing'}: {verified.answers:,} answers"
    ending = f"{len(verified.differences)} differ" if verified.differences else "all as the server lists them"
    unknown = f", {verified.unknown:,} unknown" if verified.unknown else ""
    out.print(f"verified {told}{unknown}, {ending}", markup=False)
