"""The same site with some of its people or contents alone, numbered anew: what they may is as before."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tabwarden.engine.columns import NONE, USER, Array, Columns, Contents, Defaults, Uses


def narrowed(columns: Columns, users: Array) -> Columns:
    """The same site with these users alone (numbers, rising), now numbered from 0: what they may is as before."""
    count, before, lists = len(users), columns.groups, columns.rules
    most = max(
        int(array.max(initial=0)) for array in (users, columns.contents.owner, before.members, lists.grantee >> 2)
    )
    number = np.full(most + 1, count, np.int32)  # all others are somebody who is only named
    number[users] = np.arange(count)
    members = number[before.members]
    groups = before._replace(offsets=_fewer(before.offsets, members < count), members=members[members < count])
    grantee = np.where(lists.grantee & 3 == USER, number[lists.grantee >> 2] * 4 + USER, lists.grantee)
    stays = (lists.grantee & 3 != USER) | (grantee >> 2 < count)
    rules = lists._replace(
        offsets=_fewer(lists.offsets, stays),
        grantee=grantee[stays].astype(lists.grantee.dtype),
        allow=lists.allow[stays],
        deny=lists.deny[stays],
    )
    contents = columns.contents._replace(owner=number[columns.contents.owner])
    return replace(columns, users=columns.users._replace(role=columns.users.role[users]), groups=groups,
                   contents=contents, rules=rules)  # fmt: skip


def within(columns: Columns, contents: Array) -> Columns:
    """The same site with these contents alone (numbers, rising, with all that hold them), now numbered from 0."""
    old, defaults, uses = columns.contents, columns.defaults, columns.uses
    most = max(int(array.max(initial=0)) for array in (contents, old.parent, defaults.content))
    number = np.full(most + 2, len(contents), np.int64)  # what was not read stays so; the last is NONE's
    number[contents], number[NONE] = np.arange(len(contents)), NONE
    fewer = Contents(*(column[contents] for column in old))
    stays = number[defaults.content] < len(contents)
    return replace(
        columns,
        contents=fewer._replace(parent=number[fewer.parent]),
        defaults=Defaults(number[defaults.content[stays]], defaults.kind[stays], defaults.rules[stays]),
        uses=Uses(*(column[:0] for column in uses)),
    )


def with_parents(parent: Array, contents: Array) -> Array:
    """These contents (a bool each) and all that hold them."""
    every, rows = contents.copy(), np.flatnonzero(contents)
    while len(rows):
        rows = np.unique(parent[rows])
        rows = rows[(rows >= 0) & (rows < len(every))]
        rows = rows[~every[rows]]
        every[rows] = True
    return every


def with_children(parent: Array, contents: Array) -> Array:
    """These contents (a bool each) and all below them."""
    every, lies = contents.copy(), np.flatnonzero((parent >= 0) & (parent < len(contents)))
    while len(below := lies[every[parent[lies]] & ~every[lies]]):
        every[below] = True
    return every


def _fewer(offsets: Array, stays: Array) -> Array:
    """Where rows begin when only some stay."""
    before: Array = np.concatenate(([0], np.cumsum(stays)))[offsets]
    return before
