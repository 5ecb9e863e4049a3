"""A Site from Tableau Server's repository, or all its sites."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from types import MappingProxyType
from typing import NamedTuple

from tabwarden.model.errors import TableauError, UnknownName
from tabwarden.model.governing import managing_project, nested_rules
from tabwarden.model.names import same
from tabwarden.model.scope import PERSONAL, SETTINGS
from tabwarden.model.site import LOCAL, NO_RULES, UNREAD_USE, Content, Rules, Site, Taken, Use
from tabwarden.model.site_settings import SiteSettings
from tabwarden.tableau.repository.codes import kind_of, mode_of
from tabwarden.tableau.repository.connecting import Repository, RepositoryOptions, Row, opened
from tabwarden.tableau.repository.people import Lists, People, Reading, codes_in, read_people

ALWAYS = ("workbook", "datasource", "flow")
"""Kinds whose default rules every project has; of others those that are in use."""
WITHIN_A_PROJECT: Mapping[str, tuple[str, ...]] = {
    "workbook": ("workbooks",),
    "datasource": ("datasources",),
    "flow": ("flows",),
    "virtualconnection": ("virtual_connections", "published_connections"),
}
"""Kinds that lie in a project, with their tables; one in none lies in a personal space."""
Key = tuple[str, str]


class Contents(NamedTuple):
    """Content by id without its rules; the id of each by kind and number; how much lies in personal spaces.

    `tabs` is whether the repository tells which workbooks show their sheets as tabs.
    """

    contents: Mapping[str, Content]
    ids: Mapping[Key, str]
    personal: int
    tabs: bool


def read_contents(repository: Repository, site: str, people: People) -> Contents:
    """Everything on the site with that number; what lies in no project is somebody's own and left out."""
    has_tabs = "workbooks:tabs" in repository.statements["contents"].facts
    rows = list(repository.rows("contents", site))
    ids = {(row[0], row[1]): row[2] for row in rows}
    places = _places(repository, site)
    _must_be_placed({row[0] for row in rows}, places, repository.statements["contents"].facts)
    contents_by_id: dict[str, Content] = {}
    personal = 0
    # Views after the workbooks they belong to, whose owners are theirs.
    for kind, number, luid, name, above, owner, *facts in sorted(rows, key=lambda row: row[0] == "view"):
        description, created, updated, locked, nested, tabs = facts
        parent = _parent(kind, number, above, ids, places)
        if parent is None and kind in WITHIN_A_PROJECT:
            personal += 1
            continue
        if kind == "view" and parent not in contents_by_id:
            continue
        contents_by_id[luid] = Content(
            id=luid,
            kind=kind,
            name=name,
            parent=parent,
            owner=contents_by_id[parent].owner if kind == "view" and parent is not None else people.user(owner),
            rules=None,
            mode=mode_of(locked, nested),
            tabs=kind != "workbook" or (has_tabs and tabs != "false"),
            description=description,
            created=created,
            updated=updated,
        )
    return Contents(contents_by_id, ids, personal, has_tabs)


def _must_be_placed(kinds: set[str], places: Mapping[str, object], columns: frozenset[str]) -> None:
    """TableauError where the repository does not tell in which projects things of a kind lie."""
    for kind, tables in WITHIN_A_PROJECT.items():
        if kind in kinds and kind not in places and not any(f"{table}:parent" in columns for table in tables):
            raise TableauError(
                f"the repository does not tell in which projects content of the kind {kind} lies: it has no "
                f"`projects_contents` for it and no `{tables[0]}.project_id`; read the site over REST"
            )


def _parent(
    kind: str, number: str, above: str, ids: Mapping[Key, str], places: Mapping[str, Mapping[str, str]]
) -> str | None:
    """The id of what holds a thing; `above` is the number that its own row tells."""
    if kind == "view":
        return ids.get(("workbook", above))
    # The column of older versions stayed on for a while beside the table, and may be out of date.
    if kind != "project" and kind in places:
        above = places[kind].get(number, "")
    return ids.get(("project", above))


def _places(repository: Repository, site: str) -> Mapping[str, Mapping[str, str]]:
    """Project by number, by kind, as `projects_contents` tells it; a kind that it does not tell of is not there."""
    projects_by_number: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for project, type_, number in repository.rows("places", site):
        kind = kind_of(type_)
        if kind is not None:
            projects_by_number[kind][number] = project
    return projects_by_number


def read_uses(repository: Repository, site: str, contents: Contents) -> Mapping[str, tuple[Use, ...]] | None:
    """The published data sources behind each workbook, each once; None where the repository does not tell."""
    statement = repository.statements["connections"]
    if not statement.sql:
        return None
    has_flag = "data_connections:embedded" in statement.facts
    uses_by_workbook: defaultdict[str, dict[str, Use]] = defaultdict(dict)
    for workbook, datasource, embedded, class_ in repository.rows("connections", site):
        holder = contents.ids.get(("workbook", workbook))
        used = contents.ids.get(("datasource", datasource))
        if holder not in contents.contents or holder is None:
            continue
        if used in contents.contents and used is not None:
            auth = ("embed" if embedded == "true" else "prompt") if has_flag else UNREAD_USE.auth
            uses_by_workbook[holder].setdefault(used, Use(used, auth))
        elif used is None and class_ == "sqlproxy":
            # A connection to a published data source, and the row does not say to which.
            uses_by_workbook[holder].setdefault("", UNREAD_USE)
    return {workbook: tuple(uses.values()) for workbook, uses in uses_by_workbook.items()}


def with_rules(
    site: Site, contents: Contents, rules: Lists, defaults: Lists | None, uses: Mapping[str, tuple[Use, ...]] | None
) -> Site:
    """The site with its rules; content that a lock or tabs govern carries those that govern it."""
    governed = _Governed(site, contents, rules, defaults)
    unasked = (UNREAD_USE,) if any(content.kind == "datasource" for content in site.contents.values()) else ()
    done = {
        content.id: replace(
            content,
            rules=governed.rules(content),
            defaults=governed.defaults_for(content) if content.kind == "project" else content.defaults,
            uses=() if content.kind != "workbook" else unasked if uses is None else uses.get(content.id, ()),
        )
        for content in site.contents.values()
    }
    return replace(site, contents=done)


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
        kinds = [*ALWAYS, *sorted((named | in_use) - {*ALWAYS, "project", "view"})]
        self._defaults = {project: self._defaults_of(defaults, project, kinds) for project in projects}

    def _defaults_of(self, defaults: Lists | None, project: str, kinds: list[str]) -> Mapping[str, Rules | None]:
        if defaults is None:
            return MappingProxyType(dict.fromkeys(kinds))
        return {kind: defaults.get(kind, self._numbers[project]) for kind in kinds}

    def defaults_for(self, project: Content) -> Mapping[str, Rules | None]:
        """The default rules of a project, or of the one that manages it."""
        return self._defaults[self._managers[project.id]]

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
        if content.kind == "view":
            if not self._tabs:
                return None
            if content.parent is not None and self._site.contents[content.parent].tabs:
                return self._rules.get("workbook", self._numbers[content.parent])
        return self._rules.get(content.kind, self._numbers[content.id])


log = logging.getLogger(__name__)
ACTIVE = "active"
STEPS = 10
Progress = Callable[[int, int], None]


def read_repository(options: RepositoryOptions, site: str = "", progress: Progress | None = None) -> Site:
    """The site with that content URL ('' is Default), whole; `progress` takes (done, of).

    UnknownName where there is none; TableauError where the repository cannot be entered or read, IncompleteRead where
    it broke off: then there is no Site.
    """
    with opened(options) as repository:
        listed = list(repository.rows("sites"))
        sites = [row for row in listed if same(row[3]) == same(site)]
        if not sites:
            there = ", ".join(f"`{row[3]}`" if row[3] else "Default" for row in sorted(listed, key=lambda row: row[3]))
            raise UnknownName(f"there is no site `{site}` in the repository; see `tableau.site`: it has {there}")
        return _Read(repository, sites[0], progress).site()


def read_all(options: RepositoryOptions, progress: Progress | None = None) -> Iterator[Site]:
    """Every active site, one after the other, all as they were at the same moment."""
    with opened(options) as repository:
        listed = list(repository.rows("sites"))
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
        uses = read_uses(repository, number, contents)
        self._step()
        reading = Reading(repository, number, people)
        rules = reading.lists("rules", lambda kind, thing: (kind, thing) in contents.ids)
        self._step(2)
        has_defaults = bool(repository.statements["defaults"].sql)
        defaults = (
            reading.lists("defaults", lambda _, project: ("project", project) in contents.ids) if has_defaults else None
        )
        self._step()
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
            taken=Taken(repository.options.server, when, f"repository {repository.options.address}"),
            partial=tuple(lacks),
            nicknames=self._nicknames(),
        )
        return with_rules(site, contents, rules, defaults, uses)

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
        """The settings that are columns of their own; others are as on a new site (`partial` names them)."""
        usual = SiteSettings()

        def flag(name: str, missing: bool) -> bool:
            return missing if not self._row[name] else self._row[name] == "true"

        return SiteSettings(
            web_authoring=flag("web_authoring", usual.web_authoring),
            commenting=flag("commenting", usual.commenting),
            subscriptions=flag("subscriptions", usual.subscriptions),
        )

    def _remarks(
        self, people: People, personal: int, rules: Lists, defaults: Lists | None, *, sets_unread: bool
    ) -> Iterator[str]:
        """What the Site lacks, in words."""
        row, statements = self._row, self._repository.statements
        if row["status"] not in ("", ACTIVE):
            yield f"whether anybody may sign in: the site is `{row['status']}`"
        codes = "".join(f", {name} {row[name]}" for name in ("content_admin_mode", "user_visibility") if row[name])
        yield f"{SETTINGS} (Explain Data, group sets{codes}), its seats, how people sign in"
        yield from people.remarks
        if personal:
            yield f"{personal} {PERSONAL}"
        for words in (*statements["contents"].unknown, *statements["connections"].unknown):
            if words != "virtual connections" or "virtualconnection" in rules.elsewhere:
                yield words
        for kind in ("database", "table", "datarole", "metric", "lens", "collection"):
            if kind in rules.elsewhere:
                yield f"content of the kind {kind}: its table in the repository is not known"
        if sets_unread:
            yield "group sets"
        yield from statements["defaults"].unknown
        yield from codes_in({"rules": rules} | ({"default rules": defaults} if defaults is not None else {}))
