"""`tabwarden history` and `tabwarden snapshots`: what the history holds, who could see what since when. No server."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from tabwarden.commands._answer import PLAIN, Output
from tabwarden.commands._options import CURRENT, WHEN, Model, OpenPointWords, SettingsPath, SiteUrl, StoreWords
from tabwarden.commands._output import ERROR, confirmed, leave
from tabwarden.commands._parsing import ANYTHING, CAPABILITIES, SNAPSHOTS, Argument, Option
from tabwarden.model.errors import TabwardenError, UnknownName

if TYPE_CHECKING:
    from tabwarden.run.timeline import Subject, Turn


def history(
    subject: Annotated[
        list[str] | None, Argument("A content, a person, or both.", name="CONTENT|USER", of=ANYTHING)
    ] = None,
    on: Annotated[str, Option("--on", "--snapshot", about=f"Up to {WHEN}.", of=SNAPSHOTS)] = "last",
    capability: Annotated[str, Option("--capability", about="Any name of it.", of=CAPABILITIES)] = "View",
    store: StoreWords = None,
    site_url: SiteUrl = None,
    model: Model = CURRENT,
    open_point: OpenPointWords = None,
    settings: SettingsPath = None,
    output: Output = PLAIN,
) -> None:
    """Reads the history alone; no server is asked."""
    from tabwarden.compare.access_changes import Under
    from tabwarden.model.capability import capability_named
    from tabwarden.run import history as snapshots
    from tabwarden.run import timeline
    from tabwarden.run.open_snapshot import read_open_points
    from tabwarden.run.snapshots import deletions

    if len(subject or ()) > 2:
        raise UnknownName("give a content, a person, or both; names with spaces in quotes")
    named, under = capability_named(capability), Under(model, read_open_points(open_point or ()))
    store = snapshots.store_named(store, settings)
    with snapshots.opened(store) as opened:
        if not subject and on == snapshots.LAST:
            gone = [deletion.words for deletion in deletions(store, settings)]
            _list(snapshots.snapshots_of(opened, site_url), output, gone)
            return
        last = snapshots.snapshot_of(opened, on, site_url, settings=settings)
        if not subject:
            until = (one for one in snapshots.snapshots_of(opened, site_url) if one.taken <= last.taken)
            _list(tuple(until), output)
            return
        chain = [one for one in opened.snapshots() if one.site == last.site and one.number <= last.number]
        asked_about = timeline.subject_on(opened, chain, subject)
        with output.progress("reading the history") as progress:
            turns = list(timeline.turns(opened, chain, asked_about, named, under=under, progress=progress))
    _show(turns, asked_about, named, last.words, output)


def _list(snapshots: tuple[object, ...], output: Output, gone: Sequence[str] = ()) -> None:
    from tabwarden.report.timeline import snapshots_json, snapshots_table

    output.give([snapshots_table(snapshots), *gone], lambda: list(snapshots_json(snapshots)))


def _show(turns: list[Turn], subject: Subject, capability: str, when: str, output: Output) -> None:
    from tabwarden.model.capability import ui_name
    from tabwarden.report.table import Text
    from tabwarden.report.timeline import standing_table, turns_json, turns_table
    from tabwarden.run import timeline

    both = subject.content is not None and subject.user is not None
    standing = turns if both else timeline.in_order(timeline.standing_on(turns).values())
    can = sum(1 for turn in timeline.standing_on(turns).values() if timeline.can_see(turn))
    if both and subject.user and subject.content:
        heading = f"{ui_name(capability)} of {subject.path} by {subject.called}, up to {when}"
    elif subject.content is not None:
        heading = f"{ui_name(capability)} of {subject.path} on {when}: {can} {'person' if can == 1 else 'people'}"
    else:
        heading = f"{ui_name(capability)} by {subject.called} on {when}: {can} {'thing' if can == 1 else 'things'}"
    table = turns_table(standing) if both else standing_table(standing, by_content=subject.content is None)
    parts = [Text(heading, "bold"), table if standing or not both else "it was never so"]
    name = "turns" if both else "standing"
    output.give(parts, lambda: {"on": when, "capability": capability, name: turns_json(standing)})


def snapshots_export(
    snapshot: Annotated[str, Argument(f"Which: {WHEN}.", of=SNAPSHOTS)],
    folder: Annotated[Path, Argument("A folder; the snapshot becomes a new one in it.")],
    pseudonyms: Annotated[
        bool, Option("--pseudonyms", about="Every name and id replaced by a token that stays the same.")
    ] = False,
    store: StoreWords = None,
    site_url: SiteUrl = None,
    settings: SettingsPath = None,
    output: Output = PLAIN,
) -> None:
    """With pseudonyms nobody and nothing can be recognised, and every question has the same answer."""
    from tabwarden.report.table import Text
    from tabwarden.run.history import store_named
    from tabwarden.run.snapshots import export

    where = store_named(store, settings)
    path = export(where, snapshot, folder, site_url, pseudonyms=pseudonyms, settings=settings)
    output.give([Text(f"snapshot {path}", "command")], lambda: {"snapshot": str(path)})


def snapshots_delete(
    number: Annotated[int, Argument("Its number, as `tabwarden history` lists it.", of=SNAPSHOTS)],
    yes: Annotated[bool, Option("--yes", about="Do not ask.")] = False,
    last: Annotated[bool, Option("--the-last", about="Even where no other whole read of its site is there.")] = False,
    store: StoreWords = None,
    settings: SettingsPath = None,
    output: Output = PLAIN,
) -> None:
    """A note stays of what was deleted, when and by whom; other snapshots stay as they are."""
    from tabwarden.run.history import store_named
    from tabwarden.run.snapshots import delete, to_delete

    store = store_named(store, settings)
    snapshot = to_delete(store, number, last=last)
    if not yes and not confirmed(f"delete {snapshot.words} of {snapshot.name or 'Default'} for good?"):
        raise TabwardenError("nothing was deleted: answer `yes`, or add `--yes`")
    deletion = delete(store, snapshot, settings)
    output.give([deletion.words], deletion._asdict)


def store_check(
    repair: Annotated[bool, Option("--repair", about="Make anew what is made of others: the columns.")] = False,
    store: StoreWords = None,
    settings: SettingsPath = None,
    output: Output = PLAIN,
) -> None:
    """Every snapshot, journal, plan and roster. Exit code 1 where something is damaged."""
    from tabwarden.report.table import NAME, Column, Table, Text
    from tabwarden.run.history import store_named
    from tabwarden.run.store_check import check

    all_of = list(check(store_named(store, settings), repair=repair))
    damaged = [one for one in all_of if one.problem and not one.mended]
    table = Table(Column("What", NAME), "State", name="things", plain=True)
    for one in all_of:
        table.add_row(one.what, f"{one.problem or 'whole'}{' and made anew' if one.mended else ''}")
    words = f"{len(damaged)} of {len(all_of)} damaged" if damaged else f"all {len(all_of)} whole"
    output.give([table, Text(words, "bold")], lambda: [one._asdict() for one in all_of])
    if damaged:
        leave(ERROR)


def snapshots_import(
    folders: Annotated[list[Path], Argument("Folders of snapshots.")],
    store: StoreWords = None,
    settings: SettingsPath = None,
    output: Output = PLAIN,
) -> None:
    """A read that is kept already is not kept again."""
    from tabwarden.run.history import store_named
    from tabwarden.run.snapshots import bring_in

    _list(bring_in(store_named(store, settings), folders), output)
