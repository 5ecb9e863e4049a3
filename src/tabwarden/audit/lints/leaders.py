"""Lints about who leads and owns projects."""

from __future__ import annotations

import numpy as np

from tabwarden.audit.audited import NOTHING, Audited
from tabwarden.audit.finding import (
    ADMINISTRATORS,
    CONTENT,
    LEADERS,
    MEMBERS,
    NOTE,
    RULES,
    WARNING,
    Remark,
    Remarks,
    lint,
)
from tabwarden.effects.change import Change
from tabwarden.effects.ops.content import SetDescription
from tabwarden.effects.ops.rules import Unlead
from tabwarden.engine.columns import GRANTEE_KINDS, GROUP, NONE, NUMBERED, USER, Array
from tabwarden.engine.governing import OWN
from tabwarden.engine.rules import expand
from tabwarden.model.capability import LEADER
from tabwarden.model.names import same
from tabwarden.model.roles import is_admin, is_licensed, publishes
from tabwarden.model.site import ALLOW, Grantee, Rule


def _led(audited: Audited) -> Array:
    """Of each project (row of `powers`) whether it or a parent has a leader."""
    powers = audited.parts.powers
    led = np.zeros(len(powers.contents), bool)
    led[powers.leaders.project[powers.leaders.allow]] = True
    return powers.flow_down(led)


@lint(
    "no-leader",
    "Project without a leader",
    NOTE,
    CONTENT,
    ADMINISTRATORS,
    why="Nobody but its owner and administrators can set permissions in it, change owners or refresh when somebody is "
    "away.",
    source="Permissions paper: create a project leader for each project; blog: assign project leaders",
    ignore="Its owner is there, does it, and somebody stands in for him.",
    reads=(RULES,),
)
def no_leader(audited: Audited) -> Remarks:
    """Projects that lead to nobody: no leader on them nor on a project above."""
    read = audited.contents.rules[audited.parts.powers.contents] != NONE
    yield Remark("has no project leader", audited.parts.powers.contents[~_led(audited) & read])


@lint(
    "leader-not-named",
    "Description names no leader",
    NOTE,
    CONTENT,
    LEADERS,
    why="Whoever wants access does not know whom to ask.",
    source="Permissions paper: edit the project description to include the leader's name and email",
    ignore="Somewhere else says whom to ask.",
)
def leader_not_named(audited: Audited) -> Remarks:
    """Projects at the top with leaders or an owner, none of whom the description names by user name, name or mail."""
    site, powers = audited.site, audited.parts.powers
    rows = np.flatnonzero(powers.parent == NONE)
    descriptions = audited.words("content_description", powers.contents[rows])
    full = audited.words("user_full_name")
    emails, names = audited.words("user_email"), audited.words("user_name")
    groups = audited.words("group_name")
    leaders: dict[int, list[int]] = {}
    allowed = powers.leaders.allow
    pairs = zip(powers.leaders.project[allowed].tolist(), powers.leaders.grantee[allowed].tolist(), strict=True)
    for project, code in pairs:
        leaders.setdefault(project, []).append(code)
    silent = []
    for row, description in zip(rows.tolist(), descriptions, strict=True):
        content, text = int(powers.contents[row]), same(description)
        codes = [*leaders.get(row, ()), int(powers.owner[row]) * 4 + USER]
        words = {w for code in codes for w in _called(code, (names, full, emails), groups)}
        if not any(same(word) in text for word in words if word):
            silent.append(content)

    def fix(content: int) -> tuple[Change, ...]:
        key = audited.columns.id_of(CONTENT, content)
        thing = site.contents[key]
        owner = site.users.get(thing.owner)
        if owner is None:
            return ()
        whom = f"{owner.full_name or owner.name}{' <' + owner.email + '>' if owner.email else ''}"
        return (SetDescription.on(site, key, f"{thing.description} Ask {whom}.".strip()),)

    yield Remark("names no leader and no owner in its description", np.array(silent, np.int64), fix=fix)


def _called(code: int, users: tuple[list[str], ...], groups: list[str]) -> list[str]:
    number, kind = code >> 2, code & 3
    if kind == USER:
        return [column[number] for column in users if number < len(column)]
    return [groups[number]] if kind == GROUP and number < len(groups) else []


@lint(
    "leader-cannot-act",
    "Leader who cannot act",
    WARNING,
    CONTENT,
    ADMINISTRATORS,
    why="A leader whose site role does not publish can neither create, move nor overwrite anything; one without a "
    "licence can nothing at all.",
    source="Surprise 15; permissions blog: the site role is the ceiling",
    ignore="He only grants permissions, or gets another site role soon.",
    reads=(RULES, MEMBERS),
)
def leader_cannot_act(audited: Audited) -> Remarks:
    """Leaders whose site role does not publish: persons, and groups in which nobody's does."""
    rows, able = audited.rows, audited.role_is(lambda role: publishes(role) != "no")
    roles = np.array([publishes(role) != "no" for role in audited.vocabulary.roles], np.bool_)
    leads = rows.allow & audited.leader_mask
    users = rows.of(USER) & (rows.who < len(able))
    persons = users & ~np.append(able, True)[np.where(users, rows.who, len(able))]
    in_groups = rows.of(GROUP) & (rows.who < len(audited.sizes))
    number = np.where(in_groups, rows.who, 0)
    groups = in_groups & (audited.sizes[number] > 0) & ~audited.any_in(roles)[number]
    yield audited.by_rows("is led by a person whose site role cannot act", np.where(persons, leads, NOTHING))
    yield audited.by_rows("is led by a group in which nobody's site role can act", np.where(groups, leads, NOTHING))


@lint(
    "leaders-by-group",
    "Leaders come and go by a group",
    NOTE,
    CONTENT,
    LEADERS,
    why="Whoever is put into the group administers the project from that moment, and no rule was changed.",
    source="Surprise 15",
    ignore="The group is for leaders alone, small, and somebody looks after its members.",
    reads=(RULES, MEMBERS),
)
def leaders_by_group(audited: Audited) -> Remarks:
    """Leadership of a group of more people than a large group has, or of All Users."""
    rows = audited.rows
    in_groups = rows.of(GROUP) & (rows.who < len(audited.sizes))
    large = audited.sizes[np.where(in_groups, rows.who, 0)] >= audited.knobs.large_group
    leads = rows.allow & audited.leader_mask
    yield audited.by_rows("is led by a large group", np.where(in_groups & large & ~audited.everyone, leads, NOTHING))
    yield audited.by_rows("is led by everybody", np.where(audited.everyone, leads, NOTHING), severity=WARNING)


@lint(
    "leader-repeated",
    "Leader who leads from above already",
    NOTE,
    CONTENT,
    LEADERS,
    why="Leadership flows down: this rule adds nothing, and whoever removes the one above believes that it is over.",
    source="Surprise 16",
    ignore="He is to stay leader here when he is none above any more.",
    reads=(RULES,),
)
def leader_repeated(audited: Audited) -> Remarks:
    """A leader rule for somebody whom a project above names leader too."""
    powers, table = audited.parts.powers, audited.columns.rules
    project, row = expand(table.offsets, audited.contents.rules[powers.contents].astype(np.int64))
    leads = table.allow[row] & audited.mask(LEADER) != 0  # an inherited leader is the echo of a rule above
    project, grantee = project[leads], table.grantee[row[leads]]
    width = int(grantee.max(initial=0)) + 1
    keys, above, again = project * width + grantee, powers.parent[project], np.zeros(len(project), bool)
    while (above != NONE).any():
        again |= (above != NONE) & np.isin(above * width + grantee, keys)
        above = np.where(above == NONE, NONE, powers.parent[above])
    project, grantee = project[again], grantee[again]
    subjects = np.unique(powers.contents[project])

    def codes(content: int) -> list[int]:
        return [int(code) for code in grantee[project == powers.row[content]]]

    def facts(content: int) -> str:
        return ", ".join(map(audited.grantee, codes(content)))

    def fix(content: int) -> list[Change]:
        key, site = audited.columns.id_of(CONTENT, content), audited.site
        grantees = [
            Grantee(GRANTEE_KINDS[c & 3], audited.columns.id_of(NUMBERED[c & 3], c >> 2)) for c in codes(content)
        ]
        rules = site.contents[key].rules or ()
        return [Unlead(key, grantee) for grantee in grantees if Rule(grantee, LEADER, ALLOW) in rules]

    yield Remark("names a leader who leads it from above already", subjects, facts, fix)


@lint(
    "leader-denied",
    "Deny of project leader",
    NOTE,
    CONTENT,
    LEADERS,
    why="Leadership is given or not; a Deny of it is left over from older versions and does nothing.",
    source="Surprise 21",
    ignore="Never.",
    reads=(RULES,),
)
def leader_denied(audited: Audited) -> Remarks:
    """Deny rows of the leader's capability."""
    deny = audited.rows.deny & audited.leader_mask
    yield audited.by_rows("denies somebody to lead it", np.zeros_like(deny), deny)


@lint(
    "owner-under-lock",
    "Owner who cannot set permissions",
    NOTE,
    CONTENT,
    ADMINISTRATORS,
    why="Under the lock of a project above, the owner of a nested project cannot change who may do what in it, though "
    "he is told that he owns it.",
    source="Surprise 17",
    ignore="That is what the lock is for, and the owner knows.",
)
def owner_under_lock(audited: Audited) -> Remarks:
    """Nested projects that a parent governs, whose owner is no administrator and owns no project above."""
    powers, sources = audited.parts.powers, audited.parts.sources
    nested = np.flatnonzero(sources.level[powers.contents] != OWN)
    admins = np.append(audited.role_is(lambda role: is_admin(role) or not is_licensed(role)), True)
    owner = powers.owner[nested]
    mine = ~admins[np.minimum(owner, len(admins) - 1)]
    above = powers.parent[nested]
    while (above != NONE).any():
        mine &= (above == NONE) | (powers.owner[above] != owner)
        above = np.where(above == NONE, NONE, powers.parent[above])
    yield Remark("has an owner whom a lock above keeps from setting its permissions", powers.contents[nested[mine]])
