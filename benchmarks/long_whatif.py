"""A long what-if: `python benchmarks/long_whatif.py [--lines 10000]`.

Files of so many lines of one kind on the company of the sandbox are typed into `tabwarden whatif`. Told are the seconds
of the processor and the memory of each whole command. Exit code 1 where one takes more than 5 s for 10,000 lines.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import count
from pathlib import Path
from random import Random

from tabwarden.model.site import Site, Taken
from tabwarden.sandbox.worlds.acme import acme
from tabwarden.sandbox.worlds.build import build_site
from tabwarden.store.history import History

LIMIT = 5.0


def kinds(site: Site, dice: Random) -> Mapping[str, Callable[[], str]]:
    """A line of each kind, by chance."""
    groups = [f'"{one.name}"' for one in site.groups.values() if not one.everyone and one.domain == "local"]
    users = [one.name for one in site.users.values() if "Admin" not in one.site_role]
    books = [site.path(one.id) for one in site.contents.values() if one.kind == "workbook"]
    books = [f'"{path}"' for path in books if books.count(path) == 1]
    items = [one.id for one in site.contents.values() if one.kind == "workbook"]
    projects = [site.path(one.id) for one in site.contents.values() if one.kind == "project"]
    choice, serial = dice.choice, count()

    def comes_and_goes(new: str, gone: str) -> Callable[[], str]:
        return lambda: (new, gone)[(number := next(serial)) % 2].format(number // 2)

    return {
        "members": lambda: choice(("add {} to {}", "remove {} from {}")).format(choice(users), choice(groups)),
        "site roles": lambda: f"set {choice(users)} to {choice(('Viewer', 'Explorer', 'Unlicensed'))}",
        "rules": lambda: f"allow View on {choice(books)} to group {choice(groups)}",
        "templates": lambda: f'use template View on "{choice(projects)}" for group {choice(groups)}',
        "locks": lambda: f'{choice(("lock", "unlock"))} "{choice(projects)}"',
        "moves": lambda: f'move {choice(items)} to "{choice(projects)}"',
        "leaders": lambda: f'make group {choice(groups)} leader of "{choice(projects)}"',
        "contents": lambda: f'assign to contents of "{choice(projects)}" and nested projects',
        "people": comes_and_goes("add user zoe{0} as Viewer", "remove user zoe{0}"),
        "groups": comes_and_goes("new group V{0} granting Viewer on sign-in", "delete group V{0}"),
        "owners": lambda: f"give {choice(books)} to {choice(users)}",
        "new projects": lambda: f'new project "{choice(projects)}/n{dice.randrange(10**9)}"',
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", type=int, default=10_000)
    lines = parser.parse_args().lines
    site = build_site(acme(0).sites[0])
    taken = Taken("https://tableau.example.com", "2026-11-21T18:00:00Z", "adm", "ServerAdministrator")
    late = False
    with tempfile.TemporaryDirectory() as folder:
        with History(Path(folder, "store")) as history:
            history.keep(replace(site, taken=taken))
        for kind, line in kinds(site, Random(1)).items():
            Path(folder, "changes.txt").write_text("".join(f"{line()}\n" for _ in range(lines)), encoding="utf-8")
            words = [sys.executable, "-m", "tabwarden", "whatif", "changes.txt", "--store", "store"]
            with subprocess.Popen(words, cwd=folder, stdout=subprocess.DEVNULL) as command:
                _, status, used = os.wait4(command.pid, 0)
                command.returncode = os.waitstatus_to_exitcode(status)
            busy = used.ru_utime + used.ru_stime
            late = late or busy > LIMIT
            print(
                f"{kind:14} {busy:6.1f} s {used.ru_maxrss / 1024:6.0f} MiB  exit code {command.returncode}", flush=True
            )
    return int(late)


if __name__ == "__main__":
    sys.exit(main())
