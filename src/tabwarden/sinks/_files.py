"""Folders of files that change all at once, one a source, and tables as files in them. Not a sink.

    FOLDER/SOURCE                      a link to the mirror as it is
    FOLDER/.mirrors/SOURCE/1/...       its files
    FOLDER/.mirrors/SOURCE/lock        held by whoever writes

The next mirror is made beside it and the link turned in one step. What the link led to before is removed, so that
nothing that is gone stays readable; a reader whose folder vanishes follows the link again.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tabwarden.mirror.tables import COLUMNS, ORDER, Delta, Row, Tables
from tabwarden.model.errors import SinkError

_MIRRORS, _LOCK = ".mirrors", "lock"
_TRIES = 5

Decode = Callable[[Path, str], Iterable[Row]]
Encode = Callable[[Path, str, list[Row]], None]


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


def _remove_others(behind: Path, kept: Path | None) -> None:
    """Away with what a run before left unfinished, and with what the link leads to no more."""
    for path in behind.iterdir():
        if path.name.isdecimal() and (kept is None or path.name != kept.name):
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


# -- tables as files ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Form:
    """How tables look as files: what their names end in, and how they are written and read."""

    ending: str
    encode: Encode
    decode: Decode


@dataclass(frozen=True, slots=True)
class TableFiles:
    """The tables of a source as files of one form: a `sinks.Place`, for whoever is `alone`."""

    folder: str
    source: str
    form: Form

    def held(self) -> Tables:
        """What lies there."""
        home = Path(self.folder, self.source)
        for _ in range(_TRIES):
            found = Path(os.path.realpath(home))
            try:
                return tables_in(found, self.form)
            except FileNotFoundError:
                if found == Path(os.path.realpath(home)):
                    raise
        raise SinkError(f"`{home}` changes all the time; try again")

    def write(self, tables: Tables, deltas: Mapping[str, Delta]) -> None:
        """Make it these tables; files that stay the same are not written again."""
        before = Path(os.path.realpath(Path(self.folder, self.source)))
        with replaced(self.folder, self.source) as fresh:
            for table in tables:
                name = f"{table}.{self.form.ending}"
                if table in deltas or not (before / name).exists():
                    self.form.encode(new(fresh / name), table, sorted(tables[table]))
                else:
                    _same(before / name, fresh / name)


@contextmanager
def opened(files: TableFiles) -> Iterator[TableFiles]:
    """The files, while nobody else changes them."""
    with alone(files.folder, files.source):
        yield files


def _same(old: Path, fresh: Path) -> None:
    try:
        fresh.hardlink_to(old)
    except OSError:  # not every file system has such links
        shutil.copy2(old, fresh)


def tables_in(folder: Path, form: Form) -> Tables:
    """The tables whose files are in a folder."""
    found: dict[str, frozenset[Row]] = {}
    for table in ORDER:
        path = folder / f"{table}.{form.ending}"
        if path.exists():
            try:
                found[table] = frozenset(form.decode(path, table))
            except (SinkError, FileNotFoundError):
                raise
            except Exception as error:
                raise SinkError(
                    f"`{path}` cannot be read ({told(error)}); if it is damaged, remove it and publish again"
                ) from None
            if any(len(row) != len(COLUMNS[table]) for row in found[table]):
                raise SinkError(f"`{path}` has other columns than a mirror has; remove it and publish again")
    return found


def new(path: Path) -> Path:
    """The path, where now lies an empty file that only its owner may read."""
    path.touch(mode=0o600)
    return path
