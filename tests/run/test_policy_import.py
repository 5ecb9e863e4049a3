"""Other tools' files as policies: each, made after its public format, becomes a text that plans, and the plan holds.

Formats: TabProvision's README; TableauConMan 0.1.18 and tableau-permissions 0.1.0 as packages; the documentation of
Terraform's provider GtheSheep/tableau.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from test_policy import planned
from test_undo_to import Bench

from support import command_line
from tabwarden.importers import imported
from tabwarden.model.errors import SettingsError, UnknownName
from tabwarden.run.policy import policy_text
from tabwarden.sandbox.http.server import running

OTHERS = Path(__file__).parent / "others"
EXPECTED = {
    "tableauconman.yaml": {
        "projects": {"Reports": "locked", "Reports Drafts": "customizable"},
        "lines": [
            "{all_users: true",
            "leaders: [user carl]",
            "Members: {project: View, workbooks: {allow: [Filter, View], deny:",
        ],
        "remarks": ["the template `nowhere` is not in the file", "rules of persons, would go", "run people` keeps"],
    },
    "tableau_permissions.yaml": {
        "projects": {
            "Reports": "locked",
            "Reports/Drafts": None,
            "Open": "customizable",
            "Open/Twice": "customizable",
            "Twice": "customizable",
        },
        "lines": ["{all_users: true", "project: {allow: [View], deny: [Publish]}"],
        "remarks": ["2 projects are called so in the file", "`Fly` is no capability of a data source"],
    },
    "terraform.tfstate": {
        "projects": {"Reports": "locked without nested", "Reports/Drafts": "customizable"},
        "lines": ["owner: carl", "leaders: [group Sales]", "data_sources: {allow: [Connect]}", "paths: [Ops/W1]"],
        "remarks": ["rules of workbook w-nowhere are left out: nothing tells what it is called"],
    },
}


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with running("w0") as sandbox:
        yield Bench(sandbox, tmp_path)


def text_of(name: str, bench: Bench) -> str:
    text = (OTHERS / name).read_text(encoding="utf-8")
    return text.replace("WORKBOOK-OF-THE-SITE", bench.site.find_content("workbook:Ops/W1").id)


@pytest.mark.parametrize("name", EXPECTED)
def test_a_file_of_another_tool_is_a_policy_that_plans(name: str, bench: Bench) -> None:
    expected = EXPECTED[name]
    _, export = imported(text_of(name, bench), bench.site)
    text = policy_text(export)
    assert not [line for line in expected["lines"] if line not in text], text
    assert not [words for words in expected["remarks"] if not any(words in one for one in export.remarks)], text
    assert {path: entry.get("mode") for path, entry in export.projects.items()} == expected["projects"]
    applied = bench.apply(planned(bench, text))
    assert applied.succeeded, applied.not_done
    assert planned(bench, text).changes == ()


def test_what_says_nothing_of_content_plans_nothing_and_tells_what_keeps_people(bench: Bench) -> None:
    tool, export = imported(text_of("tabprovision.xml", bench), None)
    assert tool == "TabProvision"
    text = policy_text(export)
    assert 'tabwarden plan change "give everything of egon to carl"' in text
    assert "2 people and 1 groups are kept by `tabwarden run people`" in text
    assert planned(bench, text).changes == ()


@pytest.mark.parametrize(
    "text",
    [
        '{"terraform_version": "1", "resources": [{"type": "tableau_project"',
        "permission_templates: [",
        "<SiteProvisioning><User",
        '<!DOCTYPE x [<!ENTITY a "b">]><SiteProvisioning/>',
    ],
)
def test_a_broken_file_is_told(text: str) -> None:
    with pytest.raises(SettingsError):
        imported(text, None)


def test_a_file_of_nobody_is_told_and_odd_ones_say_little() -> None:
    with pytest.raises(UnknownName, match="no file of TabProvision, Terraform"):
        imported("hello", None)
    odd = "permission_templates: 3\nprojects: [4, {project_path: A, permission_set: [1, {group_name: G}]}]"
    assert imported(odd, None)[1].projects["A"] == {}
    with pytest.raises(UnknownName, match="names no project and no rule; is it whole"):
        imported("permission_templates: 3", None)
    odd = (
        "permission_templates: [{name: T, workbook: {Read: Alow, Filter: Allow}}]\n"
        "projects: [{project_path: A, content_permissions: Lokked,"
        " permission_set: [{group_name: G, permission_rule: T}]}]"
    )
    export = imported(odd, None)[1]
    assert "mode" not in export.projects["A"]
    left_out = [words for words in export.remarks if "left out" in words]
    assert left_out == [
        "A: `Lokked` is no permissions mode and left out",
        "A: `Read` is left out: `Alow` is neither Allow nor Deny",
    ]


def test_the_command(bench: Bench, tmp_path: Path) -> None:
    out = tmp_path / "imported.yaml"
    store = bench.settings.store.folder
    file = OTHERS / "tableauconman.yaml"
    assert command_line.run("policy", "import", file, "--out", out).exit_code == 0
    assert out.read_text(encoding="utf-8").startswith("# as TableauConMan has it\n")
    assert command_line.run("policy", "import", file, "--store", store).exit_code == 1
    bench.read()
    shown = command_line.run("policy", "import", file, "--store", store)
    assert shown.stdout == out.read_text(encoding="utf-8")
