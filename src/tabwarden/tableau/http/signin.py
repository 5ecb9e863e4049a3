"""Signing in to Tableau by password, token or connected app. Not the calls that follow.

tableauserverclient does it and goes no further than this file: what leaves it are three strings.
"""

from __future__ import annotations

import logging
import re
import time
import uuid
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit
from xml.etree.ElementTree import ParseError

import jwt
import requests

from tabwarden.model.errors import TableauError
from tabwarden.tableau.http import wire
from tabwarden.tableau.http.refusals import refused, unreachable
from tabwarden.tableau.http.transport import Transport

with warnings.catch_warnings():
    # Its own source makes Python warn when it is compiled the first time; nobody here can mend that.
    warnings.simplefilter("ignore")
    import tableauserverclient as tsc
    from tableauserverclient.server.endpoint import exceptions as tsc_errors

log = logging.getLogger(__name__)

TRUST_LIFETIME = 300  # seconds a connected app's token lives; Tableau takes at most ten minutes
SIGN_IN_VERSION = "2.4"  # every server since 2016 answers it, whatever it speaks now
# Names as in the vendor's "Access Scopes for Connected Apps".
SCOPES = (
    "tableau:content:read",
    "tableau:sites:read",
    "tableau:jobs:read",
    "tableau:permissions:read",
    *(f"tableau:{what}:{verb}" for what in ("users", "groups") for verb in ("read", "create", "update", "delete")),
    "tableau:groupsets:read",
)


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
class Options:
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


class Session(NamedTuple):
    """What a sign-in gives."""

    token: str
    site_id: str
    user_id: str


def sign_in(server: str, version: str, options: Options, transport: Transport) -> Session:
    """A new session at `server`, speaking that version; TableauError when refused."""
    verify: dict[str, Any] = {"verify": transport.verify, "timeout": options.timeout}
    make: Any = tsc.Server
    try:
        client = make(server, http_options=verify, session_factory=transport.session)
        client.version = version
        client.auth.sign_in(_credentials(options))
    except tsc_errors.XMLError as error:
        told = f"{error.summary}: {error.detail}".strip(": \n").rstrip(".").replace(secret_of(options.auth), "***")
        status = int(error.code[:3]) if error.code[:3].isdigit() else 401
        raise refused(f"sign in {_who(options)}", status, error.code, told) from None
    except tsc_errors.InternalServerError as error:
        raise refused(f"sign in {_who(options)}", int(error.code)) from None
    except (tsc_errors.NonXMLResponseError, ParseError, AttributeError):
        # The client stumbles over a page (ParseError) and over XML that is not Tableau's (AttributeError).
        raise TableauError(
            f"`{server}` did not answer the sign-in as Tableau does; is it the address of Tableau itself?"
        ) from None
    except tsc_errors.RedirectError as error:
        raise TableauError(f"the sign-in at `{server}` was sent elsewhere: {error}") from None
    except (requests.RequestException, OSError) as error:
        raise no_answer(server, error, options) from None
    return Session(str(client.auth_token), str(client.site_id), str(client.user_id))


def address_of(words: str) -> str:
    """The address with its scheme and without a trailing slash, `/api`, or the part a browser shows after `#`."""
    address = words.strip()
    if "://" not in address:
        address = "https://" + address
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise TableauError(f"`server` is `{words}`, which is no address; write it as https://tableau.example.com")
    if parts.username or parts.password:
        raise TableauError("`server` holds a name or password; take them out and put them where sign-in is set")
    if parts.scheme == "http" and parts.hostname not in ("localhost", "127.0.0.1", "::1"):
        log.warning("`%s` is reached without TLS: the secret travels readable; use https", parts.hostname)
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"


def version_of(server: str, transport: Transport, options: Options) -> str:
    """The newest API version the server speaks."""
    url = f"{server}/api/{SIGN_IN_VERSION}/serverinfo"
    try:
        response = transport.send("GET", url, headers={"Accept": "application/xml"})
    except (requests.RequestException, OSError) as error:
        raise no_answer(server, error, options) from None
    if response.is_redirect:
        raise TableauError(
            f"`{server}` sends us on to `{response.headers.get('Location', '')}`; put that address into `server`",
            response.status_code,
        )
    answer = wire.parse(response.content)
    version = ((answer.findtext(".//restApiVersion") if answer is not None else None) or "").strip()
    if response.status_code >= 400 and response.status_code != 404:
        raise refused(f"tell its version at `{server}`", response.status_code, wire.told(answer).code)
    if not re.fullmatch(r"\d+\.\d+", version):
        raise TableauError(f"`{server}` does not answer as a Tableau server does; is the address right?", 404)
    return version


def no_answer(server: str, error: Exception, options: Options) -> TableauError:
    """The error for a request without an answer, worded by what went wrong."""
    if isinstance(error, requests.exceptions.SSLError):
        return bad_certificate(server, options)
    if isinstance(error, (requests.Timeout, TimeoutError)):
        return unreachable(server, f"it took longer than {options.timeout:g} seconds")
    return unreachable(server, type(error).__name__)


def bad_certificate(server: str, options: Options) -> TableauError:
    """The error for a server whose certificate nobody vouches for."""
    trusted = f"the certificates in `{options.ca_file}`" if options.ca_file else "what this system trusts"
    return TableauError(
        f"the certificate of `{server}` was not accepted: it does not follow from {trusted}, "
        "or is for another name; `ca_file` names your own certificate authority"
    )


def _credentials(options: Options) -> Any:
    auth, site, user = options.auth, options.site, options.as_user
    match auth:
        case Pat():
            return tsc.PersonalAccessTokenAuth(auth.name, auth.secret, site_id=site, user_id_to_impersonate=user)
        case Password():
            return tsc.TableauAuth(auth.name, auth.password, site_id=site, user_id_to_impersonate=user)
        case Jwt():
            return tsc.JWTAuth(_signed(auth), site_id=site)


def _signed(auth: Jwt) -> str:
    """A connected app's token; claims as in the vendor's "Configure Connected Apps with Direct Trust"."""
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


def _who(options: Options) -> str:
    auth = options.auth
    where = f"on site `{options.site}`" if options.site else "on the default site"
    match auth:
        case Pat():
            return f"with the token `{auth.name}` {where}"
        case Password():
            return f"`{auth.name}` {where}"
        case Jwt():
            return f"`{auth.user}` by the connected app `{auth.client_id}` {where}"


def secret_of(auth: Pat | Password | Jwt) -> str:
    """What must never be shown."""
    return auth.password if isinstance(auth, Password) else auth.secret
