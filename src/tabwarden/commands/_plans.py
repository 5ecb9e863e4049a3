"""What commands that plan, apply and run share: showing a plan, logging and telling a run, their exit codes."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tabwarden.commands._answer import COLLECTED, CSV, JSON, Output
from tabwarden.commands._options import again, load_settings, typed
from tabwarden.commands._output import CHANGES, DONE, ERROR, STOPPED, leave, say
from tabwarden.commands._unforeseen import sentence
from tabwarden.log import RunLog
from tabwarden.model.errors import SettingsError, TabwardenError
from tabwarden.model.names import same, some
from tabwarden.model.roles import ui_role
from tabwarden.places import located
from tabwarden.plan.plan import Plan, Waiver
from tabwarden.plan.waivers import parse_waivers
from tabwarden.report.plans import plan_json, plan_table
from tabwarden.report.table import NAME, Column, Many, Table, Text
from tabwarden.run.apply import Applied
from tabwarden.run.persons import OnSite, leavers_elsewhere
from tabwarden.run.plans import keep_in
from tabwarden.run.run_log import mail_if_due, opened, result_words
from tabwarden.scrubber import Scrubber
from tabwarden.section import Part
from tabwarden.settings import Logs, Mail, Settings, load_part

log = logging.getLogger("tabwarden.run")


def present(plan: Plan, settings: Settings, out: Path | None, output: Output) -> None:
    """Keep the plan where it matters, show it, and leave with 0 (nothing), 2 (changes) or 3 (a stop)."""
    number, path = 0, None
    if out is not None or plan.changes or plan.stops:
        number, path = keep_in(settings.store.folder, plan, out)
    parts: list[Text] = []
    if path is not None:
        parts.append(Text(f"plan {number} ({plan.id}) written to {path}", "command"))
        accept = "".join(f" --accept {s.id}={s.number}" for s in plan.stops_of_all if s.waivable)
        if plan.changes and all(stop.waivable for stop in plan.stops_of_all):
            again_words = f"{typed(path) if out else number}{accept}{again(settings)}"
            parts.append(Text(f"next: tabwarden apply {again_words}", "command"))
    document = {"file": str(path) if path else None, "number": number or None}
    others = leavers_elsewhere(settings, plan)
    shown = [plan_table(plan), *_of_leavers(others), *parts]
    output.give(shown, lambda: {**document, **plan_json(plan), "leavers_elsewhere": _leavers_json(others)})
    for line in parts if output.save or output.part or output.fields or output.form == CSV else ():
        output.note(line.words)  # which somebody looks for who sees a file made, or a table alone
    leave(STOPPED if plan.stops else CHANGES if plan.changes else DONE)


def _of_leavers(others: Sequence[OnSite]) -> list[Table]:
    """Where else whoever leaves is a user; `--site all` takes her from each."""
    by_person: dict[str, list[str]] = {}
    for one in others:
        name = "" if same(one.user.name) == same(one.person) else f"as {one.user.name}, "
        where = f"{one.site.content_url or 'Default'} ({name}{ui_role(one.user.site_role)})"
        by_person.setdefault(one.person, []).append(where)
    rows = [(person, Many(where)) for person, where in by_person.items()]
    title = "Whoever leaves, on other sites; `--site all` takes her from each"
    return [Table(Column("Person", NAME), "Also on", name="leavers", title=title, rows=rows)] if rows else []


def _leavers_json(others: Sequence[OnSite]) -> list[dict[str, str]]:
    return [
        {
            "person": one.person,
            "server": one.site.taken.where,
            "site": one.site.content_url,
            "user": one.user.name,
            "domain": one.user.domain,
            "site_role": one.user.site_role,
        }
        for one in others
    ]


def exit_code(applied: Applied) -> int:
    """0 done, 1 somebody was not done or a leaver is held, 3 a stop, of one list too."""
    if applied.stops:
        return STOPPED
    if not applied.succeeded or applied.leavers_left:
        return ERROR
    return STOPPED if applied.plan.stops_of_lists else DONE


def applied_json(applied: Applied) -> Mapping[str, Any]:
    """What came of a plan, by number and by person."""
    return {
        "plan": applied.plan.id,
        "kind": applied.plan.kind,
        "changes": len(applied.plan.changes),
        **{status: applied.count(status) for status in ("done", "already", "instead", "failed", "skipped")},
        "resumed": applied.resumed,
        "broken_off": applied.broken_off,
        "leavers_left": list(applied.leavers_left),
        "held": [asdict(person) for person in applied.plan.held],
        "refused": [asdict(row) for row in applied.plan.refused],
        "stops": [asdict(stop) for stop in applied.stops_told],
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


def run_command(settings: Path | None, accept: list[str] | None, output: Output, running: Running) -> None:
    """For cron: load, run, tell, mail, leave. Nothing is asked; a stop leaves the plan to be looked at.

    Of one site out of many the answer is given with those of the others, and so is the mail.
    """
    of_many = COLLECTED.get() is not None
    waivers = parse_waivers(accept or ())
    try:
        loaded = load_settings(settings)
    except SettingsError as error:
        if not of_many:
            tell_that_none_are_usable(settings, error)
        raise
    beside = output.quiet or bool(output.form or output.save)
    with logged(loaded, quiet=output.form == JSON, errors_only=beside) as run_log:
        for line in loaded.warnings():
            log.warning("%s", line)
        applied = _run(loaded, waivers, running)
        code = ERROR if applied is None else exit_code(applied)
        others = leavers_elsewhere(loaded, applied.plan) if applied is not None else []
        summary = "it ended with an error" if applied is None else _summary(applied)
        if not of_many:
            mail_if_due(loaded.mail, run_log, f"{summary}; exit code {code}")
    result = {} if applied is None else applied_json(applied)
    plan = [] if applied is None else [plan_table(applied.plan), *_of_leavers(others)]
    if output.form or output.save or of_many:
        document = {**result, "leavers_elsewhere": _leavers_json(others), "log": str(run_log.path), "exit_code": code}
        log_of_it = [] if of_many else [f"log: {run_log.path}"]
        output.give([Text(f"{summary}; exit code {code}", "bold"), *plan, *log_of_it], lambda: document)
    leave(code)


def tell_that_none_are_usable(path: Path | None, error: SettingsError) -> None:
    """Nobody looks at a job of cron: what is wrong goes into a log too, and by mail where that can be read."""
    try:
        file = located(path, os.environ).path
        if file is None:
            return
        logs = _part("logs", Logs, path) or Logs.model_validate({}, context={"folder": file.parent})
        run_log = opened(logs)
    except TabwardenError as problem:
        say(f"no log was written: {problem}")
        return
    with run_log:
        for line in error.lines:
            log.error("%s", line)
        mail = _part("mail", Mail, path)
        if mail is None:
            log.error("no mail was sent: the section `mail` cannot be used either")
        else:
            mail_if_due(mail, run_log, f"the settings cannot be used, and nothing was done; exit code {ERROR}")
    say(f"log: {run_log.path}")


def _part(name: str, kind: type[Part], path: Path | None) -> Part | None:
    """One section of settings that are broken elsewhere; None where it is broken too."""
    try:
        return load_part(name, kind, path, alone=True)
    except SettingsError:
        return None


def _run(settings: Settings, waivers: tuple[Waiver, ...], running: Running) -> Applied | None:
    """The run; None when it ended with an error, which is logged: a mail goes out whatever happens."""
    try:
        return running(settings, waivers)
    except TabwardenError as error:
        log.error("%s", error)
    except Exception as error:  # whatever it is, it is told, and by mail too
        log.error("%s", sentence("tabwarden run", error))
    return None


def _summary(applied: Applied) -> str:
    if applied.stops:
        return f"stopped by {', '.join(stop.id for stop in applied.stops)}: nothing was written"
    left = applied.leavers_left
    keep = [f"leavers who may keep a licence: {some(left)}"] if left else []
    apart = [f"nothing was done about {stop.only} ({stop.id})" for stop in applied.plan.stops_of_lists]
    return "; ".join([result_words(applied), *keep, *apart])


@contextmanager
def logged(settings: Settings, *, quiet: bool, errors_only: bool = False) -> Iterator[RunLog]:
    """The dated log of this run; of one site out of many the log of all of them, each line with the site."""
    logs, collected = settings.logs, COLLECTED.get()
    if collected is not None and collected.log is not None:
        scrub, label = Scrubber(settings.secrets()), collected.label
        with RunLog(
            collected.log, logs.level, as_json=logs.as_json, scrub=lambda text: f"{label}: {scrub(text)}", consoles=()
        ) as run_log:
            yield run_log
            collected.errors, collected.warnings = run_log.errors, run_log.warnings
        return
    with opened(logs, Scrubber(settings.secrets()), quiet=quiet, errors_only=errors_only) as run_log:
        yield run_log
