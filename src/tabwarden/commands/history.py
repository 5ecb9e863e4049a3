"""`tabwarden history` and `tabwarden snapshots`: what the history holds, who could see what since when. No server."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tabwarden.change.shift import Under
from tabwarden.commands.asking import WHEN, Model, SiteUrl, StoreWords, SwitchWords
from tabwarden.commands.common import AsJson, console, fail_cleanly, print_json, progress_bar
from tabwarden.model.capability import capability_named, ui_name
from tabwarden.model.errors import UnknownName
from tabwarden.model.switches import CURRENT
from tabwarden.report import sight as told
from tabwarden.run import files, history, sight
from tabwarden.run.switches import read_switches

snapshots_app = typer.Typer(no_args_is_help=True, help="Snapshots of the history as files, for others or from others.")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(
        "history",
        help="Who could see it on a day, since when, and which change caused it. Without words: the snapshots kept.",
    )(history_command)
    app.add_typer(snapshots_app, name="snapshots")


@fail_cleanly
def history_command(
    subject: Annotated[
        list[str] | None, typer.Argument(metavar="[CONTENT|USER]...", help="A content, a person, or both.")
    ] = None,
    on: Annotated[str, typer.Option("--on", "--snapshot", help=f"Up to {WHEN}.")] = history.LAST,
    capability: Annotated[str, typer.Option("--capability", help="Any name of it.")] = "View",
    store: StoreWords = None,
    site: SiteUrl = None,
    model: Model = CURRENT,
    switch: SwitchWords = None,
    as_json: AsJson = False,
) -> None:
    """Reads the history alone; no server is asked."""
    if len(subject or ()) > 2:
        raise UnknownName("give a content, a person, or both; names with spaces in quotes")
    named, under = capability_named(capability), Under(model, read_switches(switch or ()))
    with history.opened(history.store_named(store)) as held:
        if not subject:
            _list(history.snapshots_of(held, site), as_json=as_json)
            return
        kept = history.snapshot_of(held, on, site)
        chain = [one for one in held.snapshots() if one.site == kept.site and one.number <= kept.number]
        asked = sight.subject_on(held, chain, subject)
        with progress_bar("reading the history", hidden=as_json) as progress:
            found = list(sight.turns(held, chain, asked, named, under=under, progress=progress))
    _tell(found, asked, named, kept.words, as_json=as_json)


def _list(found: tuple[object, ...], *, as_json: bool) -> None:
    if as_json:
        print_json(list(told.snapshots_json(found)))
    else:
        console().print(told.snapshots_table(found))


def _tell(found: list[sight.Turn], asked: sight.Subject, named: str, when: str, *, as_json: bool) -> None:
    both = asked.content is not None and asked.user is not None
    standing = found if both else sight.in_order(sight.standing_on(found).values())
    if as_json:
        print_json({"on": when, "capability": named, "turns" if both else "standing": told.turns_json(standing)})
        return
    out = console()
    can = sum(1 for turn in sight.standing_on(found).values() if sight.can_see(turn))
    if both and asked.user and asked.content:
        heading = f"{ui_name(named)} of {asked.path} by {asked.called}, up to {when}"
    elif asked.content is not None:
        heading = f"{ui_name(named)} of {asked.path} on {when}: {can} {'person' if can == 1 else 'people'}"
    else:
        heading = f"{ui_name(named)} by {asked.called} on {when}: {can} {'thing' if can == 1 else 'things'}"
    out.print(heading, style="bold", markup=False)
    if both:
        out.print(told.turns_table(standing) if standing else "it was never so")
    elif standing:
        out.print(told.standing_table(standing, by_content=asked.content is None))


@snapshots_app.command("export", help="Write one snapshot of the history as a folder of files.")
@fail_cleanly
def export_command(
    snapshot: Annotated[str, typer.Argument(help=f"Which: {WHEN}.")],
    folder: Annotated[Path, typer.Argument(help="A folder; the snapshot becomes a new one in it.")],
    pseudonyms: Annotated[
        bool, typer.Option("--pseudonyms", help="Every name and id replaced by a token that stays the same.")
    ] = False,
    store: StoreWords = None,
    site: SiteUrl = None,
    as_json: AsJson = False,
) -> None:
    """With pseudonyms nobody and nothing can be recognised, and every question has the same answer."""
    path = files.export(history.store_named(store), snapshot, folder, site, pseudonyms=pseudonyms)
    if as_json:
        print_json({"snapshot": str(path)})
    else:
        console().print(f"snapshot {path}", markup=False)


@snapshots_app.command("import", help="Keep snapshot folders in the history, in the order in which they were taken.")
@fail_cleanly
def import_command(
    folders: Annotated[list[Path], typer.Argument(help="Folders of snapshots.")],
    store: StoreWords = None,
    as_json: AsJson = False,
) -> None:
    """A read that is kept already is not kept again."""
    found = files.bring_in(history.store_named(store), folders)
    _list(found, as_json=as_json)
