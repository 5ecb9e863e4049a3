"""Which rule list governs a content: its own, its workbook's or the managing project's.

Source: "Permissions" (Server Help 2020.3), "Lock content permissions" and "Show or hide sheet tabs";
tableau-permissions §4 and §5. Lists are never merged across levels.
"""

from __future__ import annotations

from typing import NamedTuple

from tabwarden.model.capability import LEADER_CAPABILITIES
from tabwarden.model.site import LOCKED, LOCKED_WITHOUT_NESTED, NO_RULES, Rules, Site

LOCKED_TO_DATABASE = "LockedToDatabase"
MAY_LIE_NOWHERE = frozenset({"project", "database", "table", "collection"})
"""Kinds that lie at the top level or in no project at all; what else lies in none is in its owner's Personal Space."""

# Nobody has these on what lies in a Personal Space: it is not shared, and its permissions menu is gone ("Create and
# Edit Private Content in Personal Space").
NOT_IN_PERSONAL_SPACE = frozenset("ShareView ViewComments AddComment CreateRefreshMetrics ChangePermissions".split())
# Administrators see and manage what lies in another's Personal Space; these are its owner's alone.
OWNERS_IN_PERSONAL_SPACE = frozenset("WebAuthoring Write WebAuthoringForFlows".split())


class Governing(NamedTuple):
    """The list that counts for a content.

    `level` is own, workbook (tabs are shown), project_default (a project is locked), project (a locked parent's
    own rules govern a nested project), database_default, personal_space (there are no rules), or unread (a fact that
    decides was not read).
    `holder` is the id of the content the list is kept on; `rules` is None when the list was not read.
    """

    level: str
    holder: str
    kind: str
    rules: Rules | None


def in_personal_space(site: Site, content: str) -> bool:
    """Whether a content, of a view its workbook, lies in its owner's Personal Space: in no project."""
    item = site.contents[content]
    if item.kind == "view":
        workbook = site.contents.get(item.parent or "")
        return workbook is not None and workbook.kind == "workbook" and workbook.parent is None
    return item.parent is None and item.kind not in MAY_LIE_NOWHERE


def managing_project(site: Site, project: str) -> str | None:
    """The project whose defaults govern under a lock: the highest of the unbroken run of locked parents.

    None when the project is customizable and no parent locks nested projects.
    """
    itself, *above = site.lineage(project)
    manager = project if itself.mode in (LOCKED, LOCKED_WITHOUT_NESTED) else None
    for ancestor in above:
        if ancestor.mode != LOCKED:
            break
        manager = ancestor.id
    return manager


def lock_is_unknown(site: Site, project: str) -> bool:
    """Whether a parent that was not read could lock the project: the walk ends on it through locked parents."""
    last = None
    for last in site.lineage(project):
        if last.id != project and last.mode != LOCKED:
            return False
    return last is not None and last.parent is not None


def governing(site: Site, content: str) -> Governing:
    """The rule list that counts for `content` under locks and tabs."""
    item = site.contents[content]
    if in_personal_space(site, content):
        return Governing("personal_space", content, item.kind, NO_RULES)
    project = content if item.kind == "project" else site.project_of(content)
    if project is not None and project in site.contents:
        if lock_is_unknown(site, project):
            return Governing("unread", project, item.kind, None)
        manager = managing_project(site, project)
        if manager is not None:
            return _under_lock(site, content, manager)
    elif project is not None:
        return Governing("unread", project, item.kind, None)
    return _unlocked(site, content)


def nested_rules(rules: Rules | None, own: Rules | None = NO_RULES) -> Rules | None:
    """A nested project's rules of those of its parent; None where either were not read.

    Leaders are its `own` alone, under a lock too: leadership is never copied and flows down by itself ("Set a project
    leader").
    """
    if rules is None or own is None:
        return None
    leaders = (rule for rule in own if rule.capability in LEADER_CAPABILITIES)
    return frozenset((*(rule for rule in rules if rule.capability not in LEADER_CAPABILITIES), *leaders))


def in_force(site: Site, content: str) -> Rules | None:
    """The rules that count for a content, as Tableau lists them for it; None where they were not read."""
    thing, governed = site.contents[content], governing(site, content)
    return nested_rules(governed.rules, thing.rules) if governed.level == "project" else governed.rules


def _under_lock(site: Site, content: str, manager: str) -> Governing:
    item = site.contents[content]
    manages = site.contents[manager]
    if item.kind == "project":
        level = "own" if content == manager else "project"
        return Governing(level, manager, "project", manages.rules)
    kind = "workbook" if item.kind == "view" else item.kind
    return Governing("project_default", manager, kind, manages.defaults.get(kind, frozenset()))


def _unlocked(site: Site, content: str) -> Governing:
    item = site.contents[content]
    parent = site.contents.get(item.parent) if item.parent is not None else None
    if item.kind == "view":
        if parent is None:
            return Governing("unread", item.parent or content, "view", None)
        if parent.tabs:
            return Governing("workbook", parent.id, "workbook", parent.rules)
    if item.kind == "table" and parent is not None and parent.kind == "database" and parent.mode == LOCKED_TO_DATABASE:
        return Governing("database_default", parent.id, "table", parent.defaults.get("table", frozenset()))
    return Governing("own", content, item.kind, item.rules)
