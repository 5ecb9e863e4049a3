"""What each change to content does to a Site, one by one, as the documents tell it."""

from __future__ import annotations

import pytest
from small_site import group, project, rule, rules, site, workbook

from tabwarden.access.reference import may
from tabwarden.effects import content as effects
from tabwarden.model.site import Content, Grantee, Rules, Site, Use

LOCKED, ITSELF, OPEN = "LockedToProject", "LockedToProjectWithoutNested", "ManagedByOwner"
OWN, DEFAULT = rules("user:vic +Read"), rules("user:ann +Read", "user:ann +Write")
NESTED = rules("user:eve +Read")


def tree(mode: str, nested: str = OPEN) -> Site:
    """top > p > c, with a workbook, its view and a data source in p, a workbook in c."""
    return site(
        project("top"),
        project("p", "top", "user:ann +Write", workbook=("user:ann +Read", "user:ann +Write"), mode=mode),
        project("c", "p", "user:eve +Write", "user:lea +ProjectLeader", workbook=("user:eve +Read",), mode=nested),
        workbook("w", "p", "user:vic +Read"),
        workbook("v", "w", "user:vic +Read", kind="view"),
        workbook("d", "p", "user:vic +Read", kind="datasource"),
        workbook("x", "c", "user:vic +Read"),
        users=["ann:Creator", "vic:Viewer", "eve:Viewer", "lea:Creator"],
    )


def own(where: Site, content: str) -> Rules | None:
    return where.contents[content].rules


# -- §4.4, the table of mode changes --------------------------------------------------------------------------


def test_locked_to_locked_for_itself_keeps_rules_and_frees_nested_projects() -> None:
    after = effects.set_mode(tree(LOCKED, LOCKED), "p", ITSELF)
    assert (after.contents["p"].mode, after.contents["c"].mode) == (ITSELF, OPEN)
    assert own(after, "x") == DEFAULT, "what was in force is now written on it"
    assert after.contents["c"].defaults["workbook"] == DEFAULT
    assert own(after, "c") == rules("user:ann +Write", "user:lea +ProjectLeader")
    assert may(after, "bob", "ChangePermissions", "x").allowed
    assert not may(after, "bob", "ChangePermissions", "w").allowed


def test_locked_to_customizable_keeps_rules_and_frees_everything() -> None:
    after = effects.set_mode(tree(LOCKED, LOCKED), "p", OPEN)
    assert {after.contents[p].mode for p in ("p", "c")} == {OPEN}
    assert own(after, "w") == own(after, "x") == DEFAULT
    assert own(after, "v") == rules("user:ann +Read"), "a view keeps what views can have"
    assert own(after, "d") == rules()
    later = effects.remove_rules(after, "p", DEFAULT, default_for="workbook")
    assert may(later, "ann", "Read", "w").allowed, "defaults are a template again"


def test_locked_for_itself_to_locked_overwrites_nested_projects_for_good() -> None:
    after = effects.set_mode(tree(ITSELF), "p", LOCKED)
    assert after.contents["c"].mode == LOCKED
    assert own(after, "c") == rules("user:ann +Write"), "its own leader is gone with its rules"
    assert after.contents["c"].defaults["workbook"] == DEFAULT
    assert own(after, "x") == DEFAULT
    assert own(effects.set_mode(after, "p", OPEN), "x") == DEFAULT


@pytest.mark.parametrize("nested", [OPEN, LOCKED, ITSELF])
def test_locked_for_itself_to_customizable_leaves_nested_projects(nested: str) -> None:
    before = tree(ITSELF, nested)
    after = effects.set_mode(before, "p", OPEN)
    assert after.contents["c"] == before.contents["c"]
    assert own(after, "w") == DEFAULT
    assert own(after, "x") == (OWN if nested == OPEN else NESTED)


def test_customizable_to_locked_overwrites_all_below() -> None:
    after = effects.set_mode(tree(OPEN), "p", LOCKED)
    assert own(after, "w") == own(after, "x") == DEFAULT
    assert own(after, "d") == rules()
    assert own(after, "v") == rules("user:ann +Read")
    assert own(after, "c") == rules("user:ann +Write")
    assert after.contents["c"].mode == LOCKED


def test_customizable_to_locked_for_itself_overwrites_its_own_content_only() -> None:
    before = tree(OPEN)
    after = effects.set_mode(before, "p", ITSELF)
    assert own(after, "w") == DEFAULT
    assert own(after, "v") == rules("user:ann +Read")
    assert (after.contents["c"], own(after, "x")) == (before.contents["c"], OWN)


def test_the_same_mode_changes_nothing() -> None:
    before = tree(LOCKED, LOCKED)
    assert effects.set_mode(before, "p", LOCKED) is before


# -- tabs -----------------------------------------------------------------------------------------------------


def test_showing_and_hiding_tabs() -> None:
    hidden = site(
        project("p"),
        workbook("w", "p", "user:ann +Read", "user:ann +ExportXml", "user:ann +Tomorrow", tabs=False),
        workbook("v", "w", "user:vic +Read", kind="view"),
        users=["ann:Creator", "vic:Viewer"],
    )
    shown = effects.show_tabs(hidden, "w")
    assert own(shown, "v") == rules("user:ann +Read", "user:ann +Tomorrow")
    again = effects.hide_tabs(shown, "w")
    assert not again.contents["w"].tabs
    assert own(again, "v") == own(shown, "v"), "hiding does not bring the old rules back"
    later = effects.replace_rules(again, "w", rules())
    assert may(later, "ann", "Read", "v").allowed, "independent for ever"
    locked = effects.hide_tabs(tree(LOCKED), "w")
    assert own(locked, "v") == rules("user:ann +Read")


# -- rules ----------------------------------------------------------------------------------------------------


def test_adding_removing_and_replacing_rules() -> None:
    where = tree(OPEN)
    added = effects.add_rules(where, "w", rules("user:vic -Read", "user:ann +Filter"))
    assert own(added, "w") == rules("user:vic -Read", "user:ann +Filter"), "the opposite gives way"
    assert own(effects.remove_rules(added, "w", rules("user:vic -Read", "user:eve +Read")), "w") == rules(
        "user:ann +Filter"
    )
    flows = effects.add_rules(where, "p", rules("user:ann +Read"), default_for="flow")
    assert flows.contents["p"].defaults == {"workbook": DEFAULT, "flow": rules("user:ann +Read")}
    assert own(flows, "p") == own(where, "p")


def test_a_removed_leader_is_left_with_nothing_on_the_project() -> None:
    lea = Grantee("user", "lea")
    where = site(
        project("p", None, "user:lea +ProjectLeader", "user:lea +Write", workbook=("user:lea +Read", "user:ann +Read")),
        project("c", "p", "user:lea +InheritedProjectLeader", "user:lea +Read"),
        workbook("w", "p", "user:lea +Read"),
        users=["lea:Creator", "ann:Viewer"],
    )
    after = effects.remove_leader(where, "p", lea)
    assert own(after, "p") == rules()
    assert after.contents["p"].defaults["workbook"] == rules("user:ann +Read")
    assert own(after, "c") == rules("user:lea +Read"), "the echo of the leadership goes too"
    assert own(after, "w") == rules("user:lea +Read"), "rules on content are rules of their own"
    by_rule = effects.remove_rules(where, "p", rules("user:lea +ProjectLeader"))
    assert rule("user:lea +InheritedProjectLeader") not in (own(by_rule, "c") or ())
    assert not may(by_rule, "lea", "Write", "c").allowed


def test_no_rule_speaks_of_a_deleted_grantee() -> None:
    where = tree(OPEN)
    assert effects.without_grantee(where, Grantee("user", "nobody")) is where
    after = effects.without_grantee(where, Grantee("user", "ann"))
    lists = [listed for c in after.contents.values() for listed in (c.rules, *c.defaults.values())]
    assert not [r for listed in lists for r in listed or () if r.grantee.id == "ann"]
    assert own(after, "w") == OWN


def test_assign_to_contents_wipes_one_off_rules_of_the_project_alone() -> None:
    after = effects.assign_to_contents(tree(OPEN), "p")
    assert own(after, "w") == DEFAULT
    assert own(after, "v") == rules("user:ann +Read")
    assert own(after, "d") == rules()
    assert own(after, "x") == OWN


# -- coming, going, changing hands ----------------------------------------------------------------------------


def test_new_projects_copy_default_or_their_parent_without_leaders_and_locks() -> None:
    where = site(
        project("Default", None, "group:All Users +Read", "user:bob +ProjectLeader", workbook=("user:ann +Read",)),
        project("p", None, "user:ann +Write", "user:ann +ProjectLeader", workbook=("user:vic +Read",), mode=ITSELF),
    )
    where = effects.set_mode(where, "Default", LOCKED)
    top = effects.create_project(where, Content("n", "project", "n", None, "adm")).contents["n"]
    assert (top.rules, top.mode) == (rules("group:All Users +Read"), OPEN)
    assert top.defaults["workbook"] == rules("user:ann +Read")
    nested = effects.create_project(where, Content("n", "project", "n", "p", "adm")).contents["n"]
    assert (nested.rules, nested.mode) == (rules("user:ann +Write"), OPEN)
    assert nested.defaults["workbook"] == rules("user:vic +Read")
    below = effects.create_project(where, Content("n", "project", "n", "Default", "adm")).contents["n"]
    assert below.mode == LOCKED
    bare = effects.create_project(site(), Content("n", "project", "n", None, "adm")).contents["n"]
    assert bare.rules == rules()


def test_publishing_copies_the_defaults_of_the_kind_and_views_get_what_views_can_have() -> None:
    for mode in (OPEN, LOCKED):
        born = Content("n", "workbook", "n", "p", "ann", rules=rules("user:eve +Read"), tabs=False)
        after = effects.publish(tree(mode), born, [Content("n1", "view", "n1", None, "")])
        assert own(after, "n") == DEFAULT
        assert (own(after, "n1"), after.contents["n1"].parent) == (rules("user:ann +Read"), "n")
        assert after.contents["n1"].owner == "ann"
    flow = effects.publish(tree(OPEN), Content("f", "flow", "f", "p", "ann"))
    assert own(flow, "f") == rules()


def test_overwriting_changes_the_owner_and_leaves_old_views_alone() -> None:
    hidden = effects.hide_tabs(tree(OPEN), "w")
    hidden = effects.replace_rules(hidden, "v", rules("user:eve +Read"))
    after = effects.overwrite(hidden, "w", "ann", [Content("v2", "view", "v2", None, "")])
    assert {after.contents[c].owner for c in ("w", "v", "v2")} == {"ann"}
    assert own(after, "v") == rules("user:eve +Read")
    assert own(after, "v2") == own(after, "w")
    assert may(after, "ann", "ChangePermissions", "w").because == "content_owner"
    assert may(after, "bob", "Read", "w").because == "default_deny"


def moving(target: str, source: str = OPEN) -> Site:
    """a (led by old) > c (led by exp) > e, with w in c; b (led by new) > s (led by sib)."""
    inner = LOCKED if source == LOCKED else OPEN
    return site(
        project("a", None, "user:old +ProjectLeader", workbook=("user:vic +Read",), mode=source),
        project("c", "a", "user:exp +ProjectLeader", "user:old +InheritedProjectLeader", mode=inner),
        project("e", "c", "user:old +InheritedProjectLeader", mode=inner),
        project("b", None, "user:new +ProjectLeader", "user:ann +Write", workbook=("user:ann +Read",), mode=target),
        project("s", "b", "user:sib +ProjectLeader", mode=LOCKED if target == LOCKED else OPEN),
        workbook("w", "c", "user:vic +Read"),
        workbook("z", "a", "user:vic +Read", uses=(Use("w", "embed"),)),
        users=["ann:Viewer", "vic:Viewer", *(f"{u}:Creator" for u in ("old", "new", "exp", "sib"))],
    )


def leaders(where: Site, content: str = "w") -> set[str]:
    return {u for u in where.users if may(where, u, "Delete", content).because == "project_leader"}


@pytest.mark.parametrize(("target", "kept"), [(OPEN, True), (ITSELF, True), (LOCKED, False)])
def test_moving_a_project_between_open_projects_keeps_and_into_a_lock_overwrites(target: str, kept: bool) -> None:
    after = effects.move(moving(target), "c", "b")
    assert after.contents["c"].mode == (OPEN if kept else LOCKED)
    assert own(after, "w") == (OWN if kept else rules("user:ann +Read"))
    assert leaders(after) == ({"new", "exp"} if kept else {"new"})
    assert may(after, "sib", "Write", "s").because == "project_leader", "who lies there already keeps his leaders"
    assert after.contents["s"] == moving(target).contents["s"]


@pytest.mark.parametrize("target", ["b", None])
def test_a_project_that_leaves_a_lock_becomes_locked_itself(target: str | None) -> None:
    after = effects.move(moving(OPEN, LOCKED), "c", target)
    assert after.contents["c"].mode == LOCKED
    assert own(after, "w") == rules("user:vic +Read")
    assert after.contents["c"].defaults["workbook"] == rules("user:vic +Read")
    assert leaders(after) == ({"new", "exp"} if target else {"exp"}), "who led the old parent leads no more"
    assert not may(after, "bob", "ChangePermissions", "w").allowed
    assert may(after, "exp", "ChangePermissions", "w").allowed, "it manages itself"


def test_moving_one_workbook() -> None:
    into_lock = effects.move(moving(LOCKED), "w", "s")
    assert own(into_lock, "w") == rules("user:ann +Read"), "the managing project's defaults"
    assert into_lock.contents["s"] == moving(LOCKED).contents["s"]
    out_of_lock = effects.move(moving(OPEN, LOCKED), "z", "b")
    assert own(out_of_lock, "z") == OWN, "the rules in force travel along"
    assert may(out_of_lock, "new", "Read", "z").allowed, "leaders gain what moves in"
    assert may(out_of_lock, "old", "Read", "z").because == "default_deny"


def test_deleting_takes_everything_below() -> None:
    after = effects.delete_content(moving(OPEN), "a")
    assert set(after.contents) == {"b", "s"}
    assert after.groups.keys() == site(groups=[group("g")]).groups.keys() - {"g"}
