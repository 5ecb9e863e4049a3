"""Tokens of the API: each of a person, for some of his rights, until a day; the database holds hashes alone."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec

from tabwarden.model.names import same
from tabwarden.store.database import Database
from tabwarden.store.web.sessions import hash_of

COLUMNS = "hash, person, name, rights, begun, ends, seen"
BEGINS = "tabwarden_"  # so that scanners for secrets know one


@dataclass(frozen=True, slots=True)
class Token:
    """A token without what is secret of it: `person` is whose, `rights` what it is good for, `seen` its last use."""

    hash: str
    person: Mapping[str, Any]
    name: str
    rights: frozenset[str]
    begun: str
    ends: str
    seen: str


@dataclass(frozen=True, slots=True)
class Tokens:
    """The tokens of a store."""

    database: Database

    def make(
        self, person: Mapping[str, Any], name: str, rights: Iterable[str], now: datetime, good_for: timedelta
    ) -> str:
        """A new token; what is returned is shown once and known to nobody afterwards."""
        token = BEGINS + secrets.token_urlsafe(32)
        words, ends = msgspec.json.encode(person).decode(), (now + good_for).isoformat()
        row = (hash_of(token), same(person["name"]), words, name, " ".join(sorted(rights)), now.isoformat(), ends, "")
        with self.database.writing() as connection:
            connection.run("delete from web_token where ends < ?", now.isoformat())
            connection.run("insert into web_token values (?, ?, ?, ?, ?, ?, ?, ?)", *row)
        return token

    def of(self, token: str, now: datetime) -> Token | None:
        """The token of these words; None where there is none, or it has ended. Its use is written once a minute."""
        with self.database.reading() as connection:
            rows = connection.rows(f"select {COLUMNS} from web_token where hash = ?", hash_of(token))
        if not rows or rows[0][5] < now.isoformat():
            return None
        one = _token(rows[0])
        if one.seen < (now - timedelta(minutes=1)).isoformat():
            with self.database.writing() as connection:
                connection.run("update web_token set seen = ? where hash = ?", now.isoformat(), one.hash)
        return one

    def of_person(self, name: str, now: datetime) -> list[Token]:
        """The tokens that somebody has, the newest first."""
        with self.database.reading() as connection:
            rows = connection.rows(
                f"select {COLUMNS} from web_token where who = ? and ends >= ? order by begun desc",
                same(name),
                now.isoformat(),
            )
        return [_token(row) for row in rows]

    def revoke(self, name: str, hashed: str) -> int:
        """Take a token of that person away; how many went. Nobody else's goes by it."""
        with self.database.writing() as connection:
            values = (same(name), hashed)
            count: int = connection.value("select count(*) from web_token where who = ? and hash = ?", *values)
            connection.run("delete from web_token where who = ? and hash = ?", *values)
        return count

    def learn(self, person: Mapping[str, Any]) -> None:
        """What was told of somebody at a sign-in counts for his tokens that were made after a sign-in of that kind."""
        words = msgspec.json.encode(person).decode()
        with self.database.writing() as connection:
            for hashed, known in connection.rows(
                "select hash, person from web_token where who = ?", same(person["name"])
            ):
                if msgspec.json.decode(known).get("via") == person.get("via"):
                    connection.run("update web_token set person = ? where hash = ?", words, hashed)


def _token(row: tuple[Any, ...]) -> Token:
    hashed, person, name, rights, *times = row
    return Token(hashed, msgspec.json.decode(person), name, frozenset(rights.split()), *times)
