"""Small rooms: files, functions and parameter lists stay within the limits of the design, and introduce themselves."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

SOURCE = Path(__file__).parent.parent / "src" / "tabwarden"
FILE_LINES, FUNCTION_LINES, POSITIONAL = 400, 60, 6
MODULES = sorted(SOURCE.rglob("*.py"))


def name_of(path: Path) -> str:
    return str(path.relative_to(SOURCE))


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_room_is_small_and_says_what_it_is(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text)
    assert text.count("\n") <= FILE_LINES
    assert ast.get_docstring(tree), "a module begins with one sentence of what it is"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_functions_are_short(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        lines = (node.end_lineno or node.lineno) - node.lineno + 1
        assert lines <= FUNCTION_LINES, f"{node.name} has {lines} lines"
        # A command's parameters are its options: they are read by name.
        if path.parent.name != "commands" and path.name != "cli.py":
            positional = len(node.args.posonlyargs) + len(node.args.args)
            assert positional <= POSITIONAL, f"{node.name} takes {positional} positional parameters"
