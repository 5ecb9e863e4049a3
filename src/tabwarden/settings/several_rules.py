"""What must hold between the settings of several sources."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tabwarden.settings.lines import Place

PEOPLE, OVERRIDES = "people", "overrides"


def sources_in(people: Mapping[str, Any]) -> Iterator[tuple[Place, Mapping[str, Any]]]:
    """Every source of people, of overrides and of nestings, with its place."""
    for number, source in enumerate(_list(people, "sources")):
        if isinstance(source, Mapping) and isinstance(source.get("from"), Mapping):
            yield (PEOPLE, "sources", number, "from"), source["from"]
    nested = people.get("nested")
    if isinstance(nested, Mapping) and isinstance(nested.get("from"), Mapping):
        yield (PEOPLE, "nested", "from"), nested["from"]
    if isinstance(people.get("overrides_from"), Mapping):
        yield (PEOPLE, "overrides_from"), people["overrides_from"]


def several_sources(people: Mapping[str, Any]) -> Iterator[tuple[Place, str]]:
    """Every rule that is broken, as a place and a sentence."""
    for place, source in sources_in(people):
        if "column" in source:
            instead = "name the columns in `columns` beside `from`" if place[1] == "sources" else "take it out"
            yield (*place, "column"), f"`{'.'.join(map(str, place))}.column` is not used here; {instead}"
    names: list[str] = []
    for number, source in enumerate(_list(people, "sources")):
        if isinstance(source, Mapping):
            yield from _one(number, source, names)
    precedence = people.get("precedence")
    for field, listed in precedence.items() if isinstance(precedence, Mapping) else ():
        for name in [listed] if isinstance(listed, str) else listed if isinstance(listed, list) else ():
            if isinstance(name, str) and name not in names:
                known = ", ".join(map("`{}`".format, names)) or "none"
                place = (PEOPLE, "precedence", str(field))
                yield place, f"`people.precedence.{field}` names `{name}`, which is no source; there are: {known}"
    nested = people.get("nested")
    if isinstance(nested, Mapping) and ("from" in nested) == _is_on(nested.get("directory")):
        word = (
            "both `from` and `directory`; keep one" if "from" in nested else "neither `from` nor `directory`; add one"
        )
        yield (PEOPLE, "nested"), f"`people.nested` has {word}"


def _one(number: int, source: Mapping[str, Any], names: list[str]) -> Iterator[tuple[Place, str]]:
    place = (PEOPLE, "sources", number)
    name, columns = source.get("name"), source.get("columns")
    if isinstance(name, str):
        if name in names:
            yield (*place, "name"), f"`people.sources` has several sources called `{name}`; give each its own name"
        if name == OVERRIDES:
            yield (*place, "name"), f"`people.sources` may not call a source `{OVERRIDES}`: overrides are told so"
        names.append(name)
    columns = columns if isinstance(columns, Mapping) else {}
    if "columns" in source and not any(columns.get(key) for key in ("key", "name", "email")):
        where = f"`people.sources.{number}.columns`"
        yield (*place, "columns"), f"{where} names nothing to know people by; add `key`, `name` or `email`"
    if "status" in columns and "left" not in source and not _is_on(source.get("all_left")):
        where = f"`people.sources.{number}`"
        yield place, f"{where} has a status column and does not say what means left; add `left: [...]`"
    if "left" in source and "status" not in columns:
        where = f"`people.sources.{number}.left`"
        yield (*place, "left"), f"{where} does nothing without a status column; add `columns.status`"
    if _is_on(source.get("all_left")) and _is_on(source.get("authoritative")):
        where = f"`people.sources.{number}`"
        why = "so who comes back would vanish from it and count as left again; take `authoritative` out"
        yield (*place, "authoritative"), f"{where} is `all_left` and `authoritative`, {why}"


def _list(people: Mapping[str, Any], key: str) -> list[Any]:
    listed = people.get(key)
    return listed if isinstance(listed, list) else []


def _is_on(value: object) -> bool:
    return value is True or str(value).lower() in ("true", "yes", "on", "1")
