"""People and groups put back as they were on an older Site: the wanted Site.

Nobody is removed: who came since is left as he is and said. Groups of a directory are the directory's business.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from tabwarden.effects.ops.groups import Grants
from tabwarden.effects.ref import Ref
from tabwarden.model.site import LOCAL, Grantee, Group, Site, User
from tabwarden.want.wanted import Held, Wanted, Why

BY_HAND = "decide by hand"


def ids_now(now: Site, then: Site, *, create: bool) -> Mapping[Grantee, str]:
    """The ids that people, groups and group sets of `then` have by now where these are others.

    Who is gone and came back under the same name has the new id; with `create` whoever is not there has the id `new:`
    and his key, as a change that adds him would give.
    """
    ids: dict[Grantee, str] = {}
    tables = (("user", now.users, then.users), ("group", now.groups, then.groups))
    for kind, current, was in tables:
        keys = {Ref(kind, party.name, party.domain).key: party.id for party in current.values()}
        for party in was.values():
            key = Ref(kind, party.name, party.domain).key
            if party.id in current:
                continue
            if key in keys:
                ids[Grantee(kind, party.id)] = keys[key]
            elif create and (kind == "user" or party.domain.casefold() == LOCAL):
                ids[Grantee(kind, party.id)] = f"new:{key}"
    names = {party.name.casefold(): party.id for party in now.group_sets.values()}
    for one in then.group_sets.values():
        if one.id not in now.group_sets and one.name.casefold() in names:
            ids[Grantee("groupSet", one.id)] = names[one.name.casefold()]
    return ids


class Back:
    """A wanted Site in the making: `now`, with some of it as on `then`, whose ids are those of `now`."""

    def __init__(self, now: Site, then: Site, because: str) -> None:
        self.now, self.then, self.because = now, then, because
        self.users, self.groups = dict(now.users), dict(now.groups)
        self.held: list[Held] = []
        self.notes: list[str] = []

    def everybody(self) -> None:
        """Site roles, memberships and what groups grant, of all who were there; who came since stays as he is."""
        for user in self.then.users.values():
            self._role(user)
        new = frozenset(self.now.users.keys() - self.then.users.keys())
        for group in self.then.groups.values():
            self.group(group.id, leave=new)
        self._tell_new()
        if self.now.group_sets != self.then.group_sets:
            self.notes.append("group sets differ; put them back by hand")
        if self.now.settings != self.then.settings:
            self.notes.append("the site's own settings differ; put them back by hand")

    def user(self, user_id: str) -> None:
        """One person's site role and groups."""
        self._role(self.then.users[user_id])
        for group in self.then.groups.values():
            was_in = group.members is not None and user_id in group.members
            now = self.groups.get(group.id)
            if now is None or now.members is None or (user_id in now.members) is was_in:
                if now is None and was_in:
                    self.hold(self._name(user_id), f"was in group `{group.name}`, which is gone", "create it first")
                continue
            if self._is_local(group):
                members = now.members | {user_id} if was_in else now.members - {user_id}
                self.groups[group.id] = replace(now, members=members)

    def group(self, group_id: str, leave: frozenset[str] = frozenset()) -> None:
        """One group's members and what it grants; memberships of `leave` stay."""
        was = self.then.groups[group_id]
        now = self.groups.get(group_id)
        if was.everyone:
            return
        if now is None and was.domain.casefold() != LOCAL:
            self.hold(was.name, "is a group of a directory that is gone", "import it again")
            return
        if was.members is None or (now is not None and now.members is None):
            self.hold(was.name, "its members were not read", BY_HAND)
            return
        base = now or replace(was, members=frozenset())
        mine = base.members or frozenset()
        members = (was.members & self.users.keys()) | (mine & leave)
        lost = len(was.members - self.users.keys())
        if lost:
            self.notes.append(f"{lost} former members of group `{was.name}` are not on the site any more")
        if members == mine and Grants.of(base) == Grants.of(was) and now is not None:
            return
        if not self._is_local(was):
            return
        if now is None:
            self.notes.append(
                f"group `{was.name}` was deleted and is created again with another id; "
                "what is put back names the new one"
            )
        self.groups[group_id] = replace(
            base, members=members, minimum_site_role=was.minimum_site_role, grant_on=was.grant_on
        )

    def wanted(self) -> Wanted:
        site = replace(self.now, users=self.users, groups=self.groups)
        return Wanted(site, Why(self.because, {}), tuple(self.held), tuple(self.notes))

    def _role(self, user: User) -> None:
        now = self.users.get(user.id)
        if now is None:
            if not user.id.startswith("new:"):
                return
            self.notes.append(
                f"`{Ref('user', user.name, user.domain).qualified}` is added again as a new user: favourites are lost"
            )
        self.users[user.id] = user if now is None else replace(now, site_role=user.site_role)

    def _is_local(self, group: Group) -> bool:
        if group.domain.casefold() == LOCAL:
            return True
        self.hold(f"{group.domain}\\{group.name}", "is a group of a directory", "change it in the directory")
        return False

    def _tell_new(self) -> None:
        for words, names in (
            ("people", _new(self.now.users, self.then.users)),
            ("groups", _new(self.now.groups, self.then.groups)),
        ):
            if names:
                listed = ", ".join(f"`{name}`" for name in names[:5]) + (" and others" if len(names) > 5 else "")
                self.notes.append(f"{len(names)} {words} came since and are left as they are: {listed}")

    def _name(self, user_id: str) -> str:
        user = self.then.users[user_id]
        return Ref("user", user.name, user.domain).qualified

    def hold(self, who: str, reason: str, remedy: str) -> None:
        """Something that is left as it is."""
        held = Held(who, reason, remedy)
        if held not in self.held:
            self.held.append(held)


def _new(now: Mapping[str, User] | Mapping[str, Group], was: Mapping[str, User] | Mapping[str, Group]) -> list[str]:
    return sorted(party.name for item_id, party in now.items() if item_id not in was)
