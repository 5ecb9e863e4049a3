"""Who may View what of a site, and where it hangs for whom: numbers of the columns and packed sets of people.

After "Tableau Permission Mirroring": sites, projects, workbooks, sheets and data sources; every site role but
Unlicensed; administrators everywhere on their own site. Unknown is not visible. What somebody may View below something
she may not hangs on the nearest ancestor she may, in the end on the site, so that no hidden name is shown.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple

import numpy as np

from tabwarden.engine.columns import NONE, Array, Columns
from tabwarden.engine.engine import Engine
from tabwarden.engine.mirror import Apart, Mirror
from tabwarden.engine.rules import distinct, expand
from tabwarden.mirror.circles import Circles, Hints, circles
from tabwarden.mirror.part import narrowed, with_children, with_parents, within
from tabwarden.mirror.rows import KINDS
from tabwarden.mirror.sets import Pairs, Sets
from tabwarden.model.errors import AmbiguousName
from tabwarden.model.names import hint, same
from tabwarden.model.resolver import meant, unquoted
from tabwarden.model.roles import is_admin, is_known, is_licensed

VIEW = "Read"
GUEST = "Guest"
_BLOCK = 1 << 22  # words of packed rows that are worked on at a time
_CONTENTS = 1 << 17  # contents whose owners and leaders are looked at at a time,
_APART = 1 << 33  # fewer with very many people: so many pairs of the two
_PAIRS = 1 << 22  # pairs of content and user that are walked at a time


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


def _corrections(mirror: Mirror, reader: Array) -> tuple[Pairs, list[Array]]:
    """Pairs of content and user that the rows of the classes lack, and pairs they have too much.

    The `reader`, where there is one, sees everything: all that was shown to him is View for him.
    """
    apart, count, n_users = Apart(mirror, np.arange(mirror.parts.n_users)), len(mirror.of_content), mirror.parts.n_users
    none, size = np.zeros(0, np.int64), max(min(_APART // n_users, _CONTENTS), 1)
    counts, more, less = [none], [none.astype(np.int32)], [(none, none)]
    for start in range(0, count, size):
        contents = np.arange(start, min(start + size, count))
        lacking, over = apart.corrections(contents)
        if len(reader):
            over = over[0][over[1] != reader[0]], over[1][over[1] != reader[0]]
            lacking = np.append(lacking[0], contents), np.append(lacking[1], np.full(len(contents), reader[0]))
        pairs = distinct(lacking[0] * n_users + lacking[1])
        counts.append(np.bincount(pairs // n_users - start, minlength=len(contents)))
        more.append((pairs % n_users).astype(np.int32))
        less.append(over)
    offsets = np.concatenate(([0], np.cumsum(np.concatenate(counts))))
    return Pairs(offsets, np.concatenate(more)), [np.concatenate(side) for side in zip(*less, strict=True)]


class _Places:
    """Who of a narrow site sees each chosen content, and below what."""

    def __init__(self, columns: Columns, chosen: Array, reader: Array) -> None:
        self.columns, self.chosen, self.site = columns, chosen, len(chosen)
        parents = columns.contents.parent
        self.most = int(np.count_nonzero(np.bincount(parents[parents >= 0]))) + 2  # no walk up is longer
        self.mirror = mirror = Engine(columns).mirror(VIEW)
        self.form, self.rows = mirror.of_content.astype(np.int64), mirror.rows
        self.more, less = _corrections(mirror, reader)
        self._take_away(*less)

    def _take_away(self, contents: Array, users: Array) -> None:
        """Give contents that somebody of their class may not see a row of their own, one for all that are alike."""
        order = np.lexsort((users, contents))
        contents, users = contents[order], users[order]
        starts = np.flatnonzero(np.diff(contents, prepend=NONE))
        before, numbers = len(self.rows), dict[tuple[int, bytes], int]()
        without: list[Array] = []
        for content, some in zip(contents[starts].tolist(), np.split(users, starts[1:]), strict=False):
            key = int(self.form[content]), some.tobytes()
            if key not in numbers:
                numbers[key] = before + len(without)
                less = np.zeros((1, self.rows.shape[1]), np.uint64)
                _set_bits(less, np.zeros(len(some), np.int64), some)
                without.append(self.rows[key[0]] & ~less)
            self.form[content] = numbers[key]
        if without:
            # In place: with very many people the rows are gigabytes, and a copy beside them is as much again.
            self.rows.resize((before + len(without), self.rows.shape[1]), refcheck=False)
            self.rows[before:] = np.concatenate(without)

    def placed(self, these: Array, *, in_circles: bool = False) -> Placed:
        """These contents (a bool each) with their sets of viewers."""
        sets, n_users = Sets(self.rows.shape[1]), len(self.columns.users.role)
        everybody = np.zeros((1, self.rows.shape[1]), np.uint64)
        _set_bits(everybody, np.zeros(n_users, np.int64), np.arange(n_users))
        pieces = [(np.array([self.site]), np.array([NONE]), np.zeros(1, bool), sets.add(everybody))]
        some = np.flatnonzero(these)
        gaining = some[np.diff(self.more.offsets)[some] > 0]
        below = [self._below(some, sets, whole=in_circles)]
        blocks = _blocks(gaining, np.diff(self.more.offsets)[gaining])
        below += [self._apart(block, sets, whole=in_circles) for block in blocks]
        for place, (content, parent, viewers) in enumerate(below):
            pieces.append((content, parent, np.full(len(content), place > 0), viewers))
        content, parent, apart_, viewers = (np.concatenate(side) for side in zip(*pieces, strict=True))
        order = np.argsort(viewers, kind="stable")
        members = (np.zeros(1, np.int64), np.zeros(0, np.int64)) if in_circles else sets.members()
        placed = Placed(content[order], parent[order], apart_[order], viewers[order], *members)
        if not in_circles:
            return placed
        self.mirror.rows = self.rows = self.rows[:0].copy()  # gigabytes that nobody asks any more
        of_sets, offsets, users = circles(self.mirror, _hints(placed), sets)
        return placed._replace(offsets=offsets, members=users, circles=of_sets)

    def _below(self, contents: Array, sets: Sets, *, whole: bool) -> tuple[Array, Array, Array]:
        """Contents, what each hangs on, and the set of those for whom it does, who may be some of its row, or `whole`.

        Contents with one row and one parent hang alike, so that each pair of these is walked once.
        """
        parent, row_of = self.columns.contents.parent[contents].astype(np.int64), self.form[contents]
        keys, of = np.unique(row_of * (int(parent.max(initial=0)) + 2) + parent + 1, return_inverse=True)
        first = np.zeros(len(keys), np.int64)
        first[of] = np.arange(len(of))
        row_of, parent = row_of[first], parent[first]
        pieces = [(np.zeros(0, np.int64),) * 3]
        size = max(_BLOCK // self.rows.shape[1], 1)
        for start in range(0, len(keys), size):
            block = self.rows[row_of[start : start + size]], parent[start : start + size]
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
            seen = self.rows[self.form[holder]]
            at, entry = expand(self.more.offsets, holder)
            _set_bits(seen, at, self.more.users[entry])
            seen &= left
            seen[~self.chosen[holder]] = 0
            if whole:
                seen[(seen != left).any(axis=1)] = 0
            yield from _some(pair, holder, seen)
            left &= ~seen
            stays = left.any(axis=1)
            pair, left, holder = pair[stays], left[stays], parents[holder[stays]].astype(np.int64)
        yield from _some(pair, np.full(len(pair), self.site), left)  # a circle that they see nothing of

    def _apart(self, contents: Array, sets: Sets, *, whole: bool) -> tuple[Array, Array, Array]:
        """The same for those whom no class lets see these contents, pair by pair: they are few beside everybody."""
        of, entry = expand(self.more.offsets, contents)
        user, parents = self.more.users[entry].astype(np.int64), self.columns.contents.parent
        holder = parents[contents].astype(np.int64)[of]
        steps = []
        for _ in range(self.most):
            seen = (holder < 0) | (holder >= self.site)
            holder[seen] = self.site
            seen[~seen] = self._sees(holder[~seen], user[~seen])
            if whole:
                seen &= np.bincount(of[~seen], minlength=len(contents))[of] == 0
            steps.append((of[seen], holder[seen], user[seen]))
            of, holder, user = of[~seen], holder[~seen], user[~seen]
            if not len(of):
                break
            holder = parents[holder].astype(np.int64)
        steps.append((of, np.full(len(of), self.site), user))  # a circle that they see nothing of
        of, holder, user = (np.concatenate(side) for side in zip(*steps, strict=True))
        order = np.argsort(of, kind="stable")  # step by step before: of one content and one holder together
        of, holder, user = of[order], holder[order], user[order]
        starts = np.flatnonzero((np.diff(of, prepend=NONE) != 0) | (np.diff(holder, prepend=NONE) != 0))
        return contents[of[starts]], holder[starts], sets.of_users(starts, user)

    def _sees(self, contents: Array, users: Array) -> Array:
        """Pair by pair whether the user sees the content, which is chosen."""
        octets = self.rows.view(np.uint8)
        seen: Array = (octets[self.form[contents], users >> 3] >> (users & 7).astype(np.uint8)) & 1 != 0
        seen[~seen] = self.more.have(contents[~seen], users[~seen])
        return seen & self.chosen[contents]


def _blocks(contents: Array, counts: Array) -> list[Array]:
    """These contents, so many at a time as have some millions of pairs."""
    ends = np.cumsum(counts)
    at = np.flatnonzero(np.diff(ends // _PAIRS, prepend=0)) + 1
    return [block for block in np.split(contents, at) if len(block)]


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
