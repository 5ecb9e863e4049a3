"""`tabwarden plan provision|undo`, `apply` and `run provision`. How people start them and what they read; no logic.

Exit codes: 0 done or nothing to do, 1 an error or somebody was not done, 2 `plan` found changes, 3 a stop.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from tabwarden.change.plan import Plan, Waiver
from tabwarden.change.stops import parse_waivers
from tabwarden.commands.common import (
    CHANGES,
    DONE,
    ERROR,
    STOPPED,
    AsJson,
    console,
    fail_cleanly,
    leave,
    print_json,
)
from tabwarden.logs import RunLog, open_log
from tabwarden.model.errors import TabwardenError, UnknownName
from tabwarden.report.changes import not_done
from tabwarden.report.plans import plan_json, plan_table, stop_json, stops_table
from tabwarden.run import undo as undoing
from tabwarden.run import undo_to
from tabwarden.run.apply import Applied, apply, keep_plan, load_plan, plan_path, silent, terms_of
from tabwarden.run.apply import Progress as Progressing
from tabwarden.run.opening import connected
from tabwarden.run.provision import plan_provision, run_provision
from tabwarden.run.telling import log_result, mail_if_due, result_words
from tabwarden.secrets import Scrubber
from tabwarden.settings import Settings, load

log = logging.getLogger("tabwarden.run")

SettingsPath = Annotated[Path | None, typer.Option("--settings", help="File or folder; default: here.")]
Out = Annotated[Path | None, typer.Option("--out", help="Where to write the plan; default: in the store's folder.")]
Accept = Annotated[
    list[str] | None,
    typer.Option("--accept", metavar="STOP=NUMBER", help="Accept one stop by its name and number; repeatable."),
]

plan_app = typer.Typer(no_args_is_help=True, help="Work out what would change, and what that does to people.")
run_app = typer.Typer(no_args_is_help=True, help="Read, plan, stop or apply, in one process: for cron.")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(plan_app, name="plan")
    app.command("apply", help="Do a plan; journaled, and it goes on where it was interrupted.")(apply_command)
    app.add_typer(run_app, name="run")


# -- plan ------------------------------------------------------------------------------------------------------


@plan_app.command("provision", help="Joiners and leavers: what would change. Writes a plan file, nothing else.")
@fail_cleanly
def plan_provision_command(settings: SettingsPath = None, out: Out = None, as_json: AsJson = False) -> None:
    """Exit code 2 when there are changes, 3 when a stop forbids them."""
    found = load(settings, os.environ)
    _present(plan_provision(found), found, out, as_json=as_json)


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
    _present(made, found, out, as_json=as_json)


def _present(plan: Plan, settings: Settings, out: Path | None, *, as_json: bool) -> None:
    path = None
    if out is not None or plan.changes or plan.stops:
        path = keep_plan(plan, out or plan_path(settings.store.folder, plan.id))
    if as_json:
        print_json({"file": str(path) if path else None, **plan_json(plan)})
    else:
        to = console()
        to.print(plan_table(plan))
        if path is not None:
            to.print(f"plan {plan.id} written to {path}", markup=False)
            accept = "".join(f" --accept {s.id}={s.number}" for s in plan.stops if s.waivable)
            if plan.changes and all(stop.waivable for stop in plan.stops):
                to.print(f"next: tabwarden apply {path}{accept}", markup=False)
    leave(STOPPED if plan.stops else CHANGES if plan.changes else DONE)


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
    with _logged(found, quiet=True) as run_log, connected(found) as connection, _bar(as_json) as progress:
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
    code = _exit_code(applied)
    if as_json:
        print_json({**_applied_json(applied), "log": str(run_log.path), "exit_code": code})
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
            out.print(f"ERROR {not_done(change, entry.code if entry else '', remedy)}", markup=False)
        if applied.broken_off:
            out.print(f"broken off: {applied.broken_off}; apply the plan again to go on", markup=False)
    out.print(f"log: {run_log.path}", markup=False)
    leave(code)


def _exit_code(applied: Applied) -> int:
    if applied.stops:
        return STOPPED
    return DONE if applied.succeeded else ERROR


def _applied_json(applied: Applied) -> Mapping[str, Any]:
    return {
        "plan": applied.plan.id,
        "kind": applied.plan.kind,
        "changes": len(applied.plan.changes),
        **{status: applied.count(status) for status in ("done", "already", "failed", "skipped")},
        "resumed": applied.resumed,
        "broken_off": applied.broken_off,
        "held": [held._asdict() for held in applied.plan.held],
        "refused": [row._asdict() for row in applied.plan.refused],
        "stops": [stop_json(stop) for stop in applied.stops],
        "wrong_waivers": list(applied.wrong_waivers),
        "not_done": [
            {
                "person": change.person,
                "step": change.op,
                "status": entry.status if entry else "not begun",
                "code": entry.code if entry else "",
                "remedy": entry.remedy if entry else "apply the plan again",
            }
            for change, entry in applied.not_done
        ],
    }


# -- run -------------------------------------------------------------------------------------------------------


@run_app.command("provision", help="Joiners and leavers, all in one: one log, one mail, one exit code.")
@fail_cleanly
def run_provision_command(settings: SettingsPath = None, accept: Accept = None, as_json: AsJson = False) -> None:
    """For cron. Nothing is asked; a stop leaves the plan to be looked at."""
    waivers = parse_waivers(accept or ())
    found = load(settings, os.environ)
    with _logged(found, quiet=as_json) as run_log:
        for line in found.warnings():
            log.warning("%s", line)
        applied = _run(found, waivers)
        code = ERROR if applied is None else _exit_code(applied)
        summary = "it ended with an error" if applied is None else _summary(applied)
        mail_if_due(found, run_log, f"{summary}; exit code {code}")
    if as_json:
        told = {} if applied is None else _applied_json(applied)
        print_json({**told, "log": str(run_log.path), "exit_code": code})
    leave(code)


def _run(settings: Settings, waivers: tuple[Waiver, ...]) -> Applied | None:
    """The run; None when it ended with an error, which is logged: a mail goes out whatever happens."""
    try:
        return run_provision(settings, waivers)
    except TabwardenError as error:
        log.error("%s", error)
    except Exception:  # whatever it is, it is told, and by mail too
        log.exception("an error nobody foresaw; please report it with this log")
    return None


def _summary(applied: Applied) -> str:
    if applied.stops:
        return f"stopped by {', '.join(stop.id for stop in applied.stops)}: nothing was written"
    return result_words(applied)


@contextmanager
def _logged(settings: Settings, *, quiet: bool) -> Iterator[RunLog]:
    """The dated log of this run."""
    logs = settings.logs
    with open_log(
        logs.folder,
        level=logs.level,
        retention_days=logs.retention_days,
        as_json=logs.as_json,
        scrub=Scrubber(settings.secrets()),
        quiet=quiet,
    ) as run_log:
        yield run_log
