"""How long a site takes to become the text of a policy, and that planned back it changes nothing; not the reading.

    python benchmarks/policy_export.py [--sites rest-m,L] [--no-back]

`rest-m` is the sandbox's world, `M` and `L` the benchmarks' sites of 1,000 projects with 100,000 items and of 10,000
with a million, every tenth unlocked thing with rules of its own. Asked, of the export and of the way back: rest-m under
60 s and 2 GiB, L under 5 minutes and 4 GiB, the site in memory included.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from pathlib import Path

from sites import site as columns_of_size
from tabwarden.engine.convert import site_of
from tabwarden.model.site import Site
from tabwarden.plan.restore import restored
from tabwarden.run.policy import policy_text
from tabwarden.sandbox.worlds.finding import find_world
from tabwarden.settings.policy import load_policy
from tabwarden.want.policy.export import told
from tabwarden.want.policy.wanted import wanted_content

LIMITS = {"rest-m": (60, 2.0), "L": (300, 4.0)}  # seconds, GiB


def site_named(name: str) -> Site:
    """A world of the sandbox, or a site of the benchmarks."""
    return find_world(name).sites[0] if name.startswith("rest") else site_of(columns_of_size(name))


def peak() -> float:
    """The most memory of this process so far, in GiB."""
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return used / 2**30 if sys.platform == "darwin" else used / 2**20


def measured(name: str, *, back: bool) -> bool:
    """Print what one site takes; whether that is within its limits."""
    site = site_named(name)
    print(f"{name}: {len(site.contents):,} contents, {peak():.2f} GiB before")
    start, busy = time.perf_counter(), time.process_time()
    export = told(site)
    text = policy_text(export)
    seconds, cpu = time.perf_counter() - start, time.process_time() - busy
    lines = text.count("\n")
    size = f"{lines:,} lines for {export.rows:,} rule rows"
    print(f"  export: {seconds:.1f} s ({cpu:.1f} s of a core), {size}, {peak():.2f} GiB at most")
    limit, memory = LIMITS.get(name, (seconds, peak()))
    within = seconds <= limit and peak() <= memory
    if back:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "policy.yaml"
            path.write_text(text, encoding="utf-8")
            start, busy = time.perf_counter(), time.process_time()
            wanted = wanted_content(site, load_policy([path]), "2026-01-01")
        work = restored(site, wanted.site, wanted.scope - wanted.make, "", make=wanted.make)
        seconds, cpu = time.perf_counter() - start, time.process_time() - busy
        print(f"  planned back: {seconds:.1f} s ({cpu:.1f} s of a core), {len(work.changes)} changes, {peak():.2f} GiB")
        within = within and seconds <= limit and peak() <= memory and not work.changes and not wanted.problems
    return within


def main() -> None:
    """A line or two a site; exit code 1 where a limit is missed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--sites", default="rest-m,L")
    parser.add_argument("--no-back", action="store_true", help="export alone")
    asked = parser.parse_args()
    results = [measured(name, back=not asked.no_back) for name in asked.sites.split(",")]
    sys.exit(0 if all(results) else 1)


if __name__ == "__main__":
    main()
