"""A Site after the changes of a plan, if all of them succeed. Values only; what Tableau adds of its own is not here.

Effects that a server has on content when people change (an heir becomes owner) are in; sign-ins are not.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from tabwarden.effects import people
from tabwarden.model.site import Group, Site, User
from tabwarden.plan.content_facts import content_after
from tabwarden.plan.facts import group_of, user_of
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


def carried_out(site: Site, changes: Iterable[Change]) -> Site:
    """`site` with `changes` done in order; what they create gets the id `new:` and its key."""
    after = _After(site)
    for change in changes:
        after.do(change)
    return after.site()


class _After:
    """A Site being changed; only inside `carried_out`."""

    def __init__(self, site: Site) -> None:
        self.before = site
        self.users = dict(site.users)
        self.groups = dict(site.groups)
        self.members = {g.id: set(g.members) for g in site.groups.values() if g.members is not None}
        self.ids: dict[str, str] = {}
        self.heirs: dict[str, str] = {}
        self.deleted: list[str] = []
        self.of_content: list[Change] = []
        self.nicknames = dict(site.nicknames or {})

    def do(self, change: Change) -> None:
        if change.content is not None:
            self.of_content.append(change)
        elif change.op == SET_NICKNAME and change.domain is not None:
            self.nicknames[change.domain.name] = str(change.after["nickname"])
        elif change.group is not None:
            self._do_to_group(change, change.group)
        elif change.user is not None:
            self._do_to_user(change, change.user)

    def _do_to_user(self, change: Change, ref: Ref) -> None:
        if change.op == ADD_USER:
            auth = change.after.get("auth_setting")
            user_id = f"new:{ref.key}"
            role = str(change.after["site_role"])
            auth_setting = auth if isinstance(auth, str) else None
            self.users[user_id] = User(user_id, ref.name, role, ref.domain, auth_setting=auth_setting)
            self.ids[ref.key] = user_id
            return
        user_id = self._user(ref)
        if change.op == SET_SITE_ROLE:
            self.users[user_id] = replace(self.users[user_id], site_role=str(change.after["site_role"]))
        elif change.op == REMOVE_USER:
            del self.users[user_id]
            for members in self.members.values():
                members.discard(user_id)
            if change.heir is not None:
                self.heirs[user_id] = self._user(change.heir)

    def _do_to_group(self, change: Change, ref: Ref) -> None:
        if change.op in (CREATE_GROUP, IMPORT_GROUP):
            group_id = f"new:{ref.key}"
            self.ids[ref.key] = group_id
            self.groups[group_id] = Group(group_id, ref.name, ref.domain, frozenset(), *_grants(change.after))
            self.members[group_id] = set()
            return
        group_id = self._group(ref)
        if change.op in (UPDATE_GROUP, SYNC_GROUP):
            role, mode = _grants(change.after)
            self.groups[group_id] = replace(self.groups[group_id], minimum_site_role=role, grant_on=mode)
        elif change.op == DELETE_GROUP:
            self.deleted.append(group_id)
        elif change.user is not None and change.op == ADD_TO_GROUP:
            self.members.get(group_id, set()).add(self._user(change.user))
        elif change.user is not None and change.op == REMOVE_FROM_GROUP:
            self.members.get(group_id, set()).discard(self._user(change.user))

    def _user(self, ref: Ref) -> str:
        found = user_of(self.before, ref)
        return found.id if found is not None else self.ids[ref.key]

    def _group(self, ref: Ref) -> str:
        found = group_of(self.before, ref)
        return found.id if found is not None else self.ids[ref.key]

    def site(self) -> Site:
        groups = {
            g.id: replace(g, members=frozenset(self.members[g.id])) if g.id in self.members else g
            for g in self.groups.values()
        }
        contents = {
            c.id: replace(c, owner=self.heirs[c.owner]) if c.owner in self.heirs else c
            for c in self.before.contents.values()
        }
        nicknames = self.before.nicknames if self.before.nicknames is None else self.nicknames
        after = replace(self.before, users=self.users, groups=groups, contents=contents, nicknames=nicknames)
        for group in self.deleted:
            # Its rules and its place in group sets go with it.
            after = people.delete_group(after, group).site
        for change in self.of_content:
            after = content_after(after, change, self.ids)
        return after


def _grants(fields: Fields) -> tuple[str | None, str | None]:
    role, mode = fields["minimum_site_role"], fields["grant_on"]
    return (role if isinstance(role, str) else None, mode if isinstance(mode, str) else None)
