"""What is asked of the repository, as a table: statements, facts, and the columns that tell a fact by version.

Not SQL yet: `connecting` makes it from this and the columns that are there. Every column is written as `table.column`,
so that none is asked for that is not named here; password texts, hashes, salts and keychains are not. Every column
is one of `tabwarden.workgroup`, which tells the releases it is in.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from tabwarden.model.scope import CONNECTIONS, DESCRIPTIONS, SETTINGS
from tabwarden.workgroup import LATER_LAYER


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
    known where the table cannot be read; '': then there is no read. `apart` are the conditions under which a row is no
    live content, by what it is then, each left out as in `where`; the fact `apart` tells the first that holds.
    `gathered` makes one row of all that have the same first two facts: the other facts joined by `FIELD`, those of
    each row by `ROW`, sorted, so that equal lists are the same text.
    """

    table: str
    facts: tuple[Fact, ...]
    within: str = ""
    joins: tuple[Join, ...] = ()
    where: tuple[str, ...] = ()
    unknown: str = ""
    gathered: bool = False
    apart: Mapping[str, str] = MappingProxyType({})


FIELD, ROW = "\x1f", "\x1e"
"""Characters that COPY writes as they are and that no code holds."""


def moment(column: str) -> str:
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


BIN, ARCHIVED, DRAFT = "in the recycle bin", "archived", "private drafts"


def _content(
    kind: str,
    table: str,
    parent: str | None,
    *more: Fact,
    where: tuple[str, ...] = (),
    unknown: str = "",
    **apart: str,
) -> Select:
    """A kind of content; all kinds have the same facts, so that they can be asked for in one statement.

    `apart` by name: what a row is where the condition holds (`_APART`).
    """
    facts = (
        Fact("kind", (f"'{kind}'",)),
        *_needs(id=f"{table}.id", luid=f"{table}.luid", name=f"{table}.name"),
        Fact("parent", (f"{table}.{parent}",) if parent else ()),
        _need("owner", f"{table}.owner_id"),
        _take("description", f"{table}.description"),
        _take("created", moment(f"{table}.created_at")),
        _take("updated", moment(f"{table}.updated_at")),
        *(Fact(name, ()) for name in ("locked", "nested", "tabs", "certified", "note")),
        Fact("apart", ()),
    )
    by_name = {fact.name: fact for fact in (*facts, *more)}
    whys = {_APART[name]: words for name, words in apart.items()}
    site = f"{table}.site_id = {{site}}"
    return Select(table, tuple(by_name.values()), site, where=where, unknown=unknown, apart=whys)


_APART: Mapping[str, str] = {
    "deleted": BIN,
    "archived": ARCHIVED,
    "private": DRAFT,
    "derived": DRAFT + " of a workbook",
    "hidden": "hidden",
    "disabled": "disabled",
    "inactive": "inactive",
    "unused": "never activated",
    "grouped": "grouped into another",
    "doubled": "doubles of another",
}


def _asset(kind: str, table: str, parent: str | None, *more: Fact) -> Select:
    """A database or table: its contact is its owner, where that is a person."""
    owner = f"case when lower({table}.contact_type) = 'group' then null else {table}.contact_id end"
    return _content(
        kind,
        table,
        parent,
        _take("owner", owner, f"{table}.contact_id"),
        *_takes(certified=f"{table}.is_certified", note=f"{table}.certification_note"),
        *more,
        unknown=f"{kind}s",
        grouped=f"{table}.is_tombstoned",
        doubled=f"{table}.duplicate_id is not null",
    )


_RULE = ("grantee_type", "grantee_id", "capability_id", "permission")

STATEMENTS: Mapping[str, tuple[Select, ...]] = {
    "sites": (
        Select(
            "sites",
            (
                *_needs(id="sites.id", luid="sites.luid", name="sites.name", content_url="sites.url_namespace"),
                *_takes(status="sites.status", content_admin_mode="sites.content_admin_mode"),
                *_takes(user_visibility="sites.user_visibility"),
                *_takes(Creator="sites.tier_author_capacity", Explorer="sites.tier_interactor_capacity"),
                *_takes(Viewer="sites.tier_basic_user_capacity"),
                _take("web_authoring", "sites.web_editing_enabled", "not sites.authoring_disabled"),
                *_takes(
                    commenting="sites.commenting_enabled",
                    subscriptions="sites.subscriptions_enabled",
                    subscribe_others="sites.subscribe_others_enabled",
                    data_alerts="sites.data_alerts_enabled",
                    revision_history="sites.version_history_enabled",
                    personal_space="sites.personal_space_enabled",
                    group_sets="sites.group_sets_enabled",
                ),
                _take("explain_data", "sites.explain_data_enabled", unknown=f"{SETTINGS} (Explain Data)"),
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
                _take("last_login", moment("users.login_at"), unknown="when users were last there"),
                _need("admin_level", "system_users.admin_level"),
                _need("role_id", "users.site_role_id"),
                *_takes(role="site_roles.name", role_shown="site_roles.display_name"),
            ),
            "users.site_id = {site}",
            (
                Join("join", "system_users", "system_users.id = users.system_user_id"),
                Join("join", "domains", "domains.id = system_users.domain_id"),
                Join("left join", "site_roles", "site_roles.id = users.site_role_id"),
            ),
        ),
    ),
    "groups": (
        Select(
            "groups",
            (
                *_needs(id="groups.id", luid="groups.luid", name="groups.name", domain="domains.name"),
                _need("everyone", "groups.system"),
                _take("minimum_id", "groups.minimum_site_role_id", unknown="which site roles groups grant"),
                _take("minimum", "coalesce(site_roles.name, groups.minimum_site_role)", "groups.minimum_site_role"),
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
            "groupsets",
            _needs(id="groupsets.id", luid="groupsets.luid", name="groupsets.name", group="groupset_groups.group_id"),
            "groupsets.site_id = {site}",
            (Join("left join", "groupset_groups", "groupset_groups.groupset_id = groupsets.id"),),
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
            inactive="projects.state <> 'active'",
        ),
        _content(
            "workbook",
            "workbooks",
            "project_id",
            # The column is told of no release.
            _take("description", unknown=DESCRIPTIONS),
            _take("tabs", "workbooks.display_tabs", unknown="whether workbooks show their sheets as tabs"),
            deleted="workbooks.is_deleted",
            private="workbooks.is_private",
            derived="workbooks.parent_workbook_id is not null",
        ),
        _content(
            "view",
            "views",
            "workbook_id",
            _need("parent", "views.workbook_id"),
            # A view's owner is its workbook's.
            Fact("owner", ()),
            deleted="views.is_deleted",
            disabled="views.state <> 'active'",
        ),
        _content(
            "datasource",
            "datasources",
            "project_id",
            *_takes(certified="datasources.is_certified", note="datasources.certification_note"),
            # What belongs to a workbook or is a data role lies in the same table.
            where=(
                "datasources.parent_workbook_id is null",
                "datasources.parent_type is null",
                "datasources.connectable is not false",
            ),
            archived="datasources.state <> 'active'",
        ),
        _content(
            "flow",
            "flows",
            "project_id",
            unknown="flows",
            deleted="flows.is_deleted",
            hidden="flows.hidden",
            archived="flows.state <> 'active'",
        ),
        _content(
            "virtualconnection",
            "published_connections",
            "project_id",
            unknown="virtual connections",
            unused="published_connections.activated is false",
        ),
        _asset("database", "database_assets", None, _take("locked", "database_assets.controlled_permissions_enabled")),
        _asset("table", "table_assets", "database_id"),
        _content("datarole", "data_roles", "project_id", unknown="data roles"),
        _content("metric", "metrics", "project_id", unknown="metrics"),
        _content("lens", "lenses", "project_id", unknown="lenses"),
        _content(
            "collection",
            "asset_lists",
            None,
            Fact("created", ()),
            where=("asset_lists.list_type = 'collection'",),
            unknown="collections",
        ),
    ),
    "archived": (
        Select(
            "archived_content_metadata",
            _needs(type="archived_content_metadata.content_type", content="archived_content_metadata.content_id"),
            "archived_content_metadata.site_id = {site}",
            unknown="what is archived",
        ),
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
                *_needs(owner_type="data_connections.owner_type", owner="data_connections.owner_id"),
                _need("datasource", "data_connections.datasource_id"),
                # Whether a password is kept with the workbook. A column that holds one is not looked at.
                Fact(
                    "embedded",
                    ("data_connections.password",),
                    unknown=f"whether {CONNECTIONS} embed a password",
                    flag=True,
                ),
                *_takes(class_="data_connections.dbclass", server="data_connections.server"),
                _take("username", "data_connections.username"),
            ),
            where=(
                "(data_connections.site_id = {site} or data_connections.site_id is null)",
                "data_connections.state is distinct from 'archived'",
            ),
            unknown=CONNECTIONS,
        ),
    ),
    # How these name people is told nowhere: they are counted.
    "roles": tuple(
        Select(table, (Fact("table", (f"'{table}'",)), Fact("number", ("count(1)",))), unknown=table)
        for table in LATER_LAYER
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
                # The project or database whose defaults these are, as `project 12`.
                _need(
                    "content",
                    "lower(coalesce(permissions_templates.container_type, 'Project')) || ' ' || "
                    "permissions_templates.container_id",
                ),
                *(_need(name, f"permissions_templates.{name}") for name in _RULE),
            ),
            unknown="default rules of projects, and with them the rules of what is locked",
            gathered=True,
        ),
    ),
}
