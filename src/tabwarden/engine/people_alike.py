"""People of whom the same facts speak on one content, as lists of numbers: one answer is the answer of all of them."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from tabwarden.engine.columns import Array, Columns

_BITS = 55  # of a mark hold memberships, those above the site role


def people_alike(columns: Columns, groups: Iterable[str], apart: Iterable[str]) -> list[Array]:
    """Everybody by site role and by which of `groups` (ids) holds them, each of `apart` (ids) alone; numbers rising.

    Groups that were not read, and people who are only named, speak of nobody or of everybody alike.
    """
    count = len(columns.users.role)
    marks = columns.users.role.astype(np.uint64)
    numbers = sorted(_numbers(columns, "group", groups, len(columns.groups.read)))
    for start in range(0, len(numbers), _BITS):
        if start:
            marks = np.unique(marks, return_inverse=True)[1].astype(np.uint64)
        for number in numbers[start : start + _BITS]:
            marks <<= np.uint64(1)
            first, last = columns.groups.offsets[number : number + 2]
            members = columns.groups.members[first:last]
            marks[members[members < count]] |= np.uint64(1)
    alone = sorted(_numbers(columns, "user", apart, count))
    _, classes = np.unique(marks, return_inverse=True)
    classes = classes.astype(np.int64)
    classes[alone] = len(classes) + np.arange(len(alone))
    order = np.argsort(classes, kind="stable")
    cuts = np.flatnonzero(np.diff(classes[order])) + 1
    return [part for part in np.split(order, cuts) if len(part)]


def _numbers(columns: Columns, table: str, ids: Iterable[str], count: int) -> set[int]:
    found = set[int]()
    for each in set(ids):
        try:
            number = columns.names.number(table, each)
        except KeyError:
            continue
        if number < count:
            found.add(number)
    return found
