"""Who could not set permissions any more: whoever runs a plan, and the owners and leaders of projects.

Each is asked as `can USER set_permissions` asks: with site role, locks above, leaders and the site's switches.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tabwarden.access.abilities.ability import can
from tabwarden.effects.change import Change
from tabwarden.model.capability import LEADER
from tabwarden.model.governing import managing_project
from tabwarden.model.names import some
from tabwarden.model.roles import is_admin, publishes
from tabwarden.model.site import ALLOW, Grantee, Site
from tabwarden.plan.plan import Stop
from tabwarden.plan.stops import SAMPLE, Guarded, lock_out


def locked_out_of_content(now: Site, after: Site, changes: Sequence[Change], guarded: Guarded) -> tuple[Stop, ...]:
    """The stop for what the user who runs this can set permissions of now, and could not afterwards.

    Administrators always can; what he gives to somebody else himself does not count.
    """
    user = now.users.get(guarded.own_id)
    if user is None or is_admin(user.site_role):
        return ()
    named = {change.of_content.id or "" for change in changes if change.of_content is not None}
    both = sorted(named & now.contents.keys() & after.contents.keys())
    own = user.id
    given = {c for c in both if now.contents[c].owner == own != after.contents[c].owner}
    lost = [now.path(c) for c in both if c not in given and _manages(now, own, c) and not _manages(after, own, c)]
    if not lost:
        return ()
    what = f"the user who runs this, {user.qualified}, could not set permissions any more: {some(lost, SAMPLE)}"
    return (lock_out(len(both), 0, len(lost), what, "let somebody do it who can take it back"),)


def _manages(site: Site, user: str, content: str) -> bool:
    return can(site, user, "set_permissions", content).allowed is True


def nobody_left(now: Site, after: Site, changes: Sequence[Change]) -> tuple[Stop, ...]:
    """The stop for projects of which an owner or leader can set permissions now, and afterwards nobody of them."""
    both = [project for project in _projects(now, changes) if project in after.contents]
    lost = [now.path(p) for p in both if not any(_able(after, p)) and any(_able(now, p))]
    if not lost:
        return ()
    what = f"no owner or leader could set permissions of {len(lost)} projects any more: {some(lost, SAMPLE)}"
    return (lock_out(len(both), 0, len(lost), what, "name an owner or a leader whose site role can"),)


def kept_from(now: Site, after: Site, changes: Sequence[Change]) -> tuple[str, ...]:
    """Who stays owner or leader of a project, and cannot set its permissions any more, for another project locks it."""
    lines = []
    for project in _projects(now, changes):
        if project not in after.contents or managing_project(now, project) == managing_project(after, project):
            continue
        leading = _leading(now, project) & _leading(after, project)
        shut_out = [who for who in leading if any(_able(now, project, who)) and not any(_able(after, project, who))]
        if shut_out:
            names = some(sorted(_called(now, who) for who in shut_out))
            lines.append(f"{names} could not set permissions of `{now.path(project)}` any more, for a lock above it")
    return (*lines[:SAMPLE], *([f"and so of {len(lines) - SAMPLE} more projects"] if len(lines) > SAMPLE else ()))


def _projects(now: Site, changes: Sequence[Change]) -> list[str]:
    """The projects that changes name, and those below of which a lock may go or come."""
    projects: dict[str, None] = {}
    for change in changes:
        content = change.of_content.id or "" if change.of_content is not None else ""
        if content in now.contents and content not in projects and now.contents[content].kind == "project":
            projects[content] = None
        if change.overwrites_below and content in now.contents:
            projects |= dict.fromkeys(c for c in now.below(content) if now.contents[c].kind == "project")
    return list(projects)


def _leading(site: Site, project: str) -> set[Grantee]:
    """Owner and leaders of this very project."""
    content = site.contents[project]
    leaders = {r.grantee for r in content.rules or () if r.capability == LEADER and r.mode == ALLOW}
    return {Grantee("user", content.owner), *leaders}


def _able(site: Site, project: str, who: Grantee | None = None) -> Iterator[bool]:
    """Of each owner and leader of a project and of those above (or of `who`) whether he can set its permissions."""
    above = list(site.ancestors(project))
    leading = {who} if who is not None else {one for ancestor in above for one in _leading(site, ancestor)}
    for user in dict.fromkeys(user for one in sorted(leading) for user in _people(site, one)):
        yield publishes(site.users[user].site_role) != "no" and _manages(site, user, project)


def _people(site: Site, who: Grantee) -> Iterator[str]:
    if who.kind == "group":
        yield from sorted(site.members(who.id) & site.users.keys()) if who.id in site.groups else ()
    elif who.kind == "groupSet":
        groups = site.group_sets[who.id].groups if who.id in site.group_sets else frozenset()
        inside = [site.members(group) for group in groups if group in site.groups]
        yield from sorted(frozenset.intersection(*inside) & site.users.keys()) if inside else ()
    elif who.id in site.users:
        yield who.id


def _called(site: Site, who: Grantee) -> str:
    if who.kind == "user":
        return site.called(who.id)
    sets = site.groups if who.kind == "group" else site.group_sets
    return f"{'group' if who.kind == 'group' else 'group set'} {sets[who.id].name}" if who.id in sets else who.id
