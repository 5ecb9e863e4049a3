"""Rule rows of one capability, indexed for questions about that capability alone. Not what they decide."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from tabwarden.access.columns import GROUP_SET, USER, Array, RuleLists
from tabwarden.access.engine_people import People
from tabwarden.access.engine_rules import Entries

# What rules say of one person, as a number of ten bits: group allow, deny, set allow, deny; the same four perhaps;
# user allow, deny.
GROUP_ALLOW, GROUP_DENY, SET_ALLOW, SET_DENY = (1 << place for place in range(4))
PERHAPS = 4
USER_ALLOW, USER_DENY = 1 << 8, 1 << 9


class Speaking(NamedTuple):
    """The rows of one capability, by list: of groups and sets (packed row, code of the above), and of users.

    `user_key` is list * users + user, rising; `has_users` tells of each list, NONE's last, whether it names one.
    """

    offsets: Array
    row: Array
    code: Array
    user_key: Array
    user_code: Array
    has_users: Array


def speaking(lists: RuleLists, people: People, bit: int) -> Speaking:
    """The rows that speak of capability `bit`."""
    one, count = np.uint64(1 << bit), len(lists.offsets) - 1
    allow, deny = lists.allow & one != 0, lists.deny & one != 0
    of_list = np.repeat(np.arange(count), np.diff(lists.offsets))
    kind = lists.grantee & 3
    groups = np.flatnonzero((allow | deny) & (kind != USER))
    users = np.flatnonzero((allow | deny) & (kind == USER) & (lists.grantee >> 2 < people.count))
    offsets = np.zeros(count + 1, np.int64)
    np.cumsum(np.bincount(of_list[groups], minlength=count), out=offsets[1:])
    of_set = kind[groups] == GROUP_SET
    allows, denies = np.where(of_set, SET_ALLOW, GROUP_ALLOW), np.where(of_set, SET_DENY, GROUP_DENY)
    has_users = np.zeros(count + 1, bool)
    has_users[of_list[users]] = True
    return Speaking(
        offsets,
        people.row_of(lists.grantee[groups].astype(np.int64)),
        (allows * allow[groups] | denies * deny[groups]).astype(np.uint8),
        of_list[users] * people.count + (lists.grantee[users] >> 2),
        (USER_ALLOW * allow[users] | USER_DENY * deny[users]).astype(np.uint16),
        has_users,
    )


class Naming(NamedTuple):
    """Classes that allow (or deny) one capability: those to grantee g are `at[offsets[g]:offsets[g + 1]]`."""

    offsets: list[int]
    at: Array

    def of(self, grantees: list[int]) -> Array:
        """The classes of several grantees, one after the other."""
        offsets, last = self.offsets, len(self.offsets) - 1
        found = [self.at[offsets[g] : offsets[g + 1]] for g in grantees if g < last and offsets[g] != offsets[g + 1]]
        return found[0] if len(found) == 1 else np.concatenate(found) if found else self.at[:0]


def naming(entries: Entries, masks: Array, bit: int) -> Naming:
    """The classes of the rows whose mask (of `entries`) has the capability."""
    one = masks.dtype.type(1 << bit)
    rows = np.flatnonzero(masks & one)
    return Naming(np.searchsorted(rows, entries.offsets).tolist(), entries.at[rows])
