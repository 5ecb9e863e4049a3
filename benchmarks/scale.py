"""One site of 1,000,000 items and 500,000 people from snapshot to sink, and what 200 of them take in a night, on paper.

    python benchmarks/scale.py [--size XL] [--people N] [--sites 200] [--core-hour 0.04]

The columns of the site lie beside a history, as `tabwarden read` leaves them; then `tabwarden mirror` in the form of
facts goes to Parquet for a catalog of all its people (or of so many). Each line is one process: its processor time, its
peak memory, what came of it. Below stand the constants, an item and a person, and what they come to for so many sites:
core-hours, machines, bytes and money at a price that is a variable. How long reading takes is up to the servers.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from mirror import SERVER, SETTINGS, SINKS, Measure, in_parquet, keep, typed
from sites import SIZES, site
from tabwarden.engine.columns import Columns
from tabwarden.mirror.rows import FACTS

NIGHT, CORES, MEMORY = 8.0, 8, 32.0  # hours of a night; cores and gigabytes of a machine
# Of reading and keeping a site as large as L, an item: benchmarks/reading.py --whole-perf-l, benchmarks/histories.py
REQUESTS, A_REQUEST, KEEPING = 0.336, 0.36e-3, 120e-6


def main() -> None:
    """The lines, then the paper."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", choices=SIZES, default="XL")
    parser.add_argument("--people", type=int, help="people of the catalog; all where it is not said")
    parser.add_argument("--sites", type=int, default=200)
    parser.add_argument("--core-hour", type=float, default=0.04, help="price of a core with its memory for an hour")
    wanted = parser.parse_args()
    size = SIZES[wanted.size]
    people = wanted.people or size.users
    print(
        f"{size.items:,} items, {size.users:,} people, {people:,} of them in the catalog; load {os.getloadavg()[0]:.1f}"
    )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        made = alone("columns beside the history", lambda: made_site(folder, wanted.size, people))
        kept = sum(path.stat().st_size for path in (folder / "store" / "columns").iterdir())
        tell(made._replace(remark=f"{kept / 1e6:,.0f} MB, {kept / size.items:.0f} bytes an item"))
        (folder / "settings.yaml").write_text(SETTINGS % (SERVER, FACTS, SINKS["Parquet"]), encoding="utf-8")
        began = time.perf_counter()
        mirror = typed("mirror: facts to Parquet", folder, "1")
        tell(mirror._replace(remark=f"{mirror.remark}; {time.perf_counter() - began:.0f} s by the clock"))
        for measure in in_parquet(folder / "out" / "perf", size.items):
            print(f"{measure.name}: {measure.remark}")
        sink = sum(path.stat().st_size for path in (folder / "out").rglob("*.parquet"))
    paper(wanted.sites, size.items, mirror, kept + sink, wanted.core_hour)


def made_site(folder: Path, size: str, people: int) -> None:
    """The columns in a store, and the people of the catalog."""
    columns = named(site(size))
    keep(folder / "store", columns, datetime.now(UTC))
    names = columns.names.words.at(columns.names.user_name[:people]).all()
    (folder / "people.csv").write_text("".join(["Email Address\n", *(f"{one}\n" for one in names)]), encoding="utf-8")


def named(columns: Columns) -> Columns:
    """The site that the settings are of."""
    from dataclasses import replace

    return replace(columns, about=replace(columns.about, content_url="perf"))


def alone(name: str, work: Callable[[], None]) -> Measure:
    """What some work takes in a fork of this process, which holds nothing yet."""
    pid = os.fork()
    if pid == 0:
        work()
        os._exit(0)
    _, status, used = os.wait4(pid, 0)
    if os.waitstatus_to_exitcode(status):
        raise SystemExit(f"{name} failed")
    return Measure(name, used.ru_utime + used.ru_stime, used.ru_maxrss * 1024 / 1e9, "")


def tell(measure: Measure) -> None:
    """One line."""
    print(f"{measure.name}: {measure.seconds:.1f} s, {measure.gigabytes:.2f} GB, {measure.remark}", flush=True)


def paper(sites: int, items: int, mirror: Measure, octets: int, core_hour: float) -> None:
    """What so many such sites take."""
    requests = REQUESTS * items
    read, kept = requests * A_REQUEST, KEEPING * items
    hours = sites * (read + kept + mirror.seconds) / 3600
    at_once = min(CORES, int(MEMORY // mirror.gigabytes))
    machines = -(-hours // (NIGHT * at_once))
    print(f"\na site: {requests:,.0f} requests; {read:.0f} s of a core to read, {kept:.0f} s to keep, ", end="")
    print(f"{mirror.seconds:.0f} s and {mirror.gigabytes:.1f} GB to mirror")
    print(f"{sites} sites: {sites * requests / 1e6:,.0f} million requests, {hours:,.1f} core-hours a night")
    print(f"machines of {CORES} cores and {MEMORY:.0f} GB, {at_once} sites at once, {NIGHT:.0f} h: {machines:.0f}")
    print(f"bytes: {sites * octets / 1e9:,.0f} GB of columns and sink")
    price = machines * NIGHT * CORES * core_hour
    print(f"price a night: {machines:.0f} x {NIGHT:.0f} h x {CORES} cores x {core_hour:g} = {price:,.2f}")


if __name__ == "__main__":
    main()
