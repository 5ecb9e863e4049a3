"""A published mirror, a person's catalog and a comparison in words and as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from tabwarden.mirror.browse import Catalog
from tabwarden.mirror.build import Mirrored
from tabwarden.mirror.match import BY_NAME, OF_TABLEAU, Matches, Unmatched
from tabwarden.model.capability import KIND_NAMES
from tabwarden.report.table import NAME, Column, Many, Table
from tabwarden.want.roster import Quarantined, shown

_WORDS = {
    "sources": "source rows",
    "people": "people",
    "viewers": "places in sets of viewers",
    "content": "contents",
    "access": "rows",
    "members": "places in circles of people",
    "classes": "circles of classes",
    "items": "items",
}


def matches_line(matches: Matches) -> str:
    """How many people were matched, and how."""
    count = len(matches.matched)
    if matches.matched and matches.matched[0].how == OF_TABLEAU:
        return f"{count} people: Tableau's own users, since `catalog.people` names no catalog"
    apart = sum(match.how != BY_NAME for match in matches.matched)
    sentence = f"{count} of {count + len(matches.unmatched)} catalog people matched by user name"
    return f"{sentence}, {apart} of them by domain or exception" if apart else sentence


def unmatched_table(unmatched: Iterable[Unmatched]) -> Table:
    """Who sees nothing, why, and who is likely meant."""
    table = Table(Column("Sees nothing", NAME), "Because", Column("Likely meant", NAME), name="unmatched")
    for person in unmatched:
        table.add_row(shown(person.person), person.reason, Many(person.likely))
    return table


def quarantined_lines(rows: Iterable[Quarantined]) -> Iterator[str]:
    """Rows of the catalog's list that name nobody."""
    for row in rows:
        yield f"row {row.row} of the catalog people, `{row.value}`, {row.reason}"


def written_line(sink: str, kind: str, added: dict[str, int], removed: dict[str, int]) -> str:
    """What a sink took."""
    changes = [f"+{count} {_WORDS[table]}" for table, count in added.items()]
    changes += [f"-{count} {_WORDS[table]}" for table, count in removed.items()]
    return f"{sink} ({kind}): {', '.join(changes) or 'nothing differs'}"


def mirror_json(mirrored: Mirrored) -> dict[str, Any]:
    """The mirror's numbers and matches, for the one who publishes it."""
    return {
        "source": mirrored.source,
        "rows": {name: len(table) for name, table in mirrored.tables.items() if len(table)},
        "matched": [match._asdict() for match in mirrored.matches.matched],
        "unmatched": [match._asdict() for match in mirrored.matches.unmatched],
    }


def catalog_tree(catalog: Catalog) -> Iterator[str | Table]:
    """The tree as that person sees it; a word for somebody who sees nothing, which is the same for everybody."""
    if not catalog.entries:
        yield f"{catalog.person} sees nothing of Tableau"
        return
    lines = [(f"{'  ' * one.depth}{shown(one.name, most=200)}  ({KIND_NAMES[one.kind]})",) for one in catalog.entries]
    yield Table(Column("What", NAME), name="catalog", rows=lines, plain=True)


def catalog_json(catalog: Catalog) -> dict[str, Any]:
    return {"person": catalog.person, "entries": [entry._asdict() for entry in catalog.entries]}
