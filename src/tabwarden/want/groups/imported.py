"""What Tableau does when it imports or synchronises one of its groups of the directory.

Whoever left the group goes out of it, and is Unlicensed where the directory has disabled or deleted him; whoever is in
it comes in, with at least what the groups grant at synchronisation. Nobody is removed from the server.
Sources: the Active Directory document ("Sync behavior"); "Set Users' Site Roles", import and synchronization matrix.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from typing import NamedTuple

from tabwarden.effects.ops.groups import Grants
from tabwarden.model.roles import is_admin, is_licensed, rank
from tabwarden.model.site import ON_SYNC, Group, User
from tabwarden.want.candidates import renamed_since
from tabwarden.want.directory import Directory, DirectoryPerson
from tabwarden.want.groups.people import Behind
from tabwarden.want.groups.rules import in_order
from tabwarden.want.groups.state import UNLICENSED, State
from tabwarden.want.groups.ways import Target
from tabwarden.want.names.identity import told
from tabwarden.want.wanted import Held

# What a job counts in its notes, by Tableau's names.
ADDED_TO_SITE, ADDED_TO_GROUP = "CountOfUsersAddedToSite", "CountOfUsersAddedToGroup"
REMOVED, MADE_UNLICENSED = "CountOfUsersRemovedFromGroup", "CountOfUsersUnlicensed"
ROLE_UPDATED, NO_SEAT = "CountOfUsersSiteRoleUpdated", "CountOfUsersWithInsufficientLicenses"
UPDATED = "CountOfUsersInformationUpdated"
NOTES = (ADDED_TO_SITE, ADDED_TO_GROUP, REMOVED, MADE_UNLICENSED, ROLE_UPDATED, NO_SEAT, UPDATED)


class Synced(NamedTuple):
    """One import or synchronisation that has something to do: the group's id, and what its notes should count."""

    target: Target
    expected: Mapping[str, int]


class Importing:
    """Synchronises one group after the other, as Tableau would."""

    def __init__(self, state: State, directory: Directory, behind: Behind) -> None:
        self.state, self.directory, self.behind = state, directory, behind
        self.user_by_guid: dict[str, str] = dict(behind.users)
        self.left: dict[str, list[str]] = {}
        self.gone: set[str] = set()
        self.no_seat: dict[str, str] = {}
        self.held: list[Held] = []
        self.synced: list[Synced] = []
        self.restored: dict[str, str] = {}
        self._refreshed: set[str] = set()
        # Where no user's address is told, nobody can see that one differs.
        self._mails_are_told = any(user.email for user in state.now.users.values())

    def synchronise(self, target: Target) -> None:
        """One group, whole; or held, where it would take an administrator's role."""
        state, group = self.state, target.into.id
        enabled = target.members - self.behind.disabled
        current = {self.user_by_guid[guid] for guid in enabled if guid in self.user_by_guid}
        leaving = sorted(state.members(group) - current)
        gone = {user for user in leaving if self.behind.is_gone(state.users[user])}
        renamed = self._renamed(enabled)
        if renamed:
            self.held.append(renamed)
            return
        admins = [user for user in sorted(gone) if is_admin(state.users[user].site_role)]
        if admins:
            self.held.append(self._with_admins(target, admins))
            return
        counts: Counter[str] = Counter()
        wanted = granting(target.into, target)
        regrants = target.is_new or Grants.of(wanted) != Grants.of(target.into)
        if regrants:
            state.put_group(wanted)
        for user in leaving:
            self._take_out(user, target, counts, gone=user in gone)
        self._take_in(target, enabled, counts)
        if regrants or any(counts[note] for note in NOTES if note != NO_SEAT):
            notes = NOTES if self._mails_are_told else [note for note in NOTES if note != UPDATED]
            self.synced.append(Synced(target, {note: counts[note] for note in notes}))

    def _renamed(self, enabled: frozenset[str]) -> Held | None:
        """A member whom the synchronisation would make a second user, for his account has another name now."""
        for guid in enabled:
            person = self.directory.people[guid]
            user = self.behind.renamed(person, person.sam_account_name) if guid not in self.user_by_guid else None
            if user is not None:
                return renamed_since(told(person), user, told(person))
        return None

    def _take_out(self, user: str, target: Target, counts: Counter[str], *, gone: bool) -> None:
        state, group = self.state, target.into.id
        counts[REMOVED] += 1
        if not gone:
            state.leave(user, group, f"is not in `{target.group.name}` any more in the directory; the site role stays")
            self.left.setdefault(user, []).append(target.name)
            return
        because = "is disabled in the directory, or deleted there"
        state.leave(user, group, because)
        self.gone.add(user)
        if state.users[user].site_role != UNLICENSED:
            counts[MADE_UNLICENSED] += 1
            state.give(user, UNLICENSED, because, group)

    def _with_admins(self, target: Target, admins: list[str]) -> Held:
        names = ", ".join(f"`{self.state.users[user].qualified}`" for user in admins)
        reason = f"its synchronisation would take the site role of the administrator {names}, gone from the directory"
        return Held(target.name, reason, "take the administrator's role away by hand first, if that is meant")

    def _take_in(self, target: Target, enabled: frozenset[str], counts: Counter[str]) -> None:
        state, group, people = self.state, target.into.id, self.directory.people
        for person in in_order(people[guid] for guid in enabled if guid not in self.user_by_guid):
            self._add(person, target)
            counts[ADDED_TO_SITE] += 1
        for guid in enabled - self._refreshed:
            counts[UPDATED] += self._refresh(people[guid])
        users = {self.user_by_guid[guid]: guid for guid in enabled}
        for user in sorted(users.keys() - state.members(group)):
            state.enter(user, group, f"is in `{target.group.name}` in the directory")
            counts[ADDED_TO_GROUP] += 1
        for guid in sorted((users[user] for user in state.unsettled(users)), key=self._places.__getitem__):
            self._grant(self.user_by_guid[guid], target, counts)

    @cached_property
    def _places(self) -> Mapping[str, int]:
        """Everybody's place in the order in which seats are given."""
        return {person.guid: place for place, person in enumerate(in_order(self.directory.people.values()))}

    def _add(self, person: DirectoryPerson, target: Target) -> None:
        name, domain = person.sam_account_name, person.domain
        shown = person.display_name or name
        user = User(f"new:user:{domain}\\{name}", name, UNLICENSED, domain, shown, person.email)
        self.user_by_guid[person.guid] = user.id
        self.state.add(user, f"is in `{target.group.name}` in the directory, and not on the site yet", target.into.id)

    def _refresh(self, person: DirectoryPerson) -> bool:
        """Display name and e-mail follow the directory; whether that changed anything."""
        self._refreshed.add(person.guid)
        user = self.state.users[self.user_by_guid[person.guid]]
        names_now = person.display_name or user.full_name, person.email or user.email
        if names_now == (user.full_name, user.email):
            return False
        self.state.rename(user.id, *names_now)
        return self._mails_are_told or names_now[0] != user.full_name

    def _grant(self, user: str, target: Target, counts: Counter[str]) -> None:
        granted_role = self.state.imported_role(user)
        if granted_role is None:
            return
        minimum, role = granted_role
        if self.state.seat_missing(user, role):
            counts[NO_SEAT] += 1
            self.no_seat[user] = role
            return
        counts[ROLE_UPDATED] += 1
        self.no_seat.pop(user, None)
        was_there = not target.is_new and user in self.state.now.members(target.into.id)
        if was_there and target.into == granting(target.into, target):
            self.restored[user] = role
        because = granted(self.state.users[user].site_role, minimum, role, was_there=was_there)
        self.state.give(user, role, because, target.into.id)


def granting(group: Group, target: Target) -> Group:
    """The group with what it is to grant; a rule without a role leaves that as it is."""
    role, mode = target.rule.minimum_site_role, target.rule.grant_on
    if role is None:
        return replace(group, grant_on=group.grant_on or ON_SYNC) if group.minimum_site_role else group
    if not (rank(role) or 0):
        return replace(group, minimum_site_role=None, grant_on=None)
    return replace(group, minimum_site_role=role, grant_on=mode)


def granted(before: str, minimum: str, role: str, *, was_there: bool) -> str:
    """Why a synchronisation gives this role; said are what surprises and what will come back again."""
    sentence = f"the groups grant {minimum} at synchronisation"
    if role != minimum:
        sentence += f", and {before} with {minimum} make {role}"
    if was_there and is_licensed(before):
        sentence += "; a lower role comes back so at every synchronisation"
    elif was_there:
        sentence += "; a licence taken by hand comes back so, as long as the person is in the group"
    return sentence
