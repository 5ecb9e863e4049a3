"""What many sites cost beside one: `tabwarden lint --site all` over N copies of a site against N times one of them.

    python benchmarks/many_sites.py [--sites N] [--size acme|M|L] [--command lint|mirror]

Each line is one command as it is typed, its processor time with all its processes and its wall time. The first is one
site, the second all of them one after the other, each typed by itself, the third all in one. Printed are the ratios of
the third to the second: of processor time (what the processes and the one answer cost) and of wall time.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import shutil
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from mirror import SERVER, drawn
from mirror import keep as keep_columns
from sites import SIZES
from sites import site as made
from tabwarden.engine.convert import columns_of
from tabwarden.model.site import Taken
from tabwarden.sandbox.worlds.finding import find_world
from tabwarden.store import beside
from tabwarden.store.history import History

SETTINGS = """tableau: {{server: https://tableau.example.com, auth: {{pat: {{name: p, secret: env:PAT}}}}}}
sites: [{}]
store: {{folder: store}}
catalog: {{people: {{type: file, path: people.csv}}}}
mirror: {{sinks: [{{type: parquet, folder: out}}]}}
"""
COMMANDS = {"lint": ["lint", "--fail-on", "never"], "mirror": ["mirror"]}
SUBREAPER = 36  # Linux: whoever loses his parent becomes a child of this process, and so his time is counted


class Measure(NamedTuple):
    """Seconds of processor time, and of wall time."""

    processor: float
    wall: float


def main() -> int:
    """Print the lines and the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sites", type=int, default=8)
    parser.add_argument("--size", choices=("acme", *SIZES), default="acme")
    parser.add_argument("--command", choices=COMMANDS, default="lint")
    wanted = parser.parse_args()
    number, command = wanted.sites, COMMANDS[wanted.command]
    ctypes.CDLL(None).prctl(SUBREAPER, 1, 0, 0, 0)
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)  # where no settings are
        if os.fork() == 0:  # so that no process is measured which begins at the peak of this one
            keep(Path("store"), number, wanted.size)
            os._exit(0)
        if os.wait()[1]:
            raise SystemExit("the sites could not be made")
        Path("settings.yaml").write_text(SETTINGS.format(", ".join(f"s{place}" for place in range(number))), "utf-8")
        one = typed(command, ["s0"])
        apart = typed(command, [f"s{place}" for place in range(number)])
        together = typed(command, ["all"])
    for name, measure in (("one site", one), (f"{number} sites, one by one", apart), (f"{number} in one", together)):
        print(f"{name}: {measure.processor:.2f} s of processor time, {measure.wall:.2f} s")
    ratios = [mine / theirs for mine, theirs in zip(together, apart, strict=True)]
    print(f"all in one to one by one: processor time {ratios[0]:.2f}, wall time {ratios[1]:.2f}")
    return 0


def keep(store: Path, number: int, size: str) -> None:
    """So many copies of acme in a history, or of a site of `sites.py` beside one, as so many sites; and a catalog."""
    site, when = find_world("acme").sites[0], datetime.now(UTC)
    columns = columns_of(site) if size == "acme" else made(size)
    Path("people.csv").write_text("".join(["Email Address\n", *(f"{one.name}\n" for one in drawn(columns, 1_000))]))
    for place in range(number):
        names = {"id": f"s{place}", "name": f"S{place}", "content_url": f"s{place}"}
        if size != "acme":
            keep_columns(store, replace(columns, about=replace(columns.about, **names)), when)
            continue
        copy = replace(site, **names, taken=Taken(SERVER, when.isoformat(), "admin", "ServerAdministrator"))
        with History(store) as history:
            beside.keep(store, history.keep(copy), copy)


def typed(command: list[str], sites: list[str]) -> Measure:
    """The command with `--site SITE` for each of them, one after the other."""
    shutil.rmtree("out", ignore_errors=True)
    shutil.rmtree("store/mirror", ignore_errors=True)
    before, began = os.times(), time.perf_counter()
    for site in sites:
        words = ["-m", "tabwarden", *command, "--site", site, "-q"]
        number = os.posix_spawn(
            sys.executable,
            [sys.executable, *words],
            {**os.environ, "PAT": "secret"},
            file_actions=[(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)],
        )
        if os.waitpid(number, 0)[1]:
            raise SystemExit(f"{command[0]} of {site} failed")
        with suppress(ChildProcessError):  # those that its processes left behind
            while True:
                os.wait()
    after = os.times()
    processor = after.children_user + after.children_system - before.children_user - before.children_system
    return Measure(processor, time.perf_counter() - began)


if __name__ == "__main__":
    raise SystemExit(main())
