"""A mirror as JSON Lines: one object a row."""

from __future__ import annotations

import json
from collections.abc import Iterator
from json.encoder import encode_basestring
from operator import itemgetter
from pathlib import Path
from typing import Literal

from pydantic import Field

from tabwarden.mirror.rows import COLUMNS, Row
from tabwarden.model.names import visible_in_json
from tabwarden.sinks._files import LinesSink
from tabwarden.sinks._form import Form


class JsonLinesSink(LinesSink):
    """A file of JSON Lines a table."""

    type: Literal["jsonl"] = Field(description="where the mirror goes")

    def form(self, name: str) -> Form:
        """An object a line; every value is text."""
        first, *others = COLUMNS[name]
        heads = [f'{{"{first}": ', *(f', "{column}": ' for column in others)]
        return Form(heads, "}\n", lambda text: visible_in_json(encode_basestring(text)[1:-1]))

    def decode(self, path: Path, name: str) -> Iterator[Row]:
        """The values of each object."""
        values = itemgetter(*COLUMNS[name])
        with path.open(encoding="utf-8", errors="surrogatepass", newline="\n") as file:
            for line in file:
                yield values(json.loads(line))
