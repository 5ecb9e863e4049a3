"""`tabwarden diff`: two snapshots, or two models of one. Nothing is written and no server is asked."""

from __future__ import annotations

from typing import Annotated

import typer

from tabwarden.change.shift import Under
from tabwarden.change.side_by_side import differing
from tabwarden.commands.asking import (
    WHEN,
    Model,
    SiteUrl,
    SnapshotFolder,
    SnapshotWords,
    StoreWords,
    SwitchWords,
    print_warning,
)
from tabwarden.commands.common import CHANGES, DONE, AsJson, console, fail_cleanly, leave, print_json, progress_bar
from tabwarden.model.capability import capability_named, ui_name
from tabwarden.model.errors import UnknownName
from tabwarden.model.switches import CURRENT, DENY_FIRST, MODELS, Switches
from tabwarden.report.compared import compared_json, headings, parts
from tabwarden.report.models import exceptions_heading, exceptions_json, exceptions_table
from tabwarden.run.ask import Where, open_site
from tabwarden.run.compare import compare
from tabwarden.run.switches import read_switches

SNAPSHOT = f"What was then: {WHEN}, or a snapshot's folder."


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(
        "diff",
        help="What differs between two snapshots: facts, and people gained and lost. With --models: who is in only by "
        "an exception.",
    )(diff)


@fail_cleanly
def diff(
    before: Annotated[str | None, typer.Argument(metavar="[EARLIER]", help=SNAPSHOT)] = None,
    after: Annotated[str | None, typer.Argument(metavar="[LATER]", help="A later one of the same site.")] = None,
    models: Annotated[bool, typer.Option("--models", help="Compare the model of today with another one.")] = False,
    against: Annotated[str, typer.Option("--against", help="With --models: deny_first or classic.")] = DENY_FIRST,
    capability: Annotated[str, typer.Option("--capability", help="With --models: any name of it.")] = "View",
    snapshot: SnapshotWords = None,
    snapshots: SnapshotFolder = None,
    store: StoreWords = None,
    site: SiteUrl = None,
    model: Model = CURRENT,
    switch: SwitchWords = None,
    as_json: AsJson = False,
) -> None:
    """Exit code 0 where nothing differs between the snapshots, 2 where something does."""
    switches = read_switches(switch or ())
    if models and before is None:
        _models(Where(snapshots, snapshot, site, store=store), capability, against, switches, as_json=as_json)
    elif not models and before is not None and after is not None:
        _snapshots((before, after), Under(model, switches), store, site, as_json=as_json)
    else:
        raise UnknownName("say what is compared: two snapshots, as in `tabwarden diff EARLIER LATER`, or `--models`")


def _snapshots(pair: tuple[str, str], under: Under, store: str | None, site: str | None, *, as_json: bool) -> None:
    with progress_bar("comparing", hidden=as_json) as progress:
        found = compare(*pair, under, progress, store=store, site=site)
    if as_json:
        print_json(compared_json(found))
    else:
        out = console()
        for words in headings(found):
            out.print(words, style="bold", markup=False)
        for part in parts(found):
            out.print(part, markup=False)
    leave(DONE if found.same else CHANGES)


def _models(where: Where, capability: str, against: str, switches: Switches, *, as_json: bool) -> None:
    """People whose access rests on owning, leading, a rule in person, or on the order of groups and group sets."""
    if against not in MODELS or against == CURRENT:
        raise UnknownName(f"`{against}` is no model to compare with; give deny_first or classic")
    named, held = capability_named(capability), open_site(where)
    with progress_bar("comparing", hidden=as_json) as progress:
        found = list(differing(held, named, against=against, switches=switches, progress=progress))
    if as_json:
        print_json({"capability": named, "against": against, "differences": exceptions_json(held, found)})
        return
    out = console()
    print_warning(held)
    out.print(exceptions_heading(found, ui_name(named), against), style="bold", markup=False)
    if found:
        out.print(exceptions_table(held, found, against))
