"""All rule rows of a few classes, asked for one person: exact where users or group sets speak too. Not every class."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from tabwarden.access.columns import GROUP, GROUP_SET, USER, Array
from tabwarden.access.engine_algebra import Spoken, decide
from tabwarden.access.engine_parts import Parts
from tabwarden.access.engine_people import Belongs
from tabwarden.access.engine_rules import expand

_LEVELS = (USER, GROUP, GROUP_SET)


class Listed(NamedTuple):
    """Rows of classes, class by class from `starts`: the packed row each names, masks, kind and whether it is the
    user's own."""

    starts: Array
    named: Array
    allow: Array
    deny: Array
    kind: Array
    by_user: Array
    set_deny_is_final: bool

    def allowed(self, includes: Array) -> Array:
        """Of each class the mask that the rules allow to whom `includes` describes (see `included`)."""
        mine = includes[self.named] | self.by_user
        if not (mine & (self.kind != GROUP)).any():
            # Only groups speak of him, as nearly always.
            return self._merged(mine, self.allow) & ~self._merged(mine, self.deny)
        levels = [mine & (self.kind == kind) for kind in _LEVELS]
        spoken = Spoken(*(self._merged(level, masks) for level in levels for masks in (self.allow, self.deny)))
        return decide(spoken, self.set_deny_is_final)

    def _merged(self, mine: Array, masks: Array) -> Array:
        """The masks of the rows that speak, class by class."""
        found: Array = np.bitwise_or.reduceat(masks * mine, self.starts)
        return found


def listed(parts: Parts, classes: Array, user: int) -> Listed:
    """The rows of these classes, each of which has some; everything about members was read."""
    lists, rules = parts.columns.rules, parts.rules
    of, row = expand(lists.offsets, parts.classes.rules[classes])
    return Listed(
        np.searchsorted(of, np.arange(len(classes))),
        rules.packed[row],
        rules.allow[row],
        rules.deny[row],
        rules.grantee_kind[row],
        lists.grantee[row] == user * 4 + USER,
        parts.switches.group_set_deny_is_final,
    )


def included(parts: Parts, belongs: Belongs) -> Array:
    """Whether each packed row (groups, then sets; the last is nobody's) includes the person."""
    people = parts.people
    found = np.zeros(people.n_groups + people.n_named_sets + 1, bool)
    found[belongs.groups] = True
    found[people.everyone] = True
    found[people.n_groups + belongs.sets] = True
    return found
