"""The database of the history: SQLite in the store's folder, or PostgreSQL by URL, and one way to speak to both.

SQL is written here and below in what both understand, with `?` for a value.
"""

from __future__ import annotations

import os
import re
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tabwarden.extras import install
from tabwarden.model.errors import SettingsError, TabwardenError, UnknownName
from tabwarden.store import schema
from tabwarden.store.schema import HISTORY, Tables
from tabwarden.troubles import of_database, why

SQLITE, POSTGRES = "sqlite", "postgresql"
BUSY_SECONDS = 60
MEND = "put it back from a backup, or delete it and take a snapshot with `tabwarden read`"
CHUNK = 500  # values in one IN: SQLite of old takes no more than 999
_PASSWORD = re.compile(r"(?<=://)([^:/@?]*:).*(?=@)|(password=)[^&]*")


class OfNewerReleaseError(TabwardenError):
    """The history is of a release that this one does not know."""


class Connection:
    """A transaction that is open: what is asked and done in it."""

    def __init__(self, raw: Any, *, is_sqlite: bool) -> None:
        self.raw, self.is_sqlite = raw, is_sqlite

    def _execute(self, statement: str, values: Sequence[Any]) -> Any:
        return self.raw.execute(statement if self.is_sqlite else statement.replace("?", "%s"), values)

    def rows(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        rows: list[tuple[Any, ...]] = self._execute(statement, values).fetchall()
        return rows

    def column(self, statement: str, *values: Any) -> list[Any]:
        """The first value of every row."""
        return [row[0] for row in self._execute(statement, values).fetchall()]

    def value(self, statement: str, *values: Any) -> Any:
        """The first value of the first row; None where there is no row."""
        row = self._execute(statement, values).fetchone()
        return None if row is None else row[0]

    def run(self, statement: str, *values: Any) -> None:
        """Do something that gives no rows."""
        self._execute(statement, values)

    def run_each(self, statement: str, rows: Sequence[Sequence[Any]]) -> None:
        """Do it with the values of each row."""
        cursor = self.raw.cursor()
        cursor.executemany(statement if self.is_sqlite else statement.replace("?", "%s"), rows)
        cursor.close()

    def insert(self, table: str, rows: Iterable[Sequence[Any]]) -> None:
        """Add rows, each with a value for every column of the table in its order."""
        columns = schema.COLUMNS[table]
        into = f"{table} ({', '.join(columns)})"
        if self.is_sqlite:
            self.raw.executemany(f"insert into {into} values {marks(columns)}", rows)
            return
        # Many times faster than any INSERT.
        with self.raw.cursor() as cursor, cursor.copy(f"copy {into} from stdin") as copy:
            for row in rows:
                copy.write_row(row)


class Database:
    """A database whose tables are of this release. A refusal of it is a TabwardenError without its password."""

    def __init__(self, store: Path | str, *, create: bool = True, tables: Tables = HISTORY) -> None:
        """Open it, and bring its tables to this release; SettingsError where the URL cannot be one.

        Without `create` a database that holds no history is left as it is: UnknownName.
        """
        words = str(store)
        self.tables = tables
        self._idle: list[Any] = []
        self._of_thread = threading.local()  # the transaction that is open in it
        self._writing = threading.Lock()  # SQLite lets whoever waits for another sleep, for up to 0.1 s at a time
        self.is_sqlite = "://" not in words
        if self.is_sqlite:
            path = Path(words) / tables.file
            self.words, self._errors = str(path), sqlite3.Error
            if path.exists() and not path.is_file():
                raise TabwardenError(f"the {tables.what} `{path}` is no file, but a folder, a pipe or a device; {MEND}")
            if create:
                _make(path)
            elif not path.is_file():
                raise nothing_in(words)
            elif path.stat().st_size == 0:
                raise TabwardenError(
                    f"the {tables.what} `{path}` is empty: it was cut off, or the first read broke off; {MEND}"
                )
            self._connect = lambda: _sqlite(path)
        else:
            self.words = _PASSWORD.sub(lambda match: f"{match[1] or match[2]}***", words)
            self._connect, self._errors = _postgres(words)
        try:
            self._bring_up(create=create)
        except BaseException:
            self.close()
            raise

    _connect: Callable[[], Any]
    _errors: type[Exception]

    def _bring_up(self, *, create: bool) -> None:
        with self.reading() as connection:
            release = _release(connection, self.tables)
            others = release is None and self.is_sqlite and connection.value("select count(*) from sqlite_master")
        if others:
            raise TabwardenError(
                f"`{self.words}` is a database, and no {self.tables.what}: it holds other tables; {MEND}"
            )
        if release is None and not create:
            raise nothing_in(self.words)
        if release != self.tables.release:
            with self.writing() as connection:
                _migrate(connection, self.words, self.tables)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection that sees one moment of the database, whatever is written meanwhile."""
        with self._transaction("begin" if self.is_sqlite else "begin isolation level repeatable read") as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction; it happens whole or not at all, and one at a time.

        Within one of the same thread it is a part of that, so that what is written in several places happens at once.
        """
        around: Connection | None = getattr(self._of_thread, "connection", None)
        if around is not None:
            yield around
            return
        begin = "begin immediate" if self.is_sqlite else "begin"
        with self._writing, self._transaction(begin) as connection:
            if not self.is_sqlite:
                connection.run("select pg_advisory_xact_lock(hashtext(?))", f"tabwarden {self.tables.what}")
            self._of_thread.connection = connection
            try:
                yield connection
            finally:
                self._of_thread.connection = None

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[Connection]:
        try:
            raw = self._idle.pop() if self._idle else self._connect()
            try:
                raw.execute(begin)
                yield Connection(raw, is_sqlite=self.is_sqlite)
                raw.execute("commit")
            except BaseException:
                raw.close()  # with it goes whatever was not committed
                raise
            self._idle.append(raw)
        except (self._errors, UnicodeDecodeError) as error:
            words = _of_sqlite(error) if self.is_sqlite else of_database(error)
            raise TabwardenError(
                f"the {self.tables.what} `{self.words}` cannot be used: {words}; nothing of it was changed"
            ) from None

    def close(self) -> None:
        """Let go of the database."""
        while self._idle:
            self._idle.pop().close()


# What SQLite calls it (the beginning of a code's name), and what it is.
_SQLITE_WORDS = {
    "SQLITE_FULL": "the disk is full",
    "SQLITE_IOERR": "the disk is full, or fails",
    "SQLITE_BUSY": "another process is writing to it; try again when that has ended",
    "SQLITE_LOCKED": "another process is writing to it; try again when that has ended",
    "SQLITE_READONLY": "it may not be written; see to the rights of the file and its folder",
    "SQLITE_CANTOPEN": "it cannot be opened; see to the rights of the file and its folder",
    "SQLITE_PERM": "it cannot be opened; see to the rights of the file and its folder",
    "SQLITE_NOMEM": "there is not enough memory",
}


def _of_sqlite(error: Exception) -> str:
    """What is wrong with the file. The statements are ours, so whatever else it refuses, its tables are damaged."""
    name = getattr(error, "sqlite_errorname", "")
    return next((words for code, words in _SQLITE_WORDS.items() if name.startswith(code)), f"it is damaged; {MEND}")


def marks(values: Sequence[Any]) -> str:
    """`(?, ?, ?)` for so many values."""
    return f"({', '.join('?' * len(values))})"


def chunks(values: Iterable[Any]) -> Iterator[list[Any]]:
    """These values, so many at a time as one statement takes."""
    every = list(values)
    for start in range(0, len(every), CHUNK):
        yield every[start : start + CHUNK]


def check_release(store: Path | str) -> None:
    """TabwardenError for a history of a newer release, so that nothing is begun that could not be kept.

    Whatever else is wrong with it is told where it is needed.
    """
    try:
        Database(store, create=False).close()
    except OfNewerReleaseError:
        raise
    except TabwardenError:
        return


def nothing_in(words: str) -> UnknownName:
    """What is said where no snapshot was ever kept."""
    return UnknownName(f"there is no snapshot in `{words}` yet: take one with `tabwarden read`")


def _make(path: Path) -> None:
    """An empty file where there is none. Only the owner may read it: the history tells who may do what."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as error:
        raise TabwardenError(
            f"the history `{path}` cannot be written: {why(error)}; nothing of it was changed"
        ) from None


def _sqlite(path: Path) -> sqlite3.Connection:
    # Transactions are begun here, not by guesses of the driver; a connection is of one thread at a time.
    raw = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    try:
        for words in ("journal_mode = wal", "synchronous = normal", "foreign_keys = on", "cache_size = -65536"):
            raw.execute(f"pragma {words}").fetchall()
    except BaseException:
        raw.close()
        raise
    return raw


def _postgres(url: str) -> tuple[Callable[[], Any], type[Exception]]:
    """How to connect, and what its errors are."""
    if not url.startswith(("postgresql://", "postgres://")):
        # The URL may hold a password, so it is not shown.
        raise SettingsError(
            ["`store.url` is no URL of a database; give `postgresql://...`, or leave it out for a file in the folder"]
        )
    try:
        import psycopg
        from psycopg.conninfo import conninfo_to_dict
    except ImportError:
        raise SettingsError([f"a store in PostgreSQL needs psycopg; {install('[postgres]')}"]) from None
    try:
        conninfo_to_dict(url)
    except psycopg.Error:
        raise SettingsError(["`store.url` cannot be read; write special characters of the password as %XX"]) from None
    return lambda: psycopg.connect(url, autocommit=True), psycopg.Error


def _release(connection: Connection, tables: Tables) -> str | None:
    """Which release's tables are there; None: none."""
    # Not `to_regclass`, which may answer from a cache of before another made the tables.
    of_sqlite = "select name from sqlite_master where type = 'table' and name = ?"
    of_postgres = "select relname from pg_catalog.pg_class where relname = ? and pg_catalog.pg_table_is_visible(oid)"
    if connection.value(of_sqlite if connection.is_sqlite else of_postgres, tables.versions) is None:
        return None
    return str(connection.value(f"select version_num from {tables.versions}"))


def _migrate(connection: Connection, words: str, tables: Tables) -> None:
    """Do what the releases since did to the tables."""
    of = f"the {tables.what} `{words}`"
    before, releases = _release(connection, tables), list(tables.migrations)  # again: somebody may have been quicker
    if before is not None and before not in releases:
        if before > tables.release:
            raise OfNewerReleaseError(f"{of} was written by a newer release ({before}); use that one")
        raise TabwardenError(
            f"{of} was written before the first release ({before}); move it away, then read the site again with "
            "`tabwarden read`"
        )
    if before is None:
        connection.run(f"create table {tables.versions} (version_num varchar(32) not null primary key)")
        connection.run(f"insert into {tables.versions} values (?)", tables.release)
    for release in releases[releases.index(before) + 1 if before else 0 :]:
        for statement in schema.statements(release, SQLITE if connection.is_sqlite else POSTGRES, tables.migrations):
            connection.run(statement)
    connection.run(f"update {tables.versions} set version_num = ?", tables.release)
