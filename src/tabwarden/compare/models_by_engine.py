"""Whom two models judge differently, found by the whole-site engine."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tabwarden.compare.alike import alike
from tabwarden.compare.by_engine import Progress
from tabwarden.engine.by_content import UserBits
from tabwarden.engine.columns import Array
from tabwarden.engine.convert import columns_of
from tabwarden.engine.engine import Engine
from tabwarden.model.open_points import CURRENT, OpenPoints
from tabwarden.model.site import Site


def groups_that_differ(
    site: Site, capability: str, against: str, open_points: OpenPoints, progress: Progress | None = None
) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Each content with people who share their answers and whom the models judge differently there."""
    columns, keys = columns_of(site), alike(site)
    engines = [Engine(columns, model, open_points) for model in (CURRENT, against)]
    users = list(site.users)
    for number, content in enumerate(site.contents):
        differs = _unlike(*(engine.who(capability, number) for engine in engines))
        classes: dict[object, list[str]] = {}
        if differs.any():
            for user in engines[0].parts.people.ids(differs).tolist():
                classes.setdefault(keys[users[user]], []).append(users[user])
        for people in classes.values():
            yield content, tuple(people)
        if progress is not None:
            progress(number + 1, len(site.contents))


def _unlike(left: UserBits, right: UserBits) -> Array:
    """The row of those whose verdicts differ."""
    nothing = np.zeros_like(left.allowed)
    differ: Array = left.allowed ^ right.allowed
    unknown = [nothing if row.unknown is None else row.unknown for row in (left, right)]
    differ |= unknown[0] ^ unknown[1]
    return differ
