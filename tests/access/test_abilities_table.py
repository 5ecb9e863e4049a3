"""Abilities against a second opinion: every action, its conditions one by one, on small random Sites."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from random import Random

import pytest
from abilities_oracle import MORE, TABLE, Asked, Said, conditions, summed
from dense_sites import dense_site
from small_site import project, site, workbook

from tabwarden.access.abilities.ability import ACTIONS, can
from tabwarden.access.answer import Answer
from tabwarden.model.errors import UnknownName
from tabwarden.model.open_points import MODELS, OpenPoints
from tabwarden.model.site import Site, Use

OPEN_POINTS = (
    OpenPoints(),
    OpenPoints(),
    OpenPoints(nested_publish_needs_parent=True, owner_deletes_top_level=False, save_needs_publish=True),
    OpenPoints(prompted_needs_view=True, custom_views_need_filter=True, leader_changes_owner=False),
    OpenPoints(project_connect_is_for_workbooks=True, flow_owner_changes_owner=False, explorers_own_content=False),
)
SITES, ASKED = 30, 30


def sites() -> Iterator[tuple[int, Site]]:
    """Small Sites whose workbooks use data sources, some of them not read, and one project is Default."""
    for seed in range(SITES):
        dice = Random(seed)
        held = dense_site(seed, unread=(0.0, 0.0, 0.1)[seed % 3], items=14)
        sources = [c.id for c in held.contents.values() if c.kind == "datasource"] + ["lost"]
        changed = []
        for content in held.contents.values():
            uses = tuple(Use(dice.choice(sources), dice.choice(("embed", "prompt"))) for _ in range(dice.randint(0, 2)))
            changed.append(replace(content, uses=uses) if content.kind == "workbook" else content)
            if content.id == "p0":
                changed.append(replace(content, name="Default"))
        names = ("subscriptions", "subscribe_others", "data_alerts", "personal_space")
        switched = {name: dice.random() < 0.8 for name in names}
        limited = replace(held.settings, user_visibility="LIMITED" if seed % 2 else "FULL", **switched)
        yield seed, replace(held, settings=limited).with_contents(*changed)


def questions(seed: int, held: Site) -> Iterator[Asked]:
    dice = Random(seed)
    users, contents = list(held.users), list(held.contents)
    projects = [c.id for c in held.contents.values() if c.kind == "project"]
    for _ in range(ASKED):
        user = dice.choice(users)
        content, to = dice.choice(contents), dice.choice([None, user, *users])
        target = dice.choice([None, "lost", "Personal Space", "top level", *projects, *projects])
        # Who owns what is asked about makes more of the conditions matter.
        user = held.contents[content].owner if dice.random() < 0.3 and held.contents[content].owner in users else user
        yield Asked(held, user, "", content, target, to, dice.choice(MODELS), OPEN_POINTS[seed % len(OPEN_POINTS)])


def said(answer: Answer) -> Said:
    facts = [step.detail[0] for step in answer.steps if step.name == "condition"]
    for step in answer.steps:
        assert step.name != "condition" or step.result == ("yes" if answer.allowed else "no")
    return Said(answer.verdict, answer.because, facts[0] if facts else "", answer.at)


def answered(asked: Asked) -> Answer:
    told = {"target": asked.target, "to": asked.to, "model": asked.model, "open_points": asked.open_points}
    return can(asked.site, asked.user, asked.action, asked.content, **told)  # type: ignore[arg-type]


def test_every_action_has_its_line() -> None:
    assert ACTIONS.keys() == TABLE.keys() | MORE.keys()


def test_conditions_are_those_of_the_second_opinion() -> None:
    verdicts: dict[str, set[str]] = {action: set() for action in ACTIONS}
    for seed, held in sites():
        for question in questions(seed, held):
            for action in ACTIONS:
                asked = question._replace(action=action)
                where = (seed, *asked[1:])
                answer, expected = answered(asked), conditions(asked)
                assert [said(condition) for condition in answer.conditions] == expected, where
                assert (answer.verdict, answer.because) == summed(expected), where
                assert (answer.what, answer.content, answer.user) == (action, asked.content, asked.user)
                decisive = [c for c in answer.conditions if c.because == answer.because]
                assert answer.deciding == (decisive[0] if decisive else answer.conditions[-1]).deciding
                verdicts[action].add(answer.verdict)
    one_sided = {action for action, found in verdicts.items() if not {"allowed", "denied"} <= found}
    assert one_sided <= {"edit_comment"}


def test_an_action_nobody_knows_and_one_without_content() -> None:
    held = site(project("p"), workbook("w", "p"), users=["ann:Creator"])
    with pytest.raises(UnknownName, match="is called `fly`; actions are assign_project_owner, change_content"):
        can(held, "ann", "fly", "w")
    with pytest.raises(UnknownName, match="`publish` needs a content to be asked about"):
        can(held, "ann", "publish")
    assert can(held, "adm", "publish", target="p").allowed
    assert can(held, "adm", "create_nested_project", target="p").allowed
    assert not can(held, "ann", "create_nested_project", "p", target="w").allowed
    assert can(held, "adm", "create_top_level_project").because == "admin"


def test_a_guest_needs_view_on_the_source_of_an_extract() -> None:
    """Whether a source is an extract is not among the facts."""
    for rule, expected in (("user:ann +Read", ("allowed", "embedded_credentials")), ("", ("unknown", "guest_extract"))):
        held = site(
            project("p"),
            workbook("d", "p", *([rule] if rule else ()), kind="datasource"),
            workbook("w", "p", "user:ann +Read", uses=(Use("d", "embed"),)),
            users=["ann:Guest"],
        )
        answer = can(held, "ann", "see_data", "w")
        assert (answer.verdict, answer.because) == expected
        assert held.users["ann"].site_role == "Guest"


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ("+Connect", ("denied", "default_deny")),
        ("+Read", ("denied", "missing_connect")),
        ("+Read +Connect", ("allowed", "user_allow")),
    ],
)
def test_prompted_credentials_may_ask_for_view_too(rules: str, expected: tuple[str, str]) -> None:
    held = site(
        project("p"),
        workbook("d", "p", *(f"user:ann {rule}" for rule in rules.split()), kind="datasource"),
        workbook("w", "p", "user:ann +Read", uses=(Use("d", "prompt"),)),
        users=["ann:Viewer"],
    )
    answer = can(held, "ann", "see_data", "w", open_points=OpenPoints(prompted_needs_view=True))
    assert (answer.verdict, answer.because) == expected
