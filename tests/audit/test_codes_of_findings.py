"""What `lint`, `check` and `read` leave with: findings, broken invariants, mistakes in their file."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from command_line import run
from reading_folder import Desk
from small_site import group, project, rules, site, workbook

from tabwarden.model.site import Taken
from tabwarden.sandbox.http.server import running
from tabwarden.store.history import History

TAKEN = Taken("https://t.example", "2026-11-29T10:00:00Z", "adm", "SiteAdministratorCreator")
HOLDS = "invariants: [{name: closed, no_rule: {for: all users, mode: Allow}, on: [HR, HR/*]}]\n"
BROKEN = "invariants: [{name: closed, only: group hr, may: View, on: HR/*}]\n"
WRONG = "invariants:\n- name: closed\n  only: [\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store of one site: somebody alone is in a rule of HR (a warning), and All Users are denied there."""
    monkeypatch.chdir(tmp_path)
    hr = project("HR", None, "user:ann +Read", "group:all-users -Read")
    groups = (group("hr", "bob"), replace(group("all-users"), name="All Users", everyone=True))
    with History(tmp_path / ".tabwarden") as history:
        history.keep(
            replace(
                site(hr, workbook("pay", hr.id, "user:ann +Read"), users=("ann:Viewer", "bob:Creator"), groups=groups),
                taken=TAKEN,
            )
        )
    return tmp_path


@pytest.mark.parametrize(
    ("invariants", "words", "code"),
    [
        (HOLDS, "lint", 2),
        (HOLDS, "lint --fail-on never", 0),
        (BROKEN, "lint --fail-on never", 3),
        (BROKEN, "lint", 3),
        (BROKEN, "lint rules-for-persons", 2),
        (BROKEN, "lint --scope HR", 2),
        (WRONG, "lint", 1),
        (None, "lint", 2),
        (HOLDS, "check", 0),
        (HOLDS, "check --fail-on warning", 2),
        (HOLDS, "check --fail-on never", 0),
        (BROKEN, "check --fail-on warning", 3),
        (WRONG, "check", 1),
        (None, "check", 1),
        (HOLDS, "check --fail-on eror", 1),
        (HOLDS, "lint --put-by known.yaml --until 2999-01-01 --reason r", 0),
    ],
)
def test_the_codes(folder: Path, invariants: str | None, words: str, code: int) -> None:
    if invariants is not None:
        Path("invariants.yaml").write_text(invariants)
    ended = run(*words.split())
    assert ended.exit_code == code, ended.output
    assert "Traceback" not in ended.output
    if invariants == WRONG:
        assert "invariants.yaml:4: not valid YAML" in ended.output
        assert "Field required" not in ended.output


def test_the_page_tells_the_invariants_too(folder: Path) -> None:
    Path("invariants.yaml").write_text(BROKEN)
    assert run("lint", "--html", "page.html").exit_code == 3
    assert "1 invariant: 1 broken, 0 unknown: `closed`; see `tabwarden check`." in Path("page.html").read_text()
    assert json.loads(run("lint", "--json").stdout)["invariants"].startswith("1 invariant: 1 broken")


def test_what_was_put_by_is_not_new_and_a_baseline_of_it_says_the_same(folder: Path) -> None:
    written = run("lint", "--put-by", "known.yaml", "--until", "2999-01-01", "--reason", "r")
    again = run("lint", "--baseline", "known.yaml")
    assert (written.exit_code, again.exit_code) == (0, 0)
    (number,) = re.findall(r"([1-9][0-9]*) entries written to known.yaml", written.output)
    assert f"of 0 kinds; {number} put by" in written.output
    assert written.stdout == again.stdout


def test_a_rule_that_is_forbidden_is_told_with_the_change_that_made_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    hr = project("HR", None, "user:bob +Read")
    days = [
        (hr,),
        (replace(hr, rules=rules("user:bob +Read", "user:bob +Write")),),
        (replace(hr, rules=rules("user:bob +Read")),),
        (
            replace(
                hr, rules=rules("user:bob +Read", "user:bob +Write"), defaults={"workbook": rules("user:bob +Read")}
            ),
            workbook("pay", "HR", "user:bob +Filter"),
        ),
    ]
    with History(tmp_path / ".tabwarden") as history:
        for day, contents in enumerate(days, 1):
            history.keep(replace(site(*contents), taken=replace(TAKEN, when=f"2026-11-0{day}T10:00:00Z")))
    Path("invariants.yaml").write_text("invariants: [{name: nobody alone, no_rule: {for: user bob, mode: Allow}}]")
    (judged,) = json.loads(run("check", "--json").stdout)["invariants"]
    assert sorted((one["what"], one["content"]["path"], one["since"], one["because"]) for one in judged["told"]) == [
        ("Allow Filter", "HR/pay", "2026-11-04T10:00:00Z (snapshot 4)", "workbook HR/pay: new"),
        ("Allow Publish", "HR", "2026-11-04T10:00:00Z (snapshot 4)", "project HR: rules + Allow Overwrite to user bob"),
        *[
            (
                "Allow View",
                "HR",
                "2026-11-04T10:00:00Z (snapshot 4)",
                "project HR: rules for new workbooks + Allow View to user bob",
            )
        ]
        * 2,
    ]
    assert json.loads(run("check", "--json", "--snapshot", "1").stdout)["invariants"][0]["told"][0]["since"] == (
        "2026-11-01T10:00:00Z (snapshot 1) or before"
    )


def test_an_ability_is_told_with_the_change_that_made_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a rule on the content, of another project that lets things in, and of what always was so."""
    monkeypatch.chdir(tmp_path)
    hr, free = project("HR", None), project("Free", None)
    moves = ("user:bob +Read", "user:bob +ChangeHierarchy")
    pay = replace(workbook("pay", "HR", *moves), owner="ann")
    powerful = replace(pay, rules=rules(*moves, "user:bob +ChangePermissions"))
    into = replace(free, rules=rules("user:bob +Read", "user:bob +Write"))
    days = ((hr, free, pay), (hr, free, powerful), (hr, into, powerful))
    groups = (group("hr", "ann"), replace(group("all-users"), name="All Users", everyone=True))
    with History(tmp_path / ".tabwarden") as history:
        for day, contents in enumerate(days, 1):
            whole = site(*contents, users=("ann:Viewer", "bob:Creator"), groups=groups)
            history.keep(replace(whole, taken=replace(TAKEN, when=f"2026-11-0{day}T10:00:00Z")))
    acts = ("ability:set_permissions", "ability:move", "View")
    texts = [f"{{name: {act}, only: group hr, may: '{act}', on: HR/pay}}" for act in acts]
    Path("invariants.yaml").write_text(f"invariants: [{', '.join(texts)}]")
    judged = json.loads(run("check", "--json").stdout)["invariants"]
    ruled = "project Free: rules + Allow"
    assert [(one["since"], one["because"]) for law in judged for one in law["told"]] == [
        ("2026-11-02T10:00:00Z (snapshot 2)", "workbook HR/pay: rules + Allow Set Permissions to user bob"),
        ("2026-11-03T10:00:00Z (snapshot 3)", f"{ruled} View to user bob; {ruled} Overwrite to user bob"),
        ("2026-11-01T10:00:00Z (snapshot 1) or before", "Allow to user bob, in the first snapshot already"),
    ]


@pytest.mark.parametrize("settings", [False, True], ids=["here", "beside the settings"])
@pytest.mark.parametrize("how", ["lint", "why"])
def test_a_plan_of_a_finding_is_judged_by_the_invariants(folder: Path, how: str, *, settings: bool) -> None:
    place = folder / "elsewhere" if settings else folder
    place.mkdir(exist_ok=True)
    (place / "invariants.yaml").write_text(
        "invariants: [{name: everybody reads, nobody: group hr, may: View, on: [HR, HR/*]}]\n"
    )
    text = "tableau: {server: 'https://t.example', auth: {pat: {name: t, secret: s}}}\n"
    (place / "settings.yaml").write_text(text) if settings else None
    more = ("--settings", str(place / "settings.yaml"), "--store", ".tabwarden") if settings else ()
    words = {
        "lint": ("lint", "--fix", "all-users-denied", "--out", "plan.json"),
        "why": ("why", "bob", "View", "HR", "--fix", "--choose", "1", "--out", "plan.json"),
    }[how]
    ended = run(*words, *more)
    stops = {stop["id"] for stop in json.loads(Path("plan.json").read_text())["stops"]}
    if how == "why":  # to give bob View is what must never be
        assert "invariant-broken" in stops, ended.output
    else:
        assert ended.exit_code == (3 if stops else 2), ended.output
    (place / "invariants.yaml").write_text(WRONG)
    ended = run(*words[:-1], "other.json", *more)
    assert ended.exit_code == 1
    assert "not valid YAML" in ended.output
    assert not Path("other.json").exists()


def test_a_read_keeps_its_snapshot_and_leaves_with_1_where_the_invariants_are_wrong(tmp_path: Path) -> None:
    with running("acme") as sandbox:
        desk = Desk(tmp_path, sandbox.url)
        desk.settings("pat: {name: tabwarden, secret: acme-demo-secret}")
        (tmp_path / "invariants.yaml").write_text(WRONG)
        ran = desk.run("read")
    assert ran.code == 1
    assert "kept as snapshot 1" in ran.out
    assert "the invariants were not checked" in ran.out
    assert len(desk.snapshots()) == 1
