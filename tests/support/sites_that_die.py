"""What is done about one site out of many in a process of its own: well, too much, too long, or for the last time."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from tabwarden.run.sites import OneSite


def done(site: OneSite) -> str:
    """What the site's content URL says: `killed` is ended from outside, as where memory runs out."""
    if site.url == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    if site.url == "left":
        os._exit(3)
    return f"{site.url} in {os.getpid()}"


class Watched:
    """Notes in a folder who is at work, and gives back who was at its side."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, site: OneSite) -> list[str]:
        mark = self.folder / site.url
        mark.touch()
        seen: set[str] = set()
        for _ in range(20):
            seen |= {path.name for path in self.folder.iterdir()}
            time.sleep(0.01)
        mark.unlink()
        return sorted(seen - {site.url})
