"""Opening two snapshots and comparing them. Writes nothing, reads no server."""

from __future__ import annotations

from pathlib import Path

from tabwarden.compare.access_changes import Under
from tabwarden.compare.between_sites import Progress
from tabwarden.compare.snapshots import Compared, compared
from tabwarden.model.errors import IncompleteRead, UnknownName
from tabwarden.model.open_points import MODELS
from tabwarden.model.site import Site
from tabwarden.run.elsewhere import done
from tabwarden.run.history import open_either


def compare(
    before: str | Path,
    after: str | Path,
    under: Under,
    progress: Progress | None = None,
    *,
    store: str | None = None,
    site: str | None = None,
    settings: Path | None = None,
) -> Compared:
    """Two snapshots side by side, each a folder or a number or day of the history in `store`.

    UnknownName or IncompleteRead with everything that is none, UnknownName where they are of different sites.
    """
    if under.model not in MODELS:
        raise UnknownName(f"no model is called `{under.model}`; models are {', '.join(MODELS)}")
    sites: list[Site] = []
    problems: list[UnknownName | IncompleteRead] = []
    for place in (before, after):
        try:
            sites.append(open_either(place, store, site, settings))
        except (UnknownName, IncompleteRead) as problem:
            problems.append(problem)
    if problems:
        raise type(problems[0])(*dict.fromkeys(line for problem in problems for line in problem.lines))
    elsewhere = done("diff", sites, under, {"before": sites[0], "after": sites[1]})
    return compared(sites[0], sites[1], under, progress) if elsewhere is None else elsewhere
