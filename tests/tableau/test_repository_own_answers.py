"""Tableau's own answers in the repository held against ours, in a real PostgreSQL with functions made for it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from command_line import run
from workgroups import PASSWORD, Workgroup, workgroup

from tabwarden.sandbox.worlds.finding import find_world

OWNERS = """
create function perm_users_{kind}s_capabilities(p_site_id integer, p_user_ids integer[])
returns table (user_id integer, {kind}_id integer, capability_id integer, has_permission boolean, reason varchar) as $$
  select u.id, c.id, k.id, true, 'owner'::varchar from {kind}s c join users u on u.id = c.owner_id, capabilities k
  where c.site_id = p_site_id and u.id = any(p_user_ids) and k.name = '{capability}'
$$ language sql stable security definer
"""


@pytest.fixture
def w0(postgres: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workgroup]:
    with workgroup(postgres.admin, find_world("w0")) as made:
        options = made.options
        (tmp_path / "settings.yaml").write_text(
            "tableau:\n  server: https://tableau.example.com\n  site: sandbox\n  auth: {pat: {name: t, secret: s}}\n"
            f"  repository: {{host: {options.host}, port: {options.port}, database: {options.database}, "
            "password: 'file:word.txt'}\nstore: {folder: store}\n"
        )
        (tmp_path / "word.txt").write_text(PASSWORD)
        monkeypatch.chdir(tmp_path)
        yield made


def told(code: int) -> dict[str, dict[str, Any]]:
    ran = run("conformance", "--repository", "--people", "99", "--json")
    assert ran.exit_code == code, ran.stderr
    text = Path("conformance.json").read_text()
    assert json.loads(text) == json.loads(ran.stdout)
    assert not [word for word in ("ada", "corp.example", "tableau.example", "Sandbox") if word in text]
    return {check["check"]: check for check in json.loads(text)["checks"]}


def test_where_there_are_no_functions_that_is_said(w0: Workgroup) -> None:
    (only,) = told(0).values()
    assert (only["verdict"], "shows no functions" in only["why"]) == ("not tried", True)


def test_what_they_say_is_held_against_ours(w0: Workgroup) -> None:
    """Owners may on what they own, which we say too; of a planted answer that nobody gave, the difference is told."""
    w0.run(
        OWNERS.format(kind="workbook", capability="read"),
        "create function perm_users_flows_capabilities(who text) returns boolean as 'select true' language sql",
        "create function perm_users_views_capabilities(p_user_id integer) returns integer as 'select 1' language sql",
        OWNERS.format(kind="datasource", capability="read"),
        "revoke execute on function perm_users_datasources_capabilities from public",
        OWNERS.format(kind="project", capability="read").replace("u.id = c.owner_id", "true"),
    )
    trials = told(2)
    assert trials["perm_users_workbooks_capabilities"]["verdict"] == "holds"
    assert ", 0 differ" in trials["perm_users_workbooks_capabilities"]["why"]
    for name, why in (("flows", "`who`"), ("datasources", "may not call it"), ("views", "nobody has written down")):
        trial = trials[f"perm_users_{name}_capabilities"]
        assert (trial["verdict"], why in trial["why"]) == ("not tried", True), trial
    planted = trials["perm_users_projects_capabilities"]
    assert planted["verdict"] == "differs"
    assert "Read of a project is allowed (owner) there and denied (default_deny) here" in planted["why"]


def test_one_that_asks_for_one_thing_at_a_time(w0: Workgroup) -> None:
    w0.run(
        "create function perm_users_workbooks_capabilities(site_id integer, user_id integer, workbook_id integer)"
        " returns table (capability varchar, permission integer) as $$ select 'read'::varchar, case when exists"
        " (select 1 from workbooks w where w.id = $3 and w.owner_id = $2) then 3 else 4 end $$ language sql"
        " security definer"
    )
    (only,) = told(2).values()
    assert "Read of a workbook is denied there and allowed" in only["why"]
