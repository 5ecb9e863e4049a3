"""Who gained and lost what between two columnar Sites: exact, for all capabilities, at a cost that follows the change.

People whose groups, role or projects differ are judged on every content; everybody else only on contents whose rules,
kind, lock, project or owner differ.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from tabwarden.engine.algebra import Facts
from tabwarden.engine.by_content import Who
from tabwarden.engine.by_pair import PairVerdicts
from tabwarden.engine.by_user import mine_of, what_at
from tabwarden.engine.columns import GROUP, NONE, Array
from tabwarden.engine.index import Parts
from tabwarden.engine.memberships import People
from tabwarden.engine.rules import by_value, distinct, expand, mixed, pairs_of

_BLOCK = 256  # rows that are compared at a time


class Shifted(NamedTuple):
    """Every one of `users` gains `gained[i]` and loses `lost[i]` (masks) on `contents[i]`."""

    users: Array
    contents: Array
    gained: Array
    lost: Array

    def facts(self) -> int:
        """How many single rights these are: user, content and capability."""
        rights = np.bitwise_count(self.gained).sum(dtype=np.int64) + np.bitwise_count(self.lost).sum(dtype=np.int64)
        return len(self.users) * int(rights)


class Difference:
    """The pieces of a difference between two Sites by common numbers, found as they are asked for."""

    def __init__(self, before: Parts, after: Parts, has_content: tuple[Array, Array]) -> None:
        self.sides, self.has_content = (before, after), has_content
        self.changed = Changed(before, after, has_content)
        self.mask, self.names = before.tables.mask, before.tables.names
        self.users = np.flatnonzero(self.changed.users)
        self.contents = np.flatnonzero(self.changed.contents)

    def __iter__(self) -> Iterator[Shifted]:
        yield from self._of_users()
        yield from self._of_contents()
        yield from self._of_owners()

    # -- people who differ ------------------------------------------------------------------------------------

    def _of_users(self) -> Iterator[Shifted]:
        """Judged by pairs of classes, before and after: far fewer than contents."""
        pair, first, second = self._pairs()
        lonely = np.flatnonzero(~(self.has_content[0] & self.has_content[1]))
        of_pair = by_value(pair, len(first))
        for user in self.users.tolist():
            mine = [mine_of(parts, user) for parts in self.sides]
            differs = mine[0].by_class.allowed[first] != mine[1].by_class.allowed[second]
            contents = [of_pair.of_all(np.flatnonzero(differs)), lonely, mine[0].apart, mine[1].apart]
            judged = distinct(np.concatenate(contents))
            had, has = (
                np.where(there[judged], what_at(parts, own, judged), self.mask(0))
                for parts, own, there in zip(self.sides, mine, self.has_content, strict=True)
            )
            yield from _shifts(np.array([user]), judged, had, has)

    def _pairs(self) -> tuple[Array, Array, Array]:
        """Of each content the number of its pair of classes, and of each pair its class on either side."""
        first, second, pair = pairs_of(*(parts.classes.of_content for parts in self.sides))
        return pair, first, second

    # -- contents that differ ---------------------------------------------------------------------------------

    def _of_contents(self) -> Iterator[Shifted]:
        """Contents that differ in the same way at once; their owners come after."""
        sides = [_Rows(parts, there) for parts, there in zip(self.sides, self.has_content, strict=True)]
        others = ~self.sides[0].people.pack(self.users) & self.sides[0].people.all_bits
        for contents in self.changed.alike(self.contents):
            first, masks = int(contents[0]), dict[tuple[bytes, bool], int]()
            for bits in self.changed.bits_that_differ(first):
                # Capabilities of one pattern of rules differ in their ceilings alone.
                rules = [side.rules(bits[0], first) for side in sides]
                for bit in bits:
                    had, has = (side.row(facts, bit, first) & others for side, facts in zip(sides, rules, strict=True))
                    for row, gains in ((has & ~had, True), (had & ~has, False)):
                        if row.any():
                            key = (row.tobytes(), gains)
                            masks[key] = masks.get(key, 0) | 1 << bit
            owners = np.stack([parts.owner[contents] for parts in self.sides])
            for (packed, gains), mask in masks.items():
                yield from self._without_owners(contents, owners, np.frombuffer(packed, np.uint64), mask, gains)

    def _without_owners(self, contents: Array, owners: Array, row: Array, mask: int, gains: bool) -> Iterator[Shifted]:
        """The people of a row gain or lose the mask; owners (of either side) are judged on their own."""
        people = self.sides[0].people.ids(row)
        inside = np.clip(owners, 0, self.sides[0].n_users - 1)
        there = (row[inside >> 6] >> (inside & 63).astype(np.uint64) & np.uint64(1) != 0) & (inside == owners)
        apart = there.any(axis=0)
        masks, nothing = np.full(len(contents), mask, self.mask), np.zeros(len(contents), self.mask)
        gained, lost = (masks, nothing) if gains else (nothing, masks)
        plain = ~apart
        if plain.any():
            yield Shifted(people, contents[plain], gained[plain], lost[plain])
        for place in np.flatnonzero(apart).tolist():
            others, span = people[~np.isin(people, owners[:, place])], slice(place, place + 1)
            if len(others):
                yield Shifted(others, contents[span], gained[span], lost[span])

    # -- owners of contents that differ -----------------------------------------------------------------------

    def _of_owners(self) -> Iterator[Shifted]:
        owners = np.concatenate([parts.owner[self.contents] for parts in self.sides]).astype(np.int64)
        contents = np.tile(self.contents, 2)
        keep = (owners >= 0) & (owners < self.sides[0].n_users)
        keep[keep] = ~self.changed.users[owners[keep]]
        count = len(self.changed.contents)
        owners, contents = np.divmod(distinct(owners[keep] * count + contents[keep]), count)
        had, has = (
            np.where(there[contents], PairVerdicts(parts).masks(owners, contents), self.mask(0))
            for parts, there in zip(self.sides, self.has_content, strict=True)
        )
        starts = np.flatnonzero(np.diff(owners, prepend=NONE))
        for start, end in pairwise([*starts.tolist(), len(owners)]):
            span = slice(start, end)
            yield from _shifts(owners[start : start + 1], contents[span], had[span], has[span])


def _shifts(users: Array, contents: Array, had: Array, has: Array) -> Iterator[Shifted]:
    differs = had != has
    if differs.any():
        had, has = had[differs], has[differs]
        yield Shifted(users, contents[differs], has & ~had, had & ~has)


class _Rows:
    """Rows of one side, owners of contents left aside."""

    def __init__(self, parts: Parts, there: Array) -> None:
        self.parts, self.there, self.who = parts, there, Who(parts)
        self._power: tuple[int, Array] | None = None

    def rules(self, bit: int, content: int) -> Facts:
        """What the content's rules say of everybody."""
        return self.who.by_rules(int(self.parts.sources.rules[content]), bit)

    def row(self, facts: Facts, bit: int, content: int) -> Array:
        """Who may by rules or as owner or leader of the project; nobody where the content is not there."""
        if not self.there[content]:
            return self.parts.people.no_bits
        reach = self.who.reach(int(self.parts.sources.column[content]), bit)
        # Who rules the content's project; contents of one project are asked one after the other.
        project = int(self.parts.project_row[content])
        if self._power is None or self._power[0] != project:
            self._power = (project, self.who.ruling(project))
        return self.who.finished(self.who.at(facts, bit, content, self._power[1]), reach).allowed


# -- which people and contents differ ---------------------------------------------------------------------------


class Changed:
    """`users` and `contents` flag who and what differs."""

    def __init__(self, before: Parts, after: Parts, has_content: tuple[Array, Array]) -> None:
        self.sides, self.has_content = (before, after), has_content
        self.same_list = _SameLists(before, after)
        self.contents = self._contents()
        self.users = self._users()

    # -- contents ---------------------------------------------------------------------------------------------

    def _signs(self, contents: Array) -> list[Array]:
        """What of a content, beside its rules and owner, everybody's answers hang on; both sides."""
        signs = list(self.has_content)
        for parts in self.sides:
            sources = parts.sources
            signs += [sources.column, sources.project, sources.lock, sources.lock_unread]
        return [sign[contents] for sign in signs]

    def _contents(self) -> Array:
        before, after = self.sides
        every = np.arange(before.n_contents)
        signs = self._signs(every)
        changed = ~self.has_content[0] | ~self.has_content[1]
        for left, right in zip(signs[2:6], signs[6:], strict=True):
            changed |= left != right
        changed |= before.owner != after.owner
        changed |= ~self.same_list[before.sources.rules, after.sources.rules]
        return changed

    def alike(self, contents: Array) -> Iterator[Array]:
        """The contents in groups that share everything but their owners."""
        if not len(contents):
            return
        signs, rules = self._signs(contents), [parts.sources.rules[contents] for parts in self.sides]
        for place, parts in zip((3, 7), self.sides, strict=True):  # who rules the project, for the project itself
            signs[place] = parts.powers.alike[parts.project_row[contents]]
        table = np.stack([*signs, *rules]).astype(np.int64)
        order = np.lexsort(table)
        table = table[:, order]
        starts = np.flatnonzero(np.concatenate(([True], (table[:, 1:] != table[:, :-1]).any(axis=0))))
        yield from np.split(contents[order], starts[1:])

    def bits_that_differ(self, content: int) -> list[list[int]]:
        """The capabilities whose answers can differ on a content, those with the same pattern of rules together."""
        signs = [int(sign[0]) for sign in self._signs(np.array([content]))]
        rules = [int(parts.sources.rules[content]) for parts in self.sides]
        rows = [said_by(parts, number) for parts, number in zip(self.sides, rules, strict=True)]
        every = (1 << len(self.sides[0].tables.names)) - 1
        whole = signs[2:6] != signs[6:] or signs[0] != signs[1] or NONE in rules
        differs = every if whole else every & _differ(*rows)
        patterns: dict[tuple[object, ...], list[int]] = {}
        for bit in range(differs.bit_length()):
            if differs >> bit & 1:
                said = [[(g, a >> bit & 1, d >> bit & 1) for g, a, d in side if (a | d) >> bit & 1] for side in rows]
                patterns.setdefault((tuple(said[0]), tuple(said[1])), []).append(bit)
        return list(patterns.values())

    # -- people -----------------------------------------------------------------------------------------------

    def _users(self) -> Array:
        before, after = self.sides
        left, right = before.columns, after.columns
        if not np.array_equal(before.tables.reach, after.tables.reach) or (
            left.about.settings.group_sets != right.about.settings.group_sets
        ):
            return np.ones(before.n_users, bool)
        changed: Array = _groups_of(before.people) != _groups_of(after.people)
        rows = np.zeros(before.people.words, np.uint64)
        for people, others in ((before.people, after.people), (after.people, before.people)):
            rows |= _only(people, others)
        if changed.any() or rows.any() or not before.powers.told_like(after.powers):
            rows |= self._powers()
        changed |= left.users.role != right.users.role
        changed[before.people.ids(rows)] = True
        return changed

    def _powers(self) -> Array:
        """Packed row of who rules a project on one side and not on the other."""
        left, right = (parts.powers for parts in self.sides)
        both = np.flatnonzero((left.row != NONE) & (right.row != NONE))
        bits = np.zeros(left.people.words, np.uint64)
        for start in range(0, len(both), _BLOCK):
            some = both[start : start + _BLOCK]
            differs = left.rows[left.row[some]] ^ right.rows[right.row[some]]
            bits |= np.bitwise_or.reduce(differs, axis=0)
        return bits


def _groups_of(people: People) -> Array:
    """An order-free hash of each user's groups."""
    group, user = people.memberships
    hashes = np.zeros(people.count, np.uint64)
    np.add.at(hashes, user, mixed(group))
    return hashes


def _only(people: People, others: People) -> Array:
    """Packed row of who is in a group set, or in All Users, or perhaps in either, on one side and not on the other."""
    bits = people.no_bits.copy()
    count = min(people.n_sets, others.n_sets)
    pairs = [(people.rows, others.rows)]
    if people.some_unread or others.some_unread:
        pairs.append((people.perhaps_rows, others.perhaps_rows))
    for mine, theirs in pairs:
        sets = mine[people.n_groups : people.n_groups + count] ^ theirs[others.n_groups : others.n_groups + count]
        if len(sets):
            bits |= np.bitwise_or.reduce(sets, axis=0)
    if not np.array_equal(people.everyone, others.everyone):
        bits |= people.all_bits
    return bits


Said = list[tuple[int, int, int]]  # grantee code, masks it is allowed and denied


def said_by(parts: Parts, number: int) -> Said:
    """What a rule list says, one row a grantee; nothing where it was not read."""
    if number == NONE:
        return []
    lists = parts.columns.rules
    rows = slice(int(lists.offsets[number]), int(lists.offsets[number + 1]))
    return list(zip(lists.grantee[rows].tolist(), lists.allow[rows].tolist(), lists.deny[rows].tolist(), strict=True))


def _differ(left: Said, right: Said) -> int:
    """The capabilities about which two lists say something else to anybody."""
    mask, others = 0, {grantee: (allow, deny) for grantee, allow, deny in right}
    for grantee, allow, deny in left:
        theirs = others.pop(grantee, (0, 0))
        mask |= (allow ^ theirs[0]) | (deny ^ theirs[1])
    for allow, deny in others.values():
        mask |= allow | deny
    return mask


class _SameLists:
    """Whether a rule list of the one side says the same as a list of the other."""

    def __init__(self, before: Parts, after: Parts) -> None:
        self.sides = (before, after)
        self.hashes = [_hashes(parts) for parts in self.sides]

    def __getitem__(self, lists: tuple[Array, Array]) -> Array:
        left, right = lists
        same: Array = self.hashes[0][left] == self.hashes[1][right]
        # Equal hashes are compared row by row, each pair of lists once.
        a, b, back = pairs_of(left[same] + 1, right[same] + 1)
        a, b = a - 1, b - 1
        differs = (a == NONE) != (b == NONE)
        mine, theirs = (expand(self.sides[side].columns.rules.offsets, number) for side, number in ((0, a), (1, b)))
        counts = [np.bincount(of, minlength=len(a)) for of, _ in (mine, theirs)]
        differs |= counts[0] != counts[1]
        keep = [~differs[of] for of, _ in (mine, theirs)]
        for left_part, right_part in zip(
            self._parts(0, mine[1][keep[0]]), self._parts(1, theirs[1][keep[1]]), strict=True
        ):
            differs[mine[0][keep[0]][left_part != right_part]] = True
        same[same] = ~differs[back]
        return same

    def _parts(self, side: int, rows: Array) -> tuple[Array, Array, Array, Array]:
        lists, people = self.sides[side].columns.rules, self.sides[side].people
        grantee = lists.grantee[rows]
        return grantee.astype(np.int64), lists.allow[rows], lists.deny[rows], _unread(people, grantee)


def _unread(people: People, grantee: Array) -> Array:
    """Whether a grantee's members were not read."""
    of_group = (grantee & 3) == GROUP
    unread: Array = of_group & people.is_unread[np.where(of_group, grantee >> 2, 0)]
    return unread


def _hashes(parts: Parts) -> Array:
    """An order-free hash of each rule list; the last is NONE's."""
    lists = parts.columns.rules
    rows = mixed(mixed(mixed(lists.grantee) ^ lists.allow) ^ lists.deny)
    rows += _unread(parts.people, lists.grantee).astype(np.uint64)
    total = np.concatenate(([np.uint64(0)], np.cumsum(rows)))
    hashes: Array = np.append(total[lists.offsets[1:]] - total[lists.offsets[:-1]], np.uint64(0xFFFFFFFFFFFFFFFF))
    return hashes
