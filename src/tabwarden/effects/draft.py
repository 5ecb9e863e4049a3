"""A Site on which many changes are carried out one after the other, as if each of them succeeded, and taken back."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cached_property

from tabwarden.effects import people
from tabwarden.effects.ref import Lookup, Ref
from tabwarden.model.roles import licence_of, minimum_that_counts
from tabwarden.model.site import ON_LOGIN, Group, Site, User
from tabwarden.model.takes import SiteTakes

ON_CONTENT = Callable[[Site], Site]


class Draft:
    """A Site being changed: people and groups in place, for there are thousands; content at the end, step by step.

    What is created has the id `new:` and its key. `takes` is what the site takes, where a change is asked whether it
    would be refused.
    """

    def __init__(self, site: Site, takes: SiteTakes | None = None) -> None:
        self.before, self.lookup, self.takes = site, Lookup(site), takes or SiteTakes()
        self.users = dict(site.users)
        self.groups = dict(site.groups)
        self.members = {g.id: set(g.members) for g in site.groups.values() if g.members is not None}
        self.nicknames = dict(site.nicknames or {})
        self.refreshes = site.refreshes
        self.new: dict[str, str] = {}
        self.heirs: dict[str, str] = {}
        self.deleted: list[str] = []
        self.on_content: list[ON_CONTENT] = []

    def user(self, ref: Ref | None) -> User | None:
        """Who is meant, as the draft has him; None where he is not there, or not any more."""
        if ref is None:
            return None
        user_id = self.new.get(ref.key) if ref.id is None else None
        if user_id is None:
            known = self.lookup.user(ref)
            user_id = known.id if known is not None else self.new.get(ref.key)
        return None if user_id is None else self.users.get(user_id)

    def group(self, ref: Ref | None) -> Group | None:
        known = self.lookup.group(ref)
        group_id = known.id if known is not None else self.new.get(ref.key) if ref is not None else None
        return None if group_id is None else self.groups.get(group_id)

    def add_user(self, ref: Ref, user: User) -> str:
        """Somebody new; his id is that of the Ref."""
        new_id = self.new[ref.key] = user.id if user.id == ref.new_id else ref.new_id  # of a million no second copy
        if user.id != new_id or user.name != ref.name or user.domain != ref.domain:
            user = replace(user, id=new_id, name=ref.name, domain=ref.domain)
        self.put(user)
        return new_id

    def put(self, user: User) -> None:
        """Somebody as he is now."""
        if "_taken" in self.__dict__:
            self._seat(self.users.get(user.id), -1)
            self._seat(user, 1)
        self.users[user.id] = user

    def remove_user(self, user: str) -> None:
        """Somebody out of everything; what he owns and his rules stay."""
        self._seat(self.users.pop(user), -1)
        for members in self.members.values():
            members.discard(user)

    def add_group(self, ref: Ref, minimum_site_role: str | None, grant_on: str | None) -> str:
        """A new group without members."""
        self.new[ref.key] = ref.new_id
        self.groups[ref.new_id] = Group(ref.new_id, ref.name, ref.domain, frozenset(), minimum_site_role, grant_on)
        self.members[ref.new_id] = set()
        return ref.new_id

    # -- what Tableau looks at before it does something -------------------------------------------------------

    @cached_property
    def _taken(self) -> Counter[str | None]:
        return Counter(licence_of(user.site_role) for user in self.users.values())

    def _seat(self, user: User | None, number: int) -> None:
        if user is not None and "_taken" in self.__dict__:
            self._taken[licence_of(user.site_role)] += number

    def has_seat(self, user: User, role: str) -> bool:
        """Whether a seat is left for the role; none is needed where the user has one of that tier already."""
        tier = licence_of(role)
        seats = (self.before.licences or {}).get(tier or "")
        return tier is None or seats is None or licence_of(user.site_role) == tier or self._taken[tier] < seats

    def floor(self, user: str) -> tuple[str, Group] | None:
        """The role below which nobody can set a user, and the group that grants it on sign-in."""
        granting = [
            group
            for group in self.groups.values()
            if group.minimum_site_role
            and group.grant_on == ON_LOGIN
            and (group.everyone or user in self.members.get(group.id, ()))
        ]
        role = minimum_that_counts(group.minimum_site_role or "" for group in granting)
        return next(((role, group) for group in granting if group.minimum_site_role == role), None) if role else None

    @cached_property
    def owned_kinds(self) -> Mapping[str, frozenset[str]]:
        """The kinds of what each user owns at first, by his id; views count with their workbook."""
        owned: defaultdict[str, set[str]] = defaultdict(set)
        for content in self.before.contents.values():
            if content.kind != "view":
                owned[content.owner].add(content.kind)
        return {owner: frozenset(kinds) for owner, kinds in owned.items()}

    def site(self) -> Site:
        """The Site after everything."""
        groups = {
            g.id: g
            if (members := self.members.get(g.id)) in (None, g.members)
            else replace(g, members=frozenset(members))
            for g in self.groups.values()
        }
        contents = self.before.contents
        if self.heirs:
            contents = {
                c.id: replace(c, owner=self.heirs[c.owner]) if c.owner in self.heirs else c for c in contents.values()
            }
        nicknames = None if self.before.nicknames is None else self.nicknames
        after = replace(
            self.before,
            users=self.users,
            groups=groups,
            contents=contents,
            nicknames=nicknames,
            refreshes=self.refreshes,
        )
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
