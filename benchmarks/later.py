"""A site of the benchmark a day later: a share of its rules, memberships and owners changed. Not the first day's."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from sites import KIND_CODE, Dice, Lists, joined, once, picked, templates
from tabwarden.engine.columns import GROUP, Array, Columns, Groups, RuleLists


def changed(columns: Columns, share: float = 0.01, seed: int = 2) -> Columns:
    """The site a day later: one more rule row for a share of its rule lists, one more group for as large a share of
    its people, another owner for a tenth of that share of its contents."""
    dice = Dice(seed)
    held, groups = columns.contents, columns.groups
    rules, own, defaults = _with_more_rules(columns, dice, share)
    owner = held.owner.copy()
    new = np.flatnonzero(dice("newowner", np.arange(len(owner))) < share / 10)
    owner[new] = owner[(len(owner) * dice("whose", new)).astype(np.int64)]
    views = np.flatnonzero(held.kind == KIND_CODE["view"])
    owner[views] = owner[held.parent[views]]
    members = _with_more_members(groups, len(columns.users.role), dice, share)
    return replace(
        columns,
        contents=held._replace(owner=owner, rules=own),
        defaults=columns.defaults._replace(rules=defaults),
        rules=rules,
        groups=members,
    )


def _with_more_rules(columns: Columns, dice: Dice, share: float) -> tuple[RuleLists, Array, Array]:
    """Each chosen content (or default) gets a list of its own: the one it had and one row more."""
    held, lists = columns.contents, columns.rules
    items = np.flatnonzero((dice("newrule", np.arange(len(held.kind))) < share) & (held.kind != KIND_CODE["project"]))
    rows = np.flatnonzero(dice("newdef", np.arange(len(columns.defaults.rules))) < share)
    source = np.concatenate((held.rules[items], columns.defaults.rules[rows]))
    numbers = np.arange(len(source))
    groups = len(columns.groups.read) - 1
    grantee = (groups * dice("whom", numbers) ** 2.4).astype(np.int64) * 4 + GROUP
    mask = np.where(dice("half", numbers) < 0.5, np.uint64(1), templates()[KIND_CODE["workbook"], 1])
    denies = dice("denies", numbers) < 0.2
    nothing = np.zeros(len(source), np.uint64)
    extra = Lists(np.arange(len(source) + 1), grantee, np.where(denies, nothing, mask), np.where(denies, mask, nothing))
    old = Lists(lists.offsets, lists.grantee.astype(np.int64), lists.allow, lists.deny)
    number, found = once([old, joined(picked(old, source), extra)])
    count = len(lists.offsets) - 1
    own, defaults = number[held.rules].astype(np.int32), number[columns.defaults.rules].astype(np.int32)
    own[items] = number[count : count + len(items)]
    defaults[rows] = number[count + len(items) :]
    return found, own, defaults


def _with_more_members(groups: Groups, users: int, dice: Dice, share: float) -> Groups:
    joining = np.flatnonzero(dice("joins", np.arange(users)) < share)
    into = ((len(groups.read) - 1) * dice("into", joining) ** 2).astype(np.int64)
    group = np.repeat(np.arange(len(groups.read)), np.diff(groups.offsets))
    pairs = np.unique(np.concatenate((group * users + groups.members, into * users + joining)))
    offsets = np.zeros(len(groups.read) + 1, np.int64)
    np.cumsum(np.bincount(pairs // users, minlength=len(groups.read)), out=offsets[1:])
    return groups._replace(offsets=offsets, members=(pairs % users).astype(np.int32))
