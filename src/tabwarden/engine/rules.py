"""Rules of a whole site by class, by grantee and by list: the indexes every question uses.

A class is what contents share when the same rules, ceilings and lock govern them: (rule list, column, lock).
"""

from __future__ import annotations

from functools import cached_property
from typing import NamedTuple

import numpy as np

from tabwarden.engine.columns import GROUP, GROUP_SET, NONE, USER, Array, Columns, RuleLists
from tabwarden.engine.governing import Sources
from tabwarden.engine.memberships import People

FREE, LOCKED, PERHAPS_LOCKED = range(3)


class Classes(NamedTuple):
    """Of each content its class; of each class its rule list (NONE: not read), column of the ceilings and lock."""

    of_content: Array
    rules: Array
    column: Array
    lock: Array


def classes_of(sources: Sources) -> Classes:
    lock = np.where(sources.lock_unread, PERHAPS_LOCKED, np.where(sources.lock != NONE, LOCKED, FREE))
    rules, flavour, of_content = pairs_of(sources.rules + 1, sources.column * 3 + lock)
    return Classes(of_content, rules - 1, flavour // 3, flavour % 3)


class Entries(NamedTuple):
    """Rule rows of one grantee kind in order of grantee: rows `offsets[g]:offsets[g + 1]` are grantee g's.

    `denies[g]` tells whether any of them denies something.
    """

    offsets: Array
    at: Array
    allow: Array
    deny: Array
    denies: Array

    def of(self, grantee: int) -> slice:
        """Where the rows of a grantee are; none for one no rule names."""
        if grantee + 1 >= len(self.offsets):
            return slice(0, 0)
        return slice(int(self.offsets[grantee]), int(self.offsets[grantee + 1]))


class Side(NamedTuple):
    """Rows of groups that allow (or deny) something: grantee g's are `at[offsets[g]:offsets[g + 1]]`, and the masks."""

    offsets: list[int]
    at: Array
    masks: Array

    def of(self, grantees: list[int]) -> tuple[Array, Array]:
        """Classes and masks of several grantees, one after the other."""
        offsets, last = self.offsets, len(self.offsets) - 1
        rows = [slice(offsets[g], offsets[g + 1]) for g in grantees if g < last and offsets[g] != offsets[g + 1]]
        if not rows:
            return self.at[:0], self.masks[:0]
        return np.concatenate([self.at[r] for r in rows]), np.concatenate([self.masks[r] for r in rows])


def _side(entries: Entries, masks: Array) -> Side:
    rows = np.flatnonzero(masks)
    return Side(np.searchsorted(rows, entries.offsets).tolist(), entries.at[rows], masks[rows])


class Rules:
    """The rule rows of a site, by class and grantee."""

    def __init__(self, columns: Columns, people: People, classes: Classes, mask: type[np.unsignedinteger]) -> None:
        self.columns, self.people, self.classes, self.mask = columns, people, classes, mask
        self.lists = columns.rules

    @cached_property
    def _expanded(self) -> tuple[Array, Array]:
        """Class and rule row of each row of each class."""
        return expand(self.lists.offsets, self.classes.rules)

    @cached_property
    def _by_kind(self) -> tuple[Entries, Entries, Entries]:
        at, row = self._expanded
        codes = self.lists.grantee
        # Rule rows in order of grantee first: far fewer than rows of classes, and sorted once for all three kinds.
        grantee = codes[row]
        order = np.argsort(grantee, kind="stable")
        at, row, grantee = at[order], row[order], grantee[order]
        allow, deny = self.allow[row], self.deny[row]
        entries = []
        for kind in (USER, GROUP, GROUP_SET):
            mine = np.flatnonzero((grantee & 3) == kind)
            number = grantee[mine] >> 2
            offsets = np.zeros(int(number[-1]) + 2 if len(number) else 1, np.int64)
            np.cumsum(np.bincount(number, minlength=len(offsets) - 1), out=offsets[1:])
            some = np.concatenate(([0], np.cumsum(deny[mine] != 0)))
            entries.append(Entries(offsets, at[mine], allow[mine], deny[mine], np.diff(some[offsets]) > 0))
        return entries[0], entries[1], entries[2]

    @cached_property
    def allow(self) -> Array:
        """Of each rule row the mask it allows, as narrow as masks are."""
        return self.lists.allow.astype(self.mask)

    @cached_property
    def deny(self) -> Array:
        """Of each rule row the mask it denies."""
        return self.lists.deny.astype(self.mask)

    @cached_property
    def grantee_kind(self) -> Array:
        """Of each rule row the kind of its grantee."""
        return (self.lists.grantee & 3).astype(np.uint8)

    @cached_property
    def packed(self) -> Array:
        """Of each rule row the packed row of its group or set; that of nobody (the last) for a user's."""
        return np.where(self.grantee_kind == USER, -1, self.people.row_of(self.lists.grantee)).astype(np.int64)

    @cached_property
    def allowing(self) -> Side:
        """Rows by class of groups that allow something."""
        entries = self.entries(GROUP)
        return _side(entries, entries.allow)

    @cached_property
    def denying(self) -> Side:
        """Rows by class of groups that deny something."""
        entries = self.entries(GROUP)
        return _side(entries, entries.deny)

    @cached_property
    def allowed_to_all(self) -> Array:
        """Masks by class of what All Users is allowed, which are the most rows of everybody."""
        masks = np.zeros(len(self.classes.rules), self.mask)
        np.bitwise_or.at(masks, *self.allowing.of(self.people.everyone.tolist()))
        return masks

    def entries(self, kind: int) -> Entries:
        """Rows by class of the grantees of a kind (USER, GROUP, GROUP_SET)."""
        return self._by_kind[kind]

    def rows_of(self, rule_list: int, bit: int) -> tuple[Array, Array, Array]:
        """Grantee codes of a list's rows that speak of the capability, and whether they allow and deny."""
        start, end = int(self.lists.offsets[rule_list]), int(self.lists.offsets[rule_list + 1])
        one = np.uint64(1 << bit)
        allow, deny = self.lists.allow[start:end] & one != 0, self.lists.deny[start:end] & one != 0
        speaks = allow | deny
        return self.lists.grantee[start:end][speaks], allow[speaks], deny[speaks]


# -- rows of one capability --------------------------------------------------------------------------------------

# What rules say of one person, as a number of ten bits: group allow, deny, set allow, deny; the same four perhaps;
# user allow, deny.
GROUP_ALLOW, GROUP_DENY, SET_ALLOW, SET_DENY = (1 << place for place in range(4))
PERHAPS = 4
USER_ALLOW, USER_DENY = 1 << 8, 1 << 9


class Speaking(NamedTuple):
    """The rows of one capability, by list: of groups and sets (packed row, code of the above), and of users.

    `user_key` is list * users + user, rising; `has_users` tells of each list, NONE's last, whether it names one.
    """

    offsets: Array
    row: Array
    code: Array
    user_key: Array
    user_code: Array
    has_users: Array


def speaking(lists: RuleLists, people: People, bit: int) -> Speaking:
    """The rows that speak of capability `bit`."""
    one, count = np.uint64(1 << bit), len(lists.offsets) - 1
    allow, deny = lists.allow & one != 0, lists.deny & one != 0
    of_list = np.repeat(np.arange(count), np.diff(lists.offsets))
    kind = lists.grantee & 3
    groups = np.flatnonzero((allow | deny) & (kind != USER))
    users = np.flatnonzero((allow | deny) & (kind == USER) & (lists.grantee >> 2 < people.count))
    offsets = np.zeros(count + 1, np.int64)
    np.cumsum(np.bincount(of_list[groups], minlength=count), out=offsets[1:])
    of_set = kind[groups] == GROUP_SET
    allows, denies = np.where(of_set, SET_ALLOW, GROUP_ALLOW), np.where(of_set, SET_DENY, GROUP_DENY)
    has_users = np.zeros(count + 1, bool)
    has_users[of_list[users]] = True
    return Speaking(
        offsets,
        people.row_of(lists.grantee[groups].astype(np.int64)),
        (allows * allow[groups] | denies * deny[groups]).astype(np.uint8),
        of_list[users] * people.count + (lists.grantee[users] >> 2),
        (USER_ALLOW * allow[users] | USER_DENY * deny[users]).astype(np.uint16),
        has_users,
    )


# -- small indexes ------------------------------------------------------------------------------------------------


def expand(offsets: Array, rows: Array) -> tuple[Array, Array]:
    """For each i the entries `offsets[rows[i]]:offsets[rows[i] + 1]`: i and entry, one below the other.

    A row below 0 has no entries, and a table without rows has none at all.
    """
    if len(offsets) < 2:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    known = np.maximum(rows, 0)
    counts = np.where(rows >= 0, offsets[known + 1] - offsets[known], 0)
    of = np.repeat(np.arange(len(rows)), counts)
    ends = np.cumsum(counts)
    within = np.arange(int(ends[-1]) if len(ends) else 0) - np.repeat(ends - counts, counts)
    return of, offsets[known][of] + within


def mixed(values: Array) -> Array:
    """A 64-bit mix of each value (the finaliser of splitmix64)."""
    hashes = values.astype(np.uint64) + np.uint64(0x9E3779B97F4A7C15)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        hashes = (hashes ^ (hashes >> np.uint64(shift))) * np.uint64(factor)
    last: Array = hashes ^ (hashes >> np.uint64(31))
    return last


def hashed(*columns: Array) -> Array:
    """One hash of several columns, row by row."""
    hashes = np.zeros(len(columns[0]), np.uint64)
    for column in columns:
        hashes = mixed(hashes * np.uint64(0x9E3779B97F4A7C15) ^ column.astype(np.uint64))
    return hashes


def summed(offsets: Array, hashes: Array) -> Array:
    """Of each row the sum over its entries."""
    total = np.concatenate((np.zeros(1, np.uint64), np.cumsum(hashes, dtype=np.uint64)))
    sums: Array = total[offsets[1:]] - total[offsets[:-1]]
    return sums


def distinct(values: Array) -> Array:
    """The different values, rising: `numpy.unique` of them alone loads all of NumPy's masked arrays."""
    ordered = np.sort(values)
    first = np.ones(len(ordered), bool)
    first[1:] = ordered[1:] != ordered[:-1]
    return ordered[first]


def pairs_of(left: Array, right: Array) -> tuple[Array, Array, Array]:
    """Each pair that stands side by side in two arrays (numbers from 0), once, and of each place which pair it is.

    Most numbers of the left have one partner; those pairs take no sorting, which of a million is what costs.
    """
    usual = np.zeros(int(left.max(initial=-1)) + 1, np.int64)
    usual[left] = right  # one of its partners
    others = np.flatnonzero(usual[left] != right)
    seen = np.zeros(len(usual), bool)
    seen[left] = True
    first = np.flatnonzero(seen)
    pair = (np.cumsum(seen) - 1)[left]
    if not len(others):
        return first, usual[first], pair
    width = int(right.max(initial=0)) + 1
    more, which = np.unique(left[others] * width + right[others], return_inverse=True)
    pair[others] = len(first) + which
    return np.concatenate((first, more // width)), np.concatenate((usual[first], more % width)), pair


class ByValue(NamedTuple):
    """Numbers in order of some value: those with value v are `order[offsets[v]:offsets[v + 1]]`."""

    offsets: Array
    order: Array

    def of(self, value: int) -> Array:
        """The numbers with one value."""
        return self.order[self.offsets[value] : self.offsets[value + 1]]

    def between(self, first: int, end: int) -> Array:
        """The numbers with a value from `first` up to, but without, `end`."""
        return self.order[self.offsets[first] : self.offsets[end]]

    def of_all(self, values: Array) -> Array:
        """The numbers with any of several values, one after the other."""
        if len(values) == 1:
            return self.of(int(values[0]))
        return self.order[expand(self.offsets, values)[1]]


def by_value(values: Array, count: int) -> ByValue:
    """Index numbers 0.. by `values`; values outside 0..count - 1 are left out."""
    inside = (values >= 0) & (values < count)
    rows = np.flatnonzero(inside) if not inside.all() else None
    numbers = values if rows is None else values[rows]
    offsets = np.zeros(count + 1, np.int64)
    np.cumsum(np.bincount(numbers, minlength=count), out=offsets[1:])
    order = np.argsort(numbers.astype(np.int32), kind="stable")
    return ByValue(offsets, order if rows is None else rows[order])
