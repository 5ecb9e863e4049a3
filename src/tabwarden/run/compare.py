"""Opening two snapshots and comparing them. Writes nothing, reads no server."""

from __future__ import annotations

from pathlib import Path

from tabwarden.change.compared import Compared, compared
from tabwarden.change.reach import Progress
from tabwarden.change.shift import Under
from tabwarden.model.errors import IncompleteRead, UnknownName
from tabwarden.model.site import Site
from tabwarden.model.switches import MODELS
from tabwarden.store import snapshot


def compare(before: Path, after: Path, under: Under, progress: Progress | None = None) -> Compared:
    """Two snapshots side by side; UnknownName or IncompleteRead with every path that is none, UnknownName where they
    are of different sites."""
    if under.model not in MODELS:
        raise UnknownName(f"no model is called `{under.model}`; models are {', '.join(MODELS)}")
    sites: list[Site] = []
    problems: list[UnknownName | IncompleteRead] = []
    for place in (before, after):
        try:
            sites.append(snapshot.load(place))
        except (UnknownName, IncompleteRead) as problem:
            problems.append(problem)
    if problems:
        raise type(problems[0])("\n".join(str(problem) for problem in problems))
    return compared(sites[0], sites[1], under, progress)
