"""A query of the VizQL Data Service over rows: its fields, functions, filters and order. Not where rows come from.

Source: "Create a Query" and the OpenAPI schema of the VizQL Data Service. Not played, and refused: calculations, bins,
table calculations and parameters.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from tabwarden.model.tables import grouped

Line = Mapping[str, Any]
Query = Mapping[str, Any]
_NOT_PLAYED = ("calculation", "binSize", "tableCalculation")


class UnknownField(ValueError):
    """A query names a field that the data source has not."""


class Column(NamedTuple):
    """A field of a query: its caption, its function ("" for none), the name it is answered by, its place in the order.

    `digits` is how many decimal places it is rounded to, None for all.
    """

    caption: str
    function: str
    name: str
    priority: int
    descending: bool
    digits: int | None


def _distinct(values: Sequence[Any]) -> int:
    return len(set(values))


def _or_none(of: Callable[[Sequence[Any]], Any], least: int = 1) -> Callable[[Sequence[Any]], Any]:
    """The function, and None of fewer values than it needs."""
    return lambda values: of(values) if len(values) >= least else None


AGGREGATES: Mapping[str, Callable[[Sequence[Any]], Any]] = {
    "SUM": _or_none(sum),
    "AVG": _or_none(statistics.fmean),
    "MEDIAN": _or_none(statistics.median),
    "MIN": _or_none(min),
    "MAX": _or_none(max),
    "STDEV": _or_none(statistics.stdev, 2),
    "VAR": _or_none(statistics.variance, 2),
    "COUNT": len,
    "COUNTD": _distinct,
}
_QUARTERS = ("01", "04", "07", "10")


def _week(moment: datetime) -> int:
    return moment.isocalendar().week


def _truncated(moment: datetime, part: str) -> str:
    """The begin of the year, quarter, month, week or day of a moment."""
    if part == "WEEK":
        moment -= timedelta(days=(moment.weekday() + 1) % 7)
    month = {"YEAR": "01", "QUARTER": _QUARTERS[(moment.month - 1) // 3]}.get(part, f"{moment.month:02}")
    day = "01" if part in ("YEAR", "QUARTER", "MONTH") else f"{moment.day:02}"
    return f"{moment.year:04}-{month}-{day}"


_PARTS: Mapping[str, Callable[[datetime], int]] = {
    "YEAR": lambda moment: moment.year,
    "QUARTER": lambda moment: (moment.month - 1) // 3 + 1,
    "MONTH": lambda moment: moment.month,
    "WEEK": _week,
    "DAY": lambda moment: moment.day,
}


def _of_date(function: str, value: Any) -> Any:
    """A part of a date, or the begin of it (`TRUNC_MONTH`)."""
    if value is None:
        return None
    moment = datetime.fromisoformat(str(value))
    truncated = function.removeprefix("TRUNC_")
    return _PARTS[function](moment) if truncated == function else _truncated(moment, truncated)


def _is_dimension(function: str) -> bool:
    return not function or function.removeprefix("TRUNC_") in _PARTS


def columns_of(query: Query, captions: Iterable[str]) -> list[Column]:
    """The fields of a query; ValueError for what is no field, or is not played."""
    known = frozenset(captions)
    columns = [_column(field, known) for field in query["fields"]]
    if not columns:
        raise ValueError("`fields` is empty")
    if len({column.name for column in columns}) < len(columns):
        raise ValueError("two fields are answered by one name; give one a `fieldAlias`")
    return columns


def _column(field: Query, captions: frozenset[str]) -> Column:
    strange = [name for name in _NOT_PLAYED if name in field]
    if strange:
        raise ValueError(f"`{strange[0]}` is not played")
    caption, function = field["fieldCaption"], str(field.get("function") or "")
    if caption not in captions:
        raise UnknownField(f"no field `{caption}`")
    if function not in AGGREGATES and not _is_dimension(function):
        raise ValueError(f"`{function}` is no function, or is not played")
    name = field.get("fieldAlias") or (f"{function}({caption})" if function else caption)
    direction, digits = str(field.get("sortDirection") or "ASC"), field.get("maxDecimalPlaces")
    if direction not in ("ASC", "DESC"):
        raise ValueError("`sortDirection` is ASC or DESC")
    return Column(caption, function, name, int(field.get("sortPriority") or 0), direction == "DESC", digits)


def run(lines: Sequence[Line], query: Query, captions: Iterable[str], *, disaggregate: bool = False) -> list[Line]:
    """The rows of a query: every combination of its dimensions once, its measures aggregated, in the asked order."""
    known = frozenset(captions)
    columns = columns_of(query, known)
    for one in query.get("filters") or ():
        lines = _filtered(lines, one, known)
    rows: list[Line] = list(_plain(lines, columns) if disaggregate else _grouped(lines, columns))
    for column in sorted((c for c in columns if c.priority), key=lambda c: c.priority, reverse=True):
        rows = sorted(rows, key=lambda row: _sortable(row[column.name]), reverse=column.descending)
    return rows


def _plain(lines: Sequence[Line], columns: Sequence[Column]) -> list[dict[str, Any]]:
    return [{column.name: line[column.caption] for column in columns} for line in lines]


def _grouped(lines: Sequence[Line], columns: Sequence[Column]) -> list[dict[str, Any]]:
    groups: dict[tuple[Any, ...], list[Line]] = {}
    dimensions = [column for column in columns if _is_dimension(column.function)]
    for line in lines:
        groups.setdefault(tuple(_value(line, column) for column in dimensions), []).append(line)
    if not dimensions:
        groups = {(): list(lines)}
    rows: list[dict[str, Any]] = []
    for key, members in groups.items():
        values = dict(zip((column.name for column in dimensions), key, strict=True))
        rows.append({c.name: values[c.name] if c.name in values else _aggregated(members, c) for c in columns})
    return rows


def _value(line: Line, column: Column) -> Any:
    value = line[column.caption]
    return _of_date(column.function, value) if column.function else value


def _aggregated(lines: Iterable[Line], column: Column) -> Any:
    values = [value for line in lines if (value := line[column.caption]) is not None]
    total = AGGREGATES[column.function](values)
    return round(total, column.digits) if column.digits is not None and isinstance(total, float) else total


def _sortable(value: Any) -> tuple[bool, Any]:
    return value is not None, "" if value is None else value


# -- filters --------------------------------------------------------------------------------------------------


def _filtered(lines: Sequence[Line], one: Query, captions: frozenset[str]) -> Sequence[Line]:
    kind, caption = one["filterType"], one["field"]["fieldCaption"]
    if caption not in captions:
        raise UnknownField(f"no field `{caption}`")
    if one["field"].get("function") and kind != "TOP":
        raise ValueError("a filter with a function is not played")
    if kind == "TOP":
        return _top(lines, one, caption, captions)
    if kind not in _TESTS:
        raise ValueError(f"`{kind}` is no filter type, or is not played")
    test = _TESTS[kind](one)
    exclude = bool(one.get("exclude"))
    return [line for line in lines if test(line[caption]) != exclude]


def _set(one: Query) -> Callable[[Any], bool]:
    wanted = list(one["values"])
    return lambda value: value in wanted


def _match(one: Query) -> Callable[[Any], bool]:
    begin, inner, end = (str(one.get(name) or "").casefold() for name in ("startsWith", "contains", "endsWith"))

    def test(value: Any) -> bool:
        words = str(value or "").casefold()
        return words.startswith(begin) and inner in words and words.endswith(end)

    return test


def _quantitative(low: str, high: str) -> Callable[[Query], Callable[[Any], bool]]:
    """A test of a range, whose ends a filter calls `low` and `high`."""

    def made_of(one: Query) -> Callable[[Any], bool]:
        kind = one["quantitativeFilterType"]
        if kind in ("ONLY_NULL", "ONLY_NON_NULL"):
            return lambda value: (value is None) == (kind == "ONLY_NULL")
        least = one[low] if kind in ("RANGE", "MIN") else None
        most = one[high] if kind in ("RANGE", "MAX") else None
        if least is None and most is None:
            raise ValueError(f"`{kind}` is no quantitative filter type")
        nulls = bool(one.get("includeNulls"))
        return lambda value: (
            nulls
            if value is None
            else (least is None or value >= least) and (most is None or value <= most + _day_end(most, value))
        )

    return made_of


def _day_end(most: Any, value: Any) -> Any:
    """What makes an end that is a day hold all of that day."""
    if not isinstance(most, str):
        return 0
    return "T23:59:59Z" if len(most) == 10 and len(str(value)) > 10 else ""


_TESTS: Mapping[str, Callable[[Query], Callable[[Any], bool]]] = {
    "SET": _set,
    "MATCH": _match,
    "QUANTITATIVE_DATE": _quantitative("minDate", "maxDate"),
    "QUANTITATIVE_NUMERICAL": _quantitative("min", "max"),
}


def _top(lines: Sequence[Line], one: Query, caption: str, captions: frozenset[str]) -> Sequence[Line]:
    """The lines of so many values of a dimension, best by a measure."""
    measure = _column(one["fieldToMeasure"], captions)
    if measure.function not in AGGREGATES:
        raise ValueError("`fieldToMeasure` needs a function that aggregates")
    groups = grouped((line[caption], line) for line in lines)
    down = (one.get("direction") or "TOP") == "TOP"
    best = sorted(groups, key=lambda value: _sortable(_aggregated(groups[value], measure)), reverse=down)
    wanted = best[: int(one["howMany"])]
    return [line for line in lines if line[caption] in wanted]
