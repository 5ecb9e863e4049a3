"""A folder with settings, a store, and the command `read` run in it, in this process or its own. Not a test."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from contextlib import chdir
from pathlib import Path
from typing import Any, NamedTuple

from watchdog import patience

from support import command_line
from tabwarden.model.site import Site
from tabwarden.store.history import History
from tabwarden.store.snapshots import FILE

PAT = "pat: {name: tabwarden, secret: acme-demo-secret}"


class Ended(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str


class Desk:
    """One folder; made anew it has settings for `url` and an empty store."""

    def __init__(self, folder: Path, url: str, site: str = "acme-lab") -> None:
        self.folder = folder
        self.url, self.site = url, site
        self.settings()

    def settings(self, auth: str = PAT, *, url: str = "", site: str = "", retries: int = 1) -> None:
        """Write other settings; the store stays."""
        tableau = f"{{server: '{url or self.url}', site: {site or self.site}, retries: {retries}, auth: {{{auth}}}}}"
        (self.folder / "settings.yaml").write_text(f"tableau: {tableau}\nstore: {{folder: store}}\n")

    def run(self, *words: str) -> Ended:
        """A command in this process."""
        with chdir(self.folder):
            done = command_line.run(*words)
        return Ended(done.exit_code, done.stdout, done.stderr)

    def process(self, *words: str, **more: Any) -> Ended:
        """A command in a process of its own."""
        ran = subprocess.run(
            [sys.executable, "-m", "tabwarden", *words],
            cwd=self.folder, capture_output=True, text=True, timeout=patience(120), check=False, **more,
        )  # fmt: skip
        return Ended(ran.returncode, ran.stdout, ran.stderr)

    def snapshots(self) -> list[Site]:
        """What the history holds, each opened."""
        return [site for _, site in sorted(self.history().items())]

    def history(self) -> Mapping[int, Site]:
        """The same by number."""
        if not self.database.is_file():
            return {}
        with History(self.folder / "store") as history:
            return {kept.number: history.open(kept.number) for kept in history.snapshots()}

    @property
    def database(self) -> Path:
        """The file of the history."""
        return self.folder / "store" / FILE

    def unfinished(self) -> list[Path]:
        """Checkpoints that wait."""
        return sorted((self.folder / "store" / "unfinished").glob("*"))
