"""`tabwarden mirror`, `mirror verify` and `catalog`. How people start them and what they read; no logic."""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tabwarden.commands.asking import SnapshotWords
from tabwarden.commands.common import CHANGES, DONE, ERROR, AsJson, console, fail_cleanly, leave, print_json, say_error
from tabwarden.report.mirror import (
    catalog_json,
    catalog_lines,
    matches_line,
    mirror_json,
    quarantined_lines,
    unmatched_table,
    written_line,
)
from tabwarden.run.catalog import browse_as
from tabwarden.run.mirror import Published, publish
from tabwarden.settings import load

if TYPE_CHECKING:
    from tabwarden.run.mirror_verify import Verified

SettingsPath = Annotated[Path | None, typer.Option("--settings", help="File or folder; default: here.")]
Sample = Annotated[int, typer.Option("--sample", min=1, help="How many people are compared.")]
Seed = Annotated[int, typer.Option("--seed", help="Which people: another number, other people.")]

mirror_app = typer.Typer(
    invoke_without_command=True, help="Publish who may View what to catalogs; nothing is written to Tableau."
)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(mirror_app, name="mirror")
    app.command("catalog", help="Browse the last mirror as a catalog person sees it.")(catalog_command)


@mirror_app.callback()
@fail_cleanly
def mirror_command(
    context: typer.Context, settings: SettingsPath = None, snapshot: SnapshotWords = None, as_json: AsJson = False
) -> None:
    """From the newest snapshot to every sink of the settings; only what differs is written."""
    if context.invoked_subcommand is not None:
        return
    found = publish(load(settings, os.environ), snapshot=snapshot)
    if as_json:
        sinks = [{"sink": name, **written._asdict()} for name, written in found.written]
        told = {"taken": found.site.taken.when, "sinks": sinks, "failed": found.failed, "warnings": found.warnings}
        print_json({**mirror_json(found.mirror), **told})
    else:
        _tell(found)
    leave(ERROR if found.failed else DONE)


def _tell(found: Published) -> None:
    out = console()
    site = found.site
    out.print(f"{site.name} as of {site.taken.when}, as source `{found.mirror.source}`", style="bold", markup=False)
    for warning in found.warnings:
        out.print(f"warning: {warning}", markup=False)
    out.print(matches_line(found.mirror.matches), markup=False)
    if found.mirror.matches.unmatched:
        out.print(unmatched_table(found.mirror.matches.unmatched))
    for line in quarantined_lines(found.quarantined):
        out.print(line, markup=False)
    for name, written in found.written:
        out.print(written_line(name, written.sink, dict(written.added), dict(written.removed)), markup=False)
    for trouble in found.failed:
        say_error(trouble)


@mirror_app.command("verify", help="Hold the last mirror against the live server, for some people.")
@fail_cleanly
def verify_command(settings: SettingsPath = None, sample: Sample = 20, seed: Seed = 0, as_json: AsJson = False) -> None:
    """Exit code 2 where anybody is shown more or less than the server lists."""
    from tabwarden.run.mirror_verify import verify  # with it come the clients of a server, which nothing else needs

    found = verify(load(settings, os.environ), sample=sample, seed=seed)
    if as_json:
        print_json({**asdict(found), "differs": found.differs})
    else:
        _tell_verified(found)
    leave(CHANGES if found.differs else DONE)


def _tell_verified(found: Verified) -> None:
    out = console()
    out.print(f"the mirror is of {found.taken}, {found.age} old", style="bold", markup=False)
    if not found.enforced:
        out.print("permission mirroring is OFF for this source: everybody is shown everything", markup=False)
    compared = [each for each in found.people if each.kinds]
    kinds = sorted({kind for each in compared for kind in each.kinds})
    alike = sum(not each.beyond and not each.missing for each in compared)
    told = f"{alike} of {len(compared)} people compared are shown what the server lists for them"
    out.print(f"{told} ({', '.join(kinds) or 'nothing could be compared'}); {found.of} are served", markup=False)
    for each in found.people:
        for what, ids in (("is shown beyond", each.beyond), ("is not shown", each.missing)):
            if ids:
                out.print(f"{each.person} {what} what the server lists: {', '.join(ids)}", markup=False)
        if each.trouble:
            out.print(f"{each.person} could not be compared: {each.trouble}", markup=False)


@fail_cleanly
def catalog_command(
    person: Annotated[str, typer.Option("--as", metavar="NAME", help="A catalog person, by name.")],
    settings: SettingsPath = None,
    as_json: AsJson = False,
) -> None:
    """A tree of what that person sees, and nothing about the rest."""
    found = browse_as(load(settings, os.environ), person)
    if as_json:
        print_json({"taken": found.taken, "enforced": found.enforced, **catalog_json(found.catalog)})
        return
    out = console()
    if not found.enforced:
        out.print("permission mirroring is OFF for this source: everybody sees everything", style="bold", markup=False)
    for line in catalog_lines(found.catalog):
        out.print(line, markup=False)
