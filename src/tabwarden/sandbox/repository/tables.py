"""How a world is written into the tables of Tableau Server's repository: the tables and codes of kinds and settings.

The tables themselves are in `tabwarden.workgroup`.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from tabwarden.workgroup import SITE_ROLE_IDS

SERVER_ADMINISTRATOR = 10
"""`system_users.admin_level` of a server administrator."""
GROUP_ALLOW, GROUP_DENY, USER_ALLOW, USER_DENY = 1, 2, 3, 4
"""Codes of `permission`, in the order in which they outrank each other."""
CONTENT_ADMIN_MODES = {"ContentOnly": 1, "ContentAndUsers": 2}
USER_VISIBILITIES = {"FULL": 0, "LIMITED": 1}
"""Codes of `sites`."""
_INNER_NAMES = {"0": "SiteAdministrator", "2": "Publisher", "3": "Interactor", "5": "Viewer", "9": "BasicUser"}
SITE_ROLES = {int(number): _INNER_NAMES.get(number, name) for number, name in SITE_ROLE_IDS.items()}
"""Rows of `site_roles`: the name by the number."""
NUMBER_OF_ROLE = {name: int(number) for number, name in SITE_ROLE_IDS.items()} | {"ServerAdministrator": 11}
"""`site_role_id` by today's name; a server administrator is one by his `admin_level`."""
TABLE_OF_KIND = {
    "project": "projects",
    "workbook": "workbooks",
    "view": "views",
    "datasource": "datasources",
    "flow": "flows",
    "virtualconnection": "published_connections",
    "database": "database_assets",
    "table": "table_assets",
    "datarole": "data_roles",
    "metric": "metrics",
    "lens": "lenses",
    "collection": "asset_lists",
}
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
"""`authorizable_type` and `template_type`: the first five are known, the others [B]."""
FIRST_CAPABILITIES = {"Read": 1, "ProjectLeader": 19}
"""Ids of `capabilities` that public queries name; a reader goes by the name."""
GRANTEE_TYPES = {"user": "User", "group": "Group", "groupSet": "GroupAND"}
GRANT_MODES = {"onLogin": "ON_LOGIN", "onSync": "ON_SYNC"}
"""`groups.grant_license_mode`."""
_UNKNOWN_MOMENT = "2000-01-01T00:00:00Z"


def is_luid(text: str) -> bool:
    """Whether an id is one that a column of the type uuid takes and gives back."""
    try:
        return str(UUID(text)) == text.lower()
    except ValueError:
        return False


def moment(iso: str | None) -> datetime | None:
    """A moment as the repository keeps it."""
    return datetime.fromisoformat(iso).replace(tzinfo=None) if iso else None


def since(created: str, updated: str) -> dict[str, datetime | None]:
    """Both moments of a row; the sandbox does not know when people and groups came."""
    return {
        "created_at": moment(created or _UNKNOWN_MOMENT),
        "updated_at": moment(updated or created or _UNKNOWN_MOMENT),
    }
