"""What a fault does to a request inside the sandbox: refusals, ended sessions, missing seats, wrong pages."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TypeVar

from tabwarden.model.errors import TabwardenError
from tabwarden.model.roles import TIERS, licence_of
from tabwarden.model.site import Site
from tabwarden.sandbox.directories.directory import Directory, DirectoryGroup, Domain, Person
from tabwarden.sandbox.faults import script
from tabwarden.sandbox.faults.script import DIRECTORY_PARTIAL, DIRECTORY_TIMEOUT, Faults, Struck
from tabwarden.sandbox.http.errors import Refusal
from tabwarden.sandbox.state.sessions import Sessions
from tabwarden.sandbox.state.sites import State


class StrickenDirectory:
    """The directory `within`, its look-ups struck by `faults` (asked for each time, for a script can be exchanged)."""

    def __init__(self, within: Directory, faults: Callable[[], Faults]) -> None:
        self._within = within
        self._faults = faults

    def domains(self) -> Sequence[Domain]:
        """Every domain; Tableau knows them without asking."""
        return self._within.domains()

    def find_people(self, domain: str, name: str) -> Sequence[Person]:
        """People by name; TabwardenError when the directory does not answer."""
        self._answer()
        return self._within.find_people(domain, name)

    def find_group(self, domain: str, name: str) -> DirectoryGroup | None:
        """A group by name; TabwardenError when the directory does not answer."""
        self._answer()
        return self._within.find_group(domain, name)

    def members(self, group: DirectoryGroup) -> Sequence[Person]:
        """The members, or the first of them and not a word about the rest."""
        self._answer()
        people = self._within.members(group)
        partial = self._faults().at_directory(DIRECTORY_PARTIAL)
        return people if partial is None else people[: int(len(people) * partial.share)]

    def authenticate(self, person: Person, password: str) -> bool:
        """Whether the directory lets this person in; TabwardenError when it does not answer."""
        self._answer()
        return self._within.authenticate(person, password)

    def _answer(self) -> None:
        if self._faults().at_directory(DIRECTORY_TIMEOUT) is not None:
            raise TabwardenError("the directory did not answer in time")


T = TypeVar("T")
_REFUSED = {
    script.TOO_MANY: ("429000", "too many requests at once; wait"),
    script.UNAVAILABLE: ("503000", "the server is busy with itself; try again later"),
    script.INTERNAL: ("500000", "the server stumbled; nothing was done"),
}


def refuse(struck: Struck) -> None:
    """Raise the refusal that a fault stands for, if one does."""
    fault = struck.get(*_REFUSED)
    if fault is not None:
        code, detail = _REFUSED[fault.fault]
        wait = {"Retry-After": str(fault.retry_after)} if fault.retry_after is not None else None
        raise Refusal(code, detail, wait)


def end_sessions(struck: Struck, sessions: Sessions, token: str | None) -> None:
    """End the session of a token, or of all who signed in with the same personal access token."""
    if struck.get(script.EXPIRED_TOKEN):
        sessions.expire(token)
    if struck.get(script.TAKEN_TOKEN):
        sessions.taken(token)


@contextmanager
def without_seats(struck: Struck, state: State) -> Iterator[None]:
    """No licence is free on any site while the request is done, where a fault says so."""
    if struck.get(script.NO_SEATS) is None:
        yield
        return
    licences = {site.id: site.licences for site in state.sites}
    for site in state.sites:
        state.put(replace(site, licences=_taken(site)))
    try:
        yield
    finally:
        for site in state.sites:
            if site.id in licences:
                state.put(replace(site, licences=licences[site.id]))


def _taken(site: Site) -> dict[str, int]:
    """The seats that are taken, by tier."""
    licences = [licence_of(user.site_role) for user in site.users.values()]
    return {tier: licences.count(tier) for tier in TIERS}


def page_of(struck: Struck, items: Sequence[T], first: int, size: int) -> Sequence[T]:
    """The items of a page, some missing or repeated where a fault says so."""
    page = items[first : first + size]
    short, again = struck.get(script.SHORT_PAGE), struck.get(script.DUPLICATES)
    if short is not None:
        page = page[: max(0, len(page) - short.items)]
    if again is not None:
        repeated = items[max(0, first - again.items) : first] or page[: again.items]
        page = [*repeated, *page[: max(0, len(page) - len(repeated))]]
    return page


def known_to_search(struck: Struck, state: State, items: list[T]) -> list[T]:
    """The items that the search index knows already."""
    lag = struck.get(script.SEARCH_LAG)
    if lag is None:
        return items
    now = state.clock()
    return [item for item in items if now - state.born.get(getattr(item, "id", ""), -math.inf) >= lag.seconds]
