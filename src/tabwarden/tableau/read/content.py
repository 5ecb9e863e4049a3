"""Projects, workbooks, views, data sources, flows, databases and their rules, as the server tells them.

Lists come a thousand at a time; rules one request a thing. Where a lock or shown tabs decide, a thing's own rules are
not asked: it carries those that govern it, which is what the server would answer.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from types import MappingProxyType
from typing import NamedTuple
from xml.etree.ElementTree import Element

from tabwarden.model.errors import MissingScope, TableauError
from tabwarden.model.feeds import DataConnection
from tabwarden.model.governing import LOCKED_TO_DATABASE, MAY_LIE_NOWHERE, lock_is_unknown, managing_project
from tabwarden.model.scope import CERTIFIED, CONNECTED, PERSONAL, PUBLISHED, TAGGED
from tabwarden.model.site import (
    ALLOW,
    CUSTOMIZABLE,
    UNREAD_USE,
    Content,
    Grantee,
    Rule,
    Rules,
    Site,
    Use,
)
from tabwarden.tableau.http.connection import Connection
from tabwarden.tableau.http.lists import Listing, whole
from tabwarden.tableau.http.reader import HttpReader
from tabwarden.tableau.http.wire import flag
from tabwarden.tableau.read.people import NO_SITE, without


class Kind(NamedTuple):
    """A kind of content on the wire: its element, its path, the API versions that brought its list and its rules."""

    name: str
    element: str
    path: str
    since: str
    rules_since: str = "2.0"


KINDS: Mapping[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind("project", "project", "projects", "2.0"),
        Kind("workbook", "workbook", "workbooks", "2.0"),
        Kind("view", "view", "views", "2.2", "3.2"),
        Kind("datasource", "datasource", "datasources", "2.0"),
        Kind("flow", "flow", "flows", "3.3", "3.3"),
        Kind("virtualconnection", "virtualConnection", "virtualConnections", "3.18", "3.22"),
        Kind("database", "database", "databases", "3.5", "3.5"),
        Kind("table", "table", "tables", "3.5", "3.5"),
        Kind("collection", "collection", "collections", "3.28", "3.28"),
    )
}
# Kinds whose project defaults are read, and since when there are any; but for the first three only where in use.
DEFAULTS_SINCE: Mapping[str, str] = {
    "workbook": "2.1",
    "datasource": "2.1",
    "flow": "3.4",
    "virtualconnection": "3.23",
    "database": "3.23",
    "table": "3.23",
}
ALWAYS = ("workbook", "datasource", "flow")
LICENSED_APART = frozenset({"virtualconnection", "database", "table"})
GONE_OR_FORBIDDEN = (403, 404)
MOST_NAMED = 20  # refusals told one by one


class Ask(NamedTuple):
    """One request for rules (or, `what` = connections, for what a workbook uses) about one content."""

    what: str
    content: str
    path: str


@dataclass(slots=True)
class Answers:
    """What the requests brought: `rules` by content, `defaults` by project and kind, `uses` by workbook,
    `connections` by content.

    `refused` holds what the server would not tell, with the status or the scope that is missing.
    """

    rules: dict[str, Rules | None] = field(default_factory=dict)
    defaults: dict[str, dict[str, Rules | None]] = field(default_factory=lambda: defaultdict(dict))
    uses: dict[str, tuple[Use, ...]] = field(default_factory=dict)
    connections: dict[str, tuple[DataConnection, ...] | None] = field(default_factory=dict)
    refused: list[tuple[Ask, str]] = field(default_factory=list)
    known: dict[Rules, Rules] = field(default_factory=dict)

    def remarks(self, site: Site) -> list[str]:
        """What was refused in words: one by one, or where it is much, by kind."""
        if len(self.refused) > MOST_NAMED:
            counts = Counter((_what(ask), site.contents[ask.content].kind, status) for ask, status in self.refused)
            return [f"{what} of {count} {kind}s ({status})" for (what, kind, status), count in sorted(counts.items())]
        named = sorted((site.path(ask.content), _what(ask), ask, status) for ask, status in self.refused)
        return [f"{what} of {site.contents[a.content].kind} `{path}` ({status})" for path, what, a, status in named]


def _what(ask: Ask) -> str:
    return ask.what if ask.what in ("rules", "connections") else f"{ask.what} defaults"


# -- lists ----------------------------------------------------------------------------------------------------


class Listed(NamedTuple):
    """All content with nothing known of its rules, remarks on what was left out, and the kinds that were not read."""

    contents: Mapping[str, Content]
    left_out: tuple[str, ...]
    unread: frozenset[str]


async def lists_on(reader: HttpReader, kinds: Iterable[str] = KINDS) -> Listed:
    """Every project and content of these kinds, rules unread; personal spaces are left out and counted."""
    names = list(kinds)
    contents: dict[str, Content] = {}
    remarks: list[str] = []
    unread: set[str] = set()

    async def of_kind(kind: Kind) -> list[Content]:
        try:
            return await list_on(reader, kind)
        except MissingScope as missing:
            if kind.name == "project":
                raise  # what locks and who leads is told of projects: without them nothing can be said
            remarks.append(f"{kind.path} ({without(missing)})")
            unread.add(kind.name)
            return []
        except TableauError as error:
            if kind.name != "collection" or error.status not in GONE_OR_FORBIDDEN or error.code == NO_SITE:
                raise
            remarks.append(
                f"{kind.path} ({error.status})"
            )  # no server of that version was seen: their path is believed
            unread.add(kind.name)
            return []

    by_kind = await asyncio.gather(*(of_kind(KINDS[name]) for name in names))
    personal = 0
    for name, listed in zip(names, by_kind, strict=True):
        for content in listed:
            if content.parent is None and name not in MAY_LIE_NOWHERE:
                personal += 1
            else:
                contents[content.id] = content
    # What lies in a workbook of somebody's personal space is as private as that.
    for view in [c.id for c in contents.values() if c.kind == "view" and c.parent not in contents]:
        del contents[view]
    if personal:
        remarks.append(f"{personal} {PERSONAL}")
    return Listed(contents, tuple(remarks), frozenset(unread))


async def list_on(reader: HttpReader, kind: Kind) -> list[Content]:
    """The whole list of one kind; empty where this version, or this edition, does not have the kind."""
    if not reader.connection.supports(kind.since):
        return []
    try:
        return await whole(reader, Listing(kind.path, kind.element, partial(content_of, kind=kind.name)))
    except TableauError as error:
        if kind.name in LICENSED_APART and error.status in GONE_OR_FORBIDDEN and error.code != NO_SITE:
            return []  # they come with a licence of their own
        raise


def content_of(element: Element, kind: str) -> Content:
    """A content as a list tells it, its rules unread."""
    if kind == "project":
        parent = element.get("parentProjectId") or None
    else:
        parent = _id_within(element, _HOLDERS.get(kind, "project"))
    words = element.get("isCertified")
    return Content(
        id=element.get("id", ""),
        kind=kind,
        name=element.get("name", ""),
        parent=parent,
        owner=_id_within(element, "owner") or _id_within(element, "contact") or "",
        rules=None,
        mode=element.get("contentPermissions", CUSTOMIZABLE) if kind in ("project", "database") else CUSTOMIZABLE,
        tabs=flag(element.get("showTabs"), missing=True) if kind == "workbook" else True,
        description=element.get("description", ""),
        created=element.get("createdAt", ""),
        updated=element.get("updatedAt", ""),
        tags=_tags(element, kind),
        certified=flag(words) if words is not None else None if kind in CERTIFIED else False,
        # Lists tell that something is certified, and not why.
        certification_note=element.get("certificationNote", None if flag(element.get("isCertified")) else ""),
    )


def _tags(element: Element, kind: str) -> frozenset[str] | None:
    """The tags; None where a kind that has some does not tell them."""
    tags = element.find("tags")
    if tags is None:
        return None if kind in TAGGED else frozenset()
    return frozenset(tag.get("label", "") for tag in tags.iter("tag"))


_HOLDERS: Mapping[str, str] = {"view": "workbook", "table": "location", "database": "location"}


def _id_within(element: Element, tag: str) -> str | None:
    inner = element.find(tag)
    return (inner.get("id") or None) if inner is not None else None


# -- what to ask ----------------------------------------------------------------------------------------------


class Wanted(NamedTuple):
    """What must be asked, and what need not be: how many requests locks and shown tabs save.

    `unaskable` counts the views whose rules this version of the API cannot tell.
    """

    asks: tuple[Ask, ...]
    saved_by_locks: int
    saved_by_tabs: int
    unaskable: Mapping[str, int]


def wanted(site: Site, connection: Connection, *, connections: bool) -> Wanted:
    """Every request that the rules of `site` need; `site` holds its content with modes and tabs."""
    kinds_there = {content.kind for content in site.contents.values()}
    defaults = [
        kind
        for kind, since in DEFAULTS_SINCE.items()
        if connection.supports(since) and (kind in ALWAYS or kind in kinds_there)
    ]
    tellable = {kind for kind in KINDS if connection.supports(KINDS[kind].rules_since)}
    locks = tabs = 0
    unaskable: Counter[str] = Counter()
    asks: list[Ask] = []
    for content in site.contents.values():
        if content.kind == "project":
            asks += _of_project(content.id, defaults)
            continue
        holder = governed_by(site, content)
        if holder is not None:
            locks += site.contents[holder].kind != "workbook"
            tabs += site.contents[holder].kind == "workbook"
        elif content.kind not in tellable:
            unaskable[content.kind] += 1
        else:
            asks.append(Ask("rules", content.id, f"{KINDS[content.kind].path}/{content.id}/permissions"))
        if connections and content.kind in CONNECTED:
            asks.append(Ask("connections", content.id, f"{KINDS[content.kind].path}/{content.id}/connections"))
        if content.kind == "database":
            asks.append(Ask("table", content.id, f"databases/{content.id}/default-permissions/tables"))
    return Wanted(tuple(asks), locks, tabs, unaskable)


def _of_project(project: str, defaults: Iterable[str]) -> Iterator[Ask]:
    yield Ask("rules", project, f"projects/{project}/permissions")
    for kind in defaults:
        yield Ask(kind, project, f"projects/{project}/default-permissions/{KINDS[kind].path.lower()}")


def governed_by(site: Site, content: Content) -> str | None:
    """The id of the project or database (by a lock) or workbook (by tabs) whose rules stand for those of `content`."""
    project = site.project_of(content.id)
    if project is not None and project in site.contents and not lock_is_unknown(site, project):
        manager = managing_project(site, project)
        if manager is not None:
            return manager
    held_by = site.contents.get(content.parent) if content.parent is not None else None
    if content.kind == "view" and held_by is not None:
        return held_by.id if held_by.tabs else None
    if content.kind == "table" and held_by is not None and held_by.mode == LOCKED_TO_DATABASE:
        return held_by.id
    return None


# -- asking ---------------------------------------------------------------------------------------------------


async def answer_on(reader: HttpReader, site: Site, ask: Ask, answers: Answers) -> None:
    """Put the answer to one question into `found`; of a thing that is gone or forbidden the rules stay unknown."""
    rules: Rules | None = None
    uses: tuple[Use, ...] = (UNREAD_USE,)
    connections: tuple[DataConnection, ...] | None = None
    try:
        answer = await reader.ask(ask.path)
    except MissingScope as missing:
        answers.refused.append((ask, without(missing)))
    except TableauError as error:
        if error.status not in GONE_OR_FORBIDDEN or error.code == NO_SITE:
            raise
        answers.refused.append((ask, str(error.status)))
    else:
        if ask.what == "connections":
            uses, connections = uses_of(answer, site), connections_of(answer, site)
        else:
            rules = rules_of(answer)
            rules = answers.known.setdefault(rules, rules)  # equal lists are kept once; sites repeat few of them
    if ask.what == "connections":
        answers.uses[ask.content], answers.connections[ask.content] = uses, connections
    elif ask.what == "rules":
        answers.rules[ask.content] = rules
    else:
        answers.defaults[ask.content][ask.what] = rules


def rules_of(answer: Element | None) -> Rules:
    """The rules of one answer, as told: names of capabilities unknown to us and inherited leaders included."""
    rules: set[Rule] = set()
    for one in answer.iter("granteeCapabilities") if answer is not None else ():
        grantee = next((Grantee(who.tag, who.get("id", "")) for who in one if who.tag in _GRANTEES), None)
        if grantee is None:
            continue
        for capability in one.iter("capability"):
            rules.add(Rule(grantee, capability.get("name", ""), capability.get("mode", ALLOW)))
    return frozenset(rules)


_GRANTEES = frozenset({"user", "group", "groupSet"})


def uses_of(answer: Element | None, site: Site) -> tuple[Use, ...]:
    """The published data sources among a workbook's connections, each once; an embedded password means embed."""
    uses: dict[str, str] = {}
    for one in answer.iter("connection") if answer is not None else ():
        datasource = _id_within(one, "datasource")
        if datasource in site.contents and datasource is not None:
            uses.setdefault(datasource, "embed" if flag(one.get("embedPassword")) else "prompt")
    return tuple(Use(datasource, auth) for datasource, auth in uses.items())


def connections_of(answer: Element | None, site: Site) -> tuple[DataConnection, ...]:
    """The connections to data outside the site, each different one once, sorted; those to published data sources are
    uses.
    """
    connections = set()
    for one in answer.iter("connection") if answer is not None else ():
        kind, embeds = one.get("type", ""), one.get("embedPassword")
        if kind != PUBLISHED and _id_within(one, "datasource") not in site.contents:
            embedded = None if embeds is None else flag(embeds)
            connections.add(DataConnection(kind, one.get("serverAddress", ""), one.get("userName", ""), embedded))
    return tuple(sorted(connections, key=repr))


# -- putting together -----------------------------------------------------------------------------------------


def with_answers(site: Site, answers: Answers, unread: frozenset[str] = frozenset()) -> Site:
    """The site with its rules; content that a lock or tabs govern carries the rules that govern it.

    A workbook whose connections were not asked may use any data source there is, or may be: `unread` are the kinds
    whose list was not read.
    """
    any_source = "datasource" in unread or any(content.kind == "datasource" for content in site.contents.values())
    unasked = (UNREAD_USE,) if any_source else ()
    # Connections were told, and of which of them a published source is behind nothing is known.
    uses = {} if "datasource" in unread else answers.uses
    defaults = {project: MappingProxyType(of_project) for project, of_project in answers.defaults.items()}
    contents = {
        content.id: replace(
            content,
            rules=_rules_for(site, content, answers),
            defaults=defaults.get(content.id, content.defaults),
            uses=uses.get(content.id, unasked) if content.kind == "workbook" else (),
            connections=answers.connections.get(content.id) if content.kind in CONNECTED else (),
        )
        for content in site.contents.values()
    }
    return replace(site, contents=contents)


def _rules_for(site: Site, content: Content, answers: Answers) -> Rules | None:
    """The rules that count for a content: its own, or those of what governs it, which has rules of its own."""
    holder = governed_by(site, content) if content.kind != "project" else None
    if holder is None:
        return answers.rules.get(content.id)
    if site.contents[holder].kind == "workbook":
        return answers.rules.get(holder)
    # A view has the default of workbooks.
    return answers.defaults.get(holder, {}).get("workbook" if content.kind == "view" else content.kind)
