"""How one HTTP request reaches Tableau: a session per thread, certificates checked, patience with a busy server.

Not what the requests mean: no XML, no tokens, no Tableau words.
"""

from __future__ import annotations

import random
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import requests

from tabwarden import __version__

BUSY = frozenset({408, 429, 500, 502, 503, 504})
LONGEST_WAIT = 120.0
LONGEST_BACKOFF = 30.0
USER_AGENT = f"Tabwarden/{__version__}"

_AN_ID = re.compile(r"[^/\d]*\d[^/]*")
_SAFE_POSTS = ("/auth/signin", "/auth/signout")


class Transport:
    """Sessions (one per thread, for `requests` does not promise more) that wait and try again where that is safe.

    A GET, PUT or DELETE is tried again after 408, 429, 5xx and broken connections; a POST only where it certainly
    did nothing (429, or the connection was never made), because it may have created something. Its caller looks
    it up. `retries` is the number of tries after the first, `first_wait` the seconds before the first of them.
    `calls` counts requests sent, tries included, by method and path with ids blanked out.
    """

    def __init__(
        self, verify: str | bool = True, *, timeout: float = 60.0, retries: int = 5, first_wait: float = 0.5
    ) -> None:
        self.verify = verify
        self.timeout = timeout
        self.retries = retries
        self.first_wait = first_wait
        self.calls: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._mine = threading.local()
        self._sessions: list[requests.Session] = []

    def session(self) -> requests.Session:
        """This thread's session."""
        found: requests.Session | None = getattr(self._mine, "session", None)
        if found is None:
            found = _PatientSession(self)
            found.headers["User-Agent"] = USER_AGENT
            self._mine.session = found
            with self._lock:
                self._sessions.append(found)
        return found

    def send(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        query: Mapping[str, str] | None = None,
        data: bytes | None = None,
    ) -> requests.Response:
        """One request with its tries; the last answer whatever its status, or requests' own error."""
        return self.session().request(
            method,
            url,
            headers=headers,
            params=query,
            data=data,
            timeout=self.timeout,
            allow_redirects=False,
            # Said each time: left to the session, the environment's certificates would replace the named ones.
            verify=self.verify,
        )

    def count(self, method: str, url: str) -> None:
        """Note one request sent."""
        with self._lock:
            self.calls[f"{method} {endpoint_of(url)}"] += 1

    def count_path(self, path: str) -> None:
        """Note one GET of a path within the site, as `count` does of an address."""
        endpoint = _blanked(path.strip("/"))
        if not path.startswith("/"):
            endpoint = f"sites/{{id}}/{endpoint}".rstrip("/")
        with self._lock:
            self.calls[f"GET {endpoint}"] += 1

    def close(self) -> None:
        """Release the connections of every thread."""
        with self._lock:
            sessions, self._sessions = self._sessions, []
        for session in sessions:
            session.close()


class _PatientSession(requests.Session):
    """A session whose every request is counted and, where safe, tried again."""

    def __init__(self, transport: Transport) -> None:
        super().__init__()
        self._transport = transport
        self.max_redirects = 0  # read by tableauserverclient, which would follow by itself

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        """Nowhere: credentials go to the address in the settings and to no other."""
        del resp
        return None

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        """Send, wait, send again; see `Transport`."""
        method, url = request.method or "GET", request.url or ""
        transport = self._transport
        for tries_left in range(transport.retries, -1, -1):
            transport.count(method, url)
            tried = transport.retries - tries_left
            try:
                response = super().send(request, **kwargs)
            except requests.exceptions.SSLError:
                raise
            except (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError) as error:
                if not tries_left or not (is_repeatable(method, url) or _never_sent(error)):
                    raise
                time.sleep(backoff(tried, transport.first_wait))
                continue
            if response.status_code not in BUSY or not tries_left:
                return response
            if not is_repeatable(method, url) and response.status_code != 429:
                return response
            wait = asked_wait(response.headers.get("Retry-After"), lambda: datetime.now(UTC))
            response.close()
            time.sleep(backoff(tried, transport.first_wait) if wait is None else wait)
        raise AssertionError("the last try returns or raises")


def is_repeatable(method: str, url: str) -> bool:
    """Whether sending twice does no more than sending once; a POST that may create something is not."""
    return method != "POST" or urlsplit(url).path.lower().rstrip("/").endswith(_SAFE_POSTS)


def _never_sent(error: Exception) -> bool:
    """Whether the connection was not even made, so that nothing can have happened."""
    if isinstance(error, requests.ConnectTimeout):
        return True
    reason = getattr(error.args[0], "reason", None) if error.args else None
    return type(reason).__name__ == "NewConnectionError"


def backoff(tried: int, first_wait: float) -> float:
    """Seconds to wait after `tried` earlier tries: from 0 to a doubling limit, so that many do not agree."""
    return random.uniform(0.0, min(LONGEST_BACKOFF, first_wait * 2.0**tried))


def asked_wait(header: str | None, now: Callable[[], datetime], *, longest: float = LONGEST_WAIT) -> float | None:
    """Seconds a Retry-After header asks for (number or HTTP date), at most `longest`; None without a usable one."""
    if header is None:
        return None
    words = header.strip()
    if words.isdigit():
        return min(float(words), longest)
    try:
        moment = parsedate_to_datetime(words)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return min(max((moment - now()).total_seconds(), 0.0), longest)


def endpoint_of(url: str) -> str:
    """The part of an address after the API version with ids blanked: `sites/{id}/groups/{id}/users`."""
    path = urlsplit(url).path
    _, _, after = path.partition("/api/")
    words = (after or path).strip("/")
    return _blanked(words.partition("/")[2] if after else words)


def _blanked(path: str) -> str:
    """The path with its ids, the words that have a digit, blanked."""
    return _AN_ID.sub("{id}", path)
