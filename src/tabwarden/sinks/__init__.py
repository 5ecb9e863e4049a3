"""Where a mirror goes: one file a sink, with its options as it reads them from the settings.

A sink is a class of one module: its fields are its settings, its word there is `type`, and it has

    held      source -> the tables of that source that lie there; empty where there is nothing yet
    opened    source -> a context in which the mirror there is nobody else's, a `Place`
    prepare   tables -> makes what only these need, before; most sinks need nothing

What is written in a `Place` appears at once when the context ends well, and else not at all: whoever reads meanwhile,
or after a failure, has the old mirror whole. Databases without transactions are the exception; there the order of
`mirror.rows.ORDER` keeps readers from being shown more than the old mirror or the new one. Whatever goes wrong is a
SinkError. A new sink is a new file and its name in `settings.mirror.AnySink`; what weighs something is imported where
it writes. Modules whose name begins with an underscore help the others.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, NamedTuple, Protocol

from tabwarden.mirror.rows import Row
from tabwarden.model.errors import SinkError
from tabwarden.section import Section

if TYPE_CHECKING:
    from tabwarden.mirror.tables import Delta, Tables


class Place(Protocol):
    """The mirror of one source in one sink, while nobody else writes there."""

    def sources(self) -> Iterable[Row]:
        """The rows of the table `sources` that lie there."""

    def deltas(self, tables: Tables) -> Mapping[str, Delta]:
        """How these tables differ from what lies there, whoever wrote that."""

    def write(self, tables: Tables, deltas: Mapping[str, Delta]) -> None:
        """Make it these tables; `deltas` is how they differ from what lies there."""


class Sink(Section):
    """What every sink offers."""

    type: str

    def held(self, source: str) -> Tables:
        """What lies there of a source; whoever is writing is not waited for."""
        raise NotImplementedError

    def prepare(self, tables: Tables) -> None:
        """Make what tables of this form need, none of their rows."""

    def opened(self, source: str) -> AbstractContextManager[Place]:
        """The mirror of a source to be written; SinkError while somebody else writes it."""
        raise NotImplementedError


class Written(NamedTuple):
    """What publishing did to a sink: rows added and taken away, by table; empty where nothing differed."""

    sink: str
    added: Mapping[str, int]
    removed: Mapping[str, int]


def publish(sink: Sink, source: str, tables: Tables) -> Written:
    """Bring a sink to these tables, writing only what differs.

    Raises SinkError where it holds a newer mirror, one of another site under the same name of a source, or where
    somebody else is publishing to it.
    """
    sink.prepare(tables)
    with sink.opened(source) as place:
        _refuse_others(source, place.sources(), tables.get("sources", ()))
        deltas = place.deltas(tables)
        if deltas:
            place.write(tables, deltas)
    added = {table: len(delta.add) for table, delta in deltas.items() if len(delta.add)}
    removed = {table: len(delta.remove) for table, delta in deltas.items() if len(delta.remove)}
    return Written(sink.type, added, removed)


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
