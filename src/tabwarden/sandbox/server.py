"""The sandbox as an HTTP server on a loopback port: reads requests, has them answered, logs them. Not the answers.

Handlers are plain functions that run one at a time on the event loop, so every request is atomic.
"""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from aiohttp import web

from tabwarden.model.errors import TabwardenError
from tabwarden.model.roles import is_server_admin
from tabwarden.model.site import Site
from tabwarden.sandbox import answering
from tabwarden.sandbox.answering import Answered
from tabwarden.sandbox.call import Request
from tabwarden.sandbox.errors import Refusal
from tabwarden.sandbox.holdings import World
from tabwarden.sandbox.personality import Personality, personality
from tabwarden.sandbox.request_log import Entry, RequestLog
from tabwarden.sandbox.sessions import Sessions
from tabwarden.sandbox.state import Clock, State
from tabwarden.sandbox.world import find_world

LOOPBACK = "127.0.0.1"
LARGEST_BODY = 96 * 1024 * 1024
LINGERING_SECONDS = 1.0


class Sandbox:
    """One pretend Tableau: its state, its sessions, its request log and, once started, its port.

    `log` is shared with the server; `site` gives the present value of a site, safe from any thread.
    """

    def __init__(
        self,
        world: World,
        *,
        plays: Personality | None = None,
        state: Path | None = None,
        clock: Clock = time.time,
        log_to: Path | None = None,
    ) -> None:
        self.personality = plays or personality()
        self.state = State(world, clock, state)
        try:
            self.log = RequestLog(log_to)
        except TabwardenError:
            self.state.close()
            raise
        self.sessions = Sessions(self.state, self.personality)
        self.host, self.port = LOOPBACK, 0
        self._runner: web.ServerRunner | None = None

    @property
    def url(self) -> str:
        """Where clients find it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    def site(self, content_url: str) -> Site:
        """The site at a content URL as it is now; TabwardenError when there is none."""
        found = self.state.site_at(content_url)
        if found is None:
            raise TabwardenError(f"the sandbox has no site `{content_url}`")
        return found

    def answer(self, request: Request) -> Answered:
        """Answer one request: the whole sandbox without HTTP."""
        return answering.answer(self.state, self.sessions, self.personality, request)

    # -- serving ----------------------------------------------------------------------------------------------

    async def start(self, port: int = 0, host: str = LOOPBACK) -> None:
        """Listen; port 0 takes a free one. OSError when the port is taken."""
        server = web.Server(
            self._handle, request_factory=_roomy_request, access_log=None, lingering_time=LINGERING_SECONDS
        )
        self._runner = web.ServerRunner(server, shutdown_timeout=LINGERING_SECONDS)
        await self._runner.setup()
        await web.TCPSite(self._runner, host, port).start()
        self.host, self.port = host, self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Stop listening and let go of the state file."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None
        self.state.close()
        self.log.close()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        began = time.perf_counter()
        try:
            asked = await _read(request)
        except ConnectionError:
            # The client died while it was sending: nobody is left to answer, and nothing was asked.
            return web.Response(status=400)
        own = self._own_page(asked)
        if own is not None:
            return own
        answered = self.answer(asked)
        self.log.add(
            Entry(
                asked.method,
                asked.path,
                answered.endpoint,
                answered.status,
                answered.site,
                answered.user,
                self.state.clock(),
                time.perf_counter() - began,
            )
        )
        headers = dict(answered.headers)
        if answered.body is None:
            return web.Response(status=answered.status, headers=headers)
        return web.Response(
            status=answered.status,
            body=answered.body,
            content_type=answered.content_type,
            charset="utf-8",
            headers=headers,
        )

    def _own_page(self, asked: Request) -> web.Response | None:
        """The sandbox's own pages for benchmarks: counts for anybody, the log for server administrators' tokens."""
        page: object
        if asked.path == "/sandbox/counts":
            page = self.log.counts()
        elif asked.path == "/sandbox/log":
            if not self._reads_log(asked.headers.get("x-tableau-auth")):
                return web.Response(status=403, text="the log is for a server administrator's token")
            page = [entry._asdict() for entry in self.log.entries]
        else:
            return None
        return web.Response(text=json.dumps(page), content_type="application/json")

    def _reads_log(self, token: str | None) -> bool:
        try:
            session = self.sessions.of(token)
        except Refusal:
            return False
        return is_server_admin(self.state.site(session.site).users[session.user].site_role)


def _roomy_request(message: object, payload: object, protocol: object, writer: object, task: object) -> web.BaseRequest:
    """A request whose body may be as large as Tableau's largest single upload."""
    loop = asyncio.get_running_loop()
    return web.BaseRequest(
        message,  # type: ignore[arg-type]
        payload,  # type: ignore[arg-type]
        protocol,  # type: ignore[arg-type]
        writer,  # type: ignore[arg-type]
        task,  # type: ignore[arg-type]
        loop,
        client_max_size=LARGEST_BODY,
    )


async def _read(request: web.BaseRequest) -> Request:
    """The request as plain data; the body is None when it is too large."""
    body: bytes | None = None
    if (request.content_length or 0) <= LARGEST_BODY:
        with suppress(web.HTTPRequestEntityTooLarge):
            body = await request.read()
    target = urlsplit(request.raw_path)
    query: dict[str, tuple[str, ...]] = {}
    for name, value in parse_qsl(target.query, keep_blank_values=True):
        query[name] = (*query.get(name, ()), value)
    headers = {name.lower(): value for name, value in request.headers.items()}
    return Request(request.method, target.path, query, headers, body)


@contextmanager
def running(
    world: World | str = "w0",
    *,
    port: int = 0,
    state: Path | None = None,
    plays: Personality | None = None,
    clock: Clock = time.time,
    seed: int = 0,
    log_to: Path | None = None,
) -> Iterator[Sandbox]:
    """A sandbox in a thread of this process with its own event loop, stopped when the block ends."""
    held = find_world(world, seed=seed) if isinstance(world, str) else world
    sandbox = Sandbox(held, plays=plays, state=state, clock=clock, log_to=log_to)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="sandbox", daemon=True)
    thread.start()
    try:
        asyncio.run_coroutine_threadsafe(sandbox.start(port), loop).result()
        yield sandbox
    finally:
        asyncio.run_coroutine_threadsafe(sandbox.stop(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
