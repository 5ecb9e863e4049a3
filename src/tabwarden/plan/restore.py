"""Content put back as it was on an older Site: the changes, in an order that Tableau accepts. Not people and groups.

Each change is done to a copy as Tableau would do it before the next is thought of, because a lock overwrites what is
below it and unlocking leaves everybody with what was in force. What cannot be put back is held and said: content that
is gone, lists that were not read, what is locked from outside the part that is restored.
Source of the effects: `effects`; tableau-permissions §4.3, §4.4, §5.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace

from tabwarden.effects import content as effects
from tabwarden.effects.ops import MoveTo, SetMode
from tabwarden.model.capability import INHERITED_LEADER, KIND_NAMES, applies
from tabwarden.model.governing import governing, managing_project
from tabwarden.model.names import some
from tabwarden.model.site import ALLOW, CUSTOMIZABLE, GRANTEE_TABLES, LOCAL, LOCKED, Content, Grantee, Rule, Rules, Site
from tabwarden.plan.plan import MOVE, SET_MODE, SET_OWNER, SET_RULE, SET_TABS, Change, Fields, Ref
from tabwarden.want.wanted import Held

WRITTEN = ("project", "workbook", "view", "datasource", "flow", "virtualconnection")  # kinds that a plan changes
BY_HAND = "put it back by hand"


@dataclass
class Restored:
    """The changes, the Site after them, what could not be put back, and remarks."""

    site: Site
    changes: list[Change] = field(default_factory=list)
    held: list[Held] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def restored(
    now: Site, then: Site, contents: Collection[str], because: str, *, only: Grantee | None = None
) -> Restored:
    """What puts `contents` (ids) back as they were on `then`, whose people and groups have the ids they have on `now`.

    `only` puts back the rules for that grantee and nothing else. A grantee or owner of `then` with the id `new:` and
    its key is created by an earlier change of the plan.
    """
    work = _Work(now, then, frozenset(contents), because, only)
    if only is None:
        for content in work.in_order(then):
            work.place(content)
    for content in work.in_order(work.here):
        if now.contents[content].kind == "project":
            work.project(content)
    for content in work.in_order(work.here):
        if work.here.contents[content].kind not in ("project", "view"):
            work.item(content)
    if only is None:
        for content in work.in_order(work.here):
            work.owner(content)
    work.tell_the_rest()
    return replace(work.told, site=work.here)


class _Work:
    """The Site in the making; only inside `restored`."""

    def __init__(self, now: Site, then: Site, scope: frozenset[str], because: str, only: Grantee | None) -> None:
        self.now, self.here, self.then, self.because, self.only = now, now, then, because, only
        self.scope = frozenset(c for c in scope if c in now.contents and c in then.contents)
        self.asked = scope
        self.told = Restored(now)

    def in_order(self, site: Site) -> Iterator[str]:
        """What is put back, parents before children."""
        depth = {c: len(list(site.ancestors(c))) for c in self.scope if site.contents[c].kind in WRITTEN}
        yield from sorted(depth, key=lambda c: (depth[c], site.path(c).casefold(), c))

    # -- places, modes, tabs, owners ----------------------------------------------------------------------------

    def place(self, content: str) -> None:
        """Back into the project it was in."""
        held, was = self.here.contents[content], self.then.contents[content]
        if held.parent == was.parent or held.kind == "view":
            return
        if was.parent is not None and was.parent not in self.here.contents:
            self.hold(content, f"was in `{self.then.path(was.parent)}`, which is gone", "make a project for it first")
            return
        outcome = MoveTo(content, was.parent).done_to(self.here)
        if not outcome.done:
            self.hold(content, f"was in `{self.then.path(was.parent or '')}` and cannot be moved there", BY_HAND)
            return
        before, after = (_place(site, each) for site, each in ((self.here, held.parent), (self.here, was.parent)))
        self.do(Change(MOVE, before=before, after=after, because=self.because, content=self.ref(content)), outcome.site)

    def project(self, project: str) -> None:
        """Its lock, its rules and its defaults; unlocked before, locked after its rules are right."""
        if managing_project(self.here, project) not in (None, project):
            if managing_project(self.then, project) in (None, project):
                manager = self.here.path(managing_project(self.here, project) or "")
                self.hold(project, f"is locked by `{manager}` now", f"put `{manager}` back as well")
            return
        mode = self.then.contents[project].mode
        if mode == CUSTOMIZABLE:
            self.mode(project, mode)
        was, held = self.then.contents[project], self.here.contents[project]
        self.rules(project, held.rules, was.rules, None)
        for kind in sorted({*held.defaults, *was.defaults}):
            none: Rules = frozenset()
            self.rules(
                project, self.here.contents[project].defaults.get(kind, none), was.defaults.get(kind, none), kind
            )
        if mode != CUSTOMIZABLE and managing_project(self.then, project) == project:
            self.mode(project, mode)

    def mode(self, project: str, mode: str) -> None:
        """Another content permissions mode."""
        held = self.here.contents[project].mode
        if held == mode or self.only is not None:
            return
        outcome = SetMode(project, mode).done_to(self.here)
        if not outcome.done:
            self.hold(project, f"its content permissions were {mode}", BY_HAND)
            return
        loses = mode == LOCKED or held == CUSTOMIZABLE
        change = Change(SET_MODE, before={"mode": held}, after={"mode": mode}, because=self.because, destructive=loses)
        self.do(replace(change, content=self.ref(project)), outcome.site)

    def item(self, content: str) -> None:
        """Rules of what no lock governs; of a workbook also tabs and views."""
        was = self.then.contents[content]
        if governing(self.here, content).level == "own":
            wanted = governing(self.then, content)
            self.rules(content, self.here.contents[content].rules, wanted.rules, None)
        if was.kind != "workbook":
            return
        held = self.here.contents[content]
        if held.tabs != was.tabs and self.only is None:
            change = Change(SET_TABS, before={"tabs": held.tabs}, after={"tabs": was.tabs}, because=self.because)
            show = effects.show_tabs if was.tabs else effects.hide_tabs
            self.do(replace(change, content=self.ref(content), destructive=was.tabs), show(self.here, content))
        for view in self.here.children(content):
            if view in self.scope and governing(self.here, view).level == "own":
                self.rules(view, self.here.contents[view].rules, governing(self.then, view).rules, None)

    def owner(self, content: str) -> None:
        """Its former owner, where he is there."""
        held, was = self.here.contents[content], self.then.contents[content]
        if held.owner == was.owner or held.kind == "view":
            return
        ref = self.grantee(Grantee("user", was.owner))
        if ref is None:
            owner = Grantee("user", was.owner)
            self.hold(content, f"belonged to {_named(self.then, owner)}, who is gone", "give it to somebody else")
            return
        names = [_owner(site, u) for site, u in ((self.now, held.owner), (self.then, was.owner))]
        before, after = ({"owner": name} for name in names)
        change = Change(SET_OWNER, before=before, after=after, because=self.because, grantee=ref)
        self.do(replace(change, content=self.ref(content)), effects.change_owner(self.here, content, was.owner))

    # -- rules --------------------------------------------------------------------------------------------------

    def rules(self, content: str, held: Rules | None, was: Rules | None, kind: str | None) -> None:
        """One list made as it was, a grantee at a time."""
        if held is None or was is None:
            if held is not was:
                what = "rules" if kind is None else f"default rules for {kind}s"
                self.hold(content, f"its {what} were not read {'then' if was is None else 'now'}", BY_HAND)
            return
        for grantee in sorted({rule.grantee for rule in held ^ was}):
            if self.only in (None, grantee):
                self.row(content, grantee, (held, was), kind)

    def row(self, content: str, grantee: Grantee, lists: tuple[Rules, Rules], kind: str | None) -> None:
        """What one grantee is allowed and denied there, made as it was."""
        held, was = (frozenset(r for r in each if r.grantee == grantee and _is_own(r)) for each in lists)
        ref = self.grantee(grantee)
        if ref is None and held != was:
            self.hold(content, f"had rules for {_named(self.then, grantee)}, which is gone", self.remedy(grantee))
            return
        of = kind or self.here.contents[content].kind
        strange = sorted({rule.capability for rule in held ^ was if not applies(rule.capability, of)})
        if strange:
            # Sent along, the server would refuse the whole row for them.
            names = ", ".join(f"`{name}`" for name in strange)
            self.hold(
                content, f"has rules for {names}, which this release knows of no {KIND_NAMES.get(of, of)}", BY_HAND
            )
            held, was = (frozenset(r for r in each if r.capability not in strange) for each in (held, was))
        was = was if held == was else without_contradiction(was)
        if held == was:
            return
        before, after = ({**row_of(each), "default_for": kind} for each in (held, was))
        change = Change(SET_RULE, before=before, after=after, because=self.because, destructive=bool(held - was))
        site = effects.remove_rules(self.here, content, held - was, default_for=kind)
        site = effects.add_rules(site, content, was, default_for=kind)
        if site.contents[content].kind == "workbook" and site.contents[content].tabs:
            site = effects.show_tabs(site, content)
        self.do(replace(change, content=self.ref(content), grantee=ref), site)

    # -- words and references -----------------------------------------------------------------------------------

    def do(self, change: Change, site: Site) -> None:
        self.told.changes.append(change)
        self.here = site

    def hold(self, content: str, reason: str, remedy: str) -> None:
        held = Held(self.now.path(content), reason, remedy)
        if held not in self.told.held:
            self.told.held.append(held)

    def ref(self, content: str) -> Ref:
        held = self.now.contents[content]
        return Ref(held.kind, self.now.path(content), id=content)

    def grantee(self, grantee: Grantee) -> Ref | None:
        """How the plan refers to who is allowed or denied; None where nobody will be there."""
        return grantee_ref(self.now, self.then, grantee)

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
        gone = [self.then.path(c) for c in self.asked if c in self.then.contents and c not in self.now.contents]
        if gone:
            self.told.notes.append(f"{len(gone)} things are gone and cannot be put back: {some(sorted(gone))}")
        new = [self.now.path(c) for c in self.asked if c in self.now.contents and c not in self.then.contents]
        if new:
            told = "things were not there then and are left as they are"
            self.told.notes.append(f"{len(new)} {told}: {some(sorted(new))}")
        other = [c for c in self.scope if self.now.contents[c].kind not in WRITTEN and self.differs(c)]
        if other:
            self.told.notes.append(f"{len(other)} databases, tables and the like differ; put them back by hand")

    def differs(self, content: str) -> bool:
        one, other = self.now.contents[content], self.then.contents[content]
        return (one.rules, one.mode, one.owner, one.parent) != (other.rules, other.mode, other.owner, other.parent)


def grantee_ref(now: Site, then: Site, grantee: Grantee) -> Ref | None:
    """A user, group or group set of either Site as a plan refers to it; None where it is on neither."""
    table = GRANTEE_TABLES.get(grantee.kind, "users")
    held = getattr(now, table).get(grantee.id)
    if held is not None:
        return Ref(grantee.kind, held.name, getattr(held, "domain", "local"), held.id)
    was = getattr(then, table).get(grantee.id)
    if was is None or not grantee.id.startswith("new:"):
        return None
    return Ref(grantee.kind, was.name, getattr(was, "domain", "local"))


def _named(then: Site, grantee: Grantee) -> str:
    """A user, group or group set of the older Site by its name."""
    held = getattr(then, GRANTEE_TABLES.get(grantee.kind, "users")).get(grantee.id)
    words = {"groupSet": "group set"}.get(grantee.kind, grantee.kind)
    return f"a {words} that was not read" if held is None else f"{words} `{held.name}`"


def row_of(rules: Rules) -> dict[str, tuple[str, ...]]:
    """The rules of one grantee as the fields of a change: capabilities allowed and denied, sorted."""
    allowed, denied = (sorted(r.capability for r in rules if (r.mode == ALLOW) is allow) for allow in (True, False))
    return {"allow": tuple(allowed), "deny": tuple(denied)}


def scope_of_project(now: Site, then: Site, project: str) -> frozenset[str]:
    """The project and all that is in it now, or was then."""
    return frozenset({project, *(c for site in (now, then) if project in site.contents for c in site.below(project))})


def translated(then: Site, ids: Mapping[Grantee, str]) -> Site:
    """`then` with other ids for some of its users, groups and group sets: those they have by now."""

    def new(kind: str, each: str) -> str:
        return ids.get(Grantee(kind, each), each)

    def rules(listed: Rules | None) -> Rules | None:
        if listed is None:
            return None
        return frozenset(Rule(Grantee(r.grantee.kind, new(*r.grantee)), r.capability, r.mode) for r in listed)

    def content(held: Content) -> Content:
        defaults = {kind: rules(listed) for kind, listed in held.defaults.items()}
        return replace(held, owner=new("user", held.owner), rules=rules(held.rules), defaults=defaults)

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


def _owner(site: Site, user: str) -> str:
    held = site.users.get(user)
    return Ref("user", held.name, held.domain).qualified if held is not None else user


def _place(site: Site, parent: str | None) -> Fields:
    return {"parent": parent, "path": None if parent is None else site.path(parent)}


def _is_own(rule: Rule) -> bool:
    """An inherited leader is the echo of a rule above."""
    return rule.capability != INHERITED_LEADER


def without_contradiction(rules: Rules) -> Rules:
    """Without an Allow beside a Deny of the same: the Deny decides, and no server takes both by REST."""
    denied = {(rule.grantee, rule.capability) for rule in rules if rule.mode != ALLOW}
    return frozenset(rule for rule in rules if rule.mode != ALLOW or (rule.grantee, rule.capability) not in denied)
