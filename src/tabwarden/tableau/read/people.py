"""Users, groups, group sets and the site's own settings, as a connection tells them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from sys import intern
from typing import NamedTuple
from xml.etree.ElementTree import Element

from tabwarden.effects.ops.settings import FURTHER_BY_REST
from tabwarden.model.errors import IncompleteRead, MissingScope, TableauError
from tabwarden.model.resolver import unquoted
from tabwarden.model.roles import TIERS, is_admin, rank
from tabwarden.model.scope import SETTINGS
from tabwarden.model.site import (
    ALL_USERS,
    LOCAL,
    ON_LOGIN,
    Group,
    GroupSet,
    Site,
    Taken,
    User,
)
from tabwarden.model.site_settings import SiteSettings
from tabwarden.tableau.http.connection import Connection
from tabwarden.tableau.http.lists import Listing, whole
from tabwarden.tableau.http.reader import HttpReader, reading
from tabwarden.tableau.http.wire import flag

GROUP_SETS_SINCE = "3.22"
NO_SITE = "404000"


def read_people(connection: Connection, groups: Iterable[str] | None = None) -> Site:
    """Users, groups and the site's settings; of content nothing (`partial` says so).

    Members are read of the groups named (a name, `domain\\name` or id, any letter case; None: of all) and of every
    group that grants a site role, for those keep a role from being lowered. Others have `members` None.
    """
    wanted = None if groups is None else {unquoted(name).casefold() for name in groups}

    async def people(reader: HttpReader) -> tuple[Site, list[User], list[Group], Mapping[str, frozenset[str]]]:
        site = await site_on(reader)
        users = with_roles(connection, await users_on(reader))
        of_list = await groups_on(reader)
        site = replace(site, on_demand=on_demand_of(of_list))
        listed = [one.group for one in of_list]
        chosen = [
            g for g in listed if wanted is None or _is_named(g, wanted) or (rank(g.minimum_site_role or "") or 0) > 0
        ]
        members: dict[str, frozenset[str]] = {}

        async def one(group: str) -> None:
            members[group] = await members_on(reader, group)

        await reader.for_all(to_ask(chosen), one)
        return site, users, listed, members

    site, users, listed, members = reading(connection, people)
    partial = [*site.partial, "projects, content and rules", "group sets"]
    unread = sum(1 for g in listed if g.id not in members and not g.everyone)
    if unread:
        partial.append(f"members of {unread} groups")
    by_id = {user.id: user for user in users}
    own = {group: frozenset(by_id[i].id if i in by_id else i for i in ids) for group, ids in members.items()}
    groups = {group.id: group for group in with_members(listed, own)}  # the ids are those of the users, not copies
    return replace(site, users=by_id, groups=groups, partial=tuple(partial))


def on_demand_of(groups: Iterable[ListedGroup]) -> frozenset[str]:
    """Ids of the groups through which people come in on demand."""
    return frozenset(one.group.id for one in groups if one.on_demand)


def _is_named(group: Group, wanted: set[str]) -> bool:
    forms = (group.name, f"{group.domain}\\{group.name}", group.id)
    return any(form.casefold() in wanted for form in forms)


def read_site_itself(connection: Connection) -> Site:
    """An empty Site with name, settings, seats, who read it when; `partial` says what the reader cannot see."""
    return reading(connection, site_on)


async def site_on(reader: HttpReader) -> Site:
    """As `read_site_itself`, over a reader; who reads is asked at the same time."""
    connection = reader.connection
    site_itself, who = await asyncio.gather(_attributes(reader), connection.who_reads())
    taken = Taken(
        where=connection.server,
        when=datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        by=who.name,
        by_role=who.site_role,
    )
    partial: list[str] = []
    if not is_admin(who.site_role):
        partial.append(f"what `{who.name}` ({who.site_role}) cannot see, not being an administrator")
    if not isinstance(site_itself, dict):
        partial.append(f"{SETTINGS} and seats{site_itself}")
    attributes = site_itself if isinstance(site_itself, dict) else {}
    # The site's further switches among its attributes, those that it tells.
    return Site(
        id=connection.site_id,
        name=attributes.get("name", connection.site),
        content_url=attributes.get("contentUrl", connection.site),
        settings=settings_of(attributes),
        switches={name: flag(attributes[rest]) for name, rest in FURTHER_BY_REST.items() if rest in attributes},
        licences=licences_of(attributes),
        taken=taken,
        partial=tuple(partial),
    )


async def _attributes(reader: HttpReader) -> dict[str, str] | str:
    """What the site tells of itself; words on why where that is refused."""
    try:
        answer = await reader.ask("")
    except MissingScope as missing:
        return f" ({without(missing)})"
    except TableauError as error:
        if error.status not in (403, 404) or error.code == NO_SITE:
            raise
        return ""
    site = answer.find("site") if answer is not None else None
    return dict(site.attrib) if site is not None else {}


def without(missing: MissingScope) -> str:
    """Why something was not read, for `Site.partial`."""
    return f"the connected app lacks the scope `{missing.scope}`"


def settings_of(attributes: Mapping[str, str]) -> SiteSettings:
    """The settings among a site's attributes; one that is not told is as on a new site."""
    usual = SiteSettings()
    return SiteSettings(
        web_authoring=flag(attributes.get("authoringEnabled"), missing=usual.web_authoring),
        commenting=flag(attributes.get("commentingEnabled"), missing=usual.commenting),
        group_sets=flag(attributes.get("groupSetsEnabled"), missing=usual.group_sets),
        explain_data=flag(attributes.get("explainDataEnabled"), missing=usual.explain_data),
        admin_mode=attributes.get("adminMode", usual.admin_mode),
        user_visibility=attributes.get("userVisibilityMode", usual.user_visibility),
        subscriptions=not flag(attributes.get("disableSubscriptions")),
        subscribe_others=flag(attributes.get("subscribeOthersEnabled"), missing=usual.subscribe_others),
        data_alerts=flag(attributes.get("dataAlertsEnabled"), missing=usual.data_alerts),
        revision_history=flag(attributes.get("revisionHistoryEnabled"), missing=usual.revision_history),
    )


def licences_of(attributes: Mapping[str, str]) -> Mapping[str, int] | None:
    """Seats per tier among a site's attributes; None where no tier is told."""
    seats = {tier: attributes.get(f"tier{tier}Capacity", "") for tier in TIERS}
    numbers = {tier: int(words) for tier, words in seats.items() if words.isdigit()}
    return numbers or None


def read_users(connection: Connection) -> list[User]:
    """All users of the site with everything the list tells; IncompleteRead where it keeps site roles from us."""
    return with_roles(connection, reading(connection, users_on))


async def users_on(reader: HttpReader) -> list[User]:
    """All users that the list tells of; the site role of one whose role is kept from us is ''."""
    return await whole(reader, Listing("users", "user", user_of, {"fields": "_all_"}))


def with_roles(connection: Connection, users: list[User]) -> list[User]:
    """These users; IncompleteRead where the site role of one is kept from us."""
    if any(not user.site_role for user in users):
        name, role = connection.reader
        raise IncompleteRead(
            f"`{connection.server}` does not tell `{name}` ({role}) the site roles of others; "
            "sign in as a site or server administrator"
        )
    return users


def user_of(element: Element) -> User:
    """A user as told; one that never signed in, or whose sign-ins are not told, has no `last_login`.

    Words that a million users share are one word in memory.
    """
    value, domain = element.get, element.find("domain")
    return User(
        value("id", ""),
        value("name", ""),
        intern(value("siteRole", "")),
        intern(domain.get("name", LOCAL) if domain is not None else value("domainName", LOCAL)),
        value("fullName", ""),
        value("email", ""),
        intern(value("authSetting", "")) or None,
        value("lastLogin") or None,
        intern(value("idpConfigurationId", "")) or None,
    )


class ListedGroup(NamedTuple):
    """A group of a list: how many members the list says it has, and whether people come in on demand through it."""

    group: Group
    size: int | None
    on_demand: bool


async def groups_on(reader: HttpReader) -> list[ListedGroup]:
    """All groups; members are None but of those that the list calls empty."""
    try:
        return await whole(reader, Listing("groups", "group", _counted_group, {"fields": "_all_"}))
    except TableauError as error:
        if error.status != 400:
            raise
        # A server that lists no fields by name of groups tells less of each, which costs a request for an empty one.
        return await whole(reader, Listing("groups", "group", _counted_group))


def _counted_group(element: Element) -> ListedGroup:
    words = element.get("userCount", "")
    on_demand = flag(element.get("ephemeralUsersEnabled"))
    return ListedGroup(group_of(element), int(words) if words.isdigit() else None, on_demand)


def group_of(element: Element) -> Group:
    """A group as told. A local group with a minimum site role grants it on sign-in where no mode is told."""
    domain_told, import_told = element.find("domain"), element.find("import")
    named = domain_told.get("name") if domain_told is not None else None
    if named is None and import_told is not None:
        named = import_told.get("domainName")  # the answer to an import names it there alone
    domain = named or LOCAL
    minimum = element.get("minimumSiteRole") or None
    mode = element.get("grantLicenseMode") or None
    if import_told is not None:
        minimum = minimum or import_told.get("siteRole") or None
        mode = mode or import_told.get("grantLicenseMode") or None
    if mode is None and minimum is not None and minimum != "Unlicensed" and domain.casefold() == LOCAL:
        mode = ON_LOGIN
    everyone = element.get("name", "") == ALL_USERS and domain.casefold() == LOCAL
    known_empty = everyone or element.get("userCount") == "0"
    return Group(
        id=element.get("id", ""),
        name=element.get("name", ""),
        domain=domain,
        members=frozenset() if known_empty else None,
        minimum_site_role=minimum,
        grant_on=mode,
        everyone=everyone,
    )


def to_ask(groups: Iterable[Group]) -> list[str]:
    """Ids of the groups whose members must be asked: not those known to be empty, and never All Users."""
    return [group.id for group in groups if group.members is None and not group.everyone]


async def members_on(reader: HttpReader, group: str) -> frozenset[str]:
    """Ids of the members of a group."""
    return frozenset(
        await whole(reader, Listing(f"groups/{group}/users", "user", lambda element: element.get("id", "")))
    )


def with_members(groups: Iterable[Group], members: Mapping[str, frozenset[str] | None]) -> list[Group]:
    """The groups, those with members among `members` having them."""
    return [replace(group, members=members.get(group.id, group.members)) for group in groups]


async def group_sets_on(reader: HttpReader) -> list[GroupSet]:
    """All group sets with the ids of their groups; none where this version has none."""
    if not reader.connection.supports(GROUP_SETS_SINCE):
        return []
    return await whole(reader, Listing("groupsets", "groupSet", group_set_of, {"resultlevel": "members"}))


def group_set_of(element: Element) -> GroupSet:
    """A group set with the ids of its groups."""
    return GroupSet(
        element.get("id", ""), element.get("name", ""), frozenset(g.get("id", "") for g in element.iter("group"))
    )
