"""Case files: the documented cases pass, a wrong one is told with its trace, a malformed one with its place."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from paths import CASES
from watchdog import patience

from tabwarden.cases.events import GONE, LEFT, MEMBER, directory_says
from tabwarden.cases.file import Case, content_id, load, site_of
from tabwarden.cases.running import run
from tabwarden.model.errors import WorldError

HERE = CASES
SHARED, DOCUMENTS, EDGES = HERE / "tableau_cases.json", HERE / "documents.json", HERE / "edges.json"
TOPICS = "ORD ROLE OWN LOCK VIEW DATA WEB MOVE GSET SPEC TPL CLAS PROV".split()


def cases(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tabwarden", "cases", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        timeout=patience(60),
    )


def of_file(path: Path) -> list[Any]:
    return [pytest.param(case, id=case.id) for case in load(path)]


@pytest.mark.parametrize("case", [*of_file(SHARED), *of_file(DOCUMENTS), *of_file(EDGES)])
def test_documented_outcome(case: Case) -> None:
    assert run(case).problems == ()


def test_the_cases_reach_every_topic_kind_model_action_event_and_step() -> None:
    raw = [case.raw for path in (SHARED, DOCUMENTS) for case in load(path)]
    own = [case.raw for case in load(DOCUMENTS)]
    assert len(load(SHARED)) == 188
    assert len(own) >= 150
    assert len({case["id"] for case in raw}) == len(raw)
    assert {case["id"].split("-")[1] for case in own} == set(TOPICS)
    assert {case["kind"] for case in own} == {"capability", "action", "sequence", "provisioning"}
    assert {case["model"] for case in own} == {"current", "both", "classic", "deny_first"}
    assert all(case["source"] and case["because"] for case in own)
    questions = [case["question"] for case in raw]
    assert {q["action"] for q in questions if "action" in q} >= set(
        "publish publish_new_datasource_external download see_data web_edit web_save_as web_overwrite file_save_menu "
        "move create_top_level_project create_nested_project delete_top_level_project delete_nested_project "
        "change_project_owner assign_project_owner change_content_owner set_project_leader "
        "set_content_permissions_mode set_permissions set_project_rules set_view_rules create_metric".split()
    )
    assert {q["event"] for q in questions if "event" in q} == set(
        "sign_in import set_site_role remove_user delete_from_server directory_sync group_sync add_user "
        "assign_owner".split()
    )
    assert {s["op"] for q in questions for s in q.get("steps", ())} == set(
        "set_mode show_tabs hide_tabs add_rule remove_rule publish create_project move overwrite change_owner set_role "
        "remove_leader assign_to_contents".split()
    )


def test_both_files_as_a_process_end_with_the_count_and_zero() -> None:
    done = cases(SHARED, DOCUMENTS)
    total = len(load(SHARED)) + len(load(DOCUMENTS))
    assert done.stdout == f"{total} passed, 0 failed\n"
    assert (done.returncode, done.stderr) == (0, "")


def one(path: Path, case_id: str) -> dict[str, Any]:
    return copy.deepcopy(dict(next(case.raw for case in load(path) if case.id == case_id)))


def test_a_wrong_case_is_printed_with_its_trace_and_exit_code_1(tmp_path: Path) -> None:
    good, bad, reason = one(SHARED, "ORD-002"), one(SHARED, "ORD-007"), one(SHARED, "ORD-005")
    bad["expected"] = "allow"
    reason["because"] = "user_deny"
    file = tmp_path / "some.json"
    file.write_text(json.dumps([good, bad, reason]))
    done = cases(file)
    assert done.returncode == 1
    assert done.stdout.endswith("1 passed, 2 failed\n")
    assert "FAILED ORD-007" in done.stdout
    assert "expected allow, found denied because group_deny (model current)" in done.stdout
    assert "on P/W: a rule denies it to group H." in done.stdout
    trace = done.stdout[done.stdout.index("on P/W: a rule") : done.stdout.index("FAILED ORD-005")]
    steps = [line.split()[0] for line in trace.splitlines()[1:] if line.strip()]
    assert steps == ["ceiling", "override", "level", "decides", "lost"]
    assert "expected because user_deny, found group_deny" in done.stdout
    assert "FAILED ORD-002" not in done.stdout


def test_json_has_every_answer(tmp_path: Path) -> None:
    file = tmp_path / "some.json"
    file.write_text(json.dumps([one(SHARED, "ORD-002"), one(SHARED, "PROV-001")]))
    done = cases(file, "--json")
    told = json.loads(done.stdout)
    assert [(t["id"], t["passed"]) for t in told] == [("ORD-002", True), ("PROV-001", True)]
    assert told[0]["answer"]["verdict"] == "allowed"
    assert told[1]["answer"] is None


def test_a_wrong_result_of_provisioning_fails_though_the_event_was_done() -> None:
    raw = one(SHARED, "PROV-001")
    raw["result"] = {"site_role": "Creator", "removed": False, "shoe_size": 44}
    problems = run(Case("x", "provisioning", "current", raw)).problems
    assert problems[0] == "expected site_role 'Creator', found 'Explorer'"
    assert problems[1].startswith("no fact is called `shoe_size`; facts here are can_sign_in, error, exists")
    assert len(problems) == 2


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[{]", "is not JSON"),
        ('{"id": 1}\n{"id"', "(line 2)"),
        ("[1]", "case 1: a case is a JSON object"),
        ('[{"id": "a", "kind": "action"}]', "case 1: `setup, question, expected` is missing"),
        (
            '[{"id": "a", "kind": "deed", "setup": {}, "question": {}, "expected": "allow"}]',
            "case 1 (`a`): kind `deed` is none of capability, action, sequence, provisioning",
        ),
        (
            '[{"id": "a", "kind": "action", "setup": {}, "question": {}, "expected": true}]',
            "expected `True` is neither allow nor deny",
        ),
        (
            '[{"id": "a", "kind": "action", "setup": [], "question": {}, "expected": "allow"}]',
            "case 1 (`a`): `setup` is a JSON object",
        ),
        (
            '[{"id": "a", "kind": "action", "model": "new", "setup": {}, "question": {}, "expected": "deny"}]',
            "model `new` is none of current, classic, deny_first, both",
        ),
    ],
)
def test_a_malformed_file_names_its_place(tmp_path: Path, text: str, told: str) -> None:
    file = tmp_path / "bad.json"
    file.write_text(text)
    with pytest.raises(WorldError) as caught:
        load(file)
    assert told in str(caught.value)
    assert str(file) in str(caught.value)


def test_a_malformed_or_missing_file_ends_the_process_with_one_line_and_1(tmp_path: Path) -> None:
    file = tmp_path / "bad.json"
    file.write_text("[{]")
    for path, told in ((file, "is not JSON"), (tmp_path / "none.json", "cannot be read")):
        done = cases(path)
        assert done.returncode == 1
        assert done.stderr.startswith("tabwarden: ")
        assert told in done.stderr
        assert "Traceback" not in done.stderr + done.stdout


def changed(raw: dict[str, Any], *path: Any, to: Any = None) -> dict[str, Any]:
    here = raw
    for step in path[:-1]:
        here = here[step]
    if to is None:
        del here[path[-1]]
    else:
        here[path[-1]] = to
    return raw


@pytest.mark.parametrize(
    ("case_id", "path", "to", "told"),
    [
        ("ORD-002", ("setup", "users", "ann", "role"), None, "`role` is missing or names nothing"),
        ("ORD-002", ("question", "user"), "nobody", "`nobody` is missing or names nothing"),
        ("ORD-002", ("question", "object"), "content:None", "`content:None` is missing or names nothing"),
        ("ORD-002", ("setup", "users"), ["ann"], "`users` of the setup is an object of names"),
        ("ORD-002", ("setup", "content", "W", "rules", 0, "mode"), None, "`mode` is missing or names nothing"),
        ("MOVE-004", ("question", "action"), "fly", "no action is called `fly`; actions are assign_project_owner"),
        ("MOVE-004", ("question", "object"), None, "cannot be run"),
        ("VIEW-010", ("question", "steps", 0, "op"), "burn", "no step is called `burn`; steps are add_rule"),
        ("VIEW-010", ("question", "steps", 0, "workbook"), "Z", "`content:Z` is missing or names nothing"),
        ("WEB-003", ("setup", "site"), {"web_editing": False}, "no site setting is called `web_editing`"),
    ],
)
def test_a_case_with_a_mistake_fails_and_says_which(case_id: str, path: tuple[Any, ...], to: Any, told: str) -> None:
    raw = changed(one(SHARED, case_id), *path, to=to)
    problems = run(Case(case_id, raw["kind"], "current", raw)).problems
    assert len(problems) == 1
    assert told in problems[0]


def test_an_unknown_event_is_named() -> None:
    raw = changed(one(SHARED, "PROV-001"), "question", "event", to="promote")
    (problem,) = run(Case("x", "provisioning", "current", raw)).problems
    assert problem.startswith("the case cannot be run: no event is called `promote`; events are add_user")


def test_one_broken_case_does_not_stop_the_others(tmp_path: Path) -> None:
    broken = changed(one(SHARED, "MOVE-004"), "question", "action", to="fly")
    file = tmp_path / "lines.json"
    file.write_text("\n".join(json.dumps(c) for c in (broken, one(SHARED, "ORD-002"))))
    done = cases(file)
    assert done.stdout.endswith("1 passed, 1 failed\n")
    assert done.returncode == 1


def test_a_project_and_a_workbook_may_share_a_name() -> None:
    site = site_of(
        {
            "users": {"bob": {"role": "Creator"}},
            "projects": {"D": {"owner": "bob"}},
            "content": {"D": {"type": "Data Source", "project": "D", "owner": "bob"}},
        }
    )
    assert site.contents["content:D"].parent == "project:D"
    assert site.contents["content:D"].kind == "datasource"
    assert content_id(site, "D") == "content:D"
    assert content_id(site, "D", project=True) == "project:D"
    assert content_id(site, "workbook:D") == "content:D"


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("virtualconnection", "virtual_connection virtualConnections VirtualConnection vc".split()),
        ("datarole", "datarole data_role dataRoles".split()),
        ("lens", "lens lenses".split()),
        ("view", "view views sheet".split()),
    ],
)
def test_kinds_are_taken_as_people_and_rest_write_them(kind: str, words: list[str]) -> None:
    for word in words:
        site = site_of({"content": {"O": {"type": word}}, "projects": {"P": {"defaults": {word: []}}}})
        assert site.contents["content:O"].kind == kind
        assert list(site.contents["project:P"].defaults) == [kind]


@pytest.mark.parametrize(
    ("field", "state"),
    [
        ({"directory_state": "disabled"}, GONE),
        ({"ad_status": "deleted"}, GONE),
        ({"change": "removed_from_ad"}, GONE),
        ({"in_directory": False}, GONE),
        ({"enabled": False}, GONE),
        ({"disabled": ["ann"]}, GONE),
        ({"directory": {"ann": "inactive"}}, GONE),
        ({"directory_state": "removed_from_group"}, LEFT),
        ({"change": "deleted from AD group"}, LEFT),
        ({"in_group": False}, LEFT),
        ({"directory_members": ["joe"]}, LEFT),
        ({"change": "removed"}, LEFT),
        ({"disabled": False}, MEMBER),
        ({"directory_state": "active"}, MEMBER),
        ({"directory_members": ["ann"]}, MEMBER),
        ({}, MEMBER),
    ],
)
def test_the_words_of_a_group_sync(field: dict[str, Any], state: str) -> None:
    setup: dict[str, Any] = {"users": {"ann": {"role": "Viewer"}}, "groups": {"G": {"members": ["ann"]}}}
    question = {"event": "group_sync", "user": "ann", "group": "G"}
    assert directory_says(setup, {**question, **field}) == state
    told_of_her = {**setup, "users": {"ann": {"role": "Viewer", **field}}}
    assert directory_says(told_of_her, question) == state
    assert directory_says({**setup, **field}, question) == state
