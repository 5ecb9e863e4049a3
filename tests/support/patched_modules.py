"""The evaluators of the house from patched source: fresh copies of their modules, the rest shared. Not a test."""

from __future__ import annotations
import __future__

import ast
import builtins
import importlib
import sys
import tomllib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib.abc import MetaPathFinder, SourceLoader
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import spec_from_loader
from types import ModuleType
from typing import Any, NamedTuple

from evaluator_suites import Fast, May
from paths import SOURCE, TESTS
from planting import function_of, planted_in

BUGS = TESTS / "planted"
# What one evaluator is made of and the other is not; values such as Answer and Site stay the same classes.
REFERENCE = ("model.governing", "access.powers", "access.reference")


class Patch(NamedTuple):
    """One planted bug: in `function` of `file` of the package the pattern `old`, found exactly once, becomes `new`.

    Random trials find it soon from `seed` on.
    """

    name: str
    file: str
    old: str
    new: str
    function: str = ""
    seed: int = 0


def planted(side: str) -> list[Patch]:
    """The bugs planted in one part, which is a file of `planted/`."""
    listed = tomllib.loads((BUGS / f"{side}.toml").read_text(encoding="utf-8"))["bug"]
    return [Patch(**each) for each in listed]


def engine_modules() -> tuple[str, ...]:
    """Names of the modules that the engine is made of, within the package."""
    return tuple(f"engine.{path.stem}" for path in sorted((SOURCE / "engine").glob("[a-z]*.py")))


def source_with(patch: Patch) -> str:
    """The patched source; ValueError where the pattern is not found exactly once, SyntaxError where it is no Python."""
    return planted_in((SOURCE / patch.file).read_text(encoding="utf-8"), patch.function, patch.old, patch.new)


def reference_with(patch: Patch) -> May:
    """`may` of a reference with a bug."""
    with fresh(REFERENCE, {_module(patch): source_with(patch)}) as load:
        may: May = load("access.reference").may
        return may


def engine_with(patch: Patch) -> Fast:
    """The engine with a bug."""
    with fresh(engine_modules(), {_module(patch): source_with(patch)}) as load:
        return Fast(load("engine.convert").columns_of, load("engine.engine").Engine)


def _module(patch: Patch) -> str:
    return patch.file.removesuffix(".py").replace("/", ".")


@contextmanager
def fresh(names: tuple[str, ...], sources: Mapping[str, str]) -> Iterator[Any]:
    """Within it, these modules of the package are imported anew, those of `sources` from that text.

    Afterwards everybody else's modules are in place again; what was loaded lives on in whoever holds it, and finds its
    like also where a function imports when it is called.
    """
    assert set(sources) <= set(names), f"{set(sources)} is not part of {names}"
    dotted = tuple(f"tabwarden.{name}" for name in names)
    for name in dotted:
        importlib.import_module(name)
    kept = {name: sys.modules.pop(name) for name in dotted}
    for name in dotted:  # `from package import module` asks the package first
        package, _, last = name.rpartition(".")
        delattr(sys.modules[package], last)
    of_own: dict[str, ModuleType] = {}
    finder = _Finder({name: sources.get(name.removeprefix("tabwarden.")) for name in dotted}, _importing(of_own))
    sys.meta_path.insert(0, finder)
    try:
        yield lambda name: importlib.import_module(f"tabwarden.{name}")
        of_own |= {name: importlib.import_module(name) for name in dotted}
    finally:
        sys.meta_path.remove(finder)
        for name in dotted:
            sys.modules.pop(name, None)
        sys.modules.update(kept)
        for name, module in kept.items():
            package, _, last = name.rpartition(".")
            setattr(sys.modules[package], last, module)


@contextmanager
def in_place(patch: Patch) -> Iterator[None]:
    """Within it the function (`Class.method`, or one that its own module calls) is that with the bug, for everybody."""
    assert patch.function is not None
    module = importlib.import_module(f"tabwarden.{_module(patch)}")
    *outer, name = patch.function.split(".")
    holder: Any = module
    for word in outer:
        holder = getattr(holder, word)
    whole = function_of(ast.parse(source_with(patch)), patch.function)
    names: dict[str, Any] = {}
    code = compile(ast.Module([whole], []), patch.file, "exec", __future__.annotations.compiler_flag, dont_inherit=True)
    exec(code, module.__dict__, names)
    right = holder.__dict__[name]
    setattr(holder, name, names[name])
    try:
        yield
    finally:
        setattr(holder, name, right)


Importing = Callable[..., ModuleType]


def _importing(of_own: Mapping[str, ModuleType]) -> Importing:
    """What `import` does in a module that was loaded anew: those loaded with it come first."""

    def importing(
        name: str, globals_: Any = None, locals_: Any = None, fromlist: tuple[str, ...] = (), level: int = 0
    ) -> ModuleType:
        module = of_own.get(name) if fromlist else None
        if module is not None:
            return module
        module = __import__(name, globals_, locals_, fromlist, level)
        inner = {word: of_own[f"{name}.{word}"] for word in fromlist or () if f"{name}.{word}" in of_own}
        if not inner:
            return module
        package = ModuleType(name)
        package.__dict__.update(module.__dict__ | inner)
        return package

    return importing


class _Finder(MetaPathFinder):
    """Finds the modules that are loaded anew: from a text, or (None) from where they are."""

    def __init__(self, sources: Mapping[str, str | None], importing: Importing) -> None:
        self.sources = sources
        self.builtins = {**builtins.__dict__, "__import__": importing}

    def find_spec(self, fullname: str, path: Any, target: ModuleType | None = None) -> ModuleSpec | None:
        if fullname not in self.sources:
            return None
        text = self.sources[fullname]
        if text is not None:
            return spec_from_loader(fullname, _Text(text, self.builtins))
        file = str(SOURCE / f"{fullname.removeprefix('tabwarden.').replace('.', '/')}.py")
        return spec_from_loader(fullname, _AsItIs(fullname, file, self.builtins))


class _Text(SourceLoader):
    def __init__(self, text: str, names: dict[str, Any]) -> None:
        self.text, self.builtins = text, names

    def exec_module(self, module: ModuleType) -> None:
        module.__dict__["__builtins__"] = self.builtins
        super().exec_module(module)

    def get_filename(self, fullname: str) -> str:
        return f"<{fullname} with a bug>"

    def get_data(self, path: str) -> bytes:
        return self.text.encode()


class _AsItIs(SourceFileLoader):
    def __init__(self, fullname: str, path: str, names: dict[str, Any]) -> None:
        super().__init__(fullname, path)
        self.builtins = names

    def exec_module(self, module: ModuleType) -> None:
        module.__dict__["__builtins__"] = self.builtins
        super().exec_module(module)
