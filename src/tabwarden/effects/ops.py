"""One thing somebody changes on a site, as a value that can be done to a Site. Not the writing of it to Tableau.

These are the words of what-if and of fixes; together they are the whole vocabulary:

PutRule, TakeRule          one rule on a content, or among a project's defaults for a kind; an opposite rule gives way
PutTemplate                a grantee's row becomes a template: its capabilities allowed, the rest Unspecified
Lead, Unlead               project leaders; who is removed is left with everything Unspecified
Join, Leave, DeleteGroup   memberships of groups; deleting one
SetRole, RemoveUser        site roles; removing somebody, with or without an heir
SetOwner                   another owner of a content or project
SetMode, SetTabs           locks; sheets as tabs
MoveTo, NewProject, DeleteContent
SetSetting                 a setting of the site that gates capabilities

Each answers `done_to(site)` with an Outcome: the Site as Tableau would leave it, or a refusal with its reason code.
Whether somebody may do it is not asked.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

from tabwarden.effects import content as effects
from tabwarden.effects import people
from tabwarden.effects.people import Outcome
from tabwarden.model.capability import LEADER, applies
from tabwarden.model.governing import LOCKED_TO_DATABASE, managing_project
from tabwarden.model.open_points import DOCUMENTED, OpenPoints
from tabwarden.model.site import ALLOW, CUSTOMIZABLE, LOCKED, MODES, Content, Grantee, Rule, Rules, Site, SiteSettings


class Edit:
    """What all of them share."""

    __slots__ = ()

    def done_to(self, site: Site, open_points: OpenPoints = DOCUMENTED) -> Outcome:
        """The Site afterwards, or the refusal."""
        raise NotImplementedError


def _refused(site: Site, because: str) -> Outcome:
    return Outcome(site, False, because)


def _done(site: Site) -> Outcome:
    return Outcome(site, True, "done")


# -- rules ----------------------------------------------------------------------------------------------------


def _not_editable(site: Site, content: str, default_for: str | None) -> str | None:
    """Why rules cannot be edited there (tableau-permissions §4.3): None where they can."""
    held = site.contents[content]
    project = content if held.kind == "project" else site.project_of(content)
    manager = managing_project(site, project) if project in site.contents and project is not None else None
    if manager is not None and content != manager:
        return "locked_project"
    parent = site.contents.get(held.parent or "")
    if held.kind == "view" and parent is not None and parent.tabs:
        return "tabs_shown"
    if held.kind == "table" and parent is not None and parent.mode == LOCKED_TO_DATABASE:
        return "locked_database"
    has_defaults = held.kind == "project" or (held.kind, default_for) == ("database", "table")
    return "not_applicable" if default_for is not None and not has_defaults else None


@dataclass(frozen=True, slots=True)
class _OfRule(Edit):
    """A rule and the list it is about: of a content, or a project's defaults for a kind."""

    content: str
    rule: Rule
    default_for: str | None = None

    def _refusal(self, site: Site) -> str | None:
        kind = self.default_for or site.contents[self.content].kind
        if applies(self.rule.capability, kind) is False or self.rule.capability == LEADER:
            return "not_applicable"
        return _not_editable(site, self.content, self.default_for)


class PutRule(_OfRule):
    """Add one rule; an opposite one of the same grantee gives way."""

    __slots__ = ()

    def done_to(self, site: Site, open_points: OpenPoints = DOCUMENTED) -> Outcome:
        """Refused under a lock, on views with tabs, and for what the kind does not have."""
        refusal = self._refusal(site)
        if refusal is not None:
            return _refused(site, refusal)
        return _done(effects.add_rules(site, self.content, (self.rule,), default_for=self.default_for))


class TakeRule(_OfRule):
    """Take one rule away."""

    __slots__ = ()

    def done_to(self, site: Site, open_points: OpenPoints = DOCUMENTED) -> Outcome:
        """As PutRule; one that is not there is refused, so that nobody thinks it had been."""
        refusal = self._refusal(site)
        held = site.contents[self.content]
        listed = held.rules if self.default_for is None else held.defaults.get(self.default_for, frozenset())
        if refusal is None and listed is not None and self.rule not in listed:
            refusal = "no_such_rule"
        if refusal is not None:
            return _refused(site, refusal)
        return _done(effects.remove_rules(site, self.content, (self.rule,), default_for=self.default_for))


@dataclass(frozen=True, slots=True)
class PutTemplate(Edit):
    """A grantee's row becomes exactly these capabilities, allowed; `template` is the name they go by."""

    content: str
    grantee: Grantee
    template: str
    capabilities: frozenset[str]
    default_for: str | None = None

    def done_to(self, site: Site, open_points: OpenPoints = DOCUMENTED) -> Outcome:
        """Refused where PutRule is; leader rules of the row stay."""
        refusal = _not_editable(site, self.content, self.default_for)
        if refusal is not None:
            return _refused(site, refusal)
        held = site.contents[self.content]
        found = held.rules if self.default_for is None else held.defaults.get(self.default_for, frozenset())
        if found is None:
            return _refused(site, "not_read")
        wanted: Rules = frozenset(Rule(self.grantee, c, ALLOW) for c in self.capabilities)
        kept = frozenset(r for r in found if r.grantee != self.grantee or r.capability == LEADER)
        return _done(effects.replace_rules(site, self.content, kept | wanted, default_for=self.default_for))


@dataclass(frozen=True, slots=True)
class Lead(Edit):
    """Make somebody a leader of a project."""

    project: str
    grantee: Grantee

    def done_to(self, site: Site, open_points: OpenPoints = DOCUMENTED) -> Outcome:
        """Refused on anything but a project."""
        if site.contents[self.project].kind != "project":
            return _refused(site, "not_applicable")
        return _done(effects.add_rules(site, self.project, (Rule(self.grantee, LEADER, ALLOW),)))


@dataclass(frozen=True, slots=True)
class Unlead(Edit):
    """Remove a leader; he is left with everything Unspecified on that project."""

    project: str
    grantee: Grantee

    def done_to(self, site: Site, open_points: OpenPoints = DOCUMENTED) -> Outcome:
        """Refused where he is none by a rule of this very project."""
        rules = site.contents[self.project].rules or frozenset()
        if Rule(self.grantee, LEADER, ALLOW) not in rules:
            return _refused(site, "no_such_rule")
        return _done(effects.remove_leader(site, self.project, self.grantee))


# -- people ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Join(Edit):
    """Put somebody into a group."""

    group: str
    user: str

    def done_to(self, site: Site, open_points: OpenPoints = DOCUMENTED) -> Outcome:
        """Refused for All Users and for who is in it already."""
        return people.add_to_group(site, self.group, (self.user,))


@dataclass(frozen=True, slots=True)
class Leave(Edit):
    """Take somebody out of a group."""

    group: str
    user: str

    def done_to(self, site: Site, open_points: OpenPoints = DOCUMENTED) -> Outcome:
        """Refused for All Users and for who is not in it."""
        return people.remove_from_group(site, self.group, (self.user,))


@dataclass(frozen=True, slots=True)
class DeleteGroup(Edit):
    """Delete a group with its rules."""

    group: str

    def done_to(self, site: Site, open_points: OpenPoints = DOCUMENTED) -> Outcome:
        """Refused for All Users."""
        return people.delete_group(site, self.group, open_points)


@dataclass(frozen=True, slots=True)
class SetRole(Edit):
    """Give a site role."""

    user: str
    role: str

    def done_to(self, site: Site, open_points: OpenPoints = DOCUMENTED) -> Outcome:
        """Refused as REST refuses it: below a group's minimum, without a seat, to or from Server Administrator."""
        return people.set_site_role(site, self.user, self.role, open_points=open_points)


@dataclass(frozen=True, slots=True)
class RemoveUser(Edit):
    """Remove somebody from the site; `heir` receives what he owns."""

    user: str
    heir: str | None = None

    def done_to(self, site: Site, open_points: OpenPoints = DOCUMENTED) -> Outcome:
        """An owner without heir stays, out of his groups and Unlicensed; the Outcome says it was not done."""
        return people.remove_user(site, self.user, heir=self.heir)


@dataclass(frozen=True, slots=True)
class SetOwner(Edit):
    """Another owner of a content or a project."""

    content: str
    to: str

    def done_to(self, site: Site, open_points: OpenPoints = DOCUMENTED) -> Outcome:
        """Refused for a new owner whose site role cannot own it; views follow their workbook."""
        kind = site.contents[self.content].kind
        if kind == "view":
            return _refused(site, "not_applicable")
        fits = people.assign_owner(site, self.to, kind, open_points)
        return _done(effects.change_owner(site, self.content, self.to)) if fits.done else fits


# -- content --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SetMode(Edit):
    """Lock or unlock a project, or a database."""

    project: str
    mode: str

    def done_to(self, site: Site, open_points: OpenPoints = DOCUMENTED) -> Outcome:
        """Refused below a project that locks nested projects: the mode is set there."""
        held = site.contents[self.project]
        modes = {"project": MODES, "database": (LOCKED_TO_DATABASE, CUSTOMIZABLE)}.get(held.kind, ())
        if self.mode not in modes:
            return _refused(site, "not_applicable")
        above = self.project if held.kind == "project" else site.project_of(self.project)
        manager = managing_project(site, above) if above is not None and above in site.contents else None
        if manager not in (None, self.project):
            return _refused(site, "locked_project")
        change = effects.set_mode if held.kind == "project" else effects.set_database_mode
        return _done(change(site, self.project, self.mode))


@dataclass(frozen=True, slots=True)
class SetTabs(Edit):
    """Show or hide sheets as tabs."""

    workbook: str
    shown: bool

    def done_to(self, site: Site, open_points: OpenPoints = DOCUMENTED) -> Outcome:
        """Refused on anything but a workbook."""
        if site.contents[self.workbook].kind != "workbook":
            return _refused(site, "not_applicable")
        change = effects.show_tabs if self.shown else effects.hide_tabs
        return _done(change(site, self.workbook))


@dataclass(frozen=True, slots=True)
class MoveTo(Edit):
    """Move content or a project into a project; None: a project to the top level."""

    content: str
    target: str | None

    def done_to(self, site: Site, open_points: OpenPoints = DOCUMENTED) -> Outcome:
        """Refused into itself, into what is no project, and for content to the top level."""
        held = site.contents[self.content]
        if self.target is None:
            wrong = held.kind != "project"
        else:
            below = (self.content, *site.below(self.content))
            wrong = site.contents[self.target].kind != "project" or self.target in below
        if wrong or held.kind in ("view", "table"):
            return _refused(site, "not_applicable")
        return _done(effects.move(site, self.content, self.target, open_points=open_points))


@dataclass(frozen=True, slots=True)
class NewProject(Edit):
    """A new project with the id `new:` and its path; `like` is a project whose rules, defaults and mode it gets."""

    project: Content
    like: str | None = None

    def done_to(self, site: Site, open_points: OpenPoints = DOCUMENTED) -> Outcome:
        """As Tableau makes one (a copy of its parent or of Default), then, with `like`, as the template says."""
        if self.project.id in site.contents:
            return _refused(site, "exists")
        made = effects.create_project(site, self.project)
        if self.like is None or managing_project(made, self.project.id) not in (None, self.project.id):
            return _done(made)
        model = site.contents[self.like]
        mode = model.mode if managing_project(site, self.like) in (None, self.like) else LOCKED
        held = replace(made.contents[self.project.id], rules=model.rules, defaults=model.defaults, mode=mode)
        return _done(made.with_contents(held))


@dataclass(frozen=True, slots=True)
class DeleteContent(Edit):
    """Delete content and all below it."""

    content: str

    def done_to(self, site: Site, open_points: OpenPoints = DOCUMENTED) -> Outcome:
        """The Default project stays."""
        if self.content == site.default_project_id:
            return _refused(site, "default_project")
        return _done(effects.delete_content(site, self.content))


@dataclass(frozen=True, slots=True)
class SetSetting(Edit):
    """Switch one of the site's own settings on or off."""

    setting: str
    value: bool

    def done_to(self, site: Site, open_points: OpenPoints = DOCUMENTED) -> Outcome:
        """Only settings that are on or off."""
        known = {f.name for f in fields(SiteSettings) if isinstance(getattr(site.settings, f.name), bool)}
        if self.setting not in known:
            return _refused(site, "not_applicable")
        changed: dict[str, Any] = {self.setting: self.value}
        return _done(replace(site, settings=replace(site.settings, **changed)))
