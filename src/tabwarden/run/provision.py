"""Provisioning: gather people from sources and site, and decide a plan. The doing is in apply.py."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from tabwarden.model.errors import SettingsError
from tabwarden.model.site import Site
from tabwarden.plan.build import build
from tabwarden.plan.plan import Plan, SiteIdentity, Waiver
from tabwarden.run.apply import Applied
from tabwarden.run.context import (
    Context,
    People,
    Progress,
    owners_of,
    policy_of,
    read_sources,
    running,
    silent,
    tasks_of,
)
from tabwarden.run.directory_names import Named, directory_if_set, named
from tabwarden.run.planning import basis_of, log_readings, planned, with_sources
from tabwarden.run.run_log import alone, do
from tabwarden.settings import Settings
from tabwarden.tableau.read.people import read_people
from tabwarden.want.provision import want
from tabwarden.want.roster import Roster

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


def gather(context: Context) -> Gathered:
    """Read the sources, and only if they can be used the site's people."""
    people = read_sources(context.settings)
    if not people.readings:
        raise SettingsError(["`sources` names neither `joiners` nor `leavers`: there is nobody to provision"])
    log_readings(people)
    joiners, leavers = people.roster("joiners"), people.roster("leavers")
    if not all(reading.is_usable for reading in people.readings):
        return Gathered(people, context.site(), None, Named(joiners, leavers))
    directory = directory_if_set(context.settings)
    now = _read_site(context)
    names = named(context.connection, directory, now, joiners, leavers)
    owners = _owners(context, now, names.leavers)
    return Gathered(people, context.site(now.name), now, names, owners)


def _read_site(context: Context) -> Site:
    provision = context.settings.provision
    # Whoever is removed leaves all groups, and an undo has to know which.
    every = provision.remove_leavers or provision.remove_leavers_from_all_groups
    names = None if every else [provision.group.name] if provision.group is not None else []
    now = read_people(context.connection, names)
    log.info("site `%s`: %d users, %d groups", now.name, len(now.users), len(now.groups))
    return now


def _owners(context: Context, now: Site, leavers: Roster) -> Mapping[str, Collection[str]]:
    """Which leavers own content."""
    return owners_of(context, {u for person in leavers.people for u in now.users_named(person.name)})


def decide(context: Context, gathered: Gathered, *, with_contents: bool = True) -> Plan:
    """The plan. `with_contents` also judges who gains or loses sight of what, by the newest snapshot."""
    basis = basis_of(context, KIND, gathered.site, gathered.now, when=gathered.people.when)
    basis = with_sources(context, basis, gathered.people)
    if gathered.now is None:
        return build(basis)
    now, names = gathered.now, gathered.named
    policy = policy_of(context, now, gathered.owners)
    wanted = want(now, names.joiners, names.leavers, tasks_of(context.settings), policy)
    wanted = replace(wanted, held=(*names.held, *wanted.held), notes=(*names.notes, *wanted.notes))
    return planned(context, basis, now, wanted, with_contents=with_contents)


def plan_provision(settings: Settings) -> Plan:
    """Read and decide; nothing is written."""
    with running(settings) as context:
        return decide(context, gather(context))


def run_provision(settings: Settings, waivers: tuple[Waiver, ...] = (), progress: Progress = silent) -> Applied:
    """Read, decide, stop or do, all of it logged; where it stops, the plan is kept to be looked at."""
    with alone(settings, progress) as context:
        gathered = gather(context)
        plan = decide(context, gathered, with_contents=False)
        return do(context, plan, gathered.now, waivers)
