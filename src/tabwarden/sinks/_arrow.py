"""Tables of a mirror as Arrow tables, for the sinks that take columns."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np

from tabwarden.mirror.tables import COLUMNS, Table


def arrow_of(name: str, table: Table) -> Any:
    """The `pyarrow.Table` of a mirror's table: dictionaries of text. ImportError without the extra `files`."""
    arrow = importlib.import_module("pyarrow")
    columns = []
    for codes, words in zip(table.codes, table.words, strict=True):
        offsets = arrow.py_buffer(np.concatenate(([0], words.ends)).astype(np.int64))
        texts = arrow.LargeStringArray.from_buffers(len(words), offsets, arrow.py_buffer(words.data))
        columns.append(arrow.DictionaryArray.from_arrays(arrow.array(codes.astype(np.int32)), texts))
    return arrow.table(columns, names=list(COLUMNS[name]))
