"""What one membership or one rule more or less would change, without changing it. Not lists of changes (`change`).

Only what names the group, or the one list the rule is in, is looked at again.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from tabwarden.access.columns import GROUP, GROUP_SET, NONE, USER, Array
from tabwarden.access.engine_algebra import Facts
from tabwarden.access.engine_listed import included, listed
from tabwarden.access.engine_parts import CHANGE_PERMISSIONS, Parts
from tabwarden.access.engine_people import Belongs
from tabwarden.access.engine_plain import Plain
from tabwarden.access.engine_powers import LEADER_CAPABILITIES
from tabwarden.access.engine_rules import FREE
from tabwarden.access.engine_speaking import GROUP_ALLOW, GROUP_DENY, SET_ALLOW, SET_DENY, USER_ALLOW, USER_DENY
from tabwarden.access.engine_what import what
from tabwarden.access.engine_who import Row, Who
from tabwarden.model.site import ALLOW, DENY


class Shift(NamedTuple):
    """Contents on which a person gains or loses something, and the masks of what."""

    contents: Array
    gained: Array
    lost: Array


def membership(parts: Parts, user: int, group: int, *, joins: bool) -> Shift:
    """What a user would gain and lose by joining or leaving a group; nothing where he is in it, or is not, already."""
    before = parts.people.of(user)
    if (group in before.groups) == joins or group in parts.people.everyone:
        return _nothing(parts)
    groups = np.append(before.groups, group) if joins else before.groups[before.groups != group]
    after = parts.people.with_groups(groups)
    role = int(parts.columns.users.role[user])
    if parts.tables.admin[role] or not parts.tables.known[role]:
        return _nothing(parts)
    changed = np.setxor1d(before.sets, after.sets) if len(before.sets) or len(after.sets) else before.sets
    leads = not parts.powers.leader_codes.isdisjoint([group * 4 + GROUP, *(changed * 4 + GROUP_SET).tolist()])
    if parts.deny_first or parts.powers.some_unread or parts.unread is not None or leads:
        return _of_masks(parts, user, before, after)
    return _of_classes(parts, user, group, changed, before, after)


def _nothing(parts: Parts) -> Shift:
    none = np.zeros(0, parts.tables.mask)
    return Shift(np.zeros(0, np.int64), none, none)


def _of_masks(parts: Parts, user: int, before: Belongs, after: Belongs) -> Shift:
    """The slow way: everything before and after."""
    had, has = what(parts, user, before).allowed, what(parts, user, after).allowed
    contents = np.flatnonzero(had != has)
    return Shift(contents, has[contents] & ~had[contents], had[contents] & ~has[contents])


def _of_classes(parts: Parts, user: int, group: int, sets: Array, before: Belongs, after: Belongs) -> Shift:
    """The classes that name the group or a set that changes, before and after."""
    entries = parts.rules.entries(GROUP)
    naming = [entries.at[entries.of(group)]]
    of_sets = parts.rules.entries(GROUP_SET)
    naming += [of_sets.at[of_sets.of(each)] for each in sets.tolist()]
    # Rows of one grantee are in order of class.
    classes = naming[0] if len(naming) == 1 else np.unique(np.concatenate(naming))
    if not len(classes):
        return _nothing(parts)
    reach = parts.open_to(int(parts.columns.users.role[user]))[classes]
    rows = listed(parts, classes, user)
    had, has = (rows.allowed(included(parts, belongs)) & reach for belongs in (before, after))
    changed = np.flatnonzero(had != has)
    contents = parts.by_class.of_all(classes[changed])
    # Where he owns or rules the content, the rules never decided.
    contents = contents[~_ruled(parts, user, before, contents)]
    at = np.searchsorted(classes, parts.classes.of_content[contents])
    return Shift(contents, has[at] & ~had[at], had[at] & ~has[at])


def _ruled(parts: Parts, user: int, belongs: Belongs, contents: Array) -> Array:
    """Whether the user owns or rules each content."""
    found: Array = parts.owner[contents] == user
    if parts.powers.ranges(user, belongs):
        ruled = np.append(parts.powers.of_user(user, belongs), False)  # the last is NONE's
        found |= ruled[parts.project_row[contents]]
    return found


# What a rule of a user, group or group set says, allowing and denying.
_SAYS = ((USER_ALLOW, USER_DENY), (GROUP_ALLOW, GROUP_DENY), (SET_ALLOW, SET_DENY))


class RuleShift(NamedTuple):
    """Contents whose list the rule is in, and packed rows of who gains and loses the capability by rules.

    Owners and leaders of a content may not be concerned: `WhatIf.at` tells exactly, content by content.
    """

    contents: Array
    gained: Array
    lost: Array


class RuleChange(NamedTuple):
    """The rule of a grantee (code of rule rows) for a capability in a content's list becomes `mode`; None: no rule.

    `default_for` names the kind whose project or database defaults are meant.
    """

    content: int
    grantee: int
    capability: str
    mode: str | None
    default_for: str | None = None


class WhatIf:
    """What changes of one rule would do."""

    def __init__(self, parts: Parts, who: Who, plain: Plain) -> None:
        self.parts, self.who, self.plain = parts, who, plain

    def rule(self, change: RuleChange) -> list[RuleShift]:
        """Who would gain and lose, a shift for each kind of content concerned (a view lacks what a workbook has).

        ValueError for a rule on leading a project: it changes more than one list.
        """
        if change.capability in LEADER_CAPABILITIES:
            raise ValueError(f"`{change.capability}` decides about whole projects; compare two sites with `diff`")
        by_kind = self._governed(change.content, change.default_for)
        if not by_kind:
            return []
        bit, classes = self.parts.tables.bit(change.capability), self.parts.classes
        first = int(by_kind[0][1][0])
        if change.capability == CHANGE_PERMISSIONS and classes.lock[classes.of_content[first]] != FREE:
            return []
        parted = [(self.who.reach(kind, bit), contents) for kind, contents in by_kind]
        if self.plain.open_to(bit):
            before, after = self._plainly(change, bit, first)
            gained, lost = after & ~before, before & ~after
            return [RuleShift(here, gained & reach.open_to, lost & reach.open_to) for reach, here in parted]
        both = self._both(change, bit, first)
        return [_shifted(here, *(self.who.finished(facts, reach) for facts in both)) for reach, here in parted]

    def at(self, change: RuleChange, content: int) -> RuleShift:
        """Exactly who would gain and lose on one of the contents, owners and leaders judged too."""
        bit = self.parts.tables.bit(change.capability)
        reach = self.who.reach(int(self.parts.columns.contents.kind[content]), bit)
        rows = [
            self.who.finished(self.who.at(facts, bit, content, self.who.power(content)), reach)
            for facts in self._both(change, bit, content)
        ]
        return _shifted(np.array([content]), rows[0], rows[1])

    def governed(self, content: int, default_for: str | None) -> Array:
        """The contents governed by a content's own list, or by its defaults for a kind."""
        found = [contents for _, contents in self._governed(content, default_for)]
        return np.concatenate(found) if found else np.zeros(0, np.int64)

    def _governed(self, content: int, default_for: str | None) -> list[tuple[int, Array]]:
        kinds = self.parts.columns.vocabulary.kinds
        return self.parts.by_source.kept(content, None if default_for is None else kinds.index(default_for))

    def _plainly(self, change: RuleChange, bit: int, content: int) -> tuple[Array, Array]:
        """Whom the rules allow before and after, by the short way."""
        groups, users = self.plain.rows_of(int(self.parts.sources.rules[content]), bit)
        kind, number = change.grantee & 3, change.grantee >> 2
        says = 0
        if change.mode is not None:
            says = _SAYS[kind][(ALLOW, DENY).index(change.mode)]
        before = self.plain.by_rows(groups, users)
        if kind == USER:
            users = [*(row for row in users if row[0] != number), (number, says)]
        else:
            place = number + (self.parts.people.n_groups if kind == GROUP_SET else 0)
            groups = [*(row for row in groups if row[0] != place), (place, says)]
        return before, self.plain.by_rows(groups, users)

    def _both(self, change: RuleChange, bit: int, content: int) -> tuple[Facts, Facts]:
        rule_list = int(self.parts.sources.rules[content])
        if rule_list == NONE:
            unread = self.who.by_rules(rule_list, bit)
            return unread, unread
        codes, allow, deny = self.parts.rules.rows_of(rule_list, bit)
        others = codes != change.grantee
        now = self.who.by_rows(codes, allow, deny)
        codes, allow, deny = codes[others], allow[others], deny[others]
        if change.mode is not None:
            codes = np.append(codes, codes.dtype.type(change.grantee))
            allow, deny = np.append(allow, change.mode == ALLOW), np.append(deny, change.mode == DENY)
        return now, self.who.by_rows(codes, allow, deny)


def _shifted(contents: Array, before: Row, after: Row) -> RuleShift:
    return RuleShift(contents, after.allowed & ~before.allowed, before.allowed & ~after.allowed)
