"""The whole-site engine: the reference's answers for everybody and everything at once, on columns. Not a specification.

    engine = Engine(columns_of(site))
    engine.check("ann", "Read", "budget")          one Answer with its full reason, by ids
    engine.check_many(users, "Read", contents)     verdicts of many questions
    engine.what(user)                              for every content a mask of capabilities
    engine.who("Read", content)                    for every user a bit
    engine.mirror("Read")                          who may, for the whole site, by class

Users and contents are numbers of the columns, but for `check`. What rules alone decide is answered once for each class
of contents (same rule list, kind and lock); owners, leaders and facts that were not read are put right afterwards,
where there are any. `reference.may` is the specification; neither imports the other.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np

from tabwarden.access.answer import Answer
from tabwarden.engine import by_user
from tabwarden.engine.align import Pair, aligned
from tabwarden.engine.by_content import Row, Who
from tabwarden.engine.by_pair import ALLOWED, UNKNOWN, Many
from tabwarden.engine.by_user import Masks, Shift
from tabwarden.engine.columns import Array, Columns
from tabwarden.engine.difference import Difference
from tabwarden.engine.explain import One
from tabwarden.engine.index import Parts
from tabwarden.engine.mirror import Forms, Mirror, forms_of, mirror_of
from tabwarden.model.open_points import CURRENT, DOCUMENTED, OpenPoints


class Engine:
    """The questions of one site under one model; it builds what a question needs when it is first asked."""

    def __init__(self, columns: Columns, model: str = CURRENT, open_points: OpenPoints = DOCUMENTED) -> None:
        self.columns = columns
        self.parts = Parts(columns, model, open_points)

    @property
    def capabilities(self) -> tuple[str, ...]:
        """The capability each bit of a mask stands for; one more bit stands for every other name."""
        return self.parts.tables.names

    @cached_property
    def _one(self) -> One:
        return One(self.parts)

    @cached_property
    def _many(self) -> Many:
        return Many(self.parts)

    @cached_property
    def _who(self) -> Who:
        return Who(self.parts)

    # -- questions --------------------------------------------------------------------------------------------

    def check(self, user: str, capability: str, content: str) -> Answer:
        """Whether a user may exercise a capability on a content, all by id, with everything that decided it.

        Equal to the reference's Answer. KeyError for a user or content that is not on the site.
        """
        return self._one.answer(user, capability, content)

    def check_many(self, users: Array, capability: str, contents: Array) -> Array:
        """Verdicts (0 denied, 1 allowed, 2 unknown; int8) of user `users[i]` on content `contents[i]`."""
        return self._many.verdicts(np.asarray(users, np.int64), capability, np.asarray(contents, np.int64))

    def what(self, user: int) -> Masks:
        """All a user may, on every content: masks of capabilities."""
        return by_user.what(self.parts, user)

    def what_ids(self, user: int, capability: str) -> Array:
        """Numbers of the contents on which a user may exercise one capability, rising."""
        return by_user.what_ids(self.parts, user, self.parts.tables.bit(capability))

    def who(self, capability: str, content: int) -> Row:
        """Who may exercise a capability on a content: packed rows, a bit a user."""
        return self._who.row(self.parts.tables.bit(capability), content)

    def who_ids(self, capability: str, content: int) -> Array:
        """Numbers of the users who may exercise a capability on a content, rising."""
        return self.parts.people.ids(self.who(capability, content).allowed)

    @cached_property
    def _forms(self) -> dict[int, Forms]:
        return {}

    def mirror(self, capability: str, into: Array | None = None) -> Mirror:
        """Who may exercise a capability, for the whole site, in class form.

        `into` may be the rows of an earlier mirror that is needed no more: its memory is written over if it has room,
        which spares the time to get as much memory anew.
        """
        bit = self.parts.tables.bit(capability)
        if bit not in self._forms:
            self._forms[bit] = forms_of(self._who, bit)
        return mirror_of(self._who, self._many, self._forms[bit], capability, into)

    def what_if_member(self, user: int, group: int, *, joins: bool) -> Shift:
        """On which contents a user would gain or lose what by joining or leaving a group."""
        return by_user.membership(self.parts, user, group, joins=joins)

    def compared_with(self, after: Columns) -> tuple[Pair, Difference]:
        """Who gains and loses what if this Site becomes `after`: the ids of the common numbers, and the pieces."""
        pair = aligned(self.columns, after)
        sides = [
            self.parts if columns is self.columns else Parts(columns, self.parts.model, self.parts.open_points)
            for columns in (pair.before, pair.after)
        ]
        return pair, Difference(sides[0], sides[1], pair.has_content)

    def matrix(self, capability: str) -> Array:
        """Verdicts (0 denied, 1 allowed, 2 unknown) of every content (rows) and user (columns): for small sites."""
        found = np.zeros((self.parts.n_contents, self.parts.n_users), np.int8)
        for content in range(self.parts.n_contents):
            row = self.who(capability, content)
            found[content, self.parts.people.ids(row.allowed)] = ALLOWED
            if row.unknown is not None:
                found[content, self.parts.people.ids(row.unknown)] = UNKNOWN
        return found
