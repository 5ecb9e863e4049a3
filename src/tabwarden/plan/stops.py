"""The stops: what is too much, who must not be touched, which sources cannot be trusted.

There is no way around a stop but a waiver that names it and its number, and some have none. `build` asks for all of
them, when a plan is made and again before it is applied.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple

from tabwarden.effects.change import Change
from tabwarden.effects.ref import USER, Lookup
from tabwarden.model.errors import SourceError
from tabwarden.model.names import some
from tabwarden.model.roles import is_admin, is_licensed, is_server_admin
from tabwarden.model.site import Site
from tabwarden.plan.plan import Stop
from tabwarden.want.provision import is_protected
from tabwarden.want.roster import Roster
from tabwarden.want.wanted import LEAVER

SOURCE_UNREADABLE, SOURCE_EMPTY, SOURCE_PARTIAL = "source-unreadable", "source-empty", "source-partial"
SOURCE_STALE, SOURCE_SHRANK = "source-stale", "source-shrank"
LICENCES_LOST, USERS_REMOVED, MEMBERSHIPS_REMOVED = "licences-lost", "users-removed", "memberships-removed"
USERS_ADDED, UNLISTED_LEAVE = "users-added", "unlisted-leave"
LOCK_OUT, STALE_PLAN = "lock-out", "stale-plan"
RULES_REMOVED, NO_WAY_BACK, INVARIANT_BROKEN = "rules-removed", "no-way-back", "invariant-broken"
STOPS = (
    *(SOURCE_UNREADABLE, SOURCE_EMPTY, SOURCE_PARTIAL, SOURCE_STALE, SOURCE_SHRANK, LICENCES_LOST, USERS_REMOVED),
    *(MEMBERSHIPS_REMOVED, USERS_ADDED, UNLISTED_LEAVE, LOCK_OUT, STALE_PLAN, RULES_REMOVED, NO_WAY_BACK),
    INVARIANT_BROKEN,
)
CONTENT_ONLY = "ContentOnly"
SAMPLE = 5
JOINERS, LEAVERS = "joiners", "leavers"
MAY_BE_EMPTY = "if an empty list is right, say `min_rows: 0` of this source"
MEND_THE_SOURCE = "mend the source and run again; this stop cannot be waived"


@dataclass(frozen=True, slots=True)
class Limit:
    """Too much is more than `count` and more than `percent` of the base."""

    count: int
    percent: float

    def of(self, base: int) -> int:
        """The largest number that is not too much."""
        return max(self.count, int(base * self.percent / 100 + 1e-9))

    def words(self, base: int) -> str:
        """`40, the larger of 5 and 10 % of 400`."""
        share = f"{self.percent:g} % of {base}"
        if not self.percent:
            return f"{self.of(base)}"
        return f"{self.of(base)}, " + (f"the larger of {self.count} and {share}" if self.count else f"which is {share}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much is too much (design: stops), called as in the settings."""

    source_shrank: Limit = Limit(0, 20)
    licences_lost: Limit = Limit(5, 10)
    users_removed: Limit = Limit(5, 5)
    users_added: Limit = Limit(20, 20)
    memberships_removed: Limit = Limit(20, 10)
    rules_removed: Limit = Limit(20, 10)
    unlisted_leave: Limit = Limit(0, 0)


@dataclass(frozen=True, slots=True)
class Guarded:
    """Who must not be locked out: the user who runs this (id) and the protected names."""

    own_id: str = ""
    protected: tuple[str, ...] = ()


class Reading(NamedTuple):
    """What came of reading one source: a roster, or the error.

    `stale_after` is in seconds, None: not judged. `may_be_empty` is somebody's word that no row is a good list, as
    where a list holds today's leavers only, `delta` that it holds changes and not everybody; how much it shrank says
    nothing then.
    """

    task: str
    source: str
    roster: Roster | None = None
    error: SourceError | None = None
    stale_after: int | None = None
    may_be_empty: bool = False
    delta: bool = False

    @property
    def is_usable(self) -> bool:
        """Whether a plan may be made from it: it names people, or is rightly empty."""
        if self.roster is None:
            return False
        return self.roster.names_anybody or (self.may_be_empty and self.roster.count == 0)


# -- sources ---------------------------------------------------------------------------------------------------


def source_stops(
    readings: Sequence[Reading], last: Mapping[str, int], now: str, limits: Limits
) -> tuple[tuple[Stop, ...], tuple[str, ...]]:
    """The stops of the sources, and remarks on what could not be judged.

    `last` holds the rows of the last good run per task; `now` is an ISO time in UTC. A stop of joiners or leavers says
    which of the two it is about (`only`), for each list stands for itself.
    """
    stops: list[Stop] = []
    notes: list[str] = []
    for reading in readings:
        roster, before = reading.roster, len(stops)
        if roster is None:
            stops.append(_unreadable(reading))
        elif not reading.is_usable:
            stops.append(_empty(reading, roster))
        else:
            stops += _stale(reading, roster, now)
            if reading.may_be_empty:
                notes.append(f"whether {reading.task} shrank is not judged: its `min_rows` says it may be empty")
            elif reading.delta:
                notes.append(f"whether {reading.task} shrank is not judged: `delta` says it holds changes alone")
            elif reading.task in last:
                stops += _shrank(reading, roster, last[reading.task], limits.source_shrank)
            else:
                notes.append(
                    f"whether {reading.task} shrank is not judged: there is no earlier good run to compare with"
                )
        if reading.task in (JOINERS, LEAVERS):
            stops[before:] = [replace(stop, only=reading.task) for stop in stops[before:]]
    return tuple(stops), tuple(notes)


def unlisted_leave(now: Site, number: int, limit: Limit) -> tuple[Stop, ...]:
    """The stop for people who leave because no authoritative source knows them."""
    if number <= limit.of(len(now.users)):
        return ()
    sentence = f"{number} of {len(now.users)} users leave because no authoritative source knows them"
    return (over_limit(UNLISTED_LEAVE, len(now.users), limit, number, sentence),)


def empty_group(name: str) -> Stop:
    """A group of the directory that is to be synchronised and has nobody."""
    sentence = f"the group `{name}` has no members in the directory"
    remedy = f"say `may_be_empty: true` of it if that is right; {MEND_THE_SOURCE}"
    return Stop(SOURCE_EMPTY, 0, 0, 1, False, sentence, remedy)


def _unreadable(reading: Reading) -> Stop:
    error = reading.error
    kind = error.stop if error is not None else SOURCE_UNREADABLE
    sentence = f"the {reading.task} could not be read whole: {error}"
    remedy = f"{MAY_BE_EMPTY}; else {MEND_THE_SOURCE}" if kind == SOURCE_EMPTY else MEND_THE_SOURCE
    return Stop(kind, 1, 0, 1, False, sentence, remedy)


def _empty(reading: Reading, roster: Roster) -> Stop:
    rows = f"{roster.count} rows and no usable person" if roster.count else "no rows"
    sentence = f"the {reading.task} ({reading.source}) have {rows}"
    remedy = MEND_THE_SOURCE if roster.count else f"{MAY_BE_EMPTY}; else {MEND_THE_SOURCE}"
    return Stop(SOURCE_EMPTY, roster.count, 0, 1, False, sentence, remedy)


def _stale(reading: Reading, roster: Roster, now: str) -> list[Stop]:
    if reading.stale_after is None:
        return []
    if roster.as_of is None:
        sentence = f"the {reading.task} ({reading.source}) do not say how old they are"
        remedy = "say in the settings where they do (`as_of`), or take `stale_after` out"
        return [Stop(SOURCE_STALE, 1, 0, 1, False, sentence, remedy)]
    age = int((datetime.fromisoformat(now) - datetime.fromisoformat(roster.as_of)).total_seconds())
    if age <= reading.stale_after:
        return []
    sentence = f"the {reading.task} ({reading.source}) are {_hours(age)} old, of {roster.as_of}; "
    sentence += f"the limit is {_hours(reading.stale_after)} (`stale_after`)"
    return [Stop(SOURCE_STALE, age, reading.stale_after, age, False, sentence, MEND_THE_SOURCE)]


def _shrank(reading: Reading, roster: Roster, before: int, limit: Limit) -> list[Stop]:
    fewer = before - roster.count
    if fewer <= limit.of(before):
        return []
    rows = "row" if roster.count == 1 else "rows"
    sentence = (
        f"the {reading.task} ({reading.source}) have {roster.count} {rows}, {fewer} fewer than the {before} of the "
        "last good run"
    )
    stop = over_limit(SOURCE_SHRANK, before, limit, fewer, sentence)
    return [replace(stop, remedy=f"{stop.remedy}; of a list of changes alone, set `delta: true` in its settings")]


# -- people ----------------------------------------------------------------------------------------------------


def people_stops(
    now: Site, changes: Sequence[Change], limits: Limits, guarded: Guarded, *, mapped: bool = False
) -> tuple[Stop, ...]:
    """The stops of what `changes` would do to the people of `now`; `mapped` where a mapping says who is in a group."""
    end = _roles_in_the_end(now, changes)
    return (
        *_licences_lost(now, end, limits.licences_lost, _carried_over(now, changes)),
        *_users_removed(now, end, limits.users_removed),
        *_users_added(now, changes, limits.users_added),
        *_memberships_removed(now, changes, limits.memberships_removed, mapped=mapped),
        *_locked_out(now, changes, end, guarded),
    )


def _roles_in_the_end(now: Site, changes: Iterable[Change]) -> Mapping[str, str]:
    """The site role each user touched ends with, by id; empty: no longer on the site."""
    lookup, end = Lookup(now), dict[str, str]()
    for change in changes:
        user = lookup.user(change.of_user) if change.ends_as is not None else None
        if user is not None:
            end[user.id] = change.ends_as or ""
    return end


def _carried_over(now: Site, changes: Sequence[Change]) -> frozenset[str]:
    """Ids of users who go, and whose licence somebody has who comes in their place: the same person renamed."""
    lookup = Lookup(now)
    given = {c.of_user.key for c in changes if c.of_user is not None and is_licensed(c.ends_as or "")}
    renamed = (c for c in changes if c.renamed_to is not None and c.renamed_to.key in given)
    return frozenset(user.id for c in renamed if (user := lookup.user(c.of_user)) is not None)


def _licences_lost(now: Site, end: Mapping[str, str], limit: Limit, carried_over: frozenset[str]) -> list[Stop]:
    base = sum(1 for user in now.users.values() if is_licensed(user.site_role))
    fallen = {u for u, role in end.items() if is_licensed(now.users[u].site_role) and not is_licensed(role)}
    lost = fallen - carried_over
    if len(lost) <= limit.of(base):
        return []
    return [
        over_limit(LICENCES_LOST, base, limit, len(lost), f"{len(lost)} of {base} licensed users lose their licence")
    ]


def _users_removed(now: Site, end: Mapping[str, str], limit: Limit) -> list[Stop]:
    base, gone = len(now.users), sum(1 for role in end.values() if not role)
    stop = over_limit(USERS_REMOVED, base, limit, gone, f"{gone} of {base} users are removed from the site")
    return [stop] if gone > limit.of(base) else []


def _users_added(now: Site, changes: Sequence[Change], limit: Limit) -> list[Stop]:
    """Who comes in place of somebody, renamed, is no joiner."""
    renamed = {change.renamed_to.key for change in changes if change.renamed_to is not None}
    added = {ref.key for change in changes if (ref := change.creates) is not None and ref.kind == USER}
    base, number = len(now.users), len(added - renamed)
    if number <= limit.of(base):
        return []
    sentence = f"{number} people are added to the {base} users of the site"
    return [over_limit(USERS_ADDED, base, limit, number, sentence)]


def _memberships_removed(now: Site, changes: Sequence[Change], limit: Limit, *, mapped: bool) -> list[Stop]:
    """Of each group, who is out in the end; stepping aside for a demotion is no loss.

    A mapping that takes more than half of a group of three or more is a stop whatever the limit; leavers do not count.
    """
    net: Counter[tuple[str, str]] = Counter()
    leaving: set[str] = set()
    moving = [change for change in changes if change.net_members]
    losing = {change.of_group.id for change in moving if change.net_members < 0 and change.of_group is not None}
    for change in moving if losing else ():
        user, group = change.of_user, change.of_group
        if user is not None and group is not None and group.id:
            if group.id in losing:
                net[group.id, user.key] -= change.net_members
            leaving |= {user.key} if change.because.startswith(LEAVER) else set()
    lost = Counter(group for (group, _user), number in net.items() if number > 0)
    moved = Counter(group for (group, user), number in net.items() if number > 0 and user not in leaving)
    stops = []
    for group_id, number in lost.items():
        base = len(now.members(group_id)) if group_id in now.groups else 0
        by_mapping = mapped and base > 2 and moved[group_id] * 2 > base
        most = Limit(base // 2, 0) if by_mapping and number <= limit.of(base) else limit
        if number > most.of(base):
            sentence = f"{number} of {base} members leave the group `{now.groups[group_id].name}`"
            stops.append(over_limit(MEMBERSHIPS_REMOVED, base, most, number, sentence))
    return stops


def _locked_out(now: Site, changes: Sequence[Change], end: Mapping[str, str], guarded: Guarded) -> list[Stop]:
    stops = []
    lookup = Lookup(now)
    users = (lookup.user(change.of_user) for change in changes if change.destructive)
    lowered = list({user.id: user for user in users if user is not None}.values())
    own = [user for user in lowered if user.id == guarded.own_id]
    if own:
        what = f"the user who runs this, {some([user.qualified for user in own], SAMPLE)}, would be locked out"
        stops.append(lock_out(1, 0, 1, what, "take that user out of the list"))
    shielded = [user for user in lowered if is_protected(user, guarded.protected) and user not in own]
    if shielded:
        what = f"protected users are to lose something: {some([user.qualified for user in shielded], SAMPLE)}"
        remedy = "take them out of the list, or out of `protected`"
        stops.append(lock_out(len(guarded.protected), 0, len(shielded), what, remedy))
    admins = [user for user in now.users.values() if is_admin(user.site_role)]
    gone = [user for user in admins if user.id in end and not is_admin(end[user.id])]
    if gone and len(gone) == len(admins):
        what = f"no administrator would be left: {some([user.qualified for user in gone], SAMPLE)}"
        stops.append(lock_out(len(admins), len(admins) - 1, len(gone), what, "keep one administrator"))
    stops += _not_allowed(now, changes)
    return stops


def _not_allowed(now: Site, changes: Sequence[Change]) -> list[Stop]:
    """A site administrator manages nobody where adminMode is ContentOnly; a server administrator does."""
    role = now.taken.by_role
    people = [change for change in changes if change.of_user is not None]
    if not people or now.settings.admin_mode != CONTENT_ONLY or is_server_admin(role):
        return []
    what = f"`{now.taken.by}` ({role}) may not manage users here: the site's adminMode is ContentOnly"
    remedy = "run it as a server administrator, or let a server administrator change the site's settings"
    return [lock_out(len(changes), 0, len(people), what, remedy)]


# -- a plan that is no longer true -----------------------------------------------------------------------------


def stale_plan(differences: Sequence[str], facts: int) -> tuple[Stop, ...]:
    """The stop for facts that are not as the plan saw them; `differences` has a line for each."""
    if not differences:
        return ()
    more = f"; and {len(differences) - SAMPLE} more" if len(differences) > SAMPLE else ""
    listed = "; ".join(differences[:SAMPLE]) + more
    sentence = f"{len(differences)} of {facts} facts are not as the plan saw them: {listed}"
    return (Stop(STALE_PLAN, facts, 0, len(differences), False, sentence, "plan again and look at the new plan"),)


# -- words -----------------------------------------------------------------------------------------------------


def over_limit(name: str, base: int, limit: Limit, number: int, sentence: str) -> Stop:
    """The stop for a number that is too much; it can be waived."""
    remedy = f"look at the plan; if it is right, say `--accept {name}={number}`"
    whole = f"{sentence}; the limit is {limit.words(base)}"
    return Stop(name, base, limit.of(base), number, True, whole, remedy)


def lock_out(base: int, limit: int, number: int, sentence: str, remedy: str) -> Stop:
    """The stop for somebody who would be locked out; nobody waives it."""
    return Stop(LOCK_OUT, base, limit, number, False, sentence, f"{remedy}; this stop cannot be waived")


def _hours(seconds: int) -> str:
    return f"{seconds // 60} minutes" if seconds < 7200 else f"{seconds // 3600} hours"
