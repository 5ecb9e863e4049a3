"""tableau-permissions' export of a site: projects, groups, permissions by area, project's name and group (0.1.0)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from tabwarden.importers.facts import Facts, kind_or_none, listed, yaml_of
from tabwarden.model.site import Grantee, Site
from tabwarden.want.policy.export import Export

TOOL = "tableau-permissions"


def fits(text: str) -> bool:
    """Whether it has the three sections of an export."""
    return all(f"\n{section}:" in f"\n{text}" for section in ("projects", "permissions"))


def read(text: str, _site: Site | None) -> Export:
    """The export as a policy. It knows projects by name alone: where two have one name, their rules are left out."""
    export, facts = yaml_of(text, TOOL), Facts()
    projects = {str(one.get("id")): one for one in listed(export.get("projects"))}
    paths: dict[str, list[str]] = defaultdict(list)
    for project in projects.values():
        path = _path(projects, project)
        paths[str(project.get("name"))].append(path)
        facts.project(path, project.get("content_permissions"), project.get("description"))
    areas = export.get("permissions")
    for area, by_project in areas.items() if isinstance(areas, Mapping) else ():
        kind = kind_or_none(str(area))
        for name, by_group in by_project.items() if kind and isinstance(by_project, Mapping) else ():
            if len(paths[str(name)]) != 1:
                facts.remark(
                    f"rules of `{name}` are left out: {len(paths[str(name)])} projects are called so in the file"
                )
                continue
            for group, capabilities in by_group.items() if isinstance(by_group, Mapping) else ():
                if isinstance(capabilities, Mapping) and kind is not None:
                    facts.rule(paths[str(name)][0], kind, Grantee("group", str(group)), capabilities)
    return facts.told()


def _path(projects: Mapping[str, Mapping[str, Any]], project: Mapping[str, Any]) -> str:
    names, met = list[str](), set[str]()
    at: Mapping[str, Any] | None = project
    while at is not None and str(at.get("id")) not in met:
        met.add(str(at.get("id")))
        names.append(str(at.get("name")))
        at = projects.get(str(at.get("parent_id")))
    return "/".join(reversed(names))
