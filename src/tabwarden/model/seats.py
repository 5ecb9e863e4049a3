"""The seats of a site: how many of a tier nobody has taken."""

from __future__ import annotations

from tabwarden.model.roles import licence_of
from tabwarden.model.site import Site


def free_seats(site: Site, role: str) -> int | None:
    """Seats left for a site role, or for a tier by its name; below zero where more are taken than bought.

    None where the site does not tell, and for a role that takes no seat.
    """
    tier = licence_of(role)
    if site.licences is None or tier is None or tier not in site.licences:
        return None
    taken = sum(1 for user in site.users.values() if licence_of(user.site_role) == tier)
    return site.licences[tier] - taken
