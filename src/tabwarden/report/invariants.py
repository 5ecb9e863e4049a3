"""Invariants as a table and as JSON: which hold, who breaks which, why and since when."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from tabwarden.compare.access_changes import Decision
from tabwarden.model.site import Site
from tabwarden.plan.breaches import Breach
from tabwarden.plan.invariants import Judged, breach_words, what_of, who_of
from tabwarden.report.answers import reason
from tabwarden.report.table import MARK, NAME, NUMBER, Column, Drawable, Many, Table, Text
from tabwarden.report.timeline import Turned, because, since

Turns = Mapping[Decision, Turned]
STYLES = {"broken": "bold red", "unknown": "bold yellow", "holds": ""}
SHOWN = 20


def headline(judged: list[Judged]) -> str:
    """`2 of 5 invariants are broken, 1 is unknown`."""
    broken, unknown = (sum(one.state == state for one in judged) for state in ("broken", "unknown"))
    words = "all hold" if not broken + unknown else f"{broken} broken, {unknown} unknown"
    return f"{len(judged)} invariants: {words}"


def parts(site: Site, judged: list[Judged], turns: Turns) -> Iterator[Drawable]:
    """The answer of `check`: how many, each with its state, then every breach that is told."""
    yield Text(headline(judged), "bold")
    columns = (Column("Invariant", NAME), Column("State", MARK), Column("Breaches", NUMBER))
    more = (Column("Could break it", NUMBER, "could"), Column("Unknown", NUMBER))
    table = Table(*columns, *more, Column("Where", NAME), name="invariants")
    for one in judged:
        state = Text(one.state, STYLES[one.state])
        table.add_row(one.invariant.name, state, one.number, one.possible, one.unknown, one.invariant.where)
    yield table
    yield from (f"{one.invariant.name}: {note}" for one in judged for note in one.notes)
    breaches = [(one, breach) for one in judged for breach in (*one.breaches, *one.could)]
    if breaches:
        yield _breaches(site, breaches, turns)


def _breaches(site: Site, breaches: list[tuple[Judged, Breach]], turns: Turns) -> Table:
    """A row for all who break the same in the same place for the same reason."""
    alike: dict[tuple[str, str, str, str, str], list[str]] = {}
    for one, breach in breaches:
        turn = turns.get((breach.user, breach.content, breach.what))
        when = "" if turn is None else f"{since(turn)}: {because(turn)}"
        place = one.invariant.name, what_of(site, breach), site.path(breach.content), _why(site, breach), when
        alike.setdefault(place, []).append(who_of(site, breach))
    columns = (Column("Invariant", NAME), "May", Column("Content", NAME), Column("Who", NAME), "Why", "Since")
    rows = [(*place[:3], Many(names), *place[3:]) for place, names in alike.items()]
    return Table(*columns, name="breaches", title="Who breaks them", rows=rows, shown=SHOWN)


def _why(site: Site, breach: Breach) -> str:
    return "" if breach.answer is None or breach.group else reason(site, breach.answer)


def as_json(site: Site, judged: Iterable[Judged], turns: Turns) -> dict[str, Any]:
    """Each invariant with its breaches by ids and names."""
    return {"snapshot": site.taken.when, "invariants": [_invariant_json(site, one, turns) for one in judged]}


def _invariant_json(site: Site, one: Judged, turns: Turns) -> dict[str, Any]:
    return {
        "name": one.invariant.name,
        "where": one.invariant.where,
        "state": one.state,
        "breaches": one.number,
        "could": one.possible,
        "unknown": one.unknown,
        "notes": list(one.notes),
        "told": [_breach_json(site, breach, turns) for breach in (*one.breaches, *one.could)],
    }


def _breach_json(site: Site, breach: Breach, turns: Turns) -> dict[str, Any]:
    turn = turns.get((breach.user, breach.content, breach.what))
    return {
        "user": site.called(breach.user) if breach.user else None,
        "group": breach.group or None,
        "content": {
            "id": breach.content,
            "kind": site.contents[breach.content].kind,
            "path": site.path(breach.content),
        },
        "what": what_of(site, breach),
        "words": breach_words(site, breach),
        "why": _why(site, breach) or None,
        "since": None if turn is None else since(turn),
        "because": None if turn is None else because(turn),
    }
