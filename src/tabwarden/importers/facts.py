"""What an importer finds, gathered by project and kind, and told as a policy."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import yaml

from tabwarden.model.capability import KIND_NAMES, LEADER, LEADER_CAPABILITIES, READ_ONLY, applies, kind_named
from tabwarden.model.errors import SettingsError, UnknownName
from tabwarden.model.names import same
from tabwarden.model.site import ALLOW, DENY, LOCKED_WITHOUT_NESTED, Grantee, Rule
from tabwarden.safe_files import yaml_value
from tabwarden.want.policy.export import MODE_WORDS, Export, cell_of, shortened, together

EVERYBODY = "all users"
WHOLE = "what a policy names has these rules alone: what its file did not manage, such as rules of persons, would go"
MODES = {**MODE_WORDS, LOCKED_WITHOUT_NESTED: "locked without nested"}

Lists = dict[str, dict[Grantee, dict[str, str]]]


class Facts:
    """Projects and contents by path, rules by kind and grantee (`Grantee` by name, not id), and what was left out."""

    def __init__(self) -> None:
        self.projects: dict[str, dict[str, Any]] = {}
        self.rules: dict[str, Lists] = {}
        self.contents: dict[tuple[str, str], Lists] = {}
        self.remarks: list[str] = []

    def project(self, path: str, mode: object = None, description: object = None, owner: object = None) -> None:
        """A project; what is nothing is not said of it."""
        entry: dict[str, Any] = {}
        if str(mode) in MODES:
            entry["mode"] = MODES[str(mode)]
        elif mode:
            self.remark(f"{path}: `{mode}` is no permissions mode and left out")
        if owner:
            entry["owner"] = str(owner)
        if description:
            entry["description"] = str(description)
        self.projects.setdefault(path, {}).update(entry)

    def rule(self, path: str, kind: str, grantee: Grantee, capabilities: Mapping[str, object]) -> None:
        """What a grantee has on a project, or by the project on what is of that kind; None is no rule."""
        self._add(path, self.rules.setdefault(path, defaultdict(dict)), kind, grantee, capabilities)

    def content(self, path: str, kind: str, grantee: Grantee, capabilities: Mapping[str, object]) -> None:
        """The same on a single content."""
        self._add(path, self.contents.setdefault((path, kind), defaultdict(dict)), kind, grantee, capabilities)

    def _add(self, path: str, lists: Lists, kind: str, grantee: Grantee, capabilities: Mapping[str, object]) -> None:
        words = {"allow": ALLOW, "deny": DENY}
        said = lists.setdefault(kind, {}).setdefault(grantee, {})
        for name, mode in capabilities.items():
            if (known := words.get(str(mode).casefold())) is not None:
                said[str(name)] = known
            elif mode and same(str(mode)) not in ("none", "unspecified"):
                self.remark(f"{path}: `{name}` is left out: `{mode}` is neither Allow nor Deny")

    def remark(self, words: str) -> None:
        """What is left out, or worth knowing; told once."""
        if words not in self.remarks:
            self.remarks.append(words)

    def told(self) -> Export:
        """As a policy."""
        export = Export(remarks=self.remarks)
        for path in sorted({*self.projects, *self.rules}):
            entry = dict(self.projects.get(path, {}))
            above = ("/".join(path.split("/")[:number]) for number in range(1, path.count("/") + 1))
            if any(self.projects.get(one, {}).get("mode") == "locked" for one in above):
                entry.pop("mode", None)
                if path in self.rules:
                    self.remark(f"{path}: its rules are left out, for a project that it lies in is locked")
            elif path in self.rules:
                lists = self.rules[path]
                leaders = [who for who, names in lists.get("project", {}).items() if names.pop(LEADER, "") == ALLOW]
                if leaders:
                    entry["leaders"] = [_words(who) for who in sorted(leaders)]
                entry["rules"] = self._rows({"project": {}, **lists}, path)
            export.projects[path] = entry
        for (path, kind), lists in sorted(self.contents.items()):
            named = KIND_NAMES[kind]
            export.content.append({"paths": [path], "kind": named, "rules": self._rows(lists, path)})
        if self.rules or self.contents:
            self.remark(WHOLE)
        return shortened(export)

    def _rows(self, lists: Lists, path: str) -> list[dict[str, Any]]:
        by_grantee: dict[Grantee, dict[str, Any]] = defaultdict(dict)
        for kind, grantees in lists.items():
            for grantee, names in grantees.items():
                rules = []
                for name, mode in names.items():
                    if applies(name, kind) and name not in READ_ONLY and name not in LEADER_CAPABILITIES:
                        rules.append(Rule(grantee, name, mode))
                    else:
                        self.remark(f"{path}: `{name}` is no capability of a {KIND_NAMES[kind]} that a rule could give")
                if rules:
                    by_grantee[grantee][kind] = cell_of(kind, rules)
        return [{**_key(who), **together(cells, lists)} for who, cells in sorted(by_grantee.items())]


def _key(grantee: Grantee) -> dict[str, Any]:
    if grantee.kind == "user":
        return {"user": grantee.id, "reason": "as it was imported"}
    return {"all_users": True} if same(grantee.id) == EVERYBODY else {"group": grantee.id}


def _words(grantee: Grantee) -> str:
    return EVERYBODY if same(grantee.id) == EVERYBODY else f"{grantee.kind} {grantee.id}"


def kind_or_none(words: str) -> str | None:
    """The kind that a word of another tool means."""
    try:
        return kind_named(words.replace("_", " "))
    except UnknownName:
        return None


def yaml_of(text: str, tool: str) -> Mapping[str, Any]:
    """The mapping that a YAML text is; SettingsError where it is none."""
    try:
        value = yaml_value(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise SettingsError([f"the file of {tool} is no YAML: {error}"]) from None
    return value if isinstance(value, Mapping) else {}


def listed(value: object) -> list[Mapping[str, Any]]:
    """The mappings of a list, whatever it is."""
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []
