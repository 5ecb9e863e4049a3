"""The way back from what was really done: the wanted Site of an undo.

Only what is still as the plan left it is taken back; what somebody changed since is left as is and said.
"""

from __future__ import annotations

from collections.abc import Sequence

from tabwarden.effects.change import Change
from tabwarden.effects.draft import Undoing
from tabwarden.model.site import LOCAL, Site
from tabwarden.want.wanted import Held, Wanted, Why


def undone(now: Site, done: Sequence[Change], because: str, owners: frozenset[str] | None = None) -> Wanted:
    """`now` with `done` (in the order they were done) taken back, `because` of which plan in words.

    `owners` are the users who own content by now, None when that was not read: an added user who owns something
    is not removed again.
    """
    undoing = Undoing(now, owners)
    for change in reversed(done):
        change.take_back(undoing)
    _left_to_the_directory(undoing)
    holds = tuple(Held(*hold) for hold in undoing.holds)
    return Wanted(undoing.site(), Why(because), holds, tuple(undoing.notes))


def _left_to_the_directory(undoing: Undoing) -> None:
    """Who is in a group of the directory is decided there: nobody is put into it or taken out of it here."""
    for group in undoing.groups.values():
        if group.domain.casefold() == LOCAL or group.id not in undoing.members:
            continue
        there = set(undoing.before.members(group.id)) & undoing.users.keys()
        differing = undoing.members[group.id] & undoing.users.keys() ^ there
        if differing:
            reason = f"has {len(undoing.members[group.id] ^ there)} other members than before, as the directory wants"
            undoing.hold(f"{group.domain}\\{group.name}", reason, "change the group in the directory")
        undoing.members[group.id] = there
