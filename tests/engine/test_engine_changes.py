"""What the engine says a change gives and takes, against the reference before and after; everything exact."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from random import Random
from types import MappingProxyType

import pytest
from dense_sites import ASKED, UNREAD_SHARES, dense_site

from tabwarden.access.reference import as_seen_by, may
from tabwarden.engine.convert import columns_of
from tabwarden.engine.engine import Engine
from tabwarden.model.open_points import MODELS
from tabwarden.model.site import Content, Site, User

Right = tuple[str, str, str]  # user, content, capability


def rights(site: Site, model: str, capabilities: tuple[str, ...] = ASKED) -> set[Right]:
    seen = as_seen_by(site, model)
    return {
        (user, content, capability)
        for user in site.users
        for content in site.contents
        for capability in capabilities
        if may(seen, user, capability, content, model=model).allowed
    }


def edited(site: Site, dice: Random) -> Site:
    """Some of everything changed: rules, locks, tabs, owners, roles, memberships, sets, people and content."""
    for _ in range(dice.randint(1, 4)):
        site = dice.choice((_rules, _mode, _owner, _role, _members, _sets, _someone, _something, _moved))(site, dice)
    return site


def _any(site: Site, dice: Random, *kinds: str) -> Content:
    fitting = [c for c in site.contents.values() if not kinds or c.kind in kinds]
    return dice.choice(fitting)


def _rules(site: Site, dice: Random) -> Site:
    content = _any(site, dice)
    other = _any(site, dice).rules or frozenset()
    if content.kind == "project" and dice.random() < 0.5:
        return site.with_contents(replace(content, defaults=MappingProxyType({"workbook": other, "datasource": None})))
    return site.with_contents(replace(content, rules=(content.rules or frozenset()) ^ frozenset(sorted(other)[:3])))


def _mode(site: Site, dice: Random) -> Site:
    mode = dice.choice(("LockedToProject", "LockedToProjectWithoutNested", "ManagedByOwner"))
    return site.with_contents(replace(_any(site, dice, "project"), mode=mode))


def _owner(site: Site, dice: Random) -> Site:
    return site.with_contents(replace(_any(site, dice), owner=dice.choice([*site.users])))


def _role(site: Site, dice: Random) -> Site:
    user = dice.choice([*site.users.values()])
    return site.with_users(replace(user, site_role=dice.choice(("Viewer", "Creator", "Unlicensed", "Odd"))))


def _members(site: Site, dice: Random) -> Site:
    group = dice.choice([g for g in site.groups.values() if not g.everyone])
    members = None if dice.random() < 0.1 else (group.members or frozenset()) ^ {dice.choice([*site.users])}
    return site.with_groups(replace(group, members=members))


def _sets(site: Site, dice: Random) -> Site:
    if not site.group_sets:
        return site
    each = dice.choice([*site.group_sets.values()])
    return site.with_group_sets(replace(each, groups=each.groups ^ {dice.choice([*site.groups])}))


def _someone(site: Site, dice: Random) -> Site:
    if dice.random() < 0.5:
        return site.with_users(User("new", "new", "Creator"))
    gone = dice.choice([*site.users])
    return replace(site, users={u: held for u, held in site.users.items() if u != gone})


def _something(site: Site, dice: Random) -> Site:
    content = _any(site, dice, "workbook", "project", "datasource", "flow", "metric", "database")
    if dice.random() < 0.5:
        return site.with_contents(replace(content, id="more", name="more"))
    return site.without_contents([content.id])


def _moved(site: Site, dice: Random) -> Site:
    items = [c for c in site.contents.values() if c.kind not in ("project", "view", "table")]
    projects = [c.id for c in site.contents.values() if c.kind == "project"]
    return site.with_contents(replace(dice.choice(items), parent=dice.choice(projects))) if items else site


@pytest.mark.parametrize("start", range(0, 48, 12))
def test_a_difference_is_every_right_gained_and_lost(start: int) -> None:
    sizes = []
    for seed in range(start, start + 12):
        before = dense_site(seed, unread=UNREAD_SHARES[seed % 4], items=7)
        after = edited(before, Random(seed))
        model = MODELS[seed % 3]
        had, has = rights(before, model), rights(after, model)
        gained, lost = _told(Engine(columns_of(before), model), after)
        assert (gained, lost) == (_asked(has - had), _asked(had - has)), (seed, model)
        sizes.append(len(gained) + len(lost))
    assert max(sizes) > 20


def _told(engine: Engine, after: Site) -> tuple[set[Right], set[Right]]:
    pair, difference = engine.compared_with(columns_of(after))
    gained: set[Right] = set()
    lost: set[Right] = set()
    for piece in difference:
        before = len(gained) + len(lost)
        assert len(piece.users) * len(piece.contents) > 0
        assert ((piece.gained | piece.lost) != 0).all(), "no piece tells of nothing"
        for masks, told in ((piece.gained, gained), (piece.lost, lost)):
            for content, mask in zip(piece.contents.tolist(), masks.tolist(), strict=True):
                names = [name for bit, name in enumerate(difference.names) if mask >> bit & 1]
                users = [pair.users[user] for user in piece.users.tolist()]
                told.update((user, pair.contents[content], name) for user in users for name in names)
        assert len(gained) + len(lost) == before + piece.facts(), "each right is told once"
    return ({r for r in gained if r[2] in ASKED}, {r for r in lost if r[2] in ASKED})


def test_no_change_is_no_difference() -> None:
    for seed in range(8):
        site = dense_site(seed, unread=UNREAD_SHARES[seed % 4])
        assert list(Engine(columns_of(site)).compared_with(columns_of(site))[1]) == []


@pytest.mark.parametrize("start", range(0, 24, 8))
def test_a_membership_more_or_less(start: int) -> None:
    found = 0
    for seed in range(start, start + 8):
        site, model = dense_site(seed, unread=UNREAD_SHARES[seed % 4], items=6), MODELS[seed % 3]
        engine, had = Engine(columns_of(site), model), rights(site, model)
        for group, user in _pairs(site, Random(seed)):
            held = site.groups[group].members or frozenset()
            joins = user not in held
            after = site.with_groups(replace(site.groups[group], members=held ^ {user}))
            numbers = engine.columns.user_numbers[user], engine.columns.group_numbers[group]
            shift = engine.what_if_member(*numbers, joins=joins)
            names, contents = engine.capabilities, [*site.contents]
            told = [
                {
                    (user, contents[content], name)
                    for content, mask in zip(shift.contents.tolist(), masks.tolist(), strict=True)
                    for bit, name in enumerate(names)
                    if mask >> bit & 1
                }
                for masks in (shift.gained, shift.lost)
            ]
            has = rights(after, model)
            assert told == [_asked(has - had), _asked(had - has)], (seed, model, user, group)
            found += len(shift.contents)
            again = engine.what_if_member(*numbers, joins=not joins)
            assert not len(again.contents), "he is in it, or is not, already"
    assert found > 8


def _asked(found: set[Right]) -> set[Right]:
    return {right for right in found if right[2] != "NobodyNamesIt"}


def _pairs(site: Site, dice: Random) -> Iterator[tuple[str, str]]:
    groups = [g.id for g in site.groups.values() if not g.everyone and g.members is not None]
    for _ in range(3 if groups else 0):
        yield dice.choice(groups), dice.choice([*site.users])
