"""Lints about owners of content who are gone, asleep or cannot act."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tabwarden.audit.audited import Audited
from tabwarden.audit.finding import (
    ADMINISTRATORS,
    CONTENT,
    ERROR,
    NOTE,
    RULES,
    USE,
    USER,
    WARNING,
    Remark,
    Remarks,
    lint,
)
from tabwarden.effects.change import Change
from tabwarden.effects.ops.content import owned
from tabwarden.engine.columns import NONE, Array
from tabwarden.engine.governing import PERSONAL_SPACE
from tabwarden.engine.rules import distinct
from tabwarden.model.roles import is_licensed, publishes
from tabwarden.model.usage import ALERT, SUBSCRIPTION


def _owned(audited: Audited, judge: Callable[[str], object] | None) -> Array:
    """Contents (views apart, which have their workbook's owner) whose owner's role is so; None: who is not there."""
    owner, count = audited.contents.owner, audited.parts.people.count
    there = owner < count
    so = ~there if judge is None else np.append(audited.role_is(judge), False)[np.minimum(owner, count)]
    return np.flatnonzero(so & ~audited.kind("view"))


def _whose(audited: Audited) -> Callable[[int], str]:
    return lambda content: f"owner {audited.written(USER, int(audited.contents.owner[content]))}"


def _to_project_owner(audited: Audited) -> Callable[[int], tuple[Change, ...]]:
    """Content goes to who owns its project, a project to who owns the one above, where he can own it."""

    def fix(content: int) -> tuple[Change, ...]:
        site, key = audited.site, audited.columns.id_of(CONTENT, content)
        projects = [site.contents[c] for c in list(site.ancestors(key))[1:] if site.contents[c].kind == "project"]
        heirs = (site.users.get(project.owner) for project in projects)
        heir = next((h for h in heirs if h is not None and publishes(h.site_role) != "no"), None)
        return () if heir is None else (owned(site, key, heir.id),)

    return fix


@lint(
    "owner-unlicensed",
    "Owner without a licence",
    WARNING,
    CONTENT,
    ADMINISTRATORS,
    why="He cannot sign in: nobody answers for the content, and with a new licence all he owned and was allowed is his "
    "again.",
    source="Surprises 5 and 6; paper on Active Directory: reassign the content before the account goes",
    ignore="He gets a licence at his next sign-in.",
)
def owner_unlicensed(audited: Audited) -> Remarks:
    """Content and projects whose owner is Unlicensed."""
    subjects = _owned(audited, lambda role: role == "Unlicensed")
    yield Remark("belongs to somebody without a licence", subjects, _whose(audited), _to_project_owner(audited))


@lint(
    "owner-gone",
    "Owner who is not on the site",
    ERROR,
    CONTENT,
    ADMINISTRATORS,
    why="The content belongs to nobody whom the site knows.",
    source="Paper on Active Directory: audit and reassign content before an account is removed",
    ignore="The snapshot is of some projects alone, and people were not read.",
)
def owner_gone(audited: Audited) -> Remarks:
    """Content and projects whose owner is no user of the site."""
    yield Remark("belongs to nobody on the site", _owned(audited, None), _whose(audited), _to_project_owner(audited))


@lint(
    "owner-cannot-act",
    "Owner whose site role cannot act",
    NOTE,
    CONTENT,
    ADMINISTRATORS,
    why="A lower site role leaves what one owns and leads, and takes what one could do with it; with the role it comes "
    "back.",
    source="Surprise 5; permissions blog: the site role is the ceiling",
    ignore="He owned it before, looks at it, and somebody leads the project.",
)
def owner_cannot_act(audited: Audited) -> Remarks:
    """Content and projects whose owner has a licence that does not publish."""
    subjects = _owned(audited, lambda role: is_licensed(role) and publishes(role) == "no")
    yield Remark("has an owner whose site role does not publish", subjects, _whose(audited), _to_project_owner(audited))


@lint(
    "orphaned-content",
    "Content that nobody looks after",
    ERROR,
    CONTENT,
    ADMINISTRATORS,
    why="Its owner cannot sign in or is gone and nobody leads a project above: but for administrators nobody can mend, "
    "share or delete it.",
    source="Surprise 6; permissions paper: create a project leader for each project",
    ignore="It is kept for the record, and nobody is to change it.",
    reads=(RULES,),
)
def orphaned_content(audited: Audited) -> Remarks:
    """Content without a licensed owner, in a project without a leader and without a licensed owner above."""
    powers, count = audited.parts.powers, audited.parts.people.count
    licensed = np.append(audited.role_is(is_licensed), False)
    ruled = licensed[np.minimum(powers.owner, count)]
    ruled[powers.leaders.project[powers.leaders.allow]] = True
    powers.flow_down(ruled)
    unread = np.zeros(len(ruled), bool)
    unread[audited.contents.rules[powers.contents] == NONE] = True
    powers.flow_down(unread)
    row = audited.parts.project_row
    inside = (row >= 0) & (row < len(ruled))
    alone = inside & ~(ruled | unread)[np.where(inside, row, 0)] if len(ruled) else inside
    asleep = ~licensed[np.minimum(audited.contents.owner, count)] & ~audited.kind("view", "project")
    yield Remark("has nobody who looks after it", np.flatnonzero(asleep & alone), _whose(audited))


@lint(
    "orphaned-personal-space",
    "Personal Space of somebody who cannot sign in",
    NOTE,
    CONTENT,
    ADMINISTRATORS,
    why="What lies in a Personal Space is its owner's alone: nobody else ever sees it again.",
    source="Surprise 27",
    ignore="He comes back.",
)
def orphaned_personal_space(audited: Audited) -> Remarks:
    """Workbooks and the like in no project, whose owner has no licence or is gone."""
    level = audited.parts.sources.level == PERSONAL_SPACE
    licensed = np.append(audited.role_is(is_licensed), False)
    asleep = ~licensed[np.minimum(audited.contents.owner, audited.parts.people.count)]
    yield Remark(
        "lies in the Personal Space of somebody who cannot sign in",
        np.flatnonzero(level & asleep & ~audited.kind("view")),
        _whose(audited),
    )


@lint(
    "orphaned-subscription",
    "Subscriptions and alerts of people without a licence",
    WARNING,
    USER,
    ADMINISTRATORS,
    why="Mails with data go on to somebody who may not open it, or fail each time.",
    source="Tableau Blueprint, weekly checks: inactive users; surprise 6",
    ignore="Tableau has suspended them, and somebody is about to delete them.",
    reads=(USE,),
)
def orphaned_subscription(audited: Audited) -> Remarks:
    """People without a licence to whom a subscription or data alert goes."""
    numbers, licensed = audited.columns.user_numbers, audited.role_is(is_licensed)
    last = max((row.day for row in audited.usage or ()), default="")
    rows = [row for row in audited.usage or () if row.day == last and row.what in (SUBSCRIPTION, ALERT)]
    users = [numbers[row.user] for row in rows if row.user in numbers and not licensed[numbers[row.user]]]
    yield Remark("has no licence and still gets subscriptions or alerts", distinct(np.array(users, np.int64)))
