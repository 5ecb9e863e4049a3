"""What a list of changes would do to people: the Site after it, what Tableau would refuse, who gains and loses what."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import reduce
from itertools import chain
from typing import NamedTuple

from tabwarden.compare.access_changes import Reach, Shift, Under
from tabwarden.compare.between_sites import Base, Progress
from tabwarden.effects.change import Change
from tabwarden.effects.ref import Lookup
from tabwarden.effects.sentences import Sentence, change_of, words_of
from tabwarden.model.errors import AmbiguousName, UnknownName
from tabwarden.model.open_points import CURRENT, DOCUMENTED, OpenPoints, watched
from tabwarden.model.roles import licence_of
from tabwarden.model.site import Site

MOST_PROBLEMS = 100  # of a file of changes, each with the names nearest to what was meant


class SetChange(NamedTuple):
    """A group set (id) that a deleted group was in, and the users who are in it now and were not before."""

    group_set: str
    joined: tuple[str, ...]


class Tried(NamedTuple):
    """One change in its words; `because` is the reason code, of a refusal where it was not `done`.

    `sets` are the group sets it shrank by deleting a group.
    """

    words: str
    change: Change
    done: bool
    because: str
    sets: tuple[SetChange, ...] = ()


@dataclass(frozen=True, slots=True)
class WhatIf:
    """Before, after, what was tried in order, and every decision that differs.

    `looked_at` are the open points on which doing the changes hung: no other makes them come out otherwise.
    """

    before: Site
    after: Site
    tried: tuple[Tried, ...]
    reach: Reach
    open_points: OpenPoints = DOCUMENTED
    looked_at: frozenset[str] = frozenset()

    @property
    def changes(self) -> tuple[Change, ...]:
        """What a plan writes for those that were done (`plan.build`)."""
        return written(self.before, [tried.change for tried in self.tried if tried.done], self.open_points)

    def after_with(self, open_points: OpenPoints) -> Site:
        """The Site after the same changes where open points are answered otherwise."""
        return reduce(lambda site, tried: tried.change.done_to(site, open_points).site, self.tried, self.before)

    @property
    def shifts(self) -> tuple[Shift, ...]:
        """What differs, with the reasons."""
        return self.reach.shifts

    @property
    def licences(self) -> Mapping[str, int]:
        """Seats more (or fewer, below zero) by tier."""
        if self.after.users is self.before.users:
            return {}
        count: Counter[str] = Counter(filter(None, (licence_of(u.site_role) for u in self.after.users.values())))
        count.subtract(filter(None, (licence_of(u.site_role) for u in self.before.users.values())))
        return {tier: number for tier, number in sorted(count.items()) if number}


def what_if(
    site: Site,
    sentences: Iterable[str],
    *,
    model: str = CURRENT,
    open_points: OpenPoints = DOCUMENTED,
    progress: Progress | None = None,
) -> WhatIf:
    """Do the changes in order on a copy; each may name what the ones before it made.

    A refused change changes nothing and the rest goes on (a refused removal of an owner still takes his licence).
    Raises UnknownName with every sentence that is not understood. `progress` hears how far the comparison is.
    """
    watching, looked_at = watched(open_points)
    after, tried = done(site, sentences, watching)
    reach = Base(site, Under(model, open_points)).reach(after, progress=progress)
    return WhatIf(site, after, tried, reach, open_points, frozenset(looked_at))


def done(site: Site, sentences: Iterable[str], open_points: OpenPoints = DOCUMENTED) -> tuple[Site, tuple[Tried, ...]]:
    """The Site after the changes, and how each went; as `what_if`, without asking what it does to people."""
    tried: list[Tried] = []
    problems: list[str] = []
    for words in sentences:
        try:
            change = change_of(site, words)
        except (UnknownName, AmbiguousName) as error:
            first, *more = error.lines
            if len(problems) >= MOST_PROBLEMS:
                raise UnknownName(*problems, "mend these first; what follows them was not looked at") from None
            place = f"{words.where}: " if isinstance(words, Sentence) else ""
            problems += [place + (first if first.startswith(f"`{words}`") else f"`{words}`: {first}"), *more]
            continue
        outcome = change.done_to(site, open_points)
        sets = _sets_that_change(site, outcome.site) if outcome.done else ()
        site = outcome.site
        tried.append(Tried(str(words), change, outcome.done, outcome.because, sets))
    if problems:
        raise UnknownName(*problems)
    return site, tuple(tried)


def written(site: Site, changes: Iterable[Change], open_points: OpenPoints = DOCUMENTED) -> tuple[Change, ...]:
    """What a plan writes for changes that are tried: each on the Site that the ones before it left."""
    return tuple(chain.from_iterable(steps_of(site, changes, open_points)))


def steps_of(
    site: Site, changes: Iterable[Change], open_points: OpenPoints = DOCUMENTED
) -> Iterator[tuple[Change, ...]]:
    """Of each change what a plan writes for it: nothing where it is so already."""
    for change in changes:
        lookup, because = Lookup(site), words_of(site, change)
        yield tuple(step.but(because=because) for step in change.steps(site) if step.is_true(lookup) is None)
        site = change.done_to(site, open_points).site


def _sets_that_change(before: Site, after: Site) -> tuple[SetChange, ...]:
    """The group sets that a deleted group was in: whoever is in the rest of their groups may come in."""
    changes: list[SetChange] = []
    if before.groups is after.groups:
        return ()
    for group_set in before.group_sets.values():
        if any(group in before.groups and group not in after.groups for group in group_set.groups):
            members = [u for u in after.users if group_set.id in after.group_sets_of(u)]
            more = tuple(u for u in members if group_set.id not in before.group_sets_of(u))
            changes.append(SetChange(group_set.id, more))
    return tuple(changes)
