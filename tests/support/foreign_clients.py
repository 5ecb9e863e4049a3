"""The Python of the environment in which foreign clients run (`tests/clients.txt`). Not the clients."""

from __future__ import annotations

import fcntl
import subprocess
from functools import cache

from paths import ROOT

PLACE, PINS = ".venv/clients", "tests/clients.txt"


def python_of_clients() -> str:
    """Its path."""
    return python_of(PLACE, PINS)


@cache
def python_of(place: str, pins: str) -> str:
    """That of another; made on first use, once also where several test processes start together."""
    with (ROOT / f"{place}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        made = subprocess.run(
            [ROOT / "script" / "environment", place, pins], capture_output=True, text=True, check=False
        )
    assert made.returncode == 0, made.stderr
    return made.stdout.strip()
