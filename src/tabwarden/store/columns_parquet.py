"""Columns as Parquet tables, written and read by DuckDB.

One table a file: what is a range of another table's rows in the arrays (members of a group, rows of a rule list) is a
table with a column for the owner of the range, as warehouses want it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from tabwarden.engine.columns import NUMBERED, Array, Columns, Names, Words
from tabwarden.extras import install
from tabwarden.model.errors import SettingsError

Table = dict[str, Array]


def write(columns: Columns, folder: Path) -> None:
    """Write every table of `columns` to its own file in `folder`."""
    everything = columns
    names = everything.names
    tables: dict[str, Table] = {
        "users": {"role": everything.users.role},
        "groups": {"everyone": everything.groups.everyone, "read": everything.groups.read},
        "members": {"group": _of(everything.groups.offsets), "user": everything.groups.members},
        "group_sets": {"groups": np.diff(everything.group_sets.offsets)},
        "set_groups": {"group_set": _of(everything.group_sets.offsets), "group": everything.group_sets.groups},
        "contents": everything.contents._asdict(),
        "defaults": everything.defaults._asdict(),
        "uses": everything.uses._asdict(),
        "rule_lists": {"rows": np.diff(everything.rules.offsets)},
        "rules": {
            "list": _of(everything.rules.offsets),
            "grantee_kind": (everything.rules.grantee & 3).astype(np.uint8),
            "grantee": everything.rules.grantee >> 2,
            "allow": everything.rules.allow,
            "deny": everything.rules.deny,
        },
        "words": {"text": np.array(names.words.all(), dtype=object)},
        **{f"{table}_names": _codes(names, table) for table in NUMBERED},
        **{f"{table}_named": {"id": getattr(names, f"{table}_named")} for table in NUMBERED},
    }
    connection = _connect()
    try:
        for name, table in tables.items():
            connection.register("held", table)
            path = str(folder / f"{name}.parquet").replace("'", "''")
            connection.execute(f"copy (select * from held) to '{path}' (format parquet, compression zstd)")
            connection.unregister("held")
    finally:
        connection.close()


def facts(folder: Path) -> dict[str, Array]:
    """The arrays of the facts by `table.column`."""
    read = _Reader(folder)
    rules = read.table("rules")
    arrays = {
        "users.role": read.table("users")["role"],
        **{f"groups.{name}": array for name, array in read.table("groups").items()},
        **{f"contents.{name}": array for name, array in read.table("contents").items()},
        **{f"defaults.{name}": array for name, array in read.table("defaults").items()},
        **{f"uses.{name}": array for name, array in read.table("uses").items()},
        "rules.offsets": _offsets(read.table("rule_lists")["rows"]),
        "rules.grantee": (rules["grantee"] * 4 + rules["grantee_kind"]).astype(np.int32),
        "rules.allow": rules["allow"],
        "rules.deny": rules["deny"],
        "group_sets.offsets": _offsets(read.table("group_sets")["groups"]),
        "group_sets.groups": read.table("set_groups")["group"],
    }
    members = read.table("members")
    counts = np.bincount(members["group"], minlength=len(arrays["groups.read"]))
    arrays |= {"groups.offsets": _offsets(counts), "groups.members": members["user"]}
    read.close()
    return arrays


def names(folder: Path) -> dict[str, Array]:
    """The arrays of ids and names, and the words."""
    read = _Reader(folder)
    arrays: dict[str, Array] = {}
    for table in NUMBERED:
        arrays |= {f"{table}_{column}": codes for column, codes in read.table(f"{table}_names").items()}
        arrays[f"{table}_named"] = read.table(f"{table}_named")["id"]
    words = Words.of(read.table("words")["text"].tolist())
    read.close()
    return {**arrays, "words.data": words.data, "words.ends": words.ends}


def _codes(names: Names, table: str) -> Table:
    """The name columns of one table."""
    others = [other for other in NUMBERED if other.startswith(f"{table}_")]
    return {
        column.removeprefix(f"{table}_"): array
        for column, array in names._asdict().items()
        if column.startswith(f"{table}_")
        and not column.endswith("_named")
        and not any(column.startswith(f"{other}_") for other in others)
    }


def _of(offsets: Array) -> Array:
    return np.repeat(np.arange(len(offsets) - 1, dtype=np.int32), np.diff(offsets))


def _offsets(counts: Array) -> Array:
    offsets = np.zeros(len(counts) + 1, np.int64)
    np.cumsum(counts, out=offsets[1:])
    return offsets


def _connect() -> Any:
    try:
        import duckdb
    except ImportError:
        raise SettingsError([f"Parquet files need DuckDB; {install('[files]')}"]) from None
    return duckdb.connect()


class _Reader:
    def __init__(self, folder: Path) -> None:
        self.folder, self.connection = folder, _connect()

    def table(self, name: str) -> Table:
        path = self.folder / f"{name}.parquet"
        if not path.is_file():
            raise FileNotFoundError(f"`{path.name}` is missing")
        quoted = str(path).replace("'", "''")
        rows = self.connection.execute(f"select * from read_parquet('{quoted}')").fetchnumpy()
        return {column: np.ascontiguousarray(np.ma.getdata(array)) for column, array in rows.items()}

    def close(self) -> None:
        self.connection.close()
