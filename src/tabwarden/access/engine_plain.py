"""The shortest way for one capability where rules, owners and leaders decide and everything was read. Not the rest.

What most questions are: nothing is unread, no Deny comes before owners, the capability is none that locks take away.
Everything else goes through the whole algebra (`engine_what`, `engine_who`).
"""

from __future__ import annotations

from functools import cached_property
from typing import NamedTuple

import numpy as np

from tabwarden.access.columns import GROUP, GROUP_SET, NONE, USER, Array
from tabwarden.access.engine_parts import CHANGE_PERMISSIONS, Parts
from tabwarden.access.engine_people import Belongs
from tabwarden.access.engine_speaking import (
    GROUP_ALLOW,
    GROUP_DENY,
    SET_ALLOW,
    SET_DENY,
    USER_ALLOW,
    USER_DENY,
    Naming,
    naming,
)
from tabwarden.access.engine_who import Reach


class OfBit(NamedTuple):
    """Classes that name grantees for one capability: allowed and denied, by kind of grantee."""

    allow: tuple[Naming, Naming, Naming]
    deny: tuple[Naming, Naming, Naming]


# From which share of all contents on (one in so many) every content is looked at: if the answer is sorted, if not.
_MANY, _MOST = 4, 2

# One rule row of a capability: a packed row or (of a user) his number, and what it says.
Row = tuple[int, int]


class Plain:
    """The short ways of one site; `open_to(bit)` tells whether they may be gone for a capability."""

    def __init__(self, parts: Parts) -> None:
        self.parts, self.people = parts, parts.people
        self.final = parts.switches.group_set_deny_is_final
        self._of_bit: dict[int, OfBit] = {}
        self._reach: dict[tuple[int, int], Array] = {}

    @cached_property
    def _everything_read(self) -> bool:
        parts = self.parts
        known = bool(parts.tables.known[parts.columns.users.role].all())
        return known and not parts.deny_first and parts.unread is None and not parts.powers.some_unread

    def open_to(self, bit: int) -> bool:
        """Whether the short ways give the whole answer."""
        return self._everything_read and bit != self.parts.tables.bit(CHANGE_PERMISSIONS)

    # -- what may she -----------------------------------------------------------------------------------------

    def what_ids(self, user: int, bit: int, *, rising: bool) -> Array:
        """Numbers of the contents on which a user may exercise the capability."""
        parts, role = self.parts, int(self.parts.columns.users.role[user])
        reach, of_content = self._reach_of(role, bit), parts.classes.of_content
        if parts.tables.admin[role]:
            return np.flatnonzero(reach.take(of_content))
        belongs = self.people.of(user)
        classes = self._classes(user, belongs, bit)
        classes &= reach
        more = [parts.by_owner.of(user), *self._ruled(user, belongs)]
        contents = np.unique(np.concatenate(more)) if len(more) > 1 else more[0]
        at = of_content[contents]
        return self._contents_of(classes, contents[reach[at] & ~classes[at]], rising=rising)

    def _contents_of(self, classes: Array, more: Array, *, rising: bool) -> Array:
        """The contents of the flagged classes, and some of other classes."""
        flagged = np.flatnonzero(classes)
        starts, counts, order = self._by_class
        numbers = counts[flagged]
        ends = np.cumsum(numbers, dtype=np.int32)
        total = int(ends[-1]) if len(ends) else 0
        if total * (_MANY if rising else _MOST) > len(order):
            held = classes.take(self.parts.classes.of_content, mode="clip")
            held[more] = True
            return np.flatnonzero(held)
        # Where few are found, to put together their numbers (and sort them) is less than to look at every content.
        at = np.arange(total, dtype=np.int32)
        at += np.repeat(starts[flagged] - ends + numbers, numbers)
        found = order.take(at, mode="clip")
        if len(more):
            found = np.concatenate((found, more.astype(found.dtype)))
        if rising:
            found.sort()
        return found

    @cached_property
    def _by_class(self) -> tuple[Array, Array, Array]:
        """Where the contents of each class start and how many they are; the contents in order of class."""
        held = self.parts.by_class
        return held.offsets[:-1].astype(np.int32), np.diff(held.offsets).astype(np.int32), held.order.astype(np.int32)

    def _classes(self, user: int, belongs: Belongs, bit: int) -> Array:
        """Classes whose rules allow it to the user."""
        allow, deny = self.of_bit(bit)
        groups = [*belongs.groups.tolist(), *self.people.everyone.tolist()]
        denied = deny[GROUP].of(groups)
        found = np.zeros(len(self.parts.classes.rules), bool)
        found[allow[GROUP].of(groups)] = True
        found[denied] = False
        if len(belongs.sets):
            sets = belongs.sets.tolist()
            by_sets, not_by_sets = allow[GROUP_SET].of(sets), deny[GROUP_SET].of(sets)
            barred = np.zeros(len(found), bool)
            barred[denied] = barred[not_by_sets] = True
            found[by_sets[~barred[by_sets]]] = True
            if self.final:
                found[not_by_sets] = False
        found[allow[USER].of([user])] = True
        found[deny[USER].of([user])] = False
        return found

    def _ruled(self, user: int, belongs: Belongs) -> list[Array]:
        """Contents of the projects the user rules."""
        place = self.parts.by_place
        return [place.order[place.offsets[a] : place.offsets[b]] for a, b in self.parts.powers.ranges(user, belongs)]

    def of_bit(self, bit: int) -> OfBit:
        """The index of a capability, made when it is first asked for."""
        if bit not in self._of_bit:
            entries = [self.parts.rules.entries(kind) for kind in (USER, GROUP, GROUP_SET)]
            allow, deny = ([naming(e, masks, bit) for e, masks in zip(entries, side, strict=True)] for side in (
                [e.allow for e in entries], [e.deny for e in entries]))  # fmt: skip
            self._of_bit[bit] = OfBit((allow[0], allow[1], allow[2]), (deny[0], deny[1], deny[2]))
        return self._of_bit[bit]

    def _reach_of(self, role: int, bit: int) -> Array:
        if (role, bit) not in self._reach:
            self._reach[role, bit] = self.parts.reach_of(role) & self.parts.tables.mask(1 << bit) != 0
        return self._reach[role, bit]

    # -- who may ----------------------------------------------------------------------------------------------

    def rows_of(self, rule_list: int, bit: int) -> tuple[list[Row], list[Row]]:
        """The rows of a list for groups and sets, and for users."""
        held = self.parts.speaking(bit)
        start, end = int(held.offsets[rule_list]), int(held.offsets[rule_list + 1])
        groups = list(zip(held.row[start:end].tolist(), held.code[start:end].tolist(), strict=True))
        if not held.has_users[rule_list]:
            return groups, []
        first = rule_list * self.people.count
        start, end = np.searchsorted(held.user_key, (first, first + self.people.count)).tolist()
        users = (held.user_key[start:end] - first).tolist()
        return groups, list(zip(users, held.user_code[start:end].tolist(), strict=True))

    def by_rows(self, groups: list[Row], users: list[Row]) -> Array:
        """Packed row of whom these rules allow."""
        rows = self.people.rows
        said: dict[int, Array] = {}
        for row, code in groups:
            for bit in (GROUP_ALLOW, GROUP_DENY, SET_ALLOW, SET_DENY):
                if code & bit:
                    said[bit] = said[bit] | rows[row] if bit in said else rows[row]
        by_sets = said.get(SET_ALLOW)
        if by_sets is not None and SET_DENY in said:
            by_sets = by_sets & ~said[SET_DENY]
        found = said.get(GROUP_ALLOW)
        if self.final and found is not None and SET_DENY in said:
            found = found & ~said[SET_DENY]
        if by_sets is not None:
            found = by_sets if found is None else found | by_sets
        found = self.people.no_bits.copy() if found is None else found
        found = found & ~said[GROUP_DENY] if GROUP_DENY in said else found.copy()
        for user, code in users:
            one = np.uint64(1 << (user & 63))
            if code & USER_DENY:
                found[user >> 6] &= ~one
            elif code & USER_ALLOW:
                found[user >> 6] |= one
        return found

    def who(self, bit: int, content: int, reach: Reach) -> Array:
        """Packed row of who may exercise the capability on a content."""
        parts = self.parts
        found = self.by_rows(*self.rows_of(int(parts.sources.rules[content]), bit))
        owner, project = int(parts.owner[content]), int(parts.project_row[content])
        if project != NONE:
            parts.powers.add_ruling(found, project)
        if NONE < owner < self.people.count:
            found[owner >> 6] |= np.uint64(1 << (owner & 63))
        found &= reach.open_to
        found |= reach.admins
        return found
