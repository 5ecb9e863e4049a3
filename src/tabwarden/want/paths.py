"""What lies where on a Site: contents by path, and by pattern (`Finance/*` is everything below), as texts name them.

Letter case does not count; contents are numbered as they stand on the Site.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from itertools import takewhile

from tabwarden.model.names import same
from tabwarden.model.site import Site

_SIGN = re.compile(r"[*?\[]")


def has_signs(words: str) -> bool:
    """Whether it may be a pattern: it holds one of `*`, `?`, `[`."""
    return _SIGN.search(words) is not None


class Paths:
    """The paths of one Site in order; `paths` are they where somebody has them already, one a content."""

    def __init__(self, site: Site, paths: Iterable[str] | None = None) -> None:
        self.ids = list(site.contents)
        self.keys = [same(path) for path in (map(site.path, self.ids) if paths is None else paths)]
        self._order = sorted(range(len(self.keys)), key=self.keys.__getitem__)
        self._sorted = [self.keys[number] for number in self._order]

    def at(self, path: str) -> list[int]:
        """Numbers of the contents with exactly this path."""
        key = same(path.strip("/ "))
        return list(takewhile(lambda number: self.keys[number] == key, self._from(key)))

    def is_pattern(self, words: str) -> bool:
        """Whether it is one, and not the path of something that is called so."""
        return has_signs(words) and not self.at(words)

    def fitting(self, pattern: str) -> Iterator[int]:
        """Numbers of the contents whose path fits; the letters before the first sign say where to look."""
        pattern = same(pattern)
        sign = _SIGN.search(pattern)
        letters = pattern[: sign.start()] if sign else pattern
        every = pattern == f"{letters}*"
        return (n for n in self._from(letters) if every or fnmatchcase(self.keys[n], pattern))

    def _from(self, letters: str) -> Iterator[int]:
        """Numbers of the contents whose path begins so, by path."""
        for place in range(bisect_left(self._sorted, letters), len(self._sorted)):
            if not self._sorted[place].startswith(letters):
                return
            yield self._order[place]
