"""What the rules that count say of one group, content by content: what being in it gives, and what it takes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from tabwarden.model.capability import applies, capabilities_of
from tabwarden.model.governing import in_force
from tabwarden.model.site import ALLOW, Grantee, Rules, Site


class Granted(NamedTuple):
    """What rules allow and deny a grantee on a content (REST names, in the order of the dialog).

    What a member may is decided by his site role and by all rules that speak of him.
    """

    content: str
    kind: str
    path: str
    allowed: tuple[str, ...]
    denied: tuple[str, ...]


def granted(site: Site, grantee: Grantee, content: str) -> Granted | None:
    """What the rules that count on a content say of a grantee; None where they were not read."""
    rules, kind = in_force(site, content), site.contents[content].kind
    return None if rules is None else Granted(content, kind, site.path(content), *_by_mode(rules, grantee, kind))


def granted_on_all(site: Site, grantee: Grantee) -> Iterator[Granted]:
    """The same for everything of which they say something, in order of path."""
    every = (granted(site, grantee, content) for content in site.contents)
    yield from sorted(
        (one for one in every if one is not None and (one.allowed or one.denied)), key=lambda one: one.path.casefold()
    )


def _by_mode(rules: Rules, grantee: Grantee, kind: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    modes = {rule.capability: rule.mode for rule in sorted(rules) if rule.grantee == grantee}
    ordered = [name for name in capabilities_of(kind) if name in modes]
    ordered += [name for name in modes if name not in ordered and applies(name, kind) is not False]
    allowed = tuple(name for name in ordered if modes[name] == ALLOW)
    return allowed, tuple(name for name in ordered if modes[name] != ALLOW)
