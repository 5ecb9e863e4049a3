"""What a policy gets wrong is told at planning, each with its line: a problem stops, what is only dead is noted."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tabwarden.model.errors import SettingsError
from tabwarden.model.site import Content, Group, Site, User
from tabwarden.sandbox.worlds.finding import find_world
from tabwarden.settings.policy import load_policy
from tabwarden.want.policy.wanted import wanted_content

TODAY = "2026-11-29"
PACKS = """
packs:
  team: {parameters: [name, group], projects: {"{name}": {rules: [{group: "{group}", all: View}]}}}
  data: {parameters: [name], content: [{paths: ["{name}/D1"], rules: [{group: Sales, all: {deny: [View]}}]}]}
  open: {parameters: [name], content: [{paths: ["{name}/D1"], rules: [{group: Sales, all: View}]}]}
use:
"""
PROBLEMS = {
    "a path that fits nothing": ("content: [{paths: [Ops/W77], rules: []}]", 1, "no content `Ops/W77`"),
    "a path in a project that is not there": (
        "projects:\n  Nowhere/Deep: {}",
        2,
        "`Nowhere` is no project there or in the policy; name it as well",
    ),
    "a project among the contents": (
        "content:\n- {paths: [Ops], rules: []}",
        2,
        "`Ops` is a project; say its rules below `projects`",
    ),
    "a group that is nowhere": (
        "projects:\n  Ops:\n    rules:\n    - {group: Sails, all: View}",
        4,
        "no group `Sails` on site `Sandbox`; near it: `Sales`",
    ),
    "everybody by habit": (
        "projects:\n  Ops:\n    rules:\n    - {group: All Users, all: View}",
        4,
        "is everybody; say `all_users: true`",
    ),
    "a template that the kind lacks": (
        "projects:\n  Ops:\n    rules:\n    - {group: Sales, workbooks: Connector}",
        4,
        "no template of a workbook is called `Connector`",
    ),
    "an own template that the kind lacks": (
        "templates: {Mine: {project: View}}\nprojects:\n  Ops: {rules: [{group: Sales, workbooks: Mine}]}",
        3,
        "no template of a workbook is called `Mine`",
    ),
    "a capability that the kind lacks": (
        "projects:\n  Ops:\n    rules:\n    - {group: Sales, data_sources: {allow: [Add Comments]}}",
        4,
        "a data source has no capability `Add Comments` that a rule could give",
    ),
    "a capability that is nowhere": (
        "projects:\n  Ops:\n    rules:\n    - {group: Sales, workbooks: {allow: [Fly]}}",
        4,
        "`Fly`",
    ),
    "two packs that say one project": (
        PACKS + "- {pack: team, with: {name: Ops, group: Sales}}\n- {pack: team, with: {name: Ops, group: Finance}}",
        8,
        "`Ops` is said twice by packs, here and in line 7",
    ),
    "two packs that say what is said of the project itself too": (
        "projects: {Ops: {mode: locked}}"
        + PACKS
        + "- {pack: team, with: {name: Ops, group: Sales}}\n- {pack: team, with: {name: Ops, group: Finance}}",
        8,
        "`Ops` is said twice by packs, here and in line 7",
    ),
    "a pack whose parameters are no list": (
        "packs:\n  team: {parameters: 5, projects: {Ops: {}}}\nuse: [{pack: team}]",
        2,
        "`packs.team.parameters`",
    ),
    "a pack whose projects are a list": (
        "packs:\n  team: {projects: [Ops]}\nuse: [{pack: team}]",
        2,
        "`packs.team.projects`",
    ),
    "a pack that says nothing of a project": (
        "packs:\n  team: {projects: {Ops: null}}\nprojects: {Ops: {}}\nuse: [{pack: team}]",
        2,
        "`packs.team.projects.Ops`",
    ),
    "a pack whose content is no list": (
        "packs:\n  team: {content: 5}\nuse: [{pack: team}]",
        2,
        "`packs.team.content`",
    ),
    "content that is no list beside a pack with some": (
        "content: 5" + PACKS + "- {pack: open, with: {name: Ops}}",
        1,
        "`content`",
    ),
    "a row that says nothing": (
        "projects:\n  Ops:\n    rules:\n    - {group: Sales}",
        4,
        "nothing is said; say a kind, as in `workbooks: View`",
    ),
    "a project without a name": ("projects:\n  '/': {}", 2, "ends in no name that a project may have"),
    "a name with a space before it": ("projects:\n  Ops/ New: {}", 2, "ends in no name that a project may have"),
    "two packs that contradict about a content": (
        PACKS + "- {pack: data, with: {name: Ops}}\n- {pack: open, with: {name: Ops}}",
        8,
        "`Sales` is allowed and denied the same, also in",
    ),
    "rules below a lock": (
        "projects:\n  Ops: {mode: locked}\n  Ops/Sub: {mode: customizable}",
        3,
        "`Ops` locks what is in it; take mode, rules and leaders out, or lock that without nested",
    ),
    "an owner who may not own": (
        "projects:\n  Ops:\n    owner: vic",
        2,
        "`vic` is Viewer and may own no project; name somebody who publishes",
    ),
    "an owner who is nowhere": ("projects:\n  Ops:\n    owner: nobody", 2, "no user `nobody` on site"),
    "a leader who is nowhere": ("projects:\n  Ops:\n    leaders: [user nobody]", 2, "no user `nobody` on site"),
    "a rule for a person without a reason": (
        "projects:\n  Ops:\n    rules:\n    - {user: ada, all: View}",
        4,
        "a rule for one person needs a `reason`",
    ),
    "an exception without an end": (
        "projects:\n  Ops:\n    rules: []\n    exceptions:\n    - {user: ada, reason: r, owner: carl, all: View}",
        5,
        "expires",
    ),
    "a key that is none": ("projects:\n  Ops:\n    lokked: true", 3, "nothing is called so here"),
    "a key that is nearly one": ("projects:\n  Ops:\n    leders: []", 3, "did you mean `leaders`?"),
    "a pack that is nearly one": (
        "packs: {team: {projects: {}}}\nuse:\n- {pack: taem}",
        3,
        "there is no pack `taem`; near it: `team`",
    ),
    "a key of a rule that is nearly one": (
        "projects:\n  Ops:\n    rules:\n    - {group: Sales, workbook: View}",
        4,
        "`projects.Ops.rules[1].workbook`: nothing is called so here; did you mean `workbooks`?",
    ),
    "capabilities that are no list": (
        "projects:\n  Ops:\n    rules:\n    - {group: Sales, workbooks: {allow: View}}",
        4,
        "`projects.Ops.rules[1].workbooks.allow`: must be a list such as `[a, b]`",
    ),
    "a list in place of a cell": (
        "templates:\n  Reader:\n    workbooks: [View, Filter]",
        3,
        "`templates.Reader.workbooks`: must be a text, or a mapping of keys and values",
    ),
    "projects as a list": ("projects:\n- name: Ops", 1, "`projects`: must be a mapping of keys and values"),
    "a list at the top": ("- Ops", 1, "must be a mapping of sections such as `projects:`"),
    "a switch that is none": ("site:\n  teleport: true", 2, "teleport"),
}
NOTES = {
    "default rules of views": (
        "projects:\n  Ops: {rules: [{group: Sales, views: View}]}",
        2,
        "default rules for each view are left out: views have those of workbooks",
    ),
    "default rules of what is not there": (
        "projects:\n  Ops: {rules: [{group: Sales, ask_data_lenses: View}]}",
        2,
        "default rules for each Ask Data lens are left out: none were read, for nothing of it is there",
    ),
    "a capability that the ceiling makes dead": (
        "projects:\n  Ops:\n    rules:\n    - {group: Lookers, workbooks: {allow: [View, Web Edit]}}",
        4,
        "nobody in `Lookers` has a site role for `WebAuthoring` on a workbook",
    ),
    "a lock over a nested customized project": (
        "projects:\n  Ops:\n    mode: locked",
        2,
        "the lock overwrites the rules of customizable projects in it: `Ops/Sub`",
    ),
    "a leader who is Viewer": (
        "projects:\n  Ops:\n    leaders: [user vic]",
        2,
        "leaders who publish nothing lead by halves: `vic`",
    ),
    "rules on what a lock governs": (
        "content:\n- {paths: [Vault/W9], rules: []}",
        2,
        "`Vault/W9` has no rules of its own, for its project is locked",
    ),
    "rules on sheets that are tabs": (
        "content:\n- {paths: [Ops/W9/V9], rules: []}",
        2,
        "`Ops/W9/V9` has no rules of its own, for its sheets are shown as tabs",
    ),
    "a row that says nothing of what fits": (
        "content:\n- {paths: [Ops/W2], rules: [{group: Sales, flows: View}]}",
        2,
        "the row of `Sales` says nothing of workbook, which is what fits",
    ),
    "a pattern that fits nothing yet": ("content:\n- {paths: [Ops/Later*], rules: []}", 2, "nothing fits as yet"),
    "an exception that has ended": (
        "projects:\n  Ops: {rules: [], exceptions: [{user: ada, reason: r, owner: o, expires: 2020-01-01, all: View}]}",
        2,
        "the exception for `ada` expired on 2020-01-01; its rules go",
    ),
}


@pytest.fixture(scope="module")
def site() -> Site:
    """w0 with a group of Viewers, a workbook under a lock and one with tabs."""
    (site,) = find_world("w0").sites
    vic = (
        User("vic-id", "vic", "Viewer") if "vic" not in {u.name for u in site.users.values()} else site.find_user("vic")
    )
    ops, vault = (site.find_content(f"project:{name}").id for name in ("Ops", "Vault"))
    site = site.with_users(replace(vic, site_role="Viewer")).with_groups(
        Group("lookers", "Lookers", members=frozenset({vic.id}))
    )
    book = Content("w9", "workbook", "W9", vault, vic.id, rules=frozenset())
    tabbed = Content("w8", "workbook", "W9", ops, vic.id, rules=frozenset(), tabs=True)
    return site.with_contents(book, tabbed, Content("v9", "view", "V9", "w8", vic.id, rules=frozenset()))


@pytest.mark.parametrize(("text", "line", "words"), PROBLEMS.values(), ids=PROBLEMS)
def test_a_problem_is_told_with_its_line(text: str, line: int, words: str, site: Site, tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(text, encoding="utf-8")
    try:
        problems = list(wanted_content(site, load_policy([path]), TODAY).problems)
    except SettingsError as error:
        problems = error.problems
    (problem,) = problems
    assert problem.startswith(f"{path}:{line}: ")
    assert words in problem


@pytest.mark.parametrize(("text", "line", "words"), NOTES.values(), ids=NOTES)
def test_what_is_dead_is_noted_with_its_line(text: str, line: int, words: str, site: Site, tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(text, encoding="utf-8")
    wanted = wanted_content(site, load_policy([path]), TODAY)
    assert not wanted.problems
    (note,) = wanted.notes
    assert note.startswith(f"{path}:{line}: ")
    assert words in note


def test_a_pack_of_one_file_is_used_in_another(tmp_path: Path) -> None:
    files = {"packs": PACKS.removesuffix("use:\n"), "use": "use: [{pack: team, with: {name: Ops, group: Sales}}]"}
    for name, text in files.items():
        (tmp_path / f"{name}.yaml").write_text(text, encoding="utf-8")
    (project,) = load_policy([tmp_path]).projects
    assert project.path == "Ops"
    (tmp_path / "again.yaml").write_text(files["packs"], encoding="utf-8")
    with pytest.raises(SettingsError, match="the pack `team` is said already in another file"):
        load_policy([tmp_path])
