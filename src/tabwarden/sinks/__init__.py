"""Where a mirror goes; one file a sink.

A sink is a frozen dataclass of plain values, in a module of this package, with

    TYPE      the word for it in the settings (`type: jsonl`)
    held      source -> the tables of that source that lie there; empty where there is nothing yet
    opened    source -> a context in which the mirror there is nobody else's, a `Place`

What is written in a `Place` appears at once when the context ends well, and else not at all: whoever reads meanwhile,
or after a failure, has the old mirror whole. Databases without transactions are the exception; there the order of
`mirror.tables.ORDER` keeps readers from being shown more than the old mirror or the new one. Whatever goes wrong is a
SinkError. A new sink is a new file; no list of sinks is kept anywhere. Modules whose name begins with an underscore
help the others.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from functools import cache
from typing import Any, NamedTuple, Protocol

from tabwarden.mirror.tables import Delta, Row, Tables
from tabwarden.model.errors import SinkError


class Place(Protocol):
    """The mirror of one source in one sink, while nobody else writes there."""

    def sources(self) -> Iterable[Row]:
        """The rows of the table `sources` that lie there."""

    def deltas(self, tables: Tables) -> Mapping[str, Delta]:
        """How these tables differ from what lies there, whoever wrote that."""

    def write(self, tables: Tables, deltas: Mapping[str, Delta]) -> None:
        """Make it these tables; `deltas` is how they differ from what lies there."""


class Sink(Protocol):
    """What every sink offers."""

    @property
    def TYPE(self) -> str:  # noqa: N802
        """The word for it in the settings."""

    def held(self, source: str) -> Tables:
        """What lies there of a source; whoever is writing is not waited for."""

    def opened(self, source: str) -> AbstractContextManager[Place]:
        """The mirror of a source to be written; SinkError while somebody else writes it."""


class Written(NamedTuple):
    """What publishing did to a sink: rows added and taken away, by table; empty where nothing differed."""

    sink: str
    added: Mapping[str, int]
    removed: Mapping[str, int]


@cache
def members() -> Mapping[str, type[Any]]:
    """The class of every sink by its word in the settings."""
    names = [info.name for info in pkgutil.iter_modules(__path__) if not info.name.startswith("_")]
    modules = [importlib.import_module(f"{__name__}.{name}") for name in sorted(names)]
    classes = [sink for module in modules for sink in vars(module).values() if _is_sink(sink, module.__name__)]
    return {sink.TYPE: sink for sink in classes}


def _is_sink(thing: object, module: str) -> bool:
    return isinstance(thing, type) and thing.__module__ == module and hasattr(thing, "TYPE")


def publish(sink: Sink, source: str, tables: Tables) -> Written:
    """Bring a sink to these tables, writing only what differs.

    Raises SinkError where it holds a newer mirror, one of another site under the same name of a source, or where
    somebody else is publishing to it.
    """
    with sink.opened(source) as place:
        _refuse_others(source, place.sources(), tables.get("sources", ()))
        deltas = place.deltas(tables)
        if deltas:
            place.write(tables, deltas)
    added = {table: len(delta.add) for table, delta in deltas.items() if len(delta.add)}
    removed = {table: len(delta.remove) for table, delta in deltas.items() if len(delta.remove)}
    return Written(sink.TYPE, added, removed)


def _refuse_others(source: str, before: Iterable[Row], after: Iterable[Row]) -> None:
    """A name of a source belongs to one site, and time goes forward."""
    for old in before:
        for new in after:
            if old[1:3] != new[1:3]:
                raise SinkError(
                    f"source `{source}` of this sink is another site, of `{old[1]}`; "
                    "give each site a name of its own with `mirror.source`"
                )
            if old[4] > new[4]:
                raise SinkError(
                    f"this sink holds a mirror of {old[4]}, and this one is of {new[4]}, which is older; "
                    "publish from the newest snapshot"
                )
