"""The tables of a mirror in a database, for whoever holds them.

Only rows that differ are written, in one transaction where the database has them; their order alone already keeps
a reader from being shown more than the old mirror or the new one.
"""

from __future__ import annotations

import contextlib
import importlib
import re
import secrets
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import Any

from tabwarden.extras import install
from tabwarden.mirror.rows import COLUMNS, GROUPED, NUMBERS, OF_FACTS, ORDER, Row
from tabwarden.mirror.tables import Delta, Table, Tables, difference
from tabwarden.model.errors import SinkError, SourceError
from tabwarden.sinks._arrow import arrow_of
from tabwarden.sinks._kept import keep, kept
from tabwarden.sinks._views import Access, name_of, views
from tabwarden.sources._connect import prepare, scrubbed
from tabwarden.sources._drivers import driver_named

_BLOCK = 100  # rows a statement: 600 values at most, which every driver takes
_MANY = 5_000  # rows a statement where a column of them is one value
_ARRAYS = {"duckdb": "?::VARCHAR[]", "postgres": "%s::text[]", "psycopg": "%s::text[]"}
_TEXT = {"mssql": "NVARCHAR(400)", "pyodbc": "NVARCHAR(400)", "oracle": "VARCHAR2(1000)", "trino": "VARCHAR"}
_GIVEN, _BUCKETS = "tabwarden_given", 1 << 14
_STRING = ("databricks", "bigquery")


class Database:
    """An open connection and the way its driver writes statements: a `sinks.Place`."""

    def __init__(self, sink: Access, source: str, module: Any, connection: Any) -> None:
        self.sink, self.source, self.module, self.connection = sink, source, module, connection
        self.cursor = connection.cursor()
        self.tables: Tables = {}

    def held(self) -> Tables:
        """What lies there."""
        return {table: Table.of(table, self.rows(table)) for table in self.there}

    @cached_property
    def there(self) -> tuple[str, ...]:
        """The tables that lie there, in order: those of facts are made for facts alone."""
        facts = all(self._is_there(self.name(table)) for table in OF_FACTS)
        return ORDER if facts else tuple(table for table in ORDER if table not in OF_FACTS)

    def _is_there(self, name: str) -> bool:
        """Whether a table or view of that quoted name can be read; asked outside of transactions, which it may end."""
        try:
            self.cursor.execute(f"SELECT source FROM {name} WHERE 1 = 0")
            self.cursor.fetchall()
        except Exception:
            with contextlib.suppress(Exception):
                self.connection.rollback()
            return False
        return True

    def sources(self) -> Iterable[Row]:
        """The rows of `sources` that lie there."""
        return self.rows("sources")

    def deltas(self, tables: Tables) -> Mapping[str, Delta]:
        """How these tables differ from what lies there; DuckDB tells by hashes where to look."""
        if not self.takes_arrow:
            return difference(self.held(), tables)
        self.tables = tables
        last = kept(self.beside, self._files) if self.beside is not None else None
        if last is not None and last.unchanged:
            return difference(last.tables, tables)
        before, after = {}, {name: table for name, table in tables.items() if name not in self.there}
        for name in self.there:
            before[name], after[name] = self._differing(name, tables.get(name) or Table.of(name))
        return difference(before, after)

    @cached_property
    def beside(self) -> Path | None:
        """Where DuckDB's last tables of this source lie, beside its file: while that is as it was, they are in it."""
        database = self.sink.connect.get("database")
        if not self.takes_arrow or not isinstance(database, str) or not database or ":" in database:
            return None
        path = Path(database).expanduser()
        return path.with_name(f".{path.name}.{self.sink.prefix}{self.source}.npz")

    @property
    def _files(self) -> list[Path]:
        path = Path(str(self.sink.connect["database"])).expanduser()
        return [path, *path.parent.glob(f"{path.name}.wal")]

    def remember(self) -> None:
        """Keep what lies there now beside DuckDB's file, while nobody else can write that; its absence costs time."""
        if self.beside is None:
            return
        self.cursor.execute("CHECKPOINT")  # closing writes nothing any more
        aside = self.beside.with_name(f"{self.beside.name}.new")
        try:
            aside.unlink(missing_ok=True)
            keep(aside, self.tables, self._files)
            aside.replace(self.beside)
        except OSError:
            self.beside.unlink(missing_ok=True)
            aside.unlink(missing_ok=True)

    @cached_property
    def takes_arrow(self) -> bool:
        """Whether whole columns are handed over: DuckDB does, where pyarrow is installed."""
        return self.sink.driver == "duckdb" and find_spec("pyarrow") is not None

    def _differing(self, name: str, table: Table) -> tuple[Table, Table]:
        """The rows here and the rows to be, without those whose sets of viewers, or items, surely stay the same.

        Both are summed up bucket by bucket, by hashes with a secret factor of this run: nobody can choose names that
        hide a difference.
        """
        columns, mine = ", ".join(COLUMNS[name]), self.name(name)
        if not self._all(f"SELECT 1 FROM {mine} WHERE source = ? LIMIT 1", [self.source]):
            return Table.of(name), table
        bucket = f"hash({GROUPED[name]}) % {_BUCKETS}"
        summed = f"SELECT {bucket} b, count(*) n, bit_xor(hash({columns}, '{secrets.token_hex(8)}')) h FROM"
        with self._given(name, table):
            differs = self._all(
                f"SELECT b FROM ({summed} {mine} WHERE source = ? GROUP BY b) old "
                f"FULL JOIN ({summed} {_GIVEN} GROUP BY b) new USING (b) "
                "WHERE old.n IS DISTINCT FROM new.n OR old.h IS DISTINCT FROM new.h",
                [self.source],
            )
            if not differs:
                return Table.of(name), Table.of(name)
            those = f"{bucket} IN ({', '.join(str(number) for (number,) in differs)})"
            before = self._all(f"SELECT {columns} FROM {mine} WHERE source = ? AND {those}", [self.source])
            after = self._all(f"SELECT {columns} FROM {_GIVEN} WHERE {those}", [])
        return Table.of(name, frozenset(map(_texts, before))), Table.of(name, map(_texts, after))

    def _all(self, query: str, values: list[Any]) -> list[Any]:
        rows: list[Any] = self.cursor.execute(query, values).fetchall()
        return rows

    @contextmanager
    def _given(self, name: str, table: Table) -> Iterator[None]:
        """A table as one that queries may name."""
        self.cursor.register(_GIVEN, arrow_of(name, table))
        try:
            yield
        finally:
            self.cursor.unregister(_GIVEN)

    def write(self, tables: Tables, deltas: Mapping[str, Delta]) -> None:  # noqa: ARG002
        """Make it these tables: what must go goes first, in opposite order."""
        for table in reversed(ORDER):
            if table in deltas:
                self.remove(table, deltas[table].remove)
        for table in ORDER:
            if table in deltas:
                self.add(table, deltas[table].add)

    def hold(self) -> None:
        """Begin a transaction, and let nobody else write this source until it ends."""
        if self.module.__name__ == "duckdb":  # does not begin by itself
            self.cursor.begin()
            self.connection = self.cursor
        if self.module.__name__.startswith("psycopg"):
            self.cursor.execute(f"LOCK TABLE {self.name('sources')} IN SHARE ROW EXCLUSIVE MODE")
        else:
            mine = f"WHERE source = {self._places(1)[0]}"
            self._run(f"UPDATE {self.name('sources')} SET source = source {mine}", [self.source])

    def name(self, table: str) -> str:
        return name_of(self.sink, table)

    def create(self) -> None:
        """Make every table that is not there."""
        self._create(tuple(table for table in COLUMNS if table not in OF_FACTS))

    def create_for_facts(self) -> None:
        """Make the tables of facts that are not there, and the views that are not there."""
        self._create(OF_FACTS)
        for name, statement in views(self.sink, driver_named(self.sink.driver).dialect):
            if not self._is_there(name):
                self.cursor.execute(statement)
        self.connection.commit()

    def _create(self, tables: Iterable[str]) -> None:
        kind = "STRING" if self.sink.driver in _STRING else _TEXT.get(self.sink.driver, "TEXT")
        number = "INT64" if self.sink.driver == "bigquery" else "BIGINT"
        for table in tables:
            listed = ", ".join(f"{column} {number if column in NUMBERS else kind}" for column in COLUMNS[table])
            self.cursor.execute(f"CREATE TABLE IF NOT EXISTS {self.name(table)} ({listed})")
        self.connection.commit()

    def rows(self, table: str) -> frozenset[Row]:
        """Every row of the source."""
        columns = ", ".join(COLUMNS[table])
        self._run(f"SELECT {columns} FROM {self.name(table)} WHERE source = {self._places(1)[0]}", [self.source])
        rows: list[Row] = []
        while block := self.cursor.fetchmany(5_000):
            rows.extend(map(_texts, block))
        return frozenset(rows)

    def remove(self, table: str, rows: Table) -> None:
        columns, array = COLUMNS[table], _ARRAYS.get(self.sink.driver)
        if self.takes_arrow:
            listed = ", ".join(columns)
            with self._given(table, rows):
                self.cursor.execute(
                    f"DELETE FROM {self.name(table)} WHERE ({listed}) IN (SELECT {listed} FROM {_GIVEN})"
                )
            return
        for block in _blocks(rows, _BLOCK if array is None else _MANY):
            if array is not None:
                these = f"({', '.join(columns)}) IN (SELECT {_unnested(array, columns)})"
                self._run(f"DELETE FROM {self.name(table)} WHERE {these}", _by_column(table, block))
                continue
            places = iter(self._places(len(block) * len(columns)))
            one = (" AND ".join(f"{column} = {next(places)}" for column in columns) for _ in block)
            self._run(f"DELETE FROM {self.name(table)} WHERE ({') OR ('.join(one)})", _values(table, block))

    def add(self, table: str, rows: Table) -> None:
        columns, array = COLUMNS[table], _ARRAYS.get(self.sink.driver)
        into = f"INSERT INTO {self.name(table)} ({', '.join(columns)})"
        if self.takes_arrow:
            with self._given(table, rows):
                self.cursor.execute(f"{into} SELECT * FROM {_GIVEN}")
            return
        for block in _blocks(rows, _BLOCK if array is None else _MANY):
            if array is not None:
                self._run(f"{into} SELECT {_unnested(array, columns)}", _by_column(table, block))
                continue
            places = iter(self._places(len(block) * len(columns)))
            one = (f"({', '.join(next(places) for _ in columns)})" for _ in block)
            self._run(f"{into} VALUES {', '.join(one)}", _values(table, block))

    def _run(self, statement: str, values: list[Any]) -> None:
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


def _texts(row: Iterable[Any]) -> Row:
    """A row as a mirror has it."""
    # Oracle keeps no empty text: it comes back as NULL.
    return tuple("" if value is None else str(value) for value in row)


def _typed(table: str, rows: list[Row]) -> list[tuple[Any, ...]]:
    """Rows as a database takes them."""
    numbers = [column in NUMBERS for column in COLUMNS[table]]
    if not any(numbers):
        return list(rows)
    return [tuple(int(v) if is_one else v for v, is_one in zip(row, numbers, strict=True)) for row in rows]


def _values(table: str, rows: list[Row]) -> list[Any]:
    return [value for row in _typed(table, rows) for value in row]


def _by_column(table: str, rows: list[Row]) -> list[Any]:
    return [list(column) for column in zip(*_typed(table, rows), strict=True)]


def _unnested(array: str, columns: Iterable[str]) -> str:
    whole = re.sub("(?i)varchar|text", "BIGINT", array)
    return ", ".join(f"unnest({whole if column in NUMBERS else array})" for column in columns)


def _blocks(rows: Iterable[Row], size: int) -> Iterator[list[Row]]:
    left = iter(rows)
    while block := list(islice(left, size)):
        yield block


@contextmanager
def connected(sink: Access, source: str) -> Iterator[Database]:
    """A connection, closed in the end; whatever the driver raises is a SinkError without secrets."""
    try:
        driver = driver_named(sink.driver)
        arguments = _arguments(sink)
    except SourceError as error:
        raise SinkError(str(error)) from None
    try:
        module = importlib.import_module(driver.module)
    except ImportError as error:
        needs = f"driver `{sink.driver}` needs `{driver.module}` ({error})"
        raise SinkError(f"{needs}; {install(driver.install)}") from None
    connection = None
    try:
        connection = module.connect(**arguments)
        database = Database(sink, source, module, connection)
        if sink.create:
            database.create()
        _ = database.there  # asked now: later there is a transaction
        yield database
    except SinkError:
        raise
    except Exception as error:
        why = scrubbed(error, sink.connect)
        raise SinkError(f"{sink.driver} does not take the mirror ({why}); check `connect` and `schema`") from None
    finally:
        if connection is not None:
            for goodbye in ("rollback", "close"):
                with contextlib.suppress(Exception):
                    getattr(connection, goodbye)()


def _arguments(sink: Access) -> dict[str, Any]:
    """What the driver connects with: as a source would, but able to write."""
    connect = dict(sink.connect)
    if sink.driver in ("sqlite", "duckdb"):
        if isinstance(connect.get("database"), str):
            connect["database"] = str(Path(str(connect["database"])).expanduser())
        return connect
    return prepare(sink.driver, connect, [])
