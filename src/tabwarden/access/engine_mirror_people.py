"""Who may exercise one capability, for some people alone: packed rows of classes, and the pairs that differ from them.

Contents that differ for nobody but single users share the row of their class; what single users have more or less, as
owners, leaders or by rules of their own, is told pair by pair. That keeps a site of a million contents small.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from tabwarden.access.columns import USER, Array, Columns
from tabwarden.access.engine_many import ALLOWED
from tabwarden.access.engine_mirror import Mirror
from tabwarden.access.engine_people import has_bit
from tabwarden.access.engine_rules import by_value, expand

_BLOCK = 1 << 22  # words, or pairs, that are worked on at a time


class Apart(NamedTuple):
    """Pairs of content and user whose right is not that of the content's class; `gains` where the user has it."""

    content: Array
    user: Array
    gains: Array


def narrowed(columns: Columns, users: Array) -> Columns:
    """The same site with these users alone (numbers, rising), now numbered from 0: what they may is as before."""
    count, held, lists = len(users), columns.groups, columns.rules
    most = max(int(each.max(initial=0)) for each in (users, columns.contents.owner, held.members, lists.grantee >> 2))
    number = np.full(most + 1, count, np.int32)  # all others are somebody who is only named
    number[users] = np.arange(count)
    members = number[held.members]
    groups = held._replace(offsets=_fewer(held.offsets, members < count), members=members[members < count])
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


def _fewer(offsets: Array, stays: Array) -> Array:
    """Where rows begin when only some stay."""
    before: Array = np.concatenate(([0], np.cumsum(stays)))[offsets]
    return before


def apart(mirror: Mirror) -> Apart:
    """Everybody for whom more than the class decides, where it decides otherwise; what is unknown is no right."""
    parts, pairs = mirror.parts, []
    owner = parts.owner
    owned = np.flatnonzero((owner >= 0) & (owner < parts.n_users))
    for contents, users in ((owned, owner[owned]), *_ruling(mirror), _named(mirror)):
        pairs.append(contents.astype(np.int64) * parts.n_users + users)
    every = np.unique(np.concatenate(pairs))
    found = []
    for start in range(0, len(every), _BLOCK):
        content, user = np.divmod(every[start : start + _BLOCK], max(parts.n_users, 1))
        have = has_bit(mirror.rows, mirror.of_content[content], user).astype(bool)
        may = mirror.many.verdicts(user, mirror.capability, content) == ALLOWED
        found.append((content[may != have], user[may != have], may[may != have]))
    if not found:
        return Apart(every, every, every.astype(bool))
    return Apart(*(np.concatenate(side) for side in zip(*found, strict=True)))


def _ruling(mirror: Mirror) -> Iterator[tuple[Array, Array]]:
    """Who rules the project of a content and is not in the row of its class: owners and leaders lose nothing."""
    parts, words = mirror.parts, max(mirror.rows.shape[1], 1)
    ruling = parts.powers.rows
    leads: Array = np.asarray(ruling.any(axis=1))
    led = np.flatnonzero(leads[parts.project_row])
    for start in range(0, len(led), max(_BLOCK // words, 1)):
        contents = led[start : start + max(_BLOCK // words, 1)]
        bits = ruling[parts.project_row[contents]] & ~mirror.rows[mirror.of_content[contents]]
        of, users = ones(bits)
        yield contents[of], users


def ones(rows: Array) -> tuple[Array, Array]:
    """Row and bit of every bit that is set in packed rows, row by row, rising."""
    row, word = np.nonzero(rows)
    bits = np.unpackbits(rows[row, word][:, None].view(np.uint8), axis=1, bitorder="little")
    at, bit = np.nonzero(bits)
    return row[at], word[at] * 64 + bit


def _named(mirror: Mirror) -> tuple[Array, Array]:
    parts, lists = mirror.parts, mirror.parts.columns.rules
    one = np.uint64(1 << parts.tables.bit(mirror.capability))
    speaks = (lists.allow | lists.deny) & one != 0
    rows = np.flatnonzero(speaks & (lists.grantee & 3 == USER) & (lists.grantee >> 2 < parts.n_users))
    count = len(lists.offsets) - 1
    of_list = np.repeat(np.arange(count), np.diff(lists.offsets))
    governed = by_value(parts.sources.rules, count)
    of, entry = expand(governed.offsets, of_list[rows])
    return governed.order[entry], lists.grantee[rows][of] >> 2
