"""Lints about rules that name a person where a group is meant."""

from __future__ import annotations

import numpy as np

from tabwarden.audit.audited import NOTHING, Audited
from tabwarden.audit.finding import CONTENT, LEADERS, MEMBERS, NOTE, RULES, WARNING, Remarks, lint
from tabwarden.engine.columns import GROUP, NONE, USER
from tabwarden.engine.rules import expand
from tabwarden.model.roles import is_admin


@lint(
    "rules-for-persons",
    "Rules for persons",
    WARNING,
    CONTENT,
    LEADERS,
    why="A rule for one person stays when the person changes department, and nobody who looks at groups sees it.",
    source="Permissions blog, summary of best practices: permission groups, not users",
    ignore="The person is a service account, or the rule ends soon and somebody looks after it.",
    reads=(RULES,),
)
def rules_for_persons(audited: Audited) -> Remarks:
    """Rules for users, leaders apart: to name one person who leads is what the papers advise."""
    rows = audited.rows
    of_user, others = rows.of(USER), ~audited.leader_mask
    allow, deny = (np.where(of_user, masks & others, NOTHING) for masks in (rows.allow, rows.deny))
    yield audited.by_rows("has rules for persons", allow, deny)


@lint(
    "person-beats-deny",
    "A person's Allow beats a group's Deny",
    WARNING,
    CONTENT,
    LEADERS,
    why="A rule for a person is decided before all rules for groups, so this Allow lets in whom a Deny keeps out.",
    source="Surprises 2 and 3; permissions paper, precedence: user before group",
    ignore="The exception is meant; then write down why, and until when.",
    reads=(RULES, MEMBERS),
)
def person_beats_deny(audited: Audited) -> Remarks:
    """Allow for a user, Deny of the same for a group that he is in, on one list."""
    rows = audited.rows
    count = int(rows.flavour.max(initial=-1)) + 1
    denying = np.flatnonzero(rows.of(GROUP) & (rows.deny != 0))
    offsets = np.searchsorted(rows.flavour[denying], np.arange(count + 1))
    users = np.flatnonzero(rows.of(USER) & (rows.allow != 0))
    at, entry = expand(offsets, rows.flavour[users])
    user, deny = users[at], denying[entry]
    both = rows.allow[user] & rows.deny[deny]
    both[~audited.is_in(rows.who[user], rows.who[deny])] = NOTHING
    allow = np.zeros(len(rows.flavour), np.uint64)
    np.bitwise_or.at(allow, user, both)
    yield audited.by_rows("lets a person in past a Deny for his group", allow)


@lint(
    "deny-on-owner",
    "Deny on the owner",
    NOTE,
    CONTENT,
    LEADERS,
    why="An owner may do everything with what he owns, whatever a rule says: the Deny is noise that misleads.",
    source="Surprise 4; permissions paper: a publisher has absolute control over his workbooks",
    ignore="The owner is about to change, and the Deny is meant for then.",
    reads=(RULES,),
)
def deny_on_owner(audited: Audited) -> Remarks:
    """A Deny for the user who owns the content that keeps it."""
    rows = audited.rows
    place, row = audited.spread(rows.of(USER) & (rows.deny != 0))
    holder = audited.lists.holder[place]
    owns = (audited.contents.owner[holder] == rows.who[row]) & ~audited.lists.is_default[place]
    deny = np.zeros(len(rows.flavour), np.uint64)
    deny[row[owns]] = rows.deny[row[owns]]
    owned = np.zeros(len(audited.contents.kind), bool)
    owned[holder[owns]] = True
    yield audited.by_rows("denies something to its own owner", np.zeros_like(deny), deny, where=owned)


@lint(
    "deny-on-administrator",
    "Deny on an administrator",
    NOTE,
    CONTENT,
    LEADERS,
    why="Administrators may do everything on the site; a rule that denies one something changes nothing.",
    source="Surprise 24; permissions paper: administrators are above all other settings",
    ignore="Somebody keeps it for the day on which the person is no administrator any more.",
    reads=(RULES,),
)
def deny_on_administrator(audited: Audited) -> Remarks:
    """A Deny for a user who administers the site."""
    rows, admins = audited.rows, np.append(audited.role_is(is_admin), False)
    who = np.where(rows.of(USER) & (rows.who < len(admins) - 1), rows.who, NONE)
    deny = np.where(admins[who], rows.deny, NOTHING)
    yield audited.by_rows("denies something to an administrator", np.zeros_like(deny), deny)
