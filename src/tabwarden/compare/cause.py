"""Which change made an answer another one: the fewest facts that, put on the older Site, give the newer one's answer.

`steps` takes the difference of two Sites apart into single changes: one member, one rule, one lock. `put_on` does some
of them to the older Site, each with what it cannot be without: a rule for a new group brings the group, a new workbook
its new project, a deleted group takes its rules along.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import combinations
from math import comb
from types import MappingProxyType
from typing import Any

from tabwarden.access.abilities.ability import can
from tabwarden.access.answer import ALLOWED, UNKNOWN, Answer
from tabwarden.access.reference import may
from tabwarden.compare.access_changes import Decision, Under
from tabwarden.compare.snapshots import ADDED, CONTENT, GROUP, GROUP_SET, REMOVED, SITE, USER, Fact, facts
from tabwarden.effects.content import without_grantee
from tabwarden.model.site import GRANTEE_TABLES, Content, Grantee, Group, Rule, Rules, Site

CAN, CANNOT = "can", "cannot"  # the third is UNKNOWN
ABILITY = "ability:"  # before the name of one, where a decision may be of either
TABLES = {USER: "users", GROUP: "groups", GROUP_SET: "group_sets", CONTENT: "contents"}
LISTS = ("members", "groups", "rules", "default_rules")
TRIALS = 1_000  # sets of facts tried for a smaller cause
IDLE = frozenset(
    "name domain description minimum_site_role grant_on on_demand tags certified certification_note connections".split()
)  # decide nothing by themselves


def standing(site: Site, decision: Decision, under: Under | None = None) -> str:
    """`can`, `cannot` (or is not there, or the content is not) or `unknown`."""
    user, content, _ = decision
    if user not in site.users or content not in site.contents:
        return CANNOT
    return {ALLOWED: CAN, UNKNOWN: UNKNOWN}.get(answer_of(site, decision, under).verdict, CANNOT)


def answer_of(site: Site, decision: Decision, under: Under | None = None) -> Answer:
    """What the reference says of somebody's capability or ability on a content of the Site."""
    (user, content, what), (model, open_points) = decision, under or Under()
    if what.startswith(ABILITY):
        return can(site, user, what.removeprefix(ABILITY), content, model=model, open_points=open_points)
    return may(site, user, what, content, model=model, open_points=open_points)


def cause(before: Site, after: Site, decision: Decision, under: Under | None = None) -> tuple[Fact, ...]:
    """The change behind another answer: one fact where one is enough, else a set none of which can be left out.

    Empty where the answer is the same on both. Putting exactly these on `before` gives the answer of `after`. It is
    the smallest such set, except among so many facts that not all of that size can be tried (`TRIALS`).
    """
    wanted = standing(after, decision, under)
    if standing(before, decision, under) == wanted:
        return ()
    small = about(before, after, decision), about(after, before, decision)
    same = standing(small[0], decision, under) != standing(small[1], decision, under) == wanted
    for old, new in (small, (before, after)) if same else ((before, after),):
        fewest = _fewest(old, new, decision, under, wanted)
        if fewest and standing(put_on(before, after, fewest), decision, under) == wanted:
            return fewest
    return tuple(steps(before, after))


def _fewest(before: Site, after: Site, decision: Decision, under: Under | None, wanted: str) -> tuple[Fact, ...]:
    every = sorted(steps(before, after), key=lambda fact: fact.what in (ADDED, REMOVED) and fact.about != CONTENT)

    def enough(some: Iterable[Fact]) -> bool:
        return standing(put_on(before, after, some), decision, under) == wanted

    alone = next((fact for fact in every if enough((fact,))), None)
    if alone is not None:
        return (alone,)
    if not enough(every):
        return ()
    return _smaller(every, tuple(_shrunk(every, enough)), enough)


def _shrunk(every: Sequence[Fact], enough: Callable[[Iterable[Fact]], bool]) -> Sequence[Fact]:
    """A part of `every` that is enough and none of which can be left out: halves are left out first, then less."""
    left, size, ended = list(every), max(1, len(every) // 2), False
    while not ended:
        before, place = len(left), len(left) - size
        while place > -size:
            rest = left[: max(place, 0)] + left[place + size :]
            if enough(rest):
                left = rest
            place -= size
        # Leaving out one may make another one spare, that a Deny had needed.
        ended = size == 1 and len(left) == before
        size = max(1, size // 2)
    return left


def _smaller(
    every: Sequence[Fact], fewest: tuple[Fact, ...], enough: Callable[[Iterable[Fact]], bool]
) -> tuple[Fact, ...]:
    """The smallest set that is enough, as far as all sets of a size can be tried; one alone was tried before."""
    left = TRIALS
    for size in range(2, len(fewest)):
        left -= comb(len(every), size)
        if left < 0:
            break
        smaller = next(filter(enough, combinations(every, size)), None)
        if smaller is not None:
            return smaller
    return fewest


def about(site: Site, other: Site, decision: Decision) -> Site:
    """As much of `site` as can decide the question on either Site: the person, groups, the content, what is above."""
    user, content, _ = decision
    contents = {*site.ancestors(content), *other.ancestors(content)} | {content}
    named = {
        rule.grantee.id
        for item in (side.contents[c] for side in (site, other) for c in contents if c in side.contents)
        for listed in (item.rules, *item.defaults.values())
        for rule in listed or ()
    }
    named |= {group for side in (site, other) for item in side.group_sets.values() for group in item.groups}
    groups = {
        group_id: replace(item, members=item.members and item.members & {user})
        for group_id, item in site.groups.items()
        if item.everyone or group_id in named or item.members is None or user in item.members
    }
    return replace(
        site,
        users={user: site.users[user]} if user in site.users else {},
        groups=groups,
        contents={c: site.contents[c] for c in site.contents if c in contents},
    )


def steps(before: Site, after: Site) -> Iterator[Fact]:
    """Every single change that can decide anything: lists by member, rules by grantee and capability."""
    for fact in facts(before, after):
        if fact.what in IDLE:
            continue
        fresh = fact.about != SITE and fact.id not in getattr(before, TABLES[fact.about])
        if fresh and fact.what != ADDED:
            continue  # what is new comes whole
        if fact.what not in LISTS or not isinstance(fact.before, frozenset) or not isinstance(fact.after, frozenset):
            yield fact
        elif fact.what in ("rules", "default_rules"):
            for pair in sorted({(r.grantee, r.capability) for r in _rules(fact.before) | _rules(fact.after)}):
                was, now = (
                    frozenset(r for r in listed if (r.grantee, r.capability) == pair)
                    for listed in (_rules(fact.before), _rules(fact.after))
                )
                yield fact._replace(before=was, after=now)
        else:
            none: frozenset[str] = frozenset()
            yield from (fact._replace(before=frozenset({value}), after=none) for value in sorted(map(str, fact.before)))
            yield from (fact._replace(before=none, after=frozenset({value})) for value in sorted(map(str, fact.after)))


def _rules(listed: Any) -> Rules:
    rules: Rules = listed
    return rules


def put_on(before: Site, after: Site, some: Iterable[Fact]) -> Site:
    """`before` with these steps of its difference to `after` done, and nothing else of it."""
    site = before
    chosen = list(some)
    # What comes is there before it is spoken of, what goes is spoken of before it is gone.
    for fact in sorted(chosen, key=lambda f: {ADDED: 0, REMOVED: 2}.get(f.what, 1)):
        site = _step(site, after, fact)
    return site


def _step(site: Site, after: Site, fact: Fact) -> Site:
    if fact.about == SITE:
        value: dict[str, Any] = {fact.what: fact.after}
        return replace(site, settings=replace(site.settings, **value))
    if fact.what == ADDED:
        return _brought(site, after, TABLES[fact.about], fact.id)
    if fact.id not in getattr(site, TABLES[fact.about]):
        return site  # it went with something else
    if fact.what == REMOVED:
        return _gone(site, after, fact)
    if fact.about == CONTENT:
        return _of_content(site, after, fact)
    item = getattr(site, TABLES[fact.about])[fact.id]
    if fact.what in LISTS:
        for group in fact.after if fact.about == GROUP_SET and isinstance(fact.after, frozenset) else ():
            site = _brought(site, after, "groups", str(group))
        changed = replace(item, **{fact.what: _moved(getattr(item, fact.what), fact)})
    else:
        changed = replace(item, **{fact.what: fact.after})
    table: dict[str, Any] = {TABLES[fact.about]: {**getattr(site, TABLES[fact.about]), fact.id: changed}}
    return replace(site, **table)


def _of_content(site: Site, after: Site, fact: Fact) -> Site:
    item: Content = site.contents[fact.id]
    if fact.what == "rules":
        site = _with_grantees(site, after, fact)
        return site.with_contents(replace(item, rules=_moved(item.rules, fact)))
    if fact.what == "default_rules":
        site = _with_grantees(site, after, fact)
        kind = str(fact.kind)
        listed = _moved(item.defaults.get(kind, frozenset()), fact)
        return site.with_contents(replace(item, defaults=MappingProxyType({**item.defaults, kind: listed})))
    if fact.what == "parent" and isinstance(fact.after, str):
        site = _brought(site, after, "contents", fact.after)
    changed: dict[str, Any] = {fact.what: fact.after}
    return site.with_contents(replace(item, **changed))


def _moved(listed: frozenset[Any] | None, fact: Fact) -> frozenset[Any] | None:
    """A list with one step done; a side that was not read is a step of its own."""
    if fact.after is None or fact.before is None or listed is None:
        return fact.after if isinstance(fact.after, frozenset) else None
    assert isinstance(fact.before, frozenset)
    assert isinstance(fact.after, frozenset)
    return (listed - fact.before) | fact.after


def _with_grantees(site: Site, after: Site, fact: Fact) -> Site:
    for rule in fact.after if isinstance(fact.after, frozenset) else ():
        if isinstance(rule, Rule):
            site = _brought(site, after, GRANTEE_TABLES.get(rule.grantee.kind, "users"), rule.grantee.id)
    return site


def _brought(site: Site, after: Site, table: str, key: str) -> Site:
    """With a thing of the newer Site, and what it cannot be without; as it was where it is there already."""
    item = getattr(after, table).get(key)
    if item is None or key in getattr(site, table):
        return site
    if isinstance(item, Content):
        if item.parent is not None:
            site = _brought(site, after, "contents", item.parent)
        for rule in (r for listed in (item.rules, *item.defaults.values()) for r in listed or ()):
            site = _brought(site, after, GRANTEE_TABLES.get(rule.grantee.kind, "users"), rule.grantee.id)
    elif table == "group_sets":
        for group in item.groups:
            site = _brought(site, after, "groups", group)
    changed: dict[str, Any] = {table: {**getattr(site, table), key: item}}
    return replace(site, **changed)


def _gone(site: Site, after: Site, fact: Fact) -> Site:
    if fact.about == CONTENT:
        return site.without_contents((fact.id, *(c for c in site.below(fact.id) if c not in after.contents)))
    kind = {USER: "user", GROUP: "group", GROUP_SET: "groupSet"}[fact.about]
    table = TABLES[fact.about]
    rest: dict[str, Any] = {table: {key: item for key, item in getattr(site, table).items() if key != fact.id}}
    if fact.about == USER:
        rest["groups"] = {g.id: _without(g, fact.id) for g in site.groups.values()}
    if fact.about == GROUP:
        still = {s.id for s in after.group_sets.values() if fact.id in s.groups}
        rest["group_sets"] = {
            s.id: s if s.id in still else replace(s, groups=s.groups - {fact.id}) for s in site.group_sets.values()
        }
    grantee = Grantee(kind, fact.id)
    left = without_grantee(replace(site, **rest), grantee)
    # Who was merely no longer read is still named by rules.
    named = (c for c in site.contents.values() if c.id in after.contents and _names(after.contents[c.id], grantee))
    return left.with_contents(*named)


def _names(content: Content, grantee: Grantee) -> bool:
    lists = (content.rules, *content.defaults.values())
    return any(rule.grantee == grantee for listed in lists for rule in listed or ())


def _without(group: Group, user: str) -> Group:
    return group if not group.members or user not in group.members else replace(group, members=group.members - {user})
