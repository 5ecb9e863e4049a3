"""Rows of the permission dialog where it is not as simple: whose defaults, which order, what was not read."""

from __future__ import annotations

from dataclasses import replace

from small_site import group, group_set, project, rules, site, workbook

from tabwarden.access.dialog import GranteeRow, rows_of
from tabwarden.model.capability import capabilities_of
from tabwarden.model.governing import Governing, governing
from tabwarden.model.site import Grantee, Site

ANN, VIC = ("user:ann +Read",), ("user:vic +Read",)


def nested(mode: str) -> Site:
    """p (its defaults say ann) > c (its own say vic)."""
    return site(
        project("p", None, "user:ann +Read", workbook=ANN, mode=mode),
        project("c", "p", "user:vic +Read", workbook=VIC),
        users=["ann:Viewer", "vic:Viewer"],
    )


def grantees(held: Site, content: str, default_for: str | None = None) -> list[str]:
    return [row.grantee.id for row in rows_of(held, content, default_for=default_for).rows or ()]


def test_defaults_are_those_of_the_project_that_manages() -> None:
    assert rows_of(nested("ManagedByOwner"), "c", default_for="workbook").governing == Governing(
        "own", "c", "workbook", rules(*VIC)
    )
    under = rows_of(nested("LockedToProject"), "c", default_for="workbook").governing
    assert under == Governing("project_default", "p", "workbook", rules(*ANN))
    assert rows_of(nested("LockedToProject"), "p", default_for="flow").rows == ()


def test_defaults_do_not_ask_for_the_rules_of_the_project_that_manages() -> None:
    """They govern what is put there: rules of the project that were not read leave them, a parent not read does not."""
    held = nested("LockedToProject")
    blind = held.with_contents(replace(held.contents["p"], rules=None), workbook("w", "c"))
    for where in ("p", "c"):
        assert rows_of(blind, where, default_for="workbook").governing.rules == rules(*ANN)
    assert rows_of(blind, "c", default_for="workbook").governing == governing(blind, "w")
    unknown = held.with_contents(replace(held.contents["p"], parent="gone"), workbook("w", "c"))
    assert governing(unknown, "w") == Governing("unread", "c", "workbook", None)
    assert rows_of(unknown, "c", default_for="workbook") == rows_of(unknown, "w")


def test_what_was_not_read_has_columns_and_no_rows() -> None:
    held = nested("ManagedByOwner").with_contents(
        workbook("w", "c", rules=None), replace(nested("ManagedByOwner").contents["c"], defaults={"workbook": None})
    )
    found = rows_of(held, "w")
    assert (found.governing.holder, found.governing.rules, found.rows) == ("w", None, None)
    assert found.capabilities == tuple(capabilities_of("workbook"))
    assert rows_of(held, "c", default_for="workbook").rows is None


def test_rows_stand_by_kind_and_then_by_name_whatever_its_case() -> None:
    held = site(
        project("p"),
        workbook(
            "w",
            "p",
            *"user:u1 +Read;user:u2 +Read;user:gone +Read;group:b +Read;group:A +Read;group:far +Read".split(";"),
            *"groupSet:s +Read;groupSet:T +Read;group:All Users +Read".split(";"),
        ),
        users=["u1:Viewer", "u2:Viewer"],
        groups=[group("b"), group("A")],
        group_sets={"s": group_set("s", "b"), "T": group_set("T", "b")},
    )
    held = held.with_users(replace(held.users["u1"], name="Zoe"), replace(held.users["u2"], name="amy"))
    held = held.with_groups(replace(held.groups["A"], name="zz"))
    held = held.with_group_sets(replace(held.group_sets["s"], name="zz"))
    assert grantees(held, "w") == ["All Users", "b", "far", "A", "T", "s", "u2", "gone", "u1"]
    twins = held.with_users(replace(held.users["u1"], name="AMY"))
    assert grantees(twins, "w")[-3:] == ["u1", "u2", "gone"], "the same name: by id"


def test_a_row_tells_what_is_allowed_and_denied_and_whether_it_leads() -> None:
    held = site(
        project("p", None, "user:bob +Read", "user:bob -Write", "user:ann +ProjectLeader", "user:vic -ProjectLeader"),
        users=["ann:Creator", "vic:Creator"],
    )
    ann, bob, vic = rows_of(held, "p").rows or ()
    assert ann == GranteeRow(
        Grantee("user", "ann"), frozenset({"ProjectLeader"}), frozenset(), ann.template, leads=True
    )
    assert bob == GranteeRow(Grantee("user", "bob"), frozenset({"Read"}), frozenset({"Write"}), "Custom")
    assert not bob.leads
    assert (vic.denied, vic.leads) == (frozenset({"ProjectLeader"}), False)
