"""Lints about groups and group sets."""

from __future__ import annotations

import numpy as np

from tabwarden.audit.audited import Audited
from tabwarden.audit.finding import (
    ADMINISTRATORS,
    EVERY_RULE,
    GROUP,
    GROUP_SET,
    MEMBERS,
    NOTE,
    RULES,
    USER,
    WARNING,
    Remark,
    Remarks,
    lint,
)
from tabwarden.effects.change import Change
from tabwarden.effects.ops.groups import DeleteGroup
from tabwarden.engine import columns as c
from tabwarden.engine.columns import NONE, Array
from tabwarden.engine.rules import distinct, hashed, summed
from tabwarden.model.capability import TEMPLATES
from tabwarden.model.roles import is_licensed, rank
from tabwarden.model.site import LOCAL, ON_LOGIN


def _count(audited: Audited) -> int:
    return len(audited.columns.groups.read)


@lint(
    "large-group-more-than-view",
    "Large group with more than View",
    WARNING,
    GROUP,
    ADMINISTRATORS,
    why="Web Edit, downloads and overwriting for so many people are rarely meant for each of them.",
    source="Permissions blog: plan your permissions, continual reviews",
    ignore="The group is the company, and the projects are for all of it.",
    reads=(RULES, MEMBERS),
)
def large_group_more_than_view(audited: Audited) -> Remarks:
    """Groups of `lint.large_group` people or more, All Users apart, with rules beyond the template View."""
    rows, names = audited.rows, audited.vocabulary.kinds
    view = np.array([int(audited.mask(*TEMPLATES.get(kind, {}).get("View", ()))) for kind in names], np.uint64)
    large = rows.of(c.GROUP) & (rows.who < _count(audited)) & ~audited.everyone
    large &= audited.sizes[np.where(large, rows.who, 0)] >= audited.knobs.large_group
    more = large & (rows.allow & ~view[rows.kind] & ~audited.leader_mask != 0)
    _, row = audited.spread(more)
    groups, number = np.unique(rows.who[row].astype(np.int64), return_counts=True)

    def facts(group: int) -> str:
        at = int(np.searchsorted(groups, group))
        return f"{int(audited.sizes[group]):,} people, on {int(number[at]):,} lists of rules"

    yield Remark("is large and has more than View", groups, facts)


@lint(
    "same-people",
    "Groups of the same people",
    NOTE,
    GROUP,
    ADMINISTRATORS,
    why="Two groups of the same people have two sets of rules; who joins one gets half of what was meant.",
    source="Permissions blog: permission groups, plan your permissions",
    ignore="They are of the same people by chance, or one is of the directory.",
    reads=(MEMBERS,),
)
def same_people(audited: Audited) -> Remarks:
    """Groups of two or more people whose members are the same."""
    groups, sizes = audited.columns.groups, audited.sizes[: _count(audited)]
    marks = summed(groups.offsets, hashed(groups.members))
    some = np.flatnonzero((sizes > 1) & ~groups.everyone)
    order = some[np.lexsort((sizes[some], marks[some]))]
    alike = (marks[order][1:] == marks[order][:-1]) & (sizes[order][1:] == sizes[order][:-1])
    twins = np.unique(np.concatenate((order[1:][alike], order[:-1][alike])))

    def facts(group: int) -> str:
        others = twins[(marks[twins] == marks[group]) & (twins != group)]
        names = ", ".join(audited.written(GROUP, other) for other in others[:3].tolist())
        return f"{int(sizes[group])} people, as {names}"

    yield Remark("has the same people as another group", twins, facts)


@lint(
    "unused-group",
    "Group that nothing uses",
    NOTE,
    GROUP,
    ADMINISTRATORS,
    why="No rule names it, no set holds it, it grants no site role: it looks as if it gave something.",
    source="Permissions blog: continual reviews",
    ignore="Filters in workbooks ask for it (ISMEMBEROF), or it is new.",
    reads=(EVERY_RULE,),
)
def unused_group(audited: Audited) -> Remarks:
    """Groups that no rule list names, that are in no set, grant nothing and let nobody in on demand."""
    used, site = np.zeros(_count(audited), bool), audited.site
    codes = audited.columns.rules.grantee
    for numbers in (codes[(codes & 3) == c.GROUP] >> 2, audited.columns.group_sets.groups):
        used[numbers[numbers < len(used)]] = True
    names = audited.columns.names
    used |= audited.columns.groups.everyone | (names.group_minimum_site_role != NONE)
    for group in site.on_demand:
        if group in audited.columns.group_numbers:
            used[audited.columns.group_numbers[group]] = True

    def fix(group: int) -> tuple[Change, ...]:
        key = audited.columns.id_of(GROUP, group)
        return (DeleteGroup.on(site, key),) if site.groups[key].domain.casefold() == LOCAL else ()

    def facts(group: int) -> str:
        return f"{max(int(audited.sizes[group]), 0):,} people"

    yield Remark("is named by no rule and grants nothing", np.flatnonzero(~used), facts, fix)


@lint(
    "set-with-empty-group",
    "Group set with an empty group",
    WARNING,
    GROUP_SET,
    ADMINISTRATORS,
    why="A set holds who is in all of its groups: with an empty one nobody, and its Denies stop nobody. When somebody "
    "deletes the empty group, the set is suddenly wide.",
    source="Surprise 19",
    ignore="People are about to join the empty group.",
    reads=(MEMBERS,),
)
def set_with_empty_group(audited: Audited) -> Remarks:
    """Sets one of whose groups has nobody, and sets without any group."""
    sets, people = audited.columns.group_sets, audited.parts.people
    count = len(sets.offsets) - 1
    of = np.repeat(np.arange(count), np.diff(sets.offsets))
    empty = audited.sizes[np.minimum(sets.groups, len(audited.sizes) - 1)] == 0

    def facts(group_set: int) -> str:
        groups = sets.groups[sets.offsets[group_set] : sets.offsets[group_set + 1]]
        nobody = [int(group) for group in groups if audited.sizes[group] == 0]
        rest = [int(group) for group in groups if audited.sizes[group] != 0]
        bits = np.bitwise_and.reduce(people.rows[rest], axis=0) if rest else people.no_bits
        names = ", ".join(audited.written(GROUP, group) for group in nobody)
        return f"{names} has nobody; without it the set would hold {len(people.ids(bits)):,}"

    yield Remark("holds nobody, for one of its groups is empty", distinct(of[empty]), facts)
    yield Remark("has no group and holds nobody", np.flatnonzero(np.diff(sets.offsets) == 0))


@lint(
    "on-demand-access",
    "Group through which an application lets people in",
    NOTE,
    GROUP,
    ADMINISTRATORS,
    why="Through it an embedding application lets in people in whom no snapshot holds: who sees the content is not to "
    "be read from the site.",
    source="Tableau's help, on-demand access",
    ignore="It is meant, and the application is yours.",
)
def on_demand_access(audited: Audited) -> Remarks:
    """Groups with on-demand access."""
    numbers = audited.columns.group_numbers
    groups = sorted(numbers[group] for group in audited.site.on_demand if group in numbers)
    yield Remark("lets in people who are not on the site", np.array(groups, np.int64))


@lint(
    "role-below-group",
    "Site role below what a group gives",
    NOTE,
    USER,
    ADMINISTRATORS,
    why="At the next sign-in or synchronisation Tableau gives the role again: a role that was lowered by hand does not "
    "stay lowered.",
    source="Surprise 23; paper on Active Directory: the role is kept when somebody leaves the group",
    ignore="He has not signed in yet, and is to get the role then.",
    reads=(MEMBERS,),
)
def role_below_group(audited: Audited) -> Remarks:
    """People with a licence whose site role is lower than the minimum of a group they are in."""
    roles, granted = audited.vocabulary.roles, audited.words("group_minimum_site_role")
    ranks = np.array([rank(role) if is_licensed(role) and rank(role) is not None else 99 for role in roles], np.int64)
    least = np.array([rank(role) or 0 if role else 0 for role in granted], np.int64)
    groups, users = audited.parts.people.memberships
    low = least[groups] > ranks[audited.columns.users.role[users]]
    by_user = {int(u): int(g) for g, u in zip(groups[low].tolist(), users[low].tolist(), strict=True)}

    def facts(user: int) -> str:
        group = by_user[user]
        role = roles[int(audited.columns.users.role[user])]
        return f"{role}, and group {audited.written(GROUP, group)} gives {granted[group]}"

    yield Remark("has a lower site role than his group gives", np.array(sorted(by_user), np.int64), facts)


def _named_by_rules(audited: Audited) -> Array:
    """Of each user whether a rule names him."""
    named = np.zeros(audited.parts.people.count, bool)
    codes = audited.columns.rules.grantee
    users = codes[(codes & 3) == c.USER] >> 2
    named[users[users < len(named)]] = True
    return named


@lint(
    "unlicensed-with-rights",
    "Unlicensed people who keep rights",
    NOTE,
    USER,
    ADMINISTRATORS,
    why="Without a licence they see nothing; with a new one everything is theirs again, whatever they do by then.",
    source="Surprise 6; paper on Active Directory: removed people stay on the server",
    ignore="They get a licence at their next sign-in, or come back.",
    reads=(MEMBERS,),
)
def unlicensed_with_rights(audited: Audited) -> Remarks:
    """Unlicensed people whom rules name or who are in groups, none of which gives a site role on sign-in."""
    people, modes = audited.parts.people, audited.words("group_grant_on")
    grants = np.array([mode == ON_LOGIN for mode in modes], np.bool_)
    groups, users = people.memberships
    waiting, member = np.zeros(people.count, bool), np.zeros(people.count, bool)
    waiting[users[grants[groups]]] = member[users] = True
    asleep = audited.role_is(lambda role: role == "Unlicensed") & ~waiting
    yield Remark(
        "has no licence, and rules or groups that wait for one",
        np.flatnonzero(asleep & (member | _named_by_rules(audited))),
    )
