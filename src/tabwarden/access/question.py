"""One question as a value, so that it can be put to one Site after another."""

from __future__ import annotations

from typing import NamedTuple

from tabwarden.access.abilities.ability import can
from tabwarden.access.answer import Answer
from tabwarden.access.reference import may
from tabwarden.model.open_points import CURRENT, DOCUMENTED, OpenPoints
from tabwarden.model.site import Site


class Asked(NamedTuple):
    """Whether `user` may exercise a capability (REST name) or, with `ability`, do an action; all by id."""

    user: str
    what: str
    content: str | None
    ability: bool = False
    target: str | None = None
    to: str | None = None
    model: str = CURRENT
    open_points: OpenPoints = DOCUMENTED

    def of(self, site: Site) -> Answer:
        """The reference's Answer on that Site. KeyError for a user or content that is not there."""
        if self.ability:
            return can(
                site,
                self.user,
                self.what,
                self.content,
                target=self.target,
                to=self.to,
                model=self.model,
                open_points=self.open_points,
            )
        return may(site, self.user, self.what, str(self.content), model=self.model, open_points=self.open_points)
