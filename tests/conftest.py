"""What all tests share: the fixtures of `plugins/`, and that in CI nothing is skipped."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest

from tabwarden.scrubber import KNOWN

# Tables of behaviours whose size is worth knowing, by the test that runs their rows.
COUNTED = {
    "tests/tabcmd/test_tabcmd_table.py::test_a_behaviour": "behaviours of tabcmd",
    "tests/sandbox/test_documented_errors.py::test_a_documented_refusal": "documented REST errors provoked",
    "tests/sandbox/test_sandbox_shapes.py::test_an_answer_is_whole": "shapes of answers that are whole",
    "tests/sandbox/test_sandbox_shapes.py::test_what_an_answer_lacks": "shapes that lack something for a reason",
}

# Whoever starts the tests in the background (`nohup ... &`) has Ctrl-C ignored in all that they start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

pytest_plugins = ["plugins.databases", "plugins.domains", "plugins.pages"]


@pytest.fixture(autouse=True)
def _secrets_of_one_test() -> Iterator[None]:
    """A process forgets no secret; what one test resolves is none in the next, or the word `no` would stay one."""
    forms, pattern = set(KNOWN._forms), KNOWN._pattern
    yield
    KNOWN._forms, KNOWN._pattern = forms, pattern


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A skip says why; in CI, which may install everything, it is a failure."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    skipped = reporter.stats.get("skipped", []) if reporter is not None else []
    if skipped and os.environ.get("CI") == "true":
        reporter.write_line(f"{len(skipped)} tests were skipped, and in CI none may be", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """How many rows of each counted table held."""
    for test, what in COUNTED.items():
        held, failed = (
            sum(report.nodeid.startswith(test) for report in terminalreporter.stats.get(kind, []))
            for kind in ("passed", "failed")
        )
        if held or failed:
            terminalreporter.write_line(f"{what}: {held} hold, {failed} do not")
