"""Where things lie in a checkout: its root, the product's source, the tests' data."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "tabwarden"
TESTS = ROOT / "tests"
CASES = TESTS / "cases"


@cache
def nodes_of(path: Path) -> tuple[ast.AST, ...]:
    """All nodes of a file of Python, the module first; walked once for all tests that ask."""
    return tuple(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
