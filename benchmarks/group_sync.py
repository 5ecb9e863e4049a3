"""How long deciding a group synchronisation takes, and how much memory: a directory of 100,000 people, 5,000 groups.

    python benchmarks/group_sync.py [people] [groups]

Groups lie within groups, some in a circle. The site has the same people and groups, everybody still Viewer and a
hundredth of the members other ones: the first day. Then a day's usual changes, and nothing. Printed are time and
processor time of all that `tabwarden plan groups` computes once both are read: decision, changes, stops, impact. Peak
memory is of the whole process, both directories and sites included.
"""

from __future__ import annotations

import random
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from tabwarden.effects.change import carried_out
from tabwarden.model.site import ALL_USERS, Group, Site, User
from tabwarden.plan.build import facts
from tabwarden.plan.group_changes import group_changes
from tabwarden.plan.impact import impact
from tabwarden.plan.stops import Guarded, Limits, people_stops
from tabwarden.run.groups import collected_later
from tabwarden.want.directory import Directory, DirectoryGroup, DirectoryPerson, Domain
from tabwarden.want.groups.rules import GroupRule, Nested
from tabwarden.want.groups.sync import Decision, GroupPolicy, want_groups

DOMAIN, NETBIOS = "corp.example.com", "CORP"
ROLES = ("Viewer", "Viewer", "Explorer", "Creator")
MEMBERS = 60  # of a group itself, about; nested groups make it more
Made = TypeVar("Made")


def made_directory(people: int, groups: int, rng: random.Random) -> Directory:
    """People of one domain, some disabled, and groups that hold people and, a third of them, other groups."""
    held = {
        f"p{n}": DirectoryPerson(
            f"p{n}", DOMAIN, f"user{n}", f"user{n}@{DOMAIN}", f"User {n}", f"user{n}@{DOMAIN}", n % 200 != 0
        )
        for n in range(people)
    }
    listed = {}
    for number in range(groups):
        own = {f"p{rng.randrange(people)}" for _ in range(rng.randrange(2 * MEMBERS * people // 100_000 + 2))}
        inner = {f"g{rng.randrange(number // 8, number)}" for _ in range(number % 3) if number % 3 == 1 and number > 9}
        listed[f"g{number}"] = DirectoryGroup(f"g{number}", DOMAIN, f"Group {number}", frozenset(own | inner))
    first = listed["g0"]
    listed["g0"] = first._replace(members=first.members | {"g10"})  # g10 may lead back to it: a circle
    return Directory((Domain(DOMAIN, NETBIOS),), (), held, listed, "2026-11-21T00:00:00Z")


def made_site(directory: Directory, rng: random.Random) -> Site:
    """The site some days ago: a hundredth of the members differ, and of the people some are not there yet."""
    here = {guid: f"u-{guid}" for guid, p in directory.people.items() if p.enabled or rng.random() < 0.5}
    users = {
        user: User(user, p.sam_account_name, "Viewer", p.domain, p.display_name, p.email)
        for guid, user in here.items()
        for p in (directory.people[guid],)
        if rng.random() > 0.005
    }
    groups = {"all": Group("all", ALL_USERS, everyone=True)}
    nested, everybody = Nested(directory), list(users)
    for guid, group in directory.groups.items():
        number = int(guid[1:])
        now = {here[p] for p in nested.people_in(guid) if p in here and here[p] in users and rng.random() > 0.01}
        extra = rng.sample(everybody, min(2, len(everybody)))
        members = frozenset(now | set(extra))
        mode = "onSync" if number % 2 else "onLogin"
        groups[f"t{number}"] = Group(f"t{number}", group.name, DOMAIN, members, ROLES[number % 4], mode)
    licences = {"Creator": len(users), "Explorer": len(users), "Viewer": len(users)}
    return Site("s", "Large", "large", users, groups, licences=licences, nicknames={DOMAIN: NETBIOS})


def a_day_later(directory: Directory, rng: random.Random) -> Directory:
    """A hundred people are disabled, and of a tenth of the groups somebody is out and somebody new is in."""
    people, groups = dict(directory.people), dict(directory.groups)
    for guid in rng.sample(sorted(people), len(people) // 1000 or 1):
        people[guid] = people[guid]._replace(enabled=False)
    for guid in rng.sample(sorted(groups), len(groups) // 10 or 1):
        out = {next(iter(groups[guid].members), "")}
        groups[guid] = groups[guid]._replace(members=(groups[guid].members - out) | {f"p{rng.randrange(len(people))}"})
    return replace(directory, people=people, groups=groups)


def timed(what: str, work: Callable[[], Made]) -> Made:
    """Do it and print how long it took."""
    start, cpu = time.perf_counter(), time.process_time()
    done = work()
    print(
        f"{what:44} {time.perf_counter() - start:6.2f} s   {time.process_time() - cpu:6.2f} s of processor", flush=True
    )
    return done


def plan(site: Site, directory: Directory, rules: tuple[GroupRule, ...]) -> tuple[Decision, int]:
    """All that `tabwarden plan groups` computes once both are read, without content."""
    with collected_later():
        decision = want_groups(site, directory, rules, GroupPolicy())
        changes = group_changes(site, decision)
        facts(site, changes)
        people_stops(site, changes, Limits(), Guarded())
        impact(site, carried_out(site, changes))
    return decision, len(changes)


def main(people: int = 100_000, groups: int = 5_000) -> None:
    """Make both, decide twice, print."""
    rng = random.Random(1)
    directory = timed("a directory is made", lambda: made_directory(people, groups, rng))
    site = timed("a site is made", lambda: made_site(directory, rng))
    members = sum(len(g.members or ()) for g in site.groups.values())
    print(f"{people:,} people, {groups:,} groups, {members:,} memberships with those of nested groups")
    roles = (
        GroupRule(f"{NETBIOS}\\Group {n}", "", ROLES[n % 4], "onSync" if n % 2 else "onLogin") for n in range(groups)
    )
    rules = tuple(roles)
    decision, changes = timed("the plan of the first day", lambda: plan(site, directory, rules))
    synced = len(decision.synced)
    print(f"{changes:,} changes, {synced:,} groups to synchronise, {len(decision.gone):,} people gone")
    after = replace(decision.wanted.site, nicknames=site.nicknames)
    later = a_day_later(directory, rng)
    decision, changes = timed("the plan a day later", lambda: plan(after, later, rules))
    print(f"{changes:,} changes, {len(decision.synced):,} groups to synchronise, {len(decision.gone):,} people gone")
    after = replace(decision.wanted.site, nicknames=site.nicknames)
    _, left = timed("the plan after it", lambda: plan(after, later, rules))
    print(f"{left:,} changes")
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MiB")


if __name__ == "__main__":
    main(*(int(word) for word in sys.argv[1:]))
