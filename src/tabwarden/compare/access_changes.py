"""People who gain or lose the same on the same things for the same reason, as one value."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product
from typing import NamedTuple

from tabwarden.access.answer import UNKNOWN, Answer
from tabwarden.model.capability import CAPABILITIES
from tabwarden.model.open_points import CURRENT, DOCUMENTED, OpenPoints
from tabwarden.model.site import Site

Decision = tuple[str, str, str]  # user, content, capability
# What decided, but for the capability it was about: the reason code, the project of an owner or leader, the rules as
# grantees and modes, and the site role where that decides. None: the person or the content is not on that Site.
Reason = tuple[str, str | None, tuple[tuple[str, str, str], ...], str | None] | None
_BY_ROLE = ("site_role", "role_unknown", "admin")


class Shift(NamedTuple):
    """Everybody of `users` gains (or loses) each of `capabilities` on each of `contents`, for one reason.

    `before` and `after` are the Answers for the first of each; None where she or the content is not on that Site.
    One of them may be unknown: then nobody can say that anything was gained or lost (`sure`).
    """

    users: tuple[str, ...]
    contents: tuple[str, ...]
    capabilities: tuple[str, ...]
    gained: bool
    before: Answer | None
    after: Answer | None

    @property
    def decisions(self) -> int:
        """How many single answers differ."""
        return len(self.users) * len(self.contents) * len(self.capabilities)

    @property
    def sure(self) -> bool:
        """Whether both answers are known."""
        return all(answer is None or answer.verdict != UNKNOWN for answer in (self.before, self.after))

    def every(self) -> Iterator[Decision]:
        """Each answer that differs."""
        return product(self.users, self.contents, self.capabilities)


def reason_of(site: Site, answer: Answer | None) -> Reason:
    """What decided an Answer, comparable between people, contents and capabilities."""
    if answer is None:
        return None
    rules = tuple(sorted((r.grantee.kind, r.grantee.id, r.mode) for r in answer.deciding))
    role = site.users[answer.user].site_role if answer.because in _BY_ROLE else None
    # Whoever owns several things owns them for one reason.
    at = None if answer.because == "content_owner" else answer.at
    return answer.because, at, rules, role


class Under(NamedTuple):
    """The model and the open points under which Sites are asked."""

    model: str = CURRENT
    open_points: OpenPoints = DOCUMENTED


@dataclass(frozen=True, slots=True)
class Count:
    """How many decisions differ, whose and on what, without their reasons.

    `gained` and `lost` are ids of people, `contents` the decisions on each content: those gained, those lost.
    `unsure` of the decisions are unknown on one of the Sites: nobody can say that they were gained or lost, and they
    are in none of the other three.
    """

    decisions: int = 0
    gained: frozenset[str] = frozenset()
    lost: frozenset[str] = frozenset()
    contents: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    unsure: int = 0

    def others(self, user: str) -> int:
        """How many people but this one are concerned."""
        return len((self.gained | self.lost) - {user})


@dataclass(frozen=True, slots=True)
class Reach:
    """Every decision that differs, with its reasons as far as they are told, in the order of the content."""

    count: Count
    shifts: tuple[Shift, ...]

    @property
    def told(self) -> int:
        """How many decisions the shifts tell of: fewer than there are where nobody could read them all."""
        return sum(shift.decisions for shift in self.shifts)


# -- putting together -----------------------------------------------------------------------------------------


class Part(NamedTuple):
    """Everybody of `users` on each of `contents` each of `names`, under one key: what `together` puts together."""

    key: Hashable
    users: tuple[str, ...]
    contents: tuple[str, ...]
    names: tuple[str, ...]


def together(parts: Iterable[Part]) -> Iterator[Part]:
    """The same in as few parts: under one key, each person's contents by their names, then people who share them.

    Each (user, content, name) is in one part at most. Names stand in the order in which they turn up.
    """
    on_one: dict[tuple[Hashable, str], dict[str, tuple[str, ...]]] = {}
    rank: dict[str, int] = {}
    for part in parts:
        for name in part.names:
            rank.setdefault(name, len(rank))
        for user in part.users:
            mine = on_one.setdefault((part.key, user), {})
            for content in part.contents:
                mine[content] = mine[content] + part.names if content in mine else part.names
    of_all: dict[tuple[Hashable, tuple[str, ...], tuple[str, ...]], list[str]] = {}
    for (key, user), mine in on_one.items():
        by_names: dict[tuple[str, ...], list[str]] = {}
        for content, names in mine.items():
            by_names.setdefault(names, []).append(content)
        sorted_names: dict[tuple[str, ...], list[str]] = {}
        for names, contents in by_names.items():
            sorted_names.setdefault(tuple(sorted(names, key=rank.__getitem__)), []).extend(contents)
        for names, contents in sorted_names.items():
            of_all.setdefault((key, tuple(sorted(contents)), names), []).append(user)
    for (key, contents_, names), users in of_all.items():
        yield Part(key, tuple(users), contents_, names)


_PLACE = {name: place for place, name in enumerate(CAPABILITIES)}


def in_order(parts: Iterable[Part], people: Mapping[str, int], contents: Mapping[str, int]) -> list[Part]:
    """Parts of capabilities with everything in its order, and themselves by the first of each; places by id."""

    def place(name: str) -> tuple[int, str]:
        return _PLACE.get(name, len(_PLACE)), name

    ordered = [
        Part(
            part.key,
            tuple(sorted(part.users, key=people.__getitem__)),
            tuple(sorted(part.contents, key=contents.__getitem__)),
            tuple(sorted(part.names, key=place)),
        )
        for part in parts
    ]
    return sorted(
        ordered, key=lambda p: (contents[p.contents[0]], place(p.names[0]), people[p.users[0]], p.names, repr(p.key))
    )
