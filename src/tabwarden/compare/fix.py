"""The smallest changes that would give, or take, one access, ranked by what else they would change for people.

Every proposal was done to the Site and the question asked again.

The fewest edits win. Of as many, what gives access stands as people should do it: joining a group that has it, a rule
for a group she is in, a rule for her, everything else, and what All Users would get last (best practices of
"Permissions": rules for groups, All Users empty). Then comes what changes the fewest other decisions (person x content
x capability), then the fewest other people, then what is easiest to take back.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from tabwarden.access.answer import ALLOWED, DENIED, UNKNOWN, Answer
from tabwarden.access.question import Asked
from tabwarden.compare.access_changes import Decision, Reach, Shift, Under
from tabwarden.compare.between_sites import Base, Progress
from tabwarden.compare.fix_candidates import edits_for, edits_for_ability, manner
from tabwarden.compare.what_if import written
from tabwarden.effects.change import Change
from tabwarden.model.site import Site

AT_MOST, DEEPEST = 3, 3
# Partial fixes that are tried further; the conditions of an ability multiply.
_WIDEST = 400


class Fix(NamedTuple):
    """Edits in order, the Answer after them, and every other decision that changes, the asked one apart."""

    edits: tuple[Change, ...]
    answer: Answer
    reach: Reach

    def changes(self, site: Site) -> tuple[Change, ...]:
        """What a plan writes for it on the Site that was asked about (`plan.build`)."""
        return written(site, self.edits)

    @property
    def decisions(self) -> int:
        """How many other decisions change."""
        return self.reach.count.decisions

    @property
    def shifts(self) -> tuple[Shift, ...]:
        """The other decisions with their reasons."""
        return self.reach.shifts


@dataclass(frozen=True, slots=True)
class Fixes:
    """What is so now, whether access was to be given, and at most three ways, best first."""

    question: Asked
    now: Answer
    give: bool
    ways: tuple[Fix, ...]


def fixes(site: Site, question: Asked, *, deepest: int = DEEPEST, progress: Progress | None = None) -> Fixes:
    """The smallest changes that turn the Answer: a no into a yes, a yes into a no.

    An unknown Answer has none: what decides was not read. Neither has what the kind does not have.
    `progress` hears how many of the ways found were weighed.
    """
    now = question.of(site)
    give = now.verdict != ALLOWED
    if now.verdict == UNKNOWN:
        return Fixes(question, now, give, ())
    wanted = ALLOWED if give else DENIED
    partials = _smallest(site, question, wanted, deepest)
    return Fixes(question, now, give, tuple(_ranked(site, question, partials, progress)))


class _Partial(NamedTuple):
    edits: tuple[Change, ...]
    site: Site
    answer: Answer


def _smallest(site: Site, question: Asked, wanted: str, deepest: int) -> list[_Partial]:
    """All sequences of the fewest relevant edits that reach the verdict; the order of edits does not count."""
    frontier = [_Partial((), site, question.of(site))]
    for _ in range(deepest):
        seen: set[frozenset[Change]] = set()
        reached: list[_Partial] = []
        onward: list[_Partial] = []
        for partial in frontier:
            for further in _further(partial, question, seen, give=wanted == ALLOWED):
                (reached if further.answer.verdict == wanted else onward).append(further)
        if reached:
            return reached
        frontier = sorted(onward, key=lambda p: _effort(p.edits))[:_WIDEST]
    return []


def _further(partial: _Partial, question: Asked, seen: set[frozenset[Change]], *, give: bool) -> Iterator[_Partial]:
    relevant = edits_for_ability if question.ability else edits_for
    for edit in relevant(partial.site, partial.answer, give=give, open_points=question.open_points):
        key = frozenset((*partial.edits, edit))
        if len(key) == len(partial.edits) or key in seen:
            continue
        seen.add(key)
        outcome = edit.done_to(partial.site, question.open_points)
        if outcome.done:
            yield _Partial((*partial.edits, edit), outcome.site, question.of(outcome.site))


_Place = tuple[int, int, int, int, str]


def _effort(edits: Iterable[Change]) -> int:
    return sum(edit.effort for edit in edits)


class _Way(NamedTuple):
    """A way with its place among the others."""

    place: _Place
    partial: _Partial


def _ranked(site: Site, question: Asked, partials: list[_Partial], progress: Progress | None) -> Iterator[Fix]:
    """The best three, of ways that differ in the role alone the best. Counting stops where a way is worse than them."""
    base, apart = Base(site, Under(question.model, question.open_points)), asked_decision(question)
    give = any(partial.answer.verdict == ALLOWED for partial in partials)
    ordered = [(manner(site, p.edits, p.answer, give=give), _effort(p.edits), p) for p in partials]
    best: list[_Way] = []
    for done, (rank, effort, partial) in enumerate(sorted(ordered, key=lambda way: way[:2]), 1):
        worst = best[-1].place if len(best) == AT_MOST else None
        if worst is not None and worst[0] < rank:
            break
        limit = worst[1] if worst is not None else None
        count = base.count(partial.site, apart=apart, limit=limit)
        if progress is not None:
            progress(done, len(partials))
        if count is None:
            continue
        place = (rank, count.decisions, count.others(question.user), effort, repr(partial.edits))
        best = _unlike(sorted([*best, _Way(place, partial)], key=lambda way: way.place))[:AT_MOST]
    for _, partial in best:
        yield Fix(partial.edits, partial.answer, base.reach(partial.site, apart=apart))


def asked_decision(question: Asked) -> Decision | None:
    """The decision a fix is about, which is no side effect; None for an ability, which is none of them."""
    return None if question.ability or question.content is None else (question.user, question.content, question.what)


def _unlike(ways: list[_Way]) -> list[_Way]:
    """Without those that are another's but for the site role they give; the better one comes first."""
    shapes: set[frozenset[object]] = set()
    chosen = []
    for way in ways:
        shape = frozenset(edit.shape for edit in way.partial.edits)
        if shape not in shapes:
            shapes.add(shape)
            chosen.append(way)
    return chosen
