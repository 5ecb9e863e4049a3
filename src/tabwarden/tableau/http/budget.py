"""What a read costs in requests: a guess from counts, the exact number once the lists are known. It sends none."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil
from typing import NamedTuple

from tabwarden.tableau.http.lists import PAGE_SIZE
from tabwarden.tableau.http.pace import CLOUD_HOURLY

DEFAULT_KINDS = 3  # workbooks, data sources, flows


class Estimate(NamedTuple):
    """Requests that reading a whole site takes: at least (everything locked) and at most (nothing is)."""

    least: int
    most: int

    def __str__(self) -> str:
        words = f"between {self.least:,} and {self.most:,} requests"
        return words if self.most < CLOUD_HOURLY else f"{words} (Tableau Cloud allows {CLOUD_HOURLY:,} an hour)"


def estimate(counted: Mapping[str, int]) -> Estimate:
    """Requests for a whole read of a site with so many of each; what locks and tabs save shows only later."""
    lists = sum(max(1, ceil(number / PAGE_SIZE)) for number in counted.values())
    fixed = lists + max(0, counted.get("group", 0) - 1) + counted.get("project", 0) * (1 + DEFAULT_KINDS)
    items = sum(counted.get(kind, 0) for kind in ("workbook", "datasource", "flow"))
    connections = counted.get("workbook", 0) if counted.get("datasource", 0) else 0
    return Estimate(fixed + connections, fixed + connections + items + counted.get("view", 0))


class Budget(NamedTuple):
    """Requests of a read, known once its lists are: it takes `total`, the sign-out included.

    `sent` are gone already (sign-in and lists); `members` for groups, `projects` for their rules and defaults,
    `contents` for rules of their own, `connections` for what workbooks use; `remembered` are answered by a checkpoint.
    Not sent at all are those that locks, shown tabs and empty groups save. `sure` is False where the server does not
    say how large a group is, so that one may take more pages. `hourly` is how many the server takes in an hour.
    """

    sent: int
    members: int
    projects: int
    contents: int
    connections: int
    remembered: int = 0
    saved_by_locks: int = 0
    saved_by_tabs: int = 0
    saved_by_groups: int = 0
    sure: bool = True
    hourly: int | None = None

    @property
    def still(self) -> int:
        """Requests still to be sent."""
        return self.members + self.projects + self.contents + self.connections - self.remembered + 1

    @property
    def total(self) -> int:
        """All requests of this read."""
        return self.sent + self.still

    @property
    def saved(self) -> int:
        """Requests that need not be sent."""
        return self.saved_by_locks + self.saved_by_tabs + self.saved_by_groups

    def __str__(self) -> str:
        words = f"{self.total:,} requests" if self.sure else f"at least {self.total:,} requests"
        parts = ("members", self.members), ("projects", self.projects), ("contents", self.contents)
        listed = [f"{number:,} for {name}" for name, number in (*parts, ("connections", self.connections)) if number]
        sentence = f"{words} ({', '.join((f'{self.sent:,} sent', *listed))})"
        if self.remembered:
            sentence += f"; {self.remembered:,} of them are in the checkpoint"
        if self.saved:
            sentence += (
                f"; not needed: {self.saved_by_locks:,} for locked projects, {self.saved_by_tabs:,} for shown tabs, "
                f"{self.saved_by_groups:,} for empty groups and All Users"
            )
        if self.hourly is not None and self.total > self.hourly * 0.8:
            hours = ceil(self.total / self.hourly)
            sentence += f"; the server takes {self.hourly:,} an hour, so this takes up to {hours} hours"
        return sentence
