"""The steps of a sequence case, each told to the effects of `change`. Not the effects themselves."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from tabwarden.cases.file import Json, grantee_of, rules_of
from tabwarden.change import effects
from tabwarden.model.site import CUSTOMIZABLE, Content, Site


def apply_step(site: Site, step: Json) -> Site:
    """The Site after one step; ValueError for a step this release does not know."""
    if step["op"] not in _STEPS:
        raise ValueError(f"no step is called `{step['op']}`; steps are {', '.join(sorted(_STEPS))}")
    return _STEPS[step["op"]](site, step)


def _about(step: Json) -> str:
    words = step.get("object") or step.get("project") or step.get("workbook") or ""
    return str(words).split(":", 1)[-1]


def _target(step: Json) -> str | None:
    words = step.get("target")
    return None if words is None else str(words).split(":", 1)[-1]


def _create_project(site: Site, step: Json) -> Site:
    name, parent = step["id"], step.get("parent")
    mode = step.get("mode", CUSTOMIZABLE)
    return effects.create_project(site, Content(name, "project", name, parent, step.get("by", ""), mode=mode))


def _publish(site: Site, step: Json) -> Site:
    name, by, project = step["id"], step.get("by", ""), str(step["project"]).split(":", 1)[-1]
    born = Content(name, step["type"], name, project, by, tabs=step.get("tabs", True))
    views = [Content(view, "view", view, name, by) for view in step.get("views", ())]
    if name in site.contents:
        return effects.overwrite(site, name, by, views)
    return effects.publish(site, born, views)


def _set_role(site: Site, step: Json) -> Site:
    return site.with_users(replace(site.users[step["user"]], site_role=step["role"]))


_STEPS: Mapping[str, Callable[[Site, Json], Site]] = {
    "set_mode": lambda site, step: effects.set_mode(site, _about(step), step["mode"]),
    "show_tabs": lambda site, step: effects.show_tabs(site, _about(step)),
    "hide_tabs": lambda site, step: effects.hide_tabs(site, _about(step)),
    "add_rule": lambda site, step: effects.add_rules(
        site, _about(step), rules_of([step["rule"]]), default_for=step.get("default_for")
    ),
    "remove_rule": lambda site, step: effects.remove_rules(
        site, _about(step), rules_of([step["rule"]]), default_for=step.get("default_for")
    ),
    "publish": _publish,
    "create_project": _create_project,
    "move": lambda site, step: effects.move(site, _about(step), _target(step)),
    "overwrite": lambda site, step: effects.overwrite(site, _about(step), step["by"]),
    "change_owner": lambda site, step: effects.change_owner(site, _about(step), step["to"]),
    "set_role": _set_role,
    "remove_leader": lambda site, step: effects.remove_leader(site, _about(step), grantee_of(step["grantee"])),
    "assign_to_contents": lambda site, step: effects.assign_to_contents(site, _about(step)),
}
