"""How time and memory grow with the site, for every public question, for lint, mirror, policy and read.

    python benchmarks/growth.py [--only WORDS] [--sizes S,M,L] [--folder FOLDER] [--write docs/explanation/scale.md]

Each cell is one process that opens the site and asks once, with the defaults of whoever types it: processor seconds
and peak memory, the start of Python in them. The sites are those of `engine.py`, 5,050 contents to 1,010,000, their
columns beside a history; `read` asks two sandboxes over REST. The slope is that of logarithms, from the smallest size
to the largest and, behind a stroke, between the last two, where the start of the process counts least: 1 is as much
more as there is more, and at most 1.1 is asked. Exit code 1 where a slope is above.
"""

from __future__ import annotations

import argparse
import math
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from mirror import SERVER, SETTINGS, SINKS, changed, drawn, keep
from readers import sandbox
from report import write
from sites import SIZES, site
from tabwarden.mirror.rows import COMPRESSED, FACTS
from tabwarden.sandbox.worlds.acme import TOKEN_NAME, TOKEN_SECRET
from tabwarden.sandbox.worlds.finding import SIZES as WORLDS

MOST, PEOPLE = 1.1, 1_000
OPEN = "import tabwarden as tw; site = tw.open('last', store='store'); "
# What is asked in Python; `item` stands for a workbook, `project` for a project, of the size's own.
QUESTIONS = {
    "why": "site.why('u3', 'View', 'item').sentence",
    "who": "len(site.who('View', 'item'))",
    "who, with reasons": "sum(1 for _ in site.who('View', 'item').answers)",
    "what, one content": "site.what('u3', 'item').allowed",
    "what, everything": "len(site.what('u3'))",
    "`engine.what_ids`": "len(site.engine.what_ids(3, 'View'))",
    "what_if of a membership": "site.what_if('add u3 to g5').verdict",
    "what_if of a lock": "site.what_if('lock project').verdict",
    "fixes": "len(site.fixes('u3', 'View', 'item'))",
    "compare two reads": "tw.open('1', store='store').compare(site).verdict",
}
COMMANDS = {
    "`rules`": "rules item --store store --json",
    "`diff previous last`": "diff previous last --store store --json",
    "`lint`": "lint --store store --fail-on never --json",
    "`mirror`, compressed, to Parquet": "mirror --settings compressed.yaml --snapshot 1 --json",
    "`mirror`, facts, to Parquet": "mirror --settings facts.yaml --snapshot 1 --json",
}
POLICY = "policy: as text, and planned back"


class Cost(NamedTuple):
    """Processor seconds and gigabytes of one process; `contents` is how large its site is."""

    contents: int
    seconds: float
    gigabytes: float


def main() -> int:
    """A row of a Markdown table a question, as it is measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="questions whose name holds these words")
    parser.add_argument("--sizes", default="S,M,L")
    parser.add_argument("--folder", type=Path, help="where the sites are made, and stay")
    parser.add_argument("--write", type=Path, help="put the table between the marks of this page")
    wanted = parser.parse_args()
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as name:
        folder, sizes = wanted.folder or Path(name), wanted.sizes.split(",")
        for size in sizes:
            made(folder / size, size)
        lines, steep = [], False
        for question, costs in measured(folder, sizes, wanted.only):
            slopes = [slope(costs, side) for side in ("seconds", "gigabytes")]
            steep |= any(max(some) > MOST for some in slopes)
            told = [f"{cost.seconds:.2f} s, {cost.gigabytes:.2f} GB" for cost in costs]
            told += [""] * (len(sizes) - len(costs))
            told += [" / ".join(f"{one:.2f}" for one in some) for some in slopes]
            lines.append(f"| {question} | {' | '.join(told)} |")
            print(lines[-1], flush=True)
    if wanted.write:
        heads = f"| | {' | '.join(sizes)} | time | memory |\n|---|{'--:|' * (len(sizes) + 2)}"
        python = ".".join(map(str, sys.version_info[:3]))
        text = f"`python benchmarks/growth.py`, Python {python}, {os.cpu_count()} processors, load {load:.1f}.\n"
        write(wanted.write, "\n".join([text, heads, *lines, ""]), "growth")
    return int(steep)


def measured(folder: Path, sizes: Sequence[str], only: str) -> Iterator[tuple[str, list[Cost]]]:
    """What is asked, and what it costs on each size."""
    words = {name: ["-c", f"{OPEN}{question}"] for name, question in QUESTIONS.items()}
    words |= {name: ["-m", "tabwarden", *command.split()] for name, command in COMMANDS.items()}
    words[POLICY] = [
        "-c",
        f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); import growth; growth.policy()",
    ]
    for name, command in words.items():
        if only in name:
            yield name, [typed(folder / size, named(command, size), contents(size)) for size in sizes]
    if only in "read over REST (rest-s, rest-m)":
        yield "read over REST (rest-s, rest-m)", [read(world) for world in ("rest-s", "rest-m")]


def named(command: Sequence[str], size: str) -> list[str]:
    """The command with names of that size: its middle item, its seventh project."""
    item = f"c{SIZES[size].projects + SIZES[size].items // 2}"
    return [
        word.replace("'item'", f"'{item}'").replace("project'", "c7'") if "'" in word else word.replace("item", item)
        for word in command
    ]


def contents(size: str) -> int:
    """How many there are."""
    return SIZES[size].projects + SIZES[size].items


def slope(costs: Sequence[Cost], side: str) -> list[float]:
    """From the first to the last, and between the last two."""
    return [
        math.log(getattr(costs[-1], side) / getattr(one, side)) / math.log(costs[-1].contents / one.contents)
        for one in dict.fromkeys((costs[0], costs[-2]))
    ]


def typed(folder: Path, words: Sequence[str], count: int, environ: Mapping[str, str] | None = None) -> Cost:
    """What one process costs."""
    pid = os.fork()
    if pid == 0:
        os.chdir(folder)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        os.execve(sys.executable, [sys.executable, *words], {**os.environ, "PAT": "secret", **(environ or {})})
    _, status, used = os.wait4(pid, 0)
    if os.waitstatus_to_exitcode(status) not in (0, 2):
        raise SystemExit(f"`{' '.join(words)}` ended with {os.waitstatus_to_exitcode(status)}")
    return Cost(count, used.ru_utime + used.ru_stime, used.ru_maxrss * 1024 / 1e9)


def made(folder: Path, size: str) -> None:
    """A store with two reads, settings of two mirrors, a catalog; in a process of its own, for a fork starts at its
    parent's peak. What is there already stays.
    """
    if (folder / "people.csv").exists():
        return
    pid = os.fork()
    if pid == 0:
        before = site(size)
        before = replace(before, about=replace(before.about, content_url="perf"))
        for number, columns in enumerate((before, changed(before)), start=1):
            keep(folder / "store", columns, datetime.now(UTC) - timedelta(minutes=10 - number))
        for form in (COMPRESSED, FACTS):
            text = SETTINGS % (SERVER, form, SINKS["Parquet"].replace("out", form))
            (folder / f"{form}.yaml").write_text(text, encoding="utf-8")
        names = "".join(f"{person.name}\n" for person in drawn(before, PEOPLE))
        (folder / "people.csv").write_text(f"Email Address\n{names}", encoding="utf-8")
        os._exit(0)
    if os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]):
        raise SystemExit(f"{size} could not be made")


def policy() -> None:
    """The site of this folder as the text of a policy, and what that would change: nothing."""
    from mirror import opened_columns
    from tabwarden.engine.convert import site_of
    from tabwarden.plan.restore import restored
    from tabwarden.run.policy import policy_text
    from tabwarden.settings.policy import load_policy
    from tabwarden.want.policy.export import told
    from tabwarden.want.policy.wanted import wanted_content

    now = site_of(opened_columns(Path(), 1))
    path = Path("policy.yaml")
    path.write_text(policy_text(told(now)), encoding="utf-8")
    wanted = wanted_content(now, load_policy([path]), "2026-01-01")
    assert not restored(now, wanted.site, wanted.scope - wanted.make, "", make=wanted.make).changes


def read(world: str) -> Cost:
    """`tabwarden read` of a world of the sandbox, which is a process of its own."""
    size = WORLDS[world]
    count = size.projects + size.workbooks + size.views + size.datasources + size.flows
    with sandbox(world) as server, tempfile.TemporaryDirectory() as folder:
        signs_in = f"{{name: {TOKEN_NAME}, secret: '{TOKEN_SECRET}'}}"
        text = f"tableau: {{server: '{server.url}', site: {world}, auth: {{pat: {signs_in}}}}}\n"
        (Path(folder) / "settings.yaml").write_text(text, encoding="utf-8")
        return typed(Path(folder), ["-m", "tabwarden", "read", "-q"], count)


if __name__ == "__main__":
    raise SystemExit(main())
