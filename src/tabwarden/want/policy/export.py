"""A Site as the text of a policy: templates where they fit, one entry for all contents of one list, patterns, packs."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Any, NamedTuple

from tabwarden.effects.content import default_rules
from tabwarden.effects.forms.rules import templates_of
from tabwarden.effects.ops.rules import DENIED
from tabwarden.effects.ops.settings import SETTINGS_BY_REST, is_on
from tabwarden.effects.phrases import grantee_named
from tabwarden.model.capability import (
    KIND_NAMES,
    LEADER,
    LEADER_CAPABILITIES,
    LEGACY_TEMPLATES,
    applies,
    capability_named,
    ui_name,
)
from tabwarden.model.errors import TabwardenError
from tabwarden.model.governing import governing, managing_project
from tabwarden.model.names import same
from tabwarden.model.site import ALLOW, CUSTOMIZABLE, DENY, LOCKED, Content, Grantee, Rule, Rules, Site
from tabwarden.want.paths import has_signs
from tabwarden.want.policy.shorter import with_packs, with_templates
from tabwarden.want.policy.wanted import RULED, USUAL
from tabwarden.want.policy.wishes import EVERYBODY, KIND_WORDS

MODE_WORDS = {LOCKED: "locked", CUSTOMIZABLE: "customizable"}
FOUND = "as it was found"
LONGEST = 1000  # letters of a key in YAML, nearly
_ORDER = {kind: number for number, kind in enumerate(KIND_NAMES)}
_CAPABILITY = {"allow": ALLOW, "deny": DENY}


class _Unspeakable(Exception):
    """A list that the text cannot say: an unknown capability, somebody who is gone, Allow beside Deny."""


class _Listed(NamedTuple):
    """A list in words, the words as one, and how many rule rows it stands for."""

    rows: list[dict[str, Any]]
    key: str
    number: int


@dataclass
class Export:
    """What the text holds, in order, and how many rule rows (a grantee on a list) it stands for."""

    site: dict[str, bool] = field(default_factory=dict)
    templates: dict[str, dict[str, Any]] = field(default_factory=dict)
    packs: dict[str, dict[str, Any]] = field(default_factory=dict)
    use: list[dict[str, Any]] = field(default_factory=list)
    projects: dict[str, dict[str, Any]] = field(default_factory=dict)
    content: list[dict[str, Any]] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    rows: int = 0


def told(site: Site, within: str | None = None) -> Export:
    """What is so on the Site, of one project (id) and all in it where that is said."""
    return shortened(_Telling(site, within).told())


def shortened(export: Export) -> Export:
    """The same, with templates and packs where they tell it in fewer letters."""
    export.templates = with_templates([*export.projects.values(), *export.content])
    export.packs, export.use = with_packs(export.projects, export.content)
    return export


class _Telling:
    def __init__(self, site: Site, within: str | None) -> None:
        self.site, self.within = site, within
        self.result = Export()
        self._words: dict[Grantee, str] = {}
        everyone = site.all_users
        self._everybody = None if everyone is None else Grantee("group", everyone.id)
        self._lists: dict[tuple[str, Rules], _Listed | _Unspeakable] = {}

    def told(self) -> Export:
        if self.within is None:
            on = {name: is_on(self.site, name) for name in SETTINGS_BY_REST}
            self.result.site = {name.replace("_", " "): value for name, value in on.items() if value is not None}
        inside = None if self.within is None else {self.within, *self.site.below(self.within)}
        projects = [
            c for c in self.site.contents.values() if c.kind == "project" and (inside is None or c.id in inside)
        ]
        lists: dict[tuple[str, str], list[str]] = defaultdict(list)
        rows_of: dict[tuple[str, str], list[dict[str, Any]]] = {}
        for project in sorted(projects, key=lambda c: self.site.path(c.id).casefold()):
            items = list(self._items(project))
            as_defaults = self._project(project, items)
            for content in items:
                if self._is_twin(content) or (as_defaults and content.rules == default_rules(project, content.kind)):
                    continue
                listed = self._listed(content)
                if isinstance(listed, _Unspeakable):
                    self._remark(content, listed)
                    continue
                self.result.rows += listed.number
                key = content.kind, listed.key
                lists[key].append(self.site.path(content.id))
                rows_of[key] = listed.rows
        self.result.content = [
            {"paths": self._paths(kind, paths), "kind": KIND_NAMES[kind], "rules": rows_of[kind, words]}
            for (kind, words), paths in lists.items()
        ]
        return self.result

    def _listed(self, content: Content) -> _Listed | _Unspeakable:
        """The rows of a content's own list: the same list is put into words once."""
        key = content.kind, content.rules or frozenset()
        if key not in self._lists:
            before = self.result.rows
            try:
                rows = self._rows({content.kind: key[1]})
                self._lists[key] = _Listed(rows, repr(rows), self.result.rows - before)
            except _Unspeakable as why:
                self._lists[key] = why
            self.result.rows = before
        return self._lists[key]

    @cached_property
    def _fitting(self) -> Counter[tuple[str, str]]:
        """How many contents of a kind `PATH/*` would fit, by kind and path as `same` has it; "" is `*`."""
        fitting: Counter[tuple[str, str]] = Counter()
        for content in self.site.contents.values():
            if content.kind in RULED:
                fitting.update((content.kind, above) for above in _above(same(self.site.path(content.id))))
        return fitting

    def _paths(self, kind: str, paths: list[str]) -> list[str]:
        """Paths, sorted; `PATH/*` for those that are all of the kind that it fits."""
        if len(paths) == 1:
            return paths
        inside: Counter[str] = Counter()
        for path in paths:
            inside.update(_above(same(path)))
        top = "" if self.within is None else same(self.site.path(self.within))
        words = {
            path
            for path, count in inside.items()
            if count > 1 and count == self._fitting[kind, path] and not has_signs(path)
            if path == top or not top or path.startswith(f"{top}/")
        }
        shorter = set[str]()
        for path in paths:
            above = next((one for one in _above(same(path)) if one in words), None)
            parts = path.split("/")[: above.count("/") + 1] if above else []
            pattern = "/".join((*parts, "*"))
            shorter.add(path if above is None or self.site.contents_at(pattern) else pattern)
        return sorted(shorter)

    def _remark(self, content: Content, why: object) -> None:
        self.result.remarks.append(f"rules of {self.site.path(content.id)} are left as they are: {why}")

    # -- projects ---------------------------------------------------------------------------------------------

    def _project(self, project: Content, items: Sequence[Content]) -> bool:
        """Its entry; whether the default rules are told for all its items but those that are told apart."""
        path = self.site.path(project.id)
        same_path = [c for c in self.site.contents_at(path) if self.site.contents[c].kind == "project"]
        if len(same_path) > 1 or "/" in project.name or path != path.strip("/ ") or len(path) > LONGEST:
            self.result.remarks.append(f"{path} is left as it is: its path means something else too")
            return False
        entry: dict[str, Any] = {}
        manager = managing_project(self.site, project.id)
        if manager in (None, project.id):
            entry["mode"] = MODE_WORDS.get(project.mode, "locked without nested")
        owner = self.site.users.get(project.owner)
        parent = self.site.contents.get(project.parent or "")
        if owner is not None and (parent is None or parent.owner != project.owner):
            entry["owner"] = self._named(Grantee("user", owner.id), "").strip()
        if project.description:
            entry["description"] = project.description
        strange = None in project.defaults.values() or project.defaults.keys() & {"project", "view"}
        if manager in (None, project.id) and project.rules is not None and not strange:
            self._ruled(project, entry, items)
        if entry:
            self.result.projects[path] = entry
        return "contents" in entry

    def _ruled(self, project: Content, entry: dict[str, Any], items: Sequence[Content]) -> None:
        rules = project.rules or frozenset()
        own = frozenset(r for r in rules if r.capability not in LEADER_CAPABILITIES)
        leading = [r for r in rules if r.capability == LEADER]
        try:
            if leading and all(r.mode == ALLOW for r in leading):
                entry["leaders"] = [self._named(r.grantee) for r in sorted(leading)]
            lists = {"project": own, **{kind: listed or frozenset() for kind, listed in project.defaults.items()}}
            entry["rules"] = self._rows(lists)
        except _Unspeakable as why:
            entry.pop("rules", None)
            self._remark(project, why)
            return
        if project.mode != CUSTOMIZABLE:
            return
        apart = [c for c in items if c.rules != default_rules(project, c.kind)]
        if len(apart) * 2 < len(items) and all(
            not self._is_twin(content) and isinstance(self._listed(content), _Listed) for content in apart
        ):
            entry["contents"] = "defaults"

    def _items(self, project: Content) -> Iterator[Content]:
        """What lies in it with a list of its own that was read."""
        for child in self.site.children(project.id):
            for content in (child, *self.site.children(child)) if self.site.contents[child].kind in RULED else ():
                thing = self.site.contents[content]
                if thing.rules is not None and governing(self.site, content).level == "own":
                    yield thing

    def _is_twin(self, content: Content) -> bool:
        """Whether something else of its kind has its path."""
        at = self.site.contents_at(self.site.path(content.id))
        return len(at) > 1 and sum(self.site.contents[other].kind == content.kind for other in at) > 1

    # -- rows -------------------------------------------------------------------------------------------------

    def _rows(self, lists: Mapping[str, Rules]) -> list[dict[str, Any]]:
        """A row a grantee, a cell a kind; `all` where every kind that there always is has the same template."""
        by_grantee: dict[Grantee, dict[str, Any]] = defaultdict(dict)
        count = 0
        for kind, rules in sorted(lists.items(), key=lambda pair: _ORDER[pair[0]]):
            for grantee in {rule.grantee for rule in rules}:
                by_grantee[grantee][kind] = cell_of(kind, [r for r in rules if r.grantee == grantee])
                count += 1
        rows = []
        for grantee, cells in sorted(by_grantee.items(), key=lambda pair: self._named(pair[0])):
            cells = together(cells, lists)
            rows.append({**self._grantee(grantee), **cells})
        self.result.rows += count
        return rows

    def _grantee(self, grantee: Grantee) -> dict[str, Any]:
        if grantee == self._everybody:
            return {"all_users": True}
        name = self._named(grantee, "")
        key = {"groupSet": "group_set"}.get(grantee.kind, grantee.kind)
        return {key: name} if grantee.kind != "user" else {"user": name, "reason": FOUND}

    def _named(self, grantee: Grantee, prefix: str | None = None) -> str:
        """`group Sales`, or with a `prefix` of none the name alone; _Unspeakable where that would not find it."""
        if grantee not in self._words:
            self._words[grantee] = self._resolved(grantee)
        words = self._words[grantee]
        kind = {"groupSet": "group set"}.get(grantee.kind, grantee.kind)
        return words if prefix is None else words.removeprefix(f"{kind} ")

    def _resolved(self, grantee: Grantee) -> str:
        if grantee == self._everybody:
            return EVERYBODY
        table: Mapping[str, Any] = {
            "user": self.site.users,
            "group": self.site.groups,
            "groupSet": self.site.group_sets,
        }[grantee.kind]
        kind = {"groupSet": "group set"}.get(grantee.kind, grantee.kind)
        known = table.get(grantee.id)
        if known is None:
            raise _Unspeakable(f"a {kind} that is gone has some")
        domain = getattr(known, "domain", "local")
        for name in (known.name, f"{domain}\\{known.name}"):
            try:
                if name == name.strip() and grantee_named(self.site, f"{kind} {name}") == grantee:
                    return f"{kind} {name}"
            except TabwardenError:
                continue
        raise _Unspeakable(f"the name of {kind} `{known.name}` means somebody else too")


def _above(path: str) -> Iterator[str]:
    """What a path lies in by its words, from the top: "" and each part before a slash."""
    yield ""
    yield from (path[:n] for n, letter in enumerate(path) if letter == "/" and n)


def together(cells: dict[str, Any], lists: Collection[str]) -> dict[str, Any]:
    """Cells by the words of the text: `all` where they are the same on all lists there are, of a project every kind."""
    everywhere = set(lists) | ({"project", *USUAL} if "project" in lists else set())
    values = {repr(cell): cell for cell in cells.values()}
    if len(values) == 1 and set(cells) == everywhere:
        return {"all": next(iter(values.values()))}
    return {KIND_WORDS[kind]: cell for kind, cell in cells.items()}


def cell_of(kind: str, rules: Iterable[Rule]) -> Any:
    """A template's name, or the capabilities allowed and denied by the names of Tableau's pages."""
    rules = list(rules)
    modes = {mode: frozenset(r.capability for r in rules if r.mode == mode) for mode in (ALLOW, DENY)}
    if modes[ALLOW] & modes[DENY]:
        raise _Unspeakable("something is allowed and denied at once")
    strange = [r.capability for r in rules if not applies(r.capability, kind) or r.capability in LEADER_CAPABILITIES]
    if strange:
        raise _Unspeakable(f"`{strange[0]}` is no capability of a {KIND_NAMES[kind]} that this release knows")
    for name, capabilities in _templates(kind):
        wanted = (frozenset(), capabilities) if name == DENIED else (capabilities, frozenset())
        if (modes[ALLOW], modes[DENY]) == wanted:
            return name
    fitting = [(len(names & modes[ALLOW]), name, names) for name, names in _templates(kind) if name != DENIED]
    fitting = [one for one in fitting if one[0] > 1 and one[2] <= modes[ALLOW] | modes[DENY]]
    _, like, given = max(fitting, key=lambda one: one[0], default=(0, "", frozenset()))
    modes[ALLOW] -= given
    both = ((word, sorted(modes[mode])) for word, mode in _CAPABILITY.items())
    lists = {word: [_called(name, kind) for name in names] for word, names in both if names}
    return {"template": like, **lists} if like else lists


@cache
def _templates(kind: str) -> list[tuple[str, frozenset[str]]]:
    """Templates that give or deny something, today's first."""
    older = LEGACY_TEMPLATES.get(kind, {})
    return sorted(((n, c) for n, c in templates_of(kind).items() if n != "None"), key=lambda pair: pair[0] in older)


@cache
def _called(capability: str, kind: str) -> str:
    """The name on Tableau's pages; that of REST where the other would not find it."""
    name = ui_name(capability, kind)
    try:
        return name if capability_named(name, kind) == capability else capability
    except TabwardenError:
        return capability
