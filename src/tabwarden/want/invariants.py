"""What must hold of a site whatever changes: values, and whom and what their words mean on one Site.

Words of people are `everybody`, `owners`, `group NAME`, `group set NAME`, `user NAME`, `role NAME`; words of contents
are paths or patterns (`Finance/*` is everything below), narrowed by kind, tag, certification and owner.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from tabwarden.access.abilities.ability import ACTIONS
from tabwarden.effects.phrases import grantee_named
from tabwarden.model.capability import KINDS, applies, capabilities_of, capability_named, ui_name
from tabwarden.model.errors import TabwardenError, UnknownName
from tabwarden.model.marks import Marks, marks_of
from tabwarden.model.names import hint, same
from tabwarden.model.resolver import near_content
from tabwarden.model.roles import SITE_ROLES
from tabwarden.model.site import Site
from tabwarden.want.paths import Paths, has_signs

if TYPE_CHECKING:
    from tabwarden.engine.columns import Array, Columns

EVERYBODY, OWNERS = "everybody", "owners"
_WHO = (EVERYBODY, OWNERS, "group", "group set", "user", "role")
ONLY, NOBODY, NO_RULE, NEVER_BOTH = "only", "nobody", "no_rule", "never_both"


@dataclass(frozen=True, slots=True)
class Selection:
    """Which contents; without a word all. `apart` are paths and patterns that are not among them."""

    paths: tuple[str, ...] = ()
    apart: tuple[str, ...] = ()
    kind: str = ""
    tag: str = ""
    certified: bool | None = None
    owner: str = ""


@dataclass(frozen=True, slots=True)
class Act:
    """Capabilities or abilities by any of their names, and on what."""

    may: tuple[str, ...]
    on: Selection = Selection()


@dataclass(frozen=True, slots=True)
class Exemption:
    """People whom an invariant leaves alone up to a day (ISO), with who answers for it and why."""

    people: tuple[str, ...]
    owner: str
    reason: str
    expires: str


@dataclass(frozen=True, slots=True)
class Invariant:
    """One of four forms; `where` is its file and line.

    ONLY: nobody but `people` may do any of `acts`. NOBODY: none of `people` may. NO_RULE: no rule of `mode` (empty:
    either) gives `people` (groups, group sets, users) what the acts name, or anything where they name none.
    NEVER_BOTH: nobody may do both acts. `anybody`: not only today's people count, but whoever could be put in a group.
    Administrators may everything, and are no breach unless `administrators`.
    """

    name: str
    where: str
    form: str
    people: tuple[str, ...] = ()
    acts: tuple[Act, ...] = ()
    mode: str = ""
    exemptions: tuple[Exemption, ...] = ()
    anybody: bool = False
    administrators: bool = False
    why: str = ""


@dataclass(frozen=True, slots=True)
class Crowd:
    """People as words mean them: users, groups, group sets (ids) and site roles."""

    everybody: bool = False
    owners: bool = False
    users: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()
    group_sets: frozenset[str] = frozenset()
    roles: frozenset[str] = frozenset()

    def unread(self, site: Site) -> bool:
        """Whether it names a group whose members were not read, so that nobody knows who else belongs to it."""
        sets = (site.group_sets[key].groups for key in self.group_sets if key in site.group_sets)
        groups = (site.groups.get(group) for group in self.groups.union(*sets))
        return any(group is None or (group.members is None and not group.everyone) for group in groups)


class Meaning:
    """What the words of invariants mean on one Site; `problems` gathers, with its line, what fits nobody or nothing."""

    def __init__(self, site: Site, columns: Columns) -> None:
        self.site, self.columns = site, columns
        self.problems: list[str] = []

    # -- people ----------------------------------------------------------------------------------------------------

    def crowd(self, words: Iterable[str], where: str) -> Crowd:
        """Whom words name together."""
        crowd = Crowd()
        for word in words:
            try:
                crowd = self._with(crowd, word.strip())
            except TabwardenError as error:
                near = "" if "; " in str(error) else hint(word.partition(" ")[0], dict.fromkeys(_WHO, ""))
                self.refuse(where, f"{error}{near}")
        return crowd

    def _with(self, crowd: Crowd, words: str) -> Crowd:
        kind, _, name = words.partition(" ")
        if same(words) in (EVERYBODY, "all users"):
            everyone = self.site.all_users
            return _joined(crowd, Crowd(everybody=True, groups=frozenset({everyone.id} if everyone else ())))
        if same(words) == OWNERS:
            return _joined(crowd, Crowd(owners=True))
        if same(kind) == "role":
            role = next((role for role in SITE_ROLES if same(role) == same(name.replace(" ", ""))), None)
            if role is None:
                raise UnknownName(f"no site role is called `{name}`; there are {', '.join(SITE_ROLES)}")
            return _joined(crowd, Crowd(roles=frozenset({role})))
        if same(kind) == "group" and has_signs(name) and not self.site.groups_named(name):
            fitting = {g.id for g in self.site.groups.values() if fnmatchcase(same(g.name), same(name))}
            if not fitting:
                raise UnknownName(
                    f"no group fits `{name}`{hint(name, {g.name: '' for g in self.site.groups.values()})}"
                )
            return _joined(crowd, Crowd(groups=frozenset(fitting)))
        grantee = grantee_named(self.site, words)
        if grantee.kind == "group" and self.site.groups[grantee.id].everyone:
            return _joined(crowd, Crowd(everybody=True, groups=frozenset({grantee.id})))
        named = frozenset({grantee.id})
        more = {"user": Crowd(users=named), "group": Crowd(groups=named), "groupSet": Crowd(group_sets=named)}
        return _joined(crowd, more[grantee.kind])

    # -- what ------------------------------------------------------------------------------------------------------

    def named(self, act: Act, where: str) -> tuple[str, ...]:
        """What an act names: capabilities by REST name, as the kinds of content call them, and `ability:NAME`."""
        names = (name for words in act.may for name in self._capabilities(words.strip(), act.on.kind, where))
        return tuple(dict.fromkeys(names))

    def _capabilities(self, words: str, kind: str, where: str) -> list[str]:
        prefix, _, rest = words.rpartition(":")
        kinds = (kind,) if kind else KINDS
        if same(prefix) != "ability":
            capabilities = {kind: _capability(rest, kind) for kind in kinds}
            if names := [name for kind, name in capabilities.items() if name and applies(name, kind)]:
                return names
        action = rest.casefold().replace(" ", "_").replace("-", "_")
        if action in ACTIONS:
            return [f"ability:{action}"]
        every = ACTIONS if prefix else (*ACTIONS, *(ui_name(name, k) for k in kinds for name in capabilities_of(k)))
        near = hint(rest, dict.fromkeys(every, ""))
        self.refuse(where, f"no capability or ability is called `{words}`{near}")
        return []

    def contents(self, selection: Selection, where: str) -> tuple[Array, int]:
        """Which contents of the site, by number, and of how many nobody knows, for their tags or marks were not read.

        A path that is not there, a pattern of nothing and a tag that nothing has are problems.
        """
        fits = np.ones(len(self.columns.contents.kind), bool)
        if selection.paths:
            fits[:] = False
            fits[list(self._at(selection.paths, where))] = True
        fits[list(self._at(selection.apart, where, "nothing is left out by it"))] = False
        if selection.kind:
            kinds = self.columns.vocabulary.kinds
            fits &= self.columns.contents.kind == (kinds.index(selection.kind) if selection.kind in kinds else -1)
        if selection.owner:
            try:
                owner = self.site.find_user(selection.owner.removeprefix("user ")).id
                fits &= self.columns.contents.owner == self.columns.user_numbers[owner]
            except TabwardenError as error:
                self.refuse(where, str(error))
        tags = {code: marks.tags for code, marks in self._marks.items()}
        if selection.tag and None not in tags.values():
            every = frozenset[str]().union(*(some or () for some in tags.values()))
            if selection.tag not in every:
                near = hint(selection.tag, dict.fromkeys(every, ""))
                self.refuse(where, f"nothing has the tag `{selection.tag}`{near}")
        return self._marked(fits, selection)

    def _marked(self, fits: Array, selection: Selection) -> tuple[Array, int]:
        """Those with the tag and the certification, and of how many nobody knows."""
        wanted, certified = selection.tag, selection.certified
        if not wanted and certified is None:
            return np.flatnonzero(fits), 0
        facts = {
            code: (
                not wanted or (None if marks.tags is None else wanted in marks.tags),
                certified is None or (None if marks.certified is None else certified is marks.certified),
            )
            for code, marks in self._marks.items()
        }
        sure = [code for code, both in facts.items() if all(both)]
        unsure = [code for code, both in facts.items() if False not in both and None in both]
        codes = self.columns.names.content_marks
        return np.flatnonzero(fits & np.isin(codes, sure)), int((fits & np.isin(codes, unsure)).sum())

    @cached_property
    def _marks(self) -> Mapping[int, Marks]:
        """Of each code of marks what it means."""
        names = self.columns.names
        codes = np.unique(names.content_marks).tolist()
        return {code: marks_of(None if code < 0 else names.words[code]) for code in codes}

    def _at(self, paths: Iterable[str], where: str, so: str = "an invariant of nothing would always hold") -> set[int]:
        numbers: set[int] = set()
        for path in paths:
            pattern = self._paths.is_pattern(path)
            fitting = (
                set(self._paths.fitting(path)) if pattern else set(self._paths.at(path)) or self._by_kind(path, where)
            )
            if not fitting and pattern:
                self.refuse(where, f"nothing fits `{path}`{near_content(self.site, path)}; {so}")
            numbers |= fitting
        return numbers

    def _by_kind(self, path: str, where: str) -> set[int]:
        """A path with its kind before it, as in `project:Finance`."""
        try:
            content = self.site.find_content(path).id
        except TabwardenError as error:
            self.refuse(where, str(error))
            return set()
        return {self._paths.ids.index(content)}

    @cached_property
    def _paths(self) -> Paths:
        return Paths(self.site, self.columns.names.paths(self.columns.contents.parent))

    def refuse(self, where: str, words: str) -> None:
        """One more problem, once."""
        if (line := f"{where}: {words}") not in self.problems:
            self.problems.append(line)


def _joined(one: Crowd, other: Crowd) -> Crowd:
    return Crowd(
        one.everybody or other.everybody,
        one.owners or other.owners,
        one.users | other.users,
        one.groups | other.groups,
        one.group_sets | other.group_sets,
        one.roles | other.roles,
    )


def _capability(words: str, kind: str) -> str | None:
    try:
        return capability_named(words, kind)
    except UnknownName:
        return None
