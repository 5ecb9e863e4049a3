"""The database of the pages: beside the history in a file of its own, or in the same PostgreSQL.

A file of its own, because a snapshot is written for minutes, and whoever signs in meanwhile does not wait.

    web_link     one-time links of `tabwarden serve`: the hash of what is in them, for whom, until when
    web_session  who is signed in: the hash of the cookie's token, the person as JSON, when begun, last seen, ended
    web_audit    who looked at whom and who changed what, from where; each row holds the hash of the one before
"""

from __future__ import annotations

from pathlib import Path

from tabwarden.store.database import Database
from tabwarden.store.schema import Tables

WEB = Tables(
    "database of the pages",
    "web.db",
    "tabwarden_web_version",
    {
        "0001": """
create table web_link (hash text not null primary key, person text not null, ends text not null);
create table web_session (
    hash text not null primary key, person text not null, csrf text not null, begun text not null, seen text not null);
create index web_session_seen on web_session (seen);
create table web_audit (
    number integer not null primary key, at text not null, person text not null, address text not null,
    act text not null, about text not null, outcome text not null, hash text not null)
"""
    },
)


def opened(store: Path | str) -> Database:
    """The database of the pages of a store (its folder, or the URL of its PostgreSQL), made where it is not there."""
    return Database(store, tables=WEB)
