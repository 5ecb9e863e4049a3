"""Projects, workbooks, views, data sources, flows and their rules, as a connection tells them. Not people.

Lists come a thousand at a time; rules one request a thing, by eight threads. Where a lock or shown tabs decide, a
thing's own rules are not asked: it carries those that govern it, which is what the server would answer.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import NamedTuple
from xml.etree.ElementTree import Element

from tabwarden.model.errors import TableauError
from tabwarden.model.governing import lock_is_unknown, managing_project
from tabwarden.model.site import (
    ALLOW,
    CUSTOMIZABLE,
    Content,
    Grantee,
    Rule,
    Rules,
    Site,
    Use,
)
from tabwarden.tableau.client import Connection
from tabwarden.tableau.parallel import Progress, in_parallel
from tabwarden.tableau.wire import flag


class Kind(NamedTuple):
    """A kind of content on the wire: its element, its path, and the API version that brought its list."""

    name: str
    element: str
    path: str
    since: str


KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        kind.name: kind
        for kind in (
            Kind("project", "project", "projects", "2.0"),
            Kind("workbook", "workbook", "workbooks", "2.0"),
            Kind("view", "view", "views", "2.0"),
            Kind("datasource", "datasource", "datasources", "2.0"),
            Kind("flow", "flow", "flows", "3.3"),
            Kind("virtualconnection", "virtualConnection", "virtualConnections", "3.18"),
        )
    }
)
# Kinds whose project defaults are read, and since when there are any.
DEFAULTS_SINCE: Mapping[str, str] = MappingProxyType(
    {"workbook": "2.1", "datasource": "2.1", "flow": "3.4", "virtualconnection": "3.23"}
)
GONE_OR_FORBIDDEN = (403, 404)


class Ask(NamedTuple):
    """One request for rules (or, `what` = connections, for what a workbook uses) about one content."""

    what: str
    content: str
    path: str


@dataclass(slots=True)
class Answers:
    """What the requests brought: `rules` by content, `defaults` by project and kind, `uses` by workbook.

    `refused` names what the server would not tell, a line each.
    """

    rules: dict[str, Rules | None] = field(default_factory=dict)
    defaults: dict[str, dict[str, Rules | None]] = field(default_factory=lambda: defaultdict(dict))
    uses: dict[str, tuple[Use, ...]] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)


# -- lists ----------------------------------------------------------------------------------------------------


class Listed(NamedTuple):
    """All content with nothing known of its rules, and remarks on what was left out."""

    contents: Mapping[str, Content]
    left_out: tuple[str, ...]


def read_lists(connection: Connection, kinds: Iterable[str] = KINDS) -> Listed:
    """Every project and content of these kinds, rules unread; personal spaces are left out and counted."""
    contents: dict[str, Content] = {}
    remarks: list[str] = []
    personal = 0
    for name in kinds:
        told = list_of(connection, KINDS[name])
        for one in told:
            content = content_of(one, name)
            if name != "project" and content.parent is None:
                personal += 1
            else:
                contents[content.id] = content
    strays = [c.id for c in contents.values() if c.kind == "view" and c.parent not in contents]
    for view in strays:
        del contents[view]
    if personal:
        remarks.append(f"{personal} things in personal spaces, which only their owners see")
    return Listed(contents, tuple(remarks))


def list_of(connection: Connection, kind: Kind) -> list[Element]:
    """The whole list of one kind; empty where this version, or this edition, does not have the kind."""
    if not connection.supports(kind.since):
        return []
    try:
        return connection.pages(kind.path, kind.element)
    except TableauError as error:
        if kind.name == "virtualconnection" and error.status in GONE_OR_FORBIDDEN:
            return []  # they come with a licence of their own
        raise


def content_of(told: Element, kind: str) -> Content:
    """A content as a list tells it, its rules unread."""
    if kind == "project":
        parent = told.get("parentProjectId") or None
    else:
        parent = _id_within(told, "workbook" if kind == "view" else "project")
    return Content(
        id=told.get("id", ""),
        kind=kind,
        name=told.get("name", ""),
        parent=parent,
        owner=_id_within(told, "owner") or "",
        rules=None,
        mode=told.get("contentPermissions", CUSTOMIZABLE) if kind == "project" else CUSTOMIZABLE,
        tabs=flag(told.get("showTabs"), missing=True) if kind == "workbook" else True,
        description=told.get("description", ""),
        created=told.get("createdAt", ""),
        updated=told.get("updatedAt", ""),
    )


def _id_within(told: Element, tag: str) -> str | None:
    inner = told.find(tag)
    return (inner.get("id") or None) if inner is not None else None


# -- what to ask ----------------------------------------------------------------------------------------------


def asks(site: Site, connection: Connection, *, connections: bool) -> Iterator[Ask]:
    """Every request that the rules of `site` need; `site` holds its content with modes and tabs."""
    kinds_there = {content.kind for content in site.contents.values()}
    default_kinds = [
        kind
        for kind, since in DEFAULTS_SINCE.items()
        if connection.supports(since) and (kind != "virtualconnection" or kind in kinds_there)
    ]
    for content in site.contents.values():
        if content.kind == "project":
            yield Ask("rules", content.id, f"projects/{content.id}/permissions")
            for kind in default_kinds:
                yield Ask(kind, content.id, f"projects/{content.id}/default-permissions/{KINDS[kind].path.lower()}")
            continue
        if governed_by(site, content) is None:
            yield Ask("rules", content.id, f"{KINDS[content.kind].path}/{content.id}/permissions")
        if connections and content.kind == "workbook" and "datasource" in kinds_there:
            yield Ask("connections", content.id, f"workbooks/{content.id}/connections")


def governed_by(site: Site, content: Content) -> str | None:
    """The id of the project (by a lock) or workbook (by shown tabs) whose rules stand for those of `content`."""
    project = site.project_of(content.id)
    if project is not None and project in site.contents and not lock_is_unknown(site, project):
        manager = managing_project(site, project)
        if manager is not None:
            return manager
    if content.kind == "view" and content.parent is not None:
        workbook = site.contents[content.parent]
        return workbook.id if workbook.tabs else None
    return None


# -- asking ---------------------------------------------------------------------------------------------------


def answers(connection: Connection, site: Site, asked: Sequence[Ask], progress: Progress | None = None) -> Answers:
    """The answers to `asked`; of a thing that is gone or forbidden the rules stay unknown."""
    known: dict[Rules, Rules] = {}
    found = Answers()

    def one(ask: Ask) -> Rules | tuple[Use, ...] | int:
        try:
            told = connection.call("GET", ask.path)
        except TableauError as error:
            if error.status in GONE_OR_FORBIDDEN:
                return error.status
            raise
        if ask.what == "connections":
            return uses_of(told, site)
        rules = rules_of(told)
        return known.setdefault(rules, rules)  # equal lists are kept once; sites repeat few of them

    for ask, told in zip(asked, in_parallel(one, asked, progress), strict=True):
        if isinstance(told, int):
            what = ask.what if ask.what in ("rules", "connections") else f"{ask.what} defaults"
            found.refused.append(f"{what} of {site.contents[ask.content].kind} `{site.path(ask.content)}` ({told})")
        if ask.what == "connections":
            found.uses[ask.content] = told if isinstance(told, tuple) else ()
        elif ask.what == "rules":
            found.rules[ask.content] = told if isinstance(told, frozenset) else None
        else:
            found.defaults[ask.content][ask.what] = told if isinstance(told, frozenset) else None
    return found


def rules_of(told: Element | None) -> Rules:
    """The rules of one answer, as told: names of capabilities unknown to us and inherited leaders included."""
    found: set[Rule] = set()
    for one in told.iter("granteeCapabilities") if told is not None else ():
        grantee = next((Grantee(who.tag, who.get("id", "")) for who in one if who.tag in _GRANTEES), None)
        if grantee is None:
            continue
        for capability in one.iter("capability"):
            found.add(Rule(grantee, capability.get("name", ""), capability.get("mode", ALLOW)))
    return frozenset(found)


_GRANTEES = frozenset({"user", "group", "groupSet"})


def uses_of(told: Element | None, site: Site) -> tuple[Use, ...]:
    """The published data sources among a workbook's connections, each once; an embedded password means embed."""
    found: dict[str, str] = {}
    for one in told.iter("connection") if told is not None else ():
        datasource = _id_within(one, "datasource")
        if datasource in site.contents and datasource is not None:
            found.setdefault(datasource, "embed" if flag(one.get("embedPassword")) else "prompt")
    return tuple(Use(datasource, auth) for datasource, auth in found.items())


# -- putting together -----------------------------------------------------------------------------------------


def with_answers(site: Site, found: Answers) -> Site:
    """The site with its rules; content that a lock or tabs govern carries the rules that govern it."""
    own = {
        content.id: replace(
            content,
            rules=found.rules.get(content.id),
            defaults=MappingProxyType(found.defaults.get(content.id, {})),
            uses=found.uses.get(content.id, ()),
        )
        for content in site.contents.values()
    }
    for content in site.contents.values():
        holder = governed_by(site, content) if content.kind != "project" else None
        if holder is None:
            continue
        above = own[holder]
        kind = "workbook" if content.kind == "view" else content.kind
        rules = above.defaults.get(kind) if above.kind == "project" else above.rules
        own[content.id] = replace(own[content.id], rules=rules)
    return replace(site, contents=own)
