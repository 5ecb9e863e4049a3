"""Databases and tables: a lock of their own, in words, in effect and in what people see."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

import pytest
from by_id import ById, SetMode
from small_site import project, rules, site, workbook

from tabwarden.access.reference import may
from tabwarden.compare.what_if import done, what_if
from tabwarden.effects.ops.rules import PutRule
from tabwarden.effects.sentences import change_of, words_of
from tabwarden.model.errors import UnknownName
from tabwarden.model.governing import governing
from tabwarden.model.site import Grantee, Rule, Site

ANN, JOE = Grantee("user", "ann"), Grantee("user", "joe")
LOCKED, OPEN = "LockedToDatabase", "ManagedByOwner"


def house(mode: str = OPEN, within: str = OPEN) -> Site:
    """ann has a rule on the table, joe one among the database's default rules for tables."""
    defaults = MappingProxyType({"table": rules("user:joe +Read")})
    return site(
        project("p", None, mode=within, workbook=()),
        workbook("b", "p", kind="database", mode=mode, defaults=defaults),
        workbook("t", "b", "user:ann +Read", kind="table"),
        users=["ann:Viewer", "joe:Viewer"],
    )


def readers(held: Site) -> set[str]:
    return {user for user in ("ann", "joe") if may(held, user, "Read", "t").allowed}


def test_which_list_counts() -> None:
    assert (governing(house(), "t").level, readers(house())) == ("own", {"ann"})
    assert (governing(house(LOCKED), "t").level, readers(house(LOCKED))) == ("database_default", {"joe"})
    above = house(LOCKED, within="LockedToProject")
    assert (governing(above, "t").level, governing(above, "t").holder) == ("project_default", "p")


@pytest.mark.parametrize(
    ("words", "edit"),
    [
        ("lock p/b", SetMode("b", LOCKED)),
        ("unlock p/b", SetMode("b", OPEN)),
        ("lock p", SetMode("p", "LockedToProject")),
    ],
)
def test_in_words(words: str, edit: ById) -> None:
    assert change_of(house(), words) == edit.on(house())
    assert change_of(house(), words_of(house(), edit.on(house()))) == edit.on(house())


def test_a_table_is_not_locked_by_itself() -> None:
    with pytest.raises(UnknownName, match="`p/b/t` is a table, not a project"):
        change_of(house(), "lock p/b/t")


def test_locking_overwrites_and_unlocking_does_not_bring_back() -> None:
    locked, (tried,) = done(house(), ["lock p/b"])
    assert tried.done
    assert readers(locked) == {"joe"}
    assert locked.contents["t"].rules == rules("user:joe +Read")
    unlocked, _ = done(locked, ["unlock p/b"])
    assert (governing(unlocked, "t").level, readers(unlocked)) == ("own", {"joe"})
    freed, _ = done(house(LOCKED), ["unlock p/b"])
    assert readers(freed) == {"joe"}, "what was in force stays"


def test_what_is_refused() -> None:
    assert SetMode("b", "LockedToProject").done_to(house()).because == "not_applicable"
    assert SetMode("p", LOCKED).done_to(house()).because == "not_applicable"
    assert SetMode("t", LOCKED).done_to(house()).because == "not_applicable"
    assert SetMode("b", LOCKED).done_to(house(within="LockedToProject")).because == "locked_project"
    rule = Rule(ANN, "Read", "Deny")
    assert PutRule("t", rule).done_to(house(LOCKED)).because == "locked_database"
    assert PutRule("t", rule).done_to(house()).done
    assert PutRule("b", rule, "table").done_to(house(LOCKED)).done
    assert PutRule("b", rule, "workbook").done_to(house(LOCKED)).because == "not_applicable"


def test_the_defaults_of_a_locked_database_reach_its_tables_at_once() -> None:
    after, (tried,) = done(house(LOCKED), ["allow View on tables in p/b to user ann"])
    assert tried.done
    assert readers(after) == {"ann", "joe"}
    before, _ = done(house(), ["allow View on tables in p/b to user joe"])
    assert readers(before) == {"ann"}


def test_what_a_lock_does_to_people() -> None:
    told = what_if(house(), ["lock p/b"])
    changed = {
        (user, content, capability, shift.gained)
        for shift in told.reach.shifts
        for user, content, capability in shift.every()
    }
    assert changed == {("ann", "t", "Read", False), ("joe", "t", "Read", True)}
    assert readers(replace(told.after)) == {"joe"}
