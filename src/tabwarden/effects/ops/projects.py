"""Projects made, and content deleted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import ClassVar, Self

from tabwarden.effects import content as effects
from tabwarden.effects import people
from tabwarden.effects.change import Change, Refusal, Value, done, refused
from tabwarden.effects.draft import Draft
from tabwarden.effects.ops.content import MODE_WORDS, OfContent, locked
from tabwarden.effects.ops.rules import rows_between
from tabwarden.effects.people import Outcome
from tabwarden.effects.ref import NEW, Lookup, Ref, content_ref, user_ref
from tabwarden.model.governing import managing_project
from tabwarden.model.names import same
from tabwarden.model.open_points import DOCUMENTED, OpenPoints
from tabwarden.model.roles import may_own
from tabwarden.model.site import CUSTOMIZABLE, LOCKED, NO_RULES, Content, Site

THERE = "there"
EMPTY = ""


@dataclass(frozen=True, slots=True)
class NewProject(OfContent):
    """A new project; its name is what its path has more than its parent's, its id on a Site `new:` and its path.

    Without `owner` it belongs to whoever makes it. `like` is the id of a project whose rules, defaults and mode it
    gets, or EMPTY for no rules; a plan writes those apart.
    """

    op: ClassVar[str] = "new_project"
    step: ClassVar[str] = "new project"
    WORDS: ClassVar[tuple[str, str, str]] = (
        "make {c.thing}{c.belongs}{c.is_locked}",
        "made {c.thing}{c.belongs}{c.is_locked}",
        "{c.thing} was not made",
    )

    parent: Ref | None = None
    owner: Ref | None = None
    like: str | None = None
    mode: str = CUSTOMIZABLE
    description: str = ""

    @classmethod
    def on(cls, site: Site, path: str, parent: str | None, owner: str | None = None, like: str | None = None) -> Self:
        """As a change to the Site, by ids; `path` is the whole one."""
        into = None if parent is None else content_ref(site, parent)
        who = None if owner is None else user_ref(site.users[owner])
        return cls(Ref("project", path, id=new_project_id(path)), into, who, like)

    @property
    def name(self) -> str:
        return self.content.name if self.parent is None else self.content.name[len(self.parent.name) + 1 :]

    @property
    def creates(self) -> Ref:
        return self.content

    @property
    def doubt(self) -> str:
        return f"project {same(self.content.name)}"

    @property
    def receiver(self) -> Ref | None:
        return self.owner

    def value(self, lookup: Lookup, content: Content) -> Value:
        return THERE

    def wanted(self) -> Value:
        return THERE

    def is_true(self, lookup: Lookup) -> str | None:
        content = lookup.content(self.content.with_id(None))
        return None if content is None else content.id

    def with_ids(self, ids: Mapping[str, str]) -> Change:
        newer = OfContent.with_ids(self, ids)
        parent = self.parent
        if parent is None or not parent.is_new or parent.key not in ids:
            return newer
        return newer.but(parent=parent.with_id(ids[parent.key]))

    def done_to(self, site: Site, open_points: OpenPoints = DOCUMENTED) -> Outcome:
        """As Tableau makes one (a copy of its parent or of Default), then, with `like`, as the template says."""
        lookup = Lookup(site)
        parent = None if self.parent is None else lookup.content(self.parent)
        if self.id in site.contents or lookup.content(self.content.with_id(None)) is not None:
            return refused(site, "exists")
        if self.parent is not None and (parent is None or parent.kind != "project"):
            return refused(site, "not_applicable")
        owner = "" if self.owner is None else lookup.grantee(self.owner).id
        if owner in site.users and not (fits := people.assign_owner(site, owner, "project", open_points)).done:
            return fits
        above = None if parent is None else parent.id
        owner = owner or whoever_makes(site)
        draft = Content(
            self.id, "project", self.name, above, owner, mode=self.mode, description=self.description, tabs=True
        )
        if effects.is_name_taken(site, draft, above):
            return refused(site, "exists")
        after = effects.create_project(site, draft)
        if self.like is None or managing_project(after, self.id) not in (None, self.id):
            return done(after)
        if self.like == EMPTY:
            plain = after.contents[self.id]
            none = MappingProxyType(dict.fromkeys(plain.defaults, NO_RULES))
            return done(after.with_contents(replace(plain, rules=NO_RULES, defaults=none)))
        model = site.contents[self.like]
        mode = model.mode if managing_project(site, self.like) in (None, self.like) else LOCKED
        content = replace(after.contents[self.id], rules=model.rules, defaults=model.defaults, mode=mode)
        return done(after.with_contents(content))

    def steps(self, site: Site) -> tuple[Change, ...]:
        if self.like is None:
            return (self,)
        first = self.but(like=None)
        plain, wanted = (one.done_to(site).site for one in (first, self))
        mode = wanted.contents[self.id].mode
        lock = (locked(plain, self.id, mode),) if mode != plain.contents[self.id].mode else ()
        return (first, *rows_between(plain, wanted, (self.id,)), *lock)

    def refusal(self, draft: Draft) -> Refusal | None:
        owner = draft.user(self.owner)
        if owner is not None and not may_own(owner.site_role, "project"):
            reason = f"may not go to `{owner.qualified}`, who is {owner.site_role}"
            return reason, "name somebody who publishes, or give a higher site role"
        if draft.lookup.content(self.content.with_id(None)) is not None:
            return "is there already", "leave it out, or choose another name"
        return None

    def carry(self, draft: Draft) -> None:
        draft.on_content.append(lambda site: self.done_to(site).site)

    @property
    def belongs(self) -> str:
        """Whose it is, in words."""
        return "" if self.owner is None else f" owned by `{self.owner.qualified}`"

    @property
    def is_locked(self) -> str:
        """The mode, in words, where it is locked."""
        return "" if self.mode == CUSTOMIZABLE else f", {MODE_WORDS[self.mode]}"


def whoever_makes(site: Site) -> str:
    """The owner (id) of what is made without one: who read the site, where that can be told; else empty."""
    users = site.users_named(site.taken.by)
    return users[0] if len(users) == 1 else ""


def new_project_id(path: str) -> str:
    """The id a project is thought to have until Tableau gives one."""
    return f"{NEW}{path.casefold()}"


@dataclass(frozen=True, slots=True)
class DeleteContent(OfContent):
    """Delete content and all below it; `lost` counts what of it no request can make again."""

    op: ClassVar[str] = "delete_content"
    step: ClassVar[str] = "delete"
    DESTRUCTIVE: ClassVar[bool] = True
    overwrites_below: ClassVar[bool] = True
    WORDS: ClassVar[tuple[str, str, str]] = (
        "delete {c.thing}{c.with_it}",
        "deleted {c.thing}{c.with_it}",
        "{c.thing} was not deleted",
    )

    lost: int = 0
    below: int = 0

    @classmethod
    def on(cls, site: Site, content: str) -> Self:
        gone = [content, *site.below(content)]
        lost = sum(1 for one in gone if site.contents[one].kind != "project")
        return cls(content_ref(site, content), lost, len(gone) - 1)

    @property
    def doubt(self) -> str:
        return f"things in and below {self.content.id}"

    def facts(self, lookup: Lookup) -> Iterator[tuple[str, Value]]:
        yield self.doubt, self._value(lookup)

    def value(self, lookup: Lookup, content: Content) -> Value:
        return 1 + sum(1 for _ in lookup.site.below(content.id))

    def wanted(self) -> Value:
        return None

    def done_to(self, site: Site, open_points: OpenPoints = DOCUMENTED) -> Outcome:
        """The Default project stays."""
        if self.id == site.default_project_id:
            return refused(site, "default_project")
        return done(effects.delete_content(site, self.id))

    @property
    def gone_for_good(self) -> int:
        return self.lost

    @property
    def with_it(self) -> str:
        """How much goes with it, in words."""
        return f" with {self.below} things in it" if self.below else ""
