"""A mirror as CSV: a heading, and a line a row with every value in quotes, in which nothing acts.

A spreadsheet takes what begins with `=`, `+`, `-` or `@` for a formula, a terminal obeys control characters, and a line
end inside of quotes breaks what reads lines. A value with any of these begins with `'`; after it a backslash is two,
and what is not seen an escape: whoever takes the `'` off and the escapes back has the value as it was.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from pydantic import Field

from tabwarden.mirror.rows import COLUMNS, Row
from tabwarden.model.errors import SinkError
from tabwarden.model.names import visible
from tabwarden.sinks._files import LinesSink
from tabwarden.sinks._form import Form

_BEGINS_TO_ACT = (*"=+-@", *"＝＋－＠", "'")
_ESCAPES = re.compile(r"\\(?:\\|n|r|t|x[0-9a-f]{2}|u[0-9a-f]{4}|U[0-9a-f]{8})")


class CsvSink(LinesSink):
    """A CSV file a table."""

    type: Literal["csv"] = Field(description="where the mirror goes")

    def form(self, name: str) -> Form:
        """Everything has quotes."""
        title = ",".join(f'"{column}"' for column in COLUMNS[name]) + "\n"
        heads = ["", *[","] * (len(COLUMNS[name]) - 1)]
        return Form(heads, "\n", lambda text: defused(text).replace('"', '""'), title)

    def decode(self, path: Path, name: str) -> Iterator[Row]:
        """The rows under the heading."""
        with path.open(encoding="utf-8", errors="surrogatepass", newline="") as file:
            lines = csv.reader(file, strict=True)
            if tuple(next(lines, ())) != COLUMNS[name]:
                raise SinkError(f"`{path}` has another heading than a mirror has; remove it and publish again")
            for line in lines:
                yield tuple(map(as_it_was, line))


def defused(text: str) -> str:
    """The value of a cell as it stands in the file."""
    if text.startswith(_BEGINS_TO_ACT) or visible(text) != text:
        return "'" + visible(text.replace("\\", "\\\\"))
    return text


def as_it_was(cell: str) -> str:
    """The value that such a cell stands for."""
    if not cell.startswith("'"):
        return cell
    return _ESCAPES.sub(lambda match: match[0].encode().decode("unicode_escape"), cell[1:])
