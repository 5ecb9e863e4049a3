"""A mirror as Parquet, by Arrow."""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, ClassVar

from tabwarden.mirror.tables import COLUMNS, Row, Table
from tabwarden.model.errors import SinkError
from tabwarden.sinks._arrow import arrow_of
from tabwarden.sinks._files import TablesSink


class ParquetSink(TablesSink):
    """A Parquet file a table, its columns plain text."""

    TYPE: ClassVar[str] = "parquet"

    def encode(self, path: Path, name: str, table: Table) -> None:
        """Columns as they are: each text once."""
        parquet, columns = _parquet(), arrow_of(name, table)
        few = [column.name for column in columns.schema if str(column.type).startswith("dictionary")]
        parquet.write_table(columns, path, use_dictionary=few, store_schema=False)

    def decode(self, path: Path, name: str) -> Iterable[Row]:
        """The rows of the columns that a mirror has."""
        columns = _parquet().read_table(path, columns=list(COLUMNS[name]))
        return zip(*(columns[column].to_pylist() for column in COLUMNS[name]), strict=True)


def _parquet() -> Any:
    try:
        return importlib.import_module("pyarrow.parquet")
    except ImportError:
        raise SinkError("Parquet needs the module `pyarrow`; run: pip install 'tabwarden[files]'") from None
