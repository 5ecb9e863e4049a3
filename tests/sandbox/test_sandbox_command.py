"""`tabwarden sandbox` as people type it."""

from __future__ import annotations

import subprocess
import sys

import pytest
from sandbox_client import TSC
from watchdog import patience

from tabwarden.model.errors import WorldError
from tabwarden.sandbox.serve import ServeOptions, run
from tabwarden.sandbox.worlds.finding import find_world
from tabwarden.settings import load

COMMAND = [sys.executable, "-m", "tabwarden", "sandbox"]


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
def test_it_says_where_it_listens_and_how_to_sign_in(host):
    command = [*COMMAND, "--world", "w0", "--port", "0", "--host", host]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as box:
        try:
            url = box.stdout.readline().removeprefix("listening on ").strip()
            said = []
            while not said or "Ctrl-C" not in said[-1]:
                said.append(box.stdout.readline())
            server = TSC.Server(url.replace("0.0.0.0", "127.0.0.1"))
            server.auth.sign_in(TSC.PersonalAccessTokenAuth("tok", "sec", "sandbox"))
            assert server.users.get()[1].total_available == 8
        finally:
            box.terminate()
    assert any("tok" in line for line in said)
    assert any("not a loopback" in line for line in said) == (host == "0.0.0.0")
    assert box.returncode == 0


@pytest.mark.parametrize(
    ("world", "site", "works"),
    [
        ("empty", "", 0),
        ("erin", "erin", 1),
    ],
)
def test_a_world_without_a_token_names_its_administrator(world, site, works, tmp_path):
    command = [*COMMAND, "--world", world, "--port", "0", "--write-settings", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as box:
        try:
            url = box.stdout.readline().removeprefix("listening on ").strip()
            server = TSC.Server(url)
            said = []
            while not said or "Ctrl-C" not in said[-1]:
                said.append(box.stdout.readline())
            server.auth.sign_in(TSC.TableauAuth("admin", "admin", site))
            assert server.workbooks.get()[1].total_available == works
        finally:
            box.terminate()
    assert any("`admin` administers the server" in line for line in said)
    found = load(tmp_path / "settings.yaml", {}).tableau
    assert (found.server, found.site) == (url, site)
    assert found.auth.password.password.get_secret_value() == "admin"
    assert (tmp_path / "secret.txt").stat().st_mode & 0o077 == 0


def test_settings_that_are_there_are_not_written_over(tmp_path):
    (tmp_path / "settings.yaml").write_text("mine")
    with pytest.raises(WorldError, match=r"has a `settings.yaml`"):
        run(ServeOptions(world="w0", lead_from=tmp_path), print)
    assert (tmp_path / "settings.yaml").read_text() == "mine"


def test_a_world_is_written_to_a_file_to_start_from(tmp_path):
    path = tmp_path / "mine.yaml"
    done = subprocess.run(
        [*COMMAND, "--world", "acme", "--seed", "3", "--save-world", str(path)],
        capture_output=True,
        text=True,
        timeout=patience(60),
        check=True,
    )
    assert str(path) in done.stdout.replace("\n", "")
    assert find_world(str(path)) == find_world("acme", seed=3)


def test_a_mistake_is_one_line_and_exit_code_1():
    done = subprocess.run(
        [*COMMAND, "--world", "nowhere"], capture_output=True, text=True, timeout=patience(60), check=False
    )
    assert done.returncode == 1
    assert "no world `nowhere`" in done.stderr
    assert "Traceback" not in done.stderr
