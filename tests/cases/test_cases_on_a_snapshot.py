"""Case files put to a Site that was read: names as people write them, steps as what-if, mistakes told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from small_site import group, project, site, workbook

from support import command_line
from tabwarden.cases.file import load
from tabwarden.cases.running import run
from tabwarden.cases.snapshot import run_on
from tabwarden.cases.ways import Opened
from tabwarden.model.site import Site, Use
from tabwarden.store import snapshot

ALLOW, DENY = "allow", "deny"


def house() -> Site:
    return site(
        project("Finance", None, "user:ann +Write"),
        workbook("Budget", "Finance", "group:Staff +Read", uses=(Use("Orders", "prompt"),)),
        workbook("Orders", "Finance", "group:Staff +Connect", kind="datasource"),
        users=["ann:Creator", "joe:Viewer"],
        groups=[group("Staff", "ann")],
    )


def write(folder: Path, *cases: dict[str, Any]) -> Path:
    file = folder / "questions.json"
    file.write_text(json.dumps(list(cases)))
    return file


def asked(user: str, expected: str, **question: Any) -> dict[str, Any]:
    more = {k: question.pop(k) for k in ("because", "model", "open_points") if k in question}
    return {"question": {"user": user, **question}, "expected": expected, **more}


CASES = [
    asked("ann", ALLOW, capability="View", object="Finance/Budget", because="group_allow"),
    asked("JOE", DENY, capability="Read", object="workbook:Finance/Budget", because="default_deny"),
    asked("joe", ALLOW, capability="View", object="content:Finance/Budget", steps=["add joe to Staff"]),
    asked("ann", ALLOW, action="publish", object="Finance"),
    asked("ann", DENY, action="move", object="Finance/Budget", target="Finance"),
    asked("bob", ALLOW, action="change_content_owner", object="Finance/Budget", to="ann"),
    asked("ann", ALLOW, action="see_data", object="Finance/Budget"),
    asked("ann", DENY, action="see_data", object="Finance/Budget", open_points={"prompted_needs_view": True}),
    asked("ann", ALLOW, capability="View", object="Finance/Budget", model="both"),
    asked("ann", ALLOW, action="see_site_role", to="ann"),
]


@pytest.mark.parametrize("number", range(len(CASES)))
def test_a_question_needs_no_setup(number: int, tmp_path: Path) -> None:
    (case,) = load(write(tmp_path, CASES[number]), of_snapshot=True)
    assert case.id == "case 1"
    assert run_on(Opened(house()), case).problems == ()


@pytest.mark.parametrize(
    ("case", "told"),
    [
        (
            asked("ann", DENY, capability="View", object="Finance/Budget"),
            "expected deny, found allowed because group_allow",
        ),
        (asked("zoe", DENY, capability="View", object="Finance/Budget"), "no user `zoe`"),
        (asked("ann", DENY, capability="View", object="Nowhere"), "no content `Nowhere`"),
        (asked("ann", DENY, capability="View"), "`question` lacks `object`"),
        (asked("ann", DENY, capability="Fly", object="Finance"), "no capability is called `Fly`"),
        (asked("ann", DENY, action="fly", object="Finance"), "`question.action` is `fly`, which is none of"),
        (
            asked("ann", ALLOW, capability="View", object="Finance/Budget", steps=[{"op": "lock"}]),
            "`question.steps[0]` is an object; it is to be text",
        ),
        (
            asked("ann", ALLOW, capability="View", object="Finance/Budget", steps=["add ann to Staff"]),
            "Tableau would refuse `add ann to Staff` (already_member)",
        ),
        (
            asked("ann", ALLOW, capability="View", object="Finance", open_points={"x": 1}),
            "no open point is written `x=1`",
        ),
        (
            {"kind": "provisioning", "question": {"event": "import", "user": "ann"}, "expected": ALLOW},
            "an event is not",
        ),
    ],
)
def test_what_is_wrong_is_told(case: dict[str, Any], told: str, tmp_path: Path) -> None:
    (loaded,) = load(write(tmp_path, case), of_snapshot=True)
    (problem,) = run_on(Opened(house()), loaded).problems
    assert told in problem


def test_a_case_may_set_switches_for_its_own_site_too(tmp_path: Path) -> None:
    raw = {
        "id": "x",
        "kind": "capability",
        "setup": {
            "users": {"ann": {"role": "Viewer"}},
            "groups": {"g": ["ann"]},
            "group_sets": {"s": ["g"]},
            "projects": {"P": {}},
            "content": {
                "W": {
                    "type": "workbook",
                    "project": "P",
                    "rules": [
                        {"grantee": "group:g", "capability": "Read", "mode": "Allow"},
                        {"grantee": "groupset:s", "capability": "Read", "mode": "Deny"},
                    ],
                }
            },
        },
        "question": {"user": "ann", "capability": "Read", "object": "content:W"},
        "expected": DENY,
        "because": "groupset_deny",
        "open_points": {"group_set_deny_is_final": "on"},
    }
    assert run(load(write(tmp_path, raw))[0]).problems == ()


def test_the_command(tmp_path: Path) -> None:
    snapshot.save(house(), tmp_path / "kept")
    file = write(tmp_path, *CASES, asked("joe", ALLOW, capability="View", object="Finance/Budget"))

    def typed(*words: str) -> Any:
        return command_line.run("cases", file, *words)

    done = typed("--newest", "--snapshots", str(tmp_path / "kept"))
    assert done.exit_code == 1
    assert done.output.endswith(f"{len(CASES)} passed, 1 failed\n")
    assert "FAILED case 11" in done.output
    assert "joe does not have `View` on Finance/Budget" in done.output
    (folder,) = [p for p in (tmp_path / "kept").iterdir() if p.is_dir()]
    assert typed("--snapshot", str(folder)).output == done.output
    assert typed().exit_code == 1, "without a snapshot a case needs its own site"
