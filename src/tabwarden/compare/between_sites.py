"""Whose access differs between two Sites: who gains and who loses which capability on which content, and why.

Small Sites are asked by the reference (`by_reference`), large ones by the engine (`by_engine`); a test holds one
against the other. Whatever is shown was confirmed by the reference.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain
from typing import TYPE_CHECKING

from tabwarden.access.answer import Answer
from tabwarden.access.few import FEW, few
from tabwarden.access.reference import may
from tabwarden.compare.access_changes import (
    Count,
    Decision,
    Part,
    Reach,
    Shift,
    Sides,
    Under,
    in_order,
    reason_of,
    together,
)
from tabwarden.compare.by_reference import differences
from tabwarden.model.open_points import CURRENT, DOCUMENTED, OpenPoints
from tabwarden.model.site import Site

if TYPE_CHECKING:
    from tabwarden.compare.by_engine import Compared
    from tabwarden.engine.index import Parts

# Pairs of a person and a content that are told with their reasons; beyond them everything is counted.
MOST_TOLD = 400_000
Progress = Callable[[int, int], None]


def shifts(
    before: Site, after: Site, *, model: str = CURRENT, open_points: OpenPoints = DOCUMENTED
) -> tuple[Shift, ...]:
    """Every decision that is a yes on one Site and not on the other, put together, in the order of the content."""
    return Base(before, Under(model, open_points)).reach(after).shifts


class Base:
    """A Site to which others are compared, one or many: what is made of it is made once.

    `apart` is a decision that is left out: the one a fix is about. Sites of more than `small` pairs of a person and a
    content are compared by the engine; of what differs about `most` pairs are told with their reasons.
    """

    def __init__(self, site: Site, under: Under | None = None, *, small: int = FEW, most: int = MOST_TOLD) -> None:
        self.site, self.under, self.small, self.most = site, under or Under(), small, most
        self._parts: Parts | None = None
        self._last: tuple[Site, str, Mapping[str, Sides]] | None = None

    def count(self, after: Site, *, apart: Decision | None = None, limit: int | None = None) -> Count | None:
        """What differs, counted; None as soon as there are more than `limit` decisions."""
        if self._small(after):
            count = _counted(self._asked(after, apart))
            return None if limit is not None and count.decisions > limit else count
        return self._by_engine(after).count(apart, limit)

    def reach(self, after: Site, *, apart: Decision | None = None, progress: Progress | None = None) -> Reach:
        """What differs, with reasons. `progress` hears how far it is, of how much."""
        if self._small(after):
            single = list(self._asked(after, apart))
            people, contents = (_places(self.site.users, after.users), _places(self.site.contents, after.contents))
            count, parts = _counted(single), in_order(together(_parts(self.site, after, single)), people, contents)
        else:
            count, parts = self._by_engine(after).told(self.most, apart, progress)
        return Reach(count, tuple(_confirmed(self.site, after, self.under, parts)))

    def on_each(self, after: Site, capability: str) -> Mapping[str, Sides]:
        """Of each content that differs the people who gain and those who lose one capability; the last is kept."""
        if self._last is None or self._last[0] is not after or self._last[1] != capability:
            self._last = (after, capability, self._on_each(after, capability))
        return self._last[2]

    def _on_each(self, after: Site, capability: str) -> Mapping[str, Sides]:
        if not self._small(after):
            return self._by_engine(after).on_each(capability)
        by_content = defaultdict[str, Sides](lambda: Sides([], []))
        for shift in self._asked(after, None):
            if capability in shift.capabilities:
                by_content[shift.contents[0]][not shift.gained].append(shift.users)
        return by_content

    def differs(self, after: Site) -> bool:
        if after is self.site or after == self.site:
            return False
        return self.count(after, limit=0) is None

    def _small(self, after: Site) -> bool:
        return few(self.site, after, most=self.small)

    def _asked(self, after: Site, apart: Decision | None) -> Iterable[Shift]:
        for one in differences(self.site, after, model=self.under.model, open_points=self.under.open_points):
            gone = apart is not None and apart[1:] == (one.content, one.capability)
            users = tuple(u for u in one.users if u != (apart or ("",))[0]) if gone else one.users
            if users:
                yield Shift(users, (one.content,), (one.capability,), one.gained, one.before, one.after)

    def _by_engine(self, after: Site) -> Compared:
        # Only large Sites need it, and loading it takes longer than answering on a small one.
        from tabwarden.compare.by_engine import Compared
        from tabwarden.compare.columns_after import columns_after
        from tabwarden.engine.convert import columns_of
        from tabwarden.engine.index import Parts

        if self._parts is None:
            self._parts = Parts(columns_of(self.site), *self.under)
        later = columns_after(self.site, self._parts.columns, after)
        return Compared((self.site, after), self._parts, later)


# -- asked one by one -----------------------------------------------------------------------------------------


def _counted(shifts: Iterable[Shift]) -> Count:
    people: dict[bool, set[str]] = {True: set(), False: set()}
    contents: dict[str, tuple[int, int]] = {}
    decisions = unsure = 0
    for shift in shifts:
        decisions += shift.decisions
        if not shift.sure:
            unsure += shift.decisions
            continue
        people[shift.gained].update(shift.users)
        for content in shift.contents:
            gained, lost = contents.get(content, (0, 0))
            number = len(shift.users) * len(shift.capabilities)
            contents[content] = (gained + number, lost) if shift.gained else (gained, lost + number)
    return Count(decisions, frozenset(people[True]), frozenset(people[False]), contents, unsure)


def _places(before: Iterable[str], after: Iterable[str]) -> Callable[[str], int]:
    return {key: place for place, key in enumerate(dict.fromkeys(chain(before, after)))}.__getitem__


def _parts(before: Site, after: Site, shifts: Iterable[Shift]) -> Iterator[Part[str]]:
    for shift in shifts:
        reasons = reason_of(before, shift.before), reason_of(after, shift.after)
        yield Part((shift.gained, *reasons), shift.users, shift.contents, shift.capabilities)


# -- confirmed by the reference -------------------------------------------------------------------------------


def _confirmed(before: Site, after: Site, under: Under, parts: Iterable[Part[str]]) -> Iterator[Shift]:
    """Each part with the reference's Answers for the first of it; they must have the reasons it was put together by."""
    for part in parts:
        first = part.users[0], part.names[0], part.contents[0]
        was, now = (_answer(site, *first, under) for site in (before, after))
        gained = now is not None and now.allowed
        if part.key != (gained, reason_of(before, was), reason_of(after, now)):
            raise RuntimeError(f"engine and reference disagree about {first}: please report it with the snapshot")
        yield Shift(part.users, part.contents, part.names, gained, was, now)


def _answer(site: Site, user: str, capability: str, content: str, under: Under) -> Answer | None:
    if user not in site.users or content not in site.contents:
        return None
    return may(site, user, capability, content, model=under.model, open_points=under.open_points)
