"""Rules put and taken away: one, a whole row by a template, leaders; a plan writes the row that comes of it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import ClassVar

from tabwarden.effects import content as effects
from tabwarden.effects.change import Change, Value, done, refused
from tabwarden.effects.draft import Draft
from tabwarden.effects.ops.content import OfContent
from tabwarden.effects.people import Outcome
from tabwarden.effects.ref import Lookup, Ref, content_ref, grantee_ref
from tabwarden.model.capability import INHERITED_LEADER, KIND_NAMES, LEADER, applies, ui_name
from tabwarden.model.governing import LOCKED_TO_DATABASE, managing_project
from tabwarden.model.open_points import DOCUMENTED, OpenPoints
from tabwarden.model.site import ALLOW, DENY, Content, Grantee, Rule, Rules, Site


@dataclass(frozen=True, slots=True)
class RuleRow:
    """What one grantee is allowed and denied: capabilities, sorted."""

    allow: tuple[str, ...] = ()
    deny: tuple[str, ...] = ()

    @classmethod
    def of(cls, rules: Iterable[Rule]) -> RuleRow:
        """The rules of one grantee; an inherited leader is the echo of a rule above and none of them."""
        own = [rule for rule in rules if rule.capability != INHERITED_LEADER]
        allow, deny = (sorted(r.capability for r in own if (r.mode == ALLOW) is yes) for yes in (True, False))
        return cls(tuple(allow), tuple(deny))

    def rules(self, grantee: Grantee) -> Rules:
        """The same as rules for that grantee."""
        both = ((ALLOW, self.allow), (DENY, self.deny))
        return frozenset(Rule(grantee, capability, mode) for mode, names in both for capability in names)


NO_ROW = RuleRow()
DENIED = "Denied"
WIDTH = {"user": 0, "groupSet": 1, "group": 2}


@dataclass(frozen=True, slots=True)
class PutRules(OfContent):
    """Give one grantee exactly these rules on a content, or among a project's defaults for a kind.

    Written are the capabilities that `before` or `row` names.
    """

    op: ClassVar[str] = "put_rules"
    step: ClassVar[str] = "rules"
    WORDS: ClassVar[tuple[str, str, str]] = (
        "{c.whose}: {c.difference}",
        "{c.whose}: {c.difference}",
        "{c.whose} was not changed ({c.difference})",
    )

    grantee: Ref
    before: RuleRow = NO_ROW
    row: RuleRow = NO_ROW
    default_for: str | None = None

    @property
    def doubt(self) -> str:
        what = "rules" if self.default_for is None else f"{self.default_for} defaults"
        return f"{what} of {self.content.id} for {self.grantee.key}"

    @property
    def receiver(self) -> Ref:
        return self.grantee

    @property
    def destructive(self) -> bool:
        return not (set(self.before.allow) <= set(self.row.allow) and set(self.before.deny) <= set(self.row.deny))

    def value(self, lookup: Lookup, content: Content) -> Value:
        rules, grantee = _listed(content, self.default_for), lookup.grantee(self.grantee)
        if rules is None:
            return None
        return rule_words(RuleRow.of(rule for rule in rules if rule.grantee == grantee).rules(grantee))

    def wanted(self) -> Value:
        return rule_words(self.row.rules(Grantee("", "")))

    def done_to(self, site: Site, open_points: OpenPoints = DOCUMENTED) -> Outcome:
        """Whatever the list was; of a workbook with tabs its views get the same."""
        return done(rows_put(site, (self,)))

    def carry(self, draft: Draft) -> None:
        """Rows of one list, which come one after the other, at once: there are thousands."""
        last = draft.on_content[-1] if draft.on_content else None
        if not (isinstance(last, _Rows) and last.takes(self)):
            draft.on_content.append(last := _Rows(self))
        last.changes[self.grantee] = self

    def inverse(self) -> PutRules:
        return PutRules(self.content, self.grantee, self.row, self.before, self.default_for)

    @property
    def whose(self) -> str:
        """Where and for whom, in words."""
        kind, ref = self.default_for, self.grantee
        defaults = f"rules for new {KIND_NAMES[kind]}s: " if kind else ""
        return f"{self.thing}: {defaults}{'group set' if ref.kind == 'groupSet' else ref.kind} `{ref.qualified}`"

    @property
    def difference(self) -> str:
        """`+ Allow View, - Deny Web Edit`."""
        kind = self.default_for or self.content.kind
        words = []
        for mode, was, now in ((ALLOW, self.before.allow, self.row.allow), (DENY, self.before.deny, self.row.deny)):
            words += [f"- {mode} {ui_name(name, kind)}" for name in was if name not in now]
            words += [f"+ {mode} {ui_name(name, kind)}" for name in now if name not in was]
        return ", ".join(words)


def rows_put(site: Site, changes: Collection[PutRules]) -> Site:
    """The Site after rows of one list, each of another grantee."""
    lookup, first = Lookup(site), next(iter(changes))
    gone, added = set[Rule](), set[Rule]()
    for change in changes:
        grantee = lookup.grantee(change.grantee)
        row = change.row.rules(grantee)
        gone |= change.before.rules(grantee) - row
        added |= row
    lists = frozenset(gone), frozenset(added)
    site = effects.change_rules(site, first.id, *lists, default_for=first.default_for)
    content = site.contents[first.id]
    return effects.show_tabs(site, first.id) if content.kind == "workbook" and content.tabs else site


class _Rows:
    """Rows of one list on their way to a Site, by grantee."""

    def __init__(self, first: PutRules) -> None:
        self.id, self.default_for = first.id, first.default_for
        self.changes: dict[Ref, PutRules] = {}

    def takes(self, change: PutRules) -> bool:
        """Whether a change is of the same list, and the first of its grantee."""
        mine = (change.id, change.default_for) == (self.id, self.default_for)
        return mine and change.grantee not in self.changes

    def __call__(self, site: Site) -> Site:
        return rows_put(site, self.changes.values()) if self.id in site.contents else site


def rows_between(before: Site, after: Site, contents: Iterable[str]) -> Iterator[PutRules]:
    """The rows by which rules and default rules of `contents` (ids on both Sites) differ, a grantee at a time."""
    for content in contents:
        was, now = before.contents[content], after.contents[content]
        for kind in (None, *sorted({*was.defaults, *now.defaults})):
            yield from _rows(before, content, (_listed(was, kind), _listed(now, kind)), kind)


def _rows(site: Site, content: str, lists: tuple[Rules | None, Rules | None], kind: str | None) -> Iterator[PutRules]:
    was, now = lists
    for grantee in sorted({rule.grantee for rule in (was or frozenset()) ^ (now or frozenset())}):
        before, row = (RuleRow.of(r for r in rules or () if r.grantee == grantee) for rules in lists)
        if before != row:
            yield PutRules(content_ref(site, content), grantee_ref(site, grantee), before, row, kind)


def rule_words(rules: Iterable[Rule]) -> tuple[str, ...]:
    """`Allow Read`, `Deny Write`: what one grantee is allowed and denied."""
    return tuple(sorted(f"{rule.mode} {rule.capability}" for rule in rules))


def _listed(content: Content, default_for: str | None) -> Rules | None:
    return content.rules if default_for is None else content.defaults.get(default_for, frozenset())


def not_editable(site: Site, content: str, default_for: str | None) -> str | None:
    """Why rules cannot be edited there (tableau-permissions §4.3): None where they can."""
    known = site.contents[content]
    project = content if known.kind == "project" else site.project_of(content)
    manager = managing_project(site, project) if project in site.contents and project is not None else None
    if manager is not None and content != manager:
        return "locked_project"
    parent = site.contents.get(known.parent or "")
    if known.kind == "view" and parent is not None and parent.tabs:
        return "tabs_shown"
    if known.kind == "table" and parent is not None and parent.mode == LOCKED_TO_DATABASE:
        return "locked_database"
    has_defaults = known.kind == "project" or (known.kind, default_for) == ("database", "table")
    return "not_applicable" if default_for is not None and not has_defaults else None


class _OfRow(Change):
    """An edit of what one grantee is allowed and denied; a plan writes it as `PutRules`."""

    __slots__ = ()

    def _row(self) -> tuple[str, Grantee, str | None]:
        """The content, the grantee, and of defaults the kind."""
        raise NotImplementedError

    def steps(self, site: Site) -> tuple[Change, ...]:
        content, grantee, default_for = self._row()
        before, row = (
            RuleRow.of(r for r in _listed(one.contents[content], default_for) or () if r.grantee == grantee)
            for one in (site, self.done_to(site).site)
        )
        if before == row:
            return ()
        refs = content_ref(site, content), grantee_ref(site, grantee)
        return (PutRules(*refs, before, row, default_for, because=self.because),)


@dataclass(frozen=True, slots=True)
class _OfRule(_OfRow):
    """A rule and the list it is about: of a content, or a project's defaults for a kind."""

    content: str
    rule: Rule
    default_for: str | None = None

    @property
    def of_content(self) -> None:
        """It is told by its id."""

    def _row(self) -> tuple[str, Grantee, str | None]:
        return self.content, self.rule.grantee, self.default_for

    def _refusal(self, site: Site) -> str | None:
        kind = self.default_for or site.contents[self.content].kind
        if applies(self.rule.capability, kind) is False or self.rule.capability == LEADER:
            return "not_applicable"
        return not_editable(site, self.content, self.default_for)


@dataclass(frozen=True, slots=True)
class PutRule(_OfRule):
    """Add one rule; an opposite one of the same grantee gives way."""

    op: ClassVar[str] = "put_rule"

    @property
    def effort(self) -> int:
        return WIDTH[self.rule.grantee.kind]

    def done_to(self, site: Site, open_points: OpenPoints = DOCUMENTED) -> Outcome:
        """Refused under a lock, on views with tabs, and for what the kind does not have."""
        refusal = self._refusal(site)
        if refusal is not None:
            return refused(site, refusal)
        return done(effects.add_rules(site, self.content, (self.rule,), default_for=self.default_for))


@dataclass(frozen=True, slots=True)
class TakeRule(_OfRule):
    """Take one rule away."""

    op: ClassVar[str] = "take_rule"
    EFFORT: ClassVar[int] = 0

    def done_to(self, site: Site, open_points: OpenPoints = DOCUMENTED) -> Outcome:
        """As PutRule; one that is not there is refused, so that nobody thinks it had been."""
        refusal = self._refusal(site)
        rules = _listed(site.contents[self.content], self.default_for)
        if refusal is None and rules is not None and self.rule not in rules:
            refusal = "no_such_rule"
        if refusal is not None:
            return refused(site, refusal)
        return done(effects.remove_rules(site, self.content, (self.rule,), default_for=self.default_for))


@dataclass(frozen=True, slots=True)
class PutTemplate(_OfRow):
    """A grantee's row becomes exactly these capabilities, allowed; `template` is the name they go by.

    The template Denied denies them.
    """

    op: ClassVar[str] = "put_template"

    content: str
    grantee: Grantee
    template: str
    capabilities: frozenset[str]
    default_for: str | None = None

    @property
    def of_content(self) -> None:
        """It is told by its id."""

    def _row(self) -> tuple[str, Grantee, str | None]:
        return self.content, self.grantee, self.default_for

    def done_to(self, site: Site, open_points: OpenPoints = DOCUMENTED) -> Outcome:
        """Refused where PutRule is; leader rules of the row stay."""
        refusal = not_editable(site, self.content, self.default_for)
        if refusal is not None:
            return refused(site, refusal)
        rules = _listed(site.contents[self.content], self.default_for)
        if rules is None:
            return refused(site, "not_read")
        mode = DENY if self.template == DENIED else ALLOW
        row: Rules = frozenset(Rule(self.grantee, c, mode) for c in self.capabilities)
        rest = frozenset(r for r in rules if r.grantee != self.grantee or r.capability == LEADER)
        return done(effects.replace_rules(site, self.content, rest | row, default_for=self.default_for))


@dataclass(frozen=True, slots=True)
class _OfLeader(_OfRow):
    """A project and somebody who leads it."""

    project: str
    grantee: Grantee

    def _row(self) -> tuple[str, Grantee, str | None]:
        return self.project, self.grantee, None


@dataclass(frozen=True, slots=True)
class Lead(_OfLeader):
    """Make somebody a leader of a project."""

    op: ClassVar[str] = "lead"

    @property
    def effort(self) -> int:
        return 20 + WIDTH[self.grantee.kind]

    def done_to(self, site: Site, open_points: OpenPoints = DOCUMENTED) -> Outcome:
        """Refused on anything but a project."""
        if site.contents[self.project].kind != "project":
            return refused(site, "not_applicable")
        return done(effects.add_rules(site, self.project, (Rule(self.grantee, LEADER, ALLOW),)))


@dataclass(frozen=True, slots=True)
class Unlead(_OfLeader):
    """Remove a leader; he is left with everything Unspecified on that project."""

    op: ClassVar[str] = "unlead"
    EFFORT: ClassVar[int] = 30

    def done_to(self, site: Site, open_points: OpenPoints = DOCUMENTED) -> Outcome:
        """Refused where he is none by a rule of this very project."""
        rules = site.contents[self.project].rules or frozenset()
        if Rule(self.grantee, LEADER, ALLOW) not in rules:
            return refused(site, "no_such_rule")
        return done(effects.remove_leader(site, self.project, self.grantee))
