"""When the extracts of a site are refreshed: a mapping beside the Site, read when a change rests on it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from tabwarden.model.names import same

EXTRACT = "Extract"
"""The type of the schedules that extracts are refreshed on."""
KINDS = ("workbook", "datasource")
INCREMENTAL = " (incremental)"
"""Ends the name of a schedule on which only new rows come; no request of the REST API makes such a task."""


class Refreshes(NamedTuple):
    """On which schedules contents (ids) are refreshed, sorted, and the server's schedules: type by name.

    Tableau Cloud has no schedules (None): there the words of a task are its own frequency, `Daily 06:30:00`.
    """

    of: Mapping[str, tuple[str, ...]]
    schedules: Mapping[str, str] | None = None

    def named(self, words: str) -> str | None:
        """The schedule's name as the server spells it; None where there is none."""
        names = self.schedules or {}
        return words if words in names else next((name for name in names if same(name) == same(words)), None)

    def changed(self, content: str, to: tuple[str, ...]) -> Refreshes:
        """The same with another answer for one content."""
        return self._replace(
            of={**{c: words for c, words in self.of.items() if c != content}, **({content: to} if to else {})}
        )


class Frequency(NamedTuple):
    """How often a task of Tableau Cloud comes: REST's own words; `end` is empty where it comes once a day."""

    frequency: str
    start: str
    end: str = ""
    intervals: tuple[tuple[str, str], ...] = ()
    incremental: bool = False

    @property
    def words(self) -> str:
        """`Weekly 06:30:00 weekDay=Monday`, as `frequency_meant` reads it."""
        intervals = (f"{name}={value}" for name, value in self.intervals)
        parts = ("Incremental" if self.incremental else "", self.frequency, self.start, self.end, *intervals)
        return " ".join(part for part in parts if part)


def frequency_meant(words: str) -> Frequency | None:
    """The frequency that words tell; None where they tell none. Whether its intervals fit, Tableau judges."""
    parts = words.split()
    incremental = bool(parts) and parts[0] == "Incremental"
    frequency, *rest = parts[incremental:] or [""]
    times = [part for part in rest if ":" in part]
    intervals = [part.partition("=") for part in rest if "=" in part]
    if frequency not in ("Hourly", "Daily", "Weekly", "Monthly") or len(times) not in (1, 2):
        return None
    if len(times) + len(intervals) != len(rest):
        return None
    pairs = tuple((name, value) for name, _, value in intervals)
    start, end = (f"{one}:00" if one.count(":") == 1 else one for one in (*times, *[""] * (2 - len(times))))
    return Frequency(frequency, start, end, pairs, incremental)
