"""The tables of the history, as SQLAlchemy Core knows them. Not how they came to be, nor what fills them.

    site      one chain of snapshots: a site on a server, read in one scope ('' is the whole of it)
    snapshot  one read that was kept: when, by whom, what was left out, and the few facts of the site itself
    thing     a user, group, group set or content by its id; also a grantee that was never read
    word      one capability with Allow or Deny
    body      what a thing was, by the hash of what is in it: the same rule list is kept once
    version   thing x slot had this body from snapshot `since` until before snapshot `until` (null: still)

Slots of a thing: `facts`, `members` (of a group), `rules`, and a project's or database's default rules by their kind.
"""

from __future__ import annotations

from sqlalchemy import (
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
)

FACTS, MEMBERS, RULES = "facts", "members", "rules"

metadata = MetaData()

site = Table(
    "site",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("address", Text, nullable=False),
    Column("content_url", Text, nullable=False),
    Column("id", Text, nullable=False),
    Column("scope", Text, nullable=False),
    UniqueConstraint("address", "content_url", "id", "scope"),
)

snapshot = Table(
    "snapshot",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("site", Integer, ForeignKey("site.number"), nullable=False),
    Column("taken", Text, nullable=False),
    Column("about", Text, nullable=False),
    Column("users", Integer, nullable=False),
    Column("contents", Integer, nullable=False),
    Column("rules", Integer, nullable=False),
    Column("digest", Text, nullable=False),  # of all that is in it
    Index("snapshot_by_site", "site", "number"),
)

thing = Table(
    "thing",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("site", Integer, ForeignKey("site.number"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("id", Text, nullable=False),
    UniqueConstraint("site", "kind", "id"),
)

word = Table(
    "word",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("capability", Text, nullable=False),
    Column("mode", Text, nullable=False),
    UniqueConstraint("capability", "mode"),
)

body = Table(
    "body",
    metadata,
    Column("hash", LargeBinary, primary_key=True),
    Column("data", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)

version = Table(
    "version",
    metadata,
    Column("thing", Integer, ForeignKey("thing.number"), nullable=False),
    Column("slot", Text, nullable=False),
    Column("since", Integer, nullable=False),
    Column("until", Integer),
    Column("body", LargeBinary, nullable=False),
    PrimaryKeyConstraint("thing", "slot", "since"),
    Index("version_since", "since"),
    Index("version_until", "until"),
    sqlite_with_rowid=False,
)
