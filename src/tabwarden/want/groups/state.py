"""A site on its way through a synchronisation: users, members, seats, sentences.

Made for whole sites: what nobody touches is never copied, and a role is looked at again only when it may be another.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import replace

from tabwarden.model.roles import TIERS, licence_of, merge, minimum_that_counts
from tabwarden.model.site import ON_LOGIN, ON_SYNC, Group, Site, User
from tabwarden.want.wanted import EXISTS, SITE_ROLE, Why

UNLICENSED = "Unlicensed"
Aspect = tuple[str, str]


class State:
    """One site being changed; `site()` and `why()` are what has become of it."""

    def __init__(self, now: Site) -> None:
        self.now = now
        self.users: dict[str, User] = dict(now.users)
        self.groups: dict[str, Group] = dict(now.groups)
        self._members: dict[str, set[str]] = {}
        self.sentences: dict[Aspect, str] = {}
        self.by: dict[Aspect, str] = {}
        self._seats = _free(now)
        self._granting: defaultdict[str, set[str]] = defaultdict(set)
        self._settled: set[str] = set()
        for group in now.groups.values():
            if grants_at_sync(group):
                for member in now.members(group.id):
                    self._granting[member].add(group.id)

    def members(self, group: str) -> set[str]:
        """Who is in a group by now, to be changed by `enter` and `leave` only."""
        if group not in self._members:
            self._members[group] = set(self.now.members(group)) if group in self.now.groups else set()
        return self._members[group]

    def put_group(self, group: Group) -> None:
        """A group that is new, or grants something else."""
        before = self.groups.get(group.id)
        self.groups[group.id] = group
        was, now = before is not None and grants_at_sync(before), grants_at_sync(group)
        if was or now:
            for member in self.members(group.id):
                self._regrant(member, group.id, grants=now)

    def enter(self, user: str, group: str, because: str) -> None:
        """Into a group."""
        self.members(group).add(user)
        self._say(user, group, because, group)
        if grants_at_sync(self.groups[group]):
            self._regrant(user, group, grants=True)

    def leave(self, user: str, group: str, because: str) -> None:
        """Out of a group."""
        self.members(group).discard(user)
        self._say(user, group, because, group)
        if grants_at_sync(self.groups[group]):
            self._regrant(user, group, grants=False)

    def _regrant(self, user: str, group: str, *, grants: bool) -> None:
        (self._granting[user].add if grants else self._granting[user].discard)(group)
        self._settled.discard(user)

    def add(self, user: User, because: str, group: str) -> None:
        """Somebody new, Unlicensed for a start."""
        self.users[user.id] = user
        self._say(user.id, EXISTS, because, group)

    def rename(self, user: str, full_name: str, email: str) -> None:
        """Another display name or e-mail address."""
        self.users[user] = replace(self.users[user], full_name=full_name, email=email)

    def give(self, user: str, role: str, because: str, group: str) -> None:
        """Another site role, with the seat that goes with it."""
        self._settled.discard(user)
        had, takes = licence_of(self.users[user].site_role), licence_of(role)
        if had != takes:
            self._seats.update({had: 1} if had in self._seats else {})
            self._seats.subtract({takes: 1} if takes in self._seats else {})
        self.users[user] = replace(self.users[user], site_role=role)
        self._say(user, SITE_ROLE, because, group)

    def seat_missing(self, user: str, role: str) -> bool:
        """Whether the role takes a seat that the user has not and nobody leaves."""
        tier = licence_of(role)
        return tier in self._seats and licence_of(self.users[user].site_role) != tier and self._seats[tier] <= 0

    def minimum(self, user: str) -> str | None:
        """What the groups that grant at synchronisation grant a user at least."""
        roles = (self.groups[g].minimum_site_role for g in self._granting.get(user, ()))
        return minimum_that_counts([role for role in roles if role])

    def minimums_on_login(self, users: AbstractSet[str]) -> Mapping[str, str | None]:
        """What the groups of these users grant on sign-in: Tableau gives nobody less by hand, signed in or not."""
        roles: defaultdict[str, list[str]] = defaultdict(list)
        for group in self.groups.values():
            if group.grant_on == ON_LOGIN and group.minimum_site_role:
                for user in users if group.everyone else self.members(group.id) & users:
                    roles[user].append(group.minimum_site_role)
        return {user: minimum_that_counts(mine) for user, mine in roles.items()}

    def unsettled(self, users: Iterable[str]) -> set[str]:
        """Those of `users` whom a group grants a role at synchronisation and who may not have it yet."""
        return (self._granting.keys() & users) - self._settled

    def imported_role(self, user: str) -> tuple[str, str] | None:
        """The minimum and the role a synchronisation gives now; None, for good, where that is the one he has."""
        minimum = self.minimum(user)
        before = self.users[user].site_role
        role = before if minimum is None else merge(before, minimum)
        if role == before:
            self._settled.add(user)
            return None
        return str(minimum), role

    def _say(self, user: str, aspect: str, because: str, group: str) -> None:
        self.sentences[user, aspect], self.by[user, aspect] = because, group

    def site(self) -> Site:
        """The Site as it is by now."""
        groups = dict(self.groups)
        for group, members in self._members.items():
            groups[group] = replace(groups[group], members=frozenset(members))
        return replace(self.now, users=dict(self.users), groups=groups)

    def why(self) -> Why:
        """The sentences so far."""
        return Why("", dict(self.sentences))

    def free_seats(self, tier: str) -> int | None:
        """Seats of a tier that nobody has by now; None where the site does not tell."""
        return self._seats.get(tier)


def grants_at_sync(group: Group) -> bool:
    """Whether an import or synchronisation gives the members of a group its minimum site role."""
    return bool(group.minimum_site_role) and (group.grant_on or ON_SYNC) == ON_SYNC


def _free(now: Site) -> Counter[str | None]:
    """Free seats by tier, of those tiers whose seats the site tells."""
    seats: Mapping[str, int] = now.licences or {}
    taken = Counter(licence_of(user.site_role) for user in now.users.values()) if seats else Counter[str | None]()
    return Counter({tier: seats[tier] - taken[tier] for tier in TIERS if tier in seats})
