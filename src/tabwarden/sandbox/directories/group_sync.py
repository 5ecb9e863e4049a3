"""Importing a group from the directory and synchronising it again: what happens to people.

The directory is read whole before anything changes; what goes wrong then leaves the site as it was.
Sources: the Active Directory document ("Sync behavior when removing users from Active Directory"); "Set Users' Site
Roles" for what an import does to roles; server-client-python and the migration SDK for the notes of a job.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from tabwarden.effects import people
from tabwarden.model.errors import TabwardenError
from tabwarden.model.site import LOCAL, Group, Site, User
from tabwarden.sandbox.directories import identity
from tabwarden.sandbox.directories.directory import DirectoryGroup, Person
from tabwarden.sandbox.http.errors import Refusal, because, unknown
from tabwarden.sandbox.state.server_state import Note
from tabwarden.sandbox.state.sites import State

IN_DIRECTORY = "CountOfUsersInActiveDirectoryGroup"
PROCESSED = "CountOfUsersProcessed"
SKIPPED = "CountOfUsersSkipped"
ADDED_TO_SITE = "CountOfUsersAddedToSite"
ADDED_TO_GROUP = "CountOfUsersAddedToGroup"
NO_SEAT = "CountOfUsersWithInsufficientLicenses"
ROLE_UPDATED = "CountOfUsersSiteRoleUpdated"
UPDATED = "CountOfUsersInformationUpdated"
REMOVED = "CountOfUsersRemovedFromGroup"
UNLICENSED = "CountOfUsersUnlicensed"


@dataclass
class _Work:
    """A site on its way through an import or synchronisation, and what has been counted."""

    state: State
    site: Site
    group: str = ""
    domains: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    def take_in(self, person: Person) -> None:
        """One enabled member: on the site, up to date, in the group, with at least the role it grants on sync."""
        self.counts[PROCESSED] += 1
        wanted = identity.key(person.domain, person.sam_account_name)
        users = (self.site.users[u] for u in self.site.users_named(person.sam_account_name))
        user = next((u for u in users if identity.key(u.domain, u.name) == wanted), None)
        if user is None:
            user = self._added(person)
        else:
            self._refresh(user, person)
        if user.id not in self.site.members(self.group):
            self.site = people.add_to_group(self.site, self.group, (user.id,)).site
            self.counts[ADDED_TO_GROUP] += 1
        before = self.site.users[user.id].site_role
        outcome = people.import_member(self.site, user.id, open_points=self.state.open_points)
        self.site = outcome.site
        if not outcome.done:
            self.counts[NO_SEAT] += 1
        elif self.site.users[user.id].site_role != before:
            self.counts[ROLE_UPDATED] += 1

    def _added(self, person: Person) -> User:
        new_id = self.state.new_id(self.site, "user")
        shown = person.display_name or person.sam_account_name
        user = User(new_id, person.sam_account_name, "Unlicensed", person.domain, shown, person.email)
        self.site = people.add_user(self.site, user).site
        self.domains.append(person.domain)
        self.counts[ADDED_TO_SITE] += 1
        return user

    def _refresh(self, user: User, person: Person) -> None:
        shown, email = person.display_name or user.full_name, person.email or user.email
        if (shown, email) != (user.full_name, user.email):
            self.site = self.site.with_users(replace(user, full_name=shown, email=email))
            self.counts[UPDATED] += 1

    def take_out(self, user: User, *, gone: bool) -> None:
        """One who is no member any more; `gone` from the directory, or disabled in it, he loses his licence too."""
        self.site = people.group_sync(self.site, self.group, user.id, gone=gone).site
        self.counts[PROCESSED] += 1
        self.counts[REMOVED] += 1
        if gone and user.site_role != "Unlicensed":
            self.counts[UNLICENSED] += 1

    def keep(self) -> tuple[Note, ...]:
        """Store all of it at once."""
        self.state.put(self.site)
        for domain in dict.fromkeys(self.domains):
            identity.learn(self.state, domain)
        return tuple(Note(kind, str(count), f"{kind}: {count}") for kind, count in sorted(self.counts.items()))


def _members(state: State, group: DirectoryGroup) -> Sequence[Person]:
    try:
        return identity.asked(state.directory).members(group)
    except TabwardenError as trouble:
        raise identity.silent(trouble) from None


def import_group(
    state: State, site_id: str, domain: str, name: str, *, role: str | None, grant_on: str | None
) -> tuple[str, tuple[Note, ...]]:
    """Import a group with everybody in it, nested groups resolved; gives its id and the notes.

    Disabled people are left out. Refused as a whole when the domain, the group or the directory is not there.
    """
    directory_group = identity.group_named(state, domain, name)
    members = _members(state, directory_group)
    new = Group(
        state.new_id(state.site(site_id), "group"),
        directory_group.name,
        directory_group.domain,
        frozenset(),
        role,
        grant_on,
    )
    outcome = people.create_group(state.site(site_id), new)
    if not outcome.done:
        raise because(outcome.because)
    work = _Work(state, outcome.site, new.id, [directory_group.domain])
    _take_in(work, members)
    return new.id, work.keep()


def sync_group(
    state: State, site_id: str, group_id: str, *, role: str | None = None, grant_on: str | None = None
) -> tuple[Note, ...]:
    """Make a group's members those of the directory, with the role it grants from now on.

    A group that has vanished from the directory is refused: nobody can tell that from one that cannot be read.
    """
    site = state.site(site_id)
    group = site.groups.get(group_id)
    if group is None:
        raise unknown("group", group_id)
    if group.domain == LOCAL:
        raise Refusal("malformed_import", "a local group is not synchronised with a directory")
    directory_group = identity.group_named(state, group.domain, group.name)
    members = _members(state, directory_group)
    current = {identity.key(p.domain, p.sam_account_name) for p in members if p.enabled}
    members_here = map(site.users.__getitem__, sorted(site.members(group_id)))
    leaving = [user for user in members_here if identity.key(user.domain, user.name) not in current]
    gone = {u.id: _is_gone(state, u) for u in leaving}
    site = site.with_groups(replace(group, minimum_site_role=role, grant_on=grant_on))
    work = _Work(state, site, group_id)
    for user in leaving:
        work.take_out(user, gone=gone[user.id])
    _take_in(work, members)
    return work.keep()


def _take_in(work: _Work, members: Sequence[Person]) -> None:
    work.counts[IN_DIRECTORY] = len(members)
    for person in members:
        if person.enabled:
            work.take_in(person)
        else:
            work.counts[SKIPPED] += 1


def _is_gone(state: State, user: User) -> bool:
    """Whether somebody who left the group is disabled in the directory or not in it at all; a local user is neither."""
    if not identity.of_directory(state, user):
        return False
    person = identity.behind(state, user)
    return person is None or not person.enabled
