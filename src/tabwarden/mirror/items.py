"""Items and sets of a mirror, one by one, for catalogs where a thing lies in one place."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from tabwarden.mirror.rows import SITE, Row

if TYPE_CHECKING:
    from tabwarden.mirror.tables import Tables


class Item(NamedTuple):
    """A content once: the sets of people who see it, and what holds it for all of them.

    Where it hangs on different things for different people, `parent` is the site, which all of them see.
    """

    id: str
    kind: str
    name: str
    parent: str
    viewers: tuple[str, ...]


def set_name(first: tuple[str, str, str]) -> str:
    """The name of a set of viewers after the first row that has it: id, parent, and `apart` where it is.

    It tells nothing, and stays the same when people come and go.
    """
    return hashlib.sha256("\0".join(first).encode("utf-8", "surrogatepass")).hexdigest()[:20]


def sets_of(tables: Tables) -> Mapping[str, tuple[str, ...]]:
    """The people of each set of viewers, whichever form the tables have."""
    people: dict[str, list[str]] = defaultdict(list)
    for _, viewers, person in _compressed(tables)[0]:
        people[viewers].append(person)
    return {viewers: tuple(sorted(names)) for viewers, names in sorted(people.items())}


def items_of(tables: Tables) -> tuple[Item, ...]:
    """Everything mirrored, once each, in order of id."""
    rows: dict[str, list[Row]] = defaultdict(list)
    for row in _compressed(tables)[1]:
        rows[row[2]].append(row)
    (site,) = {row[2] for alike in rows.values() for row in alike if row[3] == SITE} or {""}
    items = []
    for item, alike in sorted(rows.items()):
        parents = {row[5] for row in alike}
        parent = parents.pop() if len(parents) == 1 else site
        items.append(Item(item, alike[0][3], alike[0][4], parent, tuple(sorted(row[1] for row in alike))))
    return tuple(items)


def _compressed(tables: Tables) -> tuple[Iterable[Row], Iterable[Row]]:
    """The rows of viewers and of content."""
    if len(tables.get("items", ())):
        from tabwarden.mirror.tables import unfolded

        tables = unfolded(tables)
    if not len(tables.get("access", ())):
        return tables.get("viewers", ()), tables.get("content", ())
    people: dict[Row, set[str]] = defaultdict(set)
    for source, person, *rest in tables["access"]:
        people[source, *rest].add(person)
    alike: dict[tuple[str, ...], list[Row]] = defaultdict(list)
    for row, viewing in people.items():
        alike[tuple(sorted(viewing))].append(row)
    viewers, content = [], []
    for names, rows in alike.items():
        name = set_name(min((row[1], row[4], "") for row in rows))
        viewers += [(rows[0][0], name, person) for person in names]
        content += [(row[0], name, *row[1:]) for row in rows]
    return viewers, content
