"""The house in figures: files, lines, modules with one importer, functions' lengths, and the hops of five walks.

    python benchmarks/house.py            what is read from the source
    python benchmarks/house.py --walks    and how many files five calls enter, and how often they change file

A walk counts the calls of Python functions of the package, imports and comprehensions aside.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import io
import os
import sys
import tempfile
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

SOURCE = Path(__file__).parent.parent / "src" / "tabwarden"


def modules() -> dict[str, ast.Module]:
    """Every module of the package by its dotted name."""
    named = {}
    for path in sorted(SOURCE.rglob("*.py")):
        dotted = ".".join(("tabwarden", *path.relative_to(SOURCE).with_suffix("").parts)).removesuffix(".__init__")
        named[dotted] = ast.parse(path.read_text(encoding="utf-8"))
    return named


def importers(named: dict[str, ast.Module]) -> dict[str, set[str]]:
    """Who imports a module, by its name."""
    users: dict[str, set[str]] = defaultdict(set)
    for name, tree in named.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module:
                for alias in node.names:
                    inner = f"{node.module}.{alias.name}"
                    users[inner if inner in named else node.module].add(name)
    return users


def from_source() -> Iterator[tuple[str, object]]:
    """Figures that need no run."""
    named = modules()
    users = importers(named)
    texts = [path.read_text(encoding="utf-8") for path in sorted(SOURCE.rglob("*.py"))]
    lengths = sorted(
        (node.end_lineno or node.lineno) - node.lineno + 1
        for tree in named.values()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )
    yield "files", len(named)
    yield "lines", sum(text.count("\n") for text in texts)
    yield "modules with one importer", sum(len(users[name]) == 1 for name in named)
    at = (lengths[len(lengths) // 2], lengths[len(lengths) * 95 // 100], lengths[-1])
    yield "functions: number, median / 95 % / longest", f"{len(lengths):,}, {at[0]} / {at[1]} / {at[2]}"


class Walk:
    """Files of the package that calls enter, and how often the file changes, in every thread."""

    def __init__(self) -> None:
        self.files: set[str] = set()
        self.changes = 0
        self._last: dict[int, str] = {}

    def forget(self) -> None:
        """Begin anew."""
        self.files, self.changes = set(), 0

    def __call__(self, frame: FrameType, event: str, _argument: Any) -> None:
        code = frame.f_code
        if event != "call" or code.co_name.startswith("<") or not code.co_filename.startswith(str(SOURCE)):
            return
        thread = threading.get_ident()
        if self._last.get(thread) != code.co_filename:
            self._last[thread] = code.co_filename
            self.changes += 1
        self.files.add(code.co_filename)


@contextmanager
def walking() -> Iterator[Walk]:
    """What is called meanwhile."""
    walk = Walk()
    threading.setprofile(walk)
    sys.setprofile(walk)
    try:
        yield walk
    finally:
        sys.setprofile(None)
        threading.setprofile(None)


def walks(folder: Path) -> Iterator[tuple[str, Walk]]:
    """Five calls that everybody makes, each done once before it is counted, so that imports are not."""
    import tabwarden
    from tabwarden.cli import run

    sys.path.insert(0, str(SOURCE.parent.parent / "tests" / "support"))

    def counted(call: Callable[[], object]) -> Walk:
        call()
        with walking() as walk:
            call()
        return walk

    site = tabwarden.open("company")
    yield "why", counted(lambda: tabwarden.open("company").why("jane.brown", "View", "Private").sentence)
    yield "what-if", counted(lambda: site.what_if("lock Private").rows())
    from provisioning import bench
    from sandbox_client import Raw

    with walking() as walk, tabwarden.sandbox("w0") as box:  # its thread is watched from its start
        raw = Raw(box)
        raw.sign_in()
        raw.get("users")
        walk.forget()
        raw.get("users")
    yield "a sandbox GET", walk
    with bench(folder) as desk:
        desk.joiners("one.more")
        desk.run()
        desk.joiners("two.more")
        with walking() as walk:
            desk.run()
        yield "roster row to REST", walk
        database = {"type": "sql", "driver": "duckdb", "connect": {"database": str(folder / "catalog.duckdb")}}
        desk.more = {"mirror": {"sinks": [database]}}
        os.environ.update(desk.environment)
        words = ["--settings", str(desk.settings_path)]
        with contextlib.redirect_stdout(io.StringIO()):
            run(["read", *words])
            run(["mirror", *words])
            (folder / "catalog.duckdb").unlink()
            with walking() as walk:
                run(["mirror", *words])
        yield "mirror to DuckDB", walk


def main() -> int:
    """Print a line a figure."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--walks", action="store_true")
    wanted = parser.parse_args()
    for what, figure in from_source():
        print(f"{what}: {figure:,}" if isinstance(figure, int) else f"{what}: {figure}")
    if wanted.walks:
        with tempfile.TemporaryDirectory() as folder:
            for what, walk in walks(Path(folder)):
                print(f"{what}: {len(walk.files)} files, {walk.changes} changes of file")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
