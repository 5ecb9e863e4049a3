"""Who is in which group and group set: lists by user and packed rows by group.

A packed row has one bit a user, user u in bit u % 64 of word u // 64.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import NamedTuple

import numpy as np

from tabwarden.engine.columns import GROUP, GROUP_SET, Array, Columns


class Belongs(NamedTuple):
    """What a user is in: numbers of groups (All Users apart) and of group sets, and those perhaps: members not read."""

    groups: Array
    sets: Array
    perhaps_sets: Array


def named_counts(columns: Columns) -> tuple[int, int]:
    """How many groups and group sets there are with those that are only named."""
    codes, sets = columns.rules.grantee, columns.group_sets
    of_rules = [int((codes[(codes & 3) == kind] >> 2).max(initial=-1)) + 1 for kind in (GROUP, GROUP_SET)]
    groups = max(of_rules[0], int(sets.groups.max(initial=-1)) + 1, len(columns.groups.read))
    return groups, max(of_rules[1], len(sets.offsets) - 1)


class People:
    """Memberships of one site; `group_sets_speak` is the site's own setting.

    `unread_groups` are groups whose members were not read, numbers of groups only named included.
    """

    def __init__(self, columns: Columns) -> None:
        self.count = len(columns.users.role)
        self.words = (self.count + 63) // 64
        self.groups, self.sets = columns.groups, columns.group_sets
        self.group_sets_speak = columns.about.settings.group_sets
        self.n_sets = len(self.sets.offsets) - 1
        self.n_groups, self.n_named_sets = named_counts(columns)
        self.everyone = np.flatnonzero(self.groups.everyone)
        unread = np.ones(self.n_groups, bool)
        unread[: len(self.groups.read)] = ~self.groups.read & ~self.groups.everyone
        self.is_unread = unread
        self.unread_groups = np.flatnonzero(unread)

    # -- by user ----------------------------------------------------------------------------------------------

    @cached_property
    def _of_user(self) -> tuple[Array, Array]:
        """Offsets by user, and the groups in order of user; without All Users and groups not read."""
        group, user = self.memberships
        order = np.argsort(user, kind="stable")
        offsets = np.zeros(self.count + 1, np.int64)
        np.cumsum(np.bincount(user, minlength=self.count), out=offsets[1:])
        return offsets, group[order]

    @cached_property
    def memberships(self) -> tuple[Array, Array]:
        """Group and user of every membership that counts, in order of group and user."""
        groups = self.groups
        group = np.repeat(np.arange(len(groups.read), dtype=np.int32), np.diff(groups.offsets))
        counts = (groups.members < self.count) & groups.read[group] & ~groups.everyone[group]
        if not counts.all():
            return group[counts], groups.members[counts]
        return group, groups.members

    def of(self, user: int) -> Belongs:
        offsets, groups = self._of_user
        return self.with_groups(groups[offsets[user] : offsets[user + 1]])

    def with_groups(self, mine: Array) -> Belongs:
        """What somebody in exactly these groups (and All Users) is in."""
        if not self.n_sets or not self.group_sets_speak:
            return Belongs(mine, _NOBODY, _NOBODY)
        return Belongs(mine, *self._sets_with(mine))

    def _sets_with(self, groups: Array) -> tuple[Array, Array]:
        """Sets all of whose groups are in `groups`, and sets of which only groups not read are missing."""
        if not len(self.unread_groups):
            return self._filled_by(groups), _NOBODY
        in_groups = np.zeros(self.n_groups, bool)
        in_groups[groups] = in_groups[self.everyone] = True
        sure = self._in_all(in_groups)
        in_groups[self.unread_groups] = True
        return np.flatnonzero(sure), np.flatnonzero(self._in_all(in_groups) & ~sure)

    def _filled_by(self, groups: Array) -> Array:
        """Sets all of whose groups are in `groups`, counted group by group: most groups are in no set."""
        missing: dict[int, int] = {}
        of_group, sizes = self._sets_of_group
        for group in (*groups.tolist(), *self.everyone.tolist()):
            for group_set in of_group.get(group, ()):
                missing[group_set] = missing.get(group_set, sizes[group_set]) - 1
        return np.array(sorted(group_set for group_set, left in missing.items() if not left), np.int64)

    @cached_property
    def _sets_of_group(self) -> tuple[dict[int, list[int]], list[int]]:
        """The sets each group is in, and how many groups each set has."""
        by_group: dict[int, list[int]] = {}
        sizes = np.diff(self.sets.offsets)
        pairs = zip(self.sets.groups.tolist(), np.repeat(np.arange(self.n_sets), sizes).tolist(), strict=True)
        for group, group_set in pairs:
            by_group.setdefault(group, []).append(group_set)
        return by_group, sizes.tolist()

    def _in_all(self, in_groups: Array) -> Array:
        filled, starts = self._filled_sets
        flags = np.zeros(self.n_sets, bool)
        if len(filled):
            flags[filled] = np.logical_and.reduceat(in_groups[self.sets.groups], starts)
        return flags

    @cached_property
    def _filled_sets(self) -> tuple[Array, Array]:
        """Sets that have a group, and where their groups start: an empty set holds nobody."""
        filled = np.flatnonzero(np.diff(self.sets.offsets))
        return filled, self.sets.offsets[filled]

    @cached_property
    def unread_sets(self) -> Array:
        """Numbers of group sets that are named but were not read."""
        return np.arange(self.n_sets, self.n_named_sets) if self.group_sets_speak else _NOBODY

    @property
    def some_unread(self) -> bool:
        """Whether membership somewhere is not known."""
        return bool(len(self.unread_groups) or len(self.unread_sets))

    # -- by group: packed rows --------------------------------------------------------------------------------

    @cached_property
    def all_bits(self) -> Array:
        """The row of everybody."""
        return self.pack(np.arange(self.count))

    @cached_property
    def no_bits(self) -> Array:
        """The row of nobody."""
        return np.zeros(self.words, np.uint64)

    @cached_property
    def rows(self) -> Array:
        """A row a group, then a row a group set: who is in it for sure."""
        group, user = self.memberships
        rows = np.zeros((self.n_groups + self.n_named_sets, self.words), np.uint64)
        scatter(rows, group, user)
        rows[self.everyone] = self.all_bits
        if self.group_sets_speak:
            for group_set in self._filled_sets[0].tolist():
                parts = self.sets.groups[self.sets.offsets[group_set] : self.sets.offsets[group_set + 1]]
                np.bitwise_and.reduce(rows[parts], axis=0, out=rows[self.n_groups + group_set])
        return rows

    @cached_property
    def perhaps_rows(self) -> Array:
        """The same rows for who is perhaps in it: everybody where the members were not read."""
        rows = np.zeros_like(self.rows)
        rows[self.unread_groups] = self.all_bits
        rows[self.n_groups + self.unread_sets] = self.all_bits
        if self.group_sets_speak and len(self.unread_groups):
            for group_set in self._filled_sets[0].tolist():
                parts = self.sets.groups[self.sets.offsets[group_set] : self.sets.offsets[group_set + 1]]
                perhaps = np.bitwise_and.reduce(self.rows[parts] | rows[parts], axis=0)
                rows[self.n_groups + group_set] = perhaps & ~self.rows[self.n_groups + group_set]
        return rows

    def row_of(self, grantee: Array) -> Array:
        """Where the rows of group and group set grantees (codes of rule rows, or one) are."""
        rows: Array = (grantee >> 2) + ((grantee & 3) == GROUP_SET) * self.n_groups
        return rows

    def one_bit(self, user: int) -> Array:
        """The row of one user; of nobody where he is only named."""
        row = self.no_bits.copy()
        if user < self.count:
            row[user >> 6] = 1 << (user & 63)
        return row

    def pack(self, users: Array) -> Array:
        there = np.zeros(self.words * 64, np.uint8)
        there[users] = 1
        return np.packbits(there, bitorder="little").view(np.uint64)

    def ids(self, row: Array) -> Array:
        """The numbers of the users of a row, rising."""
        return np.flatnonzero(np.unpackbits(row.view(np.uint8), count=self.count, bitorder="little").view(np.bool_))


_NOBODY = np.zeros(0, np.int64)


def scatter(rows: Array, row: Array, user: Array) -> None:
    """Set bit `user` of each `row`; pairs in rising order of row and user are set without sorting."""
    if not len(row):
        return
    at = row.astype(np.int64) * (rows.shape[1] * 8) + (user >> 3)
    if (at[1:] < at[:-1]).any():
        order = np.argsort(at, kind="stable")
        at, user = at[order], user[order]
    value = np.left_shift(1, user & 7).astype(np.uint8)
    starts = np.flatnonzero(np.concatenate(([True], at[1:] != at[:-1])))
    rows.reshape(-1).view(np.uint8)[at[starts]] |= np.bitwise_or.reduceat(value, starts)


def has_bit(rows: Array, row: Array, user: Array) -> Array:
    """Whether user `user[i]` is in row `row[i]`, for all i."""
    at = row * (rows.shape[1] * 8) + (user >> 3)
    octets = rows.reshape(-1).view(np.uint8).take(at)
    bits: Array = (octets >> (user & 7).astype(np.uint8)) & 1
    return bits


def ones(rows: Array) -> tuple[Array, Array]:
    """Row and bit of every bit that is set in packed rows, row by row, rising."""
    row, word = np.nonzero(rows)
    bits = np.unpackbits(rows[row, word][:, None].view(np.uint8), axis=1, bitorder="little")
    at, bit = np.nonzero(bits)
    return row[at], word[at] * 64 + bit


# -- people alike -----------------------------------------------------------------------------------------------

_BITS = 55  # of a mark hold memberships, those above the site role


def people_alike(columns: Columns, groups: Iterable[str], apart: Iterable[str]) -> list[Array]:
    """Everybody by site role and by which of `groups` (ids) holds them, each of `apart` (ids) alone; numbers rising.

    Groups that were not read, and people who are only named, speak of nobody or of everybody alike.
    """
    count = len(columns.users.role)
    marks = columns.users.role.astype(np.uint64)
    numbers = sorted(_numbers(columns, "group", groups, len(columns.groups.read)))
    for start in range(0, len(numbers), _BITS):
        if start:
            marks = np.unique(marks, return_inverse=True)[1].astype(np.uint64)
        for number in numbers[start : start + _BITS]:
            marks <<= np.uint64(1)
            first, last = columns.groups.offsets[number : number + 2]
            members = columns.groups.members[first:last]
            marks[members[members < count]] |= np.uint64(1)
    alone = sorted(_numbers(columns, "user", apart, count))
    few = marks.max(initial=0) < 1 << 16  # of so few bits the order takes a twentieth of the time
    order = np.argsort(marks.astype(np.uint16) if few else marks, kind="stable")
    order = order[np.isin(order, alone, invert=True)] if alone else order
    cuts = np.flatnonzero(np.diff(marks[order])) + 1
    return [part for part in np.split(order, cuts) if len(part)] + [np.array([number]) for number in alone]


def _numbers(columns: Columns, table: str, ids: Iterable[str], count: int) -> set[int]:
    numbers = set[int]()
    for key in set(ids):
        try:
            number = columns.number(table, key)
        except KeyError:
            continue
        if number < count:
            numbers.add(number)
    return numbers
