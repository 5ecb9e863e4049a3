"""Why decisions differ between two large Sites: the pieces of a difference, parted by their reasons."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from functools import cached_property
from typing import NamedTuple

import numpy as np

from tabwarden.access.reference import may
from tabwarden.compare.access_changes import Part, Reason, reason_of
from tabwarden.engine.columns import NONE, USER, Array
from tabwarden.engine.difference import Difference, Shifted
from tabwarden.engine.explain import SingleAnswers
from tabwarden.engine.explain_facts import Lookups, Person
from tabwarden.engine.index import Parts
from tabwarden.engine.rules import by_value
from tabwarden.model.site import Site


class _Cells(NamedTuple):
    """Of each user and each content the number of those who share every reason, ownership of contents apart."""

    users: Array
    contents: Array


class Reasons:
    """The reasons of decisions, answered once for all of whom the same facts speak.

    `known` counts the reasons of people who share role and groups: what is told ends by it, whoever answers.
    """

    def __init__(
        self,
        sites: tuple[Site, Site],
        own: tuple[Parts, Parts],
        difference: Difference,
        ids: tuple[Sequence[str], Sequence[str]],
    ) -> None:
        self.sites, self.own, self.difference = sites, own, difference
        self.users, self.contents = ids
        self.sides = difference.sides
        self.one = [SingleAnswers(parts) for parts in own]
        self.known = 0
        self._seen: dict[tuple[int, int, int], int] = {}
        self._persons: dict[str, list[Person | None]] = {}
        self._grantees: dict[int, list[frozenset[int] | None]] = {}
        self._reasons: dict[Hashable, list[tuple[Reason, Reason, tuple[str, ...]]]] = {}

    def of(self, piece: Shifted) -> Iterator[Part]:
        """The piece, parted by reasons."""
        cells = self._cells
        owned = self._owned(piece)
        keys = np.stack([cells.contents[piece.contents], owned, piece.gained, piece.lost]).astype(np.int64)
        alike = []
        for same in _groups_of_columns(keys):
            ids = tuple(self.contents[c] for c in piece.contents[same].tolist())
            of_content, owns = keys[:2, same[0]].tolist()
            gained, lost = int(piece.gained[same[0]]), int(piece.lost[same[0]])
            masks = [(gains, mask) for gains, mask in ((True, gained), (False, lost)) if mask]
            alike.append((ids, of_content, owns, masks, self._grantees_of(ids[0], of_content)))
        for mine in _groups_of(cells.users[piece.users]):
            users = piece.users[mine]
            people = tuple(self.users[user] for user in users.tolist())
            cell, persons = int(cells.users[users[0]]), self._persons_of(people[0])
            for contents, of_content, owns, masks, grantees in alike:
                speaking = _speaking(persons[0], grantees[0]), _speaking(persons[1], grantees[1])
                place = cell, of_content, owns
                for gains, mask in masks:
                    seen = self._seen.get(place, 0)
                    self._seen[place] = seen | mask
                    self.known += (mask & ~seen).bit_count()
                    key = of_content, owns, mask, speaking
                    if key not in self._reasons:
                        self._reasons[key] = self._by_reason(people[0], contents[0], mask)
                    for before, after, named in self._reasons[key]:
                        yield Part((gains, before, after), people, contents, named)

    def _owned(self, piece: Shifted) -> Array:
        """Whether the one person of a piece owns each content, before and after; pieces of many tell of no owners."""
        if len(piece.users) > 1:
            return np.zeros(len(piece.contents), np.int64)
        before, after = (parts.owner[piece.contents] == piece.users[0] for parts in self.sides)
        reasons: Array = before + 2 * after.astype(np.int64)
        return reasons

    def _persons_of(self, user: str) -> list[Person | None]:
        """What includes a person, before and after; None where she is not there."""
        if user not in self._persons:
            there = [user in site.users for site in self.sites]
            self._persons[user] = [
                one.lookups.person(user) if is_there else None for one, is_there in zip(self.one, there, strict=True)
            ]
        return self._persons[user]

    def _grantees_of(self, content: str, cell: int) -> list[frozenset[int] | None]:
        """Whom rules, owners and leaders of a content and of its lock name, before and after."""
        if cell not in self._grantees:
            self._grantees[cell] = [
                _named_on(one.lookups, content) if content in site.contents else None
                for one, site in zip(self.one, self.sites, strict=True)
            ]
        return self._grantees[cell]

    def _by_reason(self, user: str, content: str, mask: int) -> list[tuple[Reason, Reason, tuple[str, ...]]]:
        """The capabilities of a mask by what decides them before and after."""
        by_reasons: dict[tuple[Reason, Reason], list[str]] = {}
        for bit in _bits(mask):
            name = self.difference.names[bit]
            reasons = self._reason(0, user, name, content), self._reason(1, user, name, content)
            by_reasons.setdefault(reasons, []).append(name)
        return [(*reasons, tuple(names)) for reasons, names in by_reasons.items()]

    def _reason(self, side: int, user: str, capability: str, content: str) -> Reason:
        site = self.sites[side]
        if user not in site.users or content not in site.contents:
            return None
        parts = self.own[side]
        if capability in parts.tables.bits:
            return reason_of(site, self.one[side].answer(user, capability, content))
        # Only the other Site names it.
        return reason_of(site, may(site, user, capability, content, model=parts.model, open_points=parts.open_points))

    @cached_property
    def _cells(self) -> _Cells:
        of_content = []
        for parts, there in zip(self.sides, self.difference.has_content, strict=True):
            of_content += [there, parts.classes.of_content, parts.project_row, parts.lock_row]
        contents = _numbered(np.stack(of_content).astype(np.int64))
        special = np.zeros(len(self.users) + 1, bool)
        for parts in self.sides:
            lists = parts.columns.rules.grantee
            named = np.concatenate((lists[(lists & 3) == USER] >> 2, parts.columns.contents.owner))
            special[np.minimum(named, len(special) - 1)] = True
        numbers: dict[object, int] = {}
        users = np.zeros(len(special) - 1, np.int64)
        for user, alone in enumerate(special[:-1].tolist()):
            key: object = user if alone else tuple(self._belonging(parts, user) for parts in self.sides)
            users[user] = numbers.setdefault(key, len(numbers))
        return _Cells(users, contents)

    def _belonging(self, parts: Parts, user: int) -> tuple[int, bytes]:
        groups = parts.people.of(user).groups
        return int(parts.columns.users.role[user]), np.sort(groups).tobytes()


def _speaking(person: Person | None, grantees: frozenset[int] | None) -> Hashable:
    """What of a person decides where these are named; of two with the same every reason is the same."""
    return None if person is None or grantees is None else (person.role, person.grantees & grantees, person.perhaps)


def _named_on(lookups: Lookups, content: str) -> frozenset[int]:
    place, lists = lookups.place(content), lookups.columns.rules
    first, end = (0, 0) if place.rules == NONE else lists.offsets[place.rules : place.rules + 2].tolist()
    locking = () if place.lock == NONE else lookups.chain(place.lock).people
    return place.ruling.union(lists.grantee[first:end].tolist(), locking)


def _bits(mask: int) -> Iterator[int]:
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low


def _numbered(rows: Array) -> Array:
    """For each column a number that equal columns share."""
    _, inverse = np.unique(rows, axis=1, return_inverse=True)
    numbers: Array = inverse.reshape(-1)
    return numbers


def _groups_of(values: Array) -> list[Array]:
    """Places of equal values."""
    _, numbers = np.unique(values, return_inverse=True)
    count = int(numbers.max()) + 1
    grouped = by_value(numbers, count)
    return [grouped.of(number) for number in range(count)]


def _groups_of_columns(rows: Array) -> list[Array]:
    """Places of equal columns."""
    return _groups_of(_numbered(rows))
