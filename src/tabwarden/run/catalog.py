"""The last mirror, kept in the store: where it lies, and what a catalog person sees of it. It publishes nothing."""

from __future__ import annotations

from dataclasses import dataclass

from tabwarden.mirror.browse import Catalog, browse
from tabwarden.mirror.tables import YES, Tables
from tabwarden.model.errors import UnknownName
from tabwarden.settings import Settings
from tabwarden.sinks.jsonl import JsonLinesSink

KEPT = "mirror"
"""The folder of the store that holds it."""


def last_mirror(settings: Settings) -> JsonLinesSink:
    """Where the last mirror is kept."""
    return JsonLinesSink(str(settings.store.folder / KEPT))


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
