"""What every question of the engine shares: the parts of one site under one model, each built when first needed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property, lru_cache
from types import MappingProxyType

import numpy as np

from tabwarden.engine.columns import NONE, Array, Columns, Vocabulary
from tabwarden.engine.governing import Sources, resolve
from tabwarden.engine.memberships import People, named_counts
from tabwarden.engine.powers import Powers
from tabwarden.engine.rules import (
    LOCKED,
    PERHAPS_LOCKED,
    ByValue,
    Classes,
    Rules,
    Speaking,
    by_value,
    classes_of,
    speaking,
)
from tabwarden.model.capability import CHANGE_PERMISSIONS, applies, capability_named
from tabwarden.model.errors import UnknownName
from tabwarden.model.governing import NOT_IN_PERSONAL_SPACE, OWNERS_IN_PERSONAL_SPACE
from tabwarden.model.open_points import AI_ACCESS_KINDS, CLASSIC, DENY_FIRST, MODELS, OpenPoints
from tabwarden.model.roles import classic_permits, is_admin, is_known, permits, role_in_personal_space
from tabwarden.model.site_settings import SiteSettings, sees_nobody, setting_against


class Parts:
    """Tables, people, sources, classes, rules and powers of one site."""

    def __init__(self, columns: Columns, model: str, open_points: OpenPoints) -> None:
        if model not in MODELS:
            raise UnknownName(f"no model is called `{model}`; models are {', '.join(MODELS)}")
        self.columns, self.model, self.open_points = columns, model, open_points
        self.deny_first = model == DENY_FIRST
        self.n_users, self.n_contents = len(columns.users.role), len(columns.contents.kind)

    @property
    def under(self) -> tuple[str, OpenPoints]:
        return self.model, self.open_points

    @cached_property
    def tables(self) -> Tables:
        return tables_of(self.columns.vocabulary, self.columns.about.settings, self.model, self.open_points)

    @cached_property
    def people(self) -> People:
        return People(self.columns)

    @cached_property
    def sources(self) -> Sources:
        """Where each content's rules come from."""
        return resolve(self.columns, locks=self.model != CLASSIC)

    @cached_property
    def classes(self) -> Classes:
        """Contents with the same rules, kind and lock."""
        return classes_of(self.sources)

    @cached_property
    def rules(self) -> Rules:
        """Rule rows by class and grantee."""
        return Rules(self.columns, self.people, self.classes, self.tables.mask)

    def capability(self, words: str) -> str:
        """The REST name of what somebody calls a capability: its REST name, the UI's or the documents'.

        UnknownName, with the nearest names, for what is none or stands in no bit of these columns.
        """
        bits = self.tables.bits
        name = words if words in bits else capability_named(words)
        if name not in bits:
            raise UnknownName(f"the vocabulary of these columns is without `{name}`; it has {', '.join(bits)}")
        return name

    def bit(self, words: str) -> int:
        return self.tables.bits[self.capability(words)]

    def speaking(self, bit: int) -> Speaking:
        """The rule rows of one capability by list."""
        if bit not in self._speaking:
            self._speaking[bit] = speaking(self.columns.rules, self.people, bit)
        return self._speaking[bit]

    @cached_property
    def _speaking(self) -> dict[int, Speaking]:
        return {}

    @cached_property
    def powers(self) -> Powers:
        return Powers(self.columns, self.people, self.model)

    # -- contents ---------------------------------------------------------------------------------------------

    @cached_property
    def owner(self) -> Array:
        """Of each content the user who owns it, a view's workbook's; NONE for projects: theirs is a power of 2b."""
        contents = self.columns.contents
        project, view = (self.columns.vocabulary.kinds.index(kind) for kind in ("project", "view"))
        parent = contents.parent.astype(np.int64)
        inside = (contents.kind == view) & (parent >= 0) & (parent < self.n_contents)
        owned = np.where(inside, parent, np.arange(self.n_contents))
        return np.where(contents.kind[owned] == project, NONE, contents.owner[owned])

    @cached_property
    def by_owner(self) -> ByValue:
        return by_value(self.owner, self.n_users)

    @cached_property
    def project_row(self) -> Array:
        """Of each content the row of its project in `powers`: NONE at the top level; one above all for not read."""
        project, rows = self.sources.project, self.powers.row
        inside = (project >= 0) & (project < self.n_contents)
        places = np.where(inside, rows[np.where(inside, project, 0)], NONE)
        return np.where(project >= self.n_contents, len(self.powers.contents), places)

    @cached_property
    def lock_row(self) -> Array:
        """Of each content the row of its managing project, or NONE."""
        lock = self.sources.lock
        return np.where(lock == NONE, NONE, self.powers.row[np.maximum(lock, 0)])

    @cached_property
    def by_place(self) -> ByValue:
        """Contents by the place of their project in the tree (`Powers.place`); those of projects not read come last."""
        return by_value(np.append(self.powers.place, [len(self.powers.place), NONE])[self.project_row], self._places)

    @property
    def _places(self) -> int:
        return len(self.powers.contents) + 1

    @cached_property
    def by_class(self) -> ByValue:
        return by_value(self.classes.of_content, len(self.classes.rules))

    # -- by class ---------------------------------------------------------------------------------------------

    @cached_property
    def edit(self) -> np.unsignedinteger:
        """The mask of Set Permissions, which a lock takes away."""
        return self.tables.mask(1 << self.bit(CHANGE_PERMISSIONS))

    @cached_property
    def locked(self) -> Array | None:
        """Masks by class of what a lock takes away; None where nothing is locked."""
        return self._where(self.classes.lock == LOCKED, self.edit)

    @cached_property
    def perhaps_locked(self) -> Array | None:
        """The same where a parent that was not read may lock."""
        return self._where(self.classes.lock == PERHAPS_LOCKED, self.edit)

    @cached_property
    def unread(self) -> Array | None:
        """All bits for classes whose rules were not read; None where all were."""
        return self._where(self.classes.rules == NONE, ~self.tables.mask(0))

    def _where(self, these: Array, mask: np.unsignedinteger) -> Array | None:
        return np.where(these, mask, self.tables.mask(0)) if these.any() else None

    def reach_of(self, role: int) -> Array:
        """For each class the mask that a role can ever exercise there."""
        if role not in self._reach:
            self._reach[role] = self.tables.reach[role].take(self.classes.column)
        return self._reach[role]

    def held_by_admin(self, role: int) -> Array:
        """For each class the mask that a role of administrators holds by that alone."""
        masks: Array = self.tables.admin[role].take(self.classes.column)
        return masks

    @cached_property
    def _reach(self) -> dict[int, Array]:
        return {}

    @cached_property
    def nothing(self) -> Array:
        """No bits, for each class."""
        empty = np.zeros(len(self.classes.rules), self.tables.mask)
        empty.flags.writeable = False
        return empty

    def spread(self, by_class: Array) -> Array:
        """For each content whether its class has any bit; masks are taken faster than bools."""
        flags: Array = by_class.take(self.classes.of_content, mode="wrap") != 0
        return flags


class Later(Parts):
    """The parts of a later Site, which shares with an earlier one what no change has touched."""

    def __init__(self, columns: Columns, earlier: Parts) -> None:
        super().__init__(columns, earlier.model, earlier.open_points)
        self.earlier = earlier

    @cached_property
    def tables(self) -> Tables:
        """Ceilings: the same unless a word or a setting of the site changed."""
        mine, theirs = self.columns, self.earlier.columns
        same = mine.vocabulary == theirs.vocabulary and mine.about.settings == theirs.about.settings
        return self.earlier.tables if same else super().tables

    @cached_property
    def people(self) -> People:
        """Who is in which group: the same unless a membership or a setting changed."""
        mine, theirs = self.columns, self.earlier.columns
        same = mine.groups is theirs.groups and mine.group_sets is theirs.group_sets
        same = same and len(mine.users.role) == len(theirs.users.role) and named_counts(mine) == named_counts(theirs)
        return self.earlier.people if same and mine.about.settings == theirs.about.settings else super().people


# -- ceilings: what role, kind and site settings leave open ------------------------------------------------------


class Tables:
    """Bit c of a mask is capability c of `names`.

    A column is a kind, and behind all kinds the same once more for what lies in a Personal Space. `applies[column]`
    holds what it has and no setting switches off (`off`; `private` is what nobody has in a Personal Space);
    `reach[role, column]` what of it the role can ever exercise; `admin[role, column]` what an administrator holds by
    that alone; `known[role]` whether this release knows the role.
    """

    def __init__(self, words: Vocabulary, settings: SiteSettings, model: str, open_points: OpenPoints) -> None:
        self.model, self.open_points = model, open_points
        ai_access = open_points.ai_access_name
        self.names = words.capabilities if ai_access in ("", *words.capabilities) else (*words.capabilities, ai_access)
        self.bits: Mapping[str, int] = MappingProxyType({name: bit for bit, name in enumerate(self.names)})
        self.mask: type[np.unsignedinteger] = np.uint32 if len(self.names) <= 32 else np.uint64
        self.settings = settings
        self.known = np.array([is_known(role) for role in words.roles])
        on = [name for name in self.names if setting_against(settings, name) is None]
        self.off, self.private = ~int(self._mask(on)) & self._all, int(self._mask(NOT_IN_PERSONAL_SPACE))
        there = [int(self._mask(name for name in on if self.exists(name, kind) is not False)) for kind in words.kinds]
        self.applies = np.array([*there, *(mask & ~self.private for mask in there)], self.mask)
        self.reach = np.zeros((len(words.roles), len(self.applies)), self.mask)
        for row, role in enumerate(words.roles):
            roles = ((role, kind) for role in (role, role_in_personal_space(role)) for kind in words.kinds)
            self.reach[row] = self.applies & np.array([self._mask(self._able(*pair)) for pair in roles], self.mask)
        self.admin = self.reach * np.array([[is_admin(role)] for role in words.roles], self.mask)
        self.admin[:, len(there) :] &= np.array(~self._mask(OWNERS_IN_PERSONAL_SPACE))

    @property
    def _all(self) -> int:
        return (1 << len(self.names)) - 1

    def leaves(self, masks: Array, bit: int) -> Array:
        """Whether masks of this table have a bit."""
        has: Array = (masks >> self.mask(bit)) & self.mask(1) != 0
        return has

    def _able(self, role: str, kind: str) -> Iterable[str]:
        """What the role can ever exercise; no permission dialog opens to whom user visibility hides the others."""
        barred = CHANGE_PERMISSIONS if sees_nobody(self.settings, role) else ""
        return (name for name in self.names if name != barred and self.reachable(role, kind, name) is not False)

    def exists(self, capability: str, kind: str) -> bool | None:
        """Whether the kind has the capability; None for an unknown name, AI Access apart once its name is told."""
        if capability and capability == self.open_points.ai_access_name:
            return kind in AI_ACCESS_KINDS
        return applies(capability, kind, self.model)

    def reachable(self, role: str, kind: str, capability: str) -> bool | None:
        """Whether the role can ever exercise the capability, in the model's reading of roles."""
        if self.model == CLASSIC:
            return classic_permits(role, capability)
        return permits(role, kind, capability, self.open_points)

    def _mask(self, names: Iterable[str]) -> np.unsignedinteger:
        return self.mask(sum(1 << self.bits[name] for name in names if name in self.bits))


@lru_cache(maxsize=64)
def tables_of(words: Vocabulary, settings: SiteSettings, model: str, open_points: OpenPoints) -> Tables:
    """The tables of a site; made once for all sites (and both sides of a difference) of the same words and settings."""
    return Tables(words, settings, model, open_points)
