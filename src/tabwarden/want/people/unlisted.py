"""Who is on a site and in no authoritative source: told at every run, and leavers only where somebody says so."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from tabwarden.model.names import same
from tabwarden.model.roles import is_licensed
from tabwarden.model.site import Site, User
from tabwarden.want.candidates import Candidates
from tabwarden.want.people.joiners_and_leavers import Standing
from tabwarden.want.people.records import EMAIL
from tabwarden.want.roster import Person, named_only
from tabwarden.want.wanted import Held, Unlisted

GUEST = "Guest"


def unlisted_users(
    now: Site,
    standings: Iterable[Standing],
    resolved: Iterable[Person],
    held: Iterable[Held],
    candidates: Candidates,
    authoritative: Collection[str],
) -> tuple[User, ...]:
    """The users whom no row of an authoritative source may mean, licensed ones first, by name.

    Who vanished or left since the last good run is known; so is whoever is held, and whoever may be somebody listed
    under another form of the name. `resolved` are people by the names they have on Tableau.
    """
    if not authoritative:
        return ()
    known = [one for one in standings if one.person is None or any(s in authoritative for s, _ in one.person.rows)]
    names = {same(one.name) for one in known}
    met = {user for one in known for user in _users(now, one, candidates)}
    met |= {user for person in resolved if same(person.source) in names for user in now.users_named(person.name)}
    for one in held:
        ids = now.users_named(one.person)
        met |= {*ids, *(candidate.user for candidate in candidates.of(named_only(one.person)))}
    strangers = (user for user in now.users.values() if user.id not in met and user.site_role != GUEST)
    return tuple(sorted(strangers, key=lambda user: (not is_licensed(user.site_role), same(user.name))))


def _users(now: Site, standing: Standing, candidates: Candidates) -> Iterator[str]:
    for name in (standing.name, standing.was_called):
        yield from now.users_named(name) if name else ()
    mail = standing.person.value(EMAIL) if standing.person is not None else ""
    yield from (candidate.user for candidate in candidates.of(named_only(standing.name)._replace(email=mail)))


def told_of(users: Iterable[User]) -> tuple[Unlisted, ...]:
    return tuple(Unlisted(user.qualified, user.site_role, user.last_login or "") for user in users)
