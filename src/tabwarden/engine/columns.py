"""The columnar form of a Site: whole numbers for everybody and everything, each rule list once, masks for capabilities.

What the arrays mean, row by row, is told in docs/reference/columns.md; not how they are made of a Site (`convert`),
kept in files (`store.columns`) or asked (`engine`).
Numbers count from 0 in the order of the Site. A number at or above the count of its table means somebody or something
that is named (by a rule, as owner, as parent) but was not read; `Names.*_named` tells its id.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cached_property
from itertools import pairwise
from operator import index
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tabwarden.model.errors import UnknownName
from tabwarden.model.site import Site

Array = NDArray[Any]

GRANTEE_KINDS = ("user", "group", "groupSet")
USER, GROUP, GROUP_SET = range(3)
NUMBERED = ("user", "group", "group_set", "content")
NONE = -1  # no parent; no word; of a rule list: not read
EMPTY_LIST = 0  # rule list 0 is the one without rules
MOST_CAPABILITIES = 63
_FEW = 10_000  # ids among which the nearest are looked for, which takes a second a hundred thousand
_BLOCK = 1 << 16  # texts that are picked at a time


class Vocabulary(NamedTuple):
    """The few words that codes stand for: the bit of a capability, the code of a kind, mode, role or authentication."""

    capabilities: tuple[str, ...]
    kinds: tuple[str, ...]
    modes: tuple[str, ...]
    roles: tuple[str, ...]
    auths: tuple[str, ...]


class Users(NamedTuple):
    """One row a user: `role` is a code of `Vocabulary.roles`."""

    role: Array


class Groups(NamedTuple):
    """One row a group; `members[offsets[g]:offsets[g + 1]]` are user numbers, rising.

    `read` is False where the members were not read; `everyone` marks All Users.
    """

    everyone: Array
    read: Array
    offsets: Array
    members: Array


class GroupSets(NamedTuple):
    """One row a group set; `groups[offsets[s]:offsets[s + 1]]` are group numbers, rising."""

    offsets: Array
    groups: Array


class Contents(NamedTuple):
    """One row a content, projects included: `kind` and `mode` are codes, `parent` a content number or NONE,
    `owner` a user number, `rules` a rule list or NONE (not read)."""

    kind: Array
    parent: Array
    owner: Array
    rules: Array
    mode: Array
    tabs: Array


class Defaults(NamedTuple):
    """One row a kind for which a project (or database) has default rules; `rules` may be NONE (not read)."""

    content: Array
    kind: Array
    rules: Array


class Uses(NamedTuple):
    """One row a published data source behind a workbook, in the order of the Site."""

    content: Array
    datasource: Array
    auth: Array


class RuleLists(NamedTuple):
    """Each different rule list once: rows `offsets[r]:offsets[r + 1]`, one a grantee, rising.

    `grantee` is number * 4 + kind (0 user, 1 group, 2 group set); bit c of `allow` and `deny` is capability c.
    """

    offsets: Array
    grantee: Array
    allow: Array
    deny: Array


@dataclass(frozen=True, slots=True, eq=False)
class Words:
    """Different texts in one block of UTF-8; `ends[i]` is the byte after text i. NONE stands for no text."""

    data: Array
    ends: Array

    def __len__(self) -> int:
        return len(self.ends)

    def __getitem__(self, code: int) -> str:
        start = int(self.ends[code - 1]) if code else 0
        return self.data[start : int(self.ends[code])].tobytes().decode("utf-8", "surrogatepass")

    def all(self) -> list[str]:
        """Every text, in order of its code."""
        whole = self.data.tobytes()
        pairs = pairwise([0, *self.ends.tolist()])
        if whole.isascii():  # nearly always, and far faster: a byte is a letter
            text = whole.decode("ascii")
            return [text[start:end] for start, end in pairs]
        return [whole[start:end].decode("utf-8", "surrogatepass") for start, end in pairs]

    def at(self, codes: Array) -> Words:
        starts = np.where(codes > 0, self.ends[np.maximum(codes, 1) - 1], 0) if len(codes) else codes
        ends = np.cumsum(self.ends[codes] - starts, dtype=np.int64)
        data = np.empty(int(ends[-1]) if len(ends) else 0, np.uint8)
        for first in range(0, len(codes), _BLOCK):  # places of octets take eight times their memory
            block = slice(first, first + _BLOCK)
            begin, end = int(ends[first - 1]) if first else 0, int(ends[block][-1])
            lengths = np.diff(ends[block], prepend=begin)
            data[begin:end] = self.data[
                np.arange(begin, end) + np.repeat(starts[block] + lengths - ends[block], lengths)
            ]
        return Words(data, ends)

    @staticmethod
    def of(texts: Iterable[str]) -> Words:
        parts = [text.encode("utf-8", "surrogatepass") for text in texts]
        ends = np.cumsum([len(part) for part in parts], dtype=np.int64) if parts else np.zeros(0, np.int64)
        return Words(np.frombuffer(b"".join(parts), np.uint8), ends)


class Names(NamedTuple):
    """The one table of ids and names: codes into `words` (NONE: not told), a row for each row of the facts.

    `user_named`, `group_named`, `group_set_named` and `content_named` are ids beyond the counts: named, not read.
    """

    words: Words
    user_id: Array
    user_name: Array
    user_domain: Array
    user_full_name: Array
    user_email: Array
    user_auth_setting: Array
    user_last_login: Array
    user_idp_configuration_id: Array
    user_named: Array
    group_id: Array
    group_name: Array
    group_domain: Array
    group_minimum_site_role: Array
    group_grant_on: Array
    group_named: Array
    group_set_id: Array
    group_set_name: Array
    group_set_named: Array
    content_id: Array
    content_name: Array
    content_description: Array
    content_created: Array
    content_updated: Array
    content_marks: Array
    content_named: Array

    def ids(self, table: str) -> list[str]:
        """Ids of `user`, `group`, `group_set` or `content` by number, those only named behind those read."""
        return self.words.at(np.concatenate((getattr(self, f"{table}_id"), getattr(self, f"{table}_named")))).all()

    def number(self, table: str, wanted: str) -> int:
        """The number of an id, read or only named, found without reading the others; KeyError where it is nobody's."""
        codes = np.concatenate((getattr(self, f"{table}_id"), getattr(self, f"{table}_named")))
        text = np.frombuffer(wanted.encode("utf-8", "surrogatepass"), np.uint8)
        starts = np.where(codes > 0, self.words.ends[codes - 1], 0)
        rows = np.flatnonzero(self.words.ends[codes] - starts == len(text))
        hits = self.words.data[starts[rows, None] + np.arange(len(text))] == text
        for row in rows[hits.all(axis=1)].tolist():
            return int(row)
        raise KeyError(wanted)

    def paths(self, parent: Array) -> list[str]:
        """The path of every content, whose parents are these numbers: `Site.path` of all at once."""
        names = self.words.at(self.content_name).all()
        above: list[int] = parent.tolist()
        count, paths = len(above), list[str | None]([None]) * len(above)

        def path(row: int) -> str:
            trail: list[int] = []
            at = row
            while 0 <= at < count and paths[at] is None and at not in trail:
                trail.append(at)
                at = above[at]
            circle = at in trail
            end = paths[at] if 0 <= at < count and not circle else None
            for number in reversed(trail):
                end = names[number] if end is None else f"{end}/{names[number]}"
                if not circle:
                    paths[number] = end
            return end or paths[row] or ""

        return [path(row) if paths[row] is None else paths[row] or "" for row in range(count)]


@dataclass(frozen=True, eq=False)
class Columns:
    """A whole Site as arrays; `about` is the Site without its people and content (name, settings, when taken).

    `open_names` gives the ids and names when they are first asked for: the engine needs none of them. `find` tells
    the number of an id of a table by an index that lies beside the columns; None of one that nobody has.
    """

    about: Site
    vocabulary: Vocabulary
    users: Users
    groups: Groups
    group_sets: GroupSets
    contents: Contents
    defaults: Defaults
    uses: Uses
    rules: RuleLists
    open_names: Callable[[], Names] = field(repr=False)
    find: Callable[[str, str], int | None] | None = field(default=None, repr=False)

    @cached_property
    def names(self) -> Names:
        return self.open_names()

    @cached_property
    def _read_ids(self) -> dict[str, list[str]]:
        return {}

    @cached_property
    def sizes_of(self) -> Mapping[str, int]:
        """How many rows each numbered table has."""
        return {
            "user": len(self.users.role),
            "group": len(self.groups.read),
            "group_set": len(self.group_sets.offsets) - 1,
            "content": len(self.contents.kind),
        }

    def ids(self, table: str) -> list[str]:
        """Ids of those read, by number."""
        return self.all_ids(table)[: self.sizes_of[table]]

    def all_ids(self, table: str) -> list[str]:
        """Ids by number, those only named behind those read."""
        if table not in self._read_ids:
            self._read_ids[table] = self.names.ids(table)
        return self._read_ids[table]

    def number(self, table: str, wanted: str) -> int:
        """The number of an id, read or only named; KeyError where it is nobody's."""
        if self.find is None:
            return self.names.number(table, wanted)
        number = self.find(table, wanted)
        if number is None:
            raise KeyError(wanted)
        return number

    def id_of(self, table: str, number: int) -> str:
        """The id of a `user`, `group`, `group_set` or `content` by its number, read or only named."""
        ids = self.all_ids(table)
        if not 0 <= number < len(ids):
            raise UnknownName(f"no {table} has the number {number}: {_range(len(ids))}")
        return ids[number]

    def checked(self, table: str, number: int) -> int:
        """The same number; UnknownName where no `user`, `group`, `group_set` or `content` that was read has it."""
        number, count = index(number), self.sizes_of[table]
        if not 0 <= number < count:
            raise UnknownName(f"no {table} has the number {number}: {_range(count)}")
        return number

    @cached_property
    def grantee_numbers(self) -> tuple[Mapping[str, int], ...]:
        """Number of each user, group and group set by id, those only named among them; by code of the grantee kind."""
        return tuple({key: number for number, key in enumerate(self.all_ids(table))} for table in NUMBERED[:3])

    def number_of(self, table: str, name: str) -> int:
        """The number of the `user`, `group` or `content` with this id; UnknownName where none was read."""
        numbers: Mapping[str, int] = getattr(self, f"{table}_numbers")
        if name not in numbers:
            near = get_close_matches(name, numbers, n=3) if len(numbers) <= _FEW else ()
            hint = f"; near it: {', '.join(f'`{close}`' for close in near)}" if near else ""
            raise UnknownName(f"no {table} has the id `{name}`, of {len(numbers):,} that were read{hint}")
        return numbers[name]

    @cached_property
    def user_numbers(self) -> Mapping[str, int]:
        """Number of each user who is on the site, by id."""
        return {user: number for number, user in enumerate(self.ids("user"))}

    @cached_property
    def content_numbers(self) -> Mapping[str, int]:
        """Number of each content that was read, by id."""
        return {content: number for number, content in enumerate(self.ids("content"))}

    @cached_property
    def group_numbers(self) -> Mapping[str, int]:
        """Number of each group that was read, by id."""
        return {group: number for number, group in enumerate(self.ids("group"))}

    @property
    def sizes(self) -> Mapping[str, int]:
        """How many users, groups, memberships, contents, rule lists and rule rows there are, and bytes of the facts."""
        tables = (self.users, self.groups, self.group_sets, self.contents, self.defaults, self.uses, self.rules)
        return {
            "users": len(self.users.role),
            "groups": len(self.groups.read),
            "memberships": len(self.groups.members),
            "group_sets": len(self.group_sets.offsets) - 1,
            "contents": len(self.contents.kind),
            "rule_lists": len(self.rules.offsets) - 1,
            "rule_rows": len(self.rules.grantee),
            "bytes": sum(array.nbytes for table in tables for array in table),
        }


def _range(count: int) -> str:
    return f"these columns have numbers from 0 to {count - 1}" if count else "these columns have none"
