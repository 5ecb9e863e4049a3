"""Everything that one person may View, with all she may there, as rows that need no content to be made."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import numpy as np

from tabwarden.engine.columns import NONE, Array
from tabwarden.engine.engine import Engine
from tabwarden.model.capability import CAPABILITIES, applies, capabilities_of

Row = tuple[str, str, str, tuple[str, ...]]


def reachable(engine: Engine, user: int) -> Iterator[Row]:
    """Id, kind, path and capabilities of every content but collections that a user (number) may View.

    A capability of a name nobody knows counts where a rule that governs the content names it, as in the dialog.
    """
    columns, names = engine.columns, engine.capabilities
    kinds = columns.vocabulary.kinds
    masks = engine.what(user).allowed.astype(np.uint64)
    held = columns.contents.kind
    one = np.uint64(1 << names.index("Read"))
    rows = np.flatnonzero((masks & one != 0) & (held != kinds.index("collection")))
    masks = masks[rows] & _named(engine)[rows]

    @cache
    def allowed(kind: str, mask: int) -> tuple[str, ...]:
        strange = sorted(name for name in names if applies(name, kind) is None)
        return tuple(name for name in (*capabilities_of(kind), *strange) if mask >> names.index(name) & 1)

    ids = columns.names.words.some(columns.names.content_id[rows])
    paths = columns.names.paths(columns.contents.parent)
    for each, row, mask in zip(ids, rows.tolist(), masks.tolist(), strict=True):
        kind = kinds[held[row]]
        yield each, kind, paths[row], allowed(kind, mask)


def _named(engine: Engine) -> Array:
    """Of each content the capabilities everybody knows, and the others that its governing rules name."""
    columns, names = engine.columns, engine.capabilities
    strange = np.uint64(sum(1 << bit for bit, name in enumerate(names) if name not in CAPABILITIES))
    lists = engine.parts.sources.rules
    if not strange:
        return np.full(len(lists), ~np.uint64(0))
    rules = columns.rules
    either = np.append(rules.allow | rules.deny, np.uint64(0))
    offsets = rules.offsets
    by_list = np.where(offsets[1:] > offsets[:-1], np.bitwise_or.reduceat(either, offsets[:-1]), np.uint64(0))
    named = np.append(by_list, np.uint64(0))[np.where(lists == NONE, len(by_list), lists)]
    return ~strange | named
