"""Who may View what, worked out elsewhere: a site is cut into blocks of contents, each a task, and put together."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tabwarden.engine.columns import Array, Columns
from tabwarden.mirror.blocks import blocks, merged
from tabwarden.mirror.circles import Circles
from tabwarden.mirror.visible import Placed, entering, visible
from tabwarden.run.elsewhere import ELSEWHERE, Work, about, whole

if TYPE_CHECKING:
    import pyarrow

BLOCKS = "blocks.parquet"


def seeing(
    columns: Columns, chosen: Array, users: Array, only: Array | None = None, *, in_circles: bool = False
) -> Placed:
    """What `visible` says, worked out elsewhere where somebody takes it: a task a block, of circles one of all."""
    others, people = ELSEWHERE.get(), entering(columns, users)
    cut = [] if others is None else blocks(columns, chosen, only, len(chosen) if in_circles else others.block)
    if others is None or not cut or not len(people.users):
        return visible(columns, chosen, users, only, in_circles=in_circles)
    tables = {name: getattr(columns, name) for name in ("users", "groups", "group_sets", "defaults", "rules")}
    # Circles are called after groups; nothing else of a block has a name.
    ids = {table: columns.all_ids(table) for table in ("group", "group_set") if in_circles}
    shared = {"about": about(columns), "tables": tables, "people": people, "in_circles": in_circles, "ids": ids}
    arrays = {
        "block": np.repeat(np.arange(len(cut), dtype=np.int32), [len(block.content) for block in cut]),
        "content": np.concatenate([block.content for block in cut]).astype(np.int32),
        "own": np.concatenate([block.own for block in cut]),
        "chosen": np.concatenate([block.chosen for block in cut]),
        **{name: np.concatenate([getattr(block.columns, name) for block in cut]) for name in columns.contents._fields},
    }
    folder = whole(others.folder, arrays, lambda place: _write_blocks(place, arrays))
    rows = others.take(Work(columns.about.name, "mirror", (folder,), pickle.dumps(shared), len(cut)))
    return merged([_placed(rows, row) for row in np.argsort(rows["block"].to_numpy()).tolist()], len(chosen))


def _write_blocks(folder: Path, arrays: Mapping[str, Array]) -> None:
    import pyarrow
    from pyarrow import parquet

    folder.mkdir(mode=0o700)
    parquet.write_table(pyarrow.table(dict(arrays)), folder / BLOCKS, compression="zstd", row_group_size=1 << 17)


def _placed(rows: pyarrow.Table, row: int) -> Placed:
    """What came of one block."""
    arrays = {
        name: np.asarray(rows[name][row].values)
        for name in (*Placed._fields, *Circles._fields)
        if name not in ("circles", "named")
    }
    arrays = {name: array.astype(bool if name in ("apart", "excepted") else np.int64) for name, array in arrays.items()}
    of_set, circle, excepted = (arrays.pop(name) for name in ("of_set", "circle", "excepted"))
    named = rows["named"][row].as_py()
    return Placed(**arrays, circles=None if named is None else Circles(of_set, circle, excepted, dict(named)))
