"""Holding the last mirror against the live server: some people, what each is listed there and shown here.

A server administrator's sign-in may take anybody's place (Tableau Server), so every kind is compared. Elsewhere only
the workbooks the server lists for a user are. Reads only; but a server may count it as a sign-in of the person.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random

from tabwarden.mirror.rows import KINDS, YES
from tabwarden.mirror.tables import Tables, rows_for
from tabwarden.run.catalog import in_force, kept_tables
from tabwarden.run.context import connected
from tabwarden.run.mirror import age_since, words
from tabwarden.settings import Settings
from tabwarden.tableau.read.listed import can_stand_in, listed_for, workbooks_of


@dataclass(frozen=True, slots=True)
class Compared:
    """One person: ids shown here and not listed there (`beyond`), and listed there and not shown here (`missing`).

    `kinds` are those compared, none where the person could not be; `trouble` says why.
    """

    person: str
    user: str
    kinds: tuple[str, ...]
    beyond: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class Verified:
    """What came of it; `age` in words, `of` how many people the mirror serves."""

    people: tuple[Compared, ...]
    of: int
    taken: str
    age: str
    enforced: bool

    @property
    def differs(self) -> bool:
        """Whether anybody is shown more or less than the server lists."""
        return any(person.beyond or person.missing for person in self.people)


def verify(settings: Settings, *, sample: int = 20, seed: int = 0, now: datetime | None = None) -> Verified:
    """Compare that many people of the last mirror, chosen by the seed; all of them where there are fewer."""
    settings, _ = in_force(settings)
    tables = kept_tables(settings)
    (about,) = tables["sources"]
    served = sorted({(row[2], row[1]) for row in tables.get("people", ())})
    chosen = sorted(Random(seed).sample(served, min(sample, len(served))), key=lambda by_name: by_name[1].casefold())
    compared = tuple(_compared(settings, tables, chosen))
    age = age_since(about[4], now or datetime.now(UTC))
    return Verified(compared, len(served), about[4], words(age) if age is not None else "unknown", about[8] == YES)


def _compared(settings: Settings, tables: Tables, chosen: list[tuple[str, str]]) -> Iterator[Compared]:
    shown: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for _, person in chosen:
        for _, _, content, kind, _, _ in rows_for(tables, person):
            shown[person][kind].add(content)
    # With a selection, what nobody is shown was perhaps not selected.
    contents = (tables[name] for name in ("content", "items") if name in tables)
    known = {row[2] for table in contents for row in table} if settings.mirror.projects else None
    with connected(settings) as connection:
        everything = can_stand_in(connection)
        workbooks = {} if everything else workbooks_of(connection, [user for user, _ in chosen])
        for user, person in chosen:
            listed = listed_for(connection, user) if everything else {"workbook": workbooks[user]}
            yield _held_against(person, user, shown[person], listed, known)


def _held_against(
    person: str,
    user: str,
    shown: Mapping[str, set[str]],
    listed: Mapping[str, frozenset[str]] | None,
    known: set[str] | None,
) -> Compared:
    """One person's two lists; who may not come in (`listed` None) sees nothing, and must see nothing here."""
    if listed is None and any(shown.values()):
        return Compared(person, user, (), trouble="the server lets nobody in in this place")
    kinds = tuple(kind for kind in KINDS if listed is None or kind in listed)
    by_engine = {content for kind in kinds for content in shown.get(kind, ())}
    there = {content for kind in kinds for content in (listed or {}).get(kind, ())}
    missing = there - by_engine if known is None else (there - by_engine) & known
    return Compared(person, user, kinds, tuple(sorted(by_engine - there)), tuple(sorted(missing)))
