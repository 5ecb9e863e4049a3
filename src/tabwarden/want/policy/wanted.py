"""A policy laid over a Site: the Site as it should be. What is not named is wanted as it is.

Sources: permissions paper, best practices (the Default project's three options, leaders in the description);
tableau-permissions §1.3, §4.3, §10.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import chain
from types import MappingProxyType

from tabwarden.effects.content import create_project, default_rules
from tabwarden.effects.ops.projects import new_project_id, whoever_makes
from tabwarden.effects.phrases import grantee_words
from tabwarden.model.capability import KIND_NAMES, LEADER, LEADER_CAPABILITIES, kind_named
from tabwarden.model.errors import TabwardenError
from tabwarden.model.governing import governing, managing_project, nested_rules
from tabwarden.model.names import same, some
from tabwarden.model.roles import may_own, publishes
from tabwarden.model.site import ALLOW, CUSTOMIZABLE, LOCKED, NO_RULES, Content, Grantee, Rule, Rules, Site
from tabwarden.want.paths import Paths
from tabwarden.want.policy.rows import Rows
from tabwarden.want.policy.wishes import (
    ALL,
    BLANK,
    DEFAULT,
    EMPTY,
    EVERYBODY,
    LOCKED_DOWN,
    READ_ONLY,
    Cell,
    ContentWish,
    Policy,
    ProjectWish,
    RowWish,
)

USUAL = ("workbook", "datasource", "flow")
LEADERS = "Leaders: "
RULED = ("workbook", "view", "datasource", "flow", "virtualconnection")


@dataclass(frozen=True, slots=True)
class WantedContent:
    """The Site as it should be, what of its content is named (ids), projects to be made, and what is to be known.

    `places` is the file and line of what is wanted of a content, by its id.
    """

    site: Site
    scope: frozenset[str]
    make: frozenset[str] = frozenset()
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    places: Mapping[str, str] = field(default_factory=dict)


def wanted_content(now: Site, policy: Policy, today: str, within: str | None = None) -> WantedContent:
    """What the policy wants of `now` on that day (ISO); `within` is a project whose inside alone counts."""
    laying = _Laying(now, policy, today, within)
    for wish in sorted(policy.projects, key=lambda wish: wish.path.count("/")):
        laying.project(wish)
    laying.laid()
    if policy.default_project is not None:
        laying.default(*policy.default_project)
    for wish in policy.projects:
        laying.as_defaults(wish)
    laying.contents(policy.contents)
    laying.site = laying.site.with_contents(*laying.ruled.values())
    laying.looked_over()
    rows = laying.rows
    return WantedContent(
        laying.site,
        frozenset(laying.scope),
        frozenset(laying.make),
        tuple(rows.problems),
        tuple(rows.notes),
        laying.places,
    )


class _Laying:
    """The Site in the making; only inside `wanted_content`."""

    def __init__(self, now: Site, policy: Policy, today: str, within: str | None) -> None:
        self.now = self.site = now
        self.rows = Rows(now, policy.templates, today)
        self.within = within
        self.scope: set[str] = set()
        self.make: set[str] = set()
        self.wishes: dict[str, ProjectWish] = {}
        self.places: dict[str, str] = {}
        self.ruled: dict[str, Content] = {}
        self.projects: dict[str, Content] = {}

    def counts(self, path: str) -> bool:
        """Whether a path lies where this is about."""
        return self.within is None or same(path) == same(self.within) or same(path).startswith(same(self.within) + "/")

    # -- projects ---------------------------------------------------------------------------------------------

    def project(self, wish: ProjectWish) -> None:
        """One project: made where it is not there, then its owner, leaders, rules, lock and description."""
        if not self.counts(wish.path):
            return
        project = self._project(wish.path) or self._made(wish)
        if project is None:
            return
        self.wishes[project.id] = wish
        self.places[project.id] = wish.where
        self.scope.add(project.id)
        project = replace(
            project,
            mode=wish.mode or project.mode,
            description=project.description if wish.description is None else wish.description,
            owner=self._owner(wish, project),
        )
        if wish.rows is not None:
            project = self._with_rows(project, wish)
        if wish.leaders is not None:
            project = self._with_leaders(project, wish)
        if wish.leaders_named:
            lines = [line for line in project.description.split("\n") if line and not line.startswith(LEADERS)]
            project = replace(project, description="\n".join((*lines, self._leaders(wish, project))).rstrip())
        self.projects[project.id] = project

    def laid(self) -> None:
        """The projects so far, on the Site: all at once, for each time takes a copy of it."""
        self.site = self.site.with_contents(*self.projects.values())
        self.projects = {}

    def _project(self, path: str) -> Content | None:
        at = (self.projects.get(c) or self.site.contents[c] for c in self.site.contents_at(path))
        return next((c for c in at if c.kind == "project"), None)

    def _made(self, wish: ProjectWish) -> Content | None:
        above, _, name = wish.path.rpartition("/")
        parent = self._project(above) if above else None
        if above and parent is None:
            self.rows.problem(wish.where, f"`{above}` is no project there or in the policy; name it as well")
            return None
        if not name or name != name.strip() or not name.isprintable():
            self.rows.problem(wish.where, f"`{wish.path}` ends in no name that a project may have; write a plain one")
            return None
        new_id = new_project_id(wish.path)
        new = Content(new_id, "project", name, parent.id if parent is not None else None, "")
        owner = parent.owner if parent is not None else ""
        known = self.now.users.get(owner)
        owner = owner if known is not None and may_own(known.site_role, "project") else whoever_makes(self.now)
        self.laid()
        self.site = create_project(self.site, replace(new, owner=owner))
        self.make.add(new_id)
        return self._started(self.site.contents[new_id], wish.start)

    def _started(self, project: Content, start: str | None) -> Content:
        """A new project with the rules of what it begins as: Tableau's own start is its parent, at the top Default."""
        default = self.site.contents.get(self.now.default_project_id or "")
        if start == EMPTY:
            return replace(project, rules=NO_RULES, defaults=MappingProxyType(dict.fromkeys(USUAL, NO_RULES)))
        if start != DEFAULT or default is None:
            return project
        return replace(project, rules=nested_rules(default.rules), defaults=default.defaults)

    def _owner(self, wish: ProjectWish, project: Content) -> str:
        if wish.owner is None:
            return project.owner
        if (grantee := self.rows.named(f"user {wish.owner}", wish.where)) is None:
            return project.owner
        user = self.now.users[grantee.id]
        if not may_own(user.site_role, "project") and user.id != project.owner:
            self.rows.problem(
                wish.where, f"`{wish.owner}` is {user.site_role} and may own no project; name somebody who publishes"
            )
        return user.id

    def _with_rows(self, project: Content, wish: ProjectWish) -> Content:
        rows = self.rows.current(wish.rows or ())
        leaders = frozenset(r for r in project.rules or () if r.capability in LEADER_CAPABILITIES)
        kinds = dict.fromkeys((*USUAL, *project.defaults))
        defaults = {kind: self.rules(kind, rows) for kind in kinds if kind not in ("project", "view")}
        for row in rows:
            for kind in row.cells.keys() - {*kinds, "project", ALL}:
                why = (
                    "views have those of workbooks" if kind == "view" else "none were read, for nothing of it is there"
                )
                self.rows.note(f"{row.where}: default rules for each {KIND_NAMES[kind]} are left out: {why}")
        own = self.rules("project", rows) | leaders
        return replace(project, rules=own, defaults=MappingProxyType(defaults))

    def rules(self, kind: str, rows: list[RowWish]) -> Rules:
        """What the rows say of one list; dead rules are told."""
        rules = self.rows.rules(kind, rows)
        for row in rows:
            grantee = self.rows.grantee(row)
            dead = [
                r.capability for r in rules if r.grantee == grantee and r.mode == ALLOW and self.rows.is_dead(r, kind)
            ]
            if dead:
                whose = f"`{row.name}` has no" if row.kind == "user" else f"nobody in `{row.name}` has a"
                self.rows.note(f"{row.where}: {whose} site role for {some(sorted(dead))} on a {KIND_NAMES[kind]}")
        return rules

    def _with_leaders(self, project: Content, wish: ProjectWish) -> Content:
        rules = {r for r in project.rules or () if r.capability != LEADER}
        for words in wish.leaders or ():
            grantee = self.rows.named(words, wish.where)
            if grantee is None:
                continue
            rule = Rule(grantee, LEADER, ALLOW)
            rules.add(rule)
            members = () if rule in (project.rules or ()) else self.rows.members(grantee)
            idle = [user for user in members if publishes(self.now.users[user].site_role) == "no"]
            if idle:
                names = some(sorted(self.now.called(user) for user in idle))
                self.rows.note(f"{wish.where}: leaders who publish nothing lead by halves: {names}")
        return replace(project, rules=frozenset(rules))

    def _leaders(self, wish: ProjectWish, project: Content) -> str:
        """A line that names the leaders, people with their addresses (the paper's best practice)."""
        there = sorted(r.grantee for r in project.rules or () if r.capability == LEADER and r.mode == ALLOW)
        said = (self.rows.named(words, wish.where) for words in wish.leaders or ())
        grantees = (grantee for grantee in (there if wish.leaders is None else said) if grantee is not None)
        leaders = ", ".join(self._addressed(grantee) for grantee in grantees)
        return f"{LEADERS}{leaders}" if leaders else ""

    def _addressed(self, grantee: Grantee) -> str:
        user = self.now.users.get(grantee.id)
        if user is None:
            return grantee_words(self.now, grantee)
        return f"{user.full_name or user.name}{f' <{user.email}>' if user.email else ''}"

    def default(self, strategy: str, where: str) -> None:
        """What All Users get on the Default project, which new projects copy."""
        if (project := self.site.contents.get(self.now.default_project_id or "")) is None:
            self.rows.problem(where, "there is no Default project to be seen")
            return
        for row in (self.wishes[project.id].rows if project.id in self.wishes else None) or ():
            if row.kind == EVERYBODY:
                self.rows.problem(row.where, f"what All Users get on Default is said by `default_project` in {where}")
        cells = {
            LOCKED_DOWN: {"all": Cell("Denied")},
            READ_ONLY: {
                "all": Cell("View"),
                "workbook": Cell(
                    allow=("View", "Filter", "ViewComments", "AddComment", "ExportImage", "ExportData"),
                    deny=("ViewUnderlyingData", "ExportXml"),
                ),
            },
            BLANK: {},
        }[strategy]
        grantee = self.rows.grantee(row := RowWish(EVERYBODY, "All Users", cells, where))
        kinds = dict.fromkeys((*USUAL, *project.defaults))
        lists = {kind: project.defaults.get(kind, NO_RULES) for kind in kinds}
        others = {k: frozenset(r for r in rules or () if r.grantee != grantee) for k, rules in lists.items()}
        own = frozenset(r for r in project.rules or () if r.grantee != grantee)
        self.scope.add(project.id)
        defaults = MappingProxyType({kind: rules | self.rows.rules(kind, [row]) for kind, rules in others.items()})
        own |= self.rows.rules("project", [row])
        self.site = self.site.with_contents(replace(project, rules=own, defaults=defaults))

    # -- content ----------------------------------------------------------------------------------------------

    def as_defaults(self, wish: ProjectWish) -> None:
        """What lies in the project itself gets its default rules, where no lock gives them anyway."""
        project = self._project(wish.path)
        if not wish.as_defaults or project is None or not self.counts(wish.path):
            return
        for content in self._inside(project.id):
            rules = default_rules(project, content.kind)
            if governing(self.site, content.id).level == "own" and content.rules is not None and rules is not None:
                self._ruled(content, rules, wish.where)

    def _inside(self, project: str) -> Iterator[Content]:
        for child in self.site.children(project):
            content = self.site.contents[child]
            if content.kind in RULED:
                yield content
                yield from (self.site.contents[view] for view in self.site.children(child))

    def _ruled(self, content: Content, rules: Rules, where: str) -> None:
        self.places[content.id] = where
        leaders = frozenset(r for r in content.rules or () if r.capability in LEADER_CAPABILITIES)
        self.scope.add(content.id)
        self.ruled[content.id] = replace(content, rules=rules | leaders)

    def contents(self, wishes: Iterable[ContentWish]) -> None:
        """Single contents: the rows of all wishes that fit one, together, are its rules."""
        rows = defaultdict[str, list[RowWish]](list)
        places: dict[str, str] = {}
        for wish in wishes:
            fitting = list(self._fitting(wish))
            for content in fitting:
                rows[content] += self.rows.current(wish.rows)
                places.setdefault(content, wish.where)
            self._fits_nothing(wish, {same(self.now.path(content)) for content in fitting})
            self._says_nothing(wish, {self.now.contents[content].kind for content in fitting})
        for content, theirs in rows.items():
            thing, level = self.site.contents[content], governing(self.site, content).level
            if level != "own":
                why = {"workbook": "its sheets are shown as tabs"}.get(level, "its project is locked")
                self.rows.note(f"{places[content]}: `{self.site.path(content)}` has no rules of its own, for {why}")
            elif thing.rules is not None:
                self._ruled(thing, self.rules(thing.kind, theirs), places[content])

    def _fits_nothing(self, wish: ContentWish, fitting: Collection[str]) -> None:
        """A path must be there, of a kind that has rules of its own; a pattern or a tag may fit nothing as yet."""
        for path in wish.paths:
            if self._paths.is_pattern(path) or same(path) in fitting or not self.counts(path):
                continue
            kinds = {self.now.contents[content].kind for content in self.now.contents_at(path)}
            try:
                if not kinds:
                    self.now.find_content(path)
            except TabwardenError as error:
                self.rows.problem(wish.where, str(error))
                continue
            if "project" in kinds and not wish.kind:
                self.rows.problem(wish.where, f"`{path}` is a project; say its rules below `projects`")
            else:
                self.rows.problem(wish.where, f"nothing at `{path}` is of that kind, tag, certification and owner")
        if not fitting and self.within is None:
            self.rows.note(f"{wish.where}: nothing fits as yet")

    def _says_nothing(self, wish: ContentWish, kinds: Collection[str]) -> None:
        for row in wish.rows:
            if self.within is None and kinds and not row.cells.keys() & {ALL, *kinds}:
                what = " or ".join(KIND_NAMES[kind] for kind in sorted(kinds))
                self.rows.note(f"{row.where}: the row of `{row.name}` says nothing of {what}, which is what fits")

    def _fitting(self, wish: ContentWish) -> Iterator[str]:
        kind = kind_named(wish.kind) if wish.kind else ""
        owner = self.rows.named(f"user {wish.owner}", wish.where) if wish.owner else None
        for content, path in self._named(wish):
            if content.kind not in RULED or (kind and content.kind != kind) or (owner and content.owner != owner.id):
                continue
            if (wish.tag and wish.tag not in (content.tags or ())) or wish.certified not in (None, content.certified):
                continue
            if self.counts(path):
                yield content.id

    def _named(self, wish: ContentWish) -> Iterator[tuple[Content, str]]:
        """Contents of its paths and patterns, once each, all where it has none; and their paths as `same` has them."""
        paths = self._paths
        lists = (paths.fitting(path) if paths.is_pattern(path) else paths.at(path) for path in wish.paths)
        numbers = dict.fromkeys(chain.from_iterable(lists)) if wish.paths else range(len(paths.ids))
        return ((self.now.contents[paths.ids[number]], paths.keys[number]) for number in numbers)

    @cached_property
    def _paths(self) -> Paths:
        return Paths(self.now)

    # -- at the end -------------------------------------------------------------------------------------------

    def looked_over(self) -> None:
        """Locks that contradict what is wanted below them."""
        below: list[Content] = []
        for project, wish in self.wishes.items():
            manager = managing_project(self.site, project)
            if manager in (None, project):
                self._tell_overwritten(project, wish)
                continue
            where = f"`{self.site.path(manager or '')}` locks what is in it"
            if wish.mode not in (None, LOCKED) or wish.rows is not None or wish.leaders is not None:
                self.rows.problem(wish.where, f"{where}; take mode, rules and leaders out, or lock that without nested")
            elif manager not in self.now.contents or self.now.contents[manager].mode != LOCKED:
                below.append(replace(self.site.contents[project], mode=LOCKED))  # a new lock locks whatever is in it
        self.site = self.site.with_contents(*below)

    def _tell_overwritten(self, project: str, wish: ProjectWish) -> None:
        before = self.now.contents.get(project)
        if wish.mode != LOCKED or before is None or before.mode == LOCKED:
            return
        nested = (self.now.contents[c] for c in self.now.below(project))
        if own := [self.now.path(c.id) for c in nested if c.kind == "project" and c.mode == CUSTOMIZABLE]:
            self.rows.note(f"{wish.where}: the lock overwrites the rules of customizable projects in it: {some(own)}")
