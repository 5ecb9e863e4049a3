"""The arrays of a Site that is kept for questions: its columns, and indexes by which one thing is found at once.

TABLE.hashes TABLE.numbers   numbers of ids, by the rising hash of the id (TABLE: user, group, group_set, content)
names.* paths.*              numbers of users by name and `domain\\name`, of contents by path, in their `same` form
user.repeated                whether somebody else has the same user name or display name
belongs.*                    groups of each user, All Users apart; `children.*` contents of each parent
TABLE.state                  a hash of all that a row says: rows of one id with the same state are the same
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import numpy as np

from tabwarden.engine.columns import GRANTEE_KINDS, NUMBERED, Array, Columns
from tabwarden.engine.rules import hashed, mixed, summed
from tabwarden.model.names import same
from tabwarden.store.columns import facts_of, names_of
from tabwarden.store.opened import hash_of


def arrays_of(columns: Columns) -> dict[str, Array]:
    """Everything that is kept of one Site, by name."""
    names, arrays = columns.names, {**facts_of(columns), **names_of(columns.names)}
    words = names.words.all()
    hashes = np.array([hash_of(word) for word in words], np.uint64)
    for table in NUMBERED:
        arrays |= _by_hash(table, hashes[_codes(columns, table)])
    arrays |= _people(columns, words) | _tree(columns)
    states = _States(columns, hashes)
    arrays |= {"user.state": states.users(), "group.state": states.groups(), "group_set.state": states.group_sets()}
    return {
        name: np.ascontiguousarray(array) for name, array in (arrays | {"content.state": states.contents()}).items()
    }


def _codes(columns: Columns, table: str) -> Array:
    return np.concatenate((getattr(columns.names, f"{table}_id"), getattr(columns.names, f"{table}_named")))


def _by_hash(name: str, hashes: Array, numbers: Array | None = None) -> dict[str, Array]:
    order = np.argsort(hashes, kind="stable")
    numbers = order if numbers is None else numbers[order]
    return {f"{name}.hashes": hashes[order].astype(np.uint64), f"{name}.numbers": numbers.astype(np.int32)}


def _texts(texts: Iterable[str]) -> Array:
    return np.array([hash_of(same(text)) for text in texts], np.uint64)


def _people(columns: Columns, words: list[str]) -> dict[str, Array]:
    names = columns.names
    named, domains, shown = (
        [words[code] for code in column.tolist()]
        for column in (names.user_name, names.user_domain, names.user_full_name)
    )
    plain, full = [same(name) for name in named], [same(name) for name in shown]
    of_plain, of_full = Counter(plain), Counter(full)
    repeated = [of_plain[a] > 1 or (b != "" and of_full[b] > 1) for a, b in zip(plain, full, strict=True)]
    both = [*named, *(f"{domain}\\{name}" for domain, name in zip(domains, named, strict=True))]
    count = len(named)
    arrays = _by_hash("names", _texts(both), np.tile(np.arange(count), 2))
    group = np.repeat(np.arange(len(columns.groups.read), dtype=np.int32), np.diff(columns.groups.offsets))
    member = columns.groups.members
    counts = (member < count) & columns.groups.read[group] & ~columns.groups.everyone[group]
    order, offsets = _rows(member[counts], count)
    return arrays | {
        "user.repeated": np.array(repeated, np.bool_),
        "belongs.offsets": offsets,
        "belongs.groups": group[counts][order],
    }


def _rows(values: Array, count: int) -> tuple[Array, Array]:
    """The places of `values` in their order, and where those of each of `count` values begin."""
    offsets = np.zeros(count + 1, np.int64)
    np.cumsum(np.bincount(values, minlength=count), out=offsets[1:])
    return np.argsort(values, kind="stable"), offsets


def _tree(columns: Columns) -> dict[str, Array]:
    """Children by parent: row 0 the top level, row n + 1 what lies in content n, read or only named."""
    parent, names = columns.contents.parent, columns.names
    order, offsets = _rows(parent + 1, 1 + len(names.content_id) + len(names.content_named))
    arrays = _by_hash("paths", _texts(names.paths(parent)))
    return arrays | {"children.offsets": offsets, "children.contents": order.astype(np.int32)}


class _States:
    """Hashes of rows by what they say, not by the numbers they say it with; only inside `arrays_of`."""

    def __init__(self, columns: Columns, hashes: Array) -> None:
        self.columns, self.names, self.hashes = columns, columns.names, np.append(hashes, np.uint64(0))  # of NONE
        words = columns.vocabulary
        self.of_word = {
            name: np.array([hash_of(word) for word in getattr(words, name)] or [0], np.uint64) for name in words._fields
        }
        self.ids = {table: hashes[_codes(columns, table)] for table in NUMBERED}
        self.lists = np.append(self._lists(), np.uint64(1))  # of a list that was not read

    def text(self, column: str) -> Array:
        hashes: Array = self.hashes[getattr(self.names, column)]
        return hashes

    def users(self) -> Array:
        columns = ("name", "domain", "full_name", "email", "auth_setting", "last_login", "idp_configuration_id")
        return hashed(self.of_word["roles"][self.columns.users.role], *(self.text(f"user_{c}") for c in columns))

    def groups(self) -> Array:
        groups = self.columns.groups
        columns = (self.text(f"group_{c}") for c in ("name", "domain", "minimum_site_role", "grant_on"))
        members = summed(groups.offsets, mixed(self.ids["user"][groups.members]))
        return hashed(groups.everyone, groups.read, members, *columns)

    def group_sets(self) -> Array:
        group_sets = self.columns.group_sets
        return hashed(
            self.text("group_set_name"), summed(group_sets.offsets, mixed(self.ids["group"][group_sets.groups]))
        )

    def contents(self) -> Array:
        contents, count = self.columns.contents, len(self.columns.contents.kind)
        parents = np.append(self.ids["content"], np.uint64(0))
        columns = (self.text(f"content_{c}") for c in ("name", "description", "created", "updated", "marks"))
        defaults, uses = self.columns.defaults, self.columns.uses
        by_kind = hashed(self.of_word["kinds"][defaults.kind], self.lists[defaults.rules])
        place = np.arange(len(uses.content))  # the order of uses is part of what they say
        first = np.searchsorted(uses.content, uses.content)
        used = hashed(place - first, self.ids["content"][uses.datasource], self.of_word["auths"][uses.auth])
        return hashed(
            self.of_word["kinds"][contents.kind],
            parents[contents.parent],
            self.ids["user"][contents.owner],
            self.lists[contents.rules],
            self.of_word["modes"][contents.mode],
            contents.tabs,
            summed(_ends(defaults.content, count), by_kind),
            summed(_ends(uses.content, count), used),
            *columns,
        )

    def _lists(self) -> Array:
        """Of each rule list: the sum over its rules, so that their order does not count."""
        lists = self.columns.rules
        kind, number = lists.grantee & 3, lists.grantee >> 2
        who = np.zeros(len(kind), np.uint64)
        for code, table in enumerate(NUMBERED[:3]):
            mine = kind == code
            who[mine] = hashed(
                np.full(int(mine.sum()), hash_of(GRANTEE_KINDS[code]), np.uint64), self.ids[table][number[mine]]
            )
        states = np.zeros(len(kind), np.uint64)
        for bit, word in enumerate(self.of_word["capabilities"].tolist()):
            for mode, mask in enumerate((lists.allow, lists.deny)):
                speaks = np.flatnonzero((mask >> np.uint64(bit)) & np.uint64(1))
                states[speaks] += hashed(np.full(len(speaks), word, np.uint64), np.full(len(speaks), mode), who[speaks])
        return summed(lists.offsets, states)


def _ends(values: Array, count: int) -> Array:
    ends: Array = np.searchsorted(values, np.arange(count + 1))
    return ends
