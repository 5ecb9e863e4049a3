"""A Site over kept arrays: each person, group and content is made when somebody asks for it, and no sooner.

It is a plain Site whose tables and indexes read the arrays; one with other contents reads them too (`Changed`), and
any other Site made of it gets plain tables.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Collection, ItemsView, Iterator, KeysView, Mapping, ValuesView
from dataclasses import replace
from functools import lru_cache
from hashlib import blake2b
from types import MappingProxyType
from typing import Any, Generic, TypeVar

from tabwarden.model.marks import marks_of
from tabwarden.model.names import same
from tabwarden.model.site import (
    ALLOW,
    CUSTOMIZABLE,
    DENY,
    Content,
    Grantee,
    Group,
    GroupSet,
    Rule,
    Rules,
    Site,
    Use,
    User,
)
from tabwarden.model.tables import Changed
from tabwarden.store.arrays import Arrays

GRANTEES = (("user", "user"), ("group", "group"), ("groupSet", "group_set"))  # by the code of a rule row
NONE = -1
MOST = 1 << 15  # things of a table that were made one by one and stay, with their rules: some 30 MB
SOME, SHARE = 1_000, 16  # ids found in the index before all are read: finding one takes as long as reading SHARE
_Thing = TypeVar("_Thing")
Find = Callable[[str, str], "int | None"]  # the number of an id of a table


def hash_of(text: str) -> int:
    """What an index holds of a text: 64 bits."""
    return int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")


def site_over(arrays: Arrays, about: Site, columns: Callable[[Find], object]) -> Site:
    """The Site that was kept; `about` is what is known of it beside people and content.

    `columns` opens the arrays and is given what finds the number of an id.
    """
    reader = _Reader(arrays)
    users, contents = Table(reader, "user", reader.user), Table(reader, "content", reader.content)
    groups, group_sets = Table(reader, "group", reader.group), Table(reader, "group_set", reader.group_set)
    site = replace(about, users=users, groups=groups, group_sets=group_sets, contents=contents)
    unlocked = replace(site, contents=Table(reader, "content", reader.unlocked))
    for value in (site, unlocked):
        # The indexes ask a copy, which has none: nothing holds itself, so that it goes with whoever asked it last.
        value.indexed(_indexes(reader, replace(value)))
    unlocked.indexed({"_unlocked": None})
    return site.indexed({"_unlocked": unlocked, "columns_beside": lambda: columns(reader.number)})


class Table(Mapping[str, _Thing], Generic[_Thing]):
    """The things of one kind by id, in the order of the Site."""

    def __init__(self, reader: _Reader, name: str, make: Callable[[int], _Thing]) -> None:
        self._reader, self._name, self._make = reader, name, make
        self._made: dict[str, _Thing] = {}
        self._whole = False
        self._count = len(reader.arrays[f"{name}_id"])

    def __getitem__(self, key: str) -> _Thing:
        thing = self._made.get(key)
        if thing is None:
            thing = self._make(self._number(key))
            if len(self._made) >= MOST and not self._whole:
                self._made, self._reader.lists = {}, {}
            self._made[key] = thing
        return thing

    def get(self, key: Any, default: Any = None) -> Any:
        """The thing of that id, without an error for one that is not there."""
        thing = self._made.get(key)
        if thing is not None:
            return thing
        if key not in self:
            return default
        return self[key]

    def _number(self, key: str) -> int:
        number = self._reader.number(self._name, key)
        if number is None or number >= self._count:
            raise KeyError(key)
        return number

    def __contains__(self, key: object) -> bool:
        if key in self._made:
            return True
        number = self._reader.number(self._name, key) if isinstance(key, str) else None
        return number is not None and number < self._count

    def __iter__(self) -> Iterator[str]:
        return iter(self._ids())

    def __len__(self) -> int:
        return self._count

    def keys(self) -> KeysView[str]:
        """All ids; everything is made, because whoever asks for them reads the rest."""
        return self._all().keys()

    def values(self) -> ValuesView[_Thing]:
        return self._all().values()

    def items(self) -> ItemsView[str, _Thing]:
        return self._all().items()

    def _ids(self) -> list[str]:
        return self._reader.ids(self._name)[: self._count]

    def _all(self) -> dict[str, _Thing]:
        if not self._whole:
            ready, make = self._made, self._make
            self._made = {key: ready[key] if key in ready else make(n) for n, key in enumerate(self._ids())}
            self._whole = True
        return self._made

    def unlike(self, other: Mapping[str, _Thing]) -> frozenset[str] | None:
        """Ids of what differs, or is in one alone; None where that takes a comparison one by one."""
        if not isinstance(other, Table) or other._make.__name__ != self._make.__name__:
            return None
        states = [table._reader.arrays[f"{table._name}.state"].tolist() for table in (self, other)]
        if self._numbered_like(other):
            differ = (number for number, pair in enumerate(zip(*states, strict=True)) if pair[0] != pair[1])
            return frozenset(self._reader.id_of(self._name, number) for number in differ)
        mine, there = (
            dict(zip(table._ids(), state, strict=False)) for table, state in zip((self, other), states, strict=True)
        )
        return frozenset(key for key in {*mine, *there} if mine.get(key) != there.get(key))

    def _numbered_like(self, other: Table[_Thing]) -> bool:
        """Whether both files say the same ids in the same order in the same octets."""
        left, right = self._reader.arrays, other._reader.arrays
        return all(bytes(left[n]) == bytes(right[n]) for n in ("words.data", "words.ends", f"{self._name}_id"))

    def in_order(self, keys: Collection[str]) -> list[str]:
        """Those of the ids that are in the table, in its order."""
        return sorted((key for key in keys if key in self), key=self._number)

    def ordered_like(self, other: Mapping[str, _Thing]) -> bool:
        """Whether both have the same ids in the same order."""
        if isinstance(other, Changed):
            return other.ordered_like(self)
        return (isinstance(other, Table) and self._numbered_like(other)) or [*self] == [*other]


class _Reader:
    """Single things out of the arrays; what is made twice is the same value."""

    def __init__(self, arrays: Arrays) -> None:
        self.arrays = arrays
        self.words: dict[str, tuple[str, ...]] = {k: tuple(v) for k, v in arrays.about["vocabulary"].items()}
        self.lists: dict[int, Rules] = {}
        self._every_id: dict[str, list[str]] = {}
        self._numbers: dict[str, dict[str, int]] = {}
        self._asked_for: Counter[str] = Counter()

    def word(self, code: int) -> str:
        ends = self.arrays["words.ends"]
        start = ends[code - 1] if code else 0
        return str(self.arrays["words.data"][start : ends[code]], "utf-8", "surrogatepass")

    def text(self, column: str, row: int) -> str:
        return self.word(self.arrays[column][row])

    def perhaps(self, column: str, row: int) -> str | None:
        code = self.arrays[column][row]
        return None if code == NONE else self.word(code)

    def id_of(self, table: str, number: int) -> str:
        """The id of a thing, read or only named."""
        if table in self._every_id:
            return self._every_id[table][number]
        read = self.arrays[f"{table}_id"]
        return self.word(read[number] if number < len(read) else self.arrays[f"{table}_named"][number - len(read)])

    def ids(self, table: str) -> list[str]:
        """All of them, those only named behind those read."""
        if table not in self._every_id:
            word = self.word
            codes = [*self.arrays[f"{table}_id"], *self.arrays[f"{table}_named"]]
            self._every_id[table] = [word(code) for code in codes]
        return self._every_id[table]

    def number(self, table: str, key: str) -> int | None:
        """The number of an id, None for one that nobody names; for whoever asks for many, all are read."""
        if table in self._numbers:
            return self._numbers[table].get(key)
        self._asked_for[table] += 1
        if self._asked_for[table] > max(SOME, len(self.arrays[f"{table}_id"]) // SHARE):
            self._numbers[table] = {identifier: number for number, identifier in enumerate(self.ids(table))}
        return next((n for n in self.hashed(table, key) if self.id_of(table, n) == key), None)

    def hashed(self, index: str, text: str) -> Iterator[int]:
        """The numbers that an index holds under the hash of a text, rising."""
        hashes, wanted = self.arrays[f"{index}.hashes"], hash_of(text)
        place = bisect_left(hashes, wanted)
        while place < len(hashes) and hashes[place] == wanted:
            yield self.arrays[f"{index}.numbers"][place]
            place += 1

    def part(self, offsets: str, entries: str, row: int) -> memoryview:
        start, end = self.arrays[offsets][row], self.arrays[offsets][row + 1]
        return self.arrays[entries][start:end]

    def user(self, row: int) -> User:
        return User(
            self.text("user_id", row),
            self.text("user_name", row),
            self.words["roles"][self.arrays["users.role"][row]],
            self.text("user_domain", row),
            self.text("user_full_name", row),
            self.text("user_email", row),
            self.perhaps("user_auth_setting", row),
            self.perhaps("user_last_login", row),
            self.perhaps("user_idp_configuration_id", row),
        )

    def group(self, row: int) -> Group:
        members = None
        if self.arrays["groups.read"][row]:
            numbers = self.part("groups.offsets", "groups.members", row)
            if 8 * len(numbers) > len(self.arrays["user_id"]):
                self.ids("user")
            members = frozenset(self.id_of("user", number) for number in numbers)
        return Group(
            self.text("group_id", row),
            self.text("group_name", row),
            self.text("group_domain", row),
            members,
            self.perhaps("group_minimum_site_role", row),
            self.perhaps("group_grant_on", row),
            bool(self.arrays["groups.everyone"][row]),
        )

    def group_set(self, row: int) -> GroupSet:
        numbers = self.part("group_sets.offsets", "group_sets.groups", row)
        groups = frozenset(self.id_of("group", number) for number in numbers)
        return GroupSet(self.text("group_set_id", row), self.text("group_set_name", row), groups)

    def content(self, row: int) -> Content:
        arrays, words = self.arrays, self.words
        parent = arrays["contents.parent"][row]
        defaults = {
            words["kinds"][arrays["defaults.kind"][place]]: self.rules(arrays["defaults.rules"][place])
            for place in self._places("defaults.content", row)
        }
        uses = tuple(
            Use(self.id_of("content", arrays["uses.datasource"][place]), words["auths"][arrays["uses.auth"][place]])
            for place in self._places("uses.content", row)
        )
        return Content(
            self.text("content_id", row),
            words["kinds"][arrays["contents.kind"][row]],
            self.text("content_name", row),
            None if parent == NONE else self.id_of("content", parent),
            self.id_of("user", arrays["contents.owner"][row]),
            self.rules(arrays["contents.rules"][row]),
            words["modes"][arrays["contents.mode"][row]],
            MappingProxyType(defaults),
            bool(arrays["contents.tabs"][row]),
            uses,
            self.text("content_description", row),
            self.text("content_created", row),
            self.text("content_updated", row),
            *marks_of(self.perhaps("content_marks", row)),
        )

    def unlocked(self, row: int) -> Content:
        """As the classic model knows it, which has no locks."""
        content = self.content(row)
        return content if content.mode == CUSTOMIZABLE else replace(content, mode=CUSTOMIZABLE)

    def _places(self, column: str, row: int) -> Iterator[int]:
        """Where a rising column has this number."""
        values = self.arrays[column]
        place = bisect_left(values, row)
        while place < len(values) and values[place] == row:
            yield place
            place += 1

    def rules(self, number: int) -> Rules | None:
        rules = self.lists.get(number)
        if rules is None and number != NONE:
            rules = frozenset(self._rules(number))
            self.lists[number] = rules
        return rules

    def _rules(self, number: int) -> Iterator[Rule]:
        arrays = self.arrays
        start, end = arrays["rules.offsets"][number], arrays["rules.offsets"][number + 1]
        for row in range(start, end):
            code = arrays["rules.grantee"][row]
            kind, table = GRANTEES[code & 3]
            grantee = Grantee(kind, self.id_of(table, code >> 2))
            for mode, column in ((ALLOW, "rules.allow"), (DENY, "rules.deny")):
                mask = arrays[column][row]
                while mask:
                    low = mask & -mask
                    yield Rule(grantee, self.words["capabilities"][low.bit_length() - 1], mode)
                    mask ^= low


class _Index(Generic[_Thing]):
    """What a Site counts of all its things, answered for one key."""

    def __init__(self, answer: Callable[[Any], _Thing | None]) -> None:
        self._answer = answer

    def get(self, key: object, default: _Thing) -> _Thing:
        answer = self._answer(key)
        return default if answer is None else answer

    def __contains__(self, key: object) -> bool:
        return bool(self._answer(key))


def _indexes(reader: _Reader, site: Site) -> dict[str, object]:
    arrays = reader.arrays
    everyone = [reader.id_of("group", row) for row, flag in enumerate(arrays["groups.everyone"]) if flag]

    def groups_of(user: str) -> frozenset[str]:
        row = reader.number("user", user)
        if row is None or row >= len(site.users):
            return _as_named(user)
        mine = (reader.id_of("group", n) for n in reader.part("belongs.offsets", "belongs.groups", row))
        return frozenset((*mine, *everyone))

    def _as_named(user: str) -> frozenset[str]:
        """Of somebody who was not read but is a member."""
        return frozenset(g.id for g in site.groups.values() if not g.everyone and user in (g.members or ()))

    @lru_cache(maxsize=10_000)
    def children(parent: str | None) -> tuple[str, ...]:
        row = NONE if parent is None else reader.number("content", parent)
        if row is None:
            return ()
        return tuple(reader.id_of("content", n) for n in reader.part("children.offsets", "children.contents", row + 1))

    def repeated(user: str) -> bool:
        row = reader.number("user", user)
        return row is not None and row < len(site.users) and bool(arrays["user.repeated"][row])

    def users_named(name: str) -> tuple[str, ...]:
        users = (site.users[reader.id_of("user", n)] for n in sorted(set(reader.hashed("names", name))))
        return tuple(u.id for u in users if name in (same(u.name), same(f"{u.domain}\\{u.name}")))

    def contents_at(path: str) -> tuple[str, ...]:
        ids = (reader.id_of("content", n) for n in sorted(reader.hashed("paths", path)))
        return tuple(content_id for content_id in ids if same(site.path(content_id)) == path)

    return {
        "_groups_of": _Index(groups_of),
        "_children": _Index(children),
        "_repeated": _Index(repeated),
        "_users_by_name": _Index(users_named),
        "_contents_by_path": _Index(contents_at),
    }
