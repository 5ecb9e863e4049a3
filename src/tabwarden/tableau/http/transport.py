"""One HTTP request and its answer over aiohttp: certificates, proxies, and patience with a server that is busy."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import random
import ssl
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from ipaddress import ip_address, ip_network
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp

from tabwarden import __version__
from tabwarden.model.errors import TableauError
from tabwarden.tableau.http.pace import Allowance, Gate, Pace
from tabwarden.tableau.http.refusals import unreachable
from tabwarden.tableau.http.wire import Answer, Request
from tabwarden.troubles import of_connecting, of_tls

LONGEST_BACKOFF = 30.0
LONGEST_PAUSE = 3660.0  # a server that names its hour of rest is given it
MOST_OF_AN_ANSWER = 512 << 20  # bytes; a page of a thousand items has one or two millions
TIMES_FOR_ALL = 10  # a whole answer may take so many times as long as the pause within it
LONGEST_LOOK = 5.0  # seconds of looking at what else is spoken there
USER_AGENT = f"Tabwarden/{__version__}"

_SAFE_POSTS = ("/auth/signin", "/auth/signout")
log = logging.getLogger(__name__)


class Transport:
    """Requests to one server, paced and tried again where that is safe; for one event loop.

    A GET, PUT or DELETE is tried again after 408, 429, 5xx and broken connections; a POST only where it certainly
    did nothing (429, or the connection was never made), because it may have created something. Its caller looks
    it up. `timeout` is seconds for one answer, `retries` the number of tries after the first, `first_wait` the seconds
    before the first of them, `hourly` how many requests may be sent within an hour (None: any number). `calls` counts
    requests sent, tries included, by method and path with ids blanked out; `clock_ahead` by how many seconds this
    machine's clock is ahead of the server's, None until an answer told. `again` counts what was done twice: requests
    sent again, pages read again, sessions signed in anew.
    """

    def __init__(
        self,
        server: str,
        ca_file: str | Path | None = None,
        *,
        timeout: float = 60.0,
        retries: int = 5,
        first_wait: float = 0.5,
        hourly: int | None = None,
    ) -> None:
        self.server, self.ca_file = server, ca_file
        self.timeout, self.retries, self.first_wait = timeout, retries, first_wait
        self.gate = Gate(Pace(), None if hourly is None else Allowance(hourly, time.time))
        self.calls: Counter[str] = Counter()
        self.again: Counter[str] = Counter()
        self._trust = trust_of(server, ca_file)
        self._session: aiohttp.ClientSession | None = None
        self._answered = 0
        self.clock_ahead: float | None = None

    async def send(self, request: Request, version: str, token: str = "") -> Answer:
        """The last answer, whatever its status, after as many tries as patience allows; TableauError for none.

        Nobody is patient with a server that is dead: the tries end early where nothing else was answered meanwhile.
        """
        tried, answered = 0, self._answered
        while True:
            answer = await self._once(request, version, token)
            if isinstance(answer, Answer) and not answer.is_busy:
                self._answered += 1
                return answer
            tired = tried >= 2 * self.retries or (tried >= self.retries and self._answered == answered)
            if tired or not (is_repeatable(request) or _did_nothing(answer)):
                if isinstance(answer, Answer):
                    return answer
                raise await self._no_answer(answer) from None
            reason = answer.status if isinstance(answer, Answer) else type(answer).__name__
            log.debug("%s is sent again (%s)", request.endpoint, reason)
            self.again["sent again"] += 1
            await self._wait(answer, tried)
            tried += 1

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def _once(self, request: Request, version: str, token: str) -> Answer | Exception:
        """One request: its answer, or the error of one that got none."""
        if self._session is None:
            self._session = self._opened()
        headers = {"X-Tableau-Auth": token} if token else {}
        if request.content_type:
            headers["Content-Type"] = request.content_type
        url = f"{self.server}/api/{version}{request.target}"
        full = await self.gate.enter()
        try:
            self.calls[request.endpoint] += 1
            # Redirects are told, not followed: credentials go to the address in the settings and to no other.
            async with self._session.request(
                request.method, url, data=request.body, headers=headers, allow_redirects=False
            ) as response:
                body = await self._body(response, request)
                self._compare_clocks(response.headers.get("Date"))
                location = response.headers.get("Location", "") if 300 <= response.status < 400 else None
                answer = Answer(response.status, body, response.headers.get("Retry-After"), location)
            self.gate.pace.answered(time.monotonic(), full=full)
            return answer
        except (aiohttp.ClientConnectorCertificateError, ssl.SSLCertVerificationError) as error:
            raise self._bad_certificate(error) from None
        except (aiohttp.ClientSSLError, ssl.SSLError) as error:
            words = of_tls(getattr(error, "os_error", error))
            address = "; is its address http://...?" if words.endswith("no TLS") else ""
            raise unreachable(self.server, f"{words}{address}") from None
        except aiohttp.ClientHttpProxyError as error:
            raise self.of_proxy(error.status) from None
        except aiohttp.ClientResponseError:
            raise unreachable(self.server, await self._no_http()) from None
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            if isinstance(error, TimeoutError) and not isinstance(error, aiohttp.ServerTimeoutError):
                # It drips: the same answer would drip again, for as long.
                raise unreachable(self.server, self._too_long(TIMES_FOR_ALL * self.timeout)) from None
            return error
        finally:
            self.gate.leave()

    async def _body(self, response: aiohttp.ClientResponse, request: Request) -> bytes:
        body = bytearray()
        async for part in response.content.iter_any():
            body += part
            if len(body) > MOST_OF_AN_ANSWER:
                raise TableauError(
                    f"the answer to {request.endpoint} has more than {MOST_OF_AN_ANSWER:,} bytes, "
                    "which no Tableau sends; check `tableau.server` and what stands between"
                )
        return bytes(body)

    def _compare_clocks(self, date: str | None) -> None:
        """The server's clock is asked once: it is good to a second, and so is the question."""
        if date is None or self.clock_ahead is not None:
            return
        with contextlib.suppress(ValueError, TypeError):
            self.clock_ahead = (datetime.now(UTC) - parsedate_to_datetime(date)).total_seconds()

    async def _wait(self, answer: Answer | Exception, tried: int) -> None:
        """Before another try: as long as the server asks, else a random time up to a doubling limit."""
        pause = None
        if isinstance(answer, Answer):
            if answer.status in (429, 503):
                self.gate.pace.busy()
            pause = asked_wait(answer.retry_after, datetime.now(UTC))
            if pause is not None and pause > LONGEST_PAUSE:
                raise self._comes_back_later(answer, pause)
        if pause is None:
            await asyncio.sleep(backoff(tried, self.first_wait))
            return
        if pause > 30:
            log.warning("the server asks for a pause of %d seconds", pause)
        # Everybody waits: the next request would be told the same.
        self.gate.pause(pause)
        await asyncio.sleep(pause)

    def _opened(self) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, ssl=self._trust, keepalive_timeout=30),
            timeout=aiohttp.ClientTimeout(
                total=TIMES_FOR_ALL * self.timeout, sock_connect=self.timeout, sock_read=self.timeout
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"User-Agent": USER_AGENT, "Accept": "application/xml"},
            proxy=proxy_of(self.server),
        )

    def _comes_back_later(self, answer: Answer, pause: float) -> TableauError:
        back = (datetime.now(UTC) + timedelta(seconds=min(pause, 1e9))).astimezone()
        return TableauError(
            f"`{self.server}` asks to be left alone until {back:%Y-%m-%d %H:%M}; run again then, or ask who runs it",
            answer.status,
        )

    async def _no_answer(self, error: Exception) -> TableauError:
        cut_off = isinstance(error, aiohttp.ClientOSError) and not isinstance(error, aiohttp.ClientConnectorError)
        cut_off = cut_off or isinstance(error, aiohttp.ServerDisconnectedError)
        if cut_off and self.server.startswith("http:") and await self._speaks_tls():
            return unreachable(self.server, await self._no_http())
        match error:
            case aiohttp.ConnectionTimeoutError():
                why = f"it could not be connected to within {self.timeout:g} seconds; does a firewall stand between?"
            case TimeoutError():
                why = self._too_long(self.timeout)
            case aiohttp.ClientConnectorDNSError():
                why = "its name is not known here"
            case aiohttp.ClientProxyConnectionError():
                words = of_connecting(error.os_error)
                why = f"the proxy {self._proxy_named()} that the environment names cannot be reached: {words}"
            case aiohttp.ClientConnectorError():
                why = of_connecting(error.os_error)
            case aiohttp.ServerDisconnectedError():
                why = "it ended the connection before it answered"
            case aiohttp.ClientPayloadError():
                why = "its answer broke off"
            case OSError():
                why = of_connecting(error)
            case _:
                why = "the connection broke off"
        return unreachable(self.server, why)

    def _too_long(self, seconds: float) -> str:
        return f"it took longer than {seconds:g} seconds"

    def of_proxy(self, status: int) -> TableauError:
        """The error for a refusal of the proxy."""
        if status == 407:
            words = "wants a name and a password (407); write them into its address in the environment"
        else:
            words = f"does not connect to it ({status}); ask who runs the proxy, or name the server in NO_PROXY"
        return unreachable(self.server, f"the proxy {self._proxy_named()} that the environment names {words}")

    def _proxy_named(self) -> str:
        """The proxy without a name and password."""
        return f"`{urlsplit(proxy_of(self.server) or '').netloc.rpartition('@')[2]}`"

    async def _no_http(self) -> str:
        """What answers there, that is no HTTP."""
        if self.server.startswith("http:") and await self._speaks_tls():
            return "what answers there speaks TLS; write its address as https://..."
        return "what answers there speaks no HTTP; is the port that of Tableau?"

    async def _speaks_tls(self) -> bool:
        """Whether TLS is spoken where the address says http. Nothing is sent in it."""
        parts = urlsplit(self.server)
        trusting = ssl.create_default_context()
        trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
        try:
            opening = asyncio.open_connection(parts.hostname, parts.port or 80, ssl=trusting)
            _, writer = await asyncio.wait_for(opening, min(self.timeout, LONGEST_LOOK))
        except (OSError, TimeoutError):
            return False
        writer.transport.abort()
        return True

    def _bad_certificate(self, error: Exception) -> TableauError:
        trusted = f"the certificates in `{self.ca_file}`" if self.ca_file else "what this system trusts"
        reason = of_tls(getattr(error, "certificate_error", error))
        return TableauError(
            f"the certificate of `{self.server}` was not accepted by {trusted}: {reason}; "
            "`ca_file` names your own certificate authority"
        )


def is_repeatable(request: Request) -> bool:
    """Whether sending twice does no more than sending once; a POST that may create something is not."""
    return request.method != "POST" or request.path in _SAFE_POSTS


def _did_nothing(answer: Answer | Exception) -> bool:
    """Whether nothing can have happened: refused as too many, or the connection was not even made."""
    if isinstance(answer, Answer):
        return answer.status == 429
    return isinstance(answer, (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError))


def backoff(tried: int, first_wait: float) -> float:
    """Seconds to wait after `tried` earlier tries: from 0 to a doubling limit, so that many do not agree."""
    return random.uniform(0.0, min(LONGEST_BACKOFF, first_wait * 2.0**tried))


def asked_wait(header: str | None, now: datetime) -> float | None:
    """Seconds a Retry-After header asks for (number or HTTP date); None without a usable one."""
    if header is None:
        return None
    words = header.strip()
    if words.isdigit():
        return float(words)
    try:
        moment = parsedate_to_datetime(words)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max((moment - now).total_seconds(), 0.0)


def proxy_of(server: str) -> str | None:
    """The proxy that the environment names for a server (`HTTPS_PROXY`, `ALL_PROXY`; `NO_PROXY` says for whom none).

    Looked up once: aiohttp would do so in a thread for each request.
    """
    parts, proxies = urlsplit(server), getproxies()
    proxy = proxies.get(parts.scheme) or proxies.get("all")
    if not proxy or _without_proxy(parts.hostname or "", proxies.get("no", "")) or proxy_bypass(parts.netloc):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


def _without_proxy(host: str, names: str) -> bool:
    """Whether `names` has a network, as in `10.0.0.0/8`, that the host lies in; the rest Python looks up itself."""
    for name in names.split(","):
        try:
            if "/" in name and ip_address(host) in ip_network(name.strip(), strict=False):
                return True
        except ValueError:
            continue
    return False


def trust_of(server: str, ca_file: str | Path | None) -> ssl.SSLContext | bool:
    """The certificates to trust: a named file, else those the environment names, else the system's (True)."""
    if not server.startswith("https:"):
        return True
    named = ca_file or os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE")
    if not named:
        return True  # aiohttp has loaded these already
    try:
        if Path(named).is_dir():
            return ssl.create_default_context(capath=named)
        return ssl.create_default_context(cafile=named)
    except OSError:
        raise TableauError(f"`{named}` holds no certificates that can be read; see `ca_file`") from None
