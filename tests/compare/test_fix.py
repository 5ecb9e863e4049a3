"""The fixes of single situations as a person reads them, and `why --fix` as a command."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from small_site import group, group_set, project, site, workbook

from support import command_line
from tabwarden.access.question import Asked
from tabwarden.access.reference import may
from tabwarden.compare.between_sites import Base
from tabwarden.compare.fix import Fix, Fixes, asked_decision, fixes
from tabwarden.compare.fix_candidates import edits_for
from tabwarden.model.site import Site
from tabwarden.model.site_settings import SiteSettings
from tabwarden.report.access_changes import after_fix, also, fixes_heading, steps_of
from tabwarden.store import snapshot

CONTRACTORS = [f"c{n}" for n in range(15)]
LOCKED = "LockedToProject"


def contractors() -> Site:
    """A workbook that Staff may View and Contractors are denied; ann and 14 others are in both."""
    return site(
        project("Finance"),
        workbook("Budget", "Finance", "group:Staff +Read", "group:Contractors -Read"),
        users=[f"{name}:Viewer" for name in CONTRACTORS],
        groups=[group("Staff", *CONTRACTORS), group("Contractors", *CONTRACTORS)],
    )


def steps(held: Site, asked: Asked) -> list[list[str]]:
    return [steps_of(held, way) for way in fixes(held, asked).ways]


def effects_of(held: Site, asked: Asked) -> dict[str, list[str]]:
    found = fixes(held, asked)
    return {"; ".join(steps_of(held, way)): also(held, found, way) for way in found.ways}


def test_removing_a_deny_also_gives_fourteen_others_view() -> None:
    held = contractors()
    asked = Asked("c0", "Read", "Budget")
    told = effects_of(held, asked)
    assert list(told) == [
        "allow View on Finance/Budget to user c0",
        "remove c0 from Contractors",
        "make user c0 leader of Finance",
    ]
    assert told["allow View on Finance/Budget to user c0"] == ["changes nothing else"]
    removed = [way for way in all_ways(held, asked) if "remove deny" in way[0]]
    assert removed == [
        ("remove deny View on Finance/Budget from group Contractors", ["also gives 14 others View on Finance/Budget"])
    ]


def all_ways(held: Site, asked: Asked) -> list[tuple[str, list[str]]]:
    """Every single edit that would do, not only the best three."""
    ways = []
    now = asked.of(held)
    for edit in edits_for(held, now, give=not now.allowed):
        after = edit.done_to(held)
        if after.done and asked.of(after.site).allowed is not now.allowed:
            fix = Fix((edit,), asked.of(after.site), Base(held).reach(after.site, apart=asked_decision(asked)))
            ways.append((steps_of(held, fix)[0], also(held, Fixes(asked, now, not now.allowed, ()), fix)))
    return ways


@pytest.mark.parametrize(
    ("held", "asked", "first"),
    [
        (
            site(project("p"), workbook("w", "p"), users=["ann:Unlicensed"]),
            Asked("ann", "WebAuthoring", "w"),
            ["set ann to Explorer", "allow Web Edit on p/w to user ann"],
        ),
        (
            site(project("p", None, mode=LOCKED), workbook("w", "p"), users=["ann:Viewer"]),
            Asked("ann", "Read", "w"),
            ["allow View on workbooks in p to user ann"],
        ),
        (
            site(
                project("p"),
                workbook("w", "p", "user:ann +WebAuthoring"),
                users=["ann:Explorer"],
                settings=SiteSettings(web_authoring=False),
            ),
            Asked("ann", "WebAuthoring", "w"),
            ["switch on web authoring"],
        ),
        (
            site(
                project("p"),
                workbook("w", "p", "groupSet:s +Read"),
                users=["ann:Viewer"],
                groups=[group("g", "ann"), group("h")],
                group_sets={"s": group_set("s", "g", "h")},
            ),
            Asked("ann", "Read", "w"),
            ["add ann to h"],
        ),
        (
            site(project("p", None, "user:ann +ProjectLeader"), workbook("w", "p"), users=["ann:Viewer"]),
            Asked("ann", "Read", "w"),
            ["remove leader user ann from p"],
        ),
        (
            site(project("p"), workbook("w", "p", "group:g +Read"), users=["ann:Viewer"], groups=[group("g", "ann")]),
            Asked("ann", "Read", "w"),
            ["deny View on p/w to user ann"],
        ),
        (
            site(project("p", None, owner="ann"), workbook("w", "p", owner="ann"), users=["ann:Creator"]),
            Asked("ann", "Read", "w"),
            ["give p/w to adm", "give p to adm"],
        ),
        (
            site(project("p", None, mode=LOCKED), workbook("w", "p", owner="ann"), users=["ann:Creator"]),
            Asked("ann", "ChangePermissions", "w"),
            ["unlock p"],
        ),
    ],
)
def test_the_first_way(held: Site, asked: Asked, first: list[str]) -> None:
    found = fixes(held, asked)
    told = steps_of(held, found.ways[0])
    assert sorted(told) == sorted(first)
    assert may(after_fix(held, found.ways[0]), asked.user, asked.what, str(asked.content)).allowed is found.give


def offices() -> Site:
    """Staff has View, ann is in Desk and in no other group; joe and eve are in Desk too."""
    return site(
        project("p"),
        workbook("w", "p", "group:Staff +Read"),
        users=["ann:Viewer", "joe:Viewer", "eve:Viewer", "zoe:Viewer"],
        groups=[group("Staff", "zoe"), group("Desk", "ann", "joe", "eve")],
    )


def test_ways_stand_as_people_should_do_it_each_with_its_cost() -> None:
    told = effects_of(offices(), Asked("ann", "Read", "w"))
    assert list(told) == [
        "add ann to Staff",
        "allow View on p/w to group Desk",
        "allow View on p/w to user ann",
    ]
    assert told["allow View on p/w to group Desk"] == ["also gives eve, joe View on p/w"]
    alone = replace(offices(), groups={i: g for i, g in offices().groups.items() if g.name != "Desk"})
    assert steps(alone, Asked("ann", "Read", "w"))[:2] == [["add ann to Staff"], ["allow View on p/w to user ann"]]
    bare = alone.with_contents(workbook("w", "p"))
    assert ["allow View on p/w to group All Users"] not in steps(bare, Asked("ann", "Read", "w"))
    assert steps(bare, Asked("ann", "Read", "w"))[0] == ["allow View on p/w to user ann"]


def test_a_group_that_leads_is_no_group_that_has_it() -> None:
    held = site(
        project("p", None, "group:Heads +ProjectLeader"),
        workbook("w", "p"),
        users=["ann:Viewer"],
        groups=[group("Heads"), group("Desk", "ann")],
    )
    assert steps(held, Asked("ann", "Read", "w"))[:2] == [
        ["allow View on p/w to group Desk"],
        ["allow View on p/w to user ann"],
    ]


def test_of_roles_the_lowest_that_will_do_is_proposed() -> None:
    held = site(project("p"), workbook("w", "p", "user:ann +Write"), users=["ann:Unlicensed"])
    assert steps(held, Asked("ann", "Write", "w")) == [["set ann to Explorer (can publish)"]]
    full = replace(held, licences={"Explorer": 0, "Creator": 9})
    assert steps(full, Asked("ann", "Write", "w")) == [["set ann to Creator"]]


def test_abilities_are_fixed_condition_by_condition() -> None:
    held = site(
        project("p", None, "user:ann +Write"),
        workbook("w", "p", "user:ann +Read", "user:ann +WebAuthoring"),
        users=["ann:Explorer"],
    )
    asked = Asked("ann", "web_save_as", "w", ability=True, target="p")
    found = fixes(held, asked)
    assert steps_of(held, found.ways[0]) == [
        "set ann to Explorer (can publish)",
        "allow Download Workbook/Save a Copy on p/w to user ann",
    ]
    assert all(asked.of(after_fix(held, way)).allowed for way in found.ways)
    taken = fixes(held, Asked("ann", "web_edit", "w", ability=True))
    assert not taken.give
    assert all(not taken.question.of(after_fix(held, way)).allowed for way in taken.ways)


def test_what_cannot_be_fixed_says_so() -> None:
    held = site(project("p"), workbook("w", "p"), workbook("v", "w", kind="view"), users=["ann:Viewer"])
    none = fixes(held, Asked("ann", "Write", "v"))
    assert none.ways == ()
    assert fixes_heading(none).startswith("no change of rules")
    unread = held.with_contents(workbook("w", "p", rules=None))
    unknown = fixes(unread, Asked("ann", "Read", "w"))
    assert unknown.ways == ()
    assert "not read" in fixes_heading(unknown)


def command(folder: Path, *words: str) -> Any:
    snapshot.save(contractors(), folder)
    return command_line.run("why", *words, "--snapshots", folder)


def test_the_command_prints_the_ways_and_what_else_they_change(tmp_path: Path) -> None:
    done = command(tmp_path, "c0", "View", "Finance/Budget", "--fix")
    assert done.exit_code == 0, done.output
    told = done.output.splitlines()
    at = told.index("what would give it, smallest first:")
    assert [line.strip() for line in told[at + 1 : at + 3]] == [
        "1. allow View on Finance/Budget to user c0",
        "changes nothing else",
    ]
    as_json = json.loads(command(tmp_path, "c0", "View", "Finance/Budget", "--fix", "--json").output)
    assert as_json["fix"]["ways"][0]["steps"] == ["allow View on Finance/Budget to user c0"]
    assert as_json["fix"]["give"] is True
    assert as_json["fix"]["ways"][0]["after"]["verdict"] == "allowed"


def test_a_proposal_can_be_pasted_into_whatif(tmp_path: Path) -> None:
    as_json = json.loads(command(tmp_path, "c0", "View", "Finance/Budget", "--fix", "--json").output)
    for way in as_json["fix"]["ways"]:
        arguments = ["whatif", *way["steps"], "--snapshots", str(tmp_path), "--json"]
        tried = json.loads(command_line.run(*arguments).output)
        assert all(change["done"] for change in tried["changes"])
        assert tried["decisions"] == way["decisions"] + 1, "the asked decision itself"
        assert tried["decisions"] == sum(
            len(shift["people"]) * len(shift["contents"]) * len(shift["capabilities"]) for shift in tried["shifts"]
        )
