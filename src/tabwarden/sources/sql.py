"""People from a table or query of any database with a PEP 249 driver. It reads; it never writes.

Drivers are found by short name (`_drivers.DRIVERS`) or, written out, as `module:NAME`.
"""

from __future__ import annotations

import contextlib
import importlib
import re
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field

from tabwarden.extras import install
from tabwarden.model.errors import SourceError
from tabwarden.section import Connect, Connecting, Text
from tabwarden.sources import Reading, Row, Source, empty, partial, refuse_twins, unreadable
from tabwarden.sources._connect import prepare, scrubbed
from tabwarden.sources._drivers import Driver, driver_named, select_all, table_name
from tabwarden.want.roster import as_time, shown

_READS = frozenset(("SELECT", "WITH", "VALUES", "TABLE", "SHOW", "FROM"))
_READ_ONLY = {"psycopg": "read_only", "psycopg2": "readonly"}
"""The attribute that makes a connection refuse to write, by module; others are opened read-only or rolled back."""
_COMMENTS = re.compile(r"\A(?:\s+|--[^\n]*(?:\n|\Z)|/\*.*?\*/|\()+", re.DOTALL)


class SqlSource(Source):
    """People from a database."""

    block: ClassVar[int] = 5_000  # rows fetched at a time

    type: Literal["sql"] = Field(description="where the people are")
    driver: Text = Field(
        description="short name (`snowflake`, `postgres`, `sqlite`, ...), or `module:` and the name of a DB-API module"
    )
    connect: Connecting = Field(
        default=Connect(), description="what the driver's connect takes, key by key; any value may be a reference"
    )
    query: Text | None = Field(default=None, description="query that yields the people")
    table: Annotated[str, AfterValidator(table_name)] | None = Field(
        default=None, description="table or view with the people, instead of `query`"
    )

    def read(self) -> Reading:
        """All rows of the query or table, keyed by column name as the database tells it."""
        driver = driver_named(self.driver)
        # The one statement to run. Raises SourceError unless it is a query or a table, and not both.
        if (self.query is None) == (self.table is None):
            raise unreadable("give exactly one of `query` and `table`")
        statement = _reading_query(self.query, "query") if self.query else select_all(self.table or "", driver)
        age = _reading_query(self.as_of.query, "as_of") if self.as_of and self.as_of.query else ""
        source = f"{'table' if self.table else 'query'} `{shown(self.table or self.query or '')}` of {self.driver}"
        warnings: list[str] = []
        arguments = prepare(self.driver, self.connect, warnings)
        module = _module(self.driver, driver)
        try:
            connection = module.connect(**arguments)
        except Exception as error:
            raise unreadable(
                f"{self.driver} cannot be reached or refuses the sign-in ({scrubbed(error, self.connect)}); "
                "check `connect`"
            ) from None
        try:
            rows = _rows(connection, statement, self, source)
            as_of = _time(_rows(connection, age, self, "query `as_of`")) if age else None
        finally:
            # Close without committing anything; a failing goodbye changes nothing about the rows.
            for goodbye in ("rollback", "close"):
                with contextlib.suppress(Exception):
                    getattr(connection, goodbye)()
        if not rows:
            raise empty(source)
        return Reading(rows, source, warnings, as_of)


def _reading_query(written: str, field: str) -> str:
    """One statement that reads, as far as its first word tells. Raises SourceError for any other."""
    query = written.strip().rstrip(";").strip()
    word = re.match(r"\w*", _COMMENTS.sub("", query))
    if word is None or word.group().upper() not in _READS:
        raise unreadable(
            f"{field} `{shown(query)}` does not begin with SELECT or WITH; a source only reads, so write a query"
        )
    return query


def _module(name: str, driver: Driver) -> Any:
    try:
        return importlib.import_module(driver.module)
    except ImportError as error:
        raise unreadable(
            f"driver `{shown(name)}` needs the module `{driver.module}` ({error}); {install(driver.install)}"
        ) from None


def _rows(connection: Any, statement: str, options: SqlSource, source: str) -> list[Row]:
    """Every row, fetched in blocks. Raises SourceError when the query fails or the fetch stops short."""
    try:
        if attribute := _READ_ONLY.get(driver_named(options.driver).module):
            setattr(connection, attribute, True)
        cursor = connection.cursor()
        cursor.execute(statement)
        if cursor.description is None:
            raise unreadable(f"{source} returns no rows at all; write a query that does")
        columns = [str(column[0]) for column in cursor.description]
    except SourceError:
        raise
    except Exception as error:
        raise unreadable(f"{source} cannot be read ({scrubbed(error, options.connect)})") from None
    refuse_twins(columns, source)
    rows: list[Row] = []
    try:
        while block := cursor.fetchmany(options.block):
            rows.extend(dict(zip(columns, values, strict=True)) for values in block)
    except Exception as error:
        raise partial(f"{source} broke off after {len(rows)} rows ({scrubbed(error, options.connect)})") from None
    # Drivers that know the number of rows say so; -1, or what was fetched so far, from those that do not.
    if (announced := getattr(cursor, "rowcount", -1)) is not None and announced > len(rows):
        raise partial(f"{source} announced {announced} rows and handed over {len(rows)}; run again")
    return rows


def _time(rows: list[Row]) -> str:
    """The one time in the rows of `as_of`, ISO in UTC. Raises SourceError when there is none, or more than one."""
    values = [value for row in rows for value in row.values()]
    time = as_time(values[0]) if len(values) == 1 else None
    if time is None:
        raise unreadable(
            f"query `as_of` yields `{shown(values[0]) if len(values) == 1 else f'{len(values)} values'}`; "
            "write one that yields one time, such as SELECT max(loaded_at) FROM ..."
        )
    return time
