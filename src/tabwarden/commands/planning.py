"""What commands that plan and run share: the words `plan` and `run`, how a plan is shown, how a run is told. No logic.

A family adds its own to `plan_app` and `run_app` in a file of its own, and is named beside both words in cli.py.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from tabwarden.change.plan import Plan, Waiver
from tabwarden.commands.common import CHANGES, DONE, ERROR, STOPPED, console, leave, print_json
from tabwarden.logs import RunLog, open_log
from tabwarden.model.errors import TabwardenError
from tabwarden.plan.waivers import parse_waivers
from tabwarden.report.plans import plan_json, plan_table, stop_json
from tabwarden.run.apply import Applied, keep_plan, plan_path
from tabwarden.run.telling import mail_if_due, result_words
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


def add_words(app: typer.Typer) -> None:
    """Add `plan` and `run`, once, whichever family comes first."""
    for name, words in (("plan", plan_app), ("run", run_app)):
        if all(known.typer_instance is not words for known in app.registered_groups):
            app.add_typer(words, name=name)


# -- plan ------------------------------------------------------------------------------------------------------


def present(plan: Plan, settings: Settings, out: Path | None, *, as_json: bool) -> None:
    """Keep the plan where it matters, show it, and leave with 0 (nothing), 2 (changes) or 3 (a stop)."""
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


# -- apply and run ---------------------------------------------------------------------------------------------


def exit_code(applied: Applied) -> int:
    """0 done, 1 somebody was not done, 3 a stop."""
    if applied.stops:
        return STOPPED
    return DONE if applied.succeeded else ERROR


def applied_json(applied: Applied) -> Mapping[str, Any]:
    """What came of a plan, by number and by person."""
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


Running = Callable[[Settings, tuple[Waiver, ...]], Applied]


def run_command(settings: Path | None, accept: list[str] | None, as_json: bool, running: Running) -> None:
    """For cron: load, run, tell, mail, leave. Nothing is asked; a stop leaves the plan to be looked at."""
    waivers = parse_waivers(accept or ())
    found = load(settings, os.environ)
    with logged(found, quiet=as_json) as run_log:
        for line in found.warnings():
            log.warning("%s", line)
        applied = _run(found, waivers, running)
        code = ERROR if applied is None else exit_code(applied)
        summary = "it ended with an error" if applied is None else _summary(applied)
        mail_if_due(found, run_log, f"{summary}; exit code {code}")
    if as_json:
        told = {} if applied is None else applied_json(applied)
        print_json({**told, "log": str(run_log.path), "exit_code": code})
    leave(code)


def _run(settings: Settings, waivers: tuple[Waiver, ...], running: Running) -> Applied | None:
    """The run; None when it ended with an error, which is logged: a mail goes out whatever happens."""
    try:
        return running(settings, waivers)
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
def logged(settings: Settings, *, quiet: bool) -> Iterator[RunLog]:
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
