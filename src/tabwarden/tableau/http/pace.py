"""How many requests are on their way at once, how many an hour, and who waits: numbers learnt from the answers.

Why 8 at first and up to 50: a server that runs eight at a time gives all it has to eight, and one that is merely far
away gives more to more.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from math import ceil
from typing import NamedTuple
from urllib.parse import urlsplit

from tabwarden.tableau.http.lists import PAGE_SIZE

START, MOST = 8, 50
HOUR = 3600.0
CLOUD_HOURLY = 40_000  # requests a user may send to a site of Tableau Cloud within an hour
CLOUD_HOST = "online.tableau.com"
_WORTH, _ROUNDS = 1.1, 2
_SOON, _LATE = 5, 40  # rounds until a step that did not help is tried again: at first, and at most
_FADES, _STRAIN = 0.97, 3.0  # a tenth of the answers saying busy keeps the strain at about three

log = logging.getLogger(__name__)


class Pace:
    """How many requests may be on their way: `limit`, from `start` up to `most` while answers come faster for it.

    Each step doubles the limit; where the next two rounds of answers are not a tenth faster, the step is taken back
    and tried again, each time later: a moment's noise must not keep a long read slow, nor a slow server be pressed.
    A server that says it is busy to every tenth request or more halves it.
    """

    def __init__(self, start: int = START, most: int = MOST) -> None:
        self.limit = max(1, min(start, most))
        self.most = most
        self._before = self.limit
        self._best = self._strain = 0.0
        self._began: float | None = None
        self._skip = self._count = self._rounds_left = 0
        self._patience = _SOON

    def answered(self, now: float, *, full: bool) -> None:
        """An answer came at `now` (seconds); `full` says whether the limit was used up, for only then it teaches."""
        self._strain *= _FADES
        if not full or self._rounds_left > 0:
            self._rounds_left -= full
            self._begin(0)
            return
        if self._skip > 0:
            self._skip -= 1
            return
        if self._began is None:
            self._began = now
            return
        self._count += 1
        if self._count >= _ROUNDS * self.limit and now > self._began:
            self._judge(self._count / (now - self._began))

    def _judge(self, rate: float) -> None:
        if rate > self._best * _WORTH:
            self._best, self._before = rate, self.limit
            self.limit = min(self.most, self.limit * 2)
        elif self.limit > self._before:
            self.limit, self._best = self._before, self._best * 0.9
            self._rounds_left, self._patience = self._patience * self.limit, min(_LATE, self._patience * 2)
        else:
            self._best = rate
            self._rounds_left = self._patience * self.limit
        self._begin(self.limit)

    def busy(self) -> None:
        """The server said that it is asked too much."""
        self._strain += 1
        if self._strain < _STRAIN:
            return
        self._strain = 0.0
        self.limit = self._before = max(1, self.limit // 2)
        self._best, self._rounds_left = 0.0, _LATE * self.limit
        self._begin(self.limit)

    def _begin(self, skip: int) -> None:
        self._began, self._count, self._skip = None, 0, skip


class Allowance:
    """How many requests may still be sent within an hour; each counts when it is `spent`."""

    def __init__(self, hourly: int, clock: Callable[[], float]) -> None:
        self.hourly = hourly
        self._clock = clock
        self._sent: deque[float] = deque(maxlen=hourly)

    def spent(self) -> None:
        """A request was sent now."""
        self._sent.append(self._clock())

    @property
    def moments(self) -> tuple[float, ...]:
        """When requests were sent that still count (seconds since 1970)."""
        return tuple(moment for moment in self._sent if moment + HOUR > self._clock())

    def spent_before(self, moments: Iterable[float]) -> None:
        """Requests were sent at these moments (seconds since 1970), by others; one that is known counts once."""
        self._sent = deque(sorted({*self._sent, *moments}), self.hourly)

    def wait(self) -> float:
        """Seconds until the next request may be sent; 0 where it may be sent now."""
        if len(self._sent) < self.hourly:
            return 0.0
        return max(0.0, self._sent[0] + HOUR - self._clock())


class Gate:
    """Lets requests set out: at most `pace.limit` on their way, none during a pause, so many an hour."""

    def __init__(self, pace: Pace, allowance: Allowance | None = None) -> None:
        self.pace, self.allowance = pace, allowance
        self._on_way, self._waiting = 0, deque[asyncio.Future[None]]()
        self._not_before = 0.0

    async def enter(self) -> bool:
        """Wait for leave to set out; whether the limit is used up now. Whoever entered calls `leave` in the end."""
        while self._on_way >= self.pace.limit:
            turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(turn)
            await turn
        self._on_way += 1
        try:
            while (pause := self._not_before - time.monotonic()) > 0:
                await asyncio.sleep(pause)
            if self.allowance is not None:
                await self._within_the_hour(self.allowance)
        except BaseException:
            self.leave()
            raise
        return self._on_way >= self.pace.limit

    def leave(self) -> None:
        """A request is back; as many of those who wait set out as there is room for."""
        self._on_way -= 1
        room = self.pace.limit - self._on_way
        while self._waiting and room > 0:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                room -= 1

    def pause(self, seconds: float) -> None:
        """Nobody sets out for so long."""
        self._not_before = max(self._not_before, time.monotonic() + seconds)

    async def _within_the_hour(self, allowance: Allowance) -> None:
        while (pause := allowance.wait()) > 0:
            log.warning("%d requests were sent within an hour; waiting %d seconds", allowance.hourly, pause)
            await asyncio.sleep(pause)
        allowance.spent()


def hourly_of(server: str, setting: int | None) -> int | None:
    """Requests an hour that a server allows: what the settings say, else Tableau Cloud's cap on Tableau Cloud."""
    if setting is not None:
        return setting
    return CLOUD_HOURLY if is_cloud_host(server) else None


def is_cloud_host(server: str) -> bool:
    """Whether the address is Tableau Cloud's."""
    host = urlsplit(server).hostname or ""
    return host == CLOUD_HOST or host.endswith(f".{CLOUD_HOST}")


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
    `contents` for rules of their own, `connections` for what feeds content; `remembered` are answered by a checkpoint.
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

    @property
    def brief(self) -> str:
        """How many requests, and for how long, where the server takes fewer an hour."""
        words = f"{self.total:,} requests" if self.sure else f"at least {self.total:,} requests"
        if self.hourly is not None and self.total > self.hourly * 0.8:
            hours = ceil(self.total / self.hourly)
            words += f"; the server takes {self.hourly:,} an hour, so this takes up to {hours} hours"
        return words

    @property
    def phases(self) -> str:
        """What the requests are for, and which need not be sent."""
        parts = ("members", self.members), ("projects", self.projects), ("contents", self.contents)
        listed = [f"{number:,} for {name}" for name, number in (*parts, ("connections", self.connections)) if number]
        sentence = ", ".join((f"{self.sent:,} sent", *listed))
        if self.remembered:
            sentence += f"; {self.remembered:,} of them are in the checkpoint"
        if self.saved:
            sentence += (
                f"; not needed: {self.saved_by_locks:,} for locked projects, {self.saved_by_tabs:,} for shown tabs, "
                f"{self.saved_by_groups:,} for empty groups and All Users"
            )
        return sentence

    def __str__(self) -> str:
        return f"{self.brief} ({self.phases})"
