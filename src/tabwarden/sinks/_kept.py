"""The tables of the last mirror, kept beside what was made of them, with what tells whether that is as it was."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple, Protocol
from zipfile import BadZipFile

import numpy as np

from tabwarden.engine.columns import Words
from tabwarden.mirror.rows import Row
from tabwarden.mirror.tables import Delta, Table, Tables, difference
from tabwarden.sinks._folders import new, replaced

BESIDE = ".tabwarden.npz"
FORM = 2  # how rows are written; files of another form are written anew, for no line of them can be copied


class Lying(NamedTuple):
    """The tables, and whether every file made of them is as it was when it was written."""

    tables: Tables
    unchanged: bool


class Before(NamedTuple):
    """The last mirror of a source in a folder: its tables, and whether its files are as they were made of them."""

    source: str
    folder: Path
    tables: Tables
    unchanged: bool


def keep(path: Path, tables: Tables, files: Iterable[Path]) -> None:
    """Write the tables to `path`, with size and time of the files made of them."""
    arrays: dict[str, Any] = {}
    numbers: dict[int, int] = {}
    places: dict[str, list[int]] = {}
    for name, table in tables.items():
        for column, (codes, words) in enumerate(zip(table.codes, table.words, strict=True)):
            number = numbers.setdefault(id(words), len(numbers))
            arrays |= {f"{name}.{column}": codes, f"{number}.data": words.data, f"{number}.ends": words.ends}
            places.setdefault(name, []).append(number)
    about = json.dumps({"words": places, "stamps": _stamps(files), "form": FORM}).encode()
    with new(path).open("wb") as file:
        np.savez(file, about=np.frombuffer(about, np.uint8), **arrays)


def kept(path: Path, files: Iterable[Path]) -> Lying | None:
    """Those tables; None where there are none."""
    try:
        with np.load(path, allow_pickle=False) as arrays:
            about = json.loads(arrays["about"].tobytes())
            different = sorted({number for numbers in about["words"].values() for number in numbers})
            words = {number: Words(arrays[f"{number}.data"], arrays[f"{number}.ends"]) for number in different}
            tables = {
                name: Table(
                    tuple(arrays[f"{name}.{column}"] for column in range(len(numbers))),
                    tuple(words[number] for number in numbers),
                )
                for name, numbers in about["words"].items()
            }
            return Lying(tables, about["stamps"] == _stamps(files) and about.get("form") == FORM)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, BadZipFile):
        return None


def _stamps(files: Iterable[Path]) -> dict[str, list[int]]:
    """Size and time of every file that anybody reads."""
    stats = {path.name: path.stat() for path in files if path.name != BESIDE}
    return {name: [stat.st_size, stat.st_mtime_ns] for name, stat in sorted(stats.items())}


class Files(Protocol):
    """What is asked of a sink of files."""

    @property
    def folder(self) -> Path:
        """Where the folders of sources are."""

    def lying_in(self, folder: Path) -> Lying:
        """The tables that are published by the files of a folder."""

    def fill(self, fresh: Path, before: Before, tables: Tables, deltas: Mapping[str, Delta]) -> Tables:
        """Write the files of these tables to the folder `fresh`; the tables with their rows as they lie there then."""


class FilesPlace:
    """The files of one source, for whoever is `alone` there: a `sinks.Place`."""

    def __init__(self, sink: Files, source: str) -> None:
        self.sink, self.source = sink, source

    @cached_property
    def _before(self) -> Before:
        folder = Path(os.path.realpath(Path(self.sink.folder, self.source)))
        return Before(self.source, folder, *self.sink.lying_in(folder))

    def sources(self) -> Iterable[Row]:
        """The rows of `sources` that lie there."""
        return self._before.tables.get("sources", ())

    def deltas(self, tables: Tables) -> Mapping[str, Delta]:
        """How these tables differ from what lies there."""
        return difference(self._before.tables, tables)

    def write(self, tables: Tables, deltas: Mapping[str, Delta]) -> None:
        """Make it these tables, all at once."""
        with replaced(self.sink.folder, self.source) as fresh:
            lying = self.sink.fill(fresh, self._before, tables, deltas)
            keep(fresh / BESIDE, lying, fresh.iterdir())
