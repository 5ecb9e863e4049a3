"""`tabwarden whatif`: what changes would do to people. Nothing is written and no server is asked."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.markup import escape

from tabwarden.change.words import FORMS
from tabwarden.commands.asking import (
    Model,
    SiteUrl,
    SnapshotFolder,
    SnapshotWords,
    StoreWords,
    SwitchWords,
    print_warning,
)
from tabwarden.commands.common import AsJson, console, fail_cleanly, print_json, progress_bar
from tabwarden.report.shifts import shift_lines, summary, tried_lines, warnings, whatif_json
from tabwarden.run.ask import Where, open_questions
from tabwarden.run.switches import read_switches
from tabwarden.run.whatif import try_out

# Each form with an example, one a line.
LANGUAGE = "Changes, with an example each:\n\n" + "\n\n".join(escape(f"{f.written}: `{f.example}`") for f in FORMS)


def register(app: typer.Typer) -> None:
    """Add the command."""
    words = "What changes would do to people: who gains and loses what, and why."
    app.command("whatif", help=words, epilog=LANGUAGE)(whatif)


@fail_cleanly
def whatif(
    changes: Annotated[
        list[str],
        typer.Argument(help="Changes in words, as in `lock Finance`, or files of them (docs/how-to/what-if.md)."),
    ],
    snapshot: SnapshotWords = None,
    snapshots: SnapshotFolder = None,
    store: StoreWords = None,
    site: SiteUrl = None,
    model: Model = "current",
    switch: SwitchWords = None,
    as_json: AsJson = False,
) -> None:
    """Each change with its refusal, if Tableau would refuse it, then people gained and lost."""
    switches = read_switches(switch or ())
    questions = open_questions(Where(snapshots, snapshot, site, store), model, switches)
    held = questions.site
    with progress_bar("comparing", hidden=as_json) as progress:
        found, disputed = try_out(questions, changes, progress)
    if as_json:
        print_json({"taken": held.taken.when, **whatif_json(found), "disputed": list(disputed)})
        return
    out = console()
    print_warning(held)
    for words, done in tried_lines(found):
        out.print(words, style=None if done else "red", markup=False)
    for words in warnings(found):
        out.print(words, style="yellow", markup=False)
    out.print(summary(found), style="bold", markup=False)
    for part in shift_lines(found.before, found.after, found.reach):
        out.print(part, markup=False)
    for name in disputed:
        out.print(f"the sources do not settle this: with the switch {name} the other way it comes out otherwise")
