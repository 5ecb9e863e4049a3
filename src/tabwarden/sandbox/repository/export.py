"""Writes a world into a real PostgreSQL as Tableau Server's repository.

Needs the extra `postgres`. The database must not have these tables yet: nothing is ever replaced.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tabwarden.model.errors import WorldError
from tabwarden.sandbox.repository.rows import Export, rows_of
from tabwarden.sandbox.repository.tables import TABLES
from tabwarden.sandbox.state.server_state import World

READER = "readonly"


def export(world: World, url: str) -> Export:
    """Make the tables in the database at `url` and fill them, all or nothing.

    The role `readonly`, where the server has it, may read them, as on Tableau Server.
    WorldError when the database cannot be reached, or holds one of the tables already.
    """
    try:
        import psycopg
    except ImportError as missing:
        raise WorldError("an export needs PostgreSQL's driver: pip install 'tabwarden[postgres]'") from missing
    export_rows = rows_of(world)
    try:
        with psycopg.connect(url) as connection, connection.cursor() as cursor:
            _write(cursor, export_rows.rows)
    except psycopg.errors.DuplicateTable as there:
        table = str(there.diag.message_primary)
        raise WorldError(f"{table}: give an empty database, an export replaces nothing") from None
    except psycopg.Error as failed:
        # The driver's words may hold the URL, and the URL a password.
        raise WorldError(f"the database did not take the export: {type(failed).__name__}") from None
    return export_rows


def _write(cursor: Any, rows: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
    from psycopg import sql

    for table, columns in TABLES.items():
        name = sql.Identifier(table)
        column_list = sql.SQL(", ").join(
            sql.SQL("{} {}").format(sql.Identifier(c.name), sql.SQL(c.type)) for c in columns
        )
        cursor.execute(sql.SQL("create table {} ({}, primary key (id))").format(name, column_list))
        named = sql.SQL(", ").join(sql.Identifier(c.name) for c in columns)
        with cursor.copy(sql.SQL("copy {} ({}) from stdin").format(name, named)) as copy:
            for row in rows[table]:
                copy.write_row([row[c.name] for c in columns])
    cursor.execute("select 1 from pg_roles where rolname = %s", (READER,))
    if cursor.fetchone() is not None:
        for table in TABLES:
            cursor.execute(sql.SQL("grant select on {} to {}").format(sql.Identifier(table), sql.Identifier(READER)))
