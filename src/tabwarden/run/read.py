"""Reading a site into a snapshot: estimate, read, keep. Nothing is written to Tableau."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tabwarden.model.site import Site
from tabwarden.run.opening import SNAPSHOTS, connected
from tabwarden.settings import Settings
from tabwarden.store import snapshot
from tabwarden.tableau.parallel import Progress
from tabwarden.tableau.read import Estimate, counts, estimate, read_site

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Taken:
    """A snapshot that was taken: where it lies, what it holds and what it cost."""

    path: Path
    site: Site
    requests: int


def read_and_keep(
    settings: Settings,
    *,
    connections: bool = True,
    say: Callable[[Estimate], None],
    progress: Progress | None = None,
) -> Taken:
    """Read everything and keep it; `say` hears the estimate before the long part begins."""
    with connected(settings) as connection:
        say(estimate(counts(connection)))
        site = read_site(connection, connections=connections, progress=progress)
        path = snapshot.save(site, settings.store.folder / SNAPSHOTS)
        return Taken(path, site, sum(connection.calls.values()))
