"""Why decisions differ between two large Sites: the pieces of a difference, parted by their reasons."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from functools import cached_property, reduce

import numpy as np

from tabwarden.access.reference import may
from tabwarden.compare.access_changes import Part, Reason, reason_of
from tabwarden.engine.columns import NONE, USER, Array
from tabwarden.engine.difference import Difference, Shifted, said_by
from tabwarden.engine.explain import SingleAnswers
from tabwarden.engine.explain_facts import Lookups, Person
from tabwarden.engine.index import Parts
from tabwarden.engine.rules import by_value, mixed
from tabwarden.model.site import Site

_FEW = 64  # contents' people are numbered for so many contents at a time


class Reasons:
    """The reasons of decisions, answered once for all of whom the same facts speak; people and contents by number.

    `asked_for` counts the reasons that were: what is told ends by it.
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
        self.asked_for = 0
        self._persons: dict[int, list[Person | None]] = {}
        self._grantees: dict[int, list[frozenset[int] | None]] = {}
        self._people: dict[int, Array] = {}
        self._patterns: dict[Hashable, list[int]] = {}
        self._reasons: dict[Hashable, list[tuple[Reason, Reason, tuple[str, ...]]]] = {}

    def of(self, piece: Shifted) -> Iterator[Part[int]]:
        """The piece, parted by reasons."""
        for same in self._contents_alike(piece):
            contents, first = tuple(piece.contents[same].tolist()), int(piece.contents[same[0]])
            place, owns = int(self._cells[first]), int(self._owned(piece)[same[0]])
            grantees = self._grantees_of(first, place)
            masks = [(True, int(piece.gained[same[0]])), (False, int(piece.lost[same[0]]))]
            masks = [(gains, mask) for gains, mask in masks if mask]
            for users in self._people_alike(piece.users, first, place):
                user = int(users[0])
                persons = self._persons_of(user)
                speaking = _speaking(persons[0], grantees[0]), _speaking(persons[1], grantees[1])
                people = tuple(users.tolist())
                for gains, mask in masks:
                    key = place, owns, mask, speaking
                    if key not in self._reasons:
                        self._reasons[key] = self._by_reason(user, first, mask)
                    for before, after, named in self._reasons[key]:
                        yield Part((gains, before, after), people, contents, named)

    # -- who and what share every reason ------------------------------------------------------------------------

    def _contents_alike(self, piece: Shifted) -> list[Array]:
        """Places in the piece of contents on which everybody of it differs alike, for one reason."""
        if len(piece.contents) == 1:
            return [np.zeros(1, np.int64)]
        owned = self._owned(piece).astype(np.uint64)
        marks = self._cells[piece.contents]
        for more in (owned, piece.gained, piece.lost):
            marks = mixed(marks ^ more)
        return _groups_of(marks) if (marks != marks[0]).any() else [np.arange(len(marks))]

    def _owned(self, piece: Shifted) -> Array:
        """Whether the one person of a piece owns each content, before and after; pieces of many tell of no owners."""
        if len(piece.users) > 1:
            return np.zeros(len(piece.contents), np.int64)
        before, after = (parts.owner[piece.contents] == piece.users[0] for parts in self.sides)
        owned: Array = before + 2 * after.astype(np.int64)
        return owned

    @cached_property
    def _cells(self) -> Array:
        """Of each content a hash of what its reasons hang on, people and owners apart."""
        marks = np.zeros(len(self.contents), np.uint64)
        for parts, there in zip(self.sides, self.difference.has_content, strict=True):
            # Whoever owns or leads a project itself does so for one reason, whichever project it is.
            is_project = parts.powers.row != NONE
            ruled = np.where(is_project, parts.powers.alike[parts.project_row], parts.project_row)
            for column in (there, parts.classes.of_content, is_project, ruled, parts.lock_row):
                marks = mixed(marks ^ column.astype(np.uint64))
        return marks

    def _people_alike(self, users: Array, content: int, place: int) -> Iterator[Array]:
        """The users by role and by which grantees of the content include them."""
        if len(users) == 1:
            yield users
            return
        if place not in self._people:
            if len(self._people) == _FEW:
                self._people.clear()
            self._people[place] = self._numbered(content)
        for same in _groups_of(self._people[place][users]):
            yield users[same]

    def _numbered(self, content: int) -> Array:
        """For everybody a number that all share of whom the same facts speak on the content."""
        marks = np.zeros(len(self.users), np.uint64)
        for parts, there in zip(self.sides, self.difference.has_content, strict=True):
            marks = mixed(marks ^ parts.columns.users.role.astype(np.uint64))
            people, codes = parts.people, _codes_on(parts, content) if there[content] else np.zeros(0, np.int64)
            tables = (people.rows, people.perhaps_rows) if people.some_unread else (people.rows,)
            for code, row, mark in zip(codes.tolist(), people.row_of(codes).tolist(), mixed(codes), strict=True):
                if code & 3 == USER:
                    marks[code >> 2 : (code >> 2) + 1] += mark  # nobody's where he is only named
                    continue
                for perhaps, rows in enumerate(tables):
                    bits = np.unpackbits(rows[row].view(np.uint8), count=len(marks), bitorder="little")
                    marks += bits * (mark + np.uint64(perhaps))
        return np.unique(marks, return_inverse=True)[1].astype(np.int32)

    def _persons_of(self, user: int) -> list[Person | None]:
        """What includes a person, before and after; None where she is not there."""
        if user not in self._persons:
            name = self.users[user]
            self._persons[user] = [
                one.lookups.person(name) if name in site.users else None
                for one, site in zip(self.one, self.sites, strict=True)
            ]
        return self._persons[user]

    def _grantees_of(self, content: int, place: int) -> list[frozenset[int] | None]:
        """Whom rules, owners and leaders of a content and of its lock name, before and after."""
        if place not in self._grantees:
            name = self.contents[content]
            self._grantees[place] = [
                _named_on(one.lookups, name) if name in site.contents else None
                for one, site in zip(self.one, self.sites, strict=True)
            ]
        return self._grantees[place]

    # -- what decides -------------------------------------------------------------------------------------------

    def _by_reason(self, user: int, content: int, mask: int) -> list[tuple[Reason, Reason, tuple[str, ...]]]:
        """The capabilities of a mask by what decides them before and after."""
        by_reasons: dict[tuple[Reason, Reason], int] = {}
        person, name, names = self.users[user], self.contents[content], self.difference.names
        before, after = (person in site.users and name in site.contents for site in self.sites)
        for pattern in self._patterns_on(user, content):
            if mask & pattern:
                self.asked_for += 1
                capability = names[(mask & pattern).bit_length() - 1]
                was = self._reason(0, person, capability, name) if before else None
                reasons = was, self._reason(1, person, capability, name) if after else None
                by_reasons[reasons] = by_reasons.get(reasons, 0) | (mask & pattern)
        return [
            (*reasons, tuple(name for bit, name in enumerate(names) if said >> bit & 1))
            for reasons, said in by_reasons.items()
        ]

    def _patterns_on(self, user: int, content: int) -> list[int]:
        """All capabilities, as masks of those about which rules and roles say the same on either side."""
        roles = tuple(int(parts.columns.users.role[user]) for parts in self.sides)
        key = int(self._cells[content]), roles
        if key not in self._patterns:
            masks: set[int] = set()
            for parts, role in zip(self.sides, roles, strict=True):
                tables, column = parts.tables, int(parts.sources.column[content])
                masks |= {int(table[column]) for table in (tables.applies, tables.reach[role], tables.admin[role])}
                masks |= {tables.off, tables.private, int(parts.edit)}
                masks.update(mask for _, *said in said_by(parts, int(parts.sources.rules[content])) for mask in said)
            every = (1 << len(self.difference.names)) - 1
            self._patterns[key] = reduce(_split, masks, [every])
        return self._patterns[key]

    def _reason(self, side: int, user: str, capability: str, content: str) -> Reason:
        site, parts = self.sites[side], self.own[side]
        if capability in parts.tables.bits:
            return reason_of(site, self.one[side].answer(user, capability, content))
        # Only the other Site names it.
        return reason_of(site, may(site, user, capability, content, model=parts.model, open_points=parts.open_points))


def _split(patterns: list[int], mask: int) -> list[int]:
    return [part for pattern in patterns for part in (pattern & mask, pattern & ~mask) if part]


def _speaking(person: Person | None, grantees: frozenset[int] | None) -> Hashable:
    """What of a person decides where these are named; of two with the same every reason is the same."""
    return None if person is None or grantees is None else (person.role, person.grantees & grantees, person.perhaps)


def _named_on(lookups: Lookups, content: str) -> frozenset[int]:
    place, lists = lookups.place(content), lookups.columns.rules
    first, end = (0, 0) if place.rules == NONE else lists.offsets[place.rules : place.rules + 2].tolist()
    locking = () if place.lock == NONE else lookups.chain(place.lock).people
    return place.ruling.union(lists.grantee[first:end].tolist(), locking)


def _codes_on(parts: Parts, content: int) -> Array:
    """The same for parts whose ids are not to be had."""
    codes = {code for code, _, _ in said_by(parts, int(parts.sources.rules[content]))}
    for project in (int(parts.project_row[content]), int(parts.lock_row[content])):
        if project < len(parts.powers.contents):
            codes |= parts.powers.named(project)
    return np.array(sorted(codes), np.int64)


def _groups_of(values: Array) -> list[Array]:
    """Places of equal values."""
    _, numbers = np.unique(values, return_inverse=True)
    count = int(numbers.max()) + 1
    grouped = by_value(numbers, count)
    return [grouped.of(number) for number in range(count)]
