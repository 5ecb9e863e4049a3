"""`tabwarden rules`: the permission dialog of a content from a snapshot. Nothing is written and no server is asked."""

from __future__ import annotations

from typing import Annotated

import typer

from tabwarden.access.rows import rows_of
from tabwarden.commands.asking import SiteUrl, SnapshotFolder, SnapshotWords, StoreWords, SwitchWords, print_warning
from tabwarden.commands.common import AsJson, console, fail_cleanly, print_json
from tabwarden.questions import defaults_of
from tabwarden.report.rows import implicit_lines, rows_heading, rows_json, rows_tables
from tabwarden.run.ask import Where, open_site
from tabwarden.run.switches import read_switches


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("rules", help="Who is allowed and denied what on a content, as in the permission dialog.")(rules)


@fail_cleanly
def rules(
    content: Annotated[str, typer.Argument(help="Path, as in `Finance/Budget`, or id.")],
    defaults: Annotated[
        str | None, typer.Option("--for", help="Of a project: its default rules for this kind, as in workbooks.")
    ] = None,
    snapshot: SnapshotWords = None,
    snapshots: SnapshotFolder = None,
    store: StoreWords = None,
    site: SiteUrl = None,
    switch: SwitchWords = None,
    as_json: AsJson = False,
) -> None:
    """The rules that count for it, whose they are, and the template that each row equals."""
    switches = read_switches(switch or ())
    where = open_site(Where(snapshots, snapshot, site, store=store))
    held = where.find_content(content)
    default_for = defaults_of(where, held, defaults) if defaults is not None else None
    found = rows_of(where, held.id, default_for=default_for, switches=switches)
    if as_json:
        print_json(rows_json(where, held.id, found))
        return
    out = console()
    print_warning(where)
    out.print(rows_heading(where, held.id, found), style="bold", markup=False)
    if found.rows is None:
        out.print("its rules were not read")
    elif not found.rows:
        out.print("nobody has a rule")
    else:
        for table in rows_tables(where, found):
            out.print(table)
    for line in implicit_lines(where, held.id):
        out.print(line, style="dim", markup=False)
