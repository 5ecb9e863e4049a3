"""Lints about how projects are set up: locks, defaults, and how far content deviates from them."""

from __future__ import annotations

import numpy as np

from tabwarden.audit.audited import Audited
from tabwarden.audit.finding import ADMINISTRATORS, CONTENT, LEADERS, NOTE, RULES, SITE, WARNING, Remark, Remarks, lint
from tabwarden.audit.knobs import fits
from tabwarden.effects.change import Change
from tabwarden.effects.ops.content import locked
from tabwarden.effects.ops.several import AssignToContents
from tabwarden.engine.columns import EMPTY_LIST, GROUP, NONE, Array
from tabwarden.engine.governing import OWN, default_lists
from tabwarden.engine.rules import expand
from tabwarden.model.governing import governing
from tabwarden.model.site import CUSTOMIZABLE, LOCKED

SEVERAL = 3


@lint(
    "project-not-locked",
    "Project is not locked",
    NOTE,
    CONTENT,
    LEADERS,
    why="Whoever publishes into it decides who sees what; nobody looks at the whole.",
    source="Permissions blog, summary of best practices: lock project permissions if possible",
    ignore="People are to try things out in it, or owners are trusted to share by themselves.",
)
def project_not_locked(audited: Audited) -> Remarks:
    """Customizable projects that no parent locks and that hold something."""
    sources, contents = audited.parts.sources, audited.contents
    open_ = contents.mode == audited.vocabulary.modes.index(CUSTOMIZABLE)
    free = audited.kind("project") & (sources.level == OWN) & open_ & ~sources.lock_unread
    filled = np.zeros(len(contents.kind) + 1, bool)
    filled[contents.parent[~audited.kind("project")]] = True

    def fix(project: int) -> tuple[Change, ...]:
        return (locked(audited.site, audited.columns.id_of(CONTENT, project), LOCKED),)

    yield Remark("is not locked", np.flatnonzero(free & filled[:-1]), fix=fix)


def _deviating(audited: Audited) -> tuple[Array, Array, Array]:
    """Contents whose own rules count and are not what their project gives new ones; both lists, which were read."""
    sources, contents = audited.parts.sources, audited.contents
    count = len(contents.kind)
    project = np.where((audited.project >= 0) & (audited.project < count), audited.project, NONE)
    of = ~audited.kind("project", "view", "database", "table", "collection")
    rows = np.flatnonzero(of & (sources.level == OWN) & (project != NONE) & (contents.rules != NONE))
    gives = default_lists(audited.columns, project[rows], contents.kind[rows].astype(np.int64))
    differs = (gives != NONE) & (gives != contents.rules[rows])
    return rows[differs], contents.rules[rows[differs]].astype(np.int64), gives[differs]


def _how_far(audited: Audited, mine: Array, gives: Array) -> Array:
    """By how many grantees each pair of lists differs."""
    pairs, which = np.unique(np.stack((mine, gives), axis=1), axis=0, return_inverse=True)
    table, width = audited.columns.rules, len(pairs)
    keys = []
    for side in (0, 1):
        at, row = expand(table.offsets, pairs[:, side])
        keys.append(np.stack((at, table.grantee[row], table.allow[row].view(np.int64), table.deny[row].view(np.int64))))
    both = np.unique(np.concatenate([np.unique(k, axis=1) for k in keys], axis=1), axis=1, return_counts=True)
    alone = both[0][:2, both[1] == 1]
    differing = np.unique(alone, axis=1)[0] if alone.size else np.zeros(0, np.int64)
    return np.bincount(differing, minlength=width)[which.reshape(-1)]


@lint(
    "deviates-from-project",
    "Content deviates from its project",
    WARNING,
    CONTENT,
    LEADERS,
    why="What was set by hand on single content is what nobody remembers, and what a lock would overwrite.",
    source="Permissions paper: projects as security containers, assign to contents; blog: when to lock",
    ignore="The project is customizable because its owners are to decide.",
    reads=(RULES,),
)
def deviates_from_project(audited: Audited) -> Remarks:
    """Own rules that are not the project's default rules, by how far."""
    contents, mine, gives = _deviating(audited)
    if not len(contents):
        return
    far = _how_far(audited, mine, gives)

    def facts(content: int) -> str:
        number = int(far[np.searchsorted(contents, content)])
        return f"for {number} {'grantee' if number == 1 else 'grantees'}"

    def fix(content: int) -> tuple[Change, ...]:
        key = audited.columns.id_of(CONTENT, content)
        project = audited.site.project_of(key)
        assign = AssignToContents(project=project, kinds=(audited.site.contents[key].kind,))
        return tuple(step for step in assign.steps(audited.site) if step.of_content and step.of_content.id == key)

    near = far < SEVERAL
    yield Remark("has other rules than its project gives, for one or two grantees", contents[near], facts, fix, NOTE)
    yield Remark("has other rules than its project gives, for several grantees", contents[~near], facts, fix)


@lint(
    "defaults-not-assigned",
    "Defaults that reached no content",
    WARNING,
    CONTENT,
    LEADERS,
    why="A project's defaults were changed and what was published before kept its rules: in a customizable project "
    "they reach new content alone.",
    source="Permissions paper: always remember to assign to contents; surprise 9",
    ignore="What is older is to stay as it was.",
    reads=(RULES,),
)
def defaults_not_assigned(audited: Audited) -> Remarks:
    """Projects none of whose workbooks (sources, flows), of three or more, has the default rules."""
    contents, _, _ = _deviating(audited)
    kinds, count = len(audited.vocabulary.kinds), len(audited.contents.kind)
    of = ~audited.kind("project", "view", "database", "table", "collection")
    own = np.flatnonzero(of & (audited.parts.sources.level == OWN) & (audited.project >= 0) & (audited.project < count))
    key = audited.project * kinds + audited.contents.kind
    counts, deviating = (np.unique(key[rows], return_counts=True) for rows in (own, contents))
    place = np.minimum(np.searchsorted(deviating[0], counts[0]), max(len(deviating[0]) - 1, 0))
    if not len(deviating[0]):
        return
    all_ = (deviating[0][place] == counts[0]) & (deviating[1][place] == counts[1]) & (counts[1] >= SEVERAL)
    subjects = np.unique(counts[0][all_] // kinds)

    def fix(project: int) -> tuple[Change, ...]:
        return (AssignToContents(project=audited.columns.id_of(CONTENT, project)),)

    yield Remark("has default rules that none of its contents of a kind has", subjects, fix=fix)


@lint(
    "default-project",
    "The Default project follows no strategy",
    WARNING,
    CONTENT,
    ADMINISTRATORS,
    why="Every new project copies Default. Three ways are sound: it denies everything, it lets All Users look and take "
    "nothing away, or it says nothing of All Users.",
    source='Permissions paper: use the "Default" project as a permissions template',
    ignore="New projects are always made from a template of yours.",
    reads=(RULES,),
)
def default_project(audited: Audited) -> Remarks:
    """Default, where All Users have more than looking."""
    key = audited.site.default_project_id
    if key is None:
        return
    number = audited.columns.content_numbers[key]
    flavours = [flavour for flavour, _ in audited.lists_of(number)]
    rows = np.isin(audited.rows.flavour, flavours)
    mine = rows & audited.everyone
    look = audited.mask("Read", "Filter", "ViewComments", "AddComment", "ExportImage", "ExportData", "Connect")
    allow = np.where(mine, audited.rows.allow & ~look, np.uint64(0))
    where = np.arange(len(audited.contents.kind)) == number
    yield audited.by_rows("gives All Users more than looking, and every new project copies it", allow, where=where)
    others = np.where(rows & audited.rows.of(GROUP) & ~mine, audited.rows.allow, np.uint64(0))
    yield audited.by_rows("gives rules to single groups, and every new project copies them", others, where=where)


@lint(
    "default-project-locked",
    "The lock of Default is not copied",
    NOTE,
    CONTENT,
    ADMINISTRATORS,
    why="New projects copy Default's rules once, and not its lock: they are customizable until somebody locks them.",
    source="Surprise 8",
    ignore="You know it, and lock new projects yourselves.",
)
def default_project_locked(audited: Audited) -> Remarks:
    """Default, where it is locked."""
    key = audited.site.default_project_id
    if key is not None and audited.site.contents[key].mode != CUSTOMIZABLE:
        number = audited.columns.content_numbers[key]
        yield Remark("is locked, and new projects will not be", np.array([number]))


@lint(
    "no-test-project",
    "No project to try things in",
    NOTE,
    SITE,
    ADMINISTRATORS,
    why="What is tried on content that people use breaks it for them.",
    source='Permissions paper: create and use a "testing" project',
    ignore="You try things on another site or server, or by `tabwarden whatif`.",
)
def no_test_project(audited: Audited) -> Remarks:
    """A site without any project whose name says test, sandbox or the like."""
    names = audited.words("content_name", np.flatnonzero(audited.kind("project")))
    if names and not any(fits(name, audited.knobs.test_projects) for name in names):
        yield Remark("has no project for trying things out", np.zeros(1, np.int64))


@lint(
    "rules-lost-to-lock",
    "Rules that a lock has made void",
    NOTE,
    CONTENT,
    LEADERS,
    why="Under a lock the managing project's rules count; what stands on the content itself says what is not so, and "
    "comes back when somebody unlocks.",
    source="Surprise 7",
    ignore="The lock is for some days only.",
    reads=(RULES,),
)
def rules_lost_to_lock(audited: Audited) -> Remarks:
    """Own rules under a lock that are not those that count."""
    sources, contents = audited.parts.sources, audited.contents
    under_lock = (sources.level != OWN) & (sources.lock != NONE) & (sources.rules != NONE)
    under_lock &= ~audited.kind("project", "view")  # a view follows its workbook, without what views have not
    differ = (contents.rules != NONE) & (contents.rules != EMPTY_LIST) & (contents.rules != sources.rules)

    def facts(content: int) -> str:
        key = audited.columns.id_of(CONTENT, content)
        return f"those of {audited.site.path(governing(audited.site, key).holder)} count"

    yield Remark("keeps rules of its own that a lock has made void", np.flatnonzero(under_lock & differ), facts)
