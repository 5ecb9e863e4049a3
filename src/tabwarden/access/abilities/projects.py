"""The conditions of moving, deleting, creating, of owners and of setting permissions.

Sources: "Permissions", "Use Projects to Manage Content Access", "Add Projects and Move Content Into Them" (Server Help
2020.3); tableau-permissions §4.3 and §7.
"""

from __future__ import annotations

from tabwarden.access.abilities.question import Conditions, Deed, owns, renamed, role_publishes, rules_project
from tabwarden.access.answer import DENIED, Answer
from tabwarden.access.powers import power_over
from tabwarden.model.governing import LOCKED_TO_DATABASE, lock_is_unknown, managing_project
from tabwarden.model.roles import current_role, is_known, may_own

# -- moving, deleting, creating (§7) -------------------------------------------------------------------------


def move(deed: Deed) -> Conditions:
    """Move content into `target`, or a project into `target` or to the top level."""
    content = deed.on()
    project = deed.site.contents[content].kind == "project"
    if deed.target is None and not project:
        return (deed.says(False, "not_applicable", what="a project to move it to"),)
    if deed.is_admin:
        return (deed.says(True, "admin_only", yes="admin", what="administering the site"),)
    if project or deed.target is None:
        return _move_project(deed, content)
    power = power_over(deed.site, deed.user, deed.site.project_of(content), deed.model)
    owner = deed.site.contents[content].owner == deed.user
    source = deed.may("ChangeHierarchy", content)
    if power is not None or owner:
        reason = power.reason if power is not None else "content_owner"
        source = deed.says(True, "default_deny", yes=reason, what="owning it or leading its project")
    return (role_publishes(deed), deed.may("Read", deed.target), deed.may("Write", deed.target), source)


def _move_project(deed: Deed, project: str) -> Conditions:
    if deed.target is None:
        return (deed.says(False, "admin_only", what="administering the site"),)
    return (role_publishes(deed), rules_project(deed, deed.target), rules_project(deed, project))


def delete(deed: Deed) -> Conditions:
    """Delete content, a nested or a top-level project. The Default project stays (§4.5)."""
    content = deed.on()
    if deed.site.contents[content].kind != "project":
        return (deed.may("Delete", content),)
    if content == deed.site.default_project_id:
        return (deed.says(False, "default_project", what="a project other than Default"),)
    if deed.site.contents[content].parent is None:
        return _delete_top(deed)
    return (role_publishes(deed), rules_project(deed, content))


def _delete_top(deed: Deed) -> Conditions:
    if not deed.open_points.owner_deletes_top_level:
        return (deed.says(deed.is_admin, "admin_only", yes="admin", what="administering the site"),)
    owner = owns(deed, deed.on(), yes="project_owner")
    return (role_publishes(deed), owner if owner.allowed else deed.says(False, "admin_only", what="owning it"))


def create_top(deed: Deed) -> Conditions:
    """A new top-level project."""
    return (deed.says(deed.is_admin, "admin_only", yes="admin", what="administering the site"),)


def create_nested(deed: Deed) -> Conditions:
    """A new project inside the one asked about."""
    return (role_publishes(deed), rules_project(deed, deed.into()))


def rename(deed: Deed) -> Conditions:
    """Renaming is not named by the sources: taken as Overwrite on content, as leading on projects (B)."""
    if deed.site.contents[deed.on()].kind == "project":
        return (role_publishes(deed), rules_project(deed, deed.on()))
    return (role_publishes(deed), deed.may("Write", deed.on()))


# -- owners --------------------------------------------------------------------------------------------------


def change_project_owner(deed: Deed) -> Conditions:
    """The present owner or an administrator, not a leader; the new owner must be able to publish."""
    return (role_publishes(deed), owns(deed, deed.on(), yes="project_owner"), *_new_owner(deed))


def change_content_owner(deed: Deed) -> Conditions:
    """The owner, an administrator, or who rules its project; of a flow no leader. A view has its workbook's owner."""
    content = deed.on()
    kind = deed.site.contents[content].kind
    if kind == "project":
        return change_project_owner(deed)
    if kind == "view":
        return (deed.says(False, "not_applicable", what="content that has an owner of its own"),)
    if kind == "flow":
        return (role_publishes(deed), *_owner_of_flow(deed), *_new_owner(deed))
    owner = owns(deed, content, yes="content_owner")
    if not owner.allowed and deed.open_points.leader_changes_owner:
        leads = rules_project(deed, deed.project())
        owner = owner if leads.verdict == DENIED else leads
    return (role_publishes(deed), owner, *_new_owner(deed))


def _owner_of_flow(deed: Deed) -> Conditions:
    """Its owner again since 2025.2; from 2021.2 on administrators only, and only to themselves (an open point)."""
    if deed.open_points.flow_owner_changes_owner:
        return (owns(deed, deed.on(), yes="content_owner"),)
    admin = deed.says(deed.is_admin, "admin_only", yes="admin", what="administering the site")
    return (admin, deed.says(deed.to in (None, deed.user), "admin_only", yes="oneself", what="taking it oneself"))


_HEIR = "a new owner whose site role can own it"


def _new_owner(deed: Deed) -> Conditions:
    """A project's new owner must publish; content goes to any licensed user, never to Guest (§7, §2.2 Guest)."""
    if deed.to is None:
        return ()
    role = current_role(deed.site.users[deed.to].site_role)
    if not is_known(role):
        return (deed.unread(deed.content),)
    if role == "Guest":
        return (deed.says(False, "guest_cannot_own", what=_HEIR),)
    return (deed.says(may_own(role, deed.site.contents[deed.on()].kind, deed.open_points), "site_role", what=_HEIR),)


# -- permissions (§4.3) --------------------------------------------------------------------------------------


def set_permissions(deed: Deed) -> Conditions:
    """Edit the rules of whatever it is."""
    content = deed.on()
    kind = deed.site.contents[content].kind
    if kind == "project":
        return set_project_rules(deed)
    if kind == "view":
        return set_view_rules(deed)
    if kind == "table":
        return (_of_table(deed),)
    return (deed.may("ChangePermissions", content),)


def _of_table(deed: Deed) -> Answer:
    """The rules of a locked database's tables are edited on the database, by who may set its permissions (B)."""
    own = deed.may("ChangePermissions", deed.on())
    database = deed.site.contents.get(deed.site.contents[deed.on()].parent or "")
    if database is None or database.kind != "database" or database.mode != LOCKED_TO_DATABASE:
        return own
    there = deed.may("ChangePermissions", database.id)
    return renamed(there, "locked_database") if own.allowed and there.verdict == DENIED else there


def set_view_rules(deed: Deed) -> Conditions:
    """Nobody edits at view level while tabs are shown or a project is locked."""
    content = deed.on()
    item = deed.site.contents[content]
    if item.kind != "view":
        return (deed.says(False, "not_applicable", what="a view"),)
    project, workbook = deed.project(), deed.site.contents.get(item.parent or "")
    if project not in deed.site.contents or workbook is None:
        return (deed.unread(item.parent),)
    locked = managing_project(deed.site, str(project)) is not None
    if not locked and lock_is_unknown(deed.site, str(project)):
        return (deed.says(not workbook.tabs, "tabs_shown", what="hidden tabs"), deed.unread(project))
    return (
        deed.says(not locked, "locked_project", what="a project that is not locked"),
        deed.says(not workbook.tabs, "tabs_shown", what="hidden tabs"),
        deed.may("ChangePermissions", content),
    )


def set_project_rules(deed: Deed) -> Conditions:
    """Rules, defaults, leaders and the mode are edited on the managing project, by its people or above it."""
    project = deed.on()
    leads = rules_project(deed, project)
    if deed.is_admin or leads.verdict == DENIED:
        return (role_publishes(deed), leads)
    if lock_is_unknown(deed.site, project):
        return (role_publishes(deed), deed.unread(project))
    manager = managing_project(deed.site, project)
    if manager is None or manager == project:
        return (role_publishes(deed), leads)
    return (role_publishes(deed), rules_project(deed, manager, otherwise="locked_project"))
