"""What the repository's codes and names mean.

Sources: Tableau's public data dictionary [V], and the inventory of `workgroup` in public queries (tableau-rest.md,
C.3); what is only believed is marked [B].
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from tabwarden.model.capability import CAPABILITIES
from tabwarden.model.governing import LOCKED_TO_DATABASE
from tabwarden.model.names import plain
from tabwarden.model.roles import LEGACY_ROLES, SITE_ROLES, current_role
from tabwarden.model.site import ALLOW, CUSTOMIZABLE, DENY, LOCKED, LOCKED_WITHOUT_NESTED, ON_LOGIN, ON_SYNC
from tabwarden.model.site_settings import FULL, LIMITED
from tabwarden.workgroup import SITE_ROLE_IDS

GROUP_SET = "GroupAND"
GRANTEES: Mapping[str, str] = {"User": "user", "Group": "group", GROUP_SET: "groupSet"}
"""`grantee_type` [V]: a group set is the AND of its groups."""

MODES: Mapping[tuple[str, str], str] = {
    ("Group", "1"): ALLOW,
    ("Group", "2"): DENY,
    ("User", "3"): ALLOW,
    ("User", "4"): DENY,
    # [B]: a set of groups is written as a group is.
    (GROUP_SET, "1"): ALLOW,
    (GROUP_SET, "2"): DENY,
}
"""`grantee_type` and `permission` together: a user's rule with the code of a group's has no meaning.

The codes are documented, and that a higher one outranks a lower one [V].
"""

_KINDS = {
    "project": "project",
    "workbook": "workbook",
    "view": "view",
    "datasource": "datasource",
    "flow": "flow",
    # The names of these types in the permission tables are [B].
    "virtualconnection": "virtualconnection",
    "publishedconnection": "virtualconnection",
    "databaseasset": "database",
    "tableasset": "table",
    "database": "database",
    "table": "table",
    "datarole": "datarole",
    "metric": "metric",
    "lens": "lens",
    "askdata": "lens",
    "collection": "collection",
    "assetlist": "collection",
}
_CAPABILITIES = {plain(name): name for name in CAPABILITIES}


@cache
def kind_of(type_: str) -> str | None:
    """The kind of an `authorizable_type`, `template_type` or `content_type`; None for one not known."""
    return _KINDS.get(plain(type_))


def capability_of(name: str) -> str:
    """The REST name of `capabilities.name`; one not known keeps its own."""
    return _CAPABILITIES.get(plain(name), name)


SERVER_ADMINISTRATOR, NO_ADMINISTRATOR = "10", ("", "0")
"""`system_users.admin_level`: 10 is a server administrator, 0 is none [V]."""
_ROLES = {
    **{plain(old): new for old, new in LEGACY_ROLES.items()},
    # The name within of what is shown as Viewer since 2018.1.
    "basicuser": "Viewer",
    **{plain(word): name for name, role in SITE_ROLES.items() for word in (role.ui, name)},
}


def site_role_of(number: str, name: str = "", shown: str = "") -> str:
    """The site role of a `site_role_id`; of one not documented by what is shown, or by its name in `site_roles`.

    One that is not known keeps its name.
    """
    known = current_role(SITE_ROLE_IDS.get(number, ""))
    return known or _ROLES.get(plain(shown)) or _ROLES.get(plain(name)) or name or shown or number


def role_of_person(role: str, admin_level: str) -> str:
    """A person's site role with `system_users.admin_level`; a level that is not known makes the role unknown."""
    if admin_level == SERVER_ADMINISTRATOR:
        return "ServerAdministrator"
    return role if admin_level in NO_ADMINISTRATOR else f"admin_level {admin_level}"


ADMIN_MODES = {"1": "ContentOnly", "2": "ContentAndUsers"}
USER_VISIBILITIES = {"0": FULL, "1": LIMITED}
"""Codes of `sites.content_admin_mode` and `sites.user_visibility` [V]."""


_GRANTS = {"onlogin": ON_LOGIN, "onsync": ON_SYNC}


def grant_of(mode: str) -> str | None:
    """When a group grants its minimum site role: `grant_license_mode`, null where it does not; others keep theirs."""
    return _GRANTS.get(plain(mode), mode) if mode else None


def mode_of(kind: str, locked: str, nested: str) -> str:
    """The content permissions mode of a project or database.

    Of `controlled_permissions_enabled` and `nested_projects_permissions_included`.

    Without the second column a lock covers nested projects: there was no other before 2020.1 ("Lock content
    permissions", current help).
    """
    if locked != "true":
        return CUSTOMIZABLE
    if kind == "database":
        return LOCKED_TO_DATABASE
    return LOCKED_WITHOUT_NESTED if nested == "false" else LOCKED
