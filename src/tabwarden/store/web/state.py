"""The database of the pages: beside the history in a file of its own, or in the same PostgreSQL.

A file of its own, because a snapshot is written for minutes, and whoever signs in meanwhile does not wait.

    web_link     one-time links of `tabwarden serve`: the hash of what is in them, for whom, until when
    web_session  who is signed in: the hash of the cookie's token, the person as JSON, when begun, last seen, and from
                 where; `id_token` is what the OpenID provider wants to hear when he signs out
    web_token    tokens of the API: the hash, whose, what he calls it, its rights, until when, when last used
    web_attempt  sign-ins that were tried and did not succeed, by the hash of a person's name or an address
    web_source   what was set for a source of the catalog, over the settings file: by whom, when
    web_approval who approved which plan
    web_request  who asked for access to what, and what was decided
    web_audit    who looked at whom and who changed what, from where; each row holds the hash of the one before
"""

from __future__ import annotations

from pathlib import Path

from tabwarden.model.errors import UnknownName
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
    hash text not null primary key, who text not null, person text not null, csrf text not null, begun text not null,
    seen text not null, address text not null, agent text not null, id_token text not null);
create index web_session_seen on web_session (seen);
create index web_session_who on web_session (who);
create table web_token (
    hash text not null primary key, who text not null, person text not null, name text not null,
    rights text not null, begun text not null, ends text not null, seen text not null);
create index web_token_who on web_token (who);
create table web_attempt (subject text not null, at text not null, number text not null);
create index web_attempt_subject on web_attempt (subject, at);
create table web_source (
    server text not null, site text not null, enforce integer not null, projects text not null,
    person text not null, at text not null, primary key (server, site));
create table web_audit (
    number integer not null primary key, at text not null, person text not null, address text not null,
    act text not null, about text not null, outcome text not null, hash text not null);
create table web_approval (plan text not null, person text not null, at text not null, primary key (plan, person));
create table web_request (
    number integer not null primary key, site text not null, person text not null, capability text not null,
    path text not null, reason text not null, until text not null, at text not null,
    plan integer not null, state text not null, by text not null, words text not null)
"""
    },
)


def opened(store: Path | str, *, create: bool = True) -> Database:
    """The database of the pages of a store (its folder, or the URL of its PostgreSQL), made where it is not there.

    Without `create` UnknownName where there is none.
    """
    if create:
        return Database(store, tables=WEB)
    try:
        return Database(store, create=False, tables=WEB)
    except UnknownName:
        raise UnknownName("no pages were served from this store yet: `tabwarden serve` does it") from None
