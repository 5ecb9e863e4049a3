"""Which edits can matter to one decision: the vocabulary of fixes.

To give access:  a rule Allow on the governing list for the person, a group or a group set she is in; taking away a
Deny that speaks of her; into a group that the list or a leader rule names (or that completes such a group set), out of
one that is denied; leader of the project or of one above; owner of the content or of such a project; lock or unlock;
tabs; the site role; the site's own setting. To take access: the opposites, a Deny where an Allow decides, and another
owner, who is an administrator or else the owner of a project above.

Nobody is made an administrator and nobody loses the licence for the sake of one access: site roles go from Viewer to
Creator. Nothing is moved or deleted. Only this person's memberships and role are touched.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from tabwarden.access.answer import ALLOWED, Answer
from tabwarden.access.powers import speaks_of
from tabwarden.effects.change import Change
from tabwarden.effects.ops.content import SetMode, SetOwner, SetTabs
from tabwarden.effects.ops.memberships import AddToGroup, RemoveFromGroup
from tabwarden.effects.ops.rules import Lead, PutRule, TakeRule, Unlead
from tabwarden.effects.ops.settings import SetSetting
from tabwarden.effects.ops.users import SetRole
from tabwarden.model.capability import CHANGE_PERMISSIONS, LEADER, LEADER_CAPABILITIES, applies
from tabwarden.model.governing import governing, managing_project
from tabwarden.model.open_points import DOCUMENTED, OpenPoints
from tabwarden.model.roles import current_role, is_admin, permits
from tabwarden.model.site import ALLOW, DENY, MODES, Grantee, Rule, Rules, Site
from tabwarden.model.site_settings import GATED_BY

# The site roles a fix may give, lowest first: each permits what the ones before it do.
FIXING_ROLES = ("Viewer", "Explorer", "ExplorerCanPublish", "Creator")


def edits_for(
    site: Site, answer: Answer, *, give: bool, open_points: OpenPoints = DOCUMENTED, every_role: bool = False
) -> Iterator[Change]:
    """The edits that can change this Answer (of a capability) towards yes (`give`) or no, each once.

    Of site roles the nearest, or `every_role` that would do: an ability may ask for more of the role later.
    A gate that is shut comes before everything behind it: the site's setting, then the site role.
    """
    if answer.content is None or applies(answer.what, site.contents[answer.content].kind) is False:
        return
    decision = _Decision(site, answer, give, open_points, every_role)
    seen: set[Change] = set()
    for edit in decision.edits():
        if edit not in seen:
            seen.add(edit)
            yield edit


@dataclass(frozen=True, slots=True)
class _Decision:
    """One Answer on one Site, to be turned; only inside `edits_for`."""

    site: Site
    answer: Answer
    give: bool
    open_points: OpenPoints
    every_role: bool

    @property
    def user(self) -> str:
        return self.answer.user

    @property
    def content(self) -> str:
        return str(self.answer.content)

    def edits(self) -> Iterator[Change]:
        because = self.answer.because
        if self.give and because == "site_setting":
            yield from self._settings(on=True)
        elif self.give and because == "site_role":
            yield from self._roles()
        else:
            if not self.give:
                yield from self._roles()
                yield from self._settings(on=False)
            if because == "admin":
                return
            yield from self._rules()
            yield from self._memberships()
            yield from self._owners()
            yield from self._leaders()
            yield from self._locks_and_tabs()

    def _settings(self, *, on: bool) -> Iterator[Change]:
        """The site's settings that take the capability away, and what keeps permission dialogs shut."""
        dialogs = ("user_visibility",) if self.answer.what == CHANGE_PERMISSIONS else ()
        names = (*GATED_BY.get(self.answer.what, ()), *dialogs)
        yield from (SetSetting(n, on) for n in names if self.site.settings.is_off(n) is on)

    def _roles(self) -> Iterator[Change]:
        """Giving: roles that permit it; taking: those that do not, for an administrator each of them."""
        kind, now = self.site.contents[self.content].kind, self.site.users[self.user].site_role
        permitted = {role: permits(role, kind, self.answer.what, self.open_points) for role in FIXING_ROLES}
        if self.give:
            fitting = [role for role in FIXING_ROLES if permitted[role] is True]
        else:
            fitting = [role for role in reversed(FIXING_ROLES) if not permitted[role] or is_admin(now)]
        if self.every_role:
            yield from (SetRole.on(self.site, self.user, role) for role in fitting if role != current_role(now))
        else:
            yield from nearest_roles(self.site, self.user, fitting)

    # -- rules --------------------------------------------------------------------------------------------------

    def _mine(self) -> tuple[Grantee, ...]:
        """The person, and every group and group set she is surely in."""
        groups = (Grantee("group", g) for g in self.site.groups_of(self.user))
        sets = (Grantee("groupSet", s) for s in self.site.group_sets_of(self.user))
        return (Grantee("user", self.user), *sorted((*groups, *sets)))

    def _list(self) -> Rules:
        return governing(self.site, self.content).rules or frozenset()

    def _rules(self) -> Iterator[Change]:
        """One rule added to or taken from the governing list."""
        source = governing(self.site, self.content)
        if source.rules is None:
            return
        default_for = source.kind if source.level in ("project_default", "database_default") else None
        capability, mode = self.answer.what, ALLOW if self.give else DENY
        if capability in LEADER_CAPABILITIES:
            return
        for grantee in self._mine():
            wanted = Rule(grantee, capability, mode)
            if wanted not in source.rules:
                yield PutRule(source.holder, wanted, default_for)
        for rule in sorted(source.rules):
            opposes = rule.capability == capability and rule.mode != mode
            if opposes and speaks_of(self.site, rule.grantee, self.user) is not False:
                yield TakeRule(source.holder, rule, default_for)

    def _memberships(self) -> Iterator[Change]:
        """Into and out of groups that the list, or a leader rule above, names."""
        spoken = {r.grantee for r in self._list() if r.capability == self.answer.what}
        spoken |= {r.grantee for _, r in self._leader_rules()}
        groups = {g.id for g in spoken if g.kind == "group"}
        for group_set in (g.id for g in spoken if g.kind == "groupSet"):
            item = self.site.group_sets.get(group_set)
            groups |= item.groups if item is not None else frozenset()
        for group in sorted(groups & self.site.groups.keys()):
            held_group = self.site.groups[group]
            if held_group.everyone or held_group.members is None:
                continue
            of = RemoveFromGroup if self.user in held_group.members else AddToGroup
            yield of.on(self.site, self.user, group)

    # -- owners and leaders -------------------------------------------------------------------------------------

    def _projects(self) -> tuple[str, ...]:
        """The project asked about or that holds the content, and those above it."""
        item = self.site.contents[self.content]
        return tuple(self.site.ancestors(item.id if item.kind == "project" else self.site.project_of(item.id)))

    def _leader_rules(self) -> Iterator[tuple[str, Rule]]:
        for project in self._projects():
            for rule in sorted(self.site.contents[project].rules or ()):
                if rule.capability in LEADER_CAPABILITIES and rule.mode == ALLOW:
                    yield project, rule

    def _owners(self) -> Iterator[Change]:
        item = self.site.contents[self.content]
        owned = item.parent if item.kind == "view" and item.parent in self.site.contents else item.id
        for content in dict.fromkeys((str(owned), *self._projects())):
            owner = self.site.contents[content].owner
            if self.give and owner != self.user:
                yield SetOwner.on(self.site, content, self.user)
            elif not self.give and owner == self.user:
                to = heir(self.site, content, self.user)
                if to is not None:
                    yield SetOwner.on(self.site, content, to)

    def _leaders(self) -> Iterator[Change]:
        if not self.give:
            for project, rule in self._leader_rules():
                if rule.capability == LEADER and speaks_of(self.site, rule.grantee, self.user) is not False:
                    yield Unlead(project, rule.grantee)
            return
        for project in self._projects():
            for grantee in self._mine():
                if Rule(grantee, LEADER, ALLOW) not in (self.site.contents[project].rules or ()):
                    yield Lead(project, grantee)

    def _locks_and_tabs(self) -> Iterator[Change]:
        for project in self._projects():
            if managing_project(self.site, project) in (None, project):
                for mode in MODES:
                    if mode != self.site.contents[project].mode:
                        yield SetMode.on(self.site, project, mode)
        item = self.site.contents[self.content]
        workbook = self.site.contents.get(item.parent or "") if item.kind == "view" else None
        if workbook is not None:
            yield SetTabs.on(self.site, workbook.id, shown=not workbook.tabs)


def nearest_roles(site: Site, user: str, fitting: Sequence[str]) -> Iterator[Change]:
    """Of roles that would do, nearest first, the first that can be given; those beyond it change all that it changes
    and more. All of them for who has a role outside that order (Guest, an administrator).
    """
    now = current_role(site.users[user].site_role)
    for role in fitting:
        if role == now:
            continue
        edit = SetRole.on(site, user, role)
        if now not in ("Unlicensed", *FIXING_ROLES):
            yield edit
        elif edit.done_to(site).done:
            yield edit
            return


def heir(site: Site, content: str, instead_of: str) -> str | None:
    """Who gets what somebody is not to own any more: the first administrator by name, or else the owner of the
    nearest project above who is somebody else; None where there is neither.
    """
    admins = sorted(
        (u for u in site.users.values() if is_admin(u.site_role) and u.id != instead_of),
        key=lambda u: (u.name.casefold(), u.id),
    )
    if admins:
        return admins[0].id
    above = (site.contents[p].owner for p in site.ancestors(site.project_of(content)))
    return next((owner for owner in above if owner != instead_of and owner in site.users), None)


# -- abilities ------------------------------------------------------------------------------------------------

_PUBLISHERS = ("ExplorerCanPublish", "Creator")


def edits_for_ability(
    site: Site, answer: Answer, *, give: bool, open_points: OpenPoints = DOCUMENTED
) -> Iterator[Change]:
    """The edits that can meet the first condition that fails (`give`), or make any of the conditions fail."""
    failing = (part for part in answer.conditions if part.verdict != ALLOWED)
    first = next(failing, None)
    parts = answer.conditions if not give else (() if first is None else (first,))
    seen: set[Change] = set()
    for part in parts:
        if part.fact is None:
            edits = edits_for(site, part, give=give, open_points=open_points, every_role=True)
        else:
            edits = _fact_edits(site, part, give=give)
        for edit in edits:
            if edit not in seen:
                seen.add(edit)
                yield edit


def _fact_edits(site: Site, part: Answer, *, give: bool) -> Iterator[Change]:
    """A condition that is a plain fact: the role publishes, the person owns or leads, the site allows it."""
    because, user = part.because, part.user
    if give and because == "site_role":
        yield from nearest_roles(site, user, _PUBLISHERS)
    elif give and because == "site_setting":
        yield from (SetSetting(name, True) for name in sorted({name for names in GATED_BY.values() for name in names}))
    elif give and because == "tabs_shown" and part.content is not None:
        yield SetTabs.on(site, str(site.contents[part.content].parent), shown=False)
    elif part.content is None or part.content not in site.contents:
        return
    else:
        yield from _owner_edits(site, part, give=give)


def _owner_edits(site: Site, part: Answer, *, give: bool) -> Iterator[Change]:
    content, user = str(part.content), part.user
    item = site.contents[content]
    owned = str(item.parent) if item.kind == "view" else content
    projects = tuple(site.ancestors(content if item.kind == "project" else site.project_of(content)))
    if give and part.because in ("not_owner", "not_leader", "locked_project", "admin_only"):
        yield from (SetOwner.on(site, c, user) for c in dict.fromkeys((owned, *projects)))
        if part.because in ("not_leader", "locked_project"):
            yield from (Lead(project, Grantee("user", user)) for project in projects)
    elif not give and part.because in ("content_owner", "project_owner", "project_leader"):
        for one in dict.fromkeys((owned, *projects)):
            to = heir(site, one, user) if site.contents[one].owner == user else None
            if to is not None:
                yield SetOwner.on(site, one, to)
        for project in projects:
            for rule in sorted(site.contents[project].rules or ()):
                leads = rule.capability == LEADER and rule.mode == ALLOW
                if leads and speaks_of(site, rule.grantee, user) is not False:
                    yield Unlead(project, rule.grantee)


# -- how people should do it ----------------------------------------------------------------------------------

JOIN, FOR_GROUP, FOR_PERSON, OTHERWISE, FOR_EVERYBODY = range(5)


def manner(site: Site, edits: Iterable[Change], answer: Answer, *, give: bool) -> int:
    """How people should do it: `JOIN` first, `FOR_EVERYBODY` last. Roles and the site's settings come with any way."""
    if not give:
        return JOIN
    led = answer.because == "project_leader" or any(part.because == "project_leader" for part in answer.conditions)
    steps = [JOIN]
    for edit in edits:
        if isinstance(edit, AddToGroup):
            steps.append(OTHERWISE if led else JOIN)
        elif isinstance(edit, PutRule | TakeRule):
            steps.append(_of_rule(site, edit))
        elif not isinstance(edit, SetRole | SetSetting):
            steps.append(OTHERWISE)
    return max(steps)


def _of_rule(site: Site, edit: PutRule | TakeRule) -> int:
    """A group that is denied does not fit: an Allow would take its Deny away."""
    grantee = edit.rule.grantee
    group = site.groups.get(grantee.id) if grantee.kind == "group" else None
    if group is not None and group.everyone:
        return FOR_EVERYBODY
    thing = site.contents[edit.content]
    rules = thing.rules if edit.default_for is None else thing.defaults.get(edit.default_for)
    if isinstance(edit, TakeRule) or edit.rule._replace(mode=DENY) in (rules or ()):
        return OTHERWISE
    return FOR_PERSON if grantee.kind == "user" else FOR_GROUP
