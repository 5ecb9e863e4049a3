"""Whether columns can be asked: every number, code, range and text of them, and the table and row of what is wrong."""

from __future__ import annotations

import numpy as np

from tabwarden.engine.columns import NONE, NUMBERED, Array, Columns
from tabwarden.model.errors import ColumnsError

_NEEDED = {
    "capabilities": ("ChangePermissions", "ProjectLeader", "InheritedProjectLeader"),
    "kinds": ("project", "workbook", "view", "database", "table", "collection"),
    "modes": ("LockedToProject", "LockedToProjectWithoutNested", "ManagedByOwner", "LockedToDatabase"),
    "roles": ("Unlicensed",),
}


def invalid(table: str, what: str, hint: str = "", *, row: int | None = None) -> ColumnsError:
    """The error about a table, and a row of it."""
    where = f"`{table}`" if row is None else f"`{table}` row {row}:"
    return ColumnsError(f"{where} {what}" + (f"; {hint}" if hint else ""))


def count_of(table: str, count: int) -> str:
    """How many there are, in words."""
    return f"there are {count:,} {table}s, numbered from 0" if count else f"there is no {table}"


def validate(columns: Columns) -> None:
    """ColumnsError for the first thing that cannot be, with its table, row and value. Opens ids and names."""
    for name, words in _NEEDED.items():
        missing = [word for word in words if word not in getattr(columns.vocabulary, name)]
        if missing:
            raise invalid("vocabulary", f"`{name}` lacks `{missing[0]}`", "begin with `by_hand.STANDARD`")
    _Check(columns).all()


class _Check:
    def __init__(self, columns: Columns) -> None:
        self.columns, names = columns, columns.names
        self.read = dict(columns.sizes_of)
        self.known = {table: self.read[table] + len(getattr(names, f"{table}_named")) for table in NUMBERED}
        self.lists = len(columns.rules.offsets) - 1

    def all(self) -> None:
        """Everything, what others are read by first."""
        columns, words = self.columns, self.columns.vocabulary
        for table in ("users", "groups", "group_sets", "contents", "defaults", "uses", "rules"):
            self._lengths(table)
        self._ranges("groups", "members", len(columns.groups.read))
        self._ranges("group_sets", "groups", self.read["group_set"])
        self._ranges("rules", "grantee", self.lists)
        self._codes("users", "role", words.roles)
        for table in ("contents", "defaults"):
            self._codes(table, "kind", words.kinds)
            self._within(table, "rules", NONE, self.lists, "rule lists")
        self._codes("contents", "mode", words.modes)
        self._codes("uses", "auth", words.auths)
        self._numbers("groups", "members", "user")
        self._numbers("group_sets", "groups", "group")
        self._numbers("contents", "owner", "user")
        self._within("contents", "parent", NONE, self.known["content"], "contents")
        self._within("defaults", "content", 0, self.read["content"], "contents that were read")
        self._within("uses", "content", 0, self.read["content"], "contents that were read")
        self._numbers("uses", "datasource", "content")
        self._rules()
        self._circles()
        self._texts()

    def _column(self, table: str, name: str) -> Array:
        column: Array = getattr(getattr(self.columns, table), name)
        return column

    def _lengths(self, table: str) -> None:
        """Columns of one table are of one length, and hold whole numbers or flags."""
        ranged = {"groups": ("offsets", "members"), "group_sets": ("offsets", "groups"), "rules": ("offsets",)}
        columns = getattr(self.columns, table)._asdict()
        for name, column in columns.items():
            if column.ndim != 1 or column.dtype.kind not in "iub":
                raise invalid(table, f"column `{name}` is of `{column.dtype}`", "it holds whole numbers or flags")
        plain = {name: len(column) for name, column in columns.items() if name not in ranged.get(table, ())}
        if len(set(plain.values())) > 1:
            raise invalid(table, f"columns differ in length: {', '.join(f'`{n}` {c:,}' for n, c in plain.items())}")

    def _ranges(self, table: str, name: str, count: int) -> None:
        """Offsets that start at 0, never fall, and end where the entries end; entries rise within a range."""
        offsets, entries = self._column(table, "offsets"), self._column(table, name)
        if len(offsets) != count + 1 or offsets[0] != 0 or offsets[-1] != len(entries):
            raise invalid(table, "`offsets` must start at 0, have one entry more than rows and end at the last entry")
        for row in np.flatnonzero(np.diff(offsets) < 0).tolist()[:1]:
            raise invalid(table, f"`offsets` falls from {offsets[row]} to {offsets[row + 1]}", row=row)
        of = np.repeat(np.arange(count), np.diff(offsets))
        wrong = np.flatnonzero((of[1:] == of[:-1]) & (entries[1:] <= entries[:-1]))
        for place in wrong.tolist()[:1]:
            more = f"`{name}` has {entries[place + 1]} behind {entries[place]}"
            raise invalid(table, more, "they rise, each once", row=int(of[place]))

    def _within(self, table: str, name: str, first: int, end: int, what: str) -> None:
        column = self._column(table, name)
        for place in np.flatnonzero((column < first) | (column >= end)).tolist()[:1]:
            hint = f"there are {end:,} {what}" + ("" if first == 0 else f", and {NONE} for none")
            ranged = table in ("groups", "group_sets")
            row = int(np.searchsorted(self._column(table, "offsets"), place, side="right")) - 1 if ranged else place
            raise invalid(table, f"`{name}` is {column[place]}", hint, row=row)

    def _numbers(self, table: str, name: str, of: str) -> None:
        self._within(table, name, 0, self.known[of], f"{of}s with those only named")

    def _codes(self, table: str, name: str, words: tuple[str, ...]) -> None:
        self._within(table, name, 0, len(words), f"words: {', '.join(words)}")

    def _rules(self) -> None:
        lists, capabilities = self.columns.rules, self.columns.vocabulary.capabilities
        if len(lists.offsets) < 2 or lists.offsets[1] != 0:
            raise invalid("rules", "list 0 must be the one without rules", row=0)
        kind, number = lists.grantee & 3, lists.grantee >> 2
        most = np.array([self.known["user"], self.known["group"], self.known["group_set"], 0])
        for row in np.flatnonzero((number < 0) | (number >= most[kind])).tolist()[:1]:
            hint = "number * 4 + 0 for a user, 1 for a group, 2 for a group set"
            raise invalid("rules", f"`grantee` is {lists.grantee[row]}, which is nobody", hint, row=row)
        for name in ("allow", "deny"):
            masks = self._column("rules", name).astype(np.uint64)
            for row in np.flatnonzero(masks >> np.uint64(len(capabilities))).tolist()[:1]:
                raise invalid("rules", f"`{name}` is {masks[row]}", f"{len(capabilities)} bits are named", row=row)

    def _circles(self) -> None:
        """Nothing lies in itself: following parents, twice as far each time, ends for everything."""
        parent, count = self._column("contents", "parent").astype(np.int64), self.read["content"]
        above = np.where(parent < count, parent, NONE)
        moving = np.flatnonzero(above >= 0)
        for _ in range(count.bit_length()):
            above[moving] = above[above[moving]]
            moving = moving[above[moving] >= 0]
        for row in moving.tolist()[:1]:
            raise invalid("contents", f"`parent` is {parent[row]}, and so it lies in itself", row=row)

    def _texts(self) -> None:
        names = self.columns.names
        for table in NUMBERED:
            for part in ("id", "name", "named"):
                codes = getattr(names, f"{table}_{part}")
                if part != "named" and len(codes) != self.read[table]:
                    raise invalid("names", f"`{table}_{part}` has {len(codes):,} entries of {self.read[table]:,}")
                for row in np.flatnonzero((codes < 0) | (codes >= len(names.words))).tolist()[:1]:
                    raise invalid("names", f"`{table}_{part}` is {codes[row]}, which is no text", row=row)
            ids = np.concatenate((getattr(names, f"{table}_id"), getattr(names, f"{table}_named")))
            first, times = np.unique(ids, return_index=True, return_counts=True)[1:]
            for row in first[times > 1].tolist()[:1]:
                raise invalid("names", f"`{table}_id` is `{names.words[int(ids[row])]}` twice", row=row)
