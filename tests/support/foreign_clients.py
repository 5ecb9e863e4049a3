"""Environments in which foreign clients run, and the test answers of Tableau's own client. Not the clients."""

from __future__ import annotations

import fcntl
import subprocess
import tarfile
from functools import cache
from pathlib import Path

from paths import ROOT

PLACE, PINS = ".venv/clients", "tests/clients.txt"
ANSWERS, ANSWERS_PINS, SOURCE = ".venv/answers", "tests/answers.txt", "tests/answers_sdist.txt"


@cache
def python_of_clients(place: str = PLACE, pins: str = PINS) -> str:
    """Its path; made on first use, once also where several test processes start together."""
    with (ROOT / f"{place}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        made = subprocess.run(
            [ROOT / "script" / "environment", place, pins], capture_output=True, text=True, check=False
        )
    assert made.returncode == 0, made.stderr
    return made.stdout.strip()


@cache
def answers_of_client() -> dict[str, bytes]:
    """The XML answers in the tests of tableauserverclient's source distribution by name, fetched once by its hash."""
    python, folder = python_of_clients(ANSWERS, ANSWERS_PINS), ROOT / ANSWERS / "source"
    with (ROOT / f"{ANSWERS}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not list(folder.glob("*.tar.gz")):
            options = ["--no-deps", "--no-build-isolation", "--no-binary", ":all:", "--require-hashes", "--quiet"]
            command = [python, "-m", "pip", "download", *options, "-r", ROOT / SOURCE, "-d", folder]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stderr
    (source,) = folder.glob("*.tar.gz")
    with tarfile.open(source) as archive:
        members = [m for m in archive if m.isfile() and "/test/assets/" in m.name and m.name.endswith(".xml")]
        return {Path(m.name).stem: archive.extractfile(m).read() for m in members}
