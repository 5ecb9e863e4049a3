"""Fixtures for the tests of other people's Tableau scripts: a fresh sandbox for each test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tabwarden.sandbox.http.server import Sandbox

MARKER = "tableau_sandbox"
_HELP = (
    f"{MARKER}(world='w0', personality='server', api_version=None, seed=0, faults=None, state=None): "
    "which Tableau the fixture of that name plays"
)
_TAKEN = ("world", "personality", "api_version", "seed", "faults", "state")
Started = Callable[..., "Sandbox"]


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known, so that --strict-markers lets it through."""
    config.addinivalue_line("markers", _HELP)


@pytest.fixture
def tableau_sandbox(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    """A pretend Tableau with a world of its own, gone when the test ends; point a client at its `url`.

    The marker `tableau_sandbox` says which one; without it world `w0` on a server of the newest version.
    """
    marker = request.node.get_closest_marker(MARKER)
    with ExitStack() as stack:
        yield _started(stack, **_asked(marker))


@pytest.fixture(scope="session")
def tableau_sandboxes() -> Iterator[Started]:
    """Starts pretend Tableaus which live until all tests have run; called with what the marker takes.

    For worlds that take a moment to grow, and for tests that only read.
    """
    with ExitStack() as stack:
        yield lambda **options: _started(stack, **_known(options))


def _asked(marker: pytest.Mark | None) -> dict[str, Any]:
    if marker is None:
        return {}
    if len(marker.args) > 1:
        raise pytest.UsageError(f"the marker `{MARKER}` takes one world and keywords, not {marker.args!r}")
    return _known(dict(zip(("world",), marker.args, strict=False)) | dict(marker.kwargs))


def _known(options: dict[str, Any]) -> dict[str, Any]:
    unknown = sorted(set(options) - set(_TAKEN))
    if unknown:
        raise pytest.UsageError(f"`{MARKER}` knows no {', '.join(unknown)}; it takes {', '.join(_TAKEN)}")
    return options


def _started(
    stack: ExitStack,
    *,
    world: Any = "w0",
    personality: str = "server",
    api_version: str | None = None,
    **more: Any,
) -> Sandbox:
    from tabwarden.sandbox.http.server import running
    from tabwarden.sandbox.state.personality import personality as named

    plays = named(personality, api_version)
    return stack.enter_context(running(world, plays=plays, **more))
