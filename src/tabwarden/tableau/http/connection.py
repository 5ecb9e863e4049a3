"""One signed-in connection to a Tableau site, to be called from plain code: calls, paged lists, who is signed in."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar
from xml.etree.ElementTree import Element

from tabwarden.model.errors import MissingScope, TableauError
from tabwarden.tableau.http import wire
from tabwarden.tableau.http.address import address_of
from tabwarden.tableau.http.lists import Listing, whole
from tabwarden.tableau.http.pace import hourly_of
from tabwarden.tableau.http.refusals import refused
from tabwarden.tableau.http.session import Jwt, Session, SignIn, scope_of, version_of
from tabwarden.tableau.http.wire import Answer, Part, Request

if TYPE_CHECKING:
    from tabwarden.tableau.http.transport import Transport

NEW_SESSIONS = 2  # that refuse the same request of a connected app: then it is its scopes
REPLAYS = 3  # how often one request is sent again because its session had ended, where nothing else is served
Result = TypeVar("Result")


class Reader(NamedTuple):
    """Who is signed in."""

    name: str
    site_role: str


class Connection:
    """A session on one site, to be used by many threads at once. Made by `connect`.

    Paths are relative to the site (`users`); one that begins with `/` is relative to the API (`/serverinfo`).
    Requests are sent by one event loop in a thread of its own: plain code uses `call`, `pages` and `reader` and waits,
    what runs in that loop (by `run`) awaits `send`, `ask` and `who_reads`.
    """

    def __init__(self, loop: _LoopThread, transport: Transport, session: Session) -> None:
        self.server, self.version, self.options = transport.server, session.version, session.options
        self.site = self.options.site
        self.transport, self.session = transport, session
        self.takes_whole_lists = True  # whether a list of rules may be written by one POST: until the server says no
        self._loop = loop
        self._asking = asyncio.Lock()
        self._reader: Reader | None = None
        self._scoping = asyncio.Lock()
        self._out_of_scope: dict[str, MissingScope] = {}

    @property
    def site_id(self) -> str:
        return self.session.site_id

    @property
    def user_id(self) -> str:
        """The id of who is signed in."""
        return self.session.user_id

    @property
    def calls(self) -> Mapping[str, int]:
        """Requests sent so far, by method and path with ids blanked; sign-in and tries included."""
        return dict(self.transport.calls)

    @property
    def again(self) -> Mapping[str, int]:
        """What was done twice so far: `sent again`, `read again`, `signed in anew`."""
        return dict(sorted(self.transport.again.items()))

    @property
    def clock_ahead(self) -> float | None:
        """By how many seconds this machine's clock is ahead of the server's; None until it told its time."""
        return self.transport.clock_ahead

    @property
    def reader(self) -> Reader:
        """Name and site role of the user who is signed in; asked once."""
        return self._reader or self.run(self.who_reads())

    async def who_reads(self) -> Reader:
        """As `reader`, in the loop."""
        async with self._asking:
            if self._reader is None:
                try:
                    answer = await self.ask(f"users/{self.user_id}")
                except TableauError as error:
                    if error.status not in (403, 404) and not isinstance(error, MissingScope):
                        raise
                    self._demand("3.1", "GET /sessions/current")
                    answer = await self.ask("/sessions/current")
                user = answer.find(".//user") if answer is not None else None
                attributes = user.attrib if user is not None else {}
                self._reader = Reader(attributes.get("name", ""), attributes.get("siteRole", ""))
        return self._reader

    def supports(self, version: str) -> bool:
        """Whether this connection speaks at least that version of the REST API."""
        return _numbers(self.version) >= _numbers(version)

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        """What `work` gives in the loop of this connection; the caller waits for it, and ends it with Ctrl-C."""
        return self._loop.run(work)

    def call(
        self,
        method: str,
        path: str,
        *,
        body: Element | None = None,
        query: Mapping[str, str] | None = None,
        multipart: Mapping[str, Part] | None = None,
        version_required: str | None = None,
    ) -> Element | None:
        """The answer without namespaces, None for an empty one; every refusal is a TableauError.

        A POST that got no answer or a 5xx is not sent again (TableauError with status 0 or 5xx): it may have been
        done, so the caller looks first.
        """
        if version_required is not None:
            self._demand(version_required, f"{method} {path}")
        content, content_type = None, ""
        if multipart is not None:
            content, content_type = wire.multipart_body(body, multipart)
        elif body is not None:
            content, content_type = wire.request_body(body), "text/xml"
        request = Request(method, self.target(wire.with_query(path, query)), content, content_type)
        return self.understood(f"{method} {path}", self.run(self.send(request)))

    def pages(self, path: str, item: str, query: Mapping[str, str] | None = None) -> list[Element]:
        """All `item` elements of a paged list, as many as it says itself and each id once; else IncompleteRead."""
        return self.run(whole(self, Listing(path, item, lambda element: element, query or {})))

    async def ask(self, path: str, query: Mapping[str, str] | None = None, *, fresh: bool = True) -> Element | None:
        """The answer to one GET; TableauError for a refusal. (Always `fresh`: nothing is remembered.)"""
        del fresh
        answer = await self.send(Request("GET", self.target(wire.with_query(path, query))))
        return self.understood(f"GET {path}", answer)

    async def send(self, request: Request) -> Answer:
        """The answer to a request, the session renewed where it has ended: the only place where that is done.

        Where nothing else is served meanwhile, patience with sessions that end at once is short.
        """
        session, retries = self.session, self.transport.retries
        if request.endpoint in self._out_of_scope:
            raise self._out_of_scope[request.endpoint]
        replayed, served, token = 0, session.served, session.token
        while True:
            answer = await self.transport.send(request, request.version or self.version, token)
            session.served += 200 <= answer.status < 300
            patience = max(REPLAYS, 4 * retries) if session.served > served else REPLAYS
            if answer.status == 401 and isinstance(self.options.auth, Jwt):
                return await self._by_app(request, token)
            if answer.status == 401 and replayed < patience:
                self.transport.gate.pace.busy()  # fewer on their way are fewer that a lost session takes with it
                token, replayed = await session.renewed(token), replayed + 1
                continue
            return answer

    async def _by_app(self, request: Request, token: str) -> Answer:
        """The answer to a connected app's request whose session seemed to have ended; MissingScope where it had not.

        Tableau answers what a token's scopes leave out as it answers an ended session (401002). One request after
        another is tried, so that none takes the blame for what ends the others' sessions.
        """
        endpoint = request.endpoint
        async with self._scoping:
            if endpoint in self._out_of_scope:
                raise self._out_of_scope[endpoint]
            for _ in range(NEW_SESSIONS):
                token = await self.session.renewed(token)
                answer = await self.transport.send(request, self.version, token)
                self.session.served += 200 <= answer.status < 300
                if answer.status != 401:
                    return answer
            code = wire.error_in(wire.parse(answer.body) if answer.body else None).code
            scope, asked_for = scope_of(request.method, request.path), endpoint.replace("sites/{id}/", "")
            missing = MissingScope(f"`{asked_for}`", scope, code)
            self._out_of_scope[endpoint] = missing
            raise missing

    def target(self, path: str) -> str:
        """What a path is after the API version."""
        return path if path.startswith("/") else f"/sites/{self.site_id}/{path}".rstrip("/")

    def understood(self, doing: str, answer: Answer) -> Element | None:
        """The parsed answer to `doing`, or the TableauError for a refusal or for what is no Tableau."""
        root = wire.parse(answer.body) if answer.body else None
        if 200 <= answer.status < 300:
            if answer.body and root is None:
                raise TableauError(
                    f"`{self.server}` answered `{doing}` with something that is not Tableau's XML; "
                    "is `server` the address of Tableau itself, and not of a sign-in page in front of it?",
                    answer.status,
                )
            return root
        if answer.location is not None:
            raise TableauError(
                f"`{self.server}` sends `{doing}` on to `{answer.location}`; put the address it ends at into `server`",
                answer.status,
            )
        error = wire.error_in(root)
        raise refused(f"`{doing}`", answer.status, error.code, self.session.scrubbed(error.text))

    def _demand(self, version: str, doing: str) -> None:
        if not self.supports(version):
            raise TableauError(
                f"`{self.server}` speaks version {self.version} of the REST API; `{doing}` needs {version} or newer"
            )


@contextmanager
def connect(options: SignIn) -> Iterator[Connection]:
    """A signed-in connection, signed out at the end; TableauError when there is none to be had."""
    from tabwarden.tableau.http.transport import Transport  # loads aiohttp, which takes its time

    server = address_of(options.server)
    if options.ca_file is not None and not Path(options.ca_file).is_file():
        raise TableauError(f"`ca_file` names `{options.ca_file}`, which is no file")
    hourly = hourly_of(server, options.calls_per_hour)
    transport = Transport(
        server,
        options.ca_file,
        timeout=options.timeout,
        retries=options.retries,
        first_wait=options.first_wait,
        hourly=hourly,
    )
    loop = _LoopThread()
    try:
        session = Session(options, transport, options.api_version or loop.run(version_of(transport)))
        loop.run(session.sign_in())
        try:
            yield Connection(loop, transport, session)
        finally:
            loop.run(session.sign_out())
    finally:
        loop.run(transport.close())
        loop.close()


class _LoopThread:
    """An event loop in a thread of its own, so that plain code, threads and notebooks alike can wait for it."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="tabwarden-http", daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        if threading.current_thread() is self._thread:
            work.close()
            raise RuntimeError("plain code waits for its own event loop; await in it instead")
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()  # of consequence after Ctrl-C alone
            raise

    def close(self) -> None:
        self.run(self._ended())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _ended(self) -> None:
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        await self._loop.shutdown_default_executor()


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(word) for word in version.split(".") if word.isdigit())
