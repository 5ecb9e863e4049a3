"""One signed-in connection to a Tableau site: sign-in of every kind, calls, paged lists that are whole or refused.

Not what is read or written through it.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from xml.etree.ElementTree import Element

import requests

from tabwarden.model.errors import IncompleteRead, TableauError
from tabwarden.tableau.http import wire
from tabwarden.tableau.http.refusals import refused
from tabwarden.tableau.http.signin import (
    Jwt,
    Options,
    Password,
    Pat,
    address_of,
    no_answer,
    secret_of,
    sign_in,
    version_of,
)
from tabwarden.tableau.http.transport import Transport
from tabwarden.tableau.http.wire import Part

__all__ = ["Connection", "Jwt", "Options", "Password", "Pat", "Reader", "connect"]

log = logging.getLogger(__name__)

PAGE_SIZE = 1000
RENEWALS, RENEWAL_SPAN = 5, 60.0  # so many sessions in a row that served nothing, within seconds: the token is taken
REPLAYS = 3  # how often one request is sent again because its session had ended


class Reader(NamedTuple):
    """Who is signed in."""

    name: str
    site_role: str


class _Request(NamedTuple):
    method: str
    path: str
    headers: Mapping[str, str]
    query: Mapping[str, str] | None
    data: bytes | None


class Connection:
    """A session on one site, to be used by many threads at once. Made by `connect`.

    Paths are relative to the site (`users`); one that begins with `/` is relative to the API (`/serverinfo`).
    """

    def __init__(self, options: Options, transport: Transport, version: str, server: str) -> None:
        self.server = server
        self.version = version
        self.site = options.site
        self.site_id = ""
        self.user_id = ""
        self._options = options
        self._transport = transport
        self._token = ""
        self._renewing = threading.Lock()
        self._asking = threading.Lock()
        self._fruitless: deque[float] = deque(maxlen=RENEWALS)
        self._signed_in, self._served = 0.0, False
        self._reader: Reader | None = None

    # -- who and what -----------------------------------------------------------------------------------------

    @property
    def options(self) -> Options:
        """Where and how this connection signed in."""
        return self._options

    @property
    def transport(self) -> Transport:
        """What counts the requests and knows the certificates."""
        return self._transport

    @property
    def calls(self) -> Mapping[str, int]:
        """Requests sent so far, by method and path with ids blanked; sign-in and tries included."""
        return dict(self._transport.calls)

    @property
    def reader(self) -> Reader:
        """Name and site role of the user who is signed in; asked once."""
        with self._asking:
            return self._who_reads()

    def _who_reads(self) -> Reader:
        if self._reader is None:
            try:
                answer = self.call("GET", f"users/{self.user_id}")
            except TableauError as error:
                if error.status not in (403, 404):
                    raise
                answer = self.call("GET", "/sessions/current", version_required="3.1")
            user = answer.find(".//user") if answer is not None else None
            told = user.attrib if user is not None else {}
            self._reader = Reader(told.get("name", ""), told.get("siteRole", ""))
        return self._reader

    def supports(self, version: str) -> bool:
        """Whether this connection speaks at least that version of the REST API."""
        return _numbers(self.version) >= _numbers(version)

    # -- calls ------------------------------------------------------------------------------------------------

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

        A token that ran out is renewed once and the call sent again. A POST that got no answer or a 5xx is not
        sent again (TableauError with status 0 or 5xx): it may have been done, so the caller looks first.
        """
        if version_required is not None and not self.supports(version_required):
            raise TableauError(
                f"`{self.server}` speaks version {self.version} of the REST API; "
                f"`{method} {path}` needs {version_required} or newer"
            )
        headers = {"Accept": "application/xml"}
        data: bytes | None = None
        if multipart is not None:
            data, headers["Content-Type"] = wire.multipart_body(body, multipart)
        elif body is not None:
            data, headers["Content-Type"] = wire.request_body(body), "text/xml"
        request = _Request(method, path, headers, query, data)
        token = self._token
        response = self._send(request, token)
        for _ in range(REPLAYS):
            if response.status_code != 401:
                break
            token = self.renewed(token)
            response = self._send(request, token)
        answer = wire.parse(response.content) if response.content else None
        location = response.headers.get("Location", "") if response.is_redirect else None
        doing = f"`{method} {path}`"
        return self.understood(doing, response.status_code, answer, bool(response.content), location)

    def _send(self, request: _Request, token: str) -> requests.Response:
        method, path, headers, query, data = request
        url = self.address(path)
        try:
            return self._transport.send(
                method, url, headers={**headers, "X-Tableau-Auth": token}, query=query, data=data
            )
        except (requests.RequestException, OSError) as error:
            raise no_answer(self.server, error, self._options) from None

    def address(self, path: str) -> str:
        """The whole address of a path."""
        place = path.lstrip("/") if path.startswith("/") else f"sites/{self.site_id}/{path}".rstrip("/")
        return f"{self.server}/api/{self.version}/{place}"

    def understood(
        self, doing: str, status: int, answer: Element | None, has_body: bool, location: str | None = None
    ) -> Element | None:
        """The answer to `doing` (its parsed body, or None), or the TableauError for a refusal or for no Tableau."""
        if 200 <= status < 300:
            self._served = True
            if has_body and answer is None:
                raise TableauError(
                    f"`{self.server}` answered {doing} with something that is not Tableau's XML; "
                    "is `server` the address of Tableau itself, and not of a sign-in page in front of it?",
                    status,
                )
            return answer
        if location is not None:
            raise TableauError(
                f"`{self.server}` sends {doing} on to `{location}`; put the address it ends at into `server`", status
            )
        told = wire.told(answer)
        raise refused(doing, status, told.code, self._scrubbed(told.text))

    # -- whole lists ------------------------------------------------------------------------------------------

    def pages(self, path: str, item: str, query: Mapping[str, str] | None = None) -> list[Element]:
        """All `item` elements of a paged list, as many as it says itself and each id once.

        A list that changes while it is read is read once more; if that is not whole either: IncompleteRead.
        """
        trouble = ""
        for _ in range(2):
            found, trouble = self._all_pages(path, item, query or {})
            if not trouble:
                return found
            log.info("the list `%s` was not whole (%s); it is read once more", path, trouble)
        raise IncompleteRead(
            f"the list `{path}` of `{self.server}` did not come whole: {trouble}; "
            "nothing was decided from it, run again when the site is quieter"
        )

    def _all_pages(self, path: str, item: str, query: Mapping[str, str]) -> tuple[list[Element], str]:
        found: list[Element] = []
        totals: set[int] = set()
        page = 0
        while True:
            page += 1
            asked = {**query, "pageSize": str(PAGE_SIZE), "pageNumber": str(page)}
            try:
                answer = self.call("GET", path, query=asked)
            except TableauError as error:
                if error.code == "400006" and page > 1:
                    return found, f"page {page} was there a moment ago"
                raise
            here = [one for part in answer for one in part if one.tag == item] if answer is not None else []
            found += here
            pagination = answer.find("pagination") if answer is not None else None
            if pagination is None:
                return found, _double(found) if page == 1 else f"page {page} does not say how long the list is"
            total = int(pagination.get("totalAvailable", "0"))
            totals.add(total)
            if page * PAGE_SIZE >= total or not here:
                break
        if len(totals) > 1:
            return found, f"its length went from {min(totals)} to {max(totals)} or back"
        if len(found) != total:
            return found, f"{len(found)} of {total} came"
        return found, _double(found)

    # -- sessions ---------------------------------------------------------------------------------------------

    def sign_in(self) -> None:
        """Sign in; called by `connect`, and again when the token has run out."""
        self._signed_in, self._served = time.monotonic(), False
        session = sign_in(self.server, self.version, self._options, self._transport)
        self._token, self.site_id, self.user_id = session

    @property
    def token(self) -> str:
        """The token of the session that is open."""
        return self._token

    def renewed(self, stale: str) -> str:
        """Another token than `stale`, by signing in unless another thread has just done it.

        Sessions that end again and again before they served one request mean that somebody else takes the token away.
        """
        with self._renewing:
            if self._token != stale:
                return self._token
            now = time.monotonic()
            if self._served:
                self._fruitless.clear()
            else:
                self._fruitless.append(self._signed_in)
            if len(self._fruitless) == RENEWALS and now - self._fruitless[0] < RENEWAL_SPAN:
                raise TableauError(
                    f"the session on `{self.server}` was ended {RENEWALS} times within a minute; something else "
                    "signs in with the same token (a token carries one session at a time): give each its own",
                    401,
                    "401002",
                )
            log.info("the session on %s has ended; signing in again", self.server)
            self.sign_in()
            return self._token

    def sign_out(self) -> None:
        """End the session; a failure is of no consequence."""
        try:
            self._transport.send(
                "POST",
                f"{self.server}/api/{self.version}/auth/signout",
                headers={"X-Tableau-Auth": self._token},
            )
        except (requests.RequestException, OSError):
            log.debug("no answer to the sign-out")
        self._token = ""

    # -- words ------------------------------------------------------------------------------------------------

    def _scrubbed(self, text: str) -> str:
        for secret in (self._token, secret_of(self._options.auth)):
            if secret:
                text = text.replace(secret, "***")
        return text


@contextmanager
def connect(options: Options) -> Iterator[Connection]:
    """A signed-in connection, signed out at the end; TableauError when there is none to be had."""
    server = address_of(options.server)
    if options.ca_file is not None and not Path(options.ca_file).is_file():
        raise TableauError(f"`ca_file` names `{options.ca_file}`, which is no file")
    verify = True if options.ca_file is None else str(options.ca_file)
    transport = Transport(verify, timeout=options.timeout, retries=options.retries, first_wait=options.first_wait)
    try:
        version = options.api_version or version_of(server, transport, options)
        connection = Connection(options, transport, version, server)
        connection.sign_in()
        try:
            yield connection
        finally:
            connection.sign_out()
    finally:
        transport.close()


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(word) for word in version.split(".") if word.isdigit())


def _double(found: list[Element]) -> str:
    ids = [one.get("id", "") for one in found]
    return "" if len(set(ids)) == len(ids) else f"{len(ids) - len(set(ids))} came twice"
