"""Provisioning: gather people from sources and site, and decide a plan. The doing is in apply.py."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace

from tabwarden.model.codec import collected_later
from tabwarden.model.errors import SettingsError
from tabwarden.model.names import same, some
from tabwarden.model.site import Site
from tabwarden.plan.build import build, lists_left_out
from tabwarden.plan.plan import Plan, SiteIdentity, Waiver
from tabwarden.run.apply import Applied
from tabwarden.run.context import (
    Context,
    People,
    Progress,
    limits_of,
    owners_of,
    policy_of,
    read_sources,
    running,
    silent,
    tasks_of,
)
from tabwarden.run.directory_names import Named, directory_if_set, keep_who_is_who, named
from tabwarden.run.planning import basis_of, log_readings, planned, with_sources
from tabwarden.run.run_log import alone, do
from tabwarden.settings import Settings
from tabwarden.store.journal import last_good_rows
from tabwarden.tableau.read.people import read_people
from tabwarden.want.days import JOIN, LEAVE, Turn, next_change
from tabwarden.want.provision import want
from tabwarden.want.roster import Roster
from tabwarden.want.wanted import Wanted

log = logging.getLogger(__name__)

KIND = "provision"


@dataclass(frozen=True, slots=True)
class Gathered:
    """Everything a plan is decided from. `now` is None when the sources already say no.

    `named` are joiners and leavers by the user names of Tableau, `people` as the sources write them.
    """

    people: People
    site: SiteIdentity
    now: Site | None
    named: Named
    owners: Mapping[str, Collection[str]] | None = None


def gather(context: Context, waivers: tuple[Waiver, ...] | None = None) -> Gathered:
    """Read the sources, and only if one of them can be used the site's people. `waivers` are those of a run."""
    people = read_sources(context.settings)
    if not people.readings:
        raise SettingsError(["`sources` names neither `joiners` nor `leavers`: there is nobody to provision"])
    log_readings(people)
    last = last_good_rows(context.store, context.site())
    left_out = lists_left_out(people.readings, last, people.when, limits_of(context.settings), waivers)
    people = replace(people, left_out=left_out)
    joiners, leavers = people.roster("joiners"), _and_whose_days_are_over(people)
    if people.left_out >= {reading.task for reading in people.readings}:
        return Gathered(people, context.site(), None, Named(joiners, leavers))
    directory = directory_if_set(context.settings)
    now = _read_site(context)
    names = named(context, directory, now, joiners, leavers)
    owners = owners_of(context, {u for person in names.leavers.people for u in now.users_named(person.name)})
    return Gathered(people, context.site(now.name), now, names, owners)


def _and_whose_days_are_over(people: People) -> Roster:
    """The leavers, and the joiners whose last day has passed: nobody stays after it."""
    leavers = people.roster("leavers")
    names = {same(person.name) for person in leavers.people}
    over = (person for person in people.roster("joiners").over if same(person.name) not in names)
    ended = tuple(p._replace(said=f"row {p.row} of {p.source}, whose last day has passed") for p in over)
    return replace(leavers, people=(*leavers.people, *ended)) if ended else leavers


def _read_site(context: Context) -> Site:
    provision = context.settings.provision
    # Whoever is removed leaves all groups, and an undo has to know which.
    every = provision.remove_leavers or provision.remove_leavers_from_all_groups
    names = None if every else [provision.group.name] if provision.group is not None else []
    now = read_people(context.connection, names)
    log.info("site `%s`: %d users, %d groups", now.name, len(now.users), len(now.groups))
    return now


def decide(context: Context, gathered: Gathered, *, with_contents: bool = True) -> Plan:
    """The plan. `with_contents` also judges who gains or loses sight of what, by the newest snapshot."""
    basis = basis_of(context, KIND, gathered.site, gathered.now, when=gathered.people.when)
    basis = with_sources(context, basis, gathered.people)
    if gathered.now is None:
        return build(basis)
    now, known_as = gathered.now, gathered.named.known_as
    wanted = [_wanted(context, now, gathered)]
    del gathered  # a million joiners are as large as what is planned for them
    plan = planned(context, basis, now, wanted.pop(), with_contents=with_contents)
    keep_who_is_who(context, plan, known_as)
    return plan


def _wanted(context: Context, now: Site, gathered: Gathered) -> Wanted:
    """The Site as the lists would have it, with what was held and remarked before."""
    names = gathered.named
    policy = replace(policy_of(context, now, gathered.owners), known_as=names.known_as)
    wanted = want(now, names.joiners, names.leavers, tasks_of(context.settings), policy)
    notes = (*names.notes, *wanted.notes, *_days(gathered.people))
    return replace(wanted, held=(*names.held, *wanted.held), notes=notes)


def _days(people: People) -> Iterator[str]:
    """Who joins or leaves another day, and the next day on which anybody does."""
    joiners, leavers = people.roster("joiners"), people.roster("leavers")
    for who, verb, waiting in (("joiner", "started", joiners.waiting), ("leaver", "left", leavers.waiting)):
        if waiting:
            have = f"{who}s have" if len(waiting) > 1 else f"{who} has"
            yield f"{len(waiting)} {have} not {verb} yet: {some([person.name for person in waiting])}"
    yield from next_change(
        Turn(person.stay.turn, what)
        for listed, what in ((joiners.waiting, JOIN), (joiners.people, LEAVE), (leavers.waiting, LEAVE))
        for person in listed
        if person.stay.turn
    )


@collected_later()
def plan_provision(settings: Settings) -> Plan:
    """Read and decide; nothing is written."""
    with running(settings) as context:
        return decide(context, gather(context))


@collected_later()
def run_provision(settings: Settings, waivers: tuple[Waiver, ...] = (), progress: Progress = silent) -> Applied:
    """Read, decide, stop or do, all of it logged; where it stops, the plan is kept to be looked at."""
    with alone(settings, progress) as context:
        gathered = gather(context, waivers)
        plan = decide(context, gathered, with_contents=False)
        return do(context, plan, gathered.now, waivers)
