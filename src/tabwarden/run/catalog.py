"""The last mirror, kept in the store: where it lies, and what a catalog person sees of it. It publishes nothing."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from zipfile import BadZipFile

import numpy as np

from tabwarden.engine.columns import Array
from tabwarden.mirror.browse import Catalog, browse
from tabwarden.mirror.rows import YES
from tabwarden.mirror.tables import Delta, Tables
from tabwarden.model.errors import UnknownName
from tabwarden.settings import Settings
from tabwarden.sinks._files import FilesSink
from tabwarden.sinks._folders import new
from tabwarden.sinks._kept import BESIDE, Before, Lying, kept

KEPT = "mirror"
"""The folder of the store that holds it."""
_ORIGIN = "origin.npz"


class LastMirror(FilesSink):
    """The last mirror as columns, with what it was `made` of, so that the next one can be made out of it."""

    type: Literal["kept"] = "kept"
    origin: Mapping[str, Any] = {}
    apart: Any = None

    def lying_in(self, folder: Path) -> Lying:
        """The tables, none where they are not as they were written."""
        tables = kept(folder / BESIDE, folder.glob("*"))
        return tables if tables is not None and tables.unchanged else Lying({}, unchanged=False)

    def fill(self, fresh: Path, before: Before, tables: Tables, deltas: Mapping[str, Delta]) -> Tables:
        """What it was made of."""
        del before, deltas
        origin = np.frombuffer(json.dumps(self.origin).encode(), np.uint8)
        with new(fresh / _ORIGIN).open("wb") as file:
            np.savez(file, origin=origin, apart=np.zeros(0, bool) if self.apart is None else self.apart)
        return tables

    def start(self, source: str, request: str) -> tuple[Mapping[str, Any], Tables, Array] | None:
        """What lies there as the start of one by the same request: of what it is, its tables, which rows are apart."""
        folder = Path(os.path.realpath(Path(self.folder, source)))
        try:
            with np.load(folder / _ORIGIN, allow_pickle=False) as arrays:
                origin, apart = json.loads(arrays["origin"].tobytes()), arrays["apart"]
        except (OSError, ValueError, KeyError, BadZipFile):
            return None
        tables = self.lying_in(folder).tables if origin.get("request") == request else {}
        return (origin, tables, apart) if len(tables.get("content", ())) == len(apart) > 0 else None


def last_mirror(settings: Settings, origin: Mapping[str, Any] | None = None, apart: Array | None = None) -> LastMirror:
    """Where the last mirror is kept, or the one to keep."""
    return LastMirror(folder=settings.store.folder / KEPT, origin={} if apart is None else origin or {}, apart=apart)


def source_name(settings: Settings) -> str:
    """What the site is called in the sinks."""
    return settings.mirror.source or settings.tableau.site or "default"


@dataclass(frozen=True, slots=True)
class Browsed:
    """A person's catalog, and of when the mirror is."""

    catalog: Catalog
    taken: str
    enforced: bool


def kept_tables(settings: Settings) -> Tables:
    """The last mirror; UnknownName where there is none."""
    tables = last_mirror(settings).held(source_name(settings))
    if not len(tables.get("sources", ())):
        raise UnknownName(
            f"no mirror of source `{source_name(settings)}` was published yet; publish one with `tabwarden mirror`"
        )
    return tables


def browse_as(settings: Settings, person: str) -> Browsed:
    """What a catalog person sees of the last mirror; nothing for somebody it does not know."""
    tables = kept_tables(settings)
    (about,) = tables["sources"]
    return Browsed(browse(tables, person), about[4], about[8] == YES)
