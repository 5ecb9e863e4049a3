"""A Site on which many changes are carried out one after the other, as if each of them succeeded, and taken back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from tabwarden.effects import people
from tabwarden.effects.ref import Lookup, Ref
from tabwarden.model.site import Group, Site, User

ON_CONTENT = Callable[[Site], Site]


class Draft:
    """A Site being changed: people and groups in place, for there are thousands; content at the end, step by step.

    What is created has the id `new:` and its key.
    """

    def __init__(self, site: Site) -> None:
        self.before, self.lookup = site, Lookup(site)
        self.users = dict(site.users)
        self.groups = dict(site.groups)
        self.members = {g.id: set(g.members) for g in site.groups.values() if g.members is not None}
        self.nicknames = dict(site.nicknames or {})
        self.new: dict[str, str] = {}
        self.heirs: dict[str, str] = {}
        self.deleted: list[str] = []
        self.on_content: list[ON_CONTENT] = []

    def user(self, ref: Ref | None) -> User | None:
        """Who is meant, as the draft has him; None where he is not there, or not any more."""
        known = self.lookup.user(ref)
        user_id = known.id if known is not None else self.new.get(ref.key) if ref is not None else None
        return None if user_id is None else self.users.get(user_id)

    def group(self, ref: Ref | None) -> Group | None:
        """The group that is meant, as the draft has it."""
        known = self.lookup.group(ref)
        group_id = known.id if known is not None else self.new.get(ref.key) if ref is not None else None
        return None if group_id is None else self.groups.get(group_id)

    def add_user(self, ref: Ref, role: str, auth_setting: str | None) -> str:
        """Somebody new."""
        self.new[ref.key] = ref.new_id
        self.users[ref.new_id] = User(ref.new_id, ref.name, role, ref.domain, auth_setting=auth_setting)
        return ref.new_id

    def remove_user(self, user: str) -> None:
        """Somebody out of everything; what he owns and his rules stay."""
        del self.users[user]
        for members in self.members.values():
            members.discard(user)

    def add_group(self, ref: Ref, minimum_site_role: str | None, grant_on: str | None) -> str:
        """A new group without members."""
        self.new[ref.key] = ref.new_id
        self.groups[ref.new_id] = Group(ref.new_id, ref.name, ref.domain, frozenset(), minimum_site_role, grant_on)
        self.members[ref.new_id] = set()
        return ref.new_id

    def site(self) -> Site:
        """The Site after everything."""
        groups = {
            g.id: replace(g, members=frozenset(self.members[g.id])) if g.id in self.members else g
            for g in self.groups.values()
        }
        contents = self.before.contents
        if self.heirs:
            contents = {
                c.id: replace(c, owner=self.heirs[c.owner]) if c.owner in self.heirs else c for c in contents.values()
            }
        nicknames = None if self.before.nicknames is None else self.nicknames
        after = replace(self.before, users=self.users, groups=groups, contents=contents, nicknames=nicknames)
        for group in self.deleted:
            # Its rules and its place in group sets go with it.
            after = people.delete_group(after, group).site
        for change in self.on_content:
            after = change(after)
        return after


class Undoing(Draft):
    """A Site on which what was done is taken back, as far as it is still so; `holds` is who is left as he is, and why.

    `owners` are the users who own content by now, None when that was not read.
    """

    def __init__(self, now: Site, owners: frozenset[str] | None = None) -> None:
        super().__init__(now)
        self.owners = owners
        self.holds: list[tuple[str, str, str]] = []
        self.notes: list[str] = []

    def hold(self, person: str, reason: str, remedy: str = "somebody changed it since; decide by hand") -> None:
        """Leave somebody, or something, as it is."""
        self.holds.append((person, reason, remedy))
