"""Projects and content from rows of the repository, with the rules that govern them.

Rules of what a lock or shown tabs govern stay in the repository as stale rows; as over REST, such content carries the
rules that govern it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import NamedTuple

from tabwarden.model.errors import TableauError
from tabwarden.model.governing import managing_project
from tabwarden.model.site import NO_RULES, UNREAD_USE, Content, Rules, Site, Use
from tabwarden.tableau.repository.codes import kind_of, mode_of
from tabwarden.tableau.repository.connecting import Repository
from tabwarden.tableau.repository.people import Lists, People

ALWAYS = ("workbook", "datasource", "flow")
"""Kinds whose default rules every project has; of others those that are in use."""
WITHIN_A_PROJECT: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "workbook": ("workbooks",),
        "datasource": ("datasources",),
        "flow": ("flows",),
        "virtualconnection": ("virtual_connections", "published_connections"),
    }
)
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


# -- uses -----------------------------------------------------------------------------------------------------


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
        elif class_ == "sqlproxy":
            # A connection to a published data source, and the row does not say to which.
            uses_by_workbook[holder].setdefault("", UNREAD_USE)
    return {workbook: tuple(uses.values()) for workbook, uses in uses_by_workbook.items()}


# -- rules ----------------------------------------------------------------------------------------------------


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
        return MappingProxyType({kind: defaults.get(kind, self._numbers[project]) for kind in kinds})

    def defaults_for(self, project: Content) -> Mapping[str, Rules | None]:
        """The default rules of a project, or of the one that manages it."""
        return self._defaults[self._managers[project.id]]

    def rules(self, content: Content) -> Rules | None:
        """The rules of a content, or of what governs it."""
        if content.kind == "project":
            return self._rules.get("project", self._numbers[self._managers[content.id]])
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
