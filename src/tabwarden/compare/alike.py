"""Which people share every answer: same site role and groups, named by no rule, owning nothing."""

from __future__ import annotations

from collections.abc import Mapping

from tabwarden.model.site import Site


def alike(site: Site) -> Mapping[str, object]:
    """A key by user id; two people with equal keys get equal answers to every question about a content."""
    special: set[str] = set()
    for content in site.contents.values():
        special.add(content.owner)
        for rules in (content.rules, *content.defaults.values()):
            special.update(rule.grantee.id for rule in rules or () if rule.grantee.kind == "user")
    return {u: u if u in special else (user.site_role, site.groups_of(u)) for u, user in site.users.items()}
