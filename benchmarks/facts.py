"""What the peers are given: the resolved facts of one site as plain arrays. Not the peers, not their questions.

Resolved means: where the rules of each item come from is settled beforehand (its own list, its workbook's, the
managing project's, a default for the kind), so is who rules which project through its parents, and which users a
grantee stands for (All Users and group sets among them). Rows speak of View alone.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from tabwarden.engine.columns import GROUP, GROUP_SET, USER, Array
from tabwarden.engine.engine import Engine
from tabwarden.engine.rules import expand

VIEW = 0  # the bit of Read
# What a row of View says, as bits in the order they are asked.
USER_DENY, USER_ALLOW, GROUP_DENY, GROUP_ALLOW, SET_DENY, SET_ALLOW = (1 << place for place in range(6))
_SAYS = {USER: (USER_ALLOW, USER_DENY), GROUP: (GROUP_ALLOW, GROUP_DENY), GROUP_SET: (SET_ALLOW, SET_DENY)}


class AllCapabilities(NamedTuple):
    """The rows of each source as masks of all capabilities, the managing project of each item, ceilings by role and
    kind, and the mask of Set Permissions, which belongs to those who rule the managing project."""

    source: Array
    code: Array
    allow: Array
    deny: Array
    item_lock: Array
    reach: Array
    edit: int


class Facts(NamedTuple):
    """Resolved facts of one site.

    `entry_*`: rows of View of each source; `grant_*`: which grantee codes include which user; `power_*`: who rules
    which project, `led_*` which group leads which project through its parents; `user_reach`: by role whether View is
    open (0: no, 1: by rules, 2: always); `roles` and `admins`
    name the roles, `open_to[kind, role]` tells what they leave open.
    """

    entry_source: Array
    entry_code: Array
    entry_says: Array
    grant_user: Array
    grant_code: Array
    power_user: Array
    power_project: Array
    led_code: Array
    led_project: Array
    item_source: Array
    item_project: Array
    item_owner: Array
    item_kind: Array
    user_reach: Array
    user_role: Array
    open_kinds: Array
    open_to: Array
    admins: Array
    every: AllCapabilities


def facts_of(engine: Engine, *, given_our_lists: bool = False) -> Facts:
    """The facts of a site whose every fact was read.

    A source is the place a list is kept at: 327 thousand on the largest site. With `given_our_lists` equal lists
    are one source: the peer is then given half of what the engine makes of the facts.
    """
    parts = engine.parts
    source, lists = _sources(engine, given_our_lists)
    of, code, says = _entries(engine, lists)
    users, codes = _grants(engine)
    powers = [parts.people.ids(bits) for bits in parts.powers.rows[:-1]]
    view = parts.tables.reach >> parts.tables.mask(VIEW) & parts.tables.mask(1) != 0
    roles, admin = parts.columns.users.role, parts.tables.admin.any(axis=1)
    small = np.int32
    return Facts(
        of.astype(small),
        code.astype(small),
        says,
        users.astype(small),
        codes.astype(small),
        np.concatenate(powers).astype(small),
        np.repeat(np.arange(len(powers), dtype=small), [len(ids) for ids in powers]),
        *(column.astype(small) for column in _led(engine)),
        source.astype(small),
        parts.project_row.astype(small),
        parts.owner.astype(small),
        parts.columns.contents.kind.astype(np.uint8),
        np.where(admin, 2, view.any(axis=1))[roles].astype(np.uint8),
        roles.astype(np.uint8),
        np.flatnonzero(parts.tables.applies & parts.tables.mask(1)).astype(np.uint8),
        view.T,
        np.flatnonzero(admin),
        _every(engine, lists),
    )


def _led(engine: Engine) -> tuple[Array, Array]:
    """Group codes and the projects they lead, those below included."""
    powers = engine.parts.powers
    codes = np.unique(powers.leaders.grantee[powers.leaders.allow & (powers.leaders.grantee & 3 == GROUP)])
    led = [np.flatnonzero(powers.within(powers.below_led_by([code]))) for code in codes.tolist()]
    return np.repeat(codes, [len(rows) for rows in led]), np.concatenate([*led, codes[:0]])


def _every(engine: Engine, lists: Array) -> AllCapabilities:
    parts, held = engine.parts, engine.columns.rules
    known = parts.tables.mask((1 << len(engine.capabilities)) - 1)
    of, row = expand(held.offsets, lists)
    return AllCapabilities(
        of.astype(np.int32),
        held.grantee[row].astype(np.int32),
        parts.rules.allow[row],
        parts.rules.deny[row],
        parts.lock_row.astype(np.int32),
        parts.tables.reach & known,
        int(parts.edit),
    )


def _sources(engine: Engine, given_our_lists: bool) -> tuple[Array, Array]:
    """Of each item its source, and of each source its rule list."""
    held = engine.parts.sources
    if given_our_lists:
        lists, source = np.unique(held.rules, return_inverse=True)
        return source, lists
    key = (held.holder.astype(np.int64) * 8 + held.level) * 64 + held.kind
    _, first, source = np.unique(key, return_index=True, return_inverse=True)
    return source, held.rules[first]


def _entries(engine: Engine, lists: Array) -> tuple[Array, Array, Array]:
    """Source, grantee code and what it says of every row of View."""
    held, one = engine.columns.rules, np.uint64(1 << VIEW)
    of, row = expand(held.offsets, lists)
    allow, deny = held.allow[row] & one != 0, held.deny[row] & one != 0
    kind = held.grantee[row] & 3
    says = np.zeros(len(row), np.uint8)
    for code, (allows, denies) in _SAYS.items():
        says |= np.where(kind == code, allows * allow + denies * deny, 0).astype(np.uint8)
    speaks = allow | deny
    return of[speaks], held.grantee[row[speaks]], says[speaks]


def _grants(engine: Engine) -> tuple[Array, Array]:
    """User and grantee code of every pair in which the one stands for the other."""
    people = engine.parts.people
    group, user = people.memberships
    in_sets = [people.ids(people.rows[people.n_groups + each]) for each in range(people.n_sets)]
    every = np.arange(people.count)
    users = [user, *(every for _ in people.everyone), *in_sets, every]
    codes = [
        group.astype(np.int64) * 4 + GROUP,
        *(np.full(people.count, each * 4 + GROUP) for each in people.everyone),
        *(np.full(len(ids), each * 4 + GROUP_SET) for each, ids in enumerate(in_sets)),
        every * 4 + USER,
    ]
    return np.concatenate(users), np.concatenate(codes)
