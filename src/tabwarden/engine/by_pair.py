"""Many questions at once: verdicts of pairs of user and content, without a loop over them."""

from __future__ import annotations

from functools import cached_property
from typing import NamedTuple

import numpy as np

from tabwarden.engine.algebra import UNKNOWN, Facts, Spoken, decide, settle, undecided
from tabwarden.engine.columns import GROUP, GROUP_SET, NONE, USER, Array
from tabwarden.engine.index import Parts
from tabwarden.engine.memberships import has_bit
from tabwarden.engine.rules import (
    GROUP_ALLOW,
    GROUP_DENY,
    PERHAPS,
    SET_ALLOW,
    SET_DENY,
    USER_ALLOW,
    USER_DENY,
    distinct,
    expand,
)
from tabwarden.model.capability import CHANGE_PERMISSIONS

SHARE = 8  # of so many projects one is asked about, and their rows alone are made


class Ruling(NamedTuple):
    """Whether each user owns or rules the content, and whether perhaps (None: nothing is unread)."""

    power: Array
    unsure: Array | None


class PairVerdicts:
    """The indexes many questions need, made once; those of a capability when it is first asked for."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts

    def verdicts(self, users: Array, capability: str, contents: Array) -> Array:
        """0 denied, 1 allowed, 2 unknown for each pair."""
        parts, bit = self.parts, self.parts.bit(capability)
        tables, roles = parts.tables, parts.columns.users.role[users]
        column = parts.sources.column[contents]
        open_to, admin = (tables.leaves(masks, bit)[roles, column] for masks in (tables.reach, tables.admin))
        facts = self._by_rules(users, bit, parts.sources.rules[contents])
        power, unsure = self._ruling(users, contents)
        facts = facts._replace(power=power, power_unknown=unsure)
        if bit == parts.bit(CHANGE_PERMISSIONS):
            barred, barred_unknown = self._barred(users, contents)
            facts = facts._replace(barred=barred, barred_unknown=barred_unknown)
        settled = settle(facts)
        allowed, unknown = settled.allowed, settled.unknown
        allowed = (allowed | admin) & tables.known[roles] & open_to
        verdicts: Array = allowed.astype(np.int8)
        if unknown is not None:
            verdicts[unknown & open_to & ~admin] = UNKNOWN
        if not tables.known.all():
            verdicts[open_to & ~tables.known[roles]] = UNKNOWN
        return verdicts

    def _by_rules(self, users: Array, bit: int, lists: Array) -> Facts:
        speaking = self.parts.speaking(bit)
        pair, entry = expand(speaking.offsets, lists)
        code = np.zeros(len(users), np.uint16)
        if len(pair):
            row, who = speaking.row[entry], users[pair]
            said = speaking.code[entry] * has_bit(self.parts.people.rows, row, who)
            if self.parts.people.some_unread:
                said |= (speaking.code[entry] * has_bit(self.parts.people.perhaps_rows, row, who)) << PERHAPS
            starts = np.flatnonzero(np.concatenate(([True], pair[1:] != pair[:-1])))
            code[pair[starts]] = np.bitwise_or.reduceat(said, starts)
        named = np.flatnonzero(speaking.has_users[lists])
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

    @cached_property
    def _decided(self) -> tuple[Array, Array, Array, Array]:
        """For each number of ten bits: allowed, undecided, some Deny, perhaps some Deny."""
        number = np.arange(1 << 10)

        def spoken(shift: int, user_allow: int, user_deny: int) -> Spoken:
            of = [number >> shift & bit != 0 for bit in (GROUP_ALLOW, GROUP_DENY, SET_ALLOW, SET_DENY)]
            return Spoken(number & user_allow != 0, number & user_deny != 0, *of)

        sure, perhaps = spoken(0, USER_ALLOW, USER_DENY), spoken(PERHAPS, 0, 0)
        final = self.parts.open_points.group_set_deny_is_final
        base = decide(sure, final)
        return base, undecided(sure, perhaps, base, final), sure.any_deny, perhaps.any_deny

    def _rules(self, users: Array, projects: Array) -> Array:
        """Whether each user rules the project (row of the powers) beside him; one behind the last is ruled by nobody.

        Of few projects their rows alone are made: those of all are as long as the site has people.
        """
        powers = self.parts.powers
        some = distinct(projects[projects < len(powers.contents)])
        if "rows" in powers.__dict__ or SHARE * len(some) > len(powers.contents):
            return has_bit(powers.rows, projects, users).view(bool)
        rows = np.stack([*map(powers.row_bits, some.tolist()), powers.people.no_bits])
        return has_bit(rows, np.searchsorted(some, projects), users).view(bool)

    def _ruling(self, users: Array, contents: Array) -> Ruling:
        parts, powers = self.parts, self.parts.powers
        last = len(powers.contents)  # the row of nobody
        project, perhaps = parts.project_row[contents], powers.perhaps_rows
        row = np.where(project == NONE, last, project)
        power = self._rules(users, row) | (parts.owner[contents] == users)
        unsure = None if perhaps is None else has_bit(perhaps, row, users).view(bool) | (project == last)
        return Ruling(power, unsure)

    def _barred(self, users: Array, contents: Array) -> tuple[Array, Array | None]:
        """Whom a lock keeps from setting permissions, and whom perhaps."""
        parts, powers = self.parts, self.parts.powers
        lock, lock_unread = parts.lock_row[contents], parts.sources.lock_unread[contents]
        at = np.where(lock == NONE, len(powers.contents), lock)
        outside = (lock != NONE) & ~self._rules(users, at) & ~lock_unread
        if powers.perhaps_rows is None:
            return outside, lock_unread if lock_unread.any() else None
        over = has_bit(powers.perhaps_rows, at, users).view(bool)
        return outside & ~over, lock_unread | (outside & over)

    def masks(self, users: Array, contents: Array) -> Array:
        """The mask of all that user `users[i]` may on content `contents[i]`."""
        parts, tables = self.parts, self.parts.tables
        roles = parts.columns.users.role[users]
        sure, perhaps = self._spoken(users, parts.sources.rules[contents])
        final = parts.open_points.group_set_deny_is_final
        rules = decide(sure, final)
        power, unsure = self._ruling(users, contents)
        barred, barred_unknown = self._barred(users, contents)
        every, unread = ~tables.mask(0), parts.sources.rules[contents] == NONE

        def spread(flags: Array | None, bits: np.unsignedinteger) -> Array | None:
            return None if flags is None else np.where(flags, bits, tables.mask(0))

        facts = Facts(
            rules,
            None if perhaps is None else undecided(sure, perhaps, rules, final),
            spread(unread, every),
            spread(power, every),
            spread(unsure, every),
            spread(barred, parts.edit),
            spread(barred_unknown, parts.edit),
            sure.any_deny if parts.deny_first else None,
            perhaps.any_deny if parts.deny_first and perhaps is not None else None,
        )
        settled = settle(facts)
        column = parts.sources.column[contents]
        allowed: Array = settled.allowed | tables.admin[roles, column]
        return allowed & np.where(tables.known[roles], tables.reach[roles, column], tables.mask(0))

    def _spoken(self, users: Array, lists: Array) -> tuple[Spoken, Spoken | None]:
        """What rules say of each pair, for sure and perhaps."""
        rules, people = self.parts.columns.rules, self.parts.people
        pair, entry = expand(rules.offsets, lists)
        code, who = rules.grantee[entry].astype(np.int64), users[pair]
        named = code & 3 != USER
        row = np.where(named, people.row_of(code), 0)
        member = np.where(named, has_bit(people.rows, row, who), code >> 2 == who).astype(bool)
        sure = merged(self.parts, len(users), pair, entry, member)
        if not people.some_unread:
            return sure, None
        unsure = (has_bit(people.perhaps_rows, row, who) != 0) & named
        return sure, merged(self.parts, len(users), pair, entry, unsure)


def merged(parts: Parts, count: int, pair: Array, entry: Array, speaks: Array) -> Spoken:
    """Masks of `count` questions by level and mode: rule row `entry[i]` is one of question `pair[i]`, rising."""
    rows = np.flatnonzero(speaks)
    pair, entry = pair[rows], entry[rows]
    kind, by_level = parts.rules.grantee_kind[entry], list[Array]()
    for level in (USER, GROUP, GROUP_SET):
        mine = np.flatnonzero(kind == level)
        of, these = (pair, entry) if len(mine) == len(rows) else (pair[mine], entry[mine])
        starts = np.flatnonzero(np.concatenate(([True], of[1:] != of[:-1]))) if len(of) else of
        for masks in (parts.rules.allow, parts.rules.deny):
            level_masks = np.zeros(count, parts.tables.mask)
            if len(of):
                level_masks[of[starts]] = np.bitwise_or.reduceat(masks[these], starts)
            by_level.append(level_masks)
    return Spoken(*by_level)
