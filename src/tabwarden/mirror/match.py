"""Which Tableau user a catalog person is: by user name, letter case aside. Not what either may see.

After "Tableau Permission Mirroring", "Matching Tableau and Alation Users". A person who matches nobody, or perhaps
several, sees nothing; for them the likely counterparts are listed, for a person to decide.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import NamedTuple

from tabwarden.model.names import same
from tabwarden.model.site import Site, User
from tabwarden.want.roster import Person

BY_NAME, BY_DOMAIN, BY_EXCEPTION, OF_TABLEAU = "name", "domain", "exception", "tableau"
MOST_LIKELY = 3
_CLOSE = 0.8


class Match(NamedTuple):
    """A catalog person and the Tableau user (id) he is; `how` is name, domain or exception."""

    person: str
    user: str
    how: str


class Unmatched(NamedTuple):
    """A catalog person who sees nothing, why, and which Tableau users are likely meant."""

    person: str
    reason: str
    likely: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Matching:
    """How people are matched.

    Names that differ only in one of `domains` (behind the @ or before the backslash), or by having none, are the
    same; without any, names are compared whole. `exceptions` maps a catalog name to a Tableau name, before all else.
    """

    domains: tuple[str, ...] = ()
    exceptions: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Matches:
    """Everybody of a catalog, matched or not, in the order of the roster."""

    matched: tuple[Match, ...]
    unmatched: tuple[Unmatched, ...] = ()

    @property
    def by_user(self) -> Mapping[str, tuple[str, ...]]:
        """Names of the catalog people each Tableau user is."""
        found: dict[str, list[str]] = defaultdict(list)
        for match in self.matched:
            found[match.user].append(match.person)
        return {user: tuple(people) for user, people in found.items()}


def match(people: Iterable[Person], site: Site, matching: Matching = Matching()) -> Matches:
    """Match catalog people to the users of a site."""
    listed = list(people)
    found = _Users(site, matching)
    taken = {found.user for found in (found.plainly(person) for person in listed) if isinstance(found, Match)}
    by_domain: dict[str, list[str]] = defaultdict(list)
    results: dict[str, Match | Unmatched] = {}
    for person in listed:
        result = found.plainly(person)
        if isinstance(result, Unmatched) and result.reason == _NOBODY:
            result = found.by_domain(person, taken)
            if isinstance(result, Match):
                by_domain[result.user].append(person.name)
        results[person.name] = result
    for user, names in by_domain.items():
        if len(names) > 1:
            for name in names:
                others = ", ".join(f"`{other}`" for other in names if other != name)
                reason = f"is user `{site.called(user)}` without the domain, and so is {others}"
                results[name] = Unmatched(name, reason, (site.called(user),))
    likely = _Likely(site)
    return Matches(
        tuple(each for each in results.values() if isinstance(each, Match)),
        tuple(
            each._replace(likely=each.likely or likely.of(person))
            for person in listed
            if isinstance(each := results[person.name], Unmatched)
        ),
    )


def tableau_people(site: Site) -> Matches:
    """Where there is no catalog of its own: every user is a person under the user name, `domain\\name` if shared."""
    shared: dict[str, int] = defaultdict(int)
    for user in site.users.values():
        shared[same(user.name)] += 1
    return Matches(
        tuple(
            Match(user.name if shared[same(user.name)] == 1 else f"{user.domain}\\{user.name}", user.id, OF_TABLEAU)
            for user in site.users.values()
        )
    )


_NOBODY = "no Tableau user has this name"


class _Users:
    """The users of a site by name, and by name without the domains that do not count."""

    def __init__(self, site: Site, matching: Matching) -> None:
        self._site = site
        self._domains = frozenset(same(domain) for domain in matching.domains)
        self._exceptions = {same(person): user for person, user in matching.exceptions}
        self._bare: dict[str, list[str]] = defaultdict(list)
        for user in site.users.values() if self._domains else ():
            self._bare[self._without_domain(user.name)].append(user.id)

    def plainly(self, person: Person) -> Match | Unmatched:
        """By exception, else by the whole name."""
        excepted = self._exceptions.get(same(person.name))
        ids = self._site.users_named(excepted if excepted is not None else person.name)
        if len(ids) == 1:
            return Match(person.name, ids[0], BY_NAME if excepted is None else BY_EXCEPTION)
        if ids:
            return Unmatched(
                person.name, "several Tableau users have this name; say which by an exception", self._told(ids)
            )
        if excepted is not None:
            return Unmatched(person.name, f"its exception names `{excepted}`, and no Tableau user has that name")
        return Unmatched(person.name, _NOBODY)

    def by_domain(self, person: Person, taken: Collection[str]) -> Match | Unmatched:
        """By the name without a domain that does not count; never a user whom another person matches wholly."""
        ids = self._bare.get(self._without_domain(person.name), []) if self._domains else []
        if len(ids) > 1:
            reason = "several Tableau users have this name without the domain; say which by an exception"
            return Unmatched(person.name, reason, self._told(ids))
        if not ids:
            return Unmatched(person.name, _NOBODY)
        if ids[0] in taken:
            reason = "the user with this name, without the domain, is somebody else of the catalog"
            return Unmatched(person.name, reason, self._told(ids))
        return Match(person.name, ids[0], BY_DOMAIN)

    def _told(self, ids: Iterable[str]) -> tuple[str, ...]:
        users = (self._site.users[user] for user in ids)
        return tuple(sorted(f"{user.domain}\\{user.name}" for user in users))

    def _without_domain(self, name: str) -> str:
        before, backslash, rest = name.rpartition("\\")
        if backslash and same(before) in self._domains:
            name = rest
        front, at, behind = name.rpartition("@")
        return same(front if at and same(behind) in self._domains else name)


class _Likely:
    """Users who are likely meant by a name that matches none: same e-mail, full name, or a name made of the same."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._by_clue: dict[str, list[User]] = defaultdict(list)
        self._by_letter: dict[str, dict[str, User]] = defaultdict(dict)
        for user in site.users.values():
            for clue in set(_clues(user.name, user.email, user.full_name)):
                self._by_clue[clue].append(user)
            local = _local(user.name)
            self._by_letter[local[:1]][local] = user

    def of(self, person: Person) -> tuple[str, ...]:
        """Their user names, the likeliest first."""
        found: dict[str, None] = {}
        for clue in _clues(person.name, person.email, person.full_name):
            found.update(dict.fromkeys(self._site.called(user.id) for user in self._by_clue.get(clue, ())))
        if not found:
            near = self._by_letter.get(_local(person.name)[:1], {})
            close = get_close_matches(_local(person.name), near, MOST_LIKELY, _CLOSE)
            found.update(dict.fromkeys(self._site.called(near[name].id) for name in close))
        return tuple(found)[:MOST_LIKELY]


def _local(name: str) -> str:
    """The name without domain, letter case aside."""
    return same(name.rpartition("\\")[2].partition("@")[0])


def _clues(name: str, email: str, full_name: str) -> Iterator[str]:
    """Texts that two records of one person are likely to share, the strongest first."""
    for address in (name, email):
        if "@" in address:
            yield f"address {same(address)}"
    for local in dict.fromkeys((_local(name), *([_local(email)] if email else ()))):
        yield f"local {local}"
    words = [word for word in re.split(r"[\s._+-]+", same(full_name)) if word]
    parts = [word for word in re.split(r"[._+-]+", _local(name)) if word]
    for of in (words, parts):
        if len(of) > 1:
            yield f"words {' '.join(of)}"
            yield f"local {of[0][0]}{of[-1]}"
            yield f"local {''.join(of)}"
            yield f"local {of[0]}{of[-1][0]}"
