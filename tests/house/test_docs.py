"""The pages tell the truth: console blocks are run, made pages are fresh, links lead somewhere, commands are named."""

from __future__ import annotations

import fcntl
import importlib.util
import os
import pty
import re
import select
import socket
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from paths import ROOT
from watchdog import patience

DOCS = ROOT / "docs"
EXECUTED = [ROOT / "README.md", *sorted((DOCS / "tutorial").glob("*.md"))]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(DOCS.rglob("*.md"))]
# The port the pages write; each run puts a free one in its place.
WRITTEN_PORT = "8080"


def free_port() -> str:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return str(taken.getsockname()[1])


class Terminal:
    """Runs the console blocks of one page in one folder; what ends in `&` runs on until the end."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.running: list[subprocess.Popen[str]] = []
        self.environment = {
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "COLUMNS": "200",  # so that no cell is folded
            "NO_COLOR": "1",
            "TABWARDEN_SCREEN": "1",  # the pages show what a terminal shows
        }

    def type(self, line: str) -> str:
        line = line.replace(WRITTEN_PORT, self.port)
        if line.endswith("&"):
            return self._in_background(line[:-1].strip())
        done = subprocess.run(
            ["bash", "-c", line],
            cwd=self.folder,
            env=self.environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=patience(120),
            check=False,
        )
        return done.stdout.replace(self.port, WRITTEN_PORT)

    def _in_background(self, line: str) -> str:
        process = subprocess.Popen(
            ["bash", "-c", f"exec {line}"],
            cwd=self.folder,
            env=self.environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        self.running.append(process)
        assert process.stdout is not None
        for printed in process.stdout:
            if "listening" in printed:
                return printed.replace(self.port, WRITTEN_PORT)
        pytest.fail(f"`{line}` ended before it listened")

    def close(self) -> None:
        for process in self.running:
            process.terminate()
            process.wait(timeout=patience(10))
            if process.stdout is not None:
                process.stdout.close()


class Shell:
    """A fresh bash in a terminal of 80 columns, in which a page is typed as it is written, one line after the other.

    It knows nothing of this environment. Of what it prints the colours go, and what a progress bar has wiped.
    """

    READY = "<ready>"

    def __init__(self, folder: Path) -> None:
        (folder / "script").symlink_to(ROOT / "script")
        (folder / ".venv").symlink_to(sys.prefix)
        self.port = free_port()
        self.terminal, inner = pty.openpty()
        termios.tcsetwinsize(inner, (2000, 80))  # so tall that nothing opens a pager
        attributes = termios.tcgetattr(inner)
        attributes[3] &= ~termios.ECHO
        termios.tcsetattr(inner, termios.TCSANOW, attributes)
        kept = ("TMPDIR", "LANG", "LC_ALL", "CI")
        environment = {name: os.environ[name] for name in kept if name in os.environ}
        environment |= {"HOME": str(folder), "PATH": os.defpath, "TERM": "xterm", "PS1": self.READY, "PS2": ""}
        environment["TABWARDEN_PAGER"] = "cat"  # a line is typed when the one before has ended, and nobody presses q
        self.bash = subprocess.Popen(
            ["bash", "--norc", "--noprofile", "--noediting", "-i"],
            cwd=folder,
            env=environment,
            stdin=inner,
            stdout=inner,
            stderr=inner,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        os.close(inner)
        self._read(self.READY)

    def type(self, line: str) -> str:
        """What it printed until it was ready again; where the line ends in `&`, until that listens."""
        os.write(self.terminal, (line.replace(WRITTEN_PORT, self.port) + "\n").encode())
        printed = self._read(*(("Ctrl-C", self.READY) if line.endswith("&") else (self.READY,)))
        lines = (overlaid(line) for line in printed.split("\n") if not re.match(r"\[\d+\] +\d+\r*$", line))
        return "\n".join(lines).replace(self.port, WRITTEN_PORT)

    def _read(self, *until: str) -> str:
        printed, end = "", time.monotonic() + patience(120)
        while not (all(words in printed for words in until) and printed.endswith((self.READY, "\n"))):
            left = end - time.monotonic()
            if left < 0 or not select.select([self.terminal], [], [], left)[0]:
                pytest.fail(f"waited for {until}; printed was\n{printed[-4000:]}")
            printed += os.read(self.terminal, 65536).decode(errors="replace")
        return re.sub(r"\x1b\[[\d;?]*[A-Za-z]|(?:\(\S+\) )?" + self.READY, "", printed)

    def close(self) -> None:
        os.write(self.terminal, b"kill $(jobs -p) 2>/dev/null; wait; exit\n")
        self.bash.wait(timeout=patience(20))
        os.close(self.terminal)


def overlaid(line: str) -> str:
    """What is to be seen of a line in the end: what stands behind a carriage return covers what was there."""
    seen = ""
    for piece in line.split("\r"):
        seen = piece + seen[len(piece) :]
    return seen


def console_blocks(page: Path) -> Iterator[list[tuple[str, str]]]:
    """Each block as pairs of command and the output written below it; `> ` goes on with a command."""
    for block in re.findall(r"^```console\n(.*?)^```", page.read_text(encoding="utf-8"), re.M | re.S):
        pairs: list[tuple[str, str]] = []
        for line in block.splitlines():
            if line.startswith("$ "):
                pairs.append((line[2:], ""))
            elif (line == ">" or line.startswith("> ")) and not pairs[-1][1]:
                pairs[-1] = (pairs[-1][0] + "\n" + line[2:], "")
            else:
                command, output = pairs.pop()
                pairs.append((command, output + line + "\n"))
        yield pairs


def matches(written: str, printed: str) -> bool:
    """Whether the output is as written; `...` stands for anything, runs of spaces count as one."""
    parts = [re.escape(" ".join(part.split())) for part in written.split("...")]
    return re.fullmatch(r"\s*" + ".*".join(parts) + r"\s*", " ".join(printed.split()), re.S) is not None


@pytest.mark.slow
@pytest.mark.parametrize("page", EXECUTED, ids=lambda p: p.name)
def test_console_blocks_print_what_the_page_says(page: Path, tmp_path: Path) -> None:
    terminal = Shell(tmp_path)
    try:
        for pairs in console_blocks(page):
            for command, written in pairs:
                printed = terminal.type(command)
                assert matches(written, printed), f"$ {command}\n--- written\n{written}\n--- printed\n{printed[:4000]}"
    finally:
        terminal.close()


def test_the_tutorial_and_readme_have_console_blocks() -> None:
    for page in (ROOT / "README.md", DOCS / "tutorial" / "first-hour.md"):
        assert list(console_blocks(page)), f"{page} shows nothing to type"


def test_a_wrong_page_is_noticed() -> None:
    assert matches("three ... bags", "three full\n  bags")
    assert not matches("three bags", "four bags")
    assert not matches("", "an error nobody wrote down")


def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate", DOCS / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", sorted(generator().PAGES))
def test_made_pages_are_fresh(name: str) -> None:
    written = (DOCS / "reference" / name).read_text(encoding="utf-8")
    assert written == generator().page(name), "run `.venv/bin/python docs/generate.py`"


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), f"{page.relative_to(ROOT)} links to {target}, which is not there"


def test_every_page_can_be_found_from_the_index() -> None:
    index = (DOCS / "README.md").read_text(encoding="utf-8")
    for page in sorted(DOCS.rglob("*.md")):
        relative = str(page.relative_to(DOCS))
        if relative != "README.md" and not relative.startswith("decisions/"):
            assert f"]({relative})" in index, f"docs/README.md does not lead to {relative}"


# Written in pieces, so that this page does not find itself.
REGISTRY = re.compile(r"https?://[^ \"]+\.(?:whl|tgz|tar\.gz|deb)\b|" + "index" + "-url")
MACHINE = re.compile(r"(?:^|[^A-Za-z0-9_.])/(?:" + "work" + "|" + "farm" + ")/")


def test_nothing_tracked_names_a_registry_or_a_machine() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, text=True, capture_output=True, check=False).stdout
    for name in listed.splitlines():
        path = ROOT / name
        if path.is_file():
            text = path.read_text(encoding="utf-8", errors="replace")
            assert not REGISTRY.search(text), f"{name} names a package registry"
            assert not MACHINE.search(text), f"{name} names a path of one machine"
