"""Joiners and leavers of any source, resolved through the directory a server is joined to.

A word of a source - sAMAccountName, UPN, mail address, `DOMAIN\\name` - becomes the `domain\\name` that the person has
on Tableau, or would get: one person is one key, whatever the sources call her. Who cannot be told is held.
Source: "User Management in Active Directory Deployments".
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import NamedTuple

from tabwarden.model.names import same
from tabwarden.model.open_points import DOCUMENTED, OpenPoints
from tabwarden.model.roles import is_licensed
from tabwarden.model.site import LOCAL, Site, User
from tabwarden.want.candidates import renamed_since
from tabwarden.want.directory import Directory, DirectoryPerson, Domain
from tabwarden.want.names.domains import untrusted
from tabwarden.want.names.identity import distinct, person_of, told, user_called
from tabwarden.want.names.import_rules import imported_by_upn, upn_prefix
from tabwarden.want.roster import Person, Roster
from tabwarden.want.wanted import Held

NO_ACCOUNTS: Mapping[str, str] = MappingProxyType({})
BY_ACCOUNT, BY_DOMAIN, BY_UPN, BY_MAIL = "sAMAccountName", "DOMAIN\\name", "UPN", "mail address"


class PeopleMeant(NamedTuple):
    """The people a word may mean, and by what it was found."""

    people: tuple[DirectoryPerson, ...]
    by: str


class Resolved(NamedTuple):
    """A roster whose people have the names of Tableau; who was left out, and how the others were found."""

    roster: Roster
    held: tuple[Held, ...] = ()
    notes: tuple[str, ...] = ()


def people_meant(directory: Directory, word: str) -> PeopleMeant:
    """Whom a word of a source means: nobody deleted; several where it is one's UPN and another's mail address."""
    domain, slash, name = word.rpartition("\\")
    if slash:
        where = directory.domain(domain)
        return PeopleMeant(_in_domain(directory, name, where.fqdn) if where is not None else (), BY_DOMAIN)
    if "@" not in word:
        return PeopleMeant(_in_domain(directory, word, ""), BY_ACCOUNT)
    before, _, suffix = word.rpartition("@")
    by_upn = directory.people_with_upn(word)
    home = directory.domain(suffix)
    if not by_upn and home is not None:
        by_upn = directory.people_with_account(before, home.fqdn)  # every account answers to that, its UPN or not
    by_mail = directory.people_with_email(word)
    return PeopleMeant(distinct((*by_upn, *by_mail)), BY_UPN if by_upn else BY_MAIL)


def _in_domain(directory: Directory, name: str, fqdn: str) -> tuple[DirectoryPerson, ...]:
    if "@" in name:
        return tuple(p for p in directory.people_with_upn(name) if same(p.domain) == same(fqdn))
    return directory.people_with_account(name, fqdn) or directory.people_with_upn_prefix(name, fqdn)


def resolved_joiners(
    roster: Roster,
    directory: Directory,
    now: Site,
    open_points: OpenPoints = DOCUMENTED,
    accounts: Mapping[str, str] = NO_ACCOUNTS,
) -> Resolved:
    """The joiners by the name they have on Tableau or would get; not found, two found and disabled ones are held.

    So is whose account has another name than at the last good run: `accounts` tells by objectGUID who was who then.
    """
    work = _Work(directory, now, open_points, accounts)
    for person in roster.people:
        work.joiner(person)
    return work.done(roster)


def resolved_leavers(
    roster: Roster, directory: Directory, now: Site, accounts: Mapping[str, str] = NO_ACCOUNTS
) -> Resolved:
    """The leavers by the name they have on Tableau; who is gone from the directory is looked for on Tableau alone."""
    work = _Work(directory, now, DOCUMENTED, accounts, leaving=True)
    for person in roster.people:
        work.leaver(person)
    return work.done(roster)


class _Work:
    """Takes one person after the other; only inside the two functions above."""

    def __init__(
        self,
        directory: Directory,
        now: Site,
        open_points: OpenPoints,
        accounts: Mapping[str, str],
        *,
        leaving: bool = False,
    ) -> None:
        self.directory, self.now, self.open_points, self.leaving = directory, now, open_points, leaving
        self.accounts = accounts
        self.people: list[Person] = []
        self.held: list[Held] = []
        self.notes: list[str] = []
        self.found_by: Counter[str] = Counter()
        self.met: dict[str, Person] = {}
        self.by_mail: dict[str, list[str]] = {}
        for user in now.users.values():
            if user.email:
                self.by_mail.setdefault(same(user.email), []).append(user.id)

    def joiner(self, person: Person) -> None:
        """One who is to be on the site."""
        match = self._one(person, self._stays_local)
        if match is None:
            return
        users = self._users_of(match)
        if not users and self._is_renamed(match):
            return
        if not match.enabled:
            remedy = "enable the account in Active Directory, or take the person off the list"
            self._hold(person, f"`{told(match)}` is disabled in the directory, and is not added", remedy)
        elif users:
            self._keep(person, users[0].qualified)
        elif (reason := self._why_not_new(match)) is not None:
            self._hold(person, *reason)
        else:
            self._keep(person, told(match))

    def leaver(self, person: Person) -> None:
        """One who is to lose it: every user that she has."""
        match = self._one(person, self._gone)
        if match is None:
            return
        users = self._users_of(match)
        if not users and self._is_renamed(match):
            return
        for user in users or (None,):
            self._keep(person, user.qualified if user is not None else told(match))

    def _one(self, person: Person, nobody: Callable[[Person], bool]) -> DirectoryPerson | None:
        """The one person of the directory meant; None where she was held, met before, or dealt with by `nobody`."""
        word = person.name.strip()
        if same(word.rpartition("\\")[0]) in (LOCAL, "."):
            self.people.append(person)
            return None
        people, by = people_meant(self.directory, word)
        if not people:
            if not nobody(person):
                remedy = "write the sAMAccountName, the UPN, the mail address or `DOMAIN\\name` as the directory has it"
                self._hold(person, "is not found in the directory", remedy)
            return None
        if len(people) > 1:
            listed = ", ".join(sorted(f"`{told(p)}`" for p in people))
            remedy = "write which one is meant, as `DOMAIN\\name`"
            self._hold(person, f"means {len(people)} people of the directory: {listed}", remedy)
            return None
        twin = self.met.setdefault(people[0].guid, person)
        if twin is not person:
            self.notes.append(
                f"`{person.name}` (row {person.row}) is the same person as `{twin.name}` (row {twin.row})"
            )
            return None
        self.found_by[by] += 1
        return people[0]

    def _stays_local(self, person: Person) -> bool:
        """A joiner whom only Tableau knows, as a local user: she is there already."""
        ids = self.now.users_named(person.name)
        if not ids or any(self.now.users[user].domain.casefold() != LOCAL for user in ids):
            return False
        self.people.append(person)
        return True

    def _gone(self, person: Person) -> bool:
        """A leaver whom the directory does not have any more: by name, by mail address, or as a deleted account."""
        ids = self.now.users_named(person.name) or self.by_mail.get(same(person.name.strip()), ())
        if len(ids) > 1:
            listed = ", ".join(sorted(f"`{self.now.users[user].qualified}`" for user in ids))
            reason = f"is not in the directory, and means several users: {listed}"
            self._hold(person, reason, "write which one is meant, as `DOMAIN\\name`")
            return True
        # Nobody on Tableau either: whoever wants leavers tells that she is not on the site.
        self.people += [person._replace(name=self.now.users[user].qualified) for user in ids] or [person]
        return True

    def _users_of(self, person: DirectoryPerson) -> tuple[User, ...]:
        """The users a person has on the site: by sAMAccountName, and by UPN prefix where it was imported so."""
        names = dict.fromkeys(name for name in (person.sam_account_name, upn_prefix(person.upn)) if name)
        users = (user_called(self.directory, self.now, person.domain, name) for name in names)
        mine = (user for user in users if user is not None and person in person_of(self.directory, user))
        return tuple({user.id: user for user in mine}.values())

    def _is_renamed(self, person: DirectoryPerson) -> bool:
        """Whether she is on the site under the name her account had at the last good run; then she is held."""
        before = self.now.users_named(self.accounts.get(person.guid, ""))
        if len(before) == 1:
            user = self.now.users[before[0]]
            held = renamed_since(told(person), user, told(person))
            self.held.append(replace(held, leaver=self.leaving and is_licensed(user.site_role)))
        return len(before) == 1

    def _why_not_new(self, person: DirectoryPerson) -> tuple[str, str] | None:
        """Why somebody who is not on the site cannot be added by sAMAccountName, and what to do."""
        domain = self.directory.domain(person.domain) or Domain(person.domain, "")
        refusal = untrusted(self.directory, domain)
        if refusal is not None:
            return refusal.reason, refusal.remedy
        name = person.sam_account_name
        if imported_by_upn(name, twenty_is_long=self.open_points.twenty_characters_by_upn) is not None:
            reason = f"the sAMAccountName `{name}` has {len(name)} characters or an @, so an import would take the UPN"
            return reason, "give the account a sAMAccountName of at most 20 characters without @"
        taken = user_called(self.directory, self.now, person.domain, name)
        if taken is not None:
            reason = f"`{taken.qualified}` on Tableau is somebody else, imported by UPN"
            return reason, "`tabwarden plan rename --upn` gives that user the right name; then run again"
        return None

    def _keep(self, person: Person, name: str) -> None:
        self.people.append(person._replace(name=name))

    def _hold(self, person: Person, reason: str, remedy: str) -> None:
        self.held.append(Held(person.name, reason, remedy, self.leaving))

    def done(self, roster: Roster) -> Resolved:
        """Everything decided; the count of the source's rows stays what it was."""
        notes = list(self.notes)
        if self.found_by:
            listed = ", ".join(f"{number} by {by}" for by, number in self.found_by.items())
            notes.append(f"{roster.source}: found in the directory {listed}")
        return Resolved(replace(roster, people=tuple(self.people)), tuple(self.held), tuple(notes))
