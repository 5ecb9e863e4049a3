"""What all tests share: the fixtures of `plugins/`, and that in CI nothing is skipped."""

from __future__ import annotations

import os

import pytest

pytest_plugins = ["plugins.databases"]


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A skip says why; in CI, which may install everything, it is a failure."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    skipped = reporter.stats.get("skipped", []) if reporter is not None else []
    if skipped and os.environ.get("CI") == "true":
        reporter.write_line(f"{len(skipped)} tests were skipped, and in CI none may be", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
