"""Who may exercise one capability, for the whole site, in class form: contents -> class -> packed row of people.

A row holds what groups, group sets and roles give; rules of single users, owners and leaders are few and are laid over
a row when a content's people are asked. What is unknown is not in a mirror.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from tabwarden.engine.algebra import ALLOWED
from tabwarden.engine.by_content import Reach, Who
from tabwarden.engine.by_pair import PairVerdicts
from tabwarden.engine.columns import NONE, USER, Array
from tabwarden.engine.index import Parts
from tabwarden.engine.memberships import ones
from tabwarden.engine.mirror_rows import fill, spoken
from tabwarden.engine.rules import FREE, GROUP_ALLOW, SET_ALLOW, by_value, distinct, expand, mixed
from tabwarden.model.capability import CHANGE_PERMISSIONS
from tabwarden.model.errors import TabwardenError

if TYPE_CHECKING:
    import pyarrow

_BLOCK = 1 << 22  # bits that are unpacked at a time


class Mirror:
    """`of_content[x]` is the row of content x in `rows`: packed, user u in bit u % 64 of word u // 64."""

    def __init__(self, who: Who, many: PairVerdicts, capability: str, of_content: Array, rows: Array) -> None:
        self.parts, self.who, self.many, self.capability = who.parts, who, many, capability
        self.of_content, self.rows = of_content, rows

    def row(self, content: int) -> Array:
        """Exactly who may, on one content."""
        bits: Array = self.rows[self.of_content[self.parts.columns.checked("content", content)]].copy()
        users = self.apart(content)
        if len(users):
            verdicts = self.many.verdicts(users, self.capability, np.full(len(users), content))
            people = self.parts.people
            bits &= ~people.pack(users)
            bits |= people.pack(users[verdicts == ALLOWED])
        return bits

    def ids(self, content: int) -> Array:
        """The numbers of the users who may, on one content."""
        return self.parts.people.ids(self.row(content))

    def apart(self, content: int) -> Array:
        """The users for whom more than the class decides: named by a rule, owning or ruling the content."""
        parts = self.parts
        parts_of_users = [np.asarray([parts.owner[content]])]
        rule_list = int(parts.sources.rules[content])
        if rule_list != NONE:
            codes, _, _ = parts.rules.rows_of(rule_list, parts.bit(self.capability))
            parts_of_users.append(codes[(codes & 3) == USER] >> 2)
        project = int(parts.project_row[content])
        if NONE < project < len(parts.powers.contents):
            parts_of_users.append(parts.people.ids(parts.powers.row_bits(project)))
        users = distinct(np.concatenate(parts_of_users))
        return users[(users >= 0) & (users < parts.n_users)]

    def class_pairs(self) -> int:
        """How many pairs of class and user the rows hold."""
        return int(np.bitwise_count(self.rows).sum(dtype=np.int64))

    def pairs(self, users: Array | None = None, *, batch: int = 1 << 20) -> Iterator[pyarrow.RecordBatch]:
        """Everybody who may (or those of `users`, by number) on every content, as Arrow record batches.

        Columns `content` and `user`, int32 numbers of the columns; each pair once, in no order, at most `batch` rows at
        a time; what is unknown is not among them. Needs pyarrow, which the extra `files` brings.
        """
        wanted = np.arange(self.parts.n_users) if users is None else distinct(np.asarray(users, np.int64))
        return record_batches(pairs_of(self, wanted, batch), ("content", "user"))

    def among(self, users: Array, contents: Array, *, owners: bool = True) -> Among:
        """Who of some users may on some contents, by number; without `owners` nobody on what is his own."""
        return Among(self, users, contents, owners=owners)

    def all_ids(self) -> Iterator[tuple[int, Array]]:
        """Every content with exactly who may."""
        return ((content, self.ids(content)) for content in range(len(self.of_content)))


def record_batches(blocks: Iterable[tuple[Array, ...]], names: Sequence[str]) -> Iterator[pyarrow.RecordBatch]:
    """Blocks of numbers, an array a column, as Arrow record batches of int32."""
    try:
        import pyarrow
    except ImportError:
        raise TabwardenError("Arrow needs the package `pyarrow`; install it where Tabwarden runs") from None
    for block in blocks:
        columns = [pyarrow.array(column.astype(np.int32)) for column in block]
        yield pyarrow.RecordBatch.from_arrays(columns, names=list(names))


class Forms(NamedTuple):
    """The classes of one capability: `of_class[k]` is the form of engine class k; of each form a rule list that has
    its rows (NONE: nobody by rules) and the number of its reach in `reaches`."""

    of_class: Array
    rules: Array
    reach: Array
    reaches: list[Reach]


def mirror_of(who: Who, many: PairVerdicts, forms: Forms, capability: str, into: Array | None = None) -> Mirror:
    """The mirror of one capability, in the memory of `into` if that has room."""
    parts = who.parts
    bit = parts.bit(capability)
    rows = _room(into, len(forms.rules), parts.people.words)
    unsure = _unsure(parts, bit)[forms.rules]
    for number, reach in enumerate(forms.reaches):
        mine = forms.reach == number
        rows[mine & (forms.rules == NONE)] = reach.admins
        fill(parts, reach, bit, forms.rules, np.flatnonzero(mine & ~unsure & (forms.rules != NONE)), rows)
        for form in np.flatnonzero(mine & unsure).tolist():
            row = who.finished(who.by_rules(int(forms.rules[form]), bit, of_users=False), reach)
            rows[form] = row.allowed if row.unknown is None else row.allowed & ~row.unknown
    return Mirror(who, many, capability, forms.of_class[parts.classes.of_content], rows)


def _room(into: Array | None, count: int, words: int) -> Array:
    """Rows to write to: those given, if they are enough."""
    if into is not None and into.dtype == np.uint64 and into.shape[1:] == (words,) and len(into) >= count:
        return into[:count]
    return np.empty((count, words), np.uint64)


# -- which classes differ for a capability --------------------------------------------------------------------


def forms_of(who: Who, bit: int) -> Forms:
    """The classes of a capability."""
    parts, classes = who.parts, who.parts.classes
    reaches: list[Reach] = []
    number: dict[bytes, int] = {}
    of_column = np.zeros(len(parts.tables.applies), np.int64)
    for column in distinct(classes.column).tolist():
        reach = who.reach(column, bit)
        looks = b"".join(row.tobytes() for row in reach)
        if looks not in number:
            number[looks] = len(reaches)
            reaches.append(reach)
        of_column[column] = number[looks]
    lists = classes.rules.copy()
    if bit == parts.bit(CHANGE_PERMISSIONS):
        lists[classes.lock != FREE] = NONE
    same = _same_lists(parts, bit)
    key = (same[lists] + 1) * max(len(reaches), 1) + of_column[classes.column]
    seen = np.zeros(int(key.max(initial=-1)) + 1, bool)
    seen[key] = True
    keys = np.flatnonzero(seen)
    form = np.zeros(len(seen), np.int64)
    form[keys] = np.arange(len(keys))
    return Forms(form[key], keys // max(len(reaches), 1) - 1, keys % max(len(reaches), 1), reaches)


def _same_lists(parts: Parts, bit: int) -> Array:
    """For each rule list the first list whose rows for groups and sets say the same of the capability.

    NONE for a list that allows it to none of them: its row is nobody's.
    """
    count = len(parts.columns.rules.offsets) - 1
    used = np.zeros(count + 1, bool)  # the last is NONE's
    used[parts.classes.rules] = True
    lists = np.flatnonzero(used[:-1])
    of, row, code = spoken(parts, bit, lists)
    gives = np.zeros(len(lists), bool)
    gives[of[code & (GROUP_ALLOW | SET_ALLOW) != 0]] = True
    giving = np.flatnonzero(gives[of])
    said, counts = (row[giving] << 4) | code[giving], np.bincount(of[giving], minlength=len(lists))[gives]
    same = np.full(count + 1, NONE, np.int64)
    if len(counts):
        lists = lists[gives]
        same[lists] = lists[_first_alike(said, counts)]
    return same


def _first_alike(said: Array, counts: Array) -> Array:
    """For each run of `counts[i]` numbers the first run that says the same."""
    starts = np.cumsum(counts) - counts
    _, first, back = np.unique(np.add.reduceat(mixed(said), starts), return_index=True, return_inverse=True)
    like = first[back]
    # Equal hashes are compared number by number: a run that only looks the same stands for itself.
    differs = counts != counts[like]
    mine = np.repeat(np.arange(len(counts)), counts)
    other = np.arange(len(said)) + (starts[like] - starts)[mine]
    differs[mine[said != said[np.minimum(other, len(said) - 1)]]] = True
    alike: Array = np.where(differs, np.arange(len(counts)), like)
    return alike


def _unsure(parts: Parts, bit: int) -> Array:
    """For each rule list whether it speaks of groups or sets whose members are not known; False for NONE."""
    lists, people = parts.columns.rules, parts.people
    unsure = np.zeros(len(lists.offsets), bool)
    if people.some_unread:
        one = np.uint64(1 << bit)
        of_list = np.repeat(np.arange(len(lists.offsets) - 1), np.diff(lists.offsets))
        rows = np.flatnonzero(((lists.allow | lists.deny) & one != 0) & ((lists.grantee & 3) != USER))
        perhaps: Array = np.asarray(people.perhaps_rows.any(axis=1))
        unsure[of_list[rows[perhaps[people.row_of(lists.grantee[rows])]]]] = True
    return unsure


# -- of some people -----------------------------------------------------------------------------------------------


def _blocks(packed: Array, users: Array) -> Iterator[Array]:
    """Packed rows as 0 or 1 for each of these users, many rows at a time."""
    size = max(_BLOCK // max(len(users), 1), 1)
    for start in range(0, len(packed), size):
        octets = packed[start : start + size].view(np.uint8)
        yield (octets[:, users >> 3] >> (users & 7).astype(np.uint8)) & 1


class Apart:
    """For whom of `users` more than the class decides: owners, leaders, and whom a rule names.

    `contents` are those that will be asked about; None: all.
    """

    def __init__(self, mirror: Mirror, users: Array, contents: Array | None = None) -> None:
        self.mirror, parts = mirror, mirror.parts
        self.wanted = np.zeros(parts.n_users + 1, bool)  # the last is nobody's
        self.wanted[users] = True
        table, leading = parts.columns.rules, parts.powers.rows[:-1]
        self.lists, self.projects = np.arange(len(table.offsets) - 1), np.arange(len(leading))
        if contents is not None:
            self.lists = _known(parts.sources.rules[contents], len(self.lists))
            self.projects = _known(parts.project_row[contents], len(leading))
            leading = leading[self.projects]
        of_list, row = expand(table.offsets, self.lists)
        one, grantee = np.uint64(1 << parts.bit(mirror.capability)), table.grantee[row]
        named = np.minimum(grantee >> 2, parts.n_users)
        speaks = ((table.allow[row] | table.deny[row]) & one != 0) & (grantee & 3 == USER) & self.wanted[named]
        self.named = np.searchsorted(of_list[speaks], np.arange(len(self.lists) + 1)), named[speaks]
        of_project, ruling = ones(leading & parts.people.pack(np.flatnonzero(self.wanted[:-1])))
        self.ruling = np.searchsorted(of_project, np.arange(len(self.projects) + 1)), ruling

    def of(self, contents: Array) -> tuple[Array, Array]:
        """Pairs of one of these contents and one of the users, each once."""
        parts = self.mirror.parts
        owner = parts.owner[contents]
        owned = np.flatnonzero((owner >= 0) & (owner < parts.n_users))
        owned = owned[self.wanted[owner[owned]]]
        by_rule, rule = expand(self.named[0], _places(self.lists, parts.sources.rules[contents]))
        leads, leader = expand(self.ruling[0], _places(self.projects, parts.project_row[contents]))
        place = np.concatenate((owned, by_rule, leads))
        users = np.concatenate((owner[owned], self.named[1][rule], self.ruling[1][leader]))
        pairs = distinct(contents[place] * parts.n_users + users)
        return pairs // max(parts.n_users, 1), pairs % max(parts.n_users, 1)

    def corrections(self, contents: Array) -> tuple[tuple[Array, Array], tuple[Array, Array]]:
        """Pairs of content and user that the rows of the classes lack, and pairs they have too much."""
        mirror = self.mirror
        contents, users = self.of(contents)
        octets = mirror.rows.view(np.uint8)
        have = (octets[mirror.of_content[contents], users >> 3] >> (users & 7).astype(np.uint8)) & 1 != 0
        may = mirror.many.verdicts(users, mirror.capability, contents) == ALLOWED
        more, less = may & ~have, have & ~may
        return (contents[more], users[more]), (contents[less], users[less])


def _known(numbers: Array, count: int) -> Array:
    """Those of 0 up to, but without, `count`, rising and each once."""
    return distinct(numbers[(numbers >= 0) & (numbers < count)].astype(np.int64))


def _places(known: Array, numbers: Array) -> Array:
    """Of each number its place among those that are known; NONE of another."""
    if not len(known):
        return np.full(len(numbers), NONE)
    places = np.minimum(np.searchsorted(known, numbers), len(known) - 1)
    return np.where(known[places] == numbers, places, NONE)


def pairs_of(mirror: Mirror, users: Array, most: int) -> Iterator[tuple[Array, Array]]:
    """Every pair of a content and one of `users` who may, once, at most `most` at a time and in no order."""
    apart, by_form = Apart(mirror, users), by_value(mirror.of_content, len(mirror.rows))
    form = 0
    for block in _blocks(mirror.rows, users):
        place = np.flatnonzero(block)  # far faster on one dimension than on two
        people = users[place % len(users)]
        ends = np.searchsorted(place, np.arange(len(block) + 1) * len(users))
        contents = by_form.between(form, form + len(block))
        at = mirror.of_content[contents] - form
        sizes = np.cumsum(np.diff(ends)[at])
        start = 0
        while start < len(contents):
            before = sizes[start - 1] if start else 0
            end = max(int(np.searchsorted(sizes, before + most, side="right")), start + 1)
            of, entry = expand(ends, at[start:end])
            yield from _corrected(apart, contents[start:end], (contents[start:end][of], people[entry]), most)
            start = end
        form += len(block)


def _corrected(apart: Apart, contents: Array, pairs: tuple[Array, Array], most: int) -> Iterator[tuple[Array, Array]]:
    """Pairs of classes without what is too much, and with what they lack."""
    more, less = apart.corrections(contents)
    width, (content, user) = apart.mirror.parts.n_users, pairs
    if len(less[0]):
        keep = ~np.isin(content * width + user, less[0] * width + less[1])
        content, user = content[keep], user[keep]
    content, user = np.concatenate((content, more[0])), np.concatenate((user, more[1]))
    for start in range(0, len(content), most):
        yield content[start : start + most], user[start : start + most]


class Among:
    """Who of `users` may on `contents`: counted by class and put right for those of whom more than that decides."""

    def __init__(self, mirror: Mirror, users: Array, contents: Array, *, owners: bool = True) -> None:
        self.mirror, self.users, self.contents, self.owners = mirror, users, contents, owners
        forms, first, of = np.unique(mirror.of_content[contents], return_index=True, return_inverse=True)
        mine, rows = mirror.parts.people.pack(users), max(_BLOCK // max(mirror.parts.n_users, 1), 1)
        counts = np.zeros(len(forms), np.int64)
        for start in range(0, len(forms), rows):
            bits = mirror.rows[forms[start : start + rows]] & mine
            counts[start : start + rows] = np.bitwise_count(bits).sum(axis=1, dtype=np.int64)
        counts = counts[of]
        self.more, self.less = Apart(mirror, users, contents).corrections(contents)
        self.count = int(counts.sum()) + len(self.more[0]) - len(self.less[0]) - (0 if owners else self._owned())
        self._first = contents[first]
        self._some = contents[(counts > 0) | np.isin(contents, self.more[0])]

    def by_content(self) -> Iterator[tuple[int, Array]]:
        """Each content where one of them may, with those who may."""
        owner, people = self._owner, self.mirror.parts.people
        mine = people.pack(self.users)
        for content in self._some.tolist():
            who = people.ids(self.mirror.row(content) & mine)
            who = who if self.owners else who[who != owner[content]]
            if len(who):
                yield content, who

    @cached_property
    def _owner(self) -> Array:
        """Of each content its owner, of a view its workbook's, of a project its own."""
        parts = self.mirror.parts
        return np.where(parts.owner == NONE, parts.columns.contents.owner, parts.owner)

    def _owned(self) -> int:
        """On how many of the contents their owner is one of the users, and may."""
        owner = self._owner[self.contents]
        mine = np.isin(owner, self.users)
        verdicts = self.mirror.many.verdicts(owner[mine], self.mirror.capability, self.contents[mine])
        return int((verdicts == ALLOWED).sum())

    def places(self) -> dict[int, int]:
        """Of each of them who may anywhere there one content."""
        places: dict[int, int] = {}
        people, mine = self.mirror.parts.people, self.mirror.parts.people.pack(self.users)
        for content in self._first.tolist():
            for user in people.ids(self.mirror.row(content) & mine).tolist():
                places.setdefault(user, content)
        for content, user in zip(*(part.tolist() for part in self.more), strict=True):
            places.setdefault(user, content)
        lacking = np.setdiff1d(self.less[1], np.fromiter(places, np.int64, len(places)))
        for user in lacking.tolist():
            verdicts = self.mirror.many.verdicts(
                np.full(len(self.contents), user), self.mirror.capability, self.contents
            )
            allowed = self.contents[verdicts == ALLOWED]
            if len(allowed):
                places[user] = int(allowed[0])
        return places

    def unknown(self) -> int:
        """Of how many pairs nobody knows; contents of one class, place and owner are asked once."""
        parts, who = self.mirror.parts, self.mirror.who
        if not self._some_unread():
            return 0
        bit, bits = parts.bit(self.mirror.capability), parts.people.pack(self.users)
        alike = np.stack([of[self.contents] for of in (parts.classes.of_content, parts.project_row, parts.owner)])
        _, first, counts = np.unique(alike, axis=1, return_index=True, return_counts=True)
        rows = (who.row(bit, content).unknown for content in self.contents[first].tolist())
        both = zip(rows, counts.tolist(), strict=True)
        return sum(int(np.bitwise_count(row & bits).sum()) * count for row, count in both if row is not None)

    def _some_unread(self) -> bool:
        parts = self.mirror.parts
        lists = parts.sources.rules[self.contents]
        strange = ~parts.tables.known[parts.columns.users.role[self.users]]
        unread = (lists == NONE).any() or parts.sources.lock_unread[self.contents].any()
        return bool(unread or strange.any() or parts.people.some_unread or parts.powers.some_unread)
