"""Lints about rules for All Users, who are everybody with an account."""

from __future__ import annotations

import numpy as np

from tabwarden.audit.audited import NOTHING, Audited
from tabwarden.audit.finding import CONTENT, ERROR, LEADERS, NOTE, RULES, WARNING, Remarks, lint
from tabwarden.engine.columns import GROUP

TAKES_AWAY = ("ExportXml", "ViewUnderlyingData", "ExportData")
CHANGES = ("Write", "Delete", "ChangePermissions", "ChangeHierarchy", "WebAuthoringForFlows", "Execute")


@lint(
    "open-to-all",
    "Open to All Users",
    WARNING,
    CONTENT,
    LEADERS,
    why="A rule for All Users lets in everybody who will ever have an account. Beside rules for groups it makes those "
    "worthless, which hardly anybody means.",
    source="Permissions paper, the Default project; the vendor's best practices: empty the All Users rule",
    ignore="It is meant for everybody: name the project among `lint.public_projects` of the settings.",
    reads=(RULES,),
)
def open_to_all(audited: Audited) -> Remarks:
    """Allow for All Users outside of Default and of projects that are public; worse where groups have rules beside."""
    rows, everyone = audited.rows, audited.everyone
    narrower = np.zeros(int(rows.flavour.max(initial=-1)) + 1, np.uint64)
    beside = rows.of(GROUP) & ~everyone
    np.bitwise_or.at(narrower, rows.flavour[beside], rows.allow[beside])
    allow = np.where(everyone, rows.allow & ~audited.leader_mask, NOTHING)
    in_vain = np.where(narrower[rows.flavour] & allow != 0, allow, NOTHING)
    closed = audited.is_closed
    yield audited.by_rows(
        "is open to All Users, so that its rules for groups are in vain", in_vain, where=closed, severity=ERROR
    )
    yield audited.by_rows("is open to All Users", np.where(in_vain != 0, NOTHING, allow), where=closed)


@lint(
    "all-users-denied",
    "Deny for All Users",
    ERROR,
    CONTENT,
    LEADERS,
    why="A Deny for All Users takes it from everybody; no Allow for a group undoes that, only one for a person does. "
    "To close something, leave it Unspecified.",
    source="Surprise 2; permissions paper: denial outweighs allowance",
    ignore="Never: what nobody is allowed is closed without it.",
    reads=(RULES,),
)
def all_users_denied(audited: Audited) -> Remarks:
    """Deny for All Users."""
    rows, everyone = audited.rows, audited.everyone
    allowed = np.zeros(int(rows.flavour.max(initial=-1)) + 1, np.uint64)
    np.bitwise_or.at(allowed, rows.flavour[~everyone], rows.allow[~everyone])
    deny = np.where(everyone, rows.deny, NOTHING)
    worthless = np.where(allowed[rows.flavour] & deny != 0, deny, NOTHING)
    none = np.zeros_like(deny)
    yield audited.by_rows("denies All Users what it allows others, who do not get it", none, worthless)
    rest = np.where(worthless != 0, NOTHING, deny)
    yield audited.by_rows("denies something to All Users", none, rest, severity=WARNING)


@lint(
    "all-users-take-data",
    "All Users may take data away",
    ERROR,
    CONTENT,
    LEADERS,
    why="Whoever has an account can carry full data or the whole workbook out of Tableau, where no rule reaches it.",
    source="Permissions paper, the Default project: no underlying data and no download for all",
    ignore="The data is public anyway: name the project among `lint.public_projects` of the settings.",
    reads=(RULES,),
)
def all_users_take_data(audited: Audited) -> Remarks:
    """Download of workbooks and full data for All Users; summary data counts less."""
    rows, everyone, closed = audited.rows, audited.everyone, audited.is_closed
    full, summary = audited.mask(*TAKES_AWAY[:2]), audited.mask(TAKES_AWAY[2])
    allow = np.where(everyone, rows.allow & full, NOTHING)
    yield audited.by_rows("lets All Users take full data or copies away", allow, where=closed)
    less = np.where(everyone & (allow == 0), rows.allow & summary, NOTHING)
    yield audited.by_rows("lets All Users take summary data away", less, where=audited.is_closed, severity=NOTE)


@lint(
    "all-users-change",
    "All Users may change it",
    ERROR,
    CONTENT,
    LEADERS,
    why="Everybody whose site role allows it can overwrite, delete or move it, or change who may see it.",
    source="Surprise 10: overwriting makes one the owner; permissions blog: Save means to trust others",
    ignore="It is a playground, and nothing in it matters.",
    reads=(RULES,),
)
def all_users_change(audited: Audited) -> Remarks:
    """Overwrite, Delete, Move, Set Permissions for All Users."""
    rows = audited.rows
    allow = np.where(audited.everyone, rows.allow & audited.mask(*CHANGES), NOTHING)
    yield audited.by_rows("lets All Users change it", allow)
