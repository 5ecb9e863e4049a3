"""What every question of the engine shares: the parts of one site under one model, each built when first needed."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from tabwarden.engine.ceilings import Tables, tables_of
from tabwarden.engine.columns import NONE, Array, Columns
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
from tabwarden.model.capability import capability_named
from tabwarden.model.errors import UnknownName
from tabwarden.model.open_points import CLASSIC, DENY_FIRST, MODELS, Switches

CHANGE_PERMISSIONS = "ChangePermissions"


class Parts:
    """Tables, people, sources, classes, rules and powers of one site."""

    def __init__(self, columns: Columns, model: str, switches: Switches) -> None:
        if model not in MODELS:
            raise UnknownName(f"no model is called `{model}`; models are {', '.join(MODELS)}")
        self.columns, self.model, self.switches = columns, model, switches
        self.deny_first = model == DENY_FIRST
        self.n_users, self.n_contents = len(columns.users.role), len(columns.contents.kind)

    @property
    def under(self) -> tuple[str, Switches]:
        """Model and open points."""
        return self.model, self.switches

    @cached_property
    def tables(self) -> Tables:
        """Ceilings and the capabilities of kinds."""
        return tables_of(self.columns.vocabulary, self.columns.about.settings, self.model, self.switches)

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
        """The bit of a capability in a mask."""
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


class Later(Parts):
    """The parts of a later Site, which shares with an earlier one what no change has touched."""

    def __init__(self, columns: Columns, earlier: Parts) -> None:
        super().__init__(columns, earlier.model, earlier.switches)
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
