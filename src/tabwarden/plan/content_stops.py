"""The stops of changes to content: too many rules gone, no way back from a lock. Not those of people (`stops`)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tabwarden.model.site import Rule, Site
from tabwarden.plan.outcome import carried_out
from tabwarden.plan.plan import MOVE, OF_CONTENT, SET_MODE, SET_TABS, Change, Stop
from tabwarden.plan.stops import NO_WAY_BACK, RULES_REMOVED, Limit, over_limit


def content_stops(now: Site, changes: Sequence[Change], limit: Limit) -> tuple[Stop, ...]:
    """Rules that are gone in the end, of the explicit rules in the plan's scope: written away or overwritten by a lock.

    The scope is what the changes name, and what lies below where they lock, move or show tabs.
    """
    named = [change for change in changes if change.op in OF_CONTENT and change.content]
    scope: set[str] = set()
    for change in named:
        content = change.content.id if change.content else None
        if content is not None and content in now.contents:
            scope.add(content)
            scope.update(now.below(content) if change.op in (MOVE, SET_MODE, SET_TABS) else ())
    if not scope:
        return ()
    after = carried_out(now, changes)
    base = sum(len(list(_rules(now, content))) for content in scope)
    gone = sum(len(set(_rules(now, content)) - set(_rules(after, content))) for content in scope)
    if gone <= limit.of(base):
        return ()
    return (over_limit(RULES_REMOVED, base, limit, gone, f"{gone} of {base} rules on {len(scope)} things are removed"),)


def _rules(site: Site, content: str) -> Iterator[tuple[str, Rule]]:
    held = site.contents.get(content)
    if held is not None:
        yield from (("", rule) for rule in held.rules or ())
        yield from ((kind, rule) for kind, listed in held.defaults.items() for rule in listed or ())


def no_way_back(changes: Sequence[Change], because: str) -> tuple[Stop, ...]:
    """The stop for locks and the like that overwrite rules nobody has kept; without such changes none."""
    number = sum(1 for change in changes if change.op in OF_CONTENT and change.destructive)
    if not number:
        return ()
    sentence = f"{number} changes overwrite or remove rules, and the site as it is could not be kept: {because}"
    return (Stop(NO_WAY_BACK, len(changes), 0, number, False, sentence, "mend the store; this stop cannot be waived"),)
