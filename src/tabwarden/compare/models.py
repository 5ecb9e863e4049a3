"""Who is in under today's model and would not be under another: access that rests on an exception.

Against `deny_first` these are the people whom a Deny speaks of and who are in all the same: as owner, as leader, by a
rule for them in person, or because a group's Allow comes before a group set's Deny (tableau-permissions §3.5).
Against `classic` they are those whom locks or site roles of today let in.
`in_person` are those who are in as owner, as leader or by a rule of their own and by no group, a Deny or none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from tabwarden.access.answer import Answer
from tabwarden.access.few import few
from tabwarden.access.powers import speaks_of
from tabwarden.access.reference import PRECEDENCE, may
from tabwarden.compare.alike import alike
from tabwarden.compare.between_sites import Progress
from tabwarden.model.capability import LEADER_CAPABILITIES
from tabwarden.model.governing import governing
from tabwarden.model.open_points import CURRENT, DENY_FIRST, DOCUMENTED, OpenPoints
from tabwarden.model.site import ALLOW, DENY, Grantee, Site
from tabwarden.model.tables import grouped


class Exceptional(NamedTuple):
    """People (ids, one answer for all of them) whom the models judge differently on one content.

    `current` and `other` are the Answers for the first of them.
    """

    users: tuple[str, ...]
    content: str
    current: Answer
    other: Answer


def exceptions(
    site: Site, capability: str, *, against: str = DENY_FIRST, open_points: OpenPoints = DOCUMENTED
) -> Iterator[Exceptional]:
    """Everybody the two models differ on, in the order of the content."""
    keys = alike(site)
    for content in site.contents:
        classes = grouped((keys[user], user) for user in _who_can_differ(site, capability, content, against))
        for users in classes.values():
            current, other = (
                may(site, users[0], capability, content, model=model, open_points=open_points)
                for model in (CURRENT, against)
            )
            if current.verdict != other.verdict:
                yield Exceptional(tuple(users), content, current, other)


def in_person(
    site: Site, capability: str, *, against: str = DENY_FIRST, open_points: OpenPoints = DOCUMENTED
) -> Iterator[Exceptional]:
    """Everybody who is in only as owner, as leader or by a rule in person: no group's rule would let them in."""
    keys = alike(site)
    for content in site.contents:
        classes = grouped((keys[user], user) for user in sorted(_named(site, capability, content)))
        for users in classes.values():
            current = may(site, users[0], capability, content, open_points=open_points)
            if current.allowed and current.because in PERSONAL and not _by_groups(current):
                other = may(site, users[0], capability, content, model=against, open_points=open_points)
                yield Exceptional(tuple(users), content, current, other)


PERSONAL = ("user_allow", "content_owner", "project_owner", "project_leader")


def _named(site: Site, capability: str, content: str) -> set[str]:
    """Who owns it, owns or leads a project above it, or has an Allow in person."""
    rules = governing(site, content).rules or ()
    item = site.contents[content]
    users = {item.owner, *(r.grantee.id for r in rules if r.grantee.kind == "user" and r.capability == capability)}
    for project in site.ancestors(content if item.kind == "project" else site.project_of(content)):
        users.add(site.contents[project].owner)
        for rule in site.contents[project].rules or ():
            if rule.capability in LEADER_CAPABILITIES and rule.mode == ALLOW:
                users |= _people(site, rule.grantee)
    return users & site.users.keys()


def _people(site: Site, grantee: Grantee) -> set[str]:
    if grantee.kind == "user":
        return {grantee.id}
    group_set = site.group_sets.get(grantee.id)
    groups = [grantee.id] if grantee.kind == "group" else sorted(group_set.groups if group_set is not None else ())
    members = [set(site.members(group)) for group in groups if group in site.groups]
    return set.intersection(*members) if members and len(members) == len(groups) else set()


def _by_groups(answer: Answer) -> bool:
    """Whether rules for groups and group sets alone would let them in."""
    lost = {(losing.rule.grantee.kind, losing.rule.mode) for losing in answer.losing}
    first = next((because for kind, mode, because in PRECEDENCE if kind != "user" and (kind, mode) in lost), "")
    return first.endswith("_allow")


def _who_can_differ(site: Site, capability: str, content: str, against: str) -> Iterable[str]:
    """Against deny_first only those whom a Deny may speak of (all, where the rules were not read)."""
    rules = governing(site, content).rules
    if against != DENY_FIRST or rules is None:
        return site.users
    denied = [r.grantee for r in rules if r.capability == capability and r.mode == DENY]
    return (u for u in site.users if any(speaks_of(site, g, u) is not False for g in denied)) if denied else ()


def differing(
    site: Site,
    capability: str,
    *,
    against: str = DENY_FIRST,
    open_points: OpenPoints = DOCUMENTED,
    progress: Progress | None = None,
) -> Iterator[Exceptional]:
    """Everybody the two models differ on, in the order of the content; `progress` hears how many contents are done."""
    if few(site):
        yield from exceptions(site, capability, against=against, open_points=open_points)
        return
    # Only large Sites need it, and loading it takes longer than answering on a small one.
    from tabwarden.compare.by_engine import groups_that_differ

    for content, users in groups_that_differ(site, capability, against, open_points, progress):
        current, other = (
            may(site, users[0], capability, content, model=model, open_points=open_points)
            for model in (CURRENT, against)
        )
        if current.verdict == other.verdict:
            raise RuntimeError(f"engine and reference disagree about {users[0]} on {content}: please report it")
        yield Exceptional(users, content, current, other)
