"""Policy: read with lines, laid over sites, exported and planned back, through the sandbox; the papers' examples."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from types import MappingProxyType
from typing import Any

import pytest
from dense_sites import dense_site
from patched_modules import Patch, in_place, planted
from test_change import undo
from test_undo_to import Bench
from tiny_sites import tiny_site

from support import command_line
from tabwarden.effects.ops.settings import SETTINGS_BY_REST
from tabwarden.model.capability import LEADER, LEADER_CAPABILITIES, applies
from tabwarden.model.errors import SettingsError
from tabwarden.model.site import (
    ALL_USERS,
    ALLOW,
    CUSTOMIZABLE,
    LOCKED_WITHOUT_NESTED,
    NO_RULES,
    Content,
    Grantee,
    Group,
    Rule,
    Rules,
    Site,
    User,
)
from tabwarden.model.usage import VIEW, Usage
from tabwarden.plan.plan import Plan
from tabwarden.plan.restore import restored
from tabwarden.report.plans import headline
from tabwarden.run.context import Context, connected
from tabwarden.run.policy import decide, drift_sarif, plan_policy, policy_text
from tabwarden.run.usage import keep_activity
from tabwarden.sandbox.http.server import running
from tabwarden.sandbox.worlds.finding import find_world
from tabwarden.settings.policy import load_policy, schema
from tabwarden.store.snapshots import about_of, bare_site
from tabwarden.store.usage.days import keep
from tabwarden.tableau.read.site import read_site
from tabwarden.want.policy.export import told
from tabwarden.want.policy.wanted import WantedContent, wanted_content

TODAY = "2026-11-29"
SITES = 40
NAMES = ("Read", "Filter", "ExportImage", "Write", "ViewComments", "AddComment")
WORLDS = ("w0", "acme", "casual-users", "william", "erin", "company", "empty")


def laid(site: Site, text: str, folder: Path) -> WantedContent:
    path = folder / "policy.yaml"
    path.write_text(text, encoding="utf-8")
    return wanted_content(site, load_policy([path]), TODAY)


def nothing_differs(site: Site, folder: Path) -> None:
    wanted = laid(site, policy_text(told(site)), folder)
    assert not wanted.problems
    work = restored(site, wanted.site, wanted.scope - wanted.make, "", make=wanted.make)
    assert not work.changes, [change.to_do() for change in work.changes]


@pytest.mark.parametrize("name", WORLDS)
def test_what_is_exported_is_planned_back_as_nothing(name: str, tmp_path: Path) -> None:
    for site in find_world(name).sites:
        nothing_differs(site, tmp_path)


def test_random_sites_are_planned_back_as_nothing(tmp_path: Path) -> None:
    """200 of them; of half of them the text can say everything."""
    told_whole = 0
    for seed in range(50):
        for site in (tiny_site(seed), dense_site(seed)):
            for one in (site, speakable(site)):
                nothing_differs(one, tmp_path)
                told_whole += not told(one).remarks
    assert told_whole >= 50


def speakable(site: Site) -> Site:
    """Without rules that the text cannot say: what the kind lacks, and Allow beside Deny."""

    def known(rules: Rules | None, kind: str) -> Rules:
        first = {(r.grantee, r.capability): r for r in sorted(rules or ()) if applies(r.capability, kind)}
        allowed = (r for r in first.values() if r.capability not in LEADER_CAPABILITIES or r.mode == ALLOW)
        return frozenset(allowed)

    contents = (
        replace(
            c, rules=known(c.rules, c.kind), defaults={k: known(r, k) for k, r in c.defaults.items() if k != "project"}
        )
        for c in site.contents.values()
    )
    return replace(site, contents={c.id: c for c in contents})


def departments(seed: int) -> Site:
    """Departments of one shape and some that differ, with contents of their own lists. Names hide in names."""
    random = Random(seed)
    names = random.sample(
        ("HR", "Sales", "Sales East", "H", "Ops {x}", "null", "a: b", "Üben", "[q]", "*", "Long " * 23), 6
    )
    users = {f"u{n}": User(f"u{n}", f"{name} Boss", "Creator") for n, name in enumerate(names)}
    groups = {f"g{n}": Group(f"g{n}", name) for n, name in enumerate(names)}
    groups[ALL_USERS] = Group(ALL_USERS, "All Users", everyone=True)
    lists = [
        frozenset(Rule(Grantee("group", ALL_USERS), name, ALLOW) for name in random.sample(NAMES, 4)) for _ in "ab"
    ]
    contents: dict[str, Content] = {}

    def add(kind: str, name: str, parent: str | None, owner: str, **fields: Any) -> str:
        content = Content(f"c{len(contents)}", kind, name, parent, owner, tabs=False, **fields)
        contents[content.id] = content
        return content.id

    top = add("project", "All", None, "u0", rules=NO_RULES) if random.random() < 0.5 else None
    for n, name in enumerate(names):
        read, lead = (Rule(Grantee("group", f"g{n}"), capability, ALLOW) for capability in ("Read", LEADER))
        mine = frozenset({read, lead})
        odd = random.random() < 0.2
        mode = CUSTOMIZABLE if odd else LOCKED_WITHOUT_NESTED
        defaults = MappingProxyType({"workbook": lists[odd], "datasource": frozenset({read})})
        one = add("project", name, top, f"u{n}", rules=mine, mode=mode, defaults=defaults)
        below = add("project", f"{name} Drafts", one, f"u{n}", rules=lists[0] if n % 3 else mine, description=name)
        for number in range(random.randrange(4)):
            book = add("workbook", f"W{number}", below, "u0", rules=random.choice((*lists, lists[0], mine)))
            add("view", "V", book, "u0", rules=random.choice((lists[0], mine)))
    return Site(users=users, groups=groups, contents=contents)


def test_departments_are_told_as_packs_and_planned_back_as_nothing(tmp_path: Path) -> None:
    depart(tmp_path)


@pytest.mark.parametrize("bug", [pytest.param(bug, id=bug.name) for bug in planted("exports")])
def test_a_planted_bug_of_the_export_is_planned_back_as_something(bug: Patch, tmp_path: Path) -> None:
    with in_place(bug), pytest.raises((AssertionError, SettingsError, KeyError)):
        depart(tmp_path)


def depart(folder: Path) -> None:
    """What departments are told as, planned back; and that there were packs, patterns and keys apart among it."""
    packs, patterns, own = 0, 0, 0
    for seed in range(SITES):
        export = told(site := departments(seed))
        packs, own = packs + len(export.packs), own + any("mode" not in one for one in export.projects.values())
        patterns += sum(path.endswith("/*") for entry in export.content for path in entry["paths"])
        nothing_differs(site, folder)
    assert min(packs, patterns, own) > SITES // 4, (packs, patterns, own)


def test_what_the_text_cannot_say_is_not_overwritten_by_the_rules_of_its_project(tmp_path: Path) -> None:
    """Where most contents have the default rules, and one has a list that is left as it is."""
    rules = frozenset({Rule(Grantee("group", "g"), "Read", ALLOW)})
    strange = rules | {Rule(Grantee("group", "g"), "NotYetNamed", ALLOW)}
    books = [Content(f"w{n}", "workbook", f"W{n}", "p", "u", rules=rules if n else strange) for n in range(4)]
    twins = [Content(f"t{n}", "workbook", "Twin", "p", "u", rules=NO_RULES if n else rules) for n in range(2)]
    project = Content("p", "project", "P", None, "u", rules=NO_RULES, defaults=MappingProxyType({"workbook": rules}))
    users, groups = {"u": User("u", "u", "Creator")}, {"g": Group("g", "g")}
    for contents in ([project, *books], [project, *books[1:], *twins], [project, *books, *twins]):
        site = Site(users=users, groups=groups, contents={c.id: c for c in contents})
        assert "contents" not in told(site).projects["P"]
        nothing_differs(site, tmp_path)


def test_acme_is_told_in_few_lines(capsys: pytest.CaptureFixture[str]) -> None:
    exports = [told(site) for site in find_world("acme").sites]
    lines, rows = sum(policy_text(one).count("\n") for one in exports), sum(one.rows for one in exports)
    with capsys.disabled():
        print(f"\nacme's policy has {lines} lines for {rows} rule rows: {lines / rows:.2f} a row")
    assert lines <= 0.3 * rows
    assert max(len(line) for one in exports for line in policy_text(one).split("\n")) <= 120


# -- through the sandbox --------------------------------------------------------------------------------------


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with running("w0") as sandbox:
        yield Bench(sandbox, tmp_path)


def planned(bench: Bench, text: str, scope: str | None = None) -> Plan:
    path = bench.folder / "policy.yaml"
    path.write_text(text, encoding="utf-8")
    return plan_policy(bench.settings, [path], scope)


DESIGNERS = """
packs:
  department:
    parameters: [name, group, designers]
    projects:
      "{name}":
        mode: locked without nested
        leaders: ["group {designers}"]
        leaders_in_description: true
        rules:
        - {group: "{group}", all: View}
        - {group: "{designers}", all: Publish}
      "{name}/Sandbox": {mode: customizable, rules: [{group: "{designers}", all: Publish}]}
use: [{pack: department, with: {name: Design, group: Sales, designers: Finance}}]
"""


def test_a_department_with_a_sandbox_for_designers_is_made_and_unmade(bench: Bench) -> None:
    site = bench.site
    groups = [g.name for g in site.groups.values() if not g.everyone][:2]
    text = DESIGNERS.replace("group: Sales", f"group: {groups[0]}").replace("Finance}", f"{groups[1]}}}")
    plan = planned(bench, text)
    assert [change.op for change in plan.changes][:2] == ["new_project", "new_project"]
    assert plan.impact.rights is not None
    assert plan.impact.rights.verdict == "wider"
    applied = bench.apply(plan)
    assert applied.succeeded, applied.not_done
    project = bench.site.find_content("project:Design")
    assert (project.mode, project.description) == ("LockedToProjectWithoutNested", f"Leaders: group {groups[1]}")
    assert planned(bench, text).changes == ()
    assert bench.apply(undo(bench)).succeeded
    assert bench.site.contents == site.contents


@pytest.mark.parametrize(
    ("word", "expected"), [("locked-down", (False, False)), ("read-only", (True, False)), ("blank", (False, False))]
)
def test_the_three_strategies_of_the_default_project(bench: Bench, word: str, expected: tuple[bool, bool]) -> None:
    assert bench.apply(planned(bench, f"default_project: {word}\n")).succeeded
    site = bench.site
    defaults = site.contents[str(site.default_project_id)].defaults["workbook"]
    everyone = site.all_users
    assert everyone is not None
    mine = {(r.capability, r.mode) for r in defaults if r.grantee.id == everyone.id}
    assert (("Read", "Allow") in mine, ("ViewUnderlyingData", "Allow") in mine) == expected
    assert (("ViewUnderlyingData", "Deny") in mine) is (word != "blank")
    assert planned(bench, f"default_project: {word}\n").changes == ()


def test_lock_in_the_text_then_drift_is_seen_and_put_back(bench: Bench) -> None:
    before = bench.site
    text = policy_text(told(before))
    assert planned(bench, text).changes == ()
    path = next(
        before.path(c.id)
        for c in before.contents.values()
        if (c.kind, c.parent, c.mode) == ("project", None, CUSTOMIZABLE) and list(before.below(c.id))
    )
    (line,) = (one for one in text.splitlines() if one.startswith(f"  {path}:"))
    locked = text.replace(line, line.replace("mode: customizable", "mode: locked without nested"))
    assert locked != text
    plan = planned(bench, locked)
    assert "locked" in " ".join(change.to_do() for change in plan.changes)
    assert bench.apply(plan).succeeded
    with bench.tableau() as server:  # a colleague's script
        item = server.projects.get_by_id(before.find_content(f"project:{path}").id)
        item.content_permissions = "ManagedByOwner"
        server.projects.update(item)
    drift = planned(bench, locked)
    assert [change.op for change in drift.changes] == ["set_mode"]
    (result,) = drift_sarif(drift)["runs"][0]["results"]
    assert result["message"]["text"].endswith(f"lock {path} without nested; nobody can know who changed it last")
    assert result["locations"][0]["physicalLocation"]["region"]["startLine"] > 1
    assert f"nobody can know who changed it last of `{path}`: no event is kept" in " ".join(drift.notes)
    log = bench.folder / "activity.json"
    log.write_text("".join(f"{json.dumps(event)}\n" for event in bench.sandbox.activity.entries), encoding="utf-8")
    keep_activity(bench.settings, [log])
    drift = planned(bench, locked)
    (told_by,) = (note for note in drift.notes if "changed last" in note)
    (result,) = drift_sarif(drift)["runs"][0]["results"]
    for words in (result["message"]["text"], drift.changes[0].because):
        assert "changed last by `ada` on 20" in words
    assert result["locations"][0]["physicalLocation"]["region"]["startLine"] > 1
    assert told_by.startswith(f"`{path}` was changed last by `ada` on 20")
    assert told_by.endswith("(project lock unlock)")
    assert bench.apply(drift).succeeded
    assert planned(bench, locked).changes == ()


def test_an_exception_ends_and_what_is_not_in_the_text_goes(bench: Bench) -> None:
    site = bench.site
    user = next(u.name for u in site.users.values() if u.site_role == "Viewer")
    other = {"user": user, "reason": "audit", "owner": "ada", "expires": "2099-01-01", "workbooks": "View"}
    rows = [{"all_users": True, "project": "View"}]
    text = {"projects": {"Fresh": {"mode": "locked", "rules": rows, "exceptions": [other]}}}
    assert bench.apply(planned(bench, json.dumps(text))).succeeded
    fresh = bench.site.find_content("project:Fresh")
    assert {r.grantee.kind for r in fresh.defaults["workbook"] or ()} == {"user"}
    other["expires"] = "2020-01-01"
    plan = planned(bench, json.dumps(text))
    assert f"the exception for `{user}` expired on 2020-01-01; its rules go" in " ".join(plan.notes)
    assert bench.apply(plan).succeeded
    assert not bench.site.find_content("project:Fresh").defaults["workbook"]


def test_who_loses_what_they_used_is_told(bench: Bench) -> None:
    site = bench.site
    view, egon = site.find_content("view:Ops/W2/V6"), site.find_user("egon")
    text = "content: [{paths: [Ops/W2/V6], rules: []}]"
    assert not [note for note in planned(bench, text).notes if "used it" in note]
    today = datetime.now(UTC).date().isoformat()
    rows = [Usage(today, VIEW, user, view.id, 1, "", "test") for user in (egon.id, "somebody else")]
    keep(bench.settings.store.folder, site.id, rows)
    (note,) = [note for note in planned(bench, text).notes if "used it" in note]
    assert note == "1 of 1 who lose sight of something used it in the last 90 days: `egon: Ops/W2/V6`"


def test_contents_by_pattern_and_owner_and_switches(bench: Bench) -> None:
    site = bench.site
    assert datetime.now(UTC).date().isoformat() >= TODAY or TODAY
    owner = next(site.users[c.owner].name for c in site.contents.values() if c.kind == "workbook")
    group = next(g.name for g in site.groups.values() if not g.everyone)
    rules = [{"group": group, "all": "Explore"}]
    text = {"content": [{"paths": ["*"], "owner": owner, "kind": "workbook", "rules": rules}]}
    plan = planned(bench, json.dumps({**text, "site": {"commenting": False}}))
    assert {change.op for change in plan.changes} <= {"put_rules", "set_setting"}
    assert bench.apply(plan).succeeded
    assert not bench.site.settings.commenting
    assert planned(bench, json.dumps({**text, "site": {"commenting": False}})).changes == ()


def test_every_switch_that_update_site_takes_is_said_switched_and_taken_back(bench: Bench) -> None:
    def switches() -> dict[str, bool]:
        with connected(bench.settings) as connection:
            site = read_site(connection)
        assert bare_site(about_of(site, {})).switches == site.switches  # which a snapshot keeps
        return dict(told(site).site)

    before = switches()
    assert {name.replace(" ", "_") for name in before} == SETTINGS_BY_REST.keys()
    text = json.dumps({"site": {name: not value for name, value in before.items()}})
    plan = planned(bench, text)
    assert {change.op for change in plan.changes} == {"set_setting"}
    assert headline(plan) == f"{len(plan.changes)} changes to the site's settings"
    assert (len(plan.changes), plan.held) == (len(SETTINGS_BY_REST), ())
    assert bench.apply(plan).succeeded
    assert switches() == {name: not value for name, value in before.items()}
    assert planned(bench, text).changes == ()
    assert bench.apply(undo(bench)).succeeded
    assert switches() == before


def test_a_switch_that_the_site_does_not_tell_is_refused_with_its_line(bench: Bench) -> None:
    """As of a release before it came: flows are scheduled since 2020."""
    path = bench.folder / "policy.yaml"
    path.write_text("site:\n  guest access: true\n  flow scheduling: false\n", encoding="utf-8")
    with connected(bench.settings) as connection:
        context, site = Context(bench.settings, connection), read_site(connection)
        assert len(decide(context, site, load_policy([path])).changes) == 2
        older = replace(site, switches={"guest_access": False})
        with pytest.raises(SettingsError, match=r"policy\.yaml:3: this site tells no switch `flow scheduling`"):
            decide(context, older, load_policy([path]))


def test_rules_of_a_single_view_are_wanted_too(bench: Bench) -> None:
    text = "content: [{paths: [Ops/W2/V6], kind: view, rules: [{group: Sales, all: View}]}]"
    plan = planned(bench, text)
    assert {change.of_content.kind for change in plan.changes if change.of_content} == {"view"}
    assert bench.apply(plan).succeeded
    assert planned(bench, text).changes == ()


# -- bad input ------------------------------------------------------------------------------------------------

BAD = """
projects:
  Finance:
    owner: nobody-of-that-name
    mode: lockd
  Ops:
    rules:
    - {group: Nowhere, all: View}
    - {group: All Users, all: View}
    - {user: ada, all: View}
colour: blue
"""
WRONG = """
projects:
  Nowhere/Deep: {mode: locked}
  Finance:
    rules:
    - {group: Nowhere, all: View}
    - {group: All Users, workbooks: Grand}
    - {all_users: true, workbooks: {allow: [Fly]}}
content:
- {paths: [No/Such], rules: []}
"""


UNCLEAR = """
packs:
  one: {parameters: [p], projects: {"{p}": {mode: locked}}}
  two: {parameters: [p], projects: {"{p}/{q}": {mode: locked}}}
use:
- {pack: one, with: [p]}
- one
- {pack: two, with: {p: Ops}}
content:
- {paths: [Ops/W1], kind: wurkbook, rules: []}
"""
TWICE = """
templates:
  Reader: {workbooks: Reader}
  View: {workbooks: {allow: [View]}}
projects:
  Ops: {mode: locked}
  Ops/: {mode: locked}
"""
PARTLY = """
default_project: blank
projects:
  Default: {rules: [{all_users: true, all: View}]}
content:
- {paths: [Ops/W1, Ops/W9], rules: []}
- {paths: [Ops/W1], kind: data source, rules: []}
- {paths: [Ops], rules: []}
- {paths: ["Nowhere/*"], rules: []}
"""


@pytest.mark.parametrize(
    ("text", "lines"),
    [(UNCLEAR, {"6", "7", "8", "10"}), (TWICE, {"3", "4", "7"}), (PARTLY, {"4", "6", "7", "8"})],
    ids=["unclear", "twice", "partly"],
)
def test_nothing_is_left_out_in_silence(bench: Bench, text: str, lines: set[str]) -> None:
    with pytest.raises(SettingsError) as caught:
        planned(bench, text)
    said = [line.partition("policy.yaml:")[2] for line in caught.value.problems]
    assert {line.partition(":")[0] for line in said} == lines


def test_a_name_with_the_letters_of_a_pattern_is_a_path(bench: Bench) -> None:
    site = bench.site
    book = site.find_content("workbook:Ops/W1")
    bench.sandbox.state.put(
        site.with_contents(replace(book, name="W [2026]*", rules=frozenset(list(book.rules or ())[:1])))
    )
    assert planned(bench, policy_text(told(bench.site))).changes == ()
    text = "content: [{paths: ['Ops/W [2026]*'], kind: workbook, rules: []}]"
    assert {change.person for change in planned(bench, text).changes} == {"Ops/W [2026]*"}


def test_every_problem_is_told_at_once_with_its_line(bench: Bench) -> None:
    with pytest.raises(SettingsError) as caught:
        planned(bench, BAD)
    said = [line.partition("policy.yaml:")[2] for line in caught.value.problems]
    assert {line.partition(":")[0] for line in said} == {"5", "10", "11"}
    with pytest.raises(SettingsError) as caught:
        planned(bench, WRONG)
    said = [line.partition("policy.yaml:")[2] for line in caught.value.problems]
    assert {line.partition(":")[0] for line in said} == {"3", "6", "7", "8", "10"}
    assert any("`Nowhere` is no project there" in line for line in said)
    assert any("is everybody; say `all_users: true`" in line for line in said)
    assert any("no template" in line or "is everybody" in line for line in said)


def test_the_schema_and_the_commands(bench: Bench, tmp_path: Path) -> None:
    assert schema()["properties"]["projects"]["type"] == "object"
    bench.read()
    store = bench.settings.store.folder
    out = tmp_path / "exported.yaml"
    assert command_line.run("policy", "export", "--store", store, "--out", out).exit_code == 0
    shown = command_line.run("policy", "export", "--store", store).stdout
    assert shown == out.read_text(encoding="utf-8")
    assert json.loads(command_line.run("policy", "schema").stdout) == schema()
    settings = bench.folder / "settings.yaml"
    checked = command_line.run("plan", "policy", out, "--check", "--settings", settings, "--sarif", tmp_path / "s.json")
    assert checked.exit_code == 0, checked
    assert json.loads((tmp_path / "s.json").read_text(encoding="utf-8"))["runs"][0]["results"] == []
