"""A mirror as tables of any database with a PEP 249 driver, ready for a join or a row access policy. Not a source.

Only rows that differ are written, in one transaction where the database has them; their order alone already keeps
a reader from being shown more than the old mirror or the new one.
"""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tabwarden.mirror.tables import COLUMNS, ORDER, Delta, Row, Tables
from tabwarden.model.errors import SinkError, SourceError
from tabwarden.sources._connect import prepare, scrubbed
from tabwarden.sources._drivers import driver_named, select_all

TYPE = "sql"
_BLOCK = 100  # rows a statement: 600 values at most, which every driver takes
_TEXT = {"mssql": "NVARCHAR(400)", "pyodbc": "NVARCHAR(400)", "oracle": "VARCHAR2(1000)", "trino": "VARCHAR"}
_STRING = ("databricks", "bigquery")


@dataclass(frozen=True)
class Options:
    """`driver` is a short name or `module:NAME`; `connect` the keyword arguments of its `connect`.

    Tables are called `prefix` and the table's name, in `schema` (NAME or DATABASE.NAME); they are made when they are
    not there, unless `create` is off.
    """

    driver: str
    connect: Mapping[str, object] = field(default_factory=dict, repr=False)
    schema: str = ""
    prefix: str = "tabwarden_"
    create: bool = True


def held(options: Options, source: str) -> Tables:
    """What lies there of a source; makes the tables that are not there."""
    with _opened(options) as database:
        if options.create:
            database.create()
        return {table: database.rows(table, source) for table in ORDER}


def write(options: Options, source: str, tables: Tables, deltas: Mapping[str, Delta]) -> None:  # noqa: ARG001
    """Make it these tables: what must go goes first, in opposite order."""
    with _opened(options) as database:
        database.begin()
        for table in reversed(ORDER):
            if table in deltas:
                database.remove(table, deltas[table].remove)
        for table in ORDER:
            if table in deltas:
                database.add(table, deltas[table].add)
        database.connection.commit()


class _Database:
    """An open connection and the way its driver writes statements."""

    def __init__(self, options: Options, module: Any, connection: Any) -> None:
        self.options, self.module, self.connection = options, module, connection
        self.cursor = connection.cursor()

    def name(self, table: str) -> str:
        """The table's quoted name."""
        whole = ".".join(filter(None, (self.options.schema, self.options.prefix + table)))
        return select_all(whole, driver_named(self.options.driver)).removeprefix("SELECT * FROM ")

    def create(self) -> None:
        """Make every table that is not there."""
        kind = "STRING" if self.options.driver in _STRING else _TEXT.get(self.options.driver, "TEXT")
        for table, columns in COLUMNS.items():
            listed = ", ".join(f"{column} {kind}" for column in columns)
            self.cursor.execute(f"CREATE TABLE IF NOT EXISTS {self.name(table)} ({listed})")
        self.connection.commit()

    def begin(self) -> None:
        """Begin a transaction where the driver does not do so by itself."""
        if self.module.__name__ == "duckdb":
            self.cursor.begin()
            self.connection = self.cursor

    def rows(self, table: str, source: str) -> frozenset[Row]:
        """Every row of a source."""
        columns = ", ".join(COLUMNS[table])
        self._run(f"SELECT {columns} FROM {self.name(table)} WHERE source = {self._places(1)[0]}", [source])
        rows: list[Row] = []
        while block := self.cursor.fetchmany(5_000):
            # Oracle keeps no empty text: it comes back as NULL.
            rows.extend(tuple("" if value is None else str(value) for value in row) for row in block)
        return frozenset(rows)

    def remove(self, table: str, rows: Iterable[Row]) -> None:
        """Delete these rows."""
        columns = COLUMNS[table]
        for block in _blocks(rows):
            places = iter(self._places(len(block) * len(columns)))
            one = (" AND ".join(f"{column} = {next(places)}" for column in columns) for _ in block)
            self._run(f"DELETE FROM {self.name(table)} WHERE ({') OR ('.join(one)})", _values(block))

    def add(self, table: str, rows: Iterable[Row]) -> None:
        """Insert these rows."""
        columns = COLUMNS[table]
        for block in _blocks(rows):
            places = iter(self._places(len(block) * len(columns)))
            one = (f"({', '.join(next(places) for _ in columns)})" for _ in block)
            self._run(f"INSERT INTO {self.name(table)} ({', '.join(columns)}) VALUES {', '.join(one)}", _values(block))

    def _run(self, statement: str, values: list[str]) -> None:
        if getattr(self.module, "paramstyle", "qmark") == "named":
            self.cursor.execute(statement, {f"v{place}": value for place, value in enumerate(values)})
        else:
            self.cursor.execute(statement, values)

    def _places(self, count: int) -> list[str]:
        """What stands for the values of a statement."""
        style = getattr(self.module, "paramstyle", "qmark")
        if style in ("format", "pyformat"):
            return ["%s"] * count
        if style in ("numeric", "named"):
            start = ":v" if style == "named" else ":"
            first = 0 if style == "named" else 1
            return [f"{start}{place}" for place in range(first, first + count)]
        return ["?"] * count


def _values(rows: list[Row]) -> list[str]:
    return [value for row in rows for value in row]


def _blocks(rows: Iterable[Row]) -> Iterator[list[Row]]:
    ordered = sorted(rows)
    for start in range(0, len(ordered), _BLOCK):
        yield ordered[start : start + _BLOCK]


@contextmanager
def _opened(options: Options) -> Iterator[_Database]:
    """A connection, closed in the end; whatever the driver raises is a SinkError without secrets."""
    try:
        driver = driver_named(options.driver)
        arguments = _arguments(options)
    except SourceError as error:
        raise SinkError(str(error)) from None
    try:
        module = importlib.import_module(driver.module)
    except ImportError as error:
        raise SinkError(
            f"driver `{options.driver}` needs `{driver.module}` ({error}); install {driver.install}"
        ) from None
    connection = None
    try:
        connection = module.connect(**arguments)
        yield _Database(options, module, connection)
    except SinkError:
        raise
    except Exception as error:
        told = scrubbed(error, options.connect)
        raise SinkError(f"{options.driver} does not take the mirror ({told}); check `connect` and `schema`") from None
    finally:
        if connection is not None:
            for goodbye in ("rollback", "close"):
                with contextlib.suppress(Exception):
                    getattr(connection, goodbye)()


def _arguments(options: Options) -> dict[str, Any]:
    """What the driver connects with: as a source would, but able to write."""
    connect = dict(options.connect)
    if options.driver in ("sqlite", "duckdb"):
        if isinstance(connect.get("database"), str):
            connect["database"] = str(Path(str(connect["database"])).expanduser())
        return connect
    return prepare(options.driver, connect, [])
