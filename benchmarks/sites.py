"""Sites of three sizes for the benchmarks, made as columns: the same on every machine and version. Not a benchmark.

Every choice is a hash of its own number, so nothing depends on a random generator. 60 % of the contents lie under a
lock; of the others 70 % copy their project's default, 20 % copy it with one edit, 10 % have rules of their own
(`wild`: all of them). Group sizes fall as Zipf 0.7; 60 % of the people share the groups of a job profile.
Nested locks, workbooks with tabs, group sets, leaders and owners are in every site.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np

from tabwarden.engine.columns import (
    EMPTY_LIST,
    GROUP,
    GROUP_SET,
    NONE,
    USER,
    Array,
    Columns,
    Contents,
    Defaults,
    Groups,
    GroupSets,
    Names,
    RuleLists,
    Users,
    Uses,
    Vocabulary,
    Words,
)
from tabwarden.engine.rules import expand
from tabwarden.model.capability import CAPABILITIES, KINDS, TEMPLATES
from tabwarden.model.governing import LOCKED_TO_DATABASE
from tabwarden.model.roles import SITE_ROLES
from tabwarden.model.site import CUSTOMIZABLE, LOCKED, LOCKED_WITHOUT_NESTED, MODES, Site


class Size(NamedTuple):
    """How many of each; `joins` is the number of groups drawn for a person."""

    users: int
    groups: int
    joins: int
    projects: int
    items: int


SIZES = {
    "tiny": Size(120, 20, 4, 10, 400),
    "S": Size(1_000, 100, 5, 50, 5_000),
    "M": Size(10_000, 1_000, 11, 1_000, 100_000),
    "L": Size(100_000, 10_000, 21, 10_000, 1_000_000),
    "XL": Size(500_000, 10_000, 21, 10_000, 1_000_000),
}
_ROLES = (
    ("Viewer", 0.50),
    ("Explorer", 0.24),
    ("ExplorerCanPublish", 0.10),
    ("Creator", 0.05),
    ("Unlicensed", 0.10),
    ("SiteAdministratorCreator", 0.002),
)
KIND_CODE = {kind: code for code, kind in enumerate(KINDS)}
_MODES = (*MODES, LOCKED_TO_DATABASE)
_DEFAULT_KINDS = ("workbook", "datasource", "flow")


def mixed(values: Array) -> Array:
    """The finaliser of splitmix64 over whole numbers."""
    found = values.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(0x632BE59BD9B4E019)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        found = (found ^ (found >> np.uint64(shift))) * np.uint64(factor)
    return found ^ (found >> np.uint64(31))


class Dice:
    """Fractions 0 <= r < 1 by stream and number."""

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def __call__(self, stream: str, numbers: Array) -> Array:
        key = np.frombuffer(stream.encode().ljust(8)[:8], np.uint64)
        start = mixed(key ^ np.uint64(self.seed))
        return (mixed(numbers.astype(np.uint64) ^ start) >> np.uint64(11)) / np.float64(1 << 53)


def site(size: str, *, wild: bool = False, seed: int = 1) -> Columns:
    """A site of that size."""
    return _Maker(SIZES[size], Dice(seed), wild).columns()


class Lists(NamedTuple):
    """Rule rows of lists that may repeat."""

    offsets: Array
    grantee: Array
    allow: Array
    deny: Array


class _Maker:
    def __init__(self, size: Size, dice: Dice, wild: bool) -> None:
        self.size, self.dice, self.wild = size, dice, wild
        self.n_sets = max(size.groups // 50, 2)
        self.all_users = size.groups  # the last group

    def columns(self) -> Columns:
        n = self.size
        role = self._roles()
        groups, sets = self._groups(), self._sets()
        contents, defaults, rules = self._contents(role)
        return Columns(
            Site("perf", "perf", "perf"),
            Vocabulary(tuple(CAPABILITIES), KINDS, _MODES, tuple(SITE_ROLES), ("embed", "prompt")),
            Users(role),
            groups,
            sets,
            contents,
            defaults,
            Uses(np.zeros(0, np.int32), np.zeros(0, np.int32), np.zeros(0, np.uint8)),
            rules,
            lambda: names_of(n.users, n.groups + 1, self.n_sets, n.projects + n.items),
        )

    # -- people -----------------------------------------------------------------------------------------------

    def _roles(self) -> Array:
        r = self.dice("role", np.arange(self.size.users))
        codes = [list(SITE_ROLES).index(name) for name, _ in _ROLES]
        bounds = np.cumsum([share for _, share in _ROLES])
        return np.array(codes, np.uint8)[np.minimum(np.searchsorted(bounds, r, side="right"), len(codes) - 1)]

    def _zipf(self, stream: str, numbers: Array) -> Array:
        """A group by size: density falls with exponent 0.7."""
        return (self.size.groups * self.dice(stream, numbers) ** (1 / 0.3)).astype(np.int64)

    def _groups(self) -> Groups:
        n = self.size
        user = np.repeat(np.arange(n.users), n.joins)
        draw = np.tile(np.arange(n.joins), n.users)
        profile = (self.dice("profile", np.arange(n.users)) ** 2 * max(n.users // 100, 1)).astype(np.int64)
        own = self.dice("own", np.arange(n.users)) < 0.4
        key = np.where(own, np.arange(n.users) + n.users, profile)[user] * n.joins + draw
        pairs = np.unique(self._zipf("member", key) * n.users + user)
        group, member = pairs // n.users, (pairs % n.users).astype(np.int32)
        offsets = np.zeros(n.groups + 2, np.int64)
        np.cumsum(np.bincount(group, minlength=n.groups + 1), out=offsets[1:])
        everyone = np.arange(n.groups + 1) == self.all_users
        return Groups(everyone, np.ones(n.groups + 1, bool), offsets, member)

    def _sets(self) -> GroupSets:
        """Each of two groups, one of them large."""
        first = np.arange(self.n_sets) % max(self.size.groups // 10, 1)
        second = (self.size.groups * self.dice("sets", np.arange(self.n_sets)) ** 2).astype(np.int64)
        pairs = np.sort(np.stack([first, np.where(second == first, second + 1, second)], axis=1), axis=1)
        return GroupSets(np.arange(self.n_sets + 1, dtype=np.int64) * 2, pairs.reshape(-1).astype(np.int32))

    # -- rules ------------------------------------------------------------------------------------------------

    def _rows(self, stream: str, lists: Array, kinds: Array) -> Lists:
        """Fresh lists of one to four rows, for contents of these kinds."""
        r = self.dice(stream + "n", lists)
        counts = 1 + (r < 0.62) + (r < 0.30) + (r < 0.10)
        of = np.repeat(np.arange(len(lists)), counts)
        number = lists[of] * 8 + np.arange(len(of)) - np.repeat(np.cumsum(counts) - counts, counts)
        rows = self._row(stream, number, kinds[of])
        offsets = np.zeros(len(lists) + 1, np.int64)
        np.cumsum(counts, out=offsets[1:])
        return Lists(offsets, *rows)

    def _row(self, stream: str, number: Array, kinds: Array) -> tuple[Array, Array, Array]:
        n, dice = self.size, self.dice
        who = dice(stream + "k", number)
        group = (n.groups * dice(stream + "g", number) ** 2.4).astype(np.int64)
        user = (n.users * dice(stream + "u", number)).astype(np.int64)
        sets = (self.n_sets * dice(stream + "s", number)).astype(np.int64)
        grantee = group * 4 + GROUP
        grantee = np.where(who < 0.06, self.all_users * 4 + GROUP, grantee)
        grantee = np.where((who >= 0.06) & (who < 0.14), user * 4 + USER, grantee)
        grantee = np.where((who >= 0.14) & (who < 0.15), sets * 4 + GROUP_SET, grantee)
        level = dice(stream + "t", number)
        place = np.searchsorted([0.5, 0.75, 0.87, 0.92], level, side="right")
        allow = templates()[kinds, place]
        some = allow & mixed(number) | allow & np.uint64(1)
        deny = np.where(level >= 0.92, some, np.uint64(0))
        return grantee, np.where(level >= 0.92, np.uint64(0), allow), deny

    # -- content ----------------------------------------------------------------------------------------------

    def _contents(self, role: Array) -> tuple[Contents, Defaults, RuleLists]:
        n, dice = self.size, self.dice
        numbers = np.arange(n.projects)
        parent = np.where(dice("top", numbers) < 0.4, NONE, (dice("parent", numbers) * numbers).astype(np.int64))
        parent[0] = NONE
        mode = self._modes(parent)
        project = np.sort((n.projects * dice("place", np.arange(n.items)) ** 1.3).astype(np.int64))
        kind, book = self._kinds(project)
        tabs = dice("tabs", np.arange(n.items)) < 0.5
        lists, own, defaults = self._lists(project, kind)
        publishers = np.flatnonzero(
            np.isin(role, [list(SITE_ROLES).index(r) for r in ("Creator", "ExplorerCanPublish")])
        )
        owners = publishers[(len(publishers) * dice("owner", np.arange(n.projects + n.items))).astype(np.int64)]
        is_view = kind == KIND_CODE["view"]
        owners[n.projects :][is_view] = owners[n.projects :][book[is_view]]
        where = np.where(is_view, book + n.projects, project)
        contents = Contents(
            np.concatenate((np.full(n.projects, KIND_CODE["project"]), kind)).astype(np.uint8),
            np.concatenate((parent, where)).astype(np.int32),
            owners.astype(np.int32),
            np.concatenate((own, lists.of_item)).astype(np.int32),
            np.concatenate((mode, np.full(n.items, _MODES.index(CUSTOMIZABLE)))).astype(np.uint8),
            np.concatenate((np.ones(n.projects, bool), tabs)),
        )
        return contents, defaults, lists.rules

    def _modes(self, parent: Array) -> Array:
        """About half of the top projects are locked with all below; some lock themselves alone."""
        r = self.dice("mode", np.arange(len(parent)))
        open_, locked, alone = (_MODES.index(m) for m in (CUSTOMIZABLE, LOCKED, LOCKED_WITHOUT_NESTED))
        mode = np.where(r < 0.33, locked, np.where(r < 0.43, alone, open_))
        for each in np.flatnonzero(parent != NONE).tolist():
            if mode[parent[each]] == locked:
                mode[each] = locked
        return mode

    def _kinds(self, project: Array) -> tuple[Array, Array]:
        """The kind of each item and, of a view, the workbook before it in its project."""
        r = self.dice("kind", np.arange(len(project)))
        names = ("workbook", "view", "datasource", "flow")
        kind = np.array([KIND_CODE[name] for name in names])[np.searchsorted([0.25, 0.8, 0.93], r, side="right")]
        kind[np.flatnonzero(np.concatenate(([True], project[1:] != project[:-1])))] = KIND_CODE["workbook"]
        book = np.maximum.accumulate(np.where(kind == KIND_CODE["workbook"], np.arange(len(project)), 0))
        return kind, book

    def _lists(self, project: Array, kind: Array) -> tuple[Assigned, Array, Defaults]:
        n, dice = self.size, self.dice
        kinds = np.tile([KIND_CODE[k] for k in _DEFAULT_KINDS], n.projects)
        base = self._rows("base", np.arange(n.projects * 3), kinds)
        own = self._rows("own", np.arange(n.projects), np.full(n.projects, KIND_CODE["project"]))
        own = self._with_leaders(own)
        items = np.arange(n.items)
        shape = dice("shape", items)
        column = np.select([kind == KIND_CODE["datasource"], kind == KIND_CODE["flow"]], [1, 2], 0)
        copied = project * 3 + column
        fresh = np.flatnonzero((shape >= 0.9) | self.wild)
        edited = np.flatnonzero((shape >= 0.7) & (shape < 0.9) & (not self.wild))
        mine = self._rows("free", fresh, kind[fresh])
        extra = self._row("edit", edited, kind[edited])
        # Half of the edits leave View as it was.
        seeing = np.where(dice("editview", edited) < 0.5, ~np.uint64(1), ~np.uint64(0))
        extra = (extra[0], extra[1] & seeing, extra[2] & seeing)
        changed = joined(picked(base, copied[edited]), Lists(np.arange(len(edited) + 1), *extra))
        start = np.cumsum([1, len(kinds), n.projects, len(fresh)])
        empty = Lists(np.zeros(2, np.int64), *(part[:0] for part in base[1:]))
        number, rules = once([empty, base, own, mine, changed])
        of_item = number[start[0] + copied]
        of_item[fresh] = number[start[2] + np.arange(len(fresh))]
        of_item[edited] = number[start[3] + np.arange(len(edited))]
        assert number[0] == EMPTY_LIST
        defaults = Defaults(
            np.repeat(np.arange(n.projects, dtype=np.int32), 3),
            kinds.astype(np.uint8),
            number[start[0] : start[1]].astype(np.int32),
        )
        return Assigned(of_item, rules), number[start[1] : start[2]], defaults

    def _with_leaders(self, own: Lists) -> Lists:
        """A quarter of the projects has a leader: a group, sometimes a person."""
        bit = np.uint64(1 << list(CAPABILITIES).index("ProjectLeader"))
        led = np.flatnonzero(self.dice("led", np.arange(self.size.projects)) < 0.25)
        group = (self.size.groups * (0.3 + 0.7 * self.dice("leader", led))).astype(np.int64) * 4 + GROUP
        user = (self.size.users * self.dice("leads", led)).astype(np.int64) * 4 + USER
        grantee = np.where(self.dice("wholeads", led) < 0.8, group, user)
        counts = np.zeros(self.size.projects + 1, np.int64)
        counts[led + 1] = 1
        more = Lists(np.cumsum(counts), grantee, np.full(len(led), bit), np.zeros(len(led), np.uint64))
        return joined(own, more)


class Assigned(NamedTuple):
    """The list of each item, and all lists once."""

    of_item: Array
    rules: RuleLists


def templates() -> Array:
    """By kind code and place: the masks of View, Explore, Publish and Administer (the last again for denials)."""
    names = list(CAPABILITIES)
    found = np.zeros((len(KINDS), 5), np.uint64)
    for kind, templates in TEMPLATES.items():
        for place, name in enumerate(("View", "Explore", "Publish", "Administer", "Administer")):
            found[KIND_CODE[kind], place] = sum(1 << names.index(c) for c in templates[name])
    return found


def picked(lists: Lists, numbers: Array) -> Lists:
    _, rows = expand(lists.offsets, numbers)
    offsets = np.zeros(len(numbers) + 1, np.int64)
    np.cumsum(np.diff(lists.offsets)[numbers], out=offsets[1:])
    return Lists(offsets, lists.grantee[rows], lists.allow[rows], lists.deny[rows])


def joined(left: Lists, right: Lists) -> Lists:
    """The rows of both, list by list."""
    of = np.concatenate([np.repeat(np.arange(len(p.offsets) - 1), np.diff(p.offsets)) for p in (left, right)])
    order = np.argsort(of, kind="stable")
    parts = [np.concatenate((a, b))[order] for a, b in zip(left[1:], right[1:], strict=True)]
    return Lists(left.offsets + right.offsets, *parts)


def once(parts: list[Lists]) -> tuple[Array, RuleLists]:
    """Every different list once, rows in order of grantee, one a grantee; and the number of each list given."""
    counts = np.concatenate([np.diff(part.offsets) for part in parts])
    of = np.repeat(np.arange(len(counts)), counts)
    grantee, allow, deny = (np.concatenate([part[column] for part in parts]) for column in (1, 2, 3))
    order = np.lexsort((grantee, of))
    of, grantee, allow, deny = of[order], grantee[order], allow[order], deny[order]
    starts = np.flatnonzero(np.concatenate(([True], (of[1:] != of[:-1]) | (grantee[1:] != grantee[:-1]))))
    of, grantee = of[starts], grantee[starts]
    allow, deny = np.bitwise_or.reduceat(allow, starts), np.bitwise_or.reduceat(deny, starts)
    deny &= ~allow
    counts = np.bincount(of, minlength=len(counts))
    ends = np.cumsum(counts)
    row_hash = mixed(mixed(mixed(grantee) ^ allow) ^ deny)
    total = np.concatenate(([np.uint64(0)], np.cumsum(row_hash)))
    hashes = total[ends] - total[ends - counts]
    _, first, number = np.unique(hashes, return_index=True, return_inverse=True)
    rank = np.argsort(np.argsort(first))  # in order of first appearance: the empty list stays 0
    first = np.sort(first)
    offsets = np.concatenate((ends - counts, ends[-1:]))
    kept = picked(Lists(offsets, grantee, allow, deny), first)
    return rank[number], RuleLists(kept.offsets, kept.grantee.astype(np.int32), kept.allow, kept.deny)


def names_of(users: int, groups: int, sets: int, contents: int) -> Names:
    """Ids u0, g0, s0, c0 and so on; names are the ids."""
    tables = [numbered(letter, count) for letter, count in (("u", users), ("g", groups), ("s", sets), ("c", contents))]
    words = Words(
        np.concatenate([data for data, _ in tables]),
        np.cumsum(np.concatenate([np.append(lengths, []).astype(np.int64) for _, lengths in tables])),
    )
    starts = np.cumsum([0, users, groups, sets, contents])
    user, group, group_set, content = (np.arange(a, b, dtype=np.int32) for a, b in pairwise(starts))
    none = np.zeros(0, np.int32)
    blank = {"user": np.full(users, NONE, np.int32), "group": np.full(groups, NONE, np.int32)}
    blank["content"] = np.full(contents, NONE, np.int32)
    return Names(
        words, user, user, user, user, user, blank["user"], blank["user"], blank["user"], none,
        group, group, group, blank["group"], blank["group"], none,
        group_set, group_set, none,
        content, content, content, content, content, blank["content"], none,
    )  # fmt: skip


def numbered(letter: str, count: int) -> tuple[Array, Array]:
    """The texts letter0, letter1, ... as bytes, and how long each is."""
    texts = np.char.add(letter, np.arange(count).astype("S8").astype("U8")).astype("S9")
    raw = texts.view(np.uint8).reshape(count, -1)
    return raw[raw != 0], (raw != 0).sum(axis=1)
