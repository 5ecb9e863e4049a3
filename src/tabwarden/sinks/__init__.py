"""Where a mirror goes; one file a sink. Not what a mirror holds: that is `mirror.tables`.

A sink is a module of this package with

    TYPE      the word for it in the settings (`type: jsonl`)
    Options   a frozen dataclass of plain values
    held      Options, source -> the tables of that source that lie there; empty where there is nothing yet
    opened    Options, source -> a context in which the mirror there is nobody else's, a `Place`

What is written in a `Place` appears at once when the context ends well, and else not at all: whoever reads meanwhile,
or after a failure, has the old mirror whole. Databases without transactions are the exception; there the order of
`mirror.tables.ORDER` keeps readers from being shown more than the old mirror or the new one. Whatever goes wrong is a
SinkError. A new sink is a new file; no list of sinks is kept anywhere. Modules whose name begins with an underscore
help the others and are no sinks.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from contextlib import AbstractContextManager
from functools import cache
from typing import Any, NamedTuple, Protocol, cast

from tabwarden.mirror.tables import Delta, Tables, difference
from tabwarden.model.errors import SinkError


class Place(Protocol):
    """The mirror of one source in one sink, while nobody else writes there."""

    def held(self) -> Tables:
        """What lies there."""

    def write(self, tables: Tables, deltas: Mapping[str, Delta]) -> None:
        """Make it these tables; `deltas` is how they differ from what `held` told."""


class Sink(Protocol):
    """What every module of this package offers."""

    TYPE: str
    Options: type[Any]

    def held(self, options: Any, source: str) -> Tables:
        """What lies there of a source; whoever is writing is not waited for."""

    def opened(self, options: Any, source: str) -> AbstractContextManager[Place]:
        """The mirror of a source to be written; SinkError while somebody else writes it."""


class Written(NamedTuple):
    """What publishing did to a sink: rows added and taken away, by table; empty where nothing differed."""

    sink: str
    added: Mapping[str, int]
    removed: Mapping[str, int]


@cache
def members() -> Mapping[str, Sink]:
    """Every sink by its word in the settings."""
    names = [info.name for info in pkgutil.iter_modules(__path__) if not info.name.startswith("_")]
    modules = [cast(Sink, importlib.import_module(f"{__name__}.{name}")) for name in sorted(names)]
    return {module.TYPE: module for module in modules}


def sink_of(options: object) -> Sink:
    """The sink these options belong to; TypeError for options of no sink."""
    for sink in members().values():
        if isinstance(options, sink.Options):
            return sink
    raise TypeError(f"no sink has options of type {type(options).__name__}")


def held(options: object, source: str) -> Tables:
    """What a sink holds of a source."""
    return sink_of(options).held(options, source)


def publish(options: object, source: str, tables: Tables) -> Written:
    """Bring a sink to these tables, writing only what differs.

    Raises SinkError where it holds a newer mirror, one of another site under the same name of a source, or where
    somebody else is publishing to it.
    """
    sink = sink_of(options)
    with sink.opened(options, source) as place:
        before = place.held()
        _refuse_others(source, before, tables)
        deltas = difference(before, tables)
        if deltas:
            place.write(tables, deltas)
    added = {table: len(delta.add) for table, delta in deltas.items() if delta.add}
    removed = {table: len(delta.remove) for table, delta in deltas.items() if delta.remove}
    return Written(sink.TYPE, added, removed)


def _refuse_others(source: str, before: Tables, after: Tables) -> None:
    """A name of a source belongs to one site, and time goes forward."""
    for old in before.get("sources", ()):
        for new in after.get("sources", ()):
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
