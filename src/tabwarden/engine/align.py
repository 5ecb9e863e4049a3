"""Two columnar Sites under common numbers: everybody and everything of either has one row in both.

A row that a Site lacks is filled so that nobody gets anything by it: an Unlicensed user, a group without members,
a content without rules, marked in `Pair.has_content`. What a Site only names stays unread there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple, overload

import numpy as np

from tabwarden.engine.columns import (
    EMPTY_LIST,
    NONE,
    NUMBERED,
    Array,
    Columns,
    Contents,
    Defaults,
    Groups,
    GroupSets,
    RuleLists,
    Users,
    Uses,
    Vocabulary,
)
from tabwarden.engine.rules import expand
from tabwarden.model.site import CUSTOMIZABLE


class Ids(Sequence[str]):
    """Ids by number, made of a Site's names when somebody asks for one: a difference in numbers needs none."""

    def __init__(self, columns: Columns, table: str) -> None:
        self.columns, self.table = columns, table

    def __len__(self) -> int:
        return self.columns.sizes[f"{self.table}s"]

    @overload
    def __getitem__(self, place: int) -> str: ...

    @overload
    def __getitem__(self, place: slice) -> list[str]: ...

    def __getitem__(self, place: int | slice) -> str | list[str]:
        return self.columns.ids(self.table)[place]

    def __iter__(self) -> Iterator[str]:
        return iter(self.columns.ids(self.table))


class Pair(NamedTuple):
    """The earlier and the later Site by common numbers; ids by number; and which contents each has."""

    before: Columns
    after: Columns
    users: Sequence[str]
    contents: Sequence[str]
    has_content: tuple[Array, Array]


def aligned(before: Columns, after: Columns) -> Pair:
    """Both Sites by common numbers: those of the earlier one, behind them those only on the later one."""
    if numbered_alike(before, after):
        there = np.ones(len(before.contents.kind), bool)
        return Pair(before, after, Ids(before, "user"), Ids(before, "content"), (there, there))
    sides = (before, after)
    common = {table: list(dict.fromkeys((*before.ids(table), *after.ids(table)))) for table in NUMBERED}
    words = _common_words(before.vocabulary, after.vocabulary)
    renumbered = [_renumbered(columns, common, words) for columns in sides]
    has = [np.isin(common["content"], columns.ids("content")) for columns in sides]
    return Pair(renumbered[0], renumbered[1], common["user"], common["content"], (has[0], has[1]))


def numbered_alike(before: Columns, after: Columns) -> bool:
    """Whether the same numbers mean the same already, as for two states of one source."""
    left, right = before.names, after.names
    columns = [f"{table}_{part}" for table in NUMBERED for part in ("id", "named")]
    pairs = [(left.words.data, right.words.data), (left.words.ends, right.words.ends)]
    pairs += [(getattr(left, column), getattr(right, column)) for column in columns]
    return before.vocabulary == after.vocabulary and all(np.array_equal(mine, its) for mine, its in pairs)


def _common_words(left: Vocabulary, right: Vocabulary) -> Vocabulary:
    return Vocabulary(*(tuple(dict.fromkeys((*a, *b))) for a, b in zip(left, right, strict=True)))


def _map(columns: Columns, common: dict[str, list[str]], table: str) -> Array:
    """The common number of each number of a side; what is only named there lies beyond all rows."""
    place = {key: number for number, key in enumerate(common[table])}
    read = columns.ids(table)
    named = len(columns.all_ids(table)) - len(read)
    return np.array([*(place[key] for key in read), *range(len(place), len(place) + named)], np.int64)


def _codes(old: tuple[str, ...], new: tuple[str, ...]) -> Array:
    return np.array([new.index(word) for word in old], np.int64)


def _renumbered(columns: Columns, common: dict[str, list[str]], words: Vocabulary) -> Columns:
    to = {table: _map(columns, common, table) for table in NUMBERED}
    old = columns.vocabulary
    role = np.full(len(common["user"]), words.roles.index("Unlicensed"), np.uint8)
    role[to["user"][: len(columns.users.role)]] = _codes(old.roles, words.roles)[columns.users.role]
    uses = columns.uses
    return replace(
        columns,
        vocabulary=words,
        users=Users(role),
        groups=_groups(columns.groups, to, len(common["group"])),
        group_sets=_sets(columns.group_sets, to, len(common["group_set"])),
        contents=_contents(columns, common, to, words),
        defaults=Defaults(
            to["content"][columns.defaults.content],
            _codes(old.kinds, words.kinds)[columns.defaults.kind],
            columns.defaults.rules,
        ),
        uses=Uses(to["content"][uses.content], to["content"][uses.datasource], uses.auth),
        rules=_rules(columns, to, words),
    )


def _rows(offsets: Array, to: Array, count: int) -> tuple[Array, Array]:
    """Offsets of the rows under their common numbers, and the old entries in that order."""
    source = np.full(count, NONE, np.int64)
    source[to[: len(offsets) - 1]] = np.arange(len(offsets) - 1)
    of, entry = expand(offsets, source)
    starts = np.zeros(count + 1, np.int64)
    np.cumsum(np.bincount(of, minlength=count), out=starts[1:])
    return starts, entry


def _groups(groups: Groups, to: dict[str, Array], count: int) -> Groups:
    rows = to["group"][: len(groups.read)]
    everyone, read = np.zeros(count, bool), np.ones(count, bool)
    everyone[rows], read[rows] = groups.everyone, groups.read
    offsets, entry = _rows(groups.offsets, to["group"], count)
    return Groups(everyone, read, offsets, to["user"][groups.members[entry]])


def _sets(sets: GroupSets, to: dict[str, Array], count: int) -> GroupSets:
    offsets, entry = _rows(sets.offsets, to["group_set"], count)
    return GroupSets(offsets, to["group"][sets.groups[entry]])


def _contents(columns: Columns, common: dict[str, list[str]], to: dict[str, Array], words: Vocabulary) -> Contents:
    contents, count = columns.contents, len(common["content"])
    rows = to["content"][: len(contents.kind)]
    beyond = len(common["user"]) + len(columns.all_ids("user"))
    renumbered = Contents(
        kind=np.full(count, words.kinds.index("collection"), np.uint8),
        parent=np.full(count, NONE, np.int64),
        owner=np.full(count, beyond, np.int64),
        rules=np.full(count, EMPTY_LIST, np.int64),
        mode=np.full(count, words.modes.index(CUSTOMIZABLE), np.uint8),
        tabs=np.zeros(count, bool),
    )
    renumbered.kind[rows] = _codes(columns.vocabulary.kinds, words.kinds)[contents.kind]
    renumbered.parent[rows] = np.where(contents.parent == NONE, NONE, to["content"][np.maximum(contents.parent, 0)])
    renumbered.owner[rows], renumbered.rules[rows] = to["user"][contents.owner], contents.rules
    renumbered.tabs[rows] = contents.tabs
    renumbered.mode[rows] = _codes(columns.vocabulary.modes, words.modes)[contents.mode]
    return renumbered


def _rules(columns: Columns, to: dict[str, Array], words: Vocabulary) -> RuleLists:
    rules = columns.rules
    kind, number = rules.grantee & 3, rules.grantee >> 2
    grantee = np.zeros(len(kind), np.int64)
    for code, table in enumerate(NUMBERED[:3]):
        mine = kind == code
        grantee[mine] = to[table][number[mine]] * 4 + code
    order = np.lexsort((grantee, np.repeat(np.arange(len(rules.offsets) - 1), np.diff(rules.offsets))))
    place = _codes(columns.vocabulary.capabilities, words.capabilities)
    masks = []
    for mask in (rules.allow, rules.deny):
        moved = np.zeros(len(mask), np.uint64)
        for bit, new in enumerate(place.tolist()):
            moved |= ((mask >> np.uint64(bit)) & np.uint64(1)) << np.uint64(new)
        masks.append(moved[order])
    return RuleLists(rules.offsets, grantee[order], masks[0], masks[1])
