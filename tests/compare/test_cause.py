"""The change that is named as the cause is the cause: put alone on the older Site, it flips the answer."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations, pairwise
from random import Random

import pytest
from dense_sites import dense_site
from tiny_sites import CAPABILITIES, tiny_site

from tabwarden.compare.cause import CAN, cause, put_on, standing, steps
from tabwarden.compare.snapshots import Fact
from tabwarden.model.site import ALLOW, Content, Grantee, Group, Rule, Site, User

VIEW = "Read"


def later(random: Random, site: Site, number: int) -> Site:
    """The Site after so many random changes, taken from another Site of the same people and places."""
    other = tiny_site(random.randrange(10**6), CAPABILITIES)
    chosen = random.sample(list(steps(site, other)), k=min(number, len(list(steps(site, other)))))
    return put_on(site, other, chosen)


def of_the_same_kinds(before: Site, after: Site) -> tuple[Site, Site]:
    """Both without what would have become another kind of thing."""
    both = before.contents.keys() & after.contents.keys()
    other = [c for c in both if before.contents[c].kind != after.contents[c].kind]
    return before.without_contents(other), after.without_contents(other)


@pytest.mark.parametrize("seed", range(200))
def test_the_named_change_alone_flips_the_answer(seed: int) -> None:
    random = Random(seed)
    history = [tiny_site(seed)]
    while len(history) < 4:
        history.append(later(random, history[-1], random.randint(1, 10)))
    for before, after in pairwise(history):
        every = list(steps(before, after))
        for asked in ((user, content, VIEW) for user in before.users for content in before.contents):
            named = cause(before, after, asked)
            was, now = standing(before, asked), standing(after, asked)
            assert bool(named) is (was != now)
            if named:
                assert standing(put_on(before, after, named), asked) == now
                # Brute force: no smaller set of the day's changes flips it, whichever.
                for size in range(len(named)):
                    for fewer in combinations(every, size):
                        assert standing(put_on(before, after, fewer), asked) != now


@pytest.mark.parametrize("seed", [6, 9, 33])
def test_where_a_great_deal_changed_at_once_the_cause_is_as_small_as_can_be(seed: int) -> None:
    """Two sites that have little in common: hundreds of changes, and causes of several of them."""
    before, after = of_the_same_kinds(dense_site(seed), dense_site(seed + 1000))
    every = list(steps(before, after))
    several = 0
    for asked in ((user, content, VIEW) for user in before.users for content in before.contents):
        now = standing(after, asked)
        if now == standing(before, asked):
            continue
        named = cause(before, after, asked)
        assert standing(put_on(before, after, named), asked) == now
        for fewer in combinations(named, len(named) - 1):
            assert standing(put_on(before, after, fewer), asked) != now
        if len(named) > 1 and several < 2:
            several += 1
            assert all(standing(put_on(before, after, (fact,)), asked) != now for fact in every)


@pytest.mark.parametrize("seed", range(60))
def test_all_steps_together_are_the_newer_site(seed: int) -> None:
    before, after = of_the_same_kinds(dense_site(seed, unread=0.1), dense_site(seed + 1000, unread=0.1))
    made = put_on(before, after, steps(before, after))
    for user in after.users:
        for content in after.contents:
            assert standing(made, (user, content, VIEW)) == standing(after, (user, content, VIEW))


def test_where_one_change_is_enough_one_is_named() -> None:
    rule = Rule(Grantee("group", "g"), VIEW, ALLOW)
    before = Site(
        users={"ann": User("ann", "ann", "Viewer")},
        contents={"p": Content("p", "project", "p", None, "x"), "w": Content("w", "workbook", "w", "p", "x")},
    )
    group = Group("g", "g", members=frozenset({"ann"}))
    after = before.with_groups(group).with_contents(replace(before.contents["w"], rules=frozenset({rule})))
    after = after.with_users(User("bob", "bob", "Creator"))
    asked = ("ann", "w", VIEW)
    assert standing(after, asked) == CAN
    assert cause(before, after, asked) == (Fact("content", "w", "rules", frozenset(), frozenset({rule})),)


def test_two_changes_that_work_only_together_are_both_named() -> None:
    rule = Rule(Grantee("group", "g"), VIEW, ALLOW)
    before = Site(
        users={"ann": User("ann", "ann", "Viewer")},
        groups={"g": Group("g", "g")},
        contents={"p": Content("p", "project", "p", None, "x"), "w": Content("w", "workbook", "w", "p", "x")},
    )
    after = before.with_groups(Group("g", "g", members=frozenset({"ann"})))
    after = after.with_contents(replace(before.contents["w"], rules=frozenset({rule})))
    assert {fact.what for fact in cause(before, after, ("ann", "w", VIEW))} == {"members", "rules"}
