"""Which contents an ability looks at: people of one role with the same answers, power and ownership there are alike."""

from __future__ import annotations

from collections.abc import Iterator

from tabwarden.model.site import Site


def looked_at(site: Site, content: str) -> Iterator[str]:
    """The content (ids), what holds it, what it draws on and what holds that; some may come twice."""
    for key in site.ancestors(content):
        yield key
        for use in site.contents[key].uses:
            yield from site.ancestors(use.datasource)
