"""Many questions at once: verdicts of pairs of user and content, without a loop over them. Not their reasons."""

from __future__ import annotations

from functools import cached_property
from typing import NamedTuple

import numpy as np

from tabwarden.access.columns import GROUP_SET, NONE, USER, Array
from tabwarden.access.engine_algebra import Facts, Spoken, decide, settle, undecided
from tabwarden.access.engine_parts import CHANGE_PERMISSIONS, Parts
from tabwarden.access.engine_people import has_bit
from tabwarden.access.engine_rules import expand

DENIED, ALLOWED, UNKNOWN = range(3)
# What the rules say of one person, as a number of ten bits: group allow, deny, set allow, deny; the same four
# perhaps; user allow, deny. Each number is decided once.
_GROUP_ALLOW, _GROUP_DENY, _SET_ALLOW, _SET_DENY = (1 << place for place in range(4))
_PERHAPS = 4
_USER_ALLOW, _USER_DENY = 1 << 8, 1 << 9


class Speaking(NamedTuple):
    """The rows of one capability, by list: of groups and sets (packed row, code of the above), and of users."""

    offsets: Array
    row: Array
    code: Array
    user_key: Array
    user_code: Array
    has_users: Array


class Many:
    """The indexes many questions need, made once; those of a capability when it is first asked for."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self._speaking: dict[int, Speaking] = {}

    def verdicts(self, users: Array, capability: str, contents: Array) -> Array:
        """0 denied, 1 allowed, 2 unknown for each pair."""
        parts, bit = self.parts, self.parts.tables.bit(capability)
        tables, roles = parts.tables, parts.columns.users.role[users]
        kind = parts.columns.contents.kind[contents]
        open_to = ((tables.reach >> tables.mask(bit)) & tables.mask(1) != 0)[roles, kind]
        facts = self._by_rules(users, bit, parts.sources.rules[contents])
        facts = self._with_powers(facts, users, contents, bit)
        settled = settle(facts)
        allowed, unknown = settled.allowed, settled.unknown
        allowed = (allowed | tables.admin[roles]) & tables.known[roles] & open_to
        found: Array = allowed.astype(np.int8)
        if unknown is not None:
            found[unknown & open_to & ~tables.admin[roles]] = UNKNOWN
        if not tables.known.all():
            found[open_to & ~tables.known[roles]] = UNKNOWN
        return found

    # -- rules ------------------------------------------------------------------------------------------------

    def _by_rules(self, users: Array, bit: int, lists: Array) -> Facts:
        speaking = self._of(bit)
        pair, entry = expand(speaking.offsets, lists)
        code = np.zeros(len(users), np.uint16)
        if len(pair):
            row, who = speaking.row[entry], users[pair]
            said = speaking.code[entry] * has_bit(self.parts.people.rows, row, who)
            if self.parts.people.some_unread:
                said |= (speaking.code[entry] * has_bit(self.parts.people.perhaps_rows, row, who)) << _PERHAPS
            starts = np.flatnonzero(np.concatenate(([True], pair[1:] != pair[:-1])))
            code[pair[starts]] = np.bitwise_or.reduceat(said, starts)
        named = np.flatnonzero(speaking.has_users[lists])
        if len(named):
            key = lists[named] * self.parts.n_users + users[named]
            place = np.minimum(np.searchsorted(speaking.user_key, key), len(speaking.user_key) - 1)
            hit = speaking.user_key[place] == key
            code[named[hit]] |= speaking.user_code[place[hit]]
        allowed, unsure, denied, perhaps = (table[code] for table in self._decided)
        unread = lists == NONE
        some = self.parts.people.some_unread
        return Facts(
            allowed,
            unsure if some else None,
            unread if unread.any() else None,
            denied=denied if self.parts.deny_first else None,
            denied_perhaps=perhaps if some and self.parts.deny_first else None,
        )

    def _of(self, bit: int) -> Speaking:
        if bit not in self._speaking:
            self._speaking[bit] = self._made(bit)
        return self._speaking[bit]

    def _made(self, bit: int) -> Speaking:
        lists, people = self.parts.columns.rules, self.parts.people
        one, count = np.uint64(1 << bit), len(lists.offsets) - 1
        allow, deny = lists.allow & one != 0, lists.deny & one != 0
        of_list = np.repeat(np.arange(count), np.diff(lists.offsets))
        kind = lists.grantee & 3
        groups = np.flatnonzero((allow | deny) & (kind != USER))
        users = np.flatnonzero((allow | deny) & (kind == USER) & (lists.grantee >> 2 < self.parts.n_users))
        offsets = np.zeros(count + 1, np.int64)
        np.cumsum(np.bincount(of_list[groups], minlength=count), out=offsets[1:])
        of_set = kind[groups] == GROUP_SET
        allows, denies = np.where(of_set, _SET_ALLOW, _GROUP_ALLOW), np.where(of_set, _SET_DENY, _GROUP_DENY)
        has_users = np.zeros(count + 1, bool)  # the last is NONE's
        has_users[of_list[users]] = True
        return Speaking(
            offsets,
            people.row_of(lists.grantee[groups].astype(np.int64)),
            (allows * allow[groups] | denies * deny[groups]).astype(np.uint8),
            of_list[users] * self.parts.n_users + (lists.grantee[users] >> 2),
            (_USER_ALLOW * allow[users] | _USER_DENY * deny[users]).astype(np.uint16),
            has_users,
        )

    @cached_property
    def _decided(self) -> tuple[Array, Array, Array, Array]:
        """For each number of ten bits: allowed, undecided, some Deny, perhaps some Deny."""
        number = np.arange(1 << 10)

        def spoken(shift: int, user_allow: int, user_deny: int) -> Spoken:
            of = [number >> shift & bit != 0 for bit in (_GROUP_ALLOW, _GROUP_DENY, _SET_ALLOW, _SET_DENY)]
            return Spoken(number & user_allow != 0, number & user_deny != 0, *of)

        sure, perhaps = spoken(0, _USER_ALLOW, _USER_DENY), spoken(_PERHAPS, 0, 0)
        final = self.parts.switches.group_set_deny_is_final
        base = decide(sure, final)
        return base, undecided(sure, perhaps, base, final), sure.any_deny, perhaps.any_deny

    # -- owners, leaders, locks -------------------------------------------------------------------------------

    def _with_powers(self, facts: Facts, users: Array, contents: Array, bit: int) -> Facts:
        parts, powers = self.parts, self.parts.powers
        last = len(powers.contents)  # the row of nobody
        project = parts.project_row[contents]
        row = np.where(project == NONE, last, project)
        power = has_bit(powers.rows, row, users).view(bool) | (parts.owner[contents] == users)
        perhaps = powers.perhaps_rows
        facts = facts._replace(power=power)
        if perhaps is not None:
            unsure = has_bit(perhaps, row, users).view(bool) | (project == last)
            facts = facts._replace(power_unknown=unsure)
        if bit != parts.tables.bit(CHANGE_PERMISSIONS):
            return facts
        lock, lock_unread = parts.lock_row[contents], parts.sources.lock_unread[contents]
        at = np.where(lock == NONE, last, lock)
        outside = (lock != NONE) & ~has_bit(powers.rows, at, users).view(bool) & ~lock_unread
        if perhaps is None:
            return facts._replace(barred=outside, barred_unknown=lock_unread if lock_unread.any() else None)
        over = has_bit(perhaps, at, users).view(bool)
        return facts._replace(barred=outside & ~over, barred_unknown=lock_unread | (outside & over))
