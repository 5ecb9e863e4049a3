"""A mirror for some people of the site: of each content a row of their bits. Not who they are to anybody else.

Contents that differ for nobody but single users share the row of their class; what single users have more or less, as
owners, leaders or by rules of their own, is told apart. That keeps a site of a million contents small.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from tabwarden.access.columns import USER, Array
from tabwarden.access.engine_many import ALLOWED
from tabwarden.access.engine_mirror import Mirror
from tabwarden.access.engine_rules import by_value, expand

_BLOCK = 1 << 22  # bits, or pairs, that are worked on at a time

Bits = int
"""Some of the people asked about: bit n stands for the n-th of them."""


class Shares(NamedTuple):
    """Who may, by content number: `rows[of_content[c]]`, without `less[c]`, and `more[c]`, who are not in that row."""

    of_content: list[int]
    rows: list[Bits]
    more: Mapping[int, Bits]
    less: Mapping[int, Bits]


def shares(mirror: Mirror, numbers: Sequence[int]) -> Shares:
    """The mirror for the users of these numbers; what is unknown is not in it."""
    users = np.asarray(numbers, np.int64)
    more: dict[int, Bits] = defaultdict(int)
    less: dict[int, Bits] = defaultdict(int)
    bit_of = np.full(mirror.parts.n_users, -1, np.int64)
    bit_of[users] = np.arange(len(users))
    for contents, apart in _apart(mirror, bit_of):
        have = _bits(mirror.rows, mirror.of_content[contents], apart)
        may = mirror.many.verdicts(apart, mirror.capability, contents) == ALLOWED
        for found, these in ((more, may & ~have), (less, have & ~may)):
            for content, bit in zip(contents[these].tolist(), bit_of[apart[these]].tolist(), strict=True):
                found[content] |= 1 << bit
    return Shares(mirror.of_content.tolist(), list(_rows(mirror.rows, users)), more, less)


def _rows(packed: Array, users: Array) -> Iterator[Bits]:
    """Every packed row as bits of these users alone."""
    size = max(_BLOCK // max(len(users), 1), 1)
    for start in range(0, len(packed), size):
        octets = packed[start : start + size].view(np.uint8)
        block = (octets[:, users >> 3] >> (users & 7).astype(np.uint8)) & 1
        for row in np.packbits(block, axis=1, bitorder="little"):
            yield int.from_bytes(row.tobytes(), "little")


def _bits(packed: Array, rows: Array, users: Array) -> Array:
    """Whether each user is in the packed row beside him."""
    octets = packed.view(np.uint8)
    found: Array = (octets[rows, users >> 3] >> (users & 7).astype(np.uint8)) & 1 != 0
    return found


# -- for whom more than the class decides ---------------------------------------------------------------------


def _apart(mirror: Mirror, bit_of: Array) -> Iterator[tuple[Array, Array]]:
    """Blocks of pairs of content and user, each pair once: owners, leaders, and users whom a rule names."""
    n_users = mirror.parts.n_users
    found = [_owning(mirror, bit_of), _named(mirror, bit_of), _leading(mirror, bit_of)]
    contents, users = (np.concatenate(side) for side in zip(*found, strict=True))
    pairs = np.unique(contents.astype(np.int64) * n_users + users)
    for start in range(0, len(pairs), _BLOCK):
        block = pairs[start : start + _BLOCK]
        yield block // n_users, block % n_users


def _owning(mirror: Mirror, bit_of: Array) -> tuple[Array, Array]:
    owner = mirror.parts.owner
    contents = np.flatnonzero((owner >= 0) & (owner < len(bit_of)))
    contents = contents[bit_of[owner[contents]] >= 0]
    return contents, owner[contents]


def _named(mirror: Mirror, bit_of: Array) -> tuple[Array, Array]:
    parts, lists = mirror.parts, mirror.parts.columns.rules
    one = np.uint64(1 << parts.tables.bit(mirror.capability))
    speaks = (lists.allow | lists.deny) & one != 0
    rows = np.flatnonzero(speaks & (lists.grantee & 3 == USER) & (lists.grantee >> 2 < len(bit_of)))
    rows = rows[bit_of[lists.grantee[rows] >> 2] >= 0]
    count = len(lists.offsets) - 1
    of_list = np.repeat(np.arange(count), np.diff(lists.offsets))
    governed = by_value(parts.sources.rules, count)
    of, entry = expand(governed.offsets, of_list[rows])
    return governed.order[entry], lists.grantee[rows][of] >> 2


def _leading(mirror: Mirror, bit_of: Array) -> tuple[Array, Array]:
    parts, users = mirror.parts, np.flatnonzero(bit_of >= 0)
    count = len(parts.powers.contents)
    inside = by_value(parts.project_row, count)
    found = [(np.zeros(0, np.int64), np.zeros(0, np.int64))]
    for project in range(count):
        contents = inside.of(project)
        if len(contents):
            row = parts.powers.row_bits(project).view(np.uint8)
            ruling = users[(row[users >> 3] >> (users & 7).astype(np.uint8)) & 1 != 0]
            found.append((np.repeat(contents, len(ruling)), np.tile(ruling, len(contents))))
    contents, ruling = (np.concatenate(side) for side in zip(*found, strict=True))
    return contents, ruling
