"""The steps of a sequence case, each told to `effects`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from tabwarden.cases.file import Json, content_id, grantee_of, kind_of, named_project, rules_of
from tabwarden.effects import content
from tabwarden.model.governing import managing_project
from tabwarden.model.site import CUSTOMIZABLE, Content, Rules, Site


def apply_step(site: Site, step: Json) -> Site:
    """The Site after one step; ValueError for a step this release does not know."""
    if step["op"] not in _STEPS:
        raise ValueError(f"no step is called `{step['op']}`; steps are {', '.join(sorted(_STEPS))}")
    return _STEPS[step["op"]](site, step)


def _about(site: Site, step: Json) -> str:
    """The content a step is about: `object`, `project` or `workbook`; KeyError when it is not on the site."""
    if step.get("object") is not None:
        content = content_id(site, step["object"])
    elif step.get("project") is not None:
        content = named_project(step["project"])
    else:
        content = content_id(site, step["workbook"])
    return site.contents[str(content)].id


def _rules(step: Json) -> Rules:
    return rules_of(step["rules"] if "rules" in step else [step["rule"]])


def _default_for(step: Json) -> str | None:
    return kind_of(step["default_for"]) if step.get("default_for") else None


def _create_project(site: Site, step: Json) -> Site:
    name, mode = step["id"], step.get("mode") or CUSTOMIZABLE
    owner = step.get("owner") or step.get("by") or ""
    return content.create_project(
        site, Content(f"project:{name}", "project", name, named_project(step.get("parent")), owner, mode=mode)
    )


def _publish(site: Site, step: Json) -> Site:
    """New content, or over what is there: then who publishes becomes the owner and old views keep their rules."""
    name, by = f"content:{step['id']}", step.get("by") or ""
    views = [Content(f"content:{v}", "view", v, name, by) for v in step.get("views") or ()]
    if name in site.contents:
        site = content.overwrite(site, name, by, [v for v in views if v.id not in site.contents])
        if step.get("tabs") is None or step["tabs"] == site.contents[name].tabs:
            return site
        return content.show_tabs(site, name) if step["tabs"] else content.hide_tabs(site, name)
    project = str(named_project(step["project"]))
    born = Content(name, kind_of(step["type"]), step["id"], project, by, tabs=step.get("tabs") is not False)
    site = content.publish(site, born, views)
    if "rules" in step and managing_project(site, project) is None:
        # The publisher's own choice in the dialog, which a lock does not offer.
        site = content.replace_rules(site, name, _rules(step))
        site = content.hide_tabs(content.show_tabs(site, name), name) if not born.tabs else site
    return site


def _set_role(site: Site, step: Json) -> Site:
    return site.with_users(replace(site.users[step["user"]], site_role=step["role"]))


def _move(site: Site, step: Json) -> Site:
    target = content_id(site, step.get("target"), project=True)
    return content.move(site, _about(site, step), None if target is None else site.contents[target].id)


_STEPS: Mapping[str, Callable[[Site, Json], Site]] = {
    "set_mode": lambda site, step: content.set_mode(site, _about(site, step), step["mode"]),
    "show_tabs": lambda site, step: content.show_tabs(site, _about(site, step)),
    "hide_tabs": lambda site, step: content.hide_tabs(site, _about(site, step)),
    "add_rule": lambda site, step: content.add_rules(
        site, _about(site, step), _rules(step), default_for=_default_for(step)
    ),
    "remove_rule": lambda site, step: content.remove_rules(
        site, _about(site, step), _rules(step), default_for=_default_for(step)
    ),
    "publish": _publish,
    "create_project": _create_project,
    "move": _move,
    "overwrite": lambda site, step: content.overwrite(site, _about(site, step), step["by"]),
    "change_owner": lambda site, step: content.change_owner(site, _about(site, step), step["to"]),
    "set_role": _set_role,
    "remove_leader": lambda site, step: content.remove_leader(site, _about(site, step), grantee_of(step["grantee"])),
    "assign_to_contents": lambda site, step: content.assign_to_contents(site, _about(site, step)),
}
