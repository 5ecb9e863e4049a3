"""What a plan of groups forecasts is what Tableau does: directories and sites of chance, both ways, read back.

The sandbox synchronises by itself (sandbox/directories/group_sync.py) or takes membership calls; the plan's wanted
Site is held against the Site that comes out. The two share the tables of roles and nothing else.
"""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest
from synced_groups import (
    LOOSE,
    Plain,
    chance_directory,
    chance_rules,
    chance_site,
    desk,
    directory_of,
    disabled,
    dumped,
    picture,
    unread,
    with_members,
    world,
)

from tabwarden.effects.change import carried_out
from tabwarden.plan.group_changes import group_changes
from tabwarden.run.context import Context, connected
from tabwarden.run.groups import gather, rules_of
from tabwarden.sandbox.directories.group_sync import import_group, sync_group
from tabwarden.sandbox.state.server_state import World
from tabwarden.sandbox.state.sites import State
from tabwarden.want.groups.rules import GroupRule
from tabwarden.want.groups.sync import Decision, GroupPolicy, want_groups

SITE = "s-people"
JOINED = {"corp.example": "CORP"}


def at_rest() -> float:
    return 1_700_000_000.0


def settled(state: State, decision: Decision) -> None:
    """Every group imported or synchronised by the sandbox itself, in the order of the plan; those held are left."""
    held = {one.person for one in decision.wanted.held}
    for target in decision.targets:
        if target.name in held:
            continue
        # What is asked for is what the rule says, or what the group grants already; not what the plan makes of it.
        role, mode = target.rule.minimum_site_role, target.rule.grant_on
        if role is None:
            role, mode = target.into.minimum_site_role, target.into.grant_on or "onSync"
        role, grant_on = (None, None) if role in (None, "Unlicensed") else (role, mode)
        if target.is_new:
            import_group(state, SITE, target.group.domain, target.group.name, role=role, grant_on=grant_on)
        else:
            sync_group(state, SITE, target.into.id, role=role, grant_on=grant_on)


@pytest.mark.parametrize("seed", range(90))
def test_what_is_forecast_of_an_import_is_what_the_sandbox_does(seed: int) -> None:
    rng = random.Random(seed)
    plain = chance_directory(rng)
    site, _ = chance_site(rng, plain)
    rules = tuple(GroupRule(**rule) for rule in chance_rules(rng, plain, "import"))
    state = State(World("people", (site,), (), (), directory=plain), at_rest)
    decision = want_groups(replace(site, nicknames=JOINED), directory_of(plain), rules, GroupPolicy())
    settled(state, decision)
    assert picture(decision.by_import.site) == picture(state.site(SITE))
    again = want_groups(replace(state.site(SITE), nicknames=JOINED), directory_of(plain), rules, GroupPolicy())
    # A seat that a later group of the same plan leaves is given at the next synchronisation.
    if not again.wanted.held and site.licences is None:
        assert group_changes(state.site(SITE), again) == (), dumped(rules)


def test_those_directories_are_worth_something() -> None:
    """They hold what the rules speak of: gone people, leavers, joiners, roles raised, seats that are missing."""
    met: dict[str, int] = {}
    for seed in range(90):
        rng = random.Random(seed)
        plain = chance_directory(rng)
        site, _ = chance_site(rng, plain)
        rules = tuple(GroupRule(**rule) for rule in chance_rules(rng, plain, "import"))
        found = want_groups(replace(site, nicknames=JOINED), directory_of(plain), rules, GroupPolicy())
        for synced in found.synced:
            for note, number in synced.expected.items():
                met[note] = met.get(note, 0) + number
    assert min(met.values()) > 20, met


def mixed(rng: random.Random, plain: Plain) -> list[dict[str, object]]:
    """Rules of both ways, each group by one of them."""
    rules = chance_rules(rng, plain, "import")
    for rule in rules:
        if rng.random() < 0.5:
            rule |= {"by": "membership", "into": str(rule["group"]).replace("\\", " ")}
    return rules


@pytest.mark.parametrize("way", ["import", "membership", "mixed", "not joined"])
@pytest.mark.parametrize("seed", range(4))
def test_the_wanted_site_is_the_site_read_back(tmp_path: Path, way: str, seed: int) -> None:
    rng = random.Random(f"{way} {seed}")
    plain, joined = chance_directory(rng), way != "not joined"
    for domain in plain["domains"].values() if not joined else ():
        domain["users"] = {f"{domain['netbios']}{name}": told for name, told in domain["users"].items()}
        for group in domain["groups"].values():
            group["members"] = []
    if not joined:
        for fqdn, domain in plain["domains"].items():
            for name in domain["groups"]:
                plain = with_members(plain, name, *rng.sample(sorted(domain["users"]), 3), domain=fqdn)
    site, _ = chance_site(rng, plain, joined=joined)
    # Roles that grant on sign-in to everybody and seats that are missing are for the tests of refusals.
    groups = {g.id: g if g.domain != "local" else replace(g, minimum_site_role=None) for g in site.groups.values()}
    kept = replace(
        site,
        licences=None,
        groups={i: replace(g, grant_on=g.minimum_site_role and g.grant_on) for i, g in groups.items()},
    )
    held = replace(world(plain, joined=joined), sites=(kept,))
    rules = (
        mixed(rng, plain) if way == "mixed" else chance_rules(rng, plain, "import" if way == "import" else "membership")
    )
    with desk(tmp_path, *rules, plain=plain, joined=joined, held=held) as opened:
        opened.stops = LOOSE
        for _ in range(2):
            settings = opened.settings
            with connected(settings) as connection:
                gathered = gather(Context(settings, connection))
            policy = GroupPolicy(own_id=connection.user_id)
            wanted = want_groups(gathered.now, gathered.directory, rules_of(settings), policy).wanted
            plan = opened.plan()
            assert picture(carried_out(gathered.now, plan.changes), names=False) == picture(wanted.site, names=False)
            applied = opened.apply(plan)
            assert applied.succeeded, (applied.stops, applied.not_done, applied.broken_off)
            assert not [e for e in applied.entries.values() if e.remedy], [e.remedy for e in applied.entries.values()]
            apart = unread(gathered.now)
            assert picture(opened.site, names=False, apart=apart) == picture(wanted.site, names=False, apart=apart)
            assert opened.plan().changes == ()
            someone = rng.choice(
                [n for n, told in opened.plain["domains"]["corp.example"]["users"].items() if told["enabled"]]
            )
            opened.change(disabled(opened.plain, someone))
