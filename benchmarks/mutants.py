"""Mutants of a source file: one small change each, made on its syntax tree. Not how they are killed (`mutation`)."""

from __future__ import annotations

import ast
import copy
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any, NamedTuple

Path = tuple[tuple[str, int | None], ...]  # fields (and places in them) from the module down to a node


class Mutant(NamedTuple):
    """One changed file: where, what stood there and what stands there now."""

    file: str
    line: int
    function: str
    was: str
    now: str
    tree: Callable[[], ast.Module]
    twin: int = 1  # 2 for the second in this function that reads the same, and so on

    @property
    def key(self) -> str:
        """A name that outlives other lines being added above."""
        twin = f" ({self.twin})" if self.twin > 1 else ""
        return f"{self.file} {self.function or '(module)'}{twin}: {self.was} → {self.now}"


_COMPARED: dict[type, type] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}
_COMBINED: dict[type, type] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Add,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.FloorDiv,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.BitXor: ast.BitOr,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
}
_CALLED = {"any": "all", "all": "any", "min": "max", "max": "min"}
# Whose arguments may be exchanged without any change.
_SYMMETRIC = frozenset({"array_equal", "maximum", "minimum", "max", "min", "setxor1d", "bitwise_or", "bitwise_and"})
# How much is done at a time, and from which size on in another way: any number is right, as the tests of them say.
_SIZES = frozenset({"_BLOCK", "_WIDE", "_MANY"})
_NOT_ENTERED = (ast.Import, ast.ImportFrom, ast.Assert, ast.Raise, ast.JoinedStr)
_ANNOTATIONS = ("annotation", "returns", "decorator_list", "bases", "type_params")


def mutants(file: str, source: str) -> list[Mutant]:
    """Every mutant of a file, in order of its lines."""
    tree = ast.parse(source)
    found: list[Mutant] = []
    twins: Counter[str] = Counter()
    kept = _kept(tree)
    for path, node, function in _nodes(tree, (), ""):
        for changed, was, now in _changes(node):
            if was == now or (id(node), now) in kept:
                continue
            one = Mutant(file, _line(node), function, was, now, _made(tree, path, changed))
            twins[one.key] += 1
            found.append(one._replace(twin=twins[one.key]))
    return found


def _kept(tree: ast.Module) -> set[tuple[int, str]]:
    """Changes that only make anew what is kept: nothing but the time can tell them.

    `if key not in self.kept:` before `self.kept[key] = ...` made true, and so `if made is None:` right behind
    `made = kept.get(key)`; `self.kept[key] = made` left out right before `return made`.
    """
    found = set()
    for node in ast.walk(tree):
        match node:
            case ast.If(
                test=ast.Compare(left=key, ops=[ast.NotIn()], comparators=[ast.Attribute() as place]),
                body=[*_, ast.Assign(targets=[ast.Subscript(value=held, slice=at)])],
                orelse=[],
            ) if ast.unparse(held) == ast.unparse(place) and ast.unparse(at).strip("()") == ast.unparse(key).strip(
                "()"
            ):
                found.add((id(node), "if True"))
        for first, second in pairwise(getattr(node, "body", None) or ()) if isinstance(node, ast.FunctionDef) else ():
            match first, second:
                case (
                    ast.Assign(targets=[ast.Subscript()], value=ast.Name(id=made)),
                    ast.Return(value=ast.Name(id=given)),
                ) if made == given:
                    found.add((id(first), "pass"))
                case (
                    ast.Assign(targets=[ast.Name(id=made)], value=ast.Call(func=ast.Attribute(attr="get"))),
                    ast.If(test=ast.Compare(left=ast.Name(id=given), ops=[ast.Is()]), body=[ast.Assign()], orelse=[]),
                ) if made == given:
                    found.add((id(second), "if True"))
    return found


def _line(node: ast.AST) -> int:
    return getattr(node, "lineno", 0) or getattr(getattr(node, "target", None), "lineno", 0)


def _made(tree: ast.Module, path: Path, changed: ast.AST) -> Callable[[], ast.Module]:
    def make() -> ast.Module:
        whole: Any = copy.deepcopy(tree)
        here: Any = whole
        for field, place in path[:-1]:
            here = getattr(here, field) if place is None else getattr(here, field)[place]
        field, place = path[-1]
        if place is None:
            setattr(here, field, changed)
        else:
            getattr(here, field)[place] = changed
        made: ast.Module = ast.fix_missing_locations(whole)
        return made

    return make


def _nodes(node: ast.AST, path: Path, function: str) -> Iterator[tuple[Path, ast.AST, str]]:
    """Every node that may be changed, with the way to it and the function it is in."""
    if path and not _is_docstring(node):
        yield path, node, function
    if isinstance(node, _NOT_ENTERED) or _is_size(node) or _is_docstring(node) or _is_guard(node):
        return
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        function = f"{function}.{node.name}".strip(".")
    for field, value in ast.iter_fields(node):
        if field in _ANNOTATIONS or (isinstance(node, ast.Subscript) and field == "ctx"):
            continue
        if isinstance(value, list):
            for place, each in enumerate(value):
                if isinstance(each, ast.AST):
                    yield from _nodes(each, (*path, (field, place)), function)
        elif isinstance(value, ast.AST):
            yield from _nodes(value, (*path, (field, None)), function)


def _is_guard(node: ast.AST) -> bool:
    """`strict=True` of `zip` asserts, like `assert`."""
    return isinstance(node, ast.keyword) and node.arg == "strict"


def _is_size(node: ast.AST) -> bool:
    return isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) in _SIZES


def _is_docstring(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _changes(node: ast.AST) -> Iterator[tuple[ast.AST, str, str]]:
    """The mutations of one node: the changed node, and both as source."""
    for changed in (*_of_expressions(node), *_of_statements(node)):
        yield changed, _words(node), _words(changed)


def _words(node: ast.AST) -> str:
    if isinstance(node, ast.If):
        return f"if {ast.unparse(node.test)}"
    if isinstance(node, ast.comprehension):
        return ast.unparse(node).strip()
    return " ".join(ast.unparse(node).split())


def _with(node: Any, **fields: Any) -> Any:
    changed = copy.copy(node)
    for name, value in fields.items():
        setattr(changed, name, value)
    return changed


def _of_expressions(node: ast.AST) -> Iterator[ast.AST]:
    match node:
        case ast.Compare(ops=[op]) if type(op) in _COMPARED:
            yield _with(node, ops=[_COMPARED[type(op)]()])
        case ast.Compare(ops=[first, second]):
            yield _with(node, ops=[_COMPARED[type(first)](), second])
            yield _with(node, ops=[first, _COMPARED[type(second)]()])
        case ast.BoolOp(op=op):
            yield _with(node, op=ast.Or() if isinstance(op, ast.And) else ast.And())
        case ast.BinOp(op=op) if type(op) in _COMBINED:
            yield _with(node, op=_COMBINED[type(op)]())
        case ast.UnaryOp(op=ast.Not() | ast.Invert(), operand=operand):
            yield operand
        case ast.Constant(value=bool() as value):
            yield ast.Constant(not value)
        case ast.Constant(value=int() as value):
            yield ast.Constant(value + 1)
        case ast.Constant(value=str() as value) if value:
            yield ast.Constant(value + "_")
        case ast.IfExp(body=body, orelse=orelse):
            yield body
            yield orelse
        case ast.comprehension(ifs=[_, *_]):
            yield _with(node, ifs=[])
        case ast.Call():
            yield from _of_calls(node)


def _of_calls(node: ast.Call) -> Iterator[ast.AST]:
    if isinstance(node.func, ast.Name) and node.func.id in _CALLED:
        yield _with(node, func=ast.Name(_CALLED[node.func.id], ast.Load()))
    if isinstance(node.func, ast.Attribute) and node.func.attr in _CALLED:
        yield _with(node, func=_with(node.func, attr=_CALLED[node.func.attr]))
    symmetric = ast.unparse(node.func).rpartition(".")[2] in _SYMMETRIC
    if len(node.args) >= 2 and not symmetric and not any(isinstance(arg, ast.Starred) for arg in node.args[:2]):
        yield _with(node, args=[node.args[1], node.args[0], *node.args[2:]])


def _of_statements(node: ast.AST) -> Iterator[ast.AST]:
    match node:
        case ast.If(test=test):
            yield _with(node, test=ast.Constant(False))
            yield _with(node, test=ast.Constant(True))
            if not isinstance(test, ast.Compare | ast.UnaryOp):
                yield _with(node, test=ast.UnaryOp(ast.Not(), test))
        case ast.Return(value=value) if value is not None and not _is_none(value):
            yield ast.Return(ast.Constant(None))
        case ast.AugAssign(op=op):
            yield ast.Pass()
            if type(op) in _COMBINED:
                yield _with(node, op=_COMBINED[type(op)]())
        case ast.Assign(targets=[ast.Subscript() | ast.Attribute() | ast.Tuple(elts=[ast.Subscript(), *_])]):
            yield ast.Pass()
        case ast.Expr(value=ast.Call()) | ast.Continue() | ast.Break():
            yield ast.Pass()


def _is_none(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and node.value is None
