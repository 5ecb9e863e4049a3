"""Sets of people made of circles, so that no pair of set and person need be written: what warehouses join themselves.

A circle is a group of Tableau, a group set, the administrators, or those by whom a set and these differ. Whoever is in
a circle of a set and in none that is excepted from it is in the set, and nobody else. Which groups a set may be made
of is guessed from the rules of its first content; who is too much or missing then is looked up, so that no rule
decides here.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from tabwarden.engine.columns import NONE, Array
from tabwarden.engine.index import Parts
from tabwarden.engine.memberships import ones
from tabwarden.engine.mirror import Mirror
from tabwarden.engine.mirror_rows import spoken
from tabwarden.engine.rules import GROUP_ALLOW, SET_ALLOW, distinct, mixed
from tabwarden.model.roles import is_admin

_BLOCK = 1 << 22  # words of packed rows that are worked on at a time


class Circles(NamedTuple):
    """What sets are made of: a set, a circle and whether it is excepted, row by row.

    `named` tells by number what a circle is after, where it is more than what a set and its groups differ by.
    """

    of_set: Array
    circle: Array
    excepted: Array
    named: Mapping[int, str]


class Hints(NamedTuple):
    """Contents whose rules may tell what a set is made of, pair by pair."""

    of_set: Array
    content: Array


def circles(mirror: Mirror, hints: Hints, rows: Array) -> tuple[Circles, Array, Array]:
    """The circles of packed sets; where the users of each circle begin, and the users."""
    people, columns = mirror.parts.people, mirror.parts.columns
    is_one = np.asarray([is_admin(role) for role in columns.vocabulary.roles], bool)
    admins = np.flatnonzero(is_one[columns.users.role])
    base = np.concatenate((people.rows, people.pack(admins)[None]))
    of_set, row = _candidates(mirror, hints, len(rows), base)
    registry, size = Sets(rows.shape[1]), max(_BLOCK // rows.shape[1], 1)
    pieces, rests = [(of_set[:0], row[:0])], [(of_set[:0], of_set[:0], np.zeros(0, bool))]
    for start in range(0, len(rows), size):
        first, end = np.searchsorted(of_set, (start, start + size))
        sets, taken, *sides = _taken(base, rows[start : start + size], of_set[first:end] - start, row[first:end])
        pieces.append((sets + start, taken))
        for is_out, side in enumerate(sides):
            some = np.flatnonzero(side.any(axis=1))
            rests.append((some + start, registry.add(side[some]), np.full(len(some), bool(is_out))))
    sets, taken = (np.concatenate(side) for side in zip(*pieces, strict=True))
    used = distinct(taken)
    number = np.full(len(base), NONE)
    number[used] = registry.add(base[used])
    named: dict[int, str] = {}
    for known, text in zip(number[used].tolist(), _texts(mirror.parts, used), strict=True):
        named.setdefault(known, text)
    rest, other, excepted = (np.concatenate(side) for side in zip(*rests, strict=True))
    of_set, circle = np.append(sets, rest), np.append(number[taken], other)
    return Circles(of_set, circle, np.append(np.zeros(len(sets), bool), excepted), named), *registry.members()


def _candidates(mirror: Mirror, hints: Hints, count: int, base: Array) -> tuple[Array, Array]:
    """Pairs of a set and a row of `base` that it may be made of, set by set."""
    parts = mirror.parts
    of, row, code = spoken(parts, parts.bit(mirror.capability), parts.sources.rules[hints.content])
    allows = code & (GROUP_ALLOW | SET_ALLOW) != 0
    sets, rows = [hints.of_set[of[allows]]], [row[allows].astype(np.int64)]
    for everywhere in (*parts.people.everyone[:1].tolist(), len(base) - 1):
        sets.append(np.arange(count))
        rows.append(np.full(count, everywhere))
    pairs = distinct(np.concatenate(sets) * len(base) + np.concatenate(rows))
    return pairs // len(base), pairs % len(base)


def _taken(base: Array, rows: Array, sets: Array, row: Array) -> tuple[Array, Array, Array, Array]:
    """Sets and the candidates that bring more people of them than others; who is missing then, and who too much.

    Those that bring no others come first, large before small.
    """
    others = np.bitwise_count(base[row] & ~rows[sets]).sum(axis=1, dtype=np.int64)
    order = np.lexsort((row, -np.bitwise_count(base).sum(axis=1, dtype=np.int64)[row], others > 0, sets))
    sets, row, others = sets[order], row[order], others[order]
    rank = np.arange(len(sets)) - np.searchsorted(sets, sets)
    order = np.argsort(rank, kind="stable")
    left, over, helps = rows.copy(), np.zeros_like(rows), np.zeros(len(sets), bool)
    for turn in np.split(order, np.cumsum(np.bincount(rank))[:-1]):  # of each set one at a time
        brings = np.bitwise_count(base[row[turn]] & left[sets[turn]]).sum(axis=1, dtype=np.int64)
        turn = turn[brings > others[turn]]
        left[sets[turn]] &= ~base[row[turn]]
        over[sets[turn]] |= base[row[turn]]
        helps[turn] = True
    return sets[helps], row[helps], left, over & ~rows


def _texts(parts: Parts, rows: Array) -> list[str]:
    """What the rows of `base` are after: ids, which stay."""
    columns, groups, sets = parts.columns, parts.people.n_groups, parts.people.n_named_sets
    texts = []
    for row in rows.tolist():
        if row < groups:
            texts.append(f"group {columns.id_of('group', row)}")
        elif row < groups + sets:
            texts.append(f"group set {columns.id_of('group_set', row - groups)}")
        else:
            texts.append("administrators")
    return texts


class Sets:
    """Different sets of people, each once, as packed rows of so many words.

    Sets are told apart by two sums of 64 bits with secret factors of this run: nobody can choose groups so that
    two sets pass for one.
    """

    def __init__(self, words: int) -> None:
        self._salt = np.uint64(secrets.randbits(64))
        self._known: dict[tuple[int, int], int] = {}
        self._rows: list[Array] = [np.zeros((0, words), np.uint64)]

    def add(self, rows: Array) -> Array:
        """The numbers of the sets of these packed rows."""
        place = mixed(np.arange(rows.shape[1], dtype=np.uint64) ^ self._salt)
        marks = mixed(rows ^ place)
        hashes = [
            marks.sum(axis=1, dtype=np.uint64),
            (marks * (mixed(place) | np.uint64(1))).sum(axis=1, dtype=np.uint64),
        ]
        order = np.argsort(hashes[0])
        sides = [column[order] for column in hashes]
        differs = np.append(True, (sides[0][1:] != sides[0][:-1]) | (sides[1][1:] != sides[1][:-1]))[: len(rows)]
        firsts = order[differs]
        known = self._known
        before = len(known)
        keys = zip(hashes[0][firsts].tolist(), hashes[1][firsts].tolist(), strict=True)
        numbers = np.asarray([known.setdefault(key, len(known)) for key in keys], np.int64)
        self._rows.append(rows[firsts[numbers >= before]])
        codes = np.empty(len(rows), np.int64)
        codes[order] = numbers[np.cumsum(differs) - 1]
        return codes

    def rows(self) -> Array:
        """The packed row of each set."""
        return np.concatenate(self._rows)

    def members(self) -> tuple[Array, Array]:
        """Where the members of each set begin, and the members."""
        row, member = ones(self.rows())
        return np.searchsorted(row, np.arange(len(self._known) + 1)), member
