"""The state of Terraform's Tableau provider (GtheSheep/tableau): projects and rules by ids, the state's version 4.

Names of ids come from the resources and data sources of the state, and else from the Site of a snapshot.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from tabwarden.importers.facts import Facts, kind_or_none, listed
from tabwarden.model.errors import SettingsError
from tabwarden.model.site import Grantee, Site
from tabwarden.want.policy.export import Export

Attributes = Mapping[str, Any]


def fits(text: str) -> bool:
    """Whether it is a state with resources of Tableau."""
    return '"terraform_version"' in text and '"tableau_' in text


def read(text: str, site: Site | None) -> Export:
    """The state as a policy."""
    try:
        state = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise SettingsError([f"the state is no JSON: {error}"]) from None
    return _Reading(state if isinstance(state, Mapping) else {}, site).told()


class _Reading:
    def __init__(self, state: Mapping[str, Any], site: Site | None) -> None:
        self.site, self.facts = site, Facts()
        self.instances = list(_instances(state))
        self.names: dict[str, dict[str, str]] = {"group": {}, "user": {}}
        self.projects: dict[str, Attributes] = {}
        for kind, attributes in self.instances:
            self._known(kind, attributes)

    def _known(self, kind: str, attributes: Attributes) -> None:
        """Names by id: of one resource, and of the lists of data sources."""
        for one in (attributes, *listed(attributes.get(f"{kind}s")), *listed(attributes.get(kind))):
            if kind.removesuffix("s") in self.names and one.get("id"):
                self.names[kind.removesuffix("s")][str(one["id"])] = str(one.get("name") or one.get("email") or "")
            elif kind.removesuffix("s") == "project" and one.get("id") and one.get("name"):
                self.projects[str(one["id"])] = one

    def told(self) -> Export:
        for kind, attributes in self.instances:
            if kind == "project":
                self._project(attributes)
            elif kind.endswith(("_permission", "_permissions")):
                self._rules(kind.rpartition("_permission")[0], attributes)
        return self.facts.told()

    def _project(self, attributes: Attributes) -> None:
        path = self._path("project", str(attributes.get("id")))
        if path:
            owner = self._name("user", str(attributes.get("owner_id") or ""))
            self.facts.project(path, attributes.get("content_permissions"), attributes.get("description"), owner)

    def _rules(self, of: str, attributes: Attributes) -> None:
        """One rule, or with `grantee_capabilities` a list of them."""
        about = "project" if of in ("project", "default", "project_default") else of
        kind = kind_or_none(str(attributes.get("target_type") or about))
        holder = str(attributes.get(f"{about}_id") or attributes.get("id") or "")
        path = self._path(kind if about != "project" else "project", holder)
        if kind is None or not path:
            self.facts.remark(f"rules of {about} {holder} are left out: nothing tells what it is called")
            return
        rows = [(attributes, {attributes.get("capability_name"): attributes.get("capability_mode")})]
        if "grantee_capabilities" in attributes:
            grantees = listed(attributes["grantee_capabilities"])
            rows = [(one, {c.get("name"): c.get("mode") for c in listed(one.get("capabilities"))}) for one in grantees]
        for row, capabilities in rows:
            who = "group" if row.get("group_id") else "user"
            name = self._name(who, str(row.get(f"{who}_id") or ""))
            if not name:
                self.facts.remark(f"{path}: a rule of a {who} is left out: nothing tells what it is called")
                continue
            add = self.facts.rule if about == "project" else self.facts.content
            add(path, kind, Grantee(who, name), {str(key): mode for key, mode in capabilities.items()})

    def _name(self, kind: str, key: str) -> str:
        if key not in self.names[kind] and self.site is not None:
            named = self.site.groups.get(key) if kind == "group" else self.site.users.get(key)
            return "" if named is None else named.name
        return self.names[kind].get(key, "")

    def _path(self, kind: str | None, key: str) -> str:
        if self.site is not None and key in self.site.contents:
            return self.site.path(key)
        names, met = list[str](), set[str]()
        while kind == "project" and key in self.projects and key not in met:
            met.add(key)
            names.append(str(self.projects[key].get("name")))
            key = str(self.projects[key].get("parent_project_id") or "")
        return "/".join(reversed(names))


def _instances(state: Mapping[str, Any]) -> Iterator[tuple[str, Attributes]]:
    """What the resources and data sources of Tableau are, without `tableau_`, and their attributes."""
    for resource in listed(state.get("resources")):
        kind = str(resource.get("type"))
        for instance in listed(resource.get("instances")) if kind.startswith("tableau_") else ():
            attributes = instance.get("attributes")
            if isinstance(attributes, Mapping):
                managed = resource.get("mode") != "data"
                yield kind.removeprefix("tableau_") if managed else _of_data(kind), attributes


def _of_data(kind: str) -> str:
    """The kind of a data source: what it reads has names, and is no wish."""
    name = kind.removeprefix("tableau_")
    return "" if "permission" in name else f"{name.removesuffix('s')}s"
