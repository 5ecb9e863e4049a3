"""The group that grants a site role on sign-in: found, created or corrected."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from tabwarden.model.names import hint, some
from tabwarden.model.resolver import meant, unquoted
from tabwarden.model.roles import rank
from tabwarden.model.site import LOCAL, Group, Site
from tabwarden.want.wanted import EXISTS, GRANTS, Held

USUAL_ROLE = "Viewer"


class SignInGroup(NamedTuple):
    """The group as it should be, None where there is none to use.

    `aspect` is EXISTS where it is new, GRANTS where it is corrected, with the sentence in `because`; `held` says
    why what needs the group is left.
    """

    group: Group | None = None
    aspect: str = ""
    because: str = ""
    held: Held | None = None


def sign_in_group(now: Site, name: str, role: str | None, mode: str, *, needed: bool) -> SignInGroup:
    """The group of that name (`domain\\name` too, any letter case), granting `role` in `mode`; None: as it does.

    Unless it is `needed` to put somebody in, it is taken as it is, and not created.
    Of several of that name the local one is meant: people enter no other through Tableau.
    """
    wanted = unquoted(name)
    hits = [now.groups[g] for g in meant(wanted, now.groups, now.groups_named, lambda _: ())]
    local = [g for g in hits if g.domain.casefold() == LOCAL]
    group = next(iter(local or hits), None)
    if not wanted or (group is None and not needed):
        return SignInGroup()
    if group is None:
        return _created(now, wanted, role or USUAL_ROLE, mode)
    if not needed:
        return SignInGroup(group)
    if group.domain.casefold() != LOCAL:
        return SignInGroup(group, held=_of_a_directory(f"{group.domain}\\{group.name}"))
    if role is None:
        return SignInGroup(group)
    return _corrected(now, group, role, mode)


def _created(now: Site, name: str, role: str, mode: str) -> SignInGroup:
    domain, backslash, bare = name.strip().rpartition("\\")
    if backslash and domain.casefold() != LOCAL:
        return SignInGroup(held=_of_a_directory(name))
    # The id is only a place-holder until Tableau gives one.
    group = Group(f"new:group:{bare}".casefold(), bare, LOCAL, frozenset(), role, mode)
    near = hint(bare, {one.name: "" for one in now.groups.values()})
    return SignInGroup(group, EXISTS, f"the group that grants {role} on sign-in is not there yet{near}")


def _corrected(site: Site, group: Group, role: str, mode: str) -> SignInGroup:
    # A mode that was not told is not wrong: a local group with a minimum role grants it on sign-in.
    mode_is_right = group.grant_on == mode or (group.grant_on is None and group.minimum_site_role is not None)
    if group.minimum_site_role == role and mode_is_right:
        return SignInGroup(group)
    now = f"{group.minimum_site_role or 'no role'} ({group.grant_on or 'no mode'})"
    right = replace(group, minimum_site_role=role, grant_on=mode)
    # The members whom the next sign-in would have raised to what the group granted, which is more than `role`.
    before, after = rank(group.minimum_site_role or "") or 0, rank(role) or 0
    users = (site.users[member] for member in site.members(group.id) if member in site.users)
    waiting = (user for user in users if after < before and (has := rank(user.site_role)) is not None and has < before)
    less = some(sorted(user.qualified for user in waiting))
    loss = f"; by it no longer raised to {group.minimum_site_role}: {less}" if less else ""
    return SignInGroup(right, GRANTS, f"the group grants {now} and is to grant {role} ({mode}){loss}")


def _of_a_directory(name: str) -> Held:
    reason = "is a group of a directory: nobody is put into it through Tableau"
    return Held(name, reason, "name a local group in `group`, or put the people into it in the directory")
