"""Lints about rules on views, tabs, and ways to content that are closed."""

from __future__ import annotations

import numpy as np

from tabwarden.audit.audited import NOTHING, Audited
from tabwarden.audit.finding import CONTENT, LEADERS, NOTE, OWNERS, RULES, WARNING, Remark, Remarks, lint
from tabwarden.effects.change import Change
from tabwarden.effects.ops.content import tabbed
from tabwarden.engine.columns import EMPTY_LIST, NONE, Array
from tabwarden.engine.governing import OWN, WORKBOOK
from tabwarden.engine.rules import expand


def _pairs(audited: Audited, level: int) -> tuple[Array, Array]:
    """Views at a level, and their workbooks, whose rules were both read."""
    contents, count = audited.contents, len(audited.contents.kind)
    parent = contents.parent.astype(np.int64)
    views = np.flatnonzero(
        audited.kind("view") & (audited.parts.sources.level == level) & (parent >= 0) & (parent < count)
    )
    read = (contents.rules[views] != NONE) & (contents.rules[parent[views]] != NONE)
    return views[read], parent[views[read]]


def _differ(audited: Audited, views: Array, books: Array) -> Array:
    """Whether the rules of each view are others than its workbook's, of what views have."""
    lists = audited.contents.rules
    pairs, which = np.unique(np.stack((lists[views], lists[books])), axis=1, return_inverse=True)
    of_views = audited.parts.tables.applies[audited.vocabulary.kinds.index("view")].astype(np.uint64)
    table, sides = audited.columns.rules, []
    for rules in pairs.astype(np.int64):
        at, row = expand(table.offsets, rules)
        allow, deny = table.allow[row] & of_views, table.deny[row] & of_views
        says = (allow | deny) != 0
        columns = (at[says], table.grantee[row[says]], allow[says].view(np.int64), deny[says].view(np.int64))
        sides.append(np.stack([column.astype(np.int64) for column in columns]))
    both, counts = np.unique(np.concatenate(sides, axis=1), axis=1, return_counts=True)
    differs = np.zeros(pairs.shape[1], bool)
    differs[both[0, counts == 1]] = True
    return differs[which.reshape(-1)]


def _by_book(audited: Audited, views: Array) -> Array:
    return np.unique(audited.contents.parent[views].astype(np.int64))


@lint(
    "rules-on-views",
    "Rules on single views",
    WARNING,
    CONTENT,
    OWNERS,
    why="Exceptions for single views get out of hand: nobody looks at views one by one, and a new view has the "
    "workbook's rules.",
    source="Permissions paper: avoid permissions at the view level; blog: not to set view level permission at all",
    ignore="One view is for fewer people, and a workbook of its own is no way.",
    reads=(RULES,),
)
def rules_on_views(audited: Audited) -> Remarks:
    """Workbooks with hidden tabs, of which a view has other rules than the workbook."""
    views, books = _pairs(audited, OWN)
    subjects = _by_book(audited, views[_differ(audited, views, books)]) if len(views) else views

    def fix(book: int) -> tuple[Change, ...]:
        return (tabbed(audited.site, audited.columns.id_of(CONTENT, book)),)

    yield Remark("has views with other rules than its own", subjects, fix=fix)


@lint(
    "tabs-over-view-rules",
    "Rules on views that tabs have made void",
    NOTE,
    CONTENT,
    OWNERS,
    why="While sheets are shown as tabs the workbook's rules count for its views; those on the views say what is not "
    "so, and count again when somebody hides the tabs.",
    source="Permissions blog: show sheets as tabs overrides the permissions on views",
    ignore="The tabs are shown for some days only.",
    reads=(RULES,),
)
def tabs_over_view_rules(audited: Audited) -> Remarks:
    """Workbooks with tabs, of which a view keeps other rules than the workbook's."""
    views, books = _pairs(audited, WORKBOOK)
    own = audited.contents.rules[views] != EMPTY_LIST
    views, books = views[own], books[own]
    subjects = _by_book(audited, views[_differ(audited, views, books)]) if len(views) else views
    yield Remark("shows tabs, which make rules of its views void", subjects)


@lint(
    "workbook-opens-nothing",
    "Workbook that opens nothing",
    WARNING,
    CONTENT,
    OWNERS,
    why="Tabs are hidden, so each view has rules of its own, and none lets in whom the workbook lets in: they see a "
    "workbook without views.",
    source="Surprise 1",
    ignore="The views are closed until they are ready.",
    reads=(RULES,),
)
def workbook_opens_nothing(audited: Audited) -> Remarks:
    """Workbooks with hidden tabs that allow View to somebody whom none of their views allows it."""
    views, books = _pairs(audited, OWN)
    view, table = audited.mask("Read"), audited.columns.rules
    width = int(table.grantee.max(initial=0)) + 1

    def allowed(contents: Array, keys: Array) -> Array:
        at, row = expand(table.offsets, audited.contents.rules[contents].astype(np.int64))
        says = table.allow[row] & view != NOTHING
        return np.asarray(keys[at[says]].astype(np.int64) * width + table.grantee[row[says]])

    of_books = np.unique(books)
    opened, given = allowed(views, books), allowed(of_books, of_books)
    shut = given[~np.isin(given, opened)]
    yield Remark("lets in people or groups whom none of its views lets in", np.unique(shut // width))


@lint(
    "view-without-way",
    "Reached by link alone",
    NOTE,
    CONTENT,
    LEADERS,
    why="Somebody may View it and not the project that holds it: he never finds it by going through the site, and "
    "whoever closes the project believes that it is closed.",
    source="Surprise 18",
    ignore="People are sent the link.",
    reads=(RULES,),
)
def view_without_way(audited: Audited) -> Remarks:
    """Content whose rules allow View to a group or person, or everybody, that the rules of its project do not name."""
    rows, lists, sources = audited.rows, audited.lists, audited.parts.sources
    count, view = len(audited.contents.kind), audited.mask("Read")
    width = int(audited.columns.rules.grantee.max(initial=0)) + 1
    project = np.where((audited.project >= 0) & (audited.project < count), audited.project, NONE)
    place, row = audited.spread(rows.allow & view != NOTHING)
    own = ~lists.is_default[place] & ~audited.kind("project", "view")[lists.holder[place]]
    place, row = place[own], row[own]
    above = project[lists.holder[place]]
    inside = (above != NONE) & (sources.rules[np.maximum(above, 0)] != NONE)
    place, row, above = place[inside], row[inside], above[inside]
    table = audited.columns.rules
    projects = np.unique(above)
    at, entry = expand(table.offsets, sources.rules[projects])
    says = table.allow[entry] & (view | audited.leader_mask) != NOTHING
    at, grantee = at[says], table.grantee[entry[says]]
    named = projects[at] * width + grantee
    everyone = np.isin(grantee, audited.parts.people.everyone * 4 + 1)
    open_ = np.isin(above, projects[at[everyone]])
    owner = audited.contents.owner[above] * 4
    lost = ~open_ & ~np.isin(above * width + rows.grantee[row], named) & (owner != rows.grantee[row])
    yield Remark("may be viewed by somebody who may not View its project", np.unique(lists.holder[place[lost]]))
