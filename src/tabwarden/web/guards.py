"""What stands before every page: who sends, believed of known proxies alone; a bound on what is sent; headers.

Headers as in the OWASP Secure Headers Project ("HTTP Security Response Headers"), but for `Clear-Site-Data: "cookies"`,
which would sign people out of every other service of the same domain.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from urllib.parse import urlsplit

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tabwarden.web.refusals import refused, unforeseen

MOST_OF_A_FORM = 1 << 20
BODY_WITHIN = 30.0  # seconds in which a body has to be there
TOO_LARGE = "what was sent is too large, or did not come: 1 MB at most, within 30 seconds"
OTHER_HOST = "these pages are not served under that name; their address is `web.url` of the settings"
# Nothing is loaded from elsewhere, and no page runs a script of its own text.
POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "x-permitted-cross-domain-policies": "none",
    "x-dns-prefetch-control": "off",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-embedder-policy": "require-corp",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), "
    "magnetometer=(), microphone=(), midi=(), payment=(), usb=(), browsing-topics=()",
    "cache-control": "no-store",
}
OVER_TLS = {
    "strict-transport-security": "max-age=31536000; includeSubDomains",
    "content-security-policy": f"{POLICY}; upgrade-insecure-requests",
}


class Forwarded:
    """The client, scheme and host that a proxy tells, where it is one of those that the settings name."""

    def __init__(self, app: ASGIApp, proxies: Iterable[str]) -> None:
        self.app = app
        self.proxies = [ip_network(proxy) for proxy in proxies]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, of whoever sent it."""
        client = scope.get("client")
        if scope["type"] == "http" and client and _is_of(client[0], self.proxies):
            scope = self._told(scope, client)
        await self.app(scope, receive, send)

    def _told(self, scope: Scope, client: tuple[str, int]) -> Scope:
        """The request as the proxy received it. Each proxy adds whom it heard to the end of the list."""
        words = {name: value.decode("latin-1") for name, value in scope["headers"]}
        senders = [word.strip() for word in words.get(b"x-forwarded-for", "").split(",")]
        for sender in reversed(senders):
            if not _is_address(sender):
                break
            client = (sender, 0)
            if not _is_of(sender, self.proxies):
                break
        scheme, host = words.get(b"x-forwarded-proto", ""), words.get(b"x-forwarded-host", "")
        headers = scope["headers"]
        if host and "," not in host:
            headers = [*(pair for pair in headers if pair[0] != b"host"), (b"host", host.encode("latin-1"))]
        scheme = scheme if scheme in ("http", "https") else scope["scheme"]
        return {**scope, "client": client, "scheme": scheme, "headers": headers}


def _is_address(words: str) -> bool:
    try:
        ip_address(words)
    except ValueError:
        return False
    return True


def _is_of(words: str, networks: Sequence[IPv4Network | IPv6Network]) -> bool:
    if not networks or not _is_address(words):
        return False
    address = ip_address(words)
    address = getattr(address, "ipv4_mapped", None) or address
    return any(address in network for network in networks)


class Guard:
    """Headers on every answer, which hosts are answered for, and a bound on the size and time of what is sent."""

    def __init__(self, app: ASGIApp, *, hosts: Iterable[str], secure: bool) -> None:
        self.app, self.hosts = app, {host.lower() for host in hosts}
        self.headers = HEADERS | (OVER_TLS if secure else {})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        sends, path, headers = _Headed(send, self.headers), scope["path"], dict(scope["headers"])
        if _host_in(headers.get(b"host", b"")) not in self.hosts:
            await refused(path, 400, OTHER_HOST)(scope, receive, sends)
            return
        length = headers.get(b"content-length", b"0")
        if not length.isdigit() or len(length) > 12 or int(length) > MOST_OF_A_FORM:
            await refused(path, 413, TOO_LARGE)(scope, receive, sends)
            return
        try:
            await self.app(scope, _bounded(receive), sends)
        except ClientDisconnect:  # it has left, or what it sent had no end: nothing was done, and nothing is shown
            await refused(path, 413, TOO_LARGE)(scope, receive, sends)
        except Exception as error:  # of none of the pages, which tell their own
            if not sends.has_begun:
                await unforeseen(path, error)(scope, receive, sends)


def _host_in(words: bytes) -> str:
    """The name or address of a `Host` header, without the port; empty for one that cannot be."""
    try:
        return urlsplit(f"//{words.decode('latin-1')}").hostname or ""
    except ValueError:
        return ""


class _Headed:
    """Sends an answer with these headers, where it has none of that name; `has_begun` is whether one was sent."""

    def __init__(self, send: Send, headers: Mapping[str, str]) -> None:
        self.send, self.headers, self.has_begun = send, headers, False

    async def __call__(self, message: Message) -> None:
        """One part of it."""
        if message["type"] == "http.response.start":
            self.has_begun = True
            own = {name for name, _ in message["headers"]}
            more = ((name.encode(), value.encode()) for name, value in self.headers.items())
            message["headers"] = [*message["headers"], *(pair for pair in more if pair[0] not in own)]
        await self.send(message)


def _bounded(receive: Receive) -> Receive:
    """A body that says nothing of its length, or comes a letter at a time, ends all the same."""
    taken, loop = 0, asyncio.get_running_loop()
    until, is_whole = loop.time() + BODY_WITHIN, False

    async def receives() -> Message:
        nonlocal taken, is_whole
        if is_whole:  # what comes now is that the client has gone, and that may take as long as the answer does
            return await receive()
        try:
            message = await asyncio.wait_for(receive(), until - loop.time())
        except TimeoutError:
            return {"type": "http.disconnect"}
        taken += len(message.get("body", b""))
        is_whole = not message.get("more_body", False)
        return message if taken <= MOST_OF_A_FORM else {"type": "http.disconnect"}

    return receives
