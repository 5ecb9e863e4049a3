"""A mirror as CSV: a heading and a line a row, quoted where needed. Not the other forms of files."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from tabwarden.mirror.tables import COLUMNS, Row, Tables
from tabwarden.model.errors import SinkError
from tabwarden.sinks import _files

TYPE = "csv"


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


def _decode(path: Path, table: str) -> Iterator[Row]:
    with path.open(encoding="utf-8", errors="surrogatepass", newline="") as file:
        lines = csv.reader(file, strict=True)
        if tuple(next(lines, ())) != COLUMNS[table]:
            raise SinkError(f"`{path}` has another heading than a mirror has; remove it and publish again")
        for line in lines:
            yield tuple(line)


def _encode(path: Path, table: str, rows: list[Row]) -> None:
    with path.open("w", encoding="utf-8", errors="surrogatepass", newline="") as file:
        # A lone carriage return inside a name is quoted only because everything is.
        lines = csv.writer(file, quoting=csv.QUOTE_ALL, lineterminator="\n")
        lines.writerow(COLUMNS[table])
        lines.writerows(rows)


_FORM = _files.Form(TYPE, _encode, _decode)
