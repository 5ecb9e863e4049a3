"""From a wanted Site to a plan: what every kind of plan shares."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tabwarden.effects.change import Change
from tabwarden.model.errors import TabwardenError, UnknownName
from tabwarden.model.site import Site
from tabwarden.plan.build import LATELY, Basis, build
from tabwarden.plan.order import diff
from tabwarden.plan.plan import Plan, Refused, SiteIdentity, SourceSummary
from tabwarden.plan.stops import Reading
from tabwarden.run import history, setting_names
from tabwarden.run.context import Context, People, guarded_of, invariants_of, limits_of
from tabwarden.settings import Settings
from tabwarden.store.journal import last_good_rows
from tabwarden.store.journal import now as present
from tabwarden.store.usage.days import folder_of, kept
from tabwarden.want.roster import Quarantined
from tabwarden.want.wanted import Wanted

log = logging.getLogger(__name__)


def basis_of(
    context: Context,
    kind: str,
    site: SiteIdentity,
    now: Site | None,
    *,
    when: str = "",
    undoes: str = "",
    takes_back: str = "",
) -> Basis:
    """What every plan of a run rests on. SettingsError with every name in the settings that fits nobody of `now`."""
    gone = setting_names.gone(context.settings, now, context.store, site) if now is not None else ()
    return Basis(
        kind=kind,
        site=site,
        made_at=when or present(),
        limits=limits_of(context.settings),
        guarded=guarded_of(context),
        notes=tuple(setting_names.remark(*one) for one in gone),
        undoes=undoes,
        takes_back=takes_back,
        invariants=invariants_of(context.settings),
        used=used_lately(context.store, site.id),
    )


def used_lately(store: Path, site_id: str) -> frozenset[tuple[str, str]] | None:
    """Who used what in the last days, as pairs of ids; None where use was never read."""
    if not folder_of(store, site_id).is_dir():
        return None
    since = (datetime.now(UTC) - timedelta(days=LATELY)).date().isoformat()
    return frozenset((row.user, row.content) for row in kept(store, site_id, since) if row.user)


def with_sources(context: Context, basis: Basis, people: People) -> Basis:
    """The same with what the sources gave: how much, which rows are no people, what the last good run had."""
    summaries = (
        SourceSummary(r.task, r.source, r.roster.count, len(r.roster.people), r.roster.as_of or people.when)
        for r in people.readings
        if r.roster is not None and r.task not in people.left_out
    )
    return replace(
        basis,
        left_out=people.left_out,
        readings=tuple(r if r.roster is None else r._replace(roster=r.roster.in_brief) for r in people.readings),
        last_rows=last_good_rows(context.store, basis.site),
        sources=tuple(summaries),
        refused=refused(people),
    )


def planned(
    context: Context,
    basis: Basis,
    now: Site,
    wanted: Wanted,
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
    shown = with_content_of(context.settings, now) if (with_contents or basis.invariants) and changes else now
    left_alone, notes, unlisted = wanted.held, wanted.notes, wanted.unlisted
    del wanted  # which of a million joiners is as large as the plan
    if shown is not now:
        notes = (*notes, f"who gains or loses sight of content is told by the snapshot of {shown.taken.when}")
    basis = replace(basis, takes=context.takes)
    return build(basis, now, changes, held=left_alone, notes=notes, shown=shown, unlisted=unlisted)


def refused(people: People) -> tuple[Refused, ...]:
    """The rows that are no people."""
    return tuple(
        Refused(f"{reading.task}, {reading.source}", row.row, row.value, row.reason, _leaves(reading, row))
        for reading in people.readings
        if reading.roster is not None
        for row in reading.roster.quarantined
    )


def _leaves(reading: Reading, row: Quarantined) -> bool:
    """Whether a row that is not used names a leaver; one that repeats another takes nothing away."""
    return (row.leaver or reading.task == "leavers") and bool(row.value.strip()) and not row.is_twin


def with_content_of(settings: Settings, now: Site) -> Site:
    """`now` with the content of the newest snapshot, so that the impact can name what people see."""
    try:
        whole = history.newest_site(settings).site
    except UnknownName:
        return now  # nothing was ever read
    except TabwardenError as error:
        log.warning("%s", error)
        return now
    taken = replace(now.taken, when=whole.taken.when)
    groups = {
        g.id: replace(g, members=whole.groups[g.id].members) if g.members is None and g.id in whole.groups else g
        for g in now.groups.values()
    }
    return replace(now, contents=whole.contents, group_sets=whole.group_sets, groups=groups, taken=taken)


def log_readings(people: People) -> None:
    """What the sources warned of and how much they told, for the log."""
    for line in people.warnings:
        log.warning("%s", line)
    for reading in people.readings:
        if reading.roster is not None:
            rows, usable = reading.roster.count, len(reading.roster.people)
            log.info("%s: %d rows from %s, %d of them people", reading.task, rows, reading.source, usable)
