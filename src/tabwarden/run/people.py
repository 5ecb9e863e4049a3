"""Several sources together: gather them, decide a plan, and show the one roster. The doing is in apply.py."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from tabwarden.model.codec import collected_later
from tabwarden.model.errors import SettingsError, SourceError
from tabwarden.model.names import same, some
from tabwarden.model.site import Site
from tabwarden.plan.build import build
from tabwarden.plan.plan import Plan, Refused, SiteIdentity, Waiver
from tabwarden.plan.stops import Reading
from tabwarden.run.apply import Applied
from tabwarden.run.context import Context, People, Progress, owners_of, policy_of, running, silent, tasks_of
from tabwarden.run.directory_names import directory_if_set, is_joined, keep_who_is_who, known_as
from tabwarden.run.planning import basis_of, log_readings, planned, refused, with_sources
from tabwarden.run.run_log import alone, do
from tabwarden.run.source_rows import read_rows
from tabwarden.settings import PeopleSource, PersonOverride, Settings
from tabwarden.settings.sources import AnySource
from tabwarden.store.journal import now
from tabwarden.store.rosters import keep_for_plan, known_accounts, known_roster
from tabwarden.tableau.read.people import read_people
from tabwarden.want.cells import BadCell, column_of, text_of
from tabwarden.want.directory import Directory
from tabwarden.want.names.resolve import resolved_joiners, resolved_leavers
from tabwarden.want.people.joiners_and_leavers import Known, Standings, known_after, standings
from tabwarden.want.people.mapping import ABOUT, Condition, GroupMapping, MappedGroups
from tabwarden.want.people.merged import merge
from tabwarden.want.people.nested import NONE, Nesting, memberships_of, nesting_of
from tabwarden.want.people.overrides import COLUMNS, override_rows
from tabwarden.want.people.person import Merged, Override, Precedence, SourceRank
from tabwarden.want.people.records import FIELDS, RecordColumns, Records, StatusWords, records, status_words_without_row
from tabwarden.want.people.wanted_people import PeoplePolicy, leaving, want_people
from tabwarden.want.roster import Person, Quarantined, Roster

log = logging.getLogger(__name__)

KIND = "people"
MEMBER_OF = "memberOf"
"""The column that rows of a directory have besides their own: the groups the person is in directly, a list."""


@dataclass(frozen=True, slots=True)
class SourcesRead:
    """What all sources told: readings for the stops, and what may be used where every one of them may."""

    people: People
    sources: tuple[Records, ...] = ()
    overrides: tuple[Override, ...] = ()
    nesting: Nesting = NONE
    directory: Directory | None = None

    @property
    def is_usable(self) -> bool:
        """Whether a roster may be made of it."""
        return all(reading.is_usable for reading in self.people.readings)


@dataclass(frozen=True, slots=True)
class OneRoster:
    """The merged roster and where everybody stands since the last good run; `refused` are rows that are no people."""

    merged: Merged
    known: Known
    standings: Standings
    refused: tuple[Refused, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Gathered:
    """Everything a plan is decided from. `now` and `roster` are None when the sources already say no."""

    sources_read: SourcesRead
    site: SiteIdentity
    roster: OneRoster | None = None
    now: Site | None = None
    policy: PeoplePolicy = field(default_factory=PeoplePolicy)
    owners: Mapping[str, Collection[str]] | None = None


# -- reading ---------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Reader:
    """Reads one source after the other; one that fails becomes a Reading with its error."""

    settings: Settings
    directory: Directory | None = None
    readings: list[Reading] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    when: str = field(default_factory=now)

    def records(self, source: PeopleSource) -> Records | None:
        columns = source.columns
        named = {name: getattr(columns, name) or "" for name in FIELDS}
        days = (columns.starts or "", columns.ends or "")
        wanted = RecordColumns(tuple(columns.key.items()), named, columns.groups or "", source.separator, *days)
        words = StatusWords(source.left, source.active, source.all_left)
        task = f"people of {source.name}"
        try:
            result = read_rows(source.from_, self.settings, wanted.names)
            rows = self._with_groups(result.rows) if source.from_.asks_directory else result.rows
            roster_records = records(
                rows,
                wanted,
                words,
                name=source.name,
                source=result.source,
                as_of=result.as_of,
                calendar=source.from_.dates.calendar(self.when),
            )
        except SourceError as error:
            self.readings.append(Reading(task, source.from_.type, error=error))
            return None
        self._read(task, source.from_, roster_records.roster(), result.warnings)
        return roster_records

    def _with_groups(self, rows: Sequence[Mapping[str, object]]) -> Sequence[Mapping[str, object]]:
        """The rows of a directory with the groups each person is in, which only the whole directory tells."""
        if self.directory is None:
            return rows
        groups = memberships_of(self.directory)
        return [{**row, MEMBER_OF: groups.get(str(row.get("objectGUID")), ())} for row in rows]

    def overrides(self, source: AnySource) -> tuple[Override, ...]:
        try:
            result = read_rows(source, self.settings, COLUMNS)
        except SourceError as error:
            self.readings.append(Reading("overrides", source.type, error=error))
            return ()
        listed = override_rows(result.rows, "overrides_from")
        people = tuple(Person(o.person, "", "", "", o.row, result.source) for o in listed.overrides)
        roster = Roster(result.source, people, listed.quarantined, len(result.rows), result.as_of)
        self._read("overrides", source, roster, result.warnings)
        return listed.overrides

    def nesting(self, source: AnySource, inner: str, outer: str) -> Nesting:
        try:
            result = read_rows(source, self.settings, (inner, outer))
        except SourceError as error:
            self.readings.append(Reading("nested groups", source.type, error=error))
            return NONE
        pairs: list[tuple[str, str]] = []
        bad: list[Quarantined] = []
        for number, row in enumerate(result.rows, start=1):
            names = [column_of(name, tuple(row), result.source) for name in (inner, outer)]
            try:
                pair = (text_of(row, names[0]), text_of(row, names[1]))
            except BadCell as cell:
                bad.append(Quarantined(number, cell.value, cell.reason))
                continue
            if all(pair):
                pairs.append(pair)
            elif not pair[0]:
                bad.append(Quarantined(number, pair[1], f"names no inner group; the column is `{inner}`"))
        people = tuple(Person(pair[0], "", "", "", 0, result.source) for pair in pairs)
        self._read(
            "nested groups", source, Roster(result.source, people, tuple(bad), len(result.rows)), result.warnings
        )
        return Nesting(pairs)

    def _read(self, task: str, source: AnySource, roster: Roster, warnings: Iterable[str]) -> None:
        words = {"may_be_empty": source.min_rows == 0, "delta": source.delta}
        self.readings.append(Reading(task, roster.source, roster, None, source.stale_after, **words))
        self.warnings += (*warnings, *roster.remarks)


def read_all(settings: Settings) -> SourcesRead:
    """Every source of `people`, in an order that is no matter of how the settings list them."""
    several = settings.people
    if not several.sources:
        raise SettingsError(["`people.sources` names no source: there is nobody to plan for"])
    reader = _Reader(settings)
    try:
        reader.directory = directory_if_set(settings)
    except SourceError as error:
        reader.readings.append(Reading("directory", "ldap", error=error))
    ordered = sorted(several.sources, key=lambda s: (s.rank, same(s.name), s.name))
    sources = [records for records in (reader.records(source) for source in ordered) if records is not None]
    overrides = tuple(_override(one, row) for row, one in enumerate(several.overrides, start=1))
    if several.overrides_from is not None:
        overrides += reader.overrides(several.overrides_from)
    nesting = NONE
    if several.nested is not None and several.nested.from_ is not None:
        nesting = reader.nesting(several.nested.from_, several.nested.group, several.nested.parent)
    if several.nested is not None and several.nested.directory and reader.directory is not None:
        nesting = nesting_of(reader.directory)
    people = People(tuple(reader.readings), tuple(dict.fromkeys(reader.warnings)), reader.when)
    return SourcesRead(people, tuple(sources), overrides, nesting, reader.directory)


def _override(one: PersonOverride, row: int) -> Override:
    fields = {name: value for name in FIELDS if (value := getattr(one, name))}
    return Override(one.person, fields, tuple(one.key.items()), one.groups, row)


# -- deciding --------------------------------------------------------------------------------------------------


def precedence_of(settings: Settings) -> Precedence:
    """Whose word counts."""
    several = settings.people
    ranks = tuple(
        SourceRank(source.name, source.rank, source.authoritative, bool(source.active)) for source in several.sources
    )
    fields = {name: listed for name in FIELDS if (listed := getattr(several.precedence, name))}
    return Precedence(ranks, fields, several.match)


def mapping_of(settings: Settings, nesting: Nesting = NONE) -> GroupMapping:
    """What department, title and groups give."""
    entries = (
        MappedGroups(
            tuple(Condition(about, listed) for about in ABOUT if (listed := getattr(entry.when, about))),
            entry.groups,
            entry.site_role or "",
        )
        for entry in settings.people.mapping
    )
    return GroupMapping(tuple(entries), nesting)


def one_roster(readings: SourcesRead, settings: Settings, site: SiteIdentity) -> OneRoster:
    """The merged roster, compared with that of the last good run on this site."""
    precedence = precedence_of(settings)
    merged = merge(readings.sources, precedence, readings.overrides)
    known = known_roster(settings.store.folder, site)
    bad_rows = {source.name for source in readings.sources if source.quarantined}
    words = {source.name: StatusWords(source.left, source.active) for source in settings.people.sources}
    notes = (note for source in readings.sources for note in status_words_without_row(source, words[source.name]))
    comparison = standings(merged, known, precedence, bad_rows)
    return OneRoster(merged, known, comparison, refused(readings.people), tuple(notes))


def gather(context: Context) -> Gathered:
    """Read the sources, and only if they can be used the site's people."""
    settings, connection = context.settings, context.connection
    readings = read_all(settings)
    log_readings(readings.people)
    site = context.site()
    if not readings.is_usable:
        return Gathered(readings, site)
    roster = one_roster(readings, settings, site)
    provision = settings.provision
    names = list(mapping_of(settings).groups.values()) + ([provision.group.name] if provision.group else [])
    # Whoever is removed leaves all groups, and an undo has to know which; a rehire is told what he has again.
    every = provision.remove_leavers or provision.remove_leavers_from_all_groups
    every = every or any(one.is_back for one in roster.standings.people)
    now = read_people(connection, None if every else names)
    log.info("site `%s`: %d users, %d groups", now.name, len(now.users), len(now.groups))
    policy = _people_policy(context, readings, roster, now)
    owners = owners_of(context, leaving(now, roster.standings, policy))
    return Gathered(readings, context.site(now.name), roster, now, policy, owners)


def _people_policy(context: Context, readings: SourcesRead, roster: OneRoster, now: Site) -> PeoplePolicy:
    """The mapping; names by the directory where the server is joined to one."""
    settings, several = context.settings, context.settings.people
    directory = readings.directory
    names, joined = [one.name for one in roster.standings.people], is_joined(context, directory, now)
    policy = PeoplePolicy(
        mapping_of(settings, readings.nesting),
        several.lower,
        several.add == "mapped",
        authoritative=frozenset(source.name for source in several.sources if source.authoritative),
        unlisted_leave=several.unlisted == "leavers" and not roster.refused,
        known_as=known_as(context, directory, now, names, joined=joined),
    )
    if directory is None or not joined:
        return policy
    accounts = known_accounts(context.store, context.site())
    return replace(
        policy,
        joiners=partial(resolved_joiners, directory=directory, now=now, accounts=accounts),
        leavers=partial(resolved_leavers, directory=directory, now=now, accounts=accounts),
    )


def decide(context: Context, gathered: Gathered, *, with_contents: bool = True, running: bool = False) -> Plan:
    """The plan; the roster it was made from goes into the store, where it counts once the plan was applied.

    A plan without changes is not applied, but where it is part of a run (`running`).
    """
    people, roster, now = gathered.sources_read.people, gathered.roster, gathered.now
    basis = basis_of(context, KIND, gathered.site, now, when=people.when)
    basis = with_sources(context, basis, people)
    if now is None or roster is None:
        return build(basis)
    policy = policy_of(context, now, gathered.owners)
    tasks = tasks_of(context.settings)
    wanted, unsettled, unlisted = want_people(now, roster.standings, gathered.policy, tasks, policy, roster.merged.held)
    basis = replace(basis, unlisted_leave=unlisted)
    held_people, notes = (*roster.merged.held, *wanted.held), (*_remarks(roster, context.settings), *wanted.notes)
    wanted = replace(wanted, held=held_people, notes=notes)
    plan = planned(context, basis, now, wanted, with_contents=with_contents)
    if running or plan.changes:
        left = frozenset(same(one.person) for one in plan.held)
        known = known_after(roster.standings, unsettled | left, people.when, roster.known.active_words)
        keep_for_plan(context.store, plan.id, plan.site, known)
        keep_who_is_who(context, plan, gathered.policy.known_as)
    return plan


def _remarks(roster: OneRoster, settings: Settings) -> tuple[str, ...]:
    remarks = [*roster.merged.notes, *roster.notes]
    remarks += [f"override of `{one.person}`: {one.reason}" for one in settings.people.overrides if one.reason]
    if not roster.known.when:
        remarks.append("there is no roster of an earlier good run: nobody counts as moved, back or vanished")
    if settings.people.unlisted == "leavers" and roster.refused:
        remarks.append("nobody leaves for being in no authoritative source: rows were not used, and may mean them")
    if roster.merged.unnamed:
        who = some([person.called for person in roster.merged.unnamed])
        number = len(roster.merged.unnamed)
        words = (
            "person has a user name in no source, and is"
            if number == 1
            else "people have a user name in no source, and are"
        )
        remarks.append(f"{number} {words} left out: {who}; name one")
    return tuple(remarks)


# -- all in one ------------------------------------------------------------------------------------------------


@collected_later()
def plan_people(settings: Settings) -> Plan:
    """Read and decide; nothing is written but the roster the plan was made from."""
    with running(settings) as context:
        return decide(context, gather(context))


@collected_later()
def run_people(settings: Settings, waivers: tuple[Waiver, ...] = (), progress: Progress = silent) -> Applied:
    """Read, decide, stop or do, all of it logged; where it stops, the plan is kept to be looked at."""
    with alone(settings, progress) as context:
        gathered = gather(context)
        plan = decide(context, gathered, with_contents=False, running=True)
        return do(context, plan, gathered.now, waivers)


def show_people(settings: Settings) -> OneRoster:
    """The one roster without asking Tableau. SourceError where a source cannot be used."""
    readings = read_all(settings)
    for reading in readings.people.readings:
        if reading.error is not None:
            raise reading.error
        if not reading.is_usable:
            raise SourceError(
                f"the {reading.task} ({reading.source}) name nobody; mend the source", stop="source-empty"
            )
    site = SiteIdentity(settings.tableau.server, settings.tableau.site, "", "")
    return one_roster(readings, settings, site)
