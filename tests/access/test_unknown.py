"""Facts that were not read make an answer unknown exactly where they could change it: never a guessed yes or no."""

from __future__ import annotations

from dataclasses import replace

import pytest
from small_site import group, group_set, project, rules, site, workbook

from tabwarden.access.abilities.ability import ACTIONS, can
from tabwarden.access.reference import may, what
from tabwarden.effects import content as effects
from tabwarden.effects import people
from tabwarden.model.site import Content, Group, Site, Use

LOCKED, OPEN = "LockedToProject", "ManagedByOwner"


def verdict(where: Site, user: str, capability: str = "Read", content: str = "w", model: str = "current") -> str:
    return may(where, user, capability, content, model=model).verdict


def small(*words: str, **more: object) -> Site:
    return site(project("p"), workbook("w", "p", *words), users=["ann:Creator", "una:Unlicensed"], **more)


# -- rules not read -------------------------------------------------------------------------------------------


def test_unread_rules_are_unknown_only_to_whom_they_decide() -> None:
    where = small().with_contents(replace(small().contents["w"], rules=None))
    answer = may(where, "ann", "Read", "w")
    assert (answer.verdict, answer.because, answer.deciding) == ("unknown", "not_read", ())
    assert verdict(where, "adm") == "allowed"
    assert verdict(where, "bob") == "allowed", "he owns it"
    assert verdict(where, "una") == "denied", "Unlicensed can nothing"
    assert verdict(where, "ann", "Execute") == "denied", "no workbook has it"
    assert verdict(where, "bob", model="deny_first") == "unknown", "an unread Deny would bind an owner there"
    assert verdict(where, "adm", model="deny_first") == "allowed"


def test_unread_defaults_matter_under_a_lock_only() -> None:
    for mode, expected in ((LOCKED, "unknown"), ("LockedToProjectWithoutNested", "unknown"), (OPEN, "allowed")):
        held = project("p", workbook=None, mode=mode)
        where = site(held, workbook("w", "p", "user:ann +Read"), users=["ann:Viewer"])
        assert verdict(where, "ann") == expected


def test_the_view_list_that_counts_is_the_one_that_must_be_read() -> None:
    book = workbook("w", "p")
    view = workbook("v", "w", "user:ann +Read", kind="view")
    for tabs, held, seen, expected in (
        (True, None, view.rules, "unknown"),
        (True, book.rules, None, "denied"),
        (False, None, view.rules, "allowed"),
        (False, book.rules, None, "unknown"),
    ):
        where = site(
            project("p"), replace(book, tabs=tabs, rules=held), replace(view, rules=seen), users=["ann:Viewer"]
        )
        assert verdict(where, "ann", content="v") == expected


# -- members not read -----------------------------------------------------------------------------------------

UNREAD = Group("g", "g", members=None)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("group:g +Read", "unknown"),
        ("group:g -Read", "denied"),
        ("group:g +Filter", "denied"),
        ("group:g +Read|user:ann +Read", "allowed"),
        ("group:g -Read|user:ann +Read", "allowed"),
        ("group:g +Read|user:ann -Read", "denied"),
        ("group:g -Read|group:h +Read", "unknown"),
        ("group:g +Read|group:h -Read", "denied"),
        ("group:g +Read|group:h +Read", "allowed"),
        ("group:g +Read|groupSet:s +Read", "allowed"),
        ("group:g -Read|groupSet:s +Read", "unknown"),
        ("group:g +Read|groupSet:s -Read", "unknown"),
        ("groupSet:half +Read", "unknown"),
        ("groupSet:half -Read|group:h +Read", "allowed"),
        ("groupSet:nobody +Read", "denied"),
        ("group:All Users +Read", "allowed"),
    ],
)
def test_unread_members_are_unknown_only_where_membership_would_decide(words: str, expected: str) -> None:
    sets = [group_set("s", "h"), group_set("half", "g", "h"), group_set("nobody", "g", "empty")]
    where = small(*words.split("|"), groups=[UNREAD, group("h", "ann"), group("empty")])
    where = where.with_group_sets(*sets)
    assert verdict(where, "ann") == expected
    assert verdict(where, "bob") == "allowed"
    assert verdict(where, "una") == "denied"


def test_in_deny_first_an_unread_deny_is_unknown_even_to_an_owner() -> None:
    where = small("group:g -Read", groups=[UNREAD])
    assert verdict(where, "bob", model="deny_first") == "unknown"
    assert verdict(small("group:g +Read", groups=[UNREAD]), "bob", model="deny_first") == "allowed"


@pytest.mark.parametrize("grantee", ["group:gone", "groupSet:gone"])
def test_a_rule_for_a_group_that_was_not_read_is_no_denial(grantee: str) -> None:
    assert verdict(small(f"{grantee} +Read"), "ann") == "unknown"
    assert verdict(small(f"{grantee} -Read"), "ann") == "denied"
    assert verdict(small(f"{grantee} +Read", "user:ann +Read"), "ann") == "allowed"


# -- parents and leaders not read -----------------------------------------------------------------------------


def below_unread(mode: str, *words: str) -> Site:
    return site(project("p", "missing", mode=mode), workbook("w", "p", *words), users=["ann:Creator", "una:Unlicensed"])


@pytest.mark.parametrize("mode", [OPEN, LOCKED])
def test_an_unread_parent_may_lock_and_may_have_leaders(mode: str) -> None:
    where = below_unread(mode, "user:ann +Read")
    assert verdict(where, "ann") == "unknown"
    assert verdict(where, "bob") == "allowed", "the owner may View whatever the parent is"
    assert verdict(where, "bob", "ChangePermissions") == "unknown", "but a lock above would keep him from this"
    assert verdict(where, "adm", "ChangePermissions") == "allowed"
    assert verdict(where, "una") == "denied"


def test_a_known_open_parent_ends_the_question_of_locks_but_not_of_leaders() -> None:
    where = site(
        project("top", "missing"),
        project("p", "top"),
        workbook("w", "p", "user:ann +Read"),
        workbook("x", "p"),
        users=["ann:Creator"],
    )
    assert verdict(where, "ann") == "allowed"
    assert verdict(where, "bob", "ChangePermissions") == "allowed"
    assert verdict(where, "ann", content="x") == "unknown", "she may lead the project that was not read"


def test_content_of_an_unread_project_or_workbook() -> None:
    where = site(workbook("w", "missing", "user:ann +Read"), users=["ann:Creator"])
    assert verdict(where, "ann") == "unknown"
    assert verdict(where, "bob") == "allowed"
    assert verdict(where, "bob", "ChangePermissions") == "unknown"
    lone = site(workbook("v", "missing", "user:ann +Read", kind="view"), users=["ann:Creator"])
    assert verdict(lone, "ann", content="v") == "unknown"
    assert verdict(lone, "bob", content="v") == "allowed"
    assert can(lone, "ann", "set_view_rules", "v").verdict == "unknown"


def test_unread_project_rules_hide_leaders() -> None:
    where = site(project("p", rules=None), workbook("w", "p", "user:ann +Read"), users=["ann:Creator"])
    assert verdict(where, "ann") == "allowed", "a rule is enough"
    assert verdict(where, "ann", "Filter") == "unknown", "or she leads the project"
    assert verdict(where, "ann", "Read", "p") == "unknown"
    assert can(where, "ann", "create_nested_project", "p").verdict == "unknown"
    assert can(where, "ann", "set_project_rules", "p").verdict == "unknown"


def test_a_lock_whose_leaders_were_not_read() -> None:
    where = site(project("p", rules=None, mode=LOCKED), workbook("w", "p"), users=["ann:Creator"])
    assert verdict(where, "bob", "ChangePermissions") == "unknown", "he may lead the managing project"
    known = site(project("p", mode=LOCKED), workbook("w", "p", rules=None), users=["ann:Creator"])
    assert verdict(known, "bob", "ChangePermissions") == "denied"
    assert verdict(known, "ann", "Read") == "denied", "the workbook's own list does not count under a lock"
    leads = site(
        project("p", None, "group:g +ProjectLeader", mode=LOCKED),
        workbook("w", "p"),
        users=["ann:Creator"],
        groups=[UNREAD],
    )
    assert verdict(leads, "ann") == "unknown"
    assert verdict(leads, "bob", "ChangePermissions") == "unknown"


# -- roles and capabilities nobody knows ----------------------------------------------------------------------


def test_an_unknown_role_is_neither_yes_nor_no() -> None:
    where = small("user:odd +Read", "group:All Users -Filter")
    where = where.with_users(replace(where.users["ann"], id="odd", name="odd", site_role="RoleOfTomorrow"))
    for capability in ("Read", "Filter", "Delete"):
        answer = may(where, "odd", capability, "w")
        assert (answer.verdict, answer.because) == ("unknown", "role_unknown")
    assert verdict(where, "odd", "Execute") == "denied"
    for action in ACTIONS:
        assert can(where, "odd", action, "w", target="p").verdict == "unknown"


def test_an_unknown_capability_is_judged_by_its_rules_and_its_ceiling_told_as_unknown() -> None:
    where = small("user:ann +AIAccess", "group:All Users -Other")
    allowed, denied = may(where, "ann", "AIAccess", "w"), may(where, "ann", "Other", "w")
    assert (allowed.verdict, allowed.because, allowed.ceiling) == ("allowed", "user_allow", "unknown")
    assert (denied.verdict, denied.because, denied.ceiling) == ("denied", "group_deny", "unknown")
    assert verdict(where, "una", "AIAccess") == "denied"
    listed = {a.what: a.verdict for a in what(where, "ann", "w")}
    assert (listed["AIAccess"], listed["Other"]) == ("allowed", "denied")


# -- abilities ------------------------------------------------------------------------------------------------


def test_an_ability_is_refused_by_what_is_known_before_it_is_unknown() -> None:
    where = site(
        project("p", rules=None),
        workbook("d", "p", kind="datasource", rules=None),
        workbook("w", "p", "user:ann +Read", "user:ann +WebAuthoring", uses=(Use("d", "prompt"), Use("lost", "embed"))),
        users=["ann:Creator", "vic:Viewer"],
    )
    assert can(where, "ann", "see_data", "w").verdict == "unknown"
    assert can(where, "ann", "web_edit", "w").verdict == "unknown"
    assert can(where, "vic", "web_edit", "w").verdict == "denied"
    assert can(where, "ann", "publish", "p").verdict == "unknown"
    assert can(where, "vic", "publish", "p").verdict == "denied"
    assert can(where, "ann", "move", "w", target="missing").verdict == "unknown"
    assert can(where, "ann", "web_overwrite", "w").verdict == "unknown"
    assert can(where, "adm", "set_project_rules", "p").verdict == "allowed"


def test_abilities_below_an_unread_project() -> None:
    where = below_unread(OPEN, "user:ann +ViewUnderlyingData", "user:ann +Write")
    for action in ("create_metric", "publish", "change_content_owner"):
        found = can(where, "ann", action, "w")
        assert found.verdict == "unknown", action
    assert can(where, "bob", "set_permissions", "w").verdict == "unknown"
    lost = site(workbook("w", "missing", "user:ann +ViewUnderlyingData"), users=["ann:Creator"])
    assert can(lost, "ann", "create_metric", "w").verdict == "unknown"
    assert can(lost, "ann", "change_content_owner", "w").verdict == "unknown"


# -- effects keep the unread unread ---------------------------------------------------------------------------


def unread_rules(where: Site) -> set[str]:
    return {c.id for c in where.contents.values() if c.rules is None}


def test_effects_never_turn_an_unread_list_into_a_known_one() -> None:
    nested = project("c", "p", rules=None)
    where = site(project("p", mode=LOCKED, workbook=None), nested, workbook("w", "p"), workbook("x", "c"))
    unlocked = effects.set_mode(where, "p", OPEN)
    assert unread_rules(unlocked) == {"c", "w", "x"}
    added = effects.add_rules(unlocked, "w", rules("user:bob +Read"))
    assert unread_rules(added) == {"c", "w", "x"}
    assert unread_rules(effects.remove_rules(added, "w", rules("user:bob +Read"))) == {"c", "w", "x"}
    born = effects.publish(where, Content("n", "workbook", "n", "p", "bob"))
    assert born.contents["n"].rules is None
    opened = site(project("p", rules=None, workbook=("user:ann +Read",)), users=["ann:Viewer"])
    assert effects.create_project(opened, project("n", "p")).contents["n"].rules is None
    locked = effects.set_mode(opened.with_contents(project("n", "p")), "p", LOCKED)
    assert locked.contents["n"].rules is None
    replaced = effects.replace_rules(added, "w", rules("user:bob +Read"))
    assert unread_rules(replaced) == {"c", "x"}, "replacing says what is there now"


def test_events_never_turn_unread_members_into_known_ones() -> None:
    where = small(groups=[UNREAD])
    for done in (
        people.add_to_group(where, "g", ["ann"]),
        people.remove_from_group(where, "g", ["ann"]),
        people.group_sync(where, "g", "ann", gone=False),
        people.remove_user(where, "ann"),
    ):
        assert done.done
        assert done.site.groups["g"].members is None
