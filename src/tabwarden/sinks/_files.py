"""Tables as files, one a table, in a folder a source: replaced whole, one after the other. Not a sink.

    FOLDER/SOURCE/sources.csv  people.csv  viewers.csv  content.csv        (or access.csv)

A file that must lose rows is taken away first and put back last, so that whoever reads meanwhile sees less, not more.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path

from tabwarden.mirror.tables import COLUMNS, ORDER, Delta, Row, Tables
from tabwarden.model.errors import SinkError

Decode = Callable[[Path, str], Iterable[Row]]
Encode = Callable[[Path, str, list[Row]], None]


def held(folder: str, source: str, ending: str, decode: Decode) -> Tables:
    """The tables in the folder of a source."""
    found: dict[str, frozenset[Row]] = {}
    for table in ORDER:
        path = Path(folder, source, f"{table}.{ending}")
        if path.exists():
            try:
                found[table] = frozenset(decode(path, table))
            except SinkError:
                raise
            except Exception as error:
                raise SinkError(
                    f"`{path}` cannot be read ({told(error)}); if it is damaged, remove it and publish again"
                ) from None
            if any(len(row) != len(COLUMNS[table]) for row in found[table]):
                raise SinkError(f"`{path}` has other columns than a mirror has; remove it and publish again")
    return found


def write(folder: str, source: str, tables: Tables, deltas: Mapping[str, Delta], ending: str, encode: Encode) -> None:
    """Replace the files of the tables that differ; a table without rows that no form of this mirror has is removed."""
    home = Path(folder, source)
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        for table in reversed(ORDER):
            if table in deltas and deltas[table].remove:
                home.joinpath(f"{table}.{ending}").unlink(missing_ok=True)
        for table in ORDER:
            path = home / f"{table}.{ending}"
            if table in tables and (table in deltas or not path.exists()):
                replace(path, partial(_encoded, encode, table, sorted(tables[table])))
    except SinkError:
        raise
    except Exception as error:
        raise SinkError(f"`{home}` cannot be written ({told(error)}); publish again when it can") from None


def _encoded(encode: Encode, table: str, rows: list[Row], aside: Path) -> None:
    encode(aside, table, rows)


def replace(path: Path, fill: Callable[[Path], None]) -> None:
    """A file that is there whole or not at all; only the owner may read it."""
    aside = path.with_name(f".{path.name}.unfinished")
    aside.unlink(missing_ok=True)
    aside.touch(mode=0o600)
    try:
        fill(aside)
        aside.chmod(0o600)  # some writers put a file of their own in its place
        with aside.open("rb") as file:
            os.fsync(file.fileno())
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


def told(error: Exception) -> str:
    """What the system says of a file, on one line."""
    return " ".join(str(getattr(error, "strerror", None) or error).split()) or type(error).__name__
