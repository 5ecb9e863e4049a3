"""Whom of a directory a Tableau user stands for, and which user of a site a name is.

Tableau keeps a user by domain and name; the name is the sAMAccountName or, imported otherwise, the UPN prefix ("User
Management in Active Directory Deployments").
"""

from __future__ import annotations

from collections.abc import Iterable

from tabwarden.model.names import same
from tabwarden.model.site import Site, User
from tabwarden.want.directory import Directory, DirectoryPerson
from tabwarden.want.wanted import Held


def told(person: DirectoryPerson) -> str:
    """A person of the directory as a person writes him: `domain\\sAMAccountName`."""
    return f"{person.domain}\\{person.sam_account_name}"


def distinct(people: Iterable[DirectoryPerson]) -> tuple[DirectoryPerson, ...]:
    """Each person once, in the order met."""
    return tuple({person.guid: person for person in people}.values())


def user_called(directory: Directory, now: Site, domain: str, name: str) -> User | None:
    """The user of that name whose domain, by FQDN or by the NetBIOS name, is this one."""
    users = (now.users[user] for user in now.users_named(name))
    return next((u for u in users if same(u.name) == same(name) and same(fqdn_of(directory, u)) == same(domain)), None)


def person_of(directory: Directory, user: User) -> tuple[DirectoryPerson, ...]:
    """Whom of the directory a Tableau user stands for: by sAMAccountName, else by UPN prefix; nobody for a local one.

    Several where the name is one person's sAMAccountName and another's UPN prefix, and nothing else tells them apart:
    the mail address and the display name on Tableau came from the directory.
    """
    domain = fqdn_of(directory, user)
    accounts = directory.people_with_account(user.name, domain)
    people = distinct((*accounts, *directory.people_with_upn_prefix(user.name, domain)))
    if len(people) <= 1:
        return people
    by_mail = [p for p in people if user.email and same(p.email) == same(user.email)]
    by_name = [p for p in people if user.full_name and same(p.display_name) == same(user.full_name)]
    for alike in (by_mail, by_name):
        if len(alike) == 1:
            return tuple(alike)
    return people


def accounts_of(directory: Directory, now: Site) -> dict[str, str]:
    """By objectGUID, who on a site is clearly whom of the directory, as a person types that user."""
    domains = {same(word) for d in directory.domains for word in (d.fqdn, d.netbios)}
    pairs = ((user, person_of(directory, user)) for user in now.users.values() if same(user.domain) in domains)
    return {people[0].guid: user.qualified for user, people in pairs if len(people) == 1}


def imported_by_mistake(directory: Directory, now: Site) -> tuple[tuple[tuple[User, DirectoryPerson], ...], list[Held]]:
    """The users of a site whose name is a UPN prefix and not the sAMAccountName, with the person each is.

    Users whose name means two people are held. Local users, and those whom the directory does not have, are neither.
    """
    mistakes: list[tuple[User, DirectoryPerson]] = []
    held: list[Held] = []
    domains = {same(word) for d in directory.domains for word in (d.fqdn, d.netbios)}
    for user in now.users.values():
        if same(user.domain) not in domains:
            continue
        people = person_of(directory, user)
        if len(people) > 1:
            listed = ", ".join(f"`{told(p)}`" for p in people)
            remedy = "tell by hand whose user it is, then `tabwarden plan rename OLD=NEW`"
            held.append(Held(f"{user.domain}\\{user.name}", f"the name means several people: {listed}", remedy))
        elif people and same(people[0].sam_account_name) != same(user.name):
            mistakes.append((user, people[0]))
    return tuple(mistakes), held


def fqdn_of(directory: Directory, user: User) -> str:
    """The FQDN of a user's domain, which Tableau may tell by its NetBIOS name."""
    domain = directory.domain(user.domain)
    return domain.fqdn if domain is not None else user.domain
