"""The tables of Tableau Server's repository that tell who may do what: names, columns, types.

Names, columns and codes are those that public queries of the database `workgroup` use; Tableau promises none of them.
The tables of group sets and of virtual connections were found in no public source and are believed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

INTEGER, TEXT, BOOLEAN, MOMENT = "integer", "varchar", "boolean", "timestamp"


class Column(NamedTuple):
    """One column: its name and PostgreSQL's type."""

    name: str
    type: str


def _columns(text: str) -> tuple[Column, ...]:
    """Columns as `name` (an integer), `name:t` text, `name:b` boolean, `name:m` moment."""
    types = {"": INTEGER, "t": TEXT, "b": BOOLEAN, "m": MOMENT}
    return tuple(Column(name, types[kind]) for name, _colon, kind in (word.partition(":") for word in text.split()))


_SINCE = "created_at:m updated_at:m"
_OF_GRANTEE = "grantee_type:t grantee_id capability_id permission"

TABLES: Mapping[str, tuple[Column, ...]] = {
    "sites": _columns(
        "id luid:t name:t url_namespace:t status:t user_quota content_admin_mode user_visibility "
        f"commenting_enabled:b web_editing_enabled:b subscriptions_enabled:b {_SINCE}"
    ),
    "domains": _columns("id name:t short_name:t family:t active:b"),
    "site_roles": _columns("id name:t display_name:t licensing_rank"),
    # A password's hash, its salt and a keychain stand in the real table; nobody may ask for them.
    "system_users": _columns(
        f"id name:t email:t friendly_name:t domain_id state:t admin_level hashed_password:t salt:t keychain:t {_SINCE}"
    ),
    "users": _columns(f"id luid:t site_id system_user_id site_role_id login_at:m {_SINCE}"),
    "groups": _columns(
        f"id luid:t name:t site_id domain_id system:b minimum_site_role_id grant_license_mode:t {_SINCE}"
    ),
    "group_users": _columns("id group_id user_id"),
    "group_sets": _columns("id luid:t name:t site_id"),
    "group_set_groups": _columns("id group_set_id group_id"),
    "projects": _columns(
        "id luid:t name:t owner_id site_id parent_project_id controlling_permissions_project_id "
        f"controlled_permissions_enabled:b nested_projects_permissions_included:b state:t description:t {_SINCE}"
    ),
    "projects_contents": _columns("id project_id site_id content_id content_type:t"),
    "workbooks": _columns(
        "id luid:t name:t site_id project_id owner_id display_tabs:b repository_url:t is_deleted:b description:t "
        f"{_SINCE}"
    ),
    "views": _columns(
        f"id luid:t name:t workbook_id site_id owner_id index sheettype:t is_deleted:b repository_url:t {_SINCE}"
    ),
    "datasources": _columns(
        "id luid:t name:t site_id project_id owner_id connectable:b parent_type:t parent_workbook_id "
        f"description:t {_SINCE}"
    ),
    "flows": _columns(f"id luid:t name:t site_id project_id owner_id description:t {_SINCE}"),
    "virtual_connections": _columns(f"id luid:t name:t site_id project_id owner_id description:t {_SINCE}"),
    "data_connections": _columns(
        "id site_id owner_type:t owner_id datasource_id dbclass:t caption:t username:t password:b keychain:t"
    ),
    "capabilities": _columns("id name:t display_name:t display_order"),
    "next_gen_permissions": _columns(f"id site_id authorizable_type:t authorizable_id {_OF_GRANTEE}"),
    "permissions_templates": _columns(f"id container_id template_type:t {_OF_GRANTEE}"),
}

SERVER_ADMINISTRATOR = 10
"""`system_users.admin_level` of a server administrator (believed)."""
GROUP_ALLOW, GROUP_DENY, USER_ALLOW, USER_DENY = 1, 2, 3, 4
"""Codes of `permission`, in the order in which they outrank each other."""
CONTENT_ADMIN_MODES = {"ContentAndUsers": 1, "ContentOnly": 2}
USER_VISIBILITIES = {"FULL": 0, "LIMITED": 1}
"""Codes of `sites`, believed."""
TABLE_OF_KIND = {
    "project": "projects",
    "workbook": "workbooks",
    "view": "views",
    "datasource": "datasources",
    "flow": "flows",
    "virtualconnection": "virtual_connections",
}
"""Kinds of content with a table that is known; the others do not go into an export."""
TYPE_OF_KIND = {
    "project": "Project",
    "workbook": "Workbook",
    "view": "View",
    "datasource": "Datasource",
    "flow": "Flow",
    "virtualconnection": "PublishedConnection",
    "database": "Database",
    "table": "Table",
    "datarole": "DataRole",
    "metric": "Metric",
    "lens": "AskData",
    "collection": "Collection",
}
"""`authorizable_type` and `template_type`: the first five are known, the others believed."""
FIRST_CAPABILITIES = {"Read": 1, "ProjectLeader": 19}
"""Ids of `capabilities` that public queries name; a reader goes by the name."""
