"""Every lint on small declared sites: what it finds, what it leaves, what is not known, and that its fix mends."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml
from command_line import run

from tabwarden.audit.audited import Audited
from tabwarden.audit.finding import ERROR, LINTS
from tabwarden.audit.knobs import Knobs
from tabwarden.audit.lint import Findings, findings_of
from tabwarden.audit.score import scores
from tabwarden.compare.what_if import written
from tabwarden.effects.change import carried_out
from tabwarden.model.site import Grantee, Rule, Site, Taken
from tabwarden.model.usage import Usage
from tabwarden.plan.build import Basis, build
from tabwarden.plan.plan import SiteIdentity
from tabwarden.questions import Questions
from tabwarden.run.lint import changes_of
from tabwarden.sandbox.worlds.build import build_site
from tabwarden.sandbox.worlds.file import SiteText
from tabwarden.store.history import History
from tabwarden.store.rosters import keep_for_plan, keep_of_plan
from tabwarden.want.people.joiners_and_leavers import Known, KnownPerson

CASES = yaml.safe_load((Path(__file__).parent / "findings.yaml").read_text(encoding="utf-8"))
USERS = {
    "adm": {"role": "SiteAdministratorCreator"},
    "boss": {"role": "SiteAdministratorExplorer"},
    "bob": {"role": "Creator"},
    "eve": {"role": "ExplorerCanPublish"},
    "cat": {"role": "Explorer"},
    "ann": {"role": "Viewer"},
    "una": {"role": "Unlicensed"},
}
GROUPS = {"Staff": {"members": ["ann"]}, "Makers": {"members": ["bob", "eve"]}}
WHOLE = Taken("https://t.example", "2026-11-29T10:00:00Z", "adm", "ServerAdministrator")


def site_of(text: Mapping[str, Any]) -> Site:
    """A site of a case: people and groups of all, owners where none is named."""
    whole: dict[str, Any] = {"name": "Site", "content_url": "site", **text}
    whole["users"] = {**USERS, **text.get("users", {})}
    whole["groups"] = {**GROUPS, **text.get("groups", {})}
    projects = {"Default": {}, **text.get("projects", {})}
    whole["projects"] = {name: {"owner": "adm", **project} for name, project in projects.items()}
    whole["content"] = {path: {"owner": "bob", **item} for path, item in text.get("content", {}).items()}
    return replace(build_site(SiteText.model_validate(whole)), taken=WHOLE)


def findings(
    site: Site, *lints: str, knobs: Mapping[str, Any] | None = None, usage: Any = None, unlisted: Any = ()
) -> Findings:
    rows = None if usage is None else tuple(_usage(site, row) for row in usage)
    strangers = None if unlisted is None else [site.find_user(name).id for name in unlisted]
    audited = Audited(Questions(site), Knobs(**(knobs or {})), rows, "2026-11-29", unlisted=strangers)
    return findings_of(audited, only=lints)


def _usage(site: Site, row: Mapping[str, str]) -> Usage:
    content = site.find_content(row["content"]).id if "content" in row else ""
    users = site.users_named(row["user"])
    return Usage(row.get("day", "2026-11-28"), row["what"], users[0] if users else row["user"], content, 1, "", "test")


def subjects(found: Findings, severity: str = "") -> list[str]:
    audited = found.audited
    return sorted(
        "site" if finding.lint.of == "site" else audited.written(finding.lint.of, number)
        for finding in found.findings
        if severity in ("", finding.severity)
        for number in finding.subjects.tolist()
    )


def of_case(case: Mapping[str, Any]) -> Findings:
    site = site_of(case["site"])
    changed = {path: (site.find_content(path), fields) for path, fields in case.get("then", {}).items()}
    for content, fields in changed.values():  # what no world takes
        more = {name: value for name, value in fields.items() if name != "rule"}
        if "rule" in fields:
            grantee, capability = fields["rule"].split(" +")
            kind, _, name = grantee.partition(":")
            key = site.find_group(name).id if kind == "group" else site.find_user(name).id
            more["rules"] = frozenset({Rule(Grantee(kind, key), capability, "Allow")})
        site = site.with_contents(replace(content, **more))
    return findings(
        site, case["lint"], knobs=case.get("knobs"), usage=case.get("usage"), unlisted=case.get("unlisted", ())
    )


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["lint"])
def test_a_lint_finds_what_the_case_says_and_nothing_else(case: Mapping[str, Any]) -> None:
    result = of_case(case)
    assert sorted(set(subjects(result))) == sorted(case["finds"])
    assert not set(case.get("quiet", ())) & set(subjects(result))
    if "errors" in case:
        assert subjects(result, ERROR) == sorted(case["errors"])
    for finding in result.findings:
        assert all(isinstance(finding.facts(number), str) for number in finding.subjects.tolist())


@pytest.mark.parametrize("case", [case for case in CASES if "fixed" in case], ids=lambda case: case["lint"])
def test_its_fix_is_a_plan_after_which_nothing_is_found(case: Mapping[str, Any]) -> None:
    result = of_case(case)
    site = result.audited.site
    changes, number = changes_of(result, case["lint"])
    assert number == len(subjects(result))
    identity = SiteIdentity("https://t.example", "site", site.id, "Site")
    plan = build(Basis(kind="changes", site=identity, made_at="2026-11-29T10:00:00Z"), site, written(site, changes))
    assert not plan.held
    after = carried_out(site, plan.changes)
    left = findings(after, case["lint"], knobs=case.get("knobs"), usage=case.get("usage"))
    assert not set(case["fixed"]) & set(subjects(left))


def test_every_lint_has_a_case_that_fires_and_one_that_does_not() -> None:
    fires = {case["lint"] for case in CASES if case["finds"]}
    quiet = {case["lint"] for case in CASES if case.get("quiet") or not case["finds"]}
    assert fires == LINTS.keys(), "add a case to tests/audit/findings.yaml"
    assert quiet == LINTS.keys(), "show it not firing too"


def test_what_was_not_read_is_unknown_and_never_well() -> None:
    site = site_of({"projects": {"Sales": {}, "Team Sandbox": {}}})
    lost = replace(site.find_content("Sales"), rules=None)
    result = findings(site.with_contents(lost), "rules-for-persons")
    assert not result.findings
    assert [(one.because, one.number) for one in result.unjudged] == [("their rules were not read", 1)]
    staff = replace(site.find_group("Staff"), members=None)
    result = findings(replace(site, groups={**site.groups, staff.id: staff}), "person-beats-deny")
    assert [one.number for one in result.unjudged] == [1]


OPENED = {"user": "bob", "what": "view", "content": "Sales/Seen"}
STAFF = {"kind": "workbook", "rules": [{"group": "Staff", "allow": ["Read"]}]}
IDLE = site_of({"projects": {"Sales": {}}, "content": {"Sales/Idle": STAFF, "Sales/Seen": {**STAFF, "rules": []}}})


@pytest.mark.parametrize(
    ("days", "knobs", "idle"),
    [
        (("2026-08-01", "2026-11-28"), {}, True),
        (("2026-10-01", "2026-11-28"), {}, False),  # known for two months
        (("2026-10-01", "2026-11-28"), {"unused_days": 30}, True),
        (("2026-08-01", "2026-11-28"), {"unused_days_of": {"Read": 365}}, False),
        (("2026-08-01", "2026-10-28"), {}, False),  # nobody read it since
        ((), {}, False),
    ],
)
@pytest.mark.parametrize("lint", ["unused-access", "idle-group", "idle-person"])
def test_unused_is_only_what_the_record_reaches(
    lint: str, days: tuple[str, ...], knobs: Mapping[str, Any], idle: bool
) -> None:
    if lint == "idle-person" and "unused_days_of" in knobs:
        idle = True  # of people capabilities do not count
    idlers = {"unused-access": "Sales/Idle", "idle-group": "Staff", "idle-person": "ann"}
    result = findings(IDLE, lint, knobs=knobs, usage=[{**OPENED, "day": day} for day in days])
    assert (idlers[lint] in subjects(result)) is idle
    assert bool(result.findings) is idle
    assert bool(result.unjudged) is not idle
    assert findings(IDLE, lint).unjudged
    assert not findings(IDLE, lint, knobs=knobs, usage=[{**OPENED, "user": "", "day": day} for day in days]).findings


def test_capabilities_with_days_of_their_own_are_mended_together() -> None:
    idle = {"kind": "workbook", "rules": [{"group": "Staff", "allow": ["Read", "AddComment", "Filter"]}]}
    site = site_of({"projects": {"Sales": {}}, "content": {"Sales/Idle": idle, "Sales/Seen": {**STAFF, "rules": []}}})
    usage = [
        {**OPENED, "day": day, "what": what} for day in ("2026-01-01", "2026-11-28") for what in ("view", "comment")
    ]
    result = findings(site, "unused-access", knobs={"unused_days_of": {"Read": 200}}, usage=usage)
    assert [finding.remark.words for finding in result.findings] == ["allows what nobody used for 90 days"]
    changes, _ = changes_of(result, "unused-access")
    left = carried_out(site, changes).find_content("Sales/Idle").rules
    assert {rule.capability for rule in left or ()} == {"Filter"}


def test_whom_no_authoritative_source_knew_at_the_last_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    site = site_of({})
    with History(tmp_path / "store") as history:
        history.keep(site)
    source = {"from": {"type": "file", "path": "x.csv"}, "columns": {"name": "name"}}
    sources = [{"name": "HR", "authoritative": True, **source}, {"name": "Extra", **source}]
    Path("settings.yaml").write_text(yaml.safe_dump({"people": {"sources": sources}}))
    ended = run("lint", "in-no-source", "--store", "store")
    assert "the roster of the sources is not known" in ended.output, ended.output
    known = [KnownPerson("BOB", rows=(("HR", 1),)), KnownPerson("cat", rows=(("Extra", 1),))]
    identity = SiteIdentity("https://t.example", "site", site.id, "Site")
    keep_for_plan(tmp_path / "store", "p", identity, Known(tuple(known), "2026-11-28"))
    keep_of_plan(tmp_path / "store", "p", identity)
    assert told(Path("store"), "in-no-source") == {"in-no-source": {"adm", "boss", "eve", "cat", "ann"}}


def test_who_came_lately_has_not_left_anything_unused() -> None:
    rows = tuple(_usage(IDLE, {**OPENED, "day": day}) for day in ("2026-08-01", "2026-11-28"))
    ann, days = IDLE.users_named("ann")[0], list[str]()
    for newcomers, idle in (((), ["Sales/Idle"]), ((ann,), [])):

        def since(day: str, newcomers: tuple[str, ...] = newcomers) -> tuple[str, ...]:
            days.append(day)
            return newcomers

        audited = Audited(Questions(IDLE), Knobs(), rows, "2026-11-29", since)
        assert subjects(findings_of(audited, only=("unused-access",))) == idle
        assert ("Staff" in subjects(findings_of(audited, only=("idle-group",)))) is bool(idle)
        assert ("ann" in subjects(findings_of(audited, only=("idle-person",)))) is bool(idle)
    assert set(days) == {"2026-08-31"}


# -- the command -----------------------------------------------------------------------------------------------


SALES = {"rules": [{"user": "ann", "template": "View"}, {"group": "All Users", "deny": ["Read"]}]}


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two snapshots: what is wrong with Sales is old, what is wrong with HR is new."""
    monkeypatch.chdir(tmp_path)
    old = site_of({"projects": {"Sales": SALES, "HR": {}, "Team Sandbox": {}}})
    new = site_of({"projects": {"Sales": SALES, "HR": SALES, "Team Sandbox": {}}})
    with History(tmp_path / "store") as history:
        history.keep(replace(old, taken=replace(WHOLE, when="2026-11-28T10:00:00Z")))
        history.keep(new)
    return tmp_path / "store"


def told(store: Path, *words: str) -> dict[str, set[str]]:
    ended = run("lint", *words, "--json", "--store", str(store))
    groups = json.loads(ended.output)["findings"]
    listed: dict[str, set[str]] = {}
    for group in groups:
        listed.setdefault(group["lint"], set()).update(group["subjects"])
    return listed


def test_findings_of_a_snapshot_of_a_project_and_those_that_are_new(store: Path) -> None:
    assert told(store)["rules-for-persons"] == {"Sales", "HR"}
    assert told(store, "--scope", "HR")["rules-for-persons"] == {"HR"}
    assert told(store, "--since", "previous")["rules-for-persons"] == {"HR"}
    assert told(store, "--since", "last") == {}
    assert told(store, "all-users-denied").keys() == {"all-users-denied"}


def test_exit_codes(store: Path) -> None:
    here = ("--store", str(store))
    assert run("lint", *here).exit_code == 2
    assert run("lint", "--fail-on", "never", *here).exit_code == 0
    assert run("lint", "--since", "last", *here).exit_code == 0
    assert run("lint", "no-test-project", *here).exit_code == 0
    assert run("lint", "rules-for-persons", "--fail-on", "error", *here).exit_code == 0
    wrong = [("--fail-on", "eror"), ("--fix", "rules-for-persons"), ("--put-by", "x"), ("rules-for-person",)]
    wrong += [("--scope", "Sale"), ("--since", "9"), ("--fix", "rules-for-persons:HRR", "--out", "p.json")]
    wrong += [("--put-by", "x.yaml", "--until", day, "--reason", "r") for day in ("soon", "2020-01-01")]
    for words in wrong:
        ended = run("lint", *words, *here)
        assert ended.exit_code == 1, words
        assert "Traceback" not in ended.output


def test_every_name_that_is_no_lint_is_told(store: Path) -> None:
    output = run("lint", "rules-for-person", "no-leder", "--store", str(store)).output
    assert "`rules-for-person`" in output
    assert "`no-leder`" in output


def test_where_rules_were_not_read_no_group_is_called_unused() -> None:
    now = site_of({})
    assert findings(now, "unused-group").findings
    bare = {key: replace(content, rules=None) for key, content in now.contents.items()}
    for lacking in (replace(now, contents=bare), replace(now, partial=("projects but HR",))):
        result = findings(lacking, "unused-group")
        assert not result.findings
        assert [one.because for one in result.unjudged] == ["not all rules were read"]


def test_a_baseline_puts_by_until_a_day(store: Path) -> None:
    here = ("--store", str(store))
    later = ("--until", "2999-01-01", "--reason", "known")
    run("lint", "--put-by", "base.yaml", *later, *here)
    ended = run("lint", "--baseline", "base.yaml", *here)
    assert ended.exit_code == 0
    assert "put by" in ended.output
    base = Path("base.yaml")
    base.write_text(base.read_text().replace("2999-01-01", "2020-01-01"))
    ended = run("lint", "--baseline", "base.yaml", *here)
    assert ended.exit_code == 2
    assert "which is over" in ended.output
    base.write_text("findings:\n- {lint: rules-for-persons, subject: Sales/*, until: 2999-01-01, reason: r}\n")
    assert told(store, "--baseline", "base.yaml")["rules-for-persons"] == {"Sales", "HR"}
    base.write_text("findings:\n- {lint: rules-for-persons, subject: Sales, until: 2999-01-01, reason: r}\n")
    assert told(store, "--baseline", "base.yaml")["rules-for-persons"] == {"HR"}
    base.write_text("findings:\n- {lint: rules-for-persons, until: 2999-01-01, reason: r}\n")
    assert "rules-for-persons" not in told(store, "--baseline", "base.yaml")


def test_every_mistake_of_a_baseline_is_told_with_its_line(store: Path) -> None:
    base = Path("base.yaml")
    base.write_text("findings:\n- lint: a\n  until: tomorrow\n  reason: r\n- lnt: a\n- 5\nmore: 1\n")
    said = run("lint", "--baseline", "base.yaml", "--store", str(store)).output
    assert all(f"base.yaml:{line}:" in said for line in (3, 5, 6, 7)), said
    entry = "- {lint: %s, subject: %s, until: 2999-01-01, reason: r}\n"
    base.write_text("findings:\n" + entry % ("rules-for-person", "Sales") + entry % ("open-to-all", "Sale"))
    said = run("lint", "--baseline", "base.yaml", "--store", str(store)).output
    assert "base.yaml:2: no lint is called `rules-for-person`; near it: `rules-for-persons`" in said
    assert "base.yaml:3: no content `Sale`" in said
    assert "near it: `Sales`" in said


def test_a_fix_is_a_plan_file(store: Path) -> None:
    ended = run("lint", "--fix", "all-users-denied:HR", "--out", "plan.json", "--store", str(store))
    assert ended.exit_code == 2
    assert "mends 1 finding" in ended.output
    plan = json.loads(Path("plan.json").read_text())
    assert [change["content"]["name"] for change in plan["changes"]] == ["HR"]


@pytest.mark.parametrize(
    ("setting", "lint", "gone"),
    [
        ({"public_projects": ["Sales"]}, "all-users-take-data", {"Sales"}),
        ({"test_projects": ["Sales"]}, "no-test-project", {"Site"}),
        ({"ignore": ["rules-for-persons"]}, "rules-for-persons", {"Sales"}),
        ({"baseline": "base.yaml"}, "rules-for-persons", {"Sales"}),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_each_setting_of_lints_changes_what_is_told(
    setting: Mapping[str, Any], lint: str, gone: set[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    text = {
        "projects": {"Sales": {**SALES, "defaults": {"workbook": [{"group": "All Users", "allow": ["ExportXml"]}]}}}
    }
    with History(tmp_path / "store") as history:
        history.keep(site_of(text))
    Path("base.yaml").write_text("findings: [{lint: rules-for-persons, until: 2999-01-01, reason: r}]\n")
    assert gone <= told(Path("store"))[lint]
    Path("settings.yaml").write_text(yaml.safe_dump({"lint": setting}))
    assert not gone & told(Path("store")).get(lint, set())
    Path("settings.yaml").write_text(yaml.safe_dump({"lint": {"publik_projects": ["Sales"]}}))
    ended = run("lint", "--store", "store")
    assert ended.exit_code == 1
    assert "publik_projects" in ended.output


# -- what is handed on -----------------------------------------------------------------------------------------


def test_the_page_tells_a_manager_in_three_sentences_and_needs_nothing_else(store: Path) -> None:
    run("lint", "--html", "page.html", "--trend", "2", "--store", str(store))
    page = Path("page.html").read_text(encoding="utf-8")
    assert page.count('class="lead"') == 3
    assert "<script" not in page
    assert "http" not in page.split("</style>")[1]
    assert page.index("Projects, the worst first") < page.index("Who can mend what")
    assert page.index("The project leader:") < page.index("The site administrator:")
    assert "Points over time" in page
    assert re.search(r'<td class="hot" style="--heat:\d+">', page)


def test_sarif_has_a_result_a_finding_with_a_mark_that_stays(store: Path) -> None:
    marks = []
    for snapshot in ("previous", "last"):
        run("lint", "--sarif", "s.json", "--on", snapshot, "--store", str(store))
        (ran,) = json.loads(Path("s.json").read_text())["runs"]
        marks.append({result["partialFingerprints"]["tabwarden/v1"] for result in ran["results"]})
        known = {rule["id"] for rule in ran["tool"]["driver"]["rules"]}
        assert {result["ruleId"] for result in ran["results"]} <= known
    assert marks[0] < marks[1]
    notes = ran["invocations"][0]["toolExecutionNotifications"]
    assert any("no use of it is kept" in note["message"]["text"] for note in notes)


def test_junit_fails_what_is_new_and_skips_what_is_not_known(store: Path) -> None:
    run("lint", "--junit", "j.xml", "--fail-on", "error", "--store", str(store))
    (suite,) = ElementTree.parse("j.xml").getroot()
    failed = {case.get("name") for case in suite if case.find("failure") is not None}
    skipped = {case.get("name") for case in suite if case.find("skipped") is not None}
    assert "all-users-denied" in failed
    assert "rules-for-persons" not in failed
    assert {"tokens", "orphaned-subscription"} <= skipped
    assert int(suite.get("failures", "")) == len(failed)
    assert int(suite.get("tests", "")) == len(suite) == len(LINTS)


def test_points_are_as_the_page_says_and_over_the_history(store: Path) -> None:
    ended = run("lint", "--trend", "2", "--json", "--store", str(store))
    answer = json.loads(ended.output)
    points = answer["trend"]["points"]
    assert answer["trend"]["days"] == ["2026-11-28", "2026-11-29"]
    assert points["HR"][0] > points["HR"][1]
    assert points["Sales"][0] == points["Sales"][1] == points["HR"][1]
    of_one = site_of(
        {"projects": {"Sales": {"rules": [{"user": "ann", "template": "View"}]}, "Half": {}}, "content": {}}
    )
    result = findings(of_one, "rules-for-persons")
    by_name = {result.audited.written("content", score.project): score for score in scores(result)}
    assert (by_name["Sales"].points, by_name["Half"].points) == (85, 100)  # one of one thing: a whole warning


def test_an_old_or_limited_snapshot_says_so_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    old = Taken("https://t.example", "2020-01-01T00:00:00Z", "ann", "Viewer")
    with History(tmp_path / "store") as history:
        history.keep(replace(site_of({"projects": {"Sales": SALES}}), taken=old, partial=("connections of workbooks",)))
    said = run("lint", "--store", "store").output
    assert "days old" in said
    assert "read in part, by ann (Viewer)" in said
    assert json.loads(run("lint", "--store", "store", "--json").output)["notes"]
    run("lint", "--store", "store", "--html", "page.html")
    assert Path("page.html").read_text().index("days old") < Path("page.html").read_text().index("Who can mend")
