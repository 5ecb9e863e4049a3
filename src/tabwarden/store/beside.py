"""The columns that are kept beside a history: a file a snapshot, made of it and never the truth.

What is missing, torn, of another release or of another snapshot is as if it were not there: it is made anew, and where
that cannot be, questions take longer. A file appears whole or not at all.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tabwarden.model.site import Site, Taken
from tabwarden.model.site_settings import SiteSettings
from tabwarden.store.arrays import Arrays
from tabwarden.store.opened import site_over
from tabwarden.store.snapshots import Snapshot

if TYPE_CHECKING:
    from tabwarden.engine.columns import Columns

FOLDER, ENDING, FORMAT = "columns", ".columns", 1
MOST = 8  # files; those of the oldest snapshots go first


def opened(store: Path | str, snapshot: Snapshot) -> Site | None:
    """The Site of a snapshot over the columns kept beside the history; None where there are none that fit."""
    try:
        arrays = Arrays(_path(store, snapshot))
        about = arrays.about
        if (about["format"], about["mark"]) != (FORMAT, snapshot.mark):
            return None
        return site_over(arrays, _site(about), lambda: _columns(arrays))
    except (OSError, ValueError, KeyError, TypeError):
        return None


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
        write_arrays(aside, _about(site, columns, snapshot.mark), arrays_of(columns))
        os.replace(aside, path)
        _thin(path.parent)
    except (OSError, ValueError):  # no room, no right; more capabilities than columns have room for
        with suppress(OSError):
            aside.unlink(missing_ok=True)
        return False
    return True


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


def _about(site: Site, columns: Columns, mark: str) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "mark": mark,
        "site": {"id": site.id, "name": site.name, "content_url": site.content_url},
        "settings": asdict(site.settings),
        "licences": None if site.licences is None else dict(site.licences),
        "nicknames": None if site.nicknames is None else dict(site.nicknames),
        "taken": asdict(site.taken),
        "partial": list(site.partial),
        "vocabulary": columns.vocabulary._asdict(),
    }


def _site(about: dict[str, Any]) -> Site:
    return Site(
        **about["site"],
        settings=SiteSettings(**about["settings"]),
        licences=about["licences"],
        nicknames=about["nicknames"],
        taken=Taken(**about["taken"]),
        partial=tuple(about["partial"]),
    )


def _columns(arrays: Arrays) -> Columns:
    from tabwarden.store.columns import columns_over

    return columns_over(arrays.about["vocabulary"], _site(arrays.about), arrays.numpy)
