"""What happens to people: added, signed in, given a role, put into groups, synchronised, removed.

Pure: each event gives an Outcome with the Site after it, also when Tableau refuses (a refused removal still takes
the licence). It does not ask who may do it.
Sources: "Grant License on Sign In", "Set Users' Site Roles", "View, Manage, or Remove Users" (Server Help 2020.3), the
Active Directory document; tableau-permissions §8.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import NamedTuple

from tabwarden.effects.content import change_owner, without_grantee
from tabwarden.model.open_points import DOCUMENTED, OpenPoints
from tabwarden.model.roles import (
    LEGACY_ROLES,
    SETTABLE,
    SETTABLE_LEGACY,
    current_role,
    is_licensed,
    is_server_admin,
    licence_of,
    may_own,
    merge,
    minimum_that_counts,
    rank,
)
from tabwarden.model.seats import free_seats
from tabwarden.model.site import ON_LOGIN, ON_SYNC, Grantee, Group, GroupSet, Site, User

# Tableau's six digits for a refusal; marks in tableau-rest §A.8.
REFUSAL_CODES: Mapping[str, str] = MappingProxyType(
    {
        "invalid_site_role": "400013",
        "guest_not_addable": "409005",
        "user_exists": "409017",
        "group_exists": "409009",
        "already_member": "409011",
        "not_member": "404022",
        "no_seat": "409014",
        "glsi_floor": "400003",
        "owns_content": "409003",
        "owns_content_all_users_glsi": "409003",
        "unlicensed": "401001",
        "all_users": "403004",
    }
)


class Outcome(NamedTuple):
    """What an event did: the Site after it, whether it was done as asked, and the reason code."""

    site: Site
    done: bool
    because: str


# -- roles ----------------------------------------------------------------------------------------------------


def floor(site: Site, user: str, *modes: str, open_points: OpenPoints = DOCUMENTED) -> str | None:
    """The highest minimum site role of the groups `user` is in (B; an open point makes it the lowest).

    `modes` limits it to grant modes, by default grant on sign-in; a group without a mode grants at synchronisation.
    """
    wanted = modes or (ON_LOGIN,)
    groups = (site.groups[g] for g in site.groups_of(user))
    roles = (g.minimum_site_role for g in groups if (g.grant_on or ON_SYNC) in wanted and g.minimum_site_role)
    return minimum_that_counts(roles, open_points)


def _seat_missing(site: Site, user: str | None, role: str) -> bool:
    has = user is not None and licence_of(site.users[user].site_role) == licence_of(role)
    left = free_seats(site, role)
    return not has and left is not None and left <= 0


def _with_role(site: Site, user: str, role: str) -> Site:
    return site.with_users(replace(site.users[user], site_role=role))


def set_site_role(
    site: Site, user: str, role: str, *, via_rest: bool = True, open_points: OpenPoints = DOCUMENTED
) -> Outcome:
    """Give a role. Never below the floor of a grant-on-sign-in group, signed in or not (§8.1)."""
    now = site.users[user].site_role
    wanted = current_role(role)
    if via_rest and (role == "ServerAdministrator" or is_server_admin(now)):
        return Outcome(site, False, "not_settable_by_rest")
    refusal = _unsettable(role, via_rest=via_rest)
    if refusal is not None:
        return Outcome(site, False, refusal)
    minimum = floor(site, user, open_points=open_points)
    if minimum is not None and (rank(wanted) or 0) < (rank(minimum) or 0):
        return Outcome(site, False, "glsi_floor")
    if _seat_missing(site, user, wanted):
        return Outcome(site, False, "no_seat")
    return Outcome(_with_role(site, user, wanted), True, "role_set")


def _unsettable(role: str, *, via_rest: bool) -> str | None:
    if role == "Guest":
        return "guest_not_addable"
    accepted = SETTABLE | SETTABLE_LEGACY | (frozenset() if via_rest else {"ServerAdministrator"})
    return None if role in accepted else "invalid_site_role"


def sign_in(site: Site, user: str, *, open_points: OpenPoints = DOCUMENTED) -> Outcome:
    """Sign in: who is below the minimum of a grant-on-sign-in group gets it (§8.1); Unlicensed without one stays out.

    The minimum itself is given, by rank; the matrix of `merge` belongs to imports and synchronisation (§2.1). Guest
    and Support User have no rank and stay what they are.
    """
    now = site.users[user].site_role
    minimum, has = floor(site, user, open_points=open_points), rank(now)
    if minimum is not None and has is not None and (rank(minimum) or 0) > has:
        wanted = current_role(minimum)
        if not _seat_missing(site, user, wanted):
            return Outcome(_with_role(site, user, wanted), True, "glsi_grant")
        if not is_licensed(now):
            return Outcome(site, False, "no_seat")
    if not is_licensed(now):
        return Outcome(site, False, "unlicensed")
    return Outcome(site, True, "licensed")


def directory_sync(site: Site, user: str, imported: str) -> Outcome:
    """An import or synchronisation with a role for `user`: the explicit matrix, which never demotes (§8.2)."""
    role = merge(site.users[user].site_role, imported)
    if _seat_missing(site, user, role):
        return Outcome(site, False, "no_seat")
    return Outcome(_with_role(site, user, role), True, "sync_never_demotes")


def import_member(site: Site, user: str, *, open_points: OpenPoints = DOCUMENTED) -> Outcome:
    """A group's import or sync holds `user`: nothing where the role is granted on sign-in, else the minimum role.

    So a role lowered by hand below a synchronised group's minimum comes back (§8.2).
    """
    minimum = floor(site, user, ON_SYNC, open_points=open_points)
    if minimum is None:
        unlicensed = not is_licensed(site.users[user].site_role)
        return Outcome(site, True, "imported_unlicensed" if unlicensed else "role_kept")
    return directory_sync(site, user, minimum)


def group_sync(site: Site, group: str, user: str, *, gone: bool) -> Outcome:
    """A synchronised group no longer holds `user`; who is still in it meets `import_member`.

    `gone` (deleted or disabled in the directory): out of the group and Unlicensed. Otherwise out of the group, role
    kept. Never removed from the server, always still in All Users (Active Directory document, "Sync behavior").
    """
    left = _without_member(site, group, user)
    if gone:
        return Outcome(_with_role(left, user, "Unlicensed"), True, "gone_from_directory")
    return Outcome(left, True, "left_group")


# -- coming and going -----------------------------------------------------------------------------------------


def add_user(site: Site, user: User, *, refuse_without_seat: bool = False) -> Outcome:
    """Add somebody. Without a free seat he silently comes in Unlicensed (§8.4), or is refused where asked so."""
    refusal = _unsettable(user.site_role, via_rest=True)
    if refusal is not None:
        return Outcome(site, False, refusal)
    if any(site.users[u].domain == user.domain for u in site.users_named(user.name)):
        return Outcome(site, False, "user_exists")
    role = LEGACY_ROLES.get(user.site_role, user.site_role)
    if _seat_missing(site, None, role):
        if refuse_without_seat:
            return Outcome(site, False, "no_seat")
        return Outcome(site.with_users(replace(user, site_role="Unlicensed")), False, "added_unlicensed")
    return Outcome(site.with_users(replace(user, site_role=role)), True, "added")


def owned_by(site: Site, user: str) -> tuple[str, ...]:
    """Ids of the content `user` owns; views count with their workbook."""
    return tuple(content for content in site.owned_by(user) if site.contents[content].kind != "view")


def remove_user(site: Site, user: str, *, heir: str | None = None) -> Outcome:
    """Remove somebody. An owner stays: out of his groups and Unlicensed, unless `heir` receives his content.

    Where All Users grants a role on sign-in an owner can be neither removed nor unlicensed (§8.1, §8.3).
    """
    if heir == user:
        return Outcome(site, False, "heir_leaves_too")
    owned = owned_by(site, user)
    if owned and heir is not None:
        for content in owned:
            site = change_owner(site, content, heir)
        owned = ()
    if owned:
        everyone = site.all_users
        if everyone is not None and everyone.grant_on == ON_LOGIN and everyone.minimum_site_role:
            return Outcome(site, False, "owns_content_all_users_glsi")
        for group in site.groups_of(user):
            site = _without_member(site, group, user)
        return Outcome(_with_role(site, user, "Unlicensed"), False, "owns_content")
    for group in site.groups_of(user):
        site = _without_member(site, group, user)
    return Outcome(without_grantee(site.without_users((user,)), Grantee("user", user)), True, "no_content")


def assign_owner(site: Site, user: str, kind: str, open_points: OpenPoints = DOCUMENTED) -> Outcome:
    """Whether `user` may become the owner of content of that kind (§7): never Guest, of projects only publishers."""
    role = site.users[user].site_role
    if current_role(role) == "Guest":
        return Outcome(site, False, "guest_cannot_own")
    fits = may_own(role, kind, open_points)
    return Outcome(site, fits, "assigned" if fits else "site_role")


# -- groups ---------------------------------------------------------------------------------------------------


def create_group(site: Site, group: Group) -> Outcome:
    """A new group; names are unique within a domain, in any letter case."""
    if _taken(site, group):
        return Outcome(site, False, "group_exists")
    return Outcome(site.with_groups(group), True, "created")


def _taken(site: Site, group: Group) -> bool:
    key = (group.name.casefold(), group.domain.casefold())
    named = (site.groups[g] for g in site.groups_named(group.name) if g != group.id)
    return any((g.name.casefold(), g.domain.casefold()) == key for g in named)


def update_group(site: Site, group: Group) -> Outcome:
    """Another name, minimum site role or grant mode; All Users keeps its name."""
    if site.groups[group.id].everyone and group.name != site.groups[group.id].name:
        return Outcome(site, False, "all_users")
    if _taken(site, group):
        return Outcome(site, False, "group_exists")
    return Outcome(site.with_groups(group), True, "updated")


def delete_group(site: Site, group: str, open_points: OpenPoints = DOCUMENTED) -> Outcome:
    """Delete a group with its rules and its place in group sets (B: an open point); All Users stays.

    A set that has one group less holds whoever is in the rest of them: deleting a group can give access.
    """
    if site.groups[group].everyone:
        return Outcome(site, False, "all_users")
    leaves = open_points.deleted_group_leaves_sets
    concerned = (s for s in site.group_sets.values() if group in s.groups)
    sets = (replace(s, groups=s.groups - {group} if leaves else frozenset()) for s in concerned)
    left = site.without_groups((group,)).with_group_sets(*sets)
    if group in left.on_demand:
        left = replace(left, on_demand=left.on_demand - {group})
    return Outcome(without_grantee(left, Grantee("group", group)), True, "deleted")


def add_to_group(site: Site, group: str, users: Iterable[str]) -> Outcome:
    """Put users into a group; refused when one of them is in it already. Unread members stay unread."""
    current = site.groups[group]
    if current.everyone:
        return Outcome(site, False, "all_users")
    if current.members is None:
        return Outcome(site, True, "added")
    added, members = frozenset(users), current.members
    if added & members:
        return Outcome(site, False, "already_member")
    return Outcome(site.with_groups(replace(current, members=members | added)), True, "added")


def remove_from_group(site: Site, group: str, users: Iterable[str]) -> Outcome:
    """Take users out of a group; refused when one of them is not in it. Unread members stay unread."""
    current = site.groups[group]
    if current.everyone:
        return Outcome(site, False, "all_users")
    if current.members is None:
        return Outcome(site, True, "removed")
    gone, members = frozenset(users), current.members
    if gone - members:
        return Outcome(site, False, "not_member")
    return Outcome(site.with_groups(replace(current, members=members - gone)), True, "removed")


def _without_member(site: Site, group: str, user: str) -> Site:
    current = site.groups[group]
    if current.everyone or current.members is None:
        return site
    return site.with_groups(replace(current, members=current.members - {user}))


# -- group sets -----------------------------------------------------------------------------------------------


def put_group_set(site: Site, group_set: GroupSet) -> Outcome:
    """Create or change a group set; names are unique."""
    name = group_set.name.casefold()
    if any(s.name.casefold() == name and s.id != group_set.id for s in site.group_sets.values()):
        return Outcome(site, False, "group_set_exists")
    return Outcome(site.with_group_sets(group_set), True, "created")


def delete_group_set(site: Site, group_set: str) -> Outcome:
    """Delete a group set with its rules."""
    left = site.without_group_sets((group_set,))
    return Outcome(without_grantee(left, Grantee("groupSet", group_set)), True, "deleted")
