"""A description changed over REST is a difference, is put back by a plan, and is shown where people look."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import tableauserverclient as TSC  # noqa: N812
from reading_folder import Desk

from tabwarden.sandbox.http.server import Sandbox, running

PAT = "pat: {name: tok, secret: sec}"


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path, "", "sandbox")


def describe(sandbox: Sandbox, words: str) -> None:
    """As a person does it with Tableau's own client: a project and a workbook."""
    server = TSC.Server(sandbox.url, use_server_version=True)
    with server.auth.sign_in(TSC.PersonalAccessTokenAuth("tok", "sec", "sandbox")):
        project = next(p for p in TSC.Pager(server.projects) if p.name == "Vault")
        project.description = words
        server.projects.update(project)
        workbook = next(w for w in TSC.Pager(server.workbooks) if w.project_name == "Vault")
        workbook.description = words
        server.workbooks.update(workbook)


def test_a_changed_description_is_told_put_back_and_shown(desk: Desk) -> None:
    with running("w0") as sandbox:
        desk.settings(PAT, url=sandbox.url)
        before = sandbox.site("sandbox")
        assert desk.run("read").code == 0
        describe(sandbox, "ask the night shift first")
        changed = sandbox.site("sandbox")
        named = [c.id for c in before.contents.values() if changed.contents[c.id].description != c.description]
        assert len(named) == 2
        assert desk.run("read").code == 0

        diff = json.loads(desk.run("diff", "1", "2", "--json").out)
        facts = {(f["id"], f["what"]): (f["before"], f["after"]) for f in diff["facts"]}
        assert {key for key, _ in facts if _ == "description"} == set(named)
        assert all(facts[key, "description"][1] == "ask the night shift first" for key in named)
        assert diff["shifts"] == []
        assert "ask the night shift first" in desk.run("rules", "Vault").out
        listed = json.loads(desk.run("projects", "--json").out)["projects"]
        vault = next(row for row in listed if row["path"] == "Vault")
        assert vault["description"] == "ask the night shift first"
        leaders = {row["path"]: [one["name"] for one in row["leaders"]] for row in listed}
        shown = desk.run("projects").out
        for path, names in leaders.items():
            rules = json.loads(desk.run("rules", path, "--json").out)
            assert [one["name"] for one in rules["leaders"][path]] == names
            assert not names or any(", ".join(names) in line for line in shown.splitlines() if path in line)
        assert any(leaders.values()), "somebody leads a project of that world"

        assert desk.run("plan", "undo", "--to", "1", "--out", "plan.json").code == 2
        plan = json.loads((desk.folder / "plan.json").read_text())
        assert {change["op"] for change in plan["changes"]} == {"set_description"}
        assert desk.run("apply", "plan.json").code == 0
        after = sandbox.site("sandbox")
        assert [after.contents[c].description for c in named] == [before.contents[c].description for c in named]
        assert "nothing" in desk.run("plan", "undo", "--to", "1").out
