"""On 1,000 small sites, trying everything finds no smaller fix, and no equal one with fewer side effects.

What is tried is wider than what the search looks at: rules on every list for every grantee, every person's memberships
and role, every project's mode. Side effects are counted by asking everything twice, with no short cut.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

import pytest

from dense_sites import GRANTEES, GROUPS, USERS, dense_site
from tabwarden.access.answer import ALLOWED
from tabwarden.access.leading import LEADER
from tabwarden.access.reference import may
from tabwarden.change.asked import Asked
from tabwarden.change.edits import (
    Edit,
    Join,
    Lead,
    Leave,
    PutRule,
    SetMode,
    SetOwner,
    SetRole,
    SetSetting,
    SetTabs,
    TakeRule,
    Unlead,
)
from tabwarden.change.fix import Fix, Fixes, fixes
from tabwarden.change.fix_edits import FIXING_ROLES, heir
from tabwarden.model.capability import capabilities_of
from tabwarden.model.site import ALLOW, DENY, MODES, Rule, Site

LISTS = (("p", None), ("q", None), ("w", None), ("v", None), ("p", "workbook"), ("q", "workbook"))
QUESTIONS = (
    *(("w", c) for c in ("Read", "WebAuthoring", "Write", "ChangePermissions")),
    *(("v", c) for c in ("Read", "WebAuthoring")),
    *(("q", c) for c in ("Read", "Write")),
)
KNOWN = ("Read", "WebAuthoring", "Write", "ChangePermissions")
SITES, PARTS = 1000, 10


def everything(site: Site, asked: Asked, *, give: bool) -> Iterator[Edit]:
    """The whole vocabulary on this Site; of rules those about the capability asked for, others cannot matter."""
    capability = asked.what
    for content, default_for in LISTS:
        for grantee in GRANTEES:
            for mode in (ALLOW, DENY):
                rule = Rule(grantee, capability, mode)
                yield PutRule(content, rule, default_for)
                yield TakeRule(content, rule, default_for)
    for project in ("p", "q"):
        yield from (Lead(project, grantee) for grantee in GRANTEES)
        yield from (Unlead(project, grantee) for grantee in GRANTEES)
        yield from (SetMode(project, mode) for mode in MODES)
    for user in USERS:
        yield from (Join(group, user) for group in GROUPS)
        yield from (Leave(group, user) for group in GROUPS)
        yield from (SetRole(user, role) for role in FIXING_ROLES)
    for content in ("p", "q", "w"):
        to = asked.user if give else heir(site, content, asked.user)
        if to is not None:
            yield SetOwner(content, to)
    yield from (SetTabs("w", shown) for shown in (True, False))
    yield from (SetSetting(name, on) for name in ("web_authoring", "group_sets") for on in (True, False))


def reached(site: Site, asked: Asked, edits: int, *, give: bool) -> Iterator[Site]:
    """Every Site that so many edits lead to and where the answer is turned."""
    for edit in everything(site, asked, give=give):
        outcome = edit.done_to(site)
        if not outcome.done or outcome.site == site:
            continue
        if edits > 1:
            yield from reached(outcome.site, asked, edits - 1, give=give)
        elif asked.of(outcome.site).allowed is give:
            yield outcome.site


def changed(before: Site, after: Site, asked: Asked, limit: int) -> int:
    """How many other decisions differ, by asking everything twice; it stops at `limit`."""
    count = 0
    for held in before.contents.values():
        for capability in capabilities_of(held.kind):
            for user in before.users:
                if (user, held.id, capability) != (asked.user, asked.content, asked.what):
                    was, now = (may(site, user, capability, held.id).allowed for site in (before, after))
                    count += was != now
                    if count >= limit:
                        return count
    return count


def done(site: Site, fix: Fix) -> Site:
    for edit in fix.edits:
        outcome = edit.done_to(site)
        assert outcome.done
        site = outcome.site
    return site


def check(site: Site, asked: Asked, told: Fixes) -> None:
    deepest = len(told.ways[0].edits) if told.ways else 2
    for smaller in range(1, min(deepest, 3)):
        assert not any(reached(site, asked, smaller, give=told.give)), "a smaller fix"
    if not told.ways:
        return
    assert len({len(way.edits) for way in told.ways}) == 1
    assert [w.decisions for w in told.ways] == sorted(w.decisions for w in told.ways)
    for way in told.ways:
        after = done(site, way)
        assert asked.of(after).allowed is told.give
        assert changed(site, after, asked, 10_000) == way.decisions, way
    best = told.ways[0].decisions
    if deepest <= 2 and best > 0:
        for after in reached(site, asked, deepest, give=told.give):
            assert changed(site, after, asked, best) >= best, "as small, with fewer side effects"


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
def test_trying_everything_finds_nothing_better(part: int) -> None:
    sizes: dict[tuple[bool, int], int] = {}
    for seed in range(part * SITES // PARTS, (part + 1) * SITES // PARTS):
        site, random = dense_site(seed, KNOWN), Random(f"asked {seed}")
        content, capability = random.choice(QUESTIONS)
        asked = Asked(random.choice(USERS), capability, content)
        told = fixes(site, asked)
        assert told.give is (told.now.verdict != ALLOWED)
        check(site, asked, told)
        size = len(told.ways[0].edits) if told.ways else 0
        sizes[told.give, size] = sizes.get((told.give, size), 0) + 1
    print(sizes)
    assert sizes[True, 1] > 10
    assert sizes[False, 1] > 5
    assert sizes.get((True, 2), 0) > 3


def test_rules_about_other_capabilities_never_turn_an_answer() -> None:
    """What the trial above leaves out on purpose."""
    for seed in range(100):
        site = dense_site(seed)
        for content, default_for in LISTS:
            for grantee in GRANTEES:
                after = PutRule(content, Rule(grantee, "Filter", ALLOW), default_for).done_to(site).site
                assert may(after, "ann", "Read", "w").verdict == may(site, "ann", "Read", "w").verdict
        assert LEADER != "Filter"
