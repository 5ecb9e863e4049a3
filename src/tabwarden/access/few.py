"""How many answers the reference gives alone; of more the engine gives each, and the reference confirms.

The one place that says so. It lies below the façade, because what the façade asks in its turn chooses by it as well:
two Sites or two models compared (docs/decisions/0012-questions.md).
"""

from __future__ import annotations

from tabwarden.model.site import Site

FEW = 1_000


def few(*sites: Site, most: int = FEW) -> bool:
    """Whether there are so few pairs of a person and a content that the reference is asked about each."""
    return all(len(site.users) * len(site.contents) <= most for site in sites)
