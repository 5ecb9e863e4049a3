"""Real connectors against the sandbox: what arrives must be what the signed-in administrator sees. No test of them.

    script/connectors                       DataHub's and OpenMetadata's
    script/connectors datahub               one of them
    ... --keep FOLDER                       leaves recipes, logs and reports there

Exit code 1 when a connector reports an error, or anything is missing or too much; 0 otherwise.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests
from rich.console import Console
from rich.table import Table

import datahub
import hand_made
import openmetadata
import seen
from outcome import Line, Outcome, compared

CONNECTORS: dict[str, Any] = {"datahub": datahub, "openmetadata": openmetadata}
ROOT = Path(__file__).parent.parent


def main() -> int:
    """Run what is asked for, print a table each; 1 when something is wrong."""
    parser = argparse.ArgumentParser(description="Tableau connectors of catalogues against the sandbox")
    parser.add_argument("names", nargs="*", choices=[[], *CONNECTORS], metavar="|".join(CONNECTORS))
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="leave recipes, logs and reports there")
    asked = parser.parse_args()
    console = Console()
    with tempfile.TemporaryDirectory() as scratch, _sandbox(hand_made.world(Path(scratch))) as url:
        with seen.signed_in(url) as server:
            dashboards = hand_made.publish(server)
            site = seen.read(server)
        good = True
        for name in asked.names or CONNECTORS:
            environment = _environment(name)
            folder = (asked.keep or Path(scratch)).resolve() / name
            folder.mkdir(parents=True, exist_ok=True)
            began, before = time.monotonic(), _requests(url)
            outcome = CONNECTORS[name].run(environment, url, folder)
            lines = compared(CONNECTORS[name].wanted(site, dashboards), outcome.arrived)
            title = f"{name}: {time.monotonic() - began:.0f} s, {_requests(url) - before} requests"
            _show(console, title, lines, outcome)
            good = good and not outcome.problems and all(line.equal for line in lines)
    return 0 if good else 1


def _requests(url: str) -> int:
    """How many requests the sandbox has answered."""
    return sum(requests.get(f"{url}/sandbox/counts", timeout=30).json().values())


def _environment(name: str) -> Path:
    """The folder of a connector's environment, made on first use from its pinned list."""
    place = f".connectors/{name}"
    (ROOT / ".connectors").mkdir(exist_ok=True)
    made = [ROOT / "script" / "environment", place, f"connectors/{name}.txt"]
    subprocess.run(made, check=True, stdout=subprocess.DEVNULL)
    return ROOT / place


@contextmanager
def _sandbox(world: Path) -> Iterator[str]:
    """The address of a sandbox with that world, in a process of its own."""
    command = [sys.executable, "-m", "tabwarden", "sandbox", "--world", str(world), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().rpartition(" ")[2].strip()
        finally:
            process.terminate()


def _show(console: Console, title: str, lines: Sequence[Line], outcome: Outcome) -> None:
    table = Table(title=title, title_justify="left")
    for heading in ("", "on the site", "arrived", ""):
        table.add_column(heading, justify="right" if heading else "left")
    for line in lines:
        table.add_row(line.what, str(line.on_site), str(line.arrived), "equal" if line.equal else "DIFFERENT")
    console.print(table)
    for line in lines:
        for word, facts in (("missing", line.missing), ("too much", line.unknown)):
            for fact in facts:
                console.print(f"{line.what}, {word}: {', '.join(fact)}", markup=False, soft_wrap=True)
    for problem in outcome.problems:
        console.print(f"error: {problem}", markup=False, soft_wrap=True)
    for remark in outcome.remarks:
        console.print(f"warning: {remark}", markup=False, soft_wrap=True)


if __name__ == "__main__":
    sys.exit(main())
