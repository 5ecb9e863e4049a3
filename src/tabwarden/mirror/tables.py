"""A mirror as tables of text, in any form: columns of codes into different texts, and the difference of two.

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

from tabwarden.engine.columns import NONE, Array, Words
from tabwarden.engine.rules import distinct, expand, mixed
from tabwarden.mirror.rows import COLUMNS, GROUPED, OF_FACTS, ORDER, Row
from tabwarden.model.names import same

_BLOCK = 1 << 16
_LOW = (1 << 20) - 1


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
    if len(tables.get("items", ())):
        tables = unfolded(tables)
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


def unfolded(tables: Tables) -> Tables:
    """The tables `viewers` and `content` of facts, whose sets are called by the numbers of their classes."""
    items, classes, members = (tables[name] for name in ("items", "classes", "members"))
    into = recoded(classes.words[2], members.words[1])[classes.codes[2]]
    order = np.argsort(members.codes[1], kind="stable")
    count = max(len(members.words[1]), int(into.max(initial=0)) + 1)
    of, entry = expand(np.searchsorted(members.codes[1][order], np.arange(count + 1)), into)
    width = max(len(members.words[2]), 1)
    pairs = classes.codes[1][of].astype(np.int64) * width + members.codes[2][order[entry]]
    out = among(classes, 3, lambda excepted: excepted != "0")[of]
    pairs = distinct(pairs[~np.isin(pairs, pairs[out])])
    viewers = (np.zeros(len(pairs), np.uint8), pairs // width, pairs % width)
    return {"viewers": Table(viewers, (items.words[0], classes.words[1], members.words[2])), "content": items}


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
    if all(name in tables for name in OF_FACTS):
        members, classes, items = (tables[name] for name in OF_FACTS)
        circles = {row[1] for row in members.at(_named(members, 2, person))}
        mine = {False: set[str](), True: set[str]()}
        for _, name, _, excepted in classes.at(among(classes, 2, lambda circle: circle in circles)):
            mine[excepted != "0"].add(name)
        rows.update(items.at(among(items, 1, lambda name: name in mine[False] - mine[True])))
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


# -- two mirrors ----------------------------------------------------------------------------------------------


class Delta(NamedTuple):
    """Rows of one table to add and to take away; `places` are those of the latter in the table before."""

    add: Table
    remove: Table
    places: Array


def difference(before: Tables, after: Tables) -> Mapping[str, Delta]:
    """What to add and take away, by table, to get from one to the other; tables alike are left out."""
    deltas = {}
    for name in ORDER:
        old, new = before.get(name) or Table.of(name), after.get(name) or Table.of(name)
        if not len(old) or not len(new):
            delta = Delta(new, old, np.arange(len(old)))
        else:
            gone, come = rows_apart(name, old, new)
            delta = Delta(new.at(come), old.at(gone), gone)
        if len(delta.add) or len(delta.remove):
            deltas[name] = delta
    return deltas


def _recoded_all(old: Table, new: Table) -> list[Array]:
    """The columns of `old` in the codes of `new`."""
    known: dict[tuple[int, int], Array | None] = {}
    columns = []
    for codes, *sides in zip(old.codes, old.words, new.words, strict=True):
        key = id(sides[0]), id(sides[1])
        if key not in known:
            known[key] = None if _begins(*sides) else recoded(*sides)
        into = known[key]
        columns.append(codes if into is None else into[codes])
    return columns


def _begins(old: Words, new: Words) -> bool:
    """Whether the texts of `old` are the first of `new`."""
    count, octets = len(old), len(old.data)
    return np.array_equal(old.ends, new.ends[:count]) and np.array_equal(old.data, new.data[:octets])


def recoded(old: Words, new: Words) -> Array:
    """For each text of `old` its code in `new`; numbers above all codes of `new` for what is not there."""
    if _begins(old, new) or _begins(new, old):
        return np.arange(len(old))
    salt, common = np.uint64(secrets.randbits(64)), min(len(old), len(new))
    marks = [text_marks(words, salt) for words in (old, new)]
    unlike = np.flatnonzero(marks[0][:common] != marks[1][:common])
    wanted, others = (np.append(unlike, np.arange(common, len(side))) for side in marks)
    low = np.zeros(_LOW + 1, bool)  # most of what is there is not wanted, and told by a few bits
    low[marks[0][wanted] & np.uint64(_LOW)] = True
    others = others[low[marks[1][others] & np.uint64(_LOW)]]
    order = np.argsort(marks[0][wanted])
    place, ordered = np.searchsorted(marks[0][wanted], marks[1][others], sorter=order), marks[0][wanted[order]]
    hits = np.flatnonzero(np.append(ordered, 0)[place] == marks[1][others])
    hits = hits[place[hits] < len(order)]
    into = np.arange(len(old))
    into[wanted] = NONE
    into[wanted[order[place[hits]]]] = others[hits]
    missing = into == NONE
    into[missing] = len(new) + np.arange(int(missing.sum()))
    return into


def text_marks(words: Words, salt: np.uint64) -> Array:
    """A hash of 64 bits of each text, for which nobody who does not know `salt` can choose two texts."""
    lengths = np.diff(words.ends, prepend=0)
    marks, rows = mixed(lengths.astype(np.uint64) ^ salt), np.flatnonzero(lengths)
    step = 0
    while len(rows):
        marks[rows] = mixed(marks[rows] ^ eight(words, rows, step))
        step += 8
        rows = rows[lengths[rows] > step]
    return marks


def eight(words: Words, codes: Array, start: int) -> Array:
    """Eight bytes of each text from `start` on, as numbers in the order of the texts."""
    begins = np.append(0, words.ends[:-1])[codes] + start
    length = np.clip(words.ends[codes] - begins, 0, 8).astype(np.uint64)
    windows = np.lib.stride_tricks.sliding_window_view(np.append(words.data, np.zeros(8, np.uint8)), 8)
    octets = windows[np.minimum(begins, len(words.data))].view(">u8")[:, 0].astype(np.uint64)
    beyond = np.where(
        length < 8, np.uint64(2**64 - 1) >> (np.uint64(8) * np.minimum(length, np.uint64(7))), np.uint64(0)
    )
    bits: Array = octets & ~beyond
    return bits


def rows_apart(name: str, before: Table, after: Table) -> tuple[Array, Array]:
    """Places of the rows of one table that are not in the other, and the other way.

    What stands at one place in both is looked at no more. A group is known by the sum of its rows' hashes, of 64 bits
    with a secret factor of this run, and their number; only rows of groups that differ are looked at one by one.
    """
    old, new = _recoded_all(before, after), list(after.codes)
    by = COLUMNS[name].index(GROUPED[name])
    common = min(len(old[0]), len(new[0]))
    unlike = np.zeros(common, bool)
    for mine, other in zip(old, new, strict=True):
        unlike |= mine[:common] != other[:common]
    places = [np.append(np.flatnonzero(unlike), np.arange(common, len(side[0]))) for side in (old, new)]
    old, new = ([codes[rows] for codes in side] for side, rows in zip((old, new), places, strict=True))
    salt = np.uint64(secrets.randbits(64) | 1)
    sizes = [max(int(codes.max(initial=0)) for codes in sides) + 1 for sides in zip(old, new, strict=True)]
    keys = [_keys(codes, sizes, salt) for codes in (old, new)]
    sums = [by_group(codes[by], marks, sizes[by], salt) for codes, marks in zip((old, new), keys, strict=True)]
    differs = (sums[0] != sums[1]).any(axis=0)
    rows = [np.flatnonzero(differs[codes[by]]) for codes in (old, new)]
    marks = [all_marks[these] for all_marks, these in zip(keys, rows, strict=True)]
    gone, come = ~np.isin(marks[0], marks[1]), ~np.isin(marks[1], marks[0])
    return places[0][rows[0][gone]], places[1][rows[1][come]]


def _keys(columns: Sequence[Array], sizes: Sequence[int], salt: np.uint64) -> Array:
    """A number for each row: exactly one where 64 bits hold them all, else a hash."""
    exact = prod(sizes) < 1 << 63
    keys = np.zeros(len(columns[0]), np.uint64)
    for codes, size in zip(columns, sizes, strict=True):
        if size > 1:
            keys = (keys * np.uint64(size) if exact else mixed(keys ^ salt)) + codes.astype(np.uint64)
    return keys


def by_group(groups: Array, keys: Array, count: int, salt: np.uint64) -> Array:
    """Of each group the sum of hashes of its rows, and how many rows it has."""
    sums = np.zeros((2, count), np.uint64)
    marks = keys * salt
    marks ^= marks >> np.uint64(32)
    marks *= salt
    marks ^= marks >> np.uint64(29)
    np.add.at(sums[0], groups, marks)
    sums[1] = np.bincount(groups, minlength=count)
    return sums


# -- one mirror out of another ----------------------------------------------------------------------------------


def patched(table: Table, delta: Delta) -> Table:
    """The table after a difference was carried out; no text is left in it that no row has."""
    length, places, rows = arrangement(len(table), delta)
    stays = rows < len(table)
    known: dict[tuple[int, int], tuple[Array, Words]] = {}
    codes, words = [], []
    for mine, more, *sides in zip(table.codes, delta.add.codes, table.words, delta.add.words, strict=True):
        key = id(sides[0]), id(sides[1])
        if key not in known:
            known[key] = extended(*sides)
        into, texts = known[key]
        column = np.resize(mine, length) if length > len(table) else mine[:length].copy()
        column = column.astype(np.min_scalar_type(max(len(texts) - 1, 0)), copy=False)
        column[places[stays]] = mine[rows[stays]]
        column[places[~stays]] = into[more][rows[~stays] - len(table)]
        codes.append(column)
        words.append(texts)
    return trimmed(Table(tuple(codes), tuple(words)))


class Arrangement(NamedTuple):
    """How many rows there are after a difference; at which places (rising) another row stands than before, and which:
    one of those before, or, numbered behind them, one of those that come."""

    length: int
    places: Array
    rows: Array


def arrangement(count: int, delta: Delta) -> Arrangement:
    """Where the rows stand that come to `count` rows and go.

    What comes takes the places of what goes, so that two tables one change apart differ at few of them.
    """
    gone, come = delta.places, np.arange(count, count + len(delta.add))
    both = min(len(gone), len(come))
    holes, length = gone[both:], count + len(come) - len(gone)
    places, rows = np.append(gone[:both], np.arange(count, length)), come
    if len(holes):  # the last rows fill them
        end, beyond = np.arange(length, count), places >= length
        end[places[beyond] - length] = rows[beyond]
        last = np.ones(len(end), bool)
        last[holes[holes >= length] - length] = False
        places = np.append(places[~beyond], holes[holes < length])
        rows = np.append(rows[~beyond], end[last])
    order = np.argsort(places)
    return Arrangement(length, places[order], rows[order])


def extended(words: Words, more: Words) -> tuple[Array, Words]:
    """The codes of the texts of `more`, and the texts with those behind them that were not there."""
    into = recoded(more, words)
    new = into >= len(words)
    return into, joined(words, more.at(np.flatnonzero(new))) if new.any() else words


def joined(words: Words, more: Words) -> Words:
    """Texts behind each other, which must differ."""
    start = words.ends[-1] if len(words) else 0
    return Words(np.concatenate((words.data, more.data)), np.concatenate((words.ends, more.ends + start)))


def trimmed(table: Table) -> Table:
    """The same without texts that no row has: a dictionary that holds more than its rows tells hidden names.

    The last texts take the places of those, so that most codes stay as they are.
    """
    used = {id(texts): np.zeros(len(texts), bool) for texts in table.words}
    for column, texts in zip(table.codes, table.words, strict=True):
        used[id(texts)][column] = True
    fewer: dict[int, tuple[Array | None, Words]] = {}
    for texts in table.words:
        there = used[id(texts)]
        count = int(there.sum())
        if count == len(texts):
            fewer[id(texts)] = None, texts
            continue
        into, order, holes = np.arange(len(texts)), np.arange(count), np.flatnonzero(~there[:count])
        order[holes] = count + np.flatnonzero(there[count:])
        into[order[holes]] = holes
        fewer[id(texts)] = into, texts.at(order)
    pairs = [(column, *fewer[id(texts)]) for column, texts in zip(table.codes, table.words, strict=True)]
    columns = (narrow(column if into is None else into[column], texts) for column, into, texts in pairs)
    return Table(tuple(columns), tuple(texts for _, _, texts in pairs))


def narrow(codes: Array, words: Words) -> Array:
    """The codes as narrow as there are texts."""
    return codes.astype(np.min_scalar_type(max(len(words) - 1, 0)), copy=False)
