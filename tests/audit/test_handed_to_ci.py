"""What CI is given, judged by others: the examples by the hosts' own schemas, SARIF and JUnit by other readers."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest
from command_line import run
from foreign_clients import python_of_clients
from paths import ROOT
from test_findings import SALES, WHOLE, site_of

from tabwarden.store.history import History

PAGE = ROOT / "docs" / "how-to" / "findings-in-ci.md"
READS_SARIF = """
import json, sys
from sarif_pydantic import Sarif
log = Sarif.model_validate(json.load(open(sys.argv[1])))
print(json.dumps([[r.rule_id, r.level.value, r.message.text] for r in log.runs[0].results]))
"""
READS_JUNIT = """
import json, sys
from junitparser import JUnitXml, Failure, Skipped
xml = JUnitXml.fromfile(sys.argv[1])
kinds = {case.name: [type(one).__name__ for one in case.result] for suite in xml for case in suite}
print(json.dumps([xml.tests, xml.failures, kinds]))
"""


def judged(*words: str) -> str:
    """What a program of that environment says; it must end well."""
    python = python_of_clients(".venv/ci", "tests/ci.txt")
    ended = subprocess.run([python, *words], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A SARIF and a JUnit file of a site with findings and hostile names."""
    monkeypatch.chdir(tmp_path)
    names = {"Sales \x1b[31m<b>&": SALES, "Ümläut/\u202eevil": SALES}
    with History(tmp_path / "store") as history:
        history.keep(site_of({"projects": {name.replace("/", "%2F"): project for name, project in names.items()}}))
    assert WHOLE.when
    run("lint", "--sarif", "s.sarif", "--junit", "j.xml", "--store", "store")
    return tmp_path


@pytest.mark.parametrize(("block", "schema"), [(0, "vendor.github-workflows"), (1, "vendor.gitlab-ci")])
def test_the_examples_fit_the_hosts_schemas(block: int, schema: str, tmp_path: Path) -> None:
    example = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)[block]
    path = tmp_path / "example.yml"
    path.write_text(example, encoding="utf-8")
    judged("-m", "check_jsonschema", "--builtin-schema", schema, str(path))
    path.write_text(example.replace("runs-on", "runs-in").replace("reports:\n", "reports: 5\n"), encoding="utf-8")
    with pytest.raises(AssertionError):
        judged("-m", "check_jsonschema", "--builtin-schema", schema, str(path))


@pytest.mark.parametrize("command", ["lint", "check"])
@pytest.mark.parametrize("block", [0, 1])
def test_the_examples_call_commands_by_words_they_take(block: int, command: str) -> None:
    example = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)[block]
    helps = run(command, "--help").output
    (line,) = re.findall(rf"tabwarden {command} (.*)", example)
    assert all(f"{word} " in helps or f"{word}," in helps for word in re.findall(r"--[a-z-]+", line))


def test_another_reader_reads_the_sarif(files: Path) -> None:
    results = json.loads(judged("-c", READS_SARIF, str(files / "s.sarif")))
    assert ["all-users-denied", "error"] in [result[:2] for result in results]
    assert any("Ümläut" in text for _, _, text in results)
    assert not any("\x1b" in text or "\u202e" in text for _, _, text in results)


def test_another_reader_reads_the_junit(files: Path) -> None:
    tests, failures, kinds = json.loads(judged("-c", READS_JUNIT, str(files / "j.xml")))
    assert tests == len(kinds)
    assert failures == sum("Failure" in kind for kind in kinds.values())
    assert kinds["tokens"] == ["Skipped"]
    assert kinds["all-users-denied"] == ["Failure"]
    assert kinds["guest-access"] == []


INVARIANTS = """
invariants:
- {name: "no \\e[31m<Deny>", no_rule: {for: all users, mode: Deny}}
- {name: none in Ümläut, nobody: [user ann], may: View, on: "Ümläut*"}
- {name: nobody overwrites, nobody: [user ann], may: Overwrite}
"""


def test_other_readers_read_what_check_says(files: Path) -> None:
    (files / "invariants.yaml").write_text(INVARIANTS, encoding="utf-8")
    ended = run("check", "--sarif", "c.sarif", "--junit", "c.xml", "--store", "store")
    assert ended.exit_code == 3, ended.output
    results = json.loads(judged("-c", READS_SARIF, "c.sarif"))
    assert {level for _, level, _ in results} == {"error"}
    assert any("Ümläut" in text for _, _, text in results)
    assert not any("\x1b" in text or "\u202e" in text for _, _, text in results)
    lines = {
        result["locations"][0]["physicalLocation"]["region"]["startLine"]
        for result in json.loads((files / "c.sarif").read_text())["runs"][0]["results"]
    }
    assert lines <= {3, 4}
    tests, failures, kinds = json.loads(judged("-c", READS_JUNIT, "c.xml"))
    assert (tests, failures) == (3, len(lines))
    assert kinds["nobody overwrites"] == []
