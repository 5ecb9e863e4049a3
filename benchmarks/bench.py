"""One site of the benchmark: its engine, the users and items asked for, what the peers are given. Not the questions."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from agree import verify
from facts import VIEW, Facts, facts_of
from measure import Judge
from sites import mixed, site
from tables import Bears, Duck
from tabwarden.engine.columns import Array
from tabwarden.engine.engine import Engine


class Bench:
    """A site, checked against the reference before anything is measured."""

    def __init__(self, size: str, judge: Judge) -> None:
        self.size, self.judge = size, judge
        self.large = size == "L"
        self.columns = site(size)
        self.engine = Engine(self.columns)
        self.parts = self.engine.parts
        users, items = self._some("users", self.parts.n_users, 24), self._some("items", self.parts.n_contents, 24)
        verify(self.engine, users[:16], items)
        asked = {"tiny": 4, "L": 12}.get(size, 24)
        self.users, self.items = users[:asked], items[:asked]

    def _some(self, stream: str, count: int, number: int) -> Array:
        """Numbers drawn by hash; administrators, who may everything, are passed over."""
        drawn = (mixed(np.arange(number * 8) + len(stream) * 1000) % np.uint64(count)).astype(np.int64)
        if stream == "users":
            drawn = drawn[~self.parts.tables.admin.any(axis=1)[self.columns.users.role[drawn]]]
        return drawn[:number]

    # -- what peers are given ---------------------------------------------------------------------------------

    @cached_property
    def facts(self) -> Facts:
        """The resolved facts."""
        return facts_of(self.engine)

    @cached_property
    def our_lists(self) -> Facts:
        """The same with equal rule lists told once: half of what the engine makes of the facts."""
        return facts_of(self.engine, given_our_lists=True)

    @cached_property
    def duck(self) -> Duck:
        """DuckDB on the facts."""
        return Duck(self.facts)

    @cached_property
    def bears(self) -> Bears:
        """Polars on the facts."""
        return Bears(self.facts)

    # -- bytes that cannot but be touched ---------------------------------------------------------------------

    def bytes_of_what(self, width: int) -> float:
        """Of what one may: the class of every content read (4 bytes do), `width` bytes written for each."""
        return self.parts.n_contents * float(4 + width)

    def bytes_of_ids(self, users: Array) -> float:
        """Of what one may as ids: the class of every content read, 4 bytes an id written; mean of these users."""
        found = [len(self.engine.what_ids(user, "Read")) for user in users.tolist()]
        return 4.0 * (self.parts.n_contents + float(np.mean(found)))

    def bytes_of_who(self, items: Array) -> float:
        """Of who may: the packed rows of the grantees and of those who rule read, one row and the ids written."""
        sources, rules, powers = self.parts.sources, self.parts.rules, self.parts.powers
        found = []
        for item in items.tolist():
            grantees = len(rules.rows_of(int(sources.rules[item]), VIEW)[0])
            ruled = len(powers.chain(int(self.parts.project_row[item])))
            ids = 4.0 * len(self.engine.who_ids("Read", item))
            found.append((grantees + ruled + 1) * self.parts.people.words * 8 + ids)
        return float(np.mean(found))

    def bytes_of_mirror(self, of_content: Array, forms: int) -> int:
        """Of a mirror: the packed rows of each class's grantees read once, its own row written once."""
        parts = self.parts
        _, first = np.unique(of_content, return_index=True)
        speaking, rules = parts.speaking(VIEW), parts.sources.rules[first]
        operands = speaking.offsets[rules + 1] - speaking.offsets[rules]
        return int((operands.sum() + forms) * parts.people.words * 8)
