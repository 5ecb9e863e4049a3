"""Content put back as it was on an older Site: the changes, in an order that Tableau accepts.

Each change is done to a copy as Tableau would do it before the next is thought of, because a lock overwrites what is
below it and unlocking leaves everybody with what was in force. What cannot be put back is held and said: content that
is gone, lists that were not read, what is locked from outside the part that is restored.
Source of the effects: `effects`; tableau-permissions §4.3, §4.4, §5.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Set
from dataclasses import dataclass, field, replace

from tabwarden.effects.change import Change
from tabwarden.effects.ops.content import Move, OfContent, SetDescription, SetMode, SetOwner, SetTabs
from tabwarden.effects.ops.projects import DeleteContent, NewProject
from tabwarden.effects.ops.rules import PutRules, RuleRow, rows_put
from tabwarden.effects.ref import Ref, content_ref, grantee_ref
from tabwarden.model.capability import CHANGE_PERMISSIONS, KIND_NAMES, applies
from tabwarden.model.governing import governing, managing_project
from tabwarden.model.names import some
from tabwarden.model.scope import DESCRIPTIONS
from tabwarden.model.site import (
    ALLOW,
    CUSTOMIZABLE,
    GRANTEE_TABLES,
    LOCAL,
    LOCKED,
    LOCKED_WITHOUT_NESTED,
    Content,
    Grantee,
    Rule,
    Rules,
    Site,
)
from tabwarden.want.wanted import Held

WRITTEN = ("project", "workbook", "view", "datasource", "flow", "virtualconnection")  # kinds that a plan changes
BY_HAND = "put it back by hand"
LOOSE = (LOCKED, LOCKED_WITHOUT_NESTED, CUSTOMIZABLE)


@dataclass
class Restored:
    """The changes, the Site after them, what could not be put back, and remarks."""

    site: Site
    changes: list[Change] = field(default_factory=list)
    held: list[Held] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def restored(
    now: Site,
    then: Site,
    contents: Collection[str],
    because: str,
    *,
    only: Grantee | None = None,
    make: Collection[str] = (),
    gone: Collection[str] = (),
) -> Restored:
    """What puts `contents` (ids) back as they were on `then`, whose people and groups have the ids they have on `now`.

    `make` are projects of `then` to be made, whose ids begin with `new:`, `gone` projects of `now` to be deleted where
    nothing but each other is in them. `only` puts back the rules for that grantee and nothing else. A grantee or owner
    of `then` with the id `new:` and its key is created by an earlier change of the plan.
    """
    work = _Work(now, then, frozenset(contents), because, only)
    for project in sorted(make, key=lambda project: len(list(then.ancestors(project)))):
        work.made(project)
    if only is None:
        for content in work.in_order(then):
            work.place(content)
    work.deleted(frozenset(gone))  # before rules of what is above reach it
    for content in work.in_order(work.current):
        if work.current.contents[content].kind == "project":
            work.project(content)
    for content in work.in_order(work.current):
        if work.current.contents[content].kind != "project":
            work.item(content)
    if only is None:
        for content in work.in_order(work.current):
            work.description(content)
            work.owner(content)
    work.tell_the_rest()
    return replace(work.result, site=work.current)


class _Work:
    """The Site in the making; only inside `restored`."""

    def __init__(self, now: Site, then: Site, scope: frozenset[str], because: str, only: Grantee | None) -> None:
        self.now, self.current, self.then, self.because, self.only = now, now, then, because, only
        self.scope = frozenset(c for c in scope if c in now.contents and c in then.contents)
        self.requested = scope
        self.result = Restored(now)

    def in_order(self, site: Site) -> Iterator[str]:
        """What is put back, parents before children."""
        depth = {c: len(list(site.ancestors(c))) for c in self.scope if site.contents[c].kind in WRITTEN}
        yield from sorted(depth, key=lambda c: (depth[c], site.path(c).casefold(), c))

    def made(self, project: str) -> None:
        """A project that is not there, with its owner and its description; its rules come with those of the others."""
        was = self.then.contents[project]
        if was.parent is not None and was.parent not in self.current.contents:
            self.hold(project, f"is to be in `{self.then.path(was.parent)}`, which is not there", "make that first")
            return
        owner = self.grantee(Grantee("user", was.owner)) if was.owner else None
        into = None if was.parent is None else content_ref(self.current, was.parent)
        ref = Ref("project", self.then.path(project), id=project)
        if self.try_to(NewProject(ref, into, owner, mode=was.mode, description=was.description)):
            self.scope |= {project}
        else:
            self.hold(project, "cannot be made there", "look whether one of that name is there, and who is to own it")

    def deleted(self, gone: frozenset[str]) -> None:
        """Projects that are not to be any more, where nothing but such projects is in them."""
        for project in sorted(gone):
            if project not in self.current.contents:
                continue
            parent = self.current.contents[project].parent
            below = set(self.current.below(project))
            if below - gone:
                self.hold(project, f"holds {len(below - gone)} things by now", "move them away, or delete it by hand")
            elif parent not in gone or set(self.current.below(parent or "")) - gone:
                self.try_to(DeleteContent.on(self.current, project))

    def place(self, content: str) -> None:
        """Back into the project it was in."""
        now, was = self.current.contents[content], self.then.contents[content]
        if now.parent == was.parent or now.kind == "view":
            return
        if was.parent is not None and was.parent not in self.current.contents:
            self.hold(content, f"was in `{self.then.path(was.parent)}`, which is gone", "make a project for it first")
            return
        if not self.try_to(Move.on(self.current, content, was.parent)):
            self.hold(content, f"was in `{self.then.path(was.parent or '')}` and cannot be moved there", BY_HAND)

    def project(self, project: str) -> None:
        """Its lock, its rules and its defaults; unlocked before, locked after its rules are right."""
        if managing_project(self.current, project) not in (None, project):
            if managing_project(self.then, project) in (None, project):
                manager = self.current.path(managing_project(self.current, project) or "")
                self.hold(project, f"is locked by `{manager}` now", f"put `{manager}` back as well")
            return
        mode = self.then.contents[project].mode
        looser = LOOSE.index(mode) > LOOSE.index(self.current.contents[project].mode)
        if mode == CUSTOMIZABLE or looser:
            # What is set free keeps what was in force, and is not touched by the new rules of what held it.
            self.disarm(project, mode)
            self.mode(project, mode)
        was, now = self.then.contents[project], self.current.contents[project]
        self.rules(project, now.rules, was.rules, None)
        for kind in sorted({*now.defaults, *was.defaults}):
            none: Rules = frozenset()
            self.rules(
                project, self.current.contents[project].defaults.get(kind, none), was.defaults.get(kind, none), kind
            )
        if mode != CUSTOMIZABLE and managing_project(self.then, project) == project:
            self.mode(project, mode)

    def disarm(self, project: str, mode: str) -> None:
        """Before a lock goes: away with Set Permissions, which it made void, where somebody is not to have it after.

        So with what owners could do again, of whatever is to belong to somebody else.
        """
        now, was = self.current.contents[project], self.then.contents[project]
        if now.mode == mode or self.only is not None:
            return
        for content in (project, *self.current.below(project)):
            if content in self.scope and self.current.contents[content].kind in WRITTEN:
                self.owner(content)
        for kind, rules in sorted(now.defaults.items()):
            after = [
                was.defaults.get(kind),
                *(self.then.contents[c].rules for c in self.then.below(project) if c in self.scope),
            ]
            for rule in sorted(rules or ()):
                void = (rule.capability, rule.mode) == (CHANGE_PERMISSIONS, ALLOW)
                if void and any(rule not in (listed or ()) for listed in after):
                    mine = frozenset(r for r in rules or () if r.grantee == rule.grantee)
                    self.rows(project, {rule.grantee: (mine, mine - {rule})}, kind)

    def description(self, content: str) -> None:
        """The words that say what it is."""
        was, kind = self.then.contents[content].description, self.then.contents[content].kind
        if kind == "workbook" and DESCRIPTIONS in self.then.partial:
            return
        if self.current.contents[content].description != was:
            self.try_to(SetDescription.on(self.current, content, was))

    def mode(self, project: str, mode: str) -> None:
        """Another content permissions mode."""
        if self.current.contents[project].mode == mode or self.only is not None:
            return
        if not self.try_to(SetMode.on(self.current, project, mode)):
            self.hold(project, f"its content permissions were {mode}", BY_HAND)

    def item(self, content: str) -> None:
        """Rules of what no lock and no tabs govern; of a workbook also the tabs, before its views come."""
        was = self.then.contents[content]
        if governing(self.current, content).level == "own":
            wanted = governing(self.then, content)
            self.rules(content, self.current.contents[content].rules, wanted.rules, None)
        if was.kind == "workbook" and self.current.contents[content].tabs != was.tabs and self.only is None:
            self.do(SetTabs.on(self.current, content, shown=was.tabs))

    def owner(self, content: str) -> None:
        """Its former owner, where he is there."""
        now, was = self.current.contents[content], self.then.contents[content]
        if now.owner == was.owner or now.kind == "view":
            return
        ref = self.grantee(Grantee("user", was.owner))
        if ref is None:
            name = _named(self.then, Grantee("user", was.owner))
            self.hold(content, f"belonged to {name}, who is gone", "give it to somebody else")
            return
        owner = self.now.users.get(now.owner)
        self.do(SetOwner(self.ref(content), now.owner if owner is None else owner.qualified, ref))

    def rules(self, content: str, now: Rules | None, was: Rules | None, kind: str | None) -> None:
        """One list made as it was, a grantee at a time."""
        if now is None or was is None:
            if now is not was:
                what = "rules" if kind is None else f"default rules for {kind}s"
                self.hold(content, f"its {what} were not read {'then' if was is None else 'now'}", BY_HAND)
            return
        theirs = defaultdict[Grantee, tuple[set[Rule], set[Rule]]](lambda: (set(), set()))
        for side, rules in enumerate((now, was)):
            for rule in rules:
                theirs[rule.grantee][side].add(rule)
        grantees = [g for g in sorted({rule.grantee for rule in now ^ was}) if self.only in (None, g)]
        self.rows(content, {grantee: theirs[grantee] for grantee in grantees}, kind)

    def rows(self, content: str, lists: Mapping[Grantee, tuple[Set[Rule], Set[Rule]]], kind: str | None) -> None:
        """What grantees are allowed and denied there by their rules now, made as it was by those then."""
        ref = self.ref(content)
        rows = [row for grantee in lists if (row := self.row(ref, grantee, lists[grantee], kind)) is not None]
        if rows:
            self.result.changes += rows
            self.current = rows_put(self.current, rows)

    def row(self, to: Ref, grantee: Grantee, lists: tuple[Set[Rule], Set[Rule]], kind: str | None) -> PutRules | None:
        """What one grantee is allowed and denied there, made as it was; None where it is so."""
        content = to.id or ""
        now, was = (RuleRow.of(rules).rules(grantee) for rules in lists)
        ref = self.grantee(grantee)
        if ref is None and now != was:
            self.hold(content, f"had rules for {_named(self.then, grantee)}, which is gone", self.remedy(grantee))
            return None
        of = kind or self.current.contents[content].kind
        strange = sorted({rule.capability for rule in now ^ was if not applies(rule.capability, of)})
        if strange:
            # Sent along, the server would refuse the whole row for them.
            names = ", ".join(f"`{name}`" for name in strange)
            self.hold(content, f"has rules for {names}, which this release knows of no {KIND_NAMES[of]}", BY_HAND)
            now, was = (frozenset(r for r in side if r.capability not in strange) for side in (now, was))
        was = was if now == was else without_contradiction(was)
        if now == was or ref is None:
            return None
        return PutRules(to, ref, RuleRow.of(now), RuleRow.of(was), kind, because=self.because)

    def try_to(self, change: OfContent) -> bool:
        """Do what Tableau does not refuse."""
        outcome = change.done_to(self.current)
        if outcome.done:
            self.do(change)
        return outcome.done

    def do(self, change: OfContent) -> None:
        """Do it, as if it succeeds."""
        ref = change.content if change.id not in self.current.contents else self.ref(change.id)
        self.result.changes.append(change.but(content=ref, because=self.because))
        self.current = change.after(self.current)

    def hold(self, content: str, reason: str, remedy: str) -> None:
        held = Held(self._one_that_has(content).path(content), reason, remedy)
        if held not in self.result.held:
            self.result.held.append(held)

    def ref(self, content: str) -> Ref:
        return content_ref(self._one_that_has(content), content)

    def _one_that_has(self, content: str) -> Site:
        """The Site by whose paths a content is called: as it is now, of what is made as it will be."""
        sites = (self.now, self.current, self.then)
        return next(site for site in sites if content in site.contents)

    def grantee(self, grantee: Grantee) -> Ref | None:
        """How the plan refers to who is allowed or denied; None where nobody will be there."""
        return _either(self.now, self.then, grantee)

    def remedy(self, grantee: Grantee) -> str:
        """How to get back who is gone."""
        group = self.then.groups.get(grantee.id)
        if group is not None and group.domain.casefold() != LOCAL:
            return "import it from its directory first"
        option = {"user": "--user", "group": "--group"}.get(grantee.kind)
        return BY_HAND if option is None else f"put it back first with `{option}`"

    def tell_the_rest(self) -> None:
        """What is gone, and of which kinds nothing is put back."""
        if self.only is not None:
            return
        gone = [self.then.path(c) for c in self.requested if c in self.then.contents and c not in self.now.contents]
        if gone:
            self.result.notes.append(f"{len(gone)} things are gone and cannot be put back: {some(sorted(gone))}")
        new = [self.now.path(c) for c in self.requested if c in self.now.contents and c not in self.then.contents]
        if new:
            rest = "things were not there then and are left as they are"
            self.result.notes.append(f"{len(new)} {rest}: {some(sorted(new))}")
        other = [
            c
            for c in self.scope & self.now.contents.keys()
            if self.now.contents[c].kind not in WRITTEN and self.differs(c)
        ]
        if other:
            self.result.notes.append(f"{len(other)} databases, tables and the like differ; put them back by hand")

    def differs(self, content: str) -> bool:
        one, other = self.now.contents[content], self.then.contents[content]
        return (one.rules, one.mode, one.owner, one.parent) != (other.rules, other.mode, other.owner, other.parent)


def _either(now: Site, then: Site, grantee: Grantee) -> Ref | None:
    """A user, group or group set of either Site as a plan refers to it; None where it is on neither."""
    table = GRANTEE_TABLES.get(grantee.kind, "users")
    if grantee.id in getattr(now, table):
        return grantee_ref(now, grantee)
    is_new = grantee.id in getattr(then, table) and grantee.id.startswith("new:")
    return grantee_ref(then, grantee).with_id(None) if is_new else None


def _named(then: Site, grantee: Grantee) -> str:
    """A user, group or group set of the older Site by its name."""
    thing = getattr(then, GRANTEE_TABLES.get(grantee.kind, "users")).get(grantee.id)
    words = {"groupSet": "group set"}.get(grantee.kind, grantee.kind)
    return f"a {words} that was not read" if thing is None else f"{words} `{thing.name}`"


def scope_of_project(now: Site, then: Site, project: str) -> frozenset[str]:
    """The project and all that is in it now, or was then."""
    return frozenset({project, *(c for site in (now, then) if project in site.contents for c in site.below(project))})


def translated(then: Site, ids: Mapping[Grantee, str]) -> Site:
    """`then` with other ids for some of its users, groups and group sets: those they have by now."""

    def new(kind: str, old_id: str) -> str:
        return ids.get(Grantee(kind, old_id), old_id)

    def rules(listed: Rules | None) -> Rules | None:
        if listed is None:
            return None
        return frozenset(Rule(Grantee(r.grantee.kind, new(*r.grantee)), r.capability, r.mode) for r in listed)

    def content(thing: Content) -> Content:
        defaults = {kind: rules(listed) for kind, listed in thing.defaults.items()}
        return replace(thing, owner=new("user", thing.owner), rules=rules(thing.rules), defaults=defaults)

    if not ids:
        return then
    users = [replace(u, id=new("user", u.id)) for u in then.users.values()]
    groups = [
        replace(g, id=new("group", g.id), members=g.members and frozenset(new("user", m) for m in g.members))
        for g in then.groups.values()
    ]
    sets = [
        replace(s, id=new("groupSet", s.id), groups=frozenset(new("group", g) for g in s.groups))
        for s in then.group_sets.values()
    ]
    return replace(
        then,
        users={u.id: u for u in users},
        groups={g.id: g for g in groups},
        group_sets={s.id: s for s in sets},
        contents={c.id: content(c) for c in then.contents.values()},
    )


def without_contradiction(rules: Rules) -> Rules:
    """Without an Allow beside a Deny of the same: the Deny decides, and no server takes both by REST."""
    denied = {(rule.grantee, rule.capability) for rule in rules if rule.mode != ALLOW}
    return frozenset(rule for rule in rules if rule.mode != ALLOW or (rule.grantee, rule.capability) not in denied)
