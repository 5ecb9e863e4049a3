"""The reference asked for everybody and everything: whose answers, which capabilities, in which order; the trace."""

from __future__ import annotations

from dataclasses import replace

import pytest
from small_site import group, group_set, project, rule, rules, site, workbook

from tabwarden.access.answer import Answer, Losing
from tabwarden.access.powers import speaks_of
from tabwarden.access.reference import as_seen_by, may, what, who
from tabwarden.engine.convert import columns_of
from tabwarden.engine.engine import Engine
from tabwarden.model.capability import capabilities_of
from tabwarden.model.errors import UnknownName
from tabwarden.model.open_points import MODELS, OpenPoints
from tabwarden.model.site import Grantee, Site, User
from tabwarden.questions import Questions


def house(**more: object) -> Site:
    """lea leads p; w has rules for ann, her group g and the set s, one of a capability nobody knows yet."""
    return site(
        project("p", None, "user:lea +ProjectLeader"),
        workbook("w", "p", "user:ann -Filter", "group:g +Filter", "group:g +Read", "groupSet:s -Read", "group:g +Zeta"),
        users=["ann:Viewer", "lea:Creator"],
        groups=[group("g", "ann")],
        group_sets={"s": group_set("s", "g")},
        **more,
    )


@pytest.mark.parametrize("model", MODELS)
def test_who_is_everybody_by_name_with_the_answer_to_each(model: str) -> None:
    named = {
        name: User(name, name.upper() if name == "ann" else name, "Viewer", domain=name) for name in ("ann", "zoe")
    }
    twins = [User("t2", "Twin", "Viewer", domain="b"), User("t1", "twin", "Viewer", domain="a")]
    held = house().with_users(*named.values(), *twins)
    told = list(who(held, "Read", "w", model=model))
    assert [answer.user for answer in told] == ["adm", "ann", "bob", "lea", "t1", "t2", "zoe"]
    assert told == [may(held, answer.user, "Read", "w", model=model) for answer in told]
    final = OpenPoints(group_set_deny_is_final=True)
    assert next(a for a in who(held, "Read", "w", open_points=final) if a.user == "ann").because == "groupset_deny"


def test_what_is_every_capability_of_the_kind_then_those_nobody_knows() -> None:
    held = house()
    told = list(what(held, "ann", "w"))
    assert [answer.what for answer in told] == [*capabilities_of("workbook"), "Zeta"], "each once"
    assert told == [may(held, "ann", answer.what, "w") for answer in told]
    more = held.with_contents(
        replace(held.contents["w"], rules=rules("group:g +Zeta", "group:g +Alpha", "user:ann -Zeta"))
    )
    assert [a.what for a in what(more, "ann", "w")][len(capabilities_of("workbook")) :] == ["Alpha", "Zeta"]
    blind = held.with_contents(replace(held.contents["w"], rules=None))
    assert [a.what for a in what(blind, "ann", "w")] == list(capabilities_of("workbook"))
    assert [a.because for a in what(held, "ann", "w", model="deny_first") if a.what == "Read"] == ["deny_rule"]
    assert next(a.model for a in what(held, "ann", "p", model="classic")) == "classic"


def test_the_classic_model_asks_for_the_list_that_counts_without_locks() -> None:
    locked = house().with_contents(project("p", None, mode="LockedToProject", workbook=("user:ann +Omega",)))
    assert [a.what for a in what(locked, "ann", "w")][-1] == "Omega"
    # What nobody named in 2012 is no capability there.
    assert [a.what for a in what(locked, "ann", "w", model="classic")] == list(capabilities_of("workbook", "classic"))
    assert len(capabilities_of("project", "classic")) == 15
    for later in ("WebAuthoring", "Zeta"):
        answer = may(locked, "adm", later, "w", model="classic")
        assert (answer.verdict, answer.because) == ("denied", "not_applicable")
        assert Engine(columns_of(locked), "classic").check("adm", later, "w") == answer
        with pytest.raises(UnknownName, match=r"`classic` has no capability `.*`; those of 2012 are `View`"):
            Questions(locked, model="classic").asked("adm", later, "p/w")
    assert as_seen_by(locked, "current") is locked


def told(answer: Answer) -> list[tuple[str, str, tuple[str, ...]]]:
    """Name, result and the first detail: the kind, the site role, the content."""
    return [(step.name, step.result, step.detail[:1]) for step in answer.steps]


def test_the_trace_is_every_step_in_order() -> None:
    held = house()
    assert told(may(held, "ann", "Filter", "w")) == [
        ("capability", "yes", ("workbook",)),
        ("ceiling", "yes", ("Viewer",)),
        ("override", "none", ()),
        ("level", "own", ("w",)),
        ("rules", "user_deny", ()),
    ]
    assert told(may(held, "lea", "Read", "w"))[2:] == [
        ("override", "project_leader", ("p",)),
        ("level", "own", ("w",)),
        ("rules", "none", ()),
    ]
    blind = held.with_contents(replace(held.contents["w"], rules=None))
    assert told(may(blind, "ann", "Read", "w"))[2:] == [
        ("override", "none", ()),
        ("level", "own", ("w",)),
        ("rules", "unknown", ()),
    ]


def test_who_decided_and_who_lost_to_it() -> None:
    answer = may(house(), "ann", "Filter", "w")
    assert answer.deciding == (rule("user:ann -Filter"),)
    assert answer.losing == (Losing(rule("group:g +Filter"), "user_deny"),)
    led = may(house(), "lea", "Read", "w")
    assert (led.deciding, led.at, led.ceiling) == ((rule("user:lea +ProjectLeader"),), "p", "yes")


def test_whom_a_grantee_includes() -> None:
    held = house().with_groups(replace(group("u"), members=None), group("far", "bob"))
    held = held.with_group_sets(group_set("both", "g", "u"), group_set("never", "far", "u"), group_set("empty"))

    def includes(kind: str, name: str) -> bool | None:
        return speaks_of(held, Grantee(kind, name), "ann")

    assert [includes("user", "ann"), includes("user", "bob")] == [True, False]
    assert [includes("group", "g"), includes("group", "far"), includes("group", "u")] == [True, False, None]
    assert includes("group", "All Users") is True
    assert includes("group", "not read") is None
    assert [includes("groupSet", "s"), includes("groupSet", "both"), includes("groupSet", "never")] == [
        True,
        None,
        False,
    ]
    assert includes("groupSet", "empty") is False
    assert includes("groupSet", "not read") is None
    off = replace(held, settings=replace(held.settings, group_sets=False))
    assert speaks_of(off, Grantee("groupSet", "s"), "ann") is False
    assert speaks_of(off, Grantee("group", "g"), "ann") is True


def test_telling_the_name_of_ai_access_leaves_all_other_capabilities_alone() -> None:
    held = house().with_contents(workbook("f", "p", "user:bob +Read", "user:bob +Ask", "user:ann +Ask", kind="flow"))
    held = held.with_contents(workbook("x", "p", "user:ann +Ask", owner="adm"))
    named = OpenPoints(ai_access_name="Ask")
    for content in ("f", "w"):
        for capability in ("Read", "Filter", "Zeta", "ChangePermissions", "Delete"):
            for user in ("ann", "bob", "lea"):
                assert may(held, user, capability, content, open_points=named) == may(held, user, capability, content)
    assert may(held, "ann", "Ask", "f").because == "user_allow"
    assert may(held, "ann", "Ask", "f", open_points=named).because == "not_applicable"
    assert told(may(held, "ann", "Ask", "x", open_points=named))[0] == ("capability", "yes", ("workbook",))
    assert told(may(held, "ann", "Ask", "x"))[0] == ("capability", "unknown", ("workbook",))


def test_what_lies_in_no_project_is_under_no_lock() -> None:
    held = site(workbook("c", None, "user:ann +ChangePermissions", kind="database"), users=["ann:Creator"])
    for user, because in (("ann", "user_allow"), ("bob", "content_owner"), ("adm", "admin")):
        answer = may(held, user, "ChangePermissions", "c")
        assert (answer.verdict, answer.because) == ("allowed", because)
        assert Engine(columns_of(held)).check(user, "ChangePermissions", "c") == answer


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("group:u +Read;group:v -Read", "unknown"),
        ("group:u -Read;group:v -Read", "denied"),
        ("group:u -Read;group:g +Read", "unknown"),
        ("group:u +Read;group:g -Read", "denied"),
        ("group:u +Read;group:g +Read", "allowed"),
        ("group:u -Read;group:v +Read;user:ann +Read", "allowed"),
    ],
)
def test_two_groups_nobody_knows_are_tried_one_without_the_other(words: str, expected: str) -> None:
    """She may be in the one that is allowed and not in the one that is denied."""
    held = site(
        project("p"),
        workbook("w", "p", *words.split(";")),
        users=["ann:Viewer"],
        groups=[group("g", "ann"), *(replace(group(name), members=None) for name in "uv")],
    )
    answer = may(held, "ann", "Read", "w")
    assert answer.verdict == expected
    assert Engine(columns_of(held)).check("ann", "Read", "w") == answer
    assert int(Engine(columns_of(held)).matrix("Read")[1, 2]) == ("denied", "allowed", "unknown").index(expected)
