"""Jobs: commands that go on by themselves, one about a thing at a time, found again by whoever comes later."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from watchdog import patience

from tabwarden.run.jobs import AlreadyRunsError, Job, jobs, newest, start

SANDBOX = ("sandbox", "--world", "w0", "--port", "0")


def until(holds: Callable[[], bool], seconds: float = 20) -> None:
    end = time.monotonic() + patience(seconds)
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.05)


def ended(job: Job) -> Job:
    until(lambda: job.exit_code is not None)
    return job


def test_a_job_answers_and_is_found_again(tmp_path: Path) -> None:
    job = ended(start(tmp_path, "schema", ["check", "--schema", "--json"], "ann", {}))
    assert (job.exit_code, job.is_running, job.by) == (0, False, "ann")
    assert job.answer["title"]
    assert newest(tmp_path, "schema") == job


def test_what_went_wrong_is_told(tmp_path: Path) -> None:
    job = ended(start(tmp_path, "it", ["apply", "nothing", "--store"], "ann", {}))
    assert job.exit_code == 1
    assert job.said.startswith("tabwarden: ")
    assert not job.answer
    as_json = ended(start(tmp_path, "it", ["apply", "nothing", "--store", str(tmp_path), "--json"], "ann", {}))
    assert as_json.said.startswith("{")
    assert as_json.lines[0].startswith("`apply` has no option `--store`")


def test_one_at_a_time_about_one_thing(tmp_path: Path) -> None:
    job = start(tmp_path, "plan 1", SANDBOX, "ann", {})
    try:
        assert job.is_running
        with pytest.raises(AlreadyRunsError, match="started by ann"):
            start(tmp_path, "plan 1", SANDBOX, "bob", {})
        other = ended(start(tmp_path, "plan 2", ["--version"], "bob", {}))
        assert next(one.about for one in jobs(tmp_path)) in (job.about, other.about)
        assert job.exit_code is None
    finally:
        kill(job)


def test_it_is_known_to_run_when_whoever_started_it_was_killed(tmp_path: Path) -> None:
    code = (
        "import os, sys; from pathlib import Path; from tabwarden.run.jobs import start;"
        f"start(Path(sys.argv[1]), 'plan 1', {SANDBOX!r}, 'ann', {{}}); os.kill(os.getpid(), 9)"
    )
    assert subprocess.run([sys.executable, "-c", code, tmp_path], check=False).returncode == -9
    job = newest(tmp_path, "plan 1")
    assert job is not None
    assert job.is_running
    with pytest.raises(AlreadyRunsError):
        start(tmp_path, "plan 1", SANDBOX, "bob", {})
    kill(job)
    until(lambda: not job.is_running)
    assert job.exit_code is None


def kill(job: Job) -> None:
    """The sandbox that a job runs, by whom holds the file of what it says."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "fd" / "1").resolve().is_relative_to(job.folder):
                subprocess.run(["kill", process.name], check=False)
        except OSError:
            continue


def test_who_started_it_stands_as_author(tmp_path: Path) -> None:
    code = "from tabwarden.store.journal import whoami; print(whoami())"
    job = start(tmp_path, "it", ["--version"], "ann@acme.example", {})
    ended(job)
    environment = {"LOGNAME": "ann@acme.example", "PATH": "/usr/bin:/bin"}
    said = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert said.stdout.strip() == job.by
