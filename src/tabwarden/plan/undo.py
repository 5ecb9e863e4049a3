"""The way back from what was really done: the wanted Site of an undo. Not how it is planned or applied.

Only what is still as the plan left it is taken back; what somebody changed since is left as is and said.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tabwarden.model.site import LOCAL, Group, Site, User
from tabwarden.plan.facts import group_of, nickname_of, user_of
from tabwarden.plan.plan import (
    ADD_TO_GROUP,
    ADD_USER,
    CREATE_GROUP,
    DELETE_GROUP,
    IMPORT_GROUP,
    REMOVE_FROM_GROUP,
    REMOVE_USER,
    SET_NICKNAME,
    SET_SITE_ROLE,
    SYNC_GROUP,
    UPDATE_GROUP,
    Change,
    Fields,
    Ref,
)
from tabwarden.want.wanted import EXISTS, GRANTS, NICKNAME, SITE_ROLE, Held, Wanted, Why

LATER = "somebody changed it since; decide by hand"


def undone(now: Site, done: Sequence[Change], plan_id: str, owners: frozenset[str] | None = None) -> Wanted:
    """`now` with `done` (in the order they were done) taken back.

    `owners` are the users who own content by now, None when that was not read: an added user who owns something
    is not removed again.
    """
    back = _Back(now, f"undo of plan {plan_id}", owners)
    for change in reversed(done):
        back.take_back(change)
    return back.wanted()


class _Back:
    """A wanted Site in the making; only inside `undone`."""

    def __init__(self, now: Site, because: str, owners: frozenset[str] | None) -> None:
        self.now, self.because, self.owners = now, because, owners
        self.users = dict(now.users)
        self.groups = dict(now.groups)
        self.members = {g.id: set(g.members) for g in now.groups.values() if g.members is not None}
        self.sentences: dict[tuple[str, str], str] = {}
        self.held: list[Held] = []
        self.notes: list[str] = []
        self.again: dict[str, str] = {}
        self.nicknames = dict(now.nicknames or {})

    def take_back(self, change: Change) -> None:
        """One change, the last done first."""
        _INVERSES[change.op](self, change)

    # -- users --------------------------------------------------------------------------------------------------

    def added(self, change: Change) -> None:
        user = self._user(change.user)
        if user is None:
            return
        if self.owners is not None and user.id in self.owners:
            self.held.append(Held(user.qualified, "owns content by now", "give the content to somebody else first"))
            return
        del self.users[user.id]
        for members in self.members.values():
            members.discard(user.id)
        self.sentences[user.id, EXISTS] = self.because

    def removed(self, change: Change) -> None:
        ref, before = change.user, change.before
        if ref is None:
            return
        if self._user(ref) is not None or self._by_name(ref) is not None:
            self.notes.append(f"`{ref.qualified}` is on the site again already")
            return
        user_id = f"new:{ref.key}"
        auth = before.get("auth_setting")
        auth_setting = auth if isinstance(auth, str) else None
        self.users[user_id] = User(user_id, ref.name, str(before["site_role"]), ref.domain, auth_setting=auth_setting)
        self.again[ref.key] = user_id
        self.sentences[user_id, EXISTS] = self.sentences[user_id, SITE_ROLE] = self.because
        groups = before.get("groups")
        for name in groups if isinstance(groups, tuple) else ():
            self._back_into(name, user_id, ref)
        heir = f", and what the user owned stays with `{change.heir.qualified}`" if change.heir else ""
        self.notes.append(
            f"`{ref.qualified}` is added again as a new user: rules for the user in person and favourites are "
            f"lost{heir}"
        )

    def _back_into(self, name: str, user_id: str, ref: Ref) -> None:
        domain, _, bare = name.rpartition("\\")
        group = self._group(Ref("group", bare, domain or LOCAL))
        if group is None or group.domain.casefold() != LOCAL:
            self.held.append(Held(ref.qualified, f"was in group `{name}`", "put the user into it by hand"))
        elif group.id in self.members:
            self.members[group.id].add(user_id)
            self.sentences[user_id, group.id] = self.because

    def role_set(self, change: Change) -> None:
        user = self._user(change.user)
        if user is None:
            return
        was, became = str(change.before["site_role"]), str(change.after["site_role"])
        if user.site_role == became:
            self.users[user.id] = replace(user, site_role=was)
            self.sentences[user.id, SITE_ROLE] = self.because
        elif user.site_role != was:
            self.held.append(Held(user.qualified, f"became {became} and is {user.site_role} by now", LATER))

    # -- memberships and groups ---------------------------------------------------------------------------------

    def joined(self, change: Change) -> None:
        user, group = self._user(change.user), self._group(change.group)
        if user is not None and group is not None and user.id in self.members.get(group.id, ()):
            self.members[group.id].discard(user.id)
            self.sentences[user.id, group.id] = self.because

    def left(self, change: Change) -> None:
        user, group = self._user(change.user), self._group(change.group)
        if user is None or change.group is None:
            return
        if group is None:
            name = change.group.qualified
            self.held.append(Held(user.qualified, f"was in group `{name}`, which is gone", "create the group by hand"))
        elif group.id in self.members:
            self.members[group.id].add(user.id)
            self.sentences[user.id, group.id] = self.because

    def created(self, change: Change) -> None:
        group = self._group(change.group)
        if group is None:
            return
        if self.members.get(group.id):
            number = len(self.members[group.id])
            self.held.append(Held(group.name, f"the group has {number} members of others by now", LATER))
            return
        del self.groups[group.id]
        self.sentences[group.id, EXISTS] = self.because

    def updated(self, change: Change) -> None:
        group = self._group(change.group)
        if group is None:
            return
        if (group.minimum_site_role, group.grant_on) == _grants(change.after):
            role, mode = _grants(change.before)
            self.groups[group.id] = replace(group, minimum_site_role=role, grant_on=mode)
            self.sentences[group.id, GRANTS] = self.because
        elif (group.minimum_site_role, group.grant_on) != _grants(change.before):
            self.held.append(Held(group.name, "the group grants something else by now", LATER))

    def deleted(self, change: Change) -> None:
        ref = change.group
        if ref is None or self._group(ref) is not None or self._group(ref._replace(id=None)) is not None:
            return
        group_id = f"new:{ref.key}"
        self.groups[group_id] = Group(group_id, ref.name, ref.domain, frozenset(), *_grants(change.before))
        self.members[group_id] = set()
        self.sentences[group_id, EXISTS] = self.because
        names = change.before.get("members")
        for name in names if isinstance(names, tuple) else ():
            ids = self.now.users_named(name)
            if len(ids) == 1 and ids[0] in self.users:
                self.members[group_id].add(ids[0])
                self.sentences[ids[0], group_id] = self.because
        self.notes.append(f"group `{ref.qualified}` is created again: rules that named it are lost")

    def synchronised(self, change: Change) -> None:
        group = self._group(change.group)
        if group is not None and _grants(change.before) != _grants(change.after):
            role, mode = _grants(change.before)
            was = f"{role} ({mode})" if role else "no role"
            self.held.append(Held(group.name, f"granted {was} before", "say so under `groups` and synchronise again"))

    def _left_to_the_directory(self) -> None:
        """Who is in a group of the directory is decided there: nobody is put into it or taken out of it here."""
        for group in [g for g in self.groups.values() if g.domain.casefold() != LOCAL and g.id in self.members]:
            here = set(self.now.members(group.id)) & self.users.keys()
            if self.members[group.id] & self.users.keys() != here:
                number = len(self.members[group.id] ^ here)
                reason = f"has {number} other members than before, as the directory wants"
                self.held.append(Held(f"{group.domain}\\{group.name}", reason, "change the group in the directory"))
            self.members[group.id] = here

    def nicknamed(self, change: Change) -> None:
        ref = change.domain
        if ref is None:
            return
        here, was, became = nickname_of(self.now, ref), str(change.before["nickname"]), str(change.after["nickname"])
        if here == became:
            # At the end: nicknames are given in this order, and one that is free again may be wanted by the next.
            self.nicknames.pop(ref.name, None)
            self.nicknames[ref.name] = was
            self.sentences[ref.name, NICKNAME] = self.because
        elif here != was:
            self.held.append(Held(ref.name, f"got the nickname `{became}` and has `{here}` by now", LATER))

    # -- who and what -------------------------------------------------------------------------------------------

    def _user(self, ref: Ref | None) -> User | None:
        if ref is None:
            return None
        found = user_of(self.now, ref)
        return self.users.get(found.id if found is not None else self.again.get(ref.key, ""))

    def _by_name(self, ref: Ref) -> User | None:
        return user_of(self.now, ref._replace(id=None))

    def _group(self, ref: Ref | None) -> Group | None:
        if ref is None:
            return None
        found = group_of(self.now, ref)
        return self.groups.get(found.id if found is not None else f"new:{ref.key}")

    def wanted(self) -> Wanted:
        self._left_to_the_directory()
        groups = {
            g.id: replace(g, members=frozenset(self.members[g.id])) if g.id in self.members else g
            for g in self.groups.values()
        }
        nicknames = self.now.nicknames if self.now.nicknames is None else self.nicknames
        site = replace(self.now, users=self.users, groups=groups, nicknames=nicknames)
        why = Why(self.because, self.sentences)
        return Wanted(site, why, tuple(self.held), tuple(self.notes))


_INVERSES = {
    ADD_USER: _Back.added,
    REMOVE_USER: _Back.removed,
    SET_SITE_ROLE: _Back.role_set,
    ADD_TO_GROUP: _Back.joined,
    REMOVE_FROM_GROUP: _Back.left,
    CREATE_GROUP: _Back.created,
    UPDATE_GROUP: _Back.updated,
    DELETE_GROUP: _Back.deleted,
    IMPORT_GROUP: _Back.created,
    SYNC_GROUP: _Back.synchronised,
    SET_NICKNAME: _Back.nicknamed,
}


def _grants(fields: Fields) -> tuple[str | None, str | None]:
    role, mode = fields["minimum_site_role"], fields["grant_on"]
    return (role if isinstance(role, str) else None, mode if isinstance(mode, str) else None)
