"""What differs between two large Sites or two models, and what is unknown on one, by the whole-site engine.

The pieces of an exact difference say who gains and loses what; the reason is asked once for all people who share role
and groups on all contents that share rules, kind, lock and the project's owners and leaders.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property

import numpy as np

from tabwarden.compare.access_changes import Count, Decision, Part, Sides, Under, in_order, together
from tabwarden.compare.alike import alike
from tabwarden.compare.reasons import Reasons
from tabwarden.engine.algebra import UNKNOWN
from tabwarden.engine.align import aligned
from tabwarden.engine.by_content import UserBits
from tabwarden.engine.by_pair import PairVerdicts
from tabwarden.engine.columns import NONE, Array, Columns
from tabwarden.engine.convert import columns_of
from tabwarden.engine.difference import Difference, Shifted
from tabwarden.engine.engine import Engine
from tabwarden.engine.index import Later, Parts
from tabwarden.model.capability import CAPABILITIES, capabilities_of
from tabwarden.model.open_points import CURRENT, OpenPoints
from tabwarden.model.site import Site

Progress = Callable[[int, int], None]


class Compared:
    """Two Sites compared: `parts` are those of the first, `later` the columns of the second."""

    def __init__(self, sites: tuple[Site, Site], parts: Parts, later: Columns) -> None:
        self.sites, self.pair = sites, aligned(parts.columns, later)
        before = parts if self.pair.before is parts.columns else Later(self.pair.before, parts)
        after = Later(self.pair.after, before)
        self.difference = Difference(before, after, self.pair.has_content)
        # Under common numbers ids are not to be had: single questions go to the Sites' own.
        self.own = parts, after if self.pair.after is later else Later(later, parts)

    @cached_property
    def users(self) -> list[str]:
        """Ids of users by their common number."""
        return list(self.pair.users)

    @cached_property
    def contents(self) -> list[str]:
        """Ids of contents by their common number."""
        return list(self.pair.contents)

    # -- counting ---------------------------------------------------------------------------------------------

    def count(self, apart: Decision | None, limit: int | None = None) -> Count | None:
        """All that differs but `apart`; None as soon as there are more than `limit` decisions."""
        counting = _Counting(self)
        for piece in self._pieces(apart):
            counting.add(piece)
            if limit is not None and counting.decisions > limit:
                return None
        return counting.count()

    def told(self, most: int, apart: Decision | None, progress: Progress | None) -> tuple[Count, list[Part[str]]]:
        """All that differs, counted; and its parts with their reasons, until `most` pairs and reasons are told."""
        counting, parts = _Counting(self), list[Part[int]]()
        reasons = Reasons(self.sites, self.own, self.difference, (self.users, self.contents))
        pairs = done = 0
        of = len(self.difference.users) + len(self.difference.contents)
        for piece in self._pieces(apart):
            counting.add(piece)
            for part in reasons.of(piece) if pairs + reasons.asked_for < most else ():
                parts.append(part)
                pairs += len(part.users) * len(part.contents)
                if pairs + reasons.asked_for >= most:
                    break
            if progress is not None:
                done = max(done, self._done(piece))
                progress(min(done, of), of)
        return counting.count(), [self._by_id(part) for part in in_order(together(parts), int, int)]

    def _by_id(self, part: Part[int]) -> Part[str]:
        users = tuple(map(self.users.__getitem__, part.users))
        return Part(part.key, users, tuple(map(self.contents.__getitem__, part.contents)), part.names)

    def on_each(self, capability: str) -> dict[str, Sides]:
        """Of each content that differs the people who gain and those who lose one capability."""
        by_content = defaultdict[str, Sides](lambda: Sides([], []))
        if capability not in self.difference.names:
            return by_content
        one = self.difference.mask(1 << self.difference.names.index(capability))
        ids: dict[bytes, list[str]] = {}
        for piece in self._pieces(None):
            for side, masks in enumerate((piece.gained, piece.lost)):
                contents = piece.contents[masks & one != 0].tolist()
                if contents and (numbers := piece.users.tobytes()) not in ids:
                    ids[numbers] = [self.users[user] for user in piece.users.tolist()]
                for content in contents:
                    by_content[self.contents[content]][side].append(ids[numbers])
        return by_content

    def _done(self, piece: Shifted) -> int:
        """How many of the people and contents that differ were seen: the pieces come in their order."""
        differ = self.difference
        if len(piece.users) == 1 and differ.changed.users[piece.users[0]]:
            return int(np.searchsorted(differ.users, piece.users[0])) + 1
        return len(differ.users) + int(np.searchsorted(differ.contents, piece.contents[0])) + 1

    # -- pieces -----------------------------------------------------------------------------------------------

    def _pieces(self, apart: Decision | None) -> Iterator[Shifted]:
        for piece in self.difference:
            one = self._told_of(piece)
            yield from () if one is None else (one,) if apart is None else self._without(one, apart)

    def _told_of(self, piece: Shifted) -> Shifted | None:
        """Without collections, and without unknown capabilities where no rule in force names them."""
        open_to = self._open[piece.contents]
        gained, lost = piece.gained & open_to, piece.lost & open_to
        keep = (gained | lost) != 0
        if not keep.any():
            return None
        return Shifted(piece.users, piece.contents[keep], gained[keep], lost[keep])

    @cached_property
    def _open(self) -> Array:
        """For each content the mask of capabilities that are told of."""
        differ = self.difference
        names, mask = differ.names, differ.mask
        masks = np.zeros(len(self.contents), mask)
        strange = [bit for bit, name in enumerate(names) if name not in CAPABILITIES]
        for parts, there in zip(differ.sides, differ.has_content, strict=True):
            kinds = parts.columns.vocabulary.kinds
            listed = [capabilities_of(kind, parts.model) for kind in kinds]
            kind_masks = [sum(1 << names.index(c) for c in capabilities) for capabilities in listed]
            masks[there] = np.array(kind_masks, mask)[parts.columns.contents.kind[there]]
        for parts, there in zip(differ.sides, differ.has_content, strict=True):
            lists = parts.columns.rules
            for bit in strange:
                rows = ((lists.allow | lists.deny) >> np.uint64(bit)) & np.uint64(1)
                sums = np.concatenate(([0], np.cumsum(rows, dtype=np.int64)))
                named = np.append(sums[lists.offsets[1:]] > sums[lists.offsets[:-1]], False)  # the last is NONE's
                masks[there & named[parts.sources.rules]] |= mask(1 << bit)
        return masks

    @cached_property
    def _places(self) -> tuple[Mapping[str, int], Mapping[str, int]]:
        """The common number of each user and of each content, by id."""
        before = self.difference.sides[0].columns
        if self.pair.before is self.own[0].columns:
            return before.user_numbers, before.content_numbers
        return _numbers(self.users), _numbers(self.contents)

    def _without(self, piece: Shifted, apart: Decision) -> Iterator[Shifted]:
        """The piece but for one decision."""
        user, content, capability = apart
        if capability not in self.difference.names:
            yield piece
            return
        mine = piece.users == self._places[0].get(user, NONE)
        rows = np.flatnonzero(piece.contents == self._places[1].get(content, NONE))
        if not mine.any() or not len(rows):
            yield piece
            return
        others, keep = piece.users[~mine], ~self.difference.mask(1 << self.difference.names.index(capability))
        if len(others):
            yield piece._replace(users=others)
        gained, lost = piece.gained.copy(), piece.lost.copy()
        gained[rows], lost[rows] = gained[rows] & keep, lost[rows] & keep
        some = (gained | lost) != 0
        if some.any():
            yield Shifted(piece.users[mine], piece.contents[some], gained[some], lost[some])


def _numbers(ids: Sequence[str]) -> dict[str, int]:
    return {key: number for number, key in enumerate(ids)}


class _Counting:
    """A Count that grows by pieces."""

    def __init__(self, compared: Compared) -> None:
        self.compared = compared
        self.decisions = self.unsure = 0
        users, contents = len(compared.users), len(compared.contents)
        self.people = np.zeros((2, users), bool)
        self.on = np.zeros((2, contents), np.int64)
        sides = compared.difference.sides
        self.hazy = [hazy(parts) for parts in sides]
        self.many = [PairVerdicts(parts) for parts in sides]

    def add(self, piece: Shifted) -> None:
        self.decisions += piece.facts()
        if any(self.hazy):
            self._add_surely(piece)
            return
        for side, masks in enumerate((piece.gained, piece.lost)):
            if masks.any():
                self.people[side, piece.users] = True
                self.on[side, piece.contents] += len(piece.users) * np.bitwise_count(masks).astype(np.int64)

    def _add_surely(self, piece: Shifted) -> None:
        """Where facts were not read: what was gained is unknown before, or what was lost unknown after."""
        user = np.repeat(piece.users, len(piece.contents))
        place = np.tile(np.arange(len(piece.contents)), len(piece.users))
        for side, masks in enumerate((piece.gained, piece.lost)):
            for bit, name in enumerate(self.compared.difference.names):
                chosen = (masks[place] >> masks.dtype.type(bit)) & masks.dtype.type(1) != 0
                if not chosen.any():
                    continue
                pairs = user[chosen], piece.contents[place[chosen]]
                there = self.compared.pair.has_content[side][pairs[1]]
                unknown = there & (self.many[side].verdicts(pairs[0], name, pairs[1]) == UNKNOWN)
                self.unsure += int(unknown.sum())
                self.people[side, pairs[0][~unknown]] = True
                np.add.at(self.on[side], pairs[1][~unknown], 1)

    def count(self) -> Count:
        users, contents = self.compared.users, self.compared.contents
        gained, lost = (frozenset(users[u] for u in np.flatnonzero(row).tolist()) for row in self.people)
        there = np.flatnonzero(self.on.any(axis=0)).tolist()
        on = {contents[c]: (int(self.on[0, c]), int(self.on[1, c])) for c in there}
        return Count(self.decisions, gained, lost, on, self.unsure)


def hazy(parts: Parts) -> bool:
    """Whether an answer of that side may be unknown."""
    sources, roles = parts.sources, parts.tables.known[parts.columns.users.role]
    unread = (sources.rules < 0).any() or sources.lock_unread.any() or parts.powers.some_unread
    return bool(unread or parts.people.some_unread or not roles.all())


# -- two models ----------------------------------------------------------------------------------------------


def groups_that_differ(
    site: Site, capability: str, against: str, open_points: OpenPoints, progress: Progress | None = None
) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Each content with people who share their answers and whom the models judge differently there."""
    columns, keys = columns_of(site), alike(site)
    engines = [Engine(columns, model, open_points) for model in (CURRENT, against)]
    users = list(site.users)
    for number, content in enumerate(site.contents):
        differs = _unlike(*(engine.who(capability, number) for engine in engines))
        classes: dict[object, list[str]] = {}
        if differs.any():
            for user in engines[0].parts.people.ids(differs).tolist():
                classes.setdefault(keys[users[user]], []).append(users[user])
        for people in classes.values():
            yield content, tuple(people)
        if progress is not None:
            progress(number + 1, len(site.contents))


def _unlike(left: UserBits, right: UserBits) -> Array:
    """The row of those whose verdicts differ."""
    nothing = np.zeros_like(left.allowed)
    differ: Array = left.allowed ^ right.allowed
    unknown = [nothing if row.unknown is None else row.unknown for row in (left, right)]
    differ |= unknown[0] ^ unknown[1]
    return differ


# -- what is unknown -----------------------------------------------------------------------------------------


def unknown_on_large(site: Site, under: Under) -> tuple[int, frozenset[str], Mapping[str, int]]:
    """How many decisions are unknown, of which users, and how many on each content."""
    engine = Engine(columns_of(site), under.model, under.open_points)
    if not hazy(engine.parts):
        return 0, frozenset(), {}
    names, kinds = engine.capabilities, engine.columns.vocabulary.kinds
    listed = [capabilities_of(kind, under.model) for kind in kinds]
    kind_masks = [sum(1 << names.index(c) for c in capabilities) for capabilities in listed]
    open_to = np.array(kind_masks, engine.parts.tables.mask)[engine.columns.contents.kind]
    on = np.zeros(engine.parts.n_contents, np.int64)
    people = set()
    for number, user in enumerate(site.users):
        masks = engine.what(number).unknown
        if masks is not None:
            counts = np.bitwise_count(masks & open_to).astype(np.int64)
            on += counts
            if counts.any():
                people.add(user)
    ids = list(site.contents)
    there = np.flatnonzero(on).tolist()
    return int(on.sum()), frozenset(people), {ids[content]: int(on[content]) for content in there}
