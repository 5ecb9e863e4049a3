"""What a list of changes would do to people: the Site after it, what Tableau would refuse, who gains and loses what.

Nothing is written. It equals evaluating the changed Site, and a test says so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from tabwarden.change.edits import Edit
from tabwarden.change.reach import Shift, shifts
from tabwarden.change.words import edit_of
from tabwarden.model.errors import AmbiguousName, UnknownName
from tabwarden.model.roles import licence_of
from tabwarden.model.site import Site
from tabwarden.model.switches import CURRENT, DOCUMENTED, Switches


class Tried(NamedTuple):
    """One change in its words; `because` is the reason code, of a refusal where it was not `done`."""

    words: str
    edit: Edit
    done: bool
    because: str


@dataclass(frozen=True, slots=True)
class WhatIf:
    """Before, after, what was tried in order, and every decision that differs."""

    before: Site
    after: Site
    tried: tuple[Tried, ...]
    shifts: tuple[Shift, ...]

    @property
    def licences(self) -> Mapping[str, int]:
        """Seats more (or fewer, below zero) by tier."""
        count: Counter[str] = Counter(filter(None, (licence_of(u.site_role) for u in self.after.users.values())))
        count.subtract(filter(None, (licence_of(u.site_role) for u in self.before.users.values())))
        return {tier: number for tier, number in sorted(count.items()) if number}


def what_if(site: Site, sentences: Iterable[str], *, model: str = CURRENT, switches: Switches = DOCUMENTED) -> WhatIf:
    """Do the changes in order on a copy; each may name what the ones before it made.

    A refused change changes nothing and the rest goes on (a refused removal of an owner still takes his licence).
    Raises UnknownName with every sentence that is not understood.
    """
    here, tried = done(site, sentences, switches)
    return WhatIf(site, here, tried, tuple(shifts(site, here, model=model, switches=switches)))


def done(site: Site, sentences: Iterable[str], switches: Switches = DOCUMENTED) -> tuple[Site, tuple[Tried, ...]]:
    """The Site after the changes, and how each went; as `what_if`, without asking what it does to people."""
    tried, problems = [], []
    for words in sentences:
        try:
            edit = edit_of(site, words)
        except (UnknownName, AmbiguousName) as error:
            problems.append(f"`{words}`: {error}" if not str(error).startswith(f"`{words}`") else str(error))
            continue
        outcome = edit.done_to(site, switches)
        site = outcome.site
        tried.append(Tried(words, edit, outcome.done, outcome.because))
    if problems:
        raise UnknownName("\n".join(problems))
    return site, tuple(tried)
