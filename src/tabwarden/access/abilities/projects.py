"""The conditions of moving, deleting, creating, of owners and of setting permissions.

Sources: "Permissions", "Use Projects to Manage Content Access", "Add Projects and Move Content Into Them" (Server Help
2020.3); tableau-permissions §4.3 and §7.
"""

from __future__ import annotations

from tabwarden.access.abilities.question import (
    PERSONAL_SPACE,
    TOP_LEVEL,
    Conditions,
    Deed,
    not_personal,
    owns,
    projects_by_path,
    renamed,
    role_explores,
    role_publishes,
    rules_project,
)
from tabwarden.access.answer import DENIED, Answer
from tabwarden.access.powers import power_over
from tabwarden.model.governing import LOCKED_TO_DATABASE, lock_is_unknown, managing_project
from tabwarden.model.roles import current_role, is_known, may_own
from tabwarden.model.site_settings import sees_nobody

# -- moving, deleting, creating (§7) -------------------------------------------------------------------------


def move(deed: Deed) -> Conditions:
    """Move content into `target`: a project, one's Personal Space, a project to the top level; None: what takes it."""
    content = deed.on()
    kind = deed.site.contents[content].kind
    if kind in ("view", "table"):
        return (deed.says(False, "not_applicable", what="content that lies in a project"),)
    if deed.target == PERSONAL_SPACE:
        # A workbook of one's own ("Move Existing Content to Personal Space").
        on = deed.says(deed.site.settings.personal_space, "site_setting", what="Personal Space on this site")
        owner = deed.site.contents[deed.on()].owner == deed.user
        owned = deed.says(owner, "not_owner", yes="content_owner", what="owning it")
        return (deed.of_kind("workbook"), on, role_explores(deed), owned)
    if deed.target == TOP_LEVEL:
        top = deed.says(deed.is_admin, "admin_only", yes="admin", what="administering the site")
        return (deed.of_kind("project"), top)
    if deed.is_admin:
        return (deed.says(True, "admin_only", yes="admin", what="administering the site"),)
    source = rules_project(deed, content) if kind == "project" else _moves_away(deed, content)
    if deed.target is None:
        return _anywhere(deed, source)
    return _into(deed, deed.target, source)


def _into(deed: Deed, target: str, source: Answer) -> Conditions:
    """Into a project, by whoever may take it from where it is."""
    return (role_publishes(deed), *_takes(deed, target), source)


def _moves_away(deed: Deed, content: str) -> Answer:
    """Owning it or ruling its project; else Move on it."""
    power = power_over(deed.site, deed.user, deed.site.project_of(content), deed.model)
    if power is None and deed.site.contents[content].owner != deed.user:
        return deed.may("ChangeHierarchy", content)
    reason = power.reason if power is not None else "content_owner"
    return deed.says(True, "default_deny", yes=reason, what="owning it or leading its project")


def _takes(deed: Deed, target: str) -> Conditions:
    """What a project asks of whoever moves something into it: View and Publish, for a project leading it."""
    if deed.site.contents[deed.on()].kind == "project":
        return (rules_project(deed, target),)
    return (deed.may("Read", target), deed.may("Write", target))


def _anywhere(deed: Deed, source: Answer) -> Conditions:
    """The first place that takes it, by path: another project, one's Personal Space, of a project the top level."""
    content, unsure = deed.on(), None
    # No project takes it of whoever may not publish, or not take it away.
    closed = DENIED in (role_publishes(deed).verdict, source.verdict)
    below = {content, deed.site.contents[content].parent, *deed.site.below(content)}
    else_to = TOP_LEVEL if deed.site.contents[content].kind == "project" else PERSONAL_SPACE
    projects = () if closed else (project for project in projects_by_path(deed.site) if project not in below)
    for target in (*projects, else_to):
        parts = move(deed._replace(target=target)) if target == else_to else _into(deed, target, source)
        if all(part.allowed for part in parts):
            name = deed.site.path(target) if target in deed.site.contents else target
            return (*parts, deed.says(True, "no_target", what=f"a place that takes it: {name}"))
        unsure = unsure or (parts if all(part.verdict != DENIED for part in parts) else None)
    return unsure or (role_publishes(deed), source, deed.says(False, "no_target", what="a place that takes it"))


def delete(deed: Deed) -> Conditions:
    """Delete content, a nested or a top-level project. The Default project stays (§4.5)."""
    content = deed.on()
    if deed.site.contents[content].kind == "collection":
        return _of_collection(deed)
    if deed.site.contents[content].kind != "project":
        return (deed.may("Delete", content),)
    if content == deed.site.default_project_id:
        return (deed.says(False, "default_project", what="a project other than Default"),)
    if deed.site.contents[content].parent is None:
        if not deed.open_points.owner_deletes_top_level:
            return (deed.says(deed.is_admin, "admin_only", yes="admin", what="administering the site"),)
        owner = owns(deed, deed.on(), yes="project_owner")
        return (role_publishes(deed), owner if owner.allowed else deed.says(False, "admin_only", what="owning it"))
    return (role_publishes(deed), rules_project(deed, content))


def _of_collection(deed: Deed) -> Conditions:
    """What is its owner's and administrators': sharing it, renaming it, deleting it ("Collections Methods")."""
    return (owns(deed, deed.on(), yes="content_owner"),)


def create_top(deed: Deed) -> Conditions:
    return (deed.says(deed.is_admin, "admin_only", yes="admin", what="administering the site"),)


def create_nested(deed: Deed) -> Conditions:
    """A new project inside the one asked about."""
    return (role_publishes(deed), rules_project(deed, deed.into()))


def rename(deed: Deed) -> Conditions:
    """Renaming is not named by the sources: taken as Overwrite on content, as leading on projects (B)."""
    if deed.site.contents[deed.on()].kind == "project":
        return (role_publishes(deed), rules_project(deed, deed.on()))
    if deed.site.contents[deed.on()].kind == "collection":
        return _of_collection(deed)
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
    content = deed.on()
    kind = deed.site.contents[content].kind
    if kind == "project":
        return set_project_rules(deed)
    if kind == "view":
        return set_view_rules(deed)
    if kind == "table":
        return (_of_table(deed),)
    if kind == "collection":
        return (_dialog(deed), *_of_collection(deed))
    return (deed.may("ChangePermissions", content),)


def _dialog(deed: Deed) -> Answer:
    """Limited user visibility shuts permission dialogs to all but Creators and administrators."""
    shown = not sees_nobody(deed.site.settings, deed.role)
    return deed.says(shown, "site_setting", what="full user visibility, or a site role that sees everybody")


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
    if deed.is_personal:
        return (not_personal(deed),)
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
    role = (role_publishes(deed), _dialog(deed))
    if deed.is_admin or leads.verdict == DENIED:
        return (*role, leads)
    if lock_is_unknown(deed.site, project):
        return (*role, deed.unread(project))
    manager = managing_project(deed.site, project)
    if manager is None or manager == project:
        return (*role, leads)
    return (*role, rules_project(deed, manager, otherwise="locked_project"))
