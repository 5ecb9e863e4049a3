"""A Site from a connection: people alone, or everything. Not how each kind is asked."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from math import ceil
from typing import NamedTuple

from tabwarden.model.site import Site
from tabwarden.tableau.client import PAGE_SIZE, Connection
from tabwarden.tableau.parallel import Progress
from tabwarden.tableau.read_content import KINDS, answers, asks, content_of, list_of, read_lists, with_answers
from tabwarden.tableau.read_people import (
    GROUP_SETS_SINCE,
    read_group_sets,
    read_groups,
    read_members,
    read_people,
    read_site_itself,
    read_users,
    with_members,
)

__all__ = ["Estimate", "counts", "estimate", "owned_by", "read_people", "read_projects", "read_site"]

log = logging.getLogger(__name__)

CLOUD_HOURLY = 40_000  # requests a user may send to a site of Tableau Cloud within an hour
DEFAULT_KINDS = 3  # workbooks, data sources, flows
OWNED = ("project", "workbook", "datasource", "flow", "virtualconnection")


class Estimate(NamedTuple):
    """Requests that reading a whole site takes: at least (everything locked) and at most (nothing is)."""

    least: int
    most: int

    def __str__(self) -> str:
        words = f"between {self.least:,} and {self.most:,} requests"
        return words if self.most < CLOUD_HOURLY else f"{words} (Tableau Cloud allows {CLOUD_HOURLY:,} an hour)"


def counts(connection: Connection) -> Mapping[str, int]:
    """How many users, groups, projects and so on the site has: one short request each."""
    found: dict[str, int] = {}
    lists = {"user": "users", "group": "groups"} | {
        name: kind.path
        for name, kind in KINDS.items()
        if connection.supports(kind.since) and name != "virtualconnection"
    }
    for name, path in lists.items():
        answer = connection.call("GET", path, query={"pageSize": "1", "pageNumber": "1"})
        pagination = answer.find("pagination") if answer is not None else None
        found[name] = int(pagination.get("totalAvailable", "0")) if pagination is not None else 0
    return found


def estimate(counted: Mapping[str, int]) -> Estimate:
    """Requests for a whole read of a site with so many of each; what locks and tabs save shows only later."""
    lists = sum(max(1, ceil(number / PAGE_SIZE)) for number in counted.values())
    fixed = lists + max(0, counted.get("group", 0) - 1) + counted.get("project", 0) * (1 + DEFAULT_KINDS)
    items = sum(counted.get(kind, 0) for kind in ("workbook", "datasource", "flow"))
    connections = counted.get("workbook", 0) if counted.get("datasource", 0) else 0
    return Estimate(fixed + connections, fixed + connections + items + counted.get("view", 0))


def read_site(connection: Connection, *, connections: bool = True, progress: Progress | None = None) -> Site:
    """Everything of the site. `connections` False leaves out what workbooks use, one request each.

    What the server refuses to tell about single things is unknown (rules None) and named in `partial`.
    """
    site = read_site_itself(connection)
    users = read_users(connection)
    groups = read_groups(connection)
    groups = with_members(groups, read_members(connection, groups))
    listed = read_lists(connection)
    site = replace(
        site,
        users={user.id: user for user in users},
        groups={group.id: group for group in groups},
        group_sets={one.id: one for one in read_group_sets(connection)},
        contents=listed.contents,
    )
    asked = list(asks(site, connection, connections=connections))
    log.info("%d requests for the rules of %d things", len(asked), len(site.contents))
    found = answers(connection, site, asked, progress)
    partial = [*site.partial, *listed.left_out, *found.refused]
    if not connections:
        partial.append("connections of workbooks")
    if not connection.supports(GROUP_SETS_SINCE):
        log.info("this version (%s) has no group sets", connection.version)
    return replace(with_answers(site, found), partial=tuple(partial))


def read_projects(connection: Connection) -> Site:
    """The site and its projects, nothing else: quick, for choosing what to look at."""
    site = read_site_itself(connection)
    listed = read_lists(connection, ("project",))
    partial = (*site.partial, "users, groups, rules and content other than projects")
    return replace(site, contents=listed.contents, partial=partial)


def owned_by(connection: Connection, users: Iterable[str]) -> Mapping[str, list[str]]:
    """Ids of what each of these users owns, from the lists alone (a request per thousand things of a kind)."""
    wanted = set(users)
    found: dict[str, list[str]] = defaultdict(list)
    for name in OWNED if wanted else ():
        for one in list_of(connection, KINDS[name]):
            content = content_of(one, name)
            if content.owner in wanted:
                found[content.owner].append(content.id)
    return dict(found)
