"""Packed rows of many rule lists at once: who is allowed by groups and group sets under a ceiling.

A row is a union of packed group rows, without others, within the ceiling, and administrators. The ceiling and the
administrators are laid over the rows of groups once, so that most rows are one operation: a union of two of those.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from tabwarden.engine.by_content import Reach
from tabwarden.engine.columns import Array
from tabwarden.engine.index import Parts
from tabwarden.engine.rules import GROUP_ALLOW, GROUP_DENY, SET_ALLOW, SET_DENY, expand

# Rows narrower than this many bytes are made many at a time; wider ones one by one, in place.
_WIDE = 4096
_BLOCK = 1 << 18


class Operands(NamedTuple):
    """Of each form the packed rows it unites or takes away: `row[offsets[i]:offsets[i + 1]]`."""

    offsets: Array
    row: Array

    @property
    def counts(self) -> Array:
        """How many each form has."""
        return np.diff(self.offsets)


class Plan(NamedTuple):
    """How to make the rows of `forms`: united are `allows` (places in `within`), taken away `denies` (in `groups`)."""

    forms: Array
    allows: Operands
    within: Array
    denies: Operands
    groups: Array
    admins: Array


def spoken(parts: Parts, bit: int, lists: Array) -> tuple[Array, Array, Array]:
    """What rule lists say of groups and sets: place in `lists`, packed row and code, one below the other.

    Who is allowed through All Users needs no other group: those rows are left out.
    """
    speaking = parts.speaking(bit)
    of, entry = expand(speaking.offsets, lists)
    row, code = speaking.row[entry], speaking.code[entry]
    if not len(parts.people.everyone):
        return of, row, code
    all_users = row == parts.people.everyone[0]
    by_all = np.zeros(len(lists), bool)
    by_all[of[all_users & (code & GROUP_ALLOW != 0)]] = True
    needed = np.flatnonzero(~by_all[of] | all_users | (code != GROUP_ALLOW))
    return of[needed], row[needed], code[needed]


def fill(parts: Parts, reach: Reach, bit: int, lists: Array, forms: Array, rows: Array) -> None:
    """Write the rows of `forms`, whose rule lists are `lists[forms]` and whose members were all read."""
    if not rows.size:
        return
    of, row, code = spoken(parts, bit, lists[forms])
    after = np.zeros(len(forms), bool)
    # Sets speak where groups are silent, unless their Deny is final or any Deny wins: then they stand beside groups.
    if not (parts.open_points.group_set_deny_is_final or parts.deny_first):
        after[of[code & (SET_ALLOW | SET_DENY) != 0]] = True
    plain = ~after[of]
    allows = _operands(of, row, plain & (code & (GROUP_ALLOW | SET_ALLOW) != 0), len(forms))
    denies = _operands(of, row, plain & (code & (GROUP_DENY | SET_DENY) != 0), len(forms))
    rows[forms[(allows.counts == 0) & ~after]] = reach.admins
    groups = parts.people.rows
    within, allows = _within(groups, allows, reach)
    make = _many_at_a_time if parts.people.words * 8 < _WIDE else _one_by_one
    make(Plan(forms, allows, within, denies, groups, reach.admins), rows)
    late = np.flatnonzero(after)
    starts, ends = np.searchsorted(of, late).tolist(), np.searchsorted(of, late, side="right").tolist()
    for form, start, end in zip(forms[late].tolist(), starts, ends, strict=True):
        said = list(zip(row[start:end].tolist(), code[start:end].tolist(), strict=True))
        _with_sets(groups, said, reach, rows[form])


def _operands(of: Array, row: Array, these: Array, count: int) -> Operands:
    offsets = np.zeros(count + 1, np.int64)
    np.cumsum(np.bincount(of[these], minlength=count), out=offsets[1:])
    return Operands(offsets, row[these])


def _within(groups: Array, allows: Operands, reach: Reach) -> tuple[Array, Operands]:
    """The rows that are united, within the ceiling and with administrators; and the operands by their places there."""
    used = np.zeros(len(groups), bool)
    used[allows.row] = True
    place = np.cumsum(used) - 1
    rows = np.empty((int(used.sum()), groups.shape[1]), groups.dtype)
    for source, row in zip(np.flatnonzero(used).tolist(), rows, strict=True):
        np.bitwise_and(groups[source], reach.open_to, row)
        np.bitwise_or(row, reach.admins, row)
    return rows, Operands(allows.offsets, place[allows.row])


def _with_sets(groups: Array, said: list[tuple[int, int]], reach: Reach, out: Array) -> None:
    """One row where group sets speak after groups: what rows say as codes."""
    out[:] = 0
    for adds, takes in ((SET_ALLOW, SET_DENY), (GROUP_ALLOW, GROUP_DENY)):
        for row, code in said:
            if code & adds:
                np.bitwise_or(out, groups[row], out)
        for row, code in said:
            if code & takes:
                np.bitwise_and(out, ~groups[row], out)
    np.bitwise_and(out, reach.open_to, out)
    np.bitwise_or(out, reach.admins, out)


def _one_by_one(plan: Plan, rows: Array) -> None:
    """Wide rows: each is made where it stays, while it is in the cache nearest to the processor."""
    forms, allows, within, denies, groups, admins = plan
    inner, without = list(within), np.empty_like(admins)
    allow, deny = allows.row.tolist(), denies.row.tolist()
    allow_at, deny_at = allows.offsets.tolist(), denies.offsets.tolist()
    either, both, invert, copy = np.bitwise_or, np.bitwise_and, np.invert, np.copyto
    for place, form in enumerate(forms.tolist()):
        start, end = allow_at[place], allow_at[place + 1]
        if start == end:
            continue
        row = rows[form]
        if end - start == 1:
            copy(row, inner[allow[start]])
        else:
            either(inner[allow[start]], inner[allow[start + 1]], row)
            for other in allow[start + 2 : end]:
                either(row, inner[other], row)
        start, end = deny_at[place], deny_at[place + 1]
        if start != end:
            for other in deny[start:end]:
                both(row, invert(groups[other], without), row)
            either(row, admins, row)


def _many_at_a_time(plan: Plan, rows: Array) -> None:
    """Narrow rows: blocks of forms with about as many groups each, one operation a group for all of them."""
    forms, allows, within, denies, groups, admins = plan
    allowed, denied = allows.counts, denies.counts
    order = np.lexsort((denied, allowed))
    order = order[allowed[order] > 0]
    size = _BLOCK // rows[0].nbytes
    block, other = np.empty((2, size, rows.shape[1]), rows.dtype)
    for start in range(0, len(order), size):
        mine = order[start : start + size]
        target, there = block[: len(mine)], other[: len(mine)]
        first, number = allows.offsets[mine], allowed[mine]
        np.take(within, allows.row[first], axis=0, out=target, mode="clip")
        for place in range(1, int(number[-1])):
            rest = int(np.searchsorted(number, place, side="right"))  # rising: the last ones have as many
            np.take(within, allows.row[first[rest:] + place], axis=0, out=there[rest:], mode="clip")
            np.bitwise_or(target[rest:], there[rest:], out=target[rest:])
        for place in range(int(denied[mine].max())):
            these = np.flatnonzero(denied[mine] > place)
            target[these] = target[these] & ~groups[denies.row[denies.offsets[mine[these]] + place]] | admins
        rows[forms[mine]] = target
