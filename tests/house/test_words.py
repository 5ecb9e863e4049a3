"""The words of the house: a variable is called what it is, a class says of what it is one."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from paths import SOURCE, nodes_of

SAYS_NOTHING = {"found", "held", "told", "put", "asked", "kept", "made", "each", "here"}
NO_CLASS = {"Options", "Row", "Told", "Kept", "Entry", "Line", "Found"}


def bound(tree: ast.AST) -> Iterator[str]:
    """Names of variables, parameters and attributes that a module sets."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.attr


def knows_held(tree: ast.AST) -> bool:
    """Whether the module speaks of people who are held: there the word has the glossary's meaning."""
    return any(
        (isinstance(node, ast.ClassDef | ast.alias) and node.name == "Held")
        or (isinstance(node, ast.Name) and node.id == "Held")
        for node in ast.walk(tree)
    )


def test_a_variable_is_called_what_it_is() -> None:
    counts: Counter[str] = Counter()
    for path in sorted(SOURCE.rglob("*.py")):
        tree = nodes_of(path)[0]
        words = SAYS_NOTHING - {"held"} if knows_held(tree) else SAYS_NOTHING
        for name in bound(tree):
            if name in words:
                counts[f"{path.relative_to(SOURCE).as_posix()}: {name}"] += 1
    assert not counts


def test_a_class_says_of_what_it_is_one() -> None:
    homes: dict[str, list[Path]] = {}
    for path in sorted(SOURCE.rglob("*.py")):
        for node in nodes_of(path):
            if isinstance(node, ast.ClassDef):
                homes.setdefault(node.name, []).append(path.relative_to(SOURCE))
    assert not {name: places for name, places in homes.items() if name in NO_CLASS}
