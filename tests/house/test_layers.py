"""The floors of the house: imports go down, edges do not know each other, the first three floors are pure."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parent.parent / "src" / "tabwarden"

EDGES = (
    "sources",
    "sinks",
    "tableau",
    "store",
    "sandbox",
    "settings",
    "secrets",
    "seed",
    "logs",
    "notify",
    "report",
    "cases",
)
PURE = ("model", "access", "want", "change", "mirror")
# Each floor may import itself and everything named beside it.
MAY_IMPORT: dict[str, tuple[str, ...]] = {
    "model": (),
    "access": ("model",),
    "want": ("model", "access"),
    "change": ("model", "access", "want"),
    "mirror": ("model", "access", "want"),
    **dict.fromkeys(EDGES, PURE),
    # A database is reached by the same driver whether people come from it or a mirror goes to it.
    "sinks": (*PURE, "sources"),
    # Settings resolve and seal their secrets; the importer of the seed's settings writes both.
    "settings": (*PURE, "secrets"),
    "seed": (*PURE, "settings", "secrets"),
    "logs": (*PURE, "secrets"),
    "run": (*PURE, *EDGES),
    "commands": (*PURE, *EDGES, "run"),
    "cli": (*PURE, *EDGES, "run", "commands"),
    "__main__": ("cli",),
    "__init__": (),
}
IO_MODULES = {
    "socket",
    "subprocess",
    "urllib",
    "http",
    "sqlite3",
    "tempfile",
    "shutil",
    "asyncio",
    "threading",
    "logging",
}


def modules() -> list[Path]:
    return sorted(SOURCE.rglob("*.py"))


def room(path: Path) -> str:
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


def imported(path: Path) -> set[str]:
    """Dotted names of what a module imports, functions' own imports included."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path} imports relatively"
            found |= {f"{node.module}.{alias.name}" for alias in node.names} | {node.module}
    return found


def rooms_imported(path: Path) -> set[str]:
    inside = {name.split(".")[1] for name in imported(path) if name.startswith("tabwarden.")}
    return {name for name in inside if (SOURCE / name).exists() or (SOURCE / f"{name}.py").exists()}


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(SOURCE)))
def test_imports_go_down_only(path: Path) -> None:
    mine = room(path)
    assert mine in MAY_IMPORT, f"`{mine}` has no floor: add it to MAY_IMPORT and say why in docs/decisions"
    wrong = rooms_imported(path) - {mine, *MAY_IMPORT[mine]}
    assert not wrong, f"{path.relative_to(SOURCE)} may not import {sorted(wrong)}"


@pytest.mark.parametrize("path", [p for p in modules() if room(p) in PURE], ids=lambda p: str(p.relative_to(SOURCE)))
def test_the_first_floors_are_pure(path: Path) -> None:
    outside = {name.split(".")[0] for name in imported(path)} - {"tabwarden"}
    foreign = {name for name in outside if name not in sys.stdlib_module_names}
    # Pairs of a mirror are handed on as Arrow; pyarrow is loaded by whoever asks for them.
    allowed = {"codec": {"msgspec"}, "engine_mirror": {"numpy", "pyarrow"}}.get(path.stem, {"numpy"})
    assert foreign <= allowed, f"{path} imports {foreign}"
    assert not outside & IO_MODULES, f"{path} does I/O through {outside & IO_MODULES}"
    calls = {
        ast.unparse(node.func)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
    }
    assert not calls & {"open", "print", "input", "datetime.now", "datetime.utcnow", "time.time", "date.today"}


def test_there_are_no_cycles() -> None:
    """Between modules, not only between rooms."""
    graph: dict[str, set[str]] = {}
    for path in modules():
        name = ".".join(("tabwarden", *path.relative_to(SOURCE).with_suffix("").parts)).removesuffix(".__init__")
        graph[name] = {i for i in imported(path) if i.startswith("tabwarden.")}
    known = set(graph)
    graph = {name: {i for i in found if i in known and i != name} for name, found in graph.items()}
    done: set[str] = set()

    def visit(name: str, trail: tuple[str, ...]) -> None:
        assert name not in trail, " -> ".join((*trail[trail.index(name) :], name))
        if name not in done:
            for other in sorted(graph[name]):
                visit(other, (*trail, name))
            done.add(name)

    for name in sorted(graph):
        visit(name, ())
