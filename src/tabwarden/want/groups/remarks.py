"""What a synchronisation forecasts, in sentences: ways, roles that come back, conflicts, seats. It decides nothing."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain

from tabwarden.model.names import some
from tabwarden.model.roles import SITE_ROLES, is_licensed, licence_of, minimum_that_counts, rank
from tabwarden.model.site import ON_LOGIN, ON_SYNC, Group, Site
from tabwarden.model.tables import grouped
from tabwarden.want.groups.imported import Importing
from tabwarden.want.groups.membership import Joining
from tabwarden.want.groups.rules import IMPORT
from tabwarden.want.groups.state import State
from tabwarden.want.groups.ways import Target


def remarks(
    site: Site, state: State, targets: Sequence[Target], importing: Importing, joining: Joining
) -> tuple[str, ...]:
    """Everything worth knowing that is no change, in the order people ask for it."""
    return tuple(
        chain(
            _ways(targets),
            _coming_back(site, {**importing.restored, **joining.restored}),
            _bouncing(site, importing.gone | joining.gone),
            _conflicts(site, targets),
            _waiting(site, joining.waits),
            _without_seat(site, {**importing.no_seat, **joining.no_seat}),
            _first_sign_in(site, state, targets),
            _untouched(site, joining.untouched),
            _unknown(targets),
        )
    )


def _ways(targets: Sequence[Target]) -> Iterator[str]:
    reasons = grouped(((target.way, target.because), target.name) for target in targets)
    for (way, because), names in reasons.items():
        how = "Tableau's own import and synchronisation" if way == IMPORT else "membership calls"
        yield f"{some(names)}: by {how}, because {because}"


def _coming_back(site: Site, restored: Mapping[str, str]) -> Iterator[str]:
    by_role = grouped((role, site.users[user].qualified) for user, role in restored.items())
    for role, names in by_role.items():
        yield (
            f"{some(names)}: lowered by hand, and back at {role} with this synchronisation and each one after it; "
            "take them out of the group in the directory first"
        )


def _bouncing(site: Site, gone: Iterable[str]) -> Iterator[str]:
    """Who becomes Unlicensed and stays in a group that gives the role back."""
    unlicensed = {user for user in gone if not is_licensed(site.users[user].site_role)}
    for group in site.groups.values():
        if rank(group.minimum_site_role or ""):
            for user in sorted(unlicensed & site.members(group.id)):
                when = "at the next sign-in" if group.grant_on == ON_LOGIN else "when that group is synchronised"
                yield (
                    f"`{site.users[user].qualified}` becomes Unlicensed and stays in `{group.name}`, which grants "
                    f"{group.minimum_site_role} again {when}; synchronise that group too, or take the person out of it"
                )


def _conflicts(site: Site, targets: Sequence[Target]) -> Iterator[str]:
    """People in groups with different minimum site roles."""
    holders: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for target in targets:
        group = site.groups.get(target.into.id)
        if group is None:
            continue
        role, mode = _granted(group, target)
        if rank(role or ""):
            holders[mode, str(role)] |= group.members or frozenset()
    for mode in (ON_SYNC, ON_LOGIN):
        roles = [role for role in SITE_ROLES if (mode, role) in holders]
        several = Counter(user for role in roles for user in holders[mode, role]) if len(roles) > 1 else Counter[str]()
        users_by_roles: defaultdict[tuple[str, ...], list[str]] = defaultdict(list)
        for user in sorted(user for user, number in several.items() if number > 1):
            mine = tuple(role for role in roles if user in holders[mode, role])
            users_by_roles[mine].append(site.users[user].qualified)
        for mine, names in users_by_roles.items():
            when = "on sign-in" if mode == ON_LOGIN else "at synchronisation"
            listed = f"{', '.join(mine[:-1])} and {mine[-1]}"
            yield f"{some(names)}: in groups that grant {listed} {when}; {minimum_that_counts(mine)} counts"


def _granted(group: Group, target: Target) -> tuple[str | None, str]:
    if target.way != IMPORT and target.rule.minimum_site_role and target.rule.grant_on == ON_SYNC:
        return target.rule.minimum_site_role, ON_SYNC
    return group.minimum_site_role, group.grant_on or ON_SYNC


def _waiting(site: Site, waits: Mapping[str, str]) -> Iterator[str]:
    """People whom another group of theirs promises more on sign-in than they are to be given now."""
    by_role = grouped((role, site.users[user].qualified) for user, role in waits.items())
    for role, names in by_role.items():
        yield (
            f"{some(names)}: another group grants {role} on sign-in, and Tableau refuses to give less before; they "
            f"get {role} at the next sign-in"
        )


def _without_seat(site: Site, no_seat: Mapping[str, str]) -> Iterator[str]:
    by_role = grouped((role, site.users[user].qualified) for user, role in no_seat.items())
    for role, names in by_role.items():
        tier = licence_of(role)
        yield f"{some(names)}: no seat for {role}; free or buy {len(names)} of tier {tier}, then run again"


def _first_sign_in(site: Site, state: State, targets: Sequence[Target]) -> Iterator[str]:
    """More people who get a role on sign-in than there are seats."""
    waiting: defaultdict[str, set[str]] = defaultdict(set)
    for target in targets:
        group = site.groups.get(target.into.id)
        tier = licence_of(group.minimum_site_role or "") if group is not None and group.grant_on == ON_LOGIN else None
        if group is not None and tier is not None and state.free_seats(tier) is not None:
            waiting[tier] |= {u for u in group.members or () if not is_licensed(site.users[u].site_role)}
    for tier, users in waiting.items():
        free = max(state.free_seats(tier) or 0, 0)
        if len(users) > free:
            yield (
                f"{len(users)} people get a {tier} licence at their first sign-in, and {free} {tier} seats are free; "
                "the rest cannot sign in until more are"
            )


def _untouched(site: Site, untouched: Iterable[str]) -> Iterator[str]:
    for user in sorted(untouched):
        yield f"`{site.users[user].qualified}` is protected and left as is"


def _unknown(targets: Sequence[Target]) -> Iterator[str]:
    for target in targets:
        if target.group.orphans:
            yield (
                f"`{target.name}` has {len(target.group.orphans)} members whose account is gone from the domain they "
                "came from"
            )
        if target.group.others:
            yield f"`{target.name}` has {target.group.others} members that are neither people nor groups"
