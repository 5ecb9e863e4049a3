"""Projects: listed, created, changed, moved, deleted. Their rules are `handlers.permissions`' business."""

from __future__ import annotations

from dataclasses import replace

from tabwarden.access.abilities.question import TOP_LEVEL
from tabwarden.effects import content as effects
from tabwarden.effects import people
from tabwarden.model.governing import managing_project
from tabwarden.model.site import MODES, Content, Site
from tabwarden.sandbox.content import samples, visibility
from tabwarden.sandbox.content.listing import content_listing
from tabwarden.sandbox.content.shapes import project
from tabwarden.sandbox.handlers.content import handed_over
from tabwarden.sandbox.http import listing
from tabwarden.sandbox.http.call import NO_CONTENT, Call, Reply, ok
from tabwarden.sandbox.http.errors import Refusal, because
from tabwarden.sandbox.http.wire import Element


def projects(call: Call) -> Reply:
    """The projects the asker may View."""
    shown = visibility.visible(call.state, call.site, call.me.id, "project")
    return ok(*listing.answer(call, content_listing(call, "project"), shown))


def create(call: Call) -> Reply:
    """A new project: administrators anywhere, owners and leaders below their own."""
    body = call.body("project")
    name, parent = (body.get("name") or "").strip(), body.get("parentProjectId") or None
    if not name:
        raise Refusal("400003", "a project needs a name")
    if parent is None:
        visibility.demand(call, "create_top_level_project", code="403045")
    else:
        visibility.demand(call, "create_nested_project", visibility.shown(call, "project", parent), code="403045")
    _free_name(call.site, name, parent)
    new = Content(
        call.state.new_id(call.site, "project"),
        "project",
        name,
        parent,
        _owner(call, body) or call.me.id,
        mode=_mode(body) or "ManagedByOwner",
        description=body.get("description") or "",
    )
    stored = call.state.put(effects.create_project(call.site, new)).contents[new.id]
    if samples.asked_for(call):
        samples.publish_into(call, stored)
    return ok(project(call, stored), status=201)


def _owner(call: Call, body: Element) -> str | None:
    """Another first owner is an administrator's choice."""
    named = body.find("owner")
    wanted = named.get("id") if named is not None else None
    if not wanted or wanted == call.me.id:
        return None
    if not call.is_admin:
        raise Refusal("403045", "only administrators create projects for somebody else")
    heir = call.user(wanted)
    outcome = people.assign_owner(call.site, heir.id, "project", call.state.open_points)
    if not outcome.done:
        raise because(outcome.because)
    return heir.id


def _mode(body: Element) -> str | None:
    mode = body.get("contentPermissions")
    if mode is not None and mode not in MODES:
        raise Refusal("400003", f"contentPermissions `{mode}` is not one of {', '.join(MODES)}")
    return mode


def _free_name(site: Site, name: str, parent: str | None, but: str = "") -> None:
    others = (site.contents[c] for c in site.children(parent) if c != but)
    if any(o.kind == "project" and o.name.casefold() == name.casefold() for o in others):
        raise Refusal("409006", f"a project `{name}` exists in that place")


def update(call: Call) -> Reply:
    """Change name, description, place, mode or owner; an empty update is a read and changes nothing."""
    content, body = visibility.shown(call, "project"), call.tree.find("project") or Element("project")
    site = _edited(call, content, body)
    site = _moved(call, site, content, body)
    site = _locked(call, site, content, body)
    site = handed_over(call, site, content, body, deed="change_project_owner")
    call.state.put(site)
    if samples.asked_for(call):
        samples.publish_into(call, call.content("project"))
    return ok(project(call, call.content("project")))


def _edited(call: Call, project: Content, body: Element) -> Site:
    name, description = body.get("name"), body.get("description")
    changed = replace(
        project,
        name=name if name else project.name,
        description=description if description is not None else project.description,
    )
    if changed == project:
        return call.site
    visibility.demand(call, "rename", project)
    if changed.name != project.name:
        if _is_default(call.site, project):
            raise Refusal("403004", "the Default project cannot be renamed")
        _free_name(call.site, changed.name, project.parent, project.id)
    return call.site.with_contents(changed)


def _moved(call: Call, site: Site, project: Content, body: Element) -> Site:
    wanted = body.get("parentProjectId")
    if wanted is None or (wanted or None) == project.parent:
        return site
    target = visibility.shown(call, "project", wanted).id if wanted else None
    if target is not None and project.id in site.ancestors(target):
        raise Refusal("400100", "a project cannot be moved below itself")
    visibility.demand(call, "move", project, target=target or TOP_LEVEL)
    if _is_default(call.site, project):
        raise Refusal("403004", "the Default project cannot be moved")
    _free_name(site, site.contents[project.id].name, target, project.id)
    return effects.move(site, project.id, target, open_points=call.state.open_points)


def _locked(call: Call, site: Site, project: Content, body: Element) -> Site:
    mode = _mode(body)
    if mode is None or mode == site.contents[project.id].mode or mode == project.mode:
        return site
    visibility.demand(call, "set_content_permissions_mode", project)
    if managing_project(call.site, project.id) not in (None, project.id):
        raise Refusal("403004", "permissions are locked from a project above; change the mode there")
    return effects.set_mode(site, project.id, mode)


def delete(call: Call) -> Reply:
    """Delete a project with everything in it; Default stays."""
    project = call.content("project")
    visibility.demand(call, "delete", project)
    if _is_default(call.site, project):
        raise Refusal("403004", "the Default project cannot be deleted")
    call.state.put(effects.delete_content(call.site, project.id))
    return NO_CONTENT


def _is_default(site: Site, project: Content) -> bool:
    return site.default_project_id == project.id
