"""Which people share every answer, and that they are told together: one line for a class of people, not one each."""

from __future__ import annotations

from small_site import group, project, site, workbook

from tabwarden.compare.alike import alike
from tabwarden.compare.models import exceptions
from tabwarden.model.site import Site, User


def house() -> Site:
    """ann, joe and eve are alike but for a group (eve), a rule (kim), a role (lea) and an owner's place (bob)."""
    held = site(
        project("p", None, "user:pat +ProjectLeader", workbook=("user:dan +Read",)),
        workbook("w", "p", "group:g +Read", "group:All Users -Read", "user:kim +Read"),
        users=[*(f"{name}:Viewer" for name in ("ann", "joe", "eve", "kim", "pat", "dan")), "lea:Creator"],
        groups=[group("g", "ann", "joe", "kim"), group("h", "eve")],
    )
    # A group may have the id that a person has: a rule for the one is none for the other.
    return held.with_users(User("g", "g", "Viewer"), User("max", "max", "Viewer"))


def test_people_of_one_role_and_the_same_groups_share_a_key_unless_something_names_them() -> None:
    keys = alike(house())
    classes: dict[object, set[str]] = {}
    for user, key in keys.items():
        classes.setdefault(key, set()).add(user)
    assert sorted(map(sorted, classes.values())) == [
        ["adm"], ["ann", "joe"], ["bob"], ["dan"], ["eve"], ["g", "max"], ["kim"], ["lea"], ["pat"],
    ]  # fmt: skip


def test_people_who_are_alike_are_told_together() -> None:
    held = site(
        project("p"),
        workbook("w", "p", "group:g +Read", "user:zoe +Read", owner="adm"),
        workbook("x", "p", "user:ann +Read", "user:joe +Read", "group:g -Read"),
        users=["ann:Viewer", "joe:Viewer", "eve:Viewer", "una:Viewer"],
        groups=[group("g", "ann", "joe", "eve")],
    )
    found = [(e.users, e.content, e.current.because, e.other.because) for e in exceptions(held, "Read")]
    assert found == [(("ann",), "x", "user_allow", "deny_rule"), (("joe",), "x", "user_allow", "deny_rule")]
    owned = held.with_contents(
        workbook("w", "p", "group:g +Read", "group:All Users -Filter"), project("p", None, "group:g +ProjectLeader")
    ).without_contents(["x"])
    found = [(e.users, e.content, e.current.because, e.other.because) for e in exceptions(owned, "Filter")]
    assert found == [
        (("bob",), "w", "content_owner", "deny_rule"),
        (("ann", "joe", "eve"), "w", "project_leader", "deny_rule"),
    ]


def test_a_list_that_was_not_read_may_hold_a_deny_for_anybody() -> None:
    held = site(project("p"), workbook("w", "p", rules=None), users=["ann:Viewer"])
    found = [(e.users, e.current.verdict, e.other.verdict) for e in exceptions(held, "Read")]
    assert found == [(("bob",), "allowed", "unknown")]
