"""Content moved, locked, shown with tabs, given to somebody else, made and deleted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import ClassVar, NamedTuple, Self

from tabwarden.effects import content as effects
from tabwarden.effects import people
from tabwarden.effects.change import CONTENT, NOBODY, Change, Refusal, Value, done, refused
from tabwarden.effects.draft import Draft, Undoing
from tabwarden.effects.people import Outcome
from tabwarden.effects.ref import Lookup, Ref, content_ref, user_of, user_ref
from tabwarden.model.capability import KIND_NAMES
from tabwarden.model.governing import LOCKED_TO_DATABASE, in_personal_space, managing_project
from tabwarden.model.open_points import DOCUMENTED, OpenPoints
from tabwarden.model.roles import may_own
from tabwarden.model.site import CUSTOMIZABLE, LOCKED, LOCKED_WITHOUT_NESTED, MODES, Content, Site

MODE_WORDS = {LOCKED: "locked", LOCKED_WITHOUT_NESTED: "locked without nested projects", CUSTOMIZABLE: "customizable"}


@dataclass(frozen=True, slots=True)
class OfContent(Change):
    """A change to content: it rests on one fact, which is what it changes."""

    FACT: ClassVar[str] = ""
    READS: ClassVar[frozenset[str]] = frozenset({CONTENT})

    content: Ref

    @property
    def id(self) -> str:
        return self.content.id or ""

    @property
    def doubt(self) -> str:
        return f"{self.FACT} of {self.content.id}"

    def value(self, lookup: Lookup, content: Content) -> Value:
        raise NotImplementedError

    def wanted(self) -> Value:
        raise NotImplementedError

    def facts(self, lookup: Lookup) -> Iterator[tuple[str, Value]]:
        yield self.doubt, self._value(lookup)

    def _value(self, lookup: Lookup) -> Value:
        content = lookup.content(self.content)
        return None if content is None else self.value(lookup, content)

    def moves(self, facts: dict[str, Value]) -> None:
        facts[self.doubt] = self.wanted()

    def is_true(self, lookup: Lookup) -> str | None:
        return "" if self._value(lookup) == self.wanted() else None

    def carry(self, draft: Draft) -> None:
        draft.on_content.append(lambda site: self.after(site) if self.id in site.contents else site)

    def after(self, site: Site) -> Site:
        return self.done_to(site).site

    def take_back(self, undoing: Undoing) -> None:
        """Content is put back as a whole (`plan.undo`): locks overwrite more than a change names."""

    def with_ids(self, ids: Mapping[str, str]) -> Change:
        newer = Change.with_ids(self, ids)
        new_id = ids.get(self.content.key) if self.content.is_new else None
        return newer if new_id is None else newer.but(content=self.content.with_id(new_id))

    @property
    def thing(self) -> str:
        """Kind and path, in words."""
        return f"{KIND_NAMES[self.content.kind]} `{self.content.name}`"


class Place(NamedTuple):
    """Where something lies: id and path of a project, or the top level."""

    id: str | None = None
    path: str | None = None


@dataclass(frozen=True, slots=True)
class Move(OfContent):
    """Move content or a project into a project; a project also to the top level."""

    op: ClassVar[str] = "move"
    step: ClassVar[str] = "move"
    FACT: ClassVar[str] = "place"
    overwrites_below: ClassVar[bool] = True
    WORDS: ClassVar[tuple[str, str, str]] = (
        "move {c.thing} to {c.place}",
        "moved {c.thing} to {c.place}",
        "{c.thing} was not moved to {c.place}",
    )

    before: Place
    to: Place

    @classmethod
    def on(cls, site: Site, content: str, target: str | None) -> Self:
        places = (site.contents[content].parent, target)
        before, to = (Place(p, None if p is None else site.path(p)) for p in places)
        return cls(content_ref(site, content), before, to)

    def value(self, lookup: Lookup, content: Content) -> Value:
        return content.parent

    def wanted(self) -> Value:
        return self.to.id

    def done_to(self, site: Site, open_points: OpenPoints = DOCUMENTED) -> Outcome:
        """Refused into itself, into what is no project, where its name is taken, and for content to the top level."""
        content, to = site.contents[self.id], self.to.id
        if content.kind in ("view", "table"):
            return refused(site, "moves_along")
        if (content.kind if to is None else site.contents[to].kind) != "project":
            return refused(site, "top_level" if to is None else "not_applicable")
        if to is not None and self.id in site.ancestors(to):
            return refused(site, "into_itself")
        if self.to.id != content.parent:
            if self.id == site.default_project_id:
                return refused(site, "default_stays")
            if content.kind != "database" and effects.is_name_taken(site, content, self.to.id):
                return refused(site, "exists")
        return done(effects.move(site, self.id, self.to.id, open_points=open_points))

    def with_ids(self, ids: Mapping[str, str]) -> Change:
        to = Ref("project", self.to.path or "", id=self.to.id)
        new_id = ids.get(to.key) if self.to.id is not None and to.is_new else None
        newer = OfContent.with_ids(self, ids)
        return newer if new_id is None else newer.but(to=Place(new_id, self.to.path))

    def inverse(self) -> Move:
        return Move(self.content, self.to, self.before)

    @property
    def place(self) -> str:
        """Where to, in words."""
        return f"`{self.to.path}`" if self.to.path else "the top level"


@dataclass(frozen=True, slots=True)
class SetMode(OfContent):
    """Lock or unlock a project, or a database."""

    op: ClassVar[str] = "set_mode"
    step: ClassVar[str] = "content permissions"
    FACT: ClassVar[str] = "mode"
    overwrites_below: ClassVar[bool] = True
    WORDS: ClassVar[tuple[str, str, str]] = (
        "make {c.thing} {c.becomes}",
        "made {c.thing} {c.becomes}",
        "{c.thing} was not made {c.becomes}",
    )

    before: str
    mode: str

    @classmethod
    def on(cls, site: Site, content: str, mode: str) -> Self:
        """As a change to a project or database of the Site, by id."""
        return cls(content_ref(site, content), site.contents[content].mode, mode)

    @property
    def destructive(self) -> bool:
        return self.mode == LOCKED or self.before == CUSTOMIZABLE

    def value(self, lookup: Lookup, content: Content) -> Value:
        return content.mode

    def wanted(self) -> Value:
        return self.mode

    @property
    def effort(self) -> int:
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
        return SetMode(self.content, self.mode, self.before)

    @property
    def becomes(self) -> str:
        """The mode, in words."""
        return MODE_WORDS.get(self.mode, self.mode)


def locked(site: Site, content: str, mode: str) -> Change:
    """The change that gives a project of the Site, by id, that mode."""
    return SetMode.on(site, content, mode)


@dataclass(frozen=True, slots=True)
class SetTabs(OfContent):
    """Show or hide the sheets of a workbook as tabs."""

    op: ClassVar[str] = "set_tabs"
    step: ClassVar[str] = "sheets as tabs"
    FACT: ClassVar[str] = "tabs"
    overwrites_below: ClassVar[bool] = True
    EFFORT: ClassVar[int] = 40
    WORDS: ClassVar[tuple[str, str, str]] = (
        "turn sheets as tabs of {c.thing} {c.turned}",
        "turned sheets as tabs of {c.thing} {c.turned}",
        "sheets as tabs of {c.thing} were not turned {c.turned}",
    )

    shown: bool

    @classmethod
    def on(cls, site: Site, content: str, *, shown: bool) -> Self:
        return cls(content_ref(site, content), shown)

    @property
    def destructive(self) -> bool:
        return self.shown

    def value(self, lookup: Lookup, content: Content) -> Value:
        return content.tabs

    def wanted(self) -> Value:
        return self.shown

    def done_to(self, site: Site, open_points: OpenPoints = DOCUMENTED) -> Outcome:
        """Refused on anything but a workbook."""
        if site.contents[self.id].kind != "workbook":
            return refused(site, "not_applicable")
        return done((effects.show_tabs if self.shown else effects.hide_tabs)(site, self.id))

    def inverse(self) -> SetTabs:
        return SetTabs(self.content, not self.shown)

    @property
    def turned(self) -> str:
        """On or off."""
        return "on" if self.shown else "off"


def tabbed(site: Site, content: str) -> Change:
    """The change that shows the sheets of a workbook of the Site, by id, as tabs."""
    return SetTabs.on(site, content, shown=True)


@dataclass(frozen=True, slots=True)
class SetDescription(OfContent):
    """Another description, which decides nothing."""

    op: ClassVar[str] = "set_description"
    step: ClassVar[str] = "description"
    FACT: ClassVar[str] = "description"
    WORDS: ClassVar[tuple[str, str, str]] = (
        "describe {c.thing} as `{c.description}`",
        "described {c.thing} as `{c.description}`",
        "{c.thing} was not described as `{c.description}`",
    )

    before: str
    description: str

    @classmethod
    def on(cls, site: Site, content: str, description: str) -> Self:
        return cls(content_ref(site, content), site.contents[content].description, description)

    def value(self, lookup: Lookup, content: Content) -> Value:
        return content.description

    def wanted(self) -> Value:
        return self.description

    def done_to(self, site: Site, open_points: OpenPoints = DOCUMENTED) -> Outcome:
        """Refused on a view, which has none."""
        if site.contents[self.id].kind == "view":
            return refused(site, "not_applicable")
        return done(site.with_contents(replace(site.contents[self.id], description=self.description)))

    def inverse(self) -> SetDescription:
        return SetDescription(self.content, self.description, self.before)


@dataclass(frozen=True, slots=True)
class SetOwner(OfContent):
    """Another owner of a content or a project; `before` is the qualified name of who owns it."""

    op: ClassVar[str] = "set_owner"
    step: ClassVar[str] = "owner"
    FACT: ClassVar[str] = "owner"
    EFFORT: ClassVar[int] = 60
    WORDS: ClassVar[tuple[str, str, str]] = (
        "give {c.thing} to user `{c.owner.qualified}`",
        "gave {c.thing} to user `{c.owner.qualified}`",
        "{c.thing} was not given to user `{c.owner.qualified}`",
    )

    before: str
    owner: Ref

    @classmethod
    def on(cls, site: Site, content: str, owner: str) -> Self:
        return cls(content_ref(site, content), _owner_name(site, site.contents[content]), user_ref(site.users[owner]))

    @property
    def receiver(self) -> Ref:
        return self.owner

    def value(self, lookup: Lookup, content: Content) -> Value:
        return _owner_name(lookup.site, content)

    def wanted(self) -> Value:
        return self.owner.qualified

    def done_to(self, site: Site, open_points: OpenPoints = DOCUMENTED) -> Outcome:
        """Refused for a new owner whose site role cannot own it; views follow their workbook."""
        kind, owner = site.contents[self.id].kind, user_of(site, self.owner)
        if owner is None:
            return refused(site, NOBODY)
        if kind == "view":
            return refused(site, "not_applicable")
        fits = people.assign_owner(site, owner.id, kind, open_points)
        return done(effects.change_owner(site, self.id, owner.id)) if fits.done else fits

    def refusal(self, draft: Draft) -> Refusal | None:
        owner, kind = draft.user(self.owner), self.content.kind
        if owner is None or may_own(owner.site_role, kind):
            return None
        reason = f"may not go to `{owner.qualified}`, who is {owner.site_role}"
        return reason, "name somebody who publishes, or give a higher site role"

    def after(self, site: Site) -> Site:
        return effects.change_owner(site, self.id, Lookup(site).grantee(self.owner).id)


def owned(site: Site, content: str, owner: str) -> Change:
    """The change that gives content of the Site to somebody, both by id."""
    return SetOwner.on(site, content, owner)


def _owner_name(site: Site, content: Content) -> str:
    owner = site.users.get(content.owner)
    return owner.qualified if owner is not None else content.owner


@dataclass(frozen=True, slots=True)
class GiveEverything(Change):
    """All that one user (id) owns to another, of some kinds or in a project (id) where that is said."""

    op: ClassVar[str] = "give_everything"

    owner: str
    to: str
    kinds: tuple[str, ...] = ()
    project: str | None = None

    def things(self, site: Site) -> Iterator[str]:
        """What changes hands: views go with their workbook, and a Personal Space is its owner's alone."""
        within = None if self.project is None else {self.project, *site.below(self.project)}
        for content in site.contents.values():
            fits = content.kind in self.kinds if self.kinds else content.kind != "collection"
            there = within is None or content.id in within
            if not (fits and there and content.owner == self.owner):
                continue
            if content.kind != "view" and not in_personal_space(site, content.id):
                yield content.id

    def steps(self, site: Site) -> tuple[Change, ...]:
        return tuple(SetOwner.on(site, content, self.to).but(because=self.because) for content in self.things(site))

    def done_to(self, site: Site, open_points: OpenPoints = DOCUMENTED) -> Outcome:
        """Refused where the new owner may not own all of it, and where there is nothing."""
        things = list(self.things(site))
        for kind in dict.fromkeys(site.contents[content].kind for content in things):
            if not (fits := people.assign_owner(site, self.to, kind, open_points)).done:
                return fits
        if not things or self.owner == self.to:
            return refused(site, "owns_nothing")
        for content in things:
            site = effects.change_owner(site, content, self.to)
        return done(site)
