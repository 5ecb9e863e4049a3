"""People whom no snapshot holds: an application lets them in on demand, as members of the groups its token names.

They have a Viewer's role for one session, and are in the groups that are named alone, not in All Users.
Source: "On-demand access" and "Dynamic group membership using assertions" (connected apps, Tableau Help).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from tabwarden.access.answer import ALLOWED
from tabwarden.access.reference import may
from tabwarden.model.open_points import CLASSIC, CURRENT, DOCUMENTED, OpenPoints
from tabwarden.model.site import Group, Site, User

SOMEBODY = User("on-demand", "somebody who is let in on demand", "Viewer")


def with_asserted(site: Site, user: User, groups: Iterable[str]) -> Site:
    """The Site on which `user`, whether he is on it or not, is in these groups too."""
    grown = [replace(g, members=(g.members or frozenset()) | {user.id}) for g in map(site.groups.__getitem__, groups)]
    if user.id in site.users:
        return site.with_groups(*grown)
    everyone = site.all_users
    if everyone is not None:
        grown.append(replace(everyone, everyone=False, members=frozenset(site.users)))
    return site.with_users(user).with_groups(*grown)


def admitting(
    site: Site, capability: str, content: str, *, model: str = CURRENT, open_points: OpenPoints = DOCUMENTED
) -> Iterator[Group]:
    """The groups through which somebody who is let in on demand may do it; the classic model knows none."""
    if model == CLASSIC:
        return
    for group in sorted((site.groups[g] for g in site.on_demand if g in site.groups), key=lambda one: one.name):
        there = with_asserted(site, SOMEBODY, (group.id,))
        there.indexed({"_groups_of": {SOMEBODY.id: frozenset({group.id})}})  # of all the others nobody is asked
        answer = may(there, SOMEBODY.id, capability, content, model=model, open_points=open_points)
        if answer.verdict == ALLOWED:
            yield group
