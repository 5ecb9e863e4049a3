"""People who gain or lose the same on the same things for the same reason, as one value."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Generic, NamedTuple, TypeVar

from tabwarden.access.answer import UNKNOWN, Answer
from tabwarden.model.capability import CAPABILITIES, ui_name
from tabwarden.model.open_points import CURRENT, DOCUMENTED, OpenPoints
from tabwarden.model.site import Site
from tabwarden.model.tables import grouped

Decision = tuple[str, str, str]  # user, content, capability
# What decided, but for the capability it was about: the reason code, the project of an owner or leader, the rules as
# grantees and modes, and the site role where that decides. None: the person or the content is not on that Site.
Reason = tuple[str, str | None, tuple[tuple[str, str, str], ...], str | None] | None
_Id = TypeVar("_Id", str, int)
Places = Callable[[_Id], int]
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
    # Whoever owns or leads several things themselves does so for one reason.
    at = None if answer.because == "content_owner" or answer.at == answer.content else answer.at
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


class Sides(NamedTuple):
    """Who gains and who loses something on one content: ids in parts, each of which many contents share."""

    gained: list[Sequence[str]]
    lost: list[Sequence[str]]


@dataclass(frozen=True, slots=True)
class Reach:
    """Every decision that differs, with its reasons as far as they are told, in the order of the content."""

    count: Count
    shifts: tuple[Shift, ...]

    @property
    def told(self) -> int:
        """How many decisions the shifts tell of: fewer than there are where nobody could read them all."""
        return sum(shift.decisions for shift in self.shifts)


def by_names(shift: Shift, key: Hashable, kind_of: Callable[[str], str]) -> Iterator[Part[str]]:
    """The shift with the names that people know its capabilities by; one has another name on some kinds."""
    contents_by_names: dict[tuple[str, ...], list[str]] = {}
    for content in shift.contents:
        kind = kind_of(content)
        names = tuple(dict.fromkeys(ui_name(capability, kind) for capability in shift.capabilities))
        contents_by_names.setdefault(names, []).append(content)
    for names, contents in contents_by_names.items():
        yield Part(key, shift.users, tuple(contents), names)


# -- putting together -----------------------------------------------------------------------------------------


class Part(NamedTuple, Generic[_Id]):
    """Everybody of `users` on each of `contents` each of `names`, under one key: what `together` puts together.

    People and contents are ids, or numbers of them.
    """

    key: Hashable
    users: tuple[_Id, ...]
    contents: tuple[_Id, ...]
    names: tuple[str, ...]


def together(parts: Iterable[Part[_Id]]) -> Iterator[Part[_Id]]:
    """The same in as few parts: under one key, each person's contents by their names, then people who share them.

    Each (user, content, name) is in one part at most. Names stand in the order in which they turn up.
    """
    rank: dict[str, int] = {}
    by_key: dict[Hashable, list[Part[_Id]]] = {}
    for part in parts:
        by_key.setdefault(part.key, []).append(part)
        for name in part.names:
            rank.setdefault(name, len(rank))
    for key, alike in by_key.items():
        users: dict[tuple[tuple[_Id, ...], tuple[str, ...]], list[_Id]] = {}
        for some, theirs in _by_their_parts(alike):
            for names, contents in _by_names(theirs, rank).items():
                users.setdefault((tuple(sorted(contents)), names), []).extend(some)
        for (contents_, names), some in users.items():
            yield Part(key, tuple(some), contents_, names)


def _by_their_parts(parts: Sequence[Part[_Id]]) -> Iterator[tuple[list[_Id], list[Part[_Id]]]]:
    """People by the parts they are in: whatever one of them has, all have."""
    by_people = grouped((part.users, part) for part in parts)
    numbers = grouped((user, number) for number, people in enumerate(by_people) for user in people)
    alike = grouped((tuple(mine), user) for user, mine in numbers.items())
    groups = list(by_people.values())
    for mine_, users in alike.items():
        yield users, [part for number in mine_ for part in groups[number]]


def _by_names(parts: Sequence[Part[_Id]], rank: Mapping[str, int]) -> dict[tuple[str, ...], list[_Id]]:
    """The contents of one person's parts by all the names on each."""
    on_content: dict[_Id, tuple[str, ...]] = {}
    for part in parts:
        for content in part.contents:
            on_content[content] = on_content[content] + part.names if content in on_content else part.names
    contents = grouped((names, content) for content, names in on_content.items())
    sorted_names: dict[tuple[str, ...], list[_Id]] = {}
    for names, some in contents.items():
        sorted_names.setdefault(tuple(sorted(names, key=rank.__getitem__)), []).extend(some)
    return sorted_names


_PLACE = {name: place for place, name in enumerate(CAPABILITIES)}


def in_order(parts: Iterable[Part[_Id]], people: Places[_Id], contents: Places[_Id]) -> list[Part[_Id]]:
    """Parts of capabilities with everything in its order, and themselves by the first of each; places by id."""

    def place(name: str) -> tuple[int, str]:
        return _PLACE.get(name, len(_PLACE)), name

    ordered = [
        Part(
            part.key,
            tuple(sorted(part.users, key=people)),
            tuple(sorted(part.contents, key=contents)),
            tuple(sorted(part.names, key=place)),
        )
        for part in parts
    ]
    return sorted(
        ordered, key=lambda p: (contents(p.contents[0]), place(p.names[0]), people(p.users[0]), p.names, repr(p.key))
    )
