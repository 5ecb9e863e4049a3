"""Opening the database of the history: SQLite in the store's folder, or PostgreSQL by URL. Not what is in it.

SQLAlchemy is loaded here and below, never by a command that asks nothing of the history; Alembic only where tables
are made or changed.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, Table, bindparam, create_engine, event, inspect, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from tabwarden.model.errors import SettingsError, TabwardenError, UnknownName
from tabwarden.store.snapshots import FILE, RELEASE, VERSIONS

SQLITE, POSTGRES = "sqlite", "postgresql"
BUSY_SECONDS = 60
CHUNK = 500  # values in one IN: SQLite of old takes no more than 999
_WRITES = "tabwarden_writes"


def url_of(store: Path | str) -> URL:
    """The URL of a store: a folder's own database, or the URL itself. ArgumentError or ValueError for no URL."""
    words = str(store)
    # Not from a text: a folder may be called anything.
    return make_url(words) if "://" in words else URL.create(SQLITE, database=str(Path(words) / FILE))


class Database:
    """An engine whose tables are of this release. A refusal of the database is a TabwardenError without its URL."""

    def __init__(self, store: Path | str, *, create: bool = True) -> None:
        """Open it, and bring its tables to this release; SettingsError where the URL cannot be one.

        Without `create` a database that holds no history is left as it is: UnknownName.
        """
        self.engine = _engine(store, create=create)
        found = self.engine.url
        self.words = str(found.database) if self.is_sqlite else found.render_as_string(hide_password=True)
        try:
            self._bring_up(create=create)
        except BaseException:
            self.close()
            raise

    def _bring_up(self, *, create: bool) -> None:
        with self.reading() as connection:
            here = _version(connection)
        if here is None and not create:
            raise nothing_in(self.words)
        if here != RELEASE:
            with self.writing() as connection:
                _migrate(connection, self.words)

    @property
    def is_sqlite(self) -> bool:
        """Whether it is a file."""
        return self.engine.dialect.name == SQLITE

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection that sees one moment of the database, whatever is written meanwhile."""
        engine = self.engine if self.is_sqlite else self.engine.execution_options(isolation_level="REPEATABLE READ")
        with _told(self.words), engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction; it happens whole or not at all, and one at a time."""
        engine = self.engine.execution_options(**{_WRITES: True})
        with _told(self.words), engine.connect() as connection, connection.begin():
            if not self.is_sqlite:
                connection.execute(text("select pg_advisory_xact_lock(hashtext('tabwarden history'))"))
            yield connection

    def insert(self, connection: Connection, table: Table, rows: Iterable[Sequence[Any]]) -> None:
        """Add rows, each with a value for every column of the table in its order."""
        held = list(rows)
        if not held:
            return
        names = [column.name for column in table.columns]
        if self.is_sqlite:
            marks = ", ".join("?" * len(names))
            connection.exec_driver_sql(f"insert into {table.name} ({', '.join(names)}) values ({marks})", held)
            return
        # SQLAlchemy passes the driver's own cursor on, whose COPY is many times faster than any INSERT.
        cursor: Any = connection.connection.cursor()
        with cursor, cursor.copy(f"copy {table.name} ({', '.join(names)}) from stdin") as copy:
            for row in held:
                copy.write_row(row)

    def close(self) -> None:
        """Let go of the database."""
        self.engine.dispose()


def among(column: Any) -> Any:
    """Whether the column has one of the values given as `some` with the statement, which can then be made once."""
    return column.in_(bindparam("some", expanding=True))


def chunks(values: Iterable[Any]) -> Iterator[list[Any]]:
    """These values, so many at a time as one statement takes."""
    held = list(values)
    for start in range(0, len(held), CHUNK):
        yield held[start : start + CHUNK]


def nothing_in(words: str) -> UnknownName:
    """What is said where no snapshot was ever kept."""
    return UnknownName(f"there is no snapshot in `{words}` yet: take one with `tabwarden read`")


def _engine(store: Path | str, *, create: bool) -> Engine:
    try:
        parsed = url_of(store)
        if parsed.get_backend_name() == POSTGRES:
            return create_engine(parsed.set(drivername="postgresql+psycopg"))
        if parsed.get_backend_name() != SQLITE or not parsed.database:
            raise ArgumentError
    except (ArgumentError, NoSuchModuleError, ValueError):
        # The URL may hold a password, so it is not shown.
        raise SettingsError(
            ["`store.url` is no URL of a database; give `postgresql://...`, or leave it out for a file in the folder"]
        ) from None
    except ImportError:
        raise SettingsError(["a store in PostgreSQL needs psycopg; install `tabwarden[postgres]`"]) from None
    path = Path(parsed.database)
    if create:
        _make(path)
    elif not path.is_file():
        raise nothing_in(str(path.parent))
    engine = create_engine(parsed, connect_args={"timeout": BUSY_SECONDS})
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    return engine


def _make(path: Path) -> None:
    """An empty file where there is none. Only the owner may read it: the history tells who may do what."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as error:
        reason = (error.strerror or "refused").lower()
        raise TabwardenError(f"the history `{path}` cannot be written: {reason}; nothing of it was changed") from None


def _prepare(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # transactions are begun by `_begin`, not by guesses of the driver
    for words in ("journal_mode = wal", "synchronous = normal", "foreign_keys = on", "cache_size = -65536"):
        connection.execute(f"pragma {words}").fetchall()


def _begin(connection: Connection) -> None:
    writes = connection.get_execution_options().get(_WRITES)
    connection.exec_driver_sql("begin immediate" if writes else "begin")


@contextmanager
def _told(words: str) -> Iterator[None]:
    try:
        yield
    except SQLAlchemyError as error:
        reason = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
        raise TabwardenError(f"the history `{words}` cannot be used: {reason}; nothing of it was changed") from None


def _version(connection: Connection) -> str | None:
    """Which release's tables are there; None: none."""
    if not inspect(connection).has_table(VERSIONS):
        return None
    return connection.execute(text(f"select version_num from {VERSIONS}")).scalar()


def _migrate(connection: Connection, words: str) -> None:
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    here = _version(connection)  # again: somebody may have been quicker
    if here == RELEASE:
        return
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.attributes["connection"] = connection
    script = ScriptDirectory.from_config(config)
    if here is not None and here not in {one.revision for one in script.walk_revisions()}:
        if here > RELEASE:
            raise TabwardenError(f"the history `{words}` was written by a newer release ({here}); use that one")
        raise TabwardenError(
            f"the history `{words}` was written before the first release ({here}); move it away, then read the site "
            "again with `tabwarden read`"
        )
    command.upgrade(config, RELEASE)
