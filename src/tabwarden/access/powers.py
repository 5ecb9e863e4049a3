"""Who owns or leads a project, directly or through its parents.

Source: "Permissions" (Server Help 2020.3), "Project administration"; tableau-permissions §3.1 step 2b and §4.5.
Leaders appear as ProjectLeader rules on the project and as InheritedProjectLeader on projects below it.
"""

from __future__ import annotations

from typing import NamedTuple

from tabwarden.model.capability import LEADER_CAPABILITIES
from tabwarden.model.open_points import CLASSIC
from tabwarden.model.site import ALLOW, DENY, Grantee, Rule, Site


class Power(NamedTuple):
    """Why somebody rules a project: `reason` is project_owner or project_leader, `at` the project it comes from.

    `rule` is the leader rule that makes him one, None for owners.
    """

    reason: str
    at: str
    rule: Rule | None = None


def speaks_of(site: Site, grantee: Grantee, user: str) -> bool | None:
    """Whether a rule's grantee includes the user; None when a group, its members or a group set was not read."""
    if grantee.kind == "user":
        return grantee.id == user
    if grantee.kind == "groupSet":
        group_set = site.group_sets.get(grantee.id)
        if not site.settings.group_sets:
            return False
        if group_set is None:
            return None
        if not group_set.groups:
            return False
        parts = [speaks_of(site, Grantee("group", group), user) for group in group_set.groups]
        return False if False in parts else (None if None in parts else True)
    group = site.groups.get(grantee.id)
    if group is None:
        return None
    if group.everyone:
        return user in site.users
    return None if group.members is None else user in group.members


def power_over(site: Site, user: str, project: str | None, model: str) -> Power | None:
    """The owner's or leader's power of `user` over `project`, nearest project first; None when he has none.

    The classic model knows leaders only (permissions paper, §1): its project owners rule nothing.
    """
    for ancestor in site.ancestors(project):
        item = site.contents[ancestor]
        if item.owner == user and model != CLASSIC:
            return Power("project_owner", ancestor)
        rule = _leader_rule(site, user, ancestor, model)
        if rule is not None:
            return Power("project_leader", ancestor, rule)
    return None


def power_is_unknown(site: Site, user: str, project: str | None) -> bool:
    """Whether facts that were not read could make `user` a leader of `project`."""
    last = project
    for ancestor in site.ancestors(project):
        item = site.contents[ancestor]
        last = item.parent
        if item.rules is None:
            return True
        leaders = [r for r in item.rules if r.capability in LEADER_CAPABILITIES and r.mode == ALLOW]
        if any(speaks_of(site, r.grantee, user) is None for r in leaders):
            return True
    return last is not None and last not in site.contents


def _leader_rule(site: Site, user: str, project: str, model: str) -> Rule | None:
    """The rule that makes `user` a leader of this very project.

    Today a ProjectLeader Deny only means "not made leader by this rule" (§3.2); in the classic model the
    capability obeys the precedence of all others (§3.4).
    """
    mine = sorted(
        rule
        for rule in site.contents[project].rules or ()
        if rule.capability in LEADER_CAPABILITIES and speaks_of(site, rule.grantee, user)
    )
    if model == CLASSIC:
        for kind, mode in (("user", DENY), ("user", ALLOW), ("group", DENY)):
            hit = [r for r in mine if r.grantee.kind == kind and r.mode == mode]
            if hit:
                return hit[0] if mode == ALLOW else None
    return next((rule for rule in mine if rule.mode == ALLOW), None)
