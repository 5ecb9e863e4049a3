"""Many GETs at once over the one session of a connection: the way everything is read. It sends nothing but GET.

One event loop in the caller's thread instead of threads: a request costs a third of a millisecond of our time, so fifty
of them on their way are kept full (docs/how-to/read.md has the figures). What is asked is decided elsewhere.
"""

from __future__ import annotations

import asyncio
import logging
import os
import ssl
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import NamedTuple, TypeVar
from urllib.parse import quote, urlencode
from xml.etree.ElementTree import Element

import aiohttp
import requests.utils
from yarl import URL

from tabwarden.model.errors import TableauError
from tabwarden.tableau.http import wire
from tabwarden.tableau.http.connection import Connection
from tabwarden.tableau.http.pace import Allowance, Pace, hourly_of
from tabwarden.tableau.http.signin import bad_certificate, no_answer
from tabwarden.tableau.http.transport import BUSY, USER_AGENT, asked_wait, backoff
from tabwarden.tableau.read.checkpoint import Checkpoint

Progress = Callable[[int, int], None]  # how many are done, of how many
LONGEST_PAUSE = 3660.0  # a server that names its hour of rest is given it

log = logging.getLogger(__name__)
Asked = TypeVar("Asked")
Told = TypeVar("Told")


class _Came(NamedTuple):
    status: int
    body: bytes
    retry_after: str | None = None
    location: str | None = None


class Line:
    """Requests of one read: paced, patient, kept in a checkpoint. Made by `opened`; for one event loop.

    `reused` counts the answers that the checkpoint had.
    """

    def __init__(
        self, connection: Connection, session: aiohttp.ClientSession, checkpoint: Checkpoint | None, pace: Pace
    ) -> None:
        self.connection = connection
        self.pace = pace
        self.reused = 0
        self._session, self._checkpoint = session, checkpoint
        self._on_way, self._waiting = 0, deque[asyncio.Future[None]]()
        self._came = 0
        self._not_before = 0.0
        self._renewing = asyncio.Lock()
        hourly = hourly_of(connection.server, connection.options.calls_per_hour)
        self._allowance = None if hourly is None else Allowance(hourly, time.time)
        self._spent_before()

    def has(self, path: str, query: Mapping[str, str] | None = None) -> bool:
        """Whether the answer is in the checkpoint."""
        return self._checkpoint is not None and _key(path, query) in self._checkpoint

    async def ask(self, path: str, query: Mapping[str, str] | None = None, *, fresh: bool = False) -> Element | None:
        """The answer to one GET; TableauError for a refusal. `fresh` asks although the checkpoint has an answer."""
        key = _key(path, query)
        kept = self._checkpoint.get(key) if self._checkpoint is not None and not fresh else None
        if kept is not None:
            self.reused += 1
            came = _Came(kept.status, kept.body)
        else:
            came = await self._patiently(key)
        answer = wire.parse(came.body) if came.body else None
        return self.connection.understood(f"`GET {path}`", came.status, answer, bool(came.body), came.location)

    async def each(self, things: Iterable[Asked], work: Callable[[Asked], Awaitable[None]]) -> None:
        """Do `work` for each of the things, many at once; the first failure ends it all and is raised."""
        left = iter(things)

        async def worker() -> None:
            for thing in left:
                await work(thing)

        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(self.pace.most):
                    group.create_task(worker())
        except BaseExceptionGroup as several:
            raise _first(several) from None

    # -- one request ------------------------------------------------------------------------------------------

    async def _patiently(self, key: str) -> _Came:
        """One answer that is no passing trouble, after waits and a renewed session; kept in the checkpoint.

        Nobody is patient with a server that is dead: the tries end early where nothing else came meanwhile.
        """
        retries, tried, came_before = self.connection.options.retries, 0, self._came
        token, replayed = self.connection.token, 0
        while True:
            came, trouble = await self._once(key, token)
            if came is not None and came.status == 401 and replayed < 2 * max(retries, 1):
                token, replayed = await self._renewed(token), replayed + 1
                continue
            if came is not None and came.status not in BUSY:
                self._came += 1
                if self._checkpoint is not None and came.status != 401:
                    self._checkpoint.put(key, came.status, came.body)
                return came
            if tried >= 2 * retries or (tried >= retries and self._came == came_before):
                if came is None:
                    assert trouble is not None
                    raise trouble
                return came
            await self._wait(came, tried)
            tried += 1

    async def _once(self, key: str, token: str) -> tuple[_Came | None, TableauError | None]:
        """One request: what came, or the error for nothing that came."""
        connection = self.connection
        await self._enter()
        full = self._on_way >= self.pace.limit
        trouble: Exception
        try:
            connection.transport.count_path(key.partition("?")[0])
            url = URL(connection.address(key), encoded=True)
            async with self._session.get(url, headers={"X-Tableau-Auth": token}, allow_redirects=False) as response:
                body = await response.read()
                headers = response.headers
                location = headers.get("Location", "") if 300 <= response.status < 400 else None
                came = _Came(response.status, body, headers.get("Retry-After"), location)
            self.pace.answered(time.monotonic(), full=full)
            return came, None
        except (aiohttp.ClientSSLError, ssl.SSLError):
            raise bad_certificate(connection.server, connection.options) from None
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            trouble = error
        finally:
            self._leave()
        return None, no_answer(connection.server, trouble, connection.options)

    async def _wait(self, came: _Came | None, tried: int) -> None:
        """Before another try: as long as the server asks, else a random time up to a doubling limit."""
        if came is not None and came.status in (429, 503):
            self.pace.busy()
        asked = None
        if came is not None:
            asked = asked_wait(came.retry_after, lambda: datetime.now(UTC), longest=LONGEST_PAUSE)
        if asked is None:
            await asyncio.sleep(backoff(tried, self.connection.options.first_wait))
            return
        if asked > 30:
            log.warning("the server asks for a pause of %d seconds (HTTP %d)", asked, came.status if came else 0)
        # Everybody waits: the next request would be told the same.
        self._not_before = max(self._not_before, time.monotonic() + asked)
        await asyncio.sleep(asked)

    async def _renewed(self, stale: str) -> str:
        """Another token; the sign-in is not ours but tableauserverclient's, which knows no event loop."""
        async with self._renewing:
            return await asyncio.to_thread(self.connection.renewed, stale)

    # -- how many at once, how many an hour -------------------------------------------------------------------

    async def _enter(self) -> None:
        while self._on_way >= self.pace.limit:
            turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(turn)
            await turn
        self._on_way += 1
        try:
            while (pause := self._not_before - time.monotonic()) > 0:
                await asyncio.sleep(pause)
            if self._allowance is not None:
                await self._within_the_hour(self._allowance)
        except BaseException:
            self._leave()
            raise

    async def _within_the_hour(self, allowance: Allowance) -> None:
        while (pause := allowance.wait()) > 0:
            log.warning("%d requests were sent within an hour; waiting %d seconds", allowance.hourly, pause)
            await asyncio.sleep(pause)
        allowance.spent()

    def _leave(self) -> None:
        self._on_way -= 1
        room = self.pace.limit - self._on_way
        while self._waiting and room > 0:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                room -= 1

    def _spent_before(self) -> None:
        if self._allowance is None:
            return
        for when in sorted(self._checkpoint.sent_before) if self._checkpoint is not None else ():
            self._allowance.spent(when)


@asynccontextmanager
async def opened(
    connection: Connection, checkpoint: Checkpoint | None = None, pace: Pace | None = None
) -> AsyncIterator[Line]:
    """A line over the connection's session."""
    pace = pace or Pace()
    options = connection.options
    # Loading certificates takes a tenth of a second, which plain HTTP need not wait for.
    trust = trust_of(connection.transport.verify) if connection.server.startswith("https:") else True
    connector = aiohttp.TCPConnector(limit=0, ssl=trust, keepalive_timeout=30)
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=options.timeout, sock_read=options.timeout)
    async with aiohttp.ClientSession(
        connector=connector,
        timeout=timeout,
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"User-Agent": USER_AGENT, "Accept": "application/xml"},
        proxy=proxy_of(connection.server),
    ) as session:
        yield Line(connection, session, checkpoint, pace)


def over_line(
    connection: Connection,
    work: Callable[[Line], Awaitable[Told]],
    checkpoint: Checkpoint | None = None,
    pace: Pace | None = None,
) -> Told:
    """What `work` gives on a line of its own, in this thread, which must not run an event loop already."""

    told: list[Told] = []

    async def whole() -> None:
        async with opened(connection, checkpoint, pace) as line:
            told.append(await work(line))

    # Not the task's result: Python puts the task into words when it takes Ctrl-C back, and a Site is long.
    asyncio.run(whole())
    return told[0]


def proxy_of(server: str) -> str | None:
    """The proxy that the environment names for a server, looked up once: aiohttp would do so in a thread each time."""
    found: str | None = requests.utils.select_proxy(server, requests.utils.get_environ_proxies(server))
    return found


def trust_of(verify: str | bool) -> ssl.SSLContext:
    """The certificates that sign-in trusts: a named file, else the environment's, else the usual ones."""
    if isinstance(verify, str):
        return ssl.create_default_context(cafile=verify)
    named = (
        os.environ.get("REQUESTS_CA_BUNDLE")
        or os.environ.get("CURL_CA_BUNDLE")
        or requests.utils.DEFAULT_CA_BUNDLE_PATH
    )
    if os.path.isdir(named):
        return ssl.create_default_context(capath=named)
    return ssl.create_default_context(cafile=named)


def _key(path: str, query: Mapping[str, str] | None) -> str:
    """Path and query as they are sent; also the name of the answer in a checkpoint."""
    if not query:
        return path
    return f"{path}?{urlencode(query, quote_via=quote)}"


def _first(several: BaseExceptionGroup[BaseException]) -> BaseException:
    """The first exception of a group of one or more."""
    found: BaseException = several
    while isinstance(found, BaseExceptionGroup):
        found = found.exceptions[0]
    return found
