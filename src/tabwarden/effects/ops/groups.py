"""Groups created, changed, deleted, and those of a directory imported and synchronised by Tableau itself."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, NamedTuple, Self

from tabwarden.effects import people
from tabwarden.effects.change import CONTENT, NOBODY, Change, Refusal, Value, grants_fact, of_directory, refused
from tabwarden.effects.draft import Draft, Undoing
from tabwarden.effects.people import Outcome
from tabwarden.effects.ref import GROUP, Lookup, Ref, group_ref
from tabwarden.model.open_points import DOCUMENTED, OpenPoints
from tabwarden.model.site import ON_SYNC, Grantee, Group, Site

BY_DIRECTORY = "by_directory"


class Grants(NamedTuple):
    """The minimum site role of a group's members, None: none, and when it is given."""

    minimum_site_role: str | None = None
    grant_on: str | None = None

    @classmethod
    def of(cls, group: Group) -> Grants:
        return cls(group.minimum_site_role, group.grant_on)

    @property
    def words(self) -> str:
        """`Viewer on sign-in`."""
        when = "at synchronisation" if self.grant_on == ON_SYNC else "on sign-in"
        return f"{self.minimum_site_role or 'no role'} {when}"

    @property
    def by_directory(self) -> str:
        """The same, of a group of a directory: without a role there is no time."""
        return self.words if self.minimum_site_role else "no role"


NO_GRANTS = Grants()


@dataclass(frozen=True, slots=True)
class _OfGroup(Change):
    group: Ref


@dataclass(frozen=True, slots=True)
class _Made(_OfGroup):
    """A group that is not there yet."""

    grants: Grants = NO_GRANTS

    @property
    def creates(self) -> Ref:
        return self.group

    def carry(self, draft: Draft) -> None:
        draft.add_group(self.group, *self.grants)

    def take_back(self, undoing: Undoing) -> None:
        group = undoing.group(self.group)
        if group is None:
            return
        members = undoing.members.get(group.id)
        if members:
            undoing.hold(group.name, f"the group has {len(members)} members of others by now")
        else:
            del undoing.groups[group.id]

    def moves(self, facts: dict[str, Value]) -> None:
        facts[self.group.key] = grants_fact(*self.grants)
        facts.pop(f"id of {self.group.key}", None)


@dataclass(frozen=True, slots=True)
class CreateGroup(_Made):
    """Create a local group."""

    op: ClassVar[str] = "create_group"
    step: ClassVar[str] = "create group"
    WORDS: ClassVar[tuple[str, str, str]] = (
        "create group `{c.group.qualified}`, which grants {c.grants.words}",
        "created group `{c.group.qualified}`, which grants {c.grants.words}",
        "group `{c.group.qualified}` was not created",
    )

    def done_to(self, site: Site, open_points: OpenPoints = DOCUMENTED) -> Outcome:
        """Refused where there is one of that name."""
        ref = self.group
        return people.create_group(site, Group(ref.new_id, ref.name, ref.domain, frozenset(), *self.grants))

    def refusal(self, draft: Draft) -> Refusal | None:
        if draft.group(self.group) is not None:
            return f"there is a group `{self.group.qualified}` already", "give one of them another name"
        return of_directory(self.group)

    def is_true(self, lookup: Lookup) -> str | None:
        group = lookup.group(self.group)
        return group.id if group is not None and Grants.of(group) == self.grants else None


@dataclass(frozen=True, slots=True)
class _Granting(_OfGroup):
    """A group that is there, and what it grants from now on."""

    before: Grants
    grants: Grants

    def carry(self, draft: Draft) -> None:
        if (group := draft.group(self.group)) is not None:
            draft.groups[group.id] = _granting(group, self.grants)

    def moves(self, facts: dict[str, Value]) -> None:
        facts[self.group.key] = grants_fact(*self.grants)


@dataclass(frozen=True, slots=True)
class UpdateGroup(_Granting):
    """Let a local group grant another minimum site role, or at another time."""

    op: ClassVar[str] = "update_group"
    step: ClassVar[str] = "change group"
    WORDS: ClassVar[tuple[str, str, str]] = (
        "let group `{c.group.qualified}` grant {c.grants.words}",
        "group `{c.group.qualified}` grants {c.grants.words} now",
        "group `{c.group.qualified}` was not changed to grant {c.grants.words}",
    )

    def done_to(self, site: Site, open_points: OpenPoints = DOCUMENTED) -> Outcome:
        group = Lookup(site).group(self.group)
        if group is None:
            return refused(site, NOBODY)
        return people.update_group(site, _granting(group, self.grants))

    def refusal(self, draft: Draft) -> Refusal | None:
        return of_directory(self.group)

    def take_back(self, undoing: Undoing) -> None:
        group = undoing.group(self.group)
        if group is None:
            return
        if Grants.of(group) == self.grants:
            undoing.groups[group.id] = _granting(group, self.before)
        elif Grants.of(group) != self.before:
            undoing.hold(group.name, "the group grants something else by now")

    def inverse(self) -> UpdateGroup:
        return UpdateGroup(self.group, self.grants, self.before)

    def is_true(self, lookup: Lookup) -> str | None:
        group = lookup.group(self.group)
        return "" if group is not None and Grants.of(group) == self.grants else None


def _granting(group: Group, grants: Grants) -> Group:
    return replace(group, minimum_site_role=grants.minimum_site_role, grant_on=grants.grant_on)


@dataclass(frozen=True, slots=True)
class DeleteGroup(_OfGroup):
    """Delete a group with its rules; what it granted and its members' names are the way back.

    `rules` is how many rules name it, where content was read: they come back from the snapshot before it.
    """

    op: ClassVar[str] = "delete_group"
    step: ClassVar[str] = "delete group"
    DESTRUCTIVE: ClassVar[bool] = True
    WORDS: ClassVar[tuple[str, str, str]] = (
        "delete group `{c.group.qualified}`{c.with_it}",
        "deleted group `{c.group.qualified}`{c.with_it}",
        "group `{c.group.qualified}` was not deleted",
    )

    grants: Grants = NO_GRANTS
    members: tuple[str, ...] = ()
    rules: int = 0

    @classmethod
    def on(cls, site: Site, group: str) -> Self:
        known = site.groups[group]
        names = sorted(site.users[user].qualified for user in site.members(group))
        contents = (site.contents[content] for content in site.speaking_of(Grantee(GROUP, group)))
        lists = (rules for c in contents for rules in (c.rules, *c.defaults.values()))
        rules = sum(rule.grantee == (GROUP, group) for rules in lists for rule in rules or ())
        return cls(group_ref(known), Grants.of(known), tuple(names), rules)

    @property
    def reads(self) -> frozenset[str]:
        return frozenset({CONTENT}) if self.rules else self.READS

    @property
    def writes_content(self) -> bool:
        return self.rules > 0

    @property
    def with_it(self) -> str:
        """What goes with it, in words."""
        return f" and its {self.rules} rules" if self.rules else ""

    def done_to(self, site: Site, open_points: OpenPoints = DOCUMENTED) -> Outcome:
        """Refused for All Users."""
        group = Lookup(site).group(self.group)
        if group is None:
            return refused(site, NOBODY)
        return people.delete_group(site, group.id, open_points)

    def carry(self, draft: Draft) -> None:
        if (group := draft.group(self.group)) is not None:
            draft.deleted.append(group.id)

    def take_back(self, undoing: Undoing) -> None:
        ref = self.group
        if undoing.group(ref) is not None or undoing.lookup.group(ref.with_id(None)) is not None:
            return
        group_id = undoing.add_group(ref, *self.grants)
        for name in self.members:
            ids = undoing.before.users_named(name)
            if len(ids) == 1 and ids[0] in undoing.users:
                undoing.members[group_id].add(ids[0])
        if not self.rules:
            undoing.notes.append(f"group `{ref.qualified}` is created again: rules that named it are lost")

    def moves(self, facts: dict[str, Value]) -> None:
        key = self.group.key
        facts[key] = facts[f"id of {key}"] = None
        for name in [name for name in facts if name.endswith(f" in {key}")]:
            facts[name] = False

    def is_true(self, lookup: Lookup) -> str | None:
        return "" if lookup.group(self.group) is None else None


# -- groups of a directory ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ImportGroup(_Made):
    """Have Tableau import a group of the directory; `expected` is what the notes of its job are to count."""

    op: ClassVar[str] = "import_group"
    step: ClassVar[str] = "import group"
    WORDS: ClassVar[tuple[str, str, str]] = (
        "import group `{c.group.qualified}` from the directory, which grants {c.grants.by_directory}",
        "imported group `{c.group.qualified}` from the directory, which grants {c.grants.by_directory}",
        "group `{c.group.qualified}` was not imported from the directory",
    )

    expected: tuple[tuple[str, int], ...] = ()

    def done_to(self, site: Site, open_points: OpenPoints = DOCUMENTED) -> Outcome:
        """Nobody here knows who is in it."""
        return refused(site, BY_DIRECTORY)


@dataclass(frozen=True, slots=True)
class SyncGroup(_Granting):
    """Have Tableau synchronise a group with the directory; `expected` is what the notes of its job are to count."""

    op: ClassVar[str] = "sync_group"
    step: ClassVar[str] = "synchronise group"
    WORDS: ClassVar[tuple[str, str, str]] = (
        "synchronise group `{c.group.qualified}` with the directory, which grants {c.grants.by_directory}",
        "synchronised group `{c.group.qualified}` with the directory, which grants {c.grants.by_directory}",
        "group `{c.group.qualified}` was not synchronised with the directory",
    )

    expected: tuple[tuple[str, int], ...] = ()

    def done_to(self, site: Site, open_points: OpenPoints = DOCUMENTED) -> Outcome:
        """As ImportGroup."""
        return refused(site, BY_DIRECTORY)

    @property
    def blocks(self) -> Ref:
        return self.group

    def take_back(self, undoing: Undoing) -> None:
        group = undoing.group(self.group)
        if group is not None and self.before != self.grants:
            role = self.before.minimum_site_role
            was = f"{role} ({self.before.grant_on})" if role else "no role"
            undoing.hold(group.name, f"granted {was} before", "say so under `groups` and synchronise again")
