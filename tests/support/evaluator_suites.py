"""Two checkers of evaluators, each enough by itself: many small random Sites, and the table of `oracle`. Not a test.

`random_suite` holds an engine against a reference, every way of asking, the single answers with their whole trace.
`table_suite` holds a reference, an engine or both against the bit arithmetic of `oracle`, which is neither.
Both give the first difference, or None.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from random import Random
from typing import Any, NamedTuple

import bit_oracle as oracle
import numpy as np
from dense_sites import ASKED, dense_site

from tabwarden.access.answer import Answer
from tabwarden.model.open_points import MODELS, OpenPoints
from tabwarden.model.site import Site

VERDICTS = ("denied", "allowed", "unknown")
May = Callable[..., Answer]


class Fast(NamedTuple):
    """The fast side: `columns_of(site)` and the class `Engine`, of the house or patched."""

    columns_of: Callable[[Site], Any]
    engine: Callable[..., Any]


class Difference(NamedTuple):
    """Where two evaluators first disagree, and on what; `way` is the question that showed it."""

    site: int
    way: str
    model: str
    question: tuple[str, ...]
    expected: Any
    found: Any


# -- random Sites ---------------------------------------------------------------------------------------------

OPEN_POINTS = (OpenPoints(), OpenPoints(), OpenPoints(group_set_deny_is_final=True))


def random_suite(may: May, fast: Fast, seed: int, sites: int, models: Iterable[str] = MODELS) -> Difference | None:
    """The first difference between a reference and an engine over that many small Sites."""
    return next(random_differences(may, fast, range(seed, seed + sites), models), None)


def random_differences(may: May, fast: Fast, seeds: Iterable[int], models: Iterable[str]) -> Iterator[Difference]:
    """Every difference, Site by Site."""
    for seed in seeds:
        site = _dense_site(seed)
        asked = dict.fromkeys(("Read", "ChangePermissions", *Random(seed).sample(ASKED, 6)))
        for model in models:
            engine = _engine(fast, seed, model)
            for capability in filter(engine.capabilities.__contains__, asked):  # others it refuses
                answers = _answers(may, seed, model, capability)
                for found in _asked_every_way(engine, site, capability, answers):
                    yield Difference(seed, found[0], model, (capability, *found[1]), *found[2:])


# Whoever asks for many bugs meets the same Sites, and the healthy side answers the same each time.
@lru_cache(maxsize=64)
def _dense_site(seed: int) -> Site:
    return dense_site(seed, unread=(0.0, 0.1, 0.0, 0.3)[seed % 4])


@lru_cache(maxsize=128)
def _engine(fast: Fast, seed: int, model: str) -> Any:
    return fast.engine(fast.columns_of(_dense_site(seed)), model, OPEN_POINTS[seed % 3])


@lru_cache(maxsize=256)
def _answers(may: May, seed: int, model: str, capability: str) -> list[list[Answer]]:
    site, open_points = _dense_site(seed), OPEN_POINTS[seed % 3]
    return [
        [may(site, user, capability, content, model=model, open_points=open_points) for user in site.users]
        for content in site.contents
    ]


def _asked_every_way(
    engine: Any, site: Site, capability: str, answers: list[list[Answer]]
) -> Iterator[tuple[str, tuple[str, ...], Any, Any]]:
    users, contents = list(site.users), list(site.contents)
    for content, row in zip(contents, answers, strict=True):
        for user, answer in zip(users, row, strict=True):
            found = engine.check(user, capability, content)
            if found != answer:
                yield "check", (user, content), answer, found
    expected = np.array([[VERDICTS.index(a.verdict) for a in row] for row in answers], np.int8)
    for way, matrix in matrices(engine, capability, len(users), len(contents)):
        wanted = expected if way in ("who", "what", "check_many") else (expected == 1).astype(np.int8)
        for at, person in np.argwhere(wanted != matrix).tolist():
            yield way, (users[person], contents[at]), int(wanted[at, person]), int(matrix[at, person])


def matrices(engine: Any, capability: str, users: int, contents: int) -> Iterator[tuple[str, Any]]:
    """The verdicts of every content (rows) and user (columns), once for each way of asking an engine.

    `what_ids` and `mirror` tell only what is allowed.
    """
    grid = np.indices((contents, users))
    yield "check_many", engine.check_many(grid[1].ravel(), capability, grid[0].ravel()).reshape(contents, users)
    yield "who", engine.matrix(capability)
    masks, ids, mirrored = (np.zeros((contents, users), np.int8) for _ in range(3))
    bit = engine.bit(capability)
    for user in range(users):
        held = engine.what(user)
        one = held.allowed.dtype.type(1 << bit)
        masks[held.allowed & one != 0, user] = 1
        if held.unknown is not None:
            masks[held.unknown & one != 0, user] = 2
        ids[engine.what_ids(user, capability), user] = 1
    yield "what", masks
    yield "what_ids", ids
    mirror = engine.mirror(capability)
    for content in range(contents):
        mirrored[content, mirror.ids(content)] = 1
    yield "mirror", mirrored


# -- the table ------------------------------------------------------------------------------------------------

Part = tuple[int, tuple[oracle.Row, ...]]  # a seed, and lines of the table


def parts(few: int) -> Iterator[Part]:
    """Some of the table for who is in a hurry: every seventh line, each time with another seed.

    Every other time all lines for which everything was read: the engine then goes its short ways.
    """
    plain = tuple(filter(_plain, oracle.ROWS))
    for part in range(few):
        yield part * 11 % 64, plain if part % 2 else oracle.ROWS[part % 7 :: 7]


def _plain(row: oracle.Row) -> bool:
    return row.unread == "nothing" and row.role in ("Creator", "Viewer")


def whole_table() -> Iterator[Part]:
    """All of it: each line with all seeds, or with every eighth where something was not read or the role decides."""
    plain = tuple(filter(_plain, oracle.ROWS))
    for seed in oracle.SEEDS:
        yield seed, plain if seed % 8 else oracle.ROWS


def table_suite(
    may: May | None, fast: Fast | None, table: Iterable[Part], models: Iterable[str] = MODELS
) -> Difference | None:
    """The first difference between the table and a reference, an engine or both."""
    return next(table_differences(may, fast, table, models), None)


def table_differences(
    may: May | None, fast: Fast | None, table: Iterable[Part], models: Iterable[str] = MODELS
) -> Iterator[Difference]:
    """Every difference, part by part."""
    for seed, rows in table:
        for model in models:
            if may is not None:
                yield from _by_reference(may, seed, rows, model)
        if fast is not None:
            site = _site_of(seed, rows)
            columns = fast.columns_of(site)
            for model in models:
                yield from _by_engine(fast.engine(columns, model), site, seed, rows, model)


@lru_cache(maxsize=16)
def _site_of(seed: int, rows: tuple[oracle.Row, ...]) -> Site:
    return oracle.site_of(seed, rows)


@lru_cache(maxsize=1 << 13)
def _small_site(seed: int, row: oracle.Row) -> Site:
    return oracle.site_of(seed, (row,))


def _verdicts(row: oracle.Row, seed: int, model: str) -> Iterator[tuple[str, int]]:
    allowed, unknown = oracle.expected(row, seed, model)
    for bit, capability in oracle.capabilities_of(row).items():
        yield capability, 1 if allowed & bit else 2 if unknown & bit else 0


def _by_reference(may: May, seed: int, rows: Iterable[oracle.Row], model: str) -> Iterator[Difference]:
    for row in rows:
        site, user, content = _small_site(seed, row), oracle.user_of(row), oracle.content_of(row)
        for capability, expected in _verdicts(row, seed, model):
            found = may(site, user, capability, content, model=model).verdict
            if found != VERDICTS[expected]:
                yield Difference(seed, "reference", model, (capability, *row), VERDICTS[expected], found)


def _by_engine(engine: Any, site: Site, seed: int, rows: tuple[oracle.Row, ...], model: str) -> Iterator[Difference]:
    numbers = {content: number for number, content in enumerate(site.contents)}
    people = {user: number for number, user in enumerate(site.users)}
    users = np.array([people[oracle.user_of(row)] for row in rows])
    contents = np.array([numbers[oracle.content_of(row)] for row in rows])
    expected: dict[str, list[int]] = {}
    asked: dict[str, list[int]] = {}
    for number, row in enumerate(rows):
        for capability, verdict in _verdicts(row, seed, model):
            expected.setdefault(capability, []).append(verdict)
            asked.setdefault(capability, []).append(number)
            found = engine.check(oracle.user_of(row), capability, oracle.content_of(row)).verdict
            if found != VERDICTS[verdict]:
                yield Difference(seed, "check", model, (capability, *row), VERDICTS[verdict], found)
    whats = {user: engine.what(user) for user in np.unique(users).tolist()}
    for capability, verdicts in expected.items():
        every, all_wanted = np.array(asked[capability]), np.array(verdicts)
        for way, found in _columns(engine, whats, capability, users[every], contents[every]):
            step = 16 if way in ("who", "mirror") else 1
            lines, wanted = every[::step], all_wanted[::step]
            sure = way in ("what_ids", "mirror")
            for at in np.flatnonzero((wanted == 1) != (found == 1) if sure else wanted != found).tolist():
                question = (capability, *rows[int(lines[at])])
                yield Difference(seed, way, model, question, int(wanted[at]), int(found[at]))


def _columns(
    engine: Any, whats: dict[int, Any], capability: str, users: Any, contents: Any
) -> Iterator[tuple[str, Any]]:
    """Verdicts of pairs of user and content, once for each way of asking."""
    yield "check_many", engine.check_many(users, capability, contents)
    bit = engine.bit(capability)
    masks, ids = (np.zeros(len(users), np.int8) for _ in range(2))
    rows, mirrored = (np.zeros(-(-len(users) // 16), np.int8) for _ in range(2))
    for user in np.unique(users).tolist():
        mine, held = users == user, whats[user]
        one = held.allowed.dtype.type(1 << bit)
        masks[mine] = (held.allowed[contents[mine]] & one) != 0
        if held.unknown is not None:
            masks[mine] += 2 * ((held.unknown[contents[mine]] & one) != 0).astype(np.int8)
        ids[mine] = np.isin(contents[mine], engine.what_ids(user, capability))
    yield "what", masks
    yield "what_ids", ids
    # Asked content by content, these two cost the most: every sixteenth line will do.
    few = slice(None, None, 16)
    mirror = engine.mirror(capability)
    for at, (user, content) in enumerate(zip(users[few].tolist(), contents[few].tolist(), strict=True)):
        row = engine.who(capability, content)
        word, one = user >> 6, np.uint64(1 << (user & 63))
        rows[at] = 1 if row.allowed[word] & one else 2 if row.unknown is not None and row.unknown[word] & one else 0
        mirrored[at] = bool(mirror.row(content)[word] & one)
    yield "who", rows
    yield "mirror", mirrored
