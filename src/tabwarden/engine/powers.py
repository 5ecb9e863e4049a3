"""Who owns or leads which project, directly and through its parents, for the whole site.

Source: tableau-permissions §3.1 step 2b, §3.4 (the classic model) and §4.5.
"""

from __future__ import annotations

from functools import cached_property
from typing import NamedTuple

import numpy as np

from tabwarden.engine.columns import GROUP, GROUP_SET, NONE, USER, Array, Columns
from tabwarden.engine.memberships import Belongs, People
from tabwarden.engine.rules import distinct, expand
from tabwarden.model.capability import LEADER_CAPABILITIES
from tabwarden.model.open_points import CLASSIC


class Leaders(NamedTuple):
    """Leader rules, one row each: project (row of `Powers.contents`), grantee code, and whether they allow and deny."""

    project: Array
    grantee: Array
    allow: Array
    deny: Array


class Ruling(NamedTuple):
    """One project by itself: users and packed rows that rule it, a row where Deny counts (classic), its parent."""

    users: tuple[int, ...]
    rows: tuple[int, ...]
    mixed: Array | None
    parent: int


class Powers:
    """Projects of a site as rows: `contents[row]` is the content, `row[content]` the way back (NONE: no project)."""

    def __init__(self, columns: Columns, people: People, model: str) -> None:
        contents = columns.contents
        self.people, self.classic = people, model == CLASSIC
        code = columns.vocabulary.kinds.index("project")
        self.contents = np.flatnonzero(contents.kind == code)
        self.row = np.full(len(contents.kind), NONE, np.int64)
        self.row[self.contents] = np.arange(len(self.contents))
        above = contents.parent[self.contents].astype(np.int64)
        inside = (above >= 0) & (above < len(contents.kind))
        self.parent = np.full(len(above), NONE, np.int64)
        self.parent[inside] = self.row[above[inside]]
        self.owner = contents.owner[self.contents]
        rules = contents.rules[self.contents].astype(np.int64)
        self.leaders = self._leaders(columns, rules)
        self._unread_here = (rules == NONE) | (above >= len(contents.kind))
        self.order = self._top_down()

    def _leaders(self, columns: Columns, rules: Array) -> Leaders:
        names = columns.vocabulary.capabilities
        bits = np.uint64(sum(1 << names.index(name) for name in LEADER_CAPABILITIES))
        project, row = expand(columns.rules.offsets, rules)
        allow, deny = columns.rules.allow[row] & bits != 0, columns.rules.deny[row] & bits != 0
        speaks = allow | deny
        return Leaders(project[speaks], columns.rules.grantee[row[speaks]], allow[speaks], deny[speaks])

    def _top_down(self) -> list[tuple[Array, Array]]:
        """Projects level by level below the top, each with its parents."""
        levels = []
        below = np.flatnonzero(self.parent != NONE)
        depth = np.zeros(len(self.parent), np.int64)
        above = self.parent[below]
        for _ in range(len(self.parent)):
            if not len(below):
                break
            depth[below] += 1
            above = self.parent[above]
            below, above = below[above != NONE], above[above != NONE]
        for level in range(1, int(depth.max(initial=0)) + 1):
            rows = np.flatnonzero(depth == level)
            levels.append((rows, self.parent[rows]))
        return levels

    @cached_property
    def alike(self) -> Array:
        """Of each project a number it shares with those of its parent that the same people own and lead, in any model.

        Behind them two numbers: of a project that was not read, and (at NONE) of no project.
        """
        count = len(self.contents)
        own = self.owner.astype(np.int64) * 2 + self._unread_here
        with_leaders: dict[tuple[int, bytes], int] = {}
        above = int(own.max(initial=0)) + 1
        for row in np.unique(self.leaders.project).tolist():
            rows = self._rows_of(row)
            rules = np.sort(self.leaders.grantee[rows] * 4 + self.leaders.allow[rows] * 2 + self.leaders.deny[rows])
            own[row] = with_leaders.setdefault((int(own[row]), rules.tobytes()), above + len(with_leaders))
        alike = np.append(own, [NONE, NONE])
        shared = int(own.max(initial=0)) + 1
        width = shared
        for rows, parents in self.order:
            _, numbers = np.unique(alike[parents] * width + own[rows], return_inverse=True)
            alike[rows] = shared + numbers
            shared += len(numbers)
        alike[count:] = shared, shared + 1
        return alike

    @cached_property
    def place(self) -> Array:
        """Where each project stands when every project is followed by all below it."""
        return self._tree[0]

    @cached_property
    def _tree(self) -> tuple[Array, list[int], list[int]]:
        """Places of the projects, and for each project its place and the place after the last project below it."""
        count = len(self.parent)
        children: list[list[int]] = [[] for _ in range(count)]
        for row, parent in enumerate(self.parent.tolist()):
            if parent != NONE:
                children[parent].append(row)
        start, end, at = [NONE] * count, [0] * count, 0
        for root in [*np.flatnonzero(self.parent == NONE).tolist(), *range(count)]:
            trail = [root] if start[root] == NONE else []
            while trail:
                project = trail[-1]
                if start[project] == NONE:
                    start[project], at = at, at + 1
                    trail.extend(child for child in children[project] if start[child] == NONE)
                else:
                    end[project] = end[project] or at
                    trail.pop()
        return np.array(start, np.int64), start, end

    def ranges(self, user: int, belongs: Belongs) -> list[tuple[int, int]]:
        """The places of the projects a user rules, as ranges."""
        _, start, end = self._tree
        return [(start[row], end[row]) for row in self._direct(user, belongs)]

    def flow_down(self, direct: Array) -> Array:
        """`direct` (a row a project, of bools or packed rows) with what the parents have added, in place."""
        for rows, parents in self.order:
            direct[rows] |= direct[parents]
        return direct

    # -- of one user ------------------------------------------------------------------------------------------

    def of_user(self, user: int, belongs: Belongs) -> Array:
        """Projects the user rules, as a bool a row."""
        return self.within(self.ranges(user, belongs))

    def within(self, ranges: list[tuple[int, int]]) -> Array:
        """Whether each project has its place in one of these ranges."""
        inside = np.zeros(len(self.contents), bool)
        for start, end in ranges:
            inside[start:end] = True
        return inside[self.place] if ranges else inside

    def below_led_by(self, codes: list[int]) -> list[tuple[int, int]]:
        """The places, as ranges, of the projects that leader rules for these grantees speak of, and of all below."""
        if self.leader_codes.isdisjoint(codes):
            return []
        _, start, end = self._tree
        by_code, order = self._by_grantee
        rows = set(self.leaders.project[order[_within(by_code, np.array(codes))]].tolist())
        return [(start[row], end[row]) for row in rows]

    def _direct(self, user: int, belongs: Belongs) -> list[int]:
        """Projects a user owns or leads by themselves."""
        if self.classic:
            projects: list[int] = self._classic(user, belongs).tolist()
            return projects
        codes = [user * 4 + USER, *(g * 4 + GROUP for g in (*belongs.groups.tolist(), *self.people.everyone.tolist()))]
        codes += [s * 4 + GROUP_SET for s in belongs.sets.tolist()]
        led = [row for code in codes if code in self.leader_codes for row in self._led_by.get(code, ())]
        return [*self._owned_by.get(user, ()), *led]

    @cached_property
    def _owned_by(self) -> dict[int, list[int]]:
        by_owner: dict[int, list[int]] = {}
        for row, owner in enumerate(self.owner.tolist()):
            by_owner.setdefault(owner, []).append(row)
        return by_owner

    @cached_property
    def _led_by(self) -> dict[int, list[int]]:
        by_code: dict[int, list[int]] = {}
        rows = self.leaders.allow
        for row, code in zip(self.leaders.project[rows].tolist(), self.leaders.grantee[rows].tolist(), strict=True):
            by_code.setdefault(code, []).append(row)
        return by_code

    @cached_property
    def leader_codes(self) -> frozenset[int]:
        """Grantee codes that some leader rule names."""
        return frozenset(self.leaders.grantee.tolist())

    @cached_property
    def _by_grantee(self) -> tuple[Array, Array]:
        order = np.argsort(self.leaders.grantee, kind="stable")
        return self.leaders.grantee[order], order

    def _speaking(self, user: int, belongs: Belongs) -> Array:
        """Leader rules that speak of the user for sure."""
        codes, order = self._by_grantee
        if not len(codes):
            return order
        mine = np.concatenate(
            (
                [user * 4 + USER],
                belongs.groups * 4 + GROUP,
                self.people.everyone * 4 + GROUP,
                belongs.sets * 4 + GROUP_SET,
            )
        )
        return order[_within(codes, mine)]

    def _classic(self, user: int, belongs: Belongs) -> Array:
        """The classic model: the capability obeys the precedence of all others, sets after groups, no owners."""
        rows = self._speaking(user, belongs)
        count = len(self.contents)
        said: dict[tuple[int, str], Array] = {}
        for kind in (USER, GROUP, GROUP_SET):
            of_kind = rows[(self.leaders.grantee[rows] & 3) == kind]
            for mode, speaks in (("allow", self.leaders.allow), ("deny", self.leaders.deny)):
                there = np.zeros(count, bool)
                there[self.leaders.project[of_kind[speaks[of_kind]]]] = True
                said[kind, mode] = there
        by_groups = ~said[GROUP, "deny"] & (said[GROUP, "allow"] | said[GROUP_SET, "allow"])
        return np.flatnonzero(~said[USER, "deny"] & (said[USER, "allow"] | by_groups))

    def unknown_of_user(self, belongs: Belongs) -> Array | None:
        """Projects which the user perhaps leads, for what was not read; None where all was read."""
        if not self.some_unread:
            return None
        direct = self._unread_here.copy()
        unread = np.concatenate(
            (
                self.people.unread_groups * 4 + GROUP,
                self.people.unread_sets * 4 + GROUP_SET,
                belongs.perhaps_sets * 4 + GROUP_SET,
            )
        )
        rows = np.isin(self.leaders.grantee, unread) & self.leaders.allow
        direct[self.leaders.project[rows]] = True
        return self.flow_down(direct)

    @cached_property
    def some_unread(self) -> bool:
        """Whether anything about leaders was not read."""
        return bool(self._unread_here.any()) or self.people.some_unread

    def add_ruling(self, bits: Array, project: int) -> None:
        """Add to a packed row who owns or leads a project or a parent of it."""
        while project != NONE:
            ruling = self._ruling.get(project) or self._told(project)
            for user in ruling.users:
                bits[user >> 6] |= np.uint64(1 << (user & 63))
            for row in ruling.rows:
                bits |= self.people.rows[row]
            if ruling.mixed is not None:
                bits |= ruling.mixed
            project = ruling.parent

    @cached_property
    def _ruling(self) -> dict[int, Ruling]:
        return {}

    def _told(self, project: int) -> Ruling:
        """What is kept of one project: its own owner and leaders."""
        rows, parent = self._rows_of(project), int(self.parent[project])
        if self.classic:
            ruling = Ruling((), (), self._leading(project), parent)
        else:
            codes = self.leaders.grantee[rows[self.leaders.allow[rows]]]
            users = [*(codes[(codes & 3) == USER] >> 2).tolist(), int(self.owner[project])]
            groups = self.people.row_of(codes[(codes & 3) != USER]).tolist()
            ruling = Ruling(tuple(user for user in users if user < self.people.count), tuple(groups), None, parent)
        self._ruling[project] = ruling
        return ruling

    # -- of all users: packed rows ----------------------------------------------------------------------------

    def row_bits(self, project: int) -> Array:
        """Packed row of who rules one project."""
        bits = self.people.no_bits.copy()
        self.add_ruling(bits, project)
        return bits

    def unknown_bits(self, project: int) -> Array | None:
        """Packed row of who perhaps leads one project; None where all was read."""
        if not self.some_unread:
            return None
        bits = self.people.no_bits.copy()
        for above in self.chain(project):
            if self._unread_here[above]:
                return self.people.all_bits
            rows = self._rows_of(above)
            codes = self.leaders.grantee[rows[self.leaders.allow[rows]]]
            for row in self.people.row_of(codes[(codes & 3) != USER]).tolist():
                bits |= self.people.perhaps_rows[row]
        return bits

    def chain(self, project: int) -> list[int]:
        """The project's row and those of its parents."""
        chain = []
        while project != NONE and project not in chain:
            chain.append(project)
            project = int(self.parent[project])
        return chain

    @cached_property
    def _starts(self) -> Array:
        return np.searchsorted(self.leaders.project, np.arange(len(self.contents) + 1))

    def named(self, project: int) -> set[int]:
        """Grantee codes of all who own a project or a parent of it, and whom their leader rules name."""
        codes = set[int]()
        for row in self.chain(project):
            codes |= {int(self.owner[row]) * 4 + USER, *self.leaders.grantee[self._rows_of(row)].tolist()}
        return codes

    def _rows_of(self, project: int) -> Array:
        return np.arange(self._starts[project], self._starts[project + 1])

    def _leading(self, project: int) -> Array:
        """Packed row of who leads one project by its own rules."""
        rows = self._rows_of(project)
        codes = self.leaders.grantee[rows]
        allow = self._union(codes[self.leaders.allow[rows]])
        if not self.classic:
            return allow
        denying, allowing = codes[self.leaders.deny[rows]], codes[self.leaders.allow[rows]]
        user_deny, user_allow = (self._union(c[(c & 3) == USER]) for c in (denying, allowing))
        group_deny = self._union(denying[(denying & 3) == GROUP])
        others = self._union(allowing[(allowing & 3) != USER])
        return ~user_deny & (user_allow | (~group_deny & others))

    def _union(self, codes: Array) -> Array:
        return union(self.people, codes)

    @cached_property
    def rows(self) -> Array:
        """Packed rows of who rules each project; one row more, of nobody, for NONE."""
        rows = np.zeros((len(self.contents) + 1, self.people.words), np.uint64)
        for project in distinct(self.leaders.project).tolist():
            rows[project] = self._leading(project)
        if not self.classic:
            mine = np.flatnonzero(self.owner < self.people.count)
            at, bit = self.owner[mine] >> 6, np.left_shift(np.uint64(1), (self.owner[mine] & 63).astype(np.uint64))
            rows[mine, at] |= bit
        self.flow_down(rows[:-1])
        return rows

    def told_like(self, others: Powers) -> bool:
        """Whether owners, parents and leader rules of every project are the same, so that the same people rule it
        where grantees are the same people.
        """
        pairs = zip(
            *((one.contents, one.row, one.parent, one.owner, *one.leaders) for one in (self, others)), strict=True
        )
        return self.classic == others.classic and all(np.array_equal(mine, theirs) for mine, theirs in pairs)

    @cached_property
    def perhaps_rows(self) -> Array | None:
        """Packed rows of who perhaps leads each project; None where all was read."""
        if not self.some_unread:
            return None
        rows = np.zeros((len(self.contents) + 1, self.people.words), np.uint64)
        for project in range(len(self.contents)):
            bits = self.unknown_bits(project)
            assert bits is not None
            rows[project] = bits
        return rows


def union(people: People, codes: Array) -> Array:
    """Packed row of who is one of the grantees, for sure."""
    bits = people.no_bits.copy()
    users = codes[(codes & 3) == USER] >> 2
    users = users[users < people.count]
    if len(users):
        bits |= people.pack(users)
    for row in people.row_of(codes[(codes & 3) != USER]).tolist():
        bits |= people.rows[row]
    return bits


def _within(ordered: Array, values: Array) -> Array:
    """Places in `ordered` that hold any of `values`."""
    starts = np.searchsorted(ordered, values)
    ends = np.searchsorted(ordered, values, side="right")
    counts = ends - starts
    if not counts.any():
        return np.zeros(0, np.int64)
    ends_out = np.cumsum(counts)
    places: Array = np.repeat(starts, counts) + np.arange(int(ends_out[-1])) - np.repeat(ends_out - counts, counts)
    return places
