"""A mirror as Parquet, written and read by DuckDB. Not the other forms of files."""

from __future__ import annotations

import importlib
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from tabwarden.mirror.tables import COLUMNS, Row, Tables
from tabwarden.model.errors import SinkError
from tabwarden.sinks import _files

TYPE = "parquet"
_BLOCK = 2_000


@dataclass(frozen=True)
class Options:
    """`folder` holds a folder for each source."""

    folder: str


def held(options: Options, source: str) -> Tables:
    """What lies there of a source."""
    return _files.TableFiles(options.folder, source, _FORM).held()


def opened(options: Options, source: str) -> AbstractContextManager[_files.TableFiles]:
    """The mirror of a source to be written."""
    return _files.opened(_files.TableFiles(options.folder, source, _FORM))


@cache
def _database() -> Any:
    """One database in memory for all files: to open one takes longer than to write a small file."""
    try:
        return importlib.import_module("duckdb").connect()
    except ImportError:
        raise SinkError("Parquet needs the module `duckdb`; run: pip install 'tabwarden[files]'") from None


def _decode(path: Path, table: str) -> list[Row]:
    with _database().cursor() as database:
        columns = ", ".join(COLUMNS[table])
        return list(database.execute(f"SELECT {columns} FROM read_parquet(?)", [str(path)]).fetchall())


def _encode(path: Path, table: str, rows: list[Row]) -> None:
    columns = COLUMNS[table]
    with _database().cursor() as database:
        database.execute(f"CREATE TEMP TABLE rows ({', '.join(f'{column} VARCHAR' for column in columns)})")
        for start in range(0, len(rows), _BLOCK):
            block = [[row[place] for row in rows[start : start + _BLOCK]] for place in range(len(columns))]
            unnested = ", ".join("unnest(?::VARCHAR[])" for _ in columns)
            database.execute(f"INSERT INTO rows SELECT {unnested}", block)
        target = str(path).replace("'", "''")
        database.execute(f"COPY (SELECT * FROM rows ORDER BY ALL) TO '{target}' (FORMAT parquet)")


_FORM = _files.Form(TYPE, _encode, _decode)
