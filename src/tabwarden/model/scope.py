"""Which part of a site a read was of: the whole, some projects, or what somebody may see. Not what was refused."""

from __future__ import annotations

from tabwarden.model.roles import is_admin
from tabwarden.model.site import Site

OUTSIDE = "content outside of "
"""How `Site.partial` begins to tell what was left out where some projects were read."""


def scope_of(site: Site) -> str:
    """'' for what an administrator read of the whole site, else which projects were read, or as whom.

    A server keeps back silently what a reader who is no administrator may not see. So what is missing in a read of
    one scope is not gone, and two scopes cannot be compared.
    """
    role = site.taken.by_role
    within = [words for words in site.partial if words.startswith(OUTSIDE)]
    limited = [f"as {site.taken.by} ({role})"] if role and not is_admin(role) else []
    return "; ".join([*within, *limited])
