"""Users, groups and group sets from rows of the repository."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

from tabwarden.model.roles import is_known
from tabwarden.model.site import Grantee, Group, GroupSet, User
from tabwarden.tableau.repository.codes import grant_of, role_by_licence, role_of_person, site_role_of
from tabwarden.tableau.repository.connecting import Repository


class People(NamedTuple):
    """Users, groups and group sets by id; whom a rule's `grantee_type` and number mean; what is not known."""

    users: Mapping[str, User]
    groups: Mapping[str, Group]
    group_sets: Mapping[str, GroupSet]
    grantees: Mapping[tuple[str, str], Grantee]
    remarks: tuple[str, ...]

    def user(self, number: str) -> str:
        """The id of a user by number; '' for one who is not on the site."""
        user = self.grantees.get(("User", number))
        return user.id if user is not None else ""


def read_people(repository: Repository, site: str) -> People:
    """Everybody on the site with that number."""
    grantees: dict[tuple[str, str], Grantee] = {}
    users = _users(repository, site, grantees)
    groups = _groups(repository, site, grantees)
    sets = _group_sets(repository, site, grantees)
    strange = Counter(user.site_role for user in users.values() if not is_known(user.site_role))
    remarks = [*repository.statements["users"].unknown, *repository.statements["groups"].unknown]
    for role, number in sorted(strange.items()):
        remarks.append(f"site roles of {number} users" + (f": what `{role}` is, is not known" if role else ""))
    return People(users, groups, sets, grantees, tuple(remarks))


def _users(repository: Repository, site: str, grantees: dict[tuple[str, str], Grantee]) -> dict[str, User]:
    statement = repository.statements["users"]
    has_roles = "users:role" in statement.facts
    users: dict[str, User] = {}
    for row in repository.rows("users", site):
        number, luid, name, domain, full_name, email, last_login, level, *roles = row
        role, shown, licence, publisher, old_level = roles
        own = site_role_of(role, shown) if has_roles else role_by_licence(licence, publisher, old_level)
        users[luid] = User(
            id=luid,
            name=name,
            site_role=role_of_person(own, level),
            domain=domain,
            full_name=full_name,
            email=email,
            last_login=last_login or None,
        )
        grantees["User", number] = Grantee("user", luid)
    return users


def _groups(repository: Repository, site: str, grantees: dict[tuple[str, str], Grantee]) -> dict[str, Group]:
    groups_by_id: dict[str, Group] = {}
    for number, luid, name, domain, everyone, minimum, shown, grant in repository.rows("groups", site):
        groups_by_id[luid] = Group(
            id=luid,
            name=name,
            domain=domain,
            minimum_site_role=site_role_of(minimum, shown) or None,
            grant_on=grant_of(grant),
            everyone=everyone == "true",
        )
        grantees["Group", number] = Grantee("group", luid)
    members: defaultdict[str, list[str]] = defaultdict(list)
    for group, user in repository.rows("memberships", site):
        group_there, who = grantees.get(("Group", group)), grantees.get(("User", user))
        if group_there is not None and who is not None:
            members[group_there.id].append(who.id)
    return {luid: replace(group, members=frozenset(members.get(luid, ()))) for luid, group in groups_by_id.items()}


def _group_sets(repository: Repository, site: str, grantees: dict[tuple[str, str], Grantee]) -> dict[str, GroupSet]:
    names: dict[str, str] = {}
    within: defaultdict[str, set[str]] = defaultdict(set)
    for number, luid, name, group in repository.rows("group sets", site):
        names[luid] = name
        grantees["GroupSet", number] = Grantee("groupSet", luid)
        group_there = grantees.get(("Group", group))
        if group_there is not None:
            within[luid].add(group_there.id)
    return {luid: GroupSet(luid, name, frozenset(within[luid])) for luid, name in names.items()}
