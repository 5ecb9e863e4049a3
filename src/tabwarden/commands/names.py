"""`tabwarden names check`, `domains`, `plan domains` and `plan rename`. How people start them and what they read."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from tabwarden.commands.asking import SiteUrl, SnapshotWords, StoreWords, SwitchWords
from tabwarden.commands.common import DONE, ERROR, AsJson, console, fail_cleanly, leave, print_json
from tabwarden.commands.planning import Out, SettingsPath, add_words, plan_app, present
from tabwarden.model.errors import UnknownName
from tabwarden.model.site import Site
from tabwarden.report.names import domains_json, domains_table, mistakes_table, names_json, names_report
from tabwarden.run import names as checking
from tabwarden.run.ask import Where, open_site
from tabwarden.run.rename import plan_rename
from tabwarden.run.switches import read_switches
from tabwarden.settings import Settings, load
from tabwarden.store import directory_file
from tabwarden.want.directory import Directory

names_app = typer.Typer(no_args_is_help=True, help="User names of a directory before they are imported.")

DirectoryFile = Annotated[
    Path | None,
    typer.Option("--directory", help="A directory file instead of the settings' directory; no server is asked."),
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    add_words(app)
    app.add_typer(names_app, name="names")
    app.command("domains", help="Domains by FQDN, NetBIOS name and Tableau's nickname.")(domains_command)


@names_app.command("check", help="Which Tableau user an import would create, why, and what would collide.")
@fail_cleanly
def check_command(
    names: Annotated[
        list[str] | None, typer.Argument(help="As given to the import: `name`, `DOMAIN\\name`, `name@suffix`.")
    ] = None,
    route: Annotated[str, typer.Option("--route", help="How it is imported: typed, csv or group.")] = "typed",
    from_file: Annotated[Path | None, typer.Option("--from", help="A file with a name a line.")] = None,
    mistakes: Annotated[bool, typer.Option("--mistakes", help="Users of the site that were imported by UPN.")] = False,
    directory: DirectoryFile = None,
    snapshot: SnapshotWords = None,
    store: StoreWords = None,
    site: SiteUrl = None,
    switch: SwitchWords = None,
    settings: SettingsPath = None,
    as_json: AsJson = False,
) -> None:
    """Exit code 1 where a name would be refused; nothing is imported."""
    found = load(settings, os.environ) if directory is None or settings is not None else None
    listed = [*(names or ()), *(checking.names_of(from_file) if from_file is not None else ())]
    if not listed and not mistakes:
        raise UnknownName("give the names to check, or `--from` a file, or `--mistakes`")
    people = _directory(found, directory)
    now = _site(found, Where(None, snapshot, site, store=store) if snapshot is not None else None)
    if mistakes:
        _tell_mistakes(people, now, as_json=as_json)
    if listed:
        checked = checking.check(listed, people, route, now, read_switches(switch or ()))
        if as_json:
            print_json(names_json(checked))
        else:
            console().print(names_report(checked, now))
        leave(ERROR if any(one.refusal is not None for one in checked) else DONE)


def _directory(settings: Settings | None, path: Path | None) -> Directory:
    if path is not None:
        return directory_file.load(path)
    assert settings is not None  # without a file they were loaded
    return checking.directory_of(settings)


def _site(settings: Settings | None, where: Where | None) -> Site | None:
    """What Tableau knows: by a snapshot, by the server of the settings, or nothing."""
    if where is not None:
        return open_site(where)
    return checking.site_asked(settings) if settings is not None else None


def _tell_mistakes(directory: Directory, now: Site | None, *, as_json: bool) -> None:
    if now is None:
        raise UnknownName("`--mistakes` compares the users of a site: give `--settings` or `--snapshot`")
    found, held = checking.mistakes(directory, now)
    if as_json:
        pairs = [{"user": user, "sam_account_name": account} for user, account in found]
        print_json({"imported_by_upn": pairs, "held": [one._asdict() for one in held]})
    else:
        console().print(mistakes_table(found, held))


@fail_cleanly
def domains_command(settings: SettingsPath = None, as_json: AsJson = False) -> None:
    """For server administrators; a nickname that differs from the NetBIOS name is told."""
    lines = checking.domains_of(load(settings, os.environ))
    if as_json:
        print_json(domains_json(lines))
    else:
        console().print(domains_table(lines))


@plan_app.command("domains", help="Give domains their NetBIOS name as nickname. Writes a plan file, nothing else.")
@fail_cleanly
def plan_domains_command(settings: SettingsPath = None, out: Out = None, as_json: AsJson = False) -> None:
    """Exit code 2 when there are changes, 3 when a stop forbids them."""
    found = load(settings, os.environ)
    present(checking.plan_domains(found), found, out, as_json=as_json)


@plan_app.command("rename", help="Give people another user name: all they have goes to a new user.")
@fail_cleanly
def plan_rename_command(
    renames: Annotated[
        list[str] | None, typer.Argument(metavar="[OLD=NEW]...", help="Users and their new names.")
    ] = None,
    from_file: Annotated[Path | None, typer.Option("--from", help="A file with OLD=NEW a line.")] = None,
    upn: Annotated[bool, typer.Option("--upn", help="Everybody who was imported by UPN.")] = False,
    keep_old: Annotated[bool, typer.Option("--keep-old", help="Keep the old user, Unlicensed.")] = False,
    settings: SettingsPath = None,
    out: Out = None,
    as_json: AsJson = False,
) -> None:
    """Exit code 2 when there are changes, 3 when a stop forbids them."""
    found = load(settings, os.environ)
    words = [*(renames or ()), *(checking.names_of(from_file) if from_file is not None else ())]
    present(plan_rename(found, words, upn=upn, keep_old=keep_old), found, out, as_json=as_json)
