"""tableau-api-lib, unmodified and in JSON: a script of calls that all succeed, and data frames of the right shape."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from foreign_clients import python_of_clients
from watchdog import patience

from tabwarden.sandbox.http.server import running

CALLS = Path(__file__).with_name("calls.py")
PEOPLE = {"id", "name", "fullName", "email", "siteRole", "lastLogin", "domain"}
# Columns that must be there, and rows, of each data frame at that point of the script.
FRAMES = {
    "get_users_dataframe": (PEOPLE, 9),
    "get_groups_dataframe": ({"id", "name", "domain"}, 5),
    "get_group_users_dataframe": (PEOPLE, 1),
    "get_projects_dataframe": ({"id", "name", "contentPermissions", "parentProjectId", "owner"}, 7),
    "get_workbooks_dataframe": ({"id", "name", "project", "owner", "showTabs", "tags"}, 3),
    "get_views_dataframe": ({"id", "name", "contentUrl", "usage_totalViewCount"}, 8),
    "get_datasources_dataframe": ({"id", "name", "project", "owner", "type"}, 2),
}
FOUND = {
    "get_users_on_site": 9,
    "get_users_in_group": 1,
    "get_groups_for_a_user": 2,
    "query_groups": 5,
    "query_projects": 7,
    "query_workbooks_for_site": 3,
    "query_workbooks_for_user": 0,
    "query_flows_for_user": 0,
    "query_data_sources": 2,
}


@pytest.fixture(scope="module")
def ran():
    """The sandbox after the script, its site before, and every line that was told."""
    with running("w0") as box:
        before = box.site("sandbox")
        done = subprocess.run(
            [python_of_clients(), str(CALLS), box.url],
            capture_output=True,
            text=True,
            check=False,
            timeout=patience(60),
        )
        assert done.returncode == 0, done.stderr
        yield box, before, [json.loads(line) for line in done.stdout.splitlines()]


def test_every_call_succeeds(ran):
    _box, _before, lines = ran
    calls = [line for line in lines if "call" in line]
    assert len(calls) == 34
    assert [line for line in calls if not 200 <= line["status"] < 300] == []


def test_lists_hold_what_there_is(ran):
    _box, _before, lines = ran
    assert {line["call"]: line["found"] for line in lines if line.get("call") in FOUND} == FOUND


@pytest.mark.parametrize("name", FRAMES)
def test_data_frames_have_their_shape(ran, name):
    columns, rows = FRAMES[name]
    (line,) = [line for line in ran[2] if line.get("frame") == name]
    assert columns <= set(line["columns"])
    assert line["rows"] == rows


def test_the_site_is_as_it_was(ran):
    box, before, _lines = ran
    after = box.site("sandbox")
    assert (after.users.keys(), after.groups.keys()) == (before.users.keys(), before.groups.keys())
    assert after.contents.keys() == before.contents.keys()


def test_it_only_asked_what_the_table_knows(ran):
    box, _before, _lines = ran
    assert all(entry.endpoint for entry in box.log.entries)
