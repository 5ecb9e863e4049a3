"""The mirror as one catalog person sees it, as a tree; what is hidden is never counted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from tabwarden.mirror.rows import YES, Row
from tabwarden.mirror.tables import Tables, rows_for

_ORDER = ("site", "project", "workbook", "view", "datasource")


class CatalogEntry(NamedTuple):
    """Something a person sees: `depth` counts from the site, 0; `path` is made of names the person sees."""

    source: str
    id: str
    kind: str
    name: str
    parent: str
    depth: int
    path: str


@dataclass(frozen=True, slots=True)
class Catalog:
    """What one person sees, parents before children; `open_sources` are those whose mirroring is switched off."""

    person: str
    entries: tuple[CatalogEntry, ...]
    open_sources: tuple[str, ...] = ()

    def find(self, content: str) -> CatalogEntry | None:
        """The entry of that id or path, letter case aside; None as well for what is hidden."""
        wanted = content.casefold()
        return next((e for e in self.entries if content == e.id or wanted == e.path.casefold()), None)


def browse(tables: Tables, person: str) -> Catalog:
    """What that person sees of the tables of a mirror; nothing for somebody it does not know."""
    return catalog_of(rows_for(tables, person), person, [row[0] for row in tables.get("sources", ()) if row[8] != YES])


def catalog_of(rows: Iterable[Row], person: str, off: Iterable[str] = ()) -> Catalog:
    """The catalog of a person by her rows of `access`; `off` are the sources whose mirroring is switched off."""
    by_parent: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in rows:
        by_parent[row[0], row[5]].append(row)
    off = sorted(off)
    sources = sorted({source for source, _ in by_parent})
    entries = tuple(entry for source in sources for entry in _below(by_parent, source, "", 0, ""))
    return Catalog(person, entries, tuple(source for source in off if source in sources))


def _below(
    by_parent: dict[tuple[str, str], list[Row]], source: str, parent: str, depth: int, path: str
) -> Iterator[CatalogEntry]:
    rows = by_parent.get((source, parent), [])
    for row in sorted(rows, key=lambda r: (_ORDER.index(r[3]), r[4].casefold(), r[2])):
        below = "/".join(filter(None, (path, row[4]))) if row[3] != "site" else ""
        yield CatalogEntry(source, row[2], row[3], row[4], row[5], depth, below)
        yield from _below(by_parent, source, row[2], depth + 1, below)
