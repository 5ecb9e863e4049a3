"""Who may exercise one capability, for the whole site, in class form: contents -> class -> packed row of people.

A row holds what groups, group sets and roles give; rules of single users, owners and leaders are few and are laid over
a row when a content's people are asked. What is unknown is not in a mirror. Not a list of every pair.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from tabwarden.access.columns import GROUP, GROUP_SET, NONE, USER, Array
from tabwarden.access.engine_many import ALLOWED, Many
from tabwarden.access.engine_parts import CHANGE_PERMISSIONS, Parts
from tabwarden.access.engine_rules import FREE, expand
from tabwarden.access.engine_who import Reach, Who

# Rows narrower than this are made many at a time; wider ones one by one, in place.
_WIDE = 4096
_BLOCK = 1 << 18


class Mirror:
    """`of_content[x]` is the row of content x in `rows`: packed, user u in bit u % 64 of word u // 64."""

    def __init__(self, parts: Parts, capability: str, of_content: Array, rows: Array) -> None:
        self.parts, self.capability = parts, capability
        self.of_content, self.rows = of_content, rows
        self._many = Many(parts)

    def row(self, content: int) -> Array:
        """Exactly who may, on one content."""
        found: Array = self.rows[self.of_content[content]].copy()
        users = self.apart(content)
        if len(users):
            verdicts = self._many.verdicts(users, self.capability, np.full(len(users), content))
            people = self.parts.people
            found &= ~people.pack(users)
            found |= people.pack(users[verdicts == ALLOWED])
        return found

    def ids(self, content: int) -> Array:
        """The numbers of the users who may, on one content."""
        return self.parts.people.ids(self.row(content))

    def apart(self, content: int) -> Array:
        """The users for whom more than the class decides: named by a rule, owning or ruling the content."""
        parts = self.parts
        found = [np.asarray([parts.owner[content]])]
        rule_list = int(parts.sources.rules[content])
        if rule_list != NONE:
            codes, _, _ = parts.rules.rows_of(rule_list, parts.tables.bit(self.capability))
            found.append(codes[(codes & 3) == USER] >> 2)
        project = int(parts.project_row[content])
        if NONE < project < len(parts.powers.contents):
            found.append(parts.people.ids(parts.powers.row_bits(project)))
        users = np.unique(np.concatenate(found))
        return users[(users >= 0) & (users < parts.n_users)]

    def pairs(self) -> int:
        """How many pairs of class and user the rows hold."""
        return int(np.bitwise_count(self.rows).sum(dtype=np.int64))

    def all_ids(self) -> Iterator[tuple[int, Array]]:
        """Every content with exactly who may."""
        return ((content, self.ids(content)) for content in range(len(self.of_content)))


class Forms(NamedTuple):
    """The classes of one capability: `of_class[k]` is the form of engine class k; of each form a rule list that has
    its rows (NONE: nobody by rules) and the number of its reach in `reaches`."""

    of_class: Array
    rules: Array
    reach: Array
    reaches: list[Reach]


def mirror_of(parts: Parts, who: Who, capability: str) -> Mirror:
    """The mirror of one capability."""
    bit = parts.tables.bit(capability)
    forms = _forms(parts, who, bit)
    rows = np.empty((len(forms.rules), parts.people.words), np.uint64)
    simple = _simple(parts, forms, bit)
    for number, reach in enumerate(forms.reaches):
        mine = forms.reach == number
        rows[mine & (forms.rules == NONE)] = reach.admins
        _fill(parts, reach, bit, forms.rules, np.flatnonzero(mine & simple), rows)
        for form in np.flatnonzero(mine & ~simple & (forms.rules != NONE)).tolist():
            rows[form] = who.finished(who.by_rules(int(forms.rules[form]), bit, of_users=False), reach).allowed
            if parts.people.some_unread or reach.strange.any():
                unsure = who.finished(who.by_rules(int(forms.rules[form]), bit, of_users=False), reach).unknown
                rows[form] &= ~unsure if unsure is not None else ~parts.people.no_bits
    return Mirror(parts, capability, forms.of_class[parts.classes.of_content], rows)


# -- which classes differ for a capability --------------------------------------------------------------------


def _forms(parts: Parts, who: Who, bit: int) -> Forms:
    classes = parts.classes
    reaches: list[Reach] = []
    number: dict[bytes, int] = {}
    of_kind = np.zeros(len(parts.columns.vocabulary.kinds), np.int64)
    for kind in np.unique(classes.kind).tolist():
        reach = who.reach(kind, bit)
        looks = b"".join(row.tobytes() for row in reach)
        if looks not in number:
            number[looks] = len(reaches)
            reaches.append(reach)
        of_kind[kind] = number[looks]
    lists = classes.rules.copy()
    if bit == parts.tables.bit(CHANGE_PERMISSIONS):
        lists[classes.lock != FREE] = NONE
    same = np.append(_same_lists(parts, bit), NONE)  # the last is NONE's
    key = (same[lists] + 1) * max(len(reaches), 1) + of_kind[classes.kind]
    seen = np.zeros(int(key.max(initial=-1)) + 1, bool)
    seen[key] = True
    keys = np.flatnonzero(seen)
    form = np.zeros(len(seen), np.int64)
    form[keys] = np.arange(len(keys))
    return Forms(form[key], keys // max(len(reaches), 1) - 1, keys % max(len(reaches), 1), reaches)


def _same_lists(parts: Parts, bit: int) -> Array:
    """For each rule list the first list whose rows for groups and sets say the same of the capability."""
    lists = parts.columns.rules
    one, count = np.uint64(1 << bit), len(lists.offsets) - 1
    allow, deny = lists.allow & one != 0, lists.deny & one != 0
    speaks = np.flatnonzero((allow | deny) & ((lists.grantee & 3) != USER))
    of_list = np.repeat(np.arange(count), np.diff(lists.offsets))[speaks]
    said = (lists.grantee[speaks].astype(np.uint64) << np.uint64(2)) | (allow[speaks] * np.uint64(1))
    said |= deny[speaks] * np.uint64(2)
    counts = np.bincount(of_list, minlength=count)
    offsets = np.zeros(count + 1, np.int64)
    np.cumsum(counts, out=offsets[1:])
    hashes = np.zeros(count, np.uint64)
    filled = np.flatnonzero(counts)
    if len(filled):
        hashes[filled] = np.add.reduceat(_mixed(said), offsets[filled])
    _, first, back = np.unique(hashes, return_index=True, return_inverse=True)
    same = first[back]
    # Equal hashes are compared row by row: a list that only looks the same stands for itself.
    differs = counts != counts[same]
    mine, entry = expand(offsets, np.where(differs, NONE, np.arange(count)))
    other = entry - offsets[mine] + offsets[same[mine]]
    differs[mine[said[entry] != said[other]]] = True
    return np.where(differs, np.arange(count), same)


def _mixed(values: Array) -> Array:
    """A 64-bit mix of each value (the finaliser of splitmix64)."""
    mixed = values + np.uint64(0x9E3779B97F4A7C15)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
    last: Array = mixed ^ (mixed >> np.uint64(31))
    return last


def _simple(parts: Parts, forms: Forms, bit: int) -> Array:
    """Forms that only groups whose members were read decide."""
    lists = parts.columns.rules
    one = np.uint64(1 << bit)
    kind, number = lists.grantee & 3, lists.grantee >> 2
    unread = np.append(parts.people.is_unread, False)
    odd = (kind == GROUP_SET) | ((kind == GROUP) & unread[np.where(kind == GROUP, number, -1)])
    odd &= (lists.allow | lists.deny) & one != 0
    of_list = np.repeat(np.arange(len(lists.offsets) - 1), np.diff(lists.offsets))
    has_odd = np.zeros(len(lists.offsets), bool)
    has_odd[of_list[odd]] = True
    simple: Array = (forms.rules != NONE) & ~has_odd[forms.rules]
    return simple


# -- the rows of forms that groups decide ---------------------------------------------------------------------


class Plan(NamedTuple):
    """For each form the groups it allows and denies, as rows of `allow` (ceiling applied, administrators in) and
    `deny` (inverted, administrators spared): a row is the union of the first without the second."""

    form: Array
    allow: Array
    allow_offsets: Array
    allow_row: Array
    deny: Array
    deny_offsets: Array
    deny_row: Array


def _fill(parts: Parts, reach: Reach, bit: int, lists: Array, forms: Array, rows: Array) -> None:
    if not len(forms):
        return
    plan = _plan(parts, reach, bit, lists[forms], forms)
    silent = plan.form[np.diff(plan.allow_offsets) == 0]
    rows[silent] = reach.admins
    if parts.people.words * 8 < _WIDE:
        _many_at_a_time(plan, rows)
    else:
        _one_by_one(plan, rows)


def _plan(parts: Parts, reach: Reach, bit: int, lists: Array, forms: Array) -> Plan:
    held, one = parts.columns.rules, np.uint64(1 << bit)
    form, row = expand(held.offsets, lists)
    group = (held.grantee[row] & 3) == GROUP
    form, row = form[group], row[group]
    number = held.grantee[row] >> 2
    allows, denies = held.allow[row] & one != 0, held.deny[row] & one != 0
    # Who is allowed through All Users needs no other group.
    by_all = np.zeros(len(forms), bool)
    everyone = np.zeros(parts.people.n_groups, bool)
    everyone[parts.people.everyone] = True
    of_all = everyone[number]
    by_all[form[allows & of_all]] = True
    first = parts.people.everyone[0] if len(parts.people.everyone) else NONE
    allows &= ~by_all[form] | (number == first) | (of_all & ~by_all[form])
    bases = parts.people.rows
    used, allow_row = np.unique(number[allows], return_inverse=True)
    allow = (bases[used] & reach.open_to) | reach.admins
    barred, deny_row = np.unique(number[denies], return_inverse=True)
    deny = ~bases[barred] | reach.admins
    return Plan(
        forms,
        allow,
        _offsets(form[allows], len(forms)),
        allow_row,
        deny,
        _offsets(form[denies], len(forms)),
        deny_row,
    )


def _offsets(of: Array, count: int) -> Array:
    offsets = np.zeros(count + 1, np.int64)
    np.cumsum(np.bincount(of, minlength=count), out=offsets[1:])
    return offsets


def _one_by_one(plan: Plan, rows: Array) -> None:
    """Wide rows: each form's row is written where it stays, with one operation a group."""
    allow, deny = list(plan.allow), list(plan.deny)
    allow_row, deny_row = plan.allow_row.tolist(), plan.deny_row.tolist()
    allow_at, deny_at = plan.allow_offsets.tolist(), plan.deny_offsets.tolist()
    either, both, copy = np.bitwise_or, np.bitwise_and, np.copyto
    for place, form in enumerate(plan.form.tolist()):
        start, end = allow_at[place], allow_at[place + 1]
        if start == end:
            continue
        row, first = rows[form], allow[allow_row[start]]
        denied = deny_row[deny_at[place] : deny_at[place + 1]]
        if end - start > 1:
            either(first, allow[allow_row[start + 1]], row)
            for other in allow_row[start + 2 : end]:
                either(row, allow[other], row)
        elif denied:
            both(first, deny[denied[0]], row)
            denied = denied[1:]
        else:
            copy(row, first)
        for other in denied:
            both(row, deny[other], row)


def _many_at_a_time(plan: Plan, rows: Array) -> None:
    """Narrow rows: blocks of forms with as many groups each, one operation a group for all of them."""
    counts = np.diff(plan.allow_offsets)
    denied = np.diff(plan.deny_offsets)
    order = np.lexsort((denied, counts))
    order = order[counts[order] > 0]
    size = max(_BLOCK // (rows.shape[1] * 8), 1)
    block = np.empty((size, rows.shape[1]), rows.dtype)
    other = np.empty_like(block)
    for start in range(0, len(order), size):
        mine = order[start : start + size]
        here, there = block[: len(mine)], other[: len(mine)]
        np.take(plan.allow, plan.allow_row[plan.allow_offsets[mine]], axis=0, out=here, mode="clip")
        for matrix, row, offsets, number, combine, first in (
            (plan.allow, plan.allow_row, plan.allow_offsets, counts[mine], np.bitwise_or, 1),
            (plan.deny, plan.deny_row, plan.deny_offsets, denied[mine], np.bitwise_and, 0),
        ):
            for place in range(first, int(number.max())):
                these = np.flatnonzero(number > place)
                if len(these) == len(mine):
                    np.take(matrix, row[offsets[mine] + place], axis=0, out=there, mode="clip")
                    combine(here, there, out=here)
                else:
                    here[these] = combine(here[these], matrix[row[offsets[mine[these]] + place]])
        rows[plan.form[mine]] = here
