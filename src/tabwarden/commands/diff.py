"""`tabwarden diff --models`: who is in only by an exception. Nothing is written and no server is asked."""

from __future__ import annotations

from typing import Annotated

import typer

from tabwarden.access.models import exceptions
from tabwarden.commands.asking import SiteUrl, SnapshotFolder, SnapshotPath, SwitchWords, print_warning
from tabwarden.commands.common import AsJson, console, fail_cleanly, print_json
from tabwarden.model.capability import capability_named, ui_name
from tabwarden.model.errors import UnknownName
from tabwarden.model.switches import CURRENT, DENY_FIRST, MODELS
from tabwarden.report.models import exceptions_heading, exceptions_json, exceptions_table
from tabwarden.run.ask import SNAPSHOTS, Where, open_site
from tabwarden.run.switches import read_switches


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("diff", help="Who is in only by an exception: what two models of the same site differ on.")(diff)


@fail_cleanly
def diff(
    models: Annotated[bool, typer.Option("--models", help="Compare the model of today with another one.")] = False,
    against: Annotated[str, typer.Option("--against", help="deny_first or classic.")] = DENY_FIRST,
    capability: Annotated[str, typer.Option("--capability", help="Any name of it.")] = "View",
    snapshot: SnapshotPath = None,
    snapshots: SnapshotFolder = SNAPSHOTS,
    site: SiteUrl = None,
    switch: SwitchWords = None,
    as_json: AsJson = False,
) -> None:
    """People whose access rests on owning, leading, a rule in person, or on the order of groups and group sets."""
    if not models:
        raise UnknownName("say what is compared: `tabwarden diff --models`")
    if against not in MODELS or against == CURRENT:
        raise UnknownName(f"`{against}` is no model to compare with; give deny_first or classic")
    named = capability_named(capability)
    held = open_site(Where(snapshots, snapshot, site))
    found = list(exceptions(held, named, against=against, switches=read_switches(switch or ())))
    if as_json:
        print_json({"capability": named, "against": against, "differences": exceptions_json(held, found)})
        return
    out = console()
    print_warning(held)
    out.print(exceptions_heading(found, ui_name(named), against), style="bold", markup=False)
    if found:
        out.print(exceptions_table(held, found, against))
