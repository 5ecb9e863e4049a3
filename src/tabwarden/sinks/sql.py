"""A mirror as tables of any database with a PEP 249 driver, ready for a join or a row access policy."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from tabwarden.section import Connect, Connecting, Text
from tabwarden.sinks import Sink

if TYPE_CHECKING:
    from tabwarden.mirror.tables import Tables
    from tabwarden.sinks._database import Database


class SqlSink(Sink):
    """Tables of a database, called `prefix` and the table's name."""

    type: Literal["sql"] = Field(description="where the mirror goes")
    driver: Text = Field(
        description="short name (`snowflake`, `postgres`, `duckdb`, ...), or `module:` and the name of a DB-API module"
    )
    connect: Connecting = Field(
        default=Connect(), description="what the driver's connect takes, key by key; any value may be a reference"
    )
    table_schema: str = Field(default="", alias="schema", description="schema of the tables: NAME or DATABASE.NAME")
    prefix: Annotated[str, Field(pattern=r"^[A-Za-z_]\w*$")] = Field(
        default="tabwarden_", description="what the names of the tables begin with"
    )
    create: bool = Field(default=True, description="make the tables and views that are not there")

    def held(self, source: str) -> Tables:
        """What lies there of a source; makes the tables that are not there."""
        from tabwarden.sinks._database import connected

        with connected(self, source) as database:
            return database.held()

    def prepare(self, tables: Tables) -> None:
        """The tables of facts and their views, which no other form needs."""
        if "items" in tables and self.create:
            from tabwarden.sinks._database import connected

            with connected(self, "") as database:
                database.create_for_facts()

    @contextmanager
    def opened(self, source: str) -> Iterator[Database]:
        """The mirror of a source in a transaction that holds it: another one waits for it, or is refused."""
        from tabwarden.sinks._database import connected

        with connected(self, source) as database:
            database.hold()
            yield database
            database.connection.commit()
            database.remember()
