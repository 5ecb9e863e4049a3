"""From a wanted Site to a plan, and a run from reading to doing: what every kind of plan shares. Not what is wanted."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace

from tabwarden.model.errors import TabwardenError, UnknownName
from tabwarden.model.site import Site
from tabwarden.plan.facts import facts
from tabwarden.plan.impact import impact
from tabwarden.plan.order import diff
from tabwarden.plan.outcome import carried_out
from tabwarden.plan.plan import Change, Plan, Refused, SiteIdentity, SourceSummary, Waiver
from tabwarden.plan.stops import people_stops, source_stops
from tabwarden.run import history
from tabwarden.run.apply import Applied, Progress, judge_and_do, keep_plan, plan_path, settle_jobs, silent, terms_of
from tabwarden.run.context import People, guarded_of, identity_of, limits_of
from tabwarden.run.run_log import log_plan, log_result
from tabwarden.run.sign_in import connected
from tabwarden.settings import Settings
from tabwarden.store.journal import last_good_rows, newest, only_writer
from tabwarden.tableau.http.connection import Connection
from tabwarden.want.wanted import Wanted

log = logging.getLogger(__name__)

Deciding = Callable[[Connection], tuple[Plan, Site | None]]
"""Reads and decides: the plan, and the site it was decided on; None where the sources already said no."""


def told_by_sources(kind: str, people: People, site: SiteIdentity, settings: Settings) -> Plan:
    """A plan of what the sources told alone: how much, which rows are no people, the stops about them."""
    last = last_good_rows(settings.store.folder, site)
    stops, notes = source_stops(people.readings, last, people.when, limits_of(settings))
    return Plan(
        kind=kind,
        site=site,
        made_at=people.when,
        sources=_summaries(people),
        refused=refused(people),
        notes=notes,
        stops=stops,
    )


def planned(
    base: Plan,
    now: Site,
    wanted: Wanted,
    settings: Settings,
    own_id: str,
    *,
    with_contents: bool = True,
    changes: tuple[Change, ...] | None = None,
) -> Plan:
    """`base` with what makes `now` the wanted Site: changes, who is held, stops about people, impact, facts seen.

    `with_contents` also judges who gains or loses sight of what, by the newest snapshot. `changes` are those to be
    done where they are more than the difference: what Tableau does itself is among them.
    """
    if changes is None:
        changes = diff(now, wanted.site, wanted.why)
    seen_with = with_content_of(now, settings) if with_contents and changes else now
    return replace(
        base,
        changes=changes,
        held=(*base.held, *wanted.held),
        notes=(*base.notes, *wanted.notes, *_about_contents(now, seen_with)),
        stops=(*base.stops, *people_stops(now, changes, limits_of(settings), guarded_of(settings, own_id))),
        impact=impact(seen_with, carried_out(seen_with, changes), len(base.held) + len(wanted.held)),
        seen=facts(now, changes),
    )


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


def _summaries(people: People) -> tuple[SourceSummary, ...]:
    """What each source told, in short."""
    return tuple(
        SourceSummary(r.task, r.source, r.roster.count, len(r.roster.people), r.roster.as_of or people.when)
        for r in people.readings
        if r.roster is not None
    )


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


def _about_contents(now: Site, seen_with: Site) -> tuple[str, ...]:
    if seen_with is now:
        return ()
    return (f"who gains or loses sight of content is told by the snapshot of {seen_with.taken.when}",)


def log_readings(people: People) -> None:
    """What the sources warned of and how much they told, for the log."""
    for line in people.warnings:
        log.warning("%s", line)
    for reading in people.readings:
        if reading.roster is not None:
            rows, usable = reading.roster.count, len(reading.roster.people)
            log.info("%s: %d rows from %s, %d of them people", reading.task, rows, reading.source, usable)
