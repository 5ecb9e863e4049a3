"""What all lints cost, as they are typed: `tabwarden lint` on acme and on a site of 1,000,000 items.

    python benchmarks/lint.py [--size L] [--json FILE]

The site is that of `engine.py` (60 % locked, owners, leaders, users named by rules), its columns kept beside a history;
each line is one process, its processor time and its peak memory, the start of Python in it. In the last line use is
kept too, a row for each content of the site spread over 120 days. The targets: acme under a second, L under 60 s and
2 GiB.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from mirror import keep
from sites import SIZES, Dice, site
from tabwarden.engine.columns import Columns, Words
from tabwarden.model.site import Taken, User
from tabwarden.model.usage import EDIT, VIEW, Usage
from tabwarden.sandbox.worlds.finding import find_world
from tabwarden.store import beside
from tabwarden.store.history import History
from tabwarden.store.usage import days


class Measure(NamedTuple):
    """A site, seconds of processor time, peak memory, findings and in how many groups they are told."""

    name: str
    seconds: float
    gigabytes: float
    findings: int
    groups: int


def main() -> int:
    """Print a row of a Markdown table a measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", choices=SIZES, default="L")
    parser.add_argument("--json", type=Path)
    wanted = parser.parse_args()
    print("| site | processor time | memory | findings | groups |\n| --- | --: | --: | --: | --: |")
    measures = {}
    for one in measured(wanted.size):
        measures[one.name] = one._asdict()
        numbers = f"{one.seconds:.2f} s | {one.gigabytes:.2f} GB | {one.findings:,} | {one.groups}"
        print(f"| {one.name} | {numbers} |", flush=True)
    if wanted.json:
        wanted.json.write_text(json.dumps(measures, indent=1) + "\n", encoding="utf-8")
    return 0


def measured(size: str) -> Iterator[Measure]:
    """Both, each in a store of its own, which a process of its own fills: a fork's peak begins at its parent's."""
    columns = cache(lambda: site(size))
    fills: tuple[tuple[str, Callable[[Path], None]], ...] = (
        ("acme", kept_acme),
        (f"perf-{size}", lambda store: keep(store, columns(), datetime.now(UTC))),
        (f"perf-{size} with use", lambda store: kept_with_use(store, columns())),
    )
    for name, fill in fills:
        with tempfile.TemporaryDirectory() as folder:
            pid = os.fork()
            if pid == 0:
                fill(Path(folder) / "store")
                os._exit(0)
            assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
            yield typed(name, Path(folder))


def kept_acme(store: Path) -> None:
    """The first site of acme, its columns beside the history."""
    taken = Taken("https://tableau.example.com", datetime.now(UTC).isoformat(), "admin", "ServerAdministrator")
    head = replace(find_world("acme").sites[0], taken=taken)
    with History(store) as history:
        snapshot = history.keep(head)
    assert beside.keep(store, snapshot, head)


def kept_with_use(store: Path, columns: Columns) -> None:
    """The site, everything in it old, and who opened and edited what on which of the last 120 days."""
    names, created = columns.names, b"2026-01-01T00:00:00Z"
    words = Words(
        np.concatenate((names.words.data, np.frombuffer(created, np.uint8))),
        np.append(names.words.ends, names.words.ends[-1] + len(created)),
    )
    old = names._replace(words=words, content_created=np.full(len(names.content_id), len(names.words)))
    people = {key: User(key, key, "Viewer") for key in columns.ids("user")}  # so that nobody came since
    keep(store, replace(columns, open_names=lambda: old), datetime.now(UTC), people)
    users, contents = columns.ids("user"), columns.ids("content")
    by, kinds = Dice(1)("use", np.arange(len(contents))) * len(users), columns.contents.kind.tolist()
    today, rows = datetime.now(UTC).date(), list[Usage]()
    for number, (content, user) in enumerate(zip(contents, by.astype(int).tolist(), strict=True)):
        day = (today - timedelta(number % 120 + 1)).isoformat()
        what = EDIT if number % 9 == 0 and columns.vocabulary.kinds[kinds[number]] == "workbook" else VIEW
        rows.append(Usage(day, what, users[user], content, 1, day, "historical_events"))
    days.keep(store, columns.about.id, rows)


def typed(name: str, folder: Path) -> Measure:
    """`tabwarden lint` as a process of its own."""
    pid = os.fork()
    if pid == 0:
        os.chdir(folder)
        os.dup2(os.open("told.json", os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), 1)
        words = [sys.executable, "-m", "tabwarden", "lint", "--store", "store", "--fail-on", "never", "--json"]
        os.execv(sys.executable, words)
    _, status, used = os.wait4(pid, 0)
    if os.waitstatus_to_exitcode(status):
        raise SystemExit(f"{name}: `tabwarden lint` ended with {os.waitstatus_to_exitcode(status)}")
    groups = json.loads((folder / "told.json").read_text(encoding="utf-8"))["findings"]
    total = sum(group["number"] for group in groups)
    return Measure(name, used.ru_utime + used.ru_stime, used.ru_maxrss * 1024 / 1e9, total, len(groups))


if __name__ == "__main__":
    raise SystemExit(main())
