"""What all sinks of files share: folders that change all at once, one a source, and tables as files in them.

    FOLDER/SOURCE                              a link to the mirror as it is
    FOLDER/.mirrors/SOURCE/1/...               its files
    FOLDER/.mirrors/SOURCE/1/.tabwarden.npz    its tables as columns: what differs the next time is told by these
    FOLDER/.mirrors/SOURCE/lock                held by whoever writes

The next mirror is made beside it and the link turned in one step. What the link led to before is removed, so that
nothing that is gone stays readable; a reader whose folder vanishes follows the link again.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any, ClassVar
from zipfile import BadZipFile

import numpy as np

from tabwarden.engine.columns import Words
from tabwarden.mirror.tables import ORDER, Delta, Row, Table, Tables, difference
from tabwarden.model.errors import SinkError

_MIRRORS, _LOCK, _BESIDE = ".mirrors", "lock", ".tabwarden.npz"
_TRIES = 5
_BLOCK = 1 << 16  # rows a write


# -- a folder that changes all at once ------------------------------------------------------------------------


@contextmanager
def alone(folder: str, source: str) -> Iterator[None]:
    """While it lasts nobody else changes the folder of that source; SinkError where somebody does already.

    What a run that was killed left is removed first, so that no row of it stays behind.
    """
    from filelock import lock_descriptor

    behind = Path(folder, _MIRRORS, source)
    try:
        behind.mkdir(mode=0o700, parents=True, exist_ok=True)
        with new(behind / _LOCK).open("a") as file:
            if not lock_descriptor(file.fileno(), blocking=False):
                raise SinkError(f"somebody else is publishing to `{Path(folder, source)}`; wait until that is over")
            _remove_others(behind, _present(Path(folder, source)))
            yield
    except OSError as error:
        raise _cannot_be_written(Path(folder, source), error) from None


@contextmanager
def replaced(folder: str, source: str) -> Iterator[Path]:
    """An empty folder to write the next files into; it takes the place of the present one when all went well.

    For whoever is `alone`. SinkError where the disk does not take it; then the present one is as it was.
    """
    home, behind = Path(folder, source), Path(folder, _MIRRORS, source)
    present = _present(home)
    fresh = behind / str(int(present.name) + 1 if present is not None else 1)
    try:
        fresh.mkdir(mode=0o700)
        yield fresh
        for path in fresh.rglob("*"):
            path.chmod(0o700 if path.is_dir() else 0o600)  # some writers put a file of their own in its place
            _to_disk(path)
        _to_disk(fresh)
        _turn(home, behind, fresh)
    except SinkError:
        _remove_others(behind, present)
        raise
    except Exception as error:
        _remove_others(behind, present)
        raise _cannot_be_written(home, error) from None
    _remove_others(behind, fresh)


def _present(home: Path) -> Path | None:
    """What the link leads to; None where there is none yet. SinkError for a folder that no mirror made."""
    if home.is_symlink():
        return Path(os.path.realpath(home))
    if home.exists():
        raise SinkError(f"`{home}` is there already and no mirror of Tabwarden; move it away, or set another `folder`")
    return None


def _turn(home: Path, behind: Path, fresh: Path) -> None:
    """Let the link lead to the new folder, in one step."""
    aside = behind / "link"
    aside.unlink(missing_ok=True)
    aside.symlink_to(os.path.relpath(fresh, home.parent), target_is_directory=True)
    if sys.platform == "win32":
        home.unlink(missing_ok=True)  # Windows replaces no link to a folder; a reader looks again
    aside.replace(home)
    _to_disk(home.parent)


def _remove_others(behind: Path, keep: Path | None) -> None:
    """Away with what a run before left unfinished, and with what the link leads to no more."""
    for path in behind.iterdir():
        if path.name.isdecimal() and (keep is None or path.name != keep.name):
            shutil.rmtree(path, ignore_errors=True)


def _to_disk(path: Path) -> None:
    if sys.platform == "win32" and path.is_dir():
        return  # Windows opens no folder and keeps its names by itself
    number = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def _cannot_be_written(home: Path, error: Exception) -> SinkError:
    return SinkError(f"`{home}` cannot be written ({told(error)}); the mirror there is as it was, publish again later")


def told(error: Exception) -> str:
    """What the system says of a file, on one line."""
    return " ".join(str(getattr(error, "strerror", None) or error).split()) or type(error).__name__


# -- the tables of the last mirror, beside its files ------------------------------------------------------------


def keep(folder: Path, tables: Tables) -> None:
    """Put the tables beside the files made of them, with what tells whether a file is still as it was."""
    arrays: dict[str, Any] = {}
    numbers: dict[int, int] = {}
    places: dict[str, list[int]] = {}
    for name, table in tables.items():
        for column, (codes, words) in enumerate(zip(table.codes, table.words, strict=True)):
            number = numbers.setdefault(id(words), len(numbers))
            arrays |= {f"{name}.{column}": codes, f"{number}.data": words.data, f"{number}.ends": words.ends}
            places.setdefault(name, []).append(number)
    about = json.dumps({"words": places, "stamps": _stamps(folder)}).encode()
    with new(folder / _BESIDE).open("wb") as file:
        np.savez(file, about=np.frombuffer(about, np.uint8), **arrays)


def kept(folder: Path, *, unchanged: bool) -> Tables | None:
    """Those tables; None where there are none, or with `unchanged` a file is not as it was when it was written."""
    try:
        with np.load(folder / _BESIDE, allow_pickle=False) as arrays:
            about = json.loads(arrays["about"].tobytes())
            if unchanged and about["stamps"] != _stamps(folder):
                return None
            different = sorted({number for numbers in about["words"].values() for number in numbers})
            words = {number: Words(arrays[f"{number}.data"], arrays[f"{number}.ends"]) for number in different}
            return {
                name: Table(
                    tuple(arrays[f"{name}.{column}"] for column in range(len(numbers))),
                    tuple(words[number] for number in numbers),
                )
                for name, numbers in about["words"].items()
            }
    except (OSError, ValueError, KeyError, TypeError, AttributeError, BadZipFile):
        return None


def _stamps(folder: Path) -> dict[str, list[int]]:
    """Size and time of every file that anybody reads."""
    stats = {path.name: path.stat() for path in folder.iterdir() if path.name != _BESIDE}
    return {name: [stat.st_size, stat.st_mtime_ns] for name, stat in sorted(stats.items())}


# -- sinks of files ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class FilesSink:
    """Where a mirror goes as files: `folder` holds a folder for each source."""

    TYPE: ClassVar[str]
    folder: str

    def held(self, source: str) -> Tables:
        """What lies there of a source; whoever is writing is not waited for."""
        home = Path(self.folder, source)
        for _ in range(_TRIES):
            folder = Path(os.path.realpath(home))
            try:
                tables = self.tables_in(folder)
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
        with alone(self.folder, source):
            yield FilesPlace(self, source)

    def tables_in(self, folder: Path) -> Tables:
        """The tables that are published by the files of a folder."""
        raise NotImplementedError

    def fill(self, fresh: Path, before: Path, source: str, tables: Tables, deltas: Mapping[str, Delta]) -> None:
        """Write the files of these tables to the folder `fresh`; those of the last mirror lie in `before`."""
        raise NotImplementedError


class FilesPlace:
    """The files of one source, for whoever is `alone` there: a `sinks.Place`."""

    def __init__(self, sink: FilesSink, source: str) -> None:
        self.sink, self.source = sink, source

    @cached_property
    def _before(self) -> Tables:
        return self.sink.held(self.source)

    def sources(self) -> Iterable[Row]:
        """The rows of `sources` that lie there."""
        return self._before.get("sources", ())

    def deltas(self, tables: Tables) -> Mapping[str, Delta]:
        """How these tables differ from what lies there."""
        return difference(self._before, tables)

    def write(self, tables: Tables, deltas: Mapping[str, Delta]) -> None:
        """Make it these tables, all at once."""
        before = Path(os.path.realpath(Path(self.sink.folder, self.source)))
        with replaced(self.sink.folder, self.source) as fresh:
            self.sink.fill(fresh, before, self.source, tables, deltas)
            keep(fresh, tables)


class TablesSink(FilesSink):
    """A file a table, named after it; files that stay the same are not written again."""

    def encode(self, path: Path, name: str, table: Table) -> None:
        """Write a table to a file that is there and empty."""
        raise NotImplementedError

    def decode(self, path: Path, name: str) -> Iterable[Row]:
        """The rows of a file; any error is one of the file."""
        raise NotImplementedError

    def tables_in(self, folder: Path) -> Tables:
        """The tables as they were kept, where every file is as it was; else what the files say."""
        tables = kept(folder, unchanged=True)
        return self._read(folder) if tables is None else tables

    def _read(self, folder: Path) -> Tables:
        tables: dict[str, Table] = {}
        for name in ORDER:
            path = folder / f"{name}.{self.TYPE}"
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

    def fill(self, fresh: Path, before: Path, source: str, tables: Tables, deltas: Mapping[str, Delta]) -> None:  # noqa: ARG002
        """A file a table."""
        for name, table in tables.items():
            file = f"{name}.{self.TYPE}"
            if name in deltas or not (before / file).exists():
                self.encode(new(fresh / file), name, table)
            else:
                _same(before / file, fresh / file)


def write_lines(path: Path, table: Table, escaped: Callable[[str], str], heads: Sequence[str], end: str) -> None:
    """Add a line a row to a file: before each value in double quotes its head, then `end`.

    Each text is escaped once. Rows that differ in the last value alone are put together in one step.
    """
    texts = _escaped(table, escaped)
    lead = "".join(f'{head}"%s"' for head in heads[:-1]) + heads[-1]
    line = f'{lead}"%s"{end}'
    changes = np.zeros(len(table), bool)
    changes[:1] = True
    for codes in table.codes[:-1]:
        changes[1:] |= codes[1:] != codes[:-1]
    in_runs = int(changes.sum()) * 4 < len(table)
    lasts = [f'"{text}"{end}' for text in texts[-1]] if in_runs else []
    with path.open("ab") as file:
        for start in range(0, len(table), _BLOCK):
            block = [codes[start : start + _BLOCK].tolist() for codes in table.codes]
            if in_runs:
                starts = [0, *(np.flatnonzero(changes[start + 1 : start + _BLOCK]) + 1).tolist(), len(block[0])]
                lines = "".join(_runs(lead, texts[:-1], lasts, block, starts))
            else:
                values = ([of[code] for code in codes] for of, codes in zip(texts, block, strict=True))
                lines = "".join(map(line.__mod__, zip(*values, strict=True)))
            file.write(lines.encode("utf-8", "surrogatepass"))


def _escaped(table: Table, escaped: Callable[[str], str]) -> list[list[str]]:
    """The texts of every column as they stand between quotes; most need no look at each."""
    known: dict[int, list[str]] = {}
    for words in table.words:
        if id(words) not in known:
            plain = bool((words.data >= 0x20).all() and not np.isin(words.data, (0x22, 0x5C)).any())
            known[id(words)] = words.all() if plain else [escaped(text) for text in words.all()]
    return [known[id(words)] for words in table.words]


def _runs(
    lead: str, firsts: list[list[str]], lasts: list[str], block: list[list[int]], starts: list[int]
) -> Iterator[str]:
    """The lines of runs of rows that differ in the last value alone."""
    for start, stop in pairwise(starts):
        same = lead % tuple([of[codes[start]] for of, codes in zip(firsts, block, strict=False)])
        yield same
        yield same.join([lasts[code] for code in block[-1][start:stop]])


def _same(old: Path, fresh: Path) -> None:
    try:
        fresh.hardlink_to(old)
    except OSError:  # not every file system has such links
        shutil.copy2(old, fresh)


class DerivedSink(FilesSink):
    """Files in somebody else's format, made anew when anything differs.

    JSON Lines, or one JSON document for a name that ends in `.json`. Without one of the files in `NEEDED` all are made.
    """

    NEEDED: ClassVar[tuple[str, ...]]

    def made(self, source: str, tables: Tables, earlier: Callable[[str], list[Any]]) -> Mapping[str, Iterable[Any]]:
        """The objects of every file; `earlier` tells those of a file of the last mirror."""
        raise NotImplementedError

    def tables_in(self, folder: Path) -> Tables:
        """The tables the files were made of."""
        there = all((folder / name).exists() for name in self.NEEDED)
        return (kept(folder, unchanged=False) if there else None) or {}

    def fill(self, fresh: Path, before: Path, source: str, tables: Tables, deltas: Mapping[str, Delta]) -> None:  # noqa: ARG002
        """Every file anew."""
        for name, objects in self.made(source, tables, lambda name: _objects(before / name)).items():
            text = _document(objects) if name.endswith(".json") else _lines(objects)
            new(fresh / name).write_text(text, encoding="utf-8")


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


def new(path: Path) -> Path:
    """The path, where now lies an empty file that only its owner may read."""
    path.touch(mode=0o600)
    return path
