"""Lints about rules that do nothing: beaten by others, above every ceiling, for nobody, of what is no more."""

from __future__ import annotations

from functools import cache

import numpy as np

from tabwarden.audit.audited import NOTHING, Audited
from tabwarden.audit.finding import CONTENT, LEADERS, MEMBERS, NOTE, RULES, SETTINGS, WARNING, Remarks, lint
from tabwarden.engine.columns import GROUP, GROUP_SET, USER, Array
from tabwarden.engine.rules import expand
from tabwarden.model.capability import CAPABILITIES, RETIRED, applies
from tabwarden.model.site_settings import GATED_BY

_BLOCK = 4096  # pairs of groups that are compared at a time
RETIRED_KINDS = ("metric", "lens")


@cache
def _has(kinds: tuple[str, ...], names: tuple[str, ...]) -> Array:
    """By kind the mask of the capabilities that it has, settings of the site aside; unknown ones count as its own."""
    return np.array(
        [sum(1 << bit for bit, name in enumerate(names) if applies(name, kind) is not False) for kind in kinds],
        np.uint64,
    )


def _of_kind(audited: Audited) -> Array:
    """Of each rule row the capabilities of its kind."""
    return _has(audited.vocabulary.kinds, audited.vocabulary.capabilities)[audited.rows.kind]


def _reach(audited: Audited) -> Array:
    """Of each rule row what the site role of somebody behind its grantee can exercise; all for who is not known."""
    rows, tables = audited.rows, audited.parts.tables
    by_role = tables.reach.astype(np.uint64)
    reach = np.full(len(rows.kind), ~NOTHING)
    users = np.flatnonzero(rows.of(USER) & (rows.who < len(audited.columns.users.role)))
    reach[users] = by_role[audited.columns.users.role[rows.who[users]], rows.kind[users]]
    groups = np.flatnonzero(rows.of(GROUP) & (rows.who < len(audited.sizes)))
    groups = groups[audited.sizes[rows.who[groups]] > 0]
    behind = audited.roles_in[rows.who[groups]] > 0
    of_groups = np.zeros(len(groups), np.uint64)
    for role in range(by_role.shape[0]):
        of_groups |= np.where(behind[:, role], by_role[role, rows.kind[groups]], NOTHING)
    reach[groups] = of_groups
    return reach


@lint(
    "dead-by-ceiling",
    "Allowed, and no site role can do it",
    NOTE,
    CONTENT,
    LEADERS,
    why="The site role is the ceiling: who is named here can never do it, and with a higher site role suddenly can.",
    source="Permissions blog: the site role is the maximum; surprise 12",
    ignore="The site roles are about to change.",
    reads=(RULES, MEMBERS),
)
def dead_by_ceiling(audited: Audited) -> Remarks:
    """Allow for a person or group of what no role among them can exercise on that kind, the site's settings aside."""
    exists = audited.parts.tables.applies.astype(np.uint64)[audited.rows.kind] if len(audited.rows.kind) else NOTHING
    allow = audited.rows.allow & ~_reach(audited) & exists & ~audited.leader_mask
    yield audited.by_rows("allows what no site role of those named can do", np.asarray(allow, np.uint64))


@lint(
    "dead-shadowed",
    "Allowed, and always beaten",
    WARNING,
    CONTENT,
    LEADERS,
    why="A Deny for a group beats an Allow for another, and everybody in this one is in that one too: the Allow gives "
    "nobody anything.",
    source="Permissions paper: denial outweighs allowance; tableau's help, evaluate permission rules",
    ignore="Somebody is to join the group who is not in the other.",
    reads=(RULES, MEMBERS),
)
def dead_shadowed(audited: Audited) -> Remarks:
    """Allow for a group all of whose people are in a group that is denied the same on the same list."""
    rows, people = audited.rows, audited.parts.people
    count = int(rows.flavour.max(initial=-1)) + 1
    known = rows.of(GROUP) & (rows.who < len(audited.sizes)) & ~audited.everyone
    known &= audited.sizes[np.where(known, rows.who, 0)] > 0
    denying, allowing = np.flatnonzero(known & (rows.deny != 0)), np.flatnonzero(known & (rows.allow != 0))
    offsets = np.searchsorted(rows.flavour[denying], np.arange(count + 1))
    at, entry = expand(offsets, rows.flavour[allowing])
    give, take = allowing[at], denying[entry]
    both = rows.allow[give] & rows.deny[take]
    fits = (both != 0) & (rows.who[give] != rows.who[take])
    fits &= audited.sizes[rows.who[give]] <= audited.sizes[rows.who[take]]
    give, take, both = give[fits], take[fits], both[fits]
    width = len(audited.sizes)
    pairs, which = np.unique(rows.who[give].astype(np.int64) * width + rows.who[take], return_inverse=True)
    inside = np.zeros(len(pairs), bool)
    for first in range(0, len(pairs), _BLOCK):
        block = pairs[first : first + _BLOCK]
        inside[first : first + _BLOCK] = ~(people.rows[block // width] & ~people.rows[block % width]).any(axis=1)
    allow = np.zeros(len(rows.flavour), np.uint64)
    np.bitwise_or.at(allow, give, np.where(inside[which.reshape(-1)], both, NOTHING))
    yield audited.by_rows("allows a group what all its people are denied by another", allow)


@lint(
    "rule-for-nobody",
    "Rules that speak to nobody",
    NOTE,
    CONTENT,
    LEADERS,
    why="The group is empty or gone: the rule does nothing until somebody joins, whom nobody thought of when it was "
    "made.",
    source="Tableau's help, groups; permissions blog: continual reviews",
    ignore="People are about to join.",
    reads=(RULES, MEMBERS),
)
def rule_for_nobody(audited: Audited) -> Remarks:
    """Rules for empty groups, for group sets that hold nobody, and for whom the site does not know."""
    rows, people, sizes = audited.rows, audited.parts.people, audited.sizes
    some = (rows.allow | rows.deny) != 0
    in_group = rows.of(GROUP) & (rows.who < len(audited.columns.groups.read))
    empty = in_group & (sizes[np.where(in_group, rows.who, 0)] == 0)
    in_set = rows.of(GROUP_SET) & (rows.who < people.n_sets)
    if in_set.any() and not people.some_unread:
        lonely = np.asarray(~people.rows[people.n_groups : people.n_groups + people.n_sets].any(axis=1))
        empty |= in_set & lonely[np.where(in_set, rows.who, 0)]
    counts = np.array([audited.columns.sizes_of[table] for table in ("user", "group", "group_set", "content")])
    gone = some & (rows.who >= counts[rows.grantee & 3])
    for flags, words, mends in (
        (empty, "has rules for a group without people", True),
        (gone, "has rules for whom the site does not know", False),
    ):
        allow, deny = (np.where(flags, masks, NOTHING) for masks in (rows.allow, rows.deny))
        yield audited.by_rows(words, allow, deny, mends=mends)


@lint(
    "retired-capability",
    "Rules of what is retired or unknown",
    NOTE,
    CONTENT,
    LEADERS,
    why="Metrics, lenses and their capabilities are gone, and what this release does not know it cannot judge: such "
    "rules linger and hide those that count.",
    source="Surprise 20",
    ignore="A newer Tableau has the capability, and only this release does not know it.",
    reads=(RULES,),
)
def retired_capability(audited: Audited) -> Remarks:
    """Rules of retired capabilities, and of names that this release does not know."""
    rows, names = audited.rows, audited.vocabulary.capabilities
    retired, unknown = audited.mask(*RETIRED), audited.mask(*(set(names) - CAPABILITIES.keys()))
    kinds = np.isin(rows.kind, [audited.vocabulary.kinds.index(kind) for kind in RETIRED_KINDS])
    masks = np.where(kinds, ~NOTHING, retired)
    yield audited.by_rows("has rules of retired capabilities", rows.allow & masks, rows.deny & masks)
    masks = np.where(kinds, NOTHING, unknown)
    yield audited.by_rows("has rules of capabilities nobody knows", rows.allow & masks, rows.deny & masks, mends=False)


@lint(
    "capability-of-other-kind",
    "Rules of what the kind has not",
    NOTE,
    CONTENT,
    LEADERS,
    why="A table has no Delete, a view no Download Workbook: such a rule does nothing, and misleads whoever reads it.",
    source="Surprise 28",
    ignore="Never.",
    reads=(RULES,),
)
def capability_of_other_kind(audited: Audited) -> Remarks:
    """Rules of capabilities that the kind of the content does not have."""
    rows, has = audited.rows, _of_kind(audited)
    yield audited.by_rows("has rules of what its kind does not have", rows.allow & ~has, rows.deny & ~has, mends=False)


@lint(
    "deny-of-nothing",
    "Denied, and nobody is allowed it",
    NOTE,
    CONTENT,
    LEADERS,
    why="What nobody is allowed is denied already. A Deny that stands alone stops a later Allow, which then seems not "
    "to work.",
    source="The vendor's best practices: grant, do not deny; permissions paper: the default state is to deny",
    ignore="It is a fence against rules that others may add.",
    reads=(RULES,),
)
def deny_of_nothing(audited: Audited) -> Remarks:
    """Deny of what no rule of the same list allows anybody."""
    rows = audited.rows
    allowed = np.zeros(int(rows.flavour.max(initial=-1)) + 1, np.uint64)
    np.bitwise_or.at(allowed, rows.flavour, rows.allow)
    deny = np.where(audited.everyone, NOTHING, rows.deny & ~allowed[rows.flavour] & ~audited.leader_mask)
    yield audited.by_rows("denies what nobody is allowed", np.zeros_like(deny), deny)


@lint(
    "switched-off",
    "Allowed, and the site's settings take it",
    NOTE,
    CONTENT,
    LEADERS,
    why="A setting of the site takes the capability from everybody; when somebody switches it on again, these rules "
    "give it at once.",
    source="Surprise 26",
    ignore="The setting is off for some days only.",
    reads=(RULES, SETTINGS),
)
def switched_off(audited: Audited) -> Remarks:
    """Allow of what a setting of the site takes from everybody."""
    off = np.uint64(audited.parts.tables.off) & audited.mask(*GATED_BY)
    yield audited.by_rows(
        "allows what the site's settings take away", audited.rows.allow & off & _of_kind(audited), mends=False
    )


# -- what several rules do together -------------------------------------------------------------------------------


@lint(
    "overwrite-by-many",
    "Many may overwrite it and become its owner",
    WARNING,
    CONTENT,
    LEADERS,
    why="Who overwrites content becomes its owner, with all that owners may; who owned it before falls back to rules.",
    source="Surprise 10; permissions blog: Save means to trust others to overwrite your workbooks",
    ignore="It is content of a team that works on it together.",
    reads=(RULES, MEMBERS),
)
def overwrite_by_many(audited: Audited) -> Remarks:
    """Overwrite of workbooks, data sources and flows for large groups, All Users apart."""
    rows = audited.rows
    kinds = [audited.vocabulary.kinds.index(kind) for kind in ("workbook", "datasource", "flow")]
    large = rows.of(GROUP) & (rows.who < len(audited.sizes)) & ~audited.everyone & np.isin(rows.kind, kinds)
    large &= audited.sizes[np.where(large, rows.who, 0)] >= audited.knobs.large_group
    yield audited.by_rows(
        "may be overwritten by a large group", np.where(large, rows.allow & audited.mask("Write"), NOTHING)
    )


@lint(
    "overwrite-without-copy",
    "Overwrite that nobody can use in the browser",
    NOTE,
    CONTENT,
    LEADERS,
    why="Who is no owner overwrites by Save As with the same name, which needs Download Workbook/Save a Copy: without "
    "it the Overwrite is of use from Desktop alone.",
    source="Surprise 11; permissions blog: how web edit, save as and save work together",
    ignore="People publish from Desktop.",
    reads=(RULES,),
)
def overwrite_without_copy(audited: Audited) -> Remarks:
    """Workbook rules that allow Web Edit and Overwrite, and Save a Copy to nobody."""
    rows, both = audited.rows, audited.mask("Write", "WebAuthoring")
    allowed = np.zeros(int(rows.flavour.max(initial=-1)) + 1, np.uint64)
    np.bitwise_or.at(allowed, rows.flavour, rows.allow)
    book = rows.kind == audited.vocabulary.kinds.index("workbook")
    idle = book & (rows.allow & both == both) & (allowed[rows.flavour] & audited.mask("ExportXml") == 0)
    yield audited.by_rows(
        "may be overwritten, and not by Save As", np.where(idle, audited.mask("Write"), NOTHING), mends=False
    )


@lint(
    "move-nowhere",
    "Move for people who cannot publish",
    NOTE,
    CONTENT,
    LEADERS,
    why="Moving needs the right to publish at the other end: an Explorer who holds Move can move nothing anywhere.",
    source="Surprise 12",
    ignore="They get another site role soon.",
    reads=(RULES, MEMBERS),
)
def move_nowhere(audited: Audited) -> Remarks:
    """Move for a person or group of whom no site role publishes, though the ceiling has it."""
    rows, move = audited.rows, audited.mask("ChangeHierarchy")
    book = audited.vocabulary.kinds.index("workbook")
    reach = audited.parts.tables.reach.astype(np.uint64)[:, book] & audited.mask("Write") != 0
    users = np.flatnonzero(rows.of(USER) & (rows.who < len(audited.columns.users.role)))
    idle = np.zeros(len(rows.kind), bool)
    idle[users] = ~reach[audited.columns.users.role[rows.who[users]]]
    groups = np.flatnonzero(rows.of(GROUP) & (rows.who < len(audited.sizes)))
    groups = groups[audited.sizes[rows.who[groups]] > 0]
    idle[groups] = ~audited.any_in(reach)[rows.who[groups]]
    yield audited.by_rows(
        "allows Move to people who can publish nowhere", np.where(idle, rows.allow & move & _reach(audited), NOTHING)
    )
