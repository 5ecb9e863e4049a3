"""The names of a case that fits the schema: each by any of its names, and each of something that is there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from tabwarden.model.capability import capability_named, kind_named
from tabwarden.model.errors import AmbiguousName, UnknownName
from tabwarden.model.names import hint
from tabwarden.model.roles import TIERS, role_named
from tabwarden.model.site import ALL_USERS

Json = Mapping[str, Any]

# What is said of one kind of content alone.
_OF_ONE_KIND: Mapping[str, str] = {
    "workbook": "view",
    "database": "table",
    "tabs": "workbook",
    "uses": "workbook",
    "mode": "database",
}
_IN_NO_PROJECT = ("view", "database", "table", "collection")
_NEW_PEOPLE = ("add_user", "import", "directory_sync", "group_sync")
_TABLES = {"user": "users", "group": "groups", "groupset": "group_sets"}


def meant(case: Json) -> tuple[dict[str, Any], list[str]]:
    """The case with kinds, capabilities and site roles by their REST names, and every name that is wrong."""
    names = _Names(case)
    setup = names.setup()
    return {**case, "setup": setup, "question": names.question()}, names.problems


class _Names:
    """One case whose names are looked up; only inside `meant`."""

    def __init__(self, case: Json) -> None:
        self.case, self.problems = case, list[str]()
        self.setup_given: Json = case["setup"]
        self.question_given: Json = case["question"]
        self.new = frozenset(self.setup_given.get("new_capabilities", ()))
        self.kinds = {name: self.kind(one["type"], f"setup.content.{name}.type") for name, one in self.table("content")}

    # -- the site -------------------------------------------------------------------------------------------------

    def table(self, part: str) -> Iterable[tuple[str, Any]]:
        return dict(self.setup_given.get(part) or {}).items()

    def setup(self) -> dict[str, Any]:
        """The setup by the names of today."""
        event = self.question_given.get("event")
        self.seats()
        for name, group in self.table("groups"):
            members = group if isinstance(group, list) else group.get("members", ())
            for number, member in enumerate(members if event not in _NEW_PEOPLE else ()):
                self.known(member, "users", f"setup.groups.{name}[{number}]", "user")
        for name, groups in self.table("group_sets"):
            for number, group in enumerate(groups):
                self.known(group, "groups", f"setup.group_sets.{name}[{number}]", "group")
        return {
            **self.setup_given,
            "users": {
                name: {**one, "role": self.role(one["role"], f"setup.users.{name}.role")}
                for name, one in self.table("users")
            },
            "groups": {name: self.group(one, f"setup.groups.{name}") for name, one in self.table("groups")},
            "projects": {name: self.project(name, one) for name, one in self.table("projects")},
            "content": {name: self.content(name, one) for name, one in self.table("content")},
        }

    def group(self, group: Any, place: str) -> Any:
        if isinstance(group, list) or not group.get("minimum_site_role"):
            return group
        minimum = self.role(group["minimum_site_role"], f"{place}.minimum_site_role")
        return {**group, "minimum_site_role": minimum}

    def project(self, name: str, project: Json) -> dict[str, Any]:
        place = f"setup.projects.{name}"
        if project.get("parent") is not None:
            self.known(bare(project["parent"]), "projects", f"{place}.parent", "project")
        above, parent = [name], project.get("parent")
        while parent is not None and (parent := bare(parent)) not in above:
            above.append(parent)
            parent = (self.setup_given["projects"].get(parent) or {}).get("parent")
        if parent == name:
            self.problems.append(f"`{place}.parent`: project `{name}` lies in itself")
        for number, leader in enumerate(project.get("leaders", ())):
            self.grantee(leader, f"{place}.leaders[{number}]")
        defaults = {}
        for words, rules in (project.get("defaults") or {}).items():
            kind = self.kind(words, f"{place}.defaults.{words}")
            defaults[kind or words] = self.rules(rules, kind, f"{place}.defaults.{words}")
        rules = self.rules(project.get("rules", ()), "project", f"{place}.rules")
        return {**project, "rules": rules, "defaults": defaults}

    def content(self, name: str, content: Json) -> dict[str, Any]:
        place, kind = f"setup.content.{name}", self.kinds[name]
        for key, of in _OF_ONE_KIND.items():
            if content.get(key) is not None and kind not in (None, of):
                self.problems.append(f"`{place}` is a {kind}, and only a {of} has `{key}`")
        if kind == "view" and content.get("workbook") is None:
            self.problems.append(f"`{place}` lacks `workbook`")
        if kind not in (None, *_IN_NO_PROJECT) and "project" not in content:
            self.problems.append(f"`{place}` lacks `project`; `null` is somebody's personal space")
        if content.get("project") is not None:
            self.known(bare(content["project"]), "projects", f"{place}.project", "project")
        for key in ("workbook", "database"):
            if content.get(key) is not None:
                self.of_kind(content[key], key, f"{place}.{key}", key)
        for number, use in enumerate(content.get("uses", ())):
            self.of_kind(use["datasource"], "datasource", f"{place}.uses[{number}].datasource", "data source")
        rules = self.rules(content.get("rules", ()), kind, f"{place}.rules")
        return {**content, "type": kind or content["type"], "rules": rules}

    def of_kind(self, words: str, kind: str, place: str, called: str) -> None:
        name = bare(words)
        self.known(name, "content", place, called)
        if self.kinds.get(name) not in (None, kind):
            self.problems.append(f"`{place}`: `{name}` is a {self.kinds[name]}, and a {called} is needed")

    def seats(self) -> None:
        """Licences are numbers from 0, of tiers that there are."""
        for key in ("licences", "licenses"):
            for words, seats in self.table(key):
                inner = seats if isinstance(seats, dict) else {words: seats}
                tiers = inner if words.casefold() == "free" and isinstance(seats, dict) else (words,)
                for tier in tiers:
                    if not any(one.casefold() in tier.casefold() for one in TIERS):
                        self.problems.append(f"`setup.{key}.{words}`: no licence `{tier}`; write {', '.join(TIERS)}")
                if any(number < 0 for number in inner.values()):
                    self.problems.append(f"`setup.{key}.{words}`: fewer than no seats; write a number from 0")
                elif inner.get("used", 0) > inner.get("total", inner.get("used", 0)):
                    self.problems.append(f"`setup.{key}.{words}`: more seats are used than there are")

    # -- the question ---------------------------------------------------------------------------------------------

    def question(self) -> dict[str, Any]:
        """The question by the names of today."""
        if "event" in self.question_given:
            return self.event()
        question = dict(self.question_given)
        self.person(question["user"], "question.user")
        if question.get("to") is not None:
            self.person(question["to"], "question.to")
        steps = [self.step(step, f"question.steps[{number}]") for number, step in enumerate(question.get("steps", ()))]
        if "capability" in question and "action" in question:
            self.problems.append("`question` has both `capability` and `action`; ask one of them")
        elif "capability" in question and question["object"] is None:
            self.problems.append("`question.object` is empty; a capability is asked of a project or a content")
        elif "capability" in question:
            kind = self.kind_of(question["object"])
            question["capability"] = self.capability(question["capability"], kind, "question.capability")
        return {**question, "steps": steps}

    def event(self) -> dict[str, Any]:
        event, heirs = self.question_given["event"], ("map_assets_to", "mapAssetsTo", "map_to", "heir", "to")
        if "user" in self.question_given and event not in _NEW_PEOPLE:
            self.person(self.question_given["user"], "question.user")
        elif "user" not in self.question_given and event not in ("group_sync", "assign_owner"):
            self.problems.append("`question` lacks `user`")
        for key in heirs:
            if self.question_given.get(key) is not None:
                self.person(self.question_given[key], f"question.{key}")
        if self.question_given.get("group") is not None:
            self.known(self.question_given["group"], "groups", "question.group", "group")
        if self.question_given.get("import_role") is not None:
            return {
                **self.question_given,
                "import_role": self.role(self.question_given["import_role"], "question.import_role"),
            }
        return dict(self.question_given)

    def step(self, step: Json, place: str) -> dict[str, Any]:
        step = dict(step)
        for key in ("by", "to", "user", "owner"):
            if key in step:
                self.person(step[key], f"{place}.{key}")
        if "grantee" in step:
            self.grantee(step["grantee"], f"{place}.grantee")
        if "type" in step:
            self.kinds[step["id"]] = self.kind(step["type"], f"{place}.type")
            self.kinds |= dict.fromkeys(step.get("views", ()), "view")
            step["type"] = self.kinds[step["id"]] or step["type"]
        kind = self.kind_of(step.get("object") or step.get("workbook") or step.get("id") or "project:")
        if step.get("default_for"):
            kind = self.kind(step["default_for"], f"{place}.default_for")
            step["default_for"] = kind or step["default_for"]
        if step["op"] in ("add_rule", "remove_rule") and ("rule" in step) is ("rules" in step):
            self.problems.append(f"`{place}` takes `rule` or `rules`")
        if "rule" in step:
            step["rule"] = self.rule(step["rule"], kind, f"{place}.rule")
        if "rules" in step:
            step["rules"] = self.rules(step["rules"], kind, f"{place}.rules")
        if step["op"] == "set_role":
            step["role"] = self.role(step["role"], f"{place}.role")
        return step

    # -- words ----------------------------------------------------------------------------------------------------

    def kind_of(self, words: str) -> str | None:
        prefix, colon, name = words.partition(":")
        if colon and prefix == "project":
            return "project"
        bare = name if colon else words
        return self.kinds.get(
            bare, "project" if not colon and bare in (self.setup_given.get("projects") or {}) else None
        )

    def rules(self, rules: Iterable[Json], kind: str | None, place: str) -> list[dict[str, Any]]:
        return [self.rule(rule, kind, f"{place}[{number}]") for number, rule in enumerate(rules)]

    def rule(self, rule: Json, kind: str | None, place: str) -> dict[str, Any]:
        self.grantee(rule["grantee"], f"{place}.grantee")
        return {**rule, "capability": self.capability(rule["capability"], kind, f"{place}.capability")}

    def capability(self, words: str, kind: str | None, place: str) -> str:
        if words in self.new:
            return words
        return self.tried(lambda: capability_named(words, kind), place) or words

    def kind(self, words: str, place: str) -> str | None:
        return self.tried(lambda: kind_named(words), place)

    def role(self, words: str, place: str) -> str:
        return self.tried(lambda: role_named(words), place) or words

    def tried(self, named: Callable[[], str], place: str) -> str | None:
        try:
            return named()
        except (UnknownName, AmbiguousName) as error:
            self.problems.append(f"`{place}`: {error}")
            return None

    def person(self, words: str, place: str) -> None:
        self.known(words, "users", place, "user")

    def grantee(self, words: str, place: str) -> None:
        kind, _, name = words.partition(":")
        table = _TABLES[kind.casefold()]
        self.known(name, table, place, {"groupset": "group set"}.get(kind.casefold(), kind.casefold()))

    def known(self, name: str, table: str, place: str, called: str) -> None:
        """A name that stands in a table of the setup, or is told with those near it."""
        names = {one: "" for one, _ in self.table(table)} | ({ALL_USERS: ""} if table == "groups" else {})
        if name not in names:
            near = hint(name, names, f"; `setup.{table}` has {', '.join(names) or 'none'}")
            self.problems.append(f"`{place}`: no {called} `{name}`{near}")


def bare(words: str) -> str:
    """A name without the kind that may stand before it."""
    return words.split(":", 1)[-1]
