"""What a plan did to content, taken back: three Sites side by side, as it was before, as the plan left it, and now.

What is still as the plan left it goes back to what it was; what somebody changed since is left as it is and said.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import NamedTuple

from tabwarden.effects.change import Change, carried_out
from tabwarden.effects.ops.rules import RuleRow
from tabwarden.effects.ref import NEW, grantee_ref
from tabwarden.model.capability import applies
from tabwarden.model.names import some
from tabwarden.model.site import NO_RULES, Content, Grantee, Rule, Rules, Site
from tabwarden.model.tables import grouped
from tabwarden.plan.restore import Restored, restored
from tabwarden.want.wanted import Held

FIELDS = ("parent", "owner", "mode", "tabs", "description")
WORDS = {"parent": "place", "mode": "content permissions", "tabs": "sheets as tabs"}
BY_HAND = "somebody changed it since; decide by hand"


class _Back(NamedTuple):
    """What is wanted of content: the Site, what of it concerns this, what is to be made and what is to go."""

    site: Site
    scope: frozenset[str]
    make: frozenset[str]
    gone: frozenset[str]


def content_undone(then: Site, now: Site, done: Sequence[Change], because: str) -> Restored:
    """What takes back what `done` did to the content of `then`; ids of people and groups are those of `now`."""
    work = _Undoing(then, carried_out(then, done), now)
    back = work.back()
    restoration = restored(now, back.site, back.scope, because, make=back.make, gone=back.gone)
    return replace(restoration, held=[*work.held, *restoration.held], notes=[*work.notes, *restoration.notes])


class _Undoing:
    """`then`, as it was `left` and as it is `now`; only inside `content_undone`."""

    def __init__(self, then: Site, left: Site, now: Site) -> None:
        self.then, self.left, self.now = then, left, now
        self.held: list[Held] = []
        self.notes: list[str] = []

    def back(self) -> _Back:
        was, left, now = self.then.contents, self.left.contents, self.now.contents
        touched = [c for c in {**was, **left} if was.get(c) != left.get(c)]
        merged: list[Content] = []
        again: dict[str, str] = {}
        gone: set[str] = set()
        for content in touched:
            if content not in was:
                gone |= {content} & now.keys()
            elif content not in left:
                if content not in now and was[content].kind == "project":
                    again[content] = f"{NEW}{self.then.path(content).casefold()}"
            elif content in now:
                merged.append(self._merged(was[content], left[content], now[content]))
        lost = [self.then.path(c) for c in touched if c not in now and c not in gone and c not in again and c in was]
        if lost:
            self.notes.append(f"{len(lost)} things are gone and cannot be put back: {some(sorted(lost))}")
        projects = [
            replace(was[c], id=new, parent=again.get(was[c].parent or "", was[c].parent)) for c, new in again.items()
        ]
        site = self.now.without_contents(gone).with_contents(*merged, *projects)
        # Who was deleted and is created again has an id that only the site before knows.
        users = {i: user for i, user in self.then.users.items() if i.startswith(NEW)}
        groups = {i: group for i, group in self.then.groups.items() if i.startswith(NEW)}
        site = replace(site, users={**site.users, **users}, groups={**site.groups, **groups})
        return _Back(site, frozenset(c.id for c in merged), frozenset(again.values()), frozenset(gone))

    def _merged(self, was: Content, left: Content, now: Content) -> Content:
        """What is to be there, field by field and row by row."""
        values: dict[str, object] = {}
        for name in FIELDS:
            before, after, current = (getattr(one, name) for one in (was, left, now))
            if before != after and current == after:
                values[name] = before
            elif before != after and current != before:
                self._hold(now, f"has another {WORDS.get(name, name)} by now")
        kinds = {*was.defaults, *left.defaults}
        lists = {kind: [one.defaults.get(kind, NO_RULES) for one in (was, left, now)] for kind in kinds}
        defaults = {kind: self._list(now, *of_kind) for kind, of_kind in lists.items()}
        values["defaults"] = MappingProxyType({**now.defaults, **defaults})
        values["rules"] = self._list(now, *(_possible(one) for one in (was, left, now)))
        return replace(now, **values)  # type: ignore[arg-type]

    def _list(self, content: Content, was: Rules | None, left: Rules | None, now: Rules | None) -> Rules | None:
        if was is None or left is None or now is None:
            return now
        rows = [_rows(rules) for rules in (was, left, now)]
        rules = set(now)
        for grantee in {rule.grantee for rule in was ^ left}:
            before, after, current = (one.get(grantee, RuleRow()) for one in rows)
            if before != after and current == after:
                rules = {rule for rule in rules if rule.grantee != grantee} | before.rules(grantee)
            elif before != after and current != before:
                self._hold(content, f"has other rules for {self._name(grantee)} by now")
        return frozenset(rules)

    def _name(self, grantee: Grantee) -> str:
        ref = grantee_ref(self.now, grantee)
        return f"{'group set' if ref.kind == 'groupSet' else ref.kind} `{ref.qualified}`"

    def _hold(self, content: Content, reason: str) -> None:
        held = Held(self.now.path(content.id), reason, BY_HAND)
        if held not in self.held:
            self.held.append(held)


def _possible(content: Content) -> Rules | None:
    """The rules of a content; of a view without those of workbooks alone, which are told of it below a lock."""
    if content.kind != "view" or content.rules is None:
        return content.rules
    return frozenset(r for r in content.rules if applies(r.capability, "view") or not applies(r.capability, "workbook"))


def _rows(rules: Iterable[Rule]) -> Mapping[Grantee, RuleRow]:
    by_grantee = grouped((rule.grantee, rule) for rule in rules)
    return {grantee: RuleRow.of(theirs) for grantee, theirs in by_grantee.items()}
