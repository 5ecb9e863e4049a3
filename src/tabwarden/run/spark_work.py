"""What a task of Spark does: Arrow in, the engine or the lints over it, Arrow out. It runs in a worker's process.

A task gets the rows of one block of contents, or the files of whole snapshots, and what all tasks share; it gives one
row. What goes wrong is told in that row, so that Spark tries again only what ended without a word.
"""

from __future__ import annotations

import pickle
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import numpy as np

from tabwarden.engine.columns import (
    Columns,
    Contents,
    Names,
    Uses,
    Vocabulary,
)
from tabwarden.model.errors import TabwardenError
from tabwarden.run.elsewhere import packed
from tabwarden.store.snapshots import bare_site

if TYPE_CHECKING:
    import pyarrow

    from tabwarden.model.site import Site

NO_MEMORY, DAMAGED = "no memory", "damaged"
_NUMBERS, _FLAGS = ("content", "parent", "viewers", "offsets", "members", "of_set", "circle"), ("apart", "excepted")
_PLACED = {
    **dict.fromkeys(_NUMBERS, "array<int>"),
    **dict.fromkeys(_FLAGS, "array<boolean>"),
    "named": "map<int,string>",
}
_ANSWER = {"answer": "binary"}
_TOLD = {"error": "string", "peak": "bigint", "seconds": "double"}


class Task(NamedTuple):
    """What a kind of task does with what is shared and its own rows, which columns it gives, and whether it gets the
    rows of a block or the files of whole sites."""

    does: Callable[[Any, Any], Mapping[str, Any]]
    gives: Mapping[str, str]
    of_blocks: bool = False

    @property
    def schema(self) -> str:
        """As Spark writes it."""
        return ", ".join(f"{name} {kind}" for name, kind in self.columns.items())

    @property
    def columns(self) -> Mapping[str, str]:
        """Of each column its type in Spark's words."""
        return {"block": "int", **self.gives, **_TOLD}


def run(name: str, limit: int, shared: Any, table: pyarrow.Table) -> pyarrow.Table:
    """One task: its row. `limit` is how many MiB it may take, `shared` a broadcast of pickled octets."""
    import pyarrow

    task, began = TASKS[name], time.perf_counter()
    row: dict[str, Any] = {"block": table["block"][0].as_py()}
    with _bounded(limit):
        try:
            row |= task.does(pickle.loads(shared.value), table)
        except MemoryError:
            row["error"] = NO_MEMORY
        except TabwardenError as error:
            row["error"] = "\n".join(error.lines)
    row |= {"peak": _status("VmHWM"), "seconds": time.perf_counter() - began}
    return pyarrow.table({column: _one(row.get(column), kind) for column, kind in task.columns.items()})


def _one(value: Any, kind: str) -> pyarrow.Array:
    """A column of one value of that type; arrays become lists without a detour."""
    import pyarrow as pa

    named = pa.map_(pa.int32(), pa.string())
    plain = {"int": pa.int32(), "bigint": pa.int64(), "boolean": pa.bool_(), "double": pa.float64(),
             "string": pa.string(), "binary": pa.binary(), "map<int,string>": named}  # fmt: skip
    if not kind.startswith("array"):
        return pa.array([value], plain[kind])
    inner = plain[kind.removeprefix("array<").rstrip(">")]
    if value is None:
        return pa.array([None], pa.list_(inner))
    return pa.ListArray.from_arrays(pa.array([0, len(value)], pa.int32()), pa.array(value, inner, safe=False))


@contextmanager
def _bounded(limit: int) -> Iterator[None]:
    """What asks for more memory than that meanwhile gets a MemoryError, where the system can do so."""
    if sys.platform != "linux":
        yield
        return
    import resource

    before = resource.getrlimit(resource.RLIMIT_DATA)
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # the peak is counted from here
    resource.setrlimit(resource.RLIMIT_DATA, (_status("VmData") + (limit << 20), before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, before)


def _status(key: str) -> int:
    """Octets that the system tells of this process; 0 where it does not."""
    with suppress(OSError):
        for line in Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines():
            if line.startswith(f"{key}:"):
                return int(line.split()[1]) << 10
    return 0


# -- what there is to do ---------------------------------------------------------------------------------------------


def _mirror(shared: Any, table: pyarrow.Table) -> Mapping[str, Any]:
    from tabwarden.mirror.blocks import Block, seen_in

    arrays = {name: np.ascontiguousarray(table[name].to_numpy()) for name in table.column_names}
    order = np.argsort(arrays["content"], kind="stable")
    arrays = {name: array[order] for name, array in arrays.items()}
    contents = Contents(*(arrays[name] for name in Contents._fields))
    content = arrays["content"].astype(np.int64)
    vocabulary = Vocabulary(**{name: tuple(words) for name, words in shared["about"]["vocabulary"].items()})
    none = np.zeros(0, np.int32)
    columns = Columns(
        about=bare_site(shared["about"]),
        vocabulary=vocabulary,
        contents=contents,
        uses=Uses(none, none, none),
        open_names=lambda: cast(Names, _Names(shared["ids"])),
        **shared["tables"],
    )
    block = Block(content, arrays["own"], arrays["chosen"], contents)
    placed = seen_in(columns, shared["people"], block, in_circles=shared["in_circles"])
    row = placed._asdict()
    circles = row.pop("circles")
    none = np.zeros(0, np.int64)
    row |= {"of_set": none, "circle": none, "excepted": none.astype(bool)}
    return row if circles is None else row | circles._asdict() | {"named": list(circles.named.items())}


class _Names:
    """The ids of groups and group sets, all that a block has of names."""

    def __init__(self, ids: Mapping[str, list[str]]) -> None:
        self.ids = ids.__getitem__


@contextmanager
def _sites(table: pyarrow.Table) -> Iterator[list[Site]]:
    """The sites whose files the rows are, in their order."""
    from tabwarden.store.beside import site_in
    from tabwarden.store.columns import open_columns

    with TemporaryDirectory() as scratch:
        sites = []
        for number in sorted(set(table["site"].to_pylist())):
            folder = Path(scratch, str(number))
            folder.mkdir()
            for row in (row for row in range(len(table)) if table["site"][row].as_py() == number):
                name = table["path"][row].as_py().rpartition("/")[2]
                (folder / name).write_bytes(table["content"][row].as_py())
            try:
                sites.append(site_in(Path(scratch, f"{number}.columns"), open_columns(folder)))
            except MemoryError:
                raise
            except Exception:  # of whichever library reads it
                raise TabwardenError(DAMAGED) from None
        yield sites


def _lint(shared: Any, table: pyarrow.Table) -> Mapping[str, Any]:
    from tabwarden.audit.audited import Audited
    from tabwarden.audit.lint import findings_of
    from tabwarden.questions import Questions

    with _sites(table) as (site,):
        questions = Questions(site, model=shared["model"], open_points=shared["open_points"])
        audited = Audited(questions, **shared["knows"], newcomers=shared["newcomers"].__getitem__)
        findings = findings_of(audited, only=shared["only"], scope=shared["scope"])
        return {"answer": packed(findings, known_of(audited))}


def known_of(audited: Any) -> dict[str, Any]:
    """What findings refer to."""
    names = ("site", "questions", "columns", "parts", "contents", "vocabulary")
    return {"audited": audited, **{name: getattr(audited, name) for name in names}}


def _check(shared: Any, table: pyarrow.Table) -> Mapping[str, Any]:
    from tabwarden.plan.invariants import Invariants

    with _sites(table) as (site,):
        return {"answer": packed(Invariants(site, *shared).judge(), {"site": site})}


def _diff(shared: Any, table: pyarrow.Table) -> Mapping[str, Any]:
    from tabwarden.compare.snapshots import compared

    with _sites(table) as sites:
        before, after = sites[0], sites[-1]
        return {"answer": packed(compared(before, after, shared), {"before": before, "after": after})}


TASKS = {
    "mirror": Task(_mirror, _PLACED, of_blocks=True),
    "lint": Task(_lint, _ANSWER),
    "check": Task(_check, _ANSWER),
    "diff": Task(_diff, _ANSWER),
}
