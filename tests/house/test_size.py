"""Small rooms: files, functions and parameter lists stay within the limits of the design, and introduce themselves."""

from __future__ import annotations

import ast
from pathlib import Path

from paths import SOURCE, nodes_of

FILE_LINES, FUNCTION_LINES, POSITIONAL = 400, 60, 6
MODULES = sorted(SOURCE.rglob("*.py"))
FOLDER_MODULES = 20
# One file a thing: a new one is a new file, so their number says nothing of a room.
OF_EQUAL_THINGS = {
    *("commands", "sinks", "sources", "lints", "importers", "sandbox/handlers", "sandbox/worlds", "run"),
    *("access/abilities", "effects/ops", "audit/lints"),
}
CORRIDOR_LINES = 100
# Small modules with one user that do not move in with him, and why.
APART = {
    "want/sign_in_group.py": "want/provision.py is full",
    "sandbox/repository/tables.py": "sandbox/repository/export.py is full",
    "sandbox/repository/usage.py": "sandbox/repository/export.py is full",
}


def name_of(path: Path) -> str:
    return path.relative_to(SOURCE).as_posix()


def test_a_room_is_small_and_says_what_it_is() -> None:
    texts = {name_of(path): path.read_text(encoding="utf-8") for path in MODULES}
    assert not {name: text.count("\n") for name, text in texts.items() if text.count("\n") > FILE_LINES}
    silent = [name_of(path) for path in MODULES if not ast.get_docstring(nodes_of(path)[0])]
    assert not silent, "a module begins with one sentence of what it is"


def test_functions_are_short() -> None:
    too_long, too_many = {}, {}
    for path in MODULES:
        for node in nodes_of(path):
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            where = f"{name_of(path)}:{node.name}"
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            positional = len(node.args.posonlyargs) + len(node.args.args)
            if lines > FUNCTION_LINES:
                too_long[where] = lines
            # A command's parameters are its options.
            if positional > POSITIONAL and path.parent.name != "commands" and path.name != "cli.py":
                too_many[where] = positional
    assert not too_long
    assert not too_many


def test_a_folder_is_seen_at_a_glance() -> None:
    folders = {path.parent for path in MODULES}
    modules = {name_of(f): sum(p.name != "__init__.py" for p in f.glob("*.py")) for f in folders}
    crowded = {name: n for name, n in modules.items() if n > FOLDER_MODULES and name not in OF_EQUAL_THINGS}
    assert not crowded


def test_a_small_module_with_one_user_moves_in_with_him() -> None:
    users: dict[str, set[Path]] = {}
    for path in MODULES:
        for node in nodes_of(path):
            if isinstance(node, ast.ImportFrom) and node.module:
                for dotted in (node.module, *(f"{node.module}.{alias.name}" for alias in node.names)):
                    users.setdefault(dotted, set()).add(path)
    corridors = set()
    for path in MODULES:
        named = users.get(".".join(("tabwarden", *path.relative_to(SOURCE).with_suffix("").parts)), set())
        small = path.read_text(encoding="utf-8").count("\n") < CORRIDOR_LINES and path.name != "__init__.py"
        equal = path.parent.relative_to(SOURCE).as_posix() in OF_EQUAL_THINGS
        if small and not equal and {user.parent for user in named} == {path.parent} and len(named) == 1:
            corridors.add(name_of(path))
    assert corridors == APART.keys(), "merge it into its user, or say in APART why not"
