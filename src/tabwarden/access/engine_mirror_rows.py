"""Packed rows of many rule lists at once: who is allowed by groups and group sets under a ceiling. Not which lists.

A row is a union of packed group rows, without others, within the ceiling, and administrators.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from tabwarden.access.columns import GROUP_SET, USER, Array
from tabwarden.access.engine_parts import Parts
from tabwarden.access.engine_rules import expand
from tabwarden.access.engine_who import Reach

# Rows narrower than this many bytes are made many at a time; wider ones one by one, in place.
_WIDE = 4096
_BLOCK = 1 << 18


class Plan(NamedTuple):
    """For each form the packed rows (of `People.rows`) it allows and denies: `allow[allow_offsets[i]:...[i + 1]]`."""

    form: Array
    allow_offsets: Array
    allow: Array
    deny_offsets: Array
    deny: Array


def fill(parts: Parts, reach: Reach, bit: int, lists: Array, forms: Array, rows: Array) -> None:
    """Write the rows of `forms`, whose rule lists are `lists[forms]` and whose members were all read."""
    if not len(forms):
        return
    of, row = expand(parts.columns.rules.offsets, lists[forms])
    held, one = parts.columns.rules, np.uint64(1 << bit)
    speaks = ((held.allow[row] | held.deny[row]) & one != 0) & ((held.grantee[row] & 3) != USER)
    of, row = of[speaks], row[speaks]
    of_set = (held.grantee[row] & 3) == GROUP_SET
    after = np.zeros(len(forms), bool)
    # Sets speak where groups are silent, unless their Deny is final or any Deny wins: then they stand beside groups.
    if not (parts.switches.group_set_deny_is_final or parts.deny_first):
        after[of[of_set]] = True
    plain = ~after[of]
    plan = plan_of(parts, bit, of[plain], row[plain], forms)
    nobody = forms[(np.diff(plan.allow_offsets) == 0) & ~after]
    if len(nobody):
        rows[nobody] = reach.admins
    make = _many_at_a_time if parts.people.words * 8 < _WIDE else _one_by_one
    make(parts.people.rows, plan, reach, rows)
    for place in np.flatnonzero(after).tolist():
        _with_sets(parts, reach, bit, row[_slice(of, place)], rows[forms[place]])


def _slice(of: Array, place: int) -> slice:
    return slice(int(np.searchsorted(of, place)), int(np.searchsorted(of, place, side="right")))


def _with_sets(parts: Parts, reach: Reach, bit: int, row: Array, out: Array) -> None:
    """One row where group sets speak after groups."""
    held, one, people = parts.columns.rules, np.uint64(1 << bit), parts.people
    codes = held.grantee[row]
    at, of_set = people.row_of(codes), (codes & 3) == GROUP_SET
    allow, deny = held.allow[row] & one != 0, held.deny[row] & one != 0

    def union(these: Array) -> Array:
        found: Array = np.bitwise_or.reduce(people.rows[at[these]], axis=0)
        return found

    after = union(of_set & allow) & ~union(of_set & deny)
    found = (union(~of_set & allow) | after) & ~union(~of_set & deny)
    np.bitwise_or(found & reach.open_to, reach.admins, out=out)


def plan_of(parts: Parts, bit: int, of: Array, row: Array, forms: Array) -> Plan:
    """The operands of each form, from its rule rows `row` (of form `of`)."""
    held, one, people = parts.columns.rules, np.uint64(1 << bit), parts.people
    at = people.row_of(held.grantee[row])
    allows, denies = held.allow[row] & one != 0, held.deny[row] & one != 0
    if len(people.everyone):
        # Who is allowed through All Users needs no other group.
        by_all = np.zeros(len(forms), bool)
        all_users = at == people.everyone[0]
        by_all[of[allows & all_users]] = True
        allows &= ~by_all[of] | all_users
    count = len(forms)
    return Plan(forms, _offsets(of[allows], count), at[allows], _offsets(of[denies], count), at[denies])


def _offsets(of: Array, count: int) -> Array:
    offsets = np.zeros(count + 1, np.int64)
    np.cumsum(np.bincount(of, minlength=count), out=offsets[1:])
    return offsets


def _one_by_one(groups: Array, plan: Plan, reach: Reach, rows: Array) -> None:
    """Wide rows: each is made where it stays, while it is in the cache nearest to the processor."""
    held, without = list(groups), np.empty(groups.shape[1], groups.dtype)
    allow, deny = plan.allow.tolist(), plan.deny.tolist()
    allow_at, deny_at = plan.allow_offsets.tolist(), plan.deny_offsets.tolist()
    either, both, invert, open_to, admins = np.bitwise_or, np.bitwise_and, np.invert, reach.open_to, reach.admins
    for place, form in enumerate(plan.form.tolist()):
        start, end = allow_at[place], allow_at[place + 1]
        if start == end:
            continue
        row, first = rows[form], held[allow[start]]
        if end - start > 1:
            either(first, held[allow[start + 1]], row)
            for other in allow[start + 2 : end]:
                either(row, held[other], row)
            first = row
        both(first, open_to, row)
        for other in deny[deny_at[place] : deny_at[place + 1]]:
            both(row, invert(held[other], without), row)
        either(row, admins, row)


def _many_at_a_time(groups: Array, plan: Plan, reach: Reach, rows: Array) -> None:
    """Narrow rows: blocks of forms with about as many groups each, one operation a group for all of them."""
    allowed, denied = np.diff(plan.allow_offsets), np.diff(plan.deny_offsets)
    order = np.lexsort((denied, allowed))
    order = order[allowed[order] > 0]
    size = max(_BLOCK // (rows.shape[1] * 8), 1)
    block, other = np.empty((2, size, rows.shape[1]), rows.dtype)
    for start in range(0, len(order), size):
        mine = order[start : start + size]
        here, there = block[: len(mine)], other[: len(mine)]
        np.take(groups, plan.allow[plan.allow_offsets[mine]], axis=0, out=here, mode="clip")
        for place in range(1, int(allowed[mine].max())):
            these = np.flatnonzero(allowed[mine] > place)
            if len(these) == len(mine):
                np.take(groups, plan.allow[plan.allow_offsets[mine] + place], axis=0, out=there, mode="clip")
                np.bitwise_or(here, there, out=here)
            else:
                here[these] |= groups[plan.allow[plan.allow_offsets[mine[these]] + place]]
        for place in range(int(denied[mine].max())):
            these = np.flatnonzero(denied[mine] > place)
            here[these] &= ~groups[plan.deny[plan.deny_offsets[mine[these]] + place]]
        np.bitwise_and(here, reach.open_to, out=here)
        np.bitwise_or(here, reach.admins, out=here)
        rows[plan.form[mine]] = here
