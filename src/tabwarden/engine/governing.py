"""Where each content's rules come from under locks, tabs and databases, for the whole site.

Source: tableau-permissions §4 and §5. Lists are never merged across levels.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from tabwarden.engine.columns import EMPTY_LIST, NONE, Array, Columns
from tabwarden.model.governing import LOCKED_TO_DATABASE, MAY_LIE_NOWHERE
from tabwarden.model.site import CUSTOMIZABLE, LOCKED, LOCKED_WITHOUT_NESTED

LEVELS = ("own", "workbook", "project_default", "project", "database_default", "unread", "personal_space")
OWN, WORKBOOK, PROJECT_DEFAULT, PROJECT, DATABASE_DEFAULT, UNREAD, PERSONAL_SPACE = range(len(LEVELS))


class Sources(NamedTuple):
    """A row for each content.

    `rules` is the list that governs (NONE: not read), kept on `holder` for `kind` at `level`; `project` the project
    whose owners and leaders rule it (itself for a project, NONE at the top level, at or above the count: not read);
    `lock` the managing project of what holds it, or NONE; `lock_unread` where a parent that was not read may lock;
    `column` its column in the tables of ceilings: its kind, and behind all kinds the same in a Personal Space.
    """

    rules: Array
    level: Array
    holder: Array
    kind: Array
    project: Array
    lock: Array
    lock_unread: Array
    column: Array


def resolve(columns: Columns, *, locks: bool) -> Sources:
    """Sources of every content; the classic model has no `locks`."""
    contents, words = columns.contents, columns.vocabulary
    count = len(contents.kind)
    code = {kind: number for number, kind in enumerate(words.kinds)}
    mode = {name: number for number, name in enumerate(words.modes)}
    modes = contents.mode if locks else np.full(count, mode[CUSTOMIZABLE], contents.mode.dtype)
    parent = contents.parent.astype(np.int64)
    is_project = contents.kind == code["project"]
    holding = _climb(parent, is_project, count)
    manager, unsure = _managers(parent, modes, is_project, mode)
    project = np.where(is_project, np.arange(count), holding)
    managed, lock_unread = _of(manager, project, NONE), _of(unsure, project, True) & (project != NONE)
    sources = Sources(
        rules=contents.rules.astype(np.int64),
        level=np.full(count, OWN, np.uint8),
        holder=np.arange(count),
        kind=contents.kind.copy(),
        project=project,
        lock=_of(manager, holding, NONE),
        lock_unread=_of(unsure, holding, True) & (holding != NONE),
        column=contents.kind.astype(np.int64),
    )
    _through_parents(columns, sources, modes == mode[LOCKED_TO_DATABASE], code)
    _under_locks(columns, sources, managed, code)
    sources.rules[lock_unread], sources.level[lock_unread] = NONE, UNREAD
    sources.kind[lock_unread], sources.holder[lock_unread] = contents.kind[lock_unread], project[lock_unread]
    alone = np.flatnonzero(_personal(columns, code))
    sources.column[alone] += len(words.kinds)
    sources.rules[alone], sources.level[alone] = EMPTY_LIST, PERSONAL_SPACE
    sources.kind[alone], sources.holder[alone] = contents.kind[alone], alone
    return sources


def _personal(columns: Columns, code: dict[str, int]) -> Array:
    """What lies in no project, and the views of such workbooks."""
    kinds, parent = columns.contents.kind, columns.contents.parent.astype(np.int64)
    elsewhere = [code[kind] for kind in (*MAY_LIE_NOWHERE, "view") if kind in code]
    alone: Array = (parent == NONE) & ~np.isin(kinds, elsewhere)
    views = (kinds == code["view"]) & (parent >= 0) & (parent < len(kinds))
    above = parent[views]
    alone[views] = alone[above] & (kinds[above] == code["workbook"])
    return alone


def _of(values: Array, index: Array, unread: int | bool) -> Array:
    """`values` by content number; `unread` for NONE and for what was not read."""
    valid = (index >= 0) & (index < len(values))
    return np.where(valid, values[np.where(valid, index, 0)], unread) if len(values) else np.full(len(index), unread)


def _climb(parent: Array, is_project: Array, count: int) -> Array:
    """The project that holds each content: the first project above it."""
    above = parent.copy()
    moving = np.flatnonzero((above >= 0) & (above < count))
    while len(moving):
        moving = moving[~is_project[above[moving]]]
        above[moving] = parent[above[moving]]
        moving = moving[(above[moving] >= 0) & (above[moving] < count)]
    return above


def _managers(parent: Array, modes: Array, is_project: Array, mode: dict[str, int]) -> tuple[Array, Array]:
    """The managing project of each project (NONE: customizable), and whether a parent not read may manage it."""
    count = len(parent)
    locked = modes == mode[LOCKED]
    manager = np.full(count, NONE, np.int64)
    unsure = np.zeros(count, bool)
    moving = np.flatnonzero(is_project)
    above = parent[moving]
    for _ in range(count + 1):
        outside = above >= count
        unsure[moving[outside]] = True
        inside = (above >= 0) & ~outside
        moving, above = moving[inside], above[inside]
        goes_on = locked[above]
        moving, above = moving[goes_on], above[goes_on]
        if not len(moving):
            break
        manager[moving] = above
        above = parent[above]
    own = is_project & (manager == NONE) & (locked | (modes == mode[LOCKED_WITHOUT_NESTED]))
    manager[own] = np.flatnonzero(own)
    return manager, unsure


def _through_parents(columns: Columns, sources: Sources, to_database: Array, code: dict[str, int]) -> None:
    """Views under shown tabs, and tables of a locked database."""
    contents = columns.contents
    count = len(contents.kind)
    views = np.flatnonzero(contents.kind == code["view"])
    parents = found_parents = contents.parent[views].astype(np.int64)
    lost = (parents < 0) | (parents >= count)
    sources.rules[views[lost]], sources.level[views[lost]] = NONE, UNREAD
    sources.holder[views[lost]] = np.where(parents[lost] == NONE, views[lost], parents[lost])
    views, found_parents = views[~lost], parents[~lost]
    shown = contents.tabs[found_parents]
    views, found_parents = views[shown], found_parents[shown]
    sources.rules[views], sources.level[views] = contents.rules[found_parents], WORKBOOK
    sources.holder[views], sources.kind[views] = found_parents, code["workbook"]
    tables = np.flatnonzero(contents.kind == code["table"])
    tables = tables[(contents.parent[tables] >= 0) & (contents.parent[tables] < count)]
    above = contents.parent[tables].astype(np.int64)
    locked = (contents.kind[above] == code["database"]) & to_database[above]
    tables, above = tables[locked], above[locked]
    sources.rules[tables] = default_lists(columns, above, np.full(len(above), code["table"]))
    sources.level[tables], sources.holder[tables] = DATABASE_DEFAULT, above


def _under_locks(columns: Columns, sources: Sources, managed: Array, code: dict[str, int]) -> None:
    """What a managing project governs: its own rules for projects, its defaults for everything else."""
    kinds = columns.contents.kind
    rows = np.flatnonzero(managed >= 0)
    manager = managed[rows].astype(np.int64)
    as_project = kinds[rows] == code["project"]
    nested = rows[as_project]
    sources.rules[nested] = columns.contents.rules[manager[as_project]]
    sources.level[nested] = np.where(nested == manager[as_project], OWN, PROJECT)
    sources.holder[rows] = manager
    rows, manager = rows[~as_project], manager[~as_project]
    kind = np.where(kinds[rows] == code["view"], code["workbook"], kinds[rows])
    sources.rules[rows] = default_lists(columns, manager, kind)
    sources.level[rows], sources.kind[rows] = PROJECT_DEFAULT, kind


def default_lists(columns: Columns, content: Array, kind: Array) -> Array:
    """The default rule list each `content` has for each `kind`; the empty list where it has none."""
    defaults, width = columns.defaults, len(columns.vocabulary.kinds)
    keys = defaults.content.astype(np.int64) * width + defaults.kind
    order = np.argsort(keys, kind="stable")
    keys = keys[order]
    wanted = content.astype(np.int64) * width + kind
    if not len(keys):
        return np.full(len(wanted), EMPTY_LIST, np.int64)
    place = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(keys[place] == wanted, defaults.rules[order[place]], EMPTY_LIST)
