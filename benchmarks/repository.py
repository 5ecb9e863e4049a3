"""How fast whole sites are read from Tableau Server's repository, and what that takes. Not reading over REST.

    python benchmarks/repository.py [--worlds rest-s,rest-m] [--times 3]

A PostgreSQL of its own is started and filled with a world of the sandbox, then read, each time in a process of its own:
seconds by the clock, processor seconds of the reader, most memory, statements sent. Exit code 1 when a limit is passed.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

from drawn import Console, Table
from tabwarden.sandbox.worlds.finding import find_world
from tabwarden.tableau.repository.connecting import RepositoryOptions, opened
from tabwarden.tableau.repository.read import read_repository

TESTS = Path(__file__).parent.parent / "tests"
LIMIT = {"rest-m": 10.0}


class Took(NamedTuple):
    """One read: seconds, processor seconds, megabytes at most before it and in it, what came."""

    seconds: float
    processor: float
    before: float
    most: float
    users: int
    contents: int
    rules: int


def main() -> int:
    """Print a table, one line a world, with its limit."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--worlds", default="rest-s,rest-m")
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--read", default="", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.read:
        print(json.dumps(one_read(json.loads(asked.read))))
        return 0
    sys.path[:0] = [str(TESTS), str(TESTS / "support")]
    from workgroups import workgroup

    from plugins.databases import postgres_server

    table = Table("world", "users", "things", "rules", "seconds", "processor", "memory", "statements", "must be", "")
    failed = 0
    with postgres_server() as server:
        for name in asked.worlds.split(","):
            with workgroup(server.admin, find_world(name)) as made:
                took = [measured(made.options, name) for _ in range(asked.times)]
                sent = statements(made.options)
            best = min(took)
            limit = LIMIT.get(name)
            holds = limit is None or best.seconds < limit
            failed += not holds
            counts = [f"{number:,}" for number in (best.users, best.contents, best.rules)]
            spent = [
                f"{best.seconds:.2f} s",
                f"{best.processor:.2f} s",
                f"{best.most:.0f} MB (before {best.before:.0f})",
            ]
            must = [f"under {limit:.0f} s" if limit else "", "holds" if holds else "FAILS"]
            table.add_row(name, *counts, *spent, str(sent), *must)
    Console(width=140).print(table)
    return int(failed > 0)


def measured(options: RepositoryOptions, site: str) -> Took:
    """A read in a process of its own."""
    told = {name: getattr(options, name) for name in ("host", "password", "port", "database")} | {"site": site}
    words = [sys.executable, str(Path(__file__)), "--read", json.dumps(told)]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    return Took(*json.loads(done.stdout))


def one_read(told: dict[str, Any]) -> Took:
    """Read the site in this process."""
    import time

    import psycopg

    assert psycopg.__version__  # loaded before, as the reader itself is
    site = told.pop("site")
    before = megabytes()
    processor, began = time.process_time(), time.perf_counter()
    read = read_repository(RepositoryOptions(**told), site)
    seconds, processor = time.perf_counter() - began, time.process_time() - processor
    most = megabytes()
    rules = sum(len(content.rules or ()) for content in read.contents.values())
    return Took(seconds, processor, before, most, len(read.users), len(read.contents), rules)


def megabytes() -> float:
    """The most memory this process has had."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def statements(options: RepositoryOptions) -> int:
    """How many statements a read of one site sends."""
    with opened(options) as repository:
        return repository.selects + sum(1 for statement in repository.statements.values() if statement.sql)


if __name__ == "__main__":
    sys.exit(main())
