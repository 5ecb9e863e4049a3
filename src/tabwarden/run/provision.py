"""Provisioning: gather people from sources and site, and decide a plan. The doing is in apply.py.

sources -> rosters ┐      (through the directory, where the server is joined to one)
                   ├ want -> wanted Site -> diff -> changes -> stops, impact, facts -> Plan
Tableau -> Site ───┘
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace

from tabwarden.model.errors import SettingsError
from tabwarden.model.site import Site
from tabwarden.plan.build import build
from tabwarden.plan.plan import Plan, SiteIdentity, Waiver
from tabwarden.run.apply import Applied, Progress, silent
from tabwarden.run.context import People, identity_of, policy_of, read_sources, tasks_of
from tabwarden.run.decide import basis_of, log_readings, planned, run_plan, with_sources
from tabwarden.run.directory_names import Named, directory_if_set, named
from tabwarden.run.sign_in import connected
from tabwarden.settings import Settings
from tabwarden.tableau.http.connection import Connection
from tabwarden.tableau.read.site import owned_by, read_people
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
    own_id: str = ""
    owners: frozenset[str] | None = None


def gather(settings: Settings, connection: Connection) -> Gathered:
    """Read the sources, and only if they can be used the site's people."""
    people = read_sources(settings)
    if not people.readings:
        raise SettingsError(["`sources` names neither `joiners` nor `leavers`: there is nobody to provision"])
    log_readings(people)
    joiners, leavers = people.roster("joiners"), people.roster("leavers")
    if not all(reading.is_usable for reading in people.readings):
        return Gathered(people, identity_of(connection, settings.tableau.site), None, Named(joiners, leavers))
    directory = directory_if_set(settings)
    now = _read_site(settings, connection)
    found = named(connection, directory, now, joiners, leavers)
    owners = _owners(settings, connection, now, found.leavers)
    return Gathered(people, identity_of(connection, now.name), now, found, connection.user_id, owners)


def _read_site(settings: Settings, connection: Connection) -> Site:
    removing = settings.provision.remove_leavers
    group = settings.provision.group
    # Whoever is removed leaves all groups, and an undo has to know which.
    names = None if removing else [group.name] if group is not None else []
    now = read_people(connection, names)
    log.info("site `%s`: %d users, %d groups", now.name, len(now.users), len(now.groups))
    return now


def _owners(settings: Settings, connection: Connection, now: Site, leavers: Roster) -> frozenset[str] | None:
    """Which leavers own content; None where nobody is removed, so that it does not matter."""
    if not settings.provision.remove_leavers:
        return None
    leaving = {u for person in leavers.people for u in now.users_named(person.name)}
    return frozenset(owned_by(connection, leaving))


def decide(gathered: Gathered, settings: Settings, *, with_contents: bool = True) -> Plan:
    """The plan. `with_contents` also judges who gains or loses sight of what, by the newest snapshot."""
    basis = basis_of(KIND, gathered.site, settings, gathered.own_id, when=gathered.people.when)
    basis = with_sources(basis, gathered.people, settings)
    if gathered.now is None:
        return build(basis)
    now, found = gathered.now, gathered.named
    policy = policy_of(settings, gathered.own_id, gathered.owners)
    wanted = want(now, found.joiners, found.leavers, tasks_of(settings), policy)
    wanted = replace(wanted, held=(*found.held, *wanted.held), notes=(*found.notes, *wanted.notes))
    return planned(basis, now, wanted, settings, with_contents=with_contents)


# -- all in one ------------------------------------------------------------------------------------------------


def plan_provision(settings: Settings) -> Plan:
    """Read and decide; nothing is written."""
    with connected(settings) as connection:
        return decide(gather(settings, connection), settings)


def run_provision(settings: Settings, waivers: tuple[Waiver, ...] = (), progress: Progress = silent) -> Applied:
    """Read, decide, stop or do, all of it logged; where it stops, the plan is kept to be looked at."""

    def decided(connection: Connection) -> tuple[Plan, Site | None]:
        gathered = gather(settings, connection)
        return decide(gathered, settings, with_contents=False), gathered.now

    return run_plan(settings, decided, waivers, progress)
