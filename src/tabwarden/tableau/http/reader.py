"""Reading over a connection: many GETs at once, each answer remembered in a checkpoint. It sends nothing but GET."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import TypeVar
from xml.etree.ElementTree import Element

from tabwarden.tableau.http.connection import Connection
from tabwarden.tableau.http.pace import Pace
from tabwarden.tableau.http.wire import Answer, Request, with_query
from tabwarden.tableau.read.checkpoint import Checkpoint

Progress = Callable[[int, int], None]  # how many are done, of how many

log = logging.getLogger(__name__)
Item = TypeVar("Item")
Result = TypeVar("Result")


class HttpReader:
    """The requests of one read. Made by `reading`; for the event loop of the connection.

    `reused` counts the answers that the checkpoint had.
    """

    def __init__(self, connection: Connection, checkpoint: Checkpoint | None = None) -> None:
        self.connection, self.server = connection, connection.server
        self.reused = 0
        self._checkpoint = checkpoint

    def has(self, path: str, query: Mapping[str, str] | None = None) -> bool:
        """Whether the answer is in the checkpoint."""
        return self._checkpoint is not None and with_query(path, query) in self._checkpoint

    async def ask(self, path: str, query: Mapping[str, str] | None = None, *, fresh: bool = False) -> Element | None:
        """The answer to one GET; TableauError for a refusal. `fresh` asks although the checkpoint has an answer."""
        key = with_query(path, query)
        remembered = self._checkpoint.get(key) if self._checkpoint is not None and not fresh else None
        if remembered is not None:
            self.reused += 1
            answer = Answer(remembered.status, remembered.body)
        else:
            if fresh:
                log.debug("GET %s is read again", key)
                self.connection.transport.again["read again"] += 1
            request = Request("GET", self.connection.target(key))
            answer = await self.connection.send(request)
            passing = answer.is_busy or answer.status == 401 or answer.location is not None
            if self._checkpoint is not None and not passing:
                self._checkpoint.put(key, answer.status, answer.body)
        return self.connection.understood(f"GET {path}", answer)

    async def for_all(self, items: Iterable[Item], work: Callable[[Item], Awaitable[None]]) -> None:
        """Do `work` for each of the items, many at once; the first failure ends it all and is raised."""
        left = iter(items)

        async def worker() -> None:
            for item in left:
                await work(item)

        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(self.connection.transport.gate.pace.most):
                    group.create_task(worker())
        except BaseExceptionGroup as several:
            raise _first(several) from None


def reading(
    connection: Connection,
    work: Callable[[HttpReader], Awaitable[Result]],
    checkpoint: Checkpoint | None = None,
    pace: Pace | None = None,
) -> Result:
    """What `work` gives with a reader of the connection; the caller waits for it."""
    gate = connection.transport.gate
    gate.pace = pace or gate.pace
    if gate.allowance is not None and checkpoint is not None:
        gate.allowance.spent_before(checkpoint.sent_before)

    async def whole() -> Result:
        return await work(HttpReader(connection, checkpoint))

    return connection.run(whole())


def _first(several: BaseExceptionGroup[BaseException]) -> BaseException:
    """The first exception of a group of one or more."""
    error: BaseException = several
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
