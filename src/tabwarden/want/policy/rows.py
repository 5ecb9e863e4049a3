"""Rows of a policy as rules of a Site; every name that fits nothing is a problem with its line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import NamedTuple

from tabwarden.effects.forms.rules import templates_of
from tabwarden.effects.ops.rules import DENIED
from tabwarden.effects.phrases import grantee_named
from tabwarden.model.capability import KIND_NAMES, LEADER, READ_ONLY, applies, capability_named
from tabwarden.model.errors import TabwardenError
from tabwarden.model.names import hint
from tabwarden.model.roles import permits
from tabwarden.model.site import ALLOW, DENY, Grantee, Rule, Rules, Site
from tabwarden.want.policy.wishes import ALL, EVERYBODY, Cell, RowWish

_capability = cache(capability_named)


@cache
def _templates(kind: str) -> Mapping[str, tuple[str, frozenset[str]]]:
    """Tableau's own, by their names in small letters."""
    return {called.casefold(): (called, names) for called, names in templates_of(kind).items()}


class Spoken(NamedTuple):
    """A rule and the row that says it."""

    rule: Rule
    where: str


class Rows:
    """Turns rows into rules on one Site; `problems` and `notes` gather what is wrong and what is worth knowing."""

    def __init__(self, site: Site, templates: Mapping[str, Mapping[str, Cell]], today: str) -> None:
        self.site, self.templates, self.today = site, templates, today
        self._own = {called.casefold(): cells for called, cells in templates.items()}
        self.problems: dict[str, None] = {}
        self.notes: dict[str, None] = {}
        everyone = site.all_users
        self.everybody = None if everyone is None else Grantee("group", everyone.id)
        self._known: dict[str, Grantee] = {}
        self._known_roles: dict[Grantee, frozenset[str]] = {}
        self._grantees: dict[tuple[str, str, str], Grantee | None] = {}

    def current(self, rows: Iterable[RowWish]) -> list[RowWish]:
        """Those that are wanted still: an exception that has expired is not."""
        left = []
        for row in rows:
            if row.expires and row.expires < self.today:
                self.note(f"{row.where}: the exception for `{row.name}` expired on {row.expires}; its rules go")
            else:
                left.append(row)
        return left

    def rules(self, kind: str, rows: Iterable[RowWish]) -> Rules:
        """What the rows say about one list of that kind."""
        spoken: dict[tuple[Grantee, str], Spoken] = {}
        for row in rows:
            cell = row.cells.get(kind) or row.cells.get(ALL)
            grantee = None if cell is None else self.grantee(row)
            if cell is None or grantee is None:
                continue
            for rule in self._cell(kind, cell, row, grantee):
                before = spoken.setdefault((rule.grantee, rule.capability), Spoken(rule, row.where))
                if before.rule != rule:
                    self.problem(row.where, f"`{row.name}` is allowed and denied the same, also in {before.where}")
        return frozenset(one.rule for one in spoken.values())

    def grantee(self, row: RowWish) -> Grantee | None:
        """Whom a row speaks of; None, and a problem, where nobody is called so."""
        key = (row.kind, row.name, row.where)
        if key not in self._grantees:
            self._grantees[key] = self._grantee(row)
        return self._grantees[key]

    def _grantee(self, row: RowWish) -> Grantee | None:
        if row.kind == EVERYBODY and self.everybody is not None:
            return self.everybody
        kind = {"groupSet": "group set"}.get(row.kind, row.kind)
        return self.named(f"{kind} {row.name}", row.where)

    def named(self, words: str, where: str) -> Grantee | None:
        """The one grantee of these words, as in `group Sales`; everybody is `all users`."""
        if self.everybody is not None and words.casefold() == EVERYBODY:
            return self.everybody
        try:
            grantee = self._known.get(words) or grantee_named(self.site, words)
        except TabwardenError as error:
            self.problem(where, str(error))
            return None
        self._known[words] = grantee
        if grantee == self.everybody:
            self.problem(where, f"`{words}` is everybody; say `all_users: true` where that is meant")
            return None
        return grantee

    def _cell(self, kind: str, cell: Cell, row: RowWish, grantee: Grantee) -> Iterable[Rule]:
        """The rules of a cell: what it allows and denies counts before what its template says."""
        both = ((ALLOW, cell.allow), (DENY, cell.deny))
        pairs = ((mode, self._capability(kind, name, row)) for mode, names in both for name in names)
        rules = [Rule(grantee, capability, mode) for mode, capability in pairs if capability is not None]
        listed = {rule.capability for rule in rules}
        template = self._template(kind, cell.template, row, grantee) if cell.template else ()
        return [*rules, *(rule for rule in template if rule.capability not in listed)]

    def _template(self, kind: str, name: str, row: RowWish, grantee: Grantee) -> Iterable[Rule]:
        own = self._own.get(name.casefold())
        if own is not None:
            cell = own.get(kind)
            return self._cell(kind, cell, row, grantee) if cell is not None else self._lacking(kind, name, row)
        known = _templates(kind)
        if name.casefold() not in known:
            return self._lacking(kind, name, row)
        called, capabilities = known[name.casefold()]
        mode = DENY if called == DENIED else ALLOW
        return [Rule(grantee, capability, mode) for capability in sorted(capabilities) if capability != LEADER]

    def _lacking(self, kind: str, name: str, row: RowWish) -> Iterable[Rule]:
        if kind in row.cells or not self._anywhere(name):  # said of every kind, it is for those that have it
            known = dict.fromkeys((*templates_of(kind), *self.templates), "")
            near = hint(name, known) or f"; there are {', '.join(known)}"
            self.problem(row.where, f"no template of a {KIND_NAMES[kind]} is called `{name}`{near}")
        return ()

    def _anywhere(self, name: str) -> bool:
        kinds = ("project", "workbook", "datasource", "flow")
        theirs = {called.casefold() for kind in kinds for called in templates_of(kind)}
        return name.casefold() in theirs | {called.casefold() for called in self.templates}

    def _capability(self, kind: str, words: str, row: RowWish) -> str | None:
        try:
            name = _capability(words, kind)
        except TabwardenError as error:
            self.problem(row.where, str(error))
            return None
        if not applies(name, kind) or name in READ_ONLY or name == LEADER:
            self.problem(row.where, f"a {KIND_NAMES[kind]} has no capability `{words}` that a rule could give")
            return None
        return name

    def is_dead(self, rule: Rule, kind: str) -> bool:
        """Whether nobody whom it speaks of has a site role for it."""
        grantee = rule.grantee
        if grantee not in self._known_roles:
            self._known_roles[grantee] = frozenset(self.site.users[u].site_role for u in self.members(grantee))
        roles = self._known_roles[grantee]
        return bool(roles) and all(permits(role, kind, rule.capability) is False for role in roles)

    def members(self, grantee: Grantee) -> Iterable[str]:
        """The people (ids) of a group, or the one; of group sets none are looked up."""
        if grantee.kind == "user":
            return (grantee.id,)
        return self.site.members(grantee.id) if grantee.kind == "group" else ()

    def problem(self, where: str, words: str) -> None:
        """Something that must be mended first, with its line; told once."""
        self.problems[f"{where}: {words}"] = None

    def note(self, words: str) -> None:
        """Something worth knowing; told once."""
        self.notes[words] = None
