"""Signing in to Tableau by password, token or connected app; renewing the session when it ends; signing out."""

from __future__ import annotations

import asyncio
import logging
import re
import time
import uuid
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary
from xml.etree.ElementTree import Element

from tabwarden.model.errors import TableauError
from tabwarden.scrubber import is_odd_secret
from tabwarden.tableau.http import wire
from tabwarden.tableau.http.refusals import refused, unreachable
from tabwarden.tableau.http.wire import Request, element

if TYPE_CHECKING:
    from tabwarden.tableau.http.transport import Transport

log = logging.getLogger(__name__)

TRUST_LIFETIME = 300  # seconds a connected app's token lives; Tableau takes at most ten minutes
SIGN_IN_VERSION = "2.4"  # every server since 2016 answers it, whatever it speaks now
RENEWALS, RENEWAL_SPAN = 5, 60.0  # so many sessions in a row that served nothing, within seconds: the token is taken
# Names as in the vendor's "Access Scopes for Connected Apps".
SCOPES = (
    "tableau:content:read",
    "tableau:sites:read",
    "tableau:jobs:read",
    "tableau:permissions:read",
    *(f"tableau:{what}:{verb}" for what in ("users", "groups") for verb in ("read", "create", "update", "delete")),
    "tableau:groupsets:read",
)
_VERBS = {"GET": "read", "POST": "create", "PUT": "update", "DELETE": "delete"}


def scope_of(method: str, path: str) -> str:
    """The scope that a connected app's token needs for a request; `path` is relative to the API."""
    parts = [part for part in path.partition("?")[0].casefold().split("/") if part]
    verb = _VERBS.get(method, "read")
    if "permissions" in parts or "default-permissions" in parts:
        return f"tableau:permissions:{'update' if verb == 'create' else verb}"
    what = parts[2] if len(parts) > 2 and parts[0] == "sites" else "sites"
    if what in ("groups", "groupsets") and len(parts) > 4 and verb != "read":
        return f"tableau:{what}:update"  # who is in it
    if what in ("groupsets", "groups", "users", "jobs", "sites"):
        return f"tableau:{what}:{verb}"
    return "tableau:content:read" if verb == "read" else f"tableau:{what}:{verb}"


@dataclass(frozen=True, slots=True)
class Pat:
    """A personal access token; it carries one session at a time."""

    name: str
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Password:
    """A user's name and password; not possible where multi-factor sign-in is required."""

    name: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Jwt:
    """A connected app with direct trust, signing in as `user`."""

    user: str
    client_id: str
    secret_id: str
    secret: str = field(repr=False)
    scopes: tuple[str, ...] = SCOPES


@dataclass(frozen=True, slots=True)
class SignIn:
    """Where and how to sign in.

    `server` is an address with its base path, https unless it says http; `site` the word in the site's address,
    empty for the default site. `ca_file` names certificates to trust instead of the system's. `api_version`
    None takes the newest the server speaks. `timeout` in seconds for one answer, `retries` after the first try,
    `first_wait` the seconds before the first retry where the server names none. `calls_per_hour` is how many requests
    the server takes within an hour; None is Tableau Cloud's cap on Tableau Cloud and no cap elsewhere. `as_user` is the
    id of a user in whose place a server administrator signs in.
    """

    server: str
    site: str
    auth: Pat | Password | Jwt
    ca_file: str | Path | None = None
    api_version: str | None = None
    timeout: float = 60.0
    retries: int = 5
    first_wait: float = 0.5
    calls_per_hour: int | None = None
    as_user: str | None = None


_NEWEST: WeakValueDictionary[Pat | Password | Jwt, Session] = WeakValueDictionary()


class Session:
    """The session on a site, renewed when it ends; for one event loop.

    `ends_in` is how long it lasts unused, as the sign-in told (`3:59:59`); `served` counts the requests that were
    carried out in it and those before it.
    """

    def __init__(self, options: SignIn, transport: Transport, version: str) -> None:
        self.options, self.version = options, version
        self.token = self.site_id = self.user_id = self.ends_in = ""
        self.served = 0
        self._transport = transport
        self._renewing = asyncio.Lock()
        self._fruitless: deque[float] = deque(maxlen=RENEWALS)
        self._signed_in, self._served_before = 0.0, 0
        self._is_warned = False
        _NEWEST[options.auth] = self

    async def sign_in(self) -> None:
        """A new session; TableauError when refused. Sign-in as in the vendor's REST reference, "Sign In"."""
        self._signed_in, self._served_before = time.monotonic(), self.served
        server = self._transport.server
        body = wire.request_body(_credentials(self.options))
        answer = await self._transport.send(Request("POST", "/auth/signin", body, "text/xml"), self.version)
        if answer.location is not None:
            raise TableauError(f"the sign-in at `{server}` was sent elsewhere: `{answer.location}`", answer.status)
        root = wire.parse(answer.body) if answer.body else None
        error = wire.error_in(root)
        if error.code or answer.status >= 500:
            text = error.text.replace(secret_of(self.options.auth), "***")
            raise refused(
                f"sign in {_who(self.options)}{_likely(self.options, answer.status)}", answer.status, error.code, text
            )
        credentials = root.find("credentials") if root is not None else None
        ids = [root.find(f"credentials/{tag}") for tag in ("site", "user")] if root is not None else []
        if credentials is None or not credentials.get("token"):
            raise TableauError(
                f"`{server}` did not answer the sign-in as Tableau does; is it the address of Tableau itself?"
            )
        self.site_id, self.user_id = ("" if one is None else one.get("id", "") for one in ids)
        self.token = credentials.get("token", "")
        self.ends_in = credentials.get("estimatedTimeToExpiration", "")

    async def renewed(self, stale: str) -> str:
        """Another token than `stale`, by signing in unless that has just been done.

        Sessions that end again and again before they served one request mean that somebody else takes the token away.
        """
        async with self._renewing:
            if self.token != stale:
                return self.token
            if self.served > self._served_before or isinstance(self.options.auth, Jwt):
                self._fruitless.clear()  # nobody else can take a connected app's token away
            else:
                self._fruitless.append(self._signed_in)
            server = self._transport.server
            if len(self._fruitless) == RENEWALS and time.monotonic() - self._fruitless[0] < RENEWAL_SPAN:
                raise TableauError(
                    f"the session on `{server}` was ended {RENEWALS} times within a minute; something else "
                    "signs in with the same token (a token carries one session at a time): give each program its own",
                    401,
                    "401002",
                )
            self._transport.again["signed in anew"] += 1
            log.debug("the session on %s has ended; signing in again", server)
            self._warn()
            await self.sign_in()
            return self.token

    def _warn(self) -> None:
        """Say it once where a token's session ended before its time, which is what a sign-in elsewhere does to it."""
        lasted, auth = time.monotonic() - self._signed_in, self.options.auth
        is_ours = _NEWEST.get(auth) is not self  # we signed in elsewhere ourselves, in somebody's place
        if self._is_warned or is_ours or not isinstance(auth, Pat) or lasted >= _seconds(self.ends_in):
            return
        self._is_warned = True
        log.warning(
            "the session of the token `%s` ended after %d seconds, long before its time: something else seems to sign "
            "in with it, and a token carries one session at a time; give each program a token of its own",
            auth.name,
            lasted,
        )

    async def sign_out(self) -> None:
        """End the session; a failure is of no consequence."""
        token, self.token = self.token, ""
        try:
            await self._transport.send(Request("POST", "/auth/signout"), self.version, token)
        except TableauError:
            log.debug("no answer to the sign-out")

    def scrubbed(self, text: str) -> str:
        """The text without the token and the secret of this session."""
        for secret in (self.token, secret_of(self.options.auth)):
            if secret:
                text = text.replace(secret, "***")
        return text


def _seconds(words: str) -> float:
    """How long `3:59:59` is; 0 for what is no time."""
    parts = words.split(":")
    if len(parts) != 3 or not all(part.isdecimal() for part in parts):
        return 0.0
    return sum(int(part) * size for part, size in zip(parts, (3600, 60, 1), strict=True))


async def version_of(transport: Transport) -> str:
    """The newest API version the server speaks."""
    server = transport.server
    answer = await transport.send(Request("GET", "/serverinfo"), SIGN_IN_VERSION)
    if answer.status == 400 and b"HTTPS port" in answer.body and server.startswith("http:"):  # as nginx says it
        raise unreachable(server, "what answers there speaks TLS; write its address as https://...")
    if answer.status == 407:
        raise transport.of_proxy(answer.status)
    if answer.location is not None:
        raise TableauError(
            f"`{server}` sends us on to `{answer.location}`; put that address into `server`", answer.status
        )
    root = wire.parse(answer.body)
    version = ((root.findtext(".//restApiVersion") if root is not None else None) or "").strip()
    if answer.status >= 400 and answer.status != 404:
        raise refused(f"tell its version at `{server}`", answer.status, wire.error_in(root).code)
    if not re.fullmatch(r"\d+\.\d+", version):
        raise TableauError(f"`{server}` does not answer as a Tableau server does; is the address right?", 404)
    return version


def _credentials(options: SignIn) -> Element:
    auth = options.auth
    site = element("site", contentUrl=options.site)
    user = [element("user", id=options.as_user)] if options.as_user else []
    match auth:
        case Pat():
            names = {"personalAccessTokenName": auth.name, "personalAccessTokenSecret": auth.secret}
            return element("credentials", site, *user, **names)
        case Password():
            return element("credentials", site, *user, name=auth.name, password=auth.password)
        case Jwt():
            return element("credentials", site, jwt=_signed(auth))


def _signed(auth: Jwt) -> str:
    """A connected app's token; claims as in the vendor's "Configure Connected Apps with Direct Trust"."""
    import jwt  # loads cryptography, which nobody else needs for signing in

    claims = {
        "iss": auth.client_id,
        "sub": auth.user,
        "aud": "tableau",
        "jti": str(uuid.uuid4()),
        "exp": int(time.time()) + TRUST_LIFETIME,
        "scp": list(auth.scopes),
    }
    headers = {"kid": auth.secret_id, "iss": auth.client_id}
    return jwt.encode(claims, auth.secret, algorithm="HS256", headers=headers)


def _who(options: SignIn) -> str:
    auth = options.auth
    where = f"on site `{options.site}`" if options.site else "on the default site"
    match auth:
        case Pat():
            return f"with the token `{auth.name}` {where}"
        case Password():
            return f"`{auth.name}` {where}"
        case Jwt():
            return f"`{auth.user}` by the connected app `{auth.client_id}` {where}"


def _likely(options: SignIn, status: int) -> str:
    """What of the settings may be the reason, in brackets; '' where nothing is to be seen."""
    if status == 404 and options.api_version is not None:
        return f" (the settings name the API version `{options.api_version}`; left out, it is the server's own)"
    if options.site.lower() == "default":
        return " (if the site Default is meant, leave the site out: its content URL is empty)"
    if is_odd_secret(secret_of(options.auth)):
        return " (its secret has white space or quotes around it, which are sent as they stand)"
    return ""


def secret_of(auth: Pat | Password | Jwt) -> str:
    """What must never be shown."""
    return auth.password if isinstance(auth, Password) else auth.secret
