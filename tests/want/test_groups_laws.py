"""Laws of group synchronisation, on directories and sites of chance: what must hold whatever anybody set."""

from __future__ import annotations

import random
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st
from synced_groups import Plain, chance_directory, chance_rules, chance_site, directory_of

from tabwarden.effects.change import carried_out
from tabwarden.model.names import same
from tabwarden.model.roles import MERGE, is_licensed, merge
from tabwarden.model.site import Site
from tabwarden.plan.group_changes import group_changes
from tabwarden.want.groups.rules import GroupRule
from tabwarden.want.groups.sync import Decision, GroupPolicy, want_groups

SEEDS = st.integers(0, 10**6)
WAYS = st.sampled_from(["import", "membership", "auto"])
EXAMPLES = settings(max_examples=40, deadline=None)


def decided(seed: int, by: str, *, joined: bool = True) -> tuple[Plain, Site, tuple[GroupRule, ...], Decision]:
    """A directory, a site joined to it, rules, and what is wanted."""
    rng = random.Random(seed)
    plain = chance_directory(rng)
    site, _ = chance_site(rng, plain, joined=joined)
    now = replace(site, nicknames={"corp.example": "CORP"} if joined else {})
    rules = tuple(GroupRule(**rule) for rule in chance_rules(rng, plain, by))
    return plain, now, rules, want_groups(now, directory_of(plain), rules, GroupPolicy())


@EXAMPLES
@given(SEEDS, WAYS, st.booleans())
def test_nobody_is_ever_removed_from_the_site(seed: int, by: str, joined: bool) -> None:
    _, now, _, decision = decided(seed, by, joined=joined)
    assert now.users.keys() <= decision.wanted.site.users.keys()


@EXAMPLES
@given(SEEDS, WAYS, st.booleans())
def test_only_who_is_gone_loses_a_role_and_then_all_of_it(seed: int, by: str, joined: bool) -> None:
    """Of the rest every role is the one before, or one the matrix makes of it by some minimum, or of that again."""
    _, now, _, decision = decided(seed, by, joined=joined)
    for user, held in now.users.items():
        role = decision.wanted.site.users[user].site_role
        if role == held.site_role or held.site_role not in {row for row, _ in MERGE}:
            continue
        if user in decision.gone and not is_licensed(role):
            continue
        once = {merge(held.site_role, minimum) for _, minimum in MERGE}
        assert role in once | {merge(first, minimum) for first in once for _, minimum in MERGE}
        assert is_licensed(role)


@EXAMPLES
@given(SEEDS, WAYS)
def test_synchronised_groups_hold_exactly_the_enabled_people_of_the_directory(seed: int, by: str) -> None:
    plain, _, _, decision = decided(seed, by)
    directory = directory_of(plain)
    held = {one.person for one in decision.wanted.held}
    for target in decision.targets:
        if target.name in held:
            continue
        people = (directory.people[guid] for guid in directory.everybody_in(target.group.guid))
        wanted = {(same(p.domain), same(p.sam_account_name)) for p in people if p.enabled}
        site = decision.wanted.site
        users = (site.users[user] for user in site.members(target.into.id))
        found = {(same(user.domain), same(user.name)) for user in users}
        unclear = {person.rpartition("\\")[2] for person in held}
        assert {one for one in wanted ^ found if one[1] not in unclear} == set()


@EXAMPLES
@given(SEEDS, WAYS, st.booleans())
def test_the_changes_lead_to_what_is_wanted(seed: int, by: str, joined: bool) -> None:
    _, now, _, decision = decided(seed, by, joined=joined)
    after = carried_out(now, group_changes(now, decision))
    wanted = decision.wanted.site
    told = [{(u.domain, u.name, u.site_role) for u in site.users.values()} for site in (after, wanted)]
    assert told[0] == told[1]
    members = [
        {
            (same(g.domain), same(g.name)): {(site.users[u].domain, site.users[u].name) for u in site.members(g.id)}
            for g in site.groups.values()
        }
        for site in (after, wanted)
    ]
    assert members[0] == members[1]


@EXAMPLES
@given(SEEDS, WAYS, st.booleans())
def test_what_is_wanted_of_what_is_wanted_is_nothing_more(seed: int, by: str, joined: bool) -> None:
    """But for seats that a later group left, and for whom nothing could be decided."""
    plain, now, rules, decision = decided(seed, by, joined=joined)
    site = decision.wanted.site
    again = want_groups(site, directory_of(plain), rules, GroupPolicy())
    if now.licences is None:
        assert group_changes(site, again) == ()


@EXAMPLES
@given(SEEDS, WAYS)
def test_whom_the_rules_do_not_concern_nothing_touches(seed: int, by: str) -> None:
    plain, now, _, decision = decided(seed, by)
    directory = directory_of(plain)
    concerned = {u for t in decision.targets if not t.is_new for u in now.members(t.into.id)}
    people = {guid for target in decision.targets for guid in directory.everybody_in(target.group.guid)}
    names = {(same(directory.people[g].domain), same(directory.people[g].sam_account_name)) for g in people}
    for user in now.users.values():
        if user.id not in concerned and (same(user.domain), same(user.name)) not in names:
            assert decision.wanted.site.users[user.id] == user
