"""Case files: the documented cases pass, a wrong one is told with its trace, a malformed one with its place."""

from __future__ import annotations

import copy
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from paths import CASES, ROOT
from watchdog import patience

from tabwarden.access.abilities.ability import ACTIONS
from tabwarden.cases.events import GONE, LEFT, MEMBER, directory_says
from tabwarden.cases.file import Case, case_of, content_id, load, site_of
from tabwarden.cases.running import run
from tabwarden.cases.schema import CASE, CONTENT, EVENT, EVENTS, SITE, STEPS
from tabwarden.model.capability import kind_named
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
        ("[]", "holds no case"),
        ("\n", "holds no case"),
        ('[{"id": 1, "setup": {"users": {}, "users": {}}}]', "has the key `users` twice"),
    ],
)
def test_a_file_without_a_case_is_an_error(tmp_path: Path, text: str, told: str) -> None:
    file = tmp_path / "bad.json"
    file.write_text(text)
    with pytest.raises(WorldError) as caught:
        load(file)
    assert told in str(caught.value)
    assert str(file) in str(caught.value)


@pytest.mark.parametrize(
    "text", ['{"cases": [CASE, CASE]}', "[CASE, CASE]", "CASE\nCASE\n", '{"cases":\n [CASE,\n CASE]}']
)
def test_the_shapes_of_a_file(tmp_path: Path, text: str) -> None:
    file = tmp_path / "cases.json"
    file.write_text(text.replace("CASE", '{"id": "a", "kind": "capability"}'))
    assert [case.id for case in load(file)] == ["a", "a"]


def test_one_case_over_several_lines_is_a_case(tmp_path: Path) -> None:
    file = tmp_path / "case.json"
    file.write_text('{\n "id": "a",\n "kind": "capability"\n}\n')
    assert [case.id for case in load(file)] == ["a"]


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


W, RULE = ("setup", "content", "W"), ("setup", "content", "W", "rules", 0)
MISTAKES: list[tuple[str, tuple[Any, ...], Any, str]] = [
    ("ORD-002", ("kind",), "deed", "`kind` is `deed`, which is none of capability, action, sequence, provisioning"),
    ("ORD-002", ("kind",), None, "the case lacks `kind`"),
    ("ORD-002", ("expected",), True, "`expected` is `true`; it is to be text"),
    ("ORD-002", ("model",), "new", "`model` is `new`, which is none of current, classic, deny_first, both"),
    ("ORD-002", ("setup",), [], "`setup` is a list; it is to be an object"),
    ("ORD-002", ("setup", "user"), {"ann": {}}, "`setup` has no key `user`; near it: `users`"),
    ("ORD-002", ("setup", "users"), ["ann"], "`setup.users` is a list; it is to be an object"),
    ("ORD-002", ("setup", "users", "ann", "role"), None, "`setup.users.ann` lacks `role`"),
    ("ORD-002", ("setup", "users", "ann", "role"), "Veiwer", "`setup.users.ann.role`: no site role is called `Veiwer`"),
    ("ORD-002", ("setup", "projects", "P", "locked"), True, "`setup.projects.P` has no key `locked`; its keys are"),
    ("ORD-002", ("setup", "projects", "P", "mode"), "Locked", "near it: `LockedToProject`, `LockedToProjectWithout"),
    ("ORD-002", ("setup", "projects", "P", "parent"), "P", "project `P` lies in itself"),
    ("ORD-002", ("setup", "projects", "P", "parent"), "Q", "`setup.projects.P.parent`: no project `Q`"),
    ("ORD-002", ("setup", "projects", "P", "leaders"), ["zoe"], "leaders[0]` is `zoe`; write `user:NAME`"),
    ("ORD-002", ("setup", "projects", "P", "defaults"), {"wrokbook": []}, "is called `wrokbook`; near it: `workbook`"),
    ("ORD-002", ("setup", "group_sets"), {"S": ["Nope"]}, "`setup.group_sets.S[0]`: no group `Nope`"),
    ("ORD-002", ("setup", "groups"), {"S": ["zoe"]}, "`setup.groups.S[0]`: no user `zoe`"),
    ("ORD-002", (*W, "tabs"), "no", "`setup.content.W.tabs` is `no`; it is to be true or false or null"),
    ("ORD-002", (*W, "type"), "spreadsheet", "`setup.content.W.type`: no kind of content is called `spreadsheet`"),
    ("ORD-002", (*W, "type"), "view", "`setup.content.W` is a view, and only a workbook has `tabs`"),
    ("ORD-002", (*W, "project"), None, "`setup.content.W` lacks `project`; `null` is somebody's personal space"),
    ("ORD-002", (*W, "project"), "Z", "`setup.content.W.project`: no project `Z`; `setup.projects` has P"),
    ("ORD-002", (*RULE, "mode"), None, "`setup.content.W.rules[0]` lacks `mode`"),
    ("ORD-002", (*RULE, "mode"), "allow", "`setup.content.W.rules[0].mode` is `allow`; near it: `Allow`"),
    ("ORD-002", (*RULE, "capability"), "Veiw", "`setup.content.W.rules[0].capability`: no capability is called `Veiw`"),
    ("ORD-002", (*RULE, "grantee"), "group:Gg", "`setup.content.W.rules[0].grantee`: no group `Gg`"),
    ("ORD-002", (*RULE, "grantee"), "role:ann", "is `role:ann`; write `user:NAME`, `group:NAME` or `groupset:NAME`"),
    ("ORD-002", ("question", "user"), "nobody", "`question.user`: no user `nobody`"),
    ("ORD-002", ("question", "object"), "content:None", "`question.object`: there is no `content:None`"),
    ("ORD-002", ("question", "object"), None, "`question` lacks `object`"),
    ("ORD-002", ("question", "capability"), None, "`question` lacks `capability` or `action`"),
    ("ORD-002", ("question", "action"), "publish", "`question` has both `capability` and `action`"),
    ("MOVE-004", ("question", "action"), "fly", "`question.action` is `fly`, which is none of publish, "),
    ("MOVE-004", ("question", "target"), "Z", "`question.target`: there is no `Z`"),
    ("VIEW-010", ("question", "steps", 0, "op"), "burn", "`question.steps[0].op` is `burn`, which is none of set_mode"),
    ("VIEW-010", ("question", "steps", 0, "workbook"), "Z", "`show_tabs`: there is no `Z`"),
    ("VIEW-010", ("question", "steps", 0, "workbok"), "W", "has no key `workbok`; near it: `workbook`"),
    ("WEB-003", ("setup", "site"), {"web_editing": False}, "`setup.site` has no key `web_editing`"),
    ("WEB-003", ("open_points",), {"fly": True}, "no open point is written `fly=True`"),
    ("PROV-001", ("question", "event"), "promote", "`question.event` is `promote`, which is none of sign_in"),
    ("PROV-001", ("question", "usr"), "ann", "`question` has no key `usr`; near it: `user`"),
    ("PROV-001", ("setup", "users", "ann", "rloe"), "Viewer", "`setup.users.ann` has no key `rloe`; near it: `role`"),
    ("PROV-001", ("question", "user"), None, "`question` lacks `user`"),
    ("ORD-002", (*W, "uses"), [{"datasource": "W", "auth": "embed"}], "`W` is a workbook, and a data source is needed"),
    ("PROV-001", ("setup", "licences"), {"boss": 1}, "`setup.licences.boss`: no licence `boss`; write Creator"),
    ("PROV-001", ("setup", "licences"), {"creator": -1}, "`setup.licences.creator`: fewer than no seats"),
    ("PROV-001", ("setup", "licenses"), {"free": {"Cretor": 1}}, "`setup.licenses.free`: no licence `Cretor`"),
    ("PROV-001", ("setup", "licences"), {"viewer": {"total": 1, "used": 2}}, "more seats are used than there are"),
    ("PROV-001", ("setup", "groups", "M", "grant_on"), "login", "`setup.groups.M.grant_on` is `login`; near it"),
]


@pytest.mark.parametrize(("case_id", "path", "to", "told"), MISTAKES)
def test_a_case_with_a_mistake_fails_and_names_the_field(
    case_id: str, path: tuple[Any, ...], to: Any, told: str
) -> None:
    problems = run(case_of(changed(one(SHARED, case_id), *path, to=to))).problems
    assert any(told in problem for problem in problems), problems


def test_every_mistake_of_a_case_is_told_at_once() -> None:
    raw = changed(changed(one(SHARED, "ORD-002"), *RULE, "mode", to="allow"), "setup", "user", to={})
    assert len(run(case_of(raw)).problems) == 2
    named = changed(changed(one(SHARED, "ORD-002"), *RULE, "capability", to="Veiw"), "question", "user", to="zoe")
    assert len(run(case_of(named)).problems) == 2


def test_names_are_taken_as_tableau_shows_them() -> None:
    raw = one(SHARED, "ORD-002")
    changed(raw, *RULE, "capability", to="View")
    changed(raw, "question", "capability", to="VIEW")
    changed(raw, "setup", "users", "ann", "role", to="Explorer (can publish)")
    changed(raw, "setup", "content", "W", "type", to="Workbooks")
    assert run(case_of(raw)).problems == ()


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
            "content": {"D": {"type": "datasource", "project": "D", "owner": "bob"}},
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
    assert {kind_named(word) for word in words} == {kind}


def event(setup: dict[str, Any], expected: str = "allow", result: Any = None, **question: Any) -> tuple[str, ...]:
    raw = {"id": 1, "kind": "provisioning", "setup": setup, "question": question, "expected": expected}
    return run(case_of({**raw, "result": result or {}})).problems


PEOPLE = {"ann": {"role": "Creator", "owns": ["W"]}, "joe": {"role": "Viewer"}, "bob": {"role": "Explorer"}}


@pytest.mark.parametrize(
    ("expected", "question", "owners"),
    [
        ("allow", {"event": "remove_user", "user": "ann", "map_assets_to": "bob"}, {"W": "bob"}),
        ("deny", {"event": "remove_user", "user": "ann"}, {"W": "ann"}),
        ("allow", {"event": "assign_owner", "to": "bob", "content": "W"}, {"W": "bob"}),
        ("deny", {"event": "assign_owner", "to": "joe", "content": "project:P"}, {"W": "ann", "P": "ann"}),
        ("allow", {"event": "assign_owner", "to": "bob", "content_type": "workbook"}, {"W": "ann"}),
    ],
)
def test_who_owns_what_afterwards_is_a_fact(expected: str, question: dict[str, Any], owners: dict[str, str]) -> None:
    setup = {"users": PEOPLE, "projects": {"P": {"owner": "ann"}}}
    assert event(setup, expected, {"owner_of": owners}, **question) == ()
    wrong = {**owners, "W": "joe"}
    assert "expected owner_of" in str(event(setup, expected, {"owner_of": wrong}, **question))


@pytest.mark.parametrize(
    ("members", "said", "result"),
    [
        (["ann"], {"disabled": True}, {"site_role": "Unlicensed", "groups": [], "owner_of": {"W": "ann"}}),
        (["ann"], {}, {"site_role": "Creator", "groups": ["G"]}),
        (["ann"], {"removed": ["ann"]}, {"site_role": "Creator", "groups": []}),
        (["ann", "joe"], {"deleted": ["joe"]}, {"owner_of": {"W": "ann"}, "error": None}),
        ([], {"directory_members": ["new"]}, {"site_role": "Unlicensed", "groups": ["G"]}),
    ],
)
def test_an_event_of_a_group_concerns_every_member(members: list[str], said: dict[str, Any], result: Any) -> None:
    setup = {"users": PEOPLE, "groups": {"G": {"members": members}}}
    for named in ({}, {"group": "G"}):
        assert event(setup, result=result, event="group_sync", **named, **said) == ()


def test_facts_of_a_person_are_those_of_an_only_member_alone() -> None:
    setup = {"users": PEOPLE, "groups": {"G": {"members": ["ann", "joe"]}}}
    (problem,) = event(setup, result={"site_role": "Creator"}, event="group_sync")
    assert problem == "no fact is called `site_role`; facts here are error, owner_of"
    (strange,) = event(setup, event="group_sync", shoe_size=44)
    assert "`question` has no key `shoe_size`" in strange


def test_the_schema_is_told_by_a_command_and_knows_every_word_of_the_page() -> None:
    schema = json.loads(cases("--schema").stdout)
    assert schema["items"]["oneOf"][0]["properties"]["model"]["enum"] == ["current", "classic", "deny_first", "both"]
    page = (ROOT / "docs" / "reference" / "case-files.md").read_text(encoding="utf-8")
    words = {*STEPS, *ACTIONS, *EVENTS, *EVENT["properties"], *CASE["oneOf"][0]["properties"], *CONTENT["properties"]}
    words |= {key for step in STEPS.values() for key in step["properties"]} | {*SITE["properties"]}
    assert [word for word in sorted(words) if f"`{word}`" not in page and not re.search(rf"\b{word}\b", page)] == []


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
