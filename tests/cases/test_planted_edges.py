"""Planted bugs in case files, on-demand groups, limited readers, fixes, exceptions in person, trust: each is found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from typing import Any

import pytest
from patched_modules import Patch, in_place, planted
from small_site import group, project, site, workbook

from tabwarden.access import on_demand
from tabwarden.access.question import Asked
from tabwarden.cases.file import case_of
from tabwarden.cases.running import run
from tabwarden.compare import models
from tabwarden.compare.fix import fixes
from tabwarden.model.site import Site, Taken
from tabwarden.questions import Questions
from tabwarden.report.access_changes import steps_of
from tabwarden.want.directory import Directory, Domain
from tabwarden.want.names import domains

BUGS = [pytest.param(bug, id=bug.name) for bug in planted("edges")]
W = {"type": "workbook", "project": "P", "rules": [{"grantee": "user:ann", "capability": "View", "mode": "Allow"}]}
SETUP = {"users": {"ann": {"role": "Viewer"}}, "projects": {"P": {}}, "content": {"W": W}}
QUESTION = {"user": "ann", "capability": "View", "object": "content:W"}


def case(**changed: Any) -> tuple[str, ...]:
    raw = {"id": 1, "kind": "capability", "setup": SETUP, "question": QUESTION, "expected": "allow", **changed}
    return run(case_of(raw)).problems


def case_files() -> bool:
    refused = [
        case(setup={**SETUP, "project": {}}),
        case(setup={**SETUP, "projects": {"P": {"mode": "Locked"}}}),
        case(question={**QUESTION, "user": "zoe"}),
        case(setup={**SETUP, "groups": {"G": ["zoe"]}}),
    ]
    people = {"ann": {"role": "Viewer"}, "joe": {"role": "Viewer", "owns": ["W"]}}
    setup = {"users": people, "groups": {"G": {"members": ["ann", "joe"]}}}
    event = {"event": "group_sync", "disabled": ["joe"]}
    alone = {"users": people, "groups": {"G": {"members": ["joe"]}}}
    gone = case(kind="provisioning", setup=alone, question=event, result={"site_role": "Unlicensed", "groups": []})
    two = case(kind="provisioning", setup=setup, question=event, result={"site_role": "Viewer"})
    return case() == () and all(refused) and gone == () and "no fact is called" in str(two)


def house() -> Site:
    return site(
        project("p", None, "group:heads +ProjectLeader"),
        workbook("w", "p", "group:g +Read", "user:joe +Read", "user:zoe +Read", "group:h -Read"),
        workbook("all", "p", "group:All Users +Read"),
        workbook("bare", "p"),
        users=["ann:Viewer", "joe:Viewer", "eve:Viewer", "zoe:Viewer"],
        groups=[group("g", "joe"), group("h", "zoe"), group("desk", "ann", "eve"), group("heads")],
        on_demand=frozenset({"g", "desk"}),
    )


def admitted() -> bool:
    return {
        content: [one.name for one in on_demand.admitting(house(), "Read", content)] for content in ("w", "all", "bare")
    } == {"w": ["g"], "all": [], "bare": []}


def readers() -> bool:
    read = house().with_contents(replace(house().contents["w"], rules=None))
    limited = replace(read, taken=Taken(by="ann", by_role="Viewer"))
    told = {u: Questions(limited).why(Asked(u, "Read", "w")).verdict for u in ("ann", "eve")}
    whole = replace(read, taken=Taken(by="adm", by_role="SiteAdministratorCreator"))
    return told == {"ann": "allowed", "eve": "unknown"} and not Questions(whole).why(Asked("ann", "Read", "w")).allowed


def ways() -> bool:
    bare = [steps_of(house(), way)[0] for way in fixes(house(), Asked("ann", "Read", "bare")).ways]
    held = [steps_of(house(), way)[0] for way in fixes(house(), Asked("ann", "Read", "w")).ways]
    alone = replace(house(), groups={i: g for i, g in house().groups.items() if i != "desk"})
    lonely = [steps_of(alone, way)[0] for way in fixes(alone, Asked("ann", "Read", "bare")).ways]
    return (
        bare[:2] == ["allow View on p/bare to group desk", "allow View on p/bare to user ann"]
        and held[0] == "add ann to g"
        and lonely[0] == "allow View on p/bare to user ann"
        and "allow View on p/bare to group All Users" not in lonely
        and "add ann to heads" not in bare[:2]
    )


def exceptions() -> bool:
    people = {user for one in models.in_person(house(), "Read") if one.content == "w" for user in one.users}
    return people >= {"zoe"} and "joe" not in people


def trust() -> bool:
    apart = Directory((Domain("a.example", "A"), Domain("b.example", "B")))
    return [line.verdict for line in domains.listed(apart, {"a.example": "A"})][1] == domains.NOT_TRUSTED


CHECKS: tuple[Callable[[], bool], ...] = (case_files, admitted, readers, ways, exceptions, trust)


# Functions that a module takes by name have to be taken again.
TAKEN = {
    "tabwarden.questions.shown_to": "model.scope",
    "tabwarden.questions.admitting": "access.on_demand",
    "tabwarden.compare.fix.manner": "compare.fix_candidates",
}


def wrong() -> list[str]:
    found = []
    for check in CHECKS:
        try:
            if not check():
                found.append(check.__name__)
        except Exception as error:
            found.append(f"{check.__name__}: {error!r}")
    return found


@pytest.mark.parametrize("bug", BUGS)
def test_a_planted_bug_is_found(bug: Patch, monkeypatch: pytest.MonkeyPatch) -> None:
    with in_place(bug):
        for taken, source in TAKEN.items():
            name = taken.rpartition(".")[2]
            monkeypatch.setattr(taken, getattr(import_module(f"tabwarden.{source}"), name))
        assert wrong() != []


def test_without_a_bug_nothing_is_found() -> None:
    assert wrong() == []
