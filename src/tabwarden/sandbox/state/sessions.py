"""Tokens and how one gets them: password, personal access token, connected-app JWT.

Times are seconds of the state's clock. A personal access token has one live session: signing in with it again ends
the one before (public documentation; server-client-python issue 717).
"""

from __future__ import annotations

import hmac
import secrets
import uuid
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import Any

import jwt

from tabwarden.effects import people
from tabwarden.model.roles import is_server_admin
from tabwarden.model.site import Site, User
from tabwarden.sandbox.directories import identity
from tabwarden.sandbox.http.errors import Refusal, unknown
from tabwarden.sandbox.http.wire import Element
from tabwarden.sandbox.state.personality import Personality
from tabwarden.sandbox.state.server_state import Account, key_of
from tabwarden.sandbox.state.sites import Asserted, State

AUDIENCE = "tableau"
JWT_SECONDS = 600.0
LONGEST_JWT = 16 * 1024
ACCESS_TOKEN_SECONDS = 15 * 24 * 3600.0
SKEW_SECONDS = 60.0
# Claims of "On-demand access" and "Dynamic group membership using assertions".
ON_DEMAND_CLAIM, GROUPS_CLAIM = "https://tableau.com/oda", "https://tableau.com/groups"


@dataclass(slots=True)
class Session:
    """Who a token speaks for, on which site, and when it was last used.

    `initiator` is the administrator who signed in as somebody else; `asserted` is what a connected app's token said of
    groups, `scopes` what it may do; None: all that the user may.
    """

    token: str = field(repr=False)
    site: str
    user: str
    used: float
    access_token: tuple[str, str, str] | None = None
    initiator: str = ""
    asserted: Asserted | None = None
    scopes: tuple[str, ...] | None = None

    @property
    def id(self) -> str:
        """What names the session and opens nothing: the first part of its token, read as a UUID."""
        return str(uuid.UUID(bytes=urlsafe_b64decode(self.token.partition("|")[0] + "==")))

    def demand_scope(self, *names: str) -> None:
        """401002, as of a session that ended, where a connected app's token has none of these scopes."""
        if names and self.scopes is not None and not any(fnmatchcase(n, s) for n in names for s in self.scopes):
            raise Refusal("401002", "the token is unknown or has expired; sign in again")


class Sessions:
    """The live sessions of one server."""

    def __init__(self, state: State, personality: Personality) -> None:
        self._state = state
        self._personality = personality
        self._live: dict[str, Session] = {}
        self._access_token_used: dict[tuple[str, str, str], float] = {}
        self._started = state.clock()

    # -- using --------------------------------------------------------------------------------------------------

    def of(self, token: str | None) -> Session:
        """The session of a token; 401000 without one, 401002 when it is unknown, ended or idle for too long."""
        if not token:
            raise Refusal("401000", "the request carries no token; sign in first")
        session = self._live.get(token)
        now = self._state.clock()
        self._state.asserted = session.asserted if session is not None else None
        if session is not None and now - session.used > self._personality.idle_seconds:
            self.end(session)
            session = None
        if session is None or session.user not in self._state.site(session.site).users:
            raise Refusal("401002", "the token is unknown or has expired; sign in again")
        session.used = now
        return session

    def end(self, session: Session) -> None:
        """Make a session's token worthless."""
        self._live.pop(session.token, None)

    def end_by_id(self, session_id: str, site: str) -> bool:
        """Make the token of the session of that id worthless; False when the site has none."""
        sessions = [s for s in self._live.values() if s.id == session_id and s.site == site]
        for session in sessions:
            self.end(session)
        return bool(sessions)

    def expire(self, token: str | None) -> None:
        """Let a token run out now, whoever holds it."""
        self._live.pop(token or "", None)

    def taken(self, token: str | None) -> None:
        """End every session of the personal access token behind a token, as another sign-in with it does."""
        session = self._live.get(token or "")
        if session is not None and session.access_token is not None:
            self._end_all(session.access_token)

    def _end_all(self, access_token: tuple[str, str, str]) -> None:
        for session in [s for s in self._live.values() if s.access_token == access_token]:
            self.end(session)

    def end_site(self, site: str) -> None:
        """Make every token of a site worthless."""
        for session in [s for s in self._live.values() if s.site == site]:
            self.end(session)

    def ends_in(self, session: Session) -> str:
        """The sign-in answer's estimatedTimeToExpiration, `3:59:59`."""
        left = max(0, int(self._personality.idle_seconds - (self._state.clock() - session.used)) - 1)
        return f"{left // 3600}:{left // 60 % 60:02}:{left % 60:02}"

    # -- signing in -------------------------------------------------------------------------------------------

    def sign_in(self, credentials: Element) -> Session:
        """A new session for what the credentials prove; 401001 whatever is wrong with them."""
        site = self._state.site_at(credentials.inner("site", "contentUrl") or "")
        if site is None:
            raise _refused("the site or the credentials are not right")
        access_token: tuple[str, str, str] | None = None
        if credentials.get("jwt") is not None:
            return self._impersonate(credentials, self._by_app(site, credentials.get("jwt") or ""))
        if credentials.get("personalAccessTokenName") is not None:
            access_token = self._by_access_token(credentials)
            domain, name = access_token[1], access_token[2]
        else:
            name, domain = self._by_password(site, credentials)
        user = _find(site, name, domain)
        session = self._open(site, user, access_token)
        return self._impersonate(credentials, session)

    def switch(self, session: Session, content_url: str) -> Session:
        """A session of the same person on another site; the old one ends."""
        site = self._state.site_at(content_url)
        user = self._state.site(session.site).users[session.user]
        if site is not None and site.id == session.site:
            raise Refusal("same_site", "the session is already on that site")
        if site is None:
            raise Refusal("no_way_there", "that site could not be found")
        try:
            there = _find(site, user.name, user.domain)
        except Refusal:
            raise Refusal("no_way_there", "that site could not be found") from None
        fresh = self._open(site, there, session.access_token)
        fresh.scopes = session.scopes
        self.end(session)
        return fresh

    def _open(self, site: Site, user: User, access_token: tuple[str, str, str] | None) -> Session:
        self._state.activity.by(user.id)
        outcome = people.sign_in(site, user.id, open_points=self._state.open_points)
        if not outcome.done:
            raise _refused("the user is unlicensed on this site and no group grants a role on sign-in")
        suspended = self._state.site_words.get(site.id, {}).get("state") == "Suspended"
        if suspended and not is_server_admin(user.site_role):
            raise _refused("the site is suspended")
        seen = replace(outcome.site.users[user.id], last_login=self._state.now())
        self._state.put(outcome.site.with_users(seen))
        if access_token is not None:
            self._end_all(access_token)
        session = Session(_new_token(site.id), site.id, user.id, self._state.clock(), access_token)
        self._live[session.token] = session
        return session

    def _impersonate(self, credentials: Element, session: Session) -> Session:
        wanted = credentials.inner("user")
        if wanted is None or wanted == session.user:
            return session
        site = self._state.site(session.site)
        if wanted not in site.users:
            self.end(session)
            raise unknown("user", wanted)
        if site.users[session.user].site_role != "ServerAdministrator":
            self.end(session)
            raise _refused("only a server administrator may sign in as another user of the site")
        session.user, session.initiator = wanted, session.user
        return session

    # -- proofs -----------------------------------------------------------------------------------------------

    def _by_password(self, site: Site, credentials: Element) -> tuple[str, str]:
        """Name and domain of whom a password proves: a local account's, or that of somebody of the directory."""
        if not self._personality.password_sign_in:
            raise _refused("this site does not accept passwords; use a personal access token")
        words, password = credentials.get("name") or "", credentials.get("password") or ""
        account = self._account(words)
        try:
            local = account is not None and not identity.of_directory(self._state, account)
            if account is not None and local and _equal(account.password, password):
                return account.name, account.domain
            bound = identity.bind(self._state, site, words.strip(), password)
        except Refusal as trouble:
            raise _refused(trouble.detail) from None
        if bound is None:
            raise _refused("the name or the password is not right")
        return bound.name, bound.domain

    def _account(self, words: str) -> Account | None:
        """The account of `name`, `domain\\name` or `name@domain`; a plain name is a local one first."""
        domain, _slash, name = words.rpartition("\\")
        before, _at, after = words.rpartition("@")
        keys = [key_of(name, domain)] if domain else [key_of(words), key_of(before, after)]
        for key in keys:
            if key in self._state.accounts:
                return self._state.accounts[key]
        alike = [a for a in self._state.accounts.values() if not domain and _same(a.name, words)]
        return alike[0] if len(alike) == 1 else None

    def _by_access_token(self, credentials: Element) -> tuple[str, str, str]:
        name = credentials.get("personalAccessTokenName") or ""
        secret = credentials.get("personalAccessTokenSecret") or ""
        for token in self._state.tokens.values():
            if token.name == name and _equal(token.secret, secret):
                key = (token.name, *key_of(token.user, token.domain))
                now = self._state.clock()
                if now - self._access_token_used.get(key, self._started) > ACCESS_TOKEN_SECONDS:
                    raise _refused("the personal access token has expired after 15 days without use")
                self._access_token_used[key] = now
                return key
        raise _refused("the personal access token is unknown or its secret is not right")

    def _by_app(self, site: Site, words: str) -> Session:
        """A session by a connected app, with the groups that its token names; of somebody unknown on demand.

        Groups of another name are nobody's (B). Whoever is let in on demand is a Viewer, in groups that allow it.
        """
        claims = self._by_jwt(words)
        named = claims.get(GROUPS_CLAIM, ())
        names = {named} if isinstance(named, str) else {name for name in named or () if isinstance(name, str)}
        groups = [group for group in site.groups.values() if group.name in names and not group.everyone]
        subject = str(claims["sub"])
        scopes = tuple(one for one in claims.get("scp") or () if isinstance(one, str))
        if str(claims.get(ON_DEMAND_CLAIM, "")).casefold() == "true" and not site.users_named(subject):
            admitted = [group.id for group in groups if group.id in site.on_demand]
            if not admitted:
                raise _refused("no group of the token allows on-demand access")
            user = User(str(uuid.uuid5(uuid.NAMESPACE_URL, f"{site.id} {subject}")), subject, "Viewer")
            session = Session(_new_token(site.id), site.id, user.id, self._state.clock(), scopes=scopes)
            return self._begun(session, user, admitted)
        user = _find(site, subject, None)
        session = self._open(site, user, None)
        session.scopes = scopes
        return self._begun(session, user, [group.id for group in groups]) if groups else session

    def _begun(self, session: Session, user: User, groups: Iterable[str]) -> Session:
        session.asserted = self._state.asserted = Asserted(session.site, user, groups)
        self._live[session.token] = session
        return session

    def _by_jwt(self, words: str) -> dict[str, Any]:
        """The claims of a token that one of the connected apps made."""
        if len(words) > LONGEST_JWT:
            raise _refused("the JWT is longer than any connected app makes it")
        try:
            header = jwt.get_unverified_header(words)
            app = next(a for a in self._state.apps.values() if a.secret_id == header.get("kid"))
            claims: dict[str, Any] = jwt.decode(
                words,
                app.secret,
                algorithms=["HS256"],
                audience=AUDIENCE,
                issuer=app.client_id,
                options={"verify_exp": False, "verify_iat": False, "verify_nbf": False},
            )
            expires, _ = float(claims["exp"]), claims["sub"]
        except (jwt.PyJWTError, StopIteration, KeyError, TypeError, ValueError, OverflowError, RecursionError):
            raise _refused("the JWT is not one of a connected app of this site") from None
        now = self._state.clock()
        if not now < expires <= now + JWT_SECONDS + SKEW_SECONDS:
            raise _refused("the JWT has expired or lives longer than 10 minutes")
        return claims


def _new_token(site: str) -> str:
    """Session, secret and site, as Tableau writes them."""
    session = urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
    return f"{session}|{secrets.token_urlsafe(24)}|{site}"


def _find(site: Site, name: str, domain: str | None) -> User:
    """The user of that name; a UPN, whose domain part an `@` separates, is a name like any other."""
    users = [site.users[i] for i in site.users_named(name)]
    if domain is not None:
        users = [u for u in users if _same(u.domain, domain)]
    if len(users) != 1:
        raise _refused("the site or the credentials are not right")
    return users[0]


def _same(one: str, other: str) -> bool:
    return one.casefold() == other.casefold()


def _equal(one: str, other: str) -> bool:
    return bool(other) and hmac.compare_digest(one.encode(), other.encode())


def _refused(detail: str) -> Refusal:
    return Refusal("401001", detail)
