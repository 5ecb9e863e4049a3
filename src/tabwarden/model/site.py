"""A Site: everything on one Tableau site at one moment, as plain values.

`User`, `Group`, `Content` and `Rule` are what the rest of the house handles; whoever needs a Site that differs
replaces values and gets a new Site.
A fact that was not read is `None`, never an empty value: what depends on it is unknown.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from types import MappingProxyType
from typing import Any, ClassVar, NamedTuple

from tabwarden.model import indexes, resolver, tables
from tabwarden.model.feeds import DataConnection
from tabwarden.model.refreshes import Refreshes
from tabwarden.model.site_settings import SiteSettings

MODES = ("LockedToProject", "LockedToProjectWithoutNested", "ManagedByOwner")
LOCKED, LOCKED_WITHOUT_NESTED, CUSTOMIZABLE = MODES

ALLOW, DENY = "Allow", "Deny"
DEFAULT_PROJECT = "default"  # its name in any letter case, at the top level
ALL_USERS, LOCAL, ON_LOGIN, ON_SYNC = "All Users", "local", "onLogin", "onSync"


class Grantee(NamedTuple):
    """Who a rule speaks of: `kind` is user, group or groupSet; `id` is theirs on this site."""

    kind: str
    id: str


class Rule(NamedTuple):
    """One capability allowed or denied to one grantee; `capability` is the REST name, known to us or not."""

    grantee: Grantee
    capability: str
    mode: str


GRANTEE_TABLES: Mapping[str, str] = MappingProxyType({"user": "users", "group": "groups", "groupSet": "group_sets"})
"""Where a Site holds the grantees of each kind."""

Rules = frozenset[Rule]
NO_RULES: Rules = frozenset()


@dataclass(frozen=True, slots=True)
class User:
    """A person (or service) on this site. `last_login` is an ISO time in UTC, or None when never or not told.

    `idp_configuration_id` names the identity provider he signs in with, where a site has several (API 3.24).
    """

    id: str
    name: str
    site_role: str
    domain: str = LOCAL
    full_name: str = ""
    email: str = ""
    auth_setting: str | None = None
    last_login: str | None = None
    idp_configuration_id: str | None = None

    @property
    def qualified(self) -> str:
        """As people type him: `domain\\name`, the bare name of a local user."""
        return self.name if self.domain == LOCAL or self.domain.casefold() == LOCAL else f"{self.domain}\\{self.name}"


@dataclass(frozen=True, slots=True)
class Group:
    """A group; `members` are user ids, None when they were not read.

    `everyone` marks All Users, whose members are all users of the site whatever `members` says.
    `minimum_site_role` with `grant_on` = onLogin is grant role on sign-in.
    """

    id: str
    name: str
    domain: str = LOCAL
    members: frozenset[str] | None = frozenset()
    minimum_site_role: str | None = None
    grant_on: str | None = None
    everyone: bool = False


@dataclass(frozen=True, slots=True)
class GroupSet:
    """A group set: its members are the people who are in all of its groups (AND)."""

    id: str
    name: str
    groups: frozenset[str] = frozenset()


class Use(NamedTuple):
    """A published data source behind a workbook; `auth` is embed or prompt."""

    datasource: str
    auth: str


# Stands for data sources of a workbook that were not read: it is on no site, so that access through it is unknown.
UNREAD_USE = Use("", "unread")


@dataclass(frozen=True, slots=True)
class Content:
    """A project, workbook, view, data source, flow, ...; `kind` says which.

    `parent` is the project that holds it (None at the top level), for a view its workbook.
    `rules` are the explicit rules on it, None when they were not read.
    `mode` (project, database) is the content permissions mode; `defaults` (project) the rules per kind;
    `tabs` (workbook) whether sheets are shown as tabs; `uses` (workbook) its published data sources.
    A view's `owner` is its workbook's owner.
    `tags`, `certified` (and why) and `connections` to data outside the site decide nothing; None is not read.
    """

    id: str
    kind: str
    name: str
    parent: str | None
    owner: str
    rules: Rules | None = NO_RULES
    mode: str = CUSTOMIZABLE
    defaults: Mapping[str, Rules | None] = field(default_factory=lambda: MappingProxyType({}))
    tabs: bool = True
    uses: tuple[Use, ...] = ()
    description: str = ""
    created: str = ""
    updated: str = ""
    tags: frozenset[str] | None = frozenset()
    certified: bool | None = False
    certification_note: str | None = ""
    connections: tuple[DataConnection, ...] | None = ()


@dataclass(frozen=True, slots=True)
class Taken:
    """Where, when (ISO, UTC) and by whom a Site was read; `by_role` is the reader's site role."""

    where: str = ""
    when: str = ""
    by: str = ""
    by_role: str = ""


@dataclass(frozen=True)
class Site:
    """Users, groups, group sets and content of one site, each by id.

    `licences` maps a tier (Creator, Explorer, Viewer) to its number of seats; None where the site does not tell.
    `partial` names what was left unread on purpose (empty: the Site is whole).
    `nicknames` are those of the server's domains by FQDN, which only server administrators are told; None: not read.
    `refreshes` tells when extracts are refreshed, None: not read; no snapshot keeps it.
    `switches` are what REST tells of it beside its `settings`, by our names (None: not read); they decide nothing.
    `on_demand` are ids of groups through which an application lets people in whom no snapshot holds.
    `apart` counts what the site keeps and nobody can open (recycle bin, archive, drafts, ...), in words.
    """

    id: str = "site"
    name: str = "Site"
    content_url: str = ""
    users: Mapping[str, User] = field(default_factory=dict)
    groups: Mapping[str, Group] = field(default_factory=dict)
    group_sets: Mapping[str, GroupSet] = field(default_factory=dict)
    contents: Mapping[str, Content] = field(default_factory=dict)
    settings: SiteSettings = field(default_factory=SiteSettings)
    licences: Mapping[str, int] | None = None
    taken: Taken = Taken()
    partial: tuple[str, ...] = ()
    nicknames: Mapping[str, str] | None = None
    refreshes: Refreshes | None = None
    switches: Mapping[str, bool] | None = field(default=None, compare=False)
    on_demand: frozenset[str] = frozenset()
    apart: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    columns_beside: ClassVar[Any] = None  # opens the columns of this very value, where it was opened and not made

    # -- who is in what ---------------------------------------------------------------------------------------

    @cached_property
    def _groups_of(self) -> Mapping[str, frozenset[str]]:
        return indexes.groups_of(self)

    def groups_of(self, user: str) -> frozenset[str]:
        """Ids of the groups `user` is in, All Users included."""
        return self._groups_of.get(user, frozenset())

    def group_sets_of(self, user: str) -> frozenset[str]:
        """Ids of the group sets all of whose groups hold `user`; an empty set holds nobody."""
        mine = self.groups_of(user)
        return frozenset(s.id for s in self.group_sets.values() if s.groups and s.groups <= mine)

    def members(self, group: str) -> frozenset[str]:
        """User ids in `group`; of a group whose members were not read, none (see `Group.members`)."""
        return frozenset((self.users if self.groups[group].everyone else self.groups[group].members) or ())

    @property
    def all_users(self) -> Group | None:
        """The built-in group All Users."""
        return next((g for g in self.groups.values() if g.everyone), None)

    @cached_property
    def _children(self) -> Mapping[str | None, tuple[str, ...]]:
        return indexes.counted(self, "_children")

    def children(self, content: str | None) -> tuple[str, ...]:
        """Ids of what lies directly in a project or workbook; None asks for the top level."""
        return self._children.get(content, ())

    def below(self, content: str) -> Iterator[str]:
        """Ids of everything under `content`, at any depth, parents before children."""
        for child in self.children(content):
            yield child
            yield from self.below(child)

    def project_of(self, content: str) -> str | None:
        """The project that holds `content` (a view's workbook); None at the top, an id not read as it stands."""
        parent = self.contents[content].parent
        for thing in self.lineage(parent):
            if thing.kind == "project":
                return thing.id
            parent = thing.parent
        return parent

    def ancestors(self, content: str | None) -> Iterator[str]:
        """Ids of `content` itself and of what holds it, up to the top; a parent that was not read ends the walk."""
        return (thing.id for thing in self.lineage(content))

    def lineage(self, content: str | None) -> tuple[Content, ...]:
        """`content` itself and what holds it, as `ancestors`; what was asked last is asked again and again."""
        last: tuple[str | None, tuple[Content, ...]] | None = self.__dict__.get("_lineage")
        if last is None or last[0] != content:
            contents, things, one = self.contents, dict[str, Content](), content
            while one is not None and one not in things and (thing := contents.get(one)) is not None:
                things[one], one = thing, thing.parent  # in a damaged snapshot a thing may hold itself
            last = self.__dict__["_lineage"] = content, tuple(things.values())
        return last[1]

    @property
    def default_project_id(self) -> str | None:
        """The built-in project Default: new top-level projects copy it, and nobody deletes it."""
        top = (self.contents[c] for c in self.children(None))
        return next((c.id for c in top if c.kind == "project" and c.name.casefold() == DEFAULT_PROJECT), None)

    def path(self, content: str) -> str:
        """The way a person writes it: `Finance/Budget/Overview`."""
        return "/".join(reversed([thing.name for thing in self.lineage(content)]))

    @cached_property
    def _repeated(self) -> Mapping[str, bool]:
        return indexes.repeated(self)

    @cached_property
    def _users_by_called(self) -> Mapping[tuple[str, str], tuple[str, ...]]:
        return indexes.counted(self, "_users_by_called")

    def called(self, user: str) -> str:
        """How a user is written wherever people are listed: by user name, or `domain\\name` where names repeat.

        That is where somebody else has the same user name or display name. An id that is nobody's stands as it is.
        """
        person = self.users.get(user)
        if person is None:
            return user
        return f"{person.domain}\\{person.name}" if self._repeated.get(user, False) else person.name

    def display_name(self, user: str) -> str:
        """The display name; with `domain\\name` behind it where it alone would not say who that is."""
        shown, repeats = self.users[user].full_name, self._repeated.get(user, False)
        return f"{shown} ({self.called(user)})" if shown and repeats else shown

    # -- finding by what people type --------------------------------------------------------------------------

    @cached_property
    def _users_by_name(self) -> Mapping[str, tuple[str, ...]]:
        return indexes.counted(self, "_users_by_name")

    def users_named(self, name: str) -> tuple[str, ...]:
        """Ids of the users with that name or `domain\\name`, in any letter case; several on several domains."""
        return indexes.users_under(self, name)

    def find_user(self, words: str) -> User:
        """The one user a person means by name, `domain\\name` or id; else UnknownName or AmbiguousName."""
        return self.users[resolver.user_meant(self, words)]

    @cached_property
    def _groups_by_name(self) -> Mapping[str, tuple[str, ...]]:
        return indexes.counted(self, "_groups_by_name")

    def groups_named(self, name: str) -> tuple[str, ...]:
        """Ids of the groups with that name or `domain\\name`, in any letter case."""
        return indexes.under(self._groups_by_name, name)

    def find_group(self, words: str) -> Group:
        """The one group a person means by name, `domain\\name` or id; else UnknownName or AmbiguousName."""
        return self.groups[resolver.group_meant(self, words)]

    def find_group_set(self, words: str) -> GroupSet:
        """The one group set a person means by name or id; else UnknownName or AmbiguousName."""
        return self.group_sets[resolver.group_set_meant(self, words)]

    @cached_property
    def _contents_by_path(self) -> Mapping[str, tuple[str, ...]]:
        return indexes.counted(self, "_contents_by_path")

    def contents_at(self, path: str) -> tuple[str, ...]:
        """Ids of the contents with that path, in any letter case."""
        return indexes.under(self._contents_by_path, path)

    @cached_property
    def _contents_by_owner(self) -> Mapping[str, tuple[str, ...]]:
        return indexes.counted(self, "_contents_by_owner")

    def owned_by(self, user: str) -> tuple[str, ...]:
        """Ids of the contents `user` owns."""
        return self._contents_by_owner.get(user, ())

    @cached_property
    def _contents_by_grantee(self) -> Mapping[Grantee, tuple[str, ...]]:
        return indexes.counted(self, "_contents_by_grantee")

    def speaking_of(self, grantee: Grantee) -> tuple[str, ...]:
        """Ids of the contents whose own rules or defaults name a grantee."""
        return self._contents_by_grantee.get(grantee, ())

    def find_content(self, words: str) -> Content:
        """The one content a person means by path, `kind:path` or id; else UnknownName or AmbiguousName."""
        return self.contents[resolver.content_meant(self, words)]

    def written(self, content: str) -> str:
        """The path of a content; with its kind, or its id alone, where the path would mean something else too."""
        return resolver.content_written(self, content)

    def indexed(self, indexes: Mapping[str, object]) -> Site:
        """This value with cached properties, by name, looked up in an index; a Site made of it carries them on."""
        self.__dict__.update(indexes)
        return self

    def with_users(self, *users: User) -> Site:
        """This Site with these users added or replaced."""
        return self._with("users", users)

    def with_groups(self, *groups: Group) -> Site:
        """This Site with these groups added or replaced."""
        return self._with("groups", groups)

    def with_group_sets(self, *group_sets: GroupSet) -> Site:
        """This Site with these group sets added or replaced."""
        return self._with("group_sets", group_sets)

    def with_contents(self, *contents: Content) -> Site:
        """This Site with these contents added or replaced."""
        return self._with("contents", contents)

    def without_users(self, ids: Iterable[str]) -> Site:
        """This Site without these users; what was theirs is the caller's business."""
        return self._without("users", ids)

    def without_groups(self, ids: Iterable[str]) -> Site:
        """This Site without these groups; what named them is the caller's business."""
        return self._without("groups", ids)

    def without_group_sets(self, ids: Iterable[str]) -> Site:
        """This Site without these group sets; what named them is the caller's business."""
        return self._without("group_sets", ids)

    def without_contents(self, ids: Iterable[str]) -> Site:
        """This Site without these contents; what lies below them is the caller's business."""
        return self._without("contents", ids)

    def _with(self, table: str, things: Iterable[User | Group | GroupSet | Content]) -> Site:
        by_id = {thing.id: thing for thing in things}
        return self._later(table, tables.with_these(getattr(self, table), by_id), by_id)

    def _without(self, table: str, ids: Iterable[str]) -> Site:
        return self._later(table, tables.without(getattr(self, table), gone := tuple(ids)), gone)

    def _later(self, table: str, later: Mapping[str, Any], ids: Iterable[str]) -> Site:
        after = replace(self, **{table: later})  # type: ignore[arg-type]
        return after.indexed(indexes.carried(self, after, table, ids))

    @property
    def bare(self) -> Site:
        """The facts of the site itself, without anybody or anything on it."""
        return replace(self, users={}, groups={}, group_sets={}, contents={})

    @property
    def without_locks(self) -> Site:
        """This Site with every project customizable: what the classic model knows of it."""
        return self._unlocked or self

    @cached_property
    def _unlocked(self) -> Site | None:  # None where that is this one: it would hold itself, and outlive its last user
        locked = [replace(c, mode=CUSTOMIZABLE) for c in self.contents.values() if c.mode != CUSTOMIZABLE]
        return self.with_contents(*locked) if locked else None
