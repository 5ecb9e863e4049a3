"""A Site from Tableau Server's repository, or all its sites."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from types import MappingProxyType

from tabwarden.model.capability import kind_named
from tabwarden.model.errors import UnknownName
from tabwarden.model.feeds import DataConnection
from tabwarden.model.governing import LOCKED_TO_DATABASE, managing_project, nested_rules
from tabwarden.model.names import same
from tabwarden.model.roles import TIERS
from tabwarden.model.scope import CONNECTED, PERSONAL, SETTINGS, SIGN_IN, TAGS
from tabwarden.model.site import LOCAL, NO_RULES, UNREAD_USE, Content, Rules, Site, Taken
from tabwarden.model.site_settings import SiteSettings
from tabwarden.tableau.repository.codes import ADMIN_MODES, USER_VISIBILITIES
from tabwarden.tableau.repository.connecting import Repository, RepositoryOptions, Row, opened
from tabwarden.tableau.repository.contents import Contents, Feeds, read_contents, read_feeds
from tabwarden.tableau.repository.people import Lists, People, Reading, codes_in, read_people

ALWAYS = ("workbook", "datasource", "flow")
"""Kinds whose default rules every project has; of others those that are in use."""
YOUNG = ("virtual connections", "lenses", "collections")
"""Kinds whose tables not every release has."""


def with_rules(site: Site, contents: Contents, rules: Lists, defaults: Lists | None, feeds: Feeds | None) -> Site:
    """The site with its rules; content that a lock or tabs govern carries those that govern it."""
    governed = _Governed(site, contents, rules, defaults)
    unasked = (UNREAD_USE,) if any(content.kind == "datasource" for content in site.contents.values()) else ()
    done = {
        content.id: replace(
            content,
            rules=governed.rules(content),
            defaults=governed.defaults_for(content),
            uses=() if content.kind != "workbook" else unasked if feeds is None else feeds.uses.get(content.id, ()),
            connections=_connections(content, feeds),
        )
        for content in site.contents.values()
    }
    return replace(site, contents=done)


def _connections(content: Content, feeds: Feeds | None) -> tuple[DataConnection, ...] | None:
    """The repository tells them of workbooks and data sources; those of flows are nowhere."""
    if content.kind not in CONNECTED:
        return ()
    return None if feeds is None or content.kind == "flow" else feeds.connections.get(content.id, ())


class _Governed:
    """Which rules count for each content of a site."""

    def __init__(self, site: Site, contents: Contents, rules: Lists, defaults: Lists | None) -> None:
        self._site, self._tabs, self._rules = site, contents.tabs, rules
        self._numbers = {luid: number for (_kind, number), luid in contents.ids.items()}
        projects = [content.id for content in site.contents.values() if content.kind == "project"]
        self._managers = {project: managing_project(site, project) or project for project in projects}
        self._locked = {project for project in projects if managing_project(site, project) is not None}
        in_use = {content.kind for content in site.contents.values()}
        named = defaults.seen if defaults is not None else set()
        kinds = [*ALWAYS, *sorted((named | in_use) - {*ALWAYS, "project", "view", "collection"})]
        self._defaults = {project: self._defaults_of(defaults, project, kinds) for project in projects}
        databases = [content.id for content in site.contents.values() if content.kind == "database"]
        self._defaults |= {one: self._defaults_of(defaults, one, ["table"]) for one in databases}

    def _defaults_of(self, defaults: Lists | None, holder: str, kinds: list[str]) -> Mapping[str, Rules | None]:
        if defaults is None:
            return MappingProxyType(dict.fromkeys(kinds))
        held_by = f"{self._site.contents[holder].kind} {self._numbers[holder]}"
        return {kind: defaults.get(kind, held_by) for kind in kinds}

    def defaults_for(self, content: Content) -> Mapping[str, Rules | None]:
        """The default rules of a project and of a database, or of the project that manages it."""
        project = self._site.project_of(content.id)
        if content.kind == "database" and project in self._locked:
            return {"table": self._defaults[self._managers[project]].get("table", NO_RULES)}
        return self._defaults.get(self._managers.get(content.id, content.id), content.defaults)

    def rules(self, content: Content) -> Rules | None:
        """The rules of a content, or of what governs it."""
        if content.kind == "project":
            manager = self._managers[content.id]
            own, rules = (self._rules.get("project", self._numbers[project]) for project in (content.id, manager))
            return own if manager == content.id else nested_rules(rules, own)
        project = self._site.project_of(content.id)
        if project is not None and project in self._locked:
            kind = "workbook" if content.kind == "view" else content.kind
            return self._defaults[self._managers[project]].get(kind, NO_RULES)
        if content.kind == "table" and self._database_locks(content):
            return self._defaults[content.parent or ""]["table"]
        if content.kind == "view":
            if not self._tabs:
                return None
            if content.parent is not None and self._site.contents[content.parent].tabs:
                return self._rules.get("workbook", self._numbers[content.parent])
        return self._rules.get(content.kind, self._numbers[content.id])

    def _database_locks(self, table: Content) -> bool:
        holder = self._site.contents.get(table.parent or "")
        return holder is not None and holder.mode == LOCKED_TO_DATABASE


def _under_roles(site: Site, roles: Mapping[str, int]) -> Site:
    """The site where the roles of 2026.3 are in use.

    Whom they name, and what they let them do, is told nowhere: where they name anybody, what rules come to is unknown,
    and nobody is denied.
    """
    counts = ", ".join(f"{number} rows in `{table}`" for table, number in roles.items() if number)
    remark = f"roles beside the rules ({counts})"
    if not roles.get(GRANTEES_OF_ROLES):
        return replace(site, partial=(*site.partial, f"{remark}, which name nobody"))
    contents = {
        content.id: replace(content, rules=None, defaults=dict.fromkeys(content.defaults))
        for content in site.contents.values()
    }
    words = f"{remark}: whom they name, and with them what every rule comes to"
    return replace(site, contents=contents, partial=(*site.partial, words))


log = logging.getLogger(__name__)
GRANTEES_OF_ROLES = "role_grantees"
ACTIVE = "active"
_FLAGS = tuple(
    "web_authoring commenting subscriptions subscribe_others data_alerts revision_history personal_space group_sets "
    "explain_data".split()
)
STEPS = 10
Progress = Callable[[int, int], None]


def read_repository(options: RepositoryOptions, site: str = "", progress: Progress | None = None) -> Site:
    """The site with that content URL ('' is Default), whole; `progress` takes (done, of).

    UnknownName where there is none; TableauError where the repository cannot be entered or read, IncompleteRead where
    it broke off: then there is no Site.
    """
    with opened(options) as repository:
        return _Read(repository, site_row(repository, site), progress).site()


def site_row(repository: Repository, site: str) -> Row:
    """The row of the site with that content URL; UnknownName where there is none."""
    listed = list(repository.rows("sites"))
    sites = [row for row in listed if same(row[3]) == same(site)]
    if not sites:
        there = ", ".join(f"`{row[3]}`" if row[3] else "Default" for row in sorted(listed, key=lambda row: row[3]))
        raise UnknownName(f"there is no site `{site}` in the repository; see `tableau.site`: it has {there}")
    return sites[0]


def read_all(
    options: RepositoryOptions, progress: Progress | None = None, wanted: Callable[[str, str], bool] | None = None
) -> Iterator[Site]:
    """Every active site (of which `wanted` is true, by content URL and name), all as they were at the same moment."""
    with opened(options) as repository:
        name = repository.statements["sites"].names.index("name")
        every = list(repository.rows("sites"))
        listed = every if wanted is None else [row for row in every if wanted(row[3], row[name])]
        for row in listed:
            if row[4] not in ("", ACTIVE):
                log.warning("site `%s` is %s and is left out", row[3], row[4])
        chosen = [row for row in listed if row[4] in ("", ACTIVE)]
        for number, row in enumerate(chosen):
            yield _Read(repository, row, _part(progress, number, len(chosen))).site()


def _part(progress: Progress | None, number: int, of: int) -> Progress | None:
    return None if progress is None else lambda done, steps: progress(number * steps + done, of * steps)


class _Read:
    """One read of one site from an open repository."""

    def __init__(self, repository: Repository, row: Row, progress: Progress | None) -> None:
        self._repository, self._progress = repository, progress
        self._done = 0
        self._row = dict(zip(repository.statements["sites"].names, row, strict=True))
        self._number = self._row["id"]

    def site(self) -> Site:
        """The Site, with what it lacks in `partial`."""
        repository, number = self._repository, self._number
        when = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        people = read_people(repository, number)
        self._step(4)
        contents = read_contents(repository, number, people)
        self._step(2)
        feeds = read_feeds(repository, number, contents)
        self._step()
        reading = Reading(repository, number, people)
        rules = reading.lists("rules", lambda kind, thing: (kind, thing) in contents.ids)
        self._step(2)
        has_defaults = bool(repository.statements["defaults"].sql)
        defaults = (
            reading.lists("defaults", lambda _, holder: tuple(holder.split()) in contents.ids) if has_defaults else None
        )
        self._step()
        roles = {table: int(number) for table, number in repository.rows("roles")}
        lacks = self._remarks(people, contents.personal, rules, defaults, sets_unread=reading.sets_unread)
        if rules.gone:
            log.info("%d rules speak of users or groups that are not on the site", rules.gone)
        site = Site(
            id=self._row["luid"],
            name=self._row["name"],
            content_url=self._row["content_url"],
            users=people.users,
            groups=people.groups,
            group_sets=people.group_sets,
            contents=contents.contents,
            settings=self._settings(),
            licences=self._seats(),
            taken=Taken(repository.options.server, when, f"repository {repository.options.address}"),
            partial=tuple(lacks),
            nicknames=self._nicknames(),
            apart=contents.apart,
        )
        whole = with_rules(site, contents, rules, defaults, feeds)
        return _under_roles(whole, roles) if any(roles.values()) else whole

    def _step(self, number: int = 1) -> None:
        self._done += number
        if self._progress is not None:
            self._progress(self._done, STEPS)

    def _nicknames(self) -> Mapping[str, str] | None:
        """Those of the server's domains; None where the repository does not tell."""
        if not self._repository.statements["domains"].sql:
            return None
        return {name: short for name, short in self._repository.rows("domains") if short and same(name) != LOCAL}

    def _settings(self) -> SiteSettings:
        """The settings that are columns; what this release does not tell is as on a new site."""
        usual, row = SiteSettings(), self._row
        flags = {name: row[name] == "true" for name in _FLAGS if row[name]}
        return replace(
            usual,
            admin_mode=ADMIN_MODES.get(row["content_admin_mode"], usual.admin_mode),
            user_visibility=USER_VISIBILITIES.get(row["user_visibility"], usual.user_visibility),
            **flags,
        )

    def _seats(self) -> Mapping[str, int] | None:
        """Seats by tier; None where no tier has a limit."""
        return {tier: int(self._row[tier]) for tier in TIERS if self._row[tier]} or None

    def _remarks(
        self, people: People, personal: int, rules: Lists, defaults: Lists | None, *, sets_unread: bool
    ) -> Iterator[str]:
        """What the Site lacks, in words."""
        row, statements = self._row, self._repository.statements
        if row["status"] not in ("", ACTIVE):
            yield f"whether anybody may sign in: the site is `{row['status']}`"
        for name, known in (("content_admin_mode", ADMIN_MODES), ("user_visibility", USER_VISIBILITIES)):
            if row[name] and row[name] not in known:
                yield f"{SETTINGS} ({name} {row[name]}, which is not known)"
        yield from statements["sites"].unknown
        yield from (SIGN_IN, TAGS)
        yield from people.remarks
        if personal:
            yield f"{personal} {PERSONAL}"
        for words in statements["contents"].unknown:
            # A release that does not have the table yet has nothing of the kind, unless rules speak of it.
            if words not in YOUNG or kind_named(words) in rules.elsewhere:
                yield words
        yield from statements["connections"].unknown
        if sets_unread:
            yield "group sets"
        yield from statements["defaults"].unknown
        yield from codes_in({"rules": rules} | ({"default rules": defaults} if defaults is not None else {}))
