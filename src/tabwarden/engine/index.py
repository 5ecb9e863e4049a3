"""What every question of the engine shares: the parts of one site under one model, each built when first needed."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from tabwarden.engine.ceilings import Tables, tables_of
from tabwarden.engine.columns import NONE, Array, Columns
from tabwarden.engine.governing import Sources, resolve
from tabwarden.engine.memberships import People
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
from tabwarden.model.errors import UnknownName
from tabwarden.model.open_points import CLASSIC, DENY_FIRST, MODELS, OpenPoints

CHANGE_PERMISSIONS = "ChangePermissions"


class Parts:
    """Tables, people, sources, classes, rules and powers of one site."""

    def __init__(self, columns: Columns, model: str, open_points: OpenPoints) -> None:
        if model not in MODELS:
            raise UnknownName(f"no model is called `{model}`; models are {', '.join(MODELS)}")
        self.columns, self.model, self.open_points = columns, model, open_points
        self.deny_first = model == DENY_FIRST
        self.n_users, self.n_contents = len(columns.users.role), len(columns.contents.kind)

    @cached_property
    def tables(self) -> Tables:
        """Ceilings and the capabilities of kinds."""
        return tables_of(self.columns.vocabulary, self.columns.about.settings, self.model, self.open_points)

    @cached_property
    def people(self) -> People:
        """Who is in which group."""
        return People(self.columns)

    @cached_property
    def sources(self) -> Sources:
        """Where each content's rules come from."""
        return resolve(self.columns, locks=self.model != CLASSIC)

    @cached_property
    def classes(self) -> Classes:
        """Contents with the same rules, kind and lock."""
        return classes_of(self.columns, self.sources)

    @cached_property
    def rules(self) -> Rules:
        """Rule rows by class and grantee."""
        return Rules(self.columns, self.people, self.classes, self.tables.mask)

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
        """Who owns or leads which project."""
        return Powers(self.columns, self.people, self.model)

    # -- contents ---------------------------------------------------------------------------------------------

    @cached_property
    def owner(self) -> Array:
        """Of each content the user who owns it, a view's workbook's; NONE for projects: theirs is a power of 2b."""
        held = self.columns.contents
        project, view = (self.columns.vocabulary.kinds.index(kind) for kind in ("project", "view"))
        parent = held.parent.astype(np.int64)
        inside = (held.kind == view) & (parent >= 0) & (parent < self.n_contents)
        owned = np.where(inside, parent, np.arange(self.n_contents))
        return np.where(held.kind[owned] == project, NONE, held.owner[owned])

    @cached_property
    def by_owner(self) -> ByValue:
        """Contents by the user who owns them."""
        return by_value(self.owner, self.n_users)

    @cached_property
    def project_row(self) -> Array:
        """Of each content the row of its project in `powers`: NONE at the top level; one above all for not read."""
        project, rows = self.sources.project, self.powers.row
        inside = (project >= 0) & (project < self.n_contents)
        found = np.where(inside, rows[np.where(inside, project, 0)], NONE)
        return np.where(project >= self.n_contents, len(self.powers.contents), found)

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
        """Contents by class."""
        return by_value(self.classes.of_content, len(self.classes.rules))

    # -- by class ---------------------------------------------------------------------------------------------

    @cached_property
    def edit(self) -> np.unsignedinteger:
        """The mask of Set Permissions, which a lock takes away."""
        return self.tables.mask(1 << self.tables.bit(CHANGE_PERMISSIONS))

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
            self._reach[role] = self.tables.reach[role].take(self.classes.kind)
        return self._reach[role]

    @cached_property
    def _reach(self) -> dict[int, Array]:
        return {}

    @cached_property
    def nothing(self) -> Array:
        """No bits, for each class."""
        found = np.zeros(len(self.classes.rules), self.tables.mask)
        found.flags.writeable = False
        return found

    def spread(self, by_class: Array) -> Array:
        """For each content whether its class has any bit; masks are taken faster than bools."""
        found: Array = by_class.take(self.classes.of_content, mode="wrap") != 0
        return found
