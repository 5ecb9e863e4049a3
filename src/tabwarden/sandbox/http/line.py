"""What comes over the line, well formed or not, and how an answer goes: whole, late, cut short, or not at all."""

from __future__ import annotations

import asyncio
import random
import socket
import struct
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from tabwarden.sandbox.faults import script
from tabwarden.sandbox.faults.script import Struck
from tabwarden.sandbox.http.answering import Answered
from tabwarden.sandbox.http.call import Request
from tabwarden.sandbox.http.errors import Refusal

# Clients decode what has a charset; a file of bytes must have none.
_TEXTS = frozenset({"application/xml", "application/json", "text/csv", "text/html"})
BAD_GATEWAY = b"""<!DOCTYPE html>
<html><head><title>502 Bad Gateway</title></head>
<body><h1>502 Bad Gateway</h1><p>The server behind this proxy did not answer.<hr></body></html>
"""
# Close with a reset at once, whatever has not been read or sent.
_NO_LINGERING = struct.pack("ii", 1, 0)


def is_never_done(struck: Struck) -> bool:
    """Whether a fault of the line keeps the request from being done at all."""
    reset = struck.get(script.RESET)
    return struck.get(script.HTML) is not None or (reset is not None and not reset.done)


def instead(struck: Struck, answered: Answered) -> Answered:
    """What a request that is never done gets: a proxy's page, or nothing (status 0)."""
    if struck.get(script.RESET) is not None:
        return answered._replace(status=0, body=None)
    return answered._replace(status=502, body=BAD_GATEWAY, content_type="text/html")


async def wait(struck: Struck) -> None:
    """The time that a slow answer takes; real time, for a client waits in no other."""
    slow = struck.get(script.SLOW)
    if slow is not None:
        await asyncio.sleep(slow.seconds + random.uniform(0.0, slow.jitter))


async def send(request: web.BaseRequest, answered: Answered, struck: Struck) -> web.StreamResponse:
    """Send the answer, or what a fault leaves of it."""
    response = as_response(answered)
    if struck.get(script.RESET) is not None or (struck.get(script.TRUNCATED) is not None and answered.body is None):
        _reset(request)
    elif struck.get(script.TRUNCATED) is not None:
        await _half(request, response, answered.body or b"")
    return response


def as_response(answered: Answered) -> web.Response:
    """The whole answer."""
    headers = dict(answered.headers)
    if answered.body is None:
        return web.Response(status=answered.status or 204, headers=headers)
    return web.Response(
        status=answered.status,
        body=answered.body,
        content_type=answered.content_type,
        charset="utf-8" if answered.content_type in _TEXTS else None,
        headers=headers,
    )


def _reset(request: web.BaseRequest) -> None:
    transport = request.transport
    if transport is not None:
        line = transport.get_extra_info("socket")
        if line is not None:
            line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGERING)
        transport.abort()


async def _half(request: web.BaseRequest, response: web.Response, body: bytes) -> None:
    """Half of the body under the length of the whole, then the end of the connection."""
    transport = request.transport
    if transport is None:
        return
    lines = [f"HTTP/1.1 {response.status} {response.reason}", f"Content-Length: {len(body)}"]
    lines.extend(f"{name}: {value}" for name, value in response.headers.items() if name.lower() != "content-length")
    transport.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body[: len(body) // 2])
    transport.close()


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
        # Tell a client that waits for it to send the body.
        if request.headers.get("Expect", "").lower() == "100-continue" and request.version >= (1, 1):
            await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            request.writer.output_size = 0  # the answer itself has not begun
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
