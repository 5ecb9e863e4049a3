"""A mirror as tables of text, compressed or flat, and the difference of two. Not where they are written.

Every row may be shown to whom it is for. A content stands once for each parent under which somebody sees it, with the
set of those who do; those who see it for reasons of their own, as its owner may, are a set beside it, so that the set
of all others stays that of its like. A set is named after the first row that has it, so that its name tells nothing and
stays the same when people come and go.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from tabwarden.mirror.match import Match, Matches
from tabwarden.mirror.visible import SITE, People, Placed, Visible, everything, visible
from tabwarden.model.names import same
from tabwarden.model.site import Site

COMPRESSED, FLAT = "compressed", "flat"
FORMS = (COMPRESSED, FLAT)
YES, NO = "yes", "no"

Row = tuple[str, ...]
Tables = Mapping[str, frozenset[Row]]
"""Rows by table; see COLUMNS. A table that is not there has no rows."""

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "sources": ("source", "server", "site_id", "content_url", "taken", "reader", "reader_role", "limited", "enforced"),
    "people": ("source", "person", "user_id", "user_name", "matched_by"),
    "viewers": ("source", "viewers", "person"),
    "content": ("source", "viewers", "id", "kind", "name", "parent"),
    "access": ("source", "person", "id", "kind", "name", "parent"),
}
"""Tables and their columns, all text. `access` is the flat form; `viewers` and `content` the compressed one."""

ORDER = ("sources", "people", "viewers", "content", "access")
"""What is added in this order and taken away in the opposite one never shows more than the old or the new mirror."""


@dataclass(frozen=True, slots=True)
class Mirrored:
    """A mirror made: its tables, who was matched, and the words of the selection that name no project."""

    source: str
    tables: Tables
    matches: Matches
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be published: under which name, in which form, of which projects, enforced or not."""

    source: str
    form: str = COMPRESSED
    projects: tuple[str, ...] | None = None
    enforced: bool = True


class Delta(NamedTuple):
    """Rows of one table to add and to take away."""

    add: frozenset[Row]
    remove: frozenset[Row]


def mirrored(site: Site, matches: Matches, wish: Wish, *, limited: bool = False) -> Mirrored:
    """The tables of a site's mirror for these people."""
    found = visible(site, wish.projects, matches.by_user) if wish.enforced else everything(site, wish.projects)
    sets = _sets(found, matches) if wish.enforced else _for_all(found, matches)
    taken = site.taken
    marks = (YES if limited else NO, YES if wish.enforced else NO)
    about = (wish.source, taken.where, site.id, site.content_url, taken.when, taken.by, taken.by_role, *marks)
    people = [(wish.source, each.person, each.user, _user_name(site, each.user), each.how) for each in matches.matched]
    tables = {"sources": frozenset({_text(about)}), "people": frozenset(map(_text, people))}
    tables.update(_compressed(wish.source, sets) if wish.form == COMPRESSED else _flat(wish.source, sets))
    return Mirrored(wish.source, tables, matches, found.missing)


def _user_name(site: Site, user: str) -> str:
    """The user name, `domain\\name` where two domains have it: what others join by."""
    held = site.users[user]
    return held.name if len(site.users_named(held.name)) == 1 else f"{held.domain}\\{held.name}"


def _text(row: Row) -> Row:
    """A row that every sink can hold: what is no Unicode text, and the character that databases refuse, is replaced."""
    if all(value.isprintable() for value in row):
        return row
    return tuple(value.encode("utf-8", "replace").decode().replace("\0", "\ufffd") for value in row)


_Sets = Mapping[tuple[str, ...], list[Placed]]
"""Rows by the names of those who see them."""


def _sets(found: Visible, matches: Matches) -> _Sets:
    """Rows by who of the catalog sees them; what nobody of it sees is left out."""
    by_user = matches.by_user
    by_mask: dict[People, list[Placed]] = defaultdict(list)
    for row in found.placed:
        if row.who:
            by_mask[row.who].append(row)
    return {
        tuple(sorted(name for number in _bits(mask) for name in by_user[found.users[number]])): rows
        for mask, rows in by_mask.items()
    }


def _for_all(found: Visible, matches: Matches) -> _Sets:
    """Nothing is enforced: everything for everybody of the catalog, matched or not."""
    everybody = tuple(sorted({m.person for m in matches.matched} | {u.person for u in matches.unmatched}))
    return {everybody: list(found.placed)} if everybody else {}


def _bits(mask: People) -> Iterator[int]:
    while mask:
        lowest = mask & -mask
        yield lowest.bit_length() - 1
        mask ^= lowest


def _compressed(source: str, sets: _Sets) -> dict[str, frozenset[Row]]:
    viewers: set[Row] = set()
    content: set[Row] = set()
    for names, rows in sets.items():
        first = min((row.id, row.parent or "", "apart" * row.apart) for row in rows)
        named = hashlib.sha256("\0".join(first).encode("utf-8", "surrogatepass")).hexdigest()[:20]
        viewers.update(_text((source, named, name)) for name in names)
        content.update(_text((source, named, row.id, row.kind, row.name, row.parent or "")) for row in rows)
    return {"viewers": frozenset(viewers), "content": frozenset(content)}


def _flat(source: str, sets: _Sets) -> dict[str, frozenset[Row]]:
    rows = (
        _text((source, name, row.id, row.kind, row.name, row.parent or ""))
        for names, placed in sets.items()
        for row in placed
        for name in names
    )
    return {"access": frozenset(rows)}


# -- reading tables -------------------------------------------------------------------------------------------


def flat(tables: Tables) -> frozenset[Row]:
    """The rows of `access`, whichever form the tables have."""
    people: dict[str, list[str]] = defaultdict(list)
    for _, viewers, person in tables.get("viewers", ()):
        people[viewers].append(person)
    rows = {
        (source, person, *rest)
        for source, viewers, *rest in tables.get("content", ())
        for person in people.get(viewers, ())
    }
    return frozenset(rows) | tables.get("access", frozenset())


def rows_for(tables: Tables, person: str) -> frozenset[Row]:
    """The rows of `access` of one catalog person, letter case aside; none for somebody the mirror does not know."""
    mine = same(person)
    sets = {viewers for _, viewers, name in tables.get("viewers", ()) if same(name) == mine}
    rows = {(row[0], person, *row[2:]) for row in tables.get("content", ()) if row[1] in sets}
    rows |= {(row[0], person, *row[2:]) for row in tables.get("access", ()) if same(row[1]) == mine}
    return frozenset(rows)


# -- two mirrors ----------------------------------------------------------------------------------------------


def difference(before: Tables, after: Tables) -> Mapping[str, Delta]:
    """What to add and take away, by table, to get from one to the other; tables alike are left out."""
    none: frozenset[Row] = frozenset()
    deltas = {
        table: Delta(after.get(table, none) - before.get(table, none), before.get(table, none) - after.get(table, none))
        for table in ORDER
    }
    return {table: delta for table, delta in deltas.items() if delta.add or delta.remove}


def of_source(tables: Tables, source: str) -> Tables:
    """Only the rows of one source."""
    return {table: frozenset(row for row in rows if row[0] == source) for table, rows in tables.items()}


def match_rows(tables: Tables) -> tuple[Match, ...]:
    """The matches as they were published."""
    return tuple(Match(row[1], row[2], row[4]) for row in sorted(tables.get("people", ())))


def selection(words: Collection[str]) -> tuple[str, ...] | None:
    """A setting's list of projects: none written means all."""
    return tuple(words) or None


# -- for catalogs where a thing lies in one place -------------------------------------------------------------


class Item(NamedTuple):
    """A content once: the sets of people who see it, and what holds it for all of them.

    Where it hangs on different things for different people, `parent` is the site, which all of them see.
    """

    id: str
    kind: str
    name: str
    parent: str
    viewers: tuple[str, ...]


def sets_of(tables: Tables) -> Mapping[str, tuple[str, ...]]:
    """The people of each set of viewers, whichever form the tables have."""
    found: dict[str, list[str]] = defaultdict(list)
    for _, viewers, person in _as_compressed(tables)["viewers"]:
        found[viewers].append(person)
    return {viewers: tuple(sorted(people)) for viewers, people in sorted(found.items())}


def items_of(tables: Tables) -> tuple[Item, ...]:
    """Everything mirrored, once each, in order of id."""
    rows: dict[str, list[Row]] = defaultdict(list)
    for row in _as_compressed(tables)["content"]:
        rows[row[2]].append(row)
    (site,) = {row[2] for found in rows.values() for row in found if row[3] == SITE} or {""}
    items = []
    for each, found in sorted(rows.items()):
        parents = {row[5] for row in found}
        parent = parents.pop() if len(parents) == 1 else site
        items.append(Item(each, found[0][3], found[0][4], parent, tuple(sorted(row[1] for row in found))))
    return tuple(items)


def _as_compressed(tables: Tables) -> dict[str, frozenset[Row]]:
    flat_rows = tables.get("access", frozenset())
    if not flat_rows:
        return {table: tables.get(table, frozenset()) for table in ("viewers", "content")}
    people: dict[Row, set[str]] = defaultdict(set)
    for source, person, *rest in flat_rows:
        people[(source, *rest)].add(person)
    sets: dict[tuple[str, ...], list[Placed]] = defaultdict(list)
    for (_, each, kind, name, parent), seeing in people.items():
        sets[tuple(sorted(seeing))].append(Placed(each, kind, name, parent or None, 0))
    return _compressed(next(iter(flat_rows))[0], sets)
