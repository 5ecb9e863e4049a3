"""Tables of a mirror as Arrow tables, for the sinks that take columns."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np

from tabwarden.mirror.rows import COLUMNS, NUMBERS
from tabwarden.mirror.tables import Table

_OFTEN = 8  # as often at least stands a text of a dictionary


def arrow_of(name: str, table: Table) -> Any:
    """The `pyarrow.Table` of a mirror's table: dictionaries where texts repeat, else plain text, and numbers.

    ImportError without the extra `files`.
    """
    arrow = importlib.import_module("pyarrow")
    columns = []
    for column, codes, words in zip(COLUMNS[name], table.codes, table.words, strict=True):
        if column in NUMBERS:
            columns.append(_numbers(arrow, np.asarray(list(map(int, words.all())), np.int64)[codes]))
            continue
        offsets = arrow.py_buffer(np.concatenate(([0], words.ends)).astype(np.int64))
        texts = arrow.LargeStringArray.from_buffers(len(words), offsets, arrow.py_buffer(words.data))
        places = _numbers(arrow, codes.astype(np.int32))
        few = len(words) * _OFTEN < len(table) or len(words) < _OFTEN
        columns.append(arrow.DictionaryArray.from_arrays(places, texts) if few else texts.take(places))
    return arrow.Table.from_arrays(columns, names=list(COLUMNS[name]))


def _numbers(arrow: Any, numbers: np.ndarray[Any, Any]) -> Any:
    """An Arrow array of the same memory; `pyarrow.array` would load pandas, where that is installed, to ask of it."""
    kind = arrow.from_numpy_dtype(numbers.dtype)
    return arrow.Array.from_buffers(kind, len(numbers), [None, arrow.py_buffer(np.ascontiguousarray(numbers))])
