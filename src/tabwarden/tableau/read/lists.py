"""What the lists of a site tell by themselves: sizes, projects, sites, who owns what. No rules, and no whole Site."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace

from tabwarden.model.errors import TableauError
from tabwarden.model.site import Site
from tabwarden.tableau.http.connection import Connection
from tabwarden.tableau.http.lists import Listing, whole
from tabwarden.tableau.http.reader import HttpReader, reading
from tabwarden.tableau.read.content import GONE_OR_FORBIDDEN, KINDS, list_on, lists_on
from tabwarden.tableau.read.people import NO_SITE, read_site_itself

OWNED = ("project", "workbook", "datasource", "flow", "virtualconnection", "database", "table")


def counts(connection: Connection) -> Mapping[str, int]:
    """How many users, groups, projects and so on the site has: one short request each; none where that is refused."""
    lists = {"user": "users", "group": "groups"} | {
        name: kind.path
        for name, kind in KINDS.items()
        if connection.supports(kind.since) and name not in ("virtualconnection", "database", "table")
    }
    return {name: _count(connection, path) for name, path in lists.items()}


def _count(connection: Connection, path: str) -> int:
    try:
        answer = connection.call("GET", path, query={"pageSize": "1", "pageNumber": "1"})
    except TableauError as error:
        if error.status not in GONE_OR_FORBIDDEN or error.code == NO_SITE:
            raise
        return 0
    pagination = answer.find("pagination") if answer is not None else None
    return int(pagination.get("totalAvailable", "0")) if pagination is not None else 0


def read_projects(connection: Connection) -> Site:
    """The site and its projects, nothing else: quick, for choosing what to look at."""
    site = read_site_itself(connection)
    listed = reading(connection, lambda reader: lists_on(reader, ("project",)))
    partial = (*site.partial, "users, groups, rules and content other than projects")
    return replace(site, contents=listed.contents, partial=partial)


def read_sites(connection: Connection) -> list[str]:
    """Names of the sites that whoever signed in is told of; where sites are not listed (Tableau Cloud), this one's."""

    async def names(reader: HttpReader) -> list[str]:
        return await whole(reader, Listing("/sites", "site", lambda site: site.get("name", "")))

    try:
        return reading(connection, names)
    except TableauError as error:
        if error.status not in GONE_OR_FORBIDDEN:
            raise
        return [read_site_itself(connection).name]


def owned_by(connection: Connection, users: Iterable[str]) -> Mapping[str, list[str]]:
    """Ids of what each of these users owns, from the lists alone (a request per thousand things of a kind)."""
    owners = set(users)
    owned: dict[str, list[str]] = defaultdict(list)
    if not owners:
        return {}

    async def lists(reader: HttpReader) -> None:
        by_kind = await asyncio.gather(*(list_on(reader, KINDS[name]) for name in OWNED))
        for content in (one for contents in by_kind for one in contents):
            if content.owner in owners:
                owned[content.owner].append(content.id)

    reading(connection, lists)
    return dict(owned)
