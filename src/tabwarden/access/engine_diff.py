"""Who gained and lost what between two columnar Sites: exact, for all capabilities, at a cost that follows the change.

People whose groups, role or projects differ are judged on every content; everybody else only on contents whose rules,
kind, lock, project or owner differ. Not which facts differ (`change.diff`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from tabwarden.access.columns import Array
from tabwarden.access.engine_algebra import Facts
from tabwarden.access.engine_changed import Changed
from tabwarden.access.engine_many import Many
from tabwarden.access.engine_parts import Parts
from tabwarden.access.engine_rules import by_value
from tabwarden.access.engine_what import mine_of, what_at
from tabwarden.access.engine_who import Who


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
        self.named = self.mask((1 << len(self.names)) - 1)  # without the bit of names nobody uses
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
            judged = np.unique(np.concatenate(contents))
            had, has = (
                np.where(there[judged], what_at(parts, held, judged) & self.named, self.mask(0))
                for parts, held, there in zip(self.sides, mine, self.has_content, strict=True)
            )
            yield from _shifts(np.array([user]), judged, had, has)

    def _pairs(self) -> tuple[Array, Array, Array]:
        """Of each content the number of its pair of classes, and of each pair its class on either side."""
        classes = [parts.classes for parts in self.sides]
        width = max(len(classes[1].rules), 1)
        pairs, pair = np.unique(classes[0].of_content * width + classes[1].of_content, return_inverse=True)
        return pair, pairs // width, pairs % width

    # -- contents that differ ---------------------------------------------------------------------------------

    def _of_contents(self) -> Iterator[Shifted]:
        """Contents that differ in the same way at once; their owners come after."""
        sides = [_Rows(parts, there) for parts, there in zip(self.sides, self.has_content, strict=True)]
        others = ~self.sides[0].people.pack(self.users) & self.sides[0].people.all_bits
        for contents in self.changed.alike(self.contents):
            first, found = int(contents[0]), dict[tuple[bytes, bool], int]()
            for bits in self.changed.bits_that_differ(first):
                # Capabilities of one pattern of rules differ in their ceilings alone.
                told = [side.rules(bits[0], first) for side in sides]
                for bit in bits:
                    had, has = (side.row(facts, bit, first) & others for side, facts in zip(sides, told, strict=True))
                    for row, gains in ((has & ~had, True), (had & ~has, False)):
                        if row.any():
                            key = (row.tobytes(), gains)
                            found[key] = found.get(key, 0) | 1 << bit
            owners = np.stack([parts.owner[contents] for parts in self.sides])
            for (packed, gains), mask in found.items():
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
            others, here = people[~np.isin(people, owners[:, place])], slice(place, place + 1)
            if len(others):
                yield Shifted(others, contents[here], gained[here], lost[here])

    # -- owners of contents that differ -----------------------------------------------------------------------

    def _of_owners(self) -> Iterator[Shifted]:
        owners = np.concatenate([parts.owner[self.contents] for parts in self.sides]).astype(np.int64)
        contents = np.tile(self.contents, 2)
        keep = (owners >= 0) & (owners < self.sides[0].n_users)
        keep[keep] = ~self.changed.users[owners[keep]]
        pairs = np.unique(np.stack([owners[keep], contents[keep]]), axis=1)
        had, has = (
            np.where(there[pairs[1]], Many(parts).masks(pairs[0], pairs[1]), self.mask(0))
            for parts, there in zip(self.sides, self.has_content, strict=True)
        )
        for place in np.flatnonzero(had != has).tolist():
            here = slice(place, place + 1)
            yield from _shifts(pairs[0, here], pairs[1, here], had[here], has[here])


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
        reach = self.who.reach(int(self.parts.columns.contents.kind[content]), bit)
        return self.who.finished(self.who.at(facts, bit, content, self._ruling(content)), reach).allowed

    def _ruling(self, content: int) -> Array:
        """Who rules the content's project; contents of one project are asked one after the other."""
        project = int(self.parts.project_row[content])
        if self._power is None or self._power[0] != project:
            self._power = (project, self.who.ruling(project))
        return self._power[1]
