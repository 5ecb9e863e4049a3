"""`tabwarden plan provision|undo`, `apply` and `run provision`. How people start them and what they read; no logic.

Exit codes: 0 done or nothing to do, 1 an error or somebody was not done, 2 `plan` found changes, 3 a stop.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from tabwarden.commands.common import AsJson, console, fail_cleanly, leave, print_json
from tabwarden.commands.planning import (
    Accept,
    Out,
    SettingsPath,
    add_words,
    applied_json,
    exit_code,
    logged,
    plan_app,
    present,
    run_app,
    run_command,
)
from tabwarden.logs import RunLog
from tabwarden.model.errors import UnknownName
from tabwarden.plan.waivers import parse_waivers
from tabwarden.report.plans import stops_table
from tabwarden.run import undo as undoing
from tabwarden.run import undo_to
from tabwarden.run.apply import Applied, apply, load_plan, silent, terms_of
from tabwarden.run.apply import Progress as Progressing
from tabwarden.run.opening import connected
from tabwarden.run.provision import plan_provision, run_provision
from tabwarden.run.telling import log_result, result_words
from tabwarden.settings import load

log = logging.getLogger("tabwarden.run")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    add_words(app)
    app.command("apply", help="Do a plan; journaled, and it goes on where it was interrupted.")(apply_command)


# -- plan ------------------------------------------------------------------------------------------------------


@plan_app.command("provision", help="Joiners and leavers: what would change. Writes a plan file, nothing else.")
@fail_cleanly
def plan_provision_command(settings: SettingsPath = None, out: Out = None, as_json: AsJson = False) -> None:
    """Exit code 2 when there are changes, 3 when a stop forbids them."""
    found = load(settings, os.environ)
    present(plan_provision(found), found, out, as_json=as_json)


@plan_app.command("undo", help="Take back what was done of a plan, or put things back as they were on a day.")
@fail_cleanly
def plan_undo_command(
    plan: Annotated[Path | None, typer.Argument(help="The plan that was applied.")] = None,
    last: Annotated[bool, typer.Option("--last", help="The plan applied last to this site.")] = False,
    to: Annotated[
        str | None, typer.Option("--to", help="A day (2026-11-21), a number of the history, `last`, `previous`.")
    ] = None,
    project: Annotated[str | None, typer.Option("--project", help="With --to: a project and all in it.")] = None,
    group: Annotated[str | None, typer.Option("--group", help="With --to: a group and the rules for it.")] = None,
    user: Annotated[str | None, typer.Option("--user", help="With --to: a person and the rules for her.")] = None,
    settings: SettingsPath = None,
    out: Out = None,
    as_json: AsJson = False,
) -> None:
    """A plan with an impact of its own; apply it to undo."""
    named = [each for each in (project, group, user) if each is not None]
    if [plan is not None, last, to is not None].count(True) != 1:
        raise UnknownName("say what to undo: a plan file, `--last`, or `--to` a day")
    if len(named) > 1 or (named and to is None):
        raise UnknownName("name one of `--project`, `--group` and `--user`, with `--to`; without them it is everything")
    found = load(settings, os.environ)
    with connected(found) as connection:
        if to is not None:
            made = undo_to.plan_undo_to(found, connection, to, undo_to.Scope(project, group, user))
        else:
            made = undoing.plan_undo(found, connection, plan)
    present(made, found, out, as_json=as_json)


# -- apply -----------------------------------------------------------------------------------------------------


@fail_cleanly
def apply_command(
    plan: Annotated[Path, typer.Argument(help="A plan file.")],
    accept: Accept = None,
    settings: SettingsPath = None,
    as_json: AsJson = False,
) -> None:
    """What was looked at is what is done: a plan that is no longer true is a stop."""
    waivers = parse_waivers(accept or ())
    found = load(settings, os.environ)
    made = load_plan(plan)
    with logged(found, quiet=True) as run_log, connected(found) as connection, _bar(as_json) as progress:
        log.info("apply %s (%s)", plan, made.id)
        applied = apply(made, connection, terms_of(found, connection, waivers, progress))
        log_result(applied)
    _tell(applied, run_log, as_json=as_json)


@contextmanager
def _bar(as_json: bool) -> Iterator[Progressing]:
    """A progress bar on standard error, where that is a terminal."""
    err = Console(stderr=True)
    if as_json or not err.is_terminal:
        yield silent
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=err, transient=True) as bar:
        task = bar.add_task("applying", total=None)

        def progress(done: int, of: int, _words: str) -> None:
            bar.update(task, completed=done, total=of)

        yield progress


def _tell(applied: Applied, run_log: RunLog, *, as_json: bool) -> None:
    code = exit_code(applied)
    if as_json:
        print_json({**applied_json(applied), "log": str(run_log.path), "exit_code": code})
        leave(code)
    out = console()
    for line in applied.wrong_waivers:
        out.print(line, markup=False)
    if applied.stops:
        out.print(stops_table(applied.stops))
    else:
        out.print(f"{'resumed: ' if applied.resumed else ''}{result_words(applied)}", style="bold", markup=False)
        for change, entry in applied.not_done:
            remedy = entry.remedy if entry is not None else "not begun; apply the plan again"
            out.print(f"ERROR {change.not_done(entry.code if entry else '', remedy)}", markup=False)
        for change, entry in applied.otherwise:
            out.print(f"note: {change.done()}: {entry.remedy}", markup=False)
        if applied.broken_off:
            out.print(f"broken off: {applied.broken_off}; apply the plan again to go on", markup=False)
    out.print(f"log: {run_log.path}", markup=False)
    leave(code)


# -- run -------------------------------------------------------------------------------------------------------


@run_app.command("provision", help="Joiners and leavers, all in one: one log, one mail, one exit code.")
@fail_cleanly
def run_provision_command(settings: SettingsPath = None, accept: Accept = None, as_json: AsJson = False) -> None:
    """For cron. Nothing is asked; a stop leaves the plan to be looked at."""
    run_command(settings, accept, as_json, run_provision)
