"""Databases like Tableau Server's `workgroup`, filled by the sandbox, with a `readonly` that may read what it may.

Secret columns are closed to that role: whoever asks for one is refused by the server.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any, NamedTuple
from urllib.parse import quote

import psycopg
from psycopg import sql

from tabwarden.sandbox.repository.export import export
from tabwarden.sandbox.state.server_state import World
from tabwarden.tableau.repository.connecting import RepositoryOptions
from tabwarden.workgroup import NEWEST, SECRETS

PASSWORD = "only to read"
SERVER = "https://tableau.example.com"
_NUMBERS = count(1)


class Workgroup(NamedTuple):
    """One database: how Tabwarden enters it, how its administrator does."""

    options: RepositoryOptions
    admin: dict[str, Any]

    def run(self, *statements: str) -> None:
        """As its administrator."""
        with psycopg.connect(**self.admin, autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement.encode())


@contextmanager
def workgroup(
    server: dict[str, Any], world: World | None, *, port: int = 5432, release: str = NEWEST
) -> Iterator[Workgroup]:
    """A database of its own on that server, of a release; `world` None leaves it empty."""
    name = f"workgroup_{next(_NUMBERS)}"
    with psycopg.connect(**server, autocommit=True) as connection:
        connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
        if not connection.execute("select 1 from pg_roles where rolname = 'readonly'").fetchone():
            connection.execute(sql.SQL("create role readonly login password {}").format(sql.Literal(PASSWORD)))
        else:
            connection.execute(sql.SQL("alter role readonly login password {}").format(sql.Literal(PASSWORD)))
    admin = {**server, "dbname": name}
    made = Workgroup(RepositoryOptions(str(server["host"]), PASSWORD, SERVER, port, database=name), admin)
    try:
        if world is not None:
            user, password = quote(admin["user"]), quote(admin["password"])
            place = f"host={quote(str(admin['host']), safe='')}&port={admin.get('port', port)}"
            export(world, f"postgresql:///{name}?{place}&user={user}&password={password}", release)
            close_secrets(made)
        yield made
    finally:
        with psycopg.connect(**server, autocommit=True) as connection:
            connection.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


def close_secrets(made: Workgroup) -> None:
    """Give `readonly` every column but the secret ones."""
    with psycopg.connect(**made.admin) as connection:
        columns = connection.execute(
            "select table_name, column_name from information_schema.columns where table_schema = 'public'"
        ).fetchall()
        secret = {table for table, column in columns if column in SECRETS}
        for table in sorted(secret):
            connection.execute(sql.SQL("revoke select on {} from readonly").format(sql.Identifier(table)))
            open_ = [column for name, column in columns if name == table and column not in SECRETS]
            listed = sql.SQL(", ").join(map(sql.Identifier, open_))
            connection.execute(sql.SQL("grant select ({}) on {} to readonly").format(listed, sql.Identifier(table)))
        assert secret
