"""From one Site to another: the changes to users and groups, in the order Tableau accepts.

Compared are who exists, site roles, memberships, which groups exist with which minimum site role and mode, the site's
own switches, and the nicknames of the server's domains.
Nothing is left out here on purpose: whoever wants something left alone writes it into the wanted Site.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain

from tabwarden.effects.change import Change
from tabwarden.effects.ops.details import Details, SetDetails
from tabwarden.effects.ops.groups import CreateGroup, DeleteGroup, Grants, UpdateGroup
from tabwarden.effects.ops.memberships import AddToGroup, RemoveFromGroup
from tabwarden.effects.ops.refreshes import SetRefresh
from tabwarden.effects.ops.settings import SWITCHES, SetNickname, SetSetting, is_on
from tabwarden.effects.ops.users import AddUser, RemoveUser, SetRole, height
from tabwarden.effects.ref import DOMAIN, GROUP, USER, Ref, group_ref, user_ref
from tabwarden.model.site import LOCAL, ON_SYNC, Group, Site, User
from tabwarden.want.wanted import DETAILS, EXISTS, GRANTS, NICKNAME, REFRESH, SETTINGS, SITE_ROLE, Why

UNLICENSED = "Unlicensed"
ASIDE = "steps out of the group, because a role below the group's minimum cannot be set"
BACK = "steps back into the group after the role was set"


def diff(now: Site, wanted: Site, why: Why) -> tuple[Change, ...]:
    """All changes that make `now` into `wanted`, in the order they must be done. `diff(x, x, ...)` is empty.

    A user or group of `wanted` whose id is not in `now` is new; it is referred to by name until it exists.
    Everybody is added Unlicensed and raised afterwards, so that a missing seat costs the role, not the person.
    """
    both = Both(now, wanted, why)
    return tuple(
        chain(
            both.nicknames(),
            both.settings(),
            both.refreshes(),
            both.groups_first(),
            both.users_added(),
            both.details(),
            both.memberships_added(),
            both.memberships_removed(forbidding=True),
            both.roles(up=True),
            both.memberships_removed(forbidding=False),
            both.roles(up=False),
            both.stepped_back(),
            both.users_removed(),
            both.groups_last(),
        )
    )


@dataclass(frozen=True, slots=True)
class Both:
    """The two Sites and the sentences; each method yields one step of the order."""

    now: Site
    wanted: Site
    why: Why
    places: dict[str, int] = field(init=False, repr=False, default_factory=dict)
    new: dict[str, Ref] = field(init=False, repr=False, default_factory=dict)
    group_refs: dict[str, Ref] = field(init=False, repr=False, default_factory=dict)
    differing: tuple[User, ...] = field(init=False, repr=False)
    changed: frozenset[str] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Who is another on the wanted Site, in its order, and who gets another role: there may be a million others."""
        have = self.now.users
        differing = tuple(user for key, user in self.wanted.users.items() if have.get(key) is not user)
        object.__setattr__(self, "differing", differing)
        changed = (user.id for user in differing if user.site_role != self.role_now(user.id))
        object.__setattr__(self, "changed", frozenset(changed))

    def role_now(self, user_id: str) -> str:
        """The role somebody has before his role is set; everybody comes Unlicensed."""
        current = self.now.users.get(user_id)
        return current.site_role if current is not None else UNLICENSED

    def nicknames(self) -> Iterator[Change]:
        """Domains of the server that get another nickname, in the order of the wanted Site."""
        have = self.now.nicknames or {}
        for fqdn, nickname in (self.wanted.nicknames or {}).items():
            if fqdn in have and have[fqdn] != nickname:
                because = self.why.says(fqdn, NICKNAME)
                yield SetNickname(Ref(DOMAIN, fqdn), have[fqdn], nickname, because=because)

    def settings(self) -> Iterator[Change]:
        """The site's own switches."""
        for name in SWITCHES:
            before, after = is_on(self.now, name), is_on(self.wanted, name)
            if before is not None and after is not None and after is not before:
                yield SetSetting(name, after, because=self.why.says(self.now.id, SETTINGS))

    def refreshes(self) -> Iterator[Change]:
        """Extracts that are refreshed on other schedules."""
        if self.now.refreshes is None or self.wanted.refreshes is None:
            return
        have, want = self.now.refreshes.of, self.wanted.refreshes.of
        for content in sorted((have.keys() | want.keys()) & self.now.contents.keys()):
            if have.get(content, ()) != want.get(content, ()):
                change = SetRefresh.on(self.now, content, want.get(content, ()))
                yield change.but(because=self.why.says(content, REFRESH))

    def groups_first(self) -> Iterator[Change]:
        """Groups that are new or grant another role."""
        for group in self.wanted.groups.values():
            known, ref, grants = self.now.groups.get(group.id), self.group(group.id), Grants.of(group)
            if known is None:
                yield CreateGroup(ref, grants, because=self.why.says(group.id, EXISTS))
            elif Grants.of(known) != grants:
                yield UpdateGroup(ref, Grants.of(known), grants, because=self.why.says(group.id, GRANTS))

    def users_added(self) -> Iterator[Change]:
        """People who are not on the site yet."""
        for user in self.differing:
            if user.id not in self.now.users:
                because = self.why.says(user.id, EXISTS)
                yield AddUser.of(self.user(user.id), user, UNLICENSED, because)

    def details(self) -> Iterator[Change]:
        """Display names, e-mail addresses and authentication; those of a directory's people it tells Tableau itself."""
        for user in self.differing:
            current = self.now.users.get(user.id)
            if current is None or user.domain.casefold() != LOCAL:
                continue
            details = Details.of(user).unlike(Details.of(current))
            if any(value is not None for value in details):
                before = Details.of(current).where(details)
                yield SetDetails(self.user(user.id), before, details, because=self.why.says(user.id, DETAILS))

    def memberships_added(self) -> Iterator[Change]:
        """People who are to be in a group and are not."""
        for group in self.wanted.groups.values():
            if group.everyone or group.members is None:
                continue
            for user in self.joining(group):
                if not self.waits(user, group):
                    yield self.join(user, group.id, self.why.says(user, group.id))

    def roles(self, *, up: bool) -> Iterator[Change]:
        """Site roles that rise (`up`) or that fall or change without rising."""
        for user in self.differing:
            before = self.role_now(user.id)
            if before == user.site_role or (height(user.site_role) > height(before)) is not up:
                continue
            because = self.why.says(user.id, SITE_ROLE)
            yield SetRole(self.user(user.id), before, user.site_role, because=because)

    def memberships_removed(self, *, forbidding: bool) -> Iterator[Change]:
        """People who are in a group and are not to be, then those who only step aside for another role.

        `forbidding`: those for whom the group's minimum forbids the role they get; they go before it is set.
        """
        for group in self.now.groups.values():
            if group.everyone or group.members is None or self.wanted.groups.get(group.id) in (None, group):
                continue
            for user in self.in_order(group.members - _members(self.wanted, group.id)):
                if self.waits(user, self.wanted.groups[group.id]) is forbidding:
                    yield self.leave(user, group.id, self.why.says(user, group.id))
        for user, group_id in self.stepping() if forbidding else ():
            yield self.leave(user, group_id, ASIDE)

    def stepped_back(self) -> Iterator[Change]:
        """Into the group after the role: those who stepped aside, and those whom it would have forbidden."""
        for user, group_id in self.stepping():
            if group_id in self.wanted.groups:
                yield self.join(user, group_id, BACK)
        for group in self.wanted.groups.values():
            if not group.everyone and group.minimum_site_role and group.members is not None:
                for user in self.joining(group):
                    if self.waits(user, group):
                        yield self.join(user, group.id, self.why.says(user, group.id))

    def stepping(self) -> Iterator[tuple[str, str]]:
        """User and group where the group's minimum forbids the new role and the user is and stays a member."""
        steps: list[tuple[str, str]] = []
        for group_id, current in self.now.groups.items() if self.changed else ():
            group = self.wanted.groups.get(group_id, current)
            if group.everyone or group.minimum_site_role is None or group.domain.casefold() != LOCAL:
                continue
            staying = self.changed & (current.members or frozenset())
            if group_id in self.wanted.groups:
                staying &= _members(self.wanted, group_id)
            steps += [(user, group_id) for user in staying if self.waits(user, group)]
        yield from sorted(steps, key=lambda pair: (self.place(pair[0]), pair[1]))

    def joining(self, group: Group) -> Iterator[str]:
        """Who is to be in the group and is not, in the order of the wanted Site."""
        if self.now.groups.get(group.id) is group:
            return iter(())
        return self.in_order(_members(self.wanted, group.id) - _members(self.now, group.id))

    def waits(self, user_id: str, group: Group) -> bool:
        """Whether the user may be in the group only once he has his new role, because membership would forbid it."""
        return user_id in self.changed and forbids(group, self.wanted.users[user_id].site_role)

    def users_removed(self) -> Iterator[Change]:
        """People who are on the site and are not to be; their memberships go with them."""
        for user in self.now.users.values():
            if user.id in self.wanted.users:
                continue
            heir = self.why.heirs.get(user.id)
            removal = RemoveUser.on(self.now, user.id)
            owns = self.why.owned.get(user.id, ())
            because = self.why.says(user.id, EXISTS)
            yield removal.but(heir=self.user(heir) if heir else None, owns=owns, because=because)

    def groups_last(self) -> Iterator[Change]:
        """Groups that are not to be any more."""
        for group in self.now.groups.values():
            if group.id not in self.wanted.groups:
                yield DeleteGroup.on(self.now, group.id).but(because=self.why.says(group.id, EXISTS))

    def join(self, user: str, group: str, because: str) -> Change:
        """One person into one group."""
        return AddToGroup(self.user(user), self.group(group), because=because)

    def leave(self, user: str, group: str, because: str) -> Change:
        """One person out of one group."""
        return RemoveFromGroup(self.user(user), self.group(group), because=because)

    def user(self, user_id: str) -> Ref:
        """How the plan refers to a user of either Site."""
        if user_id in self.now.users:
            return user_ref(self.now.users[user_id])
        ref = self.new.get(user_id)
        if ref is None:
            user = self.wanted.users[user_id]
            ref = self.new[user_id] = Ref(USER, user.name, user.domain)
        return ref

    def group(self, group_id: str) -> Ref:
        """How the plan refers to a group of either Site."""
        ref = self.group_refs.get(group_id)
        if ref is None:
            group = self.now.groups.get(group_id)
            wanted = self.wanted.groups[group_id] if group is None else group
            ref = Ref(GROUP, wanted.name, wanted.domain) if group is None else group_ref(group)
            self.group_refs[group_id] = ref
        return ref

    def in_order(self, users: frozenset[str]) -> Iterator[str]:
        """These users in the order of the wanted Site: what a roster named first is done first."""
        if len(users) * 8 > len(self.wanted.users):
            return (user for user in self.wanted.users if user in users)
        return iter(sorted((user for user in users if user in self.wanted.users), key=self.place))

    def place(self, user: str) -> int:
        """The place of a user on the wanted Site."""
        if not self.places:
            self.places.update((user, place) for place, user in enumerate(self.wanted.users))
        return self.places[user]


def forbids(group: Group, role: str) -> bool:
    """Whether members of `group` cannot be set to `role` (tableau-permissions 8.1: grant role on sign-in)."""
    at_sync = group.domain.casefold() != LOCAL and group.grant_on == ON_SYNC
    return group.minimum_site_role is not None and not at_sync and height(role) < height(group.minimum_site_role)


def _members(site: Site, group: str) -> frozenset[str]:
    return site.members(group) if group in site.groups else frozenset()
