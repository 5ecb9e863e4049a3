"""Every open point: what the documented answer is, what the other one is, and that `why` tells both."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, replace
from itertools import product
from pathlib import Path

import pytest
from dense_sites import dense_site
from small_site import group, group_set, project, rules, site, workbook

from support import command_line
from tabwarden.access.abilities.ability import of_kind
from tabwarden.access.answer import Answer
from tabwarden.access.disputes import with_disputes
from tabwarden.access.question import Asked
from tabwarden.access.reference import may
from tabwarden.effects import content, people
from tabwarden.model.capability import capabilities_of, template_of, without_optional
from tabwarden.model.errors import SettingsError
from tabwarden.model.open_points import DOCUMENTED, OPEN_POINTS, OpenPoints, alternatives, open_points_from
from tabwarden.model.site import Content, Site, Use, User
from tabwarden.report.answers import disputed_lines
from tabwarden.run.open_snapshot import read_open_points
from tabwarden.store import snapshot

DASHBOARD = workbook("w", "p", "group:g +Read", uses=(Use("d", "prompt"),))
SOURCE = workbook("d", "p", "group:g +Connect", kind="datasource")


def house(*contents: Content, role: str = "Viewer", **more: object) -> Site:
    """A project, ann of that role in group g (and in k, which makes the set s)."""
    fields: dict[str, object] = {"groups": [group("g", "ann"), group("k", "ann")], **more}
    return site(
        *(contents or (project("p"),)), users=[f"ann:{role}"], group_sets={"s": group_set("s", "g", "k")}, **fields
    )  # type: ignore[arg-type]


# Question, documented verdict, the open point that turns it; by the point it settles.
CASES: list[tuple[Site, Asked, str, str]] = [
    (
        house(project("p"), workbook("w", "p", "group:g +Read", "groupSet:s -Read")),
        Asked("ann", "Read", "w"),
        "allowed",
        "group_set_deny_is_final=on",
    ),
    (
        house(project("p"), workbook("d", "p", "user:ann +VizqlDataApiAccess", kind="datasource")),
        Asked("ann", "VizqlDataApiAccess", "d"),
        "allowed",
        "viewer_calls_api=off",
    ),
    (
        house(project("p"), workbook("c", "p", "user:ann +Connect", kind="virtualconnection"), role="Explorer"),
        Asked("ann", "Connect", "c"),
        "denied",
        "explorer_connects_vc=on",
    ),
    (
        house(project("p"), workbook("f", "p", "user:ann +Execute", kind="flow"), role="ExplorerCanPublish"),
        Asked("ann", "Execute", "f"),
        "allowed",
        "publishing_explorer_runs_flows=off",
    ),
    (
        house(project("top"), project("p", "top", "user:ann +Write"), role="Creator"),
        Asked("ann", "publish", "p", ability=True),
        "allowed",
        "nested_publish_needs_parent=on",
    ),
    (
        house(project("p", None, owner="ann"), role="Creator"),
        Asked("ann", "delete_top_level_project", "p", ability=True),
        "allowed",
        "owner_deletes_top_level=off",
    ),
    (
        house(project("p"), workbook("w", "p", owner="ann"), role="Creator"),
        Asked("ann", "file_save_menu", "w", ability=True),
        "allowed",
        "save_needs_publish=on",
    ),
    (
        house(project("p"), DASHBOARD, SOURCE),
        Asked("ann", "see_data", "w", ability=True),
        "allowed",
        "prompted_needs_view=on",
    ),
    (
        house(project("p", None, datasource=("group:g +Connect",)), DASHBOARD, replace(SOURCE, rules=frozenset())),
        Asked("ann", "see_data", "w", ability=True),
        "denied",
        "project_connect_is_for_workbooks=on",
    ),
    (
        house(
            project("p", None, mode="LockedToProject", datasource=("group:g +Connect", "group:g +Read")),
            replace(SOURCE, rules=frozenset()),
        ),
        Asked("ann", "see_data", "d", ability=True),
        "allowed",
        "project_connect_is_for_workbooks=on",
    ),
    (
        house(project("p"), workbook("w", "p", "user:ann +Read")),
        Asked("ann", "save_custom_view", "w", ability=True),
        "allowed",
        "custom_views_need_filter=on",
    ),
    (
        house(project("p", None, "user:ann +ProjectLeader"), workbook("w", "p"), role="Creator"),
        Asked("ann", "change_content_owner", "w", ability=True, to="bob"),
        "allowed",
        "leader_changes_owner=off",
    ),
    (
        house(
            project("p"), workbook("c", "p", "user:ann +Connect", kind="virtualconnection"), role="ExplorerCanPublish"
        ),
        Asked("ann", "Connect", "c"),
        "allowed",
        "publishing_explorer_uses_vcs=off",
    ),
    (
        house(project("p"), workbook("f", "p", kind="flow", owner="ann"), role="Creator"),
        Asked("ann", "change_content_owner", "f", ability=True, to="bob"),
        "allowed",
        "flow_owner_changes_owner=off",
    ),
    (
        house(project("p"), workbook("w", "p", owner="ann"), role="Creator").with_users(User("vic", "vic", "Viewer")),
        Asked("ann", "change_content_owner", "w", ability=True, to="vic"),
        "allowed",
        "explorers_own_content=off",
    ),
]


@pytest.mark.parametrize(("held", "asked", "documented", "other"), CASES, ids=[c[3] for c in CASES])
def test_the_documented_answer_stands_and_the_other_is_told(
    held: Site, asked: Asked, documented: str, other: str
) -> None:
    answer = with_disputes(lambda open_points: asked._replace(open_points=open_points).of(held))
    assert answer.verdict == documented
    name, _, value = other.partition("=")
    turned = {"allowed": "denied", "denied": "allowed"}[documented]
    assert [(d.open_point, d.value, d.verdict) for d in answer.disputed] == [(name, value, turned)]
    assert asked._replace(open_points=open_points_from([other])).of(held).verdict == turned
    (line,) = disputed_lines(held, answer)
    assert line.startswith(
        f"the sources do not settle this: with {name} {value} it is {'no' if turned == 'denied' else 'yes'}, "
    )


def test_an_answer_that_hangs_on_nothing_is_not_disputed() -> None:
    held = house(project("p"), workbook("w", "p", "group:g +Read"))
    assert with_disputes(lambda open_points: Asked("ann", "Read", "w", open_points=open_points).of(held)).disputed == ()


def of_everybody(held: Site) -> Iterator[Asked]:
    """Every question of a person, a content and a capability or ability."""
    for user, on in product(held.users, held.contents.values()):
        yield from (Asked(user, name, on.id) for name in capabilities_of(on.kind))
        yield from (Asked(user, name, on.id, ability=True) for name in of_kind(on.kind))


def turned_by(held: Site, question: Asked) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Which open points an Answer tells to turn it, and which do when every one of them is tried."""

    def under(points: OpenPoints) -> Answer:
        return question._replace(open_points=points).of(held)

    answer = with_disputes(under)
    every = [(name, under(points).verdict) for name, points in alternatives(DOCUMENTED)]
    disputed = [(other.open_point, str(other.verdict)) for other in answer.disputed]
    return disputed, [(name, verdict) for name, verdict in every if verdict != answer.verdict]


def test_no_open_point_that_would_turn_an_answer_is_passed_over() -> None:
    """Only those that an Answer looked at are tried; asked with each of them, no other turns it."""
    count, sites = 0, [*(case[0] for case in CASES), *(dense_site(seed, unread=0.2) for seed in range(2))]
    for held in sites:
        for question in of_everybody(held):
            disputed, expected = turned_by(held, question)
            assert disputed == expected, question
            count += bool(expected)
    assert count > 50


# -- those that bear on changes and names ---------------------------------------------------------------------


def test_an_item_moved_to_an_unlocked_project() -> None:
    held = house(project("p"), project("q", None, workbook=("group:k +Read",)), workbook("w", "p", "group:g +Read"))
    assert content.move(held, "w", "q").contents["w"].rules == rules("group:g +Read")
    other = content.move(held, "w", "q", open_points=open_points_from(["moved_item_keeps_rules=off"]))
    assert other.contents["w"].rules == rules("group:k +Read")


def test_republishing_over_rules_of_views() -> None:
    book = workbook("w", "p", "group:g +Read", tabs=False)
    held = house(project("p"), book, workbook("v", "w", "group:k +Read", kind="view"))
    assert content.overwrite(held, "w", "ann").contents["v"].rules == rules("group:k +Read")
    other = content.overwrite(held, "w", "ann", open_points=open_points_from(["republish_resets_view_rules=yes"]))
    assert other.contents["v"].rules == rules("group:g +Read")


def test_several_minimum_site_roles() -> None:
    groups = [
        group("g", "ann", minimum_site_role="Viewer", grant_on="onLogin"),
        group("k", "ann", minimum_site_role="Creator", grant_on="onLogin"),
    ]
    held = house(role="Unlicensed", groups=groups)
    lowest = open_points_from(["highest-minimum-wins=off"])
    assert people.floor(held, "ann") == "Creator"
    assert people.floor(held, "ann", open_points=lowest) == "Viewer"
    assert people.sign_in(held, "ann").site.users["ann"].site_role == "Creator"
    assert people.sign_in(held, "ann", open_points=lowest).site.users["ann"].site_role == "Viewer"
    assert not people.set_site_role(held, "ann", "Explorer").done
    assert people.set_site_role(held, "ann", "Explorer", open_points=lowest).done


def test_extract_refresh_and_ai_access() -> None:
    publish = without_optional("workbook", "Publish") | {"ExtractRefresh"}
    assert template_of("workbook", publish, frozenset()) == "Custom"
    named = open_points_from(["extract_refresh_template=Publish"])
    assert template_of("workbook", publish, frozenset(), named) == "Publish"
    assert template_of("workbook", frozenset({"Read", "ExtractRefresh"}), frozenset(), named) == "Custom"
    administer = open_points_from(["extract_refresh_template=Administer"])
    assert template_of("workbook", publish, frozenset(), administer) == "Custom"
    held = house(project("p"), workbook("w", "p", "user:ann +AskTheMachine"), workbook("f", "p", kind="flow"))
    told = open_points_from(["ai_access_name=AskTheMachine"])
    unknown, known = (may(held, "ann", "AskTheMachine", "w", open_points=s) for s in (DOCUMENTED, told))
    assert (unknown.ceiling, known.ceiling) == ("unknown", "yes")
    assert may(held, "ann", "AskTheMachine", "f", open_points=told).because == "not_applicable"


# -- the table and its words ----------------------------------------------------------------------------------


def test_every_switch_is_told_and_every_open_point_has_one() -> None:
    assert list(OPEN_POINTS) == [f.name for f in fields(OpenPoints)]
    numbered = {row.point for row in OPEN_POINTS.values() if row.point.isdigit()}
    assert numbered == {str(n) for n in range(1, 12)}
    turned = {other.partition("=")[0] for *_, other in CASES}
    bearing_on_questions = {name for name, _ in alternatives(DOCUMENTED)}
    assert turned == bearing_on_questions


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("colour=blue", "no open point is written `colour=blue`; give name=value, of ai_access_name, "),
        ("prompted_needs_view", "no open point is written `prompted_needs_view`"),
        ("prompted_needs_view=perhaps", "open point `prompted_needs_view` is `perhaps`; it is on or off"),
        ("owner_removal_code=4x", "open point `owner_removal_code` is `4x`; it takes six digits"),
        ("extract_refresh_template=Grand", "it takes View, Explore, Publish, Administer or nothing"),
    ],
)
def test_a_mistake_is_told(words: str, told: str) -> None:
    with pytest.raises(SettingsError) as caught:
        open_points_from([words, "also=wrong"])
    assert told in str(caught.value)
    assert "also=wrong" in str(caught.value)


def test_switches_come_from_words_and_yaml(tmp_path: Path) -> None:
    file = tmp_path / "points.yaml"
    file.write_text("prompted_needs_view: true\nowner_removal_code: 400003\nai_access_name:\n")
    found = read_open_points([str(file), "save-needs-publish=yes", "prompted_needs_view=off"])
    assert found == OpenPoints(owner_removal_code="400003", save_needs_publish=True)
    file.write_text("- a list\n")
    with pytest.raises(SettingsError, match="is a YAML file of"):
        read_open_points([str(file)])
    with pytest.raises(SettingsError, match="no file that can be read"):
        read_open_points(["nonsense"])


def test_why_shows_both_answers_and_takes_a_switch(tmp_path: Path) -> None:
    snapshot.save(house(project("p"), DASHBOARD, SOURCE), tmp_path)
    words = ["why", "ann", "ability:see_data", "p/w", "--snapshots", str(tmp_path)]
    done = command_line.run(*words)
    assert "ann can see data" in done.output
    assert "with prompted_needs_view on it is no" in " ".join(done.output.split())
    other = command_line.run(*words, "--open-point", "prompted_needs_view=on")
    assert "ann cannot see data" in other.output
    assert "with prompted_needs_view off it is yes" in " ".join(other.output.split())
