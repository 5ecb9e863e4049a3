"""What it costs to type a command: instructions of the whole process, start included.

    python benchmarks/typed.py [--write docs/explanation/performance.md] [--only WORDS] [--histories FOLDER]

Counted by valgrind's callgrind, which gives the same number on a busy machine; where it is not installed, processor
time is taken instead, the best of five, at 3.6 thousand million instructions a second. A line of several commands
shows the dearest. Exit code 1 where one costs more than it may.
"""

from __future__ import annotations

import argparse
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from report import write
from tabwarden.model.site import ALL_USERS, Content, Grantee, Group, Rule, Site, Taken, User
from tabwarden.store import beside, snapshot
from tabwarden.store.history import History

GIGA, A_SECOND = 1e9, 3.6e9
SETTINGS = "tableau: {server: https://tableau.example.com, site: four, auth: {pat: {name: p, secret: env:PAT}}}\n"


class Typed(NamedTuple):
    """A line of the table: commands that cost alike, and what each may cost, in thousand million instructions."""

    what: str
    commands: Sequence[str]
    most: float
    goal: float


QUESTIONS = (
    "why ann View Finance/Budget",
    "who View Finance/Budget",
    "what ann Finance/Budget",
    "rules Finance/Budget",
)
HELPS = ("why --help", "read --help", "plan provision --help", "settings encrypt --help", "sandbox --help")
COMPLETED = ("--complete why a", "--complete who View Fin", "--complete why ann Vi")
TABLE = (
    Typed(
        "`--version`, `--help`, a mistyped word, completion", ("--version", "--help", "wyh", "--complete pl"), 0.4, 0.15
    ),
    Typed("completion of an option", ("--complete why --m",), 0.4, 0.15),
    Typed("`COMMAND --help`", HELPS, 0.8, 0.3),
    Typed("`whatif --help`, with the forms of a change", ("whatif --help",), 0.8, 0.3),
    Typed(
        "`why`, `who`, `what USER CONTENT`, `rules` on four people, a snapshot's folder",
        tuple(f"{question} --snapshots four" for question in QUESTIONS),
        0.9,
        0.4,
    ),
    Typed("the same with `--json`", tuple(f"{question} --snapshots four --json" for question in QUESTIONS), 0.9, 0.4),
    Typed("the same, from the history that the settings name", QUESTIONS, 0.9, 0.4),
    Typed("completion of a person, a path, a capability, with names beside the history", COMPLETED, 0.36, 0.25),
)


class Large(NamedTuple):
    """A line about a large site: processor seconds and megabytes of the whole process, at most and as a goal."""

    what: str
    commands: Sequence[str]
    most: float
    goal: float
    megabytes: int


def on_large_sites(folder: Path) -> Iterator[Large]:
    """The lines about the histories that `histories.py` made in `folder`."""
    for size, few, whole in (("M", (0.4, 0.25, 150), (1.5, 1, 500)), ("L", (2, 1.2, 500), (8, 5, 2000))):
        store = f"--store {folder / size}"
        for question in ("why u3 View c770", "what u3 c770", "rules c770"):
            yield Large(f"`{question}` on {size}", [f"{question} {store}"], *few)
        yield Large(f"`who View c770` on {size}, table", [f"who View c770 {store}"], *few)
        everybody = few if size == "M" else (3, 2, 500)
        yield Large(
            f"`who View c770` on {size}, everybody with reasons, JSON", [f"who View c770 --json {store}"], *everybody
        )
        yield Large(f"`what u3` for everything on {size}, JSON", [f"what u3 --json {store}"], *whole)
        if size == "M":
            yield Large(
                "`whatif` of a membership on M", [f"whatif add_u3_to_g5 {store}".replace("_", "\0")], 2, 1, 1000
            )
            yield Large("`whatif` of a lock on M", [f"whatif lock_c7 {store}".replace("_", "\0")], 2, 1, 1000)
            yield Large("`diff last previous` on M", [f"diff last previous {store}"], 2, 1, 1000)


def four_people(folder: Path) -> None:
    """A site of four people in `folder`: a snapshot's folder, a history, and settings that name it."""
    people = {name: User(name, name, role) for name, role in zip("ann joe bob adm".split(), ROLES, strict=True)}
    read = frozenset({Rule(Grantee("group", "sales"), "Read", "Allow"), Rule(Grantee("user", "bob"), "Read", "Deny")})
    project = Content("p", "project", "Finance", None, owner="adm", rules=frozenset())
    groups = (Group(ALL_USERS, ALL_USERS, everyone=True), Group("sales", "Sales", members=frozenset({"ann", "joe"})))
    site = Site(
        users=people,
        groups={group.id: group for group in groups},
        contents={"p": project, "w": Content("w", "workbook", "Budget", "p", owner="joe", rules=read)},
        taken=Taken(when="2026-11-28T18:00:00+00:00", where="https://tableau.example.com"),
        content_url="four",
    )
    snapshot.save(site, folder / "four")
    with History(folder / "kept") as history:
        beside.keep(folder / "kept", history.keep(site), site)
    (folder / "settings.yaml").write_text(f"{SETTINGS}store: {{folder: kept}}\n", encoding="utf-8")


ROLES = ("Viewer", "Creator", "Explorer", "SiteAdministratorCreator")


def split(words: str) -> list[str]:
    """The words of a command; a space within one stands as a zero byte."""
    return [word.replace("\0", " ") for word in words.split()]


def cost(words: str, folder: Path, environ: Mapping[str, str]) -> float:
    """Instructions of one command, in thousand millions."""
    command = [sys.executable, "-m", "tabwarden", *split(words)]
    if shutil.which("valgrind") is None:
        return min(_seconds(command, folder, environ) for _ in range(5)) * A_SECOND / GIGA
    counted = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", *command]
    done = subprocess.run(counted, cwd=folder, env=environ, capture_output=True, text=True, check=False)
    refs = re.search(r"refs:\s+([\d,]+)", done.stderr)
    if refs is None or "Traceback" in done.stderr:
        raise SystemExit(f"`{words}` could not be counted: {done.stderr}")
    return int(refs[1].replace(",", "")) / GIGA


def _seconds(command: Sequence[str], folder: Path, environ: Mapping[str, str]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, cwd=folder, env=environ, capture_output=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def of_large(lines: Sequence[Large], environ: Mapping[str, str]) -> Iterator[tuple[str, bool]]:
    """Each line about a large site: the best of four, run by `time`'s own accounting of a finished process."""
    for line in lines:
        best, memory = 1e9, 0
        for words in (*line.commands,) * 4:
            pid = os.fork()
            if pid == 0:
                os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
                os.execve(sys.executable, [sys.executable, "-m", "tabwarden", *split(words)], environ)
            _, status, used = os.wait4(pid, 0)
            if os.waitstatus_to_exitcode(status) not in (0, 2):
                raise SystemExit(f"`{words}` ended with {os.waitstatus_to_exitcode(status)}")
            best, memory = min(best, used.ru_utime + used.ru_stime), max(memory, used.ru_maxrss // 1024)
        holds = best <= line.most and memory <= line.megabytes
        verdict = "goal" if holds and best <= line.goal else "holds" if holds else "**missed**"
        yield (
            (
                f"| {line.what} | {best:.2f} s, {memory} MB | {line.most:.3g} s, {line.megabytes} MB "
                f"| {line.goal:.3g} s | {verdict} |"
            ),
            holds,
        )


@contextmanager
def compiled() -> Iterator[Mapping[str, str]]:
    """The environment of commands whose modules are compiled once, as an installation does, in a folder apart."""
    with tempfile.TemporaryDirectory(prefix="tabwarden-compiled-") as place:
        environ = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        yield {**environ, "COLUMNS": "100", "PYTHONPYCACHEPREFIX": place}


def rows(only: str, environ: Mapping[str, str], large: Sequence[Large] = ()) -> Iterator[tuple[str, bool]]:
    """Each line of the table as Markdown, and whether it holds."""
    with tempfile.TemporaryDirectory(prefix="tabwarden-typed-") as place:
        four_people(Path(place))
        for line in TABLE:
            if only in line.what:
                for words in line.commands:  # once before, so that nothing is compiled while it is counted
                    subprocess.run(
                        [sys.executable, "-m", "tabwarden", *words.split()], cwd=place, env=environ, capture_output=True
                    )
                dearest = max(cost(words, Path(place), environ) for words in line.commands)
                verdict = "goal" if dearest <= line.goal else "holds" if dearest <= line.most else "**missed**"
                words = f"| {line.what} | {dearest:.2f} G | {line.most:.3g} G | {line.goal:.3g} G | {verdict} |"
                yield words, dearest <= line.most
    yield from of_large([line for line in large if only in line.what], environ)


def main() -> int:
    """Count, print, write where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", type=Path)
    parser.add_argument("--only", default="", help="lines whose first cell has these words")
    parser.add_argument("--histories", type=Path, help="folder of `histories.py`: large sites too")
    given = parser.parse_args()
    large = list(on_large_sites(given.histories.absolute())) if given.histories is not None else []
    lines = ["| what is typed | costs | at most | goal | |", "|---|--:|--:|--:|---|"]
    print(*lines, sep="\n")
    all_hold = True
    with compiled() as environ:
        for words, holds in rows(given.only, environ, large):
            print(words, flush=True)
            lines.append(words)
            all_hold = all_hold and holds
    if given.write is not None:
        python = f"Python {sys.version.split()[0]}"
        command = f"`python benchmarks/typed.py`, {python}."
        if large:
            command = (
                f"`python benchmarks/typed.py --histories FOLDER`, {python}; `benchmarks/histories.py` makes them."
            )
        write(given.write, f"{command}\n\n" + "\n".join(lines) + "\n", "typed")
    return 0 if all_hold else 1


if __name__ == "__main__":
    raise SystemExit(main())
