"""Tables as files of lines, and lines that came and went in such a file, all else copied byte by byte."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from tabwarden.engine.columns import Array, Words
from tabwarden.mirror.tables import Arrangement, Table, joined, trimmed
from tabwarden.sinks._form import Form

_BLOCK = 1 << 15  # rows a write
_COPIED = 1 << 24  # bytes at a time
# Bytes that some form may write otherwise: anywhere, and as the first of a text.
_ODD, _ODD_FIRST = np.zeros(256, bool), np.zeros(256, bool)
_ODD[:0x20] = _ODD[0x7F:] = _ODD[[0x22, 0x5C]] = True
_ODD_FIRST[list(b"=+-@'")] = True


def write(path: Path, table: Table, form: Form) -> None:
    """A file of a table: the title, and a line a row."""
    with path.open("wb") as file:
        file.write(form.title.encode())
        file.writelines(_Pieces(table, form).lines(table.codes))


def write_patched(path: Path, before: Path, tables: tuple[Table, Table], after: Arrangement, form: Form) -> None:
    """What comes of the file `before`, which is of the first of two tables, when it is to be of the second.

    `after` tells which rows of the second stand elsewhere than in the first.
    """
    old, new = tables
    moved = after.places
    ends = np.append(0, np.cumsum(_sizes(old, form))) + len(form.title.encode())
    rows = trimmed(new.at(moved))
    others, cuts = b"".join(_Pieces(rows, form).lines(rows.codes)), np.append(0, np.cumsum(_sizes(rows, form))).tolist()
    with path.open("wb") as file, before.open("rb") as source:
        file.write(form.title.encode())
        place = 0
        for start, end in _runs(moved):
            _copy(source, file, int(ends[place]), int(ends[moved[start]]))
            file.write(others[cuts[start] : cuts[end]])
            place = int(moved[end - 1]) + 1
        if place < after.length:
            _copy(source, file, int(ends[place]), int(ends[after.length]))


def _sizes(table: Table, form: Form) -> Array:
    """How many bytes each line has."""
    quotes = len(table.codes) * 2
    sizes = np.full(len(table), sum(len(head.encode()) for head in form.heads) + quotes + len(form.end.encode()))
    for words, codes in zip(table.words, table.codes, strict=True):
        sizes += np.diff(_escaped(words, form.escaped).ends, prepend=0)[codes]
    return sizes


def _runs(numbers: Array) -> Iterator[tuple[int, int]]:
    """Where runs of numbers that rise by one begin and end."""
    if len(numbers):
        yield from pairwise([0, *(np.flatnonzero(np.diff(numbers) != 1) + 1).tolist(), len(numbers)])


def _copy(source: BinaryIO, file: BinaryIO, start: int, end: int) -> None:
    """Bytes of one file to another, inside of the system where it can."""
    file.flush()
    whole: Any = getattr(os, "copy_file_range", None)
    while whole is not None and start < end:
        try:
            count = whole(source.fileno(), file.fileno(), end - start, start)
        except OSError:
            break
        start += count
        if not count:
            break
    source.seek(start)
    while start < end:
        block = source.read(min(end - start, _COPIED))
        if not block:
            raise OSError(f"`{source.name}` is shorter than it was")
        file.write(block)
        start += len(block)


class _Pieces:
    """The texts of a table as they stand in a line, those of a column with its head: all in one table of texts."""

    def __init__(self, table: Table, form: Form) -> None:
        heads = [f'{head}"' for head in form.heads]
        ends = ['"'] * (len(heads) - 1) + [f'"{form.end}']
        self.starts: list[int] = []
        self.words = Words.of(())
        for words, head, end in zip(table.words, heads, ends, strict=True):
            self.starts.append(len(self.words))
            self.words = joined(self.words, _surrounded(head, _escaped(words, form.escaped), end))
        self.lengths = np.diff(self.words.ends, prepend=0).astype(np.int32)
        self.begins = (self.words.ends - self.lengths).astype(np.int64)

    def lines(self, codes: Sequence[Array]) -> Iterator[memoryview]:
        """The lines of these rows, many at a time."""
        for first in range(0, len(codes[0]), _BLOCK):
            block = [column[first : first + _BLOCK].astype(np.int64) for column in codes]
            pieces = np.stack([column + start for column, start in zip(block, self.starts, strict=True)], 1).ravel()
            lengths = self.lengths[pieces]
            ends = np.cumsum(lengths)
            at = np.arange(int(ends[-1]))
            at += np.repeat(self.begins[pieces] + lengths - ends, lengths)
            yield self.words.data.take(at, mode="clip").data


def _escaped(words: Words, escaped: Callable[[str], str]) -> Words:
    """The texts as they stand between quotes; most need no look at each."""
    data, begins = words.data, np.append(0, words.ends[:-1])
    if not len(data):
        return words
    odd = np.searchsorted(words.ends, np.flatnonzero(_ODD[data]), side="right")
    first = np.flatnonzero((words.ends > begins) & _ODD_FIRST[data[np.minimum(begins, len(data) - 1)]])
    concerned = set(odd.tolist()) | set(first.tolist())
    if not concerned:
        return words
    return Words.of([escaped(text) if place in concerned else text for place, text in enumerate(words.all())])


def _surrounded(head: str, words: Words, end: str) -> Words:
    """Each text between two others."""
    codes = np.ones((len(words), 3), np.int64)
    codes[:, 0], codes[:, 1] = 0, np.arange(len(words)) + 2
    whole = joined(Words.of((head, end)), words).at(codes.ravel())
    return Words(whole.data, whole.ends[2::3])
