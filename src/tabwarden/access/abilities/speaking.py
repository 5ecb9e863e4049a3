"""Which facts about people an ability looks at, whoever is asked about: who is alike in them gets the same answer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from tabwarden.access.abilities.ability import ANY_TARGET
from tabwarden.model.site import Grantee, Site


class Speaking(NamedTuple):
    """Groups, and people (ids) of whom something is said that is said of nobody else: owners, and whom rules name."""

    groups: frozenset[str]
    users: frozenset[str]


def speaking(site: Site, ability: str, content: str) -> Speaking:
    """Of all that may count for an ability on a content; people with the same role and the same of these are alike.

    That is what holds the content, what it draws on and what holds that; of an ability that looks for a place, every
    project too.
    """
    return _said(site, _near(site, ability, content))


def _said(site: Site, contents: Iterable[str]) -> Speaking:
    rules, users = set[Grantee](), set[str]()
    for key in contents:
        thing = site.contents[key]
        users.add(thing.owner)
        for some in (thing.rules, *thing.defaults.values()):
            rules |= {rule.grantee for rule in some or ()}
    groups = {grantee.id for grantee in rules if grantee.kind == "group"}
    for group_set in (site.group_sets.get(grantee.id) for grantee in rules if grantee.kind == "groupSet"):
        groups |= group_set.groups if group_set is not None else frozenset()
    return Speaking(frozenset(groups), frozenset(users | {g.id for g in rules if g.kind == "user"}))


def _near(site: Site, ability: str, content: str) -> Iterator[str]:
    for key in site.ancestors(content):
        yield key
        for use in site.contents[key].uses:
            yield from site.ancestors(use.datasource)
    if ability in ANY_TARGET:
        yield from (one.id for one in site.contents.values() if one.kind == "project")
