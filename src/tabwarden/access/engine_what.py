"""What one person may, on every content: masks of capabilities. Not who may on one content (`engine_who`).

The masks are made for classes of contents and spread; contents the person owns or rules are put right after.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from tabwarden.access.columns import GROUP, GROUP_SET, NONE, USER, Array
from tabwarden.access.engine_algebra import Facts, Settled, Spoken, decide, settle, undecided
from tabwarden.access.engine_listed import included, listed
from tabwarden.access.engine_parts import Parts
from tabwarden.access.engine_people import Belongs


class Masks(NamedTuple):
    """For every content a mask of capabilities (bit c is `Engine.capabilities[c]`).

    What is in neither mask is denied; `unknown` is None where nothing is unknown.
    """

    allowed: Array
    unknown: Array | None


class Apart(NamedTuple):
    """Contents where more than rules decides: owned, ruled or perhaps ruled; bools a content.

    `barred` and `barred_unknown` say whether a lock keeps the person from setting permissions.
    """

    contents: Array
    power: Array
    power_unknown: Array | None
    barred: Array
    barred_unknown: Array | None


class Mine(NamedTuple):
    """What a user may: masks by class, and masks of the contents (rising) where more than the class decides."""

    by_class: Settled
    apart: Array
    there: Settled


def mine_of(parts: Parts, user: int, belongs: Belongs | None = None) -> Mine:
    """What a user may, by class; or would, if he belonged to other groups."""
    role = int(parts.columns.users.role[user])
    of_content, reach, tables = parts.classes.of_content, parts.reach_of(role), parts.tables
    if tables.admin[role] or not tables.known[role] or not tables.reach[role].any():
        alone = Settled(reach, None) if tables.known[role] else Settled(np.zeros_like(reach), reach)
        return Mine(alone, _NOWHERE, Settled(reach[_NOWHERE], None))
    belongs = parts.people.of(user) if belongs is None else belongs
    plain = not parts.deny_first and parts.unread is None and not parts.powers.some_unread
    told = _told_plainly(parts, user, belongs) if plain else told_classes(parts, user, belongs)
    apart = apart_of(parts, user, belongs)
    there = settled_apart(parts, told, apart).within(reach[of_content[apart.contents]])
    if not plain or parts.perhaps_locked is not None:
        return Mine(settle(told).within(reach), apart.contents, there)
    return Mine(Settled(np.bitwise_and(told.rules, parts.open_to(role), out=told.rules), None), apart.contents, there)


_NOWHERE = np.zeros(0, np.int64)


def what(parts: Parts, user: int, belongs: Belongs | None = None) -> Masks:
    """All a user may, on every content."""
    mine, of_content = mine_of(parts, user, belongs), parts.classes.of_content
    if mine.by_class.unknown is None and not len(mine.apart) and not mine.by_class.allowed.any():
        return Masks(np.zeros(parts.n_contents, parts.tables.mask), None)
    # Every index is within; of the ways to take, this one is the fastest for masks.
    allowed = mine.by_class.allowed.take(of_content, mode="wrap")
    unknown = None if mine.by_class.unknown is None else mine.by_class.unknown.take(of_content, mode="clip")
    allowed[mine.apart] = mine.there.allowed
    if mine.there.unknown is not None:
        unknown = np.zeros_like(allowed) if unknown is None else unknown
        unknown[mine.apart] = mine.there.unknown
    elif unknown is not None:
        unknown[mine.apart] = 0
    return Masks(allowed, unknown)


def what_at(parts: Parts, mine: Mine, contents: Array) -> Array:
    """The masks of what somebody may on some contents."""
    found = mine.by_class.allowed[parts.classes.of_content[contents]]
    if len(mine.apart):
        place = np.minimum(np.searchsorted(mine.apart, contents), len(mine.apart) - 1)
        special = mine.apart[place] == contents
        found[special] = mine.there.allowed[place[special]]
    return found


def what_ids(parts: Parts, user: int, bit: int) -> Array:
    """Numbers of the contents on which a user may exercise one capability, rising."""
    mine, one = mine_of(parts, user), parts.tables.mask(1 << bit)
    held = ((mine.by_class.allowed & one) != 0).take(parts.classes.of_content, mode="clip")
    held[mine.apart] = (mine.there.allowed & one) != 0
    return np.flatnonzero(held)


# -- what rules and locks say, by class -----------------------------------------------------------------------


def told_classes(parts: Parts, user: int, belongs: Belongs) -> Facts:
    """What rules and locks say of a user who is no administrator, for each class."""
    final = parts.switches.group_set_deny_is_final
    groups = (*belongs.groups.tolist(), *parts.people.everyone.tolist())
    group_allow, group_deny, _ = union(parts, GROUP, groups)
    set_allow, set_deny, by_set = union(parts, GROUP_SET, belongs.sets.tolist())
    user_allow, user_deny, by_user = union(parts, USER, (user,))
    spoken = Spoken(user_allow, user_deny, group_allow, group_deny, set_allow, set_deny)
    allowed = group_allow & ~group_deny
    # Few classes have rules of users or group sets: the whole formula runs on those alone.
    for at in (*by_set, *by_user):
        allowed[at] = decide(Spoken(*(part[at] for part in spoken)), final)
    facts = Facts(allowed, None, parts.unread, barred=parts.locked, barred_unknown=parts.perhaps_locked)
    perhaps = _perhaps(parts, belongs) if parts.people.some_unread else None
    if perhaps is not None:
        facts = facts._replace(rules_unknown=undecided(spoken, perhaps, allowed, final))
    if parts.deny_first:
        facts = facts._replace(denied=spoken.any_deny, denied_perhaps=None if perhaps is None else perhaps.any_deny)
    return facts


def _told_plainly(parts: Parts, user: int, belongs: Belongs) -> Facts:
    """The same where everything was read and no Deny comes before owners: masks put together by one pass a side."""
    rules, groups = parts.rules, belongs.groups.tolist()
    allowed = rules.allowed_to_all.copy()
    np.bitwise_or.at(allowed, *rules.allowing.of(groups))
    at, denied = rules.denying.of([*groups, *parts.people.everyone.tolist()])
    np.bitwise_and.at(allowed, at, ~denied)
    entries = [(rules.entries(USER), [user]), (rules.entries(GROUP_SET), belongs.sets.tolist())]
    special = [each.at[each.of(grantee)] for each, grantees in entries for grantee in grantees]
    classes = np.unique(np.concatenate(special)) if special else _NOWHERE
    if len(classes):
        allowed[classes] = listed(parts, classes, user).allowed(included(parts, belongs))
    return Facts(allowed, barred=parts.locked, barred_unknown=parts.perhaps_locked)


def union(parts: Parts, kind: int, grantees: tuple[int, ...] | list[int]) -> tuple[Array, Array, list[Array]]:
    """Masks by class of what any of the grantees is allowed and denied, and the classes that name one of them."""
    entries, count = parts.rules.entries(kind), len(parts.classes.rules)
    allow, deny = np.zeros(count, parts.tables.mask), np.zeros(count, parts.tables.mask)
    touched = []
    for grantee in grantees:
        rows = entries.of(grantee)
        if rows.start != rows.stop:
            at = entries.at[rows]
            allow[at] |= entries.allow[rows]
            if entries.denies[grantee]:
                deny[at] |= entries.deny[rows]
            touched.append(at)
    return allow, deny, touched


def _perhaps(parts: Parts, belongs: Belongs) -> Spoken:
    """Masks by class of rules of groups and sets that perhaps include the person."""
    people = parts.people
    group_allow, group_deny, _ = union(parts, GROUP, people.unread_groups.tolist())
    sets = (*people.unread_sets.tolist(), *belongs.perhaps_sets.tolist())
    set_allow, set_deny, _ = union(parts, GROUP_SET, sets)
    nothing = np.zeros_like(group_allow)
    return Spoken(nothing, nothing, group_allow, group_deny, set_allow, set_deny)


# -- owners and leaders, content by content -------------------------------------------------------------------


def apart_of(parts: Parts, user: int, belongs: Belongs) -> Apart:
    """The contents a user owns, rules or perhaps rules."""
    ruled = parts.powers.of_user(user, belongs)
    perhaps = parts.powers.unknown_of_user(belongs)
    owned = parts.by_owner.of(user)
    places = parts.powers.place[ruled if perhaps is None else ruled | perhaps]
    if perhaps is not None:
        places = np.append(places, len(ruled))
    contents = np.unique(np.concatenate((parts.by_place.of_all(places), owned))) if len(places) else owned
    if not len(contents):
        return Apart(contents, contents, None, contents, None)
    # One row more: a project that was not read, which perhaps the user leads; NONE (-1) must not reach it.
    row, lock = parts.project_row[contents], parts.lock_row[contents]
    rules_it = _at(ruled, row)
    over_lock = _at(ruled, lock)
    locked = (lock != NONE) & ~over_lock
    power = rules_it | (parts.owner[contents] == user)
    lock_unread = parts.sources.lock_unread[contents]
    if perhaps is None:
        unsure = lock_unread if lock_unread.any() else None
        return Apart(contents, power, None, locked & ~lock_unread, unsure)
    perhaps_rules = _at(perhaps, row) | (row == len(ruled))
    perhaps_over = _at(perhaps, lock)
    barred = locked & ~perhaps_over & ~lock_unread
    return Apart(contents, power, perhaps_rules, barred, lock_unread | (locked & perhaps_over))


def _at(flags: Array, rows: Array) -> Array:
    """`flags[rows]`, False for rows outside."""
    inside = (rows >= 0) & (rows < len(flags))
    if inside.all():
        return flags[rows]
    found = np.zeros(len(rows), bool)
    found[inside] = flags[rows[inside]]
    return found


def settled_apart(parts: Parts, told: Facts, apart: Apart) -> Settled:
    """What holds on the contents of `apart`."""
    at = parts.classes.of_content[apart.contents]
    mask = parts.tables.mask
    every = ~mask(0)

    def spread(flags: Array | None, bits: np.unsignedinteger) -> Array | None:
        return None if flags is None else np.where(flags, bits, mask(0))

    of_class = {name: part[at] for name, part in told._asdict().items() if part is not None}
    facts = Facts(**of_class)._replace(
        power=spread(apart.power, every),
        power_unknown=spread(apart.power_unknown, every),
        barred=spread(apart.barred, parts.edit),
        barred_unknown=spread(apart.barred_unknown, parts.edit),
    )
    return settle(facts)
