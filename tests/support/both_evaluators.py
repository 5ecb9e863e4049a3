"""Reference and engine side by side on dense Sites: every user, content, capability and model. Not a test of its own.

The reference is asked once for every decision; the engine's every way of answering is compared with that one table.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pytest
from dense_sites import ASKED, UNREAD_SHARES, dense_site

from tabwarden.access.reference import as_seen_by, may
from tabwarden.engine.columns import Array
from tabwarden.engine.convert import columns_of
from tabwarden.engine.engine import Engine
from tabwarden.model.errors import UnknownName
from tabwarden.model.open_points import DOCUMENTED, MODELS, OpenPoints
from tabwarden.model.site import Site

VERDICT = {"denied": 0, "allowed": 1, "unknown": 2}
OPEN_POINTS = (
    DOCUMENTED,
    OpenPoints(group_set_deny_is_final=True),
    OpenPoints(viewer_calls_api=False, explorer_connects_vc=True, ai_access_name="NotYetNamed"),
    OpenPoints(publishing_explorer_runs_flows=False, ai_access_name="NobodyNamesIt"),
)


class Case(NamedTuple):
    """One small Site under one model, with the capabilities that are asked."""

    seed: int
    site: Site
    model: str
    open_points: OpenPoints
    asked: tuple[str, ...]


class Mismatch(NamedTuple):
    """A way of asking that disagrees with the reference."""

    case: str
    way: str
    capability: str
    content: str
    user: str
    said: object
    reference: object


def cases(seeds: range, *, asked: int = len(ASKED), users: int = 7, items: int = 9) -> Iterator[Case]:
    """Sites by seed under every model; `asked` capabilities each, in turn."""
    for seed in seeds:
        site = dense_site(seed, unread=UNREAD_SHARES[seed % len(UNREAD_SHARES)], users=users, items=items)
        start = seed * asked % len(ASKED)
        for model in MODELS:
            open_points = OPEN_POINTS[(seed // 4) % len(OPEN_POINTS)]
            yield Case(seed, site, model, open_points, (ASKED * 2)[start : start + asked])


def table_of(case: Case, capability: str) -> Array:
    """The reference's verdicts: a row a content, a column a user."""
    # Seen once as the model sees it: the reference would do so again for every question.
    site, told = as_seen_by(case.site, case.model), {"model": case.model, "open_points": case.open_points}
    rows = [[VERDICT[may(site, u, capability, c, **told).verdict] for u in site.users] for c in site.contents]  # type: ignore[arg-type]
    return np.array(rows, np.int8)


def mismatches(case: Case, *, reasons: bool = False) -> tuple[int, list[Mismatch]]:
    """How many decisions were compared, and where a way of asking disagrees; `reasons` compares whole Answers too."""
    site, engine = case.site, Engine(columns_of(case.site), case.model, case.open_points)
    users, contents = list(site.users), list(site.contents)
    whats = [engine.what(user) for user in range(len(users))]
    found: list[Mismatch] = []

    def compare(way: str, capability: str, said: Array, expected: Array) -> None:
        for row, column in np.argwhere(said != expected).tolist():
            where = (contents[row], users[column], said[row, column], expected[row, column])
            found.append(Mismatch(f"{case.seed} {case.model} {case.open_points}", way, capability, *where))

    decisions = 0
    for capability in case.asked:
        if capability not in engine.capabilities:
            refuses(engine, capability)
            continue
        expected = table_of(case, capability)
        decisions += expected.size
        compare("who", capability, engine.matrix(capability), expected)
        compare("what", capability, _by_masks(engine, whats, capability), expected)
        compare("many", capability, _by_pairs(engine, capability, expected.shape), expected)
        compare("mirror", capability, _by_mirror(engine, capability, expected.shape), expected == 1)
        compare("ids", capability, _by_ids(engine, capability, expected.shape), expected == 1)
        if reasons:
            told = {"model": case.model, "open_points": case.open_points}
            for content in contents:
                for user in users:
                    answers = engine.check(user, capability, content), may(site, user, capability, content, **told)  # type: ignore[arg-type]
                    if answers[0] != answers[1]:
                        found.append(Mismatch(str(case.seed), "check", capability, content, user, *answers))
    return decisions, found


def refuses(engine: Engine, capability: str) -> None:
    """A name no rule uses and nobody knows is no question: the engine says so however it is asked."""
    nobody = np.zeros(0, np.int64)
    for ask in (
        lambda: engine.who(capability, 0),
        lambda: engine.what_ids(0, capability),
        lambda: engine.check_many(nobody, capability, nobody),
        lambda: engine.mirror(capability),
    ):
        with pytest.raises(UnknownName, match=f"no capability is called `{capability}`"):
            ask()


def _by_masks(engine: Engine, whats: list[object], capability: str) -> Array:
    bit = engine.bit(capability)
    columns = []
    for masks in whats:
        allowed, unknown = masks  # type: ignore[misc]
        column = (allowed >> bit & 1).astype(np.int8)
        columns.append(column if unknown is None else column + 2 * (unknown >> bit & 1).astype(np.int8))
    return np.stack(columns, axis=1)


def _by_pairs(engine: Engine, capability: str, shape: tuple[int, ...]) -> Array:
    contents, users = np.divmod(np.arange(shape[0] * shape[1]), shape[1])
    return engine.check_many(users, capability, contents).reshape(shape)


def _by_mirror(engine: Engine, capability: str, shape: tuple[int, ...]) -> Array:
    found = np.zeros(shape, bool)
    for content, ids in engine.mirror(capability).all_ids():
        found[content, ids] = True
    return found


def _by_ids(engine: Engine, capability: str, shape: tuple[int, ...]) -> Array:
    found = np.zeros(shape, bool)
    for user in range(shape[1]):
        found[engine.what_ids(user, capability), user] = True
    return found
