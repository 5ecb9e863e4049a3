"""Faults beyond one request: their log and pages, the command, the how-to, a half-dead directory, the Metadata API."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
import requests
from paths import ROOT
from sandbox_client import TSC, Raw, error, tsc
from test_sandbox_faults import fault
from watchdog import patience

from tabwarden.model.errors import TabwardenError
from tabwarden.sandbox.directories.directory import DirectoryGroup, pretend_directory
from tabwarden.sandbox.faults.apply import StrickenDirectory
from tabwarden.sandbox.faults.script import KINDS, Fault, Faults, script_from
from tabwarden.sandbox.http.endpoints import TABLE

# -- the log, the pages, the command --------------------------------------------------------------------------


def test_faults_are_counted(box, raw):
    box.strike([fault("internal", every=2), fault("slow", seconds=0, at="GET users")])
    for _ in range(4):
        raw.get("{s}/users")
    assert box.log.faults() == {"internal": 2, "slow": 4} == dict(box.faults.given)
    assert [e.faults for e in box.log.entries[-2:]] == ["slow", "internal,slow"]
    box.strike(None)
    assert raw.get("{s}/users").status_code == 200


def test_faults_are_read_and_replaced_over_http(box, raw):
    page, admin = f"{box.url}/sandbox/faults", {"X-Tableau-Auth": raw.token}
    assert raw.http.put(page, data="faults: []", timeout=patience(10)).status_code == 403
    script = "faults: [{fault: unavailable, at: GET users, times: 1}]"
    assert raw.http.put(page, data=script, headers=admin, timeout=patience(10)).json() == {}
    assert error(raw.get("{s}/users")) == (503, "503000")
    assert raw.http.get(page, headers=admin, timeout=patience(10)).json() == {"unavailable": 1}
    wrong = raw.http.put(page, data="faults: [{fault: x}]", headers=admin, timeout=patience(10))
    assert (wrong.status_code, "no fault `x`" in wrong.text) == (400, True)
    assert raw.http.delete(page, headers=admin, timeout=patience(10)).status_code == 405


def test_the_clock_is_read_and_turned_over_http(box, raw):
    page, admin = f"{box.url}/sandbox/clock", {"X-Tableau-Auth": raw.token}
    now = raw.http.get(page, headers=admin, timeout=patience(10)).json()["now"]
    assert now == box.clock()
    assert raw.http.post(page + "?forward=60", headers=admin, timeout=patience(10)).json()["now"] == now + 60
    for wrong in ("", "?forward=-1", "?forward=x", "?forward=1e9"):
        assert raw.http.post(page + wrong, headers=admin, timeout=patience(10)).status_code == 400
    assert raw.http.put(page, headers=admin, timeout=patience(10)).status_code == 405
    with pytest.raises(ValueError, match="not turned back"):
        box.clock.forward(-1)
    box.clock.forward(241 * 60)
    assert error(raw.get("{s}/users")) == (401, "401002")


def test_the_command_plays_a_script_and_counts(tmp_path):
    script = tmp_path / "faults.yaml"
    script.write_text("seed: 3\nfaults:\n  - {fault: too-many, at: GET users, calls: [1], retry_after: 2}\n")
    command = [sys.executable, "-m", "tabwarden", "sandbox", "--world", "w0", "--port", "0", "--counts"]
    with subprocess.Popen([*command, "--faults", str(script)], stdout=subprocess.PIPE, text=True) as process:
        try:
            url = process.stdout.readline().removeprefix("listening on ").strip()
            box = type("Box", (), {"url": url})
            raw = Raw(box).sign_in()
            statuses = [raw.get("{s}/users").status_code for _ in range(3)]
        finally:
            process.terminate()
            said = process.stdout.read()
    assert statuses == [429, 200, 200]
    assert "3 GET sites/{site}/users\n" in said
    assert "1 fault too-many\n" in said


def test_every_fault_of_the_table_is_described():
    assert all(kind.does for kind in KINDS.values())
    for name, kind in KINDS.items():
        assert set(kind.takes) <= set(Fault.model_fields), name


HOW_TO = ROOT / "docs" / "how-to" / "faults.md"


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```", HOW_TO.read_text(encoding="utf-8"), re.M | re.S)


def test_the_scripts_of_the_how_to_can_be_played():
    assert len(blocks("yaml")) > 4
    for block in blocks("yaml"):
        assert Faults(script_from(block, "of the page"), [e.name for e in TABLE])


def test_the_python_of_the_how_to_runs():
    (block,) = blocks("python")
    exec(compile(block, str(HOW_TO), "exec"), {})


# -- a half-dead directory ------------------------------------------------------------------------------------


def test_a_directory_that_tells_half_or_nothing():
    people = {name: {} for name in ("ann", "ben", "cay", "dan")}
    within = pretend_directory(
        {"domains": {"corp.example": {"users": people, "groups": {"All": {"members": list(people)}}}}}
    )
    group = DirectoryGroup("corp.example", "All")
    faults = Faults([fault("directory-partial", calls=2, share=0.5), fault("directory-timeout", calls=4)])
    struck = StrickenDirectory(within, lambda: faults)
    assert [len(struck.members(group)) for _ in range(3)] == [4, 2, 4]
    with pytest.raises(TabwardenError, match="did not answer"):
        struck.find_group("corp.example", "All")
    assert struck.find_people("corp.example", "ann")
    assert faults.given == {"directory-partial": 1, "directory-timeout": 1}


def test_signing_in_again_is_not_needed_where_nothing_is_struck(box):
    with tsc(box) as server:
        assert server.users.get()[1].total_available == 8
    assert not box.faults
    assert box.log.faults() == {}


def imported(box, server):
    """The group Staff of the directory, imported by Tableau's own client as a job; None where the job failed."""
    group = TSC.GroupItem("Staff", "corp.example")
    group.minimum_site_role = "Unlicensed"
    job = server.groups.create_AD_group(group, asJob=True)
    try:
        server.jobs.wait_for_job(job.id, timeout=patience(20))
    except TSC.server.endpoint.exceptions.JobFailedException:
        return None
    site = box.site("sandbox")
    found = next((g for g in site.groups.values() if g.name == "Staff"), None)
    return None if found is None else {site.users[i].name for i in site.members(found.id)}


def test_a_group_of_a_half_dead_directory(box, server):
    whole = {"mia", "noa", "ivy", "jsmith", "wanda"}
    box.strike([fault("directory-timeout", calls=1), fault("directory-partial", share=0.5)])
    assert not imported(box, server)
    part = imported(box, server)
    assert part
    assert part < whole
    assert box.faults.given == {"directory-timeout": 1, "directory-partial": 1}


# -- the metadata api -----------------------------------------------------------------------------------------


def test_the_metadata_api_is_struck_in_its_own_words(box, raw):
    script = [fault("too-many", at="POST metadata/graphql", calls=1, retry_after=3), fault("html", every=2)]
    query = {"query": "{workbooks{name}}"}
    url, headers = f"{box.url}/api/metadata/graphql", {"X-Tableau-Auth": raw.token}
    box.strike(script)
    refused = requests.post(url, json=query, headers=headers, timeout=patience(10))
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "3")
    assert refused.json()["status"] == 429
    assert requests.post(url, json=query, headers=headers, timeout=patience(10)).status_code == 502
    assert requests.post(url, json=query, headers=headers, timeout=patience(10)).json()["data"]["workbooks"]
    box.strike([fault("expired-token", at="POST metadata/graphql")])
    assert requests.post(url, json=query, headers=headers, timeout=patience(10)).status_code == 401
    assert [e.faults for e in box.log.entries if "graphql" in e.endpoint] == ["too-many", "html", "", "expired-token"]
