"""A mirror worked out block by block has the rows of one worked out whole, however it is cut."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from importlib import import_module
from typing import Any

import pytest
from dense_sites import UNREAD_SHARES, dense_site
from mirror_disclosure import SOURCE
from patched_modules import Patch, engine_modules, fresh, planted, source_with
from test_mirror_leaks import MIRROR


def first_difference(load: Callable[[str], Any], seeds: Iterable[int]) -> int | None:
    """The first seed at which a mirror cut into blocks is not the whole one."""
    build, match, visible, blocks = (load(f"mirror.{name}") for name in ("build", "match", "visible", "blocks"))
    request = build.MirrorRequest(SOURCE)
    for seed in seeds:
        site = dense_site(seed, unread=UNREAD_SHARES[seed % len(UNREAD_SHARES)], users=9, items=24)
        columns = load("engine.convert").columns_of(site)
        people, most = match.tableau_people(columns), 1 + seed % 11

        def seeing(columns: Any, chosen: Any, users: Any, only: Any = None, *, in_circles: bool = False) -> Any:
            entering = visible.entering(columns, users)
            cut = blocks.blocks(columns, chosen, only, most)  # noqa: B023  (called at once)
            if not cut or not len(entering.users):
                return visible.visible(columns, chosen, users, only)
            return blocks.merged([blocks.seen_in(columns, entering, block) for block in cut], len(chosen))

        cut, whole = (build.mirrored(columns, people, request, seeing=one).tables for one in (seeing, visible.visible))
        if any(sorted(cut[name]) != sorted(whole[name]) for name in whole):
            return seed
    return None


def test_blocks_of_all_sizes_make_the_whole() -> None:
    assert first_difference(lambda name: import_module(f"tabwarden.{name}"), range(66)) is None


@pytest.mark.parametrize("bug", planted("blocks"), ids=lambda bug: bug.name)
def test_a_planted_bug_is_seen(bug: Patch) -> None:
    module = bug.file.removesuffix(".py").replace("/", ".")
    with fresh((*engine_modules(), *MIRROR, "mirror.blocks"), {module: source_with(bug)}) as load:
        try:
            seed = first_difference(load, range(66))
        except (IndexError, ValueError):
            seed = 0
    assert seed is not None
