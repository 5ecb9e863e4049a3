"""Columns made by hand, of tables of numbers and words: what is left out is filled in, everything is checked.

    columns = by_hand(
        users={"role": ["Creator", "Viewer"]},
        contents={"kind": ["project", "workbook"], "parent": [-1, 0], "owner": [0, 0], "rules": [0, 1]},
        groups={"id": ["staff"]},
        members={"group": [0], "user": [1]},
        rules={"list": [1], "grantee_kind": ["group"], "grantee": [0], "capability": ["View"], "mode": ["Allow"]},
    )

A table is a mapping from the names of its columns to arrays or lists, one entry a row: a dictionary, a frame of Polars
or pandas, what DuckDB's `fetchnumpy` gives. docs/reference/columns.md lists tables, columns, words and defaults.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields, replace
from difflib import get_close_matches
from typing import Any, Protocol

import numpy as np

from tabwarden.engine.columns import (
    EMPTY_LIST,
    GRANTEE_KINDS,
    NONE,
    NUMBERED,
    Array,
    Columns,
    Contents,
    Defaults,
    Groups,
    GroupSets,
    Names,
    RuleLists,
    Users,
    Uses,
    Vocabulary,
    Words,
)
from tabwarden.engine.validate import count_of, invalid, validate
from tabwarden.model.capability import CAPABILITIES, KINDS, capability_named
from tabwarden.model.errors import UnknownName
from tabwarden.model.governing import LOCKED_TO_DATABASE
from tabwarden.model.roles import SITE_ROLES
from tabwarden.model.site import ALLOW, CUSTOMIZABLE, DENY, MODES, Content, Group, GroupSet, Site, User


class Frame(Protocol):
    """A table that tells its columns, as those of Polars and pandas do."""

    @property
    def columns(self) -> Any:
        """The names of the columns."""

    def __getitem__(self, key: Any, /) -> Any:
        """A column by its name."""


Table = Mapping[str, Any] | Frame
STANDARD = Vocabulary(
    tuple(CAPABILITIES), KINDS, (*MODES, LOCKED_TO_DATABASE), tuple(SITE_ROLES), ("embed", "prompt", "unread")
)
"""The words of columns made by hand: bit c of a mask is capability c, a code is the place of its word."""

_MODELS = {"user": User, "group": Group, "group_set": GroupSet, "content": Content}
_FACTS = {
    "users": ("role",),
    "groups": ("everyone", "read"),
    "members": ("group", "user"),
    "group_sets": (),
    "set_groups": ("group_set", "group"),
    "contents": ("kind", "parent", "owner", "rules", "mode", "tabs"),
    "defaults": ("content", "kind", "rules"),
    "uses": ("content", "datasource", "auth"),
    "rules": ("list", "grantee_kind", "grantee", "capability", "mode", "allow", "deny"),
}


def by_hand(
    *,
    users: Table,
    contents: Table,
    groups: Table | None = None,
    members: Table | None = None,
    group_sets: Table | None = None,
    set_groups: Table | None = None,
    defaults: Table | None = None,
    uses: Table | None = None,
    rules: Table | None = None,
    named: Mapping[str, Iterable[str]] | None = None,
    about: Site | None = None,
) -> Columns:
    """The columns of these tables; ColumnsError, which names table, row and value, for what cannot be.

    `named` lists ids of what is spoken of but was not read, by `user`, `group`, `group_set` or `content`: their numbers
    follow those of the table. `about` is a Site without people and content: its name and settings.
    """
    tables = {
        "users": users,
        "groups": groups,
        "members": members,
        "group_sets": group_sets,
        "set_groups": set_groups,
        "contents": contents,
        "defaults": defaults,
        "uses": uses,
        "rules": rules,
    }
    columns = _Hand({name: _table(name, table) for name, table in tables.items()}, named or {}, about).made()
    validate(columns)
    return columns


def _table(name: str, table: Table | None) -> dict[str, Array]:
    """The columns of one table as arrays of one length."""
    names: Iterable[str] = () if table is None else table if isinstance(table, Mapping) else table.columns
    arrays = {} if table is None else {str(column): np.asarray(table[column]) for column in names}
    length = next((len(array) for array in arrays.values()), 0)
    known = (*_FACTS[name], *_texts_of(name.removesuffix("s")))
    for column, array in arrays.items():
        if column not in known:
            near = get_close_matches(column, known, n=1) or known
            raise invalid(name, f"has no column `{column}`", f"its columns are {', '.join(near)}")
        if array.ndim != 1 or len(array) != length:
            raise invalid(name, f"column `{column}` has {array.shape} entries, others {length}")
    return arrays


def _texts_of(table: str) -> list[str]:
    """The columns of texts that a numbered table has."""
    if table not in NUMBERED:
        return []
    texts = [name.removeprefix(f"{table}_") for name in Names._fields if name.startswith(f"{table}_")]
    return [text for text in texts if text != "named" and not text.startswith("set_")]


class _Hand:
    def __init__(
        self, tables: dict[str, dict[str, Array]], named: Mapping[str, Iterable[str]], about: Site | None
    ) -> None:
        self.tables, self.about = tables, about or Site()
        self.named = {table: list(named.get(table, ())) for table in NUMBERED}
        self.count = {table: len(next(iter(tables[f"{table}s"].values()), ())) for table in NUMBERED}
        if "owner" not in tables["contents"]:  # nobody who is on the site
            self.named["user"].append("nobody")

    def made(self) -> Columns:
        contents, defaults, rules = self._contents(), self._defaults(), self._rules()
        names = self._names()
        return Columns(
            replace(self.about, users={}, groups={}, group_sets={}, contents={}),
            STANDARD,
            Users(self._codes("users", "role", STANDARD.roles)),
            self._groups(),
            GroupSets(*self._ranges("set_groups", "group_set", "group")),
            contents,
            defaults,
            self._uses(),
            rules,
            lambda: names,
        )

    # -- columns ----------------------------------------------------------------------------------------------

    def _length(self, table: str) -> int:
        return len(next(iter(self.tables[table].values()), ()))

    def _column(self, table: str, name: str, default: object = None) -> Array:
        """A column as it was given, or filled with what stands for it."""
        if name in self.tables[table]:
            return self.tables[table][name]
        if default is None and self._length(table):
            raise invalid(table, f"needs a column `{name}`")
        return np.full(self._length(table), default if default is not None else 0)

    def _integers(self, table: str, name: str, default: int | None = None) -> Array:
        column = self._column(table, name, default)
        if len(column) and column.dtype.kind not in "iu":
            raise invalid(table, f"column `{name}` holds `{column[0]}`", "whole numbers belong there", row=0)
        if len(column) and (column.min() < NONE or column.max() >= 1 << 30):
            row = int(np.flatnonzero((column < NONE) | (column >= 1 << 30))[0])
            raise invalid(table, f"`{name}` is {column[row]}", f"numbers start at 0; {NONE} stands for none", row=row)
        return column.astype(np.int64)

    def _flags(self, table: str, name: str, default: bool) -> Array:
        column = self._column(table, name, default)
        wrong = np.flatnonzero(~np.isin(column, (0, 1)))
        if len(wrong):
            raise invalid(table, f"`{name}` is `{column[wrong[0]]}`", "it is true or false", row=int(wrong[0]))
        return column.astype(bool)

    def _codes(self, table: str, name: str, words: tuple[str, ...], default: str | None = None) -> Array:
        """Codes of words; codes may be given in their place."""
        column = self._column(table, name, default)
        if column.dtype.kind in "iu":
            return column.astype(np.int64)
        place = {word: code for code, word in enumerate(words)}
        codes = [place.get(str(word), NONE) for word in column.tolist()]
        if NONE in codes:
            row = codes.index(NONE)
            near = get_close_matches(str(column[row]), words, n=1)
            hint = f"did you mean `{near[0]}`?" if near else f"words are {', '.join(words)}"
            raise invalid(table, f"`{name}` is `{column[row]}`", hint, row=row)
        return np.array(codes, np.int64)

    def _ranges(self, table: str, owner: str, name: str) -> tuple[Array, Array]:
        """Pairs as offsets by owner and what each has, rising, each once."""
        owners, values = self._integers(table, owner), self._integers(table, name)
        count = self.count[owner]
        for row in np.flatnonzero((owners < 0) | (owners >= count)).tolist()[:1]:
            raise invalid(table, f"`{owner}` is {owners[row]}", count_of(owner, count), row=row)
        self._at_least(table, name, values, 0, "numbers start at 0")
        known = self.count[name] + len(self.named[name])
        for row in np.flatnonzero(values >= known).tolist()[:1]:
            raise invalid(table, f"`{name}` is {values[row]}", count_of(name, known), row=row)
        pairs = np.unique(owners << 30 | values)
        return np.searchsorted(pairs >> 30, np.arange(count + 1)), (pairs & (1 << 30) - 1).astype(np.int32)

    def _at_least(self, table: str, name: str, column: Array, least: int, hint: str) -> None:
        for row in np.flatnonzero(column < least).tolist()[:1]:
            raise invalid(table, f"`{name}` is {column[row]}", hint, row=row)

    # -- tables -----------------------------------------------------------------------------------------------

    def _groups(self) -> Groups:
        offsets, members = self._ranges("members", "group", "user")
        everyone, read = self._flags("groups", "everyone", False), self._flags("groups", "read", True)
        return Groups(everyone, read, offsets, members)

    def _contents(self) -> Contents:
        nobody = self.count["user"] + len(self.named["user"]) - 1
        return Contents(
            self._codes("contents", "kind", KINDS),
            self._integers("contents", "parent", NONE),
            self._integers("contents", "owner", nobody),
            self._list("contents"),
            self._codes("contents", "mode", STANDARD.modes, CUSTOMIZABLE),
            self._flags("contents", "tabs", True),
        )

    def _defaults(self) -> Defaults:
        kind = self._codes("defaults", "kind", KINDS)
        return Defaults(self._integers("defaults", "content"), kind, self._list("defaults"))

    def _uses(self) -> Uses:
        numbers = self._integers("uses", "content"), self._integers("uses", "datasource")
        return Uses(*numbers, self._codes("uses", "auth", STANDARD.auths, "embed"))

    def _list(self, table: str) -> Array:
        return self._integers(table, "rules", EMPTY_LIST)

    def _rules(self) -> RuleLists:
        """Rows by list and grantee; those of one grantee become one."""
        of, grantee = self._integers("rules", "list"), self._integers("rules", "grantee")
        kind = self._codes("rules", "grantee_kind", GRANTEE_KINDS)
        self._at_least("rules", "list", of, 1, "list 0 is the one without rules")
        self._at_least("rules", "grantee", grantee, 0, "numbers start at 0")
        self._at_least("rules", "grantee_kind", np.where(kind > 2, NONE, kind), 0, "0 user, 1 group, 2 group set")
        allow, deny = self._masks()
        count = int(of.max(initial=0)) + 1
        key = (of << 33) | (grantee << 2) | kind
        order = np.argsort(key, kind="stable")
        key = key[order]
        starts = np.flatnonzero(np.concatenate(([True], key[1:] != key[:-1]))) if len(key) else order
        masks = [np.bitwise_or.reduceat(mask[order], starts) if len(key) else mask for mask in (allow, deny)]
        offsets = np.searchsorted(key[starts] >> 33, np.arange(count + 1))
        return RuleLists(offsets, (key[starts] & (1 << 33) - 1).astype(np.int64), masks[0], masks[1])

    def _masks(self) -> tuple[Array, Array]:
        table = self.tables["rules"]
        if "allow" in table or "deny" in table:
            masks = [self._column("rules", name, 0).astype(np.uint64) for name in ("allow", "deny")]
            return masks[0], masks[1]
        bits: dict[str, int] = {}
        capabilities = self._column("rules", "capability")
        for row, words in enumerate(capabilities.tolist()):
            try:
                bits.setdefault(words, STANDARD.capabilities.index(capability_named(str(words))))
            except UnknownName as unknown:
                raise invalid("rules", str(unknown), row=row) from None
        one = np.left_shift(np.uint64(1), np.array([bits[words] for words in capabilities.tolist()], np.uint64))
        denies = self._codes("rules", "mode", (ALLOW, DENY), ALLOW)
        nothing = np.zeros(len(one), np.uint64)
        return np.where(denies == 0, one, nothing), np.where(denies == 1, one, nothing)

    # -- texts ------------------------------------------------------------------------------------------------

    def _names(self) -> Names:
        """Ids are numbers, names are ids, and other texts those of the model, where nothing else was told."""
        codes: dict[str, int] = {}
        columns: dict[str, Array] = {}

        def coded(texts: Iterable[object]) -> Array:
            numbers = [NONE if text is None else codes.setdefault(str(text), len(codes)) for text in texts]
            return np.array(numbers, np.int32)

        for table in NUMBERED:
            given, count = self.tables[f"{table}s"], self.count[table]
            ids = given["id"].tolist() if "id" in given else [f"{table} {number}" for number in range(count)]
            defaults = {field.name: field.default for field in fields(_MODELS[table])} | {"marks": None}
            for part in _texts_of(table):
                default = ids if part in ("id", "name") else [defaults[part]] * count
                columns[f"{table}_{part}"] = coded(given[part].tolist() if part in given else default)
            columns[f"{table}_named"] = coded(self.named[table])
        return Names(words=Words.of(codes), **columns)
