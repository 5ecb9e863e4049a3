"""`tabwarden read --repository` from outside: what it prints, what it keeps, what it refuses."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from test_docs import DOCS, Terminal, console_blocks, matches
from watchdog import patience
from workgroups import PASSWORD, Workgroup, workgroup

from tabwarden.sandbox.http.server import running
from tabwarden.sandbox.worlds.finding import find_world


def tabwarden(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tabwarden", *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=patience(120), check=False)


@pytest.fixture(scope="module")
def acme(postgres: Any) -> Iterator[Workgroup]:
    with workgroup(postgres.admin, find_world("acme")) as made:
        yield made


def settings(folder: Path, made: Workgroup, server: str = "https://tableau.example.com") -> None:
    options = made.options
    (folder / "settings.yaml").write_text(
        f"tableau:\n  server: {server}\n  site: acme-lab\n"
        "  auth: {pat: {name: tabwarden, secret: acme-demo-secret}}\n"
        f"  repository: {{host: {options.host}, port: {options.port}, database: {options.database}, "
        "password: 'file:word.txt'}\nstore: {folder: store}\n"
    )
    (folder / "word.txt").write_text(PASSWORD)


@pytest.mark.slow
def test_the_page_prints_what_it_says(acme: Workgroup, tmp_path: Path) -> None:
    settings(tmp_path, acme)
    terminal = Terminal(tmp_path)
    shown = [pair for block in console_blocks(DOCS / "how-to" / "read-the-repository.md") for pair in block]
    assert len(shown) == 2
    for command, written in shown:
        printed = terminal.type(command)
        assert matches(written, printed), f"$ {command}\n--- written\n{written}\n--- printed\n{printed}"
        assert PASSWORD not in printed


def test_every_site_a_snapshot_each(acme: Workgroup, tmp_path: Path) -> None:
    settings(tmp_path, acme)
    ran = tabwarden(tmp_path, "read", "--repository", "--all-sites", "--json")
    assert ran.returncode == 0, ran.stderr
    told = json.loads(ran.stdout)["sites"]
    assert [(one["snapshot"], one["site"], one["users"]) for one in told] == [
        (1, "Acme", 401),
        (2, "Acme Europe", 81),
        (3, "Acme Lab", 41),
    ]


def test_the_sites_of_the_list_in_one_transaction_a_server(acme: Workgroup, tmp_path: Path) -> None:
    settings(tmp_path, acme)
    path = tmp_path / "settings.yaml"
    path.write_text(path.read_text() + "sites: [acme-lab, 'acme-e*']\n")
    ran = tabwarden(tmp_path, "read", "--repository", "--site", "all", "--json")
    assert ran.returncode == 0, ran.stderr
    assert [one["site"] for one in json.loads(ran.stdout)["sites"]] == ["Acme Europe", "Acme Lab"]
    ran = tabwarden(tmp_path, "read", "--repository", "--site", "*-lab", "--json")
    assert [one["site"] for one in json.loads(ran.stdout)["sites"]] == ["Acme Lab"]
    other = (
        "  - {site: x, settings: {tableau: {server: 'https://b.example.com', "
        "repository: {host: 127.0.0.1, port: 9, password: p}}}}\n"
    )
    path.write_text(path.read_text().replace("sites: [acme-lab, 'acme-e*']\n", f"sites:\n  - acme-lab\n{other}"))
    ran = tabwarden(tmp_path, "read", "--repository", "--all-sites", "--json")
    assert ran.returncode == 1
    near, far = json.loads(ran.stdout)["sites"]
    assert [one["site"] for one in near["answer"]["sites"]] == ["Acme Lab"]
    assert (far["server"], far["exit_code"]) == ("https://b.example.com", 1)
    assert "`127.0.0.1:9` does not listen" in far["error"]["message"]


def test_it_is_what_the_server_lists(acme: Workgroup, tmp_path: Path) -> None:
    with running("acme") as sandbox:
        settings(tmp_path, acme, sandbox.url)
        ran = tabwarden(tmp_path, "read", "--repository", "--verify", "4", "--json")
        assert ran.returncode == 0, ran.stderr
        told = json.loads(ran.stdout)["verified"]
        assert (told["differences"], told["unknown"], len(told["people"])) == ([], 0, 4)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--repository", "--connections", "--fresh"], "`--connections` and `--fresh`: only of a read over REST"),
        (["--repository", "--all-sites", "--verify", "2"], "`--verify`: looks at one site"),
    ],
)
def test_options_that_mean_nothing_here(acme: Workgroup, tmp_path: Path, words: list[str], told: str) -> None:
    settings(tmp_path, acme)
    ran = tabwarden(tmp_path, "read", *words)
    assert ran.returncode == 1
    assert told in ran.stderr
    assert not (tmp_path / "store").exists()


def test_without_the_section_it_says_what_to_add(tmp_path: Path) -> None:
    (tmp_path / "settings.yaml").write_text(
        "tableau: {server: 'https://tableau.example.com', auth: {pat: {name: tok, secret: a-secret}}}\n"
    )
    ran = tabwarden(tmp_path, "read", "--repository")
    assert ran.returncode == 1
    assert "`tableau.repository` is missing and `--repository` needs it" in ran.stderr
