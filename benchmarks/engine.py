"""The whole-site engine beside its peers, in one run, with ratios and the limit of the machine.

    python benchmarks/engine.py --size L            every line of the table (about eight minutes, 12 GB)
    python benchmarks/engine.py --size M            without the largest site
    python benchmarks/engine.py --quick             a tiny site, to see that everything still runs and agrees
    ... --write docs/explanation/performance.md     puts the table between the marks of that page
    ... --json FILE                                 every line as numbers

Needs the dependency group `bench`. Before any figure is printed a sample of every way of answering is compared with
the reference, and the peers' answers with the engine's; one difference ends the run with exit code 1. A missed bar
ends it with exit code 2.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from agree import Different
from bench import Bench
from drawn import Console
from measure import Judge, Line, or_bandwidth, peak_memory
from questions import checks, people
from report import markdown, show, write
from whole_site import differences, mirror_and_limit, mirrors, opening, wild

PEERS = ("casbin", "cedarpy", "duckdb", "polars")
RUNS = {"tiny": ("tiny",), "S": ("S",), "M": ("S", "M"), "L": ("S", "M", "L")}


def lines(size: str, judge: Judge, console: Console) -> Iterator[Line]:
    """Every line of a run."""
    sizes = RUNS[size]
    for each in sizes:
        console.print(f"site {each} ...", style="dim")
        bench = Bench(each, judge)
        largest = each == sizes[-1]
        if each != "M":
            yield from differences(bench)
        if each != "S" or largest:
            if each != "L":
                yield from checks(bench)
                yield from mirrors(bench)
            yield from people(bench)
        if each in ("L", "tiny"):
            yield from mirror_and_limit(bench)
            yield from opening(bench)
        del bench
    yield from wild(sizes[-1], judge)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--size", choices=("S", "M", "L"), default="M")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--write", type=Path)
    given = parser.parse_args()
    size = "tiny" if given.quick else given.size
    console = Console(width=None if sys.stdout.isatty() else 240)
    missing = [name for name in PEERS if importlib.util.find_spec(name) is None]
    if missing:
        console.print(f"no figures: install the dependency group `bench`: {', '.join(missing)}")
        return 1
    judge = Judge(or_bandwidth(16 if given.quick else 128), judged=size in ("M", "L"))
    try:
        found = list(lines(size, judge, console))
    except Different as wrong:
        console.print(f"no figures: {wrong}")
        return 1
    show(found, console)
    remark = (
        f"a | b in memory {judge.rate / 1e9:.1f} GB/s on one thread; {os.cpu_count()} processors; "
        f"peak memory of the run {peak_memory() / 1e9:.1f} GB; a sample of every answer equals the reference's"
    )
    console.print(remark)
    if given.json:
        given.json.write_text(json.dumps([line._asdict() for line in found], indent=1) + "\n", encoding="utf-8")
    if given.write:
        write(given.write, markdown(found, f"python benchmarks/engine.py --size {size}", remark))
    return 2 if any(line.verdict == "MISSED" for line in found) else 0


if __name__ == "__main__":
    sys.exit(main())
