"""What one person may, on every content, and would in one group more or less: masks of capabilities.

The masks are made for classes of contents and spread; contents the person owns or rules are put right after.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

import numpy as np

from tabwarden.engine.algebra import Facts, Settled, Spoken, decide, settle, undecided
from tabwarden.engine.by_pair import merged
from tabwarden.engine.columns import GROUP, GROUP_SET, NONE, USER, Array
from tabwarden.engine.index import Parts
from tabwarden.engine.memberships import Belongs
from tabwarden.engine.rules import distinct, expand
from tabwarden.model.capability import CAPABILITIES, applies, capabilities_of


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
    if tables.admin[role].any():
        by_role, mine = parts.held_by_admin(role), parts.by_owner.of(user)
        return Mine(Settled(by_role, None), mine, Settled(reach[of_content[mine]], None))
    if not tables.known[role] or not tables.reach[role].any():
        alone = Settled(reach, None) if tables.known[role] else Settled(np.zeros_like(reach), reach)
        return Mine(alone, _NOWHERE, Settled(reach[_NOWHERE], None))
    belongs = parts.people.of(user) if belongs is None else belongs
    facts, apart = told_classes(parts, user, belongs), apart_of(parts, user, belongs)
    there = settled_apart(parts, facts, of_content[apart.contents], apart).within(reach[of_content[apart.contents]])
    return Mine(settle(facts).within(reach), apart.contents, there)


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
    masks = mine.by_class.allowed[parts.classes.of_content[contents]]
    if len(mine.apart):
        place = np.minimum(np.searchsorted(mine.apart, contents), len(mine.apart) - 1)
        special = mine.apart[place] == contents
        masks[special] = mine.there.allowed[place[special]]
    return masks


def what_ids(parts: Parts, user: int, bit: int) -> Array:
    """Numbers of the contents on which a user may exercise one capability, rising."""
    mine, one = mine_of(parts, user), parts.tables.mask(1 << bit)
    may = parts.spread(mine.by_class.allowed & one)
    may[mine.apart] = (mine.there.allowed & one) != 0
    return np.flatnonzero(may)


# -- what rules and locks say, by class -----------------------------------------------------------------------


def told_classes(parts: Parts, user: int, belongs: Belongs) -> Facts:
    """What rules and locks say of a user who is no administrator, for each class."""
    final, rules, groups = parts.open_points.group_set_deny_is_final, parts.rules, belongs.groups.tolist()
    group_allow = rules.allowed_to_all.copy()
    np.bitwise_or.at(group_allow, *rules.allowing.of(groups))
    group_deny = np.zeros_like(group_allow)
    np.bitwise_or.at(group_deny, *rules.denying.of([*groups, *parts.people.everyone.tolist()]))
    set_allow, set_deny, by_set = union(parts, GROUP_SET, belongs.sets.tolist())
    user_allow, user_deny, by_user = union(parts, USER, (user,))
    spoken = Spoken(user_allow, user_deny, group_allow, group_deny, set_allow, set_deny)
    allowed = group_allow & ~group_deny
    # Few classes have rules of users or group sets: the whole formula runs on those alone.
    for at in (*by_set, *by_user):
        allowed[at] = decide(Spoken(*(part[at] for part in spoken)), final)
    perhaps = _perhaps(parts, belongs) if parts.people.some_unread else None
    facts = _facts(parts, spoken, perhaps, allowed)
    return facts._replace(unread=parts.unread, barred=parts.locked, barred_unknown=parts.perhaps_locked)


def _facts(parts: Parts, spoken: Spoken, perhaps: Spoken | None, allowed: Array) -> Facts:
    """What the rules allow, what of it is not sure, and what Deny wins whatever else speaks."""
    facts = Facts(allowed)
    if perhaps is not None:
        final = parts.open_points.group_set_deny_is_final
        facts = facts._replace(rules_unknown=undecided(spoken, perhaps, allowed, final))
    if parts.deny_first:
        facts = facts._replace(denied=spoken.any_deny, denied_perhaps=None if perhaps is None else perhaps.any_deny)
    return facts


def union(parts: Parts, kind: int, grantees: tuple[int, ...] | list[int]) -> tuple[Array, Array, list[Array]]:
    """Masks by class of what any of the grantees is allowed and denied, and the classes that name one of them."""
    entries = parts.rules.entries(kind)
    rows = [(grantee, entries.of(grantee)) for grantee in grantees]
    rows = [(grantee, these) for grantee, these in rows if these.start != these.stop]
    if not rows:
        return parts.nothing, parts.nothing, []
    allow, deny = np.zeros_like(parts.nothing), np.zeros_like(parts.nothing)
    for grantee, these in rows:
        allow[entries.at[these]] |= entries.allow[these]
        if entries.denies[grantee]:
            deny[entries.at[these]] |= entries.deny[these]
    return allow, deny, [entries.at[these] for _, these in rows]


def _perhaps(parts: Parts, belongs: Belongs) -> Spoken:
    """Masks by class of rules of groups and sets that perhaps include the person."""
    people = parts.people
    group_allow, group_deny, _ = union(parts, GROUP, people.unread_groups.tolist())
    sets = (*people.unread_sets.tolist(), *belongs.perhaps_sets.tolist())
    set_allow, set_deny, _ = union(parts, GROUP_SET, sets)
    return Spoken(parts.nothing, parts.nothing, group_allow, group_deny, set_allow, set_deny)


# -- owners and leaders, content by content -------------------------------------------------------------------


def apart_of(parts: Parts, user: int, belongs: Belongs) -> Apart:
    """The contents a user owns, rules or perhaps rules."""
    perhaps, owned = parts.powers.unknown_of_user(belongs), parts.by_owner.of(user)
    if perhaps is None:
        ranges = parts.powers.ranges(user, belongs)
        inside = [parts.by_place.between(*places) for places in ranges]
        contents = distinct(np.concatenate((*inside, owned))) if inside else owned
        ruled = parts.powers.within(ranges)
    else:
        ruled = parts.powers.of_user(user, belongs)
        places = np.append(parts.powers.place[ruled | perhaps], len(ruled))
        contents = distinct(np.concatenate((parts.by_place.of_all(places), owned)))
    return _power_at(parts, user, (ruled, perhaps), contents)


def _power_at(parts: Parts, user: int, power: tuple[Array, Array | None], contents: Array) -> Apart:
    """Whether a user owns, rules or perhaps rules some contents, and what locks leave; by flags of projects."""
    ruled, perhaps = power
    if not len(contents):
        return Apart(contents, contents, None, contents, None)
    # One row more: a project that was not read, which perhaps the user leads; NONE (-1) must not reach it.
    row, lock = parts.project_row[contents], parts.lock_row[contents]
    over_lock = _at(ruled, lock)
    locked = (lock != NONE) & ~over_lock
    rules_it = _at(ruled, row) | (parts.owner[contents] == user)
    lock_unread = parts.sources.lock_unread[contents]
    if perhaps is None:
        unsure = lock_unread if lock_unread.any() else None
        return Apart(contents, rules_it, None, locked & ~lock_unread, unsure)
    perhaps_rules = _at(perhaps, row) | (row == len(ruled))
    perhaps_over = _at(perhaps, lock)
    barred = locked & ~perhaps_over & ~lock_unread
    return Apart(contents, rules_it, perhaps_rules, barred, lock_unread | (locked & perhaps_over))


def _at(flags: Array, rows: Array) -> Array:
    """`flags[rows]`, False for rows outside."""
    inside = (rows >= 0) & (rows < len(flags))
    if inside.all():
        return flags[rows]
    flagged = np.zeros(len(rows), bool)
    flagged[inside] = flags[rows[inside]]
    return flagged


def settled_apart(parts: Parts, classes: Facts, at: Array, apart: Apart) -> Settled:
    """What holds on the contents of `apart`; what rules say of content i is `classes` at `at[i]`."""
    mask = parts.tables.mask
    every = ~mask(0)

    def spread(flags: Array | None, bits: np.unsignedinteger) -> Array | None:
        return None if flags is None else np.where(flags, bits, mask(0))

    of_class = {name: part[at] for name, part in classes._asdict().items() if part is not None}
    facts = Facts(**of_class)._replace(
        power=spread(apart.power, every),
        power_unknown=spread(apart.power_unknown, every),
        barred=spread(apart.barred, parts.edit),
        barred_unknown=spread(apart.barred_unknown, parts.edit),
    )
    return settle(facts)


# -- one membership more or less ------------------------------------------------------------------------------


class Shift(NamedTuple):
    """Contents on which a person gains or loses something, rising, and the masks of what."""

    contents: Array
    gained: Array
    lost: Array


def membership(parts: Parts, user: int, group: int, *, joins: bool) -> Shift:
    """What a user would gain and lose by joining or leaving a group; nothing where he is in it, or is not, already.

    Looked at is only what names the group or a group set that it fills, and what lies in a project that they lead.
    """
    before, role = parts.people.of(user), int(parts.columns.users.role[user])
    unmoved = (group in before.groups) == joins or group in parts.people.everyone
    if unmoved or parts.tables.admin[role].any() or not parts.tables.known[role]:
        return Shift(_NOWHERE, parts.nothing[:0], parts.nothing[:0])
    groups = np.append(before.groups, group) if joins else before.groups[before.groups != group]
    after = parts.people.with_groups(groups)
    sets = np.concatenate((_moved(before.sets, after.sets), _moved(before.perhaps_sets, after.perhaps_sets)))
    led = parts.powers.below_led_by([group * 4 + GROUP, *(sets * 4 + GROUP_SET).tolist()])
    inside = [parts.by_place.between(*places) for places in led]
    concerned = np.zeros(len(parts.classes.rules), bool)
    for classes in (*_naming(parts, group, sets.tolist()), *(parts.classes.of_content[c] for c in inside)):
        concerned[classes] = True
    rows = _rows_of(parts, user, np.flatnonzero(concerned))
    facts = [rows.facts(parts, belongs) for belongs in (before, after)]
    differs = np.zeros(len(rows.classes), bool)
    for old, new in zip(*facts, strict=True):
        if old is not None:
            differs |= old != new
    contents = parts.by_class.of_all(rows.classes[differs])
    contents = distinct(np.concatenate((contents, *inside))) if inside else np.sort(contents)
    at = np.searchsorted(rows.classes, parts.classes.of_content[contents])
    reach, masks = parts.reach_of(role)[rows.classes][at], []
    for belongs, of_classes in zip((before, after), facts, strict=True):
        power = parts.powers.of_user(user, belongs), parts.powers.unknown_of_user(belongs)
        masks.append(settled_apart(parts, of_classes, at, _power_at(parts, user, power, contents)).allowed & reach)
    had, has = masks
    differs = had != has
    had, has = had[differs], has[differs]
    return Shift(contents[differs], has & ~had, had & ~has)


def _moved(before: Array, after: Array) -> Array:
    """Numbers that are in one of both alone."""
    return np.setxor1d(before, after) if len(before) or len(after) else before


def _naming(parts: Parts, group: int, sets: list[int]) -> list[Array]:
    """The classes whose rules name a group or one of the group sets."""
    by_group, by_set = parts.rules.entries(GROUP), parts.rules.entries(GROUP_SET)
    return [by_group.at[by_group.of(group)], *(by_set.at[by_set.of(group_set)] for group_set in sets)]


class _Rows(NamedTuple):
    """The rule rows of some classes: `of[i]` is the place in `classes` of row `row[i]`, `own` whether it names the
    user himself."""

    classes: Array
    of: Array
    row: Array
    own: Array

    def facts(self, parts: Parts, belongs: Belongs) -> Facts:
        """What these rules say of the user if he belongs to so much, without locks."""
        people, final = parts.people, parts.open_points.group_set_deny_is_final
        sure = np.zeros(people.n_groups + people.n_named_sets + 1, bool)  # the last is nobody's
        sure[belongs.groups] = sure[people.everyone] = sure[people.n_groups + belongs.sets] = True
        spoken = self._spoken(parts, sure[parts.rules.packed[self.row]] | self.own)
        perhaps = None
        if people.some_unread:
            maybe = np.zeros_like(sure)
            maybe[people.unread_groups] = maybe[people.n_groups + people.unread_sets] = True
            maybe[people.n_groups + belongs.perhaps_sets] = True
            perhaps = self._spoken(parts, maybe[parts.rules.packed[self.row]])
        facts = _facts(parts, spoken, perhaps, decide(spoken, final))
        return facts._replace(unread=None if parts.unread is None else parts.unread[self.classes])

    def _spoken(self, parts: Parts, speaks: Array) -> Spoken:
        return merged(parts, len(self.classes), self.of, self.row, speaks)


def _rows_of(parts: Parts, user: int, classes: Array) -> _Rows:
    of, row = expand(parts.columns.rules.offsets, parts.classes.rules[classes])
    return _Rows(classes, of, row, parts.columns.rules.grantee[row] == user * 4 + USER)


# -- as rows ----------------------------------------------------------------------------------------------------


def reachable(parts: Parts, user: int) -> Iterator[tuple[str, str, str, tuple[str, ...]]]:
    """Id, kind, path and capabilities of every content that a user (number) may View.

    A capability of a name nobody knows counts where a rule that governs the content names it, as in the dialog.
    """
    columns, names = parts.columns, parts.tables.names
    masks = what(parts, user).allowed.astype(np.uint64)
    kinds, codes = columns.vocabulary.kinds, columns.contents.kind
    rows = np.flatnonzero(masks & np.uint64(1 << names.index("Read")))
    masks = masks[rows] & _named(parts)[rows]

    @cache
    def allowed(kind: str, mask: int) -> tuple[str, ...]:
        strange = sorted(name for name in names if applies(name, kind, parts.model) is None)
        return tuple(name for name in (*capabilities_of(kind, parts.model), *strange) if mask >> names.index(name) & 1)

    ids = columns.names.words.at(columns.names.content_id[rows]).all()
    paths = columns.names.paths(columns.contents.parent)
    for content, row, mask in zip(ids, rows.tolist(), masks.tolist(), strict=True):
        kind = kinds[codes[row]]
        yield content, kind, paths[row], allowed(kind, mask)


def _named(parts: Parts) -> Array:
    """Of each content the capabilities everybody knows, and the others that its governing rules name."""
    columns, names = parts.columns, parts.tables.names
    strange = np.uint64(sum(1 << bit for bit, name in enumerate(names) if name not in CAPABILITIES))
    lists = parts.sources.rules
    if not strange:
        return np.full(len(lists), ~np.uint64(0))
    rules = columns.rules
    either = np.append(rules.allow | rules.deny, np.uint64(0))
    offsets = rules.offsets
    by_list = np.where(offsets[1:] > offsets[:-1], np.bitwise_or.reduceat(either, offsets[:-1]), np.uint64(0))
    named = np.append(by_list, np.uint64(0))[np.where(lists == NONE, len(by_list), lists)]
    return ~strange | named
