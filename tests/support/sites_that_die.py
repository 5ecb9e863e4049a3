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
    if site.url.startswith("refused"):
        return "refused"
    if site.url == "left":
        os._exit(3)
    return f"{site.url} in {os.getpid()}"


class Watched:
    """Notes in a folder who is at work; gives back how many others were at once, at most."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, site: OneSite) -> int:
        mark, most = self.folder / site.url, 0
        mark.touch()
        for _ in range(10):
            most = max(most, len(list(self.folder.iterdir())) - 1)
            time.sleep(0.005)
        mark.unlink()
        return most


class Meeting:
    """Waits in a folder until both are there: sites that go one after the other never meet."""

    def __init__(self, folder: Path, seconds: float) -> None:
        self.folder, self.seconds = folder, seconds

    def __call__(self, site: OneSite) -> bool:
        (self.folder / site.url).touch()
        until = time.monotonic() + self.seconds
        while len(list(self.folder.iterdir())) < 2 and time.monotonic() < until:
            time.sleep(0.01)
        return time.monotonic() < until
