"""Ended demos and sandboxes leave no process and no folder, whatever ended them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from watchdog import patience

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL)


def processes_of(folder: Path) -> list[str]:
    """The commands of whoever has that folder for his temporary files."""
    mark, left = f"TMPDIR={folder}".encode(), []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and mark in (entry / "environ").read_bytes().split(b"\0"):
                left.append((entry / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:
            continue
    return left


def is_soon_gone(folder: Path) -> bool:
    end = time.monotonic() + patience(30)
    while time.monotonic() < end:
        if not processes_of(folder) and not list(folder.iterdir()):
            return True
        time.sleep(0.1)
    return False


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="looks into /proc")
def test_demos_and_sandboxes(tmp_path: Path) -> None:
    """All at once, for each of them takes its time to start."""
    started = {}
    for number in SIGNALS:
        a_sandbox = ["sandbox", "--world", "empty", "--port", "0"]
        for words in (["demo"], a_sandbox) if number == signal.SIGHUP else (["demo"],):
            folder = tmp_path / f"{number.name}-{words[0]}"
            folder.mkdir()
            started[folder] = subprocess.Popen(
                [sys.executable, "-m", "tabwarden", *words],
                cwd=tmp_path,
                env={**os.environ, "TMPDIR": str(folder), "PYTHONUNBUFFERED": "1"},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
    for folder, process in started.items():
        assert process.stdout is not None
        assert any(line.startswith("listening on") for line in process.stdout)
        number = signal.Signals[folder.name.partition("-")[0]]
        process.send_signal(number)
    for folder, process in started.items():
        process.stdout.read() if process.stdout is not None else None
        process.wait(timeout=patience(60))
        assert is_soon_gone(folder), (folder.name, processes_of(folder), list(folder.iterdir()))
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                stream.close()


def test_a_sandbox_ends_with_its_input(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "tabwarden", "sandbox", "--world", "empty", "--port", "0", "--until-eof"]
    with subprocess.Popen(words, cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        assert process.stdout.readline().startswith("listening on")
        process.stdin.close()
        assert process.wait(timeout=patience(30)) == 0
