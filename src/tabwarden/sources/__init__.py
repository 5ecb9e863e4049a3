"""Where people come from: one file a source, with its options as it reads them from the settings.

A source is a class of one module: its fields are its settings, its word there is `type`, and `read` gives all its
rows, or raises SourceError with one of three stops:

    source-unreadable   nothing could be read
    source-empty        it was read and holds no row
    source-partial      reading began and did not come to the end

Nothing of a source that raised is used. A new source is a new file and its name in `settings.sources.AnySource`; what
weighs something is imported where it reads. Modules whose name begins with an underscore help the others.
Rows are cleaned by `want.roster`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from typing import Annotated, Any, ClassVar, Self

from pydantic import AfterValidator, BeforeValidator, Field

from tabwarden.model.errors import SourceError
from tabwarden.section import Age, ColumnName, Section, Text
from tabwarden.want.days import Calendar, pattern_of
from tabwarden.want.roster import shown

Row = dict[str, object]
EMPTY = "source-empty"


@dataclass(frozen=True, slots=True)
class Reading:
    """All rows of a source, in its order, at least one.

    `source` names it in messages; `warnings` are sentences for the person who runs it;
    `as_of` is the ISO time in UTC the source states for its contents, None where it states none.
    """

    rows: list[Row] = field(repr=False)
    source: str
    warnings: list[str] = field(default_factory=list)
    as_of: str | None = None


def unreadable(message: str) -> SourceError:
    """Nothing could be read."""
    return SourceError(message, stop="source-unreadable")


def partial(message: str) -> SourceError:
    """Reading began and did not come to the end."""
    return SourceError(message, stop="source-partial")


def empty(source: str) -> SourceError:
    """It was read and holds no row."""
    return SourceError(f"{source} holds no row; an empty list is taken for a broken one", stop=EMPTY)


def refuse_twins(names: list[str], source: str) -> None:
    """Raises SourceError when two columns have one name: nobody could say which is meant."""
    twins = sorted({name for name in names if names.count(name) > 1})
    if twins:
        listed = ", ".join(f"`{shown(name)}`" for name in twins)
        raise unreadable(f"{source} has several columns named {listed}; give each column its own name")


# -- options --------------------------------------------------------------------------------------------------


class Column(Section):
    """Which column of the source says what. `column: NAME` is short for `column: {name: NAME}`."""

    name: ColumnName = Field(default="Email Address", description="column with the user name")
    full_name: ColumnName | None = Field(default=None, description="column with the full name")
    email: ColumnName | None = Field(default=None, description="column with the email address")
    auth_setting: ColumnName | None = Field(default=None, description="column with the person's auth setting")

    starts: ColumnName | None = Field(
        default=None, description="column with the first day; nobody joins before (joiners)"
    )
    ends: ColumnName | None = Field(
        default=None, description="column with the last day; nobody leaves before, nobody stays after"
    )

    @classmethod
    def of(cls, value: Any) -> Any:
        """The mapping that one name is short for."""
        return {"name": value} if isinstance(value, str | int) else value


class AsOf(Section):
    """Where the source says how old it is: exactly one of the two."""

    column: ColumnName | None = Field(default=None, description="column with a time; the newest counts")
    query: Text | None = Field(default=None, description="query that yields one time (`type: sql` only)")


def _form(value: str) -> str:
    pattern_of(value)
    return value


def time_zone(value: str) -> tzinfo:
    """The zone of `Europe/Berlin`, `+01:00` or `UTC`. ValueError where there is none."""
    from zoneinfo import ZoneInfo

    try:
        if value.upper() == "UTC":
            return UTC
        if value[:1] in "+-":
            return datetime.fromisoformat(f"2000-01-01T00:00:00{value}").tzinfo or UTC
        return ZoneInfo(value)
    except (ValueError, OSError):
        raise ValueError("must be a time zone such as `Europe/Berlin`, `+01:00` or `UTC`") from None


def _zone(value: str) -> str:
    time_zone(value)
    return value


class Dates(Section):
    """How a source writes days, for its columns `starts` and `ends`."""

    format: Annotated[Text, AfterValidator(_form)] | None = Field(
        default=None, description="how days are written, such as `DD.MM.YYYY`; when not given, as 2026-03-16"
    )
    zone: Annotated[Text, AfterValidator(_zone)] = Field(
        default="UTC", description="time zone in which a day begins and ends, such as `Europe/Berlin` or `+01:00`"
    )

    def calendar(self, now: str) -> Calendar:
        """The days as this source writes them; `now` is an ISO time."""
        return Calendar(datetime.fromisoformat(now), time_zone(self.zone), self.format or "")


class Source(Section):
    """What every source of people has."""

    asks_directory: ClassVar[bool] = False  # its rows are people of the directory; `within` says which

    column: Annotated[Column, BeforeValidator(Column.of)] = Field(
        default=Column(), description="the column with the user name, or a mapping of columns"
    )
    min_rows: int | None = Field(
        default=None,
        ge=0,
        description="fewer rows than this mean the source is partial; `0`: an empty list is a good list",
    )
    delta: bool = Field(
        default=False,
        description="whether the list holds changes (who is new, who left since) and not everybody: how much it shrank "
        "is not judged then",
    )
    stale_after: Age | None = Field(
        default=None, description="oldest age that is still good: a number with `m`, `h` or `d`, kept in seconds"
    )
    as_of: AsOf | None = Field(default=None, description="where the source says how old it is")
    dates: Dates = Field(default=Dates(), description="how days are written in the columns `starts` and `ends`")

    def looking_for(self, columns: Sequence[str]) -> Self:
        """The same, whose heading is known by these columns where it names none itself."""
        del columns
        return self

    def within(self, directory: Any) -> Self:
        """The same, of that directory or of the one that is read by these settings."""
        del directory
        return self

    def read(self) -> Reading:
        """All rows, or SourceError."""
        raise NotImplementedError
