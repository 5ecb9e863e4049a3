"""What all sinks of files share: the files of a source in a folder of their own, and tables as files in it."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from tabwarden.mirror.rows import ORDER, Row
from tabwarden.model.errors import SinkError
from tabwarden.section import LocalPath
from tabwarden.sinks import Sink
from tabwarden.sinks._folders import alone, new, told
from tabwarden.sinks._form import Form

if TYPE_CHECKING:
    from tabwarden.mirror.tables import Delta, Table, Tables
    from tabwarden.sinks._kept import Before, FilesPlace, Lying

_TRIES = 5


class FilesSink(Sink):
    """Where a mirror goes as files."""

    folder: LocalPath = Field(description="folder that holds a folder for each source")

    def held(self, source: str) -> Tables:
        """What lies there of a source; whoever is writing is not waited for."""
        home = Path(self.folder, source)
        for _ in range(_TRIES):
            folder = Path(os.path.realpath(home))
            try:
                tables = self.lying_in(folder).tables
            except FileNotFoundError:
                if folder == Path(os.path.realpath(home)):
                    raise
                continue
            if folder == Path(os.path.realpath(home)):
                return tables
        raise SinkError(f"`{home}` changes all the time; try again")

    @contextmanager
    def opened(self, source: str) -> Iterator[FilesPlace]:
        """The mirror of a source to be written, while nobody else changes it."""
        from tabwarden.sinks._kept import FilesPlace

        with alone(self.folder, source):
            yield FilesPlace(self, source)

    def lying_in(self, folder: Path) -> Lying:
        """The tables that are published by the files of a folder."""
        raise NotImplementedError

    def fill(self, fresh: Path, before: Before, tables: Tables, deltas: Mapping[str, Delta]) -> Tables:
        """Write the files of these tables to the folder `fresh`; the tables with their rows as they lie there then."""
        raise NotImplementedError


class TablesSink(FilesSink):
    """A file a table, named after it; files that stay the same are not written again."""

    def encode(self, path: Path, name: str, table: Table) -> None:
        """Write a table to a file that is there and empty."""
        raise NotImplementedError

    def patch(self, path: Path, before: Path, name: str, tables: tuple[Table, Table], delta: Delta) -> None:
        """Write to an empty file the second of two tables, which came of the first, in `before`, by a difference."""
        del before, delta
        self.encode(path, name, tables[1])

    def decode(self, path: Path, name: str) -> Iterable[Row]:
        """The rows of a file; any error is one of the file."""
        raise NotImplementedError

    def lying_in(self, folder: Path) -> Lying:
        """The tables as they were kept, where every file is as it was; else what the files say."""
        from tabwarden.sinks._kept import BESIDE, Lying, kept

        tables = kept(folder / BESIDE, folder.glob("*"))
        return tables if tables is not None and tables.unchanged else Lying(self._read(folder), unchanged=False)

    def _read(self, folder: Path) -> Tables:
        from tabwarden.mirror.tables import Table

        tables: dict[str, Table] = {}
        for name in ORDER:
            path = folder / f"{name}.{self.type}"
            if path.exists():
                try:
                    tables[name] = Table.of(name, self.decode(path, name))
                except (SinkError, FileNotFoundError):
                    raise
                except Exception as error:
                    raise SinkError(
                        f"`{path}` cannot be read ({told(error)}); if it is damaged, remove it and publish again"
                    ) from None
        return tables

    def fill(self, fresh: Path, before: Before, tables: Tables, deltas: Mapping[str, Delta]) -> Tables:
        """A file a table: what differs is worked into the file of before where that is as it was written."""
        from tabwarden.mirror.tables import patched

        lying = dict(tables)
        for name, table in tables.items():
            file, delta, old = f"{name}.{self.type}", deltas.get(name), before.tables.get(name)
            if old is None or not (before.folder / file).exists():
                self.encode(new(fresh / file), name, table)
            elif delta is None:
                _same(before.folder / file, fresh / file)
                lying[name] = old
            elif before.unchanged and 2 * len(delta.add) < len(table):
                lying[name] = patched(old, delta)
                self.patch(new(fresh / file), before.folder / file, name, (old, lying[name]), delta)
            else:
                self.encode(new(fresh / file), name, table)
        return lying


def _same(old: Path, fresh: Path) -> None:
    try:
        fresh.hardlink_to(old)
    except OSError:  # not every file system has such links
        shutil.copy2(old, fresh)


class LinesSink(TablesSink):
    """A file of lines a table; those that stay the same are copied."""

    def form(self, name: str) -> Form:
        """How the lines of that table are written."""
        raise NotImplementedError

    def encode(self, path: Path, name: str, table: Table) -> None:
        """The title, and a line a row."""
        from tabwarden.sinks._lines import write

        write(path, table, self.form(name))

    def patch(self, path: Path, before: Path, name: str, tables: tuple[Table, Table], delta: Delta) -> None:
        """What stands between lines that went or came is copied byte by byte."""
        from tabwarden.mirror.tables import arrangement
        from tabwarden.sinks._lines import write_patched

        write_patched(path, before, tables, arrangement(len(tables[0]), delta), self.form(name))


class DerivedSink(FilesSink):
    """Files in somebody else's format, made anew when anything differs.

    JSON Lines, or one JSON document for a name that ends in `.json`. Without one of the files in `NEEDED` all are made.
    """

    NEEDED: ClassVar[tuple[str, ...]]

    def made(self, source: str, tables: Tables, earlier: Callable[[str], list[Any]]) -> Mapping[str, Iterable[Any]]:
        """The objects of every file; `earlier` tells those of a file of the last mirror."""
        raise NotImplementedError

    def lying_in(self, folder: Path) -> Lying:
        """The tables the files were made of."""
        from tabwarden.sinks._kept import BESIDE, Lying, kept

        there = all((folder / name).exists() for name in self.NEEDED)
        return (kept(folder / BESIDE, folder.glob("*")) if there else None) or Lying({}, unchanged=False)

    def fill(self, fresh: Path, before: Before, tables: Tables, deltas: Mapping[str, Delta]) -> Tables:
        """Every file anew."""
        del deltas
        for name, objects in self.made(before.source, tables, lambda name: _objects(before.folder / name)).items():
            text = _document(objects) if name.endswith(".json") else _lines(objects)
            new(fresh / name).write_text(text, encoding="utf-8")
        return tables


def _objects(path: Path) -> list[Any]:
    """The objects of a file; none where there is none."""
    try:
        text = path.read_text(encoding="utf-8")
        return list(json.loads(text) if path.suffix == ".json" else map(json.loads, text.splitlines()))
    except FileNotFoundError:
        return []
    except ValueError:
        raise SinkError(
            f"`{path}` is damaged, so what it published cannot be taken back by itself; take it back by hand, "
            "then remove the file and publish again"
        ) from None


def _line(value: Any) -> str:
    return json.dumps(value, ensure_ascii=True, sort_keys=True)


def _lines(objects: Iterable[Any]) -> str:
    return "".join(f"{_line(value)}\n" for value in objects)


def _document(objects: Iterable[Any]) -> str:
    """One document, yet an object a line: many can be looked at, and written ten times faster than with `indent`."""
    if isinstance(objects, dict):
        return f"{_line(objects)}\n"
    return "[\n" + ",\n".join(map(_line, objects)) + "\n]\n"
