"""How long many invariants take on a whole site, as they are typed: `tabwarden check` in a process of its own.

    python benchmarks/invariants.py [--size L] [--count 1000]

One in three of each: a project's contents seen by one group and its owners alone, workbooks of a project that a role
may not overwrite, and no Allow for a group on a project. The site's columns lie beside a history. Prints processor
time, the start of Python and the reading of the file in it, and peak memory. The target: 1,000 on L under 30 s.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import sites
from mirror import keep
from tabwarden.engine.columns import Columns


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", choices=tuple(sites.SIZES), default="M")
    parser.add_argument("--count", type=int, default=1000)
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        pid = os.fork()  # a fork's peak begins at its parent's, so the site is made in a process of its own
        if pid == 0:
            columns = sites.site(wanted.size)
            (Path(folder) / "invariants.yaml").write_text(json.dumps({"invariants": invariants(columns, wanted.count)}))
            keep(Path(folder) / "store", columns, datetime.now(UTC))
            os._exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
        seconds, mib, judged = checked(Path(folder))
    states = [one["state"] for one in judged]
    pairs = sum(one["breaches"] for one in judged)
    print(f"{wanted.size}: {len(judged):,} invariants in {seconds:.1f} s of processor time, {mib:,} MiB")
    print(f"{states.count('broken'):,} broken by {pairs:,} pairs of a person and a content")


def checked(folder: Path) -> tuple[float, int, list[dict[str, object]]]:
    """`tabwarden check` there: processor time, MiB, what it says of each."""
    pid = os.fork()
    if pid == 0:
        os.chdir(folder)
        os.dup2(os.open("told.json", os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), 1)
        words = ["-m", "tabwarden", "check", "invariants.yaml", "--store", "store", "--json"]
        os.execv(sys.executable, [sys.executable, *words])
    _, status, used = os.wait4(pid, 0)
    if os.waitstatus_to_exitcode(status) not in (0, 3):
        raise SystemExit(f"`tabwarden check` ended with {os.waitstatus_to_exitcode(status)}")
    judged = json.loads((folder / "told.json").read_text(encoding="utf-8"))["invariants"]
    return used.ru_utime + used.ru_stime, used.ru_maxrss // 1024, judged


def invariants(columns: Columns, count: int) -> list[dict[str, object]]:
    """So many as in a file, each about one project."""
    names, contents = columns.names, columns.contents
    project = columns.vocabulary.kinds.index("project")
    paths = list(names.paths(contents.parent))
    projects = [paths[number] for number in (contents.kind == project).nonzero()[0].tolist()]
    words = names.words.all()
    groups = [
        words[code] for code, everyone in zip(names.group_name, columns.groups.everyone, strict=False) if not everyone
    ]
    made: list[dict[str, object]] = []
    for number in range(count):
        path, group = projects[number % len(projects)], f"group {groups[number % len(groups)]}"
        forms: tuple[dict[str, object], ...] = (
            {"only": [group, "owners"], "may": "View", "on": f"{path}/*"},
            {"nobody": "role Viewer", "may": "Overwrite", "on": {"paths": f"{path}/*", "kind": "workbook"}},
            {"no_rule": {"for": group, "mode": "Allow"}, "on": f"{path}/*"},
        )
        made.append({"name": f"number {number}", **forms[number % 3]})
    return made


if __name__ == "__main__":
    main()
