"""why, who and what on saved snapshots: sentence, trace, JSON, the checker's grid, several sites, all the names."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from small_site import group, group_set, project, site, workbook
from watchdog import patience

from support import command_line
from tabwarden.model.site import Site, Taken, Use, User
from tabwarden.model.site_settings import SiteSettings
from tabwarden.store import snapshot

LOCKED = "LockedToProject"


def finance() -> Site:
    made = site(
        project("Finance", None, "user:lea +ProjectLeader", workbook=("group:Sales +Read",)),
        project("Locked", None, "group:Leads +ProjectLeader", workbook=("groupSet:Both +Read",), mode=LOCKED),
        workbook(
            "Budget",
            "Finance",
            "group:Sales +Read",
            "user:ann +WebAuthoring",
            "group:Contractors -Read",
            "user:ann +ExportXml",
            "group:All Users -Filter",
            "group:Sales +AIAccess",
            tabs=False,
            uses=(Use("Ledger", "prompt"),),
        ),
        workbook("Overview", "Budget", "user:vic +Read", kind="view"),
        workbook("Ledger", "Finance", "group:Sales +Connect", kind="datasource"),
        workbook("Inner", "Locked"),
        users=["ann:Explorer", "vic:Viewer", "con:Viewer", "lea:Creator", "una:Unlicensed", "odd:RoleOfTomorrow"],
        groups=[
            group("Sales", "ann", "con", "una"),
            group("Contractors", "con"),
            group("Leads", "lea"),
            group("Other", "ann"),
        ],
        id="f",
        name="Finance Site",
        content_url="finance",
        taken=Taken("https://tableau.example.com", "2026-01-02T03:04:05Z", "adm", "SiteAdministratorCreator"),
    )
    double = [
        User("j1", "jane", "Viewer", domain="emea", full_name="Jane of Emea"),
        User("j2", "jane", "Viewer", domain="apac", full_name="Jane of Apac"),
    ]
    twins = [workbook("t1", "Finance"), workbook("t2", "Finance", kind="datasource")]
    return (
        made.with_group_sets(group_set("Both", "Sales", "Other"))
        .with_users(*double)
        .with_contents(*(replace(twin, name="Twin") for twin in twins))
    )


def other() -> Site:
    return site(
        project("Home", None, "group:All Users +Read"),
        workbook("Hello", "Home", "group:All Users +Read"),
        users=["ann:Creator"],
        id="o",
        name="Other Site",
        content_url="other",
        taken=Taken("https://tableau.example.com", "2026-01-02T03:04:06Z", "adm", "SiteAdministratorCreator"),
    )


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("snapshots")
    snapshot.save(finance(), folder)
    snapshot.save(other(), folder)
    return folder


class Told:
    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def lines(self) -> list[str]:
        return [" ".join(line.split()) for line in self.out.splitlines()]


def ask(folder: Path, *words: str, where: str | None = "finance") -> Told:
    chosen = ["--site", where] if where else []
    done = command_line.run(*words, "--snapshots", folder, *chosen)
    return Told(done.exit_code, done.stdout, done.stderr)


# -- why ------------------------------------------------------------------------------------------------------


def test_why_is_a_sentence_and_a_trace_in_order(kept: Path) -> None:
    told = ask(kept, "why", "con", "View", "Finance/Budget")
    assert told.code == 0
    assert told.lines == [
        "con does not have `View` on Finance/Budget: a rule denies it to group Contractors.",
        "it lets a person see the workbook and open it",
        "ceiling Viewer permits it, as does every licensed role",
        "override none: no administrator, owner or leader",
        "level its own rules",
        "decides Deny View to group Contractors",
        "lost Allow View to group Sales, to group deny",
    ]


@pytest.mark.parametrize(
    ("words", "sentence", "lines"),
    [
        (("ann", "Read", "Finance/Budget"), "a rule allows it to group Sales.", ["decides Allow View to group Sales"]),
        (("adm", "Delete", "Finance/Budget"), "Site Administrator Creator may do everything", ["override admin"]),
        (("bob", "Delete", "Finance/Budget"), "bob owns it.", ["override content owner of Finance/Budget"]),
        (("lea", "Delete", "Finance/Budget"), "lea leads the project Finance.", ["override project leader of Finance"]),
        (("lea", "View", "Locked/Inner"), "leads the project Locked through group Leads.", []),
        (
            ("una", "View", "Finance/Budget"),
            "the site role Unlicensed never includes it.",
            ["lost Allow View to group"],
        ),
        (("vic", "Web Edit", "Finance/Budget"), "the site role Viewer never includes it.", ["ceiling Viewer never"]),
        (("vic", "View", "Finance/Budget/Overview"), "a rule allows it to vic in person.", ["level its own rules"]),
        (
            ("ann", "View", "Locked/Inner"),
            "a rule allows it to group set Both.",
            ["level the workbook rules of the project Locked, because its permissions are locked"],
        ),
        (("bob", "Set Permissions", "Locked/Inner"), "permissions are locked to the project Locked", []),
        (("vic", "View", "Finance/Budget"), "nobody allowed it, and what nobody allows is denied.", ["rules none"]),
        (("ann", "Run", "Finance/Budget"), "a workbook has no such capability.", []),
        (("odd", "View", "Finance/Budget"), "the site role RoleOfTomorrow", ["ceiling RoleOfTomorrow is not known"]),
        (("ann", "AIAccess", "Finance/Budget"), "a rule allows it to group Sales.", ["ceiling Explorer is not known"]),
    ],
)
def test_why_for_every_reason(kept: Path, words: tuple[str, ...], sentence: str, lines: list[str]) -> None:
    told = ask(kept, "why", *words)
    assert told.code == 0
    assert sentence in told.lines[0]
    for line in lines:
        assert any(found.startswith(line) for found in told.lines), told.out


@pytest.mark.parametrize(
    "spoken", ["ExportXml", "exportxml", "Download Workbook/Save a Copy", "Download File", "Save As"]
)
def test_why_takes_every_name_of_a_capability(kept: Path, spoken: str) -> None:
    told = ask(kept, "why", "ann", spoken, "Finance/Budget", "--json").json
    assert (told["capability"], told["verdict"]) == ("ExportXml", "allowed")


def test_why_as_json_has_everything(kept: Path) -> None:
    told = ask(kept, "why", "con", "view", "finance/budget", "--json").json
    assert told["taken"] == "2026-01-02T03:04:05Z"
    assert (told["verdict"], told["because"], told["model"]) == ("denied", "group_deny", "current")
    assert told["user"] == {"id": "con", "name": "con", "domain": "local", "site_role": "Viewer"}
    assert told["content"] == {"id": "Budget", "kind": "workbook", "path": "Finance/Budget"}
    sales = {"kind": "group", "id": "Sales", "name": "Sales"}
    assert told["losing"] == [{"grantee": sales, "capability": "Read", "mode": "Allow", "to": "group_deny"}]
    assert [rule["grantee"]["name"] for rule in told["deciding"]] == ["Contractors"]
    assert told["governing"] == {"level": "own", "holder": "Finance/Budget", "kind": "workbook"}
    assert [step["step"] for step in told["trace"]] == ["ceiling", "override", "level", "decides", "lost"]


def test_why_in_the_other_models(kept: Path) -> None:
    assert ask(kept, "why", "bob", "Filter", "Finance/Budget", "--json").json["verdict"] == "allowed"
    strict = ask(kept, "why", "bob", "Filter", "Finance/Budget", "--model", "deny_first")
    assert "in this model any Deny is final, and group All Users is denied." in strict.lines[0]
    wrong = ask(kept, "why", "bob", "Filter", "Finance/Budget", "--model", "newest")
    assert (wrong.code, "no model is called `newest`; models are current, classic" in wrong.err) == (1, True)


def test_why_of_an_ability_lists_its_conditions(kept: Path) -> None:
    told = ask(kept, "why", "ann", "see_data", "Finance/Budget")
    assert told.lines[0].startswith("ann can see data on Finance/Budget: ")
    assert [line.split()[0] for line in told.lines[1:3]] == ["1", "2"]
    assert told.lines[3].startswith("the sources do not settle this: with prompted_needs_view on it is no")
    told = ask(kept, "why", "ann", "ability:web_save_as", "Finance/Budget", "--to", "Finance", "--json").json
    assert (told["verdict"], told["because"], told["action"]) == ("denied", "site_role", "web_save_as")
    assert [part["verdict"] for part in told["conditions"]][-2:] == ["allowed", "denied"]
    heir = ask(kept, "why", "bob", "change content owner", "Finance/Budget", "--to", "vic", "--json").json
    assert heir["verdict"] == "allowed"
    heir = ask(kept, "why", "adm", "assign_project_owner", "Finance", "--to", "vic", "--json").json
    assert (heir["verdict"], heir["because"]) == ("denied", "site_role")


def test_a_switched_off_site_setting_is_told(tmp_path: Path) -> None:
    snapshot.save(replace(finance(), settings=SiteSettings(web_authoring=False)), tmp_path)
    told = ask(tmp_path, "why", "adm", "Web Edit", "Finance/Budget")
    assert told.lines[0].endswith("the site has switched it off.")
    assert "setting the site has switched off web authoring" in told.lines[:3]
    grid = ask(tmp_path, "what", "adm", "Finance/Budget", "--json").json
    assert [a["because"] for a in grid if a["capability"] == "WebAuthoring"] == ["site_setting"]


# -- who ------------------------------------------------------------------------------------------------------


def test_who_lists_the_people_and_what_decided(kept: Path) -> None:
    told = ask(kept, "who", "View", "Finance/Budget")
    assert told.lines[0] == "4 of 10 people may `View` Finance/Budget"
    rows = {line.split("\t")[0]: line for line in told.out.splitlines()[2:] if "\t" in line}
    assert set(rows) == {"adm", "ann", "bob", "lea", "odd"}
    assert "site role Site Administrator Creator" in rows["adm"]
    assert "Allow to group Sales" in rows["ann"]
    assert "owner" in rows["bob"]
    assert "leader of Finance: user lea" in rows["lea"]
    assert "unknown" in rows["odd"]
    everybody = ask(kept, "who", "View", "Finance/Budget", "--all")
    assert "Deny to group Contractors" in everybody.out
    assert "site role Unlicensed" in everybody.out


def test_who_as_json(kept: Path) -> None:
    told = ask(kept, "who", "Download File", "Finance/Budget", "--json").json
    assert told["counts"] == {"allowed": 4, "denied": 5, "unknown": 1}
    assert {p["user"]["name"] for p in told["people"]} == {"adm", "ann", "bob", "lea", "odd"}
    strange = ask(kept, "who", "aiaccess", "Finance/Budget", "--json").json
    assert {p["capability"] for p in strange["people"]} == {"AIAccess"}
    assert {p["ceiling"] for p in strange["people"] if p["user"]["name"] == "ann"} == {"unknown"}


# -- what -----------------------------------------------------------------------------------------------------


def test_what_is_the_checkers_grid_with_who_decided_in_each_cell(kept: Path) -> None:
    told = ask(kept, "what", "ann", "Finance/Budget")
    assert told.lines[0] == "ann, Explorer, on the workbook Finance/Budget"
    cells = {parts[0]: parts[1:] for line in told.out.splitlines()[2:] for parts in [line.split("\t")]}
    assert cells["View"] == ["yes", "Allow to group Sales", "group_allow"]
    assert cells["Filter"] == ["no", "Deny to group All Users", "group_deny"]
    assert cells["Web Edit"] == ["yes", "Allow to user ann", "user_allow"]
    assert cells["Overwrite"] == ["no", "site role Explorer", "site_role"]
    assert cells["Download Full Data"] == ["no", "no rule", "default_deny"]
    assert cells["AIAccess"] == ["yes", "Allow to group Sales", "group_allow"], "a name nobody knows is shown"
    assert len(cells) == 20
    lea = ask(kept, "what", "lea", "Locked/Inner").out
    assert "leader of Locked: group Leads" in lea


def test_what_on_everything(kept: Path) -> None:
    told = ask(kept, "what", "vic", "--json").json
    assert [(c["path"], c["allowed"]) for c in told["contents"]] == [("Finance/Budget/Overview", ["Read"])]
    assert "vic, Viewer, may View 1 things" in ask(kept, "what", "vic").out
    assert ask(kept, "what", "una", "--json").json["contents"] == []
    assert len(ask(kept, "what", "adm", "--json").json["contents"]) == len(finance().contents)


def test_what_on_all_sites_shows_each_role(kept: Path) -> None:
    told = ask(kept, "what", "ANN", "--all-sites", "--json", where=None).json
    assert [(t["site"], t["site_role"], t["licence"], t["views"]) for t in told] == [
        ("finance", "Explorer", "Explorer", 2),
        ("other", "Creator", "Creator", 2),
    ]
    table = ask(kept, "what", "ann", "--all-sites", where=None).out
    assert "Finance Site" in table
    assert "Other Site" in table
    nobody = ask(kept, "what", "zoe", "--all-sites", where=None)
    assert (nobody.code, "no user `zoe` on any site" in nobody.err) == (1, True)
    two = ask(kept, "what", "jane", "--all-sites", "--json", where=None).json
    assert {t["domain"] for t in two} == {"emea", "apac"}


# -- names ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("why", "jane", "View", "Finance/Budget"), ["several users are called `jane`", "emea\\jane", "apac\\jane"]),
        (
            ("why", "ann", "View", "Finance/Twin"),
            ["several things are called `Finance/Twin`", "workbook:", "datasource:"],
        ),
        (("why", "zoe", "View", "Finance/Budget"), ["no user `zoe` on site `Finance Site`"]),
        (("why", "ann", "View", "Finance/Nothing"), ["no content `Finance/Nothing`", "give its path"]),
        (("why", "ann", "Vieww", "Finance/Budget"), ["no capability is called `Vieww`", "near it: `Read`"]),
        (("why", "ann", "ability:fly", "Finance/Budget"), ["no ability is called `fly`; abilities are"]),
        (("why", "ann", "ability:mov", "Finance/Budget"), ["no ability is called `mov`; near it: `move`"]),
        (
            ("why", "ann", "View", "Finance/Budget", "--open-point", "blogg"),
            ["no file that can be read: no such file or directory; near it: `blog`"],
        ),
        (("why", "ann", "View"), ["`View` needs a content"]),
        (("who", "Tomorrow", "Finance/Budget"), ["no capability is called `Tomorrow`"]),
    ],
)
def test_names_that_are_none_or_several_end_with_the_candidates(
    kept: Path, words: tuple[str, ...], told: list[str]
) -> None:
    done = ask(kept, *words)
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("tabwarden: ")
    for part in told:
        assert part in done.err


def test_a_candidate_can_be_typed_as_it_is_listed(kept: Path) -> None:
    assert ask(kept, "why", "emea\\jane", "View", "Finance/Budget").code == 0
    assert ask(kept, "why", "ann", "View", "workbook:Finance/Twin").code == 0
    assert ask(kept, "why", "j1", "View", "t2").code == 0


def test_which_snapshot(kept: Path, tmp_path: Path) -> None:
    several = ask(kept, "why", "ann", "View", "Finance/Budget", where=None)
    assert (several.code, "say which with --site: `finance`, `other`" in several.err) == (1, True)
    none = ask(tmp_path, "why", "ann", "View", "Finance/Budget", where=None)
    assert (none.code, "tabwarden read" in none.err) == (1, True)
    newer = replace(other(), users={}, taken=replace(other().taken, when="2027-01-01T00:00:00Z"))
    older = snapshot.save(other(), tmp_path)
    snapshot.save(newer, tmp_path)
    assert ask(tmp_path, "why", "ann", "View", "Home/Hello", where=None).code == 1, "the newest has no ann"
    assert ask(tmp_path, "why", "ann", "View", "Home/Hello", "--snapshot", str(older), where=None).code == 0


def test_a_site_that_is_not_whole_says_so(tmp_path: Path) -> None:
    part = replace(other(), partial=("permissions of workbooks",))
    part = part.with_contents(replace(part.contents["Hello"], rules=None))
    snapshot.save(part, tmp_path)
    told = ask(tmp_path, "why", "ann", "View", "Home/Hello", where=None)
    assert told.code == 0
    assert "not read: permissions of workbooks; what depends on it is unknown" in told.err
    assert told.lines[0] == (
        "ann may or may not have `View` on Home/Hello: the rules or members that decide were not read."
    )


def test_as_a_process(kept: Path) -> None:
    def run(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "tabwarden", *words, "--snapshots", str(kept)]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=patience(60))

    told = run("why", "ann", "View", "Finance/Budget", "--site", "finance")
    assert (told.returncode, told.stderr) == (0, "")
    assert told.stdout.startswith("ann has `View` on Finance/Budget: a rule allows it to group Sales.\n")
    wrong = run("why", "--no-such-option")
    assert (wrong.returncode, "Traceback" in wrong.stderr) == (1, False)
