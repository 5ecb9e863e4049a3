"""A mirror made out of the last one: who sees what is asked only where a change may have touched it.

What is touched is told by hashes of 64 bits with a secret factor of this run, over all that decides who of the catalog
may View a content; with it everything below it is. The rest of the last mirror stands. The result has the rows of a
mirror made anew, names of sets included.
"""

from __future__ import annotations

import secrets
from typing import NamedTuple

import numpy as np

from tabwarden.engine.columns import GROUP, GROUP_SET, NONE, USER, Array, Columns, Words
from tabwarden.engine.rules import hashed, mixed, summed
from tabwarden.mirror.build import Mirrored, MirrorRequest, Seeing, compressed, for_each, of_site, set_names
from tabwarden.mirror.match import Matches
from tabwarden.mirror.part import with_children
from tabwarden.mirror.tables import (
    Delta,
    Table,
    Tables,
    arrangement,
    extended,
    joined,
    patched,
    recoded,
    rows_apart,
    text_marks,
)
from tabwarden.mirror.visible import chosen_of, visible


class Last(NamedTuple):
    """The last mirror, compressed and enforced, of all projects: its tables, what is apart, and the site it is of."""

    tables: Tables
    apart: Array
    columns: Columns


def renewed(
    last: Last,
    columns: Columns,
    matches: Matches,
    request: MirrorRequest,
    *,
    limited: bool = False,
    seeing: Seeing = visible,
) -> Mirrored | None:
    """The mirror of a later read for the same people by the same request; None where it must be made anew.

    `matches` says of each person the same user as when the last one was made.
    """
    persons = Words.of(matches.by_user)
    users = [recoded(persons, c.names.words.at(c.names.user_id)) for c in (last.columns, columns)]
    if not _comparable(last.columns, columns, users):
        return None
    gone, touched = _touched(last.columns, columns, users)
    chosen, missing = chosen_of(columns, None)
    names, placed = for_each(columns, chosen, matches, touched, seeing=seeing)
    fresh = compressed(request.source, columns, placed, names)
    if len(fresh["content"]) != len(placed.apart):
        return None
    ids = last.columns.names.words.at(last.columns.names.content_id[gone])
    site = Words.of([columns.about.id])
    tables, apart = _merged(last, fresh, placed.apart, extended(ids, site)[1])
    tables = {**of_site(columns, matches, request, limited=limited), **tables}
    return Mirrored(request.source, tables, matches, missing, apart)


def _comparable(before: Columns, after: Columns, users: list[Array]) -> bool:
    """Whether nothing differs by which everything may: words, settings, the site's own name, roles of the people."""
    if users[0].max(initial=-1) >= len(before.users.role) or users[1].max(initial=-1) >= len(after.users.role):
        return False
    sites = [(c.vocabulary, c.about.settings, c.about.id, c.about.name) for c in (before, after)]
    roles = [columns.users.role[numbers] for columns, numbers in zip((before, after), users, strict=True)]
    return sites[0] == sites[1] and np.array_equal(roles[0], roles[1])


# -- what a change may have touched -------------------------------------------------------------------------------


def _touched(before: Columns, after: Columns, users: list[Array]) -> tuple[Array, Array]:
    """Which contents of each side are not on the other, or not seen in the same way for sure: a bool a content."""
    salt, words = np.uint64(secrets.randbits(64)), [columns.names.words for columns in (before, after)]
    if words[0].data is words[1].data or all(
        np.array_equal(mine, its) for mine, its in zip(*((w.data, w.ends) for w in words), strict=True)
    ):
        texts = [mixed(np.arange(len(words[0]), dtype=np.uint64) ^ salt)] * 2
    else:
        texts = [text_marks(side, salt) for side in words]
    sides = [
        _Marks(columns, numbers, marks, salt)
        for columns, numbers, marks in zip((before, after), users, texts, strict=True)
    ]
    ids, states = [side.ids("content")[: len(side.parents)] for side in sides], [side.contents() for side in sides]
    if np.array_equal(ids[0], ids[1]):
        differs = np.zeros(len(ids[0]), bool)
        for mine, its in zip(*states, strict=True):
            differs |= mine != its
        touched = with_children(after.contents.parent, differs)
        return touched, touched
    pairs = [hashed(marks, *columns) for marks, columns in zip(ids, states, strict=True)]
    touched = with_children(after.contents.parent, ~np.isin(pairs[1], pairs[0]))
    return ~np.isin(ids[0], ids[1][~touched]), touched


class _Marks:
    """Hashes of what a site says, by ids and not by numbers, as far as it decides what some people may View."""

    def __init__(self, columns: Columns, users: Array, texts: Array, salt: np.uint64) -> None:
        self.columns, self.texts = columns, texts
        self.parents = columns.contents.parent
        groups, lists = columns.groups, columns.rules
        most = max(int(a.max(initial=0)) for a in (users, columns.contents.owner, groups.members, lists.grantee >> 2))
        self.person = np.zeros(most + 1, np.uint64)  # of all others: nobody's
        self.person[users] = mixed(np.arange(len(users), dtype=np.uint64) ^ ~salt)

    def ids(self, table: str) -> Array:
        """Of what was read, and behind it of what is only named."""
        names = self.columns.names
        codes = np.concatenate((getattr(names, f"{table}_id"), getattr(names, f"{table}_named")))
        marks: Array = self.texts[codes]
        return marks

    def _grantees(self) -> list[Array]:
        """By code of the kind what a rule for each of them says: whose it is, and who of the people is meant."""
        groups, sets = self.columns.groups, self.columns.group_sets
        of_group, of_set = self.ids("group"), self.ids("group_set")
        members = summed(groups.offsets, self.person[groups.members])
        read = slice(len(groups.read))
        of_group[read] = hashed(of_group[read], members, groups.read, groups.everyone)
        parts = summed(sets.offsets, of_group[sets.groups])
        of_set[: len(parts)] = hashed(of_set[: len(parts)], parts)
        return [self.person, of_group, of_set]

    def _lists(self) -> Array:
        """Of each rule list, and behind them of one that was not read."""
        lists, marks = self.columns.rules, self._grantees()
        kind, number = lists.grantee & 3, lists.grantee >> 2
        who = np.zeros(len(kind), np.uint64)
        for code in (USER, GROUP, GROUP_SET):
            who[kind == code] = marks[code][number[kind == code]]
        rules = hashed(kind, who, lists.allow, lists.deny)
        rules[(kind == USER) & (who == 0)] = 0  # of no person of the catalog
        return np.append(summed(lists.offsets, rules), np.uint64(1))

    def contents(self) -> list[Array]:
        """Column by column all that decides who sees each content, but for what holds it, and its name and place."""
        contents, defaults, lists = self.columns.contents, self.columns.defaults, self._lists()
        count, names = len(contents.kind), self.columns.names
        above = np.append(self.ids("content"), np.uint64(0))[self.parents]
        by_kind = hashed(defaults.kind, lists[defaults.rules])
        ends = np.searchsorted(defaults.content, np.arange(count + 1))
        return [
            contents.kind,
            contents.mode,
            contents.tabs,
            self.person[contents.owner],
            lists[contents.rules],
            above,
            self.parents < count,
            self.texts[names.content_name],
            summed(ends, by_kind),
        ]


# -- the last mirror with what is fresh -----------------------------------------------------------------------------


def _merged(last: Last, fresh: Tables, fresh_apart: Array, items: Words) -> tuple[Tables, Array]:
    """The last mirror in which the rows of some items (ids) are those of a fresh one; and what is apart.

    Sets that lost or won a row are named anew, as their first row may be another one.
    """
    content, viewers, seeing = last.tables["content"], last.tables["viewers"], fresh["viewers"]
    known, same = len(viewers.words[1]), _same_sets(viewers, seeing)
    set_of = recoded(content.words[1], viewers.words[1])[content.codes[1]]
    more_of = same[recoded(fresh["content"].words[1], seeing.words[1])[fresh["content"].codes[1]]]
    content, more, gone = _in_one_table(content, fresh["content"], items)
    in_play = np.zeros(max(known, int(same.max(initial=-1)) + 1), bool)
    in_play[set_of[gone]] = in_play[more_of] = True
    stays = np.flatnonzero(in_play[set_of] & ~gone)
    sets, apart = np.append(set_of[stays], more_of), np.append(last.apart[stays], fresh_apart)
    filled, names = _named((content.at(stays), more), sets, apart)
    code = np.full(len(in_play), NONE)  # what is nobody's set any more has no name
    code[filled] = np.arange(len(filled))
    in_play[filled[filled < known][_unchanged(viewers, filled, names)]] = False
    texts = Words.of(names)

    def named(table: Table, numbers: Array) -> Table:
        return Table((table.codes[0], code[numbers], *table.codes[2:]), (table.words[0], texts, *table.words[2:]))

    stays = stays[in_play[set_of[stays]]]
    marks = last.apart[stays], fresh_apart
    rows = _marked(named(content.at(stays), set_of[stays]), marks[0]), _marked(named(more, more_of), marks[1])
    delta, come = _delta("content", _marked(content, last.apart), np.append(np.flatnonzero(gone), stays), rows)
    delta = delta._replace(add=Table(delta.add.codes[:-1], delta.add.words[:-1]))
    after = arrangement(len(content), delta)
    apart = np.resize(last.apart, after.length)
    apart[after.places] = np.append(last.apart, np.append(*marks)[come])[after.rows]
    places, new = np.flatnonzero(in_play[viewers.codes[1]]), np.flatnonzero(same[seeing.codes[1]] >= known)
    stays = places[code[viewers.codes[1][places]] != NONE]
    rows = named(viewers.at(stays), viewers.codes[1][stays]), named(seeing.at(new), same[seeing.codes[1][new]])
    seen, _ = _delta("viewers", viewers, places, rows)
    tables = {"viewers": patched(viewers, seen), "content": patched(content, delta)}
    return tables, apart


def _in_one_table(content: Table, more: Table, items: Words) -> tuple[Table, Table, Array]:
    """Two tables of content with the same texts, and of the first which rows are of the items."""
    into, few = extended(items, more.words[2])
    into_ids, ids = extended(content.words[2], few)
    words, codes = list(content.words), list(more.codes)
    for column in range(len(words)):
        if column in (2, 5):
            own = into if more.words[column] is more.words[2] else recoded(more.words[column], few)
            codes[column], words[column] = into_ids[own][more.codes[column]], ids
        else:
            own, words[column] = extended(content.words[column], more.words[column])
            codes[column] = own[more.codes[column]]
    gone = np.zeros(len(ids), bool)
    gone[into_ids[: len(items)]] = True
    table = Table((*content.codes[:5], recoded(content.words[5], ids)[content.codes[5]]), tuple(words))
    return table, Table(tuple(codes), tuple(words)), gone[content.codes[2]]


def _same_sets(old: Table, new: Table) -> Array:
    """Of each set of people in `new` the code that the same set has in `old`; numbers above all codes for others."""
    salt, marks = np.uint64(secrets.randbits(64)), []
    sizes = [np.bincount(table.codes[1], minlength=len(table.words[1])) for table in (old, new)]
    fits = old.at(np.isin(sizes[0], sizes[1])[old.codes[1]])  # most sets are of another size than any of the few
    persons = np.arange(len(old.words[2])), recoded(new.words[2], old.words[2])
    for table, person, size in zip((fits, new), persons, sizes, strict=True):
        starts = np.flatnonzero(np.diff(table.codes[1].astype(np.int64), prepend=-1))
        sums = np.zeros((2, len(size)), np.uint64)
        hashes = mixed(person.astype(np.uint64) ^ salt)[table.codes[2]]
        if len(starts):
            np.add.at(sums[0], table.codes[1][starts], np.add.reduceat(hashes, starts))
        sums[1] = size
        marks.append(hashed(*sums))
    order = np.argsort(marks[0])
    place = np.searchsorted(marks[0], marks[1], sorter=order)
    code = np.append(order, 0)[place]
    there = (place < len(order)) & (np.append(marks[0], 0)[code] == marks[1])
    return np.where(there, code, len(order) + np.cumsum(~there) - 1)


def _named(rows: tuple[Table, Table], sets: Array, apart: Array) -> tuple[Array, list[str]]:
    """The sets (numbers, rising) that some rows of content have, and the name of each by these rows."""
    order, count = np.argsort(sets, kind="stable"), len(sets)
    filled, viewers = np.unique(sets[order], return_inverse=True)
    texts = Words.of(())
    for column in (2, 5):
        for table in rows:
            texts = joined(texts, table.words[column].at(table.codes[column]))
    return filled, set_names(viewers, texts, order, count + order, apart[order]) if count else []


def _unchanged(viewers: Table, filled: Array, names: list[str]) -> Array:
    """Of each set that was there before whether its name is the same."""
    before = filled[filled < len(viewers.words[1])]
    same = [old == new for old, new in zip(viewers.words[1].at(before).all(), names, strict=False)]
    return np.asarray(same, bool)


_MARKS = Words.of(("", "apart"))


def _marked(table: Table, apart: Array) -> Table:
    """The table with a column more that says what is apart: a row of which only this changes is another one."""
    return Table((*table.codes, apart.astype(np.uint8)), (*table.words, _MARKS))


def _delta(name: str, table: Table, places: Array, rows: tuple[Table, Table]) -> tuple[Delta, Array]:
    """What differs where rows take the place of those at `places`; and which of the rows come."""
    first, then = rows
    if all(mine is its for mine, its in zip(first.words, then.words, strict=True)):
        both = Table(tuple(map(np.append, first.codes, then.codes)), first.words)
    else:
        both = patched(first, Delta(then, then, np.zeros(0, np.int64)))
    gone, come = rows_apart(name, table.at(places), both)
    return Delta(both.at(come), table.at(places[gone]), places[gone]), come
