"""Two people of one Site side by side: what the one may and the other not."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, Protocol


class Reached(Protocol):
    """A content that somebody may View, and all that she may there (REST names)."""

    @property
    def content(self) -> str:
        """The id."""

    @property
    def kind(self) -> str:
        """What it is."""

    @property
    def path(self) -> str:
        """As a person writes it."""

    @property
    def allowed(self) -> tuple[str, ...]:
        """The capabilities."""


class Beside(NamedTuple):
    """A content on which two people may not do the same: what only the one may (`more`), what only the other."""

    content: str
    kind: str
    path: str
    more: tuple[str, ...]
    less: tuple[str, ...]


def side_by_side(one: Iterable[Reached], other: Iterable[Reached]) -> list[Beside]:
    """The contents on which they differ, in order of path, by what each of them reaches."""
    mine, theirs = ({row.content: row for row in rows} for rows in (one, other))
    both = ((mine.get(content), theirs.get(content)) for content in {**mine, **theirs})
    rows = (_beside(*pair) for pair in both)
    return sorted((row for row in rows if row.more or row.less), key=lambda row: (row.path.casefold(), row.content))


def _beside(one: Reached | None, other: Reached | None) -> Beside:
    row = one or other
    assert row is not None
    mine, theirs = (() if side is None else side.allowed for side in (one, other))
    more, less = (tuple(n for n in a if n not in b) for a, b in ((mine, theirs), (theirs, mine)))
    return Beside(row.content, row.kind, row.path, more, less)
