"""The columns that are kept beside a history: a file a snapshot, made of it and never the truth.

What is missing, torn, of another release or of another snapshot is as if it were not there: it is made anew, and where
that cannot be, questions take longer. A file appears whole or not at all.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from tabwarden.model.site import Site
from tabwarden.store import names
from tabwarden.store.arrays import Arrays
from tabwarden.store.opened import Find, site_over
from tabwarden.store.snapshots import Snapshot, about_of, bare_site

if TYPE_CHECKING:
    from tabwarden.engine.columns import Columns

FOLDER, ENDING, FORMAT = "columns", ".columns", 3
MOST = 8  # files; those of the oldest snapshots go first


def opened(store: Path | str, snapshot: Snapshot) -> Site | None:
    """The Site of a snapshot over the columns kept beside the history; None where there are none that fit."""
    try:
        arrays = Arrays(_path(store, snapshot))
        about = arrays.about
        if (about["format"], about["mark"]) != (FORMAT, snapshot.mark):
            return None
        return site_over(arrays, bare_site(about), lambda find: _columns(arrays, find))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def site_in(path: Path, columns: Columns) -> Site:
    """The Site of some columns, over a new file that is made of them."""
    from tabwarden.store.arrays import write_arrays
    from tabwarden.store.indexes import arrays_of

    write_arrays(path, about_of(columns.about, columns.vocabulary._asdict()), arrays_of(columns))
    arrays = Arrays(path)
    return site_over(arrays, bare_site(arrays.about), lambda find: _columns(arrays, find))


def is_there(store: Path | str, snapshot: Snapshot) -> bool:
    """Whether columns of that number are kept, whole or not."""
    return _path(store, snapshot).exists()


def keep(store: Path | str, snapshot: Snapshot, site: Site) -> bool:
    """Keep the columns of a snapshot beside the history; False where they cannot be kept: nothing depends on it."""
    path = _path(store, snapshot)
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        from tabwarden.engine.convert import columns_of
        from tabwarden.store.arrays import write_arrays
        from tabwarden.store.indexes import arrays_of

        columns = columns_of(site)
        path.parent.mkdir(mode=0o700, exist_ok=True)
        write_arrays(
            aside,
            {"format": FORMAT, "mark": snapshot.mark, **about_of(site, columns.vocabulary._asdict())},
            arrays_of(columns),
        )
        os.replace(aside, path)
        _thin(path.parent)
        names.keep(store, snapshot, site)
    except (OSError, ValueError):  # no room, no right; more capabilities than columns have room for
        with suppress(OSError):
            aside.unlink(missing_ok=True)
        return False
    return True


def drop(store: Path | str, snapshot: Snapshot) -> None:
    """Let go of the columns and the names of a snapshot that is no more."""
    _path(store, snapshot).unlink(missing_ok=True)
    names.drop(store, [snapshot.number])


def _path(store: Path | str, snapshot: Snapshot) -> Path:
    return Path(store) / FOLDER / f"{snapshot.number}{ENDING}"


def _thin(folder: Path) -> None:
    """Let go of what is older than the newest few, and of what a killed process left aside."""
    numbered = sorted((int(m[1]), p) for p in folder.iterdir() if (m := re.fullmatch(r"(\d+)\.columns", p.name)))
    for _, path in numbered[:-MOST]:
        path.unlink(missing_ok=True)
    for path in folder.glob(f".*{ENDING}.*"):
        if not _runs(path.suffix.removeprefix(".")):
            path.unlink(missing_ok=True)


def _runs(process: str) -> bool:
    """Whether a process of that number may still write; where nobody can tell, it may."""
    if os.name != "posix":
        return True
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return False
    except (ValueError, OSError):
        return True
    return True


def _columns(arrays: Arrays, find: Find) -> Columns:
    from tabwarden.store.columns import columns_over

    return columns_over(arrays.about, arrays.numpy, find=find)
