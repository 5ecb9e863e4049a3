"""What Apache Spark costs and gives beside the processes of one machine: `tabwarden mirror --site all`, both ways.

    python benchmarks/spark.py [--size M] [--copies 8] [--people 1000] [--block 100000] [--master MASTER] [--kill]

So many copies of a site (`sites.py`), columns kept beside one history, are mirrored to Parquet by a process a site,
and again with `--engine spark` (MASTER: `local-cluster[2,1,2048]`). Each line is one command as it is typed: its
processor time with all its processes, those of Java among them, and its wall time. Then the ratio of the two, what
Spark tells of its tasks and their memory, and how many rows of all tables differ, which is none or the benchmark fails.
With `--kill` a worker of Spark's local cluster is killed as soon as it is at work (Linux).
"""

from __future__ import annotations

import argparse
import ctypes
import os
import shutil
import signal
import sys
import tempfile
import threading
import time
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import duckdb

import mirror
from many_sites import SUBREAPER, Measure
from sites import SIZES, site
from tabwarden.store import beside

SETTINGS = """\
tableau: {{server: "{server}", auth: {{pat: {{name: p, secret: env:PAT}}}}}}
sites: [{sites}]
store: {{folder: store}}
catalog: {{people: {{type: file, path: people.csv}}}}
mirror: {{sinks: [{{type: parquet, folder: out}}]}}
spark: {{block: {block}}}
"""
TABLES = ("sources", "people", "viewers", "content")


def main() -> int:
    """Print the lines, the ratio and how many rows differ."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", default="M", choices=SIZES)
    parser.add_argument("--copies", type=int, default=8)
    parser.add_argument("--people", type=int, default=1_000)
    parser.add_argument("--block", type=int, default=100_000)
    parser.add_argument("--master", default="local-cluster[2,1,2048]")
    parser.add_argument("--kill", action="store_true")
    wanted = parser.parse_args()
    ctypes.CDLL(None).prctl(SUBREAPER, 1, 0, 0, 0)
    print(f"{wanted.copies} sites of size {wanted.size}, a catalog of {wanted.people:,} people")
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        made(folder, wanted.size, wanted.copies, wanted.people, wanted.block)
        here, _ = typed(folder, "processes")
        shutil.rmtree(folder / "store" / "mirror")
        if wanted.kill:
            threading.Thread(target=kill_a_worker, daemon=True).start()
        there, told = typed(folder, "spark", "--engine", f"spark={wanted.master}")
        differ = different(folder)
    for name, measure in (("a process a site", here), ("--engine spark", there)):
        print(f"{name}: {measure.processor:.1f} s of processor time, {measure.wall:.1f} s")
    ratios = [mine / theirs for mine, theirs in zip(there, here, strict=True)]
    print(
        f"spark to processes: processor time {ratios[0]:.2f}, wall time {ratios[1]:.2f}; load {os.getloadavg()[0]:.1f}"
    )
    print("\n".join(told[:3] + ["..."] * (len(told) > 3)))
    print(f"{differ:,} rows differ")
    return int(differ > 0)


def made(folder: Path, size: str, copies: int, people: int, block: int) -> None:
    """A history of the copies, the people of the catalog, and the settings."""
    beside.MOST = copies
    columns = site(size)
    listed = "".join(f"{person.name}\n" for person in mirror.drawn(columns, people))
    (folder / "people.csv").write_text(f"Email Address\n{listed}", encoding="utf-8")
    names = [f"s{number}" for number in range(copies)]
    for name in names:
        about = replace(columns.about, id=name, name=name, content_url=name)
        mirror.keep(folder / "store", replace(columns, about=about), datetime.now(UTC))
    text = SETTINGS.format(server=mirror.SERVER, sites=", ".join(names), block=block)
    (folder / "settings.yaml").write_text(text, encoding="utf-8")


def typed(folder: Path, into: str, *more: str) -> tuple[Measure, list[str]]:
    """`tabwarden mirror --site all`, what it cost and what Spark told; the mirrors are moved to the folder `into`."""
    before, began = os.times(), time.perf_counter()
    words = [sys.executable, "-m", "tabwarden", "mirror", "--site", "all", *more]
    log = str(folder / f"{into}.log")
    number = os.fork()
    if number == 0:
        os.chdir(folder)
        for stream in (1, 2):
            os.dup2(os.open(log, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600), stream)
        os.execve(sys.executable, words, {**os.environ, "PAT": "secret"})
    code = os.waitstatus_to_exitcode(os.waitpid(number, 0)[1])
    wall = time.perf_counter() - began
    text = Path(log).read_text(encoding="utf-8", errors="replace")
    if code:
        raise SystemExit(f"{' '.join(words)} ended with {code}:\n{text[-3000:]}")
    with suppress(ChildProcessError):  # those that its processes left behind
        while True:
            os.wait()
    after = os.times()
    processor = after.children_user + after.children_system - before.children_user - before.children_system
    (folder / "out").rename(folder / into)
    return Measure(processor, wall), [line for line in text.splitlines() if line.startswith("spark: ")]


def kill_a_worker() -> None:
    """End the Java process of the first worker below this process that has a Python at work."""
    while True:
        parents, words = dict[int, int](), dict[int, str]()
        for place in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                parents[int(place.name)] = int((place / "stat").read_text().rpartition(")")[2].split()[1])
                words[int(place.name)] = (
                    (place / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
                )
        for number, parent in parents.items():
            above = [parent]
            while above[-1] in parents:
                above.append(parents[above[-1]])
            worker = parents.get(parent, 0)  # the Java process has a daemon, which has the Pythons
            if os.getpid() in above and "pyspark" in words[number] and "ExecutorBackend" in words.get(worker, ""):
                os.kill(worker, signal.SIGKILL)
                print("a worker was killed")
                return
        time.sleep(0.1)


def different(folder: Path) -> int:
    """How many rows of the mirrors are on one side alone."""
    count, database = 0, duckdb.connect()
    for place in sorted((folder / "processes").glob("s*")):
        for table in TABLES:
            sides = [folder / side / place.name / f"{table}.parquet" for side in ("processes", "spark")]
            one, other = (f"select * from read_parquet('{side}')" for side in sides)
            for left, right in ((one, other), (other, one)):
                count += database.execute(f"select count(*) from ({left} except all {right})").fetchall()[0][0]
    return count


if __name__ == "__main__":
    raise SystemExit(main())
