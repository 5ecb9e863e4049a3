"""The columns of a Site that somebody changed, made from those of the Site before: only what differs is made anew."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import TypeVar

import numpy as np

from tabwarden.engine.align import numbered_alike
from tabwarden.engine.columns import (
    EMPTY_LIST,
    GRANTEE_KINDS,
    NONE,
    Columns,
    Contents,
    Defaults,
    Groups,
    RuleLists,
    Users,
)
from tabwarden.engine.convert import columns_of
from tabwarden.model.site import ALLOW, NO_RULES, Content, Rules, Site


def columns_after(before: Site, columns: Columns, after: Site) -> Columns:
    """The columns of `after`; `columns` are those of `before`.

    Numbers stay, so that both can be compared row by row. Where somebody or something came or went, or speaks of what
    was never named before, everything is made anew.
    """
    if after.columns_beside is not None:
        beside = columns_of(after)
        if numbered_alike(columns, beside):
            return beside
    try:
        return _Changed(before, columns, after).made()
    except KeyError:
        return columns_of(after)


_Value = TypeVar("_Value")


def _that_differ(
    before: Mapping[str, _Value], after: Mapping[str, _Value], number_of: Callable[[str], int]
) -> dict[int, _Value]:
    """What differs, by its number. KeyError where somebody or something came, went or has another place."""
    if before is after:
        return {}
    unlike = after.unlike(before) if hasattr(after, "unlike") else None
    if unlike is not None and after.ordered_like(before):  # type: ignore[attr-defined]
        return {number_of(identifier): after[identifier] for identifier in unlike}
    if list(before) != list(after):
        raise KeyError("numbers")
    pairs = enumerate(zip(before.values(), after.values(), strict=True))
    return {number: new for number, (old, new) in pairs if new is not old and new != old}


class _Changed:
    """One later Site; KeyError where it has what the columns do not know. Only inside `columns_after`."""

    def __init__(self, before: Site, columns: Columns, after: Site) -> None:
        self.before, self.columns, self.after = before, columns, after
        self.codes = {
            name: {word: code for code, word in enumerate(getattr(columns.vocabulary, name))}
            for name in ("capabilities", "kinds", "modes", "roles")
        }
        self.lists: dict[Rules, int] = {NO_RULES: EMPTY_LIST}
        self.rows: list[list[tuple[int, int, int]]] = []

    def made(self) -> Columns:
        before, after = self.before, self.after
        same = before.group_sets is after.group_sets
        if not same and [*before.group_sets.values()] != [*after.group_sets.values()]:
            raise KeyError("group sets")
        contents = _that_differ(before.contents, after.contents, partial(self.columns.number_of, "content"))
        return replace(
            self.columns,
            about=replace(after, users={}, groups={}, group_sets={}, contents={}),
            users=self._users(),
            groups=self._groups(),
            contents=self._contents(contents),
            defaults=self._defaults(contents),
            rules=self._rules(),  # last: the others find new lists
        )

    def _users(self) -> Users:
        differing = _that_differ(self.before.users, self.after.users, partial(self.columns.number_of, "user"))
        if not differing:
            return self.columns.users
        role = self.columns.users.role.copy()
        for number, user in differing.items():
            role[number] = self.codes["roles"][user.site_role]
        return Users(role)

    def _groups(self) -> Groups:
        differing = _that_differ(self.before.groups, self.after.groups, partial(self.columns.number_of, "group"))
        groups = self.columns.groups
        if not differing:
            return groups
        everyone, read = groups.everyone.copy(), groups.read.copy()
        lists = np.split(groups.members, groups.offsets[1:-1])
        numbers = self.columns.grantee_numbers[0]
        for number, group in differing.items():
            everyone[number], read[number] = group.everyone, group.members is not None
            members = sorted(numbers[user] for user in group.members or ())
            lists[number] = np.array(members, groups.members.dtype)
        offsets = np.zeros(len(lists) + 1, np.int64)
        np.cumsum([len(listed) for listed in lists], out=offsets[1:])
        return groups._replace(everyone=everyone, read=read, offsets=offsets, members=np.concatenate(lists))

    def _contents(self, differing: Mapping[int, Content]) -> Contents:
        before = self.columns.contents
        if not differing:
            return before
        changed = Contents(*(column.copy() for column in before))
        users = self.columns.grantee_numbers[0]
        for number, content in differing.items():
            changed.kind[number] = self.codes["kinds"][content.kind]
            if content.parent != self.before.contents[content.id].parent:
                parent = NONE if content.parent is None else self.columns.content_numbers[content.parent]
                changed.parent[number] = parent
            changed.owner[number] = users[content.owner]
            changed.rules[number] = self._list(content.rules)
            changed.mode[number] = self.codes["modes"][content.mode]
            changed.tabs[number] = content.tabs
        return changed

    def _defaults(self, differing: Mapping[int, Content]) -> Defaults:
        before = self.columns.defaults
        old = self.before.contents
        concerned = {number: c for number, c in differing.items() if dict(c.defaults) != dict(old[c.id].defaults)}
        if not concerned:
            return before
        rows = [
            (number, self.codes["kinds"][kind], self._list(rules))
            for number, content in concerned.items()
            for kind, rules in content.defaults.items()
        ]
        stays = ~np.isin(before.content, list(concerned))
        more = np.array(rows, np.int64).reshape(-1, 3).T
        joined = (np.concatenate((old[stays], new)).astype(old.dtype) for old, new in zip(before, more, strict=True))
        return Defaults(*joined)

    # -- rules ------------------------------------------------------------------------------------------------

    def _list(self, rules: Rules | None) -> int:
        """The number of a list: a new one for each that a changed content has."""
        if rules is None:
            return NONE
        if rules not in self.lists:
            self.lists[rules] = len(self.columns.rules.offsets) - 1 + len(self.rows)
            self.rows.append(self._rows_of(rules))
        return self.lists[rules]

    def _rows_of(self, rules: Rules) -> list[tuple[int, int, int]]:
        masks: dict[int, list[int]] = {}
        for rule in rules:
            kind = GRANTEE_KINDS.index(rule.grantee.kind)
            code = self.columns.grantee_numbers[kind][rule.grantee.id] * 4 + kind
            mask = masks.setdefault(code, [0, 0])
            mask[rule.mode != ALLOW] |= 1 << self.codes["capabilities"][rule.capability]
        return [(code, masks[code][0], masks[code][1]) for code in sorted(masks)]

    def _rules(self) -> RuleLists:
        before = self.columns.rules
        if not self.rows:
            return before
        ends = before.offsets[-1] + np.cumsum([len(rows) for rows in self.rows])
        rows = [row for rows in self.rows for row in rows]
        columns = [
            np.concatenate((old, np.array([row[place] for row in rows], old.dtype)))
            for place, old in enumerate((before.grantee, before.allow, before.deny))
        ]
        return RuleLists(np.concatenate((before.offsets, ends.astype(before.offsets.dtype))), *columns)
