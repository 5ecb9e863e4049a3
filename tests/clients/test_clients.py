"""The small clients of others do their main job in the sandbox, but for faults of their own; the large by script."""

from __future__ import annotations

import pytest

from client_jobs import CLIENTS, environment, run

SMALL = [name for name, client in CLIENTS.items() if client.get("in_ci")]


@pytest.mark.parametrize("name", SMALL)
def test_a_client_does_its_job(name, tmp_path):
    outcome = run(name, environment(name), tmp_path)
    assert outcome.problems == []
    assert outcome.steps > 2
