"""Signing in at an OpenID provider: OpenID Connect with the authorization code flow and PKCE.

Sources: OpenID Connect Core 1.0 (3.1.2, 3.1.3.7), Discovery 1.0, RP-Initiated Logout 1.0, RFC 7636 (PKCE), RFC 9207
(the issuer in what comes back), RFC 9700 (what is unwise). What is believed comes from the provider's own addresses
over TLS, is signed with a key that the provider publishes now, and was made for these pages and this browser.
"""

from __future__ import annotations

import hmac
import secrets
import ssl
import time
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote_plus, urlencode

import httpx
import msgspec
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from tabwarden.model.errors import TabwardenError
from tabwarden.model.names import visible
from tabwarden.section import loopback
from tabwarden.troubles import why

if TYPE_CHECKING:
    from tabwarden.settings.web import OpenId

BACK = "/sign-in/openid/back"
# Signatures that only the provider can make. With `none` and the HS family, whoever knows the client could.
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519")
KINDS_OF_KEYS = ("RSA", "EC", "OKP")
METADATA_FOR = 3600.0  # seconds for which what the provider tells of itself is not asked again
LONGEST = 1 << 20  # bytes of one of its answers
LONGEST_NAME = 255
_REFUSED = (JoseError, ValueError, TypeError, KeyError, AttributeError, RecursionError, OverflowError)


class OpenIdError(TabwardenError):
    """Nobody was signed in; why, in a sentence that holds no secret."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt to sign in, of one browser: everything that has to match is made of the token in its cookie."""

    token: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)

    def _made(self, what: str) -> str:
        digest = hmac.digest(self.token.encode(), what.encode(), sha256)
        return urlsafe_b64encode(digest).rstrip(b"=").decode()

    @property
    def state(self) -> str:
        """What comes back with the browser."""
        return self._made("state")

    @property
    def nonce(self) -> str:
        """What stands in the ID token."""
        return self._made("nonce")

    @property
    def verifier(self) -> str:
        """What is told together with the code, so that nobody else can use that (PKCE)."""
        return self._made("verifier")


class Person(NamedTuple):
    """Whom the provider signed in: his name by the settings' claim, the groups that it names, and its ID token."""

    name: str
    subject: str
    groups: frozenset[str]
    id_token: str


class Provider:
    """The provider of the settings; `url` is the public address of the pages. Used by many threads at once."""

    def __init__(self, settings: OpenId, url: str) -> None:
        self.settings, self.url = settings, url
        self._metadata: tuple[float, Mapping[str, Any]] | None = None
        self._keys: Mapping[str, Any] = {}
        trust: ssl.SSLContext | bool = True
        if settings.ca_file is not None:
            try:
                trust = ssl.create_default_context(cafile=str(settings.ca_file))
            except OSError as error:
                words = f"`web.openid.ca_file`: `{settings.ca_file}` cannot be read: {why(error)}"
                raise TabwardenError(words) from None
        self._client = httpx.Client(verify=trust, timeout=settings.timeout, follow_redirects=False)

    @property
    def called(self) -> str:
        """What people are shown of it: the host."""
        return httpx.URL(self.settings.issuer).host

    def close(self) -> None:
        """Ask it nothing more."""
        self._client.close()

    # -- the steps -----------------------------------------------------------------------------------------

    def begin(self, attempt: Attempt) -> str:
        """Where the browser is sent."""
        return str(
            prepare_grant_uri(
                self._address("authorization_endpoint"),
                self.settings.client_id,
                "code",
                redirect_uri=self.url + BACK,
                scope=" ".join(dict.fromkeys(("openid", *self.settings.scopes))),
                state=attempt.state,
                nonce=attempt.nonce,
                code_challenge=create_s256_code_challenge(attempt.verifier),
                code_challenge_method="S256",
            )
        )

    def finish(self, attempt: Attempt, query: Mapping[str, str]) -> Person:
        """Whom the browser that came back with this query brings; OpenIdError where nobody is to be believed."""
        if not hmac.compare_digest(query.get("state", "").encode(), attempt.state.encode()):
            raise OpenIdError("this answer belongs to another attempt to sign in; begin anew")
        needs_issuer = self.metadata().get("authorization_response_iss_parameter_supported") is True
        if query.get("iss", "" if needs_issuer else self.settings.issuer) != self.settings.issuer:
            raise OpenIdError("this answer is of another provider than the one that was asked")
        if "error" in query or not query.get("code"):
            raise OpenIdError(f"{self.called} signed nobody in: `{visible(query.get('error', 'no code'))[:80]}`")
        answer = self._exchanged(query["code"], attempt)
        id_token, access = str(answer.get("id_token") or ""), str(answer.get("access_token") or "")
        claims = self._believed(id_token, attempt, access)
        return self._person({**self._more(claims, access), **claims}, id_token)

    def logout(self, id_token: str) -> str:
        """Where the browser is sent so that he is signed out at the provider too; empty where it has no such address.

        The provider is asked nothing that it has not told before: signing out here never waits for it.
        """
        try:
            address = self._address("end_session_endpoint")
        except OpenIdError:
            return ""
        words = {
            "client_id": self.settings.client_id,
            "post_logout_redirect_uri": f"{self.url}/sign-in",
            "id_token_hint": id_token,
        }
        return f"{address}{'&' if '?' in address else '?'}{urlencode(words)}"

    # -- what it tells of itself ---------------------------------------------------------------------------

    def metadata(self) -> Mapping[str, Any]:
        """What the provider tells of itself, under its own name."""
        if self._metadata is None or self._metadata[0] < time.monotonic():
            issuer = self.settings.issuer
            document = self._json("GET", f"{issuer.rstrip('/')}/.well-known/openid-configuration")
            if document.get("issuer") != issuer:
                called = visible(str(document.get("issuer")))[:200]
                raise OpenIdError(f"the provider at `{issuer}` calls itself `{called}`: `web.openid.issuer` is another")
            self._metadata = (time.monotonic() + METADATA_FOR, document)
        return self._metadata[1]

    def _address(self, name: str) -> str:
        """One of its addresses: over TLS, unless the provider is on this machine."""
        address = self.metadata().get(name)
        if not isinstance(address, str) or not address or not address.isascii() or not address.isprintable():
            raise OpenIdError(f"{self.called} names no `{name}`")
        on_this_machine = loopback(self.settings.issuer) and loopback(address)
        if not address.startswith("https://") and not (address.startswith("http://") and on_this_machine):
            raise OpenIdError(f"{self.called} names a `{name}` that is not reached over TLS")
        return address

    def _key(self, kid: str | None) -> Any:
        """The key of that name; asked for anew where it is unknown, since a provider changes its keys."""
        if kid is None or kid not in self._keys:
            document = self._json("GET", self._address("jwks_uri"))
            usable = [
                key
                for key in document.get("keys") or ()
                if isinstance(key, dict) and key.get("kty") in KINDS_OF_KEYS and key.get("use", "sig") == "sig"
            ]
            keys = KeySet.import_key_set({"keys": usable}).keys if usable else []
            self._keys = {str(key.kid): key for key in keys}
            if kid is None and len(keys) == 1:
                return keys[0]
        if kid is None or kid not in self._keys:
            raise OpenIdError(f"the ID token is signed with a key that {self.called} does not publish")
        return self._keys[kid]

    # -- what it says of somebody --------------------------------------------------------------------------

    def _exchanged(self, code: str, attempt: Attempt) -> Mapping[str, Any]:
        """What the code is good for; the client proves itself in the way that the provider takes."""
        settings = self.settings
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.url + BACK,
            "code_verifier": attempt.verifier,
        }
        headers, secret = {}, settings.client_secret.get_secret_value() if settings.client_secret else ""
        ways = self.metadata().get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        if secret and "client_secret_basic" in ways:
            both = f"{quote_plus(settings.client_id)}:{quote_plus(secret)}"  # RFC 6749, 2.3.1
            headers["authorization"] = f"Basic {b64encode(both.encode()).decode()}"
        else:
            form |= {"client_id": settings.client_id, **({"client_secret": secret} if secret else {})}
        return self._json("POST", self._address("token_endpoint"), data=form, headers=headers)

    def _believed(self, id_token: str, attempt: Attempt, access_token: str) -> Mapping[str, Any]:
        """The claims of an ID token after everything of OpenID Connect Core 3.1.3.7 holds."""
        settings = self.settings
        try:
            header = jws.extract_compact(id_token.encode()).headers()
            algorithm, kid = header.get("alg"), header.get("kid")
            if algorithm not in ALGORITHMS:
                raise OpenIdError(f"the ID token is signed by `{visible(str(algorithm))[:40]}`, which proves nothing")
            token = jwt.decode(id_token, self._key(kid), algorithms=[algorithm])
            claims = CodeIDToken(
                token.claims,
                token.header,
                options={
                    "iss": {"essential": True, "value": settings.issuer},
                    "aud": {"essential": True, "value": settings.client_id},
                },
                params={"nonce": attempt.nonce, "client_id": settings.client_id, "access_token": access_token},
            )
            claims.validate(now=int(time.time()), leeway=settings.leeway)
        except _REFUSED as error:
            words = visible(f"{type(error).__name__}: {error}")[:200]
            raise OpenIdError(f"the ID token of {self.called} is not to be believed: {words}") from None
        return dict(claims)

    def _more(self, claims: Mapping[str, Any], access_token: str) -> Mapping[str, Any]:
        """What it tells of the same person where the ID token does not say all that the settings want."""
        wanted = {self.settings.user_claim, self.settings.groups_claim or self.settings.user_claim}
        if wanted <= claims.keys() or not access_token or not self.metadata().get("userinfo_endpoint"):
            return {}
        bearer = {"authorization": f"Bearer {access_token}"}
        more = self._json("GET", self._address("userinfo_endpoint"), headers=bearer)
        if more.get("sub") != claims.get("sub"):
            raise OpenIdError(f"{self.called} told of somebody else than whom it signed in")
        return more

    def _person(self, claims: Mapping[str, Any], id_token: str) -> Person:
        settings = self.settings
        name = claims.get(settings.user_claim)
        if not isinstance(name, str) or not 0 < len(name.strip()) <= LONGEST_NAME:
            raise OpenIdError(f"{self.called} names nobody in `{settings.user_claim}`; see to `web.openid.user_claim`")
        if settings.user_claim == "email" and claims.get("email_verified") is False:
            raise OpenIdError(f"{self.called} did not verify that mail address, so it could be anybody's")
        groups = claims.get(settings.groups_claim) if settings.groups_claim else ()
        groups = [groups] if isinstance(groups, str) else groups
        if settings.groups_claim and settings.groups_claim in (claims.get("_claim_names") or ()):
            raise OpenIdError(
                f"{self.called} names no groups of whoever is in too many; let it name those of the application alone"
            )
        names = (group for group in groups if isinstance(group, str)) if isinstance(groups, list) else ()
        return Person(name.strip(), str(claims["sub"]), frozenset(names), id_token)

    def _json(self, method: str, address: str, **more: Any) -> Mapping[str, Any]:
        """An answer of the provider; it is sent nowhere else, and not without end."""
        body = b""
        try:
            with self._client.stream(method, address, **more) as response:
                for chunk in response.iter_bytes():
                    body += chunk
                    if len(body) > LONGEST:
                        raise OpenIdError(f"the answer of {self.called} has no end")
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise OpenIdError(f"{self.called} cannot be reached: {visible(str(error))[:200]}") from None
        try:
            document = msgspec.json.decode(body)
        except (msgspec.DecodeError, RecursionError):
            document = None
        if response.status_code != 200 or not isinstance(document, dict):
            words = document.get("error") if isinstance(document, dict) else "no JSON"
            raise OpenIdError(
                f"{self.called} answered with status {response.status_code}: `{visible(str(words))[:80]}`"
            )
        return document
