"""What a change does to people is exactly what asking everything twice would find, on small Sites and on large ones."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from random import Random

import pytest
from by_id import (
    ById,
    DeleteContent,
    DeleteGroup,
    Join,
    Leave,
    MakeProject,
    MoveTo,
    RemoveUser,
    SetMode,
    SetOwner,
    SetRole,
    SetTabs,
)
from dense_sites import UNREAD_SHARES, dense_site
from test_engine_changes import edited
from tiny_sites import GRANTEES, GROUPS, USERS, decisions, tiny_site

from tabwarden.access.few import few
from tabwarden.access.reference import as_seen_by, may
from tabwarden.compare.access_changes import Reach, Under
from tabwarden.compare.between_sites import Base, shifts
from tabwarden.compare.columns_after import columns_after
from tabwarden.effects.change import Change
from tabwarden.effects.ops.rules import Lead, PutRule, PutTemplate, TakeRule, Unlead
from tabwarden.effects.ops.settings import SetSetting
from tabwarden.engine.convert import columns_of, site_of
from tabwarden.engine.engine import Engine
from tabwarden.model.governing import governing
from tabwarden.model.open_points import MODELS, OpenPoints
from tabwarden.model.site import MODES, Grantee, Rule, Site, User
from tabwarden.sandbox.worlds.acme import acme
from tabwarden.sandbox.worlds.build import build_site

Decision = tuple[str, str, str]


def asked_twice(before: Site, after: Site, model: str) -> dict[Decision, bool]:
    """Decisions that differ, with whether they were gained: by the definition, with no short cut."""
    seen = as_seen_by(before, model), as_seen_by(after, model)
    both = {
        d for d in (*decisions(before, model), *decisions(after, model)) if d[2] != "NotYetNamed" or names_it(d, *seen)
    }
    found = {}
    for user, content, capability in both:
        was, now = (
            user in site.users
            and content in site.contents
            and may(site, user, capability, content, model=model).allowed
            for site in (before, after)
        )
        if was != now:
            found[user, content, capability] = now
    return found


def names_it(decision: Decision, *sites: Site) -> bool:
    """A capability this release does not know is told of where a rule in force names it."""
    _, content, capability = decision
    lists = [governing(site, content).rules or () for site in sites if content in site.contents]
    return any(rule.capability == capability for rules in lists for rule in rules)


def told(before: Site, after: Site, model: str) -> dict[Decision, bool]:
    found: dict[Decision, bool] = {}
    for shift in shifts(before, after, model=model):
        for decision in shift.every():
            assert decision not in found, "told twice"
            found[decision] = shift.gained
    return found


def some_edit(random: Random) -> ById | Change:
    user, group = random.choice(USERS), random.choice(GROUPS)
    grantee = random.choice(GRANTEES)
    capability, mode = random.choice(("Read", "WebAuthoring", "ChangePermissions", "NotYetNamed")), random.choice(MODES)
    rule = Rule(grantee, capability, random.choice(("Allow", "Deny")))
    content, project = random.choice("pqwv"), random.choice("pq")
    default_for = "workbook" if content in "pq" and random.random() < 0.7 else None
    made: list[Callable[[], ById | Change]] = [
        lambda: PutRule(content, rule, default_for),
        lambda: TakeRule(content, rule, default_for),
        lambda: PutTemplate("w", grantee, "View", frozenset({"Read", "Filter"})),
        lambda: Lead(project, grantee),
        lambda: Unlead(project, grantee),
        lambda: Join(group, user),
        lambda: Leave(group, user),
        lambda: DeleteGroup(group),
        lambda: SetRole(user, random.choice(("Creator", "Explorer", "Viewer", "Unlicensed"))),
        lambda: RemoveUser(user, random.choice((None, *(u for u in USERS if u != user)))),
        lambda: SetOwner(random.choice("pqw"), user),
        lambda: SetMode(project, mode),
        lambda: SetTabs("w", random.random() < 0.5),
        lambda: MoveTo("w", project),
        lambda: MoveTo("q", random.choice((None, "p"))),
        lambda: MakeProject("n", random.choice((None, "p")), user, random.choice((None, "q"))),
        lambda: DeleteContent(random.choice("qwv")),
        lambda: SetSetting(random.choice(("web_authoring", "group_sets", "commenting")), random.random() < 0.5),
    ]
    return random.choice(made)()


@pytest.mark.parametrize("part", range(4))
def test_shifts_are_what_asking_everything_twice_finds(part: int) -> None:
    done = 0
    for seed in range(part * 60, part * 60 + 60):
        random = Random(f"edits {seed}")
        before = after = tiny_site(seed)
        for _ in range(random.randrange(1, 4)):
            edit = some_edit(random)
            try:
                outcome = edit.done_to(after)
            except KeyError:  # what it speaks of was deleted before
                continue
            after, done = outcome.site, done + outcome.done
        for model in MODELS:
            assert told(before, after, model) == asked_twice(before, after, model), (seed, model)
    assert done > 40


def test_what_was_not_read_is_lost_not_kept() -> None:
    site = tiny_site(3)
    held = site.contents["w"]
    unread = site.with_contents(replace(held, rules=None), replace(site.contents["v"], rules=None))
    for model in MODELS:
        assert told(site, unread, model) == asked_twice(site, unread, model)
        assert told(unread, site, model) == asked_twice(unread, site, model)


def test_a_thousand_alike_are_asked_once() -> None:
    """People who share role and groups come as one shift."""
    site = tiny_site(5)
    crowd = [User(f"u{n}", f"u{n}", "Viewer") for n in range(300)]
    site = site.with_users(*crowd)
    site = site.with_groups(
        replace(site.groups["g"], members=(site.groups["g"].members or frozenset()) | {u.id for u in crowd})
    )
    before = site.with_contents(replace(site.contents["w"], parent="p", rules=frozenset(), tabs=True))
    before = before.with_contents(replace(before.contents["p"], mode="ManagedByOwner"))
    after = PutRule("w", Rule(GRANTEES[3], "Read", "Allow")).done_to(before).site
    (found,) = (s for s in shifts(before, after) if "u0" in s.users)
    assert (found.contents, found.capabilities, found.gained) == (("w", "v"), ("Read",), True)
    assert {u.id for u in crowd} <= set(found.users)


# -- the engine's way, which large Sites take -----------------------------------------------------------------

ASKED, ENGINE = 10**9, 0  # pairs of people and contents up to which the reference is asked


def both_ways(before: Site, after: Site, under: Under, **how: int) -> tuple[Reach, Reach]:
    asked, engine = (Base(before, under, small=small, **how).reach(after) for small in (ASKED, ENGINE))
    return asked, engine


def edited_thrice(before: Site, seed: int) -> Site:
    random, after = Random(f"engine {seed}"), before
    for _ in range(random.randrange(1, 4)):
        with suppress(KeyError):  # what it speaks of was deleted before
            after = some_edit(random).done_to(after).site
    return after


@pytest.mark.parametrize("part", range(4))
def test_the_engine_tells_what_the_reference_tells(part: int) -> None:
    """Shift by shift, reasons and examples included, and the same counts."""
    differing = 0
    for seed in range(part * 30, part * 30 + 30):
        before, open_points = tiny_site(seed), OpenPoints(group_set_deny_is_final=seed % 5 == 0)
        after = edited_thrice(before, seed)
        for model in MODELS:
            asked, engine = both_ways(before, after, Under(model, open_points))
            assert engine == asked, (seed, model)
            differing += bool(asked.shifts)
    assert differing > 30


@pytest.mark.parametrize("part", range(4))
def test_the_engine_tells_it_on_dense_sites_with_facts_that_were_not_read(part: int) -> None:
    unsure = differing = 0
    for seed in range(part * 12, part * 12 + 12):
        before = dense_site(seed, unread=UNREAD_SHARES[seed % 4], items=7)
        after, model = edited(before, Random(seed)), MODELS[seed % 3]
        asked, engine = both_ways(before, after, Under(model))
        assert engine == asked, (seed, model)
        unsure, differing = unsure + asked.count.unsure, differing + asked.count.decisions
    assert differing > 100
    assert unsure > 0


@pytest.mark.parametrize("seed", range(20))
def test_a_decision_is_left_apart_by_both(seed: int) -> None:
    before = tiny_site(seed)
    after = edited_thrice(before, seed)
    whole = Base(before).reach(after)
    for apart in [decision for shift in whole.shifts for decision in shift.every()][:5]:
        for small in (ASKED, ENGINE):
            base = Base(before, small=small)
            reach = base.reach(after, apart=apart)
            assert {d for s in reach.shifts for d in s.every()} == {
                d for s in whole.shifts for d in s.every() if d != apart
            }
            assert base.count(after, apart=apart) == reach.count
            assert reach.count.decisions == whole.count.decisions - 1
            assert base.count(after, apart=apart, limit=reach.count.decisions) == reach.count
            if reach.count.decisions:
                assert base.count(after, apart=apart, limit=reach.count.decisions - 1) is None


def test_both_tell_the_same_of_a_company() -> None:
    """People who own several things, leaders, locks below locks: what the tiny sites have too little of."""
    lab = build_site(acme(0).sites[2])
    assert not few(lab)
    projects = [c.id for c in lab.contents.values() if c.kind == "project"]
    user, group = next(iter(lab.users)), next(g.id for g in lab.groups.values() if not g.everyone)
    after = lab
    edits: list[ById | Change] = [
        *(SetMode(project, mode) for project in projects[:3] for mode in MODES),
        *(SetOwner(content, user) for content in list(lab.contents)[::9]),
        Lead(projects[0], Grantee("group", group)),
        DeleteGroup(group),
        SetSetting("commenting", False),
    ]
    told = 0
    for edit in edits:
        after = edit.done_to(after).site
        asked, engine = both_ways(lab, after, Under())
        assert engine == asked, edit
        told += asked.count.decisions
    assert told > 1000


def test_beyond_what_anybody_reads_it_is_counted_all_the_same() -> None:
    before = dense_site(7, users=30, items=30)
    after = replace(before, settings=replace(before.settings, commenting=False))
    whole, some = (Base(before, small=ENGINE, most=most).reach(after) for most in (10**9, 50))
    assert some.count == whole.count
    assert whole.told == whole.count.decisions
    assert 0 < some.told < whole.told
    assert {d for s in some.shifts for d in s.every()} < {d for s in whole.shifts for d in s.every()}


def test_a_site_that_is_the_same_does_not_differ() -> None:
    for seed in range(8):
        site = dense_site(seed, unread=UNREAD_SHARES[seed % 4])
        again = replace(site, users=dict(site.users), contents=dict(reversed(site.contents.items())))
        for small in (ASKED, ENGINE):
            assert not Base(site, small=small).differs(again)
            assert Base(site, small=small).reach(again).count.decisions == 0


@pytest.mark.parametrize("seed", range(40))
def test_columns_are_changed_as_if_they_were_made_anew(seed: int) -> None:
    """In meaning: the Site they hold, and nothing of the earlier one is touched."""
    before = tiny_site(seed)
    columns, kept = columns_of(before), site_of(columns_of(before))
    after = before
    random = Random(f"columns {seed}")
    for _ in range(3):
        with suppress(KeyError):
            after = some_edit(random).done_to(after).site
    changed = columns_after(before, columns, after)
    engines = Engine(changed), Engine(columns_of(after))
    asked = [name for name in ("Read", "WebAuthoring", "ChangePermissions", "NotYetNamed")
             if all(name in engine.capabilities for engine in engines)]  # fmt: skip
    left, right = ({name: engine.matrix(name).tolist() for name in asked} for engine in engines)
    assert left == right
    assert site_of(changed) == after
    assert site_of(columns) == kept
