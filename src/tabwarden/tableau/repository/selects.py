"""What is asked of the repository, as a table: statements, facts, and the columns that tell a fact by version.

Not SQL yet: `connecting` makes it from this and the columns that are there. Every column is written as `table.column`,
so that none is asked for that is not named here; password texts, hashes, salts and keychains are not.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from tabwarden.model.scope import CONNECTIONS


class Fact(NamedTuple):
    """One thing a row tells, and the ways to ask for it: the first whose columns can be read counts.

    Where there is no way, a `needed` fact is an error; of another, `unknown` says what is not known ('': no loss).
    A `flag` is taken from a column of type boolean only.
    """

    name: str
    ways: tuple[str, ...]
    needed: bool = False
    unknown: str = ""
    flag: bool = False


class Join(NamedTuple):
    """A table beside the first, taken where a fact that is asked for needs it."""

    kind: str
    table: str
    on: str


class Select(NamedTuple):
    """Rows of one table, of those that `within` chooses: without its columns the table cannot be read.

    `where` are further conditions, each left out where this version has no such columns. `unknown` says what is not
    known where the table cannot be read; '': then there is no read. `gathered` makes one row of all that have the
    same first two facts: the other facts joined by `FIELD`, those of each row by `ROW`, sorted, so that equal lists
    are the same text.
    """

    table: str
    facts: tuple[Fact, ...]
    within: str = ""
    joins: tuple[Join, ...] = ()
    where: tuple[str, ...] = ()
    unknown: str = ""
    gathered: bool = False


FIELD, ROW = "\x1f", "\x1e"
"""Characters that COPY writes as they are and that no code holds."""


def _moment(column: str) -> str:
    """A moment as REST writes it; the repository keeps UTC."""
    return f'to_char({column}, \'YYYY-MM-DD"T"HH24:MI:SS"Z"\')'


def _need(name: str, *ways: str) -> Fact:
    return Fact(name, ways, needed=True)


def _needs(**columns: str) -> tuple[Fact, ...]:
    return tuple(_need(name, column) for name, column in columns.items())


def _takes(**columns: str) -> tuple[Fact, ...]:
    return tuple(_take(name, column) for name, column in columns.items())


def _take(name: str, *ways: str, unknown: str = "") -> Fact:
    return Fact(name, ways, unknown=unknown)


def _content(kind: str, table: str, parent: str, *more: Fact, where: tuple[str, ...] = (), unknown: str = "") -> Select:
    """A kind of content; all kinds have the same facts, so that they can be asked for in one statement."""
    facts = (
        Fact("kind", (f"'{kind}'",)),
        *_needs(id=f"{table}.id", luid=f"{table}.luid", name=f"{table}.name"),
        _take("parent", f"{table}.{parent}"),
        _need("owner", f"{table}.owner_id"),
        _take("description", f"{table}.description"),
        _take("created", _moment(f"{table}.created_at")),
        _take("updated", _moment(f"{table}.updated_at")),
        *(Fact(name, ()) for name in ("locked", "nested", "tabs")),
    )
    by_name = {fact.name: fact for fact in (*facts, *more)}
    return Select(table, tuple(by_name.values()), f"{table}.site_id = {{site}}", where=where, unknown=unknown)


_RULE = ("grantee_type", "grantee_id", "capability_id", "permission")

STATEMENTS: Mapping[str, tuple[Select, ...]] = {
    "sites": (
        Select(
            "sites",
            (
                *_needs(id="sites.id", luid="sites.luid", name="sites.name", content_url="sites.url_namespace"),
                *_takes(status="sites.status", commenting="sites.commenting_enabled"),
                *_takes(web_authoring="sites.web_editing_enabled", subscriptions="sites.subscriptions_enabled"),
                *_takes(content_admin_mode="sites.content_admin_mode", user_visibility="sites.user_visibility"),
            ),
        ),
    ),
    "domains": (Select("domains", _needs(name="domains.name", nickname="domains.short_name"), unknown="nicknames"),),
    "users": (
        Select(
            "users",
            (
                *_needs(id="users.id", luid="users.luid", name="system_users.name", domain="domains.name"),
                _take("full_name", "system_users.friendly_name", unknown="full names of users"),
                _take("email", "system_users.email", unknown="e-mail addresses of users"),
                _take("last_login", _moment("users.login_at"), unknown="when users were last there"),
                _need("admin_level", "system_users.admin_level"),
                *_takes(role="site_roles.name", role_shown="site_roles.display_name", licence="licensing_roles.name"),
                *_takes(publisher="users.publisher_tristate", site_admin_level="users.admin_level"),
            ),
            "users.site_id = {site}",
            (
                Join("join", "system_users", "system_users.id = users.system_user_id"),
                Join("join", "domains", "domains.id = system_users.domain_id"),
                Join("left join", "site_roles", "site_roles.id = users.site_role_id"),
                Join("left join", "licensing_roles", "licensing_roles.id = users.licensing_role_id"),
            ),
        ),
    ),
    "groups": (
        Select(
            "groups",
            (
                *_needs(id="groups.id", luid="groups.luid", name="groups.name", domain="domains.name"),
                _need("everyone", "groups.system"),
                _take(
                    "minimum", "site_roles.name", "groups.minimum_site_role", unknown="which site roles groups grant"
                ),
                _take("minimum_shown", "site_roles.display_name"),
                _take("grant", "groups.grant_license_mode", unknown="when groups grant a site role"),
            ),
            "groups.site_id = {site}",
            (
                Join("join", "domains", "domains.id = groups.domain_id"),
                Join("left join", "site_roles", "site_roles.id = groups.minimum_site_role_id"),
            ),
        ),
    ),
    "memberships": (
        Select(
            "group_users",
            _needs(group="group_users.group_id", user="group_users.user_id"),
            "groups.site_id = {site} and not groups.system",
            (Join("join", "groups", "groups.id = group_users.group_id"),),
        ),
    ),
    "group sets": (
        Select(
            "group_sets",
            _needs(
                id="group_sets.id", luid="group_sets.luid", name="group_sets.name", group="group_set_groups.group_id"
            ),
            "group_sets.site_id = {site}",
            (Join("left join", "group_set_groups", "group_set_groups.group_set_id = group_sets.id"),),
            unknown="group sets",
        ),
    ),
    "contents": (
        _content(
            "project",
            "projects",
            "parent_project_id",
            _need("parent", "projects.parent_project_id"),
            _need("locked", "projects.controlled_permissions_enabled"),
            _take("nested", "projects.nested_projects_permissions_included"),
        ),
        _content(
            "workbook",
            "workbooks",
            "project_id",
            _take("tabs", "workbooks.display_tabs", unknown="whether workbooks show their sheets as tabs"),
            where=("workbooks.is_deleted is not true",),
        ),
        _content(
            "view",
            "views",
            "workbook_id",
            _need("parent", "views.workbook_id"),
            # A view's owner is its workbook's.
            Fact("owner", ()),
            where=("views.is_deleted is not true",),
        ),
        _content(
            "datasource",
            "datasources",
            "project_id",
            # What belongs to a workbook or is a data role lies in the same table.
            where=(
                "datasources.parent_workbook_id is null",
                "datasources.parent_type is null",
                "datasources.connectable is not false",
            ),
        ),
        _content("flow", "flows", "project_id", unknown="flows"),
        # No public source tells this table: its name is believed, either way.
        _content("virtualconnection", "virtual_connections", "project_id", unknown="virtual connections"),
        _content("virtualconnection", "published_connections", "project_id", unknown="virtual connections"),
    ),
    "places": (
        Select(
            "projects_contents",
            _needs(
                project="projects_contents.project_id",
                type="projects_contents.content_type",
                content="projects_contents.content_id",
            ),
            where=("projects_contents.site_id = {site}",),
            unknown="places",
        ),
    ),
    "connections": (
        Select(
            "data_connections",
            (
                *_needs(workbook="data_connections.owner_id", datasource="data_connections.datasource_id"),
                # Whether a password is kept with the workbook. A column that holds one is not looked at.
                Fact(
                    "embedded",
                    ("data_connections.password",),
                    unknown=f"whether {CONNECTIONS} embed a password",
                    flag=True,
                ),
                _take("class", "data_connections.dbclass"),
            ),
            "data_connections.owner_type = 'Workbook'",
            where=("(data_connections.site_id = {site} or data_connections.site_id is null)",),
            unknown=CONNECTIONS,
        ),
    ),
    "capabilities": (Select("capabilities", _needs(id="capabilities.id", name="capabilities.name")),),
    "rules": (
        Select(
            "next_gen_permissions",
            (
                *_needs(type="next_gen_permissions.authorizable_type", content="next_gen_permissions.authorizable_id"),
                *(_need(name, f"next_gen_permissions.{name}") for name in _RULE),
            ),
            joins=(
                Join(
                    "left join",
                    "views",
                    "next_gen_permissions.authorizable_type = 'View' "
                    "and views.id = next_gen_permissions.authorizable_id",
                ),
                Join("left join", "workbooks", "workbooks.id = views.workbook_id"),
            ),
            where=(
                "(next_gen_permissions.site_id = {site} or next_gen_permissions.site_id is null)",
                # Stale rules of sheets that shown tabs govern: most rows there are, and none of them counts.
                "workbooks.display_tabs is not true",
            ),
            gathered=True,
        ),
    ),
    "defaults": (
        Select(
            "permissions_templates",
            (
                _need("type", "permissions_templates.template_type"),
                _need("content", "permissions_templates.container_id", "permissions_templates.project_id"),
                *(_need(name, f"permissions_templates.{name}") for name in _RULE),
            ),
            unknown="default rules of projects, and with them the rules of what is locked",
            gathered=True,
        ),
    ),
}
