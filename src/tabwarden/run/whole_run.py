"""A whole run: alone on the site and logged, from gathering to doing."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from tabwarden.model.site import Site
from tabwarden.plan.plan import Plan, Waiver
from tabwarden.run.apply import Applied, judge_and_do, keep_plan, plan_path, settle_jobs, terms_of
from tabwarden.run.context import Context, Progress, running, silent
from tabwarden.run.run_log import log_plan, log_result
from tabwarden.settings import Settings
from tabwarden.store.journal import newest, only_writer

log = logging.getLogger(__name__)


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
        log.info("nothing was written; the plan is kept in %s", keep_plan(plan, plan_path(context.store, plan.id)))
    log_result(applied)
    return applied
