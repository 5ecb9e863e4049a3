"""From a wanted Site to a plan, and a run from reading to doing: what every kind of plan shares."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace

from tabwarden.effects.change import Change
from tabwarden.model.errors import TabwardenError, UnknownName
from tabwarden.model.site import Site
from tabwarden.plan.build import Basis, build
from tabwarden.plan.order import diff
from tabwarden.plan.plan import Plan, Refused, SiteIdentity, SourceSummary, Waiver
from tabwarden.run import history
from tabwarden.run.apply import Applied, Progress, judge_and_do, keep_plan, plan_path, settle_jobs, silent, terms_of
from tabwarden.run.context import People, guarded_of, identity_of, limits_of
from tabwarden.run.run_log import log_plan, log_result
from tabwarden.run.sign_in import connected
from tabwarden.settings import Settings
from tabwarden.store.journal import last_good_rows, newest, only_writer
from tabwarden.store.journal import now as present
from tabwarden.tableau.http.connection import Connection
from tabwarden.want.wanted import Wanted

log = logging.getLogger(__name__)

Deciding = Callable[[Connection], tuple[Plan, Site | None]]
"""Reads and decides: the plan, and the site it was decided on; None where the sources already said no."""


def basis_of(
    kind: str, site: SiteIdentity, settings: Settings, own_id: str = "", *, when: str = "", undoes: str = ""
) -> Basis:
    """What every plan for these settings rests on; `own_id` is the user who runs this."""
    return Basis(
        kind=kind,
        site=site,
        made_at=when or present(),
        limits=limits_of(settings),
        guarded=guarded_of(settings, own_id),
        undoes=undoes,
    )


def with_sources(basis: Basis, people: People, settings: Settings) -> Basis:
    """The same with what the sources gave: how much, which rows are no people, what the last good run had."""
    summaries = (
        SourceSummary(r.task, r.source, r.roster.count, len(r.roster.people), r.roster.as_of or people.when)
        for r in people.readings
        if r.roster is not None
    )
    return replace(
        basis,
        readings=people.readings,
        last_rows=last_good_rows(settings.store.folder, basis.site),
        sources=tuple(summaries),
        refused=refused(people),
    )


def planned(
    basis: Basis,
    now: Site,
    wanted: Wanted,
    settings: Settings,
    *,
    with_contents: bool = True,
    changes: tuple[Change, ...] | None = None,
) -> Plan:
    """The plan that makes `now` the wanted Site.

    `with_contents` also judges who gains or loses sight of what, by the newest snapshot. `changes` are those to be
    done where they are more than the difference: what Tableau does itself is among them.
    """
    if changes is None:
        changes = diff(now, wanted.site, wanted.why)
    shown = with_content_of(now, settings) if with_contents and changes else now
    notes = wanted.notes
    if shown is not now:
        notes = (*notes, f"who gains or loses sight of content is told by the snapshot of {shown.taken.when}")
    return build(basis, now, changes, held=wanted.held, notes=notes, shown=shown)


def run_plan(
    settings: Settings, deciding: Deciding, waivers: tuple[Waiver, ...] = (), progress: Progress = silent
) -> Applied:
    """Read, decide, stop or do, all of it logged; where it stops, the plan is kept to be looked at."""
    with connected(settings) as connection:
        terms = terms_of(settings, connection, waivers, progress)
        site = identity_of(connection, settings.tableau.site)
        with only_writer(terms.store, site):
            settle_jobs(connection, newest(terms.store, site))
            plan, now = deciding(connection)
            log_plan(plan)
            applied = Applied(plan, stops=plan.stops) if now is None else judge_and_do(plan, connection, terms, now)
            if applied.stops:
                path = keep_plan(plan, plan_path(terms.store, plan.id))
                log.info("nothing was written; the plan is kept in %s", path)
            log_result(applied)
            return applied


def refused(people: People) -> tuple[Refused, ...]:
    """The rows that are no people."""
    return tuple(
        Refused(f"{reading.task}, {reading.source}", row.row, row.value, row.reason)
        for reading in people.readings
        if reading.roster is not None
        for row in reading.roster.quarantined
    )


def with_content_of(now: Site, settings: Settings) -> Site:
    """`now` with the content of the newest snapshot, so that the impact can name what people see."""
    try:
        kept = history.newest_site(settings).site
    except UnknownName:
        return now  # nothing was ever read
    except TabwardenError as error:
        log.warning("%s", error)
        return now
    taken = replace(now.taken, when=kept.taken.when)
    groups = {
        g.id: replace(g, members=kept.groups[g.id].members) if g.members is None and g.id in kept.groups else g
        for g in now.groups.values()
    }
    return replace(now, contents=kept.contents, group_sets=kept.group_sets, groups=groups, taken=taken)


def log_readings(people: People) -> None:
    """What the sources warned of and how much they told, for the log."""
    for line in people.warnings:
        log.warning("%s", line)
    for reading in people.readings:
        if reading.roster is not None:
            rows, usable = reading.roster.count, len(reading.roster.people)
            log.info("%s: %d rows from %s, %d of them people", reading.task, rows, reading.source, usable)
