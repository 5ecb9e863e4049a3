"""Joiners and leavers by the names of Tableau, where the server is joined to the directory."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from tabwarden.model.names import same
from tabwarden.model.resolver import NO_DOMAIN
from tabwarden.model.site import Site
from tabwarden.plan.plan import Plan
from tabwarden.run.context import Context
from tabwarden.run.names import directory_of, nicknames_if_told
from tabwarden.settings import Settings
from tabwarden.store.rosters import keep_accounts, known_accounts
from tabwarden.want.candidates import KnownAs
from tabwarden.want.directory import Directory
from tabwarden.want.groups.ways import Names
from tabwarden.want.names.identity import accounts_of, told
from tabwarden.want.names.resolve import people_meant, resolved_joiners, resolved_leavers
from tabwarden.want.roster import Roster
from tabwarden.want.wanted import Held


@dataclass(frozen=True, slots=True)
class Named:
    """Joiners and leavers by user name; who is held because the directory cannot tell, and remarks."""

    joiners: Roster
    leavers: Roster
    held: tuple[Held, ...] = ()
    notes: tuple[str, ...] = ()
    known_as: KnownAs = field(default_factory=KnownAs)


def directory_if_set(settings: Settings) -> Directory | None:
    """The directory of the settings, whole; None where they name none."""
    return directory_of(settings) if settings.directory is not None else None


def named(context: Context, directory: Directory | None, now: Site, joiners: Roster, leavers: Roster) -> Named:
    """Joiners and leavers resolved through the directory; as they are written where the server is not joined to it."""
    names = [person.name for person in (*joiners.people, *leavers.people)]
    joined = is_joined(context, directory, now)
    known = known_as(context, directory, now, names, joined=joined)
    if directory is None:
        return Named(joiners, leavers, known_as=known)
    if not joined:
        home = directory.domains[0].fqdn if directory.domains else "the directory"
        note = f"nobody on the site is of `{home}` and Tableau tells of no such domain: names are taken as they stand"
        return Named(joiners, leavers, (), (note,), known)
    accounts = known_accounts(context.store, context.site())
    coming = resolved_joiners(joiners, directory, now, accounts=accounts)
    going = resolved_leavers(leavers, directory, now, accounts)
    return Named(coming.roster, going.roster, (*coming.held, *going.held), (*coming.notes, *going.notes), known)


def is_joined(context: Context, directory: Directory | None, now: Site) -> bool:
    """Whether the server is joined to the directory of the settings."""
    return directory is not None and Names(nicknames_if_told(now, context.connection), directory).joined


def known_as(
    context: Context, directory: Directory | None, now: Site, names: Collection[str], *, joined: bool
) -> KnownAs:
    """What Tableau and the directory know these names and their domains by, and who was who at the last good run."""
    if directory is None:
        ask = any("\\" in name for name in names) and any(same(u.domain) not in NO_DOMAIN for u in now.users.values())
        domains = nicknames_if_told(now, context.connection).nicknames if ask else now.nicknames
        return KnownAs(tuple((domains or {}).items()))
    accounts = known_accounts(context.store, context.site())
    there = accounts_of(directory, now) if joined else {}
    others, before, keys = dict[str, tuple[str, ...]](), dict[str, str](), dict[str, tuple[str, str]]()
    for name in names:
        people = people_meant(directory, name.strip()).people
        if len(people) != 1:
            continue
        person, known = people[0], same(name.strip())
        others[known] = tuple(form for form in (told(person), person.upn, person.email) if form)
        before[known] = accounts.get(person.guid, "")
        keys[known] = person.guid, there.get(person.guid, told(person) if joined else name.strip())
    return KnownAs(tuple((domain.fqdn, domain.netbios) for domain in directory.domains), others, before, keys)


def keep_who_is_who(context: Context, plan: Plan, known: KnownAs) -> None:
    """Keep with a plan who everybody of the lists is by key of the directory; those who are held stay who they were."""
    if known.keys:
        held = {same(one.person) for one in plan.held}
        accounts = dict(pair for name, pair in known.keys.items() if name not in held)
        accounts = {**known_accounts(context.store, plan.site), **accounts}
        keep_accounts(context.store, plan.id, plan.site, accounts, plan.made_at)
