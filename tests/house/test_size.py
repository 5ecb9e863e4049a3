"""Small rooms: files, functions and parameter lists stay within the limits of the design, and introduce themselves."""

from __future__ import annotations

import ast
from pathlib import Path

from paths import SOURCE

FILE_LINES, FUNCTION_LINES, POSITIONAL = 400, 60, 6
MODULES = sorted(SOURCE.rglob("*.py"))
FOLDER_MODULES = 20
# One file a thing: a new one is a new file, so their number says nothing of a room.
OF_EQUAL_THINGS = {"commands", "sinks", "sources", "lints", "sandbox/handlers", "sandbox/worlds", "run"}


def name_of(path: Path) -> str:
    return path.relative_to(SOURCE).as_posix()


def test_a_room_is_small_and_says_what_it_is() -> None:
    texts = {name_of(path): path.read_text(encoding="utf-8") for path in MODULES}
    assert not {name: text.count("\n") for name, text in texts.items() if text.count("\n") > FILE_LINES}
    silent = [name for name, text in texts.items() if not ast.get_docstring(ast.parse(text))]
    assert not silent, "a module begins with one sentence of what it is"


def test_functions_are_short() -> None:
    too_long, too_many = {}, {}
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
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
