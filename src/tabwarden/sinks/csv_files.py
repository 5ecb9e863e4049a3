"""A mirror as CSV: a heading, and a line a row with every value in quotes."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from pydantic import Field

from tabwarden.mirror.rows import COLUMNS, Row
from tabwarden.model.errors import SinkError
from tabwarden.sinks._files import LinesSink
from tabwarden.sinks._form import Form


class CsvSink(LinesSink):
    """A CSV file a table."""

    type: Literal["csv"] = Field(description="where the mirror goes")

    def form(self, name: str) -> Form:
        """A lone carriage return inside a name needs quotes, so everything has them."""
        title = ",".join(f'"{column}"' for column in COLUMNS[name]) + "\n"
        heads = ["", *[","] * (len(COLUMNS[name]) - 1)]
        return Form(heads, "\n", lambda text: text.replace('"', '""'), title)

    def decode(self, path: Path, name: str) -> Iterator[Row]:
        """The rows under the heading."""
        with path.open(encoding="utf-8", errors="surrogatepass", newline="") as file:
            lines = csv.reader(file, strict=True)
            if tuple(next(lines, ())) != COLUMNS[name]:
                raise SinkError(f"`{path}` has another heading than a mirror has; remove it and publish again")
            for line in lines:
                yield tuple(line)
