"""A mirror as tables of text, compressed or flat: columns of codes into different texts, and the difference of two.

Every row may be shown to whom it is for. A content stands once for each parent under which somebody sees it, with the
set of those who do; those who see it for reasons of their own, as its owner may, are a set beside it, so that the set
of all others stays that of its like.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import NamedTuple

import numpy as np

from tabwarden.engine.columns import Array, Words
from tabwarden.engine.rules import expand, mixed
from tabwarden.mirror.match import Match
from tabwarden.model.names import same

COMPRESSED, FLAT = "compressed", "flat"
FORMS = (COMPRESSED, FLAT)
YES, NO = "yes", "no"
SITE = "site"
KINDS = ("project", "workbook", "view", "datasource")
"""What is mirrored beside the site itself; a view is the documents' sheet."""

Row = tuple[str, ...]

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

GROUPED = {"sources": "site_id", "people": "person", "viewers": "viewers", "content": "id", "access": "id"}
"""The column by whose values two tables are compared first: one hash for each set of viewers or item."""

_BLOCK = 1 << 16


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """Rows of text as columns: the value of column c in row i is text `codes[c][i]` of `words[c]`, each text once."""

    codes: tuple[Array, ...]
    words: tuple[Words, ...]

    def __len__(self) -> int:
        return len(self.codes[0])

    def __iter__(self) -> Iterator[Row]:
        texts = [words.all() for words in self.words]
        for start in range(0, len(self), _BLOCK):
            block = (codes[start : start + _BLOCK].tolist() for codes in self.codes)
            yield from zip(*([of[code] for code in codes] for of, codes in zip(texts, block, strict=True)), strict=True)

    def at(self, places: Array) -> Table:
        """The rows at these places (numbers, or a bool a row)."""
        return Table(tuple(codes[places] for codes in self.codes), self.words)

    @staticmethod
    def of(name: str, rows: Iterable[Row] = ()) -> Table:
        """The table of that name with these rows; ValueError for a row of another width."""
        width = len(COLUMNS[name])
        numbers: list[dict[str, int]] = [{} for _ in range(width)]
        flat: list[int] = []
        for row in rows:
            if len(row) != width:
                raise ValueError(f"a row of `{name}` has {len(row)} values, not {width}")
            flat += [known.setdefault(value, len(known)) for known, value in zip(numbers, row, strict=True)]
        codes = np.asarray(flat, np.int32).reshape(-1, width)
        return Table(tuple(codes[:, place] for place in range(width)), tuple(map(Words.of, numbers)))


Tables = Mapping[str, Table]
"""Tables by name; see COLUMNS. One that is not there has no rows."""


def tables_of(rows: Mapping[str, Iterable[Row]]) -> Tables:
    """Tables of rows of text."""
    return {name: Table.of(name, of_table) for name, of_table in rows.items()}


# -- reading tables -------------------------------------------------------------------------------------------


def flattened(tables: Tables) -> Table:
    """The table `access`, whichever form the tables have."""
    content, viewers = tables.get("content"), tables.get("viewers")
    if content is None or viewers is None or not len(content):
        return tables.get("access") or Table.of("access")
    into = recoded(viewers.words[1], content.words[1])[viewers.codes[1]]
    count = max(len(content.words[1]), int(into.max(initial=0)) + 1)
    order = np.argsort(into, kind="stable")
    row, entry = expand(np.searchsorted(into[order], np.arange(count + 1)), content.codes[1])
    rest = content.at(row)
    person = viewers.codes[2][order[entry]]
    access = Table((rest.codes[0], person, *rest.codes[2:]), (rest.words[0], viewers.words[2], *rest.words[2:]))
    return access if not len(tables.get("access", ())) else Table.of("access", {*access, *tables["access"]})


def flat(tables: Tables) -> frozenset[Row]:
    """The rows of `access`, whichever form the tables have."""
    return frozenset(flattened(tables))


def rows_for(tables: Tables, person: str) -> frozenset[Row]:
    """The rows of `access` of one catalog person, letter case aside; none for somebody the mirror does not know."""
    rows: set[Row] = set()
    if "viewers" in tables and "content" in tables:
        viewers, content = tables["viewers"], tables["content"]
        sets = {row[1] for row in viewers.at(_named(viewers, 2, person))}
        rows.update(content.at(among(content, 1, lambda name: name in sets)))
    if "access" in tables:
        rows.update(tables["access"].at(_named(tables["access"], 1, person)))
    return frozenset((row[0], person, *row[2:]) for row in rows)


def _named(table: Table, column: int, person: str) -> Array:
    mine = same(person)
    return among(table, column, lambda name: same(name) == mine)


def among(table: Table, column: int, wanted: Callable[[str], bool]) -> Array:
    """Of each row whether the text of a column is wanted."""
    fits = [wanted(text) for text in table.words[column].all()]
    mask: Array = np.asarray(fits, bool)[table.codes[column]]
    return mask


def match_rows(tables: Tables) -> tuple[Match, ...]:
    """The matches as they were published."""
    return tuple(Match(row[1], row[2], row[4]) for row in sorted(tables.get("people", ())))


# -- two mirrors ----------------------------------------------------------------------------------------------


class Delta(NamedTuple):
    """Rows of one table to add and to take away."""

    add: Table
    remove: Table


def difference(before: Tables, after: Tables) -> Mapping[str, Delta]:
    """What to add and take away, by table, to get from one to the other; tables alike are left out."""
    deltas = {}
    known: dict[tuple[int, int], Array] = {}
    for name in ORDER:
        old, new = before.get(name) or Table.of(name), after.get(name) or Table.of(name)
        if not len(old) or not len(new):
            delta = Delta(new, old)
        else:
            into = []
            for sides in zip(old.words, new.words, strict=True):
                key = id(sides[0]), id(sides[1])
                if key not in known:
                    known[key] = recoded(*sides)
                into.append(known[key])
            codes = [way[column] for way, column in zip(into, old.codes, strict=True)]
            gone, new_ones = _apart(codes, new.codes, COLUMNS[name].index(GROUPED[name]))
            delta = Delta(new.at(new_ones), old.at(gone))
        if len(delta.add) or len(delta.remove):
            deltas[name] = delta
    return deltas


def recoded(old: Words, new: Words) -> Array:
    """For each text of `old` its code in `new`; numbers above all codes of `new` for what is not there."""
    if np.array_equal(old.ends, new.ends) and np.array_equal(old.data, new.data):
        return np.arange(len(old))
    numbers = {text: code for code, text in enumerate(new.all())}
    return np.asarray([numbers.setdefault(text, len(numbers)) for text in old.all()], np.int64)


def _apart(old: Sequence[Array], new: Sequence[Array], by: int) -> tuple[Array, Array]:
    """Places of the rows of `old` that are not in `new`, and the other way; `by` is the column of the groups.

    A group is known by the sum of its rows' hashes, of 64 bits with a secret factor of this run, and their number; only
    rows of groups that differ are looked at one by one.
    """
    if len(old[0]) == len(new[0]) and all(np.array_equal(*sides) for sides in zip(old, new, strict=True)):
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    salt = np.uint64(secrets.randbits(64) | 1)
    sizes = [max(int(sides[0].max()), int(sides[1].max())) + 1 for sides in zip(old, new, strict=True)]
    keys = [_keys(codes, sizes, salt) for codes in (old, new)]
    sums = [_summed(codes[by], marks, sizes[by], salt) for codes, marks in zip((old, new), keys, strict=True)]
    differs = (sums[0] != sums[1]).any(axis=0)
    places = [np.flatnonzero(differs[codes[by]]) for codes in (old, new)]
    marks = [all_marks[rows] for all_marks, rows in zip(keys, places, strict=True)]
    return places[0][~np.isin(marks[0], marks[1])], places[1][~np.isin(marks[1], marks[0])]


def _keys(columns: Sequence[Array], sizes: Sequence[int], salt: np.uint64) -> Array:
    """A number for each row: exactly one where 64 bits hold them all, else a hash."""
    exact = prod(sizes) < 1 << 63
    keys = np.zeros(len(columns[0]), np.uint64)
    for codes, size in zip(columns, sizes, strict=True):
        if size > 1:
            keys = (keys * np.uint64(size) if exact else mixed(keys ^ salt)) + codes.astype(np.uint64)
    return keys


def _summed(groups: Array, keys: Array, count: int, salt: np.uint64) -> Array:
    """Of each group the sum of hashes of its rows, and how many rows it has."""
    sums = np.zeros((2, count), np.uint64)
    marks = keys * salt
    marks ^= marks >> np.uint64(32)
    marks *= salt
    marks ^= marks >> np.uint64(29)
    np.add.at(sums[0], groups, marks)
    sums[1] = np.bincount(groups, minlength=count)
    return sums
