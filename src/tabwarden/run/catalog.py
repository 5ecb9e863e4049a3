"""The last mirror, kept in the store: where it lies, and what a catalog person sees of it. It publishes nothing.

And what counts for a source just now: the settings file, and what the catalog's administrator set on the pages since.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from weakref import WeakKeyDictionary
from zipfile import BadZipFile

import numpy as np

from tabwarden.engine.columns import Array, Columns
from tabwarden.mirror.browse import Catalog, browse
from tabwarden.mirror.match import Match, Matching, Unmatched, match
from tabwarden.mirror.rows import YES
from tabwarden.mirror.tables import Delta, Tables
from tabwarden.model.errors import UnknownName
from tabwarden.model.names import same
from tabwarden.run.history import store_of
from tabwarden.settings import Settings
from tabwarden.settings.mirror import Catalog as CatalogSection
from tabwarden.settings.mirror import Mirror
from tabwarden.sinks._files import FilesSink
from tabwarden.sinks._folders import new
from tabwarden.sinks._kept import BESIDE, Before, Lying, kept
from tabwarden.store.database import Database
from tabwarden.store.web.sources import SourceChange, source_change
from tabwarden.store.web.state import WEB
from tabwarden.tableau.http.address import address_of
from tabwarden.want.roster import named_only

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
    """A person's catalog, and of when the mirror is; `remark` tells of what was set on the pages."""

    catalog: Catalog
    taken: str
    enforced: bool
    remark: str = ""


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
    return Browsed(browse(tables, person), about[4], about[8] == YES, in_force(settings)[1])


# -- what counts for a source -------------------------------------------------------------------------------------


def with_change(mirror: Mirror, change: SourceChange | None) -> Mirror:
    """The settings of a mirror as they count after what was set on the pages."""
    if change is None:
        return mirror
    return mirror.model_copy(update={"enforce": change.enforce, "projects": change.projects})


def in_force(settings: Settings) -> tuple[Settings, str]:
    """The settings as they count for their site, and a sentence on what was set on the pages; empty: nothing was."""
    try:
        database = Database(store_of(settings), create=False, tables=WEB)
    except UnknownName:
        return settings, ""  # no pages were ever served
    try:
        change = source_change(database, address_of(settings.tableau.server), settings.tableau.site)
    finally:
        database.close()
    if change is None:
        return settings, ""
    return settings.model_copy(update={"mirror": with_change(settings.mirror, change)}), told(change)


def told(change: SourceChange) -> str:
    """What was set on the pages, by whom and when."""
    count = len(change.projects)
    chosen = f"{count} project{'s' * (count != 1)}" if count else "all projects"
    return (
        f"`mirror.enforce` and `mirror.projects` are those that {change.by} set on the pages at {change.at}: "
        f"{'on' if change.enforce else 'OFF'}, {chosen}; the settings file counts again once they are given up there"
    )


# -- who somebody is ----------------------------------------------------------------------------------------------

_MOST_KNOWN = 20_000  # names whose match is kept in memory
_NOT_LISTED = "the catalog's list of people, as it was last mirrored, does not have this name"


class CatalogPeople:
    """Who is who in the catalog: by the last mirror where `catalog.people` lists them, else by their names.

    The last mirror is looked at again when another one was published.
    """

    def __init__(self, settings: Settings | None) -> None:
        """By the settings of its site; None: names alone tell."""
        self._settings = settings
        self._last: tuple[str, Mapping[str, str]] = ("", {})
        self._known: WeakKeyDictionary[Columns, dict[str, Match | Unmatched]] = WeakKeyDictionary()

    def who(self, name: str, columns: Columns) -> Match | Unmatched:
        """The Tableau user that somebody of this name is, or why he is none."""
        by_name = self._by_name(name, columns)
        if self._settings is None or self._settings.catalog.people is None:
            return by_name
        user = self._listed(self._settings).get(same(name), "")
        if user in columns.user_numbers:
            return Match(name, user, by_name.how if isinstance(by_name, Match) else "mirror")
        return by_name if isinstance(by_name, Unmatched) else Unmatched(name, _NOT_LISTED)

    def _by_name(self, name: str, columns: Columns) -> Match | Unmatched:
        known = self._known.setdefault(columns, {})
        if name not in known:
            catalog = self._settings.catalog if self._settings else CatalogSection()
            exceptions = tuple((exception.person, exception.user) for exception in catalog.exceptions)
            matches = match([named_only(name)], columns, Matching(catalog.domains, exceptions))
            if len(known) >= _MOST_KNOWN:
                known.clear()
            known[name] = matches.matched[0] if matches.matched else matches.unmatched[0]
        return known[name]

    def _listed(self, settings: Settings) -> Mapping[str, str]:
        """Ids of users by the names of the people whom the last mirror serves."""
        source = source_name(settings)
        folder = os.path.realpath(Path(last_mirror(settings).folder, source))
        if folder != self._last[0]:
            rows = last_mirror(settings).held(source).get("people", ())
            self._last = folder, {same(row[1]): row[2] for row in rows}
        return self._last[1]
