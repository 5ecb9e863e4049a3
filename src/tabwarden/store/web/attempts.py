"""Sign-ins that were tried, so that nobody guesses for long: counted by person and by address, shared by all workers.

An attempt is counted before it is tried, in one transaction, so that many at once are not more than one after another;
one that succeeds is taken out again.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address, ip_network

from tabwarden.model.names import same
from tabwarden.store.database import Database
from tabwarden.store.web.sessions import hash_of

SPAN = timedelta(minutes=15)
OF_AN_ADDRESS = 10  # times as many as of a person: an office has one address


def subject_of(address: str) -> str:
    """What counts as one address: of IPv6 the 64 bits that one customer is given."""
    try:
        ip = ip_address(address)
    except ValueError:
        return address
    if isinstance(ip, IPv6Address):
        return str(ip.ipv4_mapped or ip_network((ip, 64), strict=False))
    return str(ip)


@dataclass(frozen=True, slots=True)
class Attempts:
    """The attempts of a store; `most` of one person within SPAN."""

    database: Database
    most: int

    def begin(self, address: str, now: datetime, person: str = "") -> str:
        """Count one more; its number, empty where there were too many and nothing may be tried."""
        limits: Mapping[str, int] = {
            hash_of(f"address {subject_of(address)}"): self.most * OF_AN_ADDRESS,
            **({hash_of(f"person {same(person)}"): self.most} if person else {}),
        }
        number, since = secrets.token_hex(16), (now - SPAN).isoformat()
        with self.database.writing() as connection:
            connection.run("delete from web_attempt where at < ?", since)
            for subject, most in limits.items():
                if connection.value("select count(*) from web_attempt where subject = ?", subject) >= most:
                    return ""
            rows = [(subject, now.isoformat(), number) for subject in limits]
            connection.run_each("insert into web_attempt values (?, ?, ?)", rows)
        return number

    def succeeded(self, number: str, person: str) -> None:
        """It was no guess: it does not count, and neither does what that person tried before."""
        with self.database.writing() as connection:
            subject = hash_of(f"person {same(person)}")
            connection.run("delete from web_attempt where number = ? or subject = ?", number, subject)
