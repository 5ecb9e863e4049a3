"""One question, one answer: reference, engine and the command line's JSON, on every case and on random Sites."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from random import Random
from typing import Any

import pytest
from abilities_oracle import MORE, TABLE
from both_evaluators import OPEN_POINTS
from dense_sites import ASKED, UNREAD_SHARES, dense_site
from paths import CASES
from watchdog import patience

from tabwarden.access.answer import ALLOWED, DENIED
from tabwarden.access.question import Asked
from tabwarden.cases.file import load, site_of
from tabwarden.cases.running import run
from tabwarden.cases.ways import NOT_ALLOWED, WAYS, Opened, Said
from tabwarden.commands._typed import CommandLine, sayable
from tabwarden.engine.convert import columns_of
from tabwarden.engine.engine import Engine
from tabwarden.model.capability import applies, capabilities_of
from tabwarden.model.open_points import MODELS, OpenPoints
from tabwarden.model.site import Site
from tabwarden.store import snapshot

HERE = CASES
SHARED, DOCUMENTS = HERE / "tableau_cases.json", HERE / "documents.json"
PARTS = 8


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> CommandLine:
    return CommandLine(tmp_path_factory.mktemp("kept"))


# -- cases ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("part", range(PARTS))
def test_every_case_comes_out_in_every_way(part: int, line: CommandLine) -> None:
    ways = {**WAYS, **line.ways}
    cases = [case for path in (SHARED, DOCUMENTS) for case in load(path)][part::PARTS]
    asked: dict[str, int] = dict.fromkeys(ways, 0)
    for case in cases:
        verdict = run(case, ways)
        assert verdict.problems == (), case.id
        for name in verdict.ways:
            asked[name] += 1
        if case.kind == "capability":
            assert set(verdict.ways) >= {*WAYS, "what-json"}, case.id
        elif case.kind == "action":
            assert set(verdict.ways) == {"check", "why-json"}, case.id
    assert min(asked.values()) > len(cases) // 5, asked


def test_a_way_that_errs_fails_the_case_and_is_named() -> None:
    case = next(c for c in load(SHARED) if c.id == "ORD-002")
    ways = {
        "check": WAYS["check"],
        "who": lambda _, __: Said(NOT_ALLOWED),
        "why-json": lambda _, __: Said(ALLOWED, "admin"),
    }
    verdict = run(case, ways)
    assert verdict.problems == (
        "expected allow, found not allowed (model current; who)",
        "expected because user_allow, found admin (model current; why-json)",
    )
    assert verdict.ways == {"check": True, "who": False, "why-json": False}


def command(*words: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tabwarden", *map(str, words)],
        capture_output=True,
        text=True,
        check=False,
        timeout=patience(60),
    )


def test_the_command_tells_each_way(tmp_path: Path) -> None:
    some = [case.raw for case in load(SHARED) if case.id in ("ORD-002", "GSET-009", "DATA-002", "LOCK-027", "PROV-001")]
    file = tmp_path / "some.json"
    file.write_text(json.dumps(some))
    done = command("cases", file, "--api", "all")
    assert done.stderr == ""
    assert done.stdout.splitlines() == [
        "check: 4 of 4",
        *(f"{name}: 3 of 3" for name in ("engine", "many", "who", "what", "ids", "matrix", "mirror")),
        "why-json: 4 of 4",
        "who-json: 3 of 3",
        "what-json: 3 of 3",
        "reach-json: 3 of 3",
        "5 passed, 0 failed",
    ]
    some[0]["expected"] = "deny"
    file.write_text(json.dumps(some))
    done = command("cases", file, "--api", "who-json", "--api", "mirror", "--json")
    assert done.returncode == 1
    told = json.loads(done.stdout)
    assert next(t["ways"] for t in told) == {"mirror": False, "who-json": False}
    assert sum(t["passed"] for t in told) == 4
    strange = command("cases", file, "--api", "telepathy")
    assert strange.returncode == 1
    assert strange.stderr.startswith(
        "tabwarden: no way to ask is called `telepathy`; ways are all, check, engine, many"
    )


@pytest.mark.parametrize("case_id", ["ORD-016", "WEB-011", "OWN-039"])
def test_the_same_as_a_process(case_id: str, tmp_path: Path) -> None:
    case = next(c for c in load(SHARED) if c.id == case_id)
    question, site = case.raw["question"], site_of(case.raw["setup"])
    kept = ("--snapshot", snapshot.save(site, tmp_path), "--json")
    asked = question.get("capability") or f"ability:{question['action']}"
    answer = json.loads(command("why", question["user"], asked, question["object"], *kept).stdout)
    assert (answer["verdict"] == "allowed") == (case.raw["expected"] == "allow")
    if "capability" in question:
        assert answer["because"] == case.raw["because"]
        people = json.loads(command("who", asked, question["object"], *kept).stdout)["people"]
        assert (question["user"] in {p["user"]["name"] for p in people}) == (case.raw["expected"] == "allow")


# -- random Sites ---------------------------------------------------------------------------------------------


def universe(seed: int) -> tuple[Site, str, OpenPoints, tuple[str, ...]]:
    """A small Site with dense rules, a model, open points and some capabilities to ask about."""
    site = dense_site(seed, unread=UNREAD_SHARES[seed % len(UNREAD_SHARES)], users=5, items=7)
    dice = Random(seed)
    points = OPEN_POINTS[seed // 3 % 4]
    names = Engine(columns_of(site), open_points=points).capabilities  # a name that no rule uses the engine refuses
    return site, MODELS[seed % 3], points, ("Read", *dice.sample([a for a in ASKED if a != "Read" and a in names], 3))


def under(model: str, open_points: OpenPoints) -> list[str]:
    fields = {name: getattr(open_points, name) for name in OpenPoints.__slots__}
    turned = (f"{name}={value}" for name, value in fields.items() if value != getattr(OpenPoints(), name))
    return ["--model", model, *(word for one in turned for word in ("--open-point", one))]


def told_by_who(line: CommandLine, site: Site, words: list[str], capability: str) -> Iterator[tuple[Any, Said]]:
    for content in site.contents:
        if not sayable(site, Asked("", capability, content, model=words[1])):
            continue  # `SaveAs` of a workbook is another capability in words, and no rule says a name nobody knows
        if applies(capability, site.contents[content].kind, words[1]) is False:
            continue  # where nobody can have it, `who` says so, and of a project tells of what is in it
        for one in line.typed(site, "who", capability, content, "--all", *words)["people"]:
            yield (one["user"]["id"], content, capability), Said(one["verdict"], one["because"])


def told_by_what(line: CommandLine, site: Site, words: list[str], user: str) -> Iterator[tuple[Any, Said]]:
    for content in site.contents:
        for one in line.typed(site, "what", user, content, *words):
            yield (user, content, one["capability"]), Said(one["verdict"], one["because"])


@pytest.mark.parametrize("seed", range(9))
def test_check_who_what_matrix_and_the_command_line_agree(seed: int, line: CommandLine) -> None:
    site, model, open_points, capabilities = universe(seed)
    opened, words = Opened(site), under(model, open_points)
    expected: dict[tuple[str, str, str], Said] = {}
    for user, content, capability in product(site.users, site.contents, capabilities):
        put = Asked(user, capability, content, model=model, open_points=open_points)
        said = WAYS["check"](opened, put)
        assert said is not None
        expected[user, content, capability] = said
    dice = Random(seed)
    for user, content, capability in dice.sample(sorted(expected), 60):
        put, said = (
            Asked(user, capability, content, model=model, open_points=open_points),
            expected[user, content, capability],
        )
        for name, way in WAYS.items():
            found = way(opened, put)
            assert found is not None
            same = (
                said.verdict in (DENIED, "unknown") if found.verdict == NOT_ALLOWED else found.verdict == said.verdict
            )
            assert same, (name, put, said)
            assert found.because in (None, said.because), (name, put)
    compared = 0
    for capability in capabilities:
        for key, found in told_by_who(line, site, words, capability):
            assert found == expected[key], ("who --json", key)
            compared += 1
    for user in dice.sample(list(site.users), 1):
        for key, found in told_by_what(line, site, words, user):
            compared += key in expected
            assert found == expected.get(key, found), ("what --json", key)
        reach = {c["id"]: c["allowed"] for c in line.typed(site, "what", user, *words)["contents"]}
        assert set(reach) == {c for c in site.contents if expected[user, c, "Read"].verdict == ALLOWED}
        for content, allowed in reach.items():
            known = capabilities_of(site.contents[content].kind)
            for capability in (c for c in capabilities if c in known):
                assert (capability in allowed) == (expected[user, content, capability].verdict == ALLOWED)
    for user, content, capability in dice.sample(sorted(expected), 12):
        put = Asked(user, capability, content, model=model, open_points=open_points)
        assert line.ways["why-json"](opened, put) in (None, expected[user, content, capability])
    assert compared > len(expected) / 4


@pytest.mark.parametrize("seed", range(5))
def test_abilities_agree_with_what_why_prints(seed: int, line: CommandLine) -> None:
    site, model, open_points, _ = universe(seed)
    opened, dice = Opened(site), Random(seed)
    for action in sorted(TABLE | MORE):
        user, content = dice.choice(sorted(site.users)), dice.choice(sorted(site.contents))
        projects = [c.id for c in site.contents.values() if c.kind == "project"]
        target, to = dice.choice([None, *projects]), dice.choice([None, *sorted(site.users)])
        put = Asked(user, action, content, True, target, to, model, open_points)
        assert line.ways["why-json"](opened, put) == WAYS["check"](opened, put), put
        assert all(way(opened, put) is None for name, way in WAYS.items() if name != "check")


def test_what_lists_every_capability_of_the_kind(line: CommandLine) -> None:
    site, model, open_points, _ = universe(3)
    for content, user in zip(site.contents.values(), site.users, strict=False):
        told = line.typed(site, "what", user, content.id, *under(model, open_points))
        assert [one["capability"] for one in told][: len(capabilities_of(content.kind))] == list(
            capabilities_of(content.kind)
        )
