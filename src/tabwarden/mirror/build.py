"""A mirror made: the tables of a site for the people of a catalog, from its columns."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

import numpy as np

from tabwarden.engine.columns import NONE, Array, Columns, Words
from tabwarden.engine.rules import expand
from tabwarden.mirror.circles import Circles
from tabwarden.mirror.items import set_name
from tabwarden.mirror.match import Matches, users_of
from tabwarden.mirror.rows import COMPRESSED, FACTS, NO, SITE, YES, Row
from tabwarden.mirror.tables import Table, Tables, eight, extended, flattened, joined, narrow
from tabwarden.mirror.visible import Placed, chosen_of, everything, visible

Seeing = Callable[..., Placed]
"""`visible`, or what answers as it does by having the work done elsewhere."""


@dataclass(frozen=True, slots=True)
class MirrorRequest:
    """What is to be published: under which name, in which form, of which projects, enforced or not."""

    source: str
    form: str = COMPRESSED
    projects: tuple[str, ...] | None = None
    enforced: bool = True


@dataclass(frozen=True, slots=True)
class Mirrored:
    """A mirror made: its tables, who was matched, and the words that name no project with what is near them.

    `apart` tells of each row of `content` whether it is; see `visible.Placed`. None where no renewing can build on it.
    """

    source: str
    tables: Tables
    matches: Matches
    missing: Mapping[str, str] = field(default_factory=dict)
    apart: Array | None = None


def mirrored(
    columns: Columns, matches: Matches, request: MirrorRequest, *, limited: bool = False, seeing: Seeing = visible
) -> Mirrored:
    """The tables of a site's mirror for these people."""
    chosen, missing = chosen_of(columns, request.projects)
    if request.enforced:
        persons, placed = for_each(columns, chosen, matches, in_circles=request.form == FACTS, seeing=seeing)
    else:
        persons, placed = _for_all(columns, chosen, matches)
    about = of_site(columns, matches, request, limited=limited)
    if request.form == FACTS:
        tables = {**about, **in_facts(request.source, columns, placed, persons)}
        return Mirrored(request.source, tables, matches, missing)
    tables = {**about, **compressed(request.source, columns, placed, persons)}
    apart = placed.apart if len(tables["content"]) == len(placed.apart) else None
    mirror = Mirrored(request.source, tables, matches, missing, apart)
    return mirror if request.form == COMPRESSED else in_flat_form(mirror)


def of_site(columns: Columns, matches: Matches, request: MirrorRequest, *, limited: bool) -> dict[str, Table]:
    """The tables of what was read, and of whom it is for."""
    site, taken, users = columns.about, columns.about.taken, users_of(columns)
    marks = (YES if limited else NO, YES if request.enforced else NO)
    about = (request.source, taken.where, site.id, site.content_url, taken.when, taken.by, taken.by_role, *marks)
    people = [
        (request.source, match.person, match.user, users.told(users.numbers[match.user]), match.how)
        for match in matches.matched
    ]
    return {name: _clean(name, Table.of(name, rows)) for name, rows in (("sources", [about]), ("people", people))}


def in_flat_form(mirror: Mirrored) -> Mirrored:
    """The same mirror with a row for each person and content."""
    tables = {name: mirror.tables[name] for name in ("sources", "people")} | {"access": flattened(mirror.tables)}
    return Mirrored(mirror.source, tables, mirror.matches, mirror.missing)


def selection(words: Collection[str]) -> tuple[str, ...] | None:
    """A setting's list of projects: none written means all."""
    return tuple(words) or None


def for_each(
    columns: Columns,
    chosen: Array,
    matches: Matches,
    only: Array | None = None,
    *,
    in_circles: bool = False,
    seeing: Seeing = visible,
) -> tuple[list[str], Placed]:
    """People, and what each of them sees (with `only`, of that): sets, or their circles, have places of that list."""
    users = users_of(columns)
    by_user = {users.numbers[user]: persons for user, persons in matches.by_user.items()}
    numbers = sorted(by_user)
    placed = seeing(columns, chosen, np.asarray(numbers, np.int64), only, in_circles=in_circles)
    first = np.zeros(len(users.ids) + 1, np.int64)
    first[np.asarray(numbers, np.int64) + 1] = [len(by_user[number]) for number in numbers]
    first = np.cumsum(first)
    names = [name for number in numbers for name in by_user[number]]
    if len(names) == len(numbers):  # nearly always: one person each
        return names, placed._replace(members=first[placed.members])
    at, person = expand(first, placed.members)
    return names, placed._replace(members=person, offsets=np.searchsorted(at, placed.offsets))


def _for_all(columns: Columns, chosen: Array, matches: Matches) -> tuple[list[str], Placed]:
    """Nothing is enforced: everything for everybody of the catalog, matched or not."""
    persons = sorted({m.person for m in matches.matched} | {u.person for u in matches.unmatched})
    content, parent = everything(columns, chosen)
    rows = len(content) if persons else 0
    one = np.zeros(rows, np.int64)
    everybody = np.array([0, len(persons)]) if persons else np.zeros(1, np.int64)
    circle = np.zeros(min(len(persons), 1), np.int64)
    everyone = everybody, np.arange(len(persons)), Circles(circle, circle, circle, {0: "everybody"})
    return persons, Placed(content[:rows], parent[:rows], one.astype(bool), one, *everyone)


# -- numbers become text ----------------------------------------------------------------------------------------


def compressed(source: str, columns: Columns, placed: Placed, persons: list[str]) -> dict[str, Table]:
    """The tables of viewers and content; no text is in them that no row has."""
    sets, content = _contents(source, columns, placed)
    viewers = np.repeat(np.arange(len(sets), dtype=np.int32), np.diff(placed.offsets))
    shown, seeing = _few(placed.members, Words.of(persons))
    of_viewers = (_none(viewers), viewers, shown), (content.words[0], content.words[1], seeing)
    return {"viewers": _narrowed("viewers", Table(*of_viewers)), "content": _narrowed("content", content)}


def in_facts(source: str, columns: Columns, placed: Placed, persons: list[str]) -> dict[str, Table]:
    """The same as items by class, classes by circle and circles by person, whose join is who sees what."""
    assert placed.circles is not None
    of_set, circle, excepted, named = placed.circles
    sets, content = _contents(source, columns, placed)
    texts = {**_first_sets(of_set, circle, excepted, sets), **named}
    classes, circles = Words.of(numbered(sets)), Words.of(numbered([texts[number] for number in range(len(texts))]))
    member = np.repeat(np.arange(len(circles)), np.diff(placed.offsets))
    shown, seeing = _few(placed.members, Words.of(persons))
    sign, signs = _few(excepted.astype(np.uint8), Words.of(("0", "1")))
    tables = {
        "members": Table((_none(member), member, shown), (content.words[0], circles, seeing)),
        "classes": Table((_none(of_set), of_set, circle, sign), (content.words[0], classes, circles, signs)),
        "items": Table(content.codes, (content.words[0], classes, *content.words[2:])),
    }
    return {name: _narrowed(name, table) for name, table in tables.items()}


def _first_sets(of_set: Array, circle: Array, excepted: Array, sets: list[str]) -> dict[int, str]:
    """What each circle by which a set and its groups differ is called after: the first such set by name."""
    first: dict[int, str] = {}
    names = [
        f"{sets[number]}{' without' * out}" for number, out in zip(of_set.tolist(), excepted.tolist(), strict=True)
    ]
    for name, number in sorted(zip(names, circle.tolist(), strict=True)):
        first.setdefault(number, name)
    return first


def numbered(texts: list[str]) -> list[str]:
    """A whole number for each text, of 52 bits at most, which stays the same while the text does; none twice."""
    numbers: dict[str, int] = {}
    taken: set[int] = set()
    for text in sorted(texts):
        number = int(hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:13], 16)
        while number in taken:  # once in some thousand sites of a million sets
            number += 1
        taken.add(number)
        numbers[text] = number
    return [str(numbers[text]) for text in texts]


def _contents(source: str, columns: Columns, placed: Placed) -> tuple[list[str], Table]:
    """The names of the sets, and who sees what in rows of `content`."""
    site, names, count = columns.about, columns.names, len(columns.contents.kind)
    seen = np.zeros(count + 1, bool)
    seen[placed.content] = seen[placed.parent] = True
    of_content, items = seen[:-1], np.cumsum(seen) - 1
    ids = joined(names.words.at(names.content_id[of_content]), Words.of([site.id] if seen[-1] else []))
    ids = joined(ids, Words.of([""] if site.id or not seen[-1] else []))
    item = items[placed.content]
    parent = np.where(placed.parent == NONE, len(ids) - 1, items[placed.parent])
    name_of, titles = _few(names.content_name[of_content], names.words)
    name_of, titles = _with(name_of, titles, [site.name][: int(seen[-1])])
    kind_of, kinds = _few(columns.contents.kind[of_content], Words.of(columns.vocabulary.kinds))
    kind_of, kinds = _with(kind_of, kinds, [SITE][: int(seen[-1])])
    sets = set_names(placed.viewers, ids, item, parent, placed.apart)
    codes = (_none(item), placed.viewers, item, kind_of[item], name_of[item], parent)
    return sets, Table(codes, (Words.of([source]), Words.of(sets), ids, kinds, titles, ids))


def _narrowed(name: str, table: Table) -> Table:
    return _clean(name, Table(tuple(map(narrow, table.codes, table.words)), table.words))


def _none(like: Array) -> Array:
    return np.zeros(len(like), np.uint8)


def _few(codes: Array, words: Words) -> tuple[Array, Words]:
    """Codes into the texts that are used, and these alone."""
    used = np.zeros(len(words), bool)
    used[codes] = True
    return (np.cumsum(used) - 1)[codes], words.at(np.flatnonzero(used))


def _with(codes: Array, words: Words, texts: list[str]) -> tuple[Array, Words]:
    """Rows more, with these texts, which are there already or come behind."""
    into, words = extended(words, Words.of(texts)) if texts else (codes[:0], words)
    return np.append(codes, into), words


def set_names(viewers: Array, ids: Words, item: Array, parent: Array, apart: Array) -> list[str]:
    """A name for each set, after its first row by id; `viewers` rise, and each number has a row."""
    starts = np.flatnonzero(np.diff(viewers, prepend=-1))
    rows = np.arange(len(item))
    step, most = 0, int(np.diff(ids.ends, prepend=0).max(initial=0))
    while len(rows) > len(starts) and step < most:
        marks = eight(ids, item[rows], step)
        least = np.minimum.reduceat(marks, starts)
        counts = np.diff(np.append(starts, len(rows)))
        rows = rows[marks == np.repeat(least, counts)]
        starts = np.flatnonzero(np.diff(viewers[rows], prepend=-1))
        step += 8
    rows = rows[starts] if len(starts) else rows
    sides = (ids.at(item[rows]).all(), ids.at(parent[rows]).all(), apart[rows].tolist())
    return [set_name((first, above, "apart" * is_apart)) for first, above, is_apart in zip(*sides, strict=True)]


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
