"""What a plan does to people: who joins, who gains or loses a licence, who gains or loses sight of what."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence, Set
from functools import cache
from itertools import chain
from typing import cast

from tabwarden.compare.access_changes import Sides, by_names, together
from tabwarden.compare.between_sites import Base
from tabwarden.effects.ref import group_ref
from tabwarden.model.names import some
from tabwarden.model.roles import is_licensed, licence_of, rank
from tabwarden.model.site import ON_LOGIN, Site, User
from tabwarden.model.tables import in_order
from tabwarden.plan.plan import ContentImpact, Impact, Rights, RightsShift

VIEW = "Read"
# Pairs of a person and a content whose rights are told, and who are named as gaining or losing sight; all are counted.
MOST_TOLD = 20_000
MOST_NAMED = 100_000
MOST_SHIFTS = 100
LISTS = ("join", "gain_licence", "lose_licence", "other_role", "removed", "eligible")


def impact(now: Site, after: Site, held_people: int = 0, *, rights: bool = False, base: Base | None = None) -> Impact:
    """The effect on people of making `now` into `after`; on content only where `now` has content.

    With `rights` what they may do to it, too. `base` is `now`, where it is asked more.
    """
    base = base or Base(now, most=MOST_TOLD)
    people = dict(_people(now, after))
    promised = _promised(now, people), _promised(after, people)
    lists: dict[str, list[str]] = {name: [] for name in LISTS}
    gained: Counter[str] = Counter()
    lost: Counter[str] = Counter()
    for before, end in people.values():
        user = before or end
        assert user is not None
        for name in _what_happens(before, end):
            lists[name].append(user.qualified)
        had, has = (licence_of(one.site_role) if one else None for one in (before, end))
        if had != has:
            gained.update([has] if has else [])
            lost.update([had] if had else [])
        if end is not None and _rises(promised[1], end) > (_rises(promised[0], before) if before else 0):
            lists["eligible"].append(user.qualified)
    joined, left = _memberships(now, after)
    seeing = base.on_each(after, VIEW) if now.contents else {}
    return Impact(
        join=tuple(lists["join"]),
        eligible=tuple(lists["eligible"]),
        gain_licence=tuple(lists["gain_licence"]),
        lose_licence=tuple(lists["lose_licence"]),
        other_role=tuple(lists["other_role"]),
        removed=tuple(lists["removed"]),
        licences_gained=dict(sorted(gained.items())),
        licences_lost=dict(sorted(lost.items())),
        memberships_gained=joined,
        memberships_lost=left,
        held=held_people,
        contents=tuple(_contents(now, after, seeing)) if now.contents else None,
        gain_sight=len(_people_of(sides.gained for sides in seeing.values())),
        lose_sight=len(_people_of(sides.lost for sides in seeing.values())),
        rights=_rights(base, after) if rights and now.contents else None,
    )


def _people(now: Site, after: Site) -> Iterator[tuple[str, tuple[User | None, User | None]]]:
    """Everybody who is another, or whose groups are or grant otherwise, before and afterwards, in their order."""
    regrouped = _regrouped(now, after)
    for user_id, before in now.users.items():
        end = after.users.get(user_id)
        if end is not before or user_id in regrouped:
            yield user_id, (before, end)
    yield from ((user_id, (None, end)) for user_id, end in after.users.items() if user_id not in now.users)


def _regrouped(now: Site, after: Site) -> set[str]:
    """Who enters or leaves a group, and who is in one that grants otherwise."""
    people: set[str] = set()
    for group_id in chain(now.groups, (group for group in after.groups if group not in now.groups)):
        before, end = now.groups.get(group_id), after.groups.get(group_id)
        if before is end:
            continue
        were = now.members(group_id) if before is not None else frozenset()
        are = after.members(group_id) if end is not None else frozenset()
        grants = {(group.minimum_site_role, group.grant_on) if group is not None else None for group in (before, end)}
        people |= (were ^ are) if len(grants) == 1 else (were | are)
    return people


def _what_happens(before: User | None, end: User | None) -> Iterator[str]:
    if before is None:
        yield "join"
    if end is None:
        yield "removed"
    had, has = (is_licensed(one.site_role) if one else False for one in (before, end))
    if had and not has:
        yield "lose_licence"
    elif has and not had:
        yield "gain_licence"
    elif before and end and before.site_role != end.site_role:
        yield "other_role"


def _rises(promised: Mapping[str, int], user: User) -> int:
    """The rank to which the next sign-in raises this user, 0 where it does not."""
    minimum, has = promised.get(user.id, 0), rank(user.site_role)
    return minimum if has is not None and minimum > has else 0


def _promised(site: Site, people: Collection[str]) -> Mapping[str, int]:
    """By id of those of these users who are in groups that grant a role on sign-in, the highest rank of those."""
    among = frozenset(people)
    promised: dict[str, int] = {}
    for group in site.groups.values():
        granted = rank(group.minimum_site_role or "") or 0
        if group.grant_on == ON_LOGIN and granted:
            members = site.members(group.id) & among
            promised |= {user: granted for user in members if promised.get(user, 0) < granted}
    return promised


def _memberships(now: Site, after: Site) -> tuple[Mapping[str, int], Mapping[str, int]]:
    joined: dict[str, int] = {}
    left: dict[str, int] = {}
    for group_id in chain(now.groups, (g for g in after.groups if g not in now.groups)):
        group = after.groups.get(group_id) or now.groups[group_id]
        if group.everyone:
            continue
        if now.groups.get(group_id) is group:
            continue
        before = now.members(group_id) if group_id in now.groups else frozenset()
        end = after.members(group_id) if group_id in after.groups else frozenset()
        name = group_ref(group).qualified
        if end - before:
            joined[name] = len(end - before)
        if before - end:
            left[name] = len(before - end)
    return joined, left


def _rights(base: Base, after: Site) -> Rights:
    """What everybody may do, before and after."""
    now, reach = base.site, base.reach(after)
    called = cache(lambda user: (after if user in after.users else now).called(user))
    kind_of = cache(lambda content: (after.contents.get(content) or now.contents[content]).kind)
    path = cache(lambda content: (after if content in after.contents else now).path(content))
    worded = (part for shift in reach.shifts for part in by_names(shift, (shift.gained, shift.sure), kind_of))
    shifts = []
    for part in together(worded):
        gained, sure = cast(tuple[bool, bool], part.key)
        people, contents = sorted(map(called, part.users)), sorted(map(path, part.contents))
        shifts.append(RightsShift(gained, sure, tuple(people), part.names, tuple(contents)))
    shifts.sort(key=lambda shift: (not shift.sure, not shift.gained, -len(shift.people) * len(shift.contents)))
    count = reach.count
    gain, lose = len(count.gained), len(count.lost)
    return Rights(gain, lose, count.decisions, count.unsure, len(count.contents), tuple(shifts[:MOST_SHIFTS]))


def _contents(now: Site, after: Site, seeing: Mapping[str, Sides]) -> Iterator[ContentImpact]:
    """Per content who gains and who loses View; once so many pairs are named, the others are counted."""
    qualified = cache(lambda user: (after.users.get(user) or now.users[user]).qualified)
    left = MOST_NAMED
    for content in in_order(now.contents, seeing):
        numbers = [sum(map(len, parts)) for parts in seeing[content]]
        left -= sum(numbers)
        if left < 0:
            yield ContentImpact(content, now.path(content), (), (), *numbers)
            continue
        gained, lost = (tuple(sorted(map(qualified, chain(*parts)))) for parts in seeing[content])
        yield ContentImpact(content, now.path(content), gained, lost)


def _people_of(sides: Iterable[Iterable[Sequence[str]]]) -> set[str]:
    """Everybody of parts that many share, each part looked at once."""
    parts = {id(part): part for side in sides for part in side}
    return set(chain(*parts.values()))


def used_lately(base: Base, after: Site, used: Set[tuple[str, str]], days: int) -> tuple[str, ...]:
    """Of those who lose sight of something, who used it in the last days; `used` has pairs of user and content."""
    site, seeing = base.site, base.on_each(after, VIEW) if base.site.contents else {}
    losing = _people_of(sides.lost for sides in seeing.values())
    if not losing:
        return ()
    theirs = [pair for pair in used if pair[1] in seeing and any(pair[0] in part for part in seeing[pair[1]].lost)]
    pairs = some(sorted(f"{site.called(user)}: {site.path(content)}" for user, content in theirs))
    end = f": {pairs}" if theirs else ""
    number = len({user for user, _ in theirs})
    return (f"{number} of {len(losing)} who lose sight of something used it in the last {days} days{end}",)
