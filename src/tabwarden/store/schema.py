"""The tables of the history, and how they came to be, release by release.

    site      one chain of snapshots: a site on a server, read in one scope ('' is the whole of it)
    snapshot  one read that was kept: the few facts of the site itself, and a digest of all that is in it
    thing     a user, group, group set or content by its id; also a grantee that was never read
    word      one capability with Allow or Deny
    body      what a thing was, by the hash of what is in it: the same rule list is kept once
    version   thing x slot had this body from snapshot `since` until before snapshot `until` (null: still)

Slots of a thing: `facts`, `members` (of a group), `rules`, and a project's or database's default rules by their kind.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

FACTS, MEMBERS, RULES = "facts", "members", "rules"

COLUMNS = {
    "site": ("number", "address", "content_url", "id", "scope"),
    "snapshot": ("number", "site", "taken", "about", "users", "contents", "rules", "digest"),
    "thing": ("number", "site", "kind", "id"),
    "word": ("number", "capability", "mode"),
    "body": ("hash", "data"),
    "version": ("thing", "slot", "since", "until", "body"),
}
"""What a row has, in its order, as of the newest release."""

MIGRATIONS = {
    "0002": """
create table site (
    number integer not null primary key, address text not null, content_url text not null, id text not null,
    scope text not null, unique (address, content_url, id, scope));
create table snapshot (
    number integer not null primary key, site integer not null references site (number), taken text not null,
    about text not null, users integer not null, contents integer not null, rules integer not null,
    digest text not null);
create index snapshot_by_site on snapshot (site, number);
create table thing (
    number integer not null primary key, site integer not null references site (number), kind text not null,
    id text not null, unique (site, kind, id));
create table word (
    number integer not null primary key, capability text not null, mode text not null, unique (capability, mode));
create table body (hash {bytes} not null primary key, data {bytes} not null){without_rowid};
create table version (
    thing integer not null references thing (number), slot text not null, since integer not null, until integer,
    body {bytes} not null, primary key (thing, slot, since)){without_rowid};
create index version_since on version (since);
create index version_until on version (until)
""",
}
"""What each release did to the tables of the one before, oldest first; one that was released is never edited."""

KINDS = {
    "sqlite": {"bytes": "blob", "without_rowid": " without rowid"},
    "postgresql": {"bytes": "bytea", "without_rowid": ""},
}


class Tables(NamedTuple):
    """Tables that are of one release: what they are called in sentences, the SQLite file they lie in, the table that
    tells their release, and what each release did. The newest release is the last one.
    """

    what: str
    file: str
    versions: str
    migrations: Mapping[str, str]

    @property
    def release(self) -> str:
        """The newest one."""
        return list(self.migrations)[-1]


HISTORY = Tables("history", "history.db", "tabwarden_version", MIGRATIONS)


def statements(release: str, kind: str, migrations: Mapping[str, str] = MIGRATIONS) -> list[str]:
    """What a release did, as the database of that kind takes it."""
    return migrations[release].format(**KINDS[kind]).split(";")
