"""A run: alone on the site, logged and mailed, from gathering to doing."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from tabwarden import notify
from tabwarden.log import RunLog, open_log
from tabwarden.model.names import visible
from tabwarden.model.site import Site
from tabwarden.plan.plan import Plan, Waiver
from tabwarden.report.plans import headline, stop_words
from tabwarden.run.apply import Applied, judge_and_do, settle_jobs, terms_of
from tabwarden.run.context import Context, Progress, running, silent
from tabwarden.run.plans import keep_in
from tabwarden.scrubber import KNOWN, Scrubber
from tabwarden.settings import Logs, Mail, Settings
from tabwarden.store.journal import SKIPPED, newest, only_writer

log = logging.getLogger(__name__)


def opened(logs: Logs, scrub: Scrubber = KNOWN, *, quiet: bool = True, errors_only: bool = False) -> RunLog:
    """A log as the settings have it; `scrub` takes out the secrets that are known. TabwardenError as `open_log`."""
    return open_log(
        logs.folder,
        level=logs.level,
        retention_days=logs.retention_days,
        as_json=logs.as_json,
        scrub=scrub,
        quiet=quiet,
        errors_only=errors_only,
    )


def log_plan(plan: Plan) -> None:
    """Rows that were refused, people who are held, remarks, and the plan in a sentence."""
    for row in plan.refused:
        level = logging.ERROR if row.leaver else logging.WARNING
        log.log(level, "row %d of %s (`%s`) %s", row.row, row.source, row.value, row.reason)
    for one in plan.held:
        level, who = (logging.ERROR, "held leaver") if one.leaver else (logging.WARNING, "held")
        log.log(level, "%s: `%s` %s; %s", who, one.person, one.reason, one.remedy)
    for user in plan.unlisted:
        login = user.last_login or "never"
        log.warning("in no authoritative source: `%s`, %s, last sign-in %s", user.person, user.site_role, login)
    for note in plan.notes:
        log.info("%s", note)
    log.info("plan %s: %s", plan.id, headline(plan))


def log_result(applied: Applied) -> None:
    """The stops, or what was done and who was not."""
    for line in applied.wrong_waivers:
        log.warning("%s", line)
    for stop in applied.stops_told:
        log.error("%s", stop_words(stop))
    if applied.stops:
        return
    log.info("%s", result_words(applied))
    for change, entry in applied.not_done:
        if entry is None:
            log.error("%s", change.not_done("", "it was not begun; apply the plan again"))
        elif entry.status == SKIPPED:
            log.error("not done: %s", change.not_done(entry.code, entry.remedy))


_OTHER_ENDS = (
    ("already", "were so already"),
    ("instead", "not removed but Unlicensed"),
    ("failed", "failed"),
    ("skipped", "skipped"),
)


def result_words(applied: Applied) -> str:
    """`312 changes done, 3 were so already, 1 failed, 2 skipped`."""
    if not applied.plan.changes:
        return "nothing to do"
    done = applied.count("done")
    counts = [f"{done} {'change' if done == 1 else 'changes'} done"]
    counts += [f"{applied.count(status)} {words}" for status, words in _OTHER_ENDS if applied.count(status)]
    left = len(applied.plan.changes) - len(applied.entries)
    return ", ".join([*counts, f"{left} not begun"] if left else counts)


def mail_if_due(mail: Mail, run_log: RunLog, summary: str, *, errors: int = 0, warnings: int = 0) -> None:
    """The mail with the log, after errors or a stop (after warnings too where asked). Its failure is a log line.

    `errors` and `warnings` are those that other processes wrote to the log.
    """
    due = run_log.errors + errors or (mail.when == "warnings" and run_log.warnings + warnings)
    if not mail.enabled or not due:
        return
    run_log.flush()
    problem = notify.send(mail, mail.subject, f"{mail.body}\n\n{visible(summary)}\n", run_log.path)
    if problem is None:
        log.info("mail sent to %s", ", ".join(mail.to))
    else:
        log.warning("%s", problem)


@contextmanager
def alone(settings: Settings, progress: Progress = silent) -> Iterator[Context]:
    """The context of a run while nobody else writes to the site, and what an earlier one left running is over."""
    with running(settings, progress) as context, only_writer(context.store, context.site()):
        settle_jobs(context.connection, newest(context.store, context.site()))
        yield context


def do(context: Context, plan: Plan, now: Site | None, waivers: tuple[Waiver, ...] = ()) -> Applied:
    """Stop or do the plan, all of it logged; where it stops, the plan is kept to be looked at.

    `now` is the site it was decided on, None where the sources already said no.
    """
    log_plan(plan)
    stopped = Applied(plan, stops=plan.stops)
    applied = stopped if now is None else judge_and_do(plan, context.connection, terms_of(context, waivers), now)
    if applied.stops:
        log.info("nothing was written; the plan is kept as number %d in %s", *keep_in(context.store, plan))
    log_result(applied)
    return applied
