"""Who is signed in: sessions and one-time links, of which the database holds hashes alone."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

import msgspec

from tabwarden.model.names import same
from tabwarden.store.database import Database

COLUMNS = "hash, person, csrf, begun, seen, address, agent, id_token"
AGENT = 200  # characters of what a browser calls itself
LINK = timedelta(minutes=10)  # how long a one-time link is good for


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody who is signed in: `person` is what is known of him (JSON), `csrf` what each of his forms must hold.

    `address` and `agent` are from where and with what he signed in, `id_token` what his OpenID provider said of him.
    """

    hash: str
    person: Mapping[str, Any]
    csrf: str
    begun: str
    seen: str
    address: str = ""
    agent: str = ""
    id_token: str = ""


def hash_of(token: str) -> str:
    """What the database holds of a token of 256 random bits."""
    return sha256(token.encode()).hexdigest()


def _session(row: tuple[Any, ...]) -> Session:
    return Session(row[0], msgspec.json.decode(row[1]), *row[2:])


@dataclass(frozen=True, slots=True)
class Sessions:
    """The sessions of a store: each ends after `idle` without a page, and after `longest` in any case."""

    database: Database
    idle: timedelta
    longest: timedelta

    def begin(
        self, person: Mapping[str, Any], now: datetime, *, address: str = "", agent: str = "", id_token: str = ""
    ) -> str:
        """A new session; the token that its cookie holds, and nobody else."""
        token, at = secrets.token_urlsafe(32), now.isoformat()
        words, csrf = msgspec.json.encode(person).decode(), secrets.token_urlsafe(32)
        row = (hash_of(token), same(person["name"]), words, csrf, at, at, address, agent[:AGENT], id_token)
        with self.database.writing() as connection:
            connection.run("delete from web_session where seen < ? or begun < ?", *self._ended(now))
            connection.run("insert into web_session values (?, ?, ?, ?, ?, ?, ?, ?, ?)", *row)
        return token

    def of(self, token: str, now: datetime) -> Session | None:
        """Whose token it is; None where nobody's, or it has ended. What was seen is written down once a minute."""
        hashed = hash_of(token)
        with self.database.reading() as connection:
            rows = connection.rows(f"select {COLUMNS} from web_session where hash = ?", hashed)
        if not rows:
            return None
        session = _session(rows[0])
        idle, longest = self._ended(now)
        if session.seen < idle or session.begun < longest:
            self.end(token)
            return None
        if session.seen < (now - timedelta(minutes=1)).isoformat():
            with self.database.writing() as connection:
                connection.run("update web_session set seen = ? where hash = ?", now.isoformat(), hashed)
        return session

    def of_person(self, name: str, now: datetime) -> list[Session]:
        """The sessions that somebody has, the newest first."""
        with self.database.reading() as connection:
            rows = connection.rows(
                f"select {COLUMNS} from web_session where who = ? and seen >= ? and begun >= ? order by begun desc",
                same(name),
                *self._ended(now),
            )
        return [_session(row) for row in rows]

    def change(self, session: Session, person: Mapping[str, Any]) -> None:
        """Another thing is known of him now, such as whom he looks as."""
        with self.database.writing() as connection:
            words = msgspec.json.encode(person).decode()
            connection.run("update web_session set person = ? where hash = ?", words, session.hash)

    def end(self, token: str) -> None:
        """Signed out."""
        with self.database.writing() as connection:
            connection.run("delete from web_session where hash = ?", hash_of(token))

    def end_of_person(self, name: str, hashed: str = "") -> int:
        """Sign somebody out of the session of that hash, or of all; how many ended. Nobody else's ends by it."""
        one, values = (" and hash = ?", (same(name), hashed)) if hashed else ("", (same(name),))
        with self.database.writing() as connection:
            count: int = connection.value(f"select count(*) from web_session where who = ?{one}", *values)
            connection.run(f"delete from web_session where who = ?{one}", *values)
        return count

    def _ended(self, now: datetime) -> tuple[str, str]:
        return (now - self.idle).isoformat(), (now - self.longest).isoformat()

    def link(self, person: Mapping[str, Any], now: datetime) -> str:
        """The token of a link that signs that person in once."""
        token = secrets.token_urlsafe(32)
        row = (hash_of(token), msgspec.json.encode(person).decode(), (now + LINK).isoformat())
        with self.database.writing() as connection:
            connection.run("insert into web_link values (?, ?, ?)", *row)
        return token

    def used_link(self, token: str, now: datetime) -> Mapping[str, Any] | None:
        """Whom a link signs in, which it does once; None where it was used, has ended or never was."""
        with self.database.writing() as connection:
            rows = connection.rows("select person, ends from web_link where hash = ?", hash_of(token))
            connection.run("delete from web_link where hash = ? or ends < ?", hash_of(token), now.isoformat())
        if not rows or rows[0][1] < now.isoformat():
            return None
        person: Mapping[str, Any] = msgspec.json.decode(rows[0][0])
        return person
