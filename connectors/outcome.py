"""What a connector's run brought, beside what it should have brought. Not how either is found out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple

# What is compared: facts about things of the site, each a tuple of texts such as (LUID, owner).
Facts = Mapping[str, Iterable[tuple[str, ...]]]


class Outcome(NamedTuple):
    """What arrived; `problems` are errors of the connector's own report, `remarks` its warnings."""

    arrived: Facts
    problems: tuple[str, ...]
    remarks: tuple[str, ...] = ()


class Line(NamedTuple):
    """One comparison: how many facts the site shows, how many arrived, which differ (at most a few of each)."""

    what: str
    on_site: int
    arrived: int
    missing: tuple[tuple[str, ...], ...]
    unknown: tuple[tuple[str, ...], ...]

    @property
    def equal(self) -> bool:
        """Whether exactly what is on the site arrived; nothing at all is never equal."""
        return self.on_site > 0 and not self.missing and not self.unknown


def compared(wanted: Facts, arrived: Facts) -> list[Line]:
    """A line for everything wanted, each fact as often as it should be."""
    lines = []
    for what, facts in wanted.items():
        should, came = Counter(facts), Counter(arrived.get(what, ()))
        missing, unknown = (tuple(sorted((a - b).elements())[:5]) for a, b in ((should, came), (came, should)))
        lines.append(Line(what, should.total(), came.total(), missing, unknown))
    return lines
