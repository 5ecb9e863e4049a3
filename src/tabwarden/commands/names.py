"""`tabwarden names check`, `domains`, `plan domains` and `plan rename`: user names before and after an import."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from tabwarden.commands._answer import PLAIN, Output
from tabwarden.commands._options import (
    OpenPointWords,
    Out,
    SettingsPath,
    SiteUrl,
    SnapshotWords,
    StoreWords,
    again,
    load_settings,
)
from tabwarden.commands._output import DONE, ERROR, leave
from tabwarden.commands._parsing import Argument, Option
from tabwarden.model.errors import UnknownName

if TYPE_CHECKING:
    from tabwarden.model.site import Site
    from tabwarden.run.open_snapshot import Where
    from tabwarden.settings import Settings
    from tabwarden.want.directory import Directory

ROUTES = ("typed", "csv", "group")
DirectoryFile = Annotated[
    Path | None,
    Option("--directory", about="A directory file instead of the settings' directory; no server is asked."),
]


def names_check(
    names: Annotated[
        list[str] | None, Argument("As given to the import: `name`, `DOMAIN\\name`, `name@suffix`.")
    ] = None,
    route: Annotated[str, Option("--route", about="How it is imported: typed, csv or group.", choices=ROUTES)] = ROUTES[
        0
    ],
    from_file: Annotated[Path | None, Option("--from", about="A file with a name a line.")] = None,
    mistakes: Annotated[bool, Option("--mistakes", about="Users of the site that were imported by UPN.")] = False,
    directory: DirectoryFile = None,
    snapshot: SnapshotWords = None,
    store: StoreWords = None,
    site_url: SiteUrl = None,
    open_point: OpenPointWords = None,
    settings: SettingsPath = None,
    output: Output = PLAIN,
) -> None:
    """Exit code 1 where a name would be refused; nothing is imported."""
    from tabwarden.report.names import names_json, names_report
    from tabwarden.run.names import check, names_of
    from tabwarden.run.open_snapshot import Where, read_open_points

    loaded = load_settings(settings) if directory is None or settings is not None else None
    listed = [*(names or ()), *(names_of(from_file) if from_file is not None else ())]
    if not listed and not mistakes:
        raise UnknownName("give the names to check, or `--from` a file, or `--mistakes`")
    people = _directory(loaded, directory)
    now = _site(loaded, Where(None, snapshot, site_url, store, settings) if snapshot is not None else None)
    if mistakes:
        _show_mistakes(people, now, again(loaded) if loaded is not None else "", output)
    if listed:
        checked = check(listed, people, route, now, read_open_points(open_point or ()))
        output.give([names_report(checked, now)], lambda: names_json(checked))
        leave(ERROR if any(one.refusal is not None for one in checked) else DONE)


def _directory(settings: Settings | None, path: Path | None) -> Directory:
    if path is not None:
        from tabwarden.store import directory_file

        return directory_file.load(path)
    from tabwarden.run.names import directory_of

    assert settings is not None  # without a file they were loaded
    return directory_of(settings)


def _site(settings: Settings | None, where: Where | None) -> Site | None:
    """What Tableau knows: by a snapshot, by the server of the settings, or nothing."""
    from tabwarden.run.names import site_asked
    from tabwarden.run.open_snapshot import open_site

    if where is not None:
        return open_site(where)
    return site_asked(settings) if settings is not None else None


def _show_mistakes(directory: Directory, now: Site | None, options: str, output: Output) -> None:
    from tabwarden.report.names import mistakes_table
    from tabwarden.run.names import mistakes

    if now is None:
        raise UnknownName("`--mistakes` compares the users of a site: give `--settings` or `--snapshot`")
    renames, left_alone = mistakes(directory, now)
    pairs = [{"user": user, "sam_account_name": account} for user, account in renames]
    document = {"imported_by_upn": pairs, "held": [asdict(one) for one in left_alone]}
    output.give([mistakes_table(renames, left_alone, options)], lambda: document)


def domains(settings: SettingsPath = None, output: Output = PLAIN) -> None:
    """For server administrators; a nickname that differs from the NetBIOS name is told."""
    from tabwarden.report.names import domains_json, domains_table
    from tabwarden.run.names import domains_of

    lines = domains_of(load_settings(settings))
    output.give([domains_table(lines)], lambda: domains_json(lines))


def plan_domains(settings: SettingsPath = None, out: Out = None, output: Output = PLAIN) -> None:
    """Exit code 2 when there are changes, 3 when a stop forbids them."""
    from tabwarden.commands._plans import present
    from tabwarden.run import names

    loaded = load_settings(settings)
    present(names.plan_domains(loaded), loaded, out, output)


def plan_rename(
    renames: Annotated[list[str] | None, Argument("Users and their new names.", name="OLD=NEW")] = None,
    from_file: Annotated[Path | None, Option("--from", about="A file with OLD=NEW a line.")] = None,
    upn: Annotated[bool, Option("--upn", about="Everybody who was imported by UPN.")] = False,
    keep_old: Annotated[bool, Option("--keep-old", about="Keep the old user, Unlicensed.")] = False,
    settings: SettingsPath = None,
    out: Out = None,
    output: Output = PLAIN,
) -> None:
    """Exit code 2 when there are changes, 3 when a stop forbids them."""
    from tabwarden.commands._plans import present
    from tabwarden.run import rename
    from tabwarden.run.names import names_of

    loaded = load_settings(settings)
    words = [*(renames or ()), *(names_of(from_file) if from_file is not None else ())]
    present(rename.plan_rename(loaded, words, upn=upn, keep_old=keep_old), loaded, out, output)
