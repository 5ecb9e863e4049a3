"""What differs between two large Sites, counted and told by the whole-site engine. Not the form of it (`shift`).

The pieces of an exact difference say who gains and loses what; the reason is asked once for all people who share role
and groups on all contents that share rules, kind, lock and the project's owners and leaders.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import NamedTuple

import numpy as np

from tabwarden.access.reference import may
from tabwarden.compare.access_changes import Count, Decision, Part, Reason, reason_of
from tabwarden.engine.align import aligned
from tabwarden.engine.by_pair import UNKNOWN, Many
from tabwarden.engine.columns import NONE, USER, Array, Columns
from tabwarden.engine.difference import Difference, Shifted
from tabwarden.engine.explain import One
from tabwarden.engine.explain_facts import Lookups, Person
from tabwarden.engine.index import Later, Parts
from tabwarden.engine.rules import by_value
from tabwarden.model.capability import CAPABILITIES, capabilities_of
from tabwarden.model.site import Site

Progress = Callable[[int, int], None]


class Compared:
    """Two Sites compared: `parts` are those of the first, `later` the columns of the second."""

    def __init__(self, sites: tuple[Site, Site], parts: Parts, later: Columns) -> None:
        self.sites, self.pair = sites, aligned(parts.columns, later)
        before = parts if self.pair.before is parts.columns else Later(self.pair.before, parts)
        after = Later(self.pair.after, before)
        self.difference = Difference(before, after, self.pair.has_content)
        # Under common numbers ids are not to be had: single questions go to the Sites' own.
        self.own = parts, after if self.pair.after is later else Later(later, parts)

    @cached_property
    def users(self) -> list[str]:
        """Ids of users by their common number."""
        return list(self.pair.users)

    @cached_property
    def contents(self) -> list[str]:
        """Ids of contents by their common number."""
        return list(self.pair.contents)

    # -- counting ---------------------------------------------------------------------------------------------

    def count(self, apart: Decision | None, limit: int | None = None) -> Count | None:
        """All that differs but `apart`; None as soon as there are more than `limit` decisions."""
        counting = _Counting(self)
        for piece in self._pieces(apart):
            counting.add(piece)
            if limit is not None and counting.decisions > limit:
                return None
        return counting.count()

    def told(self, most: int, apart: Decision | None, progress: Progress | None) -> tuple[Count, list[Part]]:
        """All that differs, counted; and its parts with their reasons, until `most` pairs and reasons are told."""
        counting, parts, reasons = _Counting(self), list[Part](), _Reasons(self)
        pairs = 0
        of = len(self.difference.users) + len(self.difference.contents)
        done = 0
        for piece in self._pieces(apart):
            counting.add(piece)
            for part in reasons.of(piece) if pairs + reasons.known < most else ():
                parts.append(part)
                pairs += len(part.users) * len(part.contents)
                if pairs + reasons.known >= most:
                    break
            if progress is not None:
                done = max(done, self._done(piece))
                progress(min(done, of), of)
        return counting.count(), parts

    def on_each(self, capability: str) -> dict[str, tuple[list[str], list[str]]]:
        """Of each content that differs the people who gain and those who lose one capability."""
        found: dict[str, tuple[list[str], list[str]]] = {}
        if capability not in self.difference.names:
            return found
        one = self.difference.mask(1 << self.difference.names.index(capability))
        for piece in self._pieces(None):
            users = [self.users[user] for user in piece.users.tolist()]
            for side, masks in enumerate((piece.gained, piece.lost)):
                for content in piece.contents[masks & one != 0].tolist():
                    found.setdefault(self.contents[content], ([], []))[side].extend(users)
        return found

    def _done(self, piece: Shifted) -> int:
        """How many of the people and contents that differ were seen: the pieces come in their order."""
        differ = self.difference
        if len(piece.users) == 1 and differ.changed.users[piece.users[0]]:
            return int(np.searchsorted(differ.users, piece.users[0])) + 1
        return len(differ.users) + int(np.searchsorted(differ.contents, piece.contents[0])) + 1

    # -- pieces -----------------------------------------------------------------------------------------------

    def _pieces(self, apart: Decision | None) -> Iterator[Shifted]:
        for piece in self.difference:
            one = self._told_of(piece)
            yield from () if one is None else (one,) if apart is None else self._without(one, apart)

    def _told_of(self, piece: Shifted) -> Shifted | None:
        """Without collections, and without unknown capabilities where no rule in force names them."""
        open_to = self._open[piece.contents]
        gained, lost = piece.gained & open_to, piece.lost & open_to
        keep = (gained | lost) != 0
        if not keep.any():
            return None
        return Shifted(piece.users, piece.contents[keep], gained[keep], lost[keep])

    @cached_property
    def _open(self) -> Array:
        """For each content the mask of capabilities that are told of."""
        differ = self.difference
        names, mask = differ.names, differ.mask
        found = np.zeros(len(self.contents), mask)
        strange = [bit for bit, name in enumerate(names) if name not in CAPABILITIES]
        for parts, there in zip(differ.sides, differ.has_content, strict=True):
            kinds = parts.columns.vocabulary.kinds
            told = [sum(1 << names.index(c) for c in capabilities_of(k) if k != "collection") for k in kinds]
            found[there] = np.array(told, mask)[parts.columns.contents.kind[there]]
        for parts, there in zip(differ.sides, differ.has_content, strict=True):
            lists = parts.columns.rules
            silent = parts.columns.contents.kind == parts.columns.vocabulary.kinds.index("collection")
            for bit in strange:
                rows = ((lists.allow | lists.deny) >> np.uint64(bit)) & np.uint64(1)
                sums = np.concatenate(([0], np.cumsum(rows, dtype=np.int64)))
                named = np.append(sums[lists.offsets[1:]] > sums[lists.offsets[:-1]], False)  # the last is NONE's
                found[there & ~silent & named[parts.sources.rules]] |= mask(1 << bit)
        return found

    @cached_property
    def _places(self) -> tuple[Mapping[str, int], Mapping[str, int]]:
        """The common number of each user and of each content, by id."""
        before = self.difference.sides[0].columns
        if self.pair.before is self.own[0].columns:
            return before.user_numbers, before.content_numbers
        return _numbers(self.users), _numbers(self.contents)

    def _without(self, piece: Shifted, apart: Decision) -> Iterator[Shifted]:
        """The piece but for one decision."""
        user, content, capability = apart
        if capability not in self.difference.names:
            yield piece
            return
        mine = piece.users == self._places[0].get(user, NONE)
        here = np.flatnonzero(piece.contents == self._places[1].get(content, NONE))
        if not mine.any() or not len(here):
            yield piece
            return
        others, keep = piece.users[~mine], ~self.difference.mask(1 << self.difference.names.index(capability))
        if len(others):
            yield piece._replace(users=others)
        gained, lost = piece.gained.copy(), piece.lost.copy()
        gained[here], lost[here] = gained[here] & keep, lost[here] & keep
        some = (gained | lost) != 0
        if some.any():
            yield Shifted(piece.users[mine], piece.contents[some], gained[some], lost[some])


def _numbers(ids: Sequence[str]) -> dict[str, int]:
    return {each: number for number, each in enumerate(ids)}


class _Counting:
    """A Count that grows by pieces."""

    def __init__(self, compared: Compared) -> None:
        self.compared = compared
        self.decisions = self.unsure = 0
        users, contents = len(compared.users), len(compared.contents)
        self.people = np.zeros((2, users), bool)
        self.on = np.zeros((2, contents), np.int64)
        sides = compared.difference.sides
        self.hazy = [hazy(parts) for parts in sides]
        self.many = [Many(parts) for parts in sides]

    def add(self, piece: Shifted) -> None:
        """Count a piece."""
        self.decisions += piece.facts()
        if any(self.hazy):
            self._add_surely(piece)
            return
        for side, masks in enumerate((piece.gained, piece.lost)):
            if masks.any():
                self.people[side, piece.users] = True
                self.on[side, piece.contents] += len(piece.users) * np.bitwise_count(masks).astype(np.int64)

    def _add_surely(self, piece: Shifted) -> None:
        """Where facts were not read: what was gained is unknown before, or what was lost unknown after."""
        user = np.repeat(piece.users, len(piece.contents))
        place = np.tile(np.arange(len(piece.contents)), len(piece.users))
        for side, masks in enumerate((piece.gained, piece.lost)):
            for bit, name in enumerate(self.compared.difference.names):
                told = (masks[place] >> masks.dtype.type(bit)) & masks.dtype.type(1) != 0
                if not told.any():
                    continue
                asked = user[told], piece.contents[place[told]]
                there = self.compared.pair.has_content[side][asked[1]]
                unknown = there & (self.many[side].verdicts(asked[0], name, asked[1]) == UNKNOWN)
                self.unsure += int(unknown.sum())
                self.people[side, asked[0][~unknown]] = True
                np.add.at(self.on[side], asked[1][~unknown], 1)

    def count(self) -> Count:
        """The Count of all that was added."""
        users, contents = self.compared.users, self.compared.contents
        gained, lost = (frozenset(users[u] for u in np.flatnonzero(row).tolist()) for row in self.people)
        there = np.flatnonzero(self.on.any(axis=0)).tolist()
        on = {contents[c]: (int(self.on[0, c]), int(self.on[1, c])) for c in there}
        return Count(self.decisions, gained, lost, on, self.unsure)


def hazy(parts: Parts) -> bool:
    """Whether an answer of that side may be unknown."""
    sources, roles = parts.sources, parts.tables.known[parts.columns.users.role]
    unread = (sources.rules < 0).any() or sources.lock_unread.any() or parts.powers.some_unread
    return bool(unread or parts.people.some_unread or not roles.all())


class _Cells(NamedTuple):
    """Of each user and each content the number of those who share every reason, ownership of contents apart."""

    users: Array
    contents: Array


class _Reasons:
    """The reasons of decisions, answered once for all of whom the same facts speak.

    `known` counts the reasons of people who share role and groups: what is told ends by it, whoever answers.
    """

    def __init__(self, compared: Compared) -> None:
        self.compared, self.sites = compared, compared.sites
        self.sides = compared.difference.sides
        self.one = [One(parts) for parts in compared.own]
        self.known = 0
        self._seen: dict[tuple[int, int, int], int] = {}
        self._persons: dict[str, list[Person | None]] = {}
        self._grantees: dict[int, list[frozenset[int] | None]] = {}
        self._reasons: dict[Hashable, list[tuple[Reason, Reason, tuple[str, ...]]]] = {}

    def of(self, piece: Shifted) -> Iterator[Part]:
        """The piece, parted by reasons."""
        compared, cells = self.compared, self._cells
        owned = self._owned(piece)
        keys = np.stack([cells.contents[piece.contents], owned, piece.gained, piece.lost]).astype(np.int64)
        alike = []
        for same in _groups_of_columns(keys):
            ids = tuple(compared.contents[c] for c in piece.contents[same].tolist())
            of_content, owns = keys[:2, same[0]].tolist()
            gained, lost = int(piece.gained[same[0]]), int(piece.lost[same[0]])
            masks = [(gains, mask) for gains, mask in ((True, gained), (False, lost)) if mask]
            alike.append((ids, of_content, owns, masks, self._grantees_of(ids[0], of_content)))
        for mine in _groups_of(cells.users[piece.users]):
            users = piece.users[mine]
            people = tuple(compared.users[user] for user in users.tolist())
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
        found: Array = before + 2 * after.astype(np.int64)
        return found

    def _persons_of(self, user: str) -> list[Person | None]:
        """What includes a person, before and after; None where she is not there."""
        if user not in self._persons:
            there = [user in site.users for site in self.sites]
            self._persons[user] = [
                one.lookups.person(user) if here else None for one, here in zip(self.one, there, strict=True)
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
        found: dict[tuple[Reason, Reason], list[str]] = {}
        for bit in _bits(mask):
            name = self.compared.difference.names[bit]
            reasons = self._reason(0, user, name, content), self._reason(1, user, name, content)
            found.setdefault(reasons, []).append(name)
        return [(*reasons, tuple(names)) for reasons, names in found.items()]

    def _reason(self, side: int, user: str, capability: str, content: str) -> Reason:
        site = self.sites[side]
        if user not in site.users or content not in site.contents:
            return None
        parts = self.compared.own[side]
        if capability in parts.tables.bits:
            return reason_of(site, self.one[side].answer(user, capability, content))
        # Only the other Site names it.
        return reason_of(site, may(site, user, capability, content, model=parts.model, open_points=parts.open_points))

    @cached_property
    def _cells(self) -> _Cells:
        of_content = []
        for parts, there in zip(self.sides, self.compared.difference.has_content, strict=True):
            of_content += [there, parts.classes.of_content, parts.project_row, parts.lock_row]
        contents = _numbered(np.stack(of_content).astype(np.int64))
        special = np.zeros(len(self.compared.users) + 1, bool)
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
    _, found = np.unique(rows, axis=1, return_inverse=True)
    numbers: Array = found.reshape(-1)
    return numbers


def _groups_of(values: Array) -> list[Array]:
    """Places of equal values."""
    _, numbers = np.unique(values, return_inverse=True)
    count = int(numbers.max()) + 1
    held = by_value(numbers, count)
    return [held.of(number) for number in range(count)]


def _groups_of_columns(rows: Array) -> list[Array]:
    """Places of equal columns."""
    return _groups_of(_numbered(rows))
