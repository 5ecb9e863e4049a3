"""The change that is named as the cause is the cause: put alone on the older Site, it flips the answer."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations, pairwise
from random import Random

import pytest

from dense_sites import dense_site
from tabwarden.change.cause import CAN, cause, put_on, standing, steps
from tabwarden.change.compared import Fact
from tabwarden.model.site import ALLOW, Content, Grantee, Group, Rule, Site, User
from tiny_sites import CAPABILITIES, tiny_site

VIEW = "Read"


def later(random: Random, site: Site, number: int) -> Site:
    """The Site after so many random changes, taken from another Site of the same people and places."""
    other = tiny_site(random.randrange(10**6), CAPABILITIES)
    chosen = random.sample(list(steps(site, other)), k=min(number, len(list(steps(site, other)))))
    return put_on(site, other, chosen)


@pytest.mark.parametrize("seed", range(200))
def test_the_named_change_alone_flips_the_answer(seed: int) -> None:
    random = Random(seed)
    history = [tiny_site(seed)]
    while len(history) < 4:
        history.append(later(random, history[-1], random.randint(1, 6)))
    for before, after in pairwise(history):
        for asked in ((user, content, VIEW) for user in before.users for content in before.contents):
            named = cause(before, after, asked)
            was, now = standing(before, asked), standing(after, asked)
            assert bool(named) is (was != now)
            if named:
                assert standing(put_on(before, after, named), asked) == now
                for fewer in combinations(named, len(named) - 1):
                    assert standing(put_on(before, after, fewer), asked) != now


@pytest.mark.parametrize("seed", range(60))
def test_all_steps_together_are_the_newer_site(seed: int) -> None:
    before, after = dense_site(seed, unread=0.1), dense_site(seed + 1000, unread=0.1)
    both = before.contents.keys() & after.contents.keys()
    other = [c for c in both if before.contents[c].kind != after.contents[c].kind]  # nothing becomes another kind
    before, after = before.without_contents(other), after.without_contents(other)
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
