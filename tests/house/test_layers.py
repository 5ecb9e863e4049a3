"""The floors of the house: imports go down, edges do not know each other, what lies below them is pure."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

from paths import SOURCE, nodes_of

# Floor by floor, as docs/explanation/architecture.md tells them; a room may import what lies below its floor.
FLOORS: tuple[tuple[str, ...], ...] = (
    ("model",),
    ("access",),
    ("engine",),
    ("effects",),
    ("want", "compare"),
    ("plan",),
    ("questions",),
    ("mirror", "audit"),
    ("safe_files", "scrubber", "clocks", "extras", "places", "troubles", "workgroup"),
    (
        "section",
        "sources",
        "sinks",
        "tableau",
        "store",
        "sandbox",
        "settings",
        "secrets",
        "seed",
        "notify",
        "log",
        "report",
        "cases",
        "importers",
    ),
    ("run",),
    ("api", "commands"),
    ("cli",),
    # Pages show what commands answer; `commands.serve` names the application by its words alone.
    ("web",),
    ("__main__", "__init__"),
)
PURE = {room for floor in FLOORS[:8] for room in floor}
# Rooms of one floor do not know each other, but for these.
NEIGHBOURS: dict[str, tuple[str, ...]] = {
    # A database is reached by the same driver whether people come from it or a mirror goes to it.
    "sinks": ("sources", "section"),
    # What an adapter may be told is a section of the settings, which resolve and seal their secrets; the importer of
    # the seed's settings writes both.
    "sources": ("section",),
    "settings": ("secrets", "section", "sources", "sinks"),
    "seed": ("settings", "secrets"),
}
# Of what lies below, the whole-site engine knows the question and the answer alone.
OF_ACCESS_TO_THE_ENGINE = {"tabwarden.access.question", "tabwarden.access.answer"}
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


IO_CALLS = {"open", "print", "input", "datetime.now", "datetime.utcnow", "time.time", "date.today"}


def modules() -> list[Path]:
    return sorted(SOURCE.rglob("*.py"))


def room(path: Path) -> str:
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


def imported(path: Path) -> set[str]:
    """Dotted names of what a module imports, functions' own imports included."""
    found: set[str] = set()
    for node in nodes_of(path):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path} imports relatively"
            found |= {f"{node.module}.{alias.name}" for alias in node.names} | {node.module}
    return found


def rooms_imported(path: Path) -> set[str]:
    inside = {name.split(".")[1] for name in imported(path) if name.startswith("tabwarden.")}
    return {name for name in inside if (SOURCE / name).exists() or (SOURCE / f"{name}.py").exists()}


def below(mine: str) -> set[str]:
    floor = next((number for number, rooms in enumerate(FLOORS) if mine in rooms), None)
    assert floor is not None, f"`{mine}` has no floor: add it to FLOORS and say why in docs/decisions"
    return {mine, *NEIGHBOURS.get(mine, ()), *(room for rooms in FLOORS[:floor] for room in rooms)}


def test_imports_go_down_only() -> None:
    wrong = {
        str(path.relative_to(SOURCE)): sorted(upward)
        for path in modules()
        if (upward := rooms_imported(path) - below(room(path)))
    }
    assert not wrong


def test_the_engine_knows_of_access_the_question_and_the_answer_alone() -> None:
    wrong = {
        (path.name, name)
        for path in (SOURCE / "engine").glob("*.py")
        for name in imported(path)
        if name.startswith("tabwarden.access.") and name.rpartition(".")[0] not in OF_ACCESS_TO_THE_ENGINE
        if name not in OF_ACCESS_TO_THE_ENGINE
    }
    assert not wrong


def impurities(path: Path) -> list[str]:
    outside = {name.split(".")[0] for name in imported(path)} - {"tabwarden"}
    foreign = {name for name in outside if name not in sys.stdlib_module_names}
    # Pairs of a mirror are handed on as Arrow; pyarrow is loaded by whoever asks for them.
    special = {"model/codec.py": {"msgspec"}, "engine/mirror.py": {"numpy", "pyarrow"}}
    allowed = special.get(path.relative_to(SOURCE).as_posix(), {"numpy"})
    calls = {ast.unparse(node.func) for node in nodes_of(path) if isinstance(node, ast.Call)}
    return sorted((foreign - allowed) | (outside & IO_MODULES) | (calls & IO_CALLS))


def test_the_floors_below_the_edges_are_pure() -> None:
    wrong = {str(p.relative_to(SOURCE)): found for p in modules() if room(p) in PURE and (found := impurities(p))}
    assert not wrong


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
