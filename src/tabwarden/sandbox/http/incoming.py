"""What comes over the line, well formed or not: requests as plain data, a refusal of Tableau's shape for the rest.

Not what a request asks for. Nothing that arrives may leave a traceback or keep the server waiting.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from tabwarden.sandbox.http.call import Request
from tabwarden.sandbox.http.errors import Refusal

LARGEST_BODY = 96 * 1024 * 1024
BODY_SECONDS = 30.0
IDLE_SECONDS = 120.0
LINGERING_SECONDS = 1.0
Refuse = Callable[[Refusal], web.Response]


class LineServer(web.Server):
    """aiohttp's low-level server, with our words for what is not even HTTP."""

    def __init__(self, handler: Any, refuse: Refuse) -> None:
        super().__init__(
            handler,
            request_factory=_roomy_request,
            access_log=None,
            lingering_time=LINGERING_SECONDS,
            keepalive_timeout=IDLE_SECONDS,
        )
        self._refuse = refuse

    def __call__(self) -> web.RequestHandler:
        """A protocol for one connection."""
        protocol = _Line(self, loop=self._loop, **self._kwargs)
        protocol.refuse = self._refuse
        return protocol


class _Line(web.RequestHandler):
    """One connection. What the HTTP parser refuses is answered without a trace and ends the connection."""

    refuse: Refuse

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """The answer to what cannot be read, or to our own failure (500)."""
        del message
        if request.writer.output_size > 0:
            raise ConnectionError("an answer is under way already")
        if status < 500:
            refusal = Refusal("400000", f"what was sent is not an HTTP request ({type(exc).__name__})")
        else:
            self.log_exception("the sandbox failed on a request", exc_info=exc)
            refusal = Refusal("500000", "the sandbox failed on this request; its log has the trace")
        answer = self.refuse(refusal)
        answer.force_close()
        return answer

    def log_exception(self, *args: Any, **kw: Any) -> None:
        """What a client sent broken, or not to the end, is no failure of ours."""
        if not isinstance(kw.get("exc_info"), (web.RequestPayloadError, HttpProcessingError, ConnectionError)):
            super().log_exception(*args, **kw)


async def read(request: web.BaseRequest) -> Request:
    """The request as plain data; the body is None when it is too large.

    Raises Refusal for a body that does not come whole, ConnectionError when the client has gone.
    """
    body: bytes | None = None
    if (request.content_length or 0) <= LARGEST_BODY:
        await _go_on(request)
        try:
            async with asyncio.timeout(BODY_SECONDS):
                with suppress(web.HTTPRequestEntityTooLarge):
                    body = await request.read()
        except TimeoutError:
            raise Refusal("408000", f"the body did not come within {BODY_SECONDS:g} seconds") from None
        except (web.RequestPayloadError, HttpProcessingError, ValueError) as problem:
            raise Refusal("400000", f"the body is not what its headers say ({type(problem).__name__})") from None
    path, query = _target(_plain(request.raw_path))
    headers = {name.lower(): _plain(value) for name, value in request.headers.items()}
    return Request(request.method, path, query, headers, body)


async def _go_on(request: web.BaseRequest) -> None:
    """Tell a client that waits for it to send the body."""
    if request.headers.get("Expect", "").lower() == "100-continue" and request.version >= (1, 1):
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0  # the answer itself has not begun


def _target(words: str) -> tuple[str, Mapping[str, tuple[str, ...]]]:
    """Path and decoded query of a request target, also of one with scheme and host.

    Several slashes in front are one, as a gateway has it: clients put `/api` behind an address that ends in a slash.
    """
    words = words.partition("#")[0]
    if words[:7].lower() == "http://" or words[:8].lower() == "https://":
        words = "/" + words.split("//", 1)[1].partition("/")[2]
    path, _mark, query_words = words.partition("?")
    if path.startswith("//"):
        path = "/" + path.lstrip("/")
    query: dict[str, tuple[str, ...]] = {}
    for name, value in parse_qsl(query_words, keep_blank_values=True):
        query[name] = (*query.get(name, ()), value)
    return path, query


def _plain(words: str) -> str:
    """Text without the halves of characters that undecodable bytes come as."""
    return words.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


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
