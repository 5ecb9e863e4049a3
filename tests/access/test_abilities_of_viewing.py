"""What the documents name beyond opening and editing: custom views, filters, tags, comments, schedules, people."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from paths import ROOT
from small_site import group, project, site, workbook

from support import command_line
from tabwarden.access.abilities.ability import ACTIONS, can, missing, targets
from tabwarden.compare.handover import overwritten
from tabwarden.model.site import Site
from tabwarden.model.site_settings import SiteSettings
from tabwarden.report.answers import condition_name
from tabwarden.store import snapshot

FULL, LIMITED = "FULL", "LIMITED"


def house(*words: str, role: str = "Viewer", **settings: object) -> Site:
    """ann (of that role) on a workbook of bob; lea leads the project; words are rules on the workbook."""
    return site(
        project("p", None, "user:lea +ProjectLeader"),
        workbook("w", "p", *(f"user:ann +{word}" for word in words), tabs=True),
        workbook("v", "w", kind="view"),
        users=[f"ann:{role}", "lea:Creator"],
        settings=SiteSettings(**settings),  # type: ignore[arg-type]
    )


@pytest.mark.parametrize(
    ("action", "rules", "role", "allowed", "because"),
    [
        ("use_filters", "Read Filter", "Viewer", True, "user_allow"),
        ("use_filters", "Read", "Viewer", False, "default_deny"),
        ("use_actions", "Read", "Viewer", True, "user_allow"),
        ("save_custom_view", "Read", "Viewer", True, "user_allow"),
        ("save_custom_view", "Read", "Guest", False, "site_role"),
        ("default_custom_view", "Read", "Viewer", True, "user_allow"),
        ("share_custom_view", "Read ShareView", "Viewer", False, "site_role"),
        ("share_custom_view", "Read ShareView", "Explorer", True, "user_allow"),
        ("share_custom_view", "Read", "Explorer", False, "default_deny"),
        ("tag", "Read", "Viewer", True, "user_allow"),
        ("tag", "", "Viewer", False, "default_deny"),
        ("read_comments", "Read ViewComments", "Viewer", True, "user_allow"),
        ("comment", "Read AddComment", "Viewer", True, "user_allow"),
        ("comment", "Read AddComment", "Guest", False, "site_role"),
        ("comment", "AddComment", "Viewer", False, "default_deny"),
        ("edit_comment", "Read AddComment", "SiteAdministratorCreator", False, "never_edited"),
        ("subscribe", "Read", "Viewer", True, "user_allow"),
        ("set_data_alert", "Read", "Viewer", False, "site_role"),
        ("set_data_alert", "Read", "Explorer", True, "user_allow"),
    ],
)
def test_on_a_view(action: str, rules: str, role: str, allowed: bool, because: str) -> None:
    answer = can(house(*rules.split(), role=role), "ann", action, "v")
    assert (answer.allowed, answer.because) == (allowed, because)


def test_comments_may_be_switched_off() -> None:
    held = house("Read", "AddComment", commenting=False)
    assert can(held, "ann", "comment", "v").because == "site_setting"


@pytest.mark.parametrize(
    ("user", "author", "allowed", "because"),
    [
        ("ann", "ann", True, "own_comment"),
        ("ann", "bob", False, "not_owner"),
        ("bob", "ann", True, "content_owner"),
        ("lea", "ann", True, "project_leader"),
        ("adm", "ann", True, "admin"),
    ],
)
def test_who_deletes_a_comment(user: str, author: str, allowed: bool, because: str) -> None:
    answer = can(house("Read"), user, "delete_comment", "v", to=author)
    assert (answer.allowed, answer.because) == (allowed, because)


@pytest.mark.parametrize(
    ("user", "role", "rules", "allowed"),
    [
        ("lea", "Viewer", "", True),
        ("bob", "Viewer", "", True),
        ("ann", "Viewer", "ExtractRefresh", False),
        ("ann", "Creator", "ExtractRefresh", True),
        ("ann", "Creator", "Read Write", False),
        ("adm", "Viewer", "", True),
    ],
)
def test_who_changes_a_refresh_schedule(user: str, role: str, rules: str, allowed: bool) -> None:
    assert can(house(*rules.split(), role=role), user, "change_refresh_schedule", "w").allowed is allowed


def test_who_sees_other_people_and_their_roles() -> None:
    everybody, limited = house(user_visibility=FULL), house(user_visibility=LIMITED)
    assert can(everybody, "ann", "see_other_users").allowed
    assert can(limited, "ann", "see_other_users").because == "site_setting"
    assert can(limited, "adm", "see_other_users").allowed
    assert can(limited, "ann", "see_other_users", to="ann").allowed
    assert can(everybody, "ann", "see_site_role", to="ann").because == "oneself"
    assert can(everybody, "ann", "see_site_role", to="bob").because == "admin_only"
    assert can(everybody, "adm", "see_site_role", to="bob").because == "admin"
    out = house(role="Unlicensed")
    assert not can(out, "ann", "see_other_users").allowed
    assert not can(out, "ann", "see_site_role", to="ann").allowed


def test_a_query_past_the_workbook_needs_three_things() -> None:
    held = site(
        project("p"),
        workbook("d", "p", "group:g +Read", "group:g +Connect", "user:ann +VizqlDataApiAccess", kind="datasource"),
        users=["ann:Viewer", "joe:Viewer"],
        groups=[group("g", "ann", "joe")],
    )
    assert can(held, "ann", "query_api", "d").allowed
    answer = can(held, "joe", "query_api", "d")
    assert [(c.what, c.content) for c in missing(answer)] == [("VizqlDataApiAccess", "d")]


# -- saving as, overwriting -----------------------------------------------------------------------------------


def test_save_as_lists_its_projects_and_what_is_missing() -> None:
    held = house("Read", "WebAuthoring", "ExportXml", role="Creator")
    open_one = project("q", None, "user:ann +Write")
    held = held.with_contents(open_one)
    told = targets(held, "ann", "web_save_as", "w")
    assert [(name, answer.allowed) for name, answer in told] == [("p", False), ("q", True), ("Personal Space", True)]
    assert [condition_name(held, part) for part in missing(told[0][1])] == ["`Publish` on p"]
    viewer = held.with_users(replace(held.users["ann"], site_role="Explorer"))
    refused = can(viewer, "ann", "web_save_as", "w", target="q")
    assert [condition_name(viewer, part) for part in missing(refused)] == [
        "a site role that publishes",
        "`Publish` on q",
    ]


def test_the_previous_owner_keeps_what_rules_give_him() -> None:
    held = house("Read", role="Creator")
    handed = overwritten(held, "v", "lea")
    assert handed is not None
    assert handed.owner == "bob"
    assert handed.after.contents["w"].owner == "lea"
    lost = {(content, name) for s in handed.lost for _, content, name in s.every()}
    assert {("w", "Delete"), ("w", "Read"), ("v", "Read"), ("w", "ChangePermissions")} <= lost
    kept = held.with_contents(replace(held.contents["w"], owner="lea"))
    assert overwritten(kept, "w", "lea") is None
    ruled = overwritten(house("Read").with_contents(replace(house("Read").contents["w"], owner="ann")), "w", "bob")
    assert ruled is not None
    assert ("w", "Read") not in {(content, name) for s in ruled.lost for _, content, name in s.every()}


def test_why_tells_both(tmp_path: Path) -> None:
    snapshot.save(house("Read", "WebAuthoring", "ExportXml", "Write", role="Creator"), tmp_path)

    def typed(*words: str) -> Any:
        return command_line.run("why", *words, "--snapshots", tmp_path).output

    assert "`Publish` on p (nobody allowed it" in typed("ann", "web_save_as", "p/w")
    told = typed("lea", "web_overwrite", "p/w")
    assert "lea can web overwrite on p/w" in told
    assert "the previous owner, bob, then loses View, Filter" in told
    assert "the site role Creator" not in typed("ann", "see_site_role", "--to", "ann")


def test_every_ability_is_named_where_cases_are_explained() -> None:
    page = (ROOT / "docs" / "reference" / "case-files.md").read_text(encoding="utf-8")
    listed = re.findall(r"\w+", page[page.index("Actions: ") :].partition("\n")[0])
    assert set(ACTIONS) <= set(listed), set(ACTIONS) - set(listed)
