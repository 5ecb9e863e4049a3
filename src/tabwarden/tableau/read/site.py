"""A Site from a connection: whole, or what its lists tell by themselves; what a read asks, costs and lacks."""

from __future__ import annotations

import asyncio
import gc
import logging
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import NamedTuple
from xml.etree.ElementTree import Element

from tabwarden.model.errors import MissingScope, TableauError, TabwardenError, UnknownName
from tabwarden.model.roles import is_admin
from tabwarden.model.scope import CONNECTIONS, OUTSIDE
from tabwarden.model.site import Content, Group, GroupSet, Site, User
from tabwarden.tableau.http import lists
from tabwarden.tableau.http.connection import Connection
from tabwarden.tableau.http.lists import Listing, pages_of, query_of, whole
from tabwarden.tableau.http.pace import Budget, Pace, hourly_of
from tabwarden.tableau.http.reader import HttpReader, Progress, reading
from tabwarden.tableau.read.checkpoint import Checkpoint
from tabwarden.tableau.read.content import (
    GONE_OR_FORBIDDEN,
    KINDS,
    Answers,
    Ask,
    Wanted,
    answer_on,
    list_on,
    lists_on,
    wanted,
    with_answers,
)
from tabwarden.tableau.read.people import (
    GROUP_SETS_SINCE,
    NO_SITE,
    group_sets_on,
    groups_on,
    members_on,
    on_demand_of,
    read_site_itself,
    site_on,
    to_ask,
    user_of,
    users_on,
    with_members,
    without,
)

OWNED = ("project", "workbook", "datasource", "flow", "virtualconnection", "database", "table", "collection")

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a read is asked for.

    `connections` also reads what feeds workbooks, data sources and flows, one request each. `projects` are paths
    (`Finance`, `Finance/Budget`): only what lies in or below them is read, none asks for all. `at_most` is the largest
    number of requests it may take.
    """

    connections: bool = True
    projects: tuple[str, ...] = ()
    at_most: int | None = None


def read_site(
    connection: Connection,
    wishes: Wishes | None = None,
    *,
    connections: bool = True,
    progress: Progress | None = None,
    say: Callable[[Budget], None] | None = None,
    checkpoint: Checkpoint | None = None,
    pace: Pace | None = None,
) -> Site:
    """Everything of the site, or what `wishes` names; without wishes, `connections` says whether those are read.

    `say` hears what it costs once the lists are known, before the long part; `progress` counts that part. Answers in
    `checkpoint` are not asked again. What the server refuses to tell about single things is unknown (rules None) and
    named in `partial`. IncompleteRead or TableauError where the site did not come whole: then there is no Site.
    """
    asked_for = wishes or Wishes(connections=connections)

    async def everything(reader: HttpReader) -> Site:
        return await _Read(reader, asked_for, progress, say).site()

    with _looking_seldom_for_cycles():
        site = reading(connection, everything, checkpoint, pace)
    if checkpoint is None or not checkpoint.resumed:
        return site
    # A read is as old as the first thing it read.
    begun = datetime.fromtimestamp(checkpoint.begun, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    return replace(site, taken=replace(site.taken, when=begun))


@contextmanager
def _looking_seldom_for_cycles() -> Iterator[None]:
    """A read makes millions of things that stay and next to no cycles; looking among them takes a sixth of its time."""
    before = gc.get_threshold()
    gc.set_threshold(100_000, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


class _Read:
    """One read of a whole site over a connection."""

    def __init__(
        self,
        reader: HttpReader,
        wishes: Wishes,
        progress: Progress | None,
        say: Callable[[Budget], None] | None,
    ) -> None:
        self._reader, self._connection = reader, reader.connection
        self._wishes = wishes
        self._progress, self._say = progress, say
        self._sizes: dict[str, int | None] = {}
        self._members: dict[str, frozenset[str]] = {}
        self._on_demand = frozenset[str]()
        self._remarks: list[str] = []
        self._closed_groups = Counter[str]()
        self._answers = Answers()
        self._done = 0

    async def site(self) -> Site:
        """The Site, with what it lacks in `partial`."""
        reader = self._reader
        itself, users, groups, sets, listed = await asyncio.gather(
            site_on(reader), self._users(), self._groups(), self._group_sets(), lists_on(reader)
        )
        self._remarks[:0] = itself.partial
        site = replace(
            itself,
            users={user.id: user for user in users},
            groups={group.id: group for group in groups},
            group_sets={one.id: one for one in sets},
            contents=listed.contents,
        )
        self._remarks += listed.left_out
        site = self._within_projects(site)
        to_do = wanted(site, self._connection, connections=self._wishes.connections)
        self._tell_cost(site, to_do)
        await self._ask(site, to_do)
        self._remark(site, users, to_do)
        site = with_answers(site, self._answers, listed.unread)
        return replace(
            site,
            groups={group.id: group for group in with_members(groups, self._members)},
            on_demand=self._on_demand,
            partial=tuple(self._remarks),
        )

    async def _users(self) -> list[User]:
        """All users; where the list is for administrators, whoever reads alone."""
        reader = self._reader
        try:
            return await users_on(reader)
        except TableauError as error:
            if error.status != 403 or await self._reader_is_admin():
                raise
        answer = await reader.ask(f"users/{self._connection.user_id}")
        element = answer.find("user") if answer is not None else None
        return [user_of(element)] if element is not None else []

    # -- lists ------------------------------------------------------------------------------------------------

    async def _groups(self) -> list[Group]:
        """All groups; none, with a remark, where they are kept from whoever reads."""
        try:
            listed = await groups_on(self._reader)
        except MissingScope as missing:
            self._remarks.append(f"groups and who is in them ({without(missing)})")
            return []
        except TableauError as error:
            if error.status != 403 or await self._reader_is_admin():
                raise
            self._remarks.append("groups and who is in them (403)")
            return []
        self._sizes = {one.group.id: one.size for one in listed}
        self._on_demand = on_demand_of(listed)
        return [one.group for one in listed]

    async def _group_sets(self) -> list[GroupSet]:
        if not self._connection.supports(GROUP_SETS_SINCE):
            log.info("this version (%s) has no group sets", self._connection.version)
        try:
            return await group_sets_on(self._reader)
        except MissingScope as missing:
            self._remarks.append(f"group sets ({without(missing)})")
            return []
        except TableauError as error:
            if error.status != 403 or await self._reader_is_admin():
                raise
            self._remarks.append("group sets (403)")
            return []

    async def _reader_is_admin(self) -> bool:
        """Whether an administrator reads, from whom nothing is kept."""
        return is_admin((await self._connection.who_reads()).site_role)

    def _within_projects(self, site: Site) -> Site:
        """The site with the projects wished for, what lies below them, and the projects above, which may lock them."""
        if not self._wishes.projects:
            return site
        chosen_ids: set[str] = set()
        for words in self._wishes.projects:
            chosen = site.find_content(words)
            if chosen.kind != "project":
                raise UnknownName(f"`{words}` is a {chosen.kind}, and only projects can be chosen")
            chosen_ids |= {*site.ancestors(chosen.id), *site.below(chosen.id)}
        names = ", ".join(sorted(f"`{words}`" for words in self._wishes.projects))
        self._remarks.append(f"{OUTSIDE}{names}")
        return replace(site, contents={i: c for i, c in site.contents.items() if i in chosen_ids})

    # -- one by one -------------------------------------------------------------------------------------------

    def _tell_cost(self, site: Site, to_do: Wanted) -> None:
        budget = self._budget(site, to_do)
        log.info("%s", budget)
        if self._say is not None:
            self._say(budget)
        if self._wishes.at_most is not None and budget.total > self._wishes.at_most:
            raise TabwardenError(
                f"the read takes {budget.total:,} requests, and it may take {self._wishes.at_most:,}; "
                "choose projects, leave out connections, or allow more"
            )

    def _budget(self, site: Site, to_do: Wanted) -> Budget:
        reader, connection = self._reader, self._connection
        groups = to_ask(site.groups.values())
        pages = {group: pages_of(self._sizes.get(group) or 0) for group in groups}
        remembered = sum(reader.has(ask.path) for ask in to_do.asks)
        remembered += sum(
            reader.has(f"groups/{group}/users", query_of({}, page))
            for group, count in pages.items()
            for page in range(1, count + 1)
        )
        kinds = [site.contents[ask.content].kind for ask in to_do.asks if ask.what != "connections"]
        projects = sum(kind == "project" for kind in kinds)
        everyone = sum(pages_of(len(site.users)) for group in site.groups.values() if group.everyone)
        empty = sum(1 for g in site.groups.values() if g.members is not None and not g.everyone)
        return Budget(
            sent=sum(connection.calls.values()),
            members=sum(pages.values()),
            projects=projects,
            contents=len(kinds) - projects,
            connections=len(to_do.asks) - len(kinds),
            remembered=remembered,
            saved_by_locks=to_do.saved_by_locks,
            saved_by_tabs=to_do.saved_by_tabs,
            saved_by_groups=everyone + empty,
            sure=len(site.users) <= lists.PAGE_SIZE or all(self._sizes.get(g) is not None for g in groups),
            hourly=hourly_of(connection.server, connection.options.calls_per_hour),
        )

    async def _ask(self, site: Site, to_do: Wanted) -> None:
        """Members of groups and rules of things, many at once."""
        groups = to_ask(site.groups.values())
        number = len(groups) + len(to_do.asks)

        async def one(thing: str | Ask) -> None:
            if isinstance(thing, Ask):
                await answer_on(self._reader, site, thing, self._answers)
            else:
                await self._ask_members(thing)
            self._done += 1
            if self._progress is not None:
                self._progress(self._done, number)

        things: list[str | Ask] = [*groups, *to_do.asks]
        await self._reader.for_all(things, one)
        if any(status == "404" for _, status in self._answers.refused):
            # Gone one by one, or all with their site? Then this is refused too.
            await self._still_there()

    async def _ask_members(self, group: str) -> None:
        try:
            self._members[group] = await members_on(self._reader, group)
        except MissingScope as missing:
            self._closed_groups[without(missing)] += 1
        except TableauError as error:
            if error.status not in GONE_OR_FORBIDDEN or error.code == NO_SITE:
                raise
            self._closed_groups[""] += 1

    async def _still_there(self) -> None:
        try:
            await self._connection.ask("")
        except TableauError as error:
            if error.status != 403:
                raise

    def _remark(self, site: Site, users: list[User], to_do: Wanted) -> None:
        """Put into words what the Site lacks."""
        hidden = sum(1 for user in users if not user.site_role)
        if hidden:
            self._remarks.append(f"site roles of {hidden} users")
        for why, number in self._closed_groups.items():
            self._remarks.append(f"members of {number} groups{f' ({why})' * bool(why)}")
        for kind, number in to_do.unaskable.items():
            since = KINDS[kind].rules_since
            self._remarks.append(
                f"rules of {number} {kind}s: version {self._connection.version} of the API does not tell them, "
                f"{since} and later do"
            )
        self._remarks += self._answers.remarks(site)
        if not self._wishes.connections:
            self._remarks.append(CONNECTIONS)


# -- what lists tell by themselves --------------------------------------------------------------------------------


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


class ListedSite(NamedTuple):
    """A site as the list of them tells it; `state` is Active or Suspended, empty where that is not told."""

    content_url: str
    name: str
    state: str


def list_sites(connection: Connection) -> list[ListedSite]:
    """The sites that whoever signed in is told of; TableauError where sites are not listed (Tableau Cloud)."""

    def one(site: Element) -> ListedSite:
        return ListedSite(site.get("contentUrl", ""), site.get("name", ""), site.get("state", ""))

    async def names(reader: HttpReader) -> list[ListedSite]:
        return await whole(reader, Listing("/sites", "site", one))

    return reading(connection, names)


def read_sites(connection: Connection) -> list[str]:
    """Names of the sites that whoever signed in is told of; where sites are not listed (Tableau Cloud), this one's."""
    try:
        return [site.name for site in list_sites(connection)]
    except TableauError as error:
        if error.status not in GONE_OR_FORBIDDEN:
            raise
        return [read_site_itself(connection).name]


def owned_by(connection: Connection, users: Iterable[str]) -> Mapping[str, list[Content]]:
    """What each of these users (ids) owns, from the lists alone (a request per thousand things of a kind)."""
    owners = set(users)
    owned: dict[str, list[Content]] = defaultdict(list)
    if not owners:
        return {}

    async def read_lists(reader: HttpReader) -> None:
        by_kind = await asyncio.gather(*(list_on(reader, KINDS[name]) for name in OWNED))
        for content in (one for contents in by_kind for one in contents):
            if content.owner in owners:
                owned[content.owner].append(content)

    reading(connection, read_lists)
    return dict(owned)
