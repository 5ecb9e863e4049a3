"""What `why` says beside the verdict: empty dashboards, useless rights, the ceiling's row, switched-off group sets."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from by_id import SetOwner
from small_site import group, group_set, project, site, workbook

from support import command_line
from tabwarden.access.abilities.ability import can
from tabwarden.access.question import Asked
from tabwarden.access.reference import may
from tabwarden.model.capability import capabilities_of, template_of
from tabwarden.model.open_points import OpenPoints, open_points_from
from tabwarden.model.roles import SITE_ROLES, may_own
from tabwarden.model.site import Content, Site, Use
from tabwarden.model.site_settings import SiteSettings
from tabwarden.report.answers import trace
from tabwarden.report.remarks import remarks
from tabwarden.store import snapshot

PROMPTED = workbook("w", "p", "user:ann +Read", uses=(Use("d", "prompt"),))
SOURCE = workbook("d", "p", kind="datasource")


def house(*contents: Content, role: str = "Viewer", **more: Any) -> Site:
    return site(project("p", None, "user:ann +Read"), *contents, users=[f"ann:{role}"], **more)


def said(held: Site, capability: str, content: str, **more: Any) -> list[str]:
    put = Asked("ann", capability, content, **more)
    return list(remarks(held, put, put.of(held)))


def hidden(*words: str) -> tuple[Content, Content]:
    return workbook("w", "p", "user:ann +Read", tabs=False), workbook("v", "w", *words, kind="view")


EMPTY = (
    "ann cannot see data on p/w: it opens but stays empty, because `Connect` on p/d is missing: the workbook asks each "
    "person for access to its data source, and ann may not Connect to it."
)
CASES: list[tuple[str, Callable[[], Site], str, str, list[str]]] = [
    ("empty", lambda: house(PROMPTED, SOURCE), "Read", "w", [EMPTY]),
    ("not empty", lambda: house(PROMPTED, workbook("d", "p", "user:ann +Connect", kind="datasource")), "Read", "w", []),
    ("embedded", lambda: house(replace(PROMPTED, uses=(Use("d", "embed"),)), SOURCE), "Read", "w", []),
    ("closed anyway", lambda: house(replace(PROMPTED, rules=frozenset()), SOURCE), "Read", "w", []),
    (
        "no view opens",
        lambda: house(*hidden()),
        "Read",
        "w",
        ["it is listed, but none of its views opens: tabs are hidden, so each view has rules of its own"],
    ),
    ("a view opens", lambda: house(*hidden("user:ann +Read")), "Read", "w", []),
    (
        "its owner opens them",
        lambda: house(*(replace(c, owner="ann") for c in hidden())),
        "Read",
        "w",
        [],
    ),
    (
        "move of no use",
        lambda: house(workbook("w", "p", "user:ann +ChangeHierarchy"), role="Explorer"),
        "ChangeHierarchy",
        "w",
        ["it is of no use: moving asks for a site role that publishes, and Explorer does not"],
    ),
    (
        "move of use",
        lambda: house(workbook("w", "p", "user:ann +ChangeHierarchy"), role="Creator"),
        "ChangeHierarchy",
        "w",
        [],
    ),
    (
        "download only",
        lambda: house(workbook("w", "p", "user:ann +ExportXml"), role="Explorer"),
        "ExportXml",
        "w",
        ["downloading only: saving asks for a site role that publishes, and Explorer does not"],
    ),
    (
        "owning lifts nothing",
        lambda: house(workbook("w", "p", owner="ann")),
        "Delete",
        "w",
        ["ann owns it, which does not lift the site role; with another role it comes back"],
    ),
    (
        "leading lifts nothing",
        lambda: site(project("q", None, "user:ann +ProjectLeader"), workbook("w", "q"), users=["ann:Viewer"]),
        "Delete",
        "w",
        ["ann leads q, which does not lift the site role; with another role it comes back"],
    ),
    (
        "through the catalog",
        lambda: house(workbook("b", "p", kind="database")),
        "Read",
        "b",
        ["with Tableau Catalog it may be visible all the same, through content that is built on it"],
    ),
    (
        "its project is not visible",
        lambda: site(project("q"), workbook("w", "q", "user:ann +Read"), users=["ann:Viewer"]),
        "Read",
        "w",
        ["not visible to ann: project q; it is reached by search or link, not by going through them"],
    ),
    (
        "others have it",
        lambda: house(workbook("w", "p", "group:g +Read", "group:h +Read"), groups=[group("g"), group("h", "bob")]),
        "Read",
        "w",
        ["rules for others, which ann is not among: Allow View to group g, Allow View to group h"],
    ),
    (
        "the blog, where the project is locked",
        lambda: site(
            project("q", None, "user:ann +Read", mode="LockedToProject", datasource=("user:ann +Connect",)),
            workbook("d", "q", kind="datasource"),
            users=["ann:Viewer"],
        ),
        "Connect",
        "d",
        ["by the blog it works through workbooks only, for it comes from the project: not from Desktop or by API"],
    ),
]


@pytest.mark.parametrize(("name", "held", "capability", "content", "expected"), CASES, ids=[c[0] for c in CASES])
def test_what_is_said_beside_the_verdict(
    name: str, held: Callable[[], Site], capability: str, content: str, expected: list[str]
) -> None:
    blog = open_points_from(["blog"] if "blog" in name else [])
    assert said(held(), capability, content, open_points=blog) == expected, name


def test_abilities_tell_their_conditions_themselves() -> None:
    assert said(house(PROMPTED, SOURCE), "see_data", "w", ability=True) == []
    embedded = replace(PROMPTED, uses=(Use("d", "embed"),))
    assert said(house(embedded, SOURCE), "see_data", "w", ability=True) == []
    open_one = workbook("d", "p", "user:ann +Connect", kind="datasource")
    assert said(house(PROMPTED, open_one), "see_data", "w", ability=True) == [
        "where p/d itself prompts, the person's own credentials of its database are needed too"
    ]


@pytest.mark.parametrize(
    ("action", "role", "rule", "settings", "expected"),
    [
        ("web_overwrite", "Creator", "", {}, ["overwriting makes a new revision: what was there can be restored"]),
        ("web_overwrite", "Creator", "", {"revision_history": False}, ["overwriting makes no revision: revision hist"]),
        ("create_metric", "Creator", "", {}, ["Tableau retired these metrics in 2024 (Cloud in February, Server"]),
        ("subscribe", "Viewer", "user:ann +Read", {}, ["the mail has no image or PDF: ann lacks `Download Image/PDF`"]),
        ("subscribe", "Viewer", "user:ann -Read", {}, []),
    ],
)
def test_what_is_said_beside_an_ability(
    action: str, role: str, rule: str, settings: dict[str, bool], expected: list[str]
) -> None:
    held = house(workbook("w", "p", *([rule] if rule else ())), role=role, settings=SiteSettings(**settings))
    told = said(held, action, "w", ability=True)
    assert len(told) == len(expected)
    assert all(line.startswith(words) for line, words in zip(told, expected, strict=True))


def test_why_prints_and_tells_them(tmp_path: Path) -> None:
    kept = snapshot.save(house(PROMPTED, SOURCE), tmp_path)
    words = ["why", "ann", "View", "p/w", "--snapshot", str(kept)]
    printed = command_line.run(*words).output
    assert " ".join(EMPTY.split()) in " ".join(printed.split())
    assert json.loads(command_line.run(*words, "--json").output)["remarks"] == [EMPTY]


# -- the row of the ceiling, the level, the open points ----------------------------------------------------------


def line(held: Site, capability: str, content: str, step: str, **more: Any) -> str:
    return next(words for name, words in trace(held, may(held, "ann", capability, content, **more)) if name == step)


@pytest.mark.parametrize(
    ("capability", "content", "role", "words"),
    [
        ("Delete", "w", "Viewer", "Viewer never permits it; it takes Creator, Explorer (can publish)"),
        ("ShareView", "w", "Explorer", "Explorer permits it; it takes Creator, Explorer (can publish), Explorer"),
        ("Read", "w", "Viewer", "Viewer permits it, as does every licensed role"),
        (
            "Connect",
            "c",
            "Explorer",
            "Explorer never permits it; it takes Creator, Explorer (can publish); sources disagree",
        ),
        (
            "ExtractRefresh",
            "w",
            "Viewer",
            "Viewer never permits it; it takes Creator, Explorer (can publish); believed, not read in a source",
        ),
        ("NotYetNamed", "w", "Viewer", "Viewer is not known to permit it or not"),
        ("Delete", "w", "Unlicensed", "Unlicensed never permits it"),
        ("Delete", "w", "SiteAdministratorExplorer", "Site Administrator Explorer permits it"),
    ],
)
def test_the_ceiling_row_is_told(capability: str, content: str, role: str, words: str) -> None:
    held = house(workbook("w", "p"), workbook("c", "p", kind="virtualconnection"), role=role)
    assert line(held, capability, content, "ceiling") == words


def test_the_row_is_that_of_the_open_points_and_classic_has_none() -> None:
    held = house(workbook("c", "p", kind="virtualconnection"), role="Explorer")
    turned = OpenPoints(explorer_connects_vc=True)
    assert line(held, "Connect", "c", "ceiling", open_points=turned).startswith(
        "Explorer permits it; it takes Creator, Exp"
    )
    assert line(held, "Connect", "c", "ceiling", model="classic") == "Explorer permits it"


def test_a_view_says_why_its_own_rules_count() -> None:
    held = house(*hidden("user:ann +Read"))
    assert line(held, "Read", "v", "level") == "its own rules, because sheets are not shown as tabs"
    assert line(held, "Read", "w", "level") == "its own rules"


def test_rules_for_group_sets_that_are_switched_off_are_told() -> None:
    def told(**settings: bool) -> list[str]:
        held = house(
            workbook("w", "p", "groupSet:s +Read", "groupSet:t -Read"),
            groups=[group("g", "ann")],
            group_sets={"s": group_set("s", "g"), "t": group_set("t")},
            settings=SiteSettings(**settings),
        )
        return [words for name, words in trace(held, may(held, "ann", "Read", "w")) if name == "setting"]

    assert told(group_sets=False) == ["the site has switched off group sets: Allow View to group set s does not count"]
    assert told() == []


def test_the_sites_switches_veto_what_they_gate() -> None:
    off = SiteSettings(vizql_data_service=False, subscriptions=False)
    held = house(workbook("d", "p", kind="datasource"), workbook("w", "p", "user:ann +Read"), settings=off)
    for model in ("current", "deny_first"):
        assert may(held, "adm", "VizqlDataApiAccess", "d", model=model).because == "site_setting"
    assert can(held, "adm", "query_api", "d").because == "site_setting"
    assert can(held, "ann", "subscribe", "w").because == "site_setting"
    assert can(house(workbook("w", "p", "user:ann +Read")), "ann", "subscribe", "w").allowed


# -- owning, databases, templates -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "roles"),
    [
        ("project", "Creator ExplorerCanPublish"),
        ("metric", "Creator ExplorerCanPublish"),
        ("workbook", "Creator ExplorerCanPublish Explorer Viewer"),
        ("flow", "Creator ExplorerCanPublish Explorer Viewer"),
    ],
)
def test_who_may_be_given_what(kind: str, roles: str) -> None:
    admins = {"SiteAdministratorExplorer", "SiteAdministratorCreator", "ServerAdministrator"}
    assert {role for role in SITE_ROLES if may_own(role, kind)} == {*roles.split(), *admins}
    older = {role for role in SITE_ROLES if may_own(role, kind, OpenPoints(explorers_own_content=False))}
    assert older == {"Creator", "ExplorerCanPublish", *admins}
    assert not may_own("RoleOfTomorrow", kind)


def test_the_ability_and_the_change_agree_on_new_owners() -> None:
    for kind in ("workbook", "metric", "flow"):
        for role in SITE_ROLES:
            held = house(workbook("w", "p", kind=kind), role=role)
            change = SetOwner("w", "ann").done_to(held)
            assert change.done is can(held, "adm", "change_content_owner", "w", to="ann").allowed, (kind, role)


def test_a_view_has_no_owner_of_its_own() -> None:
    held = house(*hidden())
    assert can(held, "adm", "change_content_owner", "v", to="ann").because == "not_applicable"


@pytest.mark.parametrize(
    ("user", "documented", "before"), [("bob", "content_owner", "admin_only"), ("adm", "admin", "oneself")]
)
def test_who_hands_over_a_flow(user: str, documented: str, before: str) -> None:
    held = site(project("p"), workbook("f", "p", kind="flow"), users=["ann:Creator"])
    assert can(held, user, "change_content_owner", "f").because == documented
    assert (
        can(held, user, "change_content_owner", "f", open_points=OpenPoints(flow_owner_changes_owner=False)).because
        == before
    )


@pytest.mark.parametrize(
    ("user", "because"),
    [
        ("ann", "locked_database"),
        ("bob", "content_owner"),
        ("adm", "admin"),
        ("eve", "default_deny"),
        ("joe", "user_allow"),
    ],
)
def test_a_locked_databases_tables_are_edited_on_the_database(user: str, because: str) -> None:
    held = site(
        project("p"),
        workbook("b", "p", "user:joe +ChangePermissions", kind="database", mode="LockedToDatabase"),
        workbook("t", "b", kind="table", owner="ann"),
        users=["ann:Creator", "eve:Creator", "joe:Creator"],
    )
    assert can(held, user, "set_permissions", "t").because == because
    free = held.with_contents(replace(held.contents["b"], mode="ManagedByOwner"))
    assert can(free, "ann", "set_permissions", "t").because == "content_owner"


def test_a_new_workbook_in_the_browser() -> None:
    held = site(project("p", None, "user:ann +Write"), project("q"), users=["ann:Creator", "eve:ExplorerCanPublish"])
    assert can(held, "ann", "web_create").allowed
    assert can(held, "ann", "web_create", target="q").because == "default_deny"
    assert can(held, "eve", "web_create", "p").because == "site_role"
    closed = replace(held, settings=SiteSettings(web_authoring=False))
    assert can(closed, "adm", "web_create", "p").because == "site_setting"


def test_a_row_that_denies_everything_denies_connect_of_data_sources_too() -> None:
    every = frozenset(capabilities_of("datasource"))
    assert template_of("datasource", frozenset(), every) == "Denied"
    assert template_of("datasource", frozenset(), every - {"SaveAs", "ExtractRefresh"}) == "Denied"
    assert template_of("datasource", frozenset(), every - {"Connect"}) == "Custom"
    assert template_of("workbook", frozenset(), frozenset(capabilities_of("workbook")) - {"Connect"}) == "Denied"
