"""The lints over columns beside their plain reading over a Site, value by value, on sites of chance."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from dense_sites import UNREAD_SHARES, dense_site

from tabwarden.audit.audited import Audited
from tabwarden.audit.knobs import Knobs
from tabwarden.audit.lint import findings_of
from tabwarden.model.capability import applies
from tabwarden.model.governing import governing
from tabwarden.model.roles import is_admin, is_licensed, permits, publishes
from tabwarden.model.site import ALLOW, CUSTOMIZABLE, DENY, Content, Rule, Rules, Site
from tabwarden.model.site_settings import sees_nobody, setting_against
from tabwarden.questions import Questions

LEADING = ("ProjectLeader", "InheritedProjectLeader")


def counting(site: Site) -> Iterator[tuple[Content, str, bool, Rules]]:
    """Content, kind, whether it is a default, and rules of every list that counts somewhere and was read."""
    for content in site.contents.values():
        if governing(site, content.id).level == "own":
            if content.rules:
                yield content, content.kind, False, without_echo(content.rules)
            yield from ((content, kind, True, without_echo(r)) for kind, r in content.defaults.items() if r)


def without_echo(rules: Rules) -> Rules:
    """An inherited leader is the echo of a rule above."""
    return frozenset(rule for rule in rules if rule.capability != "InheritedProjectLeader")


def everyone(site: Site, rule: Rule) -> bool:
    return rule.grantee.kind == "group" and rule.grantee.id in site.groups and site.groups[rule.grantee.id].everyone


def behind(site: Site, rule: Rule) -> set[str] | None:
    """User ids behind a grantee; None where nobody knows, or it is a set."""
    kind, key = rule.grantee
    if kind == "user":
        return {key} if key in site.users else None
    group = site.groups.get(key) if kind == "group" else None
    if group is None or (group.members is None and not group.everyone):
        return None
    return {user for user in site.members(key) if user in site.users}


def by_rule(judge: Callable[[Site, Content, str, bool, Rules, Rule], bool]) -> Callable[[Site], set[str]]:
    def found(site: Site) -> set[str]:
        return {
            c.id for c, kind, new, rules in counting(site) if any(judge(site, c, kind, new, rules, r) for r in rules)
        }

    return found


def beats_deny(site: Site, _c: Content, _k: str, _n: bool, rules: Rules, rule: Rule) -> bool:
    if rule.grantee.kind != "user" or rule.mode != ALLOW:
        return False
    others = (r for r in rules if r.grantee.kind == "group" and (r.capability, r.mode) == (rule.capability, DENY))
    return any(rule.grantee.id in (behind(site, other) or ()) for other in others)


def above_ceiling(site: Site, _c: Content, kind: str, _n: bool, _rules: Rules, rule: Rule) -> bool:
    people = behind(site, rule)
    if not people or rule.mode != ALLOW or rule.capability in LEADING or applies(rule.capability, kind) is False:
        return False
    if setting_against(site.settings, rule.capability) is not None:
        return False
    roles = {site.users[user].site_role for user in people}

    def can(role: str) -> bool:
        barred = rule.capability == "ChangePermissions" and sees_nobody(site.settings, role)
        return not barred and permits(role, kind, rule.capability) is not False

    return not any(map(can, roles))


def in_vain(_s: Site, _c: Content, _k: str, _n: bool, rules: Rules, rule: Rule) -> bool:
    allowed = {r.capability for r in rules if r.mode == ALLOW}
    return rule.mode == DENY and rule.capability not in (*allowed, *LEADING) and not everyone(_s, rule)


def shadowed(site: Site, _c: Content, _k: str, _n: bool, rules: Rules, rule: Rule) -> bool:
    if rule.grantee.kind != "group" or rule.mode != ALLOW or everyone(site, rule) or not (mine := behind(site, rule)):
        return False
    others = (r for r in rules if r.grantee.kind == "group" and (r.capability, r.mode) == (rule.capability, DENY))
    return any(
        mine <= (behind(site, r) or set()) for r in others if r.grantee != rule.grantee and not everyone(site, r)
    )


def not_led(site: Site) -> set[str]:
    projects = [c for c in site.contents.values() if c.kind == "project"]

    def led(project: Content) -> bool:
        above = [site.contents[c] for c in site.ancestors(project.id)]
        return any(r.capability in LEADING and r.mode == ALLOW for c in above for r in c.rules or ())

    return {p.id for p in projects if p.rules is not None and not led(p)}


def unlocked(site: Site) -> set[str]:
    holds = {c.parent for c in site.contents.values() if c.kind != "project"}
    projects = (c for c in site.contents.values() if c.kind == "project" and c.mode == CUSTOMIZABLE and c.id in holds)
    return {p.id for p in projects if governing(site, p.id).level == "own"}


def owned_by(judge: Callable[[Site, str], bool]) -> Callable[[Site], set[str]]:
    return lambda site: {c.id for c in site.contents.values() if c.kind != "view" and judge(site, c.owner)}


def void(site: Site) -> set[str]:
    found = set()
    for content in site.contents.values():
        counts = governing(site, content.id)
        under_lock = counts.level in ("project_default", "database_default") and content.kind not in ("project", "view")
        holder = site.project_of(content.id) or ""
        locked = under_lock and holder in site.contents and counts.level == "project_default"
        if locked and content.rules and counts.rules is not None and content.rules != counts.rules:
            found.add(content.id)
    return found


BY_HAND: dict[str, Callable[[Site], set[str]]] = {
    "rules-for-persons": by_rule(lambda s, c, k, n, rs, r: r.grantee.kind == "user" and r.capability not in LEADING),
    "person-beats-deny": by_rule(beats_deny),
    "deny-on-owner": by_rule(lambda s, c, k, new, rs, r: not new and r.mode == DENY and r.grantee == ("user", c.owner)),
    "deny-on-administrator": by_rule(
        lambda s, c, k, n, rs, r: (
            r.mode == DENY
            and r.grantee.kind == "user"
            and r.grantee.id in s.users
            and is_admin(s.users[r.grantee.id].site_role)
        )
    ),
    "all-users-denied": by_rule(lambda s, c, k, n, rs, r: everyone(s, r) and r.mode == DENY),
    "open-to-all": by_rule(
        lambda s, c, k, n, rs, r: everyone(s, r) and r.mode == ALLOW and r.capability not in LEADING
    ),
    "dead-by-ceiling": by_rule(above_ceiling),
    "dead-shadowed": by_rule(shadowed),
    "deny-of-nothing": by_rule(in_vain),
    "capability-of-other-kind": by_rule(lambda s, c, kind, n, rs, r: applies(r.capability, kind) is False),
    "no-leader": not_led,
    "project-not-locked": unlocked,
    "rules-lost-to-lock": void,
    "owner-gone": owned_by(lambda s, owner: owner not in s.users),
    "owner-unlicensed": owned_by(lambda s, owner: owner in s.users and s.users[owner].site_role == "Unlicensed"),
    "owner-cannot-act": owned_by(
        lambda s, owner: (
            owner in s.users and is_licensed(s.users[owner].site_role) and publishes(s.users[owner].site_role) == "no"
        )
    ),
}


@pytest.mark.parametrize("name", BY_HAND)
def test_a_lint_over_columns_finds_what_a_plain_reading_does(name: str) -> None:
    total = 0
    for seed in range(60):
        site = dense_site(seed, unread=UNREAD_SHARES[seed % len(UNREAD_SHARES)])
        result = findings_of(Audited(Questions(site), Knobs()), only=(name,))
        ids = result.audited.columns.ids("content")
        told = {ids[number] for finding in result.findings for number in finding.subjects.tolist()}
        expected = BY_HAND[name](site)
        assert told == expected, f"seed {seed}"
        total += len(expected)
    assert total > 10, "a comparison of nothing"
