"""The stops of what a plan does to content: rules removed, no way back, who runs it locked out of what is theirs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tabwarden.access.powers import power_over
from tabwarden.access.reference import may
from tabwarden.effects.change import Change
from tabwarden.model.capability import CHANGE_PERMISSIONS
from tabwarden.model.names import some
from tabwarden.model.open_points import CURRENT
from tabwarden.model.roles import is_admin
from tabwarden.model.site import Grantee, Rule, Site
from tabwarden.plan.plan import Stop
from tabwarden.plan.stops import NO_WAY_BACK, RULES_REMOVED, SAMPLE, Guarded, Limit, lock_out, over_limit


def content_stops(now: Site, after: Site, changes: Sequence[Change], limit: Limit) -> tuple[Stop, ...]:
    """Rules that are gone in the end, of the explicit rules in the plan's scope: written away or overwritten by a lock.

    The scope is what the changes name, what lies below where they lock, move or show tabs, and what names a group
    that is deleted.
    """
    scope: set[str] = set()
    for change in changes:
        content = change.of_content.id or "" if change.of_content is not None else ""
        if content in now.contents:
            scope.update((content, *(now.below(content) if change.overwrites_below else ())))
    groups = {Grantee("group", group) for group in now.groups.keys() - after.groups.keys()}
    if groups:
        scope.update(c for c in now.contents if any(rule.grantee in groups for _, rule in _rules(now, c)))
    base = sum(len(list(_rules(now, content))) for content in scope)
    gone = sum(len(set(_rules(now, content)) - set(_rules(after, content))) for content in scope)
    if gone <= limit.of(base):
        return ()
    return (over_limit(RULES_REMOVED, base, limit, gone, f"{gone} of {base} rules on {len(scope)} things are removed"),)


def _rules(site: Site, content: str) -> Iterator[tuple[str, Rule]]:
    if (known := site.contents.get(content)) is not None:
        lists = (("", known.rules), *known.defaults.items())
        yield from ((kind, rule) for kind, rules in lists for rule in rules or ())


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


def locked_out_of_content(now: Site, after: Site, changes: Sequence[Change], guarded: Guarded) -> tuple[Stop, ...]:
    """The stop for what the user who runs this can set permissions of now, and could not afterwards.

    Administrators always can; what he gives to somebody else himself does not count.
    """
    user = now.users.get(guarded.own_id)
    if user is None or is_admin(user.site_role):
        return ()
    named = {change.of_content.id or "" for change in changes if change.of_content is not None}
    both = sorted(named & now.contents.keys() & after.contents.keys())
    kept = (c for c in both if after.contents[c].owner == user.id or now.contents[c].owner != user.id)
    lost = [now.path(c) for c in kept if _manages(now, user.id, c) and not _manages(after, user.id, c)]
    if not lost:
        return ()
    what = f"the user who runs this, {user.qualified}, could not set permissions any more: {some(lost, SAMPLE)}"
    return (lock_out(len(both), 0, len(lost), what, "let somebody do it who can take it back"),)


def _manages(site: Site, user: str, content: str) -> bool:
    if site.contents[content].kind == "project":
        return power_over(site, user, content, CURRENT) is not None
    return may(site, user, CHANGE_PERMISSIONS, content).allowed is True
