"""Kills mutants of the evaluators and effects with the tests, two at a time, and tells who survived.

    python benchmarks/mutation.py                 all of them
    python benchmarks/mutation.py --every 7       a sample
    python benchmarks/mutation.py --only effects  files whose name matches
    python benchmarks/mutation.py --again         only those that mutation-survivors.md explains

Each mutant lives in a forked child, where the tests run, those that kill quickest first, until one fails. What the
children share (imports, what the healthy side of a comparison answers) is done once, before they are born. The exit
code is 0 where at least 95 in 100 died and every survivor is explained in mutation-survivors.md; an explained one
counts as a survivor and is not run again, unless asked for.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import importlib
import io
import os
import re
import resource
import signal
import sys
import time
from collections.abc import Callable, Iterator
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_loader
from pathlib import Path
from types import CodeType, FrameType, FunctionType, ModuleType
from typing import Any, NamedTuple

from hypothesis import Phase, settings

from killers import ROOT, TESTS, Killer, collect, killers_of
from mutants import Mutant, mutants

SOURCE = ROOT / "src" / "tabwarden"
EXPLAINED = Path(__file__).with_name("mutation-survivors.md")
ENOUGH = 0.95
PATIENCE, LEAST_PATIENCE = 4, 20  # a mutant may take that many times as long as no change, and so many seconds


class Fate(NamedTuple):
    """What became of a mutant: killed by something, or by nothing."""

    mutant: Mutant
    by: str
    seconds: float


# -- a changed file -------------------------------------------------------------------------------------------


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


def change(mutant: Mutant, called: set[tuple[str, str]]) -> None:
    """Puts a mutant in the place of its file: only a function's code where that is all, or everything imported anew."""
    name = "tabwarden." + mutant.file.removesuffix(".py").replace("/", ".")
    tree = mutant.tree()
    if (mutant.file, mutant.function) not in called and _swapped(importlib.import_module(name), tree):
        return
    for other, module in list(sys.modules.items()):
        path = getattr(module, "__file__", None) or ""
        if path.startswith((str(SOURCE), str(TESTS))):
            del sys.modules[other]
    sys.meta_path.insert(0, _Changed(name, tree))


def _swapped(module: ModuleType, tree: ast.Module) -> bool:
    """Whether functions took the code of the changed tree, and one of them another than it had."""
    assert module.__file__ is not None
    codes = {(c.co_qualname, c.co_firstlineno): c for c in _codes(compile(tree, module.__file__, "exec"))}
    differ = False
    for function in _functions(vars(module), module.__name__):
        old = function.__code__
        new = codes.get((old.co_qualname, old.co_firstlineno), old)
        if new != old:
            if new.co_freevars != old.co_freevars:
                return False
            function.__code__ = new
            differ = True
    return differ


def _codes(code: CodeType) -> Iterator[CodeType]:
    for each in code.co_consts:
        if isinstance(each, CodeType):
            yield each
            yield from _codes(each)


def _functions(names: Any, module: str) -> Iterator[FunctionType]:
    """The functions and methods of a module, without what is wrapped around them."""
    for held in list(names.values()):
        if isinstance(held, type) and held.__module__ == module:
            yield from _functions(vars(held), module)
        for part in ("__func__", "fget", "func"):
            held = getattr(held, part, None) or held if not isinstance(held, type) else held
        while hasattr(held, "__wrapped__") and not isinstance(held, type):
            held = held.__wrapped__
        if isinstance(held, FunctionType) and held.__module__ == module:
            yield held


# -- a nursery: what all mutants of some files share ----------------------------------------------------------


class Nursery:
    """Everything imported and warm, and the time the killers take; every mutant is a child of it."""

    def __init__(self, found: tuple[Killer, ...]) -> None:
        settings.register_profile("mutation", database=None, phases=[Phase.explicit, Phase.generate])
        settings.load_profile("mutation")
        self.called: set[tuple[str, str]] = set()
        with self._noting():
            collect(list(found))
        for killer in found:
            if killer.again:
                with contextlib.redirect_stdout(io.StringIO()):
                    killer.run()
        times = {}
        for killer in found:
            by, seconds = self.live(None, (killer,), LEAST_PATIENCE * 20)
            if by:
                raise SystemExit(f"the house is not well without any change: {by} fails")
            times[killer] = seconds
        self.order = found
        self.patience = int(max(LEAST_PATIENCE, PATIENCE * sum(times.values())))
        print("; ".join(f"{killer.name} {times[killer]:.1f} s" for killer in self.order), flush=True)

    @contextlib.contextmanager
    def _noting(self) -> Iterator[None]:
        """Notes which functions importing calls: to change their code afterwards would be too late."""
        src = f"{SOURCE}/"

        def note(frame: FrameType, event: str, _arg: object) -> None:
            code = frame.f_code
            if event == "call" and code.co_filename.startswith(src):
                where = code.co_qualname.replace(".<locals>", "").partition(".<")[0]
                self.called.add((code.co_filename.removeprefix(src), where))

        sys.setprofile(note)
        try:
            yield
        finally:
            sys.setprofile(None)

    def live(self, mutant: Mutant | None, order: tuple[Killer, ...], patience: int) -> tuple[str, float]:
        """Name of what killed a child, empty when nothing did; seconds it took."""
        started = time.monotonic()
        child = self.born(mutant, order, patience)
        _, status = os.waitpid(child, 0)
        return cause(status, order), time.monotonic() - started

    def born(self, mutant: Mutant | None, order: tuple[Killer, ...], patience: int) -> int:
        """The process id of a child in which the killers run until one fails."""
        child = os.fork()
        if not child:
            os._exit(self._in_child(mutant, order, patience))
        return child

    def _in_child(self, mutant: Mutant | None, order: tuple[Killer, ...], patience: int) -> int:
        """The number of the killer that failed; 0 when all passed."""
        sys.dont_write_bytecode = True
        # Its own time, not the wall's: a machine that has other things to do kills nobody. Sleepers get long.
        resource.setrlimit(resource.RLIMIT_CPU, (patience, patience))
        signal.alarm(20 * patience)
        silence = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silence, 1)
        os.dup2(silence, 2)
        passed = 0
        try:
            if mutant is not None:
                change(mutant, self.called)
            for killer in order:
                killer.run()
                passed += 1
        except BaseException:  # whatever it died of, it died
            return passed + 1
        return 0

    def fates(self, waiting: list[Mutant], workers: int) -> Iterator[Fate]:
        """What becomes of each, as it becomes known."""
        living: dict[int, tuple[Mutant, float]] = {}
        todo = iter(waiting)
        while True:
            for mutant in todo:
                living[self.born(mutant, self.order, self.patience)] = mutant, time.monotonic()
                if len(living) >= workers:
                    break
            if not living:
                return
            child, status = os.wait()
            mutant, started = living.pop(child)
            yield Fate(mutant, cause(status, self.order), time.monotonic() - started)


def cause(status: int, order: tuple[Killer, ...]) -> str:
    """What a child died of, by its exit status; nothing where it lives."""
    code = os.waitstatus_to_exitcode(status)
    return "" if code == 0 else order[code - 1].name if 0 < code <= len(order) else "the clock"


def apart(work: Callable[[], int]) -> int:
    """Does it in a process of its own, whose imports are forgotten with it; gives its exit code."""
    child = os.fork()
    if not child:
        code = 3
        try:
            code = work()
        except SystemExit as told:
            print(told, flush=True)
        finally:
            sys.stdout.flush()
            os._exit(code)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


# -- all of them ----------------------------------------------------------------------------------------------


def files(only: str) -> list[str]:
    """The files whose mutants are asked for."""
    found = [
        *(p for room in ("access", "engine") for p in sorted((SOURCE / room).rglob("*.py"))),
        SOURCE / "effects/content.py",
    ]
    named = [str(path.relative_to(SOURCE)) for path in found if path.name != "__init__.py"]
    return [name for name in named if re.search(only, name)]


def explained() -> set[str]:
    """The keys of survivors that somebody has looked at."""
    if not EXPLAINED.exists():
        return set()
    lines = EXPLAINED.read_text(encoding="utf-8").splitlines()
    return {line.removeprefix("- `").removesuffix("`") for line in lines if line.startswith("- `")}


class Count:
    """How many lived and died, by file, and who is not explained; kept in a pipe, as each nursery is a process."""

    def __init__(self) -> None:
        self.reading, self.writing = os.pipe()
        self.alive: dict[str, int] = {}
        self.dead: dict[str, int] = {}
        self.new = 0

    def add(self, file: str, *, dead: bool, known: bool) -> None:
        """One mutant more."""
        os.write(self.writing, f"{file} {int(dead)} {int(known)}\n".encode())

    def read(self) -> None:
        """Takes up what a nursery wrote."""
        os.set_blocking(self.reading, False)
        text = b""
        with contextlib.suppress(BlockingIOError):
            while piece := os.read(self.reading, 1 << 16):
                text += piece
        for line in text.decode().splitlines():
            file, dead, known = line.split()
            where = self.dead if dead == "1" else self.alive
            where[file] = where.get(file, 0) + 1
            self.new += dead == known == "0"

    def told(self, started: float) -> int:
        """Prints the sums; the exit code."""
        for file in sorted({*self.alive, *self.dead}):
            dead, alive = self.dead.get(file, 0), self.alive.get(file, 0)
            print(f"{file}: {dead} of {dead + alive} killed, {100 * dead / (dead + alive):.1f} %")
        dead, alive = sum(self.dead.values()), sum(self.alive.values())
        share, minutes = dead / max(dead + alive, 1), (time.monotonic() - started) / 60
        print(f"{dead} of {dead + alive} mutants killed, {100 * share:.1f} %, in {minutes:.1f} minutes")
        print(f"{alive} survived, {self.new} of them without an explanation")
        return 0 if share >= ENOUGH and not self.new else 1


def main() -> int:
    """The command; see the top of the file."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--every", type=int, default=1, help="only every n-th mutant")
    parser.add_argument("--from", type=int, default=0, dest="first", help="number of the first one")
    parser.add_argument("--only", default="", help="a pattern that a file's name must hold")
    parser.add_argument("--again", action="store_true", help="only survivors of mutation-survivors.md")
    parser.add_argument("--processes", type=int, default=2, help="how many mutants live at a time")
    parser.add_argument("--verbose", action="store_true", help="the killed ones too")
    chosen = parser.parse_args()
    sys.path.insert(0, str(TESTS))
    os.chdir(ROOT)
    found = [m for f in files(chosen.only) for m in mutants(f, (SOURCE / f).read_text(encoding="utf-8"))]
    known, count, started = explained(), Count(), time.monotonic()
    groups: dict[tuple[Killer, ...], list[Mutant]] = {}
    for mutant in found[chosen.first :: chosen.every]:
        if not chosen.again and mutant.key in known:
            count.add(mutant.file, dead=False, known=True)
        elif not chosen.again or mutant.key in known:
            groups.setdefault(killers_of(mutant.file), []).append(mutant)
    for killers, group in groups.items():
        count.read()
        if apart(lambda killers=killers, group=group: killed(killers, group, known, count, chosen)):
            return 2
        count.read()
    return count.told(started)


def killed(
    killers: tuple[Killer, ...], group: list[Mutant], known: set[str], count: Count, chosen: argparse.Namespace
) -> int:
    """Runs the mutants of files that the same killers are for, and prints who survived."""
    for mutant, by, seconds in Nursery(killers).fates(group, chosen.processes):
        count.add(mutant.file, dead=bool(by), known=mutant.key in known)
        if not by or chosen.verbose:
            what = f"killed by {by}" if by else "SURVIVED"
            print(f"{what} {seconds:.1f} s  :{mutant.line}\n- `{mutant.key}`", flush=True)
    return 0


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        sys.exit(main())
