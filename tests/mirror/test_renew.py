"""A mirror made out of the last one has the rows of a mirror made anew, whatever changed."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest
from dense_sites import UNREAD_SHARES, dense_site
from mirror_disclosure import SOURCE, rows_in
from test_mirror import changed

from tabwarden.engine.convert import columns_of
from tabwarden.mirror.build import MirrorRequest, mirrored
from tabwarden.mirror.match import Matches, tableau_people
from tabwarden.mirror.renew import Last, renewed
from tabwarden.model.site import Site

REQUEST = MirrorRequest(SOURCE)


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


@pytest.mark.parametrize("part", range(4))
def test_after_each_of_200_changes_the_renewed_mirror_is_the_whole_one(part: int) -> None:
    dice, renewals = Random(part), 0
    for seed in range(part, 20, 4):
        site = dense_site(seed, unread=UNREAD_SHARES[seed % len(UNREAD_SHARES)], users=9, items=20)
        people = tableau_people(columns_of(site))
        matches = Matches(tuple(dice.sample(people.matched, 6)))
        columns = columns_of(site)
        last = mirrored(columns, matches, REQUEST)
        for _ in range(10):
            site = later(site, dice)
            if not all(match.user in site.users for match in matches.matched):
                break
            before, columns = columns, columns_of(site)
            whole = mirrored(columns, matches, REQUEST)
            mirror = renewed(Last(last.tables, last.apart, before), columns, matches, REQUEST)
            last = whole if mirror is None else mirror
            renewals += mirror is not None
            assert rows_in(last.tables) == rows_in(whole.tables), f"seed {seed}"
            for table in last.tables.values():
                for codes, words in zip(table.codes, table.words, strict=True):
                    assert len(set(words.all())) == len(words)
                    assert len(codes) == len(table)
    assert renewals > 20
