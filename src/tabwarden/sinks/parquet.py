"""A mirror as Parquet, by Arrow."""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from tabwarden.extras import install
from tabwarden.mirror.rows import COLUMNS, Row
from tabwarden.model.errors import SinkError
from tabwarden.sinks._files import TablesSink

if TYPE_CHECKING:
    from tabwarden.mirror.tables import Table


class ParquetSink(TablesSink):
    """A Parquet file a table, its columns plain text and whole numbers."""

    type: Literal["parquet"] = Field(description="where the mirror goes")

    def encode(self, path: Path, name: str, table: Table) -> None:
        """Columns as they are: each text once."""
        from tabwarden.sinks._arrow import arrow_of

        parquet, columns = _parquet(), arrow_of(name, table)
        few = [column.name for column in columns.schema if str(column.type).startswith(("dictionary", "int"))]
        one = max(len(table), 1)  # a dictionary is written once a group of rows
        parquet.write_table(
            columns, path, use_dictionary=few, store_schema=False, write_statistics=False, row_group_size=one
        )

    def decode(self, path: Path, name: str) -> Iterable[Row]:
        """The rows of the columns that a mirror has."""
        columns = _parquet().read_table(path, columns=list(COLUMNS[name]))
        return zip(*(map(str, columns[column].to_pylist()) for column in COLUMNS[name]), strict=True)


def _parquet() -> Any:
    try:
        return importlib.import_module("pyarrow.parquet")
    except ImportError:
        raise SinkError(f"Parquet needs the module `pyarrow`; {install('[files]')}") from None
