"""Programs of others for Tableau, unmodified, against the sandbox over HTTP: each does its main job to the end.

    script/clients                          all of them
    script/clients tableau-cli tap-tableau  some
    ... --keep FOLDER                       leaves what they wrote there

Each has an environment of its own in .clients/, made on first use from its pinned list. `clients.toml` says what each
does and which of its steps fail by its own fault. Exit code 1 when another step fails, or one of those does not.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import tls_front
from tabwarden.sandbox.http.server import running
from tabwarden.sandbox.state.personality import PERSONALITIES

HERE = Path(__file__).parent
CLIENTS: Mapping[str, Mapping[str, Any]] = tomllib.loads((HERE / "clients.toml").read_text())


class Outcome(NamedTuple):
    """How many steps of a client's job were done, and in words what went otherwise than expected."""

    steps: int
    problems: Sequence[str]


def environment(name: str) -> Path:
    """The Python of a client's environment, made on first use."""
    (HERE.parent / ".clients").mkdir(exist_ok=True)
    command = [HERE.parent / "script" / "environment", f".clients/{name}", f"clients/{name}.txt"]
    made = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return Path(made.stdout.strip())


def run(name: str, python: Path, folder: Path) -> Outcome:
    """Do the main job of a client in a sandbox of its own."""
    client = CLIENTS[name]
    plays = replace(PERSONALITIES[client.get("plays", "server")], password_sign_in=True, lists_sites=True)
    driver = HERE / f"{name.replace('-', '_')}_steps.py"
    world = str(HERE / "world.yaml")
    with running(world, plays=plays) as sandbox, tls_front.before(sandbox.url, folder) as (front, pem):
        done = subprocess.run(
            [python, driver, sandbox.url, folder],
            env={**os.environ, "FRONT": front, "AUTHORITY": str(pem), "PYTHONDONTWRITEBYTECODE": "1"},
            cwd=folder,
            stdout=subprocess.PIPE,
            text=True,
            check=False,
            timeout=1200,  # a watchdog, for a machine that does much else
        )
    told = [json.loads(line) for line in done.stdout.splitlines() if line.startswith('{"step"')]
    ended = [] if done.returncode == 0 else [f"its driver ended with {done.returncode}"]
    return Outcome(len(told), [*ended, *_unexpected(told, client)])


def _unexpected(told: Sequence[Mapping[str, Any]], client: Mapping[str, Any]) -> Iterator[str]:
    """Steps that failed without a fault that says so, and faults that were not seen."""
    expected = {fault["step"]: fault for fault in client.get("faults", ())}
    if not told:
        yield "no step was told"
    for one in told:
        fault = expected.pop(one["step"], None) if not one["ok"] else None
        waits = one["step"] in client.get("waits", ())
        if not one["ok"] and not waits and (fault is None or fault["error"] not in one["error"]):
            yield f"{one['step']}: {one['error']} {one['at']}"
    yield from (f"{step}: expected to fail with `{fault['error']}`" for step, fault in expected.items())


def as_registered(name: str) -> str:
    """A package's name as registries compare it: `tableau_utilities` is `tableau-utilities`."""
    return name.casefold().replace("_", "-")


def main() -> int:
    """Run what is asked for and print a line each; 1 when something is otherwise than expected."""
    parser = argparse.ArgumentParser(description="programs of others against the sandbox")
    parser.add_argument(
        "names", nargs="*", type=as_registered, choices=[[], *CLIENTS], metavar="NAME", help=", ".join(CLIENTS)
    )
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="leave what they wrote there")
    asked = parser.parse_args()
    good = True
    with tempfile.TemporaryDirectory() as scratch:
        for name in asked.names or CLIENTS:
            folder = (asked.keep or Path(scratch)).resolve() / name
            folder.mkdir(parents=True, exist_ok=True)
            outcome = run(name, environment(name), folder)
            faults = len(CLIENTS[name].get("faults", ()))
            print(f"{name} {CLIENTS[name]['version']}: {outcome.steps} steps, {faults} fail by its own fault")
            for problem in outcome.problems:
                print(f"  otherwise: {problem}")
            good = good and not outcome.problems
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
