"""The permission dialog: whose rules count, each grantee's row, and the template it equals."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from small_site import group, group_set, project, site, workbook

from support import command_line
from tabwarden.access.dialog import rows_of
from tabwarden.model.capability import LEGACY_TEMPLATES, TEMPLATES, without_optional
from tabwarden.model.site import Grantee, Rule, Site
from tabwarden.report.dialog import rows_heading
from tabwarden.store import snapshot

VIEWS = ("Read", "Filter", "ViewComments", "AddComment", "ExportImage", "ExportData")


def house(**more: object) -> Site:
    book = workbook(
        "Budget",
        "Finance",
        *(f"group:Staff +{c}" for c in VIEWS),
        "user:ann +Read",
        "user:ann -Filter",
        "groupSet:Both +NotYetNamed",
        "group:All Users +Read",
    )
    return site(
        project("Finance", None, "group:Staff +Read", "group:Staff +Write", "group:Staff +ProjectLeader", **more),  # type: ignore[arg-type]
        book,
        workbook("Overview", "Budget", "user:ann +Read", kind="view"),
        users=["ann:Viewer"],
        groups=[group("Staff", "ann")],
        group_sets={"Both": group_set("Both", "Staff")},
    )


def templates(found: Any) -> dict[str, str]:
    return {row.grantee.id: row.template for row in found.rows}


def test_rows_stand_in_the_order_of_the_dialog_with_their_templates() -> None:
    held = house()
    found = rows_of(held, "Budget")
    assert [row.grantee for row in found.rows or ()] == [
        Grantee("group", "All Users"),
        Grantee("group", "Staff"),
        Grantee("groupSet", "Both"),
        Grantee("user", "ann"),
    ]
    assert templates(found) == {"All Users": "Custom", "Staff": "View", "Both": "Custom", "ann": "Custom"}
    assert found.capabilities[-1] == "NotYetNamed"
    project_rows = rows_of(held, "Finance")
    assert templates(project_rows) == {"Staff": "Publish"}
    assert [row.leads for row in project_rows.rows or ()] == [True]


def test_whose_rules_they_are() -> None:
    held = house()
    view = rows_of(held, "Overview")
    assert (view.governing.level, view.governing.holder) == ("workbook", "Budget")
    assert "because its sheets are shown as tabs" in rows_heading(held, "Overview", view)
    locked = house(mode="LockedToProject", workbook=("group:Staff +Read",))
    under = rows_of(locked, "Overview")
    assert (under.governing.level, under.governing.holder) == ("project_default", "Finance")
    assert templates(under) == {"Staff": "Custom"}
    assert rows_heading(locked, "Overview", under).endswith(
        "the workbook rules of the project Finance, because its permissions are locked"
    )
    defaults = rows_of(locked, "Finance", default_for="workbook")
    assert templates(defaults) == {"Staff": "Custom"}
    assert rows_heading(locked, "Finance", defaults) == "Finance: its default rules for each workbook"


@pytest.mark.parametrize(("kind", "name"), [(k, n) for k, named in TEMPLATES.items() for n in named])
def test_every_current_template_is_recognised(kind: str, name: str) -> None:
    rules = frozenset(Rule(Grantee("group", "g"), c, "Allow") for c in without_optional(kind, name))
    parent = {"project": None, "view": "open"}.get(kind, "Finance")
    held = house().with_contents(workbook("open", "Finance", tabs=False), workbook("x", parent, kind=kind, rules=rules))
    (row,) = rows_of(held, "x").rows or ()
    # Several kinds have nothing in Explore that View has not: the first name is told.
    assert without_optional(kind, row.template) == without_optional(kind, name)


@pytest.mark.parametrize(("kind", "name"), [(k, n) for k, named in LEGACY_TEMPLATES.items() for n in named])
def test_every_legacy_template_is_recognised(kind: str, name: str) -> None:
    members = LEGACY_TEMPLATES[kind][name]
    rules = frozenset(Rule(Grantee("group", "g"), c, "Allow") for c in members)
    held = house().with_contents(workbook("x", None if kind == "project" else "Finance", kind=kind, rules=rules))
    (row,) = rows_of(held, "x").rows or ()
    told = (
        without_optional(kind, row.template)
        if row.template in TEMPLATES[kind]
        else LEGACY_TEMPLATES[kind][row.template]
    )
    assert told == members


def test_a_list_that_was_not_read_has_no_rows() -> None:
    held = house().with_contents(workbook("x", "Finance", rules=None))
    assert rows_of(held, "x").rows is None
    assert rows_of(house().with_contents(workbook("y", "gone")), "y").rows is None


def test_the_command(tmp_path: Path) -> None:
    snapshot.save(house(), tmp_path)

    def typed(*words: str) -> Any:
        return command_line.run("rules", *words, "--snapshots", tmp_path)

    done = typed("Finance/Budget")
    assert done.exit_code == 0, done.output
    lines = done.output.splitlines()
    assert lines[0] == "Finance/Budget: its own rules"
    assert next(line.split("\t") for line in lines if "Filter" in line)[1:] == ["·", "✓", "·", "✗"]
    assert lines[-1] == "without a rule: 1 administrator; bob owns it; adm owns Finance"
    told = json.loads(typed("Finance/Budget", "--json").output)
    assert [row["template"] for row in told["rows"]] == ["Custom", "View", "Custom", "Custom"]
    wrong = typed("Finance/Budget", "--for", "workbooks")
    assert wrong.exit_code == 1
    assert "nobody has a rule" in typed("Finance", "--for", "Data Sources").output
