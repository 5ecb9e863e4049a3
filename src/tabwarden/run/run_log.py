"""What a run says in its log and its mail."""

from __future__ import annotations

import logging

from tabwarden import notify
from tabwarden.log import RunLog
from tabwarden.plan.plan import Plan
from tabwarden.report.plans import headline, stop_words
from tabwarden.run.apply import Applied
from tabwarden.settings import Settings
from tabwarden.store.journal import SKIPPED

log = logging.getLogger(__name__)


def log_plan(plan: Plan) -> None:
    """Rows that were refused, people who are held, remarks, and the plan in a sentence."""
    for row in plan.refused:
        log.warning("row %d of %s (`%s`) %s", row.row, row.source, row.value, row.reason)
    for one in plan.held:
        log.warning("held: `%s` %s; %s", one.person, one.reason, one.remedy)
    for note in plan.notes:
        log.info("%s", note)
    log.info("plan %s: %s", plan.id, headline(plan))


def log_result(applied: Applied) -> None:
    """The stops, or what was done and who was not."""
    for line in applied.wrong_waivers:
        log.warning("%s", line)
    for stop in applied.stops:
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


def mail_if_due(settings: Settings, run_log: RunLog, summary: str) -> None:
    """The mail with the log, after errors or a stop (after warnings too where asked). Its failure is a log line."""
    mail = settings.mail
    due = run_log.had_errors or (mail.when == "warnings" and run_log.had_warnings)
    if not mail.enabled or not due:
        return
    run_log.flush()
    problem = notify.send(mail, mail.subject, f"{mail.body}\n\n{summary}\n", run_log.path)
    if problem is None:
        log.info("mail sent to %s", ", ".join(mail.to))
    else:
        log.warning("%s", problem)
