"""Own templates for what a policy would say again and again: whole rows, and capabilities of one kind."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from tabwarden.effects.forms.rules import templates_of
from tabwarden.model.capability import KIND_NAMES, TEMPLATES, capability_named, kind_named

GRANTEES = ("group", "group_set", "user", "all_users", "reason", "owner", "expires")
LIKE = 0.5  # of the capabilities that either has, so many are in both: then it is called after that template
PEOPLE = {"View": "Viewers", "Explore": "Explorers", "Publish": "Publishers", "Administer": "Administrators"}

Entry = dict[str, Any]


class _Place(NamedTuple):
    """Cells by kind (as a template has them) and the row and keys where they stand."""

    cells: Entry
    row: Entry
    keys: tuple[str, ...]


def with_templates(entries: Iterable[Entry]) -> dict[str, Entry]:
    """Templates by name, kind by kind; what the rules of the entries say more than once is said by them."""
    rows = [(row, entry.get("kind")) for entry in entries for row in entry.get("rules", ())]
    whole = [_Place(cells, row, tuple(cells)) for row, kind in rows if kind is None if (cells := _cells(row))]
    templates = _replaced([place for place in whole if len(place.keys) > 1], lambda like: PEOPLE.get(like, "Members"))
    single = []
    for row, kind in rows:
        lists = {key: cell for key, cell in row.items() if key not in GRANTEES and isinstance(cell, dict)}
        for key, cell in lists.items():
            if key != "all" or kind is not None:
                single.append(_Place({kinds_word(kind_named(kind)) if kind else key: cell}, row, (key,)))
    for name, cells in _replaced(single, lambda like: f"Mostly {like}" if like else "Some").items():
        templates.setdefault(name, {}).update(cells)
    return templates


def kinds_word(kind: str) -> str:
    """The key of a kind's cell: `data_sources`; of projects `project`."""
    return kind if kind == "project" else f"{KIND_NAMES[kind].replace(' ', '_').lower()}s"


def _cells(row: Entry) -> Entry:
    return {} if "all" in row else {key: cell for key, cell in row.items() if key not in GRANTEES}


def _replaced(places: Iterable[_Place], called: Callable[[str], str]) -> dict[str, Entry]:
    """Templates of what stands in several places, where that saves letters; their names stand there instead."""
    equal = defaultdict[str, list[_Place]](list)
    for place in places:
        equal[repr(place.cells)].append(place)
    numbers: Counter[tuple[str, str]] = Counter()
    templates = defaultdict[str, Entry](dict)
    for words, alike in sorted(equal.items(), key=lambda pair: (-len(pair[1]), pair[0])):
        first = alike[0]
        if (len(words) - 20) * len(alike) <= len(words) + 20:
            continue
        name = called(_like(first.cells))
        kinds = ",".join(first.cells) if len(first.keys) == 1 else ""
        numbers[name, kinds] += 1
        if numbers[name, kinds] > 1:
            name = f"{name} {numbers[name, kinds]}"
        templates[name].update(first.cells)
        for place in alike:
            for key in place.keys:
                del place.row[key]
            place.row[place.keys[0] if len(place.keys) == 1 else "all"] = name
    return dict(templates)


def _like(cells: Mapping[str, Any]) -> str:
    """The template of Tableau that is most alike, by the cell of workbooks where there is one; empty for none."""
    key = "workbooks" if "workbooks" in cells else next(iter(cells))
    kind, cell = kind_named(key.replace("_", " ")), cells[key]
    if isinstance(cell, str):
        allow = templates_of(kind)[cell]
    else:
        allow = frozenset(capability_named(words, kind) for words in cell.get("allow", ()))
    templates = {name: names for name, names in templates_of(kind).items() if name in TEMPLATES[kind] and names}
    scores = {name: len(allow & names) / len(allow | names) for name, names in templates.items()}
    nearest = max(scores, key=lambda name: (scores[name], name), default="")
    return nearest if scores.get(nearest, 0) >= LIKE else ""
