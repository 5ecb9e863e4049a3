"""A mirror as CSV: a heading, and a line a row with every value in quotes."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from tabwarden.mirror.tables import COLUMNS, Row, Table
from tabwarden.model.errors import SinkError
from tabwarden.sinks._files import TablesSink, write_lines


class CsvSink(TablesSink):
    """A CSV file a table."""

    TYPE: ClassVar[str] = "csv"

    def encode(self, path: Path, name: str, table: Table) -> None:
        """A heading and a line a row; a lone carriage return inside a name needs quotes, so everything has them."""
        path.write_text(",".join(f'"{column}"' for column in COLUMNS[name]) + "\n", encoding="utf-8")
        write_lines(path, table, lambda text: text.replace('"', '""'), ["", *[","] * (len(COLUMNS[name]) - 1)], "\n")

    def decode(self, path: Path, name: str) -> Iterator[Row]:
        """The rows under the heading."""
        with path.open(encoding="utf-8", errors="surrogatepass", newline="") as file:
            lines = csv.reader(file, strict=True)
            if tuple(next(lines, ())) != COLUMNS[name]:
                raise SinkError(f"`{path}` has another heading than a mirror has; remove it and publish again")
            for line in lines:
                yield tuple(line)
