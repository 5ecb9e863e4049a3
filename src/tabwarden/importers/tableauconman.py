"""TableauConMan's specifications: projects by path, templates of permissions by name, groups (package 0.1.18, YAML)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tabwarden.importers.facts import Facts, kind_or_none, listed, yaml_of
from tabwarden.model.site import Grantee, Site
from tabwarden.want.policy.export import Export

TOOL = "TableauConMan"


def fits(text: str) -> bool:
    """Whether it has projects with a `permission_set`, or templates of them."""
    return "permission_templates:" in text or "permission_set:" in text


def read(text: str, _site: Site | None) -> Export:
    """The specification as a policy; its groups and people are told as a remark."""
    spec, facts = yaml_of(text, TOOL), Facts()
    templates = {
        str(one.get(key)): one for one in listed(spec.get("permission_templates")) for key in _KEYS if key in one
    }
    for project in listed(spec.get("projects")):
        path = str(project.get("project_path") or project.get("project_name") or "").strip("/ ")
        if not path:
            facts.remark("a project without `project_path` and `project_name` is left out")
            continue
        facts.project(path, project.get("content_permissions"), project.get("description"))
        for row in listed(project.get("permission_set")):
            _row(facts, path, row, templates)
    people = [name for name in ("groups", "users") if spec.get(name)]
    if people:
        facts.remark(
            f"the {' and '.join(people)} of the file are no policy of content; `tabwarden run people` keeps people"
        )
    return facts.told()


_KEYS = ("name", "permission_template_id")


def _row(facts: Facts, path: str, row: Mapping[str, Any], templates: Mapping[str, Mapping[str, Any]]) -> None:
    name = str(row.get("permission_rule") or row.get("permission_template_id") or "")
    who = next((Grantee(kind, str(row[key])) for kind, key in _WHO if row.get(key)), None)
    if who is None or name not in templates:
        facts.remark(f"{path}: the template `{name}` is not in the file" if who else f"{path}: a rule is for nobody")
        return
    for key, capabilities in templates[name].items():
        kind = kind_or_none(key) if isinstance(capabilities, Mapping) else None
        if kind is not None:
            facts.rule(path, kind, who, capabilities)


_WHO = (("group", "group_name"), ("user", "user_name"))
