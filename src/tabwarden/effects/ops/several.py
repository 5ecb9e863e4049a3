"""Edits of many rules at once: assigned to contents, cleared, copied, made rules of a group."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import ClassVar

from tabwarden.effects import content as effects
from tabwarden.effects.change import Change, done, refused
from tabwarden.effects.ops.rules import not_editable, rows_between
from tabwarden.effects.people import Outcome
from tabwarden.model.capability import INHERITED_LEADER
from tabwarden.model.open_points import DOCUMENTED, OpenPoints
from tabwarden.model.site import ALLOW, DENY, Content, Grantee, Rule, Rules, Site

NOTHING_DIFFERS = "nothing_differs"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rewrite(Change):
    """Another list for each content it is about; a plan writes the rows that come of it.

    `project` (id) is where, None: on the whole site.
    """

    project: str | None = None

    def lists(self, site: Site) -> Iterator[tuple[str, str | None, Rules]]:
        """Content, of defaults the kind, and the list that is to be there."""
        raise NotImplementedError

    def steps(self, site: Site) -> tuple[Change, ...]:
        after = self.done_to(site).site
        changed = [c for c in site.contents if after.contents[c] is not site.contents[c]]
        return tuple(row for row in rows_between(site, after, changed) if not self._follows(site, row.id))

    def _follows(self, site: Site, content: str) -> bool:
        """Views whose sheets are shown as tabs get what their workbook gets."""
        return not_editable(site, content, None) == "tabs_shown"

    def done_to(self, site: Site, open_points: OpenPoints = DOCUMENTED) -> Outcome:
        """Refused where nothing would differ."""
        after = site
        for content, kind, rules in list(self.lists(site)):
            thing = after.contents[content]
            if rules != (thing.rules if kind is None else thing.defaults.get(kind)):
                after = effects.replace_rules(after, content, rules, default_for=kind)
            if thing.kind == "workbook" and thing.tabs:
                after = effects.show_tabs(after, content)
        return refused(site, NOTHING_DIFFERS) if after == site else done(after)

    def places(self, site: Site, contents: Iterable[str] | None = None) -> Iterator[tuple[Content, str | None, Rules]]:
        """Every list in the project that was read and can be edited where it lies, on some contents (None: on all)."""
        for content in (site.contents[c] for c in (self._within(site) if contents is None else contents)):
            defaults = content.defaults.items() if content.kind in ("project", "database") else ()
            for kind, rules in ((None, content.rules), *defaults):
                if rules is not None and not_editable(site, content.id, kind) is None:
                    yield content, kind, rules

    def _within(self, site: Site) -> Iterable[str]:
        return site.contents if self.project is None else (self.project, *site.below(self.project))

    def _speaking_of(self, site: Site, *grantees: Grantee) -> list[str]:
        """Ids of what in the project speaks of one of these."""
        ids = dict.fromkeys(content for grantee in grantees for content in site.speaking_of(grantee))
        return [content for content in ids if self.project in (None, *site.ancestors(content))]


@dataclass(frozen=True, slots=True, kw_only=True)
class _OverContents(_Rewrite):
    """Of a project's contents, those of some kinds; with `nested` those of the projects in it too."""

    kinds: tuple[str, ...] = ()
    nested: bool = False

    def lists(self, site: Site) -> Iterator[tuple[str, str | None, Rules]]:
        project = site.contents[str(self.project)]
        contents = (site.contents[content] for content in self._within(site))
        mine = [c.id for c in contents if c.kind != "project" and (not self.kinds or _kind_of(c) in self.kinds)]
        for content, kind, rules in self.places(site, mine):
            if kind is not None or (not self.nested and site.project_of(content.id) != project.id):
                continue
            defaults = effects.default_rules(project, content.kind)
            if defaults is not None:
                yield content.id, None, self.list_of(rules, defaults)

    def list_of(self, rules: Rules, defaults: Rules) -> Rules:
        """What is to be there of what is there and what the project's defaults say."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True, kw_only=True)
class AssignToContents(_OverContents):
    """A project's default rules over those of its contents (permissions paper, "Assign Permissions to Contents")."""

    op: ClassVar[str] = "assign_to_contents"

    def list_of(self, rules: Rules, defaults: Rules) -> Rules:
        return defaults


@dataclass(frozen=True, slots=True, kw_only=True)
class ClearOneOff(_OverContents):
    """Away with rules on contents that the project's default rules do not have; nothing is added."""

    op: ClassVar[str] = "clear_one_off"

    def list_of(self, rules: Rules, defaults: Rules) -> Rules:
        return rules & defaults


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyRules(_Rewrite):
    """What one grantee is allowed and denied, for another as well; an opposite rule of that one gives way."""

    op: ClassVar[str] = "copy_rules"

    source: Grantee
    target: Grantee

    def lists(self, site: Site) -> Iterator[tuple[str, str | None, Rules]]:
        for content, kind, rules in self.places(site, self._speaking_of(site, self.source)):
            more = {r._replace(grantee=self.target) for r in _of(rules, self.source)}
            opposite = {r._replace(mode=ALLOW if r.mode == DENY else DENY) for r in more}
            if more - rules or opposite & rules:
                yield content.id, kind, _with(rules, more)


@dataclass(frozen=True, slots=True, kw_only=True)
class IntoGroup(_Rewrite):
    """Rules for persons who are in a group become rules for the group; where they differ, Deny stands."""

    op: ClassVar[str] = "into_group"

    into: str

    def lists(self, site: Site) -> Iterator[tuple[str, str | None, Rules]]:
        members, group = site.members(self.into), Grantee("group", self.into)
        speaking = self._speaking_of(site, *(Grantee("user", member) for member in members))
        for content, kind, rules in self.places(site, speaking):
            theirs = {r for r in rules if r.grantee.kind == "user" and r.grantee.id in members}
            theirs = {r for r in theirs if r.capability != INHERITED_LEADER}
            if not theirs:
                continue
            denied = {r.capability for r in (*theirs, *_of(rules, group)) if r.mode == DENY}
            more = {Rule(group, r.capability, DENY if r.capability in denied else r.mode) for r in theirs}
            yield content.id, kind, _with(rules - theirs, more)


def _kind_of(content: Content) -> str:
    return "workbook" if content.kind == "view" else content.kind


def _of(rules: Rules, grantee: Grantee) -> Iterator[Rule]:
    return (r for r in rules if r.grantee == grantee and r.capability != INHERITED_LEADER)


def _with(rules: Rules, more: Iterable[Rule]) -> Rules:
    added = frozenset(more)
    spoken = {(r.grantee, r.capability) for r in added}
    return frozenset((*(r for r in rules if (r.grantee, r.capability) not in spoken), *added))
