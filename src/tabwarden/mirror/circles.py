"""Sets of people made of circles, so that no pair of set and person need be written: what warehouses join themselves.

A circle is a group of Tableau, a group set, the administrators, or those by whom a set and these differ. Whoever is in
a circle of a set and in none that is excepted from it is in the set, and nobody else. Which groups a set may be made
of is guessed from the rules of its first content; who is too much or missing then is looked up, so that no rule
decides here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from tabwarden.engine.columns import NONE, Array
from tabwarden.engine.index import Parts
from tabwarden.engine.mirror import Mirror
from tabwarden.engine.mirror_rows import spoken
from tabwarden.engine.rules import GROUP_ALLOW, GROUP_DENY, SET_ALLOW, SET_DENY, distinct
from tabwarden.mirror.sets import Sets
from tabwarden.model.roles import is_admin

_BLOCK = 1 << 22  # words of packed rows that are worked on at a time
_SETS = 1 << 16  # of sets that are circles themselves


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


def circles(mirror: Mirror, hints: Hints, wanted: Sets) -> tuple[Circles, Array, Array]:
    """The circles of sets; where the users of each circle begin, and the users."""
    people, columns = mirror.parts.people, mirror.parts.columns
    is_one = np.asarray([is_admin(role) for role in columns.vocabulary.roles], bool)
    admins = people.pack(np.flatnonzero(is_one[columns.users.role]))
    rows = np.concatenate((people.rows, people.rows & ~admins, admins[None]))  # whom a rule denies is none of these
    every = np.arange(len(rows))
    base = _Base(rows, _shared(rows, every, rows, every))
    allowing, denying = _candidates(mirror, hints, wanted.sizes(), base)
    registry, size = Sets(wanted.words), max(_BLOCK // wanted.words, 1)
    none = np.zeros(0, np.int64)
    groups, rests = [(none, none, none)], [(none, none, none)]  # a set, its circle, and 1 for one that is excepted
    may = distinct(allowing.of_set)
    for start in range(0, len(may), size):
        numbers = may[start : start + size]
        whole = wanted.rows(numbers)
        sets, row, missing, union = _taken(base, whole, ~whole, allowing.of(numbers))
        out, out_row, over, _ = _taken(base, union & ~whole, whole, denying.of(numbers), no_others=True)
        for sign, (of_set, taken, left) in enumerate(((sets, row, missing), (out, out_row, over))):
            some = np.flatnonzero(left.any(axis=1))
            groups.append((numbers[of_set], taken, np.full(len(taken), sign)))
            rests.append((numbers[some], registry.add(left[some]), np.full(len(some), sign)))
    others = np.setdiff1d(np.arange(len(wanted)), may, assume_unique=True)
    for start in range(0, len(others), _SETS):
        some = others[start : start + _SETS]
        rests.append((some, registry.take(wanted, some), np.zeros(len(some), np.int64)))
    of_set, taken, excepted = (np.concatenate(side) for side in zip(*groups, strict=True))
    used = distinct(taken)
    number = np.full(len(rows), NONE)
    number[used] = registry.add(rows[used])
    named: dict[int, str] = {}
    for known, text in zip(number[used].tolist(), _texts(mirror.parts, used), strict=True):
        named.setdefault(known, text)
    rest, circle, also = (np.concatenate(side) for side in zip(*rests, strict=True))
    made_of = np.append(of_set, rest), np.append(number[taken], circle), np.append(excepted, also)
    return Circles(*made_of, named), *registry.members()


class _Base(NamedTuple):
    """Packed rows that sets may be made of, and how many people are in each."""

    rows: Array
    sizes: Array


class _Candidates(NamedTuple):
    """Pairs of a set and a row of packed people that it may be made of, set by set."""

    of_set: Array
    row: Array

    def of(self, sets: Array) -> _Candidates:
        """Those of some sets (rising), now counted among these."""
        places = np.minimum(np.searchsorted(sets, self.of_set), len(sets) - 1)
        mine = sets[places] == self.of_set
        return _Candidates(places[mine], self.row[mine])


def _candidates(mirror: Mirror, hints: Hints, sizes: Array, base: _Base) -> tuple[_Candidates, _Candidates]:
    """Which rows of `base` may be in each set, which has so many people, and which may be excepted."""
    parts = mirror.parts
    of, row, code = spoken(parts, parts.bit(mirror.capability), parts.sources.rules[hints.content])
    n_rows, count = len(base.rows), len(sizes)
    everywhere = [*parts.people.everyone[:1].tolist(), n_rows - 1]
    sides, without = [], len(parts.people.rows)
    for bits, first, more in ((GROUP_ALLOW | SET_ALLOW, 0, everywhere), (GROUP_DENY | SET_DENY, without, [])):
        speaks = code & bits != 0
        keys = [hints.of_set[of[speaks]] * n_rows + row[speaks] + first]
        keys += [np.arange(count) * n_rows + other for other in more]
        pairs = distinct(np.concatenate(keys))
        sides.append(_Candidates(pairs // n_rows, pairs % n_rows))
    (sets, rows), denying = sides
    may = base.sizes[rows] < 2 * sizes[sets]  # else most of it is somebody else, and it is never taken
    return _Candidates(sets[may], rows[may]), denying


def _shared(left: Array, at: Array, right: Array, of: Array) -> Array:
    """Pair by pair how many people are in both rows."""
    counts, size = np.zeros(len(at), np.int64), max(_BLOCK // max(left.shape[1], 1), 1)
    for start in range(0, len(at), size):
        some = slice(start, start + size)
        counts[some] = np.bitwise_count(left[at[some]] & right[of[some]]).sum(axis=1, dtype=np.int64)
    return counts


def _taken(
    base: _Base, wanted: Array, unwanted: Array, candidates: _Candidates, *, no_others: bool = False
) -> tuple[Array, Array, Array, Array]:
    """Sets and the candidates that bring more people who are wanted than others, or `no_others` at all.

    Beside them who is wanted and still missing, and whom they bring. Those that bring fewest others come first, large
    before small.
    """
    sets, row = candidates
    others = _shared(base.rows, row, unwanted, sets)
    order = np.lexsort((row, -base.sizes[row], others, sets))
    order = order[others[order] == 0] if no_others else order
    sets, row, others = sets[order], row[order], others[order]
    rank = np.arange(len(sets)) - np.searchsorted(sets, sets)
    order = np.argsort(rank, kind="stable")
    left, union, helps = wanted.copy(), np.zeros_like(wanted), np.zeros(len(sets), bool)
    for turn in np.split(order, np.cumsum(np.bincount(rank))[:-1]):  # of each set one at a time
        brings = _shared(base.rows, row[turn], left, sets[turn])
        turn = turn[brings > others[turn]]
        left[sets[turn]] &= ~base.rows[row[turn]]
        union[sets[turn]] |= base.rows[row[turn]]
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
