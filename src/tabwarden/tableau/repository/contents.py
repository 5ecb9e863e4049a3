"""Content of a site from rows of the repository: where it lies, what feeds it, and what is no live content."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import NamedTuple

from tabwarden.model.capability import KIND_NAMES
from tabwarden.model.errors import TableauError
from tabwarden.model.feeds import DataConnection
from tabwarden.model.scope import CERTIFIED, PUBLISHED, TAGGED
from tabwarden.model.site import UNREAD_USE, Content, Use
from tabwarden.tableau.repository.codes import kind_of, mode_of
from tabwarden.tableau.repository.connecting import Repository, Row
from tabwarden.tableau.repository.people import People
from tabwarden.tableau.repository.selects import ARCHIVED

WITHIN_A_PROJECT: Mapping[str, tuple[str, ...]] = {
    "workbook": ("workbooks",),
    "datasource": ("datasources",),
    "flow": ("flows",),
    "virtualconnection": ("published_connections",),
    "datarole": ("data_roles",),
    "metric": ("metrics",),
    "lens": ("lenses",),
}
"""Kinds that lie in a project, with their tables; one in none lies in a personal space."""
Key = tuple[str, str]


class Contents(NamedTuple):
    """Content by id without its rules; the id of each by kind and number; how much lies in personal spaces.

    `tabs` is whether the repository tells which workbooks show their sheets as tabs; `apart` counts what is no live
    content, by kind and what it is then.
    """

    contents: Mapping[str, Content]
    ids: Mapping[Key, str]
    personal: int
    tabs: bool
    apart: Mapping[str, int]


def read_contents(repository: Repository, site: str, people: People) -> Contents:
    """Everything on the site with that number; what lies in no project is somebody's own and left out."""
    has_tabs = "workbooks:tabs" in repository.statements["contents"].facts
    rows = list(repository.rows("contents", site))
    ids = {(row[0], row[1]): row[2] for row in rows}
    places = _places(repository, site)
    _must_be_placed({row[0] for row in rows}, places, repository.statements["contents"].facts)
    contents_by_id: dict[str, Content] = {}
    apart = _Apart(repository, site, rows)
    personal = 0
    # Views and tables after the workbooks and databases they belong to; the owner of a workbook is that of its views.
    for kind, number, luid, name, above, owner, *facts in sorted(rows, key=lambda row: row[0] in ("view", "table")):
        description, created, updated, locked, nested, tabs, certified, note, _ = facts
        holder = _holder(kind, number, above, places)
        parent = ids.get(holder)
        if apart.takes((kind, number), holder):
            continue
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
            mode=mode_of(kind, locked, nested),
            tabs=kind != "workbook" or (has_tabs and tabs != "false"),
            description=description,
            created=created,
            updated=updated,
            tags=None if kind in TAGGED else frozenset(),
            certified=certified == "true" if certified or kind not in CERTIFIED else None,
            certification_note=note,
        )
    return Contents(contents_by_id, ids, personal, has_tabs, dict(apart.counts))


class _Apart:
    """What is no live content: by what its own row says, by the list of what is archived, or within such a project.

    `counts` are by kind and what it is then.
    """

    def __init__(self, repository: Repository, site: str, rows: list[Row]) -> None:
        self._why = {(row[0], row[1]): row[-1] for row in rows if row[-1]}
        for type_, number in repository.rows("archived", site):
            self._why.setdefault((kind_of(type_) or type_, number), ARCHIVED)
        projects = {row[1]: row[4] for row in rows if row[0] == "project"}
        self._gone = {number for number in projects if _within(number, projects, self._why)}
        self.counts: Counter[str] = Counter()

    def takes(self, thing: Key, holder: Key) -> bool:
        """Whether a thing is no live content; it is counted then."""
        why = self._why.get(thing, "")
        if not why and (holder[1] in self._gone if holder[0] == "project" else holder in self._why):
            why = f"in {_plural(holder[0])} that are no live content"
            self._why[thing] = why
        if why:
            self.counts[f"{_plural(thing[0])} {why}"] += 1
        return bool(why)


def _plural(kind: str) -> str:
    return f"{KIND_NAMES[kind]}{'es' if kind == 'lens' else 's'}"


def _within(number: str, projects: Mapping[str, str], why: Mapping[Key, str]) -> bool:
    """Whether a project, or one above it, is no live content."""
    met: set[str] = set()
    while number in projects and number not in met:
        if ("project", number) in why:
            return True
        met.add(number)
        number = projects[number]
    return False


def _must_be_placed(kinds: set[str], places: Mapping[str, object], columns: frozenset[str]) -> None:
    """TableauError where the repository does not tell in which projects things of a kind lie."""
    for kind, tables in WITHIN_A_PROJECT.items():
        if kind in kinds and kind not in places and not any(f"{table}:parent" in columns for table in tables):
            raise TableauError(
                f"the repository does not tell in which projects content of the kind {kind} lies: it has no "
                f"`projects_contents` for it and no `{tables[0]}.project_id`; read the site over REST"
            )


def _holder(kind: str, number: str, above: str, places: Mapping[str, Mapping[str, str]]) -> Key:
    """What holds a thing, by kind and number; `above` is the number that its own row tells."""
    if kind in _HOLDERS:
        return _HOLDERS[kind], above
    # The column of older versions stayed on for a while beside the table, and may be out of date.
    return "project", places[kind].get(number, "") if kind != "project" and kind in places else above


_HOLDERS = {"view": "workbook", "table": "database"}


def _places(repository: Repository, site: str) -> Mapping[str, Mapping[str, str]]:
    """Project by number, by kind, as `projects_contents` tells it; a kind that it does not tell of is not there."""
    projects_by_number: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for project, type_, number in repository.rows("places", site):
        kind = kind_of(type_)
        if kind is not None:
            projects_by_number[kind][number] = project
    return projects_by_number


class Feeds(NamedTuple):
    """What feeds content, by content: published data sources, each once, and connections to data outside the site."""

    uses: Mapping[str, tuple[Use, ...]]
    connections: Mapping[str, tuple[DataConnection, ...]]


def read_feeds(repository: Repository, site: str, contents: Contents) -> Feeds | None:
    """What feeds each workbook and data source; None where the repository does not tell."""
    statement = repository.statements["connections"]
    if not statement.sql:
        return None
    has_flag = "data_connections:embedded" in statement.facts
    uses_by_workbook: defaultdict[str, dict[str, Use]] = defaultdict(dict)
    connections: defaultdict[str, set[DataConnection]] = defaultdict(set)
    for type_, owner, datasource, embedded, class_, server, user in repository.rows("connections", site):
        holder = contents.ids.get((kind_of(type_) or "", owner))
        used = contents.ids.get(("datasource", datasource))
        if holder not in contents.contents or holder is None:
            continue
        is_workbook = contents.contents[holder].kind == "workbook"
        if class_ and class_ != PUBLISHED:
            embeds = embedded == "true" if has_flag else None
            connections[holder].add(DataConnection(class_, server, user, embeds))
        elif is_workbook and used in contents.contents and used is not None:
            auth = ("embed" if embedded == "true" else "prompt") if has_flag else UNREAD_USE.auth
            uses_by_workbook[holder].setdefault(used, Use(used, auth))
        elif is_workbook and used is None and class_ == PUBLISHED:
            # A connection to a published data source, and the row does not say to which.
            uses_by_workbook[holder].setdefault("", UNREAD_USE)
    return Feeds(
        {workbook: tuple(uses.values()) for workbook, uses in uses_by_workbook.items()},
        {holder: tuple(sorted(listed, key=repr)) for holder, listed in connections.items()},
    )
