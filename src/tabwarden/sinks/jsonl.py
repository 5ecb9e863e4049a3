"""A mirror as JSON Lines: one object a row."""

from __future__ import annotations

import json
from collections.abc import Iterator
from json.encoder import encode_basestring
from operator import itemgetter
from pathlib import Path
from typing import ClassVar

from tabwarden.mirror.tables import COLUMNS, Row, Table
from tabwarden.sinks._files import TablesSink, write_lines


class JsonLinesSink(TablesSink):
    """A file of JSON Lines a table."""

    TYPE: ClassVar[str] = "jsonl"

    def encode(self, path: Path, name: str, table: Table) -> None:
        """An object a line; every value is text."""
        first, *others = COLUMNS[name]
        heads = [f'{{"{first}": ', *(f', "{column}": ' for column in others)]
        write_lines(path, table, lambda text: encode_basestring(text)[1:-1], heads, "}\n")

    def decode(self, path: Path, name: str) -> Iterator[Row]:
        """The values of each object."""
        values = itemgetter(*COLUMNS[name])
        with path.open(encoding="utf-8", errors="surrogatepass", newline="\n") as file:
            for line in file:
                yield values(json.loads(line))
