"""What the repository's codes and names mean.

Sources: the inventory of `workgroup` in public queries (tableau-rest.md, C.3); what is only believed says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from tabwarden.model.capability import CAPABILITIES
from tabwarden.model.roles import LEGACY_ROLES, SITE_ROLES
from tabwarden.model.site import ALLOW, CUSTOMIZABLE, DENY, LOCKED, LOCKED_WITHOUT_NESTED, ON_LOGIN, ON_SYNC


def plain(words: str) -> str:
    """A name by its letters and digits alone: `export_image`, `ExportImage` and `Export Image` are one."""
    return "".join(letter for letter in words.casefold() if letter.isalnum())


GRANTEES: Mapping[str, str] = {"User": "user", "Group": "group", "GroupSet": "groupSet"}
"""`grantee_type`; that of group sets is believed."""

MODES: Mapping[tuple[str, str], str] = {
    ("Group", "1"): ALLOW,
    ("Group", "2"): DENY,
    ("User", "3"): ALLOW,
    ("User", "4"): DENY,
    # Believed: a set of groups is written as a group is.
    ("GroupSet", "1"): ALLOW,
    ("GroupSet", "2"): DENY,
}
"""`grantee_type` and `permission` together: a user's rule with the code of a group's has no meaning."""

_KINDS = {
    "project": "project",
    "workbook": "workbook",
    "view": "view",
    "datasource": "datasource",
    "flow": "flow",
    # From here on believed.
    "virtualconnection": "virtualconnection",
    "publishedconnection": "virtualconnection",
    "database": "database",
    "table": "table",
    "datarole": "datarole",
    "metric": "metric",
    "lens": "lens",
    "askdata": "lens",
    "collection": "collection",
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
"""`admin_level`; that 10 is a server administrator is believed."""
_ROLES = {
    **{plain(old): new for old, new in LEGACY_ROLES.items()},
    # The name within of what is shown as Viewer since 2018.1 (believed).
    "basicuser": "Viewer",
    **{plain(word): name for name, role in SITE_ROLES.items() for word in (role.ui, name)},
}
_LICENCES = {"unlicensed": "Unlicensed", "viewer": "Viewer", "guest": "Guest"}


def site_role_of(name: str, shown: str = "") -> str:
    """The site role of a row of `site_roles`, by what is shown before its name; one not known keeps its name."""
    return _ROLES.get(plain(shown)) or _ROLES.get(plain(name)) or name or shown


def role_of_person(role: str, admin_level: str) -> str:
    """A person's site role with `system_users.admin_level`; a level that is not known makes the role unknown."""
    if admin_level == SERVER_ADMINISTRATOR:
        return "ServerAdministrator"
    return role if admin_level in NO_ADMINISTRATOR else f"admin_level {admin_level}"


def role_by_licence(licence: str, publisher: str, admin_level: str) -> str:
    """The site role of a version that has none, by licensing role, `publisher_tristate` and `users.admin_level`.

    What `publisher_tristate` says no source tells: an Interactor may be Explorer or Explorer (can publish).
    """
    if admin_level not in NO_ADMINISTRATOR:
        return role_of_person("", admin_level)
    role = _LICENCES.get(plain(licence))
    return role or (f"{licence}, publisher_tristate {publisher}" if licence else "")


_GRANTS = {"onlogin": ON_LOGIN, "onsync": ON_SYNC}


def grant_of(mode: str) -> str | None:
    """When a group grants its minimum site role: `grant_license_mode`, null where it does not; others keep theirs."""
    return _GRANTS.get(plain(mode), mode) if mode else None


def mode_of(locked: str, nested: str) -> str:
    """A project's content permissions mode: `controlled_permissions_enabled`, `nested_projects_permissions_included`.

    Without the second column a lock covers nested projects: there was no other before 2020.1 ("Lock content
    permissions", current help).
    """
    if locked != "true":
        return CUSTOMIZABLE
    return LOCKED_WITHOUT_NESTED if nested == "false" else LOCKED
