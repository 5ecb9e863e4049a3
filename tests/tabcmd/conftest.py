"""Fixtures of tabcmd's tests: its environment, made on first use, and a shell that signs in to a fresh w0."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest
from foreign_clients import python_of_clients
from watchdog import patience

from tabwarden.sandbox.http.server import Sandbox, running


class Said(NamedTuple):
    """How a command ended and what it printed."""

    code: int
    words: str


class Shell:
    """Runs tabcmd against one sandbox, from a folder that is its home, as the owner of the token `tok`."""

    def __init__(self, process: subprocess.Popen[str], box: Sandbox, home: Path) -> None:
        self._process = process
        self.box = box
        self.home = home

    @property
    def site(self):
        return self.box.site("sandbox")

    def bare(self, *arguments: str) -> Said:
        """Exactly these arguments."""
        asked = {"arguments": arguments, "home": str(self.home)}
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        return Said(**json.loads(self._process.stdout.readline()))

    def run(self, *arguments: str, user: str = "") -> Said:
        """With the server, the site and who signs in added, as far as the arguments do not say."""
        return self.bare(*arguments, *self.options(*arguments, user=user))

    def options(self, *given: str, user: str = "") -> list[str]:
        """Where to sign in and as whom, without what is given."""
        usual = {"--server": self.box.url, "--site": "sandbox"}
        usual |= {"--username": user, "--password": user} if user else {"--token-name": "tok", "--token-value": "sec"}
        return [word for name, value in usual.items() if name not in given for word in (name, value)]

    def file(self, name: str, content: str | bytes) -> Path:
        """A file in the shell's folder."""
        path = self.home / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path


@pytest.fixture(scope="session")
def tabcmd_python():
    return python_of_clients()


@pytest.fixture(scope="session")
def tabcmd_process(tabcmd_python):
    process = subprocess.Popen(
        [tabcmd_python, str(Path(__file__).with_name("forking.py"))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    yield process
    process.stdin.close()
    process.stdout.close()
    assert process.wait(timeout=patience(10)) == 0


@pytest.fixture
def shell(tabcmd_process, tmp_path):
    with running("w0") as box:
        yield Shell(tabcmd_process, box, tmp_path)
