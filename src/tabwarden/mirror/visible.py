"""Who may View what of a site, and where it hangs for whom: numbers of the columns and packed sets of people.

After "Tableau Permission Mirroring": sites, projects, workbooks, sheets and data sources; every site role but
Unlicensed; administrators everywhere on their own site. Unknown is not visible. What somebody may View below something
she may not hangs on the nearest ancestor she may, in the end on the site, so that no hidden name is shown.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from tabwarden.engine.columns import NONE, USER, Array, Columns, Contents, Defaults, Uses
from tabwarden.engine.engine import Engine
from tabwarden.engine.mirror import Apart, Mirror
from tabwarden.engine.rules import expand
from tabwarden.mirror.circles import Circles, Hints, Sets, circles
from tabwarden.mirror.rows import KINDS
from tabwarden.model.errors import AmbiguousName
from tabwarden.model.names import hint, same
from tabwarden.model.resolver import meant, unquoted
from tabwarden.model.roles import is_admin, is_known, is_licensed

VIEW = "Read"
GUEST = "Guest"
_BLOCK = 1 << 22  # words of packed rows that are worked on at a time
_CONTENTS = 1 << 17  # contents whose owners and leaders are looked at at a time


class Placed(NamedTuple):
    """A content once for each parent under which somebody sees it, row by row.

    `content` and `parent` are content numbers; the site is the number after the last, and has no parent (NONE). Who
    sees it for reasons of his own, as an owner does, stands in a row that is `apart`, so that the other row has the
    same people as its like. Set `viewers[i]` holds the users `members[offsets[s]:offsets[s + 1]]`, never nobody. With
    `circles` these are the users of circle s, and a content stands once for all but those apart, below the nearest
    thing that all of them see.
    """

    content: Array
    parent: Array
    apart: Array
    viewers: Array
    offsets: Array
    members: Array
    circles: Circles | None = None


def visible(
    columns: Columns, chosen: Array, users: Array, only: Array | None = None, *, in_circles: bool = False
) -> Placed:
    """Who of these users (numbers, rising) may View what of the `chosen` contents (a bool each).

    With `only` (a bool a content) of those alone; `in_circles` with sets that are made of circles.
    """
    return seen_by(columns, chosen, entering(columns, users), only, in_circles=in_circles)


class Entering(NamedTuple):
    """Users who enter the site (numbers, rising), and the one whom the server showed all that was read, or NONE."""

    users: Array
    reader: int


def entering(columns: Columns, users: Array) -> Entering:
    """Those of the users who may enter the site."""
    enters = np.asarray([may_enter(role) for role in columns.vocabulary.roles], bool)
    return Entering(users[enters[columns.users.role[users]]], _reader(columns))


def seen_by(
    columns: Columns, chosen: Array, people: Entering, only: Array | None = None, *, in_circles: bool = False
) -> Placed:
    """The same for users who enter; no name of the columns is asked for."""
    users = people.users
    if not len(users):
        none = np.zeros(0, np.int64)
        return Placed(
            none, none, none.astype(bool), none, np.zeros(1, np.int64), none, Circles(none, none, none.astype(bool), {})
        )
    site, contents = len(chosen), np.arange(len(chosen) + 1)
    if only is not None:
        contents = np.append(np.flatnonzero(with_parents(columns.contents.parent, only)), site)
        columns, chosen, only = within(columns, contents[:-1]), chosen[contents[:-1]], only[contents[:-1]]
    places = _Places(narrowed(columns, users), chosen, np.flatnonzero(users == people.reader))
    placed = places.placed(chosen if only is None else chosen & only, in_circles=in_circles)
    # numbers of what holds something are never NONE but for the site
    parent = np.where(placed.parent == NONE, NONE, contents[placed.parent])
    return placed._replace(content=contents[placed.content], parent=parent, members=users[placed.members])


def everything(columns: Columns, chosen: Array) -> tuple[Array, Array]:
    """The same contents where nothing is enforced, each where it lies: contents and parents, the site first."""
    contents = np.flatnonzero(chosen)
    site = len(chosen)
    parent = columns.contents.parent[contents].astype(np.int64)
    inside = (parent >= 0) & (parent < site) & np.append(chosen, False)[np.clip(parent, 0, site)]
    return np.append(site, contents), np.append(NONE, np.where(inside, parent, site))


def may_enter(role: str) -> bool:
    """Whether somebody with this site role sees the site: all but Unlicensed, and but roles nobody told us of."""
    return is_known(role) and (is_licensed(role) or role == GUEST)


def chosen_of(columns: Columns, projects: Collection[str] | None) -> tuple[Array, Mapping[str, str]]:
    """What is mirrored at all, a bool a content, and the words that name no project with the nearest that are there.

    AmbiguousName where one path is that of several projects.
    """
    kinds = columns.vocabulary.kinds
    mirrored = np.isin(columns.contents.kind, [kinds.index(kind) for kind in KINDS if kind in kinds])
    if projects is None:
        return mirrored, {}
    of_kind = np.flatnonzero(columns.contents.kind == kinds.index("project"))
    by_path: defaultdict[str, list[str]] = defaultdict(list)
    paths: dict[str, str] = {}
    ids = columns.names.words.at(columns.names.content_id[of_kind]).all()
    for project, (_, path) in zip(ids, _paths(columns, of_kind), strict=True):
        paths[project] = path
        by_path[same(path)].append(project)
    every = np.flatnonzero(mirrored)
    by_id = dict(zip(columns.names.words.at(columns.names.content_id[every]).all(), every.tolist(), strict=True))
    inside, missing, several = np.zeros(len(mirrored), bool), dict[str, str](), list[str]()
    for words in projects:
        plain = unquoted(words).removeprefix("project:").strip("/")
        chosen = meant(plain, by_id, lambda text: by_path.get(same(text), ()), lambda i: (paths[i],))
        if len(chosen) > 1:
            several.append(f"several projects are called `{words}`; say which, by its id:")
            several += sorted(f"  {project}  {paths[project]}" for project in chosen)
        elif not chosen:
            missing[words] = hint(plain, dict.fromkeys(paths.values(), ""))
        inside[[by_id[content] for content in chosen]] = True
    if several:
        raise AmbiguousName(several[0], [line.strip() for line in several[1:]])
    return mirrored & with_children(columns.contents.parent, inside), missing


def _paths(columns: Columns, projects: Array) -> Iterator[tuple[int, str]]:
    """Projects and their paths, as people write them."""
    parents = columns.contents.parent.tolist()
    named = dict(
        zip(projects.tolist(), columns.names.words.at(columns.names.content_name[projects]).all(), strict=True)
    )
    for project in named:
        names: dict[int, str] = {}
        above = project
        while above in named and above not in names:
            names[above] = named[above]
            above = parents[above]
        yield project, "/".join(reversed(names.values()))


def _reader(columns: Columns) -> int:
    """The number of the user whom the server showed all that was read, where he is no administrator; NONE else."""
    taken, names = columns.about.taken, columns.names
    if not is_known(taken.by_role) or is_admin(taken.by_role):
        return NONE
    called = same(taken.by)
    users = [n for n, name in enumerate(names.words.at(names.user_name).all()) if same(name) == called]
    return users[0] if len(users) == 1 else NONE


def narrowed(columns: Columns, users: Array) -> Columns:
    """The same site with these users alone (numbers, rising), now numbered from 0: what they may is as before."""
    count, before, lists = len(users), columns.groups, columns.rules
    most = max(
        int(array.max(initial=0)) for array in (users, columns.contents.owner, before.members, lists.grantee >> 2)
    )
    number = np.full(most + 1, count, np.int32)  # all others are somebody who is only named
    number[users] = np.arange(count)
    members = number[before.members]
    groups = before._replace(offsets=_fewer(before.offsets, members < count), members=members[members < count])
    grantee = np.where(lists.grantee & 3 == USER, number[lists.grantee >> 2] * 4 + USER, lists.grantee)
    stays = (lists.grantee & 3 != USER) | (grantee >> 2 < count)
    rules = lists._replace(
        offsets=_fewer(lists.offsets, stays),
        grantee=grantee[stays].astype(lists.grantee.dtype),
        allow=lists.allow[stays],
        deny=lists.deny[stays],
    )
    contents = columns.contents._replace(owner=number[columns.contents.owner])
    return replace(columns, users=columns.users._replace(role=columns.users.role[users]), groups=groups,
                   contents=contents, rules=rules)  # fmt: skip


def within(columns: Columns, contents: Array) -> Columns:
    """The same site with these contents alone (numbers, rising, with all that hold them), now numbered from 0."""
    old, defaults, uses = columns.contents, columns.defaults, columns.uses
    most = max(int(array.max(initial=0)) for array in (contents, old.parent, defaults.content))
    number = np.full(most + 2, len(contents), np.int64)  # what was not read stays so; the last is NONE's
    number[contents], number[NONE] = np.arange(len(contents)), NONE
    fewer = Contents(*(column[contents] for column in old))
    stays = number[defaults.content] < len(contents)
    return replace(
        columns,
        contents=fewer._replace(parent=number[fewer.parent]),
        defaults=Defaults(number[defaults.content[stays]], defaults.kind[stays], defaults.rules[stays]),
        uses=Uses(*(column[:0] for column in uses)),
    )


def with_parents(parent: Array, contents: Array) -> Array:
    """These contents (a bool each) and all that hold them."""
    every, rows = contents.copy(), np.flatnonzero(contents)
    while len(rows):
        rows = np.unique(parent[rows])
        rows = rows[(rows >= 0) & (rows < len(every))]
        rows = rows[~every[rows]]
        every[rows] = True
    return every


def with_children(parent: Array, contents: Array) -> Array:
    """These contents (a bool each) and all below them."""
    every, lies = contents.copy(), np.flatnonzero((parent >= 0) & (parent < len(contents)))
    while len(below := lies[every[parent[lies]] & ~every[lies]]):
        every[below] = True
    return every


def _fewer(offsets: Array, stays: Array) -> Array:
    """Where rows begin when only some stay."""
    before: Array = np.concatenate(([0], np.cumsum(stays)))[offsets]
    return before


def _corrections(mirror: Mirror) -> tuple[list[Array], list[Array]]:
    """Pairs of content and user that the rows of the classes lack, and pairs they have too much."""
    apart, count = Apart(mirror, np.arange(mirror.parts.n_users)), len(mirror.of_content)
    blocks = [
        apart.corrections(np.arange(start, min(start + _CONTENTS, count))) for start in range(0, count, _CONTENTS)
    ]
    none = np.zeros(0, np.int64)
    more, less = zip(*blocks, strict=True) if blocks else (((none, none),), ((none, none),))
    return [np.concatenate(side) for side in zip(*more, strict=True)], [
        np.concatenate(side) for side in zip(*less, strict=True)
    ]


class _Places:
    """Who of a narrow site sees each chosen content, and below what."""

    def __init__(self, columns: Columns, chosen: Array, reader: Array) -> None:
        self.columns, self.chosen, self.site = columns, chosen, len(chosen)
        parents = columns.contents.parent
        self.most = int(np.count_nonzero(np.bincount(parents[parents >= 0]))) + 2  # no walk up is longer
        self.mirror = mirror = Engine(columns).mirror(VIEW)
        self.form, self.rows = mirror.of_content.astype(np.int64), mirror.rows
        more, less = _corrections(mirror)
        if len(reader):  # all that was shown to him is View for him
            others = less[1] != reader[0]
            less = [side[others] for side in less]
            everywhere = (np.arange(self.site), np.full(self.site, reader[0]))
            more = [np.concatenate(pair) for pair in zip(more, everywhere, strict=True)]
        self._take_away(*less)
        gains, of = np.unique(more[0], return_inverse=True)
        self.gaining = gains
        self.more = np.zeros((len(gains) + 1, self.rows.shape[1]), np.uint64)  # the last is nobody's
        _set_bits(self.more, of, more[1])
        self.more_of = np.full(self.site, len(gains), np.int64)
        self.more_of[gains] = np.arange(len(gains))

    def _take_away(self, contents: Array, users: Array) -> None:
        """Give contents that somebody of their class may not see a row of their own."""
        those, of = np.unique(contents, return_inverse=True)
        less = np.zeros((len(those), self.rows.shape[1]), np.uint64)
        _set_bits(less, of, users)
        own = self.rows[self.form[those]] & ~less
        self.form[those] = np.arange(len(self.rows), len(self.rows) + len(those))
        self.rows = np.concatenate((self.rows, own))

    def placed(self, these: Array, *, in_circles: bool = False) -> Placed:
        """These contents (a bool each) with their sets of viewers."""
        sets, n_users = Sets(self.rows.shape[1]), len(self.columns.users.role)
        everybody = np.zeros((1, self.rows.shape[1]), np.uint64)
        _set_bits(everybody, np.zeros(n_users, np.int64), np.arange(n_users))
        pieces = [(np.array([self.site]), np.array([NONE]), np.zeros(1, bool), sets.add(everybody))]
        for rows, row_of, some, is_apart in (
            (self.rows, self.form, np.flatnonzero(these), False),
            (self.more, self.more_of, self.gaining[these[self.gaining]], True),
        ):
            content, parent, viewers = self._below(rows, row_of[some], some, sets, whole=in_circles)
            pieces.append((content, parent, np.full(len(content), is_apart), viewers))
        content, parent, apart_, viewers = (np.concatenate(side) for side in zip(*pieces, strict=True))
        order = np.argsort(viewers, kind="stable")
        members = (np.zeros(1, np.int64), np.zeros(0, np.int64)) if in_circles else sets.members()
        placed = Placed(content[order], parent[order], apart_[order], viewers[order], *members)
        if not in_circles:
            return placed
        of_sets, offsets, users = circles(self.mirror, _hints(placed), sets.rows())
        return placed._replace(offsets=offsets, members=users, circles=of_sets)

    def _below(
        self, rows: Array, row_of: Array, contents: Array, sets: Sets, *, whole: bool
    ) -> tuple[Array, Array, Array]:
        """Contents, what each hangs on, and the set of those for whom it does, who may be some of its row, or `whole`.

        Contents with one row and one parent hang alike, so that each pair of these is walked once.
        """
        parent = self.columns.contents.parent[contents].astype(np.int64)
        keys, of = np.unique(row_of * (int(parent.max(initial=0)) + 2) + parent + 1, return_inverse=True)
        first = np.zeros(len(keys), np.int64)
        first[of] = np.arange(len(of))
        row_of, parent = row_of[first], parent[first]
        pieces = [(np.zeros(0, np.int64),) * 3]
        size = max(_BLOCK // rows.shape[1], 1)
        for start in range(0, len(keys), size):
            block = rows[row_of[start : start + size]], parent[start : start + size]
            for pair, holder, bits in self._nearest(*block, whole=whole):
                pieces.append((pair + start, holder, sets.add(bits)))
        pair, holder, viewers = (np.concatenate(side) for side in zip(*pieces, strict=True))
        order = np.argsort(pair, kind="stable")
        offsets = np.searchsorted(pair[order], np.arange(len(keys) + 1))
        at, entry = expand(offsets, of)
        return contents[at], holder[order[entry]], viewers[order[entry]]

    def _nearest(self, left: Array, holder: Array, *, whole: bool) -> Iterator[tuple[Array, Array, Array]]:
        """Row by row what the nearest thing is that these viewers see of what lies above, in the end the site.

        Where a row is to stay `whole`, it is what all of its viewers see.
        """
        pair, parents = np.arange(len(left)), self.columns.contents.parent
        for _ in range(self.most):
            inside = (holder >= 0) & (holder < self.site)
            yield from _some(pair[~inside], np.full(int((~inside).sum()), self.site), left[~inside])
            pair, holder, left = pair[inside], holder[inside], left[inside]
            if not len(pair):
                return
            seen = left & (self.rows[self.form[holder]] | self.more[self.more_of[holder]])
            seen[~self.chosen[holder]] = 0
            if whole:
                seen[(seen != left).any(axis=1)] = 0
            yield from _some(pair, holder, seen)
            left &= ~seen
            stays = left.any(axis=1)
            pair, left, holder = pair[stays], left[stays], parents[holder[stays]].astype(np.int64)
        yield from _some(pair, np.full(len(pair), self.site), left)  # a circle that they see nothing of


def _hints(placed: Placed) -> Hints:
    """Of each set the first content that is not apart; none of who sees the site alone."""
    plain = np.flatnonzero(~placed.apart & (placed.parent != NONE))
    plain = plain[np.diff(placed.viewers[plain], prepend=NONE) > 0]
    return Hints(placed.viewers[plain], placed.content[plain])


def _some(pair: Array, holder: Array, bits: Array) -> Iterator[tuple[Array, Array, Array]]:
    """The rows that hold anybody."""
    filled = np.flatnonzero(bits.any(axis=1))
    if len(filled):
        yield pair[filled], holder[filled], bits[filled]


def _set_bits(rows: Array, row: Array, user: Array) -> None:
    np.bitwise_or.at(rows, (row, user >> 6), np.left_shift(np.uint64(1), (user & 63).astype(np.uint64)))
