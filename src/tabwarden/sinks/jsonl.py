"""A mirror as JSON Lines: one object a row. Not the other forms of files."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tabwarden.mirror.tables import COLUMNS, Delta, Row, Tables
from tabwarden.sinks import _files

TYPE = "jsonl"


@dataclass(frozen=True)
class Options:
    """`folder` holds a folder for each source."""

    folder: str


def held(options: Options, source: str) -> Tables:
    """What lies there of a source."""
    return _files.held(options.folder, source, TYPE, _decode)


def write(options: Options, source: str, tables: Tables, deltas: Mapping[str, Delta]) -> None:
    """Make it these tables."""
    _files.write(options.folder, source, tables, deltas, TYPE, _encode)


def _decode(path: Path, table: str) -> Iterator[Row]:
    with path.open(encoding="utf-8", errors="surrogatepass", newline="\n") as file:
        for line in file:
            row = json.loads(line)
            yield tuple(row[column] for column in COLUMNS[table])


def _encode(path: Path, table: str, rows: list[Row]) -> None:
    with path.open("w", encoding="utf-8", errors="surrogatepass", newline="\n") as file:
        for row in rows:
            file.write(json.dumps(dict(zip(COLUMNS[table], row, strict=True)), ensure_ascii=False) + "\n")
