"""The decisions on a large Site that are unknown, counted by the whole-site engine."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from tabwarden.compare.access_changes import Under
from tabwarden.compare.by_engine import hazy
from tabwarden.engine.convert import columns_of
from tabwarden.engine.engine import Engine
from tabwarden.model.capability import capabilities_of
from tabwarden.model.site import Site


def unknown_on_large(site: Site, under: Under) -> tuple[int, frozenset[str], Mapping[str, int]]:
    """How many decisions are unknown, of which users, and how many on each content."""
    engine = Engine(columns_of(site), under.model, under.open_points)
    if not hazy(engine.parts):
        return 0, frozenset(), {}
    names, kinds = engine.capabilities, engine.columns.vocabulary.kinds
    kind_masks = [sum(1 << names.index(c) for c in capabilities_of(k) if k != "collection") for k in kinds]
    open_to = np.array(kind_masks, engine.parts.tables.mask)[engine.columns.contents.kind]
    on = np.zeros(engine.parts.n_contents, np.int64)
    people = set()
    for number, user in enumerate(site.users):
        masks = engine.what(number).unknown
        if masks is not None:
            counts = np.bitwise_count(masks & open_to).astype(np.int64)
            on += counts
            if counts.any():
                people.add(user)
    ids = list(site.contents)
    there = np.flatnonzero(on).tolist()
    return int(on.sum()), frozenset(people), {ids[content]: int(on[content]) for content in there}
