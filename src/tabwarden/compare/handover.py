"""What changes hands when somebody overwrites content: the previous owner falls back to what rules give. Pure.

Source: the blog, "Save": who saves becomes the owner, and the new owner decides what the previous one keeps.
"""

from __future__ import annotations

from typing import NamedTuple

from tabwarden.compare.access_changes import Shift
from tabwarden.compare.between_sites import shifts
from tabwarden.effects import content as effects
from tabwarden.model.open_points import CURRENT, DOCUMENTED, OpenPoints
from tabwarden.model.site import Site


class Handover(NamedTuple):
    """Who owned it, and what he loses on it and its views; `after` is the Site once it is overwritten."""

    owner: str
    lost: tuple[Shift, ...]
    after: Site


def overwritten(
    site: Site, content: str, by: str, *, model: str = CURRENT, open_points: OpenPoints = DOCUMENTED
) -> Handover | None:
    """What the owner of a content (of a view: of its workbook) loses when `by` overwrites it; None if that is he."""
    item = site.contents[content]
    whole = item.parent if item.kind == "view" and item.parent in site.contents else content
    owner = site.contents[str(whole)].owner
    if owner == by or owner not in site.users:
        return None
    after = effects.overwrite(site, str(whole), by, open_points=open_points)
    lost = (s for s in shifts(site, after, model=model, open_points=open_points) if owner in s.users and not s.gained)
    return Handover(owner, tuple(s._replace(users=(owner,)) for s in lost), after)
