"""Effects where the Site is not as simple as in a story: facts not read, modes that a lock overrules, other kinds."""

from __future__ import annotations

from dataclasses import replace

import pytest
from small_site import project, rules, site, workbook

from tabwarden.effects import content as effects
from tabwarden.model.open_points import OpenPoints
from tabwarden.model.site import Content, Grantee, Rules, Site

LOCKED, ITSELF, OPEN = "LockedToProject", "LockedToProjectWithoutNested", "ManagedByOwner"
ANN, VIC = rules("user:ann +Read"), rules("user:vic +Read")


def own(where: Site, content: str) -> Rules | None:
    return where.contents[content].rules


def nest(mode: str = LOCKED, nested: str = OPEN) -> Site:
    """p (its defaults say ann) > c (its own say vic, and its mode is as it was before p was locked) > workbook w."""
    return site(
        project("p", None, "user:ann +Write", "user:lea +ProjectLeader", workbook=("user:ann +Read",), mode=mode),
        project("c", "p", "user:vic +Write", "user:exp +ProjectLeader", workbook=("user:vic +Read",), mode=nested),
        workbook("w", "c", "user:vic +Read"),
        workbook("v", "w", "user:vic +Read", kind="view"),
        users=["ann:Creator", "vic:Creator", "lea:Creator", "exp:Creator"],
    )


def test_a_project_whose_parent_locked_it_is_locked_wherever_it_goes() -> None:
    """Though its own mode still says customizable."""
    after = effects.move(nest(), "c", None)
    assert after.contents["c"].mode == LOCKED
    assert own(after, "w") == ANN
    assert own(after, "c") == rules("user:ann +Write", "user:exp +ProjectLeader")
    assert effects.move(nest(OPEN), "c", None).contents["c"].mode == OPEN
    assert effects.move(nest(ITSELF), "c", None).contents["c"].mode == OPEN
    assert effects.move(nest(ITSELF, ITSELF), "c", None).contents["c"].mode == ITSELF
    assert effects.move(nest(), "w", "p").contents["w"].mode == OPEN, "only projects have a lock of their own"


def test_a_new_project_below_a_nested_one_is_like_the_managing_project() -> None:
    born = Content("n", "project", "n", "c", "adm", mode=ITSELF)
    under_lock = effects.create_project(nest(LOCKED, LOCKED), born).contents["n"]
    assert (under_lock.rules, under_lock.mode) == (rules("user:ann +Write"), LOCKED)
    assert under_lock.defaults["workbook"] == ANN
    beside = effects.create_project(nest(OPEN), born).contents["n"]
    assert (beside.rules, beside.mode) == (rules("user:vic +Write"), ITSELF)


def test_views_follow_the_owner_of_their_workbook_and_nothing_follows_a_project_or_database() -> None:
    where = nest(OPEN).with_contents(
        Content("b", "database", "b", "p", "bob"), Content("t", "table", "t", "b", "bob", rules=VIC)
    )
    assert {c.id for c in effects.change_owner(where, "w", "ann").contents.values() if c.owner == "ann"} == {"w", "v"}
    assert {c.id for c in effects.change_owner(where, "b", "ann").contents.values() if c.owner == "ann"} == {"b"}
    assert {c.id for c in effects.change_owner(where, "c", "ann").contents.values() if c.owner == "ann"} == {"c"}


@pytest.mark.parametrize("resets", [False, True])
def test_republishing_over_hidden_tabs_is_a_switch(resets: bool) -> None:
    where = nest(OPEN).with_contents(replace(nest().contents["v"], rules=rules("user:eve +Read")))
    where = where.with_contents(replace(where.contents["w"], tabs=False))
    after = effects.overwrite(where, "w", "ann", open_points=OpenPoints(republish_resets_view_rules=resets))
    assert own(after, "v") == (VIC if resets else rules("user:eve +Read"))
    assert after.contents["v"].owner == "ann"


@pytest.mark.parametrize("keeps", [True, False])
def test_whether_a_moved_item_keeps_its_rules_is_a_switch(keeps: bool) -> None:
    open_points = OpenPoints(moved_item_keeps_rules=keeps)
    after = effects.move(nest(OPEN), "w", "p", open_points=open_points)
    assert own(after, "w") == own(after, "v") == (VIC if keeps else ANN)
    assert own(effects.move(nest(), "w", "p", open_points=open_points), "w") == ANN, "under a lock there is no question"
    whole = effects.move(nest(OPEN), "c", None, open_points=open_points)
    assert own(whole, "w") == VIC, "a project's content travels as it is"


# -- facts that were not read ---------------------------------------------------------------------------------


def unread(where: Site, *contents: str) -> Site:
    return where.with_contents(*(replace(where.contents[c], rules=None) for c in contents))


def test_what_was_not_read_stays_so() -> None:
    for change in (effects.add_rules, effects.remove_rules):
        assert change(unread(nest(OPEN), "w"), "w", ANN) == unread(nest(OPEN), "w")
    blind = nest(OPEN).with_contents(replace(nest(OPEN).contents["c"], defaults={"workbook": None}))
    for change in (effects.add_rules, effects.remove_rules):
        assert change(blind, "c", ANN, default_for="workbook") == blind
    assert own(effects.replace_rules(unread(nest(OPEN), "w"), "w", ANN), "w") == ANN
    assert own(effects.show_tabs(unread(nest(OPEN), "w"), "w"), "v") is None
    lea = Grantee("user", "lea")
    assert own(effects.remove_leader(unread(nest(OPEN), "p"), "p", lea), "p") is None
    assert effects.without_grantee(unread(nest(OPEN), "p", "c", "w", "v"), lea).contents["w"].rules is None


def test_unlocking_what_was_not_read_leaves_it_unread() -> None:
    blind = nest().with_contents(replace(nest().contents["p"], defaults={"workbook": None}))
    assert own(effects.set_mode(blind, "p", OPEN), "w") is None
    assert own(effects.set_mode(unread(nest(), "p"), "p", OPEN), "c") is None
    assert own(effects.set_mode(unread(nest(), "c"), "p", OPEN), "c") is None, "its leaders are not known"
    assert own(effects.set_mode(unread(nest(), "w"), "p", OPEN), "w") == ANN, "the lock's list was in force"
    assert own(effects.set_mode(unread(nest(OPEN), "p"), "p", LOCKED), "c") is None
    assert own(effects.set_mode(unread(nest(OPEN), "c", "w"), "p", LOCKED), "c") == rules("user:ann +Write")
    created = effects.create_project(unread(nest(OPEN), "p"), Content("n", "project", "n", "p", "adm"))
    assert created.contents["n"].rules is None


def test_a_parents_leader_leaves_no_echo_below() -> None:
    """The inherited rows of whoever ceases to lead go; those of others, and other rules of his, stay."""
    echoes = rules("user:lea +InheritedProjectLeader", "user:old +InheritedProjectLeader", "user:lea +Read")
    where = nest(OPEN).with_contents(replace(nest(OPEN).contents["c"], rules=echoes))
    left = rules("user:old +InheritedProjectLeader", "user:lea +Read")
    assert own(effects.replace_rules(where, "p", ANN), "c") == left
    assert own(effects.remove_rules(where, "p", rules("user:lea +ProjectLeader")), "c") == left
    assert own(effects.add_rules(where, "p", rules("user:lea -ProjectLeader")), "c") == left
    assert own(effects.remove_leader(where, "p", Grantee("user", "lea")), "c") == left
    assert own(effects.replace_rules(where, "p", (own(where, "p") or rules()) | ANN), "c") == echoes
    assert own(effects.replace_rules(where, "p", ANN, default_for="workbook"), "c") == echoes
    assert own(effects.move(where, "c", None), "c") == rules("user:lea +Read")
    assert effects.replace_rules(unread(where, "c"), "p", ANN).contents["c"].rules is None


def test_a_grantee_is_taken_out_of_defaults_too() -> None:
    where, ann = nest(OPEN), Grantee("user", "ann")
    after = effects.without_grantee(where, ann)
    assert after.contents["p"].defaults["workbook"] == rules()
    assert own(after, "p") == rules("user:lea +ProjectLeader")
    assert after.contents["c"] is where.contents["c"], "whatever does not speak of her is the same object"
    assert effects.remove_leader(where, "c", ann).contents["p"] == where.contents["p"]


# -- levels ---------------------------------------------------------------------------------------------------


def test_locking_writes_the_managing_projects_lists_on_everything() -> None:
    whole = site(
        project("top", None, "user:vic +Write", mode=LOCKED, workbook=("user:vic +Read",), flow=("user:vic +Read",)),
        project("p", "top", "user:ann +Write", workbook=("user:ann +Read",)),
        workbook("w", "p", "user:ann +Read"),
        Content("f", "flow", "f", "p", "bob", rules=ANN),
        Content("n", "collection", "n", "p", "bob", rules=ANN),
        users=["ann:Creator", "vic:Creator"],
    )
    after = effects.set_mode(whole, "p", LOCKED)
    assert {own(after, c) for c in ("w", "f")} == {VIC}, "top manages, not p"
    assert own(after, "n") == rules(), "no defaults for its kind"
    assert after.contents["p"].mode == LOCKED
    alone = effects.set_mode(effects.set_mode(whole, "top", OPEN), "p", ITSELF)
    assert own(alone, "w") == VIC
    assert own(alone, "p") == rules("user:vic +Write")


def test_assigning_and_publishing_take_the_list_of_the_kind() -> None:
    where = nest(OPEN).with_contents(Content("f", "flow", "f", "c", "bob", rules=ANN))
    after = effects.assign_to_contents(where, "c")
    assert (own(after, "w"), own(after, "v"), own(after, "f")) == (VIC, VIC, rules())
    assert own(after, "c") == own(where, "c")
    assert effects.assign_to_contents(where, "p").contents["w"] == where.contents["w"]
    born = effects.publish(nest(), Content("n", "workbook", "n", "c", "bob"))
    assert own(born, "n") == ANN, "p locks c"
    at_home = effects.publish(nest(OPEN), Content("n", "workbook", "n", "c", "bob"))
    assert own(at_home, "n") == VIC


def test_new_top_level_projects_copy_default_only_where_there_is_one() -> None:
    born = Content("n", "project", "n", None, "adm", rules=ANN)
    assert effects.default_project(nest()) is None
    assert effects.create_project(nest(), born).contents["n"] == born
    with_default = nest().with_contents(project("d", None, "user:vic +Read", mode=LOCKED, workbook=("user:vic +Read",)))
    with_default = with_default.with_contents(replace(with_default.contents["d"], name="DEFAULT"))
    found = effects.default_project(with_default)
    assert found is not None
    assert found.id == "d"
    made = effects.create_project(with_default, born).contents["n"]
    assert (made.rules, made.mode, made.defaults["workbook"]) == (VIC, OPEN, VIC)


def test_unlocking_a_project_leaves_a_databases_own_lock() -> None:
    base = Content("b", "database", "b", "c", "bob", mode="LockedToDatabase")
    after = effects.set_mode(nest().with_contents(base), "p", OPEN)
    assert (after.contents["b"].mode, after.contents["c"].mode) == ("LockedToDatabase", OPEN)


def test_shown_tabs_are_shown_and_new_views_get_what_views_can_have() -> None:
    where = nest(OPEN).with_contents(
        replace(nest(OPEN).contents["w"], tabs=False, rules=VIC | rules("user:vic +ExportXml"))
    )
    assert effects.show_tabs(where, "w").contents["w"].tabs
    after = effects.overwrite(where, "w", "ann", [Content("v2", "view", "v2", None, "")])
    assert own(after, "v2") == VIC
    assert not after.contents["w"].tabs


def test_locking_below_a_lock_takes_the_lists_of_the_one_that_manages() -> None:
    """Also where the project's own list was not read: it was not in force."""
    held = nest().with_contents(project("n", "c", "user:vic +Write"))
    after = effects.set_mode(unread(held, "c"), "c", LOCKED)
    assert own(after, "c") is None, "its leaders are not known"
    assert own(after, "n") == rules("user:ann +Write")
    assert own(after, "w") == ANN
