"""Doing a plan: judge it against the site as it is now, then change after change with a journal.

The journal is written before and after every request. Killed anywhere, the same plan goes on where it ended: what
was begun and not ended is looked up on the server first, so that nothing is done twice.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from tabwarden.effects.change import ALL_GROUPS, CONTENT, NICKNAMES, REFRESHES, Change
from tabwarden.effects.ref import Lookup
from tabwarden.model.errors import TableauError, TabwardenError
from tabwarden.model.site import Site
from tabwarden.plan.build import Progressed, stops_now
from tabwarden.plan.plan import Plan, Stop, Waiver
from tabwarden.plan.stops import Guarded, Limits
from tabwarden.plan.waivers import mismatches, not_waived
from tabwarden.run import history, setting_names
from tabwarden.run.context import Context, Progress, guarded_of, invariants_of, limits_of, silent
from tabwarden.run.planning import with_content_of
from tabwarden.run.plans import keep_in
from tabwarden.settings import Settings
from tabwarden.store.journal import (
    ALREADY,
    DONE,
    FAILED,
    INSTEAD,
    SKIPPED,
    ChangeResult,
    Journal,
    Record,
    keep_good_run,
    only_writer,
    path_of,
    read,
)
from tabwarden.store.journal import (
    now as present,
)
from tabwarden.store.rosters import keep_of_plan
from tabwarden.tableau.http.connection import Connection
from tabwarden.tableau.read.people import read_people
from tabwarden.tableau.read.site import read_site
from tabwarden.tableau.write.bulk import wait_for_user_jobs
from tabwarden.tableau.write.directory import with_nicknames
from tabwarden.tableau.write.refreshes import with_refreshes
from tabwarden.tableau.write.writer import Writer
from tabwarden.want.invariants import Invariant

log = logging.getLogger(__name__)

NOT_DONE = (FAILED, INSTEAD, SKIPPED)
GROUPS = "groups"  # the kind of plan that starts jobs for single changes


@dataclass(frozen=True, slots=True)
class Terms:
    """Under which terms a plan is done: where it is kept, what is too much, what was accepted.

    `bulk` allows calls for many people at once, `jobs` among them imports (None: as `bulk`). `keep` keeps the site as
    it is before content is changed, so that there is a way back. Names in `settings` must fit somebody.
    """

    store: Path
    limits: Limits = field(default_factory=Limits)
    guarded: Guarded = field(default_factory=Guarded)
    waivers: tuple[Waiver, ...] = ()
    bulk: bool = True
    jobs: bool | None = None
    progress: Progress = silent
    keep: Callable[[Site], int] | None = None
    settings: Settings | None = None
    invariants: tuple[Invariant, ...] = ()


def terms_of(context: Context, waivers: tuple[Waiver, ...] = ()) -> Terms:
    """The terms the settings set."""
    return Terms(
        store=context.store,
        limits=limits_of(context.settings),
        guarded=guarded_of(context),
        waivers=waivers,
        bulk=context.settings.provision.bulk == "auto",
        progress=context.progress,
        keep=lambda site: history.keep(context.settings, site).number,
        settings=context.settings,
        invariants=invariants_of(context.settings),
    )


@dataclass(frozen=True, slots=True)
class Applied:
    """What came of it. With `stops` nothing was written; `broken_off` says why it ended before its end.

    `entries` is by position of the change; a change without one was not begun.
    `wrong_waivers` has a sentence for each waiver that waived nothing.
    """

    plan: Plan
    entries: Mapping[int, ChangeResult] = field(default_factory=dict)
    stops: tuple[Stop, ...] = ()
    wrong_waivers: tuple[str, ...] = ()
    broken_off: str = ""
    resumed: bool = False

    def count(self, status: str) -> int:
        """How many changes ended so."""
        return sum(1 for entry in self.entries.values() if entry.status == status)

    @property
    def not_done(self) -> tuple[tuple[Change, ChangeResult | None], ...]:
        """Changes that failed (or were done by halves), were skipped or not begun, in order."""
        both = ((change, self.entries.get(position)) for position, change in enumerate(self.plan.changes))
        return tuple((c, e) for c, e in both if e is None or e.status in NOT_DONE)

    @property
    def otherwise(self) -> tuple[tuple[Change, ChangeResult], ...]:
        """Changes that were done, and with them something that the plan did not expect, in order."""
        both = ((self.plan.changes[position], entry) for position, entry in sorted(self.entries.items()))
        return tuple((change, entry) for change, entry in both if entry.status == DONE and entry.remedy)

    @property
    def leavers_left(self) -> tuple[str, ...]:
        """Leavers who are held with a licence, and rows of leavers that are not used: whoever runs this must know."""
        rows = (f"{row.value} (row {row.row} of {row.source})" for row in self.plan.refused if row.leaver)
        return (*(one.person for one in self.plan.held if one.leaver), *rows)

    @property
    def stops_told(self) -> tuple[Stop, ...]:
        """The stops against all of it, and those for which nothing was done about one list."""
        return tuple(dict.fromkeys((*self.stops, *self.plan.stops_of_lists)))

    @property
    def succeeded(self) -> bool:
        """Whether nothing is left to do."""
        return not self.stops and not self.broken_off and not self.not_done


def apply(plan: Plan, connection: Connection, terms: Terms) -> Applied:
    """Judge and do a plan, or go on with one that was interrupted; nobody else writes meanwhile."""
    with only_writer(terms.store, plan.site):
        settle_jobs(connection, read(path_of(terms.store, plan.id)))
        return judge_and_do(plan, connection, terms, read_now(plan, connection))


def settle_jobs(connection: Connection, record: Record | None) -> None:
    """A process that died may have left an import behind that still runs; what it does must be seen first."""
    if record is not None and (len(record.begun) > 1 or (record.begun and record.kind == GROUPS)):
        wait_for_user_jobs(connection)


def judge_and_do(plan: Plan, connection: Connection, terms: Terms, now: Site) -> Applied:
    """As `apply`, for somebody who holds the lock and has just read `now`."""
    if (plan.site.where, plan.site.id) != (connection.server, connection.site_id):
        raise TabwardenError(
            f"the plan is for site `{plan.site.content_url or 'Default'}` on `{plan.site.where}`, and the settings "
            f"name `{connection.site or 'Default'}` on `{connection.server}`; use the settings the plan was made with"
        )
    record = read(path_of(terms.store, plan.id))
    if record.finished:
        raise TabwardenError(f"the plan {plan.id} was applied already, at {record.finished}; make a new plan")
    settings = terms.settings
    for one in setting_names.gone(settings, now, terms.store, plan.site) if settings is not None else ():
        log.warning("%s", setting_names.remark(*one))
    snapshot, no_way = kept_before(plan, now, terms.keep)
    apart = bool(terms.invariants and plan.changes and not now.contents)
    stops = stops_now(
        plan,
        now,
        terms.limits,
        terms.guarded,
        _progressed(record),
        no_way=no_way,
        invariants=terms.invariants,
        today=present()[:10],
        shown=with_content_of(settings, now) if apart and settings is not None else None,
    )
    open_stops = not_waived(stops, (*terms.waivers, *record.waivers))
    wrong = mismatches((*stops, *plan.stops_of_lists), terms.waivers)
    if open_stops:
        return Applied(plan, record.ended, open_stops, wrong)
    if plan.changes:
        if not record.plan:
            keep_in(terms.store, replace(plan, waivers=terms.waivers))
        with Journal(terms.store, plan, terms.waivers, snapshot) as journal:
            applied = _Doing(plan, connection, terms, journal).all(record, now)
    else:
        applied = Applied(plan)
    if not applied.broken_off:
        names = setting_names.fitting(settings, now) if settings is not None else {}
        keep_good_run(terms.store, plan.site, {source.task: source.rows for source in plan.sources}, names)
        keep_of_plan(terms.store, plan.id, plan.site)
    return replace(applied, wrong_waivers=wrong)


def _progressed(record: Record) -> Progressed:
    ended = sorted(record.ended.items())
    return Progressed(
        started=bool(record.plan),
        done=tuple(position for position, entry in ended if entry.status in (DONE, ALREADY)),
        failed=tuple(position for position, entry in ended if entry.status in (FAILED, INSTEAD)),
        ended=frozenset(record.ended),
        begun=tuple(sorted(record.begun)),
    )


# -- the site before it ----------------------------------------------------------------------------------------


def read_now(plan: Plan, connection: Connection) -> Site:
    """People and the groups the plan speaks of, or everything where its changes rest on content; nicknames too."""
    reads = frozenset[str]().union(*(change.reads for change in plan.changes))
    if CONTENT in reads:
        site = read_site(connection)
    else:
        groups = {f"{ref.domain}\\{ref.name}" for change in plan.changes if (ref := change.of_group) is not None}
        # Who is removed leaves all groups.
        site = read_people(connection, None if ALL_GROUPS in reads else sorted(groups))
    return with_beside(site, connection, reads)


def with_beside(site: Site, connection: Connection, reads: Collection[str]) -> Site:
    """The Site with what is read of it only for changes that rest on it: nicknames of domains, extract refreshes."""
    site = with_nicknames(site, connection) if NICKNAMES in reads else site
    return with_refreshes(site, connection) if REFRESHES in reads else site


def kept_before(plan: Plan, now: Site, keep: Callable[[Site], int] | None) -> tuple[int | None, str | None]:
    """Keep the site before content is changed, whose rules the plan does not all name.

    The number of its snapshot, or why there is none; neither where no content is changed.
    """
    if not any(change.writes_content for change in plan.changes):
        return None, None
    if keep is None:
        return None, "there is no history to keep it in"
    try:
        return keep(now if now.refreshes is None else replace(now, refreshes=None)), None
    except TabwardenError as error:
        return None, str(error)


# -- doing -----------------------------------------------------------------------------------------------------


class _Doing:
    """One pass over the changes of a plan that have no end in the journal."""

    def __init__(self, plan: Plan, connection: Connection, terms: Terms, journal: Journal) -> None:
        self.plan, self.journal, self.progress = plan, journal, terms.progress
        self.connection = connection
        self.synchronised: Lookup | None = None
        self.writer = Writer(connection, bulk=terms.bulk, jobs=terms.jobs)
        self.entries: dict[int, ChangeResult] = {}
        self.ids: dict[str, str] = {}
        self.failed: set[str] = set()
        self.unfinished: set[str] = set()  # who did not get all that content was to give

    def all(self, record: Record, now: Site) -> Applied:
        """Look up what was begun, do the rest, list what was not done."""
        resumed = bool(record.plan)
        for entry in record.ended.values():
            self._learn(entry)
        if resumed:
            log.info("going on with plan %s after %d of %d changes", *self._whereabouts())
            self._settle_begun(record, now)
        try:
            for works in self._work():
                self._do(works)
        except KeyboardInterrupt:
            how_far = f"{len(self.entries)} of {len(self.plan.changes)} changes were gone through"
            log.warning("interrupted; %s", how_far)
            raise KeyboardInterrupt(how_far) from None
        except TableauError as error:
            log.error("broken off: %s", error)
            return Applied(self.plan, self.entries, broken_off=str(error), resumed=resumed)
        self.journal.finish()
        return Applied(self.plan, self.entries, resumed=resumed)

    def _whereabouts(self) -> tuple[str, int, int]:
        return self.plan.id, len(self.entries), len(self.plan.changes)

    def _settle_begun(self, record: Record, now: Site) -> None:
        """Changes that were sent, perhaps: those that are true on the server are done."""
        true: list[ChangeResult] = []
        lookup = Lookup(now)
        for position in sorted(record.begun):
            new_id = self.plan.changes[position].is_true(lookup)
            if new_id is not None:
                true.append(ChangeResult(position, DONE, new_id=new_id or None))
        if true:
            self.journal.end(true)
        for entry in true:
            self._learn(entry)

    def _work(self) -> Iterator[list[list[int]]]:
        """Pieces of work that may be sent side by side: positions that are sent together, without what is skipped."""
        left = [position for position in range(len(self.plan.changes)) if position not in self.entries]
        for wave in self.writer.side_by_side([self.plan.changes[position] for position in left]):
            pieces = [[left[place] for place in piece] for piece in wave]
            skipped = [position for piece in pieces for position in piece if self._is_skipped(position)]
            if skipped:
                self._end([ChangeResult(position, SKIPPED, "", self._why_skipped(position)) for position in skipped])
            works = [[position for position in piece if position not in self.entries] for piece in pieces]
            if any(works):
                yield [work for work in works if work]

    def _do(self, works: Sequence[Sequence[int]]) -> None:
        pieces = [[self.plan.changes[position] for position in work] for work in works]
        if pieces[0][0].brought_by is not None:
            self._end(self._read_back(works[0], pieces[0]))
            return
        self.journal.begin([position for work in works for position in work])
        for number, results in self.writer.do_side_by_side(pieces, self.ids):
            work = works[number]
            self._end([ChangeResult(work[r.position], r.status, r.code, r.remedy, r.new_id) for r in results])

    def _read_back(self, work: Sequence[int], changes: Sequence[Change]) -> list[ChangeResult]:
        """What Tableau's own synchronisations, all of them done by now, have made of what the plan expected."""
        if self.synchronised is None:
            self.synchronised = Lookup(read_now(self.plan, self.connection))
        return [
            ChangeResult(position, DONE, new_id=new_id or None)
            if (new_id := change.is_true(self.synchronised)) is not None
            else ChangeResult(position, FAILED, "", change.otherwise(self.synchronised))
            for position, change in zip(work, changes, strict=True)
        ]

    def _end(self, entries: Sequence[ChangeResult]) -> None:
        self.journal.end(entries)
        for entry in entries:
            self._learn(entry)
            self._say(entry)

    def _learn(self, entry: ChangeResult) -> None:
        self.entries[entry.position] = entry
        change = self.plan.changes[entry.position]
        if entry.new_id and change.creates is not None:
            self.ids[change.creates.key] = entry.new_id
        if entry.status in NOT_DONE:
            if change.blocks is not None:
                self.failed.add(change.blocks.key)
            elif change.receiver is not None:
                self.unfinished.add(change.receiver.key)

    def _is_skipped(self, position: int) -> bool:
        """After a failure nothing more is done to that person, but who stepped out of a group is put back."""
        change = self.plan.changes[position]
        if change.needs is not None and change.needs.key in self.failed | self.unfinished:
            return True
        keys = [ref.key for ref in (change.of_user, change.of_group, change.brought_by) if ref is not None]
        return any(key in self.failed for key in keys) and not self._stepped_out(position)

    def _stepped_out(self, position: int) -> bool:
        change = self.plan.changes[position]
        back = change.inverse()
        return back is not None and any(
            entry.status in (DONE, ALREADY) and self.plan.changes[earlier].is_same(back)
            for earlier, entry in self.entries.items()
            if earlier < position
        )

    def _why_skipped(self, position: int) -> str:
        change = self.plan.changes[position]
        named = (change.of_user, change.of_group, change.brought_by, change.needs)
        known = self.failed | self.unfinished
        failed = next((ref for ref in named if ref is not None and ref.key in known), None)
        name = failed.qualified if failed is not None else ""
        return f"skipped, because something before it failed for `{name}`"

    def _say(self, entry: ChangeResult) -> None:
        change = self.plan.changes[entry.position]
        if entry.status == DONE:
            words = change.done()
            log.info("%s", words)
            if entry.remedy:
                log.warning("%s: %s", words, entry.remedy)
        elif entry.status == ALREADY:
            words = f"{change.done()} (was so already{': ' + entry.remedy if entry.remedy else ''})"
            log.info("%s", words)
        else:
            words = change.not_done(entry.code, entry.remedy)
            log.error("%s", words)
        self.progress(len(self.entries), len(self.plan.changes), words)
