"""A mirror made out of the last one has the rows of a mirror made anew, whatever changed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from importlib import import_module
from random import Random
from typing import Any

import pytest
from dense_sites import UNREAD_SHARES, dense_site
from mirror_disclosure import SOURCE, rows_in
from patched_modules import Patch, engine_modules, fresh, planted, source_with
from test_mirror import changed
from test_mirror_leaks import MIRROR

from tabwarden.model.site import Site


def later(site: Site, dice: Random) -> Site:
    """The Site after a change, one that only a renewing has to tell among them."""
    groups = [group for group in site.groups.values() if not group.everyone]
    what = dice.randrange(6)
    if what == 0 and site.group_sets and groups:
        one = site.group_sets[dice.choice(sorted(site.group_sets))]
        return replace(site, group_sets={**site.group_sets, one.id: replace(one, groups=one.groups ^ {groups[0].id})})
    if what == 1 and groups:
        return site.with_groups(replace(dice.choice(groups), members=None))
    if what == 2:
        order = sorted(site.contents, key=lambda _: dice.random())
        return replace(site, contents={content: site.contents[content] for content in order})
    if what == 3:
        content = site.contents[dice.choice(sorted(site.contents))]
        return site.with_contents(replace(content, owner=dice.choice(sorted(site.users))))
    return changed(site, dice)


def first_difference(load: Callable[[str], Any], seeds: Iterable[int]) -> tuple[int | None, int]:
    """The first seed at which a renewed mirror is not the whole one, and how many were renewed till then."""
    build, renew, match = (load(f"mirror.{name}") for name in ("build", "renew", "match"))
    columns_from, request, renewals = load("engine.convert").columns_of, load("mirror.build").MirrorRequest(SOURCE), 0
    for seed in seeds:
        dice, site = Random(seed), dense_site(seed, unread=UNREAD_SHARES[seed % len(UNREAD_SHARES)], users=9, items=20)
        columns = columns_from(site)
        matches = match.Matches(tuple(dice.sample(match.tableau_people(columns).matched, 6)))
        last = build.mirrored(columns, matches, request)
        for _ in range(10):
            site = later(site, dice)
            if not all(one.user in site.users for one in matches.matched):
                break
            before, columns = columns, columns_from(site)
            whole = build.mirrored(columns, matches, request)
            mirror = renew.renewed(renew.Last(last.tables, last.apart, before), columns, matches, request)
            last, renewals = mirror or whole, renewals + (mirror is not None)
            if rows_in(last.tables) != rows_in(whole.tables):
                return seed, renewals
            for table in last.tables.values():  # each text once, and none that no row has
                for codes, words in zip(table.codes, table.words, strict=True):
                    assert len(set(words.all())) == len(words)
                    assert len(codes) == len(table)
    return None, renewals


@pytest.mark.parametrize("part", range(4))
def test_after_each_of_hundreds_of_changes_the_renewed_mirror_is_the_whole_one(part: int) -> None:
    seed, renewals = first_difference(lambda name: import_module(f"tabwarden.{name}"), range(part, 40, 4))
    assert seed is None
    assert renewals > 40


@pytest.mark.parametrize("bug", planted("renew"), ids=lambda bug: bug.name)
def test_a_planted_bug_is_seen(bug: Patch) -> None:
    module = bug.file.removesuffix(".py").replace("/", ".")
    with fresh((*engine_modules(), *MIRROR, "mirror.renew"), {module: source_with(bug)}) as load:
        try:
            seed, _ = first_difference(load, range(200))
        except (IndexError, AssertionError):
            seed = 0
    assert seed is not None
