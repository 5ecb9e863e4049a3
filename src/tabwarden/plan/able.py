"""Who is able to do something on many contents: of people who are alike to it one is asked, of the reference.

What it answers has the form of `engine.mirror.Among`, which tells the same of a capability.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property
from random import Random
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from tabwarden.access.abilities import speaking
from tabwarden.access.abilities.ability import ANY_TARGET, can
from tabwarden.access.abilities.question import Answers
from tabwarden.access.answer import ALLOWED, DENIED, UNKNOWN, Verdict
from tabwarden.access.few import FEW
from tabwarden.model.errors import Disagreement
from tabwarden.model.site import Site

if TYPE_CHECKING:
    from tabwarden.engine.columns import Array
    from tabwarden.engine.engine import Engine

MOST_REMEMBERED = 128  # contents of which everybody's answers are at hand
MOST_ANSWERS = 50_000  # of the reference that are at hand


class Verdicts(NamedTuple):
    """Of one content who is able, and of whom nobody knows, as packed rows."""

    able: Array
    unknown: Array

    def verdict(self, user: int) -> Verdict:
        word, bit = user >> 6, np.uint64(1) << np.uint64(user & 63)
        return ALLOWED if self.able[word] & bit else UNKNOWN if self.unknown[word] & bit else DENIED


class Able:
    """The abilities of one Site's people; what was asked is remembered. `step` is called for each content."""

    def __init__(self, site: Site, engine: Engine) -> None:
        self.site, self.engine, self.columns, self.people = site, engine, engine.columns, engine.parts.people
        self.step: Callable[[], None] = lambda: None
        self._rows: dict[tuple[str, bytes, bytes], list[Verdicts]] = {}
        self._known: dict[str, Array] = {}
        self._answers_of_reference: Answers = {}

    def among(self, ability: str, contents: Array, users: Array, *, owners: bool = True) -> AbleAmong:
        """Who of some users is able on some contents; without `owners` nobody on what is his own.

        Disagreement where people who look alike are not.
        """
        key = (ability, contents.tobytes(), users.tobytes())
        if key not in self._rows:
            alone = [users[i : i + 1] for i in range(len(users))] if len(users) * len(contents) <= FEW else None
            ids = self.columns.ids("content")
            self._rows[key] = [self._row(ability, ids[content], users, alone) for content in contents.tolist()]
            if alone is None:
                self._confirm(ability, contents, users, self._rows[key])
        return AbleAmong(self, contents, self._rows[key], owners=owners)

    def _row(self, ability: str, content: str, users: Array, alone: list[Array] | None) -> Verdicts:
        able, unknown = np.zeros(self.people.count, bool), np.zeros(self.people.count, bool)
        among = np.zeros(self.people.count, bool)
        among[users] = True
        for alike in alone or self._people_alike(ability, content):
            some = alike[among[alike]]
            if len(some):
                verdict = self._verdict(self.columns.id_of("user", int(some[0])), ability, content)
                able[some], unknown[some] = verdict == ALLOWED, verdict == UNKNOWN
        self.step()
        return Verdicts(*(self.people.pack(np.flatnonzero(flags)) for flags in (able, unknown)))

    def _verdict(self, user: str, ability: str, content: str) -> Verdict:
        """What the reference says; what it was asked for it is remembered, as which projects take something of her."""
        if len(self._answers_of_reference) > MOST_ANSWERS:
            self._answers_of_reference.clear()
        return can(self.site, user, ability, content, answers=self._answers_of_reference).verdict

    def _people_alike(self, ability: str, content: str) -> list[Array]:
        """Everybody by role, answers, power and ownership on all that the ability looks at; numbers rising."""
        codes = self.columns.users.role.astype(np.int64)
        for key in dict.fromkeys(speaking.looked_at(self.site, content)):
            codes = _both(codes, self._answers(key))
        if ability in ANY_TARGET:
            codes = _both(codes, self._on_projects)
        order = np.argsort(codes, kind="stable")
        return np.split(order, np.flatnonzero(np.diff(codes[order])) + 1)

    def _answers(self, content: str) -> Array:
        """Of each user a number: the same where all answers on a content, the power over it and owning it are."""
        if content not in self._known:
            if len(self._known) == MOST_REMEMBERED:
                del self._known[next(iter(self._known))]
            self._known[content] = self._asked(self.columns.content_numbers[content])
        return self._known[content]

    def _asked(self, content: int) -> Array:
        powers = self.engine.parts.powers
        codes = (np.arange(self.people.count) == self.columns.contents.owner[content]).astype(np.int64)
        row = int(powers.row[content])
        for rows in (powers.rows, powers.perhaps_rows) if row >= 0 else ():
            codes = codes * 2 + (0 if rows is None else self._flags(rows[row]))
        for number, capability in enumerate(self.engine.capabilities, 1):
            codes = codes * 3 + self.engine.verdicts(capability, content)
            codes = codes if number % 30 else np.unique(codes, return_inverse=True)[1].astype(np.int64)
        return np.asarray(np.unique(codes, return_inverse=True)[1].astype(np.int64))

    def _flags(self, row: Array) -> Array:
        flags = np.zeros(self.people.count, np.int64)
        flags[self.people.ids(row)] = 1
        return flags

    @cached_property
    def _on_projects(self) -> Array:
        """The same of all projects together."""
        codes = np.zeros(self.people.count, np.int64)
        for content in np.flatnonzero(self.engine.parts.powers.row >= 0).tolist():
            codes = _both(codes, self._asked(content))
        return codes

    def _confirm(self, ability: str, contents: Array, users: Array, rows: list[Verdicts]) -> None:
        """The reference itself is asked about some at random."""
        random = Random(f"{self.site.taken.when} {ability}")
        for _ in range(FEW):
            place, user = random.randrange(len(contents)), int(random.choice(users))
            content, person = self.columns.id_of("content", int(contents[place])), self.columns.id_of("user", user)
            if self._verdict(person, ability, content) != rows[place].verdict(user):
                raise Disagreement(
                    f"people who look alike are not, about `{ability}` of user `{person}` on content `{content}`; "
                    "nothing of this is told, please report it with the snapshot"
                )


def _both(one: Array, other: Array) -> Array:
    """A number that is the same where both are."""
    return np.asarray(np.unique(one * (int(other.max(initial=0)) + 1) + other, return_inverse=True)[1].astype(np.int64))


class AbleAmong:
    """Who of some users is able on `contents`."""

    def __init__(self, able: Able, contents: Array, rows: list[Verdicts], *, owners: bool) -> None:
        self.able, self.contents, self.rows, self.owners = able, contents.tolist(), rows, owners

    def by_content(self) -> Iterator[tuple[int, Array]]:
        """Each content where one of them is, with those who are."""
        for content, row in zip(self.contents, self.rows, strict=True):
            who = self.able.people.ids(row.able)
            who = who if self.owners else who[who != self._owner(content)]
            if len(who):
                yield content, who

    @cached_property
    def count(self) -> int:
        """How many pairs."""
        return sum(len(who) for _, who in self.by_content())

    def _owner(self, content: int) -> int:
        """The number of the owner, of a view of its workbook's."""
        site = self.able.site
        thing = site.contents[self.able.columns.id_of("content", content)]
        owned = site.contents.get(thing.parent or "", thing) if thing.kind == "view" else thing
        return self.able.columns.user_numbers.get(owned.owner, -1)

    def places(self) -> dict[int, int]:
        """Of each of them who is able anywhere there the first content."""
        places: dict[int, int] = {}
        for content, who in self.by_content():
            for user in who.tolist():
                places.setdefault(user, content)
        return places

    def unknown(self) -> int:
        """Of how many pairs nobody knows."""
        return sum(int(np.bitwise_count(row.unknown).sum()) for row in self.rows)
