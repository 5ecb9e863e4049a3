"""A connection whose request does not come: uvicorn waits for its headers for ever, this for some seconds.

How long a body may take stands in `guards`; a connection between two requests ends by uvicorn's own keep-alive.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from uvicorn.protocols.http.h11_impl import H11Protocol

if TYPE_CHECKING:
    from typing import Any


class Impatient(H11Protocol):
    """One connection. `within` are the seconds in which the headers of a request have to be there."""

    within = 20.0
    _until: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Somebody is there, and says nothing yet."""
        super().connection_made(transport)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """He has left."""
        self._stop()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Whoever sends a letter now and then has no more time than before."""
        before = self.cycle
        super().data_received(data)
        if self.cycle is not before:
            self._stop()
        elif before is None or before.response_complete:
            self._wait()

    def _wait(self) -> None:
        if self._until is None:
            self._until = self.loop.call_later(self.within, self.transport.close)

    def _stop(self) -> None:
        if self._until is not None:
            self._until.cancel()
            self._until = None
