"""What a person can do that needs several conditions at once: publish, save as, move, see data, ... and why not.

Composed from the reference's answers; not an evaluator of its own.
Sources: "Web Editing and Web Authoring", "Add Projects and Move Content Into Them", "Permissions" (2020.3), the
blog's sections 4 and 5; tableau-permissions §4.3, §6, §7. Every condition is kept in the Answer, in the order a person
meets it; the first that fails gives the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from tabwarden.access.answer import ALLOWED, DENIED, UNKNOWN, Answer
from tabwarden.access.deed import (
    Conditions,
    Deed,
    own_connect,
    owns,
    project_of,
    role_publishes,
    rules_project,
    workbook_of,
)
from tabwarden.access.leading import power_over
from tabwarden.access.reference import as_seen_by
from tabwarden.model.errors import UnknownName
from tabwarden.model.governing import managing_project
from tabwarden.model.roles import current_role, is_admin, publishes
from tabwarden.model.site import Site
from tabwarden.model.switches import CURRENT, DOCUMENTED, Switches


def can(
    site: Site,
    user: str,
    action: str,
    content: str | None = None,
    *,
    target: str | None = None,
    to: str | None = None,
    model: str = CURRENT,
    switches: Switches = DOCUMENTED,
) -> Answer:
    """Whether `user` can do `action` (a name of `ACTIONS`) on `content`, by ids.

    `target` is the project it goes to (None: the top level), `to` the person it is handed to.
    Raises UnknownName for an action that is not listed.
    """
    if action not in ACTIONS:
        raise UnknownName(f"no action is called `{action}`; actions are {', '.join(sorted(ACTIONS))}")
    deed = Deed(as_seen_by(site, model), user, action, content, target, to, model, switches)
    return _summed(deed, ACTIONS[action](deed))


def _summed(deed: Deed, conditions: Conditions) -> Answer:
    """All must hold; the first refusal decides, an unknown only if nothing refuses."""
    verdict, because = ALLOWED, conditions[-1].because
    for kind in (DENIED, UNKNOWN):
        failed = next((c for c in conditions if c.verdict == kind), None)
        if failed is not None:
            verdict, because = kind, failed.because
            break
    else:
        because = next((c.because for c in reversed(conditions) if c.because != "ok"), because)
    decisive = next((c for c in conditions if c.because == because), conditions[-1])
    return Answer(
        verdict,
        because,
        deed.user,
        deed.action,
        deed.content,
        deed.model,
        deciding=decisive.deciding,
        losing=decisive.losing,
        at=decisive.at,
        ceiling=decisive.ceiling,
        governing=decisive.governing,
        steps=decisive.steps,
        conditions=conditions,
    )


# -- publishing and opening ----------------------------------------------------------------------------------


def _publish(deed: Deed) -> Conditions:
    project = deed.on()
    conditions = [role_publishes(deed), deed.may("Write", project)]
    parent = deed.site.contents[project].parent
    if deed.switches.nested_publish_needs_parent and parent is not None and parent in deed.site.contents:
        conditions.append(deed.may("Write", parent))
    return tuple(conditions)


def _publish_external(deed: Deed) -> Conditions:
    return (deed.says(publishes(deed.role) == "any", "site_role"), *_publish(deed))


def _download(deed: Deed) -> Conditions:
    return (deed.may("ExportXml", deed.on()), deed.may("Read", deed.on()))


def _see_data(deed: Deed) -> Conditions:
    content = deed.on()
    if deed.site.contents[content].kind == "datasource":
        return (deed.may("Read", content), deed.may("Connect", content))
    return (deed.may("Read", content), *own_connect(deed, workbook_of(deed), only_prompted=True))


def _create_metric(deed: Deed) -> Conditions:
    project = deed.target or project_of(deed)
    return (role_publishes(deed), deed.may("ViewUnderlyingData", deed.on()), deed.may("Write", project))


# -- web editing (§6.2) --------------------------------------------------------------------------------------


def _web_edit(deed: Deed) -> Conditions:
    workbook = workbook_of(deed)
    return (
        deed.says(deed.site.settings.web_authoring, "site_setting"),
        deed.may("WebAuthoring", deed.on()),
        *own_connect(deed, workbook, only_prompted=False),
        deed.may("Read", deed.on()),
    )


def _web_save_as(deed: Deed) -> Conditions:
    workbook = workbook_of(deed)
    return (
        *_web_edit(deed),
        role_publishes(deed),
        deed.may("ExportXml", workbook),
        _some_project(deed) if deed.target is None else deed.may("Write", deed.target),
    )


def _some_project(deed: Deed) -> Answer:
    """Save As needs a place to save to: any project where the person may publish."""
    projects = sorted(c.id for c in deed.site.contents.values() if c.kind == "project")
    answers = (deed.may("Write", project) for project in projects)
    return next((a for a in answers if a.allowed), deed.says(False, "default_deny"))


def _web_overwrite(deed: Deed) -> Conditions:
    workbook = workbook_of(deed)
    return (
        *_web_edit(deed),
        role_publishes(deed),
        deed.may("ExportXml", workbook),
        deed.may("Write", workbook),
        deed.may("Write", project_of(deed)),
    )


def _file_save(deed: Deed) -> Conditions:
    """File > Save is the owner's alone, an administrator's least of all (blog, §3 "Save")."""
    workbook = workbook_of(deed)
    owner = deed.site.contents[workbook].owner == deed.user
    conditions = [*_web_edit(deed), role_publishes(deed), deed.says(owner, "not_owner", yes="content_owner")]
    if deed.switches.save_needs_publish:
        conditions.append(deed.may("Write", project_of(deed)))
    return tuple(conditions)


# -- moving, deleting, creating (§7) -------------------------------------------------------------------------


def _move(deed: Deed) -> Conditions:
    content = deed.on()
    if is_admin(deed.role):
        return (deed.says(True, "admin_only", yes="admin"),)
    if deed.site.contents[content].kind == "project":
        return _move_project(deed, content)
    if deed.target is None:
        return (deed.says(False, "not_applicable"),)
    power = power_over(deed.site, deed.user, deed.site.project_of(content), deed.model)
    owner = deed.site.contents[content].owner == deed.user
    source = deed.may("ChangeHierarchy", content)
    if power is not None or owner:
        source = deed.says(True, "default_deny", yes=power.reason if power is not None else "content_owner")
    return (role_publishes(deed), deed.may("Read", deed.target), deed.may("Write", deed.target), source)


def _move_project(deed: Deed, project: str) -> Conditions:
    if deed.target is None:
        return (deed.says(False, "admin_only"),)
    return (role_publishes(deed), rules_project(deed, deed.target), rules_project(deed, project))


def _delete(deed: Deed) -> Conditions:
    content = deed.on()
    if deed.site.contents[content].kind != "project":
        return (deed.may("Delete", content),)
    nested = deed.site.contents[content].parent is not None
    return _delete_nested(deed) if nested else _delete_top(deed)


def _delete_top(deed: Deed) -> Conditions:
    if not deed.switches.owner_deletes_top_level:
        return (deed.says(is_admin(deed.role), "admin_only", yes="admin"),)
    owner = owns(deed, deed.on(), yes="project_owner")
    return (role_publishes(deed), owner if owner.allowed else deed.says(False, "admin_only"))


def _delete_nested(deed: Deed) -> Conditions:
    return (role_publishes(deed), rules_project(deed, deed.on()))


def _create_top(deed: Deed) -> Conditions:
    return (deed.says(is_admin(deed.role), "admin_only", yes="admin"),)


def _create_nested(deed: Deed) -> Conditions:
    return (role_publishes(deed), rules_project(deed, deed.on()))


def _rename(deed: Deed) -> Conditions:
    """Renaming is not named by the sources: taken as Overwrite on content, as leading on projects (B)."""
    if deed.site.contents[deed.on()].kind == "project":
        return (role_publishes(deed), rules_project(deed, deed.on()))
    return (role_publishes(deed), deed.may("Write", deed.on()))


# -- owners --------------------------------------------------------------------------------------------------


def _change_project_owner(deed: Deed) -> Conditions:
    """The present owner or an administrator, not a leader; the new owner must be able to publish."""
    return (role_publishes(deed), owns(deed, deed.on(), yes="project_owner"), *_new_owner(deed, publisher=True))


def _change_content_owner(deed: Deed) -> Conditions:
    content = deed.on()
    held = deed.site.contents[content]
    if held.kind == "project":
        return _change_project_owner(deed)
    owner = owns(deed, content, yes="content_owner")
    if not owner.allowed and deed.switches.leader_changes_owner:
        leads = rules_project(deed, project_of(deed))
        owner = leads if leads.allowed else owner
    return (role_publishes(deed), owner, *_new_owner(deed, publisher=False))


def _new_owner(deed: Deed, *, publisher: bool) -> Conditions:
    """A project's new owner must publish; content goes to any licensed user, never to Guest (§7, §2.2 Guest)."""
    if deed.to is None:
        return ()
    role = current_role(deed.site.users[deed.to].site_role)
    if role == "Guest":
        return (deed.says(False, "guest_cannot_own"),)
    fits = publishes(role) != "no" if publisher else role not in ("Unlicensed", "SupportUser")
    return (deed.says(fits, "site_role"),)


# -- permissions (§4.3) --------------------------------------------------------------------------------------


def _set_permissions(deed: Deed) -> Conditions:
    content = deed.on()
    held = deed.site.contents[content]
    if held.kind == "project":
        return _set_project_rules(deed)
    if held.kind == "view":
        return _set_view_rules(deed)
    return (deed.may("ChangePermissions", content),)


def _set_view_rules(deed: Deed) -> Conditions:
    """Nobody edits at view level while tabs are shown or a project is locked."""
    content = deed.on()
    held = deed.site.contents[content]
    if held.kind != "view":
        return (deed.says(False, "not_applicable"),)
    project = deed.site.project_of(content)
    locked = project in deed.site.contents and managing_project(deed.site, str(project)) is not None
    shown = deed.site.contents[workbook_of(deed)].tabs
    return (
        deed.says(not locked, "locked_project"),
        deed.says(not shown, "tabs_shown"),
        deed.may("ChangePermissions", content),
    )


def _set_project_rules(deed: Deed) -> Conditions:
    """Rules, defaults, leaders and the mode are edited on the managing project, by its people or above it."""
    project = deed.on()
    leads = rules_project(deed, project)
    manager = managing_project(deed.site, project)
    if manager is None or manager == project or not leads.allowed:
        return (role_publishes(deed), leads)
    return (role_publishes(deed), rules_project(deed, manager, otherwise="locked_project"))


ACTIONS: Mapping[str, Callable[[Deed], Conditions]] = MappingProxyType(
    {
        "publish": _publish,
        "publish_new_datasource_external": _publish_external,
        "download": _download,
        "see_data": _see_data,
        "create_metric": _create_metric,
        "web_edit": _web_edit,
        "web_save_as": _web_save_as,
        "web_overwrite": _web_overwrite,
        "file_save_menu": _file_save,
        "move": _move,
        "delete": _delete,
        "rename": _rename,
        "create_top_level_project": _create_top,
        "create_nested_project": _create_nested,
        "delete_top_level_project": _delete_top,
        "delete_nested_project": _delete_nested,
        "change_project_owner": _change_project_owner,
        "assign_project_owner": _change_project_owner,
        "change_content_owner": _change_content_owner,
        "set_project_leader": _set_project_rules,
        "set_content_permissions_mode": _set_project_rules,
        "set_project_rules": _set_project_rules,
        "set_permissions": _set_permissions,
        "set_view_rules": _set_view_rules,
    }
)
