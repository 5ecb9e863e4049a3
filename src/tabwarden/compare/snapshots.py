"""Two snapshots of one site side by side: the facts that differ, the access that differs, what nobody can know.

Everybody and everything is known by id: a new name is a new name, and who comes back with another id is somebody else.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from itertools import chain
from typing import NamedTuple, TypeVar

from tabwarden.access.answer import UNKNOWN
from tabwarden.access.few import few
from tabwarden.access.reference import as_seen_by, may
from tabwarden.compare.access_changes import Reach, Under
from tabwarden.compare.between_sites import Base, Progress
from tabwarden.model.capability import capabilities_of
from tabwarden.model.errors import UnknownName
from tabwarden.model.feeds import DataConnection
from tabwarden.model.scope import DESCRIPTIONS, scope_of
from tabwarden.model.site import Content, Group, Rules, Site, User
from tabwarden.model.tables import in_order

USER, GROUP, GROUP_SET, CONTENT, SITE = "user", "group", "group_set", "content", "site"
ADDED, REMOVED = "added", "removed"
NOT_READ = None
Value = str | bool | frozenset[str] | Rules | None
_Thing = TypeVar("_Thing")


class Fact(NamedTuple):
    """One fact that differs: `what` of the thing of kind `about` with that id was `before` and is `after`.

    `what` is added, removed, name, domain, site_role, minimum_site_role, grant_on, members, groups, parent,
    owner, description, mode, tabs, tags, certified, certification_note, connections, rules, default_rules (of `kind`),
    on_demand, or a setting of the site. Of members, groups, tags, connections and rules `before` are those only the
    earlier has, `after` those only the later has; None: not read.
    """

    about: str
    id: str
    what: str
    before: Value = None
    after: Value = None
    kind: str | None = None


class Unknown(NamedTuple):
    """Decisions nobody can tell on one of the Sites, because facts were not read: how many, whose, and on what."""

    decisions: int
    users: frozenset[str]
    contents: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Compared:
    """The earlier and the later Site, what differs, and what is unknown on either."""

    before: Site
    after: Site
    facts: tuple[Fact, ...]
    reach: Reach
    unknown: tuple[Unknown, Unknown]

    @property
    def same(self) -> bool:
        """Whether nothing differs that could be known."""
        return not self.facts and not self.reach.count.decisions


def compared(before: Site, after: Site, under: Under | None = None, progress: Progress | None = None) -> Compared:
    """Two snapshots of one site side by side.

    UnknownName, naming both, where they are of different sites, or of different parts of one: what one of them left
    out would seem to be gone.
    """
    if before.id != after.id:
        raise UnknownName(
            f"these are different sites: {_site_words(before)} and {_site_words(after)}; "
            "give two snapshots of the same one"
        )
    if scope_of(before) != scope_of(after):
        scopes = (f"{site.taken.when or 'one'}: {scope_of(site) or 'the whole site'}" for site in (before, after))
        raise UnknownName(f"these are reads of different parts of the site ({', '.join(scopes)}); give two of the same")
    under = under or Under()
    reach = Base(before, under).reach(after, progress=progress)
    return Compared(before, after, tuple(facts(before, after)), reach, (unknown(before, under), unknown(after, under)))


def _site_words(site: Site) -> str:
    where = f" on `{site.taken.where}`" if site.taken.where else ""
    return f"`{site.name}` (id `{site.id}`){where}"


# -- facts ----------------------------------------------------------------------------------------------------


def facts(before: Site, after: Site) -> Iterator[Fact]:
    """Every fact that differs: people, groups, sets, content with its rules, the site's settings."""
    for setting in fields(before.settings):
        was, now = getattr(before.settings, setting.name), getattr(after.settings, setting.name)
        if was != now:
            yield Fact(SITE, after.id, setting.name, was, now)
    if before.on_demand != after.on_demand:
        yield Fact(SITE, after.id, "on_demand", *_sides(before.on_demand, after.on_demand))
    for user, left, right in _both(before.users, after.users):
        yield from _came_or_went(USER, user, left, right)
        if left is not None and right is not None:
            yield from _fields(USER, left, right, "name", "domain", "site_role")
    for group, old, new in _both(before.groups, after.groups):
        yield from _of_group(group, old, new)
    for key, one, other in _both(before.group_sets, after.group_sets):
        yield from _came_or_went(GROUP_SET, key, one, other)
        if one is not None and other is not None:
            yield from _fields(GROUP_SET, one, other, "name")
            if one.groups != other.groups:
                yield Fact(GROUP_SET, key, "groups", one.groups - other.groups, other.groups - one.groups)
    words_unread = DESCRIPTIONS in (*before.partial, *after.partial)
    for content, was_there, is_there in _both(before.contents, after.contents):
        for fact in _of_content(content, was_there, is_there):
            if not (words_unread and fact.what == "description" and after.contents[content].kind == "workbook"):
                yield fact


def _both(
    before: Mapping[str, _Thing], after: Mapping[str, _Thing]
) -> Iterator[tuple[str, _Thing | None, _Thing | None]]:
    """What differs, on either side or both, in the order of the earlier."""
    # Tables that lie beside a history know what differs without anything being made.
    unlike = before.unlike(after) if hasattr(before, "unlike") else None
    old, new = (table if unlike is None else in_order(table, unlike) for table in (before, after))
    for key in chain(old, (key for key in new if key not in before)):
        left, right = before.get(key), after.get(key)
        if left != right:
            yield key, left, right


def _came_or_went(about: str, key: str, left: object, right: object) -> Iterator[Fact]:
    if left is None or right is None:
        yield Fact(about, key, ADDED if left is None else REMOVED)


def _fields(about: str, left: User | Group | Content | object, right: object, *names: str) -> Iterator[Fact]:
    for name in names:
        was, now = getattr(left, name), getattr(right, name)
        if was != now:
            yield Fact(about, str(getattr(left, "id", "")), name, was, now)


def _of_group(group: str, old: Group | None, new: Group | None) -> Iterator[Fact]:
    yield from _came_or_went(GROUP, group, old, new)
    if new is None:
        return
    if old is None:
        if new.members and not new.everyone:
            yield Fact(GROUP, group, "members", frozenset(), new.members)
        return
    yield from _fields(GROUP, old, new, "name", "domain", "minimum_site_role", "grant_on")
    if old.members != new.members and not new.everyone:
        yield Fact(GROUP, group, "members", *_sides(old.members, new.members))


def _of_content(content: str, old: Content | None, new: Content | None) -> Iterator[Fact]:
    yield from _came_or_went(CONTENT, content, old, new)
    if new is None:
        return
    if old is not None:
        yield from _fields(CONTENT, old, new, "name", "description", "parent", "owner", "mode", "tabs")
        yield from _marks(content, old, new)
    was_rules = frozenset() if old is None else old.rules
    if was_rules != new.rules:
        yield Fact(CONTENT, content, "rules", *_sides(was_rules, new.rules))
    was_defaults = {} if old is None else old.defaults
    for kind in sorted({*was_defaults, *new.defaults}):
        left, right = was_defaults.get(kind, frozenset()), new.defaults.get(kind, frozenset())
        if left != right:
            yield Fact(CONTENT, content, "default_rules", *_sides(left, right), kind=kind)


def _marks(content: str, old: Content, new: Content) -> Iterator[Fact]:
    """Tags, certification, connections; what was not read on one side differs in nothing."""
    if old.certified is not None and new.certified is not None:
        yield from _fields(CONTENT, old, new, "certified")
    if old.certification_note is not None and new.certification_note is not None:
        yield from _fields(CONTENT, old, new, "certification_note")
    tags = old.tags, new.tags
    if None not in tags and old.tags != new.tags:
        yield Fact(CONTENT, content, "tags", *_sides(*tags))
    before, after = (one.connections and frozenset(map(connection_words, one.connections)) for one in (old, new))
    if old.connections is not None and new.connections is not None and before != after:
        yield Fact(CONTENT, content, "connections", *_sides(before or frozenset(), after or frozenset()))


def connection_words(connection: DataConnection) -> str:
    """`postgres on db.example.com as etl, password embedded`."""
    where = f" on {connection.server}" if connection.server else ""
    who = f" as {connection.user}" if connection.user else ""
    password = {None: "", True: ", password embedded", False: ", password asked for"}[connection.embedded]
    return f"{connection.kind}{where}{who}{password}"


def _sides(
    left: frozenset[_Thing] | None, right: frozenset[_Thing] | None
) -> tuple[frozenset[_Thing] | None, frozenset[_Thing] | None]:
    """What only the one has and what only the other has; of a list that was not read None, and of the other all."""
    if left is None or right is None:
        return left, right
    return left - right, right - left


# -- what nobody can know -------------------------------------------------------------------------------------


def unknown(site: Site, under: Under) -> Unknown:
    """The decisions on a Site that are unknown, counted."""
    if not few(site):
        # Only large Sites need it, and loading it takes longer than answering on a small one.
        from tabwarden.compare.by_engine import unknown_on_large

        return Unknown(*unknown_on_large(site, under))
    seen = as_seen_by(site, under.model)
    people: set[str] = set()
    contents: dict[str, int] = {}
    for item in seen.contents.values():
        for capability in capabilities_of(item.kind, under.model):
            for user in seen.users:
                answer = may(seen, user, capability, item.id, model=under.model, open_points=under.open_points)
                if answer.verdict == UNKNOWN:
                    people.add(user)
                    contents[item.id] = contents.get(item.id, 0) + 1
    return Unknown(sum(contents.values()), frozenset(people), contents)
