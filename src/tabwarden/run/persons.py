"""One person on many sites: by user name and domain, and by key where a roster knows her under another name."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from tabwarden.model.errors import TabwardenError
from tabwarden.model.names import same
from tabwarden.model.site import Site, User
from tabwarden.plan.plan import Plan, SiteIdentity
from tabwarden.run.history import people_of_every_site, store_of
from tabwarden.settings import Settings
from tabwarden.store.rosters import ACCOUNTS, ROSTERS, known_roster

log = logging.getLogger("tabwarden.run")
Keys = frozenset[tuple[str, str]]


class OnSite(NamedTuple):
    """Somebody (`person`, as a plan calls her) as the user she is on another site."""

    person: str
    site: Site
    user: User


def keys_on(store: Path | None, site: Site) -> list[tuple[str, Keys]]:
    """User names of a site with the keys that the last good run knew them by; nothing where no run did."""
    if store is None:
        return []
    identity = SiteIdentity.of(site)
    people = [one for folder in (ROSTERS, ACCOUNTS) for one in known_roster(store, identity, folder).people]
    return [(one.name, frozenset(one.keys)) for one in people if one.keys]


def everywhere(store: Path | None, sites: Sequence[Site], words: str) -> list[tuple[Site, User]]:
    """Who is called so, or has that key, on each site; and who is the same by a key where her user name is another."""
    known = [keys_on(store, site) for site in sites]
    ids = [set(site.users_named(words)) for site in sites]
    mine = {key for people in known for _, keys in people for key in keys if same(key[1]) == same(words)}
    for site, people, users in zip(sites, known, ids, strict=True):
        mine |= {key for name, keys in people if users.intersection(site.users_named(name)) for key in keys}
    for site, people, users in zip(sites, known, ids, strict=True):
        users |= {user for name, keys in people if keys & mine for user in site.users_named(name)}
    return [(site, site.users[user]) for site, users in zip(sites, ids, strict=True) for user in sorted(users)]


def leavers_elsewhere(settings: Settings, plan: Plan) -> list[OnSite]:
    """Where else whoever a plan takes a licence from, or removes, is a user, by the newest snapshots of the store.

    Where these cannot be asked that is told, and the plan is what it is.
    """
    leavers = (*plan.impact.lose_licence, *plan.impact.removed)
    try:
        return list(_elsewhere(settings, plan.site, dict.fromkeys(leavers))) if leavers else []
    except TabwardenError as error:
        log.warning("where else whoever leaves is a user is not known: %s", error)
        return []


def _elsewhere(settings: Settings, where: SiteIdentity, leavers: Iterable[str]) -> Iterator[OnSite]:
    sites = people_of_every_site(store_of(settings))
    for person in leavers:
        users = everywhere(settings.store.folder, sites, person)
        is_own = [(site.taken.where, site.content_url) == (where.where, where.content_url) for site, _ in users]
        own = {same(user.domain) for (_, user), is_here in zip(users, is_own, strict=True) if is_here}
        for (site, user), is_here in zip(users, is_own, strict=True):
            alike = not own or same(user.domain) in own or same(user.name) != same(person.rpartition("\\")[2])
            if not is_here and alike:
                yield OnSite(person, site, user)
