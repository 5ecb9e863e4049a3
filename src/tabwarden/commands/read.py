"""`tabwarden read` and `tabwarden projects`: a site, or its projects alone, into the store. They change no site."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from tabwarden.commands.common import ERROR, AsJson, console, fail_cleanly, leave, print_json, progress_bar
from tabwarden.commands.read_repository import read_from_repository, refuse
from tabwarden.commands.told import site_as_json, tell_site
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
    repository: Annotated[
        bool, typer.Option("--repository", help="From the server's own database (`tableau.repository`), not over REST.")
    ] = False,
    all_sites: Annotated[
        bool, typer.Option("--all-sites", help="With --repository: every active site, a snapshot each.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Says how many requests it takes before the long part begins."""
    found = load(settings, os.environ)
    if repository:
        of_rest = {"--connections": connections, "--project": project, "--at-most": at_most, "--fresh": fresh}
        refuse({**of_rest, "--estimate": estimate}, "only of a read over REST; `--repository` always reads everything")
        refuse({"--verify": all_sites and verify_people}, "looks at one site; leave out `--all-sites`")
        _from_repository(found, verify_people, all_sites=all_sites, as_json=as_json)
        return
    refuse({"--all-sites": all_sites}, "needs `--repository`: over REST a read is of one site")
    if estimate:
        typer.echo(f"reading takes {cost(found)}")
        return
    wishes = Wishes(connections, tuple(project or ()), at_most)
    with progress_bar("reading", hidden=as_json) as progress:
        taken = read_and_keep(found, wishes, Listener(_say_cost, _warn, progress), fresh=fresh)
    verified = _verified(found, taken.site, verify_people) if verify_people else None
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
        rows = [{"id": content.id, "path": path} for path, content in listed.shown]
        print_json({"kept": str(listed.path), "asker": listed.asker, "sites": list(listed.sites), "projects": rows})
        return
    out = console()
    out.print(f"sites: {', '.join(listed.sites) or 'none'}", style="bold", markup=False)
    for path, _ in listed.shown:
        out.print(path, markup=False)
    out.print(_summary(listed), markup=False)


def _summary(listed: Listed) -> str:
    return f"{len(listed.shown)} projects that `{listed.asker}` may see; fetched list {listed.path}; nothing published"


def _say_cost(budget: Budget) -> None:
    typer.echo(f"reading takes {budget}", err=True)


def _warn(words: str) -> None:
    typer.echo(f"warning: {words}", err=True)


def _from_repository(settings: Settings, verify_people: int, *, all_sites: bool, as_json: bool) -> None:
    site, told = read_from_repository(settings, all_sites=all_sites, quiet=as_json)
    verified = _verified(settings, site, verify_people) if verify_people else None
    if as_json:
        one = told[0] | _verified_as_json(verified)
        print_json({"sites": told} if all_sites else one)
    elif verified is not None:
        _tell_verified(verified)
    if verified is not None and verified.differences:
        leave(ERROR)


def _verified(settings: Settings, site: Site, people: int) -> Verified:
    with progress_bar("verifying") as progress:
        return verify(settings, site, people, progress)


def _as_json(taken: Taken, verified: Verified | None) -> dict[str, object]:
    found = site_as_json(taken.kept.number, taken.site)
    found |= {"requests": taken.requests, "resumed": taken.reused}
    return found | _verified_as_json(verified)


def _verified_as_json(verified: Verified | None) -> dict[str, object]:
    """The key `verified`, where anything was."""
    if verified is None:
        return {}
    found = {
        "people": list(verified.people),
        "kinds": list(verified.kinds),
        "answers": verified.answers,
        "unknown": verified.unknown,
        "differences": list(verified.differences),
        "not_verified": list(verified.not_verified),
    }
    return {"verified": found}


def _tell(taken: Taken) -> None:
    tell_site(taken.site)
    resumed = f", {taken.reused} answers from the read that was cut short" if taken.reused else ""
    console().print(f"{taken.requests} requests{resumed}; kept as {taken.kept.words}", markup=False)


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
