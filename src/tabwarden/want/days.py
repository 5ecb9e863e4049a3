"""Days on which people start and end: what a cell says, on which side of it the present is, and the next change.

A day begins and ends in the time zone of its source. Somebody is there from the first moment of the first day to the
last moment of the last; a time of day is taken as it is.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import NamedTuple

from tabwarden.want.cells import BadCell, known_by, shown

NOT_YET, WITHIN, OVER = "not yet", "within", "over"
JOIN, LEAVE = "join", "leave"
FAR = 9999
"""The year that means no end, as personnel systems write it."""

_ISO = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d.*)?")
_PARTS = {"YYYY": "%Y", "YY": "%y", "MM": "%m", "M": "%m", "DD": "%d", "D": "%d"}


class Turn(NamedTuple):
    """On which day (`2026-12-01`, the first on which it is so) somebody joins or leaves."""

    day: str
    what: str


class Stay(NamedTuple):
    """On which side of her days somebody is now, and when that changes ('': it does not)."""

    word: str = WITHIN
    turn: str = ""
    has_end: bool = False


ALWAYS = Stay()


@dataclass(frozen=True, slots=True)
class Calendar:
    """The present, with a zone, and how a source writes days: `form` such as `DD.MM.YYYY`, '' as 2026-03-16."""

    now: datetime = datetime(1970, 1, 1, tzinfo=UTC)
    zone: tzinfo = UTC
    form: str = ""

    def stay(self, row: Mapping[str, object], starts: str | None, ends: str | None) -> Stay:
        """Where the present is between the days of a row; blank days are none. Raises BadCell."""
        begin = self._moment(row.get(starts) if starts else None, starts, later=0)
        end = self._moment(row.get(ends) if ends else None, ends, later=1)
        if begin is not None and end is not None and end <= begin:
            raise BadCell(
                shown(row[ends or ""]), f"(column `{shown(ends)}`) ends before it starts; mend one of the days"
            )
        if begin is not None and begin > self.now:
            return Stay(NOT_YET, self._day(begin), end is not None)
        if end is None:
            return ALWAYS
        return Stay(OVER, "", True) if end <= self.now else Stay(WITHIN, self._day(end), True)

    def _day(self, moment: datetime) -> str:
        return moment.astimezone(self.zone).date().isoformat() if moment.year < FAR else f"{FAR}-01-01"

    def _moment(self, value: object, column: str | None, *, later: int) -> datetime | None:
        """When the day begins, `later` days after it; None where there is none."""
        day = self._read(value, column)
        if isinstance(day, datetime):
            day = day if day.tzinfo is not None else day.replace(tzinfo=self.zone)
            if day.timetz().replace(tzinfo=None) != time():
                return day
            day = day.date()  # midnight is how many systems write a day
        if day is None or day.year <= 1 or (later and day.year >= FAR):
            return None
        if day.year >= FAR:
            return datetime(FAR, 1, 1, tzinfo=UTC)
        return datetime.combine(day + timedelta(days=later), time(), self.zone)

    def _read(self, value: object, column: str | None) -> date | None:
        if value is None or isinstance(value, date):
            return value
        if not isinstance(value, str):
            reason = f"is of type {type(value).__name__}, not a date; store the column as dates"
            raise BadCell(shown(value), f"(column `{shown(column)}`) {reason}")
        text = known_by({str(column): value}, column)
        try:
            if not text:
                return None
            if self.form:
                return datetime.strptime(text, pattern_of(self.form)).date()  # noqa: DTZ007 - a day has no zone
            if _ISO.fullmatch(text):
                return datetime.fromisoformat(text) if len(text) > 10 else date.fromisoformat(text)
        except ValueError:
            pass
        wanted = f"as {self.form}" if self.form else "as 2026-03-16; if days are written otherwise, say how in `dates`"
        raise BadCell(shown(text), f"(column `{shown(column)}`) is no day {wanted}")


TIMELESS = Calendar()
"""For rows without days."""


def pattern_of(form: str) -> str:
    """`DD.MM.YYYY` in the words of Python. ValueError unless year, month and day are in it, once each."""
    parts = re.split(r"(YYYY|YY|MM|M|DD|D)", form)
    if sorted(part[0] for part in parts[1::2]) != ["D", "M", "Y"] or any(
        c.isalnum() or c == "%" for p in parts[::2] for c in p
    ):
        raise ValueError("must be a form of dates such as `DD.MM.YYYY` or `MM/DD/YYYY`")
    return "".join(_PARTS.get(part, part) for part in parts)


def next_change(turns: Iterable[Turn]) -> tuple[str, ...]:
    """`next change on 2026-12-01: 2 join, 1 leave`, as the one remark; none where nothing changes."""
    days: dict[str, Counter[str]] = {}
    for turn in turns:
        days.setdefault(turn.day, Counter())[turn.what] += 1
    if not days:
        return ()
    day = min(days)
    counts = ", ".join(f"{days[day][what]} {what}" for what in (JOIN, LEAVE) if days[day][what])
    return (f"next change on {day}: {counts}",)
