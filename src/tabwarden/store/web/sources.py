"""What the catalog's administrator set for a source on the pages, over what the settings file says."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

import msgspec

from tabwarden.store.database import Database


class SourceChange(NamedTuple):
    """Whether people see only what they may View, and which projects (ids; none: all); who set it and when (ISO)."""

    enforce: bool
    projects: tuple[str, ...]
    by: str
    at: str


def source_change(database: Database, server: str, site: str) -> SourceChange | None:
    """What was set for the site of a server, by its address and content URL; None: the settings file alone counts."""
    query = "select enforce, projects, person, at from web_source where server = ? and site = ?"
    with database.reading() as connection:
        rows = connection.rows(query, server, site)
    return SourceChange(bool(rows[0][0]), tuple(msgspec.json.decode(rows[0][1])), *rows[0][2:]) if rows else None


def change_source(
    database: Database, server: str, site: str, now: datetime, *, enforce: bool, projects: tuple[str, ...], by: str
) -> None:
    """Set it."""
    row = (server, site, int(enforce), msgspec.json.encode(projects).decode(), by, now.isoformat())
    with database.writing() as connection:
        connection.run("delete from web_source where server = ? and site = ?", server, site)
        connection.run("insert into web_source values (?, ?, ?, ?, ?, ?)", *row)


def forget_source(database: Database, server: str, site: str) -> None:
    """The settings file alone counts again."""
    with database.writing() as connection:
        connection.run("delete from web_source where server = ? and site = ?", server, site)
