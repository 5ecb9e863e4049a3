"""The whole-site engine: the reference's answers for everybody and everything at once, on columns.

    engine = Engine(columns_of(site))
    engine.check("ann", "View", "budget")          one Answer with its full reason, by ids
    engine.check_many(users, "View", contents)     verdicts of many questions
    engine.what(user)                              for every content a mask of capabilities
    engine.what_ids(user, "View")                  numbers of the contents, rising
    engine.who("View", content)                    for every user a bit
    engine.mirror("View")                          who may, for the whole site, by class

Users and contents are numbers of the columns, but for `check`; a capability is called by any of its names. What rules
alone decide is answered once for each class of contents (same rule list, kind and lock); owners, leaders and facts that
were not read are put right afterwards, where there are any. `reference.may` is the specification; neither imports the
other. Each question loads its own means when it is first asked: most that is typed is one question.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from tabwarden.engine.algebra import ALLOWED, UNKNOWN
from tabwarden.engine.by_content import UserBits, Who
from tabwarden.engine.columns import Array, Columns
from tabwarden.engine.index import Later, Parts
from tabwarden.model.errors import UnknownName
from tabwarden.model.open_points import CURRENT, DOCUMENTED, OpenPoints

if TYPE_CHECKING:
    from tabwarden.access.answer import Answer
    from tabwarden.engine.align import Pair
    from tabwarden.engine.by_pair import PairVerdicts
    from tabwarden.engine.by_user import Masks, Shift
    from tabwarden.engine.difference import Difference
    from tabwarden.engine.explain import SingleAnswers
    from tabwarden.engine.mirror import Forms, Mirror


class Engine:
    """The questions of one site under one model; it builds what a question needs when it is first asked.

    Every question raises UnknownName for a number, id or capability that is not there.
    """

    def __init__(self, columns: Columns, model: str = CURRENT, open_points: OpenPoints = DOCUMENTED) -> None:
        self.columns = columns
        self.parts = Parts(columns, model, open_points)

    @property
    def capabilities(self) -> tuple[str, ...]:
        """The capability each bit of a mask stands for."""
        return self.parts.tables.names

    def bit(self, capability: str) -> int:
        """The bit of a capability in a mask: by its REST name, the UI's or the documents'."""
        return self.parts.bit(capability)

    @cached_property
    def _one(self) -> SingleAnswers:
        from tabwarden.engine.explain import SingleAnswers

        return SingleAnswers(self.parts)

    @cached_property
    def _many(self) -> PairVerdicts:
        from tabwarden.engine.by_pair import PairVerdicts

        return PairVerdicts(self.parts)

    @cached_property
    def _who(self) -> Who:
        return Who(self.parts)

    def check(self, user: str, capability: str, content: str) -> Answer:
        """Whether a user may exercise a capability on a content, all by id, with everything that decided it.

        Equal to the reference's Answer.
        """
        return self._one.answer(user, capability, content)

    def check_many(self, users: Array, capability: str, contents: Array) -> Array:
        """Verdicts (0 denied, 1 allowed, 2 unknown; int8) of user `users[i]` on content `contents[i]`."""
        users, contents = self._numbers("user", users), self._numbers("content", contents)
        if len(users) != len(contents):
            raise UnknownName(f"{len(users):,} users are asked about {len(contents):,} contents; give one for each")
        return self._many.verdicts(users, capability, contents)

    def what(self, user: int) -> Masks:
        """All a user may, on every content: masks of capabilities."""
        from tabwarden.engine import by_user

        return by_user.what(self.parts, self.columns.checked("user", user))

    def what_ids(self, user: int, capability: str) -> Array:
        """Numbers of the contents on which a user may exercise one capability, rising."""
        from tabwarden.engine import by_user

        return by_user.what_ids(self.parts, self.columns.checked("user", user), self.bit(capability))

    def who(self, capability: str, content: int) -> UserBits:
        """Who may exercise a capability on a content: packed rows, a bit a user."""
        return self._who.row(self.bit(capability), self.columns.checked("content", content))

    def who_ids(self, capability: str, content: int) -> Array:
        """Numbers of the users who may exercise a capability on a content, rising."""
        return self.parts.people.ids(self.who(capability, content).allowed)

    def mirror(self, capability: str, into: Array | None = None) -> Mirror:
        """Who may exercise a capability, for the whole site, in class form.

        `into` may be the rows of an earlier mirror that is needed no more: its memory is written over if it has room,
        which spares the time to get as much memory anew.
        """
        from tabwarden.engine.mirror import forms_of, mirror_of

        name, bit = self.parts.capability(capability), self.bit(capability)
        if bit not in self._forms:
            self._forms[bit] = forms_of(self._who, bit)
        return mirror_of(self._who, self._many, self._forms[bit], name, into)

    @cached_property
    def _forms(self) -> dict[int, Forms]:
        return {}

    def what_if_member(self, user: int, group: int, *, joins: bool) -> Shift:
        """On which contents a user would gain or lose what by joining or leaving a group."""
        from tabwarden.engine import by_user

        numbers = self.columns.checked("user", user), self.columns.checked("group", group)
        return by_user.membership(self.parts, *numbers, joins=joins)

    def compared_with(self, after: Columns | Engine) -> tuple[Pair, Difference]:
        """Who gains and loses what if this Site becomes `after`: the ids of the common numbers, and the pieces.

        What an engine has made already is used again, of either side.
        """
        from tabwarden.engine.align import aligned
        from tabwarden.engine.difference import Difference

        pair = aligned(self.columns, after.columns if isinstance(after, Engine) else after)
        engines = [self, after] if isinstance(after, Engine) else [self]
        own = {id(engine.columns): engine.parts for engine in engines if engine.parts.under == self.parts.under}
        sides = [own.get(id(columns)) or Later(columns, self.parts) for columns in (pair.before, pair.after)]
        return pair, Difference(sides[0], sides[1], pair.has_content)

    def verdicts(self, capability: str, content: int) -> Array:
        """Verdicts (0 denied, 1 allowed, 2 unknown; int8) of every user on one content."""
        row = self.who(capability, content)
        verdicts = np.zeros(self.parts.n_users, np.int8)
        verdicts[self.parts.people.ids(row.allowed)] = ALLOWED
        if row.unknown is not None:
            verdicts[self.parts.people.ids(row.unknown)] = UNKNOWN
        return verdicts

    def matrix(self, capability: str) -> Array:
        """Verdicts of every content (rows) and user (columns): for small sites."""
        rows = [self.verdicts(capability, content) for content in range(self.parts.n_contents)]
        return np.array(rows, np.int8).reshape(self.parts.n_contents, self.parts.n_users)

    def _numbers(self, table: str, numbers: Array) -> Array:
        given = np.asarray(numbers)
        if given.ndim != 1 or (len(given) and given.dtype.kind not in "iu"):
            raise UnknownName(f"numbers of {table}s are one list of whole numbers, not `{given.dtype}` {given.shape}")
        for extreme in (given.min(), given.max()) if len(given) else ():
            self.columns.checked(table, extreme)
        return given.astype(np.int64, copy=False)
