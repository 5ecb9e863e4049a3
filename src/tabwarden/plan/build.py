"""The one place where a plan is made and every stop is judged: when it is made, and again before it is applied."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from tabwarden.compare.between_sites import Base
from tabwarden.effects.change import NO_FACTS, Change, Facts, Value, carried_out
from tabwarden.effects.ref import Lookup
from tabwarden.model.capability import applies
from tabwarden.model.governing import governing
from tabwarden.model.names import some
from tabwarden.model.site import Grantee, Rule, Site
from tabwarden.model.takes import SiteTakes
from tabwarden.plan.impact import MOST_TOLD, impact, used_lately
from tabwarden.plan.lock_out import kept_from, locked_out_of_content, nobody_left
from tabwarden.plan.plan import Impact, Plan, Refused, SiteIdentity, SourceSummary, Stop, Waiver
from tabwarden.plan.restore import translated
from tabwarden.plan.stops import (
    LOCK_OUT,
    NO_WAY_BACK,
    RULES_REMOVED,
    SAMPLE,
    UNLISTED_LEAVE,
    Guarded,
    Limit,
    Limits,
    Reading,
    empty_group,
    over_limit,
    people_stops,
    source_stops,
    stale_plan,
    unlisted_leave,
)
from tabwarden.plan.taken import taken
from tabwarden.plan.waivers import not_waived
from tabwarden.want.invariants import Invariant
from tabwarden.want.wanted import Held, Unlisted

PEOPLE = "people"  # the kind of plan in which a mapping says who is in a group
RULE_FACTS, MODE = ("rules", "defaults"), "mode"
LATELY = 90  # days of use that a plan tells
_UNKNOWN = "\0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """What a plan rests on beside the site: its kind, for which site, how much is too much, and what sources gave.

    `last_rows` holds the rows of the last good run per task, `empty_groups` the groups of a directory that are to be
    synchronised and have nobody, `notes` remarks on the settings, `unlisted_leave` counts who leaves because no
    authoritative source knows him. `made_at` is an ISO time in UTC. `left_out` are the lists (joiners, leavers) of
    which nothing is in the plan, because a stop says no to them. `used` are pairs of a user and a content (ids) of the
    last `LATELY` days, None where use was not read.
    """

    kind: str
    site: SiteIdentity
    made_at: str
    limits: Limits = field(default_factory=Limits)
    guarded: Guarded = field(default_factory=Guarded)
    readings: tuple[Reading, ...] = ()
    last_rows: Mapping[str, int] = field(default_factory=dict)
    sources: tuple[SourceSummary, ...] = ()
    empty_groups: tuple[str, ...] = ()
    refused: tuple[Refused, ...] = ()
    notes: tuple[str, ...] = ()
    unlisted_leave: int = 0
    undoes: str = ""
    takes_back: str = ""
    takes: SiteTakes = field(default_factory=SiteTakes)
    left_out: frozenset[str] = frozenset()
    invariants: tuple[Invariant, ...] = ()
    used: frozenset[tuple[str, str]] | None = None


def build(
    basis: Basis,
    now: Site | None = None,
    changes: Sequence[Change] = (),
    *,
    held: Sequence[Held] = (),
    notes: Iterable[str] = (),
    shown: Site | None = None,
    same_people: Mapping[Grantee, str] | None = None,
    unlisted: tuple[Unlisted, ...] = (),
) -> Plan:
    """The plan that does `changes` to `now`, with every stop, what it does to people and the facts it rests on.

    What Tableau would refuse for a reason that is known is held instead.
    Without `now` the sources already said no. `shown` is `now` with content, for the impact, where that was read at
    another time; `same_people` maps who comes to the id of whom he was before.
    """
    stops, remarks = source_stops(basis.readings, basis.last_rows, basis.made_at, basis.limits)
    stops = tuple(stop if stop.only in basis.left_out else replace(stop, only="") for stop in stops)
    stops = (*stops, *map(empty_group, basis.empty_groups))
    effect, seen = Impact(), NO_FACTS
    if now is not None:
        changes, end, more, remarks_of_site = taken(now, changes, basis.takes, basis.guarded)
        held, notes = (*held, *more), (*notes, *remarks_of_site, *kept_from(now, end, changes))
        site = shown if shown is not None else now
        end_shown = end if site is now else carried_out(site, changes)
        base, later = Base(site, most=MOST_TOLD), translated(end_shown, same_people or {})
        effect = impact(site, later, len(held), rights=site is now and bool(changes), base=base)
        notes = (*notes, *used_lately(base, later, basis.used, LATELY)) if basis.used is not None else notes
        seen = facts(now, changes)
        stops = (*stops, *unlisted_leave(now, basis.unlisted_leave, basis.limits.unlisted_leave))
        left = nobody_left(now, end, changes)
        notes = (*notes, *(f"{stop.sentence}: as it was before" for stop in left if basis.undoes))
        stops = (*stops, *_too_much(basis.kind, now, end, changes, basis.limits, basis.guarded))
        stops = (*stops, *(left if not basis.undoes else ()))
        stops = (*stops, *_invariants(site, end_shown, basis.invariants, basis.made_at[:10]))
    return Plan(
        kind=basis.kind,
        site=basis.site,
        made_at=basis.made_at,
        changes=tuple(changes),
        sources=basis.sources,
        held=tuple(held),
        refused=basis.refused,
        notes=(*remarks, *basis.notes, *notes),
        stops=stops,
        impact=effect,
        seen=seen,
        undoes=basis.undoes,
        takes_back=basis.takes_back,
        unlisted=unlisted,
    )


def _invariants(now: Site, end: Site, invariants: Sequence[Invariant], today: str) -> tuple[Stop, ...]:
    if not invariants or now is end:
        return ()
    from tabwarden.plan.invariants import invariant_stops  # which loads what most plans do not need

    return invariant_stops(now, end, invariants, today)


def lists_left_out(
    readings: Sequence[Reading],
    last_rows: Mapping[str, int],
    now: str,
    limits: Limits,
    waivers: Sequence[Waiver] | None,
) -> frozenset[str]:
    """The lists (joiners, leavers) of which nothing is planned, because a stop says no to them; the other goes on.

    What may be waived is left out where a run goes on without it: not where a plan is only shown (`waivers` None), and
    not where nothing else would be left.
    """
    stops, _ = source_stops(readings, last_rows, now, limits)
    never = {stop.only for stop in stops if not stop.waivable}
    standing = {stop.only for stop in not_waived(stops, waivers)} if waivers is not None else never
    return frozenset(never if standing >= {reading.task for reading in readings} else standing)


def _too_much(
    kind: str, now: Site, end: Site, changes: Sequence[Change], limits: Limits, guarded: Guarded
) -> tuple[Stop, ...]:
    people = people_stops(now, changes, limits, guarded, mapped=kind == PEOPLE)
    to_content = [change for change in changes if change.of_content is not None]
    locked_out = locked_out_of_content(now, end, to_content, guarded)
    return (*people, *locked_out, *content_stops(now, end, to_content, limits.rules_removed), *gone_for_good(changes))


# -- content ---------------------------------------------------------------------------------------------------


def content_stops(now: Site, after: Site, changes: Sequence[Change], limit: Limit) -> tuple[Stop, ...]:
    """Rules that are gone in the end, of the explicit rules in the plan's scope: written away or overwritten by a lock.

    The scope is what the changes name, what lies below where they lock, move or show tabs, and what names a group
    that is deleted; there the lists that govern before or afterwards. A list below a lock, or of a sheet that is shown
    as a tab, only repeats what governs.
    """
    scope: set[str] = set()
    for change in changes:
        content = change.of_content.id or "" if change.of_content is not None else ""
        if content in now.contents:
            scope.update((content, *(now.below(content) if change.overwrites_below else ())))
    groups = {Grantee("group", group) for group in now.groups.keys() - after.groups.keys()}
    if groups:
        scope.update(c for c in now.contents if any(rule.grantee in groups for _, rule in _rules(now, c)))
    scope = {c for c in scope if _governs(now, c) or _governs(after, c)}
    base = sum(len(list(_rules(now, content))) for content in scope)
    gone = sum(len(set(_rules(now, content)) - set(_rules(after, content))) for content in scope)
    if gone <= limit.of(base):
        return ()
    return (over_limit(RULES_REMOVED, base, limit, gone, f"{gone} of {base} rules on {len(scope)} things are removed"),)


def _governs(site: Site, content: str) -> bool:
    return content in site.contents and governing(site, content).level in ("own", "unread")


def _rules(site: Site, content: str) -> Iterator[tuple[str, Rule]]:
    """The rules of a content's lists, but those that its kind cannot have: sheets show some of their workbook."""
    if (known := site.contents.get(content)) is not None:
        lists = (("", known.kind, known.rules), *((kind, kind, rules) for kind, rules in known.defaults.items()))
        for name, kind, rules in lists:
            yield from ((name, rule) for rule in rules or () if applies(rule.capability, kind) is not False)


def no_way_back(changes: Sequence[Change], because: str) -> tuple[Stop, ...]:
    """The stop for locks and the like that overwrite rules nobody has kept; without such changes none."""
    number = sum(1 for change in changes if change.writes_content and change.destructive)
    sentence = f"{number} changes overwrite or remove rules, and the site as it is could not be kept: {because}"
    stop = Stop(NO_WAY_BACK, len(changes), 0, number, False, sentence, "mend the store; this stop cannot be waived")
    return (stop,) if number else ()


def gone_for_good(changes: Sequence[Change]) -> tuple[Stop, ...]:
    """The stop for deleting what no request can make again: content that is not a project."""
    gone = [change.person for change in changes if change.gone_for_good]
    number = sum(change.gone_for_good for change in changes)
    sentence = f"{number} things cannot be made again: {some(gone, SAMPLE)}"
    remedy = "delete them by hand, or move them out of what is deleted; this stop cannot be waived"
    return (Stop(NO_WAY_BACK, len(changes), 0, number, False, sentence, remedy),) if number else ()


# -- before it is applied ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Progressed:
    """How far an earlier pass came, by position of the change; without `started` nothing was done yet."""

    started: bool = False
    done: tuple[int, ...] = ()
    failed: tuple[int, ...] = ()
    ended: frozenset[int] = frozenset()
    begun: tuple[int, ...] = ()


def stops_now(
    plan: Plan,
    now: Site,
    limits: Limits,
    guarded: Guarded,
    progressed: Progressed,
    *,
    no_way: str | None = None,
    invariants: Sequence[Invariant] = (),
    today: str = "",
    shown: Site | None = None,
) -> tuple[Stop, ...]:
    """The stops of a plan on the site as it is now; `no_way` says why the site as it was could not be kept.

    Invariants are judged anew, on `shown`: `now` with content, where that was read at another time.

    Once it began, how much is too much was judged; what may never happen is judged again, and whether it is still
    true. The stops of its sources stay as they are, for the sources are not read again.
    """
    present = facts(now, plan.changes)
    back = no_way_back(plan.changes, no_way) if no_way is not None else ()
    if not progressed.started:
        sources = [s for s in plan.stops_of_all if s.id.startswith("source-") or s.id == UNLISTED_LEAVE]
        writes = any(change.writes_content for change in plan.changes)
        end = carried_out(now, plan.changes) if writes else now
        whole = shown if shown is not None else now
        later = end if whole is now and writes else carried_out(whole, plan.changes)
        sources += _invariants(whole, later, invariants, today)
        too_much = _too_much(plan.kind, now, end, plan.changes, limits, guarded)
        too_much += nobody_left(now, end, plan.changes) if not plan.undoes else ()
        return (*sources, *too_much, *stale_plan(differences(plan.seen, present), len(plan.seen)), *back)
    left = [change for position, change in enumerate(plan.changes) if position not in progressed.ended]
    never = (stop for stop in people_stops(now, left, limits, guarded) if stop.id == LOCK_OUT)
    expected = _expected(plan, progressed, now)
    begun = [plan.changes[position] for position in progressed.begun]
    return (*never, *stale_plan(differences(expected, present, begun), len(expected)), *back)


def _expected(plan: Plan, progressed: Progressed, now: Site) -> Facts:
    """What was seen, moved on by what was done; without what a failed change may have left behind."""
    expected = after(plan.seen, [plan.changes[position] for position in progressed.done])
    doubts = {plan.changes[position].doubt for position in progressed.failed} - {""}
    # The facts that a synchronisation which was begun may have changed already, though nobody has read it back.
    synced = (plan.changes[position].of_group for position in (*progressed.ended, *progressed.begun))
    groups = {ref.key for ref in synced if ref is not None}
    moving = [c for c in plan.changes if c.brought_by is not None and c.brought_by.key in groups]
    lost = frozenset(facts(Site(), moving))
    left = {k: value for k, value in expected.items() if k not in lost and not any(doubt in k for doubt in doubts)}
    return still_judged(left, [plan.changes[position] for position in (*progressed.ended, *progressed.begun)], now)


def facts(site: Site, changes: Iterable[Change]) -> Facts:
    """What `changes` touch, as it is on `site`, as flat words: seen at planning, compared before applying.

    user:local\\jane                  site role, None when not on the site
    id of user:local\\jane            her id, None when not on the site
    group:local\\viewers              `minimum site role, mode`, None when there is no such group
    id of group:local\\viewers
    user:local\\jane in group:...     True or False
    groups of user:local\\jane        only of a person who is removed: keys of her groups, sorted
    rules for user:local\\jane        only where they were carried over: how many, and a word for all of them
    nickname of west.corp.example     of a domain of the server, None when it is not known there
    mode of 0a1b..                    content permissions mode, None when there is no such project
    place of 0a1b..                   id of the project it is in, None at the top level or when it is gone
    owner of 0a1b..   tabs of 0a1b..
    rules of 0a1b.. for user:local\\jane            `Allow Read` and so on, sorted; None when they were not read
    workbook defaults of 0a1b.. for user:...        the same of a project's default rules
    """
    lookup = Lookup(site)
    return {name: value for change in changes for name, value in change.facts(lookup)}


def after(seen: Facts, done: Iterable[Change]) -> Facts:
    """What `seen` becomes when these changes are done; the ids of what they create are not known and left out."""
    moved = dict(seen)
    for change in done:
        change.moves(moved)
    return moved


def still_judged(expected: Facts, touched: Sequence[Change], now: Site) -> Facts:
    """Facts without those that the changes done or begun may have moved by themselves.

    A lock, a move and tabs overwrite rules of a thing, and rules and locks of what lies below it; what a lock or tabs
    govern is told with the rules of the project or workbook; a project that was made has what those above it gave it.
    The rows that are left are written whatever they are.
    """
    changed = {change.of_content.id for change in touched if change.of_content is not None}
    created = {change.creates.id for change in touched if change.of_content is not None and change.creates is not None}
    overwritten = {change.of_content.id for change in touched if change.of_content and change.overwrites_below}

    def is_left(fact: str) -> bool:
        what, _, where = fact.partition(" of ")
        content = where.partition(" for ")[0]
        above = (holder for holder in now.ancestors(content) if holder != content)
        if content in created or (what == MODE and not overwritten.isdisjoint(above)):
            return False
        return not what.endswith(RULE_FACTS) or (content not in overwritten and changed.isdisjoint(above))

    return {fact: value for fact, value in expected.items() if is_left(fact)} if changed else expected


def differences(expected: Facts, now: Facts, open_changes: Iterable[Change] = ()) -> tuple[str, ...]:
    """What is not as expected, a line each.

    `open_changes` may or may not have been done (their end was not recorded): either is as expected, and of the rules
    of one grantee, which take several requests, what lies between.
    """
    either = after(expected, open_changes)
    unsure = {key for key in expected if expected[key] != either.get(key, _UNKNOWN)}
    lines = []
    for key in sorted(expected):
        value = now.get(key)
        known = key in now and (value == expected[key] or (key in unsure and _between(value, expected, either, key)))
        if not known:
            lines.append(f"{key}: was `{_word(expected[key])}`, is `{_word(value)}`")
    return tuple(lines)


def _between(value: Value, before: Facts, end: Facts, key: str) -> bool:
    one, other = before[key], end.get(key, value)
    if isinstance(value, tuple) and isinstance(one, tuple) and isinstance(other, tuple):
        return set(one) & set(other) <= set(value) <= set(one) | set(other)
    return value == other


def _word(value: Value) -> str:
    if value is None:
        return "not there"
    return ", ".join(value) if isinstance(value, tuple) else str(value)
