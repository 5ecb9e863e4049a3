"""A mirror made: the tables of a site for the people of a catalog, from its columns."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import numpy as np

from tabwarden.engine.columns import NONE, Array, Columns, Words
from tabwarden.engine.rules import expand
from tabwarden.mirror.items import set_name
from tabwarden.mirror.match import Matches, SiteUsers, users_of
from tabwarden.mirror.tables import COMPRESSED, NO, SITE, YES, Row, Table, Tables, flattened
from tabwarden.mirror.visible import Placed, chosen_of, everything, visible


@dataclass(frozen=True, slots=True)
class MirrorRequest:
    """What is to be published: under which name, in which form, of which projects, enforced or not."""

    source: str
    form: str = COMPRESSED
    projects: tuple[str, ...] | None = None
    enforced: bool = True


@dataclass(frozen=True, slots=True)
class Mirrored:
    """A mirror made: its tables, who was matched, and the words that name no project with what is near them."""

    source: str
    tables: Tables
    matches: Matches
    missing: Mapping[str, str] = field(default_factory=dict)


def mirrored(columns: Columns, matches: Matches, request: MirrorRequest, *, limited: bool = False) -> Mirrored:
    """The tables of a site's mirror for these people."""
    chosen, missing = chosen_of(columns, request.projects)
    users = users_of(columns)
    site, taken = columns.about, columns.about.taken
    marks = (YES if limited else NO, YES if request.enforced else NO)
    about = (request.source, taken.where, site.id, site.content_url, taken.when, taken.by, taken.by_role, *marks)
    people = [
        (request.source, match.person, match.user, users.told(users.numbers[match.user]), match.how)
        for match in matches.matched
    ]
    if request.enforced:
        persons, placed = _for_each(columns, chosen, matches, users)
    else:
        persons, placed = _for_all(columns, chosen, matches)
    tables: dict[str, Table] = {
        "sources": _clean("sources", Table.of("sources", [about])),
        "people": _clean("people", Table.of("people", people)),
    }
    tables |= _compressed(request.source, columns, placed, persons)
    mirror = Mirrored(request.source, tables, matches, missing)
    return mirror if request.form == COMPRESSED else in_flat_form(mirror)


def in_flat_form(mirror: Mirrored) -> Mirrored:
    """The same mirror with a row for each person and content."""
    tables = {name: mirror.tables[name] for name in ("sources", "people")} | {"access": flattened(mirror.tables)}
    return Mirrored(mirror.source, tables, mirror.matches, mirror.missing)


def selection(words: Collection[str]) -> tuple[str, ...] | None:
    """A setting's list of projects: none written means all."""
    return tuple(words) or None


def _for_each(columns: Columns, chosen: Array, matches: Matches, users: SiteUsers) -> tuple[list[str], Placed]:
    """People, and what each of them sees: sets have places of that list as members."""
    by_user = {users.numbers[user]: persons for user, persons in matches.by_user.items()}
    numbers = sorted(by_user)
    placed = visible(columns, chosen, np.asarray(numbers, np.int64))
    first = np.zeros(len(users.ids) + 1, np.int64)
    first[np.asarray(numbers, np.int64) + 1] = [len(by_user[number]) for number in numbers]
    first = np.cumsum(first)
    at, person = expand(first, placed.members)
    before = np.searchsorted(at, placed.offsets)
    return [name for number in numbers for name in by_user[number]], placed._replace(members=person, offsets=before)


def _for_all(columns: Columns, chosen: Array, matches: Matches) -> tuple[list[str], Placed]:
    """Nothing is enforced: everything for everybody of the catalog, matched or not."""
    persons = sorted({m.person for m in matches.matched} | {u.person for u in matches.unmatched})
    content, parent = everything(columns, chosen)
    rows = len(content) if persons else 0
    one = np.zeros(rows, np.int64)
    everybody = np.array([0, len(persons)]) if persons else np.zeros(1, np.int64)
    return persons, Placed(content[:rows], parent[:rows], one.astype(bool), one, everybody, np.arange(len(persons)))


# -- numbers become text ----------------------------------------------------------------------------------------


def _compressed(source: str, columns: Columns, placed: Placed, persons: list[str]) -> dict[str, Table]:
    """The tables of viewers and content; no text is in them that no row has."""
    site, names, count = columns.about, columns.names, len(columns.contents.kind)
    seen = np.zeros(count + 1, bool)
    seen[placed.content] = True
    of_content, items = seen[:-1], np.cumsum(seen) - 1
    ids = _joined(names.words.at(names.content_id[of_content]), [*([site.id] if seen[-1] else ()), ""])
    item = items[placed.content]
    parent = np.where(placed.parent == NONE, len(ids) - 1, items[placed.parent])
    name_of, titles = _few(names.content_name[of_content], names.words)
    name_of, titles = _with(name_of, titles, site.name) if seen[-1] else (name_of, titles)
    kind_of, kinds = _few(columns.contents.kind[of_content], Words.of(columns.vocabulary.kinds))
    kind_of, kinds = _with(kind_of, kinds, SITE) if seen[-1] else (kind_of, kinds)
    sets = Words.of(_set_names(placed, ids, item, parent))
    shown, seeing = _few(placed.members, Words.of(persons))
    of_source = Words.of([source])
    viewers = np.repeat(np.arange(len(sets), dtype=np.int32), np.diff(placed.offsets))
    tables = {
        "viewers": ((_none(viewers), viewers, shown), (of_source, sets, seeing)),
        "content": (
            (_none(item), placed.viewers, item, kind_of[item], name_of[item], parent),
            (of_source, sets, ids, kinds, titles, ids),
        ),
    }
    return {
        name: _clean(name, Table(tuple(map(_narrow, codes, words)), words)) for name, (codes, words) in tables.items()
    }


def _none(like: Array) -> Array:
    return np.zeros(len(like), np.uint8)


def _narrow(codes: Array, words: Words) -> Array:
    """The codes as narrow as there are texts."""
    return codes.astype(np.min_scalar_type(max(len(words) - 1, 0)))


def _few(codes: Array, words: Words) -> tuple[Array, Words]:
    """Codes into the texts that are used, and these alone."""
    used = np.zeros(len(words), bool)
    used[codes] = True
    return (np.cumsum(used) - 1)[codes], words.at(np.flatnonzero(used))


def _joined(words: Words, texts: list[str]) -> Words:
    more = Words.of(texts)
    start = words.ends[-1] if len(words) else 0
    return Words(np.concatenate((words.data, more.data)), np.concatenate((words.ends, more.ends + start)))


def _with(codes: Array, words: Words, text: str) -> tuple[Array, Words]:
    """One row more, with this text, which is there already or comes behind."""
    octets = np.frombuffer(text.encode("utf-8", "surrogatepass"), np.uint8)
    starts = np.append(0, words.ends[:-1])[: len(words)]
    for code in np.flatnonzero(words.ends - starts == len(octets)).tolist():
        if np.array_equal(words.data[starts[code] : words.ends[code]], octets):
            return np.append(codes, code), words
    return np.append(codes, len(words)), _joined(words, [text])


def _set_names(placed: Placed, ids: Words, item: Array, parent: Array) -> list[str]:
    """A name for each set, after its first row by id."""
    starts = np.searchsorted(placed.viewers, np.arange(len(placed.offsets) - 1))
    rows = np.arange(len(item))
    step, most = 0, int(np.diff(ids.ends, prepend=0).max(initial=0))
    while len(rows) > len(starts) and step < most:
        marks = _eight(ids, item[rows], step)
        least = np.minimum.reduceat(marks, starts)
        counts = np.diff(np.append(starts, len(rows)))
        rows = rows[marks == np.repeat(least, counts)]
        starts = np.searchsorted(placed.viewers[rows], np.arange(len(starts)))
        step += 8
    rows = rows[starts] if len(starts) else rows
    sides = (ids.at(item[rows]).all(), ids.at(parent[rows]).all(), placed.apart[rows].tolist())
    return [set_name((first, above, "apart" * apart)) for first, above, apart in zip(*sides, strict=True)]


def _eight(words: Words, codes: Array, start: int) -> Array:
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


# -- text that every sink can hold ------------------------------------------------------------------------------


def _clean(name: str, table: Table) -> Table:
    """What is no Unicode text, and the character that databases refuse, is replaced; then rows may become one."""
    if not any(_odd(words.data) for words in table.words):
        return table
    return Table.of(name, dict.fromkeys(map(_text, table)))


def _odd(data: Array) -> bool:
    """Whether UTF-8 holds a surrogate or the character 0."""
    return bool((data == 0).any() or ((data[:-1] == 0xED) & (data[1:] >= 0xA0)).any())


def _text(row: Row) -> Row:
    return tuple(value.encode("utf-8", "replace").decode().replace("\0", "\ufffd") for value in row)
