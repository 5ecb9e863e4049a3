"""Content put back as it was: after the changes everything that is in force is what was in force."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sites_of_chance import MODES, PARENTS, USERS, WORKBOOKS, self_managed, sites

from tabwarden.effects import content as effects
from tabwarden.effects.change import carried_out
from tabwarden.effects.ops.content import OfContent
from tabwarden.model.capability import applies
from tabwarden.model.governing import governing, managing_project
from tabwarden.model.site import CUSTOMIZABLE, LOCKED, Content, Grantee, Rule, Rules, Site, User
from tabwarden.plan.restore import restored

quick = settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


def known(rules: Rules | None, kind: str) -> Rules | None:
    return None if rules is None else frozenset(r for r in rules if applies(r.capability, kind))


def in_force(site: Site) -> dict[str, object]:
    """What decides on each thing; defaults only where they can be used."""
    found: dict[str, object] = {}
    for held in site.contents.values():
        locked = held.kind == "project" and managing_project(site, held.id) not in (None, held.id)
        defaults = (
            {} if locked else {kind: known(rules, kind) for kind, rules in held.defaults.items() if known(rules, kind)}
        )
        mode = LOCKED if locked else held.mode
        rules = known(governing(site, held.id).rules, held.kind)
        found[held.id] = (rules, defaults, mode, held.parent, held.owner, held.tabs)
    return found


def only_known(site: Site) -> Site:
    """Rules that the kind does not know are never written, so they are left out here."""
    contents = [
        replace(c, rules=known(c.rules, c.kind), defaults={k: known(r, k) for k, r in c.defaults.items()})
        for c in site.contents.values()
    ]
    return site.with_contents(*contents)


@quick
@given(sites(), sites())
def test_whatever_happened_is_taken_back(now: Site, then: Site) -> None:
    now, then = only_known(now), only_known(then)
    then = replace(then, users=now.users, groups=now.groups, group_sets=now.group_sets)
    found = restored(now, then, now.contents.keys(), "undo")
    assert found.held == []
    assert in_force(found.site) == in_force(then)
    assert in_force(carried_out(now, found.changes)) == in_force(then)
    again = restored(found.site, then, now.contents.keys(), "undo")
    assert again.changes == []


@quick
@given(sites(), st.sampled_from([*PARENTS, *WORKBOOKS]), st.sampled_from(MODES), st.sampled_from([None, *PARENTS]))
def test_a_lock_and_a_move_are_taken_back(then: Site, content: str, mode: str, target: str | None) -> None:
    then = only_known(then)
    now = then
    if content in self_managed(then, then.contents[content].mode) and managing_project(then, content) in (
        None,
        content,
    ):
        now = effects.set_mode(now, content, mode)
    below = (content, *now.below(content))
    if target not in below and not (target is None and content in WORKBOOKS):
        now = effects.move(now, content, target)
    found = restored(now, then, now.contents.keys(), "undo")
    assert in_force(found.site) == in_force(then)


def small() -> Site:
    rule = Rule(Grantee("user", "ann"), "Read", "Allow")
    return Site(
        users={u: User(u, u, "Creator") for u in USERS},
        contents={
            "p": Content("p", "project", "p", None, "ann"),
            "c": Content("c", "project", "c", "p", "ann", rules=frozenset({rule})),
            "w": Content("w", "workbook", "w", "c", "bob", rules=frozenset({rule})),
            "q": Content("q", "project", "q", None, "ann"),
        },
    )


def test_a_lock_outside_of_the_part_is_held() -> None:
    then = small()
    now = effects.set_mode(then, "p", LOCKED)
    found = restored(now, then, {"c", "w"}, "undo")
    assert found.changes == []
    assert [held.reason for held in found.held] == ["is locked by `p` now"]


def test_nothing_outside_of_the_part_is_touched() -> None:
    then = small()
    now = effects.change_owner(effects.set_mode(then, "p", LOCKED), "q", "eve")
    found = restored(now, then, {"p", "c", "w"}, "undo")
    assert found.site.contents["q"].owner == "eve"
    assert in_force(found.site) == in_force(effects.change_owner(then, "q", "eve"))
    assert found.changes[0].op == "set_mode"
    assert found.changes[0].wanted() == CUSTOMIZABLE
    assert all(isinstance(change, OfContent) for change in found.changes)


def test_what_is_gone_or_unread_is_said_and_not_guessed() -> None:
    then = small()
    now = then.without_contents(["q"])
    now = now.with_contents(
        replace(now.contents["w"], rules=None, owner="ann"), Content("n", "workbook", "n", "p", "ann")
    )
    then = then.with_contents(replace(then.contents["w"], owner="someone who left"))
    found = restored(now, then, {*now.contents, *then.contents}, "undo")
    assert found.changes == []
    assert sorted(held.reason for held in found.held) == [
        "belonged to a user that was not read, who is gone",
        "its rules were not read now",
    ]
    assert found.notes == [
        "1 things are gone and cannot be put back: `q`",
        "1 things were not there then and are left as they are: `p/n`",
    ]


def test_a_rule_that_no_server_takes_is_held_and_the_rest_of_the_row_comes_back() -> None:
    row = [Rule(Grantee("user", "bob"), name, "Allow") for name in ("Read", "Execute", "NotYetNamed")]
    now = small()
    then = now.with_contents(replace(now.contents["w"], rules=frozenset(row)))
    found = restored(now, then, now.contents.keys(), "undo")
    assert [held.reason for held in found.held] == [
        "has rules for `Execute`, `NotYetNamed`, which this release knows of no workbook"
    ]
    (given,) = (change.row for change in found.changes if change.receiver and change.receiver.id == "bob")
    assert given.allow == ("Read",)


@pytest.mark.parametrize("grantee", ["ann", "bob"])
def test_only_the_rules_for_one_grantee(grantee: str) -> None:
    then = small()
    extra = Rule(Grantee("user", "bob"), "Write", "Allow")
    now = then.with_contents(replace(then.contents["w"], rules=frozenset({extra}), owner="eve"))
    found = restored(now, then, now.contents.keys(), "undo", only=Grantee("user", grantee))
    assert [change.receiver.id for change in found.changes if change.receiver] == [grantee]
    assert found.site.contents["w"].owner == "eve"
