"""What may kill a mutant: suites of `agreement`, the case files and test files, by the file that was changed.

Not the mutants (`mutants`) and not how they are run (`mutation`). Modules of the house are imported within functions:
whoever runs a mutant decides when.
"""

from __future__ import annotations

import contextlib
import io
import re
import sys
from collections.abc import Callable
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest

ROOT = Path(__file__).parent.parent
TESTS = ROOT / "tests"
QUIET = ("-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "--assert=plain", "-m", "not slow")
SITES, PARTS = 16, 6


class Killer(NamedTuple):
    """Something that fails on a bug; `again` where a first run leaves behind what a second need not compute."""

    name: str
    run: Callable[[], None]
    again: bool = False


# -- suites ---------------------------------------------------------------------------------------------------


def engine_on_random_sites() -> None:
    """The engine, however it is asked, over small random Sites; what the reference says is kept."""
    from evaluator_suites import Fast, random_suite

    from tabwarden.access.reference import may
    from tabwarden.engine.convert import columns_of
    from tabwarden.engine.engine import Engine

    _keep_answers()
    assert random_suite(may, Fast(columns_of, Engine), 0, SITES) is None


def engine_on_the_table() -> None:
    """The engine over some of the truth table."""
    from evaluator_suites import Fast, parts, table_suite

    from tabwarden.engine.convert import columns_of
    from tabwarden.engine.engine import Engine

    assert table_suite(None, Fast(columns_of, Engine), parts(PARTS)) is None


def reference_on_random_sites() -> None:
    """The reference over the same Sites; what the engine says is kept."""
    from tabwarden.access.reference import may

    for site, open_points, model, capability, told in _told_by_engine():
        answers = iter(told)
        for content in site.contents:
            for user in site.users:
                assert may(site, user, capability, content, model=model, open_points=open_points) == next(answers)


def reference_on_the_table() -> None:
    """The reference over some of the truth table."""
    from evaluator_suites import parts, table_suite

    from tabwarden.access.reference import may

    assert table_suite(may, None, parts(PARTS)) is None


def cases() -> None:
    """The case files."""
    from tabwarden.cases.file import load
    from tabwarden.cases.running import run

    for path in sorted((TESTS / "cases").glob("*.json")):
        for case in load(path):
            assert run(case).problems == (), case.id


@cache
def _told_by_engine() -> list[tuple[Any, ...]]:
    from dense_sites import ASKED, UNREAD_SHARES, dense_site
    from evaluator_suites import OPEN_POINTS

    from tabwarden.engine.convert import columns_of
    from tabwarden.engine.engine import Engine
    from tabwarden.model.open_points import MODELS

    found: list[tuple[Any, ...]] = []
    for seed in range(SITES):
        site, open_points = dense_site(seed, unread=UNREAD_SHARES[seed % 4]), OPEN_POINTS[seed % 3]
        for model in MODELS:
            engine = Engine(columns_of(site), model, open_points)
            start = seed * 7 % len(ASKED)
            asked = ("Read", "ChangePermissions", *(ASKED * 2)[start : start + 7])
            for capability in filter(engine.capabilities.__contains__, asked):
                told = [engine.check(user, capability, content) for content in site.contents for user in site.users]
                found.append((site, open_points, model, capability, told))
    return found


def _keep_answers() -> None:
    """Room for all the reference's answers, which are the same for every mutant of the engine."""
    import evaluator_suites as agreement

    if agreement._answers.cache_parameters()["maxsize"] != 1 << 12:
        agreement._answers = lru_cache(1 << 12)(agreement._answers.__wrapped__)
    agreement._engine.cache_clear()


# -- test files -----------------------------------------------------------------------------------------------


@cache
def _test(path: Path) -> Killer:
    return Killer(path.stem, _test_file(path), again=path.stem == "test_engine_changes")


def tests(*names: str) -> list[Killer]:
    """One killer for each test file."""
    found = [path for name in names for path in sorted(TESTS.rglob(f"test_{name}.py"))]
    return [_test(path) for path in found]


def _test_file(path: Path) -> Callable[[], None]:
    def run() -> None:
        _keep_rights(path.stem)
        assert pytest.main([*QUIET, "--hypothesis-seed=0", str(path)]) == 0

    return run


def collect(killers: list[Killer]) -> None:
    """Imports the test files, and whatever they test."""
    files = [str(p) for killer in killers for p in TESTS.rglob(f"{killer.name}.py") if killer.name.startswith("test_")]
    with contextlib.redirect_stdout(io.StringIO()):
        assert not files or pytest.main([*QUIET, "--collect-only", "--hypothesis-seed=0", *files]) == 0


_RIGHTS: dict[tuple[Any, ...], Any] = {}


def _keep_rights(test: str) -> None:
    """What the reference gives everybody before and after a change is the same for every mutant of the engine."""
    module: Any = sys.modules.get(test)
    if test != "test_engine_changes" or module is None or hasattr(module.rights, "healthy"):
        return
    healthy = module.rights

    def rights(site: Any, model: str, capabilities: tuple[str, ...] = module.ASKED) -> Any:
        key = (repr(site), model, capabilities)
        if key not in _RIGHTS:
            _RIGHTS[key] = healthy(site, model, capabilities)
        return _RIGHTS[key]

    rights.healthy = healthy  # type: ignore[attr-defined]
    module.rights = rights


# -- which for which ------------------------------------------------------------------------------------------

_CASES = Killer("cases", cases)
_ENGINE = [
    Killer("engine_on_random_sites", engine_on_random_sites, again=True),
    Killer("engine_on_the_table", engine_on_the_table, again=True),
]
_REFERENCE = [
    Killer("reference_on_random_sites", reference_on_random_sites, again=True),
    Killer("reference_on_the_table", reference_on_the_table, again=True),
]
_ABILITIES = ("abilities_exactly", "abilities_table", "abilities_of*", "open_points", "unknown", "rules_by_example")
_DIFFER = ("engine_edges", "engine_exactly", "engine_changes")


@cache
def killers_of(file: str) -> tuple[Killer, ...]:
    """What may kill mutants of a file."""
    for pattern, found in _TABLE:
        if re.fullmatch(pattern, file.removesuffix(".py")):
            return _distinct(found())
    raise LookupError(f"nobody kills mutants of {file}")


def _distinct(killers: list[Killer]) -> tuple[Killer, ...]:
    return tuple({killer.name: killer for killer in killers}.values())


# The first kills most, and at the first difference.
_TABLE: tuple[tuple[str, Callable[[], list[Killer]]], ...] = (
    ("effects/.*", lambda: [*tests("effects_exactly", "effects"), _CASES, *tests("unknown", "open_points")]),
    ("access/(reference|powers)", lambda: [*_REFERENCE, _CASES, *tests("unknown", "open_points", "reference_exactly")]),
    ("compare/(models|alike)", lambda: [_CASES, *tests("models_*")]),
    ("access/dialog", lambda: tests("rules_grid", "rows_exactly")),
    ("access/.*", lambda: [*tests(*_ABILITIES), _CASES]),
    ("engine/(difference|changed|align)", lambda: tests(*_DIFFER)),
    ("engine/(columns|convert)", lambda: [*_ENGINE, *tests("columns*", *_DIFFER)]),
    ("engine/.*", lambda: [*_ENGINE, *tests(*_DIFFER)]),
)
