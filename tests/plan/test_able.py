"""Who is able on many contents: of people who are alike one is asked, and everybody's answer is the reference's."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from random import Random
from typing import Any

import numpy as np
import pytest
from dense_sites import dense_site
from patched_modules import Patch, in_place, planted

from tabwarden.access.abilities import question
from tabwarden.access.abilities.ability import ACTIONS, can
from tabwarden.access.answer import ALLOWED, UNKNOWN, Answer
from tabwarden.access.reference import may
from tabwarden.engine.convert import columns_of
from tabwarden.engine.engine import Engine
from tabwarden.model.errors import Disagreement
from tabwarden.model.site import Site, Use
from tabwarden.plan.able import Able

SEEDS = range(30)
HANDED_TO = ("change_project_owner", "assign_project_owner", "change_content_owner")  # somebody, who has to be named


def equals_the_reference(seeds: range) -> int:
    """How many pairs are able."""
    number = 0
    for seed in seeds:
        random = Random(seed)
        now = many_alike(seed, random)
        users, contents = list(now.users), list(now.contents)
        chosen = np.asarray(sorted(random.sample(range(len(users)), 16)))
        some = np.asarray(sorted(random.sample(range(len(contents)), min(5, len(contents)))))
        able = Able(now, Engine(columns_of(now)))
        for ability in random.sample(sorted({*ACTIONS} - {*HANDED_TO}), 8):
            among, others = (able.among(ability, some, chosen, owners=owners) for owners in (True, False))
            answers = {(u, c): can(now, users[u], ability, contents[c]) for u in chosen for c in some}
            pairs = {(u, c) for c, who in among.by_content() for u in who.tolist()}
            assert pairs == {pair for pair, answer in answers.items() if answer.verdict == ALLOWED}, (seed, ability)
            assert among.count == len(pairs)
            assert others.count == sum(users[u] != owner_of(now, contents[c]) for u, c in pairs), (seed, ability)
            assert among.unknown() == sum(answer.verdict == UNKNOWN for answer in answers.values()), (seed, ability)
            assert among.places().keys() == {u for u, _ in pairs}
            number += len(pairs)
    return number


def many_alike(seed: int, random: Random) -> Site:
    """A small site of chance with few site roles, whose workbooks stand on published sources."""
    now = dense_site(seed, unread=random.choice((0.0, 0.0, 0.1)), users=24, items=9)
    roles = [random.choice(("Creator", "ExplorerCanPublish")) for _ in now.users]
    now = now.with_users(*(replace(u, site_role=r) for u, r in zip(now.users.values(), roles, strict=True)))
    sources = [c.id for c in now.contents.values() if c.kind == "datasource"]
    workbooks = [c for c in now.contents.values() if c.kind == "workbook" and sources]
    return now.with_contents(*(replace(one, uses=(Use(random.choice(sources), "prompt"),)) for one in workbooks))


def owner_of(now: Site, content: str) -> str:
    thing = now.contents[content]
    return (now.contents.get(thing.parent or "", thing) if thing.kind == "view" else thing).owner


@pytest.mark.parametrize("few", [0, 10_000], ids=["by people who are alike", "each alone"])
def test_everybody_has_the_answer_of_the_reference(few: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tabwarden.plan.able.FEW", few)
    assert equals_the_reference(SEEDS) > 1_000


def test_the_reference_is_asked_once_of_a_person_and_a_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many contents could go there: a project takes something of her, or does not, whatever it is."""
    calls: Counter[tuple[object, ...]] = Counter()

    def counting(now: Site, *key: str, **more: Any) -> Answer:
        calls[key] += 1
        return may(now, *key, **more)

    monkeypatch.setattr(question, "may", counting)
    now = many_alike(3, Random(3))
    able = Able(now, Engine(columns_of(now)))
    for ability in ("move", "web_save_as"):
        able.among(ability, np.arange(len(now.contents)), np.arange(len(now.users)))
    assert calls
    assert set(calls.values()) == {1}


@pytest.mark.parametrize("bug", [pytest.param(bug, id=bug.name) for bug in planted("able")])
def test_a_planted_bug_of_abilities_is_seen(bug: Patch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tabwarden.plan.able.FEW", 50)  # of 80, so that what is asked at random tells some too
    with in_place(bug), pytest.raises((AssertionError, Disagreement)):
        equals_the_reference(range(60))
