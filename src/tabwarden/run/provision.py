"""Provisioning: gather people from sources and site, decide a plan, and all in one. The doing is in apply.py.

sources -> rosters ┐
                   ├ want -> wanted Site -> diff -> changes -> stops, impact, facts -> Plan
Tableau -> Site ───┘
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from pathlib import Path

from tabwarden.change.diff import diff
from tabwarden.change.facts import facts
from tabwarden.change.impact import impact
from tabwarden.change.outcome import carried_out
from tabwarden.change.plan import Plan, Refused, SiteIdentity, SourceSummary, Waiver
from tabwarden.change.stops import people_stops, source_stops
from tabwarden.model.errors import IncompleteRead, SettingsError, UnknownName
from tabwarden.model.site import Site
from tabwarden.run.apply import Applied, Progress, judge_and_do, keep_plan, plan_path, settle_jobs, silent, terms_of
from tabwarden.run.opening import (
    SNAPSHOTS,
    People,
    connected,
    guarded_of,
    identity_of,
    limits_of,
    policy_of,
    read_sources,
    tasks_of,
)
from tabwarden.run.telling import log_plan, log_result
from tabwarden.settings import Settings
from tabwarden.store import snapshot
from tabwarden.store.journal import last_good_rows, newest, only_writer
from tabwarden.tableau.client import Connection
from tabwarden.tableau.read import owned_by, read_people
from tabwarden.want.provision import want

log = logging.getLogger(__name__)

KIND = "provision"


@dataclass(frozen=True, slots=True)
class Gathered:
    """Everything a plan is decided from. `now` is None when the sources already say no."""

    people: People
    site: SiteIdentity
    now: Site | None
    own_id: str = ""
    owners: frozenset[str] | None = None


def gather(settings: Settings, connection: Connection) -> Gathered:
    """Read the sources, and only if they can be used the site's people."""
    people = read_sources(settings)
    if not people.readings:
        raise SettingsError(["`sources` names neither `joiners` nor `leavers`: there is nobody to provision"])
    for line in people.warnings:
        log.warning("%s", line)
    for reading in people.readings:
        if reading.roster is not None:
            log.info(
                "%s: %d rows from %s, %d of them people",
                reading.task,
                reading.roster.count,
                reading.source,
                len(reading.roster.people),
            )
    if not all(reading.is_usable for reading in people.readings):
        return Gathered(people, identity_of(connection, settings.tableau.site), None)
    now, owners = _read_site(settings, connection, people)
    return Gathered(people, identity_of(connection, now.name), now, connection.user_id, owners)


def _read_site(settings: Settings, connection: Connection, people: People) -> tuple[Site, frozenset[str] | None]:
    removing = settings.provision.remove_leavers
    group = settings.provision.group
    # Whoever is removed leaves all groups, and an undo has to know which.
    names = None if removing else [group.name] if group is not None else []
    now = read_people(connection, names)
    log.info("site `%s`: %d users, %d groups", now.name, len(now.users), len(now.groups))
    if not removing:
        return now, None
    leaving = {u for person in people.roster("leavers").people for u in now.users_named(person.name)}
    return now, frozenset(owned_by(connection, leaving))


def decide(gathered: Gathered, settings: Settings, *, with_contents: bool = True) -> Plan:
    """The plan. `with_contents` also judges who gains or loses sight of what, by the newest snapshot."""
    people, store = gathered.people, settings.store.folder
    limits = limits_of(settings)
    last = last_good_rows(store, gathered.site)
    stops, notes = source_stops(people.readings, last, people.when, limits)
    base = Plan(
        kind=KIND,
        site=gathered.site,
        made_at=people.when,
        sources=_summaries(people),
        refused=_refused(people),
        notes=notes,
        stops=stops,
    )
    if gathered.now is None:
        return base
    now = gathered.now
    policy = policy_of(settings, gathered.own_id, gathered.owners)
    wanted = want(now, people.roster("joiners"), people.roster("leavers"), tasks_of(settings), policy)
    changes = diff(now, wanted.site, wanted.why)
    seen_with = _with_contents(now, store) if with_contents and changes else now
    return replace(
        base,
        changes=changes,
        held=wanted.held,
        notes=(*notes, *wanted.notes, *_about_contents(now, seen_with)),
        stops=(*stops, *people_stops(now, changes, limits, guarded_of(settings, gathered.own_id))),
        impact=impact(seen_with, carried_out(seen_with, changes), len(wanted.held)),
        seen=facts(now, changes),
    )


def _summaries(people: People) -> tuple[SourceSummary, ...]:
    return tuple(
        SourceSummary(r.task, r.source, r.roster.count, len(r.roster.people), r.roster.as_of or people.when)
        for r in people.readings
        if r.roster is not None
    )


def _refused(people: People) -> tuple[Refused, ...]:
    return tuple(
        Refused(f"{reading.task}, {reading.source}", row.row, row.value, row.reason)
        for reading in people.readings
        if reading.roster is not None
        for row in reading.roster.quarantined
    )


def _with_contents(now: Site, store: Path) -> Site:
    """`now` with the content of the newest snapshot, so that the impact can name what people see."""
    try:
        place = snapshot.latest(store / SNAPSHOTS, now.content_url, now.taken.where)
        if place is None:
            return now
        kept = snapshot.load(place)
    except (IncompleteRead, UnknownName) as error:
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


# -- all in one ------------------------------------------------------------------------------------------------


def plan_provision(settings: Settings) -> Plan:
    """Read and decide; nothing is written."""
    with connected(settings) as connection:
        return decide(gather(settings, connection), settings)


def run_provision(settings: Settings, waivers: tuple[Waiver, ...] = (), progress: Progress = silent) -> Applied:
    """Read, decide, stop or do, all of it logged; where it stops, the plan is kept to be looked at."""
    with connected(settings) as connection:
        terms = terms_of(settings, connection, waivers, progress)
        site = identity_of(connection, settings.tableau.site)
        with only_writer(terms.store, site):
            settle_jobs(connection, newest(terms.store, site))
            gathered = gather(settings, connection)
            plan = decide(gathered, settings, with_contents=False)
            log_plan(plan)
            if gathered.now is None:
                applied = Applied(plan, stops=plan.stops)
            else:
                applied = judge_and_do(plan, connection, terms, gathered.now)
            if applied.stops:
                path = keep_plan(plan, plan_path(terms.store, plan.id))
                log.info("nothing was written; the plan is kept in %s", path)
            log_result(applied)
            return applied
