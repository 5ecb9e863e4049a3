"""Who is in which group: people put into groups and taken out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

from tabwarden.effects import people
from tabwarden.effects.change import (
    NOBODY,
    Change,
    Refusal,
    Value,
    groups_fact,
    membership_fact,
    of_directory,
    refused,
)
from tabwarden.effects.draft import Draft, Undoing
from tabwarden.effects.people import Outcome
from tabwarden.effects.ref import Lookup, Ref, group_ref, user_ref
from tabwarden.model.open_points import DOCUMENTED, OpenPoints
from tabwarden.model.site import Site


@dataclass(frozen=True, slots=True)
class _Membership(Change):
    EFFORT: ClassVar[int] = 10

    user: Ref
    group: Ref

    @classmethod
    def on(cls, site: Site, user: str, group: str) -> Self:
        return cls(user_ref(site.users[user]), group_ref(site.groups[group]))

    @property
    def joins(self) -> bool:
        return self.net_members > 0

    def done_to(self, site: Site, open_points: OpenPoints = DOCUMENTED) -> Outcome:
        """Refused for All Users, and for who is in, or not in it, already."""
        lookup = Lookup(site)
        user, group = lookup.user(self.user), lookup.group(self.group)
        if user is None or group is None:
            return refused(site, NOBODY)
        event = people.add_to_group if self.joins else people.remove_from_group
        return event(site, group.id, (user.id,))

    def refusal(self, draft: Draft) -> Refusal | None:
        group = draft.group(self.group)
        if group is not None and group.everyone:
            return f"`{group.name}` has everybody in it", "name another group"
        return of_directory(self.group)

    def carry(self, draft: Draft) -> None:
        user, group = draft.user(self.user), draft.group(self.group)
        members = draft.members.get(group.id) if group is not None else None
        if user is not None and members is not None:
            (members.add if self.joins else members.discard)(user.id)

    def moves(self, facts: dict[str, Value]) -> None:
        facts[membership_fact(self.user, self.group)] = self.joins
        keys = facts.get(groups_fact(self.user))
        if isinstance(keys, tuple):
            rest = {key for key in keys if key != self.group.key}
            facts[groups_fact(self.user)] = tuple(sorted(rest | {self.group.key} if self.joins else rest))

    def is_true(self, lookup: Lookup) -> str | None:
        user, group = lookup.user(self.user), lookup.group(self.group)
        is_in = user is not None and group is not None and user.id in lookup.site.members(group.id)
        return "" if is_in == self.joins else None

    def otherwise(self, lookup: Lookup) -> str:
        if lookup.user(self.user) is None:
            return Change.otherwise(self, lookup)
        where = "not in the group" if self.joins else "still in the group"
        return f"Tableau did not do it: the user is {where}; plan again"


@dataclass(frozen=True, slots=True)
class AddToGroup(_Membership):
    """Put somebody into a group."""

    op: ClassVar[str] = "add_to_group"
    step: ClassVar[str] = "into group"
    net_members: ClassVar[int] = 1
    WORDS: ClassVar[tuple[str, str, str]] = (
        "put user `{c.user.qualified}` into group `{c.group.qualified}`",
        "put user `{c.user.qualified}` into group `{c.group.qualified}`",
        "user `{c.user.qualified}` was not put into group `{c.group.qualified}`",
    )

    def inverse(self) -> RemoveFromGroup:
        return RemoveFromGroup(self.user, self.group)

    def take_back(self, undoing: Undoing) -> None:
        user, group = undoing.user(self.user), undoing.group(self.group)
        if user is not None and group is not None and user.id in undoing.members.get(group.id, ()):
            undoing.members[group.id].discard(user.id)


@dataclass(frozen=True, slots=True)
class RemoveFromGroup(_Membership):
    """Take somebody out of a group."""

    op: ClassVar[str] = "remove_from_group"
    step: ClassVar[str] = "out of group"
    net_members: ClassVar[int] = -1
    DESTRUCTIVE: ClassVar[bool] = True
    WORDS: ClassVar[tuple[str, str, str]] = (
        "take user `{c.user.qualified}` out of group `{c.group.qualified}`",
        "took user `{c.user.qualified}` out of group `{c.group.qualified}`",
        "user `{c.user.qualified}` was not taken out of group `{c.group.qualified}`",
    )

    def inverse(self) -> AddToGroup:
        return AddToGroup(self.user, self.group)

    def take_back(self, undoing: Undoing) -> None:
        user, group = undoing.user(self.user), undoing.group(self.group)
        if user is None:
            return
        if group is None:
            reason = f"was in group `{self.group.qualified}`, which is gone"
            undoing.hold(user.qualified, reason, "create the group by hand")
        elif group.id in undoing.members:
            undoing.members[group.id].add(user.id)


def removed(site: Site, user: str, group: str) -> Change:
    """The change that takes a user of the Site out of a group, both by id."""
    return RemoveFromGroup(user_ref(site.users[user]), group_ref(site.groups[group]))
