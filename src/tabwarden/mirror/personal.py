"""The catalog as one person sees it, level by level: what is in it, what hangs on what, and what a search finds.

The same as `browse` shows of a published mirror, of one person and without its tables. Whatever is asked of a
`Personal` is answered out of what she sees alone, so that neither words nor work tell of the rest.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from heapq import merge

import numpy as np

from tabwarden.engine.columns import Array, Columns, Words
from tabwarden.mirror.rows import KINDS, SITE, Row
from tabwarden.mirror.visible import chosen_of
from tabwarden.model.names import same

HIDDEN = -2
MOST_FOUND = 500  # what a search lists
_COUNTED = 5  # words of a search that are counted in all names, to begin with the rarest
_RUN = 1 << 13  # names sorted at a time: meanwhile no other thread answers anything
_END = "\n"  # of a name among names; within one it counts as a blank


@dataclass(frozen=True, eq=False)
class Browsable:
    """What a catalog can show of a site at all (`chosen`, a bool a content), in the order in which it is listed."""

    columns: Columns
    chosen: Array

    @staticmethod
    def of(columns: Columns, projects: Sequence[str] = ()) -> Browsable:
        """Of these projects by path or id, else of all; one that is gone shows nothing. AmbiguousName."""
        return Browsable(columns, chosen_of(columns, tuple(projects) or None)[0])

    @property
    def site(self) -> int:
        """The number that stands for the site itself: the one after the last content."""
        return len(self.chosen)

    @cached_property
    def _names(self) -> tuple[Array, list[str]]:
        """Of each content the place of its name among the names, and these as they are compared."""
        codes, places = np.unique(self.columns.names.content_name, return_inverse=True)
        return places, [same(name) for name in self.columns.names.words.at(codes).all()]

    @cached_property
    def order(self) -> Array:
        """The contents that can be shown: projects first, then by name."""
        places, names = self._names
        rank = np.empty(len(names), np.int64)
        runs = (range(start, min(start + _RUN, len(names))) for start in range(0, len(names), _RUN))
        sorted_runs = (sorted(run, key=names.__getitem__) for run in runs)
        rank[list(merge(*sorted_runs, key=names.__getitem__))] = np.arange(len(names))
        kinds = self.columns.vocabulary.kinds
        of_kind = np.array([KINDS.index(kind) if kind in KINDS else len(KINDS) for kind in kinds] or [0])
        contents = np.flatnonzero(self.chosen)
        ordered: Array = contents[np.lexsort((rank[places[contents]], of_kind[self.columns.contents.kind[contents]]))]
        return ordered

    @cached_property
    def texts(self) -> tuple[Array, Words]:
        """Of each content the text it is found by, of these."""
        places, names = self._names
        return places, Words.of(name.replace(_END, " ") + _END for name in names)

    def number(self, content: str) -> int | None:
        """The number of an id; None for one that is not there."""
        try:
            number = self.columns.number("content", content)
        except KeyError:
            return None
        return number if number < self.site else None

    def seen_by(self, may_view: Array | None, *, enters: bool = True) -> Personal:
        """The catalog of whoever may View this (a bool a content; None: nothing is enforced).

        Who may not enter the site sees nothing.
        """
        seen = self.chosen if may_view is None else self.chosen & may_view
        seen = seen if enters else np.zeros_like(seen)
        return Personal(self, _holders(self.columns.contents.parent, seen), enters=enters)


def _holders(parent: Array, seen: Array) -> Array:
    """What each content that is seen hangs on: the nearest above that is seen, in the end the site; HIDDEN else."""
    site = len(seen)
    above = np.append(np.where((parent >= 0) & (parent < site), parent, site), site)
    met, contents = np.append(seen, True), np.flatnonzero(seen)
    at = above[contents]
    for _ in range(site):
        hidden = np.flatnonzero(~met[at])
        if not len(hidden):
            break
        at[hidden] = above[at[hidden]]
    at[~met[at]] = site  # a circle, in a damaged snapshot
    holder = np.full(site, HIDDEN, np.int32)
    holder[contents] = at
    return holder


@dataclass(frozen=True, eq=False)
class Personal:
    """One person's catalog; contents are numbers of the columns, the site is the one after the last."""

    of: Browsable
    holder: Array
    enters: bool

    def sees(self, number: int | None) -> bool:
        """Whether she sees a content of that number."""
        return number is not None and int(self.holder[number]) != HIDDEN

    @cached_property
    def contents(self) -> Array:
        """All that she sees, in the order in which it is listed."""
        order = self.of.order
        listed: Array = order[self.holder[order] != HIDDEN].astype(np.int32)
        return listed

    def children(self, number: int) -> Array:
        """What hangs on a content, or on the site."""
        hanging: Array = self.contents[self.holder[self.contents] == number]
        return hanging

    def trail(self, number: int) -> list[int]:
        """What lies above a content she sees, from the top."""
        above: list[int] = []
        at = int(self.holder[number])
        while at != self.of.site and at not in above:
            above.append(at)
            at = int(self.holder[at])
        return above[::-1]

    def rows(self, source: str, person: str) -> Iterator[Row]:
        """Her rows of `access`, as a mirror has them of a source."""
        columns, site = self.of.columns, self.of.columns.about
        if self.enters:
            yield source, person, site.id, SITE, site.name, ""
        ids = [*columns.all_ids("content")[: self.of.site], site.id]
        names = columns.names.words.at(columns.names.content_name).all()
        for number in self.contents.tolist():
            kind = columns.vocabulary.kinds[columns.contents.kind[number]]
            yield source, person, ids[number], kind, names[number], ids[self.holder[number]]

    @cached_property
    def _names(self) -> tuple[bytes, Array]:
        """The names of all that she sees behind each other, and where each ends."""
        places, texts = self.of.texts
        names = texts.at(places[self.contents])
        return names.data.tobytes(), names.ends

    def found(self, words: str) -> list[int]:
        """The contents whose names hold every one of some words, letter case aside; at most `MOST_FOUND` of them."""
        names, ends = self._names
        wanted = list(dict.fromkeys(same(word).encode("utf-8", "surrogatepass") for word in words.split()))
        if not wanted:
            return []
        first = min(wanted[:_COUNTED], key=names.count)
        others = [word for word in wanted if word != first]
        places: list[int] = []
        at = names.find(first)
        while at >= 0 and len(places) < MOST_FOUND:
            place = bisect_right(ends, at)
            start, end = int(ends[place - 1]) if place else 0, int(ends[place])
            if all(names.find(word, start, end) >= 0 for word in others):
                places.append(place)
            at = names.find(first, end)
        return self.contents[places].tolist() if places else []

    @property
    def size(self) -> int:
        """About how many octets of memory it takes."""
        return self.holder.nbytes + 45 * len(self.contents)
