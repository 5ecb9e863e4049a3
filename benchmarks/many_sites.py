"""What many sites cost beside one: `tabwarden lint --site all` over N copies of acme against N times one of them.

    python benchmarks/many_sites.py [--sites N]

Each line is one command as it is typed, its processor time with all its processes and its wall time. The first is one
site, the second all of them one after the other, each typed by itself, the third all in one. Printed are the ratios of
the third to the second: of processor time (what the processes and the one answer cost) and of wall time.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from tabwarden.model.site import Taken
from tabwarden.sandbox.worlds.finding import find_world
from tabwarden.store import beside
from tabwarden.store.history import History

SUBREAPER = 36  # Linux: whoever loses his parent becomes a child of this process, and so his time is counted


class Measure(NamedTuple):
    """Seconds of processor time, and of wall time."""

    processor: float
    wall: float


def main() -> int:
    """Print the lines and the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sites", type=int, default=8)
    number = parser.parse_args().sites
    ctypes.CDLL(None).prctl(SUBREAPER, 1, 0, 0, 0)
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)  # where no settings are
        keep(Path(folder), number)
        one = typed(folder, ["s0"])
        apart = typed(folder, [f"s{place}" for place in range(number)])
        together = typed(folder, ["all"])
    for name, measure in (("one site", one), (f"{number} sites, one by one", apart), (f"{number} in one", together)):
        print(f"{name}: {measure.processor:.2f} s of processor time, {measure.wall:.2f} s")
    ratios = [mine / theirs for mine, theirs in zip(together, apart, strict=True)]
    print(f"all in one to one by one: processor time {ratios[0]:.2f}, wall time {ratios[1]:.2f}")
    return 0


def keep(store: Path, number: int) -> None:
    """So many copies of acme in a history, as so many sites."""
    site = find_world("acme").sites[0]
    when = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    with History(store) as history:
        for place in range(number):
            copy = replace(site, id=f"s{place}", name=f"S{place}", content_url=f"s{place}")
            copy = replace(copy, taken=Taken("https://tableau.example.com", when, "admin", "ServerAdministrator"))
            beside.keep(store, history.keep(copy), copy)


def typed(store: str, sites: list[str]) -> Measure:
    """`tabwarden lint --site SITE` for each of them, one after the other."""
    before, began = os.times(), time.perf_counter()
    for site in sites:
        words = ["-m", "tabwarden", "lint", "--store", store, "--site", site, "--fail-on", "never", "-q"]
        number = os.posix_spawn(
            sys.executable,
            [sys.executable, *words],
            os.environ,
            file_actions=[(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)],
        )
        if os.waitpid(number, 0)[1]:
            raise SystemExit(f"lint of {site} failed")
        with suppress(ChildProcessError):  # those that its processes left behind
            while True:
                os.wait()
    after = os.times()
    processor = after.children_user + after.children_system - before.children_user - before.children_system
    return Measure(processor, time.perf_counter() - began)


if __name__ == "__main__":
    raise SystemExit(main())
