"""A mirror as files in somebody else's format, made anew when anything differs, with its tables beside it. Not a sink.

FOLDER/SOURCE/...                the files
FOLDER/SOURCE/.tabwarden/...     the tables they were made of, to tell what differs the next time
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tabwarden.mirror.tables import Delta, Tables
from tabwarden.model.errors import SinkError
from tabwarden.sinks import _files, jsonl

_BESIDE = ".tabwarden"

Files = Mapping[str, Iterable[Any]]
"""Objects by the name of their file: JSON Lines, or one JSON document for a name that ends in `.json`."""
Make = Callable[["DerivedFiles", Tables], Files]


@dataclass(frozen=True, slots=True)
class DerivedFiles:
    """The files of a source, made by `make`: a `sinks.Place`, for whoever is alone there.

    Without one of the files in `needed` all are made anew.
    """

    folder: str
    source: str
    needed: tuple[str, ...]
    make: Make

    def held(self) -> Tables:
        """The tables the files were made of."""
        home = Path(self.folder, self.source)
        if not all((home / name).exists() for name in self.needed):
            return {}
        return _files.tables_in(home / _BESIDE, jsonl.FORM)

    def write(self, tables: Tables, deltas: Mapping[str, Delta]) -> None:  # noqa: ARG002
        """Make the files of these tables."""
        files = self.make(self, tables)
        with _files.replaced(self.folder, self.source) as fresh:
            for name, objects in files.items():
                text = _document(objects) if name.endswith(".json") else _lines(objects)
                _files.new(fresh / name).write_text(text, encoding="utf-8")
            beside = fresh / _BESIDE
            beside.mkdir(mode=0o700)
            for table, rows in tables.items():
                jsonl.FORM.encode(_files.new(beside / f"{table}.{jsonl.TYPE}"), table, sorted(rows))

    def earlier(self, name: str) -> list[Any]:
        """The objects of a file as it lies there; none where there is none."""
        path = Path(self.folder, self.source, name)
        try:
            text = path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return []
        try:
            found = json.loads(text) if name.endswith(".json") else [json.loads(line) for line in text.splitlines()]
        except ValueError:
            raise SinkError(
                f"`{path}` is damaged, so what it published cannot be taken back by itself; take it back by hand, "
                "then remove the file and publish again"
            ) from None
        return list(found)


@contextmanager
def opened(files: DerivedFiles) -> Iterator[DerivedFiles]:
    """The files, while nobody else changes them."""
    with _files.alone(files.folder, files.source):
        yield files


def _line(each: Any) -> str:
    return json.dumps(each, ensure_ascii=True, sort_keys=True)


def _lines(objects: Iterable[Any]) -> str:
    return "".join(f"{_line(each)}\n" for each in objects)


def _document(objects: Iterable[Any]) -> str:
    """One document, yet an object a line: many can be looked at, and written ten times faster than with `indent`."""
    if isinstance(objects, dict):
        return f"{_line(objects)}\n"
    return "[\n" + ",\n".join(map(_line, objects)) + "\n]\n"
