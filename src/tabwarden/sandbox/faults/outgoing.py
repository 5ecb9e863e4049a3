"""How an answer goes over the line: whole, late, cut short, or not at all."""

from __future__ import annotations

import asyncio
import random
import socket
import struct

from aiohttp import web

from tabwarden.sandbox.faults import script
from tabwarden.sandbox.faults.script import Struck
from tabwarden.sandbox.http.answering import Answered

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
