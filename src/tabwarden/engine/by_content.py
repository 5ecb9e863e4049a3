"""Who may exercise one capability on one content: packed rows, a bit a user."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from tabwarden.engine.algebra import Facts, Spoken, decide, settle, undecided
from tabwarden.engine.columns import GROUP, GROUP_SET, NONE, USER, Array
from tabwarden.engine.index import Parts
from tabwarden.model.capability import CHANGE_PERMISSIONS


class UserBits(NamedTuple):
    """For every user a bit (user u in bit u % 64 of word u // 64); what is in neither row is denied.

    `unknown` is None where nothing is unknown.
    """

    allowed: Array
    unknown: Array | None


class Reach(NamedTuple):
    """Packed rows of whom roles leave a capability of a kind: those it depends on rules for, administrators, and
    people whose role is unknown."""

    open_to: Array
    admins: Array
    strange: Array


class Who:
    """Rows of one site; what role and kind leave open is kept for each kind and capability."""

    def __init__(self, parts: Parts) -> None:
        self.parts, self.people = parts, parts.people
        self._reach: dict[tuple[int, int], Reach] = {}
        self._of_roles: dict[bytes, Array] = {}

    def row(self, bit: int, content: int) -> UserBits:
        """Who may exercise capability `bit` on `content`."""
        parts = self.parts
        reach = self.reach(int(parts.sources.column[content]), bit)
        facts = self.by_rules(int(parts.sources.rules[content]), bit)
        return self.finished(self.at(facts, bit, content, self.power(content)), reach)

    def at(self, facts: Facts, bit: int, content: int, power: Array) -> Facts:
        """What the rules say, with those who own or rule one content, and its locks."""
        parts = self.parts
        facts = facts._replace(power=power)
        row = int(parts.project_row[content])
        if parts.powers.some_unread:
            unsure = self.people.all_bits if row == len(parts.powers.contents) else parts.powers.unknown_bits(row)
            facts = facts._replace(power_unknown=unsure)
        if bit == parts.bit(CHANGE_PERMISSIONS):
            facts = self._under_lock(facts, content)
        return facts

    def finished(self, facts: Facts, reach: Reach) -> UserBits:
        """The row of these facts, with ceilings, administrators and people whose role nobody knows."""
        settled = settle(facts)
        allowed = (settled.allowed & reach.open_to) | reach.admins
        unknown = None if settled.unknown is None else settled.unknown & reach.open_to
        if reach.strange.any():
            unknown = reach.strange if unknown is None else unknown | reach.strange
        return UserBits(allowed, unknown)

    def reach(self, column: int, bit: int) -> Reach:
        """Whom roles leave capability `bit` on contents of a column of the ceilings."""
        if (column, bit) not in self._reach:
            tables = self.parts.tables
            can, admin = tables.leaves(tables.reach[:, column], bit), tables.leaves(tables.admin[:, column], bit)
            rows = [can & ~admin & tables.known, can & admin, can & ~tables.known]
            self._reach[column, bit] = Reach(*map(self._with_roles, rows))
        return self._reach[column, bit]

    def _with_roles(self, roles: Array) -> Array:
        """Packed row of the people with one of the flagged roles; few sets of roles differ."""
        key = roles.tobytes()
        if key not in self._of_roles:
            self._of_roles[key] = self.people.pack(np.flatnonzero(roles[self.parts.columns.users.role]))
        return self._of_roles[key]

    def by_rules(self, rule_list: int, bit: int, *, of_users: bool = True) -> Facts:
        """What one rule list says of everybody; without `of_users` its rules for single users are left out."""
        parts, people = self.parts, self.people
        nobody = people.no_bits
        if rule_list == NONE:
            unread = people.all_bits
            return Facts(nobody, None, unread, denied=nobody if parts.deny_first else None)
        codes, allow, deny = parts.rules.rows_of(rule_list, bit)
        if not of_users:
            plain = (codes & 3) != USER
            codes, allow, deny = codes[plain], allow[plain], deny[plain]
        return self.by_rows(codes, allow, deny)

    def by_rows(self, codes: Array, allow: Array, deny: Array) -> Facts:
        """What rules for these grantees say of everybody."""
        parts, people = self.parts, self.people
        final = parts.open_points.group_set_deny_is_final
        spoken = self._spoken(codes, allow, deny)
        facts = Facts(decide(spoken, final))
        perhaps = None
        if people.some_unread:
            nobody, kinds = people.no_bits, codes & 3
            rows = [self._perhaps(codes[(kinds == k) & m]) for k in (GROUP, GROUP_SET) for m in (allow, deny)]
            perhaps = Spoken(nobody, nobody, *rows)
            facts = facts._replace(rules_unknown=undecided(spoken, perhaps, facts.rules, final))
        if parts.deny_first:
            facts = facts._replace(denied=spoken.any_deny, denied_perhaps=None if perhaps is None else perhaps.any_deny)
        return facts

    def _spoken(self, codes: Array, allow: Array, deny: Array) -> Spoken:
        """Packed rows of who is spoken of, by level and mode: few rules, so they are gone through one by one."""
        people, rows = self.people, list[Array | None]((None,) * 6)
        for code, allows, denies in zip(codes.tolist(), allow.tolist(), deny.tolist(), strict=True):
            kind = code & 3
            who = people.one_bit(code >> 2) if kind == USER else people.rows[people.row_of(code)]
            for place, speaks in ((2 * kind, allows), (2 * kind + 1, denies)):
                if speaks:
                    before = rows[place]
                    rows[place] = who if before is None else before | who
        return Spoken(*(people.no_bits if row is None else row for row in rows))

    def _perhaps(self, codes: Array) -> Array:
        rows = self.people.perhaps_rows[self.people.row_of(codes)]
        return np.bitwise_or.reduce(rows, axis=0) if len(rows) else self.people.no_bits

    def ruling(self, project: int) -> Array:
        """Who owns or leads a project (row of the powers) or a parent of it."""
        inside = NONE < project < len(self.parts.powers.contents)
        return self.parts.powers.row_bits(project) if inside else self.people.no_bits.copy()

    def power(self, content: int) -> Array:
        """Who owns or rules the content."""
        bits = self.ruling(int(self.parts.project_row[content]))
        owner = int(self.parts.owner[content])
        if NONE < owner < self.people.count:
            bits[owner >> 6] |= np.uint64(1 << (owner & 63))
        return bits

    def _under_lock(self, facts: Facts, content: int) -> Facts:
        """Set Permissions under a lock belongs to those who rule the managing project."""
        parts, people = self.parts, self.people
        if parts.sources.lock_unread[content]:
            return facts._replace(barred_unknown=people.all_bits)
        lock = int(parts.lock_row[content])
        if lock == NONE:
            return facts
        outside = ~parts.powers.row_bits(lock) & people.all_bits
        unsure = parts.powers.unknown_bits(lock)
        if unsure is None:
            return facts._replace(barred=outside)
        return facts._replace(barred=outside & ~unsure, barred_unknown=outside & unsure)
