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
from tabwarden.engine.rules import GROUP_ALLOW, GROUP_DENY, SET_ALLOW, SET_DENY, distinct, mixed
from tabwarden.model.roles import is_admin

_BLOCK = 1 << 22  # words of packed rows that are worked on at a time


class Circles(NamedTuple):
    """What sets are made of: a set, a circle, and 1 where it is excepted, row by row.

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
    admins = people.pack(np.flatnonzero(is_one[columns.users.role]))
    base = np.concatenate((people.rows, people.rows & ~admins, admins[None]))  # whom a rule denies is none of these
    allowing, denying = _candidates(mirror, hints, len(rows), base)
    registry, size = Sets(rows.shape[1]), max(_BLOCK // rows.shape[1], 1)
    none = np.zeros(0, np.int64)
    groups, rests = [(none, none, none)], [(none, none, none)]  # a set, its circle, and 1 for one that is excepted
    for start in range(0, len(rows), size):
        whole = rows[start : start + size]
        sets, row, missing, union = _taken(base, whole, ~whole, allowing.between(start, size))
        out, out_row, over, _ = _taken(base, union & ~whole, whole, denying.between(start, size), no_others=True)
        for sign, (of_set, taken, left) in enumerate(((sets, row, missing), (out, out_row, over))):
            some = np.flatnonzero(left.any(axis=1))
            groups.append((of_set + start, taken, np.full(len(taken), sign)))
            rests.append((some + start, registry.add(left[some]), np.full(len(some), sign)))
    of_set, taken, excepted = (np.concatenate(side) for side in zip(*groups, strict=True))
    used = distinct(taken)
    number = np.full(len(base), NONE)
    number[used] = registry.add(base[used])
    named: dict[int, str] = {}
    for known, text in zip(number[used].tolist(), _texts(mirror.parts, used), strict=True):
        named.setdefault(known, text)
    rest, circle, also = (np.concatenate(side) for side in zip(*rests, strict=True))
    made_of = np.append(of_set, rest), np.append(number[taken], circle), np.append(excepted, also)
    return Circles(*made_of, named), *registry.members()


class _Candidates(NamedTuple):
    """Pairs of a set and a row of packed people that it may be made of, set by set."""

    of_set: Array
    row: Array

    def between(self, start: int, size: int) -> _Candidates:
        """Those of so many sets, now counted from there."""
        first, end = np.searchsorted(self.of_set, (start, start + size))
        return _Candidates(self.of_set[first:end] - start, self.row[first:end])


def _candidates(mirror: Mirror, hints: Hints, count: int, base: Array) -> tuple[_Candidates, _Candidates]:
    """Which rows of `base` may be in each set, and which may be excepted."""
    parts = mirror.parts
    of, row, code = spoken(parts, parts.bit(mirror.capability), parts.sources.rules[hints.content])
    everywhere = [*parts.people.everyone[:1].tolist(), len(base) - 1]
    sides, without = [], len(parts.people.rows)
    for bits, first, more in ((GROUP_ALLOW | SET_ALLOW, 0, everywhere), (GROUP_DENY | SET_DENY, without, [])):
        speaks = code & bits != 0
        keys = [hints.of_set[of[speaks]] * len(base) + row[speaks] + first]
        keys += [np.arange(count) * len(base) + other for other in more]
        pairs = distinct(np.concatenate(keys))
        sides.append(_Candidates(pairs // len(base), pairs % len(base)))
    return sides[0], sides[1]


def _taken(
    base: Array, wanted: Array, unwanted: Array, candidates: _Candidates, *, no_others: bool = False
) -> tuple[Array, Array, Array, Array]:
    """Sets and the candidates that bring more people who are wanted than others, or `no_others` at all.

    Beside them who is wanted and still missing, and whom they bring. Those that bring fewest others come first, large
    before small.
    """
    sets, row = candidates
    others = np.bitwise_count(base[row] & unwanted[sets]).sum(axis=1, dtype=np.int64)
    order = np.lexsort((row, -np.bitwise_count(base).sum(axis=1, dtype=np.int64)[row], others, sets))
    order = order[others[order] == 0] if no_others else order
    sets, row, others = sets[order], row[order], others[order]
    rank = np.arange(len(sets)) - np.searchsorted(sets, sets)
    order = np.argsort(rank, kind="stable")
    left, union, helps = wanted.copy(), np.zeros_like(wanted), np.zeros(len(sets), bool)
    for turn in np.split(order, np.cumsum(np.bincount(rank))[:-1]):  # of each set one at a time
        brings = np.bitwise_count(base[row[turn]] & left[sets[turn]]).sum(axis=1, dtype=np.int64)
        turn = turn[brings > others[turn]]
        left[sets[turn]] &= ~base[row[turn]]
        union[sets[turn]] |= base[row[turn]]
        helps[turn] = True
    return sets[helps], row[helps], left, union


def _texts(parts: Parts, rows: Array) -> list[str]:
    """What the rows of `base` are after: ids, which stay."""
    columns, groups, count = parts.columns, parts.people.n_groups, len(parts.people.rows)
    texts = []
    for row in rows.tolist():
        if row == 2 * count:
            texts.append("administrators")
            continue
        number, table = row % count, "group" if row % count < groups else "group_set"
        name = columns.id_of(table, number if number < groups else number - groups)
        texts.append(f"{table} {name}{' without administrators' * (row >= count)}")
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
