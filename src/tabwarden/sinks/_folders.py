"""Folders that change all at once, one a source.

    FOLDER/SOURCE                              a link to the mirror as it is
    FOLDER/.mirrors/SOURCE/1/...               its files
    FOLDER/.mirrors/SOURCE/1/.tabwarden.npz    its tables as columns: what differs the next time is told by these
    FOLDER/.mirrors/SOURCE/lock                held by whoever writes

The next mirror is made beside it and the link turned in one step. What the link led to before is removed, so that
nothing that is gone stays readable; a reader whose folder vanishes follows the link again.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tabwarden.model.errors import SinkError

_MIRRORS, _LOCK = ".mirrors", "lock"


@contextmanager
def alone(folder: Path, source: str) -> Iterator[None]:
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
            _remove_others(behind, present_of(Path(folder, source)))
            yield
    except OSError as error:
        raise _cannot_be_written(Path(folder, source), error) from None


@contextmanager
def replaced(folder: Path, source: str) -> Iterator[Path]:
    """An empty folder to write the next files into; it takes the place of the present one when all went well.

    For whoever is `alone`. SinkError where the disk does not take it; then the present one is as it was.
    """
    home, behind = Path(folder, source), Path(folder, _MIRRORS, source)
    present = present_of(home)
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


def present_of(home: Path) -> Path | None:
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


def new(path: Path) -> Path:
    """The path, where now lies an empty file that only its owner may read."""
    path.touch(mode=0o600)
    return path
