"""The changes of a plan that Tableau will take: what it would refuse for a reason that is known is held instead.

Each change is asked on the Site as the changes before it leave it, so the same facts decide here as at the server.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from tabwarden.effects.change import Change, Refusal
from tabwarden.effects.draft import Draft
from tabwarden.model.names import is_writable, some
from tabwarden.model.site import Site
from tabwarden.model.takes import SiteTakes
from tabwarden.plan.stops import Guarded
from tabwarden.want.provision import is_protected
from tabwarden.want.wanted import Held


class Taken(NamedTuple):
    """The changes that can be done, the Site after them, who is held instead, and remarks."""

    changes: tuple[Change, ...]
    end: Site
    held: tuple[Held, ...] = ()
    notes: tuple[str, ...] = ()


def taken(now: Site, changes: Sequence[Change], takes: SiteTakes, guarded: Guarded) -> Taken:
    """`changes` without those that would be refused and what waits for them, as applying skips it.

    What is asked of the `guarded` stays: a lock-out stop says no to all of it.
    """
    fitted = [change.fitting(takes) for change in changes]
    fitting = [change for change in fitted if change is not None]
    judging = _Judging(now, fitting, takes, guarded)
    while judging.goes_on():
        pass
    notes = (_not_set(changes, fitted),) if fitted != list(changes) else ()
    held = tuple(dict.fromkeys(judging.held.values()))
    left = (change for position, change in enumerate(fitting) if position not in judging.without)
    return Taken(tuple(left), judging.draft.site(), held, notes)


def _not_set(changes: Sequence[Change], fitted: Sequence[Change | None]) -> str:
    names = [one.person for one, fits in zip(changes, fitted, strict=True) if one != fits]
    return (
        "on Tableau Cloud people set their display name and e-mail address themselves, and nobody else: those that "
        f"are told here are not written, of {some(list(dict.fromkeys(names)))}"
    )


class _Judging:
    """Goes through the changes until none that is left is refused; `without` are positions, `held` by position."""

    def __init__(self, now: Site, changes: Sequence[Change], takes: SiteTakes, guarded: Guarded) -> None:
        self.now, self.changes, self.takes, self.guarded = now, changes, takes, guarded
        self.without: set[int] = set()
        self.held: dict[int, Held] = {}
        self.draft = Draft(now, takes)

    def goes_on(self) -> bool:
        """One pass; whether it left out something earlier, so that another must be made."""
        self.draft = draft = Draft(self.now, self.takes)
        stuck: set[str] = set()
        again = False
        for position, change in enumerate(self.changes):
            if position in self.without and position not in self.held:
                continue
            if position in self.held or (stuck and stuck & _waits_for(change)):
                self.without.add(position)
            elif (
                not self._is_left(change, draft)
                and (refusal := _unwritable(change) or change.refusal(draft)) is not None
            ):
                self.held[position] = Held(change.person, *refusal)
                self.without.add(position)
                again = self._stays_in_groups(position) or again
            else:
                change.carry(draft)
                continue
            stuck |= {ref.key for ref in (change.blocks, change.receiver) if ref is not None}
        return again

    def _is_left(self, change: Change, draft: Draft) -> bool:
        """Whether it is not asked: Tableau does it itself, or a stop speaks about whom it concerns."""
        if change.brought_by is not None:
            return True
        user = draft.user(change.of_user) if change.destructive else None
        return user is not None and (user.id == self.guarded.own_id or is_protected(user, self.guarded.protected))

    def _stays_in_groups(self, refused: int) -> bool:
        """Whoever stepped out of a group for the sake of what is refused does not step out."""
        whom = self.changes[refused].blocks
        later = [c for c in self.changes[refused:] if c.of_user == whom]
        aside = {
            position
            for position, change in enumerate(self.changes[:refused])
            if whom is not None and change.of_user == whom and any(_takes_back(change, back) for back in later)
        }
        new = aside - self.without
        self.without |= new
        return bool(new)


def _unwritable(change: Change) -> Refusal | None:
    """Whether what it names anew, or describes, holds a character that no request can carry."""
    created, description = change.creates, getattr(change, "description", "")
    if (created is None or is_writable(created.name)) and (not description or is_writable(description)):
        return None
    return "would hold a character that no request can carry", "take control characters out of its text"


def _waits_for(change: Change) -> set[str]:
    refs = (change.of_user, change.of_group, change.of_content, change.brought_by, change.needs)
    return {ref.key for ref in refs if ref is not None}


def _takes_back(change: Change, later: Change) -> bool:
    back = change.inverse()
    return back is not None and later.is_same(back)
