"""One language of change: an op is a class, written in few files, sent by type; one function makes plans."""

from __future__ import annotations

import ast
from collections import defaultdict
from functools import cache
from pathlib import Path

from paths import SOURCE, nodes_of

import tabwarden.effects.ops  # noqa: F401  (every op is known by its name)
from tabwarden.effects.change import OPS

CLASSES = {op.__name__ for op in OPS.values()}
DEFINED = {op.__name__: SOURCE / Path(*op.__module__.split(".")[1:]).with_suffix(".py") for op in OPS.values()}
NAMES = set(OPS)
DISPATCHES = ("isinstance", "issubclass", "sends")
KNOWN_BY = 4
"""Places beside its own file that name an op: the order of a plan and fixes make it, the writer, its sentence."""


@cache
def trees() -> dict[Path, tuple[ast.AST, ...]]:
    return {path: nodes_of(path) for path in sorted(SOURCE.rglob("*.py"))}


def named(node: ast.AST) -> set[str]:
    return {one.id for one in ast.walk(node) if isinstance(one, ast.Name)} & CLASSES


@cache
def imports_ops(nodes: tuple[ast.AST, ...]) -> set[str]:
    """The op classes a file takes from where they are defined; another class of that name is another class."""
    return {
        alias.name
        for node in nodes
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("tabwarden.effects.ops")
        for alias in node.names
    } & CLASSES


def room(path: Path) -> str:
    """The file; of the writer, which is several, the whole."""
    name = str(path.relative_to(SOURCE))
    return "tableau/write" if name.startswith("tableau/write") else name


def test_an_op_is_written_in_at_most_three_files() -> None:
    """Where what it is, how it is sent and how it is said is decided: its own file, the writer, the sentences."""
    deciding: dict[str, set[str]] = defaultdict(set)
    for path, nodes in trees().items():
        for node in nodes:
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in DISPATCHES:
                for name in named(node) & imports_ops(nodes):
                    deciding[name].add(room(path))
            if isinstance(node, ast.MatchClass):
                for name in named(node.cls) & imports_ops(nodes):
                    deciding[name].add(room(path))
    for name, paths in deciding.items():
        assert len(paths) <= 2, f"{name} is decided about in {sorted(paths)}"


def test_few_files_know_an_op_at_all() -> None:
    knowing: dict[str, set[str]] = defaultdict(set)
    for path, nodes in trees().items():
        for name in imports_ops(nodes):
            if path != DEFINED[name]:
                knowing[name].add(room(path))
    for name, paths in knowing.items():
        assert len(paths) <= KNOWN_BY, f"{name} is named in {sorted(paths)}"


def test_nobody_asks_for_the_name_of_an_op() -> None:
    """Names are for files and tables; whoever wants to know something asks the change."""
    for path, nodes in trees().items():
        for node in nodes:
            if isinstance(node, ast.Compare):
                sides = (node.left, *node.comparators)
                texts = {side.value for side in sides if isinstance(side, ast.Constant)}
                assert not (texts & NAMES and any(ast.unparse(side).endswith(".op") for side in sides)), path


def test_one_function_makes_plans() -> None:
    calls = [
        str(path.relative_to(SOURCE))
        for path, nodes in trees().items()
        if "Plan" in {a.name for n in nodes if isinstance(n, ast.ImportFrom) for a in n.names}
        for node in nodes
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Plan"
    ]
    assert calls == ["plan/build.py"]


def test_every_stop_is_judged_where_plans_are_made() -> None:
    judges = {"source_stops", "people_stops", "content_stops", "stale_plan", "no_way_back", "empty_group"}
    for path, nodes in trees().items():
        if path.name in ("stops.py", "build.py"):
            continue
        names = {node.id for node in nodes if isinstance(node, ast.Name)}
        assert not names & judges, f"{path} judges stops"
