"""Whom two models judge differently, on Sites of any size."""

from __future__ import annotations

from collections.abc import Iterator

from tabwarden.access.few import few
from tabwarden.access.reference import may
from tabwarden.compare.between_sites import Progress
from tabwarden.compare.models import Exceptional, exceptions
from tabwarden.model.open_points import CURRENT, DENY_FIRST, DOCUMENTED, OpenPoints
from tabwarden.model.site import Site


def differing(
    site: Site,
    capability: str,
    *,
    against: str = DENY_FIRST,
    open_points: OpenPoints = DOCUMENTED,
    progress: Progress | None = None,
) -> Iterator[Exceptional]:
    """Everybody the two models differ on, in the order of the content; `progress` hears how many contents are done."""
    if few(site):
        yield from exceptions(site, capability, against=against, open_points=open_points)
        return
    # Only large Sites need it, and loading it takes longer than answering on a small one.
    from tabwarden.compare.by_engine import groups_that_differ

    for content, users in groups_that_differ(site, capability, against, open_points, progress):
        current, other = (
            may(site, users[0], capability, content, model=model, open_points=open_points)
            for model in (CURRENT, against)
        )
        if current.verdict == other.verdict:
            raise RuntimeError(f"engine and reference disagree about {users[0]} on {content}: please report it")
        yield Exceptional(users, content, current, other)
