"""Which Tableau user a catalog person is: by user name, letter case aside.

After "Tableau Permission Mirroring", "Matching Tableau and Alation Users". A person who matches nobody, or perhaps
several, sees nothing; for them the likely counterparts are listed, for a person to decide.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from typing import NamedTuple
from weakref import WeakKeyDictionary

import numpy as np

from tabwarden.engine.columns import Columns, Names
from tabwarden.model.names import same
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
        persons: dict[str, list[str]] = defaultdict(list)
        for match in self.matched:
            persons[match.user].append(match.person)
        return {user: tuple(names) for user, names in persons.items()}


class SiteUsers:
    """The users of a site by number: ids and names as lists, and the numbers back."""

    def __init__(self, names: Names) -> None:
        self._names = names
        self.ids, self.names = self._texts("id"), self._texts("name")

    def _texts(self, column: str) -> list[str]:
        different, places = np.unique(getattr(self._names, f"user_{column}"), return_inverse=True)
        texts = self._names.words.at(different).all()
        return [texts[place] for place in places.tolist()]

    @cached_property
    def domains(self) -> list[str]:
        """The domain of each."""
        return self._texts("domain")

    @cached_property
    def emails(self) -> list[str]:
        """The e-mail address of each, perhaps empty."""
        return self._texts("email")

    @cached_property
    def full_names(self) -> list[str]:
        """The display name of each, perhaps empty."""
        return self._texts("full_name")

    @cached_property
    def numbers(self) -> Mapping[str, int]:
        """The number of each by id."""
        return {user: number for number, user in enumerate(self.ids)}

    @cached_property
    def _by_name(self) -> Mapping[str, list[int]]:
        by_name: dict[str, list[int]] = defaultdict(list)
        for number, name in enumerate(self.names):
            by_name[same(name)].append(number)
        return by_name

    @cached_property
    def _by_qualified_name(self) -> Mapping[str, list[int]]:
        by_name: dict[str, list[int]] = defaultdict(list)
        for number in range(len(self.names)):
            by_name[same(self.qualified(number))].append(number)
        return by_name

    @cached_property
    def _shown(self) -> Counter[str]:
        return Counter(same(name) for name in self.full_names if name)

    def named(self, name: str) -> list[int]:
        """The users with that name or `domain\\name`, in any letter case; several on several domains."""
        plain = same(name.strip())
        numbers = self._by_name.get(plain, [])
        if "\\" not in plain:
            return numbers
        return [*numbers, *(number for number in self._by_qualified_name.get(plain, ()) if number not in numbers)]

    def qualified(self, number: int) -> str:
        """`domain\\name`."""
        return f"{self.domains[number]}\\{self.names[number]}"

    def told(self, number: int) -> str:
        """The user name, `domain\\name` where two domains have it: what others join by."""
        return self.names[number] if len(self.named(self.names[number])) == 1 else self.qualified(number)

    def called(self, number: int) -> str:
        """How a user is written wherever people are listed: as `Site.called` has it."""
        name = self.full_names[number]
        repeated = len(self._by_name[same(self.names[number])]) > 1 or (name and self._shown[same(name)] > 1)
        return self.qualified(number) if repeated else self.names[number]


_KNOWN: WeakKeyDictionary[Columns, SiteUsers] = WeakKeyDictionary()


def users_of(columns: Columns) -> SiteUsers:
    """The users of a site, their names sought out once."""
    if columns not in _KNOWN:
        _KNOWN[columns] = SiteUsers(columns.names)
    return _KNOWN[columns]


def match(people: Iterable[Person], columns: Columns, matching: Matching = Matching()) -> Matches:
    """Match catalog people to the users of a site."""
    listed = list(people)
    users = users_of(columns)
    matcher = _Matcher(users, matching)
    taken = {result.user for result in (matcher.plainly(person) for person in listed) if isinstance(result, Match)}
    by_domain: dict[str, list[str]] = defaultdict(list)
    results: dict[str, Match | Unmatched] = {}
    for person in listed:
        result = matcher.plainly(person)
        if isinstance(result, Unmatched) and result.reason == _NOBODY:
            result = matcher.by_domain(person, taken)
            if isinstance(result, Match):
                by_domain[result.user].append(person.name)
        results[person.name] = result
    for user, names in by_domain.items():
        if len(names) > 1:
            called = users.called(users.numbers[user])
            for name in names:
                others = ", ".join(f"`{other}`" for other in names if other != name)
                reason = f"is user `{called}` without the domain, and so is {others}"
                results[name] = Unmatched(name, reason, (called,))
    unmatched = [(person, result) for person in listed if isinstance(result := results[person.name], Unmatched)]
    likely = _Likely(users) if unmatched else None
    return Matches(
        tuple(result for result in results.values() if isinstance(result, Match)),
        tuple(
            result._replace(likely=result.likely or (likely.of(person) if likely else ()))
            for person, result in unmatched
        ),
    )


def tableau_people(columns: Columns) -> Matches:
    """Where there is no catalog of its own: every user is a person under the user name, `domain\\name` if shared."""
    users = users_of(columns)
    shared = Counter(map(same, users.names))
    return Matches(
        tuple(
            Match(name if shared[same(name)] == 1 else users.qualified(number), users.ids[number], OF_TABLEAU)
            for number, name in enumerate(users.names)
        )
    )


_NOBODY = "no Tableau user has this name"


class _Matcher:
    """The users of a site by name, and by name without the domains that do not count."""

    def __init__(self, users: SiteUsers, matching: Matching) -> None:
        self._users = users
        self._domains = frozenset(same(domain) for domain in matching.domains)
        self._exceptions = {same(person): user for person, user in matching.exceptions}
        self._bare: dict[str, list[int]] = defaultdict(list)
        for number, name in enumerate(users.names if self._domains else ()):
            self._bare[self._without_domain(name)].append(number)

    def plainly(self, person: Person) -> Match | Unmatched:
        """By exception, else by the whole name."""
        excepted = self._exceptions.get(same(person.name))
        numbers = self._users.named(excepted if excepted is not None else person.name)
        if len(numbers) == 1:
            return Match(person.name, self._users.ids[numbers[0]], BY_NAME if excepted is None else BY_EXCEPTION)
        if numbers:
            reason = "several Tableau users have this name; say which by an exception"
            return Unmatched(person.name, reason, self._qualified(numbers))
        if excepted is not None:
            return Unmatched(person.name, f"its exception names `{excepted}`, and no Tableau user has that name")
        return Unmatched(person.name, _NOBODY)

    def by_domain(self, person: Person, taken: Collection[str]) -> Match | Unmatched:
        """By the name without a domain that does not count; never a user whom another person matches wholly."""
        numbers = self._bare.get(self._without_domain(person.name), []) if self._domains else []
        if len(numbers) > 1:
            reason = "several Tableau users have this name without the domain; say which by an exception"
            return Unmatched(person.name, reason, self._qualified(numbers))
        if not numbers:
            return Unmatched(person.name, _NOBODY)
        user = self._users.ids[numbers[0]]
        if user in taken:
            reason = "the user with this name, without the domain, is somebody else of the catalog"
            return Unmatched(person.name, reason, self._qualified(numbers))
        return Match(person.name, user, BY_DOMAIN)

    def _qualified(self, numbers: Iterable[int]) -> tuple[str, ...]:
        return tuple(sorted(map(self._users.qualified, numbers)))

    def _without_domain(self, name: str) -> str:
        before, backslash, rest = name.rpartition("\\")
        if backslash and same(before) in self._domains:
            name = rest
        front, at, behind = name.rpartition("@")
        return same(front if at and same(behind) in self._domains else name)


class _Likely:
    """Users who are likely meant by a name that matches none: same e-mail, full name, or a name made of the same."""

    def __init__(self, users: SiteUsers) -> None:
        self._users = users
        self._by_clue: dict[str, list[int]] = defaultdict(list)
        self._by_letter: dict[str, dict[str, int]] = defaultdict(dict)
        for number, facts in enumerate(zip(users.names, users.emails, users.full_names, strict=True)):
            for clue in set(_clues(*facts)):
                self._by_clue[clue].append(number)
            local = _local(users.names[number])
            self._by_letter[local[:1]][local] = number

    def of(self, person: Person) -> tuple[str, ...]:
        """Their user names, the likeliest first."""
        names: dict[str, None] = {}
        for clue in _clues(person.name, person.email, person.full_name):
            names.update(dict.fromkeys(map(self._users.called, self._by_clue.get(clue, ()))))
        if not names:
            near = self._by_letter.get(_local(person.name)[:1], {})
            close = get_close_matches(_local(person.name), near, MOST_LIKELY, _CLOSE)
            names.update(dict.fromkeys(self._users.called(near[name]) for name in close))
        return tuple(names)[:MOST_LIKELY]


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
