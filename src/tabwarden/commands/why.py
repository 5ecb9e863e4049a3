"""`tabwarden why`: one question to a snapshot, with the trace and, where asked, fixes and models. Writes nothing."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from tabwarden.access.answer import Answer
from tabwarden.change.asked import Asked
from tabwarden.change.fix import Fixes
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
from tabwarden.model.site import Site
from tabwarden.model.switches import MODELS
from tabwarden.questions import Questions
from tabwarden.report.abilities import handover_json, handover_lines, targets_json, targets_table
from tabwarden.report.answers import answer_json, disputed_lines, models_table, sentence, trace_table
from tabwarden.report.remarks import remarks
from tabwarden.report.shifts import also, fixes_heading, fixes_json, steps_of
from tabwarden.run.ask import Where, open_questions
from tabwarden.run.switches import read_switches


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("why", help="Why a person can or cannot do something, with the trace.")(why_command)


@fail_cleanly
def why_command(
    user: Annotated[str, typer.Argument(help="User name, `domain\\name` or id.")],
    asked: Annotated[str, typer.Argument(metavar="CAPABILITY", help="Any name of it, or `ability:web_save_as`.")],
    content: Annotated[str | None, typer.Argument(help="Path, as in `Finance/Budget`, or id.")] = None,
    target: Annotated[str | None, typer.Option("--to", help="The project to save or move to, or the new owner")] = None,
    fix: Annotated[bool, typer.Option("--fix", help="The smallest changes that would give, or take, it.")] = False,
    models: Annotated[bool, typer.Option("--models", help="current, classic and deny_first side by side.")] = False,
    snapshot: SnapshotWords = None,
    snapshots: SnapshotFolder = None,
    store: StoreWords = None,
    site: SiteUrl = None,
    model: Model = "current",
    switch: SwitchWords = None,
    as_json: AsJson = False,
) -> None:
    """One sentence, then ceiling, override, level, the winning rule and the losing ones."""
    switches = read_switches(switch or ())
    questions = open_questions(Where(snapshots, snapshot, site, store), model, switches)
    held, put = questions.site, questions.asked(user, asked, content, to=target)
    answer = questions.why(put)
    ways = None
    if fix:
        with progress_bar("weighing", hidden=as_json) as progress:
            ways = questions.fixes(put, progress)
    side_by_side = [put._replace(model=name).of(held) for name in MODELS] if models else []
    if as_json:
        print_json(_as_json(questions, put, answer, ways, side_by_side))
        return
    out = console()
    print_warning(held)
    out.print(sentence(held, answer), style="bold", markup=False)
    out.print(trace_table(held, answer))
    for line in (*disputed_lines(held, answer), *remarks(held, put, answer)):
        out.print(line, markup=False)
    _print_further(questions, put)
    if side_by_side:
        out.print(models_table(held, side_by_side))
    if ways is not None:
        _print_fixes(held, ways)


def _as_json(
    questions: Questions, put: Asked, answer: Answer, ways: Fixes | None, side_by_side: list[Answer]
) -> dict[str, Any]:
    site = questions.site
    told: dict[str, Any] = {"taken": site.taken.when, **answer_json(site, answer)}
    told["remarks"] = list(remarks(site, put, answer))
    places, handed = questions.places(put), questions.handover(put)
    if places:
        told["targets"] = targets_json(site, places)
    if handed is not None:
        told["previous_owner"] = handover_json(site, handed)
    if ways is not None:
        told["fix"] = fixes_json(site, ways)
    if side_by_side:
        told["models"] = {one.model: answer_json(site, one) for one in side_by_side}
    return told


def _print_further(questions: Questions, put: Asked) -> None:
    """Of saving a copy and of moving the projects it can go to; of overwriting what the previous owner loses."""
    out, site = console(), questions.site
    places, handed = questions.places(put), questions.handover(put)
    if places:
        out.print(targets_table(site, places))
    for line in handover_lines(site, handed) if handed is not None else ():
        out.print(line, markup=False)


def _print_fixes(site: Site, found: Fixes) -> None:
    """Each way in the words of what-if, and what else it changes."""
    out = console()
    out.print(fixes_heading(found), style="bold", markup=False)
    for number, way in enumerate(found.ways, 1):
        for step, words in enumerate(steps_of(site, way)):
            out.print(f"{number}. {words}" if step == 0 else f"   {words}", markup=False)
        for words in also(site, found, way):
            out.print(f"     {words}", style="dim", markup=False)
