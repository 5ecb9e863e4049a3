"""What every source hands back, and the three ways it may fail. Not a source."""

from __future__ import annotations

from dataclasses import dataclass, field

from tabwarden.model.errors import SourceError
from tabwarden.want.roster import shown

Row = dict[str, object]


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
    return SourceError(
        f"{source} holds no row; an empty list is taken for a broken one, so nothing is done", stop="source-empty"
    )


def refuse_twins(names: list[str], source: str) -> None:
    """Raises SourceError when two columns have one name: nobody could say which is meant."""
    twins = sorted({name for name in names if names.count(name) > 1})
    if twins:
        listed = ", ".join(f"`{shown(name)}`" for name in twins)
        raise unreadable(f"{source} has several columns named {listed}; give each column its own name")
