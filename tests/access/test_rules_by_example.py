"""The page that tells every rule with an example: the examples are run, and the rules and open points are all there."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from paths import ROOT

from tabwarden.access.abilities.ability import ACTIONS
from tabwarden.access.reference import PRECEDENCE
from tabwarden.cases.file import load
from tabwarden.cases.running import run
from tabwarden.cases.ways import WAYS
from tabwarden.commands._typed import CommandLine
from tabwarden.model.capability import KINDS, kind_named
from tabwarden.model.open_points import DOCUMENTED, OPEN_POINTS

PAGE = ROOT / "docs" / "explanation" / "rules-by-example.md"
TEXT = PAGE.read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^### (.+?)\n(?:(?!^#).)*?```json\n(.*?)```", TEXT, re.MULTILINE | re.DOTALL)


def test_every_rule_has_its_example() -> None:
    headings = re.findall(r"^### (.+)$", TEXT, re.MULTILINE)
    assert [title for title, _ in EXAMPLES] == headings
    assert len(headings) >= 60
    ids = [json.loads(block)["id"] for _, block in EXAMPLES]
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize(("title", "block"), EXAMPLES, ids=[title for title, _ in EXAMPLES])
def test_an_example_comes_out_as_written(title: str, block: str, tmp_path: Path) -> None:
    file = tmp_path / "example.json"
    file.write_text(f"[{block}]", encoding="utf-8")
    (case,) = load(file)
    verdict = run(case)
    assert verdict.problems == (), title
    if "because" in case.raw and verdict.answer is not None:
        assert verdict.answer.because == case.raw["because"], title


def test_the_examples_reach_every_ability_and_kind() -> None:
    told = [json.loads(block) for _, block in EXAMPLES]
    assert {case["question"].get("action") for case in told} >= set(ACTIONS)
    kinds = {kind_named(held["type"]) for case in told for held in case["setup"].get("content", {}).values()}
    assert kinds >= {*KINDS} - {"project", "metric", "lens"}


def test_every_example_comes_out_in_every_way(tmp_path: Path) -> None:
    file = tmp_path / "examples.json"
    file.write_text(f"[{','.join(block for _, block in EXAMPLES)}]", encoding="utf-8")
    ways = {**WAYS, **CommandLine(tmp_path).ways}
    assert [v.problems for case in load(file) if not (v := run(case, ways)).passed] == []


def test_the_surprises_are_all_there_and_each_leads_to_its_example() -> None:
    section = TEXT[TEXT.index("## What surprises") : TEXT.index("## Open points")]
    listed = re.findall(r"^(\d+)\. .+: \[(.+)\]\(#(.+)\)$", section, re.MULTILINE)
    assert [int(number) for number, *_ in listed] == list(range(1, 29))
    titles = [title for title, _ in EXAMPLES]
    for _, title, anchor in listed:
        assert title in titles
        assert anchor == re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


def test_the_examples_reach_every_reason_of_the_order() -> None:
    reasons = {json.loads(block).get("because") for _, block in EXAMPLES}
    ordered = {because for *_, because in PRECEDENCE}
    gates = {"not_applicable", "site_setting", "site_role", "admin", "project_owner", "project_leader", "content_owner"}
    assert reasons >= ordered | gates | {"locked_project", "tabs_shown", "default_deny", "deny_rule", "missing_connect"}


def test_every_switch_stands_in_the_table_with_its_default() -> None:
    for name, open_point in OPEN_POINTS.items():
        value = getattr(DOCUMENTED, name)
        default = (value or "none") if isinstance(value, str) else ("on" if value else "off")
        assert f"| `{name}` | {open_point.point} | {default} | {open_point.on} |" in TEXT
