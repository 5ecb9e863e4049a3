"""A plan of 100,000 rule changes on rest-m: how long it takes to make, to show and to apply, and what is printed.

`python benchmarks/policy_bulk.py [--changes 100000] [--world rest-m] [--apply]`; the bar goes to a terminal.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

from tabwarden.commands._output import pen, progress_bar
from tabwarden.model.governing import governing
from tabwarden.model.site import Site
from tabwarden.report.plans import plan_table
from tabwarden.report.screen import drawn
from tabwarden.run.apply import judge_and_do, terms_of
from tabwarden.run.context import Context, connected
from tabwarden.run.policy import decide
from tabwarden.sandbox.http.server import running
from tabwarden.sandbox.worlds.finding import find_world
from tabwarden.settings import load
from tabwarden.settings.policy import load_policy

HIGH = {"count": 10**7, "percent": 100}


def text(site: Site, changes: int) -> str:
    """View for so many groups on each workbook and data source with rules of its own that rows come to `changes`."""
    own = {kind: [c for c in site.contents if site.contents[c].kind == kind] for kind in ("workbook", "datasource")}
    own = {kind: [site.path(c) for c in ids if governing(site, c).level == "own"] for kind, ids in own.items()}
    each = changes // sum(map(len, own.values())) + 1
    groups = [f"{group.domain}\\{group.name}" for group in site.groups.values() if not group.everyone][:each]
    rules = [{"group": name, "all": "View"} for name in groups]
    return json.dumps({"content": [{"paths": ids, "kind": kind, "rules": rules} for kind, ids in own.items()]})


def main() -> None:
    """Print what each step took."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--changes", type=int, default=100_000)
    parser.add_argument("--world", default="rest-m")
    parser.add_argument("--apply", action="store_true")
    given = parser.parse_args()
    world = find_world(given.world)
    with tempfile.TemporaryDirectory() as name, running(world) as sandbox:
        folder = Path(name)
        site = sandbox.site(world.sites[0].content_url)
        token = world.tokens[0]
        auth = {"pat": {"name": token.name, "secret": "env:PAT"}}
        tableau = {"server": sandbox.url, "site": site.content_url, "auth": auth}
        settings_file, policy = folder / "settings.yaml", folder / "policy.yaml"
        settings_file.write_text(json.dumps({"tableau": tableau, "stops": {"rules_removed": HIGH}}), encoding="utf-8")
        policy.write_text(text(site, given.changes), encoding="utf-8")
        settings = load(settings_file, {"PAT": token.secret})
        with connected(settings) as connection, progress_bar("applying") as progress:
            context = Context(settings, connection, lambda done, of, _words: progress(done, of))
            began, busy = time.monotonic(), time.process_time()
            laid = load_policy([policy])
            plan = decide(context, site, laid)
            took, cpu = time.monotonic() - began, time.process_time() - busy
            print(f"{len(plan.changes):,} changes planned in {took:.1f} s ({cpu:.1f} s of a core)", flush=True)
            began = time.monotonic()
            lines = list(drawn([plan_table(plan)], pen(sys.stdout)))
            print(f"shown on a terminal by {len(lines):,} lines in {time.monotonic() - began:.1f} s", flush=True)
            if given.apply:
                sandbox.log.clear()
                began, busy = time.monotonic(), time.process_time()
                applied = judge_and_do(plan, connection, terms_of(context), site)
                took = time.monotonic() - began
                writes, cpu = len(sandbox.log.writes()), time.process_time() - busy
                print(
                    f"{applied.count('done'):,} done by {writes:,} writes in {took:.0f} s, {writes / took:.0f} a second"
                )


if __name__ == "__main__":
    main()
