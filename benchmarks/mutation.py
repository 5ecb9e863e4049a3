"""Kills mutants of the evaluators and effects with the tests, in one process after the other, and tells who survived.

    python benchmarks/mutation.py                 all of them
    python benchmarks/mutation.py --every 7       a sample
    python benchmarks/mutation.py --only effects  files whose name holds a word

Each mutant lives in a forked child: its file is imported changed, everything else as it is, and the tests are run in
the order in which they kill, until one fails. The exit code is 0 where at least 95 in 100 died and every survivor is
explained in mutation-survivors.md; what is explained there needs no further look.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import os
import re
import resource
import sys
import time
from collections.abc import Callable
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_loader
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

# Whatever is no part of the house is imported once, before the children are born.
import hypothesis  # noqa: F401
import numpy  # noqa: F401
import pytest
import yaml  # noqa: F401

from mutants import Mutant, mutants

ROOT = Path(__file__).parent.parent
SOURCE, TESTS = ROOT / "src" / "tabwarden", ROOT / "tests"
EXPLAINED = Path(__file__).with_name("mutation-survivors.md")
ENOUGH = 0.95
SECONDS = 240  # of processor time for one mutant


class Fate(NamedTuple):
    """What became of a mutant: survived, or killed by something."""

    survived: bool
    by: str
    seconds: float


# -- what kills ------------------------------------------------------------------------------------------------


def random_sites() -> None:
    """Reference and engine over small random Sites."""
    from agreement import Fast, random_suite
    from tabwarden.access.convert import columns_of
    from tabwarden.access.engine import Engine
    from tabwarden.access.reference import may

    assert random_suite(may, Fast(columns_of, Engine), 0, 16) is None


def table() -> None:
    """Some of the truth table, for both."""
    from agreement import Fast, parts, table_suite
    from tabwarden.access.convert import columns_of
    from tabwarden.access.engine import Engine
    from tabwarden.access.reference import may

    assert table_suite(may, Fast(columns_of, Engine), parts(6)) is None


def cases() -> None:
    """The case files."""
    from tabwarden.cases.file import load
    from tabwarden.cases.running import run

    for path in sorted((TESTS / "cases").glob("*.json")):
        for case in load(path):
            assert run(case).problems == (), case.id


def tests(*names: str) -> Callable[[], None]:
    """Test files, where they exist."""

    def run() -> None:
        files = [str(path) for name in names for path in sorted(TESTS.glob(f"test_{name}.py"))]
        quiet = ["-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "--assert=plain"]
        assert not files or pytest.main([*quiet, "--hypothesis-seed=0", *files]) == 0

    run.__name__ = f"tests({', '.join(names)})"
    return run


def killers(file: str) -> tuple[Callable[[], None], ...]:
    """What may kill mutants of a file, the quickest to kill first."""
    name = Path(file).stem
    if file.startswith("change/"):
        return cases, tests("effects", "effects_exactly"), tests("unknown", "switches"), tests("laws")
    if name in _OF_ENGINE or name.startswith("engine"):
        return random_sites, table, tests("columns*"), tests("engine_*")
    if name in ("reference", "leading"):
        return random_sites, table, cases, tests("unknown", "switches")
    return cases, tests("abilities_table"), tests("unknown", "switches", "abilities_of*", "models_*")


_OF_ENGINE = ("columns", "convert", "align", "rows")


# -- one mutant ------------------------------------------------------------------------------------------------


class _Changed(MetaPathFinder, Loader):
    """Imports one module from a syntax tree."""

    def __init__(self, name: str, tree: ast.Module) -> None:
        self.name, self.tree = name, tree

    def find_spec(self, fullname: str, _path: Any, _target: ModuleType | None = None) -> ModuleSpec | None:
        return spec_from_loader(fullname, self) if fullname == self.name else None

    def create_module(self, _spec: ModuleSpec) -> None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        exec(compile(self.tree, f"<{self.name}>", "exec"), module.__dict__)


def fate_of(file: str, tree: ast.Module | None, order: tuple[Callable[[], None], ...]) -> Fate:
    """Runs the killers on a changed file (None: on the file as it is) in a child, until one of them fails."""
    started = time.monotonic()
    child = os.fork()
    if not child:
        os._exit(_in_child(file, tree, order))
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    by = order[code - 1].__name__ if 0 < code <= len(order) else "" if not code else "the clock"
    return Fate(code == 0, by, time.monotonic() - started)


def _in_child(file: str, tree: ast.Module | None, order: tuple[Callable[[], None], ...]) -> int:
    """The number of the killer that failed; 0 when all passed."""
    sys.dont_write_bytecode = True
    # Its own time, not the wall's: a machine that has other things to do kills nobody.
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    if tree is not None:
        name = "tabwarden." + file.removesuffix(".py").replace("/", ".")
        sys.meta_path.insert(0, _Changed(name, tree))
    for number, killer in enumerate(order, 1):
        try:
            killer()
        except BaseException:  # whatever it died of, it died
            return number
    return 0


# -- all of them -----------------------------------------------------------------------------------------------


def files(only: str) -> list[str]:
    """The files whose mutants are asked for."""
    found = [*sorted((SOURCE / "access").glob("*.py")), SOURCE / "change" / "effects.py"]
    named = [str(path.relative_to(SOURCE)) for path in found if path.name != "__init__.py"]
    return [name for name in named if re.search(only, name)]


def explained() -> set[str]:
    """The keys of survivors that somebody has looked at."""
    if not EXPLAINED.exists():
        return set()
    lines = EXPLAINED.read_text(encoding="utf-8").splitlines()
    return {line.removeprefix("- `").partition("`:")[0] for line in lines if line.startswith("- `")}


def main() -> int:
    """The command; see the top of the file."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--every", type=int, default=1, help="only every n-th mutant")
    parser.add_argument("--from", type=int, default=0, dest="first", help="number of the first one")
    parser.add_argument("--only", default="", help="a pattern that a file's name must hold")
    parser.add_argument("--again", action="store_true", help="only survivors of mutation-survivors.md")
    parser.add_argument("--verbose", action="store_true", help="the killed ones too")
    chosen = parser.parse_args()
    sys.path.insert(0, str(TESTS))
    os.chdir(ROOT)
    found = [m for f in files(chosen.only) for m in mutants(f, (SOURCE / f).read_text(encoding="utf-8"))]
    known = explained()
    sample = [m for m in found[chosen.first :: chosen.every] if not chosen.again or m.key in known]
    orders = {tuple(k.__name__ for k in killers(m.file)): m.file for m in sample}
    for file in orders.values():
        fate = fate_of(file, None, killers(file))
        if not fate.survived:
            print(f"the house is not well without any change: {fate.by} fails")
            return 2
    return told(sample, known, verbose=chosen.verbose)


def told(sample: list[Mutant], known: set[str], *, verbose: bool) -> int:
    """Runs them all, prints who survived and the sum; the exit code."""
    counts: dict[str, list[int]] = {}
    survivors, started = [], time.monotonic()
    for mutant in sample:
        fate = fate_of(mutant.file, mutant.tree(), killers(mutant.file))
        count = counts.setdefault(mutant.file, [0, 0])
        count[0 if fate.survived else 1] += 1
        if fate.survived:
            survivors.append(mutant)
        if fate.survived or verbose:
            what = "SURVIVED" if fate.survived else f"killed by {fate.by}"
            look = " (explained)" if mutant.key in known and fate.survived else ""
            words = f"{mutant.file}:{mutant.line} {mutant.function}: {mutant.was} → {mutant.now}"
            print(f"{what}{look} {fate.seconds:.1f} s  {words}", flush=True)
    for file, (alive, dead) in counts.items():
        print(f"{file}: {dead} of {dead + alive} killed")
    new = [m for m in survivors if m.key not in known]
    killed = len(sample) - len(survivors)
    share = killed / max(len(sample), 1)
    minutes = (time.monotonic() - started) / 60
    print(f"{killed} of {len(sample)} mutants killed, {100 * share:.1f} %, in {minutes:.1f} minutes")
    print(f"{len(survivors)} survived, {len(new)} of them without an explanation")
    return 0 if share >= ENOUGH and not new else 1


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        sys.exit(main())
