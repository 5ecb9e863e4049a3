"""The sandbox as an HTTP server on a loopback port: reads requests, has them answered, logs them.

Handlers are plain functions that run one at a time on the event loop, so every request is atomic.
"""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, NamedTuple

from aiohttp import web
from pydantic import ValidationError

from tabwarden.model.errors import TabwardenError, WorldError
from tabwarden.model.roles import is_server_admin
from tabwarden.model.site import Site
from tabwarden.safe_files import open_to_append
from tabwarden.sandbox.directories.directory import Directory, DirectoryText
from tabwarden.sandbox.faults.apply import StrickenDirectory
from tabwarden.sandbox.faults.script import SEARCH_LAG, UNHARMED, Faults, FaultsGiven, Struck, script_from
from tabwarden.sandbox.http import answering, line
from tabwarden.sandbox.http.answering import Answered, Caps
from tabwarden.sandbox.http.call import Request
from tabwarden.sandbox.http.endpoints import TABLE
from tabwarden.sandbox.http.errors import Refusal
from tabwarden.sandbox.metadata import api as metadata_api
from tabwarden.sandbox.state.activity import ActivityLog
from tabwarden.sandbox.state.personality import CLOUD, Personality, personality
from tabwarden.sandbox.state.server_state import Clock, TurnedClock, World
from tabwarden.sandbox.state.sessions import Sessions
from tabwarden.sandbox.state.sites import State
from tabwarden.sandbox.worlds.finding import find_world
from tabwarden.troubles import breach, why

LOOPBACK = "127.0.0.1"
_NAMES = (*(endpoint.name for endpoint in TABLE), f"POST {metadata_api.NAME}")


class Sandbox:
    """One pretend Tableau: its state, its sessions, its request log and, once started, its port.

    `log` is shared with the server; `site` gives the present value of a site, safe from any thread. `clock` is what
    the sandbox takes for the time; nothing in it reads another.
    """

    def __init__(
        self,
        world: World,
        *,
        plays: Personality | None = None,
        state: Path | None = None,
        clock: Clock = time.time,
        log_to: Path | None = None,
        activity_to: Path | None = None,
        directory: Directory | None = None,
        faults: FaultsGiven = None,
    ) -> None:
        self.personality = plays or personality()
        self.clock = TurnedClock(clock)
        self.faults = Faults(faults, _NAMES)
        self.state = State(world, self.clock, state, directory=directory)
        self.state.open_points = self.personality.open_points
        if self.personality.kind == CLOUD:
            self.state.leave_directory()
        self.state.troubled = lambda within: StrickenDirectory(within, lambda: self.faults)
        self.state.watching = self.faults.has(SEARCH_LAG)
        self.caps = Caps()
        try:
            self.log = RequestLog(log_to)
            self.state.activity = ActivityLog(self.clock, activity_to)
        except TabwardenError:
            self.state.close()
            raise
        self.sessions = Sessions(self.state, self.personality)
        self.host, self.port = LOOPBACK, 0
        self._runner: web.ServerRunner | None = None

    @property
    def activity(self) -> ActivityLog:
        """The activity log: what happened on every site, in Tableau's words."""
        return self.state.activity

    @property
    def url(self) -> str:
        """Where clients find it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    def site(self, content_url: str) -> Site:
        """The site at a content URL as it is now; TabwardenError when there is none."""
        site = self.state.site_at(content_url)
        if site is None:
            raise TabwardenError(f"the sandbox has no site `{content_url}`")
        return site

    def strike(self, faults: FaultsGiven) -> None:
        """Play another script of faults from now on, None for none; WorldError for one that cannot be."""
        self.faults = Faults(faults, _NAMES)
        self.state.watching = self.faults.has(SEARCH_LAG)

    def answer(self, request: Request, struck: Struck = UNHARMED) -> Answered:
        """Answer one request: the whole sandbox without HTTP."""
        return answering.answer(self.state, self.sessions, self.personality, request, caps=self.caps, struck=struck)

    async def start(self, port: int = 0, host: str = LOOPBACK) -> None:
        """Listen; port 0 takes a free one. OSError when the port is taken."""
        server = line.LineServer(self._handle, self._refused)
        self._runner = web.ServerRunner(server, shutdown_timeout=line.LINGERING_SECONDS)
        await self._runner.setup()
        await web.TCPSite(self._runner, host, port).start()
        self.host, self.port = host, self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Stop listening and let go of the state file."""
        if self._runner is not None:
            for site in [*self._runner.sites]:
                await site.stop()
            await asyncio.sleep(0)  # a connection that was taken just now is there to be let go of
            await self._runner.cleanup()
            self._runner = None
        self.state.close()
        self.log.close()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        began = time.perf_counter()
        try:
            asked_for = await line.read(request)
        except Refusal as refusal:
            response = self._refused(refusal, request.headers.get("Accept", ""))
            response.force_close()
            return response
        except ConnectionError:
            # The client died while it was sending: nobody is left to answer, and nothing was asked.
            return web.Response(status=400)
        own = own_page(self, asked_for)
        if own is not None:
            return web.Response(status=own.status, text=own.text, content_type=own.content_type)
        struck = answering.struck_by(self.faults, self.personality, asked_for)
        await line.wait(struck)
        if line.is_never_done(struck):
            answered = line.instead(struck, answering.unanswered(self.personality, asked_for))
        else:
            answered = self.answer(asked_for, struck)
        self._note(asked_for, answered, struck, time.perf_counter() - began)
        return await line.send(request, answered, struck)

    def _note(self, request: Request, answered: Answered, struck: Struck, took: float) -> None:
        self.log.add(
            LoggedRequest(
                request.method,
                request.path,
                answered.endpoint,
                answered.status,
                answered.site,
                answered.user,
                self.clock(),
                took,
                struck.names,
            )
        )

    def _refused(self, refusal: Refusal, accept: str = "") -> web.Response:
        return line.as_response(answering.refused(refusal, accept, self.personality))


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
    activity_to: Path | None = None,
    directory: Directory | None = None,
    faults: FaultsGiven = None,
) -> Iterator[Sandbox]:
    """A sandbox in a thread of this process with its own event loop, stopped when the block ends.

    A `directory` takes the place of the pretend one of the world; `faults` is a script, its file, or single faults.
    """
    world_held = find_world(world, seed=seed) if isinstance(world, str) else world
    sandbox = Sandbox(
        world_held,
        plays=plays,
        state=state,
        clock=clock,
        log_to=log_to,
        activity_to=activity_to,
        directory=directory,
        faults=faults,
    )
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


WRITES = frozenset({"POST", "PUT", "DELETE"})


class LoggedRequest(NamedTuple):
    """One answered request. `endpoint` is the table's name or '' where nothing matched; `user` a name or ''.

    `at` is the sandbox's clock in seconds since 1970, `took` the real seconds of the answer, `faults` the names of
    the faults it met, parted by commas. `status` is 0 where a fault kept the request from being done or answered.
    """

    method: str
    path: str
    endpoint: str
    status: int
    site: str
    user: str
    at: float
    took: float
    faults: str = ""


class RequestLog:
    """The log of one sandbox, oldest first; only ever added to."""

    def __init__(self, path: Path | None = None) -> None:
        self.entries: list[LoggedRequest] = []
        self._out: IO[str] | None = None
        if path is not None:
            try:
                self._out = open_to_append(path)
            except OSError as problem:
                raise WorldError(f"log file `{path}` cannot be written: {why(problem)}") from None

    def add(self, entry: LoggedRequest) -> None:
        self.entries.append(entry)
        if self._out is not None:
            self._out.write(json.dumps(entry._asdict()) + "\n")
            self._out.flush()

    def counts(self) -> dict[str, int]:
        """How often each endpoint was asked, by name."""
        return dict(Counter(entry.endpoint for entry in self.entries))

    def faults(self) -> dict[str, int]:
        """How often each fault was given, by name."""
        return dict(Counter(name for entry in self.entries if entry.faults for name in entry.faults.split(",")))

    def writes(self, *, succeeded: bool = True) -> list[LoggedRequest]:
        """What was written: POST, PUT and DELETE other than signing in and out, those that succeeded."""
        return [
            e
            for e in self.entries
            if e.method in WRITES and "/auth/" not in e.path.lower() and (not succeeded or 0 < e.status < 300)
        ]

    def clear(self) -> None:
        """Forget what is in memory."""
        self.entries.clear()

    def close(self) -> None:
        """Let go of the file."""
        if self._out is not None:
            self._out.close()
            self._out = None


class Page(NamedTuple):
    """An answer: a status and text."""

    status: int
    text: str
    content_type: str = "text/plain"


def own_page(box: Sandbox, request: Request) -> Page | None:
    """The page at a path, None where the path is none of ours."""
    if request.path == "/sandbox/counts":
        return _json_page(box.log.counts())
    page = _PAGES.get(request.path)
    if page is None:
        return None
    if not _is_admins(box, request.headers.get("x-tableau-auth")):
        return Page(403, "this page is for a server administrator's token")
    return page(box, request)


def _is_admins(box: Sandbox, token: str | None) -> bool:
    try:
        session = box.sessions.of(token)
    except Refusal:
        return False
    return is_server_admin(box.state.site(session.site).users[session.user].site_role)


def _json_page(value: object) -> Page:
    return Page(200, json.dumps(value), "application/json")


def _log_page(box: Sandbox, _asked: Request) -> Page:
    return _json_page([entry._asdict() for entry in box.log.entries])


def _faults_page(box: Sandbox, request: Request) -> Page:
    """GET counts the faults given so far; PUT plays another script, YAML or JSON; an empty body ends it."""
    if request.method == "PUT":
        try:
            box.strike(script_from((request.body or b"").decode("utf-8", "replace"), "of the request"))
        except TabwardenError as problem:
            return Page(400, str(problem))
    elif request.method != "GET":
        return Page(405, "the faults are read with GET and replaced with PUT")
    return _json_page(box.log.faults())


def _clock_page(box: Sandbox, request: Request) -> Page:
    """GET tells the time; POST with `forward=SECONDS` turns it forward."""
    if request.method == "POST":
        words = request.query.get("forward", ("",))[-1]
        if not (words.isascii() and words.isdecimal() and len(words) < 12):
            return Page(400, "give `forward`, a number of seconds")
        box.clock.forward(float(words))
    elif request.method != "GET":
        return Page(405, "the clock is read with GET and turned with POST")
    return _json_page({"now": box.clock()})


def _directory_page(box: Sandbox, request: Request) -> Page:
    """GET gives the directory as JSON, PUT replaces it; 400 with every mistake of what was sent."""
    if request.method == "PUT":
        try:
            text = DirectoryText.model_validate_json(request.body or b"")
            box.state.put_directory(text.model_dump(mode="json", exclude_defaults=True))
        except ValidationError as problem:
            lines = (f"{'.'.join(map(str, e['loc']))}: {breach(e)}" for e in problem.errors())
            return Page(400, "\n".join(lines))
        except TabwardenError as problem:
            return Page(400, str(problem))
        box.state.commit()
    elif request.method != "GET":
        return Page(405, "the page is read with GET and replaced with PUT")
    return _json_page(box.state.pretended)


_PAGES: Mapping[str, Callable[[Sandbox, Request], Page]] = {
    "/sandbox/log": _log_page,
    "/sandbox/faults": _faults_page,
    "/sandbox/clock": _clock_page,
    "/sandbox/directory": _directory_page,
}
