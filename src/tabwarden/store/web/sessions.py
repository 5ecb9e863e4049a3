"""Who is signed in: sessions and one-time links, of which the database holds hashes alone."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

import msgspec

from tabwarden.store.database import Database

LINK = timedelta(minutes=10)  # how long a one-time link is good for


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody who is signed in: `person` is what is known of him (JSON), `csrf` what each of his forms must hold."""

    hash: str
    person: Mapping[str, Any]
    csrf: str
    begun: str
    seen: str


def hash_of(token: str) -> str:
    """What the database holds of a token of 256 random bits."""
    return sha256(token.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Sessions:
    """The sessions of a store: each ends after `idle` without a page, and after `longest` in any case."""

    database: Database
    idle: timedelta
    longest: timedelta

    def begin(self, person: Mapping[str, Any], now: datetime) -> str:
        """A new session; the token that its cookie holds, and nobody else."""
        token, at = secrets.token_urlsafe(32), now.isoformat()
        row = (hash_of(token), msgspec.json.encode(person).decode(), secrets.token_urlsafe(32), at, at)
        with self.database.writing() as connection:
            connection.run("delete from web_session where seen < ? or begun < ?", *self._ended(now))
            connection.run("insert into web_session values (?, ?, ?, ?, ?)", *row)
        return token

    def of(self, token: str, now: datetime) -> Session | None:
        """Whose token it is; None where nobody's, or it has ended. What was seen is written down once a minute."""
        hashed = hash_of(token)
        with self.database.reading() as connection:
            rows = connection.rows("select * from web_session where hash = ?", hashed)
        if not rows:
            return None
        _, person, csrf, begun, seen = rows[0]
        idle, longest = self._ended(now)
        if seen < idle or begun < longest:
            self.end(token)
            return None
        if seen < (now - timedelta(minutes=1)).isoformat():
            with self.database.writing() as connection:
                connection.run("update web_session set seen = ? where hash = ?", now.isoformat(), hashed)
        return Session(hashed, msgspec.json.decode(person), csrf, begun, seen)

    def change(self, session: Session, person: Mapping[str, Any]) -> None:
        """Another thing is known of him now, such as whom he looks as."""
        with self.database.writing() as connection:
            words = msgspec.json.encode(person).decode()
            connection.run("update web_session set person = ? where hash = ?", words, session.hash)

    def end(self, token: str) -> None:
        """Signed out."""
        with self.database.writing() as connection:
            connection.run("delete from web_session where hash = ?", hash_of(token))

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
