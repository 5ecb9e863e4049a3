"""A mirror as JSON Lines: one object a row. Not the other forms of files."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from json.encoder import encode_basestring
from operator import itemgetter
from pathlib import Path

from tabwarden.mirror.tables import COLUMNS, Row, Tables
from tabwarden.sinks import _files

TYPE = "jsonl"


@dataclass(frozen=True)
class Options:
    """`folder` holds a folder for each source."""

    folder: str


def held(options: Options, source: str) -> Tables:
    """What lies there of a source."""
    return _files.TableFiles(options.folder, source, FORM).held()


def opened(options: Options, source: str) -> AbstractContextManager[_files.TableFiles]:
    """The mirror of a source to be written."""
    return _files.opened(_files.TableFiles(options.folder, source, FORM))


def _decode(path: Path, table: str) -> Iterator[Row]:
    values = itemgetter(*COLUMNS[table])
    with path.open(encoding="utf-8", errors="surrogatepass", newline="\n") as file:
        for line in file:
            yield values(json.loads(line))


def _encode(path: Path, table: str, rows: list[Row]) -> None:
    # Every value is text, so that a line is put together faster than `json.dumps` would.
    form = "{" + ", ".join(f'"{column}": %s' for column in COLUMNS[table]) + "}\n"
    with path.open("w", encoding="utf-8", errors="surrogatepass", newline="\n") as file:
        file.writelines(form % tuple(map(encode_basestring, row)) for row in rows)


FORM = _files.Form(TYPE, _encode, _decode)
