"""Content moved, locked, shown with tabs, given to somebody else, made and deleted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import ClassVar, NamedTuple, Self

from tabwarden.effects import content as effects
from tabwarden.effects import people
from tabwarden.effects.change import CONTENT, NOBODY, Change, Value, done, refused
from tabwarden.effects.draft import Draft
from tabwarden.effects.people import Outcome
from tabwarden.effects.ref import Lookup, Ref, content_ref, user_of, user_ref
from tabwarden.model.capability import KIND_NAMES
from tabwarden.model.governing import LOCKED_TO_DATABASE, managing_project
from tabwarden.model.open_points import DOCUMENTED, OpenPoints
from tabwarden.model.site import CUSTOMIZABLE, LOCKED, LOCKED_WITHOUT_NESTED, MODES, Content, Site

MODE_WORDS = {LOCKED: "locked", LOCKED_WITHOUT_NESTED: "locked without nested projects", CUSTOMIZABLE: "customizable"}


@dataclass(frozen=True, slots=True)
class OfContent(Change):
    """A change to content: it rests on one fact, which is what it changes."""

    content: Ref

    @property
    def id(self) -> str:
        """The content."""
        return self.content.id or ""

    @property
    def doubt(self) -> str:
        """The name of the one fact, as `mode of 0a1b..`."""
        raise NotImplementedError

    @property
    def reads(self) -> frozenset[str]:
        """All content: what a lock overwrites lies anywhere below."""
        return frozenset({CONTENT})

    def value(self, lookup: Lookup, content: Content) -> Value:
        """The fact as it is on a Site."""
        raise NotImplementedError

    def wanted(self) -> Value:
        """The fact once it is done."""
        raise NotImplementedError

    def facts(self, lookup: Lookup) -> Iterator[tuple[str, Value]]:
        """The one fact; None when the content is not there or was not read."""
        yield self.doubt, self._value(lookup)

    def _value(self, lookup: Lookup) -> Value:
        content = lookup.site.contents.get(self.id)
        return None if content is None else self.value(lookup, content)

    def moves(self, facts: dict[str, Value]) -> None:
        """The one fact."""
        facts[self.doubt] = self.wanted()

    def is_true(self, lookup: Lookup) -> str | None:
        """The fact is as it is to be."""
        return "" if self._value(lookup) == self.wanted() else None

    def carry(self, draft: Draft) -> None:
        """After all changes to people."""
        draft.on_content.append(lambda site: self.after(site) if self.id in site.contents else site)

    def after(self, site: Site) -> Site:
        """The Site as if it succeeds."""
        return self.done_to(site).site

    def slots(self) -> Mapping[str, str]:
        """Kind and path."""
        kind = KIND_NAMES.get(self.content.kind, self.content.kind)
        return {"content": f"{kind} `{self.content.name}`"}


class Place(NamedTuple):
    """Where something lies: id and path of a project, or the top level."""

    id: str | None = None
    path: str | None = None


@dataclass(frozen=True, slots=True)
class Move(OfContent):
    """Move content or a project into a project; a project also to the top level."""

    op: ClassVar[str] = "move"
    step: ClassVar[str] = "move"
    WORDS: ClassVar[tuple[str, str, str]] = (
        "move {content} to {place}",
        "moved {content} to {place}",
        "{content} was not moved to {place}",
    )

    before: Place
    to: Place

    @classmethod
    def on(cls, site: Site, content: str, target: str | None) -> Self:
        """As a change to content of the Site, by ids."""
        places = (site.contents[content].parent, target)
        before, to = (Place(p, None if p is None else site.path(p)) for p in places)
        return cls(content_ref(site, content), before, to)

    @property
    def doubt(self) -> str:
        """Where it lies: the id of a project, None at the top level or when it is gone."""
        return f"place of {self.content.id}"

    @property
    def overwrites_below(self) -> bool:
        """Into a locked project."""
        return True

    def value(self, lookup: Lookup, content: Content) -> Value:
        """The project it is in."""
        return content.parent

    def wanted(self) -> Value:
        """The project it goes to."""
        return self.to.id

    def done_to(self, site: Site, open_points: OpenPoints = DOCUMENTED) -> Outcome:
        """Refused into itself, into what is no project, and for content to the top level."""
        content = site.contents[self.id]
        if self.to.id is None:
            wrong = content.kind != "project"
        else:
            below = (self.id, *site.below(self.id))
            wrong = site.contents[self.to.id].kind != "project" or self.to.id in below
        if wrong or content.kind in ("view", "table"):
            return refused(site, "not_applicable")
        return done(effects.move(site, self.id, self.to.id, open_points=open_points))

    def inverse(self) -> Move:
        """Back to where it was."""
        return Move(self.content, self.to, self.before)

    def slots(self) -> Mapping[str, str]:
        """The place."""
        return {**OfContent.slots(self), "place": f"`{self.to.path}`" if self.to.path else "the top level"}


@dataclass(frozen=True, slots=True)
class SetMode(OfContent):
    """Lock or unlock a project, or a database."""

    op: ClassVar[str] = "set_mode"
    step: ClassVar[str] = "content permissions"
    WORDS: ClassVar[tuple[str, str, str]] = (
        "make {content} {mode}",
        "made {content} {mode}",
        "{content} was not made {mode}",
    )

    before: str
    mode: str

    @classmethod
    def on(cls, site: Site, content: str, mode: str) -> Self:
        """As a change to a project or database of the Site, by id."""
        return cls(content_ref(site, content), site.contents[content].mode, mode)

    @property
    def doubt(self) -> str:
        """The content permissions mode, None when there is no such project."""
        return f"mode of {self.content.id}"

    @property
    def destructive(self) -> bool:
        """A lock overwrites rules below it."""
        return self.mode == LOCKED or self.before == CUSTOMIZABLE

    @property
    def overwrites_below(self) -> bool:
        """All below."""
        return True

    def value(self, lookup: Lookup, content: Content) -> Value:
        """Its mode."""
        return content.mode

    def wanted(self) -> Value:
        """The new mode."""
        return self.mode

    @property
    def effort(self) -> int:
        """Rules below are overwritten, less so by unlocking."""
        return 80 - (self.mode == CUSTOMIZABLE)

    def done_to(self, site: Site, open_points: OpenPoints = DOCUMENTED) -> Outcome:
        """Refused below a project that locks nested projects: the mode is set there."""
        content = site.contents[self.id]
        modes = {"project": MODES, "database": (LOCKED_TO_DATABASE, CUSTOMIZABLE)}.get(content.kind, ())
        if self.mode not in modes:
            return refused(site, "not_applicable")
        above = self.id if content.kind == "project" else site.project_of(self.id)
        manager = managing_project(site, above) if above is not None and above in site.contents else None
        if manager not in (None, self.id):
            return refused(site, "locked_project")
        change = effects.set_mode if content.kind == "project" else effects.set_database_mode
        return done(change(site, self.id, self.mode))

    def inverse(self) -> SetMode:
        """The mode of before; rules that were overwritten do not come back with it."""
        return SetMode(self.content, self.mode, self.before)

    def slots(self) -> Mapping[str, str]:
        """The mode."""
        return {**OfContent.slots(self), "mode": MODE_WORDS.get(self.mode, self.mode)}


@dataclass(frozen=True, slots=True)
class SetTabs(OfContent):
    """Show or hide the sheets of a workbook as tabs."""

    op: ClassVar[str] = "set_tabs"
    step: ClassVar[str] = "sheets as tabs"
    WORDS: ClassVar[tuple[str, str, str]] = (
        "turn sheets as tabs of {content} {tabs}",
        "turned sheets as tabs of {content} {tabs}",
        "sheets as tabs of {content} were not turned {tabs}",
    )

    shown: bool

    @classmethod
    def on(cls, site: Site, content: str, *, shown: bool) -> Self:
        """As a change to a workbook of the Site, by id."""
        return cls(content_ref(site, content), shown)

    @property
    def doubt(self) -> str:
        """Whether sheets are tabs."""
        return f"tabs of {self.content.id}"

    @property
    def destructive(self) -> bool:
        """Shown, views lose rules of their own."""
        return self.shown

    @property
    def overwrites_below(self) -> bool:
        """Those of the views."""
        return True

    def value(self, lookup: Lookup, content: Content) -> Value:
        """Shown or not."""
        return content.tabs

    def wanted(self) -> Value:
        """Shown or not."""
        return self.shown

    @property
    def effort(self) -> int:
        """Rules of views are overwritten."""
        return 40

    def done_to(self, site: Site, open_points: OpenPoints = DOCUMENTED) -> Outcome:
        """Refused on anything but a workbook."""
        if site.contents[self.id].kind != "workbook":
            return refused(site, "not_applicable")
        return done((effects.show_tabs if self.shown else effects.hide_tabs)(site, self.id))

    def inverse(self) -> SetTabs:
        """The other way."""
        return SetTabs(self.content, not self.shown)

    def slots(self) -> Mapping[str, str]:
        """On or off."""
        return {**OfContent.slots(self), "tabs": "on" if self.shown else "off"}


@dataclass(frozen=True, slots=True)
class SetOwner(OfContent):
    """Another owner of a content or a project; `before` is the qualified name of who owns it."""

    op: ClassVar[str] = "set_owner"
    step: ClassVar[str] = "owner"
    WORDS: ClassVar[tuple[str, str, str]] = (
        "give {content} to user `{owner}`",
        "gave {content} to user `{owner}`",
        "{content} was not given to user `{owner}`",
    )

    before: str
    owner: Ref

    @classmethod
    def on(cls, site: Site, content: str, owner: str) -> Self:
        """As a change to content of the Site, by ids."""
        return cls(content_ref(site, content), _owner_name(site, site.contents[content]), user_ref(site.users[owner]))

    @property
    def doubt(self) -> str:
        """Whose it is."""
        return f"owner of {self.content.id}"

    @property
    def receiver(self) -> Ref:
        """The new owner."""
        return self.owner

    def value(self, lookup: Lookup, content: Content) -> Value:
        """Who owns it, by name."""
        return _owner_name(lookup.site, content)

    def wanted(self) -> Value:
        """The new owner's name."""
        return self.owner.qualified

    @property
    def effort(self) -> int:
        """The new owner decides."""
        return 60

    def done_to(self, site: Site, open_points: OpenPoints = DOCUMENTED) -> Outcome:
        """Refused for a new owner whose site role cannot own it; views follow their workbook."""
        kind, owner = site.contents[self.id].kind, user_of(site, self.owner)
        if owner is None:
            return refused(site, NOBODY)
        if kind == "view":
            return refused(site, "not_applicable")
        fits = people.assign_owner(site, owner.id, kind, open_points)
        return done(effects.change_owner(site, self.id, owner.id)) if fits.done else fits

    def after(self, site: Site) -> Site:
        """Whatever his site role is."""
        return effects.change_owner(site, self.id, Lookup(site).grantee(self.owner).id)

    def slots(self) -> Mapping[str, str]:
        """The new owner."""
        return {**OfContent.slots(self), "owner": self.owner.qualified}


def _owner_name(site: Site, content: Content) -> str:
    owner = site.users.get(content.owner)
    return owner.qualified if owner is not None else content.owner


# -- of what-if alone -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class NewProject(Change):
    """A new project with the id `new:` and its path; `like` is a project whose rules, defaults and mode it gets."""

    op: ClassVar[str] = "new_project"

    project: Content
    like: str | None = None

    def done_to(self, site: Site, open_points: OpenPoints = DOCUMENTED) -> Outcome:
        """As Tableau makes one (a copy of its parent or of Default), then, with `like`, as the template says."""
        if self.project.id in site.contents:
            return refused(site, "exists")
        made = effects.create_project(site, self.project)
        if self.like is None or managing_project(made, self.project.id) not in (None, self.project.id):
            return done(made)
        model = site.contents[self.like]
        mode = model.mode if managing_project(site, self.like) in (None, self.like) else LOCKED
        content = replace(made.contents[self.project.id], rules=model.rules, defaults=model.defaults, mode=mode)
        return done(made.with_contents(content))


@dataclass(frozen=True, slots=True)
class DeleteContent(Change):
    """Delete content and all below it."""

    op: ClassVar[str] = "delete_content"

    content: Ref

    @classmethod
    def on(cls, site: Site, content: str) -> Self:
        """As a change to content of the Site, by id."""
        return cls(content_ref(site, content))

    def done_to(self, site: Site, open_points: OpenPoints = DOCUMENTED) -> Outcome:
        """The Default project stays."""
        content = str(self.content.id)
        if content == site.default_project_id:
            return refused(site, "default_project")
        return done(effects.delete_content(site, content))
