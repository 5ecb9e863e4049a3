"""Bugs planted in source: in one function an expression or statement is exchanged for another.

Patterns are Python, matched on the syntax tree, so that neither layout nor the names of locals matter: `$user` stands
for any one expression, and for the same one wherever it stands again.
"""

from __future__ import annotations

import ast
import copy
import re

ANY = "any_"


def planted_in(source: str, function: str, old: str, new: str) -> str:
    """`source` with `new` for `old` in `function` (`Class.method`; "" is the module).

    ValueError where the function is not there, or the pattern is not found in it exactly once.
    """
    tree = ast.parse(source)
    scope = function_of(tree, function)
    before, after = _pattern(old), _pattern(new)
    places = list(_places(scope, before))
    if len(places) != 1:
        raise ValueError(f"`{old}` is found {len(places)} times in `{function or 'the module'}`; it must be found once")
    holder, field, where, names = places[0]
    substitute = [_Put(names).visit(copy.deepcopy(node)) for node in after]
    if where is None:
        setattr(holder, field, substitute[0])
    else:
        getattr(holder, field)[where] = substitute
    return ast.unparse(ast.fix_missing_locations(tree))


def _pattern(text: str) -> list[ast.AST]:
    """An expression alone, or statements."""
    body = ast.parse(re.sub(r"\$(\w+)", rf"{ANY}\1", text)).body
    return [body[0].value] if len(body) == 1 and isinstance(body[0], ast.Expr) else list(body)


def function_of(tree: ast.Module, dotted: str) -> ast.AST:
    """The function or class of that dotted name; ValueError where there is none."""
    scope: ast.AST = tree
    for name in filter(None, dotted.split(".")):
        inner = [n for n in ast.walk(scope) if n is not scope and getattr(n, "name", None) == name]
        if not inner:
            raise ValueError(f"there is no `{dotted}`")
        scope = inner[0]
    return scope


def _places(scope: ast.AST, pattern: list[ast.AST]):
    """(holder, field, slice or None, what each `$name` stands for) of each match."""
    for holder in ast.walk(scope):
        for field, value in ast.iter_fields(holder):
            if isinstance(value, list):
                for start in range(len(value) - len(pattern) + 1):
                    names: dict[str, ast.AST] = {}
                    window = value[start : start + len(pattern)]
                    if all(_same(one, two, names) for one, two in zip(pattern, window, strict=True)):
                        yield holder, field, slice(start, start + len(pattern)), names
            elif len(pattern) == 1:
                names = {}
                if isinstance(value, ast.AST) and _same(pattern[0], value, names):
                    yield holder, field, None, names


def _same(pattern: object, node: object, names: dict[str, ast.AST]) -> bool:
    if isinstance(pattern, ast.Name) and pattern.id.startswith(ANY) and isinstance(node, ast.expr):
        known = names.setdefault(pattern.id, node)
        return ast.dump(_loaded(known)) == ast.dump(_loaded(node))
    if isinstance(pattern, ast.expr_context):
        return True
    if isinstance(pattern, list):
        if not isinstance(node, list) or len(pattern) != len(node):
            return False
        return all(_same(one, two, names) for one, two in zip(pattern, node, strict=True))
    if not isinstance(pattern, ast.AST):
        return type(pattern) is type(node) and pattern == node
    if type(pattern) is not type(node):
        return False
    return all(_same(value, getattr(node, field, None), names) for field, value in ast.iter_fields(pattern))


def _loaded(node: ast.AST) -> ast.AST:
    """As it would be read, so that a name that is set and read counts as the same."""
    node = copy.deepcopy(node)
    for one in ast.walk(node):
        if hasattr(one, "ctx"):
            one.ctx = ast.Load()
    return node


class _Put(ast.NodeTransformer):
    def __init__(self, names: dict[str, ast.AST]) -> None:
        self.names = names

    def visit_Name(self, node: ast.Name) -> ast.AST:
        known = self.names.get(node.id)
        if known is None:
            return node
        known = copy.deepcopy(known)
        if isinstance(known, ast.Name):
            known.ctx = node.ctx
        return known
