"""The rows of one source of people, and the roster they make. What signs in or plans is not needed for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from tabwarden import sources
from tabwarden.model.errors import SourceError
from tabwarden.settings import Settings
from tabwarden.settings.sources import AnySource
from tabwarden.sources import EMPTY, Column
from tabwarden.want.roster import Columns, Roster, clean, latest


def read_roster(
    source: AnySource, settings: Settings, when: str = "", *, leaving: bool = False
) -> tuple[Roster, list[str]]:
    """One source's roster at that time (ISO; '': now) and its warnings. Raises SourceError."""
    result = read_rows(source, settings)
    columns = Columns(**{name: getattr(source.column, name) or "" for name in Column.model_fields})
    calendar = source.dates.calendar(when or datetime.now(UTC).isoformat())
    roster = clean(result.rows, columns, result.source, as_of=result.as_of, calendar=calendar, leaving=leaving)
    return roster, [*result.warnings, *roster.remarks]


def read_rows(source: AnySource, settings: Settings, wanted: Sequence[str] = ()) -> sources.Reading:
    """One source's rows as they are, none where it may be empty; `as_of` where the settings ask. Raises SourceError.

    `wanted` are the columns by which the heading of a file is known, where the source itself names none.
    """
    try:
        source = source.looking_for(wanted)
        if source.asks_directory:
            from tabwarden.run.directory import directory_asked

            source = source.within(directory_asked(settings))
        reading = source.read()
    except SourceError as error:
        if error.stop != EMPTY or source.min_rows != 0:
            raise
        return sources.Reading([], source.type)
    age, count = source.as_of, len(reading.rows)
    as_of = reading.as_of if age is not None else None
    if age is not None and age.column is not None:
        as_of = latest(reading.rows, age.column, reading.source)
    if source.min_rows is not None and count < source.min_rows:
        raise SourceError(
            f"{reading.source} has {count} rows, and `min_rows` says it has at least {source.min_rows}",
            stop="source-partial",
        )
    return replace(reading, as_of=as_of)
